"""Attention and multi-head attention: every option that changes the mathematics."""

import numpy as np

from nnbook.functions import (
    attention,
    attention_vjp,
    multi_head_attention,
    multi_head_attention_vjp,
)
from tests.cases.base import Bad, Case, sizes_of

rand = np.random.default_rng(220).normal


def heads_for(heads, kv_heads, rank=4, mask=None, past=False, **options):
    """Return a draw: Q, K, V, and a mask of the kind that ``mask(rng, T, S)`` makes."""

    def draw(rng, size):
        n, t, s, d, e, p = sizes_of(rng, size, 6)
        before = {4: ((n, heads), (n, kv_heads)), 3: ((n,), (n,)), 2: ((), ())}[rank]
        s, t = (max(s, 1), max(t, 1)) if size == "empty" else (s, t)
        shapes = (*before[0], t, d), (*before[1], s, d), (*before[1], s, e)
        args = tuple(rng.normal(size=shape) for shape in shapes)
        kwargs = dict(options)
        if past:
            kwargs["past"] = tuple(
                rng.normal(size=(*x.shape[:-2], p, x.shape[-1])) for x in args[1:]
            )
            s += p
        if mask is not None:
            made = mask(rng, (*before[0], t, s))
            if made.dtype == bool:
                kwargs["mask"] = made
            else:
                args = (*args, made)
        return args, kwargs

    return draw


def seen(rng, shape):
    return rng.random(shape[-2:]) < 0.7


def shared_by_heads(rng, shape):
    return rng.normal(size=(shape[0], 1, *shape[2:]))


def keys_alone(rng, shape):
    return rng.normal(size=(*shape[:-2], 1, shape[-1]))


def partly_infinite(rng, shape):
    return np.where(rng.random(shape) < 0.3, -np.inf, rng.normal(size=shape))


QKV = (0, 1, 2)


def attending(name, draw, rank=4, of=QKV, free=None, **more):
    """Return a case; alone may change T of Q (the next to last axis), and the features of V."""
    free = {0: (rank - 2,), 2: (rank - 1,)} | (free or {})
    return Case(f"attention, {name}", attention, draw, attention_vjp, of=of, free=free, **more)


MASKED = (*QKV, 3)  # the gradient in an additive mask too

CASES = [
    attending("two axes", heads_for(1, 1, 2), 2),
    attending("three axes", heads_for(1, 1, 3), 3),
    attending("four axes", heads_for(2, 2)),
    attending("grouped-query", heads_for(4, 2)),
    attending("multi-query, blocks", heads_for(3, 1, block=2), free={0: (1, 2)}),
    attending("causal", heads_for(1, 1, 3, causal=True), 3),
    attending("causal, past", heads_for(2, 2, causal=True, past=True)),
    attending("past", heads_for(4, 2, past=True)),
    attending("scale", heads_for(1, 1, 3, scale=0.3), 3),
    attending("soft cap", heads_for(1, 1, 3, soft_cap=0.8), 3),
    attending("boolean mask", heads_for(1, 1, 3, seen), 3, free={0: ()}),
    attending(
        "additive mask, shared by heads",
        heads_for(4, 2, mask=shared_by_heads),
        of=MASKED,
        free={0: (), 3: (0, 2)},
    ),
    attending(
        "additive mask of the keys, soft cap, causal",
        heads_for(2, 2, mask=keys_alone, soft_cap=1.2, causal=True),
        of=MASKED,
        free={3: (0, 1)},
    ),
    attending(
        "mask with -inf",
        heads_for(1, 1, 3, lambda rng, shape: partly_infinite(rng, shape[-2:])),
        3,
        call=lambda g, args, kwargs: attention_vjp(g, *args, **kwargs)[:3],
        free={0: ()},
        any_rank=(3,),
    ),
    attending(
        "weights returned",
        heads_for(4, 2, mask=shared_by_heads, return_weights=True, block=1),
        of=MASKED,
        free={0: (), 3: (0, 2)},
    ),
]


