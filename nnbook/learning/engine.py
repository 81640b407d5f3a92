r"""The mathematics of `nnbook.learning.mlp` at the speed of the machine.

The page is `mlp`: four equations in a dozen lines, a list of (W, b), new arrays at each step. Here
is the same step as a list of NumPy calls, written once for each size of batch, in which every call
writes into a buffer that was allocated before training began. The parameters are one vector, so
that an optimizer is one pass over it; W and b are views of it.

Inside, a weight matrix is stored as (n_in, n_out): the products of both directions then read their
factors in the order in which they lie. `Engine.params` turns them round again. The levers stand in
`_products` (tiles for the BLAS kernel), `_workspace` (one aligned block), `_layer_steps` (masks
by bits, the loss in columns) and `_in_place` (one pass over the flat vector), each with its gain.
"""

import math
from itertools import pairwise

import numpy as np

from nnbook.functions._validate import check_count, check_number
from nnbook.learning import _in_place, _products, _workspace
from nnbook.learning._layer_steps import FUSED, activation_step, loss_step, needs_Z
from nnbook.learning._updates import check_optimizer, rate_of
from nnbook.learning._validate import check_params, check_rng
from nnbook.learning.mlp import activation_pair, loss_pair
from nnbook.learning.trees import tree_map


class NotFinite(ArithmeticError):
    """A step met a number that is not finite, and was not taken; the message says where."""


