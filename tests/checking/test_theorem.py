"""Theorems: no hypothesis without a counterexample that fails, nothing unchecked."""

import pytest
import sympy as sp

from nnbook.checking.derivation import Derivation, DerivationError
from nnbook.checking.theorem import Induction, Theorem


def theorem(**changes):
    options = {
        "hypotheses": ["$b$ is real"], "proof": "$b^2 \\ge 0$.",
        "constants": {"b from −3 to 3": lambda: all(b * b >= 0 for b in range(-3, 4))},
        "counterexamples": [lambda: ((1j * 1j).real < 0, "$b = i$: $b^2 = -1$")], **changes}
    return Theorem("5.9", "Squares", "$a + b^2 \\ge a$", **options)


def test_theorem_shows_statement_hypothesis_counterexample_and_proof(monkeypatch):
    t = theorem()
    assert t.level == "T"
    for words in ("Claim: a + b² ≥ a", "b is real", "b = i: b² = −1", "Proof. b² ≥ 0.", "Tried: b"):
        assert words in str(t)
    monkeypatch.setenv("NNBOOK_HTML", "1")
    data, meta = t._repr_mimebundle_()
    assert 'id="eq-5-9"' in data["text/html"]
    assert meta["nnbook"]["hypotheses"] == ["$b$ is real"]
    assert meta["nnbook"]["level"] == "T"


@pytest.mark.parametrize(("changes", "message"), [
    ({"counterexamples": []}, "1 hypotheses and 0 counterexamples"),
    ({"counterexamples": [lambda: (False, "b = 2 is fine")]}, "conclusion still holds"),
    ({"constants": {"x": lambda: False}}, "does not hold"),
    ({"constants": {}}, "nothing that was tried"),
])
def test_theorem_is_refused(changes, message):
    with pytest.raises(DerivationError, match=message):
        theorem(**changes)


@pytest.mark.parametrize(("changes", "message"), [
    ({"counterexamples": [lambda: True]}, "must return"),
    ({"hypotheses": "b is real"}, "must be a list"),
    ({"proof": "$b"}, "odd number"),
    ({"constants": {"x": True}}, "must be a function"),
    ({"uses": ["5.3"]}, "must hold derivations"),
])
def test_bad_input_is_named(changes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        theorem(**changes)


def induction(**changes):
    n, half = sp.Symbol("n", positive=True), sp.Rational(1, 2)
    base = Derivation("5.1", "base", sp.Integer(1)).step(sp.Mul(2, half, evaluate=False), "2/2")
    base.step(sp.Mul(1, 1 + 1, half, evaluate=False), "n(n+1)/2 at n = 1")
    step = Derivation("5.2", "step", n * (n + 1) / 2 + n + 1).step((n + 1) * (n / 2 + 1), "factor")
    step.step((n + 1) * (n + 2) / 2, "collect")
    options = {
        "base": base, "step": step, "index": "n",
        "instances": {k: (lambda k=k: sum(range(k + 1)) == k * (k + 1) // 2) for k in (1, 2, 7)},
        "hypotheses": ["$n$ is a natural number"],
        "counterexamples": [lambda: (True, "$n = 1/2$: there is no sum of half a term")],
        **changes}
    return Induction("5.3", "The first numbers", "$1 + \\dots + n = n(n+1)/2$", **options)


def test_induction_names_base_step_and_instances():
    t = induction()
    assert t.level == "T"
    assert "(5.1), level S" in str(t) and "Uses (5.1), (5.2)" in str(t)
    assert "Tried: n = 7" in str(t)


def test_induction_is_refused_without_proved_parts():
    with pytest.raises(TypeError, match="two steps"):
        induction(base=Derivation("5.1", "t", sp.Integer(1)))
    with pytest.raises(DerivationError, match="at least two"):
        induction(instances={1: lambda: True})
    with pytest.raises(DerivationError, match="does not hold"):
        induction(instances={1: lambda: True, 2: lambda: False})
    a = sp.Symbol("a", positive=True)
    weak = Derivation("5.4", "t", sp.atan(a) + sp.atan(1 / a)).step(sp.pi / 2, "sampled only")
    weak.step(sp.acos(0, evaluate=False), "the same")
    with pytest.raises(DerivationError, match="level N only"):
        induction(step=weak)
