"""One step of an LSTM, gate by gate, its weights for all shapes, and the path through the cells."""

import functools

import numpy as np
import sympy as sp

from nnbook.checking import Derivation, verify
from nnbook.checking.matrix import dimensions, elementwise, pairing
from nnbook.functions import lstm_cell_vjp, lstm_vjp

t = sp.Symbol("t", real=True)
sigma, phi = sp.Function("sigma", real=True), sp.Function("phi", real=True)
KNOWN = {sigma: sp.Lambda(t, 1 / (1 + sp.exp(-t))), phi: sp.Lambda(t, sp.tanh(t))}

# One unit: the pre-activations' parts of the inputs a, the old cell c, the cotangents η and γ.
a_i, a_f, a_g, a_o, c = UNIT = sp.symbols("a_i a_f a_g a_o c", real=True)
eta, gamma = sp.symbols("eta gamma", real=True)
p_i, p_f, p_o, beta = sp.symbols("p_i p_f p_o beta", real=True)
PEEPHOLES = (p_i, p_f, p_o)
i, f, g, o, new = sp.symbols("i f g o c_1", real=True)


GATES = {
    i: 1 / (1 + sp.exp(-a_i - p_i * c)),
    f: 1 / (1 + sp.exp(-a_f - p_f * c - beta)),
    g: sp.tanh(a_g),
    new: f * c + i * g,
    o: 1 / (1 + sp.exp(-a_o - p_o * new)),
}
OUT = eta * sp.tanh(new) * o * (1 - o)
THROUGH = gamma + eta * o * (1 - sp.tanh(new) ** 2) + p_o * OUT


def unit(a_i, a_f, a_g, a_o, c, eta, gamma, p_i, p_f, p_o):
    """Call the derivative for one unit whose four pre-activations are its inputs."""
    one, peepholes = np.ones((1, 1)), np.array([[p_i], [p_f], [p_o]])
    return lstm_cell_vjp(
        (eta * one, gamma * one),
        np.array([[a_i, a_f, a_g, a_o]]),
        0 * one,
        c * one,
        np.eye(4),
        np.zeros((4, 1)),
        np.zeros(4),
        peepholes,
        forget_bias=1.5,
    )


@functools.cache
def one_step():
    loss = eta * o * sp.tanh(new) + gamma * new
    parts = [
        ("21.31", "Output gate", a_o, OUT, lambda v: v[0][0, 3]),
        ("21.32", "Input gate", a_i, THROUGH * g * i * (1 - i), lambda v: v[0][0, 0]),
        ("21.33", "Forget gate", a_f, THROUGH * c * f * (1 - f), lambda v: v[0][0, 1]),
        ("21.34", "Candidate", a_g, THROUGH * i * (1 - g**2), lambda v: v[0][0, 2]),
        (
            "21.35",
            "The cell before",
            c,
            THROUGH * (f + p_f * c * f * (1 - f) + p_i * g * i * (1 - i)),
            lambda v: v[2][0, 0],
        ),
        (
            "21.36",
            "Peephole of the input gate",
            p_i,
            THROUGH * g * i * (1 - i) * c,
            lambda v: v[6][0, 0],
        ),
        ("21.38", "Peephole of the output gate", p_o, OUT * new, lambda v: v[6][2, 0]),
    ]
    pairs = []
    for number, title, of, result, entry in parts:
        d = Derivation(number, title, sp.Derivative(loss, of), let=GATES)
        d.step(result, "chain rule")
        v = verify(
            d,
            lstm_cell_vjp,
            args=[*UNIT, eta, gamma, *PEEPHOLES],
            fixed={beta: 1.5},
            points=40,
            call=lambda *values, entry=entry: entry(unit(*values)),
        )
        pairs.append((d, v))
    return pairs + weights()


N, H = dimensions("N H")
A_i, A_f, A_g, A_o, h, C, K = (sp.MatrixSymbol(s, N, H) for s in "A_i A_f A_g A_o h C K".split())
W_g = sp.MatrixSymbol("W_g", H, H)


