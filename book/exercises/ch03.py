"""Exercises of chapter 3: derivatives, the chain rule, matrix calculus."""
import numpy as np
import sympy as sp

from nnbook.checking.exercises import Choice, Formula, Line, Mistake, Repair


def leave_the_origin():
    t = sp.Symbol("t", real=True)
    u, v, h = sp.cos(t), sp.sin(t), sp.Symbol("h", positive=True)
    slope = sp.simplify(h * u * h * v / sp.sqrt((h * u)**2 + (h * v)**2) / h)
    print("slope when leaving 0 in the direction t:", slope)
    print("on the axes:", slope.subs(t, 0), slope.subs(t, sp.pi / 2),
          " on the diagonal:", slope.subs(t, sp.pi / 4))
    return "cos(t) sin(t)"


def count(rows, inner, columns):
    """Count the multiply-adds of a product of two tables by making them."""
    return sum(1 for _ in range(rows) for _ in range(columns) for _ in range(inner))


def brackets():
    for n in (2, 10, 40):
        left = count(n, n, n) + count(n, n, 1)
        right = count(n, n, 1) + count(n, n, 1)
        print(f"n = {n:2}: (AB)v {left:6,}, A(Bv) {right:5,}, ratio {left / right}")
    return "(n + 1)/2"


def read_off():
    rng = np.random.default_rng(3)
    D, X, V = rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), rng.normal(size=(3, 2))
    gain = np.trace(D.T @ (X @ V.T))
    print("Δᵀ X has the shape", (D.T @ X).shape, "of V, and pairs with it to the gain:",
          np.isclose(np.vdot(D.T @ X, V), gain))
    print("Xᵀ Δ has the shape", (X.T @ D).shape)
    square = rng.normal(size=(3, 2, 2))
    D, X, V = square
    print("with square tables Xᵀ Δ can be paired with V, and that is wrong:",
          not np.isclose(np.vdot(X.T @ D, V), np.trace(D.T @ (X @ V.T))))
    return "b"


def every_path_once():
    a, b, d, g, h, k, s = sp.symbols("a b d g h k s")
    u = a * s
    m = h * s + b * u
    print("differentiated:", sp.expand(sp.diff(k * s + g * u + d * m, s)))
    print("line 2 as found:", sp.expand(k + a * (g + b * d) + (h + a * b) * d))
    return 2, "k + a (g + b d) + h d"


