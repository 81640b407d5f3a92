"""verify on matrices: random and edge shapes, composed algorithms, and what is wrong is refused."""

from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp

import nnbook.functions as F
from nnbook.checking import VerificationError, verify
from nnbook.checking.matrix import RowSoftmax, dimensions, elementwise, indices, ones
from nnbook.checking.terms import terms
from nnbook.learning.mlp import backward, forward

N, n, m, K = dimensions("N n m K")
A, W, b = sp.MatrixSymbol("A", N, n), sp.MatrixSymbol("W", m, n), sp.MatrixSymbol("b", m, 1)
G = sp.MatrixSymbol("G", N, m)
Z, Y = sp.MatrixSymbol("Z", N, K), sp.MatrixSymbol("Y", N, K)
AFFINE = A * W.T + ones(N) * b.T
FEW = {"shapes": 6}


def equation(rhs, number="8.1"):
    return SimpleNamespace(number=number, rhs=rhs, domain=None)


def probabilities(rng, shape):
    y = rng.random(shape) + 0.01
    return y / y.sum(axis=1, keepdims=True)


def test_affine_at_all_shapes_also_empty_ones():
    result = verify(equation(AFFINE), F.affine, args=[A, W, b], **FEW)
    assert str(result) == ("✓ affine agrees with (8.1) within 8 ε√n Σ|terms| at 13 shapes, among "
                           "them every axis of length 1 and 0, in float64 and float32")
    assert 0 < result.worst_error < 8


def test_an_axis_that_has_a_least_length_is_never_shorter():
    lengths, x = set(), sp.IndexedBase("x", shape=(N,), real=True)
    i = indices("i", N)
    unbiased = sp.Sum(x[i] ** 2, (i, 1, N)) / (N - 1)

    def call(x):
        lengths.add(len(x))
        return np.sum(x**2) / (len(x) - 1)

    result = verify(equation(unbiased), F.mse, args=[x], over=(), least={N: 2}, call=call, **FEW)
    assert min(lengths) == 2 and "every axis of length 2, in" in str(result)


@pytest.mark.parametrize("wrong", [
    lambda A, W, b: A @ W.T + 1.0001 * b,
    lambda A, W, b: A @ W.T,
    lambda A, W, b: A @ W.T + b + 1e-12 * np.abs(A).sum(),
    lambda A, W, b: (A.astype("float32") @ W.T.astype("float32") + b.astype("float32")).astype(
        A.dtype),
    lambda A, W, b: A @ np.abs(W).T + b,
])
def test_a_wrong_affine_is_refused(wrong):
    with pytest.raises(VerificationError) as refused:
        verify(equation(AFFINE), wrong, args=[A, W, b], name="affine", **FEW)
    assert refused.value.error > 8
    assert {"N", "n", "m", "entry"} <= set(refused.value.point)


@pytest.mark.parametrize(("output", "rhs"), [(0, G * W), (1, G.T * A), (2, G.T * ones(N))])
def test_each_output_of_a_vjp(output, rhs):
    verify(equation(rhs), F.affine_vjp, args=[G, A, W, b], output=output, **FEW)
    with pytest.raises(VerificationError):
        verify(equation(2 * rhs), F.affine_vjp, args=[G, A, W, b], output=output, **FEW)


def test_a_tuple_without_output_and_the_wrong_output():
    with pytest.raises(TypeError, match="returns 3 outputs: say which one"):
        verify(equation(G * W), F.affine_vjp, args=[G, A, W, b], **FEW)
    with pytest.raises(VerificationError, match="shape"):
        verify(equation(G * W), F.affine_vjp, args=[G, A, W, b], output=2, **FEW)


def cross_entropy_grad_without_mean(logits, targets):
    return F.cross_entropy_grad(logits, targets) * len(logits)


CASES = {"args": [Z, Y], "sample": {Y: probabilities}, "empty": False}


def test_cross_entropy_grad_on_random_logits():
    verify(equation((RowSoftmax(Z) - Y) / N), F.cross_entropy_grad, **CASES, **FEW)
    with pytest.raises(VerificationError, match=r"factor .*1/N is missing"):
        verify(equation((RowSoftmax(Z) - Y) / N), cross_entropy_grad_without_mean, **CASES, **FEW)


def test_an_equation_by_entry_with_its_indices_in_order():
    i, j, k = sp.Idx("i", (1, N)), sp.Idx("j", (1, K)), sp.Idx("k", (1, K))
    z, y = sp.IndexedBase("z", shape=(N, K)), sp.IndexedBase("y", shape=(N, K))
    rhs = (sp.exp(z[i, k]) / sp.Sum(sp.exp(z[i, j]), (j, 1, K)) - y[i, k]) / N
    options = {"args": [z, y], "sample": {y: probabilities}, "empty": False, **FEW}
    verify(equation(rhs), F.cross_entropy_grad, over=(i, k), **options)
    with pytest.raises(ValueError, match="give over="):
        verify(equation(rhs), F.cross_entropy_grad, **options)
    with pytest.raises(VerificationError):
        verify(equation(rhs), F.cross_entropy_grad, over=(k, i), **options)


