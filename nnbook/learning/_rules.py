r"""The rules of NumPy's elementwise functions and of the matrix product.

Each entry ``(g, out, x, ...) -> share`` is a vjp: what an argument gets of the cotangent g. The
vjp of an elementwise function is also its jvp, g standing for the tangent. The rules are written
with NumPy's functions, which take traced arrays; so they can be differentiated themselves.

Where a function has no derivative a choice is made: \|x\| has slope 0 at 0, and equal arguments
of a maximum or minimum share g equally.
"""

import numbers

import numpy as np

from nnbook.learning import _array_rules  # noqa: F401 - fills its own tables
from nnbook.learning._traced import FUNCTIONS, UFUNCS, Op, apply, plain

SMALL_POWER = 64  # up to here x**n is a few products; np.power takes 20 times longer


def elementwise(name, forward, *partials):
    """Return the `Op` of a function that acts on each number alone, arguments broadcast."""

    def push(tangents, out, arrays, options):
        total = None
        for i, t in tangents.items():
            part = partials[i](t, out, *arrays, **options)
            total = part if total is None else total + part
        return total if total.shape == out.shape else np.broadcast_to(total, out.shape)

    return Op(name, forward, partials, push=push, broadcasts=len(partials) > 1)


def share_of(g, out, x, y):
    """Return what x gets of the cotangent of max(x, y) or min(x, y): half where they are equal."""
    return np.where(plain(x) == plain(y), g * 0.5, np.where(plain(out) == plain(x), g, 0.0))


def _tan(g, out, x):
    return g * (1.0 + out * out)


RULES = {
    np.add: (lambda g, out, x, y: g, lambda g, out, x, y: g),
    np.subtract: (lambda g, out, x, y: g, lambda g, out, x, y: -g),
    np.multiply: (lambda g, out, x, y: g * y, lambda g, out, x, y: g * x),
    np.divide: (lambda g, out, x, y: g / y, lambda g, out, x, y: -(g / y) * out),
    np.negative: (lambda g, out, x: -g,),
    np.positive: (lambda g, out, x: g,),
    np.absolute: (lambda g, out, x: g * np.sign(plain(x)),),
    np.fabs: (lambda g, out, x: g * np.sign(plain(x)),),
    np.maximum: (
        lambda g, out, x, y: share_of(g, out, x, y),
        lambda g, out, x, y: share_of(g, out, y, x),
    ),
    np.minimum: (
        lambda g, out, x, y: share_of(g, out, x, y),
        lambda g, out, x, y: share_of(g, out, y, x),
    ),
    np.exp: (lambda g, out, x: g * out,),
    np.exp2: (lambda g, out, x: g * out * np.log(2.0),),
    np.expm1: (lambda g, out, x: g * np.exp(x),),
    np.log: (lambda g, out, x: g / x,),
    np.log2: (lambda g, out, x: g / (x * np.log(2.0)),),
    np.log10: (lambda g, out, x: g / (x * np.log(10.0)),),
    np.log1p: (lambda g, out, x: g / (1.0 + x),),
    np.logaddexp: (
        lambda g, out, x, y: g * np.exp(x - out),
        lambda g, out, x, y: g * np.exp(y - out),
    ),
    np.sqrt: (lambda g, out, x: g / (2.0 * out),),
    np.cbrt: (lambda g, out, x: g / (3.0 * (out * out)),),
    np.square: (lambda g, out, x: g * (2.0 * x),),
    np.reciprocal: (lambda g, out, x: -(g * out) * out,),
    np.sin: (lambda g, out, x: g * np.cos(x),),
    np.cos: (lambda g, out, x: -g * np.sin(x),),
    np.tan: (_tan,),
    np.arcsin: (lambda g, out, x: g / np.sqrt((1.0 - x) * (1.0 + x)),),
    np.arccos: (lambda g, out, x: -g / np.sqrt((1.0 - x) * (1.0 + x)),),
    np.arctan: (lambda g, out, x: g / (1.0 + x * x),),
    np.arctan2: (
        lambda g, out, y, x: g * x / (x * x + y * y),
        lambda g, out, y, x: -g * y / (x * x + y * y),
    ),
    np.sinh: (lambda g, out, x: g * np.cosh(x),),
    np.cosh: (lambda g, out, x: g * np.sinh(x),),
    np.tanh: (lambda g, out, x: g * ((1.0 - out) * (1.0 + out)),),
}
for _function, _partials in RULES.items():
    UFUNCS[_function] = elementwise(f"np.{_function.__name__}", _function, *_partials)


# ---------------------------------------------------------------- powers
def product_power(x, n):
    """Return x to the power n, a small whole number, by repeated squaring."""
    if n < 0:
        return 1.0 / product_power(x, -n)
    if n == 0:
        return np.ones_like(x)
    result = None
    while True:
        if n & 1:
            result = x if result is None else result * x
        n >>= 1
        if n == 0:
            return +result if isinstance(result, np.ndarray) else result
        x = x * x


def _power_slope(g, out, x, n):
    return g * (n * product_power(x, n - 1)) if n else g * np.zeros_like(x)


def _base_share(g, out, x, y):
    # At y = 0 the power is 1 for every x: slope 0, where the formula has 0 times infinity.
    return g * np.where(plain(y) == 0, 0.0, y * np.power(x, np.where(plain(y) == 0, 1.0, y - 1.0)))


def _exponent_share(g, out, x, y):
    # At x = 0, y > 0 the power is 0 for every y near by.
    zero = (plain(x) == 0) & (plain(y) > 0)
    return g * np.where(zero, 0.0, out * np.log(np.where(zero, 1.0, x)))


WHOLE_POWER = elementwise("x**n", product_power, _power_slope)
POWER = elementwise("np.power", np.power, _base_share, _exponent_share)


def power(x, y):
    """Raise x to the power y: a small whole y is a chain of products, and 1/2 a square root."""
    exponent = _whole(y)
    if exponent is not None:
        return apply(WHOLE_POWER, (x,), {"n": exponent})
    if isinstance(y, numbers.Real) and y == 0.5:
        return np.sqrt(x)
    return apply(POWER, (x, y))


FUNCTIONS[np.power] = power


def _whole(y):
    if isinstance(y, bool) or not isinstance(y, (int, float, np.integer, np.floating)):
        return None
    return int(y) if abs(y) <= SMALL_POWER and y == int(y) else None


# ---------------------------------------------------------------- the matrix product
def _matmul_left(g, out, x, y):
    if x.ndim == 1 and y.ndim == 1:
        return g * y
    if y.ndim == 1:
        return np.expand_dims(g, -1) * y
    if x.ndim == 1:
        return np.matmul(y, np.expand_dims(g, -1))[..., 0]
    return np.matmul(g, np.swapaxes(y, -1, -2))


def _matmul_right(g, out, x, y):
    if x.ndim == 1 and y.ndim == 1:
        return g * x
    if x.ndim == 1:
        return np.expand_dims(x, -1) * np.expand_dims(g, -2)
    if y.ndim == 1:
        return np.matmul(np.expand_dims(g, -2), x)[..., 0, :]
    return np.matmul(np.swapaxes(x, -1, -2), g)


def _matmul_push(tangents, out, arrays, options):
    x, y = arrays
    parts = [np.matmul(t, y) if i == 0 else np.matmul(x, t) for i, t in tangents.items()]
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


UFUNCS[np.matmul] = Op("np.matmul", np.matmul, (_matmul_left, _matmul_right), push=_matmul_push,
                       broadcasts=True)
