r"""Max pooling: the largest entry of every window, and where it was."""

import math

import numpy as np

from nnbook.functions._filters import check_cotangent
from nnbook.functions._pooling import check_pooling, first_entries, taps
from nnbook.functions._validate import check_flag


def max_pool1d(
    x, kernel, *, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
):
    r"""Return the largest entry of every window of a sequence.

    .. math:: y_{nci} = \max_{u}\; x_{nc,\,si+du-p}

    Parameters
    ----------
    x : array_like of real numbers, shape (N, C, n)
        Sequences, channels first.
    kernel : int
        Size of a window.
    stride : int, optional
        Entries from one window to the next; by default `kernel`, so that none overlap.
    padding : str, int, or one int or pair for each spatial axis
        Entries of :math:`-\infty` around `x`, as :func:`conv1d` takes them; at most half of a
        window's span.
    dilation : int
        Entries from one tap of the window to the next.
    ceil_mode : bool
        Give entries after the last whole window one that hangs over, unless it would start past
        the last entry.
    return_indices : bool
        Return the places of the maxima too.

    Returns
    -------
    y : ndarray, shape (N, C, o)
        Same dtype as `x` (integers give float64). A window with a NaN gives NaN.
    indices : ndarray of int, shape of y; only with `return_indices`
        Place of the maximum along the last axis, the first of several.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or an option no integers.
    ValueError
        If a window does not fit, would hold padding alone, or an option is out of range.

    See Also
    --------
    max_pool1d_vjp : the gradient.
    conv_output_size : the number of windows along an axis.

    Examples
    --------
    >>> print(max_pool1d([[[1.0, 5.0, 2.0, 3.0, 4.0]]], 2))
    [[[5. 3.]]]
    >>> print(max_pool1d([[[1.0, 5.0, 2.0, 3.0, 4.0]]], 2, ceil_mode=True))
    [[[5. 3. 4.]]]
    """
    x, slid = check_pooling(
        x, kernel, 1, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )
    return _max_pool(x, slid, return_indices)


def max_pool1d_vjp(
    g, x, kernel, *, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False,
    indices=None,
):  # fmt: skip
    r"""Gradient in x of :func:`max_pool1d`, from the gradient `g` in its result.

    .. math:: \bar x_{ncj} = \sum_{i:\ j \text{ is the maximum of window } i} \bar y_{nci}

    Parameters
    ----------
    g : array_like of real numbers, shape (N, C, o)
        Cotangent: the gradient of a scalar in y. With `return_indices` it may be a pair, of which
        the second, for the indices, is not read.
    x : array_like of real numbers
        As given to :func:`max_pool1d`.
    kernel, stride, padding, dilation, ceil_mode, return_indices
        As given to :func:`max_pool1d`.
    indices : array_like of int, optional
        What :func:`max_pool1d` returned as `indices`, to save finding the maxima again.

    Returns
    -------
    x_bar : ndarray, shape of x
        In the common dtype of `g` and `x`.

    Raises
    ------
    TypeError
        If an array does not hold real numbers, or an option or `indices` no integers.
    ValueError
        If the shapes do not fit, or `indices` are no places in `x`.

    Notes
    -----
    Where entries tie, the maximum has no derivative; the first of them, row by row, gets all.

    Examples
    --------
    >>> print(max_pool1d_vjp([[[10.0, 20.0]]], [[[1.0, 5.0, 5.0]]], 2, stride=1))
    [[[ 0. 30.  0.]]]
    """
    x, slid = check_pooling(
        x, kernel, 1, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )
    return _max_pool_vjp(g, x, slid, return_indices, indices)


