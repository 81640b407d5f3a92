"""Mish: its tail, its extremes, and its definition."""

import numpy as np
import sympy as sp

from nnbook.functions import mish, mish_prime, softplus, tanh
from tests.functions import precision_table
from tests.functions import reference as ref


def test_its_definition():
    z = np.linspace(-30, 30, 601)
    np.testing.assert_allclose(mish(z), z * tanh(softplus(z)), rtol=2e-15)


def test_the_tail_reaches_to_the_last_subnormal():
    assert -1e-320 < mish(-751.0) < 0 == mish(-760.0)
    assert -1e-320 < mish_prime(-751.0) < 0 == mish_prime(-760.0)
    assert not np.signbit(mish(-1e5))


def test_stated_extremes():
    assert mish(-1.1924312145154952).round(7) == -0.3088434
    z = np.linspace(-10, 10, 20001)
    slopes = mish_prime(z)
    assert slopes.max().round(6) == 1.088498 and slopes.min().round(6) == -0.112526
    assert abs(mish_prime(-1.1924312145154952)) < 1e-16
    assert mish_prime(-1.1924322) < 0 < mish_prime(-1.1924302)


def test_values_that_are_known():
    assert mish(0.0) == 0 and mish_prime(0.0) == 0.6
    z = sp.Symbol("z")
    slope = sp.diff(z * sp.tanh(sp.log(1 + sp.exp(z))), z)
    for x in (-4.0, -0.75, 0.5, 3.0):
        value = sp.N(slope.subs(z, sp.Rational(x)), 30)
        assert abs(mish_prime(x) - float(value)) <= 2.3e-16


def test_it_is_the_input_far_on_the_right():
    z = np.array([25.0, 40.0, 1e5, 1e308, np.inf])
    np.testing.assert_array_equal(mish(z), z)
    np.testing.assert_array_equal(mish_prime(z[1:]), 1)
    assert ref.ulps_between(mish(18.0), 18 * ref.mp.tanh(ref.mp.log1p(ref.mp.exp(18)))) <= 1


@precision_table.of("mish")
def test_as_exact_as_the_book_s_table_says(entry):
    precision_table.hold(entry)
