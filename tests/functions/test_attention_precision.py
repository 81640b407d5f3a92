"""Attention's error bound: 50 digits at small shapes, extended precision at larger ones."""

import mpmath as mp
import numpy as np
import pytest

from nnbook.functions import attention, attention_vjp


def drawn(seed, t, s, d, e, size=1.0):
    rng = np.random.default_rng(seed)
    q, k, v, g = (rng.normal(size=shape) for shape in ((t, d), (s, d), (s, e), (t, e)))
    return g, size * q, k, v, rng.normal(size=(t, s))


def exact(g, Q, K, V, M, cap):
    """Return O, Q̄, K̄, V̄, M̄ and the sums of the sizes of their terms, to 50 digits."""
    with mp.workdps(60):
        g, Q, K, V, M = (mp.matrix(x.tolist()) for x in (g, Q, K, V, M))
        T, S, d = Q.rows, K.rows, Q.cols
        scale = 1 / mp.sqrt(d)
        X = scale * Q * K.T
        P, slope = mp.matrix(T, S), mp.matrix(T, S)
        for i in range(T):
            row = [X[i, j] if cap is None else cap * mp.tanh(X[i, j] / cap) for j in range(S)]
            terms = [mp.exp(x + M[i, j]) for j, x in enumerate(row)]
            for j in range(S):
                P[i, j] = terms[j] / mp.fsum(terms)
                slope[i, j] = 1 if cap is None else 1 / mp.cosh(X[i, j] / cap) ** 2

        def gradients(g, Q, K, V, sign):
            P_bar = g * V.T
            S_bar, capped = mp.matrix(T, S), mp.matrix(T, S)
            for i in range(T):
                mean = mp.fsum(P_bar[i, j] * P[i, j] for j in range(S))
                for j in range(S):
                    S_bar[i, j] = P[i, j] * (P_bar[i, j] - sign * mean)
                    capped[i, j] = S_bar[i, j] * slope[i, j]
            return P * V, scale * capped * K, scale * capped.T * Q, P.T * g, S_bar

        values = gradients(g, Q, K, V, 1)
        sizes = gradients(*(x.apply(abs) for x in (g, Q, K, V)), -1)
        return [np.array(x.tolist(), dtype=object) for x in values + sizes]


def factor(Q, K, V, M, eps):
    """Return the factor of Σ|terms| that the docstrings state, with the longest of the sums."""
    a = np.max(np.abs(Q) @ np.abs(K).T) / np.sqrt(Q.shape[1])
    lengths = np.sqrt(len(K)) + np.sqrt(len(Q)) + np.sqrt(V.shape[1])
    return 8 * eps * (lengths + np.sqrt(Q.shape[1]) * a + np.max(np.abs(M)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cap", [None, 1.5])
@pytest.mark.parametrize(
    ("shape", "size"),
    [((3, 4, 2, 3), 1.0), ((2, 5, 3, 2), 30.0), ((1, 1, 4, 1), 1.0), ((3, 6, 4, 2), 1e4)],
)
def test_errors_at_50_digits(shape, size, cap, dtype):
    g, Q, K, V, M = (x.astype(dtype) for x in drawn(1, *shape, size))
    found = [attention(Q, K, V, M, soft_cap=cap), *attention_vjp(g, Q, K, V, M, soft_cap=cap)]
    truth = exact(g, Q, K, V, M, cap)
    bound = factor(Q, K, V, M, np.finfo(dtype).eps)
    for value, true, terms in zip(found, truth[:5], truth[5:], strict=True):
        error = np.abs(value.astype(object) - true)
        tiny = np.finfo(dtype).smallest_subnormal * len(K)
        assert value.dtype == dtype
        assert (error <= bound * terms + tiny).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_errors_of_longer_sequences(dtype):
    given = [x.astype(dtype) for x in drawn(2, 150, 300, 32, 16, 3.0)]
    g, Q, K, V, M = given
    wide = [x.astype(np.longdouble) for x in given]
    found = [attention(Q, K, V, M), *attention_vjp(g, Q, K, V, M)]
    truth = [attention(*wide[1:]), *attention_vjp(*wide)]
    P = attention(*wide[1:], return_weights=True)[1]
    g, q, k, v = (np.abs(x) for x in wide[:4])
    P_bar = g @ v.T
    S_bar = P * (P_bar + (P_bar * P).sum(1, keepdims=True))
    root = np.sqrt(np.longdouble(32))
    sizes = [P @ v, S_bar @ k / root, S_bar.T @ q / root, P.T @ g, S_bar]
    bound = factor(*given[1:], np.finfo(dtype).eps)
    for value, true, terms in zip(found, truth, sizes, strict=True):
        error = np.abs(value - true)
        assert (error <= bound * terms).all()
        assert (error > 0).any()


@pytest.mark.parametrize("seed", range(5))
def test_a_bound_without_the_rounding_of_the_scores_holds_for_scores_of_usual_size(seed):
    given = drawn(seed, 40, 60, 16, 8)
    wide = [x.astype(np.longdouble) for x in given]
    true, P = attention(*wide[1:], return_weights=True)
    terms = P @ np.abs(wide[3])
    error = np.abs(attention(*given[1:]) - true)
    assert (error <= 8 * np.finfo(float).eps * np.sqrt(60) * terms).all()


def test_huge_scores_that_are_equal_keep_their_weights():
    q, k = np.array([[1e4, 0.5]]), np.array([[1.0, 0.0], [1.0, 1.0]])
    P = attention(q, k, k, scale=1.0, return_weights=True)[1]
    np.testing.assert_allclose(P[0, 1], 1 / (1 + np.exp(-0.5)), rtol=1e-15)
