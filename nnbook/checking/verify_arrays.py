"""Verification of arrays, counting formulas and theorems.

Rounding errors of a sum grow with its terms, so arrays are held to |error| ≤ 8 ε √n Σ|terms|
(see `nnbook.checking.terms`), ε the spacing of floats at 1.
"""

import math

import numpy as np
import sympy as sp
from mpmath import libmp as mp

from nnbook.checking.enclosure import EXACT, _mag
from nnbook.checking.explicit import entries, explicit, sizes_in
from nnbook.checking.precision import _BITS, _LADDER, PrecisionError
from nnbook.checking.program import Program, Unresolved
from nnbook.checking.terms import terms
from nnbook.checking.verification import Verification, VerificationError

UNIT = "ε√n Σ|terms|"
LARGEST = 5            # random sizes are 1 to 5: every entry is a formula of its own


class ArrayTask:
    """A matrix equation against a function of arrays, at many shapes."""

    def __init__(self, derivation, run, symbols, name, bound, shapes, sample, where, let, over,
                 empty, fixed, because, least):
        self.derivation, self.run, self.symbols, self.name = derivation, run, symbols, name
        self.bound, self.shapes, self.sample, self.where = bound, shapes, sample, where
        self.let, self.over, self.empty, self.because = let, over, empty, because
        self.least = least
        self.expr = derivation.rhs.xreplace(fixed) if fixed else derivation.rhs
        self.sizes = self._size_symbols()

    def _size_symbols(self):
        found = set(sizes_in(s for s in self.symbols if not isinstance(s, sp.MatrixBase)))
        for s in self.symbols:
            if isinstance(s, sp.IndexedBase):
                if s.shape is None:
                    raise ValueError(f"{s} needs a shape: sp.IndexedBase({str(s)!r}, shape=(N, K))")
        return sorted(found, key=lambda n: n.name)

    def verify(self, rng):
        """Return the Verification, or refuse."""
        worst, entries_checked = (-1.0, {}), 0
        plan = self._plan(rng)
        for k, sizes in enumerate(plan):
            dtype = ("float64", "float32")[k % 2]
            error, at, count = self._at(sizes, dtype, rng)
            entries_checked += count
            if error > worst[0]:
                worst = (error, at)
        where = f"at {len(plan)} random draws" if not self.sizes else (
            f"at {len(plan)} shapes, among them every axis of length "
            + " or ".join(sorted({str(self.least.get(n, 1)) for n in self.sizes}))
            + (" and 0" if self._has_empty(plan) else ""))
        return Verification(
            number=str(self.derivation.number), function=self.name, bound=self.bound, unit=UNIT,
            points=entries_checked, where=f"{where}, in float64 and float32",
            worst_error=float(worst[0]), worst_at=worst[1], domain="all shapes",
            narrowed=self.because)

    @staticmethod
    def _has_empty(plan):
        return any(0 in sizes.values() for sizes in plan)

    def _plan(self, rng):
        """Shapes: all ones, each axis 1, each axis 0, then random ones; none below the least."""
        least = {n: self.least.get(n, 1) for n in self.sizes}
        draw = lambda: {n: int(rng.integers(least[n], LARGEST + 1)) for n in self.sizes}  # noqa: E731
        plan = []
        if self.sizes:
            plan.append(dict(least))
            for n in self.sizes:
                plan.append({**draw(), n: least[n]})
            if self.empty:
                plan += [{**draw(), n: 0} for n in self.sizes if n not in self.least]
        return plan + [draw() for _ in range(self.shapes)]

    def _at(self, sizes, dtype, rng):
        env = {"sizes": sizes}
        flat, numbers, arguments = [], [], []
        for s in self.symbols:
            shape = tuple(int(sp.sympify(n).xreplace(sizes)) for n in s.shape) \
                if not isinstance(s, sp.Symbol) else ()
            array = self._draw(s, shape, dtype, rng)
            numbers += [float(v) for v in np.ravel(array)]
            if isinstance(s, sp.MatrixBase):
                flat += list(s)
            elif isinstance(s, sp.Symbol):
                flat.append(s)
            else:
                env[s] = entries(str(s), shape)
                flat += list(_flatten(env[s]))
            literal = [k for k, n in enumerate(s.shape) if n == 1] if shape else []
            array = np.squeeze(array, axis=tuple(literal)) if literal else array
            arguments.append(array if shape else float(array))
        nested, shape, definitions = self._expected(env)
        wanted = list(_flatten(nested))
        given = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
        found = np.asarray(self.run(*given))
        for symbol, before, after in zip(self.symbols, arguments, given, strict=True):
            unchanged(self.name, str(symbol), before, after)
        self._check_shape(found, shape, sizes, dtype)
        if not wanted:
            return -1.0, {}, 0
        entry = Entries(wanted, flat, definitions)
        exact, size = entry(numbers)
        unit = float(np.finfo(dtype).eps) * math.sqrt(entry.longest)
        worst = (-1.0, {})
        for k, y in enumerate(np.ravel(found).tolist()):
            error = relative(y, exact[k], size[k], unit)
            if error > worst[0]:
                place = tuple(int(i) for i in np.unravel_index(k, shape)) if shape else ()
                worst = (error, {"sizes": {str(n): v for n, v in sizes.items()},
                                 "entry": list(place), "dtype": dtype})
                if error > self.bound:
                    self._refuse(place, y, exact[k], error, sizes, dtype)
        return (*worst, len(wanted))

    def _refuse(self, place, y, exact, error, sizes, dtype):
        x = mp.to_float(exact)
        shapes = ", ".join(f"{n} = {v}" for n, v in sizes.items()) or "the given shape"
        reason = array_reason(y, x, sizes)
        raise VerificationError(
            f"{self.name} does not agree with ({self.derivation.number}): at {shapes} ({dtype}), "
            f"entry {place}, it returns {y!r}, the equation gives {x!r}, {error:.3g} {UNIT} away "
            f"(bound: {self.bound:g}). Likely: {reason}.",
            point={**{str(n): v for n, v in sizes.items()}, "entry": place}, found=y, expected=x,
            error=error, unit=UNIT, reason=reason)

    def _draw(self, symbol, shape, dtype, rng):
        for key, draw in self.sample.items():
            if key == symbol or (isinstance(key, sp.MatrixBase) and key is symbol):
                return np.asarray(draw(rng, shape)).astype(dtype)
        scale = 2.0**rng.uniform(-6, 6)
        return (scale * rng.standard_normal(shape)).astype(dtype)

    def _expected(self, env):
        """Return the equation's entries, their shape, and what they are made of."""
        env, definitions = dict(env), []
        for item in self.where:
            symbol, equation, names = item if len(item) == 3 else (*item, {})
            expr = getattr(equation, "rhs", equation)
            local = {**env, **{old: env[new] for old, new in names.items()}}
            nested, _ = explicit(expr, local, let=self.let)
            if isinstance(symbol, sp.MatrixSymbol) and not isinstance(nested, list):
                nested = [[nested]]
            env[symbol] = _named(nested, str(symbol), definitions)
        return *explicit(self.expr, env, over=self.over, let=self.let), definitions

    def _check_shape(self, found, shape, sizes, dtype):
        shapes = ", ".join(f"{n} = {v}" for n, v in sizes.items())
        squeezed = tuple(n for n, s in zip(shape, _literal(self.expr, shape), strict=True)
                         if not s)
        if found.shape not in (tuple(shape), squeezed):
            raise VerificationError(
                f"{self.name} returns the shape {found.shape} at {shapes or 'the given shape'}, "
                f"the equation has {tuple(shape)}", found=found.shape, expected=tuple(shape),
                reason="a transpose, a sum over the wrong axis, or another output of the function")
        if found.dtype != np.dtype(dtype):
            raise VerificationError(f"{self.name} turns {dtype} into {found.dtype}; it must keep "
                                    "the dtype", reason="a constant or a call promotes")


