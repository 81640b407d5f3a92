"""What holds for every optimizer: purity, nests, dtypes, schedules, refusals; and SGD's rule."""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest

from nnbook.learning import load_params, optimizers, save_params
from nnbook.learning._updates import leafwise, one_minus_power, over_root
from nnbook.learning.optimizers import (
    Optimizer,
    SGDState,
    adadelta,
    adagrad,
    adam,
    adamw,
    amsgrad,
    lion,
    momentum,
    nadam,
    nesterov,
    nesterov_rewritten,
    rmsprop,
    sgd,
    tree_map,
)
from tests.learning.recursions import GRADIENTS, assert_close, exact, recursion, run

# each as a function of the learning rate alone
MAKERS = {
    "sgd": sgd,
    "momentum": momentum,
    "momentum, sum": lambda alpha: momentum(alpha, form="sum"),
    "momentum, average": lambda alpha: momentum(alpha, form="average"),
    "nesterov": nesterov,
    "nesterov_rewritten": nesterov_rewritten,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "rmsprop, centred": lambda alpha: rmsprop(alpha, centered=True),
    "rmsprop, momentum": lambda alpha: rmsprop(alpha, momentum=0.5),
    "rmsprop, both": lambda alpha: rmsprop(alpha, centered=True, momentum=0.5),
    "adadelta": adadelta,
    "adam": adam,
    "adamw": adamw,
    "nadam": nadam,
    "amsgrad": amsgrad,
    "lion": lambda alpha: lion(alpha, weight_decay=0.1),
}
EVERY = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def test_sgd_is_its_recursion():
    (alpha,) = exact(0.3)
    assert_close(run(sgd(0.3)), recursion(lambda t, theta, g: (theta - alpha * g,)))


def test_every_public_optimizer_is_in_the_table():
    public = {name for name in optimizers.__all__ if name[0].islower()} - {"tree_map"}
    assert {name.partition(",")[0] for name in MAKERS} == public


class Pair(NamedTuple):
    W: np.ndarray
    b: np.ndarray


@EVERY
def test_any_nest_keeps_its_shape_and_every_leaf_moves_alone(make):
    optimizer = make(0.1)
    params = [(np.ones((2, 3)), np.zeros(2)), {"gain": np.float64(3.0), "pair": Pair(*np.eye(2))}]
    grads = tree_map(lambda p: np.full_like(p, 0.5), params)
    state = optimizer.init(params)
    for _ in range(3):
        params, state = optimizer.update(grads, state, params)
    assert isinstance(params[0], tuple) and isinstance(params[1]["pair"], Pair)
    assert state.t == 3
    for value, leaf in ((1.0, params[0][0]), (0.0, params[0][1]), (3.0, params[1]["gain"])):
        moved = run(optimizer, value, [0.5] * 3)[-1]
        assert moved != value
        np.testing.assert_array_equal(leaf, np.full_like(leaf, moved))


