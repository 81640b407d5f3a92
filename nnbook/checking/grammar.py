r"""The language in which a reader writes a formula or a number, without ``eval``.

The same language is read in the page by ``book/_static/exercises.js``; the tests push
every answer through both and compare verdict and text. In full:

- ``+ - * / ^`` and ``**``; ``−`` and ``–`` are minus, ``· × ⋅ ∗`` are ``*``, ``÷`` is ``/``.
- Powers bind before the sign in front of them: ``-z^2`` is ``-(z^2)``. They associate to
  the right: ``2^3^2`` is ``2^9``. Superscripts are powers: ``z²``, ``z⁻¹``.
- A product needs no sign: ``2z``, ``z(1-z)``, ``zw`` with the variables ``z`` and ``w``. A
  number cannot be the right factor (``z 2`` is refused), and a product without sign cannot
  follow ``/``: ``1/2z`` has two readings and is refused.
- **Decimal comma.** A comma directly between two digits is a decimal comma, except directly
  inside ``max(...)`` and ``min(...)``, where it separates arguments: ``max(0,5)`` is 5.
  If that list is separated by semicolons, commas in it are decimal: ``max(0,5; z)``.
- ``1e-3`` is a number; ``2e^z`` is twice e to the z.
- Functions, always with parentheses: ``exp log ln sqrt sin cos tan sinh cosh tanh sigma
  relu softplus H sign abs max min``; ``σ``, ``sigmoid`` and ``logistic`` are ``sigma``,
  ``r`` and ``ReLU`` are ``relu``, ``|z|`` is ``abs(z)``, ``√(z)`` is ``sqrt(z)``.
  ``log`` and ``ln`` are natural; H(0) = 0, as ReLU′(0) = 0 in this book.
  ``tanh^2(z)`` is ``tanh(z)^2``. A prefix ``np.``, ``math.`` or ``sp.`` is passed over.
- Constants ``e`` and ``pi``. Greek letters and their names are the same: ``α`` is ``alpha``.
  Indices too: ``x₁``, ``x_1`` and ``x1``. A declared variable hides a function or constant.
- At most 500 characters, nested at most 40 deep.
"""
import numpy as np

from nnbook.checking._lexer import FormulaError, canonical, short
from nnbook.checking._lexer import tokens as _cut

__all__ = ["FormulaError", "canonical", "evaluate", "parse", "show"]

MAX_LENGTH = 500
MAX_DEPTH = 40

_ALIAS = {"sigmoid": "sigma", "logistic": "sigma", "r": "relu", "ReLU": "relu", "ln": "log"}


def _relu(z):
    return np.maximum(z, 0.0)


def _power(a, b):
    # C gives pow(1, nan) = 1 and pow(1, inf) = 1, JavaScript nan: take JavaScript's.
    return np.where(np.isnan(b) | (np.isinf(b) & (np.abs(a) == 1)), np.nan, np.power(a, b))


_FUNCTIONS = {
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "abs": np.abs, "sign": np.sign,
    "sigma": lambda z: 1 / (1 + np.exp(-z)),
    "relu": _relu,
    "softplus": lambda z: _relu(z) + np.log1p(np.exp(-np.abs(z))),
    "H": lambda z: np.where(z > 0, 1.0, 0.0),
}
_MANY = {"max": np.maximum, "min": np.minimum}
_CONSTANTS = {"e": float(np.e), "pi": float(np.pi)}
_OPERATORS = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "^": _power}


