"""True values of the losses: 60 digits by mpmath, from the definitions, beside Σ|terms|.

Each function takes arrays of two axes and returns mpf's; `Exact` holds a value and the sum of its
terms made positive, in which an error is counted.
"""

from typing import NamedTuple

import mpmath as mp
import numpy as np

EPSILON = {"float64": mp.mpf(2) ** -52, "float32": mp.mpf(2) ** -23}


class Exact(NamedTuple):
    value: mp.mpf
    terms: mp.mpf


def numbers(array):
    """Return the entries of a matrix as mpf's, exactly."""
    return [[mp.mpf(float(x)) for x in row] for row in np.asarray(array)]


def nats(row):
    """Return -log softmax of a row; the largest entry's own 1 is kept apart."""
    top = max(row)
    rest = mp.fsum(mp.exp(x - top) for x in row) - 1
    if rest < mp.mpf(10) ** -30:
        rest = mp.fsum(sorted(mp.exp(x - top) for x in row)[:-1])
    return [mp.log1p(rest) - (x - top) for x in row]


def coefficients(targets, classes, weights=None, ignore_index=None, label_smoothing=0.0):
    """Return c = w y' of each example, and the divisor of the mean."""
    w = [mp.mpf(float(x)) for x in (np.ones(classes) if weights is None else weights)]
    e = mp.mpf(label_smoothing)
    if np.ndim(targets) == 1:
        kept = [t != ignore_index for t in targets]
        y = [[mp.mpf(int(t == k)) for k in range(classes)] for t in targets]
        divisor = mp.fsum(w[t] for t, keep in zip(targets, kept, strict=True) if keep)
    else:
        y, kept, divisor = numbers(targets), [True] * len(targets), mp.mpf(len(targets))
    c = [
        [w[k] * ((1 - e) * row[k] + e / classes) if keep else mp.mpf(0) for k in range(classes)]
        for row, keep in zip(y, kept, strict=True)
    ]
    return c, divisor


def cross_entropy(z, targets, **options):
    """Return the mean, as an `Exact`."""
    c, divisor = coefficients(targets, z.shape[1], **options)
    total = mp.fsum(
        a * b for row, cs in zip(numbers(z), c, strict=True)
        for a, b in zip(cs, nats(row), strict=True) if a
    )  # fmt: skip
    return Exact(total / divisor, total / divisor)


def cross_entropy_grad(z, targets, **options):
    """Return an (N, K) list of lists of `Exact`."""
    c, divisor = coefficients(targets, z.shape[1], **options)
    found = []
    for row, cs in zip(numbers(z), c, strict=True):
        p, total = [mp.exp(-x) for x in nats(row)], mp.fsum(cs)
        found.append([
            Exact(
                (p[k] * (total - cs[k]) - cs[k] * mp.fsum(p[:k] + p[k + 1 :])) / divisor,
                (p[k] * total + cs[k]) / divisor,
            )
            for k in range(len(row))
        ])  # fmt: skip
    return found


def cross_entropy_hess(z, targets, **options):
    """Return an (N, K, K) nest of `Exact`."""
    c, divisor = coefficients(targets, z.shape[1], **options)
    found = []
    for row, cs in zip(numbers(z), c, strict=True):
        p, total = [mp.exp(-x) for x in nats(row)], mp.fsum(cs) / divisor
        one = [
            [
                Exact(total * p[j] * mp.fsum(p[:j] + p[j + 1 :]), total * (p[j] + p[j] ** 2))
                if j == k
                else Exact(-total * p[j] * p[k], total * p[j] * p[k])
                for k in range(len(row))
            ]
            for j in range(len(row))
        ]
        found.append(one)
    return found


def kl_divergence(z, y):
    """Return the mean; each logarithm is a term."""
    value, terms = [], []
    for row, shares in zip(numbers(z), numbers(y), strict=True):
        for share, cost in zip(shares, nats(row), strict=True):
            if share:
                value.append(share * (mp.log(share) + cost))
                terms.append(share * (abs(mp.log(share)) + cost))
    return Exact(mp.fsum(value) / len(z), mp.fsum(terms) / len(z))


def worst(found, exact, count, epsilon=EPSILON["float64"]):
    """Return the largest error of an array in units of ε √count Σ|terms|."""
    if isinstance(exact, Exact):
        error = abs(mp.mpf(float(found)) - exact.value)
        unit = epsilon * mp.sqrt(count) * exact.terms + mp.mpf(2) ** -1074
        return float(error / unit)
    return max(worst(f, e, count, epsilon) for f, e in zip(found, exact, strict=True))
