"""What a reader can move: a slider, a choice, a sequence to play.

A control is a fixed, ordered list of values. The published page has no kernel, so every
combination of values is drawn when the book is built; a value between two grid points has
no picture.
"""

import itertools
import math
from collections.abc import Sequence
from decimal import Decimal

import numpy as np

MOST_DEFAULT_VALUES = 50


class Control:
    """One control of a figure: its values, their printed labels and the value it starts at.

    Readers make a `Slider`, a `Choice` or a `Play`; this class is what the three share.

    Parameters
    ----------
    values : sequence
        The grid, in the order in which the control moves through it.
    value : object
        The value at the start and after a reset; one of ``values``.
    labels : sequence of str
        How each value is printed beside the control and written in the page's address.
    label : str or None
        The control's name for the reader. None: the name of the figure's argument.

    Raises
    ------
    ValueError
        If the grid has fewer than two values, repeats a label, or lacks ``value``.
    """

    kind = "control"

    def __init__(self, values: Sequence, value, labels: Sequence[str], label: str | None):
        if label is not None and (not isinstance(label, str) or not label.strip()):
            raise ValueError(f"label must be a non-empty string, got {label!r}")
        self.values, self.labels, self.label = tuple(values), tuple(labels), label
        if len(self.values) < 2:
            raise ValueError(
                f"a {self.kind} needs at least two values to move between, got {len(self.values)}"
            )
        if len(set(self.labels)) < len(self.labels):
            repeated = next(text for text in self.labels if self.labels.count(text) > 1)
            raise ValueError(
                f"two values of the {self.kind} print as {repeated!r}; give a format that "
                f"tells them apart, such as format='.3f'"
            )
        self.start = self.values[0 if value is None else self.index(value)]

    def __len__(self) -> int:
        return len(self.values)

    def index(self, value) -> int:
        """Return the place of ``value`` in the grid.

        Raises
        ------
        ValueError
            If ``value`` is not on the grid; the message names the neighbours.
        """
        for i, known in enumerate(self.values):
            if type(value) is not bool and _same(known, value):
                return i
        raise ValueError(f"value {value!r} is not on the grid {self._describe(value)}")

    def _describe(self, value) -> str:
        return "of " + ", ".join(map(repr, self.values))


def _same(known, value) -> bool:
    if isinstance(known, (int, float)) and isinstance(value, (int, float, np.number)):
        return math.isclose(known, float(value), rel_tol=1e-9, abs_tol=1e-12)
    return known == value


