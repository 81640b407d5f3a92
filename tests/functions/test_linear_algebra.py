"""Rayleigh quotient, spectral norm and radius, condition number: values, bounds, extremes."""

from fractions import Fraction

import numpy as np
import pytest

from nnbook.functions import (
    condition_number,
    rayleigh_quotient,
    rayleigh_quotient_vjp,
    spectral_norm,
    spectral_radius,
)

RNG = np.random.default_rng(2)
A, V = RNG.normal(size=(5, 5)), RNG.normal(size=5)
EPS = 2.0**-52


def exact_quotient(A, x):
    A, x = [[Fraction(float(v)) for v in row] for row in A], [Fraction(float(v)) for v in x]
    pairs = [(i, j) for i in range(len(x)) for j in range(len(x))]
    square = sum(v * v for v in x)
    value = sum(x[i] * A[i][j] * x[j] for i, j in pairs) / square
    return value, sum(abs(x[i] * A[i][j] * x[j]) for i, j in pairs) / square


@pytest.mark.parametrize("scale", [1.0, 1e200, 1e-200, 1e300, 1e-300])
@pytest.mark.parametrize("length", [1.0, 1e200, 1e-300])
def test_rayleigh_quotient_at_every_scale(scale, length):
    matrix, x = scale * A, length * V
    with np.errstate(all="raise"):
        found = rayleigh_quotient(matrix, x)
    value, terms = exact_quotient(matrix, x)
    assert abs(Fraction(float(found)) - value) <= Fraction(8 * EPS * 5) * terms


def test_rayleigh_quotient_of_an_eigenvector_is_its_eigenvalue():
    values, vectors = np.linalg.eigh(A + A.T)
    for value, vector in zip(values, vectors.T, strict=True):
        assert rayleigh_quotient(A + A.T, 3 * vector) == pytest.approx(value, rel=1e-13)
        _, x_bar = rayleigh_quotient_vjp(1.0, A + A.T, 3 * vector)
        np.testing.assert_allclose(x_bar, 0, atol=1e-14)


def test_rayleigh_quotient_is_between_the_eigenvalues():
    low, *_, high = np.linalg.eigvalsh(A + A.T)
    for x in RNG.normal(size=(100, 5)):
        assert low <= rayleigh_quotient(A + A.T, x) <= high


def test_gradient_of_the_quotient_is_twice_the_residual_if_symmetric():
    S = A + A.T
    A_bar, x_bar = rayleigh_quotient_vjp(3.0, S, V)
    quotient = V @ S @ V / (V @ V)
    np.testing.assert_allclose(x_bar, 3 * 2 * (S @ V - quotient * V) / (V @ V), rtol=1e-12)
    np.testing.assert_allclose(A_bar, 3 * np.outer(V, V) / (V @ V), rtol=1e-14)
    assert abs(x_bar @ V) < 1e-14


def test_gradient_of_the_quotient_of_any_matrix():
    A_bar, x_bar = rayleigh_quotient_vjp(3.0, A, V)
    quotient = V @ A @ V / (V @ V)
    expected = 3 * (A @ V + A.T @ V - 2 * quotient * V) / (V @ V)
    np.testing.assert_allclose(x_bar, expected, rtol=1e-12)
    np.testing.assert_allclose(A_bar, 3 * np.outer(V, V) / (V @ V), rtol=1e-14)


def test_entries_of_x_may_be_0_but_not_all():
    assert rayleigh_quotient(np.diag([2.0, 3.0]), [1.0, 0.0]) == 2.0
    assert rayleigh_quotient(np.diag([2.0, 3.0]), [1e200, 1e-200]) == 2.0
    with pytest.raises(ValueError, match="x must not be all zeros"):
        rayleigh_quotient(np.eye(2), [0.0, 0.0])


@pytest.mark.parametrize("f", [spectral_norm, spectral_radius, condition_number])
def test_the_message_names_the_first_entry_that_is_not_finite(f):
    with pytest.raises(ValueError, match=r"A\[0, 1\] is inf"):
        f([[1.0, np.inf], [np.nan, np.nan]])


@pytest.mark.parametrize("scale", [1e200, 1e-200])
@pytest.mark.parametrize("length", [1e150, 1e-150])
def test_gradient_of_the_quotient_scales(scale, length):
    A_bar, x_bar = rayleigh_quotient_vjp(1.0, A, V)
    with np.errstate(all="raise"):
        found, moved = rayleigh_quotient_vjp(1.0, scale * A, length * V)
    np.testing.assert_allclose(found, A_bar, rtol=1e-14)
    with np.errstate(all="ignore"):
        expected = x_bar * (scale / length)
    np.testing.assert_allclose(moved, expected, rtol=1e-12)


def test_quotients_keep_their_dtype():
    narrow, x = A.astype(np.float32), V.astype(np.float32)
    found = rayleigh_quotient(narrow, x)
    assert found.dtype == np.float32
    assert found == np.float32(rayleigh_quotient(narrow.astype(float), x.astype(float)))
    assert rayleigh_quotient(narrow, V).dtype == np.float64
    assert all(a.dtype == np.float32 for a in rayleigh_quotient_vjp(np.float32(1), narrow, x))
    assert all(a.dtype == np.float64 for a in rayleigh_quotient_vjp(1.0, narrow, x))
    assert rayleigh_quotient(A.astype(np.longdouble), V).dtype == np.longdouble


def test_what_is_not_finite_gives_nan_silently():
    bad = A.copy()
    bad[0, 0] = np.nan
    with np.errstate(all="raise"):
        assert np.isnan(rayleigh_quotient(bad, V))
        assert np.isnan(rayleigh_quotient(A, np.full(5, np.inf)))
        assert np.isnan(rayleigh_quotient_vjp(1.0, bad, V)[1]).all()


