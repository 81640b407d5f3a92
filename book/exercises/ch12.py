"""Exercises of chapter 12: stochastic gradients and schedules."""

from itertools import combinations

import numpy as np
import sympy as sp

from nnbook.checking.exercises import Formula, Line, Mistake, Number, Repair


def ball_by_batch():
    alpha, h, sigma = 0.05, 1.0, 2.0
    for B in (1, 2, 4, 16):
        spread = np.sqrt(alpha * sigma**2 / B / (h * (2 - alpha * h)))
        print(f"B = {B:2}: spread {spread:.4f}")
    return 4


def t_times_square(a, rho, h, steps):
    v = 1.0
    for t in range(steps):
        alpha = a / (1 + rho * t)
        v = (1 - alpha * h) ** 2 * v + alpha**2
    return steps * v


def border():
    for rho in (3, 4, 5, 6):
        told = [round(t_times_square(1, rho, 2, t), 3) for t in (100, 1000, 10_000, 100_000)]
        print(f"α₀ = 1, h = 2, ρ = {rho}:", told)
    return "2 a h"


def scaled_too_far():
    for B in (16, 39, 40, 41):
        distance = 1.0
        for _ in range(200):
            distance *= 1 - 0.1 * B / 16 * 8
        print(f"B = {B}: after 200 steps {abs(distance):.2g}")
    return 40


def batch_of_all():
    g = np.array([-30.0, -30, -30, -70])
    s = np.var(g)
    for B in (1, 2, 3, 4):
        true = np.var([np.mean(batch) for batch in combinations(g, B)])
        false = s / B * (1 - B / (4 - 1))
        print(f"B = {B}: listed {true:.1f}, last line {false:.1f}")
    N, size = sp.symbols("N B")
    print(sp.factor((size - size * (size - 1) / (N - 1)) / size**2))
    return 3, "s(B - B(B-1)/(N-1))/B^2"


