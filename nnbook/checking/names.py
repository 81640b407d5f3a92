"""Names: how a letter of the code is set in LaTeX and in a terminal.

A name is letters with decorations: ``W^(l+1)``, ``w_1`` or ``w1``, ``Wbar`` or ``W̄``, ``‖w‖``,
``sigma`` or ``σ``, ``softplus``. Both forms come from one reading, so they cannot disagree.
"""

import re
import unicodedata

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ",
    "eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν",
    "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ",
    "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ",
    "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ",
    "Omega": "Ω", "ell": "ℓ"}
LETTER = {letter: word for word, letter in GREEK.items()}
SPECIAL_TEX = {"phi": r"\varphi", "epsilon": r"\varepsilon"}
ACCENTS = {"bar": ("\u0304", r"\bar"), "hat": ("\u0302", r"\hat"), "tilde": ("\u0303", r"\tilde"),
           "dot": ("\u0307", r"\dot")}
SUPER = dict(zip("0123456789+-−()abcdefghijklmnoprstuvwxyzLTNKM",
                 "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴸᵀᴺᴷᴹ", strict=True))
SUB = dict(zip("0123456789+-−()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
UNSUPER = {v: k for k, v in SUPER.items() if k != "−"}
UNSUB = {v: k for k, v in SUB.items() if k != "−"}


def raised(text, limit=12):
    """Return ``text`` in superscript characters, or None where Unicode has none."""
    text = text.replace(" ", "")
    if len(text) <= limit and all(c in SUPER for c in text):
        return "".join(SUPER[c] for c in text)
    return None


def lowered(text):
    """Return ``text`` in subscript characters, or None where Unicode has none."""
    text = text.replace(" ", "").replace(",", "")
    return "".join(SUB[c] for c in text) if all(c in SUB for c in text) else None


def _spread(name):
    """Write Unicode super- and subscripts and Greek as ``^``, ``_`` and words."""
    name = unicodedata.normalize("NFD", name)
    for table, mark in ((UNSUPER, "^"), (UNSUB, "_")):
        run = "[" + re.escape("".join(table)) + "]+"
        name = re.sub(run, lambda m, t=table, k=mark: k + "{" + "".join(t[c] for c in m[0]) + "}",
                      name)
    return name


def parse(name):
    """Split a name into (bars, letters, accents, sub, super, primes).

    Examples
    --------
    >>> parse("Delta^(l+1)")
    ('', 'Delta', [], '', '(l+1)', 0)
    >>> parse("w1")
    ('', 'w', [], '1', '', 0)
    """
    name = _spread(name)
    norm = ""
    if len(name) > 2 and name[0] == "‖" and name[-1] == "‖":
        norm, name = "‖", name[1:-1]
    primes = len(name) - len(name.rstrip("'′"))
    name = name.rstrip("'′")
    sub = sup = ""
    pieces = re.split(r"([\^_](?:\{[^}]*\}|\([^)]*\)|[^\^_]+))", name)
    head = pieces[0]
    for piece in pieces[1:]:
        if piece.startswith("^"):
            sup = piece[1:].strip("{}")
        elif piece.startswith("_"):
            sub = piece[1:].strip("{}")
    accents = [key for key, (mark, _) in ACCENTS.items() if mark in head]
    for mark, _ in ACCENTS.values():
        head = head.replace(mark, "")
    match = re.fullmatch(r"([A-Za-zͰ-Ͽℓ]+?)(\d+)", head)
    if match and not sub:
        head, sub = match.groups()
    for key in ACCENTS:
        stem = head[: -len(key)]
        if head.endswith(key) and stem and (len(stem) == 1 or stem in GREEK):
            head, accents = stem, [key, *accents]
    return norm, head, accents, sub, sup, primes


def _base_tex(head):
    word = LETTER.get(head, head)
    if word in SPECIAL_TEX:
        return SPECIAL_TEX[word]
    if word in GREEK:
        return "\\" + word
    if head.startswith("\\") or len(head) == 1:
        return head
    return r"\operatorname{" + head.replace("_", r"\_") + "}"


def _inner_tex(text):
    for word in sorted(GREEK, key=len, reverse=True):
        text = re.sub(rf"(?<![A-Za-z\\]){word}(?![A-Za-z])", lambda m, w=word: _base_tex(w), text)
    if re.fullmatch(r"[A-Za-z]{2,}", text) and not re.fullmatch(r"(?!in)[ijklmnN]{2}", text):
        return r"\mathrm{" + text + "}"
    return text


def base(name):
    r"""Return the LaTeX of the letter alone: ``\Delta`` for ``Delta^(l)``."""
    if name.startswith("\\") and not re.match(r"\\[A-Za-z]+[_^]", name):
        return name
    _, head, accents, *_ = parse(name)
    del accents
    return _base_tex(head)


def tex(name, extra=""):
    r"""Return a name in LaTeX; ``extra`` is added to its superscript (as ``\top``).

    Examples
    --------
    >>> print(tex("Delta^(l+1)", r"\top"))
    \Delta^{(l+1)\top}
    """
    if name.startswith("\\") and not re.match(r"\\[A-Za-z]+[_^]", name):
        return name + (f"^{{{extra}}}" if extra else "")
    norm, head, accents, sub, sup, primes = parse(name)
    out = _base_tex(head)
    for key in accents:
        out = ACCENTS[key][1] + "{" + out + "}"
    above = r"\prime" * primes + _inner_tex(sup)
    if norm:
        if sub:
            out += f"_{{{_inner_tex(sub)}}}"
        out = r"\lVert " + out + (f"^{{{above}}}" if above else "") + r" \rVert"
        return out + (f"^{{{extra}}}" if extra else "")
    if sub:
        out += f"_{{{_inner_tex(sub)}}}" if len(sub) > 1 else f"_{sub}"
    above += extra
    return out + (f"^{{{above}}}" if above else "")


def plain(name, extra=""):
    """Return a name for a terminal.

    Examples
    --------
    >>> plain("Delta^(l+1)", "ᵀ")
    'Δ⁽ˡ⁺¹⁾ᵀ'
    """
    if name.startswith("\\"):
        name = name.lstrip("\\")
    norm, head, accents, sub, sup, primes = parse(name)
    out = GREEK.get(head, head)
    for key in accents:
        out = out[0] + ACCENTS[key][0] + out[1:]
    if sub:
        out += lowered(sub) or f"_{sub}"
    out += "′" * primes
    if sup:
        out += raised(sup) or f"^{sup}"
    return unicodedata.normalize("NFC", (f"‖{out}‖" if norm else out) + extra)
