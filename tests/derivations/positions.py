"""Positions: a shift is a rotation, a score sees differences only, and a rotation's adjoint."""

import functools

import numpy as np
import sympy as sp

from nnbook.checking import Derivation, verify
from nnbook.functions import rotary, rotary_vjp

t, k, omega = sp.symbols("t k omega", real=True)
m, n, a = sp.symbols("m n a", real=True)
q1, q2, k1, k2, g1, g2, x1, x2 = sp.symbols("q1 q2 k1 k2 g1 g2 x1 x2", real=True)
sin, cos = sp.sin, sp.cos
POSITIONS = sp.Interval(-10**6, 10**6)


def shift_of_sinusoids():
    """Return the two rows of PE(t + k) = R(k) PE(t)."""
    rows = []
    for number, name, f, row in (
        ("22.5", "sine", sin, (cos(omega * k), sin(omega * k))),
        ("22.51", "cosine", cos, (-sin(omega * k), cos(omega * k))),
    ):
        D = Derivation(number, f"A shift of sinusoids is a rotation: the {name}",
                       f(omega * (t + k)))
        D.step(f(omega * t + omega * k), "the angle of a sum of positions")
        D.step(row[0] * sin(omega * t) + row[1] * cos(omega * t), "addition theorem")
        rows.append((D, None))
    return rows


def turned(x, y, angle):
    return x * cos(angle) - y * sin(angle), x * sin(angle) + y * cos(angle)


def differences_only():
    (u1, u2), (v1, v2) = turned(q1, q2, m), turned(k1, k2, n)
    w1, w2 = turned(k1, k2, n - m)
    D = Derivation("22.6", "Rotary scores see differences only", u1 * v1 + u2 * v2)
    same = cos(m) * cos(n) + sin(m) * sin(n)
    other = cos(m) * sin(n) - sin(m) * cos(n)
    D.step((q1 * k1 + q2 * k2) * same + (q2 * k1 - q1 * k2) * other, "multiply out and collect")
    D.step((q1 * k1 + q2 * k2) * cos(n - m) + (q2 * k1 - q1 * k2) * sin(n - m),
           "addition theorems")
    D.step(q1 * w1 + q2 * w2, "the key turned by the difference alone")

    def score(q1, q2, k1, k2, m, n):
        return float((rotary([[q1, q2]], [m]) @ rotary([[k1, k2]], [n]).T)[0, 0])

    half = sp.Interval(1, 2)
    return D, verify(
        D, rotary, args=[q1, q2, k1, k2, m, n], call=score, points=300,
        domain={q1: half, q2: half, k1: half, k2: half, m: sp.Interval(-9, 9),
                n: sp.Interval(-9, 9)},
        because="an entry far below the others leaves one product, whose cosine may be near 0",
    )


def adjoint_of_a_rotation():
    y1, y2 = turned(x1, x2, a)
    back = [f(-a, evaluate=False) for f in (cos, sin)]
    pairs = []
    for number, x, at, by_angle in (
        ("22.61", x1, 0, g1 * back[0] - g2 * back[1]),
        ("22.62", x2, 1, g1 * back[1] + g2 * back[0]),
    ):
        D = Derivation(number, f"The adjoint of a rotation: entry {at + 1}",
                       sp.Derivative(g1 * y1 + g2 * y2, x))
        D.step((g1 * cos(a) + g2 * sin(a), g2 * cos(a) - g1 * sin(a))[at], "a column of $R(a)$")
        D.step(by_angle, "a row of $R(-a)$: turn back")
        pairs.append((D, verify(
            D, rotary_vjp, args=[g1, g2, a], points=300,
            call=lambda g1, g2, a, at=at: float(
                rotary_vjp(np.array([[g1, g2]]), np.zeros((1, 2)), [a])[0, at]),
            domain={a: POSITIONS}, because="positions are counted from 0, and 10⁶ is far",
        )))
    return pairs


@functools.cache  # built once for the two tests that read it
def rotary_adjoint():
    return [*shift_of_sinusoids(), differences_only(), *adjoint_of_a_rotation()]


DERIVATIONS = {"rotary_vjp": rotary_adjoint}
