"""Momentum in three forms that agree, and Nesterov's method in two."""

import numpy as np
import pytest

from nnbook.learning.acceleration import (
    FORMS,
    MomentumState,
    NesterovState,
    convert_momentum,
    convert_momentum_state,
    convert_nesterov_state,
    momentum,
    nesterov,
    nesterov_rewritten,
)
from nnbook.learning.optimizers import sgd
from tests.learning.recursions import GRADIENTS, assert_close, exact, recursion, run


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_its_recursion(form):
    alpha, beta = exact(0.3, 0.8)

    def step(t, theta, g, v):
        if form == "velocity":
            v = beta * v - alpha * g
            return theta + v, v
        v = beta * v + (g if form == "sum" else (1 - beta) * g)
        return theta - alpha * v, v

    assert_close(run(momentum(0.3, beta=0.8, form=form)), recursion(step, 0.0))


def test_the_default_is_the_velocity_with_nine_tenths():
    assert run(momentum(0.1)) == run(momentum(0.1, 0.9, form="velocity"))


@pytest.mark.parametrize("form", FORMS)
def test_without_memory_it_is_sgd(form):
    assert run(momentum(0.3, beta=0.0, form=form)) == run(sgd(0.3))


@pytest.mark.parametrize(
    ("form", "terminal"), [("velocity", 0.1 / 0.5), ("sum", 0.1 / 0.5), ("average", 0.1)]
)
def test_under_a_steady_gradient_the_step_reaches_its_end(form, terminal):
    path = run(momentum(0.1, beta=0.5, form=form), 0.0, [1.0] * 60)
    assert path[-1] - path[-2] == pytest.approx(-terminal, rel=1e-12)


@pytest.mark.parametrize("source", FORMS)
@pytest.mark.parametrize("target", FORMS)
def test_a_run_changes_its_form_half_way(source, target):
    first = momentum(0.3, 0.8, form=source)
    theta, state = np.array([0.4, -1.0]), None
    state = first.init(theta)
    for g in GRADIENTS[:5]:
        theta, state = first.update(np.array([g, -g]), state, theta)
    other, carried = theta, convert_momentum_state(state, 0.3, 0.8, source, target)
    second = momentum(*convert_momentum(0.3, 0.8, source, target), form=target)
    assert carried.t == 5
    for g in GRADIENTS[5:]:
        theta, state = first.update(np.array([g, -g]), state, theta)
        other, carried = second.update(np.array([g, -g]), carried, other)
        np.testing.assert_allclose(other, theta, rtol=1e-13)
    settings = convert_momentum(0.3, 0.8, source, target)
    back = convert_momentum_state(carried, *settings, target, source)
    np.testing.assert_allclose(back.v, state.v, rtol=1e-13)
    assert convert_momentum(*settings, target, source) == pytest.approx((0.3, 0.8), rel=1e-15)


def test_under_a_schedule_the_forms_are_different_methods():
    falling = [momentum(lambda t: 0.1 / (1 + t), 0.9, form=form) for form in ("velocity", "sum")]
    velocity, total = (run(optimizer, 0.0, [1.0, 1.0]) for optimizer in falling)
    assert velocity == pytest.approx([-0.1, -0.1 - (0.09 + 0.05)])
    assert total == pytest.approx([-0.1, -0.1 - 0.05 * 1.9])


def test_a_velocity_of_no_learning_rate_cannot_be_converted():
    state = MomentumState(1, np.zeros(2))
    with pytest.raises(ValueError, match="alpha is 0"):
        convert_momentum_state(state, 0.0, 0.9, "velocity", "sum")
    assert convert_momentum_state(state, 0.0, 0.9, "velocity", "velocity") is state
    assert not convert_momentum_state(state, 0.0, 0.9, "sum", "velocity").v.any()


@pytest.mark.parametrize("wrong", ["heavy", "", None, 1, ["sum"]])
def test_forms_have_three_names(wrong):
    told = 'must be "velocity", "sum" or "average", found'
    with pytest.raises(ValueError, match=f"form {told}"):
        momentum(0.1, form=wrong)
    with pytest.raises(ValueError, match=f"source {told}"):
        convert_momentum(0.1, 0.9, wrong, "sum")
    with pytest.raises(ValueError, match=f"target {told}"):
        convert_momentum(0.1, 0.9, "sum", wrong)
    with pytest.raises(ValueError, match=f"target {told}"):
        convert_momentum_state(MomentumState(0, 1.0), 0.1, 0.9, "sum", wrong)


@pytest.mark.parametrize(
    ("alpha", "beta", "error", "told"),
    [(-0.1, 0.9, ValueError, "alpha must"), (0.1, 1.0, ValueError, "beta must"),
     (lambda t: 0.1, 0.9, TypeError, "alpha must")],
)  # fmt: skip
def test_conversions_check_their_settings(alpha, beta, error, told):
    with pytest.raises(error, match=told):
        convert_momentum(alpha, beta, "sum", "average")


# ------------------------------------------------------------------------------ Nesterov
CURVATURES = np.array([1.0, 0.3, 0.01])


