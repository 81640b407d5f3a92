"""LSTM: values and gradients at 50 digits, what the gates do, extremes."""

import mpmath as mp
import numpy as np
import pytest

from nnbook.functions import half_life_bias, lstm, lstm_cell, lstm_cell_vjp, lstm_vjp, sigmoid
from tests.functions import recurrences as true

RNG = np.random.default_rng(22)
N, T, D, H = 2, 3, 2, 2
X = RNG.normal(size=(N, T, D))
W_X, W_H, B = (RNG.normal(size=shape) for shape in ((4 * H, D), (4 * H, H), (4 * H,)))
H0, C0 = RNG.normal(size=(2, N, H))
P = RNG.normal(size=(3, H))
G = RNG.normal(size=(N, T, H)), *RNG.normal(size=(2, N, H))
EPS = np.finfo(float).eps
NONE = np.zeros((3, H))


def recursion(forget_bias):
    return lambda x, W_x, W_h, b, h, c, p: true.lstm(x, W_x, W_h, b, h, c, p, forget_bias)


@pytest.mark.parametrize("peepholes", [None, P])
@pytest.mark.parametrize("forget_bias", [0.0, 1.5])
def test_values_match_the_recursion_at_50_digits(peepholes, forget_bias):
    found = lstm(X, W_X, W_H, B, H0, C0, peepholes, forget_bias=forget_bias)
    step = lstm_cell(X[:, 0], H0, C0, W_X, W_H, B, peepholes, forget_bias)
    p = NONE if peepholes is None else P
    with mp.workdps(true.DIGITS):
        for k in range(N):
            arguments = [*map(true.exact, (X[k], W_X, W_H, B, H0[k], C0[k], p)), forget_bias]
            for a, e in zip(found, true.lstm(*arguments), strict=True):
                assert true.worst(a[k], e) < 6 * EPS
            arguments[0] = arguments[0][:1]
            for a, e in zip(step, true.lstm(*arguments)[1:], strict=True):
                assert true.worst(a[k], e) < 6 * EPS


