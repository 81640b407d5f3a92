"""Adagrad, RMSprop and Adadelta against their recursions at 50 digits, and what they are for."""

import mpmath as mp
import numpy as np
import pytest

from nnbook.learning.adaptive import adadelta, adagrad, rmsprop
from tests.learning.recursions import GRADIENTS, assert_close, exact, recursion, run


@pytest.mark.parametrize("initial", [0.0, 0.5])
def test_adagrad_is_its_recursion(initial):
    alpha, eps = exact(0.3, 1e-3)

    def step(t, theta, g, s):
        s = s + g**2
        return theta - alpha * g / (mp.sqrt(s) + eps), s

    found = run(adagrad(0.3, eps=1e-3, initial=initial))
    assert_close(found, recursion(step, initial))


@pytest.mark.parametrize("mu", [0.0, 0.6])
@pytest.mark.parametrize("centered", [False, True])
def test_rmsprop_is_its_recursion(centered, mu):
    alpha, beta, eps, share = exact(0.3, 0.8, 1e-3, mu)

    def step(t, theta, g, s, m, v):
        s, m = beta * s + (1 - beta) * g**2, beta * m + (1 - beta) * g
        square = s - m**2 if centered else s
        v = share * v - alpha * g / (mp.sqrt(square) + eps)
        return theta + v, s, m, v

    found = run(rmsprop(0.3, 0.8, 1e-3, centered=centered, momentum=mu))
    assert_close(found, recursion(step, 0.0, 0.0, 0.0), ulps=200)


def test_adadelta_is_its_recursion_with_epsilon_inside_both_roots():
    alpha, beta, eps = exact(0.7, 0.8, 1e-3)

    def step(t, theta, g, s, d):
        s = beta * s + (1 - beta) * g**2
        delta = mp.sqrt(d + eps) / mp.sqrt(s + eps) * g
        d = beta * d + (1 - beta) * delta**2
        return theta - alpha * delta, s, d

    assert_close(run(adadelta(0.7, 0.8, 1e-3)), recursion(step, 0.0, 0.0))


def test_the_defaults():
    assert run(adagrad()) == run(adagrad(0.01, 1e-10, initial=0.0))
    assert run(rmsprop()) == run(rmsprop(0.001, 0.9, 1e-8, centered=False, momentum=0.0))
    assert run(adadelta()) == run(adadelta(1.0, 0.95, 1e-6))


def test_epsilon_stands_outside_the_root():
    tiny = 1e-10
    assert -run(adagrad(1.0, eps=1e-8), 0.0, [tiny])[0] == pytest.approx(tiny / (tiny + 1e-8))
    found = -run(rmsprop(1.0, beta2=0.75, eps=1e-8), 0.0, [tiny])[0]
    assert found == pytest.approx(tiny / (tiny / 2 + 1e-8))


def test_adagrad_under_a_steady_gradient_steps_by_alpha_over_root_t():
    path = np.array([0.0, *run(adagrad(0.5, eps=0.0), 0.0, [3.0] * 50)])
    np.testing.assert_allclose(-np.diff(path), 0.5 / np.sqrt(np.arange(1, 51)), rtol=1e-12)


@pytest.mark.parametrize("make", [adagrad, rmsprop])
def test_without_epsilon_the_scale_of_the_gradient_is_not_seen(make):
    large = [2.0**40 * g for g in GRADIENTS]
    assert run(make(0.1, eps=0.0)) == run(make(0.1, eps=0.0), gradients=large)


@pytest.mark.parametrize("make", [adagrad, rmsprop])
def test_without_epsilon_a_coordinate_without_a_gradient_stays(make):
    assert run(make(0.1, eps=0.0), 0.4, [0.0, 0.0]) == [0.4, 0.4]


def test_the_centred_variance_cannot_be_negative():
    # written as a difference it is -1.4e-17 here, and its root NaN
    s = m = 0.0
    for _ in range(200):
        s, m = 0.5 * s + 0.5 * 0.1 * 0.1, 0.5 * m + 0.5 * 0.1
    assert s - m * m <= 0
    assert np.isfinite(run(rmsprop(0.1, 0.5, centered=True), 0.4, [0.1] * 200)).all()


def test_rmsprop_keeps_what_it_needs():
    theta = np.ones(2)
    kept = {
        (centered, mu): [
            name for name, part in rmsprop(0.1, centered=centered, momentum=mu)
            .init(theta)._asdict().items() if part is not None
        ]
        for centered in (False, True) for mu in (0.0, 0.5)
    }  # fmt: skip
    assert kept == {
        (False, 0.0): ["t", "s"], (False, 0.5): ["t", "s", "v"],
        (True, 0.0): ["t", "s", "m"], (True, 0.5): ["t", "s", "m", "v"],
    }  # fmt: skip


def test_adadelta_starts_by_the_root_of_epsilon():
    step = -run(adadelta(beta2=0.75, eps=1e-4), 0.0, [100.0])[0]
    assert step == pytest.approx(1e-2 / 0.5, rel=1e-6)
    with pytest.raises(ValueError, match=r"eps must lie in \(0, inf\)"):
        adadelta(eps=0.0)
