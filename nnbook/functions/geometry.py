r"""Distances: what a unit measures, and how far a network can stretch one."""

import math

import numpy as np

from nnbook.functions._validate import (
    as_float,
    check_matrix,
    check_number,
    common_dtype,
    working_dtype,
)
from nnbook.functions.linear_algebra import spectral_norm
from nnbook.functions.svd import as_float64


def hyperplane_distance(X, w, b):
    r"""Compute how far each example is from the hyperplane :math:`w \cdot x + b = 0`.

    .. math:: \frac{\lvert w \cdot x + b\rvert}{\lVert w\rVert}

    Parameters
    ----------
    X : array_like, shape (N, d)
        One example a row.
    w : array_like, shape (d,)
        Weights of a unit, not all zero.
    b : float
        Its bias.

    Returns
    -------
    ndarray, shape (N,)
        In the unit of X, never negative; the dtype is that of X and w.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If a shape does not fit, or all weights are zero: then there is no hyperplane.

    Notes
    -----
    Derived in chapter 5, equation 5.1. The weights are scaled by a power of two before they are
    squared, and examples near the end of the range before they are added up, so that the result
    is infinite only if the distance exceeds the dtype.

    References
    ----------
    .. [1] Rosenblatt, The perceptron, Psychological Review 65(6), 1958, :doi:`10.1037/h0042519`.

    Examples
    --------
    >>> hyperplane_distance([[2.0, 1.0], [0.0, 0.0]], w=[3.0, 4.0], b=-5.0)
    array([1., 1.])
    """
    X, w, b = as_float(X, "X"), as_float(w, "w"), as_float(b, "b")
    check_matrix(X, "X", ("N", "d"))
    if w.shape != X.shape[1:]:
        hint = "; pass w.ravel()" if w.size == X.shape[1] else ""
        raise ValueError(
            f"w must have shape (d,) = ({X.shape[1]},) to fit X {X.shape}, but its "
            f"shape is {w.shape}{hint}"
        )
    if b.shape != ():
        raise ValueError(f"b must be one number, the bias of one unit, but its shape is {b.shape}")
    dtype = common_dtype(X, w)  # a plain Python number for b does not widen the result
    if not w.any():
        raise ValueError("w must not be all zeros: a unit without weights has no hyperplane")
    X, w, b = (v.astype(working_dtype(dtype)) for v in (X, w, b))
    with np.errstate(all="ignore"):
        power = np.frexp(np.abs(w).max())[1]
        room = np.finfo(X.dtype).maxexp - 20  # for the sum of 2^20 features
        row_power = np.maximum(np.frexp(np.abs(X).max(axis=1))[1] - room, 0)
        unit = np.ldexp(w, -power)
        sums = np.ldexp(X, -row_power[:, np.newaxis]) @ unit + np.ldexp(b, -power - row_power)
        return np.ldexp(np.abs(sums) / np.sqrt(unit @ unit), row_power).astype(dtype)


def lipschitz_bound(weights, slope=1.0):
    r"""Bound how far a network can stretch the distance between two inputs.

    .. math:: \operatorname{Lip}(f) \le \operatorname{Lip}(\varphi)^{L-1}
              \prod_{l=1}^{L} \lVert W^{(l)}\rVert_2

    Parameters
    ----------
    weights : list of array_like, W of shape (n_out, n_in)
        The weight matrices of the L layers, input first; biases do not matter.
    slope : float, default 1
        :math:`\operatorname{Lip}(\varphi)`, the largest :math:`\lvert\varphi'\rvert`: 1 for ReLU
        and tanh, ¼ for σ.

    Returns
    -------
    float
        No two outputs are further apart than this times the distance of their inputs, both
        distances Euclidean. Dimensionless; infinite where it exceeds float64.

    Raises
    ------
    TypeError
        If `weights` is not a sequence, or a matrix does not hold real numbers or is longdouble.
    ValueError
        If there is no layer, a matrix holds an infinity or NaN, two layers do not fit together, or
        ``slope`` is negative.

    Notes
    -----
    Theorem 5.16. :math:`\lVert W\rVert_2` is the largest singular value.

    References
    ----------
    .. [1] Szegedy et al., Intriguing properties of neural networks, ICLR 2014, section 4.3,
       :doi:`10.48550/arXiv.1312.6199`.

    Examples
    --------
    >>> lipschitz_bound([np.diag([3.0, 1.0]), np.array([[2.0, 0.0]])], slope=0.25)
    1.5
    """
    if isinstance(weights, np.ndarray) and weights.ndim == 2:
        raise ValueError(
            f"weights must be a list of matrices, but is one, of shape {weights.shape}; "
            "pass [weights]"
        )
    try:
        weights = list(weights)
    except TypeError:
        raise TypeError(f"weights must be a list of matrices, got {weights!r}") from None
    if not weights:
        raise ValueError("weights must hold one matrix at least, found an empty list")
    factors = []
    for i, W in enumerate(weights):
        weights[i], _ = as_float64(W, f"weights[{i}]")
        factors.append(_norm(weights[i], f"weights[{i}]"))
        if i and weights[i].shape[1] != weights[i - 1].shape[0]:
            raise ValueError(
                f"weights[{i}] takes {weights[i].shape[1]} inputs but weights[{i - 1}] gives "
                f"{weights[i - 1].shape[0]} outputs: is one of them transposed?"
            )
    slope = check_number(slope, "slope")
    if slope < 0:
        raise ValueError(f"slope must be 0 or more, the largest |φ′|, found {slope}")
    factors += [slope] * (len(weights) - 1)
    if 0 in factors:
        return 0.0
    # The product without its exponent: a bound must not vanish on the way.
    bound, power = 1.0, 0
    for factor in factors:
        mantissa, exponent = math.frexp(factor)
        bound, carry = math.frexp(bound * mantissa)
        power += exponent + carry
    with np.errstate(all="ignore"):
        return float(np.ldexp(bound, power))


def _norm(W, name):
    """Return the spectral norm of a layer's weights; a layer of no units stretches nothing."""
    check_matrix(W, name, ("n_out", "n_in"))
    if not np.isfinite(W).all():
        raise ValueError(f"{name} must be finite, but holds an infinity or NaN")
    return float(spectral_norm(W)) if W.size else 0.0
