"""Sharpness, held to all eigenvalues of the Hessian of small networks."""

import numpy as np
import pytest

from nnbook.learning import init_params, loss_and_grads, sgd, sharpness
from nnbook.learning.curvature import _loss_of, _power_iteration
from nnbook.learning.transforms import hvp
from nnbook.learning.trees import tree_leaves, tree_map, tree_of

RNG = np.random.default_rng(3)
X = RNG.normal(size=(6, 2))
TARGETS = {
    "cross_entropy": RNG.integers(0, 2, 6),
    "squared_error": RNG.normal(size=(6, 2)),
    "bce_with_logits": RNG.integers(0, 2, (6, 2)).astype(float),
}


def network(seed=0, sizes=(2, 3, 2)):
    rng = np.random.default_rng(seed)
    return [(W, 0.3 * rng.normal(size=b.shape)) for W, b in init_params(sizes, rng)]


def packed(nest):
    return np.concatenate([np.ravel(leaf) for leaf in tree_leaves(nest)])


def unpacked(vector, like):
    leaves, place = [], 0
    for leaf in tree_leaves(like):
        leaves.append(vector[place : place + leaf.size].reshape(leaf.shape))
        place += leaf.size
    return tree_of(like, leaves)


def hessian(params, activation, loss):
    """Take central differences of the page's gradient, a column a parameter."""
    theta, h = packed(params), 1e-5

    def gradient(theta):
        return packed(loss_and_grads(unpacked(theta, params), X, TARGETS[loss], activation,
                                     loss)[1])

    steps = h * np.eye(theta.size)
    return np.array([(gradient(theta + e) - gradient(theta - e)) / (2 * h) for e in steps])


@pytest.mark.parametrize("loss", TARGETS)
@pytest.mark.parametrize("activation", ["tanh", "softplus"])
def test_sharpness_is_the_largest_eigenvalue(activation, loss):
    params = network(1)
    H = hessian(params, activation, loss)
    top = np.linalg.eigvalsh((H + H.T) / 2)[-1]
    found = sharpness(params, X, TARGETS[loss], activation, loss, iterations=400, tolerance=1e-3)
    assert found.value == pytest.approx(top, rel=1e-5)
    assert found.residual <= 1e-3 * found.value


def test_products_are_columns_of_the_hessian():
    params = network(2)
    f = _loss_of(params, X, TARGETS["cross_entropy"], "tanh", "cross_entropy")
    H = hessian(params, "tanh", "cross_entropy")
    for column, e in zip(H, np.eye(len(H)), strict=True):
        assert np.allclose(packed(hvp(f, params, unpacked(e, params))), column, atol=1e-8)


def test_negative_eigenvalues_are_passed_over():
    """At 0, half of (w2 w1 x - y)^2 is a saddle: -m, 0, 0 and m, but for the last bias's 1."""
    for at in (0.0, 0.2):
        point = [(np.array([[at]]), np.zeros(1)), (np.array([[-at]]), np.zeros(1))]
        f = _loss_of(point, [[1.0]], [[3.0]], "identity", "squared_error")
        H = np.array([packed(hvp(f, point, unpacked(e, point))) for e in np.eye(4)])
        values = np.linalg.eigvalsh(H)
        found = sharpness(point, [[1.0]], [[3.0]], "identity", "squared_error", iterations=60)
        assert values[0] < -0.8 * values[-1]
        assert found.value == pytest.approx(values[-1], rel=1e-4)
    # of a maximum, the largest eigenvalue is the one closest to 0
    A = np.diag([-5.0, -1.0, -2.0])
    first = _power_iteration(lambda v: A @ v, np.ones(3), 0.0, 100, 1e-6)
    again = _power_iteration(lambda v: A @ v, np.ones(3), -first.value, 100, 1e-6)
    assert (first.value, again.value) == pytest.approx((-5, -1), rel=1e-9)


