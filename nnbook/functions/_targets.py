"""Class targets, as all losses of classes take them: checked, and turned into coefficients.

Every such loss is Σ c_k ℓ_k over the classes k of an example, with c_k = w_k y'_k: w the weights
of the classes, y' the smoothed targets. `class_targets` finds the c; `weighed` sums.
"""

import operator
from typing import NamedTuple

import numpy as np

from nnbook.functions._reduction import check_reduction, check_weights
from nnbook.functions._validate import (
    as_float,
    check_axis,
    check_number,
    check_probabilities,
    common_dtype,
    first_place,
    working_dtype,
)
from nnbook.functions.probabilities import shifted_exp


class ClassTargets(NamedTuple):
    """What `class_targets` found.

    Where `labels` is given, an example has one coefficient, that of its class; its axis of classes
    has length 1. Otherwise `c` has the shape of `z`. Sums are divided by `divisor`.
    """

    z: np.ndarray
    axis: int
    labels: np.ndarray | None
    c: np.ndarray | None
    divisor: int | float
    reduction: str
    dtype: np.dtype


@np.errstate(all="ignore")
def class_targets(
    scores, name, targets, weights, ignore_index, label_smoothing, reduction, axis
):
    """Return a `ClassTargets` of the arguments of a loss of classes, or raise what is wrong."""
    reduction = check_reduction(reduction)
    z, axis = _check_scores(as_float(scores, name), name, axis, reduction)
    smoothing = check_number(label_smoothing, "label_smoothing", 0.0, 1.0)
    w = None if weights is None else _check_weights(weights, name, z.shape[axis])
    ignore_index = _check_ignore_index(ignore_index)
    dtype, work = z.dtype, working_dtype(z.dtype)
    if _ndim(targets) == z.ndim - 1:
        labels = _check_labels(targets, z, name, axis, ignore_index)
        labels = labels.reshape(*z.shape[:axis], 1, *z.shape[axis + 1 :])
        kept = None if ignore_index is None else labels != ignore_index
        labels = (labels if kept is None else np.where(kept, labels, 0)).astype(np.intp)
        c, w, count = _of_labels(labels, kept, w, work, reduction)
        if reduction == "mean" and not count:
            left = "all of weight 0"
            if kept is not None and not kept.any():
                left = f"all ignore_index={ignore_index}"
            raise ValueError(f"targets are {left}; a mean over no examples is undefined")
        if smoothing:
            labels, c = None, _smoothed(labels, kept, w, smoothing, z.shape, axis, work)
    else:
        y = _check_distributions(targets, z, name, axis, ignore_index)
        dtype = common_dtype(z, y)
        work = working_dtype(dtype)
        labels, count, c = None, z.size // z.shape[axis], y.astype(work, copy=False)
        if smoothing:
            c = (1 - smoothing) * c + smoothing / z.shape[axis]
        if w is not None:
            c = c * _along(w, axis, z.ndim)
    if reduction != "mean":
        count = 1
    z = z.astype(work, copy=False)
    return ClassTargets(z, axis, labels, c, count, reduction, dtype)


def weighed(t, nats, spread=None):
    """Return Σ c `nats` over the classes, reduced; a class with c = 0 counts nothing, not NaN.

    Where that overflows, ``spread()``, a quarter of the nats without overflow, is summed instead.
    """
    c = t.c
    if t.labels is not None:
        nats = np.take_along_axis(nats, t.labels, t.axis)
    terms = nats if c is None else np.where(c == 0, 0, c * nats)
    over = t.axis if t.reduction == "none" else None
    loss = np.sum(terms, over)
    loss = loss if t.reduction == "none" else loss / t.divisor
    if np.isinf(loss).any():
        quarter = nats / 4
        if spread is not None:
            quarter = spread()
            if t.labels is not None:
                quarter = np.take_along_axis(quarter, t.labels, t.axis)
        terms = quarter / t.divisor if c is None else np.where(c == 0, 0, c / t.divisor * quarter)
        loss = np.where(np.isinf(loss), 4 * np.sum(terms, over), loss)
    return loss.astype(t.dtype, copy=False) if t.reduction == "none" else t.dtype.type(loss)


