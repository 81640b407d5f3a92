r"""Optimizers: from a gradient to the next parameters.

One contract, a pair of pure functions:

- ``init(params)`` returns the state before the first step;
- ``update(grads, state, params)`` returns ``(new_params, new_state)`` and changes nothing in place.

``params`` is any nest of lists, tuples and dicts with arrays as leaves, ``grads`` a nest of the
same shape; a network's list of (W, b) pairs is one. Letters are those of the page: the learning
rate α, the momentum β with velocity v, Adam's β₁, β₂ with moments m and v. The gradient is the one
at ``params``, of whatever loss the caller chose: on a minibatch it estimates the full one.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nnbook.functions._validate import check_number


class Optimizer(NamedTuple):
    """A pair of functions, ``init(params)`` and ``update(grads, state, params)``."""

    init: Callable[[Any], Any]
    update: Callable[[Any, Any, Any], tuple[Any, Any]]


class AdamState(NamedTuple):
    """Steps taken so far, and the running means of the gradient and of its square."""

    t: int
    m: Any
    v: Any


def sgd(alpha):
    r"""Gradient descent, stochastic if the gradients are.

    .. math:: \theta^+ = \theta - \alpha\, g

    Parameters
    ----------
    alpha : float
        Learning rate α ≥ 0, in units of θ² per unit of loss.

    Returns
    -------
    Optimizer
        Its state is empty.

    Examples
    --------
    >>> optimizer = sgd(0.1)
    >>> theta = np.array([1.0])
    >>> optimizer.update(2 * theta, optimizer.init(theta), theta)[0]
    array([0.8])
    """
    alpha = check_number(alpha, "alpha", low=0.0)

    def init(params):
        tree_map(_zeros, params)                     # says what is wrong with params
        return ()

    @np.errstate(all="ignore")
    def update(grads, state, params):
        return tree_map(lambda theta, g: theta - alpha * g, params, grads), state

    return Optimizer(init, update)


def momentum(alpha, beta=0.9):
    r"""Gradient descent with momentum, the heavy ball of Polyak.

    .. math:: v^+ = \beta v - \alpha\, g, \qquad \theta^+ = \theta + v^+

    Parameters
    ----------
    alpha : float
        Learning rate α ≥ 0.
    beta : float, default 0.9
        Fraction of the velocity kept, 0 ≤ β < 1. Under a steady gradient the step grows to
        α/(1 − β) times the gradient; β = 0 is `sgd`.

    Returns
    -------
    Optimizer
        Its state is the velocity v, a nest like ``params``.

    References
    ----------
    .. [1] Polyak, Some methods of speeding up the convergence of iteration methods, 1964,
       :doi:`10.1016/0041-5553(64)90137-5`.

    Examples
    --------
    >>> optimizer = momentum(0.1, beta=0.5)
    >>> theta, v = np.array([0.0]), np.array([1.0])
    >>> optimizer.update(np.array([1.0]), v, theta)
    (array([0.4]), array([0.4]))
    """
    alpha = check_number(alpha, "alpha", low=0.0)
    beta = check_number(beta, "beta", low=0.0, high=1.0)

    def init(params):
        return tree_map(_zeros, params)

    @np.errstate(all="ignore")
    def update(grads, v, params):
        v = tree_map(lambda v, g: beta * v - alpha * g, v, grads)
        return tree_map(lambda theta, v: theta + v, params, v), v

    return Optimizer(init, update)


def adam(alpha=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    r"""Adam: a step of about α in every coordinate, whatever the gradient's scale.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1-\beta_1)\, g_t, &
        \hat m_t &= m_t / (1-\beta_1^t), \\
        v_t &= \beta_2 v_{t-1} + (1-\beta_2)\, g_t^2, &
        \hat v_t &= v_t / (1-\beta_2^t), \\
        \theta_t &= \theta_{t-1} - \alpha\, \hat m_t / (\sqrt{\hat v_t} + \varepsilon).

    Squares, roots and quotients are taken entry by entry. Dividing by :math:`1-\beta^t` undoes the
    pull towards the zero at which m and v start.

    Parameters
    ----------
    alpha : float, default 0.001
        Learning rate α ≥ 0, in units of θ.
    beta1, beta2 : float, default 0.9 and 0.999
        Memory of the mean gradient and of the mean squared gradient, each in [0, 1).
    eps : float, default 1e-8
        ε ≥ 0, outside the root, in units of the gradient: coordinates whose gradient stays far
        below ε hardly move.

    Returns
    -------
    Optimizer
        Its state is an `AdamState`.

    References
    ----------
    .. [1] Kingma & Ba, Adam: a method for stochastic optimization, ICLR 2015,
       :doi:`10.48550/arXiv.1412.6980`.

    Examples
    --------
    The first step has the length α, for a steep loss and a flat one alike:

    >>> optimizer = adam(0.1)
    >>> theta = np.zeros(2)
    >>> theta, state = optimizer.update(np.array([1000.0, 0.001]), optimizer.init(theta), theta)
    >>> print(theta.round(5))
    [-0.1 -0.1]
    """
    alpha = check_number(alpha, "alpha", low=0.0)
    beta1 = check_number(beta1, "beta1", low=0.0, high=1.0)
    beta2 = check_number(beta2, "beta2", low=0.0, high=1.0)
    eps = check_number(eps, "eps", low=0.0)

    def init(params):
        return AdamState(0, tree_map(_zeros, params), tree_map(_zeros, params))

    @np.errstate(all="ignore")
    def update(grads, state, params):
        if not isinstance(state, AdamState):
            raise TypeError("state must be the AdamState that init or the last update returned, "
                            f"found {type(state).__name__}; the order is update(grads, state, "
                            "params)")
        t = state.t + 1
        m = tree_map(lambda m, g: beta1 * m + (1 - beta1) * g, state.m, grads)
        v = tree_map(lambda v, g: beta2 * v + (1 - beta2) * g * g, state.v, grads)

        def step(theta, m, v):
            m_hat = m / (1 - beta1**t)
            v_hat = v / (1 - beta2**t)
            return theta - alpha * m_hat / (np.sqrt(v_hat) + eps)

        return tree_map(step, params, m, v), AdamState(t, m, v)

    return Optimizer(init, update)


def _zeros(leaf):
    if np.asarray(leaf).dtype.kind not in "fiu":
        raise TypeError("params must be a nest of lists, tuples and dicts with arrays of real "
                        f"numbers as leaves, found {type(leaf).__name__} {leaf!r:.60}")
    return np.zeros_like(leaf)


def tree_map(f, tree, *others):
    """Apply ``f`` to the leaves of nests of one shape, and return a nest of that shape.

    Parameters
    ----------
    f : callable
        Takes one leaf of each nest.
    tree, *others : nest of lists, tuples and dicts of arrays
        Nests of equal structure, leaves of equal shape.

    Returns
    -------
    nest
        Like ``tree``.

    Raises
    ------
    ValueError
        If two nests differ: NumPy would broadcast leaves of different shapes, and be wrong.

    Examples
    --------
    >>> tree_map(lambda a, b: a + b, [1.0, (2.0, 3.0)], [10.0, (20.0, 30.0)])
    [11.0, (22.0, 33.0)]
    """
    return _map(f, (), tree, *others)


def _map(f, where, tree, *others):
    if isinstance(tree, dict):
        for other in others:
            if not isinstance(other, dict) or other.keys() != tree.keys():
                raise ValueError(_mismatch(where, tree, other))
        return {k: _map(f, (*where, k), tree[k], *(other[k] for other in others)) for k in tree}
    if isinstance(tree, (list, tuple)):
        for other in others:
            if not isinstance(other, (list, tuple)) or len(other) != len(tree):
                raise ValueError(_mismatch(where, tree, other))
        parts = [
            _map(f, (*where, i), *leaves)
            for i, leaves in enumerate(zip(tree, *others, strict=True))
        ]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    for other in others:
        if isinstance(other, (dict, list, tuple)) or np.shape(other) != np.shape(tree):
            raise ValueError(_mismatch(where, tree, other))
    return f(tree, *others)


def _mismatch(where, tree, other):
    place = "".join(f"[{key!r}]" for key in where) or "the top"
    return (
        f"the nests differ at {place}: {_kind(tree)} against {_kind(other)}; params, grads and "
        "state must have one structure and leaves of equal shape"
    )


def _kind(tree):
    if isinstance(tree, (dict, list, tuple)):
        return f"{type(tree).__name__} of length {len(tree)}"
    return f"array of shape {np.shape(tree)}"
