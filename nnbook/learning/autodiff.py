r"""Reverse-mode automatic differentiation: a graph of arrays, walked once, backwards.

A `Tensor` is an array that remembers how it was computed: the rule, the arguments, and which of
these are Tensors. `backward` walks from the outputs to the inputs and carries along the adjoint of
every node, the gradient of the output in it:

.. math:: \bar x_i = \sum_{j:\, i \to j} \bar x_j\, \frac{\partial x_j}{\partial x_i}

in an order in which a node comes only when all that use it have come. The rules are the derivatives
of `nnbook.functions`, through `nnbook.learning.lifted`, and those of NumPy's functions.
"""

import heapq
import itertools

import numpy as np

from nnbook.functions._validate import quiet
from nnbook.learning import _rules  # noqa: F401 - fills the tables of rules
from nnbook.learning._traced import Op, Traced, apply, is_real, unbroadcast
from nnbook.learning.trees import flat, places, rebuilt

# Tensor is documented with nnbook.learning, where `backward` would hide the perceptron's.
__all__ = ["backward"]

EXPLICIT = 0  # the level of Tensors that are made by hand; transforms count up from 1
next_serial = itertools.count().__next__


class Tensor(Traced):
    r"""An array of real numbers that remembers how it was computed.

    Operators, NumPy's functions and the functions of `nnbook.learning.lifted` take Tensors
    and give Tensors; comparisons give plain arrays of booleans.

    Parameters
    ----------
    value : array_like of real numbers
        The numbers, of a floating-point dtype; copied, so that nothing can change them later.

    Attributes
    ----------
    value : ndarray
        The numbers, read-only.

    Raises
    ------
    TypeError
        If `value` holds integers, which have no derivative, or no real numbers at all.

    See Also
    --------
    backward : the gradients.
    nnbook.learning.grad : the gradient of a function, without a Tensor in sight.

    Notes
    -----
    A Tensor holds no gradient: `backward` returns it. So there is nothing to set to zero, and
    asking twice gives the same answer.

    Examples
    --------
    >>> x = Tensor([1.0, 2.0, 3.0])
    >>> y = np.sum(x * x)
    >>> y
    Tensor(14.0)
    >>> print(backward(y, x))
    [2. 4. 6.]
    """

    __slots__ = ("arrays", "level", "op", "options", "parents", "serial", "value")

    def __init__(self, value):
        if isinstance(value, Tensor):
            raise TypeError("value is a Tensor already; Tensor(t.value) starts a new graph")
        array = np.array(value)
        if array.dtype.kind != "f":
            hint = "; write 3.0 for 3, or .astype(float)" if array.dtype.kind in "biu" else ""
            raise TypeError(f"value must hold floating-point numbers to have a derivative, but its "
                            f"dtype is {array.dtype}{hint}")
        array.flags.writeable = False
        self.value, self.level, self.op, self.parents = array, EXPLICIT, None, ()

    def __repr__(self):
        if isinstance(self.value, np.ndarray) and self.ndim:
            return f"Tensor({np.array2string(self.value, separator=', ', prefix='Tensor(')})"
        return f"Tensor({self.value})"

    def _record(self, op, arrays, options):
        """Compute ``op(arrays)`` on what is below this level, and remember how."""
        level, below, parents, deeper = self.level, [], [], False
        for i, array in enumerate(arrays):
            if isinstance(array, Traced):
                if array.level == level:
                    parents.append((i, array))
                    array = array.value
                deeper = deeper or isinstance(array, Traced)
            elif isinstance(array, np.ndarray):
                if array.flags.writeable or array.base is not None:
                    array = array.copy()  # the caller may change it before the way back
            elif isinstance(array, list):
                array = np.array(array)
            below.append(array)
        if deeper:
            value = apply(op, below, options)
        elif op.silent:
            value = op.forward(*below, **options)
        else:
            with np.errstate(all="ignore"):
                value = op.forward(*below, **options)
        whole = node(value, level, op, tuple(below), options, parents)
        return _parts(whole) if isinstance(value, tuple) else whole