class _Parser:
    """Recursive descent; writes the formula as a list of steps for a stack machine."""

    def __init__(self, tokens, variables, names):
        self.tokens, self.variables, self.names = tokens, variables, names
        self.at = self.depth = self.bars = 0
        self.steps = []

    def kind(self, ahead=0):
        i = self.at + ahead
        return self.tokens[i][0] if i < len(self.tokens) else "end"

    def missing(self):
        before = self.tokens[self.at - 1][1] if self.at else None
        where = f" after “{before}”" if isinstance(before, str) else ""
        if self.kind() == "end":
            return FormulaError(f"The formula stops too early{where}: something is missing.")
        here = self.tokens[self.at][1]
        return FormulaError(f"“{here}” stands where a number or a name is expected{where}.")

    def whole(self):
        self.sum()
        if self.kind() == ")":
            raise FormulaError("A “)” has no “(” before it.")
        if self.kind() in (",", ";"):
            raise FormulaError("A comma stands between two digits, or between the arguments of "
                               "max or min.")
        if self.kind() != "end":
            raise self.missing()
        return self.steps

    def sum(self):
        self.product()
        while self.kind() in "+-":
            sign = self.kind()
            self.at += 1
            self.product()
            self.steps.append((sign,))

    def product(self):
        self.signed()
        last = "*"
        while True:
            kind = self.kind()
            if kind in "*/":
                last = kind
                self.at += 1
                self.signed()
                self.steps.append((kind,))
            elif kind == "number":
                raise FormulaError(f"Before {show(self.tokens[self.at][1])} an operator is "
                                   "missing, such as * or ^.")
            elif kind in ("name", "(") or (kind == "|" and not self.bars):
                if last == "/":
                    raise FormulaError("A product without sign after “/” can be read in two ways: "
                                       "write a/(b*c) or (a/b)*c.")
                self.power()
                self.steps.append(("*",))
            else:
                return

    def signed(self):
        self.depth += 1              # every recursion passes here
        if self.depth > MAX_DEPTH:
            raise FormulaError(f"The formula is nested more than {MAX_DEPTH} deep.")
        if self.kind() in "+-":
            sign = self.kind()
            self.at += 1
            self.signed()
            if sign == "-":
                self.steps.append(("negate",))
        else:
            self.power()
        self.depth -= 1

    def power(self):
        self.atom()
        if self.kind() == "^":
            self.at += 1
            self.signed()
            self.steps.append(("^",))

    def atom(self):
        kind = self.kind()
        if kind == "number":
            self.steps.append(("number", self.tokens[self.at][1]))
            self.at += 1
        elif kind == "(":
            self.at += 1
            bars, self.bars = self.bars, 0
            self.sum()
            self.bars = bars
            self.close()
        elif kind == "|":
            self.at += 1
            self.bars += 1
            self.sum()
            if self.kind() != "|":
                raise FormulaError("A “|” is not closed.")
            self.bars -= 1
            self.at += 1
            self.steps.append(("abs", 1))
        elif kind == "name":
            self.name()
        else:
            raise self.missing()

    def close(self):
        if self.kind() in (",", ";"):
            raise FormulaError("A comma stands between two digits, or between the arguments of "
                               "max or min.")
        if self.kind() != ")":
            raise FormulaError("A “(” is not closed.")
        self.at += 1

    def name(self):
        name = self.tokens[self.at][1]
        pieces = self.split(name)
        # A name cut in pieces is a product: leave the rest for the next factor.
        if len(pieces) > 1:
            self.tokens[self.at:self.at + 1] = [("name", piece) for piece in pieces]
        self.at += 1
        name = pieces[0]
        if name in self.variables:
            self.steps.append(("variable", self.variables.index(name)))
        elif name in _CONSTANTS:
            self.steps.append(("number", _CONSTANTS[name]))
        else:
            self.call(name)

    def split(self, name):
        rest, pieces = name, []
        while rest:
            if rest in self.variables or rest in _CONSTANTS or self.function(rest):
                return [*pieces, rest]
            sizes = [k for k in range(len(rest) - 1, 0, -1)
                     if rest[:k] in self.variables or rest[:k] in _CONSTANTS]
            if not sizes:
                break
            pieces.append(rest[:sizes[0]])
            rest = rest[sizes[0]:]
        if self.names:
            raise FormulaError(f"“{short(name)}” is not known here. The variables are "
                               f"{', '.join(self.names)}; a product of names needs *.")
        raise FormulaError(f"“{short(name)}” is not known here: a number is expected.")

    @staticmethod
    def function(name):
        return _ALIAS.get(name, name) in _FUNCTIONS or name in _MANY

    def call(self, shown):
        name, raised = _ALIAS.get(shown, shown), None
        if self.kind() == "^" and self.kind(1) == "number" and self.kind(2) == "(":
            raised = self.tokens[self.at + 1][1]     # tanh^2(z)
            self.at += 2
        if self.kind() != "(":
            raise FormulaError(f"Write {shown}(…) with its argument in parentheses.")
        self.at += 1
        bars, self.bars = self.bars, 0
        self.sum()
        count = 1
        while self.kind() in (",", ";") and name in _MANY:
            self.at += 1
            self.sum()
            count += 1
        self.bars = bars
        if self.kind() in (",", ";"):
            raise FormulaError(f"{shown} takes one argument.")
        self.close()
        if name in _MANY and count < 2:
            raise FormulaError(f"{shown} takes two arguments or more.")
        self.steps.append((name, count))
        if raised is not None:
            self.steps += [("number", raised), ("^",)]


