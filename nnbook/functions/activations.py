r"""Activations: what a unit does to its pre-activation, and how steeply.

Every function acts on each number alone, for an array `z` of any shape. Directly below it stands
its derivative, with the suffix ``_prime``. GELU and SiLU, which multiply the input by a gate, are
in :mod:`nnbook.functions.gated`; softmax, which looks at a whole row, is in
:mod:`nnbook.functions.probabilities`.

Integers become float64; float64 stays; float32 and float16 are computed in float64 and rounded
once. Errors are given in ulp, units in the last place of the correctly rounded float64 result.
"""

import difflib

import numpy as np

from nnbook.functions._elementwise import elementwise, magnitude
from nnbook.functions._pairs import logistic_pair
from nnbook.functions._validate import as_float, check_number
from nnbook.functions.gated import gelu, gelu_prime, silu, silu_prime

CAP = 30_000  # e^-|z| is 0 long before, in longdouble too


def identity(z):
    z = as_float(z, "z")
    return z.copy()[()]


@elementwise
def identity_prime(z):
    return np.where(np.isnan(z), z, 1)


def relu(z):
    return np.maximum(as_float(z, "z"), 0)


def relu_prime(z):
    return np.heaviside(as_float(z, "z"), 0)


@elementwise
def leaky_relu(z, negative_slope=0.01):
    slope = check_number(negative_slope, "negative_slope")
    return np.where(z > 0, z, slope * z)


@elementwise
def leaky_relu_prime(z, negative_slope=0.01):
    slope = check_number(negative_slope, "negative_slope")
    return np.where(np.isnan(z), z, np.where(z > 0, 1, slope))


@elementwise
def sigmoid(z):
    e = np.exp(-np.abs(z))
    small = e / (1 + e)
    return np.where(z < 0, e - e * small, 1 - small)


@elementwise
def sigmoid_prime(z):
    slope, power = _logistic_slope(-magnitude(z, CAP))
    return np.ldexp(slope, power)


@elementwise
def tanh(z):
    return np.tanh(z)


@elementwise
def tanh_prime(z):
    slope, power = _logistic_slope(-2 * magnitude(z, CAP))
    return np.ldexp(slope, power + 2)


@elementwise
def softplus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


@elementwise
def softplus_prime(z):
    e = np.exp(-np.abs(z))
    small = e / (1 + e)
    return np.where(z < 0, e - e * small, 1 - small)


def _logistic_slope(x):
    small, small_low, power = logistic_pair(x)
    own = np.ldexp(small, power)
    return small - (small * own - small_low * (1 - 2 * own)), power


ACTIVATIONS = {
    "identity": (identity, identity_prime),
    "relu": (relu, relu_prime),
    "leaky_relu": (leaky_relu, leaky_relu_prime),
    "sigmoid": (sigmoid, sigmoid_prime),
    "tanh": (tanh, tanh_prime),
    "softplus": (softplus, softplus_prime),
    "gelu": (gelu, gelu_prime),
    "silu": (silu, silu_prime),
}

_OTHER_NAMES = {"linear": "identity", "logistic": "sigmoid", "swish": "silu"}


def get_activation(name):
    if not isinstance(name, str):
        raise TypeError(
            f"activation must be a name such as 'relu', got {name!r}; known: {', '.join(ACTIVATIONS)}"
        )
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    message = f"unknown activation {name!r}; known: {', '.join(ACTIVATIONS)}"
    word = name.lower().replace("-", "_")
    near = [_OTHER_NAMES.get(word), *difflib.get_close_matches(word, ACTIVATIONS, n=1)]
    near = [n for n in near if n]
    if near:
        message += f"; did you mean {near[0]!r}?"
    elif "softmax" in word:
        message += "; softmax acts on a whole row and belongs to the loss, see cross_entropy"
    raise ValueError(message)
