"""Errata fought out in chapter 8: each claim of the article fails, and each repair holds."""

# ruff: noqa: NPY002
from itertools import pairwise

import numpy as np
import pytest
import source_article as article

from nnbook.functions import (
    backward_multiply_adds,
    bce_with_logits,
    bce_with_logits_grad,
    cross_entropy,
    cross_entropy_grad,
    multiply_adds,
    parameter_count,
    relu_prime,
    sigmoid,
    squared_error_grad,
)
from nnbook.learning.mlp import backward, forward

SIZES = (5, 6, 4, 3)
N = 32


@pytest.fixture
def rng():
    return np.random.default_rng(8)


@pytest.fixture
def network(rng):
    """A batch, one-hot targets, and the same weights in the article's form and in the book's."""
    params = [
        (rng.normal(size=(n_out, n_in)), rng.normal(size=n_out)) for n_in, n_out in pairwise(SIZES)
    ]
    theirs = {}
    for layer, (W, b) in enumerate(params, start=1):
        theirs[f"W{layer}"], theirs[f"b{layer}"] = W, b
    return (
        rng.normal(size=(N, SIZES[0])),
        np.eye(SIZES[-1])[rng.integers(3, size=N)],
        theirs,
        params,
    )


def central(f, x, h=1e-5):
    """Return the central differences of the scalar f at the array x."""
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += h
        down[index] -= h
        gradient[index] = (f(up) - f(down)) / (2 * h)
    return gradient


def test_04_operations_grow_with_depth_and_batch_too():
    # claim: O(n²) operations a forward pass
    shallow, deep = multiply_adds((64,) * 3), multiply_adds((64,) * 21)
    assert deep == 10 * shallow
    assert multiply_adds((64,) * 3, batch=50) == 50 * shallow
    # repair: Θ(N L n²), exactly N L n² for equal widths
    assert multiply_adds((64,) * 21, batch=50) == 50 * 20 * 64**2


def test_05_parameters_are_quadratic_in_the_width():
    # claim: O(n) memory
    ratio = parameter_count((1000, 1000)) / parameter_count((500, 500))
    assert ratio > 3.99
    # repair: parameters Θ(L n²), activations Θ(N L n)
    assert parameter_count((784, 128)) == 784 * 128 + 128 == 100_480
    assert 784 + 128 == 912


def test_12_backward_costs_twice_forward_but_for_the_first_layer():
    # claim: O(mn) a layer, said of training on the strength of the forward pass
    assert backward_multiply_adds((100, 80)) == multiply_adds((100, 80))
    sizes = (784, 512, 512, 10)
    assert backward_multiply_adds(sizes) != multiply_adds(sizes)
    # repair: dW costs mn, the error passed back mn more, which the first layer does not pass
    assert backward_multiply_adds(sizes) == 2 * multiply_adds(sizes) - 784 * 512


def test_22_the_cache_holds_what_is_not_needed_and_lacks_what_is(network):
    X, Y, theirs, _ = network
    _, cache = article.forward_propagation(X, theirs)
    expected = article.backward_propagation(X, Y, cache, theirs)
    # claim: "we must cache Z and A for each layer"; the last Z can go, the others shrink to a bit
    thinner = {name: value for name, value in cache.items() if name != "Z3"}
    thinner["Z1"], thinner["Z2"] = cache["A1"] > 0, cache["A2"] > 0
    found = article.backward_propagation(X, Y, thinner, theirs)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)
    # and X, which the first layer's gradient is made of, is not in it
    assert "A0" not in cache and "X" not in cache
    moved = article.backward_propagation(X + 1, Y, cache, theirs)
    assert not np.allclose(moved["dW1"], expected["dW1"])
    # repair: the book's cache begins with X
    _, (A, Z) = forward(network[3], X, "relu")
    np.testing.assert_array_equal(A[0], X)
    assert Z[0] is None


