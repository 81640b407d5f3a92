"""A formula beside a figure: LaTeX that is set once, with numbers that change."""

import re

_HOLE = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*(?::([^{}]*))?\}\}")

_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def parse_formula(formula: str | list[str] | None) -> list[list]:
    r"""Split a formula into LaTeX (str) and holes (name, format), line by line.

    Raises
    ------
    ValueError
        If a hole stands inside braces: MathJax typesets each piece by itself.

    Examples
    --------
    >>> parse_formula(r"\sigma'(0) = {{slope:.3f}}")
    [["\\sigma'(0) = ", ('slope', '.3f')]]
    """
    if formula is None:
        return []
    lines = [formula] if isinstance(formula, str) else list(formula)
    parsed = []
    for line in lines:
        if not isinstance(line, str):
            raise ValueError(f"formula must be a string or a list of strings, got {line!r}")
        parts: list = []
        end = 0
        for match in _HOLE.finditer(line):
            parts += [line[end : match.start()], (match[1], (match[2] or "").strip())]
            end = match.end()
        parts.append(line[end:])
        for part in parts:
            if isinstance(part, str) and part.count("{") != part.count("}"):
                raise ValueError(
                    f"the braces of {part!r} do not match: a number {{{{name}}}} of a formula "
                    f"cannot stand inside braces, such as those of \\frac"
                )
        parsed.append([part for part in parts if isinstance(part, tuple) or part.strip()])
    return parsed


def printed_number(text: str) -> str:
    """Return a formatted number as a reader expects it: a minus sign, powers of ten.

    Examples
    --------
    >>> printed_number("-1.5e-07"), printed_number("2.0e+00")
    ('−1.5×10⁻⁷', '2.0×10⁰')
    """
    digits, e, power = text.partition("e")
    if e and power.lstrip("+-").isdigit() and any(c.isdigit() for c in digits):
        text = f"{digits}×10{str(int(power)).translate(_RAISED)}"
    return text.replace("-", "−")
