"""Differentiation number by number, beside micrograd on its own demonstration.

A 2-16-16-1 network, a hundred points of two moons, hinge loss and a little decay; the value and
all derivatives. Micrograd's nodes hold closures that refer back to them, and most of its time goes
to Python's collector of such circles; so both settings are given.
"""

import gc
import random

from benchmarks.harness import Candidate, Row
from benchmarks.rows.autodiff import moons

DECAY = 1e-4


def points():
    """Return the points as lists of floats, and their classes as −1 and 1."""
    X, y = moons()
    return X.tolist(), [2 * t - 1 for [t] in y.tolist()]


def layers():
    """Return weights and biases as lists of floats, by layer and neuron."""
    draw = random.Random(1)
    return [
        [([draw.uniform(-1, 1) for _ in range(n_in)], 0.0) for _ in range(n_out)]
        for n_in, n_out in ((2, 16), (16, 16), (16, 1))
    ]


def total(scores, signs, parameters):
    """Return the loss, of whichever kind of number."""
    losses = [(1 + -sign * score).relu() for sign, score in zip(signs, scores, strict=True)]
    loss = sum(losses) * (1 / len(losses))
    return loss + DECAY * sum(p * p for p in parameters)


def with_collector(on, make):
    """Return a candidate's maker that switches the collector on or off first."""

    def made():
        run = make()
        gc.enable() if on else gc.disable()
        return run

    return made


def micrograd():
    """Let micrograd's own MLP do it."""
    from micrograd.engine import Value
    from micrograd.nn import MLP

    net, (X, signs) = MLP(2, [16, 16, 1]), points()
    for layer, given in zip(net.layers, layers(), strict=True):
        for neuron, (w, b) in zip(layer.neurons, given, strict=True):
            neuron.b.data = b
            for value, number in zip(neuron.w, w, strict=True):
                value.data = number

    def run():
        loss = total([net([*map(Value, x)]) for x in X], signs, net.parameters())
        net.zero_grad()
        loss.backward()
        return loss.data

    return run


def nnbook(neuron):
    """Let nnbook's scalars do it, with a given neuron."""
    from nnbook.learning.scalar import Scalar

    X, signs = points()
    net = [[([*map(Scalar, w)], Scalar(b)) for w, b in layer] for layer in layers()]
    parameters = [p for layer in net for w, b in layer for p in (*w, b)]

    def answer(x):
        *hidden, [(w, b)] = net
        for layer in hidden:
            x = [neuron(v, x, c).relu() for v, c in layer]
        return neuron(w, x, b)

    def run():
        loss = total([answer(x) for x in X], signs, parameters)
        loss.backward()
        return loss.value

    return run


def fused():
    """Write a neuron as ``dot``: one number for the whole sum."""
    from nnbook.learning.scalar import dot

    return nnbook(dot)


def plain():
    """Write a neuron with + and * alone, as micrograd has to."""

    def neuron(w, x, b):
        for weight, value in zip(w, x, strict=True):
            b = b + weight * value
        return b

    return nnbook(neuron)


def row(name, title, neuron, on, asked):
    """Return the row of one way to write a neuron."""
    setting = "on" if on else "off"
    return Row(
        f"{name}-gc-{setting}",
        f"{title}, garbage collector {setting}",
        {
            "nnbook": Candidate(with_collector(on, neuron)),
            "micrograd": Candidate(with_collector(on, micrograd), "micrograd"),
        },
        asked,
        rtol=1e-9,
    )


ROWS = [
    row("scalar-dot", "Scalar autodiff, neurons by dot", fused, True, {"micrograd": 20}),
    row("scalar-plain", "Scalar autodiff, neurons by + and *", plain, True, {}),
    row("scalar-dot", "Scalar autodiff, neurons by dot", fused, False, {}),
    row("scalar-plain", "Scalar autodiff, neurons by + and *", plain, False, {}),
]
