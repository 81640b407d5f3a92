"""ELU, SELU and CELU: their parameters, kinks, limits, and the identities that tie them."""

import numpy as np
import pytest
import sympy as sp

from nnbook.functions import celu, celu_prime, elu, elu_prime, relu, selu, selu_prime
from tests.functions import precision, precision_table
from tests.functions import reference as ref

Z = np.concatenate([np.linspace(-40, 3, 87), [-1e308, -750.0, -1e-9, -5e-324, 0.0, 5e-324, 1e308]])
LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543772


def test_the_slope_at_the_kink_is_the_left_one():
    assert elu_prime([-0.0, 0.0, 5e-324], alpha=0.5).tolist() == [0.5, 0.5, 1]
    assert selu_prime([0.0, 5e-324]).tolist() == [1.7580993408473768, LAMBDA]
    assert celu_prime([0.0, 5e-324], alpha=0.5).tolist() == [1, 1]


@pytest.mark.parametrize("alpha", [1.0, 0.25, 8.0])
def test_celu_is_elu_on_another_scale(alpha):
    z = Z[(np.abs(Z) < 1e3) & (np.abs(Z) > 1e-300)]
    np.testing.assert_array_equal(celu(z, alpha), alpha * elu(z / alpha))
    np.testing.assert_array_equal(celu_prime(z, alpha), elu_prime(z / alpha))


def test_selu_is_a_scaled_elu():
    z = Z[np.abs(Z) < 1e300]
    np.testing.assert_allclose(selu(z), LAMBDA * elu(z, ALPHA), rtol=6e-16, atol=1e-323)
    np.testing.assert_allclose(
        selu_prime(z)[z < 0], LAMBDA * elu_prime(z, ALPHA)[z < 0], rtol=6e-16
    )


def test_selu_overflows_where_its_value_does():
    largest = np.finfo(float).max
    assert selu(largest) == np.inf and selu(np.inf) == np.inf
    assert selu(1.7109e308) < np.inf == selu(1.7111e308)


def test_selu_keeps_mean_0_and_variance_1():
    nodes, weights = np.polynomial.hermite_e.hermegauss(300)
    weights = weights / weights.sum()
    y = selu(nodes)
    assert abs(weights @ y) < 1e-3 and abs(weights @ y**2 - 1) < 3e-3
    fine = np.linspace(-40, 40, 800_001)
    density = np.exp(-fine * fine / 2) * (fine[1] - fine[0]) / np.sqrt(2 * np.pi)
    assert abs(density @ selu(fine)) < 1e-9 and abs(density @ selu(fine) ** 2 - 1) < 1e-9


@pytest.mark.parametrize("alpha", [0.0, -0.7, 1e308, 5e-324])
def test_any_finite_alpha_of_elu(alpha):
    z = np.array([-np.inf, -800.0, -1.0, 0.0, 2.0, np.inf])
    assert elu(z, alpha)[[0, 4, 5]].tolist() == [-alpha, 2, np.inf]
    assert elu_prime(z, alpha)[[0, 3, 4]].tolist() == [0, alpha, 1]
    assert ref.ulps_between(elu(-1.0, 1e308), 1e308 * ref.mp.expm1(-1)) <= 1.5
    assert np.isnan(elu(np.nan, alpha)) and np.isnan(elu_prime(np.nan, alpha))


def test_a_large_alpha_lifts_the_slope_out_of_the_subnormal_numbers():
    with ref.mp.workdps(30):
        value = ref.mp.mpf(1e300) * ref.mp.exp(-745)
    assert ref.ulps_between(elu_prime(-745.0, 1e300), value) <= 1.5


@pytest.mark.parametrize("alpha", [1e-270, 3e-5, 0.1, 7.3, 1e5, 1e270])
def test_celu_at_every_scale(alpha):
    for x in (-1e308, -1e-320, -1.0, -700.3 * alpha, -0.01 * alpha, -1e-8 * alpha, -1e-9 * alpha):
        scale = ref.mp.mpf(alpha)
        with ref.mp.workdps(60):
            value = scale * ref.mp.expm1(ref.mp.mpf(x) / scale)
            slope = ref.mp.exp(ref.mp.mpf(x) / scale)
        assert ref.ulps_between(celu(x, alpha), value) <= 1.5
        assert ref.ulps_between(celu_prime(x, alpha), slope) <= 1.5
    assert celu([-np.inf, np.inf], alpha).tolist() == [-alpha, np.inf]
    assert celu_prime([-np.inf, np.inf], alpha).tolist() == [0, 1]


def test_celu_of_a_small_scale_is_relu():
    np.testing.assert_allclose(celu(Z, 1e-270), relu(Z), atol=1e-270)


@pytest.mark.parametrize(
    ("function", "slope", "formula"),
    [
        (elu, elu_prime, lambda z: 3 * (sp.exp(z) - 1) / 4),
        (celu, celu_prime, lambda z: 3 * (sp.exp(4 * z / 3) - 1) / 4),
    ],
)
def test_prime_is_sympys_derivative_on_the_left(function, slope, formula):
    z = sp.Symbol("z", real=True)
    value = sp.lambdify(z, formula(z), "mpmath")
    derivative = sp.lambdify(z, sp.diff(formula(z), z), "mpmath")
    for x in (-20.0, -1.5, -0.125, -(2.0**-40)):
        assert ref.ulps_between(function(x, 0.75), ref.exact(value, x)) <= 1.5
        assert ref.ulps_between(slope(x, 0.75), ref.exact(derivative, x)) <= 1.5


@pytest.mark.parametrize("name", ["elu", "selu", "celu", "celu(alpha=0.37)", "elu(alpha=0.7)"])
def test_near_0_and_where_the_table_of_exponentials_begins(name):
    entry = precision.BY_NAME[name]
    step = np.log(2) / 64
    for centre in (0.0, step / 2, step, 1.5 * step, 33.5 * step):
        z = -(centre + np.linspace(-1e-3, 1e-3, 41) * (centre or 1))
        for x in z[z <= 0].tolist():
            (value,) = precision.terms(entry, x)
            assert ref.ulps_between(entry.ours(x), value) <= entry.bound


@precision_table.of("exponential_units")
def test_as_exact_as_the_book_s_table_says(entry):
    precision_table.hold(entry)


def test_celu_near_0_is_as_exact_in_longdouble():
    z = -np.geomspace(1e-12, 1e-7, 60).astype(np.longdouble)
    eps = np.finfo(np.longdouble).eps
    for alpha in (1.0, 0.5):
        x = z / alpha
        exact = z * (1 + x / 2 * (1 + x / 3 * (1 + x / 4)))
        assert np.max(np.abs(celu(z, alpha) / exact - 1)) <= 4 * eps
