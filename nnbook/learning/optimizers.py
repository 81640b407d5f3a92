r"""Optimizers: from a gradient to the next parameters.

One contract, a pair of pure functions:

- ``init(params)`` returns the state before the first step;
- ``update(grads, state, params)`` returns ``(new_params, new_state)`` and changes nothing in place.

``params`` is any nest of lists, tuples and dicts with arrays as leaves, ``grads`` a nest of the
same shape; a network's list of (W, b) pairs is one. A state is a NamedTuple: ``t``, the number of
steps taken, and nests like ``params``. The gradient is the one at ``params``, of whatever loss the
caller chose: on a minibatch it estimates the full one.

Letters are those of the page: the learning rate α; the momentum β with velocity v; Adam's β₁, β₂
with moments m and v. α is a number, or a schedule of `nnbook.learning.schedules`: a function of
the number of steps already taken, 0 at the first update.

ε stands **outside** the root, in :math:`\sqrt{v} + \varepsilon`, except in `adadelta`. So it is in
units of the gradient, and coordinates whose gradient stays far below it hardly move. With ε = 0 a
coordinate that never saw a gradient stays where it is.

Each array keeps its dtype (integers become float64, and float16 is computed in float32, which its
state keeps). Squares of gradients are kept as such: past the square root of the dtype's range,
1e19 in float32 and 1e154 in float64, they are infinite and the coordinate stops; clip first.
"""

from typing import NamedTuple

from nnbook.learning._updates import Optimizer, leafwise, rate_of
from nnbook.learning.acceleration import (
    MomentumState,
    NesterovState,
    momentum,
    nesterov,
    nesterov_rewritten,
)
from nnbook.learning.adam_family import (
    AdamState,
    AMSGradState,
    LionState,
    adam,
    adamw,
    amsgrad,
    lion,
    nadam,
)
from nnbook.learning.adaptive import (
    AdadeltaState,
    AdagradState,
    RMSpropState,
    adadelta,
    adagrad,
    rmsprop,
)
from nnbook.learning.trees import tree_map

__all__ = [
    "AMSGradState",
    "AdadeltaState",
    "AdagradState",
    "AdamState",
    "LionState",
    "MomentumState",
    "NesterovState",
    "Optimizer",
    "RMSpropState",
    "SGDState",
    "adadelta",
    "adagrad",
    "adam",
    "adamw",
    "amsgrad",
    "lion",
    "momentum",
    "nadam",
    "nesterov",
    "nesterov_rewritten",
    "rmsprop",
    "sgd",
    "tree_map",
]


class SGDState(NamedTuple):
    """Steps taken so far."""

    t: int


def sgd(alpha):
    r"""Gradient descent, stochastic if the gradients are.

    .. math:: \theta^+ = \theta - \alpha\, g

    Parameters
    ----------
    alpha : float or callable
        Learning rate α ≥ 0, in units of θ² per unit of loss; or a schedule of it.

    Returns
    -------
    Optimizer
        Its state is an `SGDState`.

    Raises
    ------
    ValueError, TypeError
        If α is negative, NaN, infinite or no number.

    Examples
    --------
    >>> import numpy as np
    >>> optimizer = sgd(0.1)
    >>> theta = np.array([1.0])
    >>> optimizer.update(2 * theta, optimizer.init(theta), theta)
    (array([0.8]), SGDState(t=1))
    """
    rate = rate_of(alpha)

    def at(t):
        alpha = rate(t)
        return lambda theta, g: (theta - alpha * g,)

    return leafwise(SGDState, at).known_as("sgd", alpha)
