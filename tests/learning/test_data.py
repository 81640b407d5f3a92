"""Data arrive whole and as described, or an error says what is wrong with them."""

import functools
import gzip
import hashlib
import http.server
import logging
import os
import struct
import threading

import numpy as np
import pytest

from nnbook.learning import _idx
from nnbook.learning.data import digits, fashion_mnist, mnist, split, xor

IMAGES, LABELS = _idx.MNIST_PARTS["test"]


def idx(array, kind=8):
    header = bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Put 30 made-up digits in a folder, with hashes to match; yield folder, pictures, labels."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (30, 28, 28), dtype=np.uint8)
    labels = rng.integers(0, 10, 30, dtype=np.uint8)
    pictures[0, 0, :2] = 0, 255
    for name, array in ((IMAGES, pictures), (LABELS, labels)):
        content = idx(array)
        (tmp_path / name).write_bytes(content)
        monkeypatch.setitem(_idx.SHA256, name, hashlib.sha256(content).hexdigest())
    return tmp_path, pictures, labels


def test_xor_is_xor():
    X, y = xor()
    assert [(int(a) ^ int(b)) for a, b in X] == y[:, 0].tolist()
    assert X.shape == (4, 2) and y.shape == (4, 1) and len({tuple(x) for x in X}) == 4
    X[:] = 7
    assert xor()[0].max() == 1


def test_digits_are_scikit_learns_scaled():
    from sklearn.datasets import load_digits

    X, y = digits()
    np.testing.assert_array_equal(X * 16, load_digits().data)
    np.testing.assert_array_equal(y, load_digits().target)
    assert (X.min(), X.max(), X.dtype) == (0, 1, np.float64)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mnist_reads_plain_and_gzipped_files(small, packed, dtype):
    folder, pictures, labels = small
    if packed:
        for name in (IMAGES, LABELS):
            content = (folder / name).read_bytes()
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
            (folder / name).unlink()
    X, y = mnist("test", folder=folder, dtype=dtype)
    assert X.dtype == dtype and X.shape == (30, 784) and y.dtype == np.intp
    np.testing.assert_array_equal(np.rint(X.astype(float) * 255).reshape(30, 28, 28), pictures)
    np.testing.assert_array_equal(y, labels)
    assert X[0, 0] == 0 and X[0, 1] == 1
    assert mnist("test", folder=str(folder))[0].shape == (30, 784)


def test_the_parts_read_their_own_files(small, monkeypatch):
    folder, _, _ = small
    for name, source in zip(_idx.MNIST_PARTS["train"], (IMAGES, LABELS), strict=True):
        (folder / source).rename(folder / name)
        monkeypatch.setitem(_idx.SHA256, name, _idx.SHA256[source])
    assert mnist("train", folder=folder)[0].shape == (30, 784)
    with pytest.raises(FileNotFoundError, match=f"no {IMAGES} or {IMAGES}.gz in .*train-images"):
        mnist("test", folder=folder)
    with pytest.raises(FileNotFoundError, match="which is not a folder"):
        mnist("test", folder=folder / "nowhere")
    with pytest.raises(ValueError, match='part must be "train" or "test"'):
        mnist("validation", folder=folder)
    with pytest.raises(ValueError, match="dtype must be a floating-point type, found uint8"):
        mnist("train", folder=folder, dtype=np.uint8)