def test_25_the_simple_gradient_needs_targets_that_sum_to_one(rng):
    z, y = np.array([[0.1, -0.2, 0.7]]), np.array([[1.0, 1.0, 0.0]])

    def loss(v):
        return -np.sum(y * np.log(article.softmax(v)))

    truth = central(loss, z)
    p = article.softmax(z)
    # claim: the gradient is ŷ - y
    assert np.abs(truth - (p - y)).max() > 0.2
    # repair: (Σy) ŷ - y, in the book's gradient too
    np.testing.assert_allclose(truth, y.sum() * p - y, atol=1e-9)
    np.testing.assert_allclose(cross_entropy_grad(z, y), y.sum() * p - y, atol=1e-15)
    # "more stable than other combinations": two others have the same form
    one, t = rng.normal(size=(1, 1)), np.array([[0.3]])
    np.testing.assert_allclose(bce_with_logits_grad(one, t), sigmoid(one) - t, atol=1e-15)
    np.testing.assert_allclose(squared_error_grad(one, t), one - t)


def test_25_the_numbers_of_the_example():
    z, y = np.log([[0.354, 0.215, 0.432]]), np.array([[1.0, 1.0, 0.0]])
    np.testing.assert_allclose(cross_entropy_grad(z, y), [[-0.293, -0.571, 0.864]], atol=2e-3)
    np.testing.assert_allclose(article.softmax(z) - y, [[-0.646, -0.785, 0.432]], atol=1e-3)


def test_29_the_scalar_chain_rule_misses_paths_and_order(rng):
    # claim: ∂L/∂θ = ∂L/∂out × ∂out/∂θ, one product; with two paths it is half of the truth
    theta = 0.7
    truth = (np.exp(2 * (theta + 1e-6)) - np.exp(2 * (theta - 1e-6))) / 2e-6  # e^θ·e^θ
    one_path = np.exp(theta) * np.exp(theta)
    assert not np.isclose(truth, one_path)
    np.testing.assert_allclose(truth, 2 * one_path, rtol=1e-6)
    # and order matters: v J₂ J₁, not v J₁ J₂
    v, J2, J1 = rng.normal(size=4), rng.normal(size=(4, 4)), rng.normal(size=(4, 4))
    np.testing.assert_allclose(
        central(lambda x: v @ (J2 @ (J1 @ x)), np.ones(4)), v @ J2 @ J1, atol=1e-8
    )
    assert not np.allclose(v @ J2 @ J1, v @ J1 @ J2)


def test_30_the_recursion_needs_a_base_case_and_a_choice_at_zero(network):
    X, Y, _, params = network
    logits, cache = forward(params, X, "relu")
    grads = backward(params, cache, cross_entropy_grad(logits, Y), "relu")
    # claim: the recursion gives δ; the article's own start satisfies it, and is no gradient
    other = backward(params, cache, N * cross_entropy_grad(logits, Y), "relu")

    def loss(W):
        return cross_entropy(forward([*params[:-1], (W, params[-1][1])], X, "relu")[0], Y)

    truth = central(loss, params[-1][0])
    assert not np.allclose(other[-1][0], truth, atol=1e-6)
    # repair: Δ⁽ᴸ⁾ = (P - Y)/N, and r′(0) = 0
    np.testing.assert_allclose(grads[-1][0], truth, atol=1e-8)
    np.testing.assert_allclose(
        cross_entropy_grad(logits, Y), (article.softmax(logits) - Y) / N, atol=1e-15
    )
    assert relu_prime(0.0) == 0.0


