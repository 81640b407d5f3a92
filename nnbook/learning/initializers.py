r"""Initializers: where the weights start.

One contract: ``init(n_out, n_in, rng)`` returns a weight matrix of shape (n_out, n_in), float64.
Biases start at zero (`nnbook.learning.mlp.init_params`). Each docstring states the variance of one
entry. The variance matters because a unit adds up ``n_in`` products: for independent weights of
mean zero the pre-activation has the variance ``n_in * Var(w) * E[a**2]`` over the draw of the
weights. An initializer chooses ``Var(w)`` so that signals neither die out nor blow up with depth,
on average, when training starts; it promises nothing about what follows.
"""

import math

import numpy as np

from nnbook.functions._validate import check_count, check_number
from nnbook.learning._validate import check_rng


def zeros(n_out, n_in, rng=None):
    r"""Make all weights zero: variance 0.

    Parameters
    ----------
    n_out, n_in : int
        Number of units of this layer and of the layer before.
    rng : numpy.random.Generator, optional
        Not used; here so that every initializer is called alike.

    Returns
    -------
    W : ndarray, shape (n_out, n_in)

    Notes
    -----
    Units that start equal and feed the next layer equally stay equal: a hidden layer started so
    learns as one unit. For biases, which break no symmetry, zero is the usual start.

    Examples
    --------
    >>> zeros(2, 3)
    array([[0., 0., 0.],
           [0., 0., 0.]])
    """
    return constant(n_out, n_in, rng, value=0.0)


def constant(n_out, n_in, rng=None, *, value):
    r"""Make all weights ``value``: variance 0.

    Parameters
    ----------
    n_out, n_in : int
        Number of units of this layer and of the layer before.
    rng : numpy.random.Generator, optional
        Not used; here so that every initializer is called alike.
    value : float
        The common weight.

    Returns
    -------
    W : ndarray, shape (n_out, n_in)

    Examples
    --------
    >>> constant(1, 3, value=0.5)
    array([[0.5, 0.5, 0.5]])
    """
    n_out, n_in = check_count(n_out, "n_out"), check_count(n_in, "n_in")
    return np.full((n_out, n_in), check_number(value, "value"))


def normal(n_out, n_in, rng, *, std=0.01):
    r"""Draw normal weights of mean 0 and standard deviation ``std``: variance :math:`\text{std}^2`.

    Parameters
    ----------
    n_out, n_in : int
        Number of units of this layer and of the layer before.
    rng : numpy.random.Generator
        Where the draw comes from.
    std : float, default 0.01
        Standard deviation of one weight, whatever the width.

    Returns
    -------
    W : ndarray, shape (n_out, n_in)

    Notes
    -----
    A fixed ``std`` does not know the width. With 0.01 and layers of 128 units a ReLU network loses
    all but about a tenth of its signal in every layer. To hand another ``std`` to ``init_params``
    write ``functools.partial(normal, std=0.1)``.

    Examples
    --------
    >>> W = normal(50, 40, np.random.default_rng(0), std=0.1)
    >>> W.shape, f"{W.std():.2f}"
    ((50, 40), '0.10')
    """
    n_out, n_in = check_count(n_out, "n_out"), check_count(n_in, "n_in")
    std = check_number(std, "std", low=0.0)
    return std * check_rng(rng).standard_normal((n_out, n_in))


def lecun_normal(n_out, n_in, rng):
    r"""Draw normal weights of variance :math:`1/n_\text{in}`.

    The variance of the pre-activation then equals the mean square of the layer's input.

    Parameters
    ----------
    n_out, n_in : int
        Number of units of this layer and of the layer before.
    rng : numpy.random.Generator
        Where the draw comes from.

    Returns
    -------
    W : ndarray, shape (n_out, n_in)

    References
    ----------
    .. [1] LeCun, Bottou, Orr & Müller, Efficient BackProp, 1998,
       :doi:`10.1007/3-540-49430-8_2`.

    Examples
    --------
    >>> W = lecun_normal(128, 784, np.random.default_rng(0))
    >>> f"{W.std():.4f}"
    '0.0357'
    """
    return normal(n_out, n_in, rng, std=math.sqrt(1 / check_count(n_in, "n_in")))


def glorot_normal(n_out, n_in, rng):
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

    Returns
    -------
    W : ndarray, shape (n_out, n_in)

    References
    ----------
    .. [1] Glorot & Bengio, Understanding the difficulty of training deep feedforward neural
       networks, AISTATS 2010, PMLR 9, https://proceedings.mlr.press/v9/glorot10a.html.

    Examples
    --------
    >>> W = glorot_normal(128, 784, np.random.default_rng(0))
    >>> f"{W.std():.4f}"
    '0.0468'
    """
    fans = check_count(n_in, "n_in") + check_count(n_out, "n_out")
    return normal(n_out, n_in, rng, std=math.sqrt(2 / fans))


def glorot_uniform(n_out, n_in, rng):
    r"""Draw weights uniform on :math:`\pm\sqrt{6/(n_\text{in} + n_\text{out})}`.

    The variance is that of `glorot_normal`, :math:`2/(n_\text{in} + n_\text{out})`: a uniform
    variable on :math:`\pm c` has the variance :math:`c^2/3`.

    Parameters
    ----------
    n_out, n_in : int
        Number of units of this layer and of the layer before.
    rng : numpy.random.Generator
        Where the draw comes from.

    Returns
    -------
    W : ndarray, shape (n_out, n_in)

    References
    ----------
    .. [1] Glorot & Bengio, Understanding the difficulty of training deep feedforward neural
       networks, AISTATS 2010, PMLR 9, https://proceedings.mlr.press/v9/glorot10a.html.

    Examples
    --------
    >>> W = glorot_uniform(128, 784, np.random.default_rng(0))
    >>> bool(abs(W).max() <= (6 / (784 + 128)) ** 0.5)
    True
    """
    n_out, n_in = check_count(n_out, "n_out"), check_count(n_in, "n_in")
    bound = math.sqrt(6 / (n_in + n_out))
    return check_rng(rng).uniform(-bound, bound, (n_out, n_in))


def he_normal(n_out, n_in, rng, *, leak=0.0):
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

    Returns
    -------
    W : ndarray, shape (n_out, n_in)

    References
    ----------
    .. [1] He, Zhang, Ren & Sun, Delving deep into rectifiers, ICCV 2015,
       :doi:`10.1109/ICCV.2015.123`.

    Examples
    --------
    >>> W = he_normal(128, 784, np.random.default_rng(0))
    >>> f"{W.std():.4f}"
    '0.0505'
    """
    n_in, leak = check_count(n_in, "n_in"), check_number(leak, "leak")
    return normal(n_out, n_in, rng, std=math.sqrt(2 / ((1 + leak**2) * n_in)))


INITIALIZERS = {
    "zeros": zeros,
    "normal": normal,
    "lecun_normal": lecun_normal,
    "glorot_normal": glorot_normal,
    "glorot_uniform": glorot_uniform,
    "he_normal": he_normal,
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
