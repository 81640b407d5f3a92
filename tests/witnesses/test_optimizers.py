"""Optimizers, clipping and schedules beside optax: one hundred steps in float64.

Where optax has another convention, its settings are converted here, in words.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nnbook.learning.acceleration import (
    convert_momentum,
    convert_momentum_state,
    convert_nesterov_state,
)
from nnbook.learning.clipping import (
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    clipped,
    global_norm,
)
from nnbook.learning.decay import coupled_l2, decoupled_decay
from nnbook.learning.optimizers import (
    adadelta,
    adagrad,
    adam,
    adamw,
    amsgrad,
    lion,
    momentum,
    nadam,
    nesterov,
    nesterov_rewritten,
    rmsprop,
    sgd,
)
from nnbook.learning.schedules import (
    chain_schedules,
    cosine_decay,
    cosine_restarts,
    exponential_decay,
    linear_warmup,
    one_cycle,
    polynomial_decay,
    step_decay,
)

STEPS = 100
START = {"W": np.array([[1.0, -2.0, 0.5], [0.3, 4.0, -1.0]]), "b": np.array([0.1, -0.2])}
RNG = np.random.default_rng(12)
NOISE = [{k: RNG.normal(size=v.shape) for k, v in START.items()} for _ in range(STEPS)]
CURVATURE = {"W": np.array([[1.0, 0.1, 3.0], [0.01, 0.5, 2.0]]), "b": np.array([1.0, 0.2])}


def gradient(params, t):
    """Gradient of a quadratic, with the noise of a minibatch."""
    return {k: CURVATURE[k] * params[k] + 0.3 * NOISE[t][k] for k in params}


def ours(optimizer):
    params, state, path = START, optimizer.init(START), []
    for t in range(STEPS):
        params, state = optimizer.update(gradient(params, t), state, params)
        path.append(np.concatenate([params["W"].ravel(), params["b"]]))
    return np.array(path)


def theirs(optimizer):
    params, path = {k: jnp.asarray(v) for k, v in START.items()}, []
    state = optimizer.init(params)
    for t in range(STEPS):
        grads = jax.tree.map(jnp.asarray, gradient(jax.tree.map(np.asarray, params), t))
        updates, state = optimizer.update(grads, state, params)
        params = optax.apply_updates(params, updates)
        path.append(np.concatenate([np.ravel(params["W"]), np.asarray(params["b"])]))
    assert params["W"].dtype == np.float64
    return np.array(path)


L2 = optax.add_decayed_weights(0.05)
PAIRS = {
    "sgd": (sgd(0.1), optax.sgd(0.1)),
    # optax's momentum is the sum of gradients: the same alpha as the velocity's
    "momentum": (momentum(0.05, 0.9), optax.sgd(0.05, momentum=0.9)),
    "momentum, sum": (momentum(0.05, 0.9, form="sum"), optax.sgd(0.05, momentum=0.9)),
    "momentum, average": (
        momentum(*convert_momentum(0.05, 0.9, "sum", "average"), form="average"),
        optax.sgd(0.05, momentum=0.9),
    ),
    "nesterov": (nesterov(0.05, 0.9), optax.sgd(0.05, momentum=0.9, nesterov=True)),
    "nesterov, rewritten": (
        nesterov_rewritten(0.05, 0.9), optax.sgd(0.05, momentum=0.9, nesterov=True)),
    # optax has epsilon inside Adagrad's root; without any the two are one
    "adagrad": (
        adagrad(0.3, eps=0.0, initial=0.1),
        optax.adagrad(0.3, initial_accumulator_value=0.1, eps=0.0),
    ),
    "rmsprop": (rmsprop(0.05, 0.9, 1e-3), optax.rmsprop(0.05, 0.9, 1e-3, eps_in_sqrt=False)),
    "rmsprop, centred": (
        rmsprop(0.05, 0.9, 1e-3, centered=True),
        optax.rmsprop(0.05, 0.9, 1e-3, eps_in_sqrt=False, centered=True),
    ),
    "rmsprop, momentum": (
        rmsprop(0.01, 0.9, 1e-3, momentum=0.8),
        optax.rmsprop(0.01, 0.9, 1e-3, eps_in_sqrt=False, momentum=0.8),
    ),
    "rmsprop, both": (
        rmsprop(0.01, 0.9, 1e-3, centered=True, momentum=0.8),
        optax.rmsprop(0.01, 0.9, 1e-3, eps_in_sqrt=False, centered=True, momentum=0.8),
    ),
    "adadelta": (adadelta(0.9, 0.95, 1e-4), optax.adadelta(0.9, rho=0.95, eps=1e-4)),
    "adam": (adam(0.05, 0.8, 0.95, 1e-3), optax.adam(0.05, 0.8, 0.95, 1e-3)),
    "nadam": (nadam(0.05, 0.8, 0.95, 1e-3), optax.nadam(0.05, 0.8, 0.95, 1e-3)),
    "adamw": (
        adamw(0.05, 0.8, 0.95, 1e-3, 0.1), optax.adamw(0.05, 0.8, 0.95, 1e-3, weight_decay=0.1)),
    "adamw, weights only": (
        adamw(0.05, weight_decay=0.1, where=lambda array: array.ndim > 1),
        optax.adamw(0.05, weight_decay=0.1, mask={"W": True, "b": False}),
    ),
    "adam, decay beside it": (
        decoupled_decay(adam(0.05), 0.1, 0.05), optax.adamw(0.05, weight_decay=0.1)),
    "amsgrad": (amsgrad(0.05, 0.8, 0.95, 1e-3), optax.amsgrad(0.05, 0.8, 0.95, 1e-3)),
    "amsgrad of the paper": (
        amsgrad(0.05, 0.8, 0.95, 1e-3, bias_correction=False),
        optax.amsgrad(0.05, 0.8, 0.95, 1e-3, bias_correction_mu=False, bias_correction_nu=False),
    ),
    "lion": (lion(0.01, 0.9, 0.99, 0.1), optax.lion(0.01, 0.9, 0.99, weight_decay=0.1)),
    "sgd, l2": (coupled_l2(sgd(0.1), 0.05), optax.chain(L2, optax.sgd(0.1))),
    "momentum, l2": (
        coupled_l2(momentum(0.05), 0.05), optax.chain(L2, optax.sgd(0.05, momentum=0.9))),
    "adam, l2": (coupled_l2(adam(0.05), 0.05), optax.chain(L2, optax.adam(0.05))),
    "adam, a schedule": (
        adam(cosine_decay(0.05, 80, 0.001)),
        optax.adam(optax.cosine_decay_schedule(0.05, 80, alpha=0.001 / 0.05)),
    ),
    # under a schedule optax's momentum is the sum, not the velocity
    "momentum, a schedule": (
        momentum(exponential_decay(0.05, 0.02), form="sum"),
        optax.sgd(optax.exponential_decay(0.05, 1, np.exp(-0.02)), momentum=0.9),
    ),
    "clipped by value": (
        clipped(adam(0.05), clip_by_value, 0.5), optax.chain(optax.clip(0.5), optax.adam(0.05))),
    "clipped by global norm": (
        clipped(momentum(0.05), clip_by_global_norm, 1.5),
        optax.chain(optax.clip_by_global_norm(1.5), optax.sgd(0.05, momentum=0.9)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_a_hundred_steps_are_optaxs(name):
    mine, other = PAIRS[name]
    found, expected = ours(mine), theirs(other)
    scale = np.maximum.accumulate(np.abs(expected), axis=0)
    assert np.max(np.abs(found - expected) / scale) < 1e-12
    assert np.abs(expected[-1] - expected[0]).max() > 1e-2


def test_a_run_of_optax_goes_on_here():
    # optax's trace is the sum form's v; what is carried over makes the same steps in each form
    other, params = optax.sgd(0.05, momentum=0.9), {k: jnp.asarray(v) for k, v in START.items()}
    state = other.init(params)
    for t in range(10):
        updates, state = other.update(gradient(params, t), state, params)
        params = optax.apply_updates(params, updates)
    trace = jax.tree.map(np.asarray, state[0].trace)
    for form in ("velocity", "sum", "average"):
        mine = momentum(*convert_momentum(0.05, 0.9, "sum", form), form=form)
        carried = mine.init(START)._replace(t=10, v=trace)
        carried = convert_momentum_state(carried, 0.05, 0.9, "sum", form)
        theta = jax.tree.map(np.asarray, params)
        there, after = state, params
        for t in range(10, 30):
            theta, carried = mine.update(gradient(theta, t), carried, theta)
            updates, there = other.update(gradient(after, t), there, after)
            after = optax.apply_updates(after, updates)
        np.testing.assert_allclose(theta["W"], after["W"], rtol=1e-12)


def test_the_point_of_nesterov_is_found_from_optaxs():
    other, params = optax.sgd(0.05, momentum=0.9, nesterov=True), jax.tree.map(jnp.asarray, START)
    mine, y = nesterov(0.05, 0.9), START
    there, state = other.init(params), mine.init(START)
    for t in range(30):
        y, state = mine.update(gradient(y, t), state, y)
        updates, there = other.update(gradient(params, t), there, params)
        params = optax.apply_updates(params, updates)
    v = jax.tree.map(lambda u: -0.05 * np.asarray(u), there[0].trace)
    theta = jax.tree.map(np.asarray, params)
    found = convert_nesterov_state(nesterov_rewritten(0.05).init(START)._replace(t=30, v=v),
                                   theta, 0.9)  # fmt: skip
    np.testing.assert_allclose(found.x["W"], state.x["W"], rtol=1e-12)


@pytest.mark.parametrize("limit", [0.1, 1.0, 5.0, 100.0])
def test_clipping_is_optaxs(limit):
    grads = gradient(START, 0)
    theirs = {k: jnp.asarray(g) for k, g in grads.items()}
    assert global_norm(grads) == pytest.approx(float(optax.global_norm(theirs)), rel=1e-15)
    for mine, other in ((clip_by_value, optax.clip), (clip_by_global_norm,
                                                      optax.clip_by_global_norm)):  # fmt: skip
        expected, _ = other(limit).update(theirs, other(limit).init(theirs))
        for k in grads:
            np.testing.assert_allclose(mine(grads, limit)[k], expected[k], rtol=1e-15)
    # optax shortens each array by itself as the projection onto a ball
    for k in grads:
        expected = optax.projections.projection_l2_ball(theirs[k], limit)
        np.testing.assert_allclose(clip_by_norm(grads, limit)[k], expected, rtol=1e-15)


def sgdr(periods):
    return optax.sgdr_schedule([
        dict(init_value=0.3, peak_value=0.3, warmup_steps=0, decay_steps=n, end_value=0.01)
        for n in periods
    ])


SCHEDULES = {
    "cosine": (cosine_decay(0.3, 60, 0.01), optax.cosine_decay_schedule(0.3, 60, 0.01 / 0.3)),
    # optax counts the warm-up into decay_steps
    "warm-up and cosine": (
        chain_schedules([linear_warmup(0.3, 15, 0.05), cosine_decay(0.3, 45, 0.01)], [15]),
        optax.warmup_cosine_decay_schedule(0.05, 0.3, 15, 60, 0.01),
    ),
    "warm-up": (linear_warmup(0.3, 15, 0.05), optax.warmup_constant_schedule(0.05, 0.3, 15)),
    "one cycle": (one_cycle(0.3, 61), optax.cosine_onecycle_schedule(61, 0.3)),
    "one cycle, other ratios": (
        one_cycle(0.3, 40, warmup=0.4, divisor=5, final_divisor=7),
        optax.cosine_onecycle_schedule(40, 0.3, 0.4, 5, 7),
    ),
    # optax takes the share that is left after some steps
    "exponential": (
        exponential_decay(0.3, 0.05), optax.exponential_decay(0.3, 10, np.exp(-0.5))),
    "step": (
        step_decay(0.3, 0.5, 7), optax.exponential_decay(0.3, 7, 0.5, staircase=True)),
    "polynomial": (
        polynomial_decay(0.3, 50, 2.5, 0.01), optax.polynomial_schedule(0.3, 0.01, 2.5, 50)),
    "line": (polynomial_decay(0.3, 50, end=0.4), optax.linear_schedule(0.3, 0.4, 50)),
    "restarts": (cosine_restarts(0.3, 20, 1, 0.01), sgdr([20] * 4)),
    "growing restarts": (cosine_restarts(0.3, 10, 2, 0.01), sgdr([10, 20, 40])),
    "chain": (
        chain_schedules([cosine_decay(0.3, 9), step_decay(0.2, 0.5, 4), lambda t: 0.1], [12, 30]),
        optax.join_schedules([optax.cosine_decay_schedule(0.3, 9),
                              optax.exponential_decay(0.2, 4, 0.5, staircase=True),
                              optax.constant_schedule(0.1)], [12, 30]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_are_optaxs(name):
    mine, other = SCHEDULES[name]
    steps = range(70)
    found = [mine(t) for t in steps]
    expected = [float(other(float(t))) for t in steps]
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-16)
