"""The checks of numbers and counts that all functions share."""

import math
from fractions import Fraction

import numpy as np
import pytest

from nnbook.functions._validate import check_count, check_number


@pytest.mark.parametrize("value", [0, 2, -1.5, np.float32(0.5), np.int8(3), Fraction(1, 2)])
def test_a_number_becomes_a_float(value):
    found = check_number(value, "alpha")
    assert type(found) is float
    assert found == value
    assert check_number(np.array(0.25), "alpha") == 0.25


@pytest.mark.parametrize(
    "value", [True, np.True_, "1", b"1", None, [1.0], [1, [2, 3]], np.ones(2), 1j, np.complex128(1),
              np.array(1j), np.datetime64("2000-01-01")]
)  # fmt: skip
def test_what_is_no_single_real_number_is_refused(value):
    with pytest.raises(TypeError, match=r"^alpha must be a single real number, got "):
        check_number(value, "alpha")
    with pytest.raises(TypeError, match=r"^n must be a positive integer, got "):
        check_count(value, "n")


def test_the_ends_of_an_interval_are_in_it_or_not():
    ends = {"low": 0.0, "high": 1.0}
    assert check_number(0, "p", **ends) == 0
    assert check_number(math.nextafter(1, 0), "p", **ends) < 1
    assert check_number(1, "p", **ends, closed_high=True) == 1
    assert check_number(5e-324, "p", **ends, closed_low=False) == 5e-324
    for value, options, told in [
        (1, {}, r"\[0, 1\), got 1.0"),
        (-0.5, {}, r"\[0, 1\), got -0.5"),
        (0, {"closed_low": False}, r"\(0, 1\), got 0.0"),
        (1.5, {"closed_high": True}, r"\[0, 1\], got 1.5"),
        (math.nan, {}, r"\[0, 1\), got nan"),
    ]:
        with pytest.raises(ValueError, match=rf"^p must lie in {told}$"):
            check_number(value, "p", **ends, **options)
    with pytest.raises(ValueError, match=r"^p must lie in \[0, inf\), got inf$"):
        check_number(math.inf, "p", low=0.0)
    with pytest.raises(ValueError, match=r"^p must lie in \[-inf, 1\), got -inf$"):
        check_number(-math.inf, "p", high=1.0)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 10**400])
def test_a_number_without_bounds_is_finite(value):
    with pytest.raises(ValueError, match=r"^alpha must be finite, got -?(inf|nan)$"):
        check_number(value, "alpha")


def test_a_count_is_an_integer_not_below_its_minimum():
    for value in (3, np.int64(3), np.uint8(3)):
        assert check_count(value, "n") == 3
        assert type(check_count(value, "n")) is int
    assert check_count(0, "n", minimum=0) == 0
    assert check_count(-2, "n", minimum=-2) == -2
    with pytest.raises(ValueError, match=r"^n must be at least 1, got 0$"):
        check_count(0, "n")
    with pytest.raises(ValueError, match=r"^n must be at least 0, got -1$"):
        check_count(-1, "n", minimum=0)
    with pytest.raises(TypeError, match=r"^n must be an integer, got 2.0$"):
        check_count(2.0, "n", minimum=0)
