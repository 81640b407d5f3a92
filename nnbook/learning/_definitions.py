r"""What the package's functions are, written with functions whose derivatives have derivatives.

The functions of `nnbook.functions` and their gradients are opaque to a Tensor: fast, and
careful with the last digit. Forward mode and second derivatives look inside, and this is what they
see: f″ of each elementwise function, and the formula of every other. A test holds each to the
function itself, in value and in gradient.
"""

import numpy as np

from nnbook.functions import BatchNorm, kl_divergence, nll_grad
from nnbook.learning._traced import plain
from nnbook.learning.lifted import (
    celu_prime,
    elu_prime,
    selu_prime,
    sigmoid,
    sigmoid_prime,
    softplus,
    softplus_prime,
    tanh,
    tanh_prime,
)

CUBIC = 0.044715  # GELU's tanh form
ENOUGH = 40.0  # from here on e^(-z²/2) is 0, and z² may not overflow


# ---------------------------------------------------------------- second derivatives
def zero(z, *options, **named_options):
    """Return 0: the slope of a piecewise linear function does not change."""
    return np.zeros_like(plain(z))


def _left(z, value):
    return np.where(plain(z) > 0, 0.0, value)


def sigmoid_second(z):
    return sigmoid_prime(z) * (1.0 - 2.0 * sigmoid(z))


def tanh_second(z):
    return -2.0 * tanh(z) * tanh_prime(z)


def silu_second(z, beta=1.0):
    slope = sigmoid_prime(beta * z)
    return beta * slope * (2.0 + beta * z * (1.0 - 2.0 * sigmoid(beta * z)))


def gelu_second(z, approximate="none"):
    z = np.maximum(np.minimum(z, ENOUGH), -ENOUGH)
    if approximate == "none":
        return (2.0 - z * z) * np.exp(z * z * -0.5) / np.sqrt(2.0 * np.pi)
    scale = 2.0 * np.sqrt(2.0 / np.pi)
    u, u1 = scale * (z + CUBIC * z**3), scale * (1.0 + 3.0 * CUBIC * z**2)
    u2 = scale * (6.0 * CUBIC) * z
    return sigmoid_prime(u) * (2.0 * u1 + z * u2) + z * u1 * u1 * sigmoid_second(u)


def mish_second(z):
    s, slope = softplus(z), softplus_prime(z)
    first = tanh_prime(s) * slope
    return 2.0 * first + z * (tanh_second(s) * slope * slope + tanh_prime(s) * sigmoid_prime(z))


def softsign_second(z):
    return -2.0 * np.sign(plain(z)) / (1.0 + np.abs(z)) ** 3


def hard_swish_second(z):
    return np.where(np.abs(plain(z)) < 3.0, 1.0 / 3.0, 0.0)


SECOND = {
    "celu_prime": lambda z, alpha=1.0: _left(z, celu_prime(z, alpha) / alpha),
    "elu_prime": lambda z, alpha=1.0: _left(z, elu_prime(z, alpha)),
    "gelu_prime": gelu_second,
    "hard_sigmoid_prime": zero,
    "hard_swish_prime": hard_swish_second,
    "identity_prime": zero,
    "leaky_relu_prime": zero,
    "mish_prime": mish_second,
    "relu_prime": zero,
    "selu_prime": lambda z: _left(z, selu_prime(z)),
    "sigmoid_prime": sigmoid_second,
    "silu_prime": silu_second,
    "softplus_prime": lambda z: sigmoid_prime(z),
    "softsign_prime": softsign_second,
    "tanh_prime": tanh_second,
}
"""Name of f′ -> f″, with the same arguments."""


# ---------------------------------------------------------------- layers and probabilities
def affine(A, W, b):
    return A @ W.T + b


def prelu(z, alpha, channel_axis=1):
    if np.ndim(alpha):
        lengths = [1] * z.ndim
        lengths[channel_axis] = -1
        alpha = np.reshape(alpha, lengths)
    return np.where(plain(z) > 0, z, alpha * z)


def _shifted(z, axis, temperature):
    axis = tuple(axis) if isinstance(axis, list) else axis
    z = z / temperature
    top = np.max(plain(z), axis=axis, keepdims=True)
    return z - top, top, axis


def softmax(z, axis=-1, *, temperature=1.0):
    shift, _, axis = _shifted(z, axis, temperature)
    e = np.exp(shift)
    return e / np.sum(e, axis=axis, keepdims=True)


def log_softmax(z, axis=-1, *, temperature=1.0):
    shift, _, axis = _shifted(z, axis, temperature)
    return shift - np.log(np.sum(np.exp(shift), axis=axis, keepdims=True))


def logsumexp(z, axis=-1, keepdims=False, *, temperature=1.0):
    shift, top, axis = _shifted(z, axis, temperature)
    out = np.log(np.sum(np.exp(shift), axis=axis, keepdims=True)) + top
    return out if keepdims else np.squeeze(out, axis)


# ---------------------------------------------------------------- losses
def nll(log_probabilities, targets, *, axis=1, reduction="mean", **options):
    # The loss is linear in the log-probabilities; its gradient holds the coefficients.
    shape = np.zeros_like(plain(log_probabilities))
    coefficients = nll_grad(shape, targets, axis=axis, reduction=reduction, **options)
    # Where a class counts nothing its log-probability may be -inf.
    terms = np.where(coefficients == 0, 0.0, coefficients * log_probabilities)
    return np.sum(terms, axis=axis if reduction == "none" else None)


