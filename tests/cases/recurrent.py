"""Recurrent networks: the plain one, and the arrays that LSTM and GRU are drawn from too."""

import numpy as np

from nnbook.functions import half_life_bias, reorder_gates, rnn, rnn_cell, rnn_cell_vjp, rnn_vjp
from tests.cases.base import Bad, Case, changing, sizes_of


def drawn(rng, size, gates, *, direction="forward", batch_first=True, lengths=False, cell=False):
    """Return x, the parameters and a function that draws states, for sizes drawn at random."""
    n, steps, d, h = sizes_of(rng, size, 4)
    lead = (2,) if direction == "bidirectional" else ()
    x = rng.normal(size=(n, d) if cell else (n, steps, d) if batch_first else (steps, n, d))
    shapes = (gates * h, d), (gates * h, h), (gates * h,)
    weights = [0.7 * rng.normal(size=(*lead, *shape)) for shape in shapes]
    kwargs = {} if cell else {"direction": direction, "batch_first": batch_first}
    if lengths:
        kwargs["lengths"] = rng.integers(1, steps + 1, size=n)
    more = {"N H": (*lead, n, h), "3 H": (*lead, 3, h), "H": (*lead, h)}
    return x, weights, lambda axes: rng.normal(size=more[axes]), kwargs


def free(states, batch_first=True, lengths=False):
    """Return which axes of x may change alone: time, and the batch where nothing else has it."""
    batch, time = (0, 1) if batch_first else (1, 0)
    return {0: (time,) if states or lengths else (batch, time)}


def cell(**options):
    def draw(rng, size):
        x, weights, more, _ = drawn(rng, size, 1, cell=True)
        return (x, more("N H"), *weights), options

    return draw


def sequence(states=True, activation="tanh", truncate=None, **options):
    def draw(rng, size):
        x, weights, more, kwargs = drawn(rng, size, 1, **options)
        args = (x, *weights, more("N H")) if states else (x, *weights)
        return args, {**kwargs, "activation": activation, "truncate": truncate}

    return draw


def of_sequence(name, states=True, **options):
    layout = {k: v for k, v in options.items() if k in ("batch_first", "lengths")}
    return Case(
        name,
        rnn,
        sequence(states, **options),
        rnn_vjp,
        of=tuple(range(4 + states)),
        free=free(states, **layout),
    )


def with_output(g, args, kwargs):
    return rnn_vjp(g, *args, **kwargs, output=rnn(*args, **kwargs))


CASES = [
    Case("rnn_cell", rnn_cell, cell(), rnn_cell_vjp, of=(0, 1, 2, 3, 4)),
    *(
        Case(
            f"rnn_cell, {name}",
            rnn_cell,
            cell(activation=name),
            rnn_cell_vjp,
            of=(0, 1, 2, 3, 4),
            kinks=(lambda *a, **k: [rnn_cell(*a, activation="identity")])
            if name == "relu"
            else None,
        )
        for name in ("identity", "relu", "sigmoid", "softplus", "gelu")
    ),
    of_sequence("rnn"),
    of_sequence("rnn, no initial state", states=False),
    of_sequence("rnn, time first", batch_first=False),
    of_sequence("rnn, reverse", direction="reverse"),
    of_sequence("rnn, bidirectional", direction="bidirectional"),
    of_sequence("rnn, bidirectional, time first, lengths", direction="bidirectional",
                batch_first=False, lengths=True),
    of_sequence("rnn, lengths", lengths=True),
    of_sequence("rnn, reverse, lengths", direction="reverse", lengths=True),
    of_sequence("rnn, sigmoid", activation="sigmoid"),
    of_sequence("rnn, identity", activation="identity"),
    of_sequence("rnn, truncated past the end", truncate=7),
    Case("rnn, relu", rnn, sequence(activation="relu"), rnn_vjp, of=(0, 1, 2, 3, 4),
         free={0: (1,)}, kinks=lambda *a, **k: [rnn(*a, **k)[0]]),
    Case("rnn, output known", rnn, sequence(), rnn_vjp, of=(0, 1, 2, 3, 4), free={0: (1,)},
         call=with_output),
    Case("rnn, both directions, lengths, output known", rnn,
         sequence(direction="bidirectional", lengths=True), rnn_vjp, of=(0, 1, 2, 3, 4),
         free={0: (1,)}, call=with_output),
    Case("rnn, last state only", rnn, sequence(), rnn_vjp, of=(0, 1, 2, 3, 4), free={0: (1,)},
         call=lambda g, args, kwargs: rnn_vjp((None, g), *args, **kwargs),
         outputs=lambda value: value[1]),
    Case("half_life_bias", half_life_bias, lambda rng, size: ((np.exp(rng.normal(size=(
        sizes_of(rng, size, 2)))),), {}), None, free={0: (0, 1)}, any_rank=(0,)),
    Case("reorder_gates", reorder_gates, lambda rng, size: (
        (rng.normal(size=(3 * 4, *sizes_of(rng, size, 1))), "zrn", "rzn"), {}), None,
        free={0: (1,)}, any_rank=(0,)),
]  # fmt: skip


