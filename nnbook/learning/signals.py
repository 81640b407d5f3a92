r"""Signals and gradients: how large they are in each layer, and what limits the step.

All of these look at a network and a set of examples; none needs to know how it was trained.
`nnbook.learning.diagnose` compares them with what theory expects. Layers are counted from 1, so
entry l - 1 of a result belongs to layer l.
"""

import math
from typing import NamedTuple

import numpy as np

from nnbook.functions._validate import check_number
from nnbook.learning._validate import check_params
from nnbook.learning.mlp import activation_pair, forward, loss_pair
from nnbook.learning.statistics import accuracy_standard_error, wilson_interval
from nnbook.learning.trees import tree_map


class SignalStatistics(NamedTuple):
    """Mean and root mean square of what enters and what leaves the L affine maps.

    Attributes
    ----------
    input_mean, input_rms : ndarray, shape (L,)
        Over the examples and units of :math:`A^{(l-1)}`; the first entry is that of X.
    output_mean, output_rms : ndarray, shape (L,)
        Of :math:`Z^{(l)}`; the last entry is that of the logits.
    """

    input_mean: np.ndarray
    input_rms: np.ndarray
    output_mean: np.ndarray
    output_rms: np.ndarray


class GradientStatistics(NamedTuple):
    r"""Frobenius norms of the gradients, a layer each.

    Attributes
    ----------
    delta : ndarray, shape (L,)
        :math:`\|\Delta^{(l)}\|`, the 1/N included.
    weights, biases : ndarray, shape (L,)
        :math:`\|\bar W^{(l)}\|` and :math:`\|\bar b^{(l)}\|`.
    """

    delta: np.ndarray
    weights: np.ndarray
    biases: np.ndarray


class Gap(NamedTuple):
    """Training accuracy less validation accuracy.

    Attributes
    ----------
    gap : float
        In [-1, 1].
    standard_error : float
        Of the difference; 0 where both accuracies are 0 or 1, and then not to be believed.
    low, high : float
        Newcombe's interval of 95 %, honest there too.
    """

    gap: float
    standard_error: float
    low: float
    high: float


def signal_statistics(params, X, activation="relu"):
    r"""Measure the signal on its way forward.

    Parameters
    ----------
    params : list of (W, b)
        The network, L weight layers.
    X : ndarray, shape (N, d)
        One example a row, N at least 1.
    activation : str or (function, derivative), default "relu"
        φ of the hidden layers.

    Returns
    -------
    SignalStatistics
        In the units of the signal.

    Notes
    -----
    With independent weights of mean 0 and variance :math:`\sigma_w^2`, and b = 0, layer l has
    :math:`\operatorname{Var} z = n_{l-1} \sigma_w^2\, E[a^2]`, equation 10.1: the square of
    ``output_rms`` is that factor times the square of ``input_rms``.

    Examples
    --------
    >>> params = [(np.array([[2.0]]), np.array([0.0])), (np.array([[3.0]]), np.array([0.0]))]
    >>> statistics = signal_statistics(params, [[1.0], [-1.0]])
    >>> print(statistics.output_mean, statistics.output_rms.round(3))
    [0. 3.] [2.    4.243]
    """
    A, Z = _forward(params, X, activation)
    return SignalStatistics(
        np.array([a.mean() for a in A]),
        np.array([_rms(a) for a in A]),
        np.array([z.mean() for z in Z[1:]]),
        np.array([_rms(z) for z in Z[1:]]),
    )


def gradient_statistics(params, X, Y, activation="relu", loss="cross_entropy"):
    r"""Measure the gradient on its way back.

    Parameters
    ----------
    params : list of (W, b)
        The network, L weight layers.
    X : ndarray, shape (N, d)
        One example a row, N at least 1.
    Y : ndarray
        Targets, in the form that the loss takes.
    activation : str or (function, derivative), default "relu"
        φ of the hidden layers.
    loss : str or (function, gradient), default "cross_entropy"
        As for `nnbook.learning.mlp.loss_and_grads`.

    Returns
    -------
    GradientStatistics
        ``delta`` in units of the loss per unit of z.

    See Also
    --------
    slope_bound : what ``delta[0] / delta[-1]`` cannot exceed.

    Examples
    --------
    >>> params = [(np.array([[2.0]]), np.array([0.0])), (np.array([[3.0]]), np.array([0.0]))]
    >>> print(gradient_statistics(params, [[1.0]], [[5.0]], loss="squared_error").delta)
    [3. 1.]
    """
    A, Z = _forward(params, X, activation)
    _, phi_prime = activation_pair(activation)
    delta, rows = np.asarray(loss_pair(loss)[1](Z[-1], Y)), []
    for layer in range(len(params), 0, -1):
        rows.append([_norm(delta), _norm(delta.T @ A[layer - 1]), _norm(delta.sum(axis=0))])
        if layer > 1:
            delta = (delta @ params[layer - 1][0]) * phi_prime(Z[layer - 1])
    return GradientStatistics(*np.array(rows[::-1]).T)


