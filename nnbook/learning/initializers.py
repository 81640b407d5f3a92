r"""Initializers: where the weights start.

One contract: ``init(n_out, n_in, rng)`` returns a weight matrix of shape (n_out, n_in), float64.
Biases start at zero (`nnbook.learning.mlp.init_params`). Each docstring states the variance of one
entry. The variance matters because a unit adds up ``n_in`` products: for independent weights of
mean zero the pre-activation has the variance ``n_in * Var(w) * E[a**2]`` over the draw of the
weights. An initializer chooses ``Var(w)`` so that signals neither die out nor blow up with depth,
on average, when training starts; it promises nothing about what follows.

With ``kernel=(3, 3)`` the shape is (n_out, n_in, 3, 3), for a convolution. A unit then adds up
``n_in * 9`` products, and an input takes part in ``n_out * 9`` (at stride 1, away from the edges):
these two, the *fans*, stand in the formulas below for :math:`n_\text{in}` and
:math:`n_\text{out}`. With groups, ``n_in`` is the number of channels that one group sees, as in
the shape of the weights.
"""

import math

from nnbook.functions._validate import check_number
from nnbook.learning._validate import check_rng
from nnbook.learning.simple_initializers import (
    constant,
    fans,
    normal,
    orthogonal,
    shape_of,
    uniform,
    zeros,
)

__all__ = [
    "INITIALIZERS",
    "constant",
    "get_initializer",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "orthogonal",
    "uniform",
    "zeros",
]


def lecun_normal(n_out, n_in, rng, *, kernel=()):
    r"""Draw normal weights of variance :math:`1/n_\text{in}`.

    The variance of the pre-activation then equals the mean square of the layer's input.

    Parameters
    ----------
    n_out, n_in : int
        Number of units of this layer and of the layer before.
    rng : numpy.random.Generator
        Where the draw comes from.
    kernel : tuple of int, default ()
        Axes of a convolution's kernel, if any.

    Returns
    -------
    W : ndarray, shape (n_out, n_in, *kernel)

    References
    ----------
    .. [1] LeCun, Bottou, Orr & Müller, Efficient BackProp, 1998,
       :doi:`10.1007/3-540-49430-8_2`.

    Examples
    --------
    >>> import numpy as np
    >>> W = lecun_normal(128, 784, np.random.default_rng(0))
    >>> f"{W.std():.4f}"
    '0.0357'
    """
    fan_in, _ = fans(n_out, n_in, kernel)
    return normal(n_out, n_in, rng, std=math.sqrt(1 / fan_in), kernel=kernel)


def lecun_uniform(n_out, n_in, rng, *, kernel=()):
    r"""Draw weights uniform on :math:`\pm\sqrt{3/n_\text{in}}`: variance :math:`1/n_\text{in}`.

    Parameters
    ----------
    n_out, n_in : int
        Number of units of this layer and of the layer before.
    rng : numpy.random.Generator
        Where the draw comes from.
    kernel : tuple of int, default ()
        Axes of a convolution's kernel, if any.

    Returns
    -------
    W : ndarray, shape (n_out, n_in, *kernel)

    References
    ----------
    .. [1] LeCun, Bottou, Orr & Müller, Efficient BackProp, 1998,
       :doi:`10.1007/3-540-49430-8_2`.

    Examples
    --------
    >>> import numpy as np
    >>> W = lecun_uniform(128, 784, np.random.default_rng(0))
    >>> f"{W.std():.4f}"
    '0.0357'
    """
    fan_in, _ = fans(n_out, n_in, kernel)
    return _symmetric(n_out, n_in, rng, math.sqrt(3 / fan_in), kernel)


def glorot_normal(n_out, n_in, rng, *, kernel=()):
    r"""Draw normal weights of variance :math:`2/(n_\text{in} + n_\text{out})`, also called Xavier.

    A compromise: :math:`1/n_\text{in}` would keep the signal's variance on the way forward,
    :math:`1/n_\text{out}` the gradient's on the way back, where the activation is near the
    identity.

    Parameters
    ----------
    n_out, n_in : int
        Number of units of this layer and of the layer before.
    rng : numpy.random.Generator
        Where the draw comes from.
    kernel : tuple of int, default ()
        Axes of a convolution's kernel, if any.

    Returns
    -------
    W : ndarray, shape (n_out, n_in, *kernel)

    References
    ----------
    .. [1] Glorot & Bengio, Understanding the difficulty of training deep feedforward neural
       networks, AISTATS 2010, PMLR 9, https://proceedings.mlr.press/v9/glorot10a.html.

    Examples
    --------
    >>> import numpy as np
    >>> W = glorot_normal(128, 784, np.random.default_rng(0))
    >>> f"{W.std():.4f}"
    '0.0468'
    """
    fan_in, fan_out = fans(n_out, n_in, kernel)
    return normal(n_out, n_in, rng, std=math.sqrt(2 / (fan_in + fan_out)), kernel=kernel)


