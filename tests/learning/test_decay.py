"""Coupled and decoupled decay: two rules, equal for plain descent only."""

import numpy as np
import pytest

from nnbook.learning.decay import DecayState, coupled_l2, decoupled_decay
from nnbook.learning.optimizers import adam, adamw, lion, momentum, nesterov, sgd
from tests.learning.recursions import GRADIENTS, START, run


def test_coupled_l2_adds_the_penaltys_gradient_before_the_optimizer():
    for make in (sgd, momentum, adam):
        inner, theta = make(0.1), np.array([START])
        state, path = inner.init(theta), []
        for g in GRADIENTS:
            theta, state = inner.update(g + 0.25 * theta, state, theta)
            path.append(theta[0])
        assert run(coupled_l2(make(0.1), 0.25)) == path


def test_decoupled_decay_shrinks_what_the_optimizer_was_given():
    inner, theta = momentum(0.1), np.array([START])
    state, path = inner.init(theta), []
    for g in GRADIENTS:
        new, state = inner.update(np.array([g]), state, theta)
        theta = new - 0.1 * 0.25 * theta
        path.append(theta[0])
    assert run(decoupled_decay(momentum(0.1), 0.25, 0.1)) == path


def test_for_plain_descent_the_two_are_one_rule():
    coupled = run(coupled_l2(sgd(0.1), 0.25))
    np.testing.assert_allclose(run(decoupled_decay(sgd(0.1), 0.25, 0.1)), coupled, rtol=1e-11)


def test_with_momentum_they_are_two():
    # f(x) = x²/2, λ = 0.05, α = 0.1, β = 0.9, 20 steps from 1
    def end(optimizer):
        x = np.array([1.0])
        state = optimizer.init(x)
        for _ in range(20):
            x, state = optimizer.update(x, state, x)
        return float(x[0])

    coupled = end(coupled_l2(momentum(0.1, 0.9), 0.05))
    decoupled = end(decoupled_decay(momentum(0.1, 0.9), 0.05, 0.1))
    assert (round(coupled, 4), round(decoupled, 4)) == (0.3305, 0.3265)


def test_for_adam_they_are_far_apart():
    # where only the penalty pulls, Adam divides it by its own size: a step of alpha, not of
    # alpha lambda theta
    quiet = [0.0] * 3
    assert run(coupled_l2(adam(0.1), 0.01), 2.0, quiet) == pytest.approx([1.9, 1.8, 1.7], abs=1e-3)
    assert run(adamw(0.1, weight_decay=0.01), 2.0, quiet)[-1] == pytest.approx(2 * 0.999**3)


@pytest.mark.parametrize("alpha", [0.1, lambda t: 0.1 / (1 + t)])
def test_adamw_is_adam_with_decoupled_decay_at_its_own_rate(alpha):
    assert run(adamw(alpha, weight_decay=0.25)) == run(decoupled_decay(adam(alpha), 0.25, alpha))
    assert run(lion(alpha, weight_decay=0.25)) == run(decoupled_decay(lion(alpha), 0.25, alpha))


def test_alone_the_weights_shrink_by_1_minus_lambda():
    assert run(decoupled_decay(sgd(0.1), 0.5), 8.0, [0.0] * 3) == [4, 2, 1]


def test_on_a_quadratic_decoupled_decay_has_its_closed_form():
    # x⁺ = x - α h x - α λ x
    optimizer, x = decoupled_decay(sgd(0.2), 0.5, 0.2), np.array([1.0])
    state = optimizer.init(x)
    for _ in range(30):
        x, state = optimizer.update(0.75 * x, state, x)
    assert x[0] == pytest.approx((1 - 0.2 * (0.75 + 0.5)) ** 30, rel=1e-13)


@pytest.mark.parametrize("wrap", [coupled_l2, decoupled_decay])
def test_only_the_chosen_arrays_decay(wrap):
    optimizer = wrap(sgd(1.0), 0.5, where=lambda array: array.ndim > 1)
    params = [(np.ones((2, 3), np.float32), np.ones(2, np.float32))]
    grads = [(np.zeros((2, 3), np.float32), np.zeros(2))]
    [(W, b)], _ = optimizer.update(grads, optimizer.init(params), params)
    assert (W == 0.5).all() and (b == 1).all()
    assert W.dtype == b.dtype == np.float32


