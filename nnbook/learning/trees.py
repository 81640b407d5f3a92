r"""Nests of arrays: lists, tuples and dicts, in one another, with arrays as leaves.

A network's parameters are such a nest, its gradients another of the same structure, and so is the
state of an optimizer. Where two nests meet, their structures and the shapes of their leaves must be
equal: NumPy would broadcast leaves of different shapes, and be wrong.
"""

import numpy as np


def tree_map(f, tree, *others):
    """Apply ``f`` to the leaves of nests of one shape, and return a nest of that shape.

    Parameters
    ----------
    f : callable
        Takes one leaf of each nest.
    tree, *others : nest of lists, tuples and dicts of arrays
        Nests of equal structure, leaves of equal shape.

    Returns
    -------
    nest
        Like ``tree``.

    Raises
    ------
    ValueError
        If two nests differ: NumPy would broadcast leaves of different shapes, and be wrong.

    Examples
    --------
    >>> tree_map(lambda a, b: a + b, [1.0, (2.0, 3.0)], [10.0, (20.0, 30.0)])
    [11.0, (22.0, 33.0)]
    """
    return _map(f, (), tree, *others) if others else _each(f, tree)


def tree_leaves(tree):
    """Return the leaves of a nest in a list, dicts in the order of their keys' insertion.

    Parameters
    ----------
    tree : nest of lists, tuples and dicts of arrays

    Returns
    -------
    list

    Examples
    --------
    >>> tree_leaves({"W": 1.0, "rest": [2.0, (3.0,)]})
    [1.0, 2.0, 3.0]
    """
    leaves = []
    _collect(tree, leaves)
    return leaves


def tree_of(tree, leaves):
    """Return a nest like ``tree`` that holds ``leaves``, in the order of `tree_leaves`.

    Parameters
    ----------
    tree : nest of lists, tuples and dicts
        Gives the structure; its own leaves are not used.
    leaves : sequence
        As many as ``tree`` has.

    Returns
    -------
    nest

    Raises
    ------
    ValueError
        If there are too few leaves, or too many.

    Examples
    --------
    >>> tree_of([0, (0, {"b": 0})], [1.0, 2.0, 3.0])
    [1.0, (2.0, {'b': 3.0})]
    """
    supply = iter(leaves)
    try:
        built = tree_map(lambda _: next(supply), tree)
    except StopIteration:
        built = None
    if built is None or next(supply, supply) is not supply:
        count = len(tree_leaves(tree))
        raise ValueError(f"leaves must be {count}, as many as the nest holds, found {len(leaves)}")
    return built


def flat(tree):
    """Return the leaves of a nest in which None stands for nothing: all but None."""
    return [leaf for leaf in tree_leaves(tree) if leaf is not None]


def rebuilt(tree, leaves):
    """Return a nest like ``tree``, its leaves but None taken from the iterator ``leaves``."""
    return _each(lambda leaf: None if leaf is None else next(leaves), tree)


def places(tree, where=()):
    """Return (place, leaf) for each leaf but None; a place is an index such as ``[0]['W']``."""
    if isinstance(tree, (dict, list, tuple)):
        parts = tree.items() if isinstance(tree, dict) else enumerate(tree)
        return [found for key, part in parts for found in places(part, (*where, key))]
    return [] if tree is None else [(_place(where), tree)]


def _collect(tree, leaves):
    if isinstance(tree, (list, tuple)):
        for part in tree:
            if isinstance(part, (list, tuple, dict)):
                _collect(part, leaves)
            else:
                leaves.append(part)
    elif isinstance(tree, dict):
        for part in tree.values():
            _collect(part, leaves)
    else:
        leaves.append(tree)


def _each(f, tree):
    """Apply f to the leaves of one nest, in their order."""
    if isinstance(tree, (list, tuple)):
        return _like(tree, [_each(f, part) if isinstance(part, (list, tuple, dict)) else f(part)
                            for part in tree])
    if isinstance(tree, dict):
        return {key: _each(f, part) for key, part in tree.items()}
    return f(tree)


def _like(tree, parts):
    if type(tree) is list:
        return parts
    return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)


def _map(f, where, tree, *others):
    if isinstance(tree, dict):
        for other in others:
            if not isinstance(other, dict) or other.keys() != tree.keys():
                raise ValueError(_mismatch(where, tree, other))
        return {k: _map(f, (*where, k), tree[k], *(other[k] for other in others)) for k in tree}
    if isinstance(tree, (list, tuple)):
        for other in others:
            if not isinstance(other, (list, tuple)) or len(other) != len(tree):
                raise ValueError(_mismatch(where, tree, other))
        parts = [
            _map(f, (*where, i), *leaves)
            for i, leaves in enumerate(zip(tree, *others, strict=True))
        ]
        return _like(tree, parts)
    for other in others:
        if isinstance(other, (dict, list, tuple)) or np.shape(other) != np.shape(tree):
            raise ValueError(_mismatch(where, tree, other))
    return f(tree, *others)


def _mismatch(where, tree, other):
    return (
        f"the nests differ at {_place(where) or 'the top'}: {_kind(tree)} against {_kind(other)}; "
        "params, grads and state must have one structure and leaves of equal shape"
    )


def _place(where):
    return "".join(f"[{key!r}]" for key in where)


def _kind(tree):
    if isinstance(tree, (dict, list, tuple)):
        return f"{type(tree).__name__} of length {len(tree)}"
    if tree is None or isinstance(tree, str):
        return f"{tree!r:.20}"
    return f"array of shape {np.shape(tree)}"
