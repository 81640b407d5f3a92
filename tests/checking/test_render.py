"""Typesetting: as a good textbook sets it, the same in every form, nothing unescaped."""

import pytest
import sympy as sp

from nnbook.checking import names, render
from nnbook.checking._display import building_book
from nnbook.checking.derivation import Definition, Derivation
from nnbook.checking.matrix import dimensions, elementwise, indices, ones, pairing, plus, times
from nnbook.checking.typeset import Typesetter

z = sp.Symbol("z", real=True)
s = sp.Function("sigma", real=True)
N, n, m, K = dimensions("N n m K")
A, W, B, D = (sp.MatrixSymbol(*a) for a in (
    ("A^(l-1)", N, n), ("W^(l)", m, n), ("b^(l)", m, 1), ("Delta^(l)", N, m)))
Z = sp.MatrixSymbol("Z^(l)", N, m)
phi, x = sp.Function("phi", real=True), sp.Symbol("x", real=True)
i, j, k = indices("i j k", K)
p, y = sp.IndexedBase("p", real=True), sp.IndexedBase("y", real=True)
half = sp.Rational(1, 2)

SET = [
    (s(z) * (1 - s(z)), r"\sigma(z)(1 - \sigma(z))", "σ(z)(1 − σ(z))"),
    (1 / (1 + sp.exp(-z)), r"\frac{1}{1 + e^{-z}}", "1/(1 + e⁻ᶻ)"),
    (sp.exp(-z) / (1 + sp.exp(-z))**2, r"\frac{e^{-z}}{(1 + e^{-z})^2}", "e⁻ᶻ/(1 + e⁻ᶻ)²"),
    (sp.exp(-z**2 / 2) / sp.sqrt(2 * sp.pi), r"\frac{e^{-z^2/2}}{\sqrt{2\pi}}", "e^(−z²/2)/√(2π)"),
    (sp.log(1 + sp.exp(z)), r"\ln(1 + e^z)", "ln(1 + eᶻ)"),
    (sp.Max(0, z), r"\max(0, z)", "max(0, z)"),
    (sp.binomial(m, n), r"\binom{m}{n}", "C(m, n)"),
    (1 - sp.tanh(z)**2, r"1 - \tanh^2 z", "1 − tanh² z"),
    (1 - sp.acos(z), r"1 - \arccos(z)", "1 − arccos(z)"),
    (2 * s(2 * z) - 1, r"2\sigma(2z) - 1", "2σ(2z) − 1"),
    (sp.Derivative(s(z), z), r"\sigma'(z)", "σ′(z)"),
    (-z * sp.log(2), r"-z \ln 2", "−z ln 2"),
    (sp.Heaviside(z, 0), "[z > 0]", "[z > 0]"),
    (A * W.T + ones(N) * B.T,
     r"A^{(l-1)} W^{(l)\top} + \mathbf{1} b^{(l)\top}", "A⁽ˡ⁻¹⁾ W⁽ˡ⁾ᵀ + 1 b⁽ˡ⁾ᵀ"),
    (sp.HadamardProduct(D * W * W.T, elementwise(sp.Lambda(x, sp.Derivative(phi(x), x)), Z)),
     r"(\Delta^{(l)} W^{(l)} W^{(l)\top}) \odot \varphi'(Z^{(l)})",
     "(Δ⁽ˡ⁾ W⁽ˡ⁾ W⁽ˡ⁾ᵀ) ⊙ φ′(Z⁽ˡ⁾)"),
    (p[i] * (sp.KroneckerDelta(i, j) - p[j]), r"p_i(\delta_{ij} - p_j)", "pᵢ(δᵢⱼ − pⱼ)"),
    (y[j] - p[j] * sp.Sum(y[k], (k, 1, K)), r"y_j - p_j \sum_{k=1}^{K} y_k",
     "yⱼ − pⱼ Σ(k=1..K) yₖ"),
    (sp.Derivative(p[i], sp.IndexedBase("z")[j]), r"\frac{\partial p_i}{\partial z_j}", "∂pᵢ/∂zⱼ"),
    (sp.Matrix([[1, z], [0, 2]]), r"\begin{pmatrix} 1 & z \\ 0 & 2 \end{pmatrix}", "(1, z; 0, 2)"),
    (times(half, plus(z, 1)), r"\frac{1}{2}\,(z + 1)", "1/2 (z + 1)"),
    (plus(z, 1), "z + 1", "z + 1"),
    (sp.sqrt(z**2 + 1), r"\sqrt{z^2 + 1}", "√(z² + 1)"),
    (sp.Symbol("‖w‖"), r"\lVert w \rVert", "‖w‖"),
]


@pytest.mark.parametrize(("e", "tex", "plain"), SET, ids=[row[2] for row in SET])
def test_setting(e, tex, plain):
    assert Typesetter("tex")(e) == tex
    assert Typesetter("plain")(e) == plain


