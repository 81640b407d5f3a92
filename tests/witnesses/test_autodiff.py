"""Autodiff beside JAX: values, gradients, tangents and Hessian products of whole networks.

What JAX is to compute for a test is compiled as one function: op by op it takes five times longer.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbook.learning import checkpoint, grad, hvp, jvp, lifted, value_and_grad
from nnbook.learning.autodiff import Tensor, backward
from nnbook.learning.lifted import (
    affine,
    attention,
    conv2d,
    cross_entropy,
    gelu,
    layer_norm,
    lstm_cell,
    max_pool2d,
    softplus,
    tanh,
)

# Optimizing the machine code would take twice as long as running the test.
compiled = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})

RNG = np.random.default_rng(21)
X = RNG.normal(size=(6, 4))
LABELS = np.array([0, 2, 1, 1, 0, 2])


def normal(*shape):
    return RNG.normal(size=shape) / np.sqrt(shape[-1])


def jax_cross_entropy(z, labels=LABELS):
    return -jnp.mean(jax.nn.log_softmax(z)[jnp.arange(len(z)), labels])


# Each row: a function of a nest, the same in JAX, the nest.
def mlp(p):
    A = gelu(affine(X, *p[0]))
    A = tanh(affine(A, *p[1])) + 0.1 * A[:, :5] ** 3
    return cross_entropy(affine(A, *p[2]), LABELS)


def jax_mlp(p):
    A = jax.nn.gelu(X @ p[0][0].T + p[0][1], approximate=False)
    A = jnp.tanh(A @ p[1][0].T + p[1][1]) + 0.1 * A[:, :5] ** 3
    return jax_cross_entropy(A @ p[2][0].T + p[2][1])


IMAGES = RNG.normal(size=(6, 2, 7, 7))


def cnn(p):
    y = softplus(conv2d(IMAGES, p["filters"], p["b"], stride=1, padding=1))
    y = max_pool2d(y, 2)
    y = tanh(conv2d(y, p["more"], padding="same", groups=3))
    return cross_entropy(affine(np.mean(y, axis=(2, 3)), *p["last"]), LABELS)


def jax_conv(x, W, padding, groups=1):
    return jax.lax.conv_general_dilated(x, W, (1, 1), padding, feature_group_count=groups,
                                        dimension_numbers=("NCHW", "OIHW", "NCHW"))


def jax_cnn(p):
    y = jax.nn.softplus(jax_conv(IMAGES, p["filters"], [(1, 1)] * 2) + p["b"][:, None, None])
    y = jax.lax.reduce_window(y, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    y = jnp.tanh(jax_conv(y, p["more"], "SAME", 3))
    return jax_cross_entropy(y.mean((2, 3)) @ p["last"][0].T + p["last"][1])


def regression(p):
    W, b = p
    penalty = np.sum(W * W) * 0.05 + np.sum(np.abs(b))
    return cross_entropy(X @ W.T + b, LABELS, label_smoothing=0.1) + penalty


def jax_regression(p):
    W, b = p
    logp = jax.nn.log_softmax(X @ W.T + b)
    smooth = 0.9 * jax.nn.one_hot(LABELS, 3) + 0.1 / 3
    return -jnp.mean(jnp.sum(smooth * logp, 1)) + jnp.sum(W * W) * 0.05 + jnp.sum(jnp.abs(b))


def recurrent(p):
    h, c = np.zeros((6, 3)), np.zeros((6, 3))
    for _ in range(3):
        h, c = lstm_cell(X, h, c, *p)
    return np.sum(h * h) + np.sum(np.sin(c))


def jax_recurrent(p):
    W_x, W_h, b = p
    h, c = jnp.zeros((6, 3)), jnp.zeros((6, 3))
    for _ in range(3):
        i, f, g, o = jnp.split(X @ W_x.T + h @ W_h.T + b, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return jnp.sum(h * h) + jnp.sum(jnp.sin(c))


def block(p):
    """A transformer's block: attention and a network, each with a norm before and a bypass."""
    y = layer_norm(X, p["gain"], p["shift"])
    Q, K, V = (y @ W.T for W in p["qkv"])
    x = X + attention(Q, K, V, causal=True) @ p["out"].T
    y = layer_norm(x)
    return np.mean((x + affine(gelu(affine(y, *p["wide"]), "tanh"), *p["back"])) ** 2)


def jax_norm(x):
    return (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5)


