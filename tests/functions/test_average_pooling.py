"""Average pooling: means beside plain loops, what is counted, overflow, errors."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbook.functions import (
    avg_pool1d,
    avg_pool1d_vjp,
    avg_pool2d,
    avg_pool2d_vjp,
    avg_pool3d,
    avg_pool3d_vjp,
    conv2d,
)
from tests.functions.test_max_pooling import pools, reference

FORWARD = {1: avg_pool1d, 2: avg_pool2d, 3: avg_pool3d}
BACKWARD = {1: avg_pool1d_vjp, 2: avg_pool2d_vjp, 3: avg_pool3d_vjp}
RNG = np.random.default_rng(23)


@settings(max_examples=120, deadline=None)
@given(pools(dilated=False), st.booleans())
def test_every_option_gives_what_the_loops_give(pool, counted):
    shape, kernel, how, seed = pool
    rng = np.random.default_rng(seed)
    x = rng.integers(-9, 10, size=shape).astype(float)
    axes = len(kernel)
    y = FORWARD[axes](x, kernel, count_include_pad=counted, **how)
    expected = reference(y, x, kernel, how, largest=False, count_include_pad=counted)
    np.testing.assert_array_equal(y, expected)  # sums of whole numbers are exact

    g = rng.normal(size=y.shape)
    x_bar = BACKWARD[axes](g, x, kernel, count_include_pad=counted, **how)
    unit, direct = np.zeros(shape), np.zeros(shape)
    for place in np.ndindex(*shape[2:]):
        unit[(..., *place)] = 1
        direct[(..., *place)] = np.sum(
            g * FORWARD[axes](unit, kernel, count_include_pad=counted, **how),
            axis=tuple(range(2, g.ndim)),
        )
        unit[(..., *place)] = 0
    np.testing.assert_allclose(x_bar, direct, rtol=1e-13, atol=1e-14)


def test_what_is_counted_at_the_border():
    x = np.full((1, 1, 4), 6.0)
    how = {"stride": 2, "padding": 1}
    np.testing.assert_array_equal(avg_pool1d(x, 3, **how)[0, 0], [4, 6])
    np.testing.assert_array_equal(avg_pool1d(x, 3, count_include_pad=False, **how)[0, 0], [6, 6])
    # the third window hangs over the padding by two, which are not counted
    np.testing.assert_array_equal(avg_pool1d(x, 3, ceil_mode=True, **how)[0, 0], [4, 6, 3])
    np.testing.assert_array_equal(
        avg_pool1d(x, 3, ceil_mode=True, count_include_pad=False, **how)[0, 0], [6, 6, 6]
    )


@pytest.mark.parametrize("kernel", [256, 257, 512, 30_000])
def test_long_windows_of_equal_entries_do_not_drift(kernel):
    value = np.float32(0.1)
    bound = 8 * np.finfo(np.float32).eps * np.sqrt(kernel) * value
    assert abs(avg_pool1d(np.full((1, 1, kernel), value), kernel).item() - value) <= bound
    assert avg_pool1d(np.ones((1, 1, kernel), np.float32), kernel).item() == 1


@pytest.mark.parametrize("kernel", [256, 257, 3000])
def test_gradients_of_long_windows_that_overlap_are_sums_too(kernel):
    x, g = np.ones((1, 1, 2 * kernel - 1)), np.arange(1.0, kernel + 1).reshape(1, 1, -1)
    up = np.cumsum(g[0, 0])
    down = up[-1] - up[:-1]
    x_bar = kernel * avg_pool1d_vjp(g, x, kernel, stride=1)[0, 0]
    np.testing.assert_allclose(x_bar, [*up, *down], rtol=1e-13)


def test_a_mean_is_a_convolution_with_equal_weights():
    x = RNG.normal(size=(2, 3, 7, 8))
    W = np.full((3, 1, 3, 2), 1 / 6)
    np.testing.assert_allclose(
        avg_pool2d(x, (3, 2), stride=(2, 3), padding=1),
        conv2d(x, W, stride=(2, 3), padding=1, groups=3),
        rtol=1e-12, atol=1e-14,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_errors_are_within_the_stated_bound(dtype):
    x = (RNG.normal(size=(2, 2, 40, 40)) + 0.5).astype(dtype)
    y = avg_pool2d(x, 20, stride=5)
    exact = np.array([
        [[[x[n, c, i : i + 20, j : j + 20].astype(np.longdouble).mean() for j in range(0, 21, 5)]
          for i in range(0, 21, 5)] for c in range(2)] for n in range(2)
    ])  # fmt: skip
    terms = avg_pool2d(np.abs(x).astype(float), 20, stride=5)
    assert y.dtype == dtype
    assert (np.abs(y - exact) <= np.finfo(dtype).eps * np.sqrt(400) * terms).all()
    x_bar = avg_pool2d_vjp(y, x, 20, stride=5)
    wide = avg_pool2d_vjp(y.astype(np.longdouble), x, 20, stride=5)
    scale = avg_pool2d_vjp(np.abs(y).astype(float), x, 20, stride=5)
    assert x_bar.dtype == dtype and wide.dtype == np.longdouble
    assert (np.abs(x_bar - wide) <= 2 * np.finfo(dtype).eps * np.sqrt(16) * scale).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_mean_of_finite_entries_is_finite(dtype):
    huge = np.finfo(dtype).max
    x = np.array([[[huge, huge, -huge, -huge, 1, 3, huge, huge]]], dtype)
    with np.errstate(all="raise"):
        y = avg_pool1d(x, 4, stride=2)
        signs = avg_pool2d(
            np.array([[[[huge, huge], [-huge, -huge]]]], dtype), 2
        )  # inf - inf on the way
    np.testing.assert_array_equal(y[0, 0, 0], 0)
    np.testing.assert_array_equal(signs, [[[[0]]]])
    np.testing.assert_allclose(y[0, 0, 1:] / huge, [-0.5, 0.5], rtol=1e-3)


def test_what_is_not_finite_reaches_its_windows_alone():
    x = np.array([[[1.0, 2.0, np.inf, 4.0, np.nan, 6.0, -np.inf, np.inf]]])
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(avg_pool1d(x, 2)[0, 0], [1.5, np.inf, np.nan, np.nan])


def test_the_smallest_numbers_are_not_lost_beside_an_overflow():
    x = np.array([[[8e-323, 8e-323, 1e308, 1e308]]])
    np.testing.assert_array_equal(avg_pool1d(x, 2)[0, 0], [8e-323, 1e308])


def test_dtypes_are_kept():
    assert avg_pool1d([[[1, 2]]], 2).dtype == np.float64
    x = np.ones((1, 1, 4), np.float32)
    assert avg_pool1d(x, 2).dtype == np.float32
    assert avg_pool1d_vjp(np.ones((1, 1, 2)), x, 2).dtype == np.float64
    assert avg_pool1d_vjp(np.ones((1, 1, 2), np.float32), x, 2).dtype == np.float32


def test_no_images_and_no_channels():
    assert avg_pool2d(np.ones((0, 2, 4, 4)), 2).shape == (0, 2, 2, 2)
    assert avg_pool2d(np.ones((2, 0, 4, 4)), 2).shape == (2, 0, 2, 2)
    assert avg_pool2d_vjp(np.ones((0, 2, 2, 2)), np.ones((0, 2, 4, 4)), 2).shape == (0, 2, 4, 4)


def test_arguments_stay_as_they_are():
    x = RNG.normal(size=(1, 2, 4))
    kept = x.copy()
    y = avg_pool1d(x, 1)
    y[...] = 7
    x_bar = avg_pool1d_vjp(kept, x, 1)
    assert not np.shares_memory(x_bar, kept)
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_defaults(axes):
    for function in (FORWARD[axes], BACKWARD[axes]):
        signature = inspect.signature(function).parameters.values()
        found = {p.name: p.default for p in signature if p.kind is p.KEYWORD_ONLY}
        assert found == {"stride": None, "padding": 0, "ceil_mode": False,
                         "count_include_pad": True}  # fmt: skip
