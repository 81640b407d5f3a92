"""Exercises of chapter 14: adaptive methods."""

import math

import numpy as np
import sympy as sp

from nnbook.checking.exercises import Code, Formula, Line, Mistake, Number, Repair
from nnbook.learning.optimizers import adam, rmsprop


def tiny_gradient():
    g, eps = 1e-10, 1e-8
    print(f"outside the root: {g / (abs(g) + eps):.4f} α")
    print(f"inside the root:  {g / math.sqrt(g**2 + eps):.6f} α")
    return "1/101"


def both_starts():
    g, theta = np.array(0.3), np.array(0.0)
    for b1, b2 in ((0.9, 0.999), (0.9, 0.99), (0.0, 0.9)):
        m, v = (1 - b1) * g, (1 - b2) * g**2
        rule = adam(1.0, b1, b2, 0.0)
        corrected = -rule.update(g, rule.init(theta), theta)[0]
        print(f"β₁ = {b1}, β₂ = {b2}: without {m / math.sqrt(v):.2f} α, with {corrected:.2f} α")
    rule = rmsprop(1.0, 0.9, 0.0)
    print(f"rmsprop: {-rule.update(g, rule.init(theta), theta)[0]:.2f} α")
    return "(1 - b1)/sqrt(1 - b2)"


def towards_one():
    a, q, h = 0.1, 0.5, 2.0
    theta = 0.0
    for t in range(1, 7):
        theta = theta - a * (h * (theta - 1) + q * theta)
        formula = h / (h + q) * (1 - (1 - a * (h + q)) ** t)
        print(t, round(theta, 6), round(formula, 6))
    return "h/(h + q)*(1 - (1 - a(h + q))^t)"


def two_gradients():
    f, g, b2 = 2, 3, sp.Rational(3, 4)
    print("under the root:      ", b2 * f**2 + g**2)
    print("square of the sum:   ", sp.expand((sp.sqrt(b2) * f + g) ** 2))
    print("what was lost:       ", sp.expand((sp.sqrt(b2) * f + g) ** 2 - b2 * f**2 - g**2))
    return 3, "(1 - p)/sqrt(1 - q)*(p f + g)/sqrt(q f^2 + g^2)"


def adam_walk(gradients, alpha, beta1, beta2, eps):
    m = v = theta = 0.0
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        theta -= alpha * m_hat / (math.sqrt(v_hat) + eps)
    return theta


def from_the_package(gradients, alpha, beta1, beta2, eps):
    rule, theta = adam(alpha, beta1, beta2, eps), np.array(0.0)
    state = rule.init(theta)
    for g in gradients:
        theta, state = rule.update(np.array(float(g)), state, theta)
    return float(theta)


def variant(gradients, alpha, beta1, beta2, eps, *, first=1, correct_m=True, correct_v=True,
            inside=False, power=2, swap=False):
    m = v = theta = 0.0
    for t, g in enumerate(gradients, start=first):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * abs(g) ** power
        b1, b2 = (beta2, beta1) if swap else (beta1, beta2)
        m_hat = m / (1 - b1**t) if correct_m else m
        v_hat = v / (1 - b2**t) if correct_v else v
        root = math.sqrt(v_hat + eps) if inside else math.sqrt(v_hat) + eps
        theta -= alpha * m_hat / root
    return theta


def not_corrected(*args):
    return variant(*args, correct_m=False, correct_v=False)


def half_corrected(*args):
    return variant(*args, correct_v=False)


def counted_late(*args):
    return variant(*args, first=2)


def eps_inside(*args):
    return variant(*args, inside=True)


def not_squared(*args):
    return variant(*args, power=1)


def corrections_swapped(*args):
    return variant(*args, swap=True)


def corrected_means_kept(gradients, alpha, beta1, beta2, eps):
    m = v = theta = 0.0
    for t, g in enumerate(gradients, start=1):
        m = (beta1 * m + (1 - beta1) * g) / (1 - beta1**t)
        v = (beta2 * v + (1 - beta2) * g**2) / (1 - beta2**t)
        theta -= alpha * m / (math.sqrt(v) + eps)
    return theta


def own_and_package():
    gradients = [0.5, -0.2, 0.1, 0.4]
    for b1, b2 in ((0.9, 0.999), (0.5, 0.9)):
        print(b1, b2, [round(f(gradients, 0.1, b1, b2, 1e-8), 6)
                       for f in (adam_walk, from_the_package, not_corrected)])
    return adam_walk