def test_every_truncation_is_refused(small):
    folder, _, _ = small
    content = (folder / LABELS).read_bytes()
    for length in range(len(content)):
        (folder / LABELS).write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"truncated|ends within its header|begin as an IDX"):
            mnist("test", folder=folder)
    packed = gzip.compress(content)
    for length in range(2, len(packed)):
        (folder / LABELS).write_bytes(packed[:length])
        with pytest.raises(ValueError, match=r"not a whole gzip file.*cut off"):
            mnist("test", folder=folder)


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (lambda c: c[:-1] + bytes([c[-1] ^ 1]), "altered, or is another data set: the SHA-256"),
        (lambda c: c + b"x", r"too long: its header announces the shape \(30, 28, 28\), 23536 byt"),
        (lambda c: c[:-9], r"truncated: .* 23536 bytes in all, but 23527 were found"),
        (lambda c: b"\0\0\x0d" + c[3:], "found 00 00 0d 03, expected 00 00 08 03"),
        (lambda c: c[:3] + b"\x01" + c[4:], "pictures and labels seem to be swapped"),
        (lambda c: b"<!DOCTYPE html>", "it looks like a web page"),
        (lambda c: b"", "found no bytes"),
        (lambda c: c[:7], "ends within its header: 7 bytes found, 16 expected"),
        (lambda c: b"\x1f\x8b" + c[2:], "not a whole gzip file"),
        (lambda c: gzip.compress(c)[:-6] + bytes(6), "not a whole gzip file"),
        (lambda c: c[:4] + b"\xff" * 12 + c[16:], "truncated: its header announces"),
    ],
)
def test_altered_files_say_what_is_wrong(small, alter, message):
    folder, _, _ = small
    path = folder / IMAGES
    path.write_bytes(alter(path.read_bytes()))
    with pytest.raises(ValueError, match=message) as caught:
        mnist("test", folder=folder)
    assert str(path) in str(caught.value)


def test_swapped_files_are_recognised_either_way(small):
    folder, _, _ = small
    pictures, labels = (folder / IMAGES).read_bytes(), (folder / LABELS).read_bytes()
    (folder / IMAGES).write_bytes(labels)
    with pytest.raises(ValueError, match=f"{IMAGES} .* seem to be swapped"):
        mnist("test", folder=folder)
    (folder / IMAGES).write_bytes(pictures)
    (folder / LABELS).write_bytes(pictures)
    with pytest.raises(ValueError, match=f"{LABELS} .* seem to be swapped"):
        mnist("test", folder=folder)
    (folder / LABELS).write_bytes(bytes([0, 0, 8, 4]))
    with pytest.raises(ValueError, match=r"found 00 00 08 04, expected 00 00 08 01$"):
        mnist("test", folder=folder)


def test_an_empty_data_set_is_whole_but_not_mnist(small):
    folder, _, _ = small
    (folder / LABELS).write_bytes(idx(np.empty(0, np.uint8)))
    with pytest.raises(ValueError, match="altered, or is another data set"):
        mnist("test", folder=folder)


def test_names_with_a_dot_are_found_too(small):
    folder, _, _ = small
    (folder / IMAGES).rename(folder / "t10k-images.idx3-ubyte")
    assert mnist("test", folder=folder)[0].shape == (30, 784)


def test_hashes_are_those_of_the_published_files():
    assert set(_idx.SHA256) == {name for names in _idx.MNIST_PARTS.values() for name in names}
    assert all(len(h) == 64 and int(h, 16) for h in _idx.SHA256.values())
    assert len(set(_idx.SHA256.values())) == 4


@pytest.fixture
def server(small, tmp_path_factory, monkeypatch):
    """Serve two mirrors from this machine, and give the cache a folder of its own."""
    pooch = pytest.importorskip("pooch")
    folder, _, _ = small
    root, cache = tmp_path_factory.mktemp("www"), tmp_path_factory.mktemp("cache") / "deep"
    for mirror in ("one", "two"):
        (root / mirror).mkdir()
        for name in (IMAGES, LABELS):
            content = gzip.compress((folder / name).read_bytes())
            (root / mirror / f"{name}.gz").write_bytes(content)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=root)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        base = f"http://127.0.0.1:{httpd.server_address[1]}"
        monkeypatch.setattr(_idx, "MIRRORS", (f"{base}/one/", f"{base}/two/"))
        monkeypatch.setattr(pooch, "os_cache", lambda project: cache)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield root, cache
        httpd.shutdown()
        thread.join()


def test_a_download_is_checked_kept_and_not_repeated(server, small, capsys):
    root, cache = server
    X, _ = mnist("test")
    assert capsys.readouterr() == ("", "")
    assert sorted(os.listdir(cache)) == sorted([IMAGES, LABELS])
    for mirror in ("one", "two"):
        for name in (IMAGES, LABELS):
            (root / mirror / f"{name}.gz").unlink()
    np.testing.assert_array_equal(mnist("test")[0], X)
    np.testing.assert_array_equal(mnist("test", folder=small[0])[0], X)


