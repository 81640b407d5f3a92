"""How an exercise looks: as Markdown in a notebook, as a form in the page."""
import base64
import json
import re
from functools import cache
from html import escape

from nnbook.checking.grammar import show

KINDS = {"number": "a number", "choice": "a choice", "formula": "a formula",
         "repair": "a derivation to repair", "code": "a function to write"}


def call(exercise):
    """Return the call that answers the exercise in a notebook, with an example."""
    example = "0.5"
    if exercise.kind == "choice":
        keys = list(exercise.options)
        example = f'{{"{keys[0]}", "{keys[1]}"}}' if exercise.several else f'"{keys[0]}"'
    elif exercise.kind in ("formula", "repair"):
        example = f'"2*{next(iter(exercise.variables))}"'
        if exercise.kind == "repair":
            example = f"(2, {example})"
    elif exercise.kind == "code":
        example = exercise.call.split("(")[0]
    return f'check("{exercise.number}", {example})'


def _counterexample(exercise):
    point, start, end = exercise.counterexample
    at = ", ".join(f"{name} = {show(x, 15)}"
                   for name, x in zip(exercise.variables, point, strict=True))
    values = ["no number" if v is None else show(v) for v in (start, end)]
    return f"At {at} the first line is {values[0]}, the last is {values[1]}: one line is false."


def _lines(exercise):
    return [(("" if k == 0 else "= ") + line.latex, line.reason)
            for k, line in enumerate(exercise.lines)]


def markdown(exercise):
    """Return the exercise as Markdown, for a notebook."""
    parts = [f"**Exercise {exercise.number}. {exercise.title}** ({KINDS[exercise.kind]})",
             exercise.statement]
    if exercise.kind == "choice":
        parts.append("\n".join(f"- **{key}**: {text}" for key, text in exercise.options.items()))
    elif exercise.kind == "repair":
        parts.append("\n".join(f"{k}. ${latex}$" + (f" ({reason})" if reason else "")
                               for k, (latex, reason) in enumerate(_lines(exercise), 1)))
        parts.append(_counterexample(exercise))
    elif exercise.kind == "code":
        parts.append(f"Write `{exercise.call}`.")
    parts.append(f"Answer with `{call(exercise)}`.")
    return "\n\n".join(parts)


def plain(exercise):
    """Return the exercise as plain text, for a terminal."""
    bare = re.sub(r"\*\*(\S(?:.*?\S)?)\*\*", r"\1", markdown(exercise))
    return re.sub(r"[$`]", "", bare)


@cache
def _reader():
    try:
        from markdown_it import MarkdownIt
        from mdit_py_plugins.dollarmath import dollarmath_plugin
    except ImportError as error:
        raise ImportError("the book's build needs markdown-it-py and mdit-py-plugins; "
                          "install nnbook[book]") from error
    reader = MarkdownIt("commonmark", {"html": False, "typographer": False}).enable("table")

    def typeset(text, _options):
        return escape(text)

    dollarmath_plugin(reader, allow_space=False, renderer=typeset)
    reader.add_render_rule("math_inline", lambda self, tokens, i, options, env: _math(
        tokens[i].content))
    return reader


def _math(latex, display=False):
    style = r"\displaystyle " if display else ""
    return f'<span class="math notranslate nohighlight">\\({style}{escape(latex)}\\)</span>'


def _html(text):
    return _reader().render(text)


def _inline(text):
    return _reader().renderInline(text)


def _record(exercise):
    # Base64 keeps an answer from being read by accident, no more: what is checked without a
    # server is in the page.
    text = json.dumps(exercise.record(), separators=(",", ":"), allow_nan=False)
    return base64.b64encode(text.encode("ascii")).decode("ascii")


def _field(name, label, note):
    return (f'<label for="{name}">{label}</label> '
            f'<input type="text" id="{name}" name="formula" autocomplete="off" '
            'autocapitalize="none" autocorrect="off" spellcheck="false" '
            f'aria-describedby="{name.replace("input", "verdict")}">'
            '<details class="nn-ex-how"><summary>How to write it</summary>'
            f"<p>{note}</p></details>")


_FORMULA_NOTE = (
    "Powers <code>z^2</code> or <code>z**2</code>; a product may go without sign, "
    "<code>2z</code>; fractions <code>a/(b*c)</code>, exponents <code>e^(2z)</code>. "
    "Functions with parentheses: "
    "<code>exp log sqrt sin cos tanh sigma relu softplus H abs max min</code>; log is the natural "
    "logarithm, H the step with H(0) = 0. Greek letters or their names. A comma between digits is "
    "a decimal comma, except in max(…) and min(…), where it separates arguments; there, separate "
    "with semicolons to use it."
)
_NUMBER_NOTE = ("A decimal point or a decimal comma; <code>1/4</code>, <code>2^10</code>, "
                "<code>ln(2)</code>, <code>1e-3</code> and <code>37.5 %</code> are numbers too.")


