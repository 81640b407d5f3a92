"""fit takes the steps it says it takes, and stops with finite parameters."""

import itertools
import os
import signal
import threading
import warnings

import numpy as np
import pytest

from nnbook.functions.losses import cross_entropy
from nnbook.learning import _training, optimizers
from nnbook.learning.data import digits, split, xor
from nnbook.learning.engine import Engine
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


def assert_close_params(first, second, error):
    for (W, b), (V, c) in zip(first, second, strict=True):
        np.testing.assert_allclose(W, V, rtol=0, atol=error)
        np.testing.assert_allclose(b, c, rtol=0, atol=error)


@pytest.mark.parametrize(("dtype", "error"), [(np.float64, 1e-13), (np.float32, 1e-5)])
@pytest.mark.parametrize("optimizer", [sgd(0.1), momentum(0.1), adam(0.01),
                                       optimizers.amsgrad(0.01)])  # fmt: skip
def test_the_steps_are_those_of_the_page(optimizer, dtype, error):
    run = fit(PARAMS, X, y, optimizer=optimizer, epochs=3, batch_size=4, dtype=dtype,
              rng=np.random.default_rng(2), activation="tanh")  # fmt: skip
    rng, params, state = np.random.default_rng(2), PARAMS, optimizer.init(PARAMS)
    for _ in range(3):
        order = rng.permutation(11)
        for batch in (order[:4], order[4:8], order[8:]):
            _, grads = loss_and_grads(params, X[batch], y[batch], "tanh")
            params, state = optimizer.update(grads, state, params)
    assert_close_params(run.params, params, error)
    assert {a.dtype for pair in run.params for a in pair} == {np.dtype(dtype)}
    assert (run.steps, run.stopped) == (9, None)
    assert (type(run.state), run.state.t) == (type(state), 9)


def test_fit_takes_the_steps_of_the_engine_bit_for_bit():
    run = fit(PARAMS, X, y, optimizer=adam(0.01), epochs=3, batch_size=4, dropout=0.3,
              rng=np.random.default_rng(2))  # fmt: skip
    rng = np.random.default_rng(2)
    engine = Engine(PARAMS, 4, optimizer=adam(0.01), dropout=0.3, rng=rng)
    means, first = [], None
    for _ in range(3):
        order, losses = rng.permutation(11), []
        for batch in (order[:4], order[4:8], order[8:]):
            losses.append(engine.step(X[batch], y[batch]))
        first = losses[0] if first is None else first
        means.append((4 * losses[0] + 4 * losses[1] + 3 * losses[2]) / 11)
    assert_equal_params(run.params, engine.params)
    assert run.history["loss"] == [first, *means]


@pytest.mark.parametrize("measure_all", [True, None])
@pytest.mark.parametrize("batch_size", [3, None])
@pytest.mark.parametrize("epochs", [1, 2, 5])
def test_history_is_measured_before_training_and_after_each_epoch(epochs, batch_size, measure_all):
    parts = {"": (X[:8], y[:8]), "validation_": (X[8:], y[8:])}
    watched = []
    runs = [fit(PARAMS, X[:8], y[:8], optimizer=sgd(0.2), epochs=epochs, batch_size=batch_size,
                rng=np.random.default_rng(3), validation=(X[8:], y[8:]), dtype=np.float64,
                measure_all=measure_all, callbacks=callbacks)
            for callbacks in ((), [lambda epoch: watched.append(epoch.params)])]  # fmt: skip
    for prefix, (A, t) in parts.items():
        if prefix or measure_all or batch_size is None:
            for run in runs:  # with a callback the epoch is measured before it is called
                for params, value, share in zip(
                    [PARAMS, *watched], run.history[f"{prefix}loss"],
                    run.history[f"{prefix}accuracy"], strict=True,
                ):  # fmt: skip
                    expected = cross_entropy(forward(params, A, "relu")[0], t)
                    assert value == pytest.approx(expected, rel=1e-13)
                    assert share == np.mean(predict(params, A) == t)
                assert share == accuracy(run.params, A, t)
        assert len(runs[0].history[f"{prefix}loss"]) == epochs + 1
    assert_equal_params(runs[0].params, watched[-1])
    assert set(run.history) == {"loss", "accuracy", "validation_loss", "validation_accuracy"}


