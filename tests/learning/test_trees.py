"""Nests keep their structure, and two that differ are refused."""

from typing import NamedTuple

import numpy as np
import pytest

from nnbook.learning.trees import flat, places, rebuilt, tree_leaves, tree_map, tree_of


class Pair(NamedTuple):
    W: object
    b: object


NEST = [Pair(1.0, {"z": 2.0, "a": (3.0,)}), [], (), {}, 4.0]


def test_a_map_keeps_lists_tuples_dicts_and_named_tuples():
    doubled = tree_map(lambda x: 2 * x, NEST)
    assert doubled == [Pair(2.0, {"z": 4.0, "a": (6.0,)}), [], (), {}, 8.0]
    assert [type(part) for part in doubled] == [type(part) for part in NEST]
    assert tree_map(lambda x: x + 1, 1.0) == 2.0


def test_leaves_come_in_the_order_of_the_nest():
    assert tree_leaves(NEST) == [1.0, 2.0, 3.0, 4.0]
    assert tree_leaves([]) == []


def test_leaves_and_nest_are_inverses():
    assert tree_of(NEST, tree_leaves(NEST)) == NEST
    assert tree_of([0, (0,)], [np.ones(2), None])[1] == (None,)


def test_none_may_stand_for_nothing():
    nest = [Pair(1.0, None), {"W": (None, 2.0)}, None]
    assert flat(nest) == [1.0, 2.0]
    assert places(nest) == [("[0][0]", 1.0), ("[1]['W'][1]", 2.0)]
    assert places(3.0) == [("", 3.0)] and places(None) == []
    built = rebuilt(nest, iter([5.0, 6.0]))
    assert built == [Pair(5.0, None), {"W": (None, 6.0)}, None]
    assert [type(part) for part in built] == [type(part) for part in nest]
    assert tree_leaves(nest) == [1.0, None, None, 2.0, None]


@pytest.mark.parametrize("count", [0, 1, 3, 5])
def test_as_many_leaves_as_the_nest_holds(count):
    with pytest.raises(ValueError, match=f"leaves must be 4, .*found {count}"):
        tree_of(NEST, [0.0] * count)


def test_lists_and_tuples_may_stand_for_each_other_and_dicts_in_any_order():
    assert tree_map(lambda a, b: a - b, [(5.0, 7.0)], ([1.0, 2.0],)) == [(4.0, 5.0)]
    assert tree_map(lambda a, b: a - b, {"x": 5.0, "y": 7.0}, {"y": 2.0, "x": 1.0}) == {
        "x": 4.0, "y": 5.0}  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        ({"a": {"x": 1.0}}, {"a": {"y": 1.0}}, r"at \['a'\]: dict of length 1 against dict"),
        ({"a": 1.0}, [1.0], "at the top: dict of length 1 against list of length 1"),
        ([1.0], {"a": 1.0}, "at the top: list of length 1 against dict"),
        ([1.0, 2.0], [1.0], "at the top: list of length 2 against list of length 1"),
        ([[1.0]], [1.0], r"at \[0\]: list of length 1 against array of shape \(\)"),
        ([1.0], [[1.0]], r"at \[0\]: array of shape \(\) against list of length 1"),
        ([1.0], [(1.0,)], r"at \[0\]: array of shape \(\) against tuple of length 1"),
        ([1.0], [{"a": 1.0}], r"at \[0\]: array of shape \(\) against dict of length 1"),
        (np.ones(3), np.ones(1), r"array of shape \(3,\) against array of shape \(1,\)"),
    ],
)
def test_nests_that_differ_are_refused_with_the_place(one, other, message):
    with pytest.raises(ValueError, match=message):
        tree_map(lambda a, b: a, one, other)
    with pytest.raises(ValueError, match=message):
        tree_map(lambda a, b, c: a, one, one, other)
