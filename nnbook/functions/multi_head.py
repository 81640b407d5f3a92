r"""Multi-head attention: several attentions side by side, between four linear maps."""

import numpy as np

from nnbook.functions._attention import cotangents_of
from nnbook.functions._multi_head import MultiHead, in_heads, side_by_side
from nnbook.functions._validate import check_flag
from nnbook.functions.attention import attention, attention_vjp


def multi_head_attention(
    query,
    key,
    value,
    W_q,
    W_k,
    W_v,
    W_o,
    b_q=None,
    b_k=None,
    b_v=None,
    b_o=None,
    mask=None,
    *,
    heads,
    kv_heads=None,
    causal=False,
    scale=None,
    soft_cap=None,
    past=None,
    return_weights=False,
    block=None,
):
    r"""Multi-head attention, from sequences to sequences.

    .. math:: \operatorname{out} = \bigl[O_1, \dots, O_H\bigr] W_o^\top + \mathbf 1 b_o^\top,
              \qquad O_h = \operatorname{attention}(Q_h, K_h, V_h), \qquad
              \bigl[Q_1, \dots, Q_H\bigr] = X W_q^\top + \mathbf 1 b_q^\top

    K and V come from the keys' and the values' sequence in the same way.

    Parameters
    ----------
    query : array_like of real numbers, shape (N, T, d_model) or (T, d_model)
        The sequence X that asks.
    key : array_like of real numbers, shape (N, S, d_key), or None
        The sequence that is asked; None for the query itself (self-attention).
    value : array_like of real numbers, shape (N, S, d_value), or None
        The sequence that is read; None for the key's.
    W_q : array_like of real numbers, shape (heads d, d_model)
        Weights, one output per row; head h has the rows h d to (h + 1) d.
    W_k : array_like of real numbers, shape (kv_heads d, d_key)
        Weights of the keys.
    W_v : array_like of real numbers, shape (kv_heads e, d_value)
        Weights of the values; e may differ from d.
    W_o : array_like of real numbers, shape (d_out, heads e)
        Weights of the output, which reads all heads side by side.
    b_q, b_k, b_v, b_o : array_like of real numbers, optional
        Biases, one for each row of the weights; none by default.
    mask : array_like of bool or of floating-point numbers, optional
        As for :func:`attention`, True means may attend: (T, S) or (N, heads, T, S), where any
        axis but the last may be 1. N is 1 for sequences without it.
    heads : int
        Number of heads of the queries.
    kv_heads : int, optional
        Number of heads of the keys and values, a divisor of `heads`, which is the default.
    causal, scale, soft_cap, block : optional
        As for :func:`attention`.
    past : pair of array_like, optional
        Projected keys and values of earlier positions, of shape (N, kv_heads, S_past, d) and
        (N, kv_heads, S_past, e).
    return_weights : bool
        Whether to return the attention weights too.

    Returns
    -------
    out : ndarray, shape (N, T, d_out) or (T, d_out)
        In the common dtype of the arguments; the mask and the past do not count.
    P : ndarray, shape (N, heads, T, S) or (heads, T, S)
        The weights of every head, if asked for.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or a mask holds integers.
    ValueError
        If the shapes do not fit. The message names the axes and the likely mistake.

    See Also
    --------
    attention : what happens between the projections.

    Notes
    -----
    Products are taken in the dtype of the result, float16 in float32.

    References
    ----------
    .. [1] Vaswani et al., Advances in Neural Information Processing Systems 30, 2017,
       :doi:`10.48550/arXiv.1706.03762`.

    Examples
    --------
    Two heads over one sequence, each with one feature of it:

    >>> X, one = [[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]
    >>> print(multi_head_attention(X, None, None, one, one, one, one, heads=2).round(4))
    [[0.7311 0.5   ]
     [0.5    0.7311]]
    """
    arrays = (query, key, value, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o)
    m = MultiHead(arrays, heads, kv_heads)
    options = {"causal": causal, "scale": scale, "soft_cap": soft_cap, "past": past, "block": block}
    P = None
    with np.errstate(all="ignore"):
        out = attention(*m.projected(), mask, return_weights=return_weights, **options)
        if return_weights:
            out, P = out
            P = (P if m.batched else P[0]).astype(m.dtype, copy=False)
        out = m.map(side_by_side(out), "o").astype(m.dtype, copy=False)
    out = out if m.batched else out[0]
    return out if P is None else (out, P)


