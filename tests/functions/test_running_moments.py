"""Welford's running mean and variance, and the merging of two of them."""

from fractions import Fraction

import numpy as np
import pytest

from nnbook.functions import Moments, merge_moments, welford

X = np.random.default_rng(6).normal(size=(50, 3)) + 5


def exact(x):
    """Return the mean and the sum of squared deviations as fractions."""
    x = [Fraction(float(v)) for v in x]
    mean = sum(x) / len(x)
    return mean, sum((v - mean) ** 2 for v in x)


def test_one_pass_gives_mean_and_variance():
    found = welford(X)
    assert isinstance(found, Moments)
    assert found.count == 50
    np.testing.assert_allclose(found.mean, X.mean(0), rtol=1e-14)
    np.testing.assert_allclose(found.variance, X.var(0), rtol=1e-13)
    np.testing.assert_allclose(found.sample_variance, X.var(0, ddof=1), rtol=1e-13)


@pytest.mark.parametrize("mean", [0.0, 1e3, 1e8, 1e12])
def test_its_error_grows_with_kappa_and_not_with_its_square(mean):
    x = mean + np.random.default_rng(7).normal(size=1000)
    true_mean, squares = exact(x)
    found = welford(x)
    kappa = np.sqrt(1 + mean**2)
    u = 2.0**-53
    assert abs(Fraction(float(found.squares)) - squares) <= Fraction(1000 * kappa * u) * squares
    assert abs(Fraction(float(found.mean)) - true_mean) <= Fraction(1000 * u * max(mean, 1))
    if mean == 1e8:  # here the textbook formula has lost every digit
        textbook = np.mean(x * x) - np.mean(x) ** 2
        assert abs(textbook - 1) > 0.5
        assert found.variance == pytest.approx(float(squares) / 1000, rel=1e-6)


def test_the_published_recurrence_step_by_step():
    mean = squares = 0.0
    for n, x in enumerate([4.0, 7.0, 13.0, 16.0], start=1):
        distance = x - mean
        mean += distance / n
        squares += distance * (x - mean)
        found = welford([4.0, 7.0, 13.0, 16.0][:n])
        assert found == (n, mean, squares)


def test_more_examples_continue_where_the_first_stopped():
    whole, parts = welford(X), None
    for part in (X[:1], X[1:20], X[20:20], X[20:]):
        parts = welford(part, parts)
    assert parts.count == whole.count
    np.testing.assert_array_equal(parts.mean, whole.mean)
    np.testing.assert_array_equal(parts.squares, whole.squares)


def test_what_is_given_is_not_changed():
    first = welford(X[:10])
    before = first.mean.copy(), first.squares.copy()
    welford(X[10:], first)
    merge_moments(first, first)
    np.testing.assert_array_equal((first.mean, first.squares), before)
    assert first.count == 10


@pytest.mark.parametrize("cut", [0, 1, 17, 49, 50])
def test_merging_is_seeing_them_all(cut):
    found, whole = merge_moments(welford(X[:cut]), welford(X[cut:])), welford(X)
    assert found.count == 50
    np.testing.assert_allclose(found.mean, whole.mean, rtol=1e-14)
    np.testing.assert_allclose(found.squares, whole.squares, rtol=1e-13)


def test_merging_with_nothing_changes_nothing():
    moments, nothing = welford(X), welford(X[:0])
    for found in (merge_moments(moments, nothing), merge_moments(nothing, moments)):
        for one, other in zip(found, moments, strict=True):
            np.testing.assert_array_equal(one, other)
    assert merge_moments(nothing, nothing).count == 0


def test_before_any_example_mean_and_squares_are_0():
    assert welford([]) == (0, 0.0, 0.0)
    assert not welford(X[:0]).mean.any()
    assert welford([1e-20]).mean == 1e-20


def test_merging_far_means_keeps_what_lies_between():
    found = merge_moments(welford([0.0, 0.0]), welford([6.0]))
    assert found == (3, 2.0, 24.0)


