"""The forward and the backward pass through one small network, with every number on view."""

import re
from collections.abc import Iterable, Mapping

import numpy as np

from nnbook.functions import cross_entropy, cross_entropy_grad, get_activation, softmax
from nnbook.learning.mlp import backward, forward
from nnbook.showing.diagrams import fill
from nnbook.showing.style import C1, C2, C3, FONT_SIZE, INK, MUTED, PAPER

CELL = 0.285, 0.2
"""Width and height of an entry, in units of columns and rows."""

SMALL = FONT_SIZE - 2.5


def matrices(
    ax,
    boxes: Mapping[str, tuple],
    arrows: Iterable[tuple[str, str]] = (),
    *,
    marks: Mapping[str, tuple] | None = None,
    pending: Iterable[str] = (),
):
    """Draw a computation on matrices: a box for each, with its symbol, its shape, its numbers.

    Parameters
    ----------
    ax : Axes
    boxes : dict of str to (column, row, array)
        The symbol, the place of the box's middle (columns to the right, rows downwards, one unit
        apart), and a number, a vector or a matrix.
    arrows : iterable of (from, to), optional
    marks : dict of str to (color, entries), optional
        Boxes framed in a colour, and their entries (row, column) to be shaded with it.
    pending : iterable of str, optional
        Boxes whose numbers are not known yet: only symbol and shape are shown.

    Raises
    ------
    ValueError
        If an arrow, ``marks`` or ``pending`` names an unknown box.

    Examples
    --------
    >>> from nnbook.showing.style import new_figure
    >>> figure, (ax,) = new_figure()
    >>> matrices(ax, {"x": (0, 0, np.eye(2)), "y": (1, 0, 0.5)}, [("x", "y")], pending=["y"])
    >>> [text.get_text() for text in ax.texts if text.get_text()][:3]
    ['x', '2×2', '1.00']
    """
    marks, pending, arrows = dict(marks or {}), set(pending), [tuple(pair) for pair in arrows]
    for name in {*marks, *pending, *(end for pair in arrows for end in pair)}:
        if name not in boxes:
            raise ValueError(f"no box {name!r}; the boxes are {list(boxes)}")
    for start, stop in arrows:
        _arrow(ax, _extent(boxes[start]), _extent(boxes[stop]), {start, stop} & pending)
    for name, box in boxes.items():
        color, entries = marks.get(name, (None, ()))
        _box(ax, name, box, color, {tuple(entry) for entry in entries}, name in pending)


def _extent(box):
    """Return left, right, bottom and top of a box, the line with its symbol included."""
    column, row, array = box
    rows, columns = np.atleast_2d(array).shape
    width, height = max(columns * CELL[0], 0.54) + 0.06, (rows + 1) * CELL[1] + 0.05
    return column - width / 2, column + width / 2, -row - height / 2, -row + height / 2


def _box(ax, name, box, color, marked, pale):
    from matplotlib.patches import FancyBboxPatch, Rectangle

    left, right, bottom, top = _extent(box)
    ax.add_artist(
        FancyBboxPatch(
            (left, bottom), right - left, top - bottom, facecolor=PAPER,
            boxstyle="round,pad=0,rounding_size=0.05", edgecolor=color or MUTED,
            linewidth=2.4 if color else 0.9, linestyle=(0, (3, 2)) if pale else "-",
        )
    )  # fmt: skip
    middle, head = (left + right) / 2, top - 0.02 - CELL[1] / 2
    shape = "×".join(map(str, np.shape(box[2])))
    ax.text(left + 0.05, head, name, color=color or (MUTED if pale else INK), fontweight="bold",
            fontsize=FONT_SIZE - 0.5, va="center_baseline")  # fmt: skip
    ax.text(right - 0.05, head, shape or "\u2007", color=MUTED, fontsize=SMALL, ha="right",
            va="center_baseline")  # fmt: skip
    array = np.atleast_2d(box[2])
    for (i, j), value in np.ndenumerate(array):
        x = middle + (j - (array.shape[1] - 1) / 2) * CELL[0]
        y = bottom + 0.03 + (array.shape[0] - 0.5 - i) * CELL[1]
        chosen = (i, j) in marked
        ax.add_artist(
            Rectangle((x - CELL[0] / 2, y - CELL[1] / 2 + 0.005), *CELL, linewidth=0,
                      facecolor=color if chosen else PAPER, alpha=0.25 if chosen else 0.0)
        )  # fmt: skip
        ax.text(x + CELL[0] / 2 - 0.015, y, "\u2007" if pale else number(value), ha="right",
                va="center_baseline", fontsize=SMALL, color=INK)  # fmt: skip


