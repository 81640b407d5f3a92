"""Exercises of chapter 13: momentum and Nesterov."""
import numpy as np
import sympy as sp

from nnbook.checking.exercises import Choice, Code, Formula, Line, Mistake, Number, Repair
from nnbook.functions import spectral_radius


def steepest():
    for h in (35.9, 36.1):
        a, b = 0.1, 0.8
        print(h, spectral_radius([[1 + b - a * h, -b], [1, 0]]).round(4))
    return 36


def walks():
    for beta, h in (((9 / 11) ** 2, 1.0), ((9 / 11) ** 2, 1.2)):
        x = before = 1.0
        out = []
        for _ in range(95):
            x, before = x + beta * (x - before) - 4 / 121 * h * x, x
            out.append(abs(x) / (9 / 11) ** (len(out) + 1))
        print(f"curvature {h}: distance over (9/11)^k at k = 5, 35, 95:",
              [round(out[k - 1], 1) for k in (5, 35, 95)])
    return "c"


def up_the_wall():
    rho, x, before = sp.Rational(9, 11), sp.Integer(1), sp.Integer(1)
    step = (1 + rho) ** 2
    for k in range(1, 8):
        x, before = x + rho**2 * (x - before) - step * x, x
        print(k, round(float(abs(x)), 4), abs(x) == (1 + k * (1 + rho)) * rho**k)
    return "(1 + k(1 + rho)) rho^k"


def ball_and_nesterov():
    x, p, a, b = sp.symbols("x p a b")
    look = x + b * (x - p)
    print("heavy ball:", sp.factor(look - a * x))
    print("Nesterov:  ", sp.factor(look - a * look))
    print("difference:", sp.factor(look - a * look - (look - a * x)))
    return 3, "(1 - a)(x + b(x - p))"


def nesterov_path(slope, start, alpha, beta, steps):
    x = before = start
    for _ in range(steps):
        ahead = x + beta * (x - before)
        x, before = ahead - alpha * slope(ahead), x
    return x


def from_the_velocity(slope, start, alpha, beta, steps):
    x, v = start, 0.0 * start
    for _ in range(steps):
        v = beta * v - alpha * slope(x + beta * v)
        x = x + v
    return x


def heavy_ball(slope, start, alpha, beta, steps):
    x = before = start
    for _ in range(steps):
        x, before = x + beta * (x - before) - alpha * slope(x), x
    return x


def at_the_point_before(slope, start, alpha, beta, steps):
    x = before = start
    for _ in range(steps):
        x, before = x + beta * (x - before) - alpha * slope(before), x
    return x


def from_the_point(slope, start, alpha, beta, steps):
    x = before = start
    for _ in range(steps):
        ahead = x + beta * (x - before)
        x, before = x - alpha * slope(ahead), x
    return x


def ahead_returned(slope, start, alpha, beta, steps):
    x = before = start
    for _ in range(steps):
        ahead = x + beta * (x - before)
        x, before = ahead - alpha * slope(ahead), x
    return x + beta * (x - before)


def full_step_ahead(slope, start, alpha, beta, steps):
    x = before = start
    for _ in range(steps):
        ahead = x + (x - before)
        x, before = ahead - alpha * slope(ahead), x
    return x


def both_walks():
    slope, start = np.tanh, np.array([3.0, -2.0])
    print("Nesterov:  ", nesterov_path(slope, start, 0.5, 0.8, 8).round(4))
    print("heavy ball:", heavy_ball(slope, start, 0.5, 0.8, 8).round(4))
    return nesterov_path


def cubic(x):
    return x**3


