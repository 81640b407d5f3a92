r"""Matrices as chapter 2 measures them: Rayleigh quotient, norm, spectral radius, conditioning."""

import numpy as np

from nnbook.functions._validate import (
    as_float,
    check_finite,
    check_matrix,
    common_dtype,
    working_dtype,
)
from nnbook.functions.svd import as_float64, svd_2x2


def rayleigh_quotient(A, x):
    r"""Compute the Rayleigh quotient: by how much A stretches x along x.

    .. math:: R = \frac{x^\top A x}{x^\top x}

    Parameters
    ----------
    A : array_like of real numbers, shape (n, n)
        Need not be symmetric.
    x : array_like of real numbers, shape (n,)
        Not all zero.

    Returns
    -------
    NumPy scalar
        In the unit of A; for an eigenvector its eigenvalue, and for symmetric A always between
        the least and the largest of them.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If A is not square, x does not fit, or x is 0.

    Examples
    --------
    >>> print(rayleigh_quotient([[2.0, 1.0], [1.0, 2.0]], [1.0, 1.0]))
    3.0
    """
    A, x, dtype = _quadratic(A, x)
    with np.errstate(all="ignore"):
        y, _ = _scaled(x)
        A, power = _scaled(A)
        return dtype.type(np.ldexp(np.inner(y, A @ y) / np.inner(y, y), power))


def rayleigh_quotient_vjp(g, A, x):
    r"""Gradients of the Rayleigh quotient in A and x.

    .. math:: \bar A = g\,\frac{x x^\top}{x^\top x}, \qquad
        \bar x = g\,\frac{A x + A^\top x - 2 R x}{x^\top x}

    For symmetric A the latter is :math:`2g\,(Ax - Rx)/x^\top x`, and 0 at an eigenvector.

    Parameters
    ----------
    g : float
        Cotangent, the gradient in R.
    A, x : array_like of real numbers
        As given to :func:`rayleigh_quotient`.

    Returns
    -------
    A_bar : ndarray, shape (n, n)
    x_bar : ndarray, shape (n,)
        Orthogonal to x, because the length of x changes nothing.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If `g` is not one number, or a shape does not fit.

    Examples
    --------
    >>> A_bar, x_bar = rayleigh_quotient_vjp(1.0, [[2.0, 0.0], [0.0, 1.0]], [1.0, 1.0])
    >>> print(A_bar.round(4).tolist(), x_bar.round(4).tolist())
    [[0.5, 0.5], [0.5, 0.5]] [0.5, -0.5]
    """
    g = as_float(g, "g")
    if g.shape != ():
        raise ValueError(f"g must be one number, as the quotient is, but its shape is {g.shape}")
    A, x, dtype = _quadratic(A, x)
    dtype = np.promote_types(dtype, g.dtype)
    with np.errstate(all="ignore"):
        y, x_power = _scaled(x)
        A, A_power = _scaled(A)
        forth, back, square = A @ y, A.T @ y, np.inner(y, y)
        gap = forth + back - 2 * (np.inner(y, forth) / square) * y
        A_bar = g * np.outer(y / square, y)
        x_bar = np.ldexp(g * gap / square, A_power - x_power)
        return A_bar.astype(dtype), x_bar.astype(dtype)


def spectral_norm(A):
    r"""Compute the spectral norm: the most that a matrix stretches a vector.

    .. math:: \lVert A\rVert_2 = \max_{x \ne 0} \frac{\lVert Ax\rVert}{\lVert x\rVert} = \sigma_1

    Parameters
    ----------
    A : array_like of real numbers, shape (m, n)
        Finite; not empty.

    Returns
    -------
    NumPy scalar
        σ₁, in the unit of A; infinite where it exceeds the dtype.

    Raises
    ------
    TypeError
        If `A` does not hold real numbers, or is longdouble.
    ValueError
        If `A` is not a matrix, is empty, or holds an infinity or NaN.

    See Also
    --------
    spectral_radius : the largest eigenvalue; never more, and what counts for high powers.

    Notes
    -----
    By the singular value decomposition of ``numpy.linalg``, within about ε √(mn); for 2 by 2 by
    :func:`svd_2x2`.

    Examples
    --------
    >>> print(spectral_norm([[3.0, 0.0], [0.0, -4.0]]))
    4.0
    """
    A, dtype = _matrix(A)
    with np.errstate(all="ignore"):
        return _singular_values(A)[0].astype(dtype)


