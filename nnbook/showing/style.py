"""The house style of figures: palette, line styles, fonts and margins.

The palette is that of Okabe and Ito [1]_, which colour-blind readers can tell apart, darkened
until a line's name in its own colour has a contrast of 4.5 to 1 with the paper. In the
published page each of its colours becomes a CSS variable, so that a figure follows the page
into the dark; in a PNG it is the light value given here.

References
----------
.. [1] Wong, B. Points of view: Color blindness. Nature Methods 8, 441 (2011),
   :doi:`10.1038/nmeth.1618`.
"""

from contextlib import contextmanager

C1, C2, C3 = "#0072b2", "#b84a00", "#00704f"
C4, C5, C6 = "#a3487f", "#8a5f00", "#4a5a6a"
CYCLE = (C1, C2, C3, C4, C5, C6)
INK, MUTED, GRID, PAPER = "#1a1f26", "#566069", "#d5dae0", "#ffffff"
LINES = ("-", (0, (5, 1.6)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)), (0, (3, 1)), (0, (8, 2)))

VARIABLES = {
    **{color: f"--nn-c{i}" for i, color in enumerate(CYCLE, 1)},
    INK: "--nn-ink",
    "#000000": "--nn-ink",
    MUTED: "--nn-muted",
    GRID: "--nn-grid",
    PAPER: "--nn-paper",
}
"""Each colour of the house style, as matplotlib writes it, and its CSS variable."""

SMOOTH = "nn-smooth"
"""The gid of an image that the browser should interpolate, such as a decision surface."""

FONT_SIZE = 10.5
SIZES = {1: (5.0, 3.1), 2: (5.0, 2.6), 3: (5.0, 2.1)}
"""Inches, by the number of columns: a phone shows 5 inches at their own size."""


def rc() -> dict:
    """Return the matplotlib settings of a figure of the book."""
    from cycler import cycler

    return {
        "figure.facecolor": PAPER,
        "figure.dpi": 72,
        "savefig.facecolor": PAPER,
        "font.family": "sans-serif",
        # DejaVu is wider than the fonts of a page: what fits here fits there.
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": FONT_SIZE,
        "mathtext.fontset": "cm",
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": MUTED,
        "axes.facecolor": "none",
        "axes.linewidth": 0.8,
        "axes.titlesize": FONT_SIZE,
        "axes.titlelocation": "left",
        "axes.titley": 1.02,  # a fixed place also halves the time that a state takes
        "axes.titlepad": 2,
        "axes.labelsize": FONT_SIZE,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.unicode_minus": True,
        "axes.formatter.useoffset": False,
        "axes.prop_cycle": cycler(color=CYCLE) + cycler(linestyle=LINES),
        "grid.color": GRID,
        "grid.linewidth": 0.7,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": FONT_SIZE - 1,
        "ytick.labelsize": FONT_SIZE - 1,
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "lines.linewidth": 1.9,
        "lines.markersize": 5,
        "lines.dash_capstyle": "butt",
        "lines.scale_dashes": True,
        "patch.linewidth": 0.8,
        "patch.edgecolor": MUTED,
        "legend.frameon": False,
        "legend.fontsize": FONT_SIZE - 0.5,
        "image.interpolation": "none",
        "svg.fonttype": "none",
        "svg.hashsalt": "nnbook",
        "svg.image_inline": True,
        "path.simplify": True,
    }


_inside = False


@contextmanager
def house_style():
    """Draw in the house style inside the block, and leave matplotlib as it was.

    Examples
    --------
    >>> import matplotlib
    >>> before = matplotlib.rcParams["lines.linewidth"]
    >>> with house_style():
    ...     print(matplotlib.rcParams["lines.linewidth"])
    1.9
    >>> matplotlib.rcParams["lines.linewidth"] == before
    True
    """
    import matplotlib

    global _inside
    if _inside:  # setting 300 parameters takes longer than drawing a curve
        yield
        return
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a reader's matplotlibrc must not change the book's figures
        matplotlib.rcParams.update(rc())
        _inside = True
        try:
            yield
        finally:
            _inside = False


def new_figure(layout=(1, 1), size=None, ratios=None):
    """Return a figure and its axes, with margins that do not depend on what is drawn.

    Parameters
    ----------
    layout : tuple of int
        Rows and columns.
    size : tuple of float, optional
        Width and height in inches. Default by the number of columns, `SIZES`.
    ratios : sequence of float, optional
        Relative widths of the columns.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : list of matplotlib.axes.Axes
        Row by row.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator
    from matplotlib.transforms import blended_transform_factory as blend

    rows, columns = layout
    width, height = size or default_size(layout)
    figure = Figure(figsize=(width, height))
    # Inches: room for tick labels and an axis label, the same in every state.
    left, right, bottom, top = 0.66, 0.14, 0.54, 0.28
    each = (width - columns * (left + right)) / columns
    tall = (height - rows * (bottom + top)) / rows
    grid = figure.add_gridspec(
        rows,
        columns,
        left=left / width,
        right=1 - right / width,
        bottom=bottom / height,
        top=1 - top / height,
        wspace=(left + right) / each,
        hspace=(bottom + top) / tall,
        width_ratios=ratios,
    )
    axes = [figure.add_subplot(grid[r, c]) for r in range(rows) for c in range(columns)]
    for ax in axes:
        # Axis labels stand still too, however wide the tick labels are; and matplotlib need not
        # measure the tick labels to place them.
        box, page = ax.get_position(), figure.transFigure
        ax.xaxis.set_label_coords(0.5, box.y0 - 0.28 / height, blend(ax.transAxes, page))
        ax.yaxis.set_label_coords(box.x0 - 0.46 / width, 0.5, blend(page, ax.transAxes))
        # Few ticks: the figure is small, and each costs as much time as a curve.
        for axis, inches in ((ax.xaxis, each), (ax.yaxis, tall)):
            most = 6 if inches > 2.5 else 5 if inches > 1.6 else 4
            axis.set_major_locator(MaxNLocator(nbins=most, steps=[1, 2, 5, 10]))
    return figure, axes


def default_size(layout) -> tuple[float, float]:
    """Return the size in inches of a figure with ``layout`` rows and columns.

    Examples
    --------
    >>> default_size((1, 2))
    (5.0, 2.6)
    """
    rows, columns = layout
    width, height = SIZES.get(columns, (5.0, 1.9))
    return width, height * rows