@pytest.mark.parametrize("damage", ["altered", "truncated", "missing"])
def test_a_damaged_mirror_gives_way_to_the_next(server, damage):
    root, cache = server
    path = root / "one" / f"{IMAGES}.gz"
    content = gzip.decompress(path.read_bytes())
    path.unlink()
    if damage == "altered":
        path.write_bytes(gzip.compress(content[:-1] + b"?"))
    if damage == "truncated":
        path.write_bytes(gzip.compress(content)[:-100])
    assert mnist("test")[0].shape == (30, 784)
    assert (cache / IMAGES).read_bytes() == content


def test_when_no_mirror_is_whole_nothing_is_kept(server):
    root, cache = server
    for mirror in ("one", "two"):
        (root / mirror / f"{IMAGES}.gz").write_bytes(b"<html>try later</html>")
    with pytest.raises(OSError, match=r"nothing was kept\. .*one.*web page.*two.*folder=\.\.\."):
        mnist("test")
    assert os.listdir(cache) == []


def test_a_cached_file_that_rots_is_noticed(server):
    _, cache = server
    mnist("test")
    content = bytearray((cache / IMAGES).read_bytes())
    content[100] ^= 1
    (cache / IMAGES).write_bytes(content)
    with pytest.raises(ValueError, match="has been altered"):
        mnist("test")


# ------------------------------------------------------------------------------ Fashion-MNIST
@pytest.fixture
def fashion(small, monkeypatch):
    """Pack the made-up pictures, with hashes to match; yield folder, pictures and labels."""
    folder, pictures, labels = small
    for name in (IMAGES, LABELS):
        packed = gzip.compress((folder / name).read_bytes())
        (folder / name).unlink()
        (folder / f"{name}.gz").write_bytes(packed)
        monkeypatch.setitem(_idx.FASHION_SHA256, name, hashlib.sha256(packed).hexdigest())
        monkeypatch.setitem(_idx.SHA256, name, "0" * 64)  # MNIST's must not be asked for
    return folder, pictures, labels


def test_fashion_mnist_reads_the_files_as_they_were_packed(fashion):
    folder, pictures, labels = fashion
    for dtype in (np.float32, np.float64):
        X, y = fashion_mnist("test", folder=folder, dtype=dtype)
        assert X.dtype == dtype and X.shape == (30, 784) and y.dtype == np.intp
        np.testing.assert_array_equal(np.rint(X.astype(float) * 255).reshape(30, 28, 28), pictures)
        np.testing.assert_array_equal(y, labels)
    assert fashion_mnist("test", folder=str(folder), unchecked=True)[0].shape == (30, 784)


def test_fashion_mnist_reads_the_parts_from_their_own_files(fashion, monkeypatch):
    folder, _, _ = fashion
    for name, source in zip(_idx.MNIST_PARTS["train"], (IMAGES, LABELS), strict=True):
        (folder / f"{source}.gz").rename(folder / f"{name}.gz")
        monkeypatch.setitem(_idx.FASHION_SHA256, name, _idx.FASHION_SHA256[source])
    assert fashion_mnist(folder=folder)[0].shape == (30, 784)
    with pytest.raises(FileNotFoundError, match=f"no {IMAGES}.gz or {IMAGES} in .*train-images"):
        fashion_mnist("test", folder=folder)
    with pytest.raises(ValueError, match='part must be "train" or "test", found 1'):
        fashion_mnist(1, folder=folder)
    with pytest.raises(ValueError, match="dtype must be a floating-point type, found int64"):
        fashion_mnist("train", folder=folder, dtype=np.int64)


def test_other_packings_are_taken_only_if_the_reader_says_so(fashion):
    folder, pictures, _ = fashion
    path = folder / f"{IMAGES}.gz"
    content = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(content, compresslevel=1))
    told = r"altered or packed again, or is another data set.*SHA-256 is [0-9a-f]{64}, expected"
    with pytest.raises(ValueError, match=told) as caught:
        fashion_mnist("test", folder=folder)
    assert str(path) in str(caught.value) and "unchecked=True" in str(caught.value)
    path.unlink()
    (folder / IMAGES).write_bytes(content)
    with pytest.raises(ValueError, match=r"is no gzip file, and only those have a published hash"):
        fashion_mnist("test", folder=folder)
    for name in (IMAGES, IMAGES.replace("-idx", ".idx")):
        (folder / IMAGES).rename(folder / name)
        X, _ = fashion_mnist("test", folder=folder, unchecked=True)
        np.testing.assert_array_equal(np.rint(X * 255).reshape(30, 28, 28), pictures)
        (folder / name).rename(folder / IMAGES)


