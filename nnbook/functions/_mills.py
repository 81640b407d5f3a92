r"""The Gaussian tail without its exponential: Mills' ratio, to 57 bits.

.. math:: m(a) = e^{a^2/2}\, \Phi(-a), \qquad m'(a) = a\, m(a) - \frac{1}{\sqrt{2\pi}}

falls smoothly from 1/2 to about 0.01 at a = 40, beyond which every product with the exponential is
0 in float64. It is stored as Taylor polynomials about multiples of 1/32, made once, when first
needed, in 60-digit decimal arithmetic; no library's error function is that exact.
"""

import decimal
import functools

import numpy as np

from nnbook.functions._pairs import DIGITS

CENTRES = 32  # to the unit: |a - centre| is at most 1/64
LARGEST = 40
DEGREE = 8
PI = decimal.Decimal("3.14159265358979323846264338327950288419716939937510582097494459")


def density_at_zero():
    """Return 1 / sqrt(2 pi) as a Decimal."""
    return DIGITS.divide(1, DIGITS.sqrt(DIGITS.multiply(2, PI)))


def mills_ratio(a):
    """Return m(a) for a Decimal a >= 0, to 25 digits or more.

    Below 1 by the series e^(a²/2)/2 - (a + a³/3 + a⁵/(3·5) + ...)/sqrt(2π); from 1 on by
    Laplace's continued fraction, 1/(a + 1/(a + 2/(a + 3/(a + ...)))) over sqrt(2π).
    """
    with decimal.localcontext(DIGITS):
        if a < 1:
            term = total = a
            for n in range(3, 90, 2):
                term = term * a * a / n
                total += term
            return (a * a / 2).exp() / 2 - density_at_zero() * total
        fraction = a
        for n in range(int(1000 / (a * a)) + 40, 0, -1):
            fraction = a + n / fraction
        return density_at_zero() / fraction


@functools.cache
def _taylor_table():
    """Return the coefficients, a column for each centre, and the low part of order 0."""
    columns, lows = [], []
    with decimal.localcontext(DIGITS):
        slope = density_at_zero()
        for i in range(LARGEST * CENTRES + 1):
            centre = decimal.Decimal(i) / CENTRES
            column = [mills_ratio(centre)]
            column.append(centre * column[0] - slope)
            for n in range(2, DEGREE + 1):
                column.append((centre * column[-1] + column[-2]) / n)
            columns.append([float(c) for c in column])
            lows.append(float(column[0] - decimal.Decimal(columns[-1][0])))
    return np.array(columns).T.copy(), np.array(lows)


def mills_pair(a):
    """Return ``(high, low)`` with m(a) = high + low, for a float64 array with 0 <= a <= 40."""
    table, lows = _taylor_table()
    i = np.rint(a * CENTRES).astype(np.intp)
    i = np.clip(i, 0, LARGEST * CENTRES)  # only NaN falls outside
    d = a - i / CENTRES
    change = table[DEGREE][i]
    for n in range(DEGREE - 1, 0, -1):
        change = table[n][i] + d * change
    start = table[0][i]
    rest = lows[i] + d * change
    high = start + rest
    return high, rest - (high - start)
