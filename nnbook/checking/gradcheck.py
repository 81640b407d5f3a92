r"""gradcheck: compare a gradient with the function that it claims to be the gradient of.

Central differences with the step that chapter 4 derives, the complex step where a function is
analytic, the adjoint test for vjps, and the Taylor test, which needs no step at all. Forward-mode
derivatives and Hessians have checks of their own. NumPy alone.
"""

import math

import numpy as np

from nnbook.checking._gradient_report import (
    ArrayCheck,
    GradientCheck,
    GradientError,
    chosen,
    compared,
    gradient_at,
    in_dtype,
    leaves,
    positive,
    rebuilt,
    report,
)
from nnbook.checking._gradient_steps import CENTRAL, central_step
from nnbook.checking.directions import adjoint_test, jvpcheck, taylor_test
from nnbook.checking.hessians import hesscheck

__all__ = [
    "CENTRAL",
    "TOLERANCE",
    "ArrayCheck",
    "GradientCheck",
    "GradientError",
    "adjoint_test",
    "gradcheck",
    "hesscheck",
    "jvpcheck",
    "taylor_test",
]

TOLERANCE = {"central": 1e-6, "complex": 1e-12}

# A gradient that was computed at these dtypes is right to about so much.
COARSER = {np.dtype(np.float32): 2e-5, np.dtype(np.float16): 1e-2}
COARSE_DIFFERENCES = 2e-3  # where f itself is evaluated in float32


def gradcheck(f, grad, x, *, method="central", step=None, tolerance=None, preactivations=None,
              entries=None, rng=None, strict=False, dtype=None):
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
        Where to check: an array, a list of arrays, a list of (W, b) pairs. The gradient is taken
        at x as it is; f is evaluated in float64, whatever the dtype of x.
    method : {"central", "complex"}
        ``"complex"`` takes Im f(x + ih)/h with h = 1e-200: exact to rounding, where f is real
        analytic and accepts complex arrays.
    step : float, optional
        The step h, relative to max(1, |x_i|); by default the one derived, 6.9e-6.
    tolerance : float, optional
        Largest relative error of an array, 1e-6 (complex: 1e-12); for x in float32 2e-5, in
        float16 1e-2.
    preactivations : callable, optional
        ``preactivations(x)`` -> the arrays Z whose sign decides a branch. An entry of x whose
        step changes a sign there is left out: no difference quotient says anything at a kink.
    entries : int, optional
        Check so many random entries of each array only.
    rng : numpy.random.Generator, optional
        For ``entries``.
    strict : bool
        Raise `GradientError` if the gradient does not hold.
    dtype : numpy dtype, optional
        In which f is evaluated, float64 by default. A function that computes in float32 whatever
        it is given needs float32 here: the step is then 5.6e-3 and the tolerance 2e-3.

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

    A gradient in float32 is held to differences in float64, whose own error is a hundredth of
    float32's: an entry that is 0.1 % wrong is refused there too. Differences in float32 cannot
    tell 0.1 %.

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
    step = step if step is None else positive("step", step)
    if not callable(f):
        raise TypeError(f"f must be a function of x, found {type(f).__name__}; the order is "
                        "gradcheck(f, grad, x)")
    work = _working_dtype(dtype, method)
    named = in_dtype(x, work)
    tolerance = (_tolerance(method, work, x) if tolerance is None
                 else positive("tolerance", tolerance))
    given = gradient_at(grad, x, named)
    _value(f, x, named)
    h = step or (1e-200 if method == "complex" else central_step(work))
    checks, kinks = [], 0
    for k, (name, a) in enumerate(named):
        where = chosen(a.size, entries, rng)
        differences, skipped = np.full(a.size, np.nan), 0
        for i in where:
            differences[i] = _difference(f, x, named, k, i, h, method, preactivations)
            skipped += bool(np.isnan(differences[i]))
        kept = [i for i in where if not np.isnan(differences[i])]
        floor = 1e-11 if work.itemsize >= 8 else 1e-4
        checks.append(compared(name, a.shape, given[k].ravel(), differences, kept, tolerance,
                               skipped, floor))
        kinks += skipped
    return report(checks, kinks, method, tolerance, strict)


def _working_dtype(dtype, method):
    work = np.dtype(np.float64 if dtype is None else dtype)
    if work.kind != "f" or work.itemsize < 4:
        raise ValueError(f"dtype must be float32, float64 or longdouble, found {work}")
    if method == "complex" and work != np.float64:
        raise ValueError(f"dtype={work} is for differences; the complex step is in float64")
    return work


def _tolerance(method, work, x):
    if work == np.float32:
        return COARSE_DIFFERENCES
    return max([TOLERANCE[method], *(COARSER.get(a.dtype, 0.0) for _, a in leaves(x))])


def _value(f, x, named):
    handed = [a.copy() for _, a in named]
    value = np.asarray(f(rebuilt(x, iter(handed))))
    for (name, before), after in zip(named, handed, strict=True):
        if not np.array_equal(before, after, equal_nan=True):
            raise ValueError(f"f writes into its argument: {name} has changed after the call, so "
                             "that no two values of f belong to one x; let f copy what it changes")
    if value.shape not in ((), (1,)) or not np.isrealobj(value):
        raise TypeError(f"f must return a real number, got an array of shape {value.shape} and "
                        f"dtype {value.dtype}; for a vector use adjoint_test")
    if not np.all(np.isfinite(value)):
        raise ValueError(f"f must be finite at x, got {value}")


def _moved(x, named, k, i, amount):
    arrays = [a for _, a in named]
    arrays[k] = arrays[k].astype(complex) if isinstance(amount, complex) else arrays[k].copy()
    arrays[k].flat[i] += amount
    return rebuilt(x, iter(arrays)), arrays[k].flat[i]


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
    pairs = zip(leaves(preactivations(left)), leaves(preactivations(right)), strict=True)
    return any(np.any(np.sign(a) != np.sign(b)) for (_, a), (_, b) in pairs)
