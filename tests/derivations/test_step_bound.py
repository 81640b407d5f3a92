"""The longest step of Adam: a theorem, with the hypotheses that it needs, held to the code."""

import functools
import math

import numpy as np

from nnbook.checking import Theorem, verify
from nnbook.learning.adam_family import AdamState, adam


def bound(b1, b2):
    return (1 - b1) / math.sqrt((1 - b2) * (1 - b1**2 / b2))


def ratio(b1, b2, gradients, start=(0.0, 0.0)):
    """Return m/√v after the gradients, as Adam's state has them."""
    optimizer, state = adam(0.0, b1, b2), AdamState(0, *map(np.array, start))
    for number in gradients:
        _, state = optimizer.update(np.array(number), state, np.array(0.0))
    return float(state.m) / math.sqrt(float(state.v))


@functools.cache
def reached(b1=0.9, b2=0.999):
    return ratio(b1, b2, (b1 / b2) ** np.arange(120.0, -1.0, -1.0)) / bound(b1, b2)


def test_the_bound_on_a_step_is_a_theorem_that_adam_keeps(capsys):
    T = Theorem(
        "14.24",
        "The longest step of Adam",
        "without corrections and ε, $|m_t|/\\sqrt{v_t} \\le (1-β_1) / "
        "\\sqrt{(1-β_2)(1-β_1^2/β_2)}$",
        hypotheses=["$β_1^2 < β_2$", "the moments start at 0"],
        proof="$m_t = (1-β_1) \\sum_k β_1^k g_{t-k} = (1-β_1) \\sum_k (β_1/\\sqrt{β_2})^k \\cdot "
        "\\sqrt{β_2}^k g_{t-k}$. By Cauchy and Schwarz its square is at most $(1-β_1)^2 \\sum_k "
        "(β_1^2/β_2)^k \\cdot \\sum_k β_2^k g_{t-k}^2$; the first sum is below "
        "$1/(1-β_1^2/β_2)$, the second is $v_t/(1-β_2)$.",
        constants={"g = (β₁/β₂)ᵏ comes within a millionth": lambda: reached() > 1 - 1e-6},
        counterexamples=[
            lambda: (ratio(0.9, 0.5, [1.0, *[0.0] * 60]) > 1e5,
                     "$β_1 = 0.9$, $β_2 = 0.5$: 60 steps after a lone spike it is above 100,000"),
            lambda: (ratio(0.9, 0.999, [0.0], (1.0, 1e-12)) > 1e5,
                     "$m = 1$, $v = 10^{-12}$ at the start: after one step it is 900,450"),
        ],
    )

    def holds(rng):
        b1, b2 = rng.uniform(0, 1, 2)
        b1 = min(b1, 0.99 * math.sqrt(b2))
        steps = rng.integers(1, 40)
        gradients = np.exp(rng.normal(scale=2, size=steps)) * rng.choice([-1, 1], steps)
        return abs(ratio(b1, b2, gradients)), bound(b1, b2) * (1 + 1e-12)

    found = verify(T, adam, holds=holds, points=500)
    assert T.level == "T" and found.points == 500 and reached() < 1
