"""Linear algebra, principal components and sums beside SciPy, scikit-learn, NumPy, math and JAX."""

import math
import statistics

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.sparse.linalg
from sklearn.decomposition import PCA

from nnbook.functions import (
    condition_number,
    kahan_sum,
    neumaier_sum,
    pairwise_sum,
    pca,
    power_iteration,
    rayleigh_quotient,
    rayleigh_quotient_vjp,
    sequential_sum,
    spectral_norm,
    spectral_radius,
    svd_2x2,
    top_eigenpairs,
    welford,
)

RNG = np.random.default_rng(0)
S = RNG.normal(size=(8, 8))
S = S + S.T


@pytest.mark.parametrize("shape", [(5, 5), (4, 7), (2, 2), (1, 6)])
def test_norm_and_condition_number(shape):
    A = RNG.normal(size=shape)
    s = scipy.linalg.svdvals(A)
    assert spectral_norm(A) == pytest.approx(s[0], rel=1e-13)
    assert spectral_norm(A) == pytest.approx(np.linalg.norm(A, 2), rel=1e-13)
    assert condition_number(A) == pytest.approx(np.linalg.cond(A), rel=1e-11)
    if shape[0] == shape[1]:
        radius = max(abs(scipy.linalg.eigvals(A)))
        assert spectral_radius(A) == pytest.approx(radius, rel=1e-12)


def test_svd_2x2():
    A = RNG.normal(size=(200, 2, 2))
    found, theirs = svd_2x2(A), np.linalg.svd(A)
    np.testing.assert_allclose(found.s, theirs.S, rtol=1e-11)
    # Singular vectors are fixed but for a sign, if the values are apart.
    apart = found.s[:, 0] > 1.1 * found.s[:, 1]
    np.testing.assert_allclose(np.abs(found.U[apart]), np.abs(theirs.U[apart]), atol=1e-13)
    np.testing.assert_allclose(np.abs(found.Vt[apart]), np.abs(theirs.Vh[apart]), atol=1e-13)


def test_rayleigh_quotient():
    A, x = RNG.normal(size=(5, 5)), RNG.normal(size=5)
    value, pullback = jax.vjp(lambda A, x: x @ A @ x / (x @ x), jnp.asarray(A), jnp.asarray(x))
    assert rayleigh_quotient(A, x) == pytest.approx(float(value), rel=1e-13)
    for mine, true in zip(rayleigh_quotient_vjp(2.5, A, x), pullback(2.5), strict=True):
        np.testing.assert_allclose(mine, true, rtol=1e-11, atol=1e-13)


def test_power_iteration_and_deflation():
    values, vectors = scipy.linalg.eigh(S)
    order = np.argsort(-np.abs(values))
    found = power_iteration(S, tolerance=1e-12)
    assert found.eigenvalue == pytest.approx(values[order[0]], rel=1e-12)
    largest = scipy.sparse.linalg.eigsh(S, k=3, which="LM")[0]
    many = top_eigenpairs(S, 3, tolerance=1e-12, max_iterations=50_000)
    assert many.converged.all()
    np.testing.assert_allclose(many.eigenvalues, values[order[:3]], rtol=1e-11)
    np.testing.assert_allclose(np.sort(many.eigenvalues), np.sort(largest), rtol=1e-10)
    along = np.abs(np.sum(many.eigenvectors * vectors[:, order[:3]], axis=0))
    np.testing.assert_allclose(along, 1, rtol=1e-12)


def test_power_iteration_on_a_hessian_vector_product():
    # The sharpness of a function, as training measures it.
    def f(w):
        return jnp.sum(jnp.cos(w)) + jnp.sum(w[1:] * w[:-1]) ** 2

    w = jnp.asarray(RNG.normal(size=6))
    _, product = jax.linearize(jax.grad(f), w)
    found = power_iteration(lambda v: np.asarray(product(v)), np.ones(6), tolerance=1e-6)
    H = np.stack([np.asarray(product(e)) for e in np.eye(6)])
    values = np.linalg.eigvalsh(H)
    assert found.converged
    assert found.eigenvalue == pytest.approx(values[np.argmax(np.abs(values))], rel=1e-9)


@pytest.mark.parametrize("k", [1, 3, 4])
def test_pca(k):
    X = RNG.normal(size=(40, 4)) @ RNG.normal(size=(4, 4)) + 7
    found, theirs = pca(X, k), PCA(k, svd_solver="full").fit(X)
    np.testing.assert_allclose(found.mean, theirs.mean_, rtol=1e-13)
    np.testing.assert_allclose(found.components, theirs.components_, atol=1e-12)
    np.testing.assert_allclose(found.scores, theirs.transform(X), atol=1e-11)
    np.testing.assert_allclose(found.variances, theirs.explained_variance_, rtol=1e-11)
    np.testing.assert_allclose(found.explained_ratio, theirs.explained_variance_ratio_, rtol=1e-11)


def test_sums_beside_the_exactly_rounded_one():
    x = RNG.normal(size=2000) * np.exp(RNG.uniform(-20, 20, 2000))
    true, size = math.fsum(x), math.fsum(np.abs(x))
    u = 2.0**-53
    assert abs(sequential_sum(x) - true) <= 2000 * u * size
    assert abs(pairwise_sum(x) - true) <= 12 * u * size
    assert abs(kahan_sum(x) - true) <= 3 * u * size
    assert neumaier_sum(x) == true


def test_sequential_sum_beside_a_scan():
    x = RNG.normal(size=50).astype(np.float32)
    last, _ = jax.lax.scan(lambda s, v: (s + v, None), jnp.float32(0), jnp.asarray(x))
    assert sequential_sum(x) == np.float32(last)


def test_welford_beside_the_standard_library():
    x = (RNG.normal(size=100) + 1e6).tolist()
    found = welford(x)
    assert found.mean == pytest.approx(statistics.fmean(x), rel=1e-15)
    assert found.variance == pytest.approx(statistics.pvariance(x), rel=1e-9)
    assert found.sample_variance == pytest.approx(statistics.variance(x), rel=1e-9)
