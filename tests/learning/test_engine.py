"""The engine takes the steps of the page, in one block of memory, and says why when it cannot."""

import tracemalloc
import warnings

import numpy as np
import pytest

from nnbook.functions import ACTIVATIONS, dropout_mask
from nnbook.learning import _products, _program, optimizers, schedules
from nnbook.learning.decay import coupled_l2, decoupled_decay
from nnbook.learning.engine import Engine, NotFinite, workspace_bytes
from nnbook.learning.mlp import LOSSES, activation_pair, forward, init_params, loss_and_grads
from nnbook.learning.optimizers import adam, sgd

OPTIMIZERS = {
    name: getattr(optimizers, name)
    for name in ("sgd", "momentum", "nesterov", "nesterov_rewritten", "adagrad", "rmsprop",
                 "adadelta", "adam", "amsgrad", "adamw", "nadam", "lion")
}  # fmt: skip
RNG = np.random.default_rng(0)
X = RNG.normal(size=(7, 5))
CLASSES = RNG.integers(0, 3, 7)
NUMBERS = RNG.normal(size=(7, 3))
TARGETS = {name: NUMBERS for name in ("mse", "squared_error", "mae", "huber")} | {
    "cross_entropy": CLASSES,
    "kl_divergence": 0.7 * np.eye(3)[CLASSES] + 0.1,
    "bce_with_logits": RNG.integers(0, 2, (7, 3)) * 1.0,
    "hinge": RNG.choice([-1.0, 1.0], (7, 3)),
}


def start(sizes=(5, 4, 3), seed=1):
    """Return parameters whose biases are not 0."""
    rng = np.random.default_rng(seed)
    return [(W, rng.normal(scale=0.3, size=b.shape)) for W, b in init_params(sizes, rng)]


def gap(first, second):
    return max(np.abs(a - b).max() for p, q in zip(first, second, strict=True)
               for a, b in zip(p, q, strict=True))  # fmt: skip


def same(first, second):
    return all(np.array_equal(a, b) for p, q in zip(first, second, strict=True)
               for a, b in zip(p, q, strict=True))  # fmt: skip


def page(params, batches, optimizer, activation="relu", loss="cross_entropy", state=None):
    """Take the page's steps; return the parameters, the state and the losses."""
    state, values = optimizer.init(params) if state is None else state, []
    for A, Y in batches:
        value, grads = loss_and_grads(params, A, Y, activation, loss)
        params, state = optimizer.update(grads, state, params)
        values.append(value)
    return params, state, values


def hold_to_the_page(batches, optimizer, activation="relu", loss="cross_entropy", sizes=(5, 4, 3)):
    """Take the same steps in both; no parameter and no loss differs by 1e-12."""
    params = start(sizes)
    engine = Engine(params, max(len(A) for A, _ in batches), optimizer=optimizer,
                    activation=activation, loss=loss, dtype=np.float64)  # fmt: skip
    losses = [engine.step(A, Y) for A, Y in batches]
    expected, state, values = page(params, batches, optimizer, activation, loss)
    assert not same(params, expected)
    assert gap(engine.params, expected) < 1e-12
    np.testing.assert_allclose(losses, values, rtol=0, atol=1e-12)
    return engine, state


def selection(seed=20, count=40):
    """Draw from the full product of activations, losses and optimizers."""
    rng = np.random.default_rng(seed)
    return [tuple(str(rng.choice(list(table))) for table in (ACTIVATIONS, LOSSES, OPTIMIZERS))
            for _ in range(count)]  # fmt: skip


@pytest.fixture(params=["small", "large"])
def layout(request, monkeypatch):
    """Hold both forms of a step to the page, whatever the size."""
    monkeypatch.setattr(_program, "SMALL", 10**6 if request.param == "small" else 0)
    return request.param


# ---------------------------------------------------------------------- the engine and the page


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_activation_with_every_loss(activation, loss):
    hold_to_the_page([(X, TARGETS[loss])] * 50, sgd(0.01), activation, loss)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(("activation", "loss"), [("relu", "cross_entropy"), ("tanh", "mse")])
