"""What holds for every recurrent network: directions, padding, pieces, batches, what is known."""

from types import SimpleNamespace

import numpy as np
import pytest

import nnbook.functions as nf

N, T, D, H = 3, 7, 2, 4


def network(name, function, cell, gates, states, more=(), **options):
    """Return a network with weights for two directions, drawn once."""
    rng = np.random.default_rng(gates)
    shapes = [(gates * H, D), (gates * H, H), (gates * H,)]
    both = [0.7 * rng.normal(size=(2, *shape)) for shape in shapes]
    starts = rng.normal(size=(states, 2, N, H))
    extra = [rng.normal(size=(2, *shape)) for shape in more]
    f, vjp = getattr(nf, function), getattr(nf, f"{function}_vjp")

    def arguments(way=slice(None), given=starts):
        """Return the weights, states and peepholes of one direction, or of both."""
        return [a[way] for a in (*both, *given, *extra)]

    return SimpleNamespace(
        name=name, f=f, vjp=vjp, cell=getattr(nf, cell), arguments=arguments, count=states,
        starts=starts, options=options, both=both, extra=extra,
    )  # fmt: skip


NETWORKS = [
    network("rnn", "rnn", "rnn_cell", 1, 1),
    network("lstm", "lstm", "lstm_cell", 4, 2, forget_bias=0.5),
    network("lstm, peepholes", "lstm", "lstm_cell", 4, 2, more=[(3, H)]),
    network("gru before", "gru", "gru_cell", 3, 1, reset="before"),
    network("gru after", "gru", "gru_cell", 3, 1, more=[(H,)], reset="after"),
]
X = np.random.default_rng(8).normal(size=(N, T, D))
every = pytest.mark.parametrize("net", NETWORKS, ids=lambda net: net.name)


def cotangents(net, width=H, lead=(), steps=T, n=N, seed=9):
    rng = np.random.default_rng(seed)
    last = rng.normal(size=(net.count, *lead, n, H))
    return (rng.normal(size=(n, steps, width)), *last)


def close(found, expected, rtol=1e-12):
    assert len(found) == len(expected)
    for a, e in zip(found, expected, strict=True):
        assert (a is None) == (e is None)
        if a is not None:
            assert a.shape == e.shape
            np.testing.assert_allclose(a, e, rtol=rtol, atol=1e-13)


@every
def test_a_sequence_is_its_steps(net):
    W_x, W_h, b, *rest = net.arguments(0)
    states, extra = rest[: net.count], rest[net.count :]
    outputs = []
    for t in range(T):
        states = net.cell(X[:, t], *states, W_x, W_h, b, *extra, **net.options)
        states = states if isinstance(states, tuple) else (states,)
        outputs.append(states[0])
    expected = (np.stack(outputs, axis=1), *states)
    close(net.f(X, *net.arguments(0), **net.options), expected)


@every
def test_reverse_is_the_flip_of_forward(net):
    g, options = cotangents(net), net.options
    outputs, *last = net.f(X[:, ::-1], *net.arguments(0), **options)
    close(net.f(X, *net.arguments(0), direction="reverse", **options), [outputs[:, ::-1], *last])
    x_bar, *bars = net.vjp((g[0][:, ::-1], *g[1:]), X[:, ::-1], *net.arguments(0), **options)
    found = net.vjp(g, X, *net.arguments(0), direction="reverse", **options)
    close(found, [x_bar[:, ::-1], *bars])


@every
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("lengths", [None, [7, 1, 4]])
def test_both_directions_are_two_runs(net, known, lengths):
    g = cotangents(net, 2 * H, (2,))
    options = {"lengths": lengths, **net.options}
    found = net.f(X, *net.arguments(), direction="bidirectional", **options)
    more = {"output": found} if known else {}
    bars = net.vjp(g, X, *net.arguments(), direction="bidirectional", **options, **more)
    runs, backs = [], []
    for k, direction in enumerate(("forward", "reverse")):
        runs.append(net.f(X, *net.arguments(k), direction=direction, **options))
        one = (g[0][..., k * H : (k + 1) * H], *(part[k] for part in g[1:]))
        backs.append(net.vjp(one, X, *net.arguments(k), direction=direction, **options))
    outputs = np.concatenate([runs[0][0], runs[1][0]], axis=-1)
    close(found, [outputs, *(np.stack(pair) for pair in zip(*(r[1:] for r in runs), strict=True))])
    (x_one, *one), (x_two, *two) = backs
    pairs = zip(one, two, strict=True)
    close(bars, [x_one + x_two, *(None if a is None else np.stack([a, b]) for a, b in pairs)])