@pytest.mark.parametrize("peepholes", [None, P])
def test_gradients_match_differences_at_50_digits(peepholes):
    one = slice(0, 1)
    g = tuple(part[one] for part in G)
    found = lstm_vjp(g, X[one], W_X, W_H, B, H0[one], C0[one], peepholes, forget_bias=1.5)
    p = NONE if peepholes is None else P
    with mp.workdps(true.DIGITS):
        weights = true.exact(np.concatenate([part.ravel() for part in g]))
        arguments = X[0], W_X, W_H, B, H0[0], C0[0], p
        expected = true.gradients(recursion(mp.mpf(1.5)), arguments, weights)
    assert (found[6] is None) == (peepholes is None)
    for bar, gradient in zip(found[: 6 if peepholes is None else 7], expected, strict=False):
        np.testing.assert_allclose(bar.reshape(gradient.shape), gradient, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("peepholes", [None, P])
def test_gradients_of_one_step_are_those_of_a_sequence_of_one(peepholes):
    rest = () if peepholes is None else (P,)
    bars = lstm_cell_vjp(G[1:], X[:, 0], H0, C0, W_X, W_H, B, *rest, forget_bias=1.5)
    sequence = lstm_vjp((None, *G[1:]), X[:, :1], W_X, W_H, B, H0, C0, *rest, forget_bias=1.5)
    x_bar, W_x_bar, W_h_bar, b_bar, h_bar, c_bar, p_bar = sequence
    expected = x_bar[:, 0], h_bar, c_bar, W_x_bar, W_h_bar, b_bar, p_bar
    for a, e in zip(bars, expected, strict=True):
        assert (a is None and e is None) or np.array_equal(a, e)


def test_the_forget_bias_is_a_constant_in_the_forget_gate():
    b = B.copy()
    b[H : 2 * H] += 2.0
    for a, e in zip(lstm(X, W_X, W_H, B, forget_bias=2.0), lstm(X, W_X, W_H, b), strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-13)
    with_bias = lstm_vjp(G, X, W_X, W_H, B, forget_bias=2.0)
    for a, e in zip(with_bias, lstm_vjp(G, X, W_X, W_H, b), strict=True):
        assert (a is None and e is None) or np.allclose(a, e, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("n", [1, 10, 50])
def test_the_half_life_is_what_it_says(n):
    x, none = np.zeros((1, n, 1)), (np.zeros((4, 1)), np.zeros((4, 1)), np.zeros(4))
    bias = float(half_life_bias(n))
    _, _, c = lstm(x, *none, None, [[1.0]], forget_bias=bias)
    assert c.item() == pytest.approx(0.5, rel=1e-13)
    bars = lstm_vjp((None, None, [[1.0]]), x, *none, None, [[1.0]], forget_bias=bias)
    assert bars[5].item() == pytest.approx(0.5, rel=1e-13)


def test_the_immediate_path_is_the_product_of_the_forget_gates():
    x = RNG.normal(size=(1, 6, D))
    W_h = np.zeros((4 * H, H))
    f = sigmoid(x[0] @ W_X[H : 2 * H].T + B[H : 2 * H])
    bars = lstm_vjp((None, None, np.ones((1, H))), x, W_X, W_h, B, c0=C0[:1])
    np.testing.assert_allclose(bars[5][0], f.prod(axis=0), rtol=1e-13)


@pytest.mark.parametrize("gate", range(4))
def test_each_gate_has_its_rows(gate):
    b = np.array([0.3, 0.4, 0.5, 0.6])
    b[gate] = 100.0
    h, c = lstm_cell([[0.0]], [[0.0]], [[2.0]], np.zeros((4, 1)), np.zeros((4, 1)), b)
    i, f, g, o = sigmoid(b[0]), sigmoid(b[1]), np.tanh(b[2]), sigmoid(b[3])
    assert c.item() == pytest.approx(f * 2 + i * g, rel=1e-14)
    assert h.item() == pytest.approx(o * np.tanh(f * 2 + i * g), rel=1e-14)


def test_peepholes_see_the_old_cell_and_the_output_gate_the_new_one():
    none = np.zeros((4, 1)), np.zeros((4, 1)), np.array([0.0, 0.0, 0.5, 0.0])
    p = np.array([[0.7], [-0.4], [1.1]])
    h, c = lstm_cell([[0.0]], [[0.0]], [[2.0]], *none, p)
    new = sigmoid(-0.8) * 2 + sigmoid(1.4) * np.tanh(0.5)
    assert c.item() == pytest.approx(new, rel=1e-14)
    assert h.item() == pytest.approx(sigmoid(1.1 * new) * np.tanh(new), rel=1e-14)


def test_the_gradient_passes_a_saturated_gate():
    none = np.zeros((4, 1)), np.zeros((4, 1))
    bars = lstm_cell_vjp((None, [[1.0]]), [[0.0]], [[0.0]], [[2.0]], *none, [0.0, 50.0, 0.0, 0.0])
    assert bars[5][1] == pytest.approx(2 * 1.9287498479639e-22, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_the_dtype_is_kept(dtype):
    arguments = X, W_X, W_H, B, H0, C0, P
    found = lstm(*(a.astype(dtype) for a in arguments))
    bars = lstm_vjp(tuple(g.astype(dtype) for g in G), *(a.astype(dtype) for a in arguments))
    expected = (*lstm(*arguments), *lstm_vjp(G, *arguments))
    for a, e in zip((*found, *bars), expected, strict=True):
        assert a.dtype == dtype
        assert np.abs(a - e).max() <= 60 * float(np.finfo(dtype).eps) * np.abs(e).max() + 3e-15


def test_a_thousand_steps_at_float32_are_close_to_float64():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(1, 1000, D)).astype(np.float32)
    weights = [0.5 * a for a in (W_X, W_H, B)]
    narrow = [a.astype(np.float32) for a in weights]
    with np.errstate(all="raise"):
        outputs, _, _ = lstm(x, *narrow)
    wide = lstm(x.astype(float), *(a.astype(float) for a in narrow))[0]
    assert np.abs(outputs - wide).max() < 4e-7


@pytest.mark.parametrize("radius", [0.5, 1.0, 1.5])
def test_the_error_stays_within_4_epsilon_over_200_steps(radius):
    rng = np.random.default_rng(24)
    W_h = np.concatenate([radius * W / np.linalg.norm(W, 2) for W in np.split(W_H, 4)])
    x, none = rng.normal(size=(1, 200, D)), np.zeros(H)
    outputs, _, _ = lstm(x, W_X, W_h, B)
    with mp.workdps(true.DIGITS):
        states, _, _ = true.lstm(*map(true.exact, (x[0], W_X, W_h, B, none, none, NONE)))
        assert true.worst(outputs[0], states) < 4 * EPS