def test_every_optimizer(optimizer, activation, loss):
    hold_to_the_page([(X, TARGETS[loss])] * 50, OPTIMIZERS[optimizer](alpha=0.003), activation,
                     loss)  # fmt: skip


@pytest.mark.parametrize(("activation", "loss", "optimizer"), selection())
def test_a_selection_of_the_full_product(activation, loss, optimizer):
    hold_to_the_page([(X, TARGETS[loss])] * 50, OPTIMIZERS[optimizer](alpha=0.002), activation,
                     loss)  # fmt: skip


@pytest.mark.parametrize("loss", ["cross_entropy", "bce_with_logits", "mse", "huber"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "softplus"])
def test_batches_of_every_size_share_one_engine(activation, loss, layout):
    rng, batches = np.random.default_rng(3), []
    for size in [7, 3, 7, 1, 3, 6, 7, 2] * 3:
        rows = rng.permutation(7)[:size]
        batches.append((X[rows], TARGETS[loss][rows]))
    hold_to_the_page(batches, adam(0.01), activation, loss)


@pytest.mark.parametrize("sizes", [(5, 3), (5, 1, 3), (5, 9, 2, 3), (5, 4, 3, 6, 2, 3)])
@pytest.mark.parametrize("make", [sgd, optimizers.momentum, adam])
def test_any_depth(sizes, make, layout):
    hold_to_the_page([(X, CLASSES)] * 50, make(0.01), "tanh", sizes=sizes)


@pytest.mark.parametrize("optimizer", [
    optimizers.momentum(0.01, beta=0.5, form="sum"),
    optimizers.momentum(0.01, form="average"),
    optimizers.rmsprop(0.01, centered=True),
    optimizers.rmsprop(0.01, momentum=0.5),
    optimizers.adamw(0.01, weight_decay=0.1),
    optimizers.adamw(0.01, weight_decay=0.1, where=lambda a: a.ndim > 1),
    optimizers.adam(0.01, beta1=0.5, beta2=0.5, eps=1e-3),
    optimizers.adam(0.01, eps=0.0),
    optimizers.adagrad(0.01, eps=0.0),
    coupled_l2(sgd(0.01), 0.1),
    coupled_l2(adam(0.01), 0.1, where=lambda a: a.ndim > 1),
    decoupled_decay(optimizers.momentum(0.01), 0.1, alpha=0.01),
    sgd(schedules.exponential_decay(0.1, 0.95)),
    adam(lambda t: 0.02 / (1 + t)),
    optimizers.momentum(schedules.polynomial_decay(0.02, 40)),
])  # fmt: skip
def test_settings_schedules_and_decay(optimizer):
    hold_to_the_page([(X, CLASSES)] * 50, optimizer, "tanh")


def test_a_pair_of_functions_is_an_activation_or_a_loss():
    cube = (lambda z: z * z * z, lambda z: 3 * z * z)
    fourth = (lambda z, y: float(np.mean(np.sum((z - y) ** 4, axis=1))),
              lambda z, y: 4 * (z - y) ** 3 / len(z))  # fmt: skip
    hold_to_the_page([(0.3 * X, NUMBERS)] * 50, sgd(0.001), cube, fourth)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ["identity", "relu", "tanh", "sigmoid"])
def test_both_forms_of_a_step(activation, loss, layout):
    hold_to_the_page([(X, TARGETS[loss]), (X[:4], TARGETS[loss][:4])] * 5, adam(0.01), activation,
                     loss)  # fmt: skip


