"""Fifty correct digits, exact rounding, and distances in units in the last place."""

import math
import random
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp

from nnbook.checking.precision import (
    Evaluator,
    PrecisionError,
    Undefined,
    evaluate,
    nearest,
    ulps,
)

z = sp.Symbol("z", real=True)
SIGMA = 1 / (1 + sp.exp(-z))
PHI = (1 + sp.erf(z / sp.sqrt(2))) / 2
# At 50 working digits each of these comes out as exactly 0.
VANISHING = {
    "softplus(-200)": (sp.log(1 + sp.exp(z)), -200.0, mpmath.exp),
    "1 - tanh(200)**2": (1 - sp.tanh(z)**2, 200.0, lambda x: 1 / mpmath.cosh(x)**2),
    "sigma(1 - sigma) at 200": (SIGMA * (1 - SIGMA), 200.0,
                                lambda x: mpmath.exp(-x) / (1 + mpmath.exp(-x))**2),
    "GELU(-37.5)": (z * PHI, -37.5, lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2),
}


def same_to_50_digits(a, b):
    with mpmath.workdps(120):
        return abs(a - b) <= abs(b) * mpmath.mpf(10)**-50


@pytest.mark.parametrize("name", VANISHING)
def test_fifty_working_digits_are_not_enough(name):
    expr, x, _ = VANISHING[name]
    with mpmath.workdps(50):
        assert sp.lambdify(z, expr, "mpmath")(mpmath.mpf(x)) == 0


@pytest.mark.parametrize("stable", [True, False])
@pytest.mark.parametrize("name", VANISHING)
def test_fifty_correct_digits_are_had_all_the_same(name, stable):
    expr, x, other = VANISHING[name]
    found = evaluate(expr, {z: x}, stable=stable)
    with mpmath.workdps(400):
        if name == "softplus(-200)":
            truth = mpmath.log1p(mpmath.exp(mpmath.mpf(x)))
        else:
            truth = other(mpmath.mpf(x))
    assert found != 0
    assert same_to_50_digits(found, truth)


def test_two_plain_evaluations_agree_with_the_enclosure():
    rng = random.Random(5)
    for expr in (SIGMA * (1 - SIGMA), sp.log(1 + sp.exp(z)), z * PHI, PHI + z * sp.exp(-z**2 / 2)):
        plain = sp.lambdify(z, expr, "mpmath")
        for _ in range(40):
            x = rng.choice([-1, 1]) * 2.0**rng.uniform(-30, 5)
            with mpmath.workdps(700):
                truth = plain(mpmath.mpf(x))
            assert same_to_50_digits(evaluate(expr, {z: x}), truth)


def test_zero_must_be_proved():
    assert evaluate(sp.Max(0, z), {z: -3.0}) == 0
    assert evaluate(sp.tanh(z), {z: 0.0}) == 0
    assert evaluate(z / 3 - sp.Rational(1, 3), {z: 1.0}) == 0
    with pytest.raises(PrecisionError, match=r"no 50 correct digits at z = 1\.0"):
        evaluate(sp.sin(1)**2 + sp.cos(z)**2 - 1, {z: 1.0})       # is 0, and nobody has proved it


def test_beyond_5000_digits_a_declared_asymptote_stands_in():
    raw = {"stable": False}
    with pytest.raises(PrecisionError, match="asymptotes="):
        evaluate(sp.log(1 + sp.exp(z)), {z: -1e6}, **raw)
    found = evaluate(sp.log(1 + sp.exp(z)), {z: -1e6}, asymptotes={-sp.oo: sp.exp(z)}, **raw)
    assert same_to_50_digits(found, evaluate(sp.exp(z), {z: -1e6}))


@pytest.mark.parametrize("wrong", [2 * sp.exp(z), sp.exp(z) * (1 - 1 / z), sp.exp(2 * z), 0 * z])
def test_a_wrong_asymptote_is_refused(wrong):
    with pytest.raises(ValueError, match="is no asymptote"):
        Evaluator(sp.log(1 + sp.exp(z)), [z], asymptotes={-sp.oo: wrong}, stable=False)


def test_another_line_of_the_derivation_stands_in():
    lines = [sp.exp(-z) / (1 + sp.exp(-z))**2]
    found = Evaluator(SIGMA * (1 - SIGMA), [z], equals=lines, stable=False)(1e5)
    assert same_to_50_digits(found, evaluate(sp.exp(-z), {z: 1e5}))


