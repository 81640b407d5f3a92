"""The Rayleigh quotient's gradients for any size, and the singular values of a 2 by 2 matrix."""

import sympy as sp

from nnbook.checking import Derivation, verify
from nnbook.functions import rayleigh_quotient_vjp, svd_2x2

a11, a12, a21, a22, x1, x2, g = sp.symbols("a11 a12 a21 a22 x1 x2 g", real=True)
R = sp.Symbol("R", real=True)
FORM = a11 * x1**2 + (a12 + a21) * x1 * x2 + a22 * x2**2
SQUARE = x1**2 + x2**2
ARGS = [g, a11, a12, a21, a22, x1, x2]
AWAY = "$x \\ne 0$"


def quotient():
    """Two entries, A not symmetric."""
    D = Derivation(
        "2.6",
        "Gradient of the Rayleigh quotient",
        sp.Derivative(g * FORM / SQUARE, x1),
        let={R: FORM / SQUARE},
        given=AWAY,
    )
    D.step(
        g * (2 * a11 * x1 + (a12 + a21) * x2) / SQUARE - 2 * g * x1 * FORM / SQUARE**2,
        "quotient rule",
    )
    D.step(
        g * ((a11 * x1 + a12 * x2) + (a11 * x1 + a21 * x2) - 2 * R * x1) / SQUARE,
        "the first entries of $Ax$, $A^\\top x$ and $Rx$",
    )

    def call(g, a, b, c, d, x, y):
        return rayleigh_quotient_vjp(g, [[a, b], [c, d]], [x, y])

    options = {"args": ARGS, "points": 300}
    pairs = [
        (D, verify(D, rayleigh_quotient_vjp, **options, call=lambda *t: float(call(*t)[1][0])))
    ]
    D = Derivation(
        "2.21",
        "The Rayleigh quotient's gradient in the matrix",
        sp.Derivative(g * FORM / SQUARE, a12),
        given=AWAY,
    )
    D.step(g * sp.Derivative(a12 * x1 * x2, a12) / SQUARE, "one term holds it")
    D.step(g * x1 * x2 / SQUARE, "an entry of $x x^\\top$")
    pairs.append(
        (
            D,
            verify(
                D,
                rayleigh_quotient_vjp,
                args=[g, x1, x2],
                points=300,
                call=lambda g, x, y: float(call(g, 1, 2, 3, 4, x, y)[0][0, 1]),
            ),
        )
    )
    return pairs + two_by_two()


def two_by_two():
    """σ₁ ± σ₂ are lengths: their squares have the sum and product that a Gram matrix asks for."""
    a, b, c, d = sp.symbols("a b c d", real=True)
    plus, minus = (a + d) ** 2 + (b - c) ** 2, (a - d) ** 2 + (b + c) ** 2
    D = Derivation(
        "2.22",
        "Determinant: product of the singular values",
        (sp.sqrt(plus) + sp.sqrt(minus)) / 2 * (sp.sqrt(plus) - sp.sqrt(minus)) / 2,
    )
    D.step((plus - minus) / 4, "difference of squares")
    D.step(a * d - b * c, "the determinant")
    F = Derivation(
        "2.23",
        "Frobenius norm: squares of the singular values",
        ((sp.sqrt(plus) + sp.sqrt(minus)) / 2) ** 2 + ((sp.sqrt(plus) - sp.sqrt(minus)) / 2) ** 2,
    )
    F.step((plus + minus) / 2, "the mixed products cancel")
    F.step(a**2 + b**2 + c**2 + d**2, "the trace of $A^\\top A$")
    square = a**2 + b**2 + c**2 + d**2
    first = Derivation(
        "2.24",
        "The larger singular value",
        sp.sqrt(square / 2 + sp.sqrt(square**2 - 4 * (a * d - b * c) ** 2) / 2),
    )
    first.step(
        sp.sqrt((plus + minus + 2 * sp.sqrt(plus * minus)) / 4),
        "$\\lVert A\\rVert^2 \\pm 2\\det A$ are the two squares",
    )
    first.step((sp.sqrt(plus) + sp.sqrt(minus)) / 2, "the square of a sum of two lengths")
    held = verify(
        first,
        svd_2x2,
        args=[a, b, c, d],
        points=300,
        call=lambda a, b, c, d: float(svd_2x2([[a, b], [c, d]]).s[0]),
    )
    return [(D, None), (F, None), (first, held)]


DERIVATIONS = {"rayleigh_quotient_vjp": quotient}