def test_which_steps_are_small():
    def calls(sizes, batch_size, **change):
        engine = Engine(start(sizes), batch_size, optimizer=sgd(0.1), **change)
        program = engine._program(batch_size)
        assert program.entry.shape == (batch_size, sizes[0])
        return len(program.forward + program.backward)

    few, many = calls((2, 4, 1), 1024), calls((2, 4, 1), 1025)
    assert few == many - 4  # a bias is neither added nor summed up, in either layer
    assert calls((2, 5, 1), 1024) == calls((5, 2, 1), 1024) == many
    assert calls((2, 4, 1), 4, activation="gelu") == many - 1  # back in one call
    assert calls((2, 4, 1), 4, dropout=0.1, rng=RNG) == many + 2


def test_probabilities_and_classes_are_the_same_targets(layout):
    wide = np.eye(3)[CLASSES]
    engine, _ = hold_to_the_page([(X, wide)] * 50, adam(0.01))
    other, _ = hold_to_the_page([(X, CLASSES)] * 50, adam(0.01))
    assert gap(engine.params, other.params) < 1e-13
    hold_to_the_page([(X, 0.6 * wide + 0.1)] * 50, adam(0.01))  # rows that add up to 0.9
    narrow = engine.targets(CLASSES.astype(np.uint8), 7)
    np.testing.assert_array_equal(narrow, CLASSES)


def test_tiles_take_the_same_steps(monkeypatch):
    # a network large enough for tiles, with the rule of an AVX-512 kernel on any machine
    monkeypatch.setattr(_products, "kernel_name", lambda: "SkylakeX")
    rng = np.random.default_rng(5)
    big, classes = rng.normal(size=(128, 192)), rng.integers(0, 64, 128)
    params = init_params([192, 128, 64], rng)
    engine = Engine(params, 128, optimizer=sgd(0.1), dtype=np.float64)
    program = engine._program(128)
    calls = [function for function, _ in program.forward + program.backward]
    assert calls.count(np.matmul) == 5
    for _ in range(5):
        engine.step(big, classes)
    expected, _, _ = page(params, [(big, classes)] * 5, sgd(0.1))
    assert gap(engine.params, expected) < 1e-12


# ---------------------------------------------------------------------- precision of float32


def test_the_error_of_float32(layout):
    """A gradient in float32 is within 2e-6 of the one in float64, relative to its length.

    The bound of the engine's docstring: random networks of up to 300 inputs and three layers. The
    worst of 60 is about 5e-7, the median 2e-7: a few roundings of 6e-8 in each layer.
    """
    rng, errors = np.random.default_rng(7), []
    for _ in range(60):
        sizes = rng.integers(2, (300, 64, 64, 11)).tolist()[: rng.integers(2, 5)]
        N, activation = int(rng.integers(1, 65)), str(rng.choice(["relu", "tanh", "sigmoid"]))
        loss = str(rng.choice(["cross_entropy", "bce_with_logits", "mse"]))
        A = rng.normal(size=(N, sizes[0]))
        Y = rng.integers(0, sizes[-1], N)
        Y = Y if loss == "cross_entropy" else np.eye(sizes[-1])[Y]
        params = init_params(sizes, rng)
        found = {}
        for dtype in (np.float32, np.float64):
            engine = Engine(params, N, optimizer=sgd(1.0), activation=activation, loss=loss,
                            dtype=dtype)  # fmt: skip
            engine.step(A, Y)
            found[dtype] = engine._buffers["g"].astype(np.float64)
        exact = found[np.float64]
        errors.append(np.linalg.norm(found[np.float32] - exact) / np.linalg.norm(exact))
    assert max(errors) < 2e-6 and np.median(errors) < 3e-7
    assert min(errors) > 1e-9  # they are two computations


def test_float32_is_what_everything_is_computed_in():
    engine = Engine(start(), 7, optimizer=adam(0.01))
    engine.step(X, CLASSES)
    assert {a.dtype for pair in engine.params for a in pair} == {np.dtype(np.float32)}
    assert engine.forward(X).dtype == np.float32
    assert all(buffer.dtype.itemsize == 4 for buffer in engine._buffers.values())
    assert gap(engine.params, page(start(), [(X, CLASSES)], adam(0.01))[0]) < 1e-6


# ---------------------------------------------------------------------- dropout