def cross_entropy(logits, targets, *, axis=1, **options):
    return nll(log_softmax(logits, axis), targets, axis=axis, **options)


def divergence(logits, targets, *, reduction="mean", axis=1):
    loss = cross_entropy(logits, targets, axis=axis, reduction=reduction)
    entropy = plain(loss) - kl_divergence(plain(logits), targets, reduction=reduction, axis=axis)
    return loss - entropy


def reduced(terms, reduction, count):
    if reduction == "none":
        return terms
    total = np.sum(terms)
    return total / count if reduction == "mean" else total


def bce_with_logits(logits, targets, *, weights=None, reduction="mean"):
    terms = softplus(logits) - targets * logits
    return reduced(terms if weights is None else weights * terms, reduction, logits.size)


def mse(prediction, target, *, reduction="mean"):
    return reduced((prediction - target) ** 2, reduction, prediction.size)


def squared_error(prediction, target, *, reduction="mean"):
    terms = 0.5 * (prediction - target) ** 2
    if prediction.ndim > 1:
        terms = np.sum(terms, axis=tuple(range(1, prediction.ndim)))
    return reduced(terms, reduction, len(prediction))


def mae(prediction, target, *, reduction="mean"):
    return reduced(np.abs(prediction - target), reduction, prediction.size)


def huber(prediction, target, *, delta=1.0, reduction="mean"):
    e = prediction - target
    terms = np.where(np.abs(plain(e)) <= delta, 0.5 * e**2, delta * (np.abs(e) - 0.5 * delta))
    return reduced(terms, reduction, prediction.size)


def hinge(scores, targets, *, reduction="mean"):
    margin = 1.0 - targets * scores
    return reduced(np.where(plain(margin) > 0, margin, 0.0), reduction, scores.size)


# ---------------------------------------------------------------- normalization and dropout
def _scaled(normal, gain, shift, shape):
    out = normal if gain is None else normal * np.reshape(gain, shape)
    return out if shift is None else out + np.reshape(shift, shape)


def _standard(x, axes, eps):
    centred = x - np.mean(x, axis=axes, keepdims=True)
    return centred / np.sqrt(np.mean(centred * centred, axis=axes, keepdims=True) + eps)


def _features(x, axis):
    """Return the axes of the features, the shape a gain has beside x, and its order there."""
    axes = [a % x.ndim for a in (axis if isinstance(axis, (tuple, list)) else (axis,))]
    shape = tuple(n if a in axes else 1 for a, n in enumerate(x.shape))
    return tuple(axes), shape, np.argsort(axes)


def layer_norm(x, gain=None, shift=None, *, axis=-1, eps=1e-5):
    axes, shape, order = _features(x, axis)
    gain, shift = (p if p is None else np.transpose(p, order) for p in (gain, shift))
    return _scaled(_standard(x, axes, eps), gain, shift, shape)


def rms_norm(x, gain=None, *, axis=-1, eps=1e-5):
    axes, shape, order = _features(x, axis)
    gain = None if gain is None else np.transpose(gain, order)
    normal = x / np.sqrt(np.mean(x * x, axis=axes, keepdims=True) + eps)
    return _scaled(normal, gain, None, shape)


def group_norm(x, gain=None, shift=None, *, groups, eps=1e-5):
    members = np.reshape(x, (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]))
    normal = np.reshape(_standard(members, tuple(range(2, members.ndim)), eps), x.shape)
    return _scaled(normal, gain, shift, _channels(x))


def instance_norm(x, gain=None, shift=None, *, eps=1e-5):
    return group_norm(x, gain, shift, groups=x.shape[1], eps=eps)


def _channels(x):
    return (1, -1, *(1,) * (x.ndim - 2))


def batch_norm(x, gain=None, shift=None, running_mean=None, running_var=None, *, training=True,
               momentum=0.1, eps=1e-5):
    axes = (0, *range(2, x.ndim))
    if not training:
        mean, var = (np.reshape(r, _channels(x)) for r in (running_mean, running_var))
        normal = (x - mean) / np.sqrt(var + eps)
        y = _scaled(normal, gain, shift, _channels(x))
        return BatchNorm(y, running_mean, running_var)
    mean = np.mean(x, axis=axes)
    var = np.var(x, axis=axes)
    count = x.size // x.shape[1]
    unbiased = var * (count / max(count - 1, 1))
    if running_mean is not None:
        mean = (1.0 - momentum) * running_mean + momentum * mean
        unbiased = (1.0 - momentum) * running_var + momentum * unbiased
    return BatchNorm(_scaled(_standard(x, axes, eps), gain, shift, _channels(x)), mean, unbiased)


def dropout(x, p=0.5, *, mask=None, rng=None, training=True):
    if not training or p == 0:
        return x * 1.0
    return np.where(mask, x / (1.0 - p), 0.0)


def rayleigh_quotient(A, x):
    return (x @ A @ x) / (x @ x)


LAYERS = {
    name: function
    for name, function in globals().items()
    if name in {
        "affine", "batch_norm", "bce_with_logits", "cross_entropy", "dropout", "group_norm",
        "hinge", "huber", "instance_norm", "layer_norm", "log_softmax", "logsumexp", "mae", "mse",
        "nll", "prelu", "rayleigh_quotient", "rms_norm", "softmax", "squared_error",
    }
} | {"kl_divergence": divergence}
"""Name of a function -> the same function, with the same arguments, of steps that have rules."""

