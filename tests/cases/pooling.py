"""Max, average and global pooling, with every option that changes the mathematics."""

from dataclasses import replace

import numpy as np

from nnbook.functions import (
    avg_pool1d,
    avg_pool1d_vjp,
    avg_pool2d,
    avg_pool2d_vjp,
    avg_pool3d,
    avg_pool3d_vjp,
    global_avg_pool,
    global_avg_pool_vjp,
    global_max_pool,
    global_max_pool_vjp,
    max_pool1d,
    max_pool1d_vjp,
    max_pool2d,
    max_pool2d_vjp,
    max_pool3d,
    max_pool3d_vjp,
)
from tests.cases.base import EVERY_AXIS, Bad, Case, sizes_of

MAX = {1: (max_pool1d, max_pool1d_vjp), 2: (max_pool2d, max_pool2d_vjp),
       3: (max_pool3d, max_pool3d_vjp)}  # fmt: skip
AVG = {1: (avg_pool1d, avg_pool1d_vjp), 2: (avg_pool2d, avg_pool2d_vjp),
       3: (avg_pool3d, avg_pool3d_vjp)}  # fmt: skip
SPACE = (7, 6, 5)


def apart(rng, shape):
    """Draw entries a tenth apart at least: no window is near a tie."""
    return (rng.permutation(int(np.prod(shape))).reshape(shape) - 3.0) / 10


def case(table, axes, kernel, what="", **options):
    function, derivative = table[axes]

    def draw(rng, size):
        n, channels = sizes_of(rng, size, 2)
        span = options.get("dilation", 1) * (kernel - 1) + 1
        space = SPACE[-axes:] if size != "one" else (span,) * axes
        return (apart(rng, (n, channels, *space)), kernel), options

    return Case(
        f"{function.__name__}{what and ', '}{what}", function, draw, derivative,
        free={0: EVERY_AXIS}, outputs=first if options.get("return_indices") else None,
    )  # fmt: skip


def first(outputs):
    return outputs[0]


def planes(axes):
    def draw(rng, size):
        n, channels, *space = sizes_of(rng, size, 2 + axes)
        return (apart(rng, (n, channels, *space)),), {"keepdims": axes == 2}

    return draw


def whole(function, derivative, axes):
    return Case(f"{function.__name__}, {axes} axes", function, planes(axes), derivative,
                free={0: EVERY_AXIS}, any_rank=(0,))  # fmt: skip


CASES = [
    case(MAX, 1, 3),
    case(MAX, 1, 3, "overlapping, padded", stride=2, padding=1),
    case(MAX, 2, 2),
    case(MAX, 2, 2, "stride", stride=(1, 3)),
    case(MAX, 2, 3, "padding in pairs", padding=((1, 0), (0, 1)), stride=2),
    case(MAX, 2, 2, "same", padding="same"),
    case(MAX, 2, 2, "same lower", padding="same_lower", stride=1),
    case(MAX, 2, 2, "dilation", dilation=2, stride=1),
    case(MAX, 2, 2, "ceil mode", ceil_mode=True, stride=4),
    case(MAX, 2, 2, "indices", return_indices=True, stride=1),
    case(MAX, 3, 2),
    case(MAX, 3, 3, "all options", stride=(1, 2, 3), padding=1, dilation=2, ceil_mode=True),
    case(AVG, 1, 3),
    case(AVG, 1, 3, "padding not counted", stride=2, padding=1, count_include_pad=False),
    case(AVG, 2, 2),
    case(AVG, 2, 2, "stride", stride=(1, 3)),
    case(AVG, 2, 3, "padding counted", padding=1, stride=2),
    case(AVG, 2, 3, "padding not counted", padding=1, stride=2, count_include_pad=False),
    case(AVG, 2, 3, "pairs, ceil mode", padding=((1, 0), (0, 1)), stride=3, ceil_mode=True),
    case(AVG, 2, 2, "same", padding="same", count_include_pad=False),
    case(AVG, 3, 2),
    case(AVG, 3, 3, "all options", stride=(1, 2, 3), padding=1, ceil_mode=True,
         count_include_pad=False),
    *[whole(global_max_pool, global_max_pool_vjp, axes) for axes in (1, 2, 3)],
    *[whole(global_avg_pool, global_avg_pool_vjp, axes) for axes in (1, 2, 3)],
]  # fmt: skip

X = np.ones((2, 3, 6, 5))
G = np.ones((2, 3, 3, 2))
PLACES = np.zeros((2, 3, 3, 2), int)

