r"""Exponential linear units: ELU, SELU and CELU, linear on the right, saturating on the left.

What :mod:`nnbook.functions.activations` says of dtypes, infinities, NaN and warnings holds here.
The left branch is a multiple of :math:`e^x - 1`, taken as a pair of floats (an unrounded sum of
two), so that the factor and the sum cost no more than their own rounding.
"""

import decimal
import functools

import numpy as np

from nnbook.functions._elementwise import EXP_CAP, elementwise, step
from nnbook.functions._pairs import DIGITS, exp_pair, expm1_pair, pair_of, two_product
from nnbook.functions._validate import check_number

# Solutions of equations 14 of the paper, to 55 digits; a test solves them again.
SELU_ALPHA = decimal.Decimal("1.673263242354377284817042991671652038461155348281216271")
SELU_SCALE = decimal.Decimal("1.050700987355480493419334985294606351958981204376404547")


@elementwise
def elu(z, alpha=1.0):
    r"""Exponential linear unit.

    .. math::

        \operatorname{elu}(z) = \begin{cases} z & z > 0 \\ \alpha\,(e^z - 1) & z \le 0 \end{cases}

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations, any shape; dimensionless.
    alpha : float
        Minus the limit on the left; finite, dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); above -α where α is positive.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers, or `alpha` is not a number.
    ValueError
        If `alpha` is not finite.

    Notes
    -----
    Within 1.5 ulp. The plain difference :math:`e^z - 1` loses every digit near 0.

    References
    ----------
    .. [1] Clevert, Unterthiner & Hochreiter, ICLR 2016, :doi:`10.48550/arXiv.1511.07289`.

    Examples
    --------
    >>> print(elu([-100.0, -1.0, 0.0, 2.0]).round(4))
    [-1.     -0.6321  0.      2.    ]
    """
    alpha = check_number(alpha, "alpha")
    high, low = expm1_pair(_left(z))
    return np.maximum(z, 0) + (alpha * high + alpha * low)


@elementwise
def elu_prime(z, alpha=1.0):
    r"""Differentiate :func:`elu`, with the left slope, α, at 0.

    .. math::

        \operatorname{elu}'(z) = \begin{cases} 1 & z > 0 \\ \alpha\,e^z & z \le 0 \end{cases}

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations (not activations), any shape; dimensionless.
    alpha : float
        Minus the limit on the left; finite, dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64).

    Raises
    ------
    TypeError
        If `z` does not hold real numbers, or `alpha` is not a number.
    ValueError
        If `alpha` is not finite.

    Notes
    -----
    Within 1.5 ulp, subnormal slopes included. With α = 1 there is no kink.

    Examples
    --------
    >>> print(elu_prime([-1.0, 0.0, 2.0], alpha=0.5).round(4))
    [0.1839 0.5    1.    ]
    """
    alpha = check_number(alpha, "alpha")
    return _right_or_exp(z, 1.0, alpha, _left(z))


@elementwise
def selu(z):
    r"""Scaled exponential linear unit, which keeps mean 0 and variance 1 from layer to layer.

    .. math::

        \operatorname{selu}(z) =
        \lambda \begin{cases} z & z > 0 \\ \alpha\,(e^z - 1) & z \le 0 \end{cases},
        \qquad \lambda = 1.0507\ldots, \quad \alpha = 1.6732\ldots

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations, any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); above -1.7580994.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Within 1.5 ulp of the value with the exact constants.
    From 1.711e308 on the value is beyond float64 and the result infinite.

    References
    ----------
    .. [1] Klambauer, Unterthiner, Mayr & Hochreiter, Advances in Neural Information Processing
       Systems 30, 2017, :doi:`10.48550/arXiv.1706.02515`.

    Examples
    --------
    >>> print(selu([-100.0, -1.0, 0.0, 1.0]).round(4))
    [-1.7581 -1.1113  0.      1.0507]
    """
    scale, left = _selu_slopes(z.dtype)
    high, low = expm1_pair(_left(z))
    return scale * np.maximum(z, 0) + (left * high + left * low)


