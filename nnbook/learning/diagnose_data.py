r"""The rules of `diagnose` that look at the data and their order alone, before any network.

The thresholds stand first, each with its reason.
"""

import math
from collections import Counter
from typing import NamedTuple

import numpy as np

TOO_LARGE = 20.0
"""Root mean square of a feature. Initial variances suppose about 1, equation 10.1; standardised
features have exactly 1, grey values in [0, 1] less. At 20 the first Z is 20 times too large."""

LARGE = 3.0
"""The same, where the first loss is `SURPRISED` too."""

SURPRISED = 3.0
"""First loss over ln K, equation 19.1. A network that is drawn well starts close to knowing
nothing; three times that is being sure, and wrong."""

TOO_UNEQUAL = 30.0
"""Largest over median root mean square of the features. The largest eigenvalue grows with the
square of the largest feature: at 30 the others learn 900 times more slowly."""

COPIED = 0.02
"""Share of validation examples that occur in training, above the share of training examples that
occur twice there. Real numbers measured independently do not coincide."""

TELLING = 0.98
"""Share of one feature's variance that lies between the classes. At 0.98 the classes are seven
standard deviations apart or more: no honest measurement separates them so, alone."""

KEPT = 0.4
"""Share of neighbours in the order of one epoch that were neighbours in the epoch before. Of fresh
permutations about 1/N; of batches of two that stay together, half."""

SORTED = 0.5
"""Changes of class along the order, over their expected number :math:`(N-1)(1 - \\sum_k p_k^2)`.
A random order has 1, give or take :math:`1/\\sqrt N`."""

FEW = 8
"""Examples below which orders repeat, or classes come sorted, by chance."""


class Finding(NamedTuple):
    """One rule that was broken.

    Attributes
    ----------
    fault : str
        A key of `nnbook.learning.faults.FAULTS`.
    measured, threshold : float
        The number, and the one that it must not pass.
    because : str
        Both, in words.
    equation : str
        Number of the equation behind it.
    suggestion : str
        What to change.
    """

    fault: str
    measured: float
    threshold: float
    because: str
    equation: str
    suggestion: str


def _data_not_finite(r):
    for name, X in (("X", r.X), ("X_validation", r.X_validation)):
        count = int(np.count_nonzero(~np.isfinite(X)))
        if count:
            row, column = np.argwhere(~np.isfinite(X))[0]
            return Finding(
                "nan", count, 0, f"{name} holds {count} values that are no finite numbers, the "
                f"first {X[row, column]} in row {row}, column {column}", "19.1",
                "Find where they arise: a missing value, the logarithm of 0, or a division by the "
                "standard deviation of a constant feature.")
    return None


def _scale(r):
    if not finite(r):
        return None
    top = np.maximum(np.abs(r.X).max(axis=0), np.finfo(float).tiny)
    sizes = top * np.sqrt(np.mean((r.X / top) ** 2, axis=0))
    varied = sizes[np.ptp(r.X, axis=0) > 0]
    largest, median = sizes.max(), np.median(varied) if varied.size else np.inf
    column = int(sizes.argmax())
    suggestion = "Standardise: subtract each feature's mean, divide by its standard deviation."
    if largest > TOO_LARGE:
        return Finding("scale", largest, TOO_LARGE, f"feature {column} has the root mean square "
                       f"{largest:.3g}, above {TOO_LARGE:g}, where weights expect 1", "10.1",
                       suggestion)
    surprise = r.history["loss"][0] / knows_nothing(r)
    if median > LARGE and surprise > SURPRISED:
        return Finding("scale", surprise, SURPRISED, f"the first loss is {surprise:.3g} ln K, "
                       f"above {SURPRISED:g}, and the features' root mean square {median:.3g}, "
                       f"above {LARGE:g}", "19.1", suggestion)
    if largest > TOO_UNEQUAL * median:
        return Finding("scale", largest / median, TOO_UNEQUAL, f"feature {column} is "
                       f"{largest / median:.3g} times the median feature, above {TOO_UNEQUAL:g}",
                       "10.1", suggestion)
    return None


