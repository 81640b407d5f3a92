"""Clipped gradients are as long as the limit, at any scale, and point the same way."""

import math

import mpmath as mp
import numpy as np
import pytest

from nnbook.learning.clipping import (
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    clipped,
    global_norm,
)
from nnbook.learning.optimizers import adam, sgd
from nnbook.learning.trees import tree_map

EVERY = pytest.mark.parametrize("clip", [clip_by_value, clip_by_norm, clip_by_global_norm])
SCALES = [1.0, 1e-3, 1e300, 1e-300, 1e-320, 4e307]


def nest(scale=1.0, dtype=float):
    rng = np.random.default_rng(3)
    parts = [(rng.normal(size=(3, 2)), rng.normal(size=2)), {"gain": rng.normal(size=1)}]
    [(W, b), rest] = parts
    return [((scale * W).astype(dtype), (scale * b).astype(dtype)),
            {"gain": (scale * rest["gain"]).astype(dtype)}]  # fmt: skip


def flat(grads):
    [(W, b), rest] = grads
    return np.concatenate([W.ravel(), b, rest["gain"]])


def norm(x):
    with mp.workdps(50):
        return mp.sqrt(mp.fsum(mp.mpf(float(v)) ** 2 for v in np.ravel(x)))


@pytest.mark.parametrize("scale", SCALES)
def test_the_global_norm_is_exact_at_every_scale(scale):
    grads = nest(scale)
    right = norm(flat(grads))
    error = abs(mp.mpf(global_norm(grads)) - right)
    assert error <= max(2.0**-1074, 4 * 2.0**-53 * right)


def test_the_global_norm_at_the_ends():
    assert global_norm([]) == global_norm([np.zeros(0), np.zeros(3)]) == 0.0
    assert global_norm(np.array([1.7e308])) == 1.7e308
    assert global_norm(np.full(4, 1.7e308)) == math.inf
    assert global_norm([np.array([5e-324]), 0.0]) == 5e-324
    assert global_norm([np.array([1.0, np.inf])]) == math.inf
    for grads in ([np.array([np.nan]), np.array([2.0])], [np.array([2.0]), np.array([np.nan])],
                  np.array([np.nan, np.inf])):  # fmt: skip
        assert math.isnan(global_norm(grads))
    assert type(global_norm(np.ones(1, np.float32))) is float
    assert global_norm(np.full(3, 3e38, np.float32)) == pytest.approx(3e38 * 3**0.5, rel=1e-7)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("share", [1e-5, 0.5, 0.999, 1.001, 1e5])
def test_by_global_norm_all_arrays_are_shortened_by_one_factor(scale, share):
    grads = nest(scale)
    right = norm(flat(grads))
    limit = float(min(share * right, 1.7e308))
    if limit == 0:
        return
    found = clip_by_global_norm(grads, limit)
    if share > 1:
        np.testing.assert_array_equal(flat(found), flat(grads))
        return
    for x, y in zip(flat(grads), flat(found), strict=True):
        exact = mp.mpf(x) * limit / right
        assert abs(mp.mpf(y) - exact) <= max(2 * 2.0**-1074, 6 * 2.0**-53 * abs(exact))


@pytest.mark.parametrize("scale", SCALES)
def test_by_norm_each_array_has_its_own_factor(scale):
    grads = nest(scale)
    limit = float(norm(grads[0][1]))  # the bias as it is
    if limit == 0:
        return
    found = clip_by_norm(grads, limit)
    for x, y in zip((grads[0][0], grads[0][1], grads[1]["gain"]),
                    (found[0][0], found[0][1], found[1]["gain"]), strict=True):  # fmt: skip
        expected = x.astype(np.longdouble) * float(min(1, limit / norm(x)))
        np.testing.assert_allclose(y, expected.astype(float), rtol=2e-15, atol=1e-323)


def test_by_value_each_entry_has_its_own():
    g = np.array([[-3.0, 0.5], [2.0, -0.25]])
    np.testing.assert_array_equal(clip_by_value(g, 0.5), [[-0.5, 0.5], [0.5, -0.25]])


def test_a_limit_just_met_changes_nothing_and_just_missed_shortens():
    g = np.array([3.0, 4.0])
    for clip in (clip_by_norm, clip_by_global_norm):
        np.testing.assert_array_equal(clip(g, 5.0), g)
        short = clip(g, np.nextafter(5.0, 0))
        assert (np.abs(short) <= g).all() and (short != g).any()


