"""What a loss of entries takes, and what it gives back: one number, or one for each."""

import numpy as np

from nnbook.functions._validate import (
    as_float,
    check_finite,
    check_probabilities,
    check_same_shape,
    common_dtype,
    first_place,
    working_dtype,
)

REDUCTIONS = ("mean", "sum", "none")


def check_reduction(reduction):
    """Return `reduction` if it is one of the three; raise and list them if not."""
    if isinstance(reduction, str) and reduction in REDUCTIONS:
        return reduction
    kind = ValueError if isinstance(reduction, str) else TypeError
    raise kind(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")


def check_pair(first, second, names, reduction, most=None):
    """Return both arrays, checked and in the working dtype, and the dtype of the result.

    The second holds data, which are finite; or probabilities from 0 to `most`, if that is given.
    """
    check_reduction(reduction)
    x, y = as_float(first, names[0]), as_float(second, names[1])
    check_same_shape(x, y, names)
    if x.ndim == 0:
        raise ValueError(
            f"{names[0]} must have an axis of examples, shape (N,) or (N, K), got a number"
        )
    if x.size == 0 and reduction == "mean":
        raise ValueError(
            f"{names[0]} is empty, shape {x.shape}; a mean over no examples is undefined"
        )
    if most is None:
        check_finite(y, names[1], "data")
    else:
        check_probabilities(y, names[1], most)
    dtype = common_dtype(x, y)
    work = working_dtype(dtype)
    return x.astype(work, copy=False), y.astype(work, copy=False), dtype


def check_weights(w):
    """Raise ValueError unless every weight is finite and not negative."""
    good = (w >= 0) & (w < np.inf)
    if not good.all():
        at = first_place(~good)
        raise ValueError(f"weights{list(at)} is {w[at]}, but a weight is finite and not negative")


def divisor(count, reduction):
    """Return what a sum of `count` losses is divided by: only a mean has a divisor."""
    return count if reduction == "mean" else 1


def reduced(terms, reduction, dtype, quarter=None):
    """Return the losses of single entries as `reduction` wants them, rounded once to `dtype`.

    Where that overflows, ``quarter(count)`` is taken instead: a quarter of each loss, divided by
    `count`, and without overflow. It is that of `terms` unless given.
    """
    count = divisor(terms.size, reduction)
    loss = terms if reduction == "none" else terms.sum() / count
    if np.isinf(loss).any() if reduction == "none" else abs(loss) == np.inf:
        again = terms / 4 / count if quarter is None else quarter(count)
        again = again if reduction == "none" else np.sum(again)
        loss = np.where(np.isinf(loss), 4 * again, loss)
    return loss.astype(dtype, copy=False) if reduction == "none" else dtype.type(loss)
