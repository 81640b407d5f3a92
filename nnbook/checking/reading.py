"""Reading order: in which order a book sets factors and terms, and which it joins."""

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.matexpr import MatrixElement

BARE = {"sin", "cos", "tan", "sinh", "cosh", "tanh", "ln"}     # f x without brackets


def is_letter(e):
    """Tell whether an expression is one letter, perhaps with indices."""
    return isinstance(e, sp.Symbol | sp.Indexed | sp.MatrixSymbol | MatrixElement)


def letters(e):
    """Return the names of the indexed families in an expression."""
    return {b.args[0] for b in e.atoms(sp.IndexedBase)} if e.has(sp.IndexedBase) else set()


def roots(factors):
    """Write sqrt(2)/2 as 1/sqrt(2), and 1/sqrt(2) * 1/sqrt(pi) as 1/sqrt(2*pi)."""
    number = sp.Mul(*(f for f in factors if f.is_Rational))
    surds = [f for f in factors if f.is_Pow and f.exp == sp.S.Half and f.base.is_Integer]
    under = [f.base for f in factors if f.is_Pow and f.exp == -sp.S.Half and f.base.is_number]
    if len(surds) != 1 or number.q % surds[0].base:
        return factors
    inner = sp.Mul(surds[0].base, *under)
    rest = [f for f in factors if not f.is_Rational and f not in surds
            and not (f.is_Pow and f.exp == -sp.S.Half and f.base.is_number)]
    number *= surds[0].base
    return [*([number] if number != 1 or not rest else []), *rest,
            sp.Pow(inner, -sp.S.Half, evaluate=False)]


def negative(e):
    """Tell whether a term would be printed with a minus sign in front."""
    if isinstance(e, sp.MatMul):
        return bool(e.args[0].is_Rational and e.args[0] < 0)
    c = e.as_coeff_Mul()[0] if hasattr(e, "as_coeff_Mul") else e
    return bool(c.is_Rational and c < 0)


def size(e):
    """Count the leaves of an expression."""
    return sum(1 for node in sp.preorder_traversal(e) if not node.args)


def rank(f):
    """Order factors as a textbook does: numbers, letters, functions, sums in brackets."""
    if f.is_number and not f.is_NumberSymbol and not f.is_Add and f.func is not sp.log:
        place = 0 if f.is_Rational else 0.5
    elif f.is_NumberSymbol:
        place = 1
    elif f.is_Symbol or (f.is_Pow and f.base.is_Symbol) or isinstance(
            f, sp.Indexed | sp.matrices.expressions.matexpr.MatrixElement):
        place = 2
    elif isinstance(f, sp.Sum | sp.Derivative | sp.Integral):
        place = 6
    elif isinstance(f, sp.Add) or (f.is_Pow and isinstance(f.base, sp.Add)):
        place = 4
    elif isinstance(f, sp.KroneckerDelta):
        place = 5
    elif isinstance(f, AppliedUndef):
        place = 2.5
    elif f.func.__name__ in BARE | {"log"}:
        place = 4.5
    else:
        place = 3
    return place, sp.default_sort_key(f)
