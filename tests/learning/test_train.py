"""fit takes the steps it says it takes, and stops with finite parameters."""

import itertools
import warnings

import numpy as np
import pytest

from nnbook.functions.losses import cross_entropy
from nnbook.learning.data import digits, split, xor
from nnbook.learning.mlp import forward, init_params, loss_and_grads, predict
from nnbook.learning.optimizers import adam, momentum, sgd
from nnbook.learning.train import accuracy, fit

RNG = np.random.default_rng(0)
X = RNG.standard_normal((11, 3))
y = np.arange(11) % 2
PARAMS = init_params([3, 4, 2], np.random.default_rng(1))


def assert_equal_params(first, second):
    for (W, b), (V, c) in zip(first, second, strict=True):
        np.testing.assert_array_equal(W, V)
        np.testing.assert_array_equal(b, c)


@pytest.mark.parametrize("optimizer", [sgd(0.1), momentum(0.1), adam(0.01)])
def test_the_steps_are_those_of_the_page(optimizer):
    run = fit(PARAMS, X, y, optimizer=optimizer, epochs=3, batch_size=4,
              rng=np.random.default_rng(2), activation="tanh")  # fmt: skip
    rng, params, state = np.random.default_rng(2), PARAMS, optimizer.init(PARAMS)
    for _ in range(3):
        order = rng.permutation(11)
        for batch in (order[:4], order[4:8], order[8:]):
            _, grads = loss_and_grads(params, X[batch], y[batch], "tanh")
            params, state = optimizer.update(grads, state, params)
    assert_equal_params(run.params, params)
    assert (run.steps, run.stopped) == (9, None)


def test_history_is_measured_before_training_and_after_each_epoch():
    parts = {"": (X[:8], y[:8]), "validation_": (X[8:], y[8:])}
    for epochs in (0, 1, 2):
        run = fit(PARAMS, X[:8], y[:8], optimizer=sgd(0.2), epochs=epochs, batch_size=3,
                  rng=np.random.default_rng(3), validation=(X[8:], y[8:]))  # fmt: skip
        for prefix, (A, t) in parts.items():
            assert len(run.history[f"{prefix}loss"]) == epochs + 1
            logits, _ = forward(run.params, A, "relu")
            assert run.history[f"{prefix}loss"][-1] == cross_entropy(logits, t)
            share = np.mean(predict(run.params, A) == t)
            assert run.history[f"{prefix}accuracy"][-1] == share == accuracy(run.params, A, t)
    assert set(run.history) == {"loss", "accuracy", "validation_loss", "validation_accuracy"}


def test_validation_examples_are_not_learned_from():
    runs = [fit(PARAMS, X[:8], y[:8], optimizer=adam(0.1), epochs=4, batch_size=3,
                rng=np.random.default_rng(3), validation=validation)
            for validation in (None, (X[8:], y[8:]))]  # fmt: skip
    assert_equal_params(runs[0].params, runs[1].params)
    assert "validation_loss" not in runs[0].history


def test_every_example_is_seen_once_an_epoch_in_new_orders():
    seen = []

    def spy(logits, targets):
        seen.append(targets[:, 0].tolist())
        return float(np.mean(logits))

    targets = np.arange(22.0).reshape(11, 2)
    pair = (spy, lambda logits, targets: np.zeros_like(logits))
    fit(PARAMS, X, targets, optimizer=sgd(0.1), epochs=2, batch_size=4, loss=pair,
        rng=np.random.default_rng(4))  # fmt: skip
    batches = [s for s in seen if len(s) < 11]
    assert [len(s) for s in batches] == [4, 4, 3, 4, 4, 3]
    first, second = (list(itertools.chain(*part)) for part in (batches[:3], batches[3:]))
    assert sorted(first) == sorted(second) == targets[:, 0].tolist()
    assert first != second and sorted(batches[0]) != sorted(batches[3])


