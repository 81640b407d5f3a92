"""The record of a run: what was done, not what should have been."""

import numpy as np
import pytest

from nnbook.learning import (
    accuracy,
    adam,
    fit,
    init_params,
    loss_and_grads,
    momentum,
    moons,
    record_run,
    sgd,
    step_decay,
    tree_leaves,
    tree_map,
)
from nnbook.learning.optimizers import Optimizer

RNG = np.random.default_rng(7)
X, Y = moons(30, RNG)
X_VALIDATION, Y_VALIDATION = moons(20, RNG)
PARAMS = init_params([2, 6, 2], RNG)


def record(**changed):
    arguments = {
        "params": PARAMS, "X": X, "Y": Y, "validation": (X_VALIDATION, Y_VALIDATION),
        "optimizer": sgd(0.3), "epochs": 4, "batch_size": 8, "rng": np.random.default_rng(0),
    } | changed
    return record_run(**arguments)


def same(first, second):
    return all(map(np.array_equal, tree_leaves(first), tree_leaves(second)))


@pytest.mark.parametrize("optimizer", [sgd(0.3), momentum(0.1), adam(0.01)])
def test_the_run_is_that_of_fit(optimizer):
    before = tree_map(np.copy, PARAMS)
    r = record(optimizer=optimizer)
    run = fit(PARAMS, X, Y, optimizer=optimizer, epochs=4, batch_size=8,
              rng=np.random.default_rng(0), validation=(X_VALIDATION, Y_VALIDATION),
              dtype=np.float64)
    assert all(np.allclose(a, b, rtol=1e-9, atol=1e-12)
               for a, b in zip(tree_leaves(r.end), tree_leaves(run.params), strict=True))
    for name in ("validation_loss", "validation_accuracy"):
        assert len(r.history[name]) == 5
        assert np.allclose(r.history[name], run.history[name], rtol=1e-9)
    for when, params in ((0, PARAMS), (-1, r.end)):
        assert r.history["loss"][when] == pytest.approx(loss_and_grads(params, X, Y)[0], rel=1e-12)
        assert r.history["accuracy"][when] == accuracy(params, X, Y)
    assert r.stopped is None
    assert same(r.start, PARAMS) and same(PARAMS, before)
    assert (r.optimizer, r.alpha) == (optimizer.name, optimizer.alpha)


def test_bce_takes_a_column_and_measures_accuracy():
    params = init_params([2, 6, 1], np.random.default_rng(1))
    validation = X_VALIDATION, Y_VALIDATION[:, np.newaxis]
    r = record(params=params, Y=Y[:, np.newaxis], validation=validation, loss="bce_with_logits")
    run = fit(params, X, Y[:, np.newaxis], optimizer=sgd(0.3), epochs=4, batch_size=8,
              rng=np.random.default_rng(0), validation=validation, loss="bce_with_logits")
    assert r.history["validation_accuracy"] == run.history["validation_accuracy"]
    assert r.loss == "bce_with_logits"


def test_a_snapshot_is_the_first_step_of_its_epoch():
    r = record(activation="tanh")
    assert [(s.epoch, s.step) for s in r.snapshots] == [(0, 0), (1, 4), (2, 8), (3, 12)]
    for epoch, s in enumerate(r.snapshots):
        assert np.array_equal(s.X, X[r.orders[epoch][:8]])
        assert np.array_equal(s.Y, Y[r.orders[epoch][:8]])
        value, grads = loss_and_grads(s.before, s.X, s.Y, "tanh")
        assert r.step_losses[s.step] == value
        assert same(s.after, tree_map(lambda p, g: p - 0.3 * g, s.before, grads))
    assert len(r.step_losses) == 16


def test_orders_are_fresh_permutations():
    r = record()
    rng = np.random.default_rng(0)
    assert r.orders.tolist() == [rng.permutation(30).tolist() for _ in range(4)]
    assert np.array_equal(r.orders, r.target_orders)


def test_the_last_batch_takes_what_is_left():
    sizes = []

    def gradients(params, X, Y):
        sizes.append((len(X), len(Y)))
        return loss_and_grads(params, X, Y)

    record(gradients=gradients, epochs=1)
    assert sizes == [(8, 8)] * 3 + [(6, 6)]


def test_ones_own_shuffle_and_gradients_are_recorded_as_they_are():
    turned = np.arange(30)[::-1]
    r = record(shuffle=lambda epoch: (np.roll(turned, epoch), np.arange(30)))
    assert np.array_equal(r.orders[1], np.roll(turned, 1))
    assert np.array_equal(r.target_orders[1], np.arange(30))
    assert np.array_equal(r.snapshots[1].X, X[np.roll(turned, 1)[:8]])
    assert np.array_equal(r.snapshots[1].Y, Y[:8])

    def gradients(params, X, Y):
        value, grads = loss_and_grads(params, X, Y)
        return value, tree_map(np.negative, grads)

    assert record(gradients=gradients).history["loss"][-1] > record().history["loss"][0]


