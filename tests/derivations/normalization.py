"""Layer and RMS normalisation for any number of features, exact with ε inside the root."""

import numpy as np
import sympy as sp

from nnbook.checking import Derivation, verify
from nnbook.checking.matrix import dimensions, indices
from nnbook.functions import layer_norm_vjp, rms_norm_vjp

n = dimensions("n")
i, j, k, q = indices("i j k q", n)
# ȳ is the cotangent of the result; g = gain ⊙ ȳ, and h is the normalised row.
x, y, gain, g, h = (sp.IndexedBase(s, shape=(n,), real=True) for s in "x y gamma g h".split())
m, v, s = sp.symbols("m v s", real=True)
eps = sp.Symbol("epsilon", positive=True)
EIGHTH = sp.Rational(1, 8)  # where ε is not the subject: symbols cost time
FULL = {"empty": False, "shapes": 5}


def total(expression, index=k):
    return sp.Sum(expression, (index, 1, n))


def mean(expression, index=k):
    return total(expression, index) / n


MOMENTS = {m: mean(x[q], q), v: mean((x[i] - m) ** 2, i)}


def of_rows(function, call, eps=EIGHTH):
    """Hold x̄ of any function that centres and scales a row; `call` takes ȳ, the row, the gain."""
    root = sp.sqrt(v + eps)
    D = Derivation(
        "18.1",
        "Gradient of layer normalisation",
        sp.Derivative(total(g[k] * (x[k] - m) / root), x[j]),
        let={**MOMENTS, g[k]: gain[k] * y[k], h[k]: (x[k] - m) / root},
        symbol=r"\bar{x}_j",
    )
    D.step(
        (g[j] - mean(g[k])) / root - (x[j] - m) / root**3 * mean(g[k] * (x[k] - m)),
        "$\\partial m/\\partial x_j = 1/n$ and $\\partial v/\\partial x_j = 2(x_j - m)/n$",
    )
    D.step((g[j] - mean(g[k]) - h[j] * mean(g[k] * h[k])) / root, "in $h = (x - m)/\\sqrt{v + ε}$")
    fixed = {eps: 0.125} if eps.is_Symbol else None
    return D, verify(D, function, args=[y, x, gain], over=(j,), call=call, fixed=fixed, **FULL)


def of_three(number, function, call):
    """Hold x̄ of the first of three entries; `call` takes lists of three cotangents and entries."""
    a, b, d = (sp.symbols(f"{letter}1:4", real=True) for letter in "xgh")
    moments = {m: sum(a) / 3, v: sum((t - m) ** 2 for t in a) / 3}
    root = sp.sqrt(v + EIGHTH)
    weighed = sum(u * (t - m) for t, u in zip(a, b, strict=True))
    D = Derivation(
        number,
        "Three entries normalised together",
        sp.Derivative(weighed / root, a[0]),
        let={**moments, **{c: (t - m) / root for t, c in zip(a, d, strict=True)}},
    )
    D.step(
        (b[0] - sum(b) / 3) / root - (a[0] - m) * weighed / (3 * root**3),
        "$\\partial m/\\partial x_1 = 1/3$ and $\\partial v/\\partial x_1 = 2(x_1 - m)/3$",
    )
    along = sum(u * c for u, c in zip(b, d, strict=True))
    D.step((b[0] - sum(b) / 3 - d[0] * along / 3) / root, "in $h = (x - m)/\\sqrt{v + ε}$")
    return D, verify(
        D, function, args=[*b, *a], points=200, call=lambda *t: call(list(t[:3]), list(t[3:]))
    )


def of_parameters(function, normal, let, call):
    """Hold the gradients of gain and shift, which no function of this module computes otherwise."""
    shift = sp.IndexedBase("beta", shape=(n,), real=True)
    one = sp.KroneckerDelta(j, k)
    D = Derivation(
        "18.21",
        "Gradient of the gain",
        sp.Derivative(total(y[k] * gain[k] * h[k]), gain[j]),
        let={**let, h[k]: normal},
    )
    D.step(total(y[k] * h[k] * one), "each gain has its own feature")
    D.step(y[j] * h[j], "one term is left")
    options = {"args": [y, x], "over": (j,), **FULL}
    pairs = [(D, verify(D, function, **options, call=lambda *a: call(*a)[1]))]
    if let is MOMENTS:
        D = Derivation(
            "18.22",
            "Gradient of the shift",
            sp.Derivative(total(y[k] * (h[k] + shift[k])), shift[j]),
        )
        D.step(total(y[k] * one), "each shift has its own feature")
        D.step(y[j], "one term is left")
        options["args"] = [y]
        pairs.append((D, verify(D, function, **options, call=lambda y: call(y, 2 * y)[2])))
    return pairs


def layer():
    def call(y, x, gain):
        return layer_norm_vjp(y, x, gain, eps=0.125)[0]

    def parameters(y, x):
        return layer_norm_vjp(y, x, np.ones_like(x), np.zeros_like(x), eps=0.125)

    normal = (x[k] - m) / sp.sqrt(v + EIGHTH)
    return [
        of_rows(layer_norm_vjp, call, eps),
        *of_parameters(layer_norm_vjp, normal, MOMENTS, parameters),
    ]


def rms():
    root, square = sp.sqrt(s + EIGHTH), {s: mean(x[i] ** 2, i)}
    D = Derivation(
        "18.2",
        "Gradient of RMSNorm",
        sp.Derivative(total(g[k] * x[k] / root), x[j]),
        let={**square, g[k]: gain[k] * y[k], h[k]: x[k] / root},
        symbol=r"\bar{x}_j",
    )
    D.step(g[j] / root - x[j] / root**3 * mean(g[k] * x[k]), "$\\partial s/\\partial x_j = 2x_j/n$")
    D.step((g[j] - h[j] * mean(g[k] * h[k])) / root, "in $h = x/\\sqrt{s + ε}$")

    def call(y, x, gain=None):
        return rms_norm_vjp(y, x, np.ones_like(x) if gain is None else gain, eps=0.125)

    held = verify(
        D, rms_norm_vjp, args=[y, x, gain], over=(j,), **FULL, call=lambda *a: call(*a)[0]
    )
    return [(D, held), *of_parameters(rms_norm_vjp, x[k] / root, square, call)]


DERIVATIONS = {"layer_norm_vjp": layer, "rms_norm_vjp": rms}
