"""Let several docstrings with numbered references stand on one page.

``.. [1]`` is a footnote, and its number must be unique in a page; in a docstring it is unique in
the docstring only. Here the references become an ordinary list under their numbers. And ``|x|`` in
prose is an absolute value, not a substitution.
"""

from __future__ import annotations

import re

DEFINITION = re.compile(r"^(\s*)\.\. \[(\d+)\] (.*)$")
DIRECTIVE = re.compile(r"^(\s*)(?:\.\. [\w:-]+::|>>> |\.\.\. )")
QUOTED = re.compile(r"(``.*?``|`[^`]*`)")
CITATION = re.compile(r"\s*\[(\d+)\]_")


def setup(app):
    """Rewrite before napoleon does."""
    app.connect("autodoc-process-docstring", plain_references, priority=400)


def plain_references(app, what, name, obj, options, lines: list[str]) -> None:
    """Turn footnotes into numbered paragraphs, in place."""
    indent = None
    result = []
    for line in lines:
        match = DEFINITION.match(line)
        if match:
            indent = len(match[1])
            if result and result[-1].strip():
                result.append("")
            result.append(f"{match[1]}[{match[2]}] {match[3]}")
        elif indent is not None and line.strip() and line.startswith(" " * (indent + 1)):
            result.append(" " * indent + line.strip())
        else:
            indent = None
            result.append(CITATION.sub(r" [\1]", line))
    lines[:] = bars_are_bars(result)


def bars_are_bars(lines: list[str]) -> list[str]:
    r"""Escape the bars of prose, and leave directives, examples and quoted code alone.

    >>> bars_are_bars(["z G(z) - |z| ``a|b``", ".. math:: |z|"])
    ['z G(z) - \\|z\\| ``a|b``', '.. math:: |z|']
    """
    result, inside = [], None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if inside is not None and line.strip() and indent <= inside:
            inside = None
        if inside is None and DIRECTIVE.match(line):
            inside = indent
        if inside is None:
            parts = QUOTED.split(line)
            parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
            line = "".join(parts)
        result.append(line)
    return result
