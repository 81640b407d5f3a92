"""What every rule of autodiff must hold, written once for the tests of the rules."""

import numpy as np
import pytest

from nnbook.checking.gradcheck import gradcheck
from nnbook.learning import grad, hvp, jvp
from nnbook.learning.autodiff import Tensor, backward

RNG = np.random.default_rng(7)
X, Y = RNG.uniform(0.2, 0.9, (3, 4)), RNG.uniform(0.2, 0.9, (3, 4))
S = RNG.normal(size=(2, 3, 4))
ROW, COLUMN = RNG.uniform(0.2, 0.9, 4), RNG.uniform(0.2, 0.9, (3, 1))
MASK = X > 0.5
PICK = np.array([2, 0, 2, 2])
ST = S.transpose(0, 2, 1)


def check_derivatives(f, arrays, ties=False):
    """Hold gradient, tangent and Hessian product of f to differences; `ties` keeps entries apart.

    f takes arrays as arguments, and is evaluated through Tensors: some of what Tensors have, arrays
    have not.
    """
    x = [np.array(a) for a in arrays]
    if ties:
        x = [a + 1e-3 * np.arange(a.size).reshape(a.shape) / max(a.size, 1) for a in x]
    weights = np.random.default_rng(1).uniform(0.5, 1.5, f(*map(Tensor, x)).shape)

    def total(x):
        return np.sum(weights * f(*x))

    def paired(x):
        return sum(np.sum(g * t) for g, t in zip(slopes(x), u, strict=True))

    slopes, u = grad(total), [RNG.normal(size=a.shape) for a in x]
    value = lambda x: total([Tensor(a) for a in x]).value  # noqa: E731
    assert gradcheck(value, slopes, x, strict=True).worst < 1e-7
    assert jvp(total, (x,), (u,))[1] == pytest.approx(float(paired(x)), rel=1e-11, abs=1e-11)
    bend, twice, h = hvp(total, x, u), grad(paired)(x), 1e-6
    right, left = (slopes([a + s * h * t for a, t in zip(x, u, strict=True)]) for s in (1, -1))
    for b, again, p, q in zip(bend, twice, right, left, strict=True):
        size = 1 + np.abs(p).max(initial=0) + np.abs(b).max(initial=0)
        np.testing.assert_allclose(again, b, rtol=1e-9, atol=1e-11 * size)
        np.testing.assert_allclose(b, (p - q) / (2 * h), rtol=1e-5, atol=1e-7 * size)


def check_value(f, arrays):
    """Hold the value to NumPy's own, and float32 to float32."""
    found = f(*map(Tensor, arrays))
    assert isinstance(found, Tensor)
    np.testing.assert_allclose(found.value, f(*arrays), rtol=1e-13)


def check_float32(f, arrays):
    """Hold the result and the gradients to float32."""
    tensors = [Tensor(a.astype(np.float32)) for a in arrays]
    out = f(*tensors)
    assert out.dtype == np.float32
    for g, t in zip(backward(out, tensors, np.ones(out.shape, np.float32)), tensors, strict=True):
        assert g.dtype == np.float32 and g.shape == t.shape
