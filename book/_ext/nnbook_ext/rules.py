"""The rules that a chapter keeps, each a function that returns a sentence for each breach.

The tests in ``tests/book`` hold every notebook to them, and plant a breach of each. A rule reads
the stored notebook; what it cannot read from there it is given.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Iterator

from nnbook_ext.notebooks import STORED_METADATA, WIDGET

FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1\s*$", re.DOTALL | re.MULTILINE)
CODE_SPAN = re.compile(r"(?<!`)`[^`\n]+`(?!`)")
INLINE_MATH = re.compile(r"(?<![\\$])\$(?!\$)((?:\\.|[^$\\])+)\$(?!\d)")
TYPED_DISPLAY = re.compile(
    r"\$\$|\\\[|\\begin\{(?:equation|align|gather|multline|eqnarray|split)"
    r"|^[`:~]{3,}\s*\{math\}",
    re.MULTILINE,
)
EQUATIONS = ("derivation", "definition", "theorem")
HIDDEN = {"hide-input", "remove-input", "hide-cell", "remove-cell"}
MACHINE = re.compile(r"(?:/home/|/root/|/work/|/Users/|/tmp/|[A-Z]:\\\\|\b0x[0-9a-f]{8,})")


def markdown(notebook) -> Iterator[str]:
    """Yield the text of each Markdown cell."""
    return (c.source for c in notebook.cells if c.cell_type == "markdown")


def code(notebook) -> list:
    """Return the code cells."""
    return [c for c in notebook.cells if c.cell_type == "code"]


def records(notebook) -> list[dict]:
    """Return what the stored outputs say of themselves."""
    return [
        output["metadata"]["nnbook"]
        for cell in code(notebook)
        for output in cell.outputs
        if "nnbook" in output.get("metadata", {})
    ]


def lines_of(cell) -> int:
    """Return the number of a cell's non-blank lines."""
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def words_in(notebook) -> int:
    """Return the number of words of prose."""
    text = " ".join(CODE_SPAN.sub(" code ", FENCE.sub(" ", t)) for t in markdown(notebook))
    return len(re.findall(r"[^\W\d_][\w'’-]*", INLINE_MATH.sub(" maths ", text)))


# ------------------------------------------------------------------ mathematics


def displays_typed_by_hand(notebook) -> list[str]:
    """Displayed mathematics comes from derivations; prose may use inline mathematics."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        # a {math} fence is looked for before fences are taken out
        text = cell.source if re.search(r"\{math\}", cell.source) else FENCE.sub("", cell.source)
        if "{math}`" in text:
            found.append(f"{cell.id}: the math role; write inline mathematics between dollars")
        for match in TYPED_DISPLAY.finditer(CODE_SPAN.sub("", text)):
            found.append(f"{cell.id}: displayed mathematics typed by hand: {match[0].strip()}")
    return found


def equations_unverified(notebook, without_function: Iterable[str] = ()) -> list[str]:
    """Every derivation is held to a function, save those that no function computes."""
    about = records(notebook)
    held = {r["number"] for r in about if r["kind"] == "verification"}
    free = set(without_function)
    return [
        f"({r['number']}) {r.get('title', '')}: no verify, and no reason in equations.toml"
        for r in about
        if r["kind"] == "derivation"
        if r["number"] not in held | free
    ]


# What has one meaning in all mathematics: digits, indices of sums, e, i, π, differentials.
UNIVERSAL = set("ijke") | {r"\pi", r"\infty", r"\varepsilon", r"\epsilon", "d", r"\mathbb{R}"}
WORDS = re.compile(
    r"\\(?:operatorname\*?|mathrm|text|textrm|textit|textbf|texttt|mathtt|mathsf|label|tag|ref|"
    r"begin|end|href|class|style|hspace|vspace|mathop)\s*\{[^{}]*\}"
)
BLACKBOARD = re.compile(r"\\math(?:bb|cal|frak|scr)\s*\{?([A-Za-z])\}?")
TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[A-Za-z]")
GREEK = {
    "\\" + name
    for name in (
        "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu "
        "nu xi rho varrho sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta "
        "Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell pi"
    ).split()
}


def letters(latex: str) -> set[str]:
    r"""Return the letters of a formula, Latin and Greek, without words, accents and commands.

    >>> sorted(letters(r"\sigma'(z) = \operatorname{max}(W^{(l)}_{ij}, \hat{y})"))
    ['W', '\\sigma', 'i', 'j', 'l', 'y', 'z']
    """
    found = {f"\\mathbb{{{letter}}}" for letter in BLACKBOARD.findall(latex)}
    rest = BLACKBOARD.sub(" ", WORDS.sub(" ", latex))
    for token in TOKEN.findall(rest):
        if token in GREEK or not token.startswith("\\"):
            found.add(token)
    return found


def symbols_undeclared(notebook, everywhere: Iterable[str], declared: Iterable[str]) -> list[str]:
    """Mathematics uses the book's symbols and those that the chapter declares, and no others."""
    known = set(UNIVERSAL)
    for latex in [*everywhere, *declared]:
        known |= letters(latex)
    found = []
    for place, latex in formulas(notebook):
        unknown = letters(latex) - known
        if unknown:
            found.append(f"{place}: undeclared {', '.join(sorted(unknown))} in {latex}")
    return found


