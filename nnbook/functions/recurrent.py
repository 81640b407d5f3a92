r"""Recurrent networks: a state that is carried from step to step, and the way back through time.

The state h_t (one row an example) is computed from the step's input x_t and from the state before.
The same weights serve every step, so their gradient is a sum over the steps. LSTM and GRU, whose
gates decide what is kept, are in :mod:`nnbook.functions.lstm` and :mod:`nnbook.functions.gru`;
what is said here of sequences holds for all three:

- Sequences are (N, T, D): examples, steps, features; (T, N, D) with ``batch_first=False``.
- ``direction="reverse"`` reads the last step first; outputs keep the places of their inputs.
  ``"bidirectional"`` runs both, with two sets of weights and states on a new first axis of
  length 2 (forward, reverse). Outputs are then (N, T, 2H), the forward state first.
- ``lengths`` says how many steps of each example count. The rest is padding: it may hold anything,
  its outputs and gradients are 0, and the state passes it unchanged.
- ``truncate=k`` is backpropagation through time in pieces of k steps, counted in the order read:
  the state that a piece hands to the next counts as a constant there. Values do not change;
  gradients do not pass. Every k of at least T gives the full gradient.
"""

import numpy as np

from nnbook.functions._gates import logistic_slope, tanh_slope
from nnbook.functions._sequences import (
    cotangents,
    input_part,
    known_states,
    layout_of,
    layout_of_cell,
    outer,
    product,
    result_shapes,
)
from nnbook.functions.activations import get_activation

GATES = ("h",)
SLOPES = {"sigmoid": logistic_slope, "tanh": tanh_slope}  # where they can be had faster


def rnn_cell(x, h, W_x, W_h, b, activation="tanh"):
    r"""Take one step of a recurrent network.

    .. math:: z_t = W_h h_{t-1} + W_x x_t + b, \qquad h_t = \varphi(z_t)

    Parameters
    ----------
    x : array_like of real numbers, shape (N, D)
        Input of the step, one example per row.
    h : array_like of real numbers, shape (N, H)
        The state before.
    W_x : array_like of real numbers, shape (H, D)
        Weights of the input.
    W_h : array_like of real numbers, shape (H, H)
        Weights of the state.
    b : array_like of real numbers, shape (H,)
        Biases.
    activation : str
        A key of `ACTIVATIONS`, with its default parameters.

    Returns
    -------
    ndarray, shape (N, H)
        The state after, in the common dtype of the arguments (integers give float64).

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or `activation` is not a name.
    ValueError
        If the shapes do not fit or the activation is unknown. The message names the likely mistake.

    Notes
    -----
    A pre-activation is within :math:`8 \varepsilon \sqrt{D + H + 1}` of its terms' absolute sum;
    the activation adds 2 ulp to what that becomes through its slope.

    References
    ----------
    .. [1] Elman, Cognitive Science 14(2), 1990, :doi:`10.1207/s15516709cog1402_1`.

    Examples
    --------
    >>> print(rnn_cell([[1.0]], [[0.5]], [[1.0]], [[2.0]], [0.0], activation="identity"))
    [[2.]]
    """
    phi, _ = get_activation(activation)
    layout, arrays = layout_of_cell(x, h, W_x, W_h, b, GATES, {})
    with np.errstate(all="ignore"):
        *_, states = _run(layout, *arrays, phi)
        return layout.drop(states[:, 1])


def rnn_cell_vjp(g, x, h, W_x, W_h, b, activation="tanh"):
    r"""Gradients in x, h, W_x, W_h and b, from the gradient `g` in the new state.

    .. math::

        \bar z = g \odot \varphi'(z), \qquad \bar x = \bar z\,W_x, \quad \bar h = \bar z\,W_h,
        \qquad \bar W_x = \bar z^\top x, \quad \bar W_h = \bar z^\top h, \quad
        \bar b = \bar z^\top \mathbf 1

    Parameters
    ----------
    g : array_like of real numbers, shape (N, H)
        Cotangent: the gradient of a scalar in ``rnn_cell(x, h, W_x, W_h, b)``.
    x, h, W_x, W_h, b, activation
        As given to :func:`rnn_cell`.

    Returns
    -------
    x_bar, h_bar, W_x_bar, W_h_bar, b_bar : ndarray
        In the shapes of x, h, W_x, W_h and b, and the common dtype of the arguments.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or `activation` is not a name.
    ValueError
        If the shapes do not fit or the activation is unknown.

    Examples
    --------
    >>> bars = rnn_cell_vjp([[1.0]], [[3.0]], [[0.5]], [[1.0]], [[2.0]], [0.0], "identity")
    >>> print([float(bar.item()) for bar in bars])
    [1.0, 2.0, 3.0, 0.5, 1.0]
    """
    phi, slope = get_activation(activation)
    slope = SLOPES.get(activation, slope)
    layout, arrays = layout_of_cell(x, h, W_x, W_h, b, GATES, {})
    (g,), layout = cotangents(g, [arrays[-1].shape], ["the new state"], layout)
    with np.errstate(all="ignore"):
        x_bar, *bars = _back(layout, None, g, *arrays, phi, slope)
    return x_bar[0], *bars


