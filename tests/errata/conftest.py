"""What the errata tests share; the article's code is no part of any package."""

import sys
import tomllib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

DATA = Path(__file__).parents[2] / "book" / "data"


@pytest.fixture(scope="session")
def notation():
    """Rows of the notation table."""
    return tomllib.loads((DATA / "notation.toml").read_text(encoding="utf-8"))["symbol"]


@pytest.fixture(scope="session")
def errata():
    """Rows of the errata table."""
    return tomllib.loads((DATA / "errata.toml").read_text(encoding="utf-8"))["erratum"]
