"""Sinusoidal and rotary positions."""

import numpy as np

from nnbook.functions import rotary, rotary_positions, rotary_vjp, sinusoidal_positions
from tests.cases.base import Bad, Case, sizes_of


def rows(rank, **options):
    def draw(rng, size):
        *before, half = sizes_of(rng, size, rank)
        return (rng.normal(size=(*before, 2 * half)),), dict(options)

    return draw


def with_positions(rng, size):
    n, heads, t, half = sizes_of(rng, size, 4)
    X = rng.normal(size=(n, heads, t, 2 * half))
    return (X,), {"positions": rng.integers(0, 50, (n, t)), "base": 30.0}


CASES = [
    Case("rotary", rotary, rows(3), rotary_vjp, free={0: (0, 1)}, any_rank=(0,)),
    Case(
        "rotary, half, offset",
        rotary,
        rows(4, layout="half", offset=9, base=50.0),
        rotary_vjp,
        free={0: (0, 1, 2)},
        any_rank=(0,),
    ),
    Case("rotary, positions", rotary, with_positions, rotary_vjp, free={0: (1,)}, any_rank=(0,)),
]

X = np.ones((2, 3, 4))


def refused(name, call, match, error=ValueError):
    return Bad(name, call, error, match)


BAD = [
    refused("rotary, odd d", lambda: rotary(X[..., :3]), r"last axis of X must be even.* got 3"),
    refused("rotary, one row", lambda: rotary(X[0, 0]), r"X must have.*X\[np.newaxis, :\]"),
    refused("rotary, layout", lambda: rotary(X, layout="split"),
            r'layout must be "interleaved" or "half", got \'split\''),
    refused("rotary, layout as a number", lambda: rotary(X, layout=2), r"layout"),
    refused("rotary, base 0", lambda: rotary(X, base=0.0), r"base"),
    refused("rotary, negative offset", lambda: rotary(X, offset=-1), r"offset must be at least 0"),
    refused("rotary, fractional offset", lambda: rotary(X, offset=1.5), r"offset", TypeError),
    refused("rotary, offset past 2**53", lambda: rotary(X, offset=2**53), r"offset.*2\*\*53"),
    refused("rotary, positions of another length", lambda: rotary(X, np.arange(4)),
            r"positions must have shape \(T,\) = \(3,\) or \(N, T\) = \(2, 3\) .*\(4,\)"),
    refused("rotary, positions of two axes for one sequence",
            lambda: rotary(X[0], np.zeros((3, 3))), r"positions.* \(T,\) = \(3,\) for"),
    refused("rotary, infinite positions", lambda: rotary(X, [0.0, np.inf, 1.0]),
            r"positions must be finite"),
    refused("rotary, positions in words", lambda: rotary(X, ["a", "b", "c"]),
            r"positions must hold real numbers", TypeError),
    refused("rotary, positions and an offset", lambda: rotary(X, np.arange(3), offset=2),
            r"offset=2 is for consecutive positions"),
    refused("rotary_vjp, another shape", lambda: rotary_vjp(X[:1], X),
            r"g and X must have the same shape"),
    refused("sinusoidal_positions, odd d", lambda: sinusoidal_positions(3, 5),
            r"d must be even, because features go in pairs, got 5"),
    refused("sinusoidal_positions, no features", lambda: sinusoidal_positions(3, 0), r"d must be"),
    refused("sinusoidal_positions, a length that is none",
            lambda: sinusoidal_positions(np.arange(3), 4), r"T must be", TypeError),
    refused("sinusoidal_positions, negative T", lambda: sinusoidal_positions(-1, 4), r"T must be"),
    refused("sinusoidal_positions, base", lambda: sinusoidal_positions(3, 4, -1.0), r"base"),
    refused("sinusoidal_positions, infinite base",
            lambda: sinusoidal_positions(3, 4, np.inf), r"base"),
    refused("sinusoidal_positions, layout",
            lambda: sinusoidal_positions(3, 4, layout=None), r"layout"),
    refused("sinusoidal_positions, dtype", lambda: sinusoidal_positions(3, 4, dtype=int),
            r"dtype must be a floating-point type, got int64", TypeError),
    refused("sinusoidal_positions, no dtype", lambda: sinusoidal_positions(3, 4, dtype="wide"),
            r"dtype must be a floating-point type, got 'wide'", TypeError),
    refused("rotary_positions, odd d", lambda: rotary_positions(3, 7), r"d must be even"),
    refused("rotary_positions, dtype", lambda: rotary_positions(3, 4, dtype=complex),
            r"dtype", TypeError),
    refused("rotary_positions, T", lambda: rotary_positions(2.5, 4), r"T must be", TypeError),
]  # fmt: skip
