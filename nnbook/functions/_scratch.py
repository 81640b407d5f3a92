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
        self.blocks, self.layouts = {}, {}

    def empty(self, name, shape, dtype):
        """Return an array of that shape and dtype, filled with what was left there."""
        self.layouts.pop(name, None)
        return self._block(name, shape, dtype)

    def zeros(self, name, shape, dtype, layout=None):
        """Return an array of zeros.

        With a `layout`, which stands for the places where the caller will write, these hold what
        was left there. The rest is zeroed once, for a caller that comes again with the same layout.
        """
        array, key = self._block(name, shape, dtype), (shape, dtype, layout)
        if layout is None or self.layouts.get(name) != key:
            array[...] = 0
        self.layouts[name] = key
        return array

    def _block(self, name, shape, dtype):
        size = math.prod(shape) * np.dtype(dtype).itemsize
        block = self.blocks.get(name)
        if block is None or block.size < size:
            self.layouts.pop(name, None)
            block = np.empty(size + LINE, np.uint8)
            block = block[-block.ctypes.data % LINE :][:size]
            if size <= KEPT:
                self.blocks[name] = block
        return block[:size].view(dtype).reshape(shape)
