"""GELU and SiLU: true to 2 ulp into the subnormal tail; their slopes, to 2 ulp of a term."""

import numpy as np
import pytest
import sympy as sp

from nnbook.functions import gelu, gelu_prime, silu, silu_prime
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
