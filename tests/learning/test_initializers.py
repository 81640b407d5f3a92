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
    lecun_normal,
    normal,
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


def test_glorot_uniform_fills_its_interval_evenly():
    W = glorot_uniform(N_OUT, N_IN, np.random.default_rng(2))
    bound = np.sqrt(6 / (N_IN + N_OUT))
    assert abs(W).max() <= bound
    assert stats.kstest(W.ravel(), stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-4
    # the square of a uniform variable has the variance 4/5 of its mean squared
    variance = 2 / (N_IN + N_OUT)
    assert abs(np.mean(W**2) / variance - 1) < 4 * np.sqrt(0.8 / W.size)


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
        (lambda: constant(3, 4, value=None), TypeError, "value must be a single real number"),
        (lambda: zeros(0, 4), ValueError, "n_out must be at least 1"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
