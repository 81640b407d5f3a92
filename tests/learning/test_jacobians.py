"""The Jacobian: outputs first, the same by columns and by rows, of every program that has rules."""

import numpy as np
import pytest

from nnbook.checking import hesscheck
from nnbook.functions import affine_vjp, softmax
from nnbook.learning import grad, hvp, jacobian, jvp, lifted

RNG = np.random.default_rng(3)
X, W, B = RNG.normal(size=(4, 2)), RNG.normal(size=(3, 2)), RNG.normal(size=3)
MODES = [None, "forward", "reverse"]


@pytest.mark.parametrize("mode", MODES)
def test_rows_are_outputs_and_columns_inputs(mode):
    A = RNG.normal(size=(3, 5))
    np.testing.assert_array_equal(jacobian(lambda x: A @ x, mode=mode)(np.ones(5)), A)


@pytest.mark.parametrize("mode", MODES)
def test_tables_of_tables_agree_with_the_vjp(mode):
    J = jacobian(lifted.affine, 1, mode=mode)(X, W, B)
    assert J.shape == (4, 3, 3, 2)
    G = RNG.normal(size=(4, 3))
    np.testing.assert_allclose(np.tensordot(G, J, 2), affine_vjp(G, X, W, B)[1], rtol=1e-13)


@pytest.mark.parametrize("mode", MODES)
def test_softmax_has_the_table_of_chapter_5(mode):
    z = RNG.normal(size=6)
    p = softmax(z)
    J = jacobian(lifted.softmax, mode=mode)(z)
    np.testing.assert_allclose(J, np.diag(p) - np.outer(p, p), atol=1e-16)


def test_the_default_takes_the_fewer_passes():
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(x) * np.ones(3)

    jacobian(f)(np.ones(50))           # three rows: one forward pass, walked back three times
    assert len(calls) == 1
    calls.clear()
    jacobian(lambda x: f(x)[0] * np.ones(9))(np.ones(2))    # two columns, a pass each
    assert len(calls) == 3
    calls.clear()
    jacobian(f)(np.ones(3))            # as many of either: rows, from one pass
    assert len(calls) == 1


@pytest.mark.parametrize(("mode", "passes"), [("reverse", 1), ("forward", 6)])
def test_the_mode_that_is_asked_for_is_taken(mode, passes):
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(x) * np.ones(3)

    jacobian(f, mode=mode)(np.ones(5))
    assert len(calls) == passes


def test_one_number_in_or_out():
    assert jacobian(np.sin)(0.0) == 1.0 and np.shape(jacobian(np.sin)(0.0)) == ()
    square = lambda x: np.sum(x * x)  # noqa: E731
    np.testing.assert_array_equal(jacobian(square)(X), grad(square)(X))
    np.testing.assert_array_equal(jacobian(lambda t: t * X)(2.0), X)


def test_of_a_gradient_it_is_the_hessian():
    f = lambda x: np.sum(lifted.tanh(X @ x) ** 3)  # noqa: E731
    x = np.array([0.3, -0.4])
    H = jacobian(grad(f))(x)
    assert hesscheck(grad(f), H, x)
    np.testing.assert_allclose(H @ [1.0, 2.0], hvp(f, x, np.array([1.0, 2.0])), rtol=1e-13)


@pytest.mark.parametrize("mode", MODES)
def test_it_may_be_differentiated(mode):
    second = jvp(jacobian(np.sin, mode=mode), (X,), (np.ones_like(X),))[1]
    np.testing.assert_allclose(np.einsum("ijij->ij", second), -np.sin(X), rtol=1e-13)
    trace = grad(lambda x: np.sum(jacobian(np.sin, mode=mode)(x)))(X)
    np.testing.assert_allclose(trace, -np.sin(X), rtol=1e-13)


def test_dtype_options_and_what_does_not_depend():
    assert jacobian(lifted.relu)(np.float32([1, -1])).dtype == np.float32
    J = jacobian(lambda x, axis: lifted.softmax(x, axis=axis))(X, axis=0)
    assert J.shape == (4, 2, 4, 2)
    for constant in (np.ones((2, 3)), 1.0):
        J = jacobian(lambda x, c=constant: c)(X)
        assert J.shape == np.shape(constant) + X.shape and not J.any()
    assert jacobian(lambda x: x)(np.zeros((0, 2))).shape == (0, 2, 0, 2)


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: jacobian(X), TypeError, r"f must be a function.*write jacobian\(f\)\(x\)"),
    (lambda: jacobian(np.sin, (0, 1)), TypeError, "argument must be one int"),
    (lambda: jacobian(np.sin, -1), TypeError, "from 0.*found -1"),
    (lambda: jacobian(np.sin, mode="backward"), ValueError, "mode must be .*'backward'"),
    (lambda: jacobian(np.sin, 1)(X), TypeError, "argument=1 asks.*f got 1 of them"),
    (lambda: jacobian(np.sin)(3), TypeError, "argument 0 of f must hold floating.*3.0 for 3"),
    (lambda: jacobian(np.sin)([X, X]), TypeError, "argument 0 of f must be one array, found list"),
    (lambda: jacobian(lambda x: (x, x))(X), TypeError, "one array.*found tuple; np.stack"),
    (lambda: jacobian(np.argmax)(X), TypeError, "one array of floating.*dtype int64"),
    (lambda: jacobian(lambda x: None)(X), TypeError, "one array.*found NoneType"),
])
def test_bad_questions(call, error, message):
    with pytest.raises(error, match=message):
        call()
