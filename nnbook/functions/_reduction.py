"""What a loss gives back: one number for the batch, or one for each example."""

import numpy as np

REDUCTIONS = ("mean", "sum", "none")


def check_reduction(reduction):
    """Return `reduction` if it is one of the three; raise and list them if not."""
    if isinstance(reduction, str) and reduction in REDUCTIONS:
        return reduction
    kind = ValueError if isinstance(reduction, str) else TypeError
    raise kind(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")


def check_weights(w):
    """Raise ValueError unless every weight is finite and not negative."""
    good = (w >= 0) & (w < np.inf)
    if not good.all():
        at = tuple(int(i) for i in np.argwhere(~good)[0])
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
