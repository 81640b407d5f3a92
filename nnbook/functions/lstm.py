r"""Long short-term memory: a cell state that gates write to, erase and show.

Four gates are stacked in the rows of the weights, H rows each, in the order i, f, g, o: input
gate, forget gate, candidate, output gate. That is PyTorch's and Keras' order;
:func:`nnbook.functions.recurrent_gates.reorder_gates` brings others into it. What is said of
sequences, directions, padding and truncation in :mod:`nnbook.functions.recurrent` holds here.
"""

import numpy as np

from nnbook.functions._gates import logistic, logistic_slope, tanh_slope
from nnbook.functions._sequences import (
    cotangents,
    input_part,
    known_states,
    layout_of,
    layout_of_cell,
    outer,
    product,
    result_shapes,
    total,
)
from nnbook.functions._validate import as_float, check_number

GATES = ("i", "f", "g", "o")


def lstm_cell(x, h, c, W_x, W_h, b, peepholes=None, forget_bias=0.0):
    r"""Take one step of an LSTM.

    .. math::

        i &= \sigma(W_{xi} x + W_{hi} h + p_i \odot c + b_i), &
        g &= \tanh(W_{xg} x + W_{hg} h + b_g), \\
        f &= \sigma(W_{xf} x + W_{hf} h + p_f \odot c + b_f + \beta), &
        c' &= f \odot c + i \odot g, \\
        o &= \sigma(W_{xo} x + W_{ho} h + p_o \odot c' + b_o), &
        h' &= o \odot \tanh(c')

    Parameters
    ----------
    x : array_like of real numbers, shape (N, D)
        Input of the step, one example per row.
    h : array_like of real numbers, shape (N, H)
        The hidden state before.
    c : array_like of real numbers, shape (N, H)
        The cell state before.
    W_x : array_like of real numbers, shape (4H, D)
        Weights of the input, for the gates i, f, g, o.
    W_h : array_like of real numbers, shape (4H, H)
        Weights of the hidden state.
    b : array_like of real numbers, shape (4H,)
        Biases. Where there are two, of the input and of the state, their sum.
    peepholes : array_like of real numbers, shape (3, H), optional
        The rows p_i, p_f, p_o. The input and forget gates see the old cell state, the output gate
        sees the new one. Without them no gate sees it.
    forget_bias : float
        β, a constant added in the forget gate: at the start, where b is 0, it sets how long the
        cell remembers (:func:`~nnbook.functions.recurrent_gates.half_life_bias`).

    Returns
    -------
    h_new, c_new : ndarray, shape (N, H)
        The states after, in the common dtype of the arguments (integers give float64).

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes do not fit or `forget_bias` is not finite, with the likely mistake.

    Notes
    -----
    Each pre-activation is within :math:`8 \varepsilon \sqrt{D + H + 3}` of its terms' absolute sum;
    σ and tanh add 4 ulp to what that becomes through their slopes, at most 1/4 and 1.

    References
    ----------
    .. [1] Hochreiter & Schmidhuber, Neural Computation 9(8), 1997,
       :doi:`10.1162/neco.1997.9.8.1735`.
    .. [2] Gers, Schmidhuber & Cummins, Neural Computation 12(10), 2000 (the forget gate),
       :doi:`10.1162/089976600300015015`.
    .. [3] Gers & Schmidhuber, Proc. IJCNN 2000 (peepholes), :doi:`10.1109/IJCNN.2000.861302`.

    Examples
    --------
    An open forget gate and a shut input gate keep the cell as it is:

    >>> b = [-100.0, 100.0, 0.0, 100.0]
    >>> h, c = lstm_cell([[1.0]], [[0.0]], [[2.0]], [[0.0]] * 4, [[0.0]] * 4, b)
    >>> print(c, h.round(4))
    [[2.]] [[0.964]]
    """
    beta = check_number(forget_bias, "forget_bias")
    layout, arrays = layout_of_cell(x, h, W_x, W_h, b, GATES, _of_cell(c, peepholes))
    with np.errstate(all="ignore"):
        *_, states, cells = _run(layout, *arrays, beta)
        return layout.drop(states[:, 1]), layout.drop(cells[:, 1])


