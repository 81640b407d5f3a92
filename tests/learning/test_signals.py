"""Signals, gradients, dead and flat units, update ratios, the bound on slopes, the gap."""

import math

import numpy as np
import pytest

from nnbook.functions import gelu_prime
from nnbook.learning import (
    dead_fraction,
    forward,
    generalization_gap,
    gradient_statistics,
    init_params,
    loss_and_grads,
    saturated_fraction,
    sgd,
    signal_statistics,
    slope_bound,
    update_ratio,
    wilson_interval,
)

RNG = np.random.default_rng(20)
X = RNG.normal(size=(9, 5))
Y = RNG.integers(0, 3, 9)


def network(sizes=(5, 7, 4, 3), init="glorot_uniform", seed=0):
    rng = np.random.default_rng(seed)
    return [(W, rng.normal(size=b.shape) / 4) for W, b in init_params(sizes, rng, init)]


def test_signal_statistics_are_mean_and_root_mean_square_of_each_layer():
    params = network()
    found = signal_statistics(params, X, "tanh")
    _, (A, Z) = forward(params, X, "tanh")
    for layer in (1, 2, 3):
        a, z = A[layer - 1], Z[layer]
        row = [part[layer - 1] for part in found]
        expected = [a.mean(), np.sqrt((a**2).mean()), z.mean(), np.sqrt((z**2).mean())]
        assert np.allclose(row, expected, rtol=1e-13, atol=1e-15)
    assert all(part.shape == (3,) for part in found)


def test_signal_obeys_the_variance_of_a_preactivation():
    """Equation 10.1: the mean square grows by n_in sigma^2."""
    X, params = np.random.default_rng(1).normal(size=(400, 300)), [
        (0.1 * np.random.default_rng(2).normal(size=(500, 300)), np.zeros(500))]
    found = signal_statistics(params, X)
    ratio = (found.output_rms[0] / found.input_rms[0]) ** 2
    assert ratio == pytest.approx(300 * 0.01, rel=0.02)


def test_signals_whose_squares_overflow_are_measured():
    params = [(np.array([[1.0]]), np.zeros(1))]
    with np.errstate(all="raise"):
        assert signal_statistics(params, [[1e200]]).output_rms[0] == pytest.approx(1e200)
        assert signal_statistics(params, [[1e-200]]).output_rms[0] == pytest.approx(1e-200)
    assert signal_statistics(params, [[0.0]]).output_rms[0] == 0


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_gradient_statistics_are_norms_of_the_four_equations(activation):
    params = network()
    found = gradient_statistics(params, X, Y, activation)
    _, grads = loss_and_grads(params, X, Y, activation)
    assert np.allclose(found.weights, [np.linalg.norm(g) for g, _ in grads], rtol=1e-12)
    assert np.allclose(found.biases, [np.linalg.norm(g) for _, g in grads], rtol=1e-12)
    # with X the identity, the gradient of layer 1 is its delta
    eye = [*network((9, 7, 3))]
    delta = gradient_statistics(eye, np.eye(9), Y, activation).delta
    _, grads = loss_and_grads(eye, np.eye(9), Y, activation)
    assert delta[0] == pytest.approx(np.linalg.norm(grads[0][0]), rel=1e-12)


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "gelu"])
@pytest.mark.parametrize("seed", range(4))
def test_slope_bound_holds(activation, seed):
    params = network((5, 6, 6, 6, 6, 3), "he_normal", seed)
    delta = gradient_statistics(params, X, Y, activation).delta
    assert 0 < delta[0] / delta[-1] <= slope_bound(params, X, activation)


def test_slope_bound_is_attained_by_one_unit_a_layer():
    params = [(np.array([[w]]), np.zeros(1)) for w in (1.0, -2.0, 3.0)]
    delta = gradient_statistics(params, [[0.5]], [[9.0]], "tanh", "squared_error").delta
    bound = slope_bound(params, [[0.5]], "tanh")
    assert delta[0] / delta[-1] == pytest.approx(bound, rel=1e-12)
    first, second = np.tanh(0.5), np.tanh(-2 * np.tanh(0.5))
    assert bound == pytest.approx((1 - first**2) * 2 * (1 - second**2) * 3, rel=1e-12)
    assert slope_bound(params[:1], [[0.5]]) == 1


def test_logistic_layers_shrink_at_least_fourfold_each():
    for depth in (1, 3, 6):
        params = [(np.linalg.qr(np.random.default_rng(depth).normal(size=(4, 4)))[0], np.zeros(4))
                  for _ in range(depth + 1)]
        bound = slope_bound(params, RNG.normal(size=(8, 4)), "sigmoid")
        assert 0 < bound <= 4.0**-depth * (1 + 1e-12)


def test_dead_units_are_those_that_no_example_wakes():
    W = np.ones((4, 1))
    params = [(W, np.array([0.0, -1.0, -2.0, -5.0])), (np.ones((3, 4)), np.array([0, -99, 0])),
              (np.ones((2, 3)), np.zeros(2))]
    x = [[0.5], [2.0]]  # the third is exactly at its kink for x = 2, where the slope is 0
    assert dead_fraction(params, x).tolist() == [0.5, 1 / 3]
    assert dead_fraction(params, x, "tanh").tolist() == [0, 0]
    assert dead_fraction(params, x, "leaky_relu").tolist() == [0, 0]


