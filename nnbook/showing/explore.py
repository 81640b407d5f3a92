"""Figures to move: one drawing function, alive in Jupyter and in a page without a kernel.

`explore` turns a function that draws into a figure with controls. Where a kernel runs, the
controls are ipywidgets and the drawing follows them. When the book is built, every state is
drawn once and the page carries what changes; its sliders need no kernel and no server.
"""

import math
import re
from collections.abc import Callable

from nnbook.showing.controls import Control, check_type
from nnbook.showing.figure import Figure, State, drawn_here
from nnbook.showing.style import default_size

MOST_STATES = 150
MOST_STATES_OF_A_CHAPTER = 300


def explore(
    number: str | None = None,
    /,
    *,
    title: str | None = None,
    formula: str | list[str] | None = None,
    layout: tuple[int, int] = (1, 1),
    size: tuple[float, float] | None = None,
    ratios: list[float] | None = None,
    same_ok: str | None = None,
    **controls: Control,
) -> Callable[[Callable], Figure]:
    r"""Turn a drawing function into a figure that the reader can move, and show it.

    Parameters
    ----------
    number : str, optional
        The figure's number, "5.1": chapter 5, first figure.
    title : str, optional
        A few words set before the caption.
    formula : str or list of str, optional
        LaTeX set beside the figure, with holes ``{{name}}`` or ``{{name:.3f}}`` for the
        values of controls and for numbers that the function returns. The numbers change
        with the state; the rest is typeset once. A hole stands outside all braces.
    layout : tuple of int, optional
        Rows and columns of axes.
    size : tuple of float, optional
        Width and height in inches. A width of at most 5 reads well on a phone.
    ratios : list of float, optional
        Relative widths of the columns.
    same_ok : str, optional
        Why two adjacent states may look equal. Without it that is an error.
    **controls : Slider, Choice or Play
        One for each argument of the function after the first, with the same name.

    Returns
    -------
    decorator : callable
        Takes the drawing function and returns a `Figure`. The function's first argument is
        the axes (a list of them where ``layout`` is not one by one, the matplotlib figure
        where the argument is called ``fig``). It returns the caption, a sentence with a
        number in it, or the caption and a dict of numbers for the formula.

    Raises
    ------
    ValueError
        If the controls are not the function's arguments, or there are more than 150 states.

    Examples
    --------
    >>> import numpy as np
    >>> from nnbook.showing import Slider, explore
    >>> @explore("5.1", k=Slider(1, 3, label="steepness k"))
    ... def slope(ax, k):
    ...     z = np.linspace(-4, 4, 200)
    ...     ax.plot(z, np.tanh(k * z))
    ...     return f"At k = {k} the slope at 0 is {k:.1f}."
    >>> slope
    <figure 5.1: 3 states>
    >>> slope.state(k=2).caption
    'At k = 2 the slope at 0 is 2.0.'
    """
    if callable(number):
        raise ValueError("explore needs its controls: write @explore(k=Slider(0, 1)), not @explore")
    if number is not None and not re.fullmatch(r"\d+\.\d+", str(number)):
        raise ValueError(f"number must be chapter.figure, such as '5.1', got {number!r}")
    if not controls:
        raise ValueError("a figure to explore needs at least one control, got none")
    for name, control in controls.items():
        check_type(control, name)
    _check_layout(layout, size)
    count = math.prod(len(control) for control in controls.values())
    if count > MOST_STATES:
        sizes = " times ".join(f"{len(c)} ({name})" for name, c in controls.items())
        raise ValueError(
            f"{count} states: {sizes}; a figure may have {MOST_STATES}. Use a larger step"
        )

    def decorate(function: Callable) -> Figure:
        figure = Figure(
            function, number, title, formula, layout, size or default_size(layout), ratios,
            same_ok, controls,
        )  # fmt: skip
        _check_chapter(figure, count)
        from nnbook.showing.display import show

        show(figure)
        return figure

    return decorate


def states(figure: Figure) -> list[State]:
    """Return every state of a figure; tests compare their ``svg``."""
    return figure.states()


def _check_layout(layout, size):
    try:
        rows, columns = layout
        good = isinstance(rows, int) and isinstance(columns, int) and min(rows, columns) >= 1
    except (TypeError, ValueError):
        good = False
    if not good:
        raise ValueError(f"layout must be (rows, columns), such as (1, 2), got {layout!r}")
    if size is not None and not (len(size) == 2 and all(1 <= side <= 12 for side in size)):
        raise ValueError(f"size must be (width, height) in inches from 1 to 12, got {size!r}")


def _check_chapter(figure, count):
    if figure.number is None:
        drawn_here[figure.anchor] = figure
        return
    chapter = figure.number.partition(".")[0]
    others = {
        other.name: math.prod(other.shape)
        for anchor, other in drawn_here.items()
        if anchor != figure.anchor and (other.number or "").partition(".")[0] == chapter
    }
    total = count + sum(others.values())
    if total > MOST_STATES_OF_A_CHAPTER:
        sizes = ", ".join(f"{n} {name}" for name, n in {**others, figure.name: count}.items())
        raise ValueError(
            f"chapter {chapter} would have {total} states ({sizes}); a chapter may have "
            f"{MOST_STATES_OF_A_CHAPTER}"
        )
    drawn_here[figure.anchor] = figure
