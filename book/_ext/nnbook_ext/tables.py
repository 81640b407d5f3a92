"""The book's tables, made when it is built: from the executed chapters and from book/data.

Each directive writes Markdown and lets MyST read it, so a row may hold mathematics and links like
any other page.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import tomllib
from collections import defaultdict
from pathlib import Path

import nbformat
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from nnbook.checking.ledger import LedgerError, Row, ledger
from nnbook_ext.execute import all_executed

LEVELS = {
    "S": "identity in free symbols",
    "A": "matrix identity, for all shapes",
    "F": "symbolic entries at fixed shapes",
    "N": "sampled at 50 correct digits",
    "T": "theorem, proved in the text",
    "D": "definition",
}
SYMBOLS = re.compile(r"^(:{3,}|`{3,})\{symbols\}[^\n]*\n(.*?)^\1\s*$", re.DOTALL | re.MULTILINE)
SYMBOL = re.compile(r"^(?P<unicode>\S+)\s+`(?P<latex>[^`]+)`\s*:\s*(?P<meaning>.+)$")


def setup(app):
    """Register the directives."""
    for name, directive in {
        "ledger": Ledger,
        "notation": Notation,
        "symbols": Symbols,
        "functions-index": FunctionsIndex,
        "precision": Precision,
    }.items():
        app.add_directive(name, directive)
    app.connect("env-purge-doc", lambda app, env, doc: _docs(env).discard(doc))


def _docs(env) -> set[str]:
    if not hasattr(env, "nn_table_docs"):
        env.nn_table_docs = set()
    return env.nn_table_docs


def number_of(doc: str) -> int:
    """Return the number in the name of a chapter's file; the introduction's is 0.

    >>> number_of("book/05_units"), number_of("book/intro")
    (5, 0)
    """
    match = re.match(r"(\d\d)_", Path(doc).name)
    return int(match[1]) if match else 0


def name_of(chapter: int) -> str:
    """Return the words for a chapter in a sentence.

    >>> name_of(5), name_of(0)
    ('chapter 5', 'the introduction')
    """
    return f"chapter {chapter}" if chapter else "the introduction"


def parse_symbols(text: str) -> list[dict[str, str]]:
    r"""Read the body of a ``symbols`` directive, one symbol a line.

    >>> parse_symbols("h `h` : the width of the hidden layer")[0]["meaning"]
    'the width of the hidden layer'
    """
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        match = SYMBOL.match(line)
        if not match:
            raise ValueError(
                f"a symbols line reads: symbol `latex` : meaning; this one does not: {line!r}"
            )
        found.append(match.groupdict())
    return found


def declared(notebook) -> list[dict[str, str]]:
    """Return the symbols that a chapter declares in its ``symbols`` directives."""
    return [
        symbol
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for match in SYMBOLS.finditer(cell.source)
        for symbol in parse_symbols(match[2])
    ]


class Table(SphinxDirective):
    """A directive that is filled from the chapters and the data files."""

    has_content = False

    def run(self):
        """Make the nodes, and have this page read again when a chapter changes."""
        _docs(self.env).add(self.env.docname)
        return self.make()

    def data(self, name: str) -> dict:
        """Read one of book/data's tables; a page that shows it depends on it."""
        path = Path(self.env.srcdir) / "book" / "data" / f"{name}.toml"
        self.env.note_dependency(str(path))
        if not path.exists():
            return {}
        return tomllib.loads(path.read_text(encoding="utf-8"))

    def markdown(self, text: str) -> list[nodes.Node]:
        """Read Markdown as if it stood in the page."""
        holder = nodes.container()
        lines = text.splitlines()
        self.state.nested_parse(StringList(lines, self.env.docname), self.content_offset, holder)
        return holder.children

    def inline(self, text: str) -> nodes.paragraph:
        """Read one paragraph of Markdown."""
        parsed = self.markdown(text) if text else []
        if len(parsed) == 1 and isinstance(parsed[0], nodes.paragraph):
            return parsed[0]
        paragraph = nodes.paragraph()
        paragraph += parsed
        return paragraph

    def table(self, heads: list[str], rows: list[list[str]], classes: list[str], ids=()):
        """Return a table of Markdown cells that scrolls in itself on a narrow screen."""
        group = nodes.tgroup(cols=len(heads))
        group += [nodes.colspec(colwidth=1) for _ in heads]
        head, body = nodes.thead(), nodes.tbody()
        head += self._row(heads)
        body += [self._row(row) for row in rows]
        for row, identifier in zip(body.children, ids, strict=False):
            if identifier:
                row["ids"].append(identifier)
        group += [head, body]
        table = nodes.table(classes=["nn-table", "colwidths-auto", *classes])
        table += group
        wrapper = nodes.container(classes=["nn-scroll"])
        wrapper += table
        return wrapper

    def _row(self, cells: list[str]) -> nodes.row:
        row = nodes.row()
        for cell in cells:
            entry = nodes.entry()
            entry += self.inline(cell)
            row += entry
        return row

    def page_link(self, doc: str, text: str, anchor: str = "") -> str:
        """Return a Markdown link from this page to a chapter, or to a place in it."""
        here = Path(self.env.docname).parent
        path = Path(self.env.doc2path(doc)).name
        up = "../" * (len(here.parts) - 1)
        place = f"#{anchor}" if anchor else ""
        return f"[{text}]({up}{path}{place})"

    def link_to(self, row: Row, text: str) -> str:
        """Return a Markdown link to a row's equation."""
        doc = next(d for d in self.env.nn_keys if Path(d).name == row.chapter)
        return self.page_link(doc, text, row.anchor)

    def docs_by_chapter(self) -> dict[int, str]:
        """Return which chapters are in this build."""
        docs = getattr(self.env, "nn_keys", {})
        return {number_of(doc): doc for doc in docs if number_of(doc)}