class Engine:
    r"""A network with its optimizer, ready to take steps of at most ``batch_size`` examples.

    Parameters
    ----------
    params : list of (W, b)
        Where to start, W of shape (n_out, n_in); not changed.
    batch_size : int
        The largest batch that will come. Smaller ones may come too.
    optimizer : Optimizer
        From `nnbook.learning.optimizers`.
    activation : str or (function, derivative), default "relu"
        φ of the hidden layers.
    loss : str or (function, gradient), default "cross_entropy"
        As for `nnbook.learning.mlp.loss_and_grads`.
    dtype : dtype, default float32
        float32 or float64: what everything is computed in.
    dropout : float, default 0
        Probability with which an activation of a hidden layer is dropped in a step, in [0, 1).
    rng : numpy.random.Generator, optional
        Draws what is dropped; needed if something is.
    state : optional
        The optimizer's state, to continue an earlier run.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit, or the parameters are not finite in ``dtype``.

    Notes
    -----
    In float64 an engine does what `mlp` and the optimizer do, up to 1e-12 after 50 steps. In
    float32 a gradient differs from the one in float64 by a few 1e-7 of its length.

    The mean over the batch is taken over the examples that came, so a last, smaller batch weighs
    its examples more, as in `fit`.

    Examples
    --------
    >>> from nnbook.learning import init_params, xor
    >>> from nnbook.learning.optimizers import adam
    >>> X, y = xor()
    >>> rng = np.random.default_rng(0)
    >>> start = init_params([2, 8, 1], rng)
    >>> engine = Engine(start, batch_size=4, optimizer=adam(0.05), loss="bce_with_logits")
    >>> losses = [engine.step(X, y) for _ in range(200)]
    >>> print(f"{losses[0]:.2f} to {losses[-1]:.4f}")
    0.74 to 0.0016
    """

    def __init__(
        self,
        params,
        batch_size,
        *,
        optimizer,
        activation="relu",
        loss="cross_entropy",
        dtype=np.float32,
        dropout=0.0,
        rng=None,
        state=None,
    ):
        params = check_params(params)
        self.sizes = [np.shape(params[0][0])[1], *(len(W) for W, _ in params)]
        self.batch_size = check_count(batch_size, "batch_size")
        self.dtype = _check_dtype(dtype)
        self.optimizer = check_optimizer(optimizer)
        activation_pair(activation), loss_pair(loss)
        self.activation, self.loss = activation, loss
        self.dropout = check_number(dropout, "dropout", low=0.0, high=1.0)
        self.rng = check_rng(rng) if self.dropout else None
        self._rule = _in_place.rule_of(optimizer)
        layout = _layout(self.sizes, self.batch_size, self.dtype, activation, self.dropout,
                         self._rule)
        self._buffers = _workspace.allocate(layout)
        self._buffers["ones"][...] = 1
        self._buffers["bits"][...] = 1
        self._views = _layers(self._buffers["p"], self.sizes)
        self._slopes = _layers(self._buffers["g"], self.sizes)
        self._programs = {}
        self._fill(params)
        self._take_state(optimizer.init(params) if state is None else state)

    # ------------------------------------------------------------------ parameters and state

    @property
    def params(self):
        """The parameters as a list of new (W, b), W of shape (n_out, n_in)."""
        return [(np.ascontiguousarray(W.T), b.copy()) for W, b in self._views]

    @property
    def state(self):
        """The optimizer's state, as its ``update`` would have returned it."""
        if self._rule is None:
            return self._state
        nests = {
            name: [(factor * W.T, factor * b) for W, b in _layers(self._slots[name], self.sizes)]
            for name, factor in self._rule.slots.items()
        }
        return self._state._replace(t=self._t, **nests)

    @property
    def nbytes(self):
        """Bytes of the workspace, as `workspace_bytes` predicts them."""
        return self._buffers["p"].base.nbytes

    def _fill(self, params):
        for layer, ((W, b), (inner_W, inner_b)) in enumerate(zip(params, self._views, strict=True)):
            inner_W[...], inner_b[...] = np.asarray(W).T, b
            for name, inner in (("W", inner_W), ("b", inner_b)):
                if not np.isfinite(inner).all():
                    raise ValueError(
                        f"params: {name} of layer {layer + 1} is not finite in {self.dtype}; "
                        "start elsewhere, or pass dtype=np.float64 if float64 was meant"
                    )

    def _take_state(self, state):
        self._state, self._t = state, state.t if self._rule else 0
        if self._rule is None:
            return
        self._slots = {name: self._buffers[f"slot {name}"] for name in self._rule.slots}
        for name, factor in self._rule.slots.items():
            for (W, b), (inner_W, inner_b) in zip(
                getattr(state, name), _layers(self._slots[name], self.sizes), strict=True
            ):
                inner_W[...], inner_b[...] = np.asarray(W).T / factor, np.asarray(b) / factor
        self._rate = rate_of(self.optimizer.alpha)

    # ------------------------------------------------------------------ steps

    def step(self, X, Y):
        """Take one step on a batch.

        Parameters
        ----------
        X : ndarray, shape (n, d)
            The batch, n at most ``batch_size``.
        Y : ndarray
            Its targets, in the form that the loss takes.

        Returns
        -------
        float
            The mean loss of the batch before the step.

        Raises
        ------
        ValueError, TypeError
            If a shape, a dtype or a label does not fit.
        NotFinite
            If the loss or the gradient is not finite. The parameters stay as they were.
        """
        X = np.asarray(X)
        if X.ndim != 2 or X.shape[1] != self.sizes[0] or not 0 < len(X) <= self.batch_size:
            raise ValueError(
                f"X must have shape (n, {self.sizes[0]}) with n from 1 to batch_size = "
                f"{self.batch_size}, found {X.shape}"
            )
        return self._step(X, self.targets(Y, len(X)))

    def targets(self, Y, n):
        """Return targets in the form and the dtype in which `step` works; refuse what cannot be."""
        return check_targets(self.loss, Y, (n, self.sizes[-1]), self.dtype)

    def _step(self, X, Y):
        program = self._programs.get(len(X)) or self._program(len(X))
        forward, loss, backward, entry = program
        entry[...] = X
        alpha = self._rate(self._t) if self._rule else 0.0
        folded = self._rule is not None and self._rule.folds
        if self.dropout:
            self._draw(len(X))
        for function, arguments in forward:
            function(*arguments)
        value = loss(Y, (-alpha if folded else 1.0) / len(X))
        for function, arguments in backward:
            function(*arguments)
        g = self._buffers["g"]
        # one product of the flat vector with itself: is any of its entries not finite?
        if not (math.isfinite(value) and math.isfinite(g.dot(g))):
            self._explain(value)
        if self._rule is None:
            self._step_by_the_page()
        else:
            slots, scratch = self._slots.values(), self._buffers["scratch"]
            _in_place.update(self._rule, alpha, self._t, self._buffers["p"], g, slots, scratch)
            self._t += 1
        return value

    def _step_by_the_page(self):
        """Hand views of the flat vector to the optimizer's own update, and copy what it returns."""
        shown = [(W.T, b) for W, b in self._views]
        slopes = [(W.T, b) for W, b in self._slopes]
        new, self._state = self.optimizer.update(slopes, self._state, shown)
        tree_map(np.copyto, shown, new)
        self._t += 1

    def _explain(self, value):
        """Raise if the loss or a gradient is not finite, naming the layer; squares may overflow."""
        if not math.isfinite(value):
            raise NotFinite(f"the loss is {value}{self._first_wrong_layer()}")
        for layer, arrays in enumerate(self._slopes, start=1):
            for name, array in zip("Wb", arrays, strict=True):
                if not np.isfinite(array).all():
                    raise NotFinite(f"the gradient of {name} in layer {layer} is not finite")

    def _first_wrong_layer(self):
        for layer in range(1, len(self.sizes)):
            if not np.isfinite(self._buffers[f"A{layer}"]).all():
                return (
                    f": the values of layer {layer} are not finite in {self.dtype}; the steps are "
                    "too long (a smaller alpha), or the inputs too large (scale X)"
                )
        return ": the logits are finite, so a target meets a probability of 0, or they overflow"

    def forward(self, X):
        """Return the logits of any number of examples, shape (N, n_L); nothing is dropped."""
        X = np.asarray(X)
        logits = np.empty((len(X), self.sizes[-1]), self.dtype)
        for start in range(0, len(X), self.batch_size):
            part = X[start : start + self.batch_size]
            program = self._programs.get(len(part)) or self._program(len(part))
            program[3][...] = part
            for function, arguments in program[0]:
                if function is not _drop:
                    function(*arguments)
            found = self._buffers[f"A{len(self.sizes) - 1}"]
            logits[start : start + len(part)] = found[: len(part)]
        return logits

    # ------------------------------------------------------------------ the list of calls

    def _program(self, n):
        """Write down the calls of a step on n examples, and keep the list."""
        buffers, last = self._buffers, len(self.sizes) - 1
        A = [_first(buffers[f"A{layer}"], n) for layer in range(last + 1)]
        D = [None, *(_first(buffers[f"D{layer}"], n) for layer in range(1, last + 1))]
        scratch = {
            name: lambda shape, name=name: buffers[name][: math.prod(shape)].reshape(shape)
            for name in ("zeros", "slope")
        }
        scratch["ones"] = lambda shape: buffers["bits"][: math.prod(shape)].reshape(shape)
        forward, backward, kept = [], [], buffers["ones"][:n]
        for layer in range(1, last + 1):
            (W, b), (gW, gb) = self._views[layer - 1], self._slopes[layer - 1]
            fed = A[layer - 1]
            if self.dropout and layer > 1:
                fed = _first(buffers[f"H{layer - 1}"], n)
            keeps = layer < last and needs_Z(self.activation)
            Z = _first(buffers[f"Z{layer}"], n) if keeps else A[layer]
            forward += [_products.product(fed, W, Z), (np.add, (Z, b, Z))]
            # ones @ D is a product of a matrix with a vector: faster than a sum down the columns
            behind = [_products.product(fed.T, D[layer], gW), (np.dot, (kept, D[layer], gb))]
            if layer > 1:
                behind += self._back_through(W, D[layer], D[layer - 1], layer)
            if layer < last:
                there, back = activation_step(self.activation, Z, A[layer], D[layer], scratch)
                forward += there
                behind = back + behind
                if self.dropout:
                    drop = _first(buffers[f"M{layer}"], n)
                    forward.append((_drop, (A[layer], drop, _first(buffers[f"H{layer}"], n))))
                    behind = [(np.multiply, (D[layer], drop, D[layer])), *behind]
            backward = behind + backward
        loss = loss_step(self.loss, A[last], D[last], buffers["work"])
        self._programs[n] = forward, loss, backward, A[0]
        return self._programs[n]

    def _back_through(self, W, delta, out, layer):
        """Return the calls of Δ Wᵀ; for tiles Wᵀ is copied first, they read rows."""
        (m, k), n = delta.shape, len(W)
        if _products.tile_of(m, k, n, _products.kernel_name()) is None:
            return [(np.dot, (delta, W.T, out))]
        turned = self._buffers[f"WT{layer}"]
        return [(np.copyto, (turned, W.T)), _products.product(delta, turned, out)]

    def _draw(self, n):
        """Draw what is dropped: 0 with probability p, else 1 / (1 − p)."""
        for layer in range(1, len(self.sizes) - 1):
            mask = _first(self._buffers[f"M{layer}"], n)
            self.rng.random(out=mask, dtype=self.dtype)
            np.greater_equal(mask, self.dropout, out=mask, casting="unsafe")
            np.multiply(mask, 1 / (1 - self.dropout), mask)


