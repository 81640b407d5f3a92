"""The verdict on one step: refused with a counterexample, accepted at a level, or undecided."""

import contextlib
import signal
import threading
import time

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.matexpr import MatrixElement

from nnbook.checking import corners, names, rewriting, sampling
from nnbook.checking._errors import Counterexample, DerivationError, UndecidedError

GUARD_SECONDS = 60


class _Runaway(Exception):
    pass


@contextlib.contextmanager
def guard():
    """Stop a runaway step. Where no alarm can be set (Windows, threads), let it run."""
    usable = hasattr(signal, "SIGALRM") and (
        threading.current_thread() is threading.main_thread())
    remaining = signal.getitimer(signal.ITIMER_REAL)[0] if usable else 0
    if not usable or 0 < remaining <= GUARD_SECONDS:     # someone else stops it sooner
        yield
        return

    def stop(signum, frame):
        raise _Runaway

    before = signal.signal(signal.SIGALRM, stop)
    started = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, GUARD_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if remaining:     # give an outer alarm, such as a test's, what is left of its time
            left = max(remaining - (time.monotonic() - started), 0.01)
            signal.setitimer(signal.ITIMER_REAL, left)


def is_matrix(e):
    """Tell whether an expression stands for a whole matrix."""
    if isinstance(e, sp.Derivative):
        return any(isinstance(v, sp.MatrixSymbol) for v in e.variables)
    if isinstance(e, sp.Mul | sp.Add):     # SymPy takes a derivative by a matrix for a number
        return any(is_matrix(a) for a in e.args)
    return isinstance(e, sp.MatrixExpr | sp.MatrixBase) and not isinstance(e, MatrixElement)


def is_for_all_sizes(e):
    """Tell whether an expression holds indices or matrices of symbolic size."""
    if e.has(sp.Indexed, sp.KroneckerDelta, sp.MatrixSymbol, MatrixElement, sp.OneMatrix,
             sp.Identity, sp.ZeroMatrix):
        return True
    return any(not (low.is_number and high.is_number)
               for s in e.atoms(sp.Sum) for _, low, high in s.limits)


def judge(left, right, relation, domains_of, number, told, lemmas=()):
    """Return (level, evidence) of a step, or raise.

    Parameters
    ----------
    left, right : Basic
        The line before and the new line, names replaced.
    relation : {"=", "<=", ">="}
    domains_of : callable
        From a list of symbols to their sets.
    number, told : str
        The derivation's number, which seeds the sample, and how to name the step in an error.

    Raises
    ------
    DerivationError
        If some sampled point refutes it.
    UndecidedError
        If nothing decides it.
    """
    try:
        with guard():
            if is_matrix(left) != is_matrix(right):
                kinds = ["a matrix" if is_matrix(e) else "a number" for e in (left, right)]
                raise DerivationError(f"{told} is false: the line before is {kinds[0]} and this "
                                      f"line is {kinds[1]}")
            if isinstance(left, sp.MatrixBase) and isinstance(right, sp.MatrixBase):
                return _explicit(left, right, relation, domains_of, number, told)
            if is_for_all_sizes(left) or is_for_all_sizes(right):
                from nnbook.checking.shapes import judge_all_sizes
                return judge_all_sizes(left, right, relation, domains_of, number, told)
            return judge_scalar(left, right, relation, domains_of, number, told, lemmas=lemmas)
    except _Runaway:
        raise UndecidedError(f"{told} is undecided: no chain ended within {GUARD_SECONDS} s; "
                             f"split it into smaller steps") from None


def concrete(e, variant):
    """Put a particular smooth function for every unspecified one."""
    heads = sorted({f.func for f in e.atoms(AppliedUndef)}, key=lambda f: f.__name__)
    for head in heads:
        name, _, order = head.__name__.partition("⟮")
        order = int(order[:-1]) if order else 0
        shift = sp.Rational(sum(map(ord, name)) % 7 + 1, 5)

        def meaning(*args, order=order, shift=shift):
            xs = [sp.Dummy("x", real=True) for _ in args]
            mixed = sum((k + 1) * x for k, x in enumerate(xs)) + shift
            body = sp.sin(mixed) + mixed**2 / 5 if variant % 2 == 0 else (
                sp.exp(mixed / 3) - mixed / 7)
            if order:
                body = sp.diff(body, xs[0], order)
            return body.xreplace(dict(zip(xs, args, strict=True)))

        e = e.replace(head, meaning)
    return e


