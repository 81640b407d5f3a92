r"""Eigenvalues by multiplication alone: power iteration, and one after the other by deflation."""

from typing import NamedTuple

import numpy as np

from nnbook.functions._validate import (
    as_float,
    check_count,
    check_finite,
    check_matrix,
    check_number,
    first_place,
    working_dtype,
)


class PowerIteration(NamedTuple):
    """What :func:`power_iteration` found.

    Attributes
    ----------
    eigenvalue : NumPy scalar
        The Rayleigh quotient of the last vector, with its sign.
    eigenvector : ndarray, shape (n,)
        Of length 1; its entry of largest absolute value is positive.
    iterations : int
        Products with A.
    residual : NumPy scalar
        The length of A v - λ v. For symmetric A an eigenvalue is that near, or nearer.
    converged : bool
        Whether the residual is at most tolerance · abs(λ).
    """

    eigenvalue: float
    eigenvector: np.ndarray
    iterations: int
    residual: float
    converged: bool


class Eigenpairs(NamedTuple):
    """What :func:`top_eigenpairs` found, in the order found: by absolute value, the largest first.

    Attributes
    ----------
    eigenvalues : ndarray, shape (k,)
    eigenvectors : ndarray, shape (n, k)
        Orthonormal columns, signs as in `PowerIteration`.
    iterations : ndarray of int, shape (k,)
    residuals : ndarray, shape (k,)
        Lengths of A v - λ v, for A itself and not the deflated matrix.
    converged : ndarray of bool, shape (k,)
    """

    eigenvalues: np.ndarray
    eigenvectors: np.ndarray
    iterations: np.ndarray
    residuals: np.ndarray
    converged: np.ndarray


def power_iteration(A, start=None, *, rng=None, tolerance=1e-10, max_iterations=10_000):
    r"""Find the eigenvalue of largest absolute value, by multiplying with A again and again.

    .. math:: v \leftarrow \frac{A v}{\lVert A v\rVert}, \qquad \lambda = v^\top A v

    The error shrinks by :math:`\lvert\lambda_2/\lambda_1\rvert` a step.

    Parameters
    ----------
    A : array_like of real numbers, shape (n, n), or callable
        The matrix; or a function from v to A v, such as a Hessian-vector product, and then `start`
        is needed.
    start : array_like of real numbers, shape (n,), optional
        The first vector, not 0. By default it is drawn from a normal distribution.
    rng : numpy.random.Generator, optional
        Draws it; by default always the same one.
    tolerance : float
        Largest residual relative to abs(λ).
    max_iterations : int
        Products with A, at most.

    Returns
    -------
    PowerIteration
        ``(eigenvalue, eigenvector, iterations, residual, converged)``, in the dtype of A, or of
        `start` if A is a function.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If A is not square or not finite, `start` does not fit or is 0, or a product is not finite
        or of another shape.

    Notes
    -----
    Without one eigenvalue that is larger in absolute value than all others there is no limit, and
    `converged` is False: for a complex pair (a rotation), and for λ and -λ. Equal eigenvalues do no
    harm to a symmetric matrix: the vector is one of their eigenvectors. A start in the kernel of A
    ends at once with eigenvalue 0. A start orthogonal to the dominant eigenvector, which rounding
    does not move, leads to the next. For a matrix far from symmetric the residual may stay above
    the tolerance, because A v is rounded.

    References
    ----------
    .. [1] von Mises & Pollaczek-Geiringer, ZAMM 9(2), 1929, :doi:`10.1002/zamm.19290090206`.

    Examples
    --------
    >>> found = power_iteration([[2.0, 1.0], [1.0, 2.0]])
    >>> print(round(found.eigenvalue, 12), found.eigenvector.round(6), found.converged)
    3.0 [0.707107 0.707107] True
    >>> power_iteration([[0.0, -1.0], [1.0, 0.0]], max_iterations=100).converged
    False
    """
    multiply, start, power, dtype = _problem(A, start, rng)
    tolerance = check_number(tolerance, "tolerance", 0)
    found = _iterate(multiply, start, tolerance, check_count(max_iterations, "max_iterations"), ())
    with np.errstate(all="ignore"):
        value, residual = (
            dtype.type(np.ldexp(number, power)) for number in (found.eigenvalue, found.residual)
        )
        return found._replace(
            eigenvalue=value, eigenvector=found.eigenvector.astype(dtype), residual=residual
        )


