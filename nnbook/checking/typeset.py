r"""Typesetting: expressions as a textbook sets them, in LaTeX and in a terminal.

SymPy's printer writes ``\left(1 - \sigma{\left(z \right)}\right) \sigma{\left(z \right)}``; a book
writes ``\sigma(z)(1 - \sigma(z))``. One class does both dialects, so that the two cannot differ.
Factors are set in the order numbers, letters, functions, brackets; a product or sum that was
built with ``evaluate=False`` in another order keeps the order in which it was written.
"""

import sympy as sp

from nnbook.checking import names
from nnbook.checking.reading import BARE, negative, rank, roots, size
from nnbook.checking.setting import ATOM, POWER, PRODUCT, SUM, UNARY, Piece, Setting


class Typesetter(Setting):
    """Print expressions in one dialect; collect the letters that were used.

    Parameters
    ----------
    dialect : {"tex", "plain"}
        LaTeX, or Unicode on one line.
    """

    def __init__(self, dialect="tex"):
        self.tex = dialect == "tex"
        self.used = {}

    def __call__(self, e):
        """Return the printed form of an expression."""
        return self.piece(e).text

    # -- parts ---------------------------------------------------------------------------
    def name(self, text, extra=""):
        """Set a letter and note that it was used."""
        self.used.setdefault(names.base(text), text)
        return names.tex(text, extra) if self.tex else names.plain(
            text, "ᵀ" if extra == r"\top" else extra)

    def brackets(self, piece, left="(", right=")"):
        """Put brackets around a piece, growing ones only where it is tall."""
        if not self.tex:
            return Piece(f"{left}{piece.text}{right}")
        if piece.tall:
            return Piece(rf"\left{left} {piece.text} \right{right}", ATOM, True)
        return Piece(f"{left}{piece.text}{right}")

    def at_least(self, e, bind):
        """Print ``e``, in brackets if it binds less tightly than its place asks."""
        piece = e if isinstance(e, Piece) else self.piece(e)
        return piece if piece.bind >= bind else self.brackets(piece)

    def power(self, base, exponent):
        """Raise a printed base to a printed exponent."""
        if self.tex:
            short = len(exponent) == 1
            return Piece(f"{base.text}^{exponent}" if short else f"{base.text}^{{{exponent}}}",
                         POWER, base.tall)
        up = names.raised(exponent, 6)
        if up:
            return Piece(base.text + up, POWER)
        if not (exponent.isascii() and exponent.isalnum()):
            exponent = f"({exponent})"
        return Piece(f"{base.text}^{exponent}", POWER)

    def fraction(self, top, bottom):
        """Set a fraction."""
        if self.tex:
            return Piece(rf"\frac{{{top.text}}}{{{bottom.text}}}", POWER, True)
        top = self.at_least(top, PRODUCT)
        bottom = self.at_least(bottom, POWER)
        return Piece(f"{top.text}/{bottom.text}", PRODUCT)

    def call(self, head, args, power=None):
        """Set f(x, y), without brackets for ``tanh z``."""
        pieces = [self.piece(a) for a in args]
        mark = ""
        if power is not None:
            mark = self.power(Piece(""), power).text
        word = head.lstrip("\\")
        if word in BARE and len(args) == 1 and (args[0].is_Symbol or (args[0].is_Integer
                                                and args[0] >= 0)):
            return Piece(f"{head}{mark} {pieces[0].text}", UNARY)
        inner = Piece(", ".join(p.text for p in pieces), SUM, any(p.tall for p in pieces))
        closed = self.brackets(inner)
        return Piece(f"{head}{mark}{closed.text}", POWER if not mark else UNARY, closed.tall)

    # -- dispatch ------------------------------------------------------------------------
    def piece(self, e):
        """Print by the class of the expression, or fall back to SymPy's own form."""
        if isinstance(e, Piece):
            return e
        if isinstance(e, str):
            return Piece(e)
        for cls in type(e).__mro__:
            method = getattr(self, "_" + cls.__name__, None)
            if method is not None:
                return method(e)
        return Piece(sp.latex(e) if self.tex else str(e), SUM)

    # -- numbers and letters --------------------------------------------------------------
    def _Integer(self, e):
        minus = "-" if self.tex else "−"
        return Piece(str(e) if e >= 0 else f"{minus}{-e}", ATOM if e >= 0 else SUM)

    def _Rational(self, e):
        if e.q == 1:
            return self._Integer(e)
        body = self.fraction(Piece(str(abs(e.p))), Piece(str(e.q)))
        if e.p < 0:
            return Piece(("-" if self.tex else "−") + body.text, SUM, body.tall)
        return body

    def _Float(self, e):
        return Piece(str(e).rstrip("0").rstrip("."))

    def _Exp1(self, e):
        return Piece("e")

    def _Pi(self, e):
        return Piece(r"\pi" if self.tex else "π")

    def _Infinity(self, e):
        return Piece(r"\infty" if self.tex else "∞")

    def _NegativeInfinity(self, e):
        return Piece(r"-\infty" if self.tex else "−∞", SUM)

    def _Symbol(self, e):
        return Piece(self.name(e.name))

    def _Idx(self, e):
        return self.piece(e.label)

    def _Str(self, e):
        return Piece(self.name(e.name))

    def _MatrixSymbol(self, e):
        return Piece(self.name(e.name))

    # -- indices -------------------------------------------------------------------------
    def subscript(self, head, indices):
        """Set a_ij, with commas only where an index is more than a letter or a digit."""
        shown = [self.piece(i).text for i in indices]
        joined = ("" if all(len(s) == 1 or s.startswith("\\") for s in shown) else ", ").join(shown)
        if self.tex:
            return Piece(f"{head}_{joined}" if len(joined) == 1 else f"{head}_{{{joined}}}")
        low = names.lowered(joined)
        return Piece(head + (low if low else f"[{joined}]"))

    def _Indexed(self, e):
        head = self.name(str(e.base.label))
        if self.tex and "_" in head:
            head = f"{{{head}}}"
        return self.subscript(head, e.indices)

    def _IndexedBase(self, e):
        return Piece(self.name(str(e.label)))

    def _MatrixElement(self, e):
        if isinstance(e.parent, sp.MatrixSymbol):
            return self.subscript(self.name(e.parent.name), (e.i, e.j))
        return self.subscript(self.brackets(self.piece(e.parent)).text, (e.i, e.j))

    def _KroneckerDelta(self, e):
        return self.subscript(r"\delta" if self.tex else "δ", e.args[:2])

    # -- sums and products ---------------------------------------------------------------
    def terms(self, e):
        """Return the terms in reading order: as written if so built, else positive first."""
        if e.func(*e.args).args != e.args:
            return list(e.args)
        if isinstance(e, sp.MatrixExpr):     # A W + 1b: the repeated bias comes last
            ordered = sorted(e.args, key=lambda t: t.has(sp.OneMatrix))
        elif e.is_polynomial(*e.free_symbols):
            ordered = list(e.as_ordered_terms())
        else:     # 1 + e^z, z + ln(1 + e^-z), σ + zσ(1 − σ): the short terms first
            ordered = sorted(e.as_ordered_terms(), key=lambda t: (not t.is_Rational, size(t)))
        if negative(ordered[0]):
            for k, term in enumerate(ordered):
                if not negative(term):
                    return [term, *ordered[:k], *ordered[k + 1:]]
        return ordered

    def _Add(self, e):
        out, tall = "", False
        minus = "-" if self.tex else "−"
        for term in self.terms(e):
            piece = self.piece(term)
            text = piece.text
            if isinstance(term, sp.Add) or (piece.bind < PRODUCT and not text.startswith(minus)):
                text = self.brackets(piece).text
            if not out:
                out = text
            elif text.startswith(minus):
                out += f" {minus} {text[len(minus):]}"
            else:
                out += f" + {text}"
            tall |= piece.tall
        return Piece(out, SUM, tall)

    _MatAdd = _Add

    def _Mul(self, e):
        written = isinstance(e, sp.Mul) and e.func(*e.args).args != e.args
        minus = "-" if self.tex else "−"
        factors = list(e.args)
        if not written:
            factors = sorted(factors, key=rank)
        sign = ""
        if factors[0].is_Rational and factors[0] < 0:
            sign, factors[0] = minus, -factors[0]
            if factors[0] == 1 and len(factors) > 1:
                factors = factors[1:]
        top, bottom = [], []
        factors = factors if written else roots(factors)
        for f in factors:
            if f.is_Rational and not f.is_Integer:
                top += [sp.Integer(f.p)] if f.p != 1 else []
                bottom.append(sp.Integer(f.q))
            elif f.func is sp.exp and f.args[0].is_Rational and f.args[0] < 0:
                bottom.append(sp.exp(-f.args[0]))
            elif f.is_Pow and f.exp.is_Rational and f.exp < 0:
                bottom.append(sp.Pow(f.base, -f.exp, evaluate=f.exp == -1))
            else:
                top.append(f)
        front = ""
        if bottom and all(b.is_Integer for b in bottom) and any(
                isinstance(f, sp.Add | sp.Sum | sp.Derivative | sp.MatrixExpr | sp.Integral
                           | sp.log) for f in top):
            numbers = [f for f in top if f.is_Integer]
            half = self.fraction(self.product(numbers) if numbers else Piece("1"),
                                 self.product(bottom))
            top = [f for f in top if not f.is_Integer]
            front = half.text + (r"\," if self.tex else " ")
            bottom = []
        loose = [f for f in top if isinstance(f, sp.Derivative | sp.Sum | sp.Integral)]
        if bottom and loose:
            rest = [f for f in top if f not in loose]
            part = self.fraction(self.product(rest) if rest else Piece("1"), self.product(bottom))
            front = part.text + (r"\," if self.tex else " ")
            top, bottom = loose, []
        body = self.product(top) if top else Piece("1")
        if front:
            body = self.at_least(body, PRODUCT)
        if bottom:
            body = self.fraction(body, self.product(bottom))
        tall = body.tall or bool(front)
        return Piece(sign + front + body.text, SUM if sign else min(body.bind, PRODUCT), tall)

    def product(self, factors):
        """Set factors side by side, in brackets where they must be."""
        if len(factors) == 1:
            return self.piece(factors[0])
        out, tall, before = "", False, None
        for k, f in enumerate(factors):
            piece = self.piece(f)
            last = k == len(factors) - 1
            loose = (sp.Sum, sp.Derivative, sp.Integral, sp.Product)
            if piece.bind < PRODUCT or (isinstance(f, loose) and not last):
                piece = self.brackets(piece)
            elif isinstance(f, sp.HadamardProduct | sp.Mul) or (piece.bind == UNARY and not last):
                piece = self.brackets(piece)
            out += self.joint(before, f, out, piece.text) + piece.text
            tall |= piece.tall
            before = f
        return Piece(out, PRODUCT, tall)

    def joint(self, before, f, left, right):
        """Return what stands between two factors: nothing, a thin space, or a dot."""
        if before is None:
            return ""
        digits = right[0].isdigit() or right.startswith(r"\frac{")
        if (digits and left[-1:].isdigit()) or (before.is_Rational and f.is_Rational):
            return r" \cdot " if self.tex else "·"
        if left.endswith(")") and right.startswith("("):
            return ""
        if right.startswith("(") and not (before.is_Symbol or isinstance(before, sp.MatrixSymbol)):
            return ""
        if right.startswith(r"\left"):
            return ""
        word = ((len(right) > 1 and right[:2].isascii() and right[:2].isalpha())
                or right.startswith("\\ln"))
        return "" if left[-1:].isdigit() and not word else " "

    def _MatMul(self, e):
        minus = "-" if self.tex else "−"
        factors = list(e.args)
        sign = ""
        if factors[0].is_Rational and factors[0] < 0:
            sign, factors[0] = minus, -factors[0]
            factors = factors[1:] if factors[0] == 1 else factors
        scalars = [f for f in factors if not getattr(f, "is_Matrix", False)]
        rest = [f for f in factors if getattr(f, "is_Matrix", False)]
        bottom = []
        if scalars:
            top, under = sp.fraction(sp.Mul(*scalars))
            scalars = [] if top == 1 else [top]
            bottom = [] if under == 1 else [under]
        pieces = [self.at_least(f, PRODUCT) for f in scalars]
        for f in rest:
            piece = self.piece(f)
            loose = piece.bind < PRODUCT or isinstance(f, sp.HadamardProduct | sp.MatMul)
            pieces.append(self.brackets(piece) if loose else piece)
        out = ""
        for piece in pieces:
            out += (" " if out else "") + piece.text
        tall = any(p.tall for p in pieces)
        if bottom:
            front = self.fraction(Piece("1"), self.piece(bottom[0]))
            if len(rest) == 1:
                top = self.piece(rest[0]) if not scalars else Piece(out, PRODUCT)
                body = self.fraction(top, self.piece(bottom[0]))
                return Piece(sign + body.text, SUM if sign else PRODUCT, True)
            out, tall = front.text + (r"\," if self.tex else " ") + out, True
        return Piece(sign + out, SUM if sign else PRODUCT, tall)

    def _Pow(self, e):
        base, exponent = e.args
        if exponent == sp.S.Half:
            inner = self.piece(base)
            if self.tex:
                return Piece(rf"\sqrt{{{inner.text}}}", ATOM, inner.tall)
            return Piece("√" + self.at_least(inner, ATOM).text, POWER)
        if exponent.is_Rational and exponent < 0:
            under = sp.Pow(base, -exponent, evaluate=exponent == -1)
            return self.fraction(Piece("1"), self.piece(under))
        if isinstance(base, sp.tanh | sp.sinh | sp.cosh | sp.sin | sp.cos | sp.log) \
                and exponent.is_Integer and exponent > 0:
            return self.elementary(base, str(exponent))
        shown = self.slashed(exponent)
        held = self.piece(base)
        loose = held.bind < POWER or isinstance(base, sp.Pow | sp.exp)
        return self.power(self.brackets(held) if loose else held, shown)

    def slashed(self, e):
        """Print an exponent, with fractions on one line."""
        if not self.tex:
            return self(e).replace(" ", "")
        top, bottom = sp.fraction(e)
        if bottom != 1:
            low = self.at_least(bottom, POWER).text
            return f"{self.at_least(top, PRODUCT).text if not negative(top) else self(top)}/{low}"
        return self(e)

    def _exp(self, e):
        if e.args[0] == 1:
            return Piece("e")
        if e.args[0].has(sp.Sum, sp.Piecewise):
            return self.call(r"\exp" if self.tex else "exp", e.args)
        return self.power(Piece("e"), self.slashed(e.args[0]))

    def _binomial(self, e):
        if not self.tex:
            return self.call("C", e.args)
        above, below = (self.piece(a).text for a in e.args)
        return Piece(rf"\binom{{{above}}}{{{below}}}", POWER, True)