def test_the_value_never_exceeds_the_maximum_and_the_residual_bounds_the_error():
    params = network(4)
    H = hessian(params, "tanh", "cross_entropy")
    values = np.linalg.eigvalsh((H + H.T) / 2)
    for iterations in (1, 2, 5, 20):
        found = sharpness(params, X, TARGETS["cross_entropy"], "tanh", iterations=iterations,
                          tolerance=0.0)
        assert found.value <= values[-1] * (1 + 1e-9)
        assert np.abs(values - found.value).min() <= found.residual + 1e-7
        assert iterations <= found.iterations <= 2 * iterations


@pytest.mark.parametrize(("product", "grows"), [(1.9, False), (2.1, True)])
def test_gradient_descent_oscillates_past_two(product, grows):
    """Equation 19.4, on a quadratic: the affine map with squared error."""
    y = X @ np.array([[1.0], [-2.0]]) + 0.5
    params = [(np.array([[3.0, 1.0]]), np.array([0.0]))]
    top = sharpness(params, X, y, loss="squared_error", iterations=200, tolerance=1e-5).value
    optimizer = sgd(product / top)
    first, _ = loss_and_grads(params, X, y, loss="squared_error")
    for _ in range(200):
        value, grads = loss_and_grads(params, X, y, loss="squared_error")
        params, _ = optimizer.update(grads, optimizer.init(params), params)
    assert (value > first) == grows


def test_sharpness_draws_its_start_from_rng_and_changes_nothing():
    params, y = network(5), TARGETS["cross_entropy"]
    before = tree_map(np.copy, params)
    first = sharpness(params, X, y, "tanh", iterations=3)
    assert first == sharpness(params, X, y, "tanh", iterations=3, rng=np.random.default_rng(0))
    assert first != sharpness(params, X, y, "tanh", iterations=3, rng=np.random.default_rng(1))
    assert all(map(np.array_equal, tree_leaves(before), tree_leaves(params)))


def test_it_stops_at_the_tolerance():
    X, y = np.eye(2), np.zeros((2, 1))  # H = ((1, 0, 1), (0, 1, 1), (1, 1, 2)) / 2 for (W, b)
    params = [(np.zeros((1, 2)), np.zeros(1))]
    close = sharpness(params, X, y, loss="squared_error")
    assert close.value == pytest.approx(1.5, rel=2e-6)
    assert close == sharpness(params, X, y, loss="squared_error", iterations=100, tolerance=1e-3)
    loose = sharpness(params, X, y, loss="squared_error", tolerance=0.5)
    assert loose.iterations < close.iterations < 20
    assert loose.residual <= 0.5 * loose.value and close.residual <= 1e-3 * close.value
    one = sharpness(params, X, y, loss="squared_error", iterations=1, tolerance=1.0)
    assert one.iterations == 1


def test_float32_and_integer_inputs_are_taken():
    params = [(W.astype(np.float32), b.astype(np.float32)) for W, b in network(6)]
    X_int = np.round(3 * X).astype(int)
    assert sharpness(params, X_int, TARGETS["cross_entropy"], "tanh").value > 0


P, T = network(), TARGETS["cross_entropy"]
BAD = {
    "pair": (lambda: sharpness(P, X, T, (np.tanh, np.cos)), TypeError, "activation must be a name"),
    "activation": (lambda: sharpness(P, X, T, "tanhh"), ValueError, "activation"),
    "loss": (lambda: sharpness(P, X, T, loss="l2"), ValueError, "loss must be one of"),
    "pair of losses": (lambda: sharpness(P, X, T, loss=(np.sum, np.sum)), ValueError, "loss must"),
    "rng": (lambda: sharpness(P, X, T, rng=0), TypeError, "rng must be"),
    "iterations": (lambda: sharpness(P, X, T, iterations=0), ValueError, "iterations"),
    "tolerance": (lambda: sharpness(P, X, T, tolerance=-1.0), ValueError, "tolerance"),
    "NaN": (lambda: sharpness(P, X * np.nan, T), ValueError, "X must be finite"),
    "features": (lambda: sharpness(P, X[:, :1], T), ValueError, "X has 1 columns"),
    "targets": (lambda: sharpness(P, X, T[:3]), ValueError, "target"),
    "params": (lambda: sharpness(np.ones(3), X, T), TypeError, "params must be"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name):
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call()
