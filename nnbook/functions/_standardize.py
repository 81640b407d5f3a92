"""What the normalisations share: rows, and the distance of each entry from its row's mean.

Every normalisation takes its statistics over some axes. These are brought to the end and made one,
so that the mathematics sees rows, and NumPy adds a row pairwise. Rows are scaled by powers of two,
which costs no digit: their squares neither overflow nor vanish.
"""

import math
from typing import NamedTuple

import numpy as np

from nnbook.functions._validate import (
    as_float,
    check_number,
    check_same_shape,
    working_dtype,
)

BLOCK = 32_768  # 256 KB of float64: the few temporaries stay in a core's second-level cache


class Standardized(NamedTuple):
    """Rows of deviations over a root: ``normal = deviation / (root 2**exponent)``."""

    normal: np.ndarray
    root: np.ndarray
    exponent: np.ndarray


def check_parameter(value, name, shape, meaning):
    """Return an optional `value` as a float array of `shape`; None stays None."""
    if value is None:
        return None
    value = as_float(value, name)
    if value.shape == shape:
        return value
    message = f"{name} must have shape {shape}, {meaning}, but its shape is {value.shape}"
    if value.size == math.prod(shape):
        message += f"; pass {name}.reshape({shape})"
    raise ValueError(message)


def along(value, axes, ndim):
    """Return a parameter with the lengths of `axes`, and length 1 on every other of ndim axes."""
    shape = [1] * ndim
    for axis, length in zip(axes, value.shape, strict=True):
        shape[axis] = length
    return value.reshape(shape)


def as_rows(x, axes):
    """Return `x` as a matrix whose rows run over `axes`."""
    kept = [a for a in range(x.ndim) if a not in axes]
    count = math.prod(x.shape[a] for a in kept)
    return x.transpose(*kept, *axes).reshape(count, math.prod(x.shape[a] for a in axes))


def from_rows(rows, shape, axes):
    """Undo :func:`as_rows` for an array of `shape`."""
    order = [*(a for a in range(len(shape)) if a not in axes), *axes]
    return rows.reshape([shape[a] for a in order]).transpose(np.argsort(order))


def sum_over(x, axes):
    """Return the sum over `axes`, added pairwise whatever the layout."""
    kept = [x.shape[a] for a in range(x.ndim) if a not in axes]
    return np.sum(as_rows(x, axes), axis=1).reshape(kept)


def row_mean(rows):
    """Return the mean of every row, as a column; NaN for rows without entries."""
    return np.sum(rows, axis=1, keepdims=True) / rows.shape[1]


def power_of_two(exponent, dtype):
    """Return 2**exponent, which the caller keeps within the range of `dtype`."""
    return np.ldexp(np.ones((), dtype), exponent)


def exponent_of(largest):
    """Return e with largest < 2**e, but not so small that 2**-e would overflow; least for 0."""
    lowest = 24 - np.finfo(largest.dtype).maxexp
    return np.where(largest == 0, lowest, np.maximum(np.frexp(largest)[1], lowest))


def centre(rows):
    """Return ``(deviation, mean, exponent)``: row minus mean is ``deviation * 2**exponent``.

    The mean is on that scale, too. Its own rounding is found as the mean of the deviations and
    taken back, so that entries like 1e8 ± 1 keep their digits.
    """
    if rows.shape[1] == 0:
        return rows, None, np.zeros((len(rows), 1), np.intc)
    low, high = np.min(rows, axis=1, keepdims=True), np.max(rows, axis=1, keepdims=True)
    exponent = exponent_of(np.maximum(high, -low))
    scale = power_of_two(-exponent, rows.dtype)
    rows = rows * scale
    # No mean lies outside its row. This also makes the deviations of equal entries exactly 0.
    mean = np.minimum(np.maximum(row_mean(rows), low * scale), high * scale)
    rows -= mean
    rest = row_mean(rows)
    rows -= rest
    return rows, mean + rest, exponent


