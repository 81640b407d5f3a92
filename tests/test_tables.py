"""The tables of tests/cases are complete, and their rows can be told apart."""

import nnbook.functions as nf
from tests.cases.base import tables

SUFFIXES = ("_prime", "_grad", "_hess", "_vjp", "_jvp")
CASES, BAD = tables("CASES"), tables("BAD")


def repeated(rows):
    ids = [row.id for row in rows]
    return sorted({i for i in ids if ids.count(i) > 1})


def test_ids_are_unique():
    assert repeated(CASES) == repeated(BAD) == []


def test_every_public_derivative_has_a_case():
    met = {case.derivative.__name__ for case in CASES if case.derivative is not None}
    public = {name for name in nf.__all__ if name.endswith(SUFFIXES)}
    assert sorted(public - met) == []


def test_every_public_function_has_a_case_or_a_wrong_call():
    met = {case.function.__name__ for case in CASES}
    for bad in BAD:  # names that the call uses, and functions bound to it as defaults
        met |= {*bad.call.__code__.co_names}
        met |= {getattr(value, "__name__", "") for value in bad.call.__defaults__ or ()}
    functions = {n for n in nf.__all__ if callable(getattr(nf, n)) and not n.endswith(SUFFIXES)}
    functions = {n for n in functions if not isinstance(getattr(nf, n), type)}
    assert sorted(functions - met) == []
