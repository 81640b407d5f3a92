r"""The multilayer perceptron as the page writes it.

A network of L weight layers is a list of L pairs (W, b). Rows are examples. Layer l computes

.. math:: Z^{(l)} = A^{(l-1)} W^{(l)\top} + \mathbf 1 b^{(l)\top}, \qquad
          A^{(l)} = \varphi(Z^{(l)}), \qquad A^{(0)} = X,

the last layer without φ: its Z are the logits, and the loss takes logits. Going back, with
:math:`\Delta^{(l)} = \partial\ell/\partial Z^{(l)}`, the 1/N of the mean included,

.. math:: \Delta^{(l)} = (\Delta^{(l+1)} W^{(l+1)}) \odot \varphi'(Z^{(l)}), \qquad
          \bar W^{(l)} = \Delta^{(l)\top} A^{(l-1)}, \qquad
          \bar b^{(l)} = \Delta^{(l)\top} \mathbf 1, \qquad
          \bar X = \Delta^{(1)} W^{(1)}.

``A[l]`` and ``Z[l]`` of the code are :math:`A^{(l)}` and :math:`Z^{(l)}` of the page; layer l has
its pair in ``params[l - 1]``, because a list starts at 0 and the input layer has no weights.
"""

from itertools import pairwise

import numpy as np

from nnbook.functions._validate import check_count
from nnbook.functions.activations import get_activation
from nnbook.functions.affine import affine
from nnbook.functions.losses import (
    bce_with_logits,
    bce_with_logits_grad,
    cross_entropy,
    cross_entropy_grad,
    hinge,
    hinge_grad,
    huber,
    huber_grad,
    kl_divergence,
    kl_divergence_grad,
    mae,
    mae_grad,
    mse,
    mse_grad,
    squared_error,
    squared_error_grad,
)
from nnbook.learning._validate import check_batch, check_params
from nnbook.learning.initializers import get_initializer

LOSSES = {
    "cross_entropy": (cross_entropy, cross_entropy_grad),
    "bce_with_logits": (bce_with_logits, bce_with_logits_grad),
    "mse": (mse, mse_grad),
    "squared_error": (squared_error, squared_error_grad),
    "mae": (mae, mae_grad),
    "huber": (huber, huber_grad),
    "kl_divergence": (kl_divergence, kl_divergence_grad),
    "hinge": (hinge, hinge_grad),
}


def init_params(sizes, rng, init="he_normal"):
    r"""Draw the weights of a network; the biases are zero.

    Parameters
    ----------
    sizes : sequence of int
        Units of each layer, input first: ``[2, 4, 1]`` has two weight layers.
    rng : numpy.random.Generator
        Where the draw comes from; layer 1 is drawn first.
    init : str or callable, default "he_normal"
        A name from `nnbook.learning.initializers` or a function ``init(n_out, n_in, rng)``.

    Returns
    -------
    params : list of (W, b)
        W of shape (n_out, n_in), b of shape (n_out,), float64.

    Raises
    ------
    ValueError, TypeError
        If there are fewer than two sizes, one is not a positive whole number, ``rng`` cannot draw,
        or the initializer is unknown or returns another shape.

    Examples
    --------
    >>> params = init_params([784, 128, 64, 10], np.random.default_rng(0))
    >>> sum(W.size + b.size for W, b in params)
    109386
    """
    init = get_initializer(init)
    sizes = [check_count(n, f"sizes[{i}]") for i, n in enumerate(sizes)]
    if len(sizes) < 2:
        raise ValueError(f"sizes must name an input and an output at least, found {sizes}")
    return [(_drawn(init, n_out, n_in, rng), np.zeros(n_out)) for n_in, n_out in pairwise(sizes)]


def _drawn(init, n_out, n_in, rng):
    W = np.asarray(init(n_out, n_in, rng))
    if W.shape != (n_out, n_in):
        hint = "; is it transposed?" if W.shape == (n_in, n_out) else ""
        raise ValueError(f"init must return W of shape (n_out, n_in) = {(n_out, n_in)}, found "
                         f"{W.shape}{hint}")
    if W.dtype.kind not in "fiu" or not np.isfinite(W).all():
        raise ValueError(f"init must return finite real numbers, found {W.dtype} array {W}")
    return W


