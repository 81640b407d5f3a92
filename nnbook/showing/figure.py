"""A figure with controls: its states, its pictures and its place in the page."""

import gc
import inspect
import itertools
import math
import time
from dataclasses import dataclass, field

import numpy as np

from nnbook.showing.formula import parse_formula, printed_number
from nnbook.showing.style import house_style, new_figure

MOST_GZIPPED_BYTES = 400_000

drawn_here: dict[str, "Figure"] = {}
"""The figures of this process, by anchor; a kernel is one chapter and so one page."""


@dataclass(frozen=True)
class State:
    """One state of a figure: where the controls stand, and what the reader then gets.

    Attributes
    ----------
    values : dict
        The value of each control.
    caption : str
        The caption, which is also the picture's text alternative.
    numbers : tuple of str
        The numbers of the formula, as printed.
    svg : str
        The picture.
    """

    values: dict
    caption: str
    numbers: tuple[str, ...]
    svg: str
    tree: object = field(default=None, repr=False, compare=False)
    used: tuple[float, float] = field(default=(0.0, 0.0), repr=False, compare=False)


class Figure:
    """A figure with controls, made by `explore`.

    Attributes
    ----------
    name : str
        The name of the drawing function.
    number : str or None
        The figure's number, such as "5.1".
    anchor : str
        The id of the figure in the page.
    controls : dict of Control
    """

    def __init__(self, function, number, title, formula, layout, size, ratios, same_ok, controls):
        self.function, self.name, self.number = function, function.__name__, number
        self.title, self.layout, self.size, self.ratios = title, layout, size, ratios
        self.same_ok, self.controls = same_ok, controls
        self.__doc__ = function.__doc__
        self.lines = parse_formula(formula)
        chapter = f"{number.partition('.')[0]}-" if number else ""
        self.anchor = f"fig-{chapter}{self.name.replace('_', '-')}"
        self.shape = tuple(len(control) for control in controls.values())
        self.metadata: dict = {}
        self.shown_in = None  # the number of the cell that shows it
        _check_arguments(function, controls)

    def __repr__(self) -> str:
        return f"<figure {self.number or self.name}: {math.prod(self.shape)} states>"

    def _ipython_display_(self):
        """Show the figure again; not in the cell that made it, which shows it already."""
        from nnbook.showing.display import show

        show(self, again=True)

    @property
    def start(self) -> dict:
        """The values of the controls at the start."""
        return {name: control.start for name, control in self.controls.items()}

    def grid(self):
        """Yield the values of every state, the last control moving fastest."""
        for values in itertools.product(*(c.values for c in self.controls.values())):
            yield dict(zip(self.controls, values, strict=True))

    def where(self, values: dict) -> str:
        """Return "k = 2.0, f = tanh" for error messages and text."""
        return ", ".join(
            f"{name} = {c.labels[c.index(values[name])]}" for name, c in self.controls.items()
        )

    def complete(self, values: dict) -> dict:
        """Return the start values with ``values`` put in.

        Raises
        ------
        ValueError
            If a name is not a control of the figure, or a value is off its grid.
        """
        for name, value in values.items():
            if name not in self.controls:
                raise ValueError(
                    f"figure {self.name} has no control {name!r}; it has {list(self.controls)}"
                )
            try:
                self.controls[name].index(value)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return {**self.start, **values}

    def draw(self, **values):
        """Return the matplotlib figure of one state.

        Parameters
        ----------
        **values
            Controls that stand elsewhere than at the start.

        Raises
        ------
        ValueError
            If a value is off its grid, or the drawing function returns no usable caption.
        RuntimeError
            If the drawing function fails; the message names the state.
        """
        return self._draw(self.complete(values))[0]

    def _draw(self, values):
        with house_style():
            picture, axes = new_figure(self.layout, self.size, self.ratios)
            first = next(iter(inspect.signature(self.function).parameters))
            if first in ("fig", "figure"):
                for ax in axes:
                    ax.remove()
                target = picture
            else:
                target = axes[0] if tuple(self.layout) == (1, 1) else axes
            try:
                returned = self.function(target, **values)
            except Exception as error:
                raise RuntimeError(
                    f"figure {self.name} fails at {self.where(values)}: "
                    f"{type(error).__name__}: {error}"
                ) from error
        caption, numbers = self._check_returned(returned, values)
        return picture, caption, numbers

    def _check_returned(self, returned, values):
        at = f"figure {self.name} at {self.where(values)}"
        caption, numbers = returned if isinstance(returned, tuple) else (returned, {})
        if not isinstance(caption, str) or not caption.strip():
            raise ValueError(
                f"{at} must return its caption, a sentence; got {caption!r} (a forgotten return?)"
            )
        if not any(character.isdigit() for character in caption):
            raise ValueError(f"{at}: the caption must carry a number, got {caption!r}")
        if not isinstance(numbers, dict):
            raise ValueError(f"{at} must return (caption, dict of numbers), got {numbers!r}")
        known = {**values, **numbers}
        printed = []
        for name, specification in self.holes():
            if name not in known:
                raise ValueError(
                    f"{at}: the formula shows {name!r}, which is neither a control nor among "
                    f"the returned numbers {list(numbers)}"
                )
            try:
                text = format(known[name], specification)
            except (TypeError, ValueError) as error:
                raise ValueError(f"{at}: the formula cannot print {name!r}: {error}") from None
            printed.append(printed_number(text))
        return " ".join(caption.split()), tuple(printed)

    def holes(self) -> list[tuple[str, str]]:
        """Return the name and the format of each number in the formula."""
        return [part for line in self.lines for part in line if isinstance(part, tuple)]

    def state(self, **values) -> State:
        """Return one state: its caption, its numbers and its SVG."""
        from nnbook.showing import patches, svg

        values = self.complete(values)
        with house_style():
            picture, caption, numbers = self._draw(values)
            tree, outside, used = svg.draw(picture)
        if outside:
            raise ValueError(f"figure {self.name} at {self.where(values)}: {outside[0]}")
        svg.rename_ids(tree, f"{self.anchor}-")
        return State(values, caption, numbers, svg.text(patches.plain(tree)), tree, used)

    def states(self) -> list[State]:
        """Draw every state, the last control moving fastest.

        Raises
        ------
        ValueError
            If two adjacent states look equal and ``same_ok`` gives no reason, or a text
            leaves the figure.
        """
        gc.freeze()  # or the collector walks through all of SymPy every few states
        try:
            with house_style():
                drawn = [self.state(**values) for values in self.grid()]
        finally:
            gc.unfreeze()
        if self.same_ok is None:
            self._check_neighbours(drawn)
        return drawn

    def _check_neighbours(self, drawn):
        order = np.arange(len(drawn)).reshape(self.shape)
        for axis, (name, control) in enumerate(self.controls.items()):
            lines = np.moveaxis(order, axis, -1).reshape(-1, len(control))
            for line in lines:
                for a, b in itertools.pairwise(line):
                    if drawn[a].svg == drawn[b].svg:
                        raise ValueError(
                            f"figure {self.name} looks the same at {self.where(drawn[a].values)} "
                            f"and at {self.where(drawn[b].values)}, so moving {name} shows "
                            f"nothing; use a coarser grid, or say why with same_ok='...'"
                        )

    def svg(self, **values) -> str:
        """Return the SVG of one state."""
        return self.state(**values).svg

    def png(self, dpi: int = 144, **values) -> bytes:
        """Return the PNG of one state."""
        import io

        file = io.BytesIO()
        with house_style():
            picture = self.draw(**values)
            picture.savefig(file, format="png", dpi=dpi, metadata={"Software": None})
        return file.getvalue()

    def html(self) -> str:
        """Draw every state and return the figure as it stands in the built page.

        Raises
        ------
        ValueError
            If the states weigh more than a page may carry.
        """
        from nnbook.showing.page import figure_html

        began = time.perf_counter()
        drawn = self.states()
        markup, weights = figure_html(self, drawn)
        self.metadata = {
            "kind": "figure",
            "number": self.number,
            "name": self.name,
            "anchor": self.anchor,
            "states": len(drawn),
            "captions": len({state.caption for state in drawn}),
            "controls": list(self.controls),
            "same_ok": self.same_ok,
            "seconds": round(time.perf_counter() - began, 2),
            **weights,
        }
        total = sum(figure.metadata.get("gzip", 0) for figure in drawn_here.values())
        if total > MOST_GZIPPED_BYTES:
            raise ValueError(
                f"the figures of this page weigh {total:,} bytes gzipped with {self.name} "
                f"({weights['gzip']:,}); a page may carry {MOST_GZIPPED_BYTES:,}"
            )
        return markup


def _check_arguments(function, controls):
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters:
        raise ValueError(f"{function.__name__} must take the axes as its first argument")
    names = [p.name for p in parameters[1:]]
    for name in controls:
        if name not in names:
            raise ValueError(
                f"control {name!r} is not an argument of {function.__name__}, which takes "
                f"{names or 'none besides the axes'}"
            )
    for parameter in parameters[1:]:
        if parameter.name not in controls and parameter.default is parameter.empty:
            raise ValueError(
                f"argument {parameter.name!r} of {function.__name__} has no control; add "
                f"{parameter.name}=Slider(...) to explore"
            )
