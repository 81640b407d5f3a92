"""Every chapter keeps the rules of the book (nnbook_ext.rules)."""

import json
import tomllib
from pathlib import Path

import nbformat
import pytest
from nnbook_ext import rules
from nnbook_ext.notebooks import dump
from nnbook_ext.tables import declared

HERE = Path(__file__).parent


def kept(complaints: list[str]) -> None:
    if complaints:
        pytest.fail("\n".join(complaints), pytrace=False)


def allowed_numerals(name: str) -> list[str]:
    table = tomllib.loads((HERE / "numerals.toml").read_text("utf-8"))["allow"]
    return [n for entry in table if name.startswith(entry["chapter"]) for n in entry["numbers"]]


def test_displayed_mathematics_comes_from_derivations(notebook_name, read):
    kept(rules.displays_typed_by_hand(read(notebook_name)))


def test_every_equation_is_verified(notebook_name, read, table):
    equations = table("equations")["equation"]
    none = [e["id"] for e in equations if not e["function"]]
    kept(rules.equations_unverified(read(notebook_name), none))


def test_mathematics_uses_declared_symbols_only(notebook_name, read, book_symbols):
    notebook = read(notebook_name)
    own = [symbol["latex"] for symbol in declared(notebook)]
    kept(rules.symbols_undeclared(notebook, book_symbols, own))


def test_no_symbol_has_a_second_meaning(notebook_name, read, book_symbols):
    own = [symbol["latex"] for symbol in declared(read(notebook_name))]
    kept(rules.symbols_redeclared(book_symbols, own))


def test_numbers_in_prose_were_computed(notebook_name, read):
    kept(rules.numerals_without_source(read(notebook_name), allowed_numerals(notebook_name)))


def test_code_cells_are_short(notebook_name, read):
    kept(rules.cells_too_long(read(notebook_name)))


def test_prose_outweighs_code(chapter, read):
    kept(rules.prose_too_thin(read(chapter)))


def test_code_has_good_habits(notebook_name, read):
    kept(rules.code_of_bad_habits(read(notebook_name)))


def test_stored_form_is_normal(notebook_name, read):
    kept(rules.not_normalised(read(notebook_name)))


def test_stored_text_is_what_the_normaliser_writes(notebook_name, read):
    stored = (HERE.parents[1] / "book" / notebook_name).read_text("utf-8")
    assert stored == dump(read(notebook_name)), f"run: python tasks.py notebooks ({notebook_name})"


def test_a_chapter_asks_and_solves_exercises(chapter, read):
    kept(rules.exercises_missing(read(chapter)))


def test_a_number_is_shown_once(read):
    names = [path.name for path in sorted((HERE.parents[1] / "book").glob("*.ipynb"))]
    kept(rules.shown_twice({name: read(name) for name in names}))


def test_every_allowed_numeral_has_a_reason_and_a_use(read):
    table = tomllib.loads((HERE / "numerals.toml").read_text("utf-8"))["allow"]
    for entry in table:
        assert entry["reason"].strip() and entry["numbers"], entry


def test_metadata_is_json(notebook_name, read):
    for about in rules.records(read(notebook_name)):
        assert about["kind"], about
        json.dumps(about)


def test_notebooks_are_valid(notebook_name, read):
    nbformat.validate(read(notebook_name))