def max_pool2d(
    x, kernel, *, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
):
    r"""Return the largest entry of every window of an image.

    .. math:: y_{ncij} = \max_{u,v}\; x_{nc,\,si+du-p,\,sj+dv-p}

    Parameters
    ----------
    x : array_like of real numbers, shape (N, C, height, width)
        Images, channels first.
    kernel : int or (int, int)
        Size of a window.
    stride : int or (int, int), optional
        Entries from one window to the next; by default `kernel`, so that none overlap.
    padding : str, int, or one int or pair for each spatial axis
        Entries of :math:`-\infty` around `x`, as :func:`conv2d` takes them; at most half of a
        window's span.
    dilation : int or (int, int)
        Entries from one tap of the window to the next.
    ceil_mode : bool
        Give entries after the last whole window one that hangs over, unless it would start past
        the last entry.
    return_indices : bool
        Return the places of the maxima too.

    Returns
    -------
    y : ndarray, shape (N, C, o_height, o_width)
        Same dtype as `x` (integers give float64). A window with a NaN gives NaN.
    indices : ndarray of int, shape of y; only with `return_indices`
        Row times width plus column of the maximum, the first of several.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or an option no integers.
    ValueError
        If a window does not fit, would hold padding alone, or an option is out of range.

    See Also
    --------
    max_pool2d_vjp : the gradient.
    conv_output_size : the number of windows along an axis.

    Examples
    --------
    >>> x = np.array([[[[1.0, 2.0, 0.0, 0.0], [3.0, 4.0, 0.0, 9.0]]]])
    >>> y, indices = max_pool2d(x, 2, return_indices=True)
    >>> print(y, indices)
    [[[[4. 9.]]]] [[[[5 7]]]]
    """
    x, slid = check_pooling(
        x, kernel, 2, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )
    return _max_pool(x, slid, return_indices)


def max_pool2d_vjp(
    g, x, kernel, *, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False,
    indices=None,
):  # fmt: skip
    r"""Gradient in x of :func:`max_pool2d`, from the gradient `g` in its result.

    .. math:: \bar x_{ncj} = \sum_{i:\ j \text{ is the maximum of window } i} \bar y_{nci}

    Parameters
    ----------
    g : array_like of real numbers, shape (N, C, o_height, o_width)
        Cotangent: the gradient of a scalar in y. With `return_indices` it may be a pair, of which
        the second, for the indices, is not read.
    x : array_like of real numbers
        As given to :func:`max_pool2d`.
    kernel, stride, padding, dilation, ceil_mode, return_indices
        As given to :func:`max_pool2d`.
    indices : array_like of int, optional
        What :func:`max_pool2d` returned as `indices`, to save finding the maxima again.

    Returns
    -------
    x_bar : ndarray, shape of x
        In the common dtype of `g` and `x`.

    Raises
    ------
    TypeError
        If an array does not hold real numbers, or an option or `indices` no integers.
    ValueError
        If the shapes do not fit, or `indices` are no places in `x`.

    Notes
    -----
    Where entries tie, the maximum has no derivative; the first of them, row by row, gets all.

    Examples
    --------
    >>> x = np.array([[[[1.0, 2.0, 0.0, 0.0], [3.0, 4.0, 0.0, 9.0]]]])
    >>> print(max_pool2d_vjp([[[[10.0, 20.0]]]], x, 2)[0, 0])
    [[ 0.  0.  0.  0.]
     [ 0. 10.  0. 20.]]
    """
    x, slid = check_pooling(
        x, kernel, 2, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )
    return _max_pool_vjp(g, x, slid, return_indices, indices)


def max_pool3d(
    x, kernel, *, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
):
    r"""Return the largest entry of every window of a volume.

    .. math:: y_{nc,ijk} = \max_{u,v,t}\; x_{nc,\,si+du-p,\,sj+dv-p,\,sk+dt-p}

    Parameters
    ----------
    x : array_like of real numbers, shape (N, C, depth, height, width)
        Volumes or films, channels first.
    kernel : int or (int, int, int)
        Size of a window.
    stride : int or (int, int, int), optional
        Entries from one window to the next; by default `kernel`, so that none overlap.
    padding : str, int, or one int or pair for each spatial axis
        Entries of :math:`-\infty` around `x`, as :func:`conv3d` takes them; at most half of a
        window's span.
    dilation : int or (int, int, int)
        Entries from one tap of the window to the next.
    ceil_mode : bool
        Give entries after the last whole window one that hangs over, unless it would start past
        the last entry.
    return_indices : bool
        Return the places of the maxima too.

    Returns
    -------
    y : ndarray, shape (N, C, o_depth, o_height, o_width)
        Same dtype as `x` (integers give float64). A window with a NaN gives NaN.
    indices : ndarray of int, shape of y; only with `return_indices`
        Place of the maximum in the volume written out row by row, the first of several.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or an option no integers.
    ValueError
        If a window does not fit, would hold padding alone, or an option is out of range.

    See Also
    --------
    max_pool3d_vjp : the gradient.
    conv_output_size : the number of windows along an axis.

    Examples
    --------
    >>> x = np.arange(24.0).reshape(1, 1, 2, 3, 4)
    >>> print(max_pool3d(x, (2, 3, 2)))
    [[[[[21. 23.]]]]]
    """
    x, slid = check_pooling(
        x, kernel, 3, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )
    return _max_pool(x, slid, return_indices)


