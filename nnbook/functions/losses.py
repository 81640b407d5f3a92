r"""Losses: what the network is asked to make small, and how each one slopes.

Every loss is a mean, and every gradient has that mean's divisor in it, so that it can be handed
to the layer below as it is. Losses of probabilities take logits, the numbers before the sigmoid
or the softmax: no clipping and no small constant inside a logarithm is needed, and none is there.
The squared errors are written in :mod:`nnbook.functions.regression`.
Units are nats: natural logarithms, 1 nat = 1.4427 bits.

A result has the dtype of the arguments, their common one where they differ; float32 and float16
are computed in float64 and rounded once. NaN in the predictions gives NaN; targets are data, and
must be finite.
"""

import numpy as np

from nnbook.functions._validate import (
    as_float,
    check_batch,
    check_labels,
    check_matrix,
    check_pair,
    check_probabilities,
    common_dtype,
    working_dtype,
)
from nnbook.functions.activations import sigmoid, softplus
from nnbook.functions.probabilities import shifted_exp
from nnbook.functions.regression import mse, mse_grad, squared_error, squared_error_grad

__all__ = [
    "bce_with_logits",
    "bce_with_logits_grad",
    "cross_entropy",
    "cross_entropy_grad",
    "mse",
    "mse_grad",
    "squared_error",
    "squared_error_grad",
]


def cross_entropy(logits, targets):
    r"""Mean cross-entropy of ``softmax(logits)`` against the targets.

    .. math:: \ell = -\frac1N \sum_{i=1}^{N} \sum_{k=1}^{K} y_{ik}
              \log \operatorname{softmax}(z_i)_k

    Parameters
    ----------
    logits : array_like of real numbers, shape (N, K)
        Logits z, one example per row; dimensionless.
    targets : array_like
        Either the class of each example, integers from 0 to K - 1 of shape (N,), or y itself, of
        shape (N, K): finite and not negative. A row of y that does not sum to 1 is taken as it
        is, a weighted sum of log-probabilities.

    Returns
    -------
    NumPy scalar
        Mean loss per example, in nats.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or class labels are not integers.
    ValueError
        If shapes do not fit, the batch is empty, a label is out of range, or an entry of y is
        negative or not finite.

    See Also
    --------
    cross_entropy_grad : the gradient in the logits.

    Notes
    -----
    Exact for any finite logits: at a gap of 1000 a wrong class costs 1000 nats, and at ±1e308 the
    loss is infinite only if its true value exceeds float64. A logit of -inf with a target of 0 is
    a class ruled out, and costs nothing.

    References
    ----------
    .. [1] Good, J. R. Statist. Soc. B 14(1), 1952, :doi:`10.1111/j.2517-6161.1952.tb00104.x`.

    Examples
    --------
    Knowing nothing about four classes costs log 4 nats:

    >>> print(f"{cross_entropy([[0.0, 0.0, 0.0, 0.0]], [2]):.4f}")
    1.3863
    """
    logits, labels, y, dtype = _classification(logits, targets)
    with np.errstate(all="ignore"):
        shift, error, _, rest = shifted_exp(logits, 1)
        nats = (np.log1p(rest) - shift) - error
        if y is None:
            terms = np.take_along_axis(nats, labels, 1)
        else:
            terms = np.where(y == 0, 0, y * nats)
        loss = np.sum(terms) / len(logits)
        if np.isinf(loss) and np.isfinite(logits).all():
            # Beside a gap that overflows, log1p(rest) is below rounding.
            gap = np.max(logits, axis=1, keepdims=True) / 4 - logits / 4
            terms = np.take_along_axis(gap, labels, 1) if y is None else y * gap
            loss = 4 * np.sum(terms / len(logits))
        return dtype.type(loss)


def cross_entropy_grad(logits, targets):
    r"""Gradient of :func:`cross_entropy` in the logits, the 1/N included.

    .. math:: \frac{\partial \ell}{\partial z_{ik}}
              = \frac1N \Bigl( p_{ik} \sum_j y_{ij} - y_{ik} \Bigr),
              \qquad p_i = \operatorname{softmax}(z_i)

    Where each row of y sums to 1, as class labels do, this is :math:`(P - Y)/N`.

    Parameters
    ----------
    logits : array_like of real numbers, shape (N, K)
        Logits, one example per row; dimensionless.
    targets : array_like
        Classes, shape (N,), or probabilities, shape (N, K), as for :func:`cross_entropy`.

    Returns
    -------
    ndarray, shape (N, K)
        Nats per unit logit. Every row sums to 0: shifting all logits of an example changes
        nothing.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or class labels are not integers.
    ValueError
        If shapes do not fit, the batch is empty, a label is out of range, or an entry of y is
        negative or not finite.

    Notes
    -----
    Written as :math:`p_k \sum_{j \ne k} y_j - y_k \sum_{j \ne k} p_j`, which keeps its digits for
    an example that is classified well: p - y would round to 0 there.

    Examples
    --------
    >>> print(cross_entropy_grad([[0.0, 0.0]], [1]))
    [[ 0.5 -0.5]]
    >>> print(f"{cross_entropy_grad([[50.0, 0.0]], [0])[0, 0]:.4e}")
    -1.9287e-22
    """
    logits, labels, y, dtype = _classification(logits, targets)
    with np.errstate(all="ignore"):
        shift, _, e, rest = shifted_exp(logits, 1)
        p = e / (1 + rest)
        # The sum of the other probabilities; for the largest one 1 - p would cancel.
        others = np.where(shift == 0, rest, 1 + (rest - e)) / (1 + rest)
        if y is None:
            np.put_along_axis(p, labels, -np.take_along_axis(others, labels, 1), 1)
            grad = p
        else:
            grad = p * (np.sum(y, axis=1, keepdims=True) - y) - y * others
        return (grad / len(logits)).astype(dtype, copy=False)


