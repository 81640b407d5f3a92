"""What holds for every activation: limits, dtypes, shapes, silence, names. Ulp: test_precision."""

import warnings

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

import nnbook.functions as nf
from nnbook.functions import ACTIVATIONS, get_activation
from tests.functions import precision_table
from tests.functions import reference as ref
from tests.functions.precision import ENTRIES, as_mpf

EVERY = [f for pair in ACTIVATIONS.values() for f in pair]
Z = np.array([-2.75, -0.5, -1e-3, 1e-3, 0.5, 2.75])


def test_sigmoid_prime_is_sympys_derivative():
    z = sp.Symbol("z", real=True)
    slope = sp.lambdify(z, sp.diff(1 / (1 + sp.exp(-z)), z), "mpmath")
    for x in Z:
        assert ref.ulps_between(nf.sigmoid_prime(x), ref.exact(slope, x)) <= 1.5


@pytest.mark.parametrize(
    ("name", "formula"),
    [("tanh", sp.tanh), ("softplus", lambda z: sp.log(1 + sp.exp(z))), ("identity", lambda z: z)],
)
def test_prime_is_sympys_derivative(name, formula):
    z = sp.Symbol("z", real=True)
    slope = sp.lambdify(z, sp.diff(formula(z), z), "mpmath")
    for x in Z:
        assert ref.ulps_between(ACTIVATIONS[name][1](x), ref.exact(slope, x)) <= 2


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_prime_is_the_slope_by_central_differences(name):
    f, f_prime = ACTIVATIONS[name]
    h = 6e-6
    slope = (f(Z + h) - f(Z - h)) / (2 * h)
    np.testing.assert_allclose(f_prime(Z), slope, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "left", "right"),
    [
        ("identity", -np.inf, np.inf),
        ("relu", 0, np.inf),
        ("leaky_relu", -np.inf, np.inf),
        ("sigmoid", 0, 1),
        ("tanh", -1, 1),
        ("softplus", 0, np.inf),
        ("gelu", 0, np.inf),
        ("silu", 0, np.inf),
        ("elu", -1, np.inf),
        ("selu", -1.7580993408473768, np.inf),
        ("celu", -1, np.inf),
        ("mish", 0, np.inf),
        ("softsign", -1, 1),
        ("hard_sigmoid", 0, 1),
        ("hard_swish", 0, np.inf),
    ],
)
def test_limits_at_infinity_are_exact(name, left, right):
    f, f_prime = ACTIVATIONS[name]
    assert f([-np.inf, np.inf]).tolist() == [left, right]
    slopes = {"identity": [1, 1], "leaky_relu": [0.01, 1], "selu": [0, 1.0507009873554805]}
    slopes |= {bounded: [0, 0] for bounded in ("sigmoid", "tanh", "softsign", "hard_sigmoid")}
    assert f_prime([-np.inf, np.inf]).tolist() == slopes.get(name, [0, 1])
    huge = np.finfo(float).max
    if name != "selu":  # whose slope of 1.05 leads out of float64
        assert f(huge) == (huge if right == np.inf else right)
    assert f(-huge) == (f([-huge])[0] if left == -np.inf else left)


@pytest.mark.parametrize("f", EVERY, ids=lambda f: f.__name__)
def test_nan_in_gives_nan_out_and_nothing_else_does(f):
    out = f([np.nan, -np.inf, -1e308, -745.2, -38.6, 0.0, 38.6, 745.2, 1e308, np.inf])
    assert np.isnan(out).tolist() == [True] + [False] * 9


@pytest.mark.parametrize("f", EVERY, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, np.int64])
def test_silent_even_when_every_warning_is_an_error(f, dtype):
    with np.errstate(all="ignore"):
        z = np.array([-1e300, -800, -720, -100, -20, -1e-310, 0, 3, 88, 100, 800, 1e300])
        z = z[np.abs(z) < 1e18].astype(dtype) if dtype == np.int64 else z.astype(dtype)
    if f in ACTIVATIONS["gelu"] and dtype == np.longdouble:
        return
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        f(z)
        f(np.full(9000, z[3]))
        if dtype != np.int64:
            f(np.array([np.nan, -np.nan, np.inf, -np.inf], dtype))


