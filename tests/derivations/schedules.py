"""Schedules: the forms in which they are computed, from those that are printed."""

import sympy as sp

from nnbook.checking import Derivation, verify
from nnbook.learning.schedules import (
    cosine_decay,
    inverse_time_decay,
    linear_warmup,
    one_cycle,
    polynomial_decay,
)

alpha, end, t, T = sp.symbols("alpha omega t T", positive=True)
rate = sp.Symbol("k", positive=True)
RATES = (1e-200, 1e200)
STEPS = 64


def held(D, function, schedule, *rates, within=(0, STEPS)):
    """Hold a schedule of 64 steps to a derivation in its rates and t."""
    return D, verify(
        D,
        function,
        args=[*rates, t],
        domain={**dict.fromkeys(rates, RATES), t: within},
        because=f"a schedule of {STEPS} steps",
        fixed={T: float(STEPS)},
        call=lambda *numbers: schedule(*map(float, numbers[:-1]))(float(numbers[-1])),
        points=100,
    )


def cosine():
    D = Derivation(
        "12.21",
        "Half a wave without cancellation",
        end + (alpha - end) * (1 + sp.cos(sp.pi * t / T)) / 2,
    )
    D.step(end + (alpha - end) * sp.cos(sp.pi * t / (2 * T)) ** 2, "half the angle")
    D.step(end + (alpha - end) * sp.sin(sp.pi * (T - t) / (2 * T)) ** 2, "from the other end")
    return [held(D, cosine_decay, lambda a, e: cosine_decay(a, STEPS, e), alpha, end)]


def rise():
    low = alpha / 25
    D = Derivation("12.22", "The way up of one cycle",
                   low + (alpha - low) * (1 - sp.cos(sp.pi * t / 16)) / 2)  # fmt: skip
    D.step(low + (alpha - low) * sp.sin(sp.pi * t / 32) ** 2, "half the angle")
    return [held(D, one_cycle, lambda a: one_cycle(a, STEPS, warmup=0.25), alpha, within=(0, 16))]


def hyperbola():
    D = Derivation("12.23", "The reciprocal grows in a straight line", alpha / (1 + rate * t))
    D.step(1 / (1 / alpha + rate / alpha * t), "divide by the rate")

    def schedule(a, k):
        return inverse_time_decay(a, k)

    wide = {alpha: (1e-100, 1e100), rate: (1e-100, 1e100), t: (1e-100, 1e100)}
    return [(D, verify(D, inverse_time_decay, args=[alpha, rate, t], domain=wide, points=100,
                       because="products of two numbers of the format's ends overflow",
                       call=lambda a, k, t: schedule(float(a), float(k))(float(t))))]  # fmt: skip


def line():
    D = Derivation("12.24", "A straight line from one rate to another",
                   end + (alpha - end) * (1 - t / T))  # fmt: skip
    D.step(end * t / T + alpha * (T - t) / T, "each rate by its share")
    return [held(D, polynomial_decay, lambda a, e: polynomial_decay(a, STEPS, end=e), alpha, end)]


def warmup():
    D = Derivation("12.25", "A straight line up", end + (alpha - end) * t / T)
    D.step(end * (T - t) / T + alpha * t / T, "each rate by its share")
    return [held(D, linear_warmup, lambda a, e: linear_warmup(a, STEPS, e), alpha, end)]


DERIVATIONS = {
    "cosine_decay": cosine,
    "inverse_time_decay": hyperbola,
    "linear_warmup": warmup,
    "one_cycle": rise,
    "polynomial_decay": line,
}