def test_31_the_coded_error_is_n_times_the_derivative(network):
    X, Y, theirs, params = network
    A3, cache = article.forward_propagation(X, theirs)
    truth = central(lambda z: article.cross_entropy_loss(Y, article.softmax(z)), cache["Z3"])
    # claim: dZ3 = A3 - y_true is ∂L/∂Z3 of the coded loss
    np.testing.assert_allclose(A3 - Y, N * truth, atol=1e-7)
    assert np.abs(A3 - Y - truth).max() > 0.1
    # the weights are right, since 1/m comes later; an input gradient would be N times too large
    theirs_grads = article.backward_propagation(X, Y, cache, theirs)
    logits, kept = forward(params, X, "relu")
    grads, X_bar = backward(params, kept, cross_entropy_grad(logits, Y), "relu", input_grad=True)
    for layer, (W_bar, b_bar) in enumerate(grads, start=1):
        np.testing.assert_allclose(theirs_grads[f"dW{layer}"], W_bar, atol=1e-14)
        np.testing.assert_allclose(theirs_grads[f"db{layer}"], b_bar, atol=1e-14)
    dZ2 = ((A3 - Y) @ theirs["W3"]) * (cache["Z2"] > 0)
    dX = ((dZ2 @ theirs["W2"]) * (cache["Z1"] > 0)) @ theirs["W1"]
    np.testing.assert_allclose(dX, N * X_bar, atol=1e-12)
    # repair: the 1/N is in Δ from the start
    np.testing.assert_allclose(
        X_bar, central(lambda x: cross_entropy(forward(params, x, "relu")[0], Y), X), atol=1e-8
    )


def test_32_at_a_kink_there_is_no_exact_gradient():
    X, y = article.XOR_INPUTS.astype(float), article.XOR_TARGETS.astype(float)
    differing, largest = 0, 0.0
    for seed in range(1000):
        np.random.seed(seed)
        net = article.NeuralNetwork([2, 4, 1])
        assert np.all(net.forward(X)[1]["Z1"][:, 0] == 0.0)  # the point (0, 0), at the kink
        # claim: "backpropagation computes exact gradients"
        gaps = []
        for unit in range(4):
            slopes = []
            for h in (1e-7, -1e-7):
                base = net.compute_cost(net.forward(X)[0], y)
                net.params["b1"][unit] += h
                slopes.append((net.compute_cost(net.forward(X)[0], y) - base) / h)
                net.params["b1"][unit] -= h
            gaps.append(abs(slopes[0] - slopes[1]))
        differing += max(gaps) > 1e-4
        largest = max(largest, *gaps)
    assert differing == 1000
    assert round(largest, 3) == 0.355


def test_32_away_from_kinks_it_is_exact_up_to_rounding(network):
    X, Y, _, params = network
    logits, cache = forward(params, X, "tanh")
    grads = backward(params, cache, cross_entropy_grad(logits, Y), "tanh")
    for layer in range(len(params)):

        def loss(W, layer=layer):
            changed = list(params)
            changed[layer] = (W, params[layer][1])
            return cross_entropy(forward(changed, X, "tanh")[0], Y)

        difference = central(loss, params[layer][0]) - grads[layer][0]
        assert np.abs(difference).max() < 1e-9


def test_36_the_output_error_belongs_to_the_loss():
    z, y = np.array([[1.3]]), np.array([[1.0]])
    a = article.NeuralNetwork.sigmoid(z)
    # claim: dZ = A - y, with no reason given; under squared error it is wrong
    squared = central(lambda v: 0.5 * np.sum((article.NeuralNetwork.sigmoid(v) - y) ** 2), z)
    assert np.abs(squared - (a - y)).max() > 0.1
    np.testing.assert_allclose(squared, (a - y) * a * (1 - a), atol=1e-9)
    # repair: it is the derivative of softplus(z) - yz
    np.testing.assert_allclose(bce_with_logits_grad(z, y), a - y, rtol=1e-14)
    np.testing.assert_allclose(central(lambda v: bce_with_logits(v, y), z), a - y, atol=1e-9)


def test_38_what_backpropagation_saves():
    sizes = (784, 512, 512, 10)
    # claim: "makes training feasible", with no count
    assert round(backward_multiply_adds(sizes) / multiply_adds(sizes), 2) == 1.40
    assert 2 * parameter_count(sizes) == 1_339_412
