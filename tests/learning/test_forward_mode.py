"""Dual numbers: one direction at a time, of every order, and never mistaken for another's."""

import math

import numpy as np
import pytest

from nnbook.functions import sigmoid as plain_sigmoid
from nnbook.learning import grad, hvp, jvp, lifted

X = np.random.default_rng(5).normal(size=(7, 3))


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: jvp(np.sin, 1.0, (1.0,)), TypeError, r"primals must be a tuple.*write \(x,\)"),
    (lambda: jvp(np.sin, (1.0,), 1.0), TypeError, "tangents must be a tuple"),
    (lambda: jvp(1.0, (1.0,), (1.0,)), TypeError, "f must be a function"),
    (lambda: jvp(np.sin, (1.0,), ()), TypeError, "of equal length, found 1 and 0"),
    (lambda: jvp(np.sin, (1,), (1.0,)), TypeError, r"primals\[0\] must hold floating.*3.0 for 3"),
    (lambda: jvp(np.sin, (1.0,), (1,)), TypeError, r"tangents\[0\] must hold floating"),
    (lambda: jvp(np.sin, (X,), (X[0],)), ValueError, r"tangents\[0\] must have the shape"),
    (lambda: jvp(np.sin, ([X],), ((X, X),)), ValueError, r"nested as primals\[0\].*\[1\]"),
    (lambda: hvp(np.sum, X, X[0]), ValueError, r"tangents\[0\] must have the shape of"),
])
def test_bad_questions(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_nested_transforms_do_not_confuse_their_perturbations():
    # d/dx [x d/dy (x + y)] = 1; a tangent mistaken for another's gives 2 [Siskind & Pearlmutter].
    inner = lambda x: x * jvp(lambda y: x + y, (1.0,), (1.0,))[1]  # noqa: E731
    assert jvp(inner, (1.0,), (1.0,))[1] == 1.0
    assert grad(inner)(1.0) == 1.0
    inner = lambda x: x * grad(lambda y: x * y)(2.0)  # noqa: E731
    assert grad(inner)(3.0) == 6.0 and jvp(inner, (3.0,), (1.0,))[1] == 6.0
    assert grad(lambda x: grad(lambda x: x**3)(x) * x)(2.0) == 36.0


def test_derivatives_of_every_order():
    f, order = np.sin, []
    for _ in range(6):
        order.append(float(f(0.7)))
        f = grad(f)
    s, c = math.sin(0.7), math.cos(0.7)
    np.testing.assert_allclose(order, [s, c, -s, -c, s, c], rtol=1e-14)
    along = lambda f: lambda x: jvp(f, (x,), (1.0,))[1]  # noqa: E731
    assert along(along(along(lambda x: x**5)))(2.0) == pytest.approx(240.0, rel=1e-14)
    assert grad(along(grad(along(lambda x: x**5))))(2.0) == pytest.approx(240.0, rel=1e-14)
    third = grad(grad(grad(lifted.sigmoid)))(0.3)
    p = float(plain_sigmoid(0.3))
    assert third == pytest.approx(p * (1 - p) * (1 - 6 * p + 6 * p * p), rel=1e-13)