def symbols_redeclared(everywhere: Iterable[str], declared: Iterable[str]) -> list[str]:
    """A chapter does not give a symbol of the book, or one of its own, a second meaning."""
    taken = {re.sub(r"\s", "", latex) for latex in everywhere}
    found = []
    for latex in declared:
        plain = re.sub(r"\s", "", latex)
        if plain in taken:
            found.append(f"{latex} is declared, and has a meaning already")
        taken.add(plain)
    return found


def formulas(notebook) -> Iterator[tuple[str, str]]:
    """Yield each formula with its place: inline mathematics, and what derivations show."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = CODE_SPAN.sub("", FENCE.sub("", cell.source))
            for match in INLINE_MATH.finditer(text):
                yield cell.id, match[1]
    for about in records(notebook):
        if about["kind"] in EQUATIONS:
            for line in about.get("lines", []):
                if line.get("latex"):
                    yield f"({about['number']})", line["latex"]


# ------------------------------------------------------------------ numbers in prose

NUMBER = re.compile(r"(?<![\w.\\])(\d{1,3}(?:[,\u202f ]\d{3})+|\d+)(?:\.(\d+))?(?![\w])")
PLACES = re.compile(
    r"\[[^\]]*\]\([^)]*\)|\{[a-z:]+\}`[^`]*`|https?://\S+|doi:\S+|\b10\.\d{4,}/\S+"
    r"|\b(?:chapters?|figures?|exercises?|equations?|errat(?:um|a)|sections?|items?|table)\s+"
    r"\d[\d.,\s–and-]*|\(\d+\.\d+\)",
    re.IGNORECASE,
)


def numerals_without_source(notebook, allowed: Iterable[str] = ()) -> list[str]:
    """A number in prose with a decimal point, or of three digits, was computed or is explained."""
    computed = set(numbers_computed(notebook))
    allowed = set(allowed)
    found = []
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        text = CODE_SPAN.sub(" ", PLACES.sub(" ", FENCE.sub(" ", cell.source)))
        text = text.replace("{,}", ",").replace("\\,", "\u202f").replace("\N{MINUS SIGN}", "-")
        for match in NUMBER.finditer(text):
            whole = re.sub(r"\D", "", match[1])
            decimals = match[2] or ""
            if not decimals and len(whole) < 3:
                continue
            if match[0] in allowed or _stands_in(whole, decimals, computed):
                continue
            found.append(f"{cell.id}: {match[0]} is in no output")
    return found


def numbers_computed(notebook) -> Iterator[str]:
    """Yield every number in the code and the outputs, as it is written there."""
    for cell in code(notebook):
        yield from _numbers(cell.source)
        for output in cell.outputs:
            yield from _numbers(str(output.get("text", "")))
            for mime, data in output.get("data", {}).items():
                if not mime.startswith("image/"):
                    yield from _numbers(str(data))
            yield from _numbers(str(output.get("metadata", {}).get("nnbook", "")))


def _numbers(text: str) -> Iterator[str]:
    plain = re.sub(r"(?<=\d)(?:[,_\u202f]|\{,\}|\\,)(?=\d{3})", "", text)
    return (m[0] for m in re.finditer(r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", plain))


def _stands_in(whole: str, decimals: str, computed: set[str]) -> bool:
    """Return whether a number was computed, to the digits that the prose gives, or as a part."""
    value = float(f"{whole}.{decimals or 0}")
    if f"{whole}.{decimals}".rstrip(".") in computed:
        return True
    half = 0.5 * 10 ** -len(decimals) * (1 + 1e-9)
    for text in computed:
        other = float(text)
        exact = len(text.partition(".")[2]) > len(decimals) or "e" in text.lower()
        if decimals and exact and abs(other - value) <= half:
            return True
        if decimals and exact and abs(100 * other - value) <= half:  # 0.974 is 97.4 %
            return True
        if not decimals and other == value:
            return True
    return False


# ------------------------------------------------------------------ cells


def cells_too_long(notebook) -> list[str]:
    """Half of the code cells have at most 4 lines, nine in ten at most 9, none more than 15."""
    lengths = {c.id: lines_of(c) for c in code(notebook)}
    if not lengths:
        return []
    found = [f"{name}: {n} lines, 15 at most" for name, n in lengths.items() if n > 15]
    median = statistics.median(lengths.values())
    if median > 4:
        found.append(f"the median code cell has {median:g} lines, 4 at most")
    short = sum(n <= 9 for n in lengths.values()) / len(lengths)
    if short < 0.9:
        found.append(f"{short:.0%} of the code cells have 9 lines or fewer, 90% at least")
    return found


def prose_too_thin(notebook) -> list[str]:
    """There are ten words of prose for a line of code that is shown, and 2,000 to 4,000 in all."""
    read = [c for c in code(notebook) if not HIDDEN & set(c.metadata.get("tags", []))]
    words, lines = words_in(notebook), sum(map(lines_of, read))
    found = []
    if words < 10 * lines:
        found.append(f"{words} words for {lines} lines of code, 10 a line at least")
    if not 1500 <= words <= 5000:
        found.append(f"{words} words; a chapter has about 2,000 to 4,000")
    return found


def code_of_bad_habits(notebook) -> list[str]:
    """No star imports, no pip, no path tricks; hidden input is for figures, not mathematics."""
    found = []
    for cell in code(notebook):
        for pattern, what in (
            (r"import \*", "a star import"),
            (r"^\s*[!%]", "a shell command or magic"),
            (r"sys\.path|os\.chdir", "a path trick"),
            (r";\s*$", "a semicolon at the end of a line"),
        ):
            if re.search(pattern, cell.source, re.MULTILINE):
                found.append(f"{cell.id}: {what}")
        if HIDDEN & set(cell.metadata.get("tags", [])):
            if re.search(r"\b(?:Derivation|Definition|Theorem|verify)\(", cell.source):
                found.append(f"{cell.id}: mathematics in a hidden cell")
    return found


def not_normalised(notebook) -> list[str]:
    """A stored notebook has counted ids, two metadata, all outputs, and nothing of a machine."""
    found = []
    if notebook.metadata != STORED_METADATA:
        found.append("its metadata is more than the kernel's name and the language")
    width = max(2, len(str(len(notebook.cells) - 1)))
    if [c.id for c in notebook.cells] != [f"c{i:0{width}d}" for i in range(len(notebook.cells))]:
        found.append("its cells are not numbered c00, c01, ...")
    counts = [c.execution_count for c in code(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        found.append("its cells were not executed from the first to the last")
    for cell in code(notebook):
        expects_error = "raises-exception" in cell.metadata.get("tags", [])
        for output in cell.outputs:
            if WIDGET in output.get("data", {}):
                found.append(f"{cell.id}: a widget without its state")
            if output.output_type == "stream" and output.name == "stderr":
                found.append(f"{cell.id}: something on stderr: {output.text.strip()[:80]}")
            if output.output_type == "error" and not expects_error:
                found.append(f"{cell.id}: raised {output.ename}")
            text = str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", ""))
            for match in MACHINE.finditer(text):
                found.append(f"{cell.id}: an output of one machine only: {match[0]}")
    return found


def exercises_missing(notebook) -> list[str]:
    """A chapter asks at least three questions, one of them to repair a false derivation."""
    asked = {r["number"]: r.get("type", "") for r in records(notebook) if r["kind"] == "exercise"}
    found = []
    if len(asked) < 3:
        found.append(f"{len(asked)} exercises, 3 at least")
    if not any("repair" in kind.lower() for kind in asked.values()):
        found.append("no exercise asks to repair a false derivation")
    solved = " ".join(c.source for c in code(notebook))
    for number in asked:
        if f'solution("{number}"' not in solved:
            found.append(f"exercise {number} has no solution")
    return found


def shown_twice(notebooks: dict) -> list[str]:
    """A number belongs to one equation, figure or exercise of the book."""
    seen: dict[tuple[str, str], str] = {}
    found = []
    for name, notebook in notebooks.items():
        for about in records(notebook):
            if about["kind"] not in (*EQUATIONS, "figure", "exercise"):
                continue
            kind = "equation" if about["kind"] in EQUATIONS else about["kind"]
            key = kind, str(about.get("anchor") or about.get("number"))
            if key in seen:
                found.append(f"{key[0]} {key[1]} stands in {seen[key]} and in {name}")
            seen[key] = name
    return found
