"""Batch normalisation: statistics, running averages, training against inference."""

from fractions import Fraction

import numpy as np
import pytest

from nnbook.functions import BatchNorm, affine, affine_vjp, batch_norm, batch_norm_vjp, layer_norm

RNG = np.random.default_rng(20)
X, G = RNG.normal(size=(6, 3)) + 1, RNG.normal(size=(6, 3))
IMAGES = RNG.normal(size=(4, 3, 2, 5))
GAIN, SHIFT, MEAN = (RNG.normal(size=3) for _ in range(3))
VAR = RNG.uniform(0.5, 2, size=3)


def test_training_normalises_with_the_variance_that_divides_by_n():
    y, _, _ = batch_norm(X, GAIN, SHIFT, eps=0.1)
    expected = GAIN * (X - X.mean(0)) / np.sqrt(X.var(0) + 0.1) + SHIFT
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    y, _, _ = batch_norm(IMAGES, eps=0.0)
    np.testing.assert_allclose(y.mean((0, 2, 3)), 0, atol=1e-15)
    np.testing.assert_allclose(y.var((0, 2, 3)), 1, rtol=1e-14)


def test_running_statistics_move_by_the_momentum_and_divide_by_n_minus_1():
    result = batch_norm(X, None, None, MEAN, VAR, momentum=0.3)
    assert isinstance(result, BatchNorm)
    np.testing.assert_allclose(result.running_mean, 0.7 * MEAN + 0.3 * X.mean(0), rtol=1e-14)
    np.testing.assert_allclose(result.running_var, 0.7 * VAR + 0.3 * X.var(0, ddof=1), rtol=1e-14)
    _, mean, var = batch_norm(IMAGES, None, None, MEAN, VAR)
    np.testing.assert_allclose(mean, 0.9 * MEAN + 0.1 * IMAGES.mean((0, 2, 3)), rtol=1e-14)
    np.testing.assert_allclose(var, 0.9 * VAR + 0.1 * IMAGES.var((0, 2, 3), ddof=1), rtol=1e-14)


def test_running_statistics_start_at_the_first_batch():
    _, mean, var = batch_norm(X)
    np.testing.assert_allclose(mean, X.mean(0), rtol=1e-14)
    np.testing.assert_allclose(var, X.var(0, ddof=1), rtol=1e-14)


def test_momentum_0_and_1_are_the_old_and_the_new():
    _, mean, var = batch_norm(X, None, None, MEAN, VAR, momentum=0)
    np.testing.assert_array_equal((mean, var), (MEAN, VAR))
    _, mean, var = batch_norm(X, None, None, MEAN, VAR, momentum=1)
    np.testing.assert_array_equal((mean, var), batch_norm(X)[1:])


def test_the_running_variance_is_unbiased():
    rng = np.random.default_rng(1)
    mean, var = np.zeros(500), np.zeros(500)
    total = np.zeros(500)
    for _ in range(400):
        _, mean, var = batch_norm(3 * rng.normal(size=(2, 500)), None, None, mean, var, momentum=1)
        total += var
    # 200,000 variances of two numbers each, with mean 9 and standard deviation 9 √2.
    assert abs(total.mean() / 400 - 9) < 5 * 9 * np.sqrt(2 / 200_000)


def test_inference_uses_the_running_statistics_and_keeps_them():
    y, mean, var = batch_norm(X, GAIN, SHIFT, MEAN, VAR, training=False, eps=0.1)
    np.testing.assert_allclose(y, GAIN * (X - MEAN) / np.sqrt(VAR + 0.1) + SHIFT, rtol=1e-13)
    np.testing.assert_array_equal((mean, var), (MEAN, VAR))
    assert not np.shares_memory(mean, MEAN) and not np.shares_memory(var, VAR)
    one = batch_norm(X[:1], GAIN, SHIFT, MEAN, VAR, training=False, eps=0.1)
    np.testing.assert_array_equal(one.y, y[:1])
    nothing = batch_norm(X[:0], GAIN, SHIFT, MEAN, VAR, training=False)
    assert nothing.y.shape == (0, 3)


