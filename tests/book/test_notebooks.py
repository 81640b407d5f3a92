"""Executing and storing notebooks: what is kept, what is dropped, what fails."""

import base64
import io
import json

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nnbook_ext import execute, notebooks, rules
from PIL import Image


def png(array) -> str:
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(array, dtype=np.uint8)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.fixture
def picture():
    return np.full((40, 50, 3), 200)


def with_output(*outputs):
    return new_notebook(cells=[new_code_cell("f()", execution_count=1, outputs=list(outputs))])


def test_a_picture_is_replaced_only_when_it_visibly_changed(picture):
    nearly, clearly = picture.copy(), picture.copy()
    nearly[3, 4] += 10
    clearly[10:20, 10:20] = 0
    assert not notebooks.visibly_different(png(picture), png(nearly))
    assert notebooks.visibly_different(png(picture), png(clearly))
    assert notebooks.visibly_different(png(picture), png(picture[:-1]))

    def stored_after(new):
        old = with_output(new_output("display_data", {"image/png": png(picture)}))
        fresh = with_output(new_output("display_data", {"image/png": png(new)}))
        return notebooks.normalise(fresh, old).cells[0].outputs[0]["data"]["image/png"]

    assert stored_after(nearly) == png(picture)
    assert stored_after(clearly) == png(clearly)


def test_a_measured_error_alone_does_not_change_what_is_stored():
    def result(text, error):
        about = {"nnbook": {"kind": "verification", "worst_error": error, "bound": 2}}
        return with_output(new_output("display_data", {"text/plain": text}, metadata=about))

    def stored(new, old):
        made = notebooks.normalise(new, old).cells[0].outputs[0]
        return made["metadata"]["nnbook"]["worst_error"]

    assert stored(result("within 2 ulp", 0.9), result("within 2 ulp", 0.7)) == 0.7
    assert stored(result("within 3 ulp", 0.9), result("within 2 ulp", 0.7)) == 0.9


def test_widgets_are_dropped_and_what_stands_beside_them_is_kept():
    view = {"model_id": "abc"}
    bare = new_output("display_data", {notebooks.WIDGET: view, "text/plain": "VBox(children=())"})
    full = new_output(
        "display_data", {notebooks.WIDGET: view, "image/png": "x", "text/plain": "At k = 1 (now)"}
    )
    caption = new_output("display_data", {notebooks.WIDGET: view, "text/plain": "At k = 1"})
    made = notebooks.normalise(with_output(bare, full, caption)).cells[0].outputs
    assert [set(o["data"]) for o in made] == [{"image/png", "text/plain"}, {"text/plain"}]


def test_ids_count_up_and_metadata_is_small():
    cells = [new_markdown_cell("a  \n"), new_markdown_cell(" "), new_code_cell("1", id="zz")]
    made = new_notebook(cells=cells, metadata={"widgets": {"state": {}}, "jupytext": {}})
    made.cells[2].metadata = {"execution": {"time": 1}, "tags": ["hide-input"]}
    made = notebooks.normalise(made)
    assert [cell.id for cell in made.cells] == ["c00", "c01"]
    assert made.cells[0].source == "a"
    assert made.metadata == notebooks.STORED_METADATA
    assert made.cells[1].metadata == {"tags": ["hide-input"]}


def test_a_failing_cell_is_shown_and_nothing_is_written(tmp_path):
    made = new_notebook(cells=[new_code_cell("x = 1"), new_code_cell("1 / (x - 1)")])
    path = tmp_path / "07_fails.ipynb"
    nbformat.write(made, path)
    before = path.read_bytes()
    with pytest.raises(notebooks.ChapterError) as raised:
        notebooks.refresh(path)
    assert "1 / (x - 1)" in str(raised.value)
    assert "ZeroDivisionError" in str(raised.value)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_notebook_is_stored_normal_and_the_second_time_unchanged(tmp_path):
    path = tmp_path / "07_runs.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("import os; print(1 + 1)")]), path)
    seconds, changed = notebooks.refresh(path)
    assert changed and seconds > 0
    made = nbformat.read(path, 4)
    assert made.cells[0].outputs[0].text == "2\n"
    assert not rules.not_normalised(made)
    assert notebooks.refresh(path)[1] is False


def test_the_switch_reaches_the_kernel_and_only_in_the_book(tmp_path, monkeypatch):
    monkeypatch.setenv("NNBOOK_HTML", "1")
    assert "NNBOOK_HTML" not in notebooks.kernel_environment(html=False)
    assert notebooks.kernel_environment(html=True)["NNBOOK_HTML"] == "1"


def test_an_unknown_chapter_is_named_with_those_there_are():
    with pytest.raises(ValueError, match="no chapter 99 in book/; there are:"):
        notebooks.chapters(99)


def tree(root):
    for name in ("nnbook/a.py", "requirements.txt", "book/data/t.toml", "book/exercises/ch05.py"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    return root


@pytest.mark.parametrize(
    "name", ["nnbook/a.py", "requirements.txt", "book/data/t.toml", "book/exercises/ch05.py"]
)
def test_the_cache_sees_every_input_of_a_chapter(tmp_path, name):
    before = execute.surroundings(tree(tmp_path))
    assert execute.surroundings(tmp_path) == before
    (tmp_path / name).write_text("2")
    assert execute.surroundings(tmp_path) != before


def test_the_cache_sees_the_switch_for_solutions(tmp_path, monkeypatch):
    before = execute.surroundings(tree(tmp_path))
    monkeypatch.setenv("NNBOOK_SOLUTIONS", "0")
    assert execute.surroundings(tmp_path) != before


def test_prose_does_not_change_a_chapters_key_and_code_does():
    def key(prose, code):
        return execute.key_of(
            new_notebook(cells=[new_markdown_cell(prose), new_code_cell(code)]), ""
        )

    assert key("a", "1") == key("b", "1")
    assert key("a", "1") != key("a", "2")


def test_the_page_hides_what_only_makes_an_exercise_appear():
    def asked(kind):
        about = {"nnbook": {"kind": "exercise", "number": "5.1", "type": kind}}
        shown = new_output("display_data", {"text/plain": "x"}, metadata=about)
        answer = new_code_cell('check("5.1", ...)', metadata={"tags": ["nb-check"]})
        cells = [new_code_cell('exercise("5.1")', outputs=[shown]), answer, new_code_cell("1")]
        made = new_notebook(cells=cells)
        execute.hide_machinery(made)
        return [cell.metadata["tags"] for cell in made.cells]

    assert asked("formula") == [["remove-input"], ["nb-check", "remove-cell"], []]
    assert asked("code") == [["remove-input"], ["nb-check"], []]


def test_stored_notebooks_are_json_with_one_line_a_line(tmp_path):
    text = notebooks.dump(notebooks.normalise(new_notebook(cells=[new_markdown_cell("a\nb")])))
    assert json.loads(text)["cells"][0]["source"] == ["a\n", "b"]


def test_an_error_that_is_meant_is_stored_without_the_paths_of_a_machine():
    shown = new_output(
        "error", ename="ValueError", evalue="W is (3, 2)", traceback=["File /x", "!"]
    )
    (kept,) = notebooks.normalise(with_output(shown)).cells[0].outputs
    assert kept.traceback == ["ValueError: W is (3, 2)"]
