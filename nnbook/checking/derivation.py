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

import sympy as sp

from nnbook.checking import render
from nnbook.checking._errors import Counterexample, DerivationError, UndecidedError
from nnbook.checking.judging import judge
from nnbook.checking.meaning import Meaning
from nnbook.checking.statement import ORDER, Line, Statement, as_expression, weakest

__all__ = ["Counterexample", "Definition", "Derivation", "DerivationError", "Line",
           "UndecidedError", "weakest"]
RELATIONS = {"=": "=", "==": "=", "<=": "<=", "≤": "<=", ">=": ">=", "≥": ">="}


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
        if at_least not in (None, *ORDER):
            raise ValueError(f"{where}: at_least must be one of {', '.join(ORDER)}, got "
                             f"{at_least!r}")
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