def _copies(r):
    if not finite(r):
        return None
    train = Counter(row.tobytes() for row in r.X + 0.0)  # + 0.0 makes one of -0.0 and 0.0
    twice = sum(count for count in train.values() if count > 1) / len(r.X)
    copied = np.mean([row.tobytes() in train for row in r.X_validation + 0.0]) - twice
    if copied <= COPIED:
        return None
    return Finding("leak", copied, COPIED, f"{copied:.0%} of the validation examples occur in "
                   f"training, above {COPIED:.0%}", "17.1",
                   "Split before anything is copied or augmented, and split again.")


def _label_among_features(r):
    if not finite(r):
        return None
    y = r.Y.ravel()
    if len(y) < FEW * len(np.unique(y)):
        return None
    X = r.X / np.maximum(np.abs(r.X).max(axis=0), np.finfo(float).tiny)  # squares in range
    total = X.var(axis=0)
    within = sum(np.mean(y == k) * X[y == k].var(axis=0) for k in np.unique(y))
    varied = np.ptp(X, axis=0) > 0  # the variance of a constant may round to more than 0
    share = np.zeros(X.shape[1])
    share[varied] = 1 - within[varied] / total[varied]
    column = int(share.argmax())
    if share[column] <= TELLING:
        return None
    return Finding("leak", share[column], TELLING, f"{share[column]:.4f} of the variance of "
                   f"feature {column} lies between the classes, above {TELLING:g}: alone it tells "
                   "them", "17.1", "Ask how that feature came about; the label may be in it.")


def _targets_elsewhere(r):
    apart = np.mean(r.Y.ravel()[r.orders] != r.Y.ravel()[r.target_orders])
    if apart == 0:
        return None
    return Finding("stale shuffle", apart, 0, f"{apart:.0%} of the examples came with another "
                   "class than theirs, which none should", "12.1",
                   "Draw one permutation, and index examples and targets by it.")


def _order_repeats(r):
    N = r.orders.shape[1]
    if len(r.orders) < 2 or r.batch_size >= N or N < FEW:
        return None
    kept = np.mean([_neighbours_kept(a, b) for a, b in zip(r.orders, r.orders[1:], strict=False)])
    if kept <= KEPT:
        return None
    return Finding("stale shuffle", kept, KEPT, f"{kept:.0%} of neighbours were neighbours in the "
                   f"epoch before, above {KEPT:.0%}", "12.1",
                   "Draw a permutation of the examples inside the loop over epochs.")


def _neighbours_kept(before, after):
    place = np.argsort(before)
    return np.mean(np.diff(place[after]) == 1)


def _order_sorts(r):
    y, N = r.Y.ravel(), r.orders.shape[1]
    if r.batch_size >= N or N < FEW:
        return None
    p = np.unique(y, return_counts=True)[1] / N
    expected = (N - 1) * (1 - np.sum(p**2))
    changes = np.mean(np.count_nonzero(np.diff(y[r.target_orders], axis=1), axis=1))
    if expected == 0 or changes >= SORTED * expected:
        return None
    return Finding("stale shuffle", changes / expected, SORTED, "along the order the class changes "
                   f"{changes:.0f} times, below {SORTED:g} of the {expected:.0f} expected", "12.1",
                   "Shuffle: sorted by class, a batch's gradient is that of one class.")


def finite(r):
    """Return whether all features are finite numbers."""
    return bool(np.isfinite(r.X).all() and np.isfinite(r.X_validation).all())


def knows_nothing(r):
    """Return the loss of equal probabilities, ln K."""
    return math.log(max(2, np.size(r.start[-1][1])))


DATA_RULES = (
    _data_not_finite, _scale, _copies, _label_among_features, _targets_elsewhere, _order_repeats,
    _order_sorts,
)
