"""The gradients of softmax, its logarithm and log-sum-exp, at any temperature."""

import sympy as sp

from nnbook import functions as F
from nnbook.checking import Derivation, verify
from nnbook.checking.matrix import dimensions, indices

K = dimensions("K")
j, k, m = indices("j k m", K)
z, g = (sp.IndexedBase(s, shape=(K,), real=True) for s in "zg")
p = sp.IndexedBase("p", real=True)
tau = sp.Symbol("tau", positive=True)
HOT = sp.Rational(3, 2)


def total(term):
    return sp.Sum(term, (k, 1, K))


def probabilities(temperature):
    return {p[k]: sp.exp(z[k] / temperature) / sp.Sum(sp.exp(z[m] / temperature), (m, 1, K))}


def held(build, vjp, sample=None, scalar=False):
    """Return the derivation for any temperature, with the code's verification at one."""
    d = build(HOT)
    # A cotangent of a sum over all classes is a single number.
    call = (lambda z: vjp(1.0, z, temperature=1.5)) if scalar else (
        lambda g, z: vjp(g, z, temperature=1.5)
    )  # fmt: skip
    args = [z] if scalar else [g, z]
    return [(build(tau), verify(d, vjp, args=args, over=(j,), empty=False, shapes=12, call=call))]


def softmax_vjp():
    def build(t):
        d = Derivation("18.35", "The gradient through a softmax of any temperature",
                       total(g[k] * sp.Derivative(p[k], z[j])), let=probabilities(t))  # fmt: skip
        d.step(total(g[k] * p[k] * (sp.KroneckerDelta(k, j) - p[j])) / t,
               "the Jacobian of softmax, and $1/\\tau$ from the chain rule")  # fmt: skip
        d.step(p[j] * (g[j] - total(g[k] * p[k])) / t, r"$\delta_{jk}$ keeps only $k = j$")
        return d

    return held(build, F.softmax_vjp)


def log_softmax_vjp():
    def build(t):
        d = Derivation("18.36", "The gradient through the logarithm of a softmax",
                       total(g[k] * sp.Derivative(sp.log(p[k]), z[j])),
                       let=probabilities(t))  # fmt: skip
        d.step(total(g[k] / p[k] * sp.Derivative(p[k], z[j])), "chain rule")
        d.step(total(g[k] * (sp.KroneckerDelta(k, j) - p[j])) / t, "the Jacobian of softmax")
        d.step((g[j] - p[j] * total(g[k])) / t, r"$\delta_{jk}$ keeps only $k = j$")
        return d

    return held(build, F.log_softmax_vjp)


def logsumexp_vjp():
    def build(t):
        d = Derivation("18.37", "The slope of log-sum-exp is softmax",
                       sp.Derivative(sp.log(total(sp.exp(z[k] / t))), z[j]),
                       let=probabilities(t))  # fmt: skip
        d.step(sp.exp(z[j] / t) / t / total(sp.exp(z[k] / t)), "chain rule")
        d.step(p[j] / t, "definition of $p$")
        return d

    return held(build, F.logsumexp_vjp, scalar=True)


DERIVATIONS = {f.__name__: f for f in (softmax_vjp, log_softmax_vjp, logsumexp_vjp)}