class Slider(Control):
    """A slider over an evenly spaced grid of numbers.

    Parameters
    ----------
    low, high : float
        The ends, both included.
    value : float, optional
        The start, on the grid. Default: the grid point nearest to the middle.
    step : float, optional
        The distance of two neighbours; ``high - low`` must be a multiple of it.
    num : int, optional
        The number of values instead of their distance. With neither, the smallest round
        step that gives at most 50 values; whole numbers where both ends are whole.
    log : bool, optional
        Space the values evenly in the logarithm; needs ``num`` and ``low > 0``.
    label : str, optional
        The name shown beside the slider, with its symbol: ``"steepness k"``.
    format : str, optional
        A format specification for the printed value, such as ``".2f"``. Default: as many
        decimals as the step needs.

    Raises
    ------
    ValueError
        If the ends, the step or the number do not make a grid, or ``value`` is off it.

    Examples
    --------
    >>> Slider(0.1, 0.5, value=0.3, step=0.1).values
    (0.1, 0.2, 0.3, 0.4, 0.5)
    >>> Slider(1, 4, value=2).values
    (1, 2, 3, 4)
    >>> Slider(0, 1, value=0.33, step=0.25)
    Traceback (most recent call last):
        ...
    ValueError: value 0.33 is not on the grid 0.00, 0.25, ..., 1.00; its neighbours are 0.25 and 0.50
    """  # noqa: E501

    kind = "slider"

    def __init__(
        self,
        low: float,
        high: float,
        *,
        value: float | None = None,
        step: float | None = None,
        num: int | None = None,
        log: bool = False,
        label: str | None = None,
        format: str | None = None,
    ):
        for name, number in (("low", low), ("high", high)):
            if not _is_number(number):
                raise ValueError(f"{name} must be a finite number, got {number!r}")
        if not low < high:
            raise ValueError(f"low must be less than high, got low = {low} and high = {high}")
        if step is not None and num is not None:
            raise ValueError(f"give step or num, not both; got step = {step} and num = {num}")
        if num is not None and (not isinstance(num, int) or num < 2):
            raise ValueError(f"num must be an integer of at least 2, got {num!r}")
        if log:
            values = _log_grid(low, high, num)
        elif num is not None:
            values = [float(v) for v in np.linspace(low, high, num)]
            if all(isinstance(end, int) for end in (low, high)) and (high - low) % (num - 1) == 0:
                values = [round(v) for v in values]
        else:
            values = _even_grid(low, high, _round_step(low, high) if step is None else step)
        self._finish(values, value, label, format)

    def _finish(self, values, value, label, format):
        labels = _number_labels(values, format)
        if value is None:
            value = values[(len(values) - 1) // 2]
        self.values, self.labels = tuple(values), tuple(labels)
        super().__init__(values, value, labels, label)

    @classmethod
    def of(
        cls,
        *values: float,
        value: float | None = None,
        label: str | None = None,
        format: str | None = None,
    ) -> "Slider":
        """Return a slider over the given increasing numbers.

        Examples
        --------
        >>> Slider.of(1, 2, 5, 10, value=5, label="width n").labels
        ('1', '2', '5', '10')
        """
        for number in values:
            if not _is_number(number):
                raise ValueError(f"values must be finite numbers, got {number!r}")
        if any(b <= a for a, b in itertools.pairwise(values)):
            raise ValueError(f"values must increase, got {values}")
        self = cls.__new__(cls)
        self._finish(list(values), value, label, format)
        return self

    def _describe(self, value) -> str:
        text = f"{self.labels[0]}, {self.labels[1]}, ..., {self.labels[-1]}"
        if _is_number(value) and self.values[0] < value < self.values[-1]:
            above = next(i for i, known in enumerate(self.values) if known > value)
            return f"{text}; its neighbours are {self.labels[above - 1]} and {self.labels[above]}"
        return text


class Choice(Control):
    """A choice between named alternatives: radio buttons up to four, a menu beyond.

    Parameters
    ----------
    *options : str
        The values handed to the drawing function.
    value : str, optional
        The one chosen at the start. Default: the first.
    label : str, optional
        What is chosen: ``"activation"``.
    names : dict, optional
        How an option is shown where its value is not what a reader should see:
        ``{"relu": "ReLU"}``.

    Raises
    ------
    ValueError
        If fewer than two options are given, one is repeated, or ``value`` or a key of
        ``names`` is not an option.

    Examples
    --------
    >>> Choice("relu", "tanh", names={"relu": "ReLU"}).labels
    ('ReLU', 'tanh')
    """

    kind = "choice"

    def __init__(
        self,
        *options,
        value=None,
        label: str | None = None,
        names: dict | None = None,
    ):
        names = dict(names or {})
        unknown = [key for key in names if key not in options]
        if unknown:
            raise ValueError(f"names has {unknown[0]!r}, which is not one of {list(options)}")
        super().__init__(options, value, [str(names.get(o, o)) for o in options], label)


class Play(Control):
    """A sequence of whole steps, moved by a slider or played like a film.

    Parameters
    ----------
    first, last : int
        The ends of the sequence, both included.
    value : int, optional
        The step shown at the start. Default: ``first``.
    label : str, optional
        What one step is. Default: "step".
    interval : int, optional
        Milliseconds between two steps while playing, at least 200.
    names : sequence of str, optional
        A name for each step, printed instead of its number.

    Raises
    ------
    ValueError
        If the ends are not increasing integers, the interval is too short to follow, or the
        number of names is not the number of steps.

    Examples
    --------
    >>> Play(0, 3).values
    (0, 1, 2, 3)
    """

    kind = "play"

    def __init__(
        self,
        first: int,
        last: int,
        *,
        value: int | None = None,
        label: str = "step",
        interval: int = 700,
        names: Sequence[str] | None = None,
    ):
        if not (isinstance(first, int) and isinstance(last, int) and first < last):
            raise ValueError(
                f"Play needs integers first < last, got first = {first!r} and last = {last!r}"
            )
        if not isinstance(interval, int) or interval < 200:
            raise ValueError(
                f"interval must be an integer of at least 200 ms, or nobody can follow; "
                f"got {interval!r}"
            )
        values = range(first, last + 1)
        if names is not None and len(names) != len(values):
            raise ValueError(f"names must have one entry a step, {len(values)}; got {len(names)}")
        self.interval = interval
        super().__init__(values, value, list(names or map(str, values)), label)


def _is_number(value) -> bool:
    return (
        isinstance(value, (int, float, np.integer, np.floating))
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


def _round_step(low: float, high: float) -> float:
    """Return the smallest 1, 2, 2.5 or 5 times a power of ten that gives at most 50 values."""
    whole = isinstance(low, int) and isinstance(high, int)
    width = Decimal(str(high)) - Decimal(str(low))
    power = math.floor(math.log10(width)) - 3
    for exponent in range(power, power + 6):
        for lead in ("1", "2", "2.5", "5"):
            step = Decimal(lead).scaleb(exponent)
            if whole and step != int(step):
                continue
            if width % step == 0 and width / step < MOST_DEFAULT_VALUES:
                return int(step) if step == int(step) else float(step)
    raise ValueError(
        f"no round step divides the range from {low} to {high} into at most "
        f"{MOST_DEFAULT_VALUES} values; give step= or num="
    )


def _even_grid(low: float, high: float, step: float) -> list:
    if not _is_number(step) or step <= 0:
        raise ValueError(f"step must be a positive number, got {step!r}")
    # Decimal arithmetic: 0.1 + 2 * 0.1 must be the 0.3 that an author would write.
    start, stop, pace = (Decimal(str(float(v))) for v in (low, high, step))
    if (stop - start) % pace != 0:
        raise ValueError(
            f"step = {step} does not divide the range from {low} to {high}; the last value "
            f"would be {float(start + (stop - start) // pace * pace):g}"
        )
    grid = [start + i * pace for i in range(int((stop - start) / pace) + 1)]
    if all(isinstance(number, (int, np.integer)) for number in (low, high, step)):
        return [int(v) for v in grid]
    return [float(v) for v in grid]


def _log_grid(low: float, high: float, num: int | None) -> list:
    if low <= 0:
        raise ValueError(f"log=True needs low > 0, got low = {low}")
    if num is None:
        raise ValueError("log=True needs num, the number of values")
    # Three digits: what is printed is what is drawn.
    return [float(f"{v:.3g}") for v in np.geomspace(low, high, num)]


def _number_labels(values: list, format: str | None) -> list[str]:
    if format is not None:
        try:
            labels = [f"{v:{format}}" for v in values]
        except ValueError as error:
            raise ValueError(f"format {format!r} cannot print {values[0]!r}: {error}") from None
    elif all(isinstance(v, int) for v in values):
        labels = [str(v) for v in values]
    else:
        short = [f"{v:.6g}" for v in values]
        # Values over several magnitudes need digits, evenly spaced ones the same decimals.
        if any("e" in text for text in short) or not _evenly_spaced(values):
            labels = short
        else:
            decimals = max(len(text.partition(".")[2]) for text in short)
            labels = [f"{v:.{decimals}f}" for v in values]
    return [text.replace("-", "−") for text in labels]


def _evenly_spaced(values: list) -> bool:
    gaps = np.diff(values)
    return bool(np.allclose(gaps, gaps[0], rtol=1e-6))


def check_type(value, name: str):
    """Raise unless ``value`` is a control; ``name`` is the figure's argument."""
    if not isinstance(value, Control):
        raise TypeError(
            f"{name} = {value!r} is not a control; expected a Slider, a Choice or a Play"
        )
