r"""How a derivation is shown: LaTeX in Jupyter, Unicode in a terminal, a grid in the book.

The three forms come from one table of rows, so that they say the same. In the book each line is
set by MathJax on its own, aligned at its relation, with the reason beside it (below it on a
phone) and the way it was checked one click away.
"""

import html
import re
import unicodedata

import sympy as sp

from nnbook.checking import names
from nnbook.checking._display import building_book
from nnbook.checking.typeset import Typesetter

WIDE = 58     # characters of a line in a terminal, beyond which a page has no room beside it
LEVELS = {
    "S": "identity in free symbols: named rewritings reach 0",
    "A": "matrix identity for all shapes",
    "F": "symbolic entries at fixed shapes",
    "N": "sampled at 50 correct digits",
    "T": "theorem: hypotheses, proof, and a counterexample without each hypothesis",
    "definition": "a definition: nothing to prove",
}
SIGNS = {"=": ("=", "="), "<=": (r"\le", "≤"), ">=": (r"\ge", "≥"), "≈": (r"\approx", "≈"),
         ":=": (r"\coloneqq", ":=")}
SIGNS[":="] = (":=", ":=")
TEX_SPECIAL = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%",
               "#": r"\#", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def latex(e):
    """Return an expression in LaTeX."""
    return e if isinstance(e, str) else Typesetter("tex")(e)


def plain(e):
    """Return an expression for a terminal."""
    return untex(e) if isinstance(e, str) else Typesetter("plain")(e)


def letters(statement):
    """Return the LaTeX of every letter in a statement's mathematics, sorted."""
    setter = Typesetter("tex")
    for line in statement.lines:
        setter(line.expr)
    for key, value in statement.let.items():
        setter(key)
        setter(value.expr if isinstance(value, sp.Lambda) else value)
    if statement.symbol is not None and not isinstance(statement.symbol, str):
        setter(statement.symbol)
    return sorted(setter.used)


# -- words with mathematics in them ---------------------------------------------------------
def parts(text):
    """Split words at ``$...$``: (is mathematics, text) pairs."""
    return [(k % 2 == 1, piece) for k, piece in enumerate(re.split(r"\$([^$]*)\$", text))
            if piece]


def text_latex(text):
    r"""Set words inside ``\text{}``, escaped, with their mathematics."""
    out = "".join(f"${piece}$" if maths else "".join(TEX_SPECIAL.get(c, c) for c in piece)
                  for maths, piece in parts(text))
    return rf"\text{{{out}}}"


def text_html(text):
    """Set words in HTML, escaped, with their mathematics for MathJax."""
    return "".join(inline(piece) if maths else html.escape(piece) for maths, piece in parts(text))


WORDS = {"odot": "⊙", "to": "→", "infty": "∞", "cdot": "·", "sum": "Σ", "prod": "Π",
         "partial": "∂", "ell": "ℓ", "varphi": "φ", "varepsilon": "ε", "times": "×", "quad": " ",
         "dots": "…", "lVert": "‖", "rVert": "‖", "Vert": "‖", "top": "ᵀ", "sqrt": "√", "pm": "±",
         "lvert": "|", "rvert": "|", "nabla": "∇", "circ": "∘", **names.GREEK}
SIGNS_READ = {"le": "≤", "ge": "≥", "ne": "≠", "in": "∈", "approx": "≈"}
SILENT = {"big", "Big", "bigl", "bigr", "mathbf", "mathrm", "text", "operatorname", "left",
          "right", "mathbb", "displaystyle"}


