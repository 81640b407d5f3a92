r"""Derivations: objects whose every step is checked, and from which the page is set.

A step is first sampled, so that a false one fails at once with values at which the two lines
differ. Then it is accepted at the strongest level that holds:

=====  ==========================================================================
S      an identity in free symbols: named rewritings reach the literal 0
A      a matrix identity for all shapes, instantiated besides at two sets of sizes
F      symbolic entries at fixed shapes, all sizes different and at least 2
N      sampled at 50 correct digits, the number of points stated
T      a theorem: hypotheses, proof, and a counterexample without each hypothesis
=====  ==========================================================================

A step that is neither refused nor accepted raises `UndecidedError`.
"""

import re
from dataclasses import dataclass

import sympy as sp

from nnbook.checking import render
from nnbook.checking._errors import Counterexample, DerivationError, UndecidedError
from nnbook.checking.judging import judge
from nnbook.checking.meaning import Meaning
from nnbook.checking.sampling import assumed_set

__all__ = ["Counterexample", "Definition", "Derivation", "DerivationError", "Line",
           "UndecidedError", "weakest"]

ORDER = "SAFNT"
RELATIONS = {"=": "=", "==": "=", "<=": "<=", "≤": "<=", ">=": ">=", "≥": ">="}


def weakest(levels):
    """Return the weakest of some levels: a derivation is as strong as its weakest step.

    Examples
    --------
    >>> weakest(["S", "N", "A"])
    'N'
    """
    return max(levels, key=ORDER.index)


@dataclass(frozen=True)
class Line:
    """One line: the expression as shown, what it means, and why it was accepted.

    Attributes
    ----------
    expr : Basic
        As the author wrote it, with its names.
    value : Basic
        The same with every name replaced by its meaning.
    reason, relation : str
        Shown beside the line; the relation to the line before ("=", "<=", ">=", "≈").
    level, evidence : str
        How the step was accepted. The first line has neither.
    """

    expr: object
    value: object
    reason: str = ""
    relation: str = ""
    level: str = ""
    evidence: str = ""

    @property
    def latex(self):
        """The expression in LaTeX."""
        return render.latex(self.expr)


def _refuse_floats(expression, what):
    floats = [] if isinstance(expression, str) else sorted(
        getattr(expression, "atoms", lambda *_: ())(sp.Float), key=str)
    if floats:
        near = sp.nsimplify(floats[0], rational=True, tolerance=1e-12)
        raise TypeError(f"{what} contains the float {floats[0]}, which is not exact; expected a "
                        f"rational, such as sp.Rational({near.p}, {near.q})")


def as_expression(expression, what):
    """Return a SymPy object without floats, or say which argument is not one."""
    try:
        expression = sp.sympify(expression, strict=True)
    except (sp.SympifyError, TypeError, AttributeError) as error:
        raise TypeError(f"{what} must be a SymPy expression, got "
                        f"{type(expression).__name__}: {expression!r}") from error
    if isinstance(expression, bool | sp.logic.boolalg.BooleanAtom):
        raise TypeError(f"{what} is {expression}: SymPy decided a comparison on the spot; "
                        f"expected an expression")
    _refuse_floats(expression, what)
    return expression