@elementwise
def selu_prime(z):
    r"""Differentiate :func:`selu`, with the left slope, λα = 1.7580993, at 0.

    .. math::

        \operatorname{selu}'(z) =
        \lambda \begin{cases} 1 & z > 0 \\ \alpha\,e^z & z \le 0 \end{cases}

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations (not activations), any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); from 0 to 1.7580993.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Within 1.5 ulp, subnormal slopes included.

    Examples
    --------
    >>> print(selu_prime([-1.0, 0.0, 1.0]).round(4))
    [0.6468 1.7581 1.0507]
    """
    return _right_or_exp(z, *_selu_slopes(z.dtype), _left(z))


@elementwise
def celu(z, alpha=1.0):
    r"""Continuously differentiable exponential linear unit.

    .. math::

        \operatorname{celu}(z) =
        \begin{cases} z & z > 0 \\ \alpha\,(e^{z/\alpha} - 1) & z \le 0 \end{cases}

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations, any shape; dimensionless.
    alpha : float
        Minus the limit on the left, and the scale of the approach to it; from 1e-270 to 1e270.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); at least -α.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers, or `alpha` is not a number.
    ValueError
        If `alpha` is not positive, or beyond its limits.

    Notes
    -----
    Within 1.5 ulp. The quotient z/α is kept in a pair of floats, since the exponential
    multiplies its rounding error by the quotient.

    References
    ----------
    .. [1] Barron, 2017, :doi:`10.48550/arXiv.1704.07483`.

    Examples
    --------
    >>> print(celu([-100.0, -1.0, 0.0, 2.0], alpha=2.0).round(4))
    [-2.     -0.7869  0.      2.    ]
    """
    alpha = _check_scale(alpha)
    x, u, u_low = _quotient(z, alpha)
    high, low = expm1_pair(u, u_low)
    # Near 0 the quotient u may be subnormal, and has lost digits that x has. The third term of
    # e^u - 1 = u + u²/2 + ... is below a twelfth of an ulp there.
    near = -np.sqrt(np.finfo(u.dtype).eps) / 2
    left = np.where(u > near, x + x * (u / 2), alpha * high + alpha * low)
    return np.maximum(z, 0) + left


@elementwise
def celu_prime(z, alpha=1.0):
    r"""Differentiate :func:`celu`; it has no kink.

    .. math::

        \operatorname{celu}'(z) = \begin{cases} 1 & z > 0 \\ e^{z/\alpha} & z \le 0 \end{cases}

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations (not activations), any shape; dimensionless.
    alpha : float
        Minus the limit on the left, and the scale of the approach to it; from 1e-270 to 1e270.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); from 0 to 1.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers, or `alpha` is not a number.
    ValueError
        If `alpha` is not positive, or beyond its limits.

    Notes
    -----
    Within 1.5 ulp, subnormal slopes included.

    Examples
    --------
    >>> print(celu_prime([-1.0, 0.0, 2.0], alpha=2.0).round(4))
    [0.6065 1.     1.    ]
    """
    _, u, u_low = _quotient(z, _check_scale(alpha))
    return _right_or_exp(z, 1.0, 1.0, u, u_low)


@functools.cache
def _selu_slopes(dtype):
    """Return λ, the slope on the right, and λα, the slope at 0 from the left, in a dtype."""
    numbers = SELU_SCALE, DIGITS.multiply(SELU_SCALE, SELU_ALPHA)
    return tuple(dtype.type(high) + low for high, low in map(pair_of, numbers))


def _check_scale(alpha):
    alpha = check_number(alpha, "alpha")
    if not 1e-270 <= alpha <= 1e270:
        raise ValueError(f"alpha must be positive, from 1e-270 to 1e270, got {alpha}")
    return alpha


def _left(z, cap=EXP_CAP):
    """Return z where it is negative, but -cap where it is less, and 0 elsewhere."""
    return np.maximum(np.minimum(z, 0), -cap)


def _quotient(z, alpha):
    """Return min(z, 0), but no less than -30,000 α, and its quotient by α as a pair."""
    x = _left(z, EXP_CAP * alpha)
    u = x / alpha
    product, error = two_product(u, alpha)
    return x, u, ((x - product) - error) / alpha


def _right_or_exp(z, right, left, x, x_low=0.0):
    """Return the number `right` where z > 0, else `left` e^(x + x_low)."""
    e, e_low, power = exp_pair(x, x_low)
    left, extra = np.frexp(left)  # its exponent joins the other, so that no product overflows
    tail = np.ldexp(left * e + left * e_low, power + extra)
    is_right = step(z)
    return is_right * right + (1 - is_right) * tail
