"""Convolutions: values beside plain loops, error bounds, layouts of work, limits."""

import inspect
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbook.functions import (
    _columns,
    affine,
    affine_vjp,
    conv1d,
    conv1d_vjp,
    conv2d,
    conv2d_vjp,
    conv3d,
    conv3d_vjp,
    conv_transpose1d,
)
from nnbook.functions._windows import windows
from tests.cases.convolution import BAD
from tests.functions import sliding
from tests.functions.unchecked import hold_each_selection

FORWARD = {1: conv1d, 2: conv2d, 3: conv3d}
BACKWARD = {1: conv1d_vjp, 2: conv2d_vjp, 3: conv3d_vjp}
RNG = np.random.default_rng(20)


def whole(rng, shape):
    """Draw whole numbers: their sums of products are exact in float64."""
    return rng.integers(-9, 10, size=shape).astype(float)


@st.composite
def layers(draw, most=3):
    """Draw the options of a layer, and sizes in which it has a window."""
    axes = draw(st.integers(1, most))
    small = st.integers(1, 3)
    each = st.lists(small, min_size=axes, max_size=axes).map(tuple)
    kernel, stride, dilation = draw(each), draw(each), draw(each)
    pad = st.tuples(st.integers(0, 3), st.integers(0, 3))
    pads = tuple(draw(st.lists(pad, min_size=axes, max_size=axes)))
    size = tuple(
        draw(st.integers(max(1, d * (k - 1) + 1 - b - a), max(1, d * (k - 1) + 1 - b - a) + 3))
        for k, d, (b, a) in zip(kernel, dilation, pads, strict=True)
    )
    groups, images, inputs, outputs = (draw(st.integers(1, 2)) for _ in range(4))
    shapes = (images, inputs * groups, *size), (outputs * groups, inputs, *kernel)
    return shapes, (stride, pads, dilation, groups), draw(st.integers(0, 2**32))


def options(stride, pads, dilation, groups):
    return {"stride": stride, "padding": pads, "dilation": dilation, "groups": groups}


@settings(max_examples=250, deadline=None)
@given(layers())
def test_every_option_gives_what_the_loops_give(layer):
    (x_shape, W_shape), how, seed = layer
    rng = np.random.default_rng(seed)
    x, W, b = whole(rng, x_shape), whole(rng, W_shape), whole(rng, W_shape[:1])
    axes = len(x_shape) - 2
    expected, _ = sliding.convolution(x, W, b, *how)
    y = FORWARD[axes](x, W, b, **options(*how))
    np.testing.assert_array_equal(y, expected)
    g = whole(rng, y.shape)
    found = BACKWARD[axes](g, x, W, b, **options(*how))
    for one, (other, _) in zip(found, sliding.convolution_vjp(g, x, W, *how), strict=True):
        np.testing.assert_array_equal(one, other)


BLOCKS = [(40, 1), (300, 1), (2000, 1), (2**20, 1), (1, 7)]


@pytest.mark.parametrize(("budget", "shortest"), BLOCKS)
@pytest.mark.parametrize("stride", [1, 2, (3, 1)])
def test_blocks_of_lines_and_of_images_change_nothing(monkeypatch, budget, shortest, stride):
    rng = np.random.default_rng(3)
    x, W, b = whole(rng, (5, 4, 7, 6)), whole(rng, (6, 2, 3, 2)), whole(rng, 6)
    how = {"stride": stride, "padding": ((2, 1), (0, 1)), "groups": 2}
    y = conv2d(x, W, b, **how)
    g = whole(rng, y.shape)
    expected = (y, *conv2d_vjp(g, x, W, b, **how))
    monkeypatch.setattr(_columns, "BUDGET", budget)
    monkeypatch.setattr(_columns, "SHORTEST", shortest)
    found = (conv2d(x, W, b, **how), *conv2d_vjp(g, x, W, b, **how))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_padding_wider_than_the_image_and_than_the_kernel():
    x, W = whole(RNG, (2, 1, 2, 3)), whole(RNG, (1, 1, 2, 1))
    how = (1, 1), ((5, 4), (0, 6)), (1, 1), 1
    y = conv2d(x, W, **options(*how))
    np.testing.assert_array_equal(y, sliding.convolution(x, W, None, *how)[0])
    g = whole(RNG, y.shape)
    x_bar, W_bar, _ = conv2d_vjp(g, x, W, **options(*how))
    (x_true, _), (W_true, _), _ = sliding.convolution_vjp(g, x, W, *how)
    np.testing.assert_array_equal(x_bar, x_true)
    np.testing.assert_array_equal(W_bar, W_true)


