import numpy as np

from nnbook.functions import (
    condition_number,
    rayleigh_quotient,
    rayleigh_quotient_vjp,
    spectral_norm,
    spectral_radius,
    svd_2x2,
)
from tests.cases.base import EVERY_AXIS, Bad, Case, sizes_of

A = np.array([[2.0, 1.0], [1.0, 3.0]])
WIDE = np.ones((2, 3))


def quadratic(rng, size):
    (n,) = sizes_of(rng, size, 1)
    return (rng.normal(size=(n, n)), rng.normal(size=n)), {}


def matrix(rng, size):
    return (rng.normal(size=sizes_of(rng, size, 2)),), {}


def square(rng, size):
    (n,) = sizes_of(rng, size, 1)
    return (rng.normal(size=(n, n)),), {}


def stack(rng, size):
    return (rng.normal(size=(*sizes_of(rng, size, 2), 2, 2)),), {}


FULL = {"sizes": ("random", "one")}

CASES = [
    Case(
        "rayleigh_quotient",
        rayleigh_quotient,
        quadratic,
        rayleigh_quotient_vjp,
        of=(0, 1),
        **FULL,
    ),
    Case("spectral_norm", spectral_norm, matrix, None, free={0: EVERY_AXIS}, **FULL),
    Case("spectral_radius", spectral_radius, square, None, **FULL),
    Case("condition_number", condition_number, matrix, None, free={0: EVERY_AXIS}, **FULL),
    Case("svd_2x2", svd_2x2, stack, None, free={0: (0, 1)}, any_rank=(0,)),
]

BAD = [
    Bad(
        "rayleigh_quotient at 0",
        lambda: rayleigh_quotient(A, [0, 0]),
        ValueError,
        "x must not be all",
    ),
    Bad(
        "rayleigh_quotient, empty",
        lambda: rayleigh_quotient(np.ones((0, 0)), []),
        ValueError,
        "A is empty",
    ),
    Bad(
        "rayleigh_quotient, wide",
        lambda: rayleigh_quotient(WIDE, [1, 1]),
        ValueError,
        "A must be sq",
    ),
    Bad(
        "rayleigh_quotient, column",
        lambda: rayleigh_quotient(A, [[1.0], [2.0]]),
        ValueError,
        r"x must have shape \(n,\) = \(2,\).*pass x.ravel\(\)",
    ),
    Bad(
        "rayleigh_quotient, vector",
        lambda: rayleigh_quotient([1, 2], [1, 2]),
        ValueError,
        "A must have",
    ),
    Bad(
        "rayleigh_quotient_vjp, g a vector",
        lambda: rayleigh_quotient_vjp([1.0, 2.0], A, [1.0, 0.0]),
        ValueError,
        r"g must be one number.*\(2,\)",
    ),
    Bad("spectral_norm, empty", lambda: spectral_norm(np.ones((0, 3))), ValueError, "A is empty"),
    Bad(
        "spectral_norm, vector",
        lambda: spectral_norm(np.ones(3)),
        ValueError,
        "A must have two axes",
    ),
    Bad(
        "spectral_norm, inf", lambda: spectral_norm([[1, np.inf]]), ValueError, r"A\[0, 1\] is inf"
    ),
    Bad(
        "spectral_norm, longdouble",
        lambda: spectral_norm(A.astype(np.longdouble)),
        TypeError if np.dtype(np.longdouble).itemsize > 8 else (),
        "A has dtype",
    ),
    Bad(
        "spectral_radius, wide", lambda: spectral_radius(WIDE), ValueError, "A must be square.*norm"
    ),
    Bad(
        "spectral_radius, NaN", lambda: spectral_radius([[np.nan]]), ValueError, r"A\[0, 0\] is nan"
    ),
    Bad(
        "spectral_radius, empty", lambda: spectral_radius(np.ones((0, 0))), ValueError, "A is empty"
    ),
    Bad("condition_number, empty", lambda: condition_number([[]]), ValueError, "A is empty"),
    Bad(
        "condition_number, 3-D",
        lambda: condition_number(np.ones((2, 2, 2))),
        ValueError,
        "A must have",
    ),
    Bad("condition_number, NaN", lambda: condition_number([[1, np.nan]]), ValueError, r"A\[0, 1\]"),
    Bad("svd_2x2, wide", lambda: svd_2x2(WIDE), ValueError, r"A must have shape \(2, 2\)"),
    Bad("svd_2x2, a number", lambda: svd_2x2(2.0), ValueError, r"A must have shape \(2, 2\)"),
    Bad("svd_2x2, 3 by 3", lambda: svd_2x2(np.eye(3)), ValueError, r"A must have shape"),
]
BAD = [bad for bad in BAD if bad.error]
