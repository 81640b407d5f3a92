r"""Batch normalisation, in training and in inference, and its vjp.

The statistics of a channel run over the batch and all positions. In training they are the batch's
own, and the running ones move towards them; in inference the running ones are used. Nothing is
stored: the function takes the running statistics and returns the new ones.

Three conventions, which libraries differ in:

- ``momentum`` is the weight of the **new** value (0.1, as in PyTorch), not of the old (0.9).
- The batch is normalised with the variance that divides by N; the running variance takes the one
  that divides by N - 1, an unbiased estimate. N counts the entries of a channel.
- ε stands **inside** the root.
"""

from typing import NamedTuple

import numpy as np

from nnbook.functions._standardize import (
    Standardized,
    as_rows,
    centre,
    check_parameter,
    cotangent,
    from_rows,
    gradients,
    prepare,
    project,
    restore,
    row_mean,
    standardize,
)
from nnbook.functions._validate import as_float, check_flag, check_number


class BatchNorm(NamedTuple):
    """What :func:`batch_norm` returns: the result and the new running statistics.

    Attributes
    ----------
    y : ndarray
        The normalised batch, the shape of x.
    running_mean, running_var : ndarray, shape (C,)
        For the next call; never shared with the ones given.
    """

    y: np.ndarray
    running_mean: np.ndarray
    running_var: np.ndarray


def batch_norm(
    x,
    gain=None,
    shift=None,
    running_mean=None,
    running_var=None,
    *,
    training=True,
    momentum=0.1,
    eps=1e-5,
):
    r"""Normalise each channel over the batch, then apply a gain and a shift a channel.

    .. math:: y = \text{gain} \odot \hat x + \text{shift}, \qquad
        \hat x = \frac{x - m}{\sqrt{v + \varepsilon}}

    In training m and v are the batch's mean and variance, and with momentum ρ

    .. math:: m_{\text{running}} \leftarrow (1 - \rho)\, m_{\text{running}} + \rho\, m, \qquad
        v_{\text{running}} \leftarrow (1 - \rho)\, v_{\text{running}} + \rho\,\frac{N}{N - 1}\, v

    In inference m and v are the running ones, which stay.

    Parameters
    ----------
    x : array_like of real numbers, shape (N, C) or (N, C, d1, ...)
        Examples, channels, positions.
    gain, shift : array_like of real numbers, shape (C,), optional
        γ and β of the publication, often named weight and bias.
    running_mean, running_var : array_like of real numbers, shape (C,), optional
        Both or neither. If there are none yet, training starts them at the batch's own
        statistics; inference needs them.
    training : bool
        Whether to use the batch's statistics.
    momentum : float
        ρ in [0, 1], the weight of the new value. Other libraries call 1 - ρ momentum.
    eps : float
        ε ≥ 0, in squared units of `x`; inside the root.

    Returns
    -------
    BatchNorm
        ``(y, running_mean, running_var)``, in the arguments' common dtype.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers, or `training` is not a bool.
    ValueError
        If shapes do not fit; if training has one value a channel, as a batch of one example has:
        its variance is 0, and every result would be the shift; if inference has no running
        statistics, or a running variance is negative.

    Notes
    -----
    The two passes over x keep the digits of entries like 1e8 ± 1: :math:`\hat x` is within
    :math:`(8 + \log_2 N)\,u\,(1 + |\hat x|)` in training, with u half an ulp of 1. Statistics are
    computed in float64. A channel of equal entries gives exactly the shift.

    References
    ----------
    .. [1] Ioffe & Szegedy, 2015, :doi:`10.48550/arXiv.1502.03167`.

    Examples
    --------
    >>> y, mean, var = batch_norm([[1.0, 10.0], [3.0, 30.0]], eps=0.0)
    >>> print(y.tolist(), mean, var)
    [[-1.0, -1.0], [1.0, 1.0]] [ 2. 20.] [  2. 200.]
    >>> y, mean, var = batch_norm([[2.0, 30.0]], None, None, mean, var, training=False)
    >>> print(y.round(4), mean, var)
    [[0.     0.7071]] [ 2. 20.] [  2. 200.]
    """
    x, gain, shift, mean, var, training, momentum, eps, dtype = _ready(
        x, gain, shift, running_mean, running_var, training, momentum, eps
    )
    with np.errstate(all="ignore"):
        rows = as_rows(x, _batch_axes(x))
        if training:
            standardized, new_mean, new_var = _of_batch(rows, eps)
            if mean is None:
                mean, var = new_mean, new_var
            else:
                mean = (1 - momentum) * mean + momentum * new_mean
                var = (1 - momentum) * var + momentum * new_var
        else:
            standardized = _of_running(rows, mean, var, eps)
        y = restore(from_rows(standardized.normal, x.shape, _batch_axes(x)), gain, shift, (1,))
        # astype copies: what is returned is never the caller's array.
        return BatchNorm(y.astype(dtype, copy=False), mean.astype(dtype), var.astype(dtype))


