r"""Attention: each query reads the values, weighted by how well their keys match it."""

import numpy as np

from nnbook.functions._attention import (
    arrange,
    blocks,
    cotangents_of,
    merged,
    weights_of,
)
from nnbook.functions._validate import check_cotangent_shape, check_flag, working_dtype
from nnbook.functions.activations import tanh_prime


def attention(
    Q,
    K,
    V,
    mask=None,
    *,
    causal=False,
    scale=None,
    soft_cap=None,
    past=None,
    return_weights=False,
    block=None,
):
    r"""Scaled dot-product attention.

    .. math:: O = P V, \qquad P = \operatorname{softmax}(S), \qquad
              S = \frac{Q K^\top}{\sqrt d} + M

    Row i of Q asks, row j of K answers how well it matches, and row i of the result is the mean
    of the rows of V with the weights :math:`P_{i1}, \dots, P_{iS}`.

    Parameters
    ----------
    Q : array_like of real numbers, shape (T, d), (N, T, d) or (N, heads, T, d)
        Queries; N examples of T positions with d features.
    K : array_like of real numbers, shape (S, d), (N, S, d) or (N, kv_heads, S, d)
        Keys. The number of their heads divides that of Q: query head h reads head
        ``h // (heads // kv_heads)``. One is multi-query attention, a few grouped-query attention.
    V : array_like of real numbers, shape (S, e), (N, S, e) or (N, kv_heads, S, e)
        Values; e may differ from d.
    mask : array_like of bool or of floating-point numbers, optional
        Booleans: **True means may attend**. Some libraries mean the opposite, as PyTorch's
        ``key_padding_mask`` does; pass ``~mask`` then. Floating-point numbers are M: they are
        added to the scores, after the soft cap, and -inf hides a key. The shape is (T, S), or
        that of the scores, (N, T, S) or (N, heads, T, S), in which every axis but the last may
        be 1: these are the only axes over which anything is broadcast. S counts past keys too.
    causal : bool
        Whether query i sees only the keys j ≤ i + (S - T). The last query is aligned with the
        last key, which is right with past keys and without; so for T > S the first T - S
        queries see nothing. It holds besides the mask.
    scale : float, optional
        The factor of Q Kᵀ; 1/√d by default.
    soft_cap : float, optional
        Bound c > 0 of the scores: a scaled score s becomes c tanh(s/c) [2]_.
    past : pair of array_like, optional
        Keys and values of earlier positions, ``(K_past, V_past)``, put before K and V. They may
        differ from these in length alone.
    return_weights : bool
        Whether to return P too.
    block : int, optional
        How many queries are scored at a time. Chosen by size if not given; it changes the
        memory and the last digits only.

    Returns
    -------
    O : ndarray, shape (T, e), (N, T, e) or (N, heads, T, e)
        In the common dtype of Q, K and V (integers give float64); mask and past do not count.
    P : ndarray, shape (T, S), (N, T, S) or (N, heads, T, S)
        The weights, if asked for; each row sums to 1.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or a mask holds integers.
    ValueError
        If shapes do not fit, or an option is out of range.

    See Also
    --------
    multi_head_attention : with the projections before and after it.
    rotary : positions, for queries and keys.

    Notes
    -----
    A query that sees no key gives a row of zeros, in O and in P. Hidden keys and values are not
    looked at: a NaN among them changes nothing. (If there is one, queries are taken one by one,
    which is slow.)

    Scores are formed in blocks of queries, so memory grows with T + S, not with T S, unless the
    weights are asked for. A causal block leaves out the keys after its last query.

    All is computed in the dtype of the result (float16 in float32), but a soft cap and the sum
    with a wider mask in float64. With :math:`a_i = \max_j \sum_k |Q_{ik} K_{jk}|/\sqrt d` and
    :math:`m_i` the largest :math:`|M_{ij}|` that is finite,

    .. math:: |\delta O_{ic}| \le 8 \varepsilon \bigl(\sqrt S + \sqrt d\, a_i + m_i\bigr)
              \sum_j P_{ij} |V_{jc}|.

    The second and third terms are the rounding of the scores and of what the softmax subtracts
    from them, which the exponential turns into relative errors. They cannot be had smaller without
    products in a wider format.

    References
    ----------
    .. [1] Vaswani et al., Advances in Neural Information Processing Systems 30, 2017,
       :doi:`10.48550/arXiv.1706.03762`.
    .. [2] Gemma Team, Gemma 2, 2024, :doi:`10.48550/arXiv.2408.00118`.
    .. [3] Ainslie et al., GQA, EMNLP 2023, :doi:`10.18653/v1/2023.emnlp-main.298`.

    Examples
    --------
    The query matches the second key, and reads its value:

    >>> K, V = [[8.0, 0.0], [0.0, 8.0]], [[1.0], [2.0]]
    >>> print(attention([[0.0, 8.0]], K, V).round(4))
    [[2.]]

    Without a match it reads the mean; a mask hides the second key:

    >>> print(attention([[0.0, 0.0]], K, V), attention([[0.0, 0.0]], K, V, [[True, False]]))
    [[1.5]] [[1.]]
    """
    a = arrange(Q, K, V, mask, causal, scale, soft_cap, past, block)
    shape = np.shape(Q)[:-1]
    out = np.zeros((*a.Q.shape[:-1], a.V.shape[-1]), a.dtype)
    P = None
    if check_flag(return_weights, "return_weights"):
        P = np.zeros((*a.Q.shape[:-1], a.K.shape[2]), a.dtype)
    with np.errstate(all="ignore"):
        for at in blocks(a):
            n, g, r, t, keys = at
            p, _, _, _ = weights_of(a, at)
            rows = merged(p) @ a.V[n, g, keys]
            out[n, g, r, t] = rows.reshape(out[n, g, r, t].shape)
            if P is not None:
                P[n, g, r, t, keys] = p
    out = out.reshape(*shape, out.shape[-1])
    return out if P is None else (out, P.reshape(*shape, P.shape[-1]))


