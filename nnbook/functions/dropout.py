r"""Dropout: activations set to 0 at random in training, and the others scaled up to make up for it.

The mask is drawn first, by :func:`dropout_mask`, and given to the forward and the backward pass.
Nothing is stored, and a pass can be repeated.
"""

import operator

import numpy as np

from nnbook.functions._validate import (
    as_float,
    check_flag,
    check_number,
    check_same_shape,
    working_dtype,
)


def dropout_mask(shape, p, rng):
    r"""Draw which entries dropout keeps: each is dropped with probability p, independently.

    Parameters
    ----------
    shape : int or tuple of int
        The shape of the activations.
    p : float
        Probability of dropping an entry, 0 ≤ p < 1.
    rng : numpy.random.Generator
        One number is drawn for each entry.

    Returns
    -------
    ndarray of bool
        True where the entry is kept.

    Raises
    ------
    TypeError
        If `rng` is not a Generator, or `shape` is not made of integers.
    ValueError
        If p is not in [0, 1).

    Examples
    --------
    >>> mask = dropout_mask((1000, 100), 0.2, np.random.default_rng(0))
    >>> print(f"{mask.mean():.2f}")
    0.80
    """
    p = check_number(p, "p", 0, 1)
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng must be a numpy.random.Generator, got {rng!r}; use np.random.default_rng(seed)"
        )
    return rng.random(_check_shape(shape)) >= p


def dropout(x, p=0.5, *, mask=None, rng=None, training=True):
    r"""Set entries to 0 with probability p, and divide the others by 1 - p ("inverted" dropout).

    .. math:: y = \frac{\text{mask} \odot x}{1 - p}, \qquad
        \operatorname{E} y = x, \qquad \operatorname{Var} y = x^2\,\frac{p}{1 - p}

    Parameters
    ----------
    x : array_like of real numbers
        Activations, any shape.
    p : float
        Probability of dropping an entry, 0 ≤ p < 1. (The first publication's p is that of
        keeping one.)
    mask : array_like of bool, optional
        True where an entry is kept, as :func:`dropout_mask` draws it; the shape of `x`.
    rng : numpy.random.Generator, optional
        Draws the mask if none is given. For a gradient, draw the mask first and give it to both.
    training : bool
        If False, dropout is the identity, and needs neither.

    Returns
    -------
    ndarray
        A new array with the shape and dtype of `x`.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers, `mask` is not boolean or `rng` not a Generator.
    ValueError
        If p is not in [0, 1), `mask` has another shape, or not exactly one of `mask` and `rng` is
        given in training.

    Notes
    -----
    Within 2 ulp. A dropped entry gives 0 even where x is infinite or NaN. Because the mean
    is kept, inference needs no factor.

    References
    ----------
    .. [1] Hinton, Srivastava, Krizhevsky, Sutskever & Salakhutdinov, 2012,
       :doi:`10.48550/arXiv.1207.0580`.

    Examples
    --------
    >>> print(dropout([1.0, 2.0, 3.0], 0.5, mask=[True, False, True]))
    [2. 0. 6.]
    >>> print(dropout([1.0, 2.0, 3.0], 0.5, training=False))
    [1. 2. 3.]
    """
    x = as_float(x, "x")
    return _drop(x, *_ready(x, p, mask, rng, training))


def dropout_vjp(g, x, p=0.5, *, mask=None, rng=None, training=True):
    r"""Gradient of dropout in x: what was dropped passes nothing back.

    .. math:: \bar x = \frac{\text{mask} \odot g}{1 - p}

    Parameters
    ----------
    g : array_like of real numbers
        Cotangent, the shape of `x`.
    x, p, mask, training
        As given to :func:`dropout`.
    rng : None
        A mask cannot be drawn a second time: give `mask`.

    Returns
    -------
    ndarray
        The shape of `x`, in the common dtype of `g` and `x`.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or `mask` is not boolean.
    ValueError
        As :func:`dropout`, if `g` and `x` differ in shape, or if `rng` is given.

    Examples
    --------
    >>> print(dropout_vjp([1.0, 1.0], [5.0, 6.0], 0.2, mask=[True, False]))
    [1.25 0.  ]
    """
    g, x = as_float(g, "g"), as_float(x, "x")
    check_same_shape(g, x, ("g", "x"))
    if rng is not None and training:
        raise ValueError(
            "rng would draw another mask than the forward pass did; draw it once with "
            "mask = dropout_mask(x.shape, p, rng), and give mask= to both"
        )
    g = g.astype(np.promote_types(g.dtype, x.dtype), copy=False)
    return _drop(g, *_ready(x, p, mask, rng, training))


def _check_shape(shape):
    try:
        lengths = [operator.index(n) for n in np.atleast_1d(np.asarray(shape, dtype=object))]
    except TypeError:
        raise TypeError(f"shape must be made of integers, got {shape!r}") from None
    if any(n < 0 for n in lengths):
        raise ValueError(f"shape must not have negative lengths, got {shape!r}")
    return tuple(lengths)


def _ready(x, p, mask, rng, training):
    """Return the rate and the mask; None for the mask if nothing is dropped."""
    p = check_number(p, "p", 0, 1)
    training = check_flag(training, "training")
    if isinstance(mask, np.ma.MaskedArray):
        raise TypeError(
            "mask is a masked array, whose own mask would be lost; pass mask.filled(False)"
        )
    if mask is not None:
        mask = np.asarray(mask)
        if mask.dtype != bool:
            raise TypeError(
                f"mask must be boolean, True where an entry is kept, but its dtype is {mask.dtype}"
            )
        check_same_shape(mask, x, ("mask", "x"))
    if not training:
        return p, None
    if (mask is None) == (rng is None):
        found = "neither is" if mask is None else "both are"
        raise ValueError(f"training needs either mask or rng, but {found} given")
    return p, dropout_mask(x.shape, p, rng) if mask is None else mask


def _drop(x, p, mask):
    if mask is None:
        return x.copy()
    with np.errstate(all="ignore"):
        kept = x.astype(working_dtype(x.dtype), copy=False) / (1 - p)
        return np.where(mask, kept, 0).astype(x.dtype, copy=False)