@pytest.mark.parametrize(("name", "tex", "plain"), [
    ("Delta^(l+1)", r"\Delta^{(l+1)}", "Δ⁽ˡ⁺¹⁾"), ("W̄⁽ˡ⁾", r"\bar{W}^{(l)}", "W̄⁽ˡ⁾"),
    ("w1", "w_1", "w₁"), ("phat", r"\hat{p}", "p̂"), ("φ", r"\varphi", "φ"),
    ("softplus", r"\operatorname{softplus}", "softplus"), ("n_l-1", "n_{l-1}", "nₗ₋₁"),
    ("n_in", r"n_{\mathrm{in}}", "nᵢₙ"), ("a_ij", "a_{ij}", "aᵢⱼ"),
])
def test_name(name, tex, plain):
    assert names.tex(name) == tex
    assert names.plain(name) == plain


def example(reason="quotient rule", title="The logistic function's slope"):
    let = {s: sp.Lambda(z, 1 / (1 + sp.exp(-z)))}
    d = Derivation("5.3", title, sp.Derivative(s(z), z), let=let)
    return d.step(sp.exp(-z) / (1 + sp.exp(-z))**2, reason).step(s(z) * (1 - s(z)), "in $\\sigma$")


def test_plain_is_aligned():
    assert str(example()) == """\
(5.3) The logistic function's slope [level S]
σ′(z) = e⁻ᶻ/(1 + e⁻ᶻ)²   quotient rule
      = σ(z)(1 − σ(z))   in σ
for z ∈ ℝ, where σ(z) = 1/(1 + e⁻ᶻ)"""


def test_latex_is_aligned_numbered_and_balanced():
    tex = example()._repr_latex_()
    assert tex.startswith("$$") and tex.endswith("$$")
    assert r"\tag{5.3}" in tex
    assert tex.count(r"\begin") == tex.count(r"\end") == 2
    assert tex.count("{") == tex.count("}")
    assert r"\text{in $\sigma$}" in tex


def test_html_only_when_the_book_is_built(monkeypatch):
    monkeypatch.delenv("NNBOOK_HTML", raising=False)
    assert not building_book()
    data, meta = example()._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/latex"}
    monkeypatch.setenv("NNBOOK_HTML", "1")
    data, meta = example()._repr_mimebundle_()
    assert 'id="eq-5-3"' in data["text/html"]
    assert 'data-level="S"' in data["text/html"]
    assert "the" not in meta
    told = meta["nnbook"]
    assert (told["kind"], told["number"], told["level"], told["anchor"]) == (
        "derivation", "5.3", "S", "eq-5-3")
    assert told["symbols"] == [r"\sigma", "z"]
    assert told["lines"][1] == {"latex": r"\frac{e^{-z}}{(1 + e^{-z})^2}",
                                "reason": "quotient rule", "level": "S",
                                "evidence": "doit → 0"}


def test_html_is_well_formed():
    from html.parser import HTMLParser

    class Balance(HTMLParser):
        stack: list = []     # noqa: RUF012

        def handle_starttag(self, tag, attrs):
            self.stack.append(tag)

        def handle_endtag(self, tag):
            assert self.stack.pop() == tag

    parser = Balance()
    parser.feed(render.as_html(example()))
    assert parser.stack == []


def test_words_are_escaped_everywhere():
    bad = '<script>alert("x")</script> & 100 % of \\evil{a}_b'
    page = render.as_html(example(reason=bad, title=bad))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    tex = example(reason=bad)._repr_latex_()
    assert r"100 \% of \textbackslash{}evil\{a\}\_b" in tex


def test_mathematics_is_escaped_for_the_page():
    d = Derivation("5.1", "t", sp.Piecewise((z, z < 0), (0, True))).step(
        sp.Min(0, z), "the smaller").step((z - sp.Abs(z)) / 2, "half of it")
    page = render.as_html(d)
    assert "z &lt; 0" in page
    assert "z < 0" not in page


def test_definition_reads_as_one():
    d = Definition("5.2", "The logistic function", s(z), 1 / (1 + sp.exp(-z)))
    assert str(d).splitlines()[1] == "σ(z) := 1/(1 + e⁻ᶻ)   for z ∈ ℝ"


def test_domains_in_words():
    a = sp.Symbol("a", positive=True)
    d = Derivation("5.1", "t", sp.sqrt(a**2 * z**2), domain={z: sp.Interval(0, 1)}).step(a * z, "r")
    assert "a > 0, z ∈ [0, 1]" in str(d)


def test_sizes_are_told_with_the_matrices():
    d = Derivation("8.1", "t", sp.Derivative(pairing(D, A * W.T), W), symbol=r"\bar{W}^{(l)}")
    d.step(D.T * A, "r")
    assert "W̄⁽ˡ⁾ = ∂/∂W⁽ˡ⁾ tr(" in str(d)
    assert "A⁽ˡ⁻¹⁾ ∈ ℝ^(N×n)" in str(d)
    assert r"A^{(l-1)} \in \mathbb{R}^{N \times n}" in d._repr_latex_()


@pytest.mark.parametrize(("tex", "plain"), [
    (r"w \ne 0", "w ≠ 0"), (r"\tfrac12\ln 2", "1/2 ln 2"), (r"\Delta^\top W", "Δᵀ W"),
    (r"\varphi'(z)", "φ′(z)"), (r"\lVert w \rVert", "‖w‖"),
    (r"y \Vert p", "y ‖ p"), ("a - b", "a − b"), (r"\nabla f \ne 0", "∇f ≠ 0"),
    (r"J_{g \circ f}", "J_g ∘ f"),
])
def test_words_for_a_terminal(tex, plain):
    assert render.untex(tex) == plain
