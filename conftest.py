"""What all tests share: the report that `make test` prints before pytest's closing line."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
REPORT = ROOT / "_build" / "report"


@pytest.fixture
def report():
    """Return a function that puts a measured figure into the report: ``report(section, line)``."""

    def write(section: str, line: str) -> None:
        REPORT.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[\W\d]+", " ", line)[:80].strip()  # the same line, measured again
        path = REPORT / f"{section}--{name}.txt"
        path.write_text(line + "\n", encoding="utf-8")

    return write


def pytest_terminal_summary(terminalreporter):
    """Print what was measured."""
    asked = os.environ.get("NNBOOK_REPORT") and not os.environ.get("PYTEST_XDIST_WORKER")
    if not asked or not REPORT.exists():
        return
    sections: dict[str, list[str]] = {}
    for path in sorted(REPORT.glob("*.txt")):
        lines = path.read_text(encoding="utf-8").splitlines()
        sections.setdefault(path.stem.partition("--")[0], []).extend(lines)
    for section, lines in sections.items():
        terminalreporter.section(section.lstrip("0123456789 "))
        for line in lines:
            terminalreporter.line(line)