def test_unchecked_files_are_still_held_to_their_form(fashion):
    folder, _, _ = fashion
    path = folder / f"{LABELS}.gz"
    content = gzip.decompress(path.read_bytes())
    for altered, told in ((content[:-1], "truncated"), (content + b"x", "too long"),
                          (b"<html>", "web page"), (content[:3] + b"\x03", "swapped")):  # fmt: skip
        path.write_bytes(gzip.compress(altered))
        with pytest.raises(ValueError, match=told):
            fashion_mnist("test", folder=folder, unchecked=True)
    path.write_bytes(gzip.compress(content)[:-9])
    with pytest.raises(ValueError, match="not a whole gzip file"):
        fashion_mnist("test", folder=folder, unchecked=True)
    path.write_bytes(gzip.compress(idx(np.zeros(29, np.uint8))))
    with pytest.raises(ValueError, match="there are 30 pictures and 29 labels: are the files of o"):
        fashion_mnist("test", folder=folder, unchecked=True)


def test_the_hashes_of_the_two_data_sets_are_not_mixed_up():
    assert _idx.FASHION_SHA256.keys() == _idx.SHA256.keys()
    hashes = [*_idx.FASHION_SHA256.values(), *_idx.SHA256.values()]
    assert len(set(hashes)) == 8 and all(len(h) == 64 and int(h, 16) for h in hashes)
    # as TensorFlow Datasets lists them
    assert _idx.FASHION_SHA256["t10k-labels-idx1-ubyte"].startswith("67da17c76eaffca5446c3361aaab")
    assert _idx.FASHION_SHA256["train-labels-idx1-ubyte"].endswith("d1bfaf8ba1a3aa29af54cc90845")


def test_fashion_mnist_has_mirrors_and_a_cache_of_its_own(server, small, monkeypatch):
    root, cache = server
    for name in (IMAGES, LABELS):
        packed = (root / "one" / f"{name}.gz").read_bytes()
        monkeypatch.setitem(_idx.FASHION_SHA256, name, hashlib.sha256(packed).hexdigest())
        (root / "one" / f"{name}.gz").write_bytes(packed[:-1])  # the first mirror is damaged
        (root / "two" / f"{name}.gz").write_bytes(packed)
    monkeypatch.setattr(_idx, "FASHION_MIRRORS", _idx.MIRRORS)
    monkeypatch.setattr(_idx, "MIRRORS", ())
    X, _ = fashion_mnist("test")
    kept = cache / "fashion-mnist"
    assert sorted(os.listdir(kept)) == sorted([f"{IMAGES}.gz", f"{LABELS}.gz"])
    assert os.listdir(cache) == ["fashion-mnist"]
    (root / "two" / f"{IMAGES}.gz").unlink()
    np.testing.assert_array_equal(fashion_mnist("test")[0], X)
    # the cache is checked each time, whatever the caller trusts
    (kept / f"{IMAGES}.gz").write_bytes(gzip.compress(b"rot"))
    with pytest.raises(ValueError, match="altered"):
        fashion_mnist("test", unchecked=True)
    (kept / f"{IMAGES}.gz").unlink()
    with pytest.raises(OSError, match=r"nothing was kept\. .*fashion_mnist\(folder=\.\.\.\)"):
        fashion_mnist("test")
    assert os.listdir(kept) == [f"{LABELS}.gz"]


