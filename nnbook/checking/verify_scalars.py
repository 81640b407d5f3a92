"""Verification of functions of one real number, in ulp, and of several, in Σ|terms|."""

import itertools
import math

import numpy as np
import sympy as sp
from mpmath import libmp as mp

from nnbook.checking.points import inside, kinks_of, scalar_points
from nnbook.checking.precision import FORMATS, Evaluator, Undefined, _nearest, _ulps
from nnbook.checking.terms import terms as sum_of_terms
from nnbook.checking.verification import Verification, VerificationError, likely_reason
from nnbook.checking.verify_arrays import UNIT, Entries, array_reason, relative, unchanged

SHARES = {"float64": 0.8, "float32": 0.15, "float16": 0.05}


def spell(domain):
    """Return a domain as a reader writes it.

    Examples
    --------
    >>> spell(sp.Union(sp.Interval.open(-sp.oo, 0), sp.Interval(1, 2)))
    '(−∞, 0) ∪ [1, 2]'
    """
    if domain == sp.S.Reals:
        return "ℝ"
    if isinstance(domain, sp.Union):
        return " ∪ ".join(spell(part) for part in sorted(domain.args, key=lambda d: d.inf))
    if isinstance(domain, sp.Interval):
        left, right = "(" if domain.left_open else "[", ")" if domain.right_open else "]"
        ends = ", ".join(sp.sstr(end) for end in (domain.start, domain.end))
        return left + ends.replace("oo", "∞").replace("-", "−") + right
    return sp.sstr(domain)


def _proved_equal(derivation):
    """Return the lines that steps of level S join to the last one."""
    run = list(getattr(derivation, "lines", ()))[:1]
    for line in list(getattr(derivation, "lines", ()))[1:]:
        if line.relation != "=":
            break
        run.append(line)
    equal = []
    while len(run) > 1 and run.pop().level == "S":
        equal.append(run[-1].value)
    return equal


