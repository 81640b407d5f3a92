"""The four tables and the bibliography are whole, and agree with each other and with the book."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT / "book" / "data"
CHAPTERS = range(1, 23)


def table(name, key):
    return tomllib.loads((DATA / f"{name}.toml").read_text(encoding="utf-8"))[key]


EQUATIONS = table("equations", "equation")
ERRATA = table("errata", "erratum")
NOTATION = table("notation", "symbol")
GLOSSARY = table("glossary", "term")


def page(chapter):
    """Return the chapter's notebook if it has landed."""
    return next((ROOT / "book").glob(f"{chapter:02d}_*.ipynb"), None)


@pytest.mark.parametrize(
    ("rows", "keys"),
    [
        (EQUATIONS, "id chapter title statement latex level status function note"),
        (ERRATA, "number source wrong correct chapter also place status test"),
        (NOTATION, "unicode latex forms name meaning shape unit code group"),
        (GLOSSARY, "term definition aliases chapters equations"),
    ],
    ids=["equations", "errata", "notation", "glossary"],
)
def test_every_row_has_every_key(rows, keys):
    for row in rows:
        assert list(row) == keys.split(), row


def test_equations_are_numbered_in_order_within_each_chapter():
    for chapter in (0, *CHAPTERS):
        found = [e["id"] for e in EQUATIONS if e["chapter"] == chapter]
        assert found == [f"{chapter}.{i}" for i in range(1, len(found) + 1)]
        assert len(found) >= (5 if chapter else 1)
    assert all(e["level"] in "SAFNTD" and e["status"] in ("planned", "landed") for e in EQUATIONS)


def test_functions_of_the_equations_exist_once_their_chapter_has_landed():
    import nnbook.functions
    import nnbook.learning

    public = {*dir(nnbook.functions), *dir(nnbook.learning)}
    for e in EQUATIONS:
        if e["status"] == "landed":
            for name in filter(None, re.split(r",\s*", e["function"])):
                assert name.split(".")[-1] in public, (e["id"], name)


def test_the_errata_are_48_and_their_tests_exist():
    assert [e["number"] for e in ERRATA] == list(range(1, 49))
    for e in ERRATA:
        assert e["chapter"] in (0, *CHAPTERS)
        if e["test"]:
            file, _, name = e["test"].partition("::")
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            assert name in {f.name for f in tree.body if isinstance(f, ast.FunctionDef)}, e["test"]
            assert name.startswith(f"test_{e['number']:02d}_")


def test_every_erratum_test_is_listed():
    listed = {e["number"] for e in ERRATA if e["test"]}
    for file in Path(__file__).parent.glob("test_errata_*.py"):
        for f in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(f, ast.FunctionDef) and f.name.startswith("test_"):
                assert int(f.name.split("_")[1]) in listed, f.name


def test_a_landed_erratum_has_its_place():
    for e in ERRATA:
        assert (e["status"] == "landed") == bool(e["place"]), e["number"]
        if e["place"] and ".ipynb#" in e["place"]:
            file, _, anchor = e["place"].partition("#")
            assert f"({anchor})=" in (ROOT / "book" / file).read_text(encoding="utf-8"), e["place"]


@pytest.mark.parametrize("chapter", [5, 7, 8, 16])
def test_a_chapter_that_stands_has_fought_its_errata_out(chapter):
    if page(chapter) is None:
        pytest.skip(f"chapter {chapter} has not landed")
    waiting = [e["number"] for e in ERRATA if e["chapter"] == chapter and e["status"] != "landed"]
    assert not waiting, f"chapter {chapter} stands, and these errata have no place in it: {waiting}"


def test_the_glossary_is_sorted_and_points_at_equations_that_exist():
    terms = [g["term"].lower() for g in GLOSSARY]
    assert terms == sorted(terms)
    names = [n.lower() for g in GLOSSARY for n in (g["term"], *g["aliases"])]
    assert len(names) == len(set(names)), sorted({n for n in names if names.count(n) > 1})
    ids = {e["id"] for e in EQUATIONS}
    for g in GLOSSARY:
        assert set(g["equations"]) <= ids, g
        assert g["chapters"] and set(g["chapters"]) <= set(CHAPTERS), g


def test_about_twenty_letters_are_global_and_none_has_two_meanings():
    assert 18 <= sum(row["group"] == "letters" for row in NOTATION) <= 24
    spellings = [s for row in NOTATION for s in {row["latex"], *row["forms"]}]
    assert len(spellings) == len(set(spellings))


def test_every_source_can_be_found():
    text = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    entries = re.findall(r"@(\w+)\{(\w+),\n(.*?)\n\}", text, re.DOTALL)
    keys = [key for _, key, _ in entries]
    assert len(keys) == len(set(keys)) >= 60
    for kind, key, body in entries:
        fields = dict(re.findall(r"^  (\w+)\s*= \{(.*)\},?$", body, re.MULTILINE))
        assert {"author", "title", "year"} <= set(fields), key
        assert f"{fields['year']}" in key or {"note", "isbn"} & set(fields), key
        if "doi" in fields:
            assert re.fullmatch(r"10\.\d{4,9}/\S+", fields["doi"]), key
        else:
            assert {"url", "isbn"} & set(fields) or kind in ("mastersthesis", "phdthesis"), key
