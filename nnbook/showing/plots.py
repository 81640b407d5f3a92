"""Drawings that the chapters share, each a few lines of matplotlib in the house style.

Each takes the axes first and draws the same elements in every state of a figure, so that two
states differ in attributes and not in structure. Matplotlib loads when a function draws.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from nnbook.showing.diagrams import fill, graph, network
from nnbook.showing.passes import PASS_STEPS, matrices, two_passes
from nnbook.showing.style import (
    C1,
    C2,
    C3,
    C4,
    C5,
    C6,
    CYCLE,
    FONT_SIZE,
    GRID,
    INK,
    LINES,
    MUTED,
    PAPER,
    SMOOTH,
)

__all__ = [
    "C1", "C2", "C3", "C4", "C5", "C6", "GRID", "INK", "MUTED", "PAPER", "PASS_STEPS",
    "curves", "decision_surface", "digits", "graph", "histogram", "intervals", "matrices",
    "network", "two_passes",
]  # fmt: skip


def curves(
    ax,
    x: np.ndarray,
    ys: Mapping[str, np.ndarray],
    *,
    ylim: tuple[float, float] | None = None,
    colors: Sequence[str] = CYCLE,
    styles: Sequence = LINES,
    grid: bool = True,
):
    """Draw curves, each with its name at its right end instead of a legend.

    Parameters
    ----------
    ax : Axes
    x : ndarray, shape (n,)
    ys : dict of str to ndarray, shape (n,)
        Name to values. Names are plain text: "σ(kz)".
    ylim : tuple, optional
        The vertical range; give it in a figure that moves, or the axes move too.
    colors, styles : sequence, optional
        One per curve. Line style changes with the colour, for readers who do not see it.
    grid : bool, optional
        Draw the grid.

    Examples
    --------
    >>> from nnbook.showing.style import new_figure
    >>> figure, (ax,) = new_figure()
    >>> x = np.linspace(-3, 3, 100)
    >>> curves(ax, x, {"tanh z": np.tanh(x), "its slope": 1 - np.tanh(x) ** 2})
    >>> len(ax.lines), ax.texts[0].get_text()
    (2, 'tanh z')
    """
    for (_, y), color, style in zip(ys.items(), colors, styles, strict=False):
        ax.plot(x, y, color=color, linestyle=style)
    ax.set_xlim(x[0], x[-1])
    if ylim is not None:
        ax.set_ylim(*ylim)
    if grid:
        ax.grid(True)
    _label_ends(ax, {name: float(np.asarray(y)[-1]) for name, y in ys.items()}, colors)


def _label_ends(ax, ends, colors):
    """Write names right of the axes at the heights ``ends``, pushed apart where they collide."""
    size = FONT_SIZE - 0.5
    width, height = ax.figure.get_size_inches() * 72
    box = ax.get_position()
    room = (0.62 * size * max(map(len, ends)) + 8) / width
    ax.set_position([box.x0, box.y0, box.width - room, box.height])
    low, high = ax.get_ylim()
    gap = 1.15 * size / (height * box.height)
    wanted = {name: (np.clip(y, low, high) - low) / (high - low) for name, y in ends.items()}
    placed = _spread(list(wanted.values()), gap)
    place = ax.get_yaxis_transform()  # heights in data, should the limits move afterwards
    for (name, color), y in zip(zip(ends, colors, strict=False), placed, strict=True):
        y = low + y * (high - low)
        ax.text(1.015, y, name, color=color, transform=place, va="center", fontsize=size)


def _spread(heights: list[float], gap: float) -> list[float]:
    """Return heights at least ``gap`` apart, in the same order, near the given ones."""
    order = np.argsort(heights, kind="stable")
    result = np.array(heights, dtype=float)
    for _ in range(20):
        for a, b in itertools.pairwise(order):
            short = gap - (result[b] - result[a])
            if short > 1e-9:
                result[a] -= short / 2
                result[b] += short / 2
    # No name above the axes: what is pushed out comes back, and pushes what is below it.
    ceiling = 1.0
    for i in order[::-1]:
        result[i] = min(result[i], ceiling)
        ceiling = result[i] - gap
    return [float(y) for y in result]


def histogram(
    ax,
    values: np.ndarray,
    *,
    bins: int = 40,
    range: tuple[float, float] | None = None,
    log: bool = False,
    color: str = C1,
    density: bool = False,
):
    """Draw a histogram as one outline.

    Parameters
    ----------
    ax : Axes
    values : ndarray
        Any shape; non-finite values are an error.
    bins : int, optional
    range : tuple, optional
        The ends of the first and the last bin; values beyond them are counted in those two,
        so that nothing disappears from sight. Give it in a figure that moves.
    log : bool, optional
        Bins of equal width in the logarithm, on a logarithmic axis; ``range`` is then needed.
    color : str, optional
    density : bool, optional
        Show the share of the values in each bin instead of their number.

    Returns
    -------
    counts : ndarray, shape (bins,)

    Examples
    --------
    >>> from nnbook.showing.style import new_figure
    >>> figure, (ax,) = new_figure()
    >>> histogram(ax, [0.1, 0.2, 7.0], bins=2, range=(0, 1)).tolist()
    [2.0, 1.0]
    """
    values = np.asarray(values, dtype=float).ravel()
    if values.size == 0 or not np.isfinite(values).all():
        raise ValueError("values must be finite and at least one; found none or a nan or inf")
    if log and (range is None or range[0] <= 0):
        raise ValueError(f"log=True needs range=(low, high) with low > 0, got {range}")
    low, high = range or (float(values.min()), float(values.max()))
    edges = np.geomspace(low, high, bins + 1) if log else np.linspace(low, high, bins + 1)
    counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0].astype(float)
    if density:
        counts /= values.size
    if log:
        ax.set_xscale("log")
        ax.minorticks_off()  # forty elements less in the page
    ax.stairs(counts, edges, fill=True, facecolor=color, alpha=0.3)
    ax.stairs(counts, edges, color=color, linewidth=1.2)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0, None)
    ax.set_ylabel("share" if density else "count")
    return counts


def decision_surface(
    ax,
    predict: Callable[[np.ndarray], np.ndarray],
    X: np.ndarray | None = None,
    y: np.ndarray | None = None,
    *,
    extent: tuple[float, float, float, float] = (0, 1, 0, 1),
    resolution: int = 40,
):
    """Show the probability of class 1 over the plane, the boundary at 1/2, and the examples.

    Class 0 is blue with discs, class 1 vermillion with triangles; the colour fades to the
    paper where the probability nears 1/2. The surface is a small image that the browser
    interpolates.

    Parameters
    ----------
    ax : Axes
    predict : callable
        Takes points, shape (M, 2), returns probabilities, shape (M,).
    X : ndarray, shape (N, 2), optional
    y : ndarray, shape (N,), optional
        Classes 0 and 1 of the examples.
    extent : tuple, optional
        Left, right, bottom and top.
    resolution : int, optional
        Pixels a side.

    Raises
    ------
    ValueError
        If ``predict`` returns another shape, or values outside [0, 1].

    Examples
    --------
    >>> from nnbook.showing.style import new_figure
    >>> figure, (ax,) = new_figure()
    >>> decision_surface(ax, lambda p: p[:, 0], [[0, 0], [1, 1]], [0, 1])
    >>> len(ax.images)
    1
    """
    left, right, bottom, top = extent
    # Pixel centres, so that the image is true to within half a pixel.
    xs = left + (np.arange(resolution) + 0.5) * (right - left) / resolution
    ys = bottom + (np.arange(resolution) + 0.5) * (top - bottom) / resolution
    p = _probabilities(predict, xs, ys)
    image = np.empty((resolution, resolution, 4), dtype=np.uint8)
    for color, side in ((C1, p < 0.5), (C2, p >= 0.5)):
        image[side, :3] = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    image[..., 3] = 255 * 0.7 * np.round(np.abs(2 * p - 1) * 20) / 20
    ax.imshow(image, extent=extent, origin="lower", aspect="auto", gid=SMOOTH)
    xs, ys = np.linspace(left, right, 41), np.linspace(bottom, top, 41)
    p = _probabilities(predict, xs, ys)  # up to the edges, which pixel centres do not reach
    if p.min() < 0.5 < p.max():
        ax.contour(xs, ys, p, levels=[0.5], colors=[INK], linewidths=1.4)
    if X is not None:
        X, y = np.asarray(X, dtype=float), np.asarray(y)
        for label, color, marker in ((0, C1, "o"), (1, C2, "^")):
            ax.plot(
                *X[y == label].T, marker, color=color, markeredgecolor=PAPER, markersize=9,
                markeredgewidth=1.2, linestyle="none",
            )  # fmt: skip
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)


def _probabilities(predict, xs, ys):
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    p = np.asarray(predict(grid), dtype=float)
    if p.shape != (len(grid),):
        raise ValueError(f"predict must return shape ({len(grid)},), got {p.shape}")
    if not (p.min() >= 0 and p.max() <= 1):
        raise ValueError(f"predict must return probabilities, got {p.min()} to {p.max()}")
    return p.reshape(len(ys), len(xs))


def intervals(
    ax,
    labels: Sequence[str],
    successes: Sequence[int],
    totals: Sequence[int] | int,
    *,
    confidence: float = 0.95,
    colors: Sequence[str] | str = C1,
):
    """Draw success rates as dots with Wilson intervals, one row each, counts at the right.

    Parameters
    ----------
    ax : Axes
    labels : sequence of str
    successes : sequence of int
    totals : sequence of int or int
    confidence : float, optional
    colors : sequence of str or str, optional

    Examples
    --------
    >>> from nnbook.showing.style import new_figure
    >>> figure, (ax,) = new_figure()
    >>> intervals(ax, ["width 2", "width 4"], [470, 930], 1000)
    >>> ax.texts[0].get_text()
    '470 of 1,000'
    """
    from nnbook.learning.statistics import wilson_interval

    totals = np.broadcast_to(totals, len(labels))
    if isinstance(colors, str):
        colors = [colors] * len(labels)
    for row, (k, n, color) in enumerate(zip(successes, totals, colors, strict=True)):
        low, high = wilson_interval(int(k), int(n), confidence)
        wide = {"linewidth": 7, "alpha": 0.35, "solid_capstyle": "butt"}
        ax.plot([low, high], [row, row], color=color, linestyle="-", clip_on=False, **wide)
        ax.plot([k / n], [row], "o", color=color, markersize=4, clip_on=False)
        place = ax.get_yaxis_transform()
        ax.text(1.04, row, f"{k:,} of {n:,}", va="center", fontsize=FONT_SIZE - 1, transform=place)
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.set_xlim(0, 1)
    ax.set_xlabel("share that succeeds")
    ax.grid(True, axis="x")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    width = ax.figure.get_size_inches()[0] * 72
    box = ax.get_position()
    counts = [f"{k:,} of {n:,}" for k, n in zip(successes, totals, strict=True)]
    left = (0.6 * FONT_SIZE * max(map(len, labels)) + 8) / width
    right = (0.58 * FONT_SIZE * max(map(len, counts)) + 14) / width
    ax.set_position([left, box.y0, 1 - left - right, box.height])


def digits(
    ax,
    images: np.ndarray,
    *,
    columns: int = 10,
    labels: Sequence[str] | None = None,
    wrong: Iterable[int] = (),
):
    """Show grey images in a grid, ink on white, with a text under each.

    Parameters
    ----------
    ax : Axes
    images : ndarray, shape (N, h, w)
        0 is paper and the largest value ink.
    columns : int, optional
    labels : sequence of str, optional
    wrong : iterable of int, optional
        Images whose label is set in the second colour.

    Examples
    --------
    >>> from nnbook.showing.style import new_figure
    >>> figure, (ax,) = new_figure()
    >>> digits(ax, np.eye(8)[None].repeat(12, axis=0), labels=list("0123456789ab"))
    >>> len(ax.images), len(ax.texts)
    (1, 12)
    """
    images = np.asarray(images, dtype=float)
    if images.ndim != 3:
        raise ValueError(f"images must have shape (N, h, w), got {images.shape}")
    n, h, w = images.shape
    rows, wrong = -(-n // columns), set(wrong)
    gap = max(1, round(w * 0.2))
    under = gap + (round(h * 0.45) if labels is not None else 0)
    sheet = np.full((rows * (h + under), columns * (w + gap), 2), 255, dtype=np.uint8)
    sheet[..., 1] = 0  # transparent between the images
    ink = images / (images.max() or 1.0)
    for i, image in enumerate(ink):
        top, left = i // columns * (h + under), i % columns * (w + gap)
        # 32 greys: what the eye tells apart, in a fifth of the bytes.
        sheet[top : top + h, left : left + w, 0] = 255 - np.round(image * 31) * 255 / 31
        sheet[top : top + h, left : left + w, 1] = 255
        if labels is not None:
            ax.text(left + w / 2 - 0.5, top + h + 0.12 * h, labels[i], ha="center", va="top",
                    fontsize=FONT_SIZE - 1.5, color=C2 if i in wrong else INK)  # fmt: skip
    ax.imshow(sheet[..., [0, 0, 0, 1]], interpolation="none")
    fill(ax)
