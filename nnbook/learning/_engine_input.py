"""What an engine checks before it computes, and the context in which it does."""

import contextvars
import functools

import numpy as np

from nnbook.learning._layer_steps import FUSED
from nnbook.learning.mlp import loss_pair


def quiet_context():
    """Return a context in which NumPy does not warn, to run a step in.

    What a step cannot compute, it says itself. ``np.errstate`` around each step does the same for
    a microsecond, a tenth of a step of the smallest networks; running in a context costs a
    twentieth of that.
    """
    context = contextvars.copy_context()
    context.run(np.seterr, all="ignore")
    return context


def check_dtype(dtype):
    """Return float32 or float64 as a dtype."""
    found = np.dtype(dtype)
    if found not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, found {found}")
    return found


def check_generator(rng):
    """Return what draws the masks of dropout."""
    if isinstance(rng, np.random.Generator):
        return rng
    raise TypeError(
        f"rng must be a numpy.random.Generator where something is dropped, found {rng!r:.60}; "
        "write rng=np.random.default_rng(0), with a seed of your own"
    )


def check_examples(X, d, most=None):
    """Return X as an array of real numbers, one example a row, at most so many."""
    X = np.asarray(X)
    if X.dtype.kind not in "fiub":
        raise TypeError(f"X must hold real numbers, found an array of {X.dtype}")
    if X.ndim == 2 and X.shape[1] == d and (most is None or 0 < len(X) <= most):
        return X
    rows = "(N" if most is None else f"(n, with n from 1 to batch_size = {most}"
    raise ValueError(f"X must have shape {rows}, {d}), found {X.shape}")


def check_targets(loss, Y, shape, dtype):
    """Return the targets of a batch as the loss of the engine takes them; refuse what cannot be."""
    Y = np.asarray(Y)
    if loss not in FUSED:
        return Y  # the loss itself checks
    if Y.ndim == 1 and loss == "cross_entropy":
        if Y.shape == shape[:1] and Y.dtype.kind in "iu":
            classes = Y.astype(np.intp, copy=False)
            # read without its sign a negative class is the largest of all: one pass finds both
            if np.maximum.reduce(classes.view(np.uintp)) < shape[1]:
                return classes
    elif Y.shape == shape and Y.dtype.kind in "fiub":
        right = Y.dtype == dtype
        if loss not in LIMITS or _within(Y, *LIMITS[loss], dtype.char if right else None):
            return Y if right else Y.astype(dtype)
    loss_pair(loss)[0](np.zeros(shape), Y)  # the page's loss says what is wrong
    raise ValueError(f"Y does not fit {loss}: found {Y.dtype} of shape {Y.shape}")


FEW = 32
LIMITS = {"cross_entropy": (0.0, np.finfo(np.float64).max), "bce_with_logits": (0.0, 1.0)}


def _within(Y, least, most, char):
    """Return whether all of Y lies within; NaN does not.

    A few targets, of the dtype that `char` stands for, come again at every step: the answer is
    remembered, which takes a fifth of the time of two reductions.
    """
    if char and Y.size <= FEW:
        return _few_within(Y.tobytes(), char, least, most)
    return _all_within(Y, least, most)


@functools.lru_cache(maxsize=64)
def _few_within(numbers, char, least, most):
    return _all_within(np.frombuffer(numbers, char), least, most)


def _all_within(Y, least, most):
    return bool(np.minimum.reduce(Y, None) >= least and np.maximum.reduce(Y, None) <= most)
