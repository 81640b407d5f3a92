"""The tests' own reference: where plain evaluation at 50 digits gives 0, it must not."""

import mpmath as mp
import pytest

from tests.functions import reference as ref


@pytest.mark.parametrize(
    ("naive", "z", "value"),
    [
        (lambda z: mp.log(1 + mp.exp(z)), -200.0, "1.383896526736737530e-87"),
        (lambda z: 1 - mp.tanh(z) ** 2, 200.0, "7.660678386993670884e-174"),
        (lambda z: ref.sigma(z) * (1 - ref.sigma(z)), 200.0, "1.383896526736737530e-87"),
        (lambda z: z * (1 + mp.erf(z / mp.sqrt(2))) / 2, -37.5, "-1.727007379e-306"),
    ],
    ids=["softplus", "tanh_prime", "sigmoid_prime", "gelu"],
)
def test_exact_raises_the_precision_until_digits_stop_changing(naive, z, value):
    with mp.workdps(50):
        assert naive(mp.mpf(z)) == 0
    assert abs(ref.exact(naive, z) / mp.mpf(value) - 1) < 1e-9


def test_exact_does_not_believe_in_zero():
    with pytest.raises(ArithmeticError, match="no 50 digits"):
        ref.exact(lambda z: z - z, 1.0)


def test_ulps_are_counted_at_the_size_of_the_true_value():
    assert ref.ulps_between(1.0 + 2**-52, mp.mpf(1)) == 1
    assert ref.ulps_between(1.0 - 2**-53, mp.mpf(1) - mp.mpf(2) ** -54) == 0.5
    assert ref.ulps_between(1e-323, mp.mpf(5e-324)) == 1
