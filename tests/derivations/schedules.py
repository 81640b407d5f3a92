"""The schedule that no chapter derives whole; chapter 12 has the others."""

import sympy as sp

from nnbook.checking import Derivation, verify
from nnbook.learning.schedules import one_cycle

alpha, t = sp.symbols("alpha t", positive=True)
STEPS = 64


def rise():
    low = alpha / 25
    D = Derivation("12.22", "The way up of one cycle",
                   low + (alpha - low) * (1 - sp.cos(sp.pi * t / 16)) / 2)  # fmt: skip
    D.step(low + (alpha - low) * sp.sin(sp.pi * t / 32) ** 2, "half the angle")
    return [(D, verify(D, one_cycle, args=[alpha, t], domain={alpha: (1e-200, 1e200), t: (0, 16)},
                       because=f"a schedule of {STEPS} steps", points=100,
                       call=lambda a, t: one_cycle(float(a), STEPS, warmup=0.25)(float(t))))]


DERIVATIONS = {"one_cycle": rise}
