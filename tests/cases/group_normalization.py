import numpy as np

from nnbook.functions import group_norm, group_norm_vjp, instance_norm, instance_norm_vjp
from tests.cases.base import Bad, Case, sizes_of

X = np.ones((2, 6, 3))


def grouped(axes, groups=None):
    """Return a way to draw x (N, C, ...), gain and shift; C is a multiple of the groups."""

    def draw(rng, size):
        n, c, *positions = sizes_of(rng, size, axes)
        options = {} if groups is None else {"groups": 1 if size == "one" else groups}
        c = c if size == "one" or groups is None else groups * (c - 1)
        x = 2 * rng.normal(size=(n, c, *positions)) + 1
        return (x, rng.normal(size=c), rng.normal(size=c)), options

    return draw


def bare(draw):
    def only_x(rng, size):
        args, options = draw(rng, size)
        return args[:1], options

    return only_x


GRADIENTS = {"of": (0, 1, 2)}

CASES = [
    Case(
        "group_norm, rows",
        group_norm,
        grouped(2, 2),
        group_norm_vjp,
        **GRADIENTS,
        free={0: (0,)},
        any_rank=(0,),
    ),
    Case(
        "group_norm, images",
        group_norm,
        grouped(4, 3),
        group_norm_vjp,
        **GRADIENTS,
        free={0: (0, 2, 3)},
        any_rank=(0,),
    ),
    Case(
        "group_norm, one group, no parameters",
        group_norm,
        bare(grouped(3, 1)),
        group_norm_vjp,
        free={0: (0, 1, 2)},
        any_rank=(0,),
    ),
    Case(
        "instance_norm",
        instance_norm,
        grouped(3),
        instance_norm_vjp,
        **GRADIENTS,
        free={0: (0, 2)},
        any_rank=(0,),
    ),
    Case(
        "instance_norm, images, no parameters",
        instance_norm,
        bare(grouped(4)),
        instance_norm_vjp,
        free={0: (0, 1, 2, 3)},
        any_rank=(0,),
    ),
]

BAD = [
    Bad(
        "group_norm, groups do not divide",
        lambda: group_norm(X, groups=4),
        ValueError,
        r"groups must divide .* x has shape \(2, 6, 3\), so 6 channels, and groups=4",
    ),
    Bad("group_norm, no groups", lambda: group_norm(X, groups=0), ValueError, "groups must be at"),
    Bad("group_norm, groups 2.0", lambda: group_norm(X, groups=2.0), TypeError, "groups must be"),
    Bad("group_norm, groups missing", lambda: group_norm(X), TypeError, "groups"),
    Bad(
        "group_norm of a row", lambda: group_norm(X[0, :, 0], groups=2), ValueError, r"x must have"
    ),
    Bad(
        "group_norm, gain a group", lambda: group_norm(X, [1, 1], groups=2), ValueError, "gain must"
    ),
    Bad(
        "group_norm, shift a column",
        lambda: group_norm(X, None, np.ones((6, 1)), groups=2),
        ValueError,
        r"shift must have shape \(6,\).*pass shift.reshape",
    ),
    Bad("group_norm, eps < 0", lambda: group_norm(X, groups=2, eps=-1), ValueError, "eps must"),
    Bad("group_norm_vjp, g", lambda: group_norm_vjp(X[0], X, groups=2), ValueError, "g and x must"),
    Bad(
        "instance_norm of rows",
        lambda: instance_norm(X[0]),
        ValueError,
        r"x must have shape \(N, C, d1, ...\).*layer_norm or batch_norm",
    ),
    Bad("instance_norm, eps < 0", lambda: instance_norm(X, eps=-1), ValueError, "eps must"),
    Bad("instance_norm, gain", lambda: instance_norm(X, np.ones(3)), ValueError, "gain must have"),
    Bad("instance_norm_vjp, g", lambda: instance_norm_vjp(X.T, X), ValueError, "g and x must"),
]
