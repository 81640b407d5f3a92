r"""Decay of the weights: two things that are often taken for one.

`coupled_l2` adds λθ to the gradient, as the derivative of the penalty λ‖θ‖²/2, and whatever the
optimizer does to gradients it does to it: average it, divide it by a root. `decoupled_decay`
shrinks the weights beside the optimizer. For plain gradient descent the two make the same steps;
with momentum they do not, and for Adam they are far apart: there the coupled penalty pulls least
where the gradients are largest.
"""

from typing import Any, NamedTuple

import numpy as np

from nnbook.functions._validate import check_number
from nnbook.learning._updates import Optimizer, as_real, check_optimizer, check_state, rate_of
from nnbook.learning.trees import tree_map


class DecayState(NamedTuple):
    """Steps taken so far, and the state of the optimizer beside which the weights decay."""

    t: int
    inner: Any


def coupled_l2(optimizer, l2, *, where=None):
    r"""Add the gradient of the penalty :math:`\tfrac\lambda2\|\theta\|^2` before the optimizer.

    .. math:: g \leftarrow g + \lambda\theta

    Parameters
    ----------
    optimizer : Optimizer
        What is given the sum.
    l2 : float
        λ ≥ 0, in units of loss per θ².
    where : callable, optional
        ``where(array)`` tells whether an array is penalised; all are if not given. Biases are often
        spared: ``where=lambda array: array.ndim > 1``.

    Returns
    -------
    Optimizer
        Its state is that of ``optimizer``.

    Examples
    --------
    >>> from nnbook.learning.optimizers import sgd
    >>> optimizer = coupled_l2(sgd(0.1), 0.5)
    >>> theta = np.array([2.0])
    >>> optimizer.update(np.array([1.0]), optimizer.init(theta), theta)[0]  # 2 - 0.1 (1 + 0.5 · 2)
    array([1.8])
    """
    check_optimizer(optimizer)
    l2, where = check_number(l2, "l2", low=0.0), _check_where(where)

    @np.errstate(all="ignore")
    def update(grads, state, params):
        def penalised(theta, g):
            theta, g = as_real(theta, "params"), as_real(g, "grads")
            return g + l2 * theta if decays(where, theta) else g

        return optimizer.update(tree_map(penalised, params, grads), state, params)

    return Optimizer(optimizer.init, update)


def decoupled_decay(optimizer, weight_decay, alpha=1.0, *, where=None):
    r"""Shrink the weights beside an optimizer, which does not see it.

    .. math:: \theta^+ = \operatorname{update}(\theta) - \alpha\lambda\theta

    Parameters
    ----------
    optimizer : Optimizer
        What makes the step.
    weight_decay : float
        λ ≥ 0.
    alpha : float or callable, default 1
        What multiplies λ: give the optimizer's own learning rate, or its schedule, to get AdamW's
        rule; with 1 the weights shrink by 1 − λ a step.
    where : callable, optional
        ``where(array)`` tells whether an array decays; all do if not given.

    Returns
    -------
    Optimizer
        Its state is a `DecayState`.

    Examples
    --------
    >>> from nnbook.learning.optimizers import sgd
    >>> optimizer = decoupled_decay(sgd(0.1), 0.5, alpha=0.1)
    >>> theta = np.array([2.0])
    >>> optimizer.update(np.array([1.0]), optimizer.init(theta), theta)[0]  # 1.9 - 0.1 · 0.5 · 2
    array([1.8])
    """
    check_optimizer(optimizer)
    rate, where = rate_of(alpha), _check_where(where)
    weight_decay = check_number(weight_decay, "weight_decay", low=0.0)

    def init(params):
        return DecayState(0, optimizer.init(params))

    def update(grads, state, params):
        check_state(state, DecayState)
        new, inner = optimizer.update(grads, state.inner, params)
        shrink = rate(state.t) * weight_decay
        return shrunk(new, params, shrink, where), DecayState(state.t + 1, inner)

    return Optimizer(init, update)


def decayed(optimizer, weight_decay, rate, where):
    """Do the same for an optimizer whose own state counts the steps."""
    weight_decay, where = check_number(weight_decay, "weight_decay", low=0.0), _check_where(where)

    def update(grads, state, params):
        new, new_state = optimizer.update(grads, state, params)
        return shrunk(new, params, rate(state.t) * weight_decay, where), new_state

    return Optimizer(optimizer.init, update)


@np.errstate(all="ignore")
def shrunk(new, params, shrink, where):
    """Return ``new - shrink * params``, on the arrays that decay."""
    def leaf(theta_new, theta):
        if shrink == 0 or not decays(where, theta_new):
            return theta_new
        # one product and one sum in the dtype of the array
        return theta_new - shrink * np.asarray(theta, theta_new.dtype)

    return tree_map(leaf, new, params)


def decays(where, array):
    """Tell whether an array decays; raise if `where` does not say it with one bool."""
    said = where(array)
    if isinstance(said, (bool, np.bool_)):
        return said
    raise TypeError(
        f"where(array) must be True or False, once for the whole array, found {said!r:.60}"
    )


def _check_where(where):
    if where is None:
        return lambda array: True
    if not callable(where):
        raise TypeError(f"where must be a function of an array or None, found {where!r:.60}")
    return where
