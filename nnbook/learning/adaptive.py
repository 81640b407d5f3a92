r"""Adaptive rates: a step for each coordinate, by the size that its gradients have had.

Adagrad remembers all squares, RMSprop and Adadelta forget. Those that average the gradient too,
Adam and its kin, are in `nnbook.learning.adam_family`.
"""

from typing import Any, NamedTuple

import numpy as np

from nnbook.functions._validate import check_flag, check_number
from nnbook.learning._updates import check_memory, leafwise, over_root, rate_of


class AdagradState(NamedTuple):
    """Steps taken so far, and the sum of the squared gradients."""

    t: int
    s: Any


class RMSpropState(NamedTuple):
    """Steps taken, the mean square (centred: the variance), the mean if centred, the velocity."""

    t: int
    s: Any
    m: Any = None
    v: Any = None


class AdadeltaState(NamedTuple):
    """Steps taken so far, and the mean squares of the gradient and of the step."""

    t: int
    s: Any
    d: Any


def adagrad(alpha=0.01, eps=1e-10, *, initial=0.0):
    r"""Adagrad: divide by the root of the sum of all squared gradients so far.

    .. math:: s^+ = s + g^2, \qquad \theta^+ = \theta - \frac{\alpha\, g}{\sqrt{s^+} + \varepsilon}

    Parameters
    ----------
    alpha : float or callable, default 0.01
        Learning rate α ≥ 0, in units of θ, or a schedule of it. The first step is α in every
        coordinate; under a steady gradient step t is α/√t.
    eps : float, default 1e-10
        ε ≥ 0, **outside** the root, in units of the gradient.
    initial : float, default 0
        What s starts at, in units of the squared gradient.

    Returns
    -------
    Optimizer
        Its state is an `AdagradState`.

    References
    ----------
    .. [1] Duchi, Hazan & Singer, Adaptive subgradient methods for online learning and stochastic
       optimization, JMLR 12, 2011, https://jmlr.org/papers/v12/duchi11a.html.

    Examples
    --------
    >>> optimizer = adagrad(0.5)
    >>> theta = np.array([0.0, 0.0])
    >>> theta, state = optimizer.update(np.array([3.0, 0.5]), optimizer.init(theta), theta)
    >>> theta, state = optimizer.update(np.array([4.0, 0.0]), state, theta)
    >>> print(theta.round(4), state.s)  # 0.5 (3/3 + 4/5) and 0.5
    [-0.9 -0.5] [25.    0.25]
    """
    rate, eps = rate_of(alpha), check_number(eps, "eps", low=0.0)
    initial = check_number(initial, "initial", low=0.0)

    def at(t):
        alpha = rate(t)

        def step(theta, g, s):
            s = s + g * g
            return theta - over_root(alpha * g, s, eps), s

        return step

    optimizer = leafwise(AdagradState, at, start=lambda theta: (np.full_like(theta, initial),))
    return optimizer.known_as("adagrad", alpha, eps=eps)


