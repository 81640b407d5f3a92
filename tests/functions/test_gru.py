"""GRU: values and gradients at 50 digits with the reset gate in both places, extremes."""

import mpmath as mp
import numpy as np
import pytest

from nnbook.functions import gru, gru_cell, gru_cell_vjp, gru_vjp, sigmoid
from tests.functions import recurrences as true

RNG = np.random.default_rng(23)
N, T, D, H = 2, 3, 2, 2
X = RNG.normal(size=(N, T, D))
W_X, W_H, B = (RNG.normal(size=shape) for shape in ((3 * H, D), (3 * H, H), (3 * H,)))
H0, B_N = RNG.normal(size=(N, H)), RNG.normal(size=H)
G = RNG.normal(size=(N, T, H)), RNG.normal(size=(N, H))
EPS = np.finfo(float).eps
FORMS = [("before", None), ("after", None), ("after", B_N)]
forms = pytest.mark.parametrize(("reset", "b_n"), FORMS, ids=["before", "after", "after, b_n"])


@forms
def test_values_match_the_recursion_at_50_digits(reset, b_n):
    found = gru(X, W_X, W_H, B, H0, b_n, reset=reset)
    step = gru_cell(X[:, 0], H0, W_X, W_H, B, b_n, reset)
    inner = np.zeros(H) if b_n is None else b_n
    with mp.workdps(true.DIGITS):
        for k in range(N):
            x, *rest = map(true.exact, (X[k], W_X, W_H, B, H0[k], inner))
            for a, e in zip(found, true.gru(x, *rest, reset), strict=True):
                assert true.worst(a[k], e) < 5 * EPS
            assert true.worst(step[k], true.gru(x[:1], *rest, reset)[1]) < 5 * EPS


@forms
def test_gradients_match_differences_at_50_digits(reset, b_n):
    g = G[0][:1], G[1][:1]
    found = gru_vjp(g, X[:1], W_X, W_H, B, H0[:1], b_n, reset=reset)
    inner = np.zeros(H) if b_n is None else b_n
    with mp.workdps(true.DIGITS):
        weights = true.exact(np.concatenate([part.ravel() for part in g]))
        expected = true.gradients(
            lambda *a: true.gru(*a, reset), (X[0], W_X, W_H, B, H0[0], inner), weights
        )
    assert (found[5] is None) == (b_n is None)
    for bar, gradient in zip(found[: 5 if b_n is None else 6], expected, strict=False):
        np.testing.assert_allclose(bar.reshape(gradient.shape), gradient, rtol=1e-13, atol=1e-14)


@forms
def test_gradients_of_one_step_are_those_of_a_sequence_of_one(reset, b_n):
    bars = gru_cell_vjp(G[1], X[:, 0], H0, W_X, W_H, B, b_n, reset)
    sequence = gru_vjp((None, G[1]), X[:, :1], W_X, W_H, B, H0, b_n, reset=reset)
    x_bar, W_x_bar, W_h_bar, b_bar, h_bar, b_n_bar = sequence
    for a, e in zip(bars, (x_bar[:, 0], h_bar, W_x_bar, W_h_bar, b_bar, b_n_bar), strict=True):
        assert (a is None and e is None) or np.array_equal(a, e)


def test_with_one_unit_the_placement_makes_no_difference():
    x, h = X[:, :, :1], H0[:, :1]
    weights = W_X[:3, :1], W_H[:3, :1], B[:3]
    before, after = (gru(x, *weights, h, reset=reset) for reset in ("before", "after"))
    for a, e in zip(before, after, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-14)
    with_two = [gru(X, W_X, W_H, B, H0, reset=reset)[1] for reset in ("before", "after")]
    assert np.abs(with_two[0] - with_two[1]).max() > 0.01


def test_the_default_is_before():
    for a, e in zip(gru(X, W_X, W_H, B), gru(X, W_X, W_H, B, reset="before"), strict=True):
        np.testing.assert_array_equal(a, e)
    one = X[:, 0], H0, W_X, W_H, B
    np.testing.assert_array_equal(gru_cell(*one), gru_cell(*one, reset="before"))
    bars, named = gru_cell_vjp(G[1], *one), gru_cell_vjp(G[1], *one, reset="before")
    np.testing.assert_array_equal(bars[3], named[3])
    bars, named = gru_vjp(G, X, W_X, W_H, B), gru_vjp(G, X, W_X, W_H, B, reset="before")
    np.testing.assert_array_equal(bars[2], named[2])


