"""gradcheck accepts right gradients and refuses planted bugs, each named by its array."""

import sys

import numpy as np
import pytest

from nnbook.checking.gradcheck import (
    CENTRAL,
    GradientError,
    adjoint_test,
    gradcheck,
    taylor_test,
)
from nnbook.functions import affine, affine_vjp, cross_entropy, cross_entropy_grad
from nnbook.learning.mlp import backward, forward, init_params

RNG = np.random.default_rng(8)
X = RNG.standard_normal((4, 3))
LABELS = np.array([0, 1, 1, 0])
PARAMS = [(W, b + 0.1) for W, b in init_params([3, 5, 3, 2], np.random.default_rng(1))]


def loss(params, activation="tanh"):
    return cross_entropy(forward(params, X, activation)[0], LABELS)


def right(params, activation="tanh"):
    logits, cache = forward(params, X, activation)
    return backward(params, cache, cross_entropy_grad(logits, LABELS), activation)


def by_hand(params, phi_at_A=False, with_mean=True, sum_bias=True, phi_prime=True):
    """Backpropagation with its classic bugs to choose from."""
    A, Zs = [X], []
    for W, b in params:
        Zs.append(A[-1] @ W.T + b)
        A.append(np.tanh(Zs[-1]))
    delta = cross_entropy_grad(Zs[-1], LABELS) * (1 if with_mean else len(X))
    grads = []
    for layer in reversed(range(len(params))):
        b_bar = delta.sum(axis=0) if sum_bias else delta[0]
        grads.append((delta.T @ A[layer], b_bar))
        if layer:
            at = A[layer] if phi_at_A else Zs[layer - 1]
            slope = 1 - np.tanh(at)**2 if phi_prime else 1.0
            delta = (delta @ params[layer][0]) * slope
    return grads[::-1]


def test_backward_holds_for_every_array():
    result = gradcheck(loss, right, PARAMS)
    assert result and result.worst < 1e-8
    assert [a.shape for a in result.arrays] == [s for W, b in PARAMS for s in (W.shape, b.shape)]
    assert "gradient holds" in str(result)
    assert gradcheck(loss, by_hand, PARAMS)


@pytest.mark.parametrize(("bug", "first_bad"), [
    ({"with_mean": False}, "x[0][0]"), ({"phi_at_A": True}, "x[0][0]"),
    ({"sum_bias": False}, "x[0][1]"), ({"phi_prime": False}, "x[0][0]")])
def test_classic_bugs_are_refused_and_named(bug, first_bad):
    result = gradcheck(loss, lambda p: by_hand(p, **bug), PARAMS)
    assert not result
    bad = [a.name for a in result.arrays if not a.ok]
    assert bad[0] == first_bad and "REFUSED" in str(result) and "✗ " + first_bad in str(result)
    if "sum_bias" in bug:
        assert bad == ["x[0][1]", "x[1][1]", "x[2][1]"]


def test_a_gradient_a_thousandth_wrong_is_refused():
    x = np.array([1.0, -2.0, 0.5])
    assert gradcheck(lambda x: np.sum(np.exp(x)), np.exp, x)
    assert not gradcheck(lambda x: np.sum(np.exp(x)), lambda x: 1.001 * np.exp(x), x)


def test_one_entry_a_thousandth_wrong_is_found():
    x = RNG.standard_normal(30)

    def wrong(x):
        g = np.cos(x)
        g[17] *= 1.001
        return g

    result = gradcheck(lambda x: np.sum(np.sin(x)), wrong, x)
    assert not result and result.at == ("x", (17,))


def test_a_small_wrong_bias_does_not_hide_behind_a_large_weight():
    W, b = 1e6 * RNG.standard_normal((20, 20)), RNG.standard_normal(20)

    def f(params):
        return np.sum(params[0]**2) + np.sum(params[1]**2)

    assert gradcheck(f, lambda p: (2 * p[0], 2 * p[1]), (W, b), tolerance=1e-4).arrays[0].ok
    result = gradcheck(lambda p: np.sum(p[1]**2), lambda p: (0 * p[0], 2.02 * p[1]), (W, b))
    assert [a.ok for a in result.arrays] == [True, False]