class Statement:
    """What definitions, derivations and theorems share: number, title, names, display."""

    kind = "derivation"

    def __init__(self, number, title, *, let=None, domain=None, given=None, symbol=None,
                 such_that=None):
        if not (isinstance(number, str) and re.fullmatch(r"\d+\.\d+[a-z]?", number)):
            raise ValueError(f"number must be a string such as '5.3' (chapter, point, equation), "
                             f"got {number!r}")
        if not isinstance(title, str) or not title.strip():
            raise ValueError(f"title must be a sentence for the page, got {title!r}")
        self.number = number
        self.title = title.strip()
        self.symbol = symbol
        self.given = [given] if isinstance(given, str) else list(given or ())
        if such_that and not self.given:
            raise ValueError(f"({number}) restricts its symbols by such_that; expected given= too, "
                             f"the words that tell the reader so")
        self.meaning = Meaning({**(such_that or {}), **(let or {})})
        self.let = dict(let or {})
        self._domain = domain
        self.lines = []

    @property
    def anchor(self):
        """The id of the equation in the page: ``eq-5-3``."""
        return "eq-" + self.number.replace(".", "-")

    @property
    def lhs(self):
        """The first expression, every name replaced by its meaning."""
        return self.lines[0].value

    @property
    def rhs(self):
        """What the first expression equals: the last line that "=" alone leads to."""
        last = self.lines[0]
        for line in self.lines[1:]:
            if line.relation not in ("=", ":="):
                break
            last = line
        return last.value

    @property
    def free(self):
        """The free scalar symbols, sorted by name."""
        found = set()
        for line in self.lines:
            found |= {s for s in line.value.free_symbols if isinstance(s, sp.Symbol)}
            found -= {i for s in line.value.atoms(sp.Idx) for i in s.free_symbols}
        return sorted(found, key=lambda s: s.name)

    @property
    def matrices(self):
        """The matrix symbols that are shown or meant, sorted by name."""
        found = set()
        for line in self.lines:
            found |= line.expr.atoms(sp.MatrixSymbol)
        return sorted(found, key=lambda m: m.name)

    @property
    def shown_domain(self):
        """The set of each letter that a reader sees and that no name defines; sizes left out."""
        found, sizes, bound = set(), set(), set()
        seen = [line.expr for line in self.lines]
        for key, value in self.let.items():
            inner = value.expr if isinstance(value, sp.Lambda) else value
            own = set(value.variables) if isinstance(value, sp.Lambda) else key.free_symbols
            seen.append(inner.xreplace({s: sp.Dummy(s.name) for s in own}))
        for e in seen:
            found |= {s for s in e.free_symbols if type(s) is sp.Symbol}
            for i in e.atoms(sp.Idx):
                bound |= i.free_symbols
            for m in e.atoms(sp.MatrixSymbol, sp.OneMatrix):
                sizes |= {s for n in m.shape for s in sp.sympify(n).free_symbols}
            for total in e.atoms(sp.Sum, sp.Product):
                sizes |= {s for _, low, high in total.limits for s in (high - low).free_symbols}
        named = {s for key in self.let if isinstance(key, sp.Basic) for s in key.free_symbols}
        shown = sorted(found - sizes - bound - named, key=lambda s: s.name)
        domains = self._domains(self.free)
        return {s: domains.get(s) or assumed_set(s) for s in shown
                if s in domains or s.is_real is not None or s.is_integer is not None}

    def check_complete(self):
        """Refuse to show a derivation that has fewer steps than it needs."""
        if not self.complete:
            raise DerivationError(
                f"({self.number}) {self.title} has {len(self.lines) - 1} step(s); a derivation "
                f"needs at least two. If nothing is to be proved, use Definition")

    @property
    def domain(self):
        """The set of each free scalar symbol, as a dict."""
        return self._domains(self.free)

    def _domains(self, symbols):
        given = self._domain
        if isinstance(given, sp.Set):
            if len(symbols) != 1:
                raise ValueError(f"domain is the single set {given}, but the symbols are "
                                 f"{', '.join(map(str, symbols))}; expected a dict from symbol "
                                 f"to set")
            given = {symbols[0]: given}
        elif given is not None and not isinstance(given, dict):
            raise TypeError(f"domain must be a SymPy set or a dict from symbol to set, got "
                            f"{type(given).__name__}: {given!r}")
        given = given or {}
        return {s: sp.Intersection(given[s], assumed_set(s)) if s in given else assumed_set(s)
                for s in symbols}

    @property
    def symbols(self):
        """The letters that the page shows, in LaTeX."""
        return render.letters(self)

    def _repr_latex_(self):
        return render.as_latex(self)

    def __str__(self):
        return render.as_plain(self)

    __repr__ = __str__

    def _repr_mimebundle_(self, include=None, exclude=None):
        return render.mimebundle(self)


