r"""Statistics: how sure a count makes us.

A success rate over seeds and an accuracy on a test set are both k successes in n trials. Here are
the standard error and Wilson's interval for one such count, and McNemar's exact test for two
classifiers on the same examples.
"""

import math
from typing import NamedTuple

import numpy as np

from nnbook.functions._validate import check_count, check_number


class McNemar(NamedTuple):
    """Disagreements of two classifiers, and the two-sided exact p-value."""

    only_first: int
    only_second: int
    p_value: float


def accuracy_standard_error(successes, trials):
    r"""Compute the standard error of an accuracy p = k/n, :math:`\sqrt{p(1-p)/n}`.

    Parameters
    ----------
    successes : int
        k, the number of right answers.
    trials : int
        n ≥ 1, the number of independent answers.

    Returns
    -------
    float
        Dimensionless, like the accuracy. It is 0 at k = 0 and k = n, where it must not be believed;
        `wilson_interval` stays honest there.

    Examples
    --------
    Of 450 pictures 438 right, 97.3 %, is known to about 0.8 percentage points:

    >>> print(f"{accuracy_standard_error(438, 450):.4f}")
    0.0076
    """
    k, n = _check_success(successes, trials)
    return math.sqrt(k * (n - k) / n) / n


def wilson_interval(successes, trials, confidence=0.95):
    r"""Compute Wilson's score interval for a success rate, from k successes in n trials.

    It holds the rates p that the count does not refute, those with
    :math:`|k/n - p| \le z\sqrt{p(1-p)/n}`. The ends are the roots of a quadratic:

    .. math:: \frac{k + z^2/2}{n + z^2} \pm
              \frac{z}{n + z^2}\sqrt{\frac{k(n-k)}{n} + \frac{z^2}{4}}

    Parameters
    ----------
    successes : int
        k.
    trials : int
        n ≥ 1, independent trials of one rate.
    confidence : float, default 0.95
        Nominal probability of covering the rate, in (0, 1); z is the normal quantile of
        (1 + confidence)/2.

    Returns
    -------
    low, high : float
        Within [0, 1], and k/n between them.

    References
    ----------
    .. [1] Wilson, Probable inference, the law of succession, and statistical inference, JASA
       22(158), 1927, :doi:`10.1080/01621459.1927.10502953`.
    .. [2] Brown, Cai & DasGupta, Interval estimation for a binomial proportion, Statistical
       Science 16(2), 2001, :doi:`10.1214/ss/1009213286`.

    Examples
    --------
    >>> print("{:.3f} to {:.3f}".format(*wilson_interval(635, 1000)))
    0.605 to 0.664

    All of 1,000 is not certainty:

    >>> print("{:.4f} to {:.4f}".format(*wilson_interval(1000, 1000)))
    0.9962 to 1.0000
    """
    from statistics import NormalDist

    k, n = _check_success(successes, trials)
    confidence = check_number(confidence, "confidence", 0.0, 1.0, closed_low=False)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(k * (n - k) / n + z * z / 4)
    # the exact ends at k = 0 and k = n are 0 and 1; the difference of roundings may miss them
    low = 0.0 if k == 0 else middle - half
    high = 1.0 if k == n else middle + half
    return low, high


def mcnemar_exact(first_right, second_right):
    r"""Test whether two classifiers are equally good, by McNemar's exact test.

    Both have been tried on the same examples. Those on which both are right or both wrong say
    nothing about the difference. Of the m = b + c others the first alone is right on b. If the two
    were equally good, b would be binomial(m, ½); the p-value is that of a split at least as uneven,
    :math:`\min(1,\, 2\,P[B \le \min(b, c)])`.

    Parameters
    ----------
    first_right, second_right : array_like of bool, shape (n,)
        Whether each classifier was right on each example, in the same order.

    Returns
    -------
    McNemar
        ``only_first`` (b), ``only_second`` (c) and ``p_value``.

    Raises
    ------
    ValueError, TypeError
        If the two are not one-dimensional, of equal length and boolean.

    Notes
    -----
    The p-value speaks of these two trained classifiers. Another training run gives others.

    References
    ----------
    .. [1] McNemar, Note on the sampling error of the difference between correlated proportions or
       percentages, Psychometrika 12(2), 1947, :doi:`10.1007/BF02295996`.

    Examples
    --------
    Eight disagreements, seven of them in favour of the second:

    >>> first = np.array([True] + [False] * 7 + [True] * 442)
    >>> second = np.array([False] + [True] * 449)
    >>> mcnemar_exact(first, second)
    McNemar(only_first=1, only_second=7, p_value=0.0703125)
    """
    first, second = np.asarray(first_right), np.asarray(second_right)
    for name, right in (("first_right", first), ("second_right", second)):
        if right.dtype != bool:
            raise TypeError(
                f"{name} must hold True and False, found {right.dtype}; "
                "compare first: predictions == labels"
            )
    if first.ndim != 1 or first.shape != second.shape or first.size == 0:
        raise ValueError(
            "first_right and second_right must be of one length, one entry an example, "
            f"found {first.shape} and {second.shape}"
        )
    b = int(np.count_nonzero(first & ~second))
    c = int(np.count_nonzero(second & ~first))
    # whole numbers throughout, one rounding at the end
    tail = sum(math.comb(b + c, i) for i in range(min(b, c) + 1))
    return McNemar(b, c, min(1.0, 2 * tail / 2 ** (b + c)))


def _check_success(successes, trials):
    n = check_count(trials, "trials")
    k = check_count(successes, "successes", minimum=0)
    if k > n:
        raise ValueError(f"successes must not exceed trials, found {k} of {n}")
    return k, n
