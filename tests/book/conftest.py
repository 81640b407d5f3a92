"""The notebooks and the tables that the tests of the book share."""

from __future__ import annotations

import tomllib
from pathlib import Path

import nbformat
import pytest

BOOK = Path(__file__).resolve().parents[2] / "book"
CHAPTERS = sorted(path.name for path in BOOK.glob("[0-9][0-9]_*.ipynb"))
NOTEBOOKS = sorted(path.name for path in BOOK.glob("*.ipynb"))


def pytest_generate_tests(metafunc):
    """Run a test once for each chapter, or for each notebook, that it asks for."""
    if "chapter" in metafunc.fixturenames:
        metafunc.parametrize("chapter", CHAPTERS)
    if "notebook_name" in metafunc.fixturenames:
        metafunc.parametrize("notebook_name", NOTEBOOKS)


@pytest.fixture
def read():
    """Return a function that reads a stored notebook by its name."""
    return lambda name: nbformat.read(BOOK / name, as_version=4)


@pytest.fixture
def table():
    """Return a function that reads one of book/data's tables."""
    return lambda name: tomllib.loads((BOOK / "data" / f"{name}.toml").read_text("utf-8"))


@pytest.fixture
def book_symbols(table):
    """Return the LaTeX of every symbol of the whole book, in all its spellings."""
    return [x for s in table("notation")["symbol"] for x in (s["latex"], *s["forms"])]
