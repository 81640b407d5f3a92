r"""Mean and variance of numbers that come one after the other, and of several such streams."""

from typing import NamedTuple

import numpy as np

from nnbook.functions._validate import as_float, check_count, check_same_shape, working_dtype


class Moments(NamedTuple):
    """What :func:`welford` keeps of the examples seen so far.

    Attributes
    ----------
    count : int
        How many, n.
    mean : ndarray
        Their mean, the shape of one example.
    squares : ndarray
        The sum of their squared deviations from it, in squared units.
    """

    count: int
    mean: np.ndarray
    squares: np.ndarray

    @property
    def variance(self):
        """The variance of these examples, divided by n; NaN if there are none."""
        with np.errstate(all="ignore"):
            return np.divide(self.squares, self.count)

    @property
    def sample_variance(self):
        """The unbiased estimate for what they are drawn from, divided by n - 1; NaN below two."""
        with np.errstate(all="ignore"):
            return np.divide(self.squares, max(self.count - 1, 0))  # 0/0 is NaN


def welford(x, moments=None):
    r"""Take more examples into a mean and a sum of squared deviations, one at a time.

    .. math:: m_n = m_{n-1} + \frac{x_n - m_{n-1}}{n}, \qquad
        S_n = S_{n-1} + (x_n - m_{n-1})(x_n - m_n)

    Parameters
    ----------
    x : array_like of real numbers, shape (N, ...)
        Examples along the first axis; N may be 0.
    moments : Moments, optional
        Of the examples before them; by default there are none. It is not changed.

    Returns
    -------
    Moments
        Of all together, in float64 (longdouble if given that).

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or `moments` is not Moments.
    ValueError
        If `x` has no axis of examples, or one example not the shape of the mean.

    Notes
    -----
    No square of a mean is subtracted: the relative error of S is about n κ u with
    κ² = 1 + mean²/variance, where mean(x²) - mean(x)² has n κ² u [2]_.

    References
    ----------
    .. [1] Welford, Technometrics 4(3), 1962, :doi:`10.1080/00401706.1962.10490022`.
    .. [2] Chan, Golub & LeVeque, The American Statistician 37(3), 1983,
       :doi:`10.1080/00031305.1983.10483115`.

    Examples
    --------
    >>> moments = welford([1e9 + 4, 1e9 + 7])
    >>> moments = welford([1e9 + 13, 1e9 + 16], moments)
    >>> print(moments.count, moments.mean, moments.variance, moments.sample_variance)
    4 1000000010.0 22.5 30.0
    """
    x = as_float(x, "x")
    if x.ndim == 0:
        raise ValueError("x must have an axis of examples, got a single number; pass [x]")
    dtype = working_dtype(x.dtype)
    if moments is None:
        moments = Moments(0, np.zeros(x.shape[1:], dtype)[()], np.zeros(x.shape[1:], dtype)[()])
    count, mean, squares = _check_moments(moments, "moments")
    if mean.shape != x.shape[1:]:
        raise ValueError(
            f"one example of x has shape {x.shape[1:]}, but moments are of examples of shape "
            f"{mean.shape}; a single example is x[np.newaxis]"
        )
    with np.errstate(all="ignore"):
        for example in x.astype(np.promote_types(dtype, mean.dtype), copy=False):
            count += 1
            distance = example - mean
            # The difference of the halves is half of it, and cannot overflow.
            mean = mean + (example / 2 - mean / 2) / count * 2
            squares = squares + distance * (example - mean)
    return Moments(count, mean[()], squares[()])


def merge_moments(first, second):
    r"""Merge the moments of two sets of examples, as if one had seen them all.

    .. math:: \delta = m_2 - m_1, \qquad m = m_1 + \delta\,\frac{n_2}{n_1 + n_2}, \qquad
        S = S_1 + S_2 + \delta^2\,\frac{n_1 n_2}{n_1 + n_2}

    Parameters
    ----------
    first, second : Moments
        As :func:`welford` returns them, of examples of the same shape.

    Returns
    -------
    Moments

    Raises
    ------
    TypeError
        If an argument is not Moments, or does not hold real numbers.
    ValueError
        If the examples differ in shape, or a count is negative.

    References
    ----------
    .. [1] Chan, Golub & LeVeque, The American Statistician 37(3), 1983,
       :doi:`10.1080/00031305.1983.10483115`.

    Examples
    --------
    >>> both = merge_moments(welford([1.0, 2.0]), welford([3.0, 4.0, 5.0]))
    >>> print(both.count, both.mean, both.variance)
    5 3.0 2.0
    """
    (n, mean, squares), (m, other, others) = (
        _check_moments(first, "first"),
        _check_moments(second, "second"),
    )
    if mean.shape != other.shape:
        raise ValueError(
            f"first and second must be of examples of one shape, but their means have shapes "
            f"{mean.shape} and {other.shape}"
        )
    with np.errstate(all="ignore"):
        if n == 0 or m == 0:
            # Nothing is not to be averaged in: with 0 examples the mean is no number.
            count, mean, squares = (m, other, others) if n == 0 else (n, mean, squares)
            return Moments(count, mean[()], squares[()])
        distance = other - mean
        mean = mean + (other / 2 - mean / 2) * (m / (n + m)) * 2
        squares = squares + others + distance * distance * (n * m / (n + m))
    return Moments(n + m, mean[()], squares[()])


def _check_moments(moments, name):
    if not isinstance(moments, Moments):
        raise TypeError(f"{name} must be Moments, as welford returns them, got {moments!r}")
    count = check_count(moments.count, f"{name}.count", 0)
    mean = as_float(moments.mean, f"{name}.mean")
    squares = as_float(moments.squares, f"{name}.squares")
    check_same_shape(mean, squares, (f"{name}.mean", f"{name}.squares"))
    return count, mean, squares
