"""Group and instance normalisation: what they are in terms of layer normalisation."""

import numpy as np
import pytest

from nnbook.functions import (
    group_norm,
    group_norm_vjp,
    instance_norm,
    instance_norm_vjp,
    layer_norm,
    layer_norm_vjp,
)

RNG = np.random.default_rng(19)
X, G = RNG.normal(size=(3, 6, 4, 5)) + 1, RNG.normal(size=(3, 6, 4, 5))
GAIN, SHIFT = RNG.normal(size=6), RNG.normal(size=6)


def by_hand(x, groups, eps):
    y = np.empty_like(x)
    size = x.shape[1] // groups
    for n in range(len(x)):
        for k in range(groups):
            part = x[n, k * size : (k + 1) * size]
            y[n, k * size : (k + 1) * size] = (part - part.mean()) / np.sqrt(part.var() + eps)
    return y


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_every_group_has_its_own_statistics(groups):
    expected = by_hand(X, groups, 0.1)
    np.testing.assert_allclose(group_norm(X, groups=groups, eps=0.1), expected, rtol=1e-12)
    found = group_norm(X, GAIN, SHIFT, groups=groups, eps=0.1)
    gain, shift = GAIN.reshape(6, 1, 1), SHIFT.reshape(6, 1, 1)
    np.testing.assert_allclose(found, gain * expected + shift, rtol=1e-11, atol=1e-13)


def test_one_group_is_a_layer_normalisation():
    axes = (1, 2, 3)
    np.testing.assert_allclose(group_norm(X, groups=1), layer_norm(X, axis=axes), rtol=1e-14)
    np.testing.assert_allclose(
        group_norm_vjp(G, X, groups=1)[0], layer_norm_vjp(G, X, axis=axes)[0], rtol=1e-10
    )


def test_a_group_for_each_channel_is_instance_norm():
    np.testing.assert_array_equal(
        group_norm(X, GAIN, SHIFT, groups=6), instance_norm(X, GAIN, SHIFT)
    )
    for eps in (1e-5, 2.0):
        expected = layer_norm(X, axis=(2, 3), eps=eps)
        np.testing.assert_allclose(instance_norm(X, eps=eps), expected, rtol=1e-14)
    pairs = zip(
        group_norm_vjp(G, X, GAIN, SHIFT, groups=6, eps=0.2),
        instance_norm_vjp(G, X, GAIN, SHIFT, eps=0.2),
        strict=True,
    )
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)


def test_the_defaults_of_epsilon_are_one_hundred_thousandth():
    x = np.array([[[-1.0, 1.0]]])
    for y in (instance_norm(x), group_norm(x, groups=1)):
        assert y[0, 0, 1] == pytest.approx(1 / np.sqrt(1 + 1e-5), rel=1e-15)
    slope = 1e-5 / (1 + 1e-5) ** 1.5
    for x_bar in (instance_norm_vjp(x, x)[0], group_norm_vjp(x, x, groups=1)[0]):
        assert x_bar[0, 0, 1] == pytest.approx(slope, rel=1e-9)


def test_gradients_of_gain_and_shift_belong_to_channels():
    x_bar, gain_bar, shift_bar = group_norm_vjp(G, X, GAIN, SHIFT, groups=3)
    np.testing.assert_allclose(gain_bar, np.sum(G * group_norm(X, groups=3), (0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(shift_bar, G.sum((0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(x_bar.reshape(3, 3, -1).sum(-1), 0, atol=1e-13)
    assert group_norm_vjp(G, X, groups=3)[1:] == (None, None)
    assert instance_norm_vjp(G, X, None, SHIFT)[1] is None


def test_the_gain_weighs_the_cotangent_of_its_channel():
    gain = GAIN.reshape(6, 1, 1)
    found = group_norm_vjp(G, X, GAIN, groups=3)[0]
    np.testing.assert_allclose(found, group_norm_vjp(G * gain, X, groups=3)[0], rtol=1e-12)


def test_one_entry_is_its_own_mean():
    x = RNG.normal(size=(2, 3))
    np.testing.assert_array_equal(group_norm(x, None, [1.0, 2.0, 3.0], groups=3), [[1, 2, 3]] * 2)
    assert not group_norm_vjp(x, x, groups=3)[0].any()
    assert not instance_norm(x[..., np.newaxis]).any()


def test_rows_of_channels_without_positions():
    x = RNG.normal(size=(4, 6))
    expected = layer_norm(x.reshape(4, 3, 2)).reshape(4, 6)
    np.testing.assert_allclose(group_norm(x, groups=3), expected, rtol=1e-14)


@pytest.mark.parametrize("shape", [(0, 4, 3), (3, 4, 0), (3, 0, 4), (0, 4)])
def test_empty_axes_give_empty_results(shape):
    x = np.zeros(shape)
    assert group_norm(x, groups=2).shape == shape
    x_bar, gain_bar, shift_bar = group_norm_vjp(
        x, x, np.ones(shape[1]), np.ones(shape[1]), groups=2
    )
    assert x_bar.shape == shape
    assert gain_bar.tolist() == shift_bar.tolist() == [0.0] * shape[1]
    if len(shape) > 2:
        assert instance_norm(x).shape == shape


def test_dtypes_are_kept():
    x, gain, g = (a.astype(np.float32) for a in (X, GAIN, G))
    assert group_norm(x, gain, groups=2).dtype == np.float32
    assert instance_norm(x).dtype == np.float32
    assert all(a.dtype == np.float32 for a in group_norm_vjp(g, x, gain, gain, groups=2))
    assert all(a.dtype == np.float64 for a in instance_norm_vjp(G, x, gain, gain))


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="6 channels, and groups=4"):
        group_norm(X, groups=4)
    with pytest.raises(ValueError, match=r"x must have shape \(N, C\)"):
        group_norm(X[0, :, 0, 0], groups=2)
    for shape in ((6,), (3, 6)):
        with pytest.raises(ValueError, match=r"x must have shape \(N, C, d1, ...\)"):
            instance_norm(np.ones(shape))
    with pytest.raises(ValueError, match="g and x must have the same shape"):
        group_norm_vjp(G[:1], X, groups=2)
    with pytest.raises(ValueError, match=r"gain must have shape \(6,\), one entry a channel"):
        group_norm(X, GAIN[:2], groups=2)