def untex(text):
    r"""Read LaTeX aloud in Unicode, as far as that goes: ``\sigma'`` becomes ``σ′``.

    Examples
    --------
    >>> print(untex(r"\bar{W} \ne -\sigma'(z)^2"))
    W̄ ≠ −σ′(z)²
    """
    text = re.sub(r"\\[,;! ]", " ", text).replace("-", "−")
    text = re.sub(r"\^\{?\\top\}?", "ᵀ", text)
    text = re.sub(r" (\\r[Vv]ert)", r"\1", re.sub(r"(?<=[0-9a-zA-Z])(\\ln)", r" \1", text))
    text = re.sub(r"\\[td]?frac(?:\{([^{}]*)\}|(\d))(?:\{([^{}]*)\}|(\d))",
                  lambda m: f"{m[1] or m[2]}/{m[3] or m[4]}", text)
    text = re.sub(r"\\(bar|hat|tilde|dot)(?:\{(\w)\}| (\w))",
                  lambda m: unicodedata.normalize("NFC", (m[2] or m[3]) + names.ACCENTS[m[1]][0]),
                  text)

    def word(match):
        name, after = match[1], match[2]
        if name in SIGNS_READ:
            return SIGNS_READ[name] + " "
        if name in SILENT:
            return ""
        if name in WORDS:
            return WORDS[name] + ("" if after and name in ("sqrt", "lVert", "lvert") else after
                                  if name in ("cdot", "odot", "times", "to", "Vert", "circ")
                                  else "")
        return name + after

    text = re.sub(r"\\([A-Za-z]+)( ?)", word, text)
    text = re.sub(r"\^\{([^}]*)\}|\^(\w)",
                  lambda m: names.raised(m[1] or m[2]) or f"^{m[1] or m[2]}", text)
    text = re.sub(r"_\{([^}]*)\}|_(\w)",
                  lambda m: names.lowered(m[1] or m[2]) or f"_{m[1] or m[2]}", text)
    return text.replace("{", "").replace("}", "").replace("'", "′").replace("\\", "")


def text_plain(text):
    """Set words for a terminal."""
    return "".join(untex(piece) if maths else piece for maths, piece in parts(text))


def inline(tex):
    """Wrap LaTeX for MathJax inside a page of HTML."""
    return rf'<span class="math notranslate nohighlight">\({html.escape(tex, quote=False)}\)</span>'


# -- the statement around the lines ---------------------------------------------------------
def _set(domain, setter):
    """Return how "in this set" reads after the symbols: (words after the symbol)."""
    tex = setter.tex
    sets = {sp.Reals: (r"\mathbb{R}", "ℝ"), sp.Integers: (r"\mathbb{Z}", "ℤ"),
            sp.Naturals: (r"\mathbb{N}", "ℕ"), sp.Naturals0: (r"\mathbb{N}_0", "ℕ₀")}
    if domain == sp.Interval(-sp.oo, sp.oo):
        domain = sp.Reals
    if domain in sets:
        return f"{{}} {sets[domain][0 if tex else 1]}"
    if isinstance(domain, sp.Interval):
        low, high = setter(domain.start), setter(domain.end)
        inside = ("(" if domain.left_open else "[", ")" if domain.right_open else "]")
        if domain.end == sp.oo and domain.start == 0:
            return "> 0" if domain.left_open else (r"\ge 0" if tex else "≥ 0")
        return f"{{}} {inside[0]}{low}, {high}{inside[1]}"
    if isinstance(domain, sp.FiniteSet):
        held = ", ".join(setter(x) for x in sorted(domain, key=sp.default_sort_key))
        return "{} " + (rf"\{{{held}\}}" if tex else f"{{{held}}}")
    if isinstance(domain, sp.Union):
        hole = sp.Complement(sp.Reals, domain)
        if isinstance(hole, sp.FiniteSet):
            held = ", ".join(setter(x) for x in sorted(hole, key=sp.default_sort_key))
            return (r"\ne " if tex else "≠ ") + held
        return "{} " + (r" \cup " if tex else " ∪ ").join(
            _set(p, setter).removeprefix("{} ") for p in domain.args)
    return "{} " + (sp.latex(domain) if tex else str(domain))