def projections(rng, size, sequences, biases, heads, kv_heads, mask=None, **options):
    n, t, s, m, d, out = sizes_of(rng, size, 6)
    e, keys, values = d + 1, m + 1, m + 2
    shapes = [(n, t, m), (n, s, keys), (n, s, values)]
    shapes = shapes[:sequences] + [None] * (3 - sequences)
    if sequences < 3:
        values = keys if sequences == 2 else m
        keys = keys if sequences == 2 else m
    shapes += [(heads * d, m), (kv_heads * d, keys), (kv_heads * e, values), (out, heads * e)]
    shapes += [(shape[0],) if biases else None for shape in shapes[3:7]]
    args = [None if shape is None else rng.normal(size=shape) for shape in shapes]
    if mask is not None:
        args.append(mask(rng, (n, heads, t, s if sequences > 1 else t)))
    options = {"heads": heads, "kv_heads": kv_heads, **options}
    return tuple(args), options


def several(sequences, biases, heads=4, kv_heads=2, mask=None, **options):
    def draw(rng, size):
        return projections(rng, size, sequences, biases, heads, kv_heads, mask, **options)

    given = [*range(sequences), 3, 4, 5, 6, *(range(7, 11) if biases else ())]
    return draw, tuple(given + ([11] if mask else []))


def multi_head(name, recipe, **more):
    draw, of = recipe
    return Case(
        f"multi_head_attention, {name}",
        multi_head_attention,
        draw,
        multi_head_attention_vjp,
        of=of,
        **more,
    )


CASES += [
    # A bias of the keys shifts all scores of a query alike: only a soft cap gives it a gradient.
    multi_head(
        "three sequences, biases, mask",
        several(3, True, mask=shared_by_heads, soft_cap=2.0),
        free={6: (0,), 11: (0, 2)},
    ),
    multi_head("two sequences", several(2, False), free={0: (1,), 1: (1,), 6: (0,)}),
    multi_head(
        "self-attention, causal",
        several(1, False, 2, 2, causal=True, soft_cap=1.1),
        free={0: (0, 1), 6: (0,)},
        any_rank=(0,),
    ),
    multi_head(
        "weights returned",
        several(1, True, 3, 1, return_weights=True, scale=0.4, soft_cap=3.0),
        free={0: (0, 1), 6: ()},
        any_rank=(0,),
    ),
]

Q, K, V = rand(size=(2, 4, 3, 6)), rand(size=(2, 2, 5, 6)), rand(size=(2, 2, 5, 7))
X, W = rand(size=(2, 3, 8)), rand(size=(8, 8))


def refused(name, call, match, error=ValueError):
    return Bad(name, call, error, match)


