"""Entries: a matrix expression, or a slope in one, as a scalar with sums over its indices."""

import functools

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.matexpr import MatrixElement


class NotIndexed(Exception):
    """An expression that the index calculus does not know."""


def indices(names, size):
    """Return indices that run from 1 to ``size``.

    Parameters
    ----------
    names : str
        As for ``sympy.symbols``: ``"i j k"``.
    size : Symbol
        A positive integer symbol.

    Returns
    -------
    tuple of Idx

    Examples
    --------
    >>> import sympy as sp
    >>> K = sp.Symbol("K", integer=True, positive=True)
    >>> i, j = indices("i j", K)
    >>> (i.lower, i.upper)
    (1, K)
    """
    if not getattr(size, "is_integer", False):
        raise TypeError(f"size must be an integer symbol such as "
                        f"sp.Symbol('K', integer=True, positive=True), got {size!r}")
    return tuple(sp.Idx(name, (1, size)) for name in names.replace(",", " ").split())


@functools.lru_cache(maxsize=256)
def apart(e):
    """Give every sum its own bound index, so that an inner one never hides an outer one."""
    if not e.args or isinstance(e, sp.Idx | sp.Indexed | sp.MatrixSymbol):
        return e
    e = e.func(*(apart(a) for a in e.args)) if e.has(sp.Sum) else e
    if isinstance(e, sp.Sum):
        swap = {i: sp.Dummy(str(i), integer=True) for i, *_ in e.limits}
        return sp.Sum(e.function.xreplace(swap),
                      *((swap[i], low.xreplace(swap), high.xreplace(swap))
                        for i, low, high in e.limits))
    return e


def prime(function, order):
    """Return the ``order``-th derivative of an unspecified function, as a function of its own."""
    if order == 0:
        return function
    name, _, before = function.__name__.partition("⟮")
    order += int(before[:-1]) if before else 0
    return sp.Function(f"{name}⟮{order}⟯", real=True)


def with_primes(e):
    """Write Derivative(phi(x), x) and its value at a point as a function of its own."""
    def plain(n):
        return (isinstance(n, sp.Derivative) and isinstance(n.expr, AppliedUndef)
                and len(n.expr.args) == 1 and set(n.variables) == set(n.expr.args)
                and n.expr.args[0].is_Symbol)

    e = e.replace(lambda n: isinstance(n, sp.Subs) and plain(n.expr)
                  and n.variables == n.expr.expr.args,
                  lambda n: prime(n.expr.expr.func, len(n.expr.variables))(n.point[0]))
    return e.replace(plain, lambda n: prime(n.expr.func, len(n.variables))(n.expr.args[0]))


def applied(function, argument):
    """Return f(x) for a Lambda or a function, where f may be the slope of an unspecified one."""
    if not isinstance(function, sp.Lambda):
        return function(argument)
    return with_primes(function.expr).xreplace({function.variables[0]: argument})

