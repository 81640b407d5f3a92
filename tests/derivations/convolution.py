"""Convolutions as matrices, their adjoints, and the two counting formulas of chapter 20."""

import itertools

import numpy as np
import sympy as sp

from nnbook.checking import Derivation, verify
from nnbook.functions import (
    conv1d_vjp,
    conv2d_vjp,
    conv3d_vjp,
    conv_output_size,
    conv_transpose1d_vjp,
    conv_transpose2d_vjp,
    conv_transpose3d_vjp,
    receptive_field,
)


def entries(name, shape):
    """Return an array of symbols."""
    found = np.empty(shape, object)
    for index in np.ndindex(*shape):
        found[index] = sp.Symbol(f"{name}_{''.join(map(str, index))}", real=True)
    return found


def column(array):
    """Return an array of symbols as a column, which names the argument of a function."""
    return sp.ImmutableMatrix(array.size, 1, list(array.ravel()))


def meetings(W, size, count, stride=1, padding=0, dilation=1, groups=1):
    """Yield (output, window, input, place, tap): which entry each tap of a window meets."""
    outputs, channels, *kernel = W.shape
    for window in np.ndindex(*count):
        for tap in itertools.product(*map(range, kernel)):
            place = tuple(
                stride * i + dilation * u - padding for i, u in zip(window, tap, strict=True)
            )
            if all(0 <= p < n for p, n in zip(place, size, strict=True)):
                for o, c in np.ndindex(outputs, channels):
                    of_group = o // (outputs // groups) * channels + c
                    yield (o, *window), (of_group, *place), (o, c, *tap)


def matrices(W, x, y, **options):
    """Return C with y = C x and X with y = X w, both written with what a window meets."""
    C, X = sp.zeros(y.size, x.size), sp.zeros(y.size, W.size)
    for i, j, k in meetings(W, x.shape[1:], y.shape[1:], **options):
        row = np.ravel_multi_index(i, y.shape)
        C[row, np.ravel_multi_index(j, x.shape)] += W[k]
        X[row, np.ravel_multi_index(k, W.shape)] += x[j]
    return sp.ImmutableMatrix(C), sp.ImmutableMatrix(X)


def gradient(number, title, y, g, of, adjoint, symbol):
    """Derive a gradient: the chain rule over all windows, then the transposed matrix times ȳ."""
    loss = sum(a * b for a, b in zip(g, y, strict=True))
    start = sp.ImmutableMatrix([sp.Derivative(loss, v) for v in of])
    d = Derivation(number, title, start, symbol=symbol)
    shares = [
        sum(a * sp.Derivative(b, v) for a, b in zip(g, y, strict=True) if b.has(v)) for v in of
    ]
    d.step(sp.ImmutableMatrix(shares), "chain rule: every window that it is in passes its share")
    return d.step(sp.ImmutableMatrix(adjoint), "the taps with which the windows meet it")


