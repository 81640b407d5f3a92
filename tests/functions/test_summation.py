"""Four ways to add: their rounding against exact rational sums, bounds, order, extremes."""

from fractions import Fraction

import numpy as np
import pytest

from nnbook.functions import (
    kahan_sum,
    neumaier_sum,
    pairwise_sum,
    sequential_sum,
    sum_error_bound,
)

METHODS = {
    "sequential": sequential_sum,
    "pairwise": pairwise_sum,
    "kahan": kahan_sum,
    "neumaier": neumaier_sum,
}
ALL = pytest.mark.parametrize("method", METHODS)


def exact(x):
    return sum((Fraction(float(v)) for v in x), Fraction(0))


def unit(dtype):
    return Fraction(float(np.finfo(dtype).eps)) / 2


def gamma(k, u):
    return k * u / (1 - k * u)


def numbers(dtype, seed):
    """Yield numbers to add: random, cancelling, of all magnitudes, growing, and all alike."""
    rng = np.random.default_rng(seed)
    largest = 3 if dtype == np.float16 else 30
    for n in (1, 2, 3, 7, 64, 129, 300):
        yield rng.normal(size=n).astype(dtype)
        yield rng.uniform(1, 2, size=n).astype(dtype)
        yield (rng.normal(size=n) * np.exp(rng.uniform(-largest, largest, n))).astype(dtype)
        x = rng.normal(size=n).astype(dtype)
        yield np.concatenate([x, -x[::-1] * dtype(1.001)])
        yield np.sort(rng.uniform(0, 9, n)).astype(dtype)
        yield np.full(n, 0.1, dtype)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_method_is_within_its_bound_of_the_exact_sum(dtype):
    u = unit(dtype)
    for x in numbers(dtype, 0):
        n, true = len(x), exact(x)
        size = exact(np.abs(x))
        rest = gamma(n - 1, u) ** 2 * size
        bounds = {
            "sequential": gamma(n - 1, u) * size,
            "pairwise": gamma(int(np.ceil(np.log2(n))), u) * size,
            "kahan": (2 * u + 4 * n * u**2) * size,
            "neumaier": u * abs(true) + rest,
        }
        for method, bound in bounds.items():
            found = METHODS[method](x)
            assert found.dtype == dtype
            if method == "kahan" and n * u > Fraction(
                1, 10
            ):  # the neglected terms are no longer small
                assert sum_error_bound(x, method) == np.inf
                continue
            assert abs(Fraction(float(found)) - true) <= bound, (method, n)
            stated = Fraction(float(sum_error_bound(x, method)))
            assert (
                bound
                <= stated
                <= bound * (1 + Fraction(1, 10**6))
                + (
                    # The bound of Neumaier's method is of a sum that is itself known with an error.
                    2 * u * rest if method == "neumaier" else 0
                )
            )


def test_the_bounds_are_not_idle():
    # All rounded the same way: the sequential error comes near its bound, the others do not.
    x = np.full(3000, 1 + 2.0**-10, np.float16)
    x[0] = 2048
    true = float(exact(x))
    errors = {method: abs(float(f(x)) - true) for method, f in METHODS.items()}
    assert errors["sequential"] > 0.1 * true
    assert errors["sequential"] > 100 * max(errors[m] for m in METHODS if m != "sequential")


def test_sequential_adds_from_the_first_to_the_last():
    x = np.array([1.0, 1e16, -1e16, 1.0])
    assert sequential_sum(x) == 1.0  # the first 1 is lost, the last is not
    total = np.float32(0)
    y = np.random.default_rng(1).normal(size=1000).astype(np.float32)
    for v in y:
        total = total + v
    assert sequential_sum(y) == total


def test_pairwise_adds_neighbours():
    x = np.array([1.0, 1e16, -1e16, 1.0])
    assert pairwise_sum(x) == (1.0 + 1e16) + (-1e16 + 1.0)
    a, b, c, d, e = np.float32([1e8, 3.3, -1e8, 7.7, 0.1])
    assert pairwise_sum(np.array([a, b, c, d, e])) == ((a + b) + (c + d)) + e


def test_kahan_is_the_published_recurrence():
    x = np.random.default_rng(2).normal(size=500).astype(np.float32) * np.float32(1e3)
    s = c = np.float32(0)
    for v in x:
        y = v - c
        t = s + y
        c = (t - s) - y
        s = t
    assert kahan_sum(x) == s


def test_neumaier_keeps_what_a_huge_number_would_swallow():
    assert neumaier_sum([1.0, 1e100, 1.0, -1e100]) == 2.0
    assert neumaier_sum([1e100, 1.0, -1e100]) == 1.0
    assert kahan_sum([1.0, 1e100, 1.0, -1e100]) == 0.0
    x = np.random.default_rng(3).normal(size=400) * 1e10
    x = np.concatenate([x, -x, [1e-8]])
    assert neumaier_sum(x) == pytest.approx(1e-8, rel=1e-10, abs=0)


