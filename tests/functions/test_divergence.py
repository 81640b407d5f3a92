"""Kullback-Leibler divergence from logits: identities, precision, zeros and extremes."""

import mpmath as mp
import numpy as np
import pytest

from nnbook.functions import (
    cross_entropy,
    cross_entropy_grad,
    kl_divergence,
    kl_divergence_grad,
    softmax,
)
from tests.functions import loss_reference as true

RNG = np.random.default_rng(13)
Z = RNG.normal(size=(6, 4)) * 3
Y = softmax(RNG.normal(size=(6, 4)) * 2)
LOOSE = Y * RNG.uniform(0.5, 2, (6, 1))
HARD = np.eye(4)[[0, 1, 3, 3, 2, 0]]


@pytest.mark.parametrize("y", [Y, LOOSE, HARD, softmax(Z)], ids=["soft", "loose", "hard", "equal"])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 60.0])
def test_the_value_to_50_digits(y, scale):
    with mp.workdps(60), np.errstate(all="raise"):
        exact = true.kl_divergence(Z * scale, y)
        assert true.worst(kl_divergence(Z * scale, y), exact, Z.size) <= 2


def test_it_is_cross_entropy_less_entropy():
    entropy = -np.sum(Y * np.log(Y)) / 6
    assert kl_divergence(Z, Y) == pytest.approx(cross_entropy(Z, Y) - entropy, rel=1e-13)
    assert kl_divergence(Z, HARD) == cross_entropy(Z, HARD)
    for y in (Y, LOOSE, HARD):
        np.testing.assert_array_equal(kl_divergence_grad(Z, y), cross_entropy_grad(Z, y))


def test_it_is_0_where_they_agree_and_positive_elsewhere():
    assert abs(kl_divergence(Z, softmax(Z))) < 1e-15
    assert kl_divergence([[0.0, 0.0, 0.0, 0.0]], [[0.25] * 4]) == 0
    assert (kl_divergence(Z, Y, reduction="none") > 0).all()
    np.testing.assert_allclose(kl_divergence_grad(Z, softmax(Z)), 0, atol=1e-16)


def test_reductions_and_axes():
    single = kl_divergence(Z, LOOSE, reduction="none")
    assert single.shape == (6,)
    assert kl_divergence(Z, LOOSE, reduction="sum") == pytest.approx(single.sum(), rel=1e-14)
    assert kl_divergence(Z, LOOSE) == pytest.approx(single.mean(), rel=1e-14)
    of_sum = kl_divergence_grad(Z, LOOSE, reduction="sum")
    np.testing.assert_array_equal(kl_divergence_grad(Z, LOOSE, reduction="none"), of_sum)
    np.testing.assert_allclose(kl_divergence_grad(Z, LOOSE), of_sum / 6, rtol=1e-15)
    z, y = Z.reshape(2, 3, 4), LOOSE.reshape(2, 3, 4)
    last = kl_divergence(z, y, axis=-1, reduction="none")
    np.testing.assert_allclose(last, single.reshape(2, 3), rtol=1e-14)
    turned = np.moveaxis(z, 2, 1), np.moveaxis(y, 2, 1)
    np.testing.assert_allclose(kl_divergence(*turned, reduction="none"), last, rtol=1e-14)
    np.testing.assert_allclose(
        np.moveaxis(kl_divergence_grad(*turned), 1, 2), kl_divergence_grad(z, y, axis=2), rtol=1e-13
    )


def test_extremes():
    with np.errstate(all="raise"):
        assert kl_divergence([[1000.0, 0.0]], [[0.0, 1.0]]) == 1000
        half = kl_divergence([[1000.0, 0.0]], [[0.5, 0.5]])
        assert half == pytest.approx(500 - np.log(2), rel=1e-15)
        assert kl_divergence([[-np.inf, 0.0]], [[0.0, 1.0]]) == 0
        assert kl_divergence([[-np.inf, 0.0]], [[0.5, 0.5]]) == np.inf
        assert kl_divergence([[1e308, -1e308]], [[0.75, 0.25]]) == 5e307
        assert kl_divergence([[1e308, -1e308]], [[0.0, 1.0]]) == np.inf
        assert kl_divergence([[0.0, 0.0]], [[0.0, 0.0]]) == 0
        assert np.isnan(kl_divergence([[np.nan, 0.0]], [[0.5, 0.5]]))
        assert kl_divergence([[0.0, 0.0]], [[5e-324, 1.0]]) == pytest.approx(np.log(2))
        assert kl_divergence_grad([[1000.0, 0.0]], [[0.0, 1.0]]).tolist() == [[1, -1]]


def test_dtypes_and_empty_batches():
    narrow = Z.astype(np.float32), Y.astype(np.float32)
    for f in (kl_divergence, kl_divergence_grad):
        for reduction in ("mean", "none"):
            found = f(*narrow, reduction=reduction)
            assert found.dtype == np.float32
            wide = f(*(a.astype(float) for a in narrow), reduction=reduction)
            np.testing.assert_array_equal(found, wide.astype(np.float32))
        assert f(narrow[0], Y).dtype == np.float64
        assert np.sum(f(Z[:0], Y[:0], reduction="sum")) == 0
    assert kl_divergence(Z[:0], Y[:0], reduction="none").shape == (0,)
