r"""Curvature: how steeply the gradient changes, and so how long a step may be."""

import math
from typing import NamedTuple

import numpy as np

from nnbook.functions._validate import check_count, check_number
from nnbook.learning._validate import check_rng
from nnbook.learning.mlp import LOSSES, forward
from nnbook.learning.transforms import hvp
from nnbook.learning.trees import tree_leaves, tree_map


class Sharpness(NamedTuple):
    r"""The largest eigenvalue of the Hessian, and how far to trust it.

    Attributes
    ----------
    value : float
        :math:`\lambda`, the Rayleigh quotient of the direction found.
    residual : float
        :math:`\|Hv - \lambda v\|` for :math:`\|v\| = 1`: some eigenvalue is at most this far away.
    iterations : int
        Products with the Hessian.
    """

    value: float
    residual: float
    iterations: int


def sharpness(
    params, X, Y, activation="relu", loss="cross_entropy", *,
    rng=None, iterations=100, tolerance=1e-3,
):
    r"""Compute the largest eigenvalue of the loss's Hessian, by power iteration.

    .. math:: v \leftarrow \frac{Hv}{\|Hv\|}, \qquad \lambda = v \cdot Hv

    Gradient descent is stable at a minimum only if :math:`\alpha\lambda_{\max} < 2`, equation 19.4.

    Parameters
    ----------
    params : list of (W, b)
        Where.
    X : ndarray, shape (N, d)
        One example a row.
    Y : ndarray
        Targets, in the form that the loss takes.
    activation : str, default "relu"
        Name of the hidden layers' φ.
    loss : str, default "cross_entropy"
        Name of the loss.
    rng : numpy.random.Generator, optional
        Draws the first direction; seed 0 if not given.
    iterations : int, default 100
        Products with the Hessian at most, in each of at most two iterations.
    tolerance : float, default 1e-3
        Stop when the residual is below this times :math:`|\lambda|`.

    Returns
    -------
    Sharpness
        In units of the loss per squared unit of θ. The value is a Rayleigh quotient, so it never
        exceeds the true maximum but for rounding.

    Notes
    -----
    Products with the Hessian are exact, `nnbook.learning.transforms.hvp`, and no matrix is formed.
    Power iteration finds the eigenvalue of largest magnitude, if there is one: a saddle may have
    :math:`\pm\mu`, and then it settles nowhere. If it has not settled on a positive one, a second
    iteration is made with :math:`H + \|Hv\| I`, which has no negative eigenvalue of note, and the
    larger value of the two is returned.

    Examples
    --------
    One unit and squared error, :math:`\tfrac12 (wx + b - y)^2`: it curves by :math:`x^2 + 1`.

    >>> params = [(np.array([[1.0]]), np.array([0.0]))]
    >>> print(f"{sharpness(params, [[3.0]], [[1.0]], loss='squared_error').value:.3f}")
    10.000
    """
    f = _loss_of(params, X, Y, activation, loss)
    rng = np.random.default_rng(0) if rng is None else check_rng(rng)
    iterations = check_count(iterations, "iterations")
    tolerance = check_number(tolerance, "tolerance", 0.0)
    start = tree_map(lambda leaf: rng.standard_normal(np.shape(leaf)), list(params))
    params = tree_map(lambda leaf: np.asarray(leaf, dtype=float), list(params))
    found = _power_iteration(lambda v: hvp(f, params, v), start, 0.0, iterations, tolerance)
    if found.residual <= tolerance * found.value:
        return found
    size = math.hypot(found.value, found.residual)  # the norm of Hv
    again = _power_iteration(lambda v: hvp(f, params, v), start, size, iterations, tolerance)
    return max(found, again)._replace(iterations=found.iterations + again.iterations)


def _power_iteration(product, v, shift, iterations, tolerance):
    """Iterate with H + shift I from v; return the Rayleigh quotient of H and its residual."""
    count = 0
    while count < iterations:
        count += 1
        length = _length(v)
        v = tree_map(lambda leaf, length=length: leaf / length, v)
        Hv = product(v)
        pairs = zip(tree_leaves(v), tree_leaves(Hv), strict=True)
        value = sum(float(np.vdot(a, b)) for a, b in pairs)
        residual = _length(tree_map(lambda a, b, value=value: a - value * b, Hv, v))
        if residual <= tolerance * abs(value):
            break
        v = tree_map(lambda a, b: a + shift * b, Hv, v)
    return Sharpness(value, residual, count)


def _loss_of(params, X, Y, activation, loss):
    from nnbook.learning import lifted  # it reads all the package's functions: not at import

    if not isinstance(loss, str) or loss not in LOSSES:
        raise ValueError(f"loss must be one of {', '.join(LOSSES)}, found {loss!r}")
    forward(params, X, activation)
    if not isinstance(activation, str):
        raise TypeError("activation must be a name: the second derivative of a pair is not known, "
                        f"found {activation!r}")
    phi, of = getattr(lifted, activation), getattr(lifted, loss)
    X = np.asarray(X, dtype=float)

    def f(params):
        A = X
        for layer, (W, b) in enumerate(params, start=1):
            A = lifted.affine(A, W, b)
            if layer < len(params):
                A = phi(A)
        return of(A, Y)

    return f


def _length(tree):
    return math.sqrt(sum(float(np.vdot(leaf, leaf)) for leaf in tree_leaves(tree)))