def test_a_decay_of_0_changes_nothing():
    assert run(coupled_l2(adam(0.1), 0.0)) == run(adam(0.1))
    assert run(decoupled_decay(adam(0.1), 0.0)) == run(adam(0.1))


def test_the_state_counts_the_steps_and_holds_the_optimizers():
    optimizer, theta = decoupled_decay(adam(0.1), 0.5), np.ones(2)
    state = optimizer.init(theta)
    theta, state = optimizer.update(theta, state, theta)
    assert type(state) is DecayState and state.t == 1 and state.inner.t == 1
    with pytest.raises(TypeError, match="state must be the DecayState"):
        optimizer.update(theta, state.inner, theta)


def test_integers_decay_as_floats():
    theta = np.array([4, 8])
    for wrap in (coupled_l2, decoupled_decay):
        optimizer = wrap(sgd(1.0), 0.25)
        new, _ = optimizer.update(np.zeros(2), optimizer.init(theta), theta)
        assert new.tolist() == [3, 6]


@pytest.mark.parametrize("wrap", [coupled_l2, decoupled_decay])
def test_silent_under_raise_and_pure(wrap):
    optimizer = wrap(sgd(1.0), 1e200)
    theta, g = np.array([1e308, 5e-324]), np.array([1e308, -1e308])
    theta.setflags(write=False)
    g.setflags(write=False)
    with np.errstate(all="raise"):
        optimizer.update(g, optimizer.init(theta), theta)


def test_nesterov_at_the_look_ahead_point_refuses_a_decay_beside_it():
    optimizer, theta = decoupled_decay(nesterov(0.1), 0.1), np.ones(2)
    theta, state = optimizer.update(theta, optimizer.init(theta), theta)
    with pytest.raises(ValueError, match="nesterov_rewritten"):
        optimizer.update(theta, state, theta)


@pytest.mark.parametrize("wrap", [coupled_l2, decoupled_decay])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0.1, 0.5), TypeError, r"optimizer must be one such as sgd\(0.1\) or adam\(\), found 0.1"),
        ((sgd, 0.5), TypeError, "optimizer must be one"),
        ((sgd(0.1), -0.5), ValueError, r"(l2|weight_decay) must lie in \[0, inf\)"),
        ((sgd(0.1), np.nan), ValueError, "(l2|weight_decay) must"),
        ((sgd(0.1), "0.5"), TypeError, "(l2|weight_decay) must"),
    ],
)
def test_bad_settings_are_named(wrap, arguments, error, message):
    with pytest.raises(error, match=message):
        wrap(*arguments)
    with pytest.raises(TypeError, match=r"where must be a function of an array or None, found"):
        wrap(sgd(0.1), 0.5, where=2)


def test_the_rate_of_the_decay_is_checked():
    with pytest.raises(ValueError, match="alpha must"):
        decoupled_decay(sgd(0.1), 0.5, -1.0)
    optimizer, theta = decoupled_decay(sgd(0.1), 0.5, lambda t: -1.0), np.ones(1)
    with pytest.raises(ValueError, match=r"alpha\(t=0\) must"):
        optimizer.update(theta, optimizer.init(theta), theta)


@pytest.mark.parametrize("wrong", [1j, "1", None])
def test_gradients_that_are_no_real_numbers_are_refused(wrong):
    optimizer, theta = coupled_l2(sgd(0.1), 0.5), [1.0]
    with pytest.raises(TypeError, match="grads must be a nest"):
        optimizer.update([wrong], optimizer.init(theta), theta)
    with pytest.raises(TypeError, match="params must be a nest"):
        optimizer.update(theta, optimizer.init(theta), [wrong])
    with pytest.raises(ValueError, match="the nests differ at the top"):
        optimizer.update([], optimizer.init(theta), theta)
