"""Tensor, backward and the transforms: what a graph must get right, whatever the rules are."""

import copy
import gc
import math
import pickle
import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbook.checking.gradcheck import gradcheck
from nnbook.functions import affine as plain_affine
from nnbook.functions import sigmoid as plain_sigmoid
from nnbook.learning import checkpoint, grad, hvp, init_params, jvp, lift, lifted, value_and_grad
from nnbook.learning.autodiff import Tensor, backward
from nnbook.learning.forward_mode import Dual
from nnbook.learning.lifted import affine, cross_entropy, relu, tanh
from nnbook.learning.mlp import loss_and_grads

RNG = np.random.default_rng(5)
X = RNG.normal(size=(7, 3))
LABELS = np.array([0, 1, 1, 0, 2, 2, 1])


# ---------------------------------------------------------------- the graph
def test_every_path_counts():
    a = Tensor(3.0)
    b = a + a
    c = b + b  # chapter 9's graph: assigning instead of adding gives 1
    assert backward(c, a) == 4.0
    assert backward(a * a * a, a) == 27.0
    x = Tensor([1.0, 2.0])
    assert backward(np.sum(x * x[::-1]), x).tolist() == [4.0, 2.0]


def test_a_node_waits_for_all_its_consumers():
    # Depth first, m would pass its adjoint on before the long way round has come back.
    x = Tensor(2.0)
    m = x * x
    long = ((m + 1.0) * 1.0 + 0.0) * m
    y = m + long
    value = lambda x: x**2 + (x**2 + 1) * x**2  # noqa: E731
    assert y.value == value(2.0)
    assert backward(y, x) == 2 * 2 + 2 * 2 * 4 + 2 * 2 * 5


def test_asking_twice_gives_the_same_answer():
    x = Tensor(X)
    y = np.sum(np.exp(x) * x)
    first, second = backward(y, x), backward(y, x)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, np.exp(X) * (1 + X), rtol=1e-14)
    z = y * 2.0  # the graph may go on growing
    np.testing.assert_array_equal(backward(z, x), 2 * first)


def test_gradients_of_inner_nodes_and_of_several_outputs():
    x, w = Tensor([1.0, -2.0]), Tensor([0.5, 4.0])
    u = x * w
    y, z = np.sum(u * u), np.sum(np.exp(x))
    u_bar, x_bar = backward(y, (u, x))
    np.testing.assert_allclose(u_bar, 2 * u.value)
    np.testing.assert_allclose(x_bar, 2 * u.value * w.value)
    both = backward([y, z], x, [3.0, 2.0])
    np.testing.assert_allclose(both, 3 * x_bar + 2 * np.exp(x.value))
    np.testing.assert_allclose(backward([y, y], x), 2 * x_bar)  # the same output twice
    total, parts = backward([y, u], [y, x], [1.0, np.ones(2)])  # one output behind the other
    assert total == 1.0
    np.testing.assert_allclose(parts, x_bar + w.value)
    assert backward(y, y) == 1.0
    assert backward(y, []) == []


def test_what_an_output_does_not_depend_on_has_gradient_0():
    x, other = Tensor(X), Tensor(np.float32([1.0, 2.0]))
    found = backward(np.sum(x), {"x": x, "other": [other, None]})
    assert found["other"][0].dtype == np.float32 and found["other"][1] is None
    assert found["other"][0].tolist() == [0.0, 0.0] and (found["x"] == 1.0).all()
    assert grad(lambda a, b: a * 2.0, 1)(1.0, 5.0) == 0.0
    assert grad(lambda a: 7.0)(1.0) == 0.0
    assert grad(lambda a: np.float64(7.0))(np.ones(2)).tolist() == [0.0, 0.0]


def test_a_chain_of_100_000_additions():
    x = Tensor(1.0)
    y = x
    for _ in range(100_000):
        y = y + x
    assert backward(y, x) == 100_001
    deep = lambda x: sum([x] * 30_000)  # noqa: E731
    assert grad(deep)(1.0) == 30_000 and jvp(deep, (1.0,), (2.0,))[1] == 60_000
    del y  # neither does letting go of the graph recurse
    gc.collect()


def test_a_ladder_costs_one_visit_a_node():
    # 2^60 paths lead from the top to the bottom; each node must be visited once.
    x = Tensor(1.0)
    y = x
    for _ in range(60):
        y = y + y
    assert backward(y, x) == 2.0**60


