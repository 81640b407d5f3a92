"""The page's checker against the notebook's: same verdict, same mistake, same words."""

import gzip
import json
import shutil
from pathlib import Path

import pytest

from nnbook.checking import _exercise_page
from nnbook.checking.exercises import load
from nnbook.checking.grammar import FormulaError, evaluate, parse, show
from nnbook.checking.judge import judge

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "book" / "_static" / "exercises.js"
STYLE = ROOT / "book" / "_static" / "exercises.css"
FILES = [ROOT / "tests/checking/samples/ch99.py", *sorted((ROOT / "book/exercises").glob("ch*.py"))]

HOSTILE = [
    "",
    " ",
    "\t\u00a0\n",
    "\u200b",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "__import__('os').system('ls')",
    "constructor",
    "toString(1)",
    "__proto__",
    "z.constructor",
    "(" * 10_000 + "z" + ")" * 10_000,
    "(" * 240,
    "(" * 39 + "z" + ")" * 39,
    "(" * 40 + "z" + ")" * 40, "(" * 41 + "z" + ")" * 41,
    "-" * 300 + "z",
    "2^" * 200 + "2",
    "|" * 400,
    "z" * 501,
    "9" * 400,
    "a" * 400,
    "🙂" * 20,
    "NaN",
    "nan",
    "inf",
    "Infinity",
    "1e999",
    "-1e999",
    "1e-999",
    "٣",
    "٣+٤",
    "１",
    "²",
    "z²³",
    "z⁻¹",
    "z⁺",
    "z¹⁻",
    "z^-1",
    "None",
    "True",
    "lambda: 0",
    "z=1",
    "z==1",
    "\\sigma(z)",
    "\\frac{1}{2}",
    "{z}",
    "[z]",
    "(z",
    "z)",
    "()",
    "z(",
    ")(",
    "1/2z",
    "z 2",
    "2 3",
    "1.2.3",
    "1,2,3",
    "1.",
    ".5",
    ".",
    ",",
    ",5",
    "5,",
    "0,5",
    "max(0,5)",
    "max(0,5; 1)",
    "max(0,5;z)",
    "min(z, 0)",
    "max(z)",
    "max()",
    "max(0,(0,5))",
    "max(0,exp(0,5))",
    "exp(1,2)",
    "exp(1, 2)",
    "exp(1; 2)",
    "exp z",
    "exp",
    "sin^2(z)",
    "tanh^-1(z)",
    "tanh^2",
    "tanh²(z)",
    "z**2",
    "z***2",
    "z^^2",
    "2^3^2",
    "-z^2",
    "2^-z",
    "--z",
    "+-+z",
    "z*",
    "*z",
    "z+",
    "1e3",
    "1E3",
    "1e",
    "2e^z",
    "1e-3",
    "1e+3",
    "1e-z",
    "np.exp(z)",
    "math.pi",
    "np.",
    "np.linalg",
    "Z",
    "z2",
    "z_2",
    "ez",
    "πz",
    "zexp(z)",
    "|z|",
    "||z||",
    "2|z|",
    "|z|z|",
    "|z",
    "√(z)",
    "√z",
    "x\x00",
    "\x1b[31m",
    "\u202ez",
    "z;z",
    "z,z",
    "z % 2",
    "z!",
    "σ",
    "σ(z",
    "σσ(z)",
    "1/0",
    "0/0",
    "0^0",
    "0^-1",
    "(-8)^(1/3)",
    "exp(1000)",
    "1/exp(1000)",
    "1^(1/0)",
    "(-1)^(1/0)",
    "log(-1)",
    "sqrt(-1)",
    "H(0)",
    "sign(-2)",
    "1e400",
    "1e308*10",
    "109,386",
    "100,480",
    "100 480",
    "1 00",
    "100'480",
    "100.480",
    "1,000,000.5",
    "0.69 nats",
    "0.693nats",
    "0.693 NAT",
    "nats",
    "bats",
    "0.6931 bits",
    "0.6",
    "0.69",
    "-0.693",
    "1/4",
    "2^10",
    "0.7",
    "50%", "69.3147 %", "%", "10,048,000%", "%%",
    "≈0.5",
    "Not yet.",
    "–z",
    "−z",
    "z·z",
    "z×z",
    "z÷2",
    "z∗z",
    "α",
    "λ*2",
    "µ",
    "ς",
    "ϵ",
    "m_1",
    "n₁",
    "abs(-2)",
]
ODD = [{"line": None, "formula": ""}, {"line": 2, "formula": ""}, {"line": 3, "formula": "z"}]


