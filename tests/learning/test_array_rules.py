"""The rules of NumPy's functions that sum, choose, move and join the entries of arrays."""

import functools

import numpy as np
import pytest

from nnbook.learning import grad
from nnbook.learning._array_rules import is_basic
from nnbook.learning._traced import FUNCTIONS
from nnbook.learning.autodiff import Tensor, backward
from tests.learning.rules import (
    COLUMN,
    MASK,
    PICK,
    ROW,
    S,
    X,
    Y,
    check_derivatives,
    check_float32,
    check_value,
)

REDUCTIONS = {
    f"{name}, {options}": (functools.partial(getattr(np, name), **options), (S,))
    for name in ("sum", "mean", "max", "min", "prod", "var", "std", "amax", "amin")
    for options in ({}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"axis": (0, 2)},
                    {"axis": (1,), "keepdims": True}, {"keepdims": True})
}
REDUCTIONS |= {
    "methods": (lambda a: a.sum(0) + a.mean(axis=(0, 1)) * a.max(1)[1, 2] - a.min(), (S,)),
    "cumsum": (lambda a: np.cumsum(a, axis=1), (S,)),
    "cumsum, flat": (lambda a: np.cumsum(a), (S,)),
    "var, ddof": (lambda a: np.var(a, axis=1, ddof=1), (S,)),
    "prod with zeros": (lambda a: np.prod(a, axis=1), (X * (X > 0.4),)),
}
MOVES = {
    "reshape": (lambda a: np.reshape(a, (4, -1)), (S,)),
    "reshape method": (lambda a: a.reshape(4, 6) + a.reshape((4, 6)) * a.reshape(-1)[3], (S,)),
    "ravel": (lambda a: np.ravel(a) * a.ravel(), (S,)),
    "transpose": (lambda a: np.transpose(a), (S,)),
    "transpose, axes": (lambda a: np.transpose(a, (1, -1, 0)), (S,)),
    "transpose methods": (lambda a: a.T + a.transpose() * a.transpose(2, 1, 0)
                          - a.transpose((2, -2, 0)), (S,)),
    "swapaxes": (lambda a: np.swapaxes(a, 0, -1), (S,)),
    "moveaxis": (lambda a: np.moveaxis(a, 0, -1) * np.moveaxis(a, (1, -3), (0, 2)), (S,)),
    "expand_dims, squeeze": (lambda a: np.squeeze(np.expand_dims(a, (0, 2)), 0), (S,)),
    "broadcast_to": (lambda a: np.broadcast_to(a, (2, 3, 5)), (COLUMN,)),
    "flip": (lambda a: np.flip(a, 1) + np.flip(a, (0, 2)) * np.flip(a), (S,)),
    "roll": (lambda a: np.roll(a, 2, axis=2) + np.roll(a, (1, -1), (0, 1)) * np.roll(a, 5), (S,)),
    "astype": (lambda a: a.astype(np.longdouble).astype(float), (X,)),
    "pad": (lambda a: np.pad(a, ((1, 2), (0, 1))), (X,)),
    "repeat": (lambda a: np.repeat(a, 3, axis=1), (X,)),
    "repeat, flat": (lambda a: np.repeat(a, [1, 0, 2, 3]), (ROW,)),
}
CHOICES = {
    "a row": (lambda a: a[1], (S,)),
    "a slice": (lambda a: a[:, ::-2, 1:], (S,)),
    "an ellipsis": (lambda a: a[..., np.newaxis, -1], (S,)),
    "one entry": (lambda a: a[1, 2, 3], (S,)),
    "entries taken twice": (lambda a: a[PICK % 3], (X,)),
    "pairs of indices": (lambda a: a[PICK, [0, 1, 2, 2]], (X,)),
    "a mask": (lambda a: a[MASK], (X,)),
    "a list": (lambda a: a[[0, 0, 1]], (X,)),
    "a slice and indices": (lambda a: a[:, PICK % 3, 0], (S,)),
    "take": (lambda a: np.take(a, PICK, axis=1) + np.take(a, [1, 1, 2, 3]), (X,)),
    "take_along_axis": (lambda a: np.take_along_axis(a, np.argsort(-X, axis=0), 0), (X,)),
    "sort": (lambda a: np.sort(a, axis=0), (X,)),
    "diagonal, trace": (lambda a: np.diagonal(a) * np.trace(a), (X[:, :3],)),
    "tril, triu": (lambda a: np.tril(a) + 2.0 * np.triu(a, 1) * np.tril(a, 2), (X,)),
    "split": (lambda a: np.split(a, 2, axis=1)[0] * np.split(a, [2], 1)[1], (X,)),
    "iteration": (lambda a: sum(row[0] * row for row in a), (X,)),
    "where": (lambda a, b: np.where(MASK, a, b), (X, ROW)),
    "where, traced mask": (lambda a, b: np.where(a > b, a * b, 0.0), (X, Y)),
    "clip": (lambda a: np.clip(a, 0.3, 0.7) + np.clip(a, None, 0.5), (X,)),
    "concatenate": (lambda a, b: np.concatenate([a, X, b, a], axis=-1), (X, COLUMN)),
    "concatenate, flat": (lambda a, b: np.concatenate((a, b), axis=None), (X, ROW)),
    "stack": (lambda a, b: np.stack([a, b, X], axis=1), (X, Y)),
}
PRODUCTS = {
    "dot": (lambda a, b: np.dot(a, b) * np.dot(b, b) + np.dot(2.0, a)[:, 0], (X, ROW)),
    "outer": (lambda a, b: np.outer(a, b), (ROW, COLUMN)),
    "einsum": (lambda a, b: np.einsum("nij,kj->ink", a, b), (S, X)),
    "einsum, sum": (lambda a, b: np.einsum("nij,kl->jl", a, b), (S, X)),
    "einsum, three": (lambda a, b: np.einsum("ij,j,ij", a, b, X), (X, ROW)),
    "einsum, implicit": (lambda a, b: np.einsum("ji,jk", a, b), (X, Y)),
}
TABLE = {**REDUCTIONS, **MOVES, **CHOICES, **PRODUCTS}
DOUBLE = ("astype", "concatenate", "stack", "einsum, three")  # these hold a float64 constant


