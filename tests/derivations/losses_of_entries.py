"""The slopes of the losses that each entry has of its own, and one bend."""

import numpy as np
import sympy as sp

from nnbook import functions as F
from nnbook.checking import Derivation, verify
from nnbook.checking.matrix import dimensions, pairing

N, K = dimensions("N K")
P, T = sp.MatrixSymbol("P", N, K), sp.MatrixSymbol("T", N, K)
z, y, e, s, t = sp.symbols("z y e s t", real=True)
delta = sp.Symbol("delta", positive=True)
UNIT = {"domain": {y: sp.Interval(0, 1)}, "because": "a target is a probability"}


def without(*points):
    """Return the real line without the kinks."""
    return sp.Complement(sp.S.Reals, sp.FiniteSet(*points))


def of_entries(loss):
    """Return a loss or slope as a function of its first argument, the second being constant."""
    return lambda x, constant=0.0, **keywords: loss(
        x, np.full_like(x, constant), reduction="none", **keywords
    )


def bce_with_logits_grad():
    d = Derivation(
        "7.33", "Binary cross-entropy's slope", sp.Derivative(sp.log(1 + sp.exp(z)) - y * z, z)
    )
    d.step(sp.exp(z) / (1 + sp.exp(z)) - y, "chain rule")
    d.step(1 / (1 + sp.exp(-z)) - y, "divide by $e^z$: the logistic function")
    v = verify(
        d, F.bce_with_logits_grad, args=[z, y], points=300, **UNIT,
        call=lambda z, y: F.bce_with_logits_grad(np.array([z]), np.array([y]))[0],
    )  # fmt: skip
    return [(d, v)]


def bce_with_logits_hess():
    d = Derivation(
        "7.24", "Binary cross-entropy's bend", sp.Derivative(1 / (1 + sp.exp(-z)) - y, z)
    )
    d.step(sp.exp(-z) / (1 + sp.exp(-z)) ** 2, "the target is a constant")
    d.step(1 / (1 + sp.exp(-z)) / (1 + sp.exp(z)), "one factor times $e^z$, above and below")
    v = verify(d, F.bce_with_logits_hess, args=z, points=5000,
               call=of_entries(F.bce_with_logits_hess))  # fmt: skip
    return [(d, v)]


def mse_grad():
    d = Derivation(
        "7.34",
        "The slope of the mean squared error",
        sp.Derivative(pairing(P - T, P - T) / (N * K), P),
        symbol=r"\bar{P}",
    )
    d.step(
        sp.Derivative((pairing(P, P) - 2 * pairing(T, P) + pairing(T, T)) / (N * K), P),
        "the square of a difference",
    )
    d.step(2 * (P - T) / (N * K), r"$\partial \operatorname{tr}(P^\top P)/\partial P = 2P$")
    return [(d, verify(d, F.mse_grad, args=[P, T], empty=False, shapes=20))]


def squared_error_grad():
    d = Derivation(
        "7.25",
        "Half the squares, averaged over the examples",
        sp.Derivative(pairing(P - T, P - T) / (2 * N), P),
        symbol=r"\bar{P}",
    )
    d.step(
        sp.Derivative((pairing(P, P) - 2 * pairing(T, P) + pairing(T, T)) / (2 * N), P),
        "the square of a difference",
    )
    d.step((P - T) / N, "the half cancels the 2")
    return [(d, verify(d, F.squared_error_grad, args=[P, T], empty=False, shapes=20))]


def mae_grad():
    d = Derivation(
        "7.26",
        "The slope of the absolute error",
        sp.Derivative(sp.sqrt(e**2), e),
        domain=without(0),
    )
    d.step(e / sp.sqrt(e**2), "chain rule")
    d.step(sp.sign(e), "the root is $|e|$")
    v = verify(d, F.mae_grad, args=e, call=of_entries(F.mae_grad), chosen={0: 0}, points=5000)
    return [(d, v)]


def huber_grad():
    branches = sp.Piecewise(
        (e**2 / 2, sp.Abs(e) <= delta), (delta * (sp.Abs(e) - delta / 2), True)
    )
    value = Derivation("7.27", "Huber's branches in one formula", branches)
    nearer = sp.Min(sp.Abs(e), delta)
    value.step(nearer * (sp.Abs(e) - nearer / 2), "$q = |e|$ within, $q = \\delta$ beyond")
    value.step(nearer * sp.Abs(e) - nearer**2 / 2, "expand")
    slope = Derivation("7.35", "Huber's slope", sp.Derivative(branches, e))
    slope.step(
        sp.Piecewise((e, sp.Abs(e) <= delta), (delta * sp.sign(e), True)),
        "branch by branch; both give $\\pm\\delta$ at $|e| = \\delta$",
    )
    slope.step(sp.Max(-delta, sp.Min(delta, e)), "the difference, bounded by $\\delta$")

    def at(loss):
        return lambda e, delta: loss(np.array([e]), np.zeros(1), delta=delta, reduction="none")[0]

    return [
        (value, verify(value, F.huber, args=[e, delta], points=100, call=at(F.huber))),
        (slope, verify(slope, F.huber_grad, args=[e, delta], points=200, call=at(F.huber_grad))),
    ]


def hinge_grad():
    pairs = []
    for number, label in (("7.28", 1), ("7.29", -1)):
        d = Derivation(
            number,
            f"The slope of the hinge at the label {label}",
            sp.Derivative(sp.Max(0, 1 - label * s), s),
            domain=without(label),
        )
        d.step(
            sp.Derivative(1 - label * s, s) * sp.Heaviside(1 - label * s, 0),
            "flat where the margin exceeds 1",
        )
        d.step(-label * sp.Heaviside(1 - label * s, 0), "a straight line below")
        call = of_entries(F.hinge_grad)
        v = verify(
            d, F.hinge_grad, args=s, chosen={label: 0}, points=5000,
            call=lambda s, call=call, label=label: call(s, label),
        )  # fmt: skip
        pairs.append((d, v))
    return pairs


DERIVATIONS = {
    "bce_with_logits_grad": bce_with_logits_grad,
    "bce_with_logits_hess": bce_with_logits_hess,
    "hinge_grad": hinge_grad,
    "huber_grad": huber_grad,
    "mae_grad": mae_grad,
    "mse_grad": mse_grad,
    "squared_error_grad": squared_error_grad,
}
