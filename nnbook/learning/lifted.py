"""The package's functions for Tensors and dual numbers: same names, same arguments.

>>> from nnbook.learning.lifted import affine, cross_entropy, relu

Each calls the function itself for the value, and for the gradient its derivative, ``f_prime``,
``f_grad`` or ``f_vjp``. Given plain arrays it is the function itself. In forward mode, and where
a derivative is differentiated again, the function's definition takes its place: the same formula,
written with functions that have rules (`nnbook.learning._definitions`). The rules themselves are
in `nnbook.learning._lifted_rules`.
"""

import functools
import inspect

import numpy as np

import nnbook.functions
from nnbook.learning._lifted_rules import any_traced, own_rule, rule
from nnbook.learning._traced import NO_OPTIONS, Traced, apply, plain


def lift(f, vjp=None, *, of=None):
    r"""Return a form of a function that takes Tensors and dual numbers.

    Parameters
    ----------
    f : callable
        A function of `nnbook.functions` that has a derivative, or one of your own.
    vjp : callable, optional
        The derivative of a function of your own: ``vjp(g, *arguments, **keywords)`` with the
        cotangent first. It returns one gradient for each name in `of`, or a single array.
    of : tuple of str, optional
        The arguments of f that `vjp` has gradients in, by default its first.

    Returns
    -------
    callable
        Takes what f takes. Where no argument is traced it is f itself.

    Raises
    ------
    TypeError
        If f is not a function or has no derivative; when called, if a Tensor stands where f has
        no derivative: labels, masks and options are data.

    Notes
    -----
    A function of your own has a first derivative, in reverse mode; write it with NumPy's
    functions, and it needs no lifting and has all of them.

    Examples
    --------
    >>> from nnbook.functions import sigmoid
    >>> from nnbook.learning import grad
    >>> float(grad(lift(sigmoid))(0.0))
    0.25
    >>> from math import erf
    >>> Phi = lift(lambda z: 0.5 + 0.5 * np.float64(erf(z / 2**0.5)),
    ...            lambda g, z: g * np.exp(-z * z / 2) / np.sqrt(2 * np.pi))
    >>> print(round(float(grad(Phi)(0.0)), 4))
    0.3989
    """
    if not callable(f):
        raise TypeError(f"f must be a function, found {type(f).__name__}")
    if vjp is not None and not callable(vjp):
        raise TypeError(f"vjp must be a function, found {type(vjp).__name__}")
    if vjp is None:
        return _lifted(f)
    return _lifted.__wrapped__(f, vjp, None if of is None else tuple(of))


@functools.lru_cache(maxsize=1024)
def _lifted(f, vjp=None, of=None):
    name = getattr(f, "__name__", type(f).__name__)
    parameters = inspect.signature(f).parameters
    names = [p.name for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY,
                                                              p.POSITIONAL_OR_KEYWORD)]
    op, of = own_rule(f, name, vjp, of, names) if vjp else rule(f, name, names)
    prepared = PREPARED.get(name) if vjp is None else None
    positions = tuple(names.index(argument) for argument in of)
    wanted = frozenset(positions)
    defaults = {n: parameters[n].default for n in names}

    @functools.wraps(f)
    def function(*arguments, **options):
        top = UNCLEAR if options or prepared else _highest(arguments, wanted)
        if top is None:
            return f(*arguments)
        if top is not UNCLEAR:
            return top._record(op, arguments, NO_OPTIONS)
        if not any_traced(arguments) and not any_traced(options.values()):
            return f(*arguments, **options)
        if options:
            arguments = _positional(arguments, options, names, defaults)
        if prepared:
            prepared(arguments, options)
        _check_data(name, names, of, positions, arguments, options)
        if options:
            options = {name: _copied(option) for name, option in options.items()}
        return apply(op, arguments, options)

    function.op = op
    return function


def _with_mask(arguments, options):
    """Draw dropout's mask now: the way back needs the same one."""
    rng = options.pop("rng", None)
    if options.get("mask") is None and rng is not None and options.get("training", True):
        x, p = plain(arguments[0]), arguments[1] if len(arguments) > 1 else 0.5
        options["mask"] = nnbook.functions.dropout_mask(x.shape, p, rng)


PREPARED = {"dropout": _with_mask}
UNCLEAR = object()


def _highest(arguments, wanted):
    """Return the traced array of the highest level, or None if there is none.

    UNCLEAR if one stands where none is wanted, or there is a nest, which may hold some.
    """
    top = None
    for i, x in enumerate(arguments):
        if isinstance(x, Traced):
            if i not in wanted:
                return UNCLEAR
            if top is None or x.level > top.level:
                top = x
        elif isinstance(x, (list, tuple, dict)):
            return UNCLEAR
    return top


def _positional(arguments, options, names, defaults):
    """Return the arguments with those that were named moved to their positions."""
    named = [i for i, n in enumerate(names) if n in options and i >= len(arguments)]
    if not named:
        return arguments
    rest = names[len(arguments) : max(named) + 1]
    return (*arguments, *(options.pop(n) if n in options else defaults[n] for n in rest))


def _copied(option):
    """Return an option that the caller cannot change before the way back."""
    if isinstance(option, np.ndarray):
        return option.copy()
    if isinstance(option, (list, tuple)) and not hasattr(option, "_fields"):
        return type(option)(_copied(x) for x in option)
    return option


def _check_data(name, names, of, positions, arguments, options):
    """Raise TypeError where a traced array stands in an argument without a derivative."""
    wrong = [names[i] for i, a in enumerate(arguments)
             if (i not in positions or not isinstance(a, Traced)) and any_traced((a,))]
    wrong += [option for option, value in options.items() if any_traced((value,))]
    if wrong:
        raise TypeError(f"{wrong[0]} of {name} is data: there is no derivative in it, only in "
                        f"{', '.join(of)}; pass plain numbers, t.value of a Tensor t")


# ---------------------------------------------------------------- the names
def liftable():
    """Return the names of the package's functions that this module has, sorted.

    These are all that have a derivative, and the slopes ``f_prime``, which have one too.
    """
    names = nnbook.functions.__all__
    return sorted(n for n in names if n.endswith("_prime")
                  or any(f"{n}_{s}" in names for s in ("prime", "grad", "vjp")))


def __getattr__(name):
    function = getattr(nnbook.functions, name, None)
    if name.startswith("_") or function is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name not in liftable():
        raise AttributeError(f"{name} has no derivative; import it from nnbook.functions")
    globals()[name] = lifted = lift(function)  # the next time, Python finds it by itself
    return lifted


def __dir__():
    return sorted({*globals(), *liftable()})