def _ndim(targets):
    try:
        return np.ndim(targets)
    except ValueError:  # rows of different lengths: as_float says so
        return None


def _along(vector, axis, ndim):
    """Return a vector as an array of `ndim` axes that lies along `axis`."""
    return vector.reshape([-1 if i == axis else 1 for i in range(ndim)])


def _check_scores(z, name, axis, reduction):
    if z.ndim < 2:
        message = (
            f"{name} must have an axis of examples and one of classes, shape (N, K) or "
            f"(N, K, d1, ...), but its shape is {z.shape}"
        )
        if z.ndim == 1:
            message += f"; a single example is one row: {name}[np.newaxis, :]"
        raise ValueError(message)
    axis = check_axis(z, axis, name)
    if z.shape[axis] == 0:
        raise ValueError(f"{name} is empty, shape {z.shape}; there is no class to choose")
    if z.size == 0 and reduction == "mean":
        raise ValueError(
            f"{name} is empty, shape {z.shape}; a mean over no examples is undefined"
        )
    return z, axis


def _check_weights(weights, name, k):
    w = as_float(weights, "weights")
    if w.shape != (k,):
        raise ValueError(
            f"weights must hold one number for each of the {k} classes of {name}, shape ({k},), "
            f"but its shape is {w.shape}"
        )
    check_weights(w)
    return w.astype(working_dtype(w.dtype), copy=False)


def _check_ignore_index(ignore_index):
    if ignore_index is None:
        return None
    try:
        if isinstance(ignore_index, (bool, np.bool_)):
            raise TypeError
        return operator.index(ignore_index)
    except TypeError:
        raise TypeError(f"ignore_index must be an integer or None, got {ignore_index!r}") from None


def _check_labels(targets, z, name, axis, ignore_index):
    if isinstance(targets, np.ma.MaskedArray):
        raise TypeError(
            "targets is a masked array, whose mask would be lost; "
            "pass targets.filled(-1) and ignore_index=-1"
        )
    labels = np.asarray(targets)
    shape, k = z.shape[:axis] + z.shape[axis + 1 :], z.shape[axis]
    if labels.dtype.kind not in "iu" and (labels.size or labels.dtype.kind != "f"):
        raise TypeError(
            f"targets of shape {labels.shape} are class indices and must be integers, but their "
            f"dtype is {labels.dtype}; use targets.astype(int), or give probabilities of shape "
            f"{z.shape}"
        )
    if labels.shape != shape:
        if z.ndim == 2:
            raise ValueError(
                f"targets must hold one class for each of the {shape[0]} rows of {name}, "
                f"got {labels.size}"
            )
        message = (
            f"targets must have the shape of {name} without its axis {axis} of classes, {shape}, "
            f"but their shape is {labels.shape}"
        )
        if labels.shape == z.shape[:-1]:
            message += f"; if the classes of {name} are its last axis, say axis=-1"
        raise ValueError(message)
    wrong = (labels < 0) | (labels >= k)
    if ignore_index is not None:
        wrong &= labels != ignore_index
    if wrong.any():
        at = first_place(wrong)
        message = (
            f"targets{list(at)} is {labels[at]}, but {name} of shape {z.shape} have classes 0 to "
            f"{k - 1}"
        )
        if labels[at] == k:
            message += "; if your classes count from 1, subtract 1"
        elif labels[at] < k and ignore_index is None:
            message += f"; if it marks what is to be left out, pass ignore_index={labels[at]}"
        raise ValueError(message)
    return labels