def dropped_page(params, A, Y, p, rng, activation):
    """Return loss and gradients with the masks that the engine draws, written as on the page."""
    phi, slope = activation_pair(activation)
    value, grad = LOSSES["cross_entropy"]
    masks = [(rng.random((len(A), len(W))) >= p) / (1 - p) for W, _ in params[:-1]]
    fed, Z = [A], []
    for layer, (W, b) in enumerate(params):
        Z.append(fed[-1] @ W.T + b)
        if layer < len(masks):
            fed.append(phi(Z[-1]) * masks[layer])
    delta, grads = grad(Z[-1], Y), []
    for layer in range(len(params) - 1, -1, -1):
        grads.insert(0, (delta.T @ fed[layer], delta.sum(axis=0)))
        if layer:
            delta = delta @ params[layer][0] * masks[layer - 1] * slope(Z[layer - 1])
    return value(Z[-1], Y), grads


@pytest.mark.parametrize("activation", ["relu", "tanh", "softplus"])
@pytest.mark.parametrize("sizes", [(5, 8, 3), (5, 8, 6, 3), (5, 3)])
def test_dropout_is_the_page_with_the_same_draws(activation, sizes):
    params, optimizer = start(sizes), adam(0.01)
    engine = Engine(params, 7, optimizer=optimizer, activation=activation, dtype=np.float64,
                    dropout=0.4, rng=np.random.default_rng(8))  # fmt: skip
    rng, state = np.random.default_rng(8), optimizer.init(params)
    for size in [7, 4] * 10:
        value, grads = dropped_page(params, X[:size], CLASSES[:size], 0.4, rng, activation)
        params, state = optimizer.update(grads, state, params)
        assert abs(engine.step(X[:size], CLASSES[:size]) - value) < 1e-12
    assert gap(engine.params, params) < 1e-12
    np.testing.assert_allclose(engine.forward(X), forward(params, X, activation)[0], atol=1e-12)
    loss, _ = engine.measure(X, engine.targets(CLASSES, 7))
    assert loss == pytest.approx(LOSSES["cross_entropy"][0](forward(params, X, activation)[0],
                                                            CLASSES), abs=1e-12)  # fmt: skip


def test_the_masks_are_those_of_the_function_dropout():
    engine = Engine(start(), 7, optimizer=sgd(0.1), dtype=np.float64, dropout=0.3,
                    rng=np.random.default_rng(9))  # fmt: skip
    engine.step(X, CLASSES)
    mask = dropout_mask((7, 4), 0.3, np.random.default_rng(9))
    np.testing.assert_array_equal(engine._buffers["M1"], mask / 0.7)


def test_what_dropout_passes_on_is_right_on_average():
    params, draws = start((5, 20, 3)), 4000
    engine = Engine(params, 7, optimizer=sgd(0.0), activation="identity", dropout=0.5,
                    rng=np.random.default_rng(10), loss="mse", dtype=np.float64)  # fmt: skip
    seen = np.empty((draws, 7, 3))
    for logits in seen:
        engine.step(X, NUMBERS)
        logits[...] = engine.logits(7)
    error = (seen.mean(axis=0) - forward(params, X, "identity")[0]) / seen.std(axis=0)
    assert np.abs(error).max() < 4.5 / np.sqrt(draws)
    assert seen.std(axis=0).min() > 0.1


@pytest.mark.parametrize(("change", "error", "told"), [
    ({"dropout": 1.0, "rng": RNG}, ValueError, r"dropout must lie in \[0, 1\), got 1.0"),
    ({"dropout": -0.1, "rng": RNG}, ValueError, "dropout must lie in"),
    ({"dropout": 0.5}, TypeError, "rng must be a numpy.random.Generator where something is drop"),
    ({"dropout": 0.5, "rng": np.random.RandomState(0)}, TypeError, "rng must be"),
])  # fmt: skip
def test_dropout_needs_a_probability_and_a_generator(change, error, told):
    with pytest.raises(error, match=told):
        Engine(start(), 7, optimizer=sgd(0.1), **change)


