"""Rules of the optimizers that no chapter derives; chapters 13 and 14 have the others."""

import numpy as np
import sympy as sp

from nnbook.checking import Derivation, verify
from nnbook.learning.adaptive import RMSpropState
from nnbook.learning.optimizers import amsgrad, nadam, nesterov, rmsprop

alpha, eps = sp.symbols("alpha epsilon", positive=True)
beta, b1, b2 = sp.symbols("beta beta_1 beta_2", positive=True)
g, m, s, y = sp.symbols("g m s y", real=True)
SHARE = sp.Interval.open(0, 1)
# far from the ends of the format: no square of a gradient overflows or vanishes
MILD = (1e-30, 1e30)
ENDS = "products of two numbers of the format's ends overflow"
WHY = "squares of gradients are kept in the format of the gradients"


def one(*numbers):
    return [np.array(float(number)) for number in numbers]


def step(optimizer, g, theta=0.0, state=None):
    """Return the parameter after one update, and the state."""
    theta, g = one(theta, g)
    new, state = optimizer.update(g, optimizer.init(theta) if state is None else state, theta)
    return float(new), state


def first_step(number, make, title, ahead=False):
    """Derive the first step of Adam and its kin from their recursions."""
    mean, square = sp.symbols("m_1 v_1", real=True)
    corrected = mean / (1 - b1)
    root = sp.sqrt(square / (1 - b2)) + eps
    if ahead:
        corrected = b1 * mean / (1 - b1**2) + (1 - b1) * g / (1 - b1)
    D = Derivation(
        number,
        title,
        -alpha * corrected / root,
        domain={b1: SHARE, b2: SHARE},
        let={mean: (1 - b1) * g, square: (1 - b2) * g**2},
    )
    factor, args = 1, [alpha, g, eps]
    if ahead:
        D.step(-alpha * g * (b1 * (1 - b1) / (1 - b1**2) + 1) / root, "$m_1 = (1 - β_1) g$")
        factor, args = 1 + b1 / (1 + b1), [alpha, b1, g, eps]
        D.step(-alpha * g * factor / root, "$1 - β_1^2 = (1 - β_1)(1 + β_1)$")
    else:
        D.step(-alpha * g / root, "$m_1 = (1 - β_1) g$, and the correction undoes the share")
    D.step(-alpha * g * factor / (sp.Abs(g) + eps), "$v_1 = (1 - β_2) g^2$ likewise")

    def call(alpha, *rest):
        *memory, g, eps = rest
        return step(make(alpha, *(memory or [0.9]), 0.999, eps), g)[0]

    return D, verify(D, make, args=args, domain={g: MILD, alpha: MILD, eps: MILD}, because=WHY,
                     call=call, points=100)  # fmt: skip


def nesterov_rules():
    D = Derivation("13.25", "The first step of Nesterov", y - alpha * g + beta * (0 - alpha * g),
                   domain={beta: SHARE})  # fmt: skip
    D.step(y - (1 + beta) * alpha * g, "collect")

    def first(y, beta, alpha, g):
        return step(nesterov(alpha, beta), g, y)[0]

    wide = {y: MILD, alpha: (1e-9, 1e9), g: MILD}
    return [(D, verify(D, nesterov, args=[y, beta, alpha, g], domain=wide, because=ENDS,
                       call=first, points=100))]  # fmt: skip


def rmsprop_rules():
    D = Derivation(
        "14.25",
        "The running variance without a difference",
        b2 * (s + m**2) + (1 - b2) * g**2 - (b2 * m + (1 - b2) * g) ** 2,
        domain={b2: SHARE},
    )
    D.step(b2 * s + b2 * (1 - b2) * (g**2 - 2 * g * m + m**2), "multiply out and collect")
    D.step(b2 * (s + (1 - b2) * (g - m) ** 2), "a square, so never negative")

    def variance(b2, s, m, g):
        state = RMSpropState(3, *one(s, m))
        return float(step(rmsprop(0.0, b2, centered=True), g, 0.0, state)[1].s)

    mild = {s: (1e-30, 1e30), m: MILD, g: MILD}
    return [(D, verify(D, rmsprop, args=[b2, s, m, g], domain=mild, because=WHY, call=variance,
                       points=100))]  # fmt: skip


DERIVATIONS = {
    "amsgrad": lambda: [first_step("14.28", amsgrad, "The first step of AMSGrad")],
    "nadam": lambda: [first_step("14.29", nadam, "The first step of NAdam", ahead=True)],
    "nesterov": nesterov_rules,
    "rmsprop": rmsprop_rules,
}
