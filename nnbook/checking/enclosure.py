r"""Enclosures: a number together with a bound on its error, at any precision.

A *ball* is a pair ``(value, radius)``: ``value`` is a raw mpmath number and ``radius`` an integer
``E`` such that the true number lies within ``2**E`` of it. Every operation below returns a ball
that contains the true result, so that a result whose radius is small *is* correct: nothing has to
be inferred from two evaluations that happen to agree. ``EXACT`` marks a ball of radius zero.
"""

from mpmath import libmp as mp
from mpmath.libmp import fnone, fone, fzero

EXACT = -(1 << 8192)
"""The radius of an exact ball: smaller than any exponent that float64 inputs can lead to."""

ZERO, ONE = (fzero, EXACT), (fone, EXACT)


class Unresolved(ArithmeticError):
    """The ball is too wide to decide (a sign, a branch, a divisor): more precision is needed."""


class Undefined(ArithmeticError):
    """The expression has no real value here (a division by exact zero, the log of a negative)."""


class Unsupported(NotImplementedError):
    """The expression holds a function for which no enclosure is written."""


def _mag(x):
    """Return the exponent m with |x| < 2**m and |x| >= 2**(m - 1)."""
    return x[2] + x[3] if x[1] else EXACT


def _sign(a):
    """Return the sign of a ball, refusing to guess."""
    x, e = a
    if e == EXACT:
        return 0 if not x[1] else (-1 if x[0] else 1)
    if _mag(x) - 1 <= e:
        raise Unresolved
    return -1 if x[0] else 1


def _rounded(x, wp):
    """Return an exact number as a ball of at most ``wp`` bits."""
    if x[3] <= wp:
        return x, EXACT
    return mp.mpf_pos(x, wp, "n"), _mag(x) - wp


def neg(a):
    """Return -a."""
    return mp.mpf_neg(a[0]), a[1]


def add(a, b, wp):
    """Return a + b."""
    x, ex = a
    y, ey = b
    if ex == EXACT and ey == EXACT:
        if not x[1]:
            return _rounded(y, wp)
        if not y[1]:
            return _rounded(x, wp)
        if abs(_mag(x) - _mag(y)) < wp + 4096:      # else the shift would fill the memory
            return _rounded(mp.mpf_add(x, y), wp)
    r = mp.mpf_add(x, y, wp, "n")
    return r, max(ex, ey, _mag(r) - wp) + 2


def mul(a, b, wp):
    """Return a b."""
    x, ex = a
    y, ey = b
    if ex == EXACT:
        if not x[1]:
            return ZERO
        if ey == EXACT:
            return _rounded(mp.mpf_mul(x, y), wp)
    if ey == EXACT and not y[1]:
        return ZERO
    r = mp.mpf_mul(x, y, wp, "n")
    e = _mag(r) - wp
    if ex != EXACT:
        e = max(e, _mag(y) + ex)
        if ey != EXACT:
            e = max(e, ex + ey)
    if ey != EXACT:
        e = max(e, _mag(x) + ey)
    return r, e + 2


def inv(a, wp):
    """Return 1/a."""
    x, e = a
    s = _sign(a)
    if s == 0:
        raise Undefined("division by zero")
    m = _mag(x) - 1
    if e == EXACT:
        r = mp.mpf_div(fone, x, wp, "n")
        return (r, EXACT) if x[1] == 1 else (r, _mag(r) - wp)
    if e > m - 2:
        raise Unresolved
    r = mp.mpf_div(fone, x, wp, "n")
    return r, max(e - 2 * m + 1, _mag(r) - wp) + 1


def div(a, b, wp):
    """Return a/b."""
    if a[1] == EXACT and not a[0][1]:
        if _sign(b) == 0:
            raise Undefined("0/0")
        return ZERO
    return mul(a, inv(b, wp), wp)


def power(a, n, wp):
    """Return ``a**n`` for an integer n."""
    if n < 0:
        return inv(power(a, -n, wp + 8), wp)
    x, e = a
    if n == 0:
        return ONE
    if e == EXACT:
        if not x[1]:
            return ZERO
        if x[3] * n <= wp:
            return mp.mpf_pow_int(x, n, wp, "n"), EXACT
        r = mp.mpf_pow_int(x, n, wp, "n")
        return r, _mag(r) - wp + 1
    r = mp.mpf_pow_int(x, n, wp, "n")
    relative = e - (_mag(x) - 1) + n.bit_length()
    if not x[1] or relative > -2:
        return r, n * (max(_mag(x), e) + 1) + 1
    return r, max(_mag(r) + relative, _mag(r) - wp) + 2