EXERCISES = [
    Number(
        "14.1", "A very small gradient",
        """
        A weight has had no gradient yet, and its first one is $g = 10^{-10}$. Adam runs with
        $\\varepsilon = 10^{-8}$, outside the root. How long is the step, in units of $\\alpha$?
        """,
        right="1/101",
        tolerance=1e-6,
        mistakes=[
            Mistake("ε forgotten", 1, "That is the step at ε = 0. Here ε is a hundred times as "
                    "large as the gradient, and it brakes."),
            Mistake("inside", 1e-10 / math.sqrt(1e-20 + 1e-8), "That is the step with ε under the "
                    "root: there √ε counts, which is 10⁻⁴. Adam has it outside."),
            Mistake("gradient left out below", 0.01, "That is g/ε. The gradient stands below the "
                    "line too."),
            Mistake("upside down", 101, "The gradient is above the line, gradient and ε below."),
            Mistake("not corrected", 0.1 * 1e-10 / (math.sqrt(0.001) * 1e-10 + 1e-8),
                    "Both means are corrected at the first step: (14.5)."),
        ],
        solution="""
        By (14.5) the step is $g/(g + \\varepsilon) = 1/(1 + 100)$, about a hundredth of
        $\\alpha$. Some programs have $\\varepsilon$ under the root. There the gradient is
        compared with $\\sqrt\\varepsilon = 10^{-4}$, and the step is a millionth of $\\alpha$:
        the same $10^{-8}$, ten thousand times as strong a brake.
        """,
        code=tiny_gradient),
    Formula(
        "14.2", "Without corrections",
        """
        Leave out both corrections, and let $\\varepsilon = 0$. How long is the first step, in
        units of $\\alpha$? Write `b1` and `b2` for $\\beta_1$ and $\\beta_2$. (You have met the
        number for the usual settings.)
        """,
        variables={"b1": (0.05, 0.95), "b2": (0.05, 0.98)}, what="the step",
        right=("(1 - b1)/sqrt(1 - b2)", "(1 - b1)(1 - b2)^(-1/2)",
               "sqrt((1 - b1)^2/(1 - b2))"),
        mistakes=[
            Mistake("with corrections", "1", "That is the step with both corrections, (14.5)."),
            Mistake("root forgotten", "(1 - b1)/(1 - b2)", "v holds the square of the gradient. "
                    "The step divides by its root."),
            Mistake("upside down", "sqrt(1 - b2)/(1 - b1)", "m is above the line: it is "
                    "(1 − β₁)g."),
            Mistake("memory for share", "b1/sqrt(b2)", "The mean keeps the share β of what it had, "
                    "which was 0. The new gradient comes with 1 − β."),
            Mistake("RMSprop", "1/sqrt(1 - b2)", "That is RMSprop, (14.3) at t = 1. In Adam the "
                    "gradient is averaged too."),
            Mistake("only v corrected", "1 - b1", "The root of v is √(1 − β₂) times the gradient "
                    "if it is not corrected."),
        ],
        solution="""
        $m = (1-\\beta_1)g$ and $v = (1-\\beta_2)g^2$, so the step is
        $(1-\\beta_1)/\\sqrt{1-\\beta_2}$ times $\\alpha$: 3.16 with the usual settings. It is
        the published limit, and no accident. A first gradient without corrections, and a lone
        gradient after a long rest, are the same thing.
        """,
        code=both_starts),
    Formula(
        "14.3", "Where decay leads",
        """
        The loss is $\\frac h2(\\theta - 1)^2$. Start at 0 and take plain descent with decay
        beside it: $\\theta^+ = \\theta - \\alpha\\bigl(h(\\theta - 1) + \\lambda\\theta\\bigr)$.
        Where is the weight after $t$ steps? Write `a` for $\\alpha$ and `q` for $\\lambda$.
        (First find the point that does not move.)
        """,
        variables={"a": (0.01, 0.3), "h": (0.2, 3), "q": (0.1, 2), "t": range(0, 9)},
        what="the weight",
        right=("h/(h + q)*(1 - (1 - a(h + q))^t)", "h(1 - (1 - a h - a q)^t)/(h + q)",
               "h/(h + q) - h/(h + q)*(1 - a h - a q)^t"),
        mistakes=[
            Mistake("no decay", "1 - (1 - a h)^t", "That is descent without decay. With it the "
                    "weight does not arrive at 1."),
            Mistake("decay for the pace only", "1 - (1 - a(h + q))^t", "The pace is right. But at "
                    "θ = 1 the slope is 0 and the decay still pulls: which point does not move?"),
            Mistake("decay for the end only", "h/(h + q)*(1 - (1 - a h)^t)", "The end is right. "
                    "The distance from it shrinks by slope and decay together."),
            Mistake("distance for place", "h/(h + q)*(1 - a(h + q))^t", "That is the distance "
                    "which is left. At t = 0 the weight is 0."),
            Mistake("shares swapped", "q/(h + q)*(1 - (1 - a(h + q))^t)", "Without decay, q = 0, "
                    "the weight must end at 1."),
            Mistake("two factors", "h/(h + q)*(1 - ((1 - a h)(1 - a q))^t)", "Slope and decay are "
                    "both taken at the same point, so they add up: no product of the two."),
        ],
        solution="""
        The point that does not move has $h(\\theta - 1) + \\lambda\\theta = 0$, so it is
        $h/(h+\\lambda)$. The distance to it shrinks by $1 - \\alpha(h+\\lambda)$ a step, and it
        starts at $h/(h+\\lambda)$. A flat direction, with small $h$, is pulled almost to 0; a
        steep one hardly notices.
        """,
        code=towards_one),
    Repair(
        "14.4", "A proof of the published limit",
        """
        After a long rest come two gradients, $f$ and then $g$, both positive. Write $p$ for
        $\\beta_1$ and $q$ for $\\beta_2$, with $p < \\sqrt q$. The last line below is less than
        $(1-p)/\\sqrt{1-q}$, so the published limit would hold. But you know better: for
        $f = 2$, $g = 3$, $p = \\frac12$, $q = \\frac34$ the step is $2/\\sqrt3$, and the limit
        is 1. Name the false line, and write what should stand there.
        """,
        variables={"f": (0.2, 3), "g": (0.2, 3), "p": (0.1, 0.6), "q": (0.5, 0.95)},
        lines=[
            Line(r"\frac{m}{\sqrt v}", "(1-p)(p f + g)/sqrt((1-q)(q f^2 + g^2))"),
            Line(r"\frac{1-p}{\sqrt{1-q}}\cdot\frac{pf + g}{\sqrt{qf^2 + g^2}}",
                 "(1-p)/sqrt(1-q)*(p f + g)/sqrt(q f^2 + g^2)", "both recursions, twice"),
            Line(r"\frac{1-p}{\sqrt{1-q}}\cdot\frac{pf + g}{\sqrt q f + g}",
                 "(1-p)/sqrt(1-q)*(p f + g)/(sqrt(q) f + g)", "take the root"),
            Line(r"\frac{1-p}{\sqrt{1-q}}\Bigl(1 - \frac{(\sqrt q - p)f}{\sqrt q f + g}\Bigr)",
                 "(1-p)/sqrt(1-q)*(1 - (sqrt(q) - p)*f/(sqrt(q) f + g))", "add and subtract"),
        ],
        right=("(1 - p)/sqrt(1 - q)*(p f + g)/sqrt(q f^2 + g^2)",
               "(1-p)(p f + g)/sqrt((1-q)(q f^2 + g^2))",
               "(1-p)/sqrt(1-q)*sqrt((p f + g)^2/(q f^2 + g^2))"),
        mistakes=[
            Mistake("recursions doubted", (2, None), "Line 2 is sound: the older gradient has been "
                    "multiplied by its memory once, the newer one not."),
            Mistake("last line doubted", (4, None), "Line 4 is line 3 in another form. The mistake "
                    "was made before."),
            Mistake("as it stands", (3, "(1-p)/sqrt(1-q)*(p f + g)/(sqrt(q) f + g)"),
                    "That is what line 3 says. Square its denominator: do you get qf² + g²?"),
            Mistake("no root", (3, "(1-p)/sqrt(1-q)*(p f + g)/(q f^2 + g^2)"),
                    "The root has to stay. It covers the whole sum."),
            Mistake("root of q lost", (3, "(1-p)/sqrt(1-q)*(p f + g)/sqrt(f^2 + g^2)"),
                    "The older square has been multiplied by q once."),
            Mistake("square of q", (3, "(1-p)/sqrt(1-q)*(p f + g)/sqrt(q^2 f^2 + g^2)"),
                    "The recursion multiplies the square by q, not by q²."),
        ],
        solution="""
        The root of a sum is not the sum of the roots. Squared, line 3's denominator is
        $qf^2 + g^2 + 2\\sqrt q fg$, which is too large, and so the step came out too short. With
        the root in place the quotient may be greater than 1, and it is greatest for
        $g/f = q/p$, the ramp of (14.7).
        """,
        code=two_gradients),
    Code(
        "14.5", "Write Adam",
        """
        Write `adam(gradients, alpha, beta1, beta2, eps)`: from $\\theta = 0$, take a step for
        each number in the list, and return the place where it ends. With both corrections, and
        $\\varepsilon$ outside the root.
        """,
        call="adam(gradients, alpha, beta1, beta2, eps)",
        right=[adam_walk, from_the_package],
        cases=[([0.5, -0.2, 0.1, 0.4], 0.1, 0.9, 0.999, 1e-8),
               ([2.0], 1.0, 0.5, 0.75, 0.5),
               ([-1e-3, 2e-3, 1e-3, 5e-4, -2e-3], 0.01, 0.8, 0.9, 1e-3)],
        mistakes=[
            Mistake("no corrections", not_corrected, "Both means start at 0. Divide m by 1 − β₁ᵗ "
                    "and v by 1 − β₂ᵗ."),
            Mistake("half corrected", half_corrected, "m is corrected and v is not: the first "
                    "step is far too long."),
            Mistake("counted late", counted_late, "At the first step t is 1, so that the first "
                    "step is (14.5)."),
            Mistake("inside", eps_inside, "Here ε stands under the root. It is added to the root."),
            Mistake("no square", not_squared, "v is a mean of squares."),
            Mistake("swapped", corrections_swapped, "The corrections are swapped: β₁ belongs to "
                    "m, β₂ to v."),
            Mistake("corrected means kept", corrected_means_kept, "The corrected means go into the "
                    "step only. The recursions go on with the means as they were."),
        ],
        solution="""
        Two recursions, two corrections, one step. The program prints its end beside that of the
        package, and beside the walk without corrections.
        """,
        code=own_and_package, helpers=(adam_walk,)),
]
