"""A training step written down as a list of NumPy calls, and the buffers that they write to."""

import math
from itertools import pairwise

import numpy as np

from nnbook.learning import _in_place, _products
from nnbook.learning._layer_steps import activation_step, loss_step, needs_Z


def write_program(buffers, n, sizes, activation, loss, dropout):
    """Write down the calls on n examples: there, there with nothing dropped, loss, and back."""
    last, views = len(sizes) - 1, layers(buffers["p"], sizes)
    slopes = layers(buffers["g"], sizes)
    A = [buffers[f"A{layer}"][:n] for layer in range(last + 1)]
    D = [None, *(buffers[f"D{layer}"][:n] for layer in range(1, last + 1))]
    scratch = {
        name: lambda shape, name=name: buffers[name][: math.prod(shape)].reshape(shape)
        for name in ("zeros", "slope", "bits")
    }
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
    return forward, measure, loss_step(loss, A[last], D[last], buffers["work"]), backward


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


def layers(flat, sizes):
    """Return the views (W, b) of a flat vector, W of shape (n_in, n_out)."""
    views, place = [], 0
    for n_in, n_out in pairwise(sizes):
        W = flat[place : place + n_in * n_out].reshape(n_in, n_out)
        place += n_in * n_out
        views.append((W, flat[place : place + n_out]))
        place += n_out
    return views
