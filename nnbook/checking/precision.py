r"""Fifty correct digits, and the distance of a float from them in units in the last place.

An expression is evaluated in enclosures (`nnbook.checking.enclosure`), the working precision
raised until 50 digits are certain, up to 5,000. Where that is not enough, an equal expression or a
declared asymptote, checked first, stands in. Functions without an enclosure are evaluated twice by
mpmath, until two evaluations agree to 50 digits; there an exact 0 counts only if SymPy proves it.
"""

import math

import mpmath
import numpy as np
import sympy as sp
from mpmath import libmp as mp

from nnbook.checking.enclosure import EXACT, _mag, correct_bits
from nnbook.checking.program import Program, Undefined, Unresolved, Unsupported

DIGITS = 50
MAX_DIGITS = 5_000
_BITS = 167                                           # 50 digits
_LADDER = (212, 512, 1_300, 4_200, 16_700)            # bits; the last is 5,000 digits and a guard

FORMATS = {"float64": (53, -1074, 1024), "float32": (24, -149, 128), "float16": (11, -24, 16)}
"""Per format: bits of the significand, exponent of the smallest subnormal, exponent of overflow."""


class PrecisionError(ArithmeticError):
    """An expression whose value could not be had to 50 correct digits."""


class Evaluator:
    """An expression, to be evaluated to 50 correct digits at many points.

    Parameters
    ----------
    expr : sympy.Expr
        Real expression; unevaluated derivatives are carried out.
    symbols : sequence of sympy.Symbol
        Symbols in the order in which values will be given.
    equals : sequence of sympy.Expr
        Expressions proved equal to ``expr`` (the other lines of its derivation). One is asked
        where ``expr`` needs more digits.
    asymptotes : dict, optional
        ``{sympy.oo: g, -sympy.oo: h}``: what ``expr`` tends to, in ratio, far out. Used past 5,000
        digits only, and checked first.
    stable : bool
        Evaluate the well-known cancelling forms without their subtraction.

    Raises
    ------
    ValueError
        If an asymptote is not one.

    Examples
    --------
    >>> z = sp.Symbol("z", real=True)
    >>> mpmath.nstr(Evaluator(1 - sp.tanh(z)**2, [z])(200.0), 12)
    '7.66067838686e-174'
    """

    def __init__(self, expr, symbols, *, equals=(), asymptotes=None, stable=True):
        self.symbols = list(symbols)
        self.expr = sp.sympify(expr).doit()
        self._programs, self._twice = [], None
        for e in [self.expr, *(sp.sympify(other).doit() for other in equals)]:
            try:
                self._programs.append(Program(e, self.symbols, stable=stable))
            except Unsupported as error:
                if e is self.expr:
                    self._twice = (_Twice(self.expr, self.symbols), str(error))
        self._algebraic = not self.expr.atoms(sp.Function) - self.expr.atoms(
            sp.Max, sp.Min, sp.Abs, sp.sign, sp.Heaviside, sp.Piecewise)
        self._asymptotes = {}
        for end, g in (asymptotes or {}).items():
            self._asymptotes[end] = self._checked_asymptote(end, sp.sympify(g), stable)

    def raw(self, *values, floor=None):
        """Return the value at binary floats as a raw mpmath number of 50 correct digits.

        With ``floor``, a value proved to be below ``2**floor`` needs no digits: a float that
        underflows to zero is right whatever they are.
        """
        inputs = [(mp.from_float(float(v)), EXACT) for v in values]
        for wp in _LADDER if self._twice is None or len(self._programs) else ():
            for program in self._programs:
                try:
                    result = program(wp, *inputs)
                except Unresolved:
                    continue
                bits = correct_bits(result)
                if bits is None or bits >= _BITS:
                    return result[0]
                if wp > _LADDER[0] and bits < 0 and self._algebraic and \
                        proved_zero(self.expr, self.symbols, values):
                    return mp.fzero
                if floor is not None and max(_mag(result[0]), result[1]) < floor - 1:
                    return result[0]
        if self._twice is not None:
            found = self._twice[0](values)
            if found is not None:
                return found
        far = self._far(values)
        if far is not None:
            return far.raw(*values)
        where = ", ".join(f"{s} = {float(v)!r}" for s, v in zip(self.symbols, values, strict=True))
        raise PrecisionError(
            f"{self.expr} has no {DIGITS} correct digits at {where} within {MAX_DIGITS:,} working "
            "digits; declare what it tends to with asymptotes={oo: ..., -oo: ...}, or narrow the "
            "domain and say why with because=")

    def __call__(self, *values):
        """Return the value at binary floats as an `mpmath.mpf` of 50 correct digits."""
        return mpmath.mp.make_mpf(self.raw(*values))

    def _far(self, values):
        if len(values) != 1:
            return None
        for end, (start, evaluator) in self._asymptotes.items():
            if (values[0] >= start) if end is sp.oo else (values[0] <= start):
                return evaluator
        return None

    def _checked_asymptote(self, end, g, stable):
        """Hold g to the expression as far out as that can be evaluated; return (start, g)."""
        if len(self.symbols) != 1 or end not in (sp.oo, -sp.oo):
            raise ValueError("asymptotes needs one symbol and the keys oo and -oo, got "
                             f"{end} with {len(self.symbols)} symbols")
        evaluator = Evaluator(g, self.symbols, stable=stable)
        gaps, start = [], None
        for k in range(1, 1024):
            x = math.ldexp(1.0 if end is sp.oo else -1.0, k)
            try:
                f, a = self(x), evaluator(x)
            except PrecisionError:
                break
            start = x
            with mpmath.workdps(DIGITS + 10):
                gaps.append(abs(f - a) / abs(f) if f else (mpmath.mpf(0) if not a else mpmath.inf))
        last = gaps[-3:]
        if len(last) < 3 or sorted(last, reverse=True) != last or last[-1] > mpmath.mpf(2)**-64:
            gap = mpmath.nstr(last[-1], 3) if last else "unknown"
            raise ValueError(f"{g} is no asymptote of {self.expr} at {end}: the relative "
                             f"difference at {self.symbols[0]} = {start} is {gap}")
        return start, evaluator


