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
    """Counts the steps of a run, and sums over those of an epoch."""

    def __init__(self):
        self.steps, self.first = 0, None
        self.clear()

    def clear(self):
        """Begin an epoch."""
        self.loss, self.right, self.seen = 0.0, 0, 0

    def add(self, value, n, right):
        """Count a step on n examples, with the mean loss that it had, and the right answers."""
        self.steps, self.seen = self.steps + 1, self.seen + n
        self.loss, self.right = self.loss + n * value, self.right + right
        if self.first is None:
            self.first = self.means()

    def means(self):
        """Return the mean loss and the share of right answers of the epoch so far."""
        return self.loss / self.seen, self.right / self.seen


def take_steps(engine, X, Y, classes, order, tally, asked):
    """Take the steps of one epoch.

    A batch is gathered into the engine's own buffer. ``mode="clip"`` lets NumPy write there at
    once; else it would gather into a temporary first, to be able to raise. The indices are those of
    a permutation.

    Parameters
    ----------
    engine : Engine
    X, Y : ndarray
        The examples and targets as the engine wants them.
    classes : ndarray or None
        The class of each example, if right answers are to be counted.
    order : ndarray of int, or None
        The order of the examples; None if all of them are one batch.
    tally : Tally
    asked : list
        Not empty once an interruption was asked for.
    """
    tally.clear()
    size = engine.batch_size
    for start in range(0, len(X), size):
        if asked:
            raise KeyboardInterrupt
        if order is None:
            n, targets, labels = len(X), Y, classes
            engine.entry(n)[...] = X
        else:
            batch = order[start : start + size]
            n, targets = len(batch), Y[batch]
            np.take(X, batch, 0, engine.entry(n), "clip")
            labels = targets if classes is Y or classes is None else classes[batch]
        value = engine.advance(n, targets)
        right = 0 if classes is None else count_right(engine.logits(n), labels)
        tally.add(value, n, right)


def classes_of(loss, Y, outputs):
    """Return the class of each example, or None where an example has none, or several."""
    if loss == "cross_entropy":
        return Y if Y.ndim == 1 else Y.argmax(axis=1)
    if loss == "bce_with_logits" and outputs == 1:
        return Y[:, 0] > 0.5
    return None


def count_right(logits, classes):
    """Return how many rows of logits speak for the class of their example."""
    return int(np.count_nonzero(decide(logits) == classes))


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
