"""A Chromium that can reach nothing but this machine, and a server of the built book."""

from __future__ import annotations

import functools
import http.server
import importlib.util
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
    "--disable-sync --disable-dev-shm-usage"
).split()
LOCAL = {"127.0.0.1", "localhost"}
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
AXE = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "rules": {"label-content-name-mismatch": {"enabled": True}},
    "preload": False,  # or it fetches style sheets by itself, wrongly
    "resultTypes": ["violations"], "selectors": False,  # what is right need not be described
}

# what scrolls, what has moved into a menu, and what a finger must hit
OF_WIDTH = ["scrollable-region-focusable", "target-size", "aria-hidden-focus", "button-name",
            "link-name"]  # fmt: skip


def pytest_collection_modifyitems(items):
    """Mark every test of this folder, so that ``-m "not browser"`` leaves them out."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


def without_browser(reason: str):
    """Skip, or fail where continuous integration expects a browser."""
    if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Return the path of the Chromium to use."""
    named = os.environ.get("NNBOOK_CHROMIUM")
    if named:
        return named
    spec = importlib.util.spec_from_file_location(
        "find_chromium", Path(__file__).with_name("find_chromium.py")
    )
    finder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(finder)
    found = finder.find()
    return found or without_browser("no Chromium on this machine; `make test` installs one")


@pytest.fixture(scope="session")
def chromium(chromium_path):
    """Return a running Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield browser
        browser.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def serve(folder: Path):
    """Serve a folder on a free port of this machine; return the server and its base URL."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}/"


@pytest.fixture(scope="session")
def site():
    """Return the base URL of the built book."""
    if not (HTML / "index.html").exists():
        without_browser("the book is not built: run `make book` first")
    server, base = serve(HTML)
    yield base
    server.shutdown()
    server.server_close()


@dataclass
class Visit:
    """A page, and what went wrong while it was open."""

    page: object
    outside: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    responses: dict[str, object] = field(default_factory=dict)

    def complaints(self) -> list[str]:
        """Return all of it, in words."""
        return [
            *(f"asked another host for {url}" for url in self.outside),
            *(f"could not be had: {url}" for url in self.failed),
            *(f"console: {text}" for text in self.console),
        ]


@pytest.fixture
def visit(chromium):
    """Return a function that opens a URL and watches it: ``visit(url, phone=False, dark=False)``.

    Other hosts are refused. The page is given when its mathematics is set.
    """
    contexts = []

    def open_page(url, *, phone=False, dark=False, javascript=True, **options) -> Visit:
        context = chromium.new_context(
            viewport=PHONE if phone else DESKTOP,
            color_scheme="dark" if dark else "light",
            java_script_enabled=javascript,
            **options,
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        watched = Visit(context.new_page())

        def guard(route):
            asked = route.request.url
            parts = urlsplit(asked)
            if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in LOCAL:
                watched.outside.append(asked)
                return route.abort()
            return route.continue_()

        context.route("**/*", guard)
        page = watched.page
        page.on("console", lambda m: m.type == "error" and watched.console.append(m.text))
        page.on("pageerror", lambda error: watched.console.append(str(error)))
        page.on("requestfailed", lambda r: watched.failed.append(r.url))
        page.on("response", lambda r: r.status >= 400 and watched.failed.append(r.url))
        page.on("response", lambda r: watched.responses.setdefault(r.url, r))
        page.goto(url, wait_until="load")
        if javascript:
            settle(page)
        return watched

    yield open_page
    for context in contexts:
        context.close()


def settle(page) -> None:
    """Wait until mathematics and fonts are there, and no colour is on its way to another."""
    page.evaluate(
        "async () => { await window.MathJax?.startup?.promise; await document.fonts.ready;"
        " for (const a of document.getAnimations()) if (a instanceof CSSTransition) a.finish(); }"
    )


def overflow(page) -> int:
    """Return by how many pixels the page can be moved sideways."""
    return page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )


def axe(page, only: str = "", *, code: bool = True) -> list[str]:
    """Return what axe-core finds, a sentence for each element.

    ``only="contrast"`` looks at colours alone, which is most of the work, and ``only="structure"``
    at all the rest; ``only="width"`` at what can go wrong on a narrow screen alone. ``code=False``
    passes over the lines of code.
    """
    from axe_playwright_python.sync_playwright import Axe

    options = AXE
    if only == "contrast":
        options = {**AXE, "runOnly": {"type": "rule", "values": ["color-contrast"]}}
    if only == "width":
        options = {**AXE, "runOnly": {"type": "rule", "values": OF_WIDTH}}
    if only == "structure":
        options = {**AXE, "rules": {**AXE["rules"], "color-contrast": {"enabled": False}}}

    # the strokes of typeset mathematics are thousands, hidden from assistive technology, and alike
    context = {"exclude": [["mjx-math"], *([] if code else [["div.highlight pre"]])]}
    found = Axe().run(page, context=context, options=options).response["violations"]
    return [
        f"axe {v['id']} ({v['impact']}): {node['html'][:160]}" for v in found for node in v["nodes"]
    ]


@pytest.fixture
def checks():
    """Return the checks that look at an open page."""
    return {"overflow": overflow, "axe": axe}
