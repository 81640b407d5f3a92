r"""Terms: the size that rounding errors are measured against where a result may cancel.

A sum of products, computed in any order, is off by at most about ε √n Σ|terms|, and no better: a
result near zero has no correct digits to keep. Σ|terms| is the expression with every term made
positive.
"""

import sympy as sp


def terms(expr, *, deep=True, known=None):
    """Return Σ|terms| of an expression, itself an expression.

    Parameters
    ----------
    expr : sympy.Expr
        A real scalar expression.
    deep : bool
        Let the terms inside functions count as well: f(u) contributes |f(u)| and, because u
        comes with an error of its own, |f'(u)| Σ|terms of u|. Otherwise f(u) contributes |f(u)|.

    known : dict, optional
        Symbols of intermediate results to their own Σ|terms|.

    Returns
    -------
    total : sympy.Expr
        Not negative; at least |expr|.

    Examples
    --------
    >>> x, y = sp.symbols("x y", real=True)
    >>> terms(x * y - y)
    Abs(x)*Abs(y) + Abs(y)
    """
    return _Terms(deep, known).of(sp.sympify(expr))


class _Terms:
    def __init__(self, deep, known):
        self.deep, self.given, self.known = deep, known or {}, dict(known or {})

    def of(self, e):
        if e not in self.known:
            self.known[e] = self._of(e)
        return self.known[e]

    def _of(self, e):
        if e.is_Add:
            whole, parts = _grouped(e)
            return sp.Add(*[_size(part) for part in whole], *[self.of(part) for part in parts])
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
            return _size(e)
        if isinstance(e, sp.Piecewise):
            return sp.Piecewise(*[(self.of(value), test) for value, test in e.args])
        parts = [_size(e)]
        for i, u in enumerate(e.args):
            if u.free_symbols and not self._is_input(u):
                parts.append(_size(_slope(e, i)) * self.of(u))
        return sp.Add(*parts)

    def _is_input(self, u):
        c, rest = u.as_coeff_Mul()
        return abs(c) == 1 and rest not in self.given and (rest.is_Symbol or not isinstance(
            rest, sp.Function | sp.Pow | sp.Add | sp.Mul))


def _size(e):
    if e.is_Number:
        return abs(e)
    return e if e.is_Symbol and e.is_nonnegative else sp.Abs(e, evaluate=False)


_SLOPES = {}


def _slope(e, i):
    """Return the derivative of e in its i-th argument; the formula is kept per function."""
    if e.is_Pow and i == 0:
        return e.exp * e.base**(e.exp - 1)
    key = (e.func, len(e.args), i)
    if key not in _SLOPES:
        slots = [sp.Dummy(real=True) for _ in e.args]
        _SLOPES[key] = slots, sp.diff(e.func(*slots), slots[i])
    slots, slope = _SLOPES[key]
    return slope.xreplace(dict(zip(slots, e.args, strict=True)))


def _grouped(e):
    """Split a sum into terms taken as they stand and terms to look into.

    1/2 + erf(u)/2 is one term: it is computed as erfc(-u)/2, without a subtraction.
    """
    number, rest = e.as_coeff_Add()
    parts = list(sp.Add.make_args(rest))
    for i, part in enumerate(parts if number else ()):
        c, f = part.as_coeff_Mul()
        if isinstance(f, sp.erf | sp.tanh) and abs(c) == abs(number):
            return [number + part], parts[:i] + parts[i + 1:]
    return [], ([number, *parts] if number else parts)
