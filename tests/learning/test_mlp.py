"""The four equations against SymPy, differences, scikit-learn and a column-wise rewriting."""

import numpy as np
import pytest
import sympy as sp

from nnbook.functions.activations import ACTIVATIONS
from nnbook.functions.losses import cross_entropy_grad
from nnbook.learning.mlp import backward, forward, init_params, loss_and_grads, predict

SMOOTH = {
    "tanh": lambda z: 1 - 2 / (sp.exp(2 * z) + 1),
    "sigmoid": lambda z: 1 / (1 + sp.exp(-z)),
    "softplus": lambda z: sp.log(1 + sp.exp(z)),
}


def a_network(sizes, seed=0):
    """Return weights and biases that are all different, none zero."""
    rng = np.random.default_rng(seed)
    params = init_params(sizes, rng)
    return [(W, 0.3 * rng.standard_normal(b.shape)) for W, b in params]


def flat(grads):
    return np.concatenate([np.concatenate([W.ravel(), b]) for W, b in grads])


def refill(params, theta):
    out, start = [], 0
    for W, b in params:
        middle, stop = start + W.size, start + W.size + b.size
        out.append((theta[start:middle].reshape(W.shape), theta[middle:stop]))
        start = stop
    return out


def central_differences(f, theta, h=1e-5):
    steps = h * np.eye(theta.size)
    return np.array([(f(theta + e) - f(theta - e)) / (2 * h) for e in steps])


@pytest.mark.parametrize("activation", SMOOTH)
@pytest.mark.parametrize("loss", ["cross_entropy", "bce_with_logits"])
def test_every_gradient_entry_equals_sympys_on_a_2_3_2_net(activation, loss):
    """Nothing here but SymPy's diff of the loss, written out in scalars; N = 2."""
    params, phi = a_network([2, 3, 2]), SMOOTH[activation]
    X = np.array([[0.5, -1.25], [2.0, 0.75]])
    Y = np.array([[0.25, 0.75], [1.0, 0.0]])
    W1, W2 = (sp.Matrix(*W.shape, lambda i, j, k=k: sp.Symbol(f"W{k}_{i}{j}"))
              for k, (W, _) in enumerate(params, 1))  # fmt: skip
    b1, b2 = (sp.Matrix(len(b), 1, lambda i, _, k=k: sp.Symbol(f"b{k}_{i}"))
              for k, (_, b) in enumerate(params, 1))  # fmt: skip
    symbols = [*W1, *b1, *W2, *b2]
    total = 0
    for x, y in zip(X, Y, strict=True):
        a = (W1 * sp.Matrix([sp.Rational(v) for v in x]) + b1).applyfunc(phi)
        z = W2 * a + b2
        y = [sp.Rational(v) for v in y]
        if loss == "cross_entropy":
            total += -sum(t * (s - sp.log(sum(map(sp.exp, z)))) for t, s in zip(y, z, strict=True))
        else:
            total += sum(sp.log(1 + sp.exp(s)) - t * s for t, s in zip(y, z, strict=True)) / 2
    total = total / 2
    at = dict(zip(symbols, map(sp.Float, flat(params), [40] * 17), strict=True))
    expected = np.array([float(total.diff(s).evalf(30, subs=at)) for s in symbols])

    value, grads = loss_and_grads(params, X, Y, activation, loss)
    assert value == pytest.approx(float(total.evalf(30, subs=at)), rel=1e-14)
    np.testing.assert_allclose(flat(grads), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    ("sizes", "loss"),
    [
        ([3, 2], "cross_entropy"),
        ([3, 3, 3], "cross_entropy"),
        ([2, 4, 3, 5], "cross_entropy"),
        ([4, 3, 1], "bce_with_logits"),
        ([3, 4, 2], "mse"),
        ([3, 4, 2], "squared_error"),
        ([3, 4, 2], "mae"),
        ([3, 4, 2], "huber"),
        ([4, 3, 1], "hinge"),
        ([2, 3, 4], "kl_divergence"),
    ],
)
def test_gradients_equal_central_differences(activation, sizes, loss):
    params, rng = a_network(sizes, seed=3), np.random.default_rng(4)
    X = rng.standard_normal((6, sizes[0]))
    Y = rng.integers(0, 2, (6, sizes[-1]))
    if loss == "cross_entropy":
        Y = rng.integers(0, sizes[-1], 6)
    if loss == "hinge":
        Y = 2 * Y - 1
    _, cache = forward(params, X, activation)
    assert min(abs(Z).min() for Z in cache[1][1:]) > 1e-3, "choose a seed away from the kinks"

    def f(theta):
        return loss_and_grads(refill(params, theta), X, Y, activation, loss)[0]

    _, grads = loss_and_grads(params, X, Y, activation, loss)
    assert [(W.shape, b.shape) for W, b in grads] == [(W.shape, b.shape) for W, b in params]
    np.testing.assert_allclose(flat(grads), central_differences(f, flat(params)), atol=2e-9)


