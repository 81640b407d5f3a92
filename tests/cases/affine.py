"""The affine layer."""

import numpy as np

from nnbook.functions import affine, affine_vjp
from tests.cases.base import Bad, Case, sizes_of


def layer(rng, size):
    n, n_in, n_out = sizes_of(rng, size, 3)
    return (rng.normal(size=(n, n_in)), rng.normal(size=(n_out, n_in)), rng.normal(size=n_out)), {}


def square(rng, size):
    n, k = sizes_of(rng, size, 2)
    return (rng.normal(size=(n, k)), rng.normal(size=(k, k)), rng.normal(size=k)), {}


CASES = [
    Case("affine", affine, layer, affine_vjp, of=(0, 1, 2), free={0: (0,)}),
    # Here a transposed weight fits, and its values alone are wrong.
    Case("affine, square", affine, square, affine_vjp, of=(0, 1, 2), free={0: (0,)}),
]

BAD = [
    Bad(
        "affine, weights stored (n_in, n_out)",
        lambda: affine(np.ones((5, 3)), np.ones((3, 4)), np.ones(4)),
        ValueError,
        r"W.*transposed|W\.T",
    ),
    Bad(
        "affine, a bias for each example",
        lambda: affine(np.ones((5, 3)), np.ones((4, 3)), np.ones((5, 1))),
        ValueError,
        r"\bb\b",
    ),
]
