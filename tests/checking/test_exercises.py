"""Exercises: what makes one, what an answer gets, what is shown, what is withheld."""
import json
import os
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from nnbook.checking import _exercise_page as page
from nnbook.checking import exercises as ex
from nnbook.checking.exercises import Choice, Code, Formula, Line, Mistake, Number, Repair
from nnbook.checking.judge import judge

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests/checking/samples/ch99.py"
FILES = [SAMPLES, *sorted((ROOT / "book/exercises").glob("ch*.py"))]
ALL = [e for path in FILES for e in ex.load(path).values()]
BOOK = [e for path in FILES[1:] for e in ex.load(path).values()]


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A folder below one that holds exercises/ch99.py, as a chapter's kernel sees it."""
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises/ch99.py").write_text(SAMPLES.read_text(encoding="utf-8"), "utf-8")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    monkeypatch.delenv("NNBOOK_HTML", raising=False)
    monkeypatch.delenv("NNBOOK_SOLUTIONS", raising=False)
    return tmp_path


def sample(number):
    return ex.load(SAMPLES)[number]


# Every exercise of the book, and one of every kind

@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.number)
def test_right_answers_are_right_and_each_mistake_gets_its_own_hint(exercise):
    if exercise.kind == "code":
        answers = [(f, None) for f in exercise.right] + [(m.answer, m) for m in exercise.mistakes]
        found = [(exercise._judge(f), m) for f, m in answers]
    else:
        answers = [(a, None) for a in exercise.right_answers()] + exercise.wrong_answers()
        found = [(judge(exercise.record(), a), m) for a, m in answers]
    for verdict, mistake in found:
        if mistake is None:
            assert (verdict["verdict"], verdict["mistake"]) == ("right", None)
        else:
            assert (verdict["verdict"], verdict["mistake"]) == ("wrong", mistake.name)
            assert mistake.hint in verdict["message"]
    assert len({m.hint for _, m in found if m}) == len(exercise.mistakes) >= 4


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.number)
def test_the_solution_runs_and_its_answer_passes_the_check(exercise):
    source, output = ex.run(exercise)
    assert "return" in source or "lambda" in source
    assert output or exercise.kind == "code"


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.number)
def test_the_record_is_plain_data_without_the_solution(exercise):
    text = json.dumps(exercise.record(), allow_nan=False)
    assert exercise.solution not in text
    for form in exercise.right if exercise.kind in ("formula", "repair") else ():
        assert form not in text or len(form) < 4


def test_every_chapter_has_three_exercises_and_one_to_repair():
    for path in FILES[1:]:
        if path.stem == "ch00":
            continue
        kinds = [e.kind for e in ex.load(path).values()]
        assert len(kinds) >= 3
        assert "repair" in kinds


def test_every_repair_ends_where_it_does_not_begin():
    for exercise in (e for e in ALL if e.kind == "repair"):
        _, start, end = exercise.counterexample
        assert start != pytest.approx(end, rel=1e-6)


# Answers given in a notebook