def code(name: str) -> str:
    """Return the Markdown for a function: a link into its API page."""
    return f"{{py:obj}}`{short(name)} <{name}>`"


def short(name: str) -> str:
    """Return the last part of a dotted name."""
    return name.rsplit(".", 1)[-1]


def ledger_rows(directive: Table) -> list[Row]:
    """Return the ledger of this build.

    Raises
    ------
    ExtensionError
        If an equation is not verified, or a verification has no equation.
    """
    notebooks = all_executed(directive.env.app)
    try:
        return ledger(
            [(Path(doc).name, json.loads(nbformat.writes(nb))) for doc, nb in notebooks.items()]
        )
    except LedgerError as error:
        raise ExtensionError(str(error)) from None


class Ledger(Table):
    """Every equation of the book: its level, the function it was held to, the worst error."""

    def make(self):
        """Make the table from what verify left in the chapters' outputs."""
        found = ledger_rows(self)
        if not found:
            return self.markdown("No chapter of this build shows an equation.")
        rows = [
            [
                self.link_to(row, f"({row.number})"),
                row.title,
                row.level,
                code(row.function) if row.function else "—",
                worst(row),
                promise(row),
            ]
            for row in found
        ]
        ids, seen = [], set()
        for row in found:  # an equation held to two functions has two rows, and one id
            ids.append("" if row.number in seen else "ledger-" + row.number.replace(".", "-"))
            seen.add(row.number)
        functions = {row.function for row in found if row.function}
        points = sum(row.points or 0 for row in found)
        summary = self.markdown(
            f"**{len(seen)} equations**, {len(functions)} functions held to them, at {points:,} "
            "points. Levels: " + "; ".join(f"**{k}** {v}" for k, v in LEVELS.items()) + "."
        )
        heads = ["Equation", "Name", "Level", "Held to", "Worst error", "Promised"]
        return [*summary, self.table(heads, rows, ["nn-ledger"], ids)]


def worst(row: Row) -> str:
    """Return the error that this build measured, in the unit of the promise."""
    if row.worst_error is None:
        return "—"
    return f"{row.worst_error:.2f} {'' if row.unit == 'holds' else row.unit}".strip()


def promise(row: Row) -> str:
    """Return what verify promises: the bound, the points, and what narrows them."""
    if row.bound is None:
        return row.narrowed or "—"
    text = "holds" if row.unit == "holds" else f"within {row.bound:g} {row.unit}"
    if row.points:
        text += f" at {row.points:,} point{'s' if row.points > 1 else ''}"
    return f"{text}; {row.narrowed}" if row.narrowed else text


class FunctionsIndex(Table):
    """Every function that a chapter holds to an equation, and where."""

    def make(self):
        """Make the table, by module."""
        where = defaultdict(list)
        for row in ledger_rows(self):
            if row.function:
                where[row.function].append(self.link_to(row, f"({row.number})") + f" {row.title}")
        if not where:
            return self.markdown("No chapter of this build verifies a function.")
        rows = [[code(n), first_line(n), "; ".join(where[n])] for n in sorted(where)]
        return [self.table(["Function", "What it computes", "Equation"], rows, ["nn-functions"])]