def number(value: float) -> str:
    """Return a number with two decimals, a true minus, and no negative zero.

    >>> number(-0.5), number(-0.001)
    ('−0.50', '0.00')
    """
    text = f"{value:.2f}"
    return ("0.00" if text == "-0.00" else text).replace("-", "\N{MINUS SIGN}")


def _arrow(ax, start, stop, pale):
    """Draw an arrow between two boxes, from side to side or from top to bottom."""
    (l0, r0, b0, t0), (l1, r1, b1, t1) = start, stop
    x0, y0, x1, y1 = (l0 + r0) / 2, (b0 + t0) / 2, (l1 + r1) / 2, (b1 + t1) / 2
    if r0 < l1 or r1 < l0:  # beside each other
        x0, x1 = (r0, l1) if r0 < l1 else (l0, r1)
        y0, y1 = np.clip(y1, b0 + 0.12, t0 - 0.12), np.clip(y0, b1 + 0.12, t1 - 0.12)
    else:
        y0, y1 = (b0, t1) if b0 > t1 else (t0, b1)
    arrow = {"arrowstyle": "-|>", "color": MUTED, "linewidth": 1.0, "shrinkA": 1, "shrinkB": 1,
             "linestyle": (0, (3, 2)) if pale else "-", "mutation_scale": 8}  # fmt: skip
    ax.annotate("", (x1, y1), (x0, y0), arrowprops=arrow)


def _from_cache(ax, source, result):
    """Draw the arrow of what was kept, behind the boxes."""
    (_, r0, b0, t0), (l1, _, b1, t1) = _extent(source), _extent(result)
    arrow = {"arrowstyle": "-|>", "color": C3, "linewidth": 1.8, "shrinkA": 0, "shrinkB": 1,
             "linestyle": "-", "mutation_scale": 11}  # fmt: skip
    ax.annotate("", (l1, (b1 + t1) / 2), (r0, (b0 + t0) / 2), arrowprops=arrow, zorder=0.5)


PLACES = {
    "b⁽¹⁾": (0, 0), "W⁽¹⁾": (0, 1), "b⁽²⁾": (0, 2), "W⁽²⁾": (0, 3),
    "X": (1, 0), "Z⁽¹⁾": (1, 1), "A⁽¹⁾": (1, 2), "Z⁽²⁾": (1, 3), "P": (1, 4),
    "X̄": (2, 0), "Δ⁽¹⁾": (2, 1), "φ′(Z⁽¹⁾)": (2, 2), "Δ⁽²⁾": (2, 3), "ℓ": (2, 4),
    "b̄⁽¹⁾": (3, 0), "W̄⁽¹⁾": (3, 1), "b̄⁽²⁾": (3, 2), "W̄⁽²⁾": (3, 3), "Y": (3, 4),
}  # fmt: skip
"""Parameters, forward, backward and gradients: a column each; a layer and its error abreast."""