def test_a_transposed_weight_is_refused():
    W = RNG.standard_normal((3, 3))                  # square: the shapes do not give it away

    def f(W):
        return np.sum(np.tanh(X @ W.T))

    def gradient(W):
        return (1 - np.tanh(X @ W.T)**2).T @ X

    assert gradcheck(f, gradient, W)
    assert not gradcheck(f, lambda W: gradient(W).T, W)
    with pytest.raises(ValueError, match="transposed"):
        gradcheck(lambda W: np.sum(X @ W.T), lambda W: (np.ones((4, 2)).T @ X).T,
                  RNG.standard_normal((2, 3)))


def test_a_missing_mean_in_a_vjp_is_refused():
    Z = RNG.standard_normal((4, 2))
    assert gradcheck(lambda Z: cross_entropy(Z, LABELS), lambda Z: cross_entropy_grad(Z, LABELS), Z)
    assert not gradcheck(lambda Z: cross_entropy(Z, LABELS),
                         lambda Z: 4 * cross_entropy_grad(Z, LABELS), Z)


def test_the_complex_step_is_exact_to_rounding():
    x = np.array([0.3, -1.2, 2.0])
    result = gradcheck(lambda x: np.sum(np.exp(x) * np.sin(x)),
                       lambda x: np.exp(x) * (np.sin(x) + np.cos(x)), x, method="complex")
    assert result and result.worst < 1e-15
    nearly = lambda x: (1 + 1e-9) * np.exp(x) * (np.sin(x) + np.cos(x))      # noqa: E731
    assert gradcheck(lambda x: np.sum(np.exp(x) * np.sin(x)), nearly, x)
    assert not gradcheck(lambda x: np.sum(np.exp(x) * np.sin(x)), nearly, x, method="complex")


def test_the_step_is_the_one_derived():
    assert pytest.approx(6.9e-6, rel=0.01) == CENTRAL
    x = np.array([1.0])
    error = gradcheck(lambda x: np.exp(x)[0], np.exp, x).worst
    for other in (1e-3, 1e-9):
        assert gradcheck(lambda x: np.exp(x)[0], np.exp, x, step=other).worst > 10 * error


def test_an_entry_at_a_kink_is_left_out_and_counted():
    x = np.array([1e-9, 2.0, -3.0])

    def f(x):
        return np.sum(np.maximum(x, 0))

    def slope(x):
        return (x > 0).astype(float)

    assert not gradcheck(f, slope, x)                # the difference quotient says 0.5
    result = gradcheck(f, slope, x, preactivations=lambda x: x)
    assert result and result.kinks == 1 and "1 entries left out" in str(result)
    assert not gradcheck(f, lambda x: 1.001 * slope(x), x, preactivations=lambda x: x)


def test_a_relu_network_with_the_kink_detector():
    result = gradcheck(lambda p: loss(p, "relu"), lambda p: right(p, "relu"), PARAMS,
                       preactivations=lambda p: forward(p, X, "relu")[1][1][1:])
    assert result


def test_a_gradient_that_is_zero_on_both_sides_holds():
    assert gradcheck(lambda x: 3.0, np.zeros_like, np.ones(3))
    assert not gradcheck(lambda x: 3.0, lambda x: np.full(3, 1e-3), np.ones(3))


def test_nan_is_refused_and_nothing_is_mutated():
    x = np.ones(3)
    assert not gradcheck(lambda x: np.sum(x), lambda x: np.full(3, np.nan), x)
    before = [(W.copy(), b.copy()) for W, b in PARAMS]
    gradcheck(loss, right, PARAMS, entries=2)
    assert all(np.array_equal(a, b) for p, q in zip(before, PARAMS, strict=True)
               for a, b in zip(p, q, strict=True))


