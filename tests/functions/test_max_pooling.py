"""Max pooling: values and places beside plain loops, ties, NaN, infinities."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbook.functions import (
    max_pool1d,
    max_pool1d_vjp,
    max_pool2d,
    max_pool2d_vjp,
    max_pool3d,
    max_pool3d_vjp,
)
from tests.cases.pooling import BAD
from tests.functions import sliding

FORWARD = {1: max_pool1d, 2: max_pool2d, 3: max_pool3d}
BACKWARD = {1: max_pool1d_vjp, 2: max_pool2d_vjp, 3: max_pool3d_vjp}
RNG = np.random.default_rng(22)


@st.composite
def pools(draw, dilated=True):
    """Draw the options of a pooling layer, and sizes in which it has a window."""
    axes = draw(st.integers(1, 3))

    def each(high):
        return tuple(draw(st.lists(st.integers(1, high), min_size=axes, max_size=axes)))

    kernel, stride = each(4), each(4)
    dilation = each(2) if dilated else (1,) * axes
    pads, size = [], []
    for k, d in zip(kernel, dilation, strict=True):
        span = d * (k - 1) + 1
        half = span // 2 if d == 1 else 0 if k == 1 else 1
        pads.append((draw(st.integers(0, half)), draw(st.integers(0, half))))
        low = max(2 if d > 1 else 1, span - sum(pads[-1]))
        size.append(draw(st.integers(low, low + 4)))
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 2)), *size)
    how = {"stride": stride, "padding": tuple(pads), "ceil_mode": draw(st.booleans())}
    if dilated:
        how["dilation"] = dilation
    return shape, kernel, how, draw(st.integers(0, 2**32))


def reference(y, x, kernel, how, **rest):
    dilation = how.get("dilation", (1,) * len(kernel))
    return sliding.pooled(x, kernel, how["stride"], how["padding"], dilation, y.shape[2:], **rest)


@settings(max_examples=200, deadline=None)
@given(pools(), st.sampled_from(["ties", "normal", "not finite"]))
def test_every_option_gives_what_the_loops_give(pool, kind):
    shape, kernel, how, seed = pool
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 3, size=shape).astype(float) if kind == "ties" else rng.normal(size=shape)
    if kind == "not finite":
        x = rng.choice([-np.inf, np.nan, 1.0, 2.0, np.inf], p=[0.6, 0.1, 0.1, 0.1, 0.1], size=shape)
    axes = len(kernel)
    with np.errstate(all="raise"):
        y, indices = FORWARD[axes](x, kernel, return_indices=True, **how)
    largest, places = reference(y, x, kernel, how, largest=True)
    np.testing.assert_array_equal(y, largest)
    np.testing.assert_array_equal(indices, places)
    np.testing.assert_array_equal(FORWARD[axes](x, kernel, **how), y)

    g = rng.integers(-9, 10, size=y.shape).astype(float)
    expected = np.zeros(shape)
    for n, c, *window in np.ndindex(*y.shape):
        expected[n, c].flat[places[(n, c, *window)]] += g[(n, c, *window)]
    for more in ({}, {"indices": indices}):
        np.testing.assert_array_equal(BACKWARD[axes](g, x, kernel, **how, **more), expected)


def test_windows_do_not_overlap_by_default():
    x = RNG.normal(size=(2, 3, 6, 8))
    expected = x.reshape(2, 3, 3, 2, 2, 4).max(axis=(3, 5))
    np.testing.assert_array_equal(max_pool2d(x, (2, 4)), expected)


def test_ties_give_all_to_the_first():
    x = np.zeros((1, 1, 2, 3))
    x_bar = max_pool2d_vjp(np.ones((1, 1, 1, 2)), x, 2, stride=1)
    np.testing.assert_array_equal(x_bar, [[[[1, 1, 0], [0, 0, 0]]]])


def test_a_window_of_minus_infinity_and_padding_keeps_its_place():
    x = np.full((1, 1, 3), -np.inf)
    y, indices = max_pool1d(x, 2, padding=1, return_indices=True)
    assert (y == -np.inf).all() and indices.tolist() == [[[0, 1]]]


def test_infinite_cotangents_reach_their_maxima_alone():
    with np.errstate(all="raise"):
        x_bar = max_pool1d_vjp([[[np.inf, np.nan]]], [[[1.0, 2.0, 3.0, 0.0]]], 2)
        summed = max_pool1d_vjp([[[np.inf, -np.inf]]], [[[1.0, 2.0, 1.0]]], 2, stride=1)
    np.testing.assert_array_equal(x_bar, [[[0, np.inf, np.nan, 0]]])
    np.testing.assert_array_equal(summed, [[[0, np.nan, 0]]])


def test_dtypes_are_kept_and_integers_become_float64():
    for dtype in (np.float16, np.float32, np.longdouble):
        x = np.arange(6).reshape(1, 1, 6).astype(dtype)
        y, indices = max_pool1d(x, 2, return_indices=True)
        assert y.dtype == dtype and indices.dtype == np.intp
        assert max_pool1d_vjp(y, x, 2).dtype == dtype
    assert max_pool1d([[[1, 2]]], 2).dtype == np.float64
    assert max_pool1d_vjp(np.ones((1, 1, 3)), x.astype(np.float32), 2).dtype == np.float64
    g, x = np.array([[[2048, 1, 1]]], np.float16), np.array([[[0, 0, 9, 0, 0]]], np.float16)
    assert max_pool1d_vjp(g, x, 3, stride=1)[0, 0, 2] == 2050  # 2049 is no float16


def test_no_images_and_no_channels():
    y, indices = max_pool2d(np.ones((0, 2, 4, 4)), 2, return_indices=True)
    assert y.shape == indices.shape == (0, 2, 2, 2)
    assert max_pool2d_vjp(y, np.ones((0, 2, 4, 4)), 2, indices=indices).shape == (0, 2, 4, 4)
    assert max_pool2d(np.ones((2, 0, 4, 4)), 2).shape == (2, 0, 2, 2)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_a_pair_of_cotangents_belongs_to_a_pair_of_results(axes):
    x = RNG.normal(size=(1, 1, *(4,) * axes))
    g = RNG.normal(size=(1, 1, *(2,) * axes))
    vjp = BACKWARD[axes]
    expected = vjp(g, x, 2)
    assert expected.any()
    np.testing.assert_array_equal(vjp((g, None), x, 2, return_indices=True), expected)
    np.testing.assert_array_equal(vjp(g, x, 2, return_indices=True), expected)
    # without return_indices a tuple is an array like any other
    np.testing.assert_array_equal(vjp(tuple(g), x, 2), expected)


def test_arguments_stay_as_they_are():
    x, g = RNG.normal(size=(1, 2, 4)), RNG.normal(size=(1, 2, 4))
    kept = x.copy(), g.copy()
    y = max_pool1d(x, 1)
    x_bar = max_pool1d_vjp(g, x, 1)
    y[...], x_bar[...] = 7, 7
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(g, kept[1])


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_defaults(axes):
    for function in (FORWARD[axes], BACKWARD[axes]):
        signature = inspect.signature(function).parameters.values()
        found = {p.name: p.default for p in signature if p.kind is p.KEYWORD_ONLY}
        found.pop("indices", None)
        assert found == {"stride": None, "padding": 0, "dilation": 1, "ceil_mode": False,
                         "return_indices": False}  # fmt: skip


@pytest.mark.parametrize("wrong", [-1, 6])
def test_one_place_outside_of_x_is_found(wrong):
    x, g = RNG.normal(size=(1, 1, 6)), RNG.normal(size=(1, 1, 3))
    right = np.array([[[0, 5, 3]]])
    assert max_pool1d_vjp(g, x, 2, indices=right)[0, 0, 5] == g[0, 0, 1]
    right[0, 0, 1] = wrong
    with pytest.raises(ValueError, match="indices must be places in x, from 0 to 5"):
        max_pool1d_vjp(g, x, 2, indices=right)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.id)
def test_a_wrong_call_is_refused_in_words(bad):
    with pytest.raises(bad.error, match=bad.match):
        bad.call()