@pytest.mark.parametrize("load", [mnist, fashion_mnist])
def test_without_pooch_the_message_says_what_to_do(load, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=rf"install pooch; .*{load.__name__}\(folder=\.\.\.\)"):
        load("test")


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("installed", [True, False])
def test_a_progress_bar_needs_a_terminal_and_tqdm(terminal, installed, monkeypatch):
    asked = {}

    class Pooch:
        @staticmethod
        def get_logger():
            return logging.getLogger("downloads")

        @staticmethod
        def retrieve(url, **options):
            asked.update(options, url=url)

    monkeypatch.setattr(_idx.sys.stderr, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(_idx.importlib.util, "find_spec", lambda name: installed or None)
    _idx._download(Pooch, "https://example.org/x.gz", "folder")
    assert asked == {"url": "https://example.org/x.gz", "known_hash": None, "path": "folder",
                     "progressbar": terminal and installed}  # fmt: skip


def test_a_split_is_disjoint_random_and_repeatable():
    X = np.arange(60.0).reshape(30, 2)
    y = np.arange(30) % 3
    for stratify in (True, False):
        parts = split(X, y, 9, np.random.default_rng(0), stratify=stratify)
        rows = np.concatenate([parts.X_test, parts.X_train])[:, 0]
        assert parts.X_test.shape == (9, 2) and sorted(rows) == X[:, 0].tolist()
        np.testing.assert_array_equal(parts.y_test, (parts.X_test[:, 0] / 2) % 3)
        np.testing.assert_array_equal(parts.y_train, (parts.X_train[:, 0] / 2) % 3)
        again = split(X, y, 9, np.random.default_rng(0), stratify=stratify)
        other = split(X, y, 9, np.random.default_rng(1), stratify=stratify)
        np.testing.assert_array_equal(again.X_test, parts.X_test)
        assert set(other.X_test[:, 0]) != set(parts.X_test[:, 0])
        assert parts.y_test.tolist() != sorted(parts.y_test), "classes are not in blocks"
        few = split(X, y, 9, np.random.default_rng(0), train=12, stratify=stratify)
        assert len(few.X_train) == 12
        assert not set(few.X_train[:, 0]) & set(few.X_test[:, 0])


def test_stratified_parts_keep_the_shares_of_the_classes():
    X, y = digits()
    counts = np.bincount(y)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        parts = split(X, y, 450, rng, train=900)
        assert abs(np.bincount(parts.y_test) - counts * 450 / 1797).max() <= 1.5
        assert abs(np.bincount(parts.y_train) - counts * 900 / 1797).max() <= 2
    plain = [np.bincount(split(X, y, 450, np.random.default_rng(s), stratify=False).y_test)
             for s in range(5)]  # fmt: skip
    assert abs(plain - counts * 450 / 1797).max() > 3


def test_every_example_can_be_drawn_equally_often():
    X, y = np.arange(12.0)[:, np.newaxis], np.repeat([0, 1, 2], [2, 4, 6])
    rng, hits = np.random.default_rng(0), np.zeros(12)
    for _ in range(3000):
        hits[split(X, y, 6, rng).X_test[:, 0].astype(int)] += 1
    # each has the chance 1/2, whatever its class; 5 standard deviations are 137
    assert abs(hits - 1500).max() < 137


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.ones((5, 2)), np.zeros(4, int), 2), ValueError, "one class index for each of the 5"),
        ((np.ones((5, 2)), np.zeros(5), 2), ValueError, "found float64"),
        ((np.ones((5, 2)), np.zeros((5, 1), int), 2), ValueError, r"of shape \(5, 1\)"),
        ((np.ones((5, 2)), np.zeros(5, int), 5), ValueError, "cannot take 5 to test and 0 to tr"),
        ((np.ones((5, 2)), np.zeros(5, int), 0), ValueError, "test must be at least 1"),
        ((np.ones((5, 2)), np.zeros(5, int), 0.2), TypeError, "test must be a positive integer"),
        ((np.ones(5), np.zeros(5, int), 2), ValueError, "for one example write"),
    ],
)
def test_bad_splits_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        split(*arguments, np.random.default_rng(0))
    with pytest.raises(TypeError, match="rng must be"):
        split(np.ones((5, 2)), np.zeros(5, int), 2, 0)
    with pytest.raises(ValueError, match="cannot take 3 to test and 3 to train from 5"):
        split(np.ones((5, 2)), np.zeros(5, int), 3, np.random.default_rng(0), train=3)


def test_split_can_train_on_one_example():
    X, y = np.arange(6.0).reshape(3, 2), np.array([0, 1, 2])
    parts = split(X, y, 2, np.random.default_rng(0), train=1, stratify=False)
    assert len(parts.X_train) == 1
    assert len(parts.X_test) == 2