def batch_norm_vjp(
    g,
    x,
    gain=None,
    shift=None,
    running_mean=None,
    running_var=None,
    *,
    training=True,
    momentum=0.1,
    eps=1e-5,
):
    r"""Gradients of batch normalisation in x, gain, shift and the running statistics.

    .. math:: \bar x = \frac{h - \operatorname{mean} h - \hat x \operatorname{mean}(h \odot \hat x)}
        {\sqrt{v + \varepsilon}} \text{ in training}, \qquad
        \bar x = \frac{h}{\sqrt{v_{\text{running}} + \varepsilon}} \text{ in inference}, \qquad
        h = \text{gain} \odot g

    with the means over the batch and all positions.

    Parameters
    ----------
    g : array_like of real numbers, or tuple of three
        Cotangent of y, the shape of `x`; or a tuple of the cotangents of y, running_mean and
        running_var, where None stands for zeros. Frameworks do not differentiate the running
        statistics; here it is done if their cotangents are given.
    x, gain, shift, running_mean, running_var, training, momentum, eps
        As given to :func:`batch_norm`.

    Returns
    -------
    x_bar : ndarray
        The shape of `x`.
    gain_bar, shift_bar, running_mean_bar, running_var_bar : ndarray or None
        Shape (C,); None for what was not given.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        As :func:`batch_norm`, if a cotangent has another shape, or a tuple has not three.

    Notes
    -----
    In training the batch's mean and variance depend on x, and the formula, exact with ε, has that
    in it: each channel's x̄ sums to 0. Each entry is within :math:`8 \varepsilon \sqrt N` of the
    terms' absolute sum. Where all entries are equal and ε is 0 there is no gradient: NaN.

    Examples
    --------
    >>> x_bar, *_ = batch_norm_vjp([[1.0], [0.0], [0.0]], [[1.0], [2.0], [3.0]], eps=0.0)
    >>> print(x_bar.ravel().round(4))
    [ 0.2041 -0.4082  0.2041]
    """
    x, gain, shift, mean, var, training, momentum, eps, dtype = _ready(
        x, gain, shift, running_mean, running_var, training, momentum, eps
    )
    g, g_mean, g_var, dtype = _cotangents(g, x, dtype)
    axes = _batch_axes(x)
    with np.errstate(all="ignore"):
        rows = as_rows(x, axes)
        h = as_rows(restore(g, gain, None, (1,)), axes)
        if training:
            standardized, new_mean, _ = _of_batch(rows, eps)
            weight = 1 if mean is None else momentum
            x_rows = project(h, standardized)
            if g_mean is not None:
                x_rows = x_rows + (weight * g_mean / rows.shape[1])[:, np.newaxis]
            if g_var is not None:
                slope = weight * 2 * g_var / (rows.shape[1] - 1)
                x_rows = x_rows + slope[:, np.newaxis] * (rows - new_mean[:, np.newaxis])
            mean_bar = var_bar = np.zeros(len(rows), x.dtype)
            kept = 1 - momentum
        else:
            standardized = _of_running(rows, mean, var, eps)
            x_rows = h / standardized.root
            mean_bar = -np.sum(x_rows, axis=1)
            var_bar = -np.sum(x_rows * standardized.normal, axis=1) / standardized.root[:, 0] / 2
            kept = 1
        if g_mean is not None:
            mean_bar = mean_bar + kept * g_mean
        if g_var is not None:
            var_bar = var_bar + kept * g_var
        x_bar, normal = from_rows(x_rows, x.shape, axes), from_rows(standardized[0], x.shape, axes)
        statistics = [None if mean is None else v.astype(dtype) for v in (mean_bar, var_bar)]
        return *gradients(x_bar, g, normal, gain, shift, axes, dtype), *statistics


