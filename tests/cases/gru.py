"""Gated recurrent units."""

import numpy as np

from nnbook.functions import gru, gru_cell, gru_cell_vjp, gru_vjp
from tests.cases.base import Bad, Case, changing
from tests.cases.recurrent import drawn, free


def cell(b_n=False, **options):
    def draw(rng, size):
        x, weights, more, _ = drawn(rng, size, 3, cell=True)
        args = (x, more("N H"), *weights)
        return (*args, more("H")) if b_n else args, options

    return draw


def sequence(reset, states=True, b_n=False, **options):
    def draw(rng, size):
        x, weights, more, kwargs = drawn(rng, size, 3, **options)
        args = (x, *weights)
        if states:
            args += (more("N H"),)
        if b_n:
            args += (more("H"),)
        return args, {**kwargs, "reset": reset}

    return draw


def of_sequence(name, reset, states=True, b_n=False, call=None, **options):
    layout = {k: v for k, v in options.items() if k in ("batch_first", "lengths")}
    return Case(
        f"gru, {reset}{name}",
        gru,
        sequence(reset, states, b_n, **options),
        gru_vjp,
        of=tuple(range(4 + states + b_n)),
        call=call,
        free=free(states, **layout),
    )


def with_output(g, args, kwargs):
    return gru_vjp(g, *args, **kwargs, output=gru(*args, **kwargs))


CASES = [
    Case("gru_cell, before", gru_cell, cell(), gru_cell_vjp, of=tuple(range(5))),
    Case("gru_cell, after", gru_cell, cell(reset="after"), gru_cell_vjp, of=tuple(range(5))),
    Case("gru_cell, after, b_n", gru_cell, cell(b_n=True, reset="after"), gru_cell_vjp,
         of=tuple(range(6))),
    *(
        case
        for reset in ("before", "after")
        for case in (
            of_sequence("", reset),
            of_sequence(", no initial state", reset, states=False),
            of_sequence(", time first, reverse", reset, batch_first=False, direction="reverse"),
            of_sequence(", bidirectional, lengths", reset, direction="bidirectional", lengths=True),
            of_sequence(", lengths", reset, lengths=True),
            of_sequence(", output known", reset, call=with_output, direction="bidirectional",
                        lengths=True),
        )
    ),
    of_sequence(", b_n", "after", b_n=True),
    of_sequence(", b_n, bidirectional", "after", b_n=True, direction="bidirectional"),
    of_sequence(", b_n, lengths, output known", "after", b_n=True, lengths=True, call=with_output),
]  # fmt: skip


# N, T, D, H = 2, 4, 3, 5
call = changing(
    gru, x=np.ones((2, 4, 3)), W_x=np.ones((15, 3)), W_h=np.ones((15, 5)), b=np.ones(15)
)


BAD = [
    Bad("gru, an LSTM's weights", call(W_x=np.ones((20, 3)), W_h=np.ones((20, 5))), ValueError,
        r"W_h must have shape \(3H, H\), H rows for each of the gates r, z, n; with H = 5 that is "
        r"15 rows, but its shape is \(20, 5\); 4H rows are the weights of an LSTM, here is a GRU"),
    Bad("gru, an unknown placement", call(reset="inside"), ValueError,
        r"reset must be \"before\" or \"after\", got 'inside'"),
    Bad("gru, a placement that is no name", call(reset=True), ValueError,
        r"reset must be \"before\" or \"after\", got True"),
    Bad("gru, b_n before", call(b_n=np.ones(5)), ValueError,
        r"b_n is the bias .*\"after\".*; with reset=\"before\" add it to the last third of b"),
    Bad("gru, b_n of three gates", call(b_n=np.ones(15), reset="after"), ValueError,
        r"b_n must have shape \(H,\) = \(5,\), but its shape is \(15,\)$"),
    Bad("gru, b_n of one direction", call(
        W_x=np.ones((2, 15, 3)), W_h=np.ones((2, 15, 5)), b=np.ones((2, 15)), b_n=np.ones(5),
        reset="after", direction="bidirectional"), ValueError,
        r"b_n must have shape \(2, H\) = \(2, 5\), but its shape is \(5,\)$"),
    Bad("gru, PyTorch's two biases", call(b=np.ones((2, 15))), ValueError,
        r"b must have shape \(15,\).*two biases"),
    Bad("gru_cell, an unknown placement", lambda: gru_cell(
        np.ones((2, 3)), np.ones((2, 5)), np.ones((15, 3)), np.ones((15, 5)), np.ones(15),
        reset="Before"), ValueError, r"reset must be"),
    Bad("gru_cell, b_n before", lambda: gru_cell(
        np.ones((2, 3)), np.ones((2, 5)), np.ones((15, 3)), np.ones((15, 5)), np.ones(15),
        np.ones(5)), ValueError, r"b_n is the bias"),
    Bad("gru_vjp, a bare array", lambda: gru_vjp(
        np.ones((2, 4, 5)), np.ones((2, 4, 3)), np.ones((15, 3)), np.ones((15, 5)), np.ones(15)),
        TypeError, r"g must be a tuple \(outputs, last\)"),
]  # fmt: skip
