"""Exercises of chapter 7: losses and likelihood."""

import numpy as np
import sympy as sp

from nnbook.checking.exercises import Formula, Line, Mistake, Number, Repair
from nnbook.functions import cross_entropy, cross_entropy_grad, softmax


def dog_and_cat():
    z, y = np.log([[1.0, 1.0, 2.0]]), np.array([[1.0, 1.0, 0.0]])
    print("p          ", softmax(z)[0].round(3))
    print("(Σy) p − y ", cross_entropy_grad(z, y)[0].round(3))
    nudged = [cross_entropy(z + step * np.eye(3)[2:], y) for step in (1e-6, -1e-6)]
    print("by nudging ", round((nudged[0] - nudged[1]) / 2e-6, 3))
    return 1


def wrong_way():
    z = sp.Symbol("z", real=True)
    loss = (1 / (1 + sp.exp(-z))) ** 2 / 2
    for at in (-2, 0, 2):
        print(f"bend at z = {at:+}: {float(sp.diff(loss, z, 2).subs(z, at)):+.4f}")
    return 3, "(sigma(z)(1 - sigma(z)))^2 + sigma(z)^2 (1 - sigma(z))(1 - 2sigma(z))"


def cooled():
    z, tau = sp.symbols("z tau", positive=True)
    slope = sp.diff(sp.log(1 + sp.exp(-z / tau)), tau)
    for value in (sp.Rational(1, 2), 1, 2):
        print(f"z = 1, τ = {float(value)}: slope {float(slope.subs({z: 1, tau: value})):.4f}")
    return "z sigma(-z/tau)/tau^2"


def lead_of_ten():
    z = np.zeros((1, 10))
    for steps in (10, 100, 1000):
        for _ in range(steps):
            z -= cross_entropy_grad(z, [0], label_smoothing=0.1)
        print(f"lead {z[0, 0] - z[0, 1]:.4f}")
    print(f"ln 91 = {np.log(91):.4f}")
    return "ln(91)"


