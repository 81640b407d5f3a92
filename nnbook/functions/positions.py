r"""Positions: sines and cosines added to a sequence, or rotations of its queries and keys.

Both use the angles :math:`t\,\omega_i`, position times frequency, with
:math:`\omega_i = b^{-2i/d}` for i from 0 to d/2 - 1 and the base b. An angle is formed as an
unrounded sum of two floats: rounded to one, it would be wrong by 1e-10 at position 10⁶, and so
would its sine.
"""

import decimal

import numpy as np

from nnbook.functions._pairs import DIGITS, pair_of, two_product
from nnbook.functions._validate import (
    as_float,
    check_count,
    check_number,
    check_same_shape,
    working_dtype,
)

LAYOUTS = ("interleaved", "half")


def sinusoidal_positions(T, d, base=10000.0, *, offset=0, layout="interleaved", dtype=np.float64):
    r"""Sines and cosines of each position, to be added to a sequence of T vectors.

    .. math:: \operatorname{PE}(t)_{2i} = \sin(\omega_i t), \qquad
              \operatorname{PE}(t)_{2i+1} = \cos(\omega_i t), \qquad \omega_i = b^{-2i/d}

    Parameters
    ----------
    T : int
        Number of positions.
    d : int
        Number of features, even.
    base : float
        The base b, positive; wavelengths grow from 2π to nearly 2πb positions.
    offset : int
        The first position, for a sequence that continues another.
    layout : {"interleaved", "half"}
        Sine and cosine of a frequency side by side, as in the formula and in [1]_, or all sines
        before all cosines, as in the code published with it.
    dtype : dtype
        Of the result, a floating-point type.

    Returns
    -------
    ndarray, shape (T, d)
        Dimensionless, between -1 and 1.

    Raises
    ------
    TypeError
        If an argument is not of its kind.
    ValueError
        If `d` is odd, `base` is not positive, or `layout` is unknown.

    See Also
    --------
    rotary : positions that enter the scores of attention through differences alone.

    Notes
    -----
    A shift by k positions is a rotation of each pair (sine, cosine) by the angle
    :math:`\omega_i k`, whatever t is.

    Within 2.3e-16 of the true value, in float64, at positions up to 10⁹, and within 4.5e-16 at
    those up to 2⁵³, for b of at least 1.

    References
    ----------
    .. [1] Vaswani et al., Advances in Neural Information Processing Systems 30, 2017,
       :doi:`10.48550/arXiv.1706.03762`.

    Examples
    --------
    >>> print(sinusoidal_positions(3, 4).round(4))
    [[ 0.      1.      0.      1.    ]
     [ 0.8415  0.5403  0.01    1.    ]
     [ 0.9093 -0.4161  0.02    0.9998]]
    """
    count = check_count(T, "T", 0)
    _check_layout(layout)
    dtype = _checked_dtype(dtype)
    cos, sin = _tables(_consecutive(count, offset), _even(d, "d", 2), base, dtype)
    out = np.empty((count, 2 * cos.shape[-1]), dtype)
    first, second = _halves(out, layout)
    first[...], second[...] = sin, cos
    return out


def rotary_positions(T, d, base=10000.0, *, offset=0, dtype=np.float64):
    r"""Cosines and sines of the angles by which :func:`rotary` turns.

    .. math:: \cos(\omega_i t), \quad \sin(\omega_i t), \qquad \omega_i = b^{-2i/d}

    Parameters
    ----------
    T : int
        Number of positions.
    d : int
        Number of features of a query or key, even.
    base : float
        The base b, positive.
    offset : int
        The first position.
    dtype : dtype
        Of the results, a floating-point type.

    Returns
    -------
    cos, sin : ndarray, shape (T, d / 2)

    Raises
    ------
    TypeError
        If an argument is not of its kind.
    ValueError
        If `d` is odd or `base` is not positive.

    Examples
    --------
    >>> cos, sin = rotary_positions(2, 4)
    >>> print(cos.round(4).tolist(), sin.round(4).tolist())
    [[1.0, 1.0], [0.5403, 1.0]] [[0.0, 0.0], [0.8415, 0.01]]
    """
    count = check_count(T, "T", 0)
    dtype = _checked_dtype(dtype)
    tables = _tables(_consecutive(count, offset), _even(d, "d", 2), base, dtype)
    return tuple(x.astype(dtype, copy=False) for x in tables)


