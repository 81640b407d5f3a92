r"""Activations: what a unit does to its pre-activation, and how steeply.

Every function acts on each number alone, for an array `z` of any shape, and directly below it
stands its derivative, with the suffix ``_prime``. ReLU and its kin are in
:mod:`nnbook.functions.rectifiers`, ELU and its kin in :mod:`nnbook.functions.exponential_units`,
GELU and SiLU in :mod:`nnbook.functions.gated`, Mish in :mod:`nnbook.functions.mish`, and what needs
no exponential in :mod:`nnbook.functions.piecewise`; `ACTIVATIONS` names them all. Softmax, which
looks at a whole row, is in :mod:`nnbook.functions.probabilities`.

The dtype of the input is kept: integers become float64; float32 and float16 are computed in float64
and rounded once; complex, text and object arrays raise `TypeError`. At plus and minus infinity the
value is the limit, NaN gives NaN, and no floating-point warning is raised. Errors are given in ulp,
units in the last place of the correctly rounded float64 result, over all finite inputs.
"""

import numpy as np

from nnbook.functions._elementwise import EXP_CAP, elementwise, magnitude
from nnbook.functions._pairs import logistic_pair
from nnbook.functions.exponential_units import celu, celu_prime, elu, elu_prime, selu, selu_prime
from nnbook.functions.gated import gelu, gelu_prime, silu, silu_prime
from nnbook.functions.mish import mish, mish_prime
from nnbook.functions.piecewise import (
    hard_sigmoid,
    hard_sigmoid_prime,
    hard_swish,
    hard_swish_prime,
    softsign,
    softsign_prime,
)
from nnbook.functions.rectifiers import (
    identity,
    identity_prime,
    leaky_relu,
    leaky_relu_prime,
    relu,
    relu_prime,
)


@elementwise
def sigmoid(z):
    r"""Squash into (0, 1) by the logistic function.

    .. math:: \sigma(z) = \frac{1}{1 + e^{-z}}

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations, any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); from 0 to 1.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Within 2 ulp. Nothing overflows in :math:`e^{\min(z, 0)} / (1 + e^{-|z|})`, but that quotient
    rounds to 2.5 ulp; as a small correction to its numerator it does not.

    References
    ----------
    .. [1] Rumelhart, Hinton & Williams, Nature 323, 1986, :doi:`10.1038/323533a0`.

    Examples
    --------
    >>> print(sigmoid([-1000.0, 0.0, 2.0]).round(4))
    [0.     0.5    0.8808]
    """
    e = np.exp(-np.abs(z))
    numerator = np.exp(np.minimum(z, 0))
    return numerator - numerator * (e / (1 + e))


@elementwise
def sigmoid_prime(z):
    r"""Differentiate :func:`sigmoid`.

    .. math:: \sigma'(z) = \sigma(z)\,(1 - \sigma(z)) = \sigma(-|z|) - \sigma(-|z|)^2 \le \tfrac14

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations (not activations), any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); from 0 to 1/4.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Within 1.5 ulp. σ(1 - σ) as written is 0 from 37 on, where the true slope is 1e-16: the
    smaller of the two factors has to be computed, not subtracted.

    Examples
    --------
    >>> print(sigmoid_prime(0.0), f"{sigmoid_prime(200.0):.4e}")
    0.25 1.3839e-87
    """
    slope, power = _logistic_slope(-magnitude(z, EXP_CAP))
    return np.ldexp(slope, power)


@elementwise
def tanh(z):
    r"""Squash into (-1, 1) by the hyperbolic tangent.

    .. math:: \tanh(z) = \frac{e^z - e^{-z}}{e^z + e^{-z}} = 2\sigma(2z) - 1

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations, any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); from -1 to 1.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    NumPy's own: within 1.2 ulp where NumPy has vector instructions with fused multiply-add, which
    is any processor of the last decade; elsewhere the C library's, 2.2 ulp with glibc.

    References
    ----------
    .. [1] LeCun, Bottou, Orr & Müller, in Neural Networks: Tricks of the Trade, Springer 1998,
       :doi:`10.1007/3-540-49430-8_2`.

    Examples
    --------
    >>> print(tanh([-1.0, 0.0, 1.0]).round(4))
    [-0.7616  0.      0.7616]
    """
    return np.tanh(z)


