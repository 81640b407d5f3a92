"""The parts, and the map of which chapter needs which: from book/data/chapters.toml."""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import Path

from docutils import nodes

from nnbook_ext.execute import records
from nnbook_ext.lists import planned
from nnbook_ext.rules import EQUATIONS
from nnbook_ext.tables import Table

ROW, HEAD = 26, 34  # px: a chapter's line, a part's heading
TEXT, WIDTH = 96, 410  # px: where the titles begin, and where they end
COUNTED = {
    "equation": EQUATIONS,
    "figure": ("figure",),
    "exercise": ("exercise",),
}


def setup(app):
    """Register the directives."""
    app.add_directive("part-chapters", PartChapters)
    app.add_directive("chapter-map", ChapterMap)
    app.add_directive("chapter-needs", ChapterNeeds)


def closure(number: int, needs: dict[int, list[int]]) -> list[int]:
    """Return every chapter that one rests on, directly or not, in order.

    >>> closure(8, {1: [], 5: [1], 7: [5], 8: [5, 7]})
    [1, 5, 7]
    """
    found, open_ = set(), [number]
    while open_:
        new = set(needs[open_.pop()]) - found
        found |= new
        open_ += new
    return sorted(found)


class Chapters(Table):
    """A directive that knows the chapters of the plan, and which of them stand."""

    def chapters(self) -> list[dict]:
        """Return the rows of the table."""
        return self.data("chapters")["chapter"]

    def named(self, chapter: dict, here: dict[int, str]) -> str:
        """Return a chapter's title as Markdown, a link if the chapter stands."""
        text = f"{chapter['number']}\\. {chapter['title']}"     # no item of a list
        doc = here.get(chapter["number"])
        return self.page_link(doc, text) if doc else text


class PartChapters(Chapters):
    """The chapters of one part: what each asks, what it holds, and what it needs."""

    required_arguments = 1

    def make(self):
        """Make a paragraph for each chapter."""
        part, here = int(self.arguments[0]), self.docs_by_chapter()
        shown = [(Path(r["doc"]).name, r["kind"]) for r in records(self.env.app)]
        result = []
        for chapter in self.chapters():
            if chapter["part"] != part:
                continue
            doc = here.get(chapter["number"])
            text = f"**{self.named(chapter, here)}.** {chapter['asks']} "
            if doc:
                kinds = Counter(kind for name, kind in shown if name == Path(doc).name)
                text += contents(kinds)
            else:
                text += f"*{planned(chapter['number']).capitalize()}.*"
            if chapter["needs"]:
                text += f" Needs {listed(chapter['needs'])}."
            box = nodes.container(classes=["nn-part-chapter"])
            box += self.markdown(text)
            result.append(box)
        return result


def contents(kinds: Counter) -> str:
    """Return what a chapter holds, in words.

    >>> contents(Counter(derivation=9, theorem=1, figure=1, exercise=4))
    '10 equations, 1 figure, 4 exercises.'
    """
    counts = {name: sum(kinds[k] for k in group) for name, group in COUNTED.items()}
    return ", ".join(f"{n} {name}{'' if n == 1 else 's'}" for name, n in counts.items()) + "."


def listed(numbers: list[int]) -> str:
    """Return numbers of chapters in words.

    >>> listed([5]), listed([3, 5, 7])
    ('chapter 5', 'chapters 3, 5 and 7')
    """
    words = [str(n) for n in numbers]
    if len(words) == 1:
        return f"chapter {words[0]}"
    return f"chapters {', '.join(words[:-1])} and {words[-1]}"


class ChapterNeeds(Chapters):
    """The map in words: what each chapter needs, and what it opens."""

    def make(self):
        """Make the table."""
        chapters, here = self.chapters(), self.docs_by_chapter()
        needs = {c["number"]: c["needs"] for c in chapters}
        rows = []
        for chapter in chapters:
            number = chapter["number"]
            before = [n for n in closure(number, needs) if n not in chapter["needs"]]
            first = ", ".join(map(str, chapter["needs"])) or "—"
            opens = ", ".join(str(n) for n, needed in needs.items() if number in needed) or "—"
            through = ", ".join(map(str, before)) or "—"
            rows.append([self.named(chapter, here), first, through, opens])
        heads = ["Chapter", "Needs", "And through these", "Opens"]
        return [self.table(heads, rows, ["nn-needs"])]


class ChapterMap(Chapters):
    """A picture of it: the chapters down the page, an arc from each to those it needs."""

    def make(self):
        """Draw it as SVG in the page's own colours; a chapter in focus shows all it rests on."""
        data, here = self.data("chapters"), self.docs_by_chapter()
        pages = {n: Path(doc).name + ".html" for n, doc in here.items()}
        return [nodes.raw("", drawn(data["part"], data["chapter"], pages), format="html")]


def drawn(parts: list[dict], chapters: list[dict], pages: dict[int, str]) -> str:
    """Return the map as a figure of markup."""
    needs = {c["number"]: c["needs"] for c in chapters}
    heights, texts, y = {}, [], 0
    for part in parts:
        y += HEAD
        title = escape(part["title"])
        texts.append(f'<text class="nn-map-part" x="{TEXT}" y="{y - 8}">{title}</text>')
        for chapter in chapters:
            if chapter["part"] != part["number"]:
                continue
            number, y = chapter["number"], y + ROW
            heights[number] = y - ROW / 2
            texts.append(line(chapter, y - 8, pages.get(number)))
    arcs = [
        f'<path d="{arc(heights[n], heights[number])}" class="'
        + " ".join(f"on{c}" for c in needs if c == number or number in closure(c, needs))
        + '"/>'
        for number, needed in needs.items()
        for n in needed
    ]
    dots = [
        f'<circle cx="{TEXT - 10}" cy="{height:g}" r="4"'
        f' class="{"stands" if number in pages else "planned"}"/>'
        for number, height in heights.items()
    ]
    lit = "{stroke:var(--nn-c2);stroke-width:2.4;opacity:1}"
    rules = "".join(f".nn-map:has(.c{n}:is(:hover,:focus-visible)) .on{n}{lit}" for n in needs)
    return (
        f'<figure class="nn-map"><style>{rules}</style>'
        f'<svg viewBox="0 0 {WIDTH} {y + 8}" role="group" aria-label="Map of the chapters; the '
        f'table below says the same in words">{"".join(arcs)}{"".join(dots)}{"".join(texts)}'
        "</svg></figure>"
    )


def line(chapter: dict, y: float, page: str | None) -> str:
    """Return a chapter's line of text, a link where the chapter stands."""
    number, title = chapter["number"], escape(chapter["title"])
    number_first = f'<tspan class="nn-map-number">{number}</tspan> {title}'
    text = f'<text x="{TEXT}" y="{y:g}">{number_first}</text>'
    if page is None:
        return f'<g class="c{number} planned">{text}</g>'
    return f'<a href="{escape(page)}" class="c{number}">{text}</a>'


def arc(top: float, bottom: float) -> str:
    """Return the path of an arc to the left of the dots, the farther out the longer it is.

    >>> arc(13, 39)
    'M86 13C73 13 73 39 86 39'
    """
    x = TEXT - 10
    out = x - min(13 * (bottom - top) / ROW, 1.3 * x)
    return f"M{x:g} {top:g}C{out:g} {top:g} {out:g} {bottom:g} {x:g} {bottom:g}"
