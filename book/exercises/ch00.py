"""The exercise of the introduction."""
import numpy as np

from nnbook.checking.exercises import Mistake, Number
from nnbook.functions import softplus


def half():
    print(f"a score of 0 costs {softplus(0.0):.4f} nats, and ln 2 is {np.log(2):.4f}")
    return softplus(0.0)


EXERCISES = [
    Number(
        "0.1", "What it costs not to know",
        """
        A network that gives the score $z = 0$ says: half cat, half dog. What does the loss
        $\\ln(1 + e^z)$ charge for that, in nats? You may type a formula such as `ln(3)`.
        """,
        right="ln(2)", tolerance=0.0005, units=("nats", "nat"),
        mistakes=[
            Mistake("nothing", 0, "Only a network that is right beyond doubt pays nothing: "
                    "ln(1 + eᶻ) is above zero for every z."),
            Mistake("one", 1, "Inside the logarithm stands 1 + e⁰, which is 2, not e."),
            Mistake("probability", 0.5, "Half is the probability. The loss is its negative "
                    "logarithm."),
            Mistake("base 10", "ln(2)/ln(10)", "That is the logarithm to base 10. "
                    "This book uses the natural one."),
            Mistake("sign", "-ln(2)", "The logarithm of a half is negative, and the loss is minus "
                    "that logarithm."),
        ],
        solution="""
        At $z = 0$ the formula reads $\\ln(1 + 1) = \\ln 2$. Every classifier of two classes starts
        about here, and a loss that stays at $\\ln 2$ says that nothing has been learned. Chapter 16
        meets it again.
        """,
        code=half),
]