# N, T, D, H = 2, 4, 3, 5
call = changing(rnn, x=np.ones((2, 4, 3)), W_x=np.ones((5, 3)), W_h=np.ones((5, 5)), b=np.ones(5))


def vjp(g, **change):
    def made():
        x, W_x, W_h, b = np.ones((2, 4, 3)), np.ones((5, 3)), np.ones((5, 5)), np.ones(5)
        return rnn_vjp(g, x, W_x, W_h, b, **change)

    return made


BAD = [
    Bad("rnn, one sequence without a batch", call(x=np.ones((4, 3))), ValueError,
        r"x must have three axes \(N, T, D\).*\(4, 3\); a single sequence.* x\[np.newaxis\]"),
    Bad("rnn, one sequence without a batch, time first",
        call(x=np.ones((4, 3)), batch_first=False), ValueError,
        r"x must have three axes \(T, N, D\).* x\[:, np.newaxis\]"),
    Bad("rnn, ragged lengths", call(lengths=[[1], [1, 2]]), ValueError,
        r"lengths must be one integer for each example, shape \(2,\), but its rows differ"),
    Bad("rnn, a state for each layer", call(h0=np.ones((1, 2, 5))), ValueError,
        r"h0 must have shape \(N, H\) = \(2, 5\).*\(1, 2, 5\).*no axis of layers.*pass h0\[0\]$"),
    Bad("rnn, no steps", call(x=np.ones((2, 0, 3))), ValueError,
        r"x \(N, T, D\) must have at least one step T, but its shape is \(2, 0, 3\)"),
    Bad("rnn, no steps, time first", call(x=np.ones((0, 2, 3)), batch_first=False), ValueError,
        r"x \(T, N, D\) must have at least one step T"),
    Bad("rnn, features", call(x=np.ones((2, 4, 6))), ValueError,
        r"x \(N, T, D\) and W_x \(H, D\) must agree in D, but x has .*\(2, 4, 6\).*\(5, 3\)"),
    Bad("rnn, W_x transposed", call(W_x=np.ones((3, 5))), ValueError,
        r"W_x must have H = 5 rows, as W_h of shape \(5, 5\).*\(3, 5\).*transposed: pass W_x\.T"),
    Bad("rnn, a GRU's weights", call(W_x=np.ones((15, 3)), W_h=np.ones((15, 5))), ValueError,
        r"W_h must have shape \(H, H\); with H = 5 that is 5 rows, but its shape is \(15, 5\); "
        r"3H rows are the weights of a GRU, here is a plain RNN"),
    Bad("rnn, W_h of another rank", call(W_h=np.ones(5)), ValueError,
        r"W_h must have the axes \(H, H\), but its shape is \(5,\)$"),
    Bad("rnn, one direction's weights for two", call(direction="bidirectional"), ValueError,
        r"W_x must have the axes \(2, H, D\).*\(5, 3\); .*np\.stack\(\[forward, reverse\]\)"),
    Bad("rnn, three directions' weights for two",
        call(direction="bidirectional", W_x=np.ones((3, 5, 3))), ValueError,
        r"W_x must have the axes \(2, H, D\), but its shape is \(3, 5, 3\)$"),
    Bad("rnn, two directions' weights for one", call(W_x=np.ones((2, 5, 3))), ValueError,
        r'W_x must have the axes \(H, D\).*\(2, 5, 3\); .*direction="bidirectional"'),
    Bad("rnn, transposed weights for two directions",
        call(direction="bidirectional", W_x=np.ones((2, 3, 5)), W_h=np.ones((2, 5, 5))),
        ValueError, r"W_x must have H = 5 rows.*pass W_x\.swapaxes\(1, 2\)"),
    Bad("rnn, bias", call(b=np.ones(4)), ValueError,
        r"b must have shape \(5,\), a bias a row of W_x, but has \(4,\)$"),
    Bad("rnn, two biases", call(b=np.ones((2, 5))), ValueError,
        r"b must have shape \(5,\).*\(2, 5\); two biases.* are added up first"),
    Bad("rnn, h0 of another batch", call(h0=np.ones((3, 5))), ValueError,
        r"h0 must have shape \(N, H\) = \(2, 5\), but its shape is \(3, 5\) "
        r"\(x \(N, T, D\) \(2, 4, 3\)\)$"),
    Bad("rnn, h0 says that time comes first", call(h0=np.ones((4, 5))), ValueError,
        r"h0 must .*\(4, 5\).*; if x lies as \(T, N, D\), pass batch_first=False"),
    Bad("rnn, h0 says that the batch comes first", call(h0=np.ones((2, 5)), batch_first=False),
        ValueError, r"h0 must .*\(2, 5\).*; if x lies as \(N, T, D\), pass batch_first=True"),
    Bad("rnn, h0 for two directions", call(h0=np.ones((2, 2, 5))), ValueError,
        r"h0 must have shape \(N, H\) = \(2, 5\)"),
    Bad("rnn, h0 for one direction", call(direction="bidirectional", W_x=np.ones((2, 5, 3)),
        W_h=np.ones((2, 5, 5)), b=np.ones((2, 5)), h0=np.ones((2, 5))), ValueError,
        r"h0 must have shape \(2, N, H\) = \(2, 2, 5\), but its shape is \(2, 5\)"),
    Bad("rnn, h0 for one direction, as many steps as examples", call(
        direction="bidirectional", x=np.ones((4, 4, 3)), W_x=np.ones((2, 5, 3)),
        W_h=np.ones((2, 5, 5)), b=np.ones((2, 5)), h0=np.ones((4, 5))), ValueError,
        r"h0 must .* but its shape is \(4, 5\) \(x \(N, T, D\) \(4, 4, 3\)\)$"),
    Bad("rnn, an unknown direction", call(direction="backward"), ValueError,
        r'direction must be "forward", "reverse" or "bidirectional", got \'backward\''),
    Bad("rnn, a direction that is no name", call(direction=2), ValueError,
        r"direction must be .*, got 2"),
    Bad("rnn, batch_first by name", call(batch_first="False"), TypeError,
        r"batch_first must be True or False, got 'False'"),
    Bad("rnn, an unknown activation", call(activation="tan"), ValueError,
        r"unknown activation 'tan'.*'tanh'"),
    Bad("rnn, an activation that is a function", call(activation=np.tanh), TypeError,
        r"activation must be a name"),
    Bad("rnn, lengths past the end", call(lengths=[4, 5]), ValueError,
        r"lengths\[1\] is 5, but must be from 1 to T = 4 \(x \(N, T, D\) \(2, 4, 3\)\)$"),
    Bad("rnn, lengths of no steps", call(lengths=[0, 4]), ValueError,
        r"lengths\[0\] is 0, but must be from 1 to T = 4"),
    Bad("rnn, lengths as floats", call(lengths=[1.0, 4.0]), TypeError,
        r"lengths must be integers, but their dtype is float64"),
    Bad("rnn, lengths of another batch", call(lengths=[1, 2, 3]), ValueError,
        r"lengths must have shape \(N,\) = \(2,\), but their shape is \(3,\) \(x .*\(2, 4, 3\)\)$"),
    Bad("rnn, lengths say that time comes first", call(lengths=[2, 2, 1, 1]), ValueError,
        r"lengths must .*\(4,\).*; if x lies as \(T, N, D\), pass batch_first=False"),
    Bad("rnn, lengths say that the batch comes first",
        call(lengths=[2, 2], batch_first=False), ValueError,
        r"lengths must .*\(2,\).*; if x lies as \(N, T, D\), pass batch_first=True"),
    Bad("rnn, lengths of a square batch past the end",
        call(x=np.ones((6, 4, 3)), lengths=[6, 1, 1, 1, 1, 1]), ValueError,
        r"lengths\[0\] is 6, .*T = 4 .*; if x lies as \(T, N, D\), pass batch_first=False"),
    Bad("rnn, a truncation of no steps", call(truncate=0), ValueError,
        r"truncate must be at least 1, got 0"),
    Bad("rnn, half a step", call(truncate=0.5), TypeError, r"truncate must be a positive integer"),
    Bad("rnn_vjp, a bare array", vjp(np.ones((2, 4, 5))), TypeError,
        r"g must be a tuple \(outputs, last\) of 2 cotangents, None .*, got a ndarray"),
    Bad("rnn_vjp, three cotangents", vjp((None, None, None)), TypeError,
        r"g must be a tuple .* of 2 cotangents, .*, got 3 entries"),
    Bad("rnn_vjp, outputs of another shape", vjp((np.ones((4, 2, 5)), None)), ValueError,
        r"g\[0\] must have the shape of outputs, \(2, 4, 5\), but its shape is \(4, 2, 5\)"),
    Bad("rnn_vjp, last state of another shape", vjp((None, np.ones((2, 4)))), ValueError,
        r"g\[1\] must have the shape of last, \(2, 5\), but its shape is \(2, 4\)"),
    Bad("rnn_vjp, output that is an array", vjp((None, None), output=np.ones((2, 4, 5))),
        TypeError, r"output must be what the forward returned, a tuple of 2 arrays, got ndarray"),
    Bad("rnn_vjp, output of three", vjp((None, None), output=(1, 2, 3)), TypeError,
        r"output must be what the forward returned, a tuple of 2"),
    Bad("rnn_vjp, outputs of another run",
        vjp((None, None), output=(np.ones((2, 3, 5)), np.ones((2, 5)))), ValueError,
        r"output must be .* outputs of shape \(2, 4, 5\), but .*output\[0\] is \(2, 3, 5\)"),
    Bad("rnn_cell, one example",
        lambda: rnn_cell(np.ones(3), np.ones((1, 5)), np.ones((5, 3)), np.ones((5, 5)), np.ones(5)),
        ValueError, r"x must have two axes \(N, D\), .*\(3,\); .*x\[np.newaxis, :\]"),
    Bad("rnn_cell, a whole sequence", lambda: rnn_cell(
        np.ones((2, 4, 3)), np.ones((2, 5)), np.ones((5, 3)), np.ones((5, 5)), np.ones(5)),
        ValueError, r"x must have two axes \(N, D\), .*\(2, 4, 3\); a cell takes one step"),
    Bad("rnn_cell, a number", lambda: rnn_cell(
        1.0, np.ones((2, 5)), np.ones((5, 3)), np.ones((5, 5)), np.ones(5)),
        ValueError, r"x must have two axes \(N, D\), but its shape is \(\)$"),
    Bad("rnn_cell, the state of one example", lambda: rnn_cell(
        np.ones((2, 3)), np.ones(5), np.ones((5, 3)), np.ones((5, 5)), np.ones(5)),
        ValueError, r"h must have shape \(N, H\) = \(2, 5\), but its shape is \(5,\) \(x \(2, 3\)"),
    Bad("rnn_cell, no state", lambda: rnn_cell(
        np.ones((2, 3)), None, np.ones((5, 3)), np.ones((5, 5)), np.ones(5)),
        TypeError, r"h must hold real numbers"),
    Bad("rnn_cell_vjp, g transposed", lambda: rnn_cell_vjp(
        np.ones((5, 2)), np.ones((2, 3)), np.ones((2, 5)), np.ones((5, 3)), np.ones((5, 5)),
        np.ones(5)), ValueError,
        r"g must have the shape of the new state, \(2, 5\), but its shape is \(5, 2\)"),
    Bad("half_life_bias, none", lambda: half_life_bias(0.0), ValueError,
        r"half_life must be positive, but its least entry is 0\.0"),
    Bad("half_life_bias, negative", lambda: half_life_bias([3.0, -2.0]), ValueError,
        r"half_life must be positive, but its least entry is -2\.0"),
    Bad("half_life_bias, words", lambda: half_life_bias("long"), TypeError,
        r"half_life must hold real numbers"),
    Bad("reorder_gates, other letters", lambda: reorder_gates(np.ones(8), "ifco", "ifgo"),
        ValueError, r"found and wanted must have the same letters, .*'ifco' and 'ifgo'"),
    Bad("reorder_gates, a letter twice", lambda: reorder_gates(np.ones(3), "rrz", "rrz"),
        ValueError, r"found and wanted must have the same letters, each once"),
    Bad("reorder_gates, no letters", lambda: reorder_gates(np.ones(3), "", ""),
        ValueError, r"found and wanted must have the same letters, each once"),
    Bad("reorder_gates, rows", lambda: reorder_gates(np.ones((10, 2)), "zrn", "rzn"), ValueError,
        r"W must have H rows for each of the 3 gates 'zrn', but its shape is \(10, 2\)"),
    Bad("reorder_gates, a number", lambda: reorder_gates(1.0, "zrn", "rzn"), ValueError,
        r"W must have H rows for each of the 3 gates"),
    Bad("reorder_gates, an order as a list", lambda: reorder_gates(np.ones(3), "zrn", list("rzn")),
        TypeError, r'wanted must be a string such as "ifgo"'),
    Bad("reorder_gates, an order as a number", lambda: reorder_gates(np.ones(3), 3, "rzn"),
        TypeError, r'found must be a string such as "ifgo"'),
]  # fmt: skip