def test_input_gradient_equals_central_differences():
    params, rng = a_network([3, 4, 2], seed=5), np.random.default_rng(6)
    X, y = rng.standard_normal((5, 3)), np.array([0, 1, 1, 0, 1])
    logits, cache = forward(params, X, "tanh")
    grads, X_bar = backward(params, cache, cross_entropy_grad(logits, y), "tanh", input_grad=True)

    def f(x):
        return loss_and_grads(params, x.reshape(X.shape), y, "tanh")[0]

    np.testing.assert_allclose(X_bar.ravel(), central_differences(f, X.ravel()), atol=2e-9)
    alone = backward(params, cache, cross_entropy_grad(logits, y), "tanh")
    np.testing.assert_array_equal(flat(grads), flat(alone))


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic"])
def test_one_step_is_scikit_learns(activation):
    """An implementation by other hands: MLPClassifier's own step, without momentum or decay."""
    from sklearn.neural_network import MLPClassifier

    rng, alpha = np.random.default_rng(8), 0.5
    X, y = rng.standard_normal((20, 4)), np.arange(20) % 3
    other = MLPClassifier((6, 5), activation, solver="sgd", alpha=0.0, learning_rate_init=alpha,
                          momentum=0.0, nesterovs_momentum=False, random_state=0)  # fmt: skip
    other.partial_fit(X, y, classes=[0, 1, 2])
    params = [(W.T.copy(), b.copy()) for W, b in zip(other.coefs_, other.intercepts_, strict=True)]
    other.partial_fit(X, y)
    theirs = [(W.T, b) for W, b in zip(other.coefs_, other.intercepts_, strict=True)]

    ours = "sigmoid" if activation == "logistic" else activation
    _, grads = loss_and_grads(params, X, y, ours)
    np.testing.assert_allclose(flat(params) - alpha * flat(grads), flat(theirs), atol=1e-14)


def test_a_network_small_enough_for_the_head():
    # x = 2; Z1 = (2, -2); A1 = (2, 0); z = 3*2 + 5*0 = 6; with l = z the error 1 goes back
    params = [(np.array([[1.0], [-1.0]]), np.zeros(2)), (np.array([[3.0, 5.0]]), np.zeros(1))]
    logits, cache = forward(params, np.array([[2.0]]), "relu")
    assert logits == 6
    (dW1, db1), (dW2, db2) = backward(params, cache, np.array([[1.0]]), "relu")
    assert dW2.tolist() == [[2, 0]]
    assert db2.tolist() == [1]
    assert dW1.tolist() == [[6], [0]]
    assert db1.tolist() == [3, 0]


def test_at_the_kink_the_slope_is_zero():
    params = [(np.array([[1.0]]), np.zeros(1)), (np.array([[3.0]]), np.zeros(1))]
    _, cache = forward(params, np.array([[0.0]]), "relu")
    (dW1, db1), (_, db2) = backward(params, cache, np.array([[1.0]]), "relu")
    assert (dW1[0, 0], db1[0], db2[0]) == (0, 0, 1)


def test_the_cache_is_indexed_as_the_page_is():
    params, X = a_network([2, 3, 4, 2]), np.array([[0.5, -1.0]])
    logits, (A, Z) = forward(params, X, "tanh")
    assert Z[0] is None and len(Z) == 4 and len(A) == 3
    np.testing.assert_array_equal(A[0], X)
    for layer, (W, b) in enumerate(params, start=1):
        np.testing.assert_allclose(Z[layer][0], W @ A[layer - 1][0] + b, rtol=1e-14)
        if layer < 3:
            np.testing.assert_allclose(A[layer], np.tanh(Z[layer]), rtol=1e-15)
    np.testing.assert_array_equal(logits, Z[3])


def test_the_mean_is_in_delta_so_a_doubled_batch_changes_nothing():
    params, rng = a_network([3, 5, 2]), np.random.default_rng(9)
    X, y = rng.standard_normal((7, 3)), np.array([0, 1, 1, 0, 1, 0, 0])
    value, grads = loss_and_grads(params, X, y)
    value2, grads2 = loss_and_grads(params, np.vstack([X, X]), np.hstack([y, y]))
    assert value2 == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(flat(grads2), flat(grads), atol=1e-15)


