"""Distances from hyperplanes, and the bound on what a network can stretch."""

import itertools

import mpmath
import numpy as np
import pytest

from nnbook.functions.geometry import hyperplane_distance, lipschitz_bound


def test_hyperplane_distance_matches_mpmath_at_50_digits():
    rng = np.random.default_rng(0)
    X, w, b = rng.normal(size=(20, 7)), rng.normal(size=7), 0.3
    found = hyperplane_distance(X, w, b)
    with mpmath.workdps(50):
        length = mpmath.sqrt(sum(mpmath.mpf(v) ** 2 for v in w))
        for x, distance in zip(X, found, strict=True):
            s = mpmath.fdot(map(mpmath.mpf, x), map(mpmath.mpf, w)) + mpmath.mpf(b)
            assert abs(distance - abs(s) / length) < 1e-14


def test_hyperplane_distance_does_not_change_when_w_and_b_are_multiplied():
    X, w, b = np.array([[2.0, 1.0], [0.0, 7.0]]), np.array([3.0, 4.0]), -5.0
    for factor in (2.0**-900, -1.0, 2.0**900):
        found = hyperplane_distance(X, factor * w, factor * b)
        np.testing.assert_allclose(found, [1.0, 4.6], rtol=1e-15)


def test_hyperplane_distance_at_the_ends_of_the_range():
    X, w = np.array([[1.0, 2.0], [1e308, 1e308], [1e-308, 0.0]]), np.array([3.0, 4.0])
    distances = np.array([2.2, 1.4e308, 6e-309])
    for factor in (5e-324, 2.0**-1060, 2.0**1020):
        with np.errstate(all="raise"):
            found = hyperplane_distance(X, factor * w, 0.0)
        np.testing.assert_allclose(found, distances, rtol=1e-15)
    with np.errstate(all="raise"):
        assert hyperplane_distance([[3.0, 0.0]], [5e-324, 0.0], -5e-324) == 2
        assert hyperplane_distance([[1.7e308, 1.7e308]], [1.0, 1.0], 0.0) == np.inf
        assert hyperplane_distance([[1.0, 1e-20]], [0.0, 1.0], 0.0) == 1e-20
        assert hyperplane_distance([[1e308, 1e308]], [3.0, 4.0], -7e307) == 1.26e308
        assert hyperplane_distance([[-1.0, 0.0]], [1e-310, 0.0], 1e-310) == 0
        assert hyperplane_distance(np.ones((0, 2)), w, 0.0).shape == (0,)


def test_hyperplane_distance_keeps_float32():
    found = hyperplane_distance(np.float32([[2, 1]]), np.float32([3, 4]), np.float32(-5))
    assert found.dtype == np.float32
    assert found[0] == 1


@pytest.mark.parametrize(("arguments", "message"), [
    (([2.0, 1.0], [3.0, 4.0], 1.0), "X"),
    (([[2.0, 1.0]], [[3.0, 4.0]], 1.0), r"w must have shape \(d,\) = \(2,\).*ravel"),
    (([[2.0, 1.0]], [3.0, 4.0, 5.0], 1.0), "w must have shape"),
    (([[2.0, 1.0]], [3.0, 4.0], [1.0]), "b must be one number"),
    (([[2.0, 1.0]], [0.0, 0.0], 1.0), "no hyperplane"),
])
def test_hyperplane_distance_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        hyperplane_distance(*arguments)


def test_lipschitz_bound_is_attained_by_a_scaling():
    assert lipschitz_bound([np.diag([2.0, 1.0]), np.diag([5.0, 0.0])]) == 10.0


def test_lipschitz_bound_counts_one_activation_fewer_than_layers():
    weights = [np.eye(2)] * 4
    assert lipschitz_bound(weights, slope=0.25) == 0.25**3


def test_lipschitz_bound_holds_for_random_networks():
    rng = np.random.default_rng(1)
    for _ in range(200):
        sizes = rng.integers(1, 6, size=rng.integers(2, 5))
        weights = [rng.normal(size=(m, n)) for n, m in itertools.pairwise(sizes)]
        x, y = rng.normal(size=(2, sizes[0]))
        u, v = x, y
        for i, W in enumerate(weights):
            u, v = W @ u, W @ v
            if i < len(weights) - 1:
                u, v = np.tanh(u), np.tanh(v)
        stretched = np.linalg.norm(u - v)
        assert stretched <= lipschitz_bound(weights) * np.linalg.norm(x - y) * (1 + 1e-12)


def test_lipschitz_bound_neither_overflows_nor_vanishes_on_the_way():
    big, small = 2.0**700 * np.eye(3), 2.0**-700 * np.eye(3)
    with np.errstate(all="raise"):
        assert lipschitz_bound([big, big, small, small]) == 1
        assert lipschitz_bound([small, small, big, big]) == 1
        assert lipschitz_bound([big, small, small, small], slope=2.0**600) == 2.0**400
        assert lipschitz_bound([big] * 3, slope=1e200) == np.inf
        assert lipschitz_bound([big, 0 * big, big]) == 0
        assert lipschitz_bound([np.eye(2)] * 2000, slope=1.0) == 1
        assert lipschitz_bound([np.zeros((0, 2)), np.zeros((3, 0))]) == 0


def test_lipschitz_bound_wants_a_list_of_matrices():
    for weights, message in [(5, "got 5"), (None, "got None")]:
        with pytest.raises(TypeError, match=f"weights must be a list of matrices, {message}"):
            lipschitz_bound(weights)
    with pytest.raises(ValueError, match=r"is one, of shape \(2, 2\); pass \[weights\]"):
        lipschitz_bound(np.eye(2))
    with pytest.raises(TypeError, match=r"weights\[1\] has dtype "):
        lipschitz_bound([np.eye(2), np.eye(2, dtype=np.longdouble)])


@pytest.mark.parametrize(("weights", "slope", "message"), [
    ([np.eye(2), np.array([[np.inf, 1.0]])], 1.0, r"weights\[1\] must be finite"),
    ([np.array([[np.nan]])], 1.0, r"weights\[0\] must be finite"),
    ([], 1.0, "one matrix at least"),
    ([np.zeros(3)], 1.0, r"weights\[0\]"),
    ([np.zeros((4, 2)), np.zeros((2, 3))], 1.0, "transposed"),
    ([np.zeros((4, 2))], -1.0, "slope must be 0 or more"),
    ([np.zeros((4, 2))], np.inf, "slope must be finite"),
])
def test_lipschitz_bound_refuses(weights, slope, message):
    with pytest.raises(ValueError, match=message):
        lipschitz_bound(weights, slope)
