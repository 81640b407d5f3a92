r"""Sums in floating point: one after the other, in pairs, and with the rounding errors kept.

Every method adds in the dtype of its argument, because its rounding is the subject: u is half the
distance from 1 to the next number, 2⁻⁵³ in float64 and 2⁻²⁴ in float32, and
:math:`\gamma_k = ku/(1 - ku)`. A sum is within the bound of its method (:func:`sum_error_bound`)
of the exact sum of the numbers given, if nothing overflows.
"""

import numpy as np

from nnbook.functions._validate import as_float, check_axis, working_dtype

METHODS = ("sequential", "pairwise", "kahan", "neumaier")


def sequential_sum(x, axis=-1):
    r"""Add numbers one after the other, from the first to the last.

    .. math:: \Bigl|\hat s - \sum_i x_i\Bigr| \le \gamma_{n-1} \sum_i |x_i|

    Parameters
    ----------
    x : array_like of real numbers
        At least one axis.
    axis : int
        The axis to add along.

    Returns
    -------
    ndarray or NumPy scalar
        The sums, in the dtype of `x` (integers give float64); 0 where there is nothing to add.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.
    ValueError
        If `x` does not have that axis.

    See Also
    --------
    pairwise_sum : what ``numpy.sum`` approximates along a contiguous axis.

    Examples
    --------
    A million times 0.1 in float32; the exact sum of these numbers is 100000.0015:

    >>> x = np.full(10**6, 0.1, np.float32)
    >>> print(sequential_sum(x), pairwise_sum(x), kahan_sum(x))
    100958.34 100000.0 100000.0
    """
    x = _last(x, axis)
    if x.shape[-1] == 0:
        return np.zeros(x.shape[:-1], x.dtype)[()]
    with np.errstate(all="ignore"):
        return np.add.accumulate(x, axis=-1)[..., -1][()]


def pairwise_sum(x, axis=-1):
    r"""Add neighbours in pairs, then neighbours among the sums, and so on.

    .. math:: \Bigl|\hat s - \sum_i x_i\Bigr| \le \gamma_{\lceil \log_2 n \rceil} \sum_i |x_i|

    Parameters
    ----------
    x : array_like of real numbers
        At least one axis.
    axis : int
        The axis to add along.

    Returns
    -------
    ndarray or NumPy scalar
        The sums, in the dtype of `x` (integers give float64); 0 where there is nothing to add.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.
    ValueError
        If `x` does not have that axis.

    References
    ----------
    .. [1] Higham, The accuracy of floating point summation, SIAM J. Sci. Comput. 14(4), 1993,
       :doi:`10.1137/0914050`.

    Examples
    --------
    >>> print(pairwise_sum([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    [ 6. 15.]
    """
    x = _last(x, axis)
    if x.shape[-1] == 0:
        return np.zeros(x.shape[:-1], x.dtype)[()]
    with np.errstate(all="ignore"):
        while x.shape[-1] > 1:
            even = x.shape[-1] // 2 * 2
            pairs = x[..., 0:even:2] + x[..., 1:even:2]
            x = np.concatenate([pairs, x[..., even:]], axis=-1)
    # A copy, since a single number was not added to anything.
    return x[..., 0].copy()[()]


def kahan_sum(x, axis=-1):
    r"""Add one after the other, and give each rounding error back with the next number.

    .. math:: y = x_i - c, \quad t = s + y, \quad c \leftarrow (t - s) - y, \quad s \leftarrow t,
        \qquad \Bigl|\hat s - \sum_i x_i\Bigr| \le \bigl(2u + O(nu^2)\bigr) \sum_i |x_i|

    Parameters
    ----------
    x : array_like of real numbers
        At least one axis.
    axis : int
        The axis to add along. The loop over it is Python's, about a microsecond a number.

    Returns
    -------
    ndarray or NumPy scalar
        The sums, in the dtype of `x` (integers give float64); 0 where there is nothing to add.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.
    ValueError
        If `x` does not have that axis.

    See Also
    --------
    neumaier_sum : keeps the errors to the end, and so also what a huge number would swallow.

    Notes
    -----
    A sum that overflows, or holds an infinity or NaN, is that of :func:`sequential_sum`.

    References
    ----------
    .. [1] Kahan, Further remarks on reducing truncation errors, Communications of the ACM 8(1),
       1965, :doi:`10.1145/363707.363723`.

    Examples
    --------
    >>> x = [1.0] + [1e-16] * 10
    >>> print(sequential_sum(x), kahan_sum(x))
    1.0 1.000000000000001
    """
    x = _last(x, axis)
    with np.errstate(all="ignore"):
        total = np.zeros(x.shape[:-1], x.dtype)[()]
        error = total.copy()
        for i in range(x.shape[-1]):
            y = x[..., i] - error
            new = total + y
            error = (new - total) - y
            total = new
    return _finite_or_plain(total, x)


