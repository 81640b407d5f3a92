r"""Training: draw a batch, go forward, go back, step; and watch what happens."""

import sys
from typing import Any, NamedTuple

import numpy as np

from nnbook.functions._validate import check_count
from nnbook.learning._validate import check_batch, check_params, check_rng
from nnbook.learning.mlp import decide, forward, loss_and_grads, loss_pair
from nnbook.learning.optimizers import Optimizer


class Run(NamedTuple):
    """What `fit` returns.

    Attributes
    ----------
    params : list of (W, b)
        The last parameters that were finite.
    history : dict of lists
        ``"loss"`` and, with validation data, ``"validation_loss"``; where each example has one
        class also ``"accuracy"`` and ``"validation_accuracy"``. Entry t was measured after t
        epochs, entry 0 before training.
    steps : int
        Updates made.
    stopped : str or None
        None if all epochs were run; else the step at which a number was not finite, and which.
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
):
    r"""Train a network, and record loss and accuracy after each epoch.

    Parameters
    ----------
    params : list of (W, b)
        Where to start; not changed.
    X : ndarray, shape (N, d)
        One example a row.
    Y : ndarray
        Targets, one entry or row an example, in the form that the loss takes.
    optimizer : Optimizer
        ``sgd(alpha)``, ``momentum(alpha)`` or ``adam(alpha)``, from `nnbook.learning.optimizers`.
    epochs : int
        Passes over the data.
    batch_size : int, optional
        Examples a step; all of them if not given. The last batch of an epoch takes what is left.
    rng : numpy.random.Generator, optional
        Shuffles the examples anew for each epoch; needed when there is more than one batch.
    activation : str or (function, derivative), default "relu"
        φ of the hidden layers.
    loss : str or (function, gradient), default "cross_entropy"
        As for `nnbook.learning.mlp.loss_and_grads`.
    validation : (ndarray, ndarray), optional
        Examples and targets to measure on, never to learn from.
    state : nest, optional
        The optimizer's state, to continue an earlier run.
    progress : bool, optional
        Show a progress bar; if not given, in a terminal and after two seconds.

    Returns
    -------
    Run
        ``params``, ``history``, ``steps``, ``stopped``, ``state``.

    Raises
    ------
    ValueError, TypeError
        If the data do not fit the network or each other, or are not finite.

    Notes
    -----
    A step whose loss, gradient or result is not finite is not taken: training stops there and
    ``stopped`` says where and why.

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
    X, Y = _check_data("X", X, "Y", Y, check_params(params))
    if validation is not None:
        if not isinstance(validation, (tuple, list)) or len(validation) != 2:
            found = f" of length {len(validation)}" if hasattr(validation, "__len__") else ""
            raise TypeError("validation must be a pair (X, Y), found "
                            f"{type(validation).__name__}{found}")
        validation = _check_data(
            "validation[0]", validation[0], "validation[1]", validation[1], params
        )
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be one such as sgd(0.1) or adam(), found {optimizer!r}")
    N, epochs = len(X), check_count(epochs, "epochs", minimum=0)
    batch_size = N if batch_size is None else check_count(batch_size, "batch_size")
    if batch_size < N:
        check_rng(rng)
    loss_pair(loss)

    state = optimizer.init(params) if state is None else state
    history = {}
    _record(history, params, X, Y, validation, activation, loss)
    steps = 0
    for epoch in _progress(range(1, epochs + 1), progress):
        order = rng.permutation(N) if batch_size < N else np.arange(N)
        for start in range(0, N, batch_size):
            batch = order[start : start + batch_size]
            value, grads = loss_and_grads(params, X[batch], Y[batch], activation, loss)
            new_params, new_state = optimizer.update(grads, state, params)
            cause = _not_finite(value, grads, new_params)
            if cause:
                stopped = f"step {steps + 1}, in epoch {epoch}: {cause}"
                return Run(params, history, steps, stopped, state)
            params, state, steps = new_params, new_state, steps + 1
        _record(history, params, X, Y, validation, activation, loss)
    return Run(params, history, steps, None, state)


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
    X, Y = _check_data("X", X, "Y", Y, check_params(params))
    logits = forward(params, X, activation)[0]
    _check_classes(Y, logits.shape)
    return _share_right(logits, Y)


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


def _share_right(logits, Y):
    if Y.ndim == 2:
        Y = Y[:, 0] > 0.5 if Y.shape[1] == 1 else Y.argmax(axis=1)
    return float(np.mean(decide(logits) == Y))


def _record(history, params, X, Y, validation, activation, loss):
    value, _ = loss_pair(loss)
    parts = {"": (X, Y)} if validation is None else {"": (X, Y), "validation_": validation}
    for prefix, (examples, targets) in parts.items():
        logits, _ = forward(params, examples, activation)
        history.setdefault(f"{prefix}loss", []).append(float(value(logits, targets)))
        if loss == "cross_entropy" or (loss == "bce_with_logits" and logits.shape[1] == 1):
            history.setdefault(f"{prefix}accuracy", []).append(_share_right(logits, targets))


def _not_finite(value, grads, new_params):
    """Return what is not finite, in the order in which it was computed, or None."""
    if not np.isfinite(value):
        return f"the loss is {value}"
    for what, pairs in (("gradient", grads), ("updated value", new_params)):
        for layer, pair in enumerate(pairs, start=1):
            for letter, array in zip("Wb", pair, strict=True):
                if not np.isfinite(array).all():
                    return f"the {what} of {letter} in layer {layer} is not finite"
    return None


def _check_data(name_X, X, name_Y, Y, params):
    X, Y = check_batch(name_X, X, np.shape(params[0][0])[1]), np.asarray(Y)
    if len(X) == 0:
        raise ValueError(f"{name_X} must hold at least one example, found shape {X.shape}")
    if Y.ndim == 0 or len(Y) != len(X):
        raise ValueError(
            f"{name_Y} must hold one target for each of the {len(X)} rows of {name_X}, "
            f"found shape {Y.shape}"
        )
    return X, Y


def _progress(epochs, show):
    if show is None:
        show = sys.stderr.isatty()
    if not show:
        return epochs
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return epochs
    return tqdm(epochs, unit="epoch", delay=2)
