"""The page of benchmarks: tables and a picture of what ``python tasks.py bench`` stored."""

from __future__ import annotations

import tomllib
from html import escape
from pathlib import Path

from docutils import nodes

from nnbook_ext.tables import Table

STORED = Path("benchmarks") / "results.toml"
PEERS = ("PyTorch", "JAX", "scikit-learn", "micrograd")


def setup(app):
    """Register the directives."""
    app.add_directive("benchmarks", Benchmarks)
    app.add_directive("benchmarks-plot", BenchmarksPlot)


class Stored(Table):
    """A directive that reads the stored results."""

    def sets(self) -> dict:
        """Return the sets by kernel, the one that the processor chose itself first."""
        path = Path(self.env.srcdir) / STORED
        self.env.note_dependency(str(path))
        if not path.exists():
            return {}
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        return dict(sorted(found.items(), key=lambda pair: pair[1]["forced"]))


class Benchmarks(Stored):
    """A table for each set of kernels."""

    def make(self):
        """Make the tables."""
        made = []
        for kernels, one in self.sets().items():
            rows = one["row"]
            versions = ", ".join(f"{name} {version}" for name, version in one["versions"].items())
            fewest = min(row["rounds"] for row in rows)
            chosen = "forced by `OPENBLAS_CORETYPE`" if one["forced"] else "chosen by itself"
            made += self.markdown(
                f"**{kernels} kernels**, {chosen}, on one thread of {one['processor']}; "
                f"{versions}; {fewest} rounds or more."
            )
            peers = [peer for peer in PEERS if any(peer in row["ratios"] for row in rows)]
            heads = ["Work", "nnbook", *(f"× {peer}" for peer in peers), "of the limit"]
            cells = [
                [row["title"], time(row["seconds"])]
                + [ratio(row["ratios"].get(peer)) for peer in peers]
                + [share(row["ratios"].get("limit"))]
                for row in rows
            ]
            made.append(self.table(heads, cells, ["nn-benchmarks"]))
        return made or self.markdown("Nothing was measured; run `python tasks.py bench`.")


class BenchmarksPlot(Stored):
    """How many times faster than PyTorch each row is, on a logarithmic axis."""

    def make(self):
        """Draw the picture as SVG in the page's own colours."""
        sets = self.sets()
        if not sets:
            return []
        markup = picture(sets)
        return [nodes.raw("", markup, format="html")]


def picture(sets: dict) -> str:
    """Return a figure of markup: a dot and its interval for each row and set of kernels."""
    from nnbook.showing import patches, style, svg

    first = next(iter(sets.values()))
    rows = [row for row in first["row"] if "PyTorch" in row["ratios"]]
    names = [row["name"] for row in rows][::-1]
    titles = [row["title"] for row in rows][::-1]
    height = 1.2 + 0.24 * len(names)
    with style.house_style():
        figure, [ax] = style.new_figure(size=(7.2, height))
        ax.set_position([0.54, 0.56 / height, 0.43, 1 - 0.92 / height])
        ax.axvline(1, color=style.MUTED, linestyle="-", linewidth=1)
        for i, (kernels, one) in enumerate(sets.items()):
            known = {row["name"]: row["ratios"].get("PyTorch") for row in one["row"]}
            for place, name in enumerate(names):
                if known.get(name):
                    middle, low, high = known[name]
                    y = place + 0.12 * (1 - 2 * i)
                    ax.plot([low, high], [y, y], color=style.CYCLE[i], linestyle="-")
                    ax.plot(middle, y, "os"[i % 2], color=style.CYCLE[i],
                            label=f"{kernels} kernels" if place == 0 else None)  # fmt: skip
        ax.set_xscale("log")
        ticks = [0.01, 0.1, 0.5, 1, 2, 5, 10, 20]
        low = min(min(row["ratios"]["PyTorch"]) for row in rows)
        ticks = [tick for tick in ticks if tick >= low / 2]
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
        ax.set_yticks(range(len(titles)), titles)
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel("times as fast as PyTorch")
        ax.xaxis.set_label_coords(0.5, -0.36 / height / (1 - 0.92 / height))
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
        tree, _, (top, bottom) = svg.draw(figure)
    svg.rename_ids(tree, "bench")
    tree.set("viewBox", f"0 {top:.0f} {7.2 * 72:g} {bottom - top:.0f}")
    tree.set("role", "img")
    tree.set("aria-label", spoken(rows))
    tree.set("style", tree.get("style", "") + ";max-width:780px;min-width:440px;width:100%")
    scroll = 'tabindex="0" role="group" aria-label="Picture, scrolls sideways"'
    drawn = f'<div class="nn-scroll" {scroll}>{svg.text(patches.plain(tree))}</div>'
    return f'<figure class="nn-benchmarks-plot">{drawn}</figure>'


def spoken(rows: list[dict]) -> str:
    """Return the picture in words.

    >>> spoken([{"title": "A step", "ratios": {"PyTorch": [2.0, 1.9, 2.1]}}])
    'Times as fast as PyTorch. A step: 2.'
    """
    said = "; ".join(f"{row['title']}: {row['ratios']['PyTorch'][0]:.2g}" for row in rows)
    return escape(f"Times as fast as PyTorch. {said}.")


def time(seconds: float) -> str:
    """Return a time in the unit that suits it.

    >>> time(0.000142), time(0.0162), time(2.5)
    ('142 µs', '16.2 ms', '2.50 s')
    """
    for unit, size in (("µs", 1e-6), ("ms", 1e-3)):
        if seconds < 1000 * size:
            return f"{three(seconds / size)} {unit}"
    return f"{three(seconds)} s"


def three(value: float) -> str:
    """Return three significant figures.

    >>> three(0.8125), three(28.44), three(1234.4)
    ('0.81', '28.4', '1234')
    """
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


def share(values: list[float] | None) -> str:
    """Return a share of the limit in per cent.

    >>> share([0.654, 0.6, 0.7]), share(None)
    ('65 %', '—')
    """
    return f"{100 * values[0]:.0f} %" if values else "—"


def ratio(values: list[float] | None) -> str:
    """Return a ratio and its interval; bold where nnbook is behind for certain.

    >>> ratio([3.456, 3.4, 3.5]), ratio([0.8, 0.7, 0.9]), ratio(None)
    ('3.46 (3.40 to 3.50)', '**0.80** (0.70 to 0.90)', '—')
    """
    if not values:
        return "—"
    middle, low, high = values
    shown = f"**{three(middle)}**" if high < 1 else three(middle)
    return f"{shown} ({three(low)} to {three(high)})"
