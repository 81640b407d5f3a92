r"""Correlation as matrix products over runs, and its two adjoints.

An image padded with zeros and written out as one long row turns the shift by a kernel's tap into
a shift of the row: all the entries that a tap meets are one run of memory. Stack the runs of all
taps, the columns, and a convolution is the matrix product of the weights with that stack. What
is computed where a run crosses from one line of the image to the next belongs to no window and
is dropped. A stride s splits each axis into s phases, entries r, r + s, r + 2s, ..., within which
the windows move by single steps.

The transpose of copying a run is adding it back, so the gradient in x takes the same route
backwards. Images are taken in blocks whose columns fit the cache: memory beyond the arguments and
the result does not grow with the batch. The cotangent is 0 between the windows, where an infinite
entry or weight would make NaN of it: then what is between the windows is replaced by 0.
"""

import functools
import itertools
import math
from typing import NamedTuple

import numpy as np

from nnbook.functions._scratch import Scratch
from nnbook.functions._windows import aligned

BUDGET = 2**21  # bytes of columns at a time; with half as many a deep layer takes a fifth longer
SMALL = 10**6  # multiply-adds up to which OpenBLAS takes its faster way, without packing
THIN = 128  # windows in a product below which that is not faster
MANY_ROWS = 64  # rows of a left factor that repay a copy of the right one
SHORTEST = 512  # windows at a time, for packing the weights costs as much as some hundred of them
scratch = Scratch()


class Block(NamedTuple):
    """Some whole images, or some lines of one image, as one run of positions."""

    images: slice
    lines: slice
    start: int
    shape: tuple

    @property
    def length(self):
        """Return the number of positions."""
        return math.prod(self.shape)