def test_adjoints_are_let_go_on_the_way():
    n, length = 20_000, 50
    x = Tensor(np.zeros(n))
    y = x
    for _ in range(length):
        y = y + 1.0
    y = np.sum(y)
    tracemalloc.start()
    backward(y, x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * 8 * n


def test_the_gradients_are_arrays_of_ones_own():
    x, y = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    a, b = backward(np.sum(x + y), (x, y))
    a *= 5.0
    assert b.tolist() == [1.0, 1.0]
    again, twin = backward(np.sum(x * 2.0), (x, x))
    again += 1.0
    assert twin.tolist() == [2.0, 2.0]
    g = np.ones(2)
    passed = backward(x + y, x, g)
    passed += 1.0
    assert g.tolist() == [1.0, 1.0]
    assert all(p.flags.writeable and p.flags.owndata for p in (a, b, again, twin, passed))
    for f in (lambda x: np.sum(x.reshape(-1)), lambda x: np.sum(x.T * 1.0), np.sum, np.mean):
        slope = grad(f)(X)
        slope *= 2.0
        assert slope.shape == X.shape


# ---------------------------------------------------------------- mutation
def test_nothing_can_change_the_numbers_of_a_graph():
    numbers, constant, index = np.ones(3), np.ones(3), np.array([0, 1, 1])
    x = Tensor(numbers)
    y = np.sum((x * constant)[index] * x)
    numbers[:], constant[:], index[:] = 7.0, 9.0, 2
    assert x.value.tolist() == [1.0, 1.0, 1.0]
    assert backward(y, x).tolist() == grad(lambda x: np.sum(x[[0, 1, 1]] * x))(np.ones(3)).tolist()
    with pytest.raises(ValueError, match="read-only"):
        x.value[0] = 5.0
    with pytest.raises(ValueError, match="read-only"):
        (x * 2.0).value[:] = 1.0
    with pytest.raises(TypeError, match="cannot be changed in place: the way back needs"):
        x[0] = 5.0
    with pytest.raises(AttributeError):
        x.shape = (1, 3)
    before = x
    x += 1.0  # makes a new Tensor, as for a number
    assert x is not before and before.value.tolist() == [1.0, 1.0, 1.0]


def test_a_plain_array_cannot_swallow_a_tensor():
    buffer = np.zeros(3)
    t = Tensor(np.ones(3))
    with pytest.raises(TypeError, match=r"np.add with out= has no derivative rule; in-place"):
        buffer += t
    with pytest.raises(TypeError, match="cannot become a plain array"):
        buffer[:] = t
    with pytest.raises((TypeError, ValueError)):  # NumPy turns the one into the other
        buffer[0] = t[0]
    assert buffer.tolist() == [0.0, 0.0, 0.0]


def test_labels_masks_and_weights_may_be_reused():
    labels, weights = LABELS.copy(), np.array([1.0, 2.0, 3.0])
    t = Tensor(X)
    loss = cross_entropy(t, labels, weights=weights)
    expected = backward(loss, t)
    labels[:], weights[:] = 0, 0.0
    np.testing.assert_array_equal(backward(loss, t), expected)


def test_gradients_do_not_depend_on_a_later_change_of_the_parameters():
    W = np.ones((2, 2))
    f = value_and_grad(lambda W: np.sum(W * W))
    value, slope = f(W)
    W[:] = 5.0
    assert value == 4.0 and (slope == 2.0).all()
    assert f(W)[0] == 100.0 and (f(W)[1] == 10.0).all()


# ---------------------------------------------------------------- no silent failure
T = Tensor([1.0, 2.0])
SILENT = {
    "np.linalg.inv": (lambda: np.linalg.inv(Tensor(np.eye(2))), "np.linalg.inv has no derivative"),
    "np.fft.fft": (lambda: np.fft.fft(T), "np.fft.fft has no derivative rule.*lift"),
    "np.asarray": (lambda: np.asarray(T), r"cannot become a plain array.*nnbook.learning.lifted"),
    "np.array of Tensors": (lambda: np.array([T, T]), "cannot become a plain array"),
    "a package function": (lambda: plain_sigmoid(T), "lifted form"),
    "a package function, affine": (lambda: plain_affine(X, X, T), "lifted form"),
    "math.exp": (lambda: math.exp(T[0]), "float.. of a Tensor would lose its derivative"),
    "float": (lambda: float(T[0]), "use .*value"),
    "int": (lambda: int(T[0]), "would lose its derivative"),
    "as an index": (lambda: [1, 2][T[0]], "would lose its derivative"),
    "a ufunc without a rule": (lambda: np.gcd(T, 1), "np.gcd has no derivative rule; those that"),
    "reduce": (lambda: np.add.reduce(T), "np.add.reduce has no derivative rule; np.sum"),
    "outer": (lambda: np.multiply.outer(T, T), "np.multiply.outer has no derivative rule$"),
    "out=": (lambda: np.exp(T, out=np.zeros(2)), "np.exp with out= has no derivative rule"),
    "where=": (lambda: np.exp(T, where=[True, False]), "np.exp with where="),
    "dtype=": (lambda: np.sum(T, dtype=np.float32), "np.sum of a Tensor takes a, axis, keepdims, "
                                                    "not dtype"),
    "initial=": (lambda: np.max(T, initial=0.0), "not initial"),
    "np.dot of three axes": (lambda: np.dot(T, np.ones((2, 2, 2))), "np.matmul has one"),
    "einsum, ellipsis": (lambda: np.einsum("...i->...", T), "without an ellipsis"),
    "einsum, diagonal": (lambda: np.einsum("ii", Tensor(np.eye(2))), "np.diagonal has one"),
    "complex": (lambda: T * 1j, "np.multiply gives numbers of dtype complex128"),
    "object": (lambda: T * np.array([1, None]), "."),
    "iteration over a number": (lambda: list(Tensor(1.0)), "holds one number cannot be iterated"),
    "a Dual": (lambda: jvp(math.sin, (1.0,), (1.0,)), "float.. of a Dual"),
    "labels": (lambda: cross_entropy(T, T), "targets of cross_entropy is data.*only in logits"),
    "an option": (lambda: lifted.elu(T, alpha=T[0]), "alpha of elu is data.*only in z"),
    "a positional option": (lambda: lifted.elu(T, T[0]), "alpha of elu is data"),
    "a nest": (lambda: lifted.attention(Tensor(X), X, X, past=(T, T)), "past of attention is data"),
}


@pytest.mark.parametrize("name", SILENT)
def test_no_silent_failure(name):
    call, message = SILENT[name]
    with pytest.raises(TypeError, match=message):
        call()


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: Tensor([1, 2]), TypeError, r"value must hold floating-point.*int64; write 3.0 for 3"),
    (lambda: Tensor(True), TypeError, "dtype is bool"),
    (lambda: Tensor(1j), TypeError, "dtype is complex128$"),
    (lambda: Tensor("a"), TypeError, "dtype is <U1"),
    (lambda: Tensor(None), TypeError, "dtype is object"),
    (lambda: Tensor([[1.0], [1.0, 2.0]]), ValueError, "inhomogeneous"),
    (lambda: Tensor(T), TypeError, "is a Tensor already"),
    (lambda: backward(X, T), TypeError, "outputs must be a Tensor, found ndarray; did the"),
    (lambda: backward([T, 1.0], T), TypeError, r"outputs\[1\] must be a Tensor, found float"),
    (lambda: backward([], T), ValueError, "outputs must hold one Tensor at least"),
    (lambda: backward(T, T), ValueError, r"cotangents must be given for an output of shape \(2,\)"),
    (lambda: backward(T, T, np.ones(3)), ValueError, r"output's shape \(2,\), found \(3,\)"),
    (lambda: backward([T, T], T, [np.ones(2)]), ValueError, "one for each of the 2 outputs.*1"),
    (lambda: backward(T, T, [1j, 2.0]), TypeError, "cotangents must hold real numbers"),
    (lambda: backward(T[0], [T, {"W": X}]), TypeError, r"inputs\[1\]\['W'\] must be a Tensor"),
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
    (lambda: grad(lambda x: x[0][1])([(1.0, 2)]), TypeError, r"argument 0 of f\[0\]\[1\] must hold"),
    (lambda: grad(np.sum)(()), TypeError, "argument 0 of f holds no array"),
    (lambda: jvp(np.sin, 1.0, (1.0,)), TypeError, r"primals must be a tuple.*write \(x,\)"),
    (lambda: jvp(np.sin, (1.0,), 1.0), TypeError, "tangents must be a tuple"),
    (lambda: jvp(1.0, (1.0,), (1.0,)), TypeError, "f must be a function"),
    (lambda: jvp(np.sin, (1.0,), ()), TypeError, "of equal length, found 1 and 0"),
    (lambda: jvp(np.sin, (1,), (1.0,)), TypeError, r"primals\[0\] must hold floating.*3.0 for 3"),
    (lambda: jvp(np.sin, (1.0,), (1,)), TypeError, r"tangents\[0\] must hold floating"),
    (lambda: jvp(np.sin, (X,), (X[0],)), ValueError, r"tangents\[0\] must have the shape"),
    (lambda: jvp(np.sin, ([X],), ((X, X),)), ValueError, r"nested as primals\[0\].*\[1\]"),
    (lambda: hvp(np.sum, X, X[0]), ValueError, r"tangents\[0\] must have the shape of"),
    (lambda: checkpoint(2), TypeError, "f must be a function, found int"),
    (lambda: lift(2), TypeError, "f must be a function, found int"),
    (lambda: lift(np.sin), TypeError, "f must be a function of nnbook.functions, found sin"),
    (lambda: lift(np.sin, 2), TypeError, "vjp must be a function, found int"),
    (lambda: lift(lambda x: x, np.sin, of=("y",)), TypeError, "of names y, which <lambda> does not"),
    (lambda: lifted.multiply_adds, AttributeError, "multiply_adds has no derivative; import it"),
    (lambda: lifted.no_such_function, AttributeError, "has no attribute 'no_such_function'"),
])
def test_bad_questions(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_function_of_ones_own_with_the_name_of_another_is_not_mistaken_for_it():
    def sigmoid(z):
        return z

    with pytest.raises(TypeError, match="f must be a function of nnbook.functions, found sigmoid"):
        lift(sigmoid)


def test_tensors_of_different_transforms_do_not_mix():
    outer = Tensor(2.0)
    inner = []

    def f(x):
        inner.append(x)
        return x * x

    grad(f)(1.0)
    with pytest.raises(TypeError, match="belongs to another transform than the first output"):
        backward(outer * 2.0, inner[0])
    # A Tensor in a closure is a constant of the inner transform, and the result depends on it.
    slope = grad(lambda x: outer * x * x)(3.0)
    assert slope.value == 12.0 and backward(slope, outer) == 6.0


# ---------------------------------------------------------------- transforms
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
    value, slope = value_and_grad(lambda x: np.sum(tanh(x) * np.float64(2.0) + x**3))(x)
    assert slope.dtype == dtype and slope.shape == (2,)
    np.testing.assert_allclose(slope, 2 / np.cosh(x.astype(float)) ** 2 + 3 * x.astype(float) ** 2,
                               rtol=4 * np.finfo(dtype).eps + 1e-12)
    assert hvp(lambda x: np.sum(tanh(x)), x, x).dtype == dtype
    assert jvp(tanh, (x,), (np.ones(2),))[1].dtype == dtype


def test_nested_transforms_do_not_confuse_their_perturbations():
    # d/dx [x d/dy (x + y)] = 1; a tangent mistaken for another's gives 2 [Siskind & Pearlmutter].
    inner = lambda x: x * jvp(lambda y: x + y, (1.0,), (1.0,))[1]  # noqa: E731
    assert jvp(inner, (1.0,), (1.0,))[1] == 1.0
    assert grad(inner)(1.0) == 1.0
    inner = lambda x: x * grad(lambda y: x * y)(2.0)  # noqa: E731
    assert grad(inner)(3.0) == 6.0 and jvp(inner, (3.0,), (1.0,))[1] == 6.0
    assert grad(lambda x: grad(lambda x: x**3)(x) * x)(2.0) == 36.0


def test_derivatives_of_every_order():
    f, order = np.sin, []
    for _ in range(6):
        order.append(float(f(0.7)))
        f = grad(f)
    s, c = math.sin(0.7), math.cos(0.7)
    np.testing.assert_allclose(order, [s, c, -s, -c, s, c], rtol=1e-14)
    along = lambda f: lambda x: jvp(f, (x,), (1.0,))[1]  # noqa: E731
    assert along(along(along(lambda x: x**5)))(2.0) == pytest.approx(240.0, rel=1e-14)
    assert grad(along(grad(along(lambda x: x**5))))(2.0) == pytest.approx(240.0, rel=1e-14)
    third = grad(grad(grad(lifted.sigmoid)))(0.3)
    p = float(plain_sigmoid(0.3))
    assert third == pytest.approx(p * (1 - p) * (1 - 6 * p + 6 * p * p), rel=1e-13)


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


def test_a_function_of_ones_own():
    f = lift(lambda x, n: float(n) * np.sin(x), lambda g, x, n: g * n * np.cos(x))
    assert grad(f)(0.3, 2) == 2 * math.cos(0.3)
    assert f(0.3, 2) == 2 * math.sin(0.3)
    two = lift(lambda x, y: x * y, lambda g, x, y: (g * y, g * x), of=("x", "y"))
    assert grad(two, (0, 1))(2.0, 3.0) == (3.0, 2.0)
    with pytest.raises(TypeError, match="has a gradient.*no rule for jvp and for second"):
        grad(grad(f))(0.3, 2)
    with pytest.raises(TypeError, match="<lambda> has no rule for forward mode"):
        jvp(lambda x: f(x, 2), (0.3,), (1.0,))
    with pytest.raises(ValueError, match="one gradient for each of x, y, found 1"):
        grad(lift(lambda x, y: x * y, lambda g, x, y: g * y, of=("x", "y")))(2.0, 3.0)


def test_several_outputs_of_one_function():
    x, h, W = Tensor(X), Tensor(np.zeros((7, 2))), Tensor(RNG.normal(size=(8, 3)))
    V, b = RNG.normal(size=(8, 2)), np.zeros(8)
    new_h, new_c = lifted.lstm_cell(x, h, np.ones((7, 2)), W, V, b)
    one, other = backward(np.sum(new_h), W), backward(np.sum(new_c), W)
    both = backward(np.sum(new_h) + np.sum(new_c), W)
    np.testing.assert_allclose(one + other, both, rtol=1e-13)
    assert np.abs(one).max() > 0 and np.abs(other).max() > 0
    y, mean, var = lifted.batch_norm(x)
    assert isinstance(y, Tensor) and mean.shape == (3,)
    assert lifted.batch_norm(x).y.shape == X.shape  # the named tuple keeps its names


def test_dropout_draws_its_mask_once():
    x = Tensor(np.ones((50, 4)))
    y = lifted.dropout(x, 0.3, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(backward(np.sum(y), x), y.value)
    y = lifted.dropout(x, rng=np.random.default_rng(0), training=False)
    assert (backward(np.sum(y), x) == 1.0).all()


def test_lifted_functions_of_plain_arrays_are_the_functions_themselves():
    assert type(tanh(X)) is np.ndarray and tanh.__name__ == "tanh"
    assert relu([1.0, -1.0]).tolist() == [1.0, 0.0]
    assert affine(X, W=np.ones((2, 3)), b=np.zeros(2)).shape == (7, 2)
    W = Tensor(np.ones((2, 3)))
    z = affine(A=X, b=np.zeros(2), W=W)
    np.testing.assert_allclose(backward(np.sum(z), W), np.tile(X.sum(0), (2, 1)))
    gain = Tensor(np.ones(3))
    assert backward(np.sum(lifted.layer_norm(X, shift=gain)), gain).tolist() == [7.0] * 3


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
    assert grad(lambda x: np.sum(pair(x)[0]) * pair(x)[1])(np.array([1.0, 2.0])).tolist() == [11., 17.]
    nested = checkpoint(lambda params: [W @ W.T for W, _ in params][0])
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


# ---------------------------------------------------------------- the rest
def test_silent_where_numpy_would_warn():
    with np.errstate(all="raise"):
        t = Tensor([0.0, 1e308, -1.0])
        backward(np.sum(np.log(t) + np.sqrt(t) + np.exp(t * 10.0) + t / 0.0), t)
        grad(lambda x: np.sum(np.tanh(x) ** 3 / x))(np.array([0.0, 1e-320]))
        hvp(lambda x: np.sum(np.log(x)), np.zeros(2), np.ones(2))


def test_threads_do_not_meet():
    results = {}

    def work(k):
        f = lambda x: np.sum(grad(lambda y: np.sum(y**3 * k))(x) * x)  # noqa: E731
        results[k] = grad(f)(np.full(3, 2.0))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for k in range(8):
        np.testing.assert_allclose(results[k], np.full(3, 36.0 * k))


def test_a_tensor_prints_hashes_and_has_no_spare_room():
    assert repr(Tensor(14.0)) == "Tensor(14.0)" and repr(Tensor([1.0, 2.0])) == "Tensor([1., 2.])"
    assert repr(Dual(1.0, 2.0, 0)) == "Dual(1.0, 2.0)"
    assert len({T, T}) == 1 and not hasattr(T, "__dict__")
    assert repr(Tensor(X).op) == "None" and "np.add" in repr((T + 1.0).op)
    seen = []
    grad(lambda x: (seen.append(repr(x)), x * x)[1])(2.0)
    grad(lambda x: jvp(lambda y: (seen.append(repr(y)), y * x)[1], (x,), (x,))[1])(2.0)
    assert seen == ["Tensor(2.0)", "Dual(Tensor(2.0), Tensor(2.0))"]


def test_a_copy_is_the_tensor_itself_and_a_graph_is_not_saved():
    y = T * 2.0
    assert copy.copy(y) is y and copy.deepcopy([y])[0] is y
    with pytest.raises(TypeError, match="cannot be saved or sent.*save .value"):
        pickle.dumps(y)
