"""Cutting what a reader typed into numbers, names and signs; see `nnbook.checking.grammar`."""
import re

__all__ = ["FormulaError", "canonical", "tokens"]

# The functions whose arguments a comma separates.
MANY = ("max", "min")

_GREEK = dict(zip(
    "αβγδεζηθικλμνξπρστφχψωΔΦΣΩϵϕµϑ",
    ("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
     "phi chi psi omega Delta Phi Sigma Omega epsilon phi mu theta").split(),
    strict=True,
))
_SUBSCRIPT = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
_SUPERSCRIPT = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+", strict=True))
_SAME = {"−": "-", "–": "-", "·": "*", "×": "*", "⋅": "*", "∗": "*", "÷": "/", "[": "(", "]": ")"}

# ASCII classes throughout: Python's \d and \w know more digits and letters than JavaScript's.
SPACE = re.compile("[ \t\n\r\u00a0\u2000-\u200b\u202f\u2060\u3000\ufeff]+")
_POINT = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_COMMA = re.compile(r"(?:[0-9]+(?:\.[0-9]*|,[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_₀-₉]*|[α-ωΔΦΣΩϵϕµϑ][0-9_₀-₉]*|√")
_MODULE = re.compile(r"(?:np|numpy|math|Math|sp|sympy)\.")
_RAISED = re.compile(r"[⁰¹²³⁴-⁹⁻⁺]+")


class FormulaError(ValueError):
    """What was typed is not a formula; the message says what to change."""


def canonical(name):
    """Return the spelling under which a name is known: ``x₁`` as ``x1``, ``λ`` as ``lambda``.

    Examples
    --------
    >>> canonical("x_1"), canonical("λ"), canonical("√")
    ('x1', 'lambda', 'sqrt')
    """
    if name == "√":
        return "sqrt"
    return "".join(_GREEK.get(c, _SUBSCRIPT.get(c, c)) for c in name if c != "_")


def short(text):
    return text if len(text) <= 30 else text[:30] + "…"


def _character(c):
    code = ord(c)
    hidden = code < 32 or 127 <= code < 160 or 0x2000 <= code <= 0x206F or 0xD800 <= code <= 0xF8FF
    return f"U+{code:04X}" if hidden else f"“{c}” (U+{code:04X})"


def _semicolon_ahead(text, i):
    """Tell whether the list opened just before ``text[i]`` is separated by semicolons."""
    depth = 0
    for c in text[i:]:
        if c in "([":
            depth += 1
        elif c in ")]":
            depth -= 1
            if depth < 0:
                return False
        elif c == ";" and depth == 0:
            return True
    return False


def tokens(text, variables):
    """Cut the text into (kind, value) pairs; kinds are number, name and the signs themselves."""
    found, i = [], 0
    comma_is_decimal = [True]        # one entry per open parenthesis
    while i < len(text):
        c = _SAME.get(text[i], text[i])
        if match := SPACE.match(text, i) or _MODULE.match(text, i):
            pass
        elif match := (_COMMA if comma_is_decimal[-1] else _POINT).match(text, i):
            value = float(match[0].replace(",", "."))
            if value == float("inf"):
                raise FormulaError(f"{short(match[0])} is too large for a number.")
            found.append(("number", value))
        elif match := _RAISED.match(text, i):
            raised = "".join(_SUPERSCRIPT[c] for c in match[0])
            if not re.fullmatch("[+-]?[0-9]+", raised):
                raise FormulaError(f"The power {short(match[0])} is not understood.")
            found += [("^", "^")] + [("-", "-")] * (raised[0] == "-")
            found.append(("number", float(raised.lstrip("+-"))))
        elif match := _NAME.match(text, i):
            found.append(("name", canonical(match[0])))
        elif c in "+-*/^(),;|":
            if text[i:i + 2] == "**":
                c, i = "^", i + 1
            if c == "(":
                many = bool(found) and found[-1][1] in MANY and found[-1][1] not in variables
                comma_is_decimal.append(not many or _semicolon_ahead(text, i + 1))
            elif c == ")" and len(comma_is_decimal) > 1:
                comma_is_decimal.pop()
            found.append((c, c))
            i += 1
            continue
        elif c == "=":
            raise FormulaError("Write the formula alone, without an equals sign.")
        elif c == "\\":
            raise FormulaError("LaTeX is not read here: write sigma(z), exp(-z), sqrt(z), a/b.")
        else:
            raise FormulaError(f"The character {_character(text[i])} is not part of a formula.")
        i = match.end()
    return found
