"""Group and instance normalisation: a group, and a channel, of three entries."""

from nnbook.functions import group_norm_vjp, instance_norm_vjp
from tests.derivations.normalization import of_three


def one_group(g, x):
    """Three channels of one position are one group; a second group changes nothing."""
    return group_norm_vjp([[*g, 1, 2, 3]], [[*x, 5, 4, 5]], groups=2, eps=0.125)[0][0, 0]


def one_channel(g, x):
    """Three positions of the second channel."""
    return instance_norm_vjp([[[1, 2, 3], g]], [[[5, 4, 5], x]], eps=0.125)[0][0, 1, 0]


DERIVATIONS = {
    "group_norm_vjp": lambda: [of_three("18.31", group_norm_vjp, one_group)],
    "instance_norm_vjp": lambda: [of_three("18.32", instance_norm_vjp, one_channel)],
}
