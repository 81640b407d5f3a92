r"""Many small networks at once: the same architecture and data, another start for each.

A claim about training is a claim about a distribution of starts, and one run is one draw from it.
Here S networks train side by side. Parameters are stacked along a last axis: W has the shape
(n_out, n_in, S) and b (n_out, S), so that NumPy's loops run over the networks.

Sums over units and examples are written as multiplications and additions in a fixed order, not as
matrix products: a matrix product adds in an order that depends on the processor, and a network that
starts on a kink can end elsewhere when one bit changes.
"""

from typing import NamedTuple

import numpy as np

from nnbook.functions._validate import check_count, check_number
from nnbook.functions.activations import softplus
from nnbook.learning._in_place import rule_of
from nnbook.learning._stacked import BUFFER, FEWEST, LONG, Block, block_size
from nnbook.learning._updates import check_optimizer
from nnbook.learning._validate import check_batch, check_params
from nnbook.learning.mlp import activation_pair, init_params
from nnbook.learning.trees import tree_map


class Runs(NamedTuple):
    """What `train_many` returns.

    Attributes
    ----------
    params : list of (W, b)
        Stacked parameters after the last step; `unstack` takes one network out.
    epochs : tuple of int
        Numbers of steps taken at the records below.
    logits : ndarray, shape (len(epochs), N, K, S)
        Logits of every network on every example.
    cost : ndarray, shape (len(epochs), S)
        Mean binary cross-entropy of every network, in nats.
    """

    params: list
    epochs: tuple
    logits: np.ndarray
    cost: np.ndarray


def draw_many(sizes, seeds, init="he_normal", *, bias_std=0.0, generator=np.random.default_rng):
    r"""Draw one network for each seed, and stack them.

    Parameters
    ----------
    sizes : sequence of int
        Units of each layer, input first.
    seeds : iterable of int
        One network each.
    init : str or callable, default "he_normal"
        As for `nnbook.learning.mlp.init_params`.
    bias_std : float, default 0
        Standard deviation of the hidden biases, normal with mean 0 and drawn after all weights.
        Output biases are zero.
    generator : callable, default numpy.random.default_rng
        Makes the source of numbers from a seed. ``numpy.random.RandomState`` repeats what
        ``np.random.seed(seed)`` and ``np.random.randn`` drew.

    Returns
    -------
    params : list of (W, b)
        W of shape (n_out, n_in, S), b of shape (n_out, S).

    Examples
    --------
    >>> [(W1, b1), (W2, b2)] = draw_many([2, 4, 1], range(10))
    >>> W1.shape, b1.shape, W2.shape, b2.shape
    ((4, 2, 10), (4, 10), (1, 4, 10), (1, 10))
    """
    bias_std = check_number(bias_std, "bias_std", low=0.0)
    networks = []
    for seed in seeds:
        rng = generator(seed)
        *hidden, output = init_params(sizes, rng, init)
        if bias_std > 0:
            hidden = [(W, bias_std * rng.standard_normal(b.shape)) for W, b in hidden]
        networks.append([*hidden, output])
    return stack(networks)


def stack(networks):
    """Stack networks of one architecture along a last axis.

    Parameters
    ----------
    networks : list of lists of (W, b)
        S networks.

    Returns
    -------
    params : list of (W, b)
        W of shape (n_out, n_in, S), b of shape (n_out, S).

    Raises
    ------
    ValueError
        If there is no network, or their shapes differ.
    """
    networks = [check_params(params) for params in networks]
    if not networks:
        raise ValueError("networks must hold one network at least, found none: are there seeds?")
    shapes = [[np.shape(W) for W, _ in params] for params in networks]
    for index, found in enumerate(shapes):
        if found != shapes[0]:
            raise ValueError(
                f"networks must be alike: number {index} has weights of shapes {found}, "
                f"the first {shapes[0]}"
            )
    return [
        (np.stack([W for W, _ in layer], axis=-1), np.stack([b for _, b in layer], axis=-1))
        for layer in zip(*networks, strict=True)
    ]


