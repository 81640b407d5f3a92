"""Recurrent networks beside their equations written in JAX: every value and every gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.rnn import lstm_ref

from nnbook.functions import (
    gru,
    gru_cell,
    gru_cell_vjp,
    gru_vjp,
    lstm,
    lstm_cell,
    lstm_cell_vjp,
    lstm_vjp,
    rnn,
    rnn_cell,
    rnn_cell_vjp,
    rnn_vjp,
)

N, T, D, H = 2, 3, 3, 5
PHI = {
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "sigmoid": jax.nn.sigmoid,
}


# Single steps, in the letters of the papers; states and parameters are tuples.
def rnn_step(state, x, parameters, activation="tanh"):
    W_x, W_h, b = parameters
    h = PHI[activation](x @ W_x.T + state[0] @ W_h.T + b)
    return (h,)


def lstm_step(state, x, parameters, forget_bias=0.0):
    h, c = state
    W_x, W_h, b, *peepholes = parameters
    p_i, p_f, p_o = peepholes[0] if peepholes else (0.0, 0.0, 0.0)
    i, f, g, o = jnp.split(x @ W_x.T + h @ W_h.T + b, 4, axis=1)
    c_new = jax.nn.sigmoid(f + p_f * c + forget_bias) * c
    c_new += jax.nn.sigmoid(i + p_i * c) * jnp.tanh(g)
    return jax.nn.sigmoid(o + p_o * c_new) * jnp.tanh(c_new), c_new


def gru_step(state, x, parameters, reset="before"):
    (h,) = state
    W_x, W_h, b, *b_n = parameters
    x_r, x_z, x_n = jnp.split(x @ W_x.T + b, 3, axis=1)
    U_r, U_z, U_n = jnp.split(W_h, 3)
    r, z = jax.nn.sigmoid(x_r + h @ U_r.T), jax.nn.sigmoid(x_z + h @ U_z.T)
    if reset == "before":
        n = jnp.tanh(x_n + (r * h) @ U_n.T)
    else:
        n = jnp.tanh(x_n + r * (h @ U_n.T + (b_n[0] if b_n else 0.0)))
    return ((1 - z) * n + z * h,)


def scan(step, x, states, parameters, reverse=False, **options):
    """Run over (N, T, D); return the outputs, then the last states."""

    # A plain loop: lax.scan would compile each network anew, for seconds.
    outputs = [None] * T
    for t in reversed(range(T)) if reverse else range(T):
        states = step(states, x[:, t], parameters, **options)
        outputs[t] = states[0]
    return (jnp.stack(outputs, axis=1), *states)


def drawn(seed, gates, *more):
    rng = np.random.default_rng(seed)
    shapes = [(gates * H, D), (gates * H, H), (gates * H,), *more]
    return rng, [0.7 * rng.normal(size=shape) for shape in shapes]


def agree(found, expected):
    assert len(found) == len(expected)
    for a, e in zip(found, expected, strict=True):
        e = np.asarray(e)
        assert a.shape == e.shape
        np.testing.assert_allclose(a, e, rtol=1e-11, atol=1e-13 * max(1, np.abs(e).max()))


CELLS = {
    **{f"rnn {name}": (rnn_step, 1, (), {"activation": name}) for name in PHI},
    "lstm": (lstm_step, 4, (), {}),
    "lstm, peepholes, forget bias": (lstm_step, 4, ((3, H),), {"forget_bias": 1.5}),
    "gru before": (gru_step, 3, (), {"reset": "before"}),
    "gru after": (gru_step, 3, (), {"reset": "after"}),
    "gru after, b_n": (gru_step, 3, ((H,),), {"reset": "after"}),
}
STEPS = {
    rnn_step: (rnn_cell, rnn_cell_vjp, rnn, rnn_vjp),
    lstm_step: (lstm_cell, lstm_cell_vjp, lstm, lstm_vjp),
    gru_step: (gru_cell, gru_cell_vjp, gru, gru_vjp),
}


def as_tuple(value):
    return value if isinstance(value, tuple) else (value,)


@pytest.mark.parametrize("name", CELLS)
def test_one_step_and_its_gradients(name):
    step, gates, more, options = CELLS[name]
    cell, cell_vjp = STEPS[step][:2]
    count = 2 if step is lstm_step else 1
    rng, parameters = drawn(1, gates, *more)
    x, *states = rng.normal(size=(N, D)), *rng.normal(size=(count, N, H))
    g = tuple(rng.normal(size=(count, N, H)))

    def plain(x, *rest):
        return step(tuple(rest[:count]), x, rest[count:], **options)

    arguments = (x, *states, *parameters)
    expected, pull = jax.vjp(plain, *arguments)
    agree(as_tuple(cell(*arguments, **options)), expected)
    bars = cell_vjp(g if count > 1 else g[0], *arguments, **options)
    agree([bar for bar in bars if bar is not None], pull(tuple(map(jnp.asarray, g))))


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        *((name, "forward") for name in CELLS if name != "rnn sigmoid"),
        ("rnn tanh", "reverse"),
        ("gru after, b_n", "bidirectional"),
    ],
)
def test_a_sequence_and_its_gradients(name, direction):
    step, gates, more, options = CELLS[name]
    function, function_vjp = STEPS[step][2:]
    count = 2 if step is lstm_step else 1
    both = direction == "bidirectional"
    rng, one = drawn(2, gates, *more)
    _, two = drawn(3, gates, *more)
    parameters = [np.stack(pair) for pair in zip(one, two, strict=True)] if both else one
    state_shape = (2, N, H) if both else (N, H)
    x, *states = rng.normal(size=(N, T, D)), *rng.normal(size=(count, *state_shape))
    g = (rng.normal(size=(N, T, H * (1 + both))), *rng.normal(size=(count, *state_shape)))

    def plain(x, W_x, W_h, b, *rest):
        states, parameters = rest[:count], (W_x, W_h, b, *rest[count:])
        if not both:
            return scan(step, x, states, parameters, direction == "reverse", **options)
        runs = [
            scan(
                step, x, tuple(s[k] for s in states), [p[k] for p in parameters], k == 1, **options
            )
            for k in (0, 1)
        ]
        (out, *last), (back, *back_last) = runs
        pairs = zip(last, back_last, strict=True)
        return (jnp.concatenate([out, back], axis=2), *map(jnp.stack, pairs))

    arguments = (x, *parameters[:3], *states, *parameters[3:])
    expected, pull = jax.vjp(plain, *arguments)
    found = function(*arguments, direction=direction, **options)
    agree(found, expected)
    wanted = pull(tuple(map(jnp.asarray, g)))
    for known in ({}, {"output": found}):
        bars = function_vjp(g, *arguments, direction=direction, **options, **known)
        agree([bar for bar in bars if bar is not None], wanted)


@pytest.mark.parametrize("name", ["lstm, peepholes, forget bias", "gru after, b_n"])
def test_truncation_is_a_stopped_gradient(name):
    step, gates, more, options = CELLS[name]
    function_vjp = STEPS[step][3]
    count = 2 if step is lstm_step else 1
    rng, parameters = drawn(4, gates, *more)
    x, *states = rng.normal(size=(N, T, D)), *rng.normal(size=(count, N, H))
    g = rng.normal(size=(N, T, H)), *rng.normal(size=(count, N, H))

    def stopped(x, W_x, W_h, b, *rest):
        states, outputs = rest[:count], []
        for t in range(T):
            if t == 2:
                states = tuple(map(jax.lax.stop_gradient, states))
            states = step(states, x[:, t], (W_x, W_h, b, *rest[count:]), **options)
            outputs.append(states[0])
        return (jnp.stack(outputs, axis=1), *states)

    arguments = (x, *parameters[:3], *states, *parameters[3:])
    _, pull = jax.vjp(stopped, *arguments)
    bars = function_vjp(g, *arguments, truncate=2, **options)
    agree([bar for bar in bars if bar is not None], pull(tuple(map(jnp.asarray, g))))


def test_lstm_is_the_one_that_jax_holds_cudnn_to():
    """PyTorch's weights and order of gates, both directions, sequences of several lengths."""
    rng = np.random.default_rng(5)
    W_x, W_h = rng.normal(size=(2, 4 * H, D)), rng.normal(size=(2, 4 * H, H))
    b_x, b_h = rng.normal(size=(2, 2, 4 * H))
    x, h, c = rng.normal(size=(N, T, D)), *rng.normal(size=(2, 2, N, H))
    lengths = np.array([T, T - 2], np.int32)
    counted = (np.arange(T) < lengths[:, None])[..., None]
    g = counted * rng.normal(size=(N, T, 2 * H)), *rng.normal(size=(2, 2, N, H))

    def theirs(x, W_x, W_h, b, h, c):
        out, h, c = lstm_ref(
            x, h, c, dict(enumerate(W_x)), dict(enumerate(W_h)), dict(enumerate(b)),
            dict(enumerate(b_h)), lengths, D, H, 1, 0.0, True,
        )  # fmt: skip
        return out * counted, h, c

    expected, pull = jax.vjp(theirs, x, W_x, W_h, b_x, h, c)
    options = {"direction": "bidirectional", "lengths": lengths}
    agree(lstm(x, W_x, W_h, b_x + b_h, h, c, **options), expected)
    bars = lstm_vjp(g, x, W_x, W_h, b_x + b_h, h, c, **options)
    agree(bars[:6], pull(tuple(map(jnp.asarray, g))))
