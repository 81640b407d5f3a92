"""Gates of recurrent networks: the order they are stacked in, and a forget gate's first bias."""

import numpy as np

from nnbook.functions._validate import as_float


def half_life_bias(half_life):
    r"""Give the bias of a forget gate that halves the cell state in so many steps.

    .. math:: b = -\log\bigl(2^{1/n} - 1\bigr), \qquad \sigma(b)^n = \tfrac12

    Parameters
    ----------
    half_life : array_like of real numbers
        n, in steps, positive; any shape, for instance one for each unit.

    Returns
    -------
    ndarray
        Same shape and dtype as `half_life` (integers give float64); 0 for one step.

    Raises
    ------
    TypeError
        If `half_life` does not hold real numbers.
    ValueError
        If a half-life is not positive.

    Notes
    -----
    Correctly rounded but for a case in a thousand, then within 0.51 ulp; where the platform's
    longdouble is no wider than float64, within 3. The formula as written loses digits where the
    power is near 2 and overflows where it is huge: each has its own form. Infinity gives
    infinity: a gate that never forgets.

    References
    ----------
    .. [1] Tallec & Ollivier, ICLR 2018 (biases by time scale), :doi:`10.48550/arXiv.1804.11188`.

    Examples
    --------
    >>> print(half_life_bias([1, 50]).round(2))
    [0.   4.27]
    """
    n = as_float(half_life, "half_life")
    if (n <= 0).any():
        raise ValueError(f"half_life must be positive, but its least entry is {np.min(n)}")
    dtype, n = n.dtype, n.astype(np.longdouble)
    log2 = np.log(np.asarray(2, n.dtype))
    with np.errstate(all="ignore"):
        rate = log2 / n
        # Around 1, where the bias is 0, 1 - n is exact; and 0 - 0 is 0, where -0 would not do.
        near = 0 - np.log1p(2 * np.expm1(log2 * ((1 - n) / n)))
        bias = np.where(n > 1.75, -np.log(np.expm1(rate)), near)
        bias = np.where(n < 0.5, -rate - np.log1p(-np.exp(-rate)), bias)
        return bias.astype(dtype, copy=False)[()]


def reorder_gates(W, found, wanted):
    """Bring stacked weights or biases from one order of their gates into another.

    Parameters
    ----------
    W : array_like of real numbers, shape (G H, ...)
        Weights or biases, H rows for each of the G gates.
    found : str
        The order of the gates in `W`, a letter each.
    wanted : str
        The order they shall have, in the same letters.

    Returns
    -------
    ndarray
        The same rows in the wanted order; a copy.

    Raises
    ------
    TypeError
        If `W` does not hold real numbers, or an order is not a string.
    ValueError
        If the orders do not have the same letters, each once, or the rows do not divide into them.

    Notes
    -----
    This package's orders, "ifgo" for an LSTM (g is the candidate) and "rzn" for a GRU (n is the
    candidate), are PyTorch's. Keras has "ifgo" and "zrn", ONNX "iofg" and "zrn".

    Examples
    --------
    >>> print(reorder_gates([1.0, 2.0, 3.0], found="zrn", wanted="rzn"))
    [2. 1. 3.]
    """
    W = as_float(W, "W")
    for order, name in ((found, "found"), (wanted, "wanted")):
        if not isinstance(order, str):
            raise TypeError(f'{name} must be a string such as "ifgo", got {order!r}')
    if not found or len(set(found)) != len(found) or sorted(found) != sorted(wanted):
        raise ValueError(
            f"found and wanted must have the same letters, each once, got {found!r} and {wanted!r}"
        )
    if W.ndim == 0 or len(W) % len(found):
        raise ValueError(
            f"W must have H rows for each of the {len(found)} gates {found!r}, "
            f"but its shape is {W.shape}"
        )
    gates = W.reshape(len(found), len(W) // len(found), *W.shape[1:])
    return gates[[found.index(gate) for gate in wanted]].reshape(W.shape)
