"""How a form without checks is held to the function that it belongs to."""

import numpy as np


def same_bits(found, expected):
    """Refuse arrays that differ in type, dtype, shape or a single bit; NaN is NaN."""
    assert type(found) is type(expected)
    assert found.dtype == expected.dtype and found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


def hold_each_selection(f_vjp, g, *arrays, **options):
    """Hold the gradients that are needed, in every selection, to those of a vjp of three."""
    expected = f_vjp(g, *arrays, **options)
    for needed in [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]:
        found = f_vjp.unchecked(g, *arrays, needed=needed, **options)
        for i in range(3):
            if i in needed and expected[i] is not None:
                same_bits(found[i], expected[i])
            else:
                assert found[i] is None