@pytest.fixture(scope="module")
def page(chromium):
    """A page with the script in it."""
    page = chromium.new_page()
    yield page
    page.close()


@pytest.fixture(scope="module")
def script(page):
    """A blank page with the script; gives a function that calls it."""
    page.set_content("<!doctype html><title>checker</title><p>checker</p>")
    page.add_script_tag(path=str(SCRIPT))
    return page.evaluate


def exercises():
    """Every exercise of the book and of the samples that a page can check."""
    return [e for path in FILES for e in load(path).values() if e.kind != "code"]


def cases(exercise):
    """Every answer worth trying: right, typically wrong, hostile."""
    typed = [*exercise.right_answers(), *(answer for answer, _ in exercise.wrong_answers())]
    if exercise.kind == "choice":
        keys = list(exercise.options)
        subsets = [
            [k for i, k in enumerate(keys) if mask >> i & 1] for mask in range(2 ** len(keys))
        ]
        return typed + (subsets if exercise.several else [[k] for k in keys]) + [["x"], []]
    if exercise.kind == "repair":
        lines = range(2, len(exercise.lines) + 1)
        return (
            typed
            + ODD[:2]
            + [{"line": k, "formula": "z"} for k in lines]
            + [{"line": exercise.false, "formula": text} for text in HOSTILE]
        )
    return typed + HOSTILE


@pytest.mark.parametrize("exercise", exercises(), ids=lambda e: e.number)
def test_both_evaluators_give_the_same_verdict_and_the_same_words(script, exercise):
    answers, record = cases(exercise), exercise.record()
    theirs = script(
        "([r, answers]) => answers.map((a) => nnbookExercises.judge(r, a))",
        [json.loads(json.dumps(record)), answers],
    )
    for answer, found in zip(answers, theirs, strict=True):
        assert found == judge(record, answer), answer


@pytest.mark.parametrize("exercise", exercises(), ids=lambda e: e.number)
def test_the_page_accepts_right_answers_and_names_each_mistake(script, exercise):
    def ask(answer):
        return script("([r, a]) => nnbookExercises.judge(r, a)", [exercise.record(), answer])

    assert all(ask(answer)["verdict"] == "right" for answer in exercise.right_answers())
    for answer, mistake in exercise.wrong_answers():
        found = ask(answer)
        assert (found["verdict"], found["mistake"]) == ("wrong", mistake.name)
        assert mistake.hint in found["message"]


def test_both_grammars_read_the_same_and_refuse_in_the_same_words(script):
    points = [[0.7, -1.3], [-2.0, 0.5], [0.0, 0.0]]
    theirs = script(
        """([texts, points]) => texts.map((t) => {
        try { const steps = nnbookExercises.parse(t, ["z", "w"]);
              return points.map((p) => nnbookExercises.evaluate(steps, p))
                           .map((v) => Number.isFinite(v) ? v : null); }
        catch (error) { return error.message; } })""",
        [HOSTILE, points],
    )
    for text, found in zip(HOSTILE, theirs, strict=True):
        try:
            values = evaluate(parse(text, ["z", "w"]), points)
        except FormulaError as error:
            assert found == str(error), text
            continue
        mine = [float(v) if abs(v) < float("inf") else None for v in values]
        assert found == [None if v is None else pytest.approx(v, rel=1e-14) for v in mine], text


def test_both_write_numbers_alike(script):
    numbers = [
        0.0,
        -0.0,
        1.0,
        -3.0,
        0.5,
        1000.5,
        -1000.5,
        0.00025,
        1 / 3,
        2 / 3,
        0.99996,
        9.99996,
        1e-5,
        1.5e-7,
        -2.5e-300,
        5e-324,
        1e15,
        1e20,
        1.7976931348623157e308,
        123456.789,
        0.0001,
        0.00009999999,
        99999.5,
        2.5,
        1e14 + 0.5,
    ]
    for digits in (3, 4, 6, 9, 12, 15):
        theirs = script("([xs, d]) => xs.map((x) => nnbookExercises.show(x, d))", [numbers, digits])
        assert theirs == [show(x, digits) for x in numbers]


def the_page(exercises):
    """A page as the book makes it, without the theme."""
    forms = "".join(_exercise_page.form(e) for e in exercises)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Exercises</title>"
        f"<link rel=stylesheet href=exercises.css><main><h1>Exercises</h1>{forms}</main>"
        "<script src=exercises.js></script>"
    )


@pytest.fixture
def shown(page, tmp_path):
    """The samples in a page of their own, opened from the file system."""
    (tmp_path / "index.html").write_text(the_page(load(FILES[0]).values()), encoding="utf-8")
    shutil.copy(SCRIPT, tmp_path)
    shutil.copy(STYLE, tmp_path)
    page.goto((tmp_path / "index.html").as_uri())
    page.evaluate("localStorage.clear()")
    page.reload()
    return page


