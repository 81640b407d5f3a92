"""Figures that move, driven in Chromium: a page of six, from the file system, no server."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from nnbook.showing import Choice, Play, Slider, explore, plots
from tests.browser.steps import FRAME, p95, step_times, told

STATIC = Path(__file__).parents[2] / "book" / "_static"
pytestmark = pytest.mark.browser


def figures():
    """One slider, two sliders, a choice, a sequence, and two whose structure moves."""
    z = np.linspace(-6, 6, 241)

    @explore(
        "5.1",
        k=Slider(0.1, 5.0, value=1.0, step=0.1, label="steepness k"),
        title="Steepness",
        formula=[
            r"\sigma_k(z) = \frac{1}{1 + e^{-kz}}",
            r"\sigma_k'(0) = {{k:.1f}} \times 0.25 = {{slope:.3f}}",
        ],
    )
    def slope(ax, k):
        y = 1 / (1 + np.exp(-k * z))
        plots.curves(ax, z, {"σ(kz)": y, "its slope": k * y * (1 - y)}, ylim=(-0.05, 1.3))
        ax.set_xlabel("z")
        caption = f"At k = {k:.1f} the steepest slope of the logistic function is {k / 4:.3f}."
        return caption, {"slope": k / 4}

    @explore("5.2", a=Slider(-2, 2, value=1, step=0.5), b=Slider(0, 9, value=0, label="shift b"))
    def line(ax, a, b):
        ax.plot(z, a * z + b)
        ax.set_ylim(-20, 20)
        ax.grid(True)
        return f"The line rises by {a:.1f} and passes {b} at 0."

    @explore(
        "5.3",
        f=Choice("sigmoid", "tanh", "relu", names={"relu": "ReLU"}, label="activation"),
        depth=Slider(1, 12, label="layers"),
        layout=(1, 2),
    )
    def products(axes, f, depth):
        left, right = axes
        slope = {
            "sigmoid": np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))) ** 2,
            "tanh": 1 - np.tanh(z) ** 2,
            "relu": (z > 0) * 1.0,
        }[f]
        left.plot(z, slope)
        left.set_ylim(-0.05, 1.1)
        left.set_title("one slope")
        draws = np.random.default_rng(0).normal(size=(2000, depth))
        product = np.interp(draws, z, slope).prod(axis=1)
        plots.histogram(right, np.log10(product + 1e-20), bins=24, range=(-16, 0))
        right.set_ylim(0, 2100)
        right.set_title("product of all")
        share = (product < 1e-3).mean()
        return f"With {depth} layers of {f}, {share:.0%} of the products are below 0.001."

    steps = ["forward 1", "forward 2", "the loss", "back 2", "back 1"]

    @explore("8.1", t=Play(0, 4, interval=600, names=steps), size=(5.4, 2.6))
    def walk(ax, t):
        order = ["X", "Z", "A", "loss", "Δ"]
        nodes = {
            "X": (0, 0, ["X", "2×3", "0.5"]),
            "Z": (1, 0, ["Z⁽¹⁾", "2×4", "0.731"]),
            "A": (2, 0, ["A⁽¹⁾", "2×4", "0.675"]),
            "loss": (3, 0, ["ℓ", "scalar", "0.693"]),
            "Δ": (2, 1, ["Δ⁽¹⁾", "2×4", "−0.125"]),
        }
        edges = [("X", "Z"), ("Z", "A"), ("A", "loss"), ("loss", "Δ")]
        plots.graph(ax, nodes, edges, highlight=[order[t]], faded=order[t + 1 :])
        return f"Step {t}: {order[t]} is computed."

    @explore("16.1", bars=Slider(1, 8, value=3, label="bars"))
    def count(ax, bars):
        for i in range(bars):
            ax.bar(i, i + 1, color=plots.C3 if i == bars - 1 else plots.C1)
        ax.set_xlim(-1, 8)
        ax.set_ylim(0, 9)
        return f"There are {bars} bars."

    @explore("16.2", width=Slider.of(0.5, 1, 2, 4, 8), seed=Slider(0, 4), size=(4.2, 3.6))
    def surface(ax, width, seed):
        w = np.random.default_rng(seed).normal(size=(2, 6)) * width

        def predict(p):
            return 1 / (1 + np.exp(-np.tanh(p @ w - w.sum(0) / 2).sum(1) * width / 2))

        X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        plots.decision_surface(ax, predict, X, [0, 1, 1, 0], extent=(-0.5, 1.5, -0.5, 1.5))
        return f"Width {width}, seed {seed}: 4 examples."

    return [slope, line, products, walk, count, surface]


def page_source(made) -> str:
    body = "\n".join(figure.html() for figure in made)
    return f"""<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Figures</title>