def _ready(x, gain, shift, mean, var, training, momentum, eps):
    """Check every argument; return the arrays in the working dtype, and the result's dtype."""
    x = as_float(x, "x")
    if x.ndim < 2:
        raise ValueError(
            f"x must have shape (N, C) or (N, C, d1, ...), but its shape is {x.shape}; "
            "features of a single channel are x[:, np.newaxis]"
        )
    training = check_flag(training, "training")
    momentum = check_number(momentum, "momentum", 0, 1, closed_high=True)
    if (mean is None) != (var is None):
        missing, given = ("mean", "var") if mean is None else ("var", "mean")
        raise ValueError(f"running_{missing} is missing, but running_{given} is given; pass both")
    parameters = {"gain": gain, "shift": shift, "running_mean": mean, "running_var": var}
    meaning = "one entry a channel of x"
    x, given, eps, dtype = prepare(x, parameters, x.shape[1:2], meaning, eps)
    gain, shift, mean, var = given
    count = x.size // x.shape[1] if x.shape[1] else 2
    if training and count < 2:
        found = "a batch of one example" if count else "an empty batch"
        raise ValueError(
            f"x has shape {x.shape}, {found}: training needs at least two values a channel, "
            "because one is its own mean; pass training=False, or use layer_norm"
        )
    if mean is None and not training:
        raise ValueError("running_mean and running_var are needed when training is False")
    if var is not None and (var < 0).any():
        c = int(np.flatnonzero(var < 0)[0])
        raise ValueError(
            f"running_var[{c}] is {var[c]}, but a variance is not negative; "
            "was it exchanged with running_mean?"
        )
    return x, gain, shift, mean, var, training, momentum, eps, dtype


def _cotangents(g, x, dtype):
    """Return the three cotangents, None where there is none, and the dtype of the gradients."""
    g = g if isinstance(g, tuple) else (g, None, None)
    if len(g) != 3:
        raise ValueError(
            f"g must be the cotangent of y, or of (y, running_mean, running_var), but has {len(g)}"
        )
    names, meaning = ("g[1]", "g[2]"), "one entry a channel of x"
    rest = [check_parameter(v, n, x.shape[1:2], meaning) for v, n in zip(g[1:], names, strict=True)]
    if g[0] is None:
        first = np.zeros(x.shape, x.dtype)
    else:
        first, dtype = cotangent(g[0], x, dtype)
    return first, *rest, np.result_type(dtype, *(v.dtype for v in rest if v is not None))


def _batch_axes(x):
    return (0, *range(2, x.ndim))


def _of_batch(rows, eps):
    """Return the standardised rows, and the mean and unbiased variance of each."""
    nothing = np.empty((0, 1), rows.dtype)  # what there is to stack without channels
    means, variances = [nothing], [nothing]
    correction = rows.shape[1] / max(rows.shape[1] - 1, 1)

    def centre_and_keep(part):
        deviation, mean, exponent = centre(part)
        square = row_mean(deviation * deviation) * correction
        means.append(np.ldexp(mean, exponent))
        variances.append(np.ldexp(square, 2 * exponent))
        return deviation, mean, exponent

    standardized = standardize(rows, eps, centre_and_keep)
    return standardized, np.vstack(means)[:, 0], np.vstack(variances)[:, 0]


def _of_running(rows, mean, var, eps):
    root = np.sqrt(var + eps)[:, np.newaxis]
    deviation = rows - mean[:, np.newaxis]
    # Without variance, an entry that is the mean is 0; a NaN in the variance stays one.
    normal = np.where((deviation == 0) & (root == 0), 0, deviation / root)
    return Standardized(normal, root, np.zeros(root.shape, np.intc))
