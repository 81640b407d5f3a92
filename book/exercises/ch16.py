"""Exercises of chapter 16: XOR, then digits."""
from math import comb

import numpy as np
import sympy as sp

from nnbook.checking.exercises import Formula, Line, Mistake, Number, Repair
from nnbook.functions import bce_with_logits
from nnbook.learning.data import xor
from nnbook.learning.many import draw_many, right_answers, train_many
from nnbook.learning.optimizers import sgd
from nnbook.learning.statistics import wilson_interval


def sixteen_units():
    X, y = xor()
    start = draw_many([2, 16, 1], range(1000), generator=np.random.RandomState)
    runs = train_many(start, X, y, optimizer=sgd(1.0), epochs=500)
    solved = int((right_answers(runs.logits[-1], y) == 4).sum())
    low, high = wilson_interval(solved, 1000)
    print(f"16 units: {solved} of 1000, success rate from {low:.4f} to {high:.4f}")
    return round(1 - low, 5)


def lumped():
    n, m, k = 4, 3, 1
    z = np.full((n, 1), np.log(k / (m - k)))
    z[m:] = -40.0
    cost = bce_with_logits(z, np.array([[1.0], [0.0], [0.0], [0.0]]))
    z += 0.5 * (np.arange(n) < m)[:, None]
    nudged = bce_with_logits(z, np.array([[1.0], [0.0], [0.0], [0.0]]))
    print(f"n = 4, m = 3, k = 1: cost {cost:.4f}, with a nudge {nudged:.4f}")
    return "(m ln(m) - k ln(k) - (m - k) ln(m - k))/n"


def five_pictures():
    only_network, only_regression = 4, 1
    n, k = only_network + only_regression, min(only_network, only_regression)
    tail = sum(comb(n, i) for i in range(k + 1)) / 2**n
    print("one tail", tail, " both tails", 2 * tail)
    return 2 * tail


def same_pictures():
    p, q, s = sp.symbols("p q s")
    table = {(1, 1): s, (1, 0): p - s, (0, 1): q - s, (0, 0): 1 - p - q + s}
    mean = sum(chance * (u - v) for (u, v), chance in table.items())
    square = sum(chance * (u - v)**2 for (u, v), chance in table.items())
    print("mean", sp.simplify(mean), "  mean of the square", sp.simplify(square))
    return 3, "p + q - 2s - (p - q)^2"


