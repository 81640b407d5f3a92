"""What elementwise functions have in common, so that each body is the mathematics alone."""

import functools

import numpy as np

from nnbook.functions._validate import as_float, quiet, working_dtype

# 8,192 float64 numbers are 64 KB: the few temporaries of a body stay in a core's own cache.
BLOCK = 8192
EXP_CAP = 30_000  # e^-|z| is 0 long before, in longdouble too


def elementwise(body):
    """Make a function of arrays out of a body that may assume an easy life.

    The body sees one axis of float64 (longdouble if the caller gave that), at most `BLOCK`
    numbers at a time, with floating-point warnings off. The caller gets the shape and the dtype
    that came in: float32 and float16 are computed in float64 and rounded once, integers become
    float64, and a single number gives a single number.
    """

    @functools.wraps(body)
    @quiet
    def function(z, *options, **named_options):
        z = as_float(z, "z")
        work = working_dtype(z.dtype)
        if z.size <= BLOCK:
            out = body(z.astype(work, copy=False).reshape(-1), *options, **named_options)
            return out.astype(z.dtype, copy=False).reshape(z.shape)[()]
        out = np.empty(z.shape, z.dtype)
        flat_in, flat_out = z.reshape(-1), out.reshape(-1)
        for start in range(0, z.size, BLOCK):
            part = slice(start, start + BLOCK)
            block = flat_in[part].astype(work, copy=False)
            flat_out[part] = body(block, *options, **named_options)
        return out

    def unchecked(z, *options, **named_options):
        if z.size > BLOCK:
            return function(z, *options, **named_options)
        return body(z.reshape(-1), *options, **named_options).reshape(z.shape)

    function.unchecked = unchecked
    return function


def step(z):
    """Return 1.0 where z > 0, else 0.0; NaN stays NaN. Faster than a choice by `np.where`."""
    return np.sign(np.maximum(z, 0))


def mirrored(z, tail):
    """Return 1 - tail where z > 0, else tail."""
    right = step(z)
    return right + (1 - 2 * right) * tail


def magnitude(z, cap):
    """Return |z|, but `cap` where it is larger: the tail that depends on it has vanished there."""
    return np.minimum(np.abs(z), cap)
