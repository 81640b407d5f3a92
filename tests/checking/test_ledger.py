"""The ledger: rows from executed notebooks, and every way in which it can fail to balance."""

import copy
import json

import pytest

from nnbook.checking.ledger import LedgerError, ledger, missing, problems, read_map, rows


def record(kind, number, **more):
    return {"kind": kind, "number": number, **more}


def notebook(*records):
    outputs = [{"output_type": "display_data", "metadata": {"nnbook": r}} for r in records]
    return {"cells": [{"cell_type": "markdown", "source": ""},
                      *({"cell_type": "code", "outputs": [o]} for o in outputs)]}


def derivation(number, level="S", **more):
    return record("derivation", number, title=f"Equation {number}", level=level,
                  anchor="eq-" + number.replace(".", "-"), **more)


def verification(number, function="nnbook.functions.activations.sigmoid_prime", **more):
    return record("verification", number, function=function, bound=2, unit="ulp", points=20_000,
                  worst_error=1.25, worst_at={"z": 1.5}, domain="ℝ", narrowed=None, **more)


GOOD = notebook(derivation("5.10"), verification("5.10"), derivation("5.2"), verification("5.2"),
                verification("5.2", "nnbook.functions.activations.tanh"),
                record("definition", "5.1", title="A layer", level="definition"),
                record("theorem", "5.15", title="Lipschitz", level="T"),
                record("figure", "", name="slope"))


def test_rows_are_in_the_order_of_their_numbers():
    found = rows(GOOD, "05_units")
    assert [r.number for r in found] == ["5.1", "5.2", "5.2", "5.10", "5.15"]
    assert [r.level for r in found] == ["D", "S", "S", "S", "T"]
    two = found[1]
    assert (two.function, two.bound, two.points, two.worst_error) == (
        "nnbook.functions.activations.sigmoid_prime", 2, 20_000, 1.25)
    assert two.link == "05_units.ipynb#eq-5-2"
    assert found[0].function == ""


def test_a_balanced_ledger(tmp_path):
    path = tmp_path / "05_units.ipynb"
    path.write_text(json.dumps(GOOD), encoding="utf-8")
    assert ledger([path]) == rows(GOOD, "05_units") == ledger([("05_units", GOOD)])
    assert problems([path]) == []


@pytest.mark.parametrize(("extra", "message"), [
    ([derivation("5.3")], r"\(5.3\) Equation 5.3 in 05_units has no verification"),
    ([derivation("5.2"), verification("5.2")], r"\(5.2\) is displayed in 05_units and again"),
    ([verification("5.7")], r"\(5.7\) is verified in 05_units and not derived there"),
    ([derivation("8.1"), verification("8.1")], r"belongs to chapter 8"),
])
def test_a_ledger_that_does_not_balance_is_refused(extra, message):
    bad = copy.deepcopy(GOOD)
    bad["cells"] += notebook(*extra)["cells"]
    with pytest.raises(LedgerError, match=message) as refused:
        ledger([("05_units", bad)])
    assert len(refused.value.problems) == 1


def test_a_number_used_in_two_chapters_is_refused():
    other = notebook(derivation("5.2"), verification("5.2"))
    with pytest.raises(LedgerError, match="again in 08_backpropagation"):
        ledger([("05_units", GOOD), ("08_backpropagation", other)])


def test_an_excuse_with_its_reason_balances():
    excused = record("verification", "5.3", function="", unit="none", narrowed="a count")
    book = notebook(derivation("5.3"), excused)
    (row,) = ledger([("05_units", book)])
    assert row.excused and row.narrowed == "a count" and row.function == ""


def entry(number, level="S", status="landed", note="", function=""):
    return {"id": number, "level": level, "status": status, "note": note, "function": function}


FOUND = rows(GOOD, "05_units")
PLAN = [entry("5.1", "D"), entry("5.2", "F", function="tanh"), entry("5.10"), entry("5.15", "T"),
        entry("6.1", status="planned")]


def test_a_map_that_the_ledger_keeps():
    assert missing(PLAN, FOUND) == []


@pytest.mark.parametrize(("change", "message"), [
    (entry("5.3"), "(5.3) has landed by the map, and no chapter derives it"),
    (entry("5.2", function="relu"), "(5.2) is to be held to relu, and is held to"),
    (entry("5.2", status="planned"), "(5.2) is in the ledger: its status in the map is landed"),
])
def test_each_disagreement_is_said(change, message):
    plan = [e for e in PLAN if e["id"] != change["id"]] + [change]
    (said,) = missing(plan, FOUND)
    assert said.startswith(message)


def test_a_weaker_level_needs_a_note():
    weak = rows(notebook(derivation("5.10", "N"), verification("5.10")), "05_units")
    assert missing([entry("5.10")], weak) == [
        "(5.10) is planned at level S and derived at N, and no note says why"]
    assert missing([entry("5.10", note="sampled: no chain is known")], weak) == []
    assert missing([entry("5.10", "N")], weak) == []


@pytest.mark.parametrize(("planned", "found", "fine"), [
    ("F", "A", True), ("F", "S", True), ("A", "F", False), ("T", "T", True), ("T", "N", False),
    ("S", "T", False), ("D", "N", True)])
def test_the_order_of_the_levels(planned, found, fine):
    book = rows(notebook(derivation("5.10", found), verification("5.10")), "05_units")
    assert (missing([entry("5.10", planned)], book) == []) is fine


def test_an_equation_that_the_map_does_not_know():
    assert missing([e for e in PLAN if e["id"] != "5.10"], FOUND) == [
        "(5.10) is in the book and not in the map"]


def test_the_committed_map_is_well_formed():
    plan = read_map("book/data/equations.toml")
    assert {e["chapter"] for e in plan} >= {5, 8, 16}


@pytest.mark.parametrize(("text", "message"), [
    ('[[equation]]\nid = "5.1"\nlevel = "X"\nstatus = "landed"', "level 'X'"),
    ('[[equation]]\nid = "5.1"\nlevel = "S"\nstatus = "done"', "status 'done'"),
    ('[[equation]]\nlevel = "S"\nstatus = "landed"', "id of its own"),
    ('[[equation]]\nid = "5.1"\nlevel = "S"\nstatus = "landed"\n' * 2, "id of its own"),
])
def test_a_map_that_is_not_well_formed_is_refused(tmp_path, text, message):
    path = tmp_path / "equations.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_map(path)


def test_something_that_is_no_notebook():
    with pytest.raises(TypeError, match="dict with cells, got list"):
        rows([])
