"""explore: what it accepts, what it refuses, and the states that it draws."""

import json
import re

import matplotlib
import numpy as np
import pytest

from nnbook.showing import Choice, Play, Slider, explore, states
from nnbook.showing.figure import drawn_here


@pytest.fixture(autouse=True)
def own_page():
    before = dict(drawn_here)
    drawn_here.clear()
    yield
    drawn_here.clear()
    drawn_here.update(before)


def a_figure(number="5.1", **options):
    options = options or {"k": Slider(1, 4, value=2, label="steepness k")}

    @explore(number, **options)
    def slope(ax, k):
        z = np.linspace(-3, 3, 50)
        ax.plot(z, np.tanh(k * z))
        return f"At k = {k} the slope is {k}."

    return slope


def test_states_cover_the_grid_and_start_where_the_controls_start():
    figure = a_figure(k=Slider(1, 4, value=2))
    assert [s.values["k"] for s in states(figure)] == [1, 2, 3, 4]
    assert figure.start == {"k": 2}
    assert figure.state().caption == "At k = 2 the slope is 2."
    assert figure.state(k=4).caption == "At k = 4 the slope is 4."


def test_with_two_controls_the_last_moves_fastest():
    @explore(a=Slider(0, 1), f=Choice("x", "y"))
    def two(ax, a, f):
        ax.text(0.5, 0.5, f"{a}{f}")
        return f"{a}{f}"

    assert [s.caption for s in two.states()] == ["0x", "0y", "1x", "1y"]


def test_the_svg_is_the_same_each_time_and_holds_nothing_of_the_machine():
    figure = a_figure()
    first, again = figure.svg(k=3), figure.svg(k=3)
    assert first == again
    assert "matplotlib" not in first.lower() and "date" not in first.lower()
    assert not re.search(r"\d\.\d{3,}[ \"zLM]", first.split("transform")[0])


def test_drawing_leaves_matplotlib_as_it_was(monkeypatch):
    monkeypatch.setitem(matplotlib.rcParams, "lines.linewidth", 7.5)
    monkeypatch.setitem(matplotlib.rcParams, "svg.fonttype", "path")
    figure = a_figure()
    plain = figure.svg()
    assert matplotlib.rcParams["lines.linewidth"] == 7.5
    assert matplotlib.rcParams["svg.fonttype"] == "path"
    assert "stroke-width:1.9" in plain  # and the reader's settings do not reach the figure


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"q": Slider(0, 1), "k": Slider(0, 1)}, "control 'q' is not an argument of f"),
        ({}, "at least one control"),
        ({"k": Slider(0, 150, step=1)}, r"151 states: 151 \(k\); a figure may have 150"),
        ({"k": Slider(0, 20, step=1), "j": Slider(0, 9)}, r"210 states: 21 \(k\) times 10 \(j\)"),
        ({"k": Slider(0, 1), "number": "5.1"}, "number = '5.1' is not a control"),
        ({"k": Slider(0, 1), "layout": 2}, "layout must be"),
        ({"k": Slider(0, 1), "size": (500, 300)}, "size must be"),
        ({"k": Slider(0, 1), "formula": r"\frac{{{k}}}{2}"}, "braces"),
    ],
)
def test_a_wrong_decoration_is_refused_at_once(controls, message):
    with pytest.raises((ValueError, TypeError), match=message):

        @explore(**controls)
        def f(ax, k):
            return "1"


def test_an_argument_without_control_is_refused_and_one_with_default_is_not():
    with pytest.raises(ValueError, match="argument 'j' of f has no control; add j=Slider"):

        @explore(k=Slider(0, 1))
        def f(ax, k, j):
            return "1"

    @explore(k=Slider(0, 1))
    def g(ax, k, j=3):
        ax.plot([0, k])
        return f"{j}"

    assert g.state().caption == "3"


def test_a_decorator_without_call_and_a_strange_number_are_refused():
    with pytest.raises(ValueError, match="not @explore"):

        @explore
        def f(ax, k):
            return "1"

    with pytest.raises(ValueError, match=r"chapter\.figure, such as '5\.1', got 'slope'"):
        explore("slope", k=Slider(0, 1))


def test_a_chapter_holds_300_states():
    for i in (1, 2):

        @explore(f"5.{i}", k=Slider(1, 140, step=1))
        def many(ax, k):
            return "1"

        many.name = f"many{i}"
        drawn_here[f"fig-5-many{i}"] = drawn_here.pop("fig-5-many")
        many.anchor = f"fig-5-many{i}"

    with pytest.raises(ValueError, match=r"chapter 5 would have 301 states.*21 last"):

        @explore("5.3", k=Slider(1, 21))
        def last(ax, k):
            return "1"

    @explore("6.1", k=Slider(1, 21))
    def another_chapter(ax, k):
        return "1"


def test_drawing_a_figure_again_does_not_count_twice():
    for _ in range(4):
        a_figure(k=Slider(1, 100, step=1))


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, "must return its caption.*forgotten return"),
        ("", "must return its caption"),
        ("no number at all", "caption must carry a number, got 'no number at all'"),
        (("1", [2]), r"dict of numbers\), got \[2\]"),
    ],
)
def test_a_caption_without_a_number_is_refused_with_its_state(returned, message):
    @explore(k=Slider(1, 3))
    def f(ax, k):
        return "at 1" if k != 2 else returned

    with pytest.raises(ValueError, match=message) as caught:
        f.html()
    assert "figure f at k = 2" in str(caught.value)