def _parts(whole):
    """Return what a function with several outputs gives: a Tensor for each floating-point one."""
    count, level = len(whole.value), whole.level
    parts = [
        node(part, level, PART, (), {"at": i, "count": count}, [(0, whole)])
        if is_real(part)
        else part
        for i, part in enumerate(whole.value)
    ]
    kind = type(whole.value)
    return kind(*parts) if hasattr(kind, "_fields") else tuple(parts)


def _of_part(g, out, arrays, options, needed):
    return [tuple(g if i == options["at"] else None for i in range(options["count"]))]


PART = Op("one of several outputs", None, vjp=_of_part)


def node(value, level, op, arrays, options, parents):
    """Return a Tensor that was computed; its numbers are locked."""
    if type(value) is np.ndarray:
        value.flags.writeable = False
    if not isinstance(value, tuple) and value.dtype.kind != "f":
        raise TypeError(f"{op.name} gives numbers of dtype {value.dtype}, and Tensors are real "
                        "floating-point arrays: is an argument complex, text or an object?")
    tensor = Tensor.__new__(Tensor)
    tensor.value, tensor.level, tensor.op = value, level, op
    tensor.arrays, tensor.options, tensor.parents = arrays, options, parents
    tensor.serial = next_serial()
    return tensor


def leaf(value, level):
    """Return a Tensor at a level of its own; its value may be an array traced at a lower one."""
    if not isinstance(value, Traced):
        tensor = Tensor(value)
    else:
        tensor = Tensor.__new__(Tensor)
        tensor.value, tensor.op, tensor.parents = value, None, ()
    tensor.level = level
    return tensor


def backward(outputs, inputs, cotangents=None):
    r"""Gradients of one or several outputs in any Tensors that they were computed from.

    .. math:: \bar x = \sum_k J_k^\top\, \bar y_k, \qquad J_k = \frac{\partial y_k}{\partial x}

    Parameters
    ----------
    outputs : Tensor, or list or tuple of Tensors
        What is differentiated.
    inputs : Tensor or nest of Tensors
        In what: leaves, or Tensors on the way. A list of (W, b) pairs is a nest.
    cotangents : array_like, or list or tuple of them, optional
        For each output the gradient of a scalar in it, of its shape; by default 1, for outputs
        that are single numbers.

    Returns
    -------
    ndarray or nest of ndarrays
        Nested as `inputs`, each of its input's shape and dtype; 0 where no output depends on it.

    Raises
    ------
    TypeError
        If an output or input is not a Tensor, or they belong to different transforms.
    ValueError
        If a cotangent has not its output's shape, or is missing for an output of several numbers.

    Notes
    -----
    The adjoints live in this call alone. Nodes wait in a queue, youngest first, and are not
    recursed into, so a chain of any length is fine; each adjoint is released once it has been
    passed on.

    References
    ----------
    .. [1] Baydin, Pearlmutter, Radul & Siskind, JMLR 18(153), 2018,
       :doi:`10.48550/arXiv.1502.05767`.

    Examples
    --------
    >>> a = Tensor(3.0)
    >>> b = a + a
    >>> c = b * b
    >>> [float(g) for g in backward(c, [a, b, c])]
    [24.0, 12.0, 1.0]
    """
    outputs, cotangents = _questions(outputs, cotangents)
    wanted = flat(inputs)
    for i, t in enumerate(wanted):
        if not isinstance(t, Tensor) or t.level != outputs[0].level:
            _checked(t, f"inputs{places(inputs)[i][0]}", outputs)
    return rebuilt(inputs, iter(gradients(outputs, wanted, cotangents)))