ARROWS = [
    ("X", "Z⁽¹⁾"), ("W⁽¹⁾", "Z⁽¹⁾"), ("b⁽¹⁾", "Z⁽¹⁾"), ("Z⁽¹⁾", "A⁽¹⁾"), ("A⁽¹⁾", "Z⁽²⁾"),
    ("W⁽²⁾", "Z⁽²⁾"), ("b⁽²⁾", "Z⁽²⁾"), ("Z⁽²⁾", "P"), ("P", "ℓ"), ("Y", "ℓ"),
    ("ℓ", "Δ⁽²⁾"), ("Δ⁽²⁾", "φ′(Z⁽¹⁾)"), ("φ′(Z⁽¹⁾)", "Δ⁽¹⁾"), ("Δ⁽¹⁾", "X̄"),
    ("Δ⁽²⁾", "W̄⁽²⁾"), ("Δ⁽²⁾", "b̄⁽²⁾"), ("Δ⁽¹⁾", "W̄⁽¹⁾"), ("Δ⁽¹⁾", "b̄⁽¹⁾"),
]  # fmt: skip

STEPS = [
    ("forward: the sums of layer 1", "Z⁽¹⁾", "X W⁽¹⁾ᵀ + 1 b⁽¹⁾ᵀ", "(5.2)"),
    ("forward: the bend", "A⁽¹⁾", "φ(Z⁽¹⁾)", ""),
    ("forward: the sums of layer 2", "Z⁽²⁾", "A⁽¹⁾ W⁽²⁾ᵀ + 1 b⁽²⁾ᵀ", "(5.2)"),
    ("forward: the probabilities", "P", "softmax(Z⁽²⁾)", ""),
    ("the loss", "ℓ", "−tr(Yᵀ ln P) / N", "(8.1)"),
    ("back: where it begins", "Δ⁽²⁾", "(P − Y) / N", "(8.3)"),
    ("back: weights of layer 2", "W̄⁽²⁾", "Δ⁽²⁾ᵀ A⁽¹⁾", "(8.5)"),
    ("back: biases of layer 2", "b̄⁽²⁾", "Δ⁽²⁾ᵀ 1", "(8.6)"),
    ("back: slopes of the bend", "φ′(Z⁽¹⁾)", "φ′ at each entry of Z⁽¹⁾", ""),
    ("back: one layer", "Δ⁽¹⁾", "(Δ⁽²⁾ W⁽²⁾) ⊙ φ′(Z⁽¹⁾)", "(8.4)"),
    ("back: weights of layer 1", "W̄⁽¹⁾", "Δ⁽¹⁾ᵀ X", "(8.5)"),
    ("back: biases of layer 1", "b̄⁽¹⁾", "Δ⁽¹⁾ᵀ 1", "(8.6)"),
    ("back: the input", "X̄", "Δ⁽¹⁾ W⁽¹⁾", "(8.7)"),
]  # fmt: skip
"""Name, what is computed, how, and the number of the equation."""

PASS_STEPS = ["what is given", *(step[0] for step in STEPS)]
GIVEN = {"X", "Y", "W⁽¹⁾", "b⁽¹⁾", "W⁽²⁾", "b⁽²⁾"}
CACHE = {"X", "Z⁽¹⁾", "A⁽¹⁾"}
HEADS = ["parameters", "forward ↓", "backward ↑", "gradients"]


