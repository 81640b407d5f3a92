r"""Checks of derivatives along one direction: the adjoint test, Taylor's remainder, forward mode.

They need two or a few evaluations of the function, however many numbers it takes and gives.
"""

import math

import numpy as np

from nnbook.checking._gradient_report import (
    compared,
    drawn,
    gradient_at,
    in_dtype,
    leaves,
    moved_along,
    positive,
    rebuilt,
    report,
)
from nnbook.checking._gradient_steps import CENTRAL


def adjoint_test(f, vjp, x, *, jvp=None, rng=None, tolerance=None):
    r"""Return whether a vjp is the transpose of its function's derivative.

    .. math:: \langle v, J u\rangle = \langle J^\top v, u\rangle

    Parameters
    ----------
    f : callable
        ``f(x)``, an array, or a tuple of arrays.
    vjp : callable
        ``vjp(v)`` -> the gradient for x, nested as x is; v is nested as f(x) is.
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

    Raises
    ------
    TypeError
        If an output does not hold real numbers: give the part of f that v belongs to.
    ValueError
        If the vjp's shapes are not those of x.

    Examples
    --------
    >>> A = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> adjoint_test(lambda x: A @ x, lambda v: A.T @ v, np.ones(2))
    True
    >>> adjoint_test(lambda x: A @ x, lambda v: A @ v, np.ones(2))
    False
    >>> both = lambda x: (A @ x, np.sum(x))
    >>> adjoint_test(both, lambda v: A.T @ v[0] + v[1], np.ones(2))
    True
    """
    rng = rng or np.random.default_rng(0)
    default = 1e-6 if jvp is None else 1e-12
    tolerance = default if tolerance is None else positive("tolerance", tolerance)
    named = in_dtype(x)
    directions = drawn(rng, named)
    if jvp is not None:
        forward = jvp(rebuilt(x, iter(directions)))
    else:
        forward = _difference(f, x, named, directions)
    outputs = _real_outputs(forward)
    cotangents = [rng.standard_normal(a.shape) for a in outputs]
    back = [np.asarray(g) for _, g in leaves(vjp(rebuilt(forward, iter(cotangents))))]
    if [g.shape for g in back] != [a.shape for _, a in named]:
        raise ValueError(f"vjp must return arrays of the shapes {[a.shape for _, a in named]}, "
                         f"got {[g.shape for g in back]}")
    terms = [v * a for v, a in zip(cotangents, outputs, strict=True)]
    one = float(sum(np.sum(t) for t in terms))
    other = float(sum(np.sum(g * u) for g, u in zip(back, directions, strict=True)))
    size = float(sum(np.sum(np.abs(t)) for t in terms)) + 1e-300
    return bool(abs(one - other) <= tolerance * size)


def taylor_test(f, grad, x, *, jvp=None, rng=None, steps=(1e-2, 5e-3, 2.5e-3, 1.25e-3)):
    r"""Return the order at which the first-order Taylor remainder vanishes: 2 for a derivative.

    .. math:: \lVert f(x + hu) - f(x) - h\,J u\rVert = O(h^2)

    A wrong derivative leaves a remainder of order 1. No step has to be right, only small.

    Parameters
    ----------
    f, grad, x
        As for `gradcheck`, f(x) being one real number and J u its gradient times u.
    jvp : callable, optional
        ``jvp(u)`` -> J u instead, for an f that gives an array or a tuple of arrays; grad is None
        then.
    rng : numpy.random.Generator, optional
        Draws the direction u, of length 1.
    steps : sequence of float
        Values of h, each half of the one before.

    Returns
    -------
    order : float
        The slope of log remainder against log h; infinite where the remainder is 0.

    Raises
    ------
    TypeError
        If both a gradient and a jvp are given, or neither.
    ValueError
        If the shapes of the gradient are not those of x, or those of J u not those of f(x).

    Examples
    --------
    >>> f, x = (lambda x: np.sum(np.exp(x))), np.array([0.3, -0.7])
    >>> round(taylor_test(f, np.exp, x), 1), round(taylor_test(f, lambda x: 1.1 * np.exp(x), x), 1)
    (2.0, 1.0)
    >>> round(taylor_test(np.exp, None, x, jvp=lambda u: np.exp(x) * u), 1)
    2.0
    """
    if (grad is None) == (jvp is None):
        raise TypeError("taylor_test takes a gradient, or None and a jvp")
    rng = rng or np.random.default_rng(0)
    named = in_dtype(x)
    if jvp is None:
        given = gradient_at(grad, x, named)
    directions = drawn(rng, named, unit=True)
    if jvp is None:
        slopes = [sum(np.sum(g * u) for g, u in zip(given, directions, strict=True))]
    else:
        slopes = _real_outputs(jvp(rebuilt(x, iter(directions))))
    start = _real_outputs(f(moved_along(x, named, directions, 0.0)))
    if [np.shape(s) for s in slopes] != [a.shape for a in start] and jvp is not None:
        raise ValueError(f"jvp must return the shapes of f(x), {[a.shape for a in start]}, got "
                         f"{[np.shape(s) for s in slopes]}")
    remainders = []
    for h in steps:
        end = _real_outputs(f(moved_along(x, named, directions, h)))
        remainders.append(math.sqrt(sum(
            float(np.sum((b - a - h * s) ** 2))
            for a, b, s in zip(start, end, slopes, strict=True))))
    size = math.sqrt(sum(float(np.sum(a * a)) for a in start))
    floor = 8 * np.finfo(np.float64).eps * max(size, 1e-300)
    if max(remainders) <= floor:
        return math.inf
    return float(np.polyfit(np.log(steps), np.log(np.maximum(remainders, floor)), 1)[0])