def test_strict_raises_the_report():
    with pytest.raises(GradientError, match="entry \\(0,\\) is 3, differences give 2"):
        gradcheck(lambda x: np.sum(x**2), lambda x: 3 * x, np.ones(1), strict=True)


@pytest.mark.parametrize(("f", "grad", "error", "message"), [
    (lambda x: x, lambda x: x, TypeError, "must return a real number"),
    (lambda x: np.sum(x), lambda x: x[:1], ValueError, "nested as x is"),
    (lambda x: np.inf, lambda x: x, ValueError, "must be finite")])
def test_bad_questions(f, grad, error, message):
    with pytest.raises(error, match=message):
        gradcheck(f, grad, np.ones(2))
    with pytest.raises(ValueError, match="method must be"):
        gradcheck(np.sum, np.ones_like, np.ones(2), method="forward")


def test_the_adjoint_test_tells_a_vjp_from_its_mutants():
    A, W, b = X, RNG.standard_normal((3, 3)), RNG.standard_normal(3)

    def f(args):
        return affine(*args)

    def vjp(v):
        return affine_vjp(v, A, W, b)

    assert adjoint_test(f, vjp, (A, W, b))
    assert not adjoint_test(f, lambda v: (vjp(v)[0] * 1.001, *vjp(v)[1:]), (A, W, b))
    assert not adjoint_test(f, lambda v: (v @ W.T, *vjp(v)[1:]), (A, W, b))
    exact = {"jvp": lambda u: u[0] @ W.T + A @ u[1].T + u[2]}
    assert adjoint_test(f, vjp, (A, W, b), **exact)
    assert not adjoint_test(f, lambda v: tuple(g * (1 + 1e-9) for g in vjp(v)), (A, W, b), **exact)


def test_the_taylor_remainder_is_of_order_two():
    assert taylor_test(loss, right, PARAMS) == pytest.approx(2, abs=0.1)
    for bug in ({"with_mean": False}, {"phi_at_A": True}, {"sum_bias": False}):
        order = taylor_test(loss, lambda p, bug=bug: by_hand(p, **bug), PARAMS)
        assert order < 1.5
    assert taylor_test(lambda x: 2 * np.sum(x), lambda x: np.full(2, 2.0), np.ones(2)) == np.inf


def test_gradcheck_needs_no_sympy():
    code = ("import sys; from nnbook.checking import gradcheck; "
            "assert callable(gradcheck) and 'sympy' not in sys.modules")
    __import__("subprocess").run([sys.executable, "-c", code], check=True)


def test_verify_stays_a_function_whatever_is_imported_first():
    code = ("import nnbook.checking.verify, nnbook.checking.gradcheck; "
            "from nnbook.checking import verify, gradcheck; "
            "assert callable(verify) and callable(gradcheck); "
            "import sys; assert 'IPython' not in sys.modules")
    __import__("subprocess").run([sys.executable, "-c", code], check=True)


def test_gradcheck_names_an_argument_that_it_cannot_use():
    x = np.array([1.0, 2.0])

    def writes(x):
        value = np.sum(x**2)
        x[0] += 1e-3
        return value

    with pytest.raises(ValueError, match="f writes into its argument: x has changed"):
        gradcheck(writes, lambda x: 2 * x, x)
    with pytest.raises(TypeError, match=r"x must be an array of numbers.*found str 'abc'"):
        gradcheck(lambda x: 0.0, lambda x: x, "abc")
    with pytest.raises(TypeError, match=r"f must be a function of x.*gradcheck\(f, grad, x\)"):
        gradcheck(x, lambda x: 2 * x, x)
    for name in ("step", "tolerance"):
        for wrong in (-1, 0, np.nan, np.inf, "a"):
            with pytest.raises(ValueError, match=f"{name} must be a positive number, found"):
                gradcheck(lambda x: np.sum(x**2), lambda x: 2 * x, x, **{name: wrong})
