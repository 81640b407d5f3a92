r"""From logits to probabilities: softmax, its logarithm, and the sum that it divides by.

These functions look at all numbers along one axis, the last unless `axis` says otherwise, or along
several together. Each divides the logits by `temperature` first. The derivative directly below each
is a vjp: it takes the cotangent `g`, the gradient of a scalar in the function's result, and returns
the gradient in `z`.

float64 and longdouble are computed as such, float32 and float16 in float64 and rounded once. Logits
may be infinite where the limit exists: a logit of -inf is a class of probability 0, a single +inf
takes all. Where it does not (two of +inf, or nothing but -inf), the result is NaN.
"""

import numpy as np

from nnbook.functions._shifted import in_blocks, shifted_exp
from nnbook.functions._validate import (
    as_float,
    check_axes,
    check_cotangent_shape,
    check_number,
    check_same_shape,
    working_dtype,
)


def softmax(z, axis=-1, *, temperature=1.0):
    r"""Turn logits into probabilities that sum to 1.

    .. math:: \operatorname{softmax}(z)_k = \frac{e^{z_k}}{\sum_j e^{z_j}}

    Parameters
    ----------
    z : array_like of real numbers
        Logits, dimensionless; shape (N, K) holds N examples of K classes, but any shape will do.
    axis : int or tuple of int
        The axis of the classes.
    temperature : float
        What the logits are divided by; positive, dimensionless. Above 1 it makes the classes
        more alike.

    Returns
    -------
    ndarray
        Probabilities, with the shape and dtype of `z` (integers give float64).

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.
    ValueError
        If `z` does not have that axis, or `temperature` is not positive.

    See Also
    --------
    nnbook.functions.cross_entropy : takes logits; do not take the logarithm of a softmax.

    Notes
    -----
    The maximum is subtracted first, so no exponential overflows [2]_. That difference is rounded,
    which alone would cost up to 500 ulp at a gap of 700; its rounding error is put back.

    References
    ----------
    .. [1] Bridle, in Neurocomputing, NATO ASI 68, Springer 1990,
       :doi:`10.1007/978-3-642-76153-9_28`.
    .. [2] Blanchard, Higham & Higham, IMA J. Numer. Anal. 41(4), 2021,
       :doi:`10.1093/imanum/draa038`.

    Examples
    --------
    >>> print(softmax([0.0, 1.0, 2.0]).round(4))
    [0.09   0.2447 0.6652]
    >>> print(softmax([[0.0, 1000.0], [-1e308, 1e308]]))
    [[0. 1.]
     [0. 1.]]
    """
    z, axes, temperature = _arguments(z, axis, temperature)
    with np.errstate(all="ignore"):
        return _probabilities(z, axes, temperature, z.dtype)


def softmax_vjp(g, z, axis=-1, *, temperature=1.0):
    r"""Gradient in the logits, from the gradient `g` in the probabilities.

    .. math:: \bar z_k = p_k \Bigl(g_k - \sum_j g_j p_j\Bigr), \qquad p = \operatorname{softmax}(z)

    Parameters
    ----------
    g : array_like of real numbers
        Cotangent, the shape of `z`; in units of the scalar per unit probability.
    z : array_like of real numbers
        Logits, as given to :func:`softmax`.
    axis : int or tuple of int
        The axis of the classes.
    temperature : float
        What the logits are divided by; positive, dimensionless. Above 1 it makes the classes
        more alike.

    Returns
    -------
    ndarray
        The shape and dtype of `z`; sums to 0 along `axis`, because a shift changes nothing.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If `g` and `z` differ in shape, or do not have that axis, or `temperature` is not
        positive.

    Examples
    --------
    >>> print(softmax_vjp([1.0, 0.0], [0.0, 0.0]))
    [ 0.25 -0.25]
    """
    g, z, axes, temperature = _cotangent(g, z, axis, temperature)
    with np.errstate(all="ignore"):
        p = _probabilities(z, axes, temperature)
        out = p * (g - np.sum(g * p, axis=axes, keepdims=True))
        return _cooled(out, temperature).astype(z.dtype, copy=False)


def log_softmax(z, axis=-1, *, temperature=1.0):
    r"""Logarithms of the probabilities, without forming the probabilities.

    .. math:: \log \operatorname{softmax}(z)_k = z_k - \log \sum_j e^{z_j}

    Parameters
    ----------
    z : array_like of real numbers
        Logits, dimensionless, any shape.
    axis : int or tuple of int
        The axis of the classes.
    temperature : float
        What the logits are divided by; positive, dimensionless. Above 1 it makes the classes
        more alike.

    Returns
    -------
    ndarray
        Log-probabilities in nats, at most 0, with the shape and dtype of `z`.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.
    ValueError
        If `z` does not have that axis, or `temperature` is not positive.

    Notes
    -----
    Good to the last digits at both ends: the likeliest class, whose value is near 0, gets
    ``-log1p`` of the other exponentials' sum, not the logarithm of a sum that rounds to 1.

    Examples
    --------
    >>> log_probability = log_softmax([0.0, -50.0])
    >>> print(f"{log_probability[0]:.4e} {log_probability[1]:.1f}")
    -1.9287e-22 -50.0
    """
    z, axes, temperature = _arguments(z, axis, temperature)

    def body(part, axis):
        shift, error, _, rest = shifted_exp(part, axis, temperature)
        return (shift - np.log1p(rest)) + error

    with np.errstate(all="ignore"):
        return in_blocks(body, z, axes, z.dtype)