EXERCISES = [
    Number(
        "13.1", "How steep a wall",
        """
        A program runs the heavy ball with $\\alpha = 0.1$ and $\\beta = 0.8$. Up to which
        curvature $h$ does every walk come to rest?
        """,
        right=36,
        mistakes=[
            Mistake("no momentum", 20, "That is 2/α, the bound of gradient descent. Momentum "
                    "stretches it by 1 + β."),
            Mistake("wrong sign", 4, "2(1 − β)/α: momentum raises the bound, it does not lower "
                    "it. Look at the polynomial at −1."),
            Mistake("without the step", 3.6, "That is the bound on αh. Divide by α."),
            Mistake("half of it", 18, "(1 + β)/α: there is a factor 2 in the bound."),
            Mistake("end of the spirals", (1 + np.sqrt(0.8)) ** 2 / 0.1,
                    "At (1 + √β)²/α the spirals end, and the walk goes on shrinking a little "
                    "farther."),
            Mistake("effective rate", 0.5, "α/(1 − β) is how far a steady slope carries in the "
                    "end. The bound on h is another thing."),
        ],
        solution="""
        By (13.3) the bound is $\\alpha h < 2(1+\\beta) = 3.6$, so $h < 36$. There one of the
        two factors reaches $-1$, and the ball swings to and fro for ever.
        """,
        code=steepest),
    Choice(
        "13.2", "Sixty-nine and eighty-three",
        """
        Along the valley with $\\kappa = 100$, at the best setting, the rate $9/11$ promises 69
        steps and the count is 83. Why?
        """,
        options={
            "a": "Rounding errors: near a double root half of the digits are lost.",
            "b": "The walk spirals, and while it turns it makes no progress.",
            "c": "At a double root the distance is $(9/11)^k$ times a factor linear in $k$.",
            "d": "The rate is $9/11$ for the worst direction; along the valley it is slower.",
            "e": "The velocity starts at zero, so the first 14 steps are lost.",
        },
        right="c",
        mistakes=[
            Mistake("rounding", "a", "The walk itself is computed to 15 digits. It is the "
                    "eigenvalues, if you ask a program for them, that lose digits."),
            Mistake("spiral", "b", "Along the valley the two factors are equal and real: no turn "
                    "at all."),
            Mistake("slower there", "d", "Both ends of the valley have exactly 9/11, and so has "
                    "all between."),
            Mistake("run-up", "e", "A late start would be a constant delay. Here the delay grows "
                    "with the precision you ask for: compare the distance with (9/11)^k as k "
                    "grows."),
        ],
        solution="""
        By (13.9) the distance is $(1 + 2k/11)(9/11)^k$. The first factor is 16 at $k = 83$, and
        the second must make up for it. The program prints the first factor along the valley,
        where it grows with $k$, and beside it for a curvature slightly higher, where the
        factors are complex and it stays bounded.
        """,
        code=walks),
    Formula(
        "13.3", "Up the wall",
        """
        Across the valley, at the best setting, the double root is $-\\rho$. The ball starts at
        distance 1, from rest. How far away is it after $k$ steps? Give the distance without its
        sign. (First find the place after one step.)
        """,
        variables={"rho": (0.05, 0.95), "k": range(0, 12)}, what="the distance",
        right=("(1 + k(1 + rho)) rho^k", "rho^k + k rho^k + k rho^(k+1)", "(1 + k + k rho) rho^k"),
        mistakes=[
            Mistake("along the valley", "(1 + k(1 - rho)) rho^k",
                    "That is the walk along the valley, (13.9). Across it the root is −ρ: what "
                    "does that make of 1 − ρ?"),
            Mistake("promise", "rho^k", "That is the promise. A double root brings a factor that "
                    "grows with k."),
            Mistake("generic factor", "(1 + k) rho^k", "Right in kind, but the constant must fit "
                    "the first step: it goes to 1 − αM = −2ρ − ρ²."),
            Mistake("start forgotten", "k(1 + rho) rho^k", "At k = 0 this is 0, and the ball "
                    "starts at 1."),
            Mistake("one step late", "(1 + k(1 + rho)) rho^(k+1)",
                    "At k = 0 this is ρ, and the ball starts at 1."),
        ],
        solution="""
        Put $-\\rho$ for $\\rho$ in (13.9): $(1 + k(1+\\rho))(-\\rho)^k$. Check: the first step
        goes to $1 - \\alpha M$, and with $1 + \\rho^2 - \\alpha M = -2\\rho$ from (13.7) that
        is $-2\\rho - \\rho^2 = (2 + \\rho)(-\\rho)$. At $\\rho = 9/11$ the distance is largest
        at $k = 4$, 3.7 times the start.
        """,
        code=up_the_wall),
    Repair(
        "13.4", "Nesterov, or not",
        """
        This derivation wants to find Nesterov's next point on a line with curvature $h$. Write
        $x$ for the point, $p$ for the one before, $a$ for $\\alpha h$ and $b$ for $\\beta$. It
        ends with the heavy ball's step, so that the two methods would be one. But they are not:
        from $x = 1$, $p = 0$, with $a = 1$ and $b = \\frac12$, Nesterov lands on 0 and the last
        line on $\\frac12$. Name the false line, and write what should stand there.
        """,
        variables={"x": (-3, 3), "p": (-3, 3), "a": (0.1, 3), "b": (0.1, 0.9)},
        lines=[
            Line(r"\hat\theta - a\,\hat\theta", "(1-a)(x + b(x-p))"),
            Line(r"(x + b(x-p)) - a\,(x + b(x - p))", "(1-a)(x + b(x-p))", "the look-ahead point"),
            Line(r"x + b(x-p) - a\,x", "x + b(x-p) - a x", "the slope"),
            Line(r"(1 + b - a)\,x - b\,p", "(1 + b - a)x - b p", "collect"),
        ],
        right=("(1 - a)(x + b(x - p))", "x + b(x-p) - a(x + b(x-p))", "(1-a)(1+b)x - (1-a) b p",
               "(1-a)((1+b)x - b p)"),
        mistakes=[
            Mistake("start doubted", (2, None), "Line 2 only puts in the look-ahead point, in "
                    "both places. It is right."),
            Mistake("collecting doubted", (4, None), "Line 4 follows from line 3. The slope was "
                    "lost before."),
            Mistake("as it stands", (3, "x + b(x-p) - a x"), "That is what line 3 says already. "
                    "At which point is the slope taken?"),
            Mistake("slope at the last point", (3, "x + b(x-p) - a p"),
                    "The slope is not taken at the point before, but at the point ahead."),
            Mistake("step from the point", (3, "x - a(x + b(x-p))"),
                    "The slope is right now, but the step starts from the look-ahead point, not "
                    "from x."),
            Mistake("a whole step ahead", (3, "(1-a)(x + (x-p))"),
                    "The look-ahead goes by b times the last step."),
        ],
        solution="""
        Line 3 takes the slope at $x$, where the ball stands, and not at the look-ahead point.
        With it, the step is $(1-a)(x + b(x-p))$. The two differ by $-ab(x-p)$: the slope that
        Nesterov sees because he looks ahead. It is a brake, and the steeper the wall, the
        stronger.
        """,
        code=ball_and_nesterov),
    Code(
        "13.5", "Write it",
        """
        Write Nesterov's method for any slope: `nesterov(slope, start, alpha, beta, steps)`
        returns the point $\\theta$ after so many steps, starting from rest. `slope` is a
        function of one array.
        """,
        call="nesterov(slope, start, alpha, beta, steps)",
        right=[nesterov_path, from_the_velocity],
        cases=[(np.tanh, np.array([3.0, -1.0]), 0.5, 0.8, 12),
               (np.sin, np.array([1.0]), 0.3, 0.5, 5),
               (cubic, np.array([0.5, -0.8, 1.0]), 0.2, 0.9, 20)],
        mistakes=[
            Mistake("heavy ball", heavy_ball, "The slope is taken where the ball stands; "
                    "Nesterov takes it at x + β(x − p)."),
            Mistake("before", at_the_point_before, "The slope is taken at the point before."),
            Mistake("from the point", from_the_point, "The slope is right, but the step starts "
                    "from the look-ahead point."),
            Mistake("ahead returned", ahead_returned, "What comes back is the look-ahead point, "
                    "not the point itself."),
            Mistake("whole step ahead", full_step_ahead, "The look-ahead goes by β times the "
                    "last step, not by all of it."),
        ],
        solution="""
        Look ahead, ask for the slope there, step from there. The same walk by the velocity is
        the second right answer of this exercise's file.
        """,
        code=both_walks, helpers=(nesterov_path,)),
]