@pytest.mark.parametrize("limit", [5e-324, 1e-310, 1e-200, 1.0, 1e200, 1.7e308])
@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e-200, 1.0, 1e200, 1.7e308])
def test_no_pair_of_limit_and_size_overflows_or_vanishes(limit, size):
    with np.errstate(all="raise"):
        for clip in (clip_by_norm, clip_by_global_norm):
            (found,) = clip([np.array([size])], limit)
            assert found == pytest.approx(min(limit, size), rel=1e-15, abs=0)


@EVERY
def test_the_dtype_is_kept_and_float32_is_computed_wide(clip):
    narrow = clip(nest(3e38 / 4, np.float32), 1e30)
    wide = clip(tree_map(np.float64, nest(3e38 / 4, np.float32)), 1e30)
    assert flat(narrow).dtype == np.float32
    np.testing.assert_array_equal(flat(narrow), flat(wide).astype(np.float32))
    assert np.isfinite(flat(narrow)).all() and np.abs(flat(narrow)).max() > 1e28
    assert clip([np.array([30, 40])], 5.0)[0].dtype == np.float64
    half = clip(np.full(3, 60_000, np.float16), 1.0)
    assert half.dtype == np.float16 and np.isfinite(half).all() and (half > 0.5).all()


@EVERY
def test_clipping_is_pure_and_silent(clip):
    grads = nest()
    before = flat(grads).copy()
    for part in (*grads[0], grads[1]["gain"]):
        part.setflags(write=False)
    with np.errstate(all="raise"):
        for limit in (1e-300, 0.5, 1e300):
            found = clip(grads, limit)
            assert type(found[0]) is tuple
        clip(nest(4e307), 1e-310)
        clip(np.array([1.0, -np.inf, np.nan], np.float32), 1e300)
    np.testing.assert_array_equal(flat(grads), before)


def test_what_is_not_finite_is_not_hidden():
    grads = [np.array([1.0, np.nan]), np.array([2.0])]
    by_value, by_norm, by_all = (
        clip(grads, 0.5) for clip in (clip_by_value, clip_by_norm, clip_by_global_norm)
    )
    np.testing.assert_array_equal(by_value[0], [0.5, np.nan])
    assert np.isnan(by_norm[0]).all() and by_norm[1] == 0.5
    assert np.isnan(by_all[0]).all() and np.isnan(by_all[1]).all()
    infinite = np.array([-np.inf, 0.25])
    np.testing.assert_array_equal(clip_by_value(infinite, 0.5), [-0.5, 0.25])
    assert np.isnan(clip_by_norm(infinite, 0.5)).all()


@EVERY
@pytest.mark.parametrize(
    ("limit", "error"),
    [(0.0, ValueError), (-1.0, ValueError), (np.nan, ValueError), (np.inf, ValueError),
     ("1", TypeError), (None, TypeError), (np.ones(2), TypeError)],
)  # fmt: skip
def test_the_limit_is_a_positive_number(clip, limit, error):
    with pytest.raises(error, match="limit must"):
        clip(nest(), limit)
    with pytest.raises(error, match="limit must"):
        clipped(sgd(0.1), clip, limit)


@EVERY
@pytest.mark.parametrize("wrong", [1j, "1", None, np.array(["a"])])
def test_gradients_are_real_numbers(clip, wrong):
    with pytest.raises(TypeError, match="grads must be a nest of lists"):
        clip([wrong], 1.0)
    if clip is clip_by_global_norm:
        with pytest.raises(TypeError, match="grads must be a nest of lists"):
            global_norm([wrong])


@EVERY
def test_clipped_gives_the_optimizer_what_is_left(clip):
    inner = adam(0.1)
    outer, params = clipped(inner, clip, 0.5), nest()
    state = outer.init(params)
    found, _ = outer.update(nest(100.0), state, params)
    expected, _ = inner.update(clip(nest(100.0), 0.5), state, params)
    np.testing.assert_array_equal(flat(found), flat(expected))


def test_clipped_names_what_is_no_optimizer_and_no_function():
    with pytest.raises(TypeError, match="optimizer must be one such as"):
        clipped(0.1, clip_by_norm, 1.0)
    with pytest.raises(TypeError, match="clip must be a function such as clip_by_norm, found 1"):
        clipped(sgd(0.1), 1.0, 1.0)