@pytest.mark.parametrize(("number", "answer", "right", "words"), [
    ("99.1", "σ(z)(1-σ(z))", True, "agrees with the slope at all 14"),
    ("99.1", "2sigma(z)", False, "At z = 2 your formula gives 1.762; the slope is 0.105."),
    ("99.1", "sigma(z)(1-sigma(z)) H(z)", False, "at 6 of the 14 points tried, between −4.8"),
    ("99.1", "sqrt(z)", False, "your formula gives 1.414"),
    ("99.1", "sigma(z)(1-sigma(z))*1.0001", False, "gives 0.105004; the slope is 0.104994"),
    ("99.1", "<script>alert(1)</script>", None, "character “<”"),
    ("99.1", 3, None, "A formula is expected"), ("99.1", None, None, "found NoneType"),
    ("99.1", [1], None, "A formula is expected"),
    ("99.2", "n*m + n + m", False, "At m = "),
    ("99.3", "(1+sign(z))/2", False, "At 0 this book takes 0."),
    ("99.4", (3, ""), False, "Line 3 is line 2"), ("99.4", (4, "z"), False, "Line 4 follows from"),
    ("99.4", (2, "z"), False, "Line 2 is the false one. At z = 2"),
    ("99.4", (2, ""), None, "Line 2 is the false one. Nothing is written"),
    ("99.4", (2, "exp(-z)/(1+exp(-z))^2"), True, "line 2 is the false one, and"),
    ("99.4", (1, "z"), None, "lines 2 to 4"), ("99.4", "2", None, "number of the false line"),
    ("99.4", (True, "z"), None, "found tuple"), ("99.4", (2, 5), None, "A formula is expected"),
    ("99.5", 0.6931, True, "Right."), ("99.5", "0,693 nats", True, "Right."),
    ("99.5", "69.31 %", True, "Right."), ("99.5", "%", None, "Nothing is written"),
    ("99.5", sp.log(2), True, "Right."), ("99.5", np.float32(0.6931), True, "Right."),
    ("99.5", np.array(0.6931), True, "Right."), ("99.5", Fraction(6931, 10000), True, "Right."),
    ("99.5", -0.6931, False, "the sign is not"), ("99.5", 0.69, False, "within 0.001"),
    ("99.5", 5, False, "5, is too large"), ("99.5", "ln(3)", False, "1.09861, is too large"),
    ("99.5", 1, False, "One bit"), ("99.5", True, None, "found bool"),
    ("99.5", float("nan"), None, "nan; a finite"), ("99.5", float("inf"), None, "inf; a finite"),
    ("99.5", "1/0", None, "no finite value"), ("99.5", "0.7 bits", None, "“bits” is not known"),
    ("99.5", 1j, None, "found complex"), ("99.5", np.zeros(2), None, "found ndarray"),
    ("99.6", "100,480", True, "Right."), ("99.6", "100 480", True, "Right."),
    ("99.6", "100.480", False, "is too small"), ("99.6", 100480.0, True, "Right."),
    ("99.6", 100480.1, False, "too large"), ("99.6", 2**200, False, "too large"),
    ("99.7", "a, c", True, "Right."), ("99.7", ["c", "a"], True, "Right."),
    ("99.7", {"A", "C"}, True, "Right."), ("99.7", {"a", "d"}, False, "1 should not be there"),
    ("99.7", "", None, "Nothing is chosen"), ("99.7", "ax", None, "“ax” is not an option"),
    ("99.7", 3, None, "A choice is expected"), ("99.8", "a, b", None, "Choose one option"),
    ("99.8", "b", True, "Right."), ("99.9", 3, None, "A function backward"),
])
def test_an_answer_gets_its_verdict(number, answer, right, words):
    found = sample(number).check(answer)
    assert found.right is right
    assert words in found.message
    assert bool(found) is (right is True)


def test_a_sympy_answer_is_compared_by_its_values():
    z, q = sp.symbols("z q")
    exercise = sample("99.1")
    assert exercise.check(sp.diff(1 / (1 + sp.exp(-z)), z))
    assert exercise.check(1 - 1 / (1 + sp.exp(-z))).mistake == "logarithm"
    assert "contains q" in exercise.check(q * z).message
    assert "no value" in exercise.check(sp.log(-z)).message


def test_a_function_is_run_and_its_failures_are_told():
    exercise = sample("99.9")
    reference = exercise.right[0]

    def wrong_shape(g, w):
        return g, g.sum(axis=0)

    def wrong_number(g, w):
        return g @ w + 1e-3, g.sum(axis=0)

    def raises(g, w):
        raise KeyError("W")

    for function, words in [
        (reference, "Right on all 3 cases"), (wrong_shape, "In case 1 of 3 (g of shape (2, 3), w"),
        (wrong_number, "result 1 at [0, 0] is"), (raises, "raises KeyError: 'W'"),
        (lambda g, w: None, "is a return missing"), (lambda g: g, "raises TypeError"),
        (lambda g, w: (g @ w,), "1 array; 2 expected"),
        (lambda g, w: ("a", "b"), "1 array; 2 expected"),
        (lambda g, w: (np.array([["a"] * 3] * 2), g[0]), "<U1; numbers are expected"),
        (exercise.mistakes[3].answer, "Do not write"),
    ]:
        assert words in exercise.check(function).message


def test_a_verdict_reads_well_and_is_the_same_each_time(book):
    found = ex.check("99.5", 0.6931)
    assert repr(found) == "✓ Exercise 99.5. Right."
    assert repr(ex.check("99.5", 1)) == "✗ Exercise 99.5. One bit is asked in nats."
    assert repr(ex.check("99.1", "z")) == repr(ex.check("99.1", "z"))


def test_dots_are_not_an_answer_yet(book):
    for number in ex.load(book / "exercises/ch99.py"):
        found = ex.check(number)
        assert found.right is None
        assert f'replace the dots, check("{number}", ' in found.message


# Finding the file