class Elementwise:
    """A function of one real number, in units in the last place."""

    def __init__(self, derivation, run, symbol, name, bound, domain, because, fixed, asymptotes,
                 terms):
        self.derivation, self.run, self.symbol, self.name = derivation, run, symbol, name
        self.bound, self.domain, self.because = bound, domain, because
        lines = _proved_equal(derivation)
        expr = derivation.rhs.subs(fixed)
        self.evaluator = Evaluator(expr, [symbol], equals=[e.subs(fixed) for e in lines],
                                   asymptotes=asymptotes)
        self.scale = Evaluator(sum_of_terms(self.evaluator.expr, deep=False), [symbol],
                               asymptotes=asymptotes) if terms else None
        self.unit = "ulp of Σ|terms|" if terms else "ulp"
        self.kinks = kinks_of(self.evaluator.expr, symbol)

    def verify(self, points, dtypes, chosen, limits, rng):
        """Return the Verification, or refuse."""
        total, worst = 0, (-1.0, None, None)
        whole = sum(SHARES[np.dtype(d).name] for d in dtypes)
        for dtype in map(lambda d: np.dtype(d).name, dtypes):
            count = max(1, round(points * SHARES[dtype] / whole))
            x = scalar_points(self.domain, count, rng, dtype, self.kinks)
            total += len(x)
            error, at = self._worst(x, dtype)
            if error > worst[0]:
                worst = (error, at, dtype)
        self._shapes(dtypes[0])
        notes = self._conventions(chosen, dtypes) + self._limits(limits, dtypes)
        formats = list(map(str, dtypes))
        listed = formats[0] if len(formats) == 1 else \
            f"{', '.join(formats[:-1])} and {formats[-1]}"
        return Verification(
            number=str(self.derivation.number), function=self.name, bound=self.bound,
            unit=self.unit, points=total, where=f"at {total:,} points in {listed}",
            worst_error=float(worst[0]),
            worst_at={str(self.symbol): float(worst[1]), "dtype": worst[2]},
            domain=spell(self.domain), narrowed=self.because, notes=notes)

    def _call(self, x):
        given = x.copy(order="K")
        found = self.run(given)
        if not isinstance(found, np.ndarray | np.generic) or np.shape(found) != x.shape:
            raise TypeError(f"{self.name} must map an array to an array of the same shape "
                            f"{x.shape}, got {np.shape(found)}")
        if found.dtype != x.dtype:
            raise VerificationError(f"{self.name} turns {x.dtype} into {found.dtype}; it must "
                                    "keep the dtype", reason="a constant or a call promotes")
        unchanged(self.name, str(self.symbol), x, given)
        return found

    def _shapes(self, dtype):
        """Hold what it does to a matrix that is not contiguous, and to nothing at all."""
        row = scalar_points(self.domain, 400, np.random.default_rng(0), dtype, self.kinks)
        row = np.resize(row[np.argsort(np.abs(np.abs(row.astype(float)) - 1))], 6)
        for x in (row.reshape(3, 2).T, row[:0], row[:0].reshape(0, 3)):
            try:
                same = np.array_equal(self._call(x), self._call(x.ravel()).reshape(x.shape),
                                      equal_nan=True)
                told = "gives other values than entry by entry"
            except VerificationError:
                raise
            except Exception as error:      # whatever an author's function raises
                same, told = False, f"fails: {type(error).__name__}: {error}"
            if not same:
                raise VerificationError(
                    f"{self.name} does not agree with ({self.derivation.number}): on an array of "
                    f"shape {x.shape} it {told}. An elementwise function takes every shape, an "
                    "empty one too.", found=told, expected=x.shape,
                    reason="the function mixes entries, or was written for one shape")

    def _exact(self, x, floor):
        try:
            return self.evaluator.raw(x, floor=floor)
        except Undefined as error:
            raise ValueError(f"the equation has no value at {self.symbol} = {x!r} ({error}): leave "
                             "the point out of the derivation's domain") from None

    def _worst(self, x, dtype):
        bits, tiny, huge = FORMATS[dtype]
        found = self._call(x)
        errors = np.array([self._distance(v, y, bits, tiny, huge)
                           for v, y in zip(x.tolist(), found.tolist(), strict=True)])
        i = int(np.argmax(errors))
        if errors[i] > self.bound:
            self._refuse(x, found, errors, dtype)
        return errors[i], x[i]

    def _distance(self, v, y, bits, tiny, huge):
        exact = self._exact(v, tiny - 64)
        size = exact if self.scale is None else self.scale.raw(v, floor=tiny - 64)
        return _ulps(y, exact, bits, tiny, huge, size)

    def _refuse(self, x, found, errors, dtype):
        # Among the points that are about as bad as the worst, the one nearest 1 is the clearest.
        bad = np.flatnonzero((errors > self.bound) & (errors >= min(errors.max(), 1e300) / 2))
        with np.errstate(divide="ignore"):
            i = bad[np.argmin(np.abs(np.log2(np.abs(x[bad].astype(float)))))]
        bits, tiny, huge = FORMATS[dtype]
        v, y = float(x[i]), float(found[i])
        expected = _nearest(self._exact(v, None), bits, tiny, huge)
        near = np.array([v, v * 0.97, v * 1.03], dtype=dtype)
        near = near[inside(self.domain, near)]
        reason = likely_reason(y, expected, self._call(near), float(np.finfo(dtype).tiny))
        error = float(errors[i])
        outside = int(np.count_nonzero(errors > self.bound))
        raise VerificationError(
            f"{self.name} does not agree with ({self.derivation.number}): "
            f"at {self.symbol} = {v!r} ({dtype}) it returns {y!r}, the equation gives "
            f"{expected!r}, {error:.3g} {self.unit} away (bound: {self.bound:g}); {outside:,} of "
            f"{len(x):,} points are outside the bound. Likely: {reason}.",
            point={str(self.symbol): v}, found=y, expected=expected, error=error, unit=self.unit,
            reason=reason)

    def _conventions(self, chosen, dtypes):
        notes = []
        for point, value in chosen.items():
            for dtype in dtypes:
                y = float(self._call(np.array([point], dtype=dtype))[0])
                if y != float(value):
                    raise VerificationError(
                        f"{self.name} is {y!r} at {self.symbol} = {point} ({dtype}), and the "
                        f"convention chosen there is {value}", point={str(self.symbol): point},
                        found=y, expected=float(value), error=math.inf, unit="ulp",
                        reason="another convention at the kink")
            notes.append(f"{value} at {self.symbol} = {point} by convention")
        return notes

    def _limits(self, limits, dtypes):
        for end, value in limits.items():
            end, value = sp.sympify(end), sp.sympify(value)
            x = math.inf if end is sp.oo else -math.inf
            self._check_limit(x, value)
            for dtype in dtypes:
                y = float(self._call(np.array([x], dtype=dtype))[0])
                if y != float(value):
                    raise VerificationError(
                        f"{self.name} returns {y!r} at {self.symbol} = {x}, and the limit is "
                        f"{value}", point={str(self.symbol): x}, found=y, expected=float(value),
                        error=math.inf, unit="ulp", reason="inf is not treated as a limit")
        return ["limits at ±∞ included"] if limits else []

    def _check_limit(self, x, value):
        """Believe a declared limit only if the equation is going there."""
        far = [math.copysign(10.0**k, x) for k in (50, 150, 300)]
        reached = [self.evaluator(v) for v in far]
        if value.is_infinite:
            direction = 1 if value is sp.oo else -1
            good = direction * reached[0] > 10 and all(
                direction * b > direction * a for a, b in itertools.pairwise(reached))
        else:
            good = abs(reached[-1] - float(value)) <= 1e-15 * max(1.0, abs(float(value)))
        if not good:
            raise ValueError(f"limits says {value} at {x}, but the equation is "
                             f"{float(reached[-1])!r} at {far[-1]}")


