"""What is computed after the checks is, bit for bit, what is computed with them."""

import inspect

import numpy as np
import pytest

import nnbook.functions as F
from nnbook.functions._elementwise import BLOCK

FORMS = sorted(name for name in F.__all__ if hasattr(getattr(F, name), "unchecked"))
ELEMENTWISE = [n for n in FORMS if next(iter(inspect.signature(getattr(F, n)).parameters)) == "z"]
RNG = np.random.default_rng(0)


def same(found, expected):
    assert type(found) is type(expected)
    assert found.dtype == expected.dtype and found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


def test_which_functions_have_such_a_form():
    assert set(FORMS) - set(ELEMENTWISE) == {"affine_vjp", "bce_with_logits_grad"}
    assert {"sigmoid_prime", "tanh_prime", "gelu_prime"} <= set(ELEMENTWISE)


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("shape", [(7,), (3, 4), (0, 2), (2, BLOCK // 2), (BLOCK + 1,)])
def test_elementwise(name, shape):
    f, z = getattr(F, name), 5 * RNG.normal(size=shape)
    z.ravel()[:6] = [0.0, -0.0, 40.0, -40.0, np.inf, -np.inf][: z.size]
    with np.errstate(all="ignore"):
        same(f.unchecked(z), f(z))
        same(f.unchecked(z.T), f(z.T))


@pytest.mark.parametrize("N", [1, 5, 64])
def test_affine_vjp(N):
    g, A, W, b = (RNG.normal(size=s) for s in ((N, 3), (N, 4), (3, 4), (3,)))
    for found, expected in zip(
        F.affine_vjp.unchecked(g, A, W, b), F.affine_vjp(g, A, W, b), strict=True
    ):
        same(found, expected)


@pytest.mark.parametrize("shape", [(5,), (100, 1), (20, 3)])
def test_binary_cross_entropy(shape):
    z, y = 10 * RNG.normal(size=shape), RNG.integers(0, 2, shape).astype(float)
    y.ravel()[:2] = 0.3
    z.ravel()[2:4] = 800.0, -800.0
    same(F.bce_with_logits_grad.unchecked(z, y), F.bce_with_logits_grad(z, y))