def neumaier_sum(x, axis=-1):
    r"""Add one after the other, add up the rounding errors, and correct the sum by them at the end.

    .. math:: \Bigl|\hat s - \sum_i x_i\Bigr| \le
        u\,\Bigl|\sum_i x_i\Bigr| + \gamma_{n-1}^2 \sum_i |x_i|

    Parameters
    ----------
    x : array_like of real numbers
        At least one axis.
    axis : int
        The axis to add along. The loop over it is Python's, about two microseconds a number.

    Returns
    -------
    ndarray or NumPy scalar
        The sums, in the dtype of `x` (integers give float64); 0 where there is nothing to add.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.
    ValueError
        If `x` does not have that axis.

    Notes
    -----
    Each addition's error is exact: it is the smaller number's lost digits. The sum is as good as
    if added with twice the digits and rounded. A sum that overflows, or holds an infinity or NaN,
    is that of :func:`sequential_sum`.

    References
    ----------
    .. [1] Neumaier, ZAMM 54(1), 1974, :doi:`10.1002/zamm.19740540106`.
    .. [2] Ogita, Rump & Oishi, Accurate sum and dot product, SIAM J. Sci. Comput. 26(6), 2005,
       :doi:`10.1137/030601818`; its proposition 4.5 is the bound.

    Examples
    --------
    >>> x = [1.0, 1e100, 1.0, -1e100]
    >>> print(sequential_sum(x), kahan_sum(x), neumaier_sum(x))
    0.0 0.0 2.0
    """
    x = _last(x, axis)
    with np.errstate(all="ignore"):
        total = np.zeros(x.shape[:-1], x.dtype)[()]
        error = total.copy()
        for i in range(x.shape[-1]):
            y = x[..., i]
            new = total + y
            rest = np.where(np.abs(total) >= np.abs(y), (total - new) + y, (y - new) + total)[()]
            error, total = error + rest, new
        total = total + error
    return _finite_or_plain(total, x)


def sum_error_bound(x, method="sequential", axis=-1):
    r"""Bound the rounding error of a sum, before it is taken.

    .. math:: \gamma_{n-1} \sum |x_i|, \qquad \gamma_{\lceil \log_2 n \rceil} \sum |x_i|, \qquad
        (2u + 4nu^2) \sum |x_i|, \qquad
        u \Bigl|\sum x_i\Bigr| + \gamma_{n-1}^2 \sum |x_i|

    Parameters
    ----------
    x : array_like of real numbers
        The numbers to add; their dtype decides u.
    method : {"sequential", "pairwise", "kahan", "neumaier"}
        Which of the four bounds, in this order.
    axis : int
        The axis to add along.

    Returns
    -------
    ndarray or NumPy scalar
        In the unit of `x`, in float64 or wider, rounded up a little. Infinite where the bound does
        not hold any more: for n u ≥ 1, and for Kahan's n u > 1/10.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `method` is not a string.
    ValueError
        If `x` does not have that axis, or `method` is none of the four.

    References
    ----------
    .. [1] Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, chapter 4,
       :doi:`10.1137/1.9780898718027`.

    Examples
    --------
    >>> x = np.full(10**6, 0.1, np.float32)
    >>> for method in ("sequential", "pairwise", "kahan"):
    ...     print(f"{sum_error_bound(x, method):.4f}")
    6338.2472
    0.1192
    0.0133
    """
    if not isinstance(method, str) or method not in METHODS:
        kind = ValueError if isinstance(method, str) else TypeError
        raise kind(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    x = _last(x, axis)
    n, u = x.shape[-1], float(np.finfo(x.dtype).eps) / 2
    wide = x.astype(working_dtype(x.dtype), copy=False)
    with np.errstate(all="ignore"):
        magnitude = np.sum(np.abs(wide), axis=-1)
        if method == "sequential":
            bound = _gamma(n - 1, u) * magnitude
        elif method == "pairwise":
            bound = _gamma(max(n - 1, 0).bit_length(), u) * magnitude
        elif method == "kahan":
            bound = (2 * u + 4 * n * u**2 if n * u <= 0.1 else np.inf) * magnitude
        else:
            # The sum itself is known to within the second term.
            rest = _gamma(n - 1, u) ** 2 * magnitude
            bound = u * (np.abs(neumaier_sum(wide)) + rest) + rest
        # What this computation itself rounds off.
        return bound * (1 + (n + 8) * np.finfo(wide.dtype).eps)


def _last(x, axis):
    x = as_float(x, "x")
    return np.moveaxis(x, check_axis(x, axis, "x"), -1)


def _gamma(k, u):
    k = max(k, 0)
    return k * u / (1 - k * u) if k * u < 1 else np.inf


def _finite_or_plain(total, x):
    """Where the errors were infinite or NaN, only the plain sum means anything."""
    finite = np.isfinite(total)
    if np.all(finite):
        return total
    return np.where(finite, total, sequential_sum(x))[()]
