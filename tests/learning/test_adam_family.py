"""Adam, AdamW, NAdam, AMSGrad and Lion against their recursions at 50 digits, and their bounds."""

import math

import mpmath as mp
import numpy as np
import pytest

from nnbook.learning.adam_family import adam, adamw, amsgrad, lion, nadam
from tests.learning.recursions import GRADIENTS, assert_close, exact, recursion, run


def adam_like(alpha, b1, b2, eps, *, decay=0.0, ahead=False, largest=False, correct=True):
    alpha, b1, b2, eps, decay = exact(alpha, b1, b2, eps, decay)

    def step(t, theta, g, m, v, v_max):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        c1, c2 = (1 - b1**t, 1 - b2**t) if correct else (1, 1)
        m_hat = b1 * m / (1 - b1 ** (t + 1)) + (1 - b1) * g / c1 if ahead else m / c1
        v_max = max(v_max, v / c2)
        v_hat = v_max if largest else v / c2
        move = alpha * m_hat / (mp.sqrt(v_hat) + eps)
        return theta - move - alpha * decay * theta, m, v, v_max

    return recursion(step, 0.0, 0.0, 0.0)


SETTINGS = (0.1, 0.7, 0.95, 1e-3)


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (adam, {}),
        (nadam, {"ahead": True}),
        (amsgrad, {"largest": True}),
        (lambda *s: amsgrad(*s, bias_correction=False), {"largest": True, "correct": False}),
        (lambda *s: adamw(*s, weight_decay=0.25), {"decay": 0.25}),
    ],
    ids=["adam", "nadam", "amsgrad", "amsgrad of the paper", "adamw"],
)
def test_each_is_its_recursion(make, options):
    assert_close(run(make(*SETTINGS)), adam_like(*SETTINGS, **options))


def test_lion_is_its_recursion():
    alpha, b1, b2, decay = exact(0.1, 0.7, 0.95, 0.25)

    def step(t, theta, g, m):
        mixture = b1 * m + (1 - b1) * g
        return theta - alpha * (mp.sign(mixture) + decay * theta), b2 * m + (1 - b2) * g

    assert_close(run(lion(0.1, 0.7, 0.95, 0.25)), recursion(step, 0.0))
    assert run(lion(0.1), 0.4, [0.0]) == [0.4]


def test_defaults_are_the_papers():
    assert run(adam()) == run(adam(1e-3, 0.9, 0.999, 1e-8))
    assert run(nadam()) == run(nadam(1e-3, 0.9, 0.999, 1e-8))
    assert run(amsgrad()) == run(amsgrad(1e-3, 0.9, 0.999, 1e-8, bias_correction=True))
    assert run(adamw()) == run(adamw(1e-3, 0.9, 0.999, 1e-8, 0.01))
    assert run(lion()) == run(lion(1e-4, 0.9, 0.99, 0.0))


def test_adam_equals_the_weighted_sums_it_stands_for():
    # m_t = (1-b1) sum_k b1^(t-k) g_k, and the weights divided by 1 - b1^t sum to 1
    b1, b2, t = 0.9, 0.999, len(GRADIENTS)
    w1 = (1 - b1) * b1 ** np.arange(t)[::-1] / (1 - b1**t)
    w2 = (1 - b2) * b2 ** np.arange(t)[::-1] / (1 - b2**t)
    assert w1.sum() == pytest.approx(1) and w2.sum() == pytest.approx(1)
    g = np.array(GRADIENTS)
    step = 0.01 * (w1 @ g) / (np.sqrt(w2 @ g**2) + 1e-8)
    path = run(adam(0.01))
    assert path[-2] - path[-1] == pytest.approx(step, rel=1e-9)


def test_epsilon_stands_outside_the_root():
    # inside the root the step would be 1e-6 of alpha
    expected = 1e-10 / (1e-10 + 1e-8)
    for make in (adam, nadam, amsgrad, lambda a: adamw(a, weight_decay=0.0)):
        factor = 0.9 * 0.1 / (1 - 0.9**2) + 1 if make is nadam else 1
        assert -run(make(1.0), 0.0, [1e-10])[0] == pytest.approx(factor * expected, rel=1e-12)


@pytest.mark.parametrize("make", [adam, nadam, amsgrad, adamw])
def test_without_epsilon_the_scale_is_not_seen(make):
    large = [2.0**40 * g for g in GRADIENTS]
    assert run(make(0.1, eps=0.0)) == run(make(0.1, eps=0.0), gradients=large)


