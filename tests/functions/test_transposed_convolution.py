"""Transposed convolutions: stamps, and the transpose of the convolution of the same options."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbook.functions import (
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
)
from tests.functions import sliding
from tests.functions.test_convolution import whole

FORWARD = {1: conv_transpose1d, 2: conv_transpose2d, 3: conv_transpose3d}
BACKWARD = {1: conv_transpose1d_vjp, 2: conv_transpose2d_vjp, 3: conv_transpose3d_vjp}
CONV = {1: (conv1d, conv1d_vjp), 2: (conv2d, conv2d_vjp), 3: (conv3d, conv3d_vjp)}
RNG = np.random.default_rng(21)


@st.composite
def layers(draw):
    """Draw the options of a layer, and sizes in which something is left of the result."""
    axes = draw(st.integers(1, 3))

    def each(low, high):
        return tuple(draw(st.lists(st.integers(low, high), min_size=axes, max_size=axes)))

    kernel, stride, dilation, count = each(1, 3), each(1, 3), each(1, 3), each(1, 3)
    more = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True))
    pads = []
    for k, s, d, m, e in zip(kernel, stride, dilation, count, more, strict=True):
        whole_size = (m - 1) * s + d * (k - 1) + 1 + e
        before = draw(st.integers(0, min(3, whole_size - 1)))
        pads.append((before, draw(st.integers(0, min(3, whole_size - 1 - before)))))
    groups, images, inputs, outputs = (draw(st.integers(1, 2)) for _ in range(4))
    shapes = (images, inputs * groups, *count), (inputs * groups, outputs, *kernel)
    return shapes, (stride, tuple(pads), more, dilation, groups), draw(st.integers(0, 2**32))


def options(stride, pads, output_padding, dilation, groups):
    return {"stride": stride, "padding": pads, "output_padding": output_padding,
            "dilation": dilation, "groups": groups}  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(layers())
def test_every_option_gives_what_stamping_gives(layer):
    (x_shape, W_shape), how, seed = layer
    rng = np.random.default_rng(seed)
    axes = len(x_shape) - 2
    outputs = W_shape[1] * how[-1]
    x, W, b = whole(rng, x_shape), whole(rng, W_shape), whole(rng, outputs)
    y = FORWARD[axes](x, W, b, **options(*how))
    np.testing.assert_array_equal(y, sliding.transposed(x, W, b, *how))

    stride, pads, more, dilation, groups = how
    g = whole(rng, y.shape)
    x_bar, W_bar, b_bar = BACKWARD[axes](g, x, W, b, **options(*how))
    stamped = [  # the layer is linear in x and in W: its columns are what it makes of units

        sliding.transposed(unit, W, None, stride, pads, more, dilation, groups) for unit in units(x)
    ]
    np.testing.assert_array_equal(x_bar.ravel(), [np.sum(g * s) for s in stamped])
    stamped = [
        sliding.transposed(x, unit, None, stride, pads, more, dilation, groups) for unit in units(W)
    ]
    np.testing.assert_array_equal(W_bar.ravel(), [np.sum(g * s) for s in stamped])
    np.testing.assert_array_equal(b_bar, g.sum(axis=(0, *range(2, g.ndim))))


def units(a):
    """Return the unit arrays of the shape of `a`, one for each entry."""
    found = []
    for i in range(a.size):
        unit = np.zeros(a.shape)
        unit.flat[i] = 1
        found.append(unit)
    return found


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2])
def test_it_is_the_gradient_of_the_convolution(axes, stride):
    conv, conv_vjp = CONV[axes]
    how = {"stride": stride, "padding": 1, "groups": 2}
    x, W = RNG.normal(size=(2, 4, *(6, 5, 7)[:axes])), RNG.normal(size=(6, 2, *(3, 2, 3)[:axes]))
    y = conv(x, W, **how)
    g = RNG.normal(size=y.shape)
    x_bar, _, _ = conv_vjp(g, x, W, **how)
    rest = conv_size_left_over(x.shape[2:], W.shape[2:], stride)
    back = FORWARD[axes](g, W, output_padding=rest, **how)
    np.testing.assert_allclose(back, x_bar, rtol=1e-12, atol=1e-14)

    # and the other way round: its gradients are a convolution and the same sums for the filters
    t = RNG.normal(size=back.shape)
    g_bar, V_bar, _ = BACKWARD[axes](t, g, W, output_padding=rest, **how)
    np.testing.assert_allclose(g_bar, conv(t, W, **how), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(V_bar, conv_vjp(g, t, W, **how)[1], rtol=1e-12, atol=1e-14)
    assert np.sum(y * g) == pytest.approx(np.sum(x * back), rel=1e-12)


def conv_size_left_over(size, kernel, stride):
    return tuple((n + 2 - k) % stride for n, k in zip(size, kernel, strict=True))


@pytest.mark.parametrize("word", ["same", "same_upper", "same_lower"])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_multiplies_the_size_by_the_stride(word, kernel, stride):
    x, W = whole(RNG, (1, 2, 4)), whole(RNG, (2, 3, kernel))
    y = conv_transpose1d(x, W, padding=word, stride=stride)
    assert y.shape == (1, 3, 4 * stride)
    x_bar, _, _ = conv1d_vjp(x, y, W, padding=word, stride=stride)
    np.testing.assert_array_equal(y, x_bar)


def test_valid_is_no_padding_and_axes_differ():
    x, W = whole(RNG, (2, 2, 3, 4)), whole(RNG, (2, 1, 2, 3))
    expected = conv_transpose2d(x, W, stride=(2, 3), padding=((0, 0), (0, 0)))
    np.testing.assert_array_equal(
        conv_transpose2d(x, W, stride=(2, 3), padding="valid", output_padding=(0, 0)), expected
    )
    more = conv_transpose2d(x, W, stride=(2, 3), output_padding=(1, 2))
    assert more.shape == (2, 1, 7, 14)
    np.testing.assert_array_equal(more[:, :, :6, :12], expected)
    assert not more[:, :, 6:].any() and not more[..., 12:].any()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_errors_are_within_the_stated_bound(dtype):
    how = (2, 1), ((1, 0), (0, 1)), (1, 0), (1, 2), 2
    x = (RNG.normal(size=(2, 6, 5, 4)) + 1).astype(dtype)
    W = (RNG.normal(size=(6, 2, 3, 3)) + 1).astype(dtype)
    wide = x.astype(np.longdouble), W.astype(np.longdouble)
    y = sliding.transposed(*wide, None, *how)
    terms = sliding.transposed(*map(abs, wide), None, *how)
    found = conv_transpose2d(x, W, **options(*how))
    assert found.dtype == dtype
    assert (np.abs(found - y) <= np.finfo(dtype).eps * np.sqrt(27) * terms).all()
    gradients = conv_transpose2d_vjp(found, x, W, np.ones(4, dtype), **options(*how))
    assert [a.dtype for a in gradients] == [dtype] * 3


def test_the_common_dtype_wins_and_biases_may_be_missing():
    x, W = np.ones((1, 1, 3), np.float32), np.ones((1, 1, 2), np.float32)
    y = conv_transpose1d(x, W)
    assert y.dtype == np.float32
    assert conv_transpose1d(x, W, [0.5]).dtype == np.float64
    assert conv_transpose1d_vjp(y, x, W)[2] is None
    assert [a.dtype for a in conv_transpose1d_vjp(y.astype(float), x, W)[:2]] == [np.float64] * 2


def test_no_channels_and_no_images():
    assert conv_transpose2d(np.ones((0, 2, 3, 3)), np.ones((2, 4, 2, 2))).shape == (0, 4, 4, 4)
    y = conv_transpose2d(np.ones((1, 0, 3, 3)), np.ones((0, 2, 2, 2)), [1.0, 2.0])
    np.testing.assert_array_equal(y[0, :, 1, 1], [1, 2])
    assert conv_transpose2d(np.ones((1, 2, 3, 3)), np.ones((2, 0, 2, 2))).shape == (1, 0, 4, 4)


def test_a_weight_that_is_no_number_reaches_its_own_entries_alone():
    for value in (np.nan, np.inf):
        x, W = np.ones((1, 1, 2, 3)), np.ones((1, 1, 2, 2))
        W[0, 0, 1, 0] = value
        with np.errstate(all="raise"):
            y = conv_transpose2d(x, W, stride=2)[0, 0]
        expected = np.zeros((4, 6), bool)
        expected[1::2, ::2] = True
        np.testing.assert_array_equal(~np.isfinite(y), expected)


def test_overflow_is_silent():
    with np.errstate(all="raise"):
        y = conv_transpose1d([[[1e300, -1e300]]], [[[1e300, 1e300]]], [1e308])
        conv_transpose1d_vjp(y, [[[1e300, 1e300]]], [[[1e300, 1e300]]], [1.0])
    assert y[0, 0, 0] == np.inf and y[0, 0, 2] == -np.inf and np.isnan(y[0, 0, 1])


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_defaults(axes):
    for function in (FORWARD[axes], BACKWARD[axes], *CONV[axes]):
        signature = inspect.signature(function).parameters.values()
        found = {p.name: p.default for p in signature if p.kind is p.KEYWORD_ONLY}
        assert found.pop("output_padding", 0) == 0
        assert found == {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
