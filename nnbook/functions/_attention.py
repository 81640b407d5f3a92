"""What attention and its vjp share: checks, masks, and the blocks in which scores are formed.

Inside, every input has the axes (N, groups, members, T, ...): a group is one head of keys and
values with the query heads that read it. Two and three axes get the missing ones with length 1.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np

from nnbook.functions._validate import (
    as_float,
    check_count,
    check_flag,
    check_number,
    common_dtype,
    product_dtype,
    working_dtype,
)
from nnbook.functions.activations import tanh
from nnbook.functions.probabilities import softmax

LIMIT = 1 << 15  # scores at a time: 256 KB in float64; a handful of such arrays stays in a cache
FEW_ROWS = 16  # products of fewer queries than this waste the processor

AXES = {2: "(T, d)", 3: "(N, T, d)", 4: "(N, heads, T, d)"}


class Arranged(NamedTuple):
    """The arguments of attention, checked; all arrays may be views of the caller's."""

    Q: np.ndarray  # (N, groups, members, T, d)
    K: np.ndarray  # (N, groups, S, d), past keys first
    V: np.ndarray  # (N, groups, S, e)
    mask: np.ndarray | None  # broadcast to (N, groups, members, T, S)
    causal: bool
    scale: float
    soft_cap: float | None
    block: int | None
    dtype: np.dtype  # of the results
    mask_shape: tuple[int, ...]  # of the mask as it was given, with five axes
    past: int

    @property
    def offset(self):
        """Return how many keys stand before the first query's own."""
        return self.K.shape[2] - self.Q.shape[3]

    def in_dtype(self, dtype):
        """Return the same with results in `dtype`, and products in it, or in float32 at least."""
        work = product_dtype(dtype)
        Q, K, V = (x.astype(work, copy=False) for x in (self.Q, self.K, self.V))
        return self._replace(Q=Q, K=K, V=V, dtype=dtype)


