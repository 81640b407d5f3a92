"""How exact every elementwise function is: true values at millions of points, and the rivals.

A true value is needed three ways, and the formulas are never the package's:

- ``truth``, by mpmath to 50 digits (`reference.exact`), slow and sure;
- ``wide``, a formula over arrays. In longdouble, 64 bits, it serves a million points; a test holds
  it to ``truth``. In float64 it is good to 2^-42, which sorts out nearly all float32 inputs;
- ``rival``, SciPy's counterpart or the formula that one would write, for the table in the book.

Where a function has a zero of its own, ``truth`` and ``wide`` give two terms that add up to it, and
errors are counted in ulp of the largest of the three.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial

import mpmath as mp
import numpy as np
from numpy._core import _multiarray_umath as umath
from scipy import special

import nnbook.functions as nf
from tests.functions import reference as ref

WIDE_ENOUGH = np.finfo(np.longdouble).nmant >= 63
# Whether NumPy has vector instructions with fused multiply-add, by any of their names.
VECTORS = any(umath.__cpu_features__.get(name) for name in ("X86_V3", "FMA3", "ASIMD", "VSX2"))
SLOPE, ALPHA, SCALE, BETA = 0.01, 0.7, 0.37, 1.7  # parameters that are no powers of two


@dataclass(frozen=True)
class Entry:
    """One elementwise function with one choice of options, and its true values."""

    function: Callable
    truth: Callable
    wide: Callable
    rival: str
    near: float = 760.0
    options: dict = field(default_factory=dict)
    centres: tuple[float, ...] = ()
    elsewhere: float = 0.0

    @property
    def name(self) -> str:
        """Say which function and which options, as in ``gelu(approximate="tanh")``."""
        return label(self.function, self.options)

    @property
    def ours(self) -> Callable:
        """Return the function with its options."""
        return partial(self.function, **self.options)

    @property
    def bound(self) -> float:
        """Return the bound that the docstring states, in ulp."""
        if self.elsewhere and not VECTORS:
            return self.elsewhere
        text = re.sub(r"\s+", " ", self.function.__doc__)
        stated = re.search(
            r"([Ww]ithin ([\d.]+) ulp|Exact[.;]|Correctly rounded|the float64 nearest)", text
        )
        if stated is None:
            raise LookupError(f"the docstring of {self.function.__name__} states no bound")
        if stated[2]:
            return float(stated[2])
        return 0.0 if stated[1].startswith("Exact") else 0.5


def label(function, options) -> str:
    """Return ``name`` or ``name(option=value)``."""
    listed = ", ".join(f"{k}={v!r}" for k, v in options.items())
    return function.__name__ + (f"({listed})" if options else "")


# ------------------------------------------------------------------ formulas in either dtype


def _pair(x, y):
    """Return x y as an unrounded sum of two, in the dtype of x."""
    split = x.dtype.type(2 ** ((np.finfo(x.dtype).nmant + 2) // 2) + 1)
    product = x * y
    x_high, y_high = x * split, y * split
    x_high, y_high = x_high - (x_high - x), y_high - (y_high - y)
    x_low, y_low = x - x_high, y - y_high
    error = ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low
    return product, error


def _constant(number, dtype):
    """Return an mpf as two numbers of a dtype."""
    parts = []
    for _ in range(2):
        rounded = dtype.type(mp.nstr(number, 40))
        parts.append(rounded)
        number = number - mp.mpf(np.format_float_positional(rounded, unique=False, precision=60))
    return parts


def _e(z):
    return np.exp(-np.abs(z))


def _gate(e, z):
    """Return σ(z), where e = e^-|z|."""
    return np.where(z < 0, e, 1) / (1 + e)


def _steep(z, beta):
    """Return βz and e^-|βz|, whose rounding is made good."""
    u, low = _pair(z, z.dtype.type(beta))
    low = np.where(np.isfinite(low), low, 0)
    return u, _e(u) * (1 - np.sign(u) * low)


def _silu(z, beta=1.0):
    u, e = _steep(z, beta)
    return z * _gate(e, u)


def _silu_prime(z, beta=1.0):
    u, e = _steep(z, beta)
    u = np.clip(u, -1e4, 1e4)
    return _gate(e, u), u * e / (1 + e) ** 2


@cache
def _mills(dtype):
    """Return Taylor coefficients of Mills' ratio about multiples of 1/16, by mpmath's erfc."""
    rows = []
    with mp.workdps(50):
        for i in range(16 * 40 + 1):
            c = mp.mpf(i) / 16
            row = [mp.erfc(c / mp.sqrt(2)) * mp.exp(c * c / 2) / 2]
            row.append(c * row[0] - 1 / mp.sqrt(2 * mp.pi))
            for n in range(2, 16):
                row.append((c * row[-1] + row[-2]) / n)
            rows.append([_constant(x, np.dtype(dtype))[0] for x in row])
    return np.array(rows).T


def _normal(z):
    """Return |z|, at most 40, e^(-z²/2) and the tail Φ(-|z|)."""
    a = np.minimum(np.abs(z), 40)
    near = np.rint(a * 1024) / 1024  # its square is exact
    rest = a - near
    e = np.exp(-near * near / 2) * np.exp(-rest * (near + rest / 2))
    table = _mills(a.dtype.char)
    i = np.rint(np.nan_to_num(a) * 16).astype(int)
    d = a - i / a.dtype.type(16)
    ratio = table[-1][i]
    for n in range(len(table) - 2, -1, -1):
        ratio = table[n][i] + d * ratio
    return a, e, ratio * e


def _gelu(z):
    a, _, tail = _normal(z)
    return np.maximum(z, 0) - a * tail


def _gelu_prime(z):
    a, e, tail = _normal(z)
    with mp.workdps(50):
        density = _constant(1 / mp.sqrt(2 * mp.pi), a.dtype)[0]
    return np.where(z > 0, 1 - tail, tail), np.sign(z) * a * e * density


def _cubic(z):
    """Return z, at most 100 in magnitude, u = 2 sqrt(2/pi) (z + 0.044715 z³) and e^-|u|."""
    z = np.clip(z, -100, 100)
    with mp.workdps(50):
        rise = mp.sqrt(8 / mp.pi)
        bend = rise * mp.mpf(44715) / 10**6
        (c, c_low), (b, b_low) = (_constant(x, z.dtype) for x in (rise, bend))
    square, square_low = _pair(z, z)
    curve, curve_low = _pair(square, b)
    curve_low = curve_low + square * b_low + square_low * b
    gain = curve + c
    gain_low = (np.maximum(c, curve) - gain) + np.minimum(c, curve) + (curve_low + c_low)
    u, u_low = _pair(z, gain)
    u_low = u_low + z * gain_low
    return z, u, _e(u) * (1 - np.sign(z) * u_low), gain + 2 * curve


def _gelu_tanh(z):
    x, u, e, _ = _cubic(z)
    return np.where(np.abs(z) < 100, x * _gate(e, u), np.maximum(z, 0))


def _gelu_tanh_prime(z):
    x, u, e, slope = _cubic(z)
    return _gate(e, u), x * slope * e / (1 + e) ** 2


def _quotient(z, alpha):
    """Return z/α for z < 0, and what its rounding lost."""
    x, alpha = np.minimum(z, 0), z.dtype.type(alpha)
    u = x / alpha
    product, error = _pair(u, alpha)
    low = ((x - product) - error) / alpha
    return u, np.where(np.isfinite(low), low, 0)


def _celu(z, alpha):
    u, low = _quotient(z, alpha)
    left = z.dtype.type(alpha) * (np.expm1(u) + np.exp(u) * low)
    return np.where(z > 0, z, left)


def _celu_prime(z, alpha):
    u, low = _quotient(z, alpha)
    return np.where(z > 0, 1, np.exp(u) * (1 + low))


def _selu_constants(dtype):
    with mp.workdps(50):
        scale, alpha = selu_constants()
        return _constant(scale, dtype)[0], _constant(scale * alpha, dtype)[0]


def selu_constants():
    """Return λ and α, solved from the fixed point of the paper's moments."""
    q, r = mp.erfc(1 / mp.sqrt(2)), mp.erfc(mp.sqrt(2))
    root = mp.sqrt(mp.e)
    alpha = -mp.sqrt(2 / mp.pi) / (q * root - 1)
    inside = 2 * r * mp.e**2 + mp.pi * q**2 * mp.e - 2 * (2 + mp.pi) * q * root + mp.pi + 2
    return (1 - q * root) * mp.sqrt(2 * mp.pi) / mp.sqrt(inside), alpha


