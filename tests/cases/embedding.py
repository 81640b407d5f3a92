"""Embedding."""

import numpy as np

from nnbook.functions import embedding, embedding_vjp
from tests.cases.base import Bad, Case, sizes_of


def tokens(**options):
    def draw(rng, size):
        n, t, v, d = sizes_of(rng, size, 4)
        return (rng.integers(0, v, (n, t)), rng.normal(size=(v, d))), dict(options)

    return draw


CASES = [
    Case("embedding", embedding, tokens(), embedding_vjp, of=(1,), free={1: (0, 1)}),
]

TABLE = np.ones((4, 3))


def refused(name, call, match, error=ValueError):
    return Bad(name, call, error, match)


BAD = [
    refused("embedding, an index past the end", lambda: embedding([[0, 4]], TABLE),
            r"indices\[0, 1\] is 4, .*shape \(4, 3\) has rows 0 to 3; if your tokens count from 1"),
    refused("embedding, an index far past the end", lambda: embedding([9], TABLE),
            r"indices\[0\] is 9, .* rows 0 to 3$"),
    refused("embedding, a negative index", lambda: embedding([0, -1], TABLE),
            r"indices\[1\] is -1.*do not count from the end"),
    refused("embedding, one negative index", lambda: embedding(-2, TABLE), r"indices is -2"),
    refused("embedding, a table without rows", lambda: embedding([0], TABLE[:0]),
            r"indices\[0\] is 0, but a table of shape \(0, 3\) has no rows$"),
    refused("embedding, fractions", lambda: embedding([0.0, 1.0], TABLE),
            r"indices must be integers, but their dtype is float64", TypeError),
    refused("embedding, booleans", lambda: embedding([True], TABLE), r"indices.*bool", TypeError),
    refused("embedding, words", lambda: embedding(["a"], TABLE), r"indices", TypeError),
    refused("embedding, ragged", lambda: embedding([[0], [0, 1]], TABLE),
            r"indices must be a rectangular array.*padding token"),
    refused("embedding, a table of one axis", lambda: embedding([0], TABLE[0]),
            r"table must have two axes \(V, d\)"),
    refused("embedding, arguments swapped", lambda: embedding(TABLE, [0, 1]), r"table"),
    refused("embedding, padding past the end", lambda: embedding([0], TABLE, padding_index=4),
            r"padding_index is 4, but the table has rows 0 to 3"),
    refused("embedding, negative padding", lambda: embedding([0], TABLE, padding_index=-1),
            r"padding_index must be at least 0"),
    refused("embedding, padding in words", lambda: embedding([0], TABLE, padding_index="0"),
            r"padding_index", TypeError),
    refused("embedding_vjp, another shape", lambda: embedding_vjp(np.ones((2, 3)), [0], TABLE),
            r"g must have the shape of embedding\(indices, table\), \(1, 3\)"),
]  # fmt: skip
