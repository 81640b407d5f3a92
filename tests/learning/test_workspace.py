"""One aligned block holds every buffer, and its size is known beforehand."""

import numpy as np
import pytest

from nnbook.learning._workspace import HUGE, LINE, WORTH_HUGE, allocate, bytes_of

LAYOUT = {
    "p": ((3, 5), np.float32),
    "one": ((1,), np.float64),
    "bits": ((7,), np.int32),
}


def test_buffers_are_aligned_zeros_that_do_not_overlap():
    views = allocate(LAYOUT)
    for number, (name, (shape, dtype)) in enumerate(LAYOUT.items(), start=1):
        view = views[name]
        assert view.shape == shape and view.dtype == dtype and not view.any()
        assert view.ctypes.data % LINE == 0 and view.flags.c_contiguous and view.flags.writeable
        view[...] = number
    for number, name in enumerate(LAYOUT, start=1):
        assert (views[name] == number).all()
    assert len({id(view.base) for view in views.values()}) == 1


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 1000, 16_000, 16_500, 70_000])
def test_the_block_has_the_predicted_size(rows):
    layout = LAYOUT | {"large": ((rows, 16), np.float32)}
    predicted = bytes_of(layout)
    view = allocate(layout)["large"]
    assert view.base.nbytes == predicted
    needed = sum(np.zeros(shape, dtype).nbytes for shape, dtype in layout.values())
    assert needed <= predicted
    if predicted != HUGE:
        assert predicted <= needed + (len(layout) + 1) * LINE
    # the last buffer ends inside, wherever the block begins
    end = view.ctypes.data + view.nbytes - view.base.ctypes.data
    assert end <= predicted


def test_a_block_that_is_worth_it_is_large_enough_for_huge_pages():
    def size(count):
        return bytes_of({"a": ((count,), np.uint8)})

    assert size(WORTH_HUGE - LINE) == HUGE > size(WORTH_HUGE - 2 * LINE) == WORTH_HUGE - LINE
    assert size(HUGE) == HUGE + LINE