def ones_by_channel(channels, length):
    """Return the matrix that adds up the entries of each channel."""
    each = length // channels
    return sp.ImmutableMatrix(channels, length, lambda o, i: int(i // each == o))


def layer(number, axes, function, in_shape, W_shape, out_shape, **options):
    """Hold a convolution, y = C(w)x + b, to x̄ = C(w)ᵀȳ, w̄ = X(x)ᵀȳ and b̄ = Σȳ."""
    x, W, g = entries("x", in_shape), entries("w", W_shape), entries("ybar", out_shape)
    C, X = matrices(W, x, g, **options)
    adjoints = C.T * column(g), X.T * column(g)
    return held(number, f"Convolution over {axes}", function, x, W, g, C, adjoints, options)


def transposed(number, axes, function, in_shape, W_shape, out_shape, **options):
    """Hold a transposed convolution, y = C(w)ᵀx + b, to x̄ = C(w)ȳ, w̄ = X(ȳ)ᵀx and b̄ = Σȳ."""
    x, W, g = entries("x", in_shape), entries("w", W_shape), entries("ybar", out_shape)
    how = {name: value for name, value in options.items() if name != "output_padding"}
    C, X = matrices(W, g, x, **how)  # of the convolution that takes ȳ's shape to x's
    adjoints = C * column(g), X.T * column(x)
    title = f"Transposed convolution over {axes}"
    return held(number, title, function, x, W, g, C.T, adjoints, options)


def held(number, title, function, x, W, g, matrix, adjoints, options):
    """Derive the three gradients of y = matrix x + b, and hold the function to them."""
    b = entries("b", g.shape[:1])
    ones = ones_by_channel(b.size, g.size)
    args = [column(a) for a in (g, x, W, b)]
    y = matrix * args[1] + ones.T * args[3]

    def call(output):
        def run(*flat):
            g_, x_, W_, b_ = (
                a.reshape(s.shape) for a, s in zip(flat, (g, x, W, b), strict=True)
            )
            return function(g_[None], x_[None], W_, b_, **options)[output].ravel()

        return run

    parts = zip("xwb", ("the input", "the weights", "the biases"), args[1:],
                (*adjoints, ones * args[0]), strict=True)  # fmt: skip
    pairs = []
    for output, (name, of, symbols, adjoint) in enumerate(parts):
        d = gradient(f"{number}{output + 1}", f"{title}: {of}", y, args[0], symbols, adjoint,
                     rf"\bar{{{name}}}")  # fmt: skip
        pairs.append((d, verify(d, function, args=args, call=call(output), shapes=6)))
    return pairs


def output_size():
    """⌊(n + 2p − d(k − 1) − 1)/s⌋ + 1 counts the windows that start where the kernel fits."""
    n, k, s, p, d, m = sp.symbols("n k s p d m", integer=True, positive=True)
    span = sp.Symbol("e", integer=True, positive=True)
    D = Derivation(
        "20.41", "Output size", sp.floor((n + 2 * p - span) / s) + 1, let={span: d * (k - 1) + 1},
        given="the kernel fits: $n > d(k - 1)$", such_that={n: m + d * (k - 1)},
    )  # fmt: skip
    D.step(sp.floor((n + 2 * p - d * (k - 1) - 1) / s) + 1, "the kernel spans $d(k - 1) + 1$")
    D.step(sp.floor((n + 2 * p - d * (k - 1) - 1 + s) / s), "a whole stride more is one window")

    def call(m, k, s, p, d):
        return conv_output_size(m + d * (k - 1), k, stride=s, padding=p, dilation=d)

    return [(D, verify(D, conv_output_size, args=[m, k, s, p, d], call=call))]


def field():
    """Three layers, from the top down, are the sum that a recursion builds from the bottom up."""
    k1, k2, k3, s1, s2, s3 = sp.symbols("k1:4 s1:4", integer=True, positive=True)
    D = Derivation(
        "20.42", "Receptive field of three layers",
        1 + (k1 - 1) + s1 * ((k2 - 1) + s2 * (k3 - 1)),
    )  # fmt: skip
    two = k1 + s1 * (k2 - 1)
    D.step(two + s1 * s2 * (k3 - 1), "a layer more adds its taps, as far apart as the strides say")
    D.step(k1 + s1 * (k2 - 1) + s1 * s2 * k3 - s1 * s2, "written out")

    def call(*numbers):
        return receptive_field(numbers[:3], strides=numbers[3:])

    return [(D, verify(D, receptive_field, args=[k1, k2, k3, s1, s2, s3], call=call))]


DERIVATIONS = {
    "conv1d_vjp": lambda: layer(
        "20.2", "a sequence", conv1d_vjp, (1, 5), (2, 1, 3), (2, 3), stride=2, padding=1
    ),
    "conv2d_vjp": lambda: layer(
        "20.3", "an image", conv2d_vjp, (2, 2, 3), (2, 1, 2, 2), (2, 1, 2), groups=2
    ),
    "conv3d_vjp": lambda: layer(
        "20.5", "a volume", conv3d_vjp, (1, 3, 1, 3), (2, 1, 2, 1, 2), (2, 1, 1, 1), dilation=2
    ),
    "conv_transpose1d_vjp": lambda: transposed(
        "20.6", "a sequence", conv_transpose1d_vjp, (1, 2), (1, 2, 3), (2, 4),
        stride=2, padding=1, output_padding=1,
    ),
    "conv_transpose2d_vjp": lambda: transposed(
        "20.7", "an image", conv_transpose2d_vjp, (2, 1, 2), (2, 1, 2, 1), (2, 2, 2), groups=2
    ),
    "conv_transpose3d_vjp": lambda: transposed(
        "20.8", "a volume", conv_transpose3d_vjp, (1, 1, 1, 2), (1, 2, 2, 1, 1), (2, 3, 1, 3),
        dilation=2, stride=2,
    ),
    "conv_output_size": output_size,
    "receptive_field": field,
}  # fmt: skip
