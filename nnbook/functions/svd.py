r"""The singular value decomposition of 2 by 2 matrices, in closed form."""

from typing import NamedTuple

import numpy as np

from nnbook.functions._pairs import two_product, two_sum
from nnbook.functions._validate import as_float

SMALLEST = -1000  # exponent: 2**1000 is the largest factor that a tiny matrix is scaled by


class SVD(NamedTuple):
    """A singular value decomposition, ``A = U @ diag(s) @ Vt``.

    Attributes
    ----------
    U, Vt : ndarray, shape (..., 2, 2)
        Orthogonal; left singular vectors are columns of U, right ones rows of Vt. Both are
        rotations, unless det A < 0, when Vt is a reflection.
    s : ndarray, shape (..., 2)
        Singular values, the larger first.
    """

    U: np.ndarray
    s: np.ndarray
    Vt: np.ndarray


def svd_2x2(A):
    r"""Decompose 2 by 2 matrices into rotations and stretchings, in closed form.

    .. math:: \sigma_1 = \tfrac12\Bigl(\sqrt{(a + d)^2 + (b - c)^2} +
        \sqrt{(a - d)^2 + (b + c)^2}\Bigr), \qquad
        \sigma_2 = \frac{\lvert ad - bc\rvert}{\sigma_1}, \qquad
        A = \begin{pmatrix} a & b \\ c & d \end{pmatrix}

    Parameters
    ----------
    A : array_like of real numbers, shape (..., 2, 2)
        One matrix or many.

    Returns
    -------
    SVD
        ``(U, s, Vt)`` with ``A = U @ diag(s) @ Vt``, as ``numpy.linalg.svd`` orders it.

    Raises
    ------
    TypeError
        If `A` does not hold real numbers, or is longdouble.
    ValueError
        If `A` does not end with two axes of length 2.

    Notes
    -----
    Both singular values are within 3 ulp, however near A is to a singular matrix: the
    determinant's two products are kept without rounding [1]_. An SVD by iteration has an error of
    ε σ₁ in both, so that of σ₂ no digit may be right. U and Vt are within 4 ε of true ones.
    LAPACK's ``dlasv2`` does as well for triangular matrices [2]_. A matrix that holds an infinity
    or NaN gives NaN.

    References
    ----------
    .. [1] Jeannerod, Louvet & Muller, Math. Comp. 82, 2013,
       :doi:`10.1090/S0025-5718-2013-02679-8`.
    .. [2] Demmel & Kahan, Accurate singular values of bidiagonal matrices, SIAM J. Sci. Stat.
       Comput. 11(5), 1990, :doi:`10.1137/0911052`.

    Examples
    --------
    >>> U, s, Vt = svd_2x2([[0.0, 2.0], [1.0, 0.0]])
    >>> print(s, np.abs(U).round(4).tolist(), np.abs(Vt).round(4).tolist())
    [2. 1.] [[1.0, 0.0], [0.0, 1.0]] [[0.0, 1.0], [1.0, 0.0]]
    >>> almost = [[1.0, 1.0], [1.0, 1.0 + 2**-52]]
    >>> print(svd_2x2(almost).s[1] == 2**-53)
    True
    """
    A, dtype = as_float64(A, "A")
    if A.shape[-2:] != (2, 2):
        raise ValueError(f"A must have shape (2, 2) or (..., 2, 2), but its shape is {A.shape}")
    with np.errstate(all="ignore"):
        size, size_power = np.frexp(A)
        power = np.maximum(np.max(np.where(size == 0, SMALLEST, size_power), (-2, -1)), SMALLEST)
        # Twice below 1, so that the sums and their roots stay below 4.
        scaled = np.ldexp(A, -power[..., np.newaxis, np.newaxis])
        a, b, c, d = _entries(scaled)
        first = np.hypot(a + d, b - c) / 2 + np.hypot(a - d, b + c) / 2
        determinant, determinant_power = _determinant(size, size_power)
        second = np.ldexp(
            np.abs(determinant) / np.where(first == 0, 1, first), determinant_power - power
        )
        first = np.ldexp(first, power)
        s = np.stack([first, np.minimum(first, second)], axis=-1)
        # A = rotation(half the sum) diag(σ₁, ±σ₂) rotation(half the difference), by the angles
        # of (a + d, c - b) and (a - d, c + b).
        turn, mirror = np.arctan2(c - b, a + d), np.arctan2(c + b, a - d)
        U, Vt = _rotation((mirror + turn) / 2), _rotation((turn - mirror) / 2)
        Vt[..., 1, :] *= np.where(determinant < 0, -1.0, 1.0)[..., np.newaxis]
        bad = ~np.isfinite(A).all((-2, -1))
        for part in (U, s, Vt):
            part[bad] = np.nan
        return SVD(*(part.astype(dtype, copy=False) for part in (U, s, Vt)))


def _determinant(size, power):
    """Return ad - bc with a relative error of an ulp, as a number and a power of two."""
    (a, b, c, d), (a_power, b_power, c_power, d_power) = _entries(size), _entries(power)
    left, left_low = two_product(a, d)
    right, right_low = two_product(b, c)
    left_power, right_power = a_power + d_power, b_power + c_power
    zero = 2 * SMALLEST  # the exponent of a product that is 0 decides nothing
    top = np.maximum(np.where(left == 0, zero, left_power), np.where(right == 0, zero, right_power))
    left, left_low = (np.ldexp(x, left_power - top) for x in (left, left_low))
    right, right_low = (np.ldexp(x, right_power - top) for x in (right, right_low))
    high, high_rest = two_sum(left, -right)
    # Where the products cancel, the difference of their roundings is exact, and now decides.
    total, rest = two_sum(high, left_low - right_low)
    return total + (rest + high_rest), top


def _rotation(angle):
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack(
        [np.stack([cosine, -sine], axis=-1), np.stack([sine, cosine], axis=-1)], axis=-2
    )


def _entries(A):
    """Return the four entries of each matrix, a, b, c, d."""
    return np.moveaxis(A.reshape(*A.shape[:-2], 4), -1, 0)


def as_float64(A, name):
    """Return an array in float64, and the dtype that came in; refuse what LAPACK cannot take."""
    A = as_float(A, name)
    if A.dtype.itemsize > 8:
        raise TypeError(
            f"{name} has dtype {A.dtype}, which LAPACK cannot decompose; use "
            f"{name}.astype(np.float64)"
        )
    return A.astype(np.float64, copy=False), A.dtype
