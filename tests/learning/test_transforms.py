"""grad, value_and_grad, hvp and checkpoint: what one asks of derivatives."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbook.checking.gradcheck import gradcheck
from nnbook.learning import checkpoint, grad, hvp, init_params, jvp, lifted, value_and_grad
from nnbook.learning.autodiff import Tensor
from nnbook.learning.lifted import affine, cross_entropy, tanh
from nnbook.learning.mlp import loss_and_grads

RNG = np.random.default_rng(5)
X = RNG.normal(size=(7, 3))
LABELS = np.array([0, 1, 1, 0, 2, 2, 1])


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: grad(3.0), TypeError, r"f must be a function, found float; write grad\(f\)\(x\)"),
    (lambda: grad(np.sum, "x"), TypeError, "argument must be the number of a positional argument"),
    (lambda: grad(np.sum, -1), TypeError, "from 0.*found -1"),
    (lambda: grad(np.sum, True), TypeError, "found True"),
    (lambda: grad(np.sum, ()), TypeError, "one argument at least"),
    (lambda: grad(np.sum, 1)(X), TypeError, "argument=1 asks.*but f got 1 of them"),
    (lambda: grad(np.exp)(X), TypeError, r"one real number, found an array of shape \(7, 3\)"),
    (lambda: grad(lambda x: None)(1.0), TypeError, "one real number, found NoneType"),
    (lambda: grad(lambda x: (x, x))(1.0), TypeError, "found tuple; with .loss, more. say has_aux"),
    (lambda: grad(np.sum, has_aux=True)(X), TypeError, r"f must return a pair \(loss, more\)"),
    (lambda: grad(lambda x: x)(3), TypeError, "argument 0 of f must hold floating.*write 3.0"),
    (lambda: grad(lambda x: x[0][1])([(1.0, 2)]), TypeError, r"argument 0 of f\[0\]\[1\] must"),
    (lambda: grad(np.sum)(()), TypeError, "argument 0 of f holds no array"),
    (lambda: checkpoint(2), TypeError, "f must be a function, found int"),
])
def test_bad_questions(call, error, message):
    with pytest.raises(error, match=message):
        call()


def net(params, X):
    A = X
    for W, b in params[:-1]:
        A = tanh(affine(A, W, b))
    return affine(A, *params[-1])


PARAMS = [(W, b + 0.1) for W, b in init_params([3, 5, 4, 3], np.random.default_rng(1))]


def loss(params, X=X, labels=LABELS):
    return cross_entropy(net(params, X), labels)


def test_a_network_gets_the_gradient_of_the_four_equations():
    value, grads = value_and_grad(loss)(PARAMS)
    expected_value, expected = loss_and_grads(PARAMS, X, LABELS, "tanh", "cross_entropy")
    assert value == expected_value and type(grads) is list and type(grads[0]) is tuple
    for pair, expected_pair in zip(grads, expected, strict=True):
        for a, b in zip(pair, expected_pair, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-16)
    assert gradcheck(loss, grad(loss), PARAMS, strict=True)


def test_a_function_that_does_not_depend_on_its_argument():
    outer = Tensor(3.0)
    for f in (lambda x: 7.0, lambda x: np.float64(7.0), lambda x: outer * 2.0):
        value, slope = value_and_grad(f)(np.ones(2))
        assert float(getattr(value, "value", value)) in (6.0, 7.0) and slope.tolist() == [0.0, 0.0]
    assert value is not None and value.op.name == "np.multiply"  # still on the outer graph


def test_arguments_nests_and_more_results():
    f = lambda a, b, scale=1.0: np.sum(a * b["w"] ** 2) * scale  # noqa: E731
    a, b = np.array([1.0, 2.0]), {"w": np.array([3.0, 4.0])}
    first, second = grad(f, (0, 1))(a, b, scale=2.0)
    assert first.tolist() == [18.0, 32.0] and second["w"].tolist() == [12.0, 32.0]
    assert grad(f, 1)(a, b)["w"].tolist() == [6.0, 16.0]
    assert grad(f)(a, b).tolist() == [9.0, 16.0]
    (value, more), slope = value_and_grad(lambda x: (x * x, {"twice": 2.0 * x, "n": 3}),
                                          has_aux=True)(4.0)
    assert value == 16.0 and slope == 8.0 and more["twice"] == 8.0 and more["n"] == 3
    assert not isinstance(more["twice"], Tensor)
    slope, more = grad(lambda x: (x * x, x), has_aux=True)(4.0)
    assert slope == 8.0 and more == 4.0


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_gradients_have_the_dtype_of_what_they_are_taken_in(dtype):
    x = np.array([0.5, -1.5], dtype)
    slope = grad(lambda x: np.sum(tanh(x) * np.float64(2.0) + x**3))(x)
    assert slope.dtype == dtype and slope.shape == (2,)
    np.testing.assert_allclose(slope, 2 / np.cosh(x.astype(float)) ** 2 + 3 * x.astype(float) ** 2,
                               rtol=4 * np.finfo(dtype).eps + 1e-12)
    assert hvp(lambda x: np.sum(tanh(x)), x, x).dtype == dtype
    assert jvp(tanh, (x,), (np.ones(2),))[1].dtype == dtype


def test_the_hessian_of_a_network_is_symmetric_and_that_of_differences():
    rng = np.random.default_rng(3)
    u, v = ([(rng.normal(size=W.shape), rng.normal(size=b.shape)) for W, b in PARAMS]
            for _ in range(2))
    flat = lambda nest: np.concatenate([np.ravel(a) for pair in nest for a in pair])  # noqa: E731
    Hu, Hv = hvp(loss, PARAMS, u), hvp(loss, PARAMS, v)
    assert flat(Hu) @ flat(v) == pytest.approx(flat(Hv) @ flat(u), rel=1e-11)
    moved = lambda s: [(W + s * dW, b + s * db)  # noqa: E731
                       for (W, b), (dW, db) in zip(PARAMS, u, strict=True)]
    differences = (flat(grad(loss)(moved(1e-5))) - flat(grad(loss)(moved(-1e-5)))) / 2e-5
    np.testing.assert_allclose(flat(Hu), differences, rtol=1e-6, atol=1e-8)


# ---------------------------------------------------------------- checkpoints
def chain(x, length=64, layer=lambda x: np.tanh(x * 1.1)):
    for _ in range(length):
        x = layer(x)
    return x


def test_a_checkpoint_changes_no_gradient():
    segment = lambda x, w: chain(x * w, 5)  # noqa: E731
    f = lambda x, w: np.sum(checkpoint(segment)(checkpoint(segment)(x, w), w) ** 2)  # noqa: E731
    g = lambda x, w: np.sum(segment(segment(x, w), w) ** 2)  # noqa: E731
    x, w = RNG.normal(size=4), RNG.normal(size=4)
    for a, b in zip(grad(f, (0, 1))(x, w), grad(g, (0, 1))(x, w), strict=True):
        np.testing.assert_array_equal(a, b)
    v = (x, w)
    for a, b in zip(hvp(lambda v: f(*v), v, v), hvp(lambda v: g(*v), v, v), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)
    pair = checkpoint(lambda x: (x * x, np.sum(x)))
    both = grad(lambda x: np.sum(pair(x)[0]) * pair(x)[1])
    assert both(np.array([1.0, 2.0])).tolist() == [11.0, 17.0]
    nested = checkpoint(lambda params: next(W @ W.T for W, _ in params))
    assert grad(lambda p: np.sum(nested(p)))(PARAMS)[0][0].shape == PARAMS[0][0].shape
    assert checkpoint(np.sin)(0.5) == np.sin(0.5)
    labels = checkpoint(lambda z, k: cross_entropy(z, k))
    np.testing.assert_array_equal(grad(labels)(X, LABELS), grad(cross_entropy)(X, LABELS))


def test_sqrt_L_checkpoints_need_sqrt_L_memory_and_one_more_forward():
    n, L = 20_000, 64
    calls = []

    def layer(x):
        calls.append(1)
        return np.tanh(x)

    def segmented(x):
        for _ in range(8):
            x = checkpoint(lambda x: chain(x, 8, layer))(x)
        return np.sum(x)

    def peak(f):
        calls.clear()
        tracemalloc.start()
        slope = grad(f)(np.linspace(-1, 1, n))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return slope, most / (8 * n), len(calls)

    expected, all_kept, forward = peak(lambda x: np.sum(chain(x, L, layer)))
    found, some_kept, twice = peak(segmented)
    np.testing.assert_array_equal(found, expected)
    assert forward == L and twice == 2 * L  # one more forward
    assert all_kept > L  # arrays of n numbers
    assert some_kept < 2 * 8 + 10  # 8 between segments, 8 of one segment, and a few to work with


def test_a_checkpoint_refuses_a_tensor_that_is_not_an_argument():
    w = Tensor(2.0)
    with pytest.raises(TypeError, match="f uses a Tensor that is not among its arguments"):
        checkpoint(lambda x: x * w)(Tensor(3.0))

    def f(w):
        return checkpoint(lambda x: x * w)(w * 2.0)

    with pytest.raises(TypeError, match="f uses a Tensor that is not among its arguments"):
        grad(f)(1.0)


# ---------------------------------------------------------------- the cheap gradient principle
ARITHMETIC = {"np.add", "np.subtract", "np.multiply", "np.divide"}


def operations(outputs, stop):
    """Count the arithmetic nodes behind the outputs: each is one operation on numbers."""
    seen, stack, count = set(), list(outputs), 0
    while stack:
        t = stack.pop()
        if id(t) in seen or id(t) in stop or not isinstance(t, Tensor):
            continue
        seen.add(id(t))
        count += t.op is not None and t.op.name in ARITHMETIC
        stack += [p for _, p in t.parents]
    return count


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("+-*/"), st.integers(0, 30), st.integers(0, 30)),
                min_size=1, max_size=40), st.integers(1, 4))
def test_a_gradient_costs_at_most_five_times_its_function(program, inputs):
    """Baur and Strassen: the gradient's own computation is a graph, and its nodes are counted.

    A sign counts as part of the operation beside it.
    """
    def f(x):
        cells = [x[i] for i in range(inputs)]
        for op, i, j in program:
            a, b = cells[i % len(cells)], cells[j % len(cells)]
            cells.append({"+": a + b, "-": a - b, "*": a * b, "/": a / b}[op])
        return cells[-1]

    outer = [Tensor(1.0 + 0.1 * i) for i in range(inputs)]
    value, slopes = value_and_grad(f)(outer)
    used = operations([value], set())
    both = operations([value, *slopes], set())
    assert used <= both <= 5 * used


# ---------------------------------------------------------------- random graphs
LEAVES = st.integers(0, 2)
UNARY = [np.sin, np.tanh, np.exp, lambda x: x**3, lambda x: np.sqrt(x * x + 1.0), np.transpose,
         lambda x: np.mean(x, axis=0, keepdims=True), lambda x: lifted.sigmoid(x), tanh,
         lambda x: lifted.softmax(x), lambda x: x[::-1], lambda x: x.reshape(-1)[:3]]
BINARY = [np.add, np.subtract, np.multiply, lambda a, b: a / (2.0 + b * b),
          lambda a, b: np.logaddexp(a, b), lambda a, b: np.where(a > 0.1, a, b)]
GRAPHS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.tuples(st.sampled_from(range(len(UNARY))), inner),
                            st.tuples(st.sampled_from(range(len(BINARY))), inner, inner)),
    max_leaves=8)


def evaluate(graph, x):
    if isinstance(graph, int):
        return x[graph]
    parts = [evaluate(part, x) for part in graph[1:]]
    return (UNARY if len(parts) == 1 else BINARY)[graph[0]](*parts)


@settings(max_examples=150, deadline=None)
@given(GRAPHS, st.integers(0, 10**6))
def test_random_graphs_agree_with_differences_in_both_modes(graph, seed):
    rng = np.random.default_rng(seed)
    x = [rng.uniform(-0.9, 0.9, (3, 3)) for _ in range(3)]
    weights = rng.normal(size=np.shape(evaluate(graph, x)))
    f = lambda x: np.sum(evaluate(graph, x) * weights)  # noqa: E731
    assert gradcheck(f, grad(f), x, tolerance=1e-5, entries=3, rng=rng,
                     preactivations=lambda x: [p - 0.1 for p in x])
    u = [rng.normal(size=(3, 3)) for _ in range(3)]
    slopes = grad(f)(x)
    pairing = sum(np.sum(g * t) for g, t in zip(slopes, u, strict=True))
    assert jvp(f, (x,), (u,))[1] == pytest.approx(float(pairing), rel=1e-9, abs=1e-10)
    bend = hvp(f, x, u)
    moved = [grad(f)([a + s * 1e-5 * t for a, t in zip(x, u, strict=True)]) for s in (1, -1)]
    for b, p, q in zip(bend, *moved, strict=True):
        scale = 1 + max(np.abs(p).max(), np.abs(b).max())
        np.testing.assert_allclose(b, (p - q) / 2e-5, rtol=1e-4, atol=1e-5 * scale)
