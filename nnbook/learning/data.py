r"""Data: XOR, the 8×8 digits that scikit-learn ships, MNIST and Fashion-MNIST.

Rows are examples. Pictures come flattened, row by row, scaled to the interval [0, 1]; labels are
class indices. Nothing here shuffles or splits on its own: `split` does, by an ``rng`` of yours.
"""

import os
from typing import NamedTuple

import numpy as np

from nnbook.functions._validate import check_count, check_flag
from nnbook.learning._idx import MNIST_PARTS, read_fashion_file, read_mnist_file
from nnbook.learning._validate import check_batch, check_rng


class Split(NamedTuple):
    """Two disjoint parts of a data set: one to train on, one to test on."""

    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def xor():
    r"""Return the four corners of the unit square and whether exactly one coordinate is 1.

    Returns
    -------
    X : ndarray, shape (4, 2)
    y : ndarray, shape (4, 1)
        0 or 1, in a column: one logit an example, as ``bce_with_logits`` takes it.

    Examples
    --------
    >>> X, y = xor()
    >>> [(*map(int, x), int(t)) for x, (t,) in zip(X, y)]
    [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]
    """
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return X, np.array([[0.0], [1.0], [1.0], [0.0]])


def digits():
    r"""Return 1,797 handwritten digits of 8×8 grey values, without a download.

    They are the test part of the UCI data set of optically recognised digits, as scikit-learn
    ships it. No writer of these digits also wrote digits of the other part, but within this part
    each writer has many: a random split has every writer on both sides.

    Returns
    -------
    X : ndarray, shape (1797, 64)
        Ink of each pixel, from 0 (none) to 1, in steps of 1/16.
    y : ndarray of int, shape (1797,)
        The digit, 0 to 9.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.

    References
    ----------
    .. [1] Alpaydin & Kaynak, Optical recognition of handwritten digits, UCI, 1998,
       :doi:`10.24432/C50P49`.

    Examples
    --------
    >>> X, y = digits()
    >>> X.shape, float(X.max()), np.bincount(y).tolist()
    ((1797, 64), 1.0, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            "digits() reads the pictures that scikit-learn ships: pip install scikit-learn"
        ) from error
    X, y = load_digits(return_X_y=True)
    return X / 16, y.astype(np.intp)


def mnist(part="train", folder=None, dtype=np.float64):
    r"""Return MNIST: handwritten digits of 28×28 grey values, 60,000 to train and 10,000 to test.

    Parameters
    ----------
    part : {"train", "test"}
        Which of the two parts.
    folder : path, optional
        Where the IDX files lie, gzipped or not, under their published names. Without it they are
        downloaded once, into the user's cache, with pooch.
    dtype : data-type, default float64
        float32 halves the memory (60,000 pictures in float64 take 376 MB).

    Returns
    -------
    X : ndarray, shape (N, 784)
        Ink of each pixel, from 0 (none) to 1, in steps of 1/255.
    y : ndarray of int, shape (N,)
        The digit, 0 to 9.

    Raises
    ------
    FileNotFoundError
        If ``folder`` lacks a file.
    ValueError
        If a file is truncated, altered or of another kind: the message says what was found and
        what was expected. The SHA-256 of the unpacked content is compared; gzip files of one
        content differ from mirror to mirror.
    ImportError
        If a download is needed and pooch is not installed.

    References
    ----------
    .. [1] LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document
       recognition, Proc. IEEE 86(11), 1998, :doi:`10.1109/5.726791`.

    Examples
    --------
    >>> X, y = mnist("test", folder="data/mnist")  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (10000, 784)
    """
    return _pictures(part, folder, dtype, lambda name: read_mnist_file(name, folder))


def fashion_mnist(part="train", folder=None, dtype=np.float64, *, unchecked=False):
    r"""Return Fashion-MNIST: pictures of clothes in MNIST's format, and harder to tell apart.

    Parameters
    ----------
    part : {"train", "test"}
        60,000 pictures or 10,000.
    folder : path, optional
        Where the gzip files lie, under their published names, which are MNIST's. Without it they
        are downloaded once, into the user's cache, with pooch.
    dtype : data-type, default float64
        float32 halves the memory (60,000 pictures in float64 take 376 MB).
    unchecked : bool, default False
        Take files of ``folder`` that were unpacked or packed again. The SHA-256 that is known is
        the one of the gzip files as published, so these cannot be told from altered ones, nor from
        MNIST's; only their form is checked.

    Returns
    -------
    X : ndarray, shape (N, 784)
        Brightness of each pixel, from 0 to 1, in steps of 1/255.
    y : ndarray of int, shape (N,)
        0 T-shirt, 1 trousers, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag,
        9 ankle boot.

    Raises
    ------
    FileNotFoundError
        If ``folder`` lacks a file.
    ValueError
        If a file is truncated, altered, packed otherwise or of another kind.
    ImportError
        If a download is needed and pooch is not installed.

    References
    ----------
    .. [1] Xiao, Rasul & Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking machine
       learning algorithms, 2017, :doi:`10.48550/arXiv.1708.07747`.

    Examples
    --------
    >>> X, y = fashion_mnist("test", folder="data/fashion")  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (10000, 784)
    """
    unchecked = check_flag(unchecked, "unchecked")

    def read(name):
        return read_fashion_file(name, folder, unchecked=unchecked)

    return _pictures(part, folder, dtype, read)


def _pictures(part, folder, dtype, read):
    if not isinstance(part, str) or part not in MNIST_PARTS:
        raise ValueError(f'part must be "train" or "test", found {part!r}')
    try:
        dtype = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype must be a floating-point type, found {dtype!r:.60}") from None
    if dtype.kind != "f":
        raise ValueError(f"dtype must be a floating-point type, found {dtype}")
    if folder is not None and not isinstance(folder, (str, os.PathLike)):
        raise TypeError(f"folder must be a path, found {folder!r:.60}")
    images, labels = (read(name) for name in MNIST_PARTS[part])
    if len(images) != len(labels):
        raise ValueError(f"there are {len(images)} pictures and {len(labels)} labels: are the "
                         "files of one part?")
    X = images.reshape(len(images), -1).astype(dtype)
    X /= 255
    return X, labels.astype(np.intp)


def split(X, y, test, rng, *, train=None, stratify=True):
    r"""Draw a test set, and a training set from what is left.

    Parameters
    ----------
    X : ndarray, shape (N, d)
        One example a row.
    y : ndarray of int, shape (N,)
        Its class.
    test : int
        Number of test examples.
    rng : numpy.random.Generator
        Where the draw comes from.
    train : int, optional
        Number of training examples; all that are left if not given.
    stratify : bool, default True
        Keep every class at its share in the test set and in the training set, to within one
        example each. Then the two parts' class counts do not vary from split to split.

    Returns
    -------
    Split
        ``X_train, y_train, X_test, y_test``, in random order.

    Raises
    ------
    ValueError
        If there are too few examples, or X and y differ in number.

    Examples
    --------
    >>> X, y = np.arange(20.0).reshape(10, 2), np.repeat([0, 1], 5)
    >>> parts = split(X, y, 4, np.random.default_rng(0))
    >>> parts.X_train.shape, np.bincount(parts.y_test).tolist()
    ((6, 2), [2, 2])
    """
    X, y, rng = check_batch("X", X), np.asarray(y), check_rng(rng)
    if y.shape != (len(X),) or y.dtype.kind not in "iu":
        raise ValueError(
            f"y must hold one class index for each of the {len(X)} rows of X, "
            f"found {y.dtype} of shape {y.shape}"
        )
    test, stratify = check_count(test, "test"), check_flag(stratify, "stratify")
    train = len(X) - test if train is None else check_count(train, "train")
    if train < 1 or test + train > len(X):
        raise ValueError(f"cannot take {test} to test and {train} to train from {len(X)} examples")
    order = rng.permutation(len(X))
    if stratify:
        order = order[_interleave(y[order], rng)]
    chosen, rest = order[:test], order[test : test + train]
    chosen, rest = rng.permutation(chosen), rng.permutation(rest)
    return Split(X[rest], y[rest], X[chosen], y[chosen])


def _interleave(y, rng):
    """Return an order of ``y`` in which every stretch holds the classes in their shares."""
    # The j-th of the n_c examples of a class gets the place (j + u) / n_c on [0, 1), u one uniform
    # number for each class: any first k places hold n_c k / N of class c, give or take one or so.
    place = np.empty(len(y))
    for c in np.unique(y):
        (members,) = np.nonzero(y == c)
        place[members] = (np.arange(len(members)) + rng.random()) / len(members)
    return np.argsort(place, kind="stable")
