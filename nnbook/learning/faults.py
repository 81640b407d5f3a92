r"""Faults: ten ways to break a training run, as learners break them, and runs that are sound.

`broken_run` draws the task, the network, the optimizer and the way of going wrong, and returns the
record of the run. The record does not say what was done: finding out is the reader's part, and
`nnbook.learning.diagnose`'s.
"""

from types import MappingProxyType

import numpy as np

from nnbook.learning._validate import check_rng
from nnbook.learning.acceleration import momentum
from nnbook.learning.adam_family import adam
from nnbook.learning.mlp import init_params, loss_and_grads
from nnbook.learning.optimizers import Optimizer, sgd
from nnbook.learning.recording import record_run
from nnbook.learning.toy_data import circles, moons
from nnbook.learning.trees import tree_map

BOUNDED = ("tanh", "sigmoid")
UNBOUNDED = ("relu", "leaky_relu", "gelu", "silu", "elu")

FAULTS = MappingProxyType({
    "vanishing": "the gradient shrinks from layer to layer on its way back: many logistic layers, "
                 "or weights drawn too small for the depth",
    "exploding": "the signal grows from layer to layer because the weights are too large, or each "
                 "step overshoots because the learning rate is",
    "dead": "most rectified units of a layer are negative on every example: very negative biases, "
            "or negative weights on inputs that are never negative",
    "saturated": "most units of a layer sit on the flat part of tanh or of the logistic function: "
                 "weights or biases drawn too large",
    "overfit": "a wide network learns few, noisy examples by heart",
    "sign": "a minus is lost, in the update or in the backward pass, and parameters climb",
    "scale": "one feature, or all, hundreds or thousands of times too large: not standardised",
    "leak": "validation tells nothing: it holds training examples, or the label is a feature",
    "stale shuffle": "the order of the examples repeats, keeps the same batches together, sorts "
                     "the classes, or was drawn anew for the examples and not for their targets",
    "nan": "a number that is none: missing values, 0/0 in a feature that is constant, log 0, or an "
           "optimizer that divides by a root of zero",
})


def broken_run(fault, rng):
    r"""Train a network with one of ten faults, or with none, and record it.

    Parameters
    ----------
    fault : str
        A key of `FAULTS`, or ``"healthy"``.
    rng : numpy.random.Generator
        Draws everything: data, network, optimizer, learning rate, and the variant of the fault.

    Returns
    -------
    Record
        As `record_run` returns it, without the name of the fault.

    Raises
    ------
    ValueError, TypeError
        If the fault is unknown, or ``rng`` cannot draw.

    Notes
    -----
    A run takes some hundredths of a second. The task has 2 to 5 classes in 2 to 8 dimensions
    (overfit: up to 20) and 200 to 400 examples (overfit: fewer), standardised to within a
    factor of 2. The network has 1 to 4 hidden layers, more
    where the fault is one of depth. The optimizer is `sgd`, `momentum` or `adam`.

    Examples
    --------
    >>> record = broken_run("overfit", np.random.default_rng(0))
    >>> record.history["accuracy"][-1] > record.history["validation_accuracy"][-1] + 0.1
    True
    """
    check_rng(rng)
    if fault != "healthy" and fault not in tuple(FAULTS):
        raise ValueError(f"fault must be healthy or one of {', '.join(FAULTS)}, found {fault!r}")
    recipe = _BREAK[fault](rng)
    validation = recipe.pop("X_validation"), recipe.pop("Y_validation")
    return record_run(**recipe, validation=validation)


def _healthy(rng):
    return _recipe(rng)


def _vanishing(rng):
    if rng.random() < 0.5:
        recipe = _recipe(rng, activation="sigmoid", hidden=int(rng.integers(4, 9)))
    else:
        hidden = int(rng.integers(3, 7))
        recipe = _recipe(rng, activation=rng.choice(["tanh", "relu", "leaky_relu"]), hidden=hidden)
        _rescale(recipe, (10 ** rng.uniform(-5, -3)) ** (1 / hidden))
    return recipe


def _exploding(rng):
    if rng.random() < 0.5:
        hidden = int(rng.integers(3, 8))
        recipe = _recipe(rng, activation=rng.choice(UNBOUNDED), hidden=hidden)
        _rescale(recipe, (10 ** rng.uniform(2, 4)) ** (1 / hidden))
    else:
        recipe = _recipe(
            rng, activation=rng.choice(["tanh", *UNBOUNDED]), hidden=int(rng.integers(1, 4)))
        large = 10 ** rng.uniform(1.3, 2.5)
        kinds = {"sgd": sgd(large), "momentum": momentum(large / 5), "adam": adam(large / 15)}
        recipe["optimizer"] = kinds[recipe["optimizer"].name]
    return recipe


