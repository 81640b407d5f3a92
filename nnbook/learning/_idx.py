"""Read MNIST's IDX files: found, unpacked, checked whole, and only then believed."""

import gzip
import hashlib
import importlib.util
import math
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np

from nnbook.learning._io import write_atomically

MNIST_PARTS = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}

# SHA-256 of the unpacked content. The gzip files differ from mirror to mirror.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

UNSIGNED_BYTE = 0x08


def read_mnist_file(name, folder=None):
    """Return the array in one of the four files, from ``folder`` or from the cache.

    Parameters
    ----------
    name : str
        Published name, without ``.gz``.
    folder : path, optional
        Where to look; the cache, filled by a download, if not given.

    Returns
    -------
    ndarray of uint8
    """
    path = _cached(name) if folder is None else _find(name, Path(folder))
    return parse_idx(unpack(path), path, ndim=3 if "idx3" in name else 1, sha256=SHA256[name])


def unpack(path):
    """Return the content of a file, gunzipped if it is gzipped."""
    content = Path(path).read_bytes()
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(
            f"{path} is not a whole gzip file: {len(content)} bytes found, then {error}; "
            "was a download cut off? Remove it and fetch it again"
        ) from error


def parse_idx(content, path, *, ndim, sha256=None):
    """Return the array that IDX bytes hold.

    Parameters
    ----------
    content : bytes
        Two zero bytes, the type (8: unsigned byte), the number of axes, the length of each axis as
        a big-endian 32-bit number, then the entries, last axis fastest.
    path : path
        Named in error messages.
    ndim : int
        Axes expected: 3 for pictures, 1 for labels.
    sha256 : str, optional
        Expected hash of ``content``.

    Returns
    -------
    ndarray of uint8

    Raises
    ------
    ValueError
        If the bytes are of another kind, too few, too many or altered.
    """
    expected = bytes([0, 0, UNSIGNED_BYTE, ndim])
    if content[:4] != expected:
        hint = ""
        if content[:3] == expected[:3] and len(content) > 3 and content[3] in (1, 3):
            hint = "; pictures and labels seem to be swapped"
        elif content.lstrip()[:1] == b"<":
            hint = "; it looks like a web page, not the file"
        raise ValueError(
            f"{path} does not begin as an IDX file of unsigned bytes with {ndim} axes: found "
            f"{content[:4].hex(' ') or 'no bytes'}, expected {expected.hex(' ')}{hint}"
        )
    start = 4 + 4 * ndim
    if len(content) < start:
        raise ValueError(
            f"{path} ends within its header: {len(content)} bytes found, {start} expected"
        )
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", ndim, offset=4))
    size = start + math.prod(shape)
    if len(content) != size:
        state = "truncated" if len(content) < size else "too long"
        raise ValueError(
            f"{path} is {state}: its header announces the shape {shape}, {size} bytes in all, "
            f"but {len(content)} were found"
        )
    if sha256 is not None:
        found = hashlib.sha256(content).hexdigest()
        if found != sha256:
            raise ValueError(
                f"{path} has been altered, or is another data set: the SHA-256 of its unpacked "
                f"content is {found}, expected {sha256}"
            )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _find(name, folder):
    candidates = [folder / name, folder / f"{name}.gz", folder / name.replace("-idx", ".idx")]
    for path in candidates:
        if path.is_file():
            return path
    if folder.is_dir():
        here = ", ".join(sorted(p.name for p in folder.iterdir())[:8]) or "nothing"
        state = f"which holds {here}"
    else:
        state = "which is not a folder"
    raise FileNotFoundError(f"no {name} or {name}.gz in {folder}, {state}")


def _cached(name):
    """Return the path of a whole, checked copy in the user's cache, downloaded if need be."""
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            "downloading MNIST needs pooch: pip install pooch; "
            "or give the folder that holds the files, mnist(folder=...)"
        ) from error
    cache = Path(pooch.os_cache("nnbook"))
    path = cache / name
    if path.is_file():
        return path
    cache.mkdir(parents=True, exist_ok=True)
    failures = []
    for mirror in MIRRORS:
        url = f"{mirror}{name}.gz"
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            try:
                content = unpack(_download(pooch, url, scratch))
                parse_idx(content, url, ndim=3 if "idx3" in name else 1, sha256=SHA256[name])
            except (OSError, ValueError) as error:
                failures.append(f"{url}: {error}")
                continue
        write_atomically(path, content)
        return path
    raise OSError(
        f"{name} could not be downloaded; nothing was kept. "
        + "; ".join(failures)
        + ". Download it by other means and give its folder, mnist(folder=...)"
    )


def _download(pooch, url, folder):
    """Fetch a file into ``folder`` and return its path, with a progress bar in a terminal."""
    show = sys.stderr.isatty() and importlib.util.find_spec("tqdm") is not None
    logger = pooch.get_logger()
    level = logger.level
    # pooch would print the hash of the packed file and advise to use it; packed bytes differ from
    # mirror to mirror, and it is the unpacked content that is checked
    logger.setLevel("WARNING")
    try:
        return pooch.retrieve(url, known_hash=None, path=folder, progressbar=show)
    finally:
        logger.setLevel(level)
