r"""Initializers that do not look at the widths of the layers, and the orthogonal one.

See `nnbook.learning.initializers` for the contract, and for those that choose a variance.
"""

import math

import numpy as np

from nnbook.functions._validate import check_count, check_number
from nnbook.learning._validate import check_rng


def zeros(n_out, n_in, rng=None, *, kernel=()):
    r"""Make all weights zero: variance 0.

    Parameters
    ----------
    n_out, n_in : int
        Number of units of this layer and of the layer before.
    rng : numpy.random.Generator, optional
        Not used; here so that every initializer is called alike.
    kernel : tuple of int, default ()
        Axes of a convolution's kernel, if any.

    Returns
    -------
    W : ndarray, shape (n_out, n_in, *kernel)

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
    return constant(n_out, n_in, rng, value=0.0, kernel=kernel)


def constant(n_out, n_in, rng=None, *, value, kernel=()):
    r"""Make all weights ``value``: variance 0.

    Parameters
    ----------
    n_out, n_in : int
        Number of units of this layer and of the layer before.
    rng : numpy.random.Generator, optional
        Not used; here so that every initializer is called alike.
    value : float
        The common weight.
    kernel : tuple of int, default ()
        Axes of a convolution's kernel, if any.

    Returns
    -------
    W : ndarray, shape (n_out, n_in, *kernel)

    Examples
    --------
    >>> constant(1, 3, value=0.5)
    array([[0.5, 0.5, 0.5]])
    """
    return np.full(shape_of(n_out, n_in, kernel), check_number(value, "value"))


def normal(n_out, n_in, rng, *, std=0.01, kernel=()):
    r"""Draw normal weights of mean 0 and standard deviation ``std``: variance :math:`\text{std}^2`.

    Parameters
    ----------
    n_out, n_in : int
        Number of units of this layer and of the layer before.
    rng : numpy.random.Generator
        Where the draw comes from.
    std : float, default 0.01
        Standard deviation of one weight, whatever the width.
    kernel : tuple of int, default ()
        Axes of a convolution's kernel, if any.

    Returns
    -------
    W : ndarray, shape (n_out, n_in, *kernel)

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
    shape = shape_of(n_out, n_in, kernel)
    std = check_number(std, "std", low=0.0)
    return std * check_rng(rng).standard_normal(shape)


def uniform(n_out, n_in, rng, *, low=-0.05, high=0.05, kernel=()):
    r"""Draw weights uniform on [low, high]: variance :math:`(\text{high} - \text{low})^2/12`.

    Parameters
    ----------
    n_out, n_in : int
        Number of units of this layer and of the layer before.
    rng : numpy.random.Generator
        Where the draw comes from.
    low, high : float, default -0.05 and 0.05
        Ends of the interval, low ≤ high; the mean is halfway between them.
    kernel : tuple of int, default ()
        Axes of a convolution's kernel, if any.

    Returns
    -------
    W : ndarray, shape (n_out, n_in, *kernel)

    Examples
    --------
    >>> W = uniform(50, 40, np.random.default_rng(0), low=0.0, high=1.2)
    >>> f"{W.mean():.1f} {W.var():.2f}"
    '0.6 0.12'
    """
    shape = shape_of(n_out, n_in, kernel)
    low, high = check_number(low, "low"), check_number(high, "high")
    if not 0 <= high - low < math.inf:
        raise ValueError(f"low must be at most high, and their distance finite, found {low:g} and "
                         f"{high:g}")
    return check_rng(rng).uniform(low, high, shape)


def orthogonal(n_out, n_in, rng, *, gain=1.0, kernel=()):
    r"""Draw a matrix with orthonormal columns, or rows if it is wider than high, times ``gain``.

    .. math:: W^\top W = \text{gain}^2\, I \quad (n_\text{out} \ge n_\text{in}), \qquad
        W W^\top = \text{gain}^2\, I \quad (n_\text{out} \le n_\text{in})

    The variance of one entry is :math:`\text{gain}^2/\max(n_\text{in}, n_\text{out})`. All
    singular values are ``gain``: a product of such square matrices neither shrinks nor stretches.

    Parameters
    ----------
    n_out, n_in : int
        Number of units of this layer and of the layer before.
    rng : numpy.random.Generator
        Where the draw comes from.
    gain : float, default 1
        Factor, at least 0.
    kernel : tuple of int, default ()
        Axes of a convolution's kernel, if any.

    Returns
    -------
    W : ndarray, shape (n_out, n_in, *kernel)
        A kernel is drawn as the matrix of shape (n_out, n_in * prod(kernel)).

    Notes
    -----
    Of all such matrices none is preferred (Haar measure): Q of a normal matrix's QR decomposition,
    with its columns multiplied by the signs of R's diagonal. Q as libraries return it has a sign
    convention of its own and is not uniform [2]_.

    References
    ----------
    .. [1] Saxe, McClelland & Ganguli, Exact solutions to the nonlinear dynamics of learning in deep
       linear neural networks, ICLR 2014, :doi:`10.48550/arXiv.1312.6120`.
    .. [2] Mezzadri, How to generate random matrices from the classical compact groups, Notices
       of the AMS 54(5), 2007, :doi:`10.48550/arXiv.math-ph/0609050`.

    Examples
    --------
    >>> W = orthogonal(2, 3, np.random.default_rng(0), gain=2.0)
    >>> print((W @ W.T).round(12) + 0.0)
    [[4. 0.]
     [0. 4.]]
    """
    shape = shape_of(n_out, n_in, kernel)
    fan_in, _ = fans(n_out, n_in, kernel)
    gain = check_number(gain, "gain", low=0.0)
    tall = check_rng(rng).standard_normal((max(n_out, fan_in), min(n_out, fan_in)))
    Q, R = np.linalg.qr(tall)
    Q = Q * np.where(np.diagonal(R) < 0, -1.0, 1.0)
    return gain * (Q if n_out >= fan_in else Q.T).reshape(shape)


def shape_of(n_out, n_in, kernel):
    """Return the shape of the weights, with every length checked."""
    if not isinstance(kernel, (tuple, list)):
        raise TypeError(f"kernel must be a tuple of lengths such as (3, 3), found {kernel!r:.60}")
    lengths = (check_count(n, f"kernel[{i}]") for i, n in enumerate(kernel))
    return (check_count(n_out, "n_out"), check_count(n_in, "n_in"), *lengths)


def fans(n_out, n_in, kernel):
    """Return the products that a unit adds up, and those that an input takes part in."""
    n_out, n_in, *lengths = shape_of(n_out, n_in, kernel)
    return n_in * math.prod(lengths), n_out * math.prod(lengths)
