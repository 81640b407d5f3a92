r"""Sizes: how many windows fit along an axis, and how much of the input a unit sees."""

import itertools
import math

from nnbook.functions._validate import check_count
from nnbook.functions._windows import windows


def conv_output_size(n, kernel, *, stride=1, padding=0, dilation=1, ceil_mode=False):
    r"""Count the windows along one axis: the size of a convolution's or a pooling's result.

    .. math:: \Bigl\lfloor \frac{n + 2p - d(k - 1) - 1}{s} \Bigr\rfloor + 1

    Parameters
    ----------
    n : int
        Entries along the axis.
    kernel : int
        Taps of the kernel, k.
    stride : int
        Entries from one window to the next, s.
    padding : str, int or (before, after)
        Zeros at both ends, p each; or a pair, in whose place 2p stands for the sum; or "valid",
        "same", "same_lower" as :func:`conv2d` takes them, where the two latter give
        :math:`\lceil n/s \rceil`.
    dilation : int
        Entries from one tap to the next, d.
    ceil_mode : bool
        Round up: entries after the last whole window have one that hangs over, unless it would
        start past the last entry. Where no whole window fits there is one, if it hangs over by
        less than the stride.

    Returns
    -------
    int

    Raises
    ------
    TypeError
        If an argument is not an integer.
    ValueError
        If the kernel does not fit, or a number is out of range.

    Examples
    --------
    >>> conv_output_size(28, 5), conv_output_size(28, 3, stride=2, padding=1)
    (24, 14)
    >>> conv_output_size(5, 2, stride=2), conv_output_size(5, 2, stride=2, ceil_mode=True)
    (2, 3)
    """
    if not isinstance(padding, str):
        padding = (padding,)
    return windows(
        (check_count(n, "n"),),
        (check_count(kernel, "kernel"),),
        stride=(stride,),
        padding=padding,
        dilation=(dilation,),
        ceil_mode=ceil_mode,
    ).count[0]


def receptive_field(kernels, *, strides=1, dilations=1):
    r"""Count the entries of the input, along one axis, that one unit of the last layer sees.

    .. math:: R_l = R_{l-1} + d_l (k_l - 1) \prod_{j<l} s_j, \qquad R_0 = 1

    Parameters
    ----------
    kernels : sequence of int
        Taps of the kernel of each layer, the first layer first; pooling layers count.
    strides, dilations : int or sequence of int
        One for each layer, or one that stands for all.

    Returns
    -------
    int

    Raises
    ------
    TypeError
        If an argument is not made of integers.
    ValueError
        If a number is not positive, or the lengths differ.

    Examples
    --------
    Three layers of 3 see as much as one of 7:

    >>> receptive_field((3, 3, 3)), receptive_field((7,))
    (7, 7)
    >>> receptive_field((5, 2, 5, 2), strides=(1, 2, 1, 2))
    16
    """
    try:
        kernels = list(kernels)
    except TypeError:
        raise TypeError(f"kernels must be a sequence such as (3, 3), got {kernels!r}") from None
    kernels = _one_each(kernels, "kernels", len(kernels))
    strides = _one_each(strides, "strides", len(kernels))
    dilations = _one_each(dilations, "dilations", len(kernels))
    steps = itertools.accumulate([1, *strides], int.__mul__)
    return 1 + sum(map(math.prod, zip(dilations, (k - 1 for k in kernels), steps, strict=False)))


def _one_each(values, name, layers):
    try:
        values = list(values)
    except TypeError:
        return [check_count(values, name)] * layers
    if len(values) != layers:
        raise ValueError(f"{name} must hold one number for each of {layers} layers, got {values}")
    return [check_count(v, f"{name}[{i}]") for i, v in enumerate(values)]
