"""What is computed after the checks is, bit for bit, what is computed with them."""

import inspect

import numpy as np
import pytest

import nnbook.functions as F
from nnbook.functions._elementwise import BLOCK
from tests.functions.unchecked import same_bits

FORMS = sorted(name for name in F.__all__ if hasattr(getattr(F, name), "unchecked"))
ELEMENTWISE = [n for n in FORMS if next(iter(inspect.signature(getattr(F, n)).parameters)) == "z"]
RNG = np.random.default_rng(0)


def test_which_functions_have_such_a_form():
    convolutions = {f"conv{d}d_vjp" for d in (1, 2, 3)}
    assert set(FORMS) - set(ELEMENTWISE) == {"affine_vjp", "bce_with_logits_grad"} | convolutions
    assert {"sigmoid_prime", "tanh_prime", "gelu_prime"} <= set(ELEMENTWISE)


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("shape", [(7,), (3, 4), (0, 2), (2, BLOCK // 2), (BLOCK + 1,)])
def test_elementwise(name, shape):
    f, z = getattr(F, name), 5 * RNG.normal(size=shape)
    z.ravel()[:6] = [0.0, -0.0, 40.0, -40.0, np.inf, -np.inf][: z.size]
    with np.errstate(all="ignore"):
        same_bits(f.unchecked(z), f(z))
        same_bits(f.unchecked(z.T), f(z.T))
