"""What Tensors and dual numbers share: operators, and NumPy's functions sent to the rules.

A traced array stands for an array while derivatives are taken. Whatever is done with it comes to
`apply`, which hands it to the array of the highest level: each transform (`grad`, `jvp`) works at
a level of its own, so that they may be nested and never mistake each other's arrays.
"""

import itertools

import numpy as np

UFUNCS = {}
"""NumPy's universal functions -> `Op`; filled by `nnbook.learning._rules`."""

FUNCTIONS = {}
"""NumPy's other functions -> a function of the same arguments that comes to `apply`."""

# Their derivative is 0 wherever they have one; they say which branch is taken, as numbers do.
PIECEWISE_CONSTANT = {
    np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal, np.sign,
    np.signbit, np.isnan, np.isfinite, np.isinf, np.floor, np.ceil, np.rint, np.trunc,
    np.logical_and, np.logical_or, np.logical_not, np.logical_xor,
}
OF_SHAPE_OR_ORDER = {
    np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.full_like, np.empty_like,
    np.argmax, np.argmin, np.argsort, np.argwhere, np.nonzero, np.flatnonzero, np.count_nonzero,
    np.all, np.any, np.array_equal, np.allclose, np.isclose, np.result_type, np.searchsorted,
    np.round,
}

new_level = itertools.count(1).__next__


class Op:
    """A function that can be differentiated, with its rules.

    Attributes
    ----------
    name : str
        For messages.
    forward : callable
        ``forward(*arrays, **options)`` on plain arrays.
    partials : tuple of callables, optional
        ``partials[i](g, out, *arrays, **options)`` is what the i-th argument gets of g.
    vjp : callable, optional
        Instead: ``vjp(g, out, arrays, options, needed)`` gives what the arguments get, in one call;
        `needed` are the positions that are asked for, and others may be None.
    push : callable, optional
        ``push(tangents, out, arrays, options)`` is the tangent of the result; `tangents` maps
        positions to arrays.
    broadcasts : bool
        Whether arguments are broadcast, so that a gradient has to be summed back.
    silent : bool
        Whether `forward` raises no floating-point warning, as no function of the package does.
    """

    __slots__ = ("broadcasts", "forward", "name", "partials", "push", "silent", "vjp")

    def __init__(self, name, forward, partials=None, *, vjp=None, push=None, broadcasts=False,
                 silent=False):
        self.name, self.forward, self.partials = name, forward, partials
        self.vjp, self.push, self.broadcasts, self.silent = vjp, push, broadcasts, silent

    def __repr__(self):
        return f"<rule of {self.name}>"


NO_OPTIONS = {}


def apply(op, arrays, options=NO_OPTIONS):
    """Return ``op`` of the arrays: a plain result, or a node of the highest level among them."""
    top = None
    for array in arrays:
        if isinstance(array, Traced) and (top is None or array.level > top.level):
            top = array
    if top is None:
        return op.forward(*arrays, **options)
    return top._record(op, arrays, options)


def plain(x):
    """Return the numbers behind a traced array, through all its levels."""
    while isinstance(x, Traced):
        x = x.value
    return x


def is_real(x):
    """Return whether x is an array, traced or not, or a number that can have a derivative."""
    return isinstance(x, float) or getattr(getattr(x, "dtype", None), "kind", None) == "f"


def kind_of(x):
    """Return the type's name as a message uses it."""
    return type(x).__name__


def unbroadcast(g, shape):
    """Return g summed over the axes along which an array of that shape was broadcast."""
    if g.shape == shape:
        return g
    lead = g.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(lead + i for i, n in enumerate(shape) if n == 1)
    return np.reshape(np.sum(g, axis=axes), shape)


