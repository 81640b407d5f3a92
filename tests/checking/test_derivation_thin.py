"""Steps that are false almost nowhere: at one point, on a line, at a corner, at one size."""

import pytest
import sympy as sp

from nnbook.checking.derivation import Derivation, DerivationError
from nnbook.checking.matrix import dimensions, ones

z, y = sp.symbols("z y", real=True)
OFF_ZERO = sp.Union(sp.Interval.open(-sp.oo, 0), sp.Interval.open(0, sp.oo))

# -- false on a thin set --------------------------------------------------------------------------
THIN = {
    "at an irrational edge": (sp.Piecewise((z, z > sp.pi), (0, True)),
                              sp.Piecewise((z, z >= sp.pi), (0, True))),
    "at the root of a quadratic": (sp.Piecewise((1, z**2 > 2), (0, True)),
                                   sp.Piecewise((1, z**2 >= 2), (0, True))),
    "on a line": (sp.Heaviside(y + z, 0), sp.Heaviside(y + z, 1)),
    "on a curve": (sp.Heaviside(y * z - 1, 0), sp.Heaviside(y * z - 1, 1)),
    "where nothing is divided by nothing": (sp.Mul(z, 1 / z, evaluate=False), sp.Integer(1)),
}


@pytest.mark.parametrize("name", THIN)
def test_a_step_false_on_a_thin_set_is_refused_there(name):
    left, right = THIN[name]
    with pytest.raises(DerivationError) as refused:
        Derivation("5.1", name, left).step(right, "because")
    assert refused.value.counterexample.left != refused.value.counterexample.right


CORNERS = {
    "absolute value": (sp.Abs(z), z, sp.sign(z), r"z = 0 .* -1.0 on the left and 1.0 on the right"),
    "ReLU, halfway": (sp.Max(0, z), z, sp.Heaviside(z), "z = 0 .* 0.0 on the left and 1.0"),
    "maximum of two": (sp.Max(y, z), y, sp.Heaviside(y - z), "there is no derivative"),
}


@pytest.mark.parametrize("name", CORNERS)
def test_a_derivative_at_a_corner_is_refused(name):
    inner, by, slope, told = CORNERS[name]
    with pytest.raises(DerivationError, match=told):
        Derivation("5.1", name, sp.Derivative(inner, by)).step(slope, "because")


def test_a_derivative_off_the_corner_and_where_the_corner_is_smooth_is_accepted():
    d = Derivation("5.1", "|z|", sp.Derivative(sp.Abs(z), z), domain=OFF_ZERO)
    assert d.step(sp.sign(z), "because").level == "S"
    d = Derivation("5.1", "z|z|", sp.Derivative(z * sp.Abs(z), z))
    assert d.step(2 * sp.Abs(z), "because").level == "S"


def test_a_domain_with_irrational_ends_is_sampled():
    angle = sp.Interval(0, sp.pi)
    d = Derivation("5.1", "angle", sp.acos(sp.cos(z)), domain=angle).step(z, "because")
    assert d.level == "N"
    with pytest.raises(DerivationError):
        Derivation("5.1", "angle", sp.acos(sp.cos(z)), domain=sp.Interval(0, 4)).step(z, "because")


# -- false at some sizes only ---------------------------------------------------------------------
def chance(K, last):
    return sp.Mul(*(K - n for n in range(1, last + 1)))


@pytest.mark.parametrize("extra", [lambda K: chance(K, 6), lambda K: sp.KroneckerDelta(K, 5),
                                   lambda K: sp.KroneckerDelta(K, 1)])
def test_a_sum_right_at_some_sizes_only_is_refused(extra):
    K = sp.Symbol("K", integer=True, positive=True)
    k, p = sp.Symbol("k", integer=True), sp.IndexedBase("p", real=True)
    for left, right in ((sp.Sum(p[k], (k, 1, K)), sp.Sum(p[k], (k, 1, K - 1)) + p[K]),
                        (sp.Sum(k, (k, 1, K)), K * (K + 1) / 2)):
        assert Derivation("5.1", "sum", left).step(right, "because").level in "SF"
        with pytest.raises(DerivationError, match="is false: at K = "):
            Derivation("5.1", "sum", left).step(right + extra(K), "because")


def test_ones_alone_are_matrices():
    N = dimensions("N")
    d = Derivation("8.1", "count", ones(N).T * ones(N)).step(N * sp.Identity(1), "because")
    assert d.level == "A"
    with pytest.raises(DerivationError):
        Derivation("8.1", "count", ones(N).T * ones(N)).step((N + 1) * sp.Identity(1), "because")


# -- false far out --------------------------------------------------------------------------------
n = sp.Symbol("n", integer=True, positive=True)


@pytest.mark.parametrize("left, right", [
    (10**6 + z**2, z**3),
    (1000 * n, n**2),
    (sp.exp(-z), sp.Rational(1, 10**100)),
    (10**4 + sp.Abs(z), z * y),
])
def test_an_inequality_that_turns_round_far_out_is_refused(left, right):
    with pytest.raises(DerivationError, match="is false: at"):
        Derivation("5.1", "far", left).at_least(right, "because")


def test_a_true_inequality_is_sampled_far_out_too():
    d = Derivation("5.1", "larger", sp.log(sp.exp(y) + sp.exp(z)))
    assert d.at_most(sp.Max(y, z) + sp.log(2), "because").level == "N"


def test_a_bound_that_some_number_of_entries_breaks_is_refused():
    K = sp.Symbol("K", integer=True, positive=True)
    k, p = sp.Symbol("k", integer=True), sp.IndexedBase("p", real=True)
    total, squares = sp.Sum(p[k], (k, 1, K)), sp.Sum(p[k]**2, (k, 1, K))
    assert Derivation("5.1", "mean", total**2).at_most(K * squares, "Cauchy").level == "N"
    for enough in (2, 9, 25):
        with pytest.raises(DerivationError, match="is false: at K = "):
            Derivation("5.1", "mean", total**2).at_most(enough * squares, "because")


# -- what is no line ------------------------------------------------------------------------------
def test_what_is_no_line_is_named():
    with pytest.raises(TypeError, match="the comparison z > 0; give its two sides"):
        Derivation("5.1", "t", z > 0)
    with pytest.raises(TypeError, match="let must be a dict"):
        Derivation("5.1", "t", z, let=[1])
    with pytest.raises(ValueError, match="at_least must be one of S, A, F, N"):
        Derivation("5.1", "t", sp.sin(z)**2).step(1 - sp.cos(z)**2, "circle", at_least="Q")