class Plan:
    """Where the runs of every tap lie, for `Windows` that slide over images.

    A phase of an image is laid out on a ``grid``: its own entries, and along each axis as many
    zeros as windows hang over its end, or over the start of what follows.
    """

    def __init__(self, windows):
        self.windows = windows
        axes = [  # for each axis and tap: how many steps away, in which phase
            [divmod(u * d - p, s) for u in range(k)]
            for k, s, d, p in aligned(
                windows.kernel, windows.stride, windows.dilation, windows.before
            )
        ]
        self.grid = tuple(
            max(-(-n // s) + max(0, -taps[0][0]), count + max(0, taps[-1][0]))
            for n, s, count, taps in aligned(windows.size, windows.stride, windows.count, axes)
        )
        self.entries = math.prod(self.grid)
        paces = [math.prod(self.grid[axis:]) for axis in range(1, len(self.grid) + 1)]
        offsets, phases = [], []
        for tap in itertools.product(*axes):
            steps, phase = aligned(*tap)
            offsets.append(sum(map(math.prod, aligned(steps, paces))))
            phases.append(phase)
        self.phases = list(dict.fromkeys(phases))
        self.lead, self.tail = max(0, -min(offsets)), max(0, *offsets)
        self.taps = [
            (self.phases.index(phase), self.lead + offset)
            for phase, offset in aligned(phases, offsets)
        ]

    def blocks(self, images, row):
        """Divide images into blocks, the longest first; a window's columns take `row` bytes."""
        positions = max(SHORTEST, BUDGET // max(1, row))
        many = max(1, positions // self.entries)
        count, (lines, *rest) = self.windows.count[0], self.grid
        pace = self.entries // lines
        found = []
        for first in range(0, images, many):
            some = slice(first, min(first + many, images))
            if positions >= self.entries:
                found.append(Block(some, slice(0, count), 0, (some.stop - first, lines, *rest)))
                continue
            for top in range(0, count, max(1, positions // pace)):
                part = slice(top, min(top + max(1, positions // pace), count))
                found.append(Block(some, part, top * pace, (1, part.stop - top, *rest)))
        return found

    def windows_of(self, block, flat):
        """View the positions (channel, run) of a block that are windows: (n, channel, *lines)."""
        kept = (block.lines.stop - block.lines.start, *self.windows.count[1:])
        return flat.reshape(len(flat), *block.shape)[(..., *map(slice, kept))].swapaxes(0, 1)

    def between(self, block):
        """Tell of each position of a block whether it is no window."""
        found = np.ones((1, block.length), bool)
        self.windows_of(block, found)[...] = False
        return found[0]

    def runs(self, name, images, channels, dtype, layout=None):
        """Return zeros for the runs of all phases, with margins: (phase, channel, position)."""
        length = self.lead + images * self.entries + self.tail
        return scratch.zeros(name, (len(self.phases), channels, length), dtype, layout)

    def places(self, x, runs):
        """Yield the entries of images `x` in each phase beside their places in `runs`."""
        inner = runs[..., self.lead : self.lead + len(x) * self.entries]
        inner = inner.reshape(*runs.shape[:2], len(x), *self.grid).swapaxes(1, 2)
        for phase, place in aligned(self.phases, inner):
            entries = x[(..., *map(slice, phase, self.windows.size, self.windows.stride))]
            yield entries, place[(..., *map(slice, entries.shape[2:]))]


plan_of = functools.lru_cache(maxsize=64)(Plan)


def correlate(x, W, windows, groups, b=None):
    """Return the weighted sum of every window, (n, output, *count); `b` is added where given."""
    plan = plan_of(windows)
    y = np.empty((len(x), len(W), *windows.count), x.dtype)
    filters = _filters(W, groups)
    blocks = plan.blocks(len(x), groups * filters.shape[2] * x.itemsize)
    room = _room(filters.shape[:2], blocks, x.dtype, "sums")
    for block, columns in _columns(plan, blocks, x, groups):
        sums = _product(filters, columns, room[..., : block.length])
        sums = sums.reshape(len(W), block.length)
        if b is not None:
            np.add(sums, b[:, np.newaxis], out=sums)
        copy_lines(y[block.images, :, block.lines], plan.windows_of(block, sums))
    return y


def correlate_vjp(g, windows, groups, x=None, W=None, *, careful=False):
    """Return the transposes of `correlate` in x and in W at g; the first needs W, the second x.

    One that is not asked for, because what it needs is not given, is None. With `careful`, as
    where something is not finite, no number from between the windows enters.
    """
    plan = plan_of(windows)
    careful = careful or not (W is None or np.isfinite(W).all())
    outputs, taps = g.shape[1] // groups, len(plan.taps)
    channels = x.shape[1] // groups if W is None else W.shape[1]
    depth = channels * taps
    blocks = plan.blocks(len(g), groups * depth * g.itemsize)
    x_bar = runs = filters_bar = None
    if x is None:
        columns = _room((groups, depth), blocks, g.dtype)
    else:
        columns_of_x = _columns(plan, blocks, x, groups)
        filters_bar = np.zeros((groups, depth, outputs), g.dtype)
    if W is not None:
        x_bar = np.zeros((len(g), groups * channels, *windows.size), g.dtype)
        filters = _filters(W, groups).swapaxes(1, 2)
    for block, flat in _flat(plan, blocks, g):
        flat = flat.reshape(groups, outputs, block.length)
        if x is not None:
            _, columns = next(columns_of_x)
            if careful:
                np.copyto(columns, 0, where=plan.between(block))
            filters_bar += _summed_product(columns, flat)
        if W is not None:
            shares = _product(filters, flat, columns[..., : block.length])
            if careful:
                np.copyto(shares, 0, where=plan.between(block))
            shares = shares.reshape(groups, channels, taps, block.length)
            runs = _added_back(plan, block, shares, runs)
            if block.lines.stop == windows.count[0]:
                for entries, place in plan.places(x_bar[block.images], runs):
                    copy_lines(entries, place)
    if x is None:
        return x_bar, None
    if not (careful or np.isfinite(filters_bar).all()):
        return correlate_vjp(g, windows, groups, x, W, careful=True)
    return x_bar, filters_bar.swapaxes(1, 2).reshape(groups * outputs, channels, *windows.kernel)


def _added_back(plan, block, shares, runs):
    """Return the runs to which the block's shares (group, channel, tap, position) are added."""
    groups, channels = shares.shape[:2]
    if block.lines.start == 0:
        runs = plan.runs("shares", block.shape[0], groups * channels, shares.dtype)
    by_group = runs.reshape(len(runs), groups, channels, runs.shape[2])
    for tap, (phase, first) in enumerate(plan.taps):
        first += block.start
        by_group[phase, ..., first : first + block.length] += shares[:, :, tap]
    return runs


def _filters(W, groups):
    """Return the weights as one matrix a group: (group, output, channel and tap)."""
    return W.reshape(groups, len(W) // groups, math.prod(W.shape[1:]))


def _columns(plan, blocks, x, groups):
    """Yield each block with its columns (group, channel and tap, position).

    The next block overwrites them.
    """
    channels = x.shape[1] // groups
    room = _room((groups, channels, len(plan.taps)), blocks, x.dtype)
    for block in blocks:
        if block.lines.start == 0:
            runs = plan.runs("images", block.shape[0], x.shape[1], x.dtype, plan.windows)
            for entries, place in plan.places(x[block.images], runs):
                copy_lines(place, entries)
            by_group = runs.reshape(len(runs), groups, channels, runs.shape[2])
        columns = room[..., : block.length]
        for tap, (phase, first) in enumerate(plan.taps):
            first += block.start
            columns[:, :, tap] = by_group[phase, ..., first : first + block.length]
        yield block, columns.reshape(groups, channels * len(plan.taps), block.length)


def _flat(plan, blocks, g):
    """Yield each block with its cotangents (output, position), 0 between the windows.

    The next block overwrites them.
    """
    room = scratch.zeros("flat", (g.shape[1], _longest(blocks)), g.dtype, plan.windows)
    for block in blocks:
        flat = room[:, : block.length]
        copy_lines(plan.windows_of(block, flat), g[block.images, :, block.lines])
        yield block, flat


def copy_lines(target, source):
    """Copy an array whose lines, along the last axis, are often short and seldom one after another.

    A line that is one run of memory in both is copied as a single item: half the time for lines
    of 14 numbers.
    """
    bytes_of_line = target.shape[-1] * target.itemsize
    if target.strides[-1] == source.strides[-1] == target.itemsize and bytes_of_line:
        item = np.dtype((np.void, bytes_of_line))
        target, source = target.view(item), source.view(item)
    np.copyto(target, source)


def _longest(blocks):
    return max((block.length for block in blocks), default=0)


def _room(shape, blocks, dtype, name="columns"):
    """Return an array to write in, of rows for the longest block.

    Their distance is no large power of two, which would map them all to the same lines of cache.
    """
    width = -(-_longest(blocks) // 16) * 16
    if width * dtype.itemsize % 1024 == 0:
        width += 16
    return scratch.empty(name, (*shape, width), dtype)


def _product(A, B, out):
    """Return A @ B of each group, written into `out`."""
    if A.shape[2] == 1:  # an outer product, which BLAS is slow at
        return np.multiply(A, B, out=out)
    pieces = _pieces(A[0].size, B.shape[2])
    np.matmul(A, _divided(B, pieces), out=_divided(out, pieces))
    return out


def _summed_product(A, B):
    """Return A @ Bᵀ of each group, a sum over positions.

    Where A has many rows, a copy of Bᵀ, which BLAS then reads row by row, saves a third.
    """
    pieces = _pieces(A.shape[1] * B.shape[1], A.shape[2])
    parts = _divided(B, pieces).swapaxes(2, 3)
    if A.shape[1] >= MANY_ROWS:
        turned = scratch.empty("turned", parts.shape, parts.dtype)
        np.copyto(turned, parts)
        parts = turned
    products = scratch.empty("products", (pieces, len(A), A.shape[1], B.shape[1]), A.dtype)
    return np.matmul(_divided(A, pieces), parts, out=products).sum(axis=0)


def _pieces(area, length):
    """Return into how many runs of one length to divide positions, for products of SMALL size."""
    longest = SMALL // max(1, area)
    if longest < THIN:
        return 1
    fewest = -(-length // longest)
    for pieces in range(fewest, 2 * fewest):
        if length % pieces == 0:
            return pieces
    return 1


def _divided(rows, pieces):
    """View (group, row, position) as (piece, group, row, position)."""
    groups, many, length = rows.shape
    return rows.reshape(groups, many, pieces, length // pieces).transpose(2, 0, 1, 3)
