"""Every public function of the tables, given what it cannot take, says which argument is wrong.

The rows of ``BAD`` are written by hand. The rest is made from ``CASES``: for every array of real
numbers a dtype that holds none, an axis too many and too few, and a length changed in one array
alone, which must be refused and never be broadcast.
"""

from __future__ import annotations

import inspect
import re
import zlib

import numpy as np
import pytest

from tests import examine
from tests.cases.base import EVERY_AXIS, Case, parameter, tables

CASES = [case for case in tables("CASES") if "random" in case.sizes]
BAD = tables("BAD")
REFUSED = (ValueError, TypeError)


def drawn(case: Case, salt: str):
    rng = np.random.default_rng(zlib.crc32(f"{case.id}{salt}".encode()))
    return case.draw(rng, "random")


def call(case: Case, args, kwargs):
    with np.errstate(all="raise"):
        return case.function(*args, **kwargs)


def at(args, position, value):
    return (*args[:position], value, *args[position + 1 :])


def names(function) -> list[str]:
    return list(inspect.signature(function).parameters)


def refusal(case: Case, args, kwargs, what: str) -> str:
    """Return the message of the refusal; fail if there is none."""
    try:
        found = call(case, args, kwargs)
    except REFUSED as error:
        return str(error)
    shapes = [np.shape(part) for part in examine.arrays(found)]
    pytest.fail(f"{case.id} took {what} and gave shapes {shapes}", pytrace=False)


def names_one_of(message: str, words) -> bool:
    return any(re.search(rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])", message) for word in words)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.id)
def test_a_wrong_call_is_refused_in_words(bad):
    with pytest.raises(bad.error, match=bad.match), np.errstate(all="raise"):
        bad.call()


DTYPES = {
    "objects": lambda a: a.astype(object),
    "strings": lambda a: np.full(a.shape, "1.5"),
    "complex numbers": lambda a: a + 1j,
    "dates": lambda a: np.zeros(a.shape, "datetime64[s]"),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_holds_no_real_numbers_is_refused(case):
    args, kwargs = drawn(case, "dtype")
    for position in examine.real_arrays(args):
        name = parameter(case.function, position)
        for what, change in DTYPES.items():
            wrong = at(args, position, change(args[position]))
            message = refusal(case, wrong, kwargs, f"{what} as {name}")
            assert names_one_of(message, [name]), f"{what} as {name}: {message}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_an_axis_too_many_or_too_few_is_refused(case):
    args, kwargs = drawn(case, "rank")
    for position in examine.real_arrays(args):
        if position in case.any_rank:
            continue
        name, array = parameter(case.function, position), args[position]
        others = [array[..., np.newaxis], array[np.newaxis]] + ([array[0]] if array.ndim else [])
        for other in others:
            what = f"{name} of shape {other.shape} for {array.shape}"
            message = refusal(case, at(args, position, other), kwargs, what)
            assert names_one_of(message, names(case.function)), f"{what}: {message}"


def stretched(array, axis):
    """Return one more slice along an axis."""
    return np.concatenate([array, np.take(array, [0], axis)], axis)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_length_changed_in_one_array_alone_is_refused_not_broadcast(case):
    args, kwargs = drawn(case, "length")
    for position in examine.real_arrays(args):
        free = case.free.get(position, ())
        name, array = parameter(case.function, position), args[position]
        for axis in range(array.ndim):
            if free == EVERY_AXIS or axis in free:
                continue
            for other in (stretched(array, axis), np.take(array, [0], axis)):
                if other.shape == array.shape:
                    continue
                what = f"{name} of shape {other.shape} for {array.shape}"
                message = refusal(case, at(args, position, other), kwargs, what)
                assert names_one_of(message, names(case.function)), f"{what}: {message}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_nan_is_refused_by_name_or_comes_out(case):
    args, kwargs = drawn(case, "nan")
    for position in examine.real_arrays(args):
        name = parameter(case.function, position)
        wrong = at(args, position, np.full_like(args[position], np.nan))
        try:
            found = call(case, wrong, kwargs)
        except REFUSED as error:
            assert names_one_of(str(error), [name]), str(error)
            continue
        if not args[position].size:
            continue
        parts = [p for p in examine.arrays(found) if p.dtype.kind == "f"]
        assert any(np.isnan(p).any() for p in parts), f"NaN in {name} does not come out"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e308, -1e308, 5e-324])
def test_extremes_are_silent_or_refused_by_name(case, value):
    args, kwargs = drawn(case, "extreme")
    for position in examine.real_arrays(args):
        name = parameter(case.function, position)
        extreme = args[position].copy()
        extreme.flat[::2] = value
        try:
            found = examine.arrays(call(case, at(args, position, extreme), kwargs))
            if case.derivative is not None:
                g = tuple(np.ones_like(p) for p in examine.forward(case, args, kwargs))
                examine.gradients(case, g, at(args, position, extreme), kwargs)
        except REFUSED as error:
            assert names_one_of(str(error), [name]), str(error)
            continue
        assert found is not None


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.kind == "vjp" and case.call is None],
    ids=lambda case: case.id,
)
def test_a_cotangent_that_does_not_fit_is_refused(case):
    args, kwargs = drawn(case, "cotangent")
    parts = examine.forward(case, args, kwargs)
    first, *rest = [np.ones_like(part) for part in parts]
    wrong = [first[..., np.newaxis], first + 1j, first.astype(str)]
    wrong += [stretched(first, axis) for axis in range(first.ndim)]
    wrong += [np.take(first, [0], axis) for axis in range(first.ndim) if first.shape[axis] > 1]
    for other in wrong:
        with pytest.raises(REFUSED) as caught:
            examine.gradients(case, (other, *rest), args, kwargs)
        message = str(caught.value)
        assert names_one_of(message, names(case.derivative)[:1]), f"{other.shape}: {message}"


# ------------------------------------------------------------------ these tests, tested


def test_a_silent_broadcast_would_be_found():
    lax = Case("lax", lambda x, b: x + b, lambda rng, size: ((), {}), None)
    with pytest.raises(pytest.fail.Exception, match="took b of shape"):
        refusal(lax, (np.ones((3, 4)), np.ones(1)), {}, "b of shape (1,)")


def test_a_message_without_the_name_would_be_found():
    assert names_one_of("W must have two axes", ["W"]) and names_one_of("x.T, not x", ["x"])
    assert not names_one_of("Wide arrays", ["W"])
