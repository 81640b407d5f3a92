"""Softmax, its logarithm and log-sum-exp: values, vjps, huge and infinite logits, messages."""

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from nnbook.functions import (
    log_softmax,
    log_softmax_vjp,
    logsumexp,
    logsumexp_vjp,
    softmax,
    softmax_vjp,
)
from tests.functions import reference as ref

FORWARD = [softmax, log_softmax, logsumexp]
VJP = {softmax: softmax_vjp, log_softmax: log_softmax_vjp, logsumexp: logsumexp_vjp}
LOGITS = np.random.default_rng(1).normal(size=(4, 3)) * 3
ROWS = [
    [0.0],
    [0.1, 700.3],
    [0.1, -700.3, 3.7],
    [1e-300, -1e-300, 0.0],
    [1e308, -1e308],
    [-1e308, -1e308, -1e308],
    [50.0, 0.0, 0.0, -5.0],
    [1000.0, 0.0],
    np.random.default_rng(2).normal(size=50) * 200,
    np.random.default_rng(3).uniform(-1e-3, 1e-3, 200),
]


def truth(row):
    """Return softmax, log-softmax and log-sum-exp of a row, at 400 digits."""
    with mp.workdps(400):
        z = [mp.mpf(float(x)) for x in row]
        top = max(z)
        e = [mp.exp(x - top) for x in z]
        first = z.index(top)
        rest = mp.fsum(e[:first] + e[first + 1 :])
        return (
            [x / (1 + rest) for x in e],
            [x - top - mp.log1p(rest) for x in z],
            top + mp.log1p(rest),
        )


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_values_at_50_digits(row):
    p, log_p, lse = truth(row)
    n = len(row)
    for found, value in zip(softmax(row), p, strict=True):
        assert ref.ulps_between(found, value) <= 3 + 0.3 * np.sqrt(n)
    with np.errstate(over="ignore"):
        for found, value in zip(log_softmax(row), log_p, strict=True):
            if found == -np.inf:
                assert value < -mp.mpf(np.finfo(float).max)
            else:
                assert ref.ulps_between(found, value) <= 3 + 0.3 * np.sqrt(n)
    # log K or so is added to the maximum, and may cancel it.
    assert ref.ulps_between(logsumexp(row), lse, max(abs(mp.mpf(max(row))), mp.mpf(1))) <= 2


def test_softmax_over_many_classes_stays_within_its_bound():
    z = np.random.default_rng(9).normal(size=4_000) * 5
    p = np.array([float(x) for x in truth(z)[0]])
    np.testing.assert_allclose(softmax(z), p, rtol=8 * 2**-52 * np.sqrt(4_000), atol=0)


def test_log_softmax_keeps_its_digits_for_a_certain_class():
    assert log_softmax([0.0, -50.0])[0] == -np.exp(-50.0)
    assert log_softmax([0.0, -740.0])[0] < 0
    assert logsumexp([0.0, -50.0]) == np.exp(-50.0)


@pytest.mark.parametrize("function", FORWARD)
@pytest.mark.parametrize("axis", [-2, -1, 0, 1])
def test_any_axis(function, axis):
    z = np.random.default_rng(4).normal(size=(3, 5))
    by_rows = function(np.moveaxis(z, axis, -1))
    expected = by_rows if function is logsumexp else np.moveaxis(by_rows, -1, axis)
    np.testing.assert_allclose(function(z, axis=axis), expected, rtol=4e-16)


@pytest.mark.parametrize("function", FORWARD)
def test_three_axes(function):
    z = np.random.default_rng(4).normal(size=(2, 3, 5))
    for i in range(2):
        expected = function(z[i], axis=0)
        np.testing.assert_allclose(function(z, axis=1)[i], expected, rtol=4e-16)


@pytest.mark.parametrize("shift", [1.0, -7.25, 1024.0])
def test_a_common_shift_changes_nothing(shift):
    z = np.array([[0.25, -3.5, 8.0]])
    np.testing.assert_array_equal(softmax(z + shift), softmax(z))
    np.testing.assert_array_equal(log_softmax(z + shift), log_softmax(z))
    np.testing.assert_allclose(logsumexp(z + shift), logsumexp(z) + shift, rtol=4e-16, atol=1e-15)


