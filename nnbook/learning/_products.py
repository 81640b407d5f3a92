"""Matrix products, planned once: which call, on which views, for the BLAS kernel at hand.

OpenBLAS's AVX-512 kernels multiply small matrices without copying them into packed panels first,
where the products m k n stay below a million. A network of book size is a little larger than that,
so its products are cut into tiles that are not, and one ``np.matmul`` runs over the stack of tiles.
Measured on 128 rows of 784 times 784 by 128, float32: 0.71 of the machine's peak for ``np.dot``,
0.93 for the tiles (Cascade Lake). Kernels without that path, AVX2 among them, get ``np.dot``.

The rule depends on the shape, the dtype and the kernel's name alone, never on a measurement: the
same seed gives the same bits on one machine.
"""

import functools

import numpy as np
from numpy.lib.stride_tricks import as_strided

TILED_KERNELS = frozenset({"SkylakeX", "Cooperlake", "SapphireRapids"})
SMALL_PRODUCT = 1_000_000  # multiply-adds; OpenBLAS takes its no-packing path up to here


@functools.cache
def kernel_name():
    """Return the name of the kernels that NumPy's OpenBLAS has chosen for this processor."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return "unknown"
    found = [i for i in threadpool_info() if i.get("internal_api") == "openblas"]
    ours = [i for i in found if "numpy" in i.get("filepath", "")] or found
    return ours[0].get("architecture", "unknown") if ours else "unknown"


def largest_divisor(n, most):
    """Return the largest divisor of n that is at most ``most``."""
    return next(d for d in range(min(n, max(most, 1)), 0, -1) if n % d == 0)


def tile_of(m, k, n, kernel):
    """Return the rows and columns of one tile of an (m, k) by (k, n) product, or None for one call.

    Columns first: 64 of them, or 32 where the inner axis is long, keep a tile of the right factor
    in the first-level cache; then as many rows as stay below the small product.
    """
    if kernel not in TILED_KERNELS or m * k * n <= SMALL_PRODUCT:
        return None
    columns = largest_divisor(n, 64 if k <= 256 else 32)
    columns = columns if columns >= 16 else n
    rows = largest_divisor(m, SMALL_PRODUCT // (columns * k))
    return (rows, columns) if rows >= 4 else None


def tiles(matrix, rows, columns):
    """Return a view of shape (m / rows, n / columns, rows, columns)."""
    (m, n), (down, across) = matrix.shape, matrix.strides
    shape = (m // rows, n // columns, rows, columns)
    return as_strided(matrix, shape, (down * rows, across * columns, down, across))


def product(A, B, out, kernel=None):
    """Return ``(function, arguments)`` that compute ``A @ B`` into ``out``, with no temporary.

    Parameters
    ----------
    A, B, out : ndarray, shapes (m, k), (k, n), (m, n)
        Buffers that stay where they are; views of a workspace.
    kernel : str, optional
        As `kernel_name`, which it is by default.

    Returns
    -------
    function, arguments
        To be called as ``function(*arguments)``.
    """
    (m, k), n = A.shape, B.shape[1]
    tile = tile_of(m, k, n, kernel or kernel_name())
    if tile is None:
        return A.dot, (B, out)  # the method: half the overhead of the function
    rows, columns = tile
    # the inner axis is whole, so a row of tiles of A meets a column of tiles of B
    left, right = tiles(A, rows, k), tiles(B, k, columns)
    return np.matmul, (left, right, tiles(out, rows, columns))