@elementwise
def tanh_prime(z):
    r"""Differentiate :func:`tanh`.

    .. math:: \tanh'(z) = 1 - \tanh^2(z) = 4\,\sigma'(2z) \le 1

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations (not activations), any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); from 0 to 1.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Within 1.5 ulp. The first form is 0 from 19.1 on: tanh has rounded to 1 there. The last has
    nothing to subtract.

    Examples
    --------
    >>> print(tanh_prime(0.0), f"{tanh_prime(200.0):.4e}")
    1.0 7.6607e-174
    """
    slope, power = _logistic_slope(-2 * magnitude(z, EXP_CAP))
    return np.ldexp(slope, power + 2)


@elementwise
def softplus(z):
    r"""Rectify smoothly: minus the logarithm of σ(-z).

    .. math:: \operatorname{softplus}(z) = \log(1 + e^z) = \max(z, 0) + \log(1 + e^{-|z|})

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations, any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); at least 0, and in
        nats where `z` is a logit.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Within 2 ulp. The first form overflows at 710, and is 0 from -37 down.

    References
    ----------
    .. [1] Dugas, Bengio, Bélisle, Nadeau & Garcia, Advances in Neural Information Processing
       Systems 13, 2000.

    Examples
    --------
    >>> print(f"{softplus(0.0):.4f} {softplus(1000.0):.0f} {softplus(-200.0):.4e}")
    0.6931 1000 1.3839e-87
    """
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def softplus_prime(z):
    r"""Differentiate :func:`softplus`: the logistic function.

    .. math:: \operatorname{softplus}'(z) = \sigma(z)

    Parameters
    ----------
    z : array_like of real numbers
        Pre-activations (not activations), any shape; dimensionless.

    Returns
    -------
    ndarray
        Same shape and dtype as `z` (integers give float64); from 0 to 1.

    Raises
    ------
    TypeError
        If `z` does not hold real numbers.

    Notes
    -----
    Within 2 ulp; see :func:`sigmoid`.

    Examples
    --------
    >>> print(softplus_prime([-1000.0, 0.0, 2.0]).round(4))
    [0.     0.5    0.8808]
    """
    return sigmoid(z)


#: Name -> (activation, derivative) of every elementwise activation; names of your own may be added.
ACTIVATIONS = {
    "identity": (identity, identity_prime),
    "relu": (relu, relu_prime),
    "leaky_relu": (leaky_relu, leaky_relu_prime),
    "sigmoid": (sigmoid, sigmoid_prime),
    "tanh": (tanh, tanh_prime),
    "softplus": (softplus, softplus_prime),
    "gelu": (gelu, gelu_prime),
    "silu": (silu, silu_prime),
    "elu": (elu, elu_prime),
    "selu": (selu, selu_prime),
    "celu": (celu, celu_prime),
    "mish": (mish, mish_prime),
    "softsign": (softsign, softsign_prime),
    "hard_sigmoid": (hard_sigmoid, hard_sigmoid_prime),
    "hard_swish": (hard_swish, hard_swish_prime),
}

OTHER_NAMES = {"linear": "identity", "logistic": "sigmoid", "expit": "sigmoid", "swish": "silu"}


def get_activation(name):
    """Look an activation and its derivative up by name.

    Parameters
    ----------
    name : str
        A key of `ACTIVATIONS`.

    Returns
    -------
    tuple of two functions
        The activation and its derivative, with their default parameters.

    Raises
    ------
    TypeError
        If `name` is not a string.
    ValueError
        If no activation has that name. The message lists those there are.

    Examples
    --------
    >>> phi, phi_prime = get_activation("relu")
    >>> print(phi(3.0), phi_prime(3.0))
    3.0 1.0
    """
    known = ", ".join(ACTIVATIONS)
    if not isinstance(name, str):
        raise TypeError(f"activation must be a name, got {name!r}; known: {known}")
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    import difflib  # its loading costs milliseconds that an error alone should pay

    message = f"unknown activation {name!r}; known: {known}"
    word = name.lower().strip().replace("-", "_")
    near = OTHER_NAMES.get(word) or next(
        iter(difflib.get_close_matches(word, ACTIVATIONS, 1)), None
    )
    if "softmax" in word:
        message += "; softmax acts on a row, and cross_entropy takes the logits before it"
    elif word == "prelu":
        message += "; prelu has slopes of its own to learn, call prelu and prelu_vjp"
    elif near:
        message += f"; did you mean {near!r}?"
    raise ValueError(message)


def _logistic_slope(x):
    """Return ``(slope, power)`` with σ'(x) = slope 2^power, for x <= 0."""
    small, small_low, power = logistic_pair(x)
    value = np.ldexp(small, power)
    return small - (small * value - small_low * (1 - 2 * value)), power
