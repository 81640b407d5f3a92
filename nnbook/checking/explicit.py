"""Explicit: a matrix equation at given shapes, one scalar expression for each entry."""

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.matexpr import MatrixElement


def shape_of(symbol, sizes):
    """Return a matrix's or an explicit matrix's shape with sizes put in."""
    return tuple(int(sp.sympify(n).xreplace(sizes)) for n in symbol.shape)


def sizes_in(symbols):
    """Return the size symbols of matrix symbols, sorted by name."""
    found = set()
    for s in symbols:
        for n in getattr(s, "shape", None) or ():
            found |= sp.sympify(n).free_symbols
    return sorted(found, key=lambda n: n.name)


def entries(name, shape):
    """Return an array of real symbols as nested lists, one list per axis."""
    if not shape:
        return sp.Dummy(name, real=True)
    return [entries(f"{name}{i}", shape[1:]) for i in range(shape[0])]


def explicit(expr, env, *, over=None, let=None):
    """Return an equation's entries at the shapes of its matrices.

    Parameters
    ----------
    expr : sympy expression
        A MatrixExpr, an explicit matrix, or a scalar in matrix entries or indexed symbols.
    env : dict
        MatrixSymbol or IndexedBase to nested lists of scalar expressions.
    over : sequence of Idx, optional
        For an equation by entry: its free indices, in the order of the axes of the result.
    let : dict, optional
        Undefined function to Lambda: an activation left open in the equation.

    Returns
    -------
    nested : nested lists of sympy.Expr, or one expression
        Two levels for a matrix, one per index of ``over`` for an equation by entry.
    shape : tuple of int
        Its shape, also where it is empty.
    """
    sizes = _sizes(expr, env)
    values = _Values(env)
    free = list(over) if over is not None else _free_indices(expr)
    expr = _at_sizes(expr, sizes) if sizes else expr
    if isinstance(expr, sp.MatrixBase | sp.MatrixExpr):
        matrix = _Matrices(values, let).of(expr)
        return matrix, tuple(int(n) for n in expr.shape)
    free = [i.xreplace(sizes) for i in free]
    shape = tuple(int(i.upper - i.lower + 1) for i in free)
    return _by_entry(expr, free, values, let), shape


def _at_sizes(e, sizes):
    """Put in the sizes; SymPy would call φ on a matrix that has become 1×1, and Max refuses one."""
    if isinstance(e, ElementwiseApplyFunction):
        return sp.Expr.__new__(ElementwiseApplyFunction, e.function, _at_sizes(e.expr, sizes))
    if not e.has(ElementwiseApplyFunction):
        return e.xreplace(sizes)
    return e.func(*(_at_sizes(part, sizes) for part in e.args))


class _Matrices:
    """The entries of a matrix expression, each operation done on lists.

    SymPy's own ``as_explicit`` gives the same entries a hundred times slower.
    """

    def __init__(self, values, let):
        self.values, self.let = values, let

    def of(self, e):
        rows, columns = (int(n) for n in e.shape)
        if rows * columns == 0:
            return [[] for _ in range(rows)]
        if isinstance(e, sp.MatrixSymbol):
            return self.values.array(e)
        if isinstance(e, sp.MatAdd):
            parts = [self.of(part) for part in e.args]
            return _map(lambda *xs: sp.Add(*xs), *parts)
        if isinstance(e, sp.MatMul):
            return self._product(e, rows, columns)
        if isinstance(e, sp.Transpose):
            return [list(row) for row in zip(*self.of(e.arg), strict=True)]
        if isinstance(e, sp.HadamardProduct):
            parts = [self.of(part) for part in e.args]
            return _map(lambda *xs: sp.Mul(*xs), *parts)
        if isinstance(e, ElementwiseApplyFunction):
            function = e.function
            if self.let and isinstance(function, sp.Lambda):      # φ′ must become tanh′ while it
                function = sp.Lambda(function.variables,          # is still a derivative in z
                                     _meant(function.expr, self.let))
            return _map(lambda x: self._scalar(function(x)), self.of(e.expr))
        if isinstance(e, sp.MatrixBase):
            return [[self._scalar(e[i, j]) for j in range(columns)] for i in range(rows)]
        if hasattr(e, "written_out"):                 # RowSoftmax and its like
            full = e.written_out(self)
            return [[full[i, j] for j in range(columns)] for i in range(rows)]
        full = e.as_explicit() if hasattr(e, "as_explicit") else e
        return [[self._scalar(full[i, j]) for j in range(columns)] for i in range(rows)]

    def matrix(self, e):
        """Return a part written out, for a matrix function that writes itself out."""
        return sp.ImmutableMatrix(self.of(e)) if e.rows else sp.zeros(0, int(e.cols))

    def _product(self, e, rows, columns):
        factor, total = sp.Integer(1), None
        for part in e.args:
            if not getattr(part, "is_Matrix", False):
                factor *= self._scalar(part)
            elif total is None:
                total = self.of(part)
            elif int(part.rows) == 0:                 # a sum over nothing
                total = [[sp.Integer(0)] * int(part.cols) for _ in total or range(rows)]
            else:
                right = list(zip(*self.of(part), strict=True))
                total = [[sp.Add(*[a * b for a, b in zip(row, column, strict=True)])
                          for column in right] for row in total]
        return total if factor == 1 else _map(lambda x: factor * x, total)

    def _scalar(self, e):
        return _scalar(e, self.values, self.let)


