"""The package's functions for Tensors and dual numbers: same names, same arguments.

>>> from nnbook.learning.lifted import affine, cross_entropy, relu

Each calls the function itself for the value, and for the gradient its derivative, ``f_prime``,
``f_grad`` or ``f_vjp``. Given plain arrays it is the function itself. In forward mode, and where
a derivative is differentiated again, the function's definition takes its place: the same formula,
written with functions that have rules (`nnbook.learning._definitions`).

A derivative may have a form ``unchecked``, of the same arguments: for float64 arrays that the
function itself has taken, and a cotangent of its result's shape. On the way back there is nothing
left to check; a step of a small network takes a sixth less. That of an ``f_vjp`` takes float32 as
well, and the positions that are ``needed``: no gradient is computed in data, which a first layer
would spend a third of its time on.
"""

import functools
import inspect

import numpy as np

import nnbook.functions
from nnbook.functions._validate import DOUBLE, SINGLE
from nnbook.learning._traced import NO_OPTIONS, Op, Traced, apply, plain
from nnbook.learning.forward_mode import jvp
from nnbook.learning.transforms import run_again
from nnbook.learning.trees import flat

NORM = ("x", "gain", "shift")
CONVOLUTION = ("x", "W", "b")

OF = {
    "affine": ("A", "W", "b"),
    "attention": ("Q", "K", "V", "mask"),
    "avg_pool1d": ("x",),
    "avg_pool2d": ("x",),
    "avg_pool3d": ("x",),
    "batch_norm": (*NORM, "running_mean", "running_var"),
    "conv1d": CONVOLUTION,
    "conv2d": CONVOLUTION,
    "conv3d": CONVOLUTION,
    "conv_transpose1d": CONVOLUTION,
    "conv_transpose2d": CONVOLUTION,
    "conv_transpose3d": CONVOLUTION,
    "dropout": ("x",),
    "embedding": ("table",),
    "global_avg_pool": ("x",),
    "global_max_pool": ("x",),
    "group_norm": NORM,
    "gru": ("x", "W_x", "W_h", "b", "h0", "b_n"),
    "gru_cell": ("x", "h", "W_x", "W_h", "b", "b_n"),
    "instance_norm": NORM,
    "layer_norm": NORM,
    "log_softmax": ("z",),
    "logsumexp": ("z",),
    "lstm": ("x", "W_x", "W_h", "b", "h0", "c0", "peepholes"),
    "lstm_cell": ("x", "h", "c", "W_x", "W_h", "b", "peepholes"),
    "max_pool1d": ("x",),
    "max_pool2d": ("x",),
    "max_pool3d": ("x",),
    "multi_head_attention": (
        "query", "key", "value", "W_q", "W_k", "W_v", "W_o", "b_q", "b_k", "b_v", "b_o", "mask",
    ),
    "prelu": ("z", "alpha"),
    "rayleigh_quotient": ("A", "x"),
    "rms_norm": ("x", "gain"),
    "rnn": ("x", "W_x", "W_h", "b", "h0"),
    "rnn_cell": ("x", "h", "W_x", "W_h", "b"),
    "rotary": ("X",),
    "softmax": ("z",),
}
"""Function with an ``f_vjp`` -> the arguments it has gradients in, in their order.

Elementwise functions and losses have one, their first.
"""


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
    op, of = _own_rule(f, name, vjp, of, names) if vjp else _rule(f, name, names)
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
        if not _any_traced(arguments) and not _any_traced(options.values()):
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


def _alike(arguments):
    """Return whether all are arrays of one dtype, float64 or float32, and none is traced."""
    dtype = arguments[0].dtype
    for x in arguments:
        if type(x) is not np.ndarray or x.dtype is not dtype:
            return False
    return dtype is DOUBLE or dtype is SINGLE


def _any_traced(arguments):
    for x in arguments:
        if type(x) is np.ndarray:
            continue
        if isinstance(x, Traced):
            return True
        if isinstance(x, (list, tuple, dict)) and any(isinstance(y, Traced) for y in flat(x)):
            return True
    return False


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
             if (i not in positions or not isinstance(a, Traced)) and _any_traced((a,))]
    wrong += [option for option, value in options.items() if _any_traced((value,))]
    if wrong:
        raise TypeError(f"{wrong[0]} of {name} is data: there is no derivative in it, only in "
                        f"{', '.join(of)}; pass plain numbers, t.value of a Tensor t")


# ---------------------------------------------------------------- the rules
def _rule(f, name, names):
    """Return the rule of a function of the package, and the arguments that it is for."""
    package = nnbook.functions
    if getattr(package, name, None) is not f:
        raise TypeError(f"f must be a function of nnbook.functions, found {name} of "
                        f"{getattr(f, '__module__', '?')}; for a function of your own say what "
                        f"its derivative is, lift({name}, vjp), or write it with NumPy's functions")
    if hasattr(package, f"{name}_prime"):
        return _elementwise(f, name, getattr(package, f"{name}_prime")), names[:1]
    if hasattr(package, f"{name}_grad"):
        return _loss(f, name, getattr(package, f"{name}_grad")), names[:1]
    if hasattr(package, f"{name}_vjp"):
        if name not in OF:
            raise TypeError(f"{name} is missing in nnbook.learning.lifted.OF, which names the "
                            "arguments that a function has gradients in")
        return _general(f, name, getattr(package, f"{name}_vjp"), OF[name], names), OF[name]
    if name.endswith("_prime"):
        return _slope(f, name), names[:1]
    raise TypeError(f"{name} has no derivative in nnbook.functions, no {name}_prime, {name}_grad "
                    f"or {name}_vjp; for a function of your own pass it as lift({name}, vjp)")


