"""The exponential, the logistic function and Mills' ratio in pairs: far beyond float64."""

import decimal

import mpmath as mp
import numpy as np
import pytest

from nnbook.functions._mills import LARGEST, mills_pair, mills_ratio
from nnbook.functions._pairs import (
    divide_pairs,
    exp_pair,
    expm1_pair,
    logistic_pair,
    multiply_pairs,
    pair_of,
    two_product,
    two_sum,
)
from tests.functions import precision_table
from tests.functions import reference as ref

RNG = np.random.default_rng(41)
X = -np.concatenate([RNG.uniform(0, 2000, 400), RNG.uniform(0, 3, 400), [0, 1e-300, 40, 709, 746]])
LOW = X * 2.0**-54 * RNG.uniform(-1, 1, len(X))


def worst(pairs, values):
    """Return the largest relative error of the pairs, in units of 2^-53."""
    with mp.workdps(60):
        return max(
            float(abs((mp.mpf(h) + mp.mpf(low)) * mp.mpf(2) ** power / value - 1) * 2**53)
            for (h, low, power), value in zip(pairs, values, strict=True)
        )


def listed(*arrays):
    return list(zip(*(np.asarray(a).tolist() for a in arrays), strict=True))


@pytest.mark.parametrize("low", [0 * X, LOW], ids=["float", "pair"])
def test_exp_pair_is_good_to_58_bits(low):
    with mp.workdps(60):
        values = [mp.exp(mp.mpf(x) + mp.mpf(y)) for x, y in listed(X, low)]
    high, rest, power = exp_pair(X, low)
    assert worst(listed(high, rest, power), values) < 2.0**-5
    assert (np.abs(rest) <= np.spacing(high) / 2).all()
    assert high.min() > 0.9 and high.max() < 2.1


@pytest.mark.parametrize("low", [0 * X, LOW], ids=["float", "pair"])
def test_logistic_pair_is_good_to_54_bits_and_in_the_tail_to_58(low):
    with mp.workdps(60):
        values = [ref.sigma(mp.mpf(x) + mp.mpf(y)) for x, y in listed(X, low)]
    pairs = listed(*logistic_pair(X, low))
    assert worst(pairs, values) < 0.5
    far = [i for i, x in enumerate(X) if x < -5]
    assert worst([pairs[i] for i in far], [values[i] for i in far]) < 2.0**-4


@pytest.mark.parametrize("low", [0 * X, LOW], ids=["float", "pair"])
def test_expm1_pair_is_good_to_57_bits_near_0_too(low):
    near = -np.exp2(RNG.uniform(-60, 1, len(X)))
    for x in (X, near):
        rest = low * x / np.where(X == 0, 1, X)
        with mp.workdps(60):
            values = [mp.expm1(mp.mpf(a) + mp.mpf(b)) or mp.mpf(1) for a, b in listed(x, rest)]
        high, high_low = expm1_pair(x, rest)
        assert high[x == 0].tolist() == [0] * np.sum(x == 0)
        high[x == 0] = 1
        assert worst(listed(high, high_low, 0 * x.astype(int)), values) < 2.0**-4
        assert (np.abs(high_low) <= np.spacing(np.abs(high)) / 2).all()
    assert expm1_pair(np.array([-5e-324]))[0] == -5e-324
    assert expm1_pair(np.array([-30_000.0])) == ([-1], [0])


def test_products_and_quotients_of_pairs_are_good_to_100_bits():
    x, y = RNG.uniform(1, 2, (2, 300))
    x_low, y_low = RNG.uniform(-1, 1, (2, 300)) * 2.0**-54
    for operation, exact in ((multiply_pairs, mp.mpf.__mul__), (divide_pairs, mp.mpf.__truediv__)):
        with mp.workprec(300):
            values = [
                exact(mp.mpf(a) + mp.mpf(b), mp.mpf(c) + mp.mpf(d))
                for a, b, c, d in listed(x, x_low, y, y_low)
            ]
        found = operation(x, x_low, y, y_low)
        assert worst(listed(*found, np.zeros(300, int)), values) < 2.0**-45


@pytest.mark.skipif(np.finfo(np.longdouble).nmant <= 52, reason="longdouble is no wider here")
def test_longdouble_goes_through_the_pairs_as_it_is():
    x = np.array([-3, -0.25], np.longdouble)
    high, low = expm1_pair(x, x * 0)
    np.testing.assert_array_equal(high + low, np.expm1(x))
    assert multiply_pairs(x, 0 * x, x, 0 * x)[0].dtype == np.longdouble


def test_mills_pair_is_good_to_57_bits():
    a = np.concatenate([RNG.uniform(0, LARGEST, 300), RNG.uniform(0, 1.5, 300), [0, 1 / 64, 1, 40]])
    with mp.workdps(60):
        values = [
            mp.erfc(mp.mpf(x) / mp.sqrt(2)) * mp.exp(mp.mpf(x) ** 2 / 2) / 2 for x in a.tolist()
        ]
    assert worst(listed(*mills_pair(a), 0 * a.astype(int)), values) < 2.0**-4


@pytest.mark.parametrize("a", ["0", "0.5", "0.96875", "1", "1.03125", "4", "40"])
def test_series_and_continued_fraction_agree_with_mpmath(a):
    found = mp.mpf(str(mills_ratio(decimal.Decimal(a))))
    with mp.workdps(60):
        x = mp.mpf(a)
        value = mp.erfc(x / mp.sqrt(2)) * mp.exp(x * x / 2) / 2
        assert abs(mp.mpf(str(mills_ratio(decimal.Decimal(a)))) / value - 1) < 1e-25
    assert found > 0


def test_two_sum_and_two_product_lose_nothing():
    x, y = RNG.normal(size=(2, 500)) * np.exp2(RNG.integers(-40, 40, (2, 500)))
    for operation, exact in ((two_sum, mp.mpf.__add__), (two_product, mp.mpf.__mul__)):
        for a, b, high, low in listed(x, y, *operation(x, y)):
            with mp.workprec(300):
                assert exact(mp.mpf(a), mp.mpf(b)) == mp.mpf(high) + mp.mpf(low)


def test_pair_of_a_decimal():
    high, low = pair_of("0.044715")
    assert high == 0.044715 and 0 < abs(low) <= 2**-58
    with mp.workdps(50):
        assert abs(mp.mpf(high) + mp.mpf(low) - mp.mpf("0.044715")) < mp.mpf(2) ** -110


@precision_table.of("gated", "mish", "exponential_units")
def test_the_functions_made_of_pairs_are_as_exact_as_the_book_s_table_says(entry):
    precision_table.hold(entry)
