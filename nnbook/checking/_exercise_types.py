"""The kinds of exercise that a page can check without a kernel; see `nnbook.checking.exercises`."""
import inspect
import itertools
import numbers
import re
from typing import NamedTuple

import numpy as np

from nnbook.checking._exercise_points import sample
from nnbook.checking.grammar import FormulaError, evaluate, parse
from nnbook.checking.judge import agree, judge, judge_values, values_of


class Mistake(NamedTuple):
    """A typical wrong answer: its name, the answer itself, and the hint that it gets."""

    name: str
    answer: object
    hint: str


class Line(NamedTuple):
    """A line of a derivation: as it is printed, as a formula to evaluate, and its reason."""

    latex: str
    formula: str
    reason: str = ""


class Verdict(NamedTuple):
    """What `check` returns: the exercise's number, ``right``, ``message`` and ``mistake``.

    ``right`` is True, False, or None where nothing could be judged; ``mistake`` is the name of
    the typical error, or None. In an ``if`` it is true where the answer is right.
    """

    number: str
    right: bool | None
    message: str
    mistake: str | None = None

    def __bool__(self):
        return self.right is True

    def __repr__(self):
        sign = {True: "✓", False: "✗", None: "–"}[self.right]
        return f"{sign} Exercise {self.number}. {self.message}"


class Exercise:
    """What every kind shares; the constructor refuses an exercise that is not complete.

    Parameters
    ----------
    number : str
        Chapter and place, ``"5.2"``.
    title : str
        A few words, without mathematics.
    statement : str
        Markdown, with ``$...$`` for mathematics.
    mistakes : sequence of Mistake
        At least four typical wrong answers, with distinct names and distinct hints. Hints are
        plain text (``σ′``, ``1/N``), the same in the page and in the notebook.
    solution : str
        Markdown: how to get there.
    code : function
        Takes no argument, prints what is worth seeing, returns a right answer. The page shows
        its source and its output.
    helpers : sequence of function, optional
        Functions that the code calls, whose source is to be shown above it.

    Raises
    ------
    ValueError
        If a part is missing, or two parts contradict each other.
    """

    kind = ""

    def __init__(self, number, title, statement, *, mistakes, solution, code, helpers=()):
        if not (isinstance(number, str) and re.fullmatch(r"[0-9]+\.[0-9]+", number)):
            raise ValueError(f"number must be a string such as '5.2', got {number!r}")
        self.number, self.title, self.statement = number, title, inspect.cleandoc(statement)
        self.mistakes, self.solution, self.code = tuple(mistakes), inspect.cleandoc(solution), code
        self.helpers = tuple(helpers)
        for name in ("title", "statement", "solution"):
            self.require(str(getattr(self, name)).strip(), f"{name} is empty")
        self.require(callable(code), "code must be a function without arguments")
        self.require(len(self.mistakes) >= 4,
                     f"{len(self.mistakes)} typical wrong answers; at least 4 are needed")
        for part in ("name", "hint"):
            found = [getattr(m, part) for m in self.mistakes]
            self.require(all(found), f"a mistake has an empty {part}")
            twice = sorted({x for x in found if found.count(x) > 1})
            self.require(not twice, f"two mistakes share the {part} {twice[:1]}")

    def require(self, condition, message):
        if not condition:
            raise ValueError(f"exercise {self.number}: {message}")

    @property
    def anchor(self):
        """The id of the exercise in the page: ``ex-5-2``."""
        return "ex-" + self.number.replace(".", "-")

    def record(self):
        """Return the answer data from which both evaluators judge."""
        return self._record

    def right_answers(self):
        """Return right answers in the page's form."""
        raise NotImplementedError

    def wrong_answers(self):
        """Return (answer in the page's form, Mistake) for every typical wrong answer."""
        return [(self.typed(m.answer), m) for m in self.mistakes]

    def typed(self, answer):
        """Bring an answer from a notebook into the page's form, or raise TypeError."""
        raise NotImplementedError

    def check(self, answer):
        """Judge an answer given in a notebook and return a Verdict."""
        try:
            found = self._judge(answer)
        except TypeError as error:
            return Verdict(self.number, None, str(error))
        right = {"right": True, "wrong": False, "unread": None}[found["verdict"]]
        return Verdict(self.number, right, found["message"], found["mistake"])

    def _judge(self, answer):
        return judge(self.record(), self.typed(answer))

    def _check_mistakes(self):
        """Refuse a mistake that the exercise's own record does not recognise as that mistake."""
        for answer in self.right_answers():
            found = judge(self.record(), answer)
            self.require(found["verdict"] == "right",
                         f"its own right answer {answer!r} is refused: {found['message']}")
        for answer, mistake in self.wrong_answers():
            found = judge(self.record(), answer)
            self.require(found["verdict"] != "right", f"the mistake {mistake.name!r} is right")
            self.require(found["mistake"] == mistake.name,
                         f"the mistake {mistake.name!r} is taken for {found['mistake']!r}")


