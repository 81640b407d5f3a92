r"""Level T: quantified statements. Hypotheses listed, proof in the text, and the hypotheses earned.

A theorem's words cannot be run. What can be run is run: every constant and every consequence at
particular values, and for each hypothesis a counterexample without it. A hypothesis for which
nothing fails when it is dropped is decoration, and refused.
"""

import html

from nnbook.checking import render
from nnbook.checking._display import building_book
from nnbook.checking._errors import DerivationError
from nnbook.checking.derivation import Derivation
from nnbook.checking.statement import Statement

__all__ = ["Induction", "Theorem"]


class Theorem(Statement):
    r"""A quantified statement: hypotheses, proof, checks, a counterexample for each hypothesis.

    Parameters
    ----------
    number, title : str
        As for `nnbook.checking.Derivation`.
    statement : str
        The conclusion, in words with ``$...$``.
    hypotheses : list of str
        What is assumed, each in words.
    proof : str or list of str
        The proof, a paragraph each.
    constants : dict of str to callable
        Words to a function without arguments that returns true if this part of the statement
        holds where it was tried. At least one.
    counterexamples : list of callable
        One for each hypothesis, in order: without this hypothesis the conclusion fails. Each
        returns ``(fails, evidence)``, whether the conclusion fails and the words that say how.
    uses : list of Derivation, optional
        The equations that the proof rests on.

    Raises
    ------
    DerivationError
        If a hypothesis has no counterexample or one that does not fail, a check does not hold, or
        there is nothing to check.

    Examples
    --------
    >>> t = Theorem("5.30", "Adding a square", "$a + b^2 \\ge a$ for all real $a$, $b$",
    ...             hypotheses=["b is real"], proof="$b^2 \\ge 0$.",
    ...             constants={"b = -3": lambda: (-3)**2 >= 0},
    ...             counterexamples=[lambda: ((1j * 1j).real < 0, "b = i: 1 + b² = 0 < 1")])
    >>> t.level
    'T'
    """

    kind = "theorem"
    level = "T"
    complete = True

    def __init__(self, number, title, statement, *, hypotheses, proof, constants=None,
                 counterexamples=(), uses=(), let=None, domain=None):
        super().__init__(number, title, let=let, domain=domain)
        told = f"({self.number}) {self.title}"
        self.statement = _words(statement, f"the statement of {told}")
        if isinstance(hypotheses, str) or not hypotheses:
            raise ValueError(f"hypotheses of {told} must be a list of sentences, one for each "
                             f"assumption, got {hypotheses!r}")
        self.hypotheses = [_words(h, f"a hypothesis of {told}") for h in hypotheses]
        paragraphs = [proof] if isinstance(proof, str) else list(proof)
        self.proof = [_words(p, f"the proof of {told}") for p in paragraphs]
        self.uses = list(uses)
        for used in self.uses:
            if not isinstance(used, Statement):
                raise TypeError(f"uses of {told} must hold derivations, got {used!r}")
        self.checks = [name for name, _ in self._run(dict(constants or {}), told)]
        if not self.checks:
            raise DerivationError(f"{told} has nothing that was tried; expected constants={{words: "
                                  f"function that returns true}}")
        self.evidence = self._drop_each(list(counterexamples), told)

    def _run(self, checks, told):
        for name, check in checks.items():
            if not callable(check):
                raise TypeError(f"constants of {told}: {name!r} must be a function without "
                                f"arguments, got {type(check).__name__}")
            if not check():
                raise DerivationError(f"{told} is refused: the check {name!r} does not hold")
            yield name, check

    def _drop_each(self, counterexamples, told):
        if len(counterexamples) != len(self.hypotheses):
            missing = self.hypotheses[len(counterexamples):]
            what = f"missing for: {missing[0]}" if missing else "more than there are hypotheses"
            raise DerivationError(
                f"{told} has {len(self.hypotheses)} hypotheses and {len(counterexamples)} "
                f"counterexamples ({what}); expected one that fails without each")
        evidence = []
        for hypothesis, example in zip(self.hypotheses, counterexamples, strict=True):
            result = example()
            if not (isinstance(result, tuple) and len(result) == 2
                    and isinstance(result[1], str) and result[1].strip()):
                raise TypeError(f"{told}: the counterexample without {hypothesis!r} must return "
                                f"(whether the conclusion fails, the words that say how), got "
                                f"{result!r}")
            if not result[0]:
                raise DerivationError(f"{told}: without {hypothesis!r} the conclusion still holds "
                                      f"({result[1]}); the counterexample shows nothing, or the "
                                      f"hypothesis is not needed")
            evidence.append(result[1])
        return evidence

    # -- display ---------------------------------------------------------------------------
    @property
    def symbols(self):
        """The letters of its names; what stands in its words is left to the page."""
        return render.letters(self)

    def __str__(self):
        say = render.text_plain
        out = [f"({self.number}) {self.title} [level T]", f"Claim: {say(self.statement)}"]
        for k, (hypothesis, why) in enumerate(zip(self.hypotheses, self.evidence, strict=True), 1):
            out += [f"  {k}. Assume: {say(hypothesis)}.", f"     Without it: {say(why)}"]
        out += [f"Proof. {say(p)}" if k == 0 else f"  {say(p)}" for k, p in enumerate(self.proof)]
        out += [f"Tried: {say(name)}" for name in self.checks]
        if self.uses:
            out.append("Uses " + ", ".join(f"({d.number})" for d in self.uses))
        return "\n".join(out)

    __repr__ = __str__

    def _repr_latex_(self):
        return _latex(self)

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = {"text/plain": str(self), "text/latex": _latex(self)}
        if building_book():
            data["text/html"] = _html(self)
        return data, {"nnbook": {
            "kind": self.kind, "number": self.number, "title": self.title, "level": self.level,
            "anchor": self.anchor, "latex": _latex(self), "lines": [], "domain": [],
            "hypotheses": self.hypotheses, "checks": self.checks,
            "counterexamples": self.evidence, "uses": [d.number for d in self.uses],
            "symbols": self.symbols}}


