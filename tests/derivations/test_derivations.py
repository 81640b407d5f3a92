"""The derivations of functions that no chapter derives yet: built, verified, and spoilt on purpose.

A module beside this one, named after a module of the package, defines ``DERIVATIONS``: the name of
a public derivative to a function that builds its derivations, verifies the code against them and
returns pairs (Derivation, Verification).
"""

import functools
import importlib
import json
import pkgutil
from pathlib import Path

import pytest

import nnbook.functions as nf
from nnbook.checking.ledger import ledger
from nnbook.checking.perturb import perturb, refusal

HERE = Path(__file__).parent
BOOK = HERE.parents[1] / "book"
SUFFIXES = ("_prime", "_grad", "_hess", "_vjp", "_jvp")
MODULES = sorted(
    m.name for m in pkgutil.iter_modules([str(HERE)]) if not m.name.startswith(("test_", "_"))
)
TABLE = {
    name: build
    for module in MODULES
    for name, build in importlib.import_module(f"tests.derivations.{module}").DERIVATIONS.items()
}


@functools.cache
def built(name):
    """Return what the table's entry builds, built once."""
    return TABLE[name]()


def in_chapters():
    """Return the functions that the chapters' own ledger holds to an equation."""
    paths = sorted(BOOK.glob("*.ipynb"))
    rows = ledger([(p.stem, json.loads(p.read_text(encoding="utf-8"))) for p in paths])
    return {row.function.rpartition(".")[2] for row in rows}


def test_every_public_derivative_is_derived_somewhere():
    public = {name for name in nf.__all__ if name.endswith(SUFFIXES)}
    assert public - set(TABLE) - in_chapters() == set()


@pytest.mark.parametrize("name", sorted(TABLE))
def test_it_is_derived_step_by_step_and_the_code_agrees(name, capsys):
    pairs = built(name)
    assert pairs, f"{name} has no derivation"
    for derivation, verification in pairs:
        assert derivation.level in "SAFNT"
        assert len(derivation.lines) >= 2, f"({derivation.number}) has a single line"
        if verification is not None:
            assert verification.points >= 10
    met = {v.function.rpartition(".")[2] for _, v in pairs if v is not None and v.function}
    assert name in met, f"nothing holds {name} to its derivation; verified: {sorted(met)}"


SPOILT = set()


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_planted_error_is_refused(name, capsys):
    for derivation, _ in built(name):
        if derivation.number in SPOILT:
            continue  # one derivation may serve several functions
        planted = list(perturb(derivation))
        assert planted, f"({derivation.number}) offers nothing to spoil"
        for error in planted:
            refusal(derivation, error)
        SPOILT.add(derivation.number)
