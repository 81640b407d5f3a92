"""Attention's adjoints, one map at a time and composed, for all lengths; and those of the heads."""

import functools

import numpy as np
import sympy as sp

from nnbook.checking import Derivation, verify
from nnbook.checking.matrix import (
    RowSoftmax,
    dimensions,
    elementwise,
    ones,
    pairing,
    plus,
    times,
    transpose,
)
from nnbook.functions import attention_vjp, multi_head_attention_vjp

M = sp.MatrixSymbol
T, S, d, e = dimensions("T S d e")
Q, K, V, B = M("Q", T, d), M("K", S, d), M("V", S, e), M("M", T, S)
P, X, Z = M("P", T, S), M("X", T, S), M("S", T, S)
O_bar, P_bar, S_bar, X_bar = M("Obar", T, e), M("Pbar", T, S), M("Sbar", T, S), M("Xbar", T, S)
x, c = sp.Symbol("x", real=True), sp.Symbol("c", positive=True)
LET = {P: RowSoftmax(Z)}


def values():
    D = Derivation("22.21", "Attention: the values", sp.Derivative(pairing(O_bar, P * V), V),
                   symbol=r"\bar{V}")
    D.step(sp.Derivative(sp.Trace(times(transpose(times(P.T, O_bar)), V)), V),
           "the trace is cyclic")
    D.step(P.T * O_bar, "$\\partial \\operatorname{tr}(C^\\top V)/\\partial V = C$")
    return D


def weights():
    D = Derivation("22.22", "Attention: the weights", sp.Derivative(pairing(O_bar, P * V), P),
                   symbol=r"\bar{P}")
    D.step(sp.Derivative(sp.Trace(times(transpose(times(O_bar, V.T)), P)), P),
           "the trace is cyclic")
    D.step(O_bar * V.T, "$\\partial \\operatorname{tr}(C^\\top P)/\\partial P = C$")
    return D


def scores():
    D = Derivation("22.23", "Attention: the scores",
                   sp.Derivative(pairing(P_bar, RowSoftmax(Z)), Z), let=LET, symbol=r"\bar{S}")
    rows = times(sp.HadamardProduct(P_bar, P), ones(S, S))
    D.step(plus(sp.HadamardProduct(P, P_bar), -sp.HadamardProduct(P, rows)),
           "$\\partial P_{ij}/\\partial S_{ik} = P_{ij}(\\delta_{jk} - P_{ik})$")
    D.step(sp.HadamardProduct(P, plus(P_bar, -rows)), "take out $P$")
    return D


def capped():
    tanh, slope = (sp.Lambda(x, f) for f in (c * sp.tanh(x / c), 1 - sp.tanh(x / c) ** 2))
    D = Derivation("22.24", "A soft cap", sp.Derivative(pairing(S_bar, elementwise(tanh, X)), X),
                   symbol=r"\bar{X}")
    D.step(sp.HadamardProduct(S_bar, elementwise(slope, X)), "the cap acts entry by entry")
    D.step(sp.HadamardProduct(S_bar, elementwise(sp.Lambda(x, sp.cosh(x / c) ** -2), X)),
           "$1 - \\tanh^2 = 1/\\cosh^2$")
    return D


def queries_and_keys():
    found = []
    product = times(1 / sp.sqrt(d), Q, K.T)
    for number, name, of, gradient in (
        ("22.25", "queries", Q, times(1 / sp.sqrt(d), X_bar, K)),
        ("22.26", "keys", K, times(1 / sp.sqrt(d), X_bar.T, Q)),
    ):
        D = Derivation(number, f"Attention: the {name}",
                       sp.Derivative(pairing(X_bar, product), of), symbol=rf"\bar{{{of.name}}}")
        D.step(sp.Derivative(sp.Trace(times(transpose(gradient), of)), of), "the trace is cyclic")
        D.step(gradient, f"$\\partial \\operatorname{{tr}}(C^\\top {of.name})/\\partial {of.name}"
                         " = C$")
        found.append(D)
    return found


def masks():
    D = Derivation("22.27", "Attention: an additive mask",
                   sp.Derivative(pairing(S_bar, plus(X, B)), B), symbol=r"\bar{M}")
    D.step(sp.Derivative(pairing(S_bar, B), B), "only the second term holds $M$")
    D.step(S_bar, "$\\partial \\operatorname{tr}(C^\\top M)/\\partial M = C$")
    return D


