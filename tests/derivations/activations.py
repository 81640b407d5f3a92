"""The slopes of the activations that no chapter derives yet; chapter 18 compares them."""

import numpy as np
import sympy as sp

from nnbook import functions as F
from nnbook.checking import Derivation, verify
from nnbook.functions.exponential_units import SELU_ALPHA, SELU_SCALE

z, u, g, h, y = sp.symbols("z u g h y", real=True)
alpha, beta = sp.symbols("alpha beta", positive=True)
scale = sp.Symbol("lambda", positive=True)
sigma, softplus, phi = (sp.Function(n, real=True) for n in ("sigma", "softplus", "phi"))
LOGISTIC = {sigma: sp.Lambda(z, 1 / (1 + sp.exp(-z)))}
SOFTPLUS = {softplus: sp.Lambda(z, sp.log(1 + sp.exp(z)))}
APART = sp.Union(sp.Interval.open(-sp.oo, 0), sp.Interval.open(0, sp.oo))
HARD = sp.Union(sp.Interval.open(-sp.oo, -3), sp.Interval.open(-3, 3), sp.Interval.open(3, sp.oo))
SIXTH = sp.Rational(1, 6)


def bent(right, left):
    """Return a function by its two branches, at 0 the left one."""
    return sp.Piecewise((right, z > 0), (left, True))


def hard(left, inside, right):
    return sp.Piecewise((left, z < -3), (inside, z < 3), (right, True))


def identity_prime():
    start = sp.Derivative(phi(z), z)
    d = Derivation("18.21", "The identity's slope", start, let={phi: sp.Lambda(z, z)},
                   domain={z: sp.S.Reals, u: APART})  # fmt: skip
    d.step((phi(z + u) - phi(z)) / u, "a straight line slopes like every difference quotient")
    d.step(1, "$(z + u) - z = u$")
    return [(d, verify(d, F.identity_prime, points=3000, args=z, fixed={u: 0.5}))]


def relu_prime():
    start = sp.Derivative(bent(z, 0 * z), z)
    d = Derivation("18.20", "The slope of ReLU", start, domain={z: APART})
    d.step(bent(sp.Derivative(z, z), 0), "branch by branch")
    d.step(bent(1, 0), "the slope of $z$ is 1")
    return [(d, verify(d, F.relu_prime, points=3000, chosen={0: 0}))]


def leaky_relu_prime():
    start = sp.Derivative(bent(z, alpha * z), z)
    d = Derivation("18.22", "The slope of leaky ReLU", start, domain={z: APART})
    d.step(bent(sp.Derivative(z, z), alpha * sp.Derivative(z, z)), "branch by branch")
    d.step(bent(1, alpha), "the slope of $z$ is 1")
    held = verify(d, F.leaky_relu_prime, points=3000, args=z, fixed={alpha: 0.25}, chosen={0: 0.25},
                  call=lambda z: F.leaky_relu_prime(z, 0.25))  # fmt: skip
    return [(d, held)]


def elu_prime():
    start = sp.Derivative(bent(z, alpha * (sp.exp(z) - 1)), z)
    d = Derivation("18.23", "The slope of ELU", start, domain={z: APART})
    d.step(bent(1, alpha * sp.Derivative(sp.exp(z) - 1, z)), "branch by branch")
    d.step(bent(1, alpha * sp.exp(z)), "the exponential is its own slope")
    held = verify(d, F.elu_prime, points=3000, args=z, fixed={alpha: 0.75}, chosen={0: 0.75},
                  call=lambda z: F.elu_prime(z, 0.75))  # fmt: skip
    return [(d, held)]