def test_rows_do_not_meet():
    params, rng = a_network([3, 5, 2]), np.random.default_rng(10)
    X = rng.standard_normal((4, 3))
    logits, _ = forward(params, X, "relu")
    for i in range(4):
        np.testing.assert_allclose(forward(params, X[i : i + 1], "relu")[0], logits[i : i + 1])


def test_relu_units_can_be_rescaled_without_changing_the_function():
    params, X = a_network([3, 5, 2]), np.random.default_rng(11).standard_normal((4, 3))
    (W1, b1), (W2, b2) = params
    scaled = [(8 * W1, 8 * b1), (W2 / 8, b2)]
    np.testing.assert_allclose(forward(scaled, X, "relu")[0], forward(params, X, "relu")[0])


def test_nothing_is_changed_in_place():
    params, X = a_network([3, 4, 2]), np.random.default_rng(12).standard_normal((5, 3))
    y, before, X_before = np.array([0, 1, 0, 1, 1]), flat(params).copy(), X.copy()
    logits, cache = forward(params, X, "relu")
    delta = cross_entropy_grad(logits, y)
    kept, delta_before = [A.copy() for A in cache[0]], delta.copy()
    for _ in range(2):
        backward(params, cache, delta, "relu")
    np.testing.assert_array_equal(flat(params), before)
    np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(delta, delta_before)
    for A, B in zip(cache[0], kept, strict=True):
        np.testing.assert_array_equal(A, B)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept(dtype):
    params = [(W.astype(dtype), b.astype(dtype)) for W, b in a_network([3, 4, 2])]
    X, y = np.ones((5, 3), dtype), np.array([0, 1, 0, 1, 1])
    value, grads = loss_and_grads(params, X, y)
    assert value.dtype == dtype
    assert {a.dtype for pair in grads for a in pair} == {np.dtype(dtype)}


def test_a_pair_of_functions_is_an_activation_and_a_loss():
    params, X, y = a_network([2, 3, 2]), np.eye(2), np.eye(2)
    square = (lambda z: z * z, lambda z: 2 * z)
    half = (lambda z, t: ((z - t) ** 2).sum() / 2, lambda z, t: z - t)

    def f(theta):
        return loss_and_grads(refill(params, theta), X, y, square, half)[0]

    _, grads = loss_and_grads(params, X, y, square, half)
    np.testing.assert_allclose(flat(grads), central_differences(f, flat(params)), atol=2e-9)


def test_predictions_follow_the_logits():
    one = [(np.array([[1.0, 0.0]]), np.zeros(1))]
    assert predict(one, [[-1, 9], [0, 9], [1, 9]]).tolist() == [0, 0, 1]
    three = [(np.eye(3), np.zeros(3))]
    assert predict(three, [[1, 3, 2], [5, 1, 1], [0, 0, 4], [2, 2, 1]]).tolist() == [1, 0, 2, 0]


def test_parameters_start_as_asked():
    rng = np.random.default_rng(13)
    params = init_params([784, 128, 64, 10], rng)
    assert [W.shape for W, _ in params] == [(128, 784), (64, 128), (10, 64)]
    assert not any(b.any() for _, b in params)
    assert sum(W.size + b.size for W, b in params) == 109_386
    assert params[0][0].std() == pytest.approx(np.sqrt(2 / 784), rel=0.02)
    legacy = np.random.RandomState(3)
    drawn = [legacy.randn(4, 2) * np.sqrt(2 / 2), legacy.randn(1, 4) * np.sqrt(2 / 4)]
    for (W, _), D in zip(init_params([2, 4, 1], np.random.RandomState(3)), drawn, strict=True):
        np.testing.assert_array_equal(W, D)


