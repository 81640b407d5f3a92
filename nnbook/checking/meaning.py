"""Names in a derivation and what they stand for: the page shows one, the checks use the other."""

import sympy as sp
from sympy.core.function import UndefinedFunction

LIMIT = 12     # names may use one another this deep


class Meaning:
    """Replace every name in an expression by what it stands for.

    Parameters
    ----------
    let : dict
        Function to Lambda, Symbol to expression, ``Indexed`` pattern to expression, MatrixSymbol
        to matrix expression.
    """

    def __init__(self, let):
        if not isinstance(let, dict):
            raise TypeError(f"let must be a dict from names to meanings, got "
                            f"{type(let).__name__}")
        self.functions, self.symbols, self.families = {}, {}, []
        for key, value in let.items():
            if isinstance(key, UndefinedFunction):
                if not isinstance(value, sp.Lambda):
                    raise TypeError(f"let gives the function {key} the meaning {value!r}; expected "
                                    f"sp.Lambda(z, expression in z)")
                self.functions[key] = value
            elif isinstance(key, sp.Indexed):
                self.families.append((key, sp.sympify(value)))
            elif isinstance(key, sp.Symbol | sp.MatrixSymbol):
                self.symbols[key] = sp.sympify(value)
            else:
                raise TypeError(f"let has the key {key!r}; expected a Function, a Symbol, a "
                                f"MatrixSymbol or an indexed pattern such as p[i]")

    @staticmethod
    def entry(lhs, rhs):
        """Return the ``let`` entry that says that ``lhs`` stands for ``rhs``."""
        if isinstance(lhs, sp.core.function.AppliedUndef):
            return {lhs.func: sp.Lambda(lhs.args, rhs)}
        if isinstance(lhs, sp.Symbol | sp.MatrixSymbol | sp.Indexed):
            return {lhs: rhs}
        raise TypeError(f"a definition names a function of symbols, a symbol, a MatrixSymbol or "
                        f"p[i]; got {lhs}")

    def __call__(self, expression):
        """Return ``expression`` in terms of meanings only."""
        for _ in range(LIMIT):
            changed = self._once(expression)
            if changed == expression:
                return expression
            expression = changed
        raise ValueError(f"the names in let refer to one another in a circle: {expression}")

    def _once(self, e):
        if self.symbols and not isinstance(e, sp.MatrixBase):
            held = {k: v for k, v in self.symbols.items()}
            e = e.xreplace(held) if not _differentiated(e, held) else e.subs(held)
        elif self.symbols:
            e = e.xreplace(self.symbols)
        for function, meaning in self.functions.items():
            e = e.replace(function, meaning)
        for pattern, meaning in self.families:
            e = e.replace(lambda n, p=pattern: isinstance(n, sp.Indexed) and n.base == p.base,
                          lambda n, p=pattern, m=meaning: _at(m, p, n))
        return e


def _differentiated(e, names):
    return any(set(node.variables) & set(names) for node in e.atoms(sp.Derivative))


def _at(meaning, pattern, node):
    """Instantiate the meaning of ``p[i]`` at ``p[n]``, without capturing a summation index."""
    bound = {limit[0] for s in meaning.atoms(sp.Sum) for limit in s.limits}
    clash = bound & node.atoms(sp.Idx, sp.Symbol)
    if clash:
        meaning = meaning.xreplace({i: fresh_index(i) for i in sorted(clash, key=str)})
    return meaning.xreplace(dict(zip(pattern.indices, node.indices, strict=True)))


def fresh_index(i):
    """Return a new index that ranges as ``i`` does."""
    if isinstance(i, sp.Idx):
        label = sp.Dummy(str(i.label), integer=True)
        return sp.Idx(label, (i.lower, i.upper)) if i.upper is not None else sp.Idx(label)
    return sp.Dummy(i.name, integer=True)