def selu_prime():
    constants = {scale: sp.Rational(str(SELU_SCALE)), alpha: sp.Rational(str(SELU_ALPHA))}
    start = sp.Derivative(scale * bent(z, alpha * (sp.exp(z) - 1)), z)
    d = Derivation("18.24", "The slope of SELU", start, domain={z: APART}, let=constants)
    d.step(scale * sp.Derivative(bent(z, alpha * (sp.exp(z) - 1)), z), "a constant factor")
    d.step(bent(scale, scale * alpha * sp.exp(z)), "by the slope of ELU")
    kink = float(SELU_SCALE * SELU_ALPHA)
    return [(d, verify(d, F.selu_prime, points=3000, chosen={0: kink}, dtypes=("float64",)))]


def celu_prime():
    start = sp.Derivative(bent(z, alpha * (sp.exp(z / alpha) - 1)), z)
    d = Derivation("18.25", "The slope of CELU", start, domain={z: APART})
    d.step(bent(1, alpha * sp.Derivative(sp.exp(z / alpha) - 1, z)), "branch by branch")
    d.step(bent(1, sp.exp(z / alpha)), "the factor cancels what the chain rule divides by")
    held = verify(d, F.celu_prime, points=3000, args=z, fixed={alpha: 0.75}, chosen={0: 1},
                  call=lambda z: F.celu_prime(z, 0.75))  # fmt: skip
    return [(d, held)]


def mish_prime():
    let = {**SOFTPLUS, **LOGISTIC}
    start = sp.Derivative(z * sp.tanh(softplus(z)), z)
    d = Derivation("18.26", "The slope of Mish", start, let=let)
    gate, bend = sp.tanh(softplus(z)), 1 - sp.tanh(softplus(z)) ** 2
    d.step(gate + z * bend * sp.Derivative(softplus(z), z), "product rule and chain rule")
    d.step(gate + z * bend * sigma(z), "softplus slopes like $\\sigma$")
    w = sp.exp(z) * (sp.exp(z) + 2)
    d.step(w / (w + 2) + 4 * z * sp.exp(z) * (1 + sp.exp(z)) / (w + 2) ** 2, "by (18.27)")
    return [(d, verify(d, F.mish_prime, points=3000)), mish()]


def mish():
    """The form that the code computes."""
    d = Derivation("18.27", "Mish with one exponential", z * sp.tanh(softplus(z)), let=SOFTPLUS)
    squared = (1 + sp.exp(z)) ** 2
    d.step(z * (squared - 1) / (squared + 1), "$\\tanh x = (e^{2x} - 1)/(e^{2x} + 1)$")
    w = sp.exp(z) * (sp.exp(z) + 2)
    d.step(z * w / (w + 2), "multiply out")
    return d, verify(d, F.mish, points=3000)


def softsign_prime():
    start = sp.Derivative(z / (1 + sp.Abs(z)), z)
    d = Derivation("18.28", "The slope of softsign", start)
    d.step(((1 + sp.Abs(z)) - z * sp.sign(z)) / (1 + sp.Abs(z)) ** 2, "quotient rule")
    d.step(1 / (1 + sp.Abs(z)) ** 2, "$z \\operatorname{sign} z = |z|$")
    return [(d, verify(d, F.softsign_prime, points=3000))]


def hard_sigmoid_prime():
    """Inside and outside apart, each a line whose spoilt forms show at every point."""
    inside, outside = (sp.Interval.open(-3, 3), HARD - sp.Interval.open(-3, 3))
    d1 = Derivation("18.29", "The slope of the hard sigmoid, inside",
                    sp.Derivative((z + 3) * SIXTH, z), domain={z: inside})  # fmt: skip
    d1.step(SIXTH * sp.Derivative(z + 3, z), "a constant factor")
    d1.step(SIXTH, "the slope of $z + 3$ is 1")
    d2 = Derivation("18.38", "The slope of the hard sigmoid, outside",
                    sp.Derivative(bent(1, 0), z), domain={z: outside})  # fmt: skip
    d2.step(bent(sp.Derivative(sp.S.One, z), sp.Derivative(sp.S.Zero, z)), "branch by branch")
    d2.step(0, "a constant does not slope")
    return [
        (d1, verify(d1, F.hard_sigmoid_prime, points=3000, args=z)),
        (d2, verify(d2, F.hard_sigmoid_prime, points=3000, args=z)),
    ]


