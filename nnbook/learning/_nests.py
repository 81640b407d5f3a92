"""Nests: arrays in lists, tuples, named tuples and dictionaries, as parameters are kept."""


def leaves(nest, at=""):
    """Yield (place, leaf) for all that is not a container; None is a leaf left out."""
    if isinstance(nest, (list, tuple)):
        for i, part in enumerate(nest):
            yield from leaves(part, f"{at}[{i}]")
    elif isinstance(nest, dict):
        for key, part in nest.items():
            yield from leaves(part, f"{at}[{key!r}]")
    elif nest is not None:
        yield at, nest


def rebuilt(nest, replacements):
    """Return a nest like `nest`, its leaves taken from the iterator `replacements`."""
    if isinstance(nest, tuple) and hasattr(nest, "_fields"):
        return type(nest)(*(rebuilt(part, replacements) for part in nest))
    if isinstance(nest, (list, tuple)):
        return type(nest)(rebuilt(part, replacements) for part in nest)
    if isinstance(nest, dict):
        return {key: rebuilt(part, replacements) for key, part in nest.items()}
    return None if nest is None else next(replacements)