def composed():
    """Return the whole way from O to Q, in one derivation of symbolic entries."""
    t, s, f = 2, 3, 2
    names = {"q": (t, f), "k": (s, f), "v": (s, 1), "o": (t, 1)}
    q, k, v, o = (
        sp.ImmutableMatrix(*shape, lambda i, j, n=n: sp.Symbol(f"{n}{i + 1}{j + 1}", real=True))
        for n, shape in names.items()
    )
    logits = q * k.T / sp.sqrt(f)
    p = sp.ImmutableMatrix(t, s, lambda i, j: sp.exp(logits[i, j])
                           / sum(sp.exp(logits[i, m]) for m in range(s)))
    p_bar = o * v.T
    s_bar = sp.ImmutableMatrix(t, s, lambda i, j: p[i, j] * (
        p_bar[i, j] - sum(p_bar[i, m] * p[i, m] for m in range(s))))
    loss = sum(o[i, 0] * sum(p[i, j] * v[j, 0] for j in range(s)) for i in range(t))
    by_rule = sp.ImmutableMatrix(t, f, lambda i, a: sum(
        s_bar[i, j] * k[j, a] for j in range(s)) / sp.sqrt(f))
    D = Derivation("22.28", "Attention: all at once",
                   sp.ImmutableMatrix(t, f, lambda i, a: sp.Derivative(loss, q[i, a])),
                   domain={entry: sp.Interval(-2, 2) for x in (q, k, v, o) for entry in x},
                   symbol=r"\bar{Q}")
    by_weights = sp.ImmutableMatrix(t, f, lambda i, a: sum(
        p_bar[i, j] * p[i, j] * (k[j, a] - sum(p[i, m] * k[m, a] for m in range(s)))
        for j in range(s)) / sp.sqrt(f))
    D.step(by_weights, "each weight's slope in a query")
    D.step(by_rule, "(22.22), (22.23) and (22.25), one after the other")
    return D, (o, q, k, v)


@functools.cache  # built once for the two tests that read it
def attention_adjoints():
    V_eq, P_eq, S_eq, cap_eq, M_eq = values(), weights(), scores(), capped(), masks()
    Q_eq, K_eq = queries_and_keys()
    product = times(1 / sp.sqrt(d), Q, K.T)
    way = [(X, product), (Z, X), (P, RowSoftmax(Z)), (P_bar, P_eq), (S_bar, S_eq), (X_bar, S_bar)]
    plain = {"args": [O_bar, Q, K, V], "shapes": 1, "empty": False}
    cap = sp.Rational(3, 2)
    with_cap = [(X, product), (Z, plus(elementwise(sp.Lambda(x, cap * sp.tanh(x / cap)), X), B)),
                *way[2:5], (X_bar, cap_eq.rhs.xreplace({c: cap}))]
    masked = {"args": [O_bar, Q, K, V, B], "shapes": 1, "empty": False,
              "call": lambda g, q, k, v, b: attention_vjp(g, q, k, v, b, soft_cap=1.5)}
    pairs = [
        (V_eq, verify(V_eq, attention_vjp, output=2, where=way[:3], **plain)),
        (P_eq, None),
        (S_eq, None),
        (cap_eq, verify(Q_eq, attention_vjp, output=0, where=with_cap, **masked)),
        (Q_eq, verify(Q_eq, attention_vjp, output=0, where=way, **plain)),
        (K_eq, verify(K_eq, attention_vjp, output=1, where=way, **plain)),
        (M_eq, verify(M_eq, attention_vjp, output=3, where=with_cap[:5], **masked)),
    ]
    whole, args = composed()
    pairs.append((whole, verify(
        whole, attention_vjp, args=args, output=0, shapes=3,
        call=lambda o, q, k, v: attention_vjp(o[:, np.newaxis], q, k, v[:, np.newaxis]))))
    return pairs


# ------------------------------------------------------------------ several heads

m, o = dimensions("m n")
U, G = M("X", T, m), M("G", T, o)


