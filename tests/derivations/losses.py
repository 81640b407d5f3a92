"""The slopes of the losses of classes, and a bend, with the weights and the label smoothing that
chapter 7 leaves out.
"""

import sympy as sp

from nnbook import functions as F
from nnbook.checking import Derivation, verify
from nnbook.checking.matrix import dimensions, indices

K = dimensions("K")
i, j, k = indices("i j k", K)
z, y, w, v = (sp.IndexedBase(s, shape=(K,), real=True) for s in "zywv")
p, c = (sp.IndexedBase(s, real=True) for s in "pc")
epsilon = sp.Symbol("epsilon", positive=True)
QUARTER = sp.Rational(1, 4)
SOFTMAX = {p[i]: sp.exp(z[i]) / sp.Sum(sp.exp(z[k]), (k, 1, K))}


def total(term):
    return sp.Sum(term, (k, 1, K))


def coefficients(smoothing):
    """Return what a class weighs: its weight times its smoothed target."""
    return {c[i]: w[i] * ((1 - smoothing) * y[i] + smoothing / K)}


def positive(rng, shape):
    return rng.random(shape) + 0.01


def moderate(rng, shape):
    """Draw logits whose probabilities, two of them multiplied, do not underflow in float32."""
    return 4 * rng.standard_normal(shape)


DRAWN = {y: positive, w: positive}


def one_row(loss, **keywords):
    """Return how a loss is called for one example, whose axes are the classes alone."""
    return lambda z, y, w: loss(z[None], y[None], weights=w, **keywords)[0]


def with_smoothing(build, held):
    """Return the derivation for any ε, with the verification of the code at ε = 1/4."""
    return (build(epsilon), held(build(QUARTER)))


def cross_entropy_grad():
    def build(smoothing):
        d = Derivation(
            "7.31",
            "Cross-entropy's slope, for any targets and weights",
            sp.Derivative(-total(c[k] * sp.log(p[k])), z[j]),
            let={**SOFTMAX, **coefficients(smoothing)},
        )
        d.step(-total(c[k] / p[k] * sp.Derivative(p[k], z[j])), "chain rule")
        d.step(-total(c[k] * (sp.KroneckerDelta(k, j) - p[j])), "the slope of softmax")
        d.step(p[j] * total(c[k]) - c[j], r"$\delta_{jk}$ keeps only $k = j$")
        return d

    slope = with_smoothing(
        build,
        lambda d: verify(
            d, F.cross_entropy_grad, args=[z, y, w], over=(j,), empty=False, sample=DRAWN,
            call=one_row(F.cross_entropy_grad, label_smoothing=0.25), shapes=12,
        ),
    )  # fmt: skip
    return [slope, label_smoothing()]


def label_smoothing():
    """The smoothed targets are a mixture, and so is their loss."""

    def build(smoothing):
        smooth = (1 - smoothing) * y[k] + smoothing / K
        d = Derivation(
            "7.36",
            "Label smoothing mixes two losses",
            -total(smooth * sp.log(p[k])),
            let=SOFTMAX,
        )
        own, even = (1 - smoothing) * y[k] * sp.log(p[k]), smoothing / K * sp.log(p[k])
        d.step(-total(own) - total(even), "the targets are a sum")
        d.step(
            -(1 - smoothing) * total(y[k] * sp.log(p[k])) - smoothing / K * total(sp.log(p[k])),
            "take out what does not depend on $k$",
        )
        return d

    return with_smoothing(
        build,
        lambda d: verify(
            d, F.cross_entropy, args=[z, y], empty=False, sample={y: positive},
            call=lambda z, y: F.cross_entropy(z[None], y[None], label_smoothing=0.25),
            shapes=12,
        ),
    )  # fmt: skip


def cross_entropy_hess():
    def build(smoothing):
        d = Derivation(
            "7.32",
            "Cross-entropy's Hessian",
            sp.Derivative(p[i] * total(c[k]) - c[i], z[j]),
            let={**SOFTMAX, **coefficients(smoothing)},
        )
        d.step(sp.Derivative(p[i], z[j]) * total(c[k]), "only $p$ depends on $z$")
        d.step(
            total(c[k]) * (sp.KroneckerDelta(i, j) * p[i] - p[i] * p[j]), "the slope of softmax"
        )
        return d

    null = Derivation(
        "7.21",
        "A common shift of the logits changes nothing",
        total(sp.KroneckerDelta(i, k) * p[i] - p[i] * p[k]),
        let=SOFTMAX,
    )
    null.step(p[i] - p[i] * total(p[k]), r"$\delta_{ik}$ keeps only $k = i$")
    null.step(sp.Integer(0), "probabilities sum to 1")
    bend = with_smoothing(
        build,
        lambda d: verify(
            d, F.cross_entropy_hess, args=[z, y, w], over=(i, j), empty=False,
            sample={**DRAWN, z: moderate},
            call=one_row(F.cross_entropy_hess, label_smoothing=0.25), shapes=8,
        ),
    )  # fmt: skip
    return [(null, None), bend]


def nll_grad():
    def build(smoothing):
        d = Derivation(
            "7.22",
            "The slope of the negative log-likelihood",
            sp.Derivative(-total(c[k] * v[k]), v[j]),
            let=coefficients(smoothing),
        )
        d.step(-total(c[k] * sp.KroneckerDelta(k, j)), "linear in $v$")
        d.step(-c[j], r"$\delta_{jk}$ keeps only $k = j$")
        return d

    slope = with_smoothing(
        build,
        lambda d: verify(
            d, F.nll_grad, args=[v, y, w], over=(j,), empty=False, sample=DRAWN,
            call=one_row(F.nll_grad, label_smoothing=0.25), shapes=12,
        ),
    )  # fmt: skip
    return [slope]


def kl_divergence_grad():
    y = sp.IndexedBase("y", shape=(K,), positive=True)
    split = Derivation(
        "7.30",
        "Divergence is cross-entropy less entropy",
        total(y[k] * sp.log(y[k] / p[k])),
        let=SOFTMAX,
    )
    split.step(total(y[k] * (sp.log(y[k]) - sp.log(p[k]))), "the logarithm of a quotient")
    split.step(
        total(y[k] * sp.log(y[k])) - total(y[k] * sp.log(p[k])), "one sum for each logarithm"
    )
    held = verify(
        split, F.kl_divergence, args=[z, y], empty=False, sample={y: positive},
        call=lambda z, y: F.kl_divergence(z[None], y[None]), shapes=12,
    )  # fmt: skip
    slope = Derivation(
        "7.23",
        "The entropy of the targets has no slope",
        sp.Derivative(total(y[k] * sp.log(y[k])) - total(y[k] * sp.log(p[k])), z[j]),
        let=SOFTMAX,
    )
    slope.step(sp.Derivative(-total(y[k] * sp.log(p[k])), z[j]), "$y$ does not depend on $z$")
    slope.step(p[j] * total(y[k]) - y[j], "by (7.31)")
    grad = verify(
        slope, F.kl_divergence_grad, args=[z, y], over=(j,), empty=False, sample={y: positive},
        call=lambda z, y: F.kl_divergence_grad(z[None], y[None])[0], shapes=12,
    )  # fmt: skip
    return [(split, held), (slope, grad)]


DERIVATIONS = {
    "cross_entropy_grad": cross_entropy_grad,
    "cross_entropy_hess": cross_entropy_hess,
    "kl_divergence_grad": kl_divergence_grad,
    "nll_grad": nll_grad,
}
