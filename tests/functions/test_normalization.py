"""Layer and RMS normalisation: values to 50 digits, what changes nothing, extremes."""

import mpmath as mp
import numpy as np
import pytest

from nnbook.functions import layer_norm, layer_norm_vjp, rms_norm, rms_norm_vjp
from tests.functions.reference import ulps_between

U = 2.0**-53
RNG = np.random.default_rng(18)
X, GAIN, SHIFT = RNG.normal(size=(5, 7)) + 1, RNG.normal(size=7), RNG.normal(size=7)
G = RNG.normal(size=(5, 7))


def standardized(row, eps, centred=True):
    """Return (x - m)/√(v + ε) and the root, or x/rms and the rms, to 50 digits."""
    x = [mp.mpf(float(v)) for v in row]
    mean = mp.fsum(x) / len(x) if centred else mp.mpf(0)
    d = [v - mean for v in x]
    root = mp.sqrt(mp.fsum(v * v for v in d) / len(x) + mp.mpf(eps))
    return [v / root for v in d], root


def gradient(g, row, eps, centred=True):
    """Return x̄ and the absolute sum of its terms, entry by entry."""
    normal, root = standardized(row, eps, centred)
    g = [mp.mpf(float(v)) for v in g]
    n = len(g)
    mean = mp.fsum(g) / n if centred else mp.mpf(0)
    along = mp.fsum(a * b for a, b in zip(g, normal, strict=True)) / n
    size = mp.fsum(abs(a) for a in g) / n if centred else mp.mpf(0)
    length = mp.fsum(abs(a * b) for a, b in zip(g, normal, strict=True)) / n
    pairs = list(zip(g, normal, strict=True))
    values = [(a - mean - h * along) / root for a, h in pairs]
    return values, [(abs(a) + size + abs(h) * length) / root for a, h in pairs]


def rows(seed):
    """Yield rows of every kind that loses digits in a plain implementation."""
    rng = np.random.default_rng(seed)
    for n in (2, 3, 10, 300):
        yield rng.normal(size=n)
        yield 1e8 + rng.choice([-1.0, 1.0], n)
        yield 1e15 + rng.normal(size=n)
        yield 1.7e308 * rng.uniform(-1, 1, n)
        yield 1e-300 * rng.normal(size=n)
        yield 5e-324 * rng.integers(-100, 100, n)
        yield np.exp(rng.uniform(-700, 700, n)) * rng.choice([-1, 1], n)
        yield 1 + 2 * U * rng.integers(0, 4, n)
        yield np.r_[1e16, rng.normal(size=n - 1)]


@pytest.mark.parametrize("eps", [1e-5, 0.0, 1e-300, 1e5])
def test_layer_norm_is_within_its_bound_of_the_true_value(eps):
    with mp.workdps(50):
        for row in rows(1):
            if row.min() == row.max():
                continue
            true, _ = standardized(row, eps)
            for found, value in zip(layer_norm(row, eps=eps), true, strict=True):
                bound = (8 + np.log2(row.size)) * U * (1 + abs(value))
                assert abs(mp.mpf(float(found)) - value) <= bound


@pytest.mark.parametrize("eps", [1e-5, 0.0, 1e-300, 1e5])
def test_rms_norm_is_within_its_ulps_of_the_true_value(eps):
    with mp.workdps(50):
        for row in rows(2):
            if not row.any():
                continue
            true, _ = standardized(row, eps, centred=False)
            for found, value in zip(rms_norm(row, eps=eps), true, strict=True):
                if value and abs(value) > mp.mpf(2) ** -1022:
                    assert ulps_between(found, value) <= 4 + np.log2(row.size) / 2


@pytest.mark.parametrize("eps", [1e-5, 0.0, 3.0])
@pytest.mark.parametrize("centred", [True, False])
def test_gradients_are_within_their_bound_at_any_scale(eps, centred):
    rng = np.random.default_rng(3)
    vjp = layer_norm_vjp if centred else rms_norm_vjp
    with mp.workdps(60):
        for row in rows(3):
            if row.min() == row.max():
                continue
            for g in (rng.normal(size=row.size), 1e300 * rng.normal(size=row.size)):
                true, terms = gradient(g, row, eps, centred)
                for found, value, size in zip(vjp(g, row, eps=eps)[0], true, terms, strict=True):
                    if mp.mpf(2) ** -1000 < size < mp.mpf(2) ** 1000:
                        bound = 16 * U * np.sqrt(row.size) * size
                        assert abs(mp.mpf(float(found)) - value) <= bound


def test_a_large_common_cotangent_costs_no_digits():
    g = 1e8 + np.array([1.0, -1.0, 2.0, -2.0])
    small = layer_norm_vjp(g - 1e8, [1.0, 2.0, 4.0, 8.0])[0]
    np.testing.assert_allclose(layer_norm_vjp(g, [1.0, 2.0, 4.0, 8.0])[0], small, rtol=1e-14)