def jax_block(p):
    y = jax_norm(X) * p["gain"] + p["shift"]
    Q, K, V = (y @ W.T for W in p["qkv"])
    scores = jnp.where(jnp.tri(6, dtype=bool), Q @ K.T / jnp.sqrt(Q.shape[1]), -jnp.inf)
    x = X + jax.nn.softmax(scores) @ V @ p["out"].T
    y = jax.nn.gelu(jax_norm(x) @ p["wide"][0].T + p["wide"][1], approximate=True)
    return jnp.mean((x + y @ p["back"][0].T + p["back"][1]) ** 2)


PROGRAMS = {
    "MLP": (mlp, jax_mlp, [(normal(8, 4), normal(8)), (normal(5, 8), normal(5)),
                           (normal(3, 5), normal(3))]),
    "CNN": (cnn, jax_cnn, {"filters": normal(3, 2, 3, 3), "b": normal(3),
                           "more": normal(3, 1, 2, 2), "last": (normal(3, 3), normal(3))}),
    "softmax regression": (regression, jax_regression, (normal(3, 4), normal(3))),
    "LSTM": (recurrent, jax_recurrent, (normal(12, 4), normal(12, 3), normal(12))),
    "attention block": (block, jax_block, {
        "gain": normal(4), "shift": normal(4), "qkv": [normal(3, 4) for _ in range(2)]
        + [normal(5, 4)], "out": normal(4, 5), "wide": (normal(9, 4), normal(9)),
        "back": (normal(4, 9), normal(4))}),
}


def close(found, expected, rtol=1e-10):
    """Compare two nests, each array by its norm."""
    a, b = jax.tree.leaves(found), jax.tree.leaves(expected)
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for x, y in zip(a, b, strict=True):
        assert np.shape(x) == np.shape(y)
        gap = np.linalg.norm(np.asarray(x) - np.asarray(y))
        assert gap <= rtol * np.linalg.norm(np.asarray(y)) + 1e-13


def direction(p, seed=0):
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda a: rng.normal(size=a.shape), p)


@pytest.mark.parametrize("name", PROGRAMS)
def test_value_gradient_tangent_and_hessian_product(name):
    f, g, p = PROGRAMS[name]
    v = direction(p)

    @compiled
    def expected(p, v):
        return jax.value_and_grad(g)(p), jax.jvp(g, (p,), (v,)), jax.jvp(jax.grad(g), (p,), (v,))

    (value, slopes), forward, (_, bend) = expected(p, v)
    found, found_slopes = value_and_grad(f)(p)
    close(found, value)
    close(found_slopes, slopes)
    close(jvp(f, (p,), (v,)), forward)
    close(hvp(f, p, v), bend, 1e-9)
    close(grad(checkpoint(f))(p), slopes)


def test_third_derivatives():
    f, g, p = PROGRAMS["softmax regression"]
    v, w = direction(p, 1), direction(p, 2)
    found = jvp(lambda p: hvp(f, p, v), (p,), (w,))[1]
    bend = lambda p: jax.jvp(jax.grad(g), (p,), (v,))[1]  # noqa: E731
    close(found, compiled(lambda p: jax.jvp(bend, (p,), (w,))[1])(p), 1e-8)


def test_vjps_of_several_outputs():
    p, rng = PROGRAMS["LSTM"][2], np.random.default_rng(4)
    h, c, up = rng.normal(size=(6, 3)), rng.normal(size=(6, 3)), rng.normal(size=(2, 6, 3))
    inputs = [Tensor(a) for a in (X, h, c, *p)]
    found = backward(list(lstm_cell(*inputs)), inputs, list(up))

    def cell(x, h, c, W_x, W_h, b):
        i, f, g, o = jnp.split(x @ W_x.T + h @ W_h.T + b, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(c), c

    pull = compiled(lambda up, *inputs: jax.vjp(cell, *inputs)[1](up))
    close(found, list(pull(tuple(up), X, h, c, *p)))


# ---------------------------------------------------------------- broadcasting
BINARY = ["add", "subtract", "multiply", "divide", "maximum", "minimum", "logaddexp", "power",
          "arctan2"]
SHAPES = [((3, 1), (4,)), ((), (2, 3)), ((2, 1, 4), (3, 1)), ((1,), (5,)), ((2, 3), (2, 3)),
          ((1, 1), (1,)), ((0, 3), (3,)), ((4, 1, 1), (1, 5, 1)), ((4, 1), (1, 3))]
PRODUCTS = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((6, 1, 2, 3), (5, 3, 1)),
    ((3,), (5, 3, 4)), ((5, 2, 3), (3,)), ((0, 3), (3, 2)), ((2, 0), (0, 3))]
