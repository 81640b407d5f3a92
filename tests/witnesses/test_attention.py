"""Attention, positions and embedding beside JAX: its own attention, and its vjp of the formulas.

`jax.nn.dot_product_attention` wants (N, T, heads, d), and its masks mean what ours mean.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nnbook.functions as nf

RNG = np.random.default_rng(22)
N, H, T, S, D, E = 2, 4, 3, 5, 6, 2
Q, K, V = (
    RNG.normal(size=(N, H, T, D)),
    RNG.normal(size=(N, H, S, D)),
    RNG.normal(size=(N, H, S, E)),
)
MASK = RNG.random((N, H, T, S)) < 0.6
MASK[..., 0] = True  # JAX gives a query that sees nothing the mean of all values
FLOAT32 = 2e-6  # JAX's own attention forms weights in float32, whatever comes in
BIAS = RNG.normal(size=(N, H, T, S))


def close(found, expected, tolerance=1e-12):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def theirs(q, k, v, **options):
    """Return JAX's own attention, with heads moved to where ours are."""
    out = jax.nn.dot_product_attention(
        *(jnp.swapaxes(x, 1, 2) for x in (q, k, v)), implementation="xla", **options
    )
    return jnp.swapaxes(out, 1, 2)


def formula(q, k, v, mask=None, *, causal=False, scale=None, soft_cap=None):
    """Return attention in plain jax.numpy, for four axes."""
    k, v = (jnp.repeat(x, q.shape[1] // x.shape[1], axis=1) for x in (k, v))
    s = jnp.einsum("nhtd,nhsd->nhts", q, k) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if soft_cap is not None:
        s = soft_cap * jnp.tanh(s / soft_cap)
    if mask is not None:
        s = jnp.where(mask, s, -jnp.inf) if mask.dtype == bool else s + mask
    if causal:
        t, length = s.shape[-2:]
        s = jnp.where(jnp.tril(jnp.ones((t, length), bool), length - t), s, -jnp.inf)
    return jnp.einsum("nhts,nhse->nhte", jax.nn.softmax(s), v)


@pytest.mark.parametrize(
    ("heads", "ours", "named"),
    [
        (4, {}, {}),
        (2, {}, {}),
        (4, {"mask": MASK}, {"mask": MASK}),
        (2, {"mask": MASK}, {"mask": MASK}),
        (4, {"mask": BIAS}, {"bias": BIAS}),
        (4, {"scale": 0.3}, {"scale": 0.3}),
        (4, {"mask": MASK[:, :1]}, {"mask": MASK[:, :1]}),
    ],
)
def test_dot_product_attention_of_jax(heads, ours, named):
    k, v = K[:, :heads], RNG.normal(size=(N, heads, S, D))
    close(nf.attention(Q, k, v, **ours), theirs(Q, k, v, **named), FLOAT32)


def test_causal_attention_of_jax_where_queries_and_keys_are_as_many():
    k, v = K[:, :2, :T], RNG.normal(size=(N, 2, T, D))
    close(nf.attention(Q, k, v, causal=True), theirs(Q, k, v, is_causal=True), FLOAT32)


OPTIONS = [
    (4, None, {}),
    (2, MASK, {"soft_cap": 0.7}),
    (1, BIAS, {"scale": 0.4}),
    (2, BIAS[:1, :, :1], {"causal": True, "soft_cap": 1.5}),
    (4, BIAS[0, 0], {"causal": True}),
    (2, np.where(MASK, BIAS, -np.inf)[:, :1], {}),
]


@pytest.mark.parametrize(("heads", "mask", "options"), OPTIONS)
def test_vjps_of_attention(heads, mask, options):
    k, v = K[:, :heads], V[:, :heads]
    additive = mask is not None and mask.dtype != bool
    arrays = (Q, k, v, mask) if additive else (Q, k, v)
    given = {} if additive else {"mask": mask}
    expected, back = jax.vjp(lambda *x: formula(*x, **given, **options), *arrays)
    close(nf.attention(Q, k, v, mask, **options), expected)
    g = RNG.normal(size=expected.shape)
    found = nf.attention_vjp(g, Q, k, v, mask, **options)
    assert (found[3] is None) == (not additive)
    for gradient, truth in zip(found, back(g), strict=False):
        close(gradient, truth)


def test_vjp_of_attention_with_a_past_is_that_of_the_last_keys():
    past, now = (K[:, :, :2], V[:, :, :2]), (K[:, :, 2:], V[:, :, 2:])

    def joined(q, k, v):
        k, v = (jnp.concatenate(pair, 2) for pair in zip(past, (k, v), strict=True))
        return formula(q, k, v, causal=True)

    expected, back = jax.vjp(joined, Q, *now)
    close(nf.attention(Q, *now, causal=True, past=past), expected)
    g = RNG.normal(size=expected.shape)
    found = nf.attention_vjp(g, Q, *now, causal=True, past=past)
    for gradient, truth in zip(found[:3], back(g), strict=True):
        close(gradient, truth)


def heads_of(x, heads):
    return jnp.swapaxes(x.reshape(*x.shape[:2], heads, -1), 1, 2)


def many_heads(query, key, value, W_q, W_k, W_v, W_o, b_q, b_k, b_v, b_o, mask):
    q, k, v = query @ W_q.T + b_q, key @ W_k.T + b_k, value @ W_v.T + b_v
    out = formula(heads_of(q, 4), heads_of(k, 2), heads_of(v, 2), mask)
    return jnp.swapaxes(out, 1, 2).reshape(*query.shape[:2], -1) @ W_o.T + b_o


def test_multi_head_attention_and_its_vjps():
    shapes = [(N, T, 5), (N, S, 3), (N, S, 7), (12, 5), (6, 3), (4, 7), (9, 8), 12, 6, 4, 9]
    arrays = [RNG.normal(size=shape) for shape in shapes] + [BIAS]
    expected, back = jax.vjp(many_heads, *arrays)
    options = {"heads": 4, "kv_heads": 2}
    close(nf.multi_head_attention(*arrays, **options), expected)
    g = RNG.normal(size=expected.shape)
    found = nf.multi_head_attention_vjp(g, *arrays, **options)
    for gradient, truth in zip(found, back(g), strict=True):
        close(gradient, truth, 1e-11)


@pytest.mark.parametrize("layout", ["interleaved", "half"])
def test_rotary_and_its_vjp_by_complex_numbers(layout):
    def turned(x):
        a, b = (x[..., 0::2], x[..., 1::2]) if layout == "interleaved" else jnp.split(x, 2, -1)
        angle = (7 + jnp.arange(x.shape[-2]))[:, None] * 100.0 ** (-jnp.arange(3) / 3)
        z = (a + 1j * b) * jnp.exp(1j * angle)
        parts = jnp.real(z), jnp.imag(z)
        if layout == "half":
            return jnp.concatenate(parts, -1)
        return jnp.stack(parts, -1).reshape(x.shape)

    options = {"base": 100.0, "offset": 7, "layout": layout}
    expected, back = jax.vjp(turned, Q)
    close(nf.rotary(Q, **options), expected)
    g = RNG.normal(size=Q.shape)
    close(nf.rotary_vjp(g, Q, **options), back(g)[0])


def test_embedding_and_its_vjp():
    table, indices = RNG.normal(size=(7, 3)), RNG.integers(0, 7, (4, 5))
    expected, back = jax.vjp(lambda w: w[indices], table)
    np.testing.assert_array_equal(nf.embedding(indices, table), expected)
    g = RNG.normal(size=expected.shape)
    close(nf.embedding_vjp(g, indices, table), back(g)[0])
