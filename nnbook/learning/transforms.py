r"""What one asks of derivatives: gradients, products with the Hessian, and less memory."""

import operator

import numpy as np

from nnbook.learning._traced import Op, Traced, apply, is_real, new_level
from nnbook.learning.autodiff import Tensor, backward, gradients, leaf
from nnbook.learning.forward_mode import jvp
from nnbook.learning.trees import flat, places, rebuilt


def value_and_grad(f, argument=0, *, has_aux=False):
    r"""Return a function that computes f and its gradient in one forward and one backward walk.

    Parameters
    ----------
    f : callable
        A function whose result is one real number.
    argument : int or tuple of int
        In which of its positional arguments the gradient is taken. An argument may be an array, a
        number, or a nest of them: a list of (W, b) pairs.
    has_aux : bool
        Whether f returns ``(loss, more)``: `more` is handed through, as plain arrays.

    Returns
    -------
    callable
        Takes what f takes and returns ``(value, gradient)``, or ``((value, more), gradient)``;
        the gradient is nested as the argument, or a tuple of such for a tuple of arguments.

    Raises
    ------
    TypeError
        If f is not a function, `argument` not an int or a tuple of them; when called, if f does
        not return one real number, or an argument does not hold floating-point numbers.

    Notes
    -----
    An argument that f does not use has gradient 0. Keyword arguments are passed on and never
    differentiated.

    Examples
    --------
    >>> params = [(np.array([[2.0, 3.0]]), np.array([0.5]))]
    >>> def loss(params, x):
    ...     (W, b), = params
    ...     return np.sum((x @ W.T + b) ** 2)
    >>> value, [(dW, db)] = value_and_grad(loss)(params, np.array([[1.0, 1.0]]))
    >>> print(value, dW, db)
    30.25 [[11. 11.]] [11.]
    """
    if not callable(f):
        raise TypeError(f"f must be a function, found {type(f).__name__}; write grad(f)(x)")
    one = not isinstance(argument, tuple)
    numbers = argument_numbers(argument)

    def differentiated(*arguments, **options):
        level, tensors = new_level(), []
        arguments = list(arguments)
        for n in numbers:
            if n >= len(arguments):
                raise TypeError(f"argument={n} asks for a gradient in the positional argument "
                                f"number {n}, but f got {len(arguments)} of them")
            arguments[n], new = traced(arguments[n], level, n)
            tensors += new
        nests = [arguments[n] for n in numbers]
        result = f(*arguments, **options)
        more = None
        if has_aux:
            if not (isinstance(result, tuple) and len(result) == 2):
                raise TypeError("f must return a pair (loss, more) with has_aux=True, found "
                                f"{type(result).__name__}")
            result, more = result
            more = rebuilt(more, (_below(x, level) for x in flat(more)))
        value = _scalar(result, level)
        if isinstance(result, Tensor) and result.level == level:
            slopes = iter(gradients([result], tensors, [np.ones(result.shape, result.dtype)]))
        else:  # f does not depend on what was asked for
            slopes = (np.zeros_like(t.value) for t in tensors)
        found = tuple(rebuilt(nest, slopes) for nest in nests)
        return ((value, more) if has_aux else value), (found[0] if one else found)

    return differentiated


def grad(f, argument=0, *, has_aux=False):
    r"""Return the function that computes the gradient of f.

    .. math:: x \mapsto \nabla f(x)

    Parameters
    ----------
    f : callable
        A function whose result is one real number.
    argument : int or tuple of int
        In which of its positional arguments; each an array or a nest of arrays.
    has_aux : bool
        Whether f returns ``(loss, more)``; then ``(gradient, more)`` is returned.

    Returns
    -------
    callable
        Takes what f takes and returns the gradient, nested as the argument.

    Raises
    ------
    TypeError
        As `value_and_grad`.

    See Also
    --------
    hvp : products with the Hessian.

    Notes
    -----
    It may be taken of itself: every rule is made of functions that have rules.

    Examples
    --------
    >>> cube = lambda x: x**3
    >>> print(grad(cube)(2.0), grad(grad(cube))(2.0))
    12.0 12.0
    """
    both = value_and_grad(f, argument, has_aux=has_aux)

    def gradient(*arguments, **options):
        value, gradients = both(*arguments, **options)
        return (gradients, value[1]) if has_aux else gradients

    return gradient


def hvp(f, x, v):
    r"""Product of a function's Hessian with a vector: exact, and no matrix is formed.

    .. math:: H v = \nabla_x \bigl( \nabla f(x) \cdot v \bigr)
        = \frac{\mathrm d}{\mathrm d\varepsilon} \nabla f(x + \varepsilon v) \Big|_{\varepsilon = 0}

    Parameters
    ----------
    f : callable
        ``f(x)``, one real number.
    x : array or nest of arrays
        Where.
    v : nest like x
        The direction.

    Returns
    -------
    ndarray or nest of ndarrays
        H v, nested as x.

    Raises
    ------
    TypeError
        If f uses a function of the package that has a gradient but no second derivative written.
    ValueError
        If v is not nested as x.

    Notes
    -----
    Forward mode over reverse mode: the gradient's own computation is done with dual numbers. It
    costs a small multiple of the gradient [1]_. A Hessian that differences would give to half the
    digits comes out to rounding.

    References
    ----------
    .. [1] Pearlmutter, Neural Computation 6(1), 1994, :doi:`10.1162/neco.1994.6.1.147`.

    Examples
    --------
    >>> A = np.array([[2.0, 1.0], [1.0, 3.0]])
    >>> print(hvp(lambda x: 0.5 * x @ A @ x, np.array([5.0, -1.0]), np.array([1.0, 0.0])))
    [2. 1.]
    """
    return jvp(grad(f), (x,), (v,))[1]


