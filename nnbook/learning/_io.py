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
from nnbook.learning.trees import tree_of

# What NumPy and zipfile raise on files that were cut off, altered, or are something else.
_BROKEN = (ValueError, EOFError, zipfile.BadZipFile, AttributeError, TypeError, KeyError,
           NotImplementedError, RuntimeError, zlib.error, struct.error, UnicodeError,
           SyntaxError, OverflowError, MemoryError, tokenize.TokenError)

# In the file the arrays of a network are W1, b1, W2, ...; those of another nest begin with this.
NEST = "nest"


def save_params(path, params):
    r"""Save a network, or any nest of arrays such as an optimizer's state, as an .npz file.

    Parameters
    ----------
    path : path
        File to write; an existing one is replaced, in one move: a reader sees the old file or
        the new one, never half of either.
    params : list of (W, b), or nest of lists, tuples and dicts of arrays
        Finite real arrays; their dtype is kept. A list of pairs is held to be a network: put other
        pairs into a dict. Outside a network integers are saved too, and None is left out.

    Raises
    ------
    ValueError, TypeError
        If ``params`` is no network and no nest: then nothing is written.

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
    network = _is_network(params)
    if network:
        check_params(params)
    elif not isinstance(params, (list, tuple, dict, np.ndarray)):
        raise TypeError(
            "params must be a list of (W, b) pairs, one for each layer, or another nest of arrays, "
            f"found {params!r:.60}"
        )
    arrays = {}
    for name, said, leaf in _named(params):
        if leaf is None and not network:
            continue
        if name in arrays:
            raise ValueError(f"params: two arrays have the name {said}; rename a key")
        arrays[name] = np.asarray(leaf)
        _check_array(f"params: {said}", arrays[name], "f" if network else "fiu")
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_atomically(path, buffer.getvalue())


def load_params(path, like=None):
    r"""Load what `save_params` wrote.

    Parameters
    ----------
    path : path
        The .npz file.
    like : nest, optional
        What the file must hold: a nest of the same structure, with arrays of the same shapes and
        dtypes, for instance ``optimizer.init(params)`` for a state. Only a list of (W, b) pairs
        can be loaded without it.

    Returns
    -------
    params : list of (W, b), or nest like ``like``
        With the dtypes they were saved in.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError, TypeError
        If the file is truncated, altered, not of this kind, holds arrays that make no network, or
        differs from ``like`` in names, shapes or dtypes. Pickled objects are refused: loading them
        would run the code in them.

    Examples
    --------
    A run that goes on from a file:

    >>> import os, tempfile
    >>> from nnbook.learning.optimizers import adam
    >>> optimizer, theta = adam(0.1), np.array([1.0, 2.0])
    >>> theta, state = optimizer.update(theta, optimizer.init(theta), theta)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "state.npz")
    ...     save_params(path, state)
    ...     print(load_params(path, like=optimizer.init(theta)).m)
    [0.1 0.2]
    """
    path = Path(path)
    arrays = _read(path)
    if like is None:
        return _network_of(path, arrays)
    rows = list(_named(like))
    expected = {name for name, _, leaf in rows if leaf is not None}
    _check_names(path, arrays, expected, "what like holds")
    leaves = []
    for name, said, leaf in rows:
        if leaf is None:
            leaves.append(None)
            continue
        array, model = arrays[name], np.asarray(leaf)
        _check_array(f"{path}: {said}", array, "fiu")
        if array.shape != model.shape or array.dtype != model.dtype:
            raise ValueError(
                f"{path}: {said} must be {model.dtype} of shape {model.shape}, as in like, found "
                f"{array.dtype} of shape {array.shape}"
            )
        leaves.append(int(array) if isinstance(leaf, int) else array)
    return tree_of(like, leaves)


def _read(path):
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            # a plain .npy file loads as an array, which has no names
            return {name: file[name] for name in set(file.files)}
    except _BROKEN as error:
        raise ValueError(
            f"{path} is not a whole .npz file of parameters: {error}; was it cut off or altered?"
        ) from error


def _network_of(path, arrays):
    if any(name.startswith(NEST) for name in arrays):
        raise ValueError(
            f"{path} holds a nest that is no list of (W, b) pairs: say what it is like, for "
            "instance load_params(path, like=optimizer.init(params))"
        )
    layers = max(1, len(arrays) // 2)
    expected = {f"{letter}{layer}" for layer in range(1, layers + 1) for letter in "Wb"}
    _check_names(path, arrays, expected, "W1, b1, W2, b2, ...")
    for name, array in arrays.items():
        _check_array(f"{path}: {name}", array, "f")
    params = [(arrays[f"W{i}"], arrays[f"b{i}"]) for i in range(1, layers + 1)]
    try:
        return check_params(params)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _is_network(nest):
    """Tell whether a nest is a list of pairs; an empty one is a network that lacks its layers."""
    return _is_plain(nest) and all(_is_plain(pair) and len(pair) == 2 for pair in nest)


def _is_plain(nest):
    return isinstance(nest, (list, tuple)) and not hasattr(nest, "_fields")


def _named(nest):
    """Yield each leaf's name in the file, its name in a message, and the leaf, in their order."""
    if _is_network(nest):
        for layer, pair in enumerate(nest, start=1):
            for letter, leaf in zip("Wb", pair, strict=True):
                yield f"{letter}{layer}", f"{letter} of layer {layer}", leaf
        return
    for place, leaf in _places(nest):
        yield f"{NEST}{place}", place[1:] or "the array", leaf


def _places(nest, where=""):
    if isinstance(nest, dict):
        parts = nest.items()
    elif hasattr(nest, "_fields"):
        parts = zip(nest._fields, nest, strict=True)
    elif isinstance(nest, (list, tuple)):
        parts = enumerate(nest)
    else:
        yield where, nest
        return
    for key, part in parts:
        yield from _places(part, f"{where}/{key}")


def _check_names(path, arrays, expected, said):
    if arrays.keys() != expected:
        strange = sorted(arrays.keys() ^ expected, key=_natural)[:4]
        raise ValueError(
            f"{path} must hold {said} and nothing else; look at {', '.join(strange)}"
        )


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


def _check_array(name, array, kinds):
    if array.dtype.kind not in kinds:
        kind = "floating-point numbers" if kinds == "f" else "real numbers"
        raise TypeError(f"{name} must hold {kind}, found {array.dtype}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, found {array[~np.isfinite(array)][0]}")


def _natural(name):
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
