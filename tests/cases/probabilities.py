"""Softmax, its logarithm and log-sum-exp: over one axis and two, with a temperature."""

import numpy as np

from nnbook import functions as F
from tests.cases.base import EVERY_AXIS, Bad, Case, sizes_of

PAIRS = [
    (F.softmax, F.softmax_vjp),
    (F.log_softmax, F.log_softmax_vjp),
    (F.logsumexp, F.logsumexp_vjp),
]
OPTIONS = [
    {},
    {"axis": 0},
    {"axis": (0, -1)},
    {"temperature": 2.5},
    {"axis": 1, "temperature": 0.3},
]


def drawn(options):
    return lambda rng, size: ((2 * rng.normal(size=sizes_of(rng, size, 3)),), options)


def case(function, vjp, options):
    listed = "".join(f", {name}={value}" for name, value in options.items())
    nothing = function is F.logsumexp and "axis" in options  # is summed where that axis is empty
    sizes = ("random", "one") if nothing else ("random", "one", "empty")
    return Case(
        function.__name__ + listed, function, drawn(options), vjp, sizes=sizes,
        free={0: EVERY_AXIS}, any_rank=(0,),
    )  # fmt: skip


CASES = [case(*pair, options) for pair in PAIRS for options in OPTIONS]
CASES.append(case(F.logsumexp, F.logsumexp_vjp, {"axis": (1, 2), "keepdims": True}))

Z = np.ones((2, 3))
BAD = [
    Bad("softmax, temperature 0", lambda: F.softmax(Z, temperature=0), ValueError,
        "temperature must be positive, got 0"),
    Bad("softmax_vjp, temperature below 0", lambda: F.softmax_vjp(Z, Z, temperature=-1.0),
        ValueError, "temperature must be positive, got -1"),
    Bad("log_softmax, temperature NaN", lambda: F.log_softmax(Z, temperature=np.nan), ValueError,
        "temperature must be finite"),
    Bad("log_softmax_vjp, temperature an array",
        lambda: F.log_softmax_vjp(Z, Z, temperature=[1.0, 2.0]), TypeError, "temperature .*single"),
    Bad("logsumexp, temperature infinite", lambda: F.logsumexp(Z, temperature=np.inf), ValueError,
        "temperature must be finite"),
    Bad("softmax, an axis twice", lambda: F.softmax(Z, axis=(1, -1)), ValueError,
        r"axis=\(1, -1\) names an axis of z, shape .*, twice"),
    Bad("logsumexp, no axis", lambda: F.logsumexp(Z, axis=()), ValueError, "axis is empty"),
    Bad("softmax, one axis of two missing", lambda: F.softmax(Z, axis=(0, 2)), ValueError,
        "axis=2 does not exist in z"),
    Bad("logsumexp_vjp, g without the kept axis",
        lambda: F.logsumexp_vjp(np.ones(2), Z, keepdims=True), ValueError,
        r"g must have the shape of logsumexp\(z, axis=-1\), \(2, 1\)"),
]  # fmt: skip
