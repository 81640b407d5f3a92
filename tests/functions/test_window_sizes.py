"""How many windows there are, and how far a unit sees."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnbook.functions import (
    avg_pool1d,
    avg_pool1d_vjp,
    conv1d,
    conv_output_size,
    max_pool1d,
    receptive_field,
)
from tests.functions import sliding

few = st.integers(1, 4)


@given(st.integers(1, 12), few, few, few, st.integers(0, 3), st.integers(0, 3))
def test_the_size_is_the_number_of_windows_that_fit(n, kernel, stride, dilation, before, after):
    count = sliding.counts((n,), (kernel,), (stride,), ((before, after),), (dilation,))[0]
    how = {"stride": stride, "dilation": dilation}
    if count == 0:
        with pytest.raises(ValueError, match="the kernel does not fit"):
            conv_output_size(n, kernel, padding=(before, after), **how)
        return
    assert conv_output_size(n, kernel, padding=(before, after), **how) == count
    if before == after:
        formula = (n + 2 * before - dilation * (kernel - 1) - 1) // stride + 1
        assert conv_output_size(n, kernel, padding=before, **how) == formula == count
    y = conv1d(np.ones((1, 1, n)), np.ones((1, 1, kernel)), padding=((before, after),), **how)
    assert y.shape[2] == count


# The published rule: round up, and take one off if the last window starts past the last entry.
@given(st.integers(1, 12), few, few, st.integers(0, 2))
def test_ceil_mode_rounds_up_unless_the_last_window_starts_past_the_end(n, kernel, stride, pad):
    pad = min(pad, kernel // 2)
    room = n + 2 * pad - kernel
    count = -(-room // stride) + 1
    if count <= 0:
        with pytest.raises(ValueError, match="the kernel does not fit"):
            conv_output_size(n, kernel, stride=stride, padding=pad, ceil_mode=True)
        return
    if (count - 1) * stride >= n + pad:
        count -= 1
    assert conv_output_size(n, kernel, stride=stride, padding=pad, ceil_mode=True) == count
    pooled = max_pool1d(np.ones((1, 1, n)), kernel, stride=stride, padding=pad, ceil_mode=True)
    assert pooled.shape[2] == count


@pytest.mark.parametrize(
    ("n", "kernel", "stride", "pad", "floor", "ceil"),
    [(6, 2, 2, 0, 3, 3), (7, 2, 2, 0, 3, 4), (5, 3, 2, 1, 3, 3), (6, 3, 3, 1, 2, 3),
     (2, 1, 3, 0, 1, 1), (4, 1, 2, 0, 2, 2), (5, 2, 3, 1, 2, 2), (4, 2, 4, 1, 2, 2)],
)  # fmt: skip
def test_sizes_worked_out_by_hand(n, kernel, stride, pad, floor, ceil):
    how = {"stride": stride, "padding": pad}
    assert conv_output_size(n, kernel, **how) == floor
    assert conv_output_size(n, kernel, ceil_mode=True, **how) == ceil


def test_a_window_larger_than_the_input_is_one_that_hangs_over():
    for stride in (2, 3):
        assert conv_output_size(3, 4, stride=stride, ceil_mode=True) == 1
    for how in ({"stride": 1, "ceil_mode": True}, {"stride": 2, "ceil_mode": False}):
        with pytest.raises(ValueError, match="the kernel does not fit"):
            conv_output_size(3, 4, **how)
    x = np.array([[[1.0, 7.0, 4.0]]])
    assert max_pool1d(x, 4, ceil_mode=True).tolist() == [[[7.0]]]
    assert avg_pool1d(x, 4, ceil_mode=True).tolist() == [[[4.0]]]
    assert avg_pool1d_vjp([[[6.0]]], x, 4, ceil_mode=True).tolist() == [[[2.0, 2.0, 2.0]]]


def test_words_for_padding():
    assert conv_output_size(10, 3, padding="valid") == 8
    for word in ("same", "same_upper", "same_lower"):
        assert conv_output_size(10, 3, padding=word) == 10
        assert conv_output_size(10, 5, padding=word, stride=3) == 4
    assert isinstance(conv_output_size(10, 3), int)


@given(st.lists(st.tuples(few, few, few), max_size=4))
def test_the_field_is_what_a_chain_of_layers_reaches(layers):
    entries = {0}  # of the input, for one unit: from the last layer down
    for kernel, stride, dilation in reversed(layers):
        entries = {e * stride + u * dilation for e in entries for u in range(kernel)}
    kernels, strides, dilations = zip(*layers, strict=True) if layers else ((), (), ())
    span = max(entries) - min(entries) + 1
    assert receptive_field(kernels, strides=strides, dilations=dilations) == span


def test_one_number_stands_for_all_layers():
    assert receptive_field([3, 3, 3]) == 7
    assert receptive_field((3, 3, 3), strides=2) == 1 + 2 + 4 + 8
    assert receptive_field((3, 3), dilations=2) == 9
    assert receptive_field(()) == 1
    assert isinstance(receptive_field(np.array([3, 3])), int)