# ---------------------------------------------------------------------- state


STATEFUL = ("momentum", "nesterov_rewritten", "adagrad", "rmsprop", "adam", "adamw", "amsgrad")


@pytest.mark.parametrize("name", ["sgd", *STATEFUL])
def test_a_run_goes_on_from_its_state_bit_for_bit(name):
    make = OPTIMIZERS[name]
    whole = Engine(start(), 7, optimizer=make(0.01))
    half = Engine(start(), 7, optimizer=make(0.01))
    for _ in range(20):
        whole.step(X, CLASSES)
        half.step(X, CLASSES)
    rest = Engine(half.params, 7, optimizer=make(0.01), state=half.state)
    assert rest.state.t == 20
    for _ in range(20):
        assert whole.step(X, CLASSES) == rest.step(X, CLASSES)
    assert same(whole.params, rest.params)


@pytest.mark.parametrize("name", ["sgd", *STATEFUL])
def test_the_page_goes_on_from_the_state_of_an_engine_and_back(name):
    optimizer = OPTIMIZERS[name](schedules.exponential_decay(0.01, 0.95))
    engine, state = hold_to_the_page([(X, CLASSES)] * 25, optimizer, "tanh")
    assert type(engine.state) is type(state) and engine.state.t == state.t == 25
    further, later, _ = page(engine.params, [(X, CLASSES)] * 25, optimizer, "tanh",
                             state=engine.state)  # fmt: skip
    back = Engine(further, 7, optimizer=optimizer, activation="tanh", dtype=np.float64,
                  state=later)  # fmt: skip
    for _ in range(25):
        back.step(X, CLASSES)
    assert gap(back.params, page(start(), [(X, CLASSES)] * 75, optimizer, "tanh")[0]) < 1e-12


def test_a_state_that_is_not_this_optimizers_is_refused():
    other = Engine(start(), 7, optimizer=optimizers.momentum(0.1)).state
    with pytest.raises(TypeError, match=r"state must be the AdamState .* found MomentumState"):
        Engine(start(), 7, optimizer=adam(0.1), state=other)
    wrong = adam(0.1).init(start((5, 6, 3)))
    with pytest.raises(ValueError, match=r"state: m has an array of shape \(6, 5\) .* \(4, 5\)"):
        Engine(start(), 7, optimizer=adam(0.1), state=wrong)