def weights():
    """The candidate's weights, for all shapes; the other gates' stand in the same place."""
    gate = [elementwise(sigma, a) for a in (A_i, A_f)]
    inner = A_g + h * W_g.T
    cell = sp.HadamardProduct(gate[1], C) + sp.HadamardProduct(gate[0], elementwise(phi, inner))
    flat = elementwise(sp.Lambda(t, sp.Derivative(phi(t), t)), inner)
    back = sp.HadamardProduct(K, gate[0], flat)

    def call(A_i, A_f, A_g, A_o, h, C, W_g, K):
        rows = len(W_g)
        W_h = np.zeros((4 * rows, rows), W_g.dtype)
        W_h[2 * rows : 3 * rows] = W_g
        eye, none = np.eye(4 * rows, dtype=W_g.dtype), np.zeros(4 * rows, W_g.dtype)
        x = np.concatenate([A_i, A_f, A_g, A_o], axis=1)
        out = lstm_cell_vjp((None, K), x, h, C, eye, W_h, none)
        return out[4][2 * rows : 3 * rows]

    d = Derivation(
        "21.40",
        "Weights of the candidate",
        sp.Derivative(pairing(K, cell), W_g),
        symbol=r"\bar{W}_g",
    )
    d.step(back.T * h, "only the candidate holds it")
    v = verify(
        d, lstm_cell_vjp, args=[A_i, A_f, A_g, A_o, h, C, W_g, K], call=call, let=KNOWN, shapes=2
    )
    return [(d, v)]


def logistic(x):
    return 1 / (1 + sp.exp(-x))


@functools.cache
def through_time():
    u = sp.symbols("u_1:4", real=True)
    f1, f2, f3, a1, a2, a3, c0 = sp.symbols("f_1 f_2 f_3 a_1 a_2 a_3 c_0", real=True)
    gate = dict(zip((f1, f2, f3), map(logistic, u), strict=True))
    last = f3 * (f2 * (f1 * c0 + a1) + a2) + a3
    path = Derivation(
        "21.5",
        "The immediate path through three cells",
        sp.Derivative(last, c0),
        let=gate,
        given="the gates and the candidates $a_t$ held fixed",
    )
    path.step(sp.Derivative(f3 * f2 * f1 * c0, c0), "the rest does not hold it")
    path.step(f1 * f2 * f3, "a product of the forget gates")

    def cells(*u):
        x = np.zeros((1, 3, 4))
        x[0, :, 1] = u
        g = None, None, np.ones((1, 1))
        return lstm_vjp(g, x, np.eye(4), np.zeros((4, 1)), np.zeros(4), None, np.ones((1, 1)))[5]

    held = verify(path, lstm_vjp, args=list(u), call=lambda *u: cells(*u).item(), points=60)
    return [(path, held), both_paths()]


def both_paths():
    """Two steps with every gate half open: the cell is reached through the hidden state too."""
    w, b1, b2, c0, h0 = sp.symbols("w b_1 b_2 c_0 h_0", real=True)
    n1, n2, c1, s1 = sp.symbols("n_1 n_2 c_1 s_1", real=True)
    let = {
        n1: sp.tanh(b1 + w * h0), c1: (c0 + n1) / 2, s1: sp.tanh(c1),
        n2: sp.tanh(b2 + w * s1 / 2),
    }  # fmt: skip
    d = Derivation(
        "21.41", "Two steps, all gates half open", sp.Derivative((c1 + n2) / 2, h0), let=let
    )
    d.step(
        w * (1 - n1**2) / 4 + (1 - n2**2) / 2 * w / 2 * (1 - s1**2) * w * (1 - n1**2) / 2,
        "through the cell, and through the hidden state",
    )
    d.step((1 + (1 - n2**2) * w * (1 - s1**2) / 2) * w * (1 - n1**2) / 4, "as the loop goes back")

    def call(w, b1, b2, c0, h0):
        one, x, W_h = np.ones((1, 1)), np.zeros((1, 2, 4)), np.zeros((4, 1))
        x[0, :, 2], W_h[2] = (b1, b2), w
        g = None, None, one
        return lstm_vjp(g, x, np.eye(4), W_h, np.zeros(4), h0 * one, c0 * one)[4].item()

    v = verify(d, lstm_vjp, args=[w, b1, b2, c0, h0], call=call, points=60)
    return d, v


DERIVATIONS = {"lstm_cell_vjp": one_step, "lstm_vjp": through_time}
