"""Corners: places where a derivative is written and there is none."""

import mpmath
import sympy as sp

from nnbook.checking.sampling import (
    CannotEvaluate,
    Evaluator,
    inside,
    kinks_of,
    on_edges,
    points,
)


def without_slope(expression, symbols, domains, number):
    """Return a point and the slopes on its two sides, where a derivative is written of a corner.

    Returns
    -------
    None or (dict of Symbol to number, left slope, right slope)
    """
    for node in sorted(expression.atoms(sp.Derivative), key=sp.default_sort_key):
        inner, x = node.expr, node.variables[0]
        if len(node.variables) > 1 or x not in symbols or not inner.free_symbols <= set(symbols):
            continue
        kinks = [{x: root} for s, root in kinks_of(inner) if s == x]
        others = [p for p in on_edges([inner], symbols, domains, number)]
        base = next(points(symbols, domains, number))
        side = Evaluator(inner, symbols)
        for at in [{**base, **k} for k in kinks] + others:
            step = sp.Rational(1, 10**30)
            around = [{**at, x: at[x] + k * step} for k in (-1, 0, 1)]
            if not all(inside(p[x], domains[x]) for p in around):
                continue
            try:
                low, here, high = (side.at(p, 120) for p in around)
            except CannotEvaluate:
                continue
            left, right = (here - low) * 10**30, (high - here) * 10**30
            if abs(left - right) > mpmath.mpf(10) ** -20 * (1 + abs(left) + abs(right)):
                return {s: at[s] for s in sorted(inner.free_symbols, key=str)}, left, right
    return None