@pytest.mark.parametrize("eps", [0.0, 1e-5])
@pytest.mark.parametrize("value", [0.1, -1e300, 5e-324, 0.0])
@pytest.mark.parametrize("n", [1, 3, 10, 1000])
def test_equal_entries_give_exactly_the_shift(value, n, eps):
    row = np.full(n, value)
    assert not layer_norm(row, eps=eps).any()
    np.testing.assert_array_equal(layer_norm(row, np.ones(n), np.full(n, 7.0), eps=eps), 7.0)


def test_zeros_stay_zeros_in_rms_norm():
    assert not rms_norm(np.zeros(4)).any()
    assert not rms_norm(np.zeros(4), eps=0.0).any()


def test_where_no_gradient_exists_it_is_nan():
    assert np.isnan(layer_norm_vjp([1.0, 2.0], [3.0, 3.0], eps=0.0)[0]).all()
    assert np.isnan(rms_norm_vjp([1.0, 2.0], [0.0, 0.0], eps=0.0)[0]).all()
    # With ε there is one, however large the entries.
    expected = np.array([-0.5, 0.5]) / np.sqrt(1e-5)
    for value in (3.0, 1e300):
        found = layer_norm_vjp([1.0, 2.0], [value, value])[0]
        np.testing.assert_allclose(found, expected, rtol=1e-14)
    found = rms_norm_vjp([1.0, 2.0], [0.0, 0.0])[0]
    np.testing.assert_allclose(found, np.array([1.0, 2.0]) / np.sqrt(1e-5), rtol=1e-14)


def test_epsilon_is_inside_the_root():
    np.testing.assert_allclose(layer_norm([-1.0, 1.0], eps=3.0), [-0.5, 0.5], rtol=1e-15)
    np.testing.assert_allclose(rms_norm([1.0, 1.0], eps=3.0), [0.5, 0.5], rtol=1e-15)
    assert layer_norm([-1.0, 1.0])[1] == pytest.approx(1 / np.sqrt(1 + 1e-5), rel=1e-15)
    assert rms_norm([1.0, 1.0])[1] == pytest.approx(1 / np.sqrt(1 + 1e-5), rel=1e-15)


def test_mean_is_0_and_variance_1():
    y = layer_norm(X, eps=0.0)
    np.testing.assert_allclose(y.mean(axis=-1), 0, atol=1e-15)
    np.testing.assert_allclose(y.var(axis=-1), 1, rtol=1e-14)
    np.testing.assert_allclose(np.mean(rms_norm(X, eps=0.0) ** 2, axis=-1), 1, rtol=1e-14)


def test_scale_and_constant_change_nothing():
    np.testing.assert_allclose(
        layer_norm(3 * X + 5, eps=0.0), layer_norm(X, eps=0.0), rtol=1e-13, atol=1e-14
    )
    np.testing.assert_array_equal(rms_norm(2.0**600 * X, eps=0.0), rms_norm(X, eps=0.0))
    x_bar, _, _ = layer_norm_vjp(G, X, GAIN, SHIFT, eps=0.0)
    np.testing.assert_allclose(x_bar.sum(axis=-1), 0, atol=1e-14)
    np.testing.assert_allclose(np.sum(x_bar * X, axis=-1), 0, atol=1e-14)
    x_bar, _ = rms_norm_vjp(G, X, GAIN, eps=0.0)
    np.testing.assert_allclose(np.sum(x_bar * X, axis=-1), 0, atol=1e-14)


def test_gain_and_shift_belong_to_the_axes_in_their_order():
    x = RNG.normal(size=(2, 3, 4))
    gain, shift = RNG.normal(size=(2, 4)), RNG.normal(size=(2, 4))
    found = layer_norm(x, gain, shift, axis=(-1, 0), eps=0.1)
    for c in range(3):
        part = x[:, c, :]
        normal = (part - part.mean()) / np.sqrt(part.var() + 0.1)
        np.testing.assert_allclose(found[:, c, :], gain * normal + shift, rtol=1e-13, atol=1e-14)
    ours = rms_norm(x, gain, axis=(0, 2), eps=0.1)
    root = np.sqrt(np.mean(x * x, axis=(0, 2), keepdims=True) + 0.1)
    np.testing.assert_allclose(ours, gain[:, np.newaxis, :] * x / root, rtol=1e-14)


