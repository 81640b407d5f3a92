"""Slopes of the losses that each entry has of its own; chapter 7 derives the others."""

import numpy as np
import sympy as sp

from nnbook import functions as F
from nnbook.checking import Derivation, verify

e, s = sp.symbols("e s", real=True)
delta = sp.Symbol("delta", positive=True)


def without(*points):
    """Return the real line without the kinks."""
    return sp.Complement(sp.S.Reals, sp.FiniteSet(*points))


def of_entries(loss):
    """Return a loss or slope as a function of its first argument, the second being constant."""
    return lambda x, constant=0.0, **keywords: loss(
        x, np.full_like(x, constant), reduction="none", **keywords
    )


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


def huber():
    branches = sp.Piecewise(
        (e**2 / 2, sp.Abs(e) <= delta), (delta * (sp.Abs(e) - delta / 2), True)
    )
    d = Derivation("7.27", "Huber's branches in one formula", branches)
    nearer = sp.Min(sp.Abs(e), delta)
    d.step(nearer * (sp.Abs(e) - nearer / 2), "$q = |e|$ within, $q = \\delta$ beyond")
    d.step(nearer * sp.Abs(e) - nearer**2 / 2, "expand")
    v = verify(
        d, F.huber, args=[e, delta], points=100,
        call=lambda e, delta: F.huber(np.array([e]), np.zeros(1), delta=delta),
    )  # fmt: skip
    return [(d, v)]


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


DERIVATIONS = {"hinge_grad": hinge_grad, "huber": huber, "mae_grad": mae_grad}
