"""Make the ids inside outputs into places that links can name.

A derivation, a figure or an exercise shows itself as HTML with an id of its own (``eq-5-3``).
Sphinx does not look inside HTML, so a link to it would be refused; here each id is registered
with the page, with the search index (which then finds an equation by its name and goes straight
to it), and is refused when displayed twice.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.domains import Domain, ObjType
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

from nnbook_ext.execute import ANCHOR, executed
from nnbook_ext.tables import number_of

logger = logging.getLogger(__name__)
KINDS = {"eq": "equation", "fig": "figure", "ex": "exercise"}


def setup(app):
    """Register the domain and the transforms."""
    app.add_domain(Shown)
    app.add_transform(RegisterAnchors)
    app.add_transform(NumberChapter)


class Shown(Domain):
    """What the chapters show, each with a number and a name: equations, figures, exercises."""

    name = "nn"
    label = "nnbook"
    object_types = {kind: ObjType(kind) for kind in KINDS.values()}  # noqa: RUF012
    initial_data = {"anchors": {}}  # noqa: RUF012
    data_version = 1

    def note(self, anchor: str, doc: str, title: str) -> None:
        """Register an anchor; the same one in a second place is an error."""
        other = self.data["anchors"].get(anchor)
        if other and other[0] != doc:
            logger.warning("%s is displayed in %s and again in %s", anchor, other[0], doc)
        self.data["anchors"][anchor] = (doc, title)

    def clear_doc(self, docname):
        """Forget a document's anchors before it is read again."""
        kept = {a: v for a, v in self.data["anchors"].items() if v[0] != docname}
        self.data["anchors"] = kept

    def get_objects(self):
        """Yield each anchor for the search index."""
        for anchor, (doc, title) in sorted(self.data["anchors"].items()):
            kind, _, number = anchor.partition("-")
            # the search box matches any part of this name
            dotted = number.replace("-", ".", 1) if number[:1].isdigit() else number
            name = f"({dotted}) {title}".strip()
            yield name, name, KINDS[kind], doc, anchor, 1

    def resolve_any_xref(self, env, fromdocname, builder, target, node, contnode):
        """Resolve nothing: links name their page, so that JupyterLab shows them well too."""
        return []


class RegisterAnchors(SphinxTransform):
    """Find the ids in a document's HTML outputs and explicit targets; let links name them."""

    default_priority = 870  # before MyST resolves [text](#id)

    def apply(self, **kwargs):
        """Register every id of this document."""
        doc = self.env.docname
        slugs = getattr(self.document, "myst_slugs", None)
        if slugs is None:
            slugs = self.document.myst_slugs = {}
        titles = self._titles(doc)
        shown = self.env.get_domain("nn")
        seen = set()
        for raw in self.document.findall(nodes.raw):
            if "html" not in raw.get("format", "").split():
                continue
            for anchor in ANCHOR.findall(raw.astext()):
                if anchor in seen:
                    logger.warning("%s is displayed twice in %s", anchor, doc, location=raw)
                seen.add(anchor)
                title = titles.get(anchor, "")
                slugs[anchor] = (0, anchor, title)
                shown.note(anchor, doc, title)
        for name, explicit in self.document.nametypes.items():
            identifier = self.document.nameids.get(name)
            if explicit and identifier:
                slugs.setdefault(name, (0, identifier, ""))
        if slugs:
            self.env.metadata[doc]["myst_slugs"] = slugs

    def _titles(self, doc: str) -> dict[str, str]:
        if doc not in getattr(self.env, "nn_keys", {}):
            return {}
        titles = {}
        for cell in executed(self.app, doc).cells:
            for output in cell.get("outputs", []):
                about = output.get("metadata", {}).get("nnbook", {})
                anchor = about.get("anchor") or _anchor_of(about)
                if anchor:
                    titles[anchor] = about.get("title") or about.get("name", "").replace("_", " ")
        return titles


def _anchor_of(about: dict) -> str:
    if about.get("kind") == "exercise":
        return "ex-" + str(about.get("number", "")).replace(".", "-")
    return ""


class NumberChapter(SphinxTransform):
    """Put a chapter's number before its title: ``05_units`` is chapter 5, whatever else stands."""

    default_priority = 300

    def apply(self, **kwargs):
        """Prefix the first title."""
        number = number_of(self.env.docname)
        title = next(iter(self.document.findall(nodes.title)), None)
        if number and title is not None:
            prefix = f"{number}. "
            if not title.astext().startswith(prefix):
                title.insert(0, nodes.Text(prefix))
