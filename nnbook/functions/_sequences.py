"""What recurrent networks share: layouts, directions, lengths, and what a wrong shape is told.

Inside, every array has the axes (d, T, N, features): d is 1, or 2 for both directions, and each
direction stands in the order in which it reads. A single step is a sequence of T = 1.
"""

from dataclasses import dataclass, replace

import numpy as np

from nnbook.functions._validate import (
    as_float,
    check_cotangent_shape,
    check_count,
    check_flag,
    common_dtype,
    product_dtype,
)

FLIPS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
OWNERS = {1: "a plain RNN", 3: "a GRU", 4: "an LSTM"}


@dataclass(frozen=True)
class Layout:
    """How the caller's arrays lie, and which steps are padding or end a gradient."""

    flips: tuple[bool, ...]
    batch_first: bool
    shape: tuple[int, int, int]  # T, N, H
    dtype: np.dtype  # of the results
    keep: np.ndarray | None = None  # (d, T, N, 1): this step is not padding
    cut: np.ndarray | None = None  # (d, T, N, 1): the state that enters here counts as a constant

    @property
    def work(self):
        """Return the dtype to compute in."""
        return product_dtype(self.dtype)

    def cast(self, a):
        """Return `a`, with an axis of directions, in the working dtype."""
        a = a.astype(self.work, copy=False)
        return a if len(self.flips) == 2 else a[np.newaxis]

    def start(self, state):
        """Return an initial state (d, N, H), zero if none was given."""
        _, n, width = self.shape
        if state is None:
            return np.zeros((len(self.flips), n, width), self.work)
        return self.cast(state)

    def room(self, h0):
        """Return an array for the states before and after every step, `h0` in its place."""
        states = np.empty((len(h0), self.shape[0] + 1, *h0.shape[1:]), self.work)
        states[:, 0] = h0
        return states

    def read(self, x):
        """Return a sequence of the caller's as (d, T, N, features), zero at the padding."""
        if self.batch_first:
            x = x.swapaxes(0, 1)
        x = np.stack([x[::-1] if flip else x for flip in self.flips]).astype(self.work, copy=False)
        # Replaced, not multiplied: what stands in the padding may be NaN.
        return x if self.keep is None else np.where(self.keep, x, np.zeros((), x.dtype))

    def split(self, a):
        """Return outputs (N, T, d H) of the caller's as (d, T, N, H)."""
        width = self.shape[2]
        every = self.read(a)
        return np.stack([e[..., i * width : (i + 1) * width] for i, e in enumerate(every)])

    def write(self, a):
        """Return one array of the caller's layout for each direction of `a` (d, T, N, features)."""
        parts = [part[::-1] if flip else part for part, flip in zip(a, self.flips, strict=True)]
        return [part.swapaxes(0, 1) if self.batch_first else part for part in parts]

    def outputs(self, states):
        """Return the outputs, (N, T, d H), from the states (d, T + 1, N, H)."""
        after = states[:, 1:]
        if self.keep is not None:
            after = np.where(self.keep, after, np.zeros((), after.dtype))
        outputs = np.concatenate(self.write(after), axis=-1)
        return np.ascontiguousarray(outputs, self.dtype)

    def drop(self, a):
        """Return `a` without the axis of directions if there is one direction; a new array."""
        a = a if len(self.flips) == 2 else a[0]
        return np.array(a, self.dtype, order="C")

    def passed(self, t, after, before):
        """Return the gradient that goes on to the step before `t`.

        It is `before`; but a padded step hands on `after`, and at a cut nothing goes on.
        """
        if self.keep is not None:
            before = np.where(self.keep[:, t], before, after)
        if self.cut is not None and self.cut[:, t].any():
            before = np.where(self.cut[:, t], np.zeros((), before.dtype), before)
        return before

    def gradients(self, delta, X, W_x):
        """Return the gradients in x, W_x and b from `delta`, the one in the pre-activations."""
        x_bar, *other = self.write(product(delta, W_x.swapaxes(1, 2)))
        if other:
            x_bar = x_bar + other[0]
        W_x_bar = outer(delta, X)
        return np.array(x_bar, self.dtype, order="C"), self.drop(W_x_bar), self.drop(total(delta))


