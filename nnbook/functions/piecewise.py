r"""Activations that need no exponential: softsign, the hard sigmoid and the hard swish.

What :mod:`nnbook.functions.activations` says of dtypes, infinities, NaN and warnings holds here.
"""

import numpy as np

from nnbook.functions._elementwise import elementwise, magnitude, step
from nnbook.functions._pairs import two_product

CAP = 2.0**600  # z / (1 + |z|) has rounded to 1 long before, and 1 / (1 + |z|)² to 0


@elementwise
def softsign(z):
    r"""Squash into (-1, 1) without an exponential.

    .. math:: \operatorname{softsign}(z) = \frac{z}{1 + |z|}

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations, any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); from -1 to 1.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Within 1.5 ulp.

    References
    ----------
    .. [1] Bergstra, Desjardins, Lamblin & Bengio, Technical Report 1337, DIRO, Université de
       Montréal, 2009.

    Examples
    --------
    >>> print(softsign([-3.0, 0.0, 1.0]))
    [-0.75  0.    0.5 ]
    """
    z = np.clip(z, -CAP, CAP)
    return z / (1 + np.abs(z))


@elementwise
def softsign_prime(z):
    r"""Differentiate :func:`softsign`; it has no kink.

    .. math:: \operatorname{softsign}'(z) = \frac{1}{(1 + |z|)^2}

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations (not activations), any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); from 0 to 1.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Within 1.5 ulp, subnormal slopes included: the square, which would overflow before its
    reciprocal vanishes, is taken without its exponent.

    Examples
    --------
    >>> print(softsign_prime([-3.0, 0.0, 1.0]))
    [0.0625 1.     0.25  ]
    """
    a = magnitude(z, CAP)
    large, small = np.maximum(a, 1), np.minimum(a, 1)
    t = large + small
    t_low = small - (t - large)
    t, power = np.frexp(t)
    square, square_low = two_product(t, t)
    square_low = square_low + 2 * t * np.ldexp(t_low, -power)
    inverse = 1 / square
    return np.ldexp(inverse - inverse * (inverse * square_low), -2 * power)


@elementwise
def hard_sigmoid(z):
    r"""Squash into [0, 1] by three straight lines.

    .. math:: \operatorname{hard\,sigmoid}(z) = \frac{\min(\max(z + 3, 0), 6)}{6}

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations, any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); from 0 to 1.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Within 1.5 ulp. The slope of 1/6 is that of MobileNetV3 [2]_, and of most of today's frameworks.
    The first form under this name [1]_ has a slope of 1/2, from -1 to 1, and some libraries take
    0.2, from -2.5 to 2.5; networks trained with one do not run with another.

    References
    ----------
    .. [1] Courbariaux, Bengio & David, Advances in Neural Information Processing Systems 28, 2015,
       :doi:`10.48550/arXiv.1511.00363`.
    .. [2] Howard et al., ICCV 2019, :doi:`10.1109/ICCV.2019.00140`.

    Examples
    --------
    >>> print(hard_sigmoid([-4.0, -1.5, 0.0, 3.0]))
    [0.   0.25 0.5  1.  ]
    """
    return np.clip(z + 3, 0, 6) / 6


@elementwise
def hard_sigmoid_prime(z):
    r"""Differentiate :func:`hard_sigmoid`, choosing 0 at both kinks, -3 and 3.

    .. math::

        \operatorname{hard\,sigmoid}'(z) =
        \begin{cases} 1/6 & |z| < 3 \\ 0 & |z| \ge 3 \end{cases}

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations (not activations), any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); 0 or 1/6.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Correctly rounded.

    Examples
    --------
    >>> print(hard_sigmoid_prime([-3.0, 0.0, 3.0]).round(4))
    [0.     0.1667 0.    ]
    """
    return step(3 - np.abs(z)) / 6


@elementwise
def hard_swish(z):
    r"""Gate the input by its hard sigmoid.

    .. math:: \operatorname{hard\,swish}(z) = z\,\frac{\min(\max(z + 3, 0), 6)}{6}

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations, any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); at least -0.375 (at -1.5).

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Within 1.5 ulp; exact where abs(z) is 3 or more.

    References
    ----------
    .. [1] Howard et al., ICCV 2019, :doi:`10.1109/ICCV.2019.00140`.

    Examples
    --------
    >>> print(hard_swish([-4.0, -1.5, 0.0, 3.0]))
    [ 0.    -0.375  0.     3.   ]
    """
    x = np.clip(z, -3, 3)
    t = x + 3
    t_low = x - (t - 3)
    gate = t / 6
    # 6 times the gate is 4 and 2 times it, each exact: what the quotient rounded off.
    gate_low = ((t - 4 * gate) - 2 * gate + t_low) / 6
    return np.where(z >= 3, z, x * gate + x * gate_low + 0)  # no minus zero on the left


@elementwise
def hard_swish_prime(z):
    r"""Differentiate :func:`hard_swish`, choosing the outer slope at its kinks: 0 at -3, 1 at 3.

    .. math::

        \operatorname{hard\,swish}'(z) =
        \begin{cases} 0 & z \le -3 \\ (2z + 3)/6 & -3 < z < 3 \\ 1 & z \ge 3 \end{cases}

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations (not activations), any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); between -1/2 and 3/2.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Within 1.5 ulp, at its zero, -1.5, too. The product rule gives the same choice at the kinks,
    with the slope 0 that :func:`hard_sigmoid_prime` has there.

    Examples
    --------
    >>> print(hard_swish_prime([-3.0, -1.5, 0.0, 3.0]))
    [0.  0.  0.5 1. ]
    """
    return np.where(z >= 3, 1, np.where(z <= -3, 0, (2 * z + 3) / 6))
