"""Exercises of chapter 1: vectors, matrices and the affine layer."""
import itertools

import numpy as np
import sympy as sp

from nnbook.checking.exercises import Choice, Formula, Line, Mistake, Number, Repair
from nnbook.functions import affine, multiply_adds, parameter_count


def batches_that_run():
    W, rng = np.zeros((128, 784)), np.random.default_rng(1)
    for batch in (1, 32, 128, 784):
        A = rng.normal(size=(batch, 784))
        try:
            print(f"batch {batch:3}: W @ A runs and has shape {(W @ A).shape}, "
                  f"the layer has {affine(A, W, np.zeros(128)).shape}")
        except ValueError:
            print(f"batch {batch:3}: NumPy refuses W @ A")
    return 784


def count():
    sizes = (784, 128, 64, 10)
    for n, m in itertools.pairwise(sizes):
        print(f"{n:3} to {m:3}: {m * n:7,} weights, {m:3} biases")
    print(f"{parameter_count(sizes):,} parameters, {multiply_adds(sizes):,} multiply-adds")
    return parameter_count(sizes)


def break_even():
    for r in (450, 511, 512, 513):
        print(f"r = {r}: two thin layers {multiply_adds((1024, r, 1024)):,}, "
              f"one layer {multiply_adds((1024, 1024)):,}")
    return "m n / (m + n)"


def narrow():
    rng = np.random.default_rng(0)
    W1, W2 = rng.normal(size=(16, 784)), rng.normal(size=(784, 16))
    invisible = np.linalg.svd(W1)[2][16:]
    x = rng.normal(size=784)
    other = x + 10 * invisible[0]
    print("dimension of the kernel of the first layer:", len(invisible))
    print("two inputs a distance", round(float(np.linalg.norm(other - x))), "apart, same output:",
          np.allclose(W2 @ (W1 @ x), W2 @ (W1 @ other)))
    return "c"


def squared_area():
    a, b, c, d = sp.symbols("a b c d")
    flat = dict.fromkeys((a, b, c, d), 1)
    true = (a**2 + c**2) * (b**2 + d**2) - (a * b + c * d)**2
    print("expanded:", sp.expand(true), " factored:", sp.factor(true))
    print("all entries 1: the truth", true.subs(flat),
          " the finding", (a**2 * d**2 + b**2 * c**2).subs(flat))
    return 3, "(a d - b c)^2"


