"""Absolute error and Huber's loss: branches, kinks, precision and overflow."""

import mpmath as mp
import numpy as np
import pytest

from nnbook.functions import huber, huber_grad, mae, mae_grad, mse, mse_grad
from tests.functions.loss_reference import Exact, worst

RNG = np.random.default_rng(9)
P, T = RNG.normal(size=(2, 4, 3)) * 2
EVERY = [mae, mae_grad, huber, huber_grad]


def test_values_by_hand():
    assert mae([1.0, -2.0, 3.0], [1.0, 1.0, 1.0]) == 5 / 3
    assert mae([[1.0, -2.0]], [[1.0, 1.0]], reduction="sum") == 3
    assert mae([1.0, -2.0], [1.0, 1.0], reduction="none").tolist() == [0, 3]
    assert mae_grad([1.0, -2.0, 3.0, 2.0], [1.0] * 4).tolist() == [0, -0.25, 0.25, 0.25]
    assert mae_grad([1.0, -2.0], [1.0] * 2, reduction="sum").tolist() == [0, -1]
    e, zero = [0.5, -1.5, 2.0, -4.0], [0.0] * 4
    assert huber(e, zero, reduction="none").tolist() == [0.125, 1.0, 1.5, 3.5]
    assert huber(e, zero, delta=2.0, reduction="none").tolist() == [0.125, 1.125, 2.0, 6.0]
    assert huber(e, zero) == 6.125 / 4
    assert huber(e, zero, reduction="sum") == 6.125
    assert huber_grad(e, zero).tolist() == [0.125, -0.25, 0.25, -0.25]
    assert huber_grad(e, zero, delta=2.0, reduction="none").tolist() == [0.5, -1.5, 2, -2]


@pytest.mark.parametrize("delta", [1e-3, 0.7, 1.0, 30.0])
def test_values_and_slopes_to_50_digits(delta):
    with mp.workdps(60), np.errstate(all="raise"):
        e = [mp.mpf(p) - mp.mpf(t) for p, t in zip(P.flat, T.flat, strict=True)]
        d = mp.mpf(delta)
        loss = [x * x / 2 if abs(x) <= d else d * (abs(x) - d / 2) for x in e]
        # The difference has terms of its own: p and t.
        size = [abs(mp.mpf(p)) + abs(mp.mpf(t)) for p, t in zip(P.flat, T.flat, strict=True)]
        terms = [min(s, d) * s for s in size]
        total, scale = mp.fsum(loss) / 12, mp.fsum(terms) / 12
        assert worst(huber(P, T, delta=delta), Exact(total, scale), 12) <= 1
        slope = [Exact(max(-d, min(d, x)), s) for x, s in zip(e, size, strict=True)]
        found = huber_grad(P, T, delta=delta, reduction="sum").ravel()
        assert worst(found, slope, 1) <= 1
        absolute = mp.fsum(abs(x) for x in e) / 12
        assert worst(mae(P, T), Exact(absolute, mp.fsum(size) / 12), 12) <= 1


def test_huber_joins_its_branches_with_equal_values_and_slopes():
    for delta in (0.3, 1.0, 7.5):
        inside, outside = np.nextafter(delta, 0), np.nextafter(delta, np.inf)
        values = huber([inside, delta, outside], [0.0] * 3, delta=delta, reduction="none")
        np.testing.assert_allclose(values, delta**2 / 2, rtol=1e-15)
        slopes = huber_grad([inside, delta, outside], [0.0] * 3, delta=delta, reduction="none")
        assert slopes.tolist() == [inside, delta, delta]


def test_huber_tends_to_half_the_squares_and_to_the_absolute_error():
    assert huber(P, T, delta=1e6) == pytest.approx(mse(P, T) / 2, rel=1e-14)
    np.testing.assert_allclose(huber_grad(P, T, delta=1e6), mse_grad(P, T) / 2, rtol=1e-14)
    assert huber(P, T, delta=1e-9) / 1e-9 == pytest.approx(mae(P, T), rel=1e-8)
    np.testing.assert_allclose(huber_grad(P, T, delta=1e-9) / 1e-9, mae_grad(P, T), rtol=1e-14)


@pytest.mark.parametrize(("loss", "grad"), [(mae, mae_grad), (huber, huber_grad)])
def test_none_sums_to_sum_and_divides_to_mean(loss, grad):
    single = loss(P, T, reduction="none")
    assert single.shape == P.shape
    assert loss(P, T, reduction="sum") == pytest.approx(single.sum(), rel=1e-15)
    assert loss(P, T) == pytest.approx(single.mean(), rel=1e-15)
    of_sum = grad(P, T, reduction="sum")
    np.testing.assert_array_equal(grad(P, T, reduction="none"), of_sum)
    np.testing.assert_allclose(grad(P, T), of_sum / 12, rtol=1e-15)


def test_overflow_happens_only_where_the_result_has_no_float64():
    with np.errstate(all="raise"):
        assert mae([1e308] * 4, [0.0] * 4) == 1e308
        assert mae([1e308, 0.0], [-1e308, 0.0]) == 1e308
        assert mae([1e308, 1e308], [0.0, 0.0], reduction="sum") == np.inf
        assert mae([1e308, 1.0], [-1e308, 0.0], reduction="none").tolist() == [np.inf, 1]
        assert mae_grad([1e308, 1.0], [-1e308, 0.0]).tolist() == [0.5, 0.5]
        assert huber([1e308] * 4, [0.0] * 4) == 1e308
        assert huber([1e308, 0.0], [-1e308, 0.0]) == 1e308
        assert huber([1e308, 2.0], [-1e308, 0.0], delta=0.25, reduction="none").tolist() == [
            5e307, 0.46875]  # fmt: skip
        assert huber([1e308, -1e308], [0.0, 0.0], delta=0.5, reduction="sum") == 1e308
        assert huber([1e200], [0.0], delta=1e200) == np.inf
        assert huber([1e154, 0.0], [0.0, 0.0], delta=1e200) == pytest.approx(2.5e307, rel=1e-15)
        assert huber([1.8e154] + [0.0] * 9, [0.0] * 10, delta=1e200) == pytest.approx(1.62e307)
        assert huber([1.5e154] * 4, [0.0] * 4, delta=1.5e154) == pytest.approx(1.125e308, rel=1e-15)
        assert {type(f([1e308] * 4, [0.0] * 4)) for f in (huber, mae)} == {np.float64}
        assert huber_grad([1e308], [-1e308], delta=3.0) == 3
        assert huber([np.inf, 0.0], [0.0, 0.0]) == np.inf
        assert huber_grad([-np.inf, 0.0], [0.0, 0.0]).tolist() == [-0.5, 0]


def test_nan_comes_out():
    for f in EVERY:
        found = f([np.nan, 1.0], [0.0, 0.0], reduction="none")
        assert np.isnan(found[0])
        assert found[1] == f([1.0], [0.0], reduction="sum")


def test_dtypes_and_empty_batches():
    narrow = P.astype(np.float32), T.astype(np.float32)
    for f in EVERY:
        found = f(*narrow)
        assert found.dtype == np.float32
        wide = f(narrow[0].astype(float), narrow[1].astype(float))
        np.testing.assert_array_equal(found, wide.astype(np.float32))
        assert f(narrow[0], T).dtype == np.float64
        assert f([1, 2], [3, 5]).dtype == np.float64
        assert np.sum(f(P[:0], T[:0], reduction="sum")) == 0
        assert f(P[:0], T[:0], reduction="none").shape == (0, 3)
    assert huber(np.float16([0.5]), np.float16([0.0])).dtype == np.float16
