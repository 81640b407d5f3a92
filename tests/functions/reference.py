"""True values for the tests of nnbook.functions: 50 correct digits, by mpmath.

The formulas are not the code's. Where they cancel, the working precision is raised until two
evaluations agree.
"""

import mpmath as mp
import numpy as np

SMALLEST = -1074  # exponent of the least subnormal float64


def sigma(z):
    return 1 / (1 + mp.exp(-z))


def Phi(z):
    return mp.erfc(-z / mp.sqrt(2)) / 2


def gelu_tanh(z):
    bend = mp.mpf(44715) / 10**6
    return z * sigma(mp.sqrt(8 / mp.pi) * (z + bend * z**3))


# Functions without a zero of their own: the error is counted in ulp of the value.
FUNCTIONS = {
    "sigmoid": sigma,
    "tanh": mp.tanh,
    "softplus": lambda z: mp.log1p(mp.exp(z)),
    "softplus_prime": sigma,
    "sigmoid_prime": lambda z: sigma(z) * sigma(-z),
    "tanh_prime": lambda z: 1 / mp.cosh(z) ** 2,
    "silu": lambda z: z * sigma(z),
    "gelu": lambda z: z * Phi(z),
}


def silu_prime_terms(z):
    return sigma(z), z * sigma(z) * sigma(-z)


def gelu_prime_terms(z):
    return Phi(z), z * mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)


def gelu_tanh_prime_terms(z):
    bend = mp.mpf(44715) / 10**6
    rise = mp.sqrt(8 / mp.pi)
    gate, rest = sigma(rise * (z + bend * z**3)), sigma(-rise * (z + bend * z**3))
    return gate, z * gate * rest * rise * (1 + 3 * bend * z**2)


def exact(function, *arguments, digits=50):
    """Return function(*arguments) to 50 correct digits; a tuple of them for a tuple."""
    precision = digits + 10
    while precision <= 5000:
        values = []
        for p in (precision, 2 * precision):
            with mp.workdps(p):
                value = function(*(mp.mpf(a) if np.isscalar(a) else a for a in arguments))
                values.append(value if isinstance(value, tuple) else (value,))
        with mp.workdps(2 * precision):
            # A value of exactly 0 proves nothing: it may be a difference that cancelled.
            if all(
                b and abs(a - b) <= abs(b) * mp.mpf(10) ** -digits
                for a, b in zip(*values, strict=True)
            ):
                return values[1] if len(values[1]) > 1 else values[1][0]
        precision *= 2
    raise ArithmeticError(f"no {digits} digits at {arguments}")


def ulp(x):
    """Return the unit in the last place of a float64 as large as the mpf `x`."""
    return mp.ldexp(1, max(mp.frexp(x)[1] - 53, SMALLEST))


def ulps_between(found, value, scale=None):
    """Return the distance of the float `found` from the mpf `value`, in ulp of `scale`."""
    return float(abs(mp.mpf(float(found)) - value) / ulp(value if scale is None else scale))


def points(near, seed, size):
    """Return float64 points: edges, all magnitudes, evenly over [-near, near] and [-3, 3]."""
    rng = np.random.default_rng(seed)
    edges = [0.5, 1.0, 5e-324, 2.2250738585072014e-308, 1e-17, 1e-8, near, 0.75 * near, 1e5]
    signs = rng.choice([-1.0, 1.0], size)
    return np.concatenate(
        [
            edges,
            np.negative(edges),
            signs * np.exp2(rng.uniform(-1074, 10, size)),
            rng.uniform(-near, near, size),
            rng.uniform(-3, 3, size),
        ]
    )
