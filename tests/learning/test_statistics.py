"""Wilson's interval, the standard error and McNemar's test against SciPy and exact sums."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from nnbook.learning.statistics import accuracy_standard_error, mcnemar_exact, wilson_interval


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 50), (50, 50), (3, 10), (635, 1000)])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_wilson_is_scipys(k, n, confidence):
    expected = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert wilson_interval(k, n, confidence) == pytest.approx(tuple(expected), abs=1e-13)


def test_wilsons_ends_are_just_not_refuted():
    # what the interval is, rather than its formula: |k/n - p| = z sqrt(p(1-p)/n) at both ends
    z = stats.norm.ppf(0.975)
    for p in wilson_interval(635, 1000):
        assert abs(0.635 - p) == pytest.approx(z * math.sqrt(p * (1 - p) / 1000), rel=1e-9)


@pytest.mark.parametrize("n", [1, 7, 1000, 10**9])
def test_wilson_stays_within_zero_and_one_and_mirrors(n):
    for k in {0, 1, n // 2, n - 1, n}:
        low, high = wilson_interval(k, n)
        assert 0 <= low <= k / n <= high <= 1
        assert low < high
        mirrored = wilson_interval(n - k, n)
        assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-12)
    assert wilson_interval(0, n)[0] == 0 and wilson_interval(n, n)[1] == 1


def test_standard_error_is_the_spread_of_an_accuracy():
    # exact binomial variance of k/n at p = 3/4, n = 20, against the formula at k = 15
    n, p = 20, Fraction(3, 4)
    weights = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    variance = sum(w * (Fraction(k, n) - p) ** 2 for k, w in enumerate(weights))
    assert accuracy_standard_error(15, 20) == pytest.approx(math.sqrt(variance), rel=1e-14)
    assert accuracy_standard_error(0, 20) == accuracy_standard_error(20, 20) == 0


@pytest.mark.parametrize(("b", "c"), itertools.product([0, 1, 5, 9], [0, 3, 12]))
def test_mcnemar_is_the_exact_binomial_test(b, c):
    first = np.array([True] * b + [False] * c + [True] * 4 + [False] * 2)
    second = np.array([False] * b + [True] * c + [True] * 4 + [False] * 2)
    result = mcnemar_exact(first, second)
    assert result[:2] == (b, c)
    expected = 1.0 if b + c == 0 else stats.binomtest(b, b + c, 0.5).pvalue
    assert result.p_value == pytest.approx(expected, rel=1e-12)
    assert mcnemar_exact(second, first).p_value == result.p_value


def test_mcnemar_survives_many_disagreements():
    first = np.arange(4000) % 2 == 0
    assert 0 < mcnemar_exact(first, ~first).p_value <= 1
    first = np.ones(4000, bool)
    assert mcnemar_exact(first, ~first).p_value == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: wilson_interval(11, 10), ValueError, "successes must not exceed trials, found 11"),
        (lambda: wilson_interval(-1, 10), ValueError, "successes must be at least 0"),
        (lambda: wilson_interval(0, 0), ValueError, "trials must be at least 1"),
        (lambda: wilson_interval(0.97, 450), TypeError, "successes must be an integer, got 0.97"),
        (lambda: wilson_interval(5, 10, 95), ValueError, r"confidence must lie in \(0, 1\)"),
        (lambda: wilson_interval(5, 10, 0), ValueError, "confidence must lie in"),
        (lambda: accuracy_standard_error(5, 4), ValueError, "successes must not exceed"),
        (lambda: mcnemar_exact([1, 0], [0, 1]), TypeError, "first_right must hold True and False"),
        (lambda: mcnemar_exact([True], [True, False]), ValueError, r"found \(1,\) and \(2,\)"),
        (lambda: mcnemar_exact(np.ones((2, 2), bool), np.ones((2, 2), bool)), ValueError, "length"),
        (lambda: mcnemar_exact(np.ones(0, bool), np.ones(0, bool)), ValueError, "one length"),
    ],
)
def test_bad_counts_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
