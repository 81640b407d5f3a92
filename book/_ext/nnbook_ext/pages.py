"""Put right, in each page as it is rendered, what the theme and the bibliography get wrong."""

from __future__ import annotations

import html
import re
from pathlib import Path
from urllib.parse import quote

import nnbook

REPAIRS: list[tuple[re.Pattern[str], str]] = [
    (re.compile(wrong), right)
    for wrong, right in (
        # Icons come from a small font (see assets), not from a 1.5 MB script.
        (r"\s*<script[^>]*scripts/fontawesome\.js[^>]*></script>", ""),
        # The sidebar is a landmark, and what opens a section of it has a name.
        (
            r'<div id="pst-primary-sidebar" ',
            '<div id="pst-primary-sidebar" role="region" aria-label="Book" ',
        ),
        (
            r'<summary><span class="toctree-toggle" role="presentation">',
            '<summary aria-label="Pages of this section"><span class="toctree-toggle">',
        ),
        # A visible text is the name; another name beside it cannot be spoken to a computer.
        (r'<summary aria-label="Toggle hidden content">', "<summary>"),
        (r'(<button class="[^"]*search-button-field[^"]*"[^>]*?)\s+aria-label="Search"', r"\1"),
        # docutils gives a bibliography roles that need children it does not have.
        (r'<div role="list" class="(citation|footnote)-list">', r'<div class="\1-list">'),
        (
            r'<div class="citation" id="([^"]+)" role="doc-biblioentry">',
            r'<div class="citation" id="\1">',
        ),
    )
]


def setup(app):
    """Repair each page between the template and the file."""
    app.connect("builder-inited", wrap_templates)
    app.connect("html-page-context", add_page_links)


def wrap_templates(app) -> None:
    """Pass what the templates render through the repairs."""
    if app.builder.format != "html":
        return
    templates = app.builder.templates
    render = templates.render

    def repaired(template: str, context: dict) -> str:
        return repair(render(template, context))

    templates.render = repaired


# The theme loads the search on every page, for results while one types, which are switched off.
# The index grows with the book: a tenth of a first visit, and used on one page.
SEARCH = re.compile(
    r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js"></script>'
)


def repair(page: str) -> str:
    """Return a page with every repair made."""
    for wrong, right in REPAIRS:
        page = wrong.sub(right, page)
    return page if 'id="search-results"' in page else SEARCH.sub("", page)


def add_page_links(app, pagename, templatename, context, doctree) -> None:
    """End each chapter with how to cite it, where to report an error, and its notebook."""
    if "body" not in context or not app.env.doc2path(pagename).endswith(".ipynb"):
        return
    config, title = app.config, re.sub(r"<[^>]+>", "", context.get("title", ""))
    where = config.nnbook_url.rstrip("/")
    cite = f"{config.author}. {title}. In: nnbook, version {nnbook.__version__}."
    if where:
        cite += f" {where}/{pagename}.html"
    links = []
    if context.get("sourcename"):
        up = "../" * (len(Path(pagename).parts) - 1)
        source = f"{up}_sources/{context['sourcename']}"
        links.append(f'<a href="{html.escape(source)}" download>Download this notebook</a>')
    if config.nnbook_issues_url:
        address = f"{config.nnbook_issues_url}?title={quote(f'{pagename}: ')}"
        links.append(f'<a href="{html.escape(address)}">Report an error</a>')
    context["body"] += (
        f'<div class="nn-page-links"><p>{" · ".join(links)}</p><p>Cite: {html.escape(cite)} '
        "The number of an equation is a link to it.</p></div>"
    )