def glorot_uniform(n_out, n_in, rng, *, kernel=()):
    r"""Draw weights uniform on :math:`\pm\sqrt{6/(n_\text{in} + n_\text{out})}`.

    The variance is that of `glorot_normal`, :math:`2/(n_\text{in} + n_\text{out})`: a uniform
    variable on :math:`\pm c` has the variance :math:`c^2/3`.

    Parameters
    ----------
    n_out, n_in : int
        Number of units of this layer and of the layer before.
    rng : numpy.random.Generator
        Where the draw comes from.
    kernel : tuple of int, default ()
        Axes of a convolution's kernel, if any.

    Returns
    -------
    W : ndarray, shape (n_out, n_in, *kernel)

    References
    ----------
    .. [1] Glorot & Bengio, Understanding the difficulty of training deep feedforward neural
       networks, AISTATS 2010, PMLR 9, https://proceedings.mlr.press/v9/glorot10a.html.

    Examples
    --------
    >>> import numpy as np
    >>> W = glorot_uniform(128, 784, np.random.default_rng(0))
    >>> bool(abs(W).max() <= (6 / (784 + 128)) ** 0.5)
    True
    """
    fan_in, fan_out = fans(n_out, n_in, kernel)
    return _symmetric(n_out, n_in, rng, math.sqrt(6 / (fan_in + fan_out)), kernel)


def he_normal(n_out, n_in, rng, *, leak=0.0, kernel=()):
    r"""Draw normal weights of variance :math:`2/((1 + \text{leak}^2)\,n_\text{in})`.

    Also called Kaiming. Made for layers whose input comes out of a ReLU: half of a symmetric
    signal is cut off, so half of its mean square is left, and the 2 makes up for it. A leaky ReLU
    of slope ``leak`` leaves :math:`(1 + \text{leak}^2)/2` of it.

    Parameters
    ----------
    n_out, n_in : int
        Number of units of this layer and of the layer before.
    rng : numpy.random.Generator
        Where the draw comes from.
    leak : float, default 0
        Slope of the activation left of zero; 0 is ReLU, 1 the identity (then the variance is
        LeCun's).
    kernel : tuple of int, default ()
        Axes of a convolution's kernel, if any.

    Returns
    -------
    W : ndarray, shape (n_out, n_in, *kernel)

    References
    ----------
    .. [1] He, Zhang, Ren & Sun, Delving deep into rectifiers, ICCV 2015,
       :doi:`10.1109/ICCV.2015.123`.

    Examples
    --------
    >>> import numpy as np
    >>> W = he_normal(128, 784, np.random.default_rng(0))
    >>> f"{W.std():.4f}"
    '0.0505'
    """
    fan_in, _ = fans(n_out, n_in, kernel)
    return normal(n_out, n_in, rng, std=math.sqrt(_he_gain(leak) / fan_in), kernel=kernel)


def he_uniform(n_out, n_in, rng, *, leak=0.0, kernel=()):
    r"""Draw weights uniform on :math:`\pm\sqrt{6/((1 + \text{leak}^2)\,n_\text{in})}`.

    The variance is that of `he_normal`, :math:`2/((1 + \text{leak}^2)\,n_\text{in})`.

    Parameters
    ----------
    n_out, n_in : int
        Number of units of this layer and of the layer before.
    rng : numpy.random.Generator
        Where the draw comes from.
    leak : float, default 0
        Slope of the activation left of zero.
    kernel : tuple of int, default ()
        Axes of a convolution's kernel, if any.

    Returns
    -------
    W : ndarray, shape (n_out, n_in, *kernel)

    References
    ----------
    .. [1] He, Zhang, Ren & Sun, Delving deep into rectifiers, ICCV 2015,
       :doi:`10.1109/ICCV.2015.123`.

    Examples
    --------
    >>> import numpy as np
    >>> W = he_uniform(128, 784, np.random.default_rng(0))
    >>> f"{W.std():.4f}"
    '0.0505'
    """
    fan_in, _ = fans(n_out, n_in, kernel)
    return _symmetric(n_out, n_in, rng, math.sqrt(3 * _he_gain(leak) / fan_in), kernel)


INITIALIZERS = {
    "zeros": zeros,
    "normal": normal,
    "uniform": uniform,
    "lecun_normal": lecun_normal,
    "lecun_uniform": lecun_uniform,
    "glorot_normal": glorot_normal,
    "glorot_uniform": glorot_uniform,
    "he_normal": he_normal,
    "he_uniform": he_uniform,
    "orthogonal": orthogonal,
}


def get_initializer(init):
    """Return the initializer of that name; a function is returned as it is.

    Parameters
    ----------
    init : str or callable
        A name in ``INITIALIZERS``, or a function ``init(n_out, n_in, rng)``.

    Returns
    -------
    callable

    Raises
    ------
    ValueError
        If no initializer has that name.

    Examples
    --------
    >>> get_initializer("he_normal") is he_normal
    True
    """
    if callable(init):
        return init
    if isinstance(init, str) and init in INITIALIZERS:
        return INITIALIZERS[init]
    known = ", ".join(INITIALIZERS)
    raise ValueError(f"init must be a function or one of {known}; found {init!r}")


def _symmetric(n_out, n_in, rng, bound, kernel):
    return check_rng(rng).uniform(-bound, bound, shape_of(n_out, n_in, kernel))


def _he_gain(leak):
    leak = check_number(leak, "leak")
    return 2 / (1 + leak * leak)
