"""Rules of the optimizers: their first steps and their averages; chapter 13 derives momentum."""

import numpy as np
import sympy as sp

from nnbook.checking import Derivation, verify
from nnbook.learning.adam_family import AdamState
from nnbook.learning.adaptive import RMSpropState
from nnbook.learning.decay import coupled_l2, decoupled_decay
from nnbook.learning.optimizers import (
    adam,
    adamw,
    amsgrad,
    nadam,
    nesterov,
    rmsprop,
    sgd,
)

alpha, eps = sp.symbols("alpha epsilon", positive=True)
beta, b1, b2 = sp.symbols("beta beta_1 beta_2", positive=True)
theta, g, m, s, v, y, lam = sp.symbols("theta g m s v y lambda", real=True)
c = sp.Symbol("c", positive=True)
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


def adam_rules():
    pairs = [first_step("14.21", adam, "The first step of Adam")]

    larger, square = sp.symbols("M V", real=True)
    D = Derivation(
        "14.22",
        "The scale of the gradient is not seen",
        larger / sp.sqrt(square),
        domain={v: sp.Interval.open(0, sp.oo)},
        let={larger: c * m, square: c**2 * v},
    )
    D.step(c * m / sp.sqrt(square), "the mean grows with the gradient")
    D.step(m / sp.sqrt(v), "the root grows as much, and $c > 0$ cancels")

    def scaled(m, v):
        # gradients 4 times as large; the memories are 1/2, the gradient of this step is 0, and
        # after 2,000 steps the corrections are 1
        state = AdamState(2000, *one(8 * m, 32 * v))
        return -step(adam(1.0, 0.5, 0.5, 0.0), 0.0, 0.0, state)[0]

    pairs.append((D, verify(D, adam, args=[m, v], domain={m: MILD, v: MILD}, because=WHY,
                            call=scaled, points=100)))  # fmt: skip

    # E m_t for a stationary gradient: three steps
    D = Derivation("14.23", "The bias of the mean gradient", b1 * (b1 * (1 - b1) * g + (1 - b1) * g)
                   + (1 - b1) * g, domain={b1: SHARE})  # fmt: skip
    D.step((1 - b1) * (b1**2 + b1 + 1) * g, "collect the shares")
    D.step((1 - b1**3) * g, "the geometric sum")

    def three(b1, g):
        optimizer = adam(0.0, b1)
        state = optimizer.init(np.array(0.0))
        for _ in range(3):
            _, state = step(optimizer, g, 0.0, state)
        return float(state.m)

    pairs.append((D, verify(D, adam, args=[b1, g], domain={g: MILD}, because=WHY, call=three,
                            points=100)))  # fmt: skip
    return pairs


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


def decay_rules(number, function):
    D = Derivation(
        number,
        "For plain descent the two decays are one",
        theta - alpha * (g + lam * theta),
    )
    D.step(theta - alpha * g - alpha * lam * theta, "multiply out")
    D.step((1 - alpha * lam) * theta - alpha * g, "collect")
    wide = {symbol: (1e-30, 1e30) for symbol in (theta, alpha, g, lam)}
    options = {"args": [theta, alpha, g, lam], "domain": wide, "points": 100,
               "because": ENDS}  # fmt: skip
    wrap = {
        decoupled_decay: lambda alpha, lam: decoupled_decay(sgd(alpha), lam, alpha),
        coupled_l2: lambda alpha, lam: coupled_l2(sgd(alpha), lam),
    }[function]
    return [(D, verify(D, function, call=lambda theta, alpha, g, lam:
                       step(wrap(alpha, lam), g, theta)[0], **options))]  # fmt: skip


def adamw_rules():
    mean, square = sp.symbols("m_1 v_1", real=True)
    root = sp.sqrt(square / (1 - b2)) + eps
    D = Derivation(
        "14.27",
        "The first step of AdamW",
        theta - alpha * (mean / (1 - b1) / root + lam * theta),
        domain={b1: SHARE, b2: SHARE},
        let={mean: (1 - b1) * g, square: (1 - b2) * g**2},
    )
    D.step(theta - alpha * (g / (sp.Abs(g) + eps) + lam * theta), "as for Adam")
    D.step((1 - alpha * lam) * theta - alpha * g / (sp.Abs(g) + eps), "collect")
    wide = {symbol: (1e-30, 1e30) for symbol in (theta, alpha, lam, g, eps)}
    return [(D, verify(D, adamw, args=[theta, alpha, lam, g, eps], domain=wide, because=WHY,
                       call=lambda theta, alpha, lam, g, eps:
                       step(adamw(alpha, eps=eps, weight_decay=lam), g, theta)[0],
                       points=100))]  # fmt: skip


DERIVATIONS = {
    "adam": adam_rules,
    "adamw": adamw_rules,
    "amsgrad": lambda: [first_step("14.28", amsgrad, "The first step of AMSGrad")],
    "coupled_l2": lambda: decay_rules("14.26", coupled_l2),
    "decoupled_decay": lambda: decay_rules("14.30", decoupled_decay),
    "nadam": lambda: [first_step("14.29", nadam, "The first step of NAdam", ahead=True)],
    "nesterov": nesterov_rules,
    "rmsprop": rmsprop_rules,
}
