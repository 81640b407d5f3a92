"""Put right, in each page as it is rendered, what the theme and the bibliography get wrong."""

from __future__ import annotations

import re

REPAIRS: list[tuple[re.Pattern[str], str]] = [
    # Icons come from a small font (see assets), not from a 1.5 MB script.
    (re.compile(r"\s*<script[^>]*scripts/fontawesome\.js[^>]*></script>"), ""),
]


def setup(app):
    """Repair each page between the template and the file."""
    app.connect("builder-inited", wrap_templates)


def wrap_templates(app) -> None:
    """Pass what the templates render through the repairs."""
    if app.builder.format != "html":
        return
    templates = app.builder.templates
    render = templates.render

    def repaired(template: str, context: dict) -> str:
        return repair(render(template, context))

    templates.render = repaired


def repair(page: str) -> str:
    """Return a page with every repair made."""
    for wrong, right in REPAIRS:
        page = wrong.sub(right, page)
    return page
