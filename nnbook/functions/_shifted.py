"""Exponentials of logits less their maximum, for arrays of any size."""

import math

import numpy as np

from nnbook.functions._elementwise import BLOCK
from nnbook.functions._pairs import two_product
from nnbook.functions._validate import working_dtype

SHORT = 128  # entries; above it NumPy's sums over a last axis are as fast as over the first
WIDTH = 32  # neighbours that a part takes together, if it cannot take them all


def in_blocks(body, z, axes, dtype, sums=False):
    """Apply ``body(part, axis)`` to parts of `z` whose temporaries stay in a core's own cache.

    NumPy is slow at sums over a few neighbours, so a short last axis comes first in each part.
    """
    if z.size <= BLOCK:
        return body(z, axes).astype(dtype, copy=False)
    if len(axes) > 1:
        ends = tuple(range(-len(axes), 0))
        moved = np.moveaxis(z, axes, ends)
        shape = moved.shape[: -len(axes)]
        out = in_blocks(body, moved.reshape(*shape, -1), (len(shape),), dtype, sums)
        ones = (1,) * len(axes)
        return np.moveaxis(out.reshape(shape + ones if sums else moved.shape), ends, axes)
    (axis,) = axes
    before, length = math.prod(z.shape[:axis]), z.shape[axis]
    flat = z.reshape(before, length, -1)
    after = flat.shape[2]
    out = np.empty((before, 1 if sums else length, after), dtype)
    rows, columns = max(1, BLOCK // (length * after)), max(WIDTH, BLOCK // length)
    for i in range(0, before, rows):
        for j in range(0, after, columns):
            part = np.s_[i : i + rows, :, j : j + columns]
            if after > 1:
                out[part] = body(flat[part], 1)
            elif length > SHORT:
                out[part][:, :, 0] = body(flat[part][:, :, 0], 1)
            else:
                out[part][:, :, 0] = body(np.ascontiguousarray(flat[part][:, :, 0].T), 0).T
    return out.reshape(*z.shape[:axis], -1, *z.shape[axis + 1 :])


def shifted_exp(z, axis, temperature=1.0):
    """Return ``(shift, error, e, rest)``: z less its maximum, and the exponentials of that.

    ``shift + error`` is the difference without rounding, over the temperature, and e its
    exponential. One maximum's own 1 is left out of the sum of the others, ``rest``, so that
    log1p(rest) keeps its digits when they are small; the denominator of the softmax is 1 + rest.
    """
    z = z.astype(working_dtype(z.dtype), copy=False)
    if temperature != 1:
        # The part of the temperature above 1 that is a power of two goes into the logits, which
        # may be too far apart for a difference.
        temperature, power = math.frexp(temperature)
        temperature, power = math.ldexp(temperature, min(power, 0)), max(power, 0)
        z = np.ldexp(z, -power)
    top = np.max(z, axis=axis, keepdims=True, initial=-np.inf)
    shift = z - top
    finite = np.isfinite(shift).all()
    if not finite:
        shift[z == top] = 0  # where the top is infinite; NaN stays NaN
    # What the subtraction rounded off, exactly: z = (shift + error) + top.
    error = shift + top
    back = error - shift
    error = (z - error) + (back - top)
    if temperature != 1:
        difference, shift = shift, shift / temperature
        product, product_error = two_product(shift, temperature)
        error = (((difference - product) - product_error) + error) / temperature
        finite = np.isfinite(error).all()
    if not finite:
        error[~np.isfinite(error)] = 0
    e = np.exp(shift)
    e += e * error
    is_top = shift == 0
    tied = np.count_nonzero(is_top, axis=axis, keepdims=True) - 1
    rest = np.sum(e - is_top, axis=axis, keepdims=True) + tied
    if np.isinf(top).any():
        # With several infinite maxima the limit depends on how they grow: there is none.
        rest[np.isinf(top) & (tied > 0)] = np.nan
    return shift, error, e, rest
