"""Verification: what a check of code against an equation says, in the page and in the ledger."""

import html
import math
from dataclasses import dataclass, field

import numpy as np

from nnbook.checking._display import building_book


class VerificationError(AssertionError):
    """A function does not agree with its equation.

    Attributes
    ----------
    point : dict
        Name of each argument to its value at the worst point.
    found, expected : object
        What the function returned there, and what the equation gives.
    error : float
        The distance between them, in ``unit``.
    unit : str
        ``"ulp"``, or what else the bound is measured in.
    reason : str
        What probably went wrong.
    """

    def __init__(self, message, *, point=None, found=None, expected=None, error=None, unit="",
                 reason=""):
        super().__init__(message)
        self.point, self.found, self.expected = point or {}, found, expected
        self.error, self.unit, self.reason = error, unit, reason


@dataclass
class Verification:
    """A function that agrees with an equation, and how well.

    What is printed depends on the check alone. What was measured (``worst_error``, ``worst_at``)
    depends on the processor; it goes into the metadata of the output and into the ledger.
    """

    number: str
    function: str
    bound: float | None
    unit: str
    points: int | None
    where: str
    worst_error: float | None
    worst_at: dict
    domain: str = ""
    narrowed: str | None = None
    notes: list = field(default_factory=list)

    @property
    def _mark(self):
        return "" if self.unit == "none" else "✓ "

    @property
    def _short(self):
        return self.function.rsplit(".", 1)[-1]

    @property
    def _within(self):
        if self.unit == "exact":
            return "exactly"
        return f"within {self.bound:g} {self.unit}" if self.unit != "holds" else "in every case"

    def _sentence(self, name, equation):
        if self.unit == "none":
            return f"{equation} is not computed by any function: {self.narrowed}"
        text = f"{name} agrees with {equation} {self._within} {self.where}"
        if self.narrowed:
            text += f" of {self.domain} ({self.narrowed})"
        return "; ".join([text, *self.notes])

    def __str__(self):
        return self._mark + self._sentence(self._short, f"({self.number})")

    __repr__ = __str__

    def _html(self):
        key = self.number.replace(".", "-")
        text = html.escape(self._sentence("\0", "\1"))
        text = text.replace("\0", f"<code>{html.escape(self._short)}</code>")
        text = text.replace("\1", f'<a href="#eq-{key}">({self.number})</a>')
        return (f'<p class="nn-verification" data-number="{self.number}">'
                f'<span class="nn-tick" aria-hidden="true">{self._mark.strip()}</span> {text}. '
                f'<a class="nn-ledger-link" href="ledger.html#ledger-{key}" '
                f'aria-label="ledger row of equation {self.number}">ledger</a></p>')

    def metadata(self):
        """Return the row of the ledger, as JSON."""
        return {"kind": "verification", "number": self.number, "function": self.function,
                "bound": self.bound, "unit": self.unit, "points": self.points,
                "where": self.where, "worst_error": self.worst_error, "worst_at": self.worst_at,
                "domain": self.domain, "narrowed": self.narrowed}

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = {"text/plain": str(self)}
        if building_book():
            data["text/html"] = self._html()
        return data, {"nnbook": self.metadata()}

    def _ipython_display_(self):
        # verify() has shown it already, if this is still the cell that called it.
        if getattr(self, "_shown_in", None) == _cell():
            self._shown_in = None
            return
        _display(self)

    def show(self):
        """Show the result now, where a notebook is listening."""
        cell = _cell()
        if cell is not None:
            _display(self)
            self._shown_in = cell
        return self


def _cell():
    """Return the running cell's number, or None outside a notebook."""
    import sys
    if "IPython" not in sys.modules:
        return None
    shell = sys.modules["IPython"].get_ipython()
    return None if shell is None else shell.execution_count


def _display(result):
    from IPython.display import display
    data, metadata = result._repr_mimebundle_()
    display(data, metadata=metadata, raw=True)


def qualified_name(function, name=None):
    """Return ``module.function``, by which the ledger knows a function."""
    if name is not None:
        return name
    while hasattr(function, "func"):                  # functools.partial
        function = function.func
    short = getattr(function, "__qualname__", type(function).__qualname__)
    if "<lambda>" in short:
        raise ValueError("a lambda has no name for the ledger: pass the function itself and the "
                         "way to call it, verify(d, f, call=lambda X, W: f(W, X)), or name=")
    return f"{getattr(function, '__module__', '')}.{short}".replace("__main__.", "").lstrip(".")


def likely_reason(found, expected, neighbours, smallest):
    """Guess what went wrong from both values and the function's values nearby.

    Parameters
    ----------
    found, expected : float
        At the worst point, the second rounded to the format.
    neighbours : ndarray
        The function's values at points near by.
    smallest : float
        The format's smallest normal number.
    """
    if math.isnan(found):
        return ("an intermediate result overflowed, and inf - inf, inf/inf or 0*inf was taken: "
                "rearrange so that only exp of a negative number is formed")
    if math.isinf(found) and not math.isinf(expected):
        return "an intermediate result overflowed, as exp(z) does past 709"
    if math.isinf(expected):
        return "the result is clipped, or its magnitude was lost"
    if found == 0 and expected != 0:
        if abs(expected) < 64 * smallest:
            return ("the result underflowed before its time: an intermediate result overflowed, "
                    "or subnormal results were flushed to 0")
        return "cancellation: two nearly equal numbers were subtracted and nothing was left"
    if expected == 0:
        return "the equation is exactly 0 here; a term that should vanish does not"
    if found == -expected:
        return "the sign is wrong"
    ratio = found / expected
    if abs(ratio - 1) < 1e-12:
        return ("the rounding errors of several operations add up: save an operation, or state "
                "the larger bound with bound=")
    for factor in (2.0, 0.5, 3.0, 4.0, 0.25):
        if abs(ratio / factor - 1) < 1e-6:
            return f"a factor is wrong: the function is {factor:g} times the equation here"
    if abs(ratio - 1) < 1e-3:
        return ("cancellation or a rounded intermediate: leading digits agree, the last ones were "
                "lost in a subtraction of nearly equal numbers")
    if len(neighbours) > 1 and np.all(neighbours == neighbours[0]):
        return "the argument or the result is clipped: the function is constant around this point"
    return "the function computes something else here: another branch, another formula"