def dead_fraction(params, X, activation="relu"):
    r"""Measure how many hidden units have slope 0 on every example.

    Such a unit passes no gradient back, :math:`\Delta^{(l)}_{ij} = 0` for all i, and so nothing
    that gradient descent does in its own layer can revive it.

    Parameters
    ----------
    params : list of (W, b)
        The network.
    X : ndarray, shape (N, d)
        The examples, N at least 1.
    activation : str or (function, derivative), default "relu"
        φ of the hidden layers.

    Returns
    -------
    ndarray, shape (L - 1,)
        For each hidden layer the share of its units, in [0, 1].

    Examples
    --------
    >>> params = [(np.array([[1.0], [-1.0]]), np.array([0.0, -3.0])),
    ...           (np.ones((1, 2)), np.zeros(1))]
    >>> print(dead_fraction(params, [[1.0], [2.0]]))
    [0.5]
    """
    _, phi_prime = activation_pair(activation)
    _, Z = _forward(params, X, activation)
    return np.array([np.mean((phi_prime(z) == 0).all(axis=0)) for z in Z[1:-1]])


def saturated_fraction(params, X, activation="tanh", *, level=0.05):
    r"""Measure how often a hidden unit is on the flat part of its activation.

    Flat is where :math:`|\varphi'(z)| < \text{level} \cdot \max|\varphi'|`. For tanh at 0.05 that
    is |z| > 2.18; a standard normal z is there 3 % of the time.

    Parameters
    ----------
    params : list of (W, b)
        The network.
    X : ndarray, shape (N, d)
        The examples, N at least 1.
    activation : str or (function, derivative), default "tanh"
        φ of the hidden layers. ReLU is flat on one side: half of its units at any moment are
        inactive, which is no fault; use `dead_fraction`.
    level : float, default 0.05
        In (0, 1).

    Returns
    -------
    ndarray, shape (L - 1,)
        For each hidden layer the share of (example, unit) pairs, in [0, 1].

    Notes
    -----
    The largest slope is sought on a grid of spacing 1/64 over [-8, 8], which holds the maximum of
    all named activations to 1e-4 of its value.

    Examples
    --------
    >>> params = [(np.array([[1.0], [9.0]]), np.zeros(2)), (np.ones((1, 2)), np.zeros(1))]
    >>> print(saturated_fraction(params, [[1.0], [-1.0]]))
    [0.5]
    """
    level = check_number(level, "level", 0.0, 1.0, closed_low=False, closed_high=False)
    _, phi_prime = activation_pair(activation)
    _, Z = _forward(params, X, activation)
    steepest = np.abs(phi_prime(np.arange(-512, 513) / 64)).max()
    return np.array([np.mean(np.abs(phi_prime(z)) < level * steepest) for z in Z[1:-1]])


def update_ratio(before, after):
    r"""Measure a step against what it changes, layer by layer.

    .. math:: \frac{\|\theta^+ - \theta\|}{\|\theta\|}, \qquad
              \text{which is } \frac{\alpha \|g\|}{\|\theta\|} \text{ for gradient descent}

    Parameters
    ----------
    before, after : list of (W, b)
        The parameters before and after one step.

    Returns
    -------
    ndarray, shape (L,)
        Of the weights W of each layer, dimensionless; infinite where all weights were 0 and are
        not now, 0 where nothing changed.

    Notes
    -----
    Equation 19.5. About 1e-3 is usual; the biases are left out, because they start at 0.

    Examples
    --------
    >>> before = [(np.array([[3.0, 4.0]]), np.zeros(1))]
    >>> after = [(np.array([[3.0, 4.05]]), np.zeros(1))]
    >>> print(update_ratio(before, after).round(4))
    [0.01]
    """
    check_params(before)
    check_params(after)
    steps = tree_map(lambda old, new: np.asarray(new) - np.asarray(old), before, after)
    sizes = [(_norm(step), _norm(W)) for (step, _), (W, _) in zip(steps, before, strict=True)]
    return np.array([0.0 if s == 0 else math.inf if W == 0 else s / W for s, W in sizes])


