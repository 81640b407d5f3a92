"""Let docstrings stand on the package's pages as they stand in the code.

``.. [1]`` is a footnote, and its number must be unique in a page; in a docstring it is unique in
the docstring only. Here the references become an ordinary list under their numbers. And a name
may be written as it is imported (``nnbook.functions.softmax``), wherever it is defined.
"""

from __future__ import annotations

import importlib
import re

DEFINITION = re.compile(r"^(\s*)\.\. \[(\d+)\] (.*)$")
CITATION = re.compile(r"\s*\[(\d+)\]_")


def setup(app):
    """Rewrite before napoleon does, and find what is named by where it is imported from."""
    app.connect("autodoc-process-docstring", plain_references, priority=400)
    app.connect("missing-reference", where_defined)


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
    lines[:] = result


def where_defined(app, env, node, contnode):
    """Resolve ``nnbook.functions.softmax`` to the page of the module that defines it."""
    module, _, name = node.get("reftarget", "").rpartition(".")
    if node.get("refdomain") != "py" or not module.startswith("nnbook"):
        return None
    try:
        thing = getattr(importlib.import_module(module), name)
        true_name = f"{thing.__module__}.{thing.__qualname__}"
    except (ImportError, AttributeError):
        return None
    if true_name == f"{module}.{name}":
        return None
    python = env.get_domain("py")
    return python.resolve_xref(env, node["refdoc"], app.builder, "obj", true_name, node, contnode)