def _found(answer):
    return f"{type(answer).__name__} {str(answer)[:40]!r}"


class Number(Exercise):
    """A number, exact or within ``tolerance``; words in ``units`` may follow it.

    ``right`` and the mistakes' answers are numbers or formulas such as ``"ln(2)"``.
    """

    kind = "number"

    def __init__(self, number, title, statement, *, right, tolerance=0, units=(), **parts):
        super().__init__(number, title, statement, **parts)
        self.require(tolerance >= 0, f"tolerance must not be negative, got {tolerance}")
        self.right, self.tolerance, self.units = right, tolerance, tuple(units)
        self._record = {
            "type": "number", "number": number, "value": self._value(right),
            "tolerance": float(tolerance), "units": list(units),
            "mistakes": [{"name": m.name, "hint": m.hint, "value": self._value(m.answer)}
                         for m in self.mistakes],
        }
        self._check_mistakes()

    def _value(self, x):
        try:
            return float(evaluate(parse(self.typed(x)), [[]])[0])
        except (TypeError, FormulaError) as error:
            raise ValueError(f"exercise {self.number}: {x!r} is not a number: {error}") from None

    def right_answers(self):
        units = [f"{self.typed(self.right)} {unit}" for unit in self.units]
        return [self.typed(self.right), *units]

    def typed(self, answer):
        if isinstance(answer, str):
            return answer
        if isinstance(answer, np.ndarray) and answer.ndim == 0:
            answer = answer[()]
        if isinstance(answer, numbers.Real) and not isinstance(answer, (bool, np.bool_)):
            if not np.isfinite(float(answer)):
                raise TypeError(f"The answer is {float(answer)}; a finite number is expected.")
            return repr(int(answer) if isinstance(answer, numbers.Integral) else float(answer))
        if hasattr(answer, "evalf") and not getattr(answer, "free_symbols", True):
            return repr(float(answer))
        raise TypeError(f"A number is expected, or a text such as \"1/4\"; found {_found(answer)}.")


class Choice(Exercise):
    """One option of several (``right="b"``), or a set of them (``right={"a", "c"}``).

    ``options`` maps keys to Markdown. Where one option is asked for, every other option needs
    its own mistake.
    """

    kind = "choice"

    def __init__(self, number, title, statement, *, options, right, **parts):
        super().__init__(number, title, statement, **parts)
        self.options, self.several = dict(options), not isinstance(right, str)
        self.right = right
        keys = list(self.options)
        for key in keys:
            self.require(re.fullmatch("[a-z0-9]+", str(key)), f"the key {key!r} is not a-z, 0-9")
        for answer in (right, *(m.answer for m in self.mistakes)):
            unknown = set(self._keys(answer)) - set(keys)
            self.require(not unknown, f"{sorted(unknown)} is not among the options {keys}")
        self._record = {
            "type": "choice", "number": number, "keys": keys, "several": self.several,
            "right": self.typed(right),
            "mistakes": [{"name": m.name, "hint": m.hint, "keys": self.typed(m.answer)}
                         for m in self.mistakes],
        }
        if not self.several:
            bare = set(keys) - {right} - {m.answer for m in self.mistakes}
            self.require(not bare, f"the options {sorted(bare)} have no hint")
        self._check_mistakes()

    @staticmethod
    def _keys(answer):
        if isinstance(answer, str):
            return re.findall("[A-Za-z0-9]+", answer)
        if isinstance(answer, (set, frozenset, list, tuple)) and \
                all(isinstance(k, str) for k in answer):
            return list(answer)
        raise TypeError("A choice is expected: a key such as \"a\", or several such as "
                        f"{{\"a\", \"c\"}}; found {_found(answer)}.")

    def right_answers(self):
        return [self.typed(self.right)]

    def typed(self, answer):
        keys = list(dict.fromkeys(key.lower() for key in self._keys(answer)))
        unknown = [key for key in keys if key not in self.options]
        if unknown:
            raise TypeError(f"“{unknown[0][:30]}” is not an option; the options are "
                            f"{', '.join(self.options)}.")
        if len(keys) > 1 and not self.several:
            raise TypeError(f"Choose one option, found {len(keys)}.")
        return [key for key in self.options if key in keys]


