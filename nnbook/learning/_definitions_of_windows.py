"""Convolutions and pooling as sums over windows; see `nnbook.learning._definitions`."""

import numpy as np

from nnbook.functions._windows import transposed_windows, windows, windows_over
from nnbook.learning._array_rules import SCATTER
from nnbook.learning._traced import apply, plain

OUTPUTS, TAPS = "xyz", "uvw"  # letters of the axes in einsum


def _index(slid):
    """Return, for each spatial axis, which entry of the padded array each window's taps see."""
    axes = len(slid.count)
    index = []
    for axis in range(axes):
        taps = (np.arange(slid.count[axis])[:, np.newaxis] * slid.stride[axis]
                + np.arange(slid.kernel[axis]) * slid.dilation[axis])
        shape = [1] * (2 * axes)
        shape[axis], shape[axes + axis] = taps.shape
        index.append(taps.reshape(shape))
    return (slice(None), slice(None), *index)


def _padded_shape(slid):
    """Return the sizes that the windows need, before and after padding included."""
    size, kernel, stride, dilation, before, after, count = map(np.array, slid)
    last = (count - 1) * stride + dilation * (kernel - 1) + 1
    return tuple(np.maximum(before + size + after, last))


def _inner(slid):
    return (..., *(slice(slid.before[k], slid.before[k] + n) for k, n in enumerate(slid.size)))


def _windowed(x, slid, fill=0.0):
    """Return the windows of x, shape (N, C, *count, *kernel); padding holds `fill`."""
    shape = (*x.shape[:2], *_padded_shape(slid))
    padded = apply(SCATTER, (x,), {"index": _inner(slid), "shape": shape})
    if fill:
        outside = np.full(shape, fill, x.dtype)
        outside[_inner(slid)] = 0.0
        padded = padded + outside
    return padded[_index(slid)]


def _convolution(axes):
    def conv(x, W, b=None, *, stride=1, padding=0, dilation=1, groups=1):
        slid = windows_over(x, W, stride, padding, dilation)
        seen = _windowed(x, slid)
        seen = np.reshape(seen, (len(x), groups, -1, *seen.shape[2:]))
        filters = np.reshape(W, (groups, -1, *W.shape[1:]))
        o, k = OUTPUTS[:axes], TAPS[:axes]
        y = np.einsum(f"ngc{o}{k},gdc{k}->ngd{o}", seen, filters)
        y = np.reshape(y, (len(x), -1, *slid.count))
        return y if b is None else y + np.reshape(b, (-1,) + (1,) * axes)

    return conv


def _transposed(axes):
    def conv(x, W, b=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
        slid = transposed_windows(x.shape[2:], W.shape[2:], stride, padding, output_padding,
                                  dilation)
        inputs = np.reshape(x, (len(x), groups, -1, *x.shape[2:]))
        filters = np.reshape(W, (groups, -1, *W.shape[1:]))
        o, k = OUTPUTS[:axes], TAPS[:axes]
        stamps = np.einsum(f"ngc{o},gcd{k}->ngd{o}{k}", inputs, filters)
        stamps = np.reshape(stamps, (len(x), -1, *stamps.shape[3:]))
        shape = (*stamps.shape[:2], *_padded_shape(slid))
        y = apply(SCATTER, (stamps,), {"index": _index(slid), "shape": shape})[_inner(slid)]
        return y if b is None else y + np.reshape(b, (-1,) + (1,) * axes)

    return conv


def _max_pool(axes):
    def pool(x, kernel, *, stride=None, padding=0, dilation=1, ceil_mode=False,
             return_indices=False):
        slid = windows(x.shape[2:], kernel, stride=kernel if stride is None else stride,
                       padding=padding, dilation=dilation, ceil_mode=ceil_mode)
        seen = _windowed(x, slid, -np.inf)
        seen = np.reshape(seen, (*seen.shape[: 2 + axes], -1))
        # The first of equal entries, as the function itself chooses.
        first = np.argmax(plain(seen), axis=-1)[..., np.newaxis]
        out = np.take_along_axis(seen, first, axis=-1)[..., 0]
        return (out, None) if return_indices else out

    return pool


def _avg_pool(axes):
    def pool(x, kernel, *, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        slid = windows(x.shape[2:], kernel, stride=kernel if stride is None else stride,
                       padding=padding, dilation=1, ceil_mode=ceil_mode)
        kernel_axes = tuple(range(2 + axes, 2 + 2 * axes))
        ones = np.ones((1, 1, *_padded_shape(slid)))
        if not count_include_pad:
            ones[:] = 0.0
            ones[_inner(slid)] = 1.0
        else:  # what a last window in ceil mode sees beyond the padding is nothing
            for axis, n in enumerate(slid.size):
                end = slid.before[axis] + n + slid.after[axis]
                ones[(slice(None),) * (2 + axis) + (slice(end, None),)] = 0.0
        count = np.sum(ones[_index(slid)], axis=kernel_axes)
        return np.sum(_windowed(x, slid), axis=kernel_axes) / count.astype(x.dtype)

    return pool


def global_avg_pool(x, *, keepdims=False):
    return np.mean(x, axis=tuple(range(2, x.ndim)), keepdims=keepdims)


def global_max_pool(x, *, keepdims=False):
    flat = np.reshape(x, (*x.shape[:2], -1))
    first = np.argmax(plain(flat), axis=-1)[..., np.newaxis]
    out = np.take_along_axis(flat, first, axis=-1)
    return np.reshape(out, (*x.shape[:2], *(1,) * (x.ndim - 2))) if keepdims else out[..., 0]


WINDOWS = {"global_avg_pool": global_avg_pool, "global_max_pool": global_max_pool}
for _axes in (1, 2, 3):
    WINDOWS |= {
        f"conv{_axes}d": _convolution(_axes),
        f"conv_transpose{_axes}d": _transposed(_axes),
        f"max_pool{_axes}d": _max_pool(_axes),
        f"avg_pool{_axes}d": _avg_pool(_axes),
    }
