r"""The gated recurrent unit: one state, a gate that renews it and a gate that resets it.

The gates are stacked in the rows of the weights, H rows each, in the order r, z, n: reset gate,
update gate, candidate. That is PyTorch's order; Keras and ONNX have z, r, n, which
:func:`nnbook.functions.recurrent_gates.reorder_gates` brings into it. What is said of sequences,
directions, padding and truncation in :mod:`nnbook.functions.recurrent` holds here.

Two placements of the reset gate were published, and weights trained with one are wrong in the
other: ``reset="before"`` the product with the state's weights (Cho et al. 2014), or
``reset="after"`` it, as cuDNN, PyTorch and Keras compute it. Both keep z of the old state, as both
do here; Chung et al. 2014 exchange z and 1 - z.
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

GATES = ("r", "z", "n")


def gru_cell(x, h, W_x, W_h, b, b_n=None, reset="before"):
    r"""Take one step of a gated recurrent unit.

    .. math::

        r &= \sigma(W_{xr} x + W_{hr} h + b_r), \qquad z = \sigma(W_{xz} x + W_{hz} h + b_z), \\
        n &= \tanh(W_{xn} x + W_{hn} (r \odot h) + b_{xn}) \quad\text{("before"), or} \\
        n &= \tanh(W_{xn} x + r \odot (W_{hn} h + b_n) + b_{xn}) \quad\text{("after")}, \\
        h' &= (1 - z) \odot n + z \odot h

    Parameters
    ----------
    x : array_like of real numbers, shape (N, D)
        Input of the step, one example per row.
    h : array_like of real numbers, shape (N, H)
        The state before.
    W_x : array_like of real numbers, shape (3H, D)
        Weights of the input, for the gates r, z, n.
    W_h : array_like of real numbers, shape (3H, H)
        Weights of the state.
    b : array_like of real numbers, shape (3H,)
        Biases b_r, b_z, b_xn.
    b_n : array_like of real numbers, shape (H,), optional
        The bias that the reset gate multiplies; for ``reset="after"`` only. Of PyTorch's
        ``bias_hh`` the parts for r and z are added to ``bias_ih``, the part for n is `b_n`.
    reset : {"before", "after"}
        Whether the reset gate multiplies the state before its product with the weights, or after.

    Returns
    -------
    ndarray, shape (N, H)
        The state after, in the common dtype of the arguments (integers give float64).

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes do not fit, `reset` is neither name, or `b_n` is given with "before". The
        message names the likely mistake.

    Notes
    -----
    Each pre-activation is within :math:`8 \varepsilon \sqrt{D + H + 2}` of its terms' absolute sum;
    σ and tanh add 4 ulp to what that becomes through their slopes, at most 1/4 and 1. 1 - z is
    computed as σ of the negative, for z that has rounded to 1.

    References
    ----------
    .. [1] Cho et al., EMNLP 2014, :doi:`10.3115/v1/D14-1179`.

    Examples
    --------
    At zero weights both gates are at 1/2 and the candidate is 0: the state is halved.

    >>> print(gru_cell([[1.0]], [[3.0]], [[0.0]] * 3, [[0.0]] * 3, [0.0] * 3))
    [[1.5]]
    """
    layout, arrays = layout_of_cell(x, h, W_x, W_h, b, GATES, _others(b_n, reset))
    with np.errstate(all="ignore"):
        *_, states = _run(layout, *arrays, reset)
        return layout.drop(states[:, 1])


def gru_cell_vjp(g, x, h, W_x, W_h, b, b_n=None, reset="before"):
    r"""Gradients in x, h, W_x, W_h, b and b_n, from the gradient `g` in the new state.

    With :math:`\bar a_r, \bar a_z, \bar a_n` the gradients in the pre-activations of the gates:

    .. math::

        \bar a_n &= g \odot (1 - z) \odot \tanh'(a_n), \qquad
        \bar a_z = g \odot (h - n) \odot \sigma'(a_z), \\
        \bar a_r &= \bar a_n W_{hn} \odot h \odot \sigma'(a_r) \quad\text{("before"), or}\quad
        \bar a_n \odot (W_{hn} h + b_n) \odot \sigma'(a_r) \quad\text{("after")}, \\
        \bar h &= g \odot z + \bar a_r W_{hr} + \bar a_z W_{hz} +
        \bar a_n W_{hn} \odot r, \quad\text{or}\quad \dots + (\bar a_n \odot r) W_{hn}

    and for the weights and biases as in :func:`nnbook.functions.affine.affine_vjp`.

    Parameters
    ----------
    g : array_like of real numbers, shape (N, H)
        Cotangent: the gradient of a scalar in ``gru_cell(x, h, W_x, W_h, b)``.
    x, h, W_x, W_h, b, b_n, reset
        As given to :func:`gru_cell`.

    Returns
    -------
    x_bar, h_bar, W_x_bar, W_h_bar, b_bar, b_n_bar : ndarray
        In the shapes of the arguments and their common dtype; the last is None without b_n.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes do not fit, or an option is wrong.

    Examples
    --------
    >>> bars = gru_cell_vjp([[1.0]], [[1.0]], [[3.0]], [[0.0]] * 3, [[0.0]] * 3, [0.0] * 3)
    >>> print(bars[1], bars[4])
    [[0.5]] [0.   0.75 0.5 ]
    """
    layout, arrays = layout_of_cell(x, h, W_x, W_h, b, GATES, _others(b_n, reset))
    (g,), layout = cotangents(g, [layout.shape[1:]], ["the new state"], layout)
    with np.errstate(all="ignore"):
        x_bar, *bars = _back(layout, None, g, *arrays, reset)
    return x_bar[0], *bars


def gru(
    x,
    W_x,
    W_h,
    b,
    h0=None,
    b_n=None,
    *,
    reset="before",
    batch_first=True,
    direction="forward",
    lengths=None,
    truncate=None,
):
    r"""Run a gated recurrent unit over whole sequences: :func:`gru_cell` at every step.

    Parameters
    ----------
    x : array_like of real numbers, shape (N, T, D)
        Sequences, T at least 1; (T, N, D) if not `batch_first`.
    W_x : array_like of real numbers, shape (3H, D)
        Weights of the input, for the gates r, z, n; (2, 3H, D) for two directions, and so on for
        all that follow.
    W_h : array_like of real numbers, shape (3H, H)
        Weights of the state.
    b : array_like of real numbers, shape (3H,)
        Biases.
    h0 : array_like of real numbers, shape (N, H), optional
        The state before the first step read; zero if not given.
    b_n : array_like of real numbers, shape (H,), optional
        The bias that the reset gate multiplies; for ``reset="after"`` only.
    reset : {"before", "after"}
        Whether the reset gate multiplies the state before its product with the weights, or after.
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
    The state is a mean, weighted by the update gate, of the candidates so far and the initial
    state: it never leaves the range of these. Measured over 200 steps, float64, every gate's
    :math:`\|W_h\|_2` up to 1.5: within 4 ε of the true values.

    Examples
    --------
    >>> x, W_x, W_h, b = np.ones((2, 7, 3)), np.ones((15, 3)), np.ones((15, 5)), np.ones(15)
    >>> outputs, last = gru(x, W_x, W_h, b, reset="after")
    >>> print(outputs.shape, last.shape)
    (2, 7, 5) (2, 5)
    """
    others = {"h0": (h0, ("N", "H")), **_others(b_n, reset)}
    layout, arrays = layout_of(
        x, W_x, W_h, b, GATES, others, batch_first, direction, lengths, truncate
    )
    with np.errstate(all="ignore"):
        *_, states = _run(layout, *arrays, reset)
        return layout.outputs(states), layout.drop(states[:, -1])


def gru_vjp(
    g,
    x,
    W_x,
    W_h,
    b,
    h0=None,
    b_n=None,
    *,
    reset="before",
    batch_first=True,
    direction="forward",
    lengths=None,
    truncate=None,
    output=None,
):
    r"""Gradients in x, W_x, W_h, b, h0 and b_n: :func:`gru_cell_vjp` back through time.

    Parameters
    ----------
    g : tuple (outputs_bar, last_bar)
        Cotangents of the two results of :func:`gru`, in their shapes; None for one that is zero.
    x, W_x, W_h, b, h0, b_n, reset, batch_first, direction, lengths, truncate
        As given to :func:`gru`.
    output : tuple, optional
        What :func:`gru` returned for these arguments: then the recursion is not run again.

    Returns
    -------
    x_bar, W_x_bar, W_h_bar, b_bar, h0_bar, b_n_bar : ndarray
        In the shapes of the arguments and their common dtype; None for what was not given.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or an option has a wrong type.
    ValueError
        If the shapes do not fit or an option is unknown.

    Examples
    --------
    Each of three steps at zero weights halves the gradient in the state:

    >>> x, W_x, W_h, b = np.zeros((1, 3, 2)), np.zeros((3, 2)), np.zeros((3, 1)), np.zeros(3)
    >>> bars = gru_vjp((None, [[1.0]]), x, W_x, W_h, b, h0=[[1.0]])
    >>> print(bars[4])
    [[0.125]]
    """
    others = {"h0": (h0, ("N", "H")), **_others(b_n, reset)}
    layout, arrays = layout_of(
        x, W_x, W_h, b, GATES, others, batch_first, direction, lengths, truncate
    )
    shapes = result_shapes(layout, 1)
    g, layout = cotangents(g, shapes, ["outputs", "last"], layout)
    with np.errstate(all="ignore"):
        x_bar, h0_bar, *weights, b_n_bar = _back(layout, *g, *arrays, reset, output)
    return x_bar, *weights, None if h0 is None else h0_bar, b_n_bar


def _others(b_n, reset):
    """Check the placement; return b_n with its shape."""
    if not isinstance(reset, str) or reset not in ("before", "after"):
        raise ValueError(f'reset must be "before" or "after", got {reset!r}')
    if reset == "before" and b_n is not None:
        raise ValueError(
            'b_n is the bias that the gate of reset="after" multiplies; with reset="before" '
            "add it to the last third of b"
        )
    return {"b_n": (b_n, ("H",))}


def _run(layout, x, W_x, W_h, b, h0, b_n, reset, output=None):
    """Return the inputs, pre-activations (d, T, N, 3H), W_hn h + b_n or None, and the states.

    The candidate's pre-activation is complete; what the reset gate multiplies "after" is kept.
    """
    X, W_x, W_h, b = layout.read(x), *map(layout.cast, (W_x, W_h, b))
    h0, width = layout.start(h0), W_h.shape[-1]
    Z = input_part(X, W_x, b)
    inner = None
    if reset == "after":
        inner = np.zeros((*Z.shape[:3], width), layout.work)
        if b_n is not None:
            inner += layout.cast(b_n)[:, np.newaxis, np.newaxis]
    states = known_states(output, layout, h0, 1)
    if states is not None:
        before = states[:, :-1]
        _gates(Z, inner, before, lambda A, rows: product(A, W_h[:, rows]), width)
    else:
        states = layout.room(h0)
        W = np.ascontiguousarray(W_h.swapaxes(1, 2))
        for t in range(Z.shape[1]):
            z, before, h = Z[:, t], states[:, t], states[:, t + 1]
            u = None if inner is None else inner[:, t]
            _gates(z, u, before, lambda A, rows: A @ W[..., rows], width)
            update = z[..., width : 2 * width]
            h[...] = logistic(-update) * np.tanh(z[..., 2 * width :]) + logistic(update) * before
            if layout.keep is not None:
                np.copyto(h, before, where=~layout.keep[:, t])
    return X, Z, inner, states


def _gates(Z, inner, before, times, width):
    """Add the state's part to the pre-activations `Z` of the inputs, in place."""
    gates, candidate = slice(0, 2 * width), slice(2 * width, None)
    if inner is None:
        Z[..., gates] += times(before, gates)
        Z[..., candidate] += times(logistic(Z[..., :width]) * before, candidate)
    else:
        every = times(before, slice(None))
        Z[..., gates] += every[..., gates]
        inner += every[..., candidate]
        Z[..., candidate] += logistic(Z[..., :width]) * inner


