"""The rules of NumPy's functions: gradient, forward mode and second derivative of each."""

import numpy as np
import pytest

from nnbook.checking.gradcheck import gradcheck
from nnbook.learning import grad, hvp, jvp
from nnbook.learning._traced import FUNCTIONS, PIECEWISE_CONSTANT, UFUNCS
from nnbook.learning.autodiff import Tensor, backward

RNG = np.random.default_rng(7)
X, Y = RNG.uniform(0.2, 0.9, (3, 4)), RNG.uniform(0.2, 0.9, (3, 4))
S = RNG.normal(size=(2, 3, 4))
ROW, COLUMN = RNG.uniform(0.2, 0.9, 4), RNG.uniform(0.2, 0.9, (3, 1))
MASK = X > 0.5
PICK = np.array([2, 0, 2, 2])

ELEMENTWISE = {
    name: (lambda a, f=getattr(np, name): f(a), (X,))
    for name in ("negative", "positive", "absolute", "fabs", "exp", "exp2", "expm1", "log", "log2",
                 "log10", "log1p", "sqrt", "cbrt", "square", "reciprocal", "sin", "cos", "tan",
                 "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh")
}
PAIRS = {
    f"{name}, {how}": (lambda a, b, f=getattr(np, name): f(a, b), pair)
    for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum", "logaddexp",
                 "arctan2", "power")
    for how, pair in {"alike": (X, Y), "a row": (X, ROW), "a column": (COLUMN, X),
                      "both": (ROW, COLUMN), "a number": (X, np.array(0.4)),
                      "more axes": (COLUMN, S * S + 0.1), "a length of 1": (COLUMN[:1], X)}.items()
}
POWERS = {f"x**{p}": (lambda a, p=p: a**p, (X,))
          for p in (0, 1, 2, 3, 5, 6, 63, -1, -2, -3, 0.5, 1.5, -0.7, 65, 2.0)}
POWERS |= {
    "2**x": (lambda a: 2.0**a, (X,)),
    "np.power(x, 3)": (lambda a: np.power(a, 3), (S,)),
    "x**[0, 1, 2, 3]": (lambda a: a ** np.array([0.0, 1.0, 2.0, 3.0]), (X,)),
    "operators": (lambda a, b: (3.0 - a) / b + 1.0 / a - (a - 2.0) * -b + abs(a) + +b, (X, Y)),
}
REDUCTIONS = {
    f"{name}, {options}": (lambda a, f=getattr(np, name), o=options: f(a, **o), (S,))
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
    "transpose methods": (lambda a: a.T + a.transpose() * a.transpose(2, 1, 0) - a.transpose((2, -2, 0)),
                          (S,)),
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
    f"matmul {a.shape} {b.shape}": (np.matmul, (a, b))
    for a, b in ((X, Y.T), (ROW, ROW), (X, ROW), (COLUMN[:, 0], X), (S, Y.T), (X, S.transpose(0, 2, 1)),
                 (S, S.transpose(0, 2, 1)), (S[:, np.newaxis], S[np.newaxis].transpose(0, 1, 3, 2)),
                 (S, ROW), (COLUMN[:, 0], S), (S[:1], S.transpose(0, 2, 1)))
}
PRODUCTS |= {
    "@": (lambda a, b: a @ b.T + X @ b.T + (a @ Y.T), (X, Y)),
    "dot": (lambda a, b: np.dot(a, b) * np.dot(b, b) + np.dot(2.0, a)[:, 0], (X, ROW)),
    "outer": (lambda a, b: np.outer(a, b), (ROW, COLUMN)),
    "einsum": (lambda a, b: np.einsum("nij,kj->ink", a, b), (S, X)),
    "einsum, sum": (lambda a, b: np.einsum("nij,kl->jl", a, b), (S, X)),
    "einsum, three": (lambda a, b: np.einsum("ij,j,ij", a, b, X), (X, ROW)),
    "einsum, implicit": (lambda a, b: np.einsum("ji,jk", a, b), (X, Y)),
}
TABLE = {**ELEMENTWISE, **PAIRS, **POWERS, **REDUCTIONS, **MOVES, **CHOICES, **PRODUCTS}


def scalar(name):
    """Return a real function of the list of arguments: the entries, weighed."""
    f, arrays = TABLE[name]
    shape = np.shape(f(*map(Tensor, arrays)).value)
    weights = np.random.default_rng(1).uniform(0.5, 1.5, shape)
    return (lambda x: np.sum(weights * f(*x))), list(arrays), weights


def apart(x):
    """Return x where no two entries are close: a maximum has one place."""
    return [a + 1e-3 * np.arange(a.size).reshape(a.shape) / max(a.size, 1) for a in x]


