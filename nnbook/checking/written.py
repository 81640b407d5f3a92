"""Written out: a matrix or indexed expression at particular sizes, one symbol for each entry."""

import functools

import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.matexpr import MatrixElement

from nnbook.checking import names
from nnbook.checking.entries import NotIndexed, applied


def size_symbols(*expressions):
    """Return the symbols that are sizes of matrices or ends of sums, sorted by name."""
    found = set()
    for e in expressions:
        for m in e.atoms(sp.MatrixSymbol):
            found |= set().union(*(sp.sympify(n).free_symbols for n in m.shape))
        for s in e.atoms(sp.Sum, sp.Product):
            for _, low, high in s.limits:
                found |= {x for x in (high - low).free_symbols if x.is_integer}
        for i in e.atoms(sp.Idx):
            found |= {x for end in (i.lower, i.upper) if end is not None
                      for x in sp.sympify(end).free_symbols}
        for one in e.atoms(sp.OneMatrix, sp.Identity, sp.ZeroMatrix):
            found |= set().union(*(sp.sympify(n).free_symbols for n in one.shape))
    return sorted((s for s in found if isinstance(s, sp.Symbol)), key=lambda s: s.name)


class Explicit:
    """Write expressions out at particular sizes, in one real symbol for each entry.

    Parameters
    ----------
    sizes : dict of Symbol to int
    """

    def __init__(self, sizes):
        self.sizes = {s: sp.Integer(n) for s, n in sizes.items()}
        self.entries = {}
        self.matrices = set()

    def symbol(self, name, where, sign=None):
        """Return the symbol that stands for one entry."""
        key = (name, tuple(map(int, where)))
        if key not in self.entries:
            first = 1 if name in self.matrices else 0
            where = "".join(str(k + first) for k in key[1])
            label = f"{names.plain(name)}[{where}]"
            self.entries[key] = sp.Symbol(label, positive=True) if sign else sp.Symbol(
                label, real=True)
        return self.entries[key]

    def sized(self, n):
        """Return a dimension as an int."""
        n = sp.sympify(n).xreplace(self.sizes)
        if not n.is_Integer:
            raise ValueError(f"no size is given for {', '.join(map(str, n.free_symbols))}; "
                             f"sizes holds {', '.join(map(str, self.sizes)) or 'nothing'}")
        return int(n)

    def __call__(self, e):
        """Return an explicit Matrix, or a scalar in the entries."""
        if isinstance(e, sp.MatrixBase):
            return e.applyfunc(self.scalar)
        if isinstance(e, sp.MatrixExpr) and not isinstance(e, MatrixElement):
            return self.matrix(e)
        if isinstance(e, sp.Derivative) and is_slope(e):
            return self.slope(e)
        if isinstance(e, sp.Add) and any(a.has(sp.Derivative) and slopes(a) for a in e.args):
            return sum((self(a) for a in e.args[1:]), self(e.args[0]))
        if isinstance(e, sp.Mul) and slopes(e):
            return sp.Mul(*(self.scalar(a) for a in e.args if a not in slopes(e))) * self.slope(
                slopes(e)[0])
        return self.scalar(e)

    def matrix(self, e):
        """Write out a matrix expression."""
        if isinstance(e, sp.MatrixBase):
            return e.applyfunc(self.scalar)
        if isinstance(e, sp.Derivative):
            return self.slope(e)
        shape = [self.sized(n) for n in e.shape]
        if isinstance(e, sp.MatrixSymbol):
            self.matrices.add(e.name)
            return sp.Matrix(*shape, lambda i, j: self.symbol(e.name, (i, j)))
        if hasattr(e, "written_out"):
            return e.written_out(self)
        if isinstance(e, sp.MatAdd):
            return sum((self.matrix(a) for a in e.args[1:]), self.matrix(e.args[0]))
        if isinstance(e, sp.MatMul):
            out = None
            scale = sp.S.One
            for a in e.args:
                if getattr(a, "is_Matrix", False) or (isinstance(a, sp.Derivative) and is_slope(a)):
                    out = self.matrix(a) if out is None else out * self.matrix(a)
                else:
                    scale *= self.scalar(a)
            return scale * out
        if isinstance(e, sp.Transpose):
            return self.matrix(e.arg).T
        if isinstance(e, sp.HadamardProduct):
            out = self.matrix(e.args[0])
            for a in e.args[1:]:
                out = out.multiply_elementwise(self.matrix(a))
            return out
        if isinstance(e, sp.HadamardPower):
            return self.matrix(e.base).applyfunc(lambda x: x ** e.exp)
        if isinstance(e, ElementwiseApplyFunction):
            return self.matrix(e.expr).applyfunc(lambda x: applied(e.function, x).doit())
        if isinstance(e, sp.OneMatrix):
            return sp.ones(*shape)
        if isinstance(e, sp.ZeroMatrix):
            return sp.zeros(*shape)
        if isinstance(e, sp.Identity):
            return sp.eye(shape[0])
        if isinstance(e, sp.DiagMatrix):
            return sp.diag(*self.matrix(e.arg))
        if isinstance(e, sp.MatPow):
            return self.matrix(e.base) ** self.sized(e.exp)
        if isinstance(e, sp.Inverse):
            return self.matrix(e.arg).inv()
        raise NotIndexed(type(e).__name__)

    def slope(self, e):
        """Differentiate a scalar by every entry of a matrix, by SymPy."""
        (variable, _), = e.variable_count
        inner = self.scalar(e.expr)
        rows, cols = (self.sized(n) for n in variable.shape)
        return sp.Matrix(rows, cols, lambda i, j: sp.diff(
            inner, self.symbol(variable.name, (i, j))))

    def scalar(self, e):
        """Write out a scalar: sums become terms, entries become symbols."""
        e = sp.sympify(e)
        if isinstance(e, sp.Trace):
            return self.matrix(e.arg).trace()
        if isinstance(e, MatrixElement):
            i, j = (int(self.scalar(k)) for k in e.indices)
            return self.matrix(e.parent)[i, j]
        if isinstance(e, sp.Indexed):
            where = [self.scalar(k) for k in e.indices]
            return self.symbol(str(e.base.label), where, e.is_positive)
        if isinstance(e, sp.Sum | sp.Product):
            return self.total(e)
        if isinstance(e, sp.Derivative):
            inner = self.scalar(e.expr)
            for variable, count in e.variable_count:
                by = self.scalar(variable)
                inner = sp.diff(inner, by, count)
            return inner
        if e in self.sizes:
            return self.sizes[e]
        if not e.args or isinstance(e, sp.Idx):
            return e
        return e.func(*(a if isinstance(a, sp.Tuple) else self.scalar(a) for a in e.args))

    def total(self, e):
        """Write out a sum or product of a known number of terms."""
        add = isinstance(e, sp.Sum)
        (index, low, high), *outer = e.limits[::-1]
        body = e.function if not outer else e.func(e.function, *outer[::-1])
        low, high = self.scalar(low), self.scalar(high)
        parts = [self.scalar(body.xreplace({index: sp.Integer(k)}))
                 for k in range(int(low), int(high) + 1)]
        return sp.Add(*parts) if add else sp.Mul(*parts)


def is_slope(e):
    """Tell whether a Derivative is by a whole matrix."""
    return any(isinstance(v, sp.MatrixSymbol) for v in e.variables)


def slopes(e):
    """Return the factors of a product that are derivatives by a whole matrix."""
    return [a for a in sp.Mul.make_args(e) if isinstance(a, sp.Derivative) and is_slope(a)]


@functools.lru_cache(maxsize=128)
def written_out(e, sizes):
    """Write an expression out; a line is looked at twice, as the new one and as the old."""
    out = Explicit(dict(sizes))(e)
    return out.as_immutable() if isinstance(out, sp.MatrixBase) else out
