"""The recurrent networks' own σ and slopes, beside the public ones, which are right to 2 ulp."""

import numpy as np
import pytest

from nnbook.functions import sigmoid, sigmoid_prime, tanh_prime
from nnbook.functions._gates import logistic, logistic_slope, tanh_slope

PAIRS = [(logistic, sigmoid), (logistic_slope, sigmoid_prime), (tanh_slope, tanh_prime)]
PAIRS = pytest.mark.parametrize(("fast", "public"), PAIRS)


@PAIRS
@pytest.mark.parametrize(("dtype", "range_"), [(np.float32, 87), (np.float64, 700)])
def test_they_are_within_8_ulp(fast, public, dtype, range_):
    rng = np.random.default_rng(3)
    spread = 10 ** rng.uniform(-20, 1.5, 4000) * rng.choice([-1, 1], 4000)
    z = np.concatenate([rng.uniform(-range_, range_, 4000), 3 * rng.normal(size=4000), spread])
    z = z.astype(dtype)
    z /= 2 if fast is tanh_slope else 1
    right = public(z.astype(np.longdouble))
    found = fast(z)
    assert found.dtype == dtype
    assert (np.abs(found - right) <= 7 * np.spacing(right.astype(dtype))).all()


@PAIRS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_ends(fast, public, dtype):
    z = np.array([-np.inf, -1e30, -1e3, -0.0, 0.0, 1e3, 1e30, np.inf, np.nan], dtype)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(fast(z), public(z))
