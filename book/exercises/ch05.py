"""Exercises of chapter 5: units, activations and the forward pass."""
import numpy as np
import sympy as sp

from nnbook.checking.exercises import Choice, Formula, Line, Mistake, Number, Repair
from nnbook.functions import relu


def bias_of_three():
    x, w, b = sp.symbols("x w b")
    out = x
    for _ in range(3):
        out = w * out + b
    print(sp.collect(sp.expand(out), x))
    return sp.expand(out).subs(x, 0)


def three_counts():
    sizes = [784, 128, 64, 10]
    weights = list(zip(sizes[1:], sizes[:-1], strict=True))
    print("weight matrices:", len(weights), weights)
    print("hidden layers:  ", len(sizes[1:-1]), sizes[1:-1])
    print("rows of units:  ", len(sizes), sizes)
    return "b"


def second_slope():
    z = sp.Symbol("z", real=True)
    sigma = 1 / (1 + sp.exp(-z))
    second = sp.diff(sigma, z, 2)
    print("at z = 0:", second.subs(z, 0), "  at z = 2:", second.subs(z, 2).evalf(4))
    return 3, "sigma(z)(1 - sigma(z))(1 - 2sigma(z))"


def pieces():
    x = np.array([-2.0, -1, 0, 1, 2, 3, 4, 5])
    f = relu(x) + relu(2 * x - 2) - 2 * relu(x - 1) + relu(3 - x)
    slopes = np.diff(f)
    print("slopes from -2 to 5:", slopes.tolist())
    return 1 + np.count_nonzero(np.diff(slopes))