def total(A):
    """Return the sum of (d, T, N, columns) over steps and examples, as a product: faster."""
    d, steps, n, columns = A.shape
    return (np.ones((1, steps * n), A.dtype) @ A.reshape(d, steps * n, columns))[:, 0]


def input_part(X, W_x, b):
    """Return X W_xᵀ + 1bᵀ for all steps in one product; X is (d, T, N, D)."""
    Z = product(X, W_x)
    Z += b[:, np.newaxis, np.newaxis]
    return Z


def product(A, W):
    """Return A Wᵀ for A (d, T, N, H), in one product."""
    d, steps, n, width = A.shape
    flat = A.reshape(d, steps * n, width) @ W.swapaxes(1, 2)
    return flat.reshape(d, steps, n, W.shape[1])


def outer(delta, A):
    """Return the sum over steps and examples of delta Aᵀ, (d, rows, columns)."""
    d, steps, n, rows = delta.shape
    return delta.reshape(d, steps * n, rows).swapaxes(1, 2) @ A.reshape(d, steps * n, A.shape[3])


def layout_of_cell(x, h, W_x, W_h, b, gates, others):
    """Check the arguments of a single step; return its `Layout` and the arrays as float.

    `others` is a mapping of names to further arrays and their shapes, as in `layout_of`.
    """
    x, h = as_float(x, "x"), as_float(h, "h")
    if x.ndim != 2:
        message = f"x must have two axes (N, D), but its shape is {x.shape}"
        if x.ndim == 1:
            message += "; a single example is one row: x[np.newaxis, :]"
        elif x.ndim == 3:
            message += "; a cell takes one step, the function of the whole sequence takes (N, T, D)"
        raise ValueError(message)
    W_x, W_h, b = _weights(x, "x (N, D)", W_x, W_h, b, gates, stacked=False)
    n, width = len(x), W_h.shape[-1]
    named = {"h": (h, ("N", "H")), **others}
    arrays = _shapes(named, {"N": n, "H": width}, stacked=False, where=f"x {x.shape}")
    dtype = common_dtype(x, W_x, W_h, b, *(a for a in arrays if a is not None))
    layout = Layout((False,), False, (1, n, width), dtype)
    return layout, (x[np.newaxis], W_x, W_h, b, *arrays)


def layout_of(x, W_x, W_h, b, gates, others, batch_first, direction, lengths, truncate):
    """Check the arguments of a whole sequence; return its `Layout` and the arrays as float.

    `others` maps names to ``(array or None, axes)``; the axes "N" and "H" have the lengths of the
    batch and of the state, a number has its own.
    """
    x = as_float(x, "x")
    if not isinstance(direction, str) or direction not in FLIPS:
        raise ValueError(
            f'direction must be "forward", "reverse" or "bidirectional", got {direction!r}'
        )
    batch_first = check_flag(batch_first, "batch_first")
    axes = "(N, T, D)" if batch_first else "(T, N, D)"
    if x.ndim != 3:
        message = f"x must have three axes {axes}, but its shape is {x.shape}"
        if x.ndim == 2:
            at = "x[np.newaxis]" if batch_first else "x[:, np.newaxis]"
            message += f"; a single sequence (T, D) is a batch of one: {at}"
        raise ValueError(message)
    steps, n = x.shape[:2][::-1] if batch_first else x.shape[:2]
    if steps == 0:
        raise ValueError(
            f"x {axes} must have at least one step T, but its shape is {x.shape}; "
            "a sequence of no steps has no outputs"
        )
    stacked = direction == "bidirectional"
    W_x, W_h, b = _weights(x, f"x {axes}", W_x, W_h, b, gates, stacked)
    where = f"x {axes} {x.shape}"
    width = W_h.shape[-1]
    arrays = _shapes(others, {"N": n, "H": width, "T": steps}, stacked, where, batch_first)
    dtype = common_dtype(x, W_x, W_h, b, *(a for a in arrays if a is not None))
    flips = FLIPS[direction]
    keep, first = _padding(lengths, steps, n, flips, where, batch_first)
    cut = None
    if truncate is not None:
        age = np.arange(steps)[:, np.newaxis, np.newaxis] - first
        cut = (age > 0) & (age % check_count(truncate, "truncate") == 0)
        cut = cut if keep is None else cut & keep
    layout = Layout(flips, batch_first, (steps, n, width), dtype, keep, cut)
    return layout, (x, W_x, W_h, b, *arrays)


