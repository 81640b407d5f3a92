r"""Index calculus: sums, Kronecker deltas and derivatives by entry, for every size at once.

A matrix identity holds for all shapes if entry (i, j) of both sides is the same sum. Here such
sums are brought to a normal form: products are multiplied out, a delta under a sum is resolved if
its other index runs over the same range, factors that do not depend on an index leave its sum,
and bound indices get canonical names. What is left is a scalar expression in the remaining sums
and entries, which the rewriting chains must carry to 0.
"""

import itertools

import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixElement

from nnbook.checking.entries import Entries, NotIndexed, apart, indices

__all__ = ["Calculus", "NotIndexed", "apart", "indices", "positive"]

FIRST = 6           # a sum from 2, 3, ... to K is written from 1, less its first terms
MAX_INDICES = 6     # bound indices of one connected sum: their names are tried in every order


class Calculus(Entries):
    """The index calculus of one statement: entries, slopes, and their normal form.

    Parameters
    ----------
    ranges : dict, optional
        Free index to (lower, upper), beyond what ``Idx`` objects say themselves.
    """

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
            out.append(sp.Mul(*once(factors)))
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
        return once(factors), limits


def once(factors):
    """Drop a delta that repeats: delta squared is delta."""
    return [f for k, f in enumerate(factors)
            if not (isinstance(f, sp.KroneckerDelta) and f in factors[:k])]


def replace_free(e, old, new):
    """Replace an index everywhere in a factor (bound names never clash: they are canonical)."""
    return e.xreplace({old: new})


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
