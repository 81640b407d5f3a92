"""The elementwise activations: each with every option that changes its mathematics."""

import numpy as np

from nnbook import functions as F
from tests.cases.base import EVERY_AXIS, Bad, Case, sizes_of


def drawn(**options):
    """Return how to draw pre-activations of two axes, with these options."""
    return lambda rng, size: ((2 * rng.normal(size=sizes_of(rng, size, 2)),), options)


def elementwise(function, derivative, kinks=None, **options):
    listed = "".join(f", {name}={value}" for name, value in options.items())
    return Case(
        function.__name__ + listed,
        function,
        drawn(**options),
        derivative,
        kinks=None if kinks is None else lambda z, **_: [z - k for k in kinks],
        free={0: EVERY_AXIS},
        any_rank=(0,),
    )


CASES = [
    elementwise(F.identity, F.identity_prime),
    elementwise(F.relu, F.relu_prime, (0,)),
    elementwise(F.leaky_relu, F.leaky_relu_prime, (0,)),
    elementwise(F.leaky_relu, F.leaky_relu_prime, (0,), negative_slope=-0.3),
    elementwise(F.sigmoid, F.sigmoid_prime),
    elementwise(F.tanh, F.tanh_prime),
    elementwise(F.softplus, F.softplus_prime),
    elementwise(F.gelu, F.gelu_prime),
    elementwise(F.gelu, F.gelu_prime, approximate="tanh"),
    elementwise(F.silu, F.silu_prime),
    elementwise(F.silu, F.silu_prime, beta=1.7),
    elementwise(F.silu, F.silu_prime, beta=-0.6),
    elementwise(F.silu, F.silu_prime, beta=0.0),
    elementwise(F.elu, F.elu_prime),
    elementwise(F.elu, F.elu_prime, (0,), alpha=0.4),
    elementwise(F.selu, F.selu_prime, (0,)),
    elementwise(F.celu, F.celu_prime),
    elementwise(F.celu, F.celu_prime, alpha=0.4),
    elementwise(F.mish, F.mish_prime),
    elementwise(F.softsign, F.softsign_prime),
    elementwise(F.hard_sigmoid, F.hard_sigmoid_prime, (-3, 3)),
    elementwise(F.hard_swish, F.hard_swish_prime, (-3, 3)),
]

ONE = np.ones((2, 3))
BAD = [
    Bad("elu, alpha not finite", lambda: F.elu(ONE, alpha=np.inf), ValueError, "alpha .*finite"),
    Bad("elu, alpha an array", lambda: F.elu(ONE, alpha=[1.0, 2.0]), TypeError, "alpha .*single"),
    Bad("elu_prime, alpha text", lambda: F.elu_prime(ONE, alpha="1"), TypeError, "alpha .*single"),
    Bad("celu, alpha 0", lambda: F.celu(ONE, alpha=0), ValueError, "alpha must be positive"),
    Bad("celu_prime, alpha -1", lambda: F.celu_prime(ONE, -1), ValueError, "alpha must be pos"),
    Bad("celu, alpha NaN", lambda: F.celu(ONE, np.nan), ValueError, "alpha must be finite"),
    Bad("silu, beta NaN", lambda: F.silu(ONE, beta=np.nan), ValueError, "beta must be finite"),
    Bad("silu, beta beyond", lambda: F.silu(ONE, 1e300), ValueError, "beta must be 0 or of magn"),
    Bad("silu_prime, beta None", lambda: F.silu_prime(ONE, None), TypeError, "beta .*single"),
    Bad("gelu, erf", lambda: F.gelu(ONE, approximate="erf"), ValueError, "approximate must be"),
    Bad("selu of text", lambda: F.selu("2"), TypeError, "z must hold real numbers"),
    Bad("mish of ragged rows", lambda: F.mish([[1.0], [1.0, 2.0]]), ValueError, "z .*rectangular"),
]  # fmt: skip
