"""The package's pages: every name in ``__all__``, grouped by the module that defines it.

A page of ``book/api`` names what it documents in a comment, ``% api: nnbook.learning``, or of a
package that fills several pages the modules that belong on this one, ``% api: nnbook.functions:
losses binary``. The comment is replaced, as the page is read, by a heading and the names of each
module. `tests/book/test_api.py` finds a module that is on no page or on two.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Sequence

PACKAGES = ("nnbook.functions", "nnbook.learning", "nnbook.checking", "nnbook.showing")
REQUEST = re.compile(r"^% api: ([\w.]+)(?:: (.+))?$", re.MULTILINE)


def setup(app):
    """Fill the pages, and find a name wherever it is imported from."""
    app.connect("source-read", fill_page)
    app.connect("missing-reference", resolve_name)


def fill_page(app, doc, content) -> None:
    """Replace each request by the documentation of a module's public names."""
    if doc.startswith("book/api/"):
        content[0] = REQUEST.sub(
            lambda request: sections(request[1], (request[2] or "").split()), content[0]
        )


def modules_of(module_name: str) -> dict[str, list[str]]:
    """Return the modules that define a package's public names, each with its names."""
    module = importlib.import_module(module_name)
    groups: dict[str, list[str]] = {}
    for name in public_names(module):
        groups.setdefault(home(getattr(module, name), module_name), []).append(name)
    return groups


def sections(module_name: str, chosen: Sequence[str] = ()) -> str:
    """Return Markdown that documents the public names of a package, or of some of its modules."""
    module, groups = importlib.import_module(module_name), modules_of(module_name)
    if chosen:
        by_name = {place.rpartition(".")[2]: place for place in groups}
        groups = {by_name[name]: groups[by_name[name]] for name in chosen}
    text = []
    for place, names in groups.items():
        body = "\n\n".join(entry(getattr(module, n), f"{module_name}.{n}") for n in names)
        text.append(f"## {title(place)}\n\n```{{eval-rst}}\n{body}\n```\n")
    return "\n".join(text)


def public_names(module) -> list[str]:
    """Return the names of ``__all__`` in the order in which the source defines them."""

    def place(name: str):
        thing = inspect.unwrap(getattr(module, name))
        try:
            return home(thing, module.__name__), inspect.getsourcelines(thing)[1]
        except (TypeError, OSError):
            return home(thing, module.__name__), 10**6

    return sorted(module.__all__, key=place)


def home(thing, default: str) -> str:
    """Return the module that defines a thing; a table has none of its own."""
    found = getattr(thing, "__module__", None)
    return found if isinstance(found, str) and found.startswith("nnbook") else default


def title(module_name: str) -> str:
    """Return the first sentence of a module's docstring, or its name."""
    doc = inspect.getdoc(importlib.import_module(module_name)) or ""
    first = doc.split("\n\n")[0].replace("\n", " ").split(": ")[0].rstrip(".")
    short = module_name.rsplit(".", 1)[-1].lstrip("_")
    if not first or first.lower().replace(" ", "_").replace("-", "_") == short:
        return short
    return f"{short}: {first[0].lower() + first[1:]}"


def entry(thing, name: str) -> str:
    """Return the reStructuredText that documents a thing under a name."""
    if inspect.isclass(thing):
        if issubclass(thing, Exception):
            return f".. autoexception:: {name}"
        return f".. autoclass:: {name}\n   :members:"
    if callable(thing):
        return f".. autofunction:: {name}"
    keys = ", ".join(f"``{key}``" for key in thing)  # a table; data has no docstring of its own
    return f".. py:data:: {name}\n\n   A table by name: {keys}."


def documented_name(target: str) -> str | None:
    """Return the name under which a thing is documented, however it was reached.

    >>> documented_name("nnbook.functions.probabilities.softmax")
    'nnbook.functions.softmax'
    """
    module, _, name = target.rpartition(".")
    if not module.startswith("nnbook"):
        return None
    try:
        thing = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        return None
    for package in PACKAGES:
        found = importlib.import_module(package)
        if name in found.__all__ and getattr(found, name) is thing:
            return f"{package}.{name}"
    return f"{home(thing, module)}.{name}"


def resolve_name(app, env, node, contnode):
    """Resolve a reference by the name under which its target is documented."""
    if node.get("refdomain") != "py":
        return None
    true_name = documented_name(node.get("reftarget", ""))
    if true_name in (None, node["reftarget"]):
        return None
    python = env.get_domain("py")
    return python.resolve_xref(env, node["refdoc"], app.builder, "obj", true_name, node, contnode)
