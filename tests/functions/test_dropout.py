"""Dropout: what is kept, its mean and variance, and that a mask belongs to both passes."""

import numpy as np
import pytest

from nnbook.functions import dropout, dropout_mask, dropout_vjp

X = np.random.default_rng(0).normal(size=(40, 30))


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_kept_entries_are_divided_by_their_probability(p):
    mask = dropout_mask(X.shape, p, np.random.default_rng(1))
    y = dropout(X, p, mask=mask)
    assert not y[~mask].any()
    np.testing.assert_allclose(y[mask], X[mask] / (1 - p), rtol=1e-15)
    np.testing.assert_array_equal(dropout_vjp(X, np.zeros_like(X), p, mask=mask), y)


def test_mean_is_x_and_variance_x_squared_p_over_1_minus_p():
    n, x = 200_000, 3.0
    for p in (0.1, 0.4, 0.8):
        y = dropout(np.full(n, x), p, rng=np.random.default_rng(int(100 * p)))
        variance = x**2 * p / (1 - p)
        assert abs(y.mean() - x) < 4 * np.sqrt(variance / n)
        fourth = p * x**4 + (1 - p) * (x / (1 - p) - x) ** 4
        assert abs(np.mean((y - x) ** 2) - variance) < 4 * np.sqrt((fourth - variance**2) / n)


def test_entries_are_dropped_independently():
    mask = dropout_mask((1000, 200), 0.3, np.random.default_rng(2))
    kept = mask - 0.7
    neighbours = np.mean(kept[:, 1:] * kept[:, :-1]) / 0.21
    rows = np.mean(kept[1:] * kept[:-1]) / 0.21
    assert max(abs(neighbours), abs(rows)) < 4 / np.sqrt(199_000)
    assert abs(mask.mean() - 0.7) < 4 * np.sqrt(0.21 / 200_000)


def test_p_0_keeps_everything_and_p_near_1_next_to_nothing():
    np.testing.assert_array_equal(dropout(X, 0.0, rng=np.random.default_rng(0)), X)
    p = 1 - 2.0**-53
    assert not dropout_mask(10_000, p, np.random.default_rng(0)).any()
    assert dropout([1.0, 2.0], p, mask=[True, False]).tolist() == [2.0**53, 0.0]


def test_the_default_drops_half():
    assert dropout([1.0], mask=[True]).tolist() == [2.0]
    assert dropout_vjp([1.0], [1.0], mask=[True]).tolist() == [2.0]


def test_rng_draws_the_mask_that_dropout_mask_draws():
    mask = dropout_mask(X.shape, 0.4, np.random.default_rng(7))
    np.testing.assert_array_equal(
        dropout(X, 0.4, rng=np.random.default_rng(7)), dropout(X, 0.4, mask=mask)
    )


def test_inference_is_the_identity_in_a_new_array():
    for y in (dropout(X, 0.9, training=False), dropout_vjp(X, X, 0.9, training=False)):
        np.testing.assert_array_equal(y, X)
        assert not np.shares_memory(y, X)
    rng = np.random.default_rng(3)
    before = rng.bit_generator.state
    np.testing.assert_array_equal(dropout(X, rng=rng, training=np.False_), X)
    dropout_vjp(X, X, rng=rng, training=False)
    assert rng.bit_generator.state == before


def test_a_dropped_infinity_is_0():
    with np.errstate(all="raise"):
        y = dropout([np.inf, np.nan, np.inf, 1.7e308], mask=[False, False, True, True])
    assert y.tolist() == [0.0, 0.0, np.inf, np.inf]


def test_dtypes_are_kept():
    mask = X > 0
    for dtype in (np.float16, np.float32, np.longdouble):
        assert dropout(X.astype(dtype), 0.1, mask=mask).dtype == dtype
    narrow = X.astype(np.float32)
    # Rounded once: the same as in float64.
    expected = (narrow.astype(float) / 0.9 * mask).astype(np.float32)
    np.testing.assert_array_equal(dropout(narrow, 0.1, mask=mask), expected)
    assert dropout_vjp(X, narrow, mask=mask).dtype == np.float64
    assert dropout_vjp(narrow, X, mask=mask).dtype == np.float64
    assert dropout([1, 2], mask=[True, True]).dtype == np.float64


def test_shapes_of_masks():
    rng = np.random.default_rng(0)
    assert dropout_mask(3, 0.5, rng).shape == (3,)
    assert dropout_mask((2, 0, 3), 0.5, rng).shape == (2, 0, 3)
    assert dropout_mask((), 0.5, rng).shape == ()
    assert dropout_mask((np.int64(2), 3), 0.5, rng).dtype == bool
    assert dropout(2.0, 0.5, mask=True) == 4.0


def test_the_message_says_which_is_missing_and_which_too_many():
    with pytest.raises(ValueError, match="either mask or rng, but neither is given"):
        dropout([1.0])
    with pytest.raises(ValueError, match="either mask or rng, but both are given"):
        dropout([1.0], mask=[True], rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="rng would draw another mask"):
        dropout_vjp([1.0], [1.0], rng=np.random.default_rng(0))
    for training in (0, None, "no"):
        with pytest.raises(TypeError, match="training must be True or False"):
            dropout([1.0], mask=[True], training=training)


def test_masks_must_be_boolean_and_of_the_shape_of_x():
    with pytest.raises(TypeError, match="mask must be boolean"):
        dropout([1.0, 2.0], mask=[1, 0])
    with pytest.raises(TypeError, match=r"mask is a masked array, .* mask\.filled\(False\)"):
        dropout([1.0, 2.0], mask=np.ma.array([True, False]))
    with pytest.raises(ValueError, match="mask and x must have the same shape"):
        dropout([[1.0, 2.0]], mask=[True, False])
    for shape in (-1, (2, -3)):
        with pytest.raises(ValueError, match="shape must not have negative lengths"):
            dropout_mask(shape, 0.5, np.random.default_rng(0))
    with pytest.raises(TypeError, match="shape must be made of integers"):
        dropout_mask((2, 3.0), 0.5, np.random.default_rng(0))
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator"):
        dropout_mask(3, 0.5, np.random)