def top_eigenpairs(A, count, *, rng=None, tolerance=1e-10, max_iterations=10_000):
    r"""Find the k eigenvalues of largest absolute value of a symmetric matrix, by deflation.

    .. math:: v \leftarrow \frac{B v}{\lVert B v\rVert}, \qquad
        B = A - \sum_{i < k} \lambda_i v_i v_i^\top

    Parameters
    ----------
    A : array_like of real numbers, shape (n, n)
        Symmetric.
    count : int
        How many, 1 ≤ k ≤ n.
    rng : numpy.random.Generator, optional
        Draws the first vectors; by default always the same ones.
    tolerance : float
        Largest residual relative to the largest absolute eigenvalue.
    max_iterations : int
        Products with A for each pair, at most.

    Returns
    -------
    Eigenpairs
        ``(eigenvalues, eigenvectors, iterations, residuals, converged)``.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If A is not symmetric or not finite, or `count` is more than n.

    Notes
    -----
    B is not formed. Its product with a vector orthogonal to those found is that of A, and each
    product is made orthogonal to them again, so that no error adds up. An eigenvalue λ beside -λ
    does not converge, and what comes after it is not to be trusted: look at `converged`.

    References
    ----------
    .. [1] Hotelling, J. Educational Psychology 24, 1933, :doi:`10.1037/h0071325`.

    Examples
    --------
    >>> found = top_eigenpairs([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, -2.0]], 2)
    >>> print(found.eigenvalues.round(10))
    [ 3. -2.]
    """
    A = as_float(A, "A")
    matrix, power = _scaled(A)
    n, k = len(A), check_count(count, "count")
    if k > n:
        raise ValueError(f"count is {k}, but A of shape {A.shape} has {n} eigenvalues")
    if not np.array_equal(A, A.T):
        i, j = first_place(A != A.T)
        raise ValueError(
            f"A must be symmetric, but A[{i}, {j}] is {A[i, j]} and A[{j}, {i}] is "
            f"{A[j, i]}; pass (A + A.T) / 2 if only rounding differs"
        )
    rng = _generator(rng)
    tolerance = check_number(tolerance, "tolerance", 0)
    limit = check_count(max_iterations, "max_iterations")
    found = []
    with np.errstate(all="ignore"):
        for _ in range(k):
            start = rng.normal(size=n).astype(matrix.dtype)
            largest = abs(found[0].eigenvalue) if found else 0.0
            pair = _iterate(lambda v: matrix @ v, start, tolerance, limit, found, largest)
            v = pair.eigenvector
            residual = _length(matrix @ v - pair.eigenvalue * v)
            found.append(pair._replace(residual=residual))
        values, vectors, iterations, residuals, converged = zip(*found, strict=True)
        return Eigenpairs(
            np.ldexp(np.array(values, matrix.dtype), power).astype(A.dtype),
            np.stack(vectors, axis=1).astype(A.dtype),
            np.array(iterations),
            np.ldexp(np.array(residuals, matrix.dtype), power).astype(A.dtype),
            np.array(converged),
        )


def _problem(A, start, rng):
    """Return the product with A / 2**power, the first vector, the power, and the result's dtype."""
    if callable(A):
        if start is None:
            raise ValueError(
                "start is needed if A is a function: its length is not known otherwise"
            )
        start = as_float(start, "start")
        if start.ndim != 1:
            raise ValueError(f"start must have shape (n,), but its shape is {start.shape}")
        _check_start(start, start.shape)
        return _checked(A, start.dtype), start.astype(working_dtype(start.dtype)), 0, start.dtype
    A = as_float(A, "A")
    matrix, power = _scaled(A)
    if start is None:
        start = _generator(rng).normal(size=len(A))
    start = as_float(start, "start")
    _check_start(start, (len(A),))
    return lambda v: matrix @ v, start.astype(matrix.dtype), power, A.dtype


def _scaled(A):
    """Return A / 2**power in the working dtype, and the power; raise if it has no eigenvalues."""
    check_matrix(A, "A", ("n", "n"))
    if A.shape[0] != A.shape[1] or A.size == 0:
        raise ValueError(f"A must be square and not empty, but its shape is {A.shape}")
    check_finite(A, "A", "the matrix")
    work = working_dtype(A.dtype)
    power = max(int(np.frexp(np.abs(A).max())[1]), 24 - np.finfo(work).maxexp)
    with np.errstate(all="ignore"):
        return np.ldexp(A.astype(work, copy=False), -power), power


def _check_start(start, shape):
    if start.shape != shape:
        raise ValueError(f"start must have shape (n,) = {shape}, but its shape is {start.shape}")
    if not (np.isfinite(start).all() and start.any()):
        raise ValueError("start must be finite and not all zeros: it has no direction")


def _generator(rng):
    if rng is None:
        return np.random.default_rng(0)
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {rng!r}")
    return rng


def _checked(multiply, dtype):
    """Return the caller's function with its results checked."""

    def product(v):
        w = as_float(multiply(v.astype(dtype)), "A(v)")
        if w.shape != v.shape or not np.isfinite(w).all():
            raise ValueError(
                f"A(v) must be finite and have the shape of v, {v.shape}, but its shape is "
                f"{w.shape}, and its entries are {w}"
            )
        return w.astype(v.dtype)

    return product


def _length(x):
    largest = np.abs(x).max()
    return largest if largest == 0 else largest * np.sqrt(np.sum((x / largest) ** 2))


def _iterate(multiply, start, tolerance, limit, found, largest=0.0):
    """Multiply until the residual is small; keep orthogonal to the pairs found."""
    with np.errstate(all="ignore"):
        v = _orthogonal(start / np.abs(start).max(), found)
        v = v / _length(v)
        iterations = 0
        while True:
            iterations += 1
            w = _orthogonal(multiply(v), found)
            value = np.inner(v, w)
            residual = _length(w - value * v)
            converged = bool(residual <= tolerance * max(abs(value), largest))
            if converged or iterations == limit:
                break
            v = w / _length(w)
        v = v * np.sign(v[np.argmax(np.abs(v))])
        return PowerIteration(value, v, iterations, residual, converged)


def _orthogonal(v, found):
    for pair in found:
        v = v - np.inner(pair.eigenvector, v) * pair.eigenvector
    return v