def multi_head_attention_vjp(
    g,
    query,
    key,
    value,
    W_q,
    W_k,
    W_v,
    W_o,
    b_q=None,
    b_k=None,
    b_v=None,
    b_o=None,
    mask=None,
    *,
    heads,
    kv_heads=None,
    causal=False,
    scale=None,
    soft_cap=None,
    past=None,
    return_weights=False,
    block=None,
):
    r"""Gradients in all arrays of :func:`multi_head_attention`, from the gradient `g` in `out`.

    Each of the four linear maps passes back :math:`\bar X = \bar Y W`,
    :math:`\bar W = \bar Y^\top X` and :math:`\bar b = \bar Y^\top \mathbf 1`; between them stands
    :func:`attention_vjp`, head by head. A sequence that is used twice adds up its gradients.

    Parameters
    ----------
    g : array_like of real numbers, or a pair of them
        Cotangent, the shape of the result. With `return_weights` a pair, of which one may be
        None for zero.
    query, key, value, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask : array_like
        As given to :func:`multi_head_attention`.
    heads, kv_heads, causal, scale, soft_cap, past, return_weights, block : optional
        As given to :func:`multi_head_attention`.

    Returns
    -------
    query_bar, key_bar, value_bar, W_q_bar, W_k_bar, W_v_bar, W_o_bar : ndarray
        The shapes of the arguments, in the common dtype of these and g. None for a key or value
        that was None: its gradient is in that of the sequence that stood in for it.
    b_q_bar, b_k_bar, b_v_bar, b_o_bar, mask_bar : ndarray or None
        None for an argument that was not given, and for a boolean mask. The past is constant.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or a mask holds integers.
    ValueError
        If the shapes do not fit. The message names the axes and the likely mistake.

    Examples
    --------
    One position reads itself, so its gradient is that of the linear maps of values and output:

    >>> X, one = [[2.0]], [[1.0]]
    >>> found = multi_head_attention_vjp([[3.0]], X, None, None, one, one, [[5.0]], one, heads=1)
    >>> print([None if x is None else x.tolist() for x in found[:7]])
    [[[15.0]], None, None, [[0.0]], [[0.0]], [[6.0]], [[30.0]]]
    """
    arrays = (query, key, value, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o)
    pair = check_flag(return_weights, "return_weights")
    g, g_P = cotangents_of(g, pair)
    m = MultiHead(arrays, heads, kv_heads, *(x for x in (g, g_P) if x is not None))
    options = {"causal": causal, "scale": scale, "soft_cap": soft_cap, "past": past, "block": block}
    with np.errstate(all="ignore"):
        Q, K, V = m.projected()
        out = attention(Q, K, V, mask, **options)
        g = m.fitting(g, "out", (*out.shape[::2], m.d_out))
        Y_bar, W_o_bar, b_o_bar = m.map_vjp(g, side_by_side(out), "o")
        Y_bar = in_heads(Y_bar, m.heads)
        if g_P is not None:
            keys = K.shape[2] + (0 if past is None else np.shape(past[0])[2])
            g_P = m.fitting(g_P, "P", (*out.shape[:3], keys))
        Q_bar, K_bar, V_bar, mask_bar = attention_vjp(
            (Y_bar, g_P) if pair else Y_bar, Q, K, V, mask, return_weights=pair, **options
        )
        back = {
            of: m.map_vjp(side_by_side(x), m.sequence(of), of)
            for of, x in (("q", Q_bar), ("k", K_bar), ("v", V_bar))
        }
        query_bar, key_bar, value_bar = (back[of][0] for of in "qkv")
        if value is None:
            key_bar, value_bar = key_bar + value_bar, None
        if key is None:
            query_bar, key_bar = query_bar + key_bar, None
        sequences = (x if x is None or m.batched else x[0] for x in (query_bar, key_bar, value_bar))
        weights = (*(back[of][1] for of in "qkv"), W_o_bar)
        biases = (*(back[of][2] for of in "qkv"), b_o_bar)
        found = (*sequences, *weights, *biases, mask_bar)
        return tuple(x if x is None else x.astype(m.dtype, copy=False) for x in found)