def test_what_is_not_measured_on_all_is_the_mean_over_the_batches():
    run = fit(PARAMS, X, y, optimizer=sgd(0.0), epochs=2, batch_size=4,
              rng=np.random.default_rng(3), dtype=np.float64)  # fmt: skip
    value = cross_entropy(forward(PARAMS, X, "relu")[0], y)  # nothing moves: the mean is the loss
    share = np.mean(predict(PARAMS, X) == y)
    assert run.history["loss"][1:] == pytest.approx([value, value], rel=1e-13)
    assert run.history["accuracy"][1:] == [share, share]
    batch = np.random.default_rng(3).permutation(11)[:4]
    first = cross_entropy(forward(PARAMS, X[batch], "relu")[0], y[batch])
    assert run.history["loss"][0] == pytest.approx(first, rel=1e-13)
    assert run.history["accuracy"][0] == np.mean(predict(PARAMS, X[batch]) == y[batch])


def test_dropout_takes_part_in_steps_and_in_no_measurement():
    drops = {"optimizer": sgd(0.0), "epochs": 3, "dropout": 0.5, "validation": (X, y)}
    noisy = fit(PARAMS, X, y, rng=np.random.default_rng(0), measure_all=False, **drops)
    exact = fit(PARAMS, X, y, rng=np.random.default_rng(0), **drops)
    assert len(set(noisy.history["loss"][1:])) == 3
    assert len(set(exact.history["loss"])) == 1 == len(set(noisy.history["validation_loss"]))
    assert exact.history["loss"] == exact.history["validation_loss"]


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
    batches = seen
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
        run = fit(PARAMS, 10 * X, y, optimizer=sgd(1e30), epochs=50)
    assert run.stopped is not None
    assert run.stopped.startswith(f"step {run.steps + 1}, in epoch {run.steps + 1}: the ")
    assert "too long (a smaller alpha)" in run.stopped and run.steps > 0
    assert all(np.isfinite(a).all() for pair in run.params for a in pair)
    again = fit(PARAMS, 10 * X, y, optimizer=sgd(1e30), epochs=run.steps)
    assert again.stopped is None
    assert_equal_params(again.params, run.params)
    assert len(run.history["loss"]) == run.steps + 1


@pytest.mark.parametrize(
    ("value", "slope", "cause"),
    [
        (np.nan, 0.0, "the loss is nan, though the logits are finite"),
        (np.inf, np.nan, "the loss is inf, though the logits are finite"),
        (1.0, np.nan, "the gradient of W in layer 1 is not finite in float64; a derivative is"),
        (1.0, 1e100, "the updated value of W in layer 1 is not finite in float64; the step is"),
    ],
)
def test_the_cause_is_the_first_number_that_was_not_finite(value, slope, cause):
    values = itertools.chain([value], itertools.repeat(1.0))  # step 1, and the record at the end
    loss = (lambda z, t: next(values), lambda z, t: np.full_like(z, slope))
    run = fit([(np.ones((1, 1)), np.zeros(1))], np.ones((2, 1)), np.ones((2, 1)),
              optimizer=sgd(1e300), epochs=1, loss=loss, dtype=np.float64)  # fmt: skip
    assert run.stopped.startswith(f"step 1, in epoch 1: {cause}")
    assert run.steps == 0 and run.params[0][0] == 1.0 and run.history["loss"] == [1.0]


def test_a_run_that_stops_within_an_epoch_keeps_the_epochs_before():
    values = itertools.chain([3.0] * 7, [np.nan], itertools.repeat(9.0))
    loss = (lambda z, t: next(values), lambda z, t: np.ones_like(z))
    run = fit(PARAMS, X, y, optimizer=sgd(0.1), epochs=5, batch_size=4, loss=loss,
              rng=np.random.default_rng(0))  # fmt: skip
    assert run.stopped.startswith("step 8, in epoch 3: the loss is nan")
    assert run.steps == run.state.t == 7 and run.history["loss"] == [3.0] * 3
    values = itertools.chain([3.0], [np.nan], itertools.repeat(9.0))
    run = fit(PARAMS, X, y, optimizer=sgd(0.1), epochs=5, batch_size=4, loss=loss,
              rng=np.random.default_rng(0))  # fmt: skip
    assert run.steps == 1 and run.history["loss"] == [3.0]


