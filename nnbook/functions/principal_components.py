r"""Principal components: the orthogonal directions in which data vary most."""

from typing import NamedTuple

import numpy as np

from nnbook.functions._standardize import centre
from nnbook.functions._validate import check_count, check_finite, check_matrix
from nnbook.functions.svd import as_float64


class PCA(NamedTuple):
    """What :func:`pca` found; ``X ≈ mean + scores @ components``.

    Attributes
    ----------
    mean : ndarray, shape (d,)
    components : ndarray, shape (k, d)
        Orthonormal rows, the direction of largest variance first. The entry of largest absolute
        value in each is positive.
    scores : ndarray, shape (N, k)
        Coordinates of the centred examples along the components.
    variances : ndarray, shape (k,)
        Of the scores, divided by N - 1.
    explained_ratio : ndarray, shape (k,)
        Their shares in the sum of all features' variances.
    """

    mean: np.ndarray
    components: np.ndarray
    scores: np.ndarray
    variances: np.ndarray
    explained_ratio: np.ndarray


def pca(X, n_components=None):
    r"""Find the principal components of data.

    .. math:: X - \mathbf 1 m^\top = U \Sigma V^\top, \qquad \text{scores} = U \Sigma, \qquad
        \text{variances} = \frac{\sigma^2}{N - 1}

    Parameters
    ----------
    X : array_like of real numbers, shape (N, d)
        One example a row, N ≥ 2; finite. Features of different units should be scaled first.
    n_components : int, optional
        How many to return, at most min(N, d), which is the default.

    Returns
    -------
    PCA
        ``(mean, components, scores, variances, explained_ratio)``, in the dtype of `X`.

    Raises
    ------
    TypeError
        If `X` does not hold real numbers, or is longdouble.
    ValueError
        If `X` is not a matrix of at least two rows that differ, is not finite, or has fewer
        components than asked for.

    Notes
    -----
    The mean is taken away in two passes, which keeps the digits of data far from 0, and the
    covariance matrix is not formed, which would square the condition number. Where two variances
    are equal, their components are any orthogonal pair in their plane.

    References
    ----------
    .. [1] Pearson, Philosophical Magazine 2(11), 1901, :doi:`10.1080/14786440109462720`.
    .. [2] Hotelling, J. Educational Psychology 24, 1933, :doi:`10.1037/h0071325`.

    Examples
    --------
    >>> found = pca([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    >>> print(found.components[0].round(4), found.explained_ratio.round(4))
    [0.7071 0.7071] [1. 0.]
    """
    X, dtype = as_float64(X, "X")
    check_matrix(X, "X", ("N", "d"))
    n, d = X.shape
    if n < 2 or d < 1:
        raise ValueError(f"X must have at least two examples of a feature, but has shape {X.shape}")
    check_finite(X, "X", "data")
    k = min(n, d) if n_components is None else check_count(n_components, "n_components")
    if k > min(n, d):
        raise ValueError(
            f"n_components is {k}, but X of shape {X.shape} has no more than {min(n, d)} components"
        )
    with np.errstate(all="ignore"):
        # One scale for all features: powers of two, so that squares stay in range.
        deviation, mean, exponent = centre(X.T)
        largest = np.max(np.abs(deviation), axis=1, keepdims=True)
        if not largest.any():
            raise ValueError("X has no variance: all of its rows are equal")
        power = int(np.max((np.frexp(largest)[1] + exponent)[largest > 0]))
        centred = np.ldexp(deviation, exponent - power).T
        U, s, Vt = np.linalg.svd(centred, full_matrices=False)
        sign = np.sign(Vt[np.arange(len(Vt)), np.argmax(np.abs(Vt), axis=1)])
        variances = s * s / (n - 1)
        parts = (
            np.ldexp(mean, exponent)[:, 0],
            (sign[:, np.newaxis] * Vt)[:k],
            np.ldexp(U * s * sign, power)[:, :k],
            np.ldexp(variances, 2 * power)[:k],
            (variances / np.sum(variances))[:k],
        )
        return PCA(*(part.astype(dtype, copy=False) for part in parts))