def two_passes(ax, params, X, Y, activation, step):
    """Draw one step of the two passes through a network of two layers; return its caption.

    Every box holds a matrix of the network or of its gradient. The step's equation stands below,
    for the matrix and, with its numbers, for one entry; the numbers it takes are shaded where
    they come from, in another colour if they were kept from the way forward.

    Parameters
    ----------
    ax : Axes
        Of a figure of about 5.4 by 6 inches.
    params : list of (W, b)
        Two layers of at most three units.
    X : ndarray, shape (N, d)
        At most three examples.
    Y : ndarray, shape (N, K)
        Targets, a single 1 in each row.
    activation : str
        φ of the hidden layer.
    step : int
        0 shows what is given, 1 to 13 are the entries of ``PASS_STEPS``.

    Returns
    -------
    caption : str

    Examples
    --------
    >>> from nnbook.learning.mlp import init_params
    >>> from nnbook.showing.style import new_figure
    >>> figure, (ax,) = new_figure(size=(5.4, 6.0))
    >>> params = init_params([2, 3, 2], np.random.default_rng(0))
    >>> print(two_passes(ax, params, np.ones((2, 2)), np.eye(2), "tanh", 6)[:41])
    Step 6 of 13, back: where it begins: Δ⁽²⁾
    """
    values = _values(params, X, Y, activation)
    boxes = {name: (*place, values[name]) for name, place in PLACES.items()}
    done = GIVEN | {name for _, name, _, _ in STEPS[:step]}
    title, name, how, reference = STEPS[step - 1] if step else ("", "", "", "")
    marks, said = _read_by(name, values, Y, backwards=step > 6) if step else ({}, "")
    matrices(ax, boxes, ARROWS, marks=marks, pending=PLACES.keys() - done)
    _words(ax, activation, f"{name} = {how}" if step else "What is given", reference,
           said or "W and b of both layers, a batch X with its targets Y")
    for symbol, (color, _) in marks.items():
        if color == C3:
            _from_cache(ax, boxes[symbol], boxes[name])
    ax.set_xlim(-0.49, 3.49)
    ax.set_ylim(-5.42, 0.66)
    fill(ax)
    if not step:
        return f"Step 0 of {len(STEPS)}: the batch, the targets and the parameters are given."
    kept = [symbol for symbol, (color, _) in marks.items() if color == C3]
    from_cache = f" Kept from the way forward: {' and '.join(kept)}." if kept else ""
    return f"Step {step} of {len(STEPS)}, {title}: {name} = {how}; {said}.{from_cache}"


def _values(params, X, Y, activation):
    """Return every matrix of the two passes by its symbol."""
    (W1, b1), (W2, b2) = params
    logits, cache = forward(params, X, activation)
    (_, A1), (_, Z1, _) = cache
    delta2 = cross_entropy_grad(logits, Y)
    ((W1_bar, b1_bar), (W2_bar, b2_bar)), X_bar = backward(
        params, cache, delta2, activation, input_grad=True
    )
    slopes = get_activation(activation)[1](Z1)
    return {
        "X": X, "Y": Y, "W⁽¹⁾": W1, "b⁽¹⁾": b1, "W⁽²⁾": W2, "b⁽²⁾": b2, "Z⁽¹⁾": Z1, "A⁽¹⁾": A1,
        "Z⁽²⁾": logits, "P": softmax(logits), "ℓ": cross_entropy(logits, Y), "Δ⁽²⁾": delta2,
        "φ′(Z⁽¹⁾)": slopes, "Δ⁽¹⁾": (delta2 @ W2) * slopes, "X̄": X_bar,
        "W̄⁽¹⁾": W1_bar, "b̄⁽¹⁾": b1_bar, "W̄⁽²⁾": W2_bar, "b̄⁽²⁾": b2_bar,
    }  # fmt: skip


def _read_by(name, values, Y, backwards):
    """Return the marks of a step, and its equation for one entry with the numbers in it."""
    pattern, sources, symbols = _patterns(values, Y)[name], {}, re.compile(r"\{(\S+) (\d) (\d)\}")
    for symbol, i, j in symbols.findall(pattern):
        sources.setdefault(symbol, []).append((int(i), int(j)))

    def value(match):
        text = number(np.atleast_2d(values[match[1]])[int(match[2]), int(match[3])])
        alone = match.string[: match.start()].rstrip()[-1:] in ("", "(")
        return text if alone or text[0] != "\N{MINUS SIGN}" else f"({text})"

    color = {symbol: C3 if backwards and symbol in CACHE else C1 for symbol in sources}
    marks = {symbol: (color[symbol], entries) for symbol, entries in sources.items()}
    marks[name] = (C2, [(0, 0)])
    result = number(np.atleast_2d(values[name])[0, 0])
    return marks, f"{ENTRY.get(name, 'entry (1, 1)')}: {symbols.sub(value, pattern)} = {result}"


