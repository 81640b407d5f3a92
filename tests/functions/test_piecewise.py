"""Softsign, the hard sigmoid and the hard swish: kinks, ends, and exact values."""

import numpy as np
import pytest

from nnbook.functions import (
    hard_sigmoid,
    hard_sigmoid_prime,
    hard_swish,
    hard_swish_prime,
    softsign,
    softsign_prime,
)
from tests.functions import precision_table

INSIDE = np.nextafter(3, 0)
Z = [-np.inf, -1e308, -3.0, -INSIDE, -1.5, 0.0, 1.5, INSIDE, 3.0, 1e308, np.inf]


def test_the_hard_sigmoid_is_0_to_minus_3_and_1_from_3():
    found = hard_sigmoid(Z)
    assert found[[0, 1, 2, 5, 8, 9, 10]].tolist() == [0, 0, 0, 0.5, 1, 1, 1]
    assert found[3] == (3 - INSIDE) / 6 > 0 and found[4] == 0.25 and found[6] == 0.75


def test_the_hard_sigmoid_has_the_outer_slope_at_its_kinks():
    assert hard_sigmoid_prime(Z).tolist() == [0, 0, 0, *[1 / 6] * 5, 0, 0, 0]


def test_the_hard_swish_is_0_to_minus_3_and_the_input_from_3():
    found = hard_swish(Z)
    assert found[[0, 1, 2, 4, 5, 8, 9, 10]].tolist() == [0, 0, 0, -0.375, 0, 3, 1e308, np.inf]
    assert not np.signbit(found[:3]).any()
    z = np.random.default_rng(0).uniform(3, 1e6, 1000)
    np.testing.assert_array_equal(hard_swish(z), z)


def test_the_hard_swish_has_the_outer_slope_at_its_kinks():
    found = hard_swish_prime(Z)
    assert found[[0, 1, 2, 4, 5, 6, 8, 9, 10]].tolist() == [0, 0, 0, 0, 0.5, 1, 1, 1, 1]
    np.testing.assert_allclose(found[[3, 7]], [-0.5, 1.5], rtol=1e-15)


def test_the_hard_swish_is_the_input_times_the_hard_sigmoid():
    z = np.random.default_rng(1).uniform(-5, 5, 1000)
    np.testing.assert_allclose(hard_swish(z), z * hard_sigmoid(z), rtol=4e-16)
    rule = hard_sigmoid(z) + z * hard_sigmoid_prime(z)
    np.testing.assert_allclose(hard_swish_prime(z), rule, rtol=1e-14, atol=2e-16)


def test_softsign_is_odd_and_its_slope_even():
    z = np.random.default_rng(2).normal(size=1000) * 50
    np.testing.assert_array_equal(softsign(-z), -softsign(z))
    np.testing.assert_array_equal(softsign_prime(-z), softsign_prime(z))
    np.testing.assert_allclose(softsign_prime(z), (1 - np.abs(softsign(z))) ** 2, rtol=1e-12)


@pytest.mark.parametrize("z", [1e150, 2.0**511, 1e155, 1e160, 4e161])
def test_the_slope_of_softsign_fades_into_the_subnormal_numbers(z):
    assert softsign_prime(z) == 1 / z / z > 0
    assert softsign_prime(1e162) == softsign_prime(np.inf) == 0
    assert softsign([-1e308, 1e308, np.inf]).tolist() == [-1, 1, 1]
    assert softsign(-5e-324) == -5e-324 and softsign_prime(5e-324) == 1


@precision_table.of("piecewise")
def test_as_exact_as_the_book_s_table_says(entry):
    precision_table.hold(entry)