def _elu(z, right, left):
    return np.where(z > 0, right * z, left * np.expm1(np.minimum(z, 0)))


def _elu_prime(z, right, left):
    return np.where(z > 0, right, left * np.exp(np.minimum(z, 0)))


def _mish(z):
    e = _e(z)
    right = (1 + 2 * e) / (1 + 2 * e + 2 * e * e)
    return z * np.where(z > 0, right, e * (2 + e) / (2 + 2 * e + e * e))


def _mish_prime(z):
    e, x = _e(z), np.clip(z, -1e4, 1e4)
    below, above = 2 + 2 * e + e * e, 1 + 2 * e + 2 * e * e
    right = (1 + 2 * e) / above, 4 * x * e**2 * (1 + e) / above**2
    left = e * (2 + e) / below, 4 * x * e * (1 + e) / below**2
    return tuple(np.where(z > 0, r, s) for r, s in zip(right, left, strict=True))


def _mish_terms(z):
    s = mp.log1p(mp.exp(z))
    return mp.tanh(s), z * ref.sigma(z) / mp.cosh(s) ** 2


def _sixth(z):
    return np.clip((z + 3) / 6, 0, 1)


def _branch(right, left):
    return lambda z: right(z) if z > 0 else left(z)


def _between(inside, right):
    """Return a function that is 0 from -3 down, `inside`, and `right` from 3 on."""
    return lambda z: mp.mpf(0) if z <= -3 else right(z) if z >= 3 else inside(z)


