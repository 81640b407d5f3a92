r"""The affine layer: Z = A Wᵀ + 1bᵀ, its vjp, and what it costs."""

import numpy as np

from nnbook.functions._validate import as_float, check_count, check_matrix, common_dtype


def _as_layer(A, W, b):
    A, W, b = as_float(A, "A"), as_float(W, "W"), as_float(b, "b")
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
                "; A looks transposed: its rows are examples, so pass A.T. "
                "(W @ A is the formula for examples in columns; with rows it runs only when "
                "the batch N equals n_in, and is then wrong without a word)"
            )
        raise ValueError(message)
    if b.shape != W.shape[:1]:
        message = f"b must have shape (n_out,) = ({W.shape[0]},), but its shape is {b.shape}"
        if b.size == W.shape[0]:
            message += "; pass b.ravel()"
        elif b.shape == W.shape[1:]:
            message += "; that is n_in: there is one bias for each output, not for each input"
        raise ValueError(message)
    dtype = common_dtype(A, W, b)
    # NumPy accumulates float16 products in float16: lift them, and round once at the end.
    work = np.promote_types(dtype, np.float32)
    return dtype, (A.astype(work, copy=False), W.astype(work, copy=False), b.astype(work, copy=False))


def affine(A, W, b):
    dtype, (A, W, b) = _as_layer(A, W, b)
    with np.errstate(all="ignore"):
        return (A @ W.T + b).astype(dtype, copy=False)


def affine_vjp(g, A, W, b):
    g = as_float(g, "g")
    dtype, (A, W, b) = _as_layer(A, W, b)
    if g.shape != (len(A), len(W)):
        raise ValueError(
            f"g must have the shape of affine(A, W, b), (N, n_out) = {(len(A), len(W))}, "
            f"but its shape is {g.shape}"
        )
    dtype = np.promote_types(dtype, g.dtype)
    g = g.astype(np.promote_types(dtype, np.float32), copy=False)
    with np.errstate(all="ignore"):
        A_bar, W_bar, b_bar = g @ W, g.T @ A, g.T @ np.ones(len(g), g.dtype)
    return tuple(x.astype(dtype, copy=False) for x in (A_bar, W_bar, b_bar))


def _layer_sizes(sizes):
    try:
        sizes = list(sizes)
    except TypeError:
        raise TypeError(f"sizes must be a sequence such as (784, 128, 10), got {sizes!r}") from None
    if len(sizes) < 2:
        raise ValueError(f"sizes must name at least the input and the output width, got {sizes}")
    return [check_count(n, f"sizes[{i}]") for i, n in enumerate(sizes)]


def parameter_count(sizes):
    sizes = _layer_sizes(sizes)
    return sum(n_out * (n_in + 1) for n_in, n_out in zip(sizes, sizes[1:], strict=False))


def multiply_adds(sizes, batch=1):
    sizes = _layer_sizes(sizes)
    products = sum(n_out * n_in for n_in, n_out in zip(sizes, sizes[1:], strict=False))
    return check_count(batch, "batch") * products


def backward_multiply_adds(sizes, batch=1):
    sizes = _layer_sizes(sizes)
    return 2 * multiply_adds(sizes, batch) - check_count(batch, "batch") * sizes[0] * sizes[1]
