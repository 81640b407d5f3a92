r"""Piecewise linear activations: the identity, ReLU, and its forms with a fixed or learnt leak.

What :mod:`nnbook.functions.activations` says of dtypes, infinities, NaN and warnings holds here.
These functions round at most once.
"""

import numpy as np

from nnbook.functions._elementwise import elementwise, step
from nnbook.functions._validate import (
    as_float,
    check_axis,
    check_number,
    check_same_shape,
    working_dtype,
)


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

    Notes
    -----
    Exact.

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

    Notes
    -----
    Exact.

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
    Exact. At 0 every number from 0 to 1 is a subgradient. This book takes 0 everywhere, as the
    common frameworks do.

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
    Exact. With a slope of 0 it agrees with :func:`relu_prime` everywhere, at 0 too.

    Examples
    --------
    >>> print(leaky_relu_prime([-2.0, 0.0, 2.0], negative_slope=0.25))
    [0.25 0.25 1.  ]
    """
    slope = check_number(negative_slope, "negative_slope")
    right = step(z)
    return right + slope * (1 - right)


def prelu(z, alpha, channel_axis=1):
    r"""Rectify with a leak that is learnt, one for all numbers or one for each channel.

    .. math::

        \operatorname{prelu}(z) = \begin{cases} z & z > 0 \\ \alpha_c z & z \le 0 \end{cases}

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations, any shape, for instance (N, d) or (N, C, H, W); dimensionless.
    alpha : float or array_like of real numbers, shape (C,)
        Slope on the left, for all channels or for each; dimensionless.
    channel_axis : int
        The axis of `z` whose length is C. A single `alpha` does not look at it.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64).

    Raises
    ------
    TypeError
        If `z` or `alpha` does not hold real numbers.
    ValueError
        If `alpha` is neither a number nor of shape (C,), or `z` does not have that axis.

    See Also
    --------
    leaky_relu : the same with a slope that is not learnt.

    Notes
    -----
    The result is the float64 nearest to the product, rounded once more for a narrower dtype.
    With a slope of 0 it is ReLU, at minus infinity too.

    References
    ----------
    .. [1] He, Zhang, Ren & Sun, ICCV 2015, :doi:`10.1109/ICCV.2015.123`.

    Examples
    --------
    >>> print(prelu([[-2.0, -2.0], [1.0, -4.0]], [0.5, 0.25]))
    [[-1.  -0.5]
     [ 1.  -1. ]]
    """
    z, alpha, _ = _prelu_arguments(z, alpha, channel_axis)
    with np.errstate(all="ignore"):
        left = np.minimum(z, 0, dtype=working_dtype(z.dtype))
        # 0 times infinity is NaN, on either side.
        left = np.where((alpha == 0) | (z > 0), 0, alpha * left)
        out = np.maximum(z, 0) + left
        return out.astype(z.dtype, copy=False)[()]


def prelu_vjp(g, z, alpha, channel_axis=1):
    r"""Gradients in the input and in the slopes, from the gradient `g` in the result.

    .. math::

        \bar z = g \odot \begin{cases} 1 & z > 0 \\ \alpha_c & z \le 0 \end{cases}, \qquad
        \bar\alpha_c = \sum_{\text{all but } c} g \min(z, 0)

    Parameters
    ----------
    g : array_like of real numbers
        Cotangent, the shape of `z`.
    z : array_like of real numbers
        Pre-activations, as given to :func:`prelu`.
    alpha : float or array_like of real numbers, shape (C,)
        Slopes, as given to :func:`prelu`.
    channel_axis : int
        The axis of the channels.

    Returns
    -------
    z_bar : ndarray
        The shape and dtype of `z`.
    alpha_bar : ndarray or NumPy scalar
        The shape and dtype of `alpha`.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If `g` and `z` differ in shape, or `alpha` does not fit.

    Notes
    -----
    At 0 the left slope is taken, as in :func:`leaky_relu_prime`. Each sum is within
    8ε√n·Σ|terms| of its n terms.

    Examples
    --------
    >>> z_bar, alpha_bar = prelu_vjp([[1.0, 1.0], [1.0, 1.0]], [[-2.0, -2.0], [1.0, -4.0]], 0.5)
    >>> print(z_bar, alpha_bar)
    [[0.5 0.5]
     [1.  0.5]] -8.0
    """
    g = as_float(g, "g")
    z, alpha, others = _prelu_arguments(z, alpha, channel_axis)
    check_same_shape(g, z, ("g", "z"))
    work = working_dtype(np.result_type(g, z, alpha))
    with np.errstate(all="ignore"):
        # NaN is on neither side, and stays.
        slope = np.where(z > 0, 1, np.where(z <= 0, alpha, z)).astype(work, copy=False)
        z_bar = g * slope
        alpha_bar = np.sum(g * np.minimum(z, 0, dtype=work), axis=others)
    return z_bar.astype(z.dtype, copy=False)[()], alpha_bar.astype(alpha.dtype, copy=False)[()]


def _prelu_arguments(z, alpha, channel_axis):
    """Return z, alpha in a shape that broadcasts along the channels, and the other axes."""
    z, alpha = as_float(z, "z"), as_float(alpha, "alpha")
    if alpha.ndim == 0:
        return z, alpha, None
    axis = check_axis(z, channel_axis, "z", "channel_axis")
    if alpha.shape != z.shape[axis : axis + 1]:
        message = (
            f"alpha must be a number, or hold one slope for each of the {z.shape[axis]} channels "
            f"of z along axis {axis}, but its shape is {alpha.shape}"
        )
        if alpha.size == 1:
            message += "; for one slope for all pass alpha.item()"
        elif alpha.ndim == 1 and len(alpha) in z.shape:
            message += f"; axis {z.shape.index(len(alpha))} has that length, see channel_axis"
        raise ValueError(message)
    others = tuple(i for i in range(z.ndim) if i != axis)
    return z, np.expand_dims(alpha, others), others