def test_inference_without_variance():
    zero = np.zeros(3)
    x = np.array([[0.0, 1.0, -1.0]])
    y, _, _ = batch_norm(x, None, SHIFT, zero, zero, training=False, eps=0.0)
    assert y[0, 0] == SHIFT[0]
    assert y[0, 1:].tolist() == [np.inf, -np.inf]
    y, _, _ = batch_norm(x, None, SHIFT, zero, np.full(3, np.inf), training=False)
    np.testing.assert_array_equal(y[0], SHIFT)


def test_statistics_keep_their_digits_far_from_0():
    x = 1e8 + np.array([[1.0], [-1.0], [1.0], [-1.0]])
    y, mean, var = batch_norm(x, eps=0.0)
    assert y.ravel().tolist() == [1.0, -1.0, 1.0, -1.0]
    assert mean.tolist() == [1e8]
    assert var.tolist() == [pytest.approx(4 / 3, rel=1e-15)]


@pytest.mark.parametrize("factor", [1e300, 1e-300, 1e-150])
def test_statistics_of_extreme_scales(factor):
    x = RNG.normal(size=(50, 4)) * factor
    with np.errstate(all="raise"):
        y, mean, var = batch_norm(x, eps=0.0)
    exact = [Fraction(float(v)) for v in x[:, 0]]
    true = sum(exact) / 50
    assert abs(Fraction(float(mean[0])) - true) <= Fraction(1, 2**50) * abs(Fraction(factor))
    np.testing.assert_allclose(y, layer_norm(x.T, eps=0.0).T, rtol=1e-14, atol=1e-15)
    squares = sum((v - true) ** 2 for v in exact) / 49
    if factor == 1e-150:
        assert float(var[0]) == pytest.approx(float(squares), rel=1e-14)
    else:
        assert var[0] == (np.inf if factor > 1 else 0)


def test_the_mean_is_rounded_once():
    x = RNG.uniform(1, 2, size=(999, 40))
    _, means, _ = batch_norm(x)
    for column, mean in zip(x.T, means, strict=True):
        true = sum(Fraction(float(v)) for v in column) / 999
        assert abs(Fraction(float(mean)) - true) <= Fraction(0.6) * Fraction(np.spacing(mean))


def test_the_message_names_the_first_negative_variance():
    with pytest.raises(ValueError, match=r"running_var\[1\] is -1.0"):
        batch_norm(X, None, None, MEAN, [0.5, -1.0, -2.0])


def test_statistics_come_in_pairs_and_inference_needs_them():
    with pytest.raises(ValueError, match="running_var is missing, but running_mean is given"):
        batch_norm(X, None, None, MEAN)
    with pytest.raises(ValueError, match="running_mean is missing, but running_var is given"):
        batch_norm(X, None, None, None, VAR)
    with pytest.raises(ValueError, match="are needed when training is False"):
        batch_norm(X, training=False)
    for training in (0, None):
        with pytest.raises(TypeError, match="training must be True or False"):
            batch_norm(X, training=training)
    with pytest.raises(ValueError, match="an empty batch"):
        batch_norm(X[:0])
    for momentum in (-0.1, 1.1):
        with pytest.raises(ValueError, match="momentum must lie in"):
            batch_norm(X, momentum=momentum)
    with pytest.raises(ValueError, match=r"x must have shape \(N, C\)"):
        batch_norm(X[0])


def test_cotangents_of_statistics_have_one_entry_a_channel():
    for g in ((None, np.ones(2), None), (None, None, np.ones((3, 1)))):
        with pytest.raises(ValueError, match=r"g\[[12]\] must have shape \(3,\)"):
            batch_norm_vjp(g, IMAGES)
    with pytest.raises(ValueError, match="but has 2"):
        batch_norm_vjp((G, None), X)


def test_equal_entries_give_exactly_the_shift():
    for eps in (0.0, 1e-5):
        y, mean, var = batch_norm(np.full((10, 3), 0.1), GAIN, SHIFT, eps=eps)
        np.testing.assert_array_equal(y, np.broadcast_to(SHIFT, (10, 3)))
        assert mean.tolist() == [0.1] * 3
        assert var.tolist() == [0.0] * 3
    assert np.isnan(batch_norm_vjp(G, np.full((6, 3), 0.1), eps=0.0)[0]).all()


