"""One exercise of every kind, for the tests of the machinery."""
import numpy as np

from nnbook.checking.exercises import Choice, Code, Formula, Line, Mistake, Number, Repair


def slope():
    print("σ(0)(1 − σ(0)) =", 0.25)
    return "σ(z)(1 − σ(z))"


def parameters():
    return "n(m + 1)"


def kink():
    return "H(z)"


def repaired():
    return 2, "exp(-z)/(1 + exp(-z))^2"


def nats():
    return 0.693


def count():
    return 784 * 128 + 128


def several():
    return {"a", "c"}


def one():
    return "b"


def reference(g, w):
    return g @ w, g.sum(axis=0)


def other(g, w):
    return np.einsum("ni,ij->nj", g, w), np.add.reduce(g)


def transposed(g, w):
    return g @ w.T, g.sum(axis=0)


def averaged(g, w):
    return g @ w, g.mean(axis=0)


def not_summed(g, w):
    return g @ w, g


def writes(g, w):
    g *= 0
    return g @ w, g.sum(axis=0)


def write():
    return reference


G, W = np.arange(6.0).reshape(2, 3), np.arange(9.0).reshape(3, 3) / 7

EXERCISES = [
    Formula(
        "99.1", "The slope of the logistic function", "Write the slope of $\\sigma(z)$.",
        variables={"z": (-6, 6)}, what="the slope",
        right=("sigma(z)(1 - sigma(z))", "exp(-z)/(1+exp(-z))^2", "1/(4 cosh(z/2)**2)",
               "σ(z) − σ²(z)", "(1 − tanh²(z/2))/4", "0,25·(1 - tanh(z/2)^2)"),
        mistakes=[
            Mistake("sign", "-sigma(z)(1 - sigma(z))", "The sign: σ rises everywhere."),
            Mistake("logarithm", "1 - sigma(z)", "That is the slope of ln σ."),
            Mistake("tanh", "1 - sigma(z)^2", "That has the form of tanh′."),
            Mistake("square lost", "exp(-2z)/(1+exp(-z))^2", "In the numerator stands e^(−z)."),
            Mistake("log of negative", "log(z)", "The logarithm has no value for z < 0."),
        ],
        solution="Quotient rule: $\\sigma' = \\sigma(1-\\sigma)$.", code=slope),
    Formula(
        "99.2", "Parameters of a layer", "How many parameters has a layer from $m$ to $n$?",
        variables={"m": range(1, 30), "n": range(1, 20)}, what="the count",
        right=("n(m + 1)", "n*m + n", "m n + n"),
        mistakes=[
            Mistake("no biases", "m*n", "The biases are parameters too."),
            Mistake("biases of the input", "n*m + m", "There is one bias per output."),
            Mistake("sum", "n + m", "Every output is joined to every input."),
            Mistake("one bias", "n*m + 1", "Every output has its own bias."),
        ],
        solution="Each of the $n$ outputs has $m$ weights and a bias.", code=parameters),
    Formula(
        "99.3", "The slope of ReLU", "Write $r'(z)$, with $r'(0) = 0$.",
        variables={"z": (-3, 3)}, what="r′", points=[[x] for x in (-3, -1, -0.5, 0, 0.5, 1, 2)],
        right=("H(z)", "max(0, sign(z))", "(|z|/max(0,01; |z|)) H(z)"),
        mistakes=[
            Mistake("at the kink", "(1 + sign(z))/2", "At 0 this book takes 0."),
            Mistake("the function", "relu(z)", "That is r itself."),
            Mistake("no sign", "1", "For z < 0 the function is flat."),
            Mistake("divided", "relu(z)/z", "At 0 that divides 0 by 0."),
        ],
        solution="Flat on the left, slope 1 on the right.", code=kink),
    Repair(
        "99.4", "A false slope", "One line of this derivation is false.",
        variables={"z": (-6, 6)},
        lines=[
            Line(r"\frac{d}{dz}\,\frac{1}{1+e^{-z}}", "sigma(z)(1-sigma(z))"),
            Line(r"\frac{-e^{-z}}{(1+e^{-z})^2}", "-exp(-z)/(1+exp(-z))^2", "quotient rule"),
            Line(r"-\sigma(z)\,(1-\sigma(z))", "-sigma(z)(1-sigma(z))", "write it in $\\sigma$"),
            Line(r"\sigma(z)^2 - \sigma(z)", "sigma(z)^2-sigma(z)", "multiply out"),
        ],
        right=("exp(-z)/(1+exp(-z))^2", "sigma(z)(1-sigma(z))", "1/(4 cosh(z/2)^2)"),
        mistakes=[
            Mistake("line 3", (3, None), "Line 3 is line 2, written in σ."),
            Mistake("as it stands", (2, "-exp(-z)/(1+exp(-z))^2"), "So it stands already."),
            Mistake("no square", (2, "exp(-z)/(1+exp(-z))"), "The quotient rule squares."),
            Mistake("growing", (2, "exp(z)/(1+exp(-z))^2"), "The slope of e^(−z) is −e^(−z)."),
        ],
        solution="Minus times minus.", code=repaired),
    Number(
        "99.5", "Nats", "How many nats is one bit?", right="ln(2)", tolerance=1e-3,
        units=("units", "nats", "nat", "natural units"),
        mistakes=[
            Mistake("one", 1, "One bit is asked in nats."),
            Mistake("inverted", "1/ln(2)", "That is bits per nat."),
            Mistake("common logarithm", "ln(2)/ln(10)", "Logarithms are natural here."),
            Mistake("two", 2, "Two is the number of outcomes."),
        ],
        solution="$\\ln 2$.", code=nats),
    Number(
        "99.6", "A count", "Parameters of a layer from 784 to 128?", right=100480,
        mistakes=[
            Mistake("no biases", 100352, "The biases are parameters too."),
            Mistake("biases of the input", 101136, "There is one bias per output."),
            Mistake("one bias", 100353, "Every output has its own bias."),
            Mistake("sum", 912, "Every output is joined to every input."),
        ],
        solution="$128 \\cdot 785$.", code=count),
    Choice(
        "99.7", "Which hold?", "Which of these hold for every $z$?",
        options={"a": "$\\sigma(z) < 1$", "b": "$\\sigma'(z) < \\frac14$", "c": "$\\sigma(z) > 0$",
                 "d": "<script>alert(1)</script>"},
        right={"a", "c"},
        mistakes=[
            Mistake("at most", {"a", "b", "c"}, "At 0 the slope is 1/4."),
            Mistake("lower bound", {"a"}, "σ has a lower bound too."),
            Mistake("upper bound", {"c"}, "σ has an upper bound too."),
            Mistake("all", {"a", "b", "c", "d"}, "Not all of them."),
        ],
        solution="$0 < \\sigma < 1$.", code=several),
    Choice(
        "99.8", "Pick one", "Which?", options={k: f"option {k}" for k in "abcde"}, right="b",
        mistakes=[Mistake(k, k, f"Not {k}.") for k in "acde"],
        solution="b.", code=one),
    Code(
        "99.9", "Back through a layer", "Return $GW$ and $G^\\top 1$.", call="backward(g, w)",
        right=[reference, other], cases=[(G, W), (G[:1], W), (G * 2 - 1, W.T + 1)],
        mistakes=[
            Mistake("transposed", transposed, "The error goes back through W, not its transpose."),
            Mistake("averaged", averaged, "The 1/N is in G already."),
            Mistake("not summed", not_summed, "One bias serves every row: sum over the rows."),
            Mistake("writes", writes, "Do not write into g."),
        ],
        solution="Two products.", code=write),
]
