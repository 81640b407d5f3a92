"""The language of answers: what is read, how, and what is refused in which words."""
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbook.checking.grammar import FormulaError, canonical, evaluate, parse, show

Z, W = 0.7, -1.3


def value(text, names=("z", "w"), at=(Z, W)):
    return float(evaluate(parse(text, names), [at])[0])


@pytest.mark.parametrize(("text", "expected"), [
    ("2z", 2 * Z), ("z w", Z * W), ("zw", Z * W), ("zw^2", Z * W**2), ("z(1-z)", Z * (1 - Z)),
    ("(1-z)(1+z)", 1 - Z * Z), ("-z^2", -Z * Z), ("2^-1", 0.5), ("2^3^2", 512.0),
    ("2**3**2", 512.0), ("z²", Z * Z), ("z⁻¹", 1 / Z), ("z¹⁰", Z**10), ("6/2*3", 9.0),
    ("1-2-3", -4.0), ("--z", Z), ("−z", -Z), ("z·w", Z * W), ("z×w", Z * W), ("z÷w", Z / W),
    ("[z+1]^2", (Z + 1) ** 2), ("|w|", -W), ("2|w|", -2 * W), ("||w|-2|", 0.7), ("|(|w|)|", -W),
    ("2e^z", 2 * math.exp(Z)), ("2e3", 2000.0), ("1e-3", 0.001), ("1.5E+2", 150.0), (".5", 0.5),
    ("5.", 5.0), ("pi", math.pi), ("π z", math.pi * Z), ("e", math.e), ("ez", math.e * Z),
    ("zexp(w)", Z * math.exp(W)), ("np.exp(z)", math.exp(Z)), ("math.tanh(z)", math.tanh(Z)),
    ("ln(2)", math.log(2)), ("log(2)", math.log(2)), ("sqrt(z)", math.sqrt(Z)),
    ("√(z)", math.sqrt(Z)), ("tanh^2(z)", math.tanh(Z) ** 2), ("tanh²(z)", math.tanh(Z) ** 2),
    ("sin(z)^2+cos(z)^2", 1.0), ("sigma(z)", 1 / (1 + math.exp(-Z))), ("σ(0)", 0.5),
    ("sigmoid(0)", 0.5), ("relu(w)", 0.0), ("r(z)", Z), ("ReLU(z)", Z), ("H(z)", 1.0),
    ("H(0)", 0.0),
    ("softplus(0)", math.log(2)), ("max(z, w)", Z), ("min(z, w, -9)", -9.0), ("sign(w)", -1.0),
    ("sigma(-1000)", 0.0), ("1/exp(1000)", 0.0),
])
def test_is_read(text, expected):
    assert value(text) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(("text", "expected"), [
    ("1,5", 1.5), ("1,5z", 1.5 * Z), ("exp(0,5)", math.exp(0.5)), ("max(0,5)", 5.0),
    ("max(0, 5)", 5.0), ("max(0,5; z)", Z), ("max(0,5 ; 0,25)", 0.5),
    ("max(0,exp(0,5))", math.exp(0.5)),
    ("max(0,(0,5))", 0.5), ("max(1,5,2)", 5.0), ("min(max(1,5),7)", 5.0), ("exp(max(0,1))", math.e),
])
def test_a_comma_is_decimal_except_directly_inside_max_and_min(text, expected):
    assert value(text) == pytest.approx(expected, rel=1e-14)


def test_a_declared_variable_hides_a_function_or_a_constant():
    assert value("sigma(z)", ["sigma", "z"], [2.0, 3.0]) == 6.0
    assert value("e^2", ["e"], [3.0]) == 9.0
    assert value("max(1,5)", ["max"], [2.0]) == 3.0


def test_greek_letters_their_names_and_indices_are_the_same():
    assert value("λ + lambda", ["lambda"], [1.5]) == 3.0
    assert value("x₁ + x_1 + x1", ["x_1"], [1.0]) == 3.0
    assert canonical("ϵ") == canonical("ε") == "epsilon"


@pytest.mark.parametrize(("text", "message"), [
    ("", "Nothing is written"), (" \n\u00a0", "Nothing is written"), ("<script>", "character “<”"),
    ("__import__('os')", "character “_”"), ("nan", "“nan” is not known"),
    ("inf", "“inf” is not known"), ("1e999", "too large"), ("٣", r"U\+0663"), ("１", r"U\+FF11"),
    ("z2", "“z2” is not known"), ("q", "The variables are z, w"), ("exp z", r"exp\(…\)"),
    ("exp(z, w)", "one argument"), ("max(z)", "two arguments"), ("(z", "not closed"),
    ("|z", "not closed"), ("z)", "no “\\(” before"), ("z*", "stops too early after “\\*”"),
    ("*z", "stands where a number"), ("()", "stands where a number"), ("z w,", "A comma stands"),
    ("z, w", "A comma stands"), ("(z, w)", "A comma stands"), ("2 3", "operator is missing"),
    ("z 2", "operator is missing"), ("1.2.3", "operator is missing"), ("1/2z", "two ways"),
    ("1/z(2)", "two ways"), ("z = 2", "equals sign"), (r"\sigma(z)", "LaTeX"),
    ("z⁺", "power"), ("tanh^-1(z)", r"tanh\(…\)"), ("z\x00", r"character U\+0000 is"),
    ("z\u202e", r"character U\+202E is"), ("(" * 10_000, "10000 characters"),
    ("(" * 40 + "z" + ")" * 40, "nested more than 40"), ("-" * 99 + "z", "nested more than 40"),
    ("2^" * 99 + "2", "nested more than 40"), ("a" * 400, "“aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…”"),
])
def test_is_refused_with_a_reason(text, message):
    with pytest.raises(FormulaError, match=message):
        parse(text, ["z", "w"])


def test_forty_parentheses_less_one_are_read():
    assert value("(" * 39 + "z" + ")" * 39) == Z


@pytest.mark.parametrize("text", ["1/0", "0/0", "log(-1)", "(-8)^(1/3)", "exp(1000)", "1^(1/0)"])
def test_what_has_no_value_warns_of_nothing(text):
    with np.errstate(all="raise"):
        assert not np.isfinite(value(text))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_and_nothing_else_happens(text):
    try:
        steps = parse(text, ["z"])
    except FormulaError as error:
        assert str(error)
    else:
        assert evaluate(steps, [[0.5], [2.0]]).shape == (2,)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="z12.,;()+-*/^|e exp max", max_size=40))
def test_any_text_that_looks_like_a_formula_is_read_or_refused(text):
    test_any_text_is_read_or_refused_and_nothing_else_happens.hypothesis.inner_test(text)


@pytest.mark.parametrize(("x", "digits", "expected"), [
    (0.105358, 4, "0.1054"), (-0.105358, 4, "−0.1054"), (109386.0, 4, "109386"), (0.0, 4, "0"),
    (-0.0, 4, "0"), (1000.5, 4, "1001"), (0.99996, 4, "1"), (1.5e-7, 4, "1.5e−7"),
    (1e20, 4, "1e20"),
    (123456.789, 4, "123500"), (0.0001, 4, "0.0001"), (0.37, 15, "0.37"), (2.5, 3, "2.5"),
])
def test_numbers_are_shown_rounded_with_a_true_minus(x, digits, expected):
    assert show(x, digits) == expected