class Formula(Exercise):
    """A formula, compared by its values at sample points.

    Parameters
    ----------
    variables : dict
        Name to domain: ``(low, high)``, open, or a ``range`` for whole numbers.
    right : sequence of str
        At least three forms of the right answer, in the grammar of `nnbook.checking.grammar`.
    what : str
        What the formula is, for messages: ``"the slope"``.
    points : sequence of tuple, optional
        The sample points, if the ones made from the domains do not serve.
    """

    kind = "formula"

    def __init__(self, number, title, statement, *, variables, right, what="the right value",
                 points=None, **parts):
        super().__init__(number, title, statement, **parts)
        self.variables, self.what, self.right = dict(variables), what, tuple(right)
        spelled = {re.sub(r"\s", "", form) for form in self.right}
        self.require(len(spelled) >= 3, f"{len(spelled)} forms of the right formula; 3 are needed")
        points = sample(self.variables) if points is None else [list(p) for p in points]
        self._record = {"type": self.kind, "number": number, "variables": list(self.variables),
                        "points": points, "what": what, "mistakes": []}
        self._record["values"] = self._values(self.right[0])
        known = sum(v is not None for v in self._record["values"])
        self.require(known >= 6, f"the right formula has a value at {known} points only")
        self._finish()

    def _finish(self):
        self._record["mistakes"] = [
            {"name": m.name, "hint": m.hint, "values": self._values(m.answer)}
            for m in self.mistakes]
        self._check_mistakes()

    def _values(self, text):
        """Evaluate, rounded to 12 figures, which is the same on every processor."""
        try:
            values = values_of(self._record, text)
            return [None if v is None else float(f"{v:.12g}") for v in values]
        except FormulaError as error:
            raise ValueError(f"exercise {self.number}: {text!r}: {error}") from None

    def right_answers(self):
        return list(self.right)

    def typed(self, answer):
        if isinstance(answer, str):
            return answer
        raise TypeError("A formula is expected, as text such as \"z^2\" or as a SymPy "
                        f"expression; found {_found(answer)}.")

    def _judge(self, answer):
        if hasattr(answer, "free_symbols") and hasattr(answer, "evalf"):
            return judge_values(self.record(), self._sympy_values(answer))
        return super()._judge(answer)

    def _sympy_values(self, expression):
        names = {str(s): s for s in expression.free_symbols}
        unknown = sorted(set(names) - set(self.variables))
        if unknown:
            raise TypeError(f"The expression contains {unknown[0]}; the variables are "
                            f"{', '.join(self.variables)}.")
        values = []
        for point in self._record["points"]:
            at = {names[n]: x for n, x in zip(self.variables, point, strict=True) if n in names}
            value = complex(expression.subs(at).evalf())
            real = np.isfinite(value.real) and abs(value.imag) < 1e-12
            values.append(value.real if real else None)
        return values


class Repair(Formula):
    """A derivation with one false line: the reader names the line and gives its right side.

    Parameters
    ----------
    lines : sequence of Line
        The first is what the derivation starts from. Exactly one line differs from the line
        before it; the constructor finds it.
    variables, right, points
        As for `Formula`; ``right`` is what the false line should say.
    mistakes : sequence of Mistake
        Their answers are ``(line, formula)``, or ``(line, None)`` for a line that is sound.
    """

    kind = "repair"

    def __init__(self, number, title, statement, *, variables, lines, right, **parts):
        self.lines = tuple(Line(*line) for line in lines)
        super().__init__(number, title, statement, variables=variables, right=right,
                         what="the right side", **parts)

    def _finish(self):
        values = [self._values(line.formula) for line in self.lines]
        false = [i + 2 for i, (a, b) in enumerate(itertools.pairwise(values))
                 if not agree(b, a).all()]
        self.require(len(false) == 1, f"lines {false} differ from the line before them; "
                                      "exactly one must")
        self.false = false[0]
        self.require(agree(self._record["values"], values[self.false - 2]).all(),
                     f"the right formula does not equal line {self.false - 1}")
        first = int(np.argmin(agree(values[-1], values[0])))
        self.counterexample = (self._record["points"][first], values[0][first], values[-1][first])
        self._record |= {"line": self.false, "lines": values}
        for m in self.mistakes:
            line, formula = m.answer
            self.require(2 <= line <= len(self.lines), f"the mistake {m.name!r} names no line")
            self.require((formula is None) == (line != self.false),
                         f"the mistake {m.name!r}: a formula belongs to the false line alone")
        self._record["mistakes"] = [
            {"name": m.name, "hint": m.hint, "line": m.answer[0],
             "values": m.answer[1] and self._values(m.answer[1])} for m in self.mistakes]
        self._check_mistakes()

    def right_answers(self):
        return [{"line": self.false, "formula": form} for form in self.right]

    def typed(self, answer):
        if isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[0], int) and \
                not isinstance(answer[0], bool):
            line, formula = answer
            if not 2 <= line <= len(self.lines):
                raise TypeError(f"Line {line} cannot be the false one; "
                                f"lines 2 to {len(self.lines)} can.")
            return {"line": line, "formula": "" if formula is None else super().typed(formula)}
        raise TypeError("The number of the false line and its right side are expected, such as "
                        f"(2, \"z^2\"); found {_found(answer)}.")

    def _judge(self, answer):
        return judge(self.record(), self.typed(answer))
