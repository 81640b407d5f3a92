import numpy as np

from nnbook.functions import (
    Moments,
    kahan_sum,
    merge_moments,
    neumaier_sum,
    pairwise_sum,
    sequential_sum,
    sum_error_bound,
    welford,
)
from tests.cases.base import EVERY_AXIS, Bad, Case, sizes_of

SUMS = (sequential_sum, pairwise_sum, kahan_sum, neumaier_sum)


def numbers(**options):
    return lambda rng, size: ((rng.normal(size=sizes_of(rng, size, 3)),), options)


ANY = {"free": {0: EVERY_AXIS}, "any_rank": (0,)}
CASES = [Case(f.__name__, f, numbers(), None, **ANY) for f in SUMS]
CASES += [Case(f"{f.__name__}, axis 0", f, numbers(axis=0), None, **ANY) for f in SUMS]

BAD = [
    Bad(f"{f.__name__} of a number", lambda f=f: f(3.0), ValueError, r"axis=-1 .* x of shape \(\)")
    for f in (*SUMS, sum_error_bound)
]
BAD += [
    Bad(f"{f.__name__}, axis 1", lambda f=f: f([3.0], axis=1), ValueError, "axis=1 .* x ")
    for f in (*SUMS, sum_error_bound)
]
BAD += [
    Bad(
        "sum_error_bound, method",
        lambda: sum_error_bound([1], "Kahan"),
        ValueError,
        "method must be",
    ),
    Bad("sum_error_bound of text", lambda: sum_error_bound(["a"]), TypeError, "x must hold"),
    Bad("welford of a number", lambda: welford(3.0), ValueError, r"x must have an axis.*\[x\]"),
    Bad("welford of complex numbers", lambda: welford([1j]), TypeError, "x must hold real"),
    Bad(
        "welford, moments a tuple", lambda: welford([1.0], (1, 2, 3)), TypeError, "moments must be"
    ),
    Bad(
        "welford, other shape",
        lambda: welford(np.ones((2, 3)), welford([1.0])),
        ValueError,
        r"one example of x has shape \(3,\), but moments are of examples of shape \(\)",
    ),
    Bad(
        "merge_moments, numbers",
        lambda: merge_moments(Moments(0, 0, 0), 3),
        TypeError,
        "second must",
    ),
    Bad(
        "merge_moments, None", lambda: merge_moments(None, welford([1])), TypeError, "first must be"
    ),
    Bad(
        "merge_moments, shapes",
        lambda: merge_moments(welford([1.0]), welford([[1.0]])),
        ValueError,
        r"first and second must be of examples of one shape.*\(\) and \(1,\)",
    ),
]