@pytest.mark.parametrize("name", TABLE)
def test_the_derivatives_of(name):
    check_derivatives(*TABLE[name], ties=name.startswith(("max", "min", "am")))


@pytest.mark.parametrize("name", TABLE)
def test_the_value_is_that_of_numpy(name):
    check_value(*TABLE[name])


@pytest.mark.parametrize("name", [n for n in TABLE if not n.startswith(DOUBLE)])
def test_float32_stays_float32(name):
    check_float32(*TABLE[name])


def test_every_function_is_in_the_table():
    used = " ".join([*TABLE, *(" ".join(f.__code__.co_names) for f, _ in TABLE.values()
                               if hasattr(f, "__code__"))])
    for function in FUNCTIONS:
        if not isinstance(function, str):
            assert function.__name__ in used or function is np.power, function.__name__


def test_no_factors_make_1_and_two_diagonals_are_refused():
    x = Tensor(np.zeros((0, 3)))
    assert np.prod(x, axis=0).tolist() == [1.0, 1.0, 1.0]  # a constant
    assert backward(np.sum(x), x).shape == (0, 3)
    for subscripts in ("ii,j", "j,ii"):
        with pytest.raises(TypeError, match=r"np\.diagonal has one"):
            np.einsum(subscripts, *(Tensor(np.eye(2)) if s == "ii" else np.ones(2)
                                    for s in subscripts.split(",")))
    with pytest.raises(ValueError, match=r"shorter|longer"):
        np.moveaxis(Tensor(S), (0, 1), (2,))


def test_an_index_that_takes_no_entry_twice_needs_no_counting():
    for index in (1, np.int64(2), slice(1, 2), (..., None, 3), ()):
        assert is_basic(index)
    for index in ([0], PICK, MASK, True, np.bool_(False), (1, PICK), (slice(None), [1])):
        assert not is_basic(index)


def test_equal_extremes_share_the_gradient():
    for f, x in ((np.max, [1.0, 3.0, 3.0]), (np.min, [5.0, 3.0, 3.0])):
        np.testing.assert_array_equal(grad(f)(np.array(x)), [0.0, 0.5, 0.5])


def test_comparisons_and_shapes_give_plain_numbers():
    t = Tensor(X)
    for found, expected in [
        (t > 0.5, X > 0.5), (t >= Y, X >= Y), (t < Tensor(Y), X < Y), (0.5 <= t, X >= 0.5),
        (t == X, X == X), (t != Y, X != Y), (np.argmax(t, axis=1), np.argmax(X, axis=1)),
        (np.argsort(t), np.argsort(X)), (np.zeros_like(t), 0 * X), (np.round(t, 1), X.round(1)),
        (np.nonzero(t > 0.5)[0], np.nonzero(X > 0.5)[0]), (np.where(t > 0.5)[1], np.where(MASK)[1]),
    ]:
        assert type(found) is np.ndarray
        np.testing.assert_array_equal(found, expected)
    assert np.shape(t) == t.shape == (3, 4) and np.ndim(t) == t.ndim == 2
    assert np.size(t) == t.size == 12 and len(t) == 3 and t.dtype == np.float64
    assert np.allclose(t, X) and bool(Tensor(2.0)) and not Tensor(0.0)
