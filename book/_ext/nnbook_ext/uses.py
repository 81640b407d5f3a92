"""Two indices: the functions that each chapter runs, and the chapters that run each function.

They are read off the chapters' code, so neither can be out of date.
"""

from __future__ import annotations

import ast
import importlib
from collections import defaultdict
from contextlib import suppress

from nnbook_ext.execute import all_executed
from nnbook_ext.tables import Table, code, first_line, name_of, number_of

PACKAGES = ("nnbook.functions", "nnbook.learning")


def setup(app):
    """Register the directives."""
    app.add_directive("functions-by-chapter", FunctionsByChapter)
    app.add_directive("chapters-by-function", ChaptersByFunction)


def functions_used(sources: list[str]) -> list[str]:
    r"""Return the dotted names of the package's functions that code uses, in order.

    An import alone is no use; a cell for JupyterLab alone, which is not Python, has none.

    >>> functions_used(["import nnbook.functions as F\nfrom nnbook.learning import fit, sgd",
    ...                 "%matplotlib inline", "F.relu(fit(F.relu))"])
    ['nnbook.functions.relu', 'nnbook.learning.fit']
    """
    modules, names, found, trees = {}, {}, set(), []
    for source in sources:
        with suppress(SyntaxError):
            trees.append(ast.parse(source))
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            modules |= {a.asname or a.name: a.name for a in node.names if a.name in PACKAGES}
        elif isinstance(node, ast.ImportFrom) and node.module in PACKAGES:
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "nnbook":
            whole = {a.asname or a.name: f"nnbook.{a.name}" for a in node.names}
            modules |= {name: module for name, module in whole.items() if module in PACKAGES}
        elif isinstance(node, ast.ImportFrom) and node.module == "nnbook.learning.lifted":
            names |= {a.asname or a.name: f"nnbook.functions.{a.name}" for a in node.names}
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Name) and node.id in names:
            found.add(names[node.id])
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in modules:
            found.add(f"{modules[ast.unparse(node.value)]}.{node.attr}")
    public = {
        f"{package}.{n}" for package in PACKAGES for n in importlib.import_module(package).__all__
    }
    return sorted(found & public)


class Uses(Table):
    """A directive that knows which chapter uses which function."""

    def uses(self) -> dict[str, list[str]]:
        """Return the functions of each chapter, by document name."""
        found = {}
        for doc, notebook in all_executed(self.env.app).items():
            sources = [c.source for c in notebook.cells if c.cell_type == "code"]
            found[doc] = functions_used(sources)
        return found

    def page(self, doc: str) -> str:
        """Return a link to a chapter by its number."""
        return f"{{doc}}`{name_of(number_of(doc))} </{doc}>`"


class FunctionsByChapter(Uses):
    """For each chapter the functions that it runs."""

    def make(self):
        """Make the table."""
        rows = [
            [f"{{doc}}`/{doc}`", ", ".join(code(name) for name in names) or "—"]
            for doc, names in self.uses().items()
        ]
        return [self.table(["Chapter", "Runs"], rows, ["nn-uses"])]


class ChaptersByFunction(Uses):
    """For each function the chapters that run it."""

    def make(self):
        """Make the table."""
        where = defaultdict(list)
        for doc, names in self.uses().items():
            for name in names:
                where[name].append(self.page(doc))
        rows = [[code(n), first_line(n), ", ".join(where[n])] for n in sorted(where)]
        return [self.table(["Function", "What it computes", "Run in"], rows, ["nn-uses"])]