def test_nothing_that_goes_in_is_changed_and_what_comes_out_is_new():
    params, batch = start(), X.copy()
    engine = Engine(params, 7, optimizer=adam(0.1), dtype=np.float64)
    before = engine.params
    engine.step(batch, CLASSES)
    assert same(params, start()) and np.array_equal(batch, X)
    assert same(before, start()) and not same(engine.params, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_seed_gives_the_same_bits(dtype):
    runs = []
    for seed in (1, 1, 2):
        engine = Engine(start(), 7, optimizer=adam(0.01), dtype=dtype, dropout=0.2,
                        rng=np.random.default_rng(seed))  # fmt: skip
        losses = [engine.step(X, CLASSES) for _ in range(30)]
        runs.append((engine.params, losses))
    assert same(runs[0][0], runs[1][0]) and runs[0][1] == runs[1][1]
    assert not same(runs[0][0], runs[2][0])


# ---------------------------------------------------------------------- memory


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("change", [
    {}, {"dropout": 0.5}, {"activation": "gelu"}, {"optimizer": adam()},
    {"optimizer": optimizers.amsgrad()},
])  # fmt: skip
@pytest.mark.parametrize("sizes", [(2, 1), (2, 4, 1), (300, 400, 70, 10)])
def test_the_workspace_is_as_large_as_predicted(sizes, change, dtype, layout):
    rng = np.random.default_rng(0)
    settings = {"optimizer": sgd(0.1), "dtype": dtype} | change
    predicted = workspace_bytes(sizes, 64, **settings)
    tracemalloc.start()
    engine = Engine(init_params(sizes, rng), 64, rng=rng, **settings)
    allocated = engine._buffers["p"].base.nbytes
    largest = max(trace.size for trace in tracemalloc.take_snapshot().traces)
    tracemalloc.stop()
    assert engine.nbytes == allocated == predicted
    if sizes == (300, 400, 70, 10):
        assert largest == pytest.approx(predicted, rel=0.01)


def test_nothing_grows_over_ten_thousand_steps():
    engine = Engine(start(), 7, optimizer=adam(0.001), dropout=0.1, rng=np.random.default_rng(0))

    def steps(count):
        for _ in range(count):
            engine.step(X, CLASSES)
            engine.step(X[:3], CLASSES[:3])

    steps(50)
    tracemalloc.start()
    steps(50)
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    steps(4950)
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 2000 and peak - before < 10_000


# ---------------------------------------------------------------------- measuring


@pytest.mark.parametrize("N", [0, 1, 3, 4, 9, 12])
def test_forward_takes_any_number_in_blocks(N, layout):
    many = np.random.default_rng(1).normal(size=(N, 5))
    for phi in ("gelu", "tanh"):
        engine = Engine(start(), 4, optimizer=sgd(0.1), dtype=np.float64, activation=phi)
        assert engine.forward(many).shape == (N, 3)
        np.testing.assert_allclose(engine.forward(many), forward(start(), many, phi)[0], atol=1e-13)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_measurement_is_the_pages_loss_and_no_step(loss, layout):
    Y = TARGETS[loss]
    engine = Engine(start(), 3, optimizer=adam(0.1), dtype=np.float64, loss=loss)
    value, logits = engine.measure(X, engine.targets(Y, 7))
    expected = forward(start(), X, "relu")[0]
    assert value == pytest.approx(LOSSES[loss][0](expected, Y), rel=1e-13)
    np.testing.assert_allclose(logits, expected, atol=1e-13)
    assert same(engine.params, start()) and engine.state.t == 0
    if loss == "cross_entropy":
        wide = engine.targets(np.eye(3)[Y], 7)
        assert engine.measure(X, wide)[0] == pytest.approx(value, rel=1e-13)


# ---------------------------------------------------------------------- bad input


def relabelled(label):
    return np.where(np.arange(7) == 2, label, CLASSES)


@pytest.mark.parametrize(("A", "Y", "error", "told"), [
    (X[:, :4], CLASSES, ValueError, r"X must have shape .* 5\), found \(7, 4\)"),
    (X[0], CLASSES[:1], ValueError, "X must have shape"),
    (X[:0], CLASSES[:0], ValueError, "n from 1 to batch_size = 7"),
    (np.ones((8, 5)), np.zeros(8, int), ValueError, r"batch_size = 7.*found \(8, 5\)"),
    (X.astype(str), CLASSES, TypeError, "X must hold real numbers"),
    (X + 0j, CLASSES, TypeError, "X must hold real numbers, found an array of complex128"),
    (X, CLASSES[:6], ValueError, "one class for each of the 7 rows"),
    (X, relabelled(3), ValueError, r"targets\[2\] is 3, .* classes 0 to 2"),
    (X, relabelled(-1), ValueError, r"targets\[2\] is -1"),
    (X, relabelled(-(2**40)), ValueError, r"targets\[2\] is -1099511627776"),
    (X, CLASSES * 1.0, TypeError, "must be integers"),
    (X, np.eye(4)[CLASSES], ValueError, "targets must be class indices .* or probabilities"),
    (X, -np.eye(3)[CLASSES], ValueError, r"targets\[0, \d\] is -1.0"),
    (X, np.full((7, 3), np.nan), ValueError, "is nan"),
    (X, np.full((7, 3), np.inf), ValueError, "is inf"),
])  # fmt: skip
def test_a_batch_that_does_not_fit_is_refused_and_no_step_taken(A, Y, error, told):
    engine = Engine(start(), 7, optimizer=sgd(0.1), dtype=np.float64)
    with pytest.raises(error, match=told):
        engine.step(A, Y)
    assert same(engine.params, start()) and engine.state.t == 0


@pytest.mark.parametrize(("loss", "Y", "told"), [
    ("bce_with_logits", np.full((7, 3), 2.0), "turn|lies in"),
    ("bce_with_logits", np.full((7, 3), -1.0), "turn labels"),
    ("bce_with_logits", np.ones(7), "shape"),
    ("mse", np.ones((7, 1)), "shape"),
    ("huber", np.ones((7, 1)), "shape"),
    ("hinge", np.zeros((7, 3)), "-1"),
])  # fmt: skip
def test_every_loss_refuses_targets_that_are_not_its_own(loss, Y, told):
    engine = Engine(start(), 7, optimizer=sgd(0.1), loss=loss)
    with pytest.raises(ValueError, match=told):
        engine.step(X, Y)


@pytest.mark.parametrize(("change", "error", "told"), [
    ({"dtype": np.float16}, ValueError, "dtype must be float32 or float64, found float16"),
    ({"dtype": int}, ValueError, "dtype must be float32 or float64, found int64"),
    ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
    ({"batch_size": 2.0}, TypeError, "batch_size must be a positive integer"),
    ({"optimizer": adam}, TypeError, r"optimizer must be one such as sgd\(0.1\)"),
    ({"activation": "rleu"}, ValueError, "unknown activation"),
    ({"loss": "mse?"}, ValueError, "loss must be one of"),
    ({"params": [(np.ones((3, 5)), np.full(3, np.inf))]}, ValueError, "b of layer 1 is not finite"),
    ({"params": [(np.full((3, 5), 1e39), np.ones(3))]}, ValueError, "W of layer 1.*in float32"),
    ({"params": None}, TypeError, "params must be a list"),
])  # fmt: skip
def test_an_engine_is_not_built_from_what_does_not_fit(change, error, told):
    arguments = {"params": start(), "batch_size": 7, "optimizer": sgd(0.1)} | change
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error, match=told):
            Engine(**arguments)