GELU_RIVAL = "z / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))"
THREE = (3.0, -3.0, -1.5)

ENTRIES = [
    Entry(nf.identity, lambda z: z, lambda z: z, "z"),
    Entry(nf.identity_prime, lambda z: mp.mpf(1), np.ones_like, "np.ones_like(z)"),
    Entry(nf.relu, lambda z: max(z, mp.mpf(0)), lambda z: np.maximum(z, 0), "np.maximum(z, 0)"),
    Entry(nf.relu_prime, lambda z: mp.mpf(int(z > 0)), lambda z: np.where(z > 0, 1, 0 * z),
          "np.where(z > 0, 1.0, 0.0)"),
    Entry(nf.leaky_relu, lambda z: z if z > 0 else z * mp.mpf(SLOPE),
          lambda z: np.where(z > 0, z, z * z.dtype.type(SLOPE)), "np.where(z > 0, z, 0.01 * z)"),
    Entry(nf.leaky_relu_prime, lambda z: mp.mpf(1 if z > 0 else SLOPE),
          lambda z: np.where(z > 0, 1, z.dtype.type(SLOPE)), "np.where(z > 0, 1.0, 0.01)"),
    Entry(nf.sigmoid, ref.sigma, lambda z: _gate(_e(z), z), "special.expit(z)"),
    Entry(nf.sigmoid_prime, lambda z: ref.sigma(z) * ref.sigma(-z),
          lambda z: _e(z) / (1 + _e(z)) ** 2, "special.expit(z) * (1 - special.expit(z))"),
    Entry(nf.tanh, mp.tanh, np.tanh, "2 * special.expit(2 * z) - 1", elsewhere=2.2),
    Entry(nf.tanh_prime, lambda z: 1 / mp.cosh(z) ** 2,
          lambda z: 4 * _e(2 * z) / (1 + _e(2 * z)) ** 2, "1 - np.tanh(z) ** 2"),
    Entry(nf.softplus, lambda z: mp.log1p(mp.exp(z)),
          lambda z: np.maximum(z, 0) + np.log1p(_e(z)), "np.logaddexp(0, z)"),
    Entry(nf.softplus_prime, ref.sigma, lambda z: _gate(_e(z), z), "special.expit(z)"),
    Entry(nf.silu, lambda z: z * ref.sigma(z), _silu, "z * special.expit(z)"),
    Entry(nf.silu_prime, ref.silu_prime_terms, _silu_prime,
          "special.expit(z) * (1 + z * (1 - special.expit(z)))", centres=(-1.2784645427610738,)),
    Entry(nf.silu, lambda z: z * ref.sigma(mp.mpf(BETA) * z), partial(_silu, beta=BETA),
          "z * special.expit(1.7 * z)", 447.0, {"beta": BETA}),
    Entry(nf.silu_prime, lambda z: ref.silu_prime_terms(mp.mpf(BETA) * z),
          partial(_silu_prime, beta=BETA),
          "special.expit(1.7 * z) * (1 + 1.7 * z * (1 - special.expit(1.7 * z)))",
          447.0, {"beta": BETA}, (-0.7520379663298670,)),
    Entry(nf.gelu, lambda z: z * ref.Phi(z), _gelu, "z * special.ndtr(z)", 39.5),
    Entry(nf.gelu_prime, ref.gelu_prime_terms, _gelu_prime,
          "special.ndtr(z) + z * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)", 39.5,
          centres=(-0.7517915246935645,)),
    Entry(nf.gelu, ref.gelu_tanh, _gelu_tanh, GELU_RIVAL, 23.0, {"approximate": "tanh"}),
    Entry(nf.gelu_prime, ref.gelu_tanh_prime_terms, _gelu_tanh_prime, "", 23.0,
          {"approximate": "tanh"}, (-0.7524614220710162,)),
    Entry(nf.elu, _branch(lambda z: z, mp.expm1), partial(_elu, right=1, left=1),
          "np.where(z > 0, z, np.exp(z) - 1)"),
    Entry(nf.elu_prime, _branch(lambda z: mp.mpf(1), mp.exp), partial(_elu_prime, right=1, left=1),
          "np.where(z > 0, 1.0, np.exp(z))"),
    Entry(nf.elu, _branch(lambda z: z, lambda z: mp.mpf(ALPHA) * mp.expm1(z)),
          partial(_elu, right=1, left=np.longdouble(ALPHA)),
          "np.where(z > 0, z, 0.7 * np.expm1(z))", options={"alpha": ALPHA}),
    Entry(nf.elu_prime, _branch(lambda z: mp.mpf(1), lambda z: mp.mpf(ALPHA) * mp.exp(z)),
          partial(_elu_prime, right=1, left=np.longdouble(ALPHA)),
          "np.where(z > 0, 1.0, 0.7 * np.exp(z))", options={"alpha": ALPHA}),
    Entry(nf.selu, _branch(lambda z: selu_constants()[0] * z,
                           lambda z: mp.fprod(selu_constants()) * mp.expm1(z)),
          lambda z: _elu(z, *_selu_constants(z.dtype)),
          "1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(z))"),
    Entry(nf.selu_prime, _branch(lambda z: selu_constants()[0],
                                 lambda z: mp.fprod(selu_constants()) * mp.exp(z)),
          lambda z: _elu_prime(z, *_selu_constants(z.dtype)),
          "1.0507009873554805 * np.where(z > 0, 1.0, 1.6732632423543772 * np.exp(z))"),
    Entry(nf.celu, _branch(lambda z: z, mp.expm1), partial(_celu, alpha=1.0),
          "np.where(z > 0, z, np.expm1(z))"),
    Entry(nf.celu_prime, _branch(lambda z: mp.mpf(1), mp.exp), partial(_celu_prime, alpha=1.0),
          "np.where(z > 0, 1.0, np.exp(z))"),
    Entry(nf.celu, _branch(lambda z: z, lambda z: mp.mpf(SCALE) * mp.expm1(z / mp.mpf(SCALE))),
          partial(_celu, alpha=SCALE), "np.where(z > 0, z, 0.37 * np.expm1(z / 0.37))", 280.0,
          {"alpha": SCALE}),
    Entry(nf.celu_prime, _branch(lambda z: mp.mpf(1), lambda z: mp.exp(z / mp.mpf(SCALE))),
          partial(_celu_prime, alpha=SCALE), "np.where(z > 0, 1.0, np.exp(z / 0.37))", 280.0,
          {"alpha": SCALE}),
    Entry(nf.mish, lambda z: z * mp.tanh(mp.log1p(mp.exp(z))), _mish,
          "z * np.tanh(np.log1p(np.exp(z)))"),
    Entry(nf.mish_prime, _mish_terms, _mish_prime,
          "np.tanh(np.log1p(np.exp(z))) + z * special.expit(z) "
          "* (1 - np.tanh(np.log1p(np.exp(z))) ** 2)", centres=(-1.1924312145154952,)),
    Entry(nf.softsign, lambda z: z / (1 + abs(z)), lambda z: z / (1 + np.abs(z)),
          "z / (1 + np.abs(z))"),
    Entry(nf.softsign_prime, lambda z: 1 / (1 + abs(z)) ** 2, lambda z: (1 / (1 + np.abs(z))) ** 2,
          "1 / (1 + np.abs(z)) ** 2"),
    Entry(nf.hard_sigmoid, _between(lambda z: (z + 3) / 6, lambda z: mp.mpf(1)), _sixth,
          "np.clip(z / 6 + 0.5, 0, 1)", centres=THREE),
    Entry(nf.hard_sigmoid_prime, _between(lambda z: mp.mpf(1) / 6, lambda z: mp.mpf(0)),
          lambda z: np.where(np.abs(z) < 3, z.dtype.type(1) / 6, 0),
          "np.where(np.abs(z) < 3, 1 / 6, 0.0)", centres=THREE),
    Entry(nf.hard_swish, _between(lambda z: z * (z + 3) / 6, lambda z: z),
          lambda z: np.maximum(z, -3) * _sixth(z), "z * np.clip(z + 3, 0, 6) / 6", centres=THREE),
    Entry(nf.hard_swish_prime, _between(lambda z: (2 * z + 3) / 6, lambda z: mp.mpf(1)),
          lambda z: np.where(z >= 3, 1, np.where(z <= -3, 0, (2 * z + 3) / 6)),
          "np.where(z >= 3, 1.0, np.where(z <= -3, 0.0, z / 3 + 0.5))", centres=THREE),
]  # fmt: skip
BY_NAME = {entry.name: entry for entry in ENTRIES}