def test_one_seed_gives_one_run_and_nothing_is_changed():
    W_before, X_before = PARAMS[0][0].copy(), X.copy()
    runs = [fit(PARAMS, X, y, optimizer=adam(0.1), epochs=3, batch_size=4,
                rng=np.random.default_rng(seed)) for seed in (5, 5, 6)]  # fmt: skip
    assert_equal_params(runs[0].params, runs[1].params)
    assert runs[0].history == runs[1].history != runs[2].history
    np.testing.assert_array_equal(PARAMS[0][0], W_before)
    np.testing.assert_array_equal(X, X_before)


def test_a_run_continues_from_its_state():
    whole = fit(PARAMS, X, y, optimizer=adam(0.1), epochs=6)
    half = fit(PARAMS, X, y, optimizer=adam(0.1), epochs=3)
    rest = fit(half.params, X, y, optimizer=adam(0.1), epochs=3, state=half.state)
    assert_equal_params(whole.params, rest.params)
    assert whole.history["loss"][3:] == rest.history["loss"]


def test_a_diverging_run_stops_with_the_last_finite_parameters():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = fit(PARAMS, 10 * X, y, optimizer=sgd(1e200), epochs=50)
    assert run.stopped is not None
    assert run.stopped.startswith(f"step {run.steps + 1}, in epoch {run.steps + 1}: the ")
    assert all(np.isfinite(a).all() for pair in run.params for a in pair)
    again = fit(PARAMS, 10 * X, y, optimizer=sgd(1e200), epochs=run.steps)
    assert again.stopped is None
    assert_equal_params(again.params, run.params)
    assert len(run.history["loss"]) == run.steps + 1


@pytest.mark.parametrize(
    ("value", "slope", "cause"),
    [
        (np.nan, 0.0, "the loss is nan"),
        (np.inf, np.nan, "the loss is inf"),
        (1.0, np.nan, "the gradient of W in layer 1 is not finite"),
        (1.0, 1e100, "the updated value of W in layer 1 is not finite"),
    ],
)
def test_the_cause_is_the_first_number_that_was_not_finite(value, slope, cause):
    values = iter([1.0, value])  # the record before training, then step 1
    loss = (lambda z, t: next(values), lambda z, t: np.full_like(z, slope))
    W = np.ones((1, 1))
    run = fit([(W, np.zeros(1))], np.ones((2, 1)), np.ones((2, 1)), optimizer=sgd(1e300), epochs=1,
              loss=loss)  # fmt: skip
    assert run.stopped == f"step 1, in epoch 1: {cause}"
    assert run.steps == 0 and run.params[0][0] is W and run.history["loss"] == [1.0]


def test_xor_and_digits_are_learned():
    corners, targets = xor()
    run = fit(init_params([2, 16, 1], np.random.default_rng(0)), corners, targets,
              optimizer=sgd(1.0), epochs=500, loss="bce_with_logits")  # fmt: skip
    assert run.history["accuracy"][-1] == 1.0 and run.history["loss"][-1] < 0.05
    rng = np.random.default_rng(0)
    parts = split(*digits(), 450, rng)
    start = init_params([64, 32, 10], rng)
    run = fit(start, parts.X_train, parts.y_train, optimizer=adam(0.01), epochs=8, batch_size=64,
              rng=rng, validation=(parts.X_test, parts.y_test))  # fmt: skip
    assert run.history["validation_accuracy"][-1] > 0.93
    assert run.history["loss"][0] == pytest.approx(np.log(10), abs=0.7)


def test_accuracy_is_recorded_where_each_example_has_one_class():
    wide = np.eye(2)[y]
    for loss, targets, recorded in (
        ("cross_entropy", y, True),
        ("cross_entropy", wide, True),
        ("bce_with_logits", wide, False),
        ("mse", wide, False),
    ):
        run = fit(PARAMS, X, targets, optimizer=sgd(0.1), epochs=1, loss=loss)
        assert ("accuracy" in run.history) == recorded
    one = init_params([3, 1], np.random.default_rng(0))
    run = fit(one, X, wide[:, 1:], optimizer=sgd(0.1), epochs=1, loss="bce_with_logits")
    assert run.history["accuracy"][-1] == np.mean(predict(run.params, X) == y)