@pytest.mark.parametrize("name", TABLE)
def test_the_gradient_the_tangent_and_the_hessian_of(name):
    f, x, _ = scalar(name)
    x = apart(x) if name.startswith(("max", "min", "am")) else x
    value = lambda x: plain_value(f, x)  # noqa: E731
    slopes = grad(f)
    assert gradcheck(value, slopes, x, strict=True).worst < 1e-7
    u = [RNG.normal(size=a.shape) for a in x]
    _, slope = jvp(f, (x,), (u,))
    pairing = sum(np.sum(g * t) for g, t in zip(slopes(x), u, strict=True))
    assert slope == pytest.approx(float(pairing), rel=1e-11, abs=1e-11)
    bend = hvp(f, x, u)
    twice = grad(lambda x: sum(np.sum(g * t) for g, t in zip(slopes(x), u, strict=True)))(x)
    h = 1e-6
    right, left = (slopes([a + s * h * t for a, t in zip(x, u, strict=True)]) for s in (1, -1))
    for b, again, p, q in zip(bend, twice, right, left, strict=True):
        size = 1 + np.abs(p).max(initial=0) + np.abs(b).max(initial=0)
        np.testing.assert_allclose(again, b, rtol=1e-9, atol=1e-11 * size)
        np.testing.assert_allclose(b, (p - q) / (2 * h), rtol=1e-5, atol=1e-7 * size)


def plain_value(f, x):
    """Return f at plain arrays through Tensors: some forms are methods that arrays lack."""
    return f([Tensor(a) for a in x]).value


@pytest.mark.parametrize("name", TABLE)
def test_the_value_is_that_of_numpy(name):
    f, arrays = TABLE[name]
    found = f(*map(Tensor, arrays))
    assert isinstance(found, Tensor)
    np.testing.assert_allclose(found.value, f(*arrays), rtol=1e-13)


@pytest.mark.parametrize("name", [n for n in TABLE if n != "astype"])
def test_float32_stays_float32(name):
    f, arrays = TABLE[name]
    if name == "einsum, three" or name.startswith(("concatenate", "stack", "@", "x**[")):
        return  # these hold a float64 constant
    tensors = [Tensor(a.astype(np.float32)) for a in arrays]
    out = f(*tensors)
    assert out.dtype == np.float32
    for g, t in zip(backward(out, tensors, np.ones(out.shape, np.float32)), tensors, strict=True):
        assert g.dtype == np.float32 and g.shape == t.shape


def test_the_table_is_complete():
    names = {n.split(",")[0].split(" ")[0] for n in TABLE}
    assert {u.__name__ for u in UFUNCS} - {"matmul"} <= names | {"positive"}
    used = " ".join([*TABLE, *(" ".join(f.__code__.co_names) for f, _ in TABLE.values()
                               if hasattr(f, "__code__"))])
    for function in FUNCTIONS:
        if not isinstance(function, str):
            assert function.__name__ in used, function.__name__


# ---------------------------------------------------------------- choices where there is no slope
def test_choices_at_kinks():
    assert grad(np.abs)(0.0) == 0.0
    for f in (np.maximum, np.minimum):
        assert grad(f, (0, 1))(2.0, 2.0) == (0.5, 0.5)
    np.testing.assert_array_equal(grad(np.max)(np.array([1.0, 3.0, 3.0])), [0.0, 0.5, 0.5])
    assert grad(lambda x: np.maximum(x, 0.0))(0.0) == 0.5
    assert grad(lambda x: x**0)(0.0) == 0.0
    assert grad(lambda x: np.power(x, y_of(x)))(0.0) == 0.0
    assert grad(lambda y: np.power(0.0, y))(2.0) == 0.0
    assert grad(lambda x: x**1)(0.0) == 1.0
    assert grad(lambda x: x**2.5)(0.0) == 0.0


def y_of(x):
    return np.zeros(())


def test_a_power_is_a_chain_of_products_up_to_64():
    x = np.linspace(-2, 2, 41)
    for n in (2, 3, 7, 64):
        np.testing.assert_allclose((Tensor(x) ** n).value, x**n, rtol=1e-14)
        np.testing.assert_allclose(backward(Tensor(x) ** n, [], np.ones(41)), [])
    assert (Tensor(x) ** 3).op.name == (Tensor(x) ** np.int64(-3)).op.name == "x**n"
    assert (Tensor(x) ** 65).op.name == "np.power" and (Tensor(x) ** 3.5).op.name == "np.power"
    assert (Tensor(1.0 + x * x) ** 0.5).op.name == "np.sqrt"


@pytest.mark.parametrize("function", sorted(PIECEWISE_CONSTANT, key=lambda u: u.__name__))
def test_what_is_piecewise_constant_gives_plain_numbers(function):
    arguments = [X] * function.nin
    found = function(*[Tensor(a) for a in arguments])
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, function(*arguments))


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
