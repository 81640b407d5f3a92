r"""Gated units: the input times a smooth gate that opens from 0 to 1.

GELU's gate is the Gaussian distribution function, SiLU's the logistic function. Either gate obeys
G(z) + G(-z) = 1, so z G(z) = max(z, 0) - |z| G(-|z|), and its slope at z is 1 minus its slope at
-z: one small tail gives both sides. The tail is computed in pairs, because the obvious products
lose hundreds of ulp (units in the last place of the correctly rounded float64 result) where the
gate closes, and every digit where the exponential in it becomes subnormal.
"""

import functools

import numpy as np

from nnbook.functions._elementwise import EXP_CAP, elementwise, magnitude, mirrored
from nnbook.functions._mills import density_at_zero, mills_pair
from nnbook.functions._pairs import DIGITS, exp_pair, logistic_pair, pair_of, two_product, two_sum
from nnbook.functions._validate import PAIRED, check_number

GELU_CAP = 40  # e^(-z²/2) is 0 before, in float64
GELU_TANH_CAP = 100  # so is the exponential of the cubic


@elementwise
def silu(z, beta=1.0):
    r"""Sigmoid linear unit, also named swish: the input times its logistic function.

    .. math:: \operatorname{silu}(z) = z\,\sigma(\beta z) = \frac{z}{1 + e^{-\beta z}}

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations, any shape; dimensionless.
    beta : float
        Steepness of the gate: 0, or of magnitude 1e-270 to 1e270; dimensionless. SiLU is the
        case 1; towards infinity it is ReLU, and with 0 it is z/2.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64). With β = 1 at least -0.2784645 (at
        -1.2784645).

    Raises
    ------
    TypeError
        If `z` does not hold real numbers, or `beta` is not a number.
    ValueError
        If `beta` is beyond its limits.

    See Also
    --------
    silu_prime : the derivative.

    Notes
    -----
    Within 1.5 ulp for every finite float64. In the plain quotient the exponential overflows at
    -710, and it returns 0 from there on, where the true value is 1e-306.
    ``nnbook.functions.swish`` is this function under the name that came with β [2]_.

    References
    ----------
    .. [1] Elfwing, Uchibe & Doya, Neural Networks 107, 2018,
       :doi:`10.1016/j.neunet.2017.12.012`.
    .. [2] Ramachandran, Zoph & Le, 2017, :doi:`10.48550/arXiv.1710.05941` (with β).

    Examples
    --------
    >>> print(silu([-1.0, 0.0, 1.0]).round(4))
    [-0.2689  0.      0.7311]
    >>> print(silu([-1.0, 0.0, 1.0], beta=2.0).round(4))
    [-0.1192  0.      0.8808]
    """
    beta = _check_steepness(beta)
    if beta == 0:
        return z / 2
    a, u, u_low = _steepened(z, beta)
    gate, gate_low, power = logistic_pair(-u, -u_low)
    tail = np.ldexp(a * gate + a * gate_low, power)
    return np.maximum(z, 0) - tail if beta > 0 else np.minimum(z, 0) + tail


@elementwise
def silu_prime(z, beta=1.0):
    r"""Differentiate :func:`silu` in its input.

    .. math::

        \operatorname{silu}'(z) = \sigma(u) + u\,\sigma(u)\,(1 - \sigma(u)), \qquad u = \beta z

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations (not activations), any shape; dimensionless.
    beta : float
        Steepness of the gate, as in :func:`silu`.

    Returns
    -------
    ndarray
        Same shape and dtype as `z`; between -0.0998393 and 1.0998393, zero at βz = -1.2784645.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers, or `beta` is not a number.
    ValueError
        If `beta` is beyond its limits.

    Notes
    -----
    Within 2 ulp of the larger of its two terms for every finite float64. The terms cancel at the
    zero: no formula of `z` alone rounded to float64 has correct relative digits there.

    Examples
    --------
    >>> print(silu_prime([-1.0, 0.0, 1.0]).round(4))
    [0.0723 0.5    0.9277]
    """
    beta = _check_steepness(beta)
    if beta == 0:
        return np.where(np.isnan(z), z, 0.5)
    _, u, u_low = _steepened(z, beta)
    tail = _gate_slope(*logistic_pair(-u, -u_low), u, u_low)
    return mirrored(z if beta > 0 else -z, tail)