def descend(optimizer, steps, start=(1.0, -2.0, 3.0)):
    """Return the look-ahead points on a quadratic, and the last state."""
    y = np.array(start)
    state, path = optimizer.init(y), []
    for _ in range(steps):
        y, state = optimizer.update(CURVATURES * y, state, y)
        path.append(y)
    return np.array(path), state


def growing(t):
    return t / (t + 3)


@pytest.mark.parametrize("beta", [0.8, growing])
@pytest.mark.parametrize("make", [nesterov, nesterov_rewritten])
def test_nesterov_takes_the_gradient_at_the_look_ahead_point(make, beta):
    x, v = np.array([1.0, -2.0, 3.0]), np.zeros(3)
    path, state = descend(make(0.9, beta), 40)
    for t in range(40):
        keep = beta(t) if callable(beta) else beta
        v = keep * v - 0.9 * CURVATURES * (x + keep * v)
        x = x + v
        keep = beta(t + 1) if callable(beta) else beta
        np.testing.assert_allclose(path[t], x + keep * v, atol=1e-14)
    np.testing.assert_allclose(state.v, v, atol=1e-14)
    if make is nesterov:
        np.testing.assert_allclose(state.x, x, atol=1e-14)


def test_the_gradient_at_the_point_itself_is_another_method():
    _, state = descend(nesterov(0.9, 0.8), 3)
    x, v = np.array([1.0, -2.0, 3.0]), np.zeros(3)
    for _ in range(3):
        v = 0.8 * v - 0.9 * CURVATURES * x
        x = x + v
    assert np.abs(state.x - x).max() > 0.1


@pytest.mark.parametrize("beta", [0.8, growing])
def test_both_forms_make_the_same_path_and_convert_into_each_other(beta):
    first, second = nesterov(0.9, beta), nesterov_rewritten(0.9, beta)
    path, state = descend(first, 20)
    again, _ = descend(second, 20)
    np.testing.assert_allclose(again, path, atol=1e-14)
    there = convert_nesterov_state(state, path[-1], beta)
    assert type(there) is MomentumState and there.t == 20
    back = convert_nesterov_state(there, path[-1], beta)
    assert type(back) is NesterovState and back.t == 20
    np.testing.assert_allclose(back.x, state.x, atol=1e-15)
    np.testing.assert_array_equal(back.v, state.v)
    # a run goes on in the other form
    y, z = path[-1], path[-1]
    for _ in range(20):
        y, back = first.update(CURVATURES * y, back, y)
        z, there = second.update(CURVATURES * z, there, z)
        np.testing.assert_allclose(y, z, atol=1e-14)


def test_the_growing_momentum_keeps_the_convex_bound_and_a_constant_does_not():
    # f(x) = h x²/2 with M = 1: the bound is 2 |x0 - x*|² / (k+1)²
    h, worst = 1e-5, {}
    for name, beta, steps in (("growing", growing, 2000), ("constant", 0.9, 10_000)):
        optimizer, y = nesterov(1.0, beta), np.array([1.0])
        state, ratios = optimizer.init(y), []
        for k in range(1, steps + 1):
            y, state = optimizer.update(h * y, state, y)
            ratios.append(h * state.x[0] ** 2 / 2 * (k + 1) ** 2 / 2)
        worst[name] = max(ratios)
    assert worst["growing"] <= 1
    assert worst["constant"] > 30


def test_the_best_constant_momentum_reaches_its_rate_on_a_quadratic():
    root = np.sqrt(CURVATURES[0] / CURVATURES[-1])
    _, state = descend(nesterov(1.0, (root - 1) / (root + 1)), 400)
    # 1 - 1/√κ a step, times a factor linear in the number of steps
    assert 1e-20 < np.abs(state.x).max() < 400 * 3 * (1 - 1 / root) ** 400


def test_a_change_beside_the_optimizer_is_refused_not_lost():
    optimizer = nesterov(0.1, 0.9)
    y = np.array([1.0, 2.0])
    y, state = optimizer.update(y, optimizer.init(y), y)
    optimizer.update(y, state, y * (1 + 2.0**-52))  # rounding
    for changed in (y * (1 - 1e-12), y + np.array([0, 1e-10])):
        with pytest.raises(ValueError, match=r"params must be the look-ahead.*nesterov_rewritten"):
            optimizer.update(y, state, changed)
    new, _ = nesterov_rewritten(0.1, 0.9).update(y, MomentumState(1, state.v), y * 0.5)
    assert np.isfinite(new).all()


def test_the_momentum_of_nesterov_may_be_a_schedule_and_is_checked():
    y = np.array([1.0])
    for make in (nesterov, nesterov_rewritten):
        optimizer = make(0.1, lambda t: 1.0)
        with pytest.raises(ValueError, match=r"beta\(t=0\) must lie in \[0, 1\)"):
            optimizer.update(y, optimizer.init(y), y)
    state = MomentumState(2, y)
    with pytest.raises(ValueError, match=r"beta\(t=2\) must"):
        convert_nesterov_state(state, y, lambda t: -0.5)
    with pytest.raises(TypeError, match="state must be a NesterovState or a MomentumState, found"):
        convert_nesterov_state((2, y), y, 0.5)
