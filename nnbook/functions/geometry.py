r"""Distances: what a unit measures, and how far a network can stretch one."""

import numpy as np

from nnbook.functions._validate import as_float, check_matrix, check_number, common_dtype


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
    ValueError
        If a shape does not fit, or all weights are zero: then there is no hyperplane.

    Notes
    -----
    Derived in chapter 5, equation 5.1. The weights are scaled by the power of two nearest to the
    largest before they are squared, so that neither 1e200 nor 1e-200 leaves the range.

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
    largest = np.abs(w).max(initial=0.0)
    if largest == 0:
        raise ValueError("w must not be all zeros: a unit without weights has no hyperplane")
    with np.errstate(all="ignore"):
        scale = np.exp2(-np.floor(np.log2(largest.astype(np.float64))))
        work = np.promote_types(dtype, np.float64)
        unit = w.astype(work) * scale
        sums = X.astype(work) @ unit + b.astype(work) * scale
        return (np.abs(sums) / np.sqrt(unit @ unit)).astype(dtype)


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
        distances Euclidean. Dimensionless.

    Raises
    ------
    ValueError
        If there is no layer, two layers do not fit together, or ``slope`` is negative.

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
    weights = [as_float(W, f"weights[{i}]") for i, W in enumerate(weights)]
    if not weights:
        raise ValueError("weights must hold one matrix at least, found an empty list")
    for i, W in enumerate(weights):
        check_matrix(W, f"weights[{i}]", ("n_out", "n_in"))
        if i and W.shape[1] != weights[i - 1].shape[0]:
            raise ValueError(
                f"weights[{i}] takes {W.shape[1]} inputs but weights[{i - 1}] gives "
                f"{weights[i - 1].shape[0]} outputs: is one of them transposed?"
            )
    slope = check_number(slope, "slope")
    if slope < 0:
        raise ValueError(f"slope must be 0 or more, the largest |φ′|, found {slope}")
    norms = [np.linalg.norm(W.astype(np.float64), 2) for W in weights]
    return float(slope ** (len(weights) - 1) * np.prod(norms))
