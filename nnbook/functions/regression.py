r"""Squared errors: losses of predictions that are measured, not chosen.

What :mod:`nnbook.functions.losses` says of means, dtypes and bad input holds here. The two
losses differ in the divisor alone: `mse` is the mean over all entries, `squared_error` half the sum
over the outputs of an example, averaged over the examples.
"""

import numpy as np

from nnbook.functions._validate import check_pair


def mse(prediction, target):
    r"""Mean squared error, over all entries.

    .. math:: \ell = \frac{1}{NK} \sum_{i=1}^{N} \sum_{k=1}^{K} (p_{ik} - t_{ik})^2

    Parameters
    ----------
    prediction : array_like of real numbers
        Shape (N, K), or (N,) for K = 1, or with more axes; in the unit of the target.
    target : array_like of real numbers
        Exactly the shape of `prediction`.

    Returns
    -------
    NumPy scalar
        In the square of the target's unit.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes differ (NumPy would broadcast, and be wrong), a target is not finite, or the
        batch is empty.

    See Also
    --------
    squared_error : half the sum over the outputs, averaged over the examples.

    Examples
    --------
    >>> print(mse([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 0.0]]))
    4.0
    """
    p, t, dtype = check_pair(prediction, target, ("prediction", "target"))
    with np.errstate(all="ignore"):
        return dtype.type(_mean_square(p, t, p.size))


def mse_grad(prediction, target):
    r"""Gradient of :func:`mse` in the prediction.

    .. math:: \frac{\partial \ell}{\partial p_{ik}} = \frac{2\,(p_{ik} - t_{ik})}{NK}

    Parameters
    ----------
    prediction : array_like of real numbers
        Shape (N, K), or (N,) for K = 1, or with more axes.
    target : array_like of real numbers
        Exactly the shape of `prediction`.

    Returns
    -------
    ndarray
        The shape of `prediction`, in the target's unit.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes differ, a target is not finite, or the batch is empty.

    Examples
    --------
    >>> print(mse_grad([1.0, 4.0], [1.0, 0.0]))
    [0. 4.]
    """
    p, t, dtype = check_pair(prediction, target, ("prediction", "target"))
    with np.errstate(all="ignore"):
        return _difference_over(p, t, p.size / 2).astype(dtype, copy=False)


def squared_error(prediction, target):
    r"""Half the squared error, summed over the outputs and averaged over the examples.

    .. math:: \ell = \frac{1}{2N} \sum_{i=1}^{N} \sum_{k=1}^{K} (p_{ik} - t_{ik})^2

    The half cancels the 2 of the derivative; the sum over outputs makes it the negative
    log-likelihood of Gaussian noise of variance 1, up to a constant. It is :func:`mse` times K/2.

    Parameters
    ----------
    prediction : array_like of real numbers
        Shape (N, K), or (N,) for K = 1, or with more axes; in the unit of the target.
    target : array_like of real numbers
        Exactly the shape of `prediction`.

    Returns
    -------
    NumPy scalar
        In the square of the target's unit.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes differ, a target is not finite, or the batch is empty.

    References
    ----------
    .. [1] Rumelhart, Hinton & Williams, Nature 323, 1986, :doi:`10.1038/323533a0`; their E is
       N times this.

    Examples
    --------
    >>> print(squared_error([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 0.0]]))
    4.0
    """
    p, t, dtype = check_pair(prediction, target, ("prediction", "target"))
    with np.errstate(all="ignore"):
        return dtype.type(_mean_square(p, t, 2 * len(p)))


def squared_error_grad(prediction, target):
    r"""Gradient of :func:`squared_error` in the prediction.

    .. math:: \frac{\partial \ell}{\partial p_{ik}} = \frac{p_{ik} - t_{ik}}{N}

    Parameters
    ----------
    prediction : array_like of real numbers
        Shape (N, K), or (N,) for K = 1, or with more axes.
    target : array_like of real numbers
        Exactly the shape of `prediction`.

    Returns
    -------
    ndarray
        The shape of `prediction`, in the target's unit.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes differ, a target is not finite, or the batch is empty.

    Examples
    --------
    >>> print(squared_error_grad([1.0, 4.0], [1.0, 0.0]))
    [0. 2.]
    """
    p, t, dtype = check_pair(prediction, target, ("prediction", "target"))
    with np.errstate(all="ignore"):
        return _difference_over(p, t, len(p)).astype(dtype, copy=False)


def _mean_square(p, t, count):
    difference = p - t
    mean = np.sum(difference * difference) / count
    if np.isinf(mean) and np.isfinite(p).all():
        # A square or the sum overflowed; the mean itself may not.
        difference = p * 2.0**-600 - t * 2.0**-600
        mean = np.sum(difference * difference / count) * 2.0**600 * 2.0**600
    return mean


def _difference_over(p, t, count):
    difference = p - t
    # Where a difference of finite numbers overflows, its share of the mean need not.
    return np.where(np.isinf(difference), p / count - t / count, difference / count)
