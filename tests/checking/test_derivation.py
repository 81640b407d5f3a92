"""Derivations: what is proved, what is refused, what stays undecided."""

import os
import subprocess
import sys
import time

import pytest
import sympy as sp

from nnbook.checking import judging, perturb, rewriting
from nnbook.checking.derivation import (
    Definition,
    Derivation,
    DerivationError,
    UndecidedError,
    weakest,
)
from nnbook.checking.matrix import plus

z, y = sp.symbols("z y", real=True)
alpha = sp.Symbol("alpha", positive=True)
half = sp.Rational(1, 2)
sigma = sp.Function("sigma", real=True)
LOGISTIC = {sigma: sp.Lambda(z, 1 / (1 + sp.exp(-z)))}
Phi = half * (1 + sp.erf(z / sp.sqrt(2)))
pdf = sp.exp(-z**2 / 2) / sp.sqrt(2 * sp.pi)
OFF_ZERO = sp.Union(sp.Interval.open(-sp.oo, 0), sp.Interval.open(0, sp.oo))


def logistic_slope():
    d = Derivation("5.3", "The logistic function's slope", sp.Derivative(sigma(z), z), let=LOGISTIC)
    d.step(sp.exp(-z) / (1 + sp.exp(-z))**2, "quotient rule")
    return d.step(sigma(z) * (1 - sigma(z)), "write it in $\\sigma$ again")