@pytest.mark.parametrize("reset", ["before", "after"])
def test_each_gate_has_its_rows_and_the_update_gate_keeps(reset):
    b = np.array([0.3, 0.8, 0.5])
    W_h = np.array([[0.0], [0.0], [1.5]])
    h = gru_cell([[0.0]], [[2.0]], np.zeros((3, 1)), W_h, b, reset=reset)
    r, z = sigmoid(0.3), sigmoid(0.8)
    assert h.item() == pytest.approx((1 - z) * np.tanh(0.5 + r * 3.0) + z * 2.0, rel=1e-14)


@forms
def test_the_state_stays_within_its_range(reset, b_n):
    start = 5 * H0
    outputs, _ = gru(10 * RNG.normal(size=(N, 200, D)), W_X, W_H, B, start, b_n, reset=reset)
    assert np.abs(outputs).max() <= max(1, np.abs(start).max())


def test_a_new_state_behind_a_shut_gate_has_all_its_digits():
    # From a state of 0 it is (1 - z) n, with z rounded to 1.
    h = gru_cell([[0.0]], [[0.0]], np.zeros((3, 1)), np.zeros((3, 1)), [0.0, 50.0, 1.0])
    assert h.item() == pytest.approx(1.9287498479639e-22 * np.tanh(1.0), rel=1e-12)
    zeros = np.zeros((3, 1)), np.zeros((3, 1))
    bars = gru_cell_vjp([[1.0]], [[0.0]], [[0.0]], *zeros, [0.0, 50.0, 1.0])
    flat = 1.9287498479639e-22 * np.array([np.tanh(1.0), 1 - np.tanh(1.0) ** 2])
    np.testing.assert_allclose(bars[4][1:], flat * [-1, 1], rtol=1e-12)


def test_no_inner_bias_is_one_of_zero():
    for a, e in zip(
        gru(X, W_X, W_H, B, H0, np.zeros(H), reset="after"),
        gru(X, W_X, W_H, B, H0, reset="after"),
        strict=True,
    ):
        np.testing.assert_array_equal(a, e)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@forms
def test_the_dtype_is_kept(dtype, reset, b_n):
    arguments = (X, W_X, W_H, B, H0) if b_n is None else (X, W_X, W_H, B, H0, b_n)
    narrow = [a.astype(dtype) for a in arguments]
    found = (*gru(*narrow, reset=reset),
             *gru_vjp(tuple(g.astype(dtype) for g in G), *narrow, reset=reset))  # fmt: skip
    expected = (*gru(*arguments, reset=reset), *gru_vjp(G, *arguments, reset=reset))
    for a, e in zip(found, expected, strict=True):
        if e is None:
            assert a is None
            continue
        assert a.dtype == dtype
        assert np.abs(a - e).max() <= 60 * float(np.finfo(dtype).eps) * np.abs(e).max() + 3e-15


def test_a_thousand_steps_at_float32_are_close_to_float64():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(1, 1000, D)).astype(np.float32)
    narrow = [(0.5 * a).astype(np.float32) for a in (W_X, W_H, B)]
    with np.errstate(all="raise"):
        outputs, _ = gru(x, *narrow)
    wide = gru(x.astype(float), *(a.astype(float) for a in narrow))[0]
    assert np.abs(outputs - wide).max() < 1e-6


@pytest.mark.parametrize("radius", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("reset", ["before", "after"])
def test_the_error_stays_within_4_epsilon_over_200_steps(radius, reset):
    rng = np.random.default_rng(24)
    W_h = np.concatenate([radius * W / np.linalg.norm(W, 2) for W in np.split(W_H, 3)])
    x, none = rng.normal(size=(1, 200, D)), np.zeros(H)
    outputs, _ = gru(x, W_X, W_h, B, reset=reset)
    with mp.workdps(true.DIGITS):
        states, _ = true.gru(*map(true.exact, (x[0], W_X, W_h, B, none, none)), reset)
        assert true.worst(outputs[0], states) < 4 * EPS
