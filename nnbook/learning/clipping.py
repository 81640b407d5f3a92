r"""Clipping: gradients that are too long are shortened before they are used.

The norms are taken in float64 after division by a power of 2, so that no square overflows or
vanishes. A NaN or an infinite entry is not hidden: by value a NaN stays and an infinity becomes the
limit, by norm every entry that the norm covers becomes NaN.
"""

import math

import numpy as np

from nnbook.functions._validate import check_number, working_dtype
from nnbook.learning._updates import Optimizer, as_real, check_optimizer
from nnbook.learning.trees import tree_leaves, tree_map


@np.errstate(all="ignore")
def clip_by_value(grads, limit):
    r"""Bring every entry into [−limit, limit].

    .. math:: g_i \leftarrow \max(-c, \min(g_i, c))

    Parameters
    ----------
    grads : nest of arrays
        Gradients.
    limit : float
        c > 0, in units of the gradient.

    Returns
    -------
    nest
        Like ``grads``. The direction may change.

    Examples
    --------
    >>> clip_by_value([np.array([3.0, -0.5]), np.array([-7.0])], 1.0)
    [array([ 1. , -0.5]), array([-1.])]
    """
    limit = _check_limit(limit)
    return tree_map(lambda g: np.clip(as_real(g, "grads"), -limit, limit), grads)


@np.errstate(all="ignore")
def clip_by_norm(grads, limit):
    r"""Shorten every array whose Euclidean norm is above the limit, each by its own factor.

    .. math:: g \leftarrow g \cdot \min(1, c / \|g\|)

    Parameters
    ----------
    grads : nest of arrays
        Gradients.
    limit : float
        c > 0, in units of the gradient.

    Returns
    -------
    nest
        Like ``grads``. Each array keeps its direction; their proportions may change.

    Examples
    --------
    >>> clip_by_norm([np.array([3.0, 4.0]), np.array([0.5])], 1.0)
    [array([0.6, 0.8]), array([0.5])]
    """
    limit = _check_limit(limit)
    return tree_map(lambda g: _shortened(g, *_norm([g]), limit), grads)


@np.errstate(all="ignore")
def clip_by_global_norm(grads, limit):
    r"""Shorten all arrays by one factor if the norm of them together is above the limit.

    .. math:: g \leftarrow g \cdot \min(1, c / \|g\|), \qquad
        \|g\|^2 = \sum_{\text{all entries}} g_i^2

    Parameters
    ----------
    grads : nest of arrays
        Gradients.
    limit : float
        c > 0, in units of the gradient.

    Returns
    -------
    nest
        Like ``grads``, in the same direction as a whole.

    Notes
    -----
    The norm is the limit then, to rounding. PyTorch divides by the norm plus 1e-6.

    References
    ----------
    .. [1] Pascanu, Mikolov & Bengio, On the difficulty of training recurrent neural networks,
       ICML 2013, https://proceedings.mlr.press/v28/pascanu13.html.

    Examples
    --------
    >>> clip_by_global_norm([np.array([3.0]), np.array([4.0])], 1.0)
    [array([0.6]), array([0.8])]
    """
    limit = _check_limit(limit)
    significand, power = _norm(tree_leaves(grads))
    return tree_map(lambda g: _shortened(g, significand, power, limit), grads)


def global_norm(grads):
    r"""Return the Euclidean norm of all entries of a nest together.

    Parameters
    ----------
    grads : nest of arrays

    Returns
    -------
    float
        At least 0; infinite only if an entry is, or the norm itself is past 1.8e308.

    Examples
    --------
    >>> print(f'{global_norm([np.array([3e200]), {"b": np.array([[4e200]])}]):.3g}')
    5e+200
    """
    significand, power = _norm(tree_leaves(grads))
    try:
        return math.ldexp(significand, power)
    except OverflowError:
        return math.inf


def clipped(optimizer, clip, limit):
    """Clip the gradients on their way into an optimizer.

    Parameters
    ----------
    optimizer : Optimizer
    clip : callable
        `clip_by_value`, `clip_by_norm` or `clip_by_global_norm`, called as ``clip(grads, limit)``.
    limit : float
        Positive.

    Returns
    -------
    Optimizer
        Its state is that of ``optimizer``.

    Examples
    --------
    >>> from nnbook.learning.optimizers import sgd
    >>> optimizer = clipped(sgd(1.0), clip_by_global_norm, 1.0)
    >>> theta = np.zeros(2)
    >>> optimizer.update(np.array([3.0, 4.0]), optimizer.init(theta), theta)[0]
    array([-0.6, -0.8])
    """
    check_optimizer(optimizer)
    limit = _check_limit(limit)
    if not callable(clip):
        raise TypeError(f"clip must be a function such as clip_by_norm, found {clip!r:.60}")

    def update(grads, state, params):
        return optimizer.update(clip(grads, limit), state, params)

    return Optimizer(optimizer.init, update)


@np.errstate(all="ignore")
def _norm(leaves):
    """Return the norm of all leaves as ``(significand, power)``: significand · 2**power."""
    leaves = [_wide(g) for g in leaves]
    largest = float(np.max([np.max(abs(g)) for g in leaves if g.size], initial=0.0))
    if not math.isfinite(largest):
        return largest, 0
    power = math.frexp(largest)[1]
    scaled = [np.ldexp(g, -power) for g in leaves]
    return math.sqrt(math.fsum(float(np.sum(part * part)) for part in scaled)), power


def _shortened(g, significand, power, limit):
    array = as_real(g, "grads")
    if not math.isfinite(significand):
        return np.full_like(array, math.nan)
    share, limit_power = math.frexp(limit)
    if significand <= math.ldexp(share, min(limit_power - power, 100)):
        return array
    # the factor is at most 1 and is applied before the powers of 2, so that nothing overflows
    short = _wide(array) * (share / (2 * significand))
    return np.ldexp(short, limit_power + 1 - power).astype(array.dtype)


def _wide(g):
    array = as_real(g, "grads")
    return array.astype(working_dtype(array.dtype), copy=False)


def _check_limit(limit):
    return check_number(limit, "limit", low=0.0, closed_low=False)