def test_gradients_of_gain_and_shift_sum_over_the_examples():
    normal = layer_norm(X)
    _, gain_bar, shift_bar = layer_norm_vjp(G, X, GAIN, SHIFT)
    np.testing.assert_allclose(gain_bar, np.sum(G * normal, axis=0), rtol=1e-13)
    np.testing.assert_allclose(shift_bar, np.sum(G, axis=0), rtol=1e-13)
    assert layer_norm_vjp(G, X, GAIN)[2] is None
    assert layer_norm_vjp(G, X, None, SHIFT)[1] is None
    assert rms_norm_vjp(G, X)[1] is None
    assert len(rms_norm_vjp(G, X, GAIN)) == 2


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_spoils_its_own_row_alone(bad):
    x = X.copy()
    x[1, 2] = bad
    with np.errstate(all="raise"):
        for y in (layer_norm(x, GAIN), layer_norm_vjp(G, x, GAIN)[0], rms_norm_vjp(G, x)[0]):
            assert np.isnan(y[1]).all()
            assert np.isfinite(np.delete(y, 1, axis=0)).all()
        assert np.isnan(rms_norm(x)[1, 2])


def test_float32_is_computed_in_float64_and_rounded_once():
    x, gain, shift, g = (a.astype(np.float32) for a in (X + 1000, GAIN, SHIFT, G))
    wide = [a.astype(np.float64) for a in (x, gain, shift)]
    np.testing.assert_array_equal(layer_norm(x, gain, shift), layer_norm(*wide).astype(np.float32))
    np.testing.assert_array_equal(rms_norm(x, gain), rms_norm(*wide[:2]).astype(np.float32))
    for found, true in zip(
        layer_norm_vjp(g, x, gain, shift), layer_norm_vjp(g.astype(float), *wide), strict=True
    ):
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, true.astype(np.float32))


def test_the_common_dtype_wins():
    narrow = X.astype(np.float32)
    assert layer_norm(narrow, GAIN).dtype == np.float64
    assert layer_norm_vjp(G, narrow)[0].dtype == np.float64
    assert layer_norm(narrow.astype(np.float16)).dtype == np.float16
    assert layer_norm([[1, 2]]).dtype == np.float64
    wide = layer_norm(X.astype(np.longdouble))
    assert wide.dtype == np.longdouble
    np.testing.assert_allclose(wide.astype(float), layer_norm(X), rtol=1e-15, atol=1e-16)


def test_empty_axes_give_empty_results():
    assert layer_norm(np.zeros((0, 4))).shape == (0, 4)
    assert layer_norm(np.zeros((4, 0))).shape == (4, 0)
    x_bar, gain_bar, shift_bar = layer_norm_vjp(
        np.zeros((0, 4)), np.zeros((0, 4)), np.ones(4), np.ones(4)
    )
    assert x_bar.shape == (0, 4)
    assert gain_bar.tolist() == shift_bar.tolist() == [0.0] * 4
    assert rms_norm_vjp(np.zeros((4, 0)), np.zeros((4, 0)))[0].shape == (4, 0)


def test_a_parameter_of_another_shape_is_told_how_to_reshape_if_that_would_do():
    with pytest.raises(ValueError, match=r"gain must have shape \(7,\).*; pass gain.reshape"):
        layer_norm(X, GAIN[np.newaxis])
    with pytest.raises(ValueError, match=r"shift must have shape .* its shape is \(6,\)$"):
        layer_norm(X, GAIN, SHIFT[:6])


def test_more_rows_than_a_block_holds_are_each_their_own():
    from nnbook.functions._standardize import BLOCK

    longer = np.random.default_rng(0).normal(size=(2, BLOCK + 1))
    np.testing.assert_array_equal(layer_norm(longer)[1], layer_norm(longer[1]))
    n = 16
    x = np.random.default_rng(1).normal(size=(BLOCK // n + 3, n))
    g = np.random.default_rng(2).normal(size=x.shape)
    for part in (slice(0, 5), slice(-5, None)):
        np.testing.assert_array_equal(layer_norm(x)[part], layer_norm(x[part]))
        np.testing.assert_array_equal(rms_norm(x)[part], rms_norm(x[part]))
        np.testing.assert_array_equal(
            layer_norm_vjp(g, x)[0][part], layer_norm_vjp(g[part], x[part])[0]
        )


def test_axes_that_do_not_fit_are_refused():
    for axis, message in (
        (2, "axis=2 does not exist in x"),
        ((0, -2), "names an axis of x, .*, twice"),
        ((), "axis is empty"),
    ):
        with pytest.raises(ValueError, match=message):
            layer_norm(X, axis=axis)
    for eps in (-1e-9, np.nan, np.inf):
        with pytest.raises(ValueError, match="eps must lie in"):
            rms_norm(X, eps=eps)
    for vjp in (layer_norm_vjp, rms_norm_vjp):
        with pytest.raises(ValueError, match="g and x must have the same shape"):
            vjp(G.T, X)


def test_epsilon_counts_where_large_entries_have_no_variance():
    # Its quotient by the square of the entries would be 0, and the gradient NaN.
    with np.errstate(all="raise"):
        for value in (1.0, 1e308, -1e308):
            gradient, _, _ = layer_norm_vjp([1.0, -1.0], [value, value], eps=1e-300)
            np.testing.assert_allclose(gradient, [1e150, -1e150], rtol=1e-15)
