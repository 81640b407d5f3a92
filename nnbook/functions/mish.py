r"""Mish: the input times a gate that is the hyperbolic tangent of softplus.

What :mod:`nnbook.functions.activations` says of dtypes, infinities, NaN and warnings holds here.
The gate is a quotient of polynomials in e^-|z|, taken in pairs of floats as in
:mod:`nnbook.functions.gated`.
"""

import numpy as np

from nnbook.functions._elementwise import EXP_CAP, elementwise, magnitude
from nnbook.functions._pairs import divide_pairs, exp_pair, multiply_pairs, two_sum


@elementwise
def mish(z):
    r"""Gate the input by the hyperbolic tangent of its softplus.

    .. math::

        \operatorname{mish}(z) = z \tanh(\log(1 + e^z)) =
        z\,\frac{e^z (e^z + 2)}{e^z (e^z + 2) + 2}

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations, any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); at least -0.3088434 (at -1.1924312).

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Within 1.5 ulp for every finite float64. The first form, with a plain log(1 + e^z), is 0 from
    -37 down, and with log1p it loses hundreds of ulp where the exponential is subnormal.

    References
    ----------
    .. [1] Misra, BMVC 2020, :doi:`10.48550/arXiv.1908.08681`.

    Examples
    --------
    >>> print(mish([-1.0, 0.0, 1.0]).round(4))
    [-0.3034  0.      0.8651]
    """
    a = magnitude(z, EXP_CAP)
    (e, e_low, power), _, _, (gate, gate_low) = _mish_parts(z, a)
    tail, tail_low = multiply_pairs(gate, gate_low, e, e_low)
    left = np.ldexp(a * tail + a * tail_low, power)
    # On the right the gate is near 1, and its difference from 1 exact.
    return np.where(z > 0, z + a * ((gate - 1) + gate_low), 0 - left)


@elementwise
def mish_prime(z):
    r"""Differentiate :func:`mish`.

    .. math::

        \operatorname{mish}'(z) = t + z\,\sigma(z)\,(1 - t^2), \qquad t = \tanh(\log(1 + e^z))

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations (not activations), any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); between -0.1125261 and 1.0884982,
        zero at -1.1924312.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Within 2 ulp of the larger of its two terms for every finite float64. The terms cancel at the
    zero, as those of :func:`silu_prime` do.

    Examples
    --------
    >>> print(mish_prime([-1.0, 0.0, 1.0]).round(4))
    [0.0592 0.6    1.049 ]
    """
    a = magnitude(z, EXP_CAP)
    (e, e_low, power), y, d, gate = _mish_parts(z, a)
    # The second term is 4 z y x² / d² on the right of 0 and 4 z y x / d² on the left, where the
    # first has a factor x = e^-|z| too.
    pull = divide_pairs(*multiply_pairs(a, 0.0, 4 * y[0], 4 * y[1]), *multiply_pairs(*d, *d))
    bracket, bracket_low = two_sum(gate[0], -pull[0])
    left = multiply_pairs(bracket, bracket_low + (gate[1] - pull[1]), e, e_low)
    rise, rise_low = multiply_pairs(*pull, *multiply_pairs(e, e_low, e, e_low))
    right = gate[0] + (gate[1] + np.ldexp(rise + rise_low, 2 * power))
    return np.where(z > 0, right, np.ldexp(left[0] + left[1], power))


def _mish_parts(z, a):
    """Return e^-|z|, y, d and the gate A/d as pairs; the gate is to be multiplied by e^z if z < 0.

    With x = e^-|z| and s = x on the right of 0, s = 1 on the left, y = 1 + x, A = y + s and
    d = y² + s²: tanh(log(1 + e^z)) is A/d on the right, x A/d on the left.
    """
    e, e_low, power = exp_pair(-a)
    x, x_low = np.ldexp(e, power), np.ldexp(e_low, power)
    right = z > 0
    s, s_low = np.where(right, x, 1), np.where(right, x_low, 0)
    y, y_low = two_sum(1, x)
    y_low = y_low + x_low
    above, above_low = two_sum(y, s)
    square, square_low = multiply_pairs(s, s_low, s, s_low)
    d, d_low = multiply_pairs(y, y_low, y, y_low)
    d, rest = two_sum(d, square)
    d_low = d_low + (square_low + rest)
    gate = divide_pairs(above, above_low + (y_low + s_low), d, d_low)
    return (e, e_low, power), (y, y_low), (d, d_low), gate
