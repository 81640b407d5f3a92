"""What definitions, derivations and theorems share: number, names, domain, lines, display."""

import re
from dataclasses import dataclass

import sympy as sp

from nnbook.checking import render
from nnbook.checking._errors import DerivationError
from nnbook.checking.meaning import Meaning
from nnbook.checking.sampling import assumed_set

ORDER = "SAFNT"


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
    if isinstance(expression, sp.logic.boolalg.Boolean) and not isinstance(expression, sp.Symbol):
        raise TypeError(f"{what} must be an expression with a value, got the comparison "
                        f"{expression}; give its two sides as two lines")
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
        for name, names_ in (("let", let), ("such_that", such_that)):
            if names_ is not None and not isinstance(names_, dict):
                raise TypeError(f"{name} must be a dict from names to meanings, got "
                                f"{type(names_).__name__}")
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
    def families(self):
        """The label of each indexed family, with the plainest of its members that is shown."""
        members = {}
        seen = [line.expr for line in self.lines] + [
            v for k, v in self.let.items() if isinstance(k, sp.Basic)]
        for e in seen:
            for member in getattr(e, "atoms", lambda *_: ())(sp.Indexed):
                if all(isinstance(i, sp.Symbol | sp.Idx) for i in member.indices):
                    members.setdefault(member.base.label, []).append(member)
        return {label: min(found, key=str) for label, found in members.items()}

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
