"""What bad input gets in nnbook.learning: the argument, what was found, what was expected."""

import numpy as np
import pytest

from nnbook.learning import load_params, save_params
from nnbook.learning.acceleration import convert_momentum_state
from nnbook.learning.data import fashion_mnist, mnist, split
from nnbook.learning.decay import coupled_l2
from nnbook.learning.many import draw_many, right_answers, train_many, unstack
from nnbook.learning.mlp import init_params
from nnbook.learning.optimizers import adam, adamw, amsgrad, lion, momentum, rmsprop, sgd
from nnbook.learning.schedules import chain_schedules, constant_schedule
from nnbook.learning.train import accuracy, fit

SEED = 7


def network():
    rng = np.random.default_rng(SEED)
    return init_params([3, 4, 5], rng), rng.normal(size=(7, 3)), rng.integers(0, 5, 7)


@pytest.mark.parametrize("init, told", [
    (lambda n_out, n_in, rng: np.zeros((n_in, n_out)), r"\(2, 3\), found \(3, 2\); is it transp"),
    (lambda n_out, n_in, rng: np.full((n_out, n_in), np.nan), "finite real numbers"),
    (lambda n_out, n_in, rng: None, r"\(2, 3\), found \(\)"),
])
def test_an_initializer_that_returns_no_weights_is_named(init, told):
    with pytest.raises(ValueError, match=told):
        init_params([3, 2], np.random.default_rng(SEED), init=init)


@pytest.mark.parametrize("optimizer", [sgd(0.1), momentum(0.1), adam(0.1)])
@pytest.mark.parametrize("params", [None, "W1", [np.ones(2), None], np.array([1j])])
def test_an_optimizer_starts_from_arrays_only(optimizer, params):
    with pytest.raises(TypeError, match="params must be a nest"):
        optimizer.init(params)


def test_adam_names_the_order_of_its_arguments():
    params, _, _ = network()
    with pytest.raises(TypeError, match=r"found list; the order is update\(grads, state, params\)"):
        adam(0.1).update(params, params, adam(0.1).init(params))


def test_validation_is_a_pair():
    params, X, y = network()
    for wrong in ((X, y, y), X[:1], 3):
        with pytest.raises(TypeError, match=r"validation must be a pair \(X, Y\), found"):
            fit(params, X, y, optimizer=sgd(0.1), epochs=1, validation=wrong)


@pytest.mark.parametrize("change, told", [
    (lambda y: np.where(np.arange(7) == 2, 5, y), r"Y\[2\] is 5, .* 0 to 4; if .* count from 1"),
    (lambda y: np.where(np.arange(7) == 3, -1, y), r"Y\[3\] is -1"),
    (lambda y: np.where(np.arange(7) == 3, np.nan, y), r"Y\[3\] is nan"),
    (lambda y: np.eye(4)[y % 4], r"\(7, 5\), found \(7, 4\)"),
])
def test_accuracy_refuses_labels_that_are_no_classes(change, told):
    params, X, y = network()
    with pytest.raises(ValueError, match=told):
        accuracy(params, X, change(y))
    with pytest.raises(TypeError, match="Y must hold class indices"):
        accuracy(params, X, y.astype(str))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: amsgrad(bias_correction="no"), "bias_correction must be True or False, got 'no'"),
        (lambda: rmsprop(centered=1), "centered must be True or False, got 1"),
        (lambda: split(np.eye(3), np.arange(3), 1, None, stratify="y"), "rng must be"),
        (
            lambda: split(np.eye(3), np.arange(3), 1, np.random.default_rng(0), stratify="y"),
            "stratify must be True or False, got 'y'",
        ),
        (lambda: fashion_mnist(unchecked=1), "unchecked must be True or False, got 1"),
        (lambda: mnist(dtype="wide"), "dtype must be a floating-point type, found 'wide'"),
        (lambda: mnist(folder=3), "folder must be a path, found 3"),
        (lambda: fashion_mnist(folder=3), "folder must be a path, found 3"),
        (lambda: chain_schedules(3, []), "schedules must be a sequence such as a list, found 3"),
        (
            lambda: chain_schedules([constant_schedule(1)], None),
            "boundaries must be a sequence such as a list, found None",
        ),
        (
            lambda: convert_momentum_state((1, 2), 0.1, 0.9, "sum", "average"),
            "state must be the MomentumState .*found tuple",
        ),
    ],
)
def test_an_option_of_another_kind_is_named(call, told):
    with pytest.raises(TypeError, match=told):
        call()


def every(array):
    return array > 0


@pytest.mark.parametrize(
    "optimizer",
    [adamw(where=every), lion(weight_decay=0.1, where=every), coupled_l2(sgd(0.1), 1, where=every)],
)
def test_where_is_asked_once_for_an_array(optimizer):
    theta = [np.ones(2)]
    with pytest.raises(TypeError, match=r"where\(array\) must be True or False, once for the"):
        optimizer.update(theta, optimizer.init(theta), theta)


@pytest.mark.parametrize(("leaf", "told"), [(None, "None"), ("ab", "'ab'")])
def test_a_gradient_that_is_missing_is_called_so(leaf, told):
    theta = [np.ones(2)]
    with pytest.raises(ValueError, match=rf"at \[0\]: array of shape \(2,\) against {told};"):
        adam().update([leaf], adam().init(theta), theta)


def test_a_stack_names_what_it_cannot_do():
    starts, X, y = draw_many([2, 4, 1], range(3)), np.eye(4, 2), np.ones((4, 1))
    with pytest.raises(ValueError, match="index must be less than 3"):
        unstack(starts, 3)
    with pytest.raises(TypeError, match=r"index must be an integer, got 1.0"):
        unstack(starts, 1.0)
    with pytest.raises(TypeError, match="optimizer must be one such as"):
        train_many(starts, X, y, optimizer=0.1, epochs=1)
    for margin in (-1.0, np.nan):
        with pytest.raises(ValueError, match="margin must lie in"):
            right_answers(np.zeros((4, 1, 3)), y, margin=margin)


def test_a_file_altered_in_any_byte_loads_as_it_was_or_not_at_all(tmp_path):
    path = tmp_path / "net.npz"
    W, b = np.random.default_rng(SEED).normal(size=(2, 2)), np.array([1.0, 2.0])
    save_params(path, [(W, b)])
    whole = path.read_bytes()
    refused = 0
    for place in range(len(whole)):
        altered = bytearray(whole)
        altered[place] ^= 0xFF
        path.write_bytes(bytes(altered))
        try:
            ((W_found, b_found),) = load_params(path)
        except ValueError as error:
            assert str(path) in str(error)
            refused += 1
        else:
            np.testing.assert_array_equal(W_found, W)
            np.testing.assert_array_equal(b_found, b)
    assert refused > len(whole) / 2


def test_saving_into_a_folder_that_is_not_there_names_the_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nowhere"):
        save_params(tmp_path / "nowhere" / "net.npz", network()[0])
