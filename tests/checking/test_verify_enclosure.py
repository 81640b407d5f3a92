"""Enclosures: every operation's ball contains the truth, and the test can tell when it does not."""

import random

import mpmath
import pytest
import sympy as sp
from mpmath import libmp as mp

from nnbook.checking import enclosure as ball
from nnbook.checking.enclosure import EXACT, Undefined, Unresolved, correct_bits
from nnbook.checking.program import Program, Unsupported

UNARY = {
    "inv": lambda x: 1 / x, "root": mpmath.sqrt, "exp": mpmath.exp, "log": mpmath.log,
    "log1p": lambda x: mpmath.log(1 + x), "expm1": lambda x: mpmath.exp(x) - 1,
    "tanh": mpmath.tanh, "sin": mpmath.sin, "cos": mpmath.cos, "atan": mpmath.atan,
    "cosh": mpmath.cosh, "sinh": mpmath.sinh, "erf": mpmath.erf, "erfc": mpmath.erfc,
}
BINARY = {"add": lambda x, y: x + y, "mul": lambda x, y: x * y, "div": lambda x, y: x / y,
          "maximum": max, "minimum": min, "real_power": mpmath.power}
DEEP = 3000


def draw(rng, positive=False):
    """A ball and a truth inside it: exact, narrow or wide; tiny, ordinary or large."""
    x = rng.choice([-1.0, 1.0]) * rng.uniform(1, 2) * 2.0**rng.choice([-60, -8, -2, 0, 1, 3, 6])
    value = mp.from_float(abs(x) if positive else x)
    if rng.random() < 0.3:
        return (value, EXACT), mpmath.mp.make_mpf(value)
    radius = value[2] + value[3] - rng.choice([3, 8, 40, 150])
    truth = mpmath.mp.make_mpf(value) + mpmath.mpf(rng.uniform(-1, 1)) * mpmath.mpf(2)**radius
    return (value, radius), truth


def holds(result, truth):
    value, radius = result
    gap = abs(mpmath.mp.make_mpf(value) - truth)
    # The reference itself has DEEP bits: its own rounding is allowed for.
    slack = abs(truth) * mpmath.mpf(2)**(20 - DEEP)
    return gap <= (slack if radius == EXACT else mpmath.mpf(2)**radius + slack)


def outcomes(name, function, reference, arity, count=300):
    rng = random.Random(name)
    for _ in range(count):
        drawn = [draw(rng, positive=name in ("root", "log", "real_power")) for _ in range(arity)]
        if name == "log1p" and drawn[0][1] <= -0.99:
            continue
        wp = rng.choice([60, 212, 500])
        try:
            result = function(*[b for b, _ in drawn], wp)
        except (Unresolved, Undefined):
            continue
        yield holds(result, reference(*[t for _, t in drawn]))


@pytest.mark.parametrize("name", [*UNARY, *BINARY])
def test_every_operation_encloses_the_true_result(name):
    reference = {**UNARY, **BINARY}[name]
    with mpmath.workprec(DEEP):
        found = list(outcomes(name, getattr(ball, name), reference, 2 if name in BINARY else 1))
    assert len(found) > 100
    assert all(found)


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 3, 7])
def test_integer_powers_enclose_the_true_result(n):
    with mpmath.workprec(DEEP):
        found = list(outcomes(f"power{n}", lambda a, wp: ball.power(a, n, wp),
                              lambda x: x**n, 1))
    assert len(found) > 100
    assert all(found)


def test_this_test_notices_a_radius_that_is_too_small():
    def hopeful(a, b, wp):
        value, radius = ball.mul(a, b, wp)
        return value, radius if radius == EXACT else radius - 8

    with mpmath.workprec(DEEP):
        assert not all(outcomes("mul", hopeful, lambda x, y: x * y, 2))


def test_far_tails_of_erfc_are_right_and_fast():
    for x in (2048.5, 1e5, 1e30):
        value, radius = ball.erfc((mp.from_float(x), EXACT), 212)
        with mpmath.workprec(400):
            x = mpmath.mpf(x)
            bracket = mpmath.exp(-x * x) / (x * mpmath.sqrt(mpmath.pi))
            low, high = bracket * (1 - 1 / (2 * x * x)), bracket
            slack = bracket * mpmath.mpf(2)**-205
            assert low - slack <= mpmath.mp.make_mpf(value) <= high + slack
        assert correct_bits((value, radius)) > 200


def test_zero_is_exact_only_where_nothing_was_rounded():
    x = (mp.from_float(0.1), EXACT)
    assert ball.add(x, ball.neg(x), 200) == ball.ZERO
    third = ball.inv((mp.from_int(3), EXACT), 200)
    value, radius = ball.add(third, ball.neg(third), 200)
    assert value == mp.fzero and radius != EXACT


def test_a_ball_that_straddles_zero_decides_nothing():
    wide = (mp.from_float(1e-9), -10)
    for operation in (ball.inv, ball.log, ball.root):
        with pytest.raises(Unresolved):
            operation(wide, 200)
    with pytest.raises(Unresolved):
        ball.sign(wide)


def test_undefined_is_said_where_it_is_certain():
    with pytest.raises(Undefined, match="zero"):
        ball.inv(ball.ZERO, 100)
    with pytest.raises(Undefined, match="negative"):
        ball.log((mp.from_float(-2.0), EXACT), 100)


x, y = sp.symbols("x y", real=True)


@pytest.mark.parametrize("expr", [
    sp.log(1 + sp.exp(x)), 1 - sp.tanh(x)**2, (1 + sp.erf(x / sp.sqrt(2))) / 2, sp.exp(x) - 1,
    3 - 3 / (1 + sp.exp(-x)), sp.Rational(1, 2) + sp.tanh(x) / 2, sp.Max(x, 0) + sp.Abs(x),
    sp.Piecewise((x, x > 0), (sp.exp(x) - 1, True)), sp.sign(x) * x, sp.Heaviside(x) + x,
    2 * sp.exp(x) - 2, sp.sqrt(x**2 + 1) / sp.pi,
    sp.cosh(x) * sp.sinh(x) / sp.E, 1 / (1 + x**2)**2 + sp.Rational(1, 3),
    sp.erfc(x) * sp.cos(x), sp.sech(x), sp.tan(x) + sp.coth(x),
], ids=str)
@pytest.mark.parametrize("stable", [True, False])
def test_programs_agree_with_mpmath(expr, stable):
    program = Program(expr, [x], stable=stable)
    reference = sp.lambdify([x], expr, "mpmath")
    for v in (-7.25, -1.5, -0.1, 1e-5, 0.7, 3.0, 11.0):
        result = program(400, (mp.from_float(v), EXACT))
        with mpmath.workprec(DEEP):
            assert holds(result, mpmath.mpmathify(reference(mpmath.mpf(v))))
        assert correct_bits(result) is None or correct_bits(result) > 160


def test_two_arguments_and_several_outputs():
    shared = sp.exp(x * y)
    first, second = Program([shared + 1, shared * y], [x, y])(
        200, (mp.from_float(2.0), EXACT), (mp.from_float(0.5), EXACT))
    assert float(mp.to_float(first[0])) == pytest.approx(2.718281828459045 + 1)
    assert float(mp.to_float(second[0])) == pytest.approx(2.718281828459045 / 2)


def test_a_symbol_without_an_argument_is_named():
    with pytest.raises(ValueError, match=r"holds y, which is not among the arguments \(x\)"):
        Program(x + y, [x])


def test_a_function_without_an_enclosure_is_named():
    with pytest.raises(Unsupported, match="besselj"):
        Program(sp.besselj(0, x), [x])
