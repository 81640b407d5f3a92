"""Figures that move, driven in Chromium: a page of six, from the file system, no server."""

import os
import shutil
import statistics
from pathlib import Path

import numpy as np
import pytest

from nnbook.showing import Choice, Play, Slider, explore, plots

playwright = pytest.importorskip("playwright.sync_api")

STATIC = Path(__file__).parents[2] / "book" / "_static"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("CI"), reason="no Chromium on this machine"
    ),
]


def figures():
    """One slider, two sliders, a choice with a slider, a sequence, and two whose structure moves."""
    z = np.linspace(-6, 6, 241)

    @explore(
        "5.1",
        k=Slider(0.1, 5.0, value=1.0, step=0.1, label="steepness k"),
        title="Steepness",
        formula=[
            r"\sigma_k(z) = \frac{1}{1 + e^{-kz}}",
            r"\sigma_k'(0) = {{k:.1f}} \times 0.25 = {{slope:.3f}}",
        ],
    )
    def slope(ax, k):
        y = 1 / (1 + np.exp(-k * z))
        plots.curves(ax, z, {"σ(kz)": y, "its slope": k * y * (1 - y)}, ylim=(-0.05, 1.3))
        ax.set_xlabel("z")
        caption = f"At k = {k:.1f} the steepest slope of the logistic function is {k / 4:.3f}."
        return caption, {"slope": k / 4}

    @explore("5.2", a=Slider(-2, 2, value=1, step=0.5), b=Slider(0, 9, value=0, label="shift b"))
    def line(ax, a, b):
        ax.plot(z, a * z + b)
        ax.set_ylim(-20, 20)
        ax.grid(True)
        return f"The line rises by {a:.1f} and passes {b} at 0."

    @explore(
        "5.3",
        f=Choice("sigmoid", "tanh", "relu", names={"relu": "ReLU"}, label="activation"),
        depth=Slider(1, 12, label="layers"),
        layout=(1, 2),
    )
    def products(axes, f, depth):
        left, right = axes
        slope = {
            "sigmoid": np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))) ** 2,
            "tanh": 1 - np.tanh(z) ** 2,
            "relu": (z > 0) * 1.0,
        }[f]
        left.plot(z, slope)
        left.set_ylim(-0.05, 1.1)
        left.set_title("one slope")
        draws = np.random.default_rng(0).normal(size=(2000, depth))
        product = np.interp(draws, z, slope).prod(axis=1)
        plots.histogram(right, np.log10(product + 1e-20), bins=24, range=(-16, 0))
        right.set_ylim(0, 2100)
        right.set_title("product of all")
        share = (product < 1e-3).mean()
        return f"With {depth} layers of {f}, {share:.0%} of the products are below 0.001."

    steps = ["forward 1", "forward 2", "the loss", "back 2", "back 1"]

    @explore("8.1", t=Play(0, 4, interval=200, names=steps), size=(5.4, 2.6))
    def walk(ax, t):
        order = ["X", "Z", "A", "loss", "Δ"]
        nodes = {
            "X": (0, 0, ["X", "2×3", "0.5"]),
            "Z": (1, 0, ["Z⁽¹⁾", "2×4", "0.731"]),
            "A": (2, 0, ["A⁽¹⁾", "2×4", "0.675"]),
            "loss": (3, 0, ["ℓ", "scalar", "0.693"]),
            "Δ": (2, 1, ["Δ⁽¹⁾", "2×4", "−0.125"]),
        }
        edges = [("X", "Z"), ("Z", "A"), ("A", "loss"), ("loss", "Δ")]
        plots.graph(ax, nodes, edges, highlight=[order[t]], faded=order[t + 1 :])
        return f"Step {t}: {order[t]} is computed."

    @explore("16.1", bars=Slider(1, 8, value=3, label="bars"))
    def count(ax, bars):
        for i in range(bars):
            ax.bar(i, i + 1, color=plots.C3 if i == bars - 1 else plots.C1)
        ax.set_xlim(-1, 8)
        ax.set_ylim(0, 9)
        return f"There are {bars} bars."

    @explore("16.2", width=Slider.of(0.5, 1, 2, 4, 8), seed=Slider(0, 4), size=(4.2, 3.6))
    def surface(ax, width, seed):
        w = np.random.default_rng(seed).normal(size=(2, 6)) * width

        def predict(p):
            return 1 / (1 + np.exp(-np.tanh(p @ w - w.sum(0) / 2).sum(1) * width / 2))

        X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        plots.decision_surface(ax, predict, X, [0, 1, 1, 0], extent=(-0.5, 1.5, -0.5, 1.5))
        return f"Width {width}, seed {seed}: 4 examples."

    return [slope, line, products, walk, count, surface]


def page_source(made) -> str:
    body = "\n".join(figure.html() for figure in made)
    return f"""<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Figures</title>
<link rel="stylesheet" href="explore.css"><script src="explore.js"></script>
<style>body {{ margin: 0 auto; padding: 0 1rem; max-width: 46rem; font-family: system-ui, sans-serif;
background: var(--nn-paper); color: var(--nn-ink); }} a {{ color: var(--nn-c1); }}</style>
</head><body><main><h1>Figures</h1><h2 id="eq-5-3">An equation</h2>{body}</main></body></html>"""
