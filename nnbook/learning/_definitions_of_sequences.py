"""Recurrent networks and attention, step by step; see `nnbook.learning._definitions`."""

import numpy as np

import nnbook.functions
from nnbook.learning._traced import plain
from nnbook.learning.lifted import lift, sigmoid, tanh


# ---------------------------------------------------------------- one step
def rnn_cell(x, h, W_x, W_h, b, activation="tanh"):
    phi, _ = nnbook.functions.get_activation(activation)
    return lift(phi)(x @ W_x.T + h @ W_h.T + b)


def lstm_cell(x, h, c, W_x, W_h, b, peepholes=None, forget_bias=0.0):
    i, f, g, o = np.split(x @ W_x.T + h @ W_h.T + b, 4, axis=-1)
    f = f + forget_bias
    if peepholes is not None:
        i, f = i + peepholes[0] * c, f + peepholes[1] * c
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    if peepholes is not None:
        o = o + peepholes[2] * c
    return sigmoid(o) * tanh(c), c


def gru_cell(x, h, W_x, W_h, b, b_n=None, reset="before"):
    H = h.shape[-1]
    X = x @ W_x.T + b
    r = sigmoid(X[:, :H] + h @ W_h[:H].T)
    z = sigmoid(X[:, H : 2 * H] + h @ W_h[H : 2 * H].T)
    if reset == "before":
        n = tanh(X[:, 2 * H :] + (r * h) @ W_h[2 * H :].T)
    else:
        recurrent = h @ W_h[2 * H :].T
        n = tanh(X[:, 2 * H :] + r * (recurrent if b_n is None else recurrent + b_n))
    return (1.0 - z) * n + z * h


# ---------------------------------------------------------------- whole sequences
def _sequence(step, x, states, weights, layout):
    """Return the outputs at all times, and the last states.

    ``step(x_t, states, weights)`` gives the new states, the output first among them.
    """
    if layout.get("truncate") is not None:
        raise TypeError("truncate has no rule for jvp and second derivatives: where the gradient "
                        "is cut, it is not the gradient of any function")
    direction, lengths = layout.get("direction", "forward"), layout.get("lengths")
    batch_first = layout.get("batch_first", True)
    x = np.swapaxes(x, 0, 1) if batch_first else x
    runs = []
    if direction == "bidirectional":
        for way, backwards in ((0, False), (1, True)):
            one = [w if w is None else w[way] for w in weights]
            start = [s if s is None else s[way] for s in states]
            runs.append(_run(step, x, start, one, lengths, backwards))
        outputs = np.concatenate([run[0] for run in runs], axis=-1)
        last = [np.stack(pair) for pair in zip(*(run[1] for run in runs), strict=True)]
    else:
        outputs, last = _run(step, x, states, weights, lengths, direction == "reverse")
    return (np.swapaxes(outputs, 0, 1) if batch_first else outputs, *last)


def _run(step, x, states, weights, lengths, backwards):
    H = weights[1].shape[-1]
    states = [np.zeros((x.shape[1], H), x.dtype) if s is None else s for s in states]
    outputs = [None] * len(x)
    for t in reversed(range(len(x))) if backwards else range(len(x)):
        new = step(x[t], states, weights)
        keep = True if lengths is None else (t < np.asarray(lengths))[:, np.newaxis]
        if keep is True:
            states, outputs[t] = new, new[0]
        else:  # padding: the state waits
            outputs[t] = np.where(keep, new[0], 0.0)
            states = [np.where(keep, a, b) for a, b in zip(new, states, strict=True)]
    return np.stack(outputs), states


def rnn(x, W_x, W_h, b, h0=None, *, activation="tanh", **layout):
    def step(x, states, weights):
        return [rnn_cell(x, states[0], *weights, activation)]

    return _sequence(step, x, [h0], [W_x, W_h, b], layout)


def lstm(x, W_x, W_h, b, h0=None, c0=None, peepholes=None, *, forget_bias=0.0, **layout):
    def step(x, states, weights):
        return lstm_cell(x, *states, *weights, forget_bias)

    return _sequence(step, x, [h0, c0], [W_x, W_h, b, peepholes], layout)


def gru(x, W_x, W_h, b, h0=None, b_n=None, *, reset="before", **layout):
    def step(x, states, weights):
        return [gru_cell(x, states[0], *weights, reset)]

    return _sequence(step, x, [h0], [W_x, W_h, b, b_n], layout)


