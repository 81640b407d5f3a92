"""An independent witness: SciPy, where it is good to the last digits."""

import numpy as np
import pytest
from scipy import special

import nnbook.functions as nf

RNG = np.random.default_rng(61)
Z = RNG.normal(size=(40, 7)) * 4


def logistic_pdf(z):
    return special.expit(z) * special.expit(-z)


@pytest.mark.parametrize(
    ("ours", "theirs", "rtol"),
    [
        (nf.sigmoid, special.expit, 1e-15),
        (nf.softplus, lambda z: -special.log_expit(-z), 1e-15),
        (nf.sigmoid_prime, logistic_pdf, 1e-14),
        (nf.tanh_prime, lambda z: 4 * logistic_pdf(2 * z), 1e-14),
        (nf.gelu, lambda z: z * special.ndtr(z), 3e-14),
        (nf.silu, lambda z: z * special.expit(z), 1e-15),
        (nf.softmax, lambda z: special.softmax(z, axis=-1), 1e-14),
        # SciPy's loses digits where the probability is near 1.
        (nf.log_softmax, lambda z: special.log_softmax(z, axis=-1), 1e-11),
        (nf.logsumexp, lambda z: special.logsumexp(z, axis=-1), 1e-14),
    ],
    ids=lambda f: getattr(f, "__name__", ""),
)
def test_agrees_with_scipy(ours, theirs, rtol):
    np.testing.assert_allclose(ours(Z), theirs(Z), rtol=rtol, atol=0)


def test_gelu_prime_agrees_with_scipy():
    expected = special.ndtr(Z) + Z * np.exp(-Z * Z / 2) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(nf.gelu_prime(Z), expected, rtol=0, atol=1e-15)


def test_cross_entropy_agrees_with_scipy():
    y = special.softmax(RNG.normal(size=Z.shape), axis=1)
    expected = np.mean(special.entr(y).sum(axis=1) + special.rel_entr(y, nf.softmax(Z)).sum(axis=1))
    assert nf.cross_entropy(Z, y) == pytest.approx(expected, rel=1e-13)
