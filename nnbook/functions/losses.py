r"""Losses of classes: what a classifier is asked to make small, and how it slopes.

Losses of probabilities take logits, the numbers before the sigmoid or the softmax: no clipping and
no small constant inside a logarithm is needed, and none is there. Units are nats: natural
logarithms, 1 nat = 1.4427 bits. What is said here holds for every loss of the package; those of
yes or no are in :mod:`nnbook.functions.binary` and :mod:`nnbook.functions.margin`, those of
distributions in :mod:`nnbook.functions.divergence`, those of measured numbers in
:mod:`nnbook.functions.regression` and :mod:`nnbook.functions.robust`.

``reduction="none"`` gives one loss for each example, ``"sum"`` their sum, and ``"mean"``, the
default, that sum over a divisor that each function names. A gradient and a Hessian have the divisor
in them, so that they can be handed to the layer below as they are. With ``reduction="none"`` they
are those of the sum: an example's loss depends on its own predictions alone, so that the gradients
of all examples stand in that one array.

A result has the dtype of the predictions and of targets that are real numbers, their common one
where they differ; options do not change it. float32 and float16 are computed in float64 and
rounded once. NaN in the predictions gives NaN; targets are data, and must be finite. What has
weight 0 is left out, whatever is predicted there.
"""

import numpy as np

from nnbook.functions._targets import (
    class_targets,
    nats_of,
    shares_of,
    slope_of,
    spread_of,
    weighed,
)
from nnbook.functions.binary import bce_with_logits, bce_with_logits_grad, bce_with_logits_hess
from nnbook.functions.divergence import kl_divergence, kl_divergence_grad
from nnbook.functions.margin import hinge, hinge_grad
from nnbook.functions.regression import mse, mse_grad, squared_error, squared_error_grad
from nnbook.functions.robust import huber, huber_grad, mae, mae_grad

__all__ = [
    "bce_with_logits",
    "bce_with_logits_grad",
    "bce_with_logits_hess",
    "cross_entropy",
    "cross_entropy_grad",
    "cross_entropy_hess",
    "hinge",
    "hinge_grad",
    "huber",
    "huber_grad",
    "kl_divergence",
    "kl_divergence_grad",
    "mae",
    "mae_grad",
    "mse",
    "mse_grad",
    "nll",
    "nll_grad",
    "squared_error",
    "squared_error_grad",
]


def cross_entropy(
    logits,
    targets,
    *,
    weights=None,
    ignore_index=None,
    label_smoothing=0.0,
    reduction="mean",
    axis=1,
):
    r"""Cross-entropy of ``softmax(logits)`` against the targets, by default the mean.

    .. math:: \ell = -\frac1D \sum_{i=1}^{N} \sum_{k=1}^{K} w_k y'_{ik}
              \log \operatorname{softmax}(z_i)_k, \qquad
              y' = (1 - \varepsilon)\, y + \frac{\varepsilon}{K}

    With no options w = 1 and y' = y; D is N.

    Parameters
    ----------
    logits : array_like of real numbers, shape (N, K) or (N, K, d1, ...)
        Logits z, dimensionless, classes along `axis`. With further axes, pixels for instance,
        every position is an example: where N stands here, read N d1 ....
    targets : array_like
        Either the class of each example, integers from 0 to K - 1, in the shape of `logits`
        without its axis of classes; or y itself, in the shape of `logits`: finite and not negative.
        A y that does not sum to 1 over the classes is taken as it is, a weighted sum of
        log-probabilities.
    weights : array_like of real numbers, shape (K,), optional
        Weight w of each class, finite and not negative; 1 if not given.
    ignore_index : int, optional
        Examples of this class are left out, of the sum and of D. For class indices only; any
        integer, a class or not.
    label_smoothing : float, default 0.0
        ε in [0, 1): the share of y that is spread evenly over the classes [2]_.
    reduction : {"mean", "sum", "none"}
        For ``"mean"`` D is, of class indices, the sum of the weights :math:`w_{y_i}` of the
        examples' own classes, smoothing or not; of probabilities, the number N of examples. So
        with weights, class indices and their one-hot rows have different means.
    axis : int, default 1
        The axis of the classes.

    Returns
    -------
    NumPy scalar, or ndarray for ``reduction="none"``
        Loss in nats; the shape of `logits` without its axis of classes, where it is not reduced.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or class labels are not integers.
    ValueError
        If shapes do not fit, a label is out of range, an entry of y or a weight is negative or not
        finite, an option is unknown, or there is nothing to take a mean over: an empty batch, all
        examples ignored, or all of weight 0. A sum over nothing is 0.

    See Also
    --------
    cross_entropy_grad : the gradient in the logits.
    nll : the same of log-probabilities.

    Notes
    -----
    Exact for any finite logits: at a gap of 1000 a wrong class costs 1000 nats, and at ±1e308 the
    loss is infinite only if its true value exceeds float64. A logit of -inf with a target of 0 is
    a class ruled out, and costs nothing; label smoothing gives it a target, and an infinite loss.
    The loss of an example is within 1.4 ε of its true value, measured; ε is 2⁻⁵².

    References
    ----------
    .. [1] Good, J. R. Statist. Soc. B 14(1), 1952, :doi:`10.1111/j.2517-6161.1952.tb00104.x`.
    .. [2] Szegedy, Vanhoucke, Ioffe, Shlens & Wojna, CVPR 2016, section 7,
       :doi:`10.1109/CVPR.2016.308`.

    Examples
    --------
    Knowing nothing about four classes costs log 4 nats:

    >>> print(f"{cross_entropy([[0.0, 0.0, 0.0, 0.0]], [2]):.4f}")
    1.3863
    >>> cross_entropy([[0.0, 1000.0], [0.0, 0.0]], [0, -1], ignore_index=-1, reduction="none")
    array([1000.,    0.])
    """
    t = class_targets(
        logits, "logits", targets, weights, ignore_index, label_smoothing, reduction, axis
    )
    with np.errstate(all="ignore"):
        return weighed(t, nats_of(t), lambda: spread_of(t))


