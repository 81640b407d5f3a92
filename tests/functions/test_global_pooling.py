"""Global pooling: one number for each channel."""

import numpy as np
import pytest

from nnbook.functions import (
    avg_pool2d,
    avg_pool2d_vjp,
    global_avg_pool,
    global_avg_pool_vjp,
    global_max_pool,
    global_max_pool_vjp,
    max_pool2d,
    max_pool2d_vjp,
)

RNG = np.random.default_rng(24)
X = RNG.normal(size=(3, 2, 4, 5))
G = RNG.normal(size=(3, 2))


def test_it_is_pooling_with_one_window():
    np.testing.assert_allclose(
        global_avg_pool(X, keepdims=True), avg_pool2d(X, (4, 5)), rtol=1e-13
    )
    np.testing.assert_array_equal(global_max_pool(X, keepdims=True), max_pool2d(X, (4, 5)))
    g = G[..., np.newaxis, np.newaxis]
    np.testing.assert_allclose(
        global_avg_pool_vjp(g, X, keepdims=True), avg_pool2d_vjp(g, X, (4, 5)), rtol=1e-13
    )
    np.testing.assert_array_equal(
        global_max_pool_vjp(g, X, keepdims=True), max_pool2d_vjp(g, X, (4, 5))
    )


@pytest.mark.parametrize("shape", [(3, 2, 7), (3, 2, 4, 5), (3, 2, 2, 3, 4), (0, 2, 3), (2, 0, 3)])
def test_any_number_of_spatial_axes(shape):
    x = RNG.normal(size=shape)
    axes = tuple(range(2, x.ndim))
    g = RNG.normal(size=shape[:2])
    np.testing.assert_allclose(global_avg_pool(x), x.mean(axis=axes), rtol=1e-13)
    np.testing.assert_array_equal(global_max_pool(x), x.max(axis=axes))
    for function, derivative in (
        (global_avg_pool, global_avg_pool_vjp), (global_max_pool, global_max_pool_vjp)
    ):  # fmt: skip
        kept = function(x, keepdims=True)
        assert kept.shape == shape[:2] + (1,) * len(axes)
        np.testing.assert_array_equal(kept.reshape(shape[:2]), function(x))
        x_bar = derivative(g, x)
        assert x_bar.shape == shape
        np.testing.assert_allclose(x_bar.sum(axis=axes), g, rtol=1e-13)
        np.testing.assert_array_equal(derivative(g.reshape(kept.shape), x, keepdims=True), x_bar)


def test_ties_give_all_to_the_first_and_nan_comes_out():
    x = np.zeros((1, 2, 2, 2))
    x[0, 1, 1, 0] = np.nan
    x[0, 1, 1, 1] = np.nan
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(global_max_pool(x), [[0, np.nan]])
        np.testing.assert_array_equal(global_avg_pool(x), [[0, np.nan]])
        x_bar = global_max_pool_vjp([[1.0, np.inf]], x)
    np.testing.assert_array_equal(x_bar, [[[[1, 0], [0, 0]], [[0, 0], [np.inf, 0]]]])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_dtypes_are_kept_and_sums_do_not_overflow(dtype):
    huge = np.finfo(dtype).max
    x = np.array([[[huge, huge, huge, huge], [1, 2, 3, 4], [huge, huge, -huge, -huge]]], dtype)
    with np.errstate(all="raise"):
        y = global_avg_pool(x)
    assert y.dtype == dtype and global_max_pool(x).dtype == dtype
    np.testing.assert_array_equal(y, [[huge, 2.5, 0]])
    for derivative in (global_avg_pool_vjp, global_max_pool_vjp):
        assert derivative(y, x).dtype == dtype
        assert derivative(y.astype(np.longdouble), x).dtype == np.longdouble
    assert global_avg_pool([[[1, 2]]]).dtype == global_max_pool([[[1, 2]]]).dtype == np.float64


def test_float32_is_rounded_once():
    x = RNG.random((2, 3, 1000), np.float32)
    np.testing.assert_array_equal(
        global_avg_pool(x), x.astype(np.float64).mean(axis=2).astype(np.float32)
    )


def test_results_are_new_arrays_that_may_be_written():
    x = RNG.normal(size=(2, 2, 1))
    kept = x.copy()
    for function, derivative in (
        (global_avg_pool, global_avg_pool_vjp), (global_max_pool, global_max_pool_vjp)
    ):  # fmt: skip
        y = function(x)
        x_bar = derivative(y, x)
        y[...] = x_bar[...] = 7
    np.testing.assert_array_equal(x, kept)