def max_pool3d_vjp(
    g, x, kernel, *, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False,
    indices=None,
):  # fmt: skip
    r"""Gradient in x of :func:`max_pool3d`, from the gradient `g` in its result.

    .. math:: \bar x_{ncj} = \sum_{i:\ j \text{ is the maximum of window } i} \bar y_{nci}

    Parameters
    ----------
    g : array_like of real numbers, shape (N, C, o_depth, o_height, o_width)
        Cotangent: the gradient of a scalar in y. With `return_indices` it may be a pair, of which
        the second, for the indices, is not read.
    x : array_like of real numbers
        As given to :func:`max_pool3d`.
    kernel, stride, padding, dilation, ceil_mode, return_indices
        As given to :func:`max_pool3d`.
    indices : array_like of int, optional
        What :func:`max_pool3d` returned as `indices`, to save finding the maxima again.

    Returns
    -------
    x_bar : ndarray, shape of x
        In the common dtype of `g` and `x`.

    Raises
    ------
    TypeError
        If an array does not hold real numbers, or an option or `indices` no integers.
    ValueError
        If the shapes do not fit, or `indices` are no places in `x`.

    Notes
    -----
    Where entries tie, the maximum has no derivative; the first of them, row by row, gets all.

    Examples
    --------
    >>> x = np.arange(4.0).reshape(1, 1, 1, 2, 2)
    >>> print(max_pool3d_vjp(np.ones((1, 1, 1, 1, 1)), x, (1, 2, 2)).ravel())
    [0. 0. 0. 1.]
    """
    x, slid = check_pooling(
        x, kernel, 3, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )
    return _max_pool_vjp(g, x, slid, return_indices, indices)


def _max_pool(x, slid, return_indices):
    pair = check_flag(return_indices, "return_indices")
    y = _maxima(x, slid)
    return (y, _indices(x, y, slid)) if pair else y


def _maxima(x, slid):
    y = np.full((*x.shape[:2], *slid.count), -np.inf, x.dtype)
    with np.errstate(invalid="ignore"):
        for _, out, met in taps(slid):
            np.maximum(y[out], x[met], out=y[out])
    return y


def _indices(x, y, slid):
    """Return the flat index of the first maximum of every window, or of its first NaN."""
    backwards = list(taps(slid))[::-1]
    last = np.zeros(y.shape, np.intp)  # which tap, counted backwards, is the last with the maximum
    missing = bool(np.isnan(y).any())
    for number, (_, out, met) in enumerate(backwards, 1):
        hit = x[met] == y[out]
        if missing:
            hit |= np.isnan(x[met])
        np.maximum(last[out], number * hit, out=last[out])
    offsets = np.array([offset for offset, _, _ in backwards])
    return offsets[last - 1] + first_entries(slid)


def _max_pool_vjp(g, x, slid, return_indices, indices):
    g = g[0] if check_flag(return_indices, "return_indices") and isinstance(g, tuple) else g
    shape = (*x.shape[:2], *slid.count)
    g, dtype = check_cotangent(g, shape, f"max_pool{len(slid.size)}d", x.dtype)
    size = math.prod(slid.size)
    if indices is None:
        indices = _indices(x, _maxima(x, slid), slid)
    else:
        indices = _check_indices(indices, shape, size)
    planes = np.arange(math.prod(x.shape[:2])).reshape(*x.shape[:2], *[1] * len(slid.size))
    x_bar = np.zeros(x.size, g.dtype)
    with np.errstate(all="ignore"):
        np.add.at(x_bar, (indices + size * planes).ravel(), g.ravel())
        return x_bar.reshape(x.shape).astype(dtype, copy=False)


def _check_indices(indices, shape, size):
    indices = np.asarray(indices)
    if indices.dtype.kind not in "iu":
        raise TypeError(f"indices must be integers, but their dtype is {indices.dtype}")
    if indices.shape != shape:
        raise ValueError(
            f"indices must have the shape of the result, {shape}, but their shape is "
            f"{indices.shape}"
        )
    if indices.size and not (indices.min() >= 0 and indices.max() < size):
        raise ValueError(
            f"indices must be places in x, from 0 to {size - 1}, but they reach from "
            f"{indices.min()} to {indices.max()}"
        )
    return indices.astype(np.intp, copy=False)
