"""Recurrent networks: values and gradients at 50 digits, the linear case, bounds, extremes."""

import warnings

import mpmath as mp
import numpy as np
import pytest

from nnbook.functions import ACTIVATIONS, get_activation, rnn, rnn_cell, rnn_cell_vjp, rnn_vjp
from tests.functions import recurrences as true

RNG = np.random.default_rng(21)
N, T, D, H = 2, 4, 3, 5
X = RNG.normal(size=(N, T, D))
W_X, W_H = 0.5 * RNG.normal(size=(H, D)), 0.4 * RNG.normal(size=(H, H))
B, H0 = RNG.normal(size=H), RNG.normal(size=(N, H))
G = RNG.normal(size=(N, T, H)), RNG.normal(size=(N, H))
EPS = np.finfo(float).eps


def test_values_match_the_recursion_at_50_digits():
    outputs, last = rnn(X, W_X, W_H, B, H0)
    with mp.workdps(true.DIGITS):
        for k in range(N):
            states, end = true.rnn(*map(true.exact, (X[k], W_X, W_H, B, H0[k])))
            assert true.worst(outputs[k], states) < 4 * EPS
            assert true.worst(last[k], end) < 4 * EPS


def test_one_step_matches_at_50_digits():
    found = rnn_cell(X[:, 0], H0, W_X, W_H, B)
    with mp.workdps(true.DIGITS):
        for k in range(N):
            _, end = true.rnn(*map(true.exact, (X[k, :1], W_X, W_H, B, H0[k])))
            assert true.worst(found[k], end) < 4 * EPS


def test_gradients_match_differences_at_50_digits():
    arguments = X[0], W_X, W_H, B, H0[0]
    found = rnn_vjp((G[0][:1], G[1][:1]), X[:1], W_X, W_H, B, H0[:1])
    with mp.workdps(true.DIGITS):
        expected = true.gradients(true.rnn, arguments, true.exact(np.r_[G[0][0].ravel(), G[1][0]]))
    for bar, gradient in zip(found, expected, strict=True):
        np.testing.assert_allclose(bar.reshape(gradient.shape), gradient, rtol=1e-13, atol=1e-14)