def root(a, wp):
    """Return the square root."""
    x, e = a
    s = _sign(a)
    if s < 0:
        raise Undefined("square root of a negative number")
    if s == 0:
        return ZERO
    r = mp.mpf_sqrt(x, wp, "n")
    if e == EXACT:
        return r, (EXACT if mp.mpf_mul(r, r) == x else _mag(r) - wp)
    if e > _mag(x) - 3:
        raise Unresolved
    return r, max(_mag(r) + e - _mag(x) + 1, _mag(r) - wp) + 1


def exp(a, wp):
    """Return exp(a); of a wide ball far below 0, only that it is tiny."""
    x, e = a
    if e == EXACT and not x[1]:
        return ONE
    if e > -2:
        if not x[0] or _mag(x) - 2 <= e:
            raise Unresolved
        return fzero, _mag(mp.mpf_exp(mp.mpf_shift(x, -1), 20, "n")) + 1   # below exp(x/2)
    r = mp.mpf_exp(x, wp, "n")
    return r, max(_mag(r) + e + 1, _mag(r) - wp + 1) + 1


def log(a, wp):
    """Return log(a)."""
    x, e = a
    s = _sign(a)
    if s < 0:
        raise Undefined("logarithm of a negative number")
    if s == 0:
        raise Undefined("logarithm of zero")
    if e == EXACT:
        if x == fone:
            return ZERO
        r = mp.mpf_log(x, wp, "n")
        return r, _mag(r) - wp + 1
    if e > _mag(x) - 3:
        raise Unresolved
    r = mp.mpf_log(x, wp, "n")
    return r, max(e - _mag(x) + 2, _mag(r) - wp + 1) + 1


def log1p(a, wp):
    """Return log(1 + a), also for an a so small that 1 + a rounds to 1."""
    x, e = a
    if e == EXACT and not x[1]:
        return ZERO
    m = _mag(x)
    if m > -4 or not x[1]:
        return log(add(ONE, a, wp), wp)
    if m < -wp:                                       # log(1 + x) = x - x**2/2 + ...
        return x, max(e, 2 * m) + 1
    r = mp.mpf_log(mp.mpf_add(fone, x, 2 * wp - m, "n"), wp, "n")
    return r, max(e + 1, _mag(r) - wp + 1) + 1


def expm1(a, wp):
    """Return exp(a) - 1, also for a tiny a."""
    x, e = a
    if e == EXACT and not x[1]:
        return ZERO
    m = _mag(x)
    if m > -2 or not x[1]:
        return add(exp(a, wp), (fnone, EXACT), wp)
    if m < -wp:
        return x, max(e, 2 * m) + 1
    r = mp.mpf_sub(mp.mpf_exp(x, wp - m + 4, "n"), fone, wp, "n")
    return r, max(e + 1, _mag(r) - wp + 2) + 1


def _lipschitz(function):
    """Lift a function with |f'| <= 1, f(0) = 0 and relative rounding to balls."""
    def lifted(a, wp):
        x, e = a
        if e == EXACT and not x[1]:
            return ZERO
        r = function(x, wp, "n")
        return r, max(e, _mag(r) - wp + 1) + 1
    return lifted


tanh = _lipschitz(mp.mpf_tanh)
sin = _lipschitz(mp.mpf_sin)
atan = _lipschitz(mp.mpf_atan)


def erf(a, wp):
    """Return erf(a)."""
    x, e = a
    if e == EXACT and not x[1]:
        return ZERO
    if _mag(x) > 12 and e < _mag(x) - 2:              # 1 - |erf| < exp(-2**22)
        return (fnone if x[0] else fone), 1 - wp
    r = mp.mpf_erf(x, wp, "n")                        # slope at most 2/sqrt(pi) < 2
    return r, max(e + 1, _mag(r) - wp + 2) + 1


