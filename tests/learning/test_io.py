"""Parameters come back as they went, or an error says why not; no file is ever half-written."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from nnbook.learning import _io, adam, init_params, load_params, rmsprop, save_params

PARAMS = init_params([3, 4, 2], np.random.default_rng(0))


def saved(tmp_path, **arrays):
    path = tmp_path / "net.npz"
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_was_saved_is_loaded(tmp_path, dtype):
    params = [(W.astype(dtype), (b + 0.5).astype(dtype)) for W, b in PARAMS]
    path = tmp_path / "net"
    save_params(path, params)
    loaded = load_params(path)
    assert os.listdir(tmp_path) == ["net"], "the name is kept, no suffix is added"
    assert len(loaded) == 2
    for (W, b), (V, c) in zip(params, loaded, strict=True):
        assert V.dtype == c.dtype == dtype
        np.testing.assert_array_equal(W, V)
        np.testing.assert_array_equal(b, c)


def test_ten_layers_keep_their_order(tmp_path):
    params = init_params(range(1, 13), np.random.default_rng(0))
    save_params(tmp_path / "net.npz", params)
    shapes = [W.shape for W, _ in load_params(tmp_path / "net.npz")]
    assert shapes == [W.shape for W, _ in params]


def test_an_interrupted_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "net.npz"
    save_params(path, PARAMS)
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    for name in ("replace", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(_io.os, name, fail)
            with pytest.raises(OSError, match="disk full"):
                save_params(path, [(2 * W, b) for W, b in PARAMS])
        assert path.read_bytes() == before
        assert os.listdir(tmp_path) == ["net.npz"]


def test_an_error_after_the_move_is_the_one_that_is_told(tmp_path, monkeypatch):
    move = os.replace

    def moved_and_interrupted(*paths):
        move(*paths)
        raise KeyboardInterrupt

    monkeypatch.setattr(_io.os, "replace", moved_and_interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_params(tmp_path / "net.npz", PARAMS)
    assert os.listdir(tmp_path) == ["net.npz"]


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_saved_file_is_as_readable_as_any_other(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    save_params(tmp_path / "net.npz", PARAMS)
    assert (tmp_path / "net.npz").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ([(np.eye(2), np.array([0, np.nan]))], ValueError, "b of layer 1 must be finite"),
        ([(np.eye(2, dtype=int), np.zeros(2))], TypeError, "W of layer 1 must hold floating"),
        ([(np.eye(2), np.zeros(3))], ValueError, "layer 1 must have W of shape"),
        ([], TypeError, "params must be a list"),
        (None, TypeError, "params must be a list"),
    ],
)
def test_what_is_no_network_is_not_saved(tmp_path, params, error, message):
    with pytest.raises(error, match=message):
        save_params(tmp_path / "net.npz", params)
    assert not os.listdir(tmp_path)


def test_every_truncation_is_refused(tmp_path):
    path = tmp_path / "net.npz"
    save_params(path, PARAMS)
    content = path.read_bytes()
    for length in range(0, len(content), 97):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"not a whole \.npz file of parameters"):
            load_params(path)


def test_an_altered_byte_of_the_data_is_noticed(tmp_path):
    path = tmp_path / "net.npz"
    save_params(path, PARAMS)
    content = bytearray(path.read_bytes())
    content[content.index(PARAMS[0][0].tobytes()) + 5] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="was it cut off or altered"):
        load_params(path)


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was run",))


def test_pickles_are_not_run(tmp_path):
    path = tmp_path / "net.npz"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match="not a whole"):
        load_params(path)
    array = io.BytesIO()
    np.lib.format.write_array(array, np.array([Trap()], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("W1.npy", array.getvalue())
    with pytest.raises(ValueError, match="not a whole"):
        load_params(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "must hold W1, b1"),
        ({"W1": np.eye(2)}, "look at b1"),
        ({"W1": np.eye(2), "b1": np.zeros(2), "extra": np.zeros(1)}, "look at extra"),
        ({"W1": np.eye(2), "b2": np.zeros(2)}, "look at b1, b2"),
        ({"W1": np.eye(2), "b1": np.zeros(3)}, "layer 1 must have W of shape"),
        ({"W1": np.eye(2), "b1": np.zeros(2), "W2": np.eye(3), "b2": np.zeros(3)},
         "layer 2 takes 3 inputs but layer 1 gives 2"),
        ({"W1": np.full((1, 1), np.inf), "b1": np.zeros(1)}, "W1 must be finite, found inf"),
    ],
)  # fmt: skip
def test_files_that_hold_no_network_are_refused(tmp_path, arrays, message):
    path = saved(tmp_path, **arrays)
    with pytest.raises(ValueError, match=message):
        load_params(path)


def test_other_kinds_of_file_are_refused(tmp_path):
    path = tmp_path / "net.npz"
    array = io.BytesIO()
    np.save(array, np.eye(2))
    for content in (b"W1", b"", array.getvalue()):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="not a whole"):
            load_params(path)
    with pytest.raises(FileNotFoundError):
        load_params(tmp_path / "nowhere.npz")
    saved(tmp_path, W1=np.array([["a"]]), b1=np.zeros(1))
    with pytest.raises(TypeError, match="W1 must hold floating-point numbers, found <U1"):
        load_params(path)


def test_a_file_of_many_strange_arrays_names_four_of_them(tmp_path):
    path = saved(tmp_path, **{f"x{i}": np.zeros(1) for i in range(9)})
    with pytest.raises(ValueError, match="look at") as refused:
        load_params(path)
    assert str(refused.value).split("look at ")[1].count(",") == 3


# ------------------------------------------------------------------------------ nests
NEST = {
    "layers": [{"W": np.ones((2, 3)), "b": np.zeros(2, np.float32)}, (np.full(1, 0.5), [])],
    "steps": 7,
    3: np.arange(4),
    "none": None,
}


def test_any_nest_goes_through_a_file(tmp_path):
    path = tmp_path / "nest.npz"
    save_params(path, NEST)
    found = load_params(path, like=NEST)
    assert list(found) == ["layers", "steps", 3, "none"]
    assert found["steps"] == 7 and type(found["steps"]) is int and found["none"] is None
    assert type(found["layers"][1]) is tuple and found["layers"][1][1] == []
    np.testing.assert_array_equal(found["layers"][0]["W"], np.ones((2, 3)))
    assert found["layers"][0]["b"].dtype == np.float32 and found[3].dtype == NEST[3].dtype
    assert found["layers"][1][0] == 0.5 and found[3].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("nest", [np.ones((2, 2)), {}, [np.ones(2)], (np.ones(2), np.zeros(())),
                                  [np.ones(1), [np.ones(2), [np.ones(3)]]], {"file": np.ones(2)}])
def test_small_nests_go_through_a_file(tmp_path, nest):
    save_params(tmp_path / "nest", nest)
    found = load_params(tmp_path / "nest", like=nest)
    assert type(found) is type(nest)
    for a, b in zip(_io.np.atleast_1d(np.ravel(_flat(found))), np.ravel(_flat(nest)), strict=True):
        assert a == b


def _flat(nest):
    parts = nest.values() if isinstance(nest, dict) else nest
    if isinstance(nest, np.ndarray):
        return nest
    return np.concatenate([np.ravel(_flat(p)) for p in parts]) if len(parts) else np.zeros(0)


def test_a_run_goes_on_from_its_files_bit_by_bit(tmp_path):
    optimizer = adam(0.1)
    params, state = PARAMS, optimizer.init(PARAMS)
    params, state = optimizer.update(params, state, params)
    save_params(tmp_path / "params", params)
    save_params(tmp_path / "state", state)
    loaded = load_params(tmp_path / "params", like=params)
    again = load_params(tmp_path / "state", like=optimizer.init(loaded))
    expected, _ = optimizer.update(params, state, params)
    found, new_state = optimizer.update(loaded, again, loaded)
    assert new_state.t == 2
    for pair, other in zip(expected, found, strict=True):
        for a, b in zip(pair, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_states_of_other_optimizers_are_told_apart(tmp_path):
    plain, centred = (rmsprop(0.1, centered=c).init(np.ones(2)) for c in (False, True))
    save_params(tmp_path / "state", plain)
    assert load_params(tmp_path / "state", like=plain).m is None
    with pytest.raises(ValueError, match=r"must hold what like holds .*look at nest/m$"):
        load_params(tmp_path / "state", like=centred)
    with pytest.raises(ValueError, match="say what it is like"):
        load_params(tmp_path / "state")


def test_a_network_is_held_to_what_it_is_like(tmp_path):
    path = tmp_path / "net"
    save_params(path, PARAMS)
    assert len(load_params(path, like=PARAMS)) == 2
    smaller = init_params([3, 4], np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"must hold what like holds .*look at W2, b2$"):
        load_params(path, like=smaller)
    wider = init_params([3, 5, 2], np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"W of layer 1 must be float64 of shape \(5, 3\), as"):
        load_params(path, like=wider)
    narrow = [(W.astype(np.float32), b.astype(np.float32)) for W, b in PARAMS]
    with pytest.raises(ValueError, match=r"must be float32 of .*found float64 of shape \(4, 3\)"):
        load_params(path, like=narrow)


@pytest.mark.parametrize(
    ("nest", "error", "message"),
    [
        (7, TypeError, "params must be a list of .* or another nest of arrays, found 7"),
        ("W", TypeError, "another nest of arrays, found 'W'"),
        ({"a": np.array([np.nan])}, ValueError, "params: a must be finite, found nan"),
        ({"a": [1j]}, TypeError, "params: a/0 must hold real numbers, found complex128"),
        ({"a": ["x"]}, TypeError, "params: a/0 must hold real numbers, found <U1"),
        (np.array([np.inf]), ValueError, "params: the array must be finite, found inf"),
        ({"a": {"b": 1.0}, "a/b": 2.0}, ValueError, "two arrays have the name a/b; rename a key"),
        ({1: 1.0, "1": 2.0}, ValueError, "two arrays have the name 1"),
        ([(None, None)], (TypeError, ValueError), "layer 1"),
    ],
)
def test_what_is_no_nest_is_not_saved(tmp_path, nest, error, message):
    with pytest.raises(error, match=message):
        save_params(tmp_path / "nest", nest)
    assert not os.listdir(tmp_path)


def test_pickles_in_a_nest_are_not_run(tmp_path):
    array = io.BytesIO()
    np.lib.format.write_array(array, np.array([Trap()], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "nest", "w") as file:
        file.writestr("nest/a.npy", array.getvalue())
    with pytest.raises(ValueError, match="not a whole"):
        load_params(tmp_path / "nest", like={"a": np.ones(1)})


def test_what_is_not_finite_is_not_loaded(tmp_path):
    np.savez(tmp_path / "nest.npz", **{"nest/a": np.array([np.inf])})
    with pytest.raises(ValueError, match=r"nest.npz: a must be finite, found inf"):
        load_params(tmp_path / "nest.npz", like={"a": np.ones(1)})
    np.savez(tmp_path / "nest.npz", **{"nest/a": np.array(["x"])})
    with pytest.raises(TypeError, match=r"nest.npz: a must hold real numbers, found <U1"):
        load_params(tmp_path / "nest.npz", like={"a": np.ones(1)})
