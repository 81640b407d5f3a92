"""Patches: the first tree and the slots give every state back, whatever differs."""

import copy
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbook.showing import Slider, explore, patches, plots, svg


def same(a: ET.Element, b: ET.Element) -> bool:
    return ET.canonicalize(svg.text(a)) == ET.canonicalize(svg.text(b))


def check_round_trip(trees):
    base, slots = patches.merge(trees)
    for i, tree in enumerate(trees):
        assert same(patches.ungroup(patches.apply(base, slots, i)), patches.plain(tree))
    return base, slots


def test_only_what_changes_is_stored():
    trees = [ET.fromstring(f'<g a="1"><path d="M{i}"/><text>t</text></g>') for i in range(5)]
    _, slots = check_round_trip(trees)
    assert [(s.path, s.attribute) for s in slots] == [((0,), "d")]
    assert patches.columns(slots) == (
        [["0", "d", ["M0", "M1", "M2", "M3", "M4"], 0]],
        [[0, 1, 2, 3, 4]],
    )


def test_an_attribute_that_comes_and_goes_and_a_text_that_changes():
    trees = [ET.fromstring(x) for x in ("<g><a x='1'/><t>a</t></g>", "<g><a/><t>b</t></g>")]
    _, slots = check_round_trip(trees)
    assert [s.values for s in slots] == [("1", None), ("a", "b")]


def test_a_bar_that_appears_replaces_no_more_than_what_is_between_the_common_ends():
    ends = '<axis/><axis><tick v="{}"/></axis>', "<text>t</text>"
    trees = [ET.fromstring(f"<g>{ends[0].format(n)}{'<bar/>' * n}{ends[1]}</g>") for n in range(4)]
    _, slots = check_round_trip(trees)
    assert {s.attribute for s in slots} == {"v", patches.INSIDE}
    inside = next(s for s in slots if s.attribute == patches.INSIDE)
    assert inside.values == ("", "<bar />", "<bar /><bar />", "<bar /><bar /><bar />")


def test_states_that_share_a_control_share_the_list_of_its_values():
    slots = [patches.Slot((i,), "d", ("a", "a", "b", "b")) for i in range(3)]
    rows, lists = patches.columns(slots)
    assert lists == [[0, 0, 1, 1]] and [row[3] for row in rows] == [0, 0, 0]


def test_no_tree_is_an_error():
    with pytest.raises(ValueError, match="at least one state"):
        patches.merge([])


def elements():
    attributes = st.dictionaries(st.sampled_from("adx"), st.sampled_from("123"), max_size=2)
    leaf = st.builds(
        lambda tag, attrib, text: (tag, attrib, text, []),
        st.sampled_from("pqr"), attributes, st.sampled_from(["", "u", "v"]),
    )  # fmt: skip
    return st.recursive(
        leaf,
        lambda inner: st.builds(
            lambda attrib, children: ("g", attrib, "", children),
            attributes, st.lists(inner, max_size=4),
        ),
        max_leaves=12,
    )  # fmt: skip


def built(parts) -> ET.Element:
    tag, attrib, text, children = parts
    node = ET.Element(tag, attrib)
    node.text = text or None
    node.extend(built(child) for child in children)
    return node


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(elements(), max_size=4), min_size=1, max_size=4))
def test_any_trees_come_back(forest):
    check_round_trip([built(("g", {}, "", children)) for children in forest])


def test_every_state_of_real_figures_comes_back_exactly():
    @explore(n=Slider(1, 5))
    def bars(ax, n):
        ax.bar(range(n), range(1, n + 1))
        ax.set_xlabel("$n$")
        return f"{n}"

    @explore(w=Slider(1, 4), layout=(1, 2))
    def surfaces(axes, w):
        left, right = axes
        plots.decision_surface(left, lambda p: (np.sin(w * p[:, 0]) + 1) / 2)
        plots.histogram(right, np.random.default_rng(w).normal(size=99), range=(-3, 3))
        return f"{w}"

    for figure in (bars, surfaces):
        drawn = figure.states()
        before = [copy.deepcopy(state.tree) for state in drawn]
        check_round_trip([state.tree for state in drawn])
        assert all(same(a, state.tree) for a, state in zip(before, drawn, strict=True))


def test_the_check_sees_a_wrong_patch():
    trees = [ET.fromstring(f'<g><path d="M{i}"/></g>') for i in range(2)]
    base, slots = patches.merge(trees)
    slots[0] = patches.Slot(slots[0].path, "d", ("M0", "M9"))
    assert not same(patches.apply(base, slots, 1), trees[1])
