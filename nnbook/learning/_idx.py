"""Read the IDX files of MNIST and Fashion-MNIST: found, checked whole, and only then believed."""

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

# Fashion-MNIST has the same file names. What is published of it, by many who checked the files
# against their authors' MD5, is the SHA-256 of the gzip files as they were first packed.
FASHION_SHA256 = {
    "train-images-idx3-ubyte": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}

FASHION_MIRRORS = (
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)

UNSIGNED_BYTE = 0x08
GZIP = b"\x1f\x8b"


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
    ndim = _ndim(name)

    def checked(path, url):
        content = unpack(Path(path).read_bytes(), path)
        parse_idx(content, url, ndim=ndim, sha256=SHA256[name])
        return content

    if folder is None:
        path = _cached(name, [f"{mirror}{name}.gz" for mirror in MIRRORS], checked, "mnist")
    else:
        path = _find([name, f"{name}.gz", name.replace("-idx", ".idx")], Path(folder))
    return parse_idx(unpack(path.read_bytes(), path), path, ndim=ndim, sha256=SHA256[name])


def read_fashion_file(name, folder=None, *, unchecked=False):
    """Return the array in one of Fashion-MNIST's four files, from ``folder`` or from the cache.

    Parameters
    ----------
    name : str
        Published name, without ``.gz``.
    folder : path, optional
        Where to look; the cache, filled by a download, if not given.
    unchecked : bool, default False
        Take an unpacked or repacked file, whose content no published hash covers.

    Returns
    -------
    ndarray of uint8
    """
    packed = f"{name}.gz"

    def checked(path, url):
        content = Path(path).read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found == FASHION_SHA256[name]:
            return content
        state = "has been altered or packed again, or is another data set (MNIST's has its name)"
        if not content.startswith(GZIP):
            state = "is no gzip file, and only those have a published hash"
        raise ValueError(
            f"{url} {state}: its SHA-256 is {found}, expected {FASHION_SHA256[name]}; if you trust "
            "the file, write fashion_mnist(..., unchecked=True)"
        )

    if folder is None:
        urls = [mirror + packed for mirror in FASHION_MIRRORS]
        path = _cached(f"fashion-mnist/{packed}", urls, checked, "fashion_mnist")
    else:
        path = _find([packed, name, name.replace("-idx", ".idx")], Path(folder))
    content = path.read_bytes() if folder is not None and unchecked else checked(path, path)
    return parse_idx(unpack(content, path), path, ndim=_ndim(name))


def _ndim(name):
    return 3 if "idx3" in name else 1


def unpack(content, path):
    """Return the content of a file, gunzipped if it is gzipped; ``path`` is for the message."""
    if not content.startswith(GZIP):
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


def _find(names, folder):
    for name in names:
        if (folder / name).is_file():
            return folder / name
    if folder.is_dir():
        here = ", ".join(sorted(p.name for p in folder.iterdir())[:8]) or "nothing"
        state = f"which holds {here}"
    else:
        state = "which is not a folder"
    raise FileNotFoundError(f"no {names[0]} or {names[1]} in {folder}, {state}")


def _cached(name, urls, checked, call):
    """Return the path of a whole, checked copy in the user's cache, downloaded if need be.

    ``checked(path, url)`` returns the content to keep, or raises ValueError.
    """
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            "downloading needs pooch: pip install pooch; "
            f"or give the folder that holds the files, {call}(folder=...)"
        ) from error
    path = Path(pooch.os_cache("nnbook")) / name
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    for url in urls:
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            try:
                content = checked(_download(pooch, url, scratch), url)
            except (OSError, ValueError) as error:
                failures.append(f"{url}: {error}")
                continue
        write_atomically(path, content)
        return path
    raise OSError(
        f"{name} could not be downloaded; nothing was kept. "
        + "; ".join(failures)
        + f". Download it by other means and give its folder, {call}(folder=...)"
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