def checkpoint(f):
    r"""Make a function that forgets its intermediate arrays, and computes them again when needed.

    Parameters
    ----------
    f : callable
        Of arrays or nests of arrays, with an array or tuple of arrays as its result. It runs
        again on the way back, so it must give the same result: no random draws inside.

    Returns
    -------
    callable
        The same function. On the way back it is run once more.

    Raises
    ------
    TypeError
        If f uses a Tensor that is not among its arguments: its gradient would be lost.

    Notes
    -----
    A chain of L layers in :math:`\sqrt L` checkpointed segments of :math:`\sqrt L` layers keeps
    the arrays between segments and of one segment, :math:`O(\sqrt L)`, and costs one more forward
    pass [1]_.

    References
    ----------
    .. [1] Griewank & Walther, ACM Trans. Mathematical Software 26(1), 2000,
       :doi:`10.1145/347837.347846`.

    Examples
    --------
    >>> def segment(x):
    ...     for _ in range(10):
    ...         x = np.sin(x)
    ...     return x
    >>> print(grad(checkpoint(segment))(1.0) == grad(segment)(1.0))
    True
    """
    if not callable(f):
        raise TypeError(f"f must be a function, found {type(f).__name__}")

    def forgetful(*arguments):
        arrays = flat(list(arguments))
        if not any(isinstance(x, Traced) for x in arrays):
            return f(*arguments)

        def run(*arrays):
            result = f(*rebuilt(list(arguments), iter(arrays)))
            if _level(flat(result)) > _level(arrays):
                raise TypeError("f uses a Tensor that is not among its arguments; checkpoint "
                                "would lose its gradient, so pass it as an argument")
            return result

        def push(tangents, out, arrays, options):
            slopes = tuple(tangents.get(i) for i in range(len(arrays)))
            return jvp(run, tuple(arrays), slopes)[1]

        op = Op("a checkpointed function", run, vjp=run_again(run), push=push)
        return apply(op, arrays)

    return forgetful


def run_again(run):
    """Return the vjp of a function that kept nothing: it is run once more, now with a graph.

    Gradients are taken in the arguments that are needed, by default in all real arrays.
    """

    def vjp(g, out, arrays, options, needed=None):
        level = new_level()
        real = {i for i, x in enumerate(arrays)
                if is_real(x) and (needed is None or i in needed)}
        inputs = {i: leaf(arrays[i], level) for i in sorted(real)}
        results = run(*(inputs.get(i, x) for i, x in enumerate(arrays)))
        if isinstance(results, tuple):
            used = [k for k, part in enumerate(g) if part is not None]
            results, g = [results[k] for k in used], [g[k] for k in used]
        shares = backward(results, inputs, g)
        return [shares.get(i) for i in range(len(arrays))]

    return vjp


def _level(arrays):
    return max((x.level for x in arrays if isinstance(x, Traced)), default=-1)


def argument_numbers(argument):
    """Return the positions that `argument` names, as a list of ints."""
    numbers = argument if isinstance(argument, tuple) else (argument,)
    for n in numbers:
        if isinstance(n, bool) or not hasattr(n, "__index__") or operator.index(n) < 0:
            raise TypeError("argument must be the number of a positional argument, from 0, or a "
                            f"tuple of such, found {argument!r}")
    if not numbers:
        raise TypeError("argument must name one argument at least, found ()")
    return [operator.index(n) for n in numbers]


def traced(nest, level, n):
    """Return argument n of a function as a nest of new Tensors at a level, and their list."""
    found, name = flat(nest), f"argument {n} of f"
    if not found:
        raise TypeError(f"{name} holds no array: {nest!r:.60}")
    tensors = []
    for x in found:
        try:
            tensors.append(leaf(x, level))
        except (TypeError, ValueError) as error:
            at, _ = places(nest)[len(tensors)]
            raise type(error)(f"{name}{at} {str(error).removeprefix('value ')}") from None
    return rebuilt(nest, iter(tensors)), tensors


def _below(x, level):
    return x.value if isinstance(x, Tensor) and x.level == level else x


def _scalar(result, level):
    value = _below(result, level)
    if not isinstance(value, (Traced, np.ndarray, np.generic, float, int)):
        raise TypeError(f"f must return one real number, found {type(value).__name__}"
                        + ("; with (loss, more) say has_aux=True" if isinstance(value, tuple)
                           else ""))
    if np.size(value) != 1 or np.ndim(value) > 0:
        raise TypeError(f"f must return one real number, found an array of shape "
                        f"{np.shape(value)}; take np.sum or np.mean of it, or use backward with a "
                        "cotangent")
    return value