def log_softmax_vjp(g, z, axis=-1, *, temperature=1.0):
    r"""Gradient in the logits, from the gradient `g` in the log-probabilities.

    .. math:: \bar z_k = g_k - p_k \sum_j g_j, \qquad p = \operatorname{softmax}(z)

    Parameters
    ----------
    g : array_like of real numbers
        Cotangent, the shape of `z`; in units of the scalar per nat.
    z : array_like of real numbers
        Logits, as given to :func:`log_softmax`.
    axis : int or tuple of int
        The axis of the classes.
    temperature : float
        What the logits are divided by; positive, dimensionless. Above 1 it makes the classes
        more alike.

    Returns
    -------
    ndarray
        The shape and dtype of `z`; sums to 0 along `axis`.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If `g` and `z` differ in shape, or do not have that axis, or `temperature` is not
        positive.

    Examples
    --------
    >>> print(log_softmax_vjp([1.0, 0.0], [0.0, 0.0]))
    [ 0.5 -0.5]
    """
    g, z, axes, temperature = _cotangent(g, z, axis, temperature)
    with np.errstate(all="ignore"):
        p = _probabilities(z, axes, temperature)
        g = g.astype(np.promote_types(g.dtype, p.dtype), copy=False)
        out = g - p * np.sum(g, axis=axes, keepdims=True)
        return _cooled(out, temperature).astype(z.dtype, copy=False)


def logsumexp(z, axis=-1, keepdims=False, *, temperature=1.0):
    r"""Logarithm of a sum of exponentials: the maximum, smoothed.

    .. math:: \operatorname{lse}(z) = \log \sum_{k=1}^{K} e^{z_k}, \qquad
        \max_k z_k \le \operatorname{lse}(z) \le \max_k z_k + \log K

    Parameters
    ----------
    z : array_like of real numbers
        Logits, dimensionless, any shape.
    axis : int or tuple of int
        The axis to sum over.
    keepdims : bool
        Whether that axis stays, with length 1.
    temperature : float
        What the logits are divided by; positive, dimensionless. The smooth maximum of the logits
        themselves is the temperature times the result.

    Returns
    -------
    ndarray or NumPy scalar
        In nats, the dtype of `z`; -inf, the logarithm of 0, where there is nothing to sum.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.
    ValueError
        If `z` does not have that axis, or `temperature` is not positive.

    See Also
    --------
    softmax : its gradient.

    References
    ----------
    .. [1] Blanchard, Higham & Higham, IMA J. Numer. Anal. 41(4), 2021,
       :doi:`10.1093/imanum/draa038`.

    Examples
    --------
    >>> print(f"{logsumexp([0.0, 0.0]):.4f} {logsumexp([1000.0, 1000.0]):.4f}")
    0.6931 1000.6931
    """
    z, axes, temperature = _arguments(z, axis, temperature)

    def body(part, axis):
        top = np.max(part, axis=axis, keepdims=True, initial=-np.inf)
        _, _, _, rest = shifted_exp(part, axis, temperature)
        total = _cooled(top.astype(rest.dtype, copy=False), temperature) + np.log1p(rest)
        # Two infinite logits leave no probabilities, but the sum is as infinite as with one.
        return np.where(np.isinf(top), top, total)

    with np.errstate(all="ignore"):
        out = in_blocks(body, z, axes, z.dtype, sums=True)
    return out if keepdims else np.squeeze(out, axes)[()]


def logsumexp_vjp(g, z, axis=-1, keepdims=False, *, temperature=1.0):
    r"""Gradient in the logits, from the gradient `g` in their log-sum-exp.

    .. math:: \bar z_k = g\, \operatorname{softmax}(z)_k

    Parameters
    ----------
    g : array_like of real numbers
        Cotangent, of the shape of ``logsumexp(z, axis)``; in units of the scalar per nat.
    z : array_like of real numbers
        Logits, as given to :func:`logsumexp`.
    axis : int or tuple of int
        The axis that was summed over.
    keepdims : bool
        Whether `g` has that axis, with length 1.
    temperature : float
        What the logits were divided by.

    Returns
    -------
    ndarray
        The shape and dtype of `z`.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If `z` does not have that axis, or `g` not the shape of the sum, or `temperature` is not
        positive.

    Examples
    --------
    >>> print(logsumexp_vjp(2.0, [0.0, 0.0]))
    [1. 1.]
    """
    g = as_float(g, "g")
    z, axes, temperature = _arguments(z, axis, temperature)
    wide = tuple(1 if i in axes else n for i, n in enumerate(z.shape))
    shape = wide if keepdims else tuple(n for i, n in enumerate(z.shape) if i not in axes)
    check_cotangent_shape(g, shape, f"logsumexp(z, axis={axis})")
    with np.errstate(all="ignore"):
        out = g.reshape(wide) * _probabilities(z, axes, temperature)
        return _cooled(out, temperature).astype(z.dtype, copy=False)


def _arguments(z, axis, temperature):
    """Return z, its axes counted from the front, and the temperature; raise if wrong."""
    z = as_float(z, "z")
    axes = check_axes(z, axis, "z")
    temperature = check_number(temperature, "temperature")
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    return z, axes, temperature


def _cotangent(g, z, axis, temperature):
    g = as_float(g, "g")
    z, axes, temperature = _arguments(z, axis, temperature)
    check_same_shape(g, z, ("g", "z"))
    return g, z, axes, temperature


def _cooled(x, temperature):
    return x if temperature == 1 else x / temperature


def _probabilities(z, axes, temperature, dtype=None):
    """Return the softmax, in the working dtype unless another is named."""

    def body(part, axis):
        _, _, e, rest = shifted_exp(part, axis, temperature)
        return e / (1 + rest)

    return in_blocks(body, z, axes, dtype or working_dtype(z.dtype))
