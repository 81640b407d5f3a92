"""Matrix calculus for all shapes, and indexed sums with deltas under their ranges."""

import mpmath
import numpy as np
import pytest
import sympy as sp

from nnbook.checking.derivation import Derivation, DerivationError
from nnbook.checking.indexed import Calculus, apart
from nnbook.checking.matrix import (
    RowSoftmax,
    dimensions,
    elementwise,
    indices,
    instantiate,
    ones,
    pairing,
    plus,
    row_sums,
    times,
    transpose,
    vjp,
)
from nnbook.checking.perturb import perturb, refusal
from nnbook.checking.shapes import SIZES

N, n, m, K = dimensions("N n m K")
A, W, B, G = (sp.MatrixSymbol(*s) for s in (
    ("A", N, n), ("W", m, n), ("b", m, 1), ("Delta", N, m)))
Zs = sp.MatrixSymbol("Z", N, m)
LAYER = A * W.T + ones(N) * B.T
phi = sp.Function("phi", real=True)
x = sp.Symbol("x", real=True)
slope = sp.Lambda(x, sp.Derivative(phi(x), x))
i, j, k = indices("i j k", K)
z, p, y, u = (sp.IndexedBase(s, real=True) for s in "zpyu")
delta = sp.KroneckerDelta
SOFTMAX = {p[i]: sp.exp(z[i]) / sp.Sum(sp.exp(z[k]), (k, 1, K))}

LAYERS = {
    "weights": (sp.Derivative(pairing(G, LAYER), W), G.T * A),
    "bias": (sp.Derivative(pairing(G, LAYER), B), G.T * ones(N)),
    "input": (sp.Derivative(pairing(G, LAYER), A), G * W),
    "activation": (sp.Derivative(pairing(G, elementwise(phi, Zs)), Zs),
                   sp.HadamardProduct(G, elementwise(slope, Zs))),
    "weights through an activation": (
        sp.Derivative(pairing(G, elementwise(phi, LAYER)), W),
        sp.HadamardProduct(G, elementwise(slope, LAYER)).T * A),
    "trace is cyclic": (transpose(times(G, W)), times(W.T, G.T)),
    "two affine layers": (
        times(plus(A * W.T, ones(N) * B.T), transpose(sp.MatrixSymbol("V", K, m))),
        plus(times(A, transpose(sp.MatrixSymbol("V", K, m) * W)),
             times(ones(N), transpose(sp.MatrixSymbol("V", K, m) * B)))),
}


def build(left, right, **options):
    return Derivation("8.1", "t", left, **options).step(right, "as named")


@pytest.mark.parametrize("name", LAYERS)
def test_layer_is_proved_for_all_shapes_and_every_planted_error_refused(name):
    d = build(*LAYERS[name])
    assert d.level == "A"
    assert "deltas resolved" in d.lines[1].evidence
    assert d.lines[1].evidence.count("=") >= 2     # the sizes at which it was written out
    planted = list(perturb(d))
    assert planted
    for error in planted:
        refusal(d, error)


def test_sizes_are_distinct_and_at_least_two():
    assert len(SIZES) == 2
    for sizes in SIZES:
        assert len(set(sizes)) == len(sizes)
        assert min(sizes) >= 2
    assert all(a != b for a, b in zip(*SIZES, strict=True))


def test_transposed_weights_are_refused_by_their_shape():
    with pytest.raises(DerivationError, match=r"shape \(N, m\).*shape \(N, n\)|shape"):
        build(sp.Derivative(pairing(G, LAYER), A), G)


def test_matrix_is_not_a_number():
    with pytest.raises(DerivationError, match=r"a matrix.*a number"):
        build(G.T * A, sp.Trace(G.T * G))


def test_counterexample_shows_sizes_entry_and_entries():
    with pytest.raises(DerivationError) as refused:
        build(sp.Derivative(pairing(G, LAYER), W), 2 * G.T * A)
    values = refused.value.counterexample.values
    assert {"N", "n", "m"} <= set(values)
    assert values["the entry"].startswith("(")
    assert any(name.startswith("Δ[") for name in values)


def test_sympys_matrix_calculus_agrees_and_is_named():
    d = build(*LAYERS["weights"])
    assert "SymPy's matrix calculus" in d.lines[1].evidence


def test_vjp_is_one_layer_at_a_time():
    assert vjp(LAYER, W, G) == G.T * A
    with pytest.raises(ValueError, match="one layer at a time"):
        nested = elementwise(phi, elementwise(phi, Zs))
        vjp(nested, Zs, G)
    with pytest.raises(ValueError, match="not elementwise"):
        vjp(RowSoftmax(Zs), Zs, G)
    with pytest.raises(ValueError, match="cotangent has shape"):
        vjp(LAYER, W, A)


def test_row_softmax_has_unit_rows_and_shifts_change_nothing():
    d = build(row_sums(RowSoftmax(Zs)), ones(N))
    assert d.level == "A"
    c = sp.MatrixSymbol("c", N, 1)
    d = build(RowSoftmax(Zs + c * ones(1, m)), RowSoftmax(Zs))
    assert d.level in ("A", "F")
    with pytest.raises(DerivationError):
        build(RowSoftmax(2 * Zs), RowSoftmax(Zs))


def test_softmax_vjp_for_all_shapes():
    P = RowSoftmax(Zs)
    inner = row_sums(sp.HadamardProduct(G, P)) * ones(1, m)
    d = build(sp.Derivative(pairing(G, P), Zs), sp.HadamardProduct(P, G - inner))
    assert d.level == "A"


