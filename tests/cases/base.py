"""What a row of the tables in this folder holds: a function, its derivative, how to draw arguments.

A module of this folder stands for one module of the package and defines ``CASES``, a list of
`Case`, and ``BAD``, a list of `Bad`. The tests that read all the tables are `tests/test_cases.py`
(gradients, layouts, dtypes, purity, threads) and `tests/test_bad_input.py`.
"""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SIZES = ("random", "one", "empty")
EVERY_AXIS = "every axis"


@dataclass(frozen=True)
class Case:
    """One function with one choice of options, and the derivative that belongs to it.

    Attributes
    ----------
    id : str
        Says what is special, as in ``"conv2d, stride 2, groups 2"``.
    function : callable
        The forward; called as ``function(*args, **kwargs)``.
    draw : callable
        ``draw(rng, size)`` gives ``(args, kwargs)``. Arrays of real numbers that may be
        differentiated or change dtype and layout are float64 and in ``args``; everything else
        (labels, masks, strides) may be in either. ``size`` is one of `SIZES`: sizes drawn at
        random (pairwise distinct where it can be), axes of length 1, or an axis of length 0.
    derivative : callable or None
        ``f_prime``, ``f_grad``, ``f_hess``, ``f_vjp`` or ``f_jvp``; None for a function that has
        none (its layouts, dtypes and bad inputs are tested all the same).
    of : tuple of int
        Positions in ``args`` of what the derivative is taken in, in the order of its results.
    call : callable, optional
        ``call(g, args, kwargs)`` where the derivative is not called as ``f_vjp(g, *args,
        **kwargs)`` (or ``f_prime(*args, **kwargs)``, ``f_grad(*args, **kwargs)``); g is a tuple
        where the function returns one.
    outputs : callable, optional
        Takes what the function returned and gives the array, or tuple of arrays, that g belongs
        to; by default all of it.
    kinks : callable, optional
        ``kinks(*args, **kwargs)`` gives arrays whose signs decide a branch.
    sizes : tuple of str
        The sizes that make sense; an empty batch that is refused is a row of ``BAD``.
    free : mapping of int to axes
        For each position in ``args`` the axes (or `EVERY_AXIS`) whose length may change alone,
        the batch axis for instance. A change of any other must be refused, not broadcast.
    any_rank : tuple of int
        Positions in ``args`` of arrays that may gain or lose an axis.
    tolerance : float
        Largest relative difference between the derivative and differences, at float64.
    """

    id: str
    function: Callable
    draw: Callable
    derivative: Callable | None
    of: tuple[int, ...] = (0,)
    call: Callable | None = None
    outputs: Callable | None = None
    kinks: Callable | None = None
    sizes: tuple[str, ...] = SIZES
    free: Mapping[int, tuple[int, ...] | str] = field(default_factory=dict)
    any_rank: tuple[int, ...] = ()
    tolerance: float = 1e-6

    @property
    def kind(self) -> str:
        """Return which of the five suffixes the derivative has, or an empty string."""
        return "" if self.derivative is None else self.derivative.__name__.rpartition("_")[2]


@dataclass(frozen=True)
class Bad:
    """One wrong call: what it raises, and what the message must say (a regular expression).

    The message names the argument, what was found and what was expected; write into ``match``
    at least the name of the argument.
    """

    id: str
    call: Callable[[], object]
    error: type[Exception] | tuple[type[Exception], ...]
    match: str


def changing(function: Callable, **usual) -> Callable:
    """Return ``call(**change)``, which prepares a wrong call: the usual arguments but for some."""
    return lambda **change: lambda: function(**{**usual, **change})


def modules() -> list[str]:
    """Return the names of the tables: all, or those that ``NNBOOK_CASES`` names, by commas."""
    folder = Path(__file__).parent
    found = sorted(m.name for m in pkgutil.iter_modules([str(folder)]) if m.name != "base")
    asked = {name for name in os.environ.get("NNBOOK_CASES", "").split(",") if name}
    return [name for name in found if name in asked] if asked else found


def tables(name: str) -> list:
    """Return the rows of the list ``name`` of every table, in order."""
    rows = []
    for module in modules():
        rows += getattr(importlib.import_module(f"tests.cases.{module}"), name, [])
    return rows


def parameter(function: Callable, position: int) -> str:
    """Return the name that a function gives to its argument at ``position``."""
    return list(inspect.signature(function).parameters)[position]


def sizes_of(rng: np.random.Generator, size: str, count: int) -> list[int]:
    """Return ``count`` lengths for axes: distinct from 2 to 6, or all 1; the first 0 if empty."""
    if size == "one":
        return [1] * count
    lengths = [int(n) for n in rng.permutation(np.arange(2, 2 + max(count, 5)))[:count]]
    return [0, *lengths[1:]] if size == "empty" else lengths