# ------------------------------------------------------------------ points and errors


def strata(entry: Entry, size: int, seed: int = 50) -> np.ndarray:
    """Return float64 points of all kinds, about `size` of them.

    A quarter evenly over the range where anything happens, a quarter over [-4, 4], a quarter over
    all magnitudes of both signs, an eighth over the ends of the range, and an eighth crowding
    about the kinks and zeros and 0; then both ends of float64.
    """
    rng = np.random.default_rng(seed)
    n = size // 8
    signs = rng.choice([-1.0, 1.0], 2 * n)
    centres = rng.choice([*entry.centres, 0.0], n)
    return np.concatenate(
        [
            rng.uniform(-entry.near, entry.near, 2 * n),
            rng.uniform(-4, 4, 2 * n),
            signs * np.exp2(rng.uniform(-1074, 1024, 2 * n)),
            signs[:n] * rng.uniform(0.93 * entry.near, entry.near, n),
            centres + signs[n:] * np.exp2(rng.uniform(-52, 0, n)),
            [5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.0, -3.0, 3.0],
            [-1.7976931348623157e308, -2.2250738585072014e-308],
        ]
    )


def errors(found: np.ndarray, entry: Entry, z: np.ndarray) -> np.ndarray:
    """Return the error of each value found at the float64 `z`, in ulp; NaN where it is NaN."""
    with np.errstate(all="ignore"):
        truth, _, unit = _summed(entry, z.astype(np.longdouble))
        error = np.abs(found - truth) / unit
        # Beyond the largest float64 the right answer is infinite.
        beyond = np.abs(truth) >= np.longdouble(2) ** 1024
        return np.where(beyond & (found == np.sign(truth) * np.inf), 0, error).astype(float)


