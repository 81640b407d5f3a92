"""Each initializer has the variance that its docstring states."""

import functools

import numpy as np
import pytest
from scipy import stats

from nnbook.learning.initializers import (
    INITIALIZERS,
    constant,
    get_initializer,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    normal,
    orthogonal,
    uniform,
    zeros,
)

N_OUT, N_IN = 160, 250

NORMAL = {
    "normal": (functools.partial(normal, std=0.3), 0.09),
    "lecun": (lecun_normal, 1 / N_IN),
    "glorot": (glorot_normal, 2 / (N_IN + N_OUT)),
    "he": (he_normal, 2 / N_IN),
    "he, leak 0.5": (functools.partial(he_normal, leak=0.5), 2 / (1.25 * N_IN)),
    "he, leak 1 is lecun": (functools.partial(he_normal, leak=1.0), 1 / N_IN),
}


@pytest.mark.parametrize("name", NORMAL)
def test_normal_weights_have_the_stated_variance(name):
    init, variance = NORMAL[name]
    W = init(N_OUT, N_IN, np.random.default_rng(1))
    # for normal weights the sum of squares over the variance is chi-square with W.size degrees of
    # freedom; the interval is 3 % wide either way, and misses a right draw once in 10,000
    low, high = stats.chi2.interval(1 - 1e-4, W.size)
    assert low < np.sum(W**2) / variance < high
    assert abs(W.mean()) < 4 * np.sqrt(variance / W.size)
    assert stats.kstest(W.ravel() / np.sqrt(variance), "norm").pvalue > 1e-4


def test_the_variance_test_rejects_a_variance_six_percent_off():
    W = np.sqrt(1.06) * lecun_normal(N_OUT, N_IN, np.random.default_rng(1))
    low, high = stats.chi2.interval(1 - 1e-4, W.size)
    assert not low < np.sum(W**2) * N_IN < high


UNIFORM = {
    "uniform": (uniform, -0.05, 0.05),
    "uniform, elsewhere": (functools.partial(uniform, low=-1.0, high=0.2), -1.0, 0.2),
    "lecun": (lecun_uniform, -np.sqrt(3 / N_IN), np.sqrt(3 / N_IN)),
    "glorot": (glorot_uniform, -np.sqrt(6 / (N_IN + N_OUT)), np.sqrt(6 / (N_IN + N_OUT))),
    "he": (he_uniform, -np.sqrt(6 / N_IN), np.sqrt(6 / N_IN)),
    "he, leak 0.5": (functools.partial(he_uniform, leak=0.5),
                     -np.sqrt(6 / (1.25 * N_IN)), np.sqrt(6 / (1.25 * N_IN))),
}  # fmt: skip


@pytest.mark.parametrize("name", UNIFORM)
def test_uniform_weights_fill_their_interval_evenly(name):
    init, low, high = UNIFORM[name]
    W = init(N_OUT, N_IN, np.random.default_rng(2))
    assert low <= W.min() and W.max() <= high
    # each of the two misses a right draw once in 10,000 (the second is 4 standard deviations of
    # a mean of squares: the square of a uniform variable has the variance 4/5 of its mean squared)
    assert stats.kstest(W.ravel(), stats.uniform(low, high - low).cdf).pvalue > 1e-4
    variance = (high - low) ** 2 / 12
    away = W - (low + high) / 2
    assert abs(np.mean(away**2) / variance - 1) < 4 * np.sqrt(0.8 / W.size)


@pytest.mark.parametrize(
    ("one", "other"),
    [(lecun_normal, lecun_uniform), (glorot_normal, glorot_uniform), (he_normal, he_uniform)],
)
def test_the_two_laws_of_one_name_have_one_variance(one, other):
    W, V = (init(N_OUT, N_IN, np.random.default_rng(3)) for init in (one, other))
    # the ratio has a standard deviation of 0.8 %: 4 of them
    assert W.var() / V.var() == pytest.approx(1, abs=0.034)