def unstack(params, index):
    """Take one network out of a stack.

    Parameters
    ----------
    params : list of (W, b)
        W of shape (n_out, n_in, S), b of shape (n_out, S).
    index : int
        Which network, from 0.

    Returns
    -------
    params : list of (W, b)
        W of shape (n_out, n_in), b of shape (n_out,).

    Examples
    --------
    >>> W, b = unstack(draw_many([2, 4, 1], range(10)), 3)[0]
    >>> W.shape, b.shape
    ((4, 2), (4,))
    """
    count = np.shape(params[0][1])[-1]
    index = check_count(index, "index", minimum=-count)
    if index >= count:
        raise ValueError(f"index must be less than {count}, the networks in the stack, found "
                         f"{index}")
    return [(W[..., index].copy(), b[..., index].copy()) for W, b in params]


def train_many(params, X, Y, *, optimizer, epochs, activation="relu", record=()):
    r"""Train every network of a stack on the whole batch, with binary cross-entropy on the logits.

    Parameters
    ----------
    params : list of (W, b)
        A stack, from `draw_many` or `stack`; not changed.
    X : ndarray, shape (N, d)
        One example a row, the same for all networks.
    Y : ndarray, shape (N, K)
        0 or 1 for each example and logit.
    optimizer : Optimizer
        From `nnbook.learning.optimizers`; it works entry by entry, so it takes a stack as it is.
    epochs : int
        Steps to take; each uses all examples.
    activation : str or (function, derivative), default "relu"
        φ of the hidden layers.
    record : iterable of int, optional
        Numbers of steps after which logits and costs are kept, 0 for the start. Those after the
        last step always are.

    Returns
    -------
    Runs
        A network that diverges ends with costs that are not finite, and disturbs no other.

    Raises
    ------
    ValueError, TypeError
        If a shape does not fit, X is not finite, Y holds anything but 0 and 1, or params other
        numbers than float32 and float64.

    Notes
    -----
    Each network does what `nnbook.learning.mlp` does with it alone, up to rounding, and has the
    same bits in whatever company. It is computed in the dtype of params.

    The optimizer must work entry by entry, as all of `nnbook.learning.optimizers` do; clipping by
    a norm would tie the networks to each other.

    Networks train in blocks whose buffers stay in the processor's second-level cache, and every
    call writes into one. A thousand 2-4-1 networks in float64 take 67 µs an epoch of XOR, nine
    times as fast as stacked products in PyTorch on the same processor; `python tasks.py bench
    only=many` measures it.

    Examples
    --------
    >>> from nnbook.learning.data import xor
    >>> from nnbook.learning.optimizers import sgd
    >>> X, y = xor()
    >>> runs = train_many(draw_many([2, 16, 1], range(20)), X, y, optimizer=sgd(1.0), epochs=500)
    >>> int((right_answers(runs.logits[-1], y) == 4).sum())
    20
    """
    A0, sign = _check_data(params, X, Y)
    check_optimizer(optimizer)
    epochs = check_count(epochs, "epochs", minimum=0)
    record = sorted({check_count(t, "record", minimum=0) for t in record} | {epochs})
    if record[-1] > epochs:
        raise ValueError(f"record must not go beyond the {epochs} epochs, found {record[-1]}")
    activation_pair(activation)
    dtype, total = A0.dtype, np.shape(params[0][1])[-1]
    rule = rule_of(optimizer)
    size = block_size(_sizes(params), len(A0), dtype, len(rule.slots) if rule else 0)
    runs = Runs(
        [(np.empty(np.shape(W), dtype), np.empty(np.shape(b), dtype)) for W, b in params],
        tuple(record),
        np.empty((len(record), *sign.shape[:2], total), dtype),
        np.empty((len(record), total), dtype),
    )
    for start in range(0, total, size):
        part = np.arange(start, min(start + size, total))
        # a block too small is filled up with copies, whose results nobody reads
        padded = np.pad(part, (0, max(0, FEWEST - len(part))), mode="edge")
        block = Block(tree_map(lambda leaf, at=padded: np.asarray(leaf)[..., at], params),
                      A0, sign, optimizer, activation)  # fmt: skip
        _train(block, epochs, slice(start, start + len(part)), runs)
    return runs


