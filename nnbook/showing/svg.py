"""From a matplotlib figure to the small SVG that the page carries.

Matplotlib's own SVG is a file. The book needs a part of a page: no metadata, no ids that
another figure may use, colours that follow the page, coordinates no finer than can be seen,
and the same element in the same place in every state, so that two states differ in a few
attributes.
"""

import base64
import io
import re
import xml.etree.ElementTree as ET

import matplotlib
import numpy as np
from matplotlib.backends.backend_svg import RendererSVG
from PIL import Image

from nnbook.showing.style import SMOOTH, VARIABLES

KIND = "_kind"  # what an element was in matplotlib; used to pair states, never written

_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_REFERENCE = re.compile(r"(^|url\()#([\w.-]+)")  # a colour is no reference
_GEOMETRY = {"d", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "cx", "cy", "r", "points"}
_sizes: dict = {}  # of texts: tick labels are the same in most states


class _Renderer(RendererSVG):
    """RendererSVG that draws mathematics as outlines, and notes text outside the figure."""

    def __init__(self, figure, file):
        width, height = figure.get_size_inches() * 72
        super().__init__(width, height, file, image_dpi=72, metadata={"Date": None})
        # One parser for all states: it remembers the formulas that it has parsed.
        self._text2path = _Renderer.shared = getattr(_Renderer, "shared", self._text2path)
        self.bounds = (width, height)
        self.outside: list[str] = []
        self.lowest, self.highest = height, 0.0

    def get_text_width_height_descent(self, s, prop, ismath):
        key = (s, hash(prop), ismath)
        if key not in _sizes:
            if len(_sizes) > 5000:
                _sizes.clear()
            _sizes[key] = super().get_text_width_height_descent(s, prop, ismath)
        return _sizes[key]

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        # Positions of a formula's glyphs hold for matplotlib's font only; outlines hold anywhere.
        matplotlib.rcParams["svg.fonttype"] = "path" if ismath else "none"
        super().draw_text(gc, x, y, s, prop, angle, ismath=ismath, mtext=mtext)
        if mtext is not None and s.strip():
            box = mtext.get_window_extent(self)
            self.lowest, self.highest = min(self.lowest, box.y0), max(self.highest, box.y1)
            over = max(-box.x0, -box.y0, box.x1 - self.bounds[0], box.y1 - self.bounds[1])
            if over > 1:
                self.outside.append(f"the text {s!r} leaves the figure by {over:.0f} points")


def draw(figure) -> tuple[ET.Element, list[str], tuple[float, float]]:
    """Return what the page needs of a figure.

    Returns
    -------
    tree : Element
    outside : list of str
        A sentence for each text that leaves the figure.
    used : tuple of float
        The top and the bottom of what is drawn, in points from the figure's top.
    """
    figure.set_dpi(72)  # SVG units are points; at another dpi text would not fit its place
    file = io.StringIO()
    renderer = _Renderer(figure, file)
    shown = figure.patch.get_visible()
    figure.patch.set_visible(False)  # the page is the paper
    fonttype = matplotlib.rcParams["svg.fonttype"]
    try:
        figure.draw(renderer)
    finally:
        matplotlib.rcParams["svg.fonttype"] = fonttype
        figure.patch.set_visible(shown)
    renderer.finalize()
    boxes = [ax.get_window_extent() for ax in figure.axes]
    top = max([renderer.highest, *(box.y1 for box in boxes)]) + 4
    bottom = min([renderer.lowest, *(box.y0 for box in boxes)]) - 4
    height = renderer.bounds[1]
    used = (max(0.0, height - top), min(height, height - bottom))
    return _small(file.getvalue()), renderer.outside, used


def text(element: ET.Element) -> str:
    """Return the element as markup that both an HTML parser and an XML parser accept."""
    return ET.tostring(element, encoding="unicode")


def rename_ids(element: ET.Element, prefix: str):
    """Name the ids that are used ``prefix1``, ``prefix2``, ...; drop the others."""
    used = []
    for node in element.iter():
        for value in node.attrib.values():
            if "#" in value[:5] or "url(" in value:
                used += [name for _, name in _REFERENCE.findall(value)]
    names = {old: f"{prefix}{i}" for i, old in enumerate(dict.fromkeys(used), 1)}
    for node in element.iter():
        for key, value in list(node.attrib.items()):
            if key == "id":
                if value in names:
                    node.set("id", names[value])
                else:
                    del node.attrib["id"]
            elif "#" in value[:5] or "url(" in value:
                node.set(key, _REFERENCE.sub(lambda m: f"{m[1]}#{names.get(m[2], m[2])}", value))


