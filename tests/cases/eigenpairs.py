import numpy as np

from nnbook.functions import pca, power_iteration, top_eigenpairs
from tests.cases.base import EVERY_AXIS, Bad, Case, sizes_of

A = np.array([[2.0, 1.0], [1.0, 3.0]])
X = np.arange(6.0).reshape(3, 2) ** 2


def apart(n, rng):
    """Return a symmetric matrix with eigenvalues far from each other."""
    Q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    return Q @ np.diag(3.0 ** -np.arange(n)) @ Q.T


def matrix(rng, size):
    (n,) = sizes_of(rng, size, 1)
    return (apart(n, rng), rng.normal(size=n)), {"tolerance": 1e-13}


def symmetric(rng, size):
    (n,) = sizes_of(rng, size, 1)
    S = apart(n, rng)
    return ((S + S.T) / 2, max(n - 1, 1)), {"tolerance": 1e-13}


def data(rng, size):
    n, d = sizes_of(rng, size, 2)
    return (rng.normal(size=(n, d)) * 2.0 ** np.arange(d),), {}


def but_iterations(found):
    """How many products were taken may change with the last bits."""
    return found._replace(iterations=None, residual=None)


def but_many_iterations(found):
    return found._replace(iterations=None, residuals=None)


CASES = [
    Case(
        "power_iteration",
        power_iteration,
        matrix,
        None,
        outputs=but_iterations,
        sizes=("random", "one"),
    ),
    Case(
        "top_eigenpairs",
        top_eigenpairs,
        symmetric,
        None,
        outputs=but_many_iterations,
        sizes=("random", "one"),
    ),
    Case("pca", pca, data, None, free={0: EVERY_AXIS}, sizes=("random",)),
]

BAD = [
    Bad(
        "power_iteration, wide",
        lambda: power_iteration(np.ones((2, 3))),
        ValueError,
        "A must be sq",
    ),
    Bad(
        "power_iteration, empty",
        lambda: power_iteration(np.ones((0, 0))),
        ValueError,
        "A must be sq",
    ),
    Bad(
        "power_iteration, inf", lambda: power_iteration([[np.inf]]), ValueError, r"A\[0, 0\] is inf"
    ),
    Bad(
        "power_iteration, start 0",
        lambda: power_iteration(A, [0, 0]),
        ValueError,
        "start must be f",
    ),
    Bad(
        "power_iteration, start NaN",
        lambda: power_iteration(A, [1, np.nan]),
        ValueError,
        "start must",
    ),
    Bad(
        "power_iteration, start short",
        lambda: power_iteration(A, [1]),
        ValueError,
        r"start.*\(2,\)",
    ),
    Bad(
        "power_iteration, no start",
        lambda: power_iteration(lambda v: v),
        ValueError,
        "start is need",
    ),
    Bad(
        "power_iteration, start a matrix",
        lambda: power_iteration(lambda v: v, A),
        ValueError,
        r"start must have shape \(n,\)",
    ),
    Bad(
        "power_iteration, function of another shape",
        lambda: power_iteration(lambda v: v[:1], [1.0, 2.0]),
        ValueError,
        r"A\(v\) must be finite and have the shape of v, \(2,\)",
    ),
    Bad(
        "power_iteration, function gives NaN",
        lambda: power_iteration(lambda v: v * np.nan, [1.0, 2.0]),
        ValueError,
        r"A\(v\) must be finite",
    ),
    Bad(
        "power_iteration, rng 0",
        lambda: power_iteration(A, rng=0),
        TypeError,
        "rng must be a numpy",
    ),
    Bad(
        "power_iteration, tolerance < 0",
        lambda: power_iteration(A, tolerance=-1),
        ValueError,
        "tolerance must",
    ),
    Bad(
        "power_iteration, no iterations",
        lambda: power_iteration(A, max_iterations=0),
        ValueError,
        "max_iterations must",
    ),
    Bad(
        "top_eigenpairs, three of two",
        lambda: top_eigenpairs(A, 3),
        ValueError,
        "count is 3, but A",
    ),
    Bad(
        "top_eigenpairs, none", lambda: top_eigenpairs(A, 0), ValueError, "count must be at least 1"
    ),
    Bad(
        "top_eigenpairs, not symmetric",
        lambda: top_eigenpairs([[1, 2], [3, 4]], 1),
        ValueError,
        r"A must be symmetric, but A\[0, 1\] is 2.0 and A\[1, 0\] is 3.0",
    ),
    Bad(
        "top_eigenpairs, rng 1",
        lambda: top_eigenpairs(A, 1, rng=1),
        TypeError,
        "rng must be a numpy",
    ),
    Bad(
        "top_eigenpairs, tolerance None",
        lambda: top_eigenpairs(A, 1, tolerance=None),
        TypeError,
        "tolerance must",
    ),
    Bad("pca of one example", lambda: pca(X[:1]), ValueError, "X must have at least two examples"),
    Bad("pca of no feature", lambda: pca(np.ones((3, 0))), ValueError, "X must have at least two"),
    Bad("pca of equal rows", lambda: pca(np.full((3, 2), 0.1)), ValueError, "X has no variance"),
    Bad("pca, NaN", lambda: pca([[1, 2], [np.nan, 3]]), ValueError, r"X\[1, 0\] is nan"),
    Bad("pca, three of two", lambda: pca(X, 3), ValueError, "n_components is 3, but X"),
    Bad("pca, none", lambda: pca(X, 0), ValueError, "n_components must be at least 1"),
    Bad("pca of a vector", lambda: pca(X[0]), ValueError, "X must have two axes"),
]
