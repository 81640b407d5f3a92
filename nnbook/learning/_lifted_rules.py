"""The rules of the package's functions: how each gradient, vjp or slope serves a graph.

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
from nnbook.learning._traced import Op, Traced
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


def rule(f, name, names):
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
            raise TypeError(f"{name} is missing in nnbook.learning._lifted_rules.OF, which names "
                            "the arguments that a function has gradients in")
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
            from nnbook.learning.lifted import lift

            return g * lift(prime)(z, *rest, **options)
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

    def vjp(g, out, arrays, options, needed):
        if unchecked and not options and g.dtype is DOUBLE and _alike((g, *arrays)):
            slope = unchecked(*arrays)
        elif any_traced((g, *arrays)):
            return again(g, out, arrays, options, needed)
        else:
            slope = gradient(*arrays, **options)
        if g.ndim:
            g = _over_classes(g, slope.shape, options.get("axis", 1))
        return [(g * slope).astype(slope.dtype, copy=False)]

    again = _again(name)
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
    straight = positions == tuple(range(len(of)))  # the first arguments, in their order
    keeps_output = "output" in inspect.signature(derivative).parameters
    again = _again(name)
    unchecked = getattr(derivative, "unchecked", None)

    def vjp(g, out, arrays, options, needed):
        if unchecked and _alike((g, *arrays)):
            found = unchecked(g, *arrays, needed=needed, **options)
            return found if straight else _placed(found, name, positions, of)
        if any_traced((g, *arrays)):
            return again(g, out, arrays, options, needed)
        if keeps_output:
            options = {**options, "output": out}
        found = derivative(g, *arrays, **options)
        return _placed(found if isinstance(found, tuple) else (found,), name, positions, of)

    return Op(name, f, vjp=vjp, push=_push(name), silent=True)


def own_rule(f, name, derivative, of, names):
    """Return the rule of a function of the user's own, and the arguments that it is for."""
    of = names[:1] if of is None else of
    strange = [argument for argument in of if argument not in names]
    if strange:
        raise TypeError(f"of names {', '.join(strange)}, which {name} does not have; its "
                        f"arguments are {', '.join(names)}")
    positions = tuple(names.index(argument) for argument in of)

    def vjp(g, out, arrays, options, needed):
        if any_traced((g, *arrays)):
            raise TypeError(_no_second(name))
        found = derivative(g, *arrays, **options)
        return _placed(found if isinstance(found, tuple) else (found,), name, positions, of)

    return Op(name, f, vjp=vjp), of


def _placed(found, name, positions, of):
    """Return the gradients that a vjp gave, each at its argument's position."""
    if len(found) != len(of):
        raise ValueError(f"{name}_vjp must return one gradient for each of {', '.join(of)}, found "
                         f"{len(found)}")
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


def _again(name):
    """Return the vjp by the function's definition, whose steps can be differentiated again."""

    def vjp(g, out, arrays, options, needed):
        definition = functools.partial(_definition(name), **options)
        return run_again(definition)(g, out, arrays, {}, needed)

    return vjp


def _push(name):
    def push(tangents, out, arrays, options):
        definition = functools.partial(_definition(name), **options)
        slopes = tuple(tangents.get(i) for i in range(len(arrays)))
        return jvp(definition, tuple(arrays), slopes)[1]

    return push


# ---------------------------------------------------------------- what is plain
def any_traced(arguments):
    """Return whether a traced array stands among the arguments, or in a nest that does."""
    for x in arguments:
        if type(x) is np.ndarray:
            continue
        if isinstance(x, Traced):
            return True
        if isinstance(x, (list, tuple, dict)) and any(isinstance(y, Traced) for y in flat(x)):
            return True
    return False


def _alike(arguments):
    """Return whether all are arrays of one dtype, float64 or float32, and none is traced."""
    dtype = arguments[0].dtype
    for x in arguments:
        if type(x) is not np.ndarray or x.dtype is not dtype:
            return False
    return dtype is DOUBLE or dtype is SINGLE