GOOD = a_network([3, 4, 2])
CACHE = forward(GOOD, np.ones((5, 3)), "relu")[1]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: forward(GOOD, np.ones(3), "relu"), ValueError, r"found \(3,\); for one example"),
        (lambda: forward(GOOD, np.ones((2, 2, 3)), "relu"), ValueError, r"shape \(N, d\)"),
        (lambda: forward(GOOD, np.ones((3, 5)), "relu"), ValueError, "are the examples its col"),
        (lambda: forward(GOOD, np.ones((5, 4)), "relu"), ValueError, "takes 3 features"),
        (lambda: forward(GOOD, np.full((1, 3), np.nan), "relu"), ValueError, "found nan at row 0"),
        (lambda: forward(GOOD, [[1, np.inf, 0]], "relu"), ValueError, "row 0, column 1 and 1 such"),
        (lambda: forward(GOOD, [["a", "b", "c"]], "relu"), TypeError, "X must hold real numbers"),
        (lambda: forward(GOOD, np.ones((1, 3)) * 1j, "relu"), TypeError, "found an array of comp"),
        (lambda: forward(GOOD, np.ones((5, 3)), "rellu"), ValueError, "unknown activation 'rellu'"),
        (lambda: forward([], np.ones((5, 3)), "relu"), TypeError, r"list of \(W, b\) pairs"),
        (lambda: forward([np.eye(3)], np.ones((5, 3)), "relu"), TypeError, "layer 1 must be a pa"),
        (lambda: forward([(np.eye(3), np.ones((3, 1)))], np.ones((5, 3)), "relu"), ValueError,
         r"b of shape \(n_out,\), found W \(3, 3\) and b \(3, 1\)"),
        (lambda: forward([GOOD[1], GOOD[0]], np.ones((5, 4)), "relu"), ValueError,
         "layer 2 takes 3 inputs but layer 1 gives 2"),
        (lambda: backward(GOOD, CACHE, np.ones((5, 3)), "relu"), ValueError,
         r"shape of the logits, \(5, 2\), found \(5, 3\)"),
        (lambda: backward(GOOD[:1], CACHE, np.ones((5, 2)), "relu"), ValueError, "another network"),
        (lambda: backward(a_network([3, 6, 2]), CACHE, np.ones((5, 2)), "relu"), ValueError,
         "4 units before layer 2"),
        (lambda: backward(GOOD, CACHE[0], np.ones((5, 2)), "relu"), TypeError, "cache must be the"),
        (lambda: init_params([3], np.random.default_rng(0)), ValueError, "an input and an output"),
        (lambda: init_params([3, 0], np.random.default_rng(0)), ValueError, r"sizes\[1\] must be"),
        (lambda: init_params([3, 2], 42), TypeError, "rng must be a numpy.random.Generator"),
        (lambda: init_params([3, 2], np.random.default_rng(0), "xavier"), ValueError, "init must"),
        (lambda: loss_and_grads(GOOD, np.ones((2, 3)), [0, 1], loss="hinges"), ValueError,
         "loss must be one of cross_entropy, bce_with_logits"),
        (lambda: loss_and_grads(GOOD, np.ones((2, 3)), np.array([0, 2])), ValueError, "targets"),
        (lambda: loss_and_grads(GOOD, np.ones((2, 3)), np.array([0, 1, 1])), ValueError, "targets"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_silent_under_raise():
    params = [(1e300 * W, b) for W, b in a_network([3, 4, 4, 2])]
    for scale in (1e300, 1e-300):
        X, y = scale * np.ones((2, 3)), np.array([0, 1])
        with np.errstate(all="raise"):
            for activation in ("sigmoid", "relu", "softplus"):
                _, grads = loss_and_grads(params, X, y, activation)
                logits, cache = forward(params, X, activation)
                backward(params, cache, np.full_like(logits, 1e300), activation, input_grad=True)
    assert [W.shape for W, _ in grads] == [(4, 3), (4, 4), (2, 4)]


def test_nested_lists_are_parameters_too():
    logits, cache = forward([([[1.0, 2.0]], [0.5])], [[3.0, 4.0]], "relu")
    assert logits == 11.5
    [(dW, db)] = backward([([[1.0, 2.0]], [0.5])], cache, [[2.0]], "relu")
    assert dW.tolist() == [[6, 8]] and db.tolist() == [2]


def test_an_activation_pair_needs_both_functions():
    params = init_params([2, 3, 1], np.random.default_rng(0))
    with pytest.raises((TypeError, ValueError)):
        forward(params, np.ones((1, 2)), (np.tanh, 3))


def test_a_loss_pair_needs_both_functions():
    params = init_params([2, 3, 2], np.random.default_rng(0))
    with pytest.raises(ValueError, match="loss must be one of"):
        loss_and_grads(params, np.ones((1, 2)), np.array([0]), loss=(lambda z, y: 0.0, 3))


def test_an_initializer_that_draws_the_transpose_is_told_so():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="is it transposed"):
        init_params([2, 3], rng, init=lambda n_out, n_in, rng: np.zeros((n_in, n_out)))
    with pytest.raises(ValueError) as refused:
        init_params([2, 3], rng, init=lambda n_out, n_in, rng: np.zeros((7, 5)))
    assert "transposed" not in str(refused.value)


def test_an_initializer_that_draws_one_nan_is_refused():
    def almost(n_out, n_in, rng):
        W = rng.standard_normal((n_out, n_in))
        W[0, 0] = np.nan
        return W

    with pytest.raises(ValueError, match="finite"):
        init_params([2, 3], np.random.default_rng(0), init=almost)