def test_missing_values_are_let_in_and_stop_the_run():
    missing = X.copy()
    missing[3, 1] = np.nan
    with np.errstate(all="raise"):
        r = record(X=missing)
    assert np.isnan(r.history["loss"][0]) and np.isnan(r.history["accuracy"][0])
    assert np.isfinite(r.history["validation_loss"][0])
    place = int(np.flatnonzero(r.orders[0] == 3)[0])
    assert r.stopped == f"step {place // 8 + 1}, in epoch 1: feature 1 of an example is nan"
    assert r.snapshots[-1].after is None
    assert np.isnan(r.step_losses[-1]) and len(r.step_losses) == place // 8 + 1


@pytest.mark.parametrize(("what", "cause"), [
    ("loss", "the loss is nan"), ("gradient", "the gradient of b in layer 2 is not finite"),
    ("update", "the updated value of W in layer 1 is not finite")])
def test_what_is_not_finite_first_is_named(what, cause):
    def gradients(params, X, Y):
        value, grads = loss_and_grads(params, X, Y)
        if what == "gradient":
            grads[1] = grads[1][0], grads[1][1] * np.inf
        return (np.nan if what == "loss" else value), grads

    def update(grads, state, params):
        new, state = sgd(0.3).update(grads, state, params)
        return ([(new[0][0] * np.nan, new[0][1]), new[1]] if what == "update" else new), state

    optimizer = Optimizer(sgd(0.3).init, update)
    r = record(gradients=gradients, optimizer=optimizer)
    assert r.stopped == f"step 1, in epoch 1: {cause}"
    assert same(r.end, PARAMS)
    assert r.optimizer == ""
    assert len(r.history["loss"]) == 1 and r.orders.shape == (1, 30)


def test_a_schedule_is_recorded_by_its_first_rate():
    assert record(optimizer=sgd(step_decay(0.25, 0.5, 3))).alpha == 0.25


V = (X_VALIDATION, Y_VALIDATION)
BAD = {
    "no pair": ({"validation": X}, TypeError, "validation must be a pair"),
    "three": ({"validation": (X, Y, Y)}, TypeError, "validation must be a pair"),
    "validation features": ({"validation": (X[:, :1], Y)}, ValueError, r"validation\[0\]"),
    "validation targets": ({"validation": (X, Y[:3])}, ValueError, r"validation\[1\]"),
    "flat": ({"X": X[:, 0]}, ValueError, "X must have the shape"),
    "empty": ({"X": X[:0], "Y": Y[:0]}, ValueError, "at least one"),
    "strings": ({"X": X.astype(str)}, TypeError, "X"),
    "complex": ({"X": X + 0j}, TypeError, "X"),
    "too few targets": ({"Y": Y[:-1]}, ValueError, "Y must have the shape"),
    "one-hot": ({"Y": np.eye(2)[Y]}, ValueError, "Y must have the shape"),
    "label 2": ({"Y": Y + 1}, ValueError, "Y must hold the classes 0 to 1"),
    "label text": ({"Y": Y.astype(str)}, ValueError, "Y must hold the classes"),
    "two logits": ({"Y": Y[:, None], "loss": "bce_with_logits"}, ValueError, "2 logits"),
    "label 2 for yes or no": ({
        "params": init_params([2, 1], RNG), "Y": Y[:, None] + 1, "loss": "bce_with_logits"},
        ValueError, "classes 0 to 1"),
    "loss": ({"loss": "mse"}, ValueError, "loss must be one of"),
    "activation": ({"activation": "tanhh"}, ValueError, "activation"),
    "pair": ({"activation": (np.tanh, np.cos)}, TypeError, "activation must be a name"),
    "optimizer": ({"optimizer": 0.1}, TypeError, "optimizer must be"),
    "epochs": ({"epochs": 0}, ValueError, "epochs"),
    "half an epoch": ({"epochs": 0.5}, TypeError, "epochs"),
    "batch": ({"batch_size": 0}, ValueError, "batch_size"),
    "rng": ({"rng": 0}, TypeError, "rng"),
    "params": ({"params": []}, TypeError, "params"),
    "shuffle too short": ({"shuffle": lambda _: np.arange(5)}, ValueError, "shuffle"),
    "shuffle repeats": ({"shuffle": lambda _: np.zeros(30, int)}, ValueError, "shuffle"),
    "shuffle of three": ({"shuffle": lambda _: (np.arange(30),) * 3}, ValueError, "shuffle"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name):
    changed, error, message = BAD[name]
    with pytest.raises(error, match=message):
        record(**changed)
