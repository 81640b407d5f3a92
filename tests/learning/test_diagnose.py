"""diagnose: causes before effects, a report in words, and runs on the digits by another hand."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from nnbook.learning import (
    FAULTS,
    adam,
    broken_run,
    diagnose,
    digits,
    fit,
    forward,
    init_params,
    loss_and_grads,
    momentum,
    record_run,
    sgd,
    split,
    tree_leaves,
    tree_map,
)
from nnbook.learning import diagnose_data as data_rules
from nnbook.learning import diagnose_rules as network_rules
from nnbook.learning.diagnose import Report
from nnbook.learning.recording import Record

ROOT = Path(__file__).resolve().parents[2]
X, Y = digits()
PARTS = split(X, Y, 450, np.random.default_rng(0), train=600)


def record(sizes=(64, 32, 16, 10), init="he_normal", **changed):
    """Train on 600 digits for 5 epochs, as one would, but for what is changed."""
    rng = np.random.default_rng(1)
    arguments = {
        "params": init_params(sizes, rng, init), "X": PARTS.X_train, "Y": PARTS.y_train,
        "validation": (PARTS.X_test, PARTS.y_test), "optimizer": sgd(0.2), "epochs": 5,
        "batch_size": 32, "rng": rng, "activation": "relu",
    } | changed
    return record_run(**arguments)


def normal(sd):
    return lambda n_out, n_in, rng: sd * rng.standard_normal((n_out, n_in))


def negated(params, X, Y):
    value, grads = loss_and_grads(params, X, Y)
    return value, tree_map(np.negative, grads)


def naive(params, X, Y):
    """Compute the loss by exp(z) / sum exp(z), where the logits are scores in the thousands."""
    z = 1000 * forward(params, X, "relu")[0]
    with np.errstate(all="ignore"):
        P = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        loss = -np.log(P[np.arange(len(Y)), Y]).mean()
    return loss, loss_and_grads(params, X, Y)[1]


def with_label(X, Y):
    return np.c_[Y / 9.0, X[:, 1:]]


def hidden_bias(b):
    *hidden, last = init_params((64, 32, 16, 10), np.random.default_rng(2))
    return {"params": [(W, c + b) for W, c in hidden] + [last]}


MISSING = PARTS.X_train.copy()
MISSING[17, 20] = np.nan
SMALL = {"X": PARTS.X_train[:30], "Y": PARTS.y_train[:30], "batch_size": 10, "epochs": 60}
DIGITS = {
    "sound, sgd": ("healthy", lambda: record()),
    "sound, adam and tanh": ("healthy", lambda: record(
        init="glorot_uniform", activation="tanh", optimizer=adam(0.003))),
    "sound, softmax regression": ("healthy", lambda: record((64, 10))),
    "six logistic layers": ("vanishing", lambda: record(
        (64, *[32] * 6, 10), "glorot_uniform", activation="sigmoid")),
    "weights of 0.01": ("vanishing", lambda: record((64, 64, 64, 10), normal(0.01))),
    "weights of 1": ("exploding", lambda: record((64, 64, 64, 64, 10), normal(1.0))),
    "alpha 20": ("exploding", lambda: record(optimizer=sgd(20.0))),
    "momentum 5": ("exploding", lambda: record(optimizer=momentum(5.0))),
    "adam 1": ("exploding", lambda: record(optimizer=adam(1.0))),
    "biases of -10": ("dead", lambda: record(**hidden_bias(-10.0))),
    "tanh, weights of 2": ("saturated", lambda: record(init=normal(2.0), activation="tanh")),
    "logistic, weights of 3": ("saturated", lambda: record(
        init=normal(3.0), activation="sigmoid")),
    "30 digits by heart": ("overfit", lambda: record(
        (64, 128, 10), optimizer=adam(0.003), **SMALL)),
    "Y - P": ("sign", lambda: record(gradients=negated)),
    "grey values to 255": ("scale", lambda: record(
        X=255 * PARTS.X_train, validation=(255 * PARTS.X_test, PARTS.y_test))),
    "grey values to 16": ("scale", lambda: record(
        X=16 * PARTS.X_train, validation=(16 * PARTS.X_test, PARTS.y_test))),
    "validated on training": ("leak", lambda: record(
        validation=(PARTS.X_train[:200], PARTS.y_train[:200]))),
    "label in the corner": ("leak", lambda: record(
        X=with_label(PARTS.X_train, PARTS.y_train),
        validation=(with_label(PARTS.X_test, PARTS.y_test), PARTS.y_test))),
    "no shuffle": ("stale shuffle", lambda: record(shuffle=lambda _: np.arange(600))),
    "one seed an epoch": ("stale shuffle", lambda: record(
        shuffle=lambda _: np.random.default_rng(3).permutation(600))),
    "sorted": ("stale shuffle", lambda: record(
        shuffle=lambda _: np.argsort(PARTS.y_train, kind="stable"))),
    "a missing pixel": ("nan", lambda: record(X=MISSING)),
    "naive softmax": ("nan", lambda: record(gradients=naive)),
}


@pytest.mark.parametrize("name", DIGITS)
def test_runs_on_the_digits(name):
    fault, make = DIGITS[name]
    assert diagnose(make()).fault == fault


def test_causes_come_before_effects():
    """Too large features make steps too long; too long steps kill units."""
    report = diagnose(record(optimizer=sgd(20.0)))
    assert [f.fault for f in report.findings] == ["exploding", "dead"]
    both = record(X=255 * PARTS.X_train, gradients=negated, shuffle=lambda _: np.arange(600),
                  optimizer=sgd(1e-9), validation=(255 * PARTS.X_train[:50], PARTS.y_train[:50]))
    found = [f.fault for f in diagnose(both).findings]
    assert found[:4] == ["scale", "leak", "stale shuffle", "sign"]
    assert len(found) == len(set(found))


def test_the_report_is_the_first_finding_in_words():
    report = diagnose(record(optimizer=sgd(20.0)))
    first, second = report.findings
    assert (report.fault, report.because, report.equation, report.suggestion) == (
        first.fault, first.because, first.equation, first.suggestion)
    assert str(report).splitlines() == [
        f"exploding: {first.because} (equation 19.4).", first.suggestion,
        "Further, perhaps in consequence:", f"- dead: {second.because} (19.2)"]
    assert first.measured > first.threshold == 2.0
    alone = report._replace(findings=[first])
    assert str(alone).splitlines() == str(report).splitlines()[:2]


def test_the_report_of_a_sound_run():
    r = record(optimizer=sgd(0.0), epochs=1)
    report = diagnose(r)
    assert isinstance(report, Report) and isinstance(r, Record)
    assert report.findings == [] and report.fault == "healthy" and report.equation == "19.5"
    value, share = r.history["loss"][0], r.history["validation_accuracy"][-1]
    assert report.because == (
        f"no rule is broken; the loss went from {value:.3g} to {value:.3g}, validation accuracy is "
        f"{share:.2f}, and a step changes the weights by 0.0e+00 of their norm")
    assert str(report) == (f"healthy: {report.because} (equation 19.5).\n{report.suggestion}")


def test_equations_named_are_planned():
    planned = tomllib.loads((ROOT / "book/data/equations.toml").read_text("utf-8"))["equation"]
    planned = {entry["id"] for entry in planned}
    sources = "".join(Path(module.__file__).read_text("utf-8")
                      for module in (data_rules, network_rules))
    named = set(re.findall(r'"(\d+\.\d+)"', sources))
    assert named == {"10.1", "11.1", "12.1", "17.1", "19.1", "19.2", "19.4", "19.5"}
    assert named <= planned


def test_every_threshold_is_explained_where_it_stands():
    for module in (data_rules, network_rules):
        source = Path(module.__file__).read_text("utf-8")
        for name in re.findall(r"^([A-Z_]+) = [\d.]+$", source, re.M):
            assert re.search(rf'^{name} = [\d.]+\n""".', source, re.M), name
    assert set(FAULTS) == set(re.findall(r'Finding\(\s*"([a-z ]+)"', "".join(
        Path(module.__file__).read_text("utf-8") for module in (data_rules, network_rules))))


def test_diagnosis_changes_nothing_and_repeats():
    r = broken_run("exploding", np.random.default_rng(3))
    before = [np.copy(leaf) for leaf in [*tree_leaves([r.start, r.end]), r.X, r.orders]]
    with np.errstate(all="raise"):
        assert diagnose(r) == diagnose(r)
    assert all(map(np.array_equal, before, [*tree_leaves([r.start, r.end]), r.X, r.orders]))


@pytest.mark.parametrize("thing", [
    None, {}, "run", (1, 2), lambda: fit(
        init_params([2, 2], np.random.default_rng(0)), np.eye(2), np.arange(2),
        optimizer=sgd(0.1), epochs=1)])
def test_what_is_no_record_is_refused(thing):
    with pytest.raises(TypeError, match="record must be what record_run returns"):
        diagnose(thing() if callable(thing) else thing)
