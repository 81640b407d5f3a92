"""The live form, as a student meets it: JupyterLab opens a chapter, runs it, and a slider moves.

That every cell of every chapter runs in a kernel, nbval has shown. So one chapter is run to its end
here, and of the others what leads to the first figure.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted(path.name for path in (ROOT / "book").glob("[0-9][0-9]_*.ipynb"))
WHOLE = "08_backpropagation.ipynb"
START, RUN = 60, 120  # seconds that JupyterLab may take to start, and a chapter to run


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Start JupyterLab on a copy of the chapters; return its URL."""
    folder = tmp_path_factory.mktemp("lab")
    for path in (ROOT / "book").glob("*.ipynb"):
        notebook = json.loads(path.read_text("utf-8"))
        if path.name != WHOLE:
            notebook["cells"] = _to_the_first_figure(notebook["cells"])
        (folder / path.name).write_text(json.dumps(notebook), "utf-8")
    shutil.copytree(ROOT / "book" / "exercises", folder / "exercises")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path_factory.mktemp("home")
    env = {k: v for k, v in os.environ.items() if k != "NNBOOK_HTML"} | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
    quiet = "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"
    command += ["--IdentityProvider.token=", "--LabApp.news_url=", quiet]
    with open(home / "log.txt", "w") as log:
        server = subprocess.Popen(
            [*command, f"--ServerApp.root_dir={folder}"],
            env=env,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    base = f"http://127.0.0.1:{port}/"
    try:
        _wait_for(base + "api/status", server, home / "log.txt")
        yield base
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


def _wait_for(url, server, log):
    end = time.monotonic() + START
    while time.monotonic() < end:
        if server.poll() is not None:
            pytest.fail("JupyterLab ended at once:\n" + log.read_text()[-2000:])
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"JupyterLab did not answer within {START} s:\n" + log.read_text()[-2000:])


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_opens_runs_and_its_figure_follows_the_keyboard(chromium, lab, report, name):
    context = chromium.new_context(viewport={"width": 1280, "height": 2400})
    page = context.new_page()
    page.set_default_timeout(RUN * 1000)
    page.goto(f"{lab}lab/tree/{name}?reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    _connect(page)
    start = time.perf_counter()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).first.click()
    _wait_until_run(page)
    seconds = time.perf_counter() - start
    assert page.evaluate(SHOW, ".nn-live"), _why(page)
    live = page.locator(".nn-live").first
    live.scroll_into_view_if_needed()
    cell = page.locator(".jp-Cell:has(.nn-live)").first
    handle = cell.locator("[role=slider], input[type=range], select, input[type=radio]").first
    before = _picture(live)
    handle.focus()
    page.keyboard.press("ArrowRight")
    moved = _changes(page, live, before)
    if not moved:  # it stood at its end
        page.keyboard.press("ArrowLeft")
        moved = _changes(page, live, before)
    context.close()
    assert moved, "the picture did not follow the slider"
    ran = "every cell" if name == WHOLE else "to its first figure"
    report("6 chapters run in JupyterLab", f"{seconds:6.1f} s  {name}, {ran}; a slider moved")


def _to_the_first_figure(cells):
    """Return the cells up to the first whose output is a figure, that one included."""
    kinds = [
        {o.get("metadata", {}).get("nnbook", {}).get("kind") for o in cell.get("outputs", [])}
        for cell in cells
    ]
    return cells[: 1 + next(i for i, found in enumerate(kinds) if "figure" in found)]


def _connect(page):
    """Wait until the notebook has its kernel; where JupyterLab asks which, take what it offers."""
    end = time.monotonic() + START
    while time.monotonic() < end:
        offer = page.locator(".jp-Dialog .jp-mod-accept")
        if offer.count():
            offer.first.click()
        named = page.locator(".jp-Toolbar-kernelName").first.inner_text()
        idle = page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').count()
        if "Python 3" in named and idle:
            return
        time.sleep(0.3)
    pytest.fail(f"the notebook had no kernel within {START} s")


SHOW = """selector => new Promise(done => {
  // cells out of sight are not drawn: walk down until the figure is there
  const box = document.querySelector('.jp-WindowedPanel-outer') || document.scrollingElement;
  let y = 0;
  const walk = () => {
    const found = document.querySelector(selector);
    if (found || y > box.scrollHeight) { if (found) found.scrollIntoView(); return done(!!found); }
    y += 600; box.scrollTop = y; setTimeout(walk, 150);
  };
  walk();
})"""


def _wait_until_run(page):
    end = time.monotonic() + RUN
    time.sleep(1)
    while time.monotonic() < end:
        indicator = page.locator(".jp-Notebook-ExecutionIndicator").first
        if indicator.get_attribute("data-status") == "idle":
            time.sleep(0.5)
            if indicator.get_attribute("data-status") == "idle":
                return
        time.sleep(0.3)
    pytest.fail(f"the chapter did not run within {RUN} s")


def _why(page):
    """Return what the notebook says instead of showing a figure."""
    errors = page.locator(".jp-OutputArea-output[data-mime-type*=error]").all_inner_texts()
    return "no figure appeared; " + ("\n".join(errors)[-1500:] or "and no cell raised")


def _picture(live):
    return live.locator("svg, img").first.evaluate("e => e.outerHTML")


def _changes(page, live, before):
    for _ in range(40):
        if _picture(live) != before:
            return True
        page.wait_for_timeout(100)
    return False


def test_chapters_have_a_figure_to_move():
    assert CHAPTERS
    for name in CHAPTERS:
        notebook = json.loads((ROOT / "book" / name).read_text("utf-8"))
        outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
        kinds = [output.get("metadata", {}).get("nnbook", {}).get("kind") for output in outputs]
        assert "figure" in kinds, name
