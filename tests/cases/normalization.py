import numpy as np

from nnbook.functions import layer_norm, layer_norm_vjp, rms_norm, rms_norm_vjp
from tests.cases.base import EVERY_AXIS, Bad, Case, sizes_of

ONES = np.ones((3, 4))


def drawn(shape_of, axes, parameters=2, **options):
    """Return a way to draw x and parameters with the lengths of `axes`."""

    def draw(rng, size):
        shape = sizes_of(rng, size, shape_of)
        inner = [shape[a] for a in sorted(a % shape_of for a in axes)]
        x = 2 * rng.normal(size=shape) + 1
        return (x, *(rng.normal(size=inner) for _ in range(parameters))), options

    return draw


def without_gain(rng, size):
    (x, shift), options = drawn(2, (-1,), 1)(rng, size)
    return (x, None, shift), options


CASES = [
    Case(
        "layer_norm",
        layer_norm,
        drawn(2, (-1,)),
        layer_norm_vjp,
        of=(0, 1, 2),
        free={0: (0,)},
        any_rank=(0,),
    ),
    Case(
        "layer_norm, no parameters",
        layer_norm,
        drawn(3, (-1,), 0),
        layer_norm_vjp,
        free={0: EVERY_AXIS},
        any_rank=(0,),
    ),
    Case(
        "layer_norm, gain alone, large eps",
        layer_norm,
        drawn(3, (-1,), 1, eps=3.0),
        layer_norm_vjp,
        of=(0, 1),
        free={0: (0, 1)},
        any_rank=(0,),
    ),
    Case(
        "layer_norm, shift alone",
        layer_norm,
        without_gain,
        layer_norm_vjp,
        of=(0, 2),
        free={0: (0,)},
        any_rank=(0,),
    ),
    Case(
        "layer_norm, two trailing axes",
        layer_norm,
        drawn(4, (-2, -1), axis=(-2, -1)),
        layer_norm_vjp,
        of=(0, 1, 2),
        free={0: (0, 1)},
        any_rank=(0,),
    ),
    Case(
        "layer_norm, first and last axis",
        layer_norm,
        drawn(3, (0, 2), axis=(0, -1)),
        layer_norm_vjp,
        of=(0, 1, 2),
        free={0: (1,)},
        any_rank=(0,),
    ),
    Case(
        "rms_norm",
        rms_norm,
        drawn(2, (-1,), 1),
        rms_norm_vjp,
        of=(0, 1),
        free={0: (0,)},
        any_rank=(0,),
        sizes=("random", "empty"),  # of one entry the gradient is ε / x², next to nothing
    ),
    Case(
        "rms_norm, no gain, eps 2",
        rms_norm,
        drawn(3, (-1,), 0, eps=2.0),
        rms_norm_vjp,
        free={0: EVERY_AXIS},
        any_rank=(0,),
    ),
    Case(
        "rms_norm, axes 1 and 2",
        rms_norm,
        drawn(3, (1, 2), 1, axis=(1, 2), eps=0.5),
        rms_norm_vjp,
        of=(0, 1),
        free={0: (0,)},
        any_rank=(0,),
    ),
]

BAD = [
    Bad(
        "layer_norm of a number", lambda: layer_norm(3.0), ValueError, r"axis=-1 .* x of shape \(\)"
    ),
    Bad("layer_norm, no such axis", lambda: layer_norm(ONES, axis=2), ValueError, r"axis=2.* x "),
    Bad(
        "layer_norm, axis twice", lambda: layer_norm(ONES, axis=(1, -1)), ValueError, "axis.*twice"
    ),
    Bad("layer_norm, no axes", lambda: layer_norm(ONES, axis=()), ValueError, "axis is empty"),
    Bad(
        "layer_norm, axis 1.0", lambda: layer_norm(ONES, axis=1.0), TypeError, "axis must be an int"
    ),
    Bad("layer_norm, eps < 0", lambda: layer_norm(ONES, eps=-1e-5), ValueError, "eps must"),
    Bad("layer_norm, eps NaN", lambda: layer_norm(ONES, eps=np.nan), ValueError, "eps must"),
    Bad("layer_norm, eps text", lambda: layer_norm(ONES, eps="1e-5"), TypeError, "eps must"),
    Bad(
        "layer_norm, gain a row",
        lambda: layer_norm(ONES, np.ones((1, 4))),
        ValueError,
        r"gain must have shape \(4,\).*axis=-1.*\(1, 4\); pass gain.reshape\(\(4,\)\)",
    ),
    Bad("layer_norm, shift short", lambda: layer_norm(ONES, None, [1.0]), ValueError, "shift must"),
    Bad("layer_norm, gain a number", lambda: layer_norm(ONES, 2.0), ValueError, "gain must have"),
    Bad(
        "layer_norm, gain of text", lambda: layer_norm(ONES, ["1"] * 4), TypeError, "gain must hold"
    ),
    Bad(
        "layer_norm_vjp, g of another shape",
        lambda: layer_norm_vjp(ONES.T, ONES),
        ValueError,
        "g and x must have the same shape",
    ),
    Bad("rms_norm, eps < 0", lambda: rms_norm(ONES, eps=-1.0), ValueError, "eps must"),
    Bad("rms_norm, eps inf", lambda: rms_norm(ONES, eps=np.inf), ValueError, "eps must"),
    Bad("rms_norm, gain transposed", lambda: rms_norm(ONES, np.ones(3)), ValueError, "gain must"),
    Bad("rms_norm of a number", lambda: rms_norm(1), ValueError, "axis"),
    Bad("rms_norm_vjp, g a number", lambda: rms_norm_vjp(1.0, ONES), ValueError, "g and x must"),
]
