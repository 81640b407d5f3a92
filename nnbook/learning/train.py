r"""Training: draw a batch, go forward, go back, step; and watch what happens."""

from typing import Any, NamedTuple

import numpy as np

from nnbook.functions._validate import check_count
from nnbook.learning._engine_input import check_dtype, quiet_context
from nnbook.learning._layer_steps import FUSED
from nnbook.learning._not_finite import NotFinite
from nnbook.learning._training import (
    Best,
    Epoch,
    Tally,
    blas_threads,
    classes_of,
    interruption_between_steps,
    latest,
    progress_bar,
    share_right,
    take_steps,
)
from nnbook.learning._updates import check_optimizer
from nnbook.learning._validate import check_batch, check_params, check_rng
from nnbook.learning.engine import Engine
from nnbook.learning.mlp import forward, loss_pair


class Run(NamedTuple):
    """What `fit` returns.

    Attributes
    ----------
    params : list of (W, b)
        The last parameters that were finite; with ``patience``, those of the lowest validation
        loss. In the dtype of the run.
    history : dict of lists
        ``"loss"`` and, with validation data, ``"validation_loss"``; where each example has one
        class also ``"accuracy"`` and ``"validation_accuracy"``. Entry t belongs to epoch t, entry
        0 to the start.
    steps : int
        Updates made.
    stopped : str or None
        None if all epochs were run; else when and why not.
    state : nest
        The optimizer's state, to go on from here.
    """

    params: list
    history: dict
    steps: int
    stopped: str | None
    state: Any


