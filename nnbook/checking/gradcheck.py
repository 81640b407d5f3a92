r"""gradcheck: compare a gradient with the function that it claims to be the gradient of.

Central differences with the step that chapter 4 derives, the complex step where a function is
analytic, the adjoint test for vjps, and the Taylor test, which needs no step at all. NumPy alone.
"""

import math
import numbers
from dataclasses import dataclass, field

import numpy as np

CENTRAL = (3 * np.finfo(np.float64).eps / 2) ** (1 / 3)
"""The step that balances h²|f‴|/6 against u|f|/h at |f/f‴| = 1: (3u)^(1/3), 6.9e-6."""

TOLERANCE = {"central": 1e-6, "complex": 1e-12}


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


def _leaves(x, name="x"):
    """Yield (name, array) for arrays nested in lists and tuples, as (W, b) pairs are."""
    if isinstance(x, list | tuple):
        for i, part in enumerate(x):
            yield from _leaves(part, f"{name}[{i}]")
    else:
        array = np.asarray(x)
        if array.dtype.kind not in "biufc":
            raise TypeError(f"{name} must be an array of numbers, or a nest of lists and tuples "
                            f"of them, found {type(x).__name__} {x!r:.60}")
        yield name, array


def _rebuilt(x, arrays):
    """Return a nest like x with other arrays."""
    if isinstance(x, list | tuple):
        return type(x)(_rebuilt(part, arrays) for part in x)
    return next(arrays)


def gradcheck(f, grad, x, *, method="central", step=None, tolerance=None, preactivations=None,
              entries=None, rng=None, strict=False):
    r"""Compare a gradient with differences of its function, array by array.

    .. math:: \bar x_i \approx \frac{f(x + h e_i) - f(x - h e_i)}{2h},
        \qquad \frac{\lVert g - \bar x\rVert}{\lVert g\rVert + \lVert \bar x\rVert}
        \le \text{tolerance}

    Parameters
    ----------
    f : callable
        ``f(x)``, a real number.
    grad : callable or nest of arrays
        ``grad(x)``, or the gradient at x itself; nested as x is.
    x : array or nest of arrays
        Where to check: an array, a list of arrays, a list of (W, b) pairs.
    method : {"central", "complex"}
        ``"complex"`` takes Im f(x + ih)/h with h = 1e-200: exact to rounding, where f is real
        analytic and accepts complex arrays.
    step : float, optional
        The step h, relative to max(1, |x_i|); by default the one derived, 6.9e-6.
    tolerance : float, optional
        Largest relative error of an array, 1e-6 (complex: 1e-12).
    preactivations : callable, optional
        ``preactivations(x)`` -> the arrays Z whose sign decides a branch. An entry of x whose
        step changes a sign there is left out: no difference quotient says anything at a kink.
    entries : int, optional
        Check so many random entries of each array only.
    rng : numpy.random.Generator, optional
        For ``entries``.
    strict : bool
        Raise `GradientError` if the gradient does not hold.

    Returns
    -------
    result : GradientCheck
        True if it holds; printed, it names the worst entry of each array.

    Raises
    ------
    TypeError, ValueError
        If f(x) is not a real number, or the gradient's shapes are not those of x.
    GradientError
        If ``strict`` and the gradient is refused.

    Notes
    -----
    The error is measured per array: pooled over all parameters, a wrong bias gradient hides
    behind a large weight matrix. An array whose gradient is 0 on both sides counts as right.

    References
    ----------
    .. [1] Squire & Trapp, "Using complex variables to estimate derivatives of real functions",
       SIAM Review 40(1), 1998, :doi:`10.1137/S003614459631241X`.

    Examples
    --------
    >>> x = np.array([1.0, 2.0])
    >>> bool(gradcheck(lambda x: np.sum(x**2), lambda x: 2 * x, x))
    True
    >>> bool(gradcheck(lambda x: np.sum(x**2), lambda x: 2.002 * x, x))   # 0.1 % wrong
    False
    """
    if method not in TOLERANCE:
        raise ValueError(f"method must be 'central' or 'complex', got {method!r}")
    tolerance = TOLERANCE[method] if tolerance is None else _positive("tolerance", tolerance)
    step = step if step is None else _positive("step", step)
    if not callable(f):
        raise TypeError(f"f must be a function of x, found {type(f).__name__}; the order is "
                        "gradcheck(f, grad, x)")
    named = [(name, a.astype(np.float64)) for name, a in _leaves(x)]
    given = _given(grad, x, named)
    _value(f, x, named)
    h = step or (CENTRAL if method == "central" else 1e-200)
    checks, kinks = [], 0
    for k, (name, a) in enumerate(named):
        where = _chosen(a.size, entries, rng)
        differences, skipped = np.full(a.size, np.nan), 0
        for i in where:
            differences[i] = _difference(f, x, named, k, i, h, method, preactivations)
            skipped += bool(np.isnan(differences[i]))
        kept = [i for i in where if not np.isnan(differences[i])]
        checks.append(_compared(name, a.shape, given[k].ravel(), differences, kept, tolerance,
                                skipped))
        kinks += skipped
    worst = max(checks, key=lambda c: c.error)
    result = GradientCheck(all(c.ok for c in checks), worst.error, (worst.name, worst.at), checks,
                           kinks, method, tolerance)
    if strict and not result.ok:
        raise GradientError(result)
    return result