def scaled(rows):
    """Return ``(rows, None, exponent)`` as :func:`centre` does, without taking a mean away."""
    exponent = exponent_of(np.max(np.abs(rows), axis=1, keepdims=True, initial=0))
    return rows * power_of_two(-exponent, rows.dtype), None, exponent


def over_root(deviation, exponent, eps):
    """Divide rows of ``deviation * 2**exponent`` by the root of their mean square plus `eps`."""
    largest = np.max(np.abs(deviation), axis=1, keepdims=True, initial=0)
    exponent = np.where(largest == 0, 0, exponent)  # no deviation has a scale
    # The larger of the two terms under the root decides the scale, so that neither overflows.
    scale = exponent + exponent_of(largest)
    if eps > 0:
        scale = np.maximum(scale, math.frexp(eps)[1] // 2)
    deviation = deviation * power_of_two(exponent - scale, deviation.dtype)
    floor = np.ldexp(deviation.dtype.type(eps), -2 * scale)
    root = np.sqrt(row_mean(deviation * deviation) + floor)
    # Only equal entries without eps have a root of 0; their deviations are 0.
    return Standardized(deviation / np.where(root == 0, 1, root), root, scale)


def blocks(rows):
    """Yield slices of as many rows as stay in a core's own cache."""
    step = max(BLOCK // max(rows.shape[1], 1), 1)
    for start in range(0, len(rows), step):
        yield slice(start, start + step)


def standardize(rows, eps, first=centre):
    """Return rows less their mean, over the root of their variance plus `eps`.

    With ``first=scaled`` no mean is taken away: rows over their root mean square.
    """
    column = (len(rows), 1)
    out = Standardized(np.empty_like(rows), np.empty(column, rows.dtype), np.empty(column, np.intc))
    for part in blocks(rows):
        deviation, _, exponent = first(rows[part])
        for whole, piece in zip(out, over_root(deviation, exponent, eps), strict=True):
            whole[part] = piece
    return out


def project(g, standardized, first=centre):
    """Return ``(g - mean g - normal * mean(g * normal)) / root``; `first` as in `standardize`."""
    out = np.empty(g.shape, np.result_type(g, standardized.normal))
    for part in blocks(g):
        rows, _, exponent = first(g[part])
        normal, root, scale = (whole[part] for whole in standardized)
        rows = rows - normal * row_mean(rows * normal)
        # Equal entries without eps have no gradient. The power is split: it may be out of range.
        power = exponent - scale
        half = power // 2
        root = np.where(root == 0, np.nan, root) * power_of_two(-half, root.dtype)
        out[part] = rows / root * power_of_two(power - half, root.dtype)
    return out


def prepare(x, parameters, shape, meaning, eps):
    """Return x in its working dtype, the parameters, ε, and the result's dtype."""
    given = [check_parameter(v, name, shape, meaning) for name, v in parameters.items()]
    dtype = np.result_type(x.dtype, *(v.dtype for v in given if v is not None))
    work = working_dtype(dtype)
    given = [None if v is None else v.astype(work, copy=False) for v in given]
    return x.astype(work, copy=False), given, check_number(eps, "eps", 0), dtype


def cotangent(g, x, dtype):
    """Return g in the working dtype, and the dtype of the gradients."""
    g = as_float(g, "g")
    check_same_shape(g, x, ("g", "x"))
    return g.astype(working_dtype(g.dtype), copy=False), np.promote_types(dtype, g.dtype)


def restore(normal, gain, shift, axes):
    """Apply the gain and the shift that there are, with the lengths of `axes`."""
    if gain is not None:
        normal = normal * along(gain, axes, normal.ndim)
    return normal if shift is None else normal + along(shift, axes, normal.ndim)


def gradients(x_bar, g, normal, gain, shift, others, dtype):
    """Return the three gradients: `others` are the axes that gain and shift do not have."""
    gain_bar = None if gain is None else sum_over(g * normal, others).astype(dtype, copy=False)
    shift_bar = None if shift is None else sum_over(g, others).astype(dtype, copy=False)
    return x_bar.astype(dtype, copy=False), gain_bar, shift_bar
