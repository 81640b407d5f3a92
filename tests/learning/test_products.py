"""Products are cut by a rule of shape and kernel alone; cutting changes rounding, nothing else."""

import itertools

import numpy as np
import pytest

from nnbook.learning._products import (
    SMALL_PRODUCT,
    TILED_KERNELS,
    kernel_name,
    largest_divisor,
    product,
    tile_of,
    tiles,
)

SIZES = (1, 2, 10, 31, 32, 33, 64, 65, 97, 100, 128, 130, 500, 512, 784, 997)


@pytest.mark.parametrize("kernel", sorted(TILED_KERNELS))
def test_tiles_divide_the_product_and_stay_small(kernel):
    cut = 0
    for m, k, n in itertools.product(SIZES, SIZES, SIZES):
        tile = tile_of(m, k, n, kernel)
        if tile is None:
            continue
        rows, columns = tile
        cut += 1
        assert m * k * n > SMALL_PRODUCT >= rows * columns * k
        assert m % rows == 0 and n % columns == 0
        assert rows >= 4 and (columns >= 16 or columns == n)
        assert columns <= (64 if k <= 256 else 32) or columns == n
    assert cut > 500


def test_what_is_not_cut():
    assert tile_of(100, 100, 100, "SkylakeX") is None  # small already
    assert tile_of(101, 100, 100, "SkylakeX") == (101, 50)
    assert tile_of(997, 997, 997, "SkylakeX") is None  # primes: a tile would be a row
    for kernel in ("Haswell", "Zen", "unknown", "neoversev1"):
        assert all(tile_of(m, 784, 128, kernel) is None for m in SIZES)


def test_the_tiles_of_the_network_of_the_benchmark():
    assert tile_of(128, 784, 128, "SkylakeX") == (32, 32)
    assert tile_of(784, 128, 128, "SkylakeX") == (112, 64)
    assert tile_of(512, 128, 64, "SkylakeX") == (64, 64)


def test_the_largest_divisor():
    for n in range(1, 200):
        for most in (1, 2, 7, 32, 300):
            expected = max(d for d in range(1, n + 1) if n % d == 0 and d <= most)
            assert largest_divisor(n, most) == expected
        assert largest_divisor(n, 0) == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kernel", ["SkylakeX", "Haswell", None])
@pytest.mark.parametrize(("m", "k", "n"), [
    (128, 784, 128), (784, 128, 128), (120, 97, 96), (128, 997, 16), (101, 100, 100), (997, 997, 3),
    (997, 101, 31), (5, 7, 3), (1, 1, 1), (512, 64, 90),
])  # fmt: skip
def test_a_product_is_the_product(m, k, n, kernel, dtype):
    rng = np.random.default_rng(m + k)
    A, B = rng.normal(size=(m, k)).astype(dtype), rng.normal(size=(k, n)).astype(dtype)
    out = np.full((m, n), np.nan, dtype)
    function, arguments = product(A, B, out, kernel)
    function(*arguments)
    tiled = kernel == "SkylakeX" and tile_of(m, k, n, kernel) is not None
    if kernel:
        assert (function is np.matmul) == tiled
    bound = 8 * np.finfo(dtype).eps * np.sqrt(k) * (np.abs(A).astype(float) @ np.abs(B))
    assert (np.abs(out - A.astype(float) @ B.astype(float)) <= bound).all()
    transposed = np.full((m, n), np.nan, dtype)
    function, arguments = product(np.ascontiguousarray(A.T).T, B, transposed, kernel)
    function(*arguments)
    assert (np.abs(transposed - out) <= 2 * bound).all()
    A *= 2  # the call is planned once, and reads what is there
    function, arguments = product(A, B, out, kernel)
    function(*arguments)
    assert (np.abs(out - 2 * transposed) <= 4 * bound).all()


def test_a_product_lands_in_its_buffer_through_a_view():
    block = np.zeros((130, 784))
    function, arguments = product(np.ones((128, 784)), np.ones((784, 128)), block[1:129, :128],
                                  "SkylakeX")  # fmt: skip
    function(*arguments)
    assert (block[1:129, :128] == 784).all() and block.sum() == 784 * 128 * 128


def test_tiles_are_the_blocks_in_order():
    matrix = np.arange(24.0).reshape(6, 4)
    view = tiles(matrix, 3, 2)
    assert view.shape == (2, 2, 3, 2) and np.shares_memory(view, matrix)
    for i, j in itertools.product(range(2), range(2)):
        np.testing.assert_array_equal(view[i, j], matrix[3 * i : 3 * i + 3, 2 * j : 2 * j + 2])
    np.testing.assert_array_equal(tiles(matrix.T, 2, 3)[1, 0], matrix.T[2:4, :3])


def test_the_kernels_name_is_asked_once():
    assert isinstance(kernel_name(), str) and kernel_name() is kernel_name()