def fit(
    params,
    X,
    Y,
    *,
    optimizer,
    epochs,
    batch_size=None,
    rng=None,
    activation="relu",
    loss="cross_entropy",
    validation=None,
    state=None,
    progress=None,
    dtype=np.float32,
    dropout=0.0,
    patience=None,
    callbacks=(),
    measure_all=None,
):
    r"""Train a network, and record loss and accuracy of each epoch.

    Parameters
    ----------
    params : list of (W, b)
        Where to start; not changed.
    X : ndarray, shape (N, d)
        One example a row.
    Y : ndarray
        Targets, one entry or row an example, in the form that the loss takes.
    optimizer : Optimizer
        Such as ``sgd(alpha)`` or ``adam(alpha)``, from `nnbook.learning.optimizers`.
    epochs : int
        Passes over the data, at least 1.
    batch_size : int, optional
        Examples a step, at most N; all of them if not given. The last batch of an epoch takes what
        is left.
    rng : numpy.random.Generator, optional
        Shuffles the examples anew for each epoch, and draws what is dropped; needed when there is
        more than one batch, or dropout.
    activation : str or (function, derivative), default "relu"
        φ of the hidden layers.
    loss : str or (function, gradient), default "cross_entropy"
        As for `nnbook.learning.mlp.loss_and_grads`.
    validation : (ndarray, ndarray), optional
        Examples and targets to measure on after each epoch, never to learn from.
    state : nest, optional
        The optimizer's state, to continue an earlier run.
    progress : bool, optional
        Show a progress bar; if not given, in a terminal and after two seconds.
    dtype : dtype, default float32
        float32 or float64: what everything is computed in, and what the parameters come back in.
    dropout : float, default 0
        Probability with which an activation of a hidden layer is dropped in a step, in [0, 1).
    patience : int, optional
        Stop when the validation loss has not fallen below its lowest for so many epochs. The
        parameters and the state returned are those of the lowest, whether it stopped or not.
    callbacks : sequence of callable, optional
        Each is called after each epoch with an object that has ``number`` (of the epoch),
        ``steps``, ``measured`` (the last entries of the history) and ``params`` (a copy, made when
        asked for). One that returns True stops the run.
    measure_all : bool, optional
        Whether ``"loss"`` and ``"accuracy"`` are measured on all examples, before training and
        after each epoch: another forward pass, half the time of a step on each. If False they are
        means over the batches of the epoch, each before its step, with its dropout; entry 0 is the
        first batch. If not given, False if an epoch has several batches, and True if it has one:
        then the next step measures anyway.

    Returns
    -------
    Run
        ``params``, ``history``, ``steps``, ``stopped``, ``state``.

    Raises
    ------
    ValueError, TypeError
        If the data do not fit the network or each other, or are not finite; if there are no epochs,
        or a batch is larger than the data.

    Notes
    -----
    The steps are those of `nnbook.learning.engine.Engine`. One whose loss, gradient or result is
    not finite is not taken: training stops there, and ``stopped`` names the step, the layer and
    the likely cause. After an interruption (Ctrl-C) what was reached is returned, with
    ``stopped`` saying so.

    While its products are small BLAS is held to one thread, if threadpoolctl is installed.

    Examples
    --------
    >>> from nnbook.learning.data import xor
    >>> from nnbook.learning.mlp import init_params
    >>> from nnbook.learning.optimizers import sgd
    >>> X, y = xor()
    >>> params = init_params([2, 16, 1], np.random.default_rng(0))
    >>> run = fit(params, X, y, optimizer=sgd(1.0), epochs=500, loss="bce_with_logits")
    >>> run.history["accuracy"][-1], run.steps, run.stopped
    (1.0, 500, None)
    """
    d = np.shape(check_params(params)[0][0])[1]
    if validation is not None:
        if not isinstance(validation, (tuple, list)) or len(validation) != 2:
            found = f" of length {len(validation)}" if hasattr(validation, "__len__") else ""
            raise TypeError("validation must be a pair (X, Y), found "
                            f"{type(validation).__name__}{found}")
    check_optimizer(optimizer)
    dtype = check_dtype(dtype)
    X = _check_examples("X", X, d, dtype)
    N, epochs = len(X), check_count(epochs, "epochs")
    batch_size = N if batch_size is None else check_count(batch_size, "batch_size")
    if batch_size > N:
        raise ValueError(f"batch_size must be at most the {N} examples of X, found {batch_size}; "
                         "leave it out to take all of them at each step")
    if batch_size < N:
        check_rng(rng)
    callbacks = _check_callbacks(callbacks)
    best = _check_patience(patience, validation)
    engine = Engine(params, batch_size, optimizer=optimizer, activation=activation, loss=loss,
                    dtype=dtype, dropout=dropout, rng=rng, state=state)  # fmt: skip
    parts = {"": _ready(engine, "X", X, "Y", Y)}
    if validation is not None:
        A = _check_examples("validation[0]", validation[0], d, dtype)
        parts["validation_"] = _ready(engine, "validation[0]", A, "validation[1]", validation[1])

    whole = batch_size == N
    measure_all = whole if measure_all is None else bool(measure_all)
    # with one batch an epoch, the next step measures what the last one did
    late = measure_all and whole and not (dropout or callbacks or best)
    history, tally, stopped, epoch = {}, Tally(N, engine.sizes[-1], dtype), None, 0
    quiet, (examples, targets, classes) = quiet_context(), parts[""]

    def write(prefix, loss, share):
        history.setdefault(f"{prefix}loss", []).append(loss)
        if classes is not None:
            history.setdefault(f"{prefix}accuracy", []).append(share)

    def measure(prefix):
        A, Y, labels = parts[prefix]
        loss, logits = engine.measure(A, Y)
        write(prefix, loss, share_right(logits, labels))

    def write_first():
        loss, n = tally.first
        labels = classes if classes is None or whole else classes[order[:n]]
        write("", loss, share_right(tally.logits[:n], labels))

    if validation is not None:
        measure("validation_")
        if best:
            best.look(engine, history["validation_loss"][0], 0)
    if measure_all and not late:
        measure("")
    with interruption_between_steps() as asked, blas_threads(_largest_product(engine)):
        try:
            for epoch in progress_bar(range(1, epochs + 1), progress):
                order = None if whole else rng.permutation(N)
                quiet.run(take_steps, engine, examples, targets, order, tally, asked)
                if late:
                    write("", *tally.mean(classes, order))
                elif measure_all:
                    measure("")
                else:
                    if epoch == 1:
                        write_first()
                    write("", *tally.mean(classes, order))
                if validation is not None:
                    measure("validation_")
                if callbacks:
                    seen = Epoch(epoch, tally.steps, latest(history), lambda: engine.params)
                    if any([callback(seen) is True for callback in callbacks]):
                        stopped = f"after epoch {epoch}: a callback asked for it"
                if best and best.look(engine, history["validation_loss"][-1], epoch):
                    stopped = (f"after epoch {epoch}: the validation loss was lowest after epoch "
                               f"{best.epoch}, whose parameters these are")
                if stopped:
                    break
        except NotFinite as error:
            stopped = f"step {tally.steps + 1}, in epoch {epoch}: {error.cause}"
        except KeyboardInterrupt:
            stopped = f"interrupted in epoch {epoch}, after {tally.steps} steps"
    if late or "loss" not in history:  # late, or stopped within the first epoch
        measure("") if late or tally.first is None else write_first()
    params, state = best.kept if best else (engine.params, engine.state)
    return Run(params, history, tally.steps, stopped, state)


