"""The identity, ReLU and its leaky forms: exact, with the derivative at the kink chosen."""

import numpy as np
import pytest

from nnbook.functions import (
    identity,
    identity_prime,
    leaky_relu,
    leaky_relu_prime,
    prelu,
    prelu_vjp,
    relu,
    relu_prime,
)
from tests.functions import precision_table

Z = np.array([-np.inf, -1e308, -2.0, -5e-324, -0.0, 0.0, 5e-324, 3.0, 1e308, np.inf])


def test_relu_is_exact():
    assert relu(Z).tolist() == [0, 0, 0, 0, 0, 0, 5e-324, 3, 1e308, np.inf]


def test_relu_prime_is_0_at_the_kink():
    assert relu_prime(Z).tolist() == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]


def test_identity_is_a_copy_with_slope_1():
    assert identity(Z).tolist() == Z.tolist()
    assert identity_prime(Z).tolist() == [1] * len(Z)


def test_leaky_relu_takes_the_left_slope_at_the_kink():
    z = [-2.0, 0.0, 2.0]
    assert leaky_relu(z).tolist() == [-0.02, 0, 2]
    assert leaky_relu_prime(z).tolist() == [0.01, 0.01, 1]
    assert leaky_relu(z, 0.5).tolist() == [-1, 0, 2]
    assert leaky_relu_prime(z, negative_slope=0.5).tolist() == [0.5, 0.5, 1]


@pytest.mark.parametrize("slope", [0, 0.0])
def test_a_leak_of_0_is_relu_at_infinity_too(slope):
    np.testing.assert_array_equal(leaky_relu(Z, slope), relu(Z))
    np.testing.assert_array_equal(leaky_relu_prime(Z, slope), relu_prime(Z))
    assert np.isnan(leaky_relu(np.nan, slope))


def test_a_leak_of_1_is_the_identity():
    np.testing.assert_array_equal(leaky_relu(Z, 1), Z)


@pytest.mark.parametrize("scale", [0.0, 2.0**-30, 8.0])
def test_rectifiers_are_positively_homogeneous(scale):
    z = np.random.default_rng(3).normal(size=100)
    np.testing.assert_array_equal(relu(scale * z), scale * relu(z))
    np.testing.assert_array_equal(leaky_relu(scale * z, 0.25), scale * leaky_relu(z, 0.25))


@pytest.mark.parametrize("f", [leaky_relu, leaky_relu_prime])
@pytest.mark.parametrize(
    ("slope", "error", "message"),
    [
        (np.nan, ValueError, "negative_slope must be finite, got nan"),
        (np.inf, ValueError, "negative_slope must be finite, got inf"),
        ("0.1", TypeError, "negative_slope must be a single real number, got '0.1'"),
        ([0.1, 0.2], TypeError, r"negative_slope must be a single real number, got \[0.1, 0.2\]"),
        (1j, TypeError, "negative_slope must be a single real number"),
        (None, TypeError, "negative_slope must be a single real number, got None"),
    ],
)
def test_a_slope_that_is_not_a_finite_number_is_refused(f, slope, error, message):
    with pytest.raises(error, match=message):
        f(1.0, slope)
    with pytest.raises(error, match=message):
        f(np.zeros(0), slope)


IMAGES = np.random.default_rng(8).normal(size=(2, 3, 4, 5))
SLOPES = np.array([0.5, 0.0, -0.25])


@pytest.mark.parametrize("slope", [0.25, 0.0, -2.0])
def test_prelu_with_one_slope_is_leaky_relu(slope):
    np.testing.assert_array_equal(prelu(Z, slope), leaky_relu(Z, slope))
    g = np.arange(1.0, len(Z) + 1)
    z_bar, _ = prelu_vjp(g, Z, slope)
    np.testing.assert_array_equal(z_bar, g * leaky_relu_prime(Z, slope))


def test_prelu_takes_each_channel_s_own_slope():
    out = prelu(IMAGES, SLOPES)
    g = np.random.default_rng(9).normal(size=IMAGES.shape)
    z_bar, alpha_bar = prelu_vjp(g, IMAGES, SLOPES)
    for c, slope in enumerate(SLOPES):
        z = IMAGES[:, c]
        np.testing.assert_array_equal(out[:, c], leaky_relu(z, slope))
        np.testing.assert_array_equal(z_bar[:, c], g[:, c] * leaky_relu_prime(z, slope))
        np.testing.assert_allclose(alpha_bar[c], np.sum(g[:, c] * np.minimum(z, 0)), rtol=1e-14)
    last = np.moveaxis(IMAGES, 1, -1)
    np.testing.assert_array_equal(prelu(last, SLOPES, channel_axis=-1), np.moveaxis(out, 1, -1))
    moved = prelu_vjp(np.moveaxis(g, 1, -1), last, SLOPES, channel_axis=-1)
    np.testing.assert_array_equal(moved[0], np.moveaxis(z_bar, 1, -1))
    np.testing.assert_allclose(moved[1], alpha_bar, rtol=1e-13)


