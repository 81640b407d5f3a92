"""Pooling's gradients: the mean is linear; the largest entry takes all, where there is no tie."""

import itertools

import numpy as np
import sympy as sp

from nnbook.checking import Derivation, verify
from nnbook.functions import (
    avg_pool1d_vjp,
    avg_pool2d_vjp,
    avg_pool3d_vjp,
    global_avg_pool_vjp,
    global_max_pool_vjp,
    max_pool1d_vjp,
    max_pool2d_vjp,
    max_pool3d_vjp,
)
from tests.derivations.convolution import column, entries, gradient


def windows(x, kernel, count, stride):
    """Return the entries of every window, row by row."""
    found = []
    for window in np.ndindex(*count):
        places = itertools.product(
            *(range(i * stride, i * stride + k) for i, k in zip(window, kernel, strict=True))
        )
        found.append([x[p] for p in places if all(q < n for q, n in zip(p, x.shape, strict=True))])
    return found


def mean_of(number, title, function, size, kernel, count, **options):
    """Derive x̄ = Aᵀȳ, with A's row i holding 1/m for each of the m entries of window i."""
    x, g = entries("x", size), entries("ybar", count)
    met = windows(x, kernel, count, options.get("stride", 1))
    A = sp.ImmutableMatrix(
        g.size, x.size, lambda i, j: sp.Rational(int(x.flat[j] in met[i]), len(met[i]))
    )
    y = [sum(of) / sp.Integer(len(of)) for of in met]
    d = gradient(number, title, y, column(g), column(x), A.T * column(g), r"\bar{x}")
    return held(d, function, x, g, kernel, options)


def moved(loss, v):
    """Return the slope of a loss when one entry moves and the others stay."""
    h = sp.Symbol("h", real=True)
    return sp.Subs(sp.Derivative(loss.xreplace({v: v + h}), h), h, 0)


def largest_of(number, title, function, size, kernel, count, **options):
    """Derive x̄ for windows of two: each passes its share to the larger entry, if they differ."""
    x, g = entries("x", size), entries("ybar", count)
    met = windows(x, kernel, count, options.get("stride", 1))
    differ, steps = {}, {}
    for first, second in met:  # every second entry is the first and a step that is not 0
        steps[second] = sp.Symbol(str(second).replace("x", "t"), real=True)
        differ[second] = differ.get(first, first) + steps[second]
    free = [steps.get(v, v) for v in x.ravel()]

    def shares(slope):
        return sp.ImmutableMatrix([
            sum(slope(a, v - (of[1] if v == of[0] else of[0]))
                for a, of in zip(g.ravel(), met, strict=True) if v in of)
            for v in x.ravel()
        ])  # fmt: skip

    loss = sum(a * sp.Max(*of) for a, of in zip(g.ravel(), met, strict=True))
    d = Derivation(
        number, title, sp.ImmutableMatrix([moved(loss, v) for v in x.ravel()]), symbol=r"\bar{x}",
        given="the entries of a window differ", such_that=differ,
        domain=dict.fromkeys(steps.values(), NOT_ZERO),
    )  # fmt: skip
    d.step(shares(lambda a, t: a * sp.Heaviside(t, 0)), "the larger entry takes its window's share")
    d.step(shares(lambda a, t: a * (1 + sp.sign(t)) / 2), "$[t > 0]$ by the sign of $t \\ne 0$")
    place = {v: sp.lambdify(free, differ.get(v, v)) for v in x.ravel()}

    def entries_of(values):
        return np.array([place[v](*values) for v in x.ravel()], values.dtype)

    return held(d, function, x, g, kernel, options, sp.ImmutableMatrix(free), entries_of)


def held(d, function, x, g, kernel, options, free=None, entries_of=np.asarray):
    whole = function.__name__.startswith("global")

    def call(g_, x_):
        x_ = entries_of(x_).reshape(1, 1, *x.shape)
        if whole:
            return function(g_.reshape(1, 1), x_).ravel()
        return function(g_.reshape(1, 1, *g.shape), x_, kernel, **options).ravel()

    args = [column(g), column(x) if free is None else free]
    return [(d, verify(d, function, args=args, call=call, shapes=12))]


ONE = {"stride": 1}
NOT_ZERO = sp.Union(sp.Interval.open(-sp.oo, 0), sp.Interval.open(0, sp.oo))
DERIVATIONS = {
    "avg_pool1d_vjp": lambda: mean_of(
        "20.91", "Means along a sequence", avg_pool1d_vjp, (5,), (2,), (3,), stride=2,
        ceil_mode=True,
    ),
    "avg_pool2d_vjp": lambda: mean_of(
        "20.92", "Means over an image", avg_pool2d_vjp, (3, 4), (2, 3), (2, 2), **ONE
    ),
    "avg_pool3d_vjp": lambda: mean_of(
        "20.93", "Means in a volume", avg_pool3d_vjp, (2, 3, 2), (2, 2, 1), (1, 2, 2), **ONE
    ),
    "global_avg_pool_vjp": lambda: mean_of(
        "20.94", "The mean of an image", global_avg_pool_vjp, (2, 3), (2, 3), (1, 1)
    ),
    "max_pool1d_vjp": lambda: largest_of(
        "20.95", "Maxima along a sequence", max_pool1d_vjp, (4,), (2,), (3,), **ONE
    ),
    "max_pool2d_vjp": lambda: largest_of(
        "20.96", "Maxima over an image", max_pool2d_vjp, (2, 3), (2, 1), (1, 3), **ONE
    ),
    "max_pool3d_vjp": lambda: largest_of(
        "20.97", "Maxima in a volume", max_pool3d_vjp, (2, 3, 1), (1, 2, 1), (2, 2, 1), **ONE
    ),
    "global_max_pool_vjp": lambda: largest_of(
        "20.98", "The maximum of an image", global_max_pool_vjp, (1, 2), (1, 2), (1, 1)
    ),
}  # fmt: skip