def accuracy(params, X, Y, activation="relu"):
    r"""Return the share of examples whose class is predicted right.

    Parameters
    ----------
    params : list of (W, b)
        The network.
    X : ndarray, shape (N, d)
        One example a row.
    Y : ndarray
        Class indices, shape (N,); or 0 and 1, shape (N, 1), for a single logit; or probabilities,
        shape (N, K), of which the largest names the class.
    activation : str or (function, derivative), default "relu"
        φ of the hidden layers.

    Returns
    -------
    float
        Between 0 and 1.
    """
    logits, Y = forward(params, X, activation)[0], np.asarray(Y)
    if len(logits) == 0:
        raise ValueError(f"X must hold at least one example, found shape {np.shape(X)}")
    _check_one_target_each("X", logits, "Y", Y)
    _check_classes(Y, logits.shape)
    if Y.ndim == 2:
        Y = Y[:, 0] > 0.5 if Y.shape[1] == 1 else Y.argmax(axis=1)
    return share_right(logits, Y)


def _check_classes(Y, shape):
    """Refuse labels that no prediction could equal: every one would count as an error."""
    classes = max(2, shape[1])
    if Y.dtype.kind not in "fiub" or Y.ndim > 2:
        raise TypeError(f"Y must hold class indices of shape ({shape[0]},) or probabilities of "
                        f"shape {shape}, found {Y.dtype} of shape {Y.shape}")
    if Y.ndim == 2 and Y.shape != shape:
        raise ValueError(f"Y must have shape ({shape[0]},) or that of the logits, {shape}, found "
                         f"{Y.shape}")
    if Y.ndim == 1 and not np.isin(Y, range(classes)).all():
        i = int(np.argmin(np.isin(Y, range(classes))))
        hint = "; if your classes count from 1, subtract 1" if Y[i] == classes else ""
        raise ValueError(f"Y[{i}] is {Y[i]}, but the network has the classes 0 to "
                         f"{classes - 1}{hint}")


def _check_examples(name, X, d, dtype):
    """Return the examples in ``dtype``, finite and one after the other in memory."""
    found = np.asarray(X)
    if found.dtype.kind in "fiub" and found.ndim == 2 and found.shape[1] == d and len(found):
        with np.errstate(over="ignore"):
            X = np.ascontiguousarray(found, dtype)
        if np.isfinite(X).all():
            return X
    if len(check_batch(name, found, d)) == 0:  # says what is wrong, if anything is
        raise ValueError(f"{name} must hold at least one example, found shape {found.shape}")
    raise ValueError(f"{name} holds numbers too large for {dtype}; scale {name}, or pass "
                     "dtype=np.float64")


def _ready(engine, name_X, X, name_Y, Y):
    """Return examples, targets as the engine takes them, and the classes or None."""
    N, outputs, loss, Y = len(X), engine.sizes[-1], engine.loss, np.asarray(Y)
    _check_one_target_each(name_X, X, name_Y, Y)
    targets = engine.targets(Y, N)
    if isinstance(loss, str) and not (loss in FUSED and np.isfinite(targets).all()):
        loss_pair(loss)[0](np.zeros((N, outputs)), Y)  # says what is wrong, if anything is
    return X, targets, classes_of(loss, targets, outputs)


def _largest_product(engine):
    """Return the multiply-adds of the largest product of a step."""
    layers = zip(engine.sizes[:-1], engine.sizes[1:], strict=True)
    return engine.batch_size * max(n_in * n_out for n_in, n_out in layers)


def _check_callbacks(callbacks):
    callbacks = (callbacks,) if callable(callbacks) else tuple(callbacks or ())
    for callback in callbacks:
        if not callable(callback):
            raise TypeError(f"callbacks must be functions of one argument, found {callback!r:.60}")
    return callbacks


def _check_patience(patience, validation):
    if patience is None:
        return None
    if validation is None:
        raise ValueError("patience needs validation=(X, Y): it waits for the validation loss")
    return Best(check_count(patience, "patience"))


def _check_one_target_each(name_X, X, name_Y, Y):
    if Y.ndim == 0 or len(Y) != len(X):
        raise ValueError(
            f"{name_Y} must hold one target for each of the {len(X)} rows of {name_X}, "
            f"found shape {Y.shape}"
        )
