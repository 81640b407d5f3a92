"""Planted errors: the checker of derivations, checked.

A check that accepts everything passes every test of true statements. So every line of every
derivation is spoilt on purpose, a coefficient perturbed, a sign flipped, a term dropped, an
inequality turned round, and each spoilt line must be refused with a counterexample.
"""

import random
from dataclasses import dataclass

import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixElement

from nnbook.checking._errors import DerivationError, UndecidedError
from nnbook.checking.entries import apart
from nnbook.checking.judging import concrete, is_for_all_sizes, is_matrix, judge
from nnbook.checking.sampling import CannotEvaluate, Evaluator, candidates
from nnbook.checking.shapes import SIZES, free_indices
from nnbook.checking.written import size_symbols, written_out

__all__ = ["Perturbation", "perturb", "refusal"]

BUMP = sp.Rational(1001, 1000)     # a coefficient wrong in the fourth digit


@dataclass(frozen=True)
class Perturbation:
    """A spoilt line.

    Attributes
    ----------
    line : int
        Which line of the derivation, from 1.
    what : str
        What was done to it.
    expr : Basic
        The spoilt expression.
    relation : {"=", "<=", ">="}
        How the line before is said to compare with it.
    """

    line: int
    what: str
    expr: object
    relation: str = "="


def _scaled(e, factor):
    if isinstance(e, sp.MatrixBase):
        return e * factor
    if is_matrix(e):
        return sp.MatMul(factor, e, evaluate=False)
    return factor * e


def _rebuilt(e, path, new):
    if not path:
        return new
    args = list(e.args)
    args[path[0]] = _rebuilt(args[path[0]], path[1:], new)
    return e.func(*args)


def _places(e, path=()):
    """Yield (path, node) of every node that is part of the value, not of a limit or a variable."""
    yield path, e
    if isinstance(e, sp.Indexed | MatrixElement | sp.Idx | sp.MatrixSymbol | sp.KroneckerDelta
                  | sp.OneMatrix | sp.core.relational.Relational):
        return
    if isinstance(e, sp.Sum | sp.Product | sp.Derivative | sp.Integral | sp.Subs):
        yield from _places(e.args[0], (*path, 0))
        return
    if isinstance(e, sp.MatrixBase | sp.Lambda | sp.Tuple):
        return
    for k, a in enumerate(e.args):
        yield from _places(a, (*path, k))


def spoilt(e):
    """Yield (what was done, spoilt expression) for one line."""
    if e == 0:
        yield "0 made 1/1000", sp.Rational(1, 1000)
        return
    yield "coefficient of the line perturbed", _scaled(e, BUMP)
    yield "sign of the line flipped", _scaled(e, sp.Integer(-1))
    for path, node in _places(e):
        if isinstance(node, sp.Add | sp.MatAdd) and len(node.args) > 1:
            for k, term in enumerate(node.args):
                rest = [a for j, a in enumerate(node.args) if j != k]
                yield f"term {term} dropped", _rebuilt(
                    e, path, rest[0] if len(rest) == 1 else node.func(*rest))
                yield f"sign of {term} flipped", _rebuilt(e, path, node.func(
                    *node.args[:k], _scaled(term, sp.Integer(-1)), *node.args[k + 1:]))
        elif node.is_Rational and path:
            yield f"{node} perturbed", _rebuilt(e, path, node * BUMP if node else 1 - BUMP)


OPPOSITE = {"<=": ">=", ">=": "<="}


def _fails(left, right, relation):
    """Tell whether two numbers break a relation by more than rounding."""
    if relation == "=":
        gap = abs(left - right)
    else:     # a spoilt line may lose its realness, and then it bounds nothing
        gap = (left - right).real if relation == "<=" else (right - left).real
    return gap > max(1e-12 * max(abs(left), abs(right)), 1e-25)


def differs(left, right, domains_of, relation="="):
    """Tell, at other points than a derivation uses, whether a relation between two values fails.

    One point is enough against an equation. An inequality must fail at half of the points: a bound
    may be spoilt by so little that it breaks in one corner alone.
    """
    tried = failed = 0
    rng = random.Random("a second opinion")
    symbols = size_symbols(left, right)
    if any(is_for_all_sizes(e) for e in (left, right)):
        sizes = tuple(dict(zip(symbols, SIZES[1], strict=False)).items())
        first = {i: sp.Integer(1) for i in free_indices(left, right)}
        pairs = [first, {i: sp.Integer(k + 1) for k, i in enumerate(first)}]
        sides = [[written_out(apart(e).xreplace(p), sizes) for e in (left, right)] for p in pairs]
    else:
        sides = [[left, right]]
    for a, b in sides:
        entries = list(zip(a, b, strict=True)) if isinstance(a, sp.MatrixBase) else [(a, b)]
        for x, y in entries:
            free = sorted(x.free_symbols | y.free_symbols, key=lambda s: s.name)
            both = [Evaluator(concrete(side, 0), free) for side in (x, y)]
            for _ in range(4):
                point = {}
                for s in free:
                    point[s] = sp.Rational(rng.randint(1, 400), 101) if "[" in s.name else (
                        rng.choice(candidates(s, domains_of([s])[s], (), rng, 30)[6:]))
                try:
                    one, other = (side.at(point, 40) for side in both)
                except CannotEvaluate:
                    continue
                tried += 1
                if _fails(one, other, relation):
                    failed += 1
                    if relation == "=":
                        return True
    return 0 < tried <= 2 * failed


def perturb(derivation):
    """Yield every spoilt line of a derivation that really says something else.

    Parameters
    ----------
    derivation : Derivation

    Yields
    ------
    Perturbation
    """
    for k, line in enumerate(derivation.lines[1:], 1):
        if line.relation == "≈":
            continue
        before = derivation.lines[k - 1].value if line.relation in OPPOSITE else line.value
        seen = {derivation.meaning(line.expr)}
        for what, e in spoilt(line.expr):
            value = derivation.meaning(e)
            if value in seen:
                continue
            seen.add(value)
            if differs(before, value, derivation._domains, line.relation):
                yield Perturbation(k, what, e, line.relation)
        turned = OPPOSITE.get(line.relation)
        if turned and differs(before, line.value, derivation._domains, turned):
            yield Perturbation(k, "inequality turned round", line.expr, turned)


def refusal(derivation, perturbation):
    """Put a spoilt line in the place of the right one and return the counterexample.

    Raises
    ------
    AssertionError
        If the spoilt line is accepted, left undecided, or refused without a counterexample.
    """
    before = derivation.lines[perturbation.line - 1].value
    value = derivation.meaning(perturbation.expr)
    told = f"({derivation.number}), line {perturbation.line}, {perturbation.what}"
    try:
        level, how = judge(before, value, perturbation.relation, derivation._domains,
                           derivation.number, told)
    except DerivationError as error:
        if error.counterexample is None:
            raise AssertionError(f"{told}: refused without a counterexample: {error}") from error
        return error.counterexample
    except UndecidedError as error:
        raise AssertionError(f"{told}: left undecided: {error}") from error
    raise AssertionError(f"{told}: accepted at level {level} ({how})")
