"""Exercises: shown, checked and solved, in a notebook and in a page without a kernel.

An author writes ``book/exercises/ch05.py`` with a list ``EXERCISES``; a chapter shows each
with ``exercise("5.2")``, the reader answers with ``check("5.2", ...)`` or in the page's form,
and ``solution("5.2")`` holds the solution, folded, its code executed. A teacher withholds all
solutions by setting ``NNBOOK_SOLUTIONS=0``.

Kinds: `Number`, `Choice`, `Formula`, `Repair` (find and mend the false line of a derivation)
and `Code` (a function, checked in the notebook only). Every kind holds its typical wrong
answers (`Mistake`) with their hints, and refuses to be made with fewer than four.
"""
import contextlib
import importlib.util
import inspect
import io
import os
import re
import sys
import textwrap
from pathlib import Path

from nnbook.checking import _exercise_page as page
from nnbook.checking._display import building_book
from nnbook.checking._exercise_code import Code
from nnbook.checking._exercise_types import (
    Choice,
    Exercise,
    Formula,
    Line,
    Mistake,
    Number,
    Repair,
    Verdict,
)

__all__ = ["Choice", "Code", "Exercise", "Formula", "Line", "Mistake", "Number", "Repair",
           "Verdict", "check", "exercise", "find", "load", "solution"]

_loaded = {}