# ---------------------------------------------------------------------- stopping early


def overfitting(patience, epochs=60, **more):
    rng = np.random.default_rng(1)
    A, t = rng.normal(size=(12, 3)), rng.integers(0, 2, 12)
    B, u = rng.normal(size=(40, 3)), rng.integers(0, 2, 40)
    return fit(PARAMS, A, t, optimizer=adam(0.03), epochs=epochs, validation=(B, u),
               patience=patience, **more), (B, u)  # fmt: skip


@pytest.mark.parametrize("patience", [1, 3, 8])
def test_patience_stops_and_returns_the_best(patience):
    free, _ = overfitting(None)
    run, (B, u) = overfitting(patience)
    losses = run.history["validation_loss"]
    assert losses == free.history["validation_loss"][: len(losses)]
    at = int(np.argmin(losses))
    assert len(losses) - 1 == at + patience == run.steps < 60
    assert run.stopped == (f"after epoch {at + patience}: the validation loss was lowest after "
                           f"epoch {at}, whose parameters these are")  # fmt: skip
    assert run.state.t == at
    value = cross_entropy(forward(run.params, B, "relu")[0], u)
    assert value == pytest.approx(min(losses), rel=1e-6)
    # as if one had stopped there
    if at:
        assert_equal_params(run.params, overfitting(None, epochs=at)[0].params)
    else:
        assert_close_params(run.params, PARAMS, 1e-7)


def test_a_loss_that_stays_the_same_is_no_improvement():
    run = fit(PARAMS, X, y, optimizer=sgd(0.0), epochs=9, validation=(X, y), patience=2)
    assert run.steps == 2 and run.state.t == 0
    assert run.stopped.startswith("after epoch 2: the validation loss was lowest after epoch 0")


def test_the_best_is_returned_even_if_nothing_stopped_the_run():
    run, _ = overfitting(1000)
    at = int(np.argmin(run.history["validation_loss"]))
    assert run.stopped is None and run.steps == 60 and run.state.t == at < 60


# ---------------------------------------------------------------------- callbacks, interruption


def test_callbacks_see_each_epoch_and_may_stop_the_run():
    seen = []

    def watch(epoch):
        seen.append(epoch)
        return epoch.number == 4

    quiet = []
    run = fit(PARAMS, X, y, optimizer=sgd(0.1), epochs=9, batch_size=4, validation=(X[:3], y[:3]),
              rng=np.random.default_rng(0), callbacks=[watch, quiet.append])  # fmt: skip
    assert [e.number for e in seen] == [1, 2, 3, 4] and quiet == seen
    assert [e.steps for e in seen] == [3, 6, 9, 12] and run.steps == 12
    assert run.stopped == "after epoch 4: a callback asked for it"
    assert_equal_params(run.params, seen[-1].params)
    for name, values in run.history.items():
        assert [e.measured[name] for e in seen] == values[1:]
    with pytest.raises(TypeError):
        seen[0].measured["loss"] = 0.0
    with pytest.raises(AttributeError):
        seen[0].steps = 1
    seen[-1].params[0][0][...] = 0.0
    assert run.params[0][0].any()
    alone = fit(PARAMS, X, y, optimizer=sgd(0.1), epochs=9, callbacks=lambda e: 1)
    assert alone.stopped is None  # 1 is not True


def test_an_interruption_keeps_what_was_reached():
    def interrupt(epoch):
        if epoch.number == 3:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    run = fit(PARAMS, X, y, optimizer=adam(0.1), epochs=50, batch_size=4, callbacks=interrupt,
              rng=np.random.default_rng(0))  # fmt: skip
    assert run.stopped == "interrupted in epoch 4, after 9 steps"
    assert run.steps == run.state.t == 9 and len(run.history["loss"]) == 4
    short = fit(PARAMS, X, y, optimizer=adam(0.1), epochs=3, batch_size=4,
                rng=np.random.default_rng(0))  # fmt: skip
    assert_equal_params(run.params, short.params)
    assert run.history == short.history
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interruption_within_a_step_waits_for_its_end():
    calls = []

    def slow(logits, targets):
        calls.append(len(calls))
        if len(calls) == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return 1.0

    pair = (slow, lambda z, t: np.ones_like(z))
    run = fit(PARAMS, X, y, optimizer=sgd(0.1), epochs=50, batch_size=4, loss=pair,
              rng=np.random.default_rng(0))  # fmt: skip
    assert run.steps == run.state.t == 5 and "after 5 steps" in run.stopped