def _check_distributions(targets, z, name, axis, ignore_index):
    y = as_float(targets, "targets")
    n, shape = len(z), z.shape[:axis] + z.shape[axis + 1 :]
    if y.shape != z.shape:
        message = (
            f"targets must be class indices of shape {shape} or probabilities of the "
            f"shape of {name}, {z.shape}, but their shape is {y.shape}"
        )
        if z.ndim == 2 and y.shape == (n, 1):
            message += "; for class indices pass targets.ravel()"
        elif z.ndim == 2 and y.shape == z.shape[::-1]:
            message += "; rows are examples, so pass targets.T"
        raise ValueError(message)
    if ignore_index is not None:
        raise ValueError(
            f"ignore_index={ignore_index} is for class indices, but targets of shape {y.shape} are "
            "probabilities; make all of an example's 0 to leave it out"
        )
    check_probabilities(y, "targets", np.finfo(y.dtype).max)
    return y


def _of_labels(labels, kept, w, work, reduction):
    """Return the coefficient of each label (None if all are 1), the weights, and their sum."""
    if w is None:
        if kept is None:
            return None, None, labels.size
        return kept.astype(work), None, int(np.count_nonzero(kept))
    c = w[labels] if kept is None else np.where(kept, w[labels], 0)
    if reduction == "mean":
        # Their sum could overflow; a weighted mean does not see a common power of 2.
        power = -int(np.frexp(np.max(c, initial=0))[1])
        w, c = np.ldexp(w, power), np.ldexp(c, power)
    return c, w, float(np.sum(c))


def _smoothed(labels, kept, w, smoothing, shape, axis, work):
    """Return the coefficients of all classes: label smoothing gives each an equal share."""
    k = shape[axis]
    w = np.ones(k, work) if w is None else w
    c = np.broadcast_to(_along(smoothing / k * w, axis, len(shape)), shape).copy()
    own = np.take_along_axis(c, labels, axis) + (1 - smoothing) * w[labels]
    np.put_along_axis(c, labels, own, axis)
    return c if kept is None else c * kept


def nats_of(t):
    """Return -log softmax(z), exact at both ends: no class's term cancels."""
    shift, error, _, rest = shifted_exp(t.z, t.axis)
    return (np.log1p(rest) - shift) - error


def spread_of(t):
    """Return a quarter of -log softmax(z) where a gap in z overflows: log1p(rest) is nothing.

    Where a logit is infinite, so is -log softmax(z), or it is 0.
    """
    top = np.max(t.z, axis=t.axis, keepdims=True, initial=-np.inf)
    finite = np.isfinite(top) & np.isfinite(t.z)
    return np.where(finite, top / 4 - t.z / 4, nats_of(t))


def shares_of(t):
    """Return softmax(z), and the sum of the other classes' shares: 1 - p would cancel."""
    shift, _, e, rest = shifted_exp(t.z, t.axis)
    others = np.where(shift == 0, rest, 1 + (rest - e)) / (1 + rest)
    return e / (1 + rest), others


def slope_of(t):
    """Return the gradient of Σ c_k (-log softmax(z)_k) in z, divided by the divisor."""
    p, others = shares_of(t)
    if t.labels is not None:
        np.put_along_axis(p, t.labels, -np.take_along_axis(others, t.labels, t.axis), t.axis)
        if t.c is None:
            return p / t.divisor
        return np.where(t.c == 0, 0, t.c / t.divisor * p)
    slope = (p * _sum_of_others(t.c, t.axis) - t.c * others) / t.divisor
    return np.where(np.any(t.c != 0, axis=t.axis, keepdims=True), slope, 0)


def _sum_of_others(c, axis):
    """Return, for each coefficient, the sum of the others: that of the largest would cancel."""
    top = np.max(c, axis=axis, keepdims=True)
    is_top = c == top
    tied = (np.count_nonzero(is_top, axis=axis, keepdims=True) - 1) * top
    rest = np.sum(np.where(is_top, 0, c), axis=axis, keepdims=True) + tied
    return np.where(is_top, rest, top + (rest - c))