class Induction(Theorem):
    """A statement for every layer, count or length: a base case, a step, and instances.

    The machine proves the base case and the step for all shapes; that the two together reach every
    index is the principle of induction, which is a proof on paper: hence level T. The instances
    run the whole statement, base and repeated step, against an answer found another way.

    Parameters
    ----------
    base, step : Derivation
        Both complete; neither weaker than F.
    index : str
        The letter of the induction, such as ``"l"``.
    instances : dict of int to callable
        At least two values of the index, each with a function that returns true if the statement
        holds there.
    number, title, statement, hypotheses, proof, counterexamples :
        As for `Theorem`.
    """

    def __init__(self, number, title, statement, *, base, step, index, instances, hypotheses,
                 counterexamples, proof=None, constants=None):
        told = f"({number}) {title}"
        for name, part in (("base", base), ("step", step)):
            if not isinstance(part, Derivation) or not part.complete:
                raise TypeError(f"{name} of {told} must be a derivation with its two steps, got "
                                f"{type(part).__name__}")
            if part.level not in ("S", "A", "F"):
                raise DerivationError(f"{name} of {told} holds at level {part.level} only; an "
                                      f"induction needs one that was proved")
        if len(instances) < 2:
            raise DerivationError(f"{told} was tried at {len(instances)} value(s) of {index}; "
                                  f"expected at least two")
        proof = proof or [
            f"Base case: ({base.number}), level {base.level}. Step: ({step.number}), level "
            f"{step.level}, carries the claim across one layer for all shapes, whatever the "
            f"layer's number. So it holds at every ${index}$, by induction."]
        checks = {f"${index} = {k}$": check for k, check in instances.items()}
        super().__init__(number, title, statement, hypotheses=hypotheses, proof=proof,
                         constants={**checks, **(constants or {})},
                         counterexamples=counterexamples, uses=[base, step])
        self.base, self.step_, self.index = base, step, index


def _words(text, what):
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{what} must be words, got {text!r}")
    if text.count("$") % 2:
        raise ValueError(f"{what} has an odd number of $: {text!r}")
    return text.strip()


def _latex(theorem):
    rows = [rf"\textbf{{Claim}} && {render.text_latex(theorem.statement)}"]
    for k, (hypothesis, why) in enumerate(
            zip(theorem.hypotheses, theorem.evidence, strict=True), 1):
        rows.append(rf"({k}) && {render.text_latex(hypothesis + '.')}")
        rows.append(rf"&& {render.text_latex('Without it: ' + why)}")
    for k, paragraph in enumerate(theorem.proof):
        rows.append((r"\textbf{Proof}" if k == 0 else "") + rf" && {render.text_latex(paragraph)}")
    body = " \\\\[4pt]\n".join(rows)
    return f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n\\tag{{{theorem.number}}}\n$$"


def _html(theorem):
    say = render.text_html
    out = [*render.head(theorem, "nn-derivation nn-theorem"),
           f'<div class="nn-theorem-statement">{say(theorem.statement)}</div>',
           '<ol class="nn-hypotheses">']
    for hypothesis, why in zip(theorem.hypotheses, theorem.evidence, strict=True):
        out.append(f'<li>{say(hypothesis)}<div class="nn-without">Without it: {say(why)}</div>'
                   f"</li>")
    out.append('</ol><div class="nn-proof">')
    for k, paragraph in enumerate(theorem.proof):
        out.append(f"<p>{'<b>Proof.</b> ' if k == 0 else ''}{say(paragraph)}</p>")
    out.append("</div>")
    links = ", ".join(f'<a href="#{d.anchor}">({html.escape(d.number)})</a>'
                      for d in theorem.uses if d.number.split(".")[0]
                      == theorem.number.split(".")[0])
    if links:
        out.append(f'<p class="nn-uses">Uses {links}.</p>')
    out.append('<details class="nn-evidence"><summary>What was tried</summary><ol>')
    out += [f"<li>{say(name)}</li>" for name in theorem.checks]
    out.append("</ol></details></div>")
    return "\n".join(out)