def test_accuracy_takes_the_three_forms_of_targets():
    params = [(np.eye(3), np.zeros(3))]
    logits = np.array([[3.0, 1, 2], [0, 4, 1], [1, 2, 9], [5, 0, 0]])
    right = np.array([0, 1, 2, 1])
    assert accuracy(params, logits, right) == 0.75
    assert accuracy(params, logits, 0.8 * np.eye(3)[right] + 0.1) == 0.75
    assert accuracy([(np.ones((1, 1)), np.zeros(1))], [[1.0], [-1.0]], [[1.0], [1.0]]) == 0.5


def test_progress_is_silent_when_nobody_looks(capsys):
    fit(PARAMS, X, y, optimizer=sgd(0.1), epochs=2)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"X": X[:, :2]}, ValueError, "takes 3 features"),
        ({"X": np.where(X == X[2, 1], np.nan, X)}, ValueError, "found nan at row 2, column 1"),
        ({"Y": y[:5]}, ValueError, r"one target for each of the 11 rows of X, found shape \(5,\)"),
        ({"Y": y + 1}, ValueError, "targets"),
        ({"X": X[:0], "Y": y[:0]}, ValueError, "X must hold at least one example"),
        ({"batch_size": 4}, TypeError, "rng must be a numpy.random.Generator, found NoneType"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"epochs": -1}, ValueError, "epochs must be at least 0"),
        ({"epochs": 1.5}, TypeError, "epochs must be an integer, got 1.5"),
        ({"optimizer": adam}, TypeError, r"optimizer must be one such as sgd\(0.1\)"),
        ({"optimizer": 0.1}, TypeError, "optimizer must be one such as"),
        ({"activation": "rleu"}, ValueError, "unknown activation"),
        ({"loss": "mse?"}, ValueError, "loss must be one of"),
        ({"validation": (X[:, :1], y)}, ValueError, r"validation\[0\] has 1 columns"),
        ({"validation": (X, y[:3])}, ValueError, r"validation\[1\] must hold one target"),
        ({"params": None}, TypeError, "params must be a list"),
    ],
)
def test_bad_input_is_named_before_training_starts(change, error, message):
    arguments = {"params": PARAMS, "X": X, "Y": y, "optimizer": sgd(0.1), "epochs": 1} | change
    with pytest.raises(error, match=message):
        fit(**arguments)


def test_one_nan_among_finite_gradients_stops_the_run():
    X, y = xor()
    params = init_params([2, 3, 1], np.random.default_rng(0))

    def slope(Z):
        out = np.ones_like(Z)
        out[0, 0] = np.nan
        return out

    run = fit(params, X, y, optimizer=sgd(0.1), epochs=3, activation=(np.tanh, slope),
              loss="bce_with_logits")
    assert "gradient of W in layer 1" in run.stopped
    assert all(np.isfinite(W).all() and np.isfinite(b).all() for W, b in run.params)


def test_a_single_column_of_shares_counts_as_yes_above_one_half():
    params = [(np.array([[1.0]]), np.array([0.0]))]
    X = np.array([[1.0], [1.0], [-1.0], [-1.0]])        # said: yes, yes, no, no
    assert accuracy(params, X, np.array([[0.6], [0.51], [0.5], [0.4]])) == 1.0


def test_a_long_value_is_cut_to_sixty_characters_in_a_message():
    with pytest.raises(TypeError) as refused:
        init_params([2, 1], "x" * 300)
    shown = str(refused.value).split("found str ")[1].split("; ")[0]
    assert len(shown) == 60
    assert shown.endswith("...")


def test_targets_with_three_axes_are_refused():
    params = init_params([2, 3, 2], np.random.default_rng(0))
    with pytest.raises(TypeError, match=r"Y must hold .* of shape \(2, 2, 2\)"):
        accuracy(params, np.ones((2, 2)), np.ones((2, 2, 2)))