EXERCISES = [
    Number(
        "1.1", "The batch that nobody tested",
        """
        A layer takes 784 grey values to 128 units, so $W$ has shape $(128, 784)$. The examples are
        the rows of $A$, of shape $(N, 784)$. Somebody has written `W @ A` where `A @ W.T`
        belongs. For which batch size $N$ does the program run, and give wrong numbers without a
        word?
        """,
        right=784,
        mistakes=[
            Mistake("outputs", 128, "With 128 examples A is (128, 784). In W @ A the 784 columns "
                    "of W meet the 128 rows of A, and NumPy refuses."),
            Mistake("one example", 1, "A batch of one has shape (1, 784): 784 columns of W meet "
                    "one row. A single example as a list, of shape (784,), would run, and be "
                    "right."),
            Mistake("the usual batch", 32, "784 columns meet 32 rows, and NumPy refuses. That is "
                    "the harmless case."),
            Mistake("never", 0, "The inner sizes can agree by chance. What stands in the columns "
                    "of W, and what in the rows of A?"),
            Mistake("both", 912, "Nothing adds the two widths. A product needs as many columns on "
                    "its left as rows on its right."),
        ],
        solution="""
        `W @ A` needs as many rows of $A$ as $W$ has columns: $N = 784$. The result has shape
        $(128, 784)$ where the layer has $(784, 128)$. Its entries are sums over examples, each
        multiplied with the weight of a pixel. A test with 784 examples is rare. A toy test with
        three examples of three features is not.
        """,
        code=batches_that_run),
    Number(
        "1.2", "Count the parameters",
        """
        A network takes 784 inputs to 128 units, those to 64, and those to 10. How many numbers
        does training have to find, biases included?
        """,
        right=109386,
        mistakes=[
            Mistake("biases forgotten", 109184, "Those are the weights, and the multiply-adds of "
                    "one example. Each unit has a bias, too."),
            Mistake("input biased", 110170, "The inputs are given; they have no biases. Only "
                    "units have."),
            Mistake("only biases", 202, "Those are the biases: 128 + 64 + 10. The weights come "
                    "on top."),
            Mistake("units added", 986, "That adds up the widths. A layer has a weight for each "
                    "pair of an input and a unit: multiply."),
            Mistake("first layer only", 100480, "That is the first layer. Two more follow."),
            Mistake("bias per input", 110160, "There is one bias for each output of a layer, not "
                    "for each input."),
        ],
        solution="""
        By (1.9): $128 \\cdot 785 + 64 \\cdot 129 + 10 \\cdot 65$. More than nine tenths of the
        parameters stand in the first layer. One example costs 109,184 multiply-adds,
        which is the number of parameters less the 202 biases.
        """,
        code=count),
    Formula(
        "1.3", "How thin is thin?",
        """
        A layer of $n$ inputs and $m$ outputs is replaced by two, with $r$ numbers between them and
        no bend. That saves multiply-adds only if $r$ is small enough. At which $r$ do the
        two ways cost the same? Write it with $m$ and $n$; it need not be a whole number.
        """,
        variables={"m": (1, 9), "n": (1, 9)}, what="the break-even width",
        right=("m n/(m + n)", "1/(1/m + 1/n)", "m - m^2/(m + n)", "n*m/(n + m)"),
        mistakes=[
            Mistake("average", "(m + n)/2", "For m = n = 4 that gives 4: two layers of 16 "
                    "multiply-adds each against one of 16."),
            Mistake("twice", "2 m n/(m + n)", "That is the harmonic mean, twice too large. Both "
                    "thin layers cost: r n and m r."),
            Mistake("one layer counted", "m", "The first thin layer alone, r n, costs as much as "
                    "m n there. The second costs m r besides."),
            Mistake("other layer counted", "n", "The second thin layer alone, m r, would cost as "
                    "much as m n there. The first costs r n besides."),
            Mistake("geometric", "sqrt(m n)", "Nothing here is squared: set r n + m r equal to "
                    "m n, and r comes out without a root."),
            Mistake("not divided", "m n", "That is what the one layer costs. The two cost r(m + "
                    "n); solve for r."),
            Mistake("upside down", "(m + n)/(m n)", "That is one over the answer: solve "
                    "r(m + n) = m n."),
        ],
        solution="""
        The two thin layers cost $rn + mr = r(m + n)$, the one costs $mn$. They meet at
        $r = mn/(m + n)$. For a square matrix that is half its width, so anything of less than half
        the full rank is cheaper in two pieces.
        """,
        code=break_even),
    Choice(
        "1.4", "What a narrow layer loses",
        """
        A network takes 784 numbers to 16 and back to 784, without any bend. What does it lose, for
        whatever weights?
        """,
        options={
            "a": "Nothing, if the second matrix is chosen as the inverse of the first.",
            "b": "The product of its matrices has rank exactly 16, so 16 directions are lost.",
            "c": "Inputs that differ by a vector of a space of 768 or more dimensions give the "
                 "same output.",
            "d": "Precision: each number comes out with 16/784 of its digits.",
            "e": "Nothing for the 16 inputs that it keeps: the other 768 come out as zero.",
        },
        right="c",
        mistakes=[
            Mistake("inverse", "a", "A (16, 784) matrix has no inverse: it sends different inputs "
                    "to the same 16 numbers, and nothing after it can tell them apart."),
            Mistake("kept for lost", "b", "The rank counts what is kept, and it is 16 at most, "
                    "less if the weights are unlucky. The rest of the 784 is lost."),
            Mistake("digits", "d", "No digit is rounded. Some differences vanish wholly, others "
                    "come through exactly."),
            Mistake("coordinates", "e", "The 16 numbers are mixtures of all inputs, so no single "
                    "input has to survive, and none has to come out as zero."),
        ],
        solution="""
        The first layer has rank $r \\le 16$. Its kernel has $784 - r \\ge 768$ dimensions,
        because a basis of the kernel and $r$ vectors more that it does see make a basis of
        the whole space. Two inputs whose difference lies in the kernel have the same 16 numbers, so
        by (1.8) whatever follows can't separate them. Which directions are lost is up to
        the weights; how many is not.
        """,
        code=narrow),
    Repair(
        "1.5", "A flat parallelogram",
        """
        The columns of a 2 by 2 matrix are $(a, c)$ and $(b, d)$. The square of the area between
        them is the product of their squared lengths, less the square of their dot product. From
        that the lines below conclude that it is $a^2d^2 + b^2c^2$. Take $a = b = c = d = 1$:
        both columns are the same, and the parallelogram is flat, but $a^2d^2 + b^2c^2 = 2$. Name
        the false line, and write what stands there when it is right.
        """,
        variables={"a": (-3, 3), "b": (-3, 3), "c": (-3, 3), "d": (-3, 3)},
        lines=[
            Line(r"(a^2 + c^2)(b^2 + d^2) - (ab + cd)^2",
                 "(a^2 + c^2)(b^2 + d^2) - (a b + c d)^2"),
            Line(r"a^2b^2 + a^2d^2 + b^2c^2 + c^2d^2 - (ab + cd)^2",
                 "a^2 b^2 + a^2 d^2 + b^2 c^2 + c^2 d^2 - (a b + c d)^2", "multiply out"),
            Line(r"a^2b^2 + a^2d^2 + b^2c^2 + c^2d^2 - a^2b^2 - c^2d^2",
                 "a^2 d^2 + b^2 c^2", "the square of the sum"),
            Line(r"a^2d^2 + b^2c^2", "a^2 d^2 + b^2 c^2", "four terms cancel"),
        ],
        right=(
            "(a d - b c)^2",
            "a^2 d^2 + b^2 c^2 - 2 a b c d",
            "a^2 b^2 + a^2 d^2 + b^2 c^2 + c^2 d^2 - a^2 b^2 - 2 a b c d - c^2 d^2",
            "(b c - a d)^2",
        ),
        mistakes=[
            Mistake("product doubted", (2, None), "Line 2 multiplies two brackets: each term of "
                    "one with each of the other, four products. All are there."),
            Mistake("end doubted", (4, None), "Line 4 follows from line 3. The mistake was made "
                    "before."),
            Mistake("as it stands", (3, "a^2 d^2 + b^2 c^2"), "That is what line 3 says already. "
                    "What is the square of ab + cd?"),
            Mistake("once", (3, "a^2 d^2 + b^2 c^2 - a b c d"), "The mixed product is there "
                    "twice, once as ab·cd and once as cd·ab."),
            Mistake("wrong sign", (3, "(a d + b c)^2"), "The mixed product stands in a square "
                    "that is taken away: its sign is minus."),
            Mistake("not squared", (3, "a d - b c"), "That is the determinant. The lines compute "
                    "the area's square."),
        ],
        solution="""
        The square of a sum has a mixed term: $(ab + cd)^2 = a^2b^2 + 2abcd + c^2d^2$. With it, what
        is left is $a^2d^2 - 2abcd + b^2c^2 = (ad - bc)^2$, the determinant squared, as (1.7) says.
        The lost term is zero whenever one entry is zero, so a test with a triangular matrix would
        not have found it.
        """,
        code=squared_area),
]
