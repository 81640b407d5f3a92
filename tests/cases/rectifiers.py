"""PReLU, whose slope is learnt; the other rectifiers are with the activations."""

import numpy as np

from nnbook.functions import prelu, prelu_vjp
from tests.cases.base import EVERY_AXIS, Bad, Case, sizes_of


def of_channels(axis, axes):
    def draw(rng, size):
        shape = sizes_of(rng, size, axes)
        return (rng.normal(size=shape), rng.uniform(0.1, 0.6, shape[axis])), {"channel_axis": axis}

    return draw


def shared(rng, size):
    return (rng.normal(size=sizes_of(rng, size, 3)), np.array(0.3)), {}


def kinks(z, alpha, **_):
    return [z]


CASES = [
    Case("prelu, one slope", prelu, shared, prelu_vjp, of=(0, 1), kinks=kinks,
         free={0: EVERY_AXIS}, any_rank=(0, 1)),
    Case("prelu, channels of images", prelu, of_channels(1, 4), prelu_vjp, of=(0, 1), kinks=kinks,
         free={0: (0, 2, 3)}, any_rank=(0, 1)),
    Case("prelu, channels last", prelu, of_channels(-1, 2), prelu_vjp, of=(0, 1), kinks=kinks,
         free={0: (0,)}, any_rank=(0, 1)),
]  # fmt: skip

Z = np.ones((4, 3))
BAD = [
    Bad("prelu, a slope for each row", lambda: prelu(Z, np.ones(4)), ValueError,
        r"alpha .*3 channels of z along axis 1.*axis 0 has that length, see channel_axis"),
    Bad("prelu, an array of one slope", lambda: prelu(Z, np.ones(1)), ValueError,
        r"alpha .*alpha\.item\(\)"),
    Bad("prelu, slopes of two axes", lambda: prelu(Z, np.ones((1, 3))), ValueError,
        r"alpha .*its shape is \(1, 3\)"),
    Bad("prelu, no channels", lambda: prelu(np.ones(3), np.ones(3)), ValueError,
        "axis=1 does not exist in z"),
    Bad("prelu, axis not whole", lambda: prelu(Z, np.ones(3), channel_axis=0.5), TypeError,
        "channel_axis must be an integer"),
    Bad("prelu, complex slopes", lambda: prelu(Z, 1j), TypeError, "alpha must hold real"),
    Bad("prelu_vjp, g of another shape", lambda: prelu_vjp(np.ones(3), Z, 0.5), ValueError,
        "g and z must have the same shape"),
]  # fmt: skip