def test_gradients_of_one_step_match_differences_at_50_digits():
    def cell(x, h, W_x, W_h, b):
        return true.rnn([x], W_x, W_h, b, h)[1]

    found = rnn_cell_vjp(G[1][:1], X[:1, 0], H0[:1], W_X, W_H, B)
    with mp.workdps(true.DIGITS):
        expected = true.gradients(cell, (X[0, 0], H0[0], W_X, W_H, B), true.exact(G[1][0]))
    for bar, gradient in zip(found, expected, strict=True):
        np.testing.assert_allclose(bar.reshape(gradient.shape), gradient, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_does_what_its_name_says(name):
    phi, slope = get_activation(name)
    x, h = X[:, 0], H0
    z = x @ W_X.T + h @ W_H.T + B
    np.testing.assert_allclose(rnn_cell(x, h, W_X, W_H, B, activation=name), phi(z), rtol=1e-12)
    z_bar = G[1] * slope(z)
    bars = rnn_cell_vjp(G[1], x, h, W_X, W_H, B, activation=name)
    expected = z_bar @ W_X, z_bar @ W_H, z_bar.T @ x, z_bar.T @ h, z_bar.sum(axis=0)
    for bar, e in zip(bars, expected, strict=True):
        np.testing.assert_allclose(bar, e, rtol=1e-11, atol=1e-13)


# ----------------------------------------------------------------------- the linear case
LINEAR = {"activation": "identity"}


def linear(rate, inputs, **options):
    """Return what rnn_vjp says of h_T in h_t = rate h_(t-1) + x_t."""
    x = np.reshape(inputs, (1, -1, 1))
    g = None, np.ones((1, 1))
    return rnn_vjp(g, x, [[1.0]], [[rate]], [0.0], [[0.25]], **LINEAR, **options)


def terms(rate, inputs):
    """Return the T terms rate^(T-t) h_(t-1) of the derivative of h_T in the rate."""
    states, steps = [0.25], len(inputs)
    for value in inputs:
        states.append(rate * states[-1] + value)
    return np.array([rate ** (steps - t) * states[t - 1] for t in range(1, steps + 1)])


@pytest.mark.parametrize("rate", [0.5, -0.9, 1.0, 1.5])
def test_the_linear_recurrence_passes_powers_back(rate):
    x_bar, _, W_h_bar, b_bar, h0_bar = linear(rate, range(1, 8))
    np.testing.assert_allclose(x_bar.ravel(), rate ** np.arange(6.0, -1, -1), rtol=1e-14)
    assert h0_bar.item() == pytest.approx(rate**7, rel=1e-14)
    assert W_h_bar.item() == pytest.approx(terms(rate, range(1, 8)).sum(), rel=1e-13)
    assert b_bar.item() == pytest.approx(x_bar.sum(), rel=1e-14)


@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_truncation_keeps_the_last_terms_of_the_linear_case(k):
    inputs, rate = [1.0, -2.0, 3.0, 0.5, 1.5, -1.0], 0.8
    every = terms(rate, inputs)
    x_bar, _, W_h_bar, _, h0_bar = linear(rate, inputs, truncate=k)
    assert W_h_bar.item() == pytest.approx(every[-k:].sum(), rel=1e-13)
    full = linear(rate, inputs)[2].item()
    bias = -every[: 6 - k].sum()
    assert W_h_bar.item() - full == pytest.approx(bias, rel=1e-12, abs=1e-14)
    kept = np.where(np.arange(6) >= 6 - k, rate ** np.arange(5.0, -1, -1), 0)
    np.testing.assert_allclose(x_bar.ravel(), kept, rtol=1e-14)
    assert h0_bar.item() == pytest.approx(rate**6 if k == 6 else 0)


@pytest.mark.parametrize(("k", "kept"), [(2, 1), (3, 1), (4, 3), (5, 2), (7, 7), (100, 7)])
def test_pieces_are_counted_from_the_first_step_read(k, kept):
    inputs, rate = [1.0, -2.0, 3.0, 0.5, 1.5, -1.0, 2.0], 0.8
    found = linear(rate, inputs, truncate=k)[2].item()
    assert found == pytest.approx(terms(rate, inputs)[-kept:].sum(), rel=1e-13)


def test_the_output_of_a_step_is_explained_by_its_own_piece():
    g = np.ones((1, 4, 1)), None
    x = np.ones((1, 4, 1))
    x_bar = rnn_vjp(g, x, [[1.0]], [[0.5]], [0.0], **LINEAR, truncate=2)[0]
    np.testing.assert_allclose(x_bar.ravel(), [1.5, 1.0, 1.5, 1.0])


# ----------------------------------------------------------------------- bounds
@pytest.mark.parametrize(("name", "steepest"), [("tanh", 1.0), ("sigmoid", 0.25), ("relu", 1.0)])
@pytest.mark.parametrize("radius", [0.5, 1.5])
def test_what_one_state_does_to_a_later_one_is_bounded(name, steepest, radius):
    W_h = radius * W_H / np.linalg.norm(W_H, 2)
    for steps in (1, 3, 6):
        x = RNG.normal(size=(H, steps, D))
        start = np.repeat(H0[:1], H, axis=0)
        x[:] = x[:1]
        g = None, np.eye(H)  # one row of the Jacobian an example
        jacobian = rnn_vjp(g, x, W_X, W_h, B, start, activation=name)[4]
        assert np.linalg.norm(jacobian, 2) <= (steepest * radius) ** steps * (1 + 1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_error_grows_no_faster_than_stated(dtype):
    eps = float(np.finfo(dtype).eps)
    W_h = W_H / np.linalg.norm(W_H, 2)
    W_x, W_h, b = W_X.astype(dtype), (0.999 * W_h).astype(dtype), B.astype(dtype)
    x, h0 = RNG.normal(size=(1, 200, D)).astype(dtype), H0[:1].astype(dtype)
    outputs, _ = rnn(x, W_x, W_h, b, h0)
    assert outputs.dtype == dtype
    terms = np.abs(x) @ np.abs(W_x).T + np.abs(W_h).sum(axis=1) + np.abs(b)
    # Per unit: the pre-activation's bound, and 2 ulp of a value of at most 1; in the 2-norm.
    step = np.sqrt(H) * (8 * eps * np.sqrt(D + H + 1) * terms.max() + 2 * eps)
    with mp.workdps(true.DIGITS):
        states, _ = true.rnn(*map(true.exact, (x[0], W_x, W_h, b, h0[0])))
        for t in (0, 9, 49, 199):
            assert true.worst(outputs[0, t], states[t]) <= (t + 1) * step
        assert true.worst(outputs[0], states) < 20 * eps  # and far below it, in fact


# ----------------------------------------------------------------------- extremes
def test_the_gradient_passes_a_saturated_unit():
    bars = rnn_cell_vjp([[1.0]], [[200.0]], [[0.0]], [[1.0]], [[1.0]], [0.0])
    assert bars[0].item() == pytest.approx(7.660647443e-174, rel=1e-9)


def test_ten_thousand_steps_are_silent_and_finite():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(1, 10_000, 2)).astype(np.float32)
    W_h = np.float32(0.9) * np.eye(3, dtype=np.float32)
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        out = rnn(x, np.ones((3, 2), np.float32), W_h, np.zeros(3, np.float32))
        bars = rnn_vjp(
            out, x, np.ones((3, 2), np.float32), W_h, np.zeros(3, np.float32), output=out
        )
    for array in (*out, *bars[:4]):
        assert array.dtype == np.float32 and np.isfinite(array).all()


def test_an_exploding_network_overflows_in_silence():
    x = np.ones((1, 2000, 1))
    with np.errstate(all="raise"):
        outputs, last = rnn(x, [[1.0]], [[2.0]], [0.0], activation="relu")
        bars = rnn_vjp((None, [[1.0]]), x, [[1.0]], [[2.0]], [0.0], activation="relu")
    assert last.item() == np.inf and np.isinf(outputs[0, -1]) and bars[0][0, 0].item() == np.inf


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_the_dtype_is_kept(dtype):
    arguments = [a.astype(dtype) for a in (X, W_X, W_H, B, H0)]
    out = rnn(*arguments)
    bars = rnn_vjp(tuple(g.astype(dtype) for g in G), *arguments)
    for found, expected in zip((*out, *bars), (*rnn(X, W_X, W_H, B, H0),
                               *rnn_vjp(G, X, W_X, W_H, B, H0)), strict=True):  # fmt: skip
        assert found.dtype == dtype
        scale = np.abs(expected).max()
        assert np.abs(found - expected).max() <= 60 * float(np.finfo(dtype).eps) * scale + 3e-15
    assert rnn_cell(X[:, 0].astype(dtype), H0.astype(dtype), *arguments[1:4]).dtype == dtype


def test_the_common_dtype_wins_and_integers_are_float64():
    narrow = [a.astype(np.float32) for a in (X, W_X, W_H, B)]
    assert rnn(*narrow)[0].dtype == np.float32
    assert rnn(*narrow, H0)[1].dtype == np.float64
    assert all(bar.dtype == np.float64 for bar in rnn_vjp(G, *narrow)[:4])
    outputs, last = rnn([[[1], [2]]], [[1]], [[1]], [0], activation="identity")
    assert outputs.dtype == last.dtype == np.float64 and outputs.ravel().tolist() == [1, 3]


def test_float16_accumulates_in_float32_and_rounds_once():
    x = np.full((1, 1, 4096), 0.01, np.float16)
    outputs, _ = rnn(x, np.ones((1, 4096), np.float16), np.zeros((1, 1), np.float16),
                     np.zeros(1, np.float16), activation="identity")  # fmt: skip
    assert outputs.item() == np.float16(4096 * float(np.float16(0.01)))


def test_results_are_new_contiguous_arrays():
    h0 = H0.copy()
    out = rnn(X, W_X, W_H, B, h0, direction="reverse")
    bars = rnn_vjp(G, X, W_X, W_H, B, h0, direction="reverse")
    for array in (*out, *bars):
        assert array.flags.c_contiguous and array.flags.writeable
        assert not any(np.shares_memory(array, a) for a in (X, W_X, W_H, B, h0, *G))
    assert not np.shares_memory(*out)
    np.testing.assert_array_equal(h0, H0)


@pytest.mark.parametrize("radius", [0.5, 1.0, 1.5])
def test_the_error_stays_within_4_epsilon_over_200_steps(radius):
    rng = np.random.default_rng(24)
    W_h, x = radius * W_H / np.linalg.norm(W_H, 2), rng.normal(size=(1, 200, D))
    outputs, _ = rnn(x, W_X, W_h, B)
    with mp.workdps(true.DIGITS):
        states, _ = true.rnn(*map(true.exact, (x[0], W_X, W_h, B, np.zeros(H))))
        assert true.worst(outputs[0], states) < 4 * EPS
