r"""Transposed convolution: the map that carries gradients back through a convolution, forwards.

Where a convolution with stride s gathers, and divides the size by about s, its transpose spreads,
and multiplies the size by about s. It is no inverse, though it is also called deconvolution.
"""

import numpy as np

from nnbook.functions._columns import correlate, correlate_vjp
from nnbook.functions._filters import bias_gradient, check_cotangent, check_layer, rounded
from nnbook.functions._windows import transposed_windows


def conv_transpose1d(x, W, b=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    r"""Stamp filters onto a longer sequence, weighted by every entry of a shorter one.

    .. math:: y_{no,\,si+du-p} \mathrel{+}= \sum_c w_{cou}\,x_{nci}
              \quad\text{for all } i, u, \text{ from } y_{no\cdot} = b_o

    with stride s, dilation d and p entries cut off before the first; what falls outside is dropped.

    Parameters
    ----------
    x : array_like of real numbers, shape (N, C_in, n)
        Sequences, channels first; a single sequence is a batch of one.
    W : array_like of real numbers, shape (C_in, C_out / groups, k)
        Filters, one *input* per row: those of the convolution that this is the transpose of.
    b : array_like of real numbers, shape (C_out,), optional
        Biases.
    stride : int
        Entries of the result from one stamp of the kernel to the next.
    padding : str, int, or one int or pair for each spatial axis
        Entries cut off the result: the padding of that convolution. An integer cuts at both ends
        of an axis, a pair (before, after) at each; "valid" is 0. "same" and "same_lower" give
        ``stride`` times the size of `x`.
    output_padding : int
        Entries added after the last, less than the stride or less than the dilation: all sizes
        from which the convolution comes to the size of `x` can be had.
    dilation : int
        Entries from one of the kernel's taps to the next.
    groups : int
        The channels are divided, in order, into so many groups, each with its own outputs.

    Returns
    -------
    ndarray, shape (N, C_out, o)
        An axis of m entries becomes
        :math:`(m-1)s - p_{\mathrm{before}} - p_{\mathrm{after}} + d(k-1) + 1 + p_{\mathrm{out}}`
        long. In the common dtype of the arguments (integers give float64).

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or an option no integers.
    ValueError
        If the shapes do not fit, the output padding is too large, or nothing is left of the result.

    See Also
    --------
    conv_transpose1d_vjp : the gradients.
    conv1d : the convolution, whose first gradient this is.

    Notes
    -----
    Method and error bound are those of :func:`conv_transpose2d`.

    Examples
    --------
    >>> print(conv_transpose1d([[[1.0, 2.0]]], [[[1.0, 10.0, 100.0]]], stride=2))
    [[[  1.  10. 102.  20. 200.]]]
    >>> print(conv_transpose1d([[[1.0, 2.0]]], [[[1.0, 10.0, 100.0]]], stride=2, padding="same"))
    [[[  1.  10. 102.  20.]]]
    """
    options = stride, padding, output_padding, dilation
    return _conv_transpose(1, x, W, b, options, groups)


def conv_transpose1d_vjp(
    g, x, W, b=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1
):
    r"""Gradients in x, W and b of :func:`conv_transpose1d`, from the gradient `g` in its result.

    .. math:: \bar x_{nci} = \sum_{o,u} w_{cou}\,\bar y_{no,\,si+du-p}, \qquad
              \bar w_{cou} = \sum_{n,i} x_{nci}\,\bar y_{no,\,si+du-p}, \qquad
              \bar b_o = \sum_{n,i} \bar y_{noi}

    Parameters
    ----------
    g : array_like of real numbers, shape (N, C_out, o)
        Cotangent: the gradient of a scalar in ``conv_transpose1d(x, W, b, ...)``.
    x, W, b : array_like of real numbers
        As given to :func:`conv_transpose1d`.
    stride, padding, output_padding, dilation, groups
        As given to :func:`conv_transpose1d`.

    Returns
    -------
    x_bar : ndarray, shape of x
        The convolution of `g`, without biases.
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
    >>> g, x, W = [[[1.0, 0.0, 0.0]]], [[[4.0, 5.0]]], [[[2.0, 3.0]]]
    >>> x_bar, W_bar, b_bar = conv_transpose1d_vjp(g, x, W)
    >>> print(x_bar, W_bar, b_bar)
    [[[2. 0.]]] [[[4. 0.]]] None
    """
    options = stride, padding, output_padding, dilation
    return _conv_transpose_vjp(1, g, x, W, b, options, groups)


def conv_transpose2d(x, W, b=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    r"""Stamp filters onto a larger image, weighted by every entry of a smaller one.

    .. math:: y_{no,\,si+du-p,\,sj+dv-p} \mathrel{+}= \sum_c w_{couv}\,x_{ncij}
              \quad\text{for all } i, j, u, v, \text{ from } y_{no\cdot\cdot} = b_o

    with stride s, dilation d and p entries cut off before the first; what falls outside is dropped.

    Parameters
    ----------
    x : array_like of real numbers, shape (N, C_in, height, width)
        Images, channels first; a single image is a batch of one.
    W : array_like of real numbers, shape (C_in, C_out / groups, k_height, k_width)
        Filters, one *input* per row: those of the convolution that this is the transpose of.
    b : array_like of real numbers, shape (C_out,), optional
        Biases.
    stride : int or (int, int)
        Entries of the result from one stamp of the kernel to the next.
    padding : str, int, or one int or pair for each spatial axis
        Entries cut off the result: the padding of that convolution. An integer cuts at both ends
        of an axis, a pair (before, after) at each; "valid" is 0. "same" and "same_lower" give
        ``stride`` times the size of `x`.
    output_padding : int or (int, int)
        Entries added after the last, less than the stride or less than the dilation: all sizes
        from which the convolution comes to the size of `x` can be had.
    dilation : int or (int, int)
        Entries from one of the kernel's taps to the next.
    groups : int
        The channels are divided, in order, into so many groups, each with its own outputs.

    Returns
    -------
    ndarray, shape (N, C_out, o_height, o_width)
        An axis of m entries becomes
        :math:`(m-1)s - p_{\mathrm{before}} - p_{\mathrm{after}} + d(k-1) + 1 + p_{\mathrm{out}}`
        long. In the common dtype of the arguments (integers give float64).

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or an option no integers.
    ValueError
        If the shapes do not fit, the output padding is too large, or nothing is left of the result.

    See Also
    --------
    conv_transpose2d_vjp : the gradients.
    conv2d : the convolution, whose first gradient this is.

    Notes
    -----
    One product of matrices gives what every tap adds, and each is added as a whole [1]_. Each
    entry is within :math:`8 \varepsilon \sqrt{m}` of its terms' absolute sum, for m terms.

    References
    ----------
    .. [1] Dumoulin & Visin, A guide to convolution arithmetic for deep learning, 2016,
       :doi:`10.48550/arXiv.1603.07285`.

    Examples
    --------
    >>> x = np.array([[[[1.0, 2.0]]]])
    >>> print(conv_transpose2d(x, np.ones((1, 1, 2, 2)), stride=2)[0, 0])
    [[1. 1. 2. 2.]
     [1. 1. 2. 2.]]

    It is the gradient of the convolution that takes the result's size to the size of `x`:

    >>> from nnbook.functions import conv2d_vjp
    >>> W = np.array([[[[1.0, 3.0]]]])
    >>> x_bar, _, _ = conv2d_vjp(x, np.zeros((1, 1, 1, 3)), W)
    >>> print(x_bar[0, 0], conv_transpose2d(x, W)[0, 0])
    [[1. 5. 6.]] [[1. 5. 6.]]
    """
    options = stride, padding, output_padding, dilation
    return _conv_transpose(2, x, W, b, options, groups)


def conv_transpose2d_vjp(
    g, x, W, b=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1
):
    r"""Gradients in x, W and b of :func:`conv_transpose2d`, from the gradient `g` in its result.

    .. math:: \begin{gathered}
              \bar x_{ncij} = \sum_{o,u,v} w_{couv}\,\bar y_{no,\,si+du-p,\,sj+dv-p} \\
              \bar w_{couv} = \sum_{n,i,j} x_{ncij}\,\bar y_{no,\,si+du-p,\,sj+dv-p}, \qquad
              \bar b_o = \sum_{n,i,j} \bar y_{noij}
              \end{gathered}

    Parameters
    ----------
    g : array_like of real numbers, shape (N, C_out, o_height, o_width)
        Cotangent: the gradient of a scalar in ``conv_transpose2d(x, W, b, ...)``.
    x, W, b : array_like of real numbers
        As given to :func:`conv_transpose2d`.
    stride, padding, output_padding, dilation, groups
        As given to :func:`conv_transpose2d`.

    Returns
    -------
    x_bar : ndarray, shape of x
        The convolution of `g`, without biases.
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
    >>> x, W = np.array([[[[1.0, 2.0]]]]), np.array([[[[1.0, 3.0]]]])
    >>> x_bar, W_bar, b_bar = conv_transpose2d_vjp([[[[1.0, 0.0, 0.0]]]], x, W, [0.0])
    >>> print(x_bar[0, 0], W_bar[0, 0], b_bar)
    [[1. 0.]] [[1. 0.]] [1.]
    """
    options = stride, padding, output_padding, dilation
    return _conv_transpose_vjp(2, g, x, W, b, options, groups)


def conv_transpose3d(x, W, b=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    r"""Stamp filters into a larger volume, weighted by every entry of a smaller one.

    .. math:: y_{no,\,si+du-p,\,sj+dv-p,\,sk+dt-p} \mathrel{+}= \sum_c w_{co,uvt}\,x_{nc,ijk}
              \quad\text{for all } i, j, k, u, v, t, \text{ from } y_{no\cdot\cdot\cdot} = b_o

    with stride s, dilation d and p entries cut off before the first; what falls outside is dropped.

    Parameters
    ----------
    x : array_like of real numbers, shape (N, C_in, depth, height, width)
        Volumes or films, channels first; a single one is a batch of one.
    W : array_like of real numbers, shape (C_in, C_out / groups, k_depth, k_height, k_width)
        Filters, one *input* per row: those of the convolution that this is the transpose of.
    b : array_like of real numbers, shape (C_out,), optional
        Biases.
    stride : int or (int, int, int)
        Entries of the result from one stamp of the kernel to the next.
    padding : str, int, or one int or pair for each spatial axis
        Entries cut off the result: the padding of that convolution. An integer cuts at both ends
        of an axis, a pair (before, after) at each; "valid" is 0. "same" and "same_lower" give
        ``stride`` times the size of `x`.
    output_padding : int or (int, int, int)
        Entries added after the last, less than the stride or less than the dilation: all sizes
        from which the convolution comes to the size of `x` can be had.
    dilation : int or (int, int, int)
        Entries from one of the kernel's taps to the next.
    groups : int
        The channels are divided, in order, into so many groups, each with its own outputs.

    Returns
    -------
    ndarray, shape (N, C_out, o_depth, o_height, o_width)
        An axis of m entries becomes
        :math:`(m-1)s - p_{\mathrm{before}} - p_{\mathrm{after}} + d(k-1) + 1 + p_{\mathrm{out}}`
        long. In the common dtype of the arguments (integers give float64).

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or an option no integers.
    ValueError
        If the shapes do not fit, the output padding is too large, or nothing is left of the result.

    See Also
    --------
    conv_transpose3d_vjp : the gradients.
    conv3d : the convolution, whose first gradient this is.

    Notes
    -----
    Method and error bound are those of :func:`conv_transpose2d`.

    Examples
    --------
    >>> conv_transpose3d(np.ones((2, 7, 3, 4, 5)), np.ones((7, 3, 2, 2, 2)), stride=2).shape
    (2, 3, 6, 8, 10)
    >>> x, W = np.ones((1, 1, 1, 1, 1)), np.full((1, 1, 1, 1, 3), 2.0)
    >>> print(conv_transpose3d(x, W, [0.5]).ravel())
    [2.5 2.5 2.5]
    """
    options = stride, padding, output_padding, dilation
    return _conv_transpose(3, x, W, b, options, groups)


def conv_transpose3d_vjp(
    g, x, W, b=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1
):
    r"""Gradients in x, W and b of :func:`conv_transpose3d`, from the gradient `g` in its result.

    .. math:: \begin{gathered}
              \bar x_{nc,ijk} =
              \sum_{o,u,v,t} w_{co,uvt}\,\bar y_{no,\,si+du-p,\,sj+dv-p,\,sk+dt-p} \\
              \bar w_{co,uvt} =
              \sum_{n,i,j,k} x_{nc,ijk}\,\bar y_{no,\,si+du-p,\,sj+dv-p,\,sk+dt-p}, \qquad
              \bar b_o = \sum_{n,i,j,k} \bar y_{no,ijk}
              \end{gathered}

    Parameters
    ----------
    g : array_like of real numbers, shape (N, C_out, o_depth, o_height, o_width)
        Cotangent: the gradient of a scalar in ``conv_transpose3d(x, W, b, ...)``.
    x, W, b : array_like of real numbers
        As given to :func:`conv_transpose3d`.
    stride, padding, output_padding, dilation, groups
        As given to :func:`conv_transpose3d`.

    Returns
    -------
    x_bar : ndarray, shape of x
        The convolution of `g`, without biases.
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
    >>> g, x, W = np.ones((1, 1, 1, 2, 3)), np.ones((1, 1, 1, 2, 2)), np.ones((1, 1, 1, 1, 2))
    >>> x_bar, W_bar, b_bar = conv_transpose3d_vjp(g, x, W)
    >>> print(x_bar.ravel().tolist(), W_bar.ravel().tolist(), b_bar)
    [2.0, 2.0, 2.0, 2.0] [4.0, 4.0] None
    """
    options = stride, padding, output_padding, dilation
    return _conv_transpose_vjp(3, g, x, W, b, options, groups)


def _conv_transpose(axes, x, W, b, options, groups):
    x, W, b, groups, dtype = check_layer(x, W, b, axes, groups, transposed=True)
    slid = transposed_windows(x.shape[2:], W.shape[2:], *options)
    with np.errstate(all="ignore"):
        y, _ = correlate_vjp(x, slid, groups, W=W)
        if b is not None:
            y += b.reshape(-1, *[1] * len(slid.size))
        return y.astype(dtype, copy=False)


def _conv_transpose_vjp(axes, g, x, W, b, options, groups):
    x, W, b, groups, dtype = check_layer(x, W, b, axes, groups, transposed=True)
    slid = transposed_windows(x.shape[2:], W.shape[2:], *options)
    name, shape = f"conv_transpose{axes}d", (len(x), W.shape[1] * groups, *slid.size)
    g, dtype = check_cotangent(g, shape, name, dtype)
    with np.errstate(all="ignore"):
        _, W_bar = correlate_vjp(x, slid, groups, x=g)
        return rounded((correlate(g, W, slid, groups), W_bar, bias_gradient(g, b)), dtype)
