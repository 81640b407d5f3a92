"""Where a result is shown: in a book being built, or in front of a person."""

import os


def building_book() -> bool:
    """Tell whether the book is being built, so that a page must live without a kernel.

    The switch is the environment variable ``NNBOOK_HTML``; ``setup()`` in ``book/_ext`` sets
    it to 1. It is read here and nowhere else.

    Returns
    -------
    bool
        True if ``NNBOOK_HTML`` is set to anything but ``""`` or ``"0"``.

    Examples
    --------
    >>> import os
    >>> before = os.environ.pop("NNBOOK_HTML", None)
    >>> building_book()
    False
    >>> if before is not None:
    ...     os.environ["NNBOOK_HTML"] = before
    """
    return os.environ.get("NNBOOK_HTML", "0") not in ("", "0")
