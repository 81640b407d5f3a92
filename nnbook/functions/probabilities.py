r"""From logits to probabilities: softmax, its logarithm, and the sum that it divides by.

These functions look at all numbers along one axis, the last unless `axis` says otherwise. The
derivative directly below each is a vjp: it takes the cotangent `g`, the gradient of a scalar in the
function's result, and returns the gradient in `z`.

float64 and longdouble are computed as such, float32 and float16 in float64 and rounded once. Logits
may be infinite where the limit exists: a logit of -inf is a class of probability 0, a single +inf
takes all. Where it does not (two of +inf, or nothing but -inf), the result is NaN.
"""

import numpy as np

from nnbook.functions._validate import as_float, check_axis, check_same_shape, working_dtype


def softmax(z, axis=-1):
    r"""Turn logits into probabilities that sum to 1.

    .. math:: \operatorname{softmax}(z)_k = \frac{e^{z_k}}{\sum_j e^{z_j}}

    Parameters
    ----------
    z : array_like of real numbers
        Logits, dimensionless; shape (N, K) holds N examples of K classes, but any shape will do.
    axis : int
        The axis of the classes.

    Returns
    -------
    ndarray
        Probabilities, with the shape and dtype of `z` (integers give float64).

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.
    ValueError
        If `z` does not have that axis.

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
    z = as_float(z, "z")
    axis = check_axis(z, axis, "z")
    with np.errstate(all="ignore"):
        _, _, e, rest = shifted_exp(z, axis)
        return (e / (1 + rest)).astype(z.dtype, copy=False)


def softmax_vjp(g, z, axis=-1):
    r"""Gradient in the logits, from the gradient `g` in the probabilities.

    .. math:: \bar z_k = p_k \Bigl(g_k - \sum_j g_j p_j\Bigr), \qquad p = \operatorname{softmax}(z)

    Parameters
    ----------
    g : array_like of real numbers
        Cotangent, the shape of `z`; in units of the scalar per unit probability.
    z : array_like of real numbers
        Logits, as given to :func:`softmax`.
    axis : int
        The axis of the classes.

    Returns
    -------
    ndarray
        The shape and dtype of `z`; sums to 0 along `axis`, because a shift changes nothing.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If `g` and `z` differ in shape, or do not have that axis.

    Examples
    --------
    >>> print(softmax_vjp([1.0, 0.0], [0.0, 0.0]))
    [ 0.25 -0.25]
    """
    g, z, axis = _cotangent(g, z, axis)
    with np.errstate(all="ignore"):
        p = softmax(z.astype(working_dtype(z.dtype), copy=False), axis)
        return (p * (g - np.sum(g * p, axis=axis, keepdims=True))).astype(z.dtype, copy=False)


def log_softmax(z, axis=-1):
    r"""Logarithms of the probabilities, without forming the probabilities.

    .. math:: \log \operatorname{softmax}(z)_k = z_k - \log \sum_j e^{z_j}

    Parameters
    ----------
    z : array_like of real numbers
        Logits, dimensionless, any shape.
    axis : int
        The axis of the classes.

    Returns
    -------
    ndarray
        Log-probabilities in nats, at most 0, with the shape and dtype of `z`.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.
    ValueError
        If `z` does not have that axis.

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
    z = as_float(z, "z")
    axis = check_axis(z, axis, "z")
    with np.errstate(all="ignore"):
        shift, error, _, rest = shifted_exp(z, axis)
        return ((shift - np.log1p(rest)) + error).astype(z.dtype, copy=False)


def log_softmax_vjp(g, z, axis=-1):
    r"""Gradient in the logits, from the gradient `g` in the log-probabilities.

    .. math:: \bar z_k = g_k - p_k \sum_j g_j, \qquad p = \operatorname{softmax}(z)

    Parameters
    ----------
    g : array_like of real numbers
        Cotangent, the shape of `z`; in units of the scalar per nat.
    z : array_like of real numbers
        Logits, as given to :func:`log_softmax`.
    axis : int
        The axis of the classes.

    Returns
    -------
    ndarray
        The shape and dtype of `z`; sums to 0 along `axis`.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If `g` and `z` differ in shape, or do not have that axis.

    Examples
    --------
    >>> print(log_softmax_vjp([1.0, 0.0], [0.0, 0.0]))
    [ 0.5 -0.5]
    """
    g, z, axis = _cotangent(g, z, axis)
    with np.errstate(all="ignore"):
        p = softmax(z.astype(working_dtype(z.dtype), copy=False), axis)
        return (g - p * np.sum(g, axis=axis, keepdims=True)).astype(z.dtype, copy=False)


