"""Sinusoidal and rotary positions: accurate far out, and differences are all that counts."""

import mpmath as mp
import numpy as np
import pytest

from nnbook.functions import rotary, rotary_positions, rotary_vjp, sinusoidal_positions

RNG = np.random.default_rng(31)
LAYOUTS = ["interleaved", "half"]


def angle(t, i, d, base):
    return mp.mpf(t) * mp.mpf(base) ** (mp.mpf(-2 * i) / d)


def halves(x, layout):
    return (x[..., 0::2], x[..., 1::2]) if layout == "interleaved" else np.split(x, 2, axis=-1)


@pytest.mark.parametrize(
    ("first", "bound"),
    [(0, 2.3e-16), (1_000_000, 2.3e-16), (10**9 - 10, 2.3e-16), (2**53 - 10, 4.5e-16)],
)
@pytest.mark.parametrize("base", [1.0, 37.5, 10_000.0, 500_000.0])
def test_every_entry_at_50_digits(first, bound, base):
    for d in (2, 6, 256):
        found = sinusoidal_positions(9, d, base, offset=first)
        assert found.shape == (9, d)
        with mp.workdps(60):
            for t in RNG.integers(0, 9, 3):
                for i in {0, d // 2 - 1, *RNG.integers(0, d // 2, 3)}:
                    true = angle(first + int(t), int(i), d, base)
                    for entry, value in ((2 * i, mp.sin(true)), (2 * i + 1, mp.cos(true))):
                        assert abs(mp.mpf(float(found[t, entry])) - value) <= bound


def test_the_angle_rounded_to_one_float_would_be_wrong():
    d, t = 256, 999_983
    plain = np.sin(t * 10_000.0 ** (-2 * np.arange(d // 2) / d))
    found = sinusoidal_positions(1, d, offset=t)[0, 0::2]
    with mp.workdps(60):
        true = np.array([float(mp.sin(angle(t, i, d, 10_000))) for i in range(d // 2)])
    assert abs(plain - true).max() > 1e-12
    assert abs(found - true).max() < 2.3e-16


def test_extended_precision_is_extended():
    found = sinusoidal_positions(3, 6, offset=1_000_000, dtype=np.longdouble)
    assert found.dtype == np.longdouble
    with mp.workdps(60):
        for t in range(3):
            for i in range(3):
                true = mp.sin(angle(1_000_000 + t, i, 6, 10_000))
                value = found[t, 2 * i]
                high = float(value)
                error = mp.mpf(high) + mp.mpf(float(value - np.longdouble(high))) - true
                assert abs(error) <= 2 * float(np.finfo(np.longdouble).eps)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_types_are_rounded_once(dtype):
    wide = sinusoidal_positions(20, 8, offset=70_000)
    narrow = sinusoidal_positions(20, 8, offset=70_000, dtype=dtype)
    assert narrow.dtype == dtype
    np.testing.assert_array_equal(narrow, wide.astype(dtype))
    for table, name in zip(
        rotary_positions(20, 8, offset=70_000, dtype=dtype), ("cos", "sin"), strict=True
    ):
        assert table.dtype == dtype
        np.testing.assert_array_equal(table, narrow[:, int(name == "cos") :: 2])
    assert rotary_positions(2, 4)[0].dtype == sinusoidal_positions(2, 4).dtype == np.float64


def test_tables_layouts_and_offsets_agree():
    P = sinusoidal_positions(12, 10, 300.0)
    cos, sin = rotary_positions(12, 10, 300.0)
    np.testing.assert_array_equal(P[:, 0::2], sin)
    np.testing.assert_array_equal(P[:, 1::2], cos)
    np.testing.assert_array_equal(
        sinusoidal_positions(12, 10, 300.0, layout="half"), np.hstack([sin, cos])
    )
    np.testing.assert_array_equal(sinusoidal_positions(5, 10, 300.0, offset=7), P[7:])
    np.testing.assert_array_equal(rotary_positions(5, 10, 300.0, offset=7)[1], sin[7:])
    assert sinusoidal_positions(0, 4).shape == (0, 4) and rotary_positions(0, 4)[0].shape == (0, 2)


def test_a_shift_of_sinusoids_is_a_rotation():
    d, k = 8, 13
    P = sinusoidal_positions(60, d)
    for i in range(d // 2):
        a = 10_000.0 ** (-2 * i / d) * k
        R = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
        pair = P[:, 2 * i : 2 * i + 2]
        np.testing.assert_allclose(pair[k:], pair[:-k] @ R.T, atol=1e-15)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(5, 6), (2, 5, 6), (2, 3, 5, 6)])
def test_each_pair_is_a_complex_number_times_a_phase(layout, shape):
    X = RNG.normal(size=shape)
    found = rotary(X, base=50.0, offset=3, layout=layout)
    assert found.shape == shape
    a, b = halves(X, layout)
    phase = np.exp(1j * (3 + np.arange(5))[:, np.newaxis] * 50.0 ** (-np.arange(3) / 3))
    turned = (a + 1j * b) * phase
    for part, expected in zip(halves(found, layout), (turned.real, turned.imag), strict=True):
        np.testing.assert_allclose(part, expected, rtol=0, atol=2e-15)
    np.testing.assert_allclose(
        rotary_vjp(found, X, base=50.0, offset=3, layout=layout), X, atol=1e-15
    )


def test_the_error_bound_far_out():
    X = RNG.normal(size=(4, 6)) * [[1.0], [1e-300], [1e300], [3.0]]
    for first in (0, 999_999, 2**40):
        found = rotary(X, offset=first)
        with mp.workdps(60):
            for t in range(4):
                for i in range(3):
                    a, (x, y) = angle(first + t, i, 6, 10_000), map(mp.mpf, X[t, 2 * i : 2 * i + 2])
                    size = 2 * mp.mpf(2.0**-52) * (abs(x) + abs(y))
                    for entry, value in (
                        (2 * i, x * mp.cos(a) - y * mp.sin(a)),
                        (2 * i + 1, x * mp.sin(a) + y * mp.cos(a)),
                    ):
                        assert abs(mp.mpf(float(found[t, entry])) - value) <= size


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("far", [0, 1000, 1_000_000])
def test_a_score_depends_on_the_difference_of_positions_alone(layout, far):
    q, k = RNG.normal(size=(2, 1, 8))
    options = {"layout": layout}
    for m, n in ((0, 0), (3, 0), (5, 9)):
        near = rotary(q, offset=m, **options) @ rotary(k, offset=n, **options).T
        moved = rotary(q, offset=m + far, **options) @ rotary(k, offset=n + far, **options).T
        np.testing.assert_allclose(moved, near, rtol=0, atol=3e-14)
    assert abs(rotary(q, offset=4, **options) @ k.T - q @ k.T) > 1e-3


def test_lengths_are_kept_and_position_0_is_no_rotation():
    X = RNG.normal(size=(3, 7, 10))
    np.testing.assert_allclose(np.linalg.norm(rotary(X), axis=-1), np.linalg.norm(X, axis=-1))
    np.testing.assert_array_equal(rotary(X)[:, 0], X[:, 0])


def test_positions_of_ones_own():
    X = RNG.normal(size=(2, 3, 4, 6))
    np.testing.assert_array_equal(rotary(X, [5, 6, 7, 8]), rotary(X, offset=5))
    mixed = np.array([[0, 1, 2, 3], [9, 9, 0, 4]])
    found, back = rotary(X, mixed), rotary_vjp(X, X, mixed)
    flat = rotary(X[:, 0], mixed)
    for n in range(2):
        np.testing.assert_array_equal(found[n], rotary(X[n], mixed[n]))
        np.testing.assert_array_equal(back[n], rotary_vjp(X[n], X[n], mixed[n]))
        np.testing.assert_array_equal(flat[n], found[n, 0])
    half = rotary(X[0, 0, :1], [0.5])[0]
    np.testing.assert_allclose(half[0], X[0, 0, 0, 0] * np.cos(0.5) - X[0, 0, 0, 1] * np.sin(0.5))
    np.testing.assert_allclose(rotary(rotary(X, [2, 0, 1, 5]), [-2, 0, -1, -5]), X, atol=1e-15)
    square = RNG.normal(size=(3, 3, 4))  # (T,) and (N, T) are told apart by their axes
    np.testing.assert_array_equal(rotary(square, np.arange(3)), rotary(square))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_the_dtype_is_kept_and_narrow_ones_are_rounded_once(dtype):
    X = RNG.normal(size=(5, 4)).astype(dtype)
    found, back = rotary(X, offset=9), rotary_vjp(X, X, offset=9)
    assert found.dtype == back.dtype == dtype
    if dtype != np.longdouble:
        np.testing.assert_array_equal(found, rotary(X.astype(float), offset=9).astype(dtype))
    else:
        np.testing.assert_allclose(back, rotary_vjp(X.astype(float), X.astype(float), offset=9))
        again = rotary(back, offset=9)
        assert abs(again - X).max() <= 4 * np.finfo(dtype).eps * abs(X).max()
    assert rotary_vjp(X.astype(np.float64), X).dtype == np.result_type(dtype, np.float64)
    assert rotary([[1, 0]]).dtype == np.float64


def test_extremes_are_silent():
    with np.errstate(all="raise"):
        found = rotary([[np.inf, 1.0], [np.nan, 1.0], [1e308, 1e308], [5e-324, 0.0]])
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[2:]).any()


def test_no_features_and_no_positions():
    assert rotary(np.zeros((2, 3, 0))).shape == (2, 3, 0)
    assert rotary(np.zeros((2, 0, 4))).shape == (2, 0, 4)
    assert rotary(np.zeros((0, 3, 4)), np.zeros((0, 3))).shape == (0, 3, 4)


def test_positions_may_reach_2_to_the_53_but_not_pass_it():
    assert sinusoidal_positions(1, 2, offset=2**53 - 1).shape == (1, 2)
    with pytest.raises(ValueError, match="offset must keep positions below"):
        sinusoidal_positions(2, 2, offset=2**53 - 1)
