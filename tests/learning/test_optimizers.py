"""Each optimizer against its recursion, one number at a time, in plain Python floats."""

import math
from typing import NamedTuple

import numpy as np
import pytest

from nnbook.learning.optimizers import adam, momentum, sgd, tree_map

GRADIENTS = [0.7, -1.3, 0.0, 2.5, 1e-9, -4.0, 0.3, 0.3]


def run(optimizer, start, gradients):
    theta, path = np.array([start]), []
    state = optimizer.init(theta)
    for g in gradients:
        theta, state = optimizer.update(np.array([g]), state, theta)
        path.append(float(theta[0]))
    return path


def test_sgd_is_its_recursion():
    theta, path = 0.4, []
    for g in GRADIENTS:
        theta = theta - 0.3 * g
        path.append(theta)
    assert run(sgd(0.3), 0.4, GRADIENTS) == pytest.approx(path, rel=1e-15)


def test_momentum_is_its_recursion():
    theta, v, path = 0.4, 0.0, []
    for g in GRADIENTS:
        v = 0.8 * v - 0.3 * g
        theta = theta + v
        path.append(theta)
    assert run(momentum(0.3, beta=0.8), 0.4, GRADIENTS) == pytest.approx(path, rel=1e-14)


def test_adam_is_its_recursion():
    theta, m, v, path = 0.4, 0.0, 0.0, []
    for t, g in enumerate(GRADIENTS, start=1):
        m = 0.7 * m + (1 - 0.7) * g
        v = 0.95 * v + (1 - 0.95) * g**2
        m_hat, v_hat = m / (1 - 0.7**t), v / (1 - 0.95**t)
        theta = theta - 0.1 * m_hat / (math.sqrt(v_hat) + 1e-3)
        path.append(theta)
    ours = run(adam(0.1, beta1=0.7, beta2=0.95, eps=1e-3), 0.4, GRADIENTS)
    assert ours == pytest.approx(path, rel=1e-14)


def test_adam_equals_the_weighted_sums_it_stands_for():
    # m_t = (1-b1) sum_k b1^(t-k) g_k, and the weights divided by 1 - b1^t sum to 1
    b1, b2, t = 0.9, 0.999, len(GRADIENTS)
    w1 = (1 - b1) * b1 ** np.arange(t)[::-1] / (1 - b1**t)
    w2 = (1 - b2) * b2 ** np.arange(t)[::-1] / (1 - b2**t)
    assert w1.sum() == pytest.approx(1) and w2.sum() == pytest.approx(1)
    g = np.array(GRADIENTS)
    step = 0.01 * (w1 @ g) / (np.sqrt(w2 @ g**2) + 1e-8)
    path = run(adam(0.01), 0.4, GRADIENTS)
    assert path[-2] - path[-1] == pytest.approx(step, rel=1e-10)


def test_adams_defaults_are_the_papers():
    assert run(adam(), 0.4, GRADIENTS) == run(adam(1e-3, 0.9, 0.999, 1e-8), 0.4, GRADIENTS)


def test_momentums_default_keeps_nine_tenths():
    assert run(momentum(0.1), 0.4, GRADIENTS) == run(momentum(0.1, 0.9), 0.4, GRADIENTS)


def test_epsilon_stands_outside_the_root():
    # inside the root the step would be 1e-6 of alpha
    assert -run(adam(1.0), 0.0, [1e-10])[0] == pytest.approx(1e-10 / (1e-10 + 1e-8), rel=1e-12)


def test_without_epsilon_adam_does_not_see_the_scale():
    small = run(adam(0.1, eps=0.0), 0.4, GRADIENTS)
    large = run(adam(0.1, eps=0.0), 0.4, [2.0**40 * g for g in GRADIENTS])
    assert small == large


def test_momentum_without_memory_is_sgd():
    assert run(momentum(0.3, beta=0.0), 0.4, GRADIENTS) == run(sgd(0.3), 0.4, GRADIENTS)


def test_momentum_under_a_steady_gradient_reaches_its_terminal_step():
    path = run(momentum(0.1, beta=0.5), 0.0, [1.0] * 60)
    assert path[-1] - path[-2] == pytest.approx(-0.1 / (1 - 0.5), rel=1e-12)


class Pair(NamedTuple):
    W: np.ndarray
    b: np.ndarray


