"""What is shown where: widgets in a kernel, HTML in the build, a picture without widgets."""

import base64
import subprocess
import sys
import textwrap

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

FIGURE = """
import numpy as np
from nnbook.showing import Choice, Play, Slider, explore
@explore("5.1", k=Slider(1, 4, value=2, label="steepness k"), f=Choice("a", "b"), t=Play(0, 2),
         formula=r"k^2 = {{square}}")
def slope(ax, k, f, t):
    ax.plot([0, k], [t, 1 if f == "a" else 2])
    return f"At k = {k}, {f}, {t}.", {"square": k * k}
"""


def run(tmp_path, monkeypatch, *cells, environment=()):
    for name, value in environment:
        monkeypatch.setenv(name, value)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    nbclient.NotebookClient(notebook, timeout=60, resources={"metadata": {"path": "."}}).execute()
    for cell in notebook.cells:
        assert not [o for o in cell.outputs if o.output_type == "error"]
    return [cell.outputs for cell in notebook.cells]


def printed(outputs):
    return "".join(output.text for output in outputs)


def test_in_a_kernel_widgets_draw_and_a_drag_is_drawn_once_at_its_end(tmp_path, monkeypatch):
    monkeypatch.delenv("NNBOOK_HTML", raising=False)
    follow = textwrap.dedent("""
        import asyncio
        drawn = []
        old = type(slope).state
        type(slope).state = lambda self, **v: (drawn.append(v), old(self, **v))[1]
        box, movers = slope.widget, slope.widget.nn_movers
        for k in (1, 2, 3, 4):
            movers["k"].value = k
        await asyncio.sleep(0.4)
        print(drawn)
        picture, caption = box.children[0], box.children[-1]
        print('<svg role="img" aria-label="At k = 4, a, 0."' in picture.value)
        print("At k = 4, a, 0." in caption.value, "$k^2 = $ <b>16</b>" in box.children[1].value)
        movers["f"].value = "b"
        await asyncio.sleep(0.2)
        print("At k = 4, b, 0." in caption.value)
        reset = box.children[-2]
        reset.click()
        await asyncio.sleep(0.2)
        print("At k = 2, a, 0." in caption.value, movers["k"].value)
    """)
    (shown,), outputs = run(tmp_path, monkeypatch, FIGURE, follow)
    assert shown.data["text/plain"] == "At k = 2, a, 0."
    assert shown.data["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert base64.b64decode(shown.data["image/png"])[:4] == b"\x89PNG"
    assert shown.metadata["image/png"]["alt"] == "At k = 2, a, 0."
    assert shown.metadata["nnbook"]["anchor"] == "fig-5-slope"
    assert "text/html" not in shown.data
    assert printed(outputs).splitlines() == [
        "[{'k': 4, 'f': 'a', 't': 0}]", "True", "True True", "True", "True 2",
    ]  # fmt: skip


def test_two_runs_store_the_same_output_but_for_the_widgets_id(tmp_path, monkeypatch):
    monkeypatch.delenv("NNBOOK_HTML", raising=False)
    stored = []
    for _ in range(2):
        ((shown,),) = run(tmp_path, monkeypatch, FIGURE)
        shown.data.pop("application/vnd.jupyter.widget-view+json")
        stored.append((dict(shown.data), dict(shown.metadata)))
    assert stored[0] == stored[1]


def test_in_the_build_there_is_html_and_no_widget(tmp_path, monkeypatch):
    ask = "import sys; print('ipywidgets' in sys.modules, slope.metadata['states'])"
    (shown,), outputs = run(tmp_path, monkeypatch, FIGURE, ask, environment=[("NNBOOK_HTML", "1")])
    assert list(shown.data) == ["text/html"]
    assert printed(outputs).split() == ["False", "24"]
    record = shown.metadata["nnbook"]
    assert record["kind"] == "figure" and record["states"] == 24 and record["seconds"] > 0
    assert 0 < record["gzip"] < record["bytes"]


def test_without_ipywidgets_there_is_still_a_picture(tmp_path, monkeypatch):
    monkeypatch.delenv("NNBOOK_HTML", raising=False)
    hide = "import sys; sys.modules['ipywidgets'] = None"
    (_, (shown,)) = run(tmp_path, monkeypatch, hide, FIGURE)
    assert set(shown.data) == {"image/png", "text/plain"}


def test_an_error_while_moving_is_shown_where_the_caption_was(tmp_path, monkeypatch):
    monkeypatch.delenv("NNBOOK_HTML", raising=False)
    figure = """
        from nnbook.showing import Slider, explore
        @explore(k=Slider(0, 2))
        def inverse(ax, k):
            ax.plot([0, 1 / (k - 2)])
            return f"{k}"
    """
    move = """
        import asyncio
        inverse.widget.nn_movers["k"].value = 2
        await asyncio.sleep(0.3)
        print(inverse.widget.children[-1].value)
    """
    _, outputs = run(tmp_path, monkeypatch, textwrap.dedent(figure), textwrap.dedent(move))
    assert "inverse fails at k = 2: ZeroDivisionError" in printed(outputs)
    assert 'role="alert"' in printed(outputs)


def test_importing_the_package_loads_neither_matplotlib_nor_ipywidgets_nor_sympy():
    code = (
        "import sys, nnbook.showing, nnbook.showing.plots\n"
        "print([m for m in ('matplotlib', 'ipywidgets', 'sympy', 'IPython', 'PIL') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_naming_the_figure_in_its_own_cell_shows_it_once_and_elsewhere_again(tmp_path, monkeypatch):
    monkeypatch.delenv("NNBOOK_HTML", raising=False)
    own, other = run(tmp_path, monkeypatch, FIGURE + "\nslope", "slope")
    assert [o.output_type for o in own] == ["display_data"]
    assert [o.data["text/plain"] for o in other] == ["At k = 2, a, 0."]


def test_cells_are_told_apart_where_the_kernel_does_not_count_them(monkeypatch):
    monkeypatch.delenv("NNBOOK_HTML", raising=False)
    sources = (FIGURE + "\nslope", "slope", "slope")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in sources])
    client = nbclient.NotebookClient(notebook, timeout=60)
    with client.setup_kernel():
        for i, cell in enumerate(notebook.cells):
            client.execute_cell(cell, i, store_history=False)
    assert [len(cell.outputs) for cell in notebook.cells] == [1, 1, 1]
