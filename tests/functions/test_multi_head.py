"""Multi-head attention is attention between linear maps, and its vjp the composition of theirs."""

import inspect
import tracemalloc

import numpy as np
import pytest

from nnbook.functions import (
    affine,
    affine_vjp,
    attention,
    attention_vjp,
    multi_head_attention,
    multi_head_attention_vjp,
    rotary,
)

RNG = np.random.default_rng(8)
N, T, S, HEADS, FEW = 2, 3, 4, 4, 2
QUERY, KEY, VALUE = (RNG.normal(size=shape) for shape in ((N, T, 5), (N, S, 6), (N, S, 7)))
SHAPES = [(12, 5), (6, 6), (4, 7), (9, 8)]
WEIGHTS = [RNG.normal(size=shape) for shape in SHAPES]
BIASES = [RNG.normal(size=shape[0]) for shape in SHAPES]
ALL = (QUERY, KEY, VALUE, *WEIGHTS, *BIASES)
G = RNG.normal(size=(N, T, 9))
MANY = {"heads": HEADS, "kv_heads": FEW}
BIAS = RNG.normal(size=(N, 1, T, S))


def close(found, expected, rtol=1e-12):
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-13)


def heads_of(x, W, b, heads):
    """Return the heads of each example, (N, heads, T, d), by slices of the rows of W."""
    width = len(W) // heads
    parts = [slice(h * width, (h + 1) * width) for h in range(heads)]
    return np.array([[affine(rows, W[part], b[part]) for part in parts] for rows in x])


def composed(options):
    q = heads_of(QUERY, WEIGHTS[0], BIASES[0], HEADS)
    k = heads_of(KEY, WEIGHTS[1], BIASES[1], FEW)
    v = heads_of(VALUE, WEIGHTS[2], BIASES[2], FEW)
    out = attention(q, k, v, **options)
    joined = np.concatenate([out[:, h] for h in range(HEADS)], axis=-1)
    return q, k, v, joined, np.array([affine(rows, WEIGHTS[3], BIASES[3]) for rows in joined])