def unchanged(name, symbol, before, after):
    """Refuse a function that wrote into its argument."""
    if np.array_equal(before, after, equal_nan=True):
        return
    at = tuple(int(n) for n in np.argwhere(np.asarray(before) != after)[0])
    was, now = float(before[at]), float(after[at])
    raise VerificationError(
        f"{name} changes its argument {symbol}: entry {at} was {was!r} and is {now!r} after the "
        "call. Whoever called it goes on with wrong numbers.", point={symbol: was, "entry": at},
        found=now, expected=was, reason="it writes into the array that it is given; write into "
                                        "a copy, or into a new array")


def _literal(expr, shape):
    """Tell which axes of the result are 1 in the equation itself (vectors)."""
    own = getattr(expr, "shape", None)
    return [n == 1 for n in own] if own is not None else [False] * len(shape)


def _named(nested, name, definitions):
    """Give every entry of an intermediate result a symbol, so that nothing is written twice."""
    if isinstance(nested, list):
        return [_named(part, name, definitions) for part in nested]
    symbol = sp.Dummy(name, real=True)
    definitions.append((symbol, nested))
    return symbol


def _flatten(nested):
    if not isinstance(nested, list):
        yield nested
        return
    for part in nested:
        yield from _flatten(part)


class Entries:
    """Expressions with their Σ|terms|, evaluated together."""

    def __init__(self, wanted, symbols, definitions=()):
        self.values = Program(wanted, symbols, definitions=definitions)
        known, sizes = {}, []
        for symbol, meaning in definitions:
            size = terms(meaning, known=known)
            known[symbol] = sp.Dummy("t", nonnegative=True)
            sizes += [(symbol, meaning), (known[symbol], size)]
        self.sizes = Program([terms(e, known=known) for e in wanted], symbols, definitions=sizes)
        every = [*wanted, *(meaning for _, meaning in definitions)]
        self.longest = max((len(a.args) for e in every for a in e.atoms(sp.Add)), default=1)

    def __call__(self, numbers):
        """Return exact values and the sizes of their terms, as raw mpmath numbers."""
        inputs = [(mp.from_float(x), EXACT) for x in numbers]
        sizes = _resolve(self.sizes, inputs, None)
        # Digits count from the size of the terms down: an entry may well be 0.
        return _resolve(self.values, inputs, [_mag(x) - 1 - _BITS for x in sizes]), sizes


