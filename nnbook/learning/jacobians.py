r"""The Jacobian of a program, a column or a row at a time."""

import numpy as np

from nnbook.learning._traced import is_real, new_level
from nnbook.learning.autodiff import Tensor, backward
from nnbook.learning.forward_mode import jvp
from nnbook.learning.transforms import argument_numbers, traced


def jacobian(f, argument=0, *, mode=None):
    r"""Return the function that computes the Jacobian of f, outputs first.

    .. math:: J_{ij} = \frac{\partial f_i}{\partial x_j}, \qquad
        f(x + h) = f(x) + J h + o(\lVert h\rVert)

    Parameters
    ----------
    f : callable
        A function whose result is one array.
    argument : int
        In which of its positional arguments, an array or a number.
    mode : {None, "forward", "reverse"}
        Forward: one pass for each entry of the argument, a column at a time. Reverse: one walk
        back for each entry of the result, a row at a time. By default whichever needs fewer.

    Returns
    -------
    callable
        Takes what f takes and returns the Jacobian, of the shape of f's result followed by that
        of the argument: ``(n_out, n_in)`` for vectors.

    Raises
    ------
    TypeError
        If f is not a function, or `argument` not an int; when called, if f does not return one
        array of floating-point numbers, or the argument does not hold such numbers.
    ValueError
        If `mode` is none of the three.

    See Also
    --------
    grad : for a result that is one number, of the argument's shape.
    jvp : J t for one direction t, in one pass and without J.
    nnbook.learning.autodiff.backward : :math:`J^\top g` for one cotangent g, likewise.

    Notes
    -----
    The Jacobian of a layer of n units on N examples has :math:`N^2 n_{\mathrm{in}} n` entries,
    nearly all of them 0; training needs one product with it, and never the table.

    References
    ----------
    .. [1] Griewank & Walther, Evaluating Derivatives, 2nd ed., SIAM 2008,
       :doi:`10.1137/1.9780898717761`.

    Examples
    --------
    Area and perimeter of a sheet 3 wide and 4 high:

    >>> sheet = lambda x: np.stack([x[0] * x[1], 2.0 * np.sum(x)])
    >>> print(jacobian(sheet)(np.array([3.0, 4.0])))
    [[4. 3.]
     [2. 2.]]
    """
    if not callable(f):
        raise TypeError(f"f must be a function, found {type(f).__name__}; write jacobian(f)(x)")
    if isinstance(argument, tuple):
        raise TypeError(f"argument must be one int, found {argument!r}; take a Jacobian for each")
    if mode not in (None, "forward", "reverse"):
        raise ValueError(f"mode must be 'forward', 'reverse' or None, found {mode!r}")
    number, = argument_numbers(argument)

    def table(*arguments, **options):
        if number >= len(arguments):
            raise TypeError(f"argument={number} asks for a Jacobian in the positional argument "
                            f"number {number}, but f got {len(arguments)} of them")

        def run(x):
            return f(*arguments[:number], x, *arguments[number + 1:], **options)

        level = new_level()
        x, _ = traced(arguments[number], level, number)
        if not isinstance(x, Tensor):
            raise TypeError(f"argument {number} of f must be one array, found "
                            f"{type(x).__name__}; take a Jacobian for each array of it")
        y = _one_array(run(x))
        shape = y.shape + x.shape
        if not isinstance(y, Tensor) or y.level != level or 0 in shape:
            return np.zeros(shape, y.dtype)  # f does not depend on x, or there is nothing to fill
        rows = y.size <= x.size if mode is None else mode == "reverse"
        if rows:
            parts = [backward(y, x, unit) for unit in _units(y)]
            return np.reshape(np.stack(parts), shape)
        parts = [jvp(run, (x.value,), (unit,))[1] for unit in _units(x)]
        return np.reshape(np.stack(parts, axis=-1), shape)

    return table


def _units(tensor):
    """Yield the arrays of a Tensor's shape that hold a single 1, in order."""
    for place in range(tensor.size):
        unit = np.zeros(tensor.size, tensor.dtype)
        unit[place] = 1.0
        yield unit.reshape(tensor.shape)


def _one_array(y):
    if not is_real(y):
        kind = f"dtype {y.dtype}" if hasattr(y, "dtype") else type(y).__name__
        hint = "; np.stack makes one of several" if isinstance(y, (tuple, list)) else ""
        raise TypeError(f"f must return one array of floating-point numbers, found {kind}{hint}")
    return y if hasattr(y, "shape") else np.asarray(y)