def attention_vjp(
    g,
    Q,
    K,
    V,
    mask=None,
    *,
    causal=False,
    scale=None,
    soft_cap=None,
    past=None,
    return_weights=False,
    block=None,
):
    r"""Gradients in Q, K, V and an additive mask, from the gradient `g` in O.

    .. math:: \bar V = P^\top g, \qquad \bar P = g V^\top, \qquad
              \bar S = P \odot \bigl(\bar P - \operatorname{rowsum}(\bar P \odot P)\bigr)

    .. math:: \bar Q = \bar S K/\sqrt d, \qquad \bar K = \bar S^\top Q/\sqrt d, \qquad
              \bar M = \bar S

    With a soft cap c the factor :math:`1 - \tanh^2(s/c)` comes between the two lines, for
    :math:`\bar Q` and :math:`\bar K`. Heads that share keys and values add up their gradients.

    Parameters
    ----------
    g : array_like of real numbers, or a pair of them
        Cotangent, the shape of O. With `return_weights` the pair of the cotangents of O and P,
        of which one may be None for zero.
    Q, K, V : array_like of real numbers
        As given to :func:`attention`.
    mask, causal, scale, soft_cap, past, return_weights, block : optional
        As given to :func:`attention`.

    Returns
    -------
    Q_bar, K_bar, V_bar : ndarray
        The shapes of Q, K and V, in the common dtype of these and g. The past is taken as
        constant. To differentiate it, concatenate it to K and V instead, which gives the same O.
    mask_bar : ndarray or None
        The shape of an additive mask, summed over the axes that it was broadcast over; None
        without one.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or a mask holds integers.
    ValueError
        If shapes do not fit, or an option is out of range.

    Notes
    -----
    A key that a query does not see gets no gradient from it. The weights are computed again,
    block by block, rather than kept.

    Each entry is within :math:`8 \varepsilon (\sqrt S + \sqrt T + \sqrt e + \sqrt d\, a + m)` of
    the sum of its terms' sizes, underflow apart, with the largest a and m of :func:`attention`.

    Examples
    --------
    The value that is read gets the gradient; the keys get none, for their values are equal:

    >>> Q_bar, K_bar, V_bar, _ = attention_vjp(
    ...     [[1.0]], [[0.0]], [[0.0], [0.0]], [[1.0], [1.0]]
    ... )
    >>> print(V_bar.tolist(), K_bar.tolist())
    [[0.5], [0.5]] [[0.0], [0.0]]
    """
    a = arrange(Q, K, V, mask, causal, scale, soft_cap, past, block)
    shape = np.shape(Q)[:-1]
    pair = check_flag(return_weights, "return_weights")
    g, g_P = _cotangents(g, (*shape, a.V.shape[-1]), (*shape, a.K.shape[2]), pair)
    dtype = np.result_type(a.dtype, *(x.dtype for x in (g, g_P) if x is not None))
    a = a.in_dtype(dtype)
    g, g_P = (
        None if x is None else x.reshape(*a.Q.shape[:-1], x.shape[-1]).astype(a.Q.dtype, copy=False)
        for x in (g, g_P)
    )
    Q_bar, K_bar, V_bar = np.zeros_like(a.Q), np.zeros_like(a.K), np.zeros_like(a.V)
    M_bar = None
    if a.mask is not None and a.mask.dtype != bool:
        M_bar = np.zeros(a.mask_shape, working_dtype(a.Q.dtype))
    with np.errstate(all="ignore"):
        for at in blocks(a, a.Q, *(x for x in (g, g_P) if x is not None)):
            n, group, r, t, keys = at
            p, x, q, k = weights_of(a, at)
            if g is None:
                S_bar = np.zeros_like(p)
            else:
                rows = merged(g[n, group, r, t])
                S_bar = (rows @ a.V[n, group, keys].swapaxes(2, 3)).reshape(p.shape)
                V_bar[n, group, keys] += merged(p).swapaxes(2, 3) @ rows
            if g_P is not None:
                S_bar += g_P[n, group, r, t, keys]
            S_bar -= np.sum(S_bar * p, axis=-1, keepdims=True)
            S_bar *= p
            if M_bar is not None:
                _add_over_shared_axes(M_bar, at, S_bar)
            if x is not None:
                S_bar *= tanh_prime(x / a.soft_cap)
            S_bar = merged(S_bar)
            Q_bar[n, group, r, t] = (S_bar @ k * a.scale).reshape(Q_bar[n, group, r, t].shape)
            K_bar[n, group, keys] += S_bar.swapaxes(2, 3) @ q
    now = slice(a.past, None)
    gradients = (
        Q_bar.reshape(np.shape(Q)),
        K_bar[:, :, now].reshape(np.shape(K)),
        V_bar[:, :, now].reshape(np.shape(V)),
        None if M_bar is None else M_bar.reshape(np.shape(mask)),
    )
    with np.errstate(all="ignore"):
        return tuple(None if x is None else x.astype(dtype, copy=False) for x in gradients)


def _cotangents(g, shape, weights_shape, pair):
    """Return the cotangents of O and P, either of which may be None; raise if they do not fit."""
    g, g_P = cotangents_of(g, pair)
    for part, expected, name in ((g, shape, "O"), (g_P, weights_shape, "P")):
        if part is not None:
            check_cotangent_shape(part, expected, f"attention's {name}")
    return g, g_P


def _add_over_shared_axes(M_bar, at, S_bar):
    """Add the gradient in a block of scores to the mask's, summed over the axes it shares."""
    shared = tuple(i for i, length in enumerate(M_bar.shape) if length == 1)
    index = tuple(slice(None) if i in shared else part for i, part in enumerate(at))
    M_bar[index] += np.sum(S_bar, axis=shared, keepdims=True, dtype=M_bar.dtype)