def lstm_cell_vjp(g, x, h, c, W_x, W_h, b, peepholes=None, forget_bias=0.0):
    r"""Gradients in x, h, c, W_x, W_h, b and the peepholes, from those in the two new states.

    With :math:`\bar h', \bar c'` the cotangents and z the pre-activation of each gate:

    .. math::

        \bar z_o &= \bar h' \odot \tanh(c') \odot \sigma'(z_o), &
        \tilde c &= \bar c' + \bar h' \odot o \odot \tanh'(c') + p_o \odot \bar z_o, \\
        \bar z_i &= \tilde c \odot g \odot \sigma'(z_i), &
        \bar z_f &= \tilde c \odot c \odot \sigma'(z_f), \qquad
        \bar z_g = \tilde c \odot i \odot \tanh'(z_g), \\
        \bar c &= \tilde c \odot f + p_i \odot \bar z_i + p_f \odot \bar z_f, &
        \bar h &= \bar z\,W_h, \qquad \bar W_h = \bar z^\top h, \quad \bar p_i =
        \mathbf 1^\top (\bar z_i \odot c)

    and for x, W_x, b, p_f, p_o alike.

    Parameters
    ----------
    g : tuple (h_bar, c_bar)
        Cotangents of the two results of :func:`lstm_cell`, (N, H); None for one that is zero.
    x, h, c, W_x, W_h, b, peepholes, forget_bias
        As given to :func:`lstm_cell`.

    Returns
    -------
    x_bar, h_bar, c_bar, W_x_bar, W_h_bar, b_bar, peepholes_bar : ndarray
        In the shapes of the arguments and their common dtype; the last is None if not given.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or `g` is not a tuple of two.
    ValueError
        If the shapes do not fit.

    Notes
    -----
    Slopes are taken from the pre-activations: σ(1 - σ) is 0 for a gate that has rounded to 1.

    Examples
    --------
    The cell's gradient passes through the forget gate, here at 1/2:

    >>> arguments = [[1.0]], [[0.0]], [[2.0]], [[0.0]] * 4, [[0.0]] * 4, [0.0] * 4
    >>> bars = lstm_cell_vjp((None, [[1.0]]), *arguments)
    >>> print(bars[2], bars[5])
    [[0.5]] [0.  0.5 0.5 0. ]
    """
    beta = check_number(forget_bias, "forget_bias")
    layout, arrays = layout_of_cell(x, h, W_x, W_h, b, GATES, _of_cell(c, peepholes))
    shape = layout.shape[1:]
    last, layout = cotangents(g, [shape, shape], ["h_new", "c_new"], layout)
    with np.errstate(all="ignore"):
        x_bar, *bars = _back(layout, None, *last, *arrays, beta)
    return x_bar[0], *bars


def lstm(
    x,
    W_x,
    W_h,
    b,
    h0=None,
    c0=None,
    peepholes=None,
    *,
    forget_bias=0.0,
    batch_first=True,
    direction="forward",
    lengths=None,
    truncate=None,
):
    r"""Run an LSTM over whole sequences: :func:`lstm_cell` at every step.

    Parameters
    ----------
    x : array_like of real numbers, shape (N, T, D)
        Sequences, T at least 1; (T, N, D) if not `batch_first`.
    W_x : array_like of real numbers, shape (4H, D)
        Weights of the input; (2, 4H, D) for two directions, and so on for all that follow.
    W_h : array_like of real numbers, shape (4H, H)
        Weights of the hidden state.
    b : array_like of real numbers, shape (4H,)
        Biases.
    h0, c0 : array_like of real numbers, shape (N, H), optional
        The states before the first step read; zero if not given.
    peepholes : array_like of real numbers, shape (3, H), optional
        The rows p_i, p_f, p_o.
    forget_bias : float
        A constant added in the forget gate.
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
        The hidden state after every step, 0 at the padding; (N, T, 2H) for two directions.
    h_last, c_last : ndarray, shape (N, H)
        The states after the last step read; (2, N, H) for two directions.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or an option has a wrong type.
    ValueError
        If the shapes do not fit or an option is unknown. The message names the likely mistake.

    Notes
    -----
    A rounding error in the cell shrinks by the forget gates; fed back by h it may grow. Measured
    over 200 steps, float64, every gate's :math:`\|W_h\|_2` up to 1.5: within 4 ε.

    Examples
    --------
    >>> x, W_x, W_h, b = np.ones((2, 7, 3)), np.ones((20, 3)), np.ones((20, 5)), np.ones(20)
    >>> outputs, h, c = lstm(x, W_x, W_h, b)
    >>> print(outputs.shape, h.shape, c.shape)
    (2, 7, 5) (2, 5) (2, 5)
    """
    beta = check_number(forget_bias, "forget_bias")
    layout, arrays = layout_of(
        x, W_x, W_h, b, GATES, _others(h0, c0, peepholes), batch_first, direction, lengths, truncate
    )
    with np.errstate(all="ignore"):
        *_, states, cells = _run(layout, *arrays, beta)
        return layout.outputs(states), layout.drop(states[:, -1]), layout.drop(cells[:, -1])


