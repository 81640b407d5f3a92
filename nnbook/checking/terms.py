r"""Terms: the size that rounding errors are measured against where a result may cancel.

A sum of products, computed in any order, is off by at most about ε √n Σ|terms|, and no better: a
result near zero has no correct digits to keep. Σ|terms| is the expression with every term made
positive.
"""

import sympy as sp


def terms(expr, *, deep=True):
    """Return Σ|terms| of an expression, itself an expression.

    Parameters
    ----------
    expr : sympy.Expr
        A real scalar expression.
    deep : bool
        Let the terms inside functions count as well: f(u) contributes |f(u)| and, because u
        comes with an error of its own, |f'(u)| Σ|terms of u|. Otherwise f(u) contributes |f(u)|.

    Returns
    -------
    total : sympy.Expr
        Not negative; at least |expr|.

    Examples
    --------
    >>> x, y = sp.symbols("x y", real=True)
    >>> terms(x * y - 3 * y)
    Abs(x*y) + 3*Abs(y)
    """
    return _Terms(deep).of(sp.sympify(expr))


class _Terms:
    def __init__(self, deep):
        self.deep, self.known = deep, {}

    def of(self, e):
        if e not in self.known:
            self.known[e] = self._of(e)
        return self.known[e]

    def _of(self, e):
        if e.is_Add:
            return sp.Add(*[self.of(part) for part in _grouped(e)])
        if e.is_Mul:
            return sp.Mul(*[self.of(part) for part in e.args])
        if e.is_Pow and e.base is not sp.E and e.exp.is_Integer and e.exp > 0:
            return self.of(e.base)**e.exp
        if isinstance(e, sp.Abs):
            return self.of(e.args[0])
        if isinstance(e, sp.Max | sp.Min):
            return sp.Max(*[self.of(part) for part in e.args])
        if not self.deep or not e.args or isinstance(e, sp.Heaviside | sp.sign | sp.Indexed) \
                or not e.free_symbols or not isinstance(e, sp.Function | sp.Pow | sp.Piecewise):
            return sp.Abs(e)
        if isinstance(e, sp.Piecewise):
            return sp.Piecewise(*[(self.of(value), test) for value, test in e.args])
        total = sp.Abs(e)
        for i, u in enumerate(e.args):
            if u.free_symbols and not _is_input(u):
                slot = sp.Dummy(real=True)
                args = [slot if j == i else a for j, a in enumerate(e.args)]
                slope = sp.diff(e.func(*args), slot).subs(slot, u)
                total += sp.Abs(slope) * self.of(u)
        return total


def _is_input(u):
    c, rest = u.as_coeff_Mul()
    return abs(c) == 1 and (rest.is_Symbol or not isinstance(
        rest, sp.Function | sp.Pow | sp.Add | sp.Mul))


def _grouped(e):
    """Return the terms of a sum; 1/2 + erf(u)/2 is one term, computed as erfc(-u)/2."""
    number, rest = e.as_coeff_Add()
    parts = list(sp.Add.make_args(rest))
    if number:
        for i, part in enumerate(parts):
            c, f = part.as_coeff_Mul()
            if isinstance(f, sp.erf | sp.tanh) and abs(c) == abs(number):
                parts[i] = sp.Abs(number + part)
                return parts
        parts.append(number)
    return parts