@np.errstate(all="ignore")
def _train(block, epochs, place, runs):
    """Train a block, and write its records and last parameters into their place in the runs."""
    if block.count >= LONG:
        # An operand that repeats within NumPy's buffer of 8,192 numbers is first written out there,
        # which doubles the time of a product with it; not so where a row is longer than the
        # buffer. Short rows are better off with it. errstate, on its way out, restores the size.
        np.setbufsize(BUFFER)
    count, records = place.stop - place.start, {t: i for i, t in enumerate(runs.epochs)}
    for t in range(epochs + 1):
        block.run_forward()
        if t in records:
            runs.logits[records[t], ..., place] = block.logits[..., :count]
            # all of the block, copies too: alone, a network's costs would be added in pairs
            costs = softplus(block.sign * block.logits).reshape(-1, block.count)
            runs.cost[records[t], place] = costs.mean(axis=0)[:count]
        if t < epochs:
            block.step()
    for (W, b), (block_W, block_b) in zip(runs.params, block.params, strict=True):
        W[..., place], b[..., place] = block_W[..., :count], block_b[..., :count]


def _sizes(params):
    return [np.shape(params[0][0])[1], *(len(W) for W, _ in params)]


def right_answers(logits, Y, margin=1e-3):
    r"""Count the examples that each network puts on the right side of zero.

    Parameters
    ----------
    logits : ndarray, shape (N, K, S)
        One record of ``Runs.logits``.
    Y : ndarray, shape (N, K)
        0 or 1.
    margin : float, default 0.001
        How far from zero a logit must lie to count. A network that is stuck gives all examples it
        cannot tell apart the same logit, and on the XOR plateaus at log 2 that logit is 0 in exact
        arithmetic. On which side rounding leaves it differs between processors; a margin well
        above rounding counts no such accident as an answer.

    Returns
    -------
    ndarray of int, shape (S,)

    Examples
    --------
    >>> right_answers(np.array([[[2.0, 2.0]], [[-1.0, 1e-17]]]), np.array([[1], [0]]))
    array([2, 1])
    """
    margin = check_number(margin, "margin", low=0.0)
    sign = 2 * np.asarray(Y) - 1
    if np.ndim(logits) != 3 or logits.shape[:2] != sign.shape:
        raise ValueError(
            f"logits must have the shape (N, K, S) and Y (N, K), found {np.shape(logits)} and "
            f"{sign.shape}; Runs.logits has one such array for each record: take logits[-1]"
        )
    return (logits * sign[:, :, np.newaxis] > margin).all(axis=1).sum(axis=0)


def _check_data(params, X, Y):
    """Return X as (N, d, 1) and 1 - 2Y as (N, K, 1), if they fit the stack; in its dtype."""
    if not params or any(np.ndim(W) != 3 or np.ndim(b) != 2 for W, b in params):
        raise ValueError(
            "params must be a stack, W of shape (n_out, n_in, S) and b of shape (n_out, S); "
            "draw_many and stack make one"
        )
    for layer, (W, b) in enumerate(params, start=1):
        if b.shape != W[:, 0].shape:
            raise ValueError(
                f"params: b of layer {layer} must have the shape (n_out, S) = {W[:, 0].shape}, "
                f"found {b.shape}"
            )
    X = check_batch("X", X, params[0][0].shape[1])
    Y = np.asarray(Y)
    expected = (len(X), params[-1][0].shape[0])
    if Y.shape != expected:
        hint = "; write y[:, np.newaxis]" if Y.shape == expected[:1] else ""
        raise ValueError(f"Y must have the shape (N, K) = {expected}, found {Y.shape}{hint}")
    if not np.isin(Y, (0, 1)).all():
        raise ValueError(f"Y must hold 0 and 1 only, found {Y[~np.isin(Y, (0, 1))][0]}")
    dtype = np.result_type(*(np.asarray(leaf).dtype for layer in params for leaf in layer), "f4")
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"params must hold float32 or float64, found numbers that need {dtype}")
    return X.astype(dtype)[:, :, np.newaxis], (1.0 - 2.0 * Y).astype(dtype)[:, :, np.newaxis]