class Traced:
    """The operators and NumPy functions of an array; subclasses say how to record an operation."""

    __slots__ = ()
    __array_priority__ = 1000.0
    __hash__ = object.__hash__

    # ---------------------------------------------------------------- what an array tells
    @property
    def shape(self):
        return self.value.shape

    @property
    def ndim(self):
        return self.value.ndim

    @property
    def size(self):
        return self.value.size

    @property
    def dtype(self):
        return self.value.dtype

    def __len__(self):
        return len(self.value)

    def __iter__(self):
        if self.ndim == 0:
            raise TypeError(f"a {kind_of(self)} that holds one number cannot be iterated over")
        return (self[i] for i in range(len(self)))

    def __bool__(self):
        return bool(self.value)

    # ---------------------------------------------------------------- what would cut the graph
    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            f"a {kind_of(self)} cannot become a plain array: its derivative would be lost. In "
            "a function of nnbook.functions use its lifted form (from nnbook.learning.lifted "
            "import ..., or lift(f)); for the numbers alone write .value"
        )

    def __float__(self):
        raise TypeError(
            f"float() of a {kind_of(self)} would lose its derivative; use NumPy's functions "
            "instead of those of math, and .value for the number alone"
        )

    __int__ = __index__ = __complex__ = __float__

    def __reduce_ex__(self, protocol):
        raise TypeError(f"a {kind_of(self)} cannot be saved or sent with all that it was computed "
                        "from; save .value")

    def __copy__(self):
        return self  # nothing in it can change

    def __deepcopy__(self, memo):
        return self

    def __setitem__(self, index, value):
        raise TypeError(
            f"a {kind_of(self)} cannot be changed in place: the way back needs its old numbers. "
            "Build a new one, with np.where(mask, new, old) or np.concatenate"
        )

    # ---------------------------------------------------------------- NumPy
    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if method != "__call__" or options:
            what = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
            with_ = f" with {', '.join(options)}=" if options else ""
            hint = "; in-place forms such as += on a plain array end up here" if "out" in options \
                else "; np.sum, np.max and np.min have one" if method == "reduce" else ""
            raise TypeError(f"{what}{with_} has no derivative rule{hint}")
        op = UFUNCS.get(ufunc)
        if op is not None:
            return apply(op, inputs)
        if ufunc in FUNCTIONS:
            return FUNCTIONS[ufunc](*inputs)
        if ufunc in PIECEWISE_CONSTANT:
            return ufunc(*map(plain, inputs))
        raise TypeError(
            f"np.{ufunc.__name__} has no derivative rule; those that have: "
            + ", ".join(sorted(u.__name__ for u in {*UFUNCS, np.power}))
        )

    def __array_function__(self, function, types, args, options):
        rule = FUNCTIONS.get(function)
        if rule is not None:
            code = rule.__code__
            known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            strange = [name for name in options if name not in known]
            if strange:
                raise TypeError(f"np.{function.__name__} of a {kind_of(self)} takes "
                                f"{', '.join(known)}, not {', '.join(strange)}")
            return rule(*args, **options)
        if function in OF_SHAPE_OR_ORDER:
            return function(*(plain(a) for a in args), **{k: plain(v) for k, v in options.items()})
        name = f"{function.__module__}.{function.__name__}".replace("numpy", "np")
        raise TypeError(
            f"{name} has no derivative rule in nnbook.learning.autodiff; write it with functions "
            "that have, give it one with lift(f, vjp), or take .value for the numbers alone"
        )

    # ---------------------------------------------------------------- operators
    def __add__(self, other):
        return apply(UFUNCS[np.add], (self, other))

    def __radd__(self, other):
        return apply(UFUNCS[np.add], (other, self))

    def __sub__(self, other):
        return apply(UFUNCS[np.subtract], (self, other))

    def __rsub__(self, other):
        return apply(UFUNCS[np.subtract], (other, self))

    def __mul__(self, other):
        return apply(UFUNCS[np.multiply], (self, other))

    def __rmul__(self, other):
        return apply(UFUNCS[np.multiply], (other, self))

    def __truediv__(self, other):
        return apply(UFUNCS[np.divide], (self, other))

    def __rtruediv__(self, other):
        return apply(UFUNCS[np.divide], (other, self))

    def __pow__(self, other):
        return FUNCTIONS[np.power](self, other)

    def __rpow__(self, other):
        return FUNCTIONS[np.power](other, self)

    def __matmul__(self, other):
        return apply(UFUNCS[np.matmul], (self, other))

    def __rmatmul__(self, other):
        return apply(UFUNCS[np.matmul], (other, self))

    def __neg__(self):
        return apply(UFUNCS[np.negative], (self,))

    def __pos__(self):
        return self

    def __abs__(self):
        return apply(UFUNCS[np.absolute], (self,))

    def __gt__(self, other):
        return plain(self) > plain(other)

    def __ge__(self, other):
        return plain(self) >= plain(other)

    def __lt__(self, other):
        return plain(self) < plain(other)

    def __le__(self, other):
        return plain(self) <= plain(other)

    def __eq__(self, other):
        return plain(self) == plain(other)

    def __ne__(self, other):
        return plain(self) != plain(other)

    # ---------------------------------------------------------------- methods of arrays
    @property
    def T(self):
        return np.transpose(self)

    def __getitem__(self, index):
        return FUNCTIONS["getitem"](self, index)

    def sum(self, axis=None, *, keepdims=False):
        return np.sum(self, axis=axis, keepdims=keepdims)

    def mean(self, axis=None, *, keepdims=False):
        return np.mean(self, axis=axis, keepdims=keepdims)

    def max(self, axis=None, *, keepdims=False):
        return np.max(self, axis=axis, keepdims=keepdims)

    def min(self, axis=None, *, keepdims=False):
        return np.min(self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape):
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def ravel(self):
        return np.reshape(self, -1)

    def transpose(self, *axes):
        return np.transpose(self, (axes[0] if len(axes) == 1 else axes) if axes else None)

    def astype(self, dtype):
        return apply(FUNCTIONS["astype"], (self,), {"dtype": np.dtype(dtype)})