def _positive(name, value):
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 < value < math.inf:
        raise ValueError(f"{name} must be a positive number, found {value!r}")
    return float(value)


def _given(grad, x, named):
    given = [g for _, g in _leaves(grad(x) if callable(grad) else grad)]
    shapes, found = [a.shape for _, a in named], [g.shape for g in given]
    if shapes != found:
        raise ValueError(f"grad must be nested as x is, with the shapes {shapes}, got {found}; "
                         "is a weight's gradient transposed, or a bias missing?")
    return given


def _value(f, x, named):
    handed = [a.copy() for _, a in named]
    value = np.asarray(f(_rebuilt(x, iter(handed))))
    for (name, before), after in zip(named, handed, strict=True):
        if not np.array_equal(before, after, equal_nan=True):
            raise ValueError(f"f writes into its argument: {name} has changed after the call, so "
                             "that no two values of f belong to one x; let f copy what it changes")
    if value.shape not in ((), (1,)) or not np.isrealobj(value):
        raise TypeError(f"f must return a real number, got an array of shape {value.shape} and "
                        f"dtype {value.dtype}; for a vector use adjoint_test")
    if not np.all(np.isfinite(value)):
        raise ValueError(f"f must be finite at x, got {value}")


def _chosen(size, entries, rng):
    if entries is None or entries >= size:
        return range(size)
    return sorted((rng or np.random.default_rng(0)).choice(size, entries, replace=False).tolist())


def _moved(x, named, k, i, amount):
    arrays = [a if j != k else a.astype(np.result_type(a, type(amount)))
              for j, (_, a) in enumerate(named)]
    if arrays[k] is named[k][1]:
        arrays[k] = arrays[k].copy()
    arrays[k].flat[i] += amount
    return _rebuilt(x, iter(arrays)), arrays[k].flat[i]


def _difference(f, x, named, k, i, h, method, preactivations):
    """Return the difference quotient, or nan where a kink lies within the step."""
    if method == "complex":
        moved, _ = _moved(x, named, k, i, 1j * h)
        return float(np.imag(f(moved))) / h
    amount = h * max(1.0, abs(float(named[k][1].flat[i])))
    right, high = _moved(x, named, k, i, amount)
    left, low = _moved(x, named, k, i, -amount)
    if preactivations is not None and _crosses(preactivations, left, right):
        return math.nan
    # high - low, not 2h: the floats that f has seen.
    return float((np.asarray(f(right)) - np.asarray(f(left))).item()) / float(high - low)


def _crosses(preactivations, left, right):
    pairs = zip(_leaves(preactivations(left)), _leaves(preactivations(right)), strict=True)
    return any(np.any(np.sign(a) != np.sign(b)) for (_, a), (_, b) in pairs)


def _compared(name, shape, given, differences, kept, tolerance, skipped):
    if not kept:
        return ArrayCheck(name, shape, 0.0, (), 0.0, 0.0, True, skipped)
    g, d = given[kept], differences[kept]
    gap, size = np.abs(g - d), np.linalg.norm(g) + np.linalg.norm(d)
    # 1e-11: what rounding leaves of a difference quotient whose true value is 0.
    error = float(np.linalg.norm(gap) / size) if size > 1e-11 * math.sqrt(len(kept)) else 0.0
    if not np.all(np.isfinite(g)):
        error, gap = math.inf, np.where(np.isfinite(g), 0.0, math.inf)
    worst = int(np.argmax(gap))
    at = tuple(int(n) for n in np.unravel_index(kept[worst], shape)) if shape else ()
    return ArrayCheck(name, shape, error, at, float(g[worst]), float(d[worst]),
                      error <= tolerance, skipped)


