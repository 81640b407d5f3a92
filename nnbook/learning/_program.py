"""A training step written down as a list of NumPy calls, and the buffers that they write to."""

import math
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from nnbook.learning import _in_place, _products
from nnbook.learning._layer_steps import activation_step, loss_step, needs_Z

SMALL = 4096  # numbers in the widest array of a step

class Program(NamedTuple):
    """The calls of a step on n examples.

    Attributes
    ----------
    activations : list of ndarray
        Where the values of each layer are, the examples first and the logits last.
    entry, logits : ndarray, shapes (n, d) and (n, K)
        The first and the last of them, one example a row.
    forward, measure, backward : list of (function, arguments)
        Up to the logits; the same with nothing dropped; from the loss's gradient to all others.
    loss : callable
        ``loss(Y, scale)``, as in `_layer_steps.loss_step`.
    """

    activations: list
    entry: np.ndarray
    logits: np.ndarray
    forward: list
    measure: list
    loss: Any
    backward: list


def write_program(buffers, n, sizes, activation, loss, dropout):
    """Write down the calls for n examples."""
    if is_small(sizes, _batch_size(buffers), activation, dropout):
        return _write_small(buffers, n, sizes, activation, loss)
    last, views = len(sizes) - 1, layers(buffers["p"], sizes)
    slopes = layers(buffers["g"], sizes)
    A = [buffers[f"A{layer}"][:n] for layer in range(last + 1)]
    D = [None, *(buffers[f"D{layer}"][:n] for layer in range(1, last + 1))]
    scratch = _scratch(buffers)
    forward, measure, backward, ones = [], [], [], buffers["ones"][:n]
    for layer in range(1, last + 1):
        (W, b), (gW, gb) = views[layer - 1], slopes[layer - 1]
        fed, keeps = A[layer - 1], layer < last and needs_Z(activation)
        Z = buffers[f"Z{layer}"][:n] if keeps else A[layer]
        there = [(np.add, (Z, b, Z))]
        measure += [_products.product(fed, W, Z), *there]
        if dropout and layer > 1:
            fed = buffers[f"H{layer - 1}"][:n]
        forward += [_products.product(fed, W, Z), *there]
        # ones @ D is a product of a vector with a matrix: faster than a sum down the columns
        behind = [_products.product(fed.T, D[layer], gW), (ones.dot, (D[layer], gb))]
        if layer > 1:
            behind += _back_through(W, D[layer], D[layer - 1], buffers[f"WT{layer}"])
        if layer < last:
            there, back = activation_step(activation, Z, A[layer], D[layer], scratch)
            forward, measure = forward + there, measure + there
            behind = back + behind
            if dropout:
                mask = buffers[f"M{layer}"][:n]
                forward.append((np.multiply, (A[layer], mask, buffers[f"H{layer}"][:n])))
                behind = [(np.multiply, (D[layer], mask, D[layer])), *behind]
        backward = behind + backward
    step = loss_step(loss, A[last], D[last], buffers["work"])
    return Program(A, A[0], A[last], forward, measure, step, backward)


def is_small(sizes, batch_size, activation, dropout):
    """Return whether calls cost more than what they compute, so that fewer calls are faster."""
    return not (dropout or needs_Z(activation)) and batch_size * max(sizes) <= SMALL


