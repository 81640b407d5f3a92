"""Batch normalisation: the batch's statistics, the running ones, and the scale of the weights."""

import numpy as np
import sympy as sp

from nnbook.checking import Derivation, verify
from nnbook.functions import batch_norm_vjp
from tests.derivations.normalization import i, j, k, mean, n, of_three, q, total, x

eps = sp.Symbol("epsilon", positive=True)
rho, mu_0, var_0 = sp.symbols("rho mu_0 v_0", real=True)
m, v = sp.symbols("m v", real=True)


def one_channel(g, x):
    """Three examples of the second channel, in training."""
    pairs = [[[1.0, t] for t in column] for column in (g, x)]
    pairs[1][0][0] = 5.0
    return batch_norm_vjp(*pairs, eps=0.125)[0][0, 1]


def inference():
    """One number: the running statistics are constants, and have gradients of their own."""
    z, gain, y = sp.symbols("x gamma y", real=True)
    mu, var = sp.Symbol("mu", real=True), sp.Symbol("s", nonnegative=True)
    result = y * gain * (z - mu) / sp.sqrt(var + eps)
    root = sp.sqrt(var + eps)
    parts = [
        ("18.24", "Inference: the input", z, y * gain / root, 0),
        ("18.25", "Inference: the gain", gain, y * (z - mu) / root, 1),
        ("18.26", "Inference: the running mean", mu, -y * gain / root, 3),
        ("18.27", "Inference: the running variance", var, -y * gain * (z - mu) / (2 * root**3), 4),
    ]
    pairs = []
    for number, title, of, expected, at in parts:
        D = Derivation(number, title, sp.Derivative(result, of))
        D.step(expected, "the statistics do not depend on the input")

        def call(y, z, gain, mu, var, at=at):
            found = batch_norm_vjp(
                [[y]], [[z]], [gain], [0.0], [mu], [var], training=False, eps=0.125
            )
            return float(np.ravel(found[at])[0])

        pairs.append(
            (
                D,
                verify(
                    D,
                    batch_norm_vjp,
                    args=[y, z, gain, mu, var],
                    points=100,
                    fixed={eps: 0.125},
                    call=call,
                ),
            )
        )
    return pairs


def running():
    """What the running statistics pass back to the batch, which frameworks leave out."""
    # Times n - 1, so that the equation has a meaning for the one example that the code refuses.
    let = {m: mean(x[q], q), v: total((x[i] - m) ** 2, i)}
    D = Derivation(
        "18.28",
        "The batch in the running mean",
        sp.Derivative((1 - rho) * mu_0 + rho * m, x[j]),
        let={m: let[m]},
    )
    D.step(rho * mean(sp.KroneckerDelta(j, k)), "the old mean does not hold it")
    D.step(rho / n, "one term is left")
    pairs = [(D, None)]
    D = Derivation(
        "18.29",
        "The batch in N - 1 running variances",
        sp.Derivative((1 - rho) * (n - 1) * var_0 + rho * v, x[j]),
        let=let,
    )
    D.step(2 * rho * (x[j] - m - mean(x[k] - m)), "$\\partial m/\\partial x_j = 1/n$")
    D.step(2 * rho * (x[j] - m), "deviations add up to 0")

    def call(x):
        if len(x) == 1:
            return np.zeros_like(x)
        one = np.ones(1, x.dtype)
        g, running = (None, None, one), (one / 2, 2 * one)
        found = batch_norm_vjp(g, x[:, np.newaxis], None, None, *running, momentum=0.25)[0]
        return (len(x) - 1) * found[:, 0]

    pairs.append(
        (
            D,
            verify(
                D,
                batch_norm_vjp,
                args=[x],
                over=(j,),
                call=call,
                empty=False,
                shapes=8,
                fixed={rho: 0.25},
            ),
        )
    )
    return pairs


def unbiased():
    """The expected variance of N examples with mean μ and variance s, and what mends it."""
    mu, var = sp.Symbol("mu", real=True), sp.Symbol("s", nonnegative=True)
    count = sp.Symbol("N", positive=True)
    D = Derivation(
        "18.4",
        "Why the running variance takes N/(N - 1)",
        count / (count - 1) * ((var + mu**2) - (var / count + mu**2)),
        domain={count: sp.Interval.open(1, sp.oo)},
        given="$\\operatorname{E} x_i^2 = s + \\mu^2$, $\\operatorname{E} m^2 = s/N + \\mu^2$",
    )
    D.step(count / (count - 1) * (1 - 1 / count) * var, "the mean's own square cancels")
    D.step(var, "$1 - 1/N = (N - 1)/N$")
    return [(D, None)]


def scale_of_weights():
    """The unit w·x before a batch normalisation without ε: a factor on w changes nothing.

    Two weights and three examples; y is what the layer above passes back.
    """
    w1, w2 = sp.symbols("w1 w2", real=True)
    alpha = sp.Symbol("alpha", positive=True)
    points = ((1, 2), (-1, 3), (2, -2))
    z = [w1 * a + w2 * b for a, b in points]
    centre = sp.Rational(1, 3) * sum(z)
    root = sp.sqrt(sp.Rational(1, 3) * sum((t - centre) ** 2 for t in z))
    bn = (z[0] - centre) / root
    scaled = bn.xreplace({w1: alpha * w1, w2: alpha * w2})
    D = Derivation(
        "18.3", "The scale of the weights does not matter", scaled, given="not all deviations 0"
    )
    D.step(bn, "$\\alpha$ cancels, since there is no $ε$")
    pull = Derivation(
        "18.30",
        "The gradient is orthogonal to the weights",
        w1 * sp.Derivative(bn, w1) + w2 * sp.Derivative(bn, w2),
        given="not all deviations 0",
    )
    pull.step(0, "Euler: a function of degree 0 in $w$")
    return [(D, None), (pull, None)]


DERIVATIONS = {
    "batch_norm_vjp": lambda: [
        of_three("18.33", batch_norm_vjp, one_channel),
        *inference(),
        *running(),
        *unbiased(),
        *scale_of_weights(),
    ],
}