def head(name):
    """Return a head's weights, and the equations from the sequence to its gradients, in order."""
    q, k, v, w = M(f"W_q{name}", d, m), M(f"W_k{name}", d, m), M(f"W_v{name}", e, m), M(
        f"W_o{name}", o, e)
    Qh, Kh, Vh = M(f"Q{name}", T, d), M(f"K{name}", T, d), M(f"V{name}", T, e)
    Ph, Oh, Ob = M(f"P{name}", T, T), M(f"O{name}", T, e), M(f"Obar{name}", T, e)
    Pb, Sb = M(f"Pbar{name}", T, T), M(f"Sbar{name}", T, T)
    Qb, Kb, Vb = M(f"Qbar{name}", T, d), M(f"Kbar{name}", T, d), M(f"Vbar{name}", T, e)
    rows = times(sp.HadamardProduct(Pb, Ph), ones(T, T))
    way = [
        (Qh, U * q.T), (Kh, U * k.T), (Vh, U * v.T),
        (Ph, RowSoftmax(times(1 / sp.sqrt(d), Qh, Kh.T))), (Oh, Ph * Vh), (Ob, G * w),
        (Vb, Ph.T * Ob), (Pb, Ob * Vh.T), (Sb, sp.HadamardProduct(Ph, plus(Pb, -rows))),
        (Qb, times(1 / sp.sqrt(d), Sb, Kh)), (Kb, times(1 / sp.sqrt(d), Sb.T, Qh)),
    ]
    return (q, k, v, w), way, (Oh, Qb, Kb, Vb)


@functools.cache
def heads_adjoints():
    (q, k, v, w), way, (O1, Qb, Kb, Vb) = head("1")
    (q2, k2, v2, w2), way2, (O2, Qb2, _, _) = head("2")

    D = Derivation("22.31", "A sequence that three maps read",
                   sp.Derivative(pairing(Qb, U * q.T) + pairing(Kb, U * k.T)
                                 + pairing(Vb, U * v.T), U), symbol=r"\bar{X}")
    D.step(plus(*(sp.Derivative(pairing(b, U * a.T), U) for b, a in ((Qb, q), (Kb, k), (Vb, v)))),
           "one derivative for each map")
    D.step(plus(Qb * q, Kb * k, Vb * v),
           "$\\partial \\operatorname{tr}(G^\\top X W^\\top)/\\partial X = G W$")
    small = {"shapes": 1, "empty": False}
    pairs = [(D, verify(D, multi_head_attention_vjp, args=[G, U, q, k, v, w], where=way, output=0,
                        call=lambda g, x, *W: multi_head_attention_vjp(
                            g, x, None, None, *W, heads=1), **small))]

    def together(g, x, q, k, v, w, q2, k2, v2, w2):
        pairs = (np.vstack(pair) for pair in ((q, q2), (k, k2), (v, v2)))
        return multi_head_attention_vjp(g, x, None, None, *pairs, np.hstack([w, w2]), heads=2)

    args = [G, U, q, k, v, w, q2, k2, v2, w2]
    both = times(O1, w.T), times(O2, w2.T)
    D = Derivation("22.32", "Two heads: the output's weights",
                   sp.Derivative(pairing(G, plus(*both)), w2), symbol=r"\bar{W}_{o,2}")
    D.step(sp.Derivative(pairing(G, both[1]), w2), "the other head does not hold them")
    D.step(G.T * O2, "$\\partial \\operatorname{tr}(G^\\top O W^\\top)/\\partial W = G^\\top O$")
    pairs.append((D, verify(D, multi_head_attention_vjp, args=args, where=way2, **small,
                            call=lambda *x: together(*x)[6][:, x[5].shape[1]:])))
    D = Derivation("22.33", "Two heads: the queries' weights",
                   sp.Derivative(pairing(Qb, U * q.T) + pairing(Qb2, U * q2.T), q2),
                   symbol=r"\bar{W}_{q,2}")
    D.step(sp.Derivative(pairing(Qb2, U * q2.T), q2), "the other head does not hold them")
    D.step(Qb2.T * U, "$\\partial \\operatorname{tr}(G^\\top X W^\\top)/\\partial W = G^\\top X$")
    pairs.append((D, verify(D, multi_head_attention_vjp, args=args, where=way2, **small,
                            call=lambda *x: together(*x)[3][len(x[2]):])))
    return pairs


DERIVATIONS = {
    "attention_vjp": attention_adjoints,
    "multi_head_attention_vjp": heads_adjoints,
}
