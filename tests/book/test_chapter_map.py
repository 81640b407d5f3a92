"""The table of chapters says what the notebooks, the table of contents and the links say."""

import re
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from nnbook_ext import rules
from nnbook_ext.chapters import arc, closure, drawn

ROOT = Path(__file__).resolve().parents[2]
TABLE = tomllib.loads((ROOT / "book" / "data" / "chapters.toml").read_text("utf-8"))
CHAPTERS = {chapter["number"]: chapter for chapter in TABLE["chapter"]}
NEEDS = {number: chapter["needs"] for number, chapter in CHAPTERS.items()}
NOTEBOOKS = {int(path.name[:2]): path for path in sorted((ROOT / "book").glob("[0-9]*.ipynb"))}


def prose(path):
    return "\n".join(rules.markdown(nbformat.read(path, as_version=4)))


def test_twenty_two_chapters_in_six_parts():
    assert list(CHAPTERS) == list(range(1, 23))
    assert sorted({c["part"] for c in CHAPTERS.values()}) == [p["number"] for p in TABLE["part"]]
    parts = [chapter["part"] for chapter in CHAPTERS.values()]
    assert parts == sorted(parts)


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_a_chapter_has_the_title_of_its_row(number):
    heading = re.search(r"^# (.*)$", prose(NOTEBOOKS[number]), re.MULTILINE)[1]
    assert heading == CHAPTERS[number]["title"]


@pytest.mark.parametrize("number", CHAPTERS)
def test_needs_come_first_and_are_not_said_twice(number):
    needs = NEEDS[number]
    assert needs == sorted(needs)
    assert all(n < number for n in needs)
    for n in needs:
        others = {m for k in needs if k != n for m in closure(k, NEEDS)}
        assert n not in others, f"chapter {number} needs {n} through another one already"


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_an_equation_taken_from_an_earlier_chapter_is_on_the_map(number):
    taken = {int(n) for n in re.findall(r"\]\((\d\d)_\w+\.ipynb#eq-", prose(NOTEBOOKS[number]))}
    before = {n for n in taken if n < number}
    missing = before - set(closure(number, NEEDS))
    assert not missing, f"chapter {number} takes from {sorted(missing)}; say so in its needs"


def test_no_chapter_that_stands_is_called_planned():
    pages = [*(ROOT / "book").glob("*.md"), *(ROOT / "book" / "exercises").glob("*.py")]
    texts = [prose(path) for path in (ROOT / "book").glob("*.ipynb")]
    texts += [path.read_text("utf-8") for path in pages]
    said = {int(n) for text in texts for n in re.findall(r"[Cc]hapter\s+(\d+),\s+planned", text)}
    assert said and not said & set(NOTEBOOKS)


def test_each_part_of_the_contents_begins_with_its_page_and_holds_its_chapters():
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))["parts"]
    by_caption = {part["caption"]: [Path(c["file"]).name for c in part["chapters"]]
                  for part in contents}
    for part in TABLE["part"]:
        here = [p.stem for n, p in NOTEBOOKS.items() if CHAPTERS[n]["part"] == part["number"]]
        if not here:
            continue
        first, *rest = by_caption[part["title"]]
        assert first.startswith(f"part_{part['number']}_")
        assert rest == here


def test_an_arc_for_each_need_and_a_link_for_each_chapter_that_stands():
    pages = {number: f"{path.stem}.html" for number, path in NOTEBOOKS.items()}
    markup = drawn(TABLE["part"], TABLE["chapter"], pages)
    assert markup.count("<path ") == sum(map(len, NEEDS.values()))
    assert markup.count("<a href=") == len(NOTEBOOKS)
    first, second = (float(y) for y in re.findall(r'cy="([\d.]+)"', markup)[:2])
    assert f'd="{arc(first, second)}"' in markup     # chapter 2 needs chapter 1
