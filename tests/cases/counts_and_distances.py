"""Counts of a network's parameters and products, distances, and the table of activations."""

import numpy as np

from nnbook.functions import (
    backward_multiply_adds,
    get_activation,
    hyperplane_distance,
    lipschitz_bound,
    multiply_adds,
    parameter_count,
)
from tests.cases.base import Bad, Case, sizes_of


def examples_and_unit(rng, size):
    n, d = sizes_of(rng, size, 2)
    return (rng.normal(size=(n, d)), rng.normal(size=d), np.array(rng.normal())), {}


CASES = [
    Case("hyperplane distance", hyperplane_distance, examples_and_unit, None, free={0: (0,)})
]

BAD = [
    *(
        Bad(f"{f.__name__}, {what}", lambda f=f, sizes=sizes: f(sizes), error, "sizes")
        for f in (parameter_count, multiply_adds, backward_multiply_adds)
        for what, sizes, error in [
            ("one layer", [3], ValueError),
            ("a width of 0", [3, 0, 2], ValueError),
            ("a fraction", [3, 2.5], TypeError),
            ("a number", 3, TypeError),
            ("text", "32", TypeError),
        ]
    ),
    Bad("parameter_count, nothing", lambda: parameter_count([]), ValueError, "sizes"),
    Bad("multiply_adds, no batch", lambda: multiply_adds([2, 3], 0), ValueError, "batch"),
    Bad("backward, 1.5 examples", lambda: backward_multiply_adds([2, 3], 1.5), TypeError, "batch"),
    Bad("get_activation, a typo", lambda: get_activation("rleu"), ValueError, "rleu.*relu"),
    Bad("lipschitz, one matrix", lambda: lipschitz_bound(np.ones(3)), ValueError, "weights"),
    Bad("lipschitz, shapes", lambda: lipschitz_bound([np.ones((2, 3)), np.ones((2, 3))]),
        ValueError, "weights"),
    Bad("lipschitz, slope", lambda: lipschitz_bound([np.ones((2, 3))], slope=-1), ValueError,
        "slope"),
    Bad("distance, no weights", lambda: hyperplane_distance(np.ones((2, 3)), np.zeros(3), 1.0),
        ValueError, r"\bw\b.*hyperplane"),
]  # fmt: skip
