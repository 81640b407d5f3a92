"""Hold the chapters to their limits: states of figures, and what a page of them weighs."""

from __future__ import annotations

import gzip
from collections import defaultdict

from sphinx.util import logging

from nnbook_ext.execute import records

logger = logging.getLogger(__name__)
STATES_A_FIGURE = 150
STATES_A_CHAPTER = 300
GZIPPED_BYTES_A_PAGE = 400_000


def setup(app):
    """Weigh the figures once the chapters are executed."""
    app.connect("env-updated", weigh)


def weigh(app, env) -> list[str]:
    """Warn, which fails the build, of every figure and chapter over a limit."""
    for message in overweight(records(app)):
        logger.warning(message)
    return []


def overweight(figures: list[dict]) -> list[str]:
    """Return a sentence for each limit that is exceeded."""
    found, states, html = [], defaultdict(int), defaultdict(str)
    for figure in figures:
        if figure["kind"] != "figure":
            continue
        count = figure.get("states", 0)
        states[figure["doc"]] += count
        html[figure["doc"]] += "".join(figure["data"].get("text/html", ""))
        if count > STATES_A_FIGURE:
            name = figure.get("name", figure.get("number"))
            found.append(
                f"{figure['doc']}: figure {name} has {count} states, {STATES_A_FIGURE} is the limit"
            )
    for doc, count in states.items():
        if count > STATES_A_CHAPTER:
            found.append(f"{doc}: {count} states in all, {STATES_A_CHAPTER} is the limit")
        weight = len(gzip.compress(html[doc].encode(), 9))
        if weight > GZIPPED_BYTES_A_PAGE:
            found.append(
                f"{doc}: its figures weigh {weight:,} bytes gzipped, "
                f"{GZIPPED_BYTES_A_PAGE:,} is the limit"
            )
    return found