def bce_with_logits(logits, targets):
    r"""Mean binary cross-entropy of ``sigmoid(logits)`` against the targets.

    .. math:: \ell = \frac1n \sum_{i=1}^{n} \bigl( \operatorname{softplus}(z_i) - y_i z_i \bigr)
              = -\frac1n \sum_{i=1}^{n} \bigl( y_i \log \sigma(z_i)
              + (1 - y_i) \log \sigma(-z_i) \bigr)

    Parameters
    ----------
    logits : array_like of real numbers
        Logits z, dimensionless, shape (N,) or (N, K); the mean is over all their n entries. So
        with K independent labels an example, it is the example's loss divided by K.
    targets : array_like of real numbers
        Probabilities y of the label 1, each in [0, 1]; exactly the shape of `logits`.

    Returns
    -------
    NumPy scalar
        Mean loss per label, in nats.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes differ, the batch is empty, or a target is not in [0, 1].

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
    z, y, dtype = check_pair(logits, targets, ("logits", "targets"))
    check_probabilities(y, "targets", 1)
    with np.errstate(all="ignore"):
        # A certain label leaves one term: 0 times an infinite loss is 0 here, not NaN.
        missed = np.where((y == 0) & ~np.isnan(z), 0, y * softplus(-z))
        false = np.where((y == 1) & ~np.isnan(z), 0, (1 - y) * softplus(z))
        return dtype.type(_mean(missed + false, z.size))


def bce_with_logits_grad(logits, targets):
    r"""Gradient of :func:`bce_with_logits` in the logits, the mean's divisor included.

    .. math:: \frac{\partial \ell}{\partial z_i} = \frac{\sigma(z_i) - y_i}{n}
              = \frac{(1 - y_i)\,\sigma(z_i) - y_i\,\sigma(-z_i)}{n}

    Parameters
    ----------
    logits : array_like of real numbers
        Logits, dimensionless, shape (N,) or (N, K), n entries in all.
    targets : array_like of real numbers
        Probabilities of the label 1, each in [0, 1]; exactly the shape of `logits`.

    Returns
    -------
    ndarray
        Nats per unit logit, the shape of `logits`.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes differ, the batch is empty, or a target is not in [0, 1].

    Examples
    --------
    >>> print(bce_with_logits_grad([0.0, 0.0], [1.0, 0.0]))
    [-0.25  0.25]
    """
    z, y, dtype = check_pair(logits, targets, ("logits", "targets"))
    check_probabilities(y, "targets", 1)
    with np.errstate(all="ignore"):
        return (((1 - y) * sigmoid(z) - y * sigmoid(-z)) / z.size).astype(dtype, copy=False)


def _classification(logits, targets):
    """Return logits and either labels (N, 1) or y (N, K), checked and in the working dtype."""
    logits = as_float(logits, "logits")
    check_matrix(logits, "logits", ("N", "K"))
    check_batch(logits, "logits")
    dtype = logits.dtype
    if np.ndim(targets) == 1:
        y, labels = None, check_labels(np.asarray(targets), logits.shape)[:, np.newaxis]
    else:
        y, labels = as_float(targets, "targets"), None
        if y.shape != logits.shape:
            message = (
                f"targets must be class indices of shape ({len(logits)},) or probabilities of the "
                f"shape of logits, {logits.shape}, but their shape is {y.shape}"
            )
            if y.shape == (len(logits), 1):
                message += "; for class indices pass targets.ravel()"
            elif y.shape == logits.shape[::-1]:
                message += "; rows are examples, so pass targets.T"
            raise ValueError(message)
        check_probabilities(y, "targets", np.finfo(y.dtype).max)
        dtype = common_dtype(logits, y)
        y = y.astype(working_dtype(dtype), copy=False)
    return logits.astype(working_dtype(dtype), copy=False), labels, y, dtype


def _mean(terms, count):
    total = np.sum(terms)
    return np.sum(terms / count) if np.isinf(total) else total / count