# ---------------------------------------------------------------------- numbers that are not finite


def refused(engine, A, Y, step=1):
    """Take a step that must be refused, in silence, and leave all as it was; return the cause."""
    params, state = engine.params, engine.state
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(all="raise"), pytest.raises(NotFinite) as caught:
            engine.step(A, Y)
    assert same(engine.params, params) and engine.state.t == state.t == step - 1
    for name in state._fields[1:]:
        assert same(getattr(engine.state, name), getattr(state, name))
    assert caught.value.step == step and str(caught.value) == f"step {step}: {caught.value.cause}"
    return caught.value.cause


@pytest.mark.parametrize("make", [sgd, optimizers.momentum, adam, optimizers.amsgrad])
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_a_number_in_X_that_is_not_finite_is_named(make, value, layout):
    engine = Engine(start(), 7, optimizer=make(0.1))
    for _ in range(3):
        engine.step(X, CLASSES)
    wrong = np.where(np.arange(35).reshape(7, 5) == 12, value, X)
    cause = refused(engine, wrong, CLASSES, step=4)
    assert cause == "the loss is nan: X holds a number that is not finite in float32"
    assert np.isfinite(engine.step(X, CLASSES))


@pytest.mark.parametrize("value", [1.0 + 2**-52, 1.125, 40.0, -(2**-60), np.nan, np.inf])
@pytest.mark.parametrize("rows", [3, 40])  # few targets are remembered, many looked at each time
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_label_of_yes_and_no_lies_in_the_unit_interval(value, rows, dtype):
    engine = Engine(init_params([2, 1], np.random.default_rng(0)), rows, optimizer=sgd(0.1),
                    loss="bce_with_logits", dtype=dtype)
    A, Y = np.ones((rows, 2)), np.ones((rows, 1))
    engine.step(A, Y)
    for _ in range(2):
        Y[1] = value
        with pytest.raises(ValueError, match=r"targets\[1, 0\] is .*probability lies in \[0, 1\]"):
            engine.step(A, Y)
        Y[1] = 0.0
        engine.step(A, Y)


