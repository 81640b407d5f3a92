"""Data sets that a formula draws: without noise they lie on it, with noise as far as it says."""

import inspect

import numpy as np
import pytest
from scipy import optimize, stats

from nnbook.learning import toy_data
from nnbook.learning.toy_data import (
    circles,
    heteroscedastic_data,
    linear_data,
    moons,
    sine_data,
    spirals,
    step_data,
)

CLASSES = [moons, circles, spirals]
CURVES = [linear_data, sine_data, step_data, heteroscedastic_data]
EVERY = pytest.mark.parametrize("draw", CLASSES + CURVES)


def rng(seed=0):
    return np.random.default_rng(seed)


def separable(X, y):
    """Tell whether a line separates two classes: is there w, b with s (w·x + b) >= 1?"""
    signs = np.where(y == 1, 1.0, -1.0)[:, np.newaxis]
    rows = -signs * np.column_stack([X, np.ones(len(X))])
    free = [(None, None)] * rows.shape[1]
    found = optimize.linprog(np.zeros(rows.shape[1]), rows, -np.ones(len(X)), bounds=free)
    return found.status == 0


def test_the_list_is_whole():
    public = {name for name, f in vars(toy_data).items()
              if inspect.isfunction(f) and f.__module__ == toy_data.__name__ and name[0] != "_"}
    assert public == {f.__name__ for f in CLASSES + CURVES}


@EVERY
def test_shapes_dtypes_and_seeds(draw):
    X, y = draw(101, rng())
    assert X.dtype == np.float64 and X.shape == (101, 2 if draw in CLASSES else 1)
    if draw in CLASSES:
        assert y.shape == (101,) and y.dtype.kind == "i" and set(y) == {0, 1}
        assert abs(int(np.sum(y == 0)) - int(np.sum(y == 1))) == 1
    else:
        assert y.shape == (101, 1) and y.dtype == np.float64
    again, other = draw(101, rng()), draw(101, rng(1))
    np.testing.assert_array_equal(again[0], X)
    np.testing.assert_array_equal(again[1], y)
    assert not np.array_equal(other[0], X)
    legacy = draw(5, np.random.RandomState(0))
    assert len(legacy[0]) == 5


@pytest.mark.parametrize("draw", CLASSES)
def test_the_order_is_random_and_points_keep_their_class(draw):
    X, y = draw(200, rng(), noise=0.0)
    order = {tuple(x): c for x, c in zip(X.round(12), y, strict=True)}
    assert len(order) == 200
    changes = np.count_nonzero(np.diff(y))
    assert 60 < changes < 140, "in blocks there would be one change, taken in turn 199"
    again, labels = draw(200, rng(1), noise=0.0)
    assert {tuple(x): c for x, c in zip(again.round(12), labels, strict=True)} == order
    assert not np.array_equal(again, X)


def test_moons_lie_on_two_half_circles_that_no_line_separates():
    X, y = moons(101, rng(), noise=0.0)
    upper, lower = X[y == 0], X[y == 1]
    assert len(upper) == 50
    np.testing.assert_allclose(np.hypot(*upper.T), 1, rtol=1e-14)
    np.testing.assert_allclose(np.hypot(lower[:, 0] - 1, lower[:, 1] - 0.5), 1, rtol=1e-14)
    assert upper[:, 1].min() > -1e-15 and lower[:, 1].max() < 0.5 + 1e-15
    angles = np.sort(np.arctan2(upper[:, 1], upper[:, 0]))
    np.testing.assert_allclose(angles, np.linspace(0, np.pi, 50), atol=1e-14)
    assert not separable(X, y)


def test_circles_are_two_and_their_squares_separable():
    X, y = circles(101, rng(), noise=0.0, factor=0.3)
    np.testing.assert_allclose(np.hypot(*X[y == 0].T), 1, rtol=1e-14)
    np.testing.assert_allclose(np.hypot(*X[y == 1].T), 0.3, rtol=1e-14)
    assert np.sum(y == 0) == 50
    angles = np.sort(np.arctan2(*X[y == 1].T[::-1]) % (2 * np.pi))
    np.testing.assert_allclose(np.diff(angles), 2 * np.pi / 51, rtol=1e-9)
    assert not separable(X, y) and separable(X**2, y)
    assert not circles(10, rng(), noise=0.0, factor=0.0)[0][
        circles(10, rng(), noise=0.0, factor=0.0)[1] == 1].any()  # fmt: skip


@pytest.mark.parametrize(("classes", "turns"), [(2, 1.0), (3, 0.75), (5, 2.0)])
def test_spirals_wind_as_often_as_they_say(classes, turns):
    X, y = spirals(60 * classes + 1, rng(), classes=classes, turns=turns, noise=0.0)
    counts = np.bincount(y)
    assert len(counts) == classes and sorted(counts) == [60] * (classes - 1) + [61]
    for c in range(classes):
        arm = X[y == c]
        r = np.sort(np.hypot(*arm.T))
        np.testing.assert_allclose(r, np.arange(1, len(r) + 1) / len(r), rtol=1e-12)
        order = np.argsort(np.hypot(*arm.T))
        angle = np.unwrap(np.arctan2(*arm[order].T[::-1]))
        np.testing.assert_allclose(np.diff(angle), 2 * np.pi * turns / len(r), rtol=1e-9)
        tip = np.exp(2j * np.pi * (turns + c / classes))
        np.testing.assert_allclose(arm[order][-1], [tip.real, tip.imag], atol=1e-12)


