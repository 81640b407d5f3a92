"""Binary cross-entropy: weights, reductions, the second derivative, precision and extremes."""

import mpmath as mp
import numpy as np
import pytest

from nnbook.functions import (
    bce_with_logits,
    bce_with_logits_grad,
    bce_with_logits_hess,
    cross_entropy,
    cross_entropy_hess,
    sigmoid,
)
from nnbook.functions.binary import _logistic_both_ways
from tests.functions.loss_reference import EPSILON, Exact, worst
from tests.functions.unchecked import same_bits

RNG = np.random.default_rng(5)
Z, Y = RNG.normal(size=(4, 5)) * 4, RNG.uniform(size=(4, 5))
Y[0, :2] = 0, 1
W = RNG.uniform(0.1, 3, size=(4, 5))
W[2, 3] = 0
EVERY = [bce_with_logits, bce_with_logits_grad, bce_with_logits_hess]
HUGE = np.finfo(float).max


def exact(z, y, w):
    """Return loss, slope and bend of one entry."""
    z, y, w = (mp.mpf(float(x)) for x in (z, y, w))
    yes, no = 1 / (1 + mp.exp(-z)), 1 / (1 + mp.exp(z))
    loss = -w * (y * mp.log(yes) + (1 - y) * mp.log(no))
    slope = w * ((1 - y) * yes - y * no)
    return Exact(loss, loss), Exact(slope, w * ((1 - y) * yes + y * no)), w * yes * no


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 150.0])
def test_values_slopes_and_bends_to_50_digits(scale):
    z = Z * scale
    with mp.workdps(400), np.errstate(all="raise"):
        entries = [exact(*args) for args in zip(z.flat, Y.flat, W.flat, strict=True)]
        total = mp.fsum(loss.value for loss, _, _ in entries) / 20
        assert worst(bce_with_logits(z, Y, weights=W), Exact(total, total), 20) <= 2
        single = bce_with_logits(z, Y, weights=W, reduction="none")
        assert worst(single.ravel(), [loss for loss, _, _ in entries], 1) <= 4
        slope = bce_with_logits_grad(z, Y, weights=W, reduction="sum")
        assert worst(slope.ravel(), [slope for _, slope, _ in entries], 1) <= 4
        bend = bce_with_logits_hess(z, Y, weights=W, reduction="sum")
        assert worst(bend.ravel(), [Exact(b, b) for _, _, b in entries], 1) <= 3
    assert EPSILON["float64"] == np.finfo(float).eps


@pytest.mark.parametrize("weights", [None, W])
def test_none_sums_to_sum_and_the_mean_divides_by_the_entries(weights):
    single = bce_with_logits(Z, Y, weights=weights, reduction="none")
    assert single.shape == Z.shape
    total = bce_with_logits(Z, Y, weights=weights, reduction="sum")
    assert total == pytest.approx(single.sum(), rel=1e-14)
    assert bce_with_logits(Z, Y, weights=weights) == pytest.approx(total / 20, rel=1e-14)
    for f in EVERY[1:]:
        of_sum = f(Z, Y, weights=weights, reduction="sum")
        np.testing.assert_array_equal(f(Z, Y, weights=weights, reduction="none"), of_sum)
        np.testing.assert_allclose(f(Z, Y, weights=weights), of_sum / 20, rtol=1e-15)


def test_weights_multiply():
    for f in EVERY:
        once, twice = f(Z, Y, weights=W), f(Z, Y, weights=2 * W)
        np.testing.assert_array_equal(2 * once, twice)
        np.testing.assert_allclose(f(Z, Y, weights=np.ones_like(Z)), f(Z, Y), rtol=1e-15)
        listed = f(Z, Y, weights=np.rint(W).astype(int).tolist())
        np.testing.assert_array_equal(listed, f(Z, Y, weights=np.rint(W)))
    assert bce_with_logits([0.0, 0.0], [1, 0], weights=[3, 1]) == pytest.approx(2 * np.log(2))
    # A missed 1 that costs c times a false one, as the docstring writes it
    yes = (Y > 0.5) * 1.0
    cost = np.where(yes == 1, 5.0, 1.0)
    by_hand = -(5 * yes * np.log(1 / (1 + np.exp(-Z))) + (1 - yes) * np.log(1 / (1 + np.exp(Z))))
    assert bce_with_logits(Z, yes, weights=cost) == pytest.approx(by_hand.mean(), rel=1e-12)


def test_the_bend_is_that_of_two_classes():
    z = np.stack([np.zeros(20), Z.ravel()], axis=1)
    y = np.stack([1 - Y.ravel(), Y.ravel()], axis=1)
    np.testing.assert_allclose(
        bce_with_logits_hess(Z, Y).ravel(), cross_entropy_hess(z, y)[:, 1, 1], rtol=1e-14
    )
    single = bce_with_logits(Z, Y, reduction="none").ravel()
    np.testing.assert_allclose(single, cross_entropy(z, y, reduction="none"), rtol=1e-13)
    assert bce_with_logits_hess([0.0], [1.0]).tolist() == [0.25]
    assert bce_with_logits_hess([1000.0, -1000.0], [1.0, 1.0]).tolist() == [0, 0]
    assert bce_with_logits_hess([50.0], [0.0]) == pytest.approx(np.exp(-50.0), rel=1e-14)