class Precision(Table):
    """The worst error of every elementwise function, beside that of SciPy or the plain formula."""

    def make(self):
        """Make the table from book/data/precision.toml, which `tasks.py precision` writes."""
        data = self.data("precision")
        found = data.get("row", [])
        if not found:
            return self.markdown("Nothing was measured; run `python tasks.py precision`.")
        rows = [
            [
                f"{{py:obj}}`{row['function']} <{row['of']}>`",
                reached(f"{row['worst']:.2f}", row["at"], row["worst"]),
                f"{row['bound']:g}",
                f"`{row['rival']}`" if row["rival"] else "—",
                reached(lost(row["rival_worst"]), row["rival_at"], row["rival_worst"])
                if row["rival"]
                else "—",
            ]
            for row in found
        ]
        points = min(row["points"] for row in found)
        summary = self.markdown(
            f"At {points:,} points each, of all magnitudes, with NumPy's {data['kernels']} "
            "kernels. Near the zero of a derivative an ulp is that of its largest term."
        )
        heads = ["Function", "Worst, ulp", "Promised", "Beside it", "Its worst, ulp"]
        return [*summary, self.table(heads, rows, ["nn-precision"])]


def reached(error: str, place: float, ulps: float) -> str:
    """Return an error and where it was met; one of 0 is met everywhere.

    >>> reached("1.61", -1.2518, 1.61), reached("0.00", 622.88, 0.0)
    ('1.61 at −1.25', '0')
    """
    return f"{error} at {place:.3g}".replace("at -", "at −") if ulps else "0"


def lost(ulps: float) -> str:
    """Return an error in ulp; one that leaves no digit is said so.

    >>> lost(1.43), lost(508.9), lost(1.13e15), lost(9.0e15), lost(float("inf"))
    ('1.43', '509', '1.13e+15', 'no digit right', 'not a number')
    """
    if ulps >= 2**52:
        return "no digit right" if ulps < float("inf") else "not a number"
    return f"{ulps:.2f}" if ulps < 100 else f"{ulps:,.0f}" if ulps < 1e6 else f"{ulps:.3g}"


def first_line(name: str) -> str:
    """Return the first line of a function's docstring, escaped for Markdown."""
    module, _, attribute = name.rpartition(".")
    try:
        text = inspect.getdoc(getattr(importlib.import_module(module), attribute)) or ""
    except (ImportError, AttributeError, ValueError):
        return ""
    line = re.sub(r":math:`(.+?)`", r"$\1$", text.split("\n")[0])  # reStructuredText to Markdown
    return re.sub(r":\w+:`(.+?)`", r"`\1`", re.sub(r"``(.+?)``", r"`\1`", line))


class Notation(Table):
    """The symbols of the whole book, then those of each chapter."""

    GROUPS = {  # noqa: RUF012
        "letters": "Sizes, data, parameters and errors",
        "optimisation": "Optimisation",
        "operators": "Operators",
    }

    def make(self):
        """Make one table for each group of global symbols and one for the chapters' letters."""
        result = []
        symbols = self.data("notation").get("symbol", [])
        heads = ["Symbol", "Name", "Meaning", "Shape", "Unit", "In code"]
        for group in dict.fromkeys(s.get("group", "letters") for s in symbols):
            rows = [
                [
                    f"${s['latex']}$",
                    s["name"],
                    s["meaning"],
                    s.get("shape", ""),
                    s.get("unit", ""),
                    f"`{s['code']}`" if s.get("code") else "",
                ]
                for s in symbols
                if s.get("group", "letters") == group
            ]
            result.append(nodes.rubric("", self.GROUPS.get(group, group)))
            result.append(self.table(heads, rows, ["nn-notation"]))
        rows = [
            [f"${symbol['latex']}$", symbol["meaning"], self._where(doc)]
            for doc, notebook in all_executed(self.env.app).items()
            for symbol in declared(notebook)
        ]
        if rows:
            result.append(nodes.rubric("", "Letters of one chapter"))
            result.append(self.table(["Symbol", "Meaning", "Declared in"], rows, ["nn-notation"]))
        return result

    def _where(self, doc: str) -> str:
        return self.page_link(doc, name_of(number_of(doc)), "symbols")


class Symbols(Table):
    """The letters that a chapter uses beyond the global ones, with their meanings."""

    has_content = True

    def make(self):
        """Make the list, with an anchor that the notation page links to."""
        try:
            symbols = parse_symbols("\n".join(self.content))
        except ValueError as error:
            raise self.error(str(error)) from None
        target = nodes.container(ids=["symbols"], names=["symbols"], classes=["nn-symbols"])
        self.state.document.note_explicit_target(target)
        listing = nodes.definition_list()
        for symbol in symbols:
            item = nodes.definition_list_item()
            item += nodes.term("", "", nodes.math(symbol["latex"], symbol["latex"]))
            item += nodes.definition("", self.inline(symbol["meaning"]))
            listing += item
        target += listing
        return [target]
