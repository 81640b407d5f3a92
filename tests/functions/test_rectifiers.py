"""The identity, ReLU and leaky ReLU: exact, with the derivative at the kink chosen."""

import numpy as np
import pytest

from nnbook.functions import (
    identity,
    identity_prime,
    leaky_relu,
    leaky_relu_prime,
    relu,
    relu_prime,
)

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
