"""Half-life of a forget gate, to the last digits; gates in other orders."""

import mpmath as mp
import numpy as np
import pytest

from nnbook.functions import half_life_bias, reorder_gates
from tests.functions.reference import exact, ulps_between


def bias(n):
    return -mp.log(mp.expm1(mp.log(2) / n))


def test_half_life_bias_is_correctly_rounded_or_nearly():
    rng = np.random.default_rng(1)
    n = np.concatenate([
        np.exp2(rng.uniform(-1000, 1000, 300)), rng.uniform(0.3, 3, 700),
        1 + rng.choice([-1, 1], 300) * np.exp2(rng.uniform(-52, -1, 300)),
        [50.0, 0.5, 2.0, 1.75, 1e-300, 1e308, 5e-308],
    ])  # fmt: skip
    found = half_life_bias(n)
    assert found.shape == n.shape
    errors = [
        ulps_between(f, exact(bias, float(m))) for f, m in zip(found, n, strict=True) if m != 1
    ]
    wide = np.finfo(np.longdouble).eps < np.finfo(float).eps
    assert max(errors) <= (0.51 if wide else 3)


def test_half_life_bias_at_the_ends():
    with np.errstate(all="raise"):
        assert half_life_bias(np.inf) == np.inf and half_life_bias(5e-324) == -np.inf
        assert np.isnan(half_life_bias(np.nan))
        assert half_life_bias(1) == 0 and not np.signbit(half_life_bias(1))
    assert round(float(half_life_bias(50)), 2) == 4.27


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_half_life_bias_keeps_the_dtype_and_the_shape(dtype):
    n = np.array([[0.25, 1.5], [3.0, 100.0]], dtype)
    found = half_life_bias(n)
    assert found.dtype == dtype and found.shape == (2, 2)
    np.testing.assert_allclose(
        found.astype(float), half_life_bias(n.astype(float)), rtol=max(5e-16, np.finfo(dtype).eps)
    )
    assert half_life_bias([2, 3]).dtype == np.float64 and np.ndim(half_life_bias(2)) == 0
    assert half_life_bias(np.empty((0, 3))).shape == (0, 3)


def test_longdouble_has_more_digits():
    wide = float(half_life_bias(np.longdouble(50)) - np.longdouble(float(half_life_bias(50.0))))
    with mp.workdps(40):
        true = float(bias(mp.mpf(50)) - mp.mpf(float(half_life_bias(50.0))))
    assert wide == pytest.approx(true, abs=2e-18)


def test_gates_are_reordered_in_blocks_of_rows():
    W = np.arange(24.0).reshape(8, 3)
    found = reorder_gates(W, "iofg", "ifgo")
    np.testing.assert_array_equal(found, W[[0, 1, 4, 5, 6, 7, 2, 3]])
    np.testing.assert_array_equal(reorder_gates(found, "ifgo", "iofg"), W)
    np.testing.assert_array_equal(reorder_gates(W[:, 0], "iofg", "ifgo"), found[:, 0])
    assert not np.shares_memory(reorder_gates(W, "ifgo", "ifgo"), W)
    assert reorder_gates(W.astype(np.float32), "iofg", "ifgo").dtype == np.float32
    assert reorder_gates(np.empty((0, 3)), "zrn", "rzn").shape == (0, 3)
