r"""Losses: what the network is asked to make small, and how each one slopes."""

import numpy as np

from nnbook.functions._validate import (
    as_float,
    check_matrix,
    check_same_shape,
    common_dtype,
    working_dtype,
)
from nnbook.functions.activations import sigmoid, softplus
from nnbook.functions.probabilities import _shifted


def _mean(terms, count):
    total = np.sum(terms)
    if np.isinf(total):
        return np.sum(terms / count)
    return total / count


def _check_batch(x, name):
    if x.size == 0:
        raise ValueError(f"{name} is empty, shape {x.shape}: a mean over no examples is undefined")


def _classification(logits, targets):
    logits = as_float(logits, "logits")
    check_matrix(logits, "logits", ("N", "K"))
    _check_batch(logits, "logits")
    n, k = logits.shape
    raw = np.asarray(targets)
    if raw.ndim == 1:
        if raw.dtype.kind not in "iu":
            raise TypeError(
                f"targets of shape {raw.shape} are class indices and must be integers, "
                f"but their dtype is {raw.dtype}; use targets.astype(int), "
                f"or give probabilities of shape {logits.shape}"
            )
        if len(raw) != n:
            raise ValueError(
                f"targets must hold one class for each of the {n} rows of logits, got {len(raw)}"
            )
        wrong = np.flatnonzero((raw < 0) | (raw >= k))
        if wrong.size:
            i = wrong[0]
            message = f"targets[{i}] is {raw[i]}, but logits of shape {logits.shape} have classes 0 to {k - 1}"
            if raw[i] == k:
                message += "; if your classes count from 1, subtract 1"
            raise ValueError(message)
        return logits, raw.astype(np.intp), None
    y = as_float(targets, "targets")
    if y.shape != logits.shape:
        message = (
            f"targets must be class indices of shape ({n},) or probabilities of the logits' shape "
            f"{logits.shape}, but their shape is {y.shape}"
        )
        if y.shape == (n, 1):
            message += "; for class indices pass targets.ravel()"
        elif y.shape == logits.shape[::-1]:
            message += "; rows are examples, so pass targets.T"
        raise ValueError(message)
    bad = np.argwhere(~((y >= 0) & (y < np.inf)))
    if len(bad):
        i, j = bad[0]
        raise ValueError(f"targets[{i}, {j}] is {y[i, j]}, but a probability is finite and not negative")
    return logits, None, y


def cross_entropy(logits, targets):
    logits, labels, y = _classification(logits, targets)
    dtype = logits.dtype if y is None else common_dtype(logits, y)
    z = logits.astype(working_dtype(dtype), copy=False)
    with np.errstate(all="ignore"):
        _, d, _, rest = _shifted(z, 1)
        nll = np.log1p(rest) - d
        if y is None:
            terms = np.take_along_axis(nll, labels[:, np.newaxis], 1)
        else:
            terms = np.where(y == 0, 0, y * nll)
        return dtype.type(_mean(terms, len(z)))


def cross_entropy_grad(logits, targets):
    logits, labels, y = _classification(logits, targets)
    dtype = logits.dtype if y is None else common_dtype(logits, y)
    z = logits.astype(working_dtype(dtype), copy=False)
    with np.errstate(all="ignore"):
        _, _, e, rest = _shifted(z, 1)
        p = e / (1 + rest)
        q = np.where(e == 1, rest, 1 + (rest - e)) / (1 + rest)
        if y is None:
            rows = np.arange(len(z))
            p[rows, labels] = -q[rows, labels]
            grad = p
        else:
            y = y.astype(z.dtype, copy=False)
            grad = p * (np.sum(y, axis=1, keepdims=True) - y) - y * q
        return (grad / len(z)).astype(dtype, copy=False)


def _binary(logits, targets):
    logits, y = as_float(logits, "logits"), as_float(targets, "targets")
    check_same_shape(logits, y, ("logits", "targets"))
    _check_batch(logits, "logits")
    bad = np.argwhere(~((y >= 0) & (y <= 1)))
    if len(bad):
        at = tuple(int(i) for i in bad[0])
        value = y[at]
        message = f"targets[{', '.join(map(str, at))}] is {value}, but a probability lies in [0, 1]"
        if value == -1:
            message += "; turn labels -1 and +1 into 0 and 1 by (targets + 1) / 2"
        raise ValueError(message)
    dtype = common_dtype(logits, y)
    work = working_dtype(dtype)
    return dtype, logits.astype(work, copy=False), y.astype(work, copy=False)


def bce_with_logits(logits, targets):
    dtype, z, y = _binary(logits, targets)
    with np.errstate(all="ignore"):
        positive = np.where(y == 0, 0, y * softplus(-z))
        negative = np.where(y == 1, 0, (1 - y) * softplus(z))
        return dtype.type(_mean(positive + negative, z.size))


def bce_with_logits_grad(logits, targets):
    dtype, z, y = _binary(logits, targets)
    with np.errstate(all="ignore"):
        return (((1 - y) * sigmoid(z) - y * sigmoid(-z)) / z.size).astype(dtype, copy=False)


def _regression(prediction, target):
    p, t = as_float(prediction, "prediction"), as_float(target, "target")
    check_same_shape(p, t, ("prediction", "target"))
    _check_batch(p, "prediction")
    if p.ndim == 0:
        raise ValueError("prediction must have at least the axis of examples (N, ...), got shape ()")
    dtype = common_dtype(p, t)
    work = working_dtype(dtype)
    return dtype, p.astype(work, copy=False), t.astype(work, copy=False)


def mse(prediction, target):
    dtype, p, t = _regression(prediction, target)
    with np.errstate(all="ignore"):
        return dtype.type(_mean((p - t) ** 2, p.size))


def mse_grad(prediction, target):
    dtype, p, t = _regression(prediction, target)
    with np.errstate(all="ignore"):
        return (2 * (p - t) / p.size).astype(dtype, copy=False)


def squared_error(prediction, target):
    dtype, p, t = _regression(prediction, target)
    with np.errstate(all="ignore"):
        return dtype.type(_mean((p - t) ** 2 / 2, len(p)))


def squared_error_grad(prediction, target):
    dtype, p, t = _regression(prediction, target)
    with np.errstate(all="ignore"):
        return ((p - t) / len(p)).astype(dtype, copy=False)
