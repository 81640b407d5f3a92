"""Attention: what it computes, what its masks hide, and what flows back."""

import inspect
import tracemalloc

import numpy as np
import pytest

from nnbook.functions import attention, attention_vjp, softmax

RNG = np.random.default_rng(22)
N, H, G, T, S, D, E = 2, 4, 2, 5, 7, 6, 3
Q = RNG.normal(size=(N, H, T, D))
K, V = RNG.normal(size=(N, G, S, D)), RNG.normal(size=(N, G, S, E))
COT = RNG.normal(size=(N, H, T, E))
SEEN = RNG.random((N, H, T, S)) < 0.5
SEEN[0, 1, 2] = False
BIAS = RNG.normal(size=(N, H, T, S))


def close(found, expected, rtol=1e-13):
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-14)


def one_head(q, k, v, seen=None, bias=0.0, cap=None, scale=None):
    """Return attention and its weights, written out query by query."""
    out, P = np.zeros((len(q), v.shape[1])), np.zeros((len(q), len(k)))
    for i in range(len(q)):
        s = np.array([sum(q[i] * key) for key in k]) * (
            len(q[i]) ** -0.5 if scale is None else scale
        )
        s = s if cap is None else cap * np.tanh(s / cap)
        s = s + np.broadcast_to(bias, P.shape)[i]
        at = np.arange(len(k)) if seen is None else np.flatnonzero(seen[i])
        e = np.exp(s[at])
        P[i, at] = e / e.sum() if len(at) else 0
        out[i] = sum((P[i, j] * v[j] for j in at), np.zeros(v.shape[1]))
    return out, P


def heads_one_by_one(q, k, v, seen=None, bias=None, **options):
    out, P = np.zeros((*q.shape[:3], v.shape[-1])), np.zeros((*q.shape[:3], k.shape[2]))
    for n, h in np.ndindex(q.shape[:2]):
        shared = h // (q.shape[1] // k.shape[1])
        out[n, h], P[n, h] = one_head(
            q[n, h],
            k[n, shared],
            v[n, shared],
            None if seen is None else seen[n, h],
            0.0 if bias is None else bias[n, h],
            **options,
        )
    return out, P


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {}),
        ({"scale": 0.3}, {"scale": 0.3}),
        ({"scale": 0}, {"scale": 0.0}),
        ({"scale": -1.5}, {"scale": -1.5}),
        ({"soft_cap": 0.4}, {"cap": 0.4}),
        ({"mask": SEEN}, {"seen": SEEN}),
        ({"mask": BIAS}, {"bias": BIAS}),
        ({"mask": BIAS, "soft_cap": 0.4, "scale": 2.0}, {"bias": BIAS, "cap": 0.4, "scale": 2.0}),
        ({"causal": True}, {"seen": np.tril(np.ones((N, H, T, S), bool), S - T)}),
        (
            {"causal": True, "mask": SEEN},
            {"seen": SEEN & np.tril(np.ones((T, S), bool), S - T)},
        ),
        ({"block": 2, "causal": True}, {"seen": np.tril(np.ones((N, H, T, S), bool), S - T)}),
    ],
)
def test_values_query_by_query(ours, theirs):
    output, P = attention(Q, K, V, return_weights=True, **ours)
    out, weights = heads_one_by_one(Q, K, V, **theirs)
    close(output, out)
    close(P, weights)
    np.testing.assert_array_equal(attention(Q, K, V, **ours), output)