def test_the_file_is_found_from_below_and_a_wrong_number_lists_the_right_ones(book):
    assert ex.find("99.5").number == "99.5"
    with pytest.raises(ValueError, match=r"no exercise 99\.77; chapter 99 has 99\.1, 99\.2"):
        ex.check("99.77", 1)
    with pytest.raises(FileNotFoundError, match=r"exercises/ch98\.py"):
        ex.exercise("98.1")
    for wrong in (99.5, 99, None):
        with pytest.raises(TypeError, match="in quotes"):
            ex.solution(wrong)
    for wrong in ("", "99", "../../etc", "99.5.1", "٩.١"):
        with pytest.raises(ValueError, match="chapter and place"):
            ex.find(wrong)


def test_a_file_that_was_edited_is_read_again(book):
    path = book / "exercises/ch99.py"
    assert ex.find("99.5").title == "Nats"
    path.write_text(path.read_text("utf-8").replace('"Nats"', '"Bits"'), "utf-8")
    os.utime(path, ns=(1, 1))
    assert ex.find("99.5").title == "Bits"


LOADED = "from nnbook.checking.exercises import load\nEXERCISES = list(load(r'@').values())"


@pytest.mark.parametrize(("text", "message"), [
    ("", "must define EXERCISES"), ("EXERCISES = [1]", "must define EXERCISES"),
    (LOADED + "\nEXERCISES += EXERCISES[:1]", "share a number"),
    (LOADED, r"99\.1 belongs to another chapter"),
])
def test_a_file_that_is_wrong_is_refused(tmp_path, text, message):
    path = tmp_path / "ch97.py"
    path.write_text(text.replace("@", str(SAMPLES)), "utf-8")
    with pytest.raises(ValueError, match=message):
        ex.load(path)


# What is shown

def test_a_notebook_shows_markdown_and_a_page_a_form(book, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.get_ipython", lambda: object())
    monkeypatch.setattr("IPython.display.display", lambda data, raw, metadata: shown.append(
        (data, metadata["nnbook"])))
    ex.exercise("99.4")
    ex.solution("99.4")
    monkeypatch.setenv("NNBOOK_HTML", "1")
    ex.exercise("99.4")
    ex.solution("99.4")
    (note, about), (folded, _), (form, _), (details, _) = shown
    assert about == {"kind": "exercise", "number": "99.4", "type": "repair", "anchor": "ex-99-4"}
    assert set(note) == set(folded) == {"text/plain", "text/markdown"}
    assert set(form) == set(details) == {"text/plain", "text/html"}
    assert "At z = 2 the first line is 0.105, the last is −0.105: one line is false." in \
        note["text/plain"]
    assert 'id="ex-99-4"' in form["text/html"]
    assert '<span class="math notranslate nohighlight">\\(' in form["text/html"]
    assert details["text/html"].startswith("<details")
    assert "def</span>" in details["text/html"]


@pytest.mark.parametrize("html", ["0", "1"])
def test_solutions_are_withheld_by_the_switch_in_prose_in_code_and_in_the_form(
        book, monkeypatch, capsys, html):
    monkeypatch.setenv("NNBOOK_SOLUTIONS", "0")
    monkeypatch.setenv("NNBOOK_HTML", html)
    for number, exercise in ex.load(book / "exercises/ch99.py").items():
        ex.solution(number)
        printed = capsys.readouterr().out
        assert "is withheld" in printed
        assert exercise.solution not in printed + page.form(exercise)
        assert f"def {exercise.code.__name__}" not in printed + page.form(exercise)


def test_a_solution_that_fails_its_own_check_stops_the_build(book, monkeypatch):
    found = ex.find("99.5")
    monkeypatch.setattr(found, "code", lambda: 0.5)
    with pytest.raises(RuntimeError, match=r"99\.5 fails its own check"):
        ex.solution("99.5")


def test_statements_options_and_output_are_escaped():
    exercise = sample("99.7")
    html = page.form(exercise) + page.solution_html(exercise, "x = '<b>'", "<img src=x>")
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "<img" not in html
    assert "<b>'" not in html


def test_ids_are_unique_in_a_page_of_exercises():
    found = re.findall(r'\bid="([^"]+)"', "".join(page.form(e) for e in ALL))
    assert len(found) == len(set(found))


def test_outside_a_notebook_the_statement_is_printed():
    run = subprocess.run(
        [sys.executable, "-c", "from nnbook.checking.exercises import exercise; exercise('5.1')"],
        capture_output=True, text=True, encoding="utf-8", cwd=ROOT / "book",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)})
    assert run.stderr == ""
    assert run.stdout.startswith("Exercise 5.1. ")


