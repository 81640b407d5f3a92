"""The verdict on an answer, from the exercise's record.

A record is plain data (numbers, strings, lists), made once by the exercise. The notebook
judges with this module, the page with ``book/_static/exercises.js``, both from the same
record; the tests hold the two to the same verdict and the same words.

A verdict is a dictionary of three: ``verdict`` ("right", "wrong", or "unread" where the
answer could not be read at all), ``mistake`` (the name of the typical error, or None) and
``message``. A formula is known by its values at the record's points, a mistake too, so that
neither the page nor this module ever holds the answer in words.
"""
import re

import numpy as np

from nnbook.checking._lexer import SPACE
from nnbook.checking.grammar import MAX_LENGTH, FormulaError, evaluate, parse, show

__all__ = ["agree", "judge"]

# Two ways to compute one formula differ by rounding, far below this; a coefficient rounded
# by hand to six figures is far above.
RELATIVE = 1e-8
ABSOLUTE = 1e-11

_GROUPS = re.compile("[+-]?[0-9]{1,3}(?:[, '\u2019\u00a0\u2009\u202f][0-9]{3})+(?:\\.[0-9]+)?")


def judge(record, answer):
    """Judge an answer.

    Parameters
    ----------
    record : dict
        From ``Exercise.record()``.
    answer : str, list of str, or dict
        As the page's form gives it: text for a number or a formula, the keys chosen for a
        choice, ``{"line": int or None, "formula": str}`` for a repair.

    Returns
    -------
    dict
        ``verdict``, ``mistake``, ``message``.

    Examples
    --------
    >>> record = {"type": "number", "value": 0.25, "tolerance": 0, "units": [], "mistakes": []}
    >>> judge(record, "1/4")["message"]
    'Right.'
    >>> judge(record, "0,5")["message"]
    'Not yet: your number, 0.5, is too large.'
    """
    return _JUDGES[record["type"]](record, answer)


def _verdict(verdict, message, mistake=None):
    return {"verdict": verdict, "mistake": mistake, "message": message}


def agree(a, b):
    """Compare two formulas' values, point by point; no value agrees with no value."""
    a, b = (np.array([np.nan if v is None else v for v in x], dtype=float) for x in (a, b))
    none_a, none_b = ~np.isfinite(a), ~np.isfinite(b)
    with np.errstate(all="ignore"):
        near = np.abs(a - b) <= ABSOLUTE + RELATIVE * np.abs(b)
    return np.where(none_a | none_b, none_a & none_b, near)


# Numbers

def _trim(text):
    # Not str.strip(): the page must trim the same characters.
    blank = SPACE.pattern
    return re.sub(f"^{blank}|{blank}\\Z", "", text)


def _readings(record, text):
    """List what a typed number may mean; ``109,386`` is 109.386 and 109386."""
    if len(text) > MAX_LENGTH:
        parse(text)                      # refuses it, in the usual words
    text = _trim(text)
    for unit in sorted(record["units"], key=len, reverse=True):
        head = text[:max(0, len(text) - len(unit))]
        if text.lower().endswith(unit.lower()) and not re.search(r"[A-Za-z]\Z", head):
            text = _trim(head)
            break
    share = text.endswith("%")
    text = _trim(text[:-1]) if share else text
    values, failure = [], None
    try:
        value = float(evaluate(parse(text), [[]])[0])
        if not np.isfinite(value):
            raise FormulaError("That has no finite value.")
        values.append(value)
    except FormulaError as error:
        failure = error
    if _GROUPS.fullmatch(text):
        values.append(float(re.sub("[^0-9.+-]", "", text)))
    if not values:
        raise failure
    return [v / 100 for v in values] if share else values


def _near(value, target, tolerance):
    return abs(value - target) <= max(tolerance, 1e-12 * abs(target))


def _number(record, answer):
    try:
        values = _readings(record, answer)
    except FormulaError as error:
        return _verdict("unread", str(error))
    target, tolerance = record["value"], record["tolerance"]
    if any(_near(v, target, tolerance) for v in values):
        return _verdict("right", "Right.")
    for mistake in record["mistakes"]:
        if any(_near(v, mistake["value"], tolerance) for v in values):
            return _verdict("wrong", mistake["hint"], mistake["name"])
    value = values[-1]
    if _near(-value, target, tolerance):
        return _verdict("wrong", "The size is right, the sign is not.")
    if tolerance and abs(value - target) <= 10 * tolerance:
        return _verdict("wrong", "Close, but it is asked to within "
                                 f"{show(tolerance)}: compute it to more digits.")
    size = "large" if value > target else "small"
    return _verdict("wrong", f"Not yet: your number, {show(value, 6)}, is too {size}.")


