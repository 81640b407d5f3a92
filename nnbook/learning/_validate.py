"""What the functions of this package check before they compute, and what they say."""

import numpy as np


def check_rng(rng):
    """Return ``rng`` if it can draw numbers, else say how to make one."""
    # RandomState draws by other algorithms; it is let in so that an experiment that was drawn from
    # `np.random.seed(s)` can be repeated draw by draw.
    if isinstance(rng, (np.random.Generator, np.random.RandomState)):
        return rng
    raise TypeError(
        f"rng must be a numpy.random.Generator, found {_describe(rng)}; "
        "write rng=np.random.default_rng(0), with a seed of your own"
    )


def check_params(params):
    """Return ``params`` as a list of (W, b) pairs whose shapes fit one another."""
    if not isinstance(params, (list, tuple)) or len(params) == 0:
        raise TypeError(
            "params must be a list of (W, b) pairs, one for each layer, "
            f"found {_describe(params)}; init_params makes one"
        )
    n_previous = None
    for layer, pair in enumerate(params, start=1):
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise TypeError(f"params: layer {layer} must be a pair (W, b), found {_describe(pair)}")
        W_shape, b_shape = np.shape(pair[0]), np.shape(pair[1])
        if len(W_shape) != 2 or b_shape != W_shape[:1]:
            raise ValueError(
                f"params: layer {layer} must have W of shape (n_out, n_in) and b of shape "
                f"(n_out,), found W {W_shape} and b {b_shape}"
            )
        if n_previous is not None and W_shape[1] != n_previous:
            raise ValueError(
                f"params: layer {layer} takes {W_shape[1]} inputs but layer {layer - 1} gives "
                f"{n_previous}; W has the shape (n_out, n_in): is one transposed?"
            )
        n_previous = W_shape[0]
    return params


def check_batch(name, X, n_features=None):
    """Return ``X`` as a finite array of shape (N, d), one example a row."""
    X = np.asarray(X)
    if X.dtype.kind in "biu":
        X = X.astype(np.float64)
    if X.dtype.kind != "f":
        raise TypeError(f"{name} must hold real numbers, found an array of {X.dtype}")
    if X.ndim != 2:
        hint = f"; for one example write {name}[np.newaxis, :]" if X.ndim == 1 else ""
        raise ValueError(
            f"{name} must have the shape (N, d), one example a row, found {X.shape}{hint}"
        )
    if n_features is not None and X.shape[1] != n_features:
        hint = "; are the examples its columns?" if X.shape[0] == n_features else ""
        raise ValueError(
            f"{name} has {X.shape[1]} columns but the first layer takes {n_features} "
            f"features, found {name} of shape {X.shape}{hint}"
        )
    finite = np.isfinite(X)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise ValueError(
            f"{name} must be finite, found {X[row, column]} at row {row}, column {column} "
            f"and {np.size(finite) - np.count_nonzero(finite)} such in all"
        )
    return X


def _describe(value):
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    text = repr(value)
    if len(text) > 60:
        text = text[:57] + "..."
    return f"{type(value).__name__} {text}"