ROWS = [*zip(BINARY, SHAPES, strict=True), *(("matmul", shapes) for shapes in PRODUCTS)]


def test_broadcasting_is_undone_and_every_rank_of_the_matrix_product():
    rng = np.random.default_rng(6)
    pairs = [tuple(rng.uniform(0.5, 2.0, s) for s in shapes) for _, shapes in ROWS]

    def expected(name):
        return jax.grad(lambda x: jnp.sum(jnp.sin(getattr(jnp, name)(*x))))

    slopes = compiled(lambda pairs: [expected(name)(x) for (name, _), x in
                                    zip(ROWS, pairs, strict=True)])(pairs)
    for (name, shapes), x, slope in zip(ROWS, pairs, slopes, strict=True):
        found = grad(lambda x, name=name: np.sum(np.sin(getattr(np, name)(*x))))(x)
        assert [g.shape for g in found] == list(shapes), (name, shapes)
        close(found, slope)


# ---------------------------------------------------------------- random expressions
UNARY = {
    "sin": (np.sin, jnp.sin), "tanh": (tanh, jnp.tanh), "cube": (lambda x: x**3,) * 2,
    "sigmoid": (lifted.sigmoid, jax.nn.sigmoid), "softmax": (lifted.softmax, jax.nn.softmax),
    "exp": (lambda x: np.exp(0.3 * x), lambda x: jnp.exp(0.3 * x)),
    "mean": (lambda x: np.mean(x, axis=0, keepdims=True),
             lambda x: jnp.mean(x, axis=0, keepdims=True)),
    "row": (lambda x: x[:1],) * 2, "twice": (lambda x: x[[0, 0, 1]],
                                             lambda x: x[jnp.array([0, 0, 1])]),
    "transpose": (np.transpose, jnp.transpose),
    "logsumexp": (lambda x: lifted.logsumexp(x, keepdims=True),
                  lambda x: jax.scipy.special.logsumexp(x, axis=-1, keepdims=True)),
}
PAIR = {
    "add": (np.add, jnp.add), "times": (np.multiply, jnp.multiply), "minus": (np.subtract,
                                                                              jnp.subtract),
    "over": (lambda a, b: a / (2.0 + b * b),) * 2,
    "join": (lambda a, b: np.concatenate([a * np.ones((3, 3)), b * np.ones((3, 3))])[::2],
             lambda a, b: jnp.concatenate([a * np.ones((3, 3)), b * np.ones((3, 3))])[::2]),
    "product": (lambda a, b: (a + np.zeros((3, 3))) @ (b + np.zeros((3, 3))),) * 2,
}
GRAPHS = st.recursive(
    st.integers(0, 2),
    lambda inner: st.one_of(st.tuples(st.sampled_from(sorted(UNARY)), inner),
                            st.tuples(st.sampled_from(sorted(PAIR)), inner, inner)),
    max_leaves=5)


def evaluate(graph, x, which):
    if isinstance(graph, int):
        return x[graph]
    parts = [evaluate(part, x, which) for part in graph[1:]]
    return (UNARY if len(parts) == 1 else PAIR)[graph[0]][which](*parts)


def fits(graph):
    """Return whether the shapes fit; pairs take what broadcasts to (3, 3)."""
    try:
        return evaluate(graph, [np.ones((3, 3))] * 3, 0).ndim == 2
    except (ValueError, IndexError):
        return False


@settings(max_examples=8, deadline=None)
@given(GRAPHS.filter(fits), st.integers(0, 10**6))
def test_random_expressions(graph, seed):
    rng = np.random.default_rng(seed)
    x, v = [rng.normal(size=(3, 3)) for _ in range(3)], [rng.normal(size=(3, 3)) for _ in range(3)]
    weights = rng.normal(size=np.shape(evaluate(graph, x, 0)))
    f, g = (lambda x, k=k: (weights * evaluate(graph, x, k)).sum() for k in (0, 1))
    expected, bends = compiled(lambda x, v: jax.jvp(jax.grad(g), (x,), (v,)))(x, v)
    size = 1e-10 * (1 + max(np.abs(a).max() for a in [*expected, *bends]))
    for a, b in zip([*grad(f)(x), *hvp(f, x, v)], [*expected, *bends], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=size)
