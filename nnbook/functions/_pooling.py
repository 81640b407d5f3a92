"""What pooling layers share: windows without weights, tap by tap and axis by axis."""

import itertools
import math

import numpy as np

from nnbook.functions._filters import check_images
from nnbook.functions._validate import as_float, check_flag
from nnbook.functions._windows import aligned, per_axis, windows

TWO_DOWN = 2.0**-30  # more than any window has entries
RUN = 256  # up to here n additions are within n ε / 2, which is below 8 ε √n


def check_pooling(x, kernel, axes, *, stride, padding, ceil_mode, dilation=1):
    """Return `x` as a floating-point array and the `Windows` of a pooling layer, or raise."""
    x = check_images(x, axes)
    kernel = per_axis(kernel, "kernel", axes)
    slid = windows(
        x.shape[2:],
        kernel,
        stride=kernel if stride is None else stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
    )
    for axis, (n, k, s, d, before, after, count) in enumerate(aligned(*slid)):
        span = d * (k - 1) + 1
        if max(before, after) > span // 2:
            raise ValueError(
                f"padding must be at most half of the kernel, whose span along spatial axis {axis} "
                f"is {span}, got {before} and {after}; more would make windows of padding alone"
            )
        seeing = np.zeros(count, bool)
        for out, _ in meetings(slid, axis):
            seeing[out] = True
        if not seeing.all():
            raise ValueError(
                f"padding and dilation leave a window without entries along spatial axis {axis}: "
                f"size {n}, kernel {k}, stride {s}, dilation {d}, padding {before} and {after}"
            )
    return x, slid


def check_planes(x, keepdims):
    """Return `x`, a view of it as (N, C, entries), and the shape of the result, or raise."""
    x = as_float(x, "x")
    if x.ndim < 3:
        raise ValueError(f"x must have axes (N, C, ...), three or more, but its shape is {x.shape}")
    if 0 in x.shape[2:]:
        raise ValueError(f"x has no entries along a spatial axis: its shape is {x.shape}")
    kept = x.ndim - 2 if check_flag(keepdims, "keepdims") else 0
    return x, x.reshape(*x.shape[:2], math.prod(x.shape[2:])), x.shape[:2] + (1,) * kept


def meetings(slid, axis):
    """Return for each tap along an axis its windows and the entries that they meet, as slices."""
    n, k, s, d, before, _, count = (of_axes[axis] for of_axes in slid)
    found = []
    for shift in range(-before, d * k - before, d):
        first = max(0, -(shift // s))  # the first window whose tap is not before the entries
        last = min(count - 1, (n - 1 - shift) // s)
        met = slice(first * s + shift, max(0, last * s + shift + 1), s)
        found.append((slice(first, max(first, last + 1)), met if first <= last else slice(0)))
    return found


def taps(slid):
    """Yield for each tap of the kernel its offset in windows, the windows, and the entries met.

    The offset is what to add to the flat index of a window's (possibly padded) first entry.
    """
    axes = range(len(slid.size))
    numbered = [
        [(u * slid.dilation[axis], *met) for u, met in enumerate(meetings(slid, axis))]
        for axis in axes
    ]
    for tap in itertools.product(*numbered):
        steps, out, met = aligned(*tap)
        yield flat(steps, slid.size), (..., *out), (..., *met)


def flat(steps, size):
    """Return the step along a flattened array that the steps along its axes make."""
    return sum(step * math.prod(size[axis + 1 :]) for axis, step in enumerate(steps))


def first_entries(slid):
    """Return the flat index of every window's first entry; outside of the entries it is virtual."""
    starts = [
        np.arange(count) * s - before
        for count, s, before in aligned(slid.count, slid.stride, slid.before)
    ]
    return flat(np.ix_(*starts), slid.size)


def along(axis, axes, part):
    """Return the index that takes `part` of one of the last `axes` axes."""
    return (..., part, *[slice(None)] * (axes - axis - 1))


def sums(x, slid):
    """Return the sum over every window, axis by axis."""
    axes = len(slid.size)
    for axis, count in enumerate(slid.count):
        shape = list(x.shape)
        shape[2 + axis] = count
        x = _added(meetings(slid, axis), x, shape, axis, axes)
    return x


def spread(g, slid):
    """Return the transpose of `sums` at `g`: every entry of `g` added to its window's entries."""
    axes = len(slid.size)
    for axis, n in enumerate(slid.size):
        shape = list(g.shape)
        shape[2 + axis] = n
        g = _added([pair[::-1] for pair in meetings(slid, axis)], g, shape, axis, axes)
    return g


def _added(places, x, shape, axis, axes):
    """Return the sum of parts of `x`, each in its place along an axis, in an array of a `shape`.

    RUN parts are added one after the other; longer runs are added as sums of sums.
    """
    y = np.zeros(shape, x.dtype)
    for first in range(0, len(places), RUN):
        part = y if len(places) <= RUN else np.zeros(shape, x.dtype)
        for to, of in places[first : first + RUN]:
            part[along(axis, axes, to)] += x[along(axis, axes, of)]
        if part is not y:
            y += part
    return y


def divisors(slid, count_include_pad, dtype):
    """Return the number of entries of every window, with the padding or without."""
    count_include_pad = check_flag(count_include_pad, "count_include_pad")
    lengths = []
    for n, k, s, _, before, after, count in aligned(*slid):
        start = np.arange(count) * s - before
        low, high = (-before, n + after) if count_include_pad else (0, n)
        lengths.append(np.minimum(start + k, high) - np.maximum(start, low))
    return math.prod(np.ix_(*lengths)).astype(dtype)


def mean(x, total, count):
    """Return total(x) / count; where the total of finite entries overflows, of x scaled down."""
    y = total(x) / count
    if not np.isfinite(y).all():
        small = total(x * x.dtype.type(TWO_DOWN)) / count / y.dtype.type(TWO_DOWN)
        y = np.where(np.isfinite(y), y, small)
    return y
