"""Convolutions beside JAX and SciPy, one layer at a time and in a network of LeNet's kind."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal

from nnbook.functions import (
    affine,
    affine_vjp,
    avg_pool2d,
    avg_pool2d_vjp,
    conv1d,
    conv1d_vjp,
    conv2d,
    conv2d_vjp,
    conv3d,
    conv3d_vjp,
    conv_transpose1d,
    conv_transpose1d_vjp,
    conv_transpose2d,
    conv_transpose2d_vjp,
    conv_transpose3d,
    conv_transpose3d_vjp,
    cross_entropy,
    cross_entropy_grad,
    tanh,
    tanh_prime,
)

RNG = np.random.default_rng(30)
FORWARD = {1: (conv1d, conv1d_vjp), 2: (conv2d, conv2d_vjp), 3: (conv3d, conv3d_vjp)}
BACKWARD = {1: (conv_transpose1d, conv_transpose1d_vjp),
            2: (conv_transpose2d, conv_transpose2d_vjp),
            3: (conv_transpose3d, conv_transpose3d_vjp)}  # fmt: skip

# axes, size, kernel, stride, padding as JAX takes it, dilation, groups
LAYERS = [
    (1, (9,), (4,), (2,), "SAME", (1,), 1),
    (1, (9,), (4,), (3,), "SAME_LOWER", (2,), 2),
    (2, (6, 7), (3, 2), (1, 1), [(1, 1), (0, 2)], (1, 1), 1),
    (2, (6, 7), (3, 2), (2, 3), [(2, 0), (1, 3)], (1, 2), 2),
    (2, (6, 7), (2, 4), (2, 1), "SAME", (2, 1), 3),
    (3, (4, 5, 6), (2, 3, 1), (1, 2, 2), [(1, 0), (0, 1), (2, 2)], (2, 1, 1), 2),
    (3, (4, 5, 6), (2, 2, 2), (2, 2, 3), "SAME_LOWER", (1, 1, 2), 1),
]


def both(function, *arguments):
    """Return a function's value and gradients, compiled together, which takes half the time.

    The last argument is the cotangent.
    """

    def run(*arguments):
        *x, g = arguments
        y, vjp = jax.vjp(function, *x)
        return y, vjp(g)

    return jax.jit(run)(*arguments)


def ours(padding):
    return padding.lower() if isinstance(padding, str) else padding


def drawn(size, kernel, groups):
    x = RNG.normal(size=(2, 2 * groups, *size))
    return x, RNG.normal(size=(3 * groups, 2, *kernel)), RNG.normal(size=3 * groups)


@pytest.mark.parametrize(
    ("axes", "size", "kernel", "stride", "padding", "dilation", "groups"), LAYERS
)
def test_convolutions_and_their_gradients(axes, size, kernel, stride, padding, dilation, groups):
    x, W, b = drawn(size, kernel, groups)

    def layer(x, W, b):
        y = jax.lax.conv_general_dilated(
            x, W, stride, padding, rhs_dilation=dilation, feature_group_count=groups
        )
        return y + b.reshape(-1, *[1] * axes)

    how = {"stride": stride, "padding": ours(padding), "dilation": dilation, "groups": groups}
    forward, backward = FORWARD[axes]
    y = forward(x, W, b, **how)
    g = RNG.normal(size=y.shape)
    expected, gradients = both(layer, x, W, b, g)
    np.testing.assert_allclose(y, expected, rtol=1e-11, atol=1e-12)
    for found, one in zip(backward(g, x, W, b, **how), gradients, strict=True):
        np.testing.assert_allclose(found, one, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("axes", "size", "kernel", "stride", "dilation", "padding", "more"),
    [
        (1, (4,), (3,), (2,), (1,), [(1, 1)], (1,)),
        (2, (3, 4), (3, 2), (2, 3), (1, 2), [(0, 1), (2, 0)], (1, 2)),
        (3, (2, 3, 2), (2, 1, 3), (1, 2, 2), (3, 1, 1), [(0, 0), (0, 0), (1, 1)], (2, 0, 1)),
    ],
)
def test_transposed_convolutions_and_their_gradients(
    axes, size, kernel, stride, dilation, padding, more
):
    x, W = RNG.normal(size=(2, 3, *size)), RNG.normal(size=(3, 2, *kernel))
    spans = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    around = [
        (span - before, span - after + extra)
        for span, (before, after), extra in zip(spans, padding, more, strict=True)
    ]

    def layer(x, W):  # zeros between the entries of x, then a convolution with W turned round
        turned = jnp.flip(W.swapaxes(0, 1), axis=tuple(range(2, axes + 2)))
        return jax.lax.conv_general_dilated(
            x, turned, (1,) * axes, around, lhs_dilation=stride, rhs_dilation=dilation
        )

    how = {"stride": stride, "padding": padding, "output_padding": more, "dilation": dilation}
    forward, backward = BACKWARD[axes]
    y = forward(x, W, **how)
    g = RNG.normal(size=y.shape)
    expected, gradients = both(layer, x, W, g)
    np.testing.assert_allclose(y, expected, rtol=1e-11, atol=1e-12)
    for found, one in zip(backward(g, x, W, **how)[:2], gradients, strict=True):
        np.testing.assert_allclose(found, one, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("stride", "kernel"), [(2, 3), (3, 2), (3, 5)])
def test_same_transposed_is_the_gradient_of_jax_same(stride, kernel):
    x, W = RNG.normal(size=(1, 3, 4)), RNG.normal(size=(3, 2, kernel))
    _, (expected,) = both(
        lambda y: jax.lax.conv_general_dilated(y, W, (stride,), "SAME"),
        np.zeros((1, 2, 4 * stride)),
        x,
    )
    found = conv_transpose1d(x, W, stride=stride, padding="same")
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("mode", ["valid", "same", "full"])
def test_scipys_correlate(mode):
    for axes, shape, kernel in ((1, (9,), (4,)), (2, (6, 7), (3, 5)), (3, (4, 5, 6), (3, 1, 3))):
        x, w = RNG.normal(size=shape), RNG.normal(size=kernel)
        expected = signal.correlate(x, w, mode, method="direct")
        # with an even kernel SciPy's "same" keeps the other middle
        padding = [(k - 1, k - 1) for k in kernel] if mode == "full" else mode
        padding = "same_lower" if mode == "same" else padding
        found = FORWARD[axes][0](x[None, None], w[None, None], padding=padding)[0, 0]
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_upsampling_by_scipy():
    x, w = RNG.normal(size=8), RNG.normal(size=5)
    found = conv_transpose1d(x[None, None], w[None, None], stride=3)[0, 0]
    np.testing.assert_allclose(found, signal.upfirdn(w, x, up=3), rtol=1e-12, atol=1e-14)


# ------------------------------------------------------------------ a network


def lenet(x, params, conv, pool, act, dense):
    """Return the logits and everything on the way: two convolutions, two means, two layers."""
    (W1, b1), (W2, b2), (W3, b3), (W4, b4) = params
    z1 = conv(x, W1, b1)  # 28 x 28
    a1 = pool(act(z1))  # 14 x 14
    z2 = conv(a1, W2, b2)  # 14 x 14
    a2 = pool(act(z2)).reshape(len(x), -1)  # 7 x 7
    z3 = dense(a2, W3, b3)
    return dense(act(z3), W4, b4), (z1, a1, z2, a2, z3)


def test_a_network_of_lenets_kind_by_hand_and_by_jax():
    shapes = [(6, 1, 5, 5), (16, 6, 5, 5), (30, 784), (10, 30)]
    params = [
        (RNG.normal(size=s) / np.sqrt(np.prod(s[1:])), RNG.normal(size=s[0]) / 10) for s in shapes
    ]
    x, labels = RNG.normal(size=(4, 1, 28, 28)), np.array([3, 0, 9, 3])

    def conv_jax(x, W, b):
        y = jax.lax.conv_general_dilated(x, W, (1, 1), "SAME")
        return y + b[:, None, None]

    def pool_jax(x):
        window = (1, 1, 2, 2)
        return jax.lax.reduce_window(x, 0.0, jax.lax.add, window, window, "VALID") / 4

    def loss_jax(params, x):
        logits, _ = lenet(x, params, conv_jax, pool_jax, jnp.tanh, lambda a, W, b: a @ W.T + b)
        return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(4), labels])

    by_jax = jax.jit(jax.value_and_grad(loss_jax, (0, 1)))
    expected, (of_params, of_x) = by_jax(params, jnp.asarray(x))

    same = {"padding": "same"}
    logits, (z1, a1, z2, a2, z3) = lenet(
        x, params, lambda *args: conv2d(*args, **same), lambda a: avg_pool2d(a, 2), tanh, affine
    )
    assert cross_entropy(logits, labels) == pytest.approx(float(expected), rel=1e-12)
    (W1, b1), (W2, b2), (W3, b3), (W4, b4) = params
    g, *last = affine_vjp(cross_entropy_grad(logits, labels), tanh(z3), W4, b4)
    g, *dense = affine_vjp(g * tanh_prime(z3), a2, W3, b3)
    g = avg_pool2d_vjp(g.reshape(4, 16, 7, 7), tanh(z2), 2) * tanh_prime(z2)
    g, *second = conv2d_vjp(g, a1, W2, b2, **same)
    g = avg_pool2d_vjp(g, tanh(z1), 2) * tanh_prime(z1)
    x_bar, *first = conv2d_vjp(g, x, W1, b1, **same)
    found = [x_bar, *first, *second, *dense, *last]
    for one, other in zip(found, [of_x, *jax.tree.leaves(of_params)], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-13)