def rnn(
    x,
    W_x,
    W_h,
    b,
    h0=None,
    *,
    activation="tanh",
    batch_first=True,
    direction="forward",
    lengths=None,
    truncate=None,
):
    r"""Run a recurrent network over whole sequences.

    .. math:: z_t = W_h h_{t-1} + W_x x_t + b, \qquad h_t = \varphi(z_t), \qquad t = 1, \dots, T

    Parameters
    ----------
    x : array_like of real numbers, shape (N, T, D)
        Sequences, T at least 1; (T, N, D) if not `batch_first`.
    W_x : array_like of real numbers, shape (H, D)
        Weights of the input; (2, H, D) for two directions, and so on for all that follow.
    W_h : array_like of real numbers, shape (H, H)
        Weights of the state.
    b : array_like of real numbers, shape (H,)
        Biases.
    h0 : array_like of real numbers, shape (N, H), optional
        The state before the first step read; zero if not given.
    activation : str
        A key of `ACTIVATIONS`, with its default parameters.
    batch_first : bool
        Whether the first axis of x and of the outputs is the batch, or time.
    direction : {"forward", "reverse", "bidirectional"}
        In which order the steps are read. Outputs keep the places of their inputs.
    lengths : array_like of int, shape (N,), optional
        How many steps of each sequence count, from 1 to T; the rest is padding.
    truncate : int, optional
        The length k of the pieces, counted in the order read, between which no gradient passes. Of
        no influence on the values: it is here so that function and derivative are called alike.

    Returns
    -------
    outputs : ndarray, shape (N, T, H)
        The state after every step, 0 at the padding; (N, T, 2H) for two directions.
    last : ndarray, shape (N, H)
        The state after the last step read; (2, N, H) for two directions.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or an option has a wrong type.
    ValueError
        If the shapes do not fit or an option is unknown. The message names the likely mistake.

    Notes
    -----
    A rounding error made at step s reaches step t multiplied by at most
    :math:`(\sup|\varphi'|\,\|W_h\|_2)^{t-s}`. Where that base is at most 1 the error after T
    steps is at most T times that of one step (:func:`rnn_cell`); where it exceeds 1, the bound
    grows as the network's own sensitivity does, geometrically. Measured over 200 steps of tanh,
    float64, :math:`\|W_h\|_2` up to 1.5: within 4 ε.

    Examples
    --------
    A decaying memory of the first input:

    >>> x = [[[1.0], [0.0], [0.0]]]
    >>> outputs, last = rnn(x, [[1.0]], [[0.5]], [0.0], activation="identity")
    >>> print(outputs.ravel(), last)
    [1.   0.5  0.25] [[0.25]]
    """
    phi, _ = get_activation(activation)
    others = {"h0": (h0, ("N", "H"))}
    layout, arrays = layout_of(
        x, W_x, W_h, b, GATES, others, batch_first, direction, lengths, truncate
    )
    with np.errstate(all="ignore"):
        *_, states = _run(layout, *arrays, phi)
        return layout.outputs(states), layout.drop(states[:, -1])