def logsumexp(z, axis=-1, keepdims=False):
    r"""Logarithm of a sum of exponentials: the maximum, smoothed.

    .. math:: \operatorname{lse}(z) = \log \sum_{k=1}^{K} e^{z_k}, \qquad
        \max_k z_k \le \operatorname{lse}(z) \le \max_k z_k + \log K

    Parameters
    ----------
    z : array_like of real numbers
        Logits, dimensionless, any shape.
    axis : int
        The axis to sum over.
    keepdims : bool
        Whether that axis stays, with length 1.

    Returns
    -------
    ndarray or NumPy scalar
        In nats, the dtype of `z`; -inf, the logarithm of 0, where there is nothing to sum.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.
    ValueError
        If `z` does not have that axis.

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
    z = as_float(z, "z")
    axis = check_axis(z, axis, "z")
    with np.errstate(all="ignore"):
        top = np.max(z, axis=axis, keepdims=True, initial=-np.inf)
        _, _, _, rest = shifted_exp(z, axis)
        out = (top + np.log1p(rest)).astype(z.dtype, copy=False)
    # Two infinite logits leave no probabilities, but the sum is as infinite as with one.
    out = np.where(np.isinf(top), top, out)
    return out if keepdims else np.squeeze(out, axis)[()]


def logsumexp_vjp(g, z, axis=-1):
    r"""Gradient in the logits, from the gradient `g` in their log-sum-exp.

    .. math:: \bar z_k = g\, \operatorname{softmax}(z)_k

    Parameters
    ----------
    g : array_like of real numbers
        Cotangent, of the shape of ``logsumexp(z, axis)``; in units of the scalar per nat.
    z : array_like of real numbers
        Logits, as given to :func:`logsumexp`.
    axis : int
        The axis that was summed over.

    Returns
    -------
    ndarray
        The shape and dtype of `z`.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If `z` does not have that axis, or `g` not the shape of the sum.

    Examples
    --------
    >>> print(logsumexp_vjp(2.0, [0.0, 0.0]))
    [1. 1.]
    """
    g, z = as_float(g, "g"), as_float(z, "z")
    axis = check_axis(z, axis, "z")
    shape = z.shape[:axis] + z.shape[axis + 1 :]
    if g.shape != shape:
        raise ValueError(
            f"g must have the shape of logsumexp(z, axis={axis}), {shape}, "
            f"but its shape is {g.shape}"
        )
    with np.errstate(all="ignore"):
        p = softmax(z.astype(working_dtype(z.dtype), copy=False), axis)
        return (np.expand_dims(g, axis) * p).astype(z.dtype, copy=False)


def _cotangent(g, z, axis):
    g, z = as_float(g, "g"), as_float(z, "z")
    check_same_shape(g, z, ("g", "z"))
    return g, z, check_axis(z, axis, "z")


def shifted_exp(z, axis):
    """Return ``(shift, error, e, rest)``: z less its maximum, and the exponentials of that.

    ``shift + error`` is the difference without rounding, e its exponential. One maximum's own 1 is
    left out of the sum of the others, ``rest``, so that log1p(rest) keeps its digits when they are
    small; the denominator of the softmax is 1 + rest.
    """
    z = z.astype(working_dtype(z.dtype), copy=False)
    top = np.max(z, axis=axis, keepdims=True, initial=-np.inf)
    shift = z - top
    finite = np.isfinite(shift).all()
    if not finite:
        shift[z == top] = 0  # where the top is infinite; NaN stays NaN
    # What the subtraction rounded off, exactly: z = (shift + error) + top.
    error = shift + top
    back = error - shift
    error = (z - error) + (back - top)
    if not finite:
        error[~np.isfinite(error)] = 0
    e = np.exp(shift)
    e += e * error
    is_top = shift == 0
    tied = np.count_nonzero(is_top, axis=axis, keepdims=True) - 1
    rest = np.sum(e - is_top, axis=axis, keepdims=True) + tied
    if not finite:
        # With several infinite maxima the limit depends on how they grow: there is none.
        rest[np.isinf(top) & (tied > 0)] = np.nan
    return shift, error, e, rest
