r"""Adam and its kin: a running mean of the gradient, over the root of one of its square.

Both means start at 0, and Adam, AdamW, NAdam (and AMSGrad, unless told otherwise) divide by
:math:`1 - \beta^t` to undo the pull towards it; t counts from 1 at the first step. The divisor is
computed without cancellation, to 3 ulp at every t (2.0 measured).
"""

from typing import Any, NamedTuple

import numpy as np

from nnbook.functions._validate import check_flag, check_number
from nnbook.learning._updates import check_memory, leafwise, one_minus_power, over_root, rate_of
from nnbook.learning.decay import decayed


class AdamState(NamedTuple):
    """Steps taken so far, and the running means of the gradient and of its square."""

    t: int
    m: Any
    v: Any


class AMSGradState(NamedTuple):
    """As `AdamState`, and the largest mean square so far (corrected, if corrections are on)."""

    t: int
    m: Any
    v: Any
    v_max: Any


class LionState(NamedTuple):
    """Steps taken so far, and the running mean of the gradient."""

    t: int
    m: Any


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
    alpha : float or callable, default 0.001
        Learning rate α ≥ 0, in units of θ, or a schedule of it.
    beta1, beta2 : float, default 0.9 and 0.999
        Memory of the mean gradient and of the mean squared gradient, each in [0, 1).
    eps : float, default 1e-8
        ε ≥ 0, **outside** the root, in units of the gradient: coordinates whose gradient stays far
        below ε hardly move.

    Returns
    -------
    Optimizer
        Its state is an `AdamState`.

    Notes
    -----
    The first step is :math:`-\alpha\, g/(|g| + \varepsilon)`. With ε = 0 and β₁² < β₂ no step is
    longer than :math:`\alpha (1-\beta_1) / \sqrt{(1-\beta_2)(1-\beta_1^2/\beta_2)}`, 7.27 α by
    default and α if β₁ = β₂; the corrections only shorten (chapter 14, equation 14.9). The paper's
    :math:`\alpha (1-\beta_1)/\sqrt{1-\beta_2}` is the step after a lone spike, and others are
    longer.

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
    settings = {"beta1": beta1, "beta2": beta2, "eps": eps}
    return _adam(alpha, beta1, beta2, eps).known_as("adam", alpha, **settings)


def adamw(alpha=0.001, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01, *, where=None):
    r"""AdamW: Adam, and beside it a decay of the weights that is not divided by the root.

    .. math:: \theta_t = \theta_{t-1}
        - \alpha \left( \frac{\hat m_t}{\sqrt{\hat v_t} + \varepsilon} + \lambda\theta_{t-1} \right)

    Parameters
    ----------
    alpha, beta1, beta2, eps
        As in `adam`; ε is **outside** the root.
    weight_decay : float, default 0.01
        λ ≥ 0. The weights shrink by the factor 1 − αλ a step: α multiplies λ, as in most
        libraries; in the paper λ stands alone, and only the schedule's factor multiplies it.
    where : callable, optional
        ``where(array)`` tells whether an array decays; all do if not given. Biases are often
        spared: ``where=lambda array: array.ndim > 1``.

    Returns
    -------
    Optimizer
        Its state is an `AdamState`.

    See Also
    --------
    nnbook.learning.decay.coupled_l2 : the other way, λθ added to the gradient, before the root.

    References
    ----------
    .. [1] Loshchilov & Hutter, Decoupled weight decay regularization, ICLR 2019,
       :doi:`10.48550/arXiv.1711.05101`.

    Examples
    --------
    Without a gradient only the decay moves the weight, from 2 to 2 (1 − 0.1 · 0.5):

    >>> optimizer = adamw(0.1, weight_decay=0.5)
    >>> theta = np.array([2.0])
    >>> optimizer.update(np.array([0.0]), optimizer.init(theta), theta)[0]
    array([1.9])
    """
    settings = {"beta1": beta1, "beta2": beta2, "eps": eps, "weight_decay": weight_decay}
    optimizer = decayed(_adam(alpha, beta1, beta2, eps), weight_decay, rate_of(alpha), where)
    return optimizer.known_as("adamw", alpha, **settings, where=where)