@pytest.mark.parametrize("name", ["lecun", "glorot", "he", "he, leak 0.5"])
@pytest.mark.parametrize("law", ["normal", "uniform"])
def test_a_kernel_multiplies_both_fans(name, law):
    init = NORMAL[name][0] if law == "normal" else UNIFORM[name][0]
    W = init(16, 10, np.random.default_rng(4), kernel=(5, 5))
    assert W.shape == (16, 10, 5, 5)
    # the same stream of numbers, scaled by the fans of the matrix that a kernel of 25 stands for
    plain = init(16 * 25, 10 * 25, np.random.default_rng(4)).ravel()[: W.size]
    np.testing.assert_allclose(W.ravel(), plain, rtol=1e-14)


def test_every_initializer_takes_a_kernel():
    for name, init in INITIALIZERS.items():
        assert init(4, 3, np.random.default_rng(0), kernel=[2]).shape == (4, 3, 2), name
        assert init(4, 3, np.random.default_rng(0), kernel=(1, 2, 3)).shape == (4, 3, 1, 2, 3)
        with pytest.raises(TypeError, match="kernel must be a tuple of lengths"):
            init(4, 3, np.random.default_rng(0), kernel=3)
        with pytest.raises(ValueError, match=r"kernel\[1\] must be at least 1"):
            init(4, 3, np.random.default_rng(0), kernel=(3, 0))
    assert constant(4, 3, value=2.0, kernel=(2, 2)).shape == (4, 3, 2, 2)


@pytest.mark.parametrize("shape", [(6, 6), (9, 4), (4, 9), (1, 5), (5, 1), (1, 1)])
@pytest.mark.parametrize("gain", [1.0, 2.5, 0.0])
def test_orthogonal_weights_are(shape, gain):
    n_out, n_in = shape
    W = orthogonal(n_out, n_in, np.random.default_rng(0), gain=gain)
    product = W.T @ W if n_out >= n_in else W @ W.T
    np.testing.assert_allclose(product, gain**2 * np.eye(min(shape)), atol=1e-14 * gain**2)


def test_orthogonal_weights_are_the_factor_whose_triangle_has_a_positive_diagonal():
    drawn = np.random.default_rng(8).standard_normal((5, 5))
    W = orthogonal(5, 5, np.random.default_rng(8))
    triangle = W.T @ drawn
    np.testing.assert_allclose(np.tril(triangle, -1), 0, atol=1e-14)
    assert (np.diagonal(triangle) > 0).all()


def test_an_orthogonal_kernel_is_an_orthogonal_matrix():
    for n_out, n_in in ((4, 3), (40, 3)):
        W = orthogonal(n_out, n_in, np.random.default_rng(0), kernel=(2, 2)).reshape(n_out, -1)
        product = W.T @ W if n_out >= 4 * n_in else W @ W.T
        np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-14)


def test_orthogonal_entries_have_the_stated_variance():
    for n_out, n_in in ((40, 25), (25, 40)):
        draws = [orthogonal(n_out, n_in, np.random.default_rng(s), gain=3.0) for s in range(50)]
        # the sum of squares is gain² times the shorter side in every draw, exactly
        assert np.mean(np.square(draws)) == pytest.approx(9 / 40, rel=1e-12)
        # and no entry is preferred: each has a mean square of 9/40, to 5 standard deviations
        mean_square = np.mean(np.square(draws), axis=0)
        assert abs(mean_square / (9 / 40) - 1).max() < 5 * np.sqrt(2 / 50)


def test_orthogonal_matrices_are_drawn_without_preference():
    # Haar measure on O(n): the first entry squared is Beta(1/2, (n-1)/2), determinants are ±1 at
    # even odds, and the trace has the moments 0, 1, 0, 3. Each test misses a right draw once in
    # 10,000 (or less: 4 standard deviations).
    n, count = 5, 4000
    rng = np.random.default_rng(1)
    Q = np.array([orthogonal(n, n, rng) for _ in range(count)])
    for i, j in ((0, 0), (n - 1, 0), (0, n - 1), (n - 1, n - 1)):
        assert stats.kstest(Q[:, i, j] ** 2, stats.beta(0.5, (n - 1) / 2).cdf).pvalue > 1e-4
        assert abs(np.mean(np.sign(Q[:, i, j]))) < 4 / np.sqrt(count)
    assert abs(np.mean(np.linalg.det(Q))) < 4 / np.sqrt(count)
    trace = np.trace(Q, axis1=1, axis2=2)
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3)):
        sample = trace**power
        assert abs(sample.mean() - moment) < 4 * sample.std() / np.sqrt(count)