EXERCISES = [
    Formula(
        "3.1", "Flat along both axes",
        r"""
        Let $f(u, v) = uv/\sqrt{u^2 + v^2}$, and $f(0, 0) = 0$. On both axes $f$ is zero, so both
        partial derivatives at $0$ are $0$. Leave the origin in the direction $(\cos t, \sin t)$.
        How much does $f$ gain for each unit of the way? Write it with $t$.
        """,
        variables={"t": (-3, 3)}, what="the slope",
        right=("cos(t) sin(t)", "sin(2t)/2", "tan(t) cos(t)^2", "((sin(t) + cos(t))^2 - 1)/2"),
        mistakes=[
            Mistake("gradient trusted", "0", "That is the table of partial derivatives times the "
                    "direction. Put t = π/4 into f itself: u = v = h/√2."),
            Mistake("diagonal only", "1/2", "That is the slope on the diagonal, t = π/4. Other "
                    "directions have others; on the axes it is 0."),
            Mistake("the crease of the text", "cos(t)^2 sin(t)", "That belongs to u²v/(u² + v²). "
                    "Here the top is uv, and the bottom has a root."),
            Mistake("sum for product", "cos(t) + sin(t)", "That is the slope of u + v. On the "
                    "axes f is zero."),
            Mistake("not halved", "sin(2t)", "Twice too large: sin 2t is 2 sin t cos t."),
            Mistake("differentiated in t", "cos(2t)", "That is how the slope changes as the "
                    "direction turns. Hold t fast, move h, and divide the gain by h."),
        ],
        solution=r"""
        At $(h\cos t, h\sin t)$ the root is $h$, for $h > 0$, and $f$ is
        $h^2\cos t\sin t/h = h\cos t\sin t$. Divided by $h$ that is $\cos t\sin t$, at every
        distance. It should be $0\cos t + 0\sin t$ if there were a derivative. There is none,
        although all partial derivatives exist: they jump at $0$.
        """,
        code=leave_the_origin),
    Formula(
        "3.2", "Where to put the brackets",
        """
        $A$ and $B$ are tables of $n$ by $n$, and $v$ is a column of $n$ numbers. $(AB)v$ and
        $A(Bv)$ are equal. How many times as many multiply-adds does the first need? Write it with
        $n$.
        """,
        variables={"n": range(2, 40)}, what="the ratio",
        right=("(n + 1)/2", "(n^3 + n^2)/(2 n^2)", "n/2 + 1/2", "n(n + 1)/(2n)"),
        mistakes=[
            Mistake("second product forgotten", "n/2", "(AB)v has two products as well: n³ for "
                    "AB, and n² for the column."),
            Mistake("one product for two", "n + 1", "A(Bv) has two products with a column, n² "
                    "each."),
            Mistake("leading orders", "n", "n³ against n² is the order. Both bills have a second "
                    "term: n³ + n², and 2n²."),
            Mistake("difference", "n^3 - n^2", "That is how many more, not how many times as "
                    "many."),
            Mistake("upside down", "2/(n + 1)", "That is the second bill over the first."),
            Mistake("bill", "n^3 + n^2", "That is the first bill. Divide it by the second, 2n²."),
        ],
        solution="""
        $AB$ has $n^2$ entries of $n$ multiply-adds each, and its product with the column takes
        $n^2$ more. $Bv$ and $A(Bv)$ take $n^2$ each. The ratio is $(n^3 + n^2)/2n^2 = (n + 1)/2$:
        about 500 for a width of 1000. Turn everything around and $v^\\top A$ comes first: that is
        the loss at the end of a network, and reverse mode.
        """,
        code=brackets),
    Choice(
        "3.3", "The gradient of the weights, by the trace",
        r"""
        The weights of $Z = XW^\top$ move by $V$. What $Z$ is worth is $\Delta$, so the loss gains
        $\operatorname{tr}(\Delta^\top X V^\top)$. Bring this to the form
        $\operatorname{tr}(\bar W^\top V)$. Which derivation does it?
        """,
        options={
            "a": r"Turn the wheel: $\operatorname{tr}(V^\top\Delta^\top X)$. Now $V^\top$ stands "
                 r"first, and it is multiplied by the transpose of $\bar W = X^\top\Delta$.",
            "b": r"Transpose the whole: $\operatorname{tr}(V X^\top\Delta)$; turn the wheel: "
                 r"$\operatorname{tr}(X^\top\Delta V) = "
                 r"\operatorname{tr}((\Delta^\top X)^\top V)$.",
            "c": r"Exchange the last two: $\operatorname{tr}(\Delta^\top V^\top X)$, so "
                 r"$\bar W = \Delta X^\top$.",
            "d": r"Drop the transpose on $V$, since a trace does not see it: "
                 r"$\operatorname{tr}(\Delta^\top X V)$, so $\bar W = X^\top\Delta$.",
            "e": r"Transpose the first two: $\operatorname{tr}((\Delta X^\top)^\top V^\top)$, so "
                 r"$\bar W = \Delta X^\top$.",
        },
        right="b",
        mistakes=[
            Mistake("shape of the transpose", "a", "The gradient must have the shape of W. XᵀΔ has "
                    "that of its transpose; V and Vᵀ are not the same move."),
            Mistake("swapped factors", "c", "A trace lets the whole wheel turn. It does not let "
                    "two neighbours change places."),
            Mistake("half a transpose", "d", "tr(M) = tr(Mᵀ) transposes the whole product, which "
                    "also reverses it. One factor alone may not be transposed."),
            Mistake("worth moved", "e", "Δ Xᵀ would need as many columns in Δ as in X. What stands "
                    "beside V must have the shape of V."),
        ],
        solution=r"""
        A table and its transpose have the same diagonal, so
        $\operatorname{tr}(\Delta^\top XV^\top) = \operatorname{tr}(VX^\top\Delta)$; a product may
        be turned like a wheel, so that is $\operatorname{tr}(X^\top\Delta V)$; and
        $X^\top\Delta = (\Delta^\top X)^\top$. What $V$ is paired with is the gradient,
        $\bar W = \Delta^\top X$. With square tables the wrong ones fit as well, so a test needs
        sizes that differ.
        """,
        code=read_off),
    Repair(
        "3.4", "A path too many",
        r"""
        As in (3.4), $s$ feeds $u$, $m$ and $c$, $u$ feeds $m$ and $c$, and $m$ feeds $c$. The
        immediate slopes are $a$ from $s$ to $u$, $h$ from $s$ to $m$, $k$ from $s$ to $c$, $b$
        from $u$ to $m$, $g$ from $u$ to $c$, and $d$ from $m$ to $c$. Somebody derives the total
        slope of $c$ in $s$. Let all six be 1: there are four paths, each with the product 1, and
        the last line says 5. Name the false line, and write what stands there when it is right.
        """,
        variables={name: (-3, 3) for name in "abdghk"},
        lines=[
            Line(r"k + ag + hd + abd", "k + a g + h d + a b d"),
            Line(r"k + a(g + bd) + (h + ab)d", "k + a (g + b d) + (h + a b) d",
                 "by way of $u$, and by way of $m$"),
            Line(r"k + ag + abd + hd + abd", "k + a g + 2 a b d + h d", "multiply out"),
            Line(r"k + ag + hd + 2abd", "k + a g + h d + 2 a b d", "collect"),
        ],
        right=("k + a (g + b d) + h d", "k + a g + h d + a b d", "k + a g + (h + a b) d"),
        mistakes=[
            Mistake("collection doubted", (4, None), "Line 4 collects what line 3 has. The fifth "
                    "path was there before."),
            Mistake("product doubted", (3, None), "Line 3 multiplies two brackets out, and "
                    "rightly."),
            Mistake("as it stands", (2, "k + a (g + b d) + (h + a b) d"), "That is what line 2 "
                    "says already. In which terms does the path s → u → m → c stand?"),
            Mistake("path lost", (2, "k + a g + h d"), "Now the path s → u → m → c is not there "
                    "at all."),
            Mistake("direct step lost", (2, "a (g + b d) + h d"), "The direct step from s to c is "
                    "missing."),
            Mistake("only the long one", (2, "k + a b d"), "Three more paths lead from s to c."),
        ],
        solution=r"""
        $g + bd$ is the total slope of $c$ in $u$, and $h + ab$ that of $m$ in $s$. The path over
        both, $abd$, is in each of them. A sum over paths has one factor total and the other
        immediate: $k + a(g + bd) + hd$, sorted by the first step, or $k + ag + (h + ab)d$, sorted
        by the last.
        """,
        code=every_path_once),
]