def test_targets_that_are_not_finite_are_named():
    wrong = np.where(np.arange(21).reshape(7, 3) == 4, np.nan, NUMBERS)
    engine = Engine(start(), 7, optimizer=sgd(0.1), loss="mse")
    assert refused(engine, X, wrong) == "the loss is nan: Y holds a number that is not finite"


def test_a_layer_that_overflows_is_named(layout):
    params = [(1e20 * W, b) for W, b in start((5, 4, 4, 3))]
    engine = Engine(params, 7, optimizer=sgd(0.1), activation="identity")
    assert "the values of layer 2 are not finite in float32; the steps are too long" in refused(
        engine, X, CLASSES
    )


def test_a_loss_that_overflows_is_named():
    engine = Engine(start(), 7, optimizer=sgd(0.1), loss="squared_error")
    cause = refused(engine, X, 1e25 * NUMBERS)
    assert cause.endswith("though the logits are finite; the loss itself is too large for float32")


def test_a_slope_that_is_not_finite_is_named():
    bad = (np.tanh, lambda z: np.where(z == z.max(), np.nan, 1.0))
    engine = Engine(start((5, 4, 4, 3)), 7, optimizer=adam(0.1), activation=bad)
    assert refused(engine, X, CLASSES).startswith("the gradient of W in layer 2 is not finite")


def test_a_diverging_run_keeps_the_last_finite_parameters(layout):
    engine = Engine(start(), 7, optimizer=sgd(900.0), loss="squared_error")
    taken = 0
    with pytest.raises(NotFinite) as caught:
        for _ in range(100):
            engine.step(100 * X, NUMBERS)
            taken += 1
    assert 0 < taken < 100 and caught.value.step == taken + 1 and engine.state.t == taken
    assert all(np.isfinite(a).all() for pair in engine.params for a in pair)


@pytest.mark.parametrize("optimizer", [
    sgd(1e39), sgd(1e37), optimizers.momentum(1e38), adam(1e39), adam(3e38), adam(1e-3, eps=0.0),
    optimizers.adamw(1.0, weight_decay=1e39), optimizers.amsgrad(3e38), optimizers.lion(3e38),
    coupled_l2(sgd(1e38), 0.1), optimizers.adagrad(3e38),
])  # fmt: skip
def test_an_update_that_overflows_is_taken_back(optimizer):
    params = [(np.full((1, 1), 3e38), np.zeros(1))]
    one = (lambda z, y: 1.0, lambda z, y: np.full_like(z, -10.0))
    engine = Engine(params, 1, optimizer=optimizer, loss=one)
    A = np.ones((1, 1))
    if optimizer.settings.get("eps") == 0.0:  # a gradient whose square is 0 in float32
        A = np.full((1, 1), 1e-30)
    cause = refused(engine, A, A)
    assert cause.startswith("the updated value of W in layer 1 is not finite in float32; the step")


def test_numbers_whose_squares_overflow_are_no_reason_to_stop():
    slope = (lambda z, y: 1.0, lambda z, y: np.full_like(z, 1e25))
    params = [(np.ones((1, 1)), np.zeros(1))]
    for make in (sgd, optimizers.momentum):
        engine = Engine(params, 1, optimizer=make(1e-25), loss=slope)
        engine.step(np.ones((1, 1)), np.ones((1, 1)))
        assert engine.params[0][0] == pytest.approx(0.0, abs=1e-6)
    huge = (lambda z, y: 1.0, lambda z, y: np.full_like(z, -3e38))
    engine = Engine([(np.full((1, 1), 3e38), np.zeros(1))], 1, optimizer=sgd(1.0), loss=huge)
    assert refused(engine, np.ones((1, 1)), np.ones((1, 1))).startswith("the updated value of W")
