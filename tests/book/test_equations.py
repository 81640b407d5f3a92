"""The map of the book's equations, and the ledger of the stored chapters, agree."""

import json
import tomllib
from pathlib import Path

import pytest

from nnbook.checking.ledger import LedgerError, ledger, missing, read_map

BOOK = Path(__file__).resolve().parents[2] / "book"


@pytest.fixture(scope="module")
def stored():
    paths = sorted(BOOK.glob("*.ipynb"))
    return [(path.stem, json.loads(path.read_text("utf-8"))) for path in paths]


def test_the_ledger_balances(stored):
    assert len(ledger(stored)) > 10


def test_every_landed_equation_stands_at_the_planned_level_or_says_why_not(stored):
    problems = missing(read_map(BOOK / "data" / "equations.toml"), ledger(stored))
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


def test_every_equation_shown_is_on_the_map(stored):
    known = {
        entry["id"]
        for entry in tomllib.loads((BOOK / "data" / "equations.toml").read_text("utf-8"))[
            "equation"
        ]
    }
    shown = {row.number for row in ledger(stored)}
    assert not {n for n in shown - known if not n.startswith("0.")}


def test_an_equation_without_verification_unbalances_the_ledger(stored):
    name, notebook = stored[-1]
    for cell in notebook["cells"]:
        cell["outputs"] = [
            output
            for output in cell.get("outputs", [])
            if output.get("metadata", {}).get("nnbook", {}).get("kind") != "verification"
        ]
    with pytest.raises(LedgerError):
        ledger([(name, notebook)])
