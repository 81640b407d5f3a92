"""The rules of NumPy's functions that sum, choose, move and join the entries of arrays.

All but the extrema are linear, so that their jvp is the function itself; the rest are compositions.
"""

import builtins
import itertools

import numpy as np

from nnbook.learning._traced import FUNCTIONS, Op, apply, plain, unbroadcast


def linear(name, forward, vjp):
    """Return the `Op` of a function that is linear in its one array."""

    def push(tangents, out, arrays, options):
        return apply(op, (tangents[0],), options)

    op = Op(name, forward, (vjp,), push=push)
    return op


def _axes(axis, ndim):
    """Return axes counted from the front, as a tuple."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(a % ndim for a in (axis if isinstance(axis, tuple) else (axis,)))


def _spread(g, x, axis, keepdims):
    """Return what was reduced over `axis` with its axes of length 1 back in place."""
    if keepdims or x.ndim == 0:
        return g
    axes = _axes(axis, x.ndim)
    return np.reshape(g, tuple(1 if i in axes else n for i, n in enumerate(x.shape)))


def _count(x, axis):
    count = 1
    for a in _axes(axis, x.ndim):
        count *= x.shape[a]
    return count


# ---------------------------------------------------------------- sums and extrema
def _sum_vjp(g, out, x, axis, keepdims):
    return np.broadcast_to(_spread(g, x, axis, keepdims), x.shape)


def _mean_vjp(g, out, x, axis, keepdims):
    return np.broadcast_to(_spread(g, x, axis, keepdims) / _count(x, axis), x.shape)


def _extremum_weights(out, x, axis, keepdims):
    """Return 1 at the extremum; where several entries are equal, each has its part of the 1."""
    chosen = plain(x) == _spread(plain(out), x, axis, keepdims)
    return (chosen / np.sum(chosen, axis=axis, keepdims=True)).astype(x.dtype, copy=False)


def _extremum_vjp(g, out, x, axis, keepdims):
    return _spread(g, x, axis, keepdims) * _extremum_weights(out, x, axis, keepdims)


def _extremum_push(tangents, out, arrays, options):
    return np.sum(tangents[0] * _extremum_weights(out, arrays[0], **options), **options)


def _cumsum_vjp(g, out, x, axis):
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


def reduction(op):
    """Return the NumPy function of a reduction, for traced arrays."""

    def reduce(a, axis=None, *, keepdims=False):
        axis = tuple(axis) if isinstance(axis, list) else axis
        return apply(op, (a,), {"axis": axis, "keepdims": bool(keepdims)})

    return reduce


CUMSUM = linear("np.cumsum", np.cumsum, _cumsum_vjp)


def cumsum(a, axis=None):
    if axis is None:
        a, axis = np.reshape(a, -1), 0
    return apply(CUMSUM, (a,), {"axis": axis})


def prod(a, axis=None, *, keepdims=False):
    """Multiply the two halves, again and again: right where an entry is 0."""
    shape = np.sum(plain(a), axis=axis, keepdims=keepdims).shape
    for one in sorted(_axes(axis, a.ndim), reverse=True):
        a = np.moveaxis(a, one, 0)
        while len(a) > 1:
            half = len(a) // 2
            rest = a[2 * half :]
            a = a[:half] * a[half : 2 * half]
            a = np.concatenate([a, rest]) if len(rest) else a
        a = a[0] if len(a) else np.ones(a.shape[1:], a.dtype)
    return np.reshape(a, shape)


def var(a, axis=None, *, ddof=0, keepdims=False):
    centred = a - np.mean(a, axis=axis, keepdims=True)
    return np.sum(centred * centred, axis=axis, keepdims=keepdims) / (_count(a, axis) - ddof)


def std(a, axis=None, *, ddof=0, keepdims=False):
    return np.sqrt(var(a, axis, ddof=ddof, keepdims=keepdims))


# ---------------------------------------------------------------- moving entries
def _transpose_vjp(g, out, x, axes):
    return np.transpose(g, None if axes is None else np.argsort([a % x.ndim for a in axes]))


def _astype(x, dtype):
    return x.astype(dtype)


RESHAPE = linear("np.reshape", np.reshape, lambda g, out, x, shape: np.reshape(g, x.shape))
TRANSPOSE = linear("np.transpose", np.transpose, _transpose_vjp)
BROADCAST = linear(
    "np.broadcast_to", np.broadcast_to, lambda g, out, x, shape: unbroadcast(g, x.shape)
)
FLIP = linear("np.flip", np.flip, lambda g, out, x, axis: np.flip(g, axis))
ROLL = linear(
    "np.roll",
    np.roll,
    lambda g, out, x, shift, axis: np.roll(g, tuple(np.negative(shift)) if axis.__class__ is tuple
                                           else -shift, axis),
)
ASTYPE = linear("astype", _astype, lambda g, out, x, dtype: g.astype(x.dtype))


def moveaxis(a, source, destination):
    sources = [s % a.ndim for s in np.atleast_1d(source)]
    places = [d % a.ndim for d in np.atleast_1d(destination)]
    order = [n for n in range(a.ndim) if n not in sources]
    for place, source in sorted(zip(places, sources, strict=True)):
        order.insert(place, source)
    return np.transpose(a, order)


def swapaxes(a, axis1, axis2):
    order = list(range(a.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return np.transpose(a, order)


def expand_dims(a, axis):
    return np.reshape(a, np.expand_dims(plain(a), axis).shape)


def squeeze(a, axis=None):
    return np.reshape(a, np.squeeze(plain(a), axis).shape)


# ---------------------------------------------------------------- choosing entries
def is_basic(index):
    """Return whether an index picks no entry twice: integers, slices, None and ... alone."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None
        or part is Ellipsis
        or (isinstance(part, (slice, int, np.integer)) and not isinstance(part, (bool, np.bool_)))
        for part in parts
    )


