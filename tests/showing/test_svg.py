"""The SVG of the page: colours of the page, small numbers, no names that clash."""

import base64
import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nnbook.showing import Slider, explore, svg
from nnbook.showing.style import (
    CYCLE,
    GRID,
    INK,
    MUTED,
    PAPER,
    VARIABLES,
    house_style,
    new_figure,
)


def drawn(draw, **options):
    with house_style():
        figure, axes = new_figure(**options)
        draw(axes[0])
        return svg.draw(figure)[:2]


def test_every_colour_of_the_house_becomes_a_variable_of_the_page():
    def draw(ax):
        for i, color in enumerate([*CYCLE, INK, MUTED, GRID, PAPER, "black"]):
            ax.plot([0, i], color=color)

    source = svg.text(drawn(draw)[0])
    for name in [*(f"c{i}" for i in range(1, 7)), "ink", "muted", "grid", "paper"]:
        assert f"stroke:var(--nn-{name}," in source
    assert not re.search(r"(stroke|fill):#", source)


def test_a_foreign_colour_stays():
    assert "stroke:#123456" in svg.text(drawn(lambda ax: ax.plot([0, 1], color="#123456"))[0])


def test_changing_text_is_text_in_the_font_of_the_page_and_mathematics_is_outlines():
    def draw(ax):
        ax.set_axis_off()
        ax.text(0.5, 0.5, "plain σ′")
        ax.text(0.5, 0.2, r"$\sigma'(z)$")

    tree, _ = drawn(draw)
    assert [node.text for node in tree.iter("text")] == ["plain σ′"]
    assert "font-family" not in svg.text(tree)
    assert len(list(tree.iter("use"))) >= 4


def test_a_palette_image_keeps_every_pixel():
    pixels = np.random.default_rng(0).choice([0, 90, 255], size=(9, 7, 4)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="png")
    uri = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    small = base64.b64decode(svg._palette_png(uri).partition(",")[2])
    image = Image.open(io.BytesIO(small))
    assert image.mode == "P"
    assert np.array_equal(np.asarray(image.convert("RGBA")), pixels)


def test_an_image_of_many_colours_keeps_every_pixel_too():
    pixels = np.random.default_rng(0).integers(0, 256, size=(30, 30, 4), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="png")
    uri = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    small = base64.b64decode(svg._palette_png(uri).partition(",")[2])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(small)).convert("RGBA")), pixels)


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("M 0.123456 1 \nL 2.999999 3 \nL 4 5.5 \n", "M0.12 1 3 3 4 5.5"),
        ("M 0 0 \nC 1.005 2 3 4 5 6 \nL 1 1 \nz \n", "M0 0C1 2 3 4 5 6L1 1z"),
        ("M 0 0 \nL 1 1 \nz \nM -0.001 2 \nL 3 3", "M0 0 1 1zM0 2 3 3"),
    ],
)
def test_paths_are_short(long, short):
    assert svg._path(long) == short


def test_the_picture_is_the_one_matplotlib_would_save():
    """Undo the abbreviations in a path, and the numbers are matplotlib's to a hundredth."""
    x = np.linspace(0, 1, 20)
    with house_style():
        figure, (ax,) = new_figure()
        ax.plot(x, np.sin(9 * x))
        ax.set_axis_off()
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
        tree, *_ = svg.draw(figure)
    theirs = ET.fromstring(file.getvalue())
    theirs = next(p.get("d") for p in theirs.iter() if "stroke: #0072b2" in p.get("style", ""))
    ours = next(p.get("d") for p in tree.iter("path") if "--nn-c1" in p.get("style", ""))
    numbers = [np.array(re.findall(r"-?[\d.]+", d), dtype=float) for d in (theirs, ours)]
    assert numbers[0].shape == numbers[1].shape
    assert np.abs(numbers[0] - numbers[1]).max() <= 0.0051


def test_unused_ids_are_dropped_and_used_ones_renamed():
    tree = ET.fromstring(
        '<svg><path id="m1"/><use href="#m1"/><g id="x"/><g clip-path="url(#c)" '
        'style="fill:#abc"/><clipPath id="c"/></svg>'
    )
    svg.rename_ids(tree, "fig-")
    assert svg.text(tree) == (
        '<svg><path id="fig-1" /><use href="#fig-1" /><g /><g clip-path="url(#fig-2)" '
        'style="fill:#abc" /><clipPath id="fig-2" /></svg>'
    )


def test_tick_labels_and_lines_of_the_same_size_in_every_state():
    """Margins are fixed: the axes stand still when their labels grow."""

    @explore(k=Slider(1, 2))
    def grows(ax, k):
        ax.plot([0, 10.0**k])
        return f"{k}"

    boxes = [grows.draw(k=k).axes[0].get_position().bounds for k in (1, 2)]
    assert boxes[0] == boxes[1]


def test_the_palette_of_figures_is_that_of_the_page():
    """A PNG, a page without variables and a page with them show the same light colours."""
    static = Path(__file__).parents[2] / "book" / "_static"
    for name in ("nnbook.css", "explore.css"):
        light = (static / name).read_text(encoding="utf-8").partition("}")[0]
        found = dict(re.findall(r"(--nn-\w+): (#[0-9a-f]{6})", light))
        for color, variable in VARIABLES.items():
            if color != "#000000":
                assert found[variable] == color, f"{variable} of {name}"