def jvpcheck(f, jvp, x, *, directions=3, rng=None, tolerance=None, strict=False):
    r"""Compare a forward-mode derivative with differences of its function, output by output.

    .. math:: J u \approx \frac{f(x + hu) - f(x - hu)}{2h}

    Parameters
    ----------
    f : callable
        ``f(x)``, an array or a nest of arrays.
    jvp : callable
        ``jvp(u)`` -> J u, nested as f(x) is; u is nested as x is.
    x : array or nest of arrays
        Where.
    directions : int
        How many random u are tried.
    rng : numpy.random.Generator, optional
        Draws them.
    tolerance : float, optional
        Largest relative error of an output, 1e-6.
    strict : bool
        Raise `GradientError` if the derivative does not hold.

    Returns
    -------
    result : GradientCheck
        True if it holds; printed, it names the worst entry of each output.

    Raises
    ------
    TypeError
        If an output does not hold real numbers.
    ValueError
        If the shapes of J u are not those of f(x).
    GradientError
        If ``strict`` and the derivative is refused.

    Examples
    --------
    >>> x = np.array([0.3, -0.7])
    >>> bool(jvpcheck(np.exp, lambda u: np.exp(x) * u, x))
    True
    >>> bool(jvpcheck(np.exp, lambda u: 1.001 * np.exp(x) * u, x))   # 0.1 % wrong
    False
    """
    tolerance = 1e-6 if tolerance is None else positive("tolerance", tolerance)
    rng = rng or np.random.default_rng(0)
    named, checks = in_dtype(x), []
    for k in range(directions):
        u = drawn(rng, named)
        expected = _difference(f, x, named, u)
        found = [np.asarray(a) for _, a in leaves(jvp(rebuilt(x, iter(u))))]
        expected = list(leaves(expected, "f(x)"))
        shapes = [a.shape for _, a in expected]
        if [a.shape for a in found] != shapes:
            raise ValueError(f"jvp must return the shapes of f(x), {shapes}, got "
                             f"{[a.shape for a in found]}")
        for (name, d), g in zip(expected, found, strict=True):
            checks.append(compared(f"{name} along direction {k}", d.shape, g.ravel(), d.ravel(),
                                   list(range(d.size)), tolerance, floor=1e-9))
    return report(checks, 0, "central", tolerance, strict)


def _difference(f, x, named, directions):
    """Return the central difference of f along a direction, nested as f(x) is."""
    right, left = (f(moved_along(x, named, directions, s * CENTRAL)) for s in (1, -1))
    quotients = [(b - a) / (2 * CENTRAL)
                 for a, b in zip(_real_outputs(left), _real_outputs(right), strict=True)]
    return rebuilt(right, iter(quotients))


def _real_outputs(value):
    found = []
    for name, a in leaves(value, "f(x)"):
        if a.dtype.kind != "f":
            raise TypeError(f"{name} must hold real numbers, found dtype {a.dtype}; indices and "
                            "counts have no derivative, so let f return the rest")
        found.append(a)
    return found