def test_probabilities_are_positive_sum_to_1_and_order_is_kept():
    p = softmax(LOGITS)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=4e-16)
    assert (p > 0).all()
    np.testing.assert_array_equal(p.argsort(), LOGITS.argsort())
    np.testing.assert_allclose(np.exp(log_softmax(LOGITS)), p, rtol=1e-14)
    lse = logsumexp(LOGITS)
    assert ((LOGITS.max(axis=1) <= lse) & (lse <= LOGITS.max(axis=1) + np.log(3))).all()


def test_softmax_of_two_is_the_sigmoid_of_the_difference():
    from nnbook.functions import sigmoid

    z = np.linspace(-700, 700, 301)
    p = softmax(np.stack([z, 0 * z]), axis=0)
    np.testing.assert_allclose(p[0], sigmoid(z), rtol=1e-15)


@pytest.mark.parametrize("function", FORWARD)
def test_vjp_is_sympys(function):
    z = sp.symbols("z0:3", real=True)
    g = sp.symbols("g0:3", real=True)
    total = sum(sp.exp(x) for x in z)
    outputs = {
        softmax: [sp.exp(x) / total for x in z],
        log_softmax: [x - sp.log(total) for x in z],
        logsumexp: [sp.log(total)],
    }[function]
    scalar = sum(c * y for c, y in zip(g, outputs, strict=False))
    slopes = sp.lambdify([z, g], [sp.diff(scalar, x) for x in z], "numpy")
    cotangent = np.random.default_rng(5).normal(size=LOGITS.shape)
    given = cotangent[:, 0] if function is logsumexp else cotangent
    expected = [slopes(row, c) for row, c in zip(LOGITS, cotangent, strict=True)]
    np.testing.assert_allclose(VJP[function](given, LOGITS), expected, atol=4e-15)


@pytest.mark.parametrize("function", FORWARD)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_vjp_is_the_slope_by_central_differences(function, axis):
    rng = np.random.default_rng(6)
    z, t = rng.normal(size=(2, 2, 3, 4))
    h = 6e-6
    change = (function(z + h * t, axis=axis) - function(z - h * t, axis=axis)) / (2 * h)
    g = rng.normal(size=change.shape)
    np.testing.assert_allclose(
        np.sum(VJP[function](g, z, axis=axis) * t), np.sum(g * change), rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("vjp", [softmax_vjp, log_softmax_vjp])
def test_vjp_sums_to_0_along_the_axis(vjp):
    g = np.random.default_rng(7).normal(size=LOGITS.shape)
    np.testing.assert_allclose(vjp(g, LOGITS).sum(axis=1), 0, atol=1e-14)
    np.testing.assert_allclose(vjp(g, LOGITS, axis=0).sum(axis=0), 0, atol=1e-14)


@pytest.mark.parametrize("temperature", [0.25, 0.7, 1.9, 64.0])
@pytest.mark.parametrize("row", [ROWS[i] for i in (1, 2, 6, 8, 9)], ids=(1, 2, 6, 8, 9))
def test_a_temperature_divides_the_logits_without_rounding_them(row, temperature):
    with mp.workdps(400):
        z = [mp.mpf(float(x)) / mp.mpf(temperature) for x in row]
        top = max(z)
        total = mp.fsum(mp.exp(x - top) for x in z)
        p = [mp.exp(x - top) / total for x in z]
        lse = top + mp.log(total)
    allowed = 3 + 0.3 * np.sqrt(len(row))
    for found, value in zip(softmax(row, temperature=temperature), p, strict=True):
        assert ref.ulps_between(found, value) <= allowed
    for found, value in zip(log_softmax(row, temperature=temperature), z, strict=True):
        assert ref.ulps_between(found, value - lse, max(abs(value - lse), mp.mpf(1e-3))) <= allowed
    found = logsumexp(row, temperature=temperature)
    assert ref.ulps_between(found, lse, max(abs(top), mp.mpf(1))) <= 2.5


def test_a_temperature_of_a_power_of_two_is_exact():
    for function in FORWARD:
        np.testing.assert_array_equal(function(LOGITS, temperature=8), function(LOGITS / 8))
        np.testing.assert_array_equal(function(LOGITS, temperature=0.5), function(LOGITS * 2))
        np.testing.assert_array_equal(function(LOGITS, temperature=1), function(LOGITS))


@pytest.mark.parametrize(
    ("z", "temperature", "p"),
    [
        ([1e308, -1e308], 1e308, [1 / (1 + np.exp(-2)), 1 / (1 + np.exp(2))]),
        ([1e308, -1e308], 1e300, [1, 0]),
        ([1e-308, 0.0], 1e-308, [1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))]),
        ([3.0, 2.0], 5e-324, [1, 0]),
        ([3.0, 3.0], 5e-324, [0.5, 0.5]),
        ([3.0, 2.0], 1.7e308, [0.5, 0.5]),
        ([np.inf, 2.0], 3.0, [1, 0]),
        ([-np.inf, 2.0, 2.0], 3.0, [0, 0.5, 0.5]),
        ([np.inf, np.inf], 3.0, [np.nan, np.nan]),
        ([np.nan, 1.0], 3.0, [np.nan, np.nan]),
    ],
)
def test_extreme_temperatures_and_logits(z, temperature, p):
    with np.errstate(all="raise"):
        np.testing.assert_allclose(softmax(z, temperature=temperature), p, rtol=1e-15)
        for function in FORWARD:
            function(z, temperature=temperature)
            VJP[function](np.ones_like(function(z)), z, temperature=temperature)