ENTRY = {"ℓ": "in numbers", "b̄⁽¹⁾": "entry 1", "b̄⁽²⁾": "entry 1"}


def _patterns(values, Y):
    """Return for each result what its first entry is made of; {symbol row column} is a number."""
    N, d = values["X"].shape
    (n, _), (K, _) = values["W⁽¹⁾"].shape, values["W⁽²⁾"].shape

    def dot(left, right, count):
        return " + ".join(f"{left.format(k)}·{right.format(k)}" for k in range(count))

    def total(what, count):
        return " + ".join(what.format(k) for k in range(count))

    chosen = [int(k) for k in np.argmax(Y, axis=1)]
    return {
        "Z⁽¹⁾": dot("{{X 0 {}}}", "{{W⁽¹⁾ 0 {}}}", d) + " + {b⁽¹⁾ 0 0}",
        "A⁽¹⁾": "φ({Z⁽¹⁾ 0 0})",
        "Z⁽²⁾": dot("{{A⁽¹⁾ 0 {}}}", "{{W⁽²⁾ 0 {}}}", n) + " + {b⁽²⁾ 0 0}",
        "P": f"exp {{Z⁽²⁾ 0 0}} / ({total('exp {{Z⁽²⁾ 0 {}}}', K)})",
        "ℓ": "−(" + " + ".join(f"ln {{P {i} {k}}}" for i, k in enumerate(chosen)) + f") / {N}",
        "Δ⁽²⁾": f"({{P 0 0}} − {{Y 0 0}}) / {N}",
        "W̄⁽²⁾": dot("{{Δ⁽²⁾ {} 0}}", "{{A⁽¹⁾ {} 0}}", N),
        "b̄⁽²⁾": total("{{Δ⁽²⁾ {} 0}}", N),
        "φ′(Z⁽¹⁾)": "φ′({Z⁽¹⁾ 0 0})",
        "Δ⁽¹⁾": f"({dot('{{Δ⁽²⁾ 0 {}}}', '{{W⁽²⁾ {} 0}}', K)})·{{φ′(Z⁽¹⁾) 0 0}}",
        "W̄⁽¹⁾": dot("{{Δ⁽¹⁾ {} 0}}", "{{X {} 0}}", N),
        "b̄⁽¹⁾": total("{{Δ⁽¹⁾ {} 0}}", N),
        "X̄": dot("{{Δ⁽¹⁾ 0 {}}}", "{{W⁽¹⁾ {} 0}}", n),
    }


def _words(ax, activation, equation, reference, numbers):
    """Write the legend in the free corner, the equation and its numbers below."""
    for column, head in enumerate(HEADS):
        ax.text(column, 0.53, head, color=MUTED, fontsize=SMALL + 1, ha="center", va="center")
    legend = [("computed now", C2), ("taken in", C1), ("from the cache", C3)]
    for i, (text, color) in enumerate(legend):
        ax.text(-0.42, -3.82 - 0.2 * i, f"■ {text}", color=color, fontsize=SMALL, va="center")
    ax.text(-0.42, -4.45, f"here φ = {activation}", fontsize=SMALL, va="center")
    ax.text(-0.42, -4.83, equation or "\u2007", fontsize=FONT_SIZE + 3, va="center_baseline")
    ax.text(3.42, -4.83, reference or "\u2007", fontsize=FONT_SIZE + 1, color=MUTED, ha="right",
            va="center_baseline")  # fmt: skip
    ax.text(-0.42, -5.16, numbers or "\u2007", fontsize=FONT_SIZE - 1, va="center_baseline")
