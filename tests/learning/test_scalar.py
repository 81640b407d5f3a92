"""Single numbers that remember: derivatives, graphs of every shape, edges, errors."""

import math
import random

import numpy as np
import pytest

from nnbook.learning import Tensor
from nnbook.learning.autodiff import backward
from nnbook.learning.scalar import Scalar, dot

STEP = 1e-6


def slopes(f, *values):
    """Return the value of f and its derivatives in Scalars of those values."""
    inputs = [Scalar(v) for v in values]
    result = f(*inputs)
    result.backward()
    return result.value, [x.grad for x in inputs]


def central(f, *values):
    """Return central differences of the same f, through Scalars' values."""
    found = []
    for i, v in enumerate(values):
        up, down = ([*values[:i], v + s, *values[i + 1 :]] for s in (STEP, -STEP))
        found.append((f(*map(Scalar, up)).value - f(*map(Scalar, down)).value) / (2 * STEP))
    return found


OPERATIONS = {
    "sum": (lambda x, y: x + y, lambda x, y: x + y),
    "sum with a number": (lambda x, y: 2.5 + x + y + 1, lambda x, y: 2.5 + x + y + 1),
    "product": (lambda x, y: x * y, lambda x, y: x * y),
    "product with a number": (lambda x, y: 3 * x * y * 0.5, lambda x, y: 1.5 * x * y),
    "difference": (lambda x, y: 1 - x - y - 2, lambda x, y: 1 - x - y - 2),
    "quotient": (lambda x, y: x / y, lambda x, y: x / y),
    "quotients with a number": (lambda x, y: x / 4 + 3 / y, lambda x, y: x / 4 + 3 / y),
    "power": (lambda x, y: x**3 * y**-2, lambda x, y: x**3 * y**-2),
    "exponential": (lambda x, y: (x * y).exp(), lambda x, y: math.exp(x * y)),
    "logarithm": (lambda x, y: (x * y).log(), lambda x, y: math.log(x * y)),
    "tanh": (lambda x, y: (x - y).tanh(), lambda x, y: math.tanh(x - y)),
    "relu": (lambda x, y: (x - y).relu() + (y - x).relu(), lambda x, y: abs(x - y)),
    "negative": (lambda x, y: -x * -y, lambda x, y: x * y),
    "dot": (lambda x, y: dot([x, y], [y, x], x), lambda x, y: 2 * x * y + x),
    "dot with numbers": (lambda x, y: dot([x, y], [2.0, -3.0], 1.0),
                         lambda x, y: 2 * x - 3 * y + 1),
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("at", [(1.5, 0.75), (0.3, 2.0)])
def test_an_operation_has_its_value_and_its_slopes(name, at):
    f, plain = OPERATIONS[name]
    value, found = slopes(f, *at)
    assert value == pytest.approx(plain(*at), rel=1e-14)
    assert found == pytest.approx(central(f, *at), rel=1e-8, abs=1e-8)


def network(params, x, activate, add):
    """Return the output of a 3-4-2-1 network, of whichever kind of number."""
    for layer, rows in enumerate(params):
        x = [add(w, x, b) for w, b in rows]
        x = [activate(v) for v in x] if layer < len(params) - 1 else x
    return x[0]


def test_a_network_has_the_gradients_of_the_array_tape():
    draw = random.Random(0)
    sizes = [(3, 4), (4, 2), (2, 1)]
    numbers = [[([draw.gauss(0, 1) for _ in range(i)], draw.gauss(0, 1)) for _ in range(o)]
               for i, o in sizes]  # fmt: skip
    x = [0.5, -1.0, 2.0]
    scalars = [[([*map(Scalar, w)], Scalar(b)) for w, b in rows] for rows in numbers]
    result = network(scalars, x, Scalar.tanh, dot)
    result.backward()

    Ws = [Tensor([w for w, _ in rows]) for rows in numbers]
    bs = [Tensor([b for _, b in rows]) for rows in numbers]
    A = np.array(x)
    for layer, (W, b) in enumerate(zip(Ws, bs, strict=True)):
        Z = W @ A + b
        A = np.tanh(Z) if layer < 2 else Z
    value = np.sum(A)
    assert result.value == pytest.approx(float(value.value), rel=1e-14)
    dWs, dbs = backward(value, (Ws, bs))
    for rows, dW, db in zip(scalars, dWs, dbs, strict=True):
        assert [w.grad for ws, _ in rows for w in ws] == pytest.approx(dW.ravel(), rel=1e-12)
        assert [b.grad for _, b in rows] == pytest.approx(db, rel=1e-12)

    def plain(w, x, b):
        for weight, v in zip(w, x, strict=True):
            b = b + weight * v
        return b

    again = network(scalars, x, Scalar.tanh, plain)
    first = [w.grad for rows in scalars for ws, _ in rows for w in ws]
    again.backward()
    assert [w.grad for rows in scalars for ws, _ in rows for w in ws] == pytest.approx(first)


def test_backward_again_gives_the_same():
    x = Scalar(3.0)
    y = x * x + x.exp()
    y.backward()
    once = x.grad
    y.backward()
    assert x.grad == once == 6 + math.exp(3)


def test_another_backward_forgets_the_first():
    x = Scalar(2.0)
    square, cube = x**2, x**3
    square.backward()
    assert x.grad == 4.0
    cube.backward()
    assert x.grad == 12.0 and cube.grad == 1.0


def test_backward_from_the_middle_leaves_the_rest_alone():
    x = Scalar(2.0)
    middle = x * x
    end = middle * 10
    end.backward()
    middle.backward()
    assert (x.grad, middle.grad, end.grad) == (4.0, 1.0, 1.0)


def test_what_two_ways_reach_is_counted_by_both_and_once_complete():
    """A ladder of diamonds: a walk that visited a number once for each way would take 2**200."""
    x = Scalar(1.0)
    y = x
    for _ in range(200):
        y = y * 0.25 + y * 0.25
    y.backward()
    assert x.grad == 0.5**200


def test_a_number_made_early_and_used_late_waits():
    x = Scalar(3.0)
    late = x * 2
    y = (x * x).exp() * 0 + x
    z = y * late
    z.backward()
    assert z.value == 18.0 and x.grad == 12.0


def test_a_number_times_itself_and_a_leaf_alone():
    x = Scalar(5.0)
    (x * x * x).backward()
    assert x.grad == 75.0
    x.backward()
    assert x.grad == 1.0


def test_a_hundred_thousand_additions_need_no_recursion():
    x = Scalar(1.0)
    y = x
    for _ in range(100_000):
        y = y + x
    y.backward()
    assert y.value == 100_001.0 and x.grad == 100_001.0


@pytest.mark.parametrize(("power", "slope"), [(2, 0.0), (1, 1.0), (3.0, 0.0), (1.0, 1.0), (0, 0.0)])
def test_powers_at_zero(power, slope):
    x = Scalar(0.0)
    y = x**power
    y.backward()
    assert y.value == 0.0**power and x.grad == slope


def test_what_has_no_slope_at_zero_says_so():
    with pytest.raises(ZeroDivisionError):
        Scalar(0.0) ** 0.5
    with pytest.raises(ZeroDivisionError):
        1 / Scalar(0.0)


def test_relu_has_slope_0_at_0_and_below():
    for value in (-2.0, 0.0):
        x = Scalar(value)
        y = x.relu()
        y.backward()
        assert (y.value, x.grad) == (0.0, 0.0)


def test_a_power_must_be_a_number():
    with pytest.raises(TypeError, match="exp"):
        Scalar(2.0) ** Scalar(3.0)


@pytest.mark.parametrize("inputs", [[1.0], [1.0, 2.0, 3.0], [Scalar(1.0)], []])
def test_dot_refuses_unequal_lengths(inputs):
    with pytest.raises(ValueError, match=f"equally long, found 2 and {len(inputs)}"):
        dot([Scalar(1.0), Scalar(2.0)], inputs)


def test_dot_of_nothing_is_its_bias():
    assert dot([], []).value == 0.0
    b = Scalar(4.0)
    y = dot([], [], b)
    y.backward()
    assert (y.value, b.grad) == (4.0, 1.0)


def test_dot_keeps_its_slopes_when_the_caller_reuses_the_lists():
    w, x = [Scalar(2.0), Scalar(3.0)], [5.0, 7.0]
    y = dot(w, x)
    x[0] = 100.0
    w.reverse()
    y.backward()
    assert [v.grad for v in w] == [7.0, 5.0]


def test_a_graph_makes_no_reference_cycle():
    import gc

    gc.collect()
    gc.disable()
    try:
        x = Scalar(1.0)
        y = dot([x, x], [x, x]).exp() + x.tanh()
        y.backward()
        del x, y
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_it_shows_value_and_gradient():
    assert repr(Scalar(2.0)) == "Scalar(2.0, grad=0.0)"