def _scattered(g, index, shape):
    out = np.zeros(shape, g.dtype)
    if is_basic(index):
        out[index] = g
    else:
        np.add.at(out, index, g)  # an entry that was taken twice gets both
    return out


def _frozen(index):
    if isinstance(index, tuple):
        return tuple(_frozen(part) for part in index)
    return np.array(index) if isinstance(index, (np.ndarray, list)) else index


def _item(x, index):
    return x[index]


ITEM = linear(
    "indexing",
    _item,
    lambda g, out, x, index: apply(SCATTER, (g,), {"index": index, "shape": x.shape}),
)
SCATTER = linear("scattering", _scattered, lambda g, out, x, index, shape: g[index])


def getitem(a, index):
    return apply(ITEM, (a,), {"index": _frozen(index)})


def take(a, indices, axis=None):
    if axis is None:
        return np.reshape(a, -1)[np.asarray(indices)]
    return a[(slice(None),) * (axis % a.ndim) + (np.asarray(indices),)]


def take_along_axis(arr, indices, axis=-1):
    indices = np.asarray(indices)
    grid = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    grid[axis] = indices
    return arr[tuple(grid)]


def sort(a, axis=-1):
    return take_along_axis(a, np.argsort(plain(a), axis=axis), axis)


def diagonal(a):
    n = builtins.min(a.shape[-2:])
    return a[..., np.arange(n), np.arange(n)]


def trace(a):
    return np.sum(diagonal(a), axis=-1)


def tril(m, k=0):
    return np.where(np.tri(*m.shape[-2:], k=k, dtype=bool), m, np.zeros((), m.dtype))


def triu(m, k=0):
    return np.where(np.tri(*m.shape[-2:], k=k - 1, dtype=bool), np.zeros((), m.dtype), m)


def repeat(a, repeats, axis=None):
    if axis is None:
        a, axis = np.reshape(a, -1), 0
    return take(a, np.repeat(np.arange(a.shape[axis]), repeats), axis)


def split(ary, indices_or_sections, axis=0):
    parts = np.split(np.arange(ary.shape[axis]), indices_or_sections)
    ends = itertools.accumulate([0] + [len(part) for part in parts])
    front = (slice(None),) * (axis % ary.ndim)
    return [ary[(*front, slice(start, end))] for start, end in itertools.pairwise(ends)]


# ---------------------------------------------------------------- choosing between and joining
def _where_push(tangents, out, arrays, options):
    zero = np.zeros((), out.dtype)
    chosen = np.where(arrays[0], tangents.get(1, zero), tangents.get(2, zero))
    return chosen if chosen.shape == out.shape else np.broadcast_to(chosen, out.shape)


WHERE = Op(
    "np.where",
    np.where,
    (
        None,
        lambda g, out, c, x, y: np.where(c, g, np.zeros((), g.dtype)),
        lambda g, out, c, x, y: np.where(c, np.zeros((), g.dtype), g),
    ),
    push=_where_push,
    broadcasts=True,
)


def where(condition, *choices):
    if not choices:
        return np.where(plain(condition))
    return apply(WHERE, (plain(condition), *choices))


def _joined(*arrays, axis):
    return np.concatenate(arrays, axis)


def _joined_vjp(g, out, arrays, options, needed):
    axis = options["axis"]
    return split(g, np.cumsum([a.shape[axis] for a in arrays])[:-1], axis)


def _joined_push(tangents, out, arrays, options):
    parts = [tangents.get(i, np.zeros(a.shape, out.dtype)) for i, a in enumerate(arrays)]
    return np.concatenate(parts, **options)