def _resolve(program, inputs, needed):
    """Return every output, known to within 2**needed, or to six digits if that is None."""
    for wp in _LADDER:
        try:
            balls = program(wp, *inputs)
        except Unresolved:
            continue
        limits = [_mag(x) - 20 for x, _ in balls] if needed is None else needed
        if all(radius == EXACT or radius <= limit
               for (_, radius), limit in zip(balls, limits, strict=True)):
            return [x for x, _ in balls]
    raise PrecisionError("the matrix equation has entries without 50 correct digits within 5,000 "
                         "working digits; draw other arguments with sample=")


def relative(y, exact, size, unit):
    """Return |y - exact| in units of ``unit`` times the size of the terms."""
    if not math.isfinite(y):
        return math.inf
    gap = mp.mpf_abs(mp.mpf_sub(mp.from_float(y), exact, 53, "n"))
    if not gap[1]:
        return 0.0
    floor = mp.mpf_add(mp.mpf_mul(size, mp.from_float(unit), 53, "n"),
                       mp.from_float(5e-324), 53, "n")
    return mp.to_float(mp.mpf_div(gap, floor, 53, "n"))


def array_reason(y, x, sizes):
    """Guess what went wrong from what was found and what was expected."""
    if not math.isfinite(y):
        return "an intermediate result overflowed"
    if y == -x:
        return "the sign is wrong"
    lost = [n for n, v in sizes.items() if v > 1 and x and abs(y / x / v - 1) < 1e-4]
    if lost:
        return f"a factor {' or '.join(f'1/{n}' for n in lost)} is missing"
    extra = [n for n, v in sizes.items() if v > 1 and x and abs(y * v / x - 1) < 1e-4]
    if extra:
        return f"there is a factor {' or '.join(f'1/{n}' for n in extra)} too many"
    if x and any(abs(y / x / f - 1) < 1e-4 for f in (2, 0.5)):
        return f"a factor is wrong: the function is {2 if abs(y) > abs(x) else 0.5} times the "\
               "equation here"
    if x and abs(y / x - 1) < 1e-3:
        return "cancellation, or an intermediate result in a shorter format"
    return "a transposed factor, a missing term, or a derivative at the wrong argument"


def integers(derivation, run, symbols, name, points, rng):
    """Hold a counting formula to its equation, exactly."""
    count = min(points, 200)
    for k in range(count):
        high = 4 if k < 20 else 2_000
        values = [int(v) for v in rng.integers(1, high, len(symbols))]
        exact = derivation.rhs.xreplace({s: sp.Integer(v)
                                         for s, v in zip(symbols, values, strict=True)}).doit()
        found = run(*values)
        if found != int(exact):
            where = ", ".join(f"{s} = {v}" for s, v in zip(symbols, values, strict=True))
            raise VerificationError(
                f"{name} does not agree with ({derivation.number}): at {where} it returns "
                f"{found!r}, the equation gives {exact}. Likely: a term is missing or counted "
                "twice.", found=found, expected=int(exact),
                point=dict(zip(map(str, symbols), values, strict=True)), error=math.inf,
                unit="exact", reason="a term is missing or counted twice")
    return Verification(number=str(derivation.number), function=name, bound=0, unit="exact",
                        points=count, where=f"at {count:,} random integers", worst_error=0.0,
                        worst_at={}, domain="positive integers")


def theorem(theorem, holds, name, points, rng):
    """Run a theorem's claim at random instances."""
    count, closest = min(points, 1_000), -math.inf
    for k in range(count):
        outcome = holds(rng)
        if isinstance(outcome, tuple):
            smaller, larger = map(float, outcome)
            slack = 1e-12 * max(abs(smaller), abs(larger))
            true = smaller <= larger + slack
            if larger:
                closest = max(closest, smaller / larger)
        else:
            smaller, larger, true = outcome, True, bool(outcome)
        if not true:
            raise VerificationError(
                f"({theorem.number}) fails with {name} at random instance {k}: {smaller!r} is "
                f"not at most {larger!r}", found=smaller, expected=larger, error=math.inf,
                unit="holds", reason="a hypothesis of the theorem is violated, or the bound is "
                                     "computed wrongly")
    return Verification(number=str(theorem.number), function=name, bound=1.0, unit="holds",
                        points=count, where=f"at {count:,} random instances",
                        worst_error=float(closest) if closest > -math.inf else 0.0, worst_at={},
                        domain="the theorem's hypotheses")
