r"""Kullback-Leibler divergence: what a wrong distribution costs beyond the unavoidable.

What :mod:`nnbook.functions.losses` says of reductions, dtypes and bad input holds here.
"""

import numpy as np

from nnbook.functions._targets import class_targets, nats_of, slope_of, spread_of, weighed


def kl_divergence(logits, targets, *, reduction="mean", axis=1):
    r"""Kullback-Leibler divergence of ``softmax(logits)`` from the targets, by default the mean.

    .. math:: \ell = \frac1N \sum_{i=1}^{N} \operatorname{KL}(y_i \Vert p_i)
        = \frac1N \sum_{i=1}^{N} \sum_{k=1}^{K} y_{ik} \log \frac{y_{ik}}{p_{ik}},
        \qquad p_i = \operatorname{softmax}(z_i)

    It is :func:`cross_entropy` less the entropy of the targets, which no prediction can change;
    so both have the same gradient. It is not negative, and 0 only where p = y.

    Parameters
    ----------
    logits : array_like of real numbers, shape (N, K) or (N, K, d1, ...)
        Logits z, dimensionless, classes along `axis`. With further axes every position is an
        example, and N their number.
    targets : array_like of real numbers
        Probabilities y, exactly the shape of `logits`: finite and not negative. A y that does not
        sum to 1 over the classes is taken as it is; the sum may then be negative.
    reduction : {"mean", "sum", "none"}
        Over the examples: the mean divides by N, not by the number of entries.
    axis : int, default 1
        The axis of the classes.

    Returns
    -------
    NumPy scalar, or ndarray for ``reduction="none"``
        In nats; the shape of `logits` without its axis of classes, where it is not reduced.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes differ, an entry of y is negative or not finite, or the batch is empty and a
        mean is asked for.

    See Also
    --------
    cross_entropy : for class indices, whose entropy is 0, the same number.

    Notes
    -----
    A target of 0 costs nothing, whatever the logit. The error is at most
    :math:`8 \varepsilon \sqrt n \sum y\, (|\log y| + |\log p|)` over the n terms: near p = y the
    logarithms cancel, and the result, near 0, may round to the other side of it.

    References
    ----------
    .. [1] Kullback & Leibler, Ann. Math. Statist. 22(1), 1951, :doi:`10.1214/aoms/1177729694`.

    Examples
    --------
    >>> print(f"{kl_divergence([[0.0, 0.0]], [[0.5, 0.5]])}")
    0.0
    >>> print(f"{kl_divergence([[0.0, 0.0]], [[1.0, 0.0]]):.4f}")
    0.6931
    """
    t = _distributions(logits, targets, reduction, axis)
    with np.errstate(all="ignore"):
        return weighed(t, nats_of(t) + np.log(t.c), lambda: spread_of(t))


def kl_divergence_grad(logits, targets, *, reduction="mean", axis=1):
    r"""Gradient of :func:`kl_divergence` in the logits, the 1/N included.

    .. math:: \frac{\partial \ell}{\partial z_{ik}}
              = \frac1N \Bigl( p_{ik} \sum_j y_{ij} - y_{ik} \Bigr),
              \qquad p_i = \operatorname{softmax}(z_i)

    Parameters
    ----------
    logits : array_like of real numbers, shape (N, K) or (N, K, d1, ...)
        Logits, dimensionless, classes along `axis`.
    targets : array_like of real numbers
        Probabilities y, exactly the shape of `logits`.
    reduction : {"mean", "sum", "none"}
        As for :func:`kl_divergence`; for ``"none"`` this is the gradient of the sum.
    axis : int, default 1
        The axis of the classes.

    Returns
    -------
    ndarray, the shape of `logits`
        Nats per unit logit; that of :func:`cross_entropy`.

    Raises
    ------
    TypeError, ValueError
        As :func:`kl_divergence` does.

    Examples
    --------
    >>> print(kl_divergence_grad([[0.0, 0.0]], [[0.25, 0.75]]))
    [[ 0.25 -0.25]]
    """
    t = _distributions(logits, targets, reduction, axis)
    with np.errstate(all="ignore"):
        return slope_of(t).astype(t.dtype, copy=False)


def _distributions(logits, targets, reduction, axis):
    t = class_targets(logits, "logits", targets, None, None, 0.0, reduction, axis)
    if t.labels is not None:
        raise ValueError(
            f"targets must be probabilities of the shape of logits, {t.z.shape}, but are class "
            "indices; their divergence is cross_entropy(logits, targets)"
        )
    return t