def cross_entropy_grad(
    logits,
    targets,
    *,
    weights=None,
    ignore_index=None,
    label_smoothing=0.0,
    reduction="mean",
    axis=1,
):
    r"""Gradient of :func:`cross_entropy` in the logits, the divisor D included.

    .. math:: \frac{\partial \ell}{\partial z_{ik}}
              = \frac1D \Bigl( p_{ik} \sum_j c_{ij} - c_{ik} \Bigr),
              \qquad p_i = \operatorname{softmax}(z_i), \quad c_{ik} = w_k y'_{ik}

    Without options, and where each row of y sums to 1, as class labels do, this is
    :math:`(P - Y)/N`.

    Parameters
    ----------
    logits : array_like of real numbers, shape (N, K) or (N, K, d1, ...)
        Logits, dimensionless, as for :func:`cross_entropy`.
    targets : array_like
        Classes, or probabilities in the shape of `logits`, as for :func:`cross_entropy`.
    weights, ignore_index, label_smoothing, axis
        As for :func:`cross_entropy`.
    reduction : {"mean", "sum", "none"}
        As for :func:`cross_entropy`; for ``"none"`` this is the gradient of the sum.

    Returns
    -------
    ndarray, the shape of `logits`
        Nats per unit logit. It sums to 0 over the classes: shifting all logits of an example
        changes nothing. An example left out has 0.

    Raises
    ------
    TypeError, ValueError
        As :func:`cross_entropy` does.

    See Also
    --------
    cross_entropy_hess : the second derivatives.

    Notes
    -----
    Written as :math:`p_k \sum_{j \ne k} c_j - c_k \sum_{j \ne k} p_j`, which keeps its digits for
    an example that is classified well: p - y would round to 0 there. The sum of the c of an example
    must have a float64 itself.

    Examples
    --------
    >>> print(cross_entropy_grad([[0.0, 0.0]], [1]))
    [[ 0.5 -0.5]]
    >>> print(f"{cross_entropy_grad([[50.0, 0.0]], [0])[0, 0]:.4e}")
    -1.9287e-22
    """
    t = class_targets(
        logits, "logits", targets, weights, ignore_index, label_smoothing, reduction, axis
    )
    with np.errstate(all="ignore"):
        return slope_of(t).astype(t.dtype, copy=False)


def cross_entropy_hess(
    logits,
    targets,
    *,
    weights=None,
    ignore_index=None,
    label_smoothing=0.0,
    reduction="mean",
    axis=1,
):
    r"""Hessian of :func:`cross_entropy` in the logits of each example, the divisor D included.

    .. math:: \frac{\partial^2 \ell}{\partial z_{ij}\, \partial z_{ik}}
              = \frac1D \Bigl( \sum_m c_{im} \Bigr)
              \bigl( p_{ij} \delta_{jk} - p_{ij} p_{ik} \bigr),
              \qquad p_i = \operatorname{softmax}(z_i), \quad c_{im} = w_m y'_{im}

    It is positive semi-definite, so the loss is convex in the logits; each row sums to 0. Second
    derivatives that mix two examples are 0, and are not returned.

    Parameters
    ----------
    logits : array_like of real numbers, shape (N, K) or (N, K, d1, ...)
        Logits, dimensionless, as for :func:`cross_entropy`.
    targets : array_like
        Classes, or probabilities in the shape of `logits`, as for :func:`cross_entropy`.
    weights, ignore_index, label_smoothing, axis
        As for :func:`cross_entropy`.
    reduction : {"mean", "sum", "none"}
        As for :func:`cross_entropy`; for ``"none"`` this is the Hessian of the sum.

    Returns
    -------
    ndarray, shape (N, K, K) or (N, K, K, d1, ...)
        Nats per squared unit logit: the shape of `logits` with its axis of classes twice, at
        `axis` and directly after it.

    Raises
    ------
    TypeError, ValueError
        As :func:`cross_entropy` does.

    Notes
    -----
    On the diagonal :math:`1 - p_j` is the sum of the other probabilities, which does not cancel.

    References
    ----------
    .. [1] Böhning, Ann. Inst. Statist. Math. 44(1), 1992, :doi:`10.1007/BF00048682`.

    Examples
    --------
    >>> print(cross_entropy_hess([[0.0, 0.0]], [1]))
    [[[ 0.25 -0.25]
      [-0.25  0.25]]]
    """
    t = class_targets(
        logits, "logits", targets, weights, ignore_index, label_smoothing, reduction, axis
    )
    with np.errstate(all="ignore"):
        p, others = shares_of(t)
        if t.labels is None:
            total = np.sum(t.c, axis=t.axis, keepdims=True)
        else:
            total = np.ones_like(t.labels, p.dtype) if t.c is None else t.c
        rows, columns = np.expand_dims(p, t.axis + 1), np.expand_dims(p, t.axis)
        k = p.shape[t.axis]
        same = np.eye(k, dtype=bool).reshape(k, k, *[1] * (p.ndim - t.axis - 1))
        spread = np.where(same, np.expand_dims(p * others, t.axis), -rows * columns)
        total = np.expand_dims(total, t.axis)
        hess = np.where(total == 0, 0, total / t.divisor * spread)
        return hess.astype(t.dtype, copy=False)