@pytest.mark.parametrize("f", EVERY, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_floats_are_computed_in_float64_and_rounded_once(f, dtype):
    rng = np.random.default_rng(16)
    with np.errstate(all="ignore"):
        z = (rng.choice([-1, 1], 20_000) * np.exp2(rng.uniform(-30, 15, 20_000))).astype(dtype)
        expected = f(z.astype(np.float64)).astype(dtype)
    found = f(z)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("f", EVERY, ids=lambda f: f.__name__)
def test_dtype_and_shape_are_kept_and_integers_become_float64(f):
    for dtype in (np.float16, np.float32, np.float64):
        out = f(np.zeros((2, 0, 3), dtype))
        assert (out.dtype, out.shape) == (dtype, (2, 0, 3))
        assert isinstance(f(dtype(0.5)), dtype)
    assert f(np.ones((1, 2), np.dtype(">f4"))).dtype == np.float32
    assert f([[1, 2]]).dtype == f(True).dtype == np.float64
    np.testing.assert_array_equal(f([[1, 2]]), f(np.array([[1.0, 2.0]])))
    assert isinstance(f(1), np.float64)


@pytest.mark.parametrize("f", EVERY, ids=lambda f: f.__name__)
def test_an_array_of_many_blocks_is_its_parts(f):
    z = np.random.default_rng(7).normal(size=(3, 9001)) * 5
    whole = f(z)
    assert whole.shape == z.shape
    np.testing.assert_array_equal(
        whole, np.stack([f(row[:4500].tolist() + row[4500:].tolist()) for row in z])
    )
    np.testing.assert_array_equal(f(z.T), whole.T)
    np.testing.assert_array_equal(f(z[:, ::-3]), whole[:, ::-3])


@pytest.mark.parametrize("f", EVERY, ids=lambda f: f.__name__)
@pytest.mark.parametrize("size", [7, 9000])
def test_the_argument_is_neither_changed_nor_returned(f, size):
    z = np.linspace(-4, 4, size)
    before = z.copy()
    out = f(z)
    assert not np.shares_memory(out, z)
    out[:] = 99
    np.testing.assert_array_equal(z, before)


@pytest.mark.parametrize("f", EVERY, ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (1j, r"z must hold real numbers, but its dtype is complex128; pass z\.real"),
        ("1.5", r"z must hold real numbers, but its dtype is <U3; convert text"),
        ([None, 1.0], "its dtype is object"),
        (np.array(["2020-01-01"], "M8[D]"), "its dtype is datetime64"),
        (np.ma.masked_array([1.0, 2.0], [True, False]), "z is a masked array"),
        (np.ma.masked_array([1, 2], [True, False]), "z is a masked array"),
        (np.ma.masked_array([1, 2], dtype=np.float16), "z is a masked array"),
    ],
)
def test_what_is_not_a_real_number_is_refused(f, bad, message):
    with pytest.raises(TypeError, match=message):
        f(bad)


def test_ragged_rows_are_refused():
    with pytest.raises(ValueError, match=r"z must be a rectangular array .* rows differ in length"):
        nf.sigmoid([[1.0, 2.0], [3.0]])


@pytest.mark.skipif(np.finfo(np.longdouble).nmant <= 52, reason="longdouble is no wider here")
@pytest.mark.parametrize(
    "entry", [e for e in ENTRIES if e.function not in ACTIVATIONS["gelu"]], ids=lambda e: e.name
)
def test_longdouble_is_computed_as_such(entry):
    z = np.array([-30, -2, -0.5, 0.25, 3, 30], np.longdouble)
    found = entry.ours(z)
    assert found.dtype == np.longdouble
    with mp.workdps(40):
        for x, y in zip(z, found, strict=True):
            value = entry.truth(mp.mpf(float(x)))
            value = sum(value) if isinstance(value, tuple) else value
            assert abs(as_mpf(y) - value) <= abs(value) * mp.mpf(2e-18)


def test_tails_that_the_textbook_forms_lose():
    assert nf.sigmoid_prime(40.0) > 0 and nf.sigmoid(-745.0) > 0
    assert nf.tanh_prime([20.0, -20.0]).tolist() == [nf.tanh_prime(20.0)] * 2
    assert nf.tanh_prime(20.0) > 0 and nf.softplus(-700.0) > 0
    assert nf.sigmoid(np.float32(-100)) == np.float32(3.783506e-44)


def test_symmetries():
    z = np.random.default_rng(0).normal(size=1000) * 10
    np.testing.assert_array_equal(nf.sigmoid_prime(z), nf.sigmoid_prime(-z))
    np.testing.assert_array_equal(nf.tanh_prime(z), nf.tanh_prime(-z))
    np.testing.assert_array_equal(nf.tanh(-z), -nf.tanh(z))
    np.testing.assert_allclose(nf.sigmoid(z) + nf.sigmoid(-z), 1, rtol=4e-16)
    np.testing.assert_allclose(nf.tanh(z), 2 * nf.sigmoid(2 * z) - 1, atol=1e-15)
    np.testing.assert_array_equal(nf.softplus_prime(z), nf.sigmoid(z))


def test_largest_slopes_are_at_0():
    assert nf.sigmoid_prime(0) == 0.25 and nf.tanh_prime(0) == 1
    assert nf.sigmoid(0) == 0.5 and nf.tanh(0) == 0 and nf.softplus(0) == np.log(2)


def test_get_activation_gives_function_and_derivative():
    assert get_activation("tanh") == (nf.tanh, nf.tanh_prime)
    assert list(ACTIVATIONS) == [
        "identity", "relu", "leaky_relu", "sigmoid", "tanh", "softplus", "gelu", "silu", "elu",
        "selu", "celu", "mish", "softsign", "hard_sigmoid", "hard_swish",
    ]  # fmt: skip
    for name, (f, f_prime) in ACTIVATIONS.items():
        assert f is getattr(nf, name) and f_prime is getattr(nf, name + "_prime")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Swish", "unknown activation 'Swish'; known: identity, relu, .*; did you mean 'silu'"),
        ("leaky-relu", "did you mean 'leaky_relu'"),
        ("sigmod", "did you mean 'sigmoid'"),
        ("softmax", "unknown activation 'softmax'; .*softmax acts on a row, and cross_entropy"),
        ("prelu", r"prelu has slopes of its own to learn, call prelu and prelu_vjp$"),
        ("hardswish", "did you mean 'hard_swish'"),
        ("blub", "known: identity, relu, .*, softsign, hard_sigmoid, hard_swish$"),
    ],
)
def test_an_unknown_activation_is_refused_with_the_names_there_are(name, message):
    with pytest.raises(ValueError, match=message):
        get_activation(name)


def test_an_activation_that_is_not_a_name_is_refused():
    with pytest.raises(
        TypeError, match=r"activation must be a name, got <function relu.*known: id"
    ):
        get_activation(nf.relu)


@precision_table.of("activations")
def test_as_exact_as_the_book_s_table_says(entry):
    precision_table.hold(entry)