CONCATENATE = Op("np.concatenate", _joined, vjp=_joined_vjp, push=_joined_push)


def concatenate(arrays, axis=0):
    if axis is None:
        arrays, axis = [np.reshape(a, -1) for a in arrays], 0
    return apply(CONCATENATE, tuple(arrays), {"axis": axis})


def stack(arrays, axis=0):
    return concatenate([np.expand_dims(a, axis) for a in arrays], axis)


def pad(array, pad_width):
    """Zeros around an array: its entries are scattered into a larger one."""
    before, after = np.broadcast_to(pad_width, (array.ndim, 2)).T
    shape = tuple(np.array(array.shape) + before + after)
    inner = tuple(slice(before[k], before[k] + n) for k, n in enumerate(array.shape))
    return apply(SCATTER, (array,), {"index": inner, "shape": shape})


def clip(a, a_min=None, a_max=None):
    a = a if a_min is None else np.maximum(a, a_min)
    return a if a_max is None else np.minimum(a, a_max)


# ---------------------------------------------------------------- products
def dot(a, b):
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    if np.ndim(b) > 2:
        raise TypeError("np.dot of more than two axes has no derivative rule; np.matmul has one")
    return np.matmul(a, b)


def outer(a, b):
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))


def _einsum(*arrays, inputs, output):
    return np.einsum(",".join(inputs) + "->" + output, *arrays)


def _einsum_vjp(g, out, arrays, options, needed):
    inputs, output, shares = options["inputs"], options["output"], []
    for i, x in enumerate(arrays):
        letters = inputs[i]
        rest = [a for j, a in enumerate(arrays) if j != i]
        given = [output] + [s for j, s in enumerate(inputs) if j != i]
        kept = "".join(c for c in letters if any(c in s for s in given))
        share = np.einsum(",".join(given) + "->" + kept, g, *rest)
        # A letter of x alone was summed over: every entry along it gets the same.
        share = np.reshape(share, [x.shape[k] if c in kept else 1 for k, c in enumerate(letters)])
        shares.append(np.broadcast_to(share, x.shape))
    return shares


def _einsum_push(tangents, out, arrays, options):
    total = None
    for i, t in tangents.items():
        part = apply(EINSUM, (*arrays[:i], t, *arrays[i + 1 :]), options)
        total = part if total is None else total + part
    return total


EINSUM = Op("np.einsum", _einsum, vjp=_einsum_vjp, push=_einsum_push)


def einsum(subscripts, *operands):
    if not isinstance(subscripts, str) or "." in subscripts:
        raise TypeError(f"np.einsum takes subscripts such as 'ij,jk->ik' here, without an "
                        f"ellipsis, found {subscripts!r}")
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = inputs.split(",")
    if not arrow:
        letters = "".join(inputs)
        output = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    if any(len(set(s)) < len(s) for s in inputs):
        raise TypeError(f"np.einsum of a diagonal ({subscripts!r}) has no derivative rule; "
                        "np.diagonal has one")
    return apply(EINSUM, operands, {"inputs": inputs, "output": output})


FUNCTIONS.update({
    "getitem": getitem,
    "astype": ASTYPE,
    np.sum: reduction(linear("np.sum", np.sum, _sum_vjp)),
    np.mean: reduction(linear("np.mean", np.mean, _mean_vjp)),
    np.max: reduction(Op("np.max", np.max, (_extremum_vjp,), push=_extremum_push)),
    np.min: reduction(Op("np.min", np.min, (_extremum_vjp,), push=_extremum_push)),
    np.amax: reduction(Op("np.max", np.max, (_extremum_vjp,), push=_extremum_push)),
    np.amin: reduction(Op("np.min", np.min, (_extremum_vjp,), push=_extremum_push)),
    np.reshape: lambda a, shape: apply(RESHAPE, (a,), {"shape": shape}),
    np.ravel: lambda a: apply(RESHAPE, (a,), {"shape": -1}),
    np.transpose: lambda a, axes=None: apply(TRANSPOSE, (a,), {"axes": axes}),
    np.broadcast_to: lambda array, shape: apply(BROADCAST, (array,), {"shape": shape}),
    np.flip: lambda m, axis=None: apply(FLIP, (m,), {"axis": axis}),
    np.roll: lambda a, shift, axis=None: apply(ROLL, (a,), {"shift": shift, "axis": axis}),
})
for _function in (cumsum, prod, var, std, moveaxis, swapaxes, expand_dims, squeeze, take,
                  take_along_axis, sort, diagonal, trace, tril, triu, repeat, split, where,
                  concatenate, stack, pad, clip, dot, outer, einsum):
    FUNCTIONS[getattr(np, _function.__name__)] = _function
