"""The exercise of the introduction."""
import sympy as sp

from nnbook.checking.exercises import Formula, Mistake


def rise():
    z = sp.Symbol("z", real=True)
    slope = sp.diff(sp.log(1 + sp.exp(z)), z)
    print("at a score of 0:", slope.subs(z, 0), "  at a score of 40:", slope.subs(z, 40).evalf(6))
    return slope


EXERCISES = [
    Formula(
        "0.1", "How fast the price rises",
        """
        A score of $z$ for the wrong answer costs $\\ln(1 + e^z)$. Raise the score a little: how
        much does the price rise for each unit of score? Give its slope.
        """,
        variables={"z": (-6, 6)}, what="the slope",
        right=("exp(z)/(1 + exp(z))", "1/(1 + exp(-z))", "sigma(z)", "(1 + tanh(z/2))/2"),
        mistakes=[
            Mistake("inner slope forgotten", "1/(1 + exp(z))", "The logarithm's slope is one over "
                    "what it holds. What it holds has a slope too: multiply by it."),
            Mistake("logarithm forgotten", "exp(z)", "That is the slope of 1 + e^z. The logarithm "
                    "around it divides by 1 + e^z."),
            Mistake("far end", "1", "So it is for large scores. At a score of 0, try 0.01 more: "
                    "the price rises by half of that."),
            Mistake("the price itself", "ln(1 + exp(z))", "That is the price. Asked is how fast it "
                    "rises."),
            Mistake("sign", "-exp(z)/(1 + exp(z))", "The price rises with the score of the wrong "
                    "answer; its slope is positive."),
        ],
        solution="""
        The chain rule: one over $1 + e^z$, times the slope of $1 + e^z$, which is $e^z$. The result
        $e^z/(1 + e^z)$ is the logistic function $\\sigma(z)$. It starts near 0, passes one half at
        a score of 0 and ends near 1: a large score costs itself, as the derivation above says.
        """,
        code=rise),
]
