"""Memory for intermediate results that is kept from call to call.

A megabyte that is given back goes to the operating system, and comes back page by page, each with a
fault: for a convolution of 16 images that took as long as all of its arithmetic.
"""

import math
import threading

import numpy as np

LINE = 64  # bytes of a cache line, at which a block begins
KEPT = 2**24  # bytes; a larger block is given back, its faults are few beside the work in it


class Scratch(threading.local):
    """Blocks of memory by name, for each thread its own; one of a name is in use at a time."""

    def __init__(self):
        self.blocks = {}

    def empty(self, name, shape, dtype):
        """Return an array of that shape and dtype, filled with what was left there."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        block = self.blocks.get(name)
        if block is None or block.size < size:
            block = np.empty(size + LINE, np.uint8)
            block = block[-block.ctypes.data % LINE :][:size]
            if size <= KEPT:
                self.blocks[name] = block
        return block[:size].view(dtype).reshape(shape)

    def zeros(self, name, shape, dtype):
        """Return an array of zeros."""
        array = self.empty(name, shape, dtype)
        array[...] = 0
        return array
