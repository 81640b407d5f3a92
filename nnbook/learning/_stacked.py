"""A training step of many networks as a list of NumPy calls, in buffers made once.

Networks stand along the last axis, so a call is as long as there are networks, and what a call
costs is shared among them. They train in blocks: all that the step of a block touches, `SPACE`
bytes, stays in the second-level cache, and memory does not grow with the number of networks.

Arrays are (examples, units, networks) here, and W is (n_in, n_out, networks): all that meets one
feature of one example then lies in one run, and NumPy's inner loop goes through it at once. That
takes a quarter off the step of the (units, examples, networks) that comes to mind first.

A sum over units or examples is one product written out and one ``add.reduce`` over an outer axis,
which adds whole rows in their order. A matrix product would add in an order that the processor's
kernels choose.
"""

import math
from itertools import pairwise

import numpy as np

from nnbook.learning import _in_place, _workspace
from nnbook.learning._layer_steps import activation_step, needs_Z
from nnbook.learning._updates import rate_of
from nnbook.learning.trees import tree_map

SPACE = 768 << 10
BUFFER, LONG = 256, 512  # numbers: NumPy's buffer for broadcasting, and rows that should not use it
FEWEST = 8  # networks in a block; with one alone NumPy would sum along it, and in another order


def block_size(sizes, examples, dtype, slots):
    """Return how many networks a block takes, a multiple of 8."""
    weights = sum(n_out * (n_in + 1) for n_in, n_out in pairwise(sizes))
    numbers = (2 + slots) * weights + examples * (2 * sum(sizes[1:]) + max(sizes) + sizes[-1])
    fits = SPACE // (numbers * np.dtype(dtype).itemsize)
    return max(FEWEST, fits - fits % 8)


