"""Diagrams of networks and computations: boxes with arrows, discs with numbers."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from nnbook.showing.style import C2, FONT_SIZE, GRID, INK, MUTED, PAPER


def graph(
    ax,
    nodes: Mapping[str, tuple],
    edges: Iterable[tuple] = (),
    *,
    highlight: Iterable[str] = (),
    faded: Iterable[str] = (),
    color: str = C2,
    box: tuple[float, float] = (0.8, 0.62),
):
    """Draw a computation as boxes and arrows: each box holds a symbol, a shape, a number.

    Parameters
    ----------
    ax : Axes
    nodes : dict of str to (column, row, lines)
        Place of the box, columns to the right and rows downwards, one unit apart; ``lines``
        are its texts, the first of them set larger.
    edges : iterable of (from, to) or (from, to, label)
    highlight : iterable of str
        Nodes drawn in colour with a thick frame: what the current step computes.
    faded : iterable of str
        Nodes not yet reached: only the first line is shown.
    color : str, optional
        The colour of the highlight.
    box : tuple, optional
        Width and height of a box, in units of columns and rows.

    Raises
    ------
    ValueError
        If an edge or ``highlight`` or ``faded`` names an unknown node.

    Examples
    --------
    >>> from nnbook.showing.style import new_figure
    >>> figure, (ax,) = new_figure()
    >>> graph(ax, {"x": (0, 0, ["x", "2×3"]), "z": (1, 0, ["z", "2×2"])}, [("x", "z")])
    >>> [text.get_text() for text in ax.texts if text.get_text()]
    ['x', '2×3', 'z', '2×2']
    """
    from matplotlib.patches import FancyBboxPatch

    highlight, faded, edges = set(highlight), set(faded), [tuple(edge) for edge in edges]
    for name in highlight | faded | {end for edge in edges for end in edge[:2]}:
        if name not in nodes:
            raise ValueError(f"no node {name!r}; the nodes are {list(nodes)}")
    width, height = box
    for start, stop, *label in edges:
        _arrow(ax, nodes[start], nodes[stop], box, label, {start, stop} & faded)
    for name, (column, row, lines) in nodes.items():
        chosen, pale = name in highlight, name in faded
        edge = color if chosen else MUTED
        ax.add_patch(
            FancyBboxPatch(
                (column - width / 2, -row - height / 2), width, height,
                boxstyle="round,pad=0,rounding_size=0.06", facecolor=PAPER, edgecolor=edge,
                linewidth=2.6 if chosen else 1.0, linestyle=(0, (3, 2)) if pale else "-",
            )
        )  # fmt: skip
        heights = np.linspace(0.5, -0.5, 2 * len(lines) + 1)[1::2] * height * 0.92
        for i, (text, y) in enumerate(zip(lines, heights, strict=True)):
            ax.text(
                column, -row + y, "\u2007" if pale and i else text, ha="center",
                va="center_baseline", fontsize=FONT_SIZE + 1.5 if i == 0 else FONT_SIZE - 1.5,
                color=edge if chosen and i == 0 else (MUTED if pale else INK),
                fontweight="bold" if i == 0 else "normal",
            )  # fmt: skip
    columns = [node[0] for node in nodes.values()]
    rows = [node[1] for node in nodes.values()]
    ax.set_xlim(min(columns) - 0.55, max(columns) + 0.55)
    ax.set_ylim(-max(rows) - 0.55, -min(rows) + 0.55)
    fill(ax)


def _arrow(ax, start, stop, box, label, pale):
    (x0, y0), (x1, y1) = (start[0], -start[1]), (stop[0], -stop[1])
    # From frame to frame: an arrow ends where its line meets the box.
    across = box[0] / 2 / abs(x1 - x0) if x1 != x0 else np.inf
    down = box[1] / 2 / abs(y1 - y0) if y1 != y0 else np.inf
    cut = min(across, down, 0.5)
    a = (x0 + cut * (x1 - x0), y0 + cut * (y1 - y0))
    b = (x1 - cut * (x1 - x0), y1 - cut * (y1 - y0))
    arrow = {"arrowstyle": "-|>", "color": MUTED, "linewidth": 1.1, "shrinkA": 1, "shrinkB": 1,
             "linestyle": (0, (3, 2)) if pale else "-", "mutation_scale": 9}  # fmt: skip
    ax.annotate("", b, a, arrowprops=arrow)
    if label:
        x, y = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2 + 0.06
        ax.text(x, y, label[0], ha="center", va="bottom", fontsize=FONT_SIZE - 1.5, color=MUTED)


def fill(ax):
    """Give the whole figure to the axes, without frame and ticks."""
    ax.set_axis_off()
    ax.set_position([0.01, 0.01, 0.98, 0.98])


def network(
    ax,
    sizes: Sequence[int],
    *,
    values: Sequence[Sequence[str]] | None = None,
    titles: Sequence[str] | None = None,
    highlight: Iterable[int] = (),
    color: str = C2,
):
    """Draw a small network: a column of discs a layer, each with its number.

    Parameters
    ----------
    ax : Axes
    sizes : sequence of int
        Units in each layer, inputs first; at most 8 in a layer.
    values : sequence of sequence of str, optional
        What stands in each disc.
    titles : sequence of str, optional
        A line above each layer: "A⁽¹⁾".
    highlight : iterable of int
        Layers drawn in colour.
    color : str, optional
        The colour of the highlight.

    Examples
    --------
    >>> from nnbook.showing.style import new_figure
    >>> figure, (ax,) = new_figure()
    >>> network(ax, [2, 3, 1], highlight=[1])
    >>> len(ax.patches)
    6
    """
    from matplotlib.patches import Circle

    if not sizes or not all(1 <= size <= 8 for size in sizes):
        raise ValueError(f"sizes must be layers of 1 to 8 units, got {list(sizes)}")
    highlight = set(highlight)
    tallest = max(sizes)
    place = [[(1.6 * layer, (n - 1) / 2 - i) for i in range(n)] for layer, n in enumerate(sizes)]
    for before, after in itertools.pairwise(place):
        for x0, y0 in before:
            for x1, y1 in after:
                ax.plot([x0, x1], [y0, y1], color=GRID, linewidth=1, linestyle="-", zorder=0)
    for layer, points in enumerate(place):
        edge = color if layer in highlight else MUTED
        for i, point in enumerate(points):
            ax.add_patch(
                Circle(point, 0.36, facecolor=PAPER, edgecolor=edge,
                       linewidth=2.4 if layer in highlight else 1.0)
            )  # fmt: skip
            text = values[layer][i] if values is not None else "\u2007"
            ax.text(*point, text, ha="center", va="center_baseline", fontsize=FONT_SIZE - 1.5)
        if titles is not None:
            ax.text(1.6 * layer, tallest / 2 + 0.15, titles[layer], ha="center", color=INK)
    ax.set_xlim(-0.6, 1.6 * (len(sizes) - 1) + 0.6)
    ax.set_ylim(-tallest / 2 - 0.1, tallest / 2 + (0.65 if titles is not None else 0.1))
    ax.set_aspect("equal")
    fill(ax)
