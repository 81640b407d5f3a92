r"""Momentum: steps that remember, in the three forms that are published, and Nesterov's two.

The three forms of momentum make the same steps while α is constant, and `convert_momentum` takes
the settings of one to another, `convert_momentum_state` a state. Under a schedule they differ: the
velocity keeps the learning rates of the past, the sum and the average are scaled by today's.
"""

from typing import Any, NamedTuple

import numpy as np

from nnbook.functions._validate import check_number
from nnbook.learning._updates import (
    Optimizer,
    as_real,
    check_memory,
    check_state,
    leafwise,
    rate_of,
)
from nnbook.learning.trees import tree_map

FORMS = ("velocity", "sum", "average")


class MomentumState(NamedTuple):
    """Steps taken so far, and what is remembered of the gradients."""

    t: int
    v: Any


class NesterovState(NamedTuple):
    """Steps taken so far, the point x that the steps have reached, and the velocity v."""

    t: int
    x: Any
    v: Any


def momentum(alpha, beta=0.9, *, form="velocity"):
    r"""Gradient descent with momentum, the heavy ball of Polyak.

    .. math::
        \text{velocity:}\quad & v^+ = \beta v - \alpha\, g, & \theta^+ &= \theta + v^+ \\
        \text{sum:}\quad & v^+ = \beta v + g, & \theta^+ &= \theta - \alpha v^+ \\
        \text{average:}\quad & v^+ = \beta v + (1-\beta)\, g, & \theta^+ &= \theta - \alpha v^+

    Parameters
    ----------
    alpha : float or callable
        Learning rate α ≥ 0, or a schedule of it.
    beta : float, default 0.9
        Fraction of v kept, 0 ≤ β < 1; β = 0 is `sgd`. Under a steady gradient the step grows to
        α/(1 − β) times the gradient in the first two forms, to α times in the third.
    form : {"velocity", "sum", "average"}
        Which of the recursions. The first is this book's, the second that of most frameworks, the
        third needs α/(1 − β) where the others need α: see `convert_momentum`.

    Returns
    -------
    Optimizer
        Its state is a `MomentumState`; v starts at 0.

    Raises
    ------
    ValueError, TypeError
        If α is negative or β not in [0, 1), NaN included, or the form is none of the three.

    References
    ----------
    .. [1] Polyak, Some methods of speeding up the convergence of iteration methods, 1964,
       :doi:`10.1016/0041-5553(64)90137-5`.

    Examples
    --------
    >>> optimizer = momentum(0.1, beta=0.5)
    >>> theta, state = np.array([0.0]), MomentumState(1, np.array([1.0]))
    >>> optimizer.update(np.array([1.0]), state, theta)
    (array([0.4]), MomentumState(t=2, v=array([0.4])))
    """
    rate, beta, form = rate_of(alpha), check_memory(beta), _check_form(form, "form")

    def at(t):
        alpha = rate(t)
        share = 1.0 if form == "sum" else 1 - beta

        def velocity(theta, g, v):
            v = beta * v - alpha * g
            return theta + v, v

        def remembered(theta, g, v):
            v = beta * v + share * g
            return theta - alpha * v, v

        return velocity if form == "velocity" else remembered

    return leafwise(MomentumState, at).known_as("momentum", alpha, beta=beta, form=form)


def convert_momentum(alpha, beta, source, target):
    r"""Take the settings of one form of `momentum` to another that makes the same steps.

    .. math:: \alpha_\text{average} = \frac{\alpha}{1-\beta}, \qquad
        \alpha_\text{velocity} = \alpha_\text{sum} = \alpha, \qquad \beta \text{ is the same.}

    Parameters
    ----------
    alpha : float
        Learning rate α ≥ 0 of the source, a number: under a schedule the forms are different
        methods.
    beta : float
        Momentum, 0 ≤ β < 1.
    source, target : {"velocity", "sum", "average"}

    Returns
    -------
    alpha, beta : float

    Examples
    --------
    >>> alpha, beta = convert_momentum(0.1, 0.75, "velocity", "average")
    >>> alpha, beta
    (0.4, 0.75)
    """
    alpha, beta = check_number(alpha, "alpha", low=0.0), check_memory(beta)
    averaged = [_check_form(form, name) == "average"
                for form, name in ((source, "source"), (target, "target"))]
    if averaged == [False, True]:
        alpha = alpha / (1 - beta)
    if averaged == [True, False]:
        alpha = alpha * (1 - beta)
    return alpha, beta


