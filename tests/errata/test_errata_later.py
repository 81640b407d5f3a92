"""Errata of chapters still to come whose claims can be run today."""

# ruff: noqa: NPY002
from itertools import pairwise

import numpy as np
import pytest
import source_article as article

from nnbook.functions import (
    cross_entropy,
    cross_entropy_grad,
    mse,
    mse_grad,
    relu,
    sigmoid,
    sigmoid_prime,
    squared_error,
    squared_error_grad,
)
from nnbook.learning.initializers import glorot_normal, he_normal, lecun_normal
from nnbook.learning.optimizers import (
    adagrad,
    adam,
    adamw,
    momentum,
    nesterov,
    nesterov_rewritten,
    rmsprop,
    sgd,
)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_01_a_polynomial_activation_approximates_nothing_new(rng):
    x = np.linspace(-1, 1, 401)
    target = np.abs(x)
    w, b = rng.normal(size=200), rng.normal(size=200)
    # claim: any continuous function to arbitrary accuracy, with no condition on the activation
    squares = (np.outer(x, w) + b) ** 2
    assert np.linalg.matrix_rank(squares) == 3  # however wide: the parabolas
    c, *_ = np.linalg.lstsq(squares, target, rcond=None)
    assert np.abs(squares @ c - target).max() >= 0.125  # Chebyshev's bound for degree 2
    # repair: an activation that is no polynomial; ReLU needs two units
    np.testing.assert_array_equal(relu(x) + relu(-x), target)
    units = sigmoid(20 * np.outer(x, np.sign(w)) + 20 * b)
    c, *_ = np.linalg.lstsq(units, target, rcond=None)
    assert np.abs(units @ c - target).max() < 0.01


def _relu_rms(X, draw, sizes):
    rms, A = [], X
    for n_in, n_out in pairwise(sizes):
        A = relu(article.forward_layer(A, draw(n_out, n_in), np.zeros(n_out)))
        rms.append(np.sqrt(np.mean(A**2)))
    return rms


def test_13_a_hundredth_is_not_xavier_and_kills_the_signal(rng):
    # claim: randn * 0.01 is Xavier initialization
    deviation = {
        f.__name__: f(128, 784, rng).std() for f in (glorot_normal, lecun_normal, he_normal)
    }
    expected = {"glorot_normal": 0.0468, "lecun_normal": 0.0357, "he_normal": 0.0505}
    for name, value in expected.items():
        assert abs(deviation[name] / value - 1) < 0.01
        assert value > 3 * 0.01
    # what it does to ten layers of ReLU, against He
    sizes = [784] + [128] * 10
    X = rng.normal(size=(32, 784))
    small = _relu_rms(X, lambda n_out, n_in: rng.normal(size=(n_out, n_in)) * 0.01, sizes)
    he = _relu_rms(X, lambda n_out, n_in: he_normal(n_out, n_in, rng), sizes)
    assert 0.18 < small[0] < 0.22
    assert small[4] < 2e-5
    assert small[9] < 2e-10
    assert 0.4 < he[9] < 2


def test_14_the_formula_called_xavier_is_he(rng):
    n_in, n_out = 300, 900
    np.random.seed(0)
    drawn = article.NeuralNetwork([n_in, n_out]).params["W1"]
    assert abs(drawn.var() / (2 / (n_in + n_out)) - 1) > 1  # not Glorot's
    assert abs(drawn.var() / (2 / n_in) - 1) < 0.02  # He's
    # and the output layer, a sigmoid, for which He's argument does not hold, has it too
    output = article.NeuralNetwork([n_in, n_out, 500]).params["W2"]
    assert abs(output.var() / (2 / n_out) - 1) < 0.02
    # repair
    assert abs(he_normal(n_out, n_in, rng).var() / (2 / n_in) - 1) < 0.02
    assert abs(glorot_normal(n_out, n_in, rng).var() / (2 / (n_in + n_out)) - 1) < 0.02


def test_15_glorot_does_not_keep_a_deep_sigmoid_gradient(rng):
    n, depth = 100, 10

    def shrink(draw, f, f_prime, start):
        A, Z, W = start, [], []
        for _ in range(depth):
            W.append(draw(n, n, rng))
            Z.append(A @ W[-1].T)
            A = f(Z[-1])
        delta = rng.normal(size=start.shape)
        first = np.linalg.norm(delta)
        for z, w in zip(reversed(Z), reversed(W), strict=True):
            delta = (delta * f_prime(z)) @ w
        return np.linalg.norm(delta) / first

    X = rng.normal(size=(20, n))
    # claim: "Xavier initialization prevents vanishing gradients"
    assert shrink(glorot_normal, sigmoid, sigmoid_prime, X) < 4.0**-depth * 10
    # repair: the variance belongs to the activation; He's keeps ReLU's gradient in size
    assert 0.1 < shrink(he_normal, relu, lambda z: (z > 0) * 1.0, X) < 10


def test_23_the_coded_loss_is_a_mean_not_the_printed_sum():
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.25, 0.5, 0.25]])
    y = np.eye(3)[[0, 1, 2, 1]]
    printed = -np.sum(y * np.log(p))
    coded = article.cross_entropy_loss(y, p)
    # claim: the code is the formula
    assert not np.isclose(printed, coded)
    np.testing.assert_allclose(printed, 4 * coded)
    # repair: the mean over examples, from logits, in nats
    np.testing.assert_allclose(cross_entropy(np.log(p), y), coded)
    np.testing.assert_allclose(cross_entropy(np.zeros((1, 4)), [0]), np.log(4))


