r"""Layer and RMS normalisation, and their vjps.

Both take their statistics over the features of one example, so a batch changes nothing. Those of a
channel are in ``group_normalization.py``, those of a batch in ``batch_normalization.py``. Here
`gain` and `shift` are what the field calls γ and β, or weight and bias: what a layer learns to put
its scale and mean back.

Statistics are computed in float64 (longdouble if given that) and the result is rounded once. ε
stands **inside** the root, and the vjps are exact with it. Rows of equal entries give exactly the
shift. A row that holds an infinity or NaN is NaN.
"""

import numpy as np

from nnbook.functions._standardize import (
    as_rows,
    centre,
    cotangent,
    from_rows,
    gradients,
    prepare,
    project,
    restore,
    scaled,
    standardize,
)
from nnbook.functions._validate import as_float, check_axes


def layer_norm(x, gain=None, shift=None, *, axis=-1, eps=1e-5):
    r"""Give the features of each example mean 0 and variance 1, then a gain and a shift.

    .. math:: y = \text{gain} \odot \hat x + \text{shift}, \qquad
        \hat x = \frac{x - m}{\sqrt{v + \varepsilon}}, \qquad
        m = \operatorname{mean} x, \quad v = \operatorname{mean}\,(x - m)^2

    Parameters
    ----------
    x : array_like of real numbers
        Pre-activations or activations, any shape with the axes asked for.
    gain, shift : array_like of real numbers, optional
        One entry a feature: the lengths of `x` along `axis`, in the order that `x` has them.
    axis : int or tuple of int
        The axes of the features: ``-1``, or ``(-2, -1)`` for the last two, or any others.
    eps : float
        ε ≥ 0, in squared units of `x`; inside the root.

    Returns
    -------
    ndarray
        The shape of `x`, dimensionless but for gain and shift; the arguments' common dtype.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an axis does not exist, gain or shift has another shape, or ε is negative.

    See Also
    --------
    batch_norm : statistics of each feature over the batch.

    Notes
    -----
    The variance divides by the number n of features, and the two passes over x keep the digits of
    entries like 1e8 ± 1: :math:`\hat x` is within :math:`(8 + \log_2 n)\,u\,(1 + |\hat x|)`, with
    u half an ulp of 1.

    References
    ----------
    .. [1] Ba, Kiros & Hinton, 2016, :doi:`10.48550/arXiv.1607.06450`.

    Examples
    --------
    >>> print(layer_norm([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]], eps=0.0).round(4))
    [[-1.2247  0.      1.2247]
     [ 0.      0.      0.    ]]
    """
    return _normalized(x, gain, shift, axis, eps, centre)


def layer_norm_vjp(g, x, gain=None, shift=None, *, axis=-1, eps=1e-5):
    r"""Gradients of layer normalisation in x, gain and shift.

    .. math:: \bar x = \frac{h - \operatorname{mean} h - \hat x \operatorname{mean}(h \odot \hat x)}
        {\sqrt{v + \varepsilon}}, \qquad h = \text{gain} \odot g, \qquad
        \overline{\text{gain}} = \sum g \odot \hat x, \qquad \overline{\text{shift}} = \sum g

    Parameters
    ----------
    g : array_like of real numbers
        Cotangent, the shape of `x`.
    x, gain, shift, axis, eps
        As given to :func:`layer_norm`. The sums run over the axes that are not features.

    Returns
    -------
    x_bar : ndarray
        The shape of `x`; sums to 0 over the features, because adding a constant changes nothing.
    gain_bar, shift_bar : ndarray or None
        None for what was not given.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        As :func:`layer_norm`, and if `g` and `x` differ in shape.

    Notes
    -----
    Derived as equation 18.1. Each entry of x̄ is within :math:`8 \varepsilon \sqrt n` of the terms'
    absolute sum. Where all entries are equal and ε is 0 there is no gradient: NaN.

    Examples
    --------
    >>> x_bar, _, _ = layer_norm_vjp([1.0, 0.0, 0.0], [1.0, 2.0, 3.0], eps=0.0)
    >>> print(x_bar.round(4))
    [ 0.2041 -0.4082  0.2041]
    """
    return _normalized_vjp(g, x, gain, shift, axis, eps, centre)