def convert_momentum_state(state, alpha, beta, source, target):
    r"""Take a state of one form of `momentum` to another, to go on with the same steps.

    .. math:: v_\text{velocity} = -\alpha\, v_\text{sum}, \qquad
        v_\text{average} = (1-\beta)\, v_\text{sum}

    Parameters
    ----------
    state : MomentumState
        A state of the source.
    alpha, beta : float
        The settings of the **source**; those of the target are
        ``convert_momentum(alpha, beta, source, target)``.
    source, target : {"velocity", "sum", "average"}

    Returns
    -------
    MomentumState

    Raises
    ------
    ValueError
        If α = 0 and the source is the velocity: it then forgot the gradients.

    Examples
    --------
    >>> state = MomentumState(3, np.array([-0.25]))
    >>> convert_momentum_state(state, 0.5, 0.75, "velocity", "average")
    MomentumState(t=3, v=array([0.125]))
    """
    check_state(state, MomentumState)
    alpha_sum, beta = convert_momentum(alpha, beta, source, "sum")
    if source == target:
        return state
    to_sum = {"velocity": lambda v: v / -alpha_sum, "sum": lambda v: v,
              "average": lambda v: v / (1 - beta)}[source]  # fmt: skip
    from_sum = {"velocity": lambda u: -alpha_sum * u, "sum": lambda u: u,
                "average": lambda u: (1 - beta) * u}[_check_form(target, "target")]  # fmt: skip
    if source == "velocity" and alpha_sum == 0:
        raise ValueError("alpha is 0: a velocity built up at no learning rate holds no gradients")
    return MomentumState(state.t, tree_map(lambda v: from_sum(to_sum(v)), state.v))


def nesterov(alpha, beta=0.9):
    r"""Nesterov's accelerated gradient, with the gradient at the look-ahead point.

    .. math::
        y_t &= x_t + \beta_t v_t, \\
        v_{t+1} &= \beta_t v_t - \alpha\, \nabla f(y_t), \\
        x_{t+1} &= x_t + v_{t+1}.

    **The parameters are the look-ahead point y**, so that the gradient at ``params`` is the one
    that the method needs. The point x that the steps have reached is ``state.x``: report that one.

    Parameters
    ----------
    alpha : float or callable
        Learning rate α ≥ 0, or a schedule of it.
    beta : float or callable, default 0.9
        Momentum in [0, 1), or a schedule of it. ``lambda t: max(t - 1, 0) / (t + 2)`` is the one of
        the convex bound :math:`2M\|x_0 - x^*\|^2/(k+1)^2` after k steps, which no constant keeps.

    Returns
    -------
    Optimizer
        Its state is a `NesterovState`. As v starts at 0, y starts at x.

    Raises
    ------
    ValueError
        In ``update`` also if ``params`` is not the look-ahead point that belongs to ``state``: a
        change made beside the optimizer, such as a decay of the weights, would be lost. Use
        `nesterov_rewritten` there.

    See Also
    --------
    nesterov_rewritten : the same sequence of y, without x.

    References
    ----------
    .. [1] Nesterov, A method of solving a convex programming problem with convergence rate
       O(1/k²), Soviet Math. Dokl. 27, 1983.
    .. [2] Sutskever, Martens, Dahl & Hinton, On the importance of initialization and momentum in
       deep learning, ICML 2013, https://proceedings.mlr.press/v28/sutskever13.html.

    Examples
    --------
    >>> optimizer = nesterov(0.5, beta=0.5)
    >>> y = np.array([1.0])
    >>> y, state = optimizer.update(y, optimizer.init(y), y)  # the gradient of y²/2 is y
    >>> y, state
    (array([0.25]), NesterovState(t=1, x=array([0.5]), v=array([-0.5])))
    """
    rate, keep = rate_of(alpha), rate_of(beta, "beta", high=1.0)

    def at(t):
        alpha, beta, beta_next = rate(t), keep(t), keep(t + 1)

        def step(y, g, x, v):
            v = beta * v - alpha * g
            x = x + v
            return x + beta_next * v, x, v

        return step

    steps = leafwise(NesterovState, at, start=lambda y: (y.copy(), np.zeros_like(y)))

    def update(grads, state, params):
        check_state(state, NesterovState)
        beta = keep(state.t)
        tree_map(lambda y, x, v: _check_look_ahead(y, x, beta * v), params, state.x, state.v)
        return steps.update(grads, state, params)

    return Optimizer(steps.init, update)