def parse(text, variables=()):
    """Read a formula.

    Parameters
    ----------
    text : str
        What the reader typed.
    variables : sequence of str
        The names that stand for numbers, in order.

    Returns
    -------
    steps : list of tuple
        The formula for a stack machine; see `evaluate`.

    Raises
    ------
    FormulaError
        If the text is not a formula in these variables. The message is for the reader.

    Examples
    --------
    >>> parse("2z", ["z"])
    [('number', 2.0), ('variable', 0), ('*',)]
    >>> parse("1/2z", ["z"])    # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    FormulaError: A product without sign after “/” can be read in two ways: ...
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"That is {len(text)} characters; an answer has at most {MAX_LENGTH}.")
    known = [canonical(name) for name in variables]
    tokens = _cut(text, known)
    if not tokens:
        raise FormulaError("Nothing is written yet.")
    return _Parser(tokens, known, list(variables)).whole()


def evaluate(steps, points):
    """Evaluate a formula at points, with the arithmetic of IEEE 754 and without warnings.

    Parameters
    ----------
    steps : list of tuple
        From `parse`.
    points : array_like, shape (P, n_variables)
        One point per row.

    Returns
    -------
    values : ndarray, shape (P,)
        nan or infinite where the formula has no value.

    Examples
    --------
    >>> evaluate(parse("sigma(z)(1 - sigma(z))", ["z"]), [[0.0]]).tolist()
    [0.25]
    """
    points = np.asarray(points, dtype=float)
    stack = []
    with np.errstate(all="ignore"):
        for kind, *rest in steps:
            if kind == "number":
                stack.append(np.full(len(points), rest[0]))
            elif kind == "variable":
                stack.append(points[:, rest[0]])
            elif kind == "negate":
                stack.append(-stack.pop())
            elif kind in _OPERATORS:
                b, a = stack.pop(), stack.pop()
                stack.append(_OPERATORS[kind](a, b))
            elif kind in _MANY:
                arguments = [stack.pop() for _ in range(rest[0])]
                stack.append(_MANY[kind].reduce(arguments))
            else:
                stack.append(_FUNCTIONS[kind](stack.pop()))
    return stack.pop()


def show(x, digits=4):
    """Write a number for a message; integers in full, else rounded half up, with a true minus.

    Examples
    --------
    >>> show(-0.105358), show(109386.0), show(1.5e-7), show(0.99996)
    ('−0.1054', '109386', '1.5e−7', '1')
    """
    x = float(x)
    if x.is_integer() and abs(x) < 1e15:
        return str(int(x)).replace("-", "−")
    sign = "−" if x < 0 else ""
    mantissa, exponent = _scientific(abs(x), digits)
    exponent = int(exponent)
    figures = mantissa.replace(".", "").rstrip("0")
    if exponent < -4 or exponent >= 15:
        tail = f".{figures[1:]}" if len(figures) > 1 else ""
        return f"{sign}{figures[0]}{tail}e{exponent}".replace("-", "−")
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{figures}"
    figures = figures.ljust(exponent + 1, "0")
    whole, part = figures[:exponent + 1], figures[exponent + 1:]
    return f"{sign}{whole}.{part}" if part else sign + whole


def _scientific(x, digits):
    """Round to ``digits`` figures, ties up as JavaScript's toExponential does, not to even."""
    from decimal import ROUND_HALF_UP, Decimal, localcontext

    with localcontext() as context:
        context.prec, context.rounding = digits, ROUND_HALF_UP
        text = f"{+Decimal(x):.{digits - 1}e}"
    return text.split("e")