def test_a_high_temperature_makes_classes_alike_and_a_low_one_picks():
    assert softmax([0.0, 1.0], temperature=1e9).round(8).tolist() == [0.5, 0.5]
    assert softmax([0.0, 1.0], temperature=1e-3).tolist() == [0, 1]
    np.testing.assert_allclose(
        log_softmax(LOGITS, temperature=0.7),
        LOGITS / 0.7 - logsumexp(LOGITS, keepdims=True, temperature=0.7),
        rtol=1e-12,
        atol=1e-14,
    )


@pytest.mark.parametrize("function", FORWARD)
def test_several_axes_are_one_long_axis(function):
    z = np.random.default_rng(4).normal(size=(2, 3, 5, 4))
    g = np.random.default_rng(5).normal(size=z.shape)
    for axes, rest in (((1, 3), (0, 2)), ((-1, 1), (0, 2)), ((0,), (1, 2, 3))):
        order = (*rest, *(a % 4 for a in axes))
        kept = tuple(z.shape[a] for a in rest)
        flat = z.transpose(order).reshape(*kept, -1)
        expected = function(flat, temperature=0.7)
        found = function(z, axis=axes, temperature=0.7)
        weights = g.transpose(order).reshape(flat.shape)
        if function is logsumexp:
            weights = weights[..., 0]
            np.testing.assert_allclose(found, expected, rtol=1e-15)
            given = weights
        else:
            found = found.transpose(order).reshape(flat.shape)
            np.testing.assert_allclose(found, expected, rtol=1e-13)
            given = g
        slope = VJP[function](given, z, axis=axes, temperature=0.7)
        np.testing.assert_allclose(
            slope.transpose(order).reshape(flat.shape),
            VJP[function](weights, flat, temperature=0.7),
            rtol=1e-12,
            atol=1e-15,
        )


def test_logsumexp_over_all_axes_is_a_number():
    assert isinstance(logsumexp(LOGITS, axis=(0, 1)), np.float64)
    assert logsumexp(LOGITS, axis=(0, 1), keepdims=True).shape == (1, 1)
    np.testing.assert_allclose(logsumexp(LOGITS, axis=(0, 1)), logsumexp(LOGITS.ravel()))
    vjp = logsumexp_vjp(np.full((1, 1), 2.0), LOGITS, (0, 1), keepdims=True)
    np.testing.assert_allclose(vjp, 2 * softmax(LOGITS, axis=(0, 1)))