def nesterov_rewritten(alpha, beta=0.9):
    r"""Nesterov's accelerated gradient, written in the look-ahead point alone.

    .. math:: v^+ = \beta_t v - \alpha\, \nabla f(y), \qquad
        y^+ = y - \alpha\, \nabla f(y) + \beta_{t+1} v^+

    The sequence of y is that of `nesterov`; this is the form of most frameworks.

    Parameters
    ----------
    alpha : float or callable
        Learning rate α ≥ 0, or a schedule of it.
    beta : float or callable, default 0.9
        Momentum in [0, 1), or a schedule of it.

    Returns
    -------
    Optimizer
        Its state is a `MomentumState`; `convert_nesterov_state` finds x, which is y − βv.

    Examples
    --------
    >>> optimizer = nesterov_rewritten(0.5, beta=0.5)
    >>> y = np.array([1.0])
    >>> optimizer.update(y, optimizer.init(y), y)
    (array([0.25]), MomentumState(t=1, v=array([-0.5])))
    """
    rate, keep = rate_of(alpha), rate_of(beta, "beta", high=1.0)

    def at(t):
        alpha, beta, beta_next = rate(t), keep(t), keep(t + 1)

        def step(y, g, v):
            v = beta * v - alpha * g
            return y - alpha * g + beta_next * v, v

        return step

    return leafwise(MomentumState, at).known_as("nesterov_rewritten", alpha, beta=beta)


def convert_nesterov_state(state, params, beta):
    r"""Take a state of `nesterov` to `nesterov_rewritten`, or back.

    .. math:: x = y - \beta_t v

    Parameters
    ----------
    state : NesterovState or MomentumState
        Of the one; the other comes back.
    params : nest
        The look-ahead point y that belongs to it.
    beta : float or callable
        Momentum, as the optimizer has it.

    Returns
    -------
    MomentumState or NesterovState

    Examples
    --------
    >>> state = MomentumState(1, np.array([-0.5]))
    >>> convert_nesterov_state(state, np.array([0.25]), 0.5)
    NesterovState(t=1, x=array([0.5]), v=array([-0.5]))
    """
    if isinstance(state, NesterovState):
        return MomentumState(state.t, state.v)
    if not isinstance(state, MomentumState):
        raise TypeError(f"state must be a NesterovState or a MomentumState, found {state!r:.60}")
    beta = rate_of(beta, "beta", high=1.0)(state.t)
    return NesterovState(state.t, tree_map(lambda y, v: y - beta * v, params, state.v), state.v)


@np.errstate(all="ignore")
def _check_look_ahead(y, x, ahead):
    y = as_real(y, "params")
    rounding = 4 * np.finfo(y.dtype).eps * (abs(x) + abs(ahead))
    if np.any(abs(y - (x + ahead)) > rounding):
        raise ValueError(
            "params must be the look-ahead point that the last update returned, x + beta v, and "
            "are another: a change beside the optimizer, as by a decay of the weights, would be "
            "lost; use nesterov_rewritten, whose only point is params"
        )


def _check_form(form, name):
    if not isinstance(form, str) or form not in FORMS:
        raise ValueError(f'{name} must be "velocity", "sum" or "average", found {form!r:.60}')
    return form
