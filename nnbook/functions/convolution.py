r"""Convolution over one, two or three spatial axes, and what flows back through it.

As everywhere in the field, the kernel is not flipped: this is a cross-correlation.
"""

import numpy as np

from nnbook.functions._columns import correlate, correlate_vjp
from nnbook.functions._filters import bias_gradient, check_cotangent, check_layer, rounded
from nnbook.functions._windows import windows_over


def conv1d(x, W, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    r"""Slide filters along a sequence and take a weighted sum at every place.

    .. math:: y_{noi} = b_o + \sum_{c,u} w_{ocu}\,x_{nc,\,si+du-p}

    with stride s, dilation d and p zeros of padding before the first entry of an axis.

    Parameters
    ----------
    x : array_like of real numbers, shape (N, C_in, n)
        Sequences, channels first; a single sequence is a batch of one.
    W : array_like of real numbers, shape (C_out, C_in / groups, k)
        Filters, one output per row. The kernel is not flipped: this is a cross-correlation.
    b : array_like of real numbers, shape (C_out,), optional
        Biases.
    stride : int
        Entries from one window to the next.
    padding : str, int, or one int or pair for each spatial axis
        Zeros around `x`: an integer counts them at both ends of an axis, a pair (before, after)
        at each. "valid" is 0. "same" pads until there are :math:`\lceil n / s \rceil` windows
        along an axis of n entries; if their number is odd, the last zero goes after the entries,
        or before them by "same_lower".
    dilation : int
        Entries from one of the kernel's taps to the next.
    groups : int
        The channels are divided, in order, into so many groups, each with its own outputs.
        ``groups=C_in`` is a depthwise convolution.

    Returns
    -------
    ndarray, shape (N, C_out, o)
        Along an axis, :func:`~nnbook.functions.conv_output_size` windows, in the common dtype of
        the arguments (integers give float64).

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or an option no integers.
    ValueError
        If the shapes do not fit, or the kernel does not fit into the padded `x`.

    See Also
    --------
    conv1d_vjp : the gradients.
    conv_transpose1d : the transpose of the map x to y.

    Notes
    -----
    Method and error bound are those of :func:`conv2d`.

    Examples
    --------
    >>> print(conv1d([[[0.0, 0.0, 1.0, 3.0]]], [[[-1.0, 1.0]]]))
    [[[0. 1. 2.]]]
    >>> print(conv1d([[[1.0, 2.0, 3.0]]], [[[1.0, 1.0]]], padding="same"))  # a zero after the last
    [[[3. 5. 3.]]]
    """
    return _conv(1, x, W, b, stride, padding, dilation, groups)


def conv1d_vjp(g, x, W, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    r"""Gradients in x, W and b of :func:`conv1d`, from the gradient `g` in its result.

    .. math:: \bar x_{nc,\,si+du-p} \mathrel{+}= \sum_o w_{ocu}\,\bar y_{noi}
              \quad\text{for all } i, u, \qquad
              \bar w_{ocu} = \sum_{n,i} \bar y_{noi}\,x_{nc,\,si+du-p}, \qquad
              \bar b_o = \sum_{n,i} \bar y_{noi}

    Parameters
    ----------
    g : array_like of real numbers, shape (N, C_out, o)
        Cotangent: the gradient of a scalar in ``conv1d(x, W, b, ...)``.
    x, W, b : array_like of real numbers
        As given to :func:`conv1d`.
    stride, padding, dilation, groups
        As given to :func:`conv1d`.

    Returns
    -------
    x_bar : ndarray, shape of x
    W_bar : ndarray, shape of W
    b_bar : ndarray, shape of b; None without biases
        All in the common dtype of the arguments.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or an option no integers.
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> x_bar, W_bar, b_bar = conv1d_vjp([[[1.0, 1.0]]], [[[1.0, 2.0, 4.0]]], [[[5.0, 7.0]]])
    >>> print(x_bar, W_bar, b_bar)
    [[[ 5. 12.  7.]]] [[[3. 6.]]] None
    """
    return _conv_vjp(1, g, x, W, b, stride, padding, dilation, groups)


def conv2d(x, W, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    r"""Slide filters over images and take a weighted sum at every place.

    .. math:: y_{noij} = b_o + \sum_{c,u,v} w_{ocuv}\,x_{nc,\,si+du-p,\,sj+dv-p}

    with stride s, dilation d and p zeros of padding before the first entry of an axis.

    Parameters
    ----------
    x : array_like of real numbers, shape (N, C_in, height, width)
        Images, channels first; a single image is a batch of one.
    W : array_like of real numbers, shape (C_out, C_in / groups, k_height, k_width)
        Filters, one output per row. The kernel is not flipped: this is a cross-correlation.
    b : array_like of real numbers, shape (C_out,), optional
        Biases.
    stride : int or (int, int)
        Entries from one window to the next.
    padding : str, int, or one int or pair for each spatial axis
        Zeros around `x`: an integer counts them at both ends of an axis, a pair (before, after)
        at each. "valid" is 0. "same" pads until there are :math:`\lceil n / s \rceil` windows
        along an axis of n entries; if their number is odd, the last zero goes after the entries,
        or before them by "same_lower".
    dilation : int or (int, int)
        Entries from one of the kernel's taps to the next.
    groups : int
        The channels are divided, in order, into so many groups, each with its own outputs.
        ``groups=C_in`` is a depthwise convolution.

    Returns
    -------
    ndarray, shape (N, C_out, o_height, o_width)
        Along an axis, :func:`~nnbook.functions.conv_output_size` windows, in the common dtype of
        the arguments (integers give float64).

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or an option no integers.
    ValueError
        If the shapes do not fit, or the kernel does not fit into the padded `x`.

    See Also
    --------
    conv2d_vjp : the gradients.
    conv_transpose2d : the transpose of the map x to y.

    Notes
    -----
    Images become columns of entries that the kernel meets, and one product of matrices takes all
    the sums [1]_. Products are taken in the result's dtype, float16 in float32. Each entry is
    within :math:`8 \varepsilon \sqrt{m}` of its terms' absolute sum, for m terms.

    Padding is multiplied like any other entry, so an infinite weight, or an infinite cotangent,
    turns it into NaN. Apart from that NaN and infinity reach what their windows see and no more.

    References
    ----------
    .. [1] Chellapilla, Puri & Simard, Tenth International Workshop on Frontiers in Handwriting
       Recognition, 2006, https://inria.hal.science/inria-00112631.

    Examples
    --------
    A filter that takes the difference of neighbours finds the edge of a step:

    >>> x = np.array([[[[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]]]])
    >>> print(conv2d(x, [[[[-1.0, 1.0]]]])[0, 0])
    [[0. 1. 0.]
     [0. 1. 0.]]
    >>> conv2d(x, np.ones((8, 1, 3, 3)), padding="same", stride=2).shape
    (1, 8, 1, 2)
    """
    return _conv(2, x, W, b, stride, padding, dilation, groups)


def conv2d_vjp(g, x, W, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    r"""Gradients in x, W and b of :func:`conv2d`, from the gradient `g` in its result.

    .. math:: \begin{gathered}
              \bar x_{nc,\,si+du-p,\,sj+dv-p} \mathrel{+}= \sum_o w_{ocuv}\,\bar y_{noij}
              \quad\text{for all } i, j, u, v \\
              \bar w_{ocuv} = \sum_{n,i,j} \bar y_{noij}\,x_{nc,\,si+du-p,\,sj+dv-p}, \qquad
              \bar b_o = \sum_{n,i,j} \bar y_{noij}
              \end{gathered}

    Parameters
    ----------
    g : array_like of real numbers, shape (N, C_out, o_height, o_width)
        Cotangent: the gradient of a scalar in ``conv2d(x, W, b, ...)``.
    x, W, b : array_like of real numbers
        As given to :func:`conv2d`.
    stride, padding, dilation, groups
        As given to :func:`conv2d`.

    Returns
    -------
    x_bar : ndarray, shape of x
    W_bar : ndarray, shape of W
    b_bar : ndarray, shape of b; None without biases
        All in the common dtype of the arguments.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or an option no integers.
    ValueError
        If the shapes do not fit.

    Notes
    -----
    The first is the transposed convolution, :func:`conv_transpose2d`; the second is itself a
    correlation, of `x` with `g`. The error bound is that of :func:`conv2d`.

    Examples
    --------
    >>> x, W = np.arange(4.0).reshape(1, 1, 2, 2), np.array([[[[10.0, 1.0]]]])
    >>> x_bar, W_bar, b_bar = conv2d_vjp(np.ones((1, 1, 2, 1)), x, W, [0.0])
    >>> print(x_bar[0, 0].tolist(), W_bar[0, 0].tolist(), b_bar.tolist())
    [[10.0, 1.0], [10.0, 1.0]] [[2.0, 4.0]] [2.0]
    """
    return _conv_vjp(2, g, x, W, b, stride, padding, dilation, groups)


def conv3d(x, W, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    r"""Slide filters through volumes and take a weighted sum at every place.

    .. math:: y_{no,ijk} = b_o
              + \sum_{c,u,v,t} w_{oc,uvt}\,x_{nc,\,si+du-p,\,sj+dv-p,\,sk+dt-p}

    with stride s, dilation d and p zeros of padding before the first entry of an axis.

    Parameters
    ----------
    x : array_like of real numbers, shape (N, C_in, depth, height, width)
        Volumes or films, channels first; a single one is a batch of one.
    W : array_like of real numbers, shape (C_out, C_in / groups, k_depth, k_height, k_width)
        Filters, one output per row. The kernel is not flipped: this is a cross-correlation.
    b : array_like of real numbers, shape (C_out,), optional
        Biases.
    stride : int or (int, int, int)
        Entries from one window to the next.
    padding : str, int, or one int or pair for each spatial axis
        Zeros around `x`: an integer counts them at both ends of an axis, a pair (before, after)
        at each. "valid" is 0. "same" pads until there are :math:`\lceil n / s \rceil` windows
        along an axis of n entries; if their number is odd, the last zero goes after the entries,
        or before them by "same_lower".
    dilation : int or (int, int, int)
        Entries from one of the kernel's taps to the next.
    groups : int
        The channels are divided, in order, into so many groups, each with its own outputs.
        ``groups=C_in`` is a depthwise convolution.

    Returns
    -------
    ndarray, shape (N, C_out, o_depth, o_height, o_width)
        Along an axis, :func:`~nnbook.functions.conv_output_size` windows, in the common dtype of
        the arguments (integers give float64).

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or an option no integers.
    ValueError
        If the shapes do not fit, or the kernel does not fit into the padded `x`.

    See Also
    --------
    conv3d_vjp : the gradients.
    conv_transpose3d : the transpose of the map x to y.

    Notes
    -----
    Method and error bound are those of :func:`conv2d`.

    Examples
    --------
    >>> conv3d(np.ones((2, 3, 4, 5, 6)), np.ones((7, 3, 2, 2, 2))).shape
    (2, 7, 3, 4, 5)
    >>> print(conv3d(np.ones((1, 3, 4, 5, 6)), np.ones((1, 3, 2, 2, 2)), [0.5])[0, 0, 0, 0])
    [24.5 24.5 24.5 24.5 24.5]
    """
    return _conv(3, x, W, b, stride, padding, dilation, groups)


def conv3d_vjp(g, x, W, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    r"""Gradients in x, W and b of :func:`conv3d`, from the gradient `g` in its result.

    .. math:: \begin{gathered}
              \bar x_{nc,\,si+du-p,\,sj+dv-p,\,sk+dt-p} \mathrel{+}=
              \sum_o w_{oc,uvt}\,\bar y_{no,ijk} \quad\text{for all } i, j, k, u, v, t \\
              \bar w_{oc,uvt} =
              \sum_{n,i,j,k} \bar y_{no,ijk}\,x_{nc,\,si+du-p,\,sj+dv-p,\,sk+dt-p}, \qquad
              \bar b_o = \sum_{n,i,j,k} \bar y_{no,ijk}
              \end{gathered}

    Parameters
    ----------
    g : array_like of real numbers, shape (N, C_out, o_depth, o_height, o_width)
        Cotangent: the gradient of a scalar in ``conv3d(x, W, b, ...)``.
    x, W, b : array_like of real numbers
        As given to :func:`conv3d`.
    stride, padding, dilation, groups
        As given to :func:`conv3d`.

    Returns
    -------
    x_bar : ndarray, shape of x
    W_bar : ndarray, shape of W
    b_bar : ndarray, shape of b; None without biases
        All in the common dtype of the arguments.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or an option no integers.
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> g, x, W = np.ones((1, 1, 1, 2, 2)), np.ones((1, 1, 2, 3, 2)), np.ones((1, 1, 2, 2, 1))
    >>> x_bar, W_bar, b_bar = conv3d_vjp(g, x, W)
    >>> print(x_bar[0, 0, 0].tolist(), W_bar.ravel().tolist(), b_bar)
    [[1.0, 1.0], [2.0, 2.0], [1.0, 1.0]] [4.0, 4.0, 4.0, 4.0] None
    """
    return _conv_vjp(3, g, x, W, b, stride, padding, dilation, groups)


def _conv(axes, x, W, b, stride, padding, dilation, groups):
    x, W, b, groups, dtype = check_layer(x, W, b, axes, groups)
    slid = windows_over(x, W, stride, padding, dilation)
    with np.errstate(all="ignore"):
        return correlate(x, W, slid, groups, b).astype(dtype, copy=False)


def _conv_vjp(axes, g, x, W, b, stride, padding, dilation, groups):
    x, W, b, groups, dtype = check_layer(x, W, b, axes, groups)
    slid = windows_over(x, W, stride, padding, dilation)
    name, shape = f"conv{axes}d", (len(x), len(W), *slid.count)
    g, dtype = check_cotangent(g, shape, name, dtype)
    with np.errstate(all="ignore"):
        return rounded(_gradients(g, x, W, b, slid, groups), dtype)


def _gradients(g, x, W, b, slid, groups, needed=(0, 1, 2)):
    x_bar = W_bar = None
    if 0 in needed or 1 in needed:
        given = x if 1 in needed else None, W if 0 in needed else None
        x_bar, W_bar = correlate_vjp(g, slid, groups, *given)
    return x_bar, W_bar, bias_gradient(g, b) if 2 in needed else None


def _unchecked(g, x, W, b=None, *, needed, stride=1, padding=0, dilation=1, groups=1):
    slid = windows_over(x, W, stride, padding, dilation)
    return _gradients(g, x, W, b, slid, groups, needed)


for _vjp in (conv1d_vjp, conv2d_vjp, conv3d_vjp):
    _vjp.unchecked = _unchecked