BAD = [
    Bad("a single image", lambda: max_pool2d(X[0], 2), ValueError,
        r"^x must have 4 axes \(N, C, height, width\), but its shape is \(3, 6, 5\); a single"),
    Bad("a single sequence", lambda: avg_pool1d(X[0, 0], 2), ValueError, r"x must have 3 axes"),
    Bad("no entries", lambda: max_pool2d(X[..., :0], 1), ValueError,
        r"^x has no entries along a spatial axis: its spatial shape is \(6, 0\)"),
    Bad("x of words", lambda: avg_pool2d(X.astype(str), 2), TypeError, r"^x must hold real"),
    Bad("kernel larger than x", lambda: max_pool2d(X, 6), ValueError,
        r"^the kernel does not fit into x along spatial axis 1: it spans 6 .* but x has 5"),
    Bad("kernel 0", lambda: max_pool2d(X, 0), ValueError, r"^kernel must be at least 1, got 0"),
    Bad("kernel 2.0", lambda: avg_pool2d(X, 2.0), TypeError, r"^kernel must be a positive integer"),
    Bad("three kernels", lambda: avg_pool2d(X, (1, 2, 3)), ValueError,
        r"^kernel must be one integer, or one for each of the 2 spatial axes, got \(1, 2, 3\)"),
    Bad("stride 0", lambda: max_pool2d(X, 2, stride=0), ValueError, r"^stride must be at least 1"),
    Bad("dilation 0", lambda: max_pool2d(X, 2, dilation=0), ValueError, r"^dilation must be at"),
    Bad("padding past half the kernel", lambda: max_pool2d(X, (2, 3), padding=2), ValueError,
        r"^padding must be at most half of the kernel, whose span along spatial axis 0 is 2, got 2 "
        r"and 2; more would make windows of padding alone$"),
    Bad("padding past half, after", lambda: avg_pool2d(X, 3, padding=((0, 0), (0, 2))), ValueError,
        r"^padding must be at most half .* axis 1 is 3, got 0 and 2"),
    Bad("padding in another word", lambda: avg_pool2d(X, 3, padding="full"), ValueError,
        r"^padding must be one of valid"),
    Bad("a window of padding alone",
        lambda: max_pool1d(np.ones((1, 1, 1)), 2, padding=2, dilation=3), ValueError,
        r"^padding and dilation leave a window without entries along spatial axis 0: size 1, "
        r"kernel 2, stride 2, dilation 3, padding 2 and 2$"),
    Bad("g of another shape", lambda: max_pool2d_vjp(G[:1], X, 2), ValueError,
        r"^g must have the shape of max_pool2d's result, \(2, 3, 3, 2\), but its shape is"),
    Bad("g of another shape, mean", lambda: avg_pool2d_vjp(G[:1], X, 2), ValueError,
        r"^g must have the shape of avg_pool2d's result, \(2, 3, 3, 2\), but its shape is"),
    Bad("indices that are floats", lambda: max_pool2d_vjp(G, X, 2, indices=G), TypeError,
        r"^indices must be integers, but their dtype is float64$"),
    Bad("indices of another shape", lambda: max_pool2d_vjp(G, X, 2, indices=PLACES[0]), ValueError,
        r"^indices must have the shape of the result, \(2, 3, 3, 2\), but their shape is"),
    Bad("indices past the end", lambda: max_pool2d_vjp(G, X, 2, indices=PLACES + 30), ValueError,
        r"^indices must be places in x, from 0 to 29, but they reach from 30 to 30$"),
    Bad("indices below 0", lambda: max_pool2d_vjp(G, X, 2, indices=PLACES - 1), ValueError,
        r"^indices must be places in x, from 0 to 29, but they reach from -1 to -1$"),
    Bad("ceil_mode in words", lambda: max_pool2d(X, 2, ceil_mode="no"), TypeError,
        r"^ceil_mode must be True or False, got 'no'$"),
    Bad("ceil_mode for each axis", lambda: avg_pool2d(X, 2, ceil_mode=(True, False)), TypeError,
        r"^ceil_mode must be True or False, got \(True, False\)$"),
    Bad("count_include_pad in numbers", lambda: avg_pool2d(X, 2, count_include_pad=0), TypeError,
        r"^count_include_pad must be True or False, got 0$"),
    Bad("count_include_pad in numbers, gradient",
        lambda: avg_pool2d_vjp(G, X, 2, count_include_pad=0), TypeError, r"^count_include_pad"),
    Bad("return_indices in words", lambda: max_pool2d(X, 2, return_indices="no"), TypeError,
        r"^return_indices must be True or False, got 'no'$"),
    Bad("return_indices in words, gradient",
        lambda: max_pool2d_vjp(G, X, 2, return_indices="no"), TypeError, r"^return_indices must"),
    *(Bad(f"{pool.__name__}, keepdims in words", lambda pool=pool: pool(X, keepdims="no"),
          TypeError, r"^keepdims must be True or False, got 'no'$")
      for pool in (global_avg_pool, global_max_pool)),
    *(Bad(f"{vjp.__name__}, keepdims in numbers",
          lambda vjp=vjp: vjp(np.ones((2, 3)), X, keepdims=0), TypeError, r"^keepdims must be True")
      for vjp in (global_avg_pool_vjp, global_max_pool_vjp)),
    Bad("a matrix to pool", lambda: global_avg_pool(X[0, 0]), ValueError,
        r"^x must have axes \(N, C, ...\), three or more, but its shape is \(6, 5\)$"),
    Bad("nothing to pool", lambda: global_max_pool(X[:, :, :0]), ValueError,
        r"^x has no entries along a spatial axis: its shape is \(2, 3, 0, 5\)$"),
    Bad("g with its axes", lambda: global_avg_pool_vjp(np.ones((2, 3, 1, 1)), X), ValueError,
        r"^g must have the shape of global_avg_pool's result, \(2, 3\), but its shape is"),
    Bad("g without its axes", lambda: global_max_pool_vjp(np.ones((2, 3)), X, keepdims=True),
        ValueError, r"^g must have the shape of global_max_pool's result, \(2, 3, 1, 1\), but"),
]  # fmt: skip
BAD = [replace(bad, id=f"pooling: {bad.id}") for bad in BAD]
