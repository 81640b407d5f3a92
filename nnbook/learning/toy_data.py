r"""Small data sets that a formula draws: two classes in the plane, and curves with noise.

One contract: ``data(n, rng)`` returns ``X, y`` of n examples, in random order, all randomness from
``rng``. Classes come as indices, of shape (n,), as ``cross_entropy`` takes them; for one logit an
example and ``bce_with_logits`` write ``y[:, np.newaxis]``. Values to predict come in a column,
of shape (n, 1), as ``mse`` takes them. Noise is normal, of mean 0; ``noise`` is its standard
deviation, in the units of what it is added to.
"""

import numpy as np

from nnbook.functions._validate import as_float, check_count, check_number
from nnbook.learning._validate import check_rng


def moons(n, rng, *, noise=0.1):
    r"""Draw two half circles, each reaching into the other.

    .. math:: (\cos\theta, \sin\theta) \text{ of class 0}, \qquad
        (1 - \cos\theta, \tfrac12 - \sin\theta) \text{ of class 1}, \qquad \theta \in [0, \pi]

    Parameters
    ----------
    n : int
        Number of examples, at least 2; half of them, rounded down, of class 0. Their angles are
        evenly spaced, ends included.
    rng : numpy.random.Generator
        Where noise and order come from.
    noise : float, default 0.1
        Standard deviation of the noise on each coordinate; the radius is 1.

    Returns
    -------
    X : ndarray, shape (n, 2)
    y : ndarray of int, shape (n,)
        0 or 1. No line separates the classes.

    Examples
    --------
    >>> X, y = moons(200, np.random.default_rng(0))
    >>> X.shape, np.bincount(y).tolist()
    ((200, 2), [100, 100])
    """
    n, noise = check_count(n, "n", minimum=2), _check_noise(noise)
    first, second = (np.linspace(0, np.pi, count) for count in (n // 2, n - n // 2))
    upper = np.column_stack([np.cos(first), np.sin(first)])
    lower = np.column_stack([1 - np.cos(second), 0.5 - np.sin(second)])
    return _scattered([upper, lower], noise, rng)


def circles(n, rng, *, noise=0.05, factor=0.5):
    r"""Draw a circle within a circle.

    Parameters
    ----------
    n : int
        Number of examples, at least 2; half of them, rounded down, of class 0, the outer circle of
        radius 1. On each circle the angles are evenly spaced.
    rng : numpy.random.Generator
        Where noise and order come from.
    noise : float, default 0.05
        Standard deviation of the noise on each coordinate.
    factor : float, default 0.5
        Radius of the inner circle, in [0, 1).

    Returns
    -------
    X : ndarray, shape (n, 2)
    y : ndarray of int, shape (n,)
        0 outside, 1 inside. The squares of the coordinates separate the classes by a line.

    Examples
    --------
    >>> X, y = circles(100, np.random.default_rng(0), noise=0.0)
    >>> print(np.hypot(*X[y == 1].T).round(3).max())
    0.5
    """
    n, noise = check_count(n, "n", minimum=2), _check_noise(noise)
    factor = check_number(factor, "factor", low=0.0, high=1.0)
    parts = []
    for count, radius in ((n // 2, 1.0), (n - n // 2, factor)):
        angle = 2 * np.pi * np.arange(count) / count
        parts.append(radius * np.column_stack([np.cos(angle), np.sin(angle)]))
    return _scattered(parts, noise, rng)


def spirals(n, rng, *, classes=2, turns=1.0, noise=0.02):
    r"""Draw arms that wind around one another.

    .. math:: r\,(\cos\theta, \sin\theta), \qquad
        \theta = 2\pi \Bigl( \text{turns} \cdot r + \frac{c}{C} \Bigr), \qquad
        r = \tfrac1m, \tfrac2m, \dots, 1 \quad \text{for class } c \text{ of } C

    Parameters
    ----------
    n : int
        Number of examples, at least one for each class, shared as evenly as can be; m is the number
        of a class.
    rng : numpy.random.Generator
        Where noise and order come from.
    classes : int, default 2
        C, at least 2.
    turns : float, default 1
        How often each arm winds around the middle, at least 0. Along a ray from the middle arms are
        1/(C · turns) apart.
    noise : float, default 0.02
        Standard deviation of the noise on each coordinate; the outermost radius is 1.

    Returns
    -------
    X : ndarray, shape (n, 2)
    y : ndarray of int, shape (n,)
        0 to C − 1.

    Examples
    --------
    >>> X, y = spirals(300, np.random.default_rng(0), classes=3)
    >>> X.shape, np.bincount(y).tolist()
    ((300, 2), [100, 100, 100])
    """
    classes = check_count(classes, "classes", minimum=2)
    n, noise = check_count(n, "n", minimum=classes), _check_noise(noise)
    turns = check_number(turns, "turns", low=0.0)
    parts = []
    for c in range(classes):
        count = (n + c) // classes
        r = np.arange(1, count + 1) / count
        angle = 2 * np.pi * (turns * r + c / classes)
        parts.append(np.column_stack([r * np.cos(angle), r * np.sin(angle)]))
    return _scattered(parts, noise, rng)


def linear_data(n, rng, *, weights=(1.0,), bias=0.0, noise=0.1):
    r"""Draw a line with noise, or a plane in more dimensions.

    .. math:: y = Xw + b + \text{noise}, \qquad X_{ij} \sim N(0, 1)

    Parameters
    ----------
    n : int
        Number of examples, at least 1.
    rng : numpy.random.Generator
        Where all numbers come from.
    weights : sequence of d floats, default (1,)
        w, one for each feature.
    bias : float, default 0
        b.
    noise : float, default 0.1
        Standard deviation of the noise on y.

    Returns
    -------
    X : ndarray, shape (n, d)
    y : ndarray, shape (n, 1)

    Examples
    --------
    >>> X, y = linear_data(5, np.random.default_rng(0), weights=(2.0, -1.0), noise=0.0)
    >>> np.allclose(y[:, 0], 2 * X[:, 0] - X[:, 1])
    True
    """
    n, rng, noise = check_count(n, "n"), check_rng(rng), _check_noise(noise)
    weights, bias = as_float(weights, "weights"), check_number(bias, "bias")
    if weights.ndim != 1 or weights.size == 0 or not np.isfinite(weights).all():
        raise ValueError(
            f"weights must be one finite number for each feature, found shape {weights.shape}"
            + ("" if weights.ndim != 1 or weights.size == 0 else " with NaN or infinity in it")
        )
    X = rng.standard_normal((n, weights.size))
    return X, _noisy(X @ weights + bias, noise, rng)


def sine_data(n, rng, *, noise=0.1):
    r"""Draw one period of a sine.

    .. math:: y = \sin 2\pi x + \text{noise}, \qquad x \text{ uniform on } [0, 1)

    Parameters
    ----------
    n : int
        Number of examples, at least 1.
    rng : numpy.random.Generator
        Where all numbers come from.
    noise : float, default 0.1
        Standard deviation of the noise on y.

    Returns
    -------
    X : ndarray, shape (n, 1)
    y : ndarray, shape (n, 1)

    Examples
    --------
    >>> X, y = sine_data(100, np.random.default_rng(0), noise=0.0)
    >>> np.allclose(y, np.sin(2 * np.pi * X))
    True
    """
    n, rng, noise = check_count(n, "n"), check_rng(rng), _check_noise(noise)
    x = rng.uniform(0, 1, n)
    return x[:, np.newaxis], _noisy(np.sin(2 * np.pi * x), noise, rng)


def step_data(n, rng, *, noise=0.1):
    r"""Draw a jump: no continuous function is close to it everywhere.

    .. math:: y = [x > 0] + \text{noise}, \qquad x \text{ uniform on } [-1, 1)

    Parameters
    ----------
    n : int
        Number of examples, at least 1.
    rng : numpy.random.Generator
        Where all numbers come from.
    noise : float, default 0.1
        Standard deviation of the noise on y.

    Returns
    -------
    X : ndarray, shape (n, 1)
    y : ndarray, shape (n, 1)

    Examples
    --------
    >>> X, y = step_data(100, np.random.default_rng(0), noise=0.0)
    >>> np.array_equal(y, X > 0)
    True
    """
    n, rng, noise = check_count(n, "n"), check_rng(rng), _check_noise(noise)
    x = rng.uniform(-1, 1, n)
    return x[:, np.newaxis], _noisy((x > 0).astype(float), noise, rng)


def heteroscedastic_data(n, rng, *, noise=0.5):
    r"""Draw one period of a sine, with noise that grows along it.

    .. math:: y = \sin 2\pi x + x \cdot \text{noise}, \qquad x \text{ uniform on } [0, 1)

    Parameters
    ----------
    n : int
        Number of examples, at least 1.
    rng : numpy.random.Generator
        Where all numbers come from.
    noise : float, default 0.5
        Standard deviation of the noise on y at x = 1; at x it is x times that.

    Returns
    -------
    X : ndarray, shape (n, 1)
    y : ndarray, shape (n, 1)

    Examples
    --------
    >>> X, y = heteroscedastic_data(2000, np.random.default_rng(0))
    >>> away = (y - np.sin(2 * np.pi * X))[:, 0]
    >>> low, high = X[:, 0] < 0.2, X[:, 0] > 0.8
    >>> print(f"{away[low].std():.2f} {away[high].std():.2f}")
    0.06 0.47
    """
    n, rng, noise = check_count(n, "n"), check_rng(rng), _check_noise(noise)
    x = rng.uniform(0, 1, n)
    return x[:, np.newaxis], _noisy(np.sin(2 * np.pi * x), noise * x, rng)


def _scattered(parts, noise, rng):
    """Return the points of the classes with noise, and the classes, in random order."""
    X = np.concatenate(parts)
    y = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    order = check_rng(rng).permutation(len(X))
    return X[order] + noise * rng.standard_normal(X.shape), y[order]


def _noisy(y, noise, rng):
    return (y + noise * rng.standard_normal(len(y)))[:, np.newaxis]


def _check_noise(noise):
    return check_number(noise, "noise", low=0.0)
