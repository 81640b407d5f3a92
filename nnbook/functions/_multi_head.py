"""The four linear maps of multi-head attention, with the checks of their shapes."""

import numpy as np

from nnbook.functions._validate import (
    as_float,
    check_cotangent_shape,
    check_count,
    check_matrix,
    common_dtype,
    product_dtype,
)

NAMES = ("query", "key", "value", "W_q", "W_k", "W_v", "W_o", "b_q", "b_k", "b_v", "b_o")
OF = {"q": "query", "k": "key", "v": "value"}


class MultiHead:
    """The arguments of multi-head attention, checked, with an axis of examples.

    Attributes
    ----------
    heads, kv_heads, d_out : int
    dtype : numpy.dtype
        Of the results; `product` is the one to compute in.
    batched : bool
        Whether the sequences came with an axis of examples.
    """

    def __init__(self, arrays, heads, kv_heads, *others):
        given = {
            name: as_float(x, name)
            for name, x in zip(NAMES, arrays, strict=True)
            if x is not None or name in ("query", "W_q", "W_k", "W_v", "W_o")
        }
        self.heads = check_count(heads, "heads")
        self.kv_heads = self.heads if kv_heads is None else check_count(kv_heads, "kv_heads")
        if self.heads % self.kv_heads:
            raise ValueError(
                f"kv_heads must divide heads, but heads={self.heads} and kv_heads={self.kv_heads}"
            )
        self.dtype = common_dtype(*given.values(), *others)
        self.product = product_dtype(self.dtype)
        self._check_sequences(given)
        self._check_weights(given)
        self.batched = given["query"].ndim == 3
        self.d_out = len(given["W_o"])
        self.arrays = {name: x.astype(self.product, copy=False) for name, x in given.items()}
        for name in set(OF.values()) & set(given):
            self.arrays[name] = self.arrays[name] if self.batched else self.arrays[name][np.newaxis]

    def _check_sequences(self, given):
        query = given["query"]
        for name in ("query", "key", "value"):
            if name not in given:
                continue
            x = given[name]
            if x.ndim not in (2, 3):
                raise ValueError(
                    f"{name} must have the axes (N, T, features) or (T, features), "
                    f"but its shape is {x.shape}"
                )
            if x.shape[:-2] != query.shape[:-2]:
                raise ValueError(
                    f"{name} and query must have the same axis of examples N, but {name} has "
                    f"shape {x.shape} and query has {query.shape}"
                )
        key, value = self._source(given, "k"), self._source(given, "v")
        if given[key].shape[-2] != given[value].shape[-2]:
            raise ValueError(
                f"key and value must have the same length S, but {key} has shape "
                f"{given[key].shape} and {value} has {given[value].shape}"
            )

    def _check_weights(self, given):
        for name in ("W_q", "W_k", "W_v", "W_o"):
            check_matrix(given[name], name, ("n_out", "n_in"))
        for of, heads, said in (
            ("q", self.heads, "heads"),
            ("k", self.kv_heads, "kv_heads"),
            ("v", self.kv_heads, "kv_heads"),
        ):
            W, source = given["W_" + of], self._source(given, of)
            features = given[source].shape[-1]
            if W.shape[1] != features:
                message = (
                    f"W_{of} must have shape (n_out, n_in) with n_in = {features}, the features of "
                    f"{source}, but its shape is {W.shape}"
                )
                if W.shape[0] == features:
                    message += f"; W_{of} is transposed: pass W_{of}.T"
                raise ValueError(message)
            if len(W) % heads:
                raise ValueError(
                    f"W_{of} must have {said} times as many rows as a head has features, but its "
                    f"shape is {W.shape} and {said}={heads} does not divide {len(W)}"
                )
        W_q, W_k, W_v, W_o = (given["W_" + of] for of in "qkvo")
        if len(W_q) // self.heads != len(W_k) // self.kv_heads:
            raise ValueError(
                f"W_q and W_k must give heads of the same size d, but W_q of shape {W_q.shape} "
                f"with heads={self.heads} gives {len(W_q) // self.heads}, and W_k of shape "
                f"{W_k.shape} with kv_heads={self.kv_heads} gives {len(W_k) // self.kv_heads}"
            )
        wide = len(W_v) // self.kv_heads * self.heads
        if W_o.shape[1] != wide:
            message = (
                f"W_o must have shape (d_out, n_in) with n_in = {wide}, what the heads give "
                f"together, but its shape is {W_o.shape}"
            )
            if len(W_o) == wide:
                message += "; W_o is transposed: pass W_o.T"
            raise ValueError(message)
        for of in "qkvo":
            b, W = given.get("b_" + of), given["W_" + of]
            if b is not None and b.shape != (len(W),):
                raise ValueError(
                    f"b_{of} must have one entry for each row of W_{of}, shape ({len(W)},), "
                    f"but its shape is {b.shape}"
                )

    @staticmethod
    def _source(given, of):
        """Return the name of the sequence that stands in for the queries, keys or values."""
        order = ("query", "key", "value")[: "qkv".index(of) + 1]
        return next(name for name in reversed(order) if name in given)

    def sequence(self, of):
        """Return the sequence that q, k or v is projected from."""
        return self.arrays[self._source(self.arrays, of)]

    def map(self, x, of):
        """Return x Wᵀ + 1bᵀ along the last axis of (N, T, n_in)."""
        W, b = self.arrays["W_" + of], self.arrays.get("b_" + of)
        z = x.reshape(x.shape[0] * x.shape[1], x.shape[2]) @ W.T
        return (z if b is None else z + b).reshape(*x.shape[:-1], len(W))

    def map_vjp(self, g, x, of):
        """Return the gradients in x, W and b (None without one)."""
        W = self.arrays["W_" + of]
        rows = g.reshape(x.shape[0] * x.shape[1], len(W))
        x_bar = (rows @ W).reshape(x.shape)
        W_bar = rows.T @ x.reshape(len(rows), x.shape[-1])
        b_bar = rows.T @ np.ones(len(rows), rows.dtype) if "b_" + of in self.arrays else None
        return x_bar, W_bar, b_bar

    def projected(self):
        """Return Q, K and V with the axes (N, heads, T, features)."""
        return (
            in_heads(self.map(self.sequence("q"), "q"), self.heads),
            in_heads(self.map(self.sequence("k"), "k"), self.kv_heads),
            in_heads(self.map(self.sequence("v"), "v"), self.kv_heads),
        )

    def fitting(self, g, name, shape):
        """Return a cotangent with an axis of examples, zeros for None; raise if it does not fit."""
        if g is None:
            return np.zeros(shape, self.product)
        expected = shape if self.batched else shape[1:]
        check_cotangent_shape(g, expected, f"multi_head_attention's {name}")
        return g.reshape(shape).astype(self.product, copy=False)


def in_heads(x, heads):
    """Return (N, T, heads d) as a view (N, heads, T, d)."""
    n, length, width = x.shape
    return x.reshape(n, length, heads, width // heads).swapaxes(1, 2)


def side_by_side(x):
    """Return (N, heads, T, d) as (N, T, heads d)."""
    n, heads, length, width = x.shape
    return x.swapaxes(1, 2).reshape(n, length, heads * width)
