r"""From logits to probabilities: softmax, its logarithm, and the sum it divides by."""

import numpy as np

from nnbook.functions._validate import as_float, check_axis, check_same_shape, working_dtype


def _shifted(z, axis):
    """Return (m, e, rest): maximum, exp(z - m), and the sum of e without one maximum.

    The rounding error of z - m is put back, so that exp(z - m) is as good as exp; the maximum's
    own 1 is left out of `rest`, so that log(1 + rest) keeps its digits when rest is small.
    """
    m = np.max(z, axis=axis, keepdims=True, initial=-np.inf)
    d = z - m
    back = d + m
    error = (z - back) + ((back - d) - m)
    error = np.where(np.isfinite(error), error, 0)
    d = np.where(z == m, 0, d)
    e = np.exp(d)
    e = e + e * error
    if z.shape[axis] == 0:
        return m, d, e, np.sum(e, axis=axis, keepdims=True)
    others = e.copy()
    top = np.expand_dims(np.argmax(z, axis=axis), axis)
    np.put_along_axis(others, top, 0, axis)
    return m, d + error, e, np.sum(others, axis=axis, keepdims=True)


def softmax(z, axis=-1):
    z = as_float(z, "z")
    axis = check_axis(z, axis, "z")
    with np.errstate(all="ignore"):
        _, _, e, rest = _shifted(z.astype(working_dtype(z.dtype), copy=False), axis)
        return (e / (1 + rest)).astype(z.dtype, copy=False)


def softmax_vjp(g, z, axis=-1):
    g, z = as_float(g, "g"), as_float(z, "z")
    axis = check_axis(z, axis, "z")
    check_same_shape(g, z, ("g", "z"))
    with np.errstate(all="ignore"):
        p = softmax(z.astype(working_dtype(z.dtype), copy=False), axis)
        return (p * (g - np.sum(g * p, axis=axis, keepdims=True))).astype(z.dtype, copy=False)


def log_softmax(z, axis=-1):
    z = as_float(z, "z")
    axis = check_axis(z, axis, "z")
    with np.errstate(all="ignore"):
        _, d, _, rest = _shifted(z.astype(working_dtype(z.dtype), copy=False), axis)
        return (d - np.log1p(rest)).astype(z.dtype, copy=False)


def log_softmax_vjp(g, z, axis=-1):
    g, z = as_float(g, "g"), as_float(z, "z")
    axis = check_axis(z, axis, "z")
    check_same_shape(g, z, ("g", "z"))
    with np.errstate(all="ignore"):
        p = softmax(z.astype(working_dtype(z.dtype), copy=False), axis)
        return (g - p * np.sum(g, axis=axis, keepdims=True)).astype(z.dtype, copy=False)


def logsumexp(z, axis=-1, keepdims=False):
    z = as_float(z, "z")
    axis = check_axis(z, axis, "z")
    with np.errstate(all="ignore"):
        m, _, _, rest = _shifted(z.astype(working_dtype(z.dtype), copy=False), axis)
        out = (m + np.log1p(rest)).astype(z.dtype, copy=False)
    return out if keepdims else np.squeeze(out, axis)[()]


def logsumexp_vjp(g, z, axis=-1):
    g, z = as_float(g, "g"), as_float(z, "z")
    axis = check_axis(z, axis, "z")
    shape = z.shape[:axis] + z.shape[axis + 1 :]
    if g.shape != shape:
        raise ValueError(f"g must have the shape of logsumexp(z, axis={axis}), {shape}, got {g.shape}")
    with np.errstate(all="ignore"):
        p = softmax(z.astype(working_dtype(z.dtype), copy=False), axis)
        return (np.expand_dims(g, axis) * p).astype(z.dtype, copy=False)