OPTIONS = [
    {},
    {"mask": BIAS},
    {"mask": BIAS, "causal": True, "scale": 0.2, "soft_cap": 2.0, "block": 2},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_it_is_attention_between_four_affine_maps(options):
    q, k, v, joined, expected = composed(options)
    close(multi_head_attention(*ALL, **MANY, **options), expected)
    found = multi_head_attention_vjp(G, *ALL, **MANY, **options)
    back = [affine_vjp(g, a, WEIGHTS[3], BIASES[3]) for g, a in zip(G, joined, strict=True)]
    g_heads = np.array([rows.reshape(T, HEADS, 2).swapaxes(0, 1) for rows, _, _ in back])
    inner = attention_vjp(g_heads, q, k, v, **options)
    close(found[6], sum(W for _, W, _ in back))
    close(found[10], sum(b for _, _, b in back))
    for i, x in enumerate((QUERY, KEY, VALUE)):
        rows = [g.swapaxes(0, 1).reshape(x.shape[1], -1) for g in inner[i]]
        bars = [affine_vjp(g, a, WEIGHTS[i], BIASES[i]) for g, a in zip(rows, x, strict=True)]
        close(found[i], [a for a, _, _ in bars])
        close(found[3 + i], sum(W for _, W, _ in bars))
        close(found[7 + i], sum(b for _, _, b in bars))
    if options:
        close(found[11], inner[3])
    else:
        assert found[11] is None


def test_biases_may_be_left_out_one_by_one():
    zeros = [0 * b for b in BIASES]
    for kept in range(4):
        some = [b if i == kept else None for i, b in enumerate(BIASES)]
        full = [b if i == kept else zeros[i] for i, b in enumerate(BIASES)]
        front = ALL[:7]
        close(
            multi_head_attention(*front, *some, **MANY), multi_head_attention(*front, *full, **MANY)
        )
        bars = multi_head_attention_vjp(G, *front, *some, **MANY)
        assert [bar is not None for bar in bars[7:11]] == [i == kept for i in range(4)]


def test_a_bias_of_the_keys_changes_nothing():
    front, (b_q, b_k, b_v, b_o) = ALL[:7], BIASES
    close(
        multi_head_attention(*front, b_q, 5 * b_k, b_v, b_o, **MANY),
        multi_head_attention(*ALL, **MANY),
    )
    assert abs(multi_head_attention_vjp(G, *ALL, **MANY)[8]).max() < 1e-13


def test_self_attention_is_the_same_sequence_three_times():
    X = RNG.normal(size=(N, T, 6))
    W_q, W_k, W_v = (RNG.normal(size=shape) for shape in ((8, 6), (4, 6), (6, 6)))
    W_o = RNG.normal(size=(5, 12))
    weights, g = (W_q, W_k, W_v, W_o), RNG.normal(size=(N, T, 5))
    options = {**MANY, "causal": True}
    three = multi_head_attention_vjp(g, X, X, X, *weights, **options)
    for given in ((X, None, None), (X, None, X), (X, X, None)):
        close(
            multi_head_attention(*given, *weights, **options),
            multi_head_attention(X, X, X, *weights, **options),
        )
        bars = multi_head_attention_vjp(g, *given, *weights, **options)
        assert [bar is None for bar in bars[:3]] == [x is None for x in given]
        close(sum(bar for bar in bars[:3] if bar is not None), sum(three[:3]))
        for bar, value in zip(bars[3:7], three[3:7], strict=True):
            close(bar, value)
    # who stands in for whom: the value goes with the key, the key with the query
    cross = (QUERY, KEY, None, *WEIGHTS[:2], RNG.normal(size=(4, 6)), WEIGHTS[3])
    bars = multi_head_attention_vjp(G, *cross, **MANY)
    full = multi_head_attention_vjp(G, QUERY, KEY, KEY, *cross[3:], **MANY)
    close(bars[0], full[0])
    close(bars[1], full[1] + full[2])


def test_a_sequence_without_examples_is_one_example():
    for options in ({}, {"mask": BIAS[:1]}, {"mask": BIAS[0, 0] > 0}):
        one = [x[0] for x in ALL[:3]]
        out, P = multi_head_attention(*one, *ALL[3:], **MANY, return_weights=True, **options)
        batch = [x[:1] for x in ALL[:3]]
        expected, weights = multi_head_attention(
            *batch, *ALL[3:], **MANY, return_weights=True, **options
        )
        np.testing.assert_array_equal(out, expected[0])
        np.testing.assert_array_equal(P, weights[0])
        g, g_P = G[0], RNG.normal(size=P.shape)
        bars = multi_head_attention_vjp(
            (g, g_P), *one, *ALL[3:], **MANY, return_weights=True, **options
        )
        wide = multi_head_attention_vjp(
            (g[np.newaxis], g_P[np.newaxis]),
            *batch,
            *ALL[3:],
            **MANY,
            return_weights=True,
            **options,
        )
        for i, (bar, value) in enumerate(zip(bars, wide, strict=True)):
            if bar is not None:
                np.testing.assert_array_equal(bar, value[0] if i < 3 else value)


@pytest.mark.parametrize("before", [0, 2])
def test_weights_and_their_gradient(before):
    past = tuple(RNG.normal(size=(N, FEW, before, n)) for n in (3, 2)) if before else None
    options = {**MANY, "past": past}
    out, P = multi_head_attention(*ALL, **options, return_weights=True)
    close(out, multi_head_attention(*ALL, **options))
    assert P.shape == (N, HEADS, T, before + S)
    close(P.sum(-1), 1)
    g_P = RNG.normal(size=P.shape)
    both = multi_head_attention_vjp((G, g_P), *ALL, **options, return_weights=True)
    first = multi_head_attention_vjp((G, None), *ALL, **options, return_weights=True)
    second = multi_head_attention_vjp((None, g_P), *ALL, **options, return_weights=True)
    alone = multi_head_attention_vjp(G, *ALL, **options)
    for total, one, other, plain in zip(both, first, second, alone, strict=True):
        if total is not None:
            close(total, one + other)
            close(one, plain)
    assert not second[6].any() and not second[10].any() and second[0].any()


def test_decoding_with_projected_keys_kept_is_the_whole_causal_pass():
    X = RNG.normal(size=(N, 5, 6))
    W_q, W_k, W_v, W_o = (RNG.normal(size=shape) for shape in ((8, 6), (4, 6), (6, 6), (5, 12)))
    whole = multi_head_attention(X, None, None, W_q, W_k, W_v, W_o, **MANY, causal=True)

    def kept(W):
        return (X @ W.T).reshape(N, 5, FEW, -1).swapaxes(1, 2)

    for t in range(5):
        past = (kept(W_k)[:, :, :t], kept(W_v)[:, :, :t])
        step = multi_head_attention(
            X[:, t : t + 1], None, None, W_q, W_k, W_v, W_o, **MANY, causal=True, past=past
        )
        close(step, whole[:, t : t + 1])


def test_decoding_with_rotary_positions_is_the_whole_causal_pass():
    X = RNG.normal(size=(N, 5, 6))
    q, k, v = ((X @ RNG.normal(size=(8, 6)).T).reshape(N, 5, 2, 4).swapaxes(1, 2) for _ in range(3))
    turned = rotary(k)
    whole = attention(rotary(q), turned, v, causal=True)
    for t in range(5):
        now = slice(t, t + 1)
        step = attention(
            rotary(q[:, :, now], offset=t),
            rotary(k[:, :, now], offset=t),
            v[:, :, now],
            causal=True,
            past=(turned[:, :, :t], v[:, :, :t]),
        )
        close(step, whole[:, :, now])


def test_the_way_back_never_holds_all_weights_if_none_are_asked_for():
    X, W = RNG.normal(size=(1, 512, 4)), [RNG.normal(size=(4, 4)) for _ in range(4)]
    tracemalloc.start()
    try:
        multi_head_attention_vjp(X, X, None, None, *W, heads=2, causal=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.5 * 2 * 512 * 512 * 8  # bytes of the weights of both heads


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_the_dtype_is_kept(dtype):
    arrays = [0.3 * x for x in ALL]
    narrow = [x.astype(dtype) for x in arrays]
    past = tuple(np.ones((N, FEW, 1, n)) for n in (3, 2))
    out, P = multi_head_attention(*narrow, BIAS, **MANY, return_weights=True)
    assert out.dtype == P.dtype == dtype
    close(
        out.astype(float),
        multi_head_attention(*arrays, BIAS, **MANY),
        0.02 if dtype == np.float16 else 1e-4,
    )
    assert multi_head_attention(*narrow, **MANY, past=past).dtype == dtype
    bars = multi_head_attention_vjp(G.astype(dtype), *narrow, BIAS, **MANY)
    assert {bar.dtype for bar in bars} == {np.dtype(dtype)}
    wide = multi_head_attention_vjp(G, *narrow, **MANY)
    assert {bar.dtype for bar in wide[:11]} == {np.result_type(dtype, np.float64)}
    if dtype == np.float32:
        same = multi_head_attention_vjp(G, *(x.astype(float) for x in narrow), **MANY)
        for bar, value in zip(wide[:11], same[:11], strict=True):
            np.testing.assert_array_equal(bar, value)


def test_nothing_is_read_where_there_is_nothing():
    empty = (QUERY[:0], KEY[:0], VALUE[:0])
    assert multi_head_attention(*empty, *ALL[3:], **MANY).shape == (0, T, 9)
    bars = multi_head_attention_vjp(G[:0], *empty, *ALL[3:], **MANY)
    assert not any(bar.any() for bar in bars[:11])
    no_keys = (QUERY, KEY[:, :0], VALUE[:, :0])
    close(multi_head_attention(*no_keys, *ALL[3:], **MANY), np.broadcast_to(BIASES[3], (N, T, 9)))


def test_the_derivative_follows_the_order_of_the_arguments():
    names = [
        list(inspect.signature(f).parameters)
        for f in (multi_head_attention, multi_head_attention_vjp)
    ]
    assert names[1] == ["g", *names[0]]