def test_the_norm_bounds_every_stretch_and_is_reached():
    for shape in ((4, 7), (7, 4), (1, 3), (3, 1), (2, 2), (1, 1)):
        M = RNG.normal(size=shape)
        norm = spectral_norm(M)
        for x in RNG.normal(size=(50, shape[1])):
            assert np.linalg.norm(M @ x) <= norm * np.linalg.norm(x) * (1 + 4 * EPS)
        _, vectors = np.linalg.eigh(M.T @ M)
        assert np.linalg.norm(M @ vectors[:, -1]) == pytest.approx(norm, rel=1e-13)


def test_the_radius_is_never_above_the_norm_and_the_limit_of_powers():
    for _ in range(20):
        M = RNG.normal(size=(4, 4))
        assert spectral_radius(M) <= spectral_norm(M) * (1 + 4 * EPS)
    radius = spectral_radius(A)
    power = np.linalg.matrix_power(A / radius, 512)
    assert spectral_norm(power) ** (1 / 512) == pytest.approx(1, rel=0.01)


def test_the_radius_counts_complex_and_negative_eigenvalues():
    turn = np.array([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]])
    assert spectral_radius(2 * turn) == pytest.approx(2, rel=1e-15)
    assert spectral_radius(np.diag([1.0, -3.0, 2.0])) == 3.0


def test_chapter_2_figure_the_transient_grows_to_19_4():
    # Powers of [[.9, 5], [0, .9]]: the radius is 0.9, the norm has its peak at 19.4.
    M = np.array([[0.9, 5.0], [0.0, 0.9]])
    norms = [spectral_norm(np.linalg.matrix_power(M, k)) for k in range(1, 60)]
    assert spectral_radius(M) == pytest.approx(0.9)
    assert max(norms) == pytest.approx(19.4, abs=0.05)
    assert norms[-1] < norms[0]


def test_chapter_2_exercise_the_norm_is_10_at_9_919():
    assert spectral_norm([[0.9, 9.919], [0.0, 0.9]]) == pytest.approx(10, abs=5e-4)


def test_condition_numbers():
    assert condition_number(np.diag([4.0, 2.0, 0.5])) == 8.0
    assert condition_number(np.eye(3)[:, :2]) == 1.0
    assert condition_number([[3.0]]) == 1.0
    assert condition_number(np.zeros((2, 2))) == np.inf
    assert condition_number(np.zeros((3, 2))) == np.inf
    assert condition_number([[1.0, 2.0], [2.0, 4.0]]) == np.inf
    hilbert = np.array([[1 / (i + j + 1) for j in range(5)] for i in range(5)])
    assert condition_number(hilbert) == pytest.approx(476607.25, rel=1e-7)


def test_a_2_by_2_matrix_near_a_singular_one_keeps_its_digits():
    # σ₂ = det/σ₁: with det = 2⁻⁵² and σ₁ ≈ 2 the condition number is 2⁵⁴.
    matrix = np.array([[1.0, 1.0], [1.0, 1.0 + EPS]])
    assert condition_number(matrix) == pytest.approx(2.0**54, rel=1e-15)


def test_it_bounds_what_a_linear_system_does_to_an_error():
    M = RNG.normal(size=(6, 6))
    kappa = condition_number(M)
    x = RNG.normal(size=6)
    b = M @ x
    for db in RNG.normal(size=(100, 6)) * 1e-3:
        dx = np.linalg.solve(M, b + db) - x
        relative = np.linalg.norm(dx) / np.linalg.norm(x)
        assert relative <= kappa * np.linalg.norm(db) / np.linalg.norm(b) * 1.0001


@pytest.mark.parametrize("scale", [1e300, 1e-300])
@pytest.mark.parametrize("n", [2, 5])
def test_scales_do_no_harm(scale, n):
    M = A[:n, :n]
    with np.errstate(all="raise"):
        norm, radius, kappa = (
            f(scale * M) for f in (spectral_norm, spectral_radius, condition_number)
        )
    np.testing.assert_allclose(norm / scale, spectral_norm(M), rtol=1e-14)
    np.testing.assert_allclose(radius / scale, spectral_radius(M), rtol=1e-13)
    np.testing.assert_allclose(kappa, condition_number(M), rtol=1e-12)


def test_norms_keep_their_dtype():
    narrow = A.astype(np.float32)
    for f in (spectral_norm, spectral_radius, condition_number):
        assert f(narrow) == np.float32(f(narrow.astype(float)))
        assert f(narrow).dtype == np.float32
        assert f([[1, 2], [3, 5]]).dtype == np.float64
        assert condition_number(np.zeros((2, 2), np.float32)).dtype == np.float32


def test_wrong_calls_are_refused():
    wide = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"A must be square, shape \(n, n\)"):
        rayleigh_quotient(wide, np.ones(3))
    with pytest.raises(ValueError, match=r"x must have shape .* = \(5,\) .* pass x.ravel\(\)"):
        rayleigh_quotient(A, V[:, np.newaxis])
    with pytest.raises(ValueError, match=r"its shape is \(3,\)$"):
        rayleigh_quotient(A, V[:3])
    with pytest.raises(ValueError, match="A is empty"):
        rayleigh_quotient(np.ones((0, 0)), [])
    with pytest.raises(ValueError, match="g must be one number"):
        rayleigh_quotient_vjp([1.0], A, V)
    with pytest.raises(ValueError, match="A must be square to have eigenvalues"):
        spectral_radius(wide)
    for f in (spectral_norm, spectral_radius, condition_number):
        for shape in ((0, 3), (3, 0), (0, 0)):
            with pytest.raises(ValueError, match="A is empty"):
                f(np.ones(shape))
        with pytest.raises(ValueError, match="A must have two axes"):
            f(np.ones(4))
