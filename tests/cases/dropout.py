import numpy as np

from nnbook.functions import dropout, dropout_mask, dropout_vjp
from tests.cases.base import EVERY_AXIS, Bad, Case, sizes_of

X = np.ones((2, 3))
MASK = np.array([[True, False, True], [True, True, False]])
RNG = np.random.default_rng


def masked(p):
    def draw(rng, size):
        x = rng.normal(size=sizes_of(rng, size, 3))
        return (x, p), {"mask": dropout_mask(x.shape, p, rng)}

    return draw


def resting(rng, size):
    return (rng.normal(size=sizes_of(rng, size, 2)),), {"training": False}


CASES = [
    Case("dropout, half", dropout, masked(0.5), dropout_vjp),
    Case("dropout, a tenth", dropout, masked(0.1), dropout_vjp),
    Case("dropout, nothing", dropout, masked(0.0), dropout_vjp),
    Case("dropout, inference", dropout, resting, dropout_vjp, free={0: EVERY_AXIS}, any_rank=(0,)),
]

BAD = [
    Bad(
        "dropout, p = 1", lambda: dropout(X, 1.0, mask=MASK), ValueError, r"p must lie in \[0, 1\)"
    ),
    Bad("dropout, p < 0", lambda: dropout(X, -0.1, mask=MASK), ValueError, "p must lie"),
    Bad("dropout, p NaN", lambda: dropout(X, np.nan, mask=MASK), ValueError, "p must lie"),
    Bad("dropout, p an array", lambda: dropout(X, X, mask=MASK), TypeError, "p must be"),
    Bad("dropout, neither", lambda: dropout(X), ValueError, "either mask or rng, but neither is"),
    Bad(
        "dropout, both",
        lambda: dropout(X, mask=MASK, rng=RNG(0)),
        ValueError,
        "either mask or rng, but both are",
    ),
    Bad(
        "dropout, a seed", lambda: dropout(X, rng=0), TypeError, r"rng must be .*default_rng\(seed"
    ),
    Bad(
        "dropout, mask of numbers", lambda: dropout(X, mask=MASK * 2.0), TypeError, "mask must be b"
    ),
    Bad("dropout, mask of a row", lambda: dropout(X, mask=MASK[0]), ValueError, "mask and x must"),
    Bad(
        "dropout, mask of a row, inference",
        lambda: dropout(X, mask=MASK[0], training=False),
        ValueError,
        "mask and x must",
    ),
    Bad(
        "dropout, training 0", lambda: dropout(X, mask=MASK, training=0), TypeError, "training must"
    ),
    Bad("dropout_mask, p = 1", lambda: dropout_mask(3, 1, RNG(0)), ValueError, "p must lie"),
    Bad("dropout_mask, no rng", lambda: dropout_mask(3, 0.5, None), TypeError, "rng must be"),
    Bad("dropout_mask, shape 2.5", lambda: dropout_mask(2.5, 0.5, RNG(0)), TypeError, "shape must"),
    Bad(
        "dropout_mask, shape -1",
        lambda: dropout_mask(-1, 0.5, RNG(0)),
        ValueError,
        "shape must not",
    ),
    Bad(
        "dropout_vjp, rng",
        lambda: dropout_vjp(X, X, 0.5, rng=RNG(0)),
        ValueError,
        "rng would draw another mask",
    ),
    Bad("dropout_vjp, no mask", lambda: dropout_vjp(X, X), ValueError, "either mask or rng"),
    Bad("dropout_vjp, g", lambda: dropout_vjp(X.T, X, mask=MASK), ValueError, "g and x must"),
]
