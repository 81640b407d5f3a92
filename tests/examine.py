"""What a row of tests/cases must hold, written once for the tests and for `make fuzz`."""

from __future__ import annotations

import numpy as np

from nnbook.checking._gradient_report import drawn, in_dtype, moved_along
from nnbook.checking.gradcheck import adjoint_test, gradcheck, taylor_test
from tests.cases.base import Case


class Broken(AssertionError):
    """A case does not hold; the message says which promise and where."""


def arrays(value) -> tuple:
    """Return an array, or a nest of tuples of arrays and None, as a flat tuple of arrays."""
    if value is None:
        return ()
    if isinstance(value, tuple | list):
        return tuple(a for part in value for a in arrays(part))
    return (np.asarray(value),)


def forward(case: Case, args, kwargs) -> tuple:
    """Return the outputs that the derivative belongs to, as a tuple of arrays."""
    return arrays(structure(case, args, kwargs))


def structure(case: Case, args, kwargs):
    """Return what the function gives, or the part of it that g belongs to."""
    with np.errstate(all="raise"):
        value = case.function(*args, **kwargs)
    return value if case.outputs is None else case.outputs(value)


def filled(like, leaves):
    """Return a structure like ``like`` with the arrays of the iterator ``leaves`` in it."""
    if like is None:
        return None
    if isinstance(like, tuple | list):
        return tuple(filled(part, leaves) for part in like)
    return next(leaves)


def gradients(case: Case, g, args, kwargs) -> tuple:
    """Return the gradient of Σ g f for each argument of ``case.of``; g is a flat tuple."""
    with np.errstate(all="raise"):
        if case.call is not None:
            like = structure(case, args, kwargs)
            found = case.call(filled(like, iter(g)), args, kwargs)
        elif case.kind == "prime":
            return (g[0] * case.derivative(*args, **kwargs),)
        elif case.kind == "grad":
            found = case.derivative(*args, **kwargs)
        else:
            like = structure(case, args, kwargs)
            found = case.derivative(filled(like, iter(g)), *args, **kwargs)
    found = found if isinstance(found, tuple | list) else (found,)
    chosen = [np.asarray(part) for part in found if part is not None]
    if len(chosen) != len(case.of):
        raise Broken(f"{case.id}: {len(chosen)} gradients for {len(case.of)} arguments")
    return tuple(chosen)


def cotangents(case: Case, rng, args, kwargs) -> tuple:
    """Draw g; a loss has none, so its parts weigh 1."""
    parts = forward(case, args, kwargs)
    if case.kind == "grad" and case.call is None:
        return tuple(np.ones_like(part) for part in parts)
    return tuple(np.asarray(rng.standard_normal(part.shape)).astype(part.dtype) for part in parts)


def replaced(case: Case, args, new) -> tuple:
    """Return args with the arrays that the derivative is taken in replaced."""
    out = list(args)
    for position, array in zip(case.of, new, strict=True):
        out[position] = array
    return tuple(out)


def chosen(case: Case, args) -> list:
    return [args[position] for position in case.of]


def weighted(case: Case, g, args, kwargs):
    """Return x -> Σ g f(x), as the difference quotients want it."""

    def f(x):
        parts = forward(case, replaced(case, args, x), kwargs)
        return float(sum(np.sum(a * np.asarray(b)) for a, b in zip(g, parts, strict=True)))

    return f


def kinks_of(case: Case, args, kwargs):
    if case.kinks is None:
        return None
    return lambda x: [np.asarray(z) for z in case.kinks(*replaced(case, args, x), **kwargs)]


def examine_gradient(case: Case, args, kwargs, rng, entries=12) -> int:
    """Hold the derivative to central differences, to Taylor's remainder and to its adjoint."""
    x = chosen(case, args)
    g = cotangents(case, rng, args, kwargs)
    given = gradients(case, g, args, kwargs)
    for position, array, gradient in zip(case.of, x, given, strict=True):
        if gradient.shape != np.shape(array):
            raise Broken(
                f"{case.id}: the gradient of argument {position} has shape {gradient.shape}, "
                f"the argument {np.shape(array)}"
            )
    if not sum(np.size(a) for a in x):
        return 0
    f, kinks = weighted(case, g, args, kwargs), kinks_of(case, args, kwargs)
    result = gradcheck(
        f, list(given), x, preactivations=kinks, entries=entries, rng=rng, tolerance=case.tolerance
    )
    if not result.ok:
        raise Broken(f"{case.id}: {result}")
    return 1 + examine_taylor(case, f, given, x, kinks, rng) + examine_adjoint(
        case, args, kwargs, rng, kinks
    )