@elementwise
def gelu(z, approximate="none"):
    r"""Gaussian error linear unit: the input times the Gaussian distribution function.

    .. math::

        \operatorname{gelu}(z) = z\,\Phi(z)
        \approx z\,\sigma\Bigl(2\sqrt{2/\pi}\,\bigl(z + 0.044715\,z^3\bigr)\Bigr)

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations, any shape; dimensionless.
    approximate : {"none", "tanh"}
        The first form, or the second, which networks trained with it need; it is usually
        written :math:`\frac z2 (1 + \tanh(\cdot))` with half the argument. They differ by at
        most 0.000474.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); at least -0.1699712 (at -0.7517916).

    Raises
    ------
    TypeError
        If `z` does not hold real numbers, or is longdouble and `approximate` is "none".
    ValueError
        If `approximate` is neither name.

    See Also
    --------
    gelu_prime : the derivative.

    Notes
    -----
    Within 1.5 ulp for every finite float64, in both forms. With a = abs(z), the tail is
    :math:`a\,m(a)\,e^{-a^2/2}`, where Mills' ratio m varies slowly; the square is kept in a
    pair of floats, since its rounding alone would cost 700 ulp at -38.

    References
    ----------
    .. [1] Hendrycks & Gimpel, 2016, :doi:`10.48550/arXiv.1606.08415`.

    Examples
    --------
    >>> print(gelu([-1.0, 0.0, 1.0]).round(4))
    [-0.1587  0.      0.8413]
    >>> print(f"{gelu(-37.7):.4e}")
    -9.3627e-310
    """
    if _is_tanh(approximate):
        a = magnitude(z, GELU_TANH_CAP)
        argument, argument_low, _, _ = _tanh_argument(a)
        gate, gate_low, power = logistic_pair(-argument, -argument_low)
        return np.maximum(z, 0) - np.ldexp(a * gate + a * gate_low, power)
    a = magnitude(z, GELU_CAP)
    e, e_low, power = _gaussian_pair(a)
    ratio, ratio_low = mills_pair(a)
    tail, tail_low = two_product(ratio, e)
    tail_low = tail_low + (ratio * e_low + ratio_low * e)
    return np.maximum(z, 0) - np.ldexp(a * tail + a * tail_low, power)


@elementwise
def gelu_prime(z, approximate="none"):
    r"""Differentiate :func:`gelu`.

    .. math::

        \operatorname{gelu}'(z) = \Phi(z) + \frac{z\,e^{-z^2/2}}{\sqrt{2\pi}},
        \qquad\text{or}\qquad
        \sigma(u) + z\,\sigma(u)\,(1 - \sigma(u))\,u',\quad
        u = 2\sqrt{2/\pi}\,\bigl(z + 0.044715\,z^3\bigr)

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations (not activations), any shape; dimensionless.
    approximate : {"none", "tanh"}
        Which form of `gelu` to differentiate.

    Returns
    -------
    ndarray
        Same shape and dtype as `z`. For "none": from -0.1289041 at :math:`-\sqrt 2` to
        1.1289041 at :math:`\sqrt 2`, zero at -0.7517916.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers, or is longdouble and `approximate` is "none".
    ValueError
        If `approximate` is neither name.

    Notes
    -----
    Within 2 ulp of the larger of its two terms for every finite float64. The terms cancel at the
    zero: no formula of `z` alone rounded to float64 has correct relative digits there.

    Examples
    --------
    >>> print(gelu_prime([-1.0, 0.0, 1.0]).round(4))
    [-0.0833  0.5     1.0833]
    """
    if _is_tanh(approximate):
        a = magnitude(z, GELU_TANH_CAP)
        argument, argument_low, pull, pull_low = _tanh_argument(a)
        tail = _gate_slope(*logistic_pair(-argument, -argument_low), pull, pull_low)
    else:
        a = magnitude(z, GELU_CAP)
        e, e_low, power = _gaussian_pair(a)
        ratio, ratio_low = mills_pair(a)
        density, density_low = pair_of(density_at_zero())
        pull, pull_low = two_product(a, np.full_like(a, density))
        bracket, bracket_low = two_sum(ratio, -pull)
        bracket_low = bracket_low + (ratio_low - pull_low - a * density_low)
        tail = np.ldexp(bracket * e + (bracket * e_low + bracket_low * e), power)
    return mirrored(z, tail)