def hard_swish_prime():
    start = sp.Derivative(hard(0, z * (z + 3) * SIXTH, z), z)
    d = Derivation("18.30", "The slope of the hard swish", start, domain={z: HARD})
    d.step(hard(0, sp.Derivative(z * (z + 3) * SIXTH, z), 1), "branch by branch")
    d.step(hard(0, (2 * z + 3) * SIXTH, 1), "product rule")
    return [(d, verify(d, F.hard_swish_prime, points=3000, chosen={-3: 0, 3: 1}))]


def silu_prime():
    start = sp.Derivative(z * sigma(beta * z), z)
    d = Derivation("18.31", "The slope of SiLU of any steepness", start, let=LOGISTIC)
    slope = beta * sigma(beta * z) * (1 - sigma(beta * z))
    d.step(
        sigma(beta * z) + z * slope, "product rule, chain rule, and $\\sigma' = \\sigma(1-\\sigma)$"
    )
    d.step(sigma(beta * z) * (1 + beta * z * (1 - sigma(beta * z))), "take $\\sigma$ out")
    held = verify(d, F.silu_prime, points=3000, args=z, fixed={beta: 1.75}, terms=True,
                  call=lambda z: F.silu_prime(z, 1.75))  # fmt: skip
    return [(d, held)]


def prelu_vjp():
    """The two gradients for one number, then the second for two numbers of one channel."""
    here = {z: APART, g: sp.S.Reals}
    d1 = Derivation("18.32", "PReLU's gradient in its input",
                    g * sp.Derivative(bent(z, alpha * z), z), domain=here)  # fmt: skip
    d1.step(g * bent(1, alpha), "by the slope of leaky ReLU")
    d1.step(bent(g, alpha * g), "the factor goes into the branches")
    d2 = Derivation("18.33", "PReLU's gradient in its slope",
                    sp.Derivative(g * bent(z, alpha * z), alpha))  # fmt: skip
    d2.step(g * bent(0, z), "the right branch knows no $\\alpha$")
    d2.step(g * sp.Min(z, 0), "that is the smaller of $z$ and 0")
    both = g * bent(z, alpha * z) + h * bent(z, alpha * z).subs(z, y)
    d3 = Derivation("18.34", "The gradient in a slope that two numbers share",
                    sp.Derivative(both, alpha))  # fmt: skip
    d3.step(g * bent(0, z) + h * bent(0, z).subs(z, y), "term by term")
    d3.step(g * sp.Min(z, 0) + h * sp.Min(y, 0), "by (18.33)")

    def in_input(g, z, alpha):
        return F.prelu_vjp(np.array([[g]]), np.array([[z]]), alpha)[0][0, 0]

    def in_slope(g, z):
        return F.prelu_vjp(np.array([[g]]), np.array([[z]]), np.array([0.5]))[1][0]

    def of_two(g, z, h, y):
        return F.prelu_vjp(np.array([[g], [h]]), np.array([[z], [y]]), np.array([0.5]))[1][0]

    return [
        (d1, verify(d1, F.prelu_vjp, args=[g, z, alpha], call=in_input, points=500)),
        (d2, verify(d2, F.prelu_vjp, args=[g, z], call=in_slope, points=500)),
        (d3, verify(d3, F.prelu_vjp, args=[g, z, h, y], call=of_two, points=500)),
    ]


DERIVATIONS = {
    f.__name__: f
    for f in (
        identity_prime, relu_prime, leaky_relu_prime, elu_prime, selu_prime, celu_prime, mish_prime,
        softsign_prime, hard_sigmoid_prime, hard_swish_prime, silu_prime, prelu_vjp,
    )
}  # fmt: skip
