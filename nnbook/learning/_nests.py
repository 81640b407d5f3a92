"""Nests: arrays in lists, tuples, named tuples and dictionaries, as parameters are kept."""


def flat(nest):
    """Return the list of all that is not a container, in order; None is a leaf left out."""
    found = []
    _collect(nest, found)
    return found


def _collect(nest, found):
    if isinstance(nest, (list, tuple)):
        for part in nest:
            _collect(part, found)
    elif isinstance(nest, dict):
        for part in nest.values():
            _collect(part, found)
    elif nest is not None:
        found.append(nest)


def places(nest, at=""):
    """Return (place, leaf) for each leaf; a place is an index such as ``[0][1]`` or ``['W']``."""
    if isinstance(nest, (list, tuple)):
        return [p for i, part in enumerate(nest) for p in places(part, f"{at}[{i}]")]
    if isinstance(nest, dict):
        return [p for key, part in nest.items() for p in places(part, f"{at}[{key!r}]")]
    return [] if nest is None else [(at, nest)]


def rebuilt(nest, replacements):
    """Return a nest like `nest`, its leaves taken from the iterator `replacements`."""
    if isinstance(nest, tuple) and hasattr(nest, "_fields"):
        return type(nest)(*[rebuilt(part, replacements) for part in nest])
    if isinstance(nest, (list, tuple)):
        return type(nest)([rebuilt(part, replacements) for part in nest])
    if isinstance(nest, dict):
        return {key: rebuilt(part, replacements) for key, part in nest.items()}
    return None if nest is None else next(replacements)