def adjoint_test(f, vjp, x, *, jvp=None, rng=None, tolerance=None):
    r"""Return whether a vjp is the transpose of its function's derivative.

    .. math:: \langle v, J u\rangle = \langle J^\top v, u\rangle

    Parameters
    ----------
    f : callable
        ``f(x)``, an array.
    vjp : callable
        ``vjp(v)`` -> the gradient for x, nested as x is.
    x : array or nest of arrays
        Where.
    jvp : callable, optional
        ``jvp(u)`` -> J u; by default a central difference of f along u.
    rng : numpy.random.Generator, optional
        Draws u and v.
    tolerance : float, optional
        Largest relative difference, 1e-6, or 1e-12 with a jvp.

    Returns
    -------
    ok : bool
        Whether both sides agree.

    Examples
    --------
    >>> A = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> adjoint_test(lambda x: A @ x, lambda v: A.T @ v, np.ones(2))
    True
    >>> adjoint_test(lambda x: A @ x, lambda v: A @ v, np.ones(2))
    False
    """
    rng = rng or np.random.default_rng(0)
    tolerance = tolerance or (1e-6 if jvp is None else 1e-12)
    named = [(name, a.astype(np.float64)) for name, a in _leaves(x)]
    directions = [rng.standard_normal(a.shape) for _, a in named]
    if jvp is not None:
        forward = np.asarray(jvp(_rebuilt(x, iter(directions))))
    else:
        right, left = (np.asarray(f(_rebuilt(x, iter(
            [a + s * CENTRAL * u for (_, a), u in zip(named, directions, strict=True)]))))
            for s in (1, -1))
        forward = (right - left) / (2 * CENTRAL)
    v = rng.standard_normal(forward.shape)
    back = [np.asarray(g) for _, g in _leaves(vjp(v))]
    if [g.shape for g in back] != [a.shape for _, a in named]:
        raise ValueError(f"vjp must return arrays of the shapes {[a.shape for _, a in named]}, "
                         f"got {[g.shape for g in back]}")
    one = float(np.sum(v * forward))
    other = float(sum(np.sum(g * u) for g, u in zip(back, directions, strict=True)))
    size = float(np.sum(np.abs(v * forward))) + 1e-300
    return bool(abs(one - other) <= tolerance * size)


def taylor_test(f, grad, x, *, rng=None, steps=(1e-2, 5e-3, 2.5e-3, 1.25e-3)):
    r"""Return the order at which the first-order Taylor remainder vanishes: 2 for a gradient.

    .. math:: |f(x + hu) - f(x) - h\langle g, u\rangle| = O(h^2)

    A wrong gradient leaves a remainder of order 1. No step has to be right, only small.

    Parameters
    ----------
    f, grad, x
        As for `gradcheck`.
    rng : numpy.random.Generator, optional
        Draws the direction u, of length 1.
    steps : sequence of float
        Values of h, each half of the one before.

    Returns
    -------
    order : float
        The slope of log remainder against log h; infinite where the remainder is 0.

    Examples
    --------
    >>> f, x = (lambda x: np.sum(np.exp(x))), np.array([0.3, -0.7])
    >>> round(taylor_test(f, np.exp, x), 1), round(taylor_test(f, lambda x: 1.1 * np.exp(x), x), 1)
    (2.0, 1.0)
    """
    rng = rng or np.random.default_rng(0)
    named = [(name, a.astype(np.float64)) for name, a in _leaves(x)]
    given = _given(grad, x, named)
    directions = [rng.standard_normal(a.shape) for _, a in named]
    length = math.sqrt(sum(float(np.sum(u * u)) for u in directions))
    directions = [u / length for u in directions]
    slope = float(sum(np.sum(g * u) for g, u in zip(given, directions, strict=True)))
    start = float(f(x))
    remainders = []
    for h in steps:
        moved = _rebuilt(x, iter([a + h * u for (_, a), u in zip(named, directions, strict=True)]))
        remainders.append(abs(float(f(moved)) - start - h * slope))
    floor = 8 * np.finfo(np.float64).eps * max(abs(start), 1e-300)
    if max(remainders) <= floor:
        return math.inf
    return float(np.polyfit(np.log(steps), np.log(np.maximum(remainders, floor)), 1)[0])
