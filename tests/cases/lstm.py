"""Long short-term memory."""

import numpy as np

from nnbook.functions import lstm, lstm_cell, lstm_cell_vjp, lstm_vjp
from tests.cases.base import Bad, Case, changing
from tests.cases.recurrent import drawn, free


def cell(peepholes=False, **options):
    def draw(rng, size):
        x, weights, more, _ = drawn(rng, size, 4, cell=True)
        args = (x, more("N H"), more("N H"), *weights)
        return (*args, more("3 H")) if peepholes else args, options

    return draw


def sequence(peepholes=False, states=True, forget_bias=0.0, **options):
    def draw(rng, size):
        x, weights, more, kwargs = drawn(rng, size, 4, **options)
        args = (x, *weights)
        if states:
            args += (more("N H"), more("N H"))
        if peepholes:
            args += (more("3 H"),)
        return args, {**kwargs, "forget_bias": forget_bias}

    return draw


def of_sequence(name, states=True, peepholes=False, call=None, **options):
    layout = {k: v for k, v in options.items() if k in ("batch_first", "lengths")}
    return Case(
        name,
        lstm,
        sequence(peepholes, states, **options),
        lstm_vjp,
        of=tuple(range(4 + 2 * states + peepholes)),
        call=call,
        free=free(states, **layout),
    )


def with_output(g, args, kwargs):
    return lstm_vjp(g, *args, **kwargs, output=lstm(*args, **kwargs))


CASES = [
    Case("lstm_cell", lstm_cell, cell(), lstm_cell_vjp, of=tuple(range(6))),
    Case("lstm_cell, forget bias", lstm_cell, cell(forget_bias=1.5), lstm_cell_vjp,
         of=tuple(range(6))),
    Case("lstm_cell, peepholes", lstm_cell, cell(peepholes=True), lstm_cell_vjp,
         of=tuple(range(7))),
    of_sequence("lstm"),
    of_sequence("lstm, no initial states", states=False),
    of_sequence("lstm, forget bias", forget_bias=-1.5),
    of_sequence("lstm, peepholes", peepholes=True),
    of_sequence("lstm, time first", batch_first=False),
    of_sequence("lstm, reverse, peepholes", peepholes=True, direction="reverse"),
    of_sequence("lstm, bidirectional, peepholes", peepholes=True, direction="bidirectional"),
    of_sequence("lstm, lengths, peepholes", peepholes=True, lengths=True),
    of_sequence("lstm, bidirectional, lengths", direction="bidirectional", lengths=True),
    of_sequence("lstm, output known", call=with_output),
    of_sequence("lstm, both directions, lengths, peepholes, output known", call=with_output,
                direction="bidirectional", lengths=True, peepholes=True),
    Case("lstm, last cell state only", lstm, sequence(), lstm_vjp, of=tuple(range(6)),
         free={0: (1,)}, call=lambda g, args, kwargs: lstm_vjp((None, None, g), *args, **kwargs),
         outputs=lambda value: value[2]),
]  # fmt: skip


# N, T, D, H = 2, 4, 3, 5
call = changing(
    lstm, x=np.ones((2, 4, 3)), W_x=np.ones((20, 3)), W_h=np.ones((20, 5)), b=np.ones(20)
)
one_step = changing(
    lstm_cell, x=np.ones((2, 3)), h=np.ones((2, 5)), c=np.ones((2, 5)), W_x=np.ones((20, 3)),
    W_h=np.ones((20, 5)), b=np.ones(20),
)  # fmt: skip


BAD = [
    Bad("lstm, a GRU's weights", call(W_x=np.ones((15, 3)), W_h=np.ones((15, 5))), ValueError,
        r"W_h must have shape \(4H, H\), H rows for each of the gates i, f, g, o; with H = 5 that "
        r"is 20 rows, but its shape is \(15, 5\); 3H rows are the weights of a GRU, here is an "
        r"LSTM"),
    Bad("lstm, a plain network's weights", call(W_h=np.ones((5, 5))), ValueError,
        r"W_h must .*\(5, 5\); H rows are the weights of a plain RNN, here is an LSTM"),
    Bad("lstm, W_h transposed", call(W_h=np.ones((5, 20))), ValueError,
        r"W_h must .*\(5, 20\); it looks transposed: pass W_h\.T"),
    Bad("lstm, W_h transposed, two directions",
        call(W_x=np.ones((2, 20, 3)), W_h=np.ones((2, 5, 20)), direction="bidirectional"),
        ValueError, r"W_h must have shape \(2, 4H, H\).*pass W_h\.swapaxes\(1, 2\)"),
    Bad("lstm, rows that are no gates", call(W_h=np.ones((19, 5))), ValueError,
        r"W_h must have .*but its shape is \(19, 5\)$"),
    Bad("lstm, W_x of a GRU", call(W_x=np.ones((15, 3))), ValueError,
        r"W_x must have 4H = 20 rows, as W_h of shape \(20, 5\) has, but its shape is \(15, 3\)$"),
    Bad("lstm, W_x transposed", call(W_x=np.ones((3, 20))), ValueError,
        r"W_x must have 4H = 20 rows.*transposed: pass W_x\.T"),
    Bad("lstm, two peepholes", call(peepholes=np.ones((2, 5))), ValueError,
        r"peepholes must have shape \(3, H\) = \(3, 5\), but its shape is \(2, 5\)$"),
    Bad("lstm, c0 of another batch", call(c0=np.ones((1, 5))), ValueError,
        r"c0 must have shape \(N, H\) = \(2, 5\), but its shape is \(1, 5\)"),
    Bad("lstm, c0 says that time comes first", call(c0=np.ones((4, 5))), ValueError,
        r"c0 must .*; if x lies as \(T, N, D\), pass batch_first=False"),
    Bad("lstm, forget bias NaN", call(forget_bias=np.nan), ValueError,
        r"forget_bias must be finite, got nan"),
    Bad("lstm, a forget bias for each unit", call(forget_bias=np.ones(5)), TypeError,
        r"forget_bias must be a single real number"),
    Bad("lstm_cell, no cell state", one_step(c=None), TypeError, r"c must hold real numbers"),
    Bad("lstm_cell, cell state of one example", one_step(c=np.ones(5)), ValueError,
        r"c must have shape \(N, H\) = \(2, 5\), but its shape is \(5,\)"),
    Bad("lstm_cell, peepholes of another width", one_step(peepholes=np.ones((3, 4))), ValueError,
        r"peepholes must have shape \(3, H\) = \(3, 5\), but its shape is \(3, 4\)$"),
    Bad("lstm_cell, forget bias by name", one_step(forget_bias="1"), TypeError,
        r"forget_bias must be a single real number"),
    Bad("lstm_cell_vjp, one cotangent", lambda: lstm_cell_vjp(
        np.ones((2, 5)), np.ones((2, 3)), np.ones((2, 5)), np.ones((2, 5)), np.ones((20, 3)),
        np.ones((20, 5)), np.ones(20)), TypeError,
        r"g must be a tuple \(h_new, c_new\) of 2 cotangents, None .*, got a ndarray"),
    Bad("lstm_vjp, outputs alone", lambda: lstm_vjp(
        (np.ones((2, 4, 5)), None), np.ones((2, 4, 3)), np.ones((20, 3)), np.ones((20, 5)),
        np.ones(20)), TypeError,
        r"g must be a tuple \(outputs, h_last, c_last\) of 3 cotangents, .*, got 2 entries"),
]  # fmt: skip