def nadam(alpha=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    r"""NAdam: Adam with Nesterov's look ahead, the mean gradient as it will be one step on.

    .. math:: \hat m_t = \frac{\beta_1 m_t}{1-\beta_1^{t+1}} + \frac{(1-\beta_1)\, g_t}{1-\beta_1^t}

    The rest is `adam`.

    Parameters
    ----------
    alpha, beta1, beta2, eps
        As in `adam`; ε is **outside** the root.

    Returns
    -------
    Optimizer
        Its state is an `AdamState`.

    Notes
    -----
    β₁ is constant here. The paper lets it grow towards its value over the first thousands of steps,
    as PyTorch and Keras do, and multiplies :math:`\hat v` by β₂, as none does.

    References
    ----------
    .. [1] Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop, 2016,
       https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ.

    Examples
    --------
    >>> optimizer = nadam(0.1, beta1=0.5, eps=0.0)
    >>> theta = np.array([0.0])
    >>> theta, state = optimizer.update(np.array([4.0]), optimizer.init(theta), theta)
    >>> print(theta.round(4))  # 0.1 (0.5 · 0.5 / 0.75 + 1)
    [-0.1333]
    """
    return _adam(alpha, beta1, beta2, eps, ahead=True)


def _adam(alpha, beta1, beta2, eps, ahead=False):
    rate, beta1, beta2 = rate_of(alpha), check_memory(beta1, "beta1"), check_memory(beta2, "beta2")
    eps = check_number(eps, "eps", low=0.0)

    def at(t):
        alpha = rate(t)
        c1, c2 = one_minus_power(beta1, t + 1), one_minus_power(beta2, t + 1)
        c1_next = one_minus_power(beta1, t + 2)

        def step(theta, g, m, v):
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g * g
            m_hat = beta1 * m / c1_next + (1 - beta1) * g / c1 if ahead else m / c1
            return theta - over_root(alpha * m_hat, v / c2, eps), m, v

        return step

    return leafwise(AdamState, at)


def amsgrad(alpha=0.001, beta1=0.9, beta2=0.999, eps=1e-8, *, bias_correction=True):
    r"""AMSGrad: Adam with a divisor that never shrinks.

    .. math:: v^\max_t = \max(v^\max_{t-1}, \hat v_t), \qquad
        \theta_t = \theta_{t-1} - \frac{\alpha\, \hat m_t}{\sqrt{v^\max_t} + \varepsilon}

    Parameters
    ----------
    alpha, beta1, beta2, eps
        As in `adam`; ε is **outside** the root (the paper has none).
    bias_correction : bool, default True
        Divide m and v by :math:`1-\beta^t`, v before the maximum. False is the paper's:
        :math:`\hat m = m` and :math:`\hat v = v`.

    Returns
    -------
    Optimizer
        Its state is an `AMSGradState`.

    Notes
    -----
    PyTorch corrects after the maximum: its divisor shrinks while :math:`1-\beta_2^t` grows.

    References
    ----------
    .. [1] Reddi, Kale & Kumar, On the convergence of Adam and beyond, ICLR 2018,
       :doi:`10.48550/arXiv.1904.09237`.

    Examples
    --------
    After a gradient of 2, one of 1 is divided by 2 still:

    >>> optimizer = amsgrad(1.0, beta1=0.0, beta2=0.0, eps=0.0)
    >>> theta = np.array([0.0])
    >>> theta, state = optimizer.update(np.array([2.0]), optimizer.init(theta), theta)
    >>> optimizer.update(np.array([1.0]), state, theta)[0]
    array([-1.5])
    """
    rate, beta1, beta2 = rate_of(alpha), check_memory(beta1, "beta1"), check_memory(beta2, "beta2")
    eps = check_number(eps, "eps", low=0.0)
    correct = check_flag(bias_correction, "bias_correction")

    def at(t):
        alpha = rate(t)
        c1, c2 = (one_minus_power(beta, t + 1) if correct else 1.0 for beta in (beta1, beta2))

        def step(theta, g, m, v, v_max):
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g * g
            v_max = np.maximum(v_max, v / c2)
            return theta - over_root(alpha * (m / c1), v_max, eps), m, v, v_max

        return step

    return leafwise(AMSGradState, at)


def lion(alpha=0.0001, beta1=0.9, beta2=0.99, weight_decay=0.0, *, where=None):
    r"""Lion: a step of α exactly, with the sign of a mixture of the mean gradient and this one.

    .. math::
        \theta^+ = \theta - \alpha
            \bigl( \operatorname{sign}(\beta_1 m + (1-\beta_1)\, g) + \lambda\theta \bigr), \qquad
        m^+ = \beta_2 m + (1-\beta_2)\, g

    Parameters
    ----------
    alpha : float or callable, default 0.0001
        Learning rate α ≥ 0, in units of θ, or a schedule of it. The paper takes a third to a tenth
        of Adam's.
    beta1, beta2 : float, default 0.9 and 0.99
        Share of the mean in the step, and memory of the mean, each in [0, 1).
    weight_decay : float, default 0
        λ ≥ 0, decoupled: see `adamw`.
    where : callable, optional
        ``where(array)`` tells whether an array decays; all do if not given.

    Returns
    -------
    Optimizer
        Its state is a `LionState`. There is no root, hence no ε; sign(0) = 0.

    References
    ----------
    .. [1] Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023,
       :doi:`10.48550/arXiv.2302.06675`.

    Examples
    --------
    >>> optimizer = lion(0.1)
    >>> theta = np.array([0.0, 0.0, 0.0])
    >>> optimizer.update(np.array([1000.0, -0.001, 0.0]), optimizer.init(theta), theta)[0]
    array([-0.1,  0.1,  0. ])
    """
    rate, beta1, beta2 = rate_of(alpha), check_memory(beta1, "beta1"), check_memory(beta2, "beta2")

    def at(t):
        alpha = rate(t)

        def step(theta, g, m):
            mixture = beta1 * m + (1 - beta1) * g
            return theta - alpha * np.sign(mixture), beta2 * m + (1 - beta2) * g

        return step

    return decayed(leafwise(LionState, at), weight_decay, rate, where)