def test_base_case_needs_rows_that_sum_to_one():
    P, Y, U = (sp.MatrixSymbol(s, N, K) for s in "PYU")
    Z = sp.MatrixSymbol("Z", N, K)
    loss = -sp.Trace(Y.T * elementwise(sp.Lambda(x, sp.log(x)), P)) / N
    unit = {Y: sp.HadamardProduct(U, elementwise(sp.Lambda(x, 1 / x), U * ones(K, K)))}
    start = sp.Derivative(loss, Z)
    assert build(start, (P - Y) / N, let={P: RowSoftmax(Z)}, such_that=unit,
                 given="rows of Y sum to 1").level == "A"
    with pytest.raises(DerivationError):
        build(start, (P - Y) / N, let={P: RowSoftmax(Z)})


def test_softmax_jacobian_for_all_k():
    d = build(sp.Derivative(p[i], z[j]), p[i] * (delta(i, j) - p[j]), let=SOFTMAX)
    assert d.level == "S"
    for wrong in (p[i] * (delta(i, j) + p[j]), p[i] * (1 - p[j]), p[i] * delta(i, j)):
        with pytest.raises(DerivationError):
            build(sp.Derivative(p[i], z[j]), wrong, let=SOFTMAX)


def test_cross_entropy_gradient_for_all_k():
    start = sp.Derivative(-sp.Sum(y[k] * sp.log(p[k]), (k, 1, K)), z[j])
    d = build(start, p[j] * sp.Sum(y[k], (k, 1, K)) - y[j], let=SOFTMAX)
    assert d.level == "S"
    with pytest.raises(DerivationError):     # true only if the targets sum to 1
        build(start, p[j] - y[j], let=SOFTMAX)


def test_delta_is_resolved_under_its_range_only():
    whole = sp.Sum(y[k] * (delta(k, j) - p[j]), (k, 1, K))
    assert build(whole, y[j] - p[j] * sp.Sum(y[k], (k, 1, K))).level == "S"
    q, = indices("q", sp.Symbol("L", integer=True, positive=True))
    with pytest.raises(DerivationError):     # q may lie beyond K: then the sum is 0
        build(sp.Sum(y[k] * delta(k, q), (k, 1, K)), y[q])
    calculus = Calculus()
    left = calculus.normal(sp.Sum(y[k] * delta(k, q), (k, 1, K)))
    assert left.has(sp.KroneckerDelta)


def test_bound_names_do_not_matter():
    a, b = indices("a b", K)
    d = build(sp.Sum(y[a] * p[b] * z[a], (a, 1, K), (b, 1, K)),
              sp.Sum(p[k], (k, 1, K)) * sp.Sum(z[k] * y[k], (k, 1, K)))
    assert d.level == "S"


def test_inner_sum_may_reuse_an_outer_name():
    e = sp.Sum(y[k] * sp.Sum(z[k], (k, 1, K)), (k, 1, K))
    assert build(e, sp.Sum(y[k], (k, 1, K)) * sp.Sum(z[k], (k, 1, K))).level == "S"
    assert apart(e) == apart(e)


def test_sum_from_two_is_a_sum_from_one_less_its_first_term():
    d = build(sp.Sum(y[k], (k, 2, K)), sp.Sum(y[k], (k, 1, K)) - y[1])
    assert d.level == "S"
    with pytest.raises(DerivationError):
        build(sp.Sum(y[k], (k, 2, K)), sp.Sum(y[k], (k, 1, K)) - y[2])


def test_sum_of_a_constant_counts():
    c = sp.Symbol("c", real=True)
    assert build(sp.Sum(c, (k, 1, K)), K * c).level == "S"


def test_what_holds_at_fixed_shapes_only_is_level_f():
    V = sp.MatrixSymbol("V", 2, 2)
    first, second = V[0, 0], V[0, 1]
    d = build(sp.Matrix([[first**2, 1], [second, 2]]),
              sp.Matrix([[(first - second) * (first + second) + second**2, 1], [second, 2]]))
    assert d.level == "F"


def test_instantiate_matches_numpy():
    rng = np.random.default_rng(0)
    a, w, b, g = rng.normal(size=(2, 3)), rng.normal(size=(4, 3)), rng.normal(size=(4, 1)), \
        rng.normal(size=(2, 4))
    sizes = {N: 2, n: 3, m: 4}
    values = {A: a, W: w, B: b, G: g}
    z_ = instantiate(LAYER, sizes, values)
    np.testing.assert_allclose(np.array(z_.tolist(), dtype=float), a @ w.T + b.T, rtol=1e-14)
    back = instantiate(sp.Derivative(pairing(G, LAYER), W), sizes, values)
    np.testing.assert_allclose(np.array(back.tolist(), dtype=float), g.T @ a, rtol=1e-14)
    with mpmath.workdps(50):
        s = instantiate(RowSoftmax(LAYER), sizes, values)
        assert abs(sum(s[0, c] for c in range(4)) - 1) < mpmath.mpf(10) ** -48
    assert instantiate(sp.Sum(y[k] ** 2, (k, 1, K)), {K: 3}, {y: [1, 2, 3]}) == 14


@pytest.mark.parametrize(("sizes", "values", "message"), [
    ({N: 2, n: 3}, {}, "no size is given for m"),
    ({N: 2, n: 3, m: 4}, {A: np.ones((2, 3))}, "no value is given for"),
    ({N: 2, n: 3, m: 4}, {A: np.ones((3, 2)), W: np.ones((4, 3)), B: np.ones((4, 1))},
     r"A must have shape \(2, 3\) at these sizes, got \(3, 2\)"),
])
def test_instantiate_names_what_is_missing(sizes, values, message):
    with pytest.raises(ValueError, match=message):
        instantiate(LAYER, sizes, values)