EXERCISES = [
    Number(
        "16.1", "A thousand of a thousand",
        """
        Change one thing: give the network 16 units. Now all of the 1000 runs succeed. That is a
        count, and a count proves only so much. What is the largest rate of failure that Wilson's
        95 % interval leaves possible?
        """,
        right="1.959964^2/(1000 + 1.959964^2)", tolerance=2e-5,
        mistakes=[
            Mistake("none", 0, "A rate of 0 fits the count best, but others fit it too: with one "
                    "failure in 5000, a thousand runs without any are no surprise."),
            Mistake("other end", "1000/(1000 + 1.959964^2)", "That is the smallest rate of success "
                    "in the interval; asked is the rate of failure."),
            Mistake("rule of three", 0.003, "Three over n is the one-sided rule of thumb. Put k = "
                    "n into Wilson's interval, with c = 1.96."),
            Mistake("one in a thousand", 0.001, "One failure in a thousand is what a count of 999 "
                    "would suggest; the interval around 1000 reaches further."),
            Mistake("confidence", 0.05, "The 5 % are how often such intervals miss, not how often "
                    "the network fails."),
            Mistake("per cent", 0.38267, "Is that in per cent? Write the rate as a fraction of 1, "
                    "or as a quotient."),
        ],
        solution="""
        With $k = n$ the lower end of Wilson's interval is $n/(n + c^2)$, and the rate of failure is
        at most $c^2/(n + c^2)$, nearly four in a thousand. The formula with $\\sqrt{p(1-p)/n}$
        would have given 0: at the ends of the scale it knows no doubt. The program below runs the
        count. """,
        code=sixteen_units),
    Formula(
        "16.2", "Every plateau",
        """
        A network has settled all but $m$ of $n$ points and gives these $m$ one common answer; $k$
        of them say yes, the other $m - k$ say no. The common answer is the best possible. What is
        the final cost, the mean over all $n$ points, in nats? (In the chapter $n = 4$, and there
        were three cases.)
        """,
        variables={"n": range(4, 12), "m": range(3, 9), "k": range(1, 3)}, what="the cost",
        points=[(4, 3, 1), (4, 4, 2), (4, 2, 1), (9, 5, 2), (10, 8, 3), (12, 7, 5), (20, 16, 1),
                (6, 6, 5), (7, 3, 2), (50, 40, 11)],
        right=("(m ln(m) - k ln(k) - (m - k) ln(m - k))/n",
               "-(k ln(k/m) + (m - k) ln(1 - k/m))/n",
               "(m/n)(-(k/m) ln(k/m) - (1 - k/m) ln(1 - k/m))",
               "(k/n) ln(m/k) + ((m - k)/n) ln(m/(m - k))"),
        mistakes=[
            Mistake("mean over the lump", "-((k/m) ln(k/m) + (1 - k/m) ln(1 - k/m))", "That is the "
                    "mean over the m points. The cost is the mean over all n, and the settled ones "
                    "pay nothing."),
            Mistake("only yes", "-(k/n) ln(k/m)", "The points that say no pay as well, each "
                    "−ln(1 − k/m)."),
            Mistake("only no", "-((m - k)/n) ln(1 - k/m)", "The points that say yes pay as well, "
                    "each −ln(k/m)."),
            Mistake("share of all", "-((k/n) ln(k/n) + (1 - k/n) ln(1 - k/n))", "The common answer "
                    "is the share of yes among the m points, k/m; the settled points have answers "
                    "of their own."),
            Mistake("one half", "m ln(2)/n", "One half is the best common answer only if half of "
                    "the m points say yes."),
            Mistake("sign", "(k ln(k/m) + (m - k) ln(1 - k/m))/n", "A cost is not negative: the "
                    "logarithm of a probability is."),
            Mistake("sum", "-(k ln(k/m) + (m - k) ln(1 - k/m))", "That is the sum; the cost is the "
                    "mean over the n points."),
        ],
        solution="""
        The best common probability is the share of yes, $k/m$: there the slope
        $m\\,\\sigma(z) - k$ is zero. Each yes then pays $-\\ln(k/m)$ and each no $-\\ln(1 - k/m)$,
        so the cost is $\\frac{m}{n} H(\\frac{k}{m})$. With $n = 4$: four points lumped give
        $\\ln 2$, three give $\\frac34 H(\\frac13)$, two give $\\frac12 \\ln 2$. The program
        compares one case with the loss function, then nudges the common answer: the cost rises.
        """,
        code=lumped),
    Number(
        "16.3", "Is it better?",
        """
        On 450 test pictures a network is right on 438, softmax regression on 435: 97.3 % against
        96.7 %. Both answered the same pictures. On 434 both are right. What is the exact two-sided
        $p$-value of McNemar's test?
        """,
        right=0.375, tolerance=0.002,
        mistakes=[
            Mistake("one tail", 0.1875, "That is one tail. We did not know before which of the two "
                    "would be better: count both."),
            Mistake("unpaired", 0.5578, "That compares two sets of 450 pictures as if they were "
                    "different pictures. They are the same, and on 445 of them the two agree."),
            Mistake("chi-squared", 0.1797, "That is the chi-squared approximation; with five "
                    "pictures use the binomial distribution itself."),
            Mistake("chi-squared, corrected", 0.3711, "Near: that is the chi-squared approximation "
                    "with correction. The exact value comes from the binomial distribution."),
            Mistake("three heads", 0.25, "The network is alone in being right on 438 − 434 = 4 "
                    "pictures, the regression on 1. So there are five to count, not three."),
            Mistake("five heads", 0.0625, "That would be 5 against 0; it is 4 against 1."),
            Mistake("exactly one", 0.3125, "That is twice the chance of exactly 4 against 1. As "
                    "extreme or more so means 5 against 0 as well."),
        ],
        solution="""
        Where both are right or both wrong, nothing is learned about which is better. Four pictures
        speak for the network, one for the regression. If the two were equally good, each of the
        five would be a fair coin, and 4 against 1 or worse, either way, has the chance
        $2\\,(1 + 5)/2^5 = 0.375$. No reason to prefer one. Six against none would have been the
        first clear result, with $2/2^6$.
        """,
        code=five_pictures),
    Repair(
        "16.4", "The same pictures",
        """
        $U$ is 1 if the network is right on a picture and 0 if not, $V$ the same for the regression.
        Their means are $p$ and $q$, and $s$ is the chance that both are right. How uncertain is
        the difference $U - V$ on one picture? The derivation ends with the sum of both variances.
        Two programs that answer alike on every picture would then seem to differ at random. Name
        the false line, and write what stands there when it is right.
        """,
        variables={"p": (0, 1), "q": (0, 1), "s": (0, 1)},
        points=[(0.9, 0.9, 0.9), (0.9, 0.8, 0.75), (0.5, 0.5, 0.4), (0.97, 0.96, 0.95),
                (0.6, 0.3, 0.1), (0.7, 0.2, 0.2), (0.4, 0.8, 0.3), (0.25, 0.5, 0), (0.3, 0.9, 0.28),
                (0.55, 0.35, 0.15)],
        lines=[
            Line(r"\operatorname{Var}(U - V)", "p + q - 2s - (p-q)^2"),
            Line(r"\operatorname{E}(U - V)^2 - (p - q)^2", "p + q - 2s - (p-q)^2",
                 "mean of the square minus square of the mean"),
            Line(r"p + q - 2pq - (p - q)^2", "p + q - 2p q - (p-q)^2",
                 "multiply out; $U^2 = U$, $V^2 = V$"),
            Line(r"p + q - p^2 - q^2", "p + q - p^2 - q^2", "collect"),
            Line(r"p(1-p) + q(1-q)", "p(1-p) + q(1-q)", "a variance for each"),
        ],
        right=("p + q - 2s - (p - q)^2", "p(1-p) + q(1-q) - 2(s - p q)",
               "(p - s) + (q - s) - (p - q)**2", "p + q - 2s - p^2 + 2p q - q^2"),
        mistakes=[
            Mistake("definition doubted", (2, None), "Line 2 is what a variance is."),
            Mistake("collecting doubted", (4, None), "Line 4 follows: in −2pq − (p − q)² the "
                    "products cancel. The mistake was made before."),
            Mistake("last line doubted", (5, None), "Line 5 only sorts line 4. The mistake was "
                    "made before."),
            Mistake("as it stands", (3, "p + q - 2p q - (p-q)^2"), "That is what line 3 says "
                    "already. The mean of UV is pq only if U and V have nothing to do with each "
                    "other."),
            Mistake("once", (3, "p + q - s - (p-q)^2"), "Nearly: (U − V)² has the middle term "
                    "2UV."),
            Mistake("plus", (3, "p + q + 2s - (p-q)^2"), "The middle term of (U − V)² is −2UV."),
            Mistake("mean forgotten", (3, "p + q - 2s"), "That is the mean of (U − V)², the share "
                    "of pictures on which they differ. The square of the mean goes off."),
            Mistake("squared means", (3, "p^2 + q^2 - 2s - (p-q)^2"), "U is 0 or 1, so U² is U and "
                    "its mean is p, not p²."),
        ],
        solution="""
        $(U - V)^2 = U^2 - 2UV + V^2$, and $U^2 = U$. The mean of $UV$ is the chance that both are
        right, $s$. Line 3 wrote $pq$ for it, as if knowing that one program reads a picture said
        nothing about the other. With $s$ the line is $p + q - 2s - (p-q)^2$. For two programs that
        always agree it is 0. That is why McNemar's test sees more than two error bars do.
        """,
        code=same_pictures),
]