def _small(source: str) -> ET.Element:
    root = ET.fromstring(source)
    for node in root.iter():
        node.tag = node.tag.rpartition("}")[2]
    for child in list(root):
        if child.tag == "metadata" or (child.tag == "defs" and child.find("style") is not None):
            root.remove(child)
    # Attributes of the root are inherited; matplotlib writes black by leaving the colour out.
    box = root.get("viewBox")
    root.attrib.clear()
    root.set("viewBox", " ".join(_round(part) for part in box.split()))
    root.set("stroke-linejoin", "round")
    root.set("style", "fill:var(--nn-ink,#1a1f26)")
    for node in root.iter():
        _clean(node)
    _collapse(root)
    return root


def _clean(node: ET.Element):
    node.tail = None
    if node.tag != "text":
        node.text = None
    for key in list(node.attrib):
        value = node.attrib.pop(key)
        name = key.rpartition("}")[2]
        if name == "style":
            value = _style(value)
            if value and node.tag != "image":
                node.set("style", value)
        elif name == "transform":
            value = re.sub(r"rotate\(-?0(\.0*)? [^)]*\)\s*", "", value).strip()
            if value:
                node.set("transform", _NUMBER.sub(lambda m: f"{float(m[0]):.5g}", value))
        elif name == "d":
            node.set("d", _path(value))
        elif name == "href" and value.startswith("data:image/png"):
            node.set("href", _palette_png(value))
        elif name in _GEOMETRY:
            node.set(name, _round(value))
        else:
            node.set(name, value)
    if node.tag == "image":
        if node.get("id") != SMOOTH:
            node.set("style", "image-rendering:pixelated")
        node.set("preserveAspectRatio", "none")
    if "id" in node.attrib:
        node.set(KIND, re.sub(r"_?\d+$", "", node.get("id")))


def _collapse(node: ET.Element):
    """Put the only child of a bare group in the group's place."""
    for i, child in enumerate(list(node)):
        _collapse(child)
        bare = child.tag == "g" and not set(child.attrib) - {"id", KIND}
        if bare and len(child) == 1 and child[0].tag != "defs":
            child[0].set(KIND, child.get(KIND) or child[0].get(KIND) or "")
            node[i] = child[0]


def _round(value: str) -> str:
    return _NUMBER.sub(_hundredth, value)


def _hundredth(match: re.Match) -> str:
    number = f"{float(match[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if number in ("-0", "") else number


def _path(d: str) -> str:
    d = _round(d)
    d = re.sub(r"\s*([MLCQz])\s*", r"\1", d)
    d = re.sub(r"\s+", " ", d).strip()
    # After M or L further pairs are lines already; after C, Q and z they would not be.
    return d if re.search("[CQ]", d) else d.replace("L", " ")


def _style(css: str) -> str:
    parts = {}
    for declaration in css.split(";"):
        key, _, value = declaration.partition(":")
        key, value = key.strip(), value.strip()
        if key == "font-family":
            if "mono" in value.lower().split(",")[0]:
                parts[key] = "ui-monospace,monospace"
            continue  # the page's own font
        if key in ("fill", "stroke"):
            value = color(value)
        elif key:
            value = _round(value)
        if key:
            parts[key] = value
    return ";".join(f"{key}:{value}" for key, value in parts.items())


def color(value: str) -> str:
    """Return the CSS variable of a colour of the house style, or any other colour as it is.

    Examples
    --------
    >>> color("#0072b2")
    'var(--nn-c1,#0072b2)'
    >>> color("#123456")
    '#123456'
    """
    name = VARIABLES.get(value.lower())
    return f"var({name},{value.lower()})" if name else value


def _palette_png(uri: str) -> str:
    """Store an image of at most 256 colours as indices into them."""
    image = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGBA")
    pixels = np.ascontiguousarray(image).view(np.uint32)[..., 0]
    colors, indices = np.unique(pixels, return_inverse=True)
    file = io.BytesIO()
    if len(colors) <= 256:
        rgba = colors.view(np.uint8).reshape(-1, 4)
        small = Image.fromarray(indices.reshape(pixels.shape).astype(np.uint8), "P")
        small.putpalette(rgba[:, :3].tobytes())
        opaque = bool((rgba[:, 3] == 255).all())
        extra = {} if opaque else {"transparency": rgba[:, 3].tobytes()}
        small.save(file, format="png", optimize=True, **extra)
    else:
        image.save(file, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
