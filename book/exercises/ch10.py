"""Exercises of chapter 10: initialisation and signal propagation."""
import numpy as np
import sympy as sp

from nnbook.checking.exercises import Choice, Formula, Line, Mistake, Number, Repair
from nnbook.functions import relu
from nnbook.learning import glorot_normal, he_normal, init_params, lecun_normal, loss_and_grads


def measured():
    rng = np.random.default_rng(10)
    for init in (lecun_normal, glorot_normal, he_normal):
        print(f"{init.__name__:14} {init(200, 600, rng).var():.4f}")
    return "b"


def all_one_half():
    rng = np.random.default_rng(10)
    (W1, b1), (_, b2) = init_params([3, 2, 1], rng)
    X, y = np.array([[1.0, 2.0, 4.0]]), np.array([[0.0]])
    W1 = np.full_like(W1, 0.5)
    for out in ([[1.0, 1.0]], [[1.0, 0.5]]):
        net = [(W1, b1), (np.array(out), b2)]
        gradient = loss_and_grads(net, X, y, loss="squared_error")[1][0][0]
        print("outgoing weights", out[0], "gradient", gradient.tolist())
    return "c"


def depths():
    for layers in range(1, 6):
        print(layers, round(float(np.sqrt((1 + 5 / 20) ** layers - 1)), 3))
    return 4


def cut_wires():
    rng, n, p = np.random.default_rng(10), 400, 0.75
    kept = rng.random((4000, n)) >= p
    W = kept * rng.normal(size=(4000, n)) * np.sqrt(2 / ((1 - p) * n))
    a = np.ones(n)
    print("mean square in 1, out", round(float(np.mean(relu(W @ a) ** 2)), 1))
    return "2/((1-p) n)"


def one_unit():
    g = sp.Symbol("g", real=True)
    bell = sp.exp(-(g**2) / 2) / sp.sqrt(2 * sp.pi)
    for power in (2, 4):
        value = sp.integrate((sp.sqrt(2) * g) ** power * bell, (g, 0, sp.oo))
        print(f"E r^{power} = {value}")
    return 3, "(6n + n(n-1))/n^2"


