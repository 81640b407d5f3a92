"""Windows that slide over the spatial axes: how many there are, and which entries each one sees."""

import functools
from typing import NamedTuple

from nnbook.functions._validate import check_count, check_flag

aligned = functools.partial(zip, strict=True)  # tuples that hold one entry for each axis
PADDINGS = ("valid", "same", "same_upper", "same_lower")


class Windows(NamedTuple):
    """What every spatial axis needs to know; each field holds one integer for each axis.

    Window i along an axis starts at entry ``i * stride - before`` and sees every `dilation`-th
    entry from there, `kernel` of them; entries outside ``range(size)`` are padding.
    """

    size: tuple
    kernel: tuple
    stride: tuple
    dilation: tuple
    before: tuple
    after: tuple
    count: tuple


def windows(size, kernel, *, stride, padding, dilation, ceil_mode=False):
    """Return the `Windows` of these options over spatial axes of length `size`; raise if none."""
    axes = len(size)
    if 0 in size:
        raise ValueError(f"x has no entries along a spatial axis: its spatial shape is {size}")
    kernel = per_axis(kernel, "kernel", axes)
    stride = per_axis(stride, "stride", axes)
    dilation = per_axis(dilation, "dilation", axes)
    ceil_mode = check_flag(ceil_mode, "ceil_mode")
    spans = tuple(d * (k - 1) + 1 for k, d in aligned(kernel, dilation))
    pads = _pads(padding, size, spans, stride)
    counts = []
    for axis, (n, span, s, (before, after)) in enumerate(aligned(size, spans, stride, pads)):
        room = n + before + after - span
        if room <= (-s if ceil_mode else -1):
            message = (
                f"the kernel does not fit into x along spatial axis {axis}: it spans {span} "
                f"entries (kernel {kernel[axis]}, dilation {dilation[axis]}), but x has "
                f"{n + before + after} (size {n}, padding {before} and {after})"
            )
            raise ValueError(f"{message}; pad more, or use a smaller kernel")
        count = room // s + 1
        # A window that starts in the padding after the last entry sees nothing new. Below 0, room
        # is for no whole window, and one that hangs over is the first.
        if ceil_mode and room % s and count * s < n + before:
            count += 1
        counts.append(count)
    before, after = aligned(*pads)
    return Windows(tuple(size), kernel, stride, dilation, before, after, tuple(counts))


def windows_over(x, W, stride, padding, dilation):
    """Return the `Windows` of filters W over images x; with plain options they are remembered."""
    size, kernel = x.shape[2:], W.shape[2:]
    if {type(stride), type(padding), type(dilation)} <= {int, str}:
        return _remembered(size, kernel, stride, padding, dilation)
    return windows(size, kernel, stride=stride, padding=padding, dilation=dilation)


@functools.lru_cache(maxsize=64)
def _remembered(size, kernel, stride, padding, dilation):
    return windows(size, kernel, stride=stride, padding=padding, dilation=dilation)


def per_axis(value, name, axes, least=1):
    """Return one integer for each of the spatial `axes`; a single one stands for all."""
    try:
        values = tuple(value)
    except TypeError:
        values = (value,) * axes
    if isinstance(value, str) or len(values) != axes:
        raise ValueError(
            f"{name} must be one integer, or one for each of the {axes} spatial axes, got {value!r}"
        )
    return tuple(check_count(v, name, least) for v in values)


def _pads(padding, size, spans, stride):
    """Return (before, after) for each axis."""
    if isinstance(padding, str):
        if padding not in PADDINGS:
            raise ValueError(
                f"padding must be one of {', '.join(PADDINGS)}, an integer, one for each axis, or "
                f"one (before, after) pair for each axis, got {padding!r}"
            )
        if padding == "valid":
            return ((0, 0),) * len(size)
        totals = (
            max((-(-n // s) - 1) * s + span - n, 0) for n, span, s in aligned(size, spans, stride)
        )
        if padding == "same_lower":
            return tuple((t - t // 2, t // 2) for t in totals)
        return tuple((t // 2, t - t // 2) for t in totals)
    return explicit_pads(padding, len(size))


def explicit_pads(padding, axes):
    """Return (before, after) for each axis from integers or pairs."""
    try:
        entries = list(padding)
    except TypeError:
        entries = [padding] * axes
    if len(entries) != axes:
        message = (
            f"padding must be one integer, or one integer or (before, after) pair for each of the "
            f"{axes} spatial axes, got {padding!r}"
        )
        if axes == 1 and len(entries) == 2:
            message += f"; for one axis write ({tuple(entries)},)"
        raise ValueError(message)
    pads = []
    for entry in entries:
        try:
            pair = tuple(entry)
        except TypeError:
            pair = (entry, entry)
        if len(pair) != 2 or isinstance(entry, str):
            raise ValueError(f"padding must hold (before, after) pairs, but one is {entry!r}")
        pads.append(tuple(check_count(p, "padding", 0) for p in pair))
    return tuple(pads)


def transposed_windows(count, kernel, stride, padding, output_padding, dilation):
    """Return the `Windows` of the convolution that gives `count` windows; its size is the result's.

    Raise if that size is not positive, or the output padding would add a window.
    """
    axes = len(count)
    if 0 in count:
        raise ValueError(f"x has no entries along a spatial axis: its spatial shape is {count}")
    stride = per_axis(stride, "stride", axes)
    dilation = per_axis(dilation, "dilation", axes)
    extra = per_axis(output_padding, "output_padding", axes, least=0)
    spans = tuple(d * (k - 1) + 1 for k, d in aligned(kernel, dilation))
    if isinstance(padding, str) and padding != "valid":
        size = tuple(m * s for m, s in aligned(count, stride))
        if any(extra):
            raise ValueError(
                f"output_padding must be 0 with padding={padding!r}, which sets the result's "
                f"size to stride times x's, {size}; got {output_padding!r}"
            )
        pads = _pads(padding, size, spans, stride)
        return Windows(size, tuple(kernel), stride, dilation, *aligned(*pads), count)
    pads = _pads(padding, count, spans, stride)
    size = []
    for axis, (m, span, s, d, (before, after), more) in enumerate(
        aligned(count, spans, stride, dilation, pads, extra)
    ):
        if more >= max(s, d):
            raise ValueError(
                f"output_padding must be less than the stride or the dilation, {max(s, d)}, "
                f"along spatial axis {axis}, got {more}"
            )
        size.append((m - 1) * s + span - before - after + more)
        if size[-1] < 1:
            raise ValueError(
                f"padding cuts off all of the result along spatial axis {axis}: {before} and "
                f"{after} of {(m - 1) * s + span + more} entries"
            )
    return Windows(tuple(size), tuple(kernel), stride, dilation, *aligned(*pads), count)