class Block:
    """Networks that train together: their parameters, buffers and list of calls.

    Parameters
    ----------
    params : list of (W, b)
        W of shape (n_out, n_in, S) and b of shape (n_out, S); not changed.
    X : ndarray, shape (N, d, 1)
        The examples.
    sign : ndarray, shape (N, K, 1)
        1 − 2y.
    optimizer : Optimizer
        Works entry by entry.
    activation : str or (function, derivative)
        Of the hidden layers.
    """

    def __init__(self, params, X, sign, optimizer, activation):
        self.sizes = [params[0][0].shape[1], *(len(W) for W, _ in params)]
        self.optimizer, self.activation, self.t = optimizer, activation, 0
        self.rule = _in_place.rule_of(optimizer)
        self.count, self.dtype = params[0][1].shape[-1], X.dtype
        self.X, self.examples = X, len(X)
        self.sign, self.opposite, self.scaled = sign, -sign, {}
        buffers = self.buffers = _workspace.allocate(self._layout())
        buffers["bits"][...] = 1
        self.slots = [buffers[f"slot {name}"] for name in (self.rule.slots if self.rule else ())]
        self.params, self.grads = self._layers(buffers["p"]), self._layers(buffers["g"])
        tree_map(np.copyto, self.params, params)
        if self.rule:
            self.rate = rate_of(optimizer.alpha)
        else:
            self.state = optimizer.init(self.params)
        self.forward, self.backward = self._calls()

    @property
    def logits(self):
        """The logits of the last forward pass, shape (N, K, S)."""
        return self.buffers[f"A{len(self.sizes) - 1}"]

    def run_forward(self):
        """Compute the logits at the present parameters."""
        for function, arguments in self.forward:
            function(*arguments)

    def step(self):
        """Go back from the last forward pass, and let the optimizer step."""
        alpha = self.rate(self.t) if self.rule else 0.0
        folds = self.rule is not None and self.rule.folds
        self._slope_of_the_loss(-alpha if folds else 1.0)
        for function, arguments in self.backward:
            function(*arguments)
        p, g = self.buffers["p"], self.buffers["g"]
        if folds:  # −α is in the slope of the loss, and so in everything behind it
            np.add(p, g, p)
        elif self.rule:
            scratch = self.buffers["scratch"]
            _in_place.update(self.rule, alpha, self.t, p, g, self.slots, scratch)
        else:
            new, self.state = self.optimizer.update(self.grads, self.state, self.params)
            tree_map(np.copyto, self.params, new)
        self.t += 1

    def _slope_of_the_loss(self, scale):
        """Write σ(z) − y, over the number of logits: ∓1 / (1 + exp(∓z)) keeps all its digits."""
        D, sign = self.buffers[f"D{len(self.sizes) - 1}"], self.sign
        if scale not in self.scaled:
            self.scaled = {scale: sign * (scale / sign.size)}
        np.multiply(self.logits, self.opposite, D)
        np.exp(D, D)
        np.add(D, 1.0, D)
        np.divide(self.scaled[scale], D, D)

    def _layout(self):
        sizes, N, S = self.sizes, self.examples, self.count
        weights = sum(n_out * (n_in + 1) for n_in, n_out in pairwise(sizes)) * S
        widest = max(sizes) * N * S
        layout = {"p": (weights,), "g": (weights,)}
        layout |= {f"slot {name}": (weights,) for name in (self.rule.slots if self.rule else ())}
        for layer, size in enumerate(sizes[1:], start=1):
            layout |= {f"{letter}{layer}": (N, size, S) for letter in "AD"}
            if needs_Z(self.activation) and layer < len(sizes) - 1:
                layout[f"Z{layer}"] = (N, size, S)
        layout |= {"zeros": (widest,), "scratch": (max(widest, min(weights, _in_place.BLOCK)),)}
        layout = {name: (shape, self.dtype) for name, shape in layout.items()}
        return layout | {"bits": ((widest,), np.dtype(f"i{self.dtype.itemsize}"))}

    def _layers(self, flat):
        """Return the views (W, b) of a flat vector, turned to the page's (n_out, n_in, S)."""
        views, place, S = [], 0, self.count
        for n_in, n_out in pairwise(self.sizes):
            W = flat[place : place + n_in * n_out * S].reshape(n_in, n_out, S)
            place += W.size
            views.append((W.swapaxes(0, 1), flat[place : place + n_out * S].reshape(n_out, S)))
            place += n_out * S
        return views

    def _calls(self):
        """Write down the calls of the way forward, and of the way back behind the loss."""
        buffers, last = self.buffers, len(self.sizes) - 1
        A = [self.X, *(buffers[f"A{layer}"] for layer in range(1, last + 1))]
        D = [None, *(buffers[f"D{layer}"] for layer in range(1, last + 1))]
        lent = {"zeros": "zeros", "bits": "bits", "slope": "scratch"}
        scratch = {
            use: lambda shape, name=name: _shaped(buffers[name], shape)
            for use, name in lent.items()
        }
        forward, backward = [], []
        for layer in range(1, last + 1):
            (W, b), (dW, db) = self.params[layer - 1], self.grads[layer - 1]
            Z = buffers.get(f"Z{layer}", A[layer])
            forward += _weighted(W, A[layer - 1], Z, buffers["scratch"])
            forward += [(np.add, (Z, b, Z))]
            behind = _over_examples(D[layer], A[layer - 1], dW, buffers["scratch"])
            behind += [(np.add.reduce, (D[layer], 0, None, db))]
            if layer > 1:
                turned = W.swapaxes(0, 1)
                behind += _weighted(turned, D[layer], D[layer - 1], buffers["scratch"])
            if layer < last:
                there, back = activation_step(self.activation, Z, A[layer], D[layer], scratch)
                forward += there
                behind = back + behind
            backward = behind + backward
        return forward, backward


def _weighted(W, A, out, scratch):
    """Return the calls of out[:, o] = Σ_i W[o, i] A[:, i], added in the order of i.

    Either all outputs take one input after the other, or each output adds up its inputs at once:
    two calls for each of whichever are fewer.
    """
    n_out, n_in = W.shape[:2]
    if n_out < n_in:
        part = _shaped(scratch, (len(A), *W.shape[1:]))
        return [
            call
            for o in range(n_out)
            for call in (
                (np.multiply, (W[o], A, part)), (np.add.reduce, (part, 1, None, out[:, o])),
            )
        ]  # fmt: skip
    part = _shaped(scratch, out.shape)
    calls = [(np.multiply, (W[:, 0], A[:, :1], out))]
    for i in range(1, n_in):
        calls += [(np.multiply, (W[:, i], A[:, i : i + 1], part)), (np.add, (out, part, out))]
    return calls


def _over_examples(delta, A, out, scratch):
    """Return the calls of out[o, i] = Σ_n delta[n, o] A[n, i], added in the order of n."""
    (n_out, n_in, S), N = out.shape, len(delta)
    if n_out < n_in:
        part = _shaped(scratch, (N, n_in, S))
        pairs = [(delta[:, o : o + 1], A, out[o]) for o in range(n_out)]
    else:
        part = _shaped(scratch, (N, n_out, S))
        pairs = [(delta, A[:, i : i + 1], out[:, i]) for i in range(n_in)]
    return [
        call
        for left, right, target in pairs
        for call in ((np.multiply, (left, right, part)), (np.add.reduce, (part, 0, None, target)))
    ]


def _shaped(buffer, shape):
    return buffer[: math.prod(shape)].reshape(shape)
