"""GELU and SiLU: true to 2 ulp into the subnormal tail; their slopes, to 2 ulp of a term."""

import numpy as np
import pytest
import sympy as sp

from nnbook.functions import gelu, gelu_prime, silu, silu_prime
from tests.functions import precision_table
from tests.functions import reference as ref


def worst(function, truth, z):
    """Return the largest error and where: in ulp of the value, or of the larger of two terms."""
    errors = []
    for x, y in zip(z.tolist(), function(z).tolist(), strict=True):
        terms = ref.exact(truth, x)
        if isinstance(terms, tuple):
            with ref.mp.workdps(80):
                errors.append((ref.ulps_between(y, sum(terms), max(map(abs, terms))), x))
        else:
            errors.append((ref.ulps_between(y, terms), x))
    return max(errors)


@pytest.mark.parametrize(
    ("function", "truth", "near", "bound"),
    [
        (silu, ref.FUNCTIONS["silu"], 760.0, 1.5),
        (gelu, ref.FUNCTIONS["gelu"], 39.5, 2),
        (lambda z: gelu(z, approximate="tanh"), ref.gelu_tanh, 23.0, 2),
        (silu_prime, ref.silu_prime_terms, 760.0, 2),
        (gelu_prime, ref.gelu_prime_terms, 39.5, 2),
        (lambda z: gelu_prime(z, approximate="tanh"), ref.gelu_tanh_prime_terms, 23.0, 2),
    ],
    ids=["silu", "gelu", "gelu_tanh", "silu_prime", "gelu_prime", "gelu_tanh_prime"],
)
def test_within_its_bound_of_the_value_at_50_digits(function, truth, near, bound):
    z = ref.points(near, seed=8, size=400)
    assert worst(function, truth, z) <= (bound, np.inf)
    tail = -np.linspace(0.93 * near, near, 200)
    assert worst(function, truth, tail) <= (bound, np.inf)
    assert worst(function, truth, -tail) <= (bound, np.inf)


@pytest.mark.parametrize(
    ("function", "z"),
    [(silu, -751.0), (gelu, -38.46), (lambda z: gelu(z, "tanh"), -21.5), (silu_prime, -751.0)],
)
def test_the_tail_reaches_to_the_last_subnormal(function, z):
    assert -1e-320 < function(z) < 0
    assert function(1.02 * z) == 0


def test_the_zero_of_each_slope_is_where_it_is():
    zeros = [(silu_prime, -1.2784645427610738), (gelu_prime, -0.7517915246935645)]
    for slope, zero in zeros:
        assert abs(slope(zero)) < 1e-16
        assert slope(zero - 1e-6) < 0 < slope(zero + 1e-6)


def test_stated_extremes():
    assert silu(-1.2784645427610738).round(7) == -0.2784645
    assert gelu(-0.7517915246935645).round(7) == -0.1699712
    assert gelu_prime(np.sqrt(2)).round(7) == 1.1289041
    assert gelu_prime(-np.sqrt(2)).round(7) == -0.1289041
    z = np.linspace(-10, 10, 20001)
    assert silu_prime(z).max().round(7) == 1.0998393 and silu_prime(z).min().round(7) == -0.0998393
    assert np.abs(gelu(z) - gelu(z, "tanh")).max() <= 0.000474


@pytest.mark.parametrize(
    ("function", "formula"),
    [
        (silu_prime, lambda z: z / (1 + sp.exp(-z))),
        (gelu_prime, lambda z: z * (1 + sp.erf(z / sp.sqrt(2))) / 2),
        (
            lambda z: gelu_prime(z, "tanh"),
            lambda z: (
                z / (1 + sp.exp(-sp.sqrt(8 / sp.pi) * (z + sp.Rational(44715, 10**6) * z**3)))
            ),
        ),
    ],
    ids=["silu", "gelu", "gelu_tanh"],
)
def test_prime_is_sympys_derivative(function, formula):
    z = sp.Symbol("z", real=True)
    slope = sp.lambdify(z, sp.diff(formula(z), z), "mpmath")
    for x in (-5.0, -1.0, -0.2, 0.3, 1.4, 6.0):
        assert abs(float(function(x)) - float(ref.exact(slope, x))) <= 4.5e-16


@pytest.mark.parametrize("options", [{}, {"approximate": "tanh"}])
def test_gelu_and_its_reflection(options):
    z = np.linspace(0, 12, 500)
    np.testing.assert_allclose(gelu(z, **options) - gelu(-z, **options), z, rtol=2e-16, atol=0)
    np.testing.assert_allclose(
        gelu_prime(z, **options) + gelu_prime(-z, **options), 1, rtol=2e-16, atol=0
    )