def arrange(Q, K, V, mask, causal, scale, soft_cap, past, block):
    """Return the arguments as an `Arranged`; raise if they do not fit."""
    Q, K, V = as_float(Q, "Q"), as_float(K, "K"), as_float(V, "V")
    _check_shapes(Q, K, V)
    dtype = common_dtype(Q, K, V)
    length = 0
    if past is not None:
        K_past, V_past = _checked_past(past, K, V)
        length = K_past.shape[-2]
        K, V = np.concatenate([K_past, K], -2), np.concatenate([V_past, V], -2)
    scores = (*Q.shape[:-1], K.shape[-2])
    heads, groups = (Q.shape[1], K.shape[1]) if Q.ndim == 4 else (1, 1)
    examples = Q.shape[0] if Q.ndim > 2 else 1
    split = (examples, groups, heads // groups)
    mask_shape = ()
    if mask is not None:
        mask = _checked_mask(mask, scores, length)
        shape = (
            (1,) * (4 - mask.ndim) + mask.shape
            if mask.ndim != 3
            else (mask.shape[0], 1, *mask.shape[1:])
        )
        by_head = shape[1] == heads
        mask_shape = (shape[0], *(split[1:] if by_head else (1, 1)), *shape[2:])
        mask = np.broadcast_to(mask.reshape(mask_shape), (*split, *scores[-2:]))
    d = Q.shape[-1]
    return Arranged(
        Q=Q.reshape(*split, *Q.shape[-2:]),
        K=K.reshape(*split[:2], *K.shape[-2:]),
        V=V.reshape(*split[:2], *V.shape[-2:]),
        mask=mask,
        causal=check_flag(causal, "causal"),
        scale=1 / math.sqrt(max(d, 1)) if scale is None else check_number(scale, "scale"),
        soft_cap=None
        if soft_cap is None
        else check_number(soft_cap, "soft_cap", 0, closed_low=False),
        block=None if block is None else check_count(block, "block"),
        dtype=dtype,
        mask_shape=mask_shape,
        past=length,
    ).in_dtype(dtype)


def blocks(a, *more):
    """Yield indices (n, g, r, t, keys) that together cover all scores that are not hidden.

    The keys that a causal block cannot see are left out. Where something is hidden and a number
    is not finite, each query becomes a block with the keys that it sees: a weight of 0 times NaN
    would let a hidden key through.
    """
    hides = a.causal or a.mask is not None
    if hides and not all(np.isfinite(x).all() for x in (a.K, a.V, *more)):
        yield from _single_queries(a)
        return
    (N, G, R, T, _), S = a.Q.shape, a.K.shape[2]
    rows = a.block or max(1, min(T, max(FEW_ROWS, LIMIT // max(1, R * S))))
    pairs = max(1, LIMIT // max(1, R * rows * S))
    groups = min(G, pairs)
    examples = pairs // G if groups == G else 1
    for n, g, t in itertools.product(_parts(N, examples), _parts(G, groups), _parts(T, rows)):
        stop = max(0, min(S, t.stop + a.offset)) if a.causal else S
        yield n, g, slice(None), t, slice(0, stop)


def _parts(length, step):
    return [slice(i, min(i + step, length)) for i in range(0, length, step)]


def _single_queries(a):
    for at in np.ndindex(a.Q.shape[:-1]):
        seen = np.ones(a.K.shape[2], bool)
        if a.mask is not None:
            row = a.mask[at]
            seen &= row if row.dtype == bool else row != -np.inf
        if a.causal:
            seen[max(0, at[-1] + a.offset + 1) :] = False
        yield *(slice(i, i + 1) for i in at), np.flatnonzero(seen)


def weights_of(a, at):
    """Return ``(p, x, q, k)`` of one block: weights, scores before the cap, and their factors.

    p and x have the axes (n, g, r, t, s); x is None without a cap. In q members and queries are
    one axis, and the scale is in it.
    """
    n, g, r, t, keys = at
    q = a.Q[n, g, r, t] * a.scale
    k = a.K[n, g, keys]
    shape = (*q.shape[:-1], k.shape[-2])
    q, x = merged(q), None
    scores = (q @ k.swapaxes(2, 3)).reshape(shape)
    if a.soft_cap is not None:
        x = scores.astype(working_dtype(scores.dtype), copy=False)
        scores = (a.soft_cap * tanh(x / a.soft_cap)).astype(scores.dtype, copy=False)
    if a.mask is not None:
        mask = a.mask[n, g, r, t, keys]
        hidden = ~mask if mask.dtype == bool else mask == -np.inf
        scores = scores if mask.dtype == bool else scores + mask
        np.copyto(scores, -np.inf, where=hidden)  # whatever the score was
    if a.causal and isinstance(keys, slice):
        query = np.arange(t.start, t.stop)[:, np.newaxis] + a.offset
        np.copyto(scores, -np.inf, where=np.arange(keys.stop) > query)
    return _normalized(scores).astype(q.dtype, copy=False), x, q, k


def _normalized(scores):
    """Return the softmax of scores along the last axis, 0 where all are -inf; they are overwritten.

    Unlike `softmax` it does not put back what the subtraction of the maximum rounds off: the
    products that gave the scores were rounded by more.
    """
    top = scores.max(axis=-1, keepdims=True, initial=-np.inf)
    if np.inf in top:
        return np.where(top == -np.inf, 0, softmax(scores))
    np.copyto(top, 0, where=top == -np.inf)  # a query that sees nothing reads nothing
    np.exp(np.subtract(scores, top, out=scores), out=scores)
    total = scores.sum(axis=-1, keepdims=True)
    np.copyto(total, 1, where=total == 0)
    return np.divide(scores, total, out=scores)


def merged(x):
    """Return x with the members of a group and their queries as one axis."""
    return x.reshape(*x.shape[:2], x.shape[2] * x.shape[3], x.shape[4])


def cotangents_of(g, pair):
    """Return the cotangents of the result and of the weights, either of which may be None."""
    if not pair:
        return as_float(g, "g"), None
    if not isinstance(g, tuple | list) or len(g) != 2:
        raise TypeError(
            "g must be a pair, the cotangents of the output and of the weights, because "
            f"return_weights is True; got {type(g).__name__}"
        )
    return tuple(None if part is None else as_float(part, "g") for part in g)


def _check_shapes(Q, K, V):
    if Q.ndim not in AXES:
        raise ValueError(
            "Q must have the axes (T, d), (N, T, d) or (N, heads, T, d), "
            f"but its shape is {Q.shape}"
        )
    for x, name in ((K, "K"), (V, "V")):
        if x.ndim != Q.ndim:
            raise ValueError(
                f"{name} must have the axes of Q, {AXES[Q.ndim]}, but {name} has shape {x.shape} "
                f"and Q has {Q.shape}"
            )
        if Q.ndim > 2 and x.shape[0] != Q.shape[0]:
            raise ValueError(
                f"Q and {name} must hold the same number of examples N, but Q has shape {Q.shape} "
                f"and {name} has {x.shape}; nothing is broadcast over examples"
            )
    if K.shape[-1] != Q.shape[-1]:
        message = (
            f"Q and K must have the same number of features d, their last axis, but Q has shape "
            f"{Q.shape} and K has {K.shape}"
        )
        if K.shape[-2] == Q.shape[-1]:
            message += "; one row is one key, so pass K.swapaxes(-1, -2)"
        raise ValueError(message)
    if K.shape[-2] != V.shape[-2]:
        raise ValueError(
            f"K and V must have the same length S, a value for each key, but K has shape "
            f"{K.shape} and V has {V.shape}"
        )
    if Q.ndim == 4:
        _check_heads(Q.shape, K.shape, V.shape)


def _check_heads(Q, K, V):
    layout = "; heads stand before positions, so arrays (N, T, heads, d) need .swapaxes(1, 2)"
    if K[1] != V[1]:
        raise ValueError(
            f"K and V must have the same number of heads, but K has shape {K} and V has {V}"
            + layout
        )
    if K[1] == 0 or Q[1] % K[1]:
        raise ValueError(
            f"the heads of K and V must divide those of Q, but Q of shape {Q} has {Q[1]} heads "
            f"and K of shape {K} has {K[1]}" + layout
        )


def _checked_past(past, K, V):
    if not isinstance(past, tuple | list) or len(past) != 2:
        raise TypeError(
            f"past must be a pair (K_past, V_past) of arrays, got {type(past).__name__}"
        )
    K_past, V_past = as_float(past[0], "past[0]"), as_float(past[1], "past[1]")
    for i, found, now, name in ((0, K_past, K, "K"), (1, V_past, V, "V")):
        expected = now.shape
        if found.ndim != now.ndim or (*found.shape[:-2], found.shape[-1]) != (
            *expected[:-2],
            expected[-1],
        ):
            raise ValueError(
                f"past[{i}] goes before {name} and may differ from it in length alone, but its "
                f"shape is {found.shape} and {name} has {expected}"
            )
    if K_past.shape[-2] != V_past.shape[-2]:
        raise ValueError(
            f"past[0] and past[1] must have the same length, a value for each key, but their "
            f"shapes are {K_past.shape} and {V_past.shape}"
        )
    return K_past, V_past


def _checked_mask(mask, scores, past):
    try:
        kind = np.asarray(mask).dtype.kind
    except ValueError:
        kind = ""
    if kind in ("i", "u"):
        raise TypeError(
            f"mask must be boolean (True: may attend) or floating-point (added to the scores), "
            f"but its dtype is {np.asarray(mask).dtype}; if 1 means may attend, pass "
            "mask.astype(bool), and if 1 marks what is hidden, mask == 0"
        )
    mask = np.asarray(mask) if kind == "b" else as_float(mask, "mask")
    shared = mask.ndim == len(scores) and all(
        m in (1, s) for m, s in zip(mask.shape[:-1], scores[:-1], strict=True)
    )
    if mask.shape == scores[-2:] or (shared and mask.shape[-1] == scores[-1]):
        return mask
    message = f"mask must have shape (T, S) = {scores[-2:]}"
    if len(scores) > 2:
        axes = "(N, heads, T, S)" if len(scores) == 4 else "(N, T, S)"
        message += f" or {axes} = {scores}"
    message += f", where any axis but S may be 1, but its shape is {mask.shape}"
    if past:
        message += f"; S counts the {past} past keys too"
    if mask.shape == scores[-2:][::-1]:
        message += "; queries come first, so pass mask.T"
    elif len(scores) > 2 and mask.shape == (scores[0], scores[-1]):
        axes = ", ".join(["np.newaxis"] * (len(scores) - 2))
        message += f"; a mask of the keys of each example is mask[:, {axes}, :]"
    elif len(scores) == 4 and mask.shape == (scores[0], *scores[2:]):
        message += "; a mask that all heads share is mask[:, np.newaxis]"
    raise ValueError(message)