def test_without_the_signs_of_r_they_would_not_be():
    rng = np.random.default_rng(1)
    first = [np.linalg.qr(rng.standard_normal((5, 5)))[0][0, 0] for _ in range(100)]
    assert abs(np.mean(np.sign(first))) > 0.5


def test_rows_are_units_of_this_layer():
    for init in INITIALIZERS.values():
        assert init(3, 5, np.random.default_rng(0)).shape == (3, 5)


def test_constants_are_constant():
    assert not zeros(3, 2).any()
    assert (constant(3, 2, value=-0.25) == -0.25).all()


def test_one_generator_gives_one_sequence():
    rng = np.random.default_rng(5)
    first, second = he_normal(3, 4, rng), he_normal(3, 4, rng)
    assert (first != second).all()
    assert (he_normal(3, 4, np.random.default_rng(5)) == first).all()


def test_legacy_draws_are_those_of_randn():
    drawn = he_normal(4, 2, np.random.RandomState(7))
    np.testing.assert_array_equal(drawn, np.random.RandomState(7).randn(4, 2) * np.sqrt(2.0 / 2))


def test_names_and_functions_are_both_initializers():
    assert get_initializer("glorot_uniform") is glorot_uniform
    assert get_initializer(he_normal) is he_normal
    with pytest.raises(ValueError, match=r"one of zeros, .*he_normal, .*; found 'xavier'"):
        get_initializer("xavier")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: he_normal(3, 4, 0), TypeError, r"rng must be a numpy.random.Generator, found int"),
        (lambda: he_normal(3, 4, None), TypeError, r"default_rng\(0\)"),
        (lambda: he_normal(3, 4, np.random), TypeError, r"rng must be"),
        (lambda: he_normal(3, 0, np.random.default_rng(0)), ValueError, "n_in must be at least 1"),
        (lambda: he_normal(3.5, 4, np.random.default_rng(0)), TypeError, "n_out must be a pos"),
        (lambda: he_normal(True, 4, np.random.default_rng(0)), TypeError, "n_out must be a pos"),
        (lambda: normal(3, 4, np.random.default_rng(0), std=-1), ValueError, "std must lie in"),
        (lambda: normal(3, 4, np.random.default_rng(0), std=np.nan), ValueError, "std must lie"),
        (lambda: normal(3, 4, np.random.default_rng(0), std="1"), TypeError, "std must be a sing"),
        (lambda: he_normal(3, 4, np.random.default_rng(0), leak=np.inf), ValueError, "leak must"),
        (lambda: he_uniform(3, 4, np.random.default_rng(0), leak=np.nan), ValueError, "leak must"),
        (lambda: uniform(3, 4, np.random.default_rng(0), low=1.0, high=0.5), ValueError, "low mu"),
        (lambda: uniform(3, 4, np.random.default_rng(0), low=-1e308, high=1e308), ValueError,
         "distance finite"),
        (lambda: uniform(3, 4, np.random.default_rng(0), low=np.nan), ValueError, "low must be"),
        (lambda: uniform(3, 4, np.random.default_rng(0), high="1"), TypeError, "high must be a"),
        (lambda: orthogonal(3, 4, np.random.default_rng(0), gain=-1.0), ValueError, "gain must"),
        (lambda: orthogonal(3, 4, None), TypeError, "rng must be"),
        (lambda: lecun_uniform(3, 0, np.random.default_rng(0)), ValueError, "n_in must be"),
        (lambda: glorot_uniform(0, 3, np.random.default_rng(0)), ValueError, "n_out must be at l"),
        (lambda: uniform(3, 4, 7), TypeError, "rng must be"),
        (lambda: constant(3, 4, value=None), TypeError, "value must be a single real number"),
        (lambda: zeros(0, 4), ValueError, "n_out must be at least 1"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_an_interval_of_one_number_is_that_number():
    assert (uniform(3, 2, np.random.default_rng(0), low=0.5, high=0.5) == 0.5).all()


def test_a_steep_leak_makes_small_weights_and_no_overflow():
    with np.errstate(all="raise"):
        assert not he_normal(3, 2, np.random.default_rng(0), leak=1e200).any()