def load(path):
    """Read a chapter's exercises.

    Parameters
    ----------
    path : str or Path
        The file ``chNN.py``.

    Returns
    -------
    exercises : dict of str to Exercise
        By number, in the order of the file.

    Raises
    ------
    ValueError
        If the file defines no list ``EXERCISES``, or two exercises share a number, or one
        belongs to another chapter.
    """
    path = Path(path).resolve()
    stamp = path.stat().st_mtime_ns
    if path in _loaded and _loaded[path][0] == stamp:
        return _loaded[path][1]
    spec = importlib.util.spec_from_file_location(f"nnbook_exercises_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    listed = getattr(module, "EXERCISES", None)
    if not isinstance(listed, (list, tuple)) or not all(isinstance(e, Exercise) for e in listed):
        raise ValueError(f"{path.name} must define EXERCISES, a list of exercises")
    found = {e.number: e for e in listed}
    if len(found) < len(listed):
        raise ValueError(f"{path.name}: two exercises share a number: "
                         f"{[e.number for e in listed]}")
    chapter = re.fullmatch(r"ch0*([0-9]+)", path.stem)
    strangers = [n for n in found if chapter and n.split(".")[0] != chapter[1]]
    if strangers:
        raise ValueError(f"{path.name}: exercise {strangers[0]} belongs to another chapter")
    _loaded[path] = stamp, found
    return found


def find(number):
    """Return the exercise with this number.

    The file is ``exercises/chNN.py`` or ``book/exercises/chNN.py``, in the current folder or
    one above it.

    Parameters
    ----------
    number : str
        Chapter and place, ``"5.2"``.

    Returns
    -------
    Exercise

    Raises
    ------
    TypeError
        If ``number`` is not a text.
    FileNotFoundError
        If no file of exercises is found for the chapter.
    ValueError
        If the file has no exercise of that number; the message lists those it has.
    """
    if not isinstance(number, str):
        raise TypeError(f"the exercise's number is a text, such as \"5.2\" in quotes; "
                        f"got {number!r} ({type(number).__name__})")
    if not re.fullmatch(r"[0-9]{1,3}\.[0-9]{1,3}", number):
        raise ValueError(f"the exercise's number is chapter and place, such as \"5.2\"; "
                         f"got {number[:40]!r}")
    name = f"ch{int(number.split('.')[0]):02d}.py"
    here = Path.cwd()
    for folder in (here, *here.parents):
        for path in (folder / "exercises" / name, folder / "book" / "exercises" / name):
            if path.is_file():
                known = load(path)
                if number in known:
                    return known[number]
                raise ValueError(f"there is no exercise {number}; chapter "
                                 f"{number.split('.')[0]} has {', '.join(known)}")
    raise FileNotFoundError(f"no exercises for chapter {number.split('.')[0]}: looked for "
                            f"exercises/{name} and book/exercises/{name} here and in the folders "
                            "above; run this from the book's folder")


def _show(plain, markdown, html, about):
    """Display in the form that the place can show, with what the build reads as metadata."""
    data = {"text/plain": plain}
    data |= {"text/html": html()} if building_book() else {"text/markdown": markdown}
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        get_ipython = None
    if get_ipython is None or get_ipython() is None:
        print(plain)
    else:
        display(data, raw=True, metadata={"nnbook": about})


def exercise(number):
    """Show an exercise: in the page a form that checks answers, elsewhere its statement.

    Parameters
    ----------
    number : str
        Chapter and place, ``"5.2"``.

    Raises
    ------
    TypeError, FileNotFoundError, ValueError
        As `find`.
    """
    found = find(number)
    text = page.markdown(found)
    about = {"kind": "exercise", "number": number, "type": found.kind, "anchor": found.anchor}
    _show(page.plain(found), text, lambda: page.form(found), about)


def check(number, answer=...):
    """Check an answer.

    Parameters
    ----------
    number : str
        Chapter and place, ``"5.2"``.
    answer : object
        A number or text for a number, a key or a set of keys for a choice, text or a SymPy
        expression for a formula, ``(line, formula)`` for a repair, a function for code.
        ``...`` stands for no answer yet.

    Returns
    -------
    Verdict
        True in an ``if`` where the answer is right; shows the verdict and the hint.

    Raises
    ------
    TypeError, FileNotFoundError, ValueError
        As `find`, for the number. An answer of the wrong type raises nothing: the verdict
        says what was found and what is expected.
    """
    found = find(number)
    if answer is ...:
        return Verdict(number, None, "Not answered yet: replace the dots, "
                                     f"{page.call(found)}, and run this cell.")
    return found.check(answer)


def solution(number):
    """Show the solution, folded: the prose, the code, and what the code prints.

    The code runs each time, and its answer goes through the exercise's own check. With
    ``NNBOOK_SOLUTIONS=0`` in the environment the solution is withheld.

    Parameters
    ----------
    number : str
        Chapter and place, ``"5.2"``.

    Raises
    ------
    RuntimeError
        If the solution's own answer is not right.
    TypeError, FileNotFoundError, ValueError
        As `find`.
    """
    found = find(number)
    about = {"kind": "solution", "number": number, "type": found.kind}
    if os.environ.get("NNBOOK_SOLUTIONS", "1") == "0":
        text = f"The solution of exercise {number} is withheld in this edition."
        _show(text, text, lambda: f'<p class="nn-withheld">{text}</p>', about)
        return
    source, output = run(found)
    _show(f"Solution {number} (folded in the page)\n\n{found.solution}\n\n{source}\n{output}",
          page.solution_markdown(found, source, output),
          lambda: page.solution_html(found, source, output), about)


def run(found):
    """Run an exercise's solution; return its source and what it printed.

    Raises
    ------
    RuntimeError
        If what the code returns is not a right answer.
    """
    source = "\n\n\n".join(textwrap.dedent(inspect.getsource(function)).rstrip()
                           for function in (*found.helpers, found.code))
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        answer = found.code()
    verdict = found.check(answer)
    if not verdict:
        raise RuntimeError(f"the solution of exercise {found.number} fails its own check: "
                           f"{verdict.message}")
    output = printed.getvalue().rstrip()
    if not callable(answer):
        if hasattr(answer, "dtype") and answer.ndim == 0:
            answer = answer.item()
        # A set's own order changes from run to run, and what is shown must not.
        text = f"{{{', '.join(map(repr, sorted(answer)))}}}" if isinstance(answer, set) \
            else repr(answer)
        output = f"{output}\n{found.code.__name__}() = {text}".strip()
    return source, output
