"""verify in a notebook: every call shows once, in its cell, with its row in the metadata."""

import nbformat
import pytest
from nbclient import NotebookClient

SETUP = """
from types import SimpleNamespace
import sympy as sp
from nnbook.checking import verify
from nnbook.functions import relu, relu_prime
z = sp.Symbol("z", real=True)
d = SimpleNamespace(number="5.8", rhs=sp.Max(0, z), domain=None)
"""


@pytest.fixture(scope="module")
def cells():
    sources = [SETUP, "verify(d, relu, points=300)\nverify(d, relu, points=200)",
               "v = verify(d, relu, points=200)", "v", "verify(d, unverifiable='a reason')"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    return notebook.cells


def shown(cell):
    return [output["data"]["text/plain"] for output in cell.outputs]


def test_two_calls_in_a_cell_show_twice_and_no_more(cells):
    assert [("300" in text, "200" in text) for text in shown(cells[1])] == [
        (True, False), (False, True)]


def test_a_result_that_is_kept_shows_when_made_and_when_asked_for(cells):
    assert len(shown(cells[2])) == 1
    assert shown(cells[3]) == shown(cells[2])


def test_the_metadata_is_the_row_of_the_ledger(cells):
    record = cells[1].outputs[0]["metadata"]["nnbook"]
    assert record["kind"] == "verification" and record["number"] == "5.8"
    assert record["function"].startswith("nnbook.functions.")
    assert record["function"].endswith(".relu")
    assert cells[4].outputs[0]["metadata"]["nnbook"]["unit"] == "none"
    assert shown(cells[4]) == ["(5.8) is not computed by any function: a reason"]
    assert cells[1].outputs[0]["output_type"] == "display_data"
