"""The faults: each run shows, by numbers computed here, what its fault is said to be."""

from itertools import pairwise

import numpy as np
import pytest

from nnbook.learning import (
    FAULTS,
    accuracy,
    broken_run,
    dead_fraction,
    gradient_statistics,
    loss_and_grads,
    saturated_fraction,
    signal_statistics,
    tree_leaves,
    update_ratio,
)
from nnbook.learning.recording import Record

SEEDS = range(8)


def runs(fault, seeds=SEEDS):
    return [broken_run(fault, np.random.default_rng([77, seed])) for seed in seeds]


def test_there_are_ten_faults():
    assert list(FAULTS) == ["vanishing", "exploding", "dead", "saturated", "overfit", "sign",
                            "scale", "leak", "stale shuffle", "nan"]
    with pytest.raises(TypeError):
        FAULTS["other"] = "x"


def test_sound_runs_learn_and_generalise():
    for r in runs("healthy"):
        assert r.stopped is None
        assert r.history["loss"][-1] < 0.7 * r.history["loss"][0]
        assert accuracy(r.end, r.X_validation, r.Y_validation, r.activation) > 0.8
        assert r.history["accuracy"][-1] - r.history["validation_accuracy"][-1] < 0.1
        assert np.all(r.X.std(axis=0) > 0.45) and np.all(r.X.std(axis=0) < 2.05)


def test_vanishing_and_exploding_gradients():
    for r in runs("vanishing"):
        delta = gradient_statistics(r.start, r.X, r.Y, r.activation, r.loss).delta
        assert delta[0] < 0.01 * delta[-1]
    kinds = set()
    for r in runs("exploding"):
        signal = signal_statistics(r.start, r.X, r.activation)
        grown = signal.output_rms[-1] > 30 * signal.input_rms[0]
        worst = max(update_ratio(s.before, s.after).max() for s in r.snapshots if s.after)
        assert grown or worst > 0.3
        kinds.add(bool(grown))
    assert kinds == {True, False}


def test_dead_and_saturated_units():
    for r in runs("dead"):
        assert r.activation == "relu"
        assert dead_fraction(r.start, r.X).max() > 0.5
    for r in runs("saturated"):
        assert saturated_fraction(r.start, r.X, r.activation).max() > 0.5


def test_overfitting():
    for r in runs("overfit", range(4)):
        assert r.history["accuracy"][-1] > 0.95
        assert r.history["validation_accuracy"][-1] < 0.85
        assert len(r.X) <= 50


def test_the_lost_minus():
    variants = set()
    for r in runs("sign", range(14)):
        s = r.snapshots[0]
        _, grads = loss_and_grads(s.before, s.X, s.Y, r.activation, r.loss)
        climbs = [float(np.vdot(new - old, g)) > 0 for (old, _), (new, _), (g, _)
                  in zip(s.before, s.after, grads, strict=True)]
        assert climbs[0] and all(climbs[:-1])
        variants.add(climbs[-1])
    assert variants == {True, False}


def test_features_out_of_scale():
    shares = set()
    for r in runs("scale"):
        large = r.X.std(axis=0) > 45
        assert large.any() and np.array_equal(large, r.X_validation.std(axis=0) > 45)
        shares.add(bool(large.all()))
    assert shares == {True, False}


def test_leaks():
    variants = set()
    for r in runs("leak"):
        copied = (r.X_validation[:, None] == r.X).all(axis=2).any(axis=1).mean()
        y = r.Y.ravel()
        within = sum(np.mean(y == k) * r.X[y == k].var(axis=0) for k in np.unique(y))
        told = (within < 0.02 * r.X.var(axis=0)).any()
        assert (copied > 0.2) != told
        variants.add(bool(told))
    assert variants == {True, False}


def test_orders_that_are_none():
    seen = set()
    for r in runs("stale shuffle", range(16)):
        y = r.Y.ravel()
        if (r.orders != r.target_orders).any():
            seen.add("targets")
        elif (np.diff(y[r.orders[0]]) >= 0).all():
            seen.add("sorted")
        elif (r.orders == r.orders[0]).all():
            seen.add("once")
        else:
            pairs = [set(pairwise(order)) for order in r.orders[:2].tolist()]
            assert len(pairs[0] & pairs[1]) > 0.9 * len(pairs[0])
            seen.add("batches")
    assert seen == {"targets", "sorted", "once", "batches"}


def test_numbers_that_are_none():
    causes = set()
    for r in runs("nan", range(16)):
        assert r.stopped
        assert all(np.isfinite(leaf).all() for leaf in tree_leaves(r.end))
        bad = r.X[~np.isfinite(r.X)]
        causes.add("update" if bad.size == 0 else "log 0" if np.isinf(bad).all() else
                   "column" if bad.size == len(r.X) else "missing")
    assert causes == {"update", "log 0", "column", "missing"}


@pytest.mark.parametrize("fault", ["healthy", *FAULTS])
def test_a_seed_gives_one_run_and_another_another(fault):
    first, again, other = (broken_run(fault, np.random.default_rng(s)) for s in (1, 1, 2))
    assert isinstance(first, Record)
    assert all(map(np.array_equal, tree_leaves(first.end), tree_leaves(again.end)))
    assert np.array_equal(first.step_losses, again.step_losses, equal_nan=True)
    assert not np.array_equal(first.X, other.X)


def test_a_record_does_not_tell_its_fault():
    for fault in FAULTS:
        r = broken_run(fault, np.random.default_rng(5))
        texts = [part for part in r if isinstance(part, str) and part != r.stopped]
        assert len(texts) == 3
        assert not set(texts) & set(FAULTS)


@pytest.mark.parametrize(("arguments", "error", "message"), [
    (("gremlins", np.random.default_rng(0)), ValueError, "fault must be healthy or one of vanish"),
    ((None, np.random.default_rng(0)), ValueError, "fault must be"),
    ((["sign"], np.random.default_rng(0)), ValueError, "fault must be"),
    (("sign", 0), TypeError, "rng must be"),
])
def test_bad_input_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        broken_run(*arguments)
