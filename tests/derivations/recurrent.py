"""Backpropagation through time: one step for all shapes, and the sum over the steps."""

import functools

import numpy as np
import sympy as sp

from nnbook.checking import Derivation, verify
from nnbook.checking.matrix import dimensions, elementwise, ones, pairing
from nnbook.functions import rnn_cell_vjp, rnn_vjp

N, D, H = dimensions("N D H")
W_x, W_h, b = sp.MatrixSymbol("W_x", H, D), sp.MatrixSymbol("W_h", H, H), sp.MatrixSymbol("b", H, 1)
x, h, g = sp.MatrixSymbol("x", N, D), sp.MatrixSymbol("h", N, H), sp.MatrixSymbol("G", N, H)
z, zbar = sp.MatrixSymbol("z", N, H), sp.MatrixSymbol("zbar", N, H)
phi, t = sp.Function("phi", real=True), sp.Symbol("t", real=True)
slope = sp.Lambda(t, sp.Derivative(phi(t), t))
TANH = {phi: sp.Lambda(t, sp.tanh(t))}
FEW = {"let": TANH, "shapes": 1}


def layer(x, h):
    return x * W_x.T + h * W_h.T + ones(N) * b.T


@functools.cache
def through_the_activation():
    d = Derivation(
        "21.21",
        "Back through an activation",
        sp.Derivative(pairing(g, elementwise(phi, z)), z),
        symbol=r"\bar{z}",
    )
    d.step(sp.HadamardProduct(g, elementwise(slope, z)), "each entry meets its own cotangent")
    return d


@functools.cache
def one_step():
    back = through_the_activation()
    parts = [
        ("21.22", "The step's input", r"\bar{x}", x, zbar * W_x),
        ("21.23", "The state before", r"\bar{h}", h, zbar * W_h),
        ("21.24", "Weights of the input", r"\bar{W}_x", W_x, zbar.T * x),
        ("21.25", "Weights of the state", r"\bar{W}_h", W_h, zbar.T * h),
        ("21.26", "Biases", r"\bar{b}", b, zbar.T * ones(N)),
    ]
    pairs = [(back, None)]
    for output, (number, title, symbol, of, result) in enumerate(parts):
        d = Derivation(number, title, sp.Derivative(pairing(zbar, layer(x, h)), of), symbol=symbol)
        d.step(result, "only one term holds it")
        v = verify(
            d,
            rnn_cell_vjp,
            args=[g, x, h, W_x, W_h, b],
            output=output,
            where=[(z, layer(x, h)), (zbar, back, {g: g, z: z})],
            **FEW,
        )
        pairs.append((d, v))
    return pairs


def carried(u, h):
    """Return the pre-activations of a step whose input's part is u."""
    return u + h * W_h.T


u1, u2 = (sp.MatrixSymbol(f"u_{k}", N, H) for k in (1, 2))
h0, h1, z1, z2 = (sp.MatrixSymbol(s, N, H) for s in ("h_0", "h_1", "z_1", "z_2"))
e1, e2, bar1, bar2 = (sp.MatrixSymbol(s, N, H) for s in ("E_1", "E_2", "hbar_1", "hbar_2"))
FIRST = carried(u1, h0)
FORWARD = [(z1, FIRST), (h1, elementwise(phi, z1)), (z2, carried(u2, h1))]


def two_steps(u1, u2, h0, W_h, e1, e2):
    """Call rnn_vjp with the inputs' parts as they are, W_x = I and b = 0."""
    g, u = np.stack([e1, e2], axis=1), np.stack([u1, u2], axis=1)
    eye, none = np.eye(len(W_h), dtype=W_h.dtype), np.zeros(len(W_h), W_h.dtype)
    return rnn_vjp((g, None), u, eye, W_h, none, h0)


def held(d, output, where=()):
    return verify(
        d,
        rnn_vjp,
        args=[u1, u2, h0, W_h, e1, e2],
        output=output,
        call=two_steps,
        where=[*FORWARD, *where],
        **FEW,
    )


@functools.cache
def through_time():
    step = Derivation(
        "21.1",
        "Backpropagation through time",
        sp.Derivative(pairing(e1, h1) + pairing(bar2, elementwise(phi, carried(u2, h1))), h1),
        symbol=r"\bar{h}_1",
    )
    back = sp.HadamardProduct(bar2, elementwise(slope, carried(u2, h1)))
    step.step(e1 + back * W_h, "the output of the step, and the step that follows")
    start = Derivation(
        "21.27",
        "The state before the first step",
        sp.Derivative(pairing(bar1, elementwise(phi, carried(u1, h0))), h0),
        symbol=r"\bar{h}_0",
    )
    start.step(
        sp.HadamardProduct(bar1, elementwise(slope, carried(u1, h0))) * W_h, "it has no output"
    )
    # The same letter in both steps: with the states held fixed, each adds its own part.
    both = pairing(bar1, elementwise(phi, carried(u1, h0)))
    both += pairing(bar2, elementwise(phi, carried(u2, h1)))
    weights = Derivation(
        "21.2",
        "Gradient of the recurrent weights",
        sp.Derivative(both, W_h),
        symbol=r"\bar{W}_h",
    )
    one = sp.HadamardProduct(bar1, elementwise(slope, carried(u1, h0)))
    weights.step(one.T * h0 + back.T * h1, "each step adds its own")
    recursion = [(bar2, e2), (bar1, step, {})]
    return [
        (step, None),
        (start, held(start, 4, recursion)),
        (weights, held(weights, 2, recursion)),
        in_full(),
    ]


def in_full():
    """For one unit: what the recursion gives is the derivative of the whole."""
    w, a, p, q, e, f = sp.symbols("w h_0 u_1 u_2 e_1 e_2", real=True)
    h1, h2 = sp.symbols("h_1 h_2", real=True)
    let = {h1: sp.tanh(p + w * a), h2: sp.tanh(q + w * h1)}
    d = Derivation(
        "21.28", "One tanh unit, two steps, in full", sp.Derivative(e * h1 + f * h2, w), let=let
    )
    d.step(
        e * (1 - h1**2) * a + f * (1 - h2**2) * (h1 + w * (1 - h1**2) * a),
        "the second step holds w twice: in itself, and in the state that enters it",
    )
    d.step(
        (1 - h1**2) * (e + w * (1 - h2**2) * f) * a + (1 - h2**2) * f * h1,
        "in the order of the steps: the bracket is the recursion",
    )

    def gradient(w, a, p, q, e, f):
        one = np.ones((1, 1))
        out = two_steps(p * one, q * one, a * one, w * one, e * one, f * one)
        return out[2].item()

    v = verify(d, rnn_vjp, args=[w, a, p, q, e, f], call=gradient, points=60)
    return d, v


DERIVATIONS = {"rnn_cell_vjp": one_step, "rnn_vjp": through_time}