EXERCISES = [
    Choice(
        "10.1", "Three histograms",
        """
        Three programs have drawn weights for a layer from 600 units to 200. You measure their
        variances: A has 0.0017, B has 0.0025, C has 0.0033. Who used which initializer?
        """,
        options={
            "a": "A Glorot, B LeCun, C He",
            "b": "A LeCun, B Glorot, C He",
            "c": "A LeCun, B He, C Glorot",
            "d": "A He, B Glorot, C LeCun",
            "e": "A Glorot, B He, C LeCun",
        },
        right="b",
        mistakes=[
            Mistake("widths", "a", "Glorot's is 2/(600 + 200). This layer narrows, so that is "
                    "more than LeCun's 1/600."),
            Mistake("He and Glorot", "c", "He's is twice LeCun's, for the half that ReLU throws "
                    "away. C is twice A."),
            Mistake("upside down", "d", "He's has the 2 above the line: it is the largest of the "
                    "three here."),
            Mistake("transposed", "e", "With 200 in place of 600 all variances would be larger. "
                    "n_in is how many numbers a unit adds up."),
        ],
        solution="""
        $1/600$ is 0.0017, $2/(600 + 200)$ is 0.0025 and $2/600$ is 0.0033. From 200 to 600 the
        order of LeCun and Glorot would be the other way round.
        """,
        code=measured),
    Choice(
        "10.2", "All weights one half",
        """
        "If all weights of the first layer are one and the same number, all elements of its
        gradient are equal." The sentence is false. Which one is true, for one example $x$?
        """,
        options={
            "a": "All elements of the gradient are 0.",
            "b": "The elements in a row are equal; different rows differ.",
            "c": "In each row, element $j$ is proportional to $x_j$; two rows are equal if the "
                 "biases and the outgoing weights of the two units are.",
            "d": "Element $j$ of each row is proportional to $x_j$, and all rows are always "
                 "equal.",
            "e": "Nothing can be said: the gradient depends on the draw.",
        },
        right="c",
        mistakes=[
            Mistake("zero", "a", "That happens if the error passed back is zero, as with outgoing "
                    "weights of 0. Weights of one half pass a signal."),
            Mistake("rows and columns", "b", "A row belongs to a unit. Its elements belong to the "
                    "inputs, and by (8.5) each is multiplied by its own input."),
            Mistake("outgoing weights", "d", "Equal rows come out of equal errors, and the error "
                    "of a unit is what its outgoing weights bring back."),
            Mistake("lottery", "e", "(8.5) says what the gradient is: error of the unit times "
                    "input."),
        ],
        solution="""
        By (8.5) element $(i, j)$ is the error of unit $i$ times $x_j$. So column $j$ scales with
        $x_j$. The error of a unit is $\\varphi'(z_i)$ times what comes back through its outgoing
        weights; $z_i$ is the same for all units if the biases are. The program shows both cases,
        for $x = (1, 2, 4)$.
        """,
        code=all_one_half),
    Number(
        "10.3", "How deep is too deep",
        """
        All layers have 20 ReLU units, and He's Gaussian weights. At $q_0 = 1$ the mean of $q_L$
        is 1. At which depth $L$ does its standard deviation exceed 1 for the first time?
        """,
        right=4,
        mistakes=[
            Mistake("one too few", 3, "(1 + 5/20)³ is 1.953: the variance is 0.953, just below "
                    "1."),
            Mistake("mean square", 1, "E q² exceeds 1 at once. The variance is E q² − 1."),
            Mistake("adding up", 5, "5/20 a layer, added up, comes to more than 1 at 5. But the "
                    "factors multiply."),
            Mistake("ratio", 20, "Depth equal to width is far beyond: there E q² is about 87."),
            Mistake("linear", 8, "That is the factor 1 + 2/n of a network without ReLU."),
        ],
        solution="""
        The variance is $(1 + 5/20)^L - 1$ by (10.10). It exceeds 1 as soon as $1.25^L > 2$, and
        that is $L = 4$.
        """,
        code=depths),
    Formula(
        "10.4", "Cut wires",
        """
        Each of the $n$ wires into a unit is cut with probability $p$, independently, and its
        weight is then 0. The weights of the others are drawn with mean 0 and variance
        $\\sigma_w^2$. Which $\\sigma_w^2$ keeps the mean square from one ReLU layer to the next?
        """,
        variables={"n": range(2, 500), "p": (0.05, 0.95)}, what="the variance",
        right=("2/((1-p) n)", "2/(n - p n)", "(2/n)/(1-p)"),
        mistakes=[
            Mistake("wires forgotten", "2/n", "That is for n whole wires. Which share of them is "
                    "left?"),
            Mistake("cut ones counted", "2/(p n)", "p is the share of the wires that are cut."),
            Mistake("bend forgotten", "1/((1-p) n)", "And ReLU halves what arrives."),
            Mistake("wrong way", "2(1-p)/n", "Fewer wires need larger weights, not smaller."),
            Mistake("square", "2/((1-p)^2 n)", "A cut wire loses its whole square, once: the "
                    "variance of a weight is (1 − p)σ_w²."),
        ],
        solution="""
        A weight is 0 with probability $p$, so its variance is $(1-p)\\sigma_w^2$, and its mean
        is still 0. (10.1) asks for no more. Set $(1-p)\\,\\sigma_w^2\\,n/2 = 1$.
        """,
        code=cut_wires),
    Repair(
        "10.5", "Two, or five",
        """
        This derivation looks for $\\operatorname{E}q_1^2$ behind one layer of $n$ ReLU units with
        He's Gaussian weights, from $q_0 = 1$; each sum $z$ is a bell of variance 2. It ends with
        $1 + 2/n$. For a single unit that would be 3. But $r(z)^4$ is $z^4$ half of the time, and
        $z^4$ has the mean $3 \\cdot 2^2 = 12$: the answer for one unit is 6. Name the false line,
        and write what should stand there.
        """,
        variables={"n": range(1, 60)},
        lines=[
            Line(r"\frac1{n^2}\sum_i\sum_j \operatorname{E}[r(z_i)^2 r(z_j)^2]", "1 + 5/n"),
            Line(r"\frac1{n^2}\left(n\operatorname{E}[r(z)^4] + n(n-1)\operatorname{E}[r(z)^2]^2"
                 r"\right)", "(6n + n(n-1))/n^2", "the same unit twice, or two units"),
            Line(r"\frac1{n^2}\left(n \cdot 3 \cdot 1^2 + n(n-1) \cdot 1^2\right)",
                 "(3n + n(n-1))/n^2", "a fourth power is 3 times the squared mean square"),
            Line(r"1 + \frac2n", "1 + 2/n", "collect"),
        ],
        right=("(6n + n(n-1))/n^2", "1 + 5/n", "(n + 5)/n", "(6 + n - 1)/n"),
        mistakes=[
            Mistake("pairs doubted", (2, None), "There are n pairs of a unit with itself and "
                    "n(n − 1) others, and two units share no weight. Line 2 is right."),
            Mistake("collecting doubted", (4, None), "Line 4 follows from line 3."),
            Mistake("as it stands", (3, "(3n + n(n-1))/n^2"), "That is what line 3 says already. "
                    "The factor 3 belongs to a bell, and behind a ReLU there is only half of "
                    "one."),
            Mistake("not halved", (3, "(12n + n(n-1))/n^2"), "12 is the mean of z⁴. ReLU throws "
                    "half of it away."),
            Mistake("halved once more", (3, "(3n/2 + n(n-1))/n^2"), "3/2 is E r⁴ of a bell of "
                    "variance 1. Here the variance is 2."),
            Mistake("pairs of a unit only", (3, "6/n"), "The pairs of two different units count "
                    "too: n(n − 1) of them, each 1."),
        ],
        solution="""
        Line 3 treats $r(z)$ as if it were a bell. For a bell the mean fourth power is 3 times the
        square of the mean square. Behind a ReLU both are halved, and halving the mean square
        quarters its square: the ratio becomes 6. That is (10.8), and the answer is $1 + 5/n$. The
        2 would be right for a network without a bend, and the difference is what the bend costs.
        """,
        code=one_unit),
]