def test_asked_twice_it_stops_where_it_is():
    def stubborn(epoch):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("not reached")

    run = fit(PARAMS, X, y, optimizer=sgd(0.1), epochs=2, callbacks=stubborn)
    assert run.stopped == "interrupted in epoch 1, after 1 steps"


def test_a_run_in_another_thread_leaves_the_signals_alone():
    runs = []
    thread = threading.Thread(
        target=lambda: runs.append(fit(PARAMS, X, y, optimizer=sgd(0.1), epochs=3))
    )
    thread.start()
    thread.join()
    assert runs[0].history == fit(PARAMS, X, y, optimizer=sgd(0.1), epochs=3).history


def test_an_error_in_a_callback_is_the_callers():
    def broken(epoch):
        raise RuntimeError("mine")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError, match="mine"):
        fit(PARAMS, X, y, optimizer=sgd(0.1), epochs=3, callbacks=broken)
    assert signal.getsignal(signal.SIGINT) is before


# ---------------------------------------------------------------------- threads of BLAS


def test_blas_has_one_thread_while_products_are_small(monkeypatch):
    held = []

    class Blas:
        def limit(self, limits):
            held.append(limits)
            return _training.contextlib.nullcontext()

    monkeypatch.setattr(_training, "_blas", Blas)
    fit(PARAMS, X, y, optimizer=sgd(0.1), epochs=1)
    assert held == [1]
    _training.blas_threads(_training.WORTH_THREADS)
    assert held == [1, 1]
    _training.blas_threads(_training.WORTH_THREADS + 1)
    assert held == [1, 1]
    monkeypatch.setattr(_training, "_blas", lambda: None)  # without threadpoolctl
    with _training.blas_threads(1):
        pass


def test_the_number_of_threads_is_given_back():
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def threads():
        found = threadpoolctl.threadpool_info()
        return [i["num_threads"] for i in found if i["user_api"] == "blas"]

    before, within = threads(), []
    fit(PARAMS, X, y, optimizer=sgd(0.1), epochs=1, callbacks=lambda e: within.extend(threads()))
    assert set(within) == {1} and threads() == before


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
        ({"epochs": -1}, ValueError, "epochs must be at least 1"),
        ({"epochs": 0}, ValueError, "epochs must be at least 1, got 0"),
        ({"epochs": 1.5}, TypeError, "epochs must be a positive integer, got 1.5"),
        ({"batch_size": 12}, ValueError, "at most the 11 examples of X, found 12; leave it out"),
        ({"dtype": np.float16}, ValueError, "dtype must be float32 or float64"),
        ({"X": np.where(X == X[2, 1], 1e39, X)}, ValueError, "X holds numbers too large for float"),
        ({"Y": np.where(y == y[2], -1, y)}, ValueError, "is -1"),
        ({"Y": np.full((11, 2), np.nan), "loss": "mse"}, ValueError, r"\[0, 0\] is nan"),
        ({"Y": np.zeros((11, 2)), "loss": "hinge"}, ValueError, "-1"),
        ({"dropout": 0.5}, TypeError, "rng must be a numpy.random.Generator"),
        ({"dropout": 1.5, "rng": RNG}, ValueError, "dropout must lie in"),
        ({"patience": 3}, ValueError, r"patience needs validation=\(X, Y\)"),
        ({"patience": 0, "validation": (X, y)}, ValueError, "patience must be at least 1"),
        ({"callbacks": [3]}, TypeError, "callbacks must be functions of one argument, found 3"),
        ({"state": adam().init(PARAMS)}, TypeError, "state must be the SGDState"),
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


def test_a_probability_of_a_half_speaks_for_no():
    Y = np.array([[0.0], [0.5], [0.5 + 2**-20], [0.6], [1.0]])
    said = _training.classes_of("bce_with_logits", Y, 1)
    assert said.tolist() == [False, False, True, True, True]
