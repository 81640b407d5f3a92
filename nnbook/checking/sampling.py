"""Sampling: two expressions at exact rational points, to 50 correct digits.

A false step should fail in a tenth of a second and say where. The points are the same on every
machine: first the ones that a reader can follow (1, 0, -1, 2, ...), then the edges of the domain
and both sides of every kink, then rationals drawn by a generator seeded with the derivation's
number.
"""

import itertools
import random

import mpmath
import sympy as sp

from nnbook.checking._errors import Counterexample

DIGITS = 50
PRECISIONS = (80, 160, 400, 1000)
FEW, MANY = 48, 240        # points that a step must survive; points that earn level N
SIMPLE = [sp.Rational(x) for x in (
    "1", "2", "-1", "0", "1/2", "-2", "3", "-1/2", "1/3", "-7/5", "5", "-3", "9/10", "-1/3",
    "12", "-12", "1/1000", "-1/1000", "60", "-60")]


class CannotEvaluate(Exception):
    """An expression has no number here: undefined, or not known to 50 digits."""


def assumed_set(symbol):
    """Return the set in which a symbol's assumptions place it."""
    if symbol.is_integer:
        if symbol.is_positive:
            return sp.Naturals
        return sp.Naturals0 if symbol.is_nonnegative else sp.Integers
    if symbol.is_positive:
        return sp.Interval.open(0, sp.oo)
    if symbol.is_negative:
        return sp.Interval.open(-sp.oo, 0)
    if symbol.is_nonnegative:
        return sp.Interval(0, sp.oo)
    if symbol.is_nonpositive:
        return sp.Interval(-sp.oo, 0)
    if symbol.is_real:
        return sp.Reals
    raise TypeError(
        f"the symbol {symbol} says nothing about itself, so there is no domain to check over; "
        f"expected an assumption such as sp.Symbol({symbol.name!r}, real=True)")


def _pieces(domain):
    if isinstance(domain, sp.Union):
        return list(itertools.chain.from_iterable(_pieces(part) for part in domain.args))
    return [domain]


def inside(x, domain):
    """Tell whether a rational lies in a set; SymPy's own test is a hundred times slower."""
    if domain is sp.S.Reals:
        return True
    if isinstance(domain, sp.Interval) and domain.start.is_extended_real:
        low, high = domain.start, domain.end
        return bool((x > low or (x == low and not domain.left_open))
                    and (x < high or (x == high and not domain.right_open)))
    if isinstance(domain, sp.Union):
        return any(inside(x, part) for part in domain.args)
    if isinstance(domain, sp.Intersection):
        return all(inside(x, part) for part in domain.args)
    return x in domain


