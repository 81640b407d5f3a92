"""The 2 by 2 SVD: both singular values to a few ulp, however near to singular."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest

from nnbook.functions import SVD, svd_2x2
from nnbook.functions.svd import _determinant
from tests.functions.reference import ulps_between

EPS = 2.0**-52


def true_values(A):
    """Return σ₁ and σ₂ by another formula: the roots of σ⁴ - ‖A‖² σ² + det²."""
    a, b, c, d = (mp.mpf(float(v)) for v in A.ravel())
    square, det = a * a + b * b + c * c + d * d, abs(a * d - b * c)
    first = mp.sqrt((square + mp.sqrt(square**2 - 4 * det**2)) / 2)
    return first, det / first if first else first


def matrices(seed):
    rng = np.random.default_rng(seed)
    signs = lambda: rng.choice([-1.0, 1.0], (2, 2))  # noqa: E731
    for _ in range(60):
        yield rng.normal(size=(2, 2))
        yield rng.normal(size=(2, 1)) @ rng.normal(size=(1, 2))  # singular but for rounding
        yield np.exp(rng.uniform(-700, 700, (2, 2))) * signs()
        yield 1e-300 * rng.normal(size=(2, 2))
        yield 4e307 * rng.uniform(-1, 1, (2, 2))
        yield 5e-324 * rng.integers(-99, 99, (2, 2))
        yield 1 + EPS * rng.integers(-3, 4, (2, 2))
        yield rng.integers(-1, 2, (2, 2)) * 1.0
        turn = rng.uniform(-7, 7)
        yield np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        k = rng.integers(2**25, 2**26, 4) * 1.0  # the products agree in all digits but the last
        yield np.array([[k[0] * k[1], k[0] * k[2]], [k[3] * k[1] + 1, k[3] * k[2]]])


def test_singular_values_are_within_3_ulp():
    for A in matrices(0):
        with np.errstate(all="raise"):
            found = svd_2x2(A).s
        with mp.workdps(1400):
            for value, true in zip(found, true_values(A), strict=True):
                assert ulps_between(value, true) <= 3, A
        assert found[0] >= found[1] >= 0


def test_factors_are_orthogonal_and_give_the_matrix_back():
    stack = np.array([A for A in matrices(1) if 1e-290 < np.abs(A).max() < 1e300])
    U, s, Vt = svd_2x2(stack)
    for Q in (U, Vt):
        np.testing.assert_allclose(
            Q @ np.swapaxes(Q, 1, 2), np.tile(np.eye(2), (len(Q), 1, 1)), atol=2 * EPS
        )
    size = s[:, :1, np.newaxis]
    back = (U * (s[:, np.newaxis] / size)) @ Vt
    np.testing.assert_allclose(back, stack / size, atol=4 * EPS)


@pytest.mark.parametrize("gap", [1.0, 1e-3, 1e-8])
def test_vectors_are_near_the_true_ones(gap):
    # V diagonalises AᵀA; its first row has the angle ½ atan2(2(ab + cd), a² + c² - b² - d²).
    rng = np.random.default_rng(2)
    for _ in range(50):
        A = np.array([[1.0, 0.0], [0.0, 1.0]]) + gap * rng.normal(size=(2, 2))
        _, _, Vt = svd_2x2(A)
        with mp.workdps(50):
            a, b, c, d = (mp.mpf(float(v)) for v in A.ravel())
            angle = mp.atan2(2 * (a * b + c * d), a * a + c * c - b * b - d * d) / 2
            true = np.array([float(mp.cos(angle)), float(mp.sin(angle))])
        assert min(np.abs(Vt[0] - true).max(), np.abs(Vt[0] + true).max()) < 4 * EPS


def test_a_matrix_an_ulp_from_singular():
    A = np.array([[1.0, 1.0], [1.0, 1.0 + EPS]])
    assert svd_2x2(A).s[1] == EPS / 2
    with mp.workdps(60):
        assert ulps_between(svd_2x2(A[::-1]).s[1], true_values(A)[1]) <= 1


def test_the_determinant_is_all_but_correctly_rounded():
    stack = np.random.default_rng(8).normal(size=(300, 2, 2))
    stack[200:] = stack[200:, :, :1] * stack[200:, :1, :]  # its products cancel
    found, power = _determinant(*np.frexp(stack))
    for A, value, exponent in zip(stack, found, power, strict=True):
        a, b, c, d = (Fraction(float(v)) for v in A.ravel())
        true = (a * d - b * c) / Fraction(2) ** int(exponent)
        assert abs(Fraction(float(value)) - true) <= Fraction(0.51) * Fraction(
            np.spacing(abs(value))
        )


def test_products_out_of_range_do_not_hide_the_smaller_value():
    found = svd_2x2([[1e100, 1e300], [0.0, 1e100]]).s
    np.testing.assert_allclose(found, [1e300, 1e-100], rtol=1e-15)
    for A in ([[1e-200, 0.0], [0.0, 1e-200]], [[0.0, 1e-200], [1e-200, 0.0]]):
        assert svd_2x2(A).s.tolist() == [1e-200, 1e-200]
    assert svd_2x2([[1e-320, 0.0], [0.0, 1e300]]).s.tolist() == [1e300, 1e-320]


def test_a_first_value_beyond_the_range_is_infinite():
    with np.errstate(all="raise"):
        s = svd_2x2(np.full((2, 2), 1.7e308)).s
    assert s.tolist() == [np.inf, 0.0]


def test_zero_has_values_0_and_orthogonal_factors():
    U, s, Vt = svd_2x2(np.zeros((2, 2)))
    assert s.tolist() == [0.0, 0.0]
    for Q in (U, Vt):
        np.testing.assert_allclose(Q @ Q.T, np.eye(2), atol=EPS)


def test_factors_are_rotations_unless_the_determinant_is_negative():
    rng = np.random.default_rng(6)
    singular = np.array([[[1.0, 1.0], [1.0, 1.0]], [[0.0, 0.0], [2.0, -3.0]]])
    stack = np.concatenate([rng.normal(size=(50, 2, 2)), singular])
    U, _, Vt = svd_2x2(stack)
    np.testing.assert_allclose(np.linalg.det(U), 1, rtol=1e-15)
    np.testing.assert_allclose(
        np.linalg.det(Vt), np.where(np.linalg.det(stack) < 0, -1, 1), rtol=1e-15
    )


def test_reflections_have_positive_values():
    for A in ([[1.0, 0.0], [0.0, -1.0]], [[0.0, 1.0], [1.0, 0.0]], [[-3.0, 0.0], [0.0, -2.0]]):
        U, s, Vt = svd_2x2(A)
        assert (s > 0).all()
        np.testing.assert_allclose((U * s) @ Vt, A, atol=2 * EPS)


def test_many_matrices_at_once_are_each_its_own():
    stack = np.random.default_rng(3).normal(size=(4, 5, 2, 2))
    many = svd_2x2(stack)
    assert isinstance(many, SVD)
    assert [part.shape for part in many] == [(4, 5, 2, 2), (4, 5, 2), (4, 5, 2, 2)]
    for at in np.ndindex(4, 5):
        for part, one in zip(many, svd_2x2(stack[at]), strict=True):
            np.testing.assert_array_equal(part[at], one)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_spoils_its_own_matrix_alone(bad):
    stack = np.random.default_rng(4).normal(size=(3, 2, 2))
    stack[1, 0, 1] = bad
    with np.errstate(all="raise"):
        for part in svd_2x2(stack):
            assert np.isnan(part[1]).all()
            assert np.isfinite(part[[0, 2]]).all()
        assert np.isnan(svd_2x2(stack[1]).s).all()


def test_dtypes_are_kept_and_rounded_once():
    A = np.random.default_rng(5).normal(size=(6, 2, 2)).astype(np.float32)
    for narrow, wide in zip(svd_2x2(A), svd_2x2(A.astype(float)), strict=True):
        assert narrow.dtype == np.float32
        np.testing.assert_array_equal(narrow, wide.astype(np.float32))
    assert svd_2x2([[1, 2], [3, 4]]).s.dtype == np.float64
    if np.dtype(np.longdouble).itemsize > 8:
        with pytest.raises(TypeError, match=r"A has dtype .* A.astype\(np.float64\)"):
            svd_2x2(np.eye(2, dtype=np.longdouble))


@pytest.mark.parametrize("shape", [(3, 3), (2, 3), (3, 2), (2,), (4,), ()])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"A must have shape \(2, 2\) or"):
        svd_2x2(np.ones(shape))
