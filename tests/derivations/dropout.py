"""Inverted dropout: its gradient, and the mean and variance of what it gives."""

import numpy as np
import sympy as sp

from nnbook.checking import Derivation, verify
from nnbook.checking.matrix import dimensions, pairing
from nnbook.functions import dropout_vjp

x = sp.Symbol("x", real=True)
p = sp.Symbol("p", nonnegative=True)
RATES = {p: sp.Interval.Ropen(0, 1)}
N, n = dimensions("N n")
X, M, G = (sp.MatrixSymbol(s, N, n) for s in ("X", "M", "G"))


def masks(rng, shape):
    return (rng.random(shape) < 0.75).astype(float)


def dropped():
    """Each entry is x/(1 - p) with probability 1 - p, and 0 with probability p."""
    kept = sp.Rational(4, 3)
    D = Derivation(
        "17.21",
        "Gradient of dropout, a quarter dropped",
        sp.Derivative(pairing(G, kept * sp.HadamardProduct(M, X)), X),
        symbol=r"\bar{X}",
    )
    D.step(
        sp.Derivative(pairing(kept * sp.HadamardProduct(M, G), X), X), "⊙ with M is its own adjoint"
    )
    D.step(
        kept * sp.HadamardProduct(M, G), "$\\partial \\operatorname{tr}(C^\\top X)/\\partial X = C$"
    )

    def call(g, mask):
        return dropout_vjp(g, np.zeros_like(g), 0.25, mask=mask > 0.5)

    pairs = [(D, verify(D, dropout_vjp, args=[G, M], sample={M: masks}, call=call))]
    value = x / (1 - p)
    D = Derivation(
        "17.22",
        "Mean of inverted dropout",
        sp.Add(sp.Mul(p, 0, evaluate=False), sp.Mul(1 - p, value, evaluate=False), evaluate=False),
        domain=RATES,
    )
    D.step(x, "what is kept makes up for what is dropped")
    pairs.append((D, None))
    D = Derivation(
        "17.5",
        "Variance of inverted dropout",
        sp.Add(p * (0 - x) ** 2, (1 - p) * (value - x) ** 2, evaluate=False),
        domain=RATES,
    )
    D.step(p * x**2 + (1 - p) * (p * x / (1 - p)) ** 2, "$1/(1 - p) - 1 = p/(1 - p)$")
    D.step(x**2 * p / (1 - p), "one denominator")
    return [*pairs, (D, None)]


DERIVATIONS = {"dropout_vjp": dropped}