def test_without_turns_spirals_are_rays():
    X, y = spirals(40, rng(), turns=0.0, noise=0.0)
    assert (X[y == 0][:, 0] > 0).all() and (X[y == 1][:, 0] < 0).all()


@pytest.mark.parametrize("draw", CLASSES)
def test_noise_on_the_coordinates_has_its_standard_deviation(draw):
    n = 4000
    clean, noisy = draw(n, rng(), noise=0.0)[0], draw(n, rng(), noise=0.25)[0]
    away = (noisy - clean).ravel() / 0.25  # the same seed, hence the same order
    # the test misses a right draw once in 10,000
    assert stats.kstest(away, "norm").pvalue > 1e-4
    low, high = stats.chi2.interval(1 - 1e-4, away.size)
    assert low < np.sum(away**2) < high


def test_linear_data_is_a_plane_with_noise():
    X, y = linear_data(5000, rng(), weights=[2.0, -1.0, 0.0], bias=0.5, noise=0.25)
    assert X.shape == (5000, 3) and y.shape == (5000, 1)
    away = (y[:, 0] - X @ [2.0, -1.0, 0.0] - 0.5) / 0.25
    assert stats.kstest(away, "norm").pvalue > 1e-4
    assert stats.kstest(X.ravel(), "norm").pvalue > 1e-4
    assert linear_data(3, rng(), noise=0.0)[0].shape == (3, 1)
    np.testing.assert_array_equal(*linear_data(3, rng(), noise=0.0))


@pytest.mark.parametrize(
    ("draw", "curve", "low", "high"),
    [
        (sine_data, lambda x: np.sin(2 * np.pi * x), 0, 1),
        (step_data, lambda x: (x > 0) * 1.0, -1, 1),
        (heteroscedastic_data, lambda x: np.sin(2 * np.pi * x), 0, 1),
    ],
)
def test_curves_with_noise(draw, curve, low, high):
    X, y = draw(5000, rng(), noise=0.25)
    x = X[:, 0]
    assert stats.kstest(x, stats.uniform(low, high - low).cdf).pvalue > 1e-4
    spread = 0.25 * (x if draw is heteroscedastic_data else 1)
    assert stats.kstest((y[:, 0] - curve(x)) / spread, "norm").pvalue > 1e-4
    X, y = draw(50, rng(), noise=0.0)
    np.testing.assert_array_equal(y, curve(X))


DEFAULTS = {
    moons: {"noise": 0.1},
    circles: {"noise": 0.05, "factor": 0.5},
    spirals: {"noise": 0.02, "classes": 2, "turns": 1.0},
    linear_data: {"noise": 0.1, "weights": (1.0,), "bias": 0.0},
    sine_data: {"noise": 0.1},
    step_data: {"noise": 0.1},
    heteroscedastic_data: {"noise": 0.5},
}


@EVERY
def test_the_defaults_are_those_of_the_docstring(draw):
    for plain, said in zip(draw(20, rng()), draw(20, rng(), **DEFAULTS[draw]), strict=True):
        np.testing.assert_array_equal(plain, said)


@EVERY
def test_the_smallest_sets(draw):
    least = 2 if draw in CLASSES else 1
    X, y = draw(least, rng())
    assert len(X) == len(y) == least
    with pytest.raises(ValueError, match=f"n must be at least {least}, got {least - 1}"):
        draw(least - 1, rng())


@EVERY
def test_bad_arguments_are_named(draw):
    for n in (2.5, "3", None, True):
        with pytest.raises(TypeError, match="n must be a"):
            draw(n, rng())
    for source in (0, None, np.random):
        with pytest.raises(TypeError, match=r"rng must be a numpy.random.Generator, found"):
            draw(10, source)
    for noise in (-0.1, np.nan, np.inf):
        with pytest.raises(ValueError, match=r"noise must lie in \[0, inf\)"):
            draw(10, rng(), noise=noise)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: circles(9, rng(), factor=1.0), ValueError, r"factor must lie in \[0, 1\)"),
        (lambda: circles(9, rng(), factor=-0.1), ValueError, "factor must"),
        (lambda: spirals(9, rng(), classes=1), ValueError, "classes must be at least 2"),
        (lambda: spirals(9, rng(), turns=-1.0), ValueError, "turns must lie in"),
        (lambda: spirals(2, rng(), classes=3), ValueError, "n must be at least 3"),
        (lambda: linear_data(9, rng(), bias=np.inf), ValueError, "bias must be finite"),
        (lambda: linear_data(9, rng(), weights=[]), ValueError, r"weights .* found shape \(0,\)$"),
        (lambda: linear_data(9, rng(), weights=1.0), ValueError, r"weights .* shape \(\)$"),
        (lambda: linear_data(9, rng(), weights=np.eye(2)), ValueError, r"weights .*\(2, 2\)$"),
        (lambda: linear_data(9, rng(), weights=[np.nan]), ValueError, "weights .* with NaN"),
        (lambda: linear_data(9, rng(), weights=["a"]), TypeError, "weights must hold real"),
    ],
)
def test_bad_settings_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