@pytest.mark.parametrize("make", [adam, nadam, amsgrad, adamw])
def test_without_epsilon_a_coordinate_without_a_gradient_stays(make):
    assert run(make(0.1, eps=0.0), 0.0, [0.0, 0.0]) == [0.0, 0.0]


def test_without_memory_adam_steps_by_signs():
    path = run(adam(0.1, 0.0, 0.0, 0.0), 0.0, [5.0, -0.01, 0.0, 3.0])
    assert path == pytest.approx([-0.1, 0.0, 0.0, -0.1])


def longest(gradients, beta1=0.9, beta2=0.999):
    path = np.array([0.0, *run(adam(1.0, beta1, beta2, 0.0), 0.0, gradients)])
    return np.abs(np.diff(path))


def test_the_papers_bound_on_a_step_holds_for_a_lone_spike_only():
    published = (1 - 0.9) / math.sqrt(1 - 0.999)
    bound = published / math.sqrt(1 - 0.9**2 / 0.999)
    quiet = 20_000  # the corrections are 1 by then
    lone = longest([*[0.0] * quiet, 1.0])
    assert lone.max() == pytest.approx(published, rel=1e-6)
    ramp = longest([*[0.0] * quiet, *(0.9 / 0.999) ** np.arange(200.0, -1.0, -1.0)])
    assert ramp.max() > 2.29 * published
    assert ramp.max() == pytest.approx(bound, rel=1e-6)
    assert round(published, 2) == 3.16 and round(bound, 2) == 7.27


@pytest.mark.parametrize(("beta1", "beta2"), [(0.9, 0.999), (0.5, 0.3), (0.0, 0.9), (0.8, 0.65)])
def test_no_step_is_longer_than_the_bound_of_the_docstring(beta1, beta2):
    rng = np.random.default_rng(0)
    bound = (1 - beta1) / math.sqrt((1 - beta2) * (1 - beta1**2 / beta2))
    t = np.arange(1, 301)
    bounds = bound * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    for _ in range(20):
        gradients = np.exp(rng.normal(scale=3, size=300).cumsum() / 5) * rng.choice([-1, 1], 300)
        assert (longest(gradients, beta1, beta2) <= bounds * (1 + 1e-12)).all()


def test_reddis_counterexample_sends_adam_the_wrong_way_and_amsgrad_the_right_one():
    C = 3.0

    def end(make):
        optimizer = make(lambda t: 0.5 / math.sqrt(t + 1), 0.0, 1 / (1 + C**2), 0.0)
        theta = np.array([0.0])
        state = optimizer.init(theta)
        for t in range(1, 6001):
            g = np.array([C if t % 3 == 1 else -1.0])
            theta, state = optimizer.update(g, state, theta)
            theta = np.clip(theta, -1, 1)
        return float(theta[0])

    assert end(adam) > 0.9
    assert end(amsgrad) < -0.9
    assert end(lambda *s: amsgrad(*s, bias_correction=False)) < -0.9


def test_the_decay_of_adamw_is_not_divided_by_the_root():
    path = run(adamw(0.1, weight_decay=0.5), 2.0, [0.0, 0.0])
    assert path == pytest.approx([2 * 0.95, 2 * 0.95**2], rel=1e-15)
    assert run(adamw(0.1, weight_decay=0.0)) == run(adam(0.1))
    assert run(adamw(lambda t: 0.1 * (t < 1), weight_decay=0.5), 2.0, [0.0] * 3) == [1.9] * 3


@pytest.mark.parametrize("make", [adamw, lion])
def test_only_the_chosen_arrays_decay(make):
    optimizer = make(0.1, weight_decay=0.5, where=lambda array: array.ndim > 1)
    params = [(np.ones((2, 3)), np.ones(2))]
    grads = [(np.zeros((2, 3)), np.zeros(2))]
    [(W, b)], _ = optimizer.update(grads, optimizer.init(params), params)
    assert (W == 0.95).all() and (b == 1).all()
    with pytest.raises(TypeError, match="where must be a function of an array or None, found"):
        make(0.1, where="W")


def test_a_long_run_ends_where_the_gradient_does():
    # 10,000 steps on a quadratic, with a rate that falls: no correction goes wrong on the way
    optimizer, theta = adam(lambda t: 0.1 * 0.999**t), np.array([3.0, -5.0])
    state = optimizer.init(theta)
    for _ in range(10_000):
        theta, state = optimizer.update(np.array([1.0, 0.01]) * theta, state, theta)
    assert state.t == 10_000
    np.testing.assert_allclose(theta, 0, atol=1e-4)
