r"""Forward-mode automatic differentiation: dual numbers, which carry their derivative along.

A dual number :math:`a + \varepsilon b` with :math:`\varepsilon^2 = 0` obeys
:math:`f(a + \varepsilon b) = f(a) + \varepsilon f'(a)\,b`: whoever computes with it computes the
derivative in the direction b beside the value, exactly and without a graph.
"""

import numpy as np

from nnbook.learning import _rules  # noqa: F401 - fills the tables of rules
from nnbook.learning._traced import Traced, apply, is_real, new_level
from nnbook.learning.trees import flat, places, rebuilt


class Dual(Traced):
    """An array and its derivative in one direction; `jvp` makes them.

    Attributes
    ----------
    value : ndarray
        The numbers.
    tangent : ndarray
        Their derivative, of the same shape.
    """

    __slots__ = ("level", "tangent", "value")

    def __init__(self, value, tangent, level):
        self.value, self.tangent, self.level = value, tangent, level

    def __repr__(self):
        return f"Dual({self.value!r}, {self.tangent!r})"

    def _record(self, op, arrays, options):
        level, below, tangents = self.level, [], {}
        for i, array in enumerate(arrays):
            if isinstance(array, Dual) and array.level == level:
                tangents[i] = array.tangent
                array = array.value
            below.append(array)
        if op.push is None:
            raise TypeError(
                f"{op.name} has no rule for forward mode, nor for second derivatives; its "
                "gradient, by grad or backward, is there"
            )
        with np.errstate(all="ignore"):
            value = apply(op, below, options)
            tangent = op.push(tangents, value, below, options)
        if not isinstance(value, tuple):
            return Dual(value, tangent, level)
        parts = [Dual(part, tangent[i], level) if is_real(part) else part
                 for i, part in enumerate(value)]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)


def jvp(f, primals, tangents):
    r"""Value of a function, and its derivative in one direction, by dual numbers.

    .. math:: f(x + \varepsilon t) = f(x) + \varepsilon\, J t, \qquad \varepsilon^2 = 0

    Parameters
    ----------
    f : callable
        Of arrays or nests of arrays; written with NumPy's functions and those of
        `nnbook.learning.lifted`.
    primals : tuple
        Where: f's arguments.
    tangents : tuple
        The direction: for each argument a nest like it; None for an argument that stays.

    Returns
    -------
    value : ndarray or nest of ndarrays
        ``f(*primals)``.
    tangent : ndarray or nest of ndarrays
        J t, nested as the value.

    Raises
    ------
    TypeError
        If primals and tangents are not tuples of equal length, hold no real numbers, or f uses a
        function without a rule.
    ValueError
        If a tangent has not the shape of its primal.

    Notes
    -----
    One pass costs about two evaluations of f, whatever the number of outputs, and stores nothing;
    a gradient in n numbers takes n passes, which is why networks go backwards.

    References
    ----------
    .. [1] Wengert, Communications of the ACM 7(8), 1964, :doi:`10.1145/355586.364791`.

    Examples
    --------
    >>> value, slope = jvp(lambda x: x**2 + 3.0 * x, (2.0,), (1.0,))
    >>> print(value, slope)
    10.0 7.0
    """
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, tuple):
            raise TypeError(f"{name} must be a tuple with one entry for each argument of f, found "
                            f"{type(given).__name__}; for one argument write (x,)")
    if not callable(f):
        raise TypeError(f"f must be a function, found {type(f).__name__}")
    if len(primals) != len(tangents):
        raise TypeError(f"primals and tangents must be of equal length, found {len(primals)} and "
                        f"{len(tangents)}")
    level = new_level()
    arguments = [_dual(x, tangents[i], level, f"[{i}]") for i, x in enumerate(primals)]
    result = f(*arguments)
    found = flat(result)
    ours = lambda x: isinstance(x, Dual) and x.level == level  # noqa: E731
    values = [x.value if ours(x) else x for x in found]
    slopes = [x.tangent if ours(x) else np.zeros_like(x) for x in found]
    return rebuilt(result, iter(values)), rebuilt(result, iter(slopes))


def _dual(primal, tangent, level, at):
    """Return a nest of Duals; an argument without a tangent stays as it is."""
    if tangent is None:
        return primal
    wanted, given = dict(places(primal)), dict(places(tangent))
    if wanted.keys() != given.keys():
        differ = sorted(wanted.keys() ^ given.keys())
        raise ValueError(f"tangents{at} must be nested as primals{at}, but the places differ: "
                         f"{', '.join(differ[:4])}")
    duals = []
    for place, x in wanted.items():
        value = _real(x, f"primals{at}{place}")
        slope = _real(given[place], f"tangents{at}{place}")
        if value.shape != slope.shape:
            raise ValueError(f"tangents{at}{place} must have the shape of primals{at}{place}, "
                             f"{value.shape}, found {slope.shape}")
        duals.append(Dual(value, slope if slope.dtype == value.dtype
                          else slope.astype(value.dtype), level))
    return rebuilt(primal, iter(duals))


def _real(x, name):
    if isinstance(x, Traced):
        return x
    x = np.asarray(x)
    if x.dtype.kind != "f":
        hint = "; write 3.0 for 3, or .astype(float)" if x.dtype.kind in "biu" else ""
        raise TypeError(f"{name} must hold floating-point numbers to have a derivative, but its "
                        f"dtype is {x.dtype}{hint}")
    return x