class _Twice:
    """The fallback: mpmath at two precisions, until they agree to 50 digits."""

    def __init__(self, expr, symbols):
        self.expr, self.symbols = expr, symbols
        self.function = sp.lambdify(symbols, expr, "mpmath")

    def __call__(self, values):
        previous = None
        for digits in (60, 90, 160, 400, 1_300, MAX_DIGITS):
            with mpmath.workdps(digits):
                try:
                    found = mpmath.mpmathify(self.function(*(mpmath.mpf(float(v)) for v in values)))
                except (ZeroDivisionError, ValueError) as error:
                    raise Undefined(f"{self.expr}: {error}") from None
            if isinstance(found, mpmath.mpc):
                raise Undefined(f"{self.expr} is not real")
            if found == 0:
                if proved_zero(self.expr, self.symbols, values):
                    return mp.fzero
            elif previous is not None:
                with mpmath.workdps(digits):
                    if abs(found - previous) <= abs(found) * mpmath.mpf(10)**-DIGITS:
                        return found._mpf_
            previous = found
        return None


def proved_zero(expr, symbols, values):
    """Tell whether SymPy proves an expression to be 0 at exact binary floats."""
    exact = {s: sp.Rational(*float(v).as_integer_ratio())
             for s, v in zip(symbols, values, strict=True)}
    return expr.xreplace(exact).is_zero is True