def _map(function, *matrices):
    return [[function(*xs) for xs in zip(*rows, strict=True)]
            for rows in zip(*matrices, strict=True)]


def _by_entry(expr, free, values, let):
    if not free:
        return _scalar(expr, values, let)
    i, rest = free[0], free[1:]
    return [_by_entry(expr.xreplace({i: sp.Integer(k)}), rest, values, let)
            for k in range(int(i.lower), int(i.upper) + 1)]


def _free_indices(expr):
    free = [i for i in expr.atoms(sp.Idx) if i in expr.free_symbols]
    if len(free) > 1:
        raise ValueError(f"the equation has the free indices {', '.join(map(str, free))}: give "
                         "over=, the indices in the order of the result's axes")
    return free


def _sizes(expr, env):
    """Read the sizes off the arrays that stand for the symbols."""
    sizes = {}

    def learn(n, length, symbol):
        n = sp.sympify(n)
        if n.is_Symbol:
            if sizes.setdefault(n, sp.Integer(length)) != length:
                raise ValueError(f"the size {n} is {sizes[n]} in one array and {length} in "
                                 f"{symbol}")

    for m in expr.atoms(sp.MatrixSymbol):
        if m in env:
            learn(m.shape[0], len(env[m]), m)
            if not len(env[m]):
                continue
            learn(m.shape[1], len(env[m][0]), m)
    for e in expr.atoms(sp.Indexed):
        array = env.get(e.base)
        for i in e.indices:
            if array is None:
                break
            if isinstance(i, sp.Idx) and i.upper is not None:
                learn(i.upper - i.lower + 1, len(array), e.base)
            array = array[0] if len(array) and isinstance(array[0], list) else None
    for n, length in env.get("sizes", {}).items():
        sizes.setdefault(n, sp.Integer(length))
    return sizes


class _Values:
    """What each entry of each symbol is."""

    def __init__(self, env):
        self.by_name = {_name(s): a for s, a in env.items() if s != "sizes"}

    def array(self, symbol):
        if _name(symbol) not in self.by_name:
            raise ValueError(f"the equation holds {symbol}, which has no value: name it in args=, "
                             "or say with where= which equation gives it")
        return self.by_name[_name(symbol)]

    def entry(self, e):
        if isinstance(e, MatrixElement):
            found, lowest, places = self.array(e.parent), 0, (e.i, e.j)
        else:
            found, lowest, places = self.array(e.base), 1, e.indices
        for k in places:
            found = found[int(k) - lowest]
        return found


def _name(symbol):
    return symbol.name if isinstance(symbol, sp.MatrixSymbol) else str(symbol)


def _scalar(e, values, let):
    if not e.free_symbols:
        return e
    if e.has(sp.Trace):
        matrices = _Matrices(values, let)
        e = e.replace(lambda n: isinstance(n, sp.Trace), lambda n: sp.Add(
            *[row[k] for k, row in enumerate(matrices.of(n.arg))]))
    if e.has(sp.Sum, sp.Product):
        e = _added_up(e)
    if e.has(sp.Derivative, sp.Subs, sp.Integral):
        e = e.doit()
    atoms = {a for a in sp.preorder_traversal(e) if isinstance(a, MatrixElement | sp.Indexed)}
    if let:
        e = _meant(e, let)
    e = e.xreplace({a: values.entry(a) for a in atoms})
    return e.doit() if e.has(sp.Subs, sp.Derivative) else e


def _added_up(e):
    """Write sums and products of a known number of terms out, faster than ``doit``."""
    if isinstance(e, sp.Sum | sp.Product):
        index, low, high = e.limits[-1]            # the outermost
        body = e.function
        parts = [body.xreplace({index: sp.Integer(k)}) for k in range(int(low), int(high) + 1)]
        if len(e.limits) > 1:
            inner = [e.func(body, *e.limits[:-1])] * len(parts)
            parts = [part.xreplace({index: sp.Integer(k)})
                     for k, part in enumerate(inner, start=int(low))]
        fold = sp.Add if isinstance(e, sp.Sum) else sp.Mul
        return fold(*[_added_up(part) for part in parts])
    if e.args and e.has(sp.Sum, sp.Product):
        return e.func(*[_added_up(a) for a in e.args])
    return e


def _meant(e, let):
    """Put an activation in for its letter, and its derivatives for φ′ and φ″."""
    def slope(n):
        name, _, order = n.func.__name__.partition("⟮")
        for letter, meaning in let.items():
            if letter.__name__ == name:
                body = meaning.expr
                for _ in range(int(order[:-1]) if order else 0):
                    body = sp.diff(body, meaning.variables[0])
                return body.subs(meaning.variables[0], n.args[0])
        return n
    return e.replace(lambda n: isinstance(n, AppliedUndef), slope).doit()
