"""Every public function is on one page of the package's documentation."""

from pathlib import Path

import pytest
from nnbook_ext.api import REQUEST, modules_of, sections

PAGES = Path(__file__).resolve().parents[2] / "book" / "api"


def test_every_module_of_functions_is_on_one_page():
    shown = []
    for page in PAGES.glob("*.md"):
        for package, modules in REQUEST.findall(page.read_text(encoding="utf-8")):
            if package == "nnbook.functions":
                shown += modules.split()
    wanted = [place.rpartition(".")[2] for place in modules_of("nnbook.functions")]
    assert sorted(shown) == sorted(wanted)


def test_a_page_shows_the_modules_that_it_names_and_no_others():
    text = sections("nnbook.functions", ["mish", "dropout"])
    assert "nnbook.functions.mish\n" in text and "nnbook.functions.dropout\n" in text
    assert "nnbook.functions.relu" not in text


def test_a_module_that_there_is_not_is_no_empty_page():
    with pytest.raises(KeyError, match="dropuot"):
        sections("nnbook.functions", ["dropuot"])
