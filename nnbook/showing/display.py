"""Choose the form that the place can show: the page, widgets, a picture, or nothing."""

import base64
import importlib.util


def show(figure, again: bool = False):
    """Show a figure: HTML in the book's build, widgets in a kernel, else a picture.

    Parameters
    ----------
    figure : nnbook.showing.figure.Figure
    again : bool, optional
        The reader names a figure that exists. In the cell that made it, it is shown already.
    """
    from nnbook.checking._display import building_book

    shell = _shell()
    if shell is None:
        return  # a script: nothing to show on, and the figure can still be asked for its states
    cell = _cell(shell)
    if again and figure.shown_in == cell:
        return
    figure.shown_in = cell
    from IPython.display import display

    if building_book():
        markup = figure.html()
        display({"text/html": markup}, raw=True, metadata={"nnbook": figure.metadata})
        return
    start = figure.state()
    data = {"text/plain": start.caption}
    if hasattr(shell, "kernel"):
        data["image/png"] = base64.b64encode(figure.png()).decode("ascii")
        if importlib.util.find_spec("ipywidgets") is not None:
            from nnbook.showing.live import widget

            box = widget(figure, start)
            data["application/vnd.jupyter.widget-view+json"] = {
                "version_major": 2,
                "version_minor": 0,
                "model_id": box.model_id,
            }
            figure.widget = box
    metadata = {
        "image/png": {"alt": start.caption, "width": round(figure.size[0] * 100)},
        "nnbook": {
            "kind": "figure",
            "number": figure.number,
            "name": figure.name,
            "anchor": figure.anchor,
        },
    }
    display(data, raw=True, metadata=metadata)


def _cell(shell):
    """Return what tells one run of a cell from another."""
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    # The count alone would not do: nbval runs cells without counting them.
    return shell.execution_count, (parent or {}).get("header", {}).get("msg_id")


def _shell():
    import sys

    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    return get_ipython()
