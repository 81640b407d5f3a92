r"""Group and instance normalisation, and their vjps: statistics of channels within an example.

The conventions are those of ``normalization.py``: ε inside the root, statistics in float64, gain
and shift for what the field calls γ and β (weight and bias), one entry a channel.
"""

import numpy as np

from nnbook.functions._standardize import (
    cotangent,
    gradients,
    prepare,
    project,
    restore,
    standardize,
)
from nnbook.functions._validate import as_float, check_count


def group_norm(x, gain=None, shift=None, *, groups, eps=1e-5):
    r"""Normalise each group of channels of each example, then apply a gain and a shift a channel.

    .. math:: y = \text{gain}_c\, \hat x + \text{shift}_c, \qquad
        \hat x = \frac{x - m}{\sqrt{v + \varepsilon}}

    with mean m and variance v over the C / groups channels of a group and all positions.

    Parameters
    ----------
    x : array_like of real numbers, shape (N, C) or (N, C, d1, ...)
        Examples, channels, positions.
    gain, shift : array_like of real numbers, shape (C,), optional
        One entry a channel.
    groups : int
        Number of groups, a divisor of C. One group is a layer normalisation over all but the
        batch (with a gain a channel); C groups are :func:`instance_norm`.
    eps : float
        ε ≥ 0, in squared units of `x`; inside the root.

    Returns
    -------
    ndarray
        The shape of `x`; the arguments' common dtype.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or `groups` is not an integer.
    ValueError
        If `groups` does not divide C, gain or shift is not (C,), or ε is negative.

    Notes
    -----
    Error as in :func:`layer_norm`, n being the entries of a group. A group of one entry is its
    own mean: it gives exactly the shift.

    References
    ----------
    .. [1] Wu & He, 2018, :doi:`10.48550/arXiv.1803.08494`.

    Examples
    --------
    >>> print(group_norm([[1.0, 3.0, 10.0, 30.0]], groups=2, eps=0.0))
    [[-1.  1. -1.  1.]]
    """
    x, grouped, (gain, shift), eps, dtype = _groups(x, gain, shift, groups, eps)
    with np.errstate(all="ignore"):
        normal = standardize(grouped, eps).normal.reshape(x.shape)
        return restore(normal, gain, shift, (1,)).astype(dtype, copy=False)


def group_norm_vjp(g, x, gain=None, shift=None, *, groups, eps=1e-5):
    r"""Gradients of group normalisation in x, gain and shift.

    The formula of :func:`layer_norm_vjp`, with the means over a group.

    Parameters
    ----------
    g : array_like of real numbers
        Cotangent, the shape of `x`.
    x, gain, shift, groups, eps
        As given to :func:`group_norm`.

    Returns
    -------
    x_bar : ndarray
        The shape of `x`; sums to 0 over each group.
    gain_bar, shift_bar : ndarray or None
        Shape (C,); None for what was not given.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        As :func:`group_norm`, and if `g` and `x` differ in shape.

    Examples
    --------
    >>> x = [[1.0, 3.0, 10.0, 30.0]]
    >>> x_bar, _, shift_bar = group_norm_vjp([[1.0, 0.0, 0.0, 0.0]], x, None, [0.0] * 4, groups=2)
    >>> print(x_bar.round(7), shift_bar)
    [[ 5.e-06 -5.e-06  0.e+00  0.e+00]] [1. 0. 0. 0.]
    """
    x, grouped, (gain, shift), eps, dtype = _groups(x, gain, shift, groups, eps)
    g, dtype = cotangent(g, x, dtype)
    others = (0, *range(2, x.ndim))
    with np.errstate(all="ignore"):
        standardized = standardize(grouped, eps)
        h = restore(g, gain, None, (1,))
        x_bar = project(h.reshape(grouped.shape), standardized).reshape(x.shape)
        normal = standardized.normal.reshape(x.shape)
        return gradients(x_bar, g, normal, gain, shift, others, dtype)


def instance_norm(x, gain=None, shift=None, *, eps=1e-5):
    r"""Normalise each channel of each example over its positions.

    .. math:: y = \text{gain}_c\, \hat x + \text{shift}_c, \qquad
        \hat x = \frac{x - m}{\sqrt{v + \varepsilon}}

    with mean m and variance v over the positions of one channel of one example.

    Parameters
    ----------
    x : array_like of real numbers, shape (N, C, d1, ...)
        Examples, channels, positions: at least three axes.
    gain, shift : array_like of real numbers, shape (C,), optional
        One entry a channel.
    eps : float
        ε ≥ 0, in squared units of `x`; inside the root.

    Returns
    -------
    ndarray
        The shape of `x`; the arguments' common dtype.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If `x` has no positions, gain or shift is not (C,), or ε is negative.

    See Also
    --------
    group_norm : the same with several channels together.

    References
    ----------
    .. [1] Ulyanov, Vedaldi & Lempitsky, 2016, :doi:`10.48550/arXiv.1607.08022`.

    Examples
    --------
    >>> print(instance_norm([[[1.0, 3.0], [10.0, 30.0]]], eps=0.0))
    [[[-1.  1.]
      [-1.  1.]]]
    """
    x = _positions(x)
    return group_norm(x, gain, shift, groups=max(x.shape[1], 1), eps=eps)


def instance_norm_vjp(g, x, gain=None, shift=None, *, eps=1e-5):
    r"""Gradients of instance normalisation in x, gain and shift.

    The formula of :func:`layer_norm_vjp`, with the means over the positions of a channel.

    Parameters
    ----------
    g : array_like of real numbers
        Cotangent, the shape of `x`.
    x, gain, shift, eps
        As given to :func:`instance_norm`.

    Returns
    -------
    x_bar : ndarray
        The shape of `x`; sums to 0 over the positions.
    gain_bar, shift_bar : ndarray or None
        Shape (C,); None for what was not given.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        As :func:`instance_norm`, and if `g` and `x` differ in shape.

    Examples
    --------
    >>> x_bar, _, _ = instance_norm_vjp([[[1.0, 0.0, 0.0]]], [[[1.0, 2.0, 3.0]]], eps=0.0)
    >>> print(x_bar.round(4))
    [[[ 0.2041 -0.4082  0.2041]]]
    """
    x = _positions(x)
    return group_norm_vjp(g, x, gain, shift, groups=max(x.shape[1], 1), eps=eps)


def _groups(x, gain, shift, groups, eps):
    """Return x, the same with a row for each group, gain and shift, ε, and the result's dtype."""
    x, groups = as_float(x, "x"), check_count(groups, "groups")
    if x.ndim < 2:
        raise ValueError(
            f"x must have shape (N, C) or (N, C, d1, ...), but its shape is {x.shape}; "
            "a single example is x[np.newaxis]"
        )
    channels = x.shape[1]
    if channels % groups:
        raise ValueError(
            f"groups must divide the channels of x, but x has shape {x.shape}, so "
            f"{channels} channels, and groups={groups}"
        )
    parameters = {"gain": gain, "shift": shift}
    x, *rest = prepare(x, parameters, (channels,), "one entry a channel of x", eps)
    rows = len(x) * groups if channels else 0
    return x, x.reshape(rows, x.size // max(rows, 1)), *rest


def _positions(x):
    x = as_float(x, "x")
    if x.ndim < 3:
        raise ValueError(
            f"x must have shape (N, C, d1, ...), but its shape is {x.shape}: without positions "
            "every channel is its own mean; did you mean layer_norm or batch_norm?"
        )
    return x