def test_variances_of_too_few_examples_are_nan():
    with np.errstate(all="raise"):
        nothing, one = welford(X[:0]), welford(X[:1])
        assert np.isnan(nothing.variance).all() and np.isnan(nothing.sample_variance).all()
        assert np.isnan(one.sample_variance).all()
        assert one.variance.tolist() == [0.0] * 3
        assert welford([1.0, 3.0]).sample_variance == 2.0
    np.testing.assert_array_equal(one.mean, X[0])


def test_shapes_and_dtypes():
    assert welford([1.0, 2.0]).mean.shape == ()
    assert isinstance(welford([1.0, 2.0]).mean, np.float64)
    assert isinstance(merge_moments(welford([1.0]), welford([2.0])).squares, np.float64)
    assert welford(np.zeros((0, 2, 3))).mean.shape == (2, 3)
    assert welford(X.reshape(10, 5, 3)).squares.shape == (5, 3)
    assert welford(X.astype(np.float32)).mean.dtype == np.float64
    assert welford(X.astype(np.longdouble)).mean.dtype == np.longdouble
    assert welford([1, 2]).mean == 1.5
    assert (
        welford(X.astype(np.float32), welford(X.astype(np.longdouble))).mean.dtype == np.longdouble
    )


def test_float32_examples_are_taken_exactly():
    x = (X[:, 0] * 1e6).astype(np.float32)
    found, wide = welford(x), welford(x.astype(float))
    assert found == wide


def test_nan_infinity_and_overflow_are_silent():
    with np.errstate(all="raise"):
        found = welford([[1.0, np.nan], [np.inf, 2.0], [3.0, 3.0]])
        assert np.isnan(found.mean[1]) and not np.isfinite(found.mean[0])
        assert welford([1e300, -1e300]).squares == np.inf
        merge_moments(welford([1e300]), welford([-1e300]))


def test_wrong_calls_are_refused():
    with pytest.raises(ValueError, match="x must have an axis of examples"):
        welford(1.0)
    for moments in ((1, 2.0, 3.0), 3):
        with pytest.raises(TypeError, match="moments must be Moments"):
            welford([1.0], moments)
    with pytest.raises(TypeError, match="first must be Moments"):
        merge_moments(None, welford([1.0]))
    with pytest.raises(TypeError, match="second must be Moments"):
        merge_moments(welford([1.0]), None)
    with pytest.raises(ValueError, match=r"one example of x has shape \(3,\)"):
        welford(X, welford([1.0]))
    with pytest.raises(ValueError, match="first and second must be of examples of one shape"):
        merge_moments(welford(X), welford([1.0]))


def test_the_mean_of_the_largest_numbers_does_not_overflow():
    top = np.finfo(np.float64).max
    with np.errstate(all="raise"):
        found = welford([top, -top, top])
        assert abs(found.mean / (top / 3) - 1) < 1e-15
        assert found.squares == np.inf
        assert welford([top, top]).mean == top
        merged = merge_moments(welford([top]), welford([-top]))
        assert (merged.mean, merged.squares) == (0, np.inf)


@pytest.mark.parametrize(
    ("moments", "error", "message"),
    [
        (Moments(-1, 0.0, 0.0), ValueError, r"first\.count must be at least 0, got -1"),
        (Moments(1.5, 0.0, 0.0), TypeError, r"first\.count must be an integer"),
        (Moments(1, "a", 0.0), TypeError, r"first\.mean must hold real numbers"),
        (Moments(1, 0.0, 1j), TypeError, r"first\.squares must hold real numbers"),
        (Moments(1, [0.0, 0.0], 0.0), ValueError, r"first\.mean and first\.squares must have"),
    ],
)
def test_moments_made_by_hand_are_checked(moments, error, message):
    with pytest.raises(error, match=message):
        merge_moments(moments, welford([1.0]))
    with pytest.raises(error, match=message.replace("first", "moments")):
        welford([1.0], moments)