def _free(*expressions):
    found = set().union(*(e.free_symbols for e in expressions))
    return sorted((s for s in found if isinstance(s, sp.Symbol)), key=lambda s: s.name)


def judge_scalar(left, right, relation, domains_of, number, told, count=sampling.FEW, lemmas=()):
    """Judge a scalar step: sample it, then prove it, then count points."""
    symbols = _free(left, right)
    domains = domains_of(symbols)
    unknown = left.has(AppliedUndef) or right.has(AppliedUndef)
    agreed = 0
    for variant in range(2 if unknown else 1):
        sides = (concrete(left, variant), concrete(right, variant)) if unknown else (left, right)
        agreed, counterexample = _sample(*sides, symbols, domains, number, relation, count, told)
        if counterexample is not None:
            raise DerivationError(f"{told} is false: {counterexample}.", counterexample)
    if not unknown:
        _no_corner(sp.Tuple(left, right), symbols, domains, number, told)
    if relation == "=":
        path, rest = rewriting.prove_zero(left - right, domains)
        if path is not None:
            return "S", path
        if rest is not None and rest.is_Rational and rest != 0:
            raise UndecidedError(f"{told} is undecided: {agreed} sampled points agree, but the "
                                 f"rewriting leaves the difference {rest}")
    else:
        gap = right - left if relation == "<=" else left - right
        path = None
        if lemmas:
            path, _ = rewriting.prove_zero(gap - sum(part for _, part in lemmas), domains)
            numbers = ", ".join(f"({n})" for n in dict.fromkeys(n for n, _ in lemmas))
            path = path and f"the difference is a sum of those in {numbers}: {path}"
        path = path or rewriting.prove_nonnegative(gap, domains)
        if path is not None:
            return "S", path
    wanted = sampling.MANY if symbols else 1
    if not unknown:
        agreed, counterexample = _sample(left, right, symbols, domains, number, relation, wanted,
                                         told)
        if counterexample is not None:
            raise DerivationError(f"{told} is false: {counterexample}.", counterexample)
        finite = all(isinstance(domains[s], sp.FiniteSet) for s in symbols)
        if agreed >= min(wanted, 60) or (finite and agreed):
            return "N", f"agrees to 50 digits at {agreed} points; no chain proved it"
    raise UndecidedError(f"{told} is undecided: {agreed} points could be compared and agree, which "
                         f"is too few for level N, and no chain proved it; split the step, or "
                         f"narrow the domain")


def _sample(left, right, symbols, domains, number, relation, count, told):
    try:
        return sampling.sample(left, right, symbols, domains, number, relation, count)
    except (NameError, TypeError, AttributeError, KeyError) as error:
        raise UndecidedError(f"{told} is undecided: one of the lines cannot be evaluated "
                             f"({error})") from error


def _no_corner(lines, symbols, domains, number, told):
    try:
        found = corners.without_slope(lines, symbols, domains, number)
    except (NameError, TypeError, AttributeError, KeyError):
        return                                        # cannot be evaluated there: nothing is said
    if found is None:
        return
    point, left, right = found
    values = {s.name: str(x) for s, x in point.items()}
    at = ", ".join(f"{names.plain(s)} = {x}" for s, x in values.items())
    slopes = [sampling.readable(x) for x in (left, right)]
    raise DerivationError(
        f"{told} is false: at {at} there is no derivative, the slope is {slopes[0]} on the left "
        f"and {slopes[1]} on the right; leave the point out with domain=",
        Counterexample(values, *slopes))


def _explicit(left, right, relation, domains_of, number, told):
    if left.shape != right.shape:
        raise DerivationError(f"{told} is false: the line before has shape {left.shape} and this "
                              f"line {right.shape}")
    if left.has(MatrixElement, sp.Indexed) or right.has(MatrixElement, sp.Indexed):
        from nnbook.checking.written import written_out
        left, right = (written_out(e.as_immutable(), ()) for e in (left, right))
    symbols = _free(left, right)
    evidence, levels = [], []
    for a, b in zip(left, right, strict=True):
        if a == b:
            continue
        level, how = judge_scalar(a, b, relation, domains_of, number, told, count=16)
        levels.append(level)
        evidence.append(how)
    shape = f"{left.rows}×{left.cols}"
    level = "N" if "N" in levels else "F" if symbols else "S"
    told = "; ".join(dict.fromkeys(evidence)) or "identical"
    return level, f"entry by entry, {shape}: {told}"
