"""The book's Sphinx extension: chapters executed, linked, measured and served from one place.

Each module does one thing and has a ``setup(app)`` of its own:

``execute``     runs the chapters before Sphinx reads them, two at a time, and caches what came out
``anchors``     makes ids inside outputs (equations, figures, exercises) into link targets
``tables``      the directives ledger, notation, symbols, functions-index
``benchmarks``  the directives benchmarks and benchmarks-plot
``lists``       the directives glossary-nn and errata
``chapters``    the directives part-chapters, chapter-map and chapter-needs
``uses``        the directives functions-by-chapter and chapters-by-function
``assets``      MathJax and icons from installed packages, nothing from another host
``pages``       what the theme and the bibliography get wrong in the page, put right
``api``         the package's pages: every public name, by the module that defines it
``docstrings``  numbered references in docstrings, several docstrings to a page
``weights``     limits on states and page weights
"""

from __future__ import annotations

import hashlib
import importlib
import os
from pathlib import Path

MODULES = (
    "execute",
    "anchors",
    "tables",
    "benchmarks",
    "lists",
    "chapters",
    "uses",
    "assets",
    "pages",
    "api",
    "docstrings",
    "weights",
)


def digest() -> str:
    """Return a digest of this extension's own source."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def setup(app):
    """Connect every module, and say to all that runs from here on that the book is being built."""
    os.environ["NNBOOK_HTML"] = "1"
    for name in ("nnbook_url", "nnbook_issues_url"):
        app.add_config_value(name, "", "html", [str])
    # A change of the extension itself renders every page anew.
    app.add_config_value("nnbook_ext_digest", digest(), "env", [str])
    for name in MODULES:
        importlib.import_module(f"{__name__}.{name}").setup(app)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": False}
