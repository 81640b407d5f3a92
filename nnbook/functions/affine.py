r"""The affine layer: Z = A Wᵀ + 1bᵀ, what flows back through it, and what it costs."""

import itertools

import numpy as np

from nnbook.functions._validate import (
    as_float,
    check_count,
    check_matrix,
    common_dtype,
    product_dtype,
    quiet,
)


@quiet
def affine(A, W, b):
    r"""Apply an affine map to every row.

    .. math:: Z = A W^\top + \mathbf 1 b^\top, \qquad
              Z_{ij} = \sum_{k=1}^{n_{\mathrm{in}}} A_{ik} W_{jk} + b_j

    Parameters
    ----------
    A : array_like of real numbers, shape (N, n_in)
        Activations of the layer below, one example per row. A single example is one row.
    W : array_like of real numbers, shape (n_out, n_in)
        Weights, one output per row.
    b : array_like of real numbers, shape (n_out,)
        Biases.

    Returns
    -------
    ndarray, shape (N, n_out)
        Pre-activations, in the common dtype of the arguments (integers give float64).

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes do not fit. The message names the axes and the likely mistake.

    Notes
    -----
    Products are taken in that dtype, float16 in float32. Each entry is within
    :math:`8 \varepsilon \sqrt{n_{\mathrm{in}} + 1}` of its terms' absolute sum.

    ``W @ A + b``, which is right for one example as a column, is wrong for a batch of rows. It
    raises unless N = n_in, and then runs and is wrong.

    Examples
    --------
    >>> print(affine([[1.0, 2.0]], [[1.0, 1.0], [1.0, -1.0], [0.0, 3.0]], [0.0, 10.0, 0.0]))
    [[3. 9. 6.]]
    """
    A, W, b, dtype = _layer(A, W, b)
    return (A @ W.T + b).astype(dtype, copy=False)


@quiet
def affine_vjp(g, A, W, b):
    r"""Gradients in A, W and b, from the gradient `g` in Z.

    .. math:: \bar A = g\,W, \qquad \bar W = g^\top A, \qquad \bar b = g^\top \mathbf 1

    Parameters
    ----------
    g : array_like of real numbers, shape (N, n_out)
        Cotangent: the gradient of a scalar in ``affine(A, W, b)``. With Δ, the loss's gradient
        with its 1/N, the three results are the book's error passed back, dW and db.
    A, W, b : array_like of real numbers
        As given to :func:`affine`.

    Returns
    -------
    A_bar : ndarray, shape (N, n_in)
    W_bar : ndarray, shape (n_out, n_in)
    b_bar : ndarray, shape (n_out,)
        All in the common dtype of the arguments.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes do not fit. The message names the axes and the likely mistake.

    Examples
    --------
    >>> g, A, W, b = [[1.0], [1.0]], [[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]], [0.0]
    >>> A_bar, W_bar, b_bar = affine_vjp(g, A, W, b)
    >>> print(A_bar.tolist(), W_bar.tolist(), b_bar.tolist())
    [[5.0, 6.0], [5.0, 6.0]] [[4.0, 6.0]] [2.0]
    """
    g = as_float(g, "g")
    A, W, b, dtype = _layer(A, W, b)
    if g.shape != (len(A), len(W)):
        message = (
            f"g must have the shape of affine(A, W, b), (N, n_out) = {(len(A), len(W))}, "
            f"but its shape is {g.shape}"
        )
        if g.shape == (len(W), len(A)):
            message += "; rows are examples, so pass g.T"
        raise ValueError(message)
    alike = g.dtype is A.dtype is dtype  # nothing to convert, there or back
    if not alike:
        dtype = np.promote_types(dtype, g.dtype)
        g = g.astype(product_dtype(dtype), copy=False)
    gradients = _gradients(g, A, W, b)
    if alike:
        return gradients
    return tuple(gradient.astype(dtype, copy=False) for gradient in gradients)


def _gradients(g, A, W, b, needed=(0, 1, 2)):
    return (
        g @ W if 0 in needed else None,
        g.T @ A if 1 in needed else None,
        g.T @ np.ones(len(g), g.dtype) if 2 in needed else None,
    )


affine_vjp.unchecked = _gradients


