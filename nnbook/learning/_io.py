"""Files: parameters saved and loaded, whole or not at all, and never through pickle."""

import io
import os
import re
import struct
import tempfile
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

from nnbook.learning._validate import check_params

# What NumPy and zipfile raise on files that were cut off, altered, or are something else.
_BROKEN = (ValueError, EOFError, zipfile.BadZipFile, AttributeError, TypeError, KeyError,
           NotImplementedError, RuntimeError, zlib.error, struct.error, UnicodeError,
           SyntaxError, OverflowError, MemoryError, tokenize.TokenError)


def save_params(path, params):
    r"""Save a list of (W, b) pairs as an .npz file.

    Parameters
    ----------
    path : path
        File to write; an existing one is replaced, in one move: a reader sees the old file or
        the new one, never half of either.
    params : list of (W, b)
        Finite real arrays; their dtype is kept.

    Raises
    ------
    ValueError, TypeError
        If ``params`` is no network: then nothing is written.

    See Also
    --------
    load_params

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "net.npz")
    ...     save_params(path, [(np.eye(2), np.zeros(2))])
    ...     load_params(path)
    [(array([[1., 0.],
           [0., 1.]]), array([0., 0.]))]
    """
    arrays = {}
    for layer, (W, b) in enumerate(check_params(params), start=1):
        for letter, array in (("W", np.asarray(W)), ("b", np.asarray(b))):
            _check_array(f"params: {letter} of layer {layer}", array)
            arrays[f"{letter}{layer}"] = array
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_atomically(path, buffer.getvalue())


def load_params(path):
    r"""Load a list of (W, b) pairs that `save_params` wrote.

    Parameters
    ----------
    path : path
        The .npz file.

    Returns
    -------
    params : list of (W, b)
        With the dtypes they were saved in.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is truncated, altered, not of this kind, or holds arrays that make no network.
        Pickled objects are refused: loading them would run the code in them.
    """
    path = Path(path)
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            # a plain .npy file loads as an array, which has no names
            names = set(file.files)
            arrays = {name: file[name] for name in names}
    except _BROKEN as error:
        raise ValueError(
            f"{path} is not a whole .npz file of parameters: {error}; was it cut off or altered?"
        ) from error
    layers = len(names) // 2
    expected = {f"{letter}{layer}" for layer in range(1, layers + 1) for letter in "Wb"}
    if not names or names != expected:
        strange = sorted(names ^ expected, key=_natural)[:4] or ["nothing"]
        raise ValueError(
            f"{path} must hold W1, b1, W2, b2, ... and nothing else; look at {', '.join(strange)}"
        )
    for name, array in arrays.items():
        _check_array(f"{path}: {name}", array)
    params = [(arrays[f"W{i}"], arrays[f"b{i}"]) for i in range(1, layers + 1)]
    try:
        return check_params(params)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def write_atomically(path, content):
    """Write bytes so that ``path`` holds them all or is as it was before."""
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: there is no folder {path.parent}")
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes the file readable by its owner alone; give it what open() would have given
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _check_array(name, array):
    if array.dtype.kind != "f":
        raise TypeError(f"{name} must hold floating-point numbers, found {array.dtype}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, found {array[~np.isfinite(array)][0]}")


def _natural(name):
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
