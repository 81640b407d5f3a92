r"""Losses of measured numbers that a single outlier does not rule: absolute error and Huber's.

What :mod:`nnbook.functions.losses` says of reductions, dtypes and bad input holds here. The slope
of both is bounded, however far off a prediction is; near the target Huber's is smooth.
"""

import numpy as np

from nnbook.functions._reduction import check_pair, divisor, reduced
from nnbook.functions._validate import check_number

NAMES = ("prediction", "target")


def mae(prediction, target, *, reduction="mean"):
    r"""Absolute error, by default its mean over all entries.

    .. math:: \ell = \frac1n \sum_{i=1}^{n} |p_i - t_i|

    Its best constant prediction is the median of the targets; that of :func:`mse` is their mean.

    Parameters
    ----------
    prediction : array_like of real numbers
        Shape (N,) or (N, K) or with more axes, n entries in all; in the unit of the target.
    target : array_like of real numbers
        Exactly the shape of `prediction`.
    reduction : {"mean", "sum", "none"}
        Over all entries: ``"none"`` gives one loss for each, in the shape of `prediction`.

    Returns
    -------
    NumPy scalar, or ndarray for ``reduction="none"``
        In the target's unit.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes differ (NumPy would broadcast, and be wrong), a target is not finite, or the
        batch is empty and a mean is asked for.

    See Also
    --------
    huber : the same far from the target, and smooth near it.

    Examples
    --------
    >>> print(mae([1.0, 4.0], [1.0, 0.0]), mae([1.0, 4.0], [1.0, 0.0], reduction="none"))
    2.0 [0. 4.]
    """
    p, t, dtype = check_pair(prediction, target, NAMES, reduction)
    with np.errstate(all="ignore"):
        return reduced(
            np.abs(p - t), reduction, dtype, lambda n: np.abs(p / 4 / n - t / 4 / n)
        )


def mae_grad(prediction, target, *, reduction="mean"):
    r"""Gradient of :func:`mae` in the prediction.

    .. math:: \frac{\partial \ell}{\partial p_i} = \frac{\operatorname{sign}(p_i - t_i)}{n}

    At the kink, a prediction that is exact, the choice is 0, the middle of the slopes -1 and 1.

    Parameters
    ----------
    prediction : array_like of real numbers
        Shape (N,) or (N, K) or with more axes, n entries in all.
    target : array_like of real numbers
        Exactly the shape of `prediction`.
    reduction : {"mean", "sum", "none"}
        As for :func:`mae`; for ``"none"`` this is the gradient of the sum.

    Returns
    -------
    ndarray
        The shape of `prediction`; dimensionless.

    Raises
    ------
    TypeError, ValueError
        As :func:`mae` does.

    Examples
    --------
    >>> print(mae_grad([1.0, 4.0], [1.0, 0.0]))
    [0.  0.5]
    """
    p, t, dtype = check_pair(prediction, target, NAMES, reduction)
    with np.errstate(all="ignore"):
        return (np.sign(p - t) / divisor(p.size, reduction)).astype(dtype, copy=False)


def huber(prediction, target, *, delta=1.0, reduction="mean"):
    r"""Huber's loss: half the square within δ of the target, and straight lines beyond.

    .. math:: \ell = \frac1n \sum_{i=1}^{n} h(p_i - t_i), \qquad
        h(e) = \begin{cases} \tfrac12 e^2 & |e| \le \delta \\
        \delta \bigl(|e| - \tfrac12 \delta\bigr) & |e| > \delta \end{cases}

    Value and slope are continuous at δ. For δ → ∞ it is half of :func:`mse`; for δ → 0 the
    quotient ℓ/δ tends to :func:`mae`.

    Parameters
    ----------
    prediction : array_like of real numbers
        Shape (N,) or (N, K) or with more axes, n entries in all; in the unit of the target.
    target : array_like of real numbers
        Exactly the shape of `prediction`.
    delta : float, default 1.0
        δ, positive and finite; in the unit of the target.
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
        If the shapes differ, a target is not finite, `delta` is not positive and finite, or the
        batch is empty and a mean is asked for.

    Notes
    -----
    Computed as q (|e| - q/2) with q = min(|e|, δ): one formula, no branch that could overflow.

    References
    ----------
    .. [1] Huber, Ann. Math. Statist. 35(1), 1964, :doi:`10.1214/aoms/1177703732`.

    Examples
    --------
    >>> print(huber([0.5, 4.0], [0.0, 0.0], reduction="none"))
    [0.125 3.5  ]
    """
    p, t, dtype = check_pair(prediction, target, NAMES, reduction)
    delta = check_number(delta, "delta", low=0.0, closed_low=False)
    with np.errstate(all="ignore"):
        e = np.abs(p - t)
        q = np.minimum(e, delta)
        return reduced(
            q * (e - q / 2),
            reduction,
            dtype,
            lambda n: q / n * (np.abs(p / 4 - t / 4) - q / 8),
        )


def huber_grad(prediction, target, *, delta=1.0, reduction="mean"):
    r"""Gradient of :func:`huber` in the prediction: the difference, bounded by δ.

    .. math:: \frac{\partial \ell}{\partial p_i}
        = \frac1n \max\bigl(-\delta, \min(\delta,\, p_i - t_i)\bigr)

    Parameters
    ----------
    prediction : array_like of real numbers
        Shape (N,) or (N, K) or with more axes, n entries in all.
    target : array_like of real numbers
        Exactly the shape of `prediction`.
    delta : float, default 1.0
        δ, positive and finite; in the unit of the target.
    reduction : {"mean", "sum", "none"}
        As for :func:`huber`; for ``"none"`` this is the gradient of the sum.

    Returns
    -------
    ndarray
        The shape of `prediction`, in the target's unit.

    Raises
    ------
    TypeError, ValueError
        As :func:`huber` does.

    Examples
    --------
    >>> print(huber_grad([0.5, -4.0], [0.0, 0.0]))
    [ 0.25 -0.5 ]
    """
    p, t, dtype = check_pair(prediction, target, NAMES, reduction)
    delta = check_number(delta, "delta", low=0.0, closed_low=False)
    with np.errstate(all="ignore"):
        slope = np.minimum(np.maximum(p - t, -delta), delta)
        return (slope / divisor(p.size, reduction)).astype(dtype, copy=False)