def cotangents(g, shapes, names, layout):
    """Return the cotangents as float arrays, zeros for None, and the layout with their dtype.

    `shapes` are those of the forward's results. One result takes an array, several a tuple.
    """
    if len(shapes) == 1:
        g = (g,)
    elif not isinstance(g, (tuple, list)) or len(g) != len(shapes):
        found = f"{len(g)} entries" if isinstance(g, (tuple, list)) else f"a {type(g).__name__}"
        raise TypeError(
            f"g must be a tuple ({', '.join(names)}) of {len(shapes)} cotangents, "
            f"None for those that are zero, got {found}"
        )
    found = []
    for i, (a, shape, name) in enumerate(zip(g, shapes, names, strict=True)):
        label = "g" if len(shapes) == 1 else f"g[{i}]"
        if a is None and len(shapes) > 1:
            found.append(None)
            continue
        a = as_float(a, label)
        check_cotangent_shape(a, shape, name, label)
        found.append(a)
    dtype = common_dtype(np.empty(0, layout.dtype), *(a for a in found if a is not None))
    found = [np.zeros(s, dtype) if a is None else a for a, s in zip(found, shapes, strict=True)]
    return found, replace(layout, dtype=dtype)


def result_shapes(layout, count):
    """Return the shapes of the outputs and of `count` last states."""
    steps, n, width = layout.shape
    d = len(layout.flips)
    outputs = (n, steps, d * width) if layout.batch_first else (steps, n, d * width)
    return (outputs, *[(n, width) if d == 1 else (2, n, width)] * count)


def known_states(output, layout, h0, count):
    """Return all states (d, T + 1, N, H) from what the forward returned, or None.

    None also where the outputs were rounded to less than the working dtype: they would not do.
    """
    if output is None:
        return None
    if not isinstance(output, tuple) or len(output) != count + 1:
        raise TypeError(
            f"output must be what the forward returned, a tuple of {count + 1} arrays, "
            f"got {type(output).__name__}"
        )
    outputs = as_float(output[0], "output[0]")
    (shape,) = result_shapes(layout, 0)
    if outputs.shape != shape:
        raise ValueError(
            f"output must be what the forward returned, with outputs of shape {shape}, "
            f"but the shape of output[0] is {outputs.shape}"
        )
    if outputs.dtype != layout.work:
        return None
    after = layout.split(outputs)
    if layout.keep is not None:
        # Padding comes after the last step, where no step needs it, or before the first.
        after = np.where(layout.keep, after, h0[:, np.newaxis])
    return np.concatenate([h0[:, np.newaxis], after], axis=1)


def _weights(x, label, W_x, W_h, b, gates, stacked):
    """Return W_x (G H, D), W_h (G H, H) and b (G H,) as float arrays, checked."""
    W_x, W_h, b = as_float(W_x, "W_x"), as_float(W_h, "W_h"), as_float(b, "b")
    count = len(gates)
    tall = "H" if count == 1 else f"{count}H"
    pair = "2, " if stacked else ""
    for w, name, axes in ((W_x, "W_x", "D"), (W_h, "W_h", "H")):
        if w.ndim != 2 + stacked or (stacked and len(w) != 2):
            message = (
                f"{name} must have the axes ({pair}{tall}, {axes}), but its shape is {w.shape}"
            )
            if stacked and w.ndim == 2:
                message += "; two directions take two sets: np.stack([forward, reverse])"
            elif not stacked and w.ndim == 3 and len(w) == 2:
                message += '; two sets of weights belong to direction="bidirectional"'
            raise ValueError(message)
    rows, width = W_h.shape[-2:]
    if rows != count * width:
        message = f"W_h must have shape ({pair}{tall}, H)"
        if count > 1:
            message += f", H rows for each of the gates {', '.join(gates)}"
        message += f"; with H = {width} that is {count * width} rows, but its shape is {W_h.shape}"
        if width == count * rows:
            message += "; it looks transposed: pass W_h" + (".swapaxes(1, 2)" if stacked else ".T")
        elif width and rows % width == 0 and rows // width in OWNERS:
            held = rows // width
            found = "H" if held == 1 else f"{held}H"
            message += f"; {found} rows are the weights of {OWNERS[held]}, here is {OWNERS[count]}"
        raise ValueError(message)
    if W_x.shape[-2] != rows:
        message = (
            f"W_x must have {tall} = {rows} rows, as W_h of shape {W_h.shape} has, "
            f"but its shape is {W_x.shape}"
        )
        if W_x.shape[-1] == rows:
            message += "; it looks transposed: pass W_x" + (".swapaxes(1, 2)" if stacked else ".T")
        raise ValueError(message)
    if x.shape[-1] != W_x.shape[-1]:
        raise ValueError(
            f"{label} and W_x ({pair}{tall}, D) must agree in D, "
            f"but x has shape {x.shape} and W_x has shape {W_x.shape}"
        )
    if b.shape != W_x.shape[:-1]:
        message = f"b must have shape {W_x.shape[:-1]}, a bias a row of W_x, but has {b.shape}"
        if b.size == 2 * rows * (1 + stacked):
            message += "; two biases, of the input and of the state, are added up first"
        raise ValueError(message)
    return W_x, W_h, b


