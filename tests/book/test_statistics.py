"""What is counted is there."""

import nbformat
from nnbook_ext.rules import records

from tests.statistics_of_book import CHAPTERS, HEADS, count


def test_the_introduction_is_counted():
    path = next(path for path in CHAPTERS if path.stem == "intro")
    row = dict(zip(HEADS, count(path), strict=True))
    kinds = [one["kind"] for one in records(nbformat.read(path, as_version=4))]
    assert row["equations"] == kinds.count("derivation") == 1
    assert row["figures"] == kinds.count("figure")
    assert row["levels"] == "S 1"
    assert row["planted errors"] >= 2
    assert row["words"] > 10 * row["lines"]