def test_a_dead_unit_gets_no_gradient():
    params = [(np.ones((2, 5)), np.array([0.0, -100.0])), (np.eye(3, 2), np.zeros(3))]
    _, grads = loss_and_grads(params, X, Y)
    assert dead_fraction(params, X)[0] == 0.5
    assert not grads[0][0][1].any() and grads[0][0][0].any()


@pytest.mark.parametrize(("activation", "edge"), [("tanh", 2.178), ("sigmoid", 4.357),
                                                  ("softsign", 3.472)])
def test_flat_begins_where_the_slope_is_a_twentieth(activation, edge):
    def share(z):
        params = [(np.ones((1, 1)), np.zeros(1)), (np.ones((1, 1)), np.zeros(1))]
        return saturated_fraction(params, [[z]], activation)[0]

    assert share(edge - 0.002) == share(2e-3 - edge) == 0
    assert share(edge + 0.002) == share(-edge - 0.002) == 1


def test_the_steepest_slope_is_sought_away_from_zero():
    """GELU is steepest at the root of 2, with 1.129: flat is below 0.0564, not below 0.05."""
    z = np.linspace(-0.75, -0.6, 3001)
    slopes = gelu_prime(z)
    between = z[(slopes > 0.0501) & (slopes < 0.0563)]
    above = z[slopes > 0.0566]
    params = [(np.ones((1, 1)), np.zeros(1)), (np.ones((1, 1)), np.zeros(1))]
    assert len(between) > 5 and len(above) > 5
    assert saturated_fraction(params, between[:, np.newaxis], "gelu")[0] == 1
    assert saturated_fraction(params, above[:, np.newaxis], "gelu")[0] == 0


def test_three_per_cent_of_standard_normal_signals_are_flat():
    params = [(np.ones((1, 1)), np.zeros(1)), (np.ones((1, 1)), np.zeros(1))]
    z = np.random.default_rng(0).normal(size=(20000, 1))
    assert saturated_fraction(params, z)[0] == pytest.approx(0.0294, abs=0.004)
    assert saturated_fraction(params, z, level=0.5)[0] > 0.3


def test_update_ratio_of_gradient_descent_is_alpha_g_over_theta():
    params = network()
    _, grads = loss_and_grads(params, X, Y)
    optimizer = sgd(0.3)
    after, _ = optimizer.update(grads, optimizer.init(params), params)
    expected = [0.3 * np.linalg.norm(g) / np.linalg.norm(W)
                for (g, _), (W, _) in zip(grads, params, strict=True)]
    assert np.allclose(update_ratio(params, after), expected, rtol=1e-10)


def test_update_ratio_of_zero_weights():
    zero, one = [(np.zeros((1, 1)), np.zeros(1))], [(np.ones((1, 1)), np.zeros(1))]
    assert update_ratio(zero, zero).tolist() == [0]
    assert update_ratio(zero, one).tolist() == [math.inf]
    assert update_ratio(one, zero).tolist() == [1]


def test_gap_is_newcombes_interval():
    """Newcombe 1998, table II, (a): 56/70 and 48/80 differ by 0.2, 0.0524 to 0.3339."""
    gap = generalization_gap(56, 70, 48, 80)
    assert gap.gap == pytest.approx(0.2)
    assert (gap.low, gap.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert gap.standard_error == pytest.approx(math.sqrt(0.8 * 0.2 / 70 + 0.6 * 0.4 / 80))


def test_gap_of_perfect_accuracies_is_not_certain():
    gap = generalization_gap(50, 50, 200, 200)
    low, _ = wilson_interval(50, 50)
    assert gap.gap == gap.standard_error == 0
    assert gap.low == pytest.approx(low - 1)
    assert gap.high > 0


P = network()
BAD = {
    "no example": (lambda: signal_statistics(P, np.ones((0, 5))), ValueError, "X must hold"),
    "one example flat": (lambda: signal_statistics(P, np.ones(5)), ValueError, "X must have"),
    "other features": (lambda: dead_fraction(P, np.ones((2, 4))), ValueError, "X has 4 columns"),
    "NaN": (lambda: slope_bound(P, np.full((2, 5), np.nan)), ValueError, "X must be finite"),
    "strings": (lambda: signal_statistics(P, [["a"] * 5]), TypeError, "X must hold real"),
    "complex": (lambda: signal_statistics(P, X + 1j), TypeError, "X must hold real"),
    "object": (lambda: signal_statistics(P, X.astype(object)), TypeError, "X must hold real"),
    "activation": (lambda: saturated_fraction(P, X, "tanhh"), ValueError, "activation"),
    "level 0": (lambda: saturated_fraction(P, X, level=0.0), ValueError, "level"),
    "level 1": (lambda: saturated_fraction(P, X, level=1.0), ValueError, "level"),
    "loss": (lambda: gradient_statistics(P, X, Y, loss="l2"), ValueError, "loss must be"),
    "labels": (lambda: gradient_statistics(P, X, Y + 5), ValueError, "target"),
    "no params": (lambda: update_ratio([], []), TypeError, "params"),
    "other network": (lambda: update_ratio(P, network((5, 3))), ValueError, "nests differ"),
    "more right than all": (lambda: generalization_gap(5, 4, 1, 2), ValueError, "successes"),
    "no validation": (lambda: generalization_gap(1, 2, 0, 0), ValueError, "trials"),
    "share for count": (lambda: generalization_gap(0.9, 10, 5, 10), TypeError, "successes"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name):
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call()