def test_prelu_at_its_kink_takes_the_left_slope_and_learns_nothing():
    z_bar, alpha_bar = prelu_vjp([2.0, 2.0], [0.0, -0.0], 0.25)
    assert z_bar.tolist() == [0.5, 0.5] and alpha_bar == 0


def test_prelu_keeps_dtypes_and_returns_numbers_for_numbers():
    for dtype in (np.float16, np.float32, np.float64, np.longdouble):
        z, alpha = IMAGES.astype(dtype), SLOPES.astype(np.float32)
        assert prelu(z, 0.1).dtype == prelu(z, SLOPES).dtype == dtype
        z_bar, alpha_bar = prelu_vjp(np.ones_like(z), z, alpha)
        assert (z_bar.dtype, alpha_bar.dtype, alpha_bar.shape) == (dtype, np.float32, (3,))
    narrow = IMAGES.astype(np.float32)
    exact = prelu(narrow.astype(float), 0.1).astype(np.float32)
    np.testing.assert_array_equal(prelu(narrow, 0.1), exact)
    assert isinstance(prelu(-2.0, 0.5), np.float64) and prelu(-2, 0.5) == -1
    assert isinstance(prelu_vjp(1.0, -2.0, 0.5)[1], np.float64)
    z_bar, alpha_bar = prelu_vjp(np.ones((0, 3)), np.ones((0, 3)), SLOPES)
    assert z_bar.shape == (0, 3) and alpha_bar.tolist() == [0, 0, 0]


def test_prelu_sums_its_gradient_in_float64():
    z = np.full((1, 1, 200_000), np.float32(-0.1))
    alpha_bar = prelu_vjp(np.ones_like(z), z, np.ones(1, np.float32))[1]
    assert alpha_bar == np.float32(200_000 * float(np.float32(-0.1)))


@pytest.mark.parametrize("z", [Z, np.array([np.nan, 1.0])])
def test_prelu_is_silent_and_passes_nan_on(z):
    with np.errstate(all="raise"):
        out = prelu(z, 1e308)
        prelu_vjp(np.full_like(z, 1e308), z, 1e308)
    np.testing.assert_array_equal(np.isnan(out), np.isnan(z))


@pytest.mark.parametrize(
    ("alpha", "hint"),
    [
        (np.ones(1), r"its shape is \(1,\); for one slope for all pass alpha\.item\(\)$"),
        (np.ones((1, 1)), r"pass alpha\.item\(\)$"),
        (np.ones(2), r"its shape is \(2,\); axis 0 has that length, see channel_axis$"),
        (np.ones(7), r"its shape is \(7,\)$"),
        (np.ones((2, 3)), r"its shape is \(2, 3\)$"),
        (np.ones(0), r"its shape is \(0,\)$"),
    ],
)
def test_slopes_that_fit_no_channel_are_refused(alpha, hint):
    with pytest.raises(ValueError, match=r"alpha must be .* 3 channels of z along axis 1.*" + hint):
        prelu(IMAGES, alpha)
    with pytest.raises(ValueError, match="alpha must be a number, or hold one slope for each"):
        prelu_vjp(IMAGES, IMAGES, alpha)


@precision_table.of("rectifiers")
def test_as_exact_as_the_book_s_table_says(entry):
    precision_table.hold(entry)


def test_a_slope_without_bound_leaves_the_right_side_alone():
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(prelu([2.0, -2.0], np.inf), [2.0, -np.inf])
        np.testing.assert_array_equal(prelu([2.0, -2.0], np.nan), [2.0, np.nan])
        z_bar, _ = prelu_vjp([3.0, 3.0], [2.0, -2.0], np.inf)
        np.testing.assert_array_equal(z_bar, [3.0, np.inf])


def test_nan_is_on_neither_side_of_prelu_s_kink():
    z_bar, alpha_bar = prelu_vjp([1.0, 1.0], [np.nan, -2.0], 0.5)
    np.testing.assert_array_equal(z_bar, [np.nan, 0.5])
    assert np.isnan(alpha_bar)
