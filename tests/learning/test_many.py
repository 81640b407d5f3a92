"""Networks trained side by side do what each does alone; the XOR table holds."""

import functools
import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from nnbook.functions.activations import leaky_relu, leaky_relu_prime
from nnbook.learning import _stacked, optimizers
from nnbook.learning.data import xor
from nnbook.learning.many import draw_many, right_answers, stack, train_many, unstack
from nnbook.learning.mlp import forward, init_params, loss_and_grads
from nnbook.learning.optimizers import adam, momentum, sgd

X, Y = xor()
LEGACY = np.random.RandomState

H_THIRD = -(np.log(1 / 3) / 3 + 2 * np.log(2 / 3) / 3)
PLATEAUS = np.array([np.log(2) / 2, 0.75 * H_THIRD, np.log(2)])

LEAKY = (
    functools.partial(leaky_relu, negative_slope=0.1),
    functools.partial(leaky_relu_prime, negative_slope=0.1),
)


def solved(runs):
    return [int((right_answers(logits, Y) == 4).sum()) for logits in runs.logits]


@pytest.mark.parametrize("optimizer", [sgd(1.0), momentum(0.1), adam(0.01)])
@pytest.mark.parametrize("activation", ["relu", "tanh", LEAKY])
@pytest.mark.parametrize("sizes", [[2, 4, 1], [2, 3, 3, 2], [2, 1]])
def test_each_network_is_the_one_trained_alone(optimizer, activation, sizes):
    Y_wide = np.hstack([Y, 1 - Y])[:, : sizes[-1]]
    starts = draw_many(sizes, range(12), bias_std=0.3)
    runs = train_many(starts, X, Y_wide, optimizer=optimizer, epochs=100, activation=activation)
    for seed in range(12):
        params = unstack(starts, seed)
        state = optimizer.init(params)
        for _ in range(100):
            _, grads = loss_and_grads(params, X, Y_wide, activation, "bce_with_logits")
            params, state = optimizer.update(grads, state, params)
        for (W, b), (V, c) in zip(params, unstack(runs.params, seed), strict=True):
            np.testing.assert_allclose(V, W, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(c, b, rtol=1e-12, atol=1e-12)
        cost, _ = loss_and_grads(params, X, Y_wide, activation, "bce_with_logits")
        assert runs.cost[-1, seed] == pytest.approx(cost, abs=1e-12)
        logits, _ = forward(params, X, activation)
        np.testing.assert_allclose(runs.logits[-1, :, :, seed], logits, rtol=0, atol=1e-12)


def article_step(W1, b1, W2, b2):
    """Return one step of the source article's class, examples in columns as there."""
    A0, y = X.T, Y.T
    Z1 = W1 @ A0 + b1
    A1 = np.maximum(0, Z1)
    A2 = 1 / (1 + np.exp(-(W2 @ A1 + b2)))
    dZ2 = A2 - y
    dZ1 = (W2.T @ dZ2) * (Z1 > 0)
    ones = np.ones((4, 1))
    gradients = (dZ1 @ A0.T, dZ1 @ ones, dZ2 @ A1.T, dZ2 @ ones)
    return [p - g / 4 for p, g in zip((W1, b1, W2, b2), gradients, strict=True)]


def test_a_run_is_the_source_articles_from_its_own_seed():
    starts = draw_many([2, 4, 1], range(5), generator=LEGACY)
    runs = train_many(starts, X, Y, optimizer=sgd(1.0), epochs=60)
    for seed in range(5):
        draw = LEGACY(seed)
        params = [draw.randn(4, 2) * np.sqrt(2 / 2), np.zeros((4, 1))]
        params += [draw.randn(1, 4) * np.sqrt(2 / 4), np.zeros((1, 1))]
        for _ in range(60):
            params = article_step(*params)
        (W1, b1), (W2, b2) = unstack(runs.params, seed)
        for ours, theirs in zip((W1, b1[:, None], W2, b2[:, None]), params, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_635_of_1000_learn_xor_and_the_others_stop_on_three_plateaus():
    starts = draw_many([2, 4, 1], range(1000), generator=LEGACY)
    runs = train_many(starts, X, Y, optimizer=sgd(1.0), epochs=5000, record=(100, 200, 1000))
    assert runs.epochs == (100, 200, 1000, 5000)
    assert solved(runs) == [634, 635, 635, 635]
    failed = right_answers(runs.logits[-1], Y) < 4
    assert runs.cost[-1][~failed].max() < 0.01
    near = abs(runs.cost[-1][failed] - PLATEAUS[:, np.newaxis]) < 0.01
    assert near.sum(axis=1).tolist() == [161, 155, 49]
    assert near.sum() == failed.sum() == 365


# Each row stops where its count has stopped changing. The slope of the leaky ReLU is 0.1; with 0.01
# the count still rises after 4,000 epochs and ends at 958.
VARIANTS = {
    "width 2": (214, 500, {"width": 2}),
    "width 3": (447, 500, {"width": 3}),
    "width 6": (870, 2000, {"width": 6}),
    "width 8": (958, 1000, {"width": 8}),
    "width 16": (1000, 100, {"width": 16}),
    "learning rate 0.1": (640, 1000, {"optimizer": sgd(0.1)}),
    "Glorot": (578, 200, {"init": "glorot_normal"}),
    "random biases": (741, 500, {"bias_std": 0.5}),
    "momentum": (586, 500, {"optimizer": momentum(0.1, beta=0.9)}),
    "Adam": (558, 500, {"optimizer": adam(0.01)}),
    "leaky ReLU": (968, 2000, {"activation": LEAKY}),
    "tanh": (997, 4000, {"activation": "tanh", "init": "glorot_normal"}),
    "tanh, width 8": (1000, 200, {"activation": "tanh", "init": "glorot_normal", "width": 8}),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_the_variants_solve_as_often_as_the_table_says(name):
    count, epochs, change = VARIANTS[name]
    starts = draw_many([2, change.get("width", 4), 1], range(1000),
                       change.get("init", "he_normal"), bias_std=change.get("bias_std", 0.0),
                       generator=LEGACY)  # fmt: skip
    train = functools.partial(train_many, optimizer=change.get("optimizer", sgd(1.0)),
                              activation=change.get("activation", "relu"))  # fmt: skip
    early = right_answers(train(starts, X, Y, epochs=min(epochs, 200)).logits[-1], Y) == 4
    # networks are independent: those that have not solved it by then start again without the others
    late = (
        stack([unstack(starts, seed) for seed in np.flatnonzero(~early)])
        if not early.all()
        else None
    )
    [solved_late] = solved(train(late, X, Y, epochs=epochs)) if late else [0]
    assert early.sum() + solved_late == count


def test_counts_hold_under_another_processors_kernels():
    code = (
        "import numpy as np\n"
        "from nnbook.learning import *\n"
        "X, Y = xor()\n"
        "starts = draw_many([2, 4, 1], range(1000), generator=np.random.RandomState)\n"
        "for optimizer in (sgd(1.0), momentum(0.1), adam(0.01)):\n"
        "    runs = train_many(starts, X, Y, optimizer=optimizer, epochs=500, record=(100, 200))\n"
        "    print([int((right_answers(z, Y) == 4).sum()) for z in runs.logits])\n"
    )
    other = {"NPY_DISABLE_CPU_FEATURES": "X86_V4", "OPENBLAS_CORETYPE": "Haswell"}
    answers = []
    for extra in ({}, other):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True,
            check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | extra,
        )  # fmt: skip
        answers.append(done.stdout)
    assert answers[0] == answers[1]
    assert answers[0].startswith("[634, 635, 635]")


def test_records_are_what_a_shorter_run_ends_with():
    starts = draw_many([2, 3, 1], range(6))
    long = train_many(starts, X, Y, optimizer=adam(0.05), epochs=30, record=(0, 7, 7, 30))
    assert long.epochs == (0, 7, 30)
    assert long.logits.shape == (3, 4, 1, 6) and long.cost.shape == (3, 6)
    for i, epochs in enumerate(long.epochs):
        short = train_many(starts, X, Y, optimizer=adam(0.05), epochs=epochs)
        np.testing.assert_array_equal(short.logits[-1], long.logits[i])
        np.testing.assert_array_equal(short.cost[-1], long.cost[i])


def test_one_network_does_not_disturb_another():
    nets = [init_params([2, 3, 1], np.random.default_rng(s)) for s in range(4)]
    wild = [(1e200 * W, b) for W, b in nets[2]]
    with np.errstate(all="raise"):
        runs = train_many(stack([*nets, wild]), X, Y, optimizer=sgd(1e200), epochs=3)
        tame = train_many(stack([*nets, nets[0]]), X, Y, optimizer=sgd(1.0), epochs=3)
        alone = train_many(stack(nets[1:2]), X, Y, optimizer=sgd(1.0), epochs=3)
    assert runs.cost.shape == (1, 5)
    np.testing.assert_array_equal(tame.cost[0, 0], tame.cost[0, 4])
    np.testing.assert_array_equal(tame.cost[0, 1], alone.cost[0, 0])


def test_starts_are_not_changed():
    starts = draw_many([2, 3, 1], range(4))
    before = [W.copy() for W, _ in starts]
    train_many(starts, X, Y, optimizer=momentum(0.5), epochs=5)
    for (W, _), V in zip(starts, before, strict=True):
        np.testing.assert_array_equal(W, V)


def test_stacking_and_unstacking_are_inverse():
    nets = [init_params([2, 3, 2], np.random.default_rng(s)) for s in range(3)]
    for seed, net in enumerate(nets):
        for (W, b), (V, c) in zip(net, unstack(stack(nets), seed), strict=True):
            np.testing.assert_array_equal(W, V)
            np.testing.assert_array_equal(b, c)
    drawn = draw_many([2, 3, 2], range(3))
    np.testing.assert_array_equal(drawn[1][0], stack(nets)[1][0])


def test_hidden_biases_are_drawn_after_the_weights_and_output_biases_are_zero():
    (W1, b1), (W2, b2) = draw_many([2, 500, 1], range(20), bias_std=0.5)
    (V1, c1), (V2, c2) = draw_many([2, 500, 1], range(20))
    np.testing.assert_array_equal(W1, V1)
    np.testing.assert_array_equal(W2, V2)
    assert b1.std() == pytest.approx(0.5, rel=0.03)
    assert not b2.any() and not c1.any() and not c2.any()


def test_a_logit_on_the_line_is_no_answer():
    logits = np.array([[[1.0, 1e-4, 0.0, -1.0]], [[-1.0, -1.0, -1.0, 1.0]]])
    assert right_answers(logits, [[1], [0]]).tolist() == [2, 1, 1, 0]
    assert right_answers(logits, [[1], [0]], margin=0).tolist() == [2, 2, 1, 0]


def test_all_logits_of_an_example_must_be_right():
    logits = np.array([[[1.0, 1.0], [-1.0, 1.0]]])
    assert right_answers(logits, [[1, 0]]).tolist() == [1, 0]


STARTS = draw_many([2, 3, 1], range(2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: train_many(STARTS, X, Y[:, 0], optimizer=sgd(1.0), epochs=1), ValueError,
         r"\(4, 1\), found \(4,\); write y\[:, np.newaxis\]"),
        (lambda: train_many(STARTS, X, Y + 0.5, optimizer=sgd(1.0), epochs=1), ValueError, "0 and"),
        (lambda: train_many(STARTS, X[:, :1], Y, optimizer=sgd(1.0), epochs=1), ValueError, "2 fe"),
        (lambda: train_many(STARTS, X * np.nan, Y, optimizer=sgd(1.0), epochs=1), ValueError,
         "X must be finite"),
        (lambda: train_many(unstack(STARTS, 0), X, Y, optimizer=sgd(1.0), epochs=1), ValueError,
         "params must be a stack"),
        (lambda: train_many(STARTS, X, Y, optimizer=sgd(1.0), epochs=-1), ValueError, "epochs"),
        (lambda: train_many([(W + 0j, b) for W, b in STARTS], X, Y, optimizer=sgd(1.0), epochs=1),
         TypeError, "float32 or float64, found numbers that need complex128"),
        (lambda: train_many(STARTS, X, Y, optimizer="sgd", epochs=1), TypeError, "optimizer must"),
        (lambda: train_many(STARTS, X, Y, optimizer=sgd(1.0), epochs=5, record=[6]), ValueError,
         "beyond the 5 epochs, found 6"),
        (lambda: draw_many([2, 3, 1], []), ValueError, "are there seeds"),
        (lambda: draw_many([2, 3, 1], [0], bias_std=-1), ValueError, "bias_std must lie"),
        (lambda: stack([unstack(STARTS, 0), init_params([2, 4, 1], LEGACY(0))]), ValueError,
         "networks must be alike: number 1"),
        (lambda: right_answers(np.ones((3, 4, 1, 2)), Y), ValueError, r"take logits\[-1\]"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_one_target_between_0_and_1_is_refused():
    X, y = xor()
    Y = y.astype(float)
    Y[2] = 0.5
    with pytest.raises(ValueError, match=r"0 and 1 only, found 0\.5"):
        train_many(draw_many([2, 4, 1], range(2)), X, Y, optimizer=sgd(1.0), epochs=1)


@pytest.mark.parametrize("wrong", ["W", "b"])
def test_a_network_that_is_not_a_stack_is_refused_whichever_array_says_so(wrong):
    X, y = xor()
    [(W1, b1), *rest] = draw_many([2, 4, 1], range(2))
    first = (W1[..., 0], b1) if wrong == "W" else (W1, b1[..., 0])
    with pytest.raises(ValueError, match="must be a stack"):
        train_many([first, *rest], X, y, optimizer=sgd(1.0), epochs=1)


def test_a_bias_that_does_not_fit_its_weights_is_refused_and_not_broadcast():
    X, y = xor()
    *first, (W, _) = draw_many([2, 4, 1], range(3))
    for wrong in (np.zeros((2, 3)), np.zeros((1, 1))):
        with pytest.raises(ValueError, match=r"b of layer 2 must have the shape .* = \(1, 3\)"):
            train_many([*first, (W, wrong)], X, y, optimizer=sgd(1.0), epochs=1)


def test_networks_of_one_feature_train():
    X, Y = np.array([[0.0], [1.0]]), np.array([[0], [1]])
    start = draw_many([1, 3, 1], range(4))
    runs = train_many(start, X, Y, optimizer=sgd(0.5), epochs=5, record=(0,))
    assert runs.cost[-1].mean() < runs.cost[0].mean()


def test_unstack_refuses_the_first_index_past_the_end():
    params = draw_many([2, 4, 1], range(3))
    assert unstack(params, 2)[0][0].shape == (4, 2)
    with pytest.raises((IndexError, ValueError), match="index"):
        unstack(params, 3)


OPTIMIZERS = {
    "sgd": sgd(0.5),
    "a schedule": sgd(lambda t: 0.5 / (1 + t)),
    "momentum": momentum(0.1),
    "nesterov": optimizers.nesterov(0.1),
    "nesterov rewritten": optimizers.nesterov_rewritten(0.1),
    "adagrad": optimizers.adagrad(0.1),
    "rmsprop": optimizers.rmsprop(0.01),
    "adadelta": optimizers.adadelta(1.0),
    "adam": adam(0.02),
    "adamw": optimizers.adamw(0.02, weight_decay=0.1),
    "adamw on weights": optimizers.adamw(0.02, weight_decay=0.1, where=lambda leaf: leaf.ndim > 2),
    "amsgrad": optimizers.amsgrad(0.02),
    "nadam": optimizers.nadam(0.02),
    "lion": optimizers.lion(0.01),
}
THREE = np.array([[0.3, -1.0, 0.7], [-0.2, 0.5, 1.5], [1.1, 0.2, -0.4], [0.9, -0.8, 0.1],
                  [-1.3, 0.4, 0.6]])  # fmt: skip
KINDS = np.array([[0, 1], [1, 1], [1, 0], [0, 0], [1, 0]])


def alone(params, optimizer, activation, epochs):
    state = optimizer.init(params)
    for _ in range(epochs):
        _, grads = loss_and_grads(params, THREE, KINDS, activation, "bce_with_logits")
        params, state = optimizer.update(grads, state, params)
    return params


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_steps_as_it_does_for_one_network(name):
    optimizer = OPTIMIZERS[name]
    starts = draw_many([3, 4, 5, 2], range(5), bias_std=0.3)
    runs = train_many(starts, THREE, KINDS, optimizer=optimizer, epochs=30, activation="tanh")
    if name == "adamw on weights":  # a stack has an axis more
        optimizer = optimizers.adamw(0.02, weight_decay=0.1, where=lambda leaf: leaf.ndim > 1)
    for seed in range(5):
        wanted = alone(unstack(starts, seed), optimizer, "tanh", 30)
        for ours, theirs in zip(unstack(runs.params, seed), wanted, strict=True):
            for one, other in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "activation", ["relu", "tanh", "sigmoid", "identity", "gelu", "elu", LEAKY]
)
@pytest.mark.parametrize("sizes", [[3, 2], [3, 1, 4, 2], [3, 6, 1, 2]])
def test_every_activation_and_depth_is_that_of_one_network(activation, sizes):
    starts = draw_many(sizes, range(3), bias_std=0.3)
    runs = train_many(starts, THREE, KINDS, optimizer=sgd(0.3), epochs=20, activation=activation)
    for seed in range(3):
        wanted = alone(unstack(starts, seed), sgd(0.3), activation, 20)
        for ours, theirs in zip(unstack(runs.params, seed), wanted, strict=True):
            for one, other in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["sgd", "adam", "amsgrad"])
def test_a_network_has_the_same_bits_in_any_company(dtype, name, monkeypatch):
    """Alone, in blocks of eight, and all in one: the sums are added in one order."""
    rng, many = np.random.default_rng(0), 21
    X, Y = rng.normal(size=(19, 3)), rng.integers(0, 2, (19, 1))  # NumPy adds 8 and more in pairs
    starts = draw_many([3, 5, 4, 1], range(many))
    starts = [(W.astype(dtype), b.astype(dtype)) for W, b in starts]

    def costs(params):
        runs = train_many(params, X, Y, optimizer=OPTIMIZERS[name], epochs=40, record=(10,))
        assert runs.cost.dtype == runs.logits.dtype == runs.params[0][0].dtype == dtype
        return runs

    whole = costs(starts)
    single = [costs(stack([unstack(starts, seed)])) for seed in range(many)]
    np.testing.assert_array_equal(whole.cost, np.hstack([run.cost for run in single]))
    monkeypatch.setattr(_stacked, "SPACE", 1)
    blocks = costs(starts)
    np.testing.assert_array_equal(whole.cost, blocks.cost)
    np.testing.assert_array_equal(whole.logits, blocks.logits)
    for (W, b), (V, c) in zip(whole.params, blocks.params, strict=True):
        np.testing.assert_array_equal(W, V)
        np.testing.assert_array_equal(b, c)


def test_long_rows_have_the_same_bits_and_numpys_buffer_is_as_it_was():
    starts = draw_many([2, 3, 1], range(_stacked.LONG + 8))
    before = np.getbufsize()
    whole = train_many(starts, X, Y, optimizer=sgd(1.0), epochs=50)
    assert np.getbufsize() == before
    few = [(W[..., :20], b[..., :20]) for W, b in starts]
    part = train_many(few, X, Y, optimizer=sgd(1.0), epochs=50)
    np.testing.assert_array_equal(whole.cost[:, :20], part.cost)


def test_float32_follows_float64():
    starts = draw_many([2, 4, 1], range(50), init="glorot_normal")
    small = [(W.astype(np.float32), b.astype(np.float32)) for W, b in starts]
    train = functools.partial(train_many, X=X, Y=Y, optimizer=sgd(0.5), epochs=200,
                              activation="tanh")  # fmt: skip
    ours, exact = train(small).cost, train(starts).cost
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, exact, rtol=2e-4)


def test_memory_does_not_grow_with_the_number_of_networks():
    """Beside what goes in and comes out, a block's buffers: less than a megabyte."""
    small, large = (draw_many([2, 8, 1], range(n)) for n in (2000, 8000))
    peaks = []
    for starts in (small, large):
        tracemalloc.start()
        runs = train_many(starts, X, Y, optimizer=adam(0.01), epochs=2)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        returned = sum(a.nbytes for layer in runs.params for a in layer)
        peaks.append(peak - returned - runs.logits.nbytes - runs.cost.nbytes)
    assert peaks[1] < peaks[0] + 100_000 < 2_500_000


def test_a_block_fills_the_space_it_is_given():
    count = _stacked.block_size([2, 4, 1], 4, np.float64, 0)
    stacks = draw_many([2, 4, 1], range(count))
    points, signs = X.astype(float)[:, :, np.newaxis], (1.0 - 2 * Y)[:, :, np.newaxis]
    block = _stacked.Block(stacks, points, signs, sgd(1.0), "relu")
    used = sum(buffer.nbytes for buffer in block.buffers.values())
    assert 0.6 * _stacked.SPACE < used < 1.4 * _stacked.SPACE
    assert _stacked.block_size([784, 128, 10], 512, np.float64, 2) == _stacked.FEWEST