IDENTITIES = {
    "tanh as a logistic": (sp.tanh(z), 2 * sigma(2 * z) - 1),
    "softplus in two branches": (
        sp.log(1 + sp.exp(z)),
        sp.Piecewise((z + sp.log(1 + sp.exp(-z)), z > 0), (sp.log(1 + sp.exp(z)), True))),
    "softplus by the larger exponent": (
        sp.log(1 + sp.exp(z)), sp.Max(z, 0) + sp.log(1 + sp.exp(-sp.Abs(z)))),
    "logistic in two branches": (
        sigma(z), sp.Piecewise((1 / (1 + sp.exp(-z)), z >= 0),
                               (sp.exp(z) / (1 + sp.exp(z)), True))),
    "slope of tanh": (sp.Derivative(sp.tanh(z), z), 1 - sp.tanh(z)**2),
    "slope of softplus": (sp.Derivative(sp.log(1 + sp.exp(z)), z), sigma(z)),
    "slope of SiLU": (sp.Derivative(z * sigma(z), z), sigma(z) + z * sigma(z) * (1 - sigma(z))),
    "slope of GELU": (sp.Derivative(z * Phi, z), Phi + z * pdf),
    "curvature of GELU": (sp.Derivative(Phi + z * pdf, z), (2 - z**2) * pdf),
    "binary cross-entropy from a logit": (
        -y * sp.log(sigma(z)) - (1 - y) * sp.log(1 - sigma(z)), sp.log(1 + sp.exp(z)) - y * z),
    "homogeneity of ReLU": (sp.Max(0, alpha * z), alpha * sp.Max(0, z)),
    "absolute value from ReLU": (sp.Abs(z), sp.Max(0, z) + sp.Max(0, -z)),
    "maximum from absolute value": (sp.Max(y, z), (y + z + sp.Abs(y - z)) / 2),
    "circle": (sp.sin(z)**2, 1 - sp.cos(z)**2),
    "double angle": (sp.sin(2 * z), 2 * sp.sin(z) * sp.cos(z)),
    "double hyperbolic angle": (sp.sinh(2 * z), 2 * sp.sinh(z) * sp.cosh(z)),
    "rationalised root": (sp.sqrt(1 + alpha**2) - alpha, 1 / (sp.sqrt(1 + alpha**2) + alpha)),
    "logarithms of numbers": (sp.log(12), 2 * sp.log(2) + sp.log(3)),
    "a sum": (sp.Sum(sp.Symbol("k", integer=True), (sp.Symbol("k", integer=True), 1, 10)),
              sp.Integer(55)),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_identity_is_proved_at_level_s_and_its_spoilt_form_refused(name):
    left, right = IDENTITIES[name]
    d = Derivation("5.1", name, left, let=LOGISTIC).step(right, "as named")
    assert d.lines[1].level == "S"
    assert d.lines[1].evidence
    with pytest.raises(DerivationError) as refused:
        Derivation("5.1", name, left, let=LOGISTIC).step(
            right * sp.Rational(1000001, 1000000) + sp.Rational(1, 10**6), "spoilt")
    assert refused.value.counterexample is not None


def test_simplify_alone_fails_where_the_chains_prove():
    # the reason that chains exist; if SymPy learns it, the sentence in design.md §6 is out of date
    gap = sp.tanh(z) - 2 / (1 + sp.exp(-2 * z)) + 1
    assert rewriting.prove_zero(gap)[0] is not None
    assert sp.simplify(gap) != 0


def test_counterexample_names_values_and_both_sides():
    d = logistic_slope()
    with pytest.raises(DerivationError, match=r"at z = 1, the line before is 0\.1966") as refused:
        d.step(sigma(z) * (1 + sigma(z)), "a sign lost")
    example = refused.value.counterexample
    assert example.values == {"z": "1"}
    assert example.left.startswith("0.19661193324")
    assert example.right.startswith("1.26550522402")
    assert len(d.lines) == 3     # a refused line leaves the derivation as it was


def test_error_of_one_part_in_a_billion_is_refused():
    with pytest.raises(DerivationError):
        logistic_slope().step(sigma(z) * (1 - sigma(z)) * (1 + sp.Rational(1, 10**9)), "hm")


def test_constant_right_to_sixty_digits_is_refused():
    near = sp.Rational(str(sp.N(sp.log(2), 60)))
    with pytest.raises(DerivationError):
        Derivation("5.1", "ln 2", sp.log(2)).step(near, "60 digits of it")


def test_lines_that_are_zero_by_cancellation_agree():
    root = sp.sqrt(1 + z**2)
    zero = (root - z) * (root + z) - 1
    d = Derivation("5.1", "t", zero).step(3 * zero, "three times nothing").step(0, "nothing")
    assert d.level == "S"


def test_edge_of_the_domain_is_tried():
    x = sp.Symbol("x", real=True)
    left, right = sp.Max(x, 0), sp.Max(x, 0) - sp.Max(x - 3, 0)
    Derivation("5.1", "t", left, domain=sp.Interval(-1, 3)).step(right, "equal up to 3")
    with pytest.raises(DerivationError, match="x = 3001/1000"):
        Derivation("5.1", "t", left).step(right, "not beyond")


def test_domain_is_part_of_the_statement():
    Derivation("5.1", "t", sp.sqrt(z**2), domain=sp.Interval(0, sp.oo)).step(z, "z ≥ 0")
    with pytest.raises(DerivationError, match="z = -1"):
        Derivation("5.1", "t", sp.sqrt(z**2)).step(z, "forgets negative z")


def test_kink_is_excluded_by_the_domain():
    step = sp.Piecewise((1, z > 0), (0, True))
    slope = sp.Derivative(sp.Max(0, z), z)
    d = Derivation("5.1", "ReLU's slope", slope, domain=OFF_ZERO).step(step, "off the kink")
    assert d.level == "S"
    assert "z ≠ 0" in str(d)
    with pytest.raises(DerivationError, match="z = 0"):
        Derivation("5.1", "ReLU's slope", slope).step(step, "at the kink, too")


def test_value_that_is_undefined_on_one_side_is_refused():
    with pytest.raises(DerivationError, match="at z = 1, the line before is undefined"):
        Derivation("5.1", "t", z + z / (z - 1)).step(
            sp.Piecewise((z**2 / (z - 1), sp.Ne(z, 1)), (5, True)), "1 divides by 0")


def test_inequality():
    d = Derivation("5.1", "t", sigma(z) * (1 - sigma(z)), let=LOGISTIC)
    d.step(sp.Rational(1, 4) - (sigma(z) - half)**2, "complete the square")
    d.at_most(sp.Rational(1, 4), "a square is not negative")
    assert [line.level for line in d.lines[1:]] == ["S", "S"]
    assert d.rhs == d.lines[1].value     # what the start equals, not what bounds it
    with pytest.raises(DerivationError) as refused:
        d.at_most(sp.Rational(24, 100), "too small")
    assert refused.value.counterexample.right == "0.24"


def test_inequality_may_rest_on_proved_inequalities():
    lemma = Derivation("5.1", "t", z**2 + 1).step(2 * z + (z - 1)**2, "expand")
    lemma.at_least(2 * z, "a square is not negative")
    w = sp.Symbol("w", real=True)
    d = Derivation("5.2", "t", plus(z**2 + 1, w**2 + 1))
    d.at_least(2 * z + 2 * w, "(5.1) twice", using=[(1, lemma, {}), (1, lemma, {z: w})])
    assert "(5.1)" in d.lines[1].evidence
    with pytest.raises(ValueError, match="not known"):
        d.at_least(0, "x", using=[(-1, lemma, {})])


def test_strange_identity_is_only_sampled():
    # true, but no chain knows the sum of arctangents
    d = Derivation("5.1", "t", sp.atan(alpha) + sp.atan(1 / alpha)).step(sp.pi / 2, "a right angle")
    assert d.level == "N"
    assert "240 points" in d.lines[1].evidence
    with pytest.raises(UndecidedError, match="asked to hold at level S"):
        Derivation("5.1", "t", sp.atan(alpha) + sp.atan(1 / alpha)).step(
            sp.pi / 2, "a right angle", at_least="S")


def test_step_that_can_be_compared_nowhere_is_undecided():
    # both lines are undefined wherever the sample looks, so agreement there means nothing
    far = sp.Symbol("far", real=True)
    left, right = (sp.Piecewise((f, far**2 + 1 > far**4 + 10)) for f in (sp.sin(far), sp.cos(far)))
    with pytest.raises(UndecidedError, match="too few"):
        Derivation("5.1", "t", left).step(right, "nowhere")


def test_sample_and_proof_that_disagree_leave_the_step_undecided(monkeypatch):
    monkeypatch.setattr(rewriting, "prove_zero", lambda *_: (None, sp.Rational(1, 7)))
    with pytest.raises(UndecidedError, match="leaves the difference 1/7"):
        logistic_slope()


def test_proof_is_not_asked_about_a_step_that_the_sample_refutes(monkeypatch):
    monkeypatch.setattr(rewriting, "prove_zero", lambda *_: ("a lie", sp.S.Zero))
    with pytest.raises(DerivationError):
        logistic_slope().step(sigma(z), "false")


@pytest.mark.skipif(not hasattr(__import__("signal"), "SIGALRM"), reason="no alarm here")
def test_runaway_step_is_stopped(monkeypatch):
    monkeypatch.setattr(judging, "GUARD_SECONDS", 0.3)

    def spin(*_):
        while True:
            time.sleep(0.01)

    monkeypatch.setattr(rewriting, "prove_zero", spin)
    with pytest.raises(UndecidedError, match="no chain ended"):
        logistic_slope()


def test_unspecified_function():
    f, g = sp.Function("f", real=True), sp.Function("g", real=True)
    d = Derivation("5.1", "Product rule", sp.Derivative(f(z) * g(z), z))
    d.step(f(z) * sp.Derivative(g(z), z) + g(z) * sp.Derivative(f(z), z), "product rule")
    assert d.level == "S"
    with pytest.raises(DerivationError):
        d.step(f(z) * sp.Derivative(g(z), z) - g(z) * sp.Derivative(f(z), z), "a sign")


def test_explicit_matrix_with_symbols_is_level_f_and_without_level_s():
    a = sp.Matrix([[y, z], [1, 0]])
    d = Derivation("5.1", "t", a * a.T)
    d.step(sp.Matrix([[(y + z)**2 - 2 * y * z, y], [y, 1]]), "complete the square")
    d.step(sp.Matrix([[y**2 + z**2, y], [y, sp.cos(z)**2 + sp.sin(z)**2]]), "1 in disguise")
    assert d.level == "F"
    r = sp.Function("r", real=True)
    four = Derivation("16.7", "t", sp.Matrix([r(1) - 2 * r(0), r(2) - 2 * r(1)]),
                      let={r: sp.Lambda(z, sp.Max(0, z))})
    assert four.step(sp.Matrix([1, 0]), "evaluate").level == "S"
    with pytest.raises(DerivationError, match="shape"):
        four.step(sp.Matrix([[1, 0]]), "lies down")


def test_a_step_may_not_repeat_the_line_before():
    with pytest.raises(DerivationError, match="repeats the line before"):
        logistic_slope().step(sigma(z) * (1 - sigma(z)), "again")
    with pytest.raises(DerivationError, match="repeats"):     # printed the same is the same
        Derivation("5.1", "t", plus(y, z)).step(z + y, "again")


def test_two_steps_are_needed_to_be_shown():
    d = Derivation("5.1", "t", sp.Derivative(z**2, z)).step(2 * z, "power rule")
    with pytest.raises(DerivationError, match="at least two"):
        d._repr_mimebundle_()


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Derivation(5.3, "t", z), "number must be a string"),
    (lambda: Derivation("five", "t", z), "number must be a string"),
    (lambda: Derivation("5.3", " ", z), "title must be"),
    (lambda: Derivation("5.3", "t", 0.25 * z), r"float 0\.25.*sp\.Rational\(1, 4\)"),
    (lambda: Derivation("5.3", "t", "z + 1"), "must be a SymPy expression"),
    (lambda: Derivation("5.3", "t", z).step(z + 0.5, "r"), r"sp\.Rational\(1, 2\)"),
    (lambda: Derivation("5.3", "t", z).step(2 * z, ""), "no reason"),
    (lambda: Derivation("5.3", "t", z).step(2 * z, "r", relation="<"), "relation must be"),
    (lambda: Derivation("5.3", "t", sp.S.true), "comparison on the spot"),
    (lambda: Derivation("5.3", "t", sp.Symbol("q")).step(sp.Symbol("q")**2, "r"),
     "says nothing about itself"),
    (lambda: Derivation("5.3", "t", z * y, domain=sp.Interval(0, 1)).step(y * z + z, "r"),
     "dict from symbol"),
    (lambda: Derivation("5.3", "t", z, domain=3).step(z + 1, "r"), "domain must be"),
    (lambda: Derivation("5.3", "t", z, let={"s": z}), "let has the key"),
    (lambda: Derivation("5.3", "t", z, let={sigma: z}), "expected sp.Lambda"),
    (lambda: Derivation("5.3", "t", z, such_that={y: z}), "expected given="),
])
def test_bad_input_is_named(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_decimal_is_checked_to_half_a_unit():
    cdf, density = sp.Function("Phi", real=True), sp.Function("pdf", real=True)
    d = Derivation("5.1", "t", cdf(sp.sqrt(2)) + sp.sqrt(2) * density(sp.sqrt(2)),
                   let={cdf: sp.Lambda(z, Phi), density: sp.Lambda(z, pdf)})
    d.step((1 + sp.erf(1)) / 2 + sp.exp(-1) / sp.sqrt(sp.pi), "put in √2")
    d.approximately("1.1289")
    assert d.lines[-1].level == "N"
    assert d.level == "S"     # the statement is the equation; its rounding says its own level
    for wrong in ("1.1288", "1.1290", "1.128", "-1.1289"):
        with pytest.raises(DerivationError, match="round"):
            Derivation("5.1", "t", d.lines[1].expr).approximately(wrong)
    with pytest.raises(ValueError, match="decimal in quotes"):
        d.approximately(1.1289)


def test_definition_hands_its_name_on():
    d = Definition("5.2", "The logistic function", sigma(z), 1 / (1 + sp.exp(-z)))
    assert Derivation("5.3", "t", sigma(0), let=d.let).step(half, "put in 0").level == "S"
    with pytest.raises(DerivationError, match="by itself"):
        Definition("5.2", "t", sigma(z), 1 + sigma(z))


def test_names_may_use_names_but_not_in_a_circle():
    s = sp.Symbol("s", real=True)
    d = Derivation("5.1", "t", s, let={s: sigma(z) + 1, **LOGISTIC})
    d.step((2 + sp.exp(-z)) / (1 + sp.exp(-z)), "put in")
    with pytest.raises(ValueError, match="circle"):
        Derivation("5.1", "t", s, let={s: y + 1, y: s})


def test_weakest_level():
    assert weakest("SSFA") == "F"
    assert logistic_slope().level == "S"


@pytest.mark.parametrize("build", [logistic_slope])
def test_every_planted_error_is_refused(build):
    derivation = build()
    planted = list(perturb.perturb(derivation))
    assert len(planted) >= 10
    for error in planted:
        example = perturb.refusal(derivation, error)
        assert example.left != example.right


def test_a_bound_is_spoilt_where_it_breaks_and_left_where_it_still_holds():
    d = Derivation("5.1", "A bound", sigma(z) * (1 - sigma(z)), let=LOGISTIC)
    d.at_most(sigma(z), "the other factor is at most 1")
    d.at_most(sp.Integer(2), "a logistic is below 1")
    planted = {(error.line, error.what): error for error in perturb.perturb(d)}
    assert (1, "sign of the line flipped") in planted
    assert (1, "inequality turned round") in planted
    assert (2, "sign of the line flipped") in planted
    assert (2, "coefficient of the line perturbed") not in planted     # 2.002 is a bound as well
    for error in planted.values():
        assert perturb.refusal(d, error)


def test_planting_notices_a_checker_that_accepts_everything(monkeypatch):
    derivation = logistic_slope()
    error = next(iter(perturb.perturb(derivation)))
    monkeypatch.setattr(perturb, "judge", lambda *_: ("S", "anything goes"))
    with pytest.raises(AssertionError, match="accepted at level S"):
        perturb.refusal(derivation, error)


SCRIPT = """
import sympy as sp
from nnbook.checking import render
from nnbook.checking.derivation import Derivation
from nnbook.checking.matrix import dimensions, indices, ones, pairing
z, y = sp.symbols("z y", real=True)
d = Derivation("5.1", "t", sp.Derivative(sp.log(1 + sp.exp(z)) - y * z, z))
d.step(1 / (1 + sp.exp(-z)) - y, "r").step(sp.tanh(z / 2) / 2 + sp.Rational(1, 2) - y, "r")
print(d, render.as_latex(d), render.as_html(d), d.symbols)
N, n, m, K = dimensions("N n m K")
A, W, b, G = (sp.MatrixSymbol(*s) for s in (("A", N, n), ("W", m, n), ("b", m, 1), ("D", N, m)))
e = Derivation("8.1", "t", sp.Derivative(pairing(G, A * W.T + ones(N) * b.T), W)).step(G.T * A, "r")
print(e, [line.evidence for line in e.lines], e.symbols)
i, j, k = indices("i j k", K)
p, t = sp.IndexedBase("p", real=True), sp.IndexedBase("t", real=True)
soft = {p[i]: sp.exp(t[i]) / sp.Sum(sp.exp(t[k]), (k, 1, K))}
f = Derivation("8.2", "t", sp.Derivative(p[i], t[j]), let=soft)
f.step(p[i] * (sp.KroneckerDelta(i, j) - p[j]), "r")
print(f, [line.evidence for line in f.lines])
try:
    f.step(p[i] * (sp.KroneckerDelta(i, j) + p[j]), "r")
except ValueError as error:
    print(error)
"""


def test_output_does_not_depend_on_the_hash_seed():
    told = set()
    for seed in ("0", "1", "4711"):
        run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True,
                             env={**os.environ, "PYTHONHASHSEED": seed}, check=False)
        assert run.returncode == 0, run.stderr
        told.add(run.stdout)
    assert len(told) == 1