def test_what_has_no_weight_is_left_out():
    for odd in (np.nan, np.inf, -np.inf):
        for f in EVERY:
            with np.errstate(all="raise"):
                found = f([odd, 0.5], [0.5, 1.0], weights=[0.0, 2.0], reduction="none")
            assert found[0] == 0
            assert found[1] == 2 * f([0.5], [1.0])


def test_overflow_happens_only_where_the_result_has_no_float64():
    with np.errstate(all="raise"):
        assert bce_with_logits([1e308] * 4, [0.0] * 4, weights=[2.0] * 4) == np.inf
        assert bce_with_logits([1e308, 0.0], [0.0, 0.0], weights=[2.0, 0.0]) == 1e308
        assert bce_with_logits([1e300] * 4, [0.0] * 4, weights=[1e9, 0, 0, 0]) == np.inf
        found = bce_with_logits([1e300] * 100, [0.0] * 100, weights=[1e9] + [0.0] * 99)
        assert found == pytest.approx(1e307, rel=1e-15)
        assert bce_with_logits([HUGE], [0.0], weights=[0.5]) == HUGE / 2
        assert bce_with_logits([1e308, 1e308], [0.0, 0.0], reduction="sum") == np.inf
        found = bce_with_logits([HUGE, -1.0], [0.0, 0.0], weights=[2.0, 1.0], reduction="none")
        assert found[0] == np.inf
        assert found[1] == bce_with_logits([-1.0], [0.0])


@pytest.mark.parametrize("dtype", [np.float64, np.longdouble])  # narrower ones are widened before
def test_the_slope_takes_the_logistic_function_to_its_last_bit(dtype):
    info, rng = np.finfo(dtype), np.random.default_rng(9)
    edges = [0, np.nextafter(dtype(0), dtype(1)), info.tiny, info.eps, 0.5, 1, info.max, np.inf]
    edges += [36.7, 37, 40, 700, 709.7, 709.8, 745.1, 745.2, 11356, 11357, 11399, 11400]
    scales = np.array([1e-9, 1.0, 10.0, 300.0, 5000.0])
    z = np.append(rng.normal(size=(20_000, 5)) * scales, edges).astype(dtype)
    z = np.concatenate([z, -z])
    with np.errstate(all="ignore"):
        found = _logistic_both_ways(z)
    for one, expected in zip(found, (sigmoid(z), sigmoid(-z)), strict=True):
        assert one.dtype == expected.dtype == dtype
        assert np.array_equal(one, expected)
        assert not np.signbit(one).any()  # a 0 is a positive one, which == does not see


def test_what_is_certainly_right_costs_nothing():
    assert bce_with_logits([1000.0, -1000.0], [1.0, 0.0]) == 0
    assert bce_with_logits([np.inf, -np.inf], [1.0, 0.0], weights=[2.0, 1.0]) == 0


def test_nan_comes_out():
    for f in EVERY:
        assert np.isnan(f([np.nan], [0.5])).all()
        assert np.isnan(f([np.nan], [1.0], weights=[2.0])).all()


def test_a_batch_of_nothing_has_a_sum():
    for f in EVERY:
        assert np.sum(f(Z[:0], Y[:0], reduction="sum")) == 0
        assert f(Z[:0], Y[:0], weights=W[:0], reduction="none").shape == (0, 5)


def test_dtypes():
    narrow = Z.astype(np.float32), Y.astype(np.float32)
    for f in EVERY:
        for reduction in ("mean", "none"):
            found = f(*narrow, weights=W, reduction=reduction)
            assert found.dtype == np.float32
            wide = f(*(a.astype(float) for a in narrow), weights=W, reduction=reduction)
            np.testing.assert_array_equal(found, wide.astype(np.float32))
        assert f(narrow[0], Y).dtype == np.float64
        assert f([0, 1], [0, 1]).dtype == np.float64


@pytest.mark.parametrize("shape", [(5,), (100, 1), (20, 3)])
def test_the_slope_without_checks_is_the_slope(shape):
    z, y = 10 * RNG.normal(size=shape), RNG.integers(0, 2, shape).astype(float)
    y.ravel()[:2] = 0.3
    z.ravel()[2:4] = 800.0, -800.0
    same_bits(bce_with_logits_grad.unchecked(z, y), bce_with_logits_grad(z, y))


@pytest.mark.parametrize("certain", [(np.inf, 1.0), (-np.inf, 0.0)])
def test_a_certain_label_leaves_the_other_losses_alone(certain):
    z, y = np.array([2.0, certain[0], -1.0]), np.array([0.25, certain[1], 1.0])
    alone = bce_with_logits(z[[0, 2]], y[[0, 2]], reduction="none")
    found = bce_with_logits(z, y, reduction="none")
    np.testing.assert_array_equal(found, [alone[0], 0.0, alone[1]])
    assert bce_with_logits(z, y, reduction="sum") == alone.sum()