def test_gradient_of_inference_is_a_factor_a_channel():
    x_bar, gain_bar, shift_bar, mean_bar, var_bar = batch_norm_vjp(
        G, X, GAIN, SHIFT, MEAN, VAR, training=False, eps=0.1
    )
    root = np.sqrt(VAR + 0.1)
    normal = (X - MEAN) / root
    np.testing.assert_allclose(x_bar, G * GAIN / root, rtol=1e-14)
    np.testing.assert_allclose(gain_bar, np.sum(G * normal, 0), rtol=1e-13)
    np.testing.assert_allclose(shift_bar, G.sum(0), rtol=1e-14)
    np.testing.assert_allclose(mean_bar, -np.sum(G, 0) * GAIN / root, rtol=1e-13)
    np.testing.assert_allclose(var_bar, -np.sum(G * normal, 0) * GAIN / (2 * root**2), rtol=1e-13)


def test_gradient_of_training_sums_to_0_and_is_orthogonal_to_x():
    x_bar, *_ = batch_norm_vjp(G, X, GAIN, eps=0.0)
    np.testing.assert_allclose(x_bar.sum(0), 0, atol=1e-14)
    np.testing.assert_allclose(np.sum(x_bar * X, 0), 0, atol=1e-14)
    # In training y does not look at the running statistics.
    statistics = batch_norm_vjp(G, X, GAIN, SHIFT, MEAN, VAR)[3:]
    np.testing.assert_array_equal(statistics, np.zeros((2, 3)))