def _drop(A, mask, H):
    np.multiply(A, mask, H)


def workspace_bytes(
    sizes, batch_size, *, optimizer, dtype=np.float32, activation="relu", dropout=0.0
):
    """Return the size of the memory that an `Engine` allocates.

    Parameters
    ----------
    sizes : sequence of int
        Units of each layer, input first.
    batch_size, optimizer, dtype, activation, dropout
        As for `Engine`.

    Returns
    -------
    int
        Bytes. It does not grow while the engine runs, except that an optimizer without an in-place
        rule keeps its own state beside it.

    Examples
    --------
    >>> from nnbook.learning.optimizers import sgd
    >>> workspace_bytes([784, 128, 64, 10], 128, optimizer=sgd(0.1)) / 2**20
    4.0
    """
    rule = _in_place.rule_of(check_optimizer(optimizer))
    dtype, batch_size = _check_dtype(dtype), check_count(batch_size, "batch_size")
    return _workspace.bytes_of(_layout(list(sizes), batch_size, dtype, activation, dropout, rule))


def _layout(sizes, n, dtype, activation, dropout, rule):
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


def _layers(flat, sizes):
    """Return the views (W, b) of a flat vector, W of shape (n_in, n_out)."""
    views, place = [], 0
    for n_in, n_out in pairwise(sizes):
        W = flat[place : place + n_in * n_out].reshape(n_in, n_out)
        place += n_in * n_out
        views.append((W, flat[place : place + n_out]))
        place += n_out
    return views


def _first(buffer, n):
    """Return n rows that lie together at the beginning of a buffer."""
    return buffer[:n]


def _check_dtype(dtype):
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, found {dtype}")
    return dtype


def check_targets(loss, Y, shape, dtype):
    """Return the targets of a batch as the loss of the engine takes them; refuse what cannot be."""
    Y = np.asarray(Y)
    named = isinstance(loss, str) and loss in FUSED
    classes = named and loss == "cross_entropy" and Y.ndim == 1
    if classes:
        good = Y.shape == shape[:1] and Y.dtype.kind in "iu" and 0 <= Y.min() <= Y.max() < shape[1]
    else:
        good = not named or (Y.shape == shape and Y.dtype.kind in "fiub")
    if good and named and loss == "bce_with_logits":
        good = Y.min() >= 0 and Y.max() <= 1
    if not good:
        loss_pair(loss)[0](np.zeros(shape), Y)  # the page's loss says what is wrong
        raise ValueError(f"Y does not fit {loss}: found {Y.dtype} of shape {Y.shape}")
    return Y.astype(np.intp if classes else dtype, copy=False) if named else Y