def rmsprop(alpha=0.001, beta2=0.9, eps=1e-8, *, centered=False, momentum=0.0):
    r"""RMSprop: divide by the root of a running mean of squared gradients.

    .. math::
        s^+ = \beta_2 s + (1-\beta_2)\, g^2, \qquad
        v^+ = \mu v - \frac{\alpha\, g}{\sqrt{s^+} + \varepsilon}, \qquad
        \theta^+ = \theta + v^+

    Centred, s is the running variance, the mean square less the square of the mean:

    .. math::
        s^+ = \beta_2 \bigl( s + (1-\beta_2)(g - m)^2 \bigr), \qquad
        m^+ = m + (1-\beta_2)(g - m).

    Parameters
    ----------
    alpha : float or callable, default 0.001
        Learning rate α ≥ 0, in units of θ, or a schedule of it.
    beta2 : float, default 0.9
        Memory of the squares, 0 ≤ β₂ < 1; also called ρ, and α by some.
    eps : float, default 1e-8
        ε ≥ 0, **outside** the root, in units of the gradient (Graves has it inside [2]_).
    centered : bool, default False
        Divide by the running standard deviation. A steady gradient makes it small: the steps grow
        up to α g/ε.
    momentum : float, default 0
        μ, 0 ≤ μ < 1, the fraction of the velocity kept.

    Returns
    -------
    Optimizer
        Its state is an `RMSpropState`; ``m`` is None unless centred, ``v`` unless μ > 0.

    Notes
    -----
    s and m start at 0, and this is not corrected: the first step is α/√(1 − β₂), 3.2 α by default.
    The centred recursion is :math:`\overline{g^2} - \bar g^2` written without the difference,
    which rounding can make negative.

    References
    ----------
    .. [1] Tieleman & Hinton, Lecture 6.5, Neural networks for machine learning, Coursera, 2012.
    .. [2] Graves, Generating sequences with recurrent neural networks, 2013,
       :doi:`10.48550/arXiv.1308.0850`.

    Examples
    --------
    >>> optimizer = rmsprop(0.5, beta2=0.75, eps=0.0)
    >>> theta = np.array([0.0])
    >>> theta, state = optimizer.update(np.array([2.0]), optimizer.init(theta), theta)
    >>> theta, state.s  # a first step of 0.5 / sqrt(1 - 0.75)
    (array([-1.]), array([1.]))
    """
    rate, beta2 = rate_of(alpha), check_memory(beta2, "beta2")
    eps, mu = check_number(eps, "eps", low=0.0), check_memory(momentum, "momentum")
    centered = check_flag(centered, "centered")
    used = ("s", *(("m",) if centered else ()), *(("v",) if mu > 0 else ()))

    def at(t):
        alpha = rate(t)

        def step(theta, g, s, *rest):
            if centered:
                m, *rest = rest
                away = g - m
                s = beta2 * (s + (1 - beta2) * away * away)
                kept = [m + (1 - beta2) * away]
            else:
                s = beta2 * s + (1 - beta2) * g * g
                kept = []
            move = over_root(alpha * g, s, eps)
            if mu == 0:
                return theta - move, s, *kept
            (v,) = rest
            v = mu * v - move
            return theta + v, s, *kept, v

        return step

    start = lambda theta: (np.zeros_like(theta),) * len(used)  # noqa: E731
    optimizer = leafwise(RMSpropState, at, start=start, used=used)
    settings = {"beta2": beta2, "eps": eps, "centered": centered, "momentum": mu}
    return optimizer.known_as("rmsprop", alpha, **settings)


def adadelta(alpha=1.0, beta2=0.95, eps=1e-6):
    r"""Adadelta: a step in units of the parameter, from the steps that were taken before.

    .. math::
        s^+ = \beta_2 s + (1-\beta_2)\, g^2, \qquad
        \delta = \frac{\sqrt{d + \varepsilon}}{\sqrt{s^+ + \varepsilon}}\; g, \qquad
        d^+ = \beta_2 d + (1-\beta_2)\, \delta^2, \qquad
        \theta^+ = \theta - \alpha\, \delta

    Parameters
    ----------
    alpha : float or callable, default 1
        A factor on the steps, α ≥ 0, or a schedule of it; the paper has none, so 1.
    beta2 : float, default 0.95
        Memory of both mean squares, 0 ≤ β₂ < 1, ρ in the paper.
    eps : float, default 1e-6
        ε > 0, **inside both roots**, as in the paper: d starts at 0, and √ε sets the first steps.
        It is added to squared gradients and to squared steps, whatever their units.

    Returns
    -------
    Optimizer
        Its state is an `AdadeltaState`; d is the mean square of δ, before the factor α.

    References
    ----------
    .. [1] Zeiler, ADADELTA: an adaptive learning rate method, 2012,
       :doi:`10.48550/arXiv.1212.5701`.

    Examples
    --------
    >>> optimizer = adadelta(beta2=0.75, eps=0.01)
    >>> theta = np.array([0.0])
    >>> theta, state = optimizer.update(np.array([2.0]), optimizer.init(theta), theta)
    >>> print(theta.round(4))  # -0.1 / sqrt(1.01) * 2
    [-0.199]
    """
    rate, beta2 = rate_of(alpha), check_memory(beta2, "beta2")
    eps = check_number(eps, "eps", low=0.0, closed_low=False)

    def at(t):
        alpha = rate(t)

        def step(theta, g, s, d):
            s = beta2 * s + (1 - beta2) * g * g
            delta = np.sqrt(d + eps) / np.sqrt(s + eps) * g
            d = beta2 * d + (1 - beta2) * delta * delta
            return theta - alpha * delta, s, d

        return step

    return leafwise(AdadeltaState, at)
