r"""Global pooling: one number for each channel, over all places."""

import numpy as np

from nnbook.functions._filters import check_cotangent
from nnbook.functions._pooling import check_planes, mean
from nnbook.functions._validate import working_dtype


def global_avg_pool(x, *, keepdims=False):
    r"""Return the mean of every channel, over all spatial axes.

    .. math:: y_{nc} = \frac1m \sum_{j=1}^{m} x_{ncj}

    Parameters
    ----------
    x : array_like of real numbers, shape (N, C, ...)
        One or more spatial axes, m entries together.
    keepdims : bool
        Keep the spatial axes, with length 1.

    Returns
    -------
    ndarray, shape (N, C), or (N, C, 1, ...) with `keepdims`
        Same dtype as `x` (integers give float64).

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.
    ValueError
        If `x` has no spatial axis, or no entry along one.

    See Also
    --------
    global_avg_pool_vjp : the gradient.

    Notes
    -----
    float32 is summed in float64. A sum that overflows is taken again, scaled: the mean of finite
    entries is finite.

    Examples
    --------
    >>> print(global_avg_pool([[[1.0, 7.0], [3.0, 2.0]]]))
    [[4.  2.5]]
    """
    x, planes, shape = check_planes(x, keepdims)
    work = working_dtype(x.dtype)
    with np.errstate(all="ignore"):
        y = mean(planes, lambda part: part.sum(axis=2, dtype=work), planes.shape[2])
        return y.astype(x.dtype, copy=False).reshape(shape)


def global_avg_pool_vjp(g, x, *, keepdims=False):
    r"""Gradient in x of :func:`global_avg_pool`, from the gradient `g` in its result.

    .. math:: \bar x_{ncj} = \frac{\bar y_{nc}}{m}

    Parameters
    ----------
    g : array_like of real numbers, shape of ``global_avg_pool(x, keepdims=keepdims)``
        Cotangent: the gradient of a scalar in it.
    x : array_like of real numbers
        As given to :func:`global_avg_pool`.
    keepdims : bool
        As given to :func:`global_avg_pool`.

    Returns
    -------
    ndarray, shape of x
        In the common dtype of `g` and `x`.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> print(global_avg_pool_vjp([[5.0, 6.0]], [[[1.0, 7.0], [3.0, 2.0]]]))
    [[[2.5 2.5]
      [3.  3. ]]]
    """
    x, planes, shape = check_planes(x, keepdims)
    g, dtype = check_cotangent(g, shape, "global_avg_pool", x.dtype)
    with np.errstate(all="ignore"):
        share = (g.reshape(*x.shape[:2], 1) / planes.shape[2]).astype(dtype)
    return np.broadcast_to(share, planes.shape).reshape(x.shape).copy()


def global_max_pool(x, *, keepdims=False):
    r"""Return the largest entry of every channel, over all spatial axes.

    .. math:: y_{nc} = \max_j x_{ncj}

    Parameters
    ----------
    x : array_like of real numbers, shape (N, C, ...)
        One or more spatial axes.
    keepdims : bool
        Keep the spatial axes, with length 1.

    Returns
    -------
    ndarray, shape (N, C), or (N, C, 1, ...) with `keepdims`
        Same dtype as `x` (integers give float64). A channel with a NaN gives NaN.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.
    ValueError
        If `x` has no spatial axis, or no entry along one.

    See Also
    --------
    global_max_pool_vjp : the gradient.

    Examples
    --------
    >>> print(global_max_pool([[[1.0, 7.0], [3.0, 2.0]]]))
    [[7. 3.]]
    """
    x, planes, shape = check_planes(x, keepdims)
    with np.errstate(invalid="ignore"):
        return planes.max(axis=2).reshape(shape)


def global_max_pool_vjp(g, x, *, keepdims=False):
    r"""Gradient in x of :func:`global_max_pool`, from the gradient `g` in its result.

    .. math:: \bar x_{ncj} = \bar y_{nc}\,[\,j \text{ is the maximum}\,]

    Parameters
    ----------
    g : array_like of real numbers, shape of ``global_max_pool(x, keepdims=keepdims)``
        Cotangent: the gradient of a scalar in it.
    x : array_like of real numbers
        As given to :func:`global_max_pool`.
    keepdims : bool
        As given to :func:`global_max_pool`.

    Returns
    -------
    ndarray, shape of x
        In the common dtype of `g` and `x`. Where entries tie, the first, row by row, gets all.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> print(global_max_pool_vjp([[5.0, 6.0]], [[[1.0, 7.0], [3.0, 3.0]]]))
    [[[0. 5.]
      [6. 0.]]]
    """
    x, planes, shape = check_planes(x, keepdims)
    g, dtype = check_cotangent(g, shape, "global_max_pool", x.dtype)
    x_bar = np.zeros(planes.shape, dtype)
    where = planes.argmax(axis=2)[..., np.newaxis]
    np.put_along_axis(x_bar, where, g.reshape(*x.shape[:2], 1).astype(dtype, copy=False), axis=2)
    return x_bar.reshape(x.shape)
