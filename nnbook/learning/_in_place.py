"""The optimizers of most runs once more, writing into one flat vector, block by block.

A block of 65,536 numbers passes through a dozen NumPy calls while it lies in the cache; with a loop
over the arrays of a network instead, Adam takes 1.1 to 1.6 times as long a step.
Constants are folded: a running mean is kept as m / (1 − β), so that its update is one product and
one sum, and the corrections go into the step size and ε. `nnbook.learning.optimizers` is the page;
a test holds each rule to it. An optimizer without a rule here steps by the page's own update.

A rule is a function of an optimizer's settings that returns a `Rule`, or None where it does not
know them. Its ``at(t, alpha)`` gives ``step(p, g, *slots, s)`` for the step after t others; p, g
and the slots are blocks of equal length, s is a block to write in.
"""

import functools
import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from nnbook.learning._updates import one_minus_power

BLOCK = 65_536  # numbers; half as many lose a tenth to the cost of the calls, more gain nothing


class Rule(NamedTuple):
    """How an optimizer steps in place.

    Attributes
    ----------
    slots : mapping of str to float
        The fields of the page's state that are arrays, and the factor between what the state says
        and what is stored here.
    at : callable
        As above.
    folds : bool
        Whether the gradient comes multiplied by −α already.
    """

    slots: Mapping[str, float]
    at: Callable
    folds: bool = False


def sgd():
    """Take one pass: −α is in the gradient already, from the loss on. 9 to 12 % of a small step."""

    def at(t, alpha):  # for steps that may overflow; the others are one np.add
        return lambda p, g, s: np.add(p, np.multiply(g, -alpha, s), p)

    return Rule({}, at, folds=True)


def momentum(beta, form):
    """Keep v⁺ = βv − αg, or v⁺ = βv + g, or v⁺ = βv + (1 − β)g, as its form says."""

    def at(t, alpha):
        gain, stride = {
            "velocity": (-alpha, 1.0), "sum": (1.0, -alpha), "average": (1 - beta, -alpha),
        }[form]  # fmt: skip

        def step(p, g, v, s):
            np.multiply(v, beta, v)
            np.add(v, np.multiply(g, gain, s), v)
            np.add(p, np.multiply(v, stride, s), p)

        return step

    return Rule({"v": 1.0}, at)


def nesterov_rewritten(beta):
    """Step to y − αg + β v⁺, the next look-ahead point."""
    if callable(beta):
        return None

    def at(t, alpha):
        def step(p, g, v, s):
            np.multiply(g, -alpha, s)
            np.multiply(v, beta, v)
            np.add(v, s, v)
            np.add(p, s, p)
            np.add(p, np.multiply(v, beta, s), p)

        return step

    return Rule({"v": 1.0}, at)


def adagrad(eps):
    """Add up g², and divide by its root."""

    def at(t, alpha):
        def step(p, g, total, s):
            np.add(total, np.multiply(g, g, s), total)
            _divide(g, total, eps, s)
            np.add(p, np.multiply(s, -alpha, s), p)

        return step

    return Rule({"s": 1.0}, at)


def rmsprop(beta2, eps, centered, momentum):
    """Keep s / (1 − β₂)."""
    if centered or momentum:
        return None
    root = math.sqrt(1 - beta2)

    def at(t, alpha):
        def step(p, g, square, s):
            np.multiply(square, beta2, square)
            np.add(square, np.multiply(g, g, s), square)
            _divide(g, square, eps / root, s)
            np.add(p, np.multiply(s, -alpha / root, s), p)

        return step

    return Rule({"s": 1 - beta2}, at)


def adam(beta1, beta2, eps, weight_decay=0.0, where=None):
    """Keep m / (1 − β₁) and v / (1 − β₂): ten passes, or eleven with decoupled decay."""
    if where is not None:
        return None
    rates = functools.cache(lambda dtype: (np.array(beta1, dtype), np.array(beta2, dtype)))

    def at(t, alpha):
        c1, c2 = one_minus_power(beta1, t + 1), one_minus_power(beta2, t + 1)
        root = math.sqrt((1 - beta2) / c2)  # √v̂ is this times the root of what is kept
        stride, floor = -alpha * (1 - beta1) / (c1 * root), eps / root

        def step(p, g, m, v, s):
            # arrays, for a number among the arguments adds 0.3 µs to each call
            keep_m, keep_v = rates(p.dtype)
            np.multiply(m, keep_m, m)
            np.add(m, g, m)
            np.multiply(v, keep_v, v)
            np.add(v, np.multiply(g, g, s), v)
            _divide(m, v, floor, s)
            np.multiply(s, np.array(stride, s.dtype), s)
            if weight_decay:
                np.multiply(p, 1 - alpha * weight_decay, p)
            np.add(p, s, p)

        return step

    return Rule({"m": 1 - beta1, "v": 1 - beta2}, at)


def _divide(x, square, eps, s):
    """Write x / (√square + ε) into s; where x is 0 it is 0, for ε = 0 too."""
    np.sqrt(square, s)
    if eps > 0:
        np.add(s, np.array(eps, s.dtype), s)
    else:
        s[x == 0] = 1.0
    np.divide(x, s, s)


RULES = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov_rewritten": nesterov_rewritten,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adam,
}


def rule_of(optimizer):
    """Return the rule of an optimizer, or None if it steps by the page's own update."""
    rule = RULES.get(optimizer.name)
    return rule and rule(**optimizer.settings)


def cannot_overflow(settings, alpha):
    """Return whether a step from finite numbers, with a gradient of finite square, ends in such.

    A square that is finite in float32 bounds the gradient by 2e19; with these limits a step is at
    most 2e19 · 1e3 · 1e12, below 1e35. Outside them a step is taken on trial, with a copy to return
    to: that costs a pass, and no usual optimizer pays it.
    """
    return (
        alpha <= 1e3
        and settings.get("eps", 1.0) >= 1e-12
        and alpha * settings.get("weight_decay", 0.0) <= 1.0
    )


def update(rule, alpha, t, p, g, slots, scratch):
    """Take the step after t others, block by block."""
    step = rule.at(t, alpha)
    if p.size <= BLOCK:
        return step(p, g, *slots, scratch[: p.size])
    for start in range(0, p.size, BLOCK):
        part = slice(start, start + BLOCK)
        block = p[part]
        step(block, g[part], *(slot[part] for slot in slots), scratch[: block.size])