BAD = [
    refused("attention, heads that do not divide", lambda: attention(Q[:, :3], K, V),
            r"heads of K and V must divide those of Q.*3 heads.* has 2;.*swapaxes\(1, 2\)"),
    refused("attention, K and V of other heads", lambda: attention(Q, K, V[:, :1]),
            r"K and V must have the same number of heads"),
    refused("attention, no heads", lambda: attention(Q, K[:, :0], V[:, :0]), r"has 0"),
    refused("attention, d differs", lambda: attention(Q, K[..., :5], V),
            r"Q and K must have the same number of features d"),
    refused("attention, keys as columns", lambda: attention(Q, K.swapaxes(-1, -2), V),
            r"K has \(2, 2, 6, 5\); .*pass K.swapaxes\(-1, -2\)"),
    refused("attention, fewer values than keys", lambda: attention(Q, K, V[:, :, :4]),
            r"K and V must have the same length S"),
    refused("attention, one example for all", lambda: attention(Q, K[:1], V[:1]),
            r"Q and K must hold the same number of examples N.*nothing is broadcast"),
    refused("attention, ranks differ", lambda: attention(Q, K[0], V),
            r"K must have the axes of Q, \(N, heads, T, d\)"),
    refused("attention, a single query", lambda: attention(Q[0, 0, 0], K, V),
            r"Q must have the axes \(T, d\)"),
    refused("attention, a mask of 0 and 1", lambda: attention(Q, K, V, np.ones((3, 5), int)),
            r"mask must be boolean.*mask.astype\(bool\).*mask == 0", TypeError),
    refused("attention, a mask of objects", lambda: attention(Q, K, V, np.full((3, 5), None)),
            r"mask must hold real numbers", TypeError),
    refused("attention, a ragged mask", lambda: attention(Q, K, V, [[True], [True, False]]),
            r"mask must be a rectangular array"),
    refused("attention, a transposed mask", lambda: attention(Q, K, V, np.ones((5, 3), bool)),
            r"mask must have shape \(T, S\) = \(3, 5\).*queries come first, so pass mask.T"),
    refused("attention, a mask of keys", lambda: attention(Q, K, V, np.ones((2, 5), bool)),
            r"mask\[:, np.newaxis, np.newaxis, :\]"),
    refused("attention, a mask of keys, three axes",
            lambda: attention(Q[:, 0], K[:, 0], V[:, 0], np.ones((2, 5), bool)),
            r"\(N, T, S\) = \(2, 3, 5\).*mask\[:, np.newaxis, :\]"),
    refused("attention, a mask without heads", lambda: attention(Q, K, V, np.ones((2, 3, 5), bool)),
            r"mask\[:, np.newaxis\]"),
    refused("attention, a mask that forgets the past",
            lambda: attention(Q, K, V, np.ones((3, 5), bool), past=(K, V)),
            r"mask must have shape \(T, S\) = \(3, 10\).*S counts the 5 past keys too"),
    refused("attention, a mask with one key", lambda: attention(Q, K, V, np.ones((3, 1), bool)),
            r"mask must have shape"),
    refused("attention, a row for all queries", lambda: attention(Q, K, V, np.ones((1, 5), bool)),
            r"mask must have shape"),
    refused("attention, a transposed mask, two axes",
            lambda: attention(Q[0, 0], K[0, 0], V[0, 0], np.ones((5, 3), bool)),
            r"mask must have shape \(T, S\) = \(3, 5\), where any.*pass mask.T"),
    refused("attention, keys as columns, two axes",
            lambda: attention(Q[0, 0], K[0, 0].T, V[0, 0]), r"pass K.swapaxes\(-1, -2\)"),
    refused("attention, a mask of three examples",
            lambda: attention(Q, K, V, np.ones((3, 4, 3, 5), bool)),
            r"\(N, heads, T, S\) = \(2, 4, 3, 5\), where any axis but S may be 1"),
    refused("attention, a mask of three examples, three axes",
            lambda: attention(Q[:, 0], K[:, 0], V[:, 0], np.ones((3, 3, 5), bool)),
            r"\(N, T, S\) = \(2, 3, 5\), .* its shape is \(3, 3, 5\)$"),
    refused("attention, past alone", lambda: attention(Q, K, V, past=K),
            r"past must be a pair \(K_past, V_past\)", TypeError),
    refused("attention, a past of three", lambda: attention(Q, K, V, past=(K, V, V)),
            r"past must be a pair", TypeError),
    refused("attention, a past of other heads", lambda: attention(Q, K, V, past=(Q, V)),
            r"past\[0\] goes before K"),
    refused("attention, a past of other features", lambda: attention(Q, K, V, past=(K, K)),
            r"past\[1\] goes before V"),
    refused("attention, a past of two lengths",
            lambda: attention(Q, K, V, past=(K, V[:, :, :2])),
            r"past\[0\] and past\[1\] must have the same length"),
    refused("attention, a past of one axis", lambda: attention(Q, K, V, past=(K[0], V)),
            r"past\[0\] goes before K"),
    refused("attention, a past of text", lambda: attention(Q, K, V, past=("no", V)),
            r"past\[0\] must hold real numbers", TypeError),
    refused("attention, causal in words", lambda: attention(Q, K, V, causal="yes"),
            r"causal must be True or False, got 'yes'", TypeError),
    refused("attention, weights in numbers", lambda: attention(Q, K, V, return_weights=1),
            r"return_weights must be True or False", TypeError),
    refused("attention, infinite scale", lambda: attention(Q, K, V, scale=np.inf),
            r"scale must be finite"),
    refused("attention, a cap of 0", lambda: attention(Q, K, V, soft_cap=0.0), r"soft_cap"),
    refused("attention, a block of 0", lambda: attention(Q, K, V, block=0), r"block"),
    refused("attention_vjp, no pair",
            lambda: attention_vjp(Q, Q, K, V, return_weights=True),
            r"g must be a pair, .*got ndarray", TypeError),
    refused("attention_vjp, no cotangent", lambda: attention_vjp(None, Q, K, V), r"g must hold",
            TypeError),
    refused("attention_vjp, weights of another shape",
            lambda: attention_vjp((None, np.ones((2, 4, 5, 3))), Q, K, V, return_weights=True),
            r"g must have the shape of attention's P, \(2, 4, 3, 5\)"),
    refused("multi_head_attention, heads that do not divide",
            lambda: multi_head_attention(X, None, None, W, W, W, W, heads=3),
            r"W_q must have heads times as many rows.*heads=3 does not divide 8"),
    refused("multi_head_attention, kv_heads that do not divide",
            lambda: multi_head_attention(X, None, None, W, W, W, W, heads=4, kv_heads=3),
            r"kv_heads must divide heads"),
    refused("multi_head_attention, heads of two sizes",
            lambda: multi_head_attention(X, None, None, W, W, W, W, heads=4, kv_heads=2),
            r"W_q and W_k must give heads of the same size d"),
    refused("multi_head_attention, weights stored (in, out)",
            lambda: multi_head_attention(X, None, None, W[:, :4].T.T, W, W, W, heads=2),
            r"W_q must have shape.*n_in = 8.*W_q is transposed: pass W_q.T"),
    refused("multi_head_attention, output weights stored (in, out)",
            lambda: multi_head_attention(X, None, None, W, W, W, W[:, :6], heads=2),
            r"W_o must have shape.*n_in = 8.*W_o is transposed: pass W_o.T"),
    refused("multi_head_attention, a bias of another length",
            lambda: multi_head_attention(X, None, None, W, W, W, W, b_v=np.ones(7), heads=2),
            r"b_v must have one entry for each row of W_v, shape \(8,\)"),
    refused("multi_head_attention, a weight that is missing",
            lambda: multi_head_attention(X, None, None, W, None, W, W, heads=2),
            r"W_k must hold real numbers", TypeError),
    refused("multi_head_attention, key and value of two lengths",
            lambda: multi_head_attention(X, X, X[:, :2], W, W, W, W, heads=2),
            r"key and value must have the same length S"),
    refused("multi_head_attention, another batch of keys",
            lambda: multi_head_attention(X, X[:1], None, W, W, W, W, heads=2),
            r"key and query must have the same axis of examples N"),
    refused("multi_head_attention, one vector",
            lambda: multi_head_attention(X[0, 0], None, None, W, W, W, W, heads=2),
            r"query must have the axes"),
    refused("multi_head_attention, no heads",
            lambda: multi_head_attention(X, None, None, W, W, W, W, heads=0), r"heads"),
    refused("multi_head_attention_vjp, another shape",
            lambda: multi_head_attention_vjp(X[:1], X, None, None, W, W, W, W, heads=2),
            r"g must have the shape of multi_head_attention's out, \(2, 3, 8\)"),
    refused("multi_head_attention_vjp, no pair",
            lambda: multi_head_attention_vjp(
                X, X, None, None, W, W, W, W, heads=2, return_weights=True),
            r"g must be a pair", TypeError),
]  # fmt: skip
