"""The rules of NumPy's elementwise functions and of the matrix product."""

import numpy as np
import pytest

from nnbook.learning import grad
from nnbook.learning._traced import PIECEWISE_CONSTANT, UFUNCS
from nnbook.learning.autodiff import Tensor
from tests.learning.rules import (
    COLUMN,
    ROW,
    ST,
    S,
    X,
    Y,
    check_derivatives,
    check_float32,
    check_value,
)

ELEMENTWISE = {
    name: (getattr(np, name), (X,))
    for name in ("negative", "positive", "absolute", "fabs", "exp", "exp2", "expm1", "log", "log2",
                 "log10", "log1p", "sqrt", "cbrt", "square", "reciprocal", "sin", "cos", "tan",
                 "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh")
}
PAIRS = {
    f"{name}, {how}": (getattr(np, name), pair)
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
PRODUCTS = {
    f"matmul {a.shape} {b.shape}": (np.matmul, (a, b))
    for a, b in ((X, Y.T), (ROW, ROW), (X, ROW), (COLUMN[:, 0], X), (S, Y.T), (X, ST), (S, ST),
                 (S[:, np.newaxis], ST[np.newaxis]), (S, ROW), (COLUMN[:, 0], S), (S[:1], ST))
}
PRODUCTS["@"] = (lambda a, b: a @ b.T + X @ b.T + (a @ Y.T), (X, Y))
TABLE = {**ELEMENTWISE, **PAIRS, **POWERS, **PRODUCTS}
DOUBLE = ("@", "x**[")  # these hold a float64 constant


@pytest.mark.parametrize("name", TABLE)
def test_the_derivatives_of(name):
    check_derivatives(*TABLE[name])


@pytest.mark.parametrize("name", TABLE)
def test_the_value_is_that_of_numpy(name):
    check_value(*TABLE[name])


@pytest.mark.parametrize("name", [n for n in TABLE if not n.startswith(DOUBLE)])
def test_float32_stays_float32(name):
    check_float32(*TABLE[name])


def test_every_universal_function_is_in_the_table():
    names = {n.split(",")[0].split(" ")[0] for n in TABLE}
    assert {u.__name__ for u in UFUNCS} | {"power"} <= names


# ---------------------------------------------------------------- choices where there is no slope
def test_choices_at_kinks():
    assert grad(np.abs)(0.0) == 0.0
    for f in (np.maximum, np.minimum):
        assert grad(f, (0, 1))(2.0, 2.0) == (0.5, 0.5)
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
    assert (Tensor(x) ** 3).op.name == (Tensor(x) ** np.int64(-3)).op.name == "x**n"
    assert (Tensor(x) ** 65).op.name == "np.power" and (Tensor(x) ** 3.5).op.name == "np.power"
    assert (Tensor(1.0 + x * x) ** 0.5).op.name == "np.sqrt"


@pytest.mark.parametrize("function", sorted(PIECEWISE_CONSTANT, key=lambda u: u.__name__))
def test_what_is_piecewise_constant_gives_plain_numbers(function):
    arguments = [X] * function.nin
    found = function(*[Tensor(a) for a in arguments])
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, function(*arguments))