class Derivation(Statement):
    """A chain of expressions, each checked equal to the one before.

    Parameters
    ----------
    number : str
        Chapter and equation, as in ``"5.3"``; the anchor in the page is ``eq-5-3``.
    title : str
        What is derived, in words.
    start : Expr, MatrixExpr or Matrix
        The first expression. Leave it unevaluated: ``sp.Derivative(f, z)``, ``sp.Sum(...)``.
    domain : Set or dict of Symbol to Set, optional
        Where the statement is claimed. By default what the symbols' assumptions say. It is part
        of the statement, shown with it, and its edges are sampled.
    let : dict, optional
        Names and what they stand for: ``{sigma: sp.Lambda(z, 1/(1 + sp.exp(-z)))}`` for a
        function, ``{s: expression}`` for a symbol, ``{p[i]: expression in i}`` for an indexed
        family. The page shows the name, the checks use the meaning.
    symbol : Symbol, MatrixSymbol or str, optional
        What stands at the far left of the first line.
    given : str or list of str, optional
        Further assumptions, in words, shown with the statement.
    such_that : dict, optional
        How every value that ``given`` allows arises, as in ``let``, but not shown. That the rows
        of Y sum to 1 is ``{y[k]: u[k] / sp.Sum(u[j], (j, 1, K))}``: each such y is one with u = y.

    Raises
    ------
    ValueError, TypeError
        If the number is not of the form "5.3", or an expression holds a float.

    Examples
    --------
    >>> import sympy as sp
    >>> z = sp.Symbol("z", real=True)
    >>> d = Derivation("5.4", "The hyperbolic tangent's slope", sp.Derivative(sp.tanh(z), z))
    >>> d = d.step(1 / sp.cosh(z)**2, "quotient rule on sinh/cosh")
    >>> d = d.step(1 - sp.tanh(z)**2, "cosh² − sinh² = 1")
    >>> d.level
    'S'
    >>> d.step(1 - sp.tanh(z), "a square forgotten")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
      ...
    nnbook.checking._errors.DerivationError: (5.4), step 3, "a square forgotten" is false: ...
    """

    def __init__(self, number, title, start, *, domain=None, let=None, symbol=None, given=None,
                 such_that=None):
        super().__init__(number, title, let=let, domain=domain, given=given, symbol=symbol,
                         such_that=such_that)
        start = as_expression(start, f"the start of ({number})")
        self.lines.append(Line(start, self.meaning(start)))

    @property
    def level(self):
        """The weakest level of its steps, a final rounding apart; "" before there is a step."""
        levels = [line.level for line in self.lines[1:] if line.relation != "≈"]
        return weakest(levels) if levels else ""

    @property
    def complete(self):
        """Whether it has the two steps that a derivation needs."""
        return len(self.lines) >= 3

    def step(self, expression, reason, *, relation="=", at_least=None, using=()):
        """Add a line, if it follows from the line before.

        Parameters
        ----------
        expression : Expr, MatrixExpr or Matrix
            The new line.
        reason : str
            Why it follows, shown beside the line; ``$...$`` is set as mathematics.
        relation : {"=", "<=", ">="}
            How the line before compares with this one.
        at_least : {"S", "A", "F", "N"}, optional
            The weakest level to put up with; a weaker proof leaves the step undecided.
        using : list of (coefficient, Derivation, dict), optional
            For an inequality: the difference of the two lines is a sum of differences that other
            derivations have proved not to be negative, each with its symbols replaced as the dict
            says and with a coefficient that is not negative.

        Returns
        -------
        Derivation
            The same object, so that steps chain.

        Raises
        ------
        DerivationError
            If the step is false, with a ``counterexample``, or repeats the line before it.
        UndecidedError
            If it is neither refuted nor proved.
        """
        where = f"({self.number}), step {len(self.lines)}"
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError(f"{where} has no reason; expected the words that stand beside it, "
                             f"such as 'quotient rule', got {reason!r}")
        if relation not in RELATIONS:
            raise ValueError(f"{where}: relation must be '=', '<=' or '>=', got {relation!r}")
        relation = RELATIONS[relation]
        expression = as_expression(expression, where)
        before = self.lines[-1]
        if expression == before.expr or render.latex(expression) == before.latex:
            raise DerivationError(f'{where}, "{reason}" repeats the line before it; expected a '
                                  f"line that reads differently")
        value = self.meaning(expression)
        told = f'{where}, "{reason}"'
        level, evidence = judge(before.value, value, relation, self._domains, self.number, told,
                                [lemma_gap(*lemma, told) for lemma in using])
        if at_least and ORDER.index(level) > ORDER.index(at_least):
            raise UndecidedError(f"{told} was asked to hold at level {at_least} and reached only "
                                 f"{level} ({evidence}); write a smaller step")
        self.lines.append(Line(expression, value, reason, relation, level, evidence))
        return self

    def at_most(self, expression, reason, **options):
        """Add a line that is greater than or equal to the line before."""
        return self.step(expression, reason, relation="<=", **options)

    def at_least(self, expression, reason, **options):
        """Add a line that is less than or equal to the line before."""
        return self.step(expression, reason, relation=">=", **options)

    def approximately(self, digits, reason="rounded"):
        """Add a decimal, right to half a unit in its last digit.

        Parameters
        ----------
        digits : str
            The decimal as it is to be read, such as ``"1.1289"``.
        reason : str
            Shown beside the line.
        """
        where = f'({self.number}), step {len(self.lines)}, "{reason}"'
        if not (isinstance(digits, str) and re.fullmatch(r"-?\d+(\.\d+)?", digits)):
            raise ValueError(f"{where}: digits must be a decimal in quotes such as '1.1289', got "
                             f"{digits!r}")
        value = self.lines[-1].value
        if value.free_symbols:
            raise ValueError(f"{where}: the line before still depends on "
                             f"{', '.join(sorted(map(str, value.free_symbols)))}")
        exact = sp.N(value.doit(), 60)
        places = len(digits.partition(".")[2])
        if abs(exact - sp.Rational(digits)) > sp.Rational(1, 2) / 10**places:
            raise DerivationError(
                f"{where} is false: the line before is {sp.N(exact, places + 4)}, which does not "
                f"round to {digits}", Counterexample({}, str(sp.N(exact, 15)), digits))
        decimal = sp.Symbol(digits.replace("-", "−"))
        self.lines.append(Line(decimal, sp.Rational(digits), reason, "≈", "N",
                               f"evaluated to 60 digits and rounded to {places} decimals"))
        return self