def rotary(X, positions=None, *, base=10000.0, offset=0, layout="interleaved"):
    r"""Rotary positions (RoPE): turn each pair of features by an angle that grows with position.

    .. math:: \begin{pmatrix} y_{2i} \\ y_{2i+1} \end{pmatrix} =
              \begin{pmatrix} \cos \omega_i t & -\sin \omega_i t \\
                              \sin \omega_i t & \cos \omega_i t \end{pmatrix}
              \begin{pmatrix} x_{2i} \\ x_{2i+1} \end{pmatrix}, \qquad \omega_i = b^{-2i/d}

    Parameters
    ----------
    X : array_like of real numbers, shape (..., T, d)
        Queries or keys, d even; (N, T, d) and (N, heads, T, d) are usual.
    positions : array_like of real numbers, shape (T,) or (N, T), optional
        The position t of each row; ``offset + arange(T)`` if not given. With the axis N, the
        first axis of X has one row of positions each.
    base : float
        The base b, positive.
    offset : int
        The first position: the number of past keys, in decoding.
    layout : {"interleaved", "half"}
        Which features make a pair: 2i and 2i + 1, as in the formula, in [1]_ and in GPT-J, or i
        and i + d/2, as in GPT-NeoX and Llama. Trained weights fit one of them only.

    Returns
    -------
    ndarray
        The shape and dtype of `X` (integers give float64); every row keeps its length.

    Raises
    ------
    TypeError
        If an argument is not of its kind.
    ValueError
        If `d` is odd, positions do not fit or are not finite, or an option is out of range.

    See Also
    --------
    attention : takes the turned queries and keys; the values are not turned.

    Notes
    -----
    The product of a query at position m and a key at position n depends on m - n alone.

    The rotation is computed in float64 and rounded once; each entry is within
    :math:`2 \varepsilon (|x_{2i}| + |x_{2i+1}|)`, at every position up to 2⁵³ and b of at least 1.

    References
    ----------
    .. [1] Su et al., Neurocomputing 568, 2024, :doi:`10.1016/j.neucom.2023.127063`.

    Examples
    --------
    >>> print(rotary([[1.0, 0.0], [1.0, 0.0]]).round(4))
    [[1.     0.    ]
     [0.5403 0.8415]]
    """
    X = _checked_rows(X)
    return _turned(X, _angles_of(X, positions, offset), base, layout, 1)


def rotary_vjp(g, X, positions=None, *, base=10000.0, offset=0, layout="interleaved"):
    r"""Gradient in X, from the gradient `g` in the turned rows: turn back.

    .. math:: \bar x = R(\omega t)^\top g = R(-\omega t)\,g

    Parameters
    ----------
    g : array_like of real numbers
        Cotangent, the shape of `X`.
    X : array_like of real numbers, shape (..., T, d)
        As given to :func:`rotary`.
    positions, base, offset, layout : optional
        As given to :func:`rotary`; they are taken as constant.

    Returns
    -------
    ndarray
        The shape of `X`, in the common dtype of `g` and `X`.

    Raises
    ------
    TypeError
        If an argument is not of its kind.
    ValueError
        If shapes do not fit, or an option is out of range.

    Examples
    --------
    >>> X = [[1.0, 2.0], [3.0, 4.0]]
    >>> print(rotary_vjp(rotary(X), X).round(4))
    [[1. 2.]
     [3. 4.]]
    """
    g, X = as_float(g, "g"), _checked_rows(X)
    check_same_shape(g, X, ("g", "X"))
    g = g.astype(np.result_type(g, X), copy=False)
    return _turned(g, _angles_of(X, positions, offset), base, layout, -1)