def signs(kinks, x) -> list:
    return [np.sign(z) for z in kinks(x)]


def examine_taylor(case, f, given, x, kinks, rng) -> int:
    """The remainder falls by four when the step is halved; the steps avoid every kink.

    Along one direction the terms of second and third order may cancel, and the order look lower;
    a wrong gradient has order 1 along every direction, so three of them must fail.
    """
    orders = []
    for shrink in (1.0, 0.1, 0.01, 1.0, 0.1, 0.01):
        steps = [shrink * h for h in (1e-2, 5e-3, 2.5e-3, 1.25e-3)]
        crossed = []

        def watched(moved, crossed=crossed):
            if kinks is not None:
                pairs = zip(signs(kinks, moved), signs(kinks, x), strict=True)
                crossed.append(any(np.any(a != b) for a, b in pairs))
            return f(moved)

        seed = int(rng.integers(2**32))
        order = taylor_test(watched, list(given), x, rng=np.random.default_rng(seed), steps=steps)
        if any(crossed):
            continue
        if order >= 1.8 or _is_rounding(f, given, x, steps, seed):
            return 1
        orders.append(order)
        if len(orders) == 3:
            break
    if orders:
        shown = ", ".join(f"{order:.2f}" for order in orders)
        raise Broken(f"{case.id}: the Taylor remainder vanishes at order {shown}, not 2")
    return 0


def _is_rounding(f, given, x, steps, seed) -> bool:
    """Whether the remainders are too small to have an order: the function is all but linear."""
    named = in_dtype(x)
    directions = drawn(np.random.default_rng(seed), named, unit=True)  # as `taylor_test` draws it
    moved = moved_along(x, named, directions, steps[0])
    slope = sum(float(np.sum(g * u)) for g, u in zip(given, directions, strict=True))
    return abs(f(moved) - f(x) - steps[0] * slope) <= 1e-10 * max(1.0, abs(f(x)))


def examine_adjoint(case, args, kwargs, rng, kinks) -> int:
    """⟨v, J u⟩ = ⟨Jᵀ v, u⟩ for the outputs strung together."""
    if case.kind == "grad" and case.call is None:
        return 0
    x = chosen(case, args)
    parts = forward(case, args, kwargs)
    sizes = np.cumsum([part.size for part in parts])[:-1]
    crossed = []

    def strung(moved):
        if kinks is not None:
            pairs = zip(signs(kinks, moved), signs(kinks, x), strict=True)
            crossed.append(any(np.any(a != b) for a, b in pairs))
        found = forward(case, replaced(case, args, moved), kwargs)
        return np.concatenate([part.ravel() for part in found])

    def vjp(v):
        split = np.split(v, sizes)
        g = tuple(s.reshape(p.shape) for s, p in zip(split, parts, strict=True))
        return list(gradients(case, g, args, kwargs))

    holds = adjoint_test(strung, vjp, x, rng=rng, tolerance=1e-5)
    if not holds and not any(crossed):
        raise Broken(f"{case.id}: ⟨v, Ju⟩ is not ⟨Jᵀv, u⟩")
    return 1


def real_arrays(args) -> list[int]:
    """Return the positions of the float64 arrays among the arguments."""
    return [i for i, a in enumerate(args) if isinstance(a, np.ndarray) and a.dtype == np.float64]


def converted(args, change) -> tuple:
    """Return args with `change` applied to every array of real numbers."""
    where = set(real_arrays(args))
    return tuple(change(a) if i in where else a for i, a in enumerate(args))


def apart(a):
    """Return the same values with gaps between them and the axes stored backwards, read-only."""
    if a.ndim == 0:
        return a
    room = np.full(tuple(2 * n for n in a.shape), np.nan, a.dtype)
    view = room[(slice(None, None, 2),) * a.ndim][(slice(None, None, -1),) * a.ndim]
    view[...] = a
    view.flags.writeable = False
    return view


def fortran(a):
    """Return the same values, stored column by column, read-only."""
    out = np.array(a, order="F")
    out.flags.writeable = False
    return out