def test_24_half_a_sum_is_not_a_mean():
    y_hat, y = np.arange(12.0).reshape(4, 3), np.zeros((4, 3))
    printed, coded = 0.5 * np.sum((y - y_hat) ** 2), article.mse_loss(y, y_hat)
    assert printed == 253
    assert round(coded, 2) == 42.17
    np.testing.assert_allclose(printed / coded, 4 * 3 / 2)
    # repair: each by its name, each with its own gradient
    np.testing.assert_allclose(mse(y_hat, y), coded)
    np.testing.assert_allclose(mse_grad(y_hat, y), 2 * (y_hat - y) / 12)
    np.testing.assert_allclose(4 * squared_error(y_hat, y), printed)
    np.testing.assert_allclose(4 * squared_error_grad(y_hat, y), y_hat - y)


def test_26_clipping_caps_the_loss_and_contradicts_the_gradient():
    def coded(z):
        return article.cross_entropy_loss(np.array([[0.0, 1.0]]), article.softmax(np.array([z])))

    # claim: "numerical stability"
    assert round(coded([1000.0, 0.0]), 2) == 34.54
    slope = (coded([40.5, 0.0]) - coded([39.5, 0.0])) / 1.0
    gradient = article.softmax(np.array([[40.0, 0.0]]))[0, 0] - 0.0
    assert slope == 0.0
    assert gradient == 1.0
    assert np.float32(1) - np.float32(1e-15) == 1
    # repair: exact, and the gradient is the slope
    assert cross_entropy(np.array([[1000.0, 0.0]]), [1]) == 1000.0
    rise = cross_entropy(np.array([[40.5, 0.0]]), [1]) - cross_entropy(np.array([[39.5, 0.0]]), [1])
    np.testing.assert_allclose(rise, 1.0)
    np.testing.assert_allclose(cross_entropy_grad(np.array([[40.0, 0.0]]), [1]), [[1.0, -1.0]])


def test_39_the_gradient_is_taken_before_the_step(rng):
    x, y = rng.normal(size=50), rng.normal(size=50)

    def gradient(theta, rows=slice(None)):
        return np.mean(x[rows] * (x[rows] * theta - y[rows]))

    old, alpha = 2.0, 0.1
    optimizer = sgd(alpha)
    new, _ = optimizer.update(
        [np.array(gradient(old))], optimizer.init([np.array(old)]), [np.array(old)]
    )
    # claim: "θ_new = θ_old - α × ∇L(θ)" for whichever θ; at the new point the step is another
    assert not np.isclose(new[0], old - alpha * gradient(new[0]))
    # repair: at the old point; and from a batch it is an estimate, right on the average only
    np.testing.assert_allclose(new[0], old - alpha * gradient(old))
    batches = [gradient(old, np.arange(i, i + 5)) for i in range(0, 50, 5)]
    assert np.ptp(batches) > 0.1
    np.testing.assert_allclose(np.mean(batches), gradient(old))


def test_40_the_optimisers_have_rules():
    # claim: "SGD + Momentum", "Adam": names; the article's code has one rule, plain descent
    rules = [name for name in vars(article.NeuralNetwork) if "update" in name]
    assert rules == ["update_parameters"]
    # repair: the recursions, bias correction and the place of ε included
    gradients = [0.5, -0.2, 0.1, 0.4]
    theta, v = 1.0, 0.0
    for g in gradients:
        v = 0.9 * v - 0.1 * g
        theta += v
    assert _run(momentum(0.1, beta=0.9), gradients) == pytest.approx(theta, rel=1e-14)
    theta, m, s = 1.0, 0.0, 0.0
    for t, g in enumerate(gradients, start=1):
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g * g
        theta -= 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
    assert _run(adam(0.1), gradients) == pytest.approx(theta, rel=1e-12)
    # those that it does not name, or names only
    look_ahead, v, s, q, mean, square, decayed = 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0
    adagrad_end = rmsprop_end = 1.0
    for t, g in enumerate(gradients, start=1):
        v = 0.9 * v - 0.1 * g
        look_ahead += 0.9 * v - 0.1 * g  # the point at which the next gradient is taken
        s += g * g
        adagrad_end -= 0.1 * g / (np.sqrt(s) + 1e-10)
        q = 0.9 * q + 0.1 * g * g
        rmsprop_end -= 0.1 * g / (np.sqrt(q) + 1e-8)
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g * g
        root = np.sqrt(square / (1 - 0.999**t)) + 1e-8
        decayed -= 0.1 * (mean / (1 - 0.9**t) / root + 0.01 * decayed)
    ends = {nesterov: look_ahead, nesterov_rewritten: look_ahead, adagrad: adagrad_end,
            rmsprop: rmsprop_end, adamw: decayed}  # fmt: skip
    for make, end in ends.items():
        assert _run(make(0.1), gradients) == pytest.approx(end, rel=1e-12)


def _run(optimizer, gradients):
    params = [np.array(1.0)]
    state = optimizer.init(params)
    for g in gradients:
        params, state = optimizer.update([np.array(g)], state, params)
    return float(params[0])


def test_41_a_guarantee_needs_a_bound_on_the_step():
    def descend(alpha, h=4.0):
        optimizer, params = sgd(alpha), [np.array(1.0)]
        state = optimizer.init(params)
        for _ in range(60):
            params, state = optimizer.update([h * params[0]], state, params)
        return abs(float(params[0]))

    # claim: descent minimises the loss; past 2/h it drives it up without limit
    assert descend(1.05 * 2 / 4) > 100
    # repair: 0 < α < 2/h
    assert descend(0.95 * 2 / 4) < 0.01