@every
def test_two_halves_with_the_state_carried_are_the_whole(net):
    W_x, W_h, b, *rest = net.arguments(0)
    states, extra = rest[: net.count], rest[net.count :]
    first, *middle = net.f(X[:, :3], W_x, W_h, b, *states, *extra, **net.options)
    second, *last = net.f(X[:, 3:], W_x, W_h, b, *middle, *extra, **net.options)
    whole = net.f(X, *net.arguments(0), **net.options)
    close(whole, [np.concatenate([first, second], axis=1), *last])
    g = cotangents(net)
    late = net.vjp((g[0][:, 3:], *g[1:]), X[:, 3:], W_x, W_h, b, *middle, *extra, **net.options)
    carried = late[4 : 4 + net.count]
    early = net.vjp((g[0][:, :3], *carried), X[:, :3], *net.arguments(0), **net.options)
    bars = [np.concatenate([early[0], late[0]], axis=1)]
    bars += [a + z for a, z in zip(early[1:4], late[1:4], strict=True)]
    bars += early[4 : 4 + net.count]
    others = zip(early[4 + net.count :], late[4 + net.count :], strict=True)
    bars += [a if a is None else a + z for a, z in others]
    close(net.vjp(g, X, *net.arguments(0), **net.options), bars)


@every
@pytest.mark.parametrize("k", [1, 2, 3, 6, 7, 50])
def test_truncation_is_a_run_in_pieces_whose_states_are_constants(net, k):
    W_x, W_h, b, *rest = net.arguments(0)
    states, extra = rest[: net.count], rest[net.count :]
    g, sums, parts, first = cotangents(net), None, [], None
    for start in range(0, T, k):
        piece = X[:, start : start + k]
        last = g[1:] if start + k >= T else (None,) * net.count
        one = (g[0][:, start : start + k], *last)
        bars = net.vjp(one, piece, W_x, W_h, b, *states, *extra, **net.options)
        _, *states = net.f(piece, W_x, W_h, b, *states, *extra, **net.options)
        first = bars[4 : 4 + net.count] if first is None else first
        parts.append(bars[0])
        shared = [*bars[1:4], *bars[4 + net.count :]]
        sums = shared if sums is None else [
            a if a is None else a + s for a, s in zip(shared, sums, strict=True)
        ]  # fmt: skip
    expected = [np.concatenate(parts, axis=1), *sums[:3], *first, *sums[3:]]
    close(net.vjp(g, X, *net.arguments(0), truncate=k, **net.options), expected)
    if k >= T:
        close(expected, net.vjp(g, X, *net.arguments(0), **net.options), rtol=0)
    values = net.f(X, *net.arguments(0), truncate=k, **net.options)
    close(values, net.f(X, *net.arguments(0), **net.options), rtol=0)


@every
def test_time_first_is_the_same_network(net):
    g = cotangents(net)
    outputs, *last = net.f(X, *net.arguments(0), **net.options)
    x_bar, *bars = net.vjp(g, X, *net.arguments(0), **net.options)
    swapped = X.swapaxes(0, 1)
    found = net.f(swapped, *net.arguments(0), batch_first=False, **net.options)
    close(found, [outputs.swapaxes(0, 1), *last], rtol=0)
    g = (g[0].swapaxes(0, 1), *g[1:])
    for more in ({}, {"output": found}):
        back = net.vjp(g, swapped, *net.arguments(0), batch_first=False, **net.options, **more)
        close(back, [x_bar.swapaxes(0, 1), *bars])


@every
def test_each_example_is_alone_in_its_batch(net):
    whole = net.f(X, *net.arguments(0), **net.options)
    for k in range(N):
        given = [start[:, k : k + 1] for start in net.starts]
        one = net.f(X[k : k + 1], *net.arguments(0, given), **net.options)
        close(one, [part[k : k + 1] for part in whole])


LENGTHS = [7, 3, 1]


@every
@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize("truncate", [None, 2])
@pytest.mark.parametrize("known", [False, True])
def test_padding_is_as_if_it_were_not_there(net, direction, truncate, known):
    x, g = X.copy(), cotangents(net)
    for k, length in enumerate(LENGTHS):
        x[k, length:], g[0][k, length:] = np.nan, np.inf
    options = {"direction": direction, "truncate": truncate, **net.options}
    found = net.f(x, *net.arguments(0), lengths=LENGTHS, **options)
    more = {"output": found} if known else {}
    bars = net.vjp(g, x, *net.arguments(0), lengths=np.array(LENGTHS), **options, **more)
    shared = [np.zeros_like(bar) for bar in bars[1:4]]
    extra = [np.zeros_like(a) for a in net.arguments(0)[3 + net.count :]]
    for k, length in enumerate(LENGTHS):
        one, given = slice(k, k + 1), [start[:, k : k + 1] for start in net.starts]
        arguments = net.arguments(0, given)
        outputs, *last = net.f(x[one, :length], *arguments, **options)
        np.testing.assert_allclose(found[0][one, :length], outputs, rtol=1e-12, atol=1e-14)
        assert not found[0][k, length:].any() and not bars[0][k, length:].any()
        close([part[one] for part in found[1:]], last)
        alone = (g[0][one, :length], *(part[one] for part in g[1:]))
        back = net.vjp(alone, x[one, :length], *arguments, **options)
        np.testing.assert_allclose(bars[0][one, :length], back[0], rtol=1e-12, atol=1e-14)
        close([bar[one] for bar in bars[4 : 4 + net.count]], back[4 : 4 + net.count])
        shared = [s + bar for s, bar in zip(shared, back[1:4], strict=True)]
        if extra:
            extra = [extra[0] + back[-1]]
    close(bars[1:4], shared)
    if extra:
        close(bars[-1:], extra)


