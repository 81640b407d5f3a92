"""Embedding: rows of a table, and sums over the places where a row was read."""

import numpy as np
import pytest

from nnbook.functions import embedding, embedding_vjp

RNG = np.random.default_rng(5)
TABLE = RNG.normal(size=(6, 3))
TOKENS = np.array([[0, 3, 3, 5], [5, 3, 1, 0]])
G = RNG.normal(size=(2, 4, 3))


def one_hot(indices, size):
    return (np.asarray(indices).reshape(-1, 1) == np.arange(size)).astype(float)


@pytest.mark.parametrize("tokens", [TOKENS, TOKENS[0], TOKENS[:, :, np.newaxis], np.array(4)])
def test_it_is_a_product_with_one_hot_rows_and_its_transpose(tokens):
    found = embedding(tokens, TABLE)
    assert found.shape == (*tokens.shape, 3)
    H = one_hot(tokens, 6)
    np.testing.assert_array_equal(found.reshape(-1, 3), H @ TABLE)
    g = RNG.normal(size=found.shape)
    np.testing.assert_allclose(embedding_vjp(g, tokens, TABLE), H.T @ g.reshape(-1, 3), atol=1e-15)


@pytest.mark.parametrize("count", [1, 31, 32, 33, 64, 65, 1023, 1024, 1025, 5000])
def test_repeated_tokens_add_up_whatever_their_number(count):
    tokens = np.concatenate([np.full(count, 2), [0, 4, 4], np.full(count // 2, 1)])
    tokens = RNG.permutation(tokens)
    g = RNG.integers(-50, 50, (len(tokens), 2)).astype(float)  # sums of integers are exact
    expected = one_hot(tokens, 6).T @ g
    np.testing.assert_array_equal(embedding_vjp(g, tokens, np.zeros((6, 2))), expected)


def test_a_long_sum_of_equal_terms_does_not_drift():
    n = 200_000
    for dtype in (np.float32, np.float64):
        g, table = np.full((n, 1), 0.1, dtype), np.zeros((1, 1), dtype)
        tokens = np.zeros(n, int)
        found = embedding_vjp(g, tokens, table)
        true = n * np.longdouble(g[0, 0])
        bound = 8 * np.finfo(dtype).eps * np.sqrt(n)
        assert abs(found[0, 0] / true - 1) < bound / 50
    assert abs(np.cumsum(np.full(n, 0.1, np.float32))[-1] / true - 1) > 1e-4


def test_every_error_is_within_the_bound():
    tokens = RNG.zipf(1.3, 4000) % 50
    g, table = RNG.normal(size=(4000, 2)).astype(np.float32), np.zeros((50, 2), np.float32)
    H = one_hot(tokens, 50).astype(np.longdouble)
    found = embedding_vjp(g, tokens, table)
    counts = H.sum(0)[:, np.newaxis]
    bound = 8 * np.finfo(np.float32).eps * np.sqrt(counts) * (H.T @ abs(g))
    assert (abs(found - H.T @ g) <= bound).all()


def test_a_padding_token_is_looked_up_but_gets_no_gradient():
    np.testing.assert_array_equal(embedding(TOKENS, TABLE, padding_index=3), TABLE[TOKENS])
    expected = embedding_vjp(G, TOKENS, TABLE)
    assert expected[3].all()
    expected[3] = 0
    np.testing.assert_array_equal(embedding_vjp(G, TOKENS, TABLE, padding_index=3), expected)
    np.testing.assert_array_equal(embedding_vjp(G, TOKENS, TABLE, padding_index=0)[0], 0)
    assert not embedding_vjp(G[:, :1], [[3], [3]], TABLE, padding_index=3).any()
    last = embedding_vjp(G, TOKENS, TABLE, padding_index=5)
    assert not last[5].any() and last[3].all()


def test_rows_are_copies_and_arguments_stay_as_they_are():
    table, g = TABLE.copy(), G.copy()
    found = embedding(TOKENS, table)
    found += 1
    embedding_vjp(g, TOKENS, table)
    np.testing.assert_array_equal(table, TABLE)
    np.testing.assert_array_equal(g, G)
    one = embedding(2, table)
    one += 1
    np.testing.assert_array_equal(table, TABLE)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_dtypes(dtype):
    table, g = TABLE.astype(dtype), G.astype(dtype)
    assert embedding(TOKENS, table).dtype == dtype
    found = embedding_vjp(g, TOKENS, table)
    assert found.dtype == dtype
    wide = embedding_vjp(G, TOKENS, table)
    assert wide.dtype == np.result_type(dtype, np.float64)
    np.testing.assert_allclose(found.astype(float), wide.astype(float), atol=0.01)
    many = embedding_vjp(np.ones((3000, 1), np.float16), np.zeros(3000, int), np.zeros((1, 1), "e"))
    assert many[0, 0] == 3000  # float16 alone stops at 2048
    assert embedding([0], [[1, 2]]).dtype == np.float64
    for kind in (np.int8, np.uint64, np.int32):
        np.testing.assert_array_equal(embedding(TOKENS.astype(kind), TABLE), TABLE[TOKENS])


def test_nothing_looked_up():
    for tokens in ([], np.zeros((0, 4), int), np.zeros((2, 0), np.int32)):
        found = embedding(tokens, TABLE)
        assert found.shape == (*np.shape(tokens), 3)
        np.testing.assert_array_equal(embedding_vjp(found, tokens, TABLE), np.zeros((6, 3)))
    assert embedding([1, 1], np.zeros((2, 0))).shape == (2, 0)
    assert embedding_vjp(np.zeros((2, 0)), [1, 1], np.zeros((2, 0))).shape == (2, 0)


def test_nan_and_infinity_stay_in_their_rows_and_are_silent():
    g = G.copy()
    g[0, 0, 0], g[0, 1, 1], g[0, 2, 1] = np.nan, np.inf, -np.inf
    with np.errstate(all="raise"):
        found = embedding_vjp(g, TOKENS, TABLE)
    assert np.isnan(found[0, 0]) and np.isnan(found[3, 1])
    assert np.isnan(found).sum() == 2


def test_rows_are_added_in_runs_of_32():
    g = np.zeros((34, 1), np.float32)
    g[31], g[32:] = 2**24, 1  # one more 1 in the first run would be lost
    assert embedding_vjp(g, np.zeros(34, int), np.zeros((1, 1), np.float32)) == 2**24 + 2
