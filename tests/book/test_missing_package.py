"""A student without nnbook is told the one line that installs it."""

import json
import sys
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[2] / "book"


@pytest.mark.parametrize("path", sorted(BOOK.glob("*.ipynb")), ids=lambda path: path.name)
def test_the_first_cell_says_how_to_install_the_package(path, monkeypatch):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    first = next("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    for name in [name for name in sys.modules if name.split(".")[0] == "nnbook"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "nnbook", None)   # what import sees when it is not installed
    with pytest.raises(ModuleNotFoundError, match=r"%pip install '\.\.\[lab\]'.*Colab"):
        exec(first, {})
