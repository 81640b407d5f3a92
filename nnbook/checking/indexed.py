r"""Index calculus: sums, Kronecker deltas and derivatives by entry, for every size at once.

A matrix identity holds for all shapes if entry (i, j) of both sides is the same sum. Here such
sums are brought to a normal form: products are multiplied out, a delta under a sum is resolved if
its other index runs over the same range, factors that do not depend on an index leave its sum,
and bound indices get canonical names. What is left is a scalar expression in the remaining sums
and entries, which the rewriting chains must carry to 0.
"""

import functools
import itertools

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.matexpr import MatrixElement

FIRST = 6           # a sum from 2, 3, ... to K is written from 1, less its first terms
MAX_INDICES = 6     # bound indices of one connected sum: their names are tried in every order


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


class Calculus:
    """The index calculus of one statement; it knows the range of every index.

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

    # -- normal form -------------------------------------------------------------------------
    def normal(self, e):
        """Bring a scalar with sums to its normal form."""
        e = sp.sympify(e)
        if isinstance(e, sp.Trace) or (isinstance(e, MatrixElement) and not isinstance(
                e.parent, sp.MatrixSymbol)):
            return self.normal(self.scalar(e))
        if not e.args or isinstance(e, sp.Indexed | MatrixElement | sp.Idx):
            return e
        if isinstance(e, sp.Derivative):
            inner = self.normal(e.expr)
            for variable, count in e.variable_count:
                for _ in range(int(count)):
                    if isinstance(variable, sp.Indexed | MatrixElement):
                        inner = self.normal(self.derive(inner, variable))
                    else:
                        inner = self.normal(sp.diff(inner, variable))
            return inner
        if isinstance(e, sp.Add):
            return sp.Add(*(self.normal(a) for a in e.args))
        if isinstance(e, sp.Sum):
            return self._sum(e)
        if isinstance(e, sp.Mul):
            return self._deltas(sp.expand_mul(sp.Mul(*(self.normal(a) for a in e.args))))
        if isinstance(e, sp.Pow):
            return self._power(e)
        if isinstance(e, sp.KroneckerDelta):
            return e
        if isinstance(e, sp.log):
            return self._log(self.normal(e.args[0]))
        if isinstance(e, sp.MatrixExpr):
            raise NotIndexed(type(e).__name__)
        if isinstance(e, sp.Max | sp.Min | sp.Abs):
            return self._homogeneous(e.func(*(self.normal(a) for a in e.args)))
        return e.func(*(a if isinstance(a, sp.Tuple) else self.normal(a) for a in e.args))

    def _homogeneous(self, e):
        """Take a common positive factor out of a Max, Min or Abs."""
        if not isinstance(e, sp.Max | sp.Min | sp.Abs):
            return self.normal(e)
        common = None
        for a in e.args:
            for term in sp.Add.make_args(a):
                if term.is_zero:
                    continue
                mine = {f for f in sp.Mul.make_args(term) if positive(f)}
                common = mine if common is None else common & mine
        if not common:
            return e
        factor = sp.Mul(*common)
        return factor * e.func(*(sp.expand_mul(a / factor) for a in e.args))

    def _power(self, e):
        base, exponent = self.normal(e.base), self.normal(e.exp)
        if exponent.is_Integer and base.is_Mul:
            return sp.Mul(*(self._power(sp.Pow(b, exponent, evaluate=False))
                            for b in base.args))
        if exponent.is_Integer and exponent > 0:
            if isinstance(base, sp.KroneckerDelta):
                return base
            return self._deltas(sp.expand(base ** exponent))
        return base ** exponent

    def _log(self, a):
        parts = []
        for factor in sp.Mul.make_args(sp.factor_terms(a) if a.is_Add else a):
            base, exponent = factor.as_base_exp() if factor.func is not sp.exp else (factor, 1)
            if factor.func is sp.exp:
                parts.append(factor.args[0])
            elif positive(base):
                parts.append(exponent * sp.log(base))
            else:
                return sp.log(a)
        return sp.expand_mul(sp.Add(*parts))

    def _deltas(self, e):
        """Where delta_ij stands as a factor, write i for j in the other factors."""
        out = []
        for term in sp.Add.make_args(e):
            factors = list(sp.Mul.make_args(term))
            for k, f in enumerate(factors):
                if f.is_Pow and isinstance(f.base, sp.KroneckerDelta) and f.exp.is_positive:
                    factors[k] = f.base
            for f in [f for f in factors if isinstance(f, sp.KroneckerDelta)]:
                keep, drop = sorted(f.args[:2], key=sp.default_sort_key)
                if drop.is_Integer:
                    keep, drop = drop, keep
                if not drop.is_Integer:
                    factors = [f if g == f else replace_free(g, drop, keep) for g in factors]
            out.append(sp.Mul(*dict.fromkeys(factors) if any(
                isinstance(f, sp.KroneckerDelta) for f in factors) and _repeats(factors)
                else factors))
        return sp.Add(*out)

    def _sum(self, e):
        e = self.renamed(e)
        body = self.normal(e.function)
        (index, low, high), *more = e.limits
        if not more and low.is_Integer and 2 <= low <= FIRST and not high.is_Integer:
            whole = self._sum(sp.Sum(body, (index, 1, high)))     # from 1, less the first terms
            return whole - sp.Add(*(self.normal(body.xreplace({index: sp.Integer(k)}))
                                    for k in range(1, low)))
        return sp.Add(*(self._sum_term(term, list(e.limits))
                        for term in sp.Add.make_args(sp.expand_mul(body))))

    def _sum_term(self, term, limits):
        factors = []
        for f in sp.Mul.make_args(term):     # merge sums inside a sum into one
            base, power = (f.base, f.exp) if f.is_Pow and f.exp.is_Integer and f.exp > 0 else (
                f, 1)
            if isinstance(base, sp.Sum):
                for _ in range(int(power)):
                    inner = self.renamed(base)
                    limits = limits + list(inner.limits)
                    factors += sp.Mul.make_args(inner.function)
            elif isinstance(base, sp.KroneckerDelta):
                factors.append(base)
            else:
                factors.append(f)
        factors, limits = self._contract(factors, limits)
        result = sp.S.One
        groups = _connected(factors, [i for i, *_ in limits])
        ranges = {i: (low, high) for i, low, high in limits}
        for group, bound in groups:
            if not bound:
                result *= sp.Mul(*group)
                continue
            for i in [i for i in bound if not any(i in f.free_symbols for f in group)]:
                low, high = ranges[i]
                result *= high - low + 1
                bound = [b for b in bound if b != i]
            if bound:
                result *= canonical(sp.Mul(*group), [(i, *ranges[i]) for i in bound])
            else:
                result *= sp.Mul(*group)
        return sp.expand_mul(result)

    def _contract(self, factors, limits):
        """Resolve deltas whose other index is known to run over the same range."""
        changed = True
        while changed:
            changed = False
            for f in factors:
                if not isinstance(f, sp.KroneckerDelta):
                    continue
                a, b = f.args[:2]
                for index, low, high in limits:
                    for mine, other in ((a, b), (b, a)):
                        if mine == index and other != index and self.within(other, low, high):
                            rest = list(factors)
                            rest.remove(f)
                            factors = [g for h in rest for g in sp.Mul.make_args(
                                replace_free(h, index, other))]
                            factors = [g for g in factors if g != 1]
                            limits = [x for x in limits if x[0] != index]
                            changed = True
                            break
                    if changed:
                        break
                if changed:
                    break
        seen = []
        for f in factors:
            if not (isinstance(f, sp.KroneckerDelta) and f in seen):
                seen.append(f)
        return seen, limits


def _repeats(factors):
    deltas = [f for f in factors if isinstance(f, sp.KroneckerDelta)]
    return len(deltas) != len(set(deltas)) and len(set(factors)) == len(factors) - (
        len(deltas) - len(set(deltas)))


def replace_free(e, old, new):
    """Replace an index everywhere in a factor (bound names never clash: they are canonical)."""
    return e.xreplace({old: new})


def _family(e):
    return e.base if isinstance(e, sp.Indexed) else e.parent if isinstance(
        e, MatrixElement) else None


def _positions(e):
    return e.indices


def positive(e):
    """Tell whether a factor is positive: by assumption, or as a sum of positive terms."""
    if isinstance(e, sp.Sum):
        return all(positive(f) for f in sp.Mul.make_args(e.function))
    if isinstance(e, sp.exp):
        return True
    if e.is_Add:
        return all(positive(a) for a in e.args)
    if e.is_Mul:
        return all(positive(a) for a in e.args)
    if e.is_Pow:
        return positive(e.base)
    return bool(e.is_positive)


def _connected(factors, bound):
    """Group the factors of a sum that share bound indices."""
    groups = []
    for f in factors:
        mine = {i for i in bound if i in f.free_symbols}
        joined, rest = [[f], mine], []
        for group in groups:
            if mine and group[1] & mine:
                joined = [group[0] + joined[0], group[1] | joined[1]]
            else:
                rest.append(group)
        groups = [*rest, joined]
    used = set().union(*(g[1] for g in groups)) if groups else set()
    result = [(g[0], [i for i in bound if i in g[1]]) for g in groups]
    result += [([], [i]) for i in bound if i not in used]
    return result


def _depth(e):
    return max((1 + _depth(s.function) for s in e.atoms(sp.Sum)), default=0)


def canonical(body, limits):
    """Return a sum whose bound indices have canonical names."""
    if len(limits) > MAX_INDICES:
        raise NotIndexed(f"a sum over {len(limits)} connected indices")
    depth = _depth(body)
    best = None
    for order in itertools.permutations(limits):
        names = [sp.Symbol(f"ι{depth}{n}", integer=True) for n in range(len(order))]
        swap = dict(zip((i for i, *_ in order), names, strict=True))
        limits_ = [(n, low, high) for n, (_, low, high) in zip(names, order, strict=True)]
        new = body.xreplace(swap)
        key = (str(limits_), str(new))
        if best is None or key < best[0]:
            best = key, sp.Sum(new, *limits_)
    return best[1]