def _dead(rng):
    recipe = _recipe(rng, activation="relu")
    params = recipe["params"]
    if rng.random() < 0.5:
        layers = range(len(params) - 1) if rng.random() < 0.5 else [rng.integers(len(params) - 1)]
        for layer in layers:
            W, b = params[layer]
            params[layer] = W, b - rng.uniform(6, 12)
    else:
        _features_between_0_and_1(recipe)
        W, b = params[0]
        params[0] = -np.abs(W), b
    return recipe


def _saturated(rng):
    activation = rng.choice(BOUNDED)
    recipe = _recipe(rng, activation=activation, hidden=int(rng.integers(1, 4)))
    if rng.random() < 0.6:
        _rescale(recipe, rng.uniform(8, 25) * (2 if activation == "sigmoid" else 1), last=False)
    else:
        for layer, (W, b) in enumerate(recipe["params"][:-1]):
            side = rng.choice([-1.0, 1.0], size=b.shape)
            recipe["params"][layer] = W, b + side * rng.uniform(10, 20)
    return recipe


def _overfit(rng):
    K, d, n = int(rng.integers(2, 4)), int(rng.integers(8, 21)), int(rng.integers(20, 51))
    recipe = _recipe(
        rng, hidden=int(rng.integers(1, 3)), activation=rng.choice(["relu", "tanh", "leaky_relu"]),
        task=_blobs(rng, n + 200, K, d, rng.uniform(1.5, 2.5)), n=n, width=(48, 97),
    )
    for name in ("Y", "Y_validation"):  # a share of the labels is wrong in both, as labels are
        Y = recipe[name]
        wrong = rng.random(Y.shape) < rng.uniform(0.15, 0.3)
        recipe[name] = np.where(wrong, (Y + rng.integers(1, K, Y.shape)) % K, Y)
    recipe["optimizer"] = adam(rng.uniform(0.005, 0.015))
    recipe["epochs"], recipe["batch_size"] = int(rng.integers(50, 80)), int(rng.integers(10, 21))
    return recipe


def _sign(rng):
    recipe = _recipe(rng)
    optimizer, variant = recipe["optimizer"], rng.integers(3)
    if variant == 0:  # theta + alpha g
        def update(grads, state, params):
            return optimizer.update(tree_map(np.negative, grads), state, params)
        recipe["optimizer"] = optimizer._replace(update=update)
        return recipe
    wrong_way = _first_layers if variant == 1 else _all_layers

    def gradients(params, X, Y):  # Y - P in place of P - Y, or a minus on the way back
        value, grads = loss_and_grads(params, X, Y, recipe["activation"], recipe["loss"])
        return value, wrong_way(grads)

    recipe["gradients"] = gradients
    return recipe


def _all_layers(grads):
    return tree_map(np.negative, grads)


def _first_layers(grads):
    return [*tree_map(np.negative, grads[:-1]), grads[-1]]


