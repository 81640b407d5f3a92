"""Points: where a function is held to its equation.

Everywhere: all magnitudes that the format has (exponents drawn evenly), the region in which
networks live, and the places where implementations break: zeros, subnormals, the largest floats,
both sides of every kink, the thresholds at which exp overflows or 1 + exp(-z) rounds to 1.
"""

import math

import numpy as np
import sympy as sp

from nnbook.checking.precision import FORMATS


def inside(domain, x):
    """Return a mask: which floats of an array lie in a SymPy set."""
    x = np.asarray(x)
    if domain is sp.S.Reals or domain == sp.S.Reals:
        return np.isfinite(x)
    if isinstance(domain, sp.Union):
        return np.logical_or.reduce([inside(part, x) for part in domain.args])
    if isinstance(domain, sp.Interval):
        with np.errstate(invalid="ignore"):
            left = _compare(x, domain.start, np.greater if domain.left_open else np.greater_equal)
            right = _compare(x, domain.end, np.less if domain.right_open else np.less_equal)
        return left & right & np.isfinite(x)
    if isinstance(domain, sp.FiniteSet):
        return np.isin(x, [float(p) for p in domain])
    if isinstance(domain, sp.Complement):
        return inside(domain.args[0], x) & ~inside(domain.args[1], x)
    raise TypeError(f"domain must be a real interval, a union of intervals or a finite set, "
                    f"got {domain}")


def _compare(x, end, test):
    if end in (sp.oo, -sp.oo):
        return np.ones(x.shape, bool)
    near = test(x, float(end))
    if not end.is_Float and sp.Rational(*float(end).as_integer_ratio()) != end:
        for i in np.flatnonzero(x == float(end)):     # the end falls between two floats
            exact = sp.Rational(*float(x.flat[i]).as_integer_ratio())
            near.flat[i] = bool(test(exact, end))
    return near


def kinks_of(expr, symbol):
    """Return the points where the pieces of an expression meet, as floats."""
    edges = []
    for part in sp.preorder_traversal(expr):
        if isinstance(part, sp.Max | sp.Min):
            edges += [a - b for a in part.args for b in part.args if a != b]
        elif isinstance(part, sp.Abs | sp.sign | sp.Heaviside):
            edges.append(part.args[0])
        elif isinstance(part, sp.core.relational.Relational):
            edges.append(part.lhs - part.rhs)
    found = set()
    for edge in edges:
        try:
            if edge.is_polynomial(symbol) and sp.degree(edge, symbol) == 1:
                found.update(float(root) for root in sp.solve(edge, symbol) if root.is_real)
        except (sp.PolynomialError, TypeError):       # several symbols, or no polynomial
            continue
    return sorted(found)


def edges(dtype, kinks=()):
    """Return the places of a format where implementations break."""
    kind = np.dtype(dtype).type
    bits, tiny, huge = FORMATS[np.dtype(dtype).name]
    info = np.finfo(kind)
    log2 = math.log(2.0)
    marks = [float(info.tiny), float(info.max), math.ldexp(1.0, tiny), 1.0, 0.5, 2.0,
             math.ldexp(1.0, -bits), math.ldexp(1.0, 1 - bits), math.ldexp(1.0, -bits // 2),
             huge * log2, -tiny * log2, (bits - tiny) * log2, (1 - bits) * -log2, bits * log2 / 2,
             math.sqrt(huge * log2), math.sqrt(-2 * tiny * log2), math.ldexp(1.0, huge // 2),
             math.ldexp(1.0, huge - 1), 37.5, 200.0, 709.0, 745.0, 1000.0]
    with np.errstate(all="ignore"):
        around = np.array([0.0, *marks, *kinks], dtype=kind)
        around = np.concatenate([around, -around])
        around = np.concatenate([around, np.nextafter(around, kind(np.inf)),
                                 np.nextafter(around, kind(-np.inf))])
    return np.unique(around[np.isfinite(around)])


def ends_of(domain):
    """Return the finite ends of the intervals of a domain."""
    parts = domain.args if isinstance(domain, sp.Union) else [domain]
    return [float(end) for part in parts if isinstance(part, sp.Interval)
            for end in (part.start, part.end) if end.is_finite]


def scalar_points(domain, count, rng, dtype="float64", kinks=()):
    """Return ``count`` floats of a format that lie in a domain, its edges first.

    Parameters
    ----------
    domain : sympy.Set
        Where to sample.
    count : int
        How many points.
    rng : numpy.random.Generator
        Source of the random ones.
    dtype : dtype
        float64, float32 or float16.
    kinks : sequence of float
        Points whose neighbours are of interest.

    Returns
    -------
    x : ndarray, shape (count,)
        Half of the random points over all exponents of the format, half where networks live.

    Raises
    ------
    ValueError
        If the domain holds no float of the format.
    """
    kind = np.dtype(dtype).type
    _, tiny, huge = FORMATS[np.dtype(dtype).name]
    ends = ends_of(domain)
    found = edges(dtype, [*kinks, *ends])
    found = found[inside(domain, found)][:count]
    parts, have = [found], len(found)
    finite = [e for e in ends if math.isfinite(e)]
    for _ in range(60):
        if have >= count:
            break
        need = count - have
        sign = rng.choice([-1.0, 1.0], need)
        everywhere = np.ldexp(rng.uniform(1.0, 2.0, need), rng.integers(tiny, huge, need))
        here = np.ldexp(rng.uniform(1.0, 2.0, need), rng.integers(max(tiny, -12), 10, need))
        x = sign * np.where(rng.random(need) < 0.5, everywhere, here)
        if len(finite) > 1:                           # a bounded domain: evenly over it, too
            even = rng.uniform(min(finite), max(finite), need)
            x = np.where(rng.random(need) < 0.5, even, x)
        elif finite:                                  # log-uniform distances from its end
            x = np.where(rng.random(need) < 0.5, finite[0] + x, x)
        with np.errstate(all="ignore"):
            x = x.astype(kind)
        x = x[inside(domain, x)]
        parts.append(x)
        have += len(x)
    if not have:
        raise ValueError(f"domain {domain} holds no {np.dtype(dtype).name} number")
    return np.concatenate(parts)[:count]
