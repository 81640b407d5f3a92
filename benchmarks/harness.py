"""Candidates in processes of their own, timed one after the other in shuffled rounds.

A machine's speed drifts by half within seconds, and other programs come and go. So each round
times every candidate once, in an order drawn anew, and only ratios within a round are compared.
The clock is the CPU time of the candidate's whole process: time that others take on its core does
not count, and a second thread counts in full.
"""

import contextlib
import importlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
) | {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
}
ROUND_SECONDS = 0.08  # of CPU, for each candidate in each round
OURS = "nnbook"


class Candidate(NamedTuple):
    """One way to do the work of a row.

    Attributes
    ----------
    make : callable
        Imports what it needs and returns ``run``. Each ``run()`` does the work once and returns a
        number that every candidate must agree on, run after run; or None where there is none.
    needs : str
        The package that must be there.
    limit : bool
        Whether this is no peer but a product of 512 by 512 matrices, which says what the processor
        can do at best.
    """

    make: Callable
    needs: str = "numpy"
    limit: bool = False


class Row(NamedTuple):
    """Work that several candidates do.

    Attributes
    ----------
    name : str
        A word for the command line.
    title : str
        What the work is, for a reader.
    candidates : mapping of str to Candidate
        "nnbook" among them.
    asked : mapping of str to float
        How many times a peer's speed is wanted; for "limit", the share of it.
    rtol : float
        How well the first results must agree.
    flops : float
        Additions and multiplications of the row's matrix products, to compare with the limit.
    """

    name: str
    title: str
    candidates: Mapping[str, Candidate]
    asked: Mapping[str, float] = {}
    rtol: float = 1e-3
    flops: float = 0.0


class Disagreement(Exception):
    """Two candidates do not do the same work."""


class Failed(Exception):
    """A candidate's process ended."""


class Worker:
    """A process that holds one candidate and times it on command."""

    def __init__(self, module, candidate):
        paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
        self.name = candidate
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", module, candidate],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )  # fmt: skip

    def ask(self, command, argument):
        """Send a command and wait for the answer."""
        try:
            self.process.stdin.write(f"{command} {argument}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"{self.name}: its process ended; what it said is above")
        return json.loads(line)

    def close(self):
        """End the process."""
        with contextlib.suppress(BrokenPipeError):  # it has ended already
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Measured(NamedTuple):
    """What the rounds of a row gave.

    Attributes
    ----------
    row : Row
    seconds : dict of str to list of float
        CPU time of one piece of work, by candidate, round by round.
    absent : list of str
        Candidates whose package is not installed.
    """

    row: Row
    seconds: dict
    absent: list


def rows_of(module):
    """Return the rows of a module, by name."""
    return {row.name: row for row in importlib.import_module(module).ROWS}


class Workers:
    """The processes of a module's rows, one for each candidate's name.

    They stay from row to row, because to import a framework takes longer than to time it; between
    rows each drops what it held.
    """

    def __init__(self, module):
        self.module, self.known = module, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for worker in self.known.values():
            worker.close()

    def open(self, row):
        """Return the workers of a row's candidates, ready, and the names of absent ones."""
        present = [name for name, one in row.candidates.items() if find_spec(one.needs)]
        for name in present:
            if name not in self.known:
                self.known[name] = Worker(self.module, name)
        found = {name: self.known[name] for name in present}
        for name, worker in found.items():
            try:
                worker.ask("open", row.name)
            except Failed:
                self.known.pop(name).close()
                raise
        return found, [name for name in row.candidates if name not in present]


def measure(workers, row, rounds=10, seed=0):
    """Measure a row.

    Parameters
    ----------
    workers : Workers
        Of the row's module.
    row : Row
    rounds : int
        Each times every candidate once.
    seed : int
        Of the shuffling.

    Returns
    -------
    Measured
    """
    opened, absent = workers.open(row)
    agree(row, {name: worker.ask("check", 5) for name, worker in opened.items()})
    pieces = {name: worker.ask("pieces", ROUND_SECONDS) for name, worker in opened.items()}
    seconds, order = {name: [] for name in opened}, random.Random(seed)
    for _ in range(rounds):
        for name in order.sample(sorted(opened), len(opened)):
            seconds[name].append(opened[name].ask("time", pieces[name]))
    return Measured(row, seconds, absent)


def agree(row, results):
    """Raise Disagreement unless the candidates' first results are nnbook's."""
    ours = results[OURS]
    for name, theirs in results.items():
        if row.candidates[name].limit or None in theirs:
            continue
        apart = [abs(a - b) / max(abs(a), 1e-9) for a, b in zip(ours, theirs, strict=True)]
        if not all(distance <= row.rtol for distance in apart):  # NaN is no agreement
            raise Disagreement(
                f"{row.name}: {name} gives {theirs}, nnbook {ours}; they differ by "
                f"{max(apart):.1e} where {row.rtol:.0e} is allowed"
            )
