"""The glossary and the errata: lists made from book/data, with links into the chapters built."""

from __future__ import annotations

import re
from pathlib import Path

from docutils import nodes

from nnbook_ext.execute import anchors_shown
from nnbook_ext.tables import Table, name_of


def setup(app):
    """Register the directives."""
    app.add_directive("glossary-nn", Glossary)
    app.add_directive("errata", Errata)


def planned(chapter: int) -> str:
    """Return the words for a chapter that is not written yet."""
    return f"chapter {chapter}, planned"


class Glossary(Table):
    """The book's terms, each with the chapters and equations where it is at home."""

    def make(self):
        """Make a Sphinx glossary, so that ``{term}`` finds its entries."""
        terms = self.data("glossary").get("term", [])
        here, known = self.docs_by_chapter(), anchors_shown(self.env.app)
        lines = ["````{glossary}"]
        for term in sorted(terms, key=lambda t: t["term"].lower()):
            lines.append(term["term"])
            lines += term.get("aliases", [])
            where = self._where(term, here, known)
            lines.append(f"  {' '.join(term['definition'].split())} {where}")
            lines.append("")
        return self.markdown("\n".join([*lines, "````"]))

    def _where(self, term: dict, here: dict[int, str], known: dict[str, str]) -> str:
        places = []
        for number in term.get("equations", []):
            anchor = "eq-" + number.replace(".", "-")
            if anchor in known:
                places.append(self.page_link(known[anchor], f"({number})", anchor))
        for chapter in term.get("chapters", []):
            if chapter in here:
                places.append(self.page_link(here[chapter], name_of(chapter)))
            else:
                places.append(planned(chapter))
        return f"*{', '.join(places)}*" if places else ""


class Errata(Table):
    """What the source article got wrong: the claim, the repair, and where it is fought out."""

    def make(self):
        """Make one block for each erratum."""
        here = self.docs_by_chapter()
        blocks = []
        for erratum in sorted(self.data("errata").get("erratum", []), key=lambda e: e["number"]):
            box = nodes.container(classes=["nn-erratum"], ids=[f"erratum-{erratum['number']}"])
            quotes = " … ".join(f"“{' '.join(quote.split())}”" for quote in erratum["source"])
            box += self.markdown(f"**{erratum['number']}.** {quotes}")
            box += self.markdown("**What is wrong.** " + erratum.get("wrong", ""))
            box += self.markdown("**What holds.** " + erratum.get("correct", ""))
            box += self.markdown(self._where(erratum, here))
            blocks.append(box)
        return blocks

    def _where(self, erratum: dict, here: dict[int, str]) -> str:
        chapter, place = erratum.get("chapter", 0), erratum.get("place", "")
        name = name_of(chapter)
        built = {Path(self.env.doc2path(d)).name for d in getattr(self.env, "nn_keys", {})}
        if place and place.partition("#")[0] in built:
            where = f"Fought out in [{name}]({place})."
        elif chapter in here or not chapter:
            where = f"Belongs to {name}."
        else:
            where = f"Belongs to {planned(chapter)}."
        test = erratum.get("test", "")
        if test:
            claim = re.sub(r"^test_\d*_?", "", test.split("::")[-1]).replace("_", " ")
            where += f" The test: *{claim}*."
        return where
