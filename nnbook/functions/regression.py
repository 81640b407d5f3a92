r"""Squared errors: losses of predictions that are measured, not chosen.

What :mod:`nnbook.functions.losses` says of reductions, dtypes and bad input holds here. The two
losses differ in the divisor alone: `mse` is the mean over all entries, `squared_error` half the sum
over the outputs of an example, averaged over the examples. Losses that an outlier does not rule
are in :mod:`nnbook.functions.robust`.
"""

import numpy as np

from nnbook.functions._reduction import check_pair, divisor

NAMES = ("prediction", "target")


def mse(prediction, target, *, reduction="mean"):
    r"""Squared error, by default its mean over all entries.

    .. math:: \ell = \frac{1}{NK} \sum_{i=1}^{N} \sum_{k=1}^{K} (p_{ik} - t_{ik})^2

    Parameters
    ----------
    prediction : array_like of real numbers
        Shape (N, K), or (N,) for K = 1, or with more axes; in the unit of the target.
    target : array_like of real numbers
        Exactly the shape of `prediction`.
    reduction : {"mean", "sum", "none"}
        Over all entries: ``"none"`` gives one loss for each, in the shape of `prediction`.

    Returns
    -------
    NumPy scalar, or ndarray for ``reduction="none"``
        In the square of the target's unit.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes differ (NumPy would broadcast, and be wrong), a target is not finite, or the
        batch is empty and a mean is asked for.

    See Also
    --------
    squared_error : half the sum over the outputs, averaged over the examples.

    Examples
    --------
    >>> print(mse([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 0.0]]))
    4.0
    """
    p, t, dtype = check_pair(prediction, target, NAMES, reduction)
    with np.errstate(all="ignore"):
        if reduction == "none":
            return np.square(p - t).astype(dtype, copy=False)
        return dtype.type(_sum_of_squares(p, t, divisor(p.size, reduction)))


def mse_grad(prediction, target, *, reduction="mean"):
    r"""Gradient of :func:`mse` in the prediction.

    .. math:: \frac{\partial \ell}{\partial p_{ik}} = \frac{2\,(p_{ik} - t_{ik})}{NK}

    Parameters
    ----------
    prediction : array_like of real numbers
        Shape (N, K), or (N,) for K = 1, or with more axes.
    target : array_like of real numbers
        Exactly the shape of `prediction`.
    reduction : {"mean", "sum", "none"}
        As for :func:`mse`; for ``"none"`` this is the gradient of the sum.

    Returns
    -------
    ndarray
        The shape of `prediction`, in the target's unit.

    Raises
    ------
    TypeError, ValueError
        As :func:`mse` does.

    Examples
    --------
    >>> print(mse_grad([1.0, 4.0], [1.0, 0.0]))
    [0. 4.]
    """
    p, t, dtype = check_pair(prediction, target, NAMES, reduction)
    with np.errstate(all="ignore"):
        return _difference_over(p, t, divisor(p.size, reduction) / 2).astype(dtype, copy=False)


def squared_error(prediction, target, *, reduction="mean"):
    r"""Half the squared error, summed over the outputs; by default averaged over the examples.

    .. math:: \ell = \frac{1}{2N} \sum_{i=1}^{N} \sum_{k=1}^{K} (p_{ik} - t_{ik})^2

    The half cancels the 2 of the derivative; the sum over outputs makes it the negative
    log-likelihood of Gaussian noise of variance 1, up to a constant. It is :func:`mse` times K/2.

    Parameters
    ----------
    prediction : array_like of real numbers
        Shape (N, K), or (N,) for K = 1, or with more axes; in the unit of the target.
    target : array_like of real numbers
        Exactly the shape of `prediction`.
    reduction : {"mean", "sum", "none"}
        Over the examples: ``"none"`` gives one loss for each, shape (N,).

    Returns
    -------
    NumPy scalar, or ndarray for ``reduction="none"``
        In the square of the target's unit.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes differ, a target is not finite, or the batch is empty and a mean
        is asked for.

    References
    ----------
    .. [1] Rumelhart, Hinton & Williams, Nature 323, 1986, :doi:`10.1038/323533a0`; their E is
       N times this.

    Examples
    --------
    >>> print(squared_error([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 0.0]]))
    4.0
    """
    p, t, dtype = check_pair(prediction, target, NAMES, reduction)
    with np.errstate(all="ignore"):
        if reduction == "none":
            half = _sum_of_squares(p, t, 2, tuple(range(1, p.ndim)))
            return half.astype(dtype, copy=False)
        return dtype.type(_sum_of_squares(p, t, 2 * divisor(len(p), reduction)))


def squared_error_grad(prediction, target, *, reduction="mean"):
    r"""Gradient of :func:`squared_error` in the prediction.

    .. math:: \frac{\partial \ell}{\partial p_{ik}} = \frac{p_{ik} - t_{ik}}{N}

    Parameters
    ----------
    prediction : array_like of real numbers
        Shape (N, K), or (N,) for K = 1, or with more axes.
    target : array_like of real numbers
        Exactly the shape of `prediction`.
    reduction : {"mean", "sum", "none"}
        As for :func:`squared_error`; for ``"none"`` this is the gradient of the sum.

    Returns
    -------
    ndarray
        The shape of `prediction`, in the target's unit.

    Raises
    ------
    TypeError, ValueError
        As :func:`squared_error` does.

    Examples
    --------
    >>> print(squared_error_grad([1.0, 4.0], [1.0, 0.0]))
    [0. 2.]
    """
    p, t, dtype = check_pair(prediction, target, NAMES, reduction)
    with np.errstate(all="ignore"):
        return _difference_over(p, t, divisor(len(p), reduction)).astype(dtype, copy=False)


def _sum_of_squares(p, t, count, axes=None):
    """Return the sum of squared differences over `axes`, all unless given, divided by `count`."""
    difference = p - t
    total = np.sum(difference * difference, axes) / count
    if np.isinf(total).any():
        # A square or the sum overflowed; the quotient itself may not.
        difference = p * 2.0**-600 - t * 2.0**-600
        again = np.sum(difference * difference / count, axes) * 2.0**600 * 2.0**600
        total = np.where(np.isinf(total), again, total)
    return total


def _difference_over(p, t, count):
    difference = p - t
    # Where a difference of finite numbers overflows, its share of the mean need not.
    return np.where(np.isinf(difference), p / count - t / count, difference / count)
