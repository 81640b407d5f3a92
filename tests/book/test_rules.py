"""Each rule of the book refuses a notebook in which it is broken: the checkers are checked."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nnbook_ext import rules
from nnbook_ext.notebooks import STORED_METADATA, normalise
from nnbook_ext.tables import declared, parse_symbols

DERIVATION = {
    "kind": "derivation",
    "number": "5.3",
    "title": "A slope",
    "level": "S",
    "anchor": "eq-5-3",
    "lines": [{"latex": r"\sigma'(z)"}, {"latex": r"\sigma(z)(1-\sigma(z))"}],
}
CHECK = {"kind": "verification", "number": "5.3"}
BOOK = ["z", "W", r"\varphi"]


def notebook(*cells):
    """Make a notebook in its stored form; a string is prose, a tuple is code and its outputs."""
    made = []
    for cell in cells:
        if isinstance(cell, str):
            made.append(new_markdown_cell(cell))
        else:
            made.append(new_code_cell(cell[0], outputs=list(cell[1:])))
    count = 0
    for cell in made:
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
    return normalise(new_notebook(cells=made))


def shows(about, text="5.3"):
    return new_output("display_data", {"text/plain": text}, metadata={"nnbook": about})


def printed(text, name="stdout"):
    return new_output("stream", name=name, text=text)


@pytest.mark.parametrize(
    "text",
    [
        "$$ a $$",
        "so\n\n$$\na\n$$ (eq-1)",
        r"\[ a \]",
        r"\begin{align} a \end{align}",
        "```{math}\na\n```",
        ":::{math}\na\n:::",
        "{math}`a`",
    ],
)
def test_a_display_typed_by_hand_is_refused(text):
    assert rules.displays_typed_by_hand(notebook(text))


@pytest.mark.parametrize("text", ["$a$ and $b$", "`$$` in code", "```python\nx = '$$'\n```"])
def test_inline_mathematics_is_not_a_display(text):
    assert not rules.displays_typed_by_hand(notebook(text))


def test_an_unverified_equation_is_refused():
    bare = notebook(("d", shows(DERIVATION)))
    assert rules.equations_unverified(bare)
    assert not rules.equations_unverified(bare, without_function=["5.3"])
    assert not rules.equations_unverified(notebook(("d", shows(DERIVATION), shows(CHECK))))
    assert not rules.equations_unverified(
        notebook(("d", shows({**DERIVATION, "kind": "definition"})))
    )


def test_an_undeclared_symbol_is_refused_in_prose_and_in_a_derivation():
    assert rules.symbols_undeclared(notebook(r"where $\lambda z$"), BOOK, [])
    assert rules.symbols_undeclared(notebook(("d", shows(DERIVATION))), BOOK, [])
    assert not rules.symbols_undeclared(notebook(("d", shows(DERIVATION))), BOOK, [r"\sigma"])
    fine = r"where $\hat W_{ij} \operatorname{max}(z) \ne \tfrac{1}{2}$, not `$q$`"
    assert not rules.symbols_undeclared(notebook(fine), BOOK, [])


def test_a_second_meaning_is_refused():
    assert rules.symbols_redeclared(BOOK, ["W"])
    assert rules.symbols_redeclared(BOOK, [r"\alpha", r"\alpha"])
    assert not rules.symbols_redeclared(BOOK, [r"\alpha"])


def test_symbols_are_read_from_the_directive():
    text = ":::{symbols}\nσ `\\sigma` : the logistic function\nh `h` : a step\n:::"
    assert [s["latex"] for s in declared(notebook(text))] == [r"\sigma", "h"]
    with pytest.raises(ValueError, match="symbol `latex` : meaning"):
        parse_symbols("sigma is the logistic function")


@pytest.mark.parametrize("text", ["It is 0.25.", "All 1,234 of them", "costs $0.693$", "97.5 %"])
def test_a_number_out_of_the_blue_is_refused(text):
    assert rules.numerals_without_source(notebook(text, ("1", printed("7 and 12.5"))))


@pytest.mark.parametrize(
    "text",
    [
        "It is 0.25, in two of 12 cases.",
        "All 1,234 of them",
        "about 0.2 of [(5.31)](#eq-5-31) and figure 5.12",
        "25.0 %",
        "`0.77` in code",
        "{cite}`author1999word` and {cite}`author2001word`",
    ],
)
def test_a_number_that_was_computed_is_accepted(text):
    computed = notebook(text, ("1", printed("0.25"), printed("1234"), printed("0.2499")))
    assert not rules.numerals_without_source(computed)


def test_a_number_on_the_list_is_accepted():
    assert not rules.numerals_without_source(notebook("In 1986"), ["1986"])


def test_a_number_is_not_found_in_a_longer_one():
    assert rules.numerals_without_source(notebook("exactly 234", ("1", printed("1234"))))


def test_long_cells_are_refused():
    def made(lines):
        return ("\n".join(f"x{i} = {i}" for i in range(lines)),)

    assert not rules.cells_too_long(notebook(made(4), made(4), made(1)))
    assert any("15" in c for c in rules.cells_too_long(notebook(*[made(1)] * 19, made(16))))
    assert any("median" in c for c in rules.cells_too_long(notebook(made(5), made(5))))
    assert any("90%" in c for c in rules.cells_too_long(notebook(*[made(1)] * 8, *[made(10)] * 2)))


def test_thin_prose_is_refused():
    long_enough = "word " * 2000
    assert not rules.prose_too_thin(notebook(long_enough, ("x = 1",)))
    assert rules.prose_too_thin(notebook("word " * 100, ("x = 1",)))
    assert rules.prose_too_thin(notebook(long_enough, *[("\n".join(["x"] * 15),)] * 20))


@pytest.mark.parametrize(
    "source",
    [
        "from numpy import *",
        "!ls",
        "%pip install x",
        "!pip install x",
        "import sys; sys.path.append('.')",
        "f();",
    ],
)
def test_bad_habits_are_refused(source):
    assert rules.code_of_bad_habits(notebook((source,)))


def test_hidden_mathematics_is_refused():
    made = notebook(("d = Derivation('5.3', 'A slope', x)",))
    assert not rules.code_of_bad_habits(made)
    made.cells[0].metadata["tags"] = ["hide-input"]
    assert rules.code_of_bad_habits(made)


def test_a_notebook_that_was_not_normalised_is_refused():
    def broken(change):
        made = notebook("text", ("1", printed("1")))
        change(made)
        return rules.not_normalised(made)

    def outputs(made, *new):
        made.cells[1].outputs = list(new)

    widget = new_output("display_data", {rules.WIDGET: {"model_id": "a"}, "text/plain": "x"})
    assert not broken(lambda made: None)
    assert broken(lambda made: made.metadata.update(widgets={}))
    assert broken(lambda made: made.cells[0].update(id="c07"))
    assert broken(lambda made: made.cells[1].update(execution_count=3))
    assert broken(lambda made: outputs(made, widget))
    assert broken(lambda made: outputs(made, printed("careful", "stderr")))
    assert broken(lambda made: outputs(made, printed("<object at 0x7f3a5c0012a0>")))
    assert broken(lambda made: outputs(made, new_output("error", ename="ValueError")))


def test_missing_exercises_are_refused():
    def asks(number, kind):
        return shows({"kind": "exercise", "number": number, "type": kind})

    three = [(f'solution("5.{i}")', asks(f"5.{i}", kind)) for i, kind in enumerate("abc")]
    assert rules.exercises_missing(notebook(*three))  # no repair among them
    repair = ('solution("5.9")', asks("5.9", "repair"))
    assert not rules.exercises_missing(notebook(*three, repair))
    assert rules.exercises_missing(notebook(*three, ("1", asks("5.9", "repair"))))  # unsolved
    assert rules.exercises_missing(notebook(three[0], repair))


def test_a_number_shown_twice_is_refused():
    one = notebook(("d", shows(DERIVATION)))
    assert not rules.shown_twice({"a": one})
    assert rules.shown_twice({"a": one, "b": one})


def test_the_notebooks_made_here_are_valid():
    made = notebook("text", ("1", printed("1")))
    nbformat.validate(made)
    assert made.metadata == STORED_METADATA