def lstm_vjp(
    g,
    x,
    W_x,
    W_h,
    b,
    h0=None,
    c0=None,
    peepholes=None,
    *,
    forget_bias=0.0,
    batch_first=True,
    direction="forward",
    lengths=None,
    truncate=None,
    output=None,
):
    r"""Gradients in x, W_x, W_h, b, h0, c0 and the peepholes: back through time.

    With the gates held fixed, the cell of step t reaches that of step T by the forget gates alone:

    .. math:: \frac{\partial^+ c_T}{\partial c_t} = \prod_{s=t+1}^{T} f_s

    Parameters
    ----------
    g : tuple (outputs_bar, h_bar, c_bar)
        Cotangents of the three results of :func:`lstm`, in their shapes; None for what is zero.
    x, W_x, W_h, b, h0, c0, peepholes, forget_bias, batch_first, direction, lengths, truncate
        As given to :func:`lstm`.
    output : tuple, optional
        What :func:`lstm` returned for these arguments: then no product is taken step by step.

    Returns
    -------
    x_bar, W_x_bar, W_h_bar, b_bar, h0_bar, c0_bar, peepholes_bar : ndarray
        In the shapes of the arguments and their common dtype; None for what was not given.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or an option has a wrong type.
    ValueError
        If the shapes do not fit or an option is unknown.

    Notes
    -----
    Each step goes back as :func:`lstm_cell_vjp` does.

    Examples
    --------
    With half-open forget gates a gradient of 1 is 1/8 after three steps:

    >>> x, W_x, W_h, b = np.zeros((1, 3, 2)), np.zeros((4, 2)), np.zeros((4, 1)), np.zeros(4)
    >>> bars = lstm_vjp((None, None, [[1.0]]), x, W_x, W_h, b, c0=[[1.0]])
    >>> print(bars[5])
    [[0.125]]
    """
    beta = check_number(forget_bias, "forget_bias")
    layout, arrays = layout_of(
        x, W_x, W_h, b, GATES, _others(h0, c0, peepholes), batch_first, direction, lengths, truncate
    )
    shapes = result_shapes(layout, 2)
    g, layout = cotangents(g, shapes, ["outputs", "h_last", "c_last"], layout)
    with np.errstate(all="ignore"):
        x_bar, h0_bar, c0_bar, *weights, peepholes_bar = _back(layout, *g, *arrays, beta, output)
    h0_bar, c0_bar = None if h0 is None else h0_bar, None if c0 is None else c0_bar
    return x_bar, *weights, h0_bar, c0_bar, peepholes_bar


def _of_cell(c, peepholes):
    return {"c": (as_float(c, "c"), ("N", "H")), "peepholes": (peepholes, (3, "H"))}


def _others(h0, c0, peepholes):
    return {"h0": (h0, ("N", "H")), "c0": (c0, ("N", "H")), "peepholes": (peepholes, (3, "H"))}


