"""Each list of calls is the function and the derivative that the page has."""

import numpy as np
import pytest

from nnbook.functions import ACTIVATIONS
from nnbook.learning._layer_steps import FUSED, IN_PLACE, activation_step, loss_step, needs_Z
from nnbook.learning.mlp import LOSSES, activation_pair

RNG = np.random.default_rng(0)
EDGES = [0.0, -0.0, 1.0, -1.0, 30.0, -30.0, 80.0, -80.0, 1e-30, -1e-30]
VALUES = np.array([*EDGES, *RNG.normal(scale=3, size=30)]).reshape(8, 5)
# the rounding of tanh and of the sums near 1; the other activations are the page's own
TOLERANCE = {"sigmoid": 4, "tanh": 4}


def buffers(dtype):
    integer = np.dtype(f"i{np.dtype(dtype).itemsize}")
    return {
        "zeros": lambda shape: np.zeros(shape, dtype),
        "slope": lambda shape: np.empty(shape, dtype),
        "bits": lambda shape: np.ones(shape, integer),
    }


def run(calls):
    for function, arguments in calls:
        function(*arguments)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_and_its_slope(name, dtype):
    Z = VALUES.astype(dtype)
    A = Z if not needs_Z(name) else np.full_like(Z, np.nan)  # where Z is not kept they are one
    D = RNG.normal(size=Z.shape).astype(dtype)
    phi, slope = activation_pair(name)
    expected, passed = phi(VALUES.astype(dtype)), D * slope(VALUES.astype(dtype))
    forward, backward = activation_step(name, Z, A, D, buffers(dtype))
    run(forward)
    eps = TOLERANCE.get(name, 0) * np.finfo(dtype).eps
    np.testing.assert_allclose(A, expected, rtol=0, atol=eps)
    assert np.array_equal(Z, VALUES.astype(dtype)) or A is Z
    before = D.copy()
    run(backward)
    np.testing.assert_allclose(D, passed, rtol=1e-7 if dtype == np.float32 else 1e-15,
                               atol=eps * np.abs(before).max())  # fmt: skip


def test_which_activations_keep_Z():
    assert set(IN_PLACE) == {"identity", "relu", "tanh", "sigmoid"} <= set(ACTIVATIONS)
    assert needs_Z("gelu") and needs_Z((np.sin, np.cos)) and not any(map(needs_Z, IN_PLACE))


def test_the_slope_of_relu_clears_all_bits_or_none():
    A = np.array([[0.0, -0.0, 1e-45, 3.0]], np.float32)
    D = np.array([[-5.0, 7.0, np.float32(1e-45), -np.inf]], np.float32)
    _, backward = activation_step("relu", A, A, D, buffers(np.float32))
    run(backward)
    np.testing.assert_array_equal(D, np.array([[0, 0, 1e-45, -np.inf]], np.float32))


def targets_of(name, n, K):
    if name in ("cross_entropy", "kl_divergence"):
        shares = RNG.random((n, K))
        return shares / shares.sum(axis=1, keepdims=True)
    if name == "bce_with_logits":
        return RNG.random((n, K))
    return np.sign(RNG.normal(size=(n, K))) if name == "hinge" else RNG.normal(size=(n, K))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "K"), [(1, 1), (1, 4), (6, 1), (6, 4)])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_and_its_gradient(name, n, K, dtype):
    eps = float(np.finfo(dtype).eps)
    logits = (RNG.normal(size=(n, K)) * 4).astype(dtype)
    kept, delta = logits.copy(), np.full((n, K), np.nan, dtype)
    step = loss_step(name, logits, delta, np.empty((K + 1) * n, dtype))
    forms = [targets_of(name, n, K).astype(dtype)]
    if name == "cross_entropy":
        forms.append(RNG.integers(0, K, n))
    # without a scale these write to delta; where n or K is 1, examples lie across and down at once
    scratch = {"squared_error", "mse"} | ({"cross_entropy"} if 1 in (n, K) else set())
    for Y in forms:
        value, grad = (f(kept.astype(float), Y) for f in LOSSES[name])
        for scale in (1 / n, -0.3 / n):
            assert step(Y, scale) == pytest.approx(value, rel=30 * eps, abs=30 * eps)
            np.testing.assert_allclose(delta, scale * n * grad, rtol=0, atol=30 * eps)
            delta[...] = 7.0
            assert step(Y, None) == pytest.approx(value, rel=30 * eps, abs=30 * eps)
            assert name in scratch or (delta == 7.0).all()
            np.testing.assert_array_equal(logits, kept)


def test_a_share_of_nothing_meets_an_infinite_logit():
    logits = np.array([[0.0, -np.inf, 1.0]])
    step = loss_step("cross_entropy", logits, np.empty((1, 3)), np.empty(4))
    assert step(np.array([[0.5, 0.0, 0.5]]), 1.0) == pytest.approx(np.log1p(np.e) - 0.5)


@pytest.mark.parametrize("name", ["cross_entropy", "bce_with_logits"])
def test_extreme_logits_overflow_nothing(name):
    logits = np.array([[800.0, -800.0], [-3e4, 3e4]])
    delta, Y = np.empty((2, 2)), np.array([[1.0, 0.0], [1.0, 0.0]])
    with np.errstate(over="raise", invalid="raise"):
        value = loss_step(name, logits, delta, np.empty(6))(Y, 0.5)
    expected, grad = (f(logits, Y) for f in LOSSES[name])
    assert value == expected
    np.testing.assert_array_equal(delta, grad)


def test_which_losses_are_fused():
    assert set(FUSED) < set(LOSSES)