def test_functions_without_an_enclosure_are_evaluated_twice():
    found = evaluate(sp.besselj(0, z), {z: 1.5})
    with mpmath.workdps(80):
        assert same_to_50_digits(found, mpmath.besselj(0, mpmath.mpf(1.5)))
    with pytest.raises(PrecisionError):               # it is 0, and SymPy does not prove it
        evaluate(sp.asinh(z) - sp.log(z + sp.sqrt(z**2 + 1)), {z: 1.25})


def test_a_pole_is_undefined_rather_than_a_number():
    with pytest.raises(Undefined):
        evaluate(1 / z, {z: 0.0})
    with pytest.raises(Undefined):
        evaluate(sp.log(z), {z: -1.0})


def spacing(exact, bits, tiny):
    """The unit in the last place by the definition, in exact fractions."""
    if exact == 0:
        return Fraction(2)**tiny
    e = 0
    while Fraction(2)**e > abs(exact):
        e -= 1
    while Fraction(2)**(e + 1) <= abs(exact):
        e += 1
    return Fraction(2)**max(e - bits + 1, tiny)


@pytest.mark.parametrize(("dtype", "bits", "tiny"), [
    ("float64", 53, -1074), ("float32", 24, -149), ("float16", 11, -24)])
def test_ulps_follow_the_definition(dtype, bits, tiny):
    rng = random.Random(1)
    for _ in range(300):
        e = rng.choice([tiny - 2, tiny, tiny + 1, tiny + bits, -3, 0, 1, 5, 12])
        man, sign = rng.getrandbits(80) | 1 << 80, rng.choice([-1, 1])
        exact = Fraction(sign * man) * Fraction(2)**(e - 80)
        x = mpmath.mp.make_mpf(mpmath.libmp.from_man_exp(sign * man, e - 80))
        y = nearest(x, dtype)
        unit = spacing(exact, bits, tiny)
        assert ulps(y, x, dtype) == pytest.approx(float(abs(Fraction(y) - exact) / unit))
        assert ulps(y, x, dtype) <= 0.5
        shifted = float(np.nextafter(np.dtype(dtype).type(y), np.dtype(dtype).type(np.inf)))
        if math.isfinite(shifted):
            expected = float(abs(Fraction(shifted) - exact) / unit)
            assert ulps(shifted, x, dtype) == pytest.approx(expected)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_nearest_rounds_as_numpy_does(dtype):
    rng = np.random.default_rng(2)
    kind = np.dtype(dtype).type
    x = np.ldexp(rng.uniform(-2, 2, 4000), rng.integers(-160, 130, 4000))
    with np.errstate(all="ignore"):
        expected = x.astype(kind).astype(float)
    assert [nearest(v, dtype) for v in x.tolist()] == expected.tolist()


def test_ties_go_to_even_and_halfway_to_overflow_is_infinite():
    one = mpmath.mpf(1)
    half = mpmath.mp.make_mpf(mpmath.libmp.from_man_exp((1 << 53) + 1, -53))
    assert nearest(half) == 1.0
    assert nearest(one * 2**-1075) == 0.0
    assert nearest(mpmath.mp.make_mpf(mpmath.libmp.from_man_exp(3, -1076))) == 5e-324
    largest = mpmath.mp.make_mpf(mpmath.libmp.from_man_exp((1 << 53) - 1, 971))
    edge = mpmath.mp.make_mpf(mpmath.libmp.from_man_exp((1 << 54) - 1, 970))
    assert nearest(largest) == np.finfo(float).max
    assert nearest(edge) == math.inf


def test_infinity_is_right_only_where_the_number_overflows():
    huge = mpmath.mpf(10)**400
    assert ulps(math.inf, huge) == 0
    assert ulps(-math.inf, huge) > 1e15
    assert ulps(math.inf, mpmath.mpf(1)) > 1e15
    assert ulps(np.finfo(float).max, huge) > 1e15
    assert ulps(math.nan, mpmath.mpf(1)) == math.inf


def test_a_flushed_subnormal_counts():
    assert ulps(0.0, mpmath.mpf(5e-324)) == 1
    assert ulps(0.0, mpmath.mpf(2.0**-1060)) == 2**14
    assert ulps(0.0, mpmath.mpf(2.0**-149), "float32") == 1


def test_other_formats_are_refused():
    with pytest.raises(TypeError, match="float64, float32 or float16, got int64"):
        nearest(1.0, "int64")