def evaluate(expr, values, **options):
    """Return an expression's value at exact binary floats, to 50 correct digits.

    Parameters
    ----------
    expr : sympy.Expr
        Real expression.
    values : dict
        ``{symbol: float}``; each float is taken for the binary number that it is.
    **options
        ``equals``, ``asymptotes``, ``stable`` of `Evaluator`.

    Returns
    -------
    value : mpmath.mpf
        Correct to 50 digits. A 0 is proved to be 0.

    Raises
    ------
    PrecisionError
        If 5,000 working digits do not suffice and no asymptote is declared.
    Undefined
        If the expression has no real value at the point.

    Examples
    --------
    At 50 working digits this would come out as 0:

    >>> z = sp.Symbol("z", real=True)
    >>> mpmath.nstr(evaluate(sp.log(1 + sp.exp(z)), {z: -200.0}), 10)
    '1.383896527e-87'
    """
    return Evaluator(expr, list(values), **options)(*values.values())


def _format(dtype):
    name = np.dtype(dtype).name
    if name not in FORMATS:
        raise TypeError(f"dtype must be float64, float32 or float16, got {name}")
    return FORMATS[name]


def _raw(x):
    if isinstance(x, tuple):
        return x
    return x._mpf_ if hasattr(x, "_mpf_") else mp.from_float(float(x))


def nearest(exact, dtype="float64"):
    """Return the float of a format nearest to an exact number, ties to even.

    Parameters
    ----------
    exact : mpmath.mpf or float
        The number.
    dtype : dtype
        float64, float32 or float16. Subnormals and overflow to infinity as IEEE 754 has them.

    Returns
    -------
    x : float
        A Python float that the format holds exactly.

    Examples
    --------
    >>> nearest(mpmath.mpf(2)**-1075 * 3)      # a tie: between one and two times 2**-1074
    1e-323
    >>> nearest(65520.0, "float16"), nearest(65519.0, "float16")
    (inf, 65504.0)
    """
    bits, tiny, huge = _format(dtype)
    return _nearest(_raw(exact), bits, tiny, huge)


def _nearest(x, bits, tiny, huge):
    sign, man, exp, bc = x
    if not man:
        return mp.to_float(x)
    if exp + bc > huge + 1:
        return -math.inf if sign else math.inf
    if exp + bc < tiny - 1:
        return -0.0 if sign else 0.0
    man = int(man)
    unit = max(exp + bc - bits, tiny)
    shift = unit - exp
    if shift > 0:
        half, low = 1 << (shift - 1), man & ((1 << shift) - 1)
        man >>= shift
        if low > half or (low == half and man & 1):
            man += 1
        exp = unit
    if man.bit_length() + exp > huge:
        return -math.inf if sign else math.inf
    return math.ldexp(-man if sign else man, exp)


def ulps(found, exact, dtype="float64"):
    """Return how far a float is from an exact number, in units in the last place.

    The unit is the spacing of the format's floats at the exact number, never less than the
    smallest subnormal. An infinity is right where the exact number rounds to it, and counts as the
    first number past the format elsewhere. The sign of a zero is not looked at.

    Parameters
    ----------
    found : float
        What a program returned.
    exact : mpmath.mpf
        What is true.
    dtype : dtype
        The format whose units count.

    Returns
    -------
    distance : float
        At most 0.5 for a correctly rounded number; infinite for nan.

    Examples
    --------
    >>> ulps(1.0, mpmath.mpf(1) + mpmath.mpf(2)**-52)
    1.0
    >>> ulps(0.0, mpmath.mpf(2)**-1074)        # a subnormal lost is one unit
    1.0
    """
    return _ulps(float(found), _raw(exact), *_format(dtype))


def _ulps(y, x, bits, tiny, huge, size=None):
    size = x if size is None else size
    if y != y:
        return math.inf
    if math.isinf(y):
        if _nearest(x, bits, tiny, huge) == y:
            return 0.0
        found = (0 if y > 0 else 1, 1, huge, 1)
    else:
        found = mp.from_float(y)
    gap = mp.mpf_sub(found, x, 53, "n")
    if not gap[1]:
        return 0.0
    unit = max(_mag(size) - bits, tiny) if size[1] else tiny
    return abs(mp.to_float(mp.mpf_shift(gap, -unit)))


__all__ = ["DIGITS", "FORMATS", "MAX_DIGITS", "Evaluator", "PrecisionError", "Undefined",
           "evaluate", "nearest", "ulps"]