def lemma_gap(coefficient, lemma, at, told):
    """Return (number, coefficient times the difference that a lemma proved non-negative)."""
    signs = {line.relation for line in lemma.lines[1:]} - {"="}
    if lemma.level not in ("S", "A") or len(signs) != 1 or not signs <= {"<=", ">="}:
        raise ValueError(f"{told} uses ({lemma.number}), which is not an inequality proved at S "
                         f"or A")
    coefficient = sp.sympify(coefficient)
    if not coefficient.is_nonnegative:
        raise ValueError(f"{told} uses ({lemma.number}) times {coefficient}, which is not known "
                         f"to be at least 0")
    first, last = (line.value.doit() for line in (lemma.lines[0], lemma.lines[-1]))
    gap = last - first if signs == {"<="} else first - last
    return lemma.number, coefficient * gap.xreplace(dict(at))


class Definition(Statement):
    """A name and what it means: one line, nothing to prove.

    Parameters
    ----------
    number, title : str
        As for `Derivation`.
    lhs : Expr
        The name: ``sigma(z)``, a symbol, a MatrixSymbol, ``p[i]``.
    rhs : Expr
        Its meaning.

    Examples
    --------
    >>> import sympy as sp
    >>> z = sp.Symbol("z", real=True)
    >>> sigma = sp.Function("sigma", real=True)
    >>> d = Definition("5.2", "The logistic function", sigma(z), 1 / (1 + sp.exp(-z)))
    >>> print(d)
    (5.2) The logistic function [definition]
    σ(z) := 1/(1 + e⁻ᶻ)   for z ∈ ℝ
    """

    kind = "definition"
    level = "definition"
    complete = True

    def __init__(self, number, title, lhs, rhs, *, domain=None, let=None, given=None):
        super().__init__(number, title, let=let, domain=domain, given=given)
        lhs = as_expression(lhs, f"the name of ({number})")
        rhs = as_expression(rhs, f"the meaning of ({number})")
        self.let = {**self.let, **Meaning.entry(lhs, rhs)}
        if lhs in sp.preorder_traversal(rhs):
            raise DerivationError(f"({number}) defines {lhs} by itself")
        self.lines = [Line(lhs, self.meaning(rhs)),
                      Line(rhs, self.meaning(rhs), "", ":=", "definition", "")]