def _write_small(buffers, n, sizes, activation, loss):
    """Write down the calls with the examples across, and 1 as an input of every layer.

    The bias is then the weight of that input: no call adds it, and none sums its gradient. A sum
    with broadcasting costs as much as four without, so that a step of 2-4-1 takes 0.7 of the time.
    The row of ones stands before the values of a layer, at the same place for every n.
    """
    last, N = len(sizes) - 1, _batch_size(buffers)
    views = layers(buffers["p"], sizes)
    weights, gradients = joined(buffers["p"], sizes), joined(buffers["g"], sizes)
    fed = [
        buffers[f"A{layer}"][N - n : N + size * n].reshape(size + 1, n)
        for layer, size in enumerate(sizes)
    ]
    A = [values[1:] for values in fed]
    D = [None, *(buffers[f"D{i}"][: sizes[i] * n].reshape(-1, n) for i in range(1, last + 1))]
    forward, backward = [], []
    for layer in range(1, last + 1):
        forward.append((weights[layer - 1].T.dot, (fed[layer - 1], A[layer])))
        behind = [(fed[layer - 1].dot, (D[layer].T, gradients[layer - 1]))]
        if layer > 1:
            behind.append((views[layer - 1][0].dot, (D[layer], D[layer - 1])))
        if layer < last:
            there, back = activation_step(
                activation, A[layer], A[layer], D[layer], _scratch(buffers)
            )
            forward += there
            behind = back + behind
        backward = behind + backward
    step = loss_step(loss, A[last].T, D[last].T, buffers["work"])
    return Program(A, A[0].T, A[last].T, forward, forward, step, backward)


def _batch_size(buffers):
    return len(buffers["ones"])


def _scratch(buffers):
    return {
        name: lambda shape, name=name: buffers[name][: math.prod(shape)].reshape(shape)
        for name in ("zeros", "slope", "bits")
    }


def _back_through(W, delta, out, turned):
    """Return the calls of Δ Wᵀ; for tiles Wᵀ is copied first, they read rows."""
    (m, k), n = delta.shape, len(W)
    if _products.tile_of(m, k, n, _products.kernel_name()) is None:
        return [(delta.dot, (W.T, out))]
    return [(np.copyto, (turned, W.T)), _products.product(delta, turned, out)]


def layout_of(sizes, n, dtype, activation, dropout, rule):
    """Name every buffer, with its shape and dtype."""
    parameters = sum(n_out * (n_in + 1) for n_in, n_out in pairwise(sizes))
    widest, last, outputs = max(sizes[1:]), len(sizes) - 1, sizes[-1]
    layout = {"p": (parameters,), "g": (parameters,)}
    layout |= {f"slot {name}": (parameters,) for name in (rule.slots if rule else ())}
    if is_small(sizes, n, activation, dropout):
        layout |= {f"A{layer}": (n * (size + 1),) for layer, size in enumerate(sizes)}
        layout |= {f"D{layer}": (n * size,) for layer, size in enumerate(sizes) if layer}
    else:
        layout |= {f"A{layer}": (n, size) for layer, size in enumerate(sizes)}
        layout |= {f"D{layer}": (n, size) for layer, size in enumerate(sizes) if layer}
    if needs_Z(activation):
        layout |= {f"Z{layer}": (n, sizes[layer]) for layer in range(1, last)}
    if dropout:
        layout |= {f"{kind}{layer}": (n, sizes[layer]) for layer in range(1, last) for kind in "MH"}
    layout |= {f"WT{layer}": (sizes[layer], sizes[layer - 1]) for layer in range(2, last + 1)}
    layout |= {"ones": (n,), "zeros": (n * widest,), "slope": (n * widest,)}
    layout |= {"work": ((outputs + 1) * n,), "scratch": (min(parameters, _in_place.BLOCK),)}
    layout = {name: (shape, dtype) for name, shape in layout.items()}
    return layout | {"bits": ((n * widest,), np.dtype(f"i{dtype.itemsize}"))}


def fill_constants(buffers, sizes, activation, dropout):
    """Write what stays as it is: ones, and for small steps the input 1 of each layer."""
    n = _batch_size(buffers)
    buffers["ones"][...] = buffers["bits"][...] = 1
    if is_small(sizes, n, activation, dropout):
        for layer in range(len(sizes)):
            buffers[f"A{layer}"][:n] = 1


def joined(flat, sizes):
    """Return the views of a flat vector as layers of shape (1 + n_in, n_out), b the first row."""
    views, place = [], 0
    for n_in, n_out in pairwise(sizes):
        views.append(flat[place : place + (n_in + 1) * n_out].reshape(n_in + 1, n_out))
        place += views[-1].size
    return views


def layers(flat, sizes):
    """Return the views (W, b) of a flat vector, W of shape (n_in, n_out)."""
    return [(layer[1:], layer[0]) for layer in joined(flat, sizes)]