# What the constructors refuse

def mistakes(*answers):
    return [Mistake(f"name {i}", a, f"hint {i}") for i, a in enumerate(answers)]


PARTS = {"solution": "Prose.", "code": lambda: None}
WRONG = ("z", "2z", "3z", "4z")
FORMS = ("z^2", "z*z", "z**2")


def formula(**changes):
    parts = {"variables": {"z": (-3, 3)}, "right": FORMS, "mistakes": mistakes(*WRONG), **PARTS}
    return Formula("9.1", "Title", "Statement", **{**parts, **changes})


@pytest.mark.parametrize(("changes", "message"), [
    ({"mistakes": mistakes("z", "2z", "3z")}, "3 typical wrong answers"),
    ({"mistakes": mistakes("z", "2z", "3z", "z z")}, "'name 3' is right"),
    ({"mistakes": mistakes("z", "2z", "3z", "z + z")}, "'name 3' is taken for 'name 1'"),
    ({"mistakes": [*mistakes("z", "2z", "3z"), Mistake("n", "4z", "hint 0")]}, "share the hint"),
    ({"mistakes": [*mistakes("z", "2z", "3z"), Mistake("name 0", "4z", "h")]}, "share the name"),
    ({"mistakes": [*mistakes("z", "2z", "3z"), Mistake("n", "4z", "")]}, "empty hint"),
    ({"right": ("z^2", "z*z")}, "2 forms"), ({"right": ("z^2", "z^ 2", "z*z")}, "2 forms"),
    ({"right": ("z^2", "z*z", "z^3")}, "'z\\^3' is refused"),
    ({"right": ("z^2", "z*z", "q")}, "“q” is not known"),
    ({"right": ("log(-z^2)", "log(0-z^2)", "log(-z z)")}, "value at 0 points"),
    ({"variables": {"z": (3, -3)}}, "must be \\(low, high\\)"),
    ({"solution": " "}, "solution is empty"), ({"code": None}, "code must be a function"),
])
def test_an_incomplete_formula_is_refused(changes, message):
    formula()
    with pytest.raises(ValueError, match=message):
        formula(**changes)


def test_other_incomplete_exercises_are_refused():
    lines = [Line("z^2", "z^2"), Line("z", "z"), Line("z", "z+0")]
    bad = mistakes((3, None), (2, "2z"), (2, "3z"), (2, "4z"))
    repair = {"variables": {"z": (-3, 3)}, "right": FORMS, **PARTS}
    Repair("9.1", "T", "S", lines=lines, mistakes=bad, **repair)
    for changes, message in [
        ({"lines": [*lines, Line("0", "0")]}, r"lines \[2, 4\] differ"),
        ({"lines": lines[1:]}, r"lines \[\] differ"),
        ({"right": ("2z", "z+z", "z*2")}, "does not equal line 1"),
        ({"mistakes": mistakes((3, "z"), (2, "2z"), (2, "3z"), (2, "4z"))}, "false line alone"),
        ({"mistakes": mistakes((7, None), (2, "2z"), (2, "3z"), (2, "4z"))}, "names no line"),
    ]:
        with pytest.raises(ValueError, match=message):
            Repair("9.1", "T", "S", **{"lines": lines, "mistakes": bad, **repair, **changes})
    with pytest.raises(ValueError, match="the options \\['e'\\] have no hint"):
        Choice("9.1", "T", "S", options=dict.fromkeys("abcdef", "x"), right="f",
               mistakes=mistakes(*"abcd"), **PARTS)
    with pytest.raises(ValueError, match="not among the options"):
        Choice("9.1", "T", "S", options=dict.fromkeys("abcde", "x"), right="f",
               mistakes=mistakes(*"abcd"), **PARTS)
    with pytest.raises(ValueError, match="'name 0' is right"):
        Number("9.1", "T", "S", right=1, tolerance=0.5, mistakes=mistakes(1.2, 2, 3, 4), **PARTS)
    with pytest.raises(ValueError, match="is not a number"):
        Number("9.1", "T", "S", right="q", mistakes=mistakes(1.2, 2, 3, 4), **PARTS)
    with pytest.raises(ValueError, match="number must be a string"):
        Number(9.1, "T", "S", right=1, mistakes=mistakes(2, 3, 4, 5), **PARTS)
    with pytest.raises(ValueError, match="taken for"):
        Code("9.1", "T", "S", call="f(x)", right=lambda x: x, cases=[(1.0,), (2.0,)],
             mistakes=mistakes(*[lambda x: x + 1] * 4), **PARTS)