def _run(layout, x, W_x, W_h, b, h0, c0, peepholes, beta, output=None):
    """Return the inputs, all pre-activations (d, T, N, 4H), hidden and cell states."""
    X, W_x, W_h, b = layout.read(x), *map(layout.cast, (W_x, W_h, b))
    h0, c0, width = layout.start(h0), layout.start(c0), W_h.shape[-1]
    forget = np.repeat([0, beta, 0, 0], width).astype(layout.work)
    Z = input_part(X, W_x, b + forget)
    states = known_states(output, layout, h0, 2)
    run = states is None
    if run:
        states = layout.room(h0)
        W = np.ascontiguousarray(W_h.swapaxes(1, 2))
    else:
        Z += product(states[:, :-1], W_h)
    cells = layout.room(c0)
    p_i, p_f, p_o = _peepholes(layout, peepholes)
    for t in range(Z.shape[1]):
        z, before, c, h = Z[:, t], cells[:, t], cells[:, t + 1], states[:, t + 1]
        if run:
            z += states[:, t] @ W
        if peepholes is not None:
            z[..., :width] += p_i * before
            z[..., width : 2 * width] += p_f * before
        gates = logistic(z[..., : 2 * width])
        candidate = np.tanh(z[..., 2 * width : 3 * width])
        c[...] = gates[..., width:] * before + gates[..., :width] * candidate
        if peepholes is not None:
            z[..., 3 * width :] += p_o * c
        if run:
            h[...] = logistic(z[..., 3 * width :]) * np.tanh(c)
        if layout.keep is not None:
            np.copyto(c, before, where=~layout.keep[:, t])
            np.copyto(h, states[:, t], where=~layout.keep[:, t])
    return X, Z, states, cells


def _back(layout, outputs_bar, h_bar, c_bar, x, W_x, W_h, b, h0, c0, peepholes, beta, output=None):
    """Return the gradients in x, h0, c0, W_x, W_h, b and the peepholes (None without them)."""
    X, Z, states, cells = _run(layout, x, W_x, W_h, b, h0, c0, peepholes, beta, output)
    d, steps, n, rows = Z.shape
    Z = Z.reshape(d, steps, n, 4, rows // 4)
    W_x, W_h, h_bar, c_bar = map(layout.cast, (W_x, W_h, h_bar, c_bar))
    explicit = None if outputs_bar is None else layout.split(outputs_bar)
    before, after = cells[:, :-1], cells[:, 1:]
    gates, candidate, shown = logistic(Z), np.tanh(Z[..., 2, :]), np.tanh(after)
    # From here on delta holds what each gate's gradient is a multiple of; the loop multiplies.
    delta = logistic_slope(Z)
    delta[..., 0, :] *= candidate
    delta[..., 1, :] *= before
    delta[..., 2, :] = tanh_slope(Z[..., 2, :]) * gates[..., 0, :]
    delta[..., 3, :] *= shown
    showing = gates[..., 3, :] * tanh_slope(after)
    if layout.keep is not None:
        delta = np.where(layout.keep[..., np.newaxis], delta, np.zeros((), delta.dtype))
    p_i, p_f, p_o = _peepholes(layout, peepholes)
    for t in reversed(range(steps)):
        if explicit is not None:
            h_bar = h_bar + explicit[:, t]
        step = delta[:, t]
        step[:, :, 3] *= h_bar
        through = c_bar + h_bar * showing[:, t]
        if peepholes is not None:
            through += p_o * step[:, :, 3]
        step[:, :, :3] *= through[:, :, np.newaxis]
        through *= gates[:, t, :, 1]
        if peepholes is not None:
            through += p_i * step[:, :, 0] + p_f * step[:, :, 1]
        h_bar = layout.passed(t, h_bar, step.reshape(d, n, rows) @ W_h)
        c_bar = layout.passed(t, c_bar, through)
    peepholes_bar = None
    if peepholes is not None:
        sums = [total(delta[..., k, :] * c) for k, c in ((0, before), (1, before), (3, after))]
        peepholes_bar = layout.drop(np.stack(sums, axis=1))
    delta = delta.reshape(d, steps, n, rows)
    x_bar, W_x_bar, b_bar = layout.gradients(delta, X, W_x)
    W_h_bar = layout.drop(outer(delta, states[:, :-1]))
    last = layout.drop(h_bar), layout.drop(c_bar)
    return x_bar, *last, W_x_bar, W_h_bar, b_bar, peepholes_bar


def _peepholes(layout, peepholes):
    """Return the three rows, each (d, 1, H), or three None."""
    if peepholes is None:
        return None, None, None
    p = layout.cast(peepholes)
    return p[:, :1], p[:, 1:2], p[:, 2:]
