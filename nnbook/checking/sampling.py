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
            width = high - low if low.is_finite and high.is_finite else sp.Integer(8)
            for end, inward in ((low, 1), (high, -1)):
                if end.is_finite and end.is_rational:
                    edges += [end, end + inward * width / 10**6, end + inward * width / 3]
        elif isinstance(piece, sp.FiniteSet):
            edges += [x for x in piece if x.is_rational]
    for kink in kinks:
        edges += [kink, kink + sp.Rational(1, 1000), kink - sp.Rational(1, 1000),
                  kink + 1, kink - 1]
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
            x = piece.start + piece.measure * sp.Rational(rng.randint(0, 9973), 9973)
        else:
            x = sp.Rational(rng.randint(-10**4, 10**4), 10 ** rng.choice((3, 3, 4, 2)))
        if x.is_rational:
            offer(x)
    return found


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
    for expression in expressions:
        for node in sp.preorder_traversal(expression):
            if isinstance(node, (sp.Max, sp.Min)):
                edges = [a - b for a, b in itertools.combinations(node.args, 2)]
            elif isinstance(node, (sp.Abs, sp.sign, sp.Heaviside)):
                edges = [node.args[0]]
            elif isinstance(node, sp.core.relational.Relational):
                edges = [node.lhs - node.rhs] if node.lhs.is_real else []
            else:
                continue
            for edge in edges:
                free = sorted(edge.free_symbols, key=lambda s: s.name)
                if len(free) == 1 and edge.is_polynomial(free[0]):
                    roots = sp.Poly(edge, free[0]).ground_roots()
                    found += [(free[0], root) for root in roots if root.is_rational]
    return list(dict.fromkeys(found))


FUNCTIONS = {sp.exp: mpmath.exp, sp.log: mpmath.log, sp.tanh: mpmath.tanh, sp.sinh: mpmath.sinh,
             sp.cosh: mpmath.cosh, sp.sin: mpmath.sin, sp.cos: mpmath.cos, sp.tan: mpmath.tan,
             sp.erf: mpmath.erf, sp.erfc: mpmath.erfc, sp.Abs: abs, sp.Max: max, sp.Min: min,
             sp.sign: mpmath.sign, sp.floor: mpmath.floor, sp.acos: mpmath.acos,
             sp.asin: mpmath.asin, sp.atan: mpmath.atan, sp.gamma: mpmath.gamma,
             sp.factorial: mpmath.factorial}


class Evaluator:
    """A scalar expression as a function of exact points, correct to 50 digits or refused.

    The expression is walked, not compiled: a step is evaluated at a few dozen points, and
    compiling would cost more than all of them.
    """

    def __init__(self, expression, symbols):
        self.expression = expression.doit().replace(
            sp.Heaviside, lambda *a: sp.Piecewise((0, a[0] < 0), (1, a[0] > 0),
                                                  (a[1] if len(a) > 1 else sp.S.Half, True)))
        self.symbols = symbols

    def at(self, point, dps):
        """Return the value with ``dps`` working digits."""
        with mpmath.workdps(dps):
            known = {s: mpmath.mpf(point[s].p) / point[s].q for s in self.symbols}
            try:
                value = mpmath.mpmathify(self.walk(self.expression, known))
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


def sample(left, right, symbols, domains, number, relation="=", count=FEW):
    """Hold two scalar expressions against each other.

    Returns
    -------
    (int, Counterexample or None)
        How many points agreed to 50 digits, and the first at which the lines differ.
    """
    sides = Evaluator(left, symbols), Evaluator(right, symbols)
    agreed = 0
    for point in points(symbols, domains, number, kinks_of(left, right), count):
        verdict, a, b = compare(*sides, point, relation)
        if verdict == "fails":
            values = {s.name: str(x) for s, x in point.items()}
            return agreed, Counterexample(values, readable(a), readable(b))
        agreed += verdict == "holds"
    return agreed, None