def test_log_softmax_vjp_sums_its_cotangent_in_float64():
    g = np.full(200_000, np.float32(0.1))
    slope = log_softmax_vjp(g, np.zeros(200_000, np.float32))
    assert np.abs(slope).max() < 1e-8


@pytest.mark.parametrize("function", FORWARD)
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((3000, 10), -1),
        ((3000, 10), 0),
        ((70, 300), 1),
        ((300, 70), 0),
        ((3, 9000), 1),
        ((9000, 40), 0),
        ((5, 60, 41), 1),
        ((1, 20_000), -1),
        ((20_000, 1), -1),
        ((20, 30, 40), (0, 2)),
        ((20, 30, 40), (2, 1)),
        ((20, 30, 40), (-2,)),
        ((20, 30, 40), (0, 1, 2)),
        ((8193,), 0),
    ],
)
def test_a_large_array_is_its_parts(function, shape, axis):
    z = np.random.default_rng(11).normal(size=shape) * 20
    axes = axis if isinstance(axis, tuple) else (axis,)
    ends = tuple(range(-len(axes), 0))
    rest = tuple(n for i, n in enumerate(shape) if i not in [a % len(shape) for a in axes])
    rows = np.moveaxis(z, axes, ends).reshape(*rest, -1)
    expected = np.array([function(row) for row in rows.reshape(-1, rows.shape[-1])])
    found = function(z, axis=axis)
    if function is logsumexp:
        assert found.shape == rest
        assert function(z, axis=axis, keepdims=True).ndim == z.ndim
    else:
        assert found.shape == shape
        found = np.moveaxis(found, axes, ends)
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-14, atol=1e-300)
    narrow = function(z.astype(np.float32), axis=axis)
    assert narrow.dtype == np.float32
    wide = function(z.astype(np.float32).astype(float), axis=axis).astype(np.float32)
    np.testing.assert_array_equal(narrow, wide)


def test_blocks_change_neither_infinities_nor_nan():
    z = np.zeros((3000, 4))
    z[0] = [np.inf, 1, 2, 3]
    z[1] = -np.inf
    z[2, 1] = np.nan
    for order in (z, np.asfortranarray(z), z[:, ::-1]):
        np.testing.assert_array_equal(softmax(order)[:3], [softmax(row) for row in order[:3]])
        np.testing.assert_array_equal(logsumexp(order)[:3], [logsumexp(row) for row in order[:3]])


INF, NAN = np.inf, np.nan


@pytest.mark.parametrize(
    ("z", "p", "log_p", "lse"),
    [
        ([INF, 0, 1], [1, 0, 0], [0, -INF, -INF], INF),
        ([-INF, 0], [0, 1], [-INF, 0], 0),
        ([INF, INF, 0], [NAN] * 3, [NAN] * 3, INF),
        ([-INF, -INF], [NAN] * 2, [NAN] * 2, -INF),
        ([-INF], [1], [0], -INF),
        ([INF], [1], [0], INF),
        ([INF, -INF], [1, 0], [0, -INF], INF),
        ([NAN, 0], [NAN] * 2, [NAN] * 2, NAN),
        ([NAN, INF], [NAN] * 2, [NAN] * 2, NAN),
        ([], [], [], -INF),
    ],
)
def test_infinite_and_missing_logits(z, p, log_p, lse):
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(softmax(z), p)
        np.testing.assert_array_equal(log_softmax(z), log_p)
        np.testing.assert_array_equal(logsumexp(z), lse)


@pytest.mark.parametrize("function", FORWARD)
def test_dtype_shape_and_emptiness(function):
    for dtype in (np.float16, np.float32, np.float64, np.longdouble):
        z = (LOGITS * 2).astype(dtype)
        assert function(z).dtype == dtype
        if dtype in (np.float16, np.float32):
            expected = function(z.astype(float)).astype(dtype)
            np.testing.assert_array_equal(function(z), expected)
    assert function([[1, 2]]).dtype == np.float64
    assert function(np.zeros((0, 3))).shape == ((0,) if function is logsumexp else (0, 3))
    assert function(np.zeros((2, 0))).shape == ((2,) if function is logsumexp else (2, 0))
    assert function(np.zeros((1, 1))).tolist() == [0.0] if function is logsumexp else True