def rnn_vjp(
    g,
    x,
    W_x,
    W_h,
    b,
    h0=None,
    *,
    activation="tanh",
    batch_first=True,
    direction="forward",
    lengths=None,
    truncate=None,
    output=None,
):
    r"""Gradients in x, W_x, W_h, b and h0: backpropagation through time.

    .. math::

        \bar h_t = \frac{\partial^+ \ell}{\partial h_t}
        + W_h^\top \bigl(\varphi'(z_{t+1}) \odot \bar h_{t+1}\bigr), \qquad
        \bar z_t = \varphi'(z_t) \odot \bar h_t, \qquad
        \bar W_h = \sum_t \bar z_t h_{t-1}^\top, \quad \bar W_x = \sum_t \bar z_t x_t^\top

    where :math:`\partial^+` differentiates in h_t what uses it at once, its output, with all later
    states held fixed.

    Parameters
    ----------
    g : tuple (outputs_bar, last_bar)
        Cotangents of the two results of :func:`rnn`, in their shapes; None for one that is zero.
    x, W_x, W_h, b, h0, activation, batch_first, direction, lengths, truncate
        As given to :func:`rnn`.
    output : tuple, optional
        What :func:`rnn` returned for these arguments: then the recursion is not run again.

    Returns
    -------
    x_bar, W_x_bar, W_h_bar, b_bar, h0_bar : ndarray
        In the shapes of the arguments and their common dtype; h0_bar is None if h0 is.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or an option has a wrong type.
    ValueError
        If the shapes do not fit or an option is unknown.

    Notes
    -----
    With ``truncate=k`` the recursion drops its second term where t is k, 2k, ..., counted from 1
    in the order read, and the gradient is biased: for
    :math:`h_t = \lambda h_{t-1} + x_t` and the cotangent 1 of h_T, T a multiple of k, the gradient
    in λ keeps the last k of the terms :math:`\lambda^{T-t} h_{t-1}`.

    References
    ----------
    .. [1] Werbos, Proc. IEEE 78(10), 1990, :doi:`10.1109/5.58337`.
    .. [2] Williams & Peng, Neural Computation 2(4), 1990, :doi:`10.1162/neco.1990.2.4.490`.

    Examples
    --------
    >>> x, W_x, W_h, b = [[[1.0], [0.0], [0.0]]], [[1.0]], [[0.5]], [0.0]
    >>> g = None, [[1.0]]
    >>> bars = rnn_vjp(g, x, W_x, W_h, b, activation="identity")
    >>> print(bars[0].ravel(), bars[2].item())
    [0.25 0.5  1.  ] 1.0
    """
    phi, slope = get_activation(activation)
    slope = SLOPES.get(activation, slope)
    others = {"h0": (h0, ("N", "H"))}
    layout, arrays = layout_of(
        x, W_x, W_h, b, GATES, others, batch_first, direction, lengths, truncate
    )
    shapes = result_shapes(layout, 1)
    (outputs_bar, last_bar), layout = cotangents(g, shapes, ["outputs", "last"], layout)
    with np.errstate(all="ignore"):
        bars = _back(layout, outputs_bar, last_bar, *arrays, phi, slope, output)
    x_bar, h0_bar, *weights = bars
    return x_bar, *weights, None if h0 is None else h0_bar


def _run(layout, x, W_x, W_h, b, h0, phi, output=None):
    """Return the inputs, the pre-activations (d, T, N, H) and the states (d, T + 1, N, H)."""
    X, W_x, W_h, b = layout.read(x), *map(layout.cast, (W_x, W_h, b))
    h0 = layout.start(h0)
    Z = input_part(X, W_x, b)
    states = known_states(output, layout, h0, 1)
    if states is not None:
        Z += product(states[:, :-1], W_h)
        return X, Z, states
    states = layout.room(h0)
    W = np.ascontiguousarray(W_h.swapaxes(1, 2))
    for t in range(Z.shape[1]):
        Z[:, t] += states[:, t] @ W
        states[:, t + 1] = phi(Z[:, t])
        if layout.keep is not None:
            np.copyto(states[:, t + 1], states[:, t], where=~layout.keep[:, t])
    return X, Z, states


def _back(layout, outputs_bar, last_bar, x, W_x, W_h, b, h0, phi, slope, output=None):
    """Return the gradients in x, h0, W_x, W_h and b."""
    X, Z, states = _run(layout, x, W_x, W_h, b, h0, phi, output)
    W_x, W_h, h_bar = layout.cast(W_x), layout.cast(W_h), layout.cast(last_bar)
    explicit = None if outputs_bar is None else layout.split(outputs_bar)
    delta = slope(Z)
    if layout.keep is not None:
        delta = np.where(layout.keep, delta, np.zeros((), delta.dtype))
    for t in reversed(range(Z.shape[1])):
        if explicit is not None:
            h_bar = h_bar + explicit[:, t]
        delta[:, t] *= h_bar
        h_bar = layout.passed(t, h_bar, delta[:, t] @ W_h)
    x_bar, W_x_bar, b_bar = layout.gradients(delta, X, W_x)
    W_h_bar = layout.drop(outer(delta, states[:, :-1]))
    return x_bar, layout.drop(h_bar), W_x_bar, W_h_bar, b_bar