def test_a_formula_is_answered_by_keyboard_kept_and_reset(shown):
    field = shown.locator("#ex-99-1-input")
    field.focus()
    shown.keyboard.type("1 - sigma(z)")
    shown.keyboard.press("Enter")
    verdict = shown.locator("#ex-99-1 .nn-ex-verdict")
    assert "slope of ln σ" in verdict.inner_text()
    assert shown.locator("#ex-99-1").get_attribute("data-verdict") == "wrong"
    shown.reload()
    assert field.input_value() == "1 - sigma(z)"
    assert "slope of ln σ" in verdict.inner_text()
    field.fill("sigma(z)(1-sigma(z))")
    assert verdict.inner_text() == ""
    shown.keyboard.press("Enter")
    assert verdict.inner_text().startswith("Right: it agrees with the slope")
    shown.locator("#ex-99-1 button[type=reset]").focus()
    shown.keyboard.press("Enter")
    assert (field.input_value(), verdict.inner_text()) == ("", "")
    shown.reload()
    assert field.input_value() == ""


def test_a_choice_and_a_repair_are_answered_by_keyboard_and_kept(shown):
    for key in "ac":
        shown.locator(f"#ex-99-7 input[value={key}]").focus()
        shown.keyboard.press("Space")
    shown.keyboard.press("Enter")
    assert shown.locator("#ex-99-7 .nn-ex-verdict").inner_text() == "Right."
    shown.locator("#ex-99-4 input[value='2']").focus()
    shown.keyboard.press("Space")
    shown.locator("#ex-99-4-input").fill("sigma(z)(1 - sigma(z))")
    shown.keyboard.press("Enter")
    assert "line 2 is the false one" in shown.locator("#ex-99-4 .nn-ex-verdict").inner_text()
    shown.reload()
    assert shown.locator("#ex-99-4 input[value='2']").is_checked()
    assert shown.locator("#ex-99-7 .nn-ex-verdict").inner_text() == "Right."


def test_a_script_typed_as_an_answer_stays_text(shown):
    shown.evaluate("() => { window.hit = 0; window.alert = () => { window.hit += 1; }; }")
    shown.locator("#ex-99-1-input").fill("<img src=x onerror=alert(1)>")
    shown.keyboard.press("Enter")
    assert "is not part of a formula" in shown.locator("#ex-99-1 .nn-ex-verdict").inner_text()
    assert shown.evaluate("window.hit") == 0
    assert shown.locator(".nn-ex-verdict img").count() == 0
    assert "<script>alert(1)</script>" in shown.locator("#ex-99-7").inner_text()


def test_a_page_whose_kept_answers_were_altered_still_starts(shown):
    for kept in ["{", "5", "[1]", '{"line": "x"}', '"<b>"', "null"]:
        shown.evaluate(
            "(v) => ['1', '4', '7'].forEach((n) => localStorage.setItem('nnbook:ex-99-' + n, v))",
            kept,
        )
        shown.reload()
        assert shown.locator("button[type=submit]:visible").count() == 8


def test_targets_are_large_enough_and_nothing_overflows_a_phone(shown):
    shown.set_viewport_size({"width": 390, "height": 844})
    small = shown.evaluate("""() => [...document.querySelectorAll(
        '.nn-exercise button, .nn-exercise input[type=text], .nn-ex-option, .nn-ex-how summary')]
        .filter((x) => x.checkVisibility()).map((x) => x.getBoundingClientRect())
        .filter((r) => r.width < 24 || r.height < 24).length""")
    wide = shown.evaluate("document.documentElement.scrollWidth")
    shown.set_viewport_size({"width": 1280, "height": 720})
    assert small == 0
    assert wide <= 390


def test_without_script_the_statement_and_a_note_are_there(page, tmp_path):
    (tmp_path / "index.html").write_text(the_page(load(FILES[0]).values()), encoding="utf-8")
    context = page.context.browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto((tmp_path / "index.html").as_uri())
    text = plain.locator("body").inner_text()
    context.close()
    assert "How many nats is one bit?" in text
    assert 'check("99.1"' in text
    assert "Which line is false?" in text


def test_the_script_is_small_and_evaluates_nothing():
    text = SCRIPT.read_text(encoding="utf-8")
    assert len(gzip.compress(text.encode())) < 10_000
    assert "eval(" not in text.replace("nnbookExercises.eval", "")
    assert "Function(" not in text.replace("isFunction(", "")
    assert "innerHTML" not in text