def parameter_count(sizes):
    r"""Count the weights and biases of a fully connected network.

    .. math:: \sum_{l=1}^{L} n_l\,(n_{l-1} + 1)

    Parameters
    ----------
    sizes : sequence of int
        Widths (n_0, ..., n_L): the input, every hidden layer, the output.

    Returns
    -------
    int

    Raises
    ------
    TypeError
        If `sizes` is not a sequence of integers.
    ValueError
        If there are fewer than two, or one is not positive.

    Examples
    --------
    >>> parameter_count((784, 128, 64, 10))
    109386
    """
    sizes = _layer_sizes(sizes)
    return sum(n * (m + 1) for m, n in itertools.pairwise(sizes))


def multiply_adds(sizes, batch=1):
    r"""Count the multiply-adds of a forward pass: the products, without biases and activations.

    .. math:: N \sum_{l=1}^{L} n_l\,n_{l-1}

    Parameters
    ----------
    sizes : sequence of int
        Widths (n_0, ..., n_L).
    batch : int
        Number of examples, N.

    Returns
    -------
    int

    Raises
    ------
    TypeError
        If an argument is not made of integers.
    ValueError
        If there are fewer than two sizes, or a number is not positive.

    Examples
    --------
    >>> multiply_adds((784, 128, 64, 10))
    109184
    """
    sizes = _layer_sizes(sizes)
    return check_count(batch, "batch") * sum(m * n for m, n in itertools.pairwise(sizes))


def backward_multiply_adds(sizes, batch=1):
    r"""Count the multiply-adds of a backward pass.

    .. math:: N \Bigl( 2 \sum_{l=1}^{L} n_l\,n_{l-1} - n_1\,n_0 \Bigr)

    Every layer takes one product for its weights and one for the error it passes back; the first
    layer passes none.

    Parameters
    ----------
    sizes : sequence of int
        Widths (n_0, ..., n_L).
    batch : int
        Number of examples, N.

    Returns
    -------
    int

    Raises
    ------
    TypeError
        If an argument is not made of integers.
    ValueError
        If there are fewer than two sizes, or a number is not positive.

    Examples
    --------
    >>> backward_multiply_adds((784, 128, 64, 10))
    118016
    """
    sizes = _layer_sizes(sizes)
    return check_count(batch, "batch") * (2 * multiply_adds(sizes) - sizes[0] * sizes[1])


def _layer(A, W, b):
    """Return A, W and b, checked and in the dtype to multiply in, and the dtype of the result."""
    A, W, b = as_float(A, "A"), as_float(W, "W"), as_float(b, "b")
    if (A.dtype is W.dtype is b.dtype and A.dtype.char in "fd" and A.ndim == W.ndim == 2
            and A.shape[1] == W.shape[1] and b.shape == W.shape[:1]):
        return A, W, b, A.dtype  # nothing to convert, nothing to explain: 2 of 11 µs saved
    check_matrix(A, "A", ("N", "n_in"))
    check_matrix(W, "W", ("n_out", "n_in"))
    if A.shape[1] != W.shape[1]:
        message = (
            f"A (N, n_in) and W (n_out, n_in) must agree in n_in, "
            f"but A has shape {A.shape} and W has shape {W.shape}"
        )
        if A.shape[1] == W.shape[0]:
            message += "; W looks transposed: its rows are outputs, so pass W.T"
        elif A.shape[0] == W.shape[1]:
            message += (
                "; A looks transposed: its rows are examples, so pass A.T "
                "(W @ A belongs to examples in columns; with rows it runs only when the batch N "
                "equals n_in, and is then wrong without a word)"
            )
        raise ValueError(message)
    if b.shape != W.shape[:1]:
        message = f"b must have shape (n_out,) = ({len(W)},), but its shape is {b.shape}"
        if b.ndim > 1 and b.size == len(W):
            message += "; pass b.ravel()"
        elif b.shape == W.shape[1:]:
            message += "; that is n_in: there is one bias for each output, not for each input"
        raise ValueError(message)
    dtype = common_dtype(A, W, b)
    work = product_dtype(dtype)
    return A.astype(work, copy=False), W.astype(work, copy=False), b.astype(work, copy=False), dtype


def _layer_sizes(sizes):
    try:
        sizes = list(sizes)
    except TypeError:
        raise TypeError(f"sizes must be a sequence such as (784, 128, 10), got {sizes!r}") from None
    if len(sizes) < 2:
        raise ValueError(
            f"sizes must hold at least the input's and the output's width, got {sizes}"
        )
    return [check_count(n, f"sizes[{i}]") for i, n in enumerate(sizes)]