class Entries:
    """Entries of matrix expressions, and derivatives by them; knows the range of every index.

    Parameters
    ----------
    ranges : dict, optional
        Free index to (lower, upper), beyond what ``Idx`` objects say themselves.
    """

    def __init__(self, ranges=None):
        self.ranges = dict(ranges or {})

    def index(self, size):
        """Return a new index that runs over the rows or columns of a matrix."""
        if size == 1:
            return sp.Integer(0)
        i = sp.Dummy("i", integer=True, nonnegative=True)
        self.ranges[i] = (sp.Integer(0), sp.expand(size - 1))
        return i

    def range_of(self, i):
        """Return (lower, upper) of an index, or None."""
        if i in self.ranges:
            return self.ranges[i]
        if isinstance(i, sp.Idx) and i.lower is not None and i.upper is not None:
            return sp.sympify(i.lower), sp.expand(i.upper)
        return None

    def within(self, i, low, high):
        """Tell whether an index is known to lie between two ends."""
        if self.range_of(i) == (low, sp.expand(high)):
            return True
        return bool(i.is_Integer and (i - low).is_nonnegative and (high - i).is_nonnegative)

    # -- entries of matrix expressions ---------------------------------------------------
    def entry(self, e, i, j):
        """Return entry (i, j) of a matrix expression as a scalar with sums."""
        if isinstance(e, sp.MatrixSymbol):
            return MatrixElement(e, i, j)
        if hasattr(e, "entry_formula"):
            return self.scalar(e.entry_formula(self, i, j))
        if isinstance(e, sp.MatAdd):
            return sp.Add(*(self.entry(a, i, j) for a in e.args))
        if isinstance(e, sp.Transpose):
            return self.entry(e.arg, j, i)
        if isinstance(e, sp.HadamardProduct):
            return sp.Mul(*(self.entry(a, i, j) for a in e.args))
        if isinstance(e, sp.HadamardPower):
            return self.entry(e.base, i, j) ** e.exp
        if isinstance(e, ElementwiseApplyFunction):
            return applied(e.function, self.entry(e.expr, i, j))
        if isinstance(e, sp.OneMatrix):
            return sp.S.One
        if isinstance(e, sp.ZeroMatrix):
            return sp.S.Zero
        if isinstance(e, sp.Identity):
            return sp.KroneckerDelta(i, j)
        if isinstance(e, sp.DiagMatrix):
            vector = e.arg
            k = (i, sp.S.Zero) if vector.shape[1] == 1 else (sp.S.Zero, i)
            return sp.KroneckerDelta(i, j) * self.entry(vector, *k)
        if isinstance(e, sp.MatMul):
            return self._product(e, i, j)
        if isinstance(e, sp.Add):     # of derivatives by a matrix, which SymPy takes for numbers
            return sp.Add(*(self.entry(a, i, j) for a in e.args))
        if isinstance(e, sp.Mul):
            return sp.Mul(*(self.entry(a, i, j) if isinstance(a, sp.Derivative) else self.scalar(a)
                            for a in e.args))
        if isinstance(e, sp.MatPow) and e.exp.is_Integer and e.exp > 0:
            return self._product(sp.MatMul(*[e.base] * int(e.exp), evaluate=False), i, j)
        if isinstance(e, sp.Derivative):
            return self._slope(e, i, j)
        if isinstance(e, sp.MatrixBase) and i.is_Integer and j.is_Integer:
            return self.scalar(e[i, j])
        raise NotIndexed(type(e).__name__)

    def _product(self, e, i, j):
        scalars = [a for a in e.args if not getattr(a, "is_Matrix", False)]
        chain = [a for a in e.args if getattr(a, "is_Matrix", False)]
        total = sp.Mul(*(self.scalar(s) for s in scalars))
        left, bound = i, []
        for k, factor in enumerate(chain):
            last = k == len(chain) - 1
            right = j if last else self.index(factor.shape[1])
            if not last and right != 0:
                bound.append((right, *self.ranges[right]))
            total *= self.entry(factor, left, right)
            left = right
        return sp.Sum(total, *bound) if bound else total

    def _slope(self, e, i, j):
        (variable, count), = e.variable_count
        if count != 1:
            raise NotIndexed("second derivative in a matrix")
        return self.derive(self.normal(e.expr), MatrixElement(variable, i, j))

    # -- scalars ---------------------------------------------------------------------------
    def scalar(self, e):
        """Replace traces, entries of products and matrix functions inside a scalar."""
        e = sp.sympify(e)
        if isinstance(e, sp.Trace):
            i = self.index(e.arg.shape[0])
            body = self.entry(e.arg, i, i)
            return body if i == 0 else sp.Sum(body, (i, *self.ranges[i]))
        if isinstance(e, MatrixElement) and not isinstance(e.parent, sp.MatrixSymbol):
            return self.entry(e.parent, e.i, e.j)
        if isinstance(e, sp.Determinant | sp.MatrixExpr) and not isinstance(e, MatrixElement):
            raise NotIndexed(type(e).__name__)
        if not e.args or isinstance(e, sp.Indexed | MatrixElement | sp.Idx):
            return e
        if isinstance(e, sp.Derivative):
            return e.func(self.scalar(e.expr), *e.variable_count)
        return e.func(*(a if isinstance(a, sp.Tuple) else self.scalar(a) for a in e.args))

    def derive(self, e, variable):
        """Differentiate by one entry: equal names give products of Kronecker deltas."""
        family = _family(variable)
        if not any(_family(a) == family for a in e.atoms(sp.Indexed, MatrixElement)):
            return sp.S.Zero
        if isinstance(e, sp.Indexed | MatrixElement):
            if _family(e) != family:
                return sp.S.Zero
            pairs = zip(_positions(e), _positions(variable), strict=True)
            return sp.Mul(*(sp.KroneckerDelta(a, b) for a, b in pairs))
        if isinstance(e, sp.Sum):
            e = self.renamed(e)
            return sp.Sum(self.derive(e.function, variable), *e.limits)
        if isinstance(e, sp.Add):
            return sp.Add(*(self.derive(a, variable) for a in e.args))
        if isinstance(e, sp.Mul):
            return sp.Add(*(sp.Mul(*e.args[:k], self.derive(a, variable), *e.args[k + 1:])
                            for k, a in enumerate(e.args)))
        if isinstance(e, sp.Pow):
            base, exponent = e.args
            return (exponent * base ** (exponent - 1) * self.derive(base, variable)
                    + e * sp.log(base) * self.derive(exponent, variable))
        if isinstance(e, sp.Function) and len(e.args) == 1:
            if isinstance(e, AppliedUndef):
                return prime(e.func, 1)(e.args[0]) * self.derive(e.args[0], variable)
            x = sp.Dummy("x", real=True)
            outer = e.func(x).diff(x).xreplace({x: e.args[0]})
            return outer * self.derive(e.args[0], variable)
        if isinstance(e, sp.Function | sp.Max | sp.Min):
            xs = [sp.Dummy("x", real=True) for _ in e.args]
            back = dict(zip(xs, e.args, strict=True))
            whole = e.func(*xs)
            return sp.Add(*(whole.diff(x).xreplace(back) * self.derive(a, variable)
                            for x, a in back.items()))
        raise NotIndexed(type(e).__name__)

    def renamed(self, e):
        """Return a sum with bound indices that occur nowhere else."""
        swap = {}
        for index, low, high in e.limits:
            new = sp.Dummy("k", integer=True)
            self.ranges[new] = (low, sp.expand(high))
            swap[index] = new
        return sp.Sum(e.function.xreplace(swap),
                      *((swap[i], low.xreplace(swap), high.xreplace(swap))
                        for i, low, high in e.limits))


def _family(e):
    return e.base if isinstance(e, sp.Indexed) else e.parent if isinstance(
        e, MatrixElement) else None


def _positions(e):
    return e.indices