@pytest.mark.parametrize("optimizer", [sgd(0.1), momentum(0.1), adam(0.1)])
def test_any_nest_keeps_its_shape_and_every_leaf_moves_alone(optimizer):
    params = [(np.ones((2, 3)), np.zeros(2)), {"gain": np.float64(3.0), "pair": Pair(*np.eye(2))}]
    grads = tree_map(lambda p: np.full_like(p, 0.5), params)
    state = optimizer.init(params)
    for _ in range(3):
        params, state = optimizer.update(grads, state, params)
    assert isinstance(params[0], tuple) and isinstance(params[1]["pair"], Pair)
    moved = run(optimizer, 1.0, [0.5] * 3)[-1]
    np.testing.assert_allclose(params[0][0], np.full((2, 3), moved), rtol=1e-15)
    np.testing.assert_allclose(params[0][1], np.full(2, moved - 1), rtol=1e-12)
    np.testing.assert_allclose(params[1]["gain"], moved + 2, rtol=1e-15)


@pytest.mark.parametrize("optimizer", [sgd(0.1), momentum(0.1), adam(0.1)])
def test_an_update_is_pure(optimizer):
    theta, g = np.array([1.0, 2.0]), np.array([0.5, -0.5])
    first, state = optimizer.update(g, optimizer.init(theta), theta)
    again = [optimizer.update(g, state, first)[0] for _ in range(2)]
    np.testing.assert_array_equal(*again)
    assert theta.tolist() == [1, 2] and g.tolist() == [0.5, -0.5]


@pytest.mark.parametrize("optimizer", [sgd(0.1), momentum(0.1), adam(0.1)])
def test_float32_stays_float32(optimizer):
    theta = np.ones(3, np.float32)
    state = optimizer.init(theta)
    for _ in range(2):
        theta, state = optimizer.update(theta, state, theta)
    assert theta.dtype == np.float32


@pytest.mark.parametrize("optimizer", [sgd(0.1), momentum(0.1), adam(0.1)])
def test_silent_under_raise(optimizer):
    theta = np.array([1e308, 1e-308])
    with np.errstate(all="raise"):
        optimizer.update(np.array([1e300, 1e-300]), optimizer.init(theta), theta)


@pytest.mark.parametrize("optimizer", [sgd(0.1), momentum(0.1), adam(0.1)])
@pytest.mark.parametrize(
    ("grads", "message"),
    [
        ([(np.ones((3, 2)), np.ones(2))], r"at \[0\]\[0\]: array of shape"),
        ([(np.ones(3), np.ones(2))], r"at \[0\]\[0\]"),
        ([(np.ones((2, 3)),)], r"at \[0\]: tuple of length"),
        ([], "at the top: list of length"),
        ({"W": 1}, "at the top"),
        ([(np.ones((2, 3)), [np.ones(2)])], r"at \[0\]\[1\]"),
    ],
)
def test_gradients_of_another_shape_are_refused_not_broadcast(optimizer, grads, message):
    params = [(np.ones((2, 3)), np.ones(2))]
    with pytest.raises(ValueError, match=message):
        optimizer.update(grads, optimizer.init(params), params)


def test_dicts_must_have_the_same_keys():
    with pytest.raises(ValueError, match=r"at \['a'\]: dict of length 1 against dict"):
        tree_map(lambda a, b: a + b, {"a": {"x": 1.0}}, {"a": {"y": 1.0}})


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: sgd(-0.1), ValueError, r"alpha must lie in \[0, inf\), got -0.1"),
        (lambda: sgd(math.nan), ValueError, "alpha must lie in"),
        (lambda: sgd("0.1"), TypeError, "alpha must be a single real number, got '0.1'"),
        (lambda: momentum(0.1, beta=1), ValueError, r"beta must lie in \[0, 1\), got 1"),
        (lambda: momentum(0.1, beta=-0.5), ValueError, "beta must lie in"),
        (lambda: adam(math.inf), ValueError, "alpha must lie in"),
        (lambda: adam(beta1=1.0), ValueError, "beta1 must lie in"),
        (lambda: adam(beta2=1.5), ValueError, "beta2 must lie in"),
        (lambda: adam(eps=-1e-8), ValueError, "eps must lie in"),
        (lambda: adam(None), TypeError, "alpha must be a single real number, got None"),
    ],
)
def test_bad_settings_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("name", ["beta1", "beta2"])
@pytest.mark.parametrize("value", [1.0, 1.1])
def test_adam_refuses_an_average_that_never_forgets(name, value):
    with pytest.raises(ValueError, match=name):
        adam(0.01, **{name: value})
