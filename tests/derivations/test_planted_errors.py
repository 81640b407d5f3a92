"""Every derivation of the book, spoilt line by line: each spoilt line is refused.

The derivations are those that the chapters themselves build: their cells are run here, without a
kernel, and every `Derivation` that a stored output shows must have been met.
"""

import ast
import json
import os
from pathlib import Path

import pytest

from nnbook.checking.derivation import Derivation
from nnbook.checking.perturb import perturb, refusal

BOOK = Path(__file__).parents[2] / "book"
CHAPTERS = sorted(BOOK.glob("[0-9]*.ipynb")) + sorted(BOOK.glob("intro.ipynb"))
SLOW = ("nnbook.learning.many", "nnbook.learning.train", "nnbook.showing", "sklearn", "matplotlib",
        "nnbook.checking.verify", "nnbook.checking.exercises", "nnbook.checking.gradcheck")


def cells(notebook):
    """Yield the source and the outputs of each code cell."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            yield "".join(cell["source"]), cell.get("outputs", [])


def shown(notebook):
    """Return the numbers of the derivations in the stored outputs."""
    found = set()
    for _, outputs in cells(notebook):
        for output in outputs:
            told = output.get("metadata", {}).get("nnbook", {})
            if told.get("kind") == "derivation":
                found.add(told["number"])
    return found


class NotRun(Exception):
    pass


def refuse(*_, **__):
    raise NotRun


def imported(names):
    """Put a refusal in the place of what draws, trains or verifies: derivations need none."""
    for name, value in list(names.items()):
        home = getattr(value, "__module__", None) or getattr(value, "__name__", "")
        if str(home).startswith(SLOW) and not name.startswith("__"):
            names[name] = refuse


def built(notebook, monkeypatch):
    """Run the cells that build derivations; return number to Derivation."""
    met = []
    make = Derivation.__init__

    def remember(self, *args, **options):
        make(self, *args, **options)
        met.append(self)

    monkeypatch.setattr(Derivation, "__init__", remember)
    monkeypatch.chdir(BOOK)
    names = {}
    for source, _ in cells(notebook):
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue
        for statement in tree.body:     # one by one: a figure beside a derivation costs nothing
            try:
                exec(compile(ast.Module([statement], []), str(notebook), "exec"), names)
            except Exception:     # a cell of figures, or one that is meant to fail
                continue
            finally:
                imported(names)
    # a chapter may also begin a derivation in order to show how a false step is refused
    return {d.number: d for d in met if d.complete}


@pytest.mark.parametrize("notebook", CHAPTERS, ids=lambda path: path.stem)
def test_every_planted_error_is_refused(notebook, monkeypatch):
    os.environ.setdefault("MPLBACKEND", "agg")
    numbers = shown(notebook)
    if not numbers:
        pytest.skip("no derivation is stored in this notebook")
    met = built(notebook, monkeypatch)
    assert numbers <= set(met), f"not built here: {sorted(numbers - set(met))}"
    for number in sorted(numbers):
        planted = list(perturb(met[number]))
        assert len(planted) >= 2, f"({number}) offers nothing to spoil"
        for error in planted:
            refusal(met[number], error)