def test_an_exception_in_one_state_is_fatal_and_names_the_state():
    @explore(k=Slider(0.0, 1.0, step=0.5), f=Choice("a", "b"))
    def broken(ax, k, f):
        ax.plot([0, 1 / (k - 0.5 if f == "b" else 1)])
        return f"{k}"

    with pytest.raises(RuntimeError, match=r"broken fails at k = 0\.5, f = b: ZeroDivisionError"):
        broken.html()


def test_adjacent_states_that_look_the_same_are_refused_unless_explained():
    def draw(ax, k):
        ax.plot([0, min(k, 2)])
        return f"{k}"

    with pytest.raises(ValueError, match=r"looks the same at k = 2 and at k = 3.*moving k"):
        explore(k=Slider(1, 3))(draw).html()
    explained = explore(k=Slider(1, 3), same_ok="the line stops rising at 2")(draw)
    explained.html()
    assert explained.metadata["same_ok"] == "the line stops rising at 2"


def test_text_that_leaves_the_figure_is_refused():
    @explore(k=Slider(1, 2))
    def wide(ax, k):
        ax.text(0.9, 0.5, "a label far too long for its place", transform=ax.transAxes)
        return f"{k}"

    with pytest.raises(ValueError, match=r"wide at k = 1: the text 'a label far.*leaves the fig"):
        wide.html()


def test_unknown_and_off_grid_values_are_refused():
    figure = a_figure()
    with pytest.raises(ValueError, match=r"no control 'j'; it has \['k'\]"):
        figure.draw(j=1)
    with pytest.raises(ValueError, match=r"k: value 2\.5 is not on the grid"):
        figure.draw(k=2.5)


def test_several_axes_and_the_whole_figure():
    @explore(t=Play(0, 1), layout=(1, 2))
    def pair(axes, t):
        left, right = axes
        left.plot([0, t])
        right.plot([t, 0])
        return f"{t}"

    assert len(pair.draw().axes) == 2

    @explore(t=Play(0, 1))
    def whole(fig, t):
        fig.add_axes([0.2, 0.2, 0.7, 0.7]).plot([0, t])
        return f"{t}"

    assert len(whole.draw().axes) == 1


def test_numbers_of_the_formula_are_printed_by_their_format():
    @explore(k=Slider(1, 2), formula=[r"a = {{k}}", r"b_{1} = {{ half:.2f }} \times 3"])
    def f(ax, k):
        ax.plot([0, k])
        return f"{k}", {"half": -k / 2}

    assert f.state().numbers == ("1", "−0.50")
    page = f.html()
    assert re.findall(r'class="nn-num"[^>]*>([^<]*)<', page) == ["1", "−0.50"]
    assert r"\({}\times 3\)" in page

    @explore(k=Slider(1, 2), formula="{{missing}}")
    def g(ax, k):
        return f"{k}"

    with pytest.raises(ValueError, match="'missing', which is neither a control nor among"):
        g.state()

    @explore(k=Slider(1, 2), formula="{{k:.2q}}")
    def h(ax, k):
        return f"{k}"

    with pytest.raises(ValueError, match="h at k = 1: the formula cannot print 'k'"):
        h.state()


def test_the_page_opens_at_the_start_and_carries_every_caption():
    figure = a_figure(k=Slider(1, 4, value=3), title="Slopes <1>")
    page = figure.html()
    assert page.count("<svg") == 1
    assert 'id="fig-5-slope"' in page and "Figure 5.1" in page and "Slopes &lt;1&gt;." in page
    assert 'aria-label="At k = 3 the slope is 3."' in page
    data = json.loads(re.search(r'application/json">(.*)</script>', page)[1])
    assert data["captions"][0] == "At k = 1 the slope is 1." and len(data["captions"]) == 4
    assert data["controls"] == [{"name": "k", "labels": ["1", "2", "3", "4"], "start": 2}]
    assert figure.metadata["states"] == 4
    assert 0 < figure.metadata["gzip"] < figure.metadata["bytes"] == len(page.encode())


def test_markup_in_a_caption_stays_text():
    @explore(k=Slider(1, 2))
    def f(ax, k):
        ax.plot([0, k])
        return f'{k} <script>alert(1)</script> & "more"'

    page = f.html()
    assert page.count("<script") == 1 and "<script>alert" not in page
    assert 'aria-label="1 &lt;script&gt;' in page


def test_no_word_of_the_page_is_an_inline_handler_or_a_request():
    page = a_figure().html()
    assert not re.search(r"\son\w+=|https?:|src=|@import", page)


def test_ids_of_two_figures_do_not_meet():
    first, second = a_figure().html(), a_figure("5.2").html()
    other = second.replace("fig-5-slope", "fig-5-other")
    ids = re.findall(r' id="([^"]+)"', first) + re.findall(r' id="([^"]+)"', other)
    assert len(ids) == len(set(ids)) > 4
    for name in re.findall(r'(?:url\(|href=")#([^)"]+)', first):
        assert f'id="{name}"' in first


def test_a_page_holds_400_kilobytes(monkeypatch):
    monkeypatch.setattr("nnbook.showing.figure.MOST_GZIPPED_BYTES", 3000)
    a_figure().html()
    with pytest.raises(ValueError, match=r"weigh [\d,]+ bytes gzipped with another"):

        @explore("5.2", k=Slider(1, 4))
        def another(ax, k):
            ax.plot(np.random.default_rng(k).normal(size=300))
            return f"{k}"

        another.html()
