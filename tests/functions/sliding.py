"""What convolutions and pooling are, by loops over single entries and nothing clever.

The entries may be numbers of any kind: `fractions.Fraction` gives exact results.
"""

import itertools

import numpy as np


def counts(size, kernel, stride, pads, dilation):
    """Return how many windows fit along each axis, by trying one after the other."""
    found = []
    for n, k, s, (before, after), d in zip(size, kernel, stride, pads, dilation, strict=True):
        start, count = -before, 0
        while start + d * (k - 1) < n + after:
            start, count = start + s, count + 1
        found.append(count)
    return tuple(found)


def places(window, kernel, stride, pads, dilation):
    """Yield each tap of the kernel and the place that it meets, padding included."""
    for tap in itertools.product(*map(range, kernel)):
        yield tap, tuple(
            i * s + u * d - before
            for i, u, s, (before, _), d in zip(window, tap, stride, pads, dilation, strict=True)
        )


def inside(place, size):
    return all(0 <= p < n for p, n in zip(place, size, strict=True))


def meetings(x_shape, W_shape, stride, pads, dilation, groups):
    """Yield (index in y, index in x, index in W) of every product in a convolution."""
    size, kernel = x_shape[2:], W_shape[2:]
    outputs, channels = W_shape[0] // groups, W_shape[1]
    for window in np.ndindex(*counts(size, kernel, stride, pads, dilation)):
        for tap, place in places(window, kernel, stride, pads, dilation):
            if inside(place, size):
                for n, o, c in np.ndindex(x_shape[0], W_shape[0], channels):
                    yield (n, o, *window), (n, o // outputs * channels + c, *place), (o, c, *tap)


def convolution(x, W, b, stride, pads, dilation, groups):
    """Return y, and the sums of the absolute values of its terms."""
    shape = (len(x), len(W), *counts(x.shape[2:], W.shape[2:], stride, pads, dilation))
    y, terms = np.zeros(shape, x.dtype), np.zeros(shape, x.dtype)
    for i, j, k in meetings(x.shape, W.shape, stride, pads, dilation, groups):
        y[i] += x[j] * W[k]
        terms[i] += abs(x[j] * W[k])
    if b is not None:
        column = b.reshape(-1, *[1] * (x.ndim - 2))
        y, terms = y + column, terms + abs(column)
    return y, terms


def convolution_vjp(g, x, W, stride, pads, dilation, groups):
    """Return (x_bar, its terms), (W_bar, its terms), (b_bar, its terms)."""
    x_bar, x_terms, W_bar, W_terms = (np.zeros(a.shape, g.dtype) for a in (x, x, W, W))
    for i, j, k in meetings(x.shape, W.shape, stride, pads, dilation, groups):
        x_bar[j] += g[i] * W[k]
        x_terms[j] += abs(g[i] * W[k])
        W_bar[k] += g[i] * x[j]
        W_terms[k] += abs(g[i] * x[j])
    axes = (0, *range(2, g.ndim))
    return (x_bar, x_terms), (W_bar, W_terms), (g.sum(axes), abs(g).sum(axes))


def transposed(x, W, b, stride, pads, output_padding, dilation, groups):
    """Return what stamping the kernel gives, cut by the padding."""
    kernel, inputs = W.shape[2:], len(W) // groups
    size = tuple(
        (m - 1) * s + d * (k - 1) + 1 - before - after + more
        for m, k, s, (before, after), d, more in zip(
            x.shape[2:], kernel, stride, pads, dilation, output_padding, strict=True
        )
    )
    y = np.zeros((len(x), W.shape[1] * groups, *size), x.dtype)
    for window in np.ndindex(*x.shape[2:]):
        for tap, place in places(window, kernel, stride, pads, dilation):
            if inside(place, size):
                for n, c, o in np.ndindex(len(x), len(W), W.shape[1]):
                    of_group = c // inputs * W.shape[1] + o
                    y[(n, of_group, *place)] += x[(n, c, *window)] * W[(c, o, *tap)]
    return y if b is None else y + b.reshape(-1, *[1] * len(size))


def pooled(x, kernel, stride, pads, dilation, count, largest, count_include_pad=True):
    """Return the maxima and the places of the first of each, or the means, of `count` windows."""
    size = x.shape[2:]
    y = np.zeros((*x.shape[:2], *count), x.dtype)
    index = np.zeros(y.shape, int)
    for window in np.ndindex(*count):
        met = [place for _, place in places(window, kernel, stride, pads, dilation)]
        real = [place for place in met if inside(place, size)]
        padded = [
            place for place in met
            if all(-before <= p < n + after
                   for p, n, (before, after) in zip(place, size, pads, strict=True))
        ]  # fmt: skip
        for n, c in np.ndindex(*x.shape[:2]):
            entries = [x[(n, c, *place)] for place in real]
            at = (n, c, *window)
            if largest:
                first = next((i for i, e in enumerate(entries) if e != e), None)
                first = entries.index(max(entries)) if first is None else first
                y[at], index[at] = entries[first], np.ravel_multi_index(real[first], size)
            else:
                y[at] = sum(entries) / (len(padded) if count_include_pad else len(real))
    return (y, index) if largest else y
