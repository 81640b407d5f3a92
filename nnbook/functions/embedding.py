r"""Embedding: one row of a table for each token."""

import numpy as np

from nnbook.functions._validate import (
    as_float,
    check_cotangent_shape,
    check_count,
    check_matrix,
    first_place,
    product_dtype,
)

RUN = 32  # rows that are added one after the other; longer runs are added as sums of sums


def embedding(indices, table, *, padding_index=None):
    r"""Look up a row of the table for each index.

    .. math:: E_{i} = W_{t_i}, \qquad E = H W \text{ with } H_{iv} = [t_i = v]

    Parameters
    ----------
    indices : array_like of int, any shape
        Tokens, from 0 to V - 1.
    table : array_like of real numbers, shape (V, d)
        One row for each token.
    padding_index : int, optional
        A token that fills up sequences. Its row is looked up like any other, but gets no
        gradient.

    Returns
    -------
    ndarray, shape (\*indices.shape, d)
        In the dtype of `table` (integers give float64); a copy.

    Raises
    ------
    TypeError
        If indices are not integers, or the table does not hold real numbers.
    ValueError
        If an index is out of range, or the table does not have two axes.

    Notes
    -----
    Exact: no arithmetic is done. Negative indices are refused, where NumPy would count from the
    end.

    Examples
    --------
    >>> print(embedding([2, 0], [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    [[5. 6.]
     [1. 2.]]
    """
    indices, table, _ = _checked(indices, table, padding_index)
    return table[indices]


def embedding_vjp(g, indices, table, *, padding_index=None):
    r"""Gradient in the table, from the gradient `g` in the rows that were looked up.

    .. math:: \bar W = H^\top g, \qquad \bar W_v = \sum_{i : t_i = v} g_i

    Parameters
    ----------
    g : array_like of real numbers, shape (\*indices.shape, d)
        Cotangent.
    indices : array_like of int
        As given to :func:`embedding`.
    table : array_like of real numbers, shape (V, d)
        As given to :func:`embedding`.
    padding_index : int, optional
        As given to :func:`embedding`; the gradient in this row is 0.

    Returns
    -------
    ndarray, shape (V, d)
        In the common dtype of `g` and `table`. A token that occurs several times adds up its
        gradients, one that does not occur has 0.

    Raises
    ------
    TypeError
        If indices are not integers, or another argument does not hold real numbers.
    ValueError
        If an index is out of range, or shapes do not fit.

    Notes
    -----
    Rows are sorted by token and added in runs of 32, then the sums of the runs, and so on. For a
    token that occurs n times the error is within :math:`8 \varepsilon \sqrt n` of the sum of its
    terms' sizes, also where all terms are equal and plain addition drifts away.

    Examples
    --------
    >>> print(embedding_vjp([[1.0], [2.0], [4.0]], [0, 2, 0], [[0.0], [0.0], [0.0]]).tolist())
    [[5.0], [0.0], [2.0]]
    """
    g = as_float(g, "g")
    indices, table, padding_index = _checked(indices, table, padding_index)
    check_cotangent_shape(g, (*indices.shape, table.shape[1]), "embedding(indices, table)")
    dtype = np.result_type(g.dtype, table.dtype)
    out = np.zeros(table.shape, dtype)
    order = np.argsort(indices, axis=None, kind="stable")
    tokens = indices.reshape(-1)[order]
    if padding_index is not None:
        kept = tokens != padding_index
        order, tokens = order[kept], tokens[kept]
    rows = g.reshape(indices.size, table.shape[1])[order]
    rows = rows.astype(product_dtype(dtype), copy=False)
    with np.errstate(all="ignore"):
        while True:
            first = np.flatnonzero(np.diff(tokens, prepend=-1))
            if len(first) == len(tokens):
                break
            rank = np.arange(len(tokens))
            rank -= np.repeat(first, np.diff(first, append=len(tokens)))
            starts = np.flatnonzero(rank % RUN == 0)
            rows, tokens = np.add.reduceat(rows, starts, axis=0), tokens[starts]
        out[tokens] = rows
    return out


def _checked(indices, table, padding_index):
    """Return indices as numpy.intp, the table, and the padding index; raise if they do not fit."""
    table = as_float(table, "table")
    check_matrix(table, "table", ("V", "d"))
    try:
        indices = np.asarray(indices)
    except ValueError:
        raise ValueError(
            "indices must be a rectangular array of integers, but its rows differ in length; "
            "fill them up with a padding token"
        ) from None
    if indices.size == 0 and indices.dtype == np.float64:
        indices = indices.astype(np.intp)  # an empty list
    if indices.dtype.kind not in "iu":
        raise TypeError(
            f"indices must be integers, but their dtype is {indices.dtype}; "
            "use indices.astype(int) if they are whole numbers"
        )
    size = len(table)
    wrong = (indices < 0) | (indices >= size)
    if wrong.any():
        at = first_place(wrong)
        rows = f"rows 0 to {size - 1}" if size else "no rows"
        message = (
            f"indices{list(at) if at else ''} is {indices[at]}, but a table of shape "
            f"{table.shape} has {rows}"
        )
        if indices[at] < 0:
            message += "; negative indices do not count from the end here"
        elif size and indices[at] == size:
            message += "; if your tokens count from 1, subtract 1"
        raise ValueError(message)
    if padding_index is not None:
        padding_index = check_count(padding_index, "padding_index", 0)
        if padding_index >= size:
            raise ValueError(
                f"padding_index is {padding_index}, but the table has rows 0 to {size - 1}"
            )
    return indices.astype(np.intp, copy=False), table, padding_index
