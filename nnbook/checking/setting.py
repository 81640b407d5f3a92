"""Typesetting of functions, calculus and matrices: one half of `typeset.Typesetter`."""

from dataclasses import dataclass

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction

from nnbook.checking.reading import BARE, is_letter, letters

SUM, PRODUCT, UNARY, POWER, ATOM = 1, 2, 3, 4, 5


@dataclass(frozen=True)
class Piece:
    """A printed part: its text, how tightly it binds, and whether it stands tall."""

    text: str
    bind: int = ATOM
    tall: bool = False


class Setting:
    """How functions, derivatives, sums and matrices are set; the rest is in `Typesetter`."""

    # -- functions -----------------------------------------------------------------------
    def elementary(self, e, power=None):
        """Set a function that has a name of its own."""
        words = {"log": "ln", "Max": "max", "Min": "min", "acos": "arccos", "asin": "arcsin",
                 "atan": "arctan"}
        word = words.get(e.func.__name__, e.func.__name__)
        known = BARE | {"max", "min", "exp", "arg", "arccos", "arcsin", "arctan"}
        head = word if not self.tex else "\\" + word if word in known else (
            rf"\operatorname{{{word}}}")
        return self.call(head, e.args, power)

    def _Function(self, e):
        return self.elementary(e)

    def _AppliedUndef(self, e):
        return self.call(self.name(e.func.__name__), e.args)

    def _UndefinedFunction(self, e):
        return Piece(self.name(e.__name__))

    def _MinMaxBase(self, e):
        return self.elementary(e)

    def _Abs(self, e):
        inner = self.piece(e.args[0])
        if self.tex:
            left, right = (r"\left\lvert ", r" \right\rvert") if inner.tall else (
                r"\lvert ", r" \rvert")
            return Piece(left + inner.text + right, ATOM, inner.tall)
        return Piece(f"|{inner.text}|")

    def _Heaviside(self, e):
        if len(e.args) > 1 and e.args[1] == 0:
            return Piece(f"[{self(e.args[0])} > 0]")
        return self.call("H", e.args[:1])

    def _floor(self, e):
        left, right = (r"\lfloor ", r" \rfloor") if self.tex else ("⌊", "⌋")
        return Piece(left + self(e.args[0]) + right)

    def _Piecewise(self, e):
        rows = []
        for value, condition in e.args:
            when = "otherwise" if condition == sp.true else self(condition)
            if self.tex:
                lead = r"\text{otherwise}" if condition == sp.true else rf"\text{{if }} {when}"
                rows.append(f"{self(value)} & {lead}")
            else:
                rows.append(f"{self(value)} {'if ' if condition != sp.true else ''}{when}")
        if self.tex:
            return Piece(r"\begin{cases}" + r" \\ ".join(rows) + r"\end{cases}", SUM, True)
        return Piece("{" + "; ".join(rows) + "}")

    def _Relational(self, e):
        signs = {"Gt": (">", ">"), "Lt": ("<", "<"), "Ge": (r"\ge", "≥"), "Le": (r"\le", "≤"),
                 "Eq": ("=", "="), "Ne": (r"\ne", "≠")}
        names_ = {"StrictGreaterThan": "Gt", "StrictLessThan": "Lt", "GreaterThan": "Ge",
                  "LessThan": "Le", "Equality": "Eq", "Unequality": "Ne"}
        sign = signs[names_[e.func.__name__]][0 if self.tex else 1]
        return Piece(f"{self(e.lhs)} {sign} {self(e.rhs)}", 0)

    # -- calculus ------------------------------------------------------------------------
    def _Derivative(self, e):
        return self.slope(e)

    def slope(self, e):
        """Set a derivative: f′(x), dp/dz, or d/dz in front of what is differentiated."""
        variables = e.variables
        function = e.expr
        if isinstance(function, AppliedUndef) and len(function.args) == 1 \
                and set(variables) == {function.args[0]} and len(variables) <= 3:
            head = self.name(function.func.__name__)
            return self.call(head + ("'" if self.tex else "′") * len(variables), function.args)
        several = len(function.free_symbols | letters(function)) > 1
        d = (r"\partial" if several else r"\mathrm{d}") if self.tex else "∂" if several else "d"
        order = len(variables)
        down = " ".join(f"{d} {self(v)}" if several and self.tex else f"{d}{self(v)}"
                        for v in variables)
        if order > 1 and len(set(variables)) == 1:
            head = self.power(Piece(d), str(order)).text
            down = f"{d}{' ' if several and self.tex else ''}" + self.power(
                self.piece(variables[0]), str(order)).text
        else:
            head = d if order == 1 else self.power(Piece(d), str(order)).text
        inner = self.piece(function)
        if isinstance(function, AppliedUndef) and len(function.args) > 1 and all(
                a.is_Symbol for a in function.args):
            inner = Piece(self.name(function.func.__name__))     # ∂ℓ/∂w, its arguments understood
            function = sp.Symbol("f")
        gap = " " if head.startswith("\\partial") else ""
        if is_letter(function):
            up = head + gap + inner.text
            return self.fraction(Piece(up), Piece(down.replace(" ", "") if not self.tex else down))
        if self.tex:
            front = rf"\frac{{{head}}}{{{down}}}"
        else:
            front = f"{head}/{down.replace(' ', '')}"
        if inner.bind < PRODUCT or function.is_Mul or isinstance(function, sp.Piecewise):
            inner = self.brackets(inner, "[", "]")
        return Piece(f"{front} {inner.text}", PRODUCT, True)

    def _Subs(self, e):
        if len(e.variables) == 1 and isinstance(e.expr, sp.Derivative):
            inner = e.expr
            if isinstance(inner.expr, AppliedUndef) and inner.expr.args == (e.variables[0],):
                head = self.name(inner.expr.func.__name__)
                marks = ("'" if self.tex else "′") * len(inner.variables)
                return self.call(head + marks, e.point)
        at = ", ".join(f"{self(v)} = {self(x)}" if not self.tex else f"{self(v)}={self(x)}"
                       for v, x in zip(e.variables, e.point, strict=True))
        inner = self.at_least(e.expr, PRODUCT)
        if self.tex:
            return Piece(rf"\left. {inner.text} \right|_{{{at}}}", PRODUCT, True)
        return Piece(f"{inner.text} at {at}", SUM)

    def limits(self, e, symbol, word):
        """Set a sum, product or integral sign with its range."""
        out = ""
        for limit in reversed(e.limits):
            index, *ends = limit
            if len(ends) == 2:
                low, high = self(ends[0]), self(ends[1])
                out += (rf"{symbol}_{{{self(index)}={low}}}^{{{high}}} " if self.tex
                        else f"{word}({self(index)}={low}..{high}) ")
            else:
                out += (rf"{symbol}_{{{self(index)}}} " if self.tex
                        else f"{word}({self(index)}) ")
        inner = self.piece(e.function)
        if inner.bind < PRODUCT:
            inner = self.brackets(inner)
        return Piece(out + inner.text, PRODUCT, True)

    def _Sum(self, e):
        return self.limits(e, r"\sum", "Σ")

    def _Product(self, e):
        return self.limits(e, r"\prod", "Π")

    def _Integral(self, e):
        limit = e.limits[0]
        inner = self.at_least(e.function, PRODUCT)
        if self.tex:
            ends = f"_{{{self(limit[1])}}}^{{{self(limit[2])}}}" if len(limit) == 3 else ""
            return Piece(rf"\int{ends} {inner.text}\,\mathrm{{d}}{self(limit[0])}", PRODUCT, True)
        ends = f"({self(limit[1])}..{self(limit[2])})" if len(limit) == 3 else ""
        return Piece(f"∫{ends} {inner.text} d{self(limit[0])}", PRODUCT)

    # -- matrices ------------------------------------------------------------------------
    def _Transpose(self, e):
        if isinstance(e.arg, sp.MatrixSymbol):
            return Piece(self.name(e.arg.name, r"\top"), POWER)
        held = self.at_least(e.arg, ATOM)
        return Piece(held.text + (r"^{\top}" if self.tex else "ᵀ"), POWER, held.tall)

    def _HadamardProduct(self, e):
        factors = sorted(e.args, key=lambda f: isinstance(f, ElementwiseApplyFunction))
        pieces = []
        for f in factors:
            piece = self.piece(f)
            pieces.append(piece if piece.bind > PRODUCT else self.brackets(piece))
        return Piece((r" \odot " if self.tex else " ⊙ ").join(p.text for p in pieces), PRODUCT,
                     any(p.tall for p in pieces))

    def _ElementwiseApplyFunction(self, e):
        function = e.function
        if isinstance(function, sp.Lambda) and len(function.variables) == 1:
            body, variable = function.expr, function.variables[0]
            if isinstance(body, AppliedUndef) and body.args == (variable,):
                return self.call(self.name(body.func.__name__), [e.expr])
            if isinstance(body, sp.Derivative) and isinstance(body.expr, AppliedUndef) \
                    and set(body.variables) == {variable}:
                marks = ("'" if self.tex else "′") * len(body.variables)
                return self.call(self.name(body.expr.func.__name__) + marks, [e.expr])
            if isinstance(e.expr, sp.MatrixSymbol):
                return self.piece(body.xreplace({variable: sp.Symbol(e.expr.name)}))
        return self.call("f", [e.expr])

    def _Trace(self, e):
        return self.call(r"\operatorname{tr}" if self.tex else "tr", [e.arg])

    def _OneMatrix(self, e):
        one = r"\mathbf{1}" if self.tex else "1"
        if 1 in e.shape:
            return Piece(one)
        return Piece(one + (r" \mathbf{1}^{\top}" if self.tex else " 1ᵀ"), PRODUCT)

    def _RowSoftmax(self, e):
        return self.call(r"\operatorname{softmax}" if self.tex else "softmax", e.args)

    def _Identity(self, e):
        return Piece("I")

    def _ZeroMatrix(self, e):
        return Piece("0")

    def _MatrixBase(self, e):
        rows = [[self(x) for x in e.row(r)] for r in range(e.rows)]
        if self.tex:
            body = r" \\ ".join(" & ".join(row) for row in rows)
            return Piece(rf"\begin{{pmatrix}} {body} \end{{pmatrix}}", ATOM, True)
        return Piece("(" + "; ".join(", ".join(row) for row in rows) + ")")

    _ImmutableDenseMatrix = _MutableDenseMatrix = _MatrixBase

    def _UnevaluatedExpr(self, e):
        return self.piece(e.args[0])

    def _Tuple(self, e):
        return self.brackets(Piece(", ".join(self(x) for x in e.args), SUM,
                                   any(self.piece(x).tall for x in e.args)))
