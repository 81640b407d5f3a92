r"""Piecewise linear activations: the identity, ReLU and its leaky form.

What :mod:`nnbook.functions.activations` says of dtypes, infinities, NaN and warnings holds here.
These functions round at most once.
"""

import numpy as np

from nnbook.functions._elementwise import elementwise, step
from nnbook.functions._validate import as_float, check_number


def identity(z):
    r"""Return the input: a linear output unit has no activation.

    .. math:: \operatorname{identity}(z) = z

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations, any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); a copy.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Examples
    --------
    >>> print(identity([1.5, -2.0]))
    [ 1.5 -2. ]
    """
    return np.copy(as_float(z, "z"))[()]


@elementwise
def identity_prime(z):
    r"""Differentiate :func:`identity`.

    .. math:: \operatorname{identity}'(z) = 1

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations (not activations), any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); all 1.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Examples
    --------
    >>> print(identity_prime([1.5, -2.0]))
    [1. 1.]
    """
    return np.where(np.isnan(z), z, 1)


def relu(z):
    r"""Rectify: the rectified linear unit, ReLU.

    .. math:: r(z) = \max(z, 0)

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations, any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); at least 0.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Exact.

    References
    ----------
    .. [1] Fukushima, IEEE Trans. Systems Science and Cybernetics 5(4), 1969,
       :doi:`10.1109/TSSC.1969.300225`.

    Examples
    --------
    >>> print(relu([-1.5, 0.0, 2.0]))
    [0. 0. 2.]
    """
    return np.maximum(as_float(z, "z"), 0)


def relu_prime(z):
    r"""Differentiate :func:`relu`, choosing r'(0) = 0.

    .. math:: r'(z) = \begin{cases} 1 & z > 0 \\ 0 & z \le 0 \end{cases}

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations (not activations), any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); 0 or 1.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    At 0 every number from 0 to 1 is a subgradient. This book takes 0 everywhere, as the common
    frameworks do.

    Examples
    --------
    >>> print(relu_prime([-1.5, 0.0, 2.0]))
    [0. 0. 1.]
    """
    return step(as_float(z, "z"))


@elementwise
def leaky_relu(z, negative_slope=0.01):
    r"""Rectify with a leak on the left.

    .. math:: \operatorname{leaky}(z) = \begin{cases} z & z > 0 \\ \alpha z & z \le 0 \end{cases}

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations, any shape; dimensionless.
    negative_slope : float
        Slope on the left; finite, dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); of the sign of `z`
        where the slope is positive.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers, or `negative_slope` is not a number.
    ValueError
        If `negative_slope` is not finite.

    Notes
    -----
    Here :math:`\alpha` is `negative_slope`. The result is the float64 nearest to the product.

    References
    ----------
    .. [1] Maas, Hannun & Ng, ICML Workshop on Deep Learning for Audio, Speech and Language
       Processing, 2013.

    Examples
    --------
    >>> print(leaky_relu([-2.0, 0.0, 2.0], negative_slope=0.25))
    [-0.5  0.   2. ]
    """
    slope = check_number(negative_slope, "negative_slope")
    if slope == 0:
        return np.maximum(z, 0)  # 0 times infinity would be NaN
    return np.maximum(z, 0) + slope * np.minimum(z, 0)


@elementwise
def leaky_relu_prime(z, negative_slope=0.01):
    r"""Differentiate :func:`leaky_relu`, with the left slope at 0.

    .. math:: \operatorname{leaky}'(z) = \begin{cases} 1 & z > 0 \\ \alpha & z \le 0 \end{cases}

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations (not activations), any shape; dimensionless.
    negative_slope : float
        Slope on the left; finite, dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); 1 or the slope.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers, or `negative_slope` is not a number.
    ValueError
        If `negative_slope` is not finite.

    Notes
    -----
    With a slope of 0 it agrees with :func:`relu_prime` everywhere, at 0 too.

    Examples
    --------
    >>> print(leaky_relu_prime([-2.0, 0.0, 2.0], negative_slope=0.25))
    [0.25 0.25 1.  ]
    """
    slope = check_number(negative_slope, "negative_slope")
    right = step(z)
    return right + slope * (1 - right)