def _variables(exercise):
    return ", ".join(f"<i>{escape(name)}</i>" for name in exercise.variables)


def _options(name, legend, options, several):
    kind = "checkbox" if several else "radio"
    rows = "".join(f'<label class="nn-ex-option"><input type="{kind}" name="{name}" '
                   f'value="{escape(str(key))}"> <span>{text}</span></label>'
                   for key, text in options)
    return f"<fieldset><legend>{legend}</legend>{rows}</fieldset>"


def _inputs(exercise):
    name = f"{exercise.anchor}-input"
    if exercise.kind == "number":
        units = f" ({escape(exercise.units[0])})" if exercise.units else ""
        return _field(name, f"Your number{units}", _NUMBER_NOTE)
    if exercise.kind == "formula":
        return _field(name, f"Your formula in {_variables(exercise)}", _FORMULA_NOTE)
    if exercise.kind == "choice":
        legend = "Choose all that hold" if exercise.several else "Choose one"
        options = [(k, f"<b>{escape(k)}</b> {_inline(t)}") for k, t in exercise.options.items()]
        return _options("choice", legend, options, exercise.several)
    numbers = [(k, f"line {k}") for k in range(2, len(exercise.lines) + 1)]
    return (_options("line", "Which line is false?", numbers, False)
            + _field(name, f"What it should say, in {_variables(exercise)}", _FORMULA_NOTE))


def form(exercise):
    """Return the exercise as HTML: a form that the page's script checks without a kernel."""
    anchor = exercise.anchor
    lines = ""
    if exercise.kind == "repair":
        rows = "".join(
            f'<li><div class="nn-ex-line">{_math(latex, True)}</div>'
            + (f'<div class="nn-ex-reason">{_inline(reason)}</div>' if reason else "") + "</li>"
            for latex, reason in _lines(exercise))
        lines = (f'<ol class="nn-ex-lines">{rows}</ol>'
                 f'<p class="nn-ex-counter">{escape(_counterexample(exercise))}</p>')
    how = f"<code>{escape(call(exercise))}</code>"
    if exercise.kind == "code":
        body = (f'<p class="nn-ex-run">Write <code>{escape(exercise.call)}</code>. A function is '
                "checked where Python runs: download this chapter's notebook (or start "
                "<code>make lab</code>), write the function in a cell, and run "
                f"{how}.</p>")
    else:
        body = (f'<form>{_inputs(exercise)}<div class="nn-ex-buttons" hidden>'
                '<button type="submit">Check</button> <button type="reset">Reset</button></div>'
                '</form><div class="nn-ex-verdict" id="' + anchor + '-verdict" role="status"></div>'
                "<noscript><p>Answers are checked by a script, which is off here. In the "
                f"chapter's notebook, {how} checks the same.</p></noscript>"
                f'<script type="application/json">"{_record(exercise)}"</script>')
    return (f'<section class="nn-exercise" id="{anchor}" data-kind="{exercise.kind}" '
            f'data-number="{exercise.number}" aria-labelledby="{anchor}-title">'
            f'<p class="nn-ex-title" id="{anchor}-title"><a href="#{anchor}">Exercise '
            f"{exercise.number}</a> {escape(exercise.title)} "
            f'<span class="nn-ex-kind">{KINDS[exercise.kind]}</span></p>'
            f'<div class="nn-ex-statement">{_html(exercise.statement)}</div>'
            f"{lines}{body}</section>")


def _code_html(source):
    try:
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer
    except ImportError:
        return f"<pre><code>{escape(source)}</code></pre>"
    return highlight(source, PythonLexer(), HtmlFormatter(cssclass="highlight"))


def solution_html(exercise, source, output):
    """Return the folded solution as HTML."""
    printed = f'<pre class="nn-ex-output">{escape(output)}</pre>' if output else ""
    return (f'<details class="nn-solution" id="sol-{exercise.number.replace(".", "-")}"><summary>'
            f"Solution {exercise.number}</summary>{_html(exercise.solution)}"
            f"{_code_html(source)}{printed}</details>")


def solution_markdown(exercise, source, output):
    """Return the folded solution as Markdown, for a notebook."""
    printed = f"\n\n```text\n{output}\n```" if output else ""
    return (f"<details><summary>Solution {exercise.number}</summary>\n\n{exercise.solution}\n\n"
            f"```python\n{source}\n```{printed}\n\n</details>")