def conditions(statement, dialect="tex"):
    """Return the domain, as one string for each set: ``z ∈ ℝ``, ``a > 0``."""
    setter = Typesetter(dialect)
    grouped = {}
    for symbol, domain in statement.shown_domain.items():
        shown = statement.families.get(symbol, symbol)     # w_k, not w, where w is a family
        grouped.setdefault(_set(domain, setter), []).append(shown)
    out = []
    for words, symbols in grouped.items():
        held = ", ".join(setter(s) for s in symbols)
        sign = r"\in" if setter.tex else "∈"
        out.append(f"{held} {words}".replace("{}", sign, 1) if words.startswith("{}")
                   else f"{held} {words}")
    shapes = {}
    for matrix in statement.matrices:
        shapes.setdefault(matrix.shape, []).append(matrix)
    times = r" \times " if setter.tex else "×"
    for (rows, cols), group in shapes.items():
        held = ", ".join(setter(m) for m in group)
        sign = r"\in \mathbb{R}" if setter.tex else "∈ ℝ"
        size = f"{setter(rows)}{times}{setter(cols)}"
        if setter.tex:
            out.append(f"{held} {sign}^{{{size}}}")
        else:
            out.append(f"{held} {sign}^({size})")
    return out


def meanings(statement, dialect="tex"):
    """Return what each name stands for: ``σ(z) = 1/(1 + e^-z)``."""
    setter = Typesetter(dialect)
    out = []
    defined = statement.lines[0].expr if statement.kind == "definition" else None
    for key, value in statement.let.items():
        if isinstance(value, sp.Lambda):
            shown = sp.Function(key.__name__)(*value.variables)
            value = value.expr
        else:
            shown = key
        if defined is not None and setter(shown) == setter(defined):
            continue
        out.append(f"{setter(shown)} = {setter(value)}")
    return out


def rows(statement, dialect="tex"):
    """Return (left side, relation, right side, reason, line) for every row of the display."""
    show = latex if dialect == "tex" else plain
    which = 0 if dialect == "tex" else 1
    lines = statement.lines
    out = []
    left = show(lines[0].expr)
    rest = lines[1:]
    if statement.symbol is not None:
        out.append((show(statement.symbol), "=", left, "", lines[0]))
        left = ""
    elif not rest:
        out.append((left, "", "", "", lines[0]))
    for line in rest:
        out.append((left, SIGNS[line.relation][which], show(line.expr), line.reason, line))
        left = ""
    return out


def as_latex(statement):
    """Return the aligned derivation for Jupyter."""
    body = []
    for left, sign, right, reason, _ in rows(statement):
        words = rf" && {text_latex(reason)}" if reason else ""
        body.append(rf"{left} &{sign} {right}{words}")
    aligned = "\\begin{aligned}\n" + " \\\\[4pt]\n".join(body) + "\n\\end{aligned}"
    notes = [*conditions(statement), *meanings(statement)]
    words = [text_latex(g) for g in statement.given]
    under = r",\quad ".join(notes + words)
    if under:
        aligned = "\\begin{gathered}\n" + aligned + " \\\\[4pt]\n" + under + "\n\\end{gathered}"
    return f"$$\n{aligned}\n\\tag{{{statement.number}}}\n$$"


def _width(text):
    return sum(0 if unicodedata.combining(c) else 1 for c in text)


def _pad(text, width, right=False):
    fill = " " * (width - _width(text))
    return fill + text if right else text + fill


def as_plain(statement):
    """Return the aligned derivation for a terminal."""
    table = rows(statement, "plain")
    wide = max(_width(left) for left, *_ in table)
    signs = max(_width(sign) for _, sign, *_ in table)
    far = max(_width(right) for _, _, right, *_ in table)
    notes = conditions(statement, "plain") + [text_plain(g) for g in statement.given]
    where = meanings(statement, "plain")
    level = statement.level
    badge = "definition" if level == "definition" else f"level {level}"
    out = [f"({statement.number}) {statement.title} [{badge}]"]
    told = f"for {', '.join(notes)}" if notes else ""
    if where:
        told += f"{', ' if told else ''}where {', '.join(where)}"
    single = len(table) == 1 and not table[0][3]
    for left, sign, right, reason, _ in table:
        row = f"{_pad(left, wide, True)} {_pad(sign, signs)} {_pad(right, far)}"
        words = text_plain(reason) if reason else told if single else ""
        out.append(f"{row}   {words}".rstrip())
    if told and not single:
        out.append(told)
    return "\n".join(out)


