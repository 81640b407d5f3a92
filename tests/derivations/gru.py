"""One step of a GRU with the reset gate in either place, and two steps back."""

import functools

import numpy as np
import sympy as sp

from nnbook.checking import Derivation, verify
from nnbook.checking.matrix import dimensions, elementwise, pairing
from nnbook.functions import gru_cell_vjp, gru_vjp

t = sp.Symbol("t", real=True)
a_r, a_z, a_n, h, w, b, eta = ONE = sp.symbols("a_r a_z a_n h w b_n eta", real=True)
r, z, n, rest = sp.symbols("r z n v", real=True)


def logistic(x):
    return 1 / (1 + sp.exp(-x))


def gates(reset):
    """Return what the gates of one unit stand for; v is 1 - z, as the code computes it."""
    inner = w * r * h if reset == "before" else r * (w * h + b)
    return {r: logistic(a_r), z: logistic(a_z), rest: logistic(-a_z), n: sp.tanh(a_n + inner)}


def unit(reset):
    """Return a call of the derivative for one unit whose pre-activations are its inputs."""

    def call(a_r, a_z, a_n, h, w, b, eta):
        one, W_h = np.ones((1, 1)), np.array([[0.0], [0.0], [w]])
        b_n = None if reset == "before" else np.array([b])
        return gru_cell_vjp(
            eta * one, np.array([[a_r, a_z, a_n]]), h * one, np.eye(3), W_h, np.zeros(3), b_n, reset
        )

    return call


@functools.cache
def one_step():
    new = rest * n + z * h
    flat = eta * rest * (1 - n**2)
    update = eta * (h - n) * z * rest
    before = [
        ("21.51", "Candidate", a_n, flat, lambda v: v[0][0, 2]),
        ("21.52", "Update gate", a_z, update, lambda v: v[0][0, 1]),
        ("21.53", "Reset gate", a_r, flat * w * h * r * (1 - r), lambda v: v[0][0, 0]),
        ("21.54", "State before", h, eta * z + flat * w * r, lambda v: v[1][0, 0]),
    ]
    after = [
        (
            "21.63",
            "Reset gate, reset after",
            a_r,
            flat * (w * h + b) * r * (1 - r),
            lambda v: v[0][0, 0],
        ),
        ("21.64", "State before, reset after", h, eta * z + flat * r * w, lambda v: v[1][0, 0]),
        ("21.66", "The bias inside", b, flat * r, lambda v: v[5][0]),
    ]
    pairs = []
    for reset, parts in (("before", before), ("after", after)):
        let, call = gates(reset), unit(reset)
        for number, title, of, result, entry in parts:
            d = Derivation(number, title, sp.Derivative(eta * new, of), let=let)
            d.step(result, "chain rule")
            v = verify(
                d,
                gru_cell_vjp,
                args=list(ONE),
                points=40,
                call=lambda *values, entry=entry, call=call: entry(call(*values)),
            )
            pairs.append((d, v))
    return pairs + weights()


N, H = dimensions("N H")
R, Z, X, S, G = (sp.MatrixSymbol(s, N, H) for s in "R Z X h G".split())
W = sp.MatrixSymbol("W", H, H)
sigma, phi = sp.Function("sigma", real=True), sp.Function("phi", real=True)
KNOWN = {sigma: sp.Lambda(t, logistic(t)), phi: sp.Lambda(t, sp.tanh(t))}


def weights():
    """The candidate's weights and the state, for all shapes: where r stands in the product."""
    gate, update, shut = (sp.MatrixSymbol(s, N, H) for s in "rzv")
    gates = [
        (gate, elementwise(sigma, R)), (update, elementwise(sigma, Z)),
        (shut, elementwise(sigma, -Z)),
    ]  # fmt: skip
    slope = sp.Lambda(t, sp.Derivative(phi(t), t))

    def call(reset):
        def run(R, Z, X, S, W, G):
            rows = len(W)
            W_h = np.zeros((3 * rows, rows), W.dtype)
            W_h[2 * rows :] = W
            eye, none = np.eye(3 * rows, dtype=W.dtype), np.zeros(3 * rows, W.dtype)
            x = np.concatenate([R, Z, X], axis=1)
            out = gru_cell_vjp(G, x, S, eye, W_h, none, reset=reset)
            return out[1], out[3][2 * rows :]

        return run

    def rows_of(reset):
        held = sp.HadamardProduct(gate, S)
        if reset == "before":
            inner = X + held * W.T
        else:
            inner = X + sp.HadamardProduct(gate, S * W.T)
        new = sp.HadamardProduct(shut, elementwise(phi, inner)) + sp.HadamardProduct(update, S)
        back = sp.HadamardProduct(G, shut, elementwise(slope, inner))
        kept = sp.HadamardProduct(G, update)
        if reset == "before":
            return new, kept + sp.HadamardProduct(back * W, gate), back.T * held
        reset_back = sp.HadamardProduct(back, gate)
        return new, kept + reset_back * W, reset_back.T * S

    pairs = []
    for number, title, reset, output, of in (
        ("21.56", "The state, reset before", "before", 0, S),
        ("21.68", "Weights of the candidate, reset after", "after", 1, W),
    ):
        new, *results = rows_of(reset)
        d = Derivation(number, title, sp.Derivative(pairing(G, new), of))
        d.step(results[output], "product rule" if of is S else "chain rule")
        v = verify(
            d,
            gru_cell_vjp,
            args=[R, Z, X, S, W, G],
            output=output,
            call=call(reset),
            let=KNOWN,
            where=gates,
            shapes=6,
        )
        pairs.append((d, v))
    return pairs


@functools.cache
def through_time():
    """Two steps with update and reset gates half open."""
    pairs = []
    u, a1, a2, h0, e1, e2 = sp.symbols("w a_1 a_2 h_0 e_1 e_2", real=True)
    n1, n2, h1 = sp.symbols("n_1 n_2 h_1", real=True)
    let = {n1: sp.tanh(a1 + u * h0 / 2), h1: (n1 + h0) / 2, n2: sp.tanh(a2 + u * h1 / 2)}
    for number, reset in (("21.71", "before"), ("21.72", "after")):
        d = Derivation(
            number,
            f"Two steps with half-open gates, reset {reset}",
            sp.Derivative(e1 * h1 + e2 * (n2 + h1) / 2, h0),
            let=let,
        )
        one, two = (1 + (1 - n1**2) * u / 2) / 2, (1 + (1 - n2**2) * u / 2) / 2
        d.step(e1 * one + e2 * two * one, "each step's slope")
        d.step((e1 + two * e2) * one, "the bracket is the recursion")

        def call(u, a1, a2, h0, e1, e2, reset=reset):
            x, W_h = np.zeros((1, 2, 3)), np.zeros((3, 1))
            x[0, :, 2], W_h[2] = (a1, a2), u
            g = np.array([[[e1], [e2]]]), None
            start = np.full((1, 1), h0)
            return gru_vjp(g, x, np.eye(3), W_h, np.zeros(3), start, reset=reset)[4].item()

        v = verify(d, gru_vjp, args=[u, a1, a2, h0, e1, e2], call=call, points=60)
        pairs.append((d, v))
    return pairs


DERIVATIONS = {"gru_cell_vjp": one_step, "gru_vjp": through_time}