def as_mpf(x: np.longdouble) -> mp.mpf:
    """Return a longdouble as an mpf, exactly."""
    mantissa, exponent = np.frexp(x)
    high = float(mantissa)
    return mp.ldexp(mp.mpf(high) + mp.mpf(float(mantissa - high)), int(exponent))


def terms(entry: Entry, x: float) -> tuple[mp.mpf, ...]:
    """Return the one or two terms of the true value, to 50 digits."""
    with mp.workdps(60):
        truth = entry.truth(mp.mpf(x))
    if x != 0 and truth != 0:  # else nothing has cancelled
        truth = ref.exact(entry.truth, x)
    return truth if isinstance(truth, tuple) else (truth,)


def wide_error(entry: Entry, z: np.ndarray) -> float:
    """Return how far ``wide`` is from ``truth`` at worst, in ulp of float64."""
    with np.errstate(all="ignore"):
        wide = entry.wide(z.astype(np.longdouble))
    wide = wide if isinstance(wide, tuple) else (wide,)
    largest = 0.0
    for i, x in enumerate(z.tolist()):
        truth = terms(entry, x)
        with mp.workdps(60):
            unit = ref.ulp(max(map(abs, truth)))
            for found, term in zip(wide, truth, strict=True):
                largest = max(largest, float(abs(as_mpf(np.longdouble(found[i])) - term) / unit))
    return largest