n0, n1, n2 = dimensions("n0 n1 n2")
X, W1, b1 = sp.MatrixSymbol("X", N, n0), sp.MatrixSymbol("W1", n1, n0), sp.MatrixSymbol("b1", n1, 1)
W2, b2, T = sp.MatrixSymbol("W2", n2, n1), sp.MatrixSymbol("b2", n2, 1), sp.MatrixSymbol("T", N, n2)
Z1, A1, Z2 = (sp.MatrixSymbol(s, N, k) for s, k in (("Z1", n1), ("A1", n1), ("Z2", n2)))
D2, D1 = sp.MatrixSymbol("D2", N, n2), sp.MatrixSymbol("D1", N, n1)
phi, t = sp.Function("phi", real=True), sp.Symbol("t", real=True)
WHERE = [
    (Z1, X * W1.T + ones(N) * b1.T), (A1, elementwise(phi, Z1)), (Z2, A1 * W2.T + ones(N) * b2.T),
    (D2, (RowSoftmax(Z2) - T) / N),
    (D1, sp.HadamardProduct(D2 * W2, elementwise(sp.Lambda(t, sp.Derivative(phi(t), t)), Z1))),
]


def composed(mutate=lambda grads: grads):
    def run(X, W1, b1, W2, b2, T):
        params = [(W1, b1), (W2, b2)]
        logits, cache = forward(params, X, "tanh")
        return mutate(backward(params, cache, F.cross_entropy_grad(logits, T), "tanh"))
    return run


BACKPROP = {"args": [X, W1, b1, W2, b2, T], "where": WHERE, "sample": {T: probabilities},
            "let": {phi: sp.Lambda(t, sp.tanh(t))}, "empty": False, "shapes": 3}


def test_backward_against_the_equations_that_it_composes():
    verify(equation(D1.T * X), backward, call=composed(lambda g: g[0][0]), **BACKPROP)
    verify(equation(D2.T * ones(N)), backward, call=composed(lambda g: g[1][1]), **BACKPROP)
    with pytest.raises(VerificationError):
        verify(equation(D1.T * X), backward, call=composed(lambda g: g[0][0] * 1.00001), **BACKPROP)


def test_where_renames_the_symbols_of_a_general_equation():
    general = sp.HadamardProduct(G * W, elementwise(phi, A))           # any layer
    where = [*WHERE[:4], (D1, general, {G: D2, W: W2, A: Z1})]
    rename = {**BACKPROP, "where": where}
    with pytest.raises(VerificationError):                             # φ where φ′ belongs
        verify(equation(D1.T * X), backward, call=composed(lambda g: g[0][0]), **rename)


def test_explicit_matrices_of_symbols():
    M = sp.ImmutableMatrix(2, 3, sp.symbols("m0:6", real=True))
    v = sp.ImmutableMatrix(3, 1, sp.symbols("v0:3", real=True))
    verify(equation(M * v), np.matmul, args=[M, v], name="matmul", **FEW)
    with pytest.raises(VerificationError):
        verify(equation(M * v), lambda M, v: M @ v[::-1], args=[M, v], name="matmul", **FEW)


def test_a_matrix_without_a_value_is_named():
    with pytest.raises(ValueError, match="holds G, which has no value"):
        verify(equation(G + AFFINE), F.affine, args=[A, W, b], **FEW)
    with pytest.raises(ValueError, match="needs args="):
        verify(equation(AFFINE), F.affine)


def test_terms_never_fall_below_the_value():
    x, y = sp.symbols("x y", real=True)
    rng = np.random.default_rng(0)
    for e in (x - y, x * y - y**2, sp.exp(x - y) - sp.tanh(x * y), sp.Max(x, y) - sp.Abs(x),
              (x + y)**3 / sp.sqrt(1 + x**2), sp.log(1 + sp.exp(x)) - x * y):
        total = sp.lambdify([x, y], [e, terms(e), terms(e, deep=False)], "mpmath")
        for _ in range(20):
            value, deep, shallow = total(*rng.normal(size=2).tolist())
            assert deep >= shallow * (1 - 1e-12) and shallow >= abs(value) * (1 - 1e-12)


def test_an_activation_that_max_makes_is_written_out_at_one_by_one():
    N, m = dimensions("N m")
    X, u = sp.MatrixSymbol("X", N, m), sp.Symbol("u", real=True)
    relu = sp.Lambda(u, sp.Max(u, 0))
    equation = SimpleNamespace(number="5.97", rhs=elementwise(relu, 2 * X))
    assert verify(equation, F.relu, args=[X], call=lambda X: F.relu(2 * X)).points > 0
    with pytest.raises(VerificationError):
        verify(equation, F.relu, args=[X], call=lambda X: F.relu(2.001 * X))


def adds_the_bias_to_itself(A, W, b):
    Z = A @ W.T
    Z += b
    b += 1
    return Z


def spoils_the_batch(A, W, b):
    Z = A @ W.T + b
    A *= 0
    return Z


@pytest.mark.parametrize("writes, which", [(adds_the_bias_to_itself, "b"), (spoils_the_batch, "A")])
def test_a_function_that_writes_into_its_argument_is_refused(writes, which):
    with pytest.raises(VerificationError, match=f"changes its argument {which}: entry"):
        verify(equation(A * W.T + ones(N) * b.T), writes, args=[A, W, b], **FEW)


def test_an_output_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"output=3 .* the function returns 3 outputs"):
        verify(equation(G.T * A), F.affine_vjp, args=[G, A, W, b], output=3, **FEW)
    with pytest.raises(ValueError, match=r"output=1 .* the function returns one"):
        verify(equation(A * W.T + ones(N) * b.T), F.affine, args=[A, W, b], output=1, **FEW)