def candidates(symbol, domain, kinks, rng, count):
    """Return ``count`` exact points of a domain, the readable ones first, no two equal."""
    edges = []
    for piece in _pieces(domain):
        if isinstance(piece, sp.Interval):
            low, high = piece.start, piece.end
            width = near(high - low) if low.is_finite and high.is_finite else sp.Integer(8)
            for end, inward in ((low, 1), (high, -1)):
                if end.is_finite:
                    by = near(end)
                    edges += [end, by + inward * width / 10**5, by + inward * width / 3]
        elif isinstance(piece, sp.FiniteSet):
            edges += list(piece)
    for kink in kinks:
        by = near(kink)
        edges += [kink, by + sp.Rational(1, 1000), by - sp.Rational(1, 1000), by + 1, by - 1]
    integer = bool(symbol.is_integer)
    found, seen = [], set()

    def offer(x):
        if x not in seen and not (integer and not x.is_integer) and inside(x, domain):
            seen.add(x)
            found.append(x)

    for x in SIMPLE[:6] + edges + SIMPLE[6:]:
        offer(x)
    finite = [p for p in _pieces(domain) if isinstance(p, sp.Interval) and p.measure.is_finite]
    for attempt in range(40 * count):
        if len(found) >= count:
            break
        if integer:
            x = sp.Integer(rng.randint(-10 - attempt // 4, 10 + attempt // 4))
        elif finite and attempt % 2:
            piece = finite[attempt // 2 % len(finite)]
            x = near(piece.start) + near(piece.measure) * sp.Rational(rng.randint(0, 9973), 9973)
        else:
            x = sp.Rational(rng.randint(-10**4, 10**4), 10 ** rng.choice((3, 3, 4, 2)))
        offer(x)
    return found


def near(x):
    """Return a rational for a real number: itself, or its first six decimals."""
    return x if x.is_Rational else sp.Rational(int(sp.floor(x * 10**6)), 10**6)


def points(symbols, domains, number, kinks=(), count=FEW):
    """Yield at most ``count`` assignments of exact rationals to symbols, always the same ones."""
    rng = random.Random(f"nnbook {number}")
    lists = []
    for symbol in symbols:
        own = [k for s, k in kinks if s == symbol]
        lists.append(candidates(symbol, domains[symbol], own, rng, count))
        if not lists[-1]:
            raise ValueError(f"no point was found in the domain {domains[symbol]} of {symbol}; "
                             f"expected an interval, a union of intervals or a finite set")
    if not symbols:
        yield {}
        return
    if len(symbols) == 1:
        for x in lists[0][:count]:
            yield {symbols[0]: x}
        return
    seen = set()
    for turn in range(3 * count):
        if len(seen) >= count:
            return
        if turn < 8:     # readable: neighbouring simple values, no two symbols in step
            choice = tuple(xs[(turn + k) % min(6, len(xs))] for k, xs in enumerate(lists))
        else:
            choice = tuple(rng.choice(xs) for xs in lists)
        if choice not in seen:
            seen.add(choice)
            yield dict(zip(symbols, choice, strict=True))


def kinks_of(*expressions):
    """Return (symbol, rational) pairs at which a Max, Abs, Heaviside, ... changes branch."""
    found = []
    for edge in itertools.chain.from_iterable(map(branches, expressions)):
        free = sorted(edge.free_symbols, key=lambda s: s.name)
        if len(free) == 1:
            found += [(free[0], root) for root in roots_of(edge, free[0])]
    return list(dict.fromkeys(found))


def roots_of(edge, symbol):
    """Return the real roots of a polynomial in one symbol: all up to degree 2, else rational."""
    if not edge.is_polynomial(symbol):
        return []
    poly = sp.Poly(edge, symbol)
    if poly.degree() > 2:
        return [root for root in poly.ground_roots() if root.is_rational]
    return [root for root in sp.roots(poly) if root.is_real]


FUNCTIONS = {sp.exp: mpmath.exp, sp.log: mpmath.log, sp.tanh: mpmath.tanh, sp.sinh: mpmath.sinh,
             sp.cosh: mpmath.cosh, sp.sin: mpmath.sin, sp.cos: mpmath.cos, sp.tan: mpmath.tan,
             sp.erf: mpmath.erf, sp.erfc: mpmath.erfc, sp.Abs: abs, sp.Max: max, sp.Min: min,
             sp.sign: mpmath.sign, sp.floor: mpmath.floor, sp.acos: mpmath.acos,
             sp.asin: mpmath.asin, sp.atan: mpmath.atan, sp.gamma: mpmath.gamma,
             sp.factorial: mpmath.factorial}


UNDONE = (sp.Derivative, sp.Integral, sp.Limit, sp.Sum, sp.Product, sp.Subs, sp.UnevaluatedExpr)


class Evaluator:
    """A scalar expression as a function of exact points, correct to 50 digits or refused.

    The expression is walked, not compiled: a step is evaluated at a few dozen points, and
    compiling would cost more than all of them.
    """

    def __init__(self, expression, symbols):
        # x/x as it was written has no value at 0; doit would make it 1.
        self.expression = (expression.doit() if expression.has(*UNDONE) else expression).replace(
            sp.Heaviside, lambda *a: sp.Piecewise((0, a[0] < 0), (1, a[0] > 0),
                                                  (a[1] if len(a) > 1 else sp.S.Half, True)))
        self.symbols = symbols

    def at(self, point, dps):
        """Return the value with ``dps`` working digits."""
        with mpmath.workdps(dps):
            known = {s: mpmath.mpf(point[s].p) / point[s].q for s in self.symbols
                     if point[s].is_Rational}
            # At an edge such as pi only the exact number tells "pi > pi" from "pi >= pi".
            exact = {s: point[s] for s in self.symbols if s not in known}
            expression = self.expression.xreplace(exact) if exact else self.expression
            try:
                value = mpmath.mpmathify(self.walk(expression, known))
            except (ZeroDivisionError, ValueError, OverflowError) as error:
                raise CannotEvaluate(str(error)) from error
            if not mpmath.isfinite(value):
                raise CannotEvaluate("infinite or undefined")
            return value

    def walk(self, e, known):
        """Return the number that ``e`` is, remembering what was met before."""
        if e in known:
            return known[e]
        if e.is_Rational:
            value = mpmath.mpf(e.p) / e.q
        elif e.is_Add:
            value = mpmath.fsum(self.walk(a, known) for a in e.args)
        elif e.is_Mul:
            value = mpmath.fprod(self.walk(a, known) for a in e.args)
        elif e.is_Pow:
            base = self.walk(e.base, known)
            value = base ** int(e.exp) if e.exp.is_Integer else mpmath.power(
                base, self.walk(e.exp, known))
        elif e.func in FUNCTIONS:
            value = FUNCTIONS[e.func](*(self.walk(a, known) for a in e.args))
        elif isinstance(e, sp.Piecewise):
            value = next((self.walk(v, known) for v, c in e.args if self.decide(c, known)), None)
            if value is None:
                raise CannotEvaluate("no branch applies")
        elif e.is_Symbol:
            raise NameError(f"{e} has no value")
        else:
            symbols = sorted(e.free_symbols, key=lambda s: s.name)
            compiled = sp.lambdify(symbols, e, modules="mpmath")
            value = compiled(*(known[s] for s in symbols))
        known[e] = value
        return value

    def decide(self, condition, known):
        """Tell whether the condition of a branch holds."""
        if condition in (sp.true, sp.false):
            return condition == sp.true
        if isinstance(condition, sp.And | sp.Or):
            test = all if isinstance(condition, sp.And) else any
            return test(self.decide(c, known) for c in condition.args)
        if isinstance(condition, sp.Not):
            return not self.decide(condition.args[0], known)
        left, right = (self.walk(a, known) for a in condition.args)
        return {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right,
                "==": left == right, "!=": left != right}[condition.rel_op]


def readable(value):
    """Return a number as a person would quote it: 12 significant digits, no trailing zeros."""
    if isinstance(value, str):
        return value
    if abs(mpmath.im(value)) < mpmath.mpf(10) ** -30 * (1 + abs(value)):
        value = mpmath.re(value)
    return mpmath.nstr(value, 12)


def compare(left, right, point, relation="="):
    """Compare two evaluators at a point.

    Returns
    -------
    (verdict, left value, right value)
        The verdict is "holds", "fails", "undefined" (both are) or "unknown".
    """
    for dps in PRECISIONS:
        values = []
        for side in (left, right):
            try:
                values.append(side.at(point, dps))
            except CannotEvaluate:
                values.append(None)
        if values[0] is None or values[1] is None:
            if values[0] is None and values[1] is None:
                return "undefined", "undefined", "undefined"
            return "fails", *(("undefined" if v is None else v) for v in values)
        with mpmath.workdps(dps):
            a, b = values
            gap, scale = abs(a - b), max(abs(a), abs(b))
            close = gap <= scale * mpmath.mpf(10) ** -DIGITS
            vanishing = gap <= mpmath.mpf(10) ** -(dps * 2 // 3)
            if close and scale == 0:
                return "holds", a, b
            if vanishing and dps == PRECISIONS[-1]:
                return "holds", a, b      # both are zero as far as 1,000 digits can tell
            if vanishing and not close:
                continue
            again = _settled(left, right, point, dps, a, b)
            if again is None:
                continue
        with mpmath.workdps(2 * dps):     # equal numbers agree to more digits, if there are more
            size = max(map(abs, again))
            if size <= mpmath.mpf(10) ** -(dps * 4 // 3):
                return "holds", a, b      # both shrink with the precision: they are 0
            if abs(again[0] - again[1]) <= size * mpmath.mpf(10) ** -dps:
                return "holds", a, b
            lower = mpmath.re(again[0]) <= mpmath.re(again[1])
        if relation == ("<=" if lower else ">="):
            return "holds", a, b
        return "fails", a, b
    return "unknown", None, None


def _settled(left, right, point, dps, a, b):
    """Return both values at twice the working precision if that gives the same 50 digits."""
    values = []
    for side, value in ((left, a), (right, b)):
        try:
            again = side.at(point, 2 * dps)
        except CannotEvaluate:
            return None
        with mpmath.workdps(2 * dps):
            tiny = abs(value) <= mpmath.mpf(10) ** -(dps * 2 // 3)
            if abs(again - value) > abs(again) * mpmath.mpf(10) ** -DIGITS and not tiny:
                return None
        values.append(again)
    return values


def far_out(symbols, domains, number):
    """Yield points far from 0, where an inequality between growing terms turns round."""
    for base in itertools.islice(points(symbols, domains, number), 2):
        for symbol, x in itertools.product(symbols, (10**3, -10**3, 10**6, -10**6)):
            if inside(sp.Integer(x), domains[symbol]):
                yield {**base, symbol: sp.Integer(x)}


def sample(left, right, symbols, domains, number, relation="=", count=FEW):
    """Hold two scalar expressions against each other.

    Returns
    -------
    (int, Counterexample or None)
        How many points agreed to 50 digits, and the first at which the lines differ.
    """
    sides = Evaluator(left, symbols), Evaluator(right, symbols)
    agreed = 0
    everywhere = points(symbols, domains, number, kinks_of(left, right), count)
    edges = on_edges((left, right), symbols, domains, number)
    far = () if relation == "=" else far_out(symbols, domains, number)
    for point in itertools.chain(everywhere, edges, far):
        verdict, a, b = compare(*sides, point, relation)
        if verdict == "fails":
            values = {s.name: str(x) for s, x in point.items()}
            return agreed, Counterexample(values, readable(a), readable(b))
        agreed += verdict == "holds"
    return agreed, None


def branches(expression):
    """Return what a Max, Abs, Heaviside, condition, ... compares with 0."""
    found = []
    for node in sp.preorder_traversal(expression):
        if isinstance(node, (sp.Max, sp.Min)):
            found += [a - b for a, b in itertools.combinations(node.args, 2)]
        elif isinstance(node, (sp.Abs, sp.sign, sp.Heaviside)):
            found.append(node.args[0])
        elif isinstance(node, sp.core.relational.Relational) and node.lhs.is_real:
            found.append(node.lhs - node.rhs)
    return list(dict.fromkeys(found))


def on_edges(expressions, symbols, domains, number):
    """Yield points at which some branch of several symbols changes, such as xy = 1."""
    edges = [e for expression in expressions for e in branches(expression)]
    for edge in dict.fromkeys(edges):
        free = sorted(edge.free_symbols, key=lambda s: s.name)
        if len(free) < 2 or not edge.free_symbols <= set(symbols):
            continue
        for point in itertools.islice(points(symbols, domains, number), 4):
            for symbol in free:
                rest = {s: x for s, x in point.items() if s != symbol}
                roots = roots_of(edge.subs(rest), symbol)
                if roots and inside(roots[0], domains[symbol]):
                    yield {**point, symbol: roots[0]}
                    break
