"""What a gradient check says, and the nests of arrays that it goes through."""

import math
import numbers
from dataclasses import dataclass, field

import numpy as np


class GradientError(AssertionError):
    """A gradient is wrong; the message is the report, ``.result`` the `GradientCheck`."""

    def __init__(self, result):
        super().__init__(str(result))
        self.result = result


@dataclass
class ArrayCheck:
    """One array of a gradient against differences."""

    name: str
    shape: tuple
    error: float
    at: tuple
    given: float
    expected: float
    ok: bool
    left_out: int = 0


@dataclass
class GradientCheck:
    """What a gradient check found; true if the gradient holds.

    Attributes
    ----------
    ok : bool
        Whether every array's relative error is within the tolerance.
    worst : float
        The largest relative error of an array.
    at : tuple
        Name of the worst array and the index of its worst entry.
    arrays : list of ArrayCheck
        One for each array of x.
    kinks : int
        Entries left out because a pre-activation changes sign within the step.
    """

    ok: bool
    worst: float
    at: tuple
    arrays: list = field(repr=False)
    kinks: int
    method: str
    tolerance: float

    def __bool__(self):
        return self.ok

    def __str__(self):
        lines = [f"gradient {'holds' if self.ok else 'REFUSED'}: relative error "
                 f"{self.worst:.1e} ({self.method}, tolerance {self.tolerance:.0e})"]
        for a in self.arrays:
            mark = "✓" if a.ok else "✗"
            lines.append(f"  {mark} {a.name} {a.shape}: {a.error:.1e}" + (
                "" if a.ok else f"; entry {a.at} is {a.given:.6g}, differences give "
                                f"{a.expected:.6g}"))
        if self.kinks:
            lines.append(f"  {self.kinks} entries left out: a pre-activation changes sign there")
        return "\n".join(lines)


# ---------------------------------------------------------------- nests
def leaves(x, name="x"):
    """Yield (name, array) for arrays nested in lists, tuples and dictionaries; None is left out."""
    if isinstance(x, list | tuple):
        for i, part in enumerate(x):
            yield from leaves(part, f"{name}[{i}]")
    elif isinstance(x, dict):
        for key, part in x.items():
            yield from leaves(part, f"{name}[{key!r}]")
    elif x is not None:
        array = np.asarray(x)
        if array.dtype.kind not in "biufc":
            raise TypeError(f"{name} must be an array of numbers, or a nest of lists and tuples "
                            f"of them, found {type(x).__name__} {x!r:.60}")
        yield name, array


def rebuilt(x, arrays):
    """Return a nest like x with other arrays, taken from an iterator."""
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*(rebuilt(part, arrays) for part in x))
    if isinstance(x, list | tuple):
        return type(x)(rebuilt(part, arrays) for part in x)
    if isinstance(x, dict):
        return {key: rebuilt(part, arrays) for key, part in x.items()}
    return None if x is None else next(arrays)


def in_dtype(x, dtype=np.float64):
    """Return the named leaves of x in one dtype."""
    return [(name, a.astype(dtype)) for name, a in leaves(x)]


def gradient_at(grad, x, named):
    """Return the arrays of a gradient, or of the function that computes it, checked."""
    given = [g for _, g in leaves(grad(x) if callable(grad) else grad)]
    shapes, found = [a.shape for _, a in named], [g.shape for g in given]
    if shapes != found:
        raise ValueError(f"grad must be nested as x is, with the shapes {shapes}, got {found}; "
                         "is a weight's gradient transposed, or a bias missing?")
    return given


def drawn(rng, named, unit=False):
    """Draw a direction: normal numbers for every array, of length 1 in all if `unit`."""
    directions = [rng.standard_normal(a.shape) for _, a in named]
    if unit:
        length = math.sqrt(sum(float(np.sum(u * u)) for u in directions))
        directions = [u / length for u in directions]
    return directions


def moved_along(x, named, directions, h):
    """Return the nest x + h u."""
    return rebuilt(x, iter([a + h * u for (_, a), u in zip(named, directions, strict=True)]))


# ---------------------------------------------------------------- what is shared
def positive(name, value):
    """Return a positive finite number, or raise."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 < value < math.inf:
        raise ValueError(f"{name} must be a positive number, found {value!r}")
    return float(value)


def chosen(size, entries, rng):
    """Return which of so many entries are checked."""
    if entries is None or entries >= size:
        return range(size)
    return sorted((rng or np.random.default_rng(0)).choice(size, entries, replace=False).tolist())


def compared(name, shape, given, differences, kept, tolerance, skipped=0, floor=1e-11):
    """Return an `ArrayCheck` of the entries `kept` of two flat arrays.

    `floor` is what rounding leaves in an entry of a difference quotient whose true value is 0.
    """
    if not len(kept):
        return ArrayCheck(name, shape, 0.0, (), 0.0, 0.0, True, skipped)
    g, d = given[kept].astype(np.float64), differences[kept].astype(np.float64)
    if np.all(np.isfinite(g)):
        gap, size = np.abs(g - d), np.linalg.norm(g) + np.linalg.norm(d)
        error = float(np.linalg.norm(gap) / size) if size > floor * math.sqrt(len(kept)) else 0.0
    else:
        error, gap = math.inf, np.where(np.isfinite(g), 0.0, math.inf)
    worst = int(np.argmax(gap))
    at = tuple(int(n) for n in np.unravel_index(kept[worst], shape)) if shape else ()
    return ArrayCheck(name, shape, error, at, float(g[worst]), float(d[worst]),
                      error <= tolerance, skipped)


def report(checks, kinks, method, tolerance, strict):
    """Return the `GradientCheck` of all arrays; raise it if it is to be strict."""
    worst = max(checks, key=lambda c: c.error, default=None)
    at = ("", ()) if worst is None else (worst.name, worst.at)
    result = GradientCheck(all(c.ok for c in checks), worst.error if worst else 0.0, at, checks,
                           kinks, method, tolerance)
    if strict and not result.ok:
        raise GradientError(result)
    return result