def nll(
    log_probabilities,
    targets,
    *,
    weights=None,
    ignore_index=None,
    label_smoothing=0.0,
    reduction="mean",
    axis=1,
):
    r"""Negative log-likelihood of the targets, by default the mean.

    .. math:: \ell = -\frac1D \sum_{i=1}^{N} \sum_{k=1}^{K} w_k y'_{ik} \log p_{ik}, \qquad
              y' = (1 - \varepsilon)\, y + \frac{\varepsilon}{K}

    ``nll(log_softmax(z, 1), targets)`` is ``cross_entropy(z, targets)``, whatever the options.

    Parameters
    ----------
    log_probabilities : array_like of real numbers, shape (N, K) or (N, K, d1, ...)
        Logarithms of the probabilities, in nats, as :func:`log_softmax` gives them; that they are
        normalised is not checked. -inf is a probability of 0.
    targets : array_like
        Classes, or probabilities in the shape of `log_probabilities`, as for
        :func:`cross_entropy`.
    weights, ignore_index, label_smoothing, reduction, axis
        As for :func:`cross_entropy`, the divisor D too.

    Returns
    -------
    NumPy scalar, or ndarray for ``reduction="none"``
        Loss in nats. Classes whose target is 0 are not looked at.

    Raises
    ------
    TypeError, ValueError
        As :func:`cross_entropy` does.

    Examples
    --------
    >>> print(f"{nll([[-0.25, -1.5]], [1])} {nll([[-0.25, -1.5]], [[0.5, 0.5]])}")
    1.5 0.875
    """
    t = class_targets(
        log_probabilities, "log_probabilities", targets, weights, ignore_index, label_smoothing,
        reduction, axis,
    )  # fmt: skip
    with np.errstate(all="ignore"):
        return weighed(t, 0 - t.z)


def nll_grad(
    log_probabilities,
    targets,
    *,
    weights=None,
    ignore_index=None,
    label_smoothing=0.0,
    reduction="mean",
    axis=1,
):
    r"""Gradient of :func:`nll` in the log-probabilities, the divisor D included.

    .. math:: \frac{\partial \ell}{\partial \log p_{ik}} = -\frac{w_k y'_{ik}}{D}

    Parameters
    ----------
    log_probabilities : array_like of real numbers, shape (N, K) or (N, K, d1, ...)
        As for :func:`nll`; the gradient does not depend on their values.
    targets : array_like
        Classes, or probabilities, as for :func:`nll`.
    weights, ignore_index, label_smoothing, axis
        As for :func:`cross_entropy`.
    reduction : {"mean", "sum", "none"}
        As for :func:`cross_entropy`; for ``"none"`` this is the gradient of the sum.

    Returns
    -------
    ndarray, the shape of `log_probabilities`
        Dimensionless.

    Raises
    ------
    TypeError, ValueError
        As :func:`cross_entropy` does.

    Examples
    --------
    >>> print(nll_grad([[-0.25, -1.5], [-1.0, -1.0]], [1, 0]))
    [[ 0.  -0.5]
     [-0.5  0. ]]
    """
    t = class_targets(
        log_probabilities, "log_probabilities", targets, weights, ignore_index, label_smoothing,
        reduction, axis,
    )  # fmt: skip
    with np.errstate(all="ignore"):
        c = t.c
        if t.labels is not None:
            c = np.zeros(t.z.shape, t.z.dtype)
            np.put_along_axis(c, t.labels, 1 if t.c is None else t.c, t.axis)
        return (0 - c / t.divisor).astype(t.dtype, copy=False)