def _scale(rng):
    recipe = _recipe(rng)
    d = recipe["X"].shape[1]
    factors, large = np.ones(d), 10 ** rng.uniform(2, 4)
    if rng.random() < 0.7:
        factors[rng.choice(d, size=rng.integers(1, max(2, d // 2)), replace=False)] = large
    else:
        factors[:] = large
    for name in ("X", "X_validation"):
        recipe[name] = recipe[name] * factors
    return recipe


def _leak(rng):
    recipe = _recipe(rng)
    X, Y, X_validation, Y_validation = (
        recipe[name].copy() for name in ("X", "Y", "X_validation", "Y_validation"))
    if rng.random() < 0.5:
        count = min(len(X), int(rng.uniform(0.3, 1.0) * len(X_validation)))
        into = rng.choice(len(X_validation), count, replace=False)
        taken = rng.choice(len(X), count, replace=False)
        X_validation[into], Y_validation[into] = X[taken], Y[taken]
    else:  # the label, or a number computed from it, among the features
        names = rng.permutation(int(Y.max()) + 1).astype(float)
        place, noise = rng.integers(X.shape[1] + 1), rng.uniform(0, 0.05)
        column, other = (names[labels.ravel().astype(int)] + noise * rng.normal(size=len(labels))
                         for labels in (Y, Y_validation))
        mean, sd = column.mean(), column.std()
        X = np.insert(X, place, (column - mean) / sd, axis=1)
        X_validation = np.insert(X_validation, place, (other - mean) / sd, axis=1)
        W, b = recipe["params"][0]
        recipe["params"][0] = np.insert(W, place, rng.permutation(W[:, 0]), axis=1), b
    return recipe | {"X": X, "Y": Y, "X_validation": X_validation, "Y_validation": Y_validation}


def _stale(rng):
    recipe = _recipe(rng)
    Y, B = recipe["Y"].ravel(), recipe["batch_size"]
    N, variant = len(Y), rng.integers(4)
    once = rng.permutation(N)
    by_class = np.argsort(Y, kind="stable")

    def shuffle(epoch):
        if variant == 0:  # drawn once, before the loop
            return once
        if variant == 1:  # as the file has it, sorted by class
            return by_class
        if variant == 2:  # the batches in another order, the same examples in each
            starts = rng.permutation(np.arange(0, N, B))
            return np.concatenate([once[i:i + B] for i in starts])
        return rng.permutation(N), once  # the examples anew, their targets not

    recipe["shuffle"] = shuffle
    return recipe


def _nan(rng):
    recipe = _recipe(rng)
    X, variant = recipe["X"].copy(), rng.integers(4)
    rows, column = rng.choice(len(X), int(rng.integers(1, 9)), replace=False), rng.integers(
        X.shape[1])
    if variant == 0:  # missing values
        X[rows, column] = np.nan
    elif variant == 1:  # (x - mean) / sd of a constant feature
        X[:, column] = recipe["X_validation"][:, column] = np.nan
    elif variant == 2:  # log 0
        X[rows, column] = -np.inf
    else:  # x / sqrt(v) without epsilon, and a feature that is always 0, as a picture's corner
        X[:, column] = recipe["X_validation"][:, column] = 0.0
        recipe["optimizer"] = _careless_rmsprop(rng.uniform(0.001, 0.01))
    return recipe | {"X": X}


def _careless_rmsprop(alpha, beta=0.9):
    def update(grads, v, params):
        v = tree_map(lambda v, g: beta * v + (1 - beta) * g * g, v, grads)
        return tree_map(lambda p, g, v: p - alpha * g / np.sqrt(v), params, grads, v), v

    return Optimizer(lambda params: tree_map(np.zeros_like, params), update, "", alpha)


_BREAK = {
    "healthy": _healthy, "vanishing": _vanishing, "exploding": _exploding, "dead": _dead,
    "saturated": _saturated, "overfit": _overfit, "sign": _sign, "scale": _scale, "leak": _leak,
    "stale shuffle": _stale, "nan": _nan,
}


def _recipe(rng, *, activation=None, hidden=None, task=None, n=None, width=(12, 33)):
    """Draw a sound run: the arguments of `record_run`."""
    n = int(rng.integers(200, 401)) if n is None else n
    X, Y, K = _task(rng, n + int(rng.integers(150, 301))) if task is None else task
    mean, sd = X[:n].mean(axis=0), X[:n].std(axis=0)
    X = (X - mean) / sd * rng.uniform(0.5, 2.0, size=X.shape[1])  # units differ a little
    activation = rng.choice([*UNBOUNDED, *BOUNDED]) if activation is None else activation
    if hidden is None:
        hidden = int(rng.integers(1, 3 if activation == "sigmoid" else 5))
    loss, outputs = "cross_entropy", K
    if K == 2 and rng.random() < 0.5:
        loss, outputs, Y = "bce_with_logits", 1, Y[:, np.newaxis]
    init = rng.choice(["glorot_uniform", "lecun_normal"]) if activation in BOUNDED else "he_normal"
    sizes = [X.shape[1], *rng.integers(*width, hidden), outputs]
    kind = "adam" if activation == "sigmoid" else rng.choice(["sgd", "momentum", "adam"])
    alpha = {"sgd": rng.uniform(0.05, 0.2), "momentum": rng.uniform(0.01, 0.05),
             "adam": rng.uniform(0.003, 0.01) * (3 if activation == "sigmoid" else 1)}[kind]
    optimizer = {"sgd": sgd, "momentum": momentum, "adam": adam}[kind](alpha)
    return {
        "params": init_params([int(size) for size in sizes], rng, str(init)),
        "X": X[:n], "Y": Y[:n], "X_validation": X[n:], "Y_validation": Y[n:],
        "optimizer": optimizer, "epochs": int(rng.integers(8, 16)),
        "batch_size": int(rng.choice([24, 32, 48])), "rng": rng, "activation": str(activation),
        "loss": loss, "gradients": None, "shuffle": None,
    }


def _task(rng, n):
    kind = rng.integers(4)
    if kind == 0:
        return *moons(n, rng, noise=rng.uniform(0.1, 0.3)), 2
    if kind == 1:
        return *circles(n, rng, noise=rng.uniform(0.05, 0.15)), 2
    K, d = int(rng.integers(2, 6)), int(rng.integers(3, 9))
    return _blobs(rng, n, K, d, rng.uniform(3.0, 4.5))


def _blobs(rng, n, K, d, apart):
    """Draw normal clouds of unit spread, their middles at that distance from the origin."""
    middles = rng.standard_normal((K, d))
    middles *= apart / np.linalg.norm(middles, axis=1, keepdims=True)
    Y = rng.permutation(np.arange(n) % K)
    return middles[Y] + rng.standard_normal((n, d)), Y, K


def _rescale(recipe, factor, last=True):
    count = len(recipe["params"]) - (not last)
    recipe["params"] = [(W * factor, b) if layer < count else (W, b)
                        for layer, (W, b) in enumerate(recipe["params"])]


def _features_between_0_and_1(recipe):
    low, high = recipe["X"].min(axis=0), recipe["X"].max(axis=0)
    for name in ("X", "X_validation"):
        recipe[name] = (recipe[name] - low) / (high - low)
