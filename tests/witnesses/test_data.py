"""Data sets of the plane beside scikit-learn's: without noise the same points."""

import numpy as np
import pytest
from sklearn import datasets

from nnbook.learning.toy_data import circles, moons


def sorted_points(X, y):
    rows = np.column_stack([X, y]).round(12) + 0.0
    return rows[np.lexsort(rows.T)]


@pytest.mark.parametrize("n", [2, 3, 10, 101])
def test_moons_are_scikit_learns(n):
    X, y = moons(n, np.random.default_rng(0), noise=0.0)
    expected = datasets.make_moons(n, shuffle=False)
    np.testing.assert_allclose(sorted_points(X, y), sorted_points(*expected), atol=1e-12)


@pytest.mark.parametrize("n", [3, 10, 101])
@pytest.mark.parametrize("factor", [0.0, 0.3, 0.8])
def test_circles_are_scikit_learns(n, factor):
    X, y = circles(n, np.random.default_rng(0), noise=0.0, factor=factor)
    expected = datasets.make_circles(n, shuffle=False, factor=factor)
    np.testing.assert_allclose(sorted_points(X, y), sorted_points(*expected), atol=1e-12)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(moons, datasets.make_moons), (circles, datasets.make_circles)]
)
def test_noise_is_as_large_as_scikit_learns(ours, theirs):
    # the ratio of two variances, each of 2,000 numbers, has a standard deviation of 4.5 %
    X, y = ours(4000, np.random.default_rng(0), noise=0.3)
    options = {"factor": 0.5} if theirs is datasets.make_circles else {}
    other, labels = theirs(4000, noise=0.3, random_state=0, **options)
    for c in (0, 1):
        ratio = X[y == c].var(axis=0) / other[labels == c].var(axis=0)
        np.testing.assert_allclose(ratio, 1, atol=4 * np.sqrt(4 / 2000))
