"""The shared drawings: what they draw, and that their structure does not move."""

import numpy as np
import pytest

from nnbook.learning.statistics import wilson_interval
from nnbook.showing import plots, svg
from nnbook.showing.style import C1, C2, house_style, new_figure


@pytest.fixture
def ax():
    with house_style():
        yield new_figure()[1][0]


def structure(draw):
    with house_style():
        figure, (ax,) = new_figure()
        draw(ax)
        tree, outside, _ = svg.draw(figure)
    assert outside == []
    return [node.tag for node in tree.iter()]


def test_names_stand_at_the_ends_of_the_curves_and_do_not_collide(ax):
    x = np.linspace(0, 1, 9)
    plots.curves(ax, x, {"a": x, "b": x * 1.001, "c": x * 0.999, "d": x + 9}, ylim=(0, 1))
    heights = {text.get_text(): text.get_position()[1] for text in ax.texts}
    ordered = sorted(heights.values())
    assert min(np.diff(ordered)) > 0.04 and max(ordered) <= 1
    assert all(text.get_transform() == ax.get_yaxis_transform() for text in ax.texts)
    assert heights["c"] < heights["a"] < heights["b"] < heights["d"]
    styles = [line.get_linestyle() for line in ax.lines]
    colors = [line.get_color() for line in ax.lines]
    assert len(set(colors)) == 4 and styles[0] == "-"
    assert len({str(line._dash_pattern) for line in ax.lines}) == 4


def test_a_histogram_counts_every_value(ax):
    values = np.random.default_rng(0).normal(size=500) * 3
    counts = plots.histogram(ax, values, bins=10, range=(-1, 1))
    assert counts.sum() == 500
    assert counts[1:-1].sum() == ((values >= -0.8) & (values < 0.8)).sum()
    assert plots.histogram(ax, values, density=True).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([1.0, np.nan], {}, "finite"),
        ([], {}, "at least one"),
        ([1.0], {"log": True}, "log=True needs range"),
        ([1.0], {"log": True, "range": (0, 1)}, "low > 0"),
    ],
)
def test_a_histogram_refuses_what_it_cannot_count(ax, values, options, message):
    with pytest.raises(ValueError, match=message):
        plots.histogram(ax, values, **options)


def test_a_surface_has_its_classes_colours_where_they_are_probable(ax):
    plots.decision_surface(ax, lambda p: p[:, 0], resolution=20)
    image = ax.images[0].get_array()
    blue, vermillion = ([int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in (C1, C2))
    assert image[0, 0, :3].tolist() == blue and image[0, -1, :3].tolist() == vermillion
    assert image[0, 0, 3] == image[0, -1, 3] > image[0, 9, 3]


def test_a_surface_points_up(ax):
    """Row 0 of the image is the bottom of the plane: y grows upwards."""
    plots.decision_surface(ax, lambda p: (p[:, 1] > 0.7) * 1.0, resolution=20)
    image = ax.images[0]
    assert image.origin == "lower"
    assert (np.asarray(image.get_array())[-1, :, 0] == int(C2[1:3], 16)).all()


@pytest.mark.parametrize(
    ("predict", "message"),
    [
        (lambda p: p, r"predict must return shape \(1600,\), got \(1600, 2\)"),
        (lambda p: 3 * p[:, 0], "predict must return probabilities"),
        (lambda p: p[:, 0] * np.nan, "predict must return probabilities"),
    ],
)
def test_a_surface_refuses_what_is_no_probability(ax, predict, message):
    with pytest.raises(ValueError, match=message):
        plots.decision_surface(ax, predict)


def test_a_graph_keeps_its_structure_whatever_is_highlighted():
    nodes = {"x": (0, 0, ["x", "2×3", "1"]), "y": (1, 1, ["y", "2×3", "2"])}

    def step(**options):
        return structure(lambda ax: plots.graph(ax, nodes, [("x", "y", "W")], **options))

    first = step(highlight=["x"], faded=["y"])
    assert first == step(highlight=["y"]) == step()
    with pytest.raises(ValueError, match=r"no node 'z'; the nodes are \['x', 'y'\]"):
        step(highlight=["z"])


def test_a_network_has_a_disc_for_each_unit_and_a_line_for_each_weight(ax):
    plots.network(ax, [2, 3, 1], values=[["1", "2"], ["3", "4", "5"], ["6"]], titles="XAP")
    assert len(ax.patches) == 6 and len(ax.lines) == 2 * 3 + 3 * 1
    assert [t.get_text() for t in ax.texts] == ["1", "2", "X", "3", "4", "5", "A", "6", "P"]
    with pytest.raises(ValueError, match="1 to 8 units"):
        plots.network(ax, [2, 9])


def test_intervals_are_wilsons(ax):
    plots.intervals(ax, ["a", "b"], [3, 10], 10)
    for row, k in enumerate((3, 10)):
        bar, dot = ax.lines[2 * row], ax.lines[2 * row + 1]
        assert tuple(bar.get_xdata()) == pytest.approx(wilson_interval(k, 10, 0.95))
        assert dot.get_xdata() == [k / 10]
    assert [t.get_text() for t in ax.texts] == ["3 of 10", "10 of 10"]


def test_digits_are_ink_on_white_and_wrong_ones_are_marked(ax):
    images = np.zeros((3, 8, 8))
    images[1, 2, 3] = 16
    plots.digits(ax, images, columns=2, labels=["a", "b", "c"], wrong=[2])
    sheet = ax.images[0].get_array()
    assert (sheet[..., 0] == 0).sum() == 1 and sheet[2, 8 + 2 + 3, 0] == 0
    assert [t.get_color() == C2 for t in ax.texts] == [False, False, True]
    with pytest.raises(ValueError, match=r"shape \(N, h, w\), got \(8, 8\)"):
        plots.digits(ax, images[0])


def test_all_drawings_fit_their_figure():
    x = np.linspace(0, 1, 30)
    structure(lambda ax: plots.curves(ax, x, {"σ(kz)": x, "a longer name": 1 - x}))
    structure(lambda ax: plots.intervals(ax, ["2-16-1, softplus, CE", "b"], [3, 1000], 1000))
    structure(lambda ax: plots.histogram(ax, x + 0.01, range=(0.001, 1), log=True))
    structure(lambda ax: plots.digits(ax, np.ones((30, 8, 8)), labels=["8"] * 30))
    structure(lambda ax: plots.network(ax, [4, 4], titles=["X", "Z"]))
