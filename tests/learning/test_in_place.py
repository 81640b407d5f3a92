"""Each rule in place is the page's update; blocks change nothing."""

import numpy as np
import pytest

from nnbook.learning import _in_place, optimizers
from nnbook.learning._in_place import RULES, cannot_overflow, rule_of, update

BLOCK = 32_768  # half of what the engine takes; of more numbers the worst error is larger
KNOWN = {
    "sgd": optimizers.sgd(0.1),
    "velocity": optimizers.momentum(0.1, 0.8),
    "sum": optimizers.momentum(0.1, 0.8, form="sum"),
    "average": optimizers.momentum(0.1, 0.8, form="average"),
    "nesterov_rewritten": optimizers.nesterov_rewritten(0.1, 0.8),
    "adagrad": optimizers.adagrad(0.1),
    "adagrad, ε = 0": optimizers.adagrad(0.1, eps=0.0),
    "rmsprop": optimizers.rmsprop(0.1),
    "rmsprop, ε = 0": optimizers.rmsprop(0.1, eps=0.0),
    "adam": optimizers.adam(0.1),
    "adam, ε = 0": optimizers.adam(0.1, eps=0.0),
    "adam, other β": optimizers.adam(0.1, beta1=0.0, beta2=0.5, eps=0.1),
    "adamw": optimizers.adamw(0.1, weight_decay=0.3),
}


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("size", [1, 10, BLOCK, BLOCK + 1, 2 * BLOCK + 5])
def test_a_rule_takes_the_pages_steps(name, size, monkeypatch):
    monkeypatch.setattr(_in_place, "BLOCK", BLOCK)
    optimizer, rng = KNOWN[name], np.random.default_rng(1)
    rule = rule_of(optimizer)
    page = rng.normal(size=size)
    p, g, scratch = page.copy(), np.empty(size), np.empty(min(size, BLOCK))
    slots = [np.zeros(size) for _ in rule.slots]
    state = optimizer.init(page)
    for t in range(6):
        slope = rng.normal(size=size) * (rng.random(size) < 0.7)  # some stay untouched for a while
        slope[-1] = 0.0
        page, state = optimizer.update(slope, state, page)
        g[...] = slope
        update(rule, 0.1, t, p, g, slots, scratch)
        np.testing.assert_allclose(p, page, rtol=0, atol=2e-15)
    for (field, factor), slot in zip(rule.slots.items(), slots, strict=True):
        np.testing.assert_allclose(factor * slot, getattr(state, field), rtol=1e-13, atol=1e-15)


def test_sgd_alone_folds_its_rate_into_the_gradient():
    assert [name for name, optimizer in KNOWN.items() if rule_of(optimizer).folds] == ["sgd"]


@pytest.mark.parametrize("optimizer", [
    optimizers.adadelta(), optimizers.amsgrad(0.1), optimizers.nadam(0.1), optimizers.lion(0.1),
    optimizers.nesterov(0.1), optimizers.rmsprop(0.1, centered=True),
    optimizers.rmsprop(0.1, momentum=0.9), optimizers.adamw(0.1, where=lambda a: True),
    optimizers.Optimizer(None, None),
])  # fmt: skip
def test_what_has_no_rule_steps_by_the_page(optimizer):
    assert not rule_of(optimizer)


def test_every_rule_is_held_to_the_page():
    assert {optimizer.name for optimizer in KNOWN.values()} == set(RULES)


@pytest.mark.parametrize(("settings", "alpha", "safe"), [
    ({}, 0.1, True), ({}, 1e3, True), ({}, 1001.0, False),
    ({"eps": 1e-8}, 0.1, True), ({"eps": 1e-12}, 0.1, True), ({"eps": 0.0}, 0.1, False),
    ({"eps": 1e-8, "weight_decay": 1.0}, 1.0, True),
    ({"eps": 1e-8, "weight_decay": 1.1}, 1.0, False),
])  # fmt: skip
def test_which_steps_cannot_overflow(settings, alpha, safe):
    assert cannot_overflow(settings, alpha) is safe


@pytest.mark.parametrize("name", [n for n in KNOWN if "0" not in n])
@pytest.mark.parametrize("low", [1e-45, 1e-22, 1e-10, 1.0])
def test_a_step_said_to_be_safe_does_not_overflow(name, low):
    # the largest gradient whose square is finite, then a small one, at the longest step
    optimizer = KNOWN[name]
    rule = rule_of(optimizer)
    p, slots = np.zeros(4, np.float32), [np.zeros(4, np.float32) for _ in rule.slots]
    for t, size in enumerate([9e18, low, 9e18, low, low, -9e18]):
        g = np.array([size, -size, 0.0, low], np.float32)
        with np.errstate(under="ignore", over="ignore"):
            update(rule, 1e3, t, p, g, slots, np.empty(4, np.float32))
        assert np.isfinite(p).all()