def forward(params, X, activation):
    r"""Compute the logits, and keep what the way back will need.

    Parameters
    ----------
    params : list of (W, b)
        Layer l is ``params[l - 1]``.
    X : ndarray, shape (N, d)
        One example a row.
    activation : str or (function, derivative)
        φ of the hidden layers, a name such as ``"relu"`` or a pair (φ, φ′).

    Returns
    -------
    logits : ndarray, shape (N, K)
        :math:`Z^{(L)}`.
    cache : (list, list)
        The lists A and Z: ``A[0]`` is X, ``A[l]`` the activation of hidden layer l; ``Z[l]`` the
        pre-activation of layer l, ``Z[L]`` the logits. The input has no pre-activation, ``Z[0]``
        is None.

    Raises
    ------
    ValueError
        If a shape does not fit, or X is not finite.

    See Also
    --------
    backward : takes the cache.

    Examples
    --------
    The network :math:`r(x_1 + x_2) - 2 r(x_1 + x_2 - 1)` is XOR on the four corners:

    >>> params = [(np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([0.0, -1.0])),
    ...           (np.array([[1.0, -2.0]]), np.array([0.0]))]
    >>> logits, cache = forward(params, [[0, 0], [0, 1], [1, 0], [1, 1]], "relu")
    >>> logits.ravel()
    array([0., 1., 1., 0.])
    """
    params = check_params(params)
    phi, _ = activation_pair(activation)
    A, Z = [check_batch("X", X, np.shape(params[0][0])[1])], [None]
    for layer, (W, b) in enumerate(params, start=1):
        Z.append(affine(A[layer - 1], W, b))
        if layer < len(params):
            A.append(phi(Z[layer]))
    return Z[-1], (A, Z)


@np.errstate(all="ignore")
def backward(params, cache, delta, activation, *, input_grad=False):
    r"""Compute the gradient of the loss in every weight and bias: the four equations.

    Parameters
    ----------
    params : list of (W, b)
        Those of the forward pass.
    cache : (list, list)
        What `forward` returned beside the logits.
    delta : ndarray, shape (N, K)
        :math:`\Delta^{(L)} = \partial\ell/\partial Z^{(L)}`, the 1/N included: what a loss's
        ``_grad`` returns.
    activation : str or (function, derivative)
        That of the forward pass.
    input_grad : bool, default False
        Return :math:`\bar X` too; it costs :math:`N n_1 n_0` multiply-adds more.

    Returns
    -------
    grads : list of (dW, db)
        :math:`(\bar W^{(l)}, \bar b^{(l)})` for each layer, shaped like ``params``.
    X_bar : ndarray, shape (N, d)
        Only if ``input_grad``.

    Raises
    ------
    ValueError
        If the cache is not that of these parameters, or ``delta`` has not the shape of the logits.

    Notes
    -----
    Where a hidden ReLU has pre-activation 0 the loss has no derivative; the result then is what
    the choice r′(0) = 0 gives.

    References
    ----------
    .. [1] Rumelhart, Hinton & Williams, Learning representations by back-propagating errors,
       Nature 323, 1986, :doi:`10.1038/323533a0`.

    Examples
    --------
    One example, one weight, :math:`\ell = z`: the gradient in w is x.

    >>> params = [(np.array([[3.0]]), np.array([0.0]))]
    >>> logits, cache = forward(params, [[2.0]], "relu")
    >>> backward(params, cache, np.ones((1, 1)), "relu")
    [(array([[2.]]), array([1.]))]
    """
    A, Z, delta = check_cache(params, cache, delta)
    _, phi_prime = activation_pair(activation)
    grads = []
    for layer in range(len(params), 0, -1):
        W, _ = params[layer - 1]
        grads.append((delta.T @ A[layer - 1], delta.sum(axis=0)))
        if layer > 1:
            delta = (delta @ W) * phi_prime(Z[layer - 1])
    grads.reverse()
    return (grads, delta @ params[0][0]) if input_grad else grads