@quiet
def gradients(outputs, wanted, cotangents):
    """Return the gradients in the Tensors of a list; what is asked has been checked.

    A Tensor is younger than every Tensor that it was computed from. So the youngest of those that
    wait has all of its adjoint: what could add to it has gone before.
    """
    adjoints, own, waiting = {}, set(), []
    kept = {id(t) for t in wanted}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        _add(adjoints, own, waiting, output, cotangent)
    while waiting:
        tensor = heapq.heappop(waiting)[1]
        key, op = id(tensor), tensor.op
        g = adjoints[key] if key in kept else adjoints.pop(key)
        if op.partials is None:
            needed = [i for i, _ in tensor.parents]
            shares = op.vjp(g, tensor.value, tensor.arrays, tensor.options, needed)
            for i, parent in tensor.parents:
                if shares[i] is not None:
                    _add(adjoints, own, waiting, parent, shares[i])
            continue
        for i, parent in tensor.parents:
            share = op.partials[i](g, tensor.value, *tensor.arrays, **tensor.options)
            if op.broadcasts and share.shape != parent.shape:
                share = unbroadcast(share, parent.shape)
            _add(adjoints, own, waiting, parent, share)
    results, used = [], set()
    for t in wanted:
        g = adjoints.get(id(t))
        results.append(_finished(g, t, id(g) in used))
        used.add(id(g))
    return results


def _add(adjoints, own, waiting, tensor, share):
    """Add to a Tensor's adjoint: assigning instead loses every path but the last."""
    key = id(tensor)
    old = adjoints.get(key)
    if old is None:
        adjoints[key] = share
        if tensor.parents:
            heapq.heappush(waiting, (-tensor.serial, tensor))
    elif isinstance(old, tuple):
        adjoints[key] = tuple(share[k] if a is None else a if share[k] is None else a + share[k]
                              for k, a in enumerate(old))
    elif key in own and isinstance(share, np.ndarray) and old.dtype == share.dtype:
        old += share  # made below, in this call: nobody else holds it
    else:
        adjoints[key] = total = old + share
        if type(total) is np.ndarray:
            own.add(key)


def _questions(outputs, cotangents):
    """Return the outputs, and a cotangent for each, as lists."""
    several = isinstance(outputs, (list, tuple))
    outputs = list(outputs) if several else [outputs]
    if not outputs:
        raise ValueError("outputs must hold one Tensor at least, found none")
    for k, y in enumerate(outputs):
        _checked(y, f"outputs[{k}]" if several else "outputs", outputs)
    if cotangents is None:
        for y in outputs:
            if y.size != 1:
                raise ValueError(
                    f"cotangents must be given for an output of shape {y.shape}: the gradient is "
                    "that of one number; take np.sum or np.mean first, or pass the cotangent"
                )
        return outputs, [np.ones(y.shape, y.dtype) for y in outputs]
    given = list(cotangents) if several else [cotangents]
    if len(given) != len(outputs):
        raise ValueError(f"cotangents must be one for each of the {len(outputs)} outputs, found "
                         f"{len(given)}")
    checked = []
    for k, y in enumerate(outputs):
        g = given[k]
        if not isinstance(g, Traced):
            g = np.array(g)
            if g.dtype.kind in "biu":
                g = g.astype(y.dtype)
            if g.dtype.kind != "f":
                raise TypeError(f"cotangents must hold real numbers, found dtype {g.dtype}")
        if g.shape != y.shape:
            raise ValueError(f"a cotangent must have its output's shape {y.shape}, found {g.shape}")
        checked.append(g)
    return outputs, checked


def _checked(tensor, name, outputs):
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name} must be a Tensor, found {type(tensor).__name__}; did the "
                        "computation start from Tensor(x), and pass through NumPy's or lifted "
                        "functions only?")
    if tensor.level != outputs[0].level:
        raise TypeError(f"{name} belongs to another transform than the first output: gradients "
                        "inside grad or jvp are taken by grad or jvp")
    return tensor


def _finished(g, tensor, again):
    """Return an adjoint as a result: the input's dtype, and memory that nothing else uses."""
    if g is None:
        return np.zeros_like(tensor.value)
    if isinstance(g, Traced):
        return g if g.dtype == tensor.dtype else g.astype(tensor.dtype)
    if isinstance(g, np.ndarray) and g.dtype == tensor.dtype and not again \
            and g.base is None and g.flags.writeable:
        return g
    return np.array(g, dtype=tensor.dtype)