# ---------------------------------------------------------------- attention
def attention(Q, K, V, mask=None, *, causal=False, scale=None, soft_cap=None, past=None,
              return_weights=False, block=None):
    if past is not None:
        K, V = np.concatenate([past[0], K], axis=-2), np.concatenate([past[1], V], axis=-2)
    if Q.ndim == 4:  # a head of keys for several of queries
        K, V = (np.repeat(x, Q.shape[1] // x.shape[1], axis=1) for x in (K, V))
    T, S = Q.shape[-2], K.shape[-2]
    scores = (Q @ np.swapaxes(K, -1, -2)) * (Q.shape[-1] ** -0.5 if scale is None else scale)
    if soft_cap is not None:
        scores = soft_cap * tanh(scores / soft_cap)
    seen = np.ones((T, S), bool)
    if causal:
        seen = np.tri(T, S, S - T, dtype=bool)
    if mask is not None and plain(mask).dtype == bool:
        seen = seen & mask
    elif mask is not None:
        seen = seen & (plain(mask) > -np.inf)
        scores = scores + np.where(plain(mask) > -np.inf, mask, 0.0)
    seen = np.broadcast_to(seen, scores.shape)
    top = np.max(np.where(seen, plain(scores), -np.inf), axis=-1, keepdims=True, initial=-1e300)
    e = np.where(seen, np.exp(np.where(seen, scores - top, 0.0)), 0.0)
    total = np.sum(e, axis=-1, keepdims=True)
    P = e / np.where(plain(total) == 0, 1.0, total)
    return (P @ V, P) if return_weights else P @ V


def multi_head_attention(query, key, value, W_q, W_k, W_v, W_o, b_q=None, b_k=None, b_v=None,
                         b_o=None, mask=None, *, heads, kv_heads=None, return_weights=False,
                         **options):
    kv_heads = heads if kv_heads is None else kv_heads
    key = query if key is None else key
    value = key if value is None else value
    single = query.ndim == 2
    if single:
        query, key, value = (np.expand_dims(x, 0) for x in (query, key, value))

    def projected(x, W, b, count):
        x = x @ W.T if b is None else x @ W.T + b
        return np.swapaxes(np.reshape(x, (*x.shape[:2], count, -1)), 1, 2)

    if mask is not None and mask.ndim == 3:
        mask = np.expand_dims(mask, 0)
    O, P = attention(projected(query, W_q, b_q, heads), projected(key, W_k, b_k, kv_heads),  # noqa: E741
                     projected(value, W_v, b_v, kv_heads), mask, return_weights=True, **options)
    joined = np.swapaxes(O, 1, 2)
    out = np.reshape(joined, (*joined.shape[:2], -1)) @ W_o.T
    out = out if b_o is None else out + b_o
    if single:
        out, P = out[0], P[0]
    return (out, P) if return_weights else out


# ---------------------------------------------------------------- positions and tables
def rotary(X, positions=None, *, layout="interleaved", **options):
    half = X.shape[-1] // 2
    first = slice(0, None, 2) if layout == "interleaved" else slice(0, half)
    second = slice(1, None, 2) if layout == "interleaved" else slice(half, None)
    unit = np.zeros(X.shape, X.dtype)
    unit[..., first] = 1.0
    turned = nnbook.functions.rotary(unit, positions, layout=layout, **options)
    cos, sin = turned[..., first], turned[..., second]
    a, b = X[..., first], X[..., second]
    a, b = a * cos - b * sin, b * cos + a * sin
    if layout == "half":
        return np.concatenate([a, b], axis=-1)
    return np.reshape(np.stack([a, b], axis=-1), X.shape)


def embedding(indices, table, *, padding_index=None):
    if padding_index is not None:  # that row is looked up, and gets no gradient
        kept = np.arange(len(table)) != padding_index
        kept = np.reshape(kept, (-1,) + (1,) * (table.ndim - 1))
        table = np.where(kept, table, plain(table))
    return table[np.asarray(indices)]


SEQUENCES = {
    f.__name__: f
    for f in (rnn_cell, lstm_cell, gru_cell, rnn, lstm, gru, attention, multi_head_attention,
              rotary, embedding)
}