def _shapes(named, lengths, stacked, where, batch_first=None):
    """Return the named arrays as float, each None or of the shape that its axes promise."""
    arrays = []
    for name, (a, axes) in named.items():
        if a is None:
            arrays.append(None)
            continue
        a = as_float(a, name)
        shape = tuple(lengths.get(axis, axis) for axis in axes)
        words = f"({', '.join(map(str, axes))}{',' if len(axes) == 1 else ''})"
        if stacked:
            shape, words = (2, *shape), f"(2, {words[1:]}".replace(",)", ")")
        if a.shape != shape:
            message = f"{name} must have shape {words} = {shape}, but its shape is {a.shape}"
            if "N" in axes:
                message += f" ({where})"
            if a.shape == (1, *shape):
                message += f"; there is no axis of layers here, pass {name}[0]"
            if batch_first is not None and "N" in axes:
                swapped = tuple(lengths["T"] if axis == "N" else lengths[axis] for axis in axes)
                if a.shape[-2:] == swapped != shape[-2:]:
                    message += _swapped(batch_first)
            raise ValueError(message)
        arrays.append(a)
    return arrays


def _swapped(batch_first):
    axes, value = ("(T, N, D)", False) if batch_first else ("(N, T, D)", True)
    return f"; if x lies as {axes}, pass batch_first={value}"


def _padding(lengths, steps, n, flips, where, batch_first):
    """Return which steps count, (d, T, N, 1) or None, and the first of them, (d, 1, N or 1, 1)."""
    d = len(flips)
    if lengths is None:
        return None, np.zeros((d, 1, 1, 1), int)
    try:
        lengths = np.asarray(lengths)
    except ValueError:
        raise ValueError(
            f"lengths must be one integer for each example, shape ({n},), but its rows differ in "
            "length"
        ) from None
    if lengths.dtype.kind not in "iu":
        raise TypeError(f"lengths must be integers, but their dtype is {lengths.dtype}")
    if lengths.shape != (n,):
        message = f"lengths must have shape (N,) = ({n},), but their shape is {lengths.shape}"
        message += f" ({where})"
        if lengths.shape == (steps,):
            message += _swapped(batch_first)
        raise ValueError(message)
    wrong = np.flatnonzero((lengths < 1) | (lengths > steps))
    if wrong.size:
        i = wrong[0]
        message = f"lengths[{i}] is {lengths[i]}, but must be from 1 to T = {steps} ({where})"
        if steps < lengths[i] <= n:
            message += _swapped(batch_first)
        raise ValueError(message)
    lengths = lengths.astype(np.intp)
    flip = np.array(flips)[:, np.newaxis, np.newaxis]
    first = np.where(flip, steps - lengths, 0)  # (d, 1, N)
    time = np.arange(steps)[np.newaxis, :, np.newaxis]
    keep = (time >= first) & (time < first + lengths)
    return keep[..., np.newaxis], first[..., np.newaxis]