@EVERY
def test_an_update_is_pure(make):
    optimizer = make(0.1)
    theta, g = np.array([1.0, 2.0]), np.array([0.5, -0.5])
    theta, state = optimizer.update(g, optimizer.init(theta), theta)
    before = [np.copy(part) for part in state[1:] if part is not None]
    theta.setflags(write=False)
    g.setflags(write=False)
    for part in state[1:]:
        if part is not None:
            part.setflags(write=False)
    first, second = (optimizer.update(g, state, theta) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    for old, new in zip(before, (p for p in state[1:] if p is not None), strict=True):
        np.testing.assert_array_equal(old, new)
    assert state.t == 1 and first[1].t == second[1].t == 2


@EVERY
def test_the_state_does_not_share_memory_with_the_parameters(make):
    theta = np.array([1.0, 2.0])
    state = make(0.1).init(theta)
    assert not any(np.shares_memory(theta, part) for part in state[1:] if part is not None)


@EVERY
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_dtypes_are_kept(make, dtype):
    optimizer, theta = make(0.1), np.ones(3, dtype)
    state = optimizer.init(theta)
    for _ in range(2):
        theta, state = optimizer.update(np.ones(3), state, theta)
    assert theta.dtype == dtype
    work = np.promote_types(dtype, np.float32)
    assert all(part.dtype == work for part in state[1:] if part is not None)


@EVERY
def test_float32_is_close_to_float64(make):
    wide, narrow = run(make(0.1)), []
    theta = np.array([0.4], np.float32)
    optimizer = make(0.1)
    state = optimizer.init(theta)
    for g in GRADIENTS:
        theta, state = optimizer.update(np.array([g], np.float32), state, theta)
        narrow.append(float(theta[0]))
    scale = np.maximum.accumulate(np.abs(wide))
    assert np.max(np.abs(np.array(narrow) - wide) / scale) < 64 * 2.0**-24


def test_float16_sees_a_gradient_whose_square_it_cannot_hold():
    theta = np.zeros(1, np.float16)
    optimizer = adam(0.5)
    theta, _ = optimizer.update(np.array([1e-4], np.float16), optimizer.init(theta), theta)
    assert theta == pytest.approx(-0.5, rel=1e-3)


@EVERY
def test_integers_become_float64(make):
    optimizer, theta = make(0.1), np.array([1, 2])
    new, state = optimizer.update(np.array([1, -1]), optimizer.init(theta), theta)
    assert new.dtype == np.float64
    assert all(part.dtype == np.float64 for part in state[1:] if part is not None)
    np.testing.assert_array_equal(
        new, optimizer.update(np.array([1.0, -1.0]), optimizer.init(theta * 1.0), theta * 1.0)[0]
    )


@EVERY
def test_silent_under_raise(make):
    optimizer, theta = make(0.1), np.array([1e308, 1e-308, 0.0])
    with np.errstate(all="raise"):
        state = optimizer.init(theta)
        for g in ([1e300, 1e-300, 0.0], [-1e300, 1e-308, np.inf], [np.nan, 5e-324, 0.0]):
            theta, state = optimizer.update(np.array(g), state, theta)


@EVERY
def test_nan_reaches_its_own_coordinate_only(make):
    optimizer, theta = make(0.1), np.array([1.0, 2.0])
    state = optimizer.init(theta)
    for g in ([np.nan, 1.0], [1.0, 1.0]):
        theta, state = optimizer.update(np.array(g), state, theta)
    assert np.isnan(theta[0]) and np.isfinite(theta[1])


@EVERY
def test_a_schedule_is_asked_for_the_steps_already_taken(make):
    asked = []

    def schedule(t):
        asked.append(t)
        return 0.1 / (1 + t)

    path = run(make(schedule), 0.4, [0.5, -0.2, 0.3])
    assert sorted(set(asked)) == [0, 1, 2]
    rates = [0.1, 0.05, 0.1 / 3]
    theta, state = np.array([0.4]), make(0.1).init(np.array([0.4]))
    for t, g in enumerate([0.5, -0.2, 0.3]):
        theta, state = make(rates[t]).update(np.array([g]), state, theta)
        assert path[t] == theta[0]


@EVERY
def test_a_schedule_that_leaves_the_numbers_is_named(make):
    theta = np.array([0.4])
    for wrong, error in ((-0.1, ValueError), (np.nan, ValueError), ("1", TypeError)):
        optimizer = make(lambda t, wrong=wrong: wrong)
        with pytest.raises(error, match=r"alpha\(t=0\)"):
            optimizer.update(theta, optimizer.init(theta), theta)


@EVERY
def test_threads_do_not_disturb_one_another(make):
    optimizer, expected = make(0.1), run(make(0.1))
    with ThreadPoolExecutor(8) as pool:
        assert all(path == expected for path in pool.map(lambda _: run(optimizer), range(16)))


@EVERY
def test_a_rate_of_0_does_not_move(make):
    assert set(run(make(0.0))) == {0.4}


@EVERY
def test_empty_nests_and_empty_arrays_pass_through(make):
    optimizer = make(0.1)
    for params in ([], {}, np.zeros((0, 3)), [np.zeros(0)]):
        new, state = optimizer.update(params, optimizer.init(params), params)
        assert np.shape(new) == np.shape(params) and state.t == 1


@EVERY
def test_a_state_goes_through_a_file_and_the_run_goes_on(make, tmp_path):
    optimizer, params = make(0.1), [(np.full((1, 2), 0.4), np.ones(1))]
    state = optimizer.init(params)
    like = optimizer.init(params)
    for _ in range(3):
        params, state = optimizer.update(params, state, params)
    save_params(tmp_path / "state.npz", state)
    loaded = load_params(tmp_path / "state.npz", like=like)
    assert type(loaded) is type(state) and type(loaded.t) is int
    here, there = (optimizer.update(params, s, params)[0] for s in (state, loaded))
    for a, b in zip(here[0], there[0], strict=True):
        np.testing.assert_array_equal(a, b)


@EVERY
@pytest.mark.parametrize(
    ("grads", "message"),
    [
        ([(np.ones((3, 2)), np.ones(2))], r"at \[0\]\[0\]: array of shape"),
        ([(np.ones(3), np.ones(2))], r"at \[0\]\[0\]"),
        ([(np.ones((2, 3)),)], r"at \[0\]: tuple of length"),
        ([], "at the top: list of length"),
        ({"W": 1}, "at the top"),
        ([(np.ones((2, 3)), [np.ones(2)])], r"at \[0\]\[1\]"),
    ],
)
def test_gradients_of_another_shape_are_refused_not_broadcast(make, grads, message):
    params, optimizer = [(np.ones((2, 3)), np.ones(2))], make(0.1)
    with pytest.raises(ValueError, match=message):
        optimizer.update(grads, optimizer.init(params), params)


@EVERY
@pytest.mark.parametrize("wrong", [1j, "1", None, np.array(["a"]), np.array([None])])
def test_leaves_that_are_no_real_numbers_are_refused(make, wrong):
    optimizer = make(0.1)
    with pytest.raises(TypeError, match=r"params must be a nest of lists.*found"):
        optimizer.init([wrong])
    theta = np.full(np.shape(wrong), 1.0)
    with pytest.raises(TypeError, match=r"grads must be a nest of lists.*found"):
        optimizer.update([wrong], optimizer.init([theta]), [theta])


@EVERY
def test_the_state_of_another_optimizer_is_refused(make):
    theta, optimizer = np.ones(2), make(0.1)
    for wrong in ((), None, theta, [theta]):
        with pytest.raises(TypeError, match=r"State that init.*order is update\(grads, state, par"):
            optimizer.update(theta, wrong, theta)


@EVERY
@pytest.mark.parametrize(
    ("alpha", "error"),
    [(-0.1, ValueError), (math.nan, ValueError), (math.inf, ValueError), ("0.1", TypeError),
     (None, TypeError), (True, TypeError), (np.ones(2), TypeError), (1j, TypeError)],
)  # fmt: skip
def test_rates_that_are_none_are_refused(make, alpha, error):
    with pytest.raises(error, match="alpha must"):
        make(alpha)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (momentum, "beta"), (nesterov, "beta"), (nesterov_rewritten, "beta"),
        (rmsprop, "beta2"), (rmsprop, "momentum"), (adadelta, "beta2"),
        *((f, b) for f in (adam, adamw, nadam, amsgrad, lion) for b in ("beta1", "beta2")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", [1, 1.5, -0.5, math.nan, math.inf, "0.9", None])
def test_memories_lie_in_0_1(make, name, value):
    error = TypeError if isinstance(value, (str, type(None))) else ValueError
    with pytest.raises(error, match=rf"{name} must"):
        make(0.1, **{name: value})
    with pytest.raises(error, match=rf"{name} must"):
        make(lambda t: 0.1, **{name: value})


@pytest.mark.parametrize(
    ("make", "name"),
    [(f, "eps") for f in (adagrad, rmsprop, adadelta, adam, adamw, nadam, amsgrad)]
    + [(adagrad, "initial"), (adamw, "weight_decay"), (lion, "weight_decay")],
)
@pytest.mark.parametrize("value", [-1e-8, math.nan, math.inf, "1"])
def test_other_settings_are_not_negative(make, name, value):
    with pytest.raises(TypeError if value == "1" else ValueError, match=rf"{name} must"):
        make(0.1, **{name: value})


@pytest.mark.parametrize("beta", [0.0, 5e-324, 0.1, 0.5, 0.9, 0.99, 0.999, 1 - 2.0**-53])
def test_bias_corrections_are_exact_to_2_ulp_up_to_a_million_steps(beta):
    import mpmath as mp

    for t in (1, 2, 3, 7, 10, 99, 1000, 31_623, 10**6):
        with mp.workdps(400):
            right = 1 - mp.mpf(beta) ** t
        found = one_minus_power(beta, t)
        assert abs(found - right) <= 2 * np.spacing(float(right))
    # the plain difference is not
    assert 1 - (1 - 2.0**-40) ** 3 != one_minus_power(1 - 2.0**-40, 3)


def test_a_quotient_without_epsilon_leaves_what_never_moved():
    x, square = np.array([0.0, -0.0, 2.0, 1.0, np.nan]), np.array([0.0, 0.0, 4.0, 0.0, 0.0])
    with np.errstate(all="ignore"):
        found = over_root(x, square, 0.0)
    np.testing.assert_array_equal(found, [0.0, 0.0, 1.0, np.inf, np.nan])
    np.testing.assert_array_equal(over_root(x[:3], square[:3], 2.0), [0.0, 0.0, 0.5])


def test_an_optimizer_of_ones_own_takes_the_arithmetic_of_a_leaf():
    signs = leafwise(SGDState, lambda t: lambda theta, g: (theta - np.sign(g) / (t + 1),))
    assert isinstance(signs, Optimizer)
    assert run(signs, 0.0, [3.0, 2.0, -9.0]) == pytest.approx([-1, -1.5, -1.5 + 1 / 3])
