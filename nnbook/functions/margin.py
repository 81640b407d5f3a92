r"""Hinge loss: a classifier is charged until it is right by a margin of 1.

What :mod:`nnbook.functions.losses` says of reductions, dtypes and bad input holds here. A score is
any real number whose sign is the class; it is no logit, and has no probability.
"""

import numpy as np

from nnbook.functions._reduction import check_pair, divisor, reduced
from nnbook.functions._validate import first_place


def hinge(scores, targets, *, reduction="mean"):
    r"""Binary hinge loss of scores against labels -1 and +1, by default the mean.

    .. math:: \ell = \frac1n \sum_{i=1}^{n} \max(0,\, 1 - y_i s_i)

    Parameters
    ----------
    scores : array_like of real numbers
        Scores s, dimensionless, shape (N,) or (N, K) or with more axes, n entries in all; each is
        a decision of its own.
    targets : array_like of real numbers
        Labels y, each -1 or +1; exactly the shape of `scores`.
    reduction : {"mean", "sum", "none"}
        Over all entries: ``"none"`` gives one loss for each, in the shape of `scores`.

    Returns
    -------
    NumPy scalar, or ndarray for ``reduction="none"``
        Dimensionless. At least the share of wrong signs.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes differ, a label is neither -1 nor +1, or the batch is empty and a mean is
        asked for.

    References
    ----------
    .. [1] Cortes & Vapnik, Machine Learning 20, 1995, :doi:`10.1007/BF00994018`.

    Examples
    --------
    Right by more than the margin, right by less, wrong:

    >>> print(hinge([2.0, 0.25, -1.0], [1, 1, 1], reduction="none"))
    [0.   0.75 2.  ]
    """
    s, y, dtype = _signed(scores, targets, reduction)
    with np.errstate(all="ignore"):
        return reduced(np.maximum(0, 1 - y * s), reduction, dtype)


def hinge_grad(scores, targets, *, reduction="mean"):
    r"""Gradient of :func:`hinge` in the scores, the mean's divisor included.

    .. math:: \frac{\partial \ell}{\partial s_i}
        = \begin{cases} -y_i / n & y_i s_i < 1 \\ 0 & y_i s_i \ge 1 \end{cases}

    At the kink, a margin of exactly 1, the choice is 0, as it is for ReLU.

    Parameters
    ----------
    scores : array_like of real numbers
        Scores, dimensionless, shape (N,) or (N, K) or with more axes; n entries in all.
    targets : array_like of real numbers
        Labels, each -1 or +1; exactly the shape of `scores`.
    reduction : {"mean", "sum", "none"}
        As for :func:`hinge`; for ``"none"`` this is the gradient of the sum.

    Returns
    -------
    ndarray
        Per unit score, the shape of `scores`.

    Raises
    ------
    TypeError, ValueError
        As :func:`hinge` does.

    Examples
    --------
    >>> print(hinge_grad([2.0, 0.25, -1.0, 0.0], [1, 1, -1, -1]))
    [ 0.   -0.25  0.    0.25]
    """
    s, y, dtype = _signed(scores, targets, reduction)
    with np.errstate(all="ignore"):
        slope = np.where(np.isnan(s), s, np.where(y * s < 1, -y, 0))
        return (slope / divisor(s.size, reduction)).astype(dtype, copy=False)


def _signed(scores, targets, reduction):
    s, y, dtype = check_pair(scores, targets, ("scores", "targets"), reduction)
    wrong = np.abs(y) != 1
    if wrong.any():
        at = first_place(wrong)
        message = f"targets{list(at)} is {y[at]}, but a label is -1 or +1"
        if y[at] == 0:
            message += "; turn labels 0 and 1 into them by 2 * targets - 1"
        raise ValueError(message)
    return s, y, dtype
