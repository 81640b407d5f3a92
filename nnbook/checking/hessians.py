r"""hesscheck: compare a Hessian, or products with it, with differences of the gradient."""

import numpy as np

from nnbook.checking._gradient_report import (
    chosen,
    compared,
    in_dtype,
    leaves,
    positive,
    rebuilt,
    report,
)
from nnbook.checking._gradient_steps import CENTRAL


def hesscheck(grad, hess, x, *, entries=None, rng=None, tolerance=None, strict=False):
    r"""Compare a Hessian with differences of its gradient, column by column.

    .. math:: H e_i \approx \frac{\nabla f(x + h e_i) - \nabla f(x - h e_i)}{2h}

    Parameters
    ----------
    grad : callable
        ``grad(x)``, nested as x is.
    hess : callable or array_like
        ``hess(v)`` -> H v, nested as x is; or, for x a single array, H itself, of the shape of x
        twice, or its diagonal, of the shape of x, where all else is 0.
    x : array or nest of arrays
        Where.
    entries : int, optional
        Check so many random columns of each array only.
    rng : numpy.random.Generator, optional
        For ``entries``.
    tolerance : float, optional
        Largest relative error of the block of one array with another, 1e-6.
    strict : bool
        Raise `GradientError` if the Hessian does not hold.

    Returns
    -------
    result : GradientCheck
        True if it holds; printed, it names the worst entry of each block: first the row, an index
        into the gradient, then the column.

    Raises
    ------
    ValueError
        If the shapes of the gradient or the Hessian are not those of x.
    GradientError
        If ``strict`` and the Hessian is refused.

    Notes
    -----
    Differences of the gradient see a Hessian that is not symmetric: only one of the two entries
    can be right.

    Examples
    --------
    >>> A = np.array([[2.0, 1.0], [1.0, 3.0]])
    >>> bool(hesscheck(lambda x: A @ x, A, np.ones(2)))
    True
    >>> bool(hesscheck(lambda x: A @ x, lambda v: 1.001 * A @ v, np.ones(2)))   # 0.1 % wrong
    False
    """
    tolerance = 1e-6 if tolerance is None else positive("tolerance", tolerance)
    if not callable(grad):
        raise TypeError(f"grad must be a function of x, found {type(grad).__name__}; the order is "
                        "hesscheck(grad, hess, x)")
    named = in_dtype(x)
    shapes = [a.shape for _, a in named]
    product = hess if callable(hess) else _product(np.asarray(hess), shapes)
    checks = []
    for k, (column, a) in enumerate(named):
        where = chosen(a.size, entries, rng)
        found = {j: np.zeros((b.size, len(where))) for j, (_, b) in enumerate(named)}
        expected = {j: np.zeros((b.size, len(where))) for j, (_, b) in enumerate(named)}
        for c, i in enumerate(where):
            unit = [np.zeros(shape) for shape in shapes]
            unit[k].flat[i] = 1.0
            step = CENTRAL * max(1.0, abs(float(a.flat[i])))
            ends = []
            for sign in (1, -1):
                moved = [b.copy() for _, b in named]
                moved[k].flat[i] += sign * step
                ends.append((moved[k].flat[i], _arrays(grad(rebuilt(x, iter(moved))), shapes,
                                                       "grad")))
            (high, right), (low, left) = ends
            given = _arrays(product(rebuilt(x, iter(unit))), shapes, "hess")
            for j in found:
                found[j][:, c] = given[j].ravel()
                expected[j][:, c] = (right[j] - left[j]).ravel() / (high - low)
        for j, (row, b) in enumerate(named):
            name = row if len(named) == 1 else f"{row} with {column}"
            shape = (b.size, len(where))
            check = compared(name, shape, found[j].ravel(), expected[j].ravel(),
                             list(range(found[j].size)), tolerance, floor=1e-9)
            if check.at:
                at, c = check.at
                check.at = (*(int(n) for n in np.unravel_index(at, b.shape)),
                            *(int(n) for n in np.unravel_index(where[c], a.shape)))
            check.shape = b.shape + a.shape
            checks.append(check)
    return report(checks, 0, "central", tolerance, strict)


def _product(hess, shapes):
    """Return v -> H v for a matrix, or for the diagonal of one."""
    if len(shapes) != 1:
        raise ValueError("hess must be a function v -> H v where x is a nest of arrays")
    shape = shapes[0]
    if hess.shape == shape + shape and shape:
        return lambda v: np.tensordot(hess, v, axes=len(shape))
    if hess.shape == shape:
        return lambda v: hess * v
    raise ValueError(f"hess must have the shape of x twice, {shape + shape}, or that of x for a "
                     f"diagonal, found {hess.shape}")


def _arrays(nest, shapes, name):
    arrays = [a for _, a in leaves(nest, name)]
    if [a.shape for a in arrays] != shapes:
        raise ValueError(f"{name} must give arrays of the shapes of x, {shapes}, got "
                         f"{[a.shape for a in arrays]}")
    return arrays
