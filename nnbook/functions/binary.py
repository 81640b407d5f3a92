r"""Binary cross-entropy: the loss of yes or no, from one logit for each label.

What :mod:`nnbook.functions.losses` says of reductions, dtypes and bad input holds here.
"""

import numpy as np

from nnbook.functions._reduction import check_pair, check_weights, divisor, reduced
from nnbook.functions._validate import as_float, check_same_shape, quiet
from nnbook.functions.activations import sigmoid_prime


@quiet
def bce_with_logits(logits, targets, *, weights=None, reduction="mean"):
    r"""Binary cross-entropy of ``sigmoid(logits)`` against the targets, by default the mean.

    .. math:: \ell = \frac1n \sum_{i=1}^{n} w_i \bigl( \operatorname{softplus}(z_i) - y_i z_i \bigr)
              = -\frac1n \sum_{i=1}^{n} w_i \bigl( y_i \log \sigma(z_i)
              + (1 - y_i) \log \sigma(-z_i) \bigr)

    Parameters
    ----------
    logits : array_like of real numbers
        Logits z, dimensionless, shape (N,) or (N, K) or with more axes; n entries in all. The mean
        is over entries: with K independent labels an example, it is the example's loss over K.
    targets : array_like of real numbers
        Probabilities y of the label 1, each in [0, 1]; exactly the shape of `logits`.
    weights : array_like of real numbers, optional
        Weight w of each entry, finite and not negative; exactly the shape of `logits`; 1 if not
        given. ``np.where(targets == 1, c, 1.0)`` lets a missed 1 cost c times a false one.
    reduction : {"mean", "sum", "none"}
        The mean divides by n, weights or not.

    Returns
    -------
    NumPy scalar, or ndarray for ``reduction="none"``
        Loss in nats; the shape of `logits`, where it is not reduced.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If shapes differ, a target is not in [0, 1], a weight is negative or not finite, or the
        batch is empty and a mean is asked for.

    See Also
    --------
    bce_with_logits_grad : the gradient in the logits.

    Notes
    -----
    Computed by the last form, whose two terms have one sign and cannot cancel.

    References
    ----------
    .. [1] Good, J. R. Statist. Soc. B 14(1), 1952, :doi:`10.1111/j.2517-6161.1952.tb00104.x`.

    Examples
    --------
    >>> print(f"{bce_with_logits([0.0], [1.0]):.4f} {bce_with_logits([-1000.0], [1.0]):.0f}")
    0.6931 1000
    """
    z, y, w, dtype = _labelled(logits, targets, weights, reduction)
    tail = np.log1p(np.exp(-np.abs(z)))  # softplus(z) = max(z, 0) + tail, for -z as well
    missed, false = y * (np.maximum(-z, 0) + tail), (1 - y) * (np.maximum(z, 0) + tail)

    def loss_of(nats):
        return reduced(
            _weighed(nats, w, 1), reduction, dtype, lambda count: _weighed(nats / 4, w, count)
        )

    loss = loss_of(missed + false)
    if (loss != loss).any():
        # A certain label leaves one term: 0 times an infinite loss is 0 here, not NaN.
        missed = np.where((y == 0) & ~np.isnan(z), 0, missed)
        loss = loss_of(missed + np.where((y == 1) & ~np.isnan(z), 0, false))
    return loss


@quiet
def bce_with_logits_grad(logits, targets, *, weights=None, reduction="mean"):
    r"""Gradient of :func:`bce_with_logits` in the logits, the mean's divisor included.

    .. math:: \frac{\partial \ell}{\partial z_i} = w_i \frac{\sigma(z_i) - y_i}{n}
              = w_i \frac{(1 - y_i)\,\sigma(z_i) - y_i\,\sigma(-z_i)}{n}

    Parameters
    ----------
    logits : array_like of real numbers
        Logits, dimensionless, shape (N,) or (N, K) or with more axes; n entries in all.
    targets : array_like of real numbers
        Probabilities of the label 1, each in [0, 1]; exactly the shape of `logits`.
    weights : array_like of real numbers, optional
        As for :func:`bce_with_logits`.
    reduction : {"mean", "sum", "none"}
        As for :func:`bce_with_logits`; for ``"none"`` this is the gradient of the sum.

    Returns
    -------
    ndarray
        Nats per unit logit, the shape of `logits`.

    Raises
    ------
    TypeError, ValueError
        As :func:`bce_with_logits` does.

    Examples
    --------
    >>> print(bce_with_logits_grad([0.0, 0.0], [1.0, 0.0]))
    [-0.25  0.25]
    """
    z, y, w, dtype = _labelled(logits, targets, weights, reduction)
    return _weighed(slopes(z, y), w, divisor(z.size, reduction)).astype(dtype, copy=False)


def slopes(z, y):
    """Return the derivative of each entry's loss."""
    rising, falling = _logistic_both_ways(z)
    return (1 - y) * rising - y * falling


def _mean_slopes(z, y):
    return slopes(z, y) / z.size


bce_with_logits_grad.unchecked = _mean_slopes


@quiet
def bce_with_logits_hess(logits, targets, *, weights=None, reduction="mean"):
    r"""Second derivatives of :func:`bce_with_logits` in the logits, the mean's divisor included.

    .. math:: \frac{\partial^2 \ell}{\partial z_i^2} = \frac{w_i}{n}\, \sigma(z_i)\, \sigma(-z_i)

    They are the diagonal of the Hessian; the rest of it is 0, because no entry of the loss depends
    on two logits. None is negative, so the loss is convex.

    Parameters
    ----------
    logits : array_like of real numbers
        Logits, dimensionless, shape (N,) or (N, K) or with more axes; n entries in all.
    targets : array_like of real numbers
        As for :func:`bce_with_logits`; they are checked, but the result does not depend on them.
    weights : array_like of real numbers, optional
        As for :func:`bce_with_logits`.
    reduction : {"mean", "sum", "none"}
        As for :func:`bce_with_logits`; for ``"none"`` this is the Hessian of the sum.

    Returns
    -------
    ndarray
        Nats per squared unit logit, the shape of `logits`.

    Raises
    ------
    TypeError, ValueError
        As :func:`bce_with_logits` does.

    Examples
    --------
    >>> print(bce_with_logits_hess([0.0, 0.0], [1.0, 0.0]))
    [0.125 0.125]
    """
    z, _, w, dtype = _labelled(logits, targets, weights, reduction)
    return _weighed(sigmoid_prime(z), w, divisor(z.size, reduction)).astype(dtype, copy=False)


def _labelled(logits, targets, weights, reduction):
    z, y, dtype = check_pair(logits, targets, ("logits", "targets"), reduction, most=1)
    if weights is None:
        return z, y, None, dtype
    w = as_float(weights, "weights")
    check_same_shape(z, w, ("logits", "weights"))
    check_weights(w)
    return z, y, w.astype(z.dtype, copy=False), dtype


def _logistic_both_ways(z):
    """Return σ(z) and σ(-z), to the last bit as `sigmoid` gives them, from one exponential."""
    e = np.exp(-np.abs(z))
    part = e / (1 + e)
    above, below = 1 - part, e - e * part
    right = z > 0
    return np.where(right, above, below), np.where(right, below, above)


def _weighed(terms, w, count):
    """Return the terms times their weights, over `count`; one of weight 0 is left out."""
    if w is None:
        return terms if count == 1 else terms / count
    return np.where(w == 0, 0, w / count * terms)