EXERCISES = [
    Number(
        "12.1", "Half the ball",
        """
        A network is trained with a constant, small learning rate on batches of $B$ examples out
        of a great many. Near the goal its parameters wander with a certain spread. The learning
        rate stays as it is. By which factor must $B$ be multiplied if the spread is to be
        halved?
        """,
        right=4,
        mistakes=[
            Mistake("variance", 2, "Twice the batch halves V, which is a mean square. The "
                    "spread is its root."),
            Mistake("root", "sqrt(2)", "You took a root where a square belongs: the spread goes "
                    "like one over the root of B."),
            Mistake("smaller", 0.25, "A smaller batch is noisier. The spread would double."),
            Mistake("half the batch", 0.5, "A smaller batch is noisier."),
            Mistake("fourth power", 16, "One root, not two: the spread is the root of V, and V "
                    "goes like 1/B."),
        ],
        solution="""
        By (12.2) a batch out of very many has the variance $\\sigma^2/B$, and by (12.4) the mean
        square $V$ is proportional to it. The spread is the root of $V$, so it goes like
        $1/\\sqrt B$: four times the batch.
        """,
        code=ball_by_batch),
    Formula(
        "12.2", "Falling too fast",
        """
        A program uses inverse-time decay, $\\alpha_0/(1 + \\rho t)$, at curvature $h$. If $\\rho$
        is above a border, the mean square no longer falls like $1/t$ in the long run. Where is
        the border? Write $a$ for $\\alpha_0$.
        """,
        variables={"a": (0.1, 2), "h": (0.1, 5)}, what="the border",
        right=("2 a h", "a/(1/(2h))", "a h + h a", "(2h)*a"),
        mistakes=[
            Mistake("border of c", "1/(2h)", "That is the border of c in c/k. What is c, for "
                    "this schedule? When t is large, leave the 1 away."),
            Mistake("wrong side", "a/(2h)", "For large t the rate is (a/ρ)/t, so c = a/ρ must be "
                    "above 1/(2h). Solve that for ρ."),
            Mistake("best", "a h", "With ρ = ah, c is 1/h, which is the best. The border is "
                    "farther off."),
            Mistake("upside down", "2h/a", "c is a/ρ, not aρ: a larger first rate may fall "
                    "faster."),
            Mistake("half", "a h/2", "2ch > 1, so ch is above one half and ρ below twice ah."),
        ],
        solution="""
        For large $t$ the rate is $c/t$ with $c = \\alpha_0/\\rho$. By (12.7) $ch$ must be above
        one half, so $\\rho < 2\\alpha_0 h$. With $\\alpha_0 = 1$ and $h = 2$ that is 4. The program
        prints $t$ times the mean square: below the border it settles, on it and above it grows.
        """,
        code=border),
    Number(
        "12.3", "Doubled once too often",
        """
        A batch of 16 is trained with the learning rate 0.1, on a function whose highest
        curvature is 8. Whenever the batch is enlarged, the learning rate is enlarged by the same
        factor. Noise becomes smaller each time. From which batch size on do the steps no longer
        shrink the distance, even if there were no noise at all?
        """,
        right=40,
        mistakes=[
            Mistake("rate one", 160, "That is where the rate is 1. The bound on the rate is 2 "
                    "over the curvature."),
            Mistake("half of it", 20, "That is where αh = 1: there a step leads straight to the "
                    "goal. The border is at αh = 2."),
            Mistake("curvature forgotten", 320, "αh = 2 with h = 1. Here the curvature is 8."),
            Mistake("factor only", 2.5, "The rate may grow by this factor. The batch was 16 to "
                    "begin with."),
            Mistake("the rate itself", 0.25, "That is the highest rate. Which batch goes with "
                    "it?"),
        ],
        solution="""
        With $\\alpha = 0.1\\,B/16$ the distance is multiplied by $1 - \\alpha h$ in a step, and
        that is $-1$ at $\\alpha h = 2$, so $\\alpha = \\frac14$ and $B = 40$. Below it the rule
        closes the ball hardly at all, above it the walk runs away. That the batch has become
        quieter does not help: it is not the noise that runs away.
        """,
        code=scaled_too_far),
    Repair(
        "12.4", "A variance below zero",
        """
        This derivation wants the variance of the mean of a batch of $B$ different examples out
        of $N$. Write $s$ for $\\sigma^2$. Two different members of the batch are not independent;
        the mean of their product is $-s/(N-1)$. For $B = N$, where a batch holds everything, the
        last line gives $-s/(N(N-1))$. A variance below zero: with four examples and $s = 300$ it
        is $-25$, and the truth is 0. Name the false line, and write what should stand there.
        """,
        variables={"s": (0.5, 9), "B": range(1, 6), "N": range(6, 12)},
        lines=[
            Line(r"\operatorname{E}\bigl(\tfrac1B\textstyle\sum u_i\bigr)^2",
                 "s(N-B)/(B(N-1))"),
            Line(r"\tfrac{1}{B^2}\Bigl(Bs - B(B-1)\,\tfrac{s}{N-1}\Bigr)",
                 "(B s - B(B-1)s/(N-1))/B^2", "squares, and pairs of two different members"),
            Line(r"\tfrac{1}{B^2}\Bigl(Bs - B^2\,\tfrac{s}{N-1}\Bigr)",
                 "(B s - B^2 s/(N-1))/B^2", "count the pairs"),
            Line(r"\tfrac sB\Bigl(1 - \tfrac{B}{N-1}\Bigr)", "(s/B)*(1 - B/(N-1))",
                 "take out $s/B$"),
        ],
        right=("(B s - B(B-1)s/(N-1))/B^2", "s(N-B)/(B(N-1))", "s/B - (B-1)s/(B(N-1))",
               "(s/B)*(1 - (B-1)/(N-1))"),
        mistakes=[
            Mistake("pairs doubted", (2, None), "Line 2 is right: B squares, and B(B − 1) "
                    "ordered pairs of two different members."),
            Mistake("factor doubted", (4, None), "Line 4 follows from line 3. It was lost "
                    "before."),
            Mistake("as it stands", (3, "(B s - B^2 s/(N-1))/B^2"), "That is what line 3 says "
                    "already. How many ordered pairs of two different members has a batch?"),
            Mistake("independent", (3, "s/B"), "Then the members were independent, as in drawing "
                    "with replacement. They are not."),
            Mistake("each pair once", (3, "(B s - B(B-1)s/(2(N-1)))/B^2"),
                    "In a square each pair occurs twice, as ij and as ji."),
            Mistake("sign", (3, "(B s + B(B-1)s/(N-1))/B^2"), "The mean product is negative: who "
                    "is in cannot come again."),
        ],
        solution="""
        A batch has $B(B-1)$ ordered pairs of two different members, not $B^2$: nobody makes a
        pair with himself. Line 3 should be as line 2, and what follows is
        $\\frac sB(1 - \\frac{B-1}{N-1})$, which is (12.2).
        """,
        code=batch_of_all),
]