def worst(function: Callable, entry: Entry, z: np.ndarray) -> tuple[float, float]:
    """Return the largest error of a function over the points, in ulp, and where it is."""
    largest, where = -1.0, 0.0
    for part in np.array_split(z, max(1, len(z) // 50_000)):
        with np.errstate(all="ignore"):
            found = errors(function(part), entry, part)
        found = np.where(np.isnan(found), np.inf, found)
        i = int(np.argmax(found))
        if found[i] > largest:
            largest, where = float(found[i]), float(part[i])
    return largest, where


def wrong_float32(entry: Entry, start: int, stop: int) -> tuple[list[float], int]:
    """Hold a function to its formula at the float32 numbers of the bits from start to stop.

    Returns the inputs at which it is wrong, and at how many it is not the float32 nearest to the
    true value, but the one nearest to a float64 within 2 ulp of it.
    """
    z = np.arange(start, stop, dtype=np.uint32).view(np.float32)
    with np.errstate(all="ignore"):
        found = entry.ours(z)
        y, scale, _ = _summed(entry, z.astype(np.float64))
        margin = scale * 2.0**-42
        low, high = (y - margin).astype(np.float32), (y + margin).astype(np.float32)
        wrong = (found != low) | (found != high)
        wrong[np.isnan(z)] = ~np.isnan(found[np.isnan(z)])
        twice = 0
        (unsure,) = np.nonzero(wrong & ~np.isnan(z))
        if unsure.size:
            wide = z[unsure].astype(np.longdouble)
            # Far beyond float32 and float64 a function has come to its limit.
            wide = np.where(np.isinf(wide), np.sign(wide) * np.longdouble("1e4000"), wide)
            truth, _, unit = _summed(entry, wide)
            low, high = ((truth + s * 2 * unit).astype(np.float32) for s in (-1, 1))
            wrong[unsure] = ~((low <= found[unsure]) & (found[unsure] <= high))
            twice = int(np.sum(found[unsure] != truth.astype(np.float32)) - np.sum(wrong[unsure]))
    return z[wrong].tolist(), twice


def _summed(entry: Entry, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the formula's value, the largest of it and its terms, and the ulp of that."""
    parts = entry.wide(z)
    parts = parts if isinstance(parts, tuple) else (parts,)
    value = sum(parts).astype(z.dtype)
    scale = np.maximum.reduce([np.abs(t) for t in (value, *parts)]).astype(z.dtype)
    unit = np.ldexp(z.dtype.type(1), np.maximum(np.frexp(scale)[1] - 53, ref.SMALLEST))
    return value, scale, unit


def rival_of(entry: Entry) -> Callable:
    """Return the rival's formula as a function of z."""
    code = compile(entry.rival, "rival", "eval")
    return lambda z: eval(code, {"np": np, "special": special, "z": z})