def constant(derivation, run, name, bound):
    """Hold one number that a function returns to an equation without symbols."""
    exact, y = Evaluator(derivation.rhs, []).raw(), float(run())
    bits, tiny, huge = FORMATS["float64"]
    error = _ulps(y, exact, bits, tiny, huge, exact)
    if error > bound:
        x = mp.to_float(exact)
        raise VerificationError(
            f"{name} does not agree with ({derivation.number}): it returns {y!r}, the equation "
            f"gives {x!r}, {error:.3g} ulp away (bound: {bound:g})", found=y, expected=x,
            error=error, unit="ulp", reason="a wrong constant, or digits lost on the way")
    return Verification(
        number=str(derivation.number), function=name, bound=bound, unit="ulp", points=1,
        where="at one point in float64", worst_error=float(error), worst_at={},
        domain="a constant")


def several(derivation, run, symbols, name, bound, points, space, because, fixed, rng):
    """Hold a function of several reals to its equation."""
    expr = derivation.rhs.xreplace(fixed)
    evaluate = Entries([expr.doit()], symbols)
    unit = float(np.finfo(float).eps) * math.sqrt(evaluate.longest)
    count = min(points, 2_000)
    worst = (-1.0, {})
    for values in _tuples(symbols, space, count, rng):
        y = float(run(*values))
        (exact,), (size,) = evaluate(values)
        error = relative(y, exact, size, unit)
        if error > worst[0]:
            worst = (error, dict(zip(map(str, symbols), values, strict=True)))
        if error > bound:
            x = mp.to_float(exact)
            where = ", ".join(f"{s} = {v!r}" for s, v in worst[1].items())
            reason = array_reason(y, x, {})
            raise VerificationError(
                f"{name} does not agree with ({derivation.number}): at {where} it returns {y!r}, "
                f"the equation gives {x!r}, {error:.3g} {UNIT} away (bound: {bound:g}). Likely: "
                f"{reason}.", point=worst[1], found=y, expected=x, error=error, unit=UNIT,
                reason=reason)
    return Verification(
        number=str(derivation.number), function=name, bound=bound, unit=UNIT, points=count,
        where=f"at {count:,} points of magnitudes 1e-60 to 1e60", worst_error=float(worst[0]),
        worst_at=worst[1], domain=" × ".join(sorted({str(s) for s in symbols})),
        narrowed=because)


def _tuples(symbols, space, count, rng):
    """Draw values of one common magnitude, with zeros and ones among them."""
    columns = []
    shift = rng.integers(-190, 190, count) * (rng.random(count) < 0.5)
    for s in symbols:
        domain = space[s]
        if domain.is_subset(sp.Interval(-1000, 1000)):
            columns.append(scalar_points(domain, count, rng)[rng.permutation(count)])
            continue
        x = np.ldexp(rng.standard_normal(count), rng.integers(-8, 8, count) + shift)
        x = np.where(rng.random(count) < 0.05, rng.choice([0.0, 1.0, -1.0], count), x)
        low, high = domain.inf, domain.sup
        if low >= 0 or high <= 0:
            x = np.abs(np.where(x == 0, 1.0, x)) * (1.0 if low >= 0 else -1.0)
        columns.append(x)
    for row in zip(*[c.tolist() for c in columns], strict=True):
        if all(v in space[s] or space[s].contains(sp.Float(v)) is not sp.false
               for s, v in zip(symbols, row, strict=True)):
            yield row
