"""What surrounds the steps of a training run: what is counted, threads, interruption, progress."""

import contextlib
import functools
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from nnbook.learning.mlp import decide

WORTH_THREADS = 2**26  # multiply-adds: a millisecond or two of one core


@dataclass(frozen=True)
class Epoch:
    """What a callback of `fit` is given after each epoch.

    Attributes
    ----------
    number : int
        The epoch, counted from 1.
    steps : int
        Updates made so far.
    measured : mapping of str to float
        The last entries of the history.
    """

    number: int
    steps: int
    measured: Mapping[str, float]
    _params: Callable = field(repr=False)

    @property
    def params(self):
        """The parameters after this epoch, copied when asked for; ask before the next epoch."""
        return self._params()


class Tally:
    """Counts the steps of a run, and sums over those of an epoch.

    The logits of an epoch are kept, and the right answers counted at its end, all at once: a count
    after each step costs a small step a twentieth.
    """

    def __init__(self, examples, outputs, dtype):
        self.steps, self.first, self.loss, self.seen = 0, None, 0.0, 0
        self.logits = np.empty((examples, outputs), dtype)

    def add(self, value, logits):
        """Count a step that had this mean loss and these logits."""
        end = self.seen + len(logits)
        self.logits[self.seen : end] = logits
        self.steps, self.seen, self.loss = self.steps + 1, end, self.loss + len(logits) * value
        if self.first is None:
            self.first = value, len(logits)

    def mean(self, classes, order):
        """Return the mean loss of the epoch, and the share of right answers or None."""
        if classes is not None and order is not None:
            classes = classes[order]
        return self.loss / self.seen, share_right(self.logits, classes)


def take_steps(engine, X, Y, order, tally, asked):
    """Take the steps of one epoch.

    A batch is gathered into the engine's own buffer. ``mode="clip"`` lets NumPy write there at
    once; else it would gather into a temporary first, to be able to raise. The indices are those of
    a permutation. The method takes a microsecond less than the function, and where small steps have
    the examples across, a copy of the gathered rows takes half a microsecond less than writing
    there row by row.

    Parameters
    ----------
    engine : Engine
    X, Y : ndarray
        The examples and targets as the engine wants them.
    order : ndarray of int, or None
        The order of the examples; None if all of them are one batch.
    tally : Tally
    asked : list
        Not empty once an interruption was asked for.
    """
    tally.loss, tally.seen, size, n = 0.0, 0, engine.batch_size, None
    for start in range(0, len(X), size):
        if asked:
            raise KeyboardInterrupt
        if n != min(size, len(X) - start):
            n = min(size, len(X) - start)
            entry, logits = engine.entry(n), engine.logits(n)
            in_place = entry.flags.c_contiguous
        if order is None:
            targets, entry[...] = Y, X
        else:
            batch = order[start : start + size]
            targets = Y[batch]
            if in_place:
                X.take(batch, 0, entry, "clip")
            else:
                entry[...] = X.take(batch, 0)
        tally.add(engine.advance(n, targets), logits)


def classes_of(loss, Y, outputs):
    """Return the class of each example, or None where an example has none, or several."""
    if loss == "cross_entropy":
        return Y if Y.ndim == 1 else Y.argmax(axis=1)
    if loss == "bce_with_logits" and outputs == 1:
        return Y[:, 0] > 0.5
    return None


def share_right(logits, classes):
    """Return the share of the rows of logits that speak for the class of their example, or None."""
    if classes is None:
        return None
    return int(np.count_nonzero(decide(logits) == classes)) / len(logits)


class Best:
    """Keeps what a run had when its validation loss was lowest, and counts the epochs since."""

    def __init__(self, patience):
        self.patience, self.loss, self.epoch = patience, np.inf, 0
        self.kept = None

    def look(self, engine, loss, epoch):
        """Look at the validation loss after an epoch; return whether patience is at an end."""
        if loss < self.loss or self.kept is None:
            self.loss, self.epoch = loss, epoch
            self.kept = engine.params, engine.state
        return epoch - self.epoch >= self.patience


def latest(history):
    """Return the last entry of each list, read-only."""
    return MappingProxyType({name: values[-1] for name, values in history.items()})


@functools.cache
def _blas():
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController().select(user_api="blas")


def blas_threads(multiply_adds):
    """Return a context that holds BLAS to one thread where its products are small.

    A threaded call costs more than it gives there, and on a busy machine it waits for milliseconds
    until its partner gets a core: at batch 32 a step took 46 ms instead of 0.9.
    """
    blas = _blas() if multiply_adds <= WORTH_THREADS else None
    return blas.limit(limits=1) if blas else contextlib.nullcontext()


@contextlib.contextmanager
def interruption_between_steps():
    """Yield a list to which Ctrl-C adds an entry, so that no step is left half taken.

    The second Ctrl-C raises KeyboardInterrupt where it falls. In a thread other than the main one
    signals do not arrive, and nothing is changed.
    """
    asked = []
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield asked
        return

    def ask(number, frame):
        if asked:
            previous(number, frame)
        asked.append(number)

    signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, previous)


def progress_bar(epochs, show):
    """Return the epochs, with a bar if it is wanted, or if somebody watches for two seconds."""
    if show is None:
        show = sys.stderr.isatty()
    if not show:
        return epochs
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return epochs
    return tqdm(epochs, unit="epoch", delay=2)