def rms_norm(x, gain=None, *, axis=-1, eps=1e-5):
    r"""Divide the features of each example by their root mean square, then apply a gain.

    .. math:: y = \text{gain} \odot \hat x, \qquad \hat x = \frac{x}{\text{rms}}, \qquad
        \text{rms} = \sqrt{\operatorname{mean} x^2 + \varepsilon}

    Parameters
    ----------
    x : array_like of real numbers
        Any shape with the axes asked for.
    gain : array_like of real numbers, optional
        One entry a feature: the lengths of `x` along `axis`, in the order that `x` has them.
    axis : int or tuple of int
        The axes of the features.
    eps : float
        ε ≥ 0, in squared units of `x`; inside the root. Published models use 1e-5 and 1e-6.

    Returns
    -------
    ndarray
        The shape of `x`; the arguments' common dtype. Features that are all 0 stay 0.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an axis does not exist, gain has another shape, or ε is negative.

    Notes
    -----
    No mean is taken away, and there is no shift. Before the gain, each entry is within
    :math:`4 + \tfrac12 \log_2 n` ulp.

    References
    ----------
    .. [1] Zhang & Sennrich, 2019, :doi:`10.48550/arXiv.1910.07467`.

    Examples
    --------
    >>> print(rms_norm([[3.0, 4.0], [3e200, 4e200]], eps=0.0).round(4))
    [[0.8485 1.1314]
     [0.8485 1.1314]]
    """
    return _normalized(x, gain, None, axis, eps, scaled)


def rms_norm_vjp(g, x, gain=None, *, axis=-1, eps=1e-5):
    r"""Gradients of RMS normalisation in x and gain.

    .. math:: \bar x = \frac{h - \hat x \operatorname{mean}(h \odot \hat x)}{\text{rms}}, \qquad
        h = \text{gain} \odot g, \qquad \overline{\text{gain}} = \sum g \odot \hat x

    Parameters
    ----------
    g : array_like of real numbers
        Cotangent, the shape of `x`.
    x, gain, axis, eps
        As given to :func:`rms_norm`.

    Returns
    -------
    x_bar : ndarray
        The shape of `x`; orthogonal to x if ε is 0, because a factor on x changes nothing.
    gain_bar : ndarray or None
        None if no gain was given.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        As :func:`rms_norm`, and if `g` and `x` differ in shape.

    Notes
    -----
    Derived as equation 18.2, exact with ε. Each entry of x̄ is within
    :math:`8 \varepsilon \sqrt n` of the terms' absolute sum; NaN where x and ε are 0.

    Examples
    --------
    >>> x_bar, gain_bar = rms_norm_vjp([1.0, 0.0], [3.0, 4.0], [1.0, 1.0], eps=0.0)
    >>> print(x_bar.round(4), gain_bar.round(4))
    [ 0.181  -0.1358] [0.8485 0.    ]
    """
    return _normalized_vjp(g, x, gain, None, axis, eps, scaled)[:2]


def _normalized(x, gain, shift, axis, eps, first):
    x, axes, (gain, shift), eps, dtype = _layer(x, gain, shift, axis, eps)
    with np.errstate(all="ignore"):
        normal = from_rows(standardize(as_rows(x, axes), eps, first).normal, x.shape, axes)
        return restore(normal, gain, shift, axes).astype(dtype, copy=False)


def _normalized_vjp(g, x, gain, shift, axis, eps, first):
    x, axes, (gain, shift), eps, dtype = _layer(x, gain, shift, axis, eps)
    g, dtype = cotangent(g, x, dtype)
    others = tuple(a for a in range(x.ndim) if a not in axes)
    with np.errstate(all="ignore"):
        standardized = standardize(as_rows(x, axes), eps, first)
        h = restore(g, gain, None, axes)
        x_bar = from_rows(project(as_rows(h, axes), standardized, first), x.shape, axes)
        normal = from_rows(standardized.normal, x.shape, axes)
        return gradients(x_bar, g, normal, gain, shift, others, dtype)


def _layer(x, gain, shift, axis, eps):
    """Return x in its working dtype, the axes, gain and shift, ε, and the result's dtype."""
    x = as_float(x, "x")
    axes = check_axes(x, axis, "x")
    shape = tuple(x.shape[a] for a in axes)
    meaning = f"the lengths of x along axis={axis}"
    x, *rest = prepare(x, {"gain": gain, "shift": shift}, shape, meaning, eps)
    return x, axes, *rest
