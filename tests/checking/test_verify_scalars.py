"""verify on real functions: what is right passes, naive formulas are refused, with the point."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp

import nnbook.functions as F
from nnbook.checking import Derivation, VerificationError, verify
from nnbook.checking.points import inside, kinks_of, scalar_points
from nnbook.checking.precision import Evaluator, PrecisionError
from nnbook.checking.verify_scalars import _proved_equal

z = sp.Symbol("z", real=True)
SIGMA = 1 / (1 + sp.exp(-z))
OFF_ZERO = sp.Union(sp.Interval.open(-sp.oo, 0), sp.Interval.open(0, sp.oo))
FEW = {"points": 1_500}


def equation(rhs, number="5.3", **more):
    return SimpleNamespace(number=number, rhs=rhs, **{"domain": None, **more})


RIGHT = {
    "sigmoid": SIGMA, "sigmoid_prime": SIGMA * (1 - SIGMA), "tanh": sp.tanh(z),
    "tanh_prime": 1 - sp.tanh(z)**2, "softplus": sp.log(1 + sp.exp(z)), "softplus_prime": SIGMA,
    "relu": sp.Max(0, z), "silu": z * SIGMA, "gelu": z * (1 + sp.erf(z / sp.sqrt(2))) / 2,
}


@pytest.mark.parametrize("name", RIGHT)
def test_the_functions_of_the_book_agree_with_their_equations(name):
    result = verify(equation(RIGHT[name]), getattr(F, name), **FEW)
    assert result.worst_error <= 2
    assert result.function.endswith("." + name)


def naive_tanh_prime(z):
    return 1 - np.tanh(z)**2


def naive_softplus(z):
    return np.log(1 + np.exp(z))


def clipped_sigmoid(z):
    return (1 / (1 + np.exp(-np.clip(z, -500, 500)))).astype(z.dtype)


def naive_sigmoid_prime(z):
    s = 1 / (1 + np.exp(-z))
    return s * (1 - s)


def doubled_tanh(z):
    return 2 * F.tanh(z)


def negative_tanh(z):
    return -F.tanh(z)


def quotient_softplus(z):
    return np.exp(z) / (1 + np.exp(z)) * 0 + np.log(np.exp(z) + 1)


@pytest.mark.parametrize(("function", "rhs", "options", "reason"), [
    (naive_tanh_prime, 1 - sp.tanh(z)**2, {}, "cancellation"),
    (naive_softplus, sp.log(1 + sp.exp(z)), {}, "overflowed"),
    (naive_softplus, sp.log(1 + sp.exp(z)), {
        "domain": (-700, 700), "because": "exp overflows past 709"}, "cancellation"),
    (clipped_sigmoid, SIGMA, {"dtypes": ["float32"]}, "underflowed|clipped"),
    (clipped_sigmoid, SIGMA, {"dtypes": ["float64"]}, "clipped"),
    (naive_sigmoid_prime, SIGMA * (1 - SIGMA), {}, "cancellation"),
    (doubled_tanh, sp.tanh(z), {}, "2 times the equation"),
    (negative_tanh, sp.tanh(z), {}, "sign"),
    (quotient_softplus, sp.log(1 + sp.exp(z)), {}, "overflowed"),
])
def test_a_naive_formula_is_refused_with_its_cause(function, rhs, options, reason):
    with pytest.raises(VerificationError) as refused:
        verify(equation(rhs), function, points=3_000, **options)
    error = refused.value
    assert __import__("re").search(reason, error.reason)
    assert error.error > 2
    x = error.point["z"]
    assert repr(x) in str(error) and repr(error.found) in str(error)
    assert repr(error.expected) in str(error) and "ulp away (bound: 2)" in str(error)
    truth = float(sp.N(rhs.subs(z, sp.Rational(x)), 30, maxn=4000))
    assert error.expected == pytest.approx(truth, rel=1e-12)


def test_a_function_one_ulp_outside_the_bound_is_refused():
    def off_by_three(z):
        y = F.tanh(z)
        return np.nextafter(np.nextafter(np.nextafter(y, np.inf), np.inf), np.inf).astype(y.dtype)

    with pytest.raises(VerificationError):
        verify(equation(sp.tanh(z)), off_by_three, **FEW)
    assert verify(equation(sp.tanh(z)), off_by_three, bound=8, **FEW).bound == 8


def test_a_wrong_value_at_one_subnormal_is_found():
    def flushing(z):
        return np.where(np.abs(z) < np.finfo(z.dtype).tiny, 0, F.tanh(z)).astype(z.dtype)

    with pytest.raises(VerificationError, match="underflowed before its time"):
        verify(equation(sp.tanh(z)), flushing, **FEW)


def test_a_wrong_branch_at_the_neighbour_of_a_kink_is_found():
    kinked = sp.Max(z - 3, 0)

    def late(z):
        return np.where(z > 3 + 1e-9, z - 3, 0).astype(z.dtype)

    assert kinks_of(kinked, z) == [3.0]
    with pytest.raises(VerificationError) as refused:
        verify(equation(kinked), late, dtypes=["float64"], points=400)
    assert abs(refused.value.point["z"] - 3) < 1e-8


def test_the_dtype_must_be_kept():
    with pytest.raises(VerificationError, match="turns float32 into float64"):
        verify(equation(sp.tanh(z)), lambda z: np.tanh(z.astype(float)), name="f", **FEW)


def test_a_function_with_an_irrational_root_is_measured_against_its_terms():
    rhs = SIGMA + z * SIGMA * (1 - SIGMA)

    def plain(z):
        x = z.astype(float)
        s, t = F.sigmoid(x), F.sigmoid(-x)
        return (s + x * s * t).astype(z.dtype)

    inside = {"domain": (-600, 600), "because": "further out σ is subnormal",
              "dtypes": ["float64"]}
    with pytest.raises(VerificationError):
        verify(equation(rhs), plain, bound=4, points=9_000, **inside)
    result = verify(equation(rhs), plain, bound=4, terms=True, points=9_000, **inside)
    assert "within 4 ulp of Σ|terms|" in str(result)


def test_what_is_printed_does_not_depend_on_what_was_measured():
    exact = verify(equation(sp.Max(0, z)), F.relu, **FEW)
    sloppy = verify(equation(sp.Max(0, z)), lambda z: np.nextafter(F.relu(z), z.dtype.type(np.inf)),
                    name="relu", **FEW)
    assert str(exact) == str(sloppy).replace("✓ relu", "✓ relu")
    assert exact.worst_error == 0 and sloppy.worst_error == 1
    data, metadata = exact._repr_mimebundle_()
    assert data == {"text/plain": "✓ relu agrees with (5.3) within 2 ulp at 1,500 points in "
                                  "float64, float32 and float16"}
    assert metadata["nnbook"]["kind"] == "verification"
    assert metadata["nnbook"]["worst_error"] == 0
    assert set(metadata["nnbook"]) >= {"number", "function", "bound", "points", "worst_at", "unit",
                                       "domain", "narrowed"}
    __import__("json").dumps(metadata, allow_nan=False)


def test_the_page_gets_a_tick_and_a_link_to_the_ledger(monkeypatch):
    monkeypatch.setenv("NNBOOK_HTML", "1")
    result = verify(equation(sp.Max(0, z)), F.relu, **FEW)
    html = result._repr_mimebundle_()[0]["text/html"]
    assert 'href="ledger.html#ledger-5-3"' in html and 'href="#eq-5-3"' in html
    assert "<code>relu</code>" in html and "0.0" not in html


def test_a_narrower_domain_needs_its_reason_and_prints_it():
    d = equation(sp.Max(0, z))
    with pytest.raises(ValueError, match="narrower than Reals: say why with because="):
        verify(d, F.relu, domain=(-5, 5))
    result = verify(d, F.relu, domain=(-5, 5), because="the chapter draws no more", **FEW)
    assert str(result).endswith("of [−5, 5] (the chapter draws no more)")
    with pytest.raises(ValueError, match="there is none"):
        verify(d, F.relu, because="for no reason")


def test_a_convention_at_a_kink_is_checked_and_printed():
    d = equation(sp.Heaviside(z), domain={z: OFF_ZERO})
    assert "0 at z = 0 by convention" in str(verify(d, F.relu_prime, chosen={0: 0}, **FEW))
    with pytest.raises(VerificationError, match="convention"):
        verify(d, F.relu_prime, chosen={0: 1}, **FEW)


def test_limits_are_checked_in_the_function_and_in_the_equation():
    d = equation(SIGMA)
    assert "limits" in str(verify(d, F.sigmoid, limits={sp.oo: 1, -sp.oo: 0}, **FEW))
    with pytest.raises(ValueError, match="limits says"):
        verify(d, F.sigmoid, limits={sp.oo: 2}, **FEW)
    with pytest.raises(VerificationError, match="limit"):
        verify(equation(z * SIGMA), lambda z: np.where(np.isinf(z), 7, F.silu(z)).astype(z.dtype),
               name="silu", limits={-sp.oo: 0}, **FEW)


def test_a_parameter_is_fixed_at_a_binary_float():
    a = sp.Symbol("alpha", positive=True)
    rhs = sp.Piecewise((z, z > 0), (a * z, True))
    verify(equation(rhs), F.leaky_relu, args=z, fixed={a: 0.01}, **FEW)
    with pytest.raises(VerificationError):
        verify(equation(rhs), F.leaky_relu, args=z, fixed={a: 0.02}, **FEW)


def test_questions_that_are_not_well_put():
    with pytest.raises(TypeError, match="derivation must be"):
        verify(F.relu, equation(z))
    with pytest.raises(ValueError, match="pass the function itself"):
        verify(equation(z), lambda z: z)
    with pytest.raises(TypeError, match="must be callable"):
        verify(equation(z), 3)
    with pytest.raises(ValueError, match="no value at z = 0"):
        verify(equation(1 / z), lambda z: 1 / z, name="inverse", points=300)
    with pytest.raises(TypeError, match="same shape"):
        verify(equation(z), lambda z: 1.0, name="one", points=300)
    with pytest.raises(ValueError, match="points must be"):
        verify(equation(z), F.relu, points=0)
    b = sp.Symbol("b", real=True)
    with pytest.raises(ValueError, match="symbols b, z: give args="):
        verify(equation(z + b), F.relu)


def test_a_derivation_is_read_with_its_names_and_its_other_lines():
    sigma = sp.Function("sigma", real=True)
    d = Derivation("5.3", "The slope", sp.Derivative(sigma(z), z), let={sigma: sp.Lambda(z, SIGMA)})
    d.step(sp.exp(-z) / (1 + sp.exp(-z))**2, "quotient rule")
    d.step(sigma(z) * (1 - sigma(z)), "in σ again")
    assert verify(d, F.sigmoid_prime, **FEW).number == "5.3"


def test_a_line_that_cancels_is_evaluated_by_a_line_proved_equal():
    half = sp.Rational(1, 2)
    d = Derivation("5.4", "A quarter at most", SIGMA * (1 - SIGMA))
    d.step(half**2 - (SIGMA - half)**2, "complete the square")
    d.step(half**2 - (half - SIGMA)**2, "turn it round").at_most(half**2, "a square")
    assert "ℝ" in verify(d, F.sigmoid_prime, **FEW).domain
    assert _proved_equal(d) == [half**2 - (SIGMA - half)**2, SIGMA * (1 - SIGMA)]
    with pytest.raises(PrecisionError):
        Evaluator(d.rhs, [z])(1e6)
    assert Evaluator(d.rhs, [z], equals=_proved_equal(d))(1e6) > 0


def test_an_equation_that_no_function_computes_is_excused_with_a_reason():
    result = verify(equation(z), unverifiable="it is a matter of counting")
    assert "it is a matter of counting" in str(result)
    with pytest.raises(ValueError, match="one or the other"):
        verify(equation(z), F.relu, unverifiable="yet it has one")


x, y, w, b = sp.symbols("x y w b", real=True)


def test_several_reals_are_held_to_the_size_of_their_terms():
    rhs = sp.Abs(w * x + b * y) / sp.sqrt(w**2 + b**2)
    good = verify(equation(rhs), lambda w, x, b, y: abs(w * x + b * y) / math.hypot(w, b),
                  name="distance", points=500)
    assert "8 ε√n Σ|terms|" in str(good)
    with pytest.raises(VerificationError, match="2 times"):
        verify(equation(rhs), lambda w, x, b, y: 2 * abs(w * x + b * y) / math.hypot(w, b),
               name="distance", points=500)
    with pytest.raises(VerificationError):
        verify(equation(rhs), lambda w, x, b, y: abs(w * x + b * y) / (abs(w) + abs(b)),
               name="distance", points=500)


def test_counting_formulas_are_exact():
    n0, n1, n2 = sp.symbols("n0:3", integer=True, positive=True)
    rhs = n1 * (n0 + 1) + n2 * (n1 + 1)
    args = {"args": [n0, n1, n2]}
    result = verify(equation(rhs), F.parameter_count, call=lambda *n: F.parameter_count(n), **args)
    assert "exactly" in str(result)
    with pytest.raises(VerificationError, match="counted twice"):
        verify(equation(rhs), F.parameter_count, call=lambda a, b, c: a * b + b * c, **args)


def test_a_theorem_is_run_at_random_instances():
    t = equation(z, number="5.15", level="T")
    good = verify(t, F.relu, holds=lambda rng: (0.5, 1.0), points=50)
    assert "in every case" in str(good) or "random instances" in str(good)
    with pytest.raises(VerificationError, match="not at most"):
        verify(t, F.relu, holds=lambda rng: (rng.random(), 0.9), points=200)


def test_points_cover_the_format():
    rng = np.random.default_rng(0)
    for dtype, tiny in (("float64", 5e-324), ("float32", 1e-45), ("float16", 6e-8)):
        found = scalar_points(sp.S.Reals, 4_000, rng, dtype)
        assert found.dtype == dtype and len(found) == 4_000
        info = np.finfo(dtype)
        subnormal = (np.abs(found) < info.tiny) & (found != 0)
        assert subnormal.sum() > 20 and {0.0, 1.0, float(info.max)} <= set(found.tolist())
        assert np.min(np.abs(found[found != 0])) == pytest.approx(tiny, rel=0.1)
        assert np.count_nonzero((np.abs(found) > 0.01) & (np.abs(found) < 100)) > 1_000


def test_points_stay_inside_their_domain():
    rng = np.random.default_rng(0)
    domain = sp.Union(sp.Interval.open(0, 1), sp.Interval(3, sp.oo))
    found = scalar_points(domain, 2_000, rng)
    assert np.all(((found > 0) & (found < 1)) | (found >= 3)) and 3.0 in found
    assert inside(sp.Interval(0, sp.pi), np.array([3.0, 3.2])).tolist() == [True, False]
    with pytest.raises(ValueError, match="holds no float16 number"):
        scalar_points(sp.Interval(sp.Rational(1, 3), sp.Rational(33334, 100000)), 5, rng, "float16")


def test_a_constant_is_held_to_its_equation():
    equation = SimpleNamespace(number="5.98", rhs=(1 + sp.erf(1)) / 2)
    good = verify(equation, math.erf, args=[], call=lambda: (1 + math.erf(1)) / 2, name="half")
    assert good.points == 1
    with pytest.raises(VerificationError, match=r"it returns 0\.92"):
        verify(equation, math.erf, args=[], call=lambda: (1 + math.erf(1)) / 2 + 1e-15, name="half")


def clips_in_place(z):
    if z.ndim:
        z[z < 0] = 0
        return z
    return F.relu(z)


def spoils_its_argument(z):
    found = F.relu(z)
    z[...] = 0
    return found


@pytest.mark.parametrize("writes", [clips_in_place, spoils_its_argument])
def test_a_function_that_writes_into_its_argument_is_refused(writes):
    with pytest.raises(VerificationError, match=r"changes its argument z: entry .* after the call"):
        verify(equation(sp.Max(0, z), "5.5"), writes, **FEW)


WRONG_SHAPES = {
    "flattens": lambda x: F.relu(np.ravel(x)),
    "fails on nothing": lambda x: F.relu(x) + 0 * np.max(x),
    "one for nothing": lambda x: F.relu(x) if x.size else np.zeros(1, x.dtype),
    "reads memory in the wrong order": lambda x: F.relu(x).ravel("K").reshape(x.shape),
}


@pytest.mark.parametrize("name", WRONG_SHAPES)
def test_a_function_that_is_right_on_flat_arrays_only_is_refused(name):
    with pytest.raises(VerificationError, match=r"on an array of shape \(.*\) it "):
        verify(equation(sp.Max(0, z), "5.5"), WRONG_SHAPES[name], name="m.f", **FEW)