def spectral_radius(A):
    r"""Compute the spectral radius: the largest absolute value of an eigenvalue.

    .. math:: \rho(A) = \max_i \lvert\lambda_i\rvert
        = \lim_{k \to \infty} \lVert A^k\rVert^{1/k} \le \lVert A\rVert_2

    Parameters
    ----------
    A : array_like of real numbers, shape (n, n)
        Finite; not empty. Complex eigenvalues count, too.

    Returns
    -------
    NumPy scalar
        In the unit of A.

    Raises
    ------
    TypeError
        If `A` does not hold real numbers, or is longdouble.
    ValueError
        If `A` is not square, is empty, or holds an infinity or NaN.

    Notes
    -----
    By the eigenvalues of ``numpy.linalg``. Those of a matrix that is far from symmetric move by
    far more than ε: of a Jordan block of size n by about ε^{1/n}.

    Examples
    --------
    A rotation has no real eigenvalue, and radius 1. Below, the norm grows before it decays:

    >>> print(spectral_radius([[0.0, -1.0], [1.0, 0.0]]).round(12))
    1.0
    >>> A = [[0.9, 5.0], [0.0, 0.9]]
    >>> print(spectral_radius(A), spectral_norm(A).round(4))
    0.9 5.1571
    """
    A, dtype = _matrix(A)
    if A.shape[0] != A.shape[1]:
        raise ValueError(
            f"A must be square to have eigenvalues, but its shape is {A.shape}; "
            "spectral_norm takes any matrix"
        )
    with np.errstate(all="ignore"):
        return np.abs(np.linalg.eigvals(A)).max().astype(dtype)


def condition_number(A):
    r"""Compute the condition number: how much a linear system magnifies relative errors.

    .. math:: \kappa(A) = \frac{\sigma_1}{\sigma_{\min(m, n)}}, \qquad
        \frac{\lVert\delta x\rVert}{\lVert x\rVert} \le
        \kappa(A)\,\frac{\lVert\delta b\rVert}{\lVert b\rVert} \quad\text{for } Ax = b

    Parameters
    ----------
    A : array_like of real numbers, shape (m, n)
        Finite; not empty.

    Returns
    -------
    NumPy scalar
        Dimensionless, at least 1; infinite for a matrix that is not of full rank.

    Raises
    ------
    TypeError
        If `A` does not hold real numbers, or is longdouble.
    ValueError
        If `A` is not a matrix, is empty, or holds an infinity or NaN.

    Notes
    -----
    For 2 by 2 within 8 ulp, by :func:`svd_2x2`. Otherwise the least singular value is known to
    ε σ₁, so that a value above 10¹⁴ says no more than "singular to double precision".

    Examples
    --------
    >>> print(condition_number([[1.0, 0.0], [0.0, 1e-3]]), condition_number(np.ones((3, 3))) > 1e14)
    1000.0 True
    """
    A, dtype = _matrix(A)
    with np.errstate(all="ignore"):
        s = _singular_values(A)
        if s[-1] == 0:
            return dtype.type(np.inf)
        return dtype.type(s[0] / s[-1])


def _matrix(A):
    """Return a finite matrix in float64, and the dtype that came in."""
    A, dtype = as_float64(A, "A")
    check_matrix(A, "A", ("m", "n"))
    if A.size == 0:
        raise ValueError(f"A is empty, shape {A.shape}; it has no singular values")
    check_finite(A, "A", "the matrix")
    return A, dtype


def _singular_values(A):
    return svd_2x2(A).s if A.shape == (2, 2) else np.linalg.svd(A, compute_uv=False)


def _quadratic(A, x):
    A, x = as_float(A, "A"), as_float(x, "x")
    check_matrix(A, "A", ("n", "n"))
    if A.shape[0] != A.shape[1]:
        raise ValueError(f"A must be square, shape (n, n), but its shape is {A.shape}")
    if A.size == 0:
        raise ValueError("A is empty, shape (0, 0); the quotient would be 0/0")
    if x.shape != A.shape[1:]:
        hint = f"; pass x.ravel() for shape ({x.size},)" if x.size == len(A) else ""
        raise ValueError(
            f"x must have shape (n,) = ({len(A)},) to fit A {A.shape}, but its shape is "
            f"{x.shape}{hint}"
        )
    if not x.any():
        raise ValueError("x must not be all zeros: the quotient would be 0/0")
    dtype = common_dtype(A, x)
    work = working_dtype(dtype)
    return A.astype(work, copy=False), x.astype(work, copy=False), dtype


def _scaled(x):
    """Return x over the power of two above its largest entry, and the power."""
    power = int(np.frexp(np.abs(x).max())[1])
    return np.ldexp(x, -power), power