@pytest.mark.parametrize(
    ("n", "kernel", "stride", "dilation", "upper"),
    [
        (5, 3, 1, 1, (1, 1)),
        (5, 4, 1, 1, (1, 2)),
        (6, 3, 2, 1, (0, 1)),
        (5, 3, 2, 1, (1, 1)),
        (5, 4, 2, 1, (1, 2)),
        (7, 2, 1, 3, (1, 2)),
        (7, 1, 3, 1, (0, 0)),
        (8, 2, 4, 1, (0, 0)),
        (3, 8, 1, 1, (3, 4)),
    ],
)
def test_same_gives_a_window_for_every_stride_and_the_odd_zero_last(
    n, kernel, stride, dilation, upper
):
    x, W = whole(RNG, (1, 1, n)), whole(RNG, (1, 1, kernel))
    how = {"stride": stride, "dilation": dilation}
    for words, pair in ((("same", "same_upper"), upper), (("same_lower",), upper[::-1])):
        for word in words:
            y = conv1d(x, W, padding=word, **how)
            np.testing.assert_array_equal(y, conv1d(x, W, padding=(pair,), **how))
            assert y.shape == (1, 1, -(-n // stride))


def test_padding_reads_the_same_in_all_its_forms():
    x, W = whole(RNG, (1, 2, 5, 6)), whole(RNG, (3, 2, 3, 3))
    first = conv2d(x, W, padding=((1, 1), (2, 2)))
    np.testing.assert_array_equal(conv2d(x, W, padding=(1, 2)), first)
    np.testing.assert_array_equal(conv2d(x, W, padding=[(1, 1), 2]), first)
    np.testing.assert_array_equal(conv2d(x, W, padding=np.array([1, 2])), first)
    np.testing.assert_array_equal(conv2d(x, W, padding=2), conv2d(x, W, padding=(2, 2)))
    np.testing.assert_array_equal(conv2d(x, W, padding="valid"), conv2d(x, W))
    np.testing.assert_array_equal(conv2d(x, W), conv2d(x, W, padding=0))
    np.testing.assert_array_equal(conv2d(x, W, stride=(2, 2)), conv2d(x, W, stride=2))


def test_an_affine_layer_is_a_convolution_with_one_window():
    x, W, b = RNG.normal(size=(4, 3, 5)), RNG.normal(size=(2, 3, 5)), RNG.normal(size=2)
    A, M = x.reshape(4, -1), W.reshape(2, -1)
    np.testing.assert_allclose(conv1d(x, W, b)[..., 0], affine(A, M, b), rtol=1e-13)
    g = RNG.normal(size=(4, 2))
    for one, other in zip(
        conv1d_vjp(g[..., np.newaxis], x, W, b), affine_vjp(g, A, M, b), strict=True
    ):
        np.testing.assert_allclose(one.reshape(other.shape), other, rtol=1e-12)


def test_one_filter_and_its_mirror_image_are_correlation_and_convolution():
    x, w = whole(RNG, 9), whole(RNG, 4)
    y = conv1d(x.reshape(1, 1, -1), w.reshape(1, 1, -1), padding=3)[0, 0]
    np.testing.assert_array_equal(y, np.correlate(x, w, "full"))
    y = conv1d(x.reshape(1, 1, -1), w[::-1].reshape(1, 1, -1), padding=3)[0, 0]
    np.testing.assert_array_equal(y, np.convolve(x, w))


def test_moving_the_image_moves_the_result():
    x, W = np.zeros((1, 2, 9, 9)), whole(RNG, (3, 2, 3, 3))
    x[:, :, 2:5, 2:5] = whole(RNG, (1, 2, 3, 3))
    moved = np.roll(x, (2, 1), axis=(2, 3))
    np.testing.assert_array_equal(
        conv2d(moved, W, padding="same"), np.roll(conv2d(x, W, padding="same"), (2, 1), (2, 3))
    )


# ------------------------------------------------------------------ precision


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_errors_are_within_the_stated_bound(dtype, shift):
    rng = np.random.default_rng(5)
    how = (2, 1), ((1, 0), (2, 2)), (1, 2), 2
    x = (rng.normal(size=(3, 6, 9, 8)) + shift).astype(dtype)
    W = (rng.normal(size=(4, 3, 3, 3)) + shift).astype(dtype)
    b = rng.normal(size=4).astype(dtype)
    exact = [a.astype(np.longdouble) for a in (x, W, b)]
    y, terms = sliding.convolution(*exact, *how)
    found = conv2d(x, W, b, **options(*how))
    eps = np.finfo(dtype).eps
    assert found.dtype == dtype
    worst = [np.max(np.abs(found - y) / (eps * np.sqrt(28) * terms))]
    g = (rng.normal(size=y.shape) + shift / 3).astype(dtype)
    truth = sliding.convolution_vjp(g.astype(np.longdouble), *exact[:2], *how)
    depth = 2 * 9, y.size // 4, y.size // 4  # the most terms an entry has
    for one, (other, scale), m in zip(
        conv2d_vjp(g, x, W, b, **options(*how)), truth, depth, strict=True
    ):
        assert one.dtype == dtype
        met = scale > 0
        assert (one[~met] == 0).all()
        worst.append(np.max(np.abs(one - other)[met] / (eps * np.sqrt(m) * scale[met])))
    assert max(worst) < 1  # the docstring promises 8


def test_long_sums_keep_their_digits():
    rng = np.random.default_rng(6)
    x, W = (rng.random((2, 300, 12, 12), np.float32), rng.random((2, 300, 3, 3), np.float32))
    wide = conv2d(x.astype(np.float64), W.astype(np.float64))
    assert np.max(np.abs(conv2d(x, W) - wide) / wide) < 8 * np.finfo(np.float32).eps * np.sqrt(2700)
    g = rng.random((2, 2, 10, 10), np.float32)
    wide = conv2d_vjp(g.astype(np.float64), x.astype(np.float64), W.astype(np.float64))
    for one, other in zip(conv2d_vjp(g, x, W)[:2], wide[:2], strict=True):
        assert np.max(np.abs(one - other) / other) < 8 * np.finfo(np.float32).eps * np.sqrt(18)


def test_fractions_say_the_same_to_the_last_digit():
    rng = np.random.default_rng(7)
    x, W = rng.normal(size=(1, 2, 4, 3)), rng.normal(size=(2, 2, 2, 2))
    how = (1, 1), ((1, 1), (0, 0)), (1, 1), 1
    fractions = np.vectorize(Fraction, otypes=[object])
    y, terms = sliding.convolution(fractions(x), fractions(W), None, *how)
    found = fractions(conv2d(x, W, **options(*how)))
    worst = max(
        abs(f - e) / t for f, e, t in zip(found.ravel(), y.ravel(), terms.ravel(), strict=True)
    )
    assert 0 < worst < 2 * Fraction(2.0**-52)


def test_dtypes_are_kept_and_the_common_one_wins():
    x, W, b = np.ones((1, 1, 3), np.float32), np.ones((1, 1, 2), np.float32), np.ones(1)
    assert conv1d(x, W).dtype == np.float32
    assert conv1d(x, W, b).dtype == np.float64
    assert conv1d([[[1, 2]]], [[[3, 4]]], [5]).tolist() == [[[16.0]]]
    g = np.ones((1, 1, 2), np.float32)
    assert [a.dtype for a in conv1d_vjp(g, x, W)[:2]] == [np.float32] * 2
    assert [a.dtype for a in conv1d_vjp(g.astype(float), x, W)[:2]] == [np.float64] * 2
    assert conv1d(x.astype(np.longdouble), W).dtype == np.longdouble
    half = conv1d(np.full((1, 1, 4096), 1, np.float16), np.ones((1, 1, 4096), np.float16))
    assert half.dtype == np.float16 and half.item() == 4096  # summed in float32


# ------------------------------------------------------------------ limits


def test_no_channels_no_images_and_no_outputs():
    assert conv2d(np.ones((0, 2, 4, 4)), np.ones((3, 2, 2, 2))).shape == (0, 3, 3, 3)
    y = conv2d(np.ones((2, 0, 4, 4)), np.ones((3, 0, 2, 2)), [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(y[1, :, 0, 0], [1, 2, 3])
    assert conv2d(np.ones((2, 2, 4, 4)), np.ones((0, 2, 2, 2))).shape == (2, 0, 3, 3)
    x_bar, W_bar, b_bar = conv2d_vjp(
        np.ones((0, 3, 3, 3)), np.ones((0, 2, 4, 4)), np.ones((3, 2, 2, 2)), np.ones(3)
    )
    assert x_bar.shape == (0, 2, 4, 4)
    assert not W_bar.any() and not b_bar.any()
    x_bar, W_bar, _ = conv2d_vjp(
        np.ones((2, 0, 3, 3)), np.ones((2, 2, 4, 4)), np.ones((0, 2, 2, 2))
    )
    assert W_bar.shape == (0, 2, 2, 2) and not x_bar.any()


def test_an_entry_that_is_no_number_reaches_its_windows_alone():
    for value in (np.nan, np.inf):
        x, W = np.ones((2, 1, 5, 5)), np.ones((1, 1, 2, 2))
        x[1, 0, 4, 4] = x[0, 0, 2, 0] = value
        with np.errstate(all="raise"):
            y = conv2d(x, W)
        expected = np.zeros(y.shape, bool)
        expected[1, 0, 3, 3] = expected[0, 0, 1:3, 0] = True
        np.testing.assert_array_equal(~np.isfinite(y), expected)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("where", ["x", "W", "g"])
def test_gradients_of_what_is_not_finite_are_those_of_the_sums(where, seed):
    rng = np.random.default_rng([seed, "xWg".index(where)])
    size, kernel, stride, dilation = (
        tuple(rng.integers(low, high, 2).tolist()) for low, high in ((5, 8), (1, 4), (1, 3), (1, 3))
    )
    pads = tuple(map(tuple, rng.integers(0, 3, (2, 2)).tolist()))
    x, W = rng.normal(size=(2, 4, *size)), rng.normal(size=(4, 2, *kernel))
    how = {"stride": stride, "padding": pads, "dilation": dilation, "groups": 2}
    g = rng.normal(size=conv2d(x, W, **how).shape)
    spoilt = {"x": x, "W": W, "g": g}[where]
    spoilt.flat[rng.integers(spoilt.size)] = (np.nan, np.inf, -np.inf)[seed % 3]
    with np.errstate(all="raise"):
        x_bar, W_bar, _ = conv2d_vjp(g, x, W, **how)
    padded = np.pad(x, ((0, 0), (0, 0), *pads))  # the padding is multiplied too
    with np.errstate(all="ignore"):
        (wide, _), (weights, _), _ = sliding.convolution_vjp(
            g, padded, W, stride, ((0, 0),) * 2, dilation, 2
        )
    inside = (slice(a, a + n) for (a, _), n in zip(pads, size, strict=True))
    np.testing.assert_allclose(x_bar, wide[(..., *inside)], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(W_bar, weights, rtol=1e-12, atol=1e-13)
    if where != "g":
        assert np.isfinite(x_bar if where == "x" else W_bar).all()


@pytest.mark.parametrize("conv", [conv1d, conv_transpose1d])
def test_what_half_precision_cannot_hold_is_silent(conv):
    x, W = (np.array([[a]], np.float16) for a in ([1.0, 6e4, 1e-4], [1e-4, 6e4]))
    with np.errstate(all="raise"):
        y = conv(x, W)
    assert y.dtype == np.float16 and np.inf in y


def test_overflow_is_silent_and_infinite():
    with np.errstate(all="raise"):
        assert conv1d([[[1e300, 1e300]]], [[[1e300, 1e300]]]).item() == np.inf
        x_bar, W_bar, _ = conv1d_vjp([[[1e300]]], [[[1e300, 1e300]]], [[[1e300, 1e300]]])
    assert np.isinf(x_bar).all() and np.isinf(W_bar).all()


def test_results_are_new_arrays_and_arguments_stay():
    x, W, b = whole(RNG, (2, 2, 4)), whole(RNG, (2, 2, 1)), np.zeros(2)
    kept = [a.copy() for a in (x, W, b)]
    y = conv1d(x, W, b)
    results = (y, *conv1d_vjp(y, x, W, b))
    for argument, copy in zip((x, W, b), kept, strict=True):
        np.testing.assert_array_equal(argument, copy)
        assert not any(np.shares_memory(argument, r) for r in results)
        assert all(r.flags.owndata or r.base is not argument for r in results)


def test_gradients_without_biases_have_none():
    x, W = whole(RNG, (2, 2, 4)), whole(RNG, (2, 2, 3))
    y = conv1d(x, W)
    assert conv1d_vjp(y, x, W)[2] is None
    assert conv1d_vjp(y, x, W, np.zeros(2))[2] is not None


def peak(work):
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_batch():
    W = np.ones((4, 8, 3, 3), np.float32)

    def beyond(images):
        x = np.ones((images, 8, 32, 32), np.float32)
        g = np.ones((images, 4, 32, 32), np.float32)
        forward = peak(lambda: conv2d(x, W, padding=1)) - g.nbytes
        return forward, peak(lambda: conv2d_vjp(g, x, W, padding=1)) - x.nbytes

    few, many = beyond(8), beyond(64)
    assert max(many) < 4e6
    assert many[0] < few[0] + 1e5 and many[1] < few[1] + 1e5


def test_a_large_image_is_taken_in_lines():
    x, W = np.ones((1, 16, 160, 160), np.float32), np.ones((2, 16, 3, 3), np.float32)
    assert peak(lambda: conv2d(x, W, padding=1)) < 3 * x.nbytes  # all the columns: 9 times


# ------------------------------------------------------------------ how the work is divided


def plan(size, kernel, padding=0, stride=1):
    how = {"stride": stride, "padding": padding, "dilation": 1}
    return _columns.plan_of(windows(size, kernel, **how))


@pytest.mark.parametrize("size", [(8, 8), (100, 100), (700, 30), (20, 3000), (3000,), (9, 30, 30)])
@pytest.mark.parametrize("row", [4, 36, 1000, 40_000])
def test_blocks_cover_all_windows_once_and_fill_the_budget(size, row):
    p = plan(size, (3,) * len(size), padding=1)
    blocks = p.blocks(7, row)
    met = np.zeros((7, size[0]), int)
    for block in blocks:
        met[block.images, block.lines] += 1
        assert block.start == block.lines.start * (p.entries // p.grid[0])
        assert block.length == np.prod(block.shape)
        assert block.length <= blocks[0].length
    assert (met == 1).all()
    limit = max(_columns.BUDGET // row, 512)
    line = p.entries // p.grid[0]
    assert blocks[0].length <= max(limit, line)
    if len(blocks) > 1:  # nothing larger would fit
        unit = p.entries if blocks[0].shape[0] > 1 or p.entries <= limit else line
        assert blocks[0].length + unit > limit or unit > limit


def test_no_images_make_no_blocks():
    assert plan((8, 8), (3, 3)).blocks(0, 36) == []


@pytest.mark.parametrize("length", [1, 16, 17, 255, 256, 1024, 4096, 5000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_start_on_lines_of_cache_but_not_always_on_the_same(length, dtype):
    block = _columns.Block(slice(0, 1), slice(0, 1), 0, (1, length))
    room = _columns._room((2, 3), [block], np.dtype(dtype))
    assert room.shape[:2] == (2, 3) and length <= room.shape[2] < length + 32
    assert room.strides[1] % 64 == 0 and room.strides[1] % 1024


@pytest.mark.parametrize(
    ("area", "length", "pieces"),
    [
        (72, 26912, 2),  # 32 images of 28 x 28, eight filters
        (32 * 144, 1800, 9),  # 8 images of 14 x 14, sixteen channels, thirty-two filters
        (64 * 288, 900, 1),  # the pieces would be thin
        (1000, 1000, 1),
        (1000, 3003, 7),  # four, five and six do not divide
        (1000, 4001, 1),  # nothing does
        (7812, 12800, 100),
        (7813, 12700, 1),
        (0, 10, 1),
    ],
)
def test_products_are_divided_where_small_ones_are_faster(area, length, pieces):
    assert _columns._pieces(area, length) == pieces


@pytest.mark.parametrize("stride", [1, 2])
def test_a_large_layer_in_one_sum(stride):
    rng = np.random.default_rng(8)
    x, W = whole(rng, (9, 12, 20, 18)), whole(rng, (16, 6, 3, 3))
    if stride == 1:  # the products are divided
        assert _columns._pieces(6 * 9 * 8, 9 * plan((20, 18), (3, 3), padding=1).entries) == 3
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))).reshape(9, 2, 6, 22, 20)
    seen = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (3, 4))
    seen = seen[:, :, :, ::stride, ::stride]
    expected = np.einsum("ngchwuv,gocuv->ngohw", seen, W.reshape(2, 8, 6, 3, 3), optimize=True)
    how = {"padding": 1, "groups": 2, "stride": stride}
    y = conv2d(x, W, **how)
    np.testing.assert_array_equal(y, expected.reshape(y.shape))
    g = whole(rng, y.shape)
    x_bar, W_bar, _ = conv2d_vjp(g, x, W, **how)
    by_group = g.reshape(expected.shape)
    summed = np.einsum("ngchwuv,ngohw->gocuv", seen, by_group, optimize=True)
    np.testing.assert_array_equal(W_bar, summed.reshape(W.shape))
    assert np.sum(y * g) == np.sum(x * x_bar) == np.sum(W * W_bar)  # all sums are exact


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_defaults(axes):
    for function in (FORWARD[axes], BACKWARD[axes]):
        signature = inspect.signature(function).parameters.values()
        found = {p.name: p.default for p in signature if p.kind is p.KEYWORD_ONLY}
        assert found == {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.id)
def test_a_wrong_call_is_refused_in_words(bad):
    with pytest.raises(bad.error, match=bad.match):
        bad.call()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1}, {"groups": 2}])
def test_no_gradient_is_computed_that_is_not_needed(axes, dtype, options):
    forward, f_vjp = FORWARD[axes], BACKWARD[axes]
    x, W, b = (
        RNG.normal(size=s).astype(dtype)
        for s in ((3, 4, *[7] * axes), (6, 4 // options.get("groups", 1), *[3] * axes), (6,))
    )
    for arrays in ((x, W), (x, W, b)):
        g = RNG.normal(size=forward(*arrays, **options).shape).astype(dtype)
        hold_each_selection(f_vjp, g, *arrays, **options)
