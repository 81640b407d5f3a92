"""Squared errors: the two divisors, their gradients, overflow, and shapes that would broadcast."""

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from nnbook.functions import mse, mse_grad, squared_error, squared_error_grad
from tests.functions.loss_reference import Exact, worst

RNG = np.random.default_rng(31)
P, T = RNG.normal(size=(2, 4, 3))
LOSSES = [mse, squared_error]
EVERY = [mse, mse_grad, squared_error, squared_error_grad]


def test_values_by_hand():
    p, t = [[1.0, 2.0], [3.0, 5.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    # squares 0, 4, 9, 16, 0, 0: 29 in all, over 6 entries and 3 examples
    assert mse(p, t) == pytest.approx(29 / 6)
    assert squared_error(p, t) == pytest.approx(29 / 6)
    assert squared_error(p[:2], t[:2]) == pytest.approx(29 / 4)
    assert mse(p[:2], t[:2]) == pytest.approx(29 / 4)


def test_the_two_differ_by_half_the_number_of_outputs():
    assert squared_error(P, T) == pytest.approx(1.5 * mse(P, T), rel=1e-14)
    np.testing.assert_allclose(squared_error_grad(P, T), 1.5 * mse_grad(P, T), rtol=1e-14)
    assert squared_error(P[:, 0], T[:, 0]) == pytest.approx(mse(P[:, 0], T[:, 0]) / 2, rel=1e-14)


@pytest.mark.parametrize(
    ("loss", "grad", "divisor"), [(mse, mse_grad, 12), (squared_error, squared_error_grad, 8)]
)
def test_gradient_is_sympys_derivative(loss, grad, divisor):
    p = sp.Matrix(4, 3, sp.symbols("p0:12", real=True))
    formula = (
        sum((x - sp.Float(float(t), 17)) ** 2 for x, t in zip(p, T.ravel(), strict=True)) / divisor
    )
    values = dict(zip(p, P.ravel().tolist(), strict=True))
    assert loss(P, T) == pytest.approx(float(formula.subs(values)), rel=1e-14)
    expected = [float(sp.diff(formula, x).subs(values)) for x in p]
    np.testing.assert_allclose(grad(P, T).ravel(), expected, rtol=1e-14)


def test_one_axis_is_n_examples_of_one_output():
    for loss in LOSSES:
        assert loss(P[:, 0], T[:, 0]) == pytest.approx(loss(P[:, :1], T[:, :1]), rel=1e-15)


def test_overflow_happens_only_where_the_result_has_no_float64():
    with np.errstate(all="raise"):
        assert mse([1.3e154] * 4, [0.0] * 4) == pytest.approx(1.69e308)
        assert mse([2e154] + [0.0] * 9, [0.0] * 10) == pytest.approx(4e307)
        assert squared_error([[1e154, 1e154]], [[0.0, 0.0]]) == pytest.approx(1e308)
        assert mse([1e308], [-1e308]) == squared_error([1e308], [-1e308]) == np.inf
        np.testing.assert_allclose(mse_grad([1e308] * 4, [-1e308] * 4), 1e308, rtol=1e-15)
        np.testing.assert_allclose(squared_error_grad([1e308] * 4, [-1e308] * 4), 5e307, rtol=1e-15)
        assert mse_grad([1e308], [-1e308]).tolist() == [np.inf]
        assert mse([1e-200], [0.0]) == 0


def test_nan_and_infinite_predictions():
    assert np.isnan(mse([np.nan, 0.0], [0.0, 0.0]))
    assert mse([np.inf], [0.0]) == squared_error([-np.inf], [0.0]) == np.inf
    assert squared_error_grad([-np.inf, np.nan], [0.0, 0.0])[0] == -np.inf
    assert np.isnan(mse_grad([-np.inf, np.nan], [0.0, 0.0])[1])


def test_dtypes():
    narrow = P.astype(np.float32), T.astype(np.float32)
    for f in EVERY:
        assert f(*narrow).dtype == np.float32
        assert f(narrow[0], T).dtype == np.float64
        assert f([1, 2], [3, 5]).dtype == np.float64
        expected = f(narrow[0].astype(float), narrow[1].astype(float)).astype(np.float32)
        np.testing.assert_array_equal(f(*narrow), expected)


def test_arguments_are_not_changed():
    p, t = P.copy(), T.copy()
    for f in EVERY:
        result = f(p, t)
        assert not np.shares_memory(result, p)
    np.testing.assert_array_equal((p, t), (P, T))


@pytest.mark.parametrize("f", EVERY)
@pytest.mark.parametrize(
    ("p", "t", "message"),
    [
        (
            P[:, :1],
            T[:, 0],
            r"prediction has \(4, 1\) and target has \(4,\); NumPy would broadcast",
        ),
        (P[:, :1], T[:, 0], r"so use prediction.ravel\(\) or target\[:, np.newaxis\]"),
        (P[:, 0], T[:, :1], r"so use target.ravel\(\) or prediction\[:, np.newaxis\]"),
        (P, T.T, r"rows are examples, so one of them is transposed: target.T"),
        (P, 0.0, r"prediction has \(4, 3\) and target has \(\)$"),
        (P, T * np.nan, r"target\[0, 0\] is nan, but data must be finite"),
        ([1.0, 2.0], [0.0, np.inf], r"target\[1\] is inf, but data must be finite"),
        (P[:0], T[:0], r"prediction is empty, shape \(0, 3\)"),
        (1.0, 2.0, r"prediction must have an axis of examples"),
    ],
)
def test_what_does_not_fit_is_refused(f, p, t, message):
    with pytest.raises(ValueError, match=message):
        f(p, t)


@pytest.mark.parametrize("f", EVERY)
def test_what_is_not_a_real_number_is_refused_by_name(f):
    with pytest.raises(TypeError, match=r"^prediction must hold real numbers"):
        f(P * 1j, T)
    with pytest.raises(TypeError, match=r"^target must hold real numbers"):
        f(P, T.astype(object))


def test_mse_whose_squares_overflow_keeps_the_value_of_its_mean():
    prediction, target = np.array([[1.2e154, 0.0, 0.0, 0.0]]), np.array([[-1.0e154, 0.0, 0.0, 0.0]])
    exact = 2.2e154 * (2.2e154 / 4)
    assert mse(prediction, target) == pytest.approx(exact, rel=1e-15)


@pytest.mark.parametrize(
    ("loss", "grad", "shape", "count"),
    [(mse, mse_grad, (4, 3), 12), (squared_error, squared_error_grad, (4,), 4)],
)
def test_none_sums_to_sum_and_divides_to_mean(loss, grad, shape, count):
    single = loss(P, T, reduction="none")
    assert single.shape == shape
    assert loss(P, T, reduction="sum") == pytest.approx(single.sum(), rel=1e-14)
    assert loss(P, T) == pytest.approx(single.sum() / count, rel=1e-14)
    of_sum = grad(P, T, reduction="sum")
    np.testing.assert_array_equal(grad(P, T, reduction="none"), of_sum)
    np.testing.assert_allclose(grad(P, T), of_sum / count, rtol=1e-15)


def test_reductions_by_hand():
    p, t = [[1.0, 2.0], [3.0, 5.0]], [[1.0, 0.0], [0.0, 1.0]]
    assert mse(p, t, reduction="none").tolist() == [[0, 4], [9, 16]]
    assert mse(p, t, reduction="sum") == 29
    assert mse_grad(p, t, reduction="sum").tolist() == [[0, 4], [6, 8]]
    assert squared_error(p, t, reduction="none").tolist() == [2, 12.5]
    assert squared_error(p, t, reduction="sum") == 14.5
    assert squared_error_grad(p, t, reduction="sum").tolist() == [[0, 2], [3, 4]]
    flat = squared_error([1.0, 4.0], [0.0, 0.0], reduction="none")
    assert flat.tolist() == [0.5, 8]
    cube = squared_error(np.ones((2, 3, 4)), np.zeros((2, 3, 4)), reduction="none")
    assert cube.tolist() == [6, 6]


def test_reductions_overflow_only_where_the_result_has_no_float64():
    with np.errstate(all="raise"):
        half = squared_error([[1.5e154], [1.0]], [[0.0], [0.0]], reduction="none")
        np.testing.assert_allclose(half, [1.125e308, 0.5], rtol=1e-15)
        assert squared_error([1.5e154], [0.0], reduction="sum") == pytest.approx(1.125e308)
        assert mse([1.5e154, 1.0], [0.0, 0.0], reduction="none").tolist() == [np.inf, 1]
        assert mse([1.5e154], [0.0], reduction="sum") == np.inf
        assert mse_grad([1e308], [0.0], reduction="sum").tolist() == [np.inf]
        assert squared_error_grad([1e308], [0.0], reduction="sum").tolist() == [1e308]


@pytest.mark.parametrize("f", EVERY)
def test_a_batch_of_nothing_has_a_sum(f):
    assert np.sum(f(P[:0], T[:0], reduction="sum")) == 0
    assert f(P[:0], T[:0], reduction="none").shape[0] == 0


@pytest.mark.parametrize("scale", [1e-100, 1.0, 1e100])
def test_values_to_50_digits(scale):
    p, t = P * scale, T * scale
    with mp.workdps(60):
        e = [mp.mpf(a) - mp.mpf(b) for a, b in zip(p.flat, t.flat, strict=True)]
        squares = mp.fsum(x * x for x in e)
        terms = mp.fsum(
            (abs(mp.mpf(a)) + abs(mp.mpf(b))) ** 2 for a, b in zip(p.flat, t.flat, strict=True)
        )
        assert worst(mse(p, t), Exact(squares / 12, terms / 12), 12) <= 1
        assert worst(squared_error(p, t), Exact(squares / 8, terms / 8), 12) <= 1
