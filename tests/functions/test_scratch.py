"""What is kept from call to call is memory alone, never a number of an earlier call."""

import threading

import numpy as np

from nnbook.functions import _columns, _scratch, conv2d, conv2d_vjp, conv_transpose2d
from nnbook.functions._scratch import Scratch


def layer(seed, N=3, C=2, size=9, filters=4, dtype=np.float64):
    rng = np.random.default_rng(seed)
    shapes = (N, C, size, size), (filters, C, 3, 3), (filters,), (N, filters, size, size)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def results(x, W, b, g):
    y, gradients = conv2d(x, W, b, padding=1), conv2d_vjp(g, x, W, b, padding=1)
    return [y, *gradients, conv_transpose2d(g, W, padding=1)]


def forget():
    """Fill what is kept with NaN, and with it what is taken to be zero."""
    _columns.scratch.layouts.clear()
    for block in _columns.scratch.blocks.values():
        block[...] = 255


def test_a_block_is_given_again_and_never_too_small():
    scratch = Scratch()
    first = scratch.empty("a", (3, 4), np.float64)
    first[...] = 7.0
    again = scratch.empty("a", (5,), np.float32)
    assert np.shares_memory(first, again)
    assert not np.shares_memory(first, scratch.empty("b", (3, 4), np.float64))
    assert not scratch.zeros("a", (3, 4), np.float64).any()
    larger = scratch.empty("a", (100, 100), np.float64)
    larger[...] = 1.0
    assert larger.shape == (100, 100) and larger.dtype == np.float64 and larger.flags.writeable
    for i in range(20):  # every block begins at a line of the cache
        assert scratch.empty(f"line {i}", (5 + 7 * i,), np.float64).ctypes.data % 64 == 0


def test_a_large_block_is_not_kept(monkeypatch):
    monkeypatch.setattr(_scratch, "KEPT", 800)
    scratch = Scratch()
    for size, kept in (101, False), (100, True):
        once, again = (scratch.empty("a", (size,), float) for _ in range(2))
        assert np.shares_memory(once, again) == kept


def test_what_was_zero_stays_so_for_the_same_layout_alone():
    scratch = Scratch()
    first = scratch.zeros("a", (2, 3), np.float64, "even")
    first[:, ::2] = 7.0
    again = scratch.zeros("a", (2, 3), np.float64, "even")
    assert np.shares_memory(first, again) and (again[:, 1] == 0).all()
    for layout, shape in [("odd", (2, 3)), (None, (2, 3)), ("even", (3, 2)), ("even", (2, 3))]:
        first[...] = 7.0
        assert not scratch.zeros("a", shape, np.float64, layout).any()
    scratch.empty("a", (2, 3), np.float64)[...] = 7.0
    assert not scratch.zeros("a", (2, 3), np.float64, "even").any()
    scratch.empty("a", (50, 3), np.float64)[...] = 7.0
    assert not scratch.zeros("a", (2, 3), np.float64, "even").any()
    scratch.zeros("a", (2, 3), np.float64, "even")
    assert not scratch.zeros("a", (100, 3), np.float64, "even").any()


def test_layers_in_any_order_give_what_each_gives_alone(monkeypatch):
    monkeypatch.setattr(_columns, "BUDGET", 40_000)  # several blocks, of images and of lines
    rng, layers = np.random.default_rng(3), []
    for N, C, size, options in [
        (2, 4, 9, {"padding": 1}), (5, 4, 9, {"padding": 1}), (5, 4, 9, {"padding": 2}),
        (5, 4, 9, {}), (5, 4, 9, {"dilation": 2, "padding": 2}), (5, 4, 9, {"stride": 2}),
        (5, 4, 9, {"padding": 1, "groups": 2}), (3, 8, 30, {"padding": 1}),
        (3, 8, 30, {"padding": 1, "stride": 2}), (1, 8, 30, {"padding": ((1, 0), (0, 2))}),
    ]:  # fmt: skip
        W = rng.normal(size=(6, C // options.get("groups", 1), 3, 3))
        x = rng.normal(size=(N, C, size, size))
        layers.append((x, W, rng.normal(size=conv2d(x, W, **options).shape), options))

    def run(x, W, g, options):
        return [conv2d(x, W, **options), *conv2d_vjp(g, x, W, **options)[:2]]

    alone = []
    for layer in layers:
        forget()
        alone.append(run(*layer))
    for i in rng.integers(0, len(layers), 80):
        for found, expected in zip(run(*layers[i]), alone[i], strict=True):
            np.testing.assert_array_equal(found, expected)


def test_a_convolution_finds_no_number_of_an_earlier_one():
    small, large = layer(0), layer(1, N=20, C=7, size=23, filters=5)
    alone = results(*small)
    forget()
    for before, now in zip(alone, results(*small), strict=True):
        np.testing.assert_array_equal(before, now)
    results(*large), results(*layer(2, dtype=np.float32))
    for before, now in zip(alone, results(*small), strict=True):
        np.testing.assert_array_equal(before, now)
        assert not any(np.shares_memory(now, block) for block in _columns.scratch.blocks.values())


def test_threads_do_not_write_into_each_others_memory():
    layers = [layer(seed, N=6, size=11) for seed in range(4)]
    expected, differing = [results(*one) for one in layers], []

    def work(i):
        for _ in range(30):
            found = results(*layers[i])
            if not all(map(np.array_equal, found, expected[i])):
                differing.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not differing