def head(statement, classes="nn-derivation"):
    """Return the opening of a statement in the book: anchor, number, title, level."""
    anchor, level = statement.anchor, statement.level
    number, title = html.escape(statement.number), text_html(statement.title)
    word = "Definition" if level == "definition" else f"Level {level}"
    return [
        f'<div class="{classes}" id="{anchor}" data-number="{number}" data-level="{level}">',
        '<div class="nn-derivation-head">',
        f'<a class="nn-derivation-number" href="#{anchor}" '
        f'aria-label="Link to equation {number}">({number})</a>',
        f'<span class="nn-derivation-title">{title}</span>',
        f'<span class="nn-level nn-level-{level}" title="{html.escape(LEVELS[level])}">'
        f"{word}</span>", "</div>"]


def as_html(statement):
    """Return the derivation for the book: a grid that MathJax fills, line by line."""
    level, number = statement.level, html.escape(statement.number)
    across = max(_width(left) + _width(right) for left, _, right, *_ in rows(statement, "plain"))
    wide = " nn-wide" if across > WIDE else ""     # the reason below the line, not beside it
    out = [
        *head(statement, "nn-derivation" + wide),
        '<div class="nn-derivation-scroll" tabindex="0" role="group" '
        f'aria-label="Equation {number}, line by line">',
        '<div class="nn-derivation-lines">']
    for left, sign, right, reason, line in rows(statement):
        lead = inline(rf"\displaystyle {left}") if left else ""
        body = inline(rf"\displaystyle {{}}{sign} {right}") if right else ""
        weaker = ""
        if line.level and line.level != level and line.level != "definition":
            weaker = (f' <span class="nn-level nn-level-{line.level}" '
                      f'title="{html.escape(LEVELS[line.level])}">{line.level}</span>')
        out.append('<div class="nn-derivation-line">'
                   f'<div class="nn-left">{lead}</div><div class="nn-right">{body}</div>'
                   f'<div class="nn-reason">{text_html(reason)}{weaker}</div></div>')
    out.append("</div></div>")
    notes = [inline(c) for c in conditions(statement)] + [text_html(g) for g in statement.given]
    where = [inline(m) for m in meanings(statement)]
    told = ("for " + ", ".join(notes) if notes else "") + (
        (", where " if notes else "where ") + ", ".join(where) if where else "")
    if told:
        out.append(f'<p class="nn-derivation-domain">{told}</p>')
    checked = [line for line in statement.lines if line.evidence]
    if checked:
        out.append('<details class="nn-evidence"><summary>How each step was checked</summary><ol>')
        for line in checked:
            out.append(f"<li><b>{line.level}</b> {text_html(line.reason)}: "
                       f"{html.escape(line.evidence)}</li>")
        out.append("</ol></details>")
    out.append("</div>")
    return "\n".join(out)


def metadata(statement):
    """Return what the ledger and the notation page read from an executed notebook."""
    return {"nnbook": {
        "kind": statement.kind, "number": statement.number, "title": statement.title,
        "level": statement.level, "anchor": statement.anchor, "latex": as_latex(statement),
        "lines": [{"latex": line.latex, "reason": line.reason, "level": line.level,
                   "evidence": line.evidence} for line in statement.lines],
        "domain": conditions(statement, "plain"), "symbols": statement.symbols}}


def mimebundle(statement):
    """Return (data, metadata) for the notebook; HTML besides when the book is built."""
    statement.check_complete()
    data = {"text/plain": as_plain(statement), "text/latex": as_latex(statement)}
    if building_book():
        data["text/html"] = as_html(statement)
    return data, metadata(statement)