@pytest.mark.parametrize("cap", [None, 0.7])
def test_vjps_query_by_query(cap):
    scale = 0.6
    g_P = RNG.normal(size=(N, H, T, S))
    out, P = heads_one_by_one(Q, K, V, SEEN, BIAS, cap=cap, scale=scale)
    Q_bar, K_bar, V_bar, M_bar = (np.zeros_like(x) for x in (Q, K, V, BIAS))
    for n, h, i in np.ndindex(N, H, T):
        p, q, k, v = P[n, h, i], Q[n, h, i], K[n, h // 2], V[n, h // 2]
        for j in np.flatnonzero(p):
            V_bar[n, h // 2, j] += p[j] * COT[n, h, i]
            # the mean falls as one weight rises
            slope = COT[n, h, i] @ (v[j] - out[n, h, i]) + g_P[n, h, i, j] - g_P[n, h, i] @ p
            M_bar[n, h, i, j] = p[j] * slope
            s = scale * (q @ k[j])
            by_score = M_bar[n, h, i, j] * scale / (1 if cap is None else np.cosh(s / cap) ** 2)
            Q_bar[n, h, i] += by_score * k[j]
            K_bar[n, h // 2, j] += by_score * q
    mask = np.where(SEEN, BIAS, -np.inf)
    options = {"scale": scale, "soft_cap": cap, "return_weights": True}
    found = attention_vjp((COT, g_P), Q, K, V, mask, **options)
    for bar, value in zip(found, (Q_bar, K_bar, V_bar, M_bar), strict=True):
        close(bar, value, 1e-12)


def test_the_three_ranks_are_one_function():
    one = attention(Q, K, V, mask=BIAS, causal=True)
    bars = attention_vjp(COT, Q, K, V, BIAS, causal=True)
    for n, h in np.ndindex(N, H):
        args = Q[n, h], K[n, h // 2], V[n, h // 2], BIAS[n, h]
        close(attention(*args, causal=True), one[n, h])
        flat = attention_vjp(COT[n, h], *args, causal=True)
        close(flat[0], bars[0][n, h])
        close(flat[3], bars[3][n, h])
    for h in range(H):
        args = Q[:, h], K[:, h // 2], V[:, h // 2], BIAS[:, h]
        close(attention(*args, causal=True), one[:, h])
        close(attention_vjp(COT[:, h], *args, causal=True)[3], bars[3][:, h])


def test_heads_that_share_keys_are_heads_with_copies_of_them():
    k, v = np.repeat(K, 2, 1), np.repeat(V, 2, 1)
    close(attention(Q, K, V), attention(Q, k, v))
    shared, copied = attention_vjp(COT, Q, K, V), attention_vjp(COT, Q, k, v)
    close(shared[0], copied[0])
    for few, many in zip(shared[1:3], copied[1:3], strict=True):
        close(few, many[:, ::2] + many[:, 1::2])


SHAPES = [(T, S), (1, 1, T, S), (N, 1, T, S), (1, H, T, S), (N, H, 1, S), (1, 1, 1, S)]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_mask_may_be_shared_over_examples_heads_and_queries(shape):
    bias = RNG.normal(size=shape)
    seen = bias > -0.3
    full = np.broadcast_to(bias, (N, H, T, S)).copy()
    close(attention(Q, K, V, bias), attention(Q, K, V, full))
    close(attention(Q, K, V, seen), attention(Q, K, V, full > -0.3))
    *bars, bias_bar = attention_vjp(COT, Q, K, V, bias, soft_cap=2.0)
    *expected, full_bar = attention_vjp(COT, Q, K, V, full, soft_cap=2.0)
    for found, value in zip(bars, expected, strict=True):
        close(found, value)
    assert bias_bar.shape == shape
    axes = (0, 1) if len(shape) == 2 else tuple(i for i in range(4) if shape[i] == 1)
    close(bias_bar, full_bar.sum(axes, keepdims=len(shape) == 4))


@pytest.mark.parametrize("shape", [(T, S), (1, T, S), (N, 1, S), (N, T, S), (1, 1, S)])
def test_masks_of_three_axes(shape):
    args = Q[:, 0], K[:, 0], V[:, 0]
    bias = RNG.normal(size=shape)
    full = np.broadcast_to(bias, (N, T, S)).copy()
    close(attention(*args, bias), attention(*args, full))
    found = attention_vjp(COT[:, 0], *args, bias)[3]
    whole = attention_vjp(COT[:, 0], *args, full)[3]
    axes = (0,) if len(shape) == 2 else tuple(i for i in range(3) if shape[i] == 1)
    assert found.shape == shape
    close(found, whole.sum(axes, keepdims=len(shape) == 3))


def test_true_means_may_attend_as_0_does_and_false_as_minus_infinity():
    additive = np.where(SEEN, 0.0, -np.inf)
    assert attention(Q, K, V, SEEN).tolist() == attention(Q, K, V, additive).tolist()
    close(attention([[1.0]], [[1.0], [9.0]], [[2.0], [3.0]], [[True, False]]), [[2.0]])
    boolean, infinite = (attention_vjp(COT, Q, K, V, mask) for mask in (SEEN, additive))
    for one, other in zip(boolean[:3], infinite[:3], strict=True):
        np.testing.assert_array_equal(one, other)
    assert boolean[3] is None
    assert (infinite[3][~SEEN] == 0).all() and (infinite[3][SEEN] != 0).any()


def test_a_list_of_booleans_is_a_mask():
    close(
        attention(Q[0, 0], K[0, 0], V[0, 0], SEEN[0, 0].tolist()),
        attention(Q[0, 0], K[0, 0], V[0, 0], SEEN[0, 0]),
    )


def test_a_query_that_sees_nothing_gives_zeros_and_no_gradient():
    with np.errstate(all="raise"):
        for mask in (SEEN, np.where(SEEN, BIAS, -np.inf)):
            output, P = attention(Q, K, V, mask, return_weights=True)
            assert not output[0, 1, 2].any() and not P[0, 1, 2].any()
            close(P.sum(-1), SEEN.any(-1))
            bars = attention_vjp(COT, Q, K, V, mask)
            assert not bars[0][0, 1, 2].any() and np.isfinite(bars[1]).all()
        nothing = attention(Q, K, V, np.zeros((T, S), bool))
        assert nothing.shape == COT.shape and not nothing.any()
        assert not attention([[1.0]], [[1.0]], [[1.0]], [[False]]).any()


def test_more_queries_than_keys_leave_the_first_without_any():
    output, P = attention(Q[..., :D], K[:, :, :2], V[:, :, :2], causal=True, return_weights=True)
    assert not output[:, :, : T - 2].any()
    close(P[:, :, T - 2], np.broadcast_to([1.0, 0.0], (N, H, 2)))
    bars = attention_vjp(COT, Q, K[:, :, :2], V[:, :, :2], causal=True, block=1)
    assert not bars[0][:, :, : T - 1].any() and bars[0][:, :, T - 1].all()


@pytest.mark.parametrize("options", [{}, {"causal": True}, {"causal": True, "soft_cap": 1.0}])
@pytest.mark.parametrize("length", [0, 1, 4])
def test_a_past_is_put_before_the_keys(options, length):
    past = K[:, :, :length], V[:, :, :length]
    now = K[:, :, length:], V[:, :, length:]
    output, P = attention(Q, *now, BIAS, past=past, return_weights=True, **options)
    close(output, attention(Q, K, V, BIAS, **options))
    assert P.shape == (N, H, T, S)
    found = attention_vjp(COT, Q, *now, BIAS, past=past, **options)
    expected = attention_vjp(COT, Q, K, V, BIAS, **options)
    for bar, whole in zip(found, expected, strict=True):
        close(bar, whole if bar.shape == whole.shape else whole[:, :, length:])


@pytest.mark.parametrize("rank", [2, 3])
def test_a_past_of_two_and_of_three_axes(rank):
    q, k, v, g = (x[:, 0] if rank == 3 else x[0, 0] for x in (Q, K, V, COT))
    past, now = (k[..., :3, :], v[..., :3, :]), (k[..., 3:, :], v[..., 3:, :])
    close(attention(q, *now, causal=True, past=past), attention(q, k, v, causal=True))
    found = attention_vjp(g, q, *now, causal=True, past=past)
    expected = attention_vjp(g, q, k, v, causal=True)
    close(found[0], expected[0])
    close(found[1], expected[1][..., 3:, :])
    close(found[2], expected[2][..., 3:, :])


@pytest.mark.parametrize("options", [{}, {"soft_cap": 1.5}])
def test_decoding_step_by_step_is_the_whole_causal_pass(options):
    k, v = K[:, :, :T], V[:, :, :T]
    whole = attention(Q, k, v, causal=True, **options)
    for t in range(T):
        past = (k[:, :, :t], v[:, :, :t])
        now = (x[:, :, t : t + 1] for x in (Q, k, v))
        close(attention(*now, causal=True, past=past, **options), whole[:, :, t : t + 1])


@pytest.mark.parametrize("block", [1, 2, 3, T, 100])
@pytest.mark.parametrize("options", [{}, {"causal": True}, {"soft_cap": 1.0, "scale": 0.7}])
def test_blocks_change_nothing(block, options):
    g = COT, RNG.normal(size=(N, H, T, S))
    one, P = attention(Q, K, V, BIAS, return_weights=True, **options)
    found, weights = attention(Q, K, V, BIAS, return_weights=True, block=block, **options)
    close(found, one)
    close(weights, P)
    expected = attention_vjp(g, Q, K, V, BIAS, return_weights=True, **options)
    bars = attention_vjp(g, Q, K, V, BIAS, return_weights=True, block=block, **options)
    for bar, whole in zip(bars, expected, strict=True):
        close(bar, whole, 1e-12)


@pytest.mark.parametrize("limit", [1, 30, 150, 400, 10**6])
def test_the_size_of_a_block_of_scores_changes_nothing(monkeypatch, limit):
    import nnbook.functions._attention as shared

    expected = attention(Q, K, V, BIAS, causal=True)
    bars = attention_vjp(COT, Q, K, V, BIAS, causal=True)
    monkeypatch.setattr(shared, "LIMIT", limit)
    monkeypatch.setattr(shared, "FEW_ROWS", 2)
    close(attention(Q, K, V, BIAS, causal=True), expected)
    for found, value in zip(attention_vjp(COT, Q, K, V, BIAS, causal=True), bars, strict=True):
        close(found, value, 1e-12)


def test_blocks_are_near_the_limit_and_leave_out_what_a_causal_query_cannot_see(monkeypatch):
    import nnbook.functions._attention as shared

    def sizes(q, k, limit, **options):
        monkeypatch.setattr(shared, "LIMIT", limit)
        options = {"causal": False, "block": None, **options}
        a = shared.arrange(q, k, k, None, options["causal"], None, None, None, options["block"])
        cut = [
            tuple(
                len(range(*part.indices(n)))
                for part, n in zip(at, (*a.Q.shape[:-1], a.K.shape[2]), strict=True)
            )
            for at in shared.blocks(a)
        ]
        return cut

    q, k = np.zeros((3, 4, 64, 1)), np.zeros((3, 2, 64, 1))
    assert sizes(q, k, 10**6) == [(3, 2, 2, 64, 64)]
    assert sizes(q, k, 2 * 2 * 64 * 64) == [(1, 2, 2, 64, 64)] * 3
    assert sizes(q, k, 2 * 64 * 64) == [(1, 1, 2, 64, 64)] * 6
    assert sizes(q, k, 2 * 64 * 32) == [(1, 1, 2, 32, 64)] * 12
    assert sizes(q, k, 1) == [(1, 1, 2, 16, 64)] * 24
    assert sizes(q, k, 10**6, block=48) == [(3, 2, 2, 48, 64), (3, 2, 2, 16, 64)]
    ramp = sizes(q[:1, :1], k[:1, :1], 64 * 16, causal=True)
    assert ramp == [(1, 1, 1, 16, 16), (1, 1, 1, 16, 32), (1, 1, 1, 16, 48), (1, 1, 1, 16, 64)]
    late = sizes(q[:1, :1], k[:1, :1, :32], 64 * 8, causal=True)
    assert [keys for *_, keys in late] == [0, 0, 16, 32]


def test_long_sequences_take_little_memory(monkeypatch):
    import nnbook.functions._attention as shared

    assert 2**17 <= shared.LIMIT * 8 <= 2**20  # bytes of one block of scores
    monkeypatch.setattr(shared, "LIMIT", 2**13)
    rng = np.random.default_rng(0)
    q, k, v = (rng.normal(size=(1, 1, 512, 8)) for _ in range(3))
    peaks = []
    for work in (
        lambda: attention(q, k, v, causal=True),
        lambda: attention_vjp(v, q, k, v, causal=True),
    ):
        tracemalloc.start()
        try:
            work()
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    scores = 512 * 512 * 8  # bytes, all at once
    assert peaks[0] < 0.5 * scores and peaks[1] < 0.6 * scores


def test_options_have_one_order_and_the_derivative_follows_it():
    forward, back = (list(inspect.signature(f).parameters) for f in (attention, attention_vjp))
    assert back == ["g", *forward]
    assert forward[:4] == ["Q", "K", "V", "mask"]


# ------------------------------------------------------------------ what attention is for


def test_without_mask_a_reordered_sequence_gives_a_reordered_result():
    X = RNG.normal(size=(N, T, D))
    order = RNG.permutation(T)
    close(attention(X[:, order], X[:, order], X[:, order]), attention(X, X, X)[:, order])
    # the order of keys and values together does not matter at all
    turn = RNG.permutation(S)
    close(attention(Q, K[:, :, turn], V[:, :, turn]), attention(Q, K, V))
    close(
        attention_vjp(COT, Q, K[:, :, turn], V[:, :, turn])[1],
        attention_vjp(COT, Q, K, V)[1][:, :, turn],
    )


def test_a_causal_mask_ends_that_symmetry():
    X, order = RNG.normal(size=(N, T, D)), [1, 0, 2, 3, 4]
    Y = X[:, order]
    assert (
        abs(attention(Y, Y, Y, causal=True) - attention(X, X, X, causal=True)[:, order]).max() > 0.1
    )


@pytest.mark.parametrize("mask", [None, "random"])
def test_no_gradient_reaches_a_key_that_is_hidden(mask):
    seen = np.tril(np.ones((T, S), bool), S - T)
    if mask:
        seen = seen & SEEN
        mask = SEEN
    seen = np.broadcast_to(seen, (N, H, T, S))
    for n, h, i in np.ndindex(N, H, T):
        g = np.zeros_like(COT)
        g[n, h, i] = 1.0
        _, K_bar, V_bar, _ = attention_vjp(g, Q, K, V, mask, causal=True)
        reached = np.zeros((N, G, S), bool)
        reached[n, h // 2] = seen[n, h, i]
        assert (V_bar.any(-1) == reached).all()
        assert not K_bar[~reached].any()


EARLY = np.tril(np.ones((T, S), bool), S - T)


@pytest.mark.parametrize(
    "options",
    [
        {"causal": True},
        {"causal": True, "mask": SEEN},
        {"mask": EARLY},
        {"mask": np.where(EARLY, 0.0, -np.inf)},
    ],
)
@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_hidden_keys_and_values_are_not_looked_at(options, poison):
    k, v = K.copy(), V.copy()
    k[:, :, 4:] = poison  # queries 0 and 1 see the keys 0 to 3
    v[:, :, 4:] = poison
    with np.errstate(all="raise"):
        output = attention(Q, k, v, **options)
        close(output[:, :, :2], attention(Q, K, V, **options)[:, :, :2])
        if options.get("mask") is not SEEN:
            assert np.isnan(output[:, :, 2:]).any()
        g = COT.copy()
        g[:, :, 2:] = 0
        found = attention_vjp(g, Q, k, v, **options)
        expected = attention_vjp(g, Q, K, V, **options)
    close(found[0][:, :, :2], expected[0][:, :, :2])
    # what a seen query passes back to the keys it sees is right; NaN there is from the others
    g, q = COT.copy(), Q.copy()
    g[:, :, 2:] = poison
    q[:, :, 2:] = poison
    with np.errstate(all="raise"):
        found = attention_vjp(g, q, K, V, causal=True, scale=1.0)
    early = attention_vjp(
        COT[:, :, :2], Q[:, :, :2], K[:, :, :4], V[:, :, :4], causal=True, scale=1.0
    )
    close(found[0][:, :, :2], early[0])


def test_a_query_of_nan_leaves_the_keys_that_it_does_not_see_alone():
    q, g = Q.copy(), COT.copy()
    q[:, :, 0], g[:, :, 0] = np.nan, np.nan  # sees the keys 0 to 2
    found = attention_vjp(g, q, K, V, BIAS, causal=True)
    g[:, :, 0] = 0
    expected = attention_vjp(g, Q, K, V, BIAS, causal=True)
    for bar, value in zip(found[1:3], expected[1:3], strict=True):
        assert np.isnan(bar[:, :, :3]).all()
        close(bar[:, :, 3:], value[:, :, 3:])
    close(found[3][:, :, 1:], expected[3][:, :, 1:])
    assert np.isnan(found[3][:, :, 0, :3]).all() and not found[3][:, :, 0, 3:].any()


def test_nan_that_is_seen_comes_out():
    k = K.copy()
    k[0, 0, 3] = np.nan
    assert np.isnan(attention(Q, k, V)[0, :2]).all()
    assert np.isfinite(attention(Q, k, V)[1]).all() and np.isfinite(attention(Q, k, V)[0, 2:]).all()


def test_a_mask_hides_nan_scores_and_nan_in_the_mask_comes_out():
    bias = np.zeros((T, S))
    bias[1, 2], bias[3, 3] = np.nan, -np.inf
    output = attention(Q, K, V, bias)
    assert np.isnan(output[:, :, 1]).all() and np.isfinite(output[:, :, [0, 2, 3, 4]]).all()


def test_a_score_of_minus_infinity_weighs_nothing_and_one_of_plus_infinity_takes_all():
    k = np.array([[-np.inf], [1.0], [2.0]])
    with np.errstate(all="raise"):
        P = attention([[1.0]], k, [[5.0], [6.0], [7.0]], return_weights=True)[1]
        close(P, [[0, *softmax([1.0, 2.0])]])
        assert attention([[-1.0]], k, [[5.0], [6.0], [7.0]]).tolist() == [[5.0]]
        assert not attention([[-1.0]], -k[:1], [[5.0]]).any()  # all -inf: nothing is seen


def test_a_query_with_an_infinite_score_leaves_the_others_as_they_are():
    q = np.array([[np.inf], [1.0], [2.0], [-1.0]])
    seen = np.array([[True, True], [True, True], [False, False], [True, False]])
    given = q, [[1.0], [2.0]], [[5.0], [6.0]]
    with np.errstate(all="raise"):
        output, P = attention(*given, seen, return_weights=True, block=4)
        assert np.isnan(output[0]).all()  # two infinite scores: neither takes all
        close(P[1:], [softmax([1.0, 2.0]), [0, 0], [1, 0]])
        close(output[1:], P[1:] @ [[5.0], [6.0]])
        one = attention(np.abs(q), [[0.5], [-1.0]], given[2], seen, return_weights=True)[1]
        close(one[0], [1.0, 0.0])


def test_a_mask_wider_than_the_scores_is_added_in_its_own_format():
    q, k, v = (x.astype(np.float32) for x in (Q, K, V))
    far = BIAS - 1e300  # -inf in float32, where every query would seem to see nothing
    P = attention(q, k, v, far, return_weights=True)[1]
    close(P, np.full_like(P, 1 / S), 1e-6)
    fine = BIAS + 2.0**26  # more than float32 could add and keep the scores
    expected = attention(Q, K, V, fine)
    close(attention(q, k, v, fine), expected, 1e-4)
    bars = attention_vjp(COT.astype(np.float32), q, k, v, fine)
    for found, value in zip(bars, attention_vjp(COT, Q, K, V, fine), strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, value, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("cap", [1e-50, 1e50, 1e300])
def test_a_soft_cap_may_lie_outside_the_range_of_float32(cap):
    q, k, v, g = (x.astype(np.float32) for x in (Q, K, V, COT))
    uncapped = attention(q, k, v) if cap > 1 else attention(0 * q, k, v)
    close(attention(q, k, v, soft_cap=cap), uncapped, 1e-6)
    found = attention_vjp(g, q, k, v, soft_cap=cap)
    expected = attention_vjp(g, q if cap > 1 else 0 * q, k, v)
    np.testing.assert_allclose(found[2], expected[2], rtol=1e-5, atol=1e-6)


def test_the_mean_of_the_largest_values_does_not_overflow():
    for dtype in (np.float32, np.float64):
        large = np.full((9, 2), np.finfo(dtype).max)
        with np.errstate(all="raise"):
            output = attention(np.zeros((1, 3), dtype), np.zeros((9, 3), dtype), large)
        close(output, large[:1], 8 * 3 * np.finfo(dtype).eps)


def test_minus_infinity_in_a_mask_hides_a_score_that_overflows():
    with np.errstate(all="raise"):
        given = [[1e200]], [[1e200], [1.0]], [[5.0], [6.0]], [[-np.inf, 0.0]]
        assert attention(*given).tolist() == [[6.0]]
        assert all(np.isfinite(bar).all() for bar in attention_vjp([[1.0]], *given))


@pytest.mark.parametrize("size", [1e4, 1e150, 1e308])
def test_scores_of_any_size_are_silent_and_weights_right(size):
    q, k = np.array([[size], [-size]]), np.array([[1.0], [0.5], [-1.0]])
    v = np.array([[1.0], [2.0], [3.0]])
    with np.errstate(all="raise"):
        assert attention(q, k, v).tolist() == [[1.0], [3.0]]
        for bar in attention_vjp([[1.0], [1.0]], q, k, v)[:3]:
            assert np.isfinite(bar).all()


def test_weights_returned_have_a_gradient_too():
    g_P = RNG.normal(size=(N, H, T, S))
    zero = attention_vjp((None, None), Q, K, V, return_weights=True)
    assert all(not bar.any() for bar in zero[:3])
    both = attention_vjp((COT, g_P), Q, K, V, BIAS, return_weights=True)
    first = attention_vjp((COT, None), Q, K, V, BIAS, return_weights=True)
    second = attention_vjp([None, g_P], Q, K, V, BIAS, return_weights=True)
    alone = attention_vjp(COT, Q, K, V, BIAS)
    for whole, one, other, output in zip(both, first, second, alone, strict=True):
        close(whole, one + other, 1e-12)
        np.testing.assert_array_equal(one, output)
    assert not second[2].any()  # values do not enter the weights


def test_a_soft_cap_bounds_the_scores():
    P = attention(100 * Q, K, V, soft_cap=0.5, return_weights=True)[1]
    spread = P.max(-1) / P.min(-1)
    assert 2.7 < spread.max() <= np.exp(1.0) * (1 + 1e-12)
    close(attention(Q, K, V, soft_cap=1e9), attention(Q, K, V))
    assert not np.allclose(attention(Q, K, V, soft_cap=1.0), attention(Q, K, V))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_the_dtype_is_that_of_the_queries_keys_and_values(dtype):
    q, k, v, g = (x.astype(dtype) for x in (Q, K, V, COT))
    output, P = attention(q, k, v, BIAS, return_weights=True)
    assert output.dtype == P.dtype == dtype
    assert all(bar.dtype == dtype for bar in attention_vjp(g, q, k, v, BIAS))
    assert attention(q, k, v, past=(K, V)).dtype == dtype
    wide = np.result_type(dtype, np.float64)
    assert all(bar.dtype == wide for bar in attention_vjp(COT, q, k, v, BIAS))
    close(output.astype(float), attention(Q, K, V, BIAS), 0.02 if dtype == np.float16 else 1e-4)


def test_integers_become_float64():
    output = attention([[1, 2]], [[1, 0], [0, 1]], [[1], [3]], scale=1)
    assert output.dtype == np.float64
    close(output, [[1 + 2 / (1 + np.exp(-1.0))]])


def test_a_float32_gradient_of_float64_cotangents_is_computed_in_float64():
    q, k, v = (x.astype(np.float32) for x in (Q, K, V))
    found = attention_vjp(COT, q, k, v)
    expected = attention_vjp(COT, *(x.astype(np.float64) for x in (q, k, v)))
    for bar, value in zip(found[:3], expected[:3], strict=True):
        np.testing.assert_array_equal(bar, value)


def test_no_features_are_no_preference():
    output = attention(np.zeros((2, 0)), np.zeros((3, 0)), [[1.0], [2.0], [6.0]])
    close(output, [[3.0], [3.0]])


def test_no_keys_are_nothing_to_read():
    output, P = attention(Q, K[:, :, :0], V[:, :, :0], return_weights=True)
    assert P.shape == (N, H, T, 0) and output.shape == COT.shape and not output.any()
    bars = attention_vjp(COT, Q, K[:, :, :0], V[:, :, :0])
    assert [bar.shape for bar in bars[:3]] == [Q.shape, (N, G, 0, D), (N, G, 0, E)]
    assert not bars[0].any()


def test_no_queries_and_no_examples_ask_nothing():
    assert attention(Q[:, :, :0], K, V).shape == (N, H, 0, E)
    bars = attention_vjp(COT[:, :, :0], Q[:, :, :0], K, V)
    assert bars[0].shape == (N, H, 0, D) and not bars[1].any() and not bars[2].any()
    assert attention(Q[:0], K[:0], V[:0], causal=True).shape == (0, H, T, E)
    assert attention(Q[:, :0], K, V).shape == (N, 0, T, E)
    assert [bar.shape for bar in attention_vjp(COT[:, :0], Q[:, :0], K, V)[:2]] == [
        (N, 0, T, D),
        K.shape,
    ]
