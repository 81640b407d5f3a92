"""Numbers carried as an unrounded sum of two, where one float64 would lose the last digits.

A pair ``(high, low)`` stands for ``high + low`` with ``low`` below the rounding of ``high``.
The functions that need it combine three or four rounded results. With the exponential known to 58
bits, and the logistic function too in its tail, the rounding of the last operation or two is left.

Each function also accepts longdouble, for which it returns the plain result and a low part of 0.
"""

import decimal
import functools

import numpy as np

from nnbook.functions._validate import PAIRED

DIGITS = decimal.Context(prec=60)
SPLIT = 134217729.0  # 2^27 + 1
LOG2_STEPS = 6
STEPS = 2**LOG2_STEPS  # e^x = 2^(k / STEPS) e^r, with |r| at most log(2) / (2 STEPS) = 0.0054


@functools.cache
def _exp_table():
    """Return log(2) / STEPS as a pair with a short high part, and 2^(j / STEPS) as pairs."""
    step = DIGITS.divide(DIGITS.ln(2), STEPS)
    # 34 bits: its product with any k that occurs, 17 bits, is exact.
    short = decimal.Decimal(int(DIGITS.multiply(step, 2**40))) / 2**40
    powers = [DIGITS.power(2, decimal.Decimal(j) / STEPS) for j in range(STEPS)]
    high = np.array([float(power) for power in powers])
    low = np.array([float(DIGITS.subtract(p, decimal.Decimal(float(p)))) for p in powers])
    return float(short), float(DIGITS.subtract(step, short)), high, low


def pair_of(number):
    """Return a decimal number, given as text or Decimal, as a pair of floats."""
    number = decimal.Decimal(number)
    return float(number), float(DIGITS.subtract(number, decimal.Decimal(float(number))))


def two_sum(x, y):
    """Return x + y as a pair (Knuth)."""
    total = x + y
    back = total - x
    return total, (x - (total - back)) + (y - back)


def two_product(x, y):
    """Return x * y as a pair, by Dekker's splitting into halves of 26 bits."""
    product = x * y
    if product.dtype != PAIRED:
        return product, product * 0
    x_high, y_high = x * SPLIT, y * SPLIT
    x_high, y_high = x_high - (x_high - x), y_high - (y_high - y)
    x_low, y_low = x - x_high, y - y_high
    error = x_low * y_low - (((product - x_high * y_high) - x_low * y_high) - x_high * y_low)
    return product, error


def multiply_pairs(x, x_low, y, y_low):
    """Return the product of two pairs, to about 2^-102."""
    product, error = two_product(x, y)
    return product, error + (x * y_low + x_low * y)


def divide_pairs(x, x_low, y, y_low):
    """Return the quotient of two pairs, to about 2^-102."""
    quotient = x / y
    product, error = two_product(quotient, y)
    return quotient, ((x - product) - error + x_low - quotient * y_low) / y


def exp_pair(x, x_low=0.0):
    """Return ``(high, low, power)`` with e^(x + x_low) = (high + low) 2^power, for x <= 0.

    The relative error is below 2^-58. `high` is near 1 to 2, so that what follows never
    meets a subnormal number; ``np.ldexp(result, power)`` at the end rounds once.
    """
    if x.dtype != PAIRED:
        return np.exp(x) * (1 + x_low), x * 0, np.zeros(x.shape, np.intc)
    step, step_low, table, table_low = _exp_table()
    k = np.rint(x * (1 / step))
    r = (x - k * step) - k * step_low + x_low
    expm1 = r + r * r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720)))))
    k = k.astype(np.intp)
    j = k & (STEPS - 1)  # STEPS is a power of two: bits are ten times faster than division
    start = table[j]
    rest = table_low[j] + start * expm1
    high = start + rest
    return high, rest - (high - start), (k >> LOG2_STEPS).astype(np.intc)


def expm1_pair(x, x_low=0.0):
    """Return ``(high, low)`` with e^(x + x_low) - 1 = high + low, for x <= 0.

    The relative error is below 2^-57, near 0 too: there the result is r + r²/2 + ..., of which
    only the second part is rounded.
    """
    if x.dtype != PAIRED:
        return np.expm1(x), x_low * np.exp(x)
    step, step_low, table, table_low = _exp_table()
    k = np.rint(x * (1 / step))
    r, r_low = two_sum(x - k * step, -k * step_low)
    r_low = r_low + x_low
    bend = r * r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720)))))
    k = k.astype(np.intp)
    power = (k >> LOG2_STEPS).astype(np.intc)
    start = np.ldexp(table[k & (STEPS - 1)], power)
    start_low = np.ldexp(table_low[k & (STEPS - 1)], power)
    total, total_low = two_sum(start, -1.0)
    rise, rise_low = two_product(start, r)
    total, rest = two_sum(total, rise)
    rest = rest + (total_low + rise_low + start_low * (1 + r) + start * (r_low + bend))
    high = total + rest
    return high, rest - (high - total)


def logistic_pair(x, x_low=0.0):
    """Return ``(high, low, power)`` with σ(x + x_low) = (high + low) 2^power, for x <= 0."""
    e, e_low, power = exp_pair(x, x_low)
    small = np.ldexp(e, power)  # the exponential itself: from -709 on subnormal, and 1 + small = 1
    t = 1 + small
    t_low = (small - (t - 1)) + np.ldexp(e_low, power)
    y = e / t
    # e - y t, with the 1 and the rest of t taken apart so that the first difference is exact.
    y_low = ((e - y) - y * (t - 1) - y * t_low + e_low) / t
    return y, y_low, power