def slope_bound(params, X, activation="relu"):
    r"""Compute what the gradient can at most be multiplied by between the last layer and the first.

    .. math:: \frac{\|\Delta^{(1)}\|}{\|\Delta^{(L)}\|} \le
              \prod_{l=1}^{L-1} \max|\varphi'(Z^{(l)})| \; \|W^{(l+1)}\|_2

    Parameters
    ----------
    params : list of (W, b)
        The network.
    X : ndarray, shape (N, d)
        The examples, N at least 1.
    activation : str or (function, derivative), default "relu"
        φ of the hidden layers.

    Returns
    -------
    float
        1 for a network without hidden layers.

    Notes
    -----
    Equation 19.2. The logistic function contributes at most 1/4 a layer, whatever the examples.

    Examples
    --------
    >>> params = [(np.eye(2), np.zeros(2)) for _ in range(5)]
    >>> print(slope_bound(params, np.zeros((1, 2)), "sigmoid") * 4.0**4 <= 1)
    True
    """
    _, phi_prime = activation_pair(activation)
    _, Z = _forward(params, X, activation)
    with np.errstate(all="ignore"):
        factors = [np.abs(phi_prime(z)).max() * np.linalg.norm(W, 2)
                   for z, (W, _) in zip(Z[1:-1], params[1:], strict=True)]
        return float(np.prod(factors))


def generalization_gap(right_train, n_train, right_validation, n_validation):
    r"""Compute by how much training accuracy exceeds validation accuracy, and how surely.

    .. math:: \hat p_1 - \hat p_2, \qquad
        \sqrt{\frac{\hat p_1 (1 - \hat p_1)}{n_1} + \frac{\hat p_2 (1 - \hat p_2)}{n_2}}

    Parameters
    ----------
    right_train, right_validation : int
        Examples classified rightly.
    n_train, n_validation : int
        Examples, at least 1.

    Returns
    -------
    Gap
        ``gap``, ``standard_error``, ``low``, ``high``.

    Notes
    -----
    The interval is made of the two Wilson intervals :math:`[l_i, u_i]` [1]_, with low end
    :math:`\hat p_1 - \hat p_2 - \sqrt{(\hat p_1 - l_1)^2 + (u_2 - \hat p_2)^2}`. It takes the
    examples for independent of the network. Those it was trained on are not: the interval says
    what other validation examples might give, not what another training set would.

    References
    ----------
    .. [1] Newcombe, Interval estimation for the difference between independent proportions,
       Statistics in Medicine 17(8), 1998,
       :doi:`10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I`.

    Examples
    --------
    >>> gap = generalization_gap(40, 40, 140, 200)
    >>> print(f"{gap.gap:.2f}, at least {gap.low:.2f}")
    0.30, at least 0.19
    """
    first, second = wilson_interval(right_train, n_train), wilson_interval(
        right_validation, n_validation)
    p, q = right_train / n_train, right_validation / n_validation
    errors = (accuracy_standard_error(right_train, n_train),
              accuracy_standard_error(right_validation, n_validation))
    return Gap(p - q, math.hypot(*errors), p - q - math.hypot(p - first[0], second[1] - q),
               p - q + math.hypot(first[1] - p, q - second[0]))


def _forward(params, X, activation):
    _, (A, Z) = forward(params, X, activation)
    if len(A[0]) == 0:
        raise ValueError(f"X must hold at least one example, found shape {A[0].shape}")
    return A, Z


def _rms(x):
    return _norm(x) / math.sqrt(x.size)


def _norm(x):
    """Return the Frobenius norm, by the largest entry: squares of large entries overflow."""
    largest = float(np.abs(x).max(initial=0.0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm(np.asarray(x) / largest))
