"""One picture and what changes in it.

A figure of 100 states is 100 SVG trees that differ in a few attributes. `merge` returns the
first tree and a list of slots: a place in the tree, an attribute, and its value in each
state. Where the trees differ in structure, the elements that differ stand in a group of
their own, and the slot holds the inside of that group.
"""

import copy
import xml.etree.ElementTree as ET
from dataclasses import dataclass

from nnbook.showing.svg import KIND, text

TEXT, INSIDE = "", "<"
"""Attribute names that mean an element's text, and the markup inside it."""

GROUP = "nn-v"
"""The class of a group whose inside changes from state to state."""


@dataclass(frozen=True)
class Slot:
    """A place that changes: the path to an element, an attribute, its value in each state.

    Attributes
    ----------
    path : tuple of int
        Child indices from the root to the element.
    attribute : str
        An attribute's name, or `TEXT`, or `INSIDE`.
    values : tuple of (str or None)
        One value a state; None where the attribute is absent.
    """

    path: tuple[int, ...]
    attribute: str
    values: tuple[str | None, ...]


def merge(trees: list[ET.Element]) -> tuple[ET.Element, list[Slot]]:
    """Return the first tree, with groups around what varies in structure, and the slots.

    Parameters
    ----------
    trees : list of Element
        One tree a state, all with the same root tag; they are not changed.

    Returns
    -------
    base : Element
    slots : list of Slot
        Empty if all trees are equal.

    Examples
    --------
    >>> trees = [ET.fromstring(f'<g><path d="M0 {y}"/><text>a</text></g>') for y in (1, 2)]
    >>> merge(trees)[1]
    [Slot(path=(0,), attribute='d', values=('M0 1', 'M0 2'))]
    """
    if not trees:
        raise ValueError("trees must hold at least one state, got none")
    slots: list[Slot] = []
    return _merge(trees, (), slots), slots


def _merge(nodes, path, slots) -> ET.Element:
    first = nodes[0]
    base = ET.Element(first.tag, {k: v for k, v in first.attrib.items() if k != KIND})
    base.text = first.text
    keys = dict.fromkeys(key for node in nodes for key in node.attrib if key != KIND)
    for key in keys:
        _note(slots, path, key, [node.get(key) for node in nodes])
    _note(slots, path, TEXT, [node.text or "" for node in nodes])

    shapes = [[(child.tag, child.get(KIND)) for child in node] for node in nodes]
    head, tail = _common(shapes)
    for i in range(head):
        base.append(_merge([node[i] for node in nodes], (*path, len(base)), slots))
    if any(len(shape) > head + tail for shape in shapes):
        insides = ["".join(text(_plain(c)) for c in n[head : len(n) - tail]) for n in nodes]
        group = ET.SubElement(base, "g", {"class": GROUP})
        group.extend(_plain(child) for child in first[head : len(first) - tail])
        _note(slots, (*path, len(base) - 1), INSIDE, insides)
    for i in range(tail, 0, -1):
        base.append(_merge([node[len(node) - i] for node in nodes], (*path, len(base)), slots))
    return base


def _common(shapes) -> tuple[int, int]:
    """Return how many children at the head and at the tail all states share."""
    first, shortest = shapes[0], min(map(len, shapes))
    if all([tag for tag, _ in shape] == [tag for tag, _ in first] for shape in shapes):
        return len(first), 0
    head = 0
    while head < shortest and len({shape[head] for shape in shapes}) == 1:
        head += 1
    tail = 0
    while tail < shortest - head and len({shape[-1 - tail] for shape in shapes}) == 1:
        tail += 1
    return head, tail


def _note(slots, path, attribute, values):
    if any(value != values[0] for value in values):
        slots.append(Slot(path, attribute, tuple(values)))


def _plain(node: ET.Element) -> ET.Element:
    node = copy.deepcopy(node)
    for element in node.iter():
        element.attrib.pop(KIND, None)
    return node


def apply(base: ET.Element, slots: list[Slot], state: int) -> ET.Element:
    """Return the tree of ``state``: what the page's script does, done in Python.

    Examples
    --------
    >>> trees = [ET.fromstring(f'<g><path d="M0 {y}"/><text>a</text></g>') for y in (1, 2)]
    >>> text(apply(*merge(trees), 1))
    '<g><path d="M0 2" /><text>a</text></g>'
    """
    tree = copy.deepcopy(base)
    for slot in slots:
        node, value = tree, slot.values[state]
        for i in slot.path:
            node = node[i]
        if slot.attribute == TEXT:
            node.text = value or None
        elif slot.attribute == INSIDE:
            node[:] = list(ET.fromstring(f"<g>{value}</g>"))
        elif value is None:
            node.attrib.pop(slot.attribute, None)
        else:
            node.set(slot.attribute, value)
    return tree


def ungroup(tree: ET.Element) -> ET.Element:
    """Return a copy without the groups that `merge` put around what varies."""
    tree = copy.deepcopy(tree)
    for parent in list(tree.iter()):
        children = []
        for child in parent:
            children += list(child) if child.get("class") == GROUP else [child]
        parent[:] = children
    return tree


def plain(tree: ET.Element) -> ET.Element:
    """Return a copy of one state's tree as it is written in the page."""
    return _plain(tree)


def columns(slots: list[Slot]) -> tuple[list, list]:
    """Return the slots as the page stores them, and the index lists that they share.

    Each slot is ``[path, attribute, different values, which index list]``; the index list
    says which value each state takes. Most slots of a figure with two sliders follow one of
    them, and share its list.
    """
    lists: dict[tuple, int] = {}
    rows = []
    for slot in slots:
        different = list(dict.fromkeys(slot.values))
        place = {value: i for i, value in enumerate(different)}
        index = tuple(place[value] for value in slot.values)
        which = lists.setdefault(index, len(lists))
        rows.append([".".join(map(str, slot.path)), slot.attribute, different, which])
    return rows, [list(index) for index in lists]
