"""Pooling beside JAX's windows, and SciPy's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from nnbook.functions import (
    avg_pool1d,
    avg_pool1d_vjp,
    avg_pool2d,
    avg_pool2d_vjp,
    avg_pool3d,
    avg_pool3d_vjp,
    global_avg_pool,
    global_avg_pool_vjp,
    global_max_pool,
    global_max_pool_vjp,
    max_pool1d,
    max_pool1d_vjp,
    max_pool2d,
    max_pool2d_vjp,
    max_pool3d,
    max_pool3d_vjp,
)

RNG = np.random.default_rng(31)
MAX = {1: (max_pool1d, max_pool1d_vjp), 2: (max_pool2d, max_pool2d_vjp),
       3: (max_pool3d, max_pool3d_vjp)}  # fmt: skip
AVG = {1: (avg_pool1d, avg_pool1d_vjp), 2: (avg_pool2d, avg_pool2d_vjp),
       3: (avg_pool3d, avg_pool3d_vjp)}  # fmt: skip

# size, kernel, stride, padding, dilation, entries that ceil mode's last windows hang over
POOLS = [
    ((9,), (3,), (3,), [(0, 0)], (1,), (0,)),
    ((9,), (3,), (2,), [(1, 0)], (1,), (0,)),
    ((6, 7), (2, 2), (2, 2), [(0, 0), (0, 0)], (1, 1), (0, 0)),
    ((6, 7), (3, 2), (2, 3), [(1, 1), (0, 1)], (1, 1), (0, 0)),
    ((6, 7), (2, 3), (1, 1), [(0, 0), (1, 1)], (2, 2), (0, 0)),
    ((6, 7), (3, 2), (2, 2), [(0, 0), (0, 0)], (1, 1), (1, 1)),
    ((4, 5, 6), (2, 3, 2), (2, 2, 3), [(0, 0), (1, 1), (1, 0)], (1, 1, 1), (0, 0, 0)),
    ((4, 5, 6), (2, 3, 3), (2, 2, 2), [(0, 0), (1, 0), (1, 0)], (1, 1, 1), (0, 1, 0)),
]


def reduced(x, start, op, kernel, stride, padding, dilation):
    ahead = (1, 1)
    return jax.lax.reduce_window(
        x, start, op, (*ahead, *kernel), (*ahead, *stride), [(0, 0), (0, 0), *padding],
        window_dilation=(*ahead, *dilation),
    )  # fmt: skip


def both(function, x, g):
    """Return a function's value and gradient, compiled together, which takes half the time."""

    def run(x, g):
        y, vjp = jax.vjp(function, x)
        return y, vjp(g)[0]

    return jax.jit(run)(x, g)


def hanging(padding, over):
    return [(before, after + more) for (before, after), more in zip(padding, over, strict=True)]


@pytest.mark.parametrize(("size", "kernel", "stride", "padding", "dilation", "over"), POOLS)
def test_maxima_and_their_gradient(size, kernel, stride, padding, dilation, over):
    x = RNG.normal(size=(2, 3, *size))
    around = hanging(padding, over)

    def largest(x):
        return reduced(x, -jnp.inf, jax.lax.max, kernel, stride, around, dilation)

    how = {"stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": any(over)}
    forward, backward = MAX[len(size)]
    y = forward(x, kernel, **how)
    if max(dilation) > 1:  # JAX has no gradient there
        np.testing.assert_array_equal(y, largest(x))
        return
    g = RNG.normal(size=y.shape)
    expected, x_bar = both(largest, x, g)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_allclose(backward(g, x, kernel, **how), x_bar, rtol=1e-13)


MEANS = [(*pool, counted) for pool in POOLS[1:] if max(pool[4]) == 1 for counted in (True, False)]


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "dilation", "over", "counted"),
    [m for m in MEANS if m[-1] or len(m[0]) < 3],
)
def test_means_and_their_gradient(size, kernel, stride, padding, dilation, over, counted):
    x = RNG.normal(size=(2, 3, *size))

    def mean(x):
        def total(x, padding):
            return reduced(x, 0.0, jax.lax.add, kernel, stride, padding, dilation)

        ones = jnp.ones(size)[None, None]
        if counted:  # the padding is made of entries, what hangs over it is not
            ones = jnp.ones([n + sum(pair) for n, pair in zip(size, padding, strict=True)])
            parts = total(ones[None, None], [(0, more) for more in over])
        else:
            parts = total(ones, hanging(padding, over))
        return total(x, hanging(padding, over)) / parts

    how = {"stride": stride, "padding": padding, "ceil_mode": any(over),
           "count_include_pad": counted}  # fmt: skip
    forward, backward = AVG[len(size)]
    y = forward(x, kernel, **how)
    g = RNG.normal(size=y.shape)
    expected, x_bar = both(mean, x, g)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(backward(g, x, kernel, **how), x_bar, rtol=1e-12, atol=1e-15)


def test_global_pooling_and_its_gradients():
    x, g = RNG.normal(size=(2, 3, 4, 5)), RNG.normal(size=(2, 3))
    for function, derivative, jax_function in (
        (global_avg_pool, global_avg_pool_vjp, jnp.mean),
        (global_max_pool, global_max_pool_vjp, jnp.max),
    ):
        expected, x_bar = both(lambda x, f=jax_function: f(x, axis=(2, 3)), x, g)
        np.testing.assert_allclose(function(x), expected, rtol=1e-13)
        np.testing.assert_allclose(derivative(g, x), x_bar, rtol=1e-13)


def test_scipys_sliding_filters():
    x = RNG.normal(size=(7, 8))
    largest = ndimage.maximum_filter(x, (3, 5), mode="constant", cval=-np.inf)
    found = max_pool2d(x[None, None], (3, 5), stride=1, padding=(1, 2))[0, 0]
    np.testing.assert_array_equal(found, largest)
    mean = ndimage.uniform_filter(x, (3, 5), mode="constant")
    found = avg_pool2d(x[None, None], (3, 5), stride=1, padding=(1, 2))[0, 0]
    np.testing.assert_allclose(found, mean, rtol=1e-12, atol=1e-14)
