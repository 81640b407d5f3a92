"""Hinge loss: both labels, the kink, reductions and extremes."""

import mpmath as mp
import numpy as np
import pytest

from nnbook.functions import hinge, hinge_grad
from tests.functions.loss_reference import Exact, worst

RNG = np.random.default_rng(17)
S, Y = RNG.normal(size=(4, 3)) * 2, RNG.choice([-1.0, 1.0], (4, 3))


def test_values_by_hand():
    s, y = [2.0, 0.25, -1.0, 1.0, -3.0, 0.5], [1, 1, 1, 1, -1, -1]
    assert hinge(s, y, reduction="none").tolist() == [0, 0.75, 2, 0, 0, 1.5]
    assert hinge(s, y, reduction="sum") == 4.25
    assert hinge(s, y) == 4.25 / 6
    assert hinge_grad(s, y, reduction="sum").tolist() == [0, -1, -1, 0, 0, 1]
    assert hinge_grad(s, y, reduction="none").tolist() == [0, -1, -1, 0, 0, 1]
    np.testing.assert_array_equal(hinge_grad(s, y) * 6, [0, -1, -1, 0, 0, 1])


def test_the_value_to_50_digits():
    with mp.workdps(60), np.errstate(all="raise"):
        margins = [mp.mpf(y) * mp.mpf(s) for s, y in zip(S.flat, Y.flat, strict=True)]
        loss = [max(mp.mpf(0), 1 - m) for m in margins]
        terms = [1 + abs(m) for m in margins]
        exact = Exact(mp.fsum(loss) / 12, mp.fsum(terms) / 12)
        assert worst(hinge(S, Y), exact, 12) <= 1
        single = [Exact(a, b) for a, b in zip(loss, terms, strict=True)]
        assert worst(hinge(S, Y, reduction="none").ravel(), single, 1) <= 1


def test_it_bounds_the_share_of_wrong_signs():
    assert hinge(S, Y) >= np.mean(np.sign(S) != Y)


def test_the_kink_has_slope_0():
    assert hinge_grad([1.0, -1.0], [1, -1]).tolist() == [0, 0]
    below, above = np.nextafter(1.0, 0), np.nextafter(1.0, 2)
    assert hinge_grad([below, -below], [1, -1], reduction="sum").tolist() == [-1, 1]
    assert hinge_grad([above, -above], [1, -1], reduction="sum").tolist() == [0, 0]
    assert hinge([below], [1]) == 1 - below


def test_extremes():
    with np.errstate(all="raise"):
        assert hinge([1e308] * 4, [-1] * 4) == 1e308
        assert hinge([1e308] * 4, [-1] * 4, reduction="sum") == np.inf
        assert hinge([1e308, -1e308], [1, -1]) == 0
        assert hinge([np.inf, -np.inf], [1, 1], reduction="none").tolist() == [0, np.inf]
        assert hinge_grad([np.inf, -np.inf], [1, 1], reduction="sum").tolist() == [0, -1]
        assert hinge([5e-324], [1]) == 1
        for f in (hinge, hinge_grad):
            found = f([np.nan, 0.0], [1, 1], reduction="none")
            assert np.isnan(found[0])
            assert abs(found[1]) == 1


def test_dtypes_and_empty_batches():
    narrow = S.astype(np.float32), Y.astype(np.float32)
    for f in (hinge, hinge_grad):
        found = f(*narrow)
        assert found.dtype == np.float32
        wide = f(*(a.astype(float) for a in narrow))
        np.testing.assert_array_equal(found, wide.astype(np.float32))
        assert f(S, Y.astype(int)).dtype == np.float64
        assert np.sum(f(S[:0], Y[:0], reduction="sum")) == 0
        assert f(S[:0], Y[:0], reduction="none").shape == (0, 3)
    for y in (Y.astype(np.int8), Y.astype(int).tolist()):
        assert hinge(S, y) == hinge(S, Y)


def test_a_wrong_label_is_named_where_it_stands():
    with pytest.raises(ValueError, match=r"targets\[1, 2\] is 0.5, but a label is -1 or \+1$"):
        wrong = Y.copy()
        wrong[1, 2] = 0.5
        hinge(S, wrong)
    with pytest.raises(ValueError, match=r"is 0.0, .* \+1; turn labels 0 and 1 into them"):
        hinge([1.0, 2.0], [1.0, 0.0])