def test_gradients_of_the_running_statistics():
    g_mean, g_var = RNG.normal(size=3), RNG.normal(size=3)
    given = (X, None, None, MEAN, VAR)
    x_bar, _, _, mean_bar, var_bar = batch_norm_vjp((None, g_mean, g_var), *given, momentum=0.3)
    expected = 0.3 * g_mean / 6 + 0.3 * 2 * g_var * (X - X.mean(0)) / 5
    np.testing.assert_allclose(x_bar, expected, rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(mean_bar, 0.7 * g_mean, rtol=1e-15)
    np.testing.assert_allclose(var_bar, 0.7 * g_var, rtol=1e-15)
    x_bar, _, _, mean_bar, _ = batch_norm_vjp((None, g_mean, None), *given)
    np.testing.assert_allclose(x_bar, np.tile(0.1 * g_mean / 6, (6, 1)), rtol=1e-14)
    np.testing.assert_allclose(mean_bar, 0.9 * g_mean, rtol=1e-15)
    x_bar, *_ = batch_norm_vjp((None, g_mean, None), X)
    np.testing.assert_allclose(x_bar, np.tile(g_mean / 6, (6, 1)), rtol=1e-14)
    x_bar, *rest = batch_norm_vjp((None, g_mean, g_var), *given, training=False)
    assert not x_bar.any()
    np.testing.assert_array_equal(rest[2:], (g_mean, g_var))


def test_a_tuple_and_its_first_entry_alone_are_the_same():
    one = batch_norm_vjp(G, X, GAIN, SHIFT, MEAN, VAR)
    other = batch_norm_vjp((G, None, None), X, GAIN, SHIFT, MEAN, VAR)
    zeros = batch_norm_vjp((G, np.zeros(3), np.zeros(3)), X, GAIN, SHIFT, MEAN, VAR)
    for a, b, c in zip(one, other, zeros, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, c, rtol=1e-13, atol=1e-15)


def test_what_was_not_given_has_no_gradient():
    assert batch_norm_vjp(G, X)[1:] == (None, None, None, None)
    assert [a is None for a in batch_norm_vjp(G, X, GAIN)] == [False, False, True, True, True]


def test_the_scale_of_the_weights_before_it_does_not_matter():
    # Equation 18.3: BN(αWx) = BN(Wx), so W's gradient is orthogonal to each of its rows, and
    # shrinks as the weights grow.
    A, W, b = RNG.normal(size=(8, 4)), RNG.normal(size=(3, 4)), np.zeros(3)
    g = RNG.normal(size=(8, 3))

    def weight_gradient(W):
        y = batch_norm(affine(A, W, b), eps=0.0).y
        Z_bar = batch_norm_vjp(g, affine(A, W, b), eps=0.0)[0]
        return y, affine_vjp(Z_bar, A, W, b)[1]

    y, W_bar = weight_gradient(W)
    y_scaled, scaled = weight_gradient(5 * W)
    np.testing.assert_allclose(y_scaled, y, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(np.sum(W_bar * W, axis=1), 0, atol=1e-13)
    np.testing.assert_allclose(5 * scaled, W_bar, rtol=1e-10, atol=1e-13)


def test_epsilon_is_one_hundred_thousandth_inside_the_root():
    x = np.array([[-1.0], [1.0]])
    assert batch_norm(x).y[1, 0] == pytest.approx(1 / np.sqrt(1 + 1e-5), rel=1e-15)
    found = batch_norm_vjp(x, x)[0][1, 0]
    assert found == pytest.approx(1e-5 / (1 + 1e-5) ** 1.5, rel=1e-9)
    y = batch_norm(x, None, None, [0.0], [3.0], training=False, eps=1.0).y
    assert y.ravel().tolist() == [-0.5, 0.5]


@pytest.mark.parametrize("training", [True, False])
def test_float32_is_computed_in_float64_and_rounded_once(training):
    arrays = [a.astype(np.float32) for a in (X + 1000, GAIN, SHIFT, MEAN, VAR)]
    wide = [a.astype(np.float64) for a in arrays]
    pairs = list(
        zip(
            batch_norm(*arrays, training=training),
            batch_norm(*wide, training=training),
            strict=True,
        )
    )
    g = G.astype(np.float32)
    pairs += zip(
        batch_norm_vjp(g, *arrays, training=training),
        batch_norm_vjp(g.astype(float), *wide, training=training),
        strict=True,
    )
    for found, expected in pairs:
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected.astype(np.float32))


def test_dtypes_of_the_cotangents_count():
    x = X.astype(np.float32)
    assert batch_norm_vjp(G, x)[0].dtype == np.float64
    g_mean = np.ones(3)
    assert batch_norm_vjp((G.astype(np.float32), g_mean, None), x)[0].dtype == np.float64
    assert batch_norm_vjp((None, g_mean.astype(np.float32), None), x)[0].dtype == np.float32
    assert batch_norm(x, GAIN).running_mean.dtype == np.float64


@pytest.mark.parametrize("shape", [(4, 0), (4, 0, 3), (1, 0), (0, 0)])
def test_no_channels(shape):
    y, mean, var = batch_norm(np.zeros(shape))
    assert (y.shape, mean.shape, var.shape) == (shape, (0,), (0,))


def test_two_positions_of_one_example_are_a_batch():
    y, _, _ = batch_norm([[[1.0, 3.0]]], eps=0.0)
    assert y.tolist() == [[[-1.0, 1.0]]]
    with pytest.raises(ValueError, match="training needs at least two values a channel"):
        batch_norm([[[1.0]]])
    with pytest.raises(ValueError, match="training needs at least two values a channel"):
        batch_norm_vjp([[1.0]], [[1.0]])


def test_nan_and_infinity_spoil_their_own_channel_alone():
    x = X.copy()
    x[0, 1] = np.inf
    with np.errstate(all="raise"):
        y, mean, var = batch_norm(x)
    assert np.isnan(y[:, 1]).all() and np.isfinite(y[:, [0, 2]]).all()
    assert np.isnan(var[1]) and np.isfinite(mean[[0, 2]]).all()


def test_nan_in_a_running_variance_is_not_hidden_by_an_entry_that_is_the_mean():
    y, *_ = batch_norm([[1.0, 1.0]], None, None, [1.0, 1.0], [np.nan, 0.0], training=False, eps=0)
    np.testing.assert_array_equal(y, [[np.nan, 0.0]])