@pytest.mark.parametrize("beta", [1e-270, 2.0**-30, 0.5, 3.3, 1e5, 1e270])
def test_silu_at_every_steepness(beta):
    for u in (-745.3, -700.1, -3.7, -1e-9, 0.25, 36.5, 720.0):
        z = u / beta
        with ref.mp.workdps(60):
            x = ref.mp.mpf(beta) * ref.mp.mpf(z)
            value = ref.mp.mpf(z) * ref.sigma(x)
            terms = ref.silu_prime_terms(x)
            scale = max(map(abs, terms))
            assert ref.ulps_between(silu(z, beta), value) <= 1.5
            assert ref.ulps_between(silu_prime(z, beta), sum(terms), scale) <= 2
            assert ref.ulps_between(silu(-z, -beta), -value) <= 1.5
            assert ref.ulps_between(silu_prime(-z, -beta), sum(terms), scale) <= 2


@pytest.mark.parametrize(
    ("beta", "values", "slopes"),
    [
        (1.0, [0, np.inf], [0, 1]),
        (2.5, [0, np.inf], [0, 1]),
        (1e-270, [0, np.inf], [0, 1]),
        (0.0, [-np.inf, np.inf], [0.5, 0.5]),
        (-2.5, [-np.inf, 0], [1, 0]),
    ],
)
def test_silu_comes_to_its_limits_at_infinity(beta, values, slopes):
    assert silu([-np.inf, np.inf], beta).tolist() == values
    assert silu_prime([-np.inf, np.inf], beta).tolist() == slopes
    assert np.isnan(silu(np.nan, beta)) and np.isnan(silu_prime(np.nan, beta))


def test_silu_between_half_the_input_and_relu():
    z = np.linspace(-9, 9, 101)
    np.testing.assert_array_equal(silu(z, 0), z / 2)
    np.testing.assert_allclose(silu(z, 1e9), np.maximum(z, 0), atol=1e-9)
    np.testing.assert_allclose(2.5 * silu(z, 2.5), silu(2.5 * z), rtol=2e-15)
    np.testing.assert_allclose(silu_prime(z, 2.5), silu_prime(2.5 * z), rtol=1e-13, atol=2e-16)
    np.testing.assert_array_equal(silu(z, np.float32(1)), silu(z))


@pytest.mark.parametrize("function", [silu, silu_prime])
@pytest.mark.parametrize("beta", [1.1e270, -1.1e270, 0.9e-270, 5e-324])
def test_a_steepness_beyond_its_limits_is_refused(function, beta):
    with pytest.raises(ValueError, match="beta must be 0 or of magnitude 1e-270 to 1e270, got"):
        function(1.0, beta)


def test_swish_is_a_second_name():
    from nnbook.functions import swish, swish_prime

    assert swish is silu and swish_prime is silu_prime


def test_silu_and_its_reflection():
    z = np.linspace(0, 60, 500)
    np.testing.assert_allclose(silu(z) - silu(-z), z, rtol=2e-16, atol=0)
    np.testing.assert_allclose(silu_prime(z) + silu_prime(-z), 1, rtol=2e-16, atol=0)


@pytest.mark.parametrize("function", [gelu, gelu_prime])
@pytest.mark.parametrize("bad", ["erf", True, None, ("tanh",)])
def test_an_unknown_form_is_refused(function, bad):
    with pytest.raises(ValueError, match='approximate must be "none" or "tanh", got '):
        function(1.0, approximate=bad)


@pytest.mark.skipif(np.dtype(np.longdouble) == np.float64, reason="longdouble is no wider here")
def test_gelu_says_that_it_has_no_longdouble():
    for function in (gelu, gelu_prime):
        with pytest.raises(TypeError, match=r"gelu knows the Gaussian tail in float64 only"):
            function(np.longdouble(1))
        assert function(np.longdouble(1), "tanh").dtype == np.longdouble


def test_the_same_from_every_thread():
    from concurrent.futures import ThreadPoolExecutor

    z = np.linspace(-40, 40, 20_000)
    expected = gelu(z)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(gelu, [z] * 8):
            np.testing.assert_array_equal(found, expected)


@precision_table.of("gated")
def test_as_exact_as_the_book_s_table_says(entry):
    precision_table.hold(entry)