def cos(a, wp):
    """Return cos(a)."""
    if a[1] == EXACT and not a[0][1]:
        return ONE
    r = mp.mpf_cos(a[0], wp, "n")
    return r, max(a[1], _mag(r) - wp + 1) + 1


def _half(a):
    x, e = a
    return mp.mpf_shift(x, -1), (e if e == EXACT else e - 1)


def cosh(a, wp):
    """Return cosh(a)."""
    e = exp(a, wp)
    return _half(add(e, inv(e, wp), wp))


def sinh(a, wp):
    """Return sinh(a), also for a tiny a."""
    u = expm1(a, wp)                                  # (u + u/(1 + u))/2
    return _half(add(u, div(u, add(ONE, u, wp), wp), wp))


def erfc(a, wp):
    """Return 1 - erf(a) without the subtraction."""
    x, e = a
    if e == EXACT and not x[1]:
        return ONE
    m = _mag(x)
    if x[0] and m > 12:                               # 2 - erfc < exp(-2**22)
        if m - 2 <= e:
            raise Unresolved
        return mp.ftwo, 1 - wp
    if x[0] or m <= 1:                                # |slope| < 2, erfc >= 0.004
        r = mp.mpf_erfc(x, wp, "n")
        return r, max(e + 1, _mag(r) - wp + 4) + 1
    if e != EXACT and e + m > -3:
        if m - 2 <= e:
            raise Unresolved
        square = mp.mpf_shift(mp.mpf_mul(x, x, 30, "n"), -2)
        return fzero, _mag(mp.mpf_exp(mp.mpf_neg(square), 20, "n")) + 1  # below exp(-x**2/4)
    r = mp.mpf_erfc(x, wp, "n") if m < 12 else _erfc_far(x, wp)
    radius = _mag(r) - wp + 4
    return r, (radius if e == EXACT else max(radius, _mag(r) + m + e + 4) + 1)


def _erfc_far(x, wp):
    """Return exp(-x**2)/(x sqrt(pi)) (1 - 1/(2x**2) + 3/(2x**2)**2 - ...) for x >= 2048."""
    p = wp + 20
    square = mp.mpf_mul(x, x)
    ratio = mp.mpf_div(fone, mp.mpf_shift(square, 1), p, "n")
    term = total = fone
    k = 1
    while term[1] and _mag(term) > -p:
        term = mp.mpf_neg(mp.mpf_mul(mp.mpf_mul_int(term, 2 * k - 1, p, "n"), ratio, p, "n"))
        total = mp.mpf_add(total, term, p, "n")
        k += 1
    tail = mp.mpf_exp(mp.mpf_neg(square), p, "n")
    bottom = mp.mpf_mul(x, mp.mpf_sqrt(mp.mpf_pi(p), p, "n"), p, "n")
    return mp.mpf_div(mp.mpf_mul(tail, total, p, "n"), bottom, wp, "n")


def absolute(a):
    """Return |a|."""
    return mp.mpf_abs(a[0]), a[1]


def maximum(a, b, wp):
    """Return the larger of a and b."""
    d = add(a, neg(b), wp)
    try:
        return a if _sign(d) >= 0 else b
    except Unresolved:                                # max is 1-Lipschitz: the wider radius holds
        return (a if not d[0][0] else b)[0], max(a[1], b[1])


def minimum(a, b, wp):
    """Return the smaller of a and b."""
    return neg(maximum(neg(a), neg(b), wp))


def sign(a):
    """Return the sign of a, exactly."""
    s = _sign(a)
    return ONE if s > 0 else (fnone, EXACT) if s < 0 else ZERO


def real_power(a, b, wp):
    """Return ``a**b`` for a positive a (or zero to a positive power)."""
    if _sign(a) == 0:
        if _sign(b) > 0:
            return ZERO
        raise Undefined("zero to a power that is not positive")
    extra = max(_mag(b[0]), 0) + max(_mag(log(a, 64)[0]), 0) + 8
    return exp(mul(b, log(a, wp + extra), wp + extra), wp)


def correct_bits(a):
    """Return how many leading bits of the ball's value are certain (None: all of them)."""
    x, e = a
    if e == EXACT:
        return None
    return _mag(x) - 1 - e if x[1] else -1
