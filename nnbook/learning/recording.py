r"""Recording: train a small network and keep what a diagnosis needs to see.

`record_run` is `nnbook.learning.fit` with a notebook at its side. It keeps the data, the order in
which they came, the parameters before and after the first step of each epoch, and the curves. It
also runs what you wrote yourself, a backward pass, a shuffle or an optimizer, and records what they
did, not what they should have done.
"""

from typing import NamedTuple

import numpy as np

from nnbook.functions._validate import as_float, check_count
from nnbook.learning._updates import check_optimizer
from nnbook.learning._validate import check_params, check_rng
from nnbook.learning.mlp import activation_pair, decide, forward, loss_and_grads, loss_pair

CLASS_LOSSES = ("cross_entropy", "bce_with_logits")


class Snapshot(NamedTuple):
    """One step, as it was taken.

    Attributes
    ----------
    epoch, step : int
        Epochs and steps completed before it.
    X, Y : ndarray
        The batch that was handed to the step.
    before, after : list of (W, b)
        The parameters; ``after`` is None if the step gave a number that was not finite.
    """

    epoch: int
    step: int
    X: np.ndarray
    Y: np.ndarray
    before: list
    after: list | None


class Record(NamedTuple):
    """What `record_run` returns and `diagnose` reads.

    Attributes
    ----------
    X, Y, X_validation, Y_validation : ndarray
        The examples and their targets.
    activation, loss : str
        As for `loss_and_grads`.
    optimizer : str
        Its name, empty if it is not one of the package.
    alpha : float
        Learning rate; of a schedule, the first.
    batch_size : int
        Examples a step.
    start, end : list of (W, b)
        The first parameters, and the last that were finite.
    history : dict of lists
        ``"loss"``, ``"accuracy"``, ``"validation_loss"``, ``"validation_accuracy"``, entry t after
        t epochs; NaN where the examples themselves are not finite.
    step_losses : ndarray
        Loss of each batch before its step, in the order of the steps, the last one included even
        if it was not finite.
    orders, target_orders : ndarray of int, shape (epochs begun, N)
        Which example, and whose target, came in which place.
    snapshots : list of Snapshot
        The first step of each epoch.
    stopped : str or None
        At which step a number was not finite, and which; None if all epochs were run.
    """

    X: np.ndarray
    Y: np.ndarray
    X_validation: np.ndarray
    Y_validation: np.ndarray
    activation: str
    loss: str
    optimizer: str
    alpha: float
    batch_size: int
    start: list
    end: list
    history: dict
    step_losses: np.ndarray
    orders: np.ndarray
    target_orders: np.ndarray
    snapshots: list
    stopped: str | None


@np.errstate(all="ignore")
def record_run(
    params, X, Y, validation, *, optimizer, epochs, batch_size, rng,
    activation="relu", loss="cross_entropy", gradients=None, shuffle=None,
):
    r"""Train a classifier and record it.

    Parameters
    ----------
    params : list of (W, b)
        Where to start; not changed.
    X : ndarray, shape (N, d)
        One example a row. NaN and infinity are let in: the record shows what they do.
    Y : ndarray
        Class indices of shape (N,) for ``"cross_entropy"``, 0 and 1 of shape (N, 1) for
        ``"bce_with_logits"``.
    validation : (ndarray, ndarray)
        Examples and targets to measure on.
    optimizer : Optimizer
        Such as ``sgd(0.1)``, or your own.
    epochs : int
        Passes over the data, at least 1.
    batch_size : int
        Examples a step; the last batch of an epoch takes what is left.
    rng : numpy.random.Generator
        Shuffles the examples anew for each epoch.
    activation : str, default "relu"
        Name of the hidden layers' φ.
    loss : {"cross_entropy", "bce_with_logits"}
        The loss.
    gradients : callable, optional
        ``gradients(params, X, Y)`` returns the loss of a batch and its gradients: your own forward
        and backward pass, in place of `loss_and_grads`.
    shuffle : callable, optional
        ``shuffle(epoch)`` returns the order of the examples, or a pair: the order of the examples
        and that of the targets. By default both are ``rng.permutation(N)``.

    Returns
    -------
    Record

    Raises
    ------
    ValueError, TypeError
        If the data do not fit the network or each other.

    See Also
    --------
    nnbook.learning.diagnose : what is wrong with a record.
    nnbook.learning.fit : trains any network, and keeps less.

    Notes
    -----
    A step whose loss, gradient or result is not finite is not taken; training stops there.

    Examples
    --------
    >>> from nnbook.learning import init_params, moons, sgd
    >>> rng = np.random.default_rng(0)
    >>> params = init_params([2, 16, 2], rng)
    >>> record = record_run(params, *moons(100, rng), moons(100, rng), optimizer=sgd(0.5),
    ...                     epochs=20, batch_size=20, rng=rng)
    >>> record.orders.shape, len(record.step_losses), record.stopped
    ((20, 100), 100, None)
    """
    X, Y = _check_examples("X", X, "Y", Y, params, loss)
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise TypeError(f"validation must be a pair (X, Y), found {type(validation).__name__}")
    validation = _check_examples("validation[0]", validation[0], "validation[1]", validation[1],
                                 params, loss)
    check_optimizer(optimizer)
    activation_pair(activation)
    if not isinstance(activation, str):
        raise TypeError(f"activation must be a name, found {activation!r}")
    epochs, batch_size = check_count(epochs, "epochs"), check_count(batch_size, "batch_size")
    rng, N = check_rng(rng), len(X)
    if gradients is None:
        def gradients(params, X, Y):
            return loss_and_grads(params, X, Y, activation, loss)

    history = {"loss": [], "accuracy": [], "validation_loss": [], "validation_accuracy": []}

    def measure(params):
        for prefix, (examples, targets) in {"": (X, Y), "validation_": validation}.items():
            value, share = _measured(params, examples, targets, activation, loss)
            history[f"{prefix}loss"].append(value)
            history[f"{prefix}accuracy"].append(share)

    measure(params)
    start, state, stopped = params, optimizer.init(params), None
    orders, losses, snapshots = [], [], []
    for epoch in range(epochs):
        orders.append(_order(shuffle(epoch) if shuffle else rng.permutation(N), N))
        for first in range(0, N, batch_size):
            places = slice(first, first + batch_size)
            batch = X[orders[-1][0][places]], Y[orders[-1][1][places]]
            value, new, state, cause = _step(gradients, optimizer, state, params, *batch)
            if first == 0 or cause:
                snapshots.append(Snapshot(epoch, len(losses), *batch, params, new))
            losses.append(value)
            if cause:
                stopped = f"step {len(losses)}, in epoch {epoch + 1}: {cause}"
                break
            params = new
        if stopped:
            break
        measure(params)
    examples, targets = (np.array(part) for part in zip(*orders, strict=True))
    return Record(
        X, Y, *validation, activation, loss, optimizer.name,
        float(optimizer.alpha(0) if callable(optimizer.alpha) else optimizer.alpha), batch_size,
        start, params, history, np.array(losses), examples, targets, snapshots, stopped,
    )