@every
def test_full_lengths_change_nothing(net):
    lengths = [T] * N
    whole = net.f(X, *net.arguments(0), **net.options)
    close(net.f(X, *net.arguments(0), lengths=lengths, **net.options), whole, rtol=0)
    g = cotangents(net)
    bars = net.vjp(g, X, *net.arguments(0), **net.options)
    close(net.vjp(g, X, *net.arguments(0), lengths=lengths, **net.options), bars, rtol=0)


@every
def test_states_that_are_not_given_are_zero_and_have_no_gradient(net):
    weights, extra = net.arguments(0)[:3], net.arguments(0)[3 + net.count :]
    zeros, none = [np.zeros((N, H))] * net.count, [None] * net.count
    without = net.f(X, *weights, *none, *extra, **net.options)
    close(without, net.f(X, *weights, *zeros, *extra, **net.options), rtol=0)
    g = cotangents(net)
    bars = net.vjp(g, X, *weights, *none, *extra, **net.options)
    full = net.vjp(g, X, *weights, *zeros, *extra, **net.options)
    close(bars, [*full[:4], *none, *full[4 + net.count :]], rtol=0)
    assert net.vjp(g, X, *weights, **net.options)[4:] == (None,) * (len(bars) - 4)


@every
@pytest.mark.parametrize("which", [0, 1])
def test_a_cotangent_of_none_is_zero(net, which):
    g = list(cotangents(net))
    zero, g[which] = [*g], None
    zero[which] = np.zeros_like(zero[which])
    bars = net.vjp(tuple(g), X, *net.arguments(0), **net.options)
    close(bars, net.vjp(zero, X, *net.arguments(0), **net.options), rtol=0)
    nothing = net.vjp((None,) * (1 + net.count), X, *net.arguments(0), **net.options)
    assert not any(bar.any() for bar in nothing if bar is not None)


@every
def test_what_the_forward_returned_saves_the_recursion(net):
    g = cotangents(net)
    found = net.f(X, *net.arguments(0), **net.options)
    bars = net.vjp(g, X, *net.arguments(0), **net.options)
    close(net.vjp(g, X, *net.arguments(0), output=found, **net.options), bars)
    # It is believed: that is what saves the time.
    other = net.vjp(g, X, *net.arguments(0), output=(0 * found[0], *found[1:]), **net.options)
    assert not np.allclose(other[2], bars[2])


@every
def test_outputs_rounded_to_float16_are_not_believed(net):
    narrow = [a.astype(np.float16) for a in (X, *net.arguments(0))]
    g = tuple(part.astype(np.float16) for part in cotangents(net))
    found = net.f(*narrow, **net.options)
    bars = net.vjp(g, *narrow, **net.options)
    assert all(bar.dtype == np.float16 for bar in bars if bar is not None)
    close(net.vjp(g, *narrow, output=found, **net.options), bars, rtol=0)


@every
def test_lists_do(net):
    g = cotangents(net)
    listed = [a.tolist() for a in (X, *net.arguments(0))]
    close(net.f(*listed, **net.options), net.f(X, *net.arguments(0), **net.options), rtol=0)
    bars = net.vjp(tuple(part.tolist() for part in g), *listed, **net.options)
    close(bars, net.vjp(g, X, *net.arguments(0), **net.options), rtol=0)


@every
@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_an_empty_batch_has_empty_results(net, direction):
    both = direction == "bidirectional"
    weights = net.arguments(slice(None) if both else 0)[:3]
    outputs, *last = net.f(X[:0], *weights, direction=direction, **net.options)
    lead = (2,) if both else ()
    assert outputs.shape == (0, T, H * (1 + both))
    assert [part.shape for part in last] == [(*lead, 0, H)] * net.count
    g = (outputs, *last)
    bars = net.vjp(g, X[:0], *weights, direction=direction, **net.options)
    assert bars[0].shape == (0, T, D) and not any(bar.any() for bar in bars[1:4])


@every
def test_one_unit_of_one_feature_in_one_step(net):
    rows = len(net.arguments(0)[0]) // H
    one = [np.ones((rows, 1)), np.ones((rows, 1)), np.ones(rows)]
    outputs, *last = net.f([[[1.0]]], *one, **net.options)
    assert outputs.shape == (1, 1, 1) and last[0].shape == (1, 1)
    assert outputs.item() == last[0].item() != 0


@every
@pytest.mark.parametrize(("features", "units"), [(0, 3), (2, 0)])
def test_no_features_and_no_units_are_a_network_too(net, features, units):
    rows = len(net.arguments(0)[0]) // H
    weights = [np.ones((rows * units, features)), np.ones((rows * units, units))]
    arguments = np.ones((N, T, features)), *weights, np.ones(rows * units)
    found = net.f(*arguments, **net.options)
    bars = net.vjp(found, *arguments, **net.options)
    assert found[0].shape == (N, T, units)
    assert [bar.shape for bar in bars[:4]] == [a.shape for a in arguments]
