r"""Average pooling: the mean of every window."""

import numpy as np

from nnbook.functions._filters import check_cotangent
from nnbook.functions._pooling import check_pooling, divisors, mean, spread, sums
from nnbook.functions._validate import product_dtype


def avg_pool1d(x, kernel, *, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    r"""Return the mean of every window of a sequence.

    .. math:: y_{nci} = \frac{1}{m_i} \sum_{u} x_{nc,\,si+u-p}

    Parameters
    ----------
    x : array_like of real numbers, shape (N, C, n)
        Sequences, channels first.
    kernel : int
        Size of a window.
    stride : int, optional
        Entries from one window to the next; by default `kernel`, so that none overlap.
    padding : str, int, or one int or pair for each spatial axis
        Zeros around `x`, as :func:`conv1d` takes them; at most half of a window.
    ceil_mode : bool
        Give entries after the last whole window one that hangs over, unless it would start past
        the last entry. What hangs over the padding too is not counted.
    count_include_pad : bool
        Count the padding's zeros in the mean, or leave them out.

    Returns
    -------
    ndarray, shape (N, C, o)
        Same dtype as `x` (integers give float64).

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or an option no integers.
    ValueError
        If a window does not fit, or an option is out of range.

    See Also
    --------
    avg_pool1d_vjp : the gradient.
    conv_output_size : the number of windows along an axis.

    Notes
    -----
    Method and error bound are those of :func:`avg_pool2d`.

    Examples
    --------
    >>> print(avg_pool1d([[[1.0, 5.0, 2.0, 4.0]]], 2, padding=1))
    [[[0.5 3.5 2. ]]]
    >>> print(avg_pool1d([[[1.0, 5.0, 2.0, 4.0]]], 2, padding=1, count_include_pad=False))
    [[[1.  3.5 4. ]]]
    """
    x, slid = check_pooling(x, kernel, 1, stride=stride, padding=padding, ceil_mode=ceil_mode)
    return _avg_pool(x, slid, count_include_pad)


def avg_pool1d_vjp(
    g, x, kernel, *, stride=None, padding=0, ceil_mode=False, count_include_pad=True
):
    r"""Gradient in x of :func:`avg_pool1d`, from the gradient `g` in its result.

    .. math:: \bar x_{ncj} = \sum_{i:\ j \text{ in window } i} \frac{\bar y_{nci}}{m_i}

    with :math:`m_i` the number of entries that the mean of window i counts.

    Parameters
    ----------
    g : array_like of real numbers, shape (N, C, o)
        Cotangent: the gradient of a scalar in ``avg_pool1d(x, kernel, ...)``.
    x : array_like of real numbers
        As given to :func:`avg_pool1d`.
    kernel, stride, padding, ceil_mode, count_include_pad
        As given to :func:`avg_pool1d`.

    Returns
    -------
    ndarray, shape of x
        In the common dtype of `g` and `x`.

    Raises
    ------
    TypeError
        If an array does not hold real numbers, or an option no integers.
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> print(avg_pool1d_vjp([[[2.0, 4.0]]], [[[1.0, 5.0, 5.0]]], 2, stride=1))
    [[[1. 3. 2.]]]
    """
    x, slid = check_pooling(x, kernel, 1, stride=stride, padding=padding, ceil_mode=ceil_mode)
    return _avg_pool_vjp(g, x, slid, count_include_pad)


def avg_pool2d(x, kernel, *, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    r"""Return the mean of every window of an image.

    .. math:: y_{ncij} = \frac{1}{m_{ij}} \sum_{u,v} x_{nc,\,si+u-p,\,sj+v-p}

    Parameters
    ----------
    x : array_like of real numbers, shape (N, C, height, width)
        Images, channels first.
    kernel : int or (int, int)
        Size of a window.
    stride : int or (int, int), optional
        Entries from one window to the next; by default `kernel`, so that none overlap.
    padding : str, int, or one int or pair for each spatial axis
        Zeros around `x`, as :func:`conv2d` takes them; at most half of a window.
    ceil_mode : bool
        Give entries after the last whole window one that hangs over, unless it would start past
        the last entry. What hangs over the padding too is not counted.
    count_include_pad : bool
        Count the padding's zeros in the mean, or leave them out.

    Returns
    -------
    ndarray, shape (N, C, o_height, o_width)
        Same dtype as `x` (integers give float64).

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or an option no integers.
    ValueError
        If a window does not fit, or an option is out of range.

    See Also
    --------
    avg_pool2d_vjp : the gradient.
    conv_output_size : the number of windows along an axis.

    Notes
    -----
    Sums are taken axis by axis, in the dtype of `x`, float16 in float32. Each entry is within
    :math:`8 \varepsilon \sqrt{m}` of its terms' absolute sum, for m terms. A sum that overflows
    is taken again, scaled: the mean of finite entries is finite.

    Examples
    --------
    >>> print(avg_pool2d([[[[1.0, 2.0, 0.0, 0.0], [3.0, 4.0, 0.0, 8.0]]]], 2))
    [[[[2.5 2. ]]]]
    """
    x, slid = check_pooling(x, kernel, 2, stride=stride, padding=padding, ceil_mode=ceil_mode)
    return _avg_pool(x, slid, count_include_pad)


def avg_pool2d_vjp(
    g, x, kernel, *, stride=None, padding=0, ceil_mode=False, count_include_pad=True
):
    r"""Gradient in x of :func:`avg_pool2d`, from the gradient `g` in its result.

    .. math:: \bar x_{ncj} = \sum_{i:\ j \text{ in window } i} \frac{\bar y_{nci}}{m_i}

    with :math:`m_i` the number of entries that the mean of window i counts.

    Parameters
    ----------
    g : array_like of real numbers, shape (N, C, o_height, o_width)
        Cotangent: the gradient of a scalar in ``avg_pool2d(x, kernel, ...)``.
    x : array_like of real numbers
        As given to :func:`avg_pool2d`.
    kernel, stride, padding, ceil_mode, count_include_pad
        As given to :func:`avg_pool2d`.

    Returns
    -------
    ndarray, shape of x
        In the common dtype of `g` and `x`.

    Raises
    ------
    TypeError
        If an array does not hold real numbers, or an option no integers.
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> print(avg_pool2d_vjp([[[[4.0, 8.0]]]], np.ones((1, 1, 2, 4)), 2)[0, 0])
    [[1. 1. 2. 2.]
     [1. 1. 2. 2.]]
    """
    x, slid = check_pooling(x, kernel, 2, stride=stride, padding=padding, ceil_mode=ceil_mode)
    return _avg_pool_vjp(g, x, slid, count_include_pad)


def avg_pool3d(x, kernel, *, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    r"""Return the mean of every window of a volume.

    .. math:: y_{nc,ijk} = \frac{1}{m_{ijk}} \sum_{u,v,t} x_{nc,\,si+u-p,\,sj+v-p,\,sk+t-p}

    Parameters
    ----------
    x : array_like of real numbers, shape (N, C, depth, height, width)
        Volumes or films, channels first.
    kernel : int or (int, int, int)
        Size of a window.
    stride : int or (int, int, int), optional
        Entries from one window to the next; by default `kernel`, so that none overlap.
    padding : str, int, or one int or pair for each spatial axis
        Zeros around `x`, as :func:`conv3d` takes them; at most half of a window.
    ceil_mode : bool
        Give entries after the last whole window one that hangs over, unless it would start past
        the last entry. What hangs over the padding too is not counted.
    count_include_pad : bool
        Count the padding's zeros in the mean, or leave them out.

    Returns
    -------
    ndarray, shape (N, C, o_depth, o_height, o_width)
        Same dtype as `x` (integers give float64).

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, or an option no integers.
    ValueError
        If a window does not fit, or an option is out of range.

    See Also
    --------
    avg_pool3d_vjp : the gradient.
    conv_output_size : the number of windows along an axis.

    Notes
    -----
    Method and error bound are those of :func:`avg_pool2d`.

    Examples
    --------
    >>> x = np.arange(24.0).reshape(1, 1, 2, 3, 4)
    >>> print(avg_pool3d(x, (2, 3, 2)))
    [[[[[10.5 12.5]]]]]
    """
    x, slid = check_pooling(x, kernel, 3, stride=stride, padding=padding, ceil_mode=ceil_mode)
    return _avg_pool(x, slid, count_include_pad)


def avg_pool3d_vjp(
    g, x, kernel, *, stride=None, padding=0, ceil_mode=False, count_include_pad=True
):
    r"""Gradient in x of :func:`avg_pool3d`, from the gradient `g` in its result.

    .. math:: \bar x_{ncj} = \sum_{i:\ j \text{ in window } i} \frac{\bar y_{nci}}{m_i}

    with :math:`m_i` the number of entries that the mean of window i counts.

    Parameters
    ----------
    g : array_like of real numbers, shape (N, C, o_depth, o_height, o_width)
        Cotangent: the gradient of a scalar in ``avg_pool3d(x, kernel, ...)``.
    x : array_like of real numbers
        As given to :func:`avg_pool3d`.
    kernel, stride, padding, ceil_mode, count_include_pad
        As given to :func:`avg_pool3d`.

    Returns
    -------
    ndarray, shape of x
        In the common dtype of `g` and `x`.

    Raises
    ------
    TypeError
        If an array does not hold real numbers, or an option no integers.
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> x = np.arange(4.0).reshape(1, 1, 1, 2, 2)
    >>> print(avg_pool3d_vjp(np.ones((1, 1, 1, 1, 1)), x, (1, 2, 2)).ravel())
    [0.25 0.25 0.25 0.25]
    """
    x, slid = check_pooling(x, kernel, 3, stride=stride, padding=padding, ceil_mode=ceil_mode)
    return _avg_pool_vjp(g, x, slid, count_include_pad)


def _avg_pool(x, slid, count_include_pad):
    work = product_dtype(x.dtype)
    with np.errstate(all="ignore"):
        count = divisors(slid, count_include_pad, work)
        y = mean(x.astype(work, copy=False), lambda part: sums(part, slid), count)
        return y.astype(x.dtype, copy=False)


def _avg_pool_vjp(g, x, slid, count_include_pad):
    shape = (*x.shape[:2], *slid.count)
    g, dtype = check_cotangent(g, shape, f"avg_pool{len(slid.size)}d", x.dtype)
    with np.errstate(all="ignore"):
        share = g / divisors(slid, count_include_pad, g.dtype)
        return spread(share, slid).astype(dtype, copy=False)