# Choices

def _choice(record, answer):
    chosen = [key for key in record["keys"] if key in answer]
    if not chosen:
        return _verdict("unread", "Nothing is chosen yet.")
    if chosen == record["right"]:
        return _verdict("right", "Right.")
    for mistake in record["mistakes"]:
        if chosen == mistake["keys"]:
            return _verdict("wrong", mistake["hint"], mistake["name"])
    extra = sum(key not in record["right"] for key in chosen)
    lacking = sum(key not in chosen for key in record["right"])
    return _verdict("wrong", f"Not yet: of your choices {extra} should not be there, "
                             f"and {lacking} more should.")


# Formulas

def _at(record, i):
    return ", ".join(f"{name} = {show(x, 15)}"
                     for name, x in zip(record["variables"], record["points"][i], strict=True))


def _pair(a, b):
    """Show two different numbers with as many digits as it takes to see the difference."""
    for digits in (4, 6, 9, 12, 15):
        if show(a, digits) != show(b, digits):
            break
    return show(a, digits), show(b, digits)


def _difference(record, values, target):
    """Say where two lists of values part: the first point, how many, and between which."""
    same = agree(values, target)
    i = int(np.argmin(same))
    mine, true, what = values[i], target[i], record["what"]
    if mine is None:
        text = f"At {_at(record, i)} your formula has no value; {what} is {show(true)}."
    elif true is None:
        text = f"At {_at(record, i)} your formula gives {show(mine)}; {what} has no value there."
    else:
        mine, true = _pair(mine, true)
        text = f"At {_at(record, i)} your formula gives {mine}; {what} is {true}."
    wrong, total = int(np.sum(~same)), len(same)
    if wrong == total:
        return text + f" It fails at all {total} points tried."
    text += f" It fails at {wrong} of the {total} points tried"
    if wrong > 1 and len(record["variables"]) == 1:
        places = [p[0] for p, ok in zip(record["points"], same, strict=True) if not ok]
        text += f", between {show(min(places), 15)} and {show(max(places), 15)}"
    return text + "."


def values_of(record, text):
    """Evaluate a typed formula at the record's points; None where it has no finite value."""
    values = evaluate(parse(text, record["variables"]), record["points"])
    return [float(v) if np.isfinite(v) else None for v in values]


def judge_values(record, values):
    """Judge a formula by its values at the record's points; see `judge`."""
    if agree(values, record["values"]).all():
        return _verdict("right", f"Right: it agrees with {record['what']} at all "
                                 f"{len(values)} points tried.")
    for mistake in record["mistakes"]:
        if mistake.get("values") and agree(values, mistake["values"]).all():
            text = f"{mistake['hint']} {_difference(record, values, record['values'])}"
            return _verdict("wrong", text, mistake["name"])
    return _verdict("wrong", f"Not yet. {_difference(record, values, record['values'])}")


def _formula(record, answer):
    try:
        values = values_of(record, answer)
    except FormulaError as error:
        return _verdict("unread", str(error))
    return judge_values(record, values)


# Repairs

def _repair(record, answer):
    line = answer["line"]
    if line is None:
        return _verdict("unread", "Choose the line that is false.")
    if line != record["line"]:
        for mistake in record["mistakes"]:
            if mistake["line"] == line:
                return _verdict("wrong", mistake["hint"], mistake["name"])
        value = show(record["lines"][line - 1][0])
        return _verdict("wrong", f"Line {line} follows from the line before it: at "
                                 f"{_at(record, 0)}, and wherever they are tried, the two agree "
                                 f"({value}).")
    found = _formula({**record, "mistakes": [m for m in record["mistakes"] if m["line"] == line]},
                     answer["formula"])
    if found["verdict"] == "right":
        found["message"] = (f"Right: line {line} is the false one, and your formula agrees with "
                            f"{record['what']} at all {len(record['points'])} points tried.")
    else:
        message = found["message"].removeprefix("Not yet. ")
        found["message"] = f"Line {line} is the false one. {message}"
    return found


_JUDGES = {"number": _number, "choice": _choice, "formula": _formula, "repair": _repair}