def loss_and_grads(params, X, Y, activation="relu", loss="cross_entropy"):
    r"""Compute the mean loss over a batch and its gradient in every parameter.

    Parameters
    ----------
    params : list of (W, b)
        The network.
    X : ndarray, shape (N, d)
        One example a row.
    Y : ndarray
        Targets, in the form that the loss takes.
    activation : str or (function, derivative), default "relu"
        φ of the hidden layers.
    loss : str or (function, gradient), default "cross_entropy"
        ``"cross_entropy"`` for K classes, ``"kl_divergence"`` for distributions over them,
        ``"bce_with_logits"`` for yes or no and ``"hinge"`` for -1 or +1, ``"mse"``,
        ``"squared_error"``, ``"mae"`` and ``"huber"`` for numbers; a pair takes (logits, Y).

    Returns
    -------
    value : float
        Mean loss over the batch; the first three are in nats.
    grads : list of (dW, db)
        Shaped like ``params``.

    Examples
    --------
    A network that knows nothing about two classes pays log 2 nats:

    >>> params = init_params([2, 3, 2], np.random.default_rng(0), init="zeros")
    >>> value, grads = loss_and_grads(params, np.eye(2), np.array([0, 1]))
    >>> f"{value:.4f}"
    '0.6931'
    """
    loss, loss_grad = loss_pair(loss)
    logits, cache = forward(params, X, activation)
    return loss(logits, Y), backward(params, cache, loss_grad(logits, Y), activation)


def predict(params, X, activation="relu"):
    r"""Return the class of each example: the largest logit, or the sign of a single one.

    Parameters
    ----------
    params : list of (W, b)
        The network.
    X : ndarray, shape (N, d)
        One example a row.
    activation : str or (function, derivative), default "relu"
        φ of the hidden layers.

    Returns
    -------
    classes : ndarray of int, shape (N,)
        With K ≥ 2 logits the index of the largest, the first of equals; with one logit 1 if it is
        positive and else 0, so that :math:`\sigma(0) = \tfrac12` says 0.

    Examples
    --------
    >>> params = [(np.array([[1.0], [-1.0]]), np.array([0.0, 0.0]))]
    >>> predict(params, [[2.0], [-2.0]])
    array([0, 1])
    """
    return decide(forward(params, X, activation)[0])


def decide(logits):
    """Return the class that each row of logits speaks for, as `predict` does."""
    if logits.shape[1] == 1:
        return (logits[:, 0] > 0).astype(np.intp)
    return logits.argmax(axis=1)


def activation_pair(activation):
    """Return (φ, φ′) for a name, and a pair as it is."""
    if isinstance(activation, tuple) and len(activation) == 2 and all(map(callable, activation)):
        return activation
    return get_activation(activation)


def loss_pair(loss):
    """Return (loss, gradient) for a name, and a pair as it is."""
    if isinstance(loss, tuple) and len(loss) == 2 and all(map(callable, loss)):
        return loss
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss]
    raise ValueError(
        f"loss must be one of {', '.join(LOSSES)} or a pair (loss, gradient), found {loss!r}"
    )


def check_cache(params, cache, delta):
    """Return the lists A and Z, and ``delta``, if they belong to ``params``."""
    params, delta = check_params(params), np.asarray(delta)
    if not (isinstance(cache, tuple) and len(cache) == 2):
        raise TypeError("cache must be the pair (A, Z) that forward returned beside the logits")
    A, Z = cache
    if len(A) != len(params) or len(Z) != len(params) + 1:
        raise ValueError(
            f"cache holds {len(A)} layers but params {len(params)}: is it another network's?"
        )
    if delta.shape != Z[-1].shape:
        raise ValueError(
            f"delta must have the shape of the logits, {Z[-1].shape}, found {delta.shape}"
        )
    for layer, (W, _) in enumerate(params, start=1):
        if A[layer - 1].shape[1] != np.shape(W)[1]:
            raise ValueError(
                f"cache has {A[layer - 1].shape[1]} units before layer {layer}, whose W is "
                f"{np.shape(W)}: is it another network's?"
            )
    return A, Z, delta
