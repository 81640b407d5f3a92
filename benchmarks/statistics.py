"""Medians of ratios, and how far they may be trusted."""

import math
from statistics import median
from typing import NamedTuple


class Ratio(NamedTuple):
    """A median of per-round ratios with an interval that holds it 95 times in 100."""

    median: float
    low: float
    high: float

    def __str__(self):
        return f"{figures(self.median)} [{figures(self.low)}, {figures(self.high)}]"


def figures(value):
    """Return a number with as many digits as it deserves.

    >>> figures(0.8125), figures(3.456), figures(28.44), figures(1234.4)
    ('0.81', '3.46', '28.4', '1234')
    """
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


def ratio(theirs, ours):
    """Compare times of the same rounds; rounds pair what the machine did to both.

    >>> ratio([2.0, 4.0, 6.0], [1.0, 2.0, 2.0])
    Ratio(median=2.0, low=2.0, high=3.0)
    """
    ratios = sorted(a / b for a, b in zip(theirs, ours, strict=True))
    k = outermost(len(ratios))
    return Ratio(median(ratios), ratios[k], ratios[-1 - k])


def outermost(n, confidence=0.95):
    """Return how many values to drop at each end of n for an interval of the median.

    The median of any distribution lies between the k-th smallest and the k-th largest of n draws
    unless fewer than k fell on one side, and that has the chance of a fair coin. Of five draws or
    fewer not even the outermost two make 95 per cent; they are given all the same.

    >>> [outermost(n) for n in (3, 6, 10, 20)]
    [0, 0, 1, 5]
    """
    below, k = 0.0, 0
    while k < n // 2:
        below += math.comb(n, k) / 2**n
        if 2 * below > 1 - confidence:
            break
        k += 1
    return max(0, k - 1)