<link rel="stylesheet" href="explore.css"><script src="explore.js"></script>
<style>body {{ margin: 0 auto; padding: 0 1rem; max-width: 46rem;
font-family: system-ui, sans-serif; background: var(--nn-paper);
color: var(--nn-ink); }} a {{ color: var(--nn-c1); }}</style>
</head><body><main><h1>Figures</h1><h2 id="eq-5-3">An equation</h2>{body}</main></body></html>"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    (folder / "index.html").write_text(page_source(figures()), encoding="utf-8")
    for name in ("explore.js", "explore.css"):
        shutil.copy(STATIC / name, folder / name)
    return (folder / "index.html").as_uri()


@pytest.fixture
def opened(chromium, address):
    """Open the page; a console message or an error in the page fails the test."""
    contexts, complaints = [], []

    def open_page(query="", **options):
        context = chromium.new_context(viewport={"width": 1000, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(request.url))
        page.goto(address + query)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def picture(page, name):
    return page.locator(f"#fig-{name} svg").inner_html()


def caption(page, name):
    return page.locator(f"#fig-{name} .nn-caption").inner_text()


def slider(page, name, control):
    return page.locator(f"#fig-{name} input[data-control={control}]")


def test_arrow_keys_move_the_picture_the_caption_and_the_alternative_text(opened):
    page = opened()
    before = picture(page, "5-slope")
    slider(page, "5-slope", "k").focus()
    page.keyboard.press("ArrowRight")
    assert picture(page, "5-slope") != before
    expected = "At k = 1.1 the steepest slope of the logistic function is 0.275."
    assert caption(page, "5-slope") == expected
    assert page.locator("#fig-5-slope svg").get_attribute("aria-label") == expected
    assert slider(page, "5-slope", "k").get_attribute("aria-valuetext") == "1.1"
    assert page.locator("#fig-5-slope .nn-num").all_inner_texts() == ["1.1", "0.275"]
    page.keyboard.press("End")
    assert "k = 5.0" in caption(page, "5-slope")
    page.keyboard.press("Home")
    assert "k = 0.1" in caption(page, "5-slope")


def test_every_state_in_the_page_is_the_svg_that_matplotlib_drew(opened, address):
    page = opened()
    for figure in figures()[2:]:
        name = figure.anchor.removeprefix("fig-")
        wanted = [state.svg for state in figure.states()]
        # Visit the states in a shuffled order: what a state leaves behind would show.
        for i in np.random.default_rng(0).permutation(len(wanted)):
            place = np.unravel_index(i, figure.shape)
            shown = page.evaluate(_PUT_AND_READ, [name, [int(p) for p in place]])
            drawn = page.evaluate(_READ, wanted[i])
            assert shown == drawn, f"{figure.name} at {figure.where(figure.states()[i].values)}"


_CANONICAL = """
const canonical = (node) => node.nodeType === 3 ? node.data
  : node.getAttribute("class") === "nn-v" ? [...node.childNodes].map(canonical).join("")
  : "<" + node.tagName + [...node.attributes].map((a) => ` ${a.name}="${a.value}"`).sort().join("")
    + ">" + [...node.childNodes].map(canonical).join("") + "</>";
const inside = (svg) => [...svg.childNodes].map(canonical).join("");
"""
_PUT = """
const put = (figure, place) => [...figure.querySelectorAll("[data-control]")].forEach((node, c) => {
  if (node.tagName === "FIELDSET") node.querySelectorAll("input")[place[c]].click();
  else { node.value = place[c]; node.dispatchEvent(new Event("input", { bubbles: true })); }
});
"""
_PUT_AND_READ = f"""([name, place]) => {{ {_CANONICAL} {_PUT}
  const figure = document.getElementById("fig-" + name);
  put(figure, place);
  return inside(figure.querySelector("svg")); }}"""
_READ = f"""(markup) => {{ {_CANONICAL}
  const box = document.createElement("div"); box.innerHTML = markup;
  return inside(box.firstChild); }}"""


def test_two_sliders_move_independently_and_reset_returns_both(opened):
    page = opened()
    first = picture(page, "5-line")
    slider(page, "5-line", "a").press("ArrowLeft")
    slider(page, "5-line", "b").press("PageUp")
    assert caption(page, "5-line") != "The line rises by 1.0 and passes 0 at 0."
    page.locator("#fig-5-line .nn-reset").click()
    assert caption(page, "5-line") == "The line rises by 1.0 and passes 0 at 0."
    assert picture(page, "5-line") == first
    assert slider(page, "5-line", "a").input_value() == "6"


def test_a_choice_is_made_by_mouse_and_by_keyboard(opened):
    page = opened()
    page.locator("#fig-5-products").get_by_role("radio", name="tanh").check()
    assert "layers of tanh" in caption(page, "5-products")
    page.keyboard.press("ArrowRight")
    assert "layers of relu" in caption(page, "5-products")
    assert page.get_by_role("group", name="activation").count() == 1


def test_the_address_holds_the_state_beside_an_anchor_and_restores_it(opened):
    page = opened("#eq-5-3")
    slider(page, "5-slope", "k").press("ArrowRight")
    page.locator("#fig-5-products").get_by_role("radio", name="ReLU").check()
    page.wait_for_function("location.search.includes('products.f')")
    where = page.evaluate("location.search + location.hash")
    assert "slope.k=1.1" in where and where.endswith("#eq-5-3")
    again = opened(where)
    assert caption(again, "5-slope") == caption(page, "5-slope")
    assert "layers of relu" in caption(again, "5-products")
    assert again.evaluate("location.hash") == "#eq-5-3"
    assert again.get_by_role("radio", name="ReLU").is_checked()
    page.locator("#fig-5-slope .nn-reset").click()
    page.wait_for_function("!location.search.includes('slope.k')")


def test_an_address_off_the_grid_goes_to_the_nearest_value_and_nonsense_is_ignored(opened):
    page = opened("?slope.k=2.34&line.a=%3Cscript%3E&products.f=gelu&other=1")
    assert "k = 2.3 " in caption(page, "5-slope")
    assert "rises by 1.0" in caption(page, "5-line")
    assert "sigmoid" in caption(page, "5-products")
    slider(page, "5-slope", "k").press("ArrowRight")
    page.wait_for_function("location.search.includes('slope.k=2.4')")
    assert "other=1" in page.evaluate("location.search")


def test_a_sequence_plays_pauses_steps_and_stops_at_its_end(opened):
    page = opened()
    figure = page.locator("#fig-8-walk")
    play = figure.locator(".nn-play")
    figure.locator(".nn-next").click()
    assert caption(page, "8-walk").startswith("Step 1")
    play.click()
    assert play.inner_text() == "Pause"
    page.wait_for_function(
        "document.querySelector('#fig-8-walk .nn-caption').textContent.startsWith('Step 2')"
    )
    play.click()
    held = caption(page, "8-walk")
    page.wait_for_timeout(900)
    assert caption(page, "8-walk") == held and play.inner_text() == "Play"
    figure.locator(".nn-back").click()
    assert caption(page, "8-walk") != held
    play.click()
    page.wait_for_function("document.querySelector('#fig-8-walk .nn-play').textContent === 'Play'")
    assert caption(page, "8-walk").startswith("Step 4")
    assert slider(page, "8-walk", "t").get_attribute("aria-valuetext") == "back 1"


def test_nothing_plays_for_a_reader_who_asks_for_less_motion(opened):
    page = opened(reduced_motion="reduce")
    assert not page.locator("#fig-8-walk .nn-play").is_visible()
    page.locator("#fig-8-walk .nn-next").click()
    assert caption(page, "8-walk").startswith("Step 1")


def test_the_live_region_speaks_once_after_rest(opened):
    page = opened()
    status = page.locator("#fig-5-slope .nn-status")
    for _ in range(5):
        slider(page, "5-slope", "k").press("ArrowRight")
    assert status.text_content() == ""
    page.wait_for_timeout(700)
    assert status.text_content() == caption(page, "5-slope")
    assert status.get_attribute("role") == "status"


def color_of(page, selector):
    return page.locator(selector).first.evaluate(
        "(node) => { const s = getComputedStyle(node); return [s.stroke, s.fill]; }"
    )


def test_curves_axes_and_text_take_the_colours_of_the_dark_page(opened):
    page = opened()
    curve, label = "#fig-5-slope svg path[style*='--nn-c1']", "#fig-5-slope svg text"
    light = color_of(page, curve)[0], color_of(page, label)[1]
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    dark = color_of(page, curve)[0], color_of(page, label)[1]
    assert light == ("rgb(0, 114, 178)", "rgb(26, 31, 38)")
    assert dark == ("rgb(86, 180, 233)", "rgb(230, 233, 237)")


def test_paper_gets_the_first_state_in_light_colours_and_no_controls(opened):
    page = opened()
    first = caption(page, "5-slope")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    slider(page, "5-slope", "k").press("End")
    page.emulate_media(media="print")
    page.wait_for_function("!document.querySelector('#fig-5-slope .nn-caption')"
                           ".textContent.includes('5.0')")  # fmt: skip
    assert caption(page, "5-slope") == first
    assert color_of(page, "#fig-5-slope svg path[style*='--nn-c1']")[0] == "rgb(0, 114, 178)"
    assert not page.locator("#fig-5-slope .nn-controls").is_visible()
    page.emulate_media(media="screen")
    page.wait_for_function("document.querySelector('#fig-5-slope .nn-caption')"
                           ".textContent.includes('5.0')")  # fmt: skip


def test_without_script_the_first_state_its_caption_and_a_note_stand(opened):
    page = opened(java_script_enabled=False)
    assert page.locator("#fig-5-slope svg").is_visible()
    assert "k = 1.0" in caption(page, "5-slope")
    assert not page.locator("#fig-5-slope .nn-controls").is_visible()
    assert "steepness" in page.locator("#fig-5-slope").inner_text().lower()
    assert "can be moved" in page.locator("#fig-5-slope .nn-noscript").inner_text()


def test_targets_are_large_enough_and_nothing_sticks_out_of_a_phone(opened):
    page = opened()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    small = page.evaluate(
        """() => [...document.querySelectorAll(".nn-controls :is(button, select, input, label)")]
        .filter((n) => n.offsetParent && n.type !== "radio" && !n.htmlFor)
        .map((n) => [n.outerHTML.slice(0, 80), n.getBoundingClientRect()])
        .filter(([, box]) => box.width < 24 || box.height < 24).map(([text]) => text)"""
    )
    assert small == []


def test_text_in_the_picture_stays_inside_it_in_the_fonts_of_the_page(opened):
    page = opened()
    for font in ("Liberation Sans", "DejaVu Sans"):
        page.evaluate("(font) => { document.body.style.fontFamily = font; }", font)
        outside = page.evaluate(
            """() => [...document.querySelectorAll("svg[role=img] text")].filter((node) => {
              const a = node.getBoundingClientRect();
              const b = node.ownerSVGElement.getBoundingClientRect();
              return a.width && (a.left < b.left - 1 || a.right > b.right + 1
                || a.top < b.top - 1 || a.bottom > b.bottom + 1); }).map((n) => n.textContent)"""
        )
        assert outside == []


def test_axe_finds_nothing(opened, checks):
    page = opened()
    for theme in ("light", "dark"):
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        assert checks["axe"](page) == []


@pytest.mark.parametrize("name", ["5-slope", "5-line", "5-products", "16-count", "16-surface"])
def test_a_step_takes_less_than_a_frame(opened, name):
    times = step_times(opened(), "fig-" + name)
    assert p95(times) < FRAME, told(times)


def test_the_script_is_small_and_asks_for_nothing():
    source = (STATIC / "explore.js").read_text(encoding="utf-8")
    assert len(source.encode()) < 8 * 1024
    for word in ("fetch(", "XMLHttpRequest", "import(", "eval(", "http:", "https:", "onclick"):
        assert word not in source