def _elementwise(f, name, prime):
    """Return the rule g f'(z); f' is lifted in its turn where it is to be differentiated."""
    unchecked = getattr(prime, "unchecked", None)

    def share(g, out, z, *rest, **options):
        if unchecked and type(z) is np.ndarray and z.dtype is DOUBLE:
            return g * unchecked(z, *rest, **options)
        if isinstance(z, Traced):
            return g * _lifted(prime)(z, *rest, **options)
        return g * prime(z, *rest, **options)

    def push(tangents, out, arrays, options):
        return share(tangents[0], out, *arrays, **options)

    return Op(name, f, (share,), push=push, silent=True)


def _slope(f, name):
    """Return the rule of a derivative f': g f''(z), by the formula of f''."""

    def share(g, out, z, *rest, **options):
        from nnbook.learning._definitions import SECOND

        if name not in SECOND:
            raise TypeError(f"{name} cannot be differentiated again: no formula of its derivative "
                            "stands in nnbook.learning._definitions.SECOND")
        return g * SECOND[name](z, *rest, **options)

    def push(tangents, out, arrays, options):
        return share(tangents[0], out, *arrays, **options)

    return Op(name, f, (share,), push=push, silent=True)


def _loss(f, name, gradient):
    """Return the rule of a loss: g times its gradient, each entry of g where it belongs."""
    unchecked = getattr(gradient, "unchecked", None)

    def vjp(g, out, arrays, options):
        if unchecked and not options and g.dtype is DOUBLE and _alike((g, *arrays)):
            slope = unchecked(*arrays)
        elif _any_traced((g, *arrays)):
            return again(g, out, arrays, options)
        else:
            slope = gradient(*arrays, **options)
        if g.ndim:
            g = _over_classes(g, slope.shape, options.get("axis", 1))
        return [(g * slope).astype(slope.dtype, copy=False)]

    again = _again(name, (0,))
    return Op(name, f, vjp=vjp, push=_push(name), silent=True)


def _over_classes(g, shape, axis):
    """Return g, one number for each example, with the axes that the loss has summed over."""
    if g.shape == shape:
        return g
    if g.ndim == len(shape) - 1:
        axis %= len(shape)
        if shape[:axis] + shape[axis + 1 :] == g.shape:
            return np.expand_dims(g, axis)
    return np.reshape(g, g.shape + (1,) * (len(shape) - g.ndim))


def _general(f, name, derivative, of, names):
    positions = tuple(names.index(argument) for argument in of)
    keeps_output = "output" in inspect.signature(derivative).parameters
    again = _again(name, positions)
    unchecked = getattr(derivative, "unchecked", None)

    def vjp(g, out, arrays, options, needed):
        if unchecked and _alike((g, *arrays)):
            found = unchecked(g, *arrays, needed=needed, **options)
            return _placed(found, name, positions, of)
        if _any_traced((g, *arrays)):
            return again(g, out, arrays, options)
        if keeps_output:
            options = {**options, "output": out}
        found = derivative(g, *arrays, **options)
        return _placed(found if isinstance(found, tuple) else (found,), name, positions, of)

    return Op(name, f, vjp=vjp, push=_push(name), silent=True, selective=True)


def _own_rule(f, name, derivative, of, names):
    of = names[:1] if of is None else of
    strange = [argument for argument in of if argument not in names]
    if strange:
        raise TypeError(f"of names {', '.join(strange)}, which {name} does not have; its "
                        f"arguments are {', '.join(names)}")
    positions = tuple(names.index(argument) for argument in of)

    def vjp(g, out, arrays, options):
        if _any_traced((g, *arrays)):
            raise TypeError(_no_second(name))
        found = derivative(g, *arrays, **options)
        return _placed(found if isinstance(found, tuple) else (found,), name, positions, of)

    return Op(name, f, vjp=vjp), of


def _placed(found, name, positions, of):
    """Return the gradients that a vjp gave, each at its argument's position."""
    if len(found) != len(of):
        raise ValueError(f"{name}_vjp must return one gradient for each of {', '.join(of)}, found "
                         f"{len(found)}")
    if positions == tuple(range(len(of))):  # the first arguments, in their order
        return found
    shares = [None] * (max(positions) + 1)
    for k, i in enumerate(positions):
        shares[i] = found[k]
    return shares


def _definition(name):
    found = definitions().get(name)
    if found is None:
        raise TypeError(_no_second(name))
    return found


def definitions():
    """Return the table of a function's name -> the same function, of steps that have rules."""
    from nnbook.learning._definitions import LAYERS
    from nnbook.learning._definitions_of_sequences import SEQUENCES
    from nnbook.learning._definitions_of_windows import WINDOWS

    return LAYERS | SEQUENCES | WINDOWS


def _no_second(name):
    return (f"{name} has a gradient, by grad or backward, but no rule for jvp and for second "
            "derivatives: it has no definition in nnbook.learning._definitions")


def _again(name, positions):
    """Return the vjp by the function's definition, whose steps can be differentiated again."""

    def vjp(g, out, arrays, options):
        definition = functools.partial(_definition(name), **options)
        return run_again(definition, positions)(g, out, arrays, {})

    return vjp


def _push(name):
    def push(tangents, out, arrays, options):
        definition = functools.partial(_definition(name), **options)
        slopes = tuple(tangents.get(i) for i in range(len(arrays)))
        return jvp(definition, tuple(arrays), slopes)[1]

    return push


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