def _back(layout, outputs_bar, h_bar, x, W_x, W_h, b, h0, b_n, reset, output=None):
    """Return the gradients in x, h0, W_x, W_h, b and b_n (None without it)."""
    X, Z, inner, states = _run(layout, x, W_x, W_h, b, h0, b_n, reset, output)
    W_x, W_h, h_bar = map(layout.cast, (W_x, W_h, h_bar))
    d, steps, n, rows = Z.shape
    width, before = rows // 3, states[:, :-1]
    Z = Z.reshape(d, steps, n, 3, width)
    explicit = None if outputs_bar is None else layout.split(outputs_bar)
    gates, candidate = logistic(Z[..., :2, :]), np.tanh(Z[..., 2, :])
    # From here on delta holds what each gate's gradient is a multiple of; the loop multiplies.
    delta = np.empty_like(Z)
    delta[..., :2, :] = logistic_slope(Z[..., :2, :])
    delta[..., 0, :] *= before if inner is None else inner
    delta[..., 1, :] *= before - candidate
    delta[..., 2, :] = tanh_slope(Z[..., 2, :]) * logistic(-Z[..., 1, :])
    if layout.keep is not None:
        delta = np.where(layout.keep[..., np.newaxis], delta, np.zeros((), delta.dtype))
    # What W_h h is given back "after": the gates' gradients, but the candidate's times r.
    seen = None if inner is None else np.empty_like(delta)
    W_rz, W_n = W_h[:, : 2 * width], W_h[:, 2 * width :]
    for t in reversed(range(steps)):
        if explicit is not None:
            h_bar = h_bar + explicit[:, t]
        step, r = delta[:, t], gates[:, t, :, 0]
        step[:, :, 1:] *= h_bar[:, :, np.newaxis]
        through = h_bar * gates[:, t, :, 1]
        if inner is None:
            pulled = step[:, :, 2] @ W_n
            step[:, :, 0] *= pulled
            through += pulled * r + step[:, :, :2].reshape(d, n, 2 * width) @ W_rz
        else:
            step[:, :, 0] *= step[:, :, 2]
            seen[:, t] = step
            seen[:, t, :, 2] *= r
            through += seen[:, t].reshape(d, n, rows) @ W_h
        h_bar = layout.passed(t, h_bar, through)
    flat = delta.reshape(d, steps, n, rows)
    x_bar, W_x_bar, b_bar = layout.gradients(flat, X, W_x)
    b_n_bar = None
    if inner is None:
        top = outer(flat[..., : 2 * width], before)
        low = outer(delta[..., 2, :], gates[..., 0, :] * before)
        W_h_bar = np.concatenate([top, low], axis=1)
    else:
        W_h_bar = outer(seen.reshape(flat.shape), before)
        if b_n is not None:
            b_n_bar = layout.drop(total(seen[..., 2, :]))
    return x_bar, layout.drop(h_bar), W_x_bar, layout.drop(W_h_bar), b_bar, b_n_bar