def _check_steepness(beta):
    beta = check_number(beta, "beta")
    if beta != 0 and not 1e-270 <= abs(beta) <= 1e270:
        raise ValueError(f"beta must be 0 or of magnitude 1e-270 to 1e270, got {beta}")
    return beta


def _steepened(z, beta):
    """Return |z|, capped where the tail has vanished, and |βz| as a pair."""
    if beta == 1:
        a = magnitude(z, EXP_CAP)
        return a, a, 0.0
    a = magnitude(z, EXP_CAP / abs(beta))
    return a, *two_product(a, abs(beta))


def _is_tanh(approximate):
    if not isinstance(approximate, str) or approximate not in ("none", "tanh"):
        raise ValueError(f'approximate must be "none" or "tanh", got {approximate!r}')
    return approximate == "tanh"


def _gaussian_pair(a):
    """Return ``(high, low, power)`` with e^(-a²/2) = (high + low) 2^power."""
    if a.dtype != PAIRED:
        raise TypeError(
            f"z has dtype {a.dtype}, but gelu knows the Gaussian tail in float64 only; "
            'use z.astype(np.float64), or approximate="tanh"'
        )
    square, square_low = two_product(a, a)
    return exp_pair(-square / 2, -square_low / 2)


@functools.cache
def _tanh_form():
    """Return 2 sqrt(2/pi) and its product with 0.044715, the published decimal, as pairs."""
    rise = DIGITS.multiply(4, density_at_zero())
    return pair_of(rise), pair_of(DIGITS.multiply(rise, DIGITS.create_decimal("0.044715")))


def _tanh_argument(a):
    """Return u(a) = a (rise + bend a²) and a u'(a) = u(a) + 2 bend a³, each as a pair."""
    (rise, rise_low), (bend, bend_low) = _tanh_form()
    square, square_low = two_product(a, a)
    curve, curve_low = two_product(square, np.full_like(a, bend))
    curve_low = curve_low + (square * bend_low + square_low * bend)
    gain, gain_low = two_sum(curve, rise)
    gain_low = gain_low + (rise_low + curve_low)
    u, u_low = two_product(a, gain)
    u_low = u_low + a * gain_low
    cubic, cubic_low = two_product(a, curve)
    pull, pull_low = two_sum(u, 2 * cubic)
    return u, u_low, pull, pull_low + (u_low + 2 * (cubic_low + a * curve_low))


def _gate_slope(gate, gate_low, power, pull, pull_low):
    """Return σ (1 - pull (1 - σ)) for the small σ = (gate + gate_low) 2^power."""
    small = np.ldexp(gate, power)
    rest = 1 - small
    rest_low = ((1 - rest) - small) - np.ldexp(gate_low, power)
    product, product_low = two_product(pull, rest)
    bracket, bracket_low = two_sum(-product, 1)
    bracket_low = bracket_low - (product_low + pull * rest_low + pull_low * rest)
    return np.ldexp(gate * bracket + (gate * bracket_low + gate_low * bracket), power)
