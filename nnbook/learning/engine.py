r"""The mathematics of `nnbook.learning.mlp` at the speed of the machine.

The page is `mlp`: four equations in a dozen lines, a list of (W, b), new arrays at each step. Here
is the same step as a list of NumPy calls, written once for each size of batch, in which every call
writes into a buffer that was allocated before training began. The parameters are one vector, so
that an optimizer is one pass over it; W and b are views of it.

Inside, a weight matrix is stored as (n_in, n_out): the products of both directions then read their
factors in the order in which they lie. `Engine.params` turns them round again. The levers stand in
`_products` (tiles for the BLAS kernel), `_workspace` (one aligned block), `_layer_steps` (masks
by bits, the loss in columns), `_program` (which calls in which order) and `_in_place` (one pass
over the flat vector), each with its gain.
"""

import math

import numpy as np

from nnbook.functions._validate import check_count, check_number
from nnbook.learning import _in_place, _workspace
from nnbook.learning._engine_input import (
    check_dtype,
    check_examples,
    check_generator,
    check_targets,
    quiet_context,
)
from nnbook.learning._not_finite import NotFinite, refuse_gradient, refuse_loss, refuse_update
from nnbook.learning._program import fill_constants, layers, layout_of, write_program
from nnbook.learning._updates import check_optimizer, check_state, rate_of
from nnbook.learning._validate import check_params
from nnbook.learning.mlp import activation_pair, loss_pair
from nnbook.learning.trees import tree_map


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
    float32 a gradient differs from the one in float64 by at most 2e-6 of its length (networks of up
    to 300 inputs and three layers, drawn at random; the median is 2e-7).

    An engine continued from another's `state` takes the same steps: bit for bit in float32, whose
    state is given in float64, and up to the rounding of the state in float64.

    Dropout is inverted: what is kept is divided by 1 − p. The masks of a step are drawn layer by
    layer, one number of ``dtype`` for each activation, which is kept if the number is p or more.

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
        self.dtype = check_dtype(dtype)
        self.optimizer = check_optimizer(optimizer)
        activation_pair(activation), loss_pair(loss)
        self.activation, self.loss = activation, loss
        self.dropout = check_number(dropout, "dropout", low=0.0, high=1.0)
        self.rng = check_generator(rng) if self.dropout else None
        self._rule = _in_place.rule_of(optimizer)
        layout = layout_of(
            self.sizes, self.batch_size, self.dtype, activation, self.dropout, self._rule
        )
        self._buffers = _workspace.allocate(layout)
        fill_constants(self._buffers, self.sizes, activation, self.dropout)
        self._p, self._g = self._buffers["p"], self._buffers["g"]
        self._views = layers(self._buffers["p"], self.sizes)
        self._slopes = layers(self._buffers["g"], self.sizes)
        self._programs, self._alpha, self._safe = {}, None, False
        self._quiet = quiet_context()
        self._quiet.run(self._fill, params)
        fresh = optimizer.init(params)
        self._quiet.run(self._take_state, fresh if state is None else state, fresh)

    # ------------------------------------------------------------------ parameters and state

    @property
    def params(self):
        """The parameters as a list of new (W, b), W of shape (n_out, n_in)."""
        return [(np.ascontiguousarray(W.T), b.copy()) for W, b in self._views]

    @property
    def state(self):
        """The optimizer's state, as its ``update`` would have returned it; its arrays float64."""
        if self._rule is None:
            return self._state
        nests = {
            name: [
                (factor * W.T.astype(np.float64), factor * b.astype(np.float64))
                for W, b in layers(self._slots[name], self.sizes)
            ]
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

    def _take_state(self, state, fresh):
        check_state(state, type(fresh))
        self._state, self._t = state, getattr(state, "t", 0)
        if self._rule is None:
            return
        self._slots = {name: self._buffers[f"slot {name}"] for name in self._rule.slots}
        for name, factor in self._rule.slots.items():
            for given, inner in zip(
                getattr(state, name), layers(self._slots[name], self.sizes), strict=True
            ):
                for array, place in zip(given, inner, strict=True):
                    if np.shape(array) != place.T.shape:
                        raise ValueError(
                            f"state: {name} has an array of shape {np.shape(array)} where params "
                            f"has one of {place.T.shape}; is it another network's?"
                        )
                    place[...] = np.asarray(array, np.float64).T / factor
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
            If the loss, the gradient or an updated value is not finite. The parameters and the
            optimizer's state stay as they were.
        """
        X = check_examples(X, self.sizes[0], self.batch_size)
        return self._quiet.run(self._step_on, X, Y)

    def _step_on(self, X, Y):
        n = len(X)
        Y = check_targets(self.loss, Y, (n, self.sizes[-1]), self.dtype)
        program = self._program(n)
        program.entry[...] = X
        return self._advance(program, n, Y)

    def targets(self, Y, n):
        """Return targets in the form and the dtype in which `step` works; refuse what cannot be."""
        return check_targets(self.loss, Y, (n, self.sizes[-1]), self.dtype)

    def entry(self, n):
        """Return the buffer in which `advance` finds n examples, to be filled."""
        return self._program(n).entry

    def logits(self, n):
        """Return the logits that the last step or measurement of n examples has left."""
        return self._program(n).logits

    def advance(self, n, Y):
        """Take a step on the n examples in `entry`, with targets that `targets` has passed.

        NumPy warns of an overflow here; `step` keeps it quiet.
        """
        return self._advance(self._program(n), n, Y)

    def _advance(self, program, n, Y):
        rule, t = self._rule, self._t
        alpha = self._rate(t) if rule else 0.0
        if alpha != self._alpha:  # else as for the last step
            self._alpha, settings = alpha, self.optimizer.settings
            self._safe = rule is not None and _in_place.cannot_overflow(settings, alpha)
        safe, p, g = self._safe, self._p, self._g
        folded = safe and rule.folds
        if self.dropout:
            self._draw(n)
        for function, arguments in program.forward:
            function(*arguments)
        value = program.loss(Y, (-alpha if folded else 1.0) / n)
        for function, arguments in program.backward:
            function(*arguments)
        # one product of the flat vector with itself: is any of its entries not finite?
        if not (math.isfinite(value) and math.isfinite(g.dot(g))):
            if not math.isfinite(value):
                refuse_loss(t + 1, value, program.activations, Y)
            refuse_gradient(t + 1, self._slopes, self.dtype)
            safe = False  # all are finite, and so large that their squares are not
        if folded and safe:
            np.add(p, g, p)
        elif safe:
            _in_place.update(rule, alpha, t, p, g, self._slots.values(), self._buffers["scratch"])
        else:
            self._step_with_care(-1.0 if folded else alpha)
        self._t = t + 1
        return value

    def _step_with_care(self, alpha):
        """Take a step that may overflow, or one by the page's own update; take it back if so."""
        if self._rule is None:
            shown = [(W.T, b) for W, b in self._views]
            slopes = [(W.T, b) for W, b in self._slopes]
            new, state = self.optimizer.update(slopes, self._state, shown)
            refuse_update(self._t + 1, new, self.dtype)
            tree_map(np.copyto, shown, new)
            self._state = state
            return
        p, g, scratch = (self._buffers[name] for name in ("p", "g", "scratch"))
        slots = list(self._slots.values())
        before = [array.copy() for array in (p, *slots)]
        _in_place.update(self._rule, alpha, self._t, p, g, slots, scratch)
        try:
            refuse_update(self._t + 1, self._views, self.dtype)
        except NotFinite:
            for array, old in zip((p, *slots), before, strict=True):
                array[...] = old
            raise

    # ------------------------------------------------------------------ measuring

    def forward(self, X):
        """Return the logits of any number of examples, shape (N, n_L); nothing is dropped."""
        X = check_examples(X, self.sizes[0])
        return self._quiet.run(self._measure, X, None)[1]

    def measure(self, X, Y):
        """Return the mean loss over any number of examples, and their logits.

        Parameters
        ----------
        X : ndarray, shape (N, d)
            The examples; nothing is dropped.
        Y : ndarray
            Their targets, as `targets` returns them.

        Returns
        -------
        loss : float
        logits : ndarray, shape (N, n_L)
        """
        return self._quiet.run(self._measure, X, Y)

    def _measure(self, X, Y):
        if 0 < len(X) <= self.batch_size:
            program = self._forward_of(X)
            return (program.loss(Y, None) if Y is not None else 0.0), program.logits.copy()
        logits, total = np.empty((len(X), self.sizes[-1]), self.dtype), 0.0
        for start in range(0, len(X), self.batch_size):
            part = slice(start, min(start + self.batch_size, len(X)))
            program = self._forward_of(X[part])
            logits[part] = program.logits
            if Y is not None:
                total += (part.stop - start) * program.loss(Y[part], None)
        return total / max(len(X), 1), logits

    def _forward_of(self, X):
        """Run a batch through the network, nothing dropped; return its program."""
        program = self._program(len(X))
        program.entry[...] = X
        for function, arguments in program.measure:
            function(*arguments)
        return program

    def _program(self, n):
        """Return the calls for n examples, written down when first wanted."""
        program = self._programs.get(n)
        if program is None:
            program = self._programs[n] = write_program(
                self._buffers, n, self.sizes, self.activation, self.loss, self.dropout
            )
        return program

    def _draw(self, n):
        """Draw what is dropped: 0 with probability p, else 1 / (1 − p)."""
        for layer in range(1, len(self.sizes) - 1):
            mask = self._buffers[f"M{layer}"][:n]
            self.rng.random(out=mask, dtype=self.dtype)
            np.greater_equal(mask, self.dropout, out=mask, casting="unsafe")
            np.multiply(mask, 1 / (1 - self.dropout), mask)


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
    dtype, batch_size = check_dtype(dtype), check_count(batch_size, "batch_size")
    return _workspace.bytes_of(layout_of(list(sizes), batch_size, dtype, activation, dropout, rule))
