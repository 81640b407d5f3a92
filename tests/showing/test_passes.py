"""The walk through both passes: its numbers are the network's, its marks are where they say."""

import re

import numpy as np
import pytest

from nnbook.functions import cross_entropy
from nnbook.learning.mlp import forward, init_params
from nnbook.showing import passes
from nnbook.showing.style import C1, C2, C3, new_figure

X = np.array([[0.5, 1.0], [1.0, -0.5]])
Y = np.eye(2)
PARAMS = [(W, b + 0.25) for W, b in init_params([2, 3, 2], np.random.default_rng(3))]


def drawn(step, activation="tanh", params=PARAMS, X=X, Y=Y):
    _, (ax,) = new_figure(size=(5.4, 6.0))
    caption = passes.two_passes(ax, params, X, Y, activation, step)
    return caption, [text.get_text() for text in ax.texts]


def evaluated(caption, phi):
    """Work out the arithmetic that a caption prints, and return both of its sides."""
    left, right = re.search(r": ([^:;]*) = (−?[\d.]+)\.(?: Kept.*)?$", caption).groups()
    for old, new in [("−", "-"), ("·", "*"), ("exp (", "exp("), ("φ′", "slope"), ("φ", "phi")]:
        left = left.replace(old, new)
    left = re.sub(r"\b(exp|ln) (-?[\d.]+)", r"\1(\2)", left)
    names = {"exp": np.exp, "ln": np.log, "phi": phi, "slope": lambda z: 1 - np.tanh(z) ** 2}
    return eval(left, names), float(right.replace("−", "-"))


@pytest.mark.parametrize("step", range(1, 14))
def test_the_printed_arithmetic_holds_to_its_two_decimals(step):
    caption, texts = drawn(step)
    left, right = evaluated(caption, np.tanh)
    assert left == pytest.approx(right, abs=0.03)
    assert any(caption.split("; ")[1].startswith(text) for text in texts if "=" in text)


@pytest.mark.parametrize("sizes", [(2, 3, 2), (1, 2, 3), (3, 1, 2)])
def test_other_small_networks(sizes):
    rng = np.random.default_rng(1)
    params, X = init_params(sizes, rng), rng.normal(size=(3, sizes[0]))
    Y = np.eye(sizes[-1])[rng.integers(sizes[-1], size=3)]
    for step in range(1, 14):
        left, right = evaluated(drawn(step, params=params, X=X, Y=Y)[0], np.tanh)
        assert left == pytest.approx(right, abs=0.06)


def test_nothing_is_shown_before_it_is_computed():
    loss = passes.number(cross_entropy(forward(PARAMS, X, "tanh")[0], Y))
    assert drawn(5)[1].count(loss) == drawn(4)[1].count(loss) + 1


def test_what_comes_from_the_cache_is_marked_on_the_way_back_only():
    values = passes._values(PARAMS, X, Y, "tanh")
    marks, _ = passes._read_by("Z⁽¹⁾", values, Y, backwards=False)
    assert marks["X"] == (C1, [(0, 0), (0, 1)]) and marks["Z⁽¹⁾"][0] == C2
    marks, _ = passes._read_by("W̄⁽¹⁾", values, Y, backwards=True)
    assert marks["X"] == (C3, [(0, 0), (1, 0)]) and marks["Δ⁽¹⁾"][0] == C1


def test_there_is_a_name_for_each_step():
    assert len(passes.PASS_STEPS) == 14 == len(set(passes.PASS_STEPS))
    assert [name for _, name, _, _ in passes.STEPS] == list(passes._patterns(
        passes._values(PARAMS, X, Y, "tanh"), Y))


@pytest.mark.parametrize("options", [
    {"arrows": [("x", "z")]}, {"marks": {"z": (C1, [])}}, {"pending": ["z"]},
])
def test_an_unknown_box_is_named(options):
    _, (ax,) = new_figure()
    with pytest.raises(ValueError, match="no box 'z'"):
        passes.matrices(ax, {"x": (0, 0, np.eye(2))}, **options)
