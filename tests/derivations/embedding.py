"""Embedding is a product with one-hot rows, and its adjoint the product with their transpose."""

import numpy as np
import sympy as sp

from nnbook.checking import Derivation, verify
from nnbook.checking.matrix import dimensions, pairing, times, transpose
from nnbook.functions import embedding_vjp

N, V, d = dimensions("N V d")
H, W, G = sp.MatrixSymbol("H", N, V), sp.MatrixSymbol("W", V, d), sp.MatrixSymbol("G", N, d)


def one_hot(rng, shape):
    return np.eye(shape[1])[rng.integers(0, shape[1], shape[0])]


def adjoint():
    D = Derivation("22.71", "Embedding: the table", sp.Derivative(pairing(G, H * W), W),
                   symbol=r"\bar{W}")
    D.step(sp.Derivative(sp.Trace(times(transpose(times(H.T, G)), W)), W), "the trace is cyclic")
    D.step(H.T * G, "$\\partial \\operatorname{tr}(C^\\top W)/\\partial W = C$")
    return [(D, verify(
        D, embedding_vjp, args=[G, H, W], sample={H: one_hot}, shapes=10, empty=False,
        call=lambda g, h, w: embedding_vjp(g, h.argmax(1), w)))]


DERIVATIONS = {"embedding_vjp": adjoint}