EXERCISES = [
    Number(
        "7.1", "A dog and a cat",
        """
        A photograph shows a dog and a cat and no bird, and somebody gave it the target
        $y = (1, 1, 0)$. The network's logits are $z = (0, 0, \\ln 2)$, so that softmax gives
        $p = (\\frac14, \\frac14, \\frac12)$. What is the slope of $-\\sum_k y_k \\ln p_k$ in
        the third logit, the bird's?
        """,
        right=1,
        mistakes=[
            Mistake("the short formula", 0.5, "That is p − y. It holds where the targets sum to "
                    "1; these sum to 2."),
            Mistake("target only", 0, "The bird's target is zero, but its logit stands in the "
                    "denominator of every chance, the dog's and the cat's too."),
            Mistake("sign", -1, "Raising the bird's logit takes chance from the dog and the cat, "
                    "so the loss rises."),
            Mistake("averaged", 0.25, "Do not divide by the number of animals, multiply by it: "
                    "each of the two terms of the loss pushes with p."),
            Mistake("the dog's", -0.5, "That is the slope in the first logit, the dog's."),
        ],
        solution="""
        The loss has two terms, $-\\ln p_1$ and $-\\ln p_2$, and each of them has the slope
        $p_3$ in the third logit. Together $2 \\cdot \\frac12 = 1$, as $(\\sum_k y_k)\\,p - y$
        says. All three slopes are $(-\\frac12, -\\frac12, 1)$ and sum to zero, while $p - y$ is
        $(-\\frac34, -\\frac34, \\frac12)$ and sums to $-1$: it can't be the slope of anything that
        a common shift leaves alone.
        """,
        code=dog_and_cat),
    Repair(
        "7.2", "Proof that the square is a bowl too",
        """
        The truth is no, so the square is $\\frac12\\sigma(z)^2$. Below, its second slope is
        found to be a square, and a square is never negative: a bowl. But walk along it. From
        $z = 1$ to $z = 4$ the loss rises from 0.267 to 0.482, and halfway, at 2.5, it stands at
        0.427, above the middle of the two, 0.375. In a bowl that can't happen. Name the
        false line, and write what stands there when it is right. Use `sigma(z)`, and
        `sigma(z)(1 - sigma(z))` for $\\sigma'$.
        """,
        variables={"z": (-5, 5)},
        lines=[
            Line(r"\frac{d^2}{dz^2}\,\tfrac12\sigma^2",
                 "(sigma(z)(1-sigma(z)))^2 + sigma(z)^2(1-sigma(z))(1-2sigma(z))"),
            Line(r"\frac{d}{dz}\,\sigma\,\sigma'",
                 "(sigma(z)(1-sigma(z)))^2 + sigma(z)^2(1-sigma(z))(1-2sigma(z))", "chain rule"),
            Line(r"\sigma'\,\sigma'", "(sigma(z)(1-sigma(z)))^2", "product rule"),
            Line(r"\sigma^2(1-\sigma)^2", "(sigma(z)(1-sigma(z)))^2",
                 "$\\sigma' = \\sigma(1-\\sigma)$"),
        ],
        right=(
            "(sigma(z)(1 - sigma(z)))^2 + sigma(z)^2 (1 - sigma(z))(1 - 2sigma(z))",
            "sigma(z)^2 (1 - sigma(z))(2 - 3sigma(z))",
            "2sigma(z)^2 - 5sigma(z)^3 + 3sigma(z)^4",
            "exp(z)(2 - exp(z)) exp(z)/(1 + exp(z))^4",
        ),
        mistakes=[
            Mistake("chain rule doubted", (2, None), "Line 2 is the chain rule, and sound: the "
                    "slope of half a square is the thing itself times its slope."),
            Mistake("last line doubted", (4, None), "Line 4 writes out line 3. The mistake was "
                    "made before."),
            Mistake("as it stands", (3, "(sigma(z)(1-sigma(z)))^2"), "That is what line 3 says "
                    "already. A product of two functions of z has two terms in its slope."),
            Mistake("other term alone", (3, "sigma(z)^2 (1-sigma(z))(1-2sigma(z))"), "That is the "
                    "term that was lost. The one that stands there is right too, and stays."),
            Mistake("slope of a slope", (3, "(sigma(z)(1-sigma(z)))^2 + sigma(z)^2 (1-sigma(z))"),
                    "The second term is σσ″. What is σ″? It changes its sign at 0."),
            Mistake("minus", (3, "(sigma(z)(1-sigma(z)))^2 - sigma(z)^2 (1-sigma(z))(1-2sigma(z))"),
                    "The terms of the product rule are added."),
        ],
        solution="""
        A product rule has two terms, and line 3 kept one:
        $(\\sigma\\sigma')' = \\sigma'\\sigma' + \\sigma\\sigma''$, with
        $\\sigma'' = \\sigma(1 - \\sigma)(1 - 2\\sigma)$. Together
        $\\sigma^2(1 - \\sigma)(2 - 3\\sigma)$, which is negative as soon as $\\sigma$ exceeds two
        thirds: the network is wrong, rather sure of it, and the loss bends the wrong way. What
        line 3 kept has a name, the Gauss-Newton approximation. It is never negative, and it is
        not the second slope.
        """,
        code=wrong_way),
    Formula(
        "7.3", "Warmer or cooler",
        """
        Two classes, and the right one leads by $z$. Divide all logits by a temperature $\\tau > 0$
        before the softmax, and the bill is $\\ln(1 + e^{-z/\\tau})$. What is its slope in $\\tau$?
        """,
        variables={"z": (-4, 4), "tau": (0.5, 3)}, what="the slope in τ",
        right=("z sigma(-z/tau)/tau^2", "z/(tau^2 (1 + exp(z/tau)))",
               "z exp(-z/tau)/(tau^2 (1 + exp(-z/tau)))", "z(1 - sigma(z/tau))/tau^2"),
        mistakes=[
            Mistake("sign", "-z sigma(-z/tau)/tau^2", "Two minus signs meet: one from −z, one from "
                    "the slope of 1/τ. A right answer that is warmed up becomes less sure, and "
                    "dearer."),
            Mistake("chain rule cut short", "sigma(-z/tau)", "That is how the bill changes with "
                    "−z/τ. Multiply by how −z/τ changes with τ."),
            Mistake("slope in z", "-sigma(-z/tau)/tau", "That is the slope in z. The question is "
                    "the slope in τ."),
            Mistake("one over τ", "z sigma(-z/tau)/tau", "The slope of 1/τ is −1/τ², not −1/τ."),
            Mistake("wrong chance", "z sigma(z/tau)/tau^2", "The factor is the chance of the "
                    "wrong class, σ(−z/τ), not that of the right one."),
        ],
        solution="""
        The slope of $\\ln(1 + e^u)$ is $\\sigma(u)$. Here $u = -z/\\tau$, whose slope in $\\tau$ is
        $z/\\tau^2$. So the slope is $z\\,\\sigma(-z/\\tau)/\\tau^2$, with the sign of $z$: who is
        right pays for warmth, who is wrong saves by it. For $K$ classes the same two steps give
        $(z_y - \\sum_k p_k z_k)/\\tau^2$, the lead of the right logit over the announced mean. A
        network that is too sure is repaired after training by the one $\\tau$ at which the sum of
        these slopes over held-out examples is zero.
        """,
        code=cooled),
    Number(
        "7.4", "Where the lead stops",
        """
        Ten classes, and a tenth of the target is smoothed away: the right class has the target
        $0.9 + 0.01$ and each of the others 0.01. How far does the logit of the right class lead
        the others when the loss is at its least?
        """,
        right="ln(91)", tolerance=0.005,
        mistakes=[
            Mistake("own share forgotten", "ln(90)", "The right class gets its part of the spread "
                    "tenth as well: its target is 0.91."),
            Mistake("spread over the others", "ln(81)", "The tenth is spread over all ten classes, "
                    "not over the nine wrong ones."),
            Mistake("odds of the class", "ln(0.91/0.09)", "That compares the right class with all "
                    "the others together. A logit's lead is over one of them."),
            Mistake("no logarithm", 91, "That is the ratio of the chances; the logits differ by "
                    "its logarithm."),
            Mistake("binary", "ln(9)", "That would be two classes without the spread: 0.9 against "
                    "0.1. Here the tenth is shared by ten."),
        ],
        solution="""
        By Gibbs the loss is least when $p$ is the smoothed target: 0.91 for the right class, 0.01
        for each other. The ratio of two chances of a softmax is $e$ to the difference of their
        logits, so the lead is $\\ln(0.91/0.01) = \\ln 91$. Without smoothing it would be
        $\\ln(1/0)$: the lead that never stops growing.
        """,
        code=lead_of_ten),
]
