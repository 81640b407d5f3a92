"""What optimizers share: the contract, the walk over the leaves, learning rates, corrections."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from nnbook.functions._validate import check_number
from nnbook.learning.trees import tree_map, tree_of


class Optimizer(NamedTuple):
    """A pair of functions, ``init(params)`` and ``update(grads, state, params)``.

    Those that `nnbook.learning.engine` knows how to take in place also say their name, their
    learning rate and what else they were made with.
    """

    init: Callable[[Any], Any]
    update: Callable[[Any, Any, Any], tuple[Any, Any]]
    name: str = ""
    alpha: float | Callable[[int], float] = 0.0
    settings: Mapping[str, Any] = MappingProxyType({})

    def known_as(self, name, alpha, **settings):
        """Return this optimizer with its name, its learning rate and its settings."""
        return self._replace(name=name, alpha=alpha, settings=MappingProxyType(settings))


def leafwise(State, at, start=None, used=None):
    """Make an optimizer out of the arithmetic on one array.

    Parameters
    ----------
    State : NamedTuple class
        Its first field is ``t``, the steps taken so far; every other is a nest like ``params``.
    at : callable
        ``at(t)`` gives the step to take after t others: a function ``step(theta, g, *leaves)``
        that returns the new theta and the new leaves, and changes nothing in place.
    start : callable, optional
        ``start(theta)`` gives the leaves before the first step; zeros if not given.
    used : tuple of str, optional
        The fields that are kept; the others are None. All if not given.

    Returns
    -------
    Optimizer
    """
    used = State._fields[1:] if used is None else used
    start = start or (lambda theta: (np.zeros_like(theta),) * len(used))

    def packed(t, params, rows):
        nests = [tree_of(params, [row[k] for row in rows]) for k in range(len(used))]
        return State(t, **dict(zip(used, nests, strict=True)))

    def init(params):
        rows = []
        tree_map(lambda leaf: rows.append(start(_as_work(as_real(leaf, "params")))), params)
        return packed(0, params, rows)

    @np.errstate(all="ignore")
    def update(grads, state, params):
        check_state(state, State)
        step, thetas, rows = at(state.t), [], []

        def walk(leaf, g, *leaves):
            theta = as_real(leaf, "params")
            work = _as_work(theta)
            g = as_real(g, "grads")
            new, *row = step(work, g if g.dtype == work.dtype else g.astype(work.dtype), *leaves)
            thetas.append(new if new.dtype == theta.dtype else new.astype(theta.dtype))
            rows.append(row)

        tree_map(walk, params, grads, *(getattr(state, name) for name in used))
        return tree_of(params, thetas), packed(state.t + 1, params, rows)

    return Optimizer(init, update)


def check_state(state, State):
    """Raise TypeError unless ``state`` is the one that init or the last update returned."""
    if not isinstance(state, State):
        raise TypeError(
            f"state must be the {State.__name__} that init or the last update returned, found "
            f"{type(state).__name__}; the order is update(grads, state, params)"
        )


def check_optimizer(optimizer):
    """Return ``optimizer`` if it is one."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    raise TypeError(f"optimizer must be one such as sgd(0.1) or adam(), found {optimizer!r:.60}")


def rate_of(alpha, name="alpha", high=math.inf):
    """Return a function of the step count that gives the rate, checked; a number is constant."""
    if callable(alpha):
        return lambda t: check_number(alpha(t), f"{name}(t={t})", low=0.0, high=high)
    value = check_number(alpha, name, low=0.0, high=high)
    return lambda t: value


def check_memory(beta, name="beta"):
    """Return a share of the past that is kept, as a float in [0, 1)."""
    return check_number(beta, name, low=0.0, high=1.0)


def one_minus_power(beta, t):
    """Return 1 - beta**t within 3 ulp; the plain difference cancels where beta**t is near 1."""
    return -math.expm1(t * math.log(beta)) if beta > 0 else 1.0


def over_root(x, square, eps):
    """Return x / (sqrt(square) + eps); where x is 0 it is 0, for eps = 0 and square = 0 too."""
    quotient = x / (np.sqrt(square) + eps)
    return quotient if eps > 0 else np.where(x == 0, x, quotient)


def as_real(leaf, name):
    """Return a leaf as an array of floats; integers become float64."""
    array = np.asarray(leaf)
    if array.dtype.kind == "f":
        return array
    if array.dtype.kind in "iu":
        return array.astype(np.float64)
    raise TypeError(
        f"{name} must be a nest of lists, tuples and dicts with arrays of real numbers as leaves, "
        f"found {type(leaf).__name__} {leaf!r:.60}"
    )


def _as_work(theta):
    # in float16 the usual eps is 0, and the square of a gradient of 1e-4 too
    return theta.astype(np.float32) if theta.dtype == np.float16 else theta