def _step(gradients, optimizer, state, params, X, Y):
    """Return loss, new parameters, new state, and what was not finite, in this order, or None."""
    if not np.isfinite(X).all():
        row, column = np.argwhere(~np.isfinite(X))[0]
        return np.nan, None, state, f"feature {column} of an example is {X[row, column]}"
    value, grads = gradients(params, X, Y)
    if not np.isfinite(value):
        return float(value), None, state, f"the loss is {value}"
    new, new_state = optimizer.update(grads, state, params)
    for what, pairs in (("gradient", grads), ("updated value", new)):
        for layer, pair in enumerate(pairs, start=1):
            for letter, array in zip("Wb", pair, strict=True):
                if not np.isfinite(array).all():
                    cause = f"the {what} of {letter} in layer {layer} is not finite"
                    return float(value), None, state, cause
    return float(value), new, new_state, None


def _measured(params, X, Y, activation, loss):
    if not np.isfinite(X).all():
        return np.nan, np.nan
    logits, _ = forward(params, X, activation)
    value = float(loss_pair(loss)[0](logits, Y))
    return value, float(np.mean(decide(logits) == Y.ravel()))


def _order(order, N):
    """Return the order of the examples and that of the targets."""
    pair = order if isinstance(order, tuple) else (order, order)
    for part in pair:
        if len(pair) != 2 or not np.array_equal(np.sort(part), np.arange(N)):
            raise ValueError(f"shuffle(epoch) must return an order of 0 to {N - 1}, or a pair of "
                             f"them, found {np.shape(part)} {part!r:.60}")
    return pair


def _check_examples(name_X, X, name_Y, Y, params, loss):
    check_params(params)
    if loss not in CLASS_LOSSES:
        raise ValueError(f"loss must be one of {', '.join(CLASS_LOSSES)}, found {loss!r}")
    n_in, K = np.shape(params[0][0])[1], np.shape(params[-1][0])[0]
    X, Y = as_float(X, name_X), np.asarray(Y)
    if X.ndim != 2 or X.shape[1] != n_in or len(X) == 0:
        raise ValueError(f"{name_X} must have the shape (N, {n_in}), one example a row, at least "
                         f"one, found {X.shape}")
    expected = (len(X),) if loss == "cross_entropy" else (len(X), 1)
    if Y.shape != expected or (loss == "bce_with_logits" and K != 1):
        raise ValueError(f"{name_Y} must have the shape {expected} for {loss} on {len(X)} "
                         f"examples, found {Y.shape}, and the network {K} logits")
    classes = range(K if loss == "cross_entropy" else 2)
    if Y.dtype.kind not in "iufb" or not np.isin(Y, classes).all():
        raise ValueError(f"{name_Y} must hold the classes 0 to {classes[-1]}, found {Y.dtype} "
                         f"{np.unique(Y)!s:.60}")
    return X, Y