EXERCISES = [
    Formula(
        "5.1", "Three units in a row",
        """
        Three units stand in a row, each with one input. All have the same weight $w$ and the same
        bias $b$, and none bends its sum: each hands on $w$ times what it got, plus $b$. The chapter
        says that together they are one unit. Its weight is $w^3$. What is its bias?
        """,
        variables={"w": (-3, 3), "b": (-3, 3)}, what="the bias",
        right=("b(w^2 + w + 1)", "w^2 b + w b + b", "b + w(b + w b)", "w(w*b + b) + b"),
        mistakes=[
            Mistake("added", "3b", "The biases are not just added: the first one still goes "
                    "through two weights, the second through one."),
            Mistake("one bias", "b", "That is the last unit's own bias; what the two before it "
                    "added comes through as well."),
            Mistake("all scaled", "3 w b", "The three biases do not pass the same number of "
                    "weights: two, one and none."),
            Mistake("one weight too many", "w b(w^2 + w + 1)", "The last bias is added after the "
                    "last weight, so nothing multiplies it."),
            Mistake("last forgotten", "w^2 b + w b", "The last unit adds its own bias too."),
            Mistake("two units", "w b + b", "That is right for two units; there are three."),
        ],
        solution="""
        Set the input to zero and walk through. After the first unit there is $b$. The second makes
        $wb + b$ of it. The third makes $w(wb + b) + b = b(w^2 + w + 1)$. A bias passes all the
        weights that stand behind it.
        """,
        code=bias_of_three),
    Choice(
        "5.2", "Count the layers",
        """
        The source article calls a network "3-layer (input → hidden → output)". Its program takes
        784 pixels to 128 units, these to 64, and these to 10. How many layers has it, if one counts
        weight matrices, if one counts hidden layers, and if one counts every row of numbers, the
        input among them?
        """,
        options={
            "a": "3 weight matrices, 1 hidden layer, 3 rows",
            "b": "3 weight matrices, 2 hidden layers, 4 rows",
            "c": "4 weight matrices, 2 hidden layers, 4 rows",
            "d": "2 weight matrices, 1 hidden layer, 3 rows",
            "e": "3 weight matrices, 3 hidden layers, 4 rows",
        },
        right="b",
        mistakes=[
            Mistake("the label believed", "a", "That follows the article's label, which names one "
                    "hidden layer; 128 and 64 are both hidden."),
            Mistake("a matrix per row", "c", "A weight matrix stands between two rows: four rows "
                    "have three gaps."),
            Mistake("the smaller network", "d", "That is a network input → hidden → output. This "
                    "one has two rows between its input and its output."),
            Mistake("output hidden", "e", "The 10 outputs can be seen; they are not hidden."),
        ],
        solution="""
        Rows: 784, 128, 64, 10, four of them. Gaps between them: three, each with a weight matrix.
        Rows that are neither input nor output: two. All three counts are in use, and "3-layer" in
        the article is right by the first alone, while its picture shows another network. This book
        counts weight matrices, $L = 3$.
        """,
        code=three_counts),
    Number(
        "5.3", "How many pieces?",
        """
        A network with one input and four hidden ReLU units computes
        $f(x) = r(x) + r(2x - 2)$ $\\,-\\,2\\,r(x - 1) + r(3 - x)$. Its graph consists of
        straight pieces. How many, from $-\\infty$ to $\\infty$?
        """,
        right=3,
        mistakes=[
            Mistake("a kink each", 5, "Four units could bend the line four times. Look where each "
                    "one bends: do any two bend at the same place?"),
            Mistake("cancelled unseen", 4, "The bends lie at three places, 0, 1 and 3. Add up what "
                    "happens to the slope at 1."),
            Mistake("kinks for pieces", 2, "There are two bends; n bends make n + 1 pieces."),
            Mistake("patterns", 16, "Four units can be on or off in 16 ways, but walking along a "
                    "line meets few of them."),
            Mistake("one piece", 1, "Something does bend: compare the slope left of 0 with the "
                    "slope right of it."),
        ],
        solution="""
        ReLU lets a positive factor through, so $r(2x - 2) = 2\\,r(x - 1)$, and the two middle units
        cancel for every $x$. What is left bends at 0 and at 3. The slopes are $-1$, then
        $1 - 1 = 0$, then $1$: three pieces. Four units make at most five.
        """,
        code=pieces),
    Repair(
        "5.4", "The slope of a slope",
        """
        How fast does the slope of $\\sigma$ change? The derivation below ends with the finding
        that $\\sigma'' = \\sigma'$. That can't be: what changes as fast as it is large is a
        multiple of $e^z$ and grows for ever, while $\\sigma'$ dies out on both sides. Name the
        false line, and write what stands there when it is right. Use `sigma(z)`; for $\\sigma'$
        write `sigma(z)(1 - sigma(z))`.
        """,
        variables={"z": (-5, 5)},
        lines=[
            Line(r"\frac{d}{dz}\,\sigma(1-\sigma)",
                 "sigma(z)(1-sigma(z))(1-2sigma(z))"),
            Line(r"\sigma'(1-\sigma) + \sigma\,(1-\sigma)'",
                 "sigma(z)(1-sigma(z))(1-2sigma(z))", "product rule"),
            Line(r"\sigma'(1-\sigma) + \sigma\,\sigma'",
                 "sigma(z)(1-sigma(z))", "slope of $1-\\sigma$"),
            Line(r"\sigma'", "sigma(z)(1-sigma(z))", "collect"),
            Line(r"\sigma(1-\sigma)", "sigma(z)(1-sigma(z))", "slope of $\\sigma$"),
        ],
        right=(
            "sigma(z)(1 - sigma(z))(1 - 2sigma(z))",
            "sigma(z)(1-sigma(z))(1-sigma(z)) - sigma(z)*sigma(z)(1-sigma(z))",
            "σ(z)(1 − σ(z)) − 2σ(z)^2 (1 − σ(z))",
            "-tanh(z/2)/(4cosh(z/2)^2)",
        ),
        mistakes=[
            Mistake("product rule doubted", (2, None), "Line 2 is the product rule, as it should "
                    "be: the slope of the first times the second, plus the first times the slope "
                    "of the second."),
            Mistake("collecting doubted", (4, None), "Line 4 follows from line 3: σ′(1 − σ) + σσ′ "
                    "is σ′. The mistake was made before."),
            Mistake("last line doubted", (5, None), "Line 5 only writes σ′ = σ(1 − σ), which the "
                    "chapter derived. The mistake was made before."),
            Mistake("as it stands", (3, "sigma(z)(1-sigma(z))"), "That is what line 3 says "
                    "already. What is the slope of 1 − σ?"),
            Mistake("second term gone", (3, "sigma(z)(1-sigma(z))^2"), "The second term is not "
                    "zero: 1 − σ does have a slope."),
            Mistake("slope forgotten", (3, "sigma(z)(1-sigma(z))^2 - sigma(z)"), "The sign is "
                    "right now, but the slope of 1 − σ is −σ′, not −1."),
            Mistake("signs exchanged", (3, "-sigma(z)(1 - sigma(z))(1 - 2sigma(z))"), "Both signs "
                    "turned. Only the second term has a minus."),
        ],
        solution="""
        The slope of $1 - \\sigma$ is $-\\sigma'$; line 3 lost the minus. With it,
        $\\sigma'' = \\sigma'(1 - \\sigma) - \\sigma\\sigma' = \\sigma(1 - \\sigma)(1 - 2\\sigma)$.
        The slope grows while $\\sigma < \\frac12$ and falls afterwards, so it is largest at 0,
        where the chapter found a quarter by completing the square.
        """,
        code=second_slope),
]