def test_a_million_tenths_in_float32():
    # Chapter 4, exercise (c): the exact sum of these numbers is 100000.00149...
    x = np.full(10**6, 0.1, np.float32)
    true = 10**6 * Fraction(float(np.float32(0.1)))
    assert float(sequential_sum(x)) == pytest.approx(100958.34, abs=0.01)
    spacing = Fraction(1, 128)
    for f in (pairwise_sum, kahan_sum):
        assert abs(Fraction(float(f(x))) - true) <= spacing
    assert abs(Fraction(float(sequential_sum(x))) - true) <= Fraction(float(sum_error_bound(x)))


@ALL
@pytest.mark.parametrize("shape", [(5,), (4, 3), (2, 5, 3), (1, 1), (3, 0), (0, 3), (0,)])
def test_any_axis(method, shape):
    x = np.random.default_rng(4).integers(-9, 9, size=shape).astype(float)
    for axis in range(-len(shape), len(shape)):
        found = METHODS[method](x, axis=axis)
        np.testing.assert_array_equal(found, x.sum(axis=axis))
        assert np.shape(found) == x.sum(axis=axis).shape
        assert np.shape(sum_error_bound(x, method, axis)) == x.sum(axis=axis).shape


@ALL
def test_the_last_axis_is_the_default(method):
    x = np.arange(6.0).reshape(2, 3)
    assert METHODS[method](x).tolist() == [3.0, 12.0]
    np.testing.assert_array_equal(
        sum_error_bound(x, method), [sum_error_bound(row, method) for row in x]
    )


@ALL
def test_results_are_new_and_numbers_are_numpy_scalars(method):
    x = np.array([[3.0], [4.0]])
    found = METHODS[method](x)
    assert not np.shares_memory(found, x)
    assert isinstance(METHODS[method]([1.0, 2.0]), np.float64)
    assert isinstance(METHODS[method]([]), np.float64)
    assert METHODS[method]([1, 2]).dtype == np.float64
    assert METHODS[method](x.astype(np.longdouble)).dtype == np.longdouble


@ALL
def test_infinity_nan_and_overflow(method):
    f, inf, nan = METHODS[method], np.inf, np.nan
    with np.errstate(all="raise"):
        assert f([1.0, inf, 2.0]) == inf
        assert f([1.0, -inf, 2.0]) == -inf
        assert np.isnan(f([1.0, inf, -inf]))
        assert np.isnan(f([1.0, nan, 2.0]))
        assert f([1.7e308, 1.7e308]) == inf
        found = f([[1.0, inf], [1.0, 2.0], [nan, 1.0]])
    assert found[0] == inf and found[1] == 3.0 and np.isnan(found[2])


def test_columns_are_added_each_by_itself():
    x = np.random.default_rng(5).normal(size=(200, 4)) * np.exp(np.arange(4) * 9)
    for f in METHODS.values():
        np.testing.assert_array_equal(f(x, axis=0), [f(column) for column in x.T])


def test_bounds_beyond_their_range_are_infinite():
    x = np.ones(3000, np.float16)
    assert sum_error_bound(x) == np.inf
    assert sum_error_bound(x, "neumaier") == np.inf
    assert sum_error_bound(x, "kahan") == np.inf
    assert sum_error_bound(x[:204], "kahan") < np.inf == sum_error_bound(x[:205], "kahan")
    assert sum_error_bound(x[:2048]) < np.inf == sum_error_bound(x[:2049])
    assert sum_error_bound(x, "pairwise") < 20


@ALL
def test_nothing_to_add_has_no_error(method):
    assert METHODS[method]([]) == 0
    assert sum_error_bound([], method) == 0
    assert sum_error_bound([0.0, 0.0], method) == 0


@pytest.mark.parametrize("method", ["sequential", "pairwise"])
def test_one_number_is_not_added_to_anything(method):
    assert sum_error_bound([0.1], method) == 0
    assert METHODS[method]([0.1]) == 0.1


def test_wrong_calls_are_refused():
    with pytest.raises(
        ValueError, match="method must be one of sequential, pairwise, kahan, neumaier"
    ):
        sum_error_bound([1.0], "exact")
    for method in (None, np.array(["kahan", "pairwise"])):
        with pytest.raises(TypeError, match="method must be one of sequential"):
            sum_error_bound([1.0], method)
    for f in METHODS.values():
        with pytest.raises(ValueError, match="axis=1 does not exist in x"):
            f([1.0], axis=1)