def _turned(X, positions, base, layout, sign):
    """Return X with each pair of features turned by its angle, or back for a sign of -1."""
    _check_layout(layout)
    cos, sin = _tables(positions, X.shape[-1], base, X.dtype)
    if positions.ndim == 2:  # one row for each example: the axes between are shared
        shape = (len(positions), *(1,) * (X.ndim - 3), *cos.shape[1:])
        cos, sin = cos.reshape(shape), sin.reshape(shape)
    out = np.empty_like(X, order="C")
    first, second = _halves(X.astype(cos.dtype, copy=False), layout)
    to_first, to_second = _halves(out, layout)
    with np.errstate(all="ignore"):
        to_first[...] = first * cos - sign * (second * sin)
        to_second[...] = second * cos + sign * (first * sin)
    return out


def _tables(positions, d, base, dtype):
    """Return cosine and sine of every angle, two arrays of shape (*positions.shape, d / 2).

    They are in float64 at least, correct to its last digits whatever the position.
    """
    base = check_number(base, "base", 0, closed_low=False)
    ratio = DIGITS.power(decimal.Decimal(base), DIGITS.divide(-2, max(d, 1)))
    frequencies, power = [], decimal.Decimal(1)
    for _ in range(d // 2):
        frequencies.append(pair_of(power))
        power = DIGITS.multiply(power, ratio)
    high, low = np.array(frequencies).reshape(-1, 2).T
    work = working_dtype(dtype)
    with np.errstate(all="ignore"):
        t = positions[..., np.newaxis]
        angle, rest = two_product(t, high)
        angle, rest = angle.astype(work), (rest + t * low).astype(work)
        cos, sin = np.cos(angle), np.sin(angle)
        less = 2 * np.sin(rest / 2) ** 2  # 1 - cos(rest), which is small
        return cos - (sin * np.sin(rest) + cos * less), sin + (cos * np.sin(rest) - sin * less)


def _halves(x, layout):
    """Return views of the first and the second features of all pairs."""
    if layout == "interleaved":
        return x[..., 0::2], x[..., 1::2]
    half = x.shape[-1] // 2
    return x[..., :half], x[..., half:]


def _consecutive(count, offset):
    offset = check_count(offset, "offset", 0)
    if offset + count > 2**53:
        raise ValueError(f"offset must keep positions below 2**53, got {offset}")
    return offset + np.arange(count, dtype=np.float64)


def _angles_of(X, positions, offset):
    """Return the positions of the rows of X in float64, shape (T,) or (N, T)."""
    if positions is None:
        return _consecutive(X.shape[-2], offset)
    if check_count(offset, "offset", 0):
        raise ValueError(
            f"offset={offset} is for consecutive positions; add it to positions instead"
        )
    positions = as_float(positions, "positions")
    length, examples = X.shape[-2], X.shape[0]
    if positions.shape != (length,) and (X.ndim < 3 or positions.shape != (examples, length)):
        message = f"positions must have shape (T,) = ({length},)"
        if X.ndim > 2:
            message += f" or (N, T) = {(examples, length)}"
        raise ValueError(
            f"{message} for X of shape {X.shape}, but their shape is {positions.shape}"
        )
    if not np.isfinite(positions).all():
        raise ValueError("positions must be finite")
    return positions.astype(np.float64, copy=False)


def _checked_rows(X):
    X = as_float(X, "X")
    if X.ndim < 2:
        raise ValueError(
            f"X must have the axes (..., T, d), but its shape is {X.shape}; "
            "a single position is one row: X[np.newaxis, :]"
        )
    _even(X.shape[-1], "the last axis of X", 0)
    return X


def _even(d, name, minimum):
    d = check_count(d, name, minimum)
    if d % 2:
        raise ValueError(f"{name} must be even, because features go in pairs, got {d}")
    return d


def _check_layout(layout):
    if not isinstance(layout, str) or layout not in LAYOUTS:
        raise ValueError(f'layout must be "interleaved" or "half", got {layout!r}')


def _checked_dtype(dtype):
    try:
        dtype = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype must be a floating-point type, got {dtype!r}") from None
    if dtype.kind != "f":
        raise TypeError(f"dtype must be a floating-point type, got {dtype}")
    return dtype