def test_logsumexp_keeps_the_axis_if_asked():
    assert logsumexp(LOGITS, keepdims=True).shape == (4, 1)
    assert logsumexp(LOGITS, axis=0, keepdims=True).shape == (1, 3)
    np.testing.assert_array_equal(logsumexp(LOGITS, keepdims=True)[:, 0], logsumexp(LOGITS))
    assert isinstance(logsumexp(LOGITS[0]), np.float64)


@pytest.mark.parametrize("function", FORWARD)
def test_arguments_are_not_changed_and_vjps_keep_the_dtype_of_z(function):
    z, before = LOGITS.copy(), LOGITS.copy()
    g = np.ones_like(function(z))
    g_before = g.copy()
    with np.errstate(all="raise"):
        result = VJP[function](g, z)
        narrow = VJP[function](g, z.astype(np.float32))
    np.testing.assert_array_equal(z, before)
    np.testing.assert_array_equal(g, g_before)
    assert (result.dtype, narrow.dtype) == (np.float64, np.float32)
    np.testing.assert_allclose(narrow, result, atol=1e-6)


@pytest.mark.parametrize("function", FORWARD)
@pytest.mark.parametrize(
    ("z", "axis", "error", "message"),
    [
        (
            [0.0, 1.0],
            1,
            ValueError,
            r"axis=1 does not exist in z of shape \(2,\); a single example",
        ),
        (np.zeros((2, 3)), 2, ValueError, r"axis=2 does not exist .* from -2 to 1"),
        (np.zeros((2, 3)), -3, ValueError, r"axis=-3 does not exist"),
        (1.0, -1, ValueError, r"shape \(\); a single number has no axis"),
        ([0.0, 1.0], 0.5, TypeError, "axis must be an integer, got 0.5"),
        ([0.0, 1.0], None, TypeError, "axis must be an integer, got None"),
        ([0.0, 1.0], True, TypeError, "axis must be an integer, got True"),
        ([0.0, 1.0], [0], TypeError, r"a tuple of them, got \[0\]; use tuple\(axis\)"),
        ([0.0, 1.0], (), ValueError, "axis is empty"),
        (2.0, 0, ValueError, r"axis=0 .* z of shape \(\); a single number has no axis"),
        (["a", "b"], -1, TypeError, "z must hold real numbers, but its dtype is <U1"),
        ([1j, 0], -1, TypeError, "z must hold real numbers, but its dtype is complex128"),
    ],
)
def test_a_bad_argument_is_refused(function, z, axis, error, message):
    with pytest.raises(error, match=message):
        function(z, axis=axis)


@pytest.mark.parametrize("vjp", [softmax_vjp, log_softmax_vjp])
def test_a_cotangent_of_another_shape_is_refused(vjp):
    with pytest.raises(ValueError, match=r"g and z must have the same shape, but g has \(3,\)"):
        vjp(np.ones(3), LOGITS)
    with pytest.raises(ValueError, match="one of them is transposed"):
        vjp(LOGITS.T, LOGITS)


def test_a_cotangent_of_logsumexp_has_the_reduced_shape():
    with pytest.raises(
        ValueError, match=r"g must have the shape of logsumexp\(z, axis=-1\), \(4,\)"
    ):
        logsumexp_vjp(np.ones((4, 1)), LOGITS)


def test_log_softmax_adds_the_rounding_error_of_the_shift():
    rng = np.random.default_rng(7)
    z = rng.uniform(-3, 3, size=(400, 2))
    found = log_softmax(z)
    worst = 0.0
    with mp.workdps(40):
        for row, values in zip(z, found, strict=True):
            total = mp.log(sum(mp.exp(mp.mpf(v)) for v in row))
            for v, y in zip(row, values, strict=True):
                error = abs(mp.mpf(float(y)) - (mp.mpf(float(v)) - total))
                worst = max(worst, float(error) / np.spacing(abs(y)))
    assert worst < 1.5, worst
