"""Every function of the package, lifted: gradients, forward mode, second derivatives.

The rows are those of tests/cases, so that a function with a new option is here as well.
"""

import inspect
import math
import zlib

import numpy as np
import pytest

import nnbook.functions
from nnbook.learning import grad, hvp, jvp, lift, lifted
from nnbook.learning._definitions import SECOND
from nnbook.learning._lifted_rules import OF, definitions
from nnbook.learning.autodiff import Tensor, backward
from nnbook.learning.lifted import affine, liftable, relu, tanh
from nnbook.learning.transforms import run_again
from tests import examine
from tests.cases.base import tables

RNG = np.random.default_rng(5)
X = RNG.normal(size=(7, 3))
SUFFIXES = ("_prime", "_grad", "_vjp")
# One row may be called in two ways; the derivative of a gradient is tested as a second derivative.
CASES = {
    case.id: case for case in tables("CASES")
    if case.derivative is not None and case.kind in ("prime", "grad", "vjp")
    and case.derivative.__name__ in {case.function.__name__ + s for s in SUFFIXES}
}
DEFINITIONS = definitions()
CUT = "truncate"  # where gradients are cut off there is no second derivative


def rng_of(case, salt):
    return np.random.default_rng(zlib.crc32(f"{case.id}{salt}".encode()))


def each(cut=False):
    """Run a test for every case, or for those that have second derivatives."""
    cases = [case for case in CASES.values() if cut or CUT not in case.id]
    return pytest.mark.parametrize("case", cases, ids=[case.id for case in cases])


def outputs_of(case, value):
    """Return the outputs that g belongs to, as a list."""
    value = value if case.outputs is None else case.outputs(value)
    return [v for v in (value if isinstance(value, tuple) else (value,)) if v is not None]


def weighted(case, g, args, kwargs):
    """Return x -> Σ g f(x) with the lifted function."""
    f = lift(case.function)

    def total(x):
        parts = outputs_of(case, f(*examine.replaced(case, args, x), **kwargs))
        return sum(np.sum(a * b) for a, b in zip(g, parts, strict=True))

    return total


def drawn(case, size, salt):
    rng = rng_of(case, size + salt)
    args, kwargs = case.draw(rng, size)
    return rng, args, kwargs, examine.cotangents(case, rng, args, kwargs)


def test_every_function_with_a_derivative_is_reachable():
    public = nnbook.functions.__all__
    bases = {n.removesuffix(s) for n in public for s in SUFFIXES if n.endswith(s)}
    assert len(bases) > 50
    assert bases <= set(liftable()) <= set(dir(lifted))
    for name in bases:
        assert callable(getattr(lifted, name)), name
    assert set(OF) == {n for n in bases if f"{n}_vjp" in public}


def test_every_function_has_a_second_derivative():
    public = nnbook.functions.__all__
    for name in liftable():
        if f"{name}_prime" in public:
            assert getattr(nnbook.functions, f"{name}_prime").__name__ in SECOND
        elif not name.endswith("_prime"):
            assert name in DEFINITIONS, name
    primes = {getattr(nnbook.functions, n).__name__ for n in public if n.endswith("_prime")}
    assert set(SECOND) == primes
    for name, definition in DEFINITIONS.items():
        theirs = inspect.signature(definition).parameters
        if any(p.kind is p.VAR_KEYWORD for p in theirs.values()):
            continue
        ours = inspect.signature(getattr(nnbook.functions, name)).parameters
        assert [(p.name, p.default) for p in ours.values()] == [
            (p.name, p.default) for p in theirs.values()], name


def test_the_table_of_arguments_is_the_one_of_the_functions():
    for name, arguments in OF.items():
        parameters = list(inspect.signature(getattr(nnbook.functions, name)).parameters)
        assert set(arguments) <= set(parameters), name
        assert list(arguments) == sorted(arguments, key=parameters.index), name


def test_every_function_has_a_case():
    covered = {case.function.__name__ for case in CASES.values()}
    missing = {n for n in liftable() if not n.endswith("_prime")} - covered - {"swish"}
    assert missing == set()


MINIMAL = {
    "rnn": [(3, 2, 4), (5, 4), (5, 5), (5,)],
    "lstm": [(3, 2, 4), (20, 4), (20, 5), (20,)],
    "gru": [(3, 2, 4), (15, 4), (15, 5), (15,)],
    "rotary": [(3, 4)],
    "attention": [(3, 4), (5, 4), (5, 2)],
    "conv2d": [(1, 2, 4, 5), (3, 2, 2, 3)],
    "conv_transpose1d": [(1, 2, 4), (2, 3, 3)],
}


@pytest.mark.parametrize("name", MINIMAL)
def test_the_defaults_of_the_definition_are_those_of_the_function(name):
    args = [RNG.normal(size=shape) for shape in MINIMAL[name]]
    found, expected = DEFINITIONS[name](*args), getattr(nnbook.functions, name)(*args)
    for a, b in zip(examine.arrays(found), examine.arrays(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_the_defaults_of_several_heads_pools_and_losses():
    x, W = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(4, 4))
    for name, args, options in [
        ("multi_head_attention", (x, None, None, W, W, W, W), {"heads": 2}),
        ("multi_head_attention", (x[0], None, None, W, W, W, W), {"heads": 4}),
        ("multi_head_attention", (x[0], x[1], None, W, W, W, W), {"heads": 2, "causal": True}),
        ("multi_head_attention", (x, x[:, 1:], x[:, :2], W, W, W, W), {"heads": 1}),
        ("attention", (x, x[:, :2], x[:, 1:]), {"past": (x, x)}),
        ("attention", (x[0], x[1], x[1]), {"past": (x[0], x[0]), "causal": True}),
        ("max_pool1d", (x, 2), {}), ("avg_pool1d", (x, 2), {}),
        ("nll", (x, np.array([[0, 1, 2, 0]] * 2)), {}),
        ("cross_entropy", (x, np.array([[0, 1, 2, 0]] * 2)), {}),
        ("kl_divergence", (x, np.abs(x)), {}),
    ]:
        np.testing.assert_allclose(DEFINITIONS[name](*args, **options),
                                   getattr(nnbook.functions, name)(*args, **options), rtol=1e-12)


@each(cut=True)
def test_backward_gives_what_the_derivative_gives(case):
    for size in case.sizes:
        compare_with_the_derivative(case, *drawn(case, size, "back")[1:])


def compare_with_the_derivative(case, args, kwargs, g):
    tensors = [Tensor(a) for a in examine.chosen(case, args)]
    value = lift(case.function)(*examine.replaced(case, args, tensors), **kwargs)
    outputs = outputs_of(case, value)
    for found, expected in zip(outputs, examine.forward(case, args, kwargs), strict=True):
        # A copy may have another layout, and a sum another order.
        np.testing.assert_allclose(found.value, expected, rtol=1e-14, atol=0)
    for found, expected in zip(backward(outputs, tensors, list(g)),
                               examine.gradients(case, g, args, kwargs), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-14, atol=0)


@each()
def test_the_definition_is_the_function(case):
    name = case.function.__name__
    if name not in DEFINITIONS:
        return  # elementwise: there is only a formula of the second derivative
    _, args, kwargs, g = drawn(case, "random", "definition")
    found = outputs_of(case, DEFINITIONS[name](*args, **kwargs))
    for a, b in zip(found, examine.forward(case, args, kwargs), strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)

    def run(*x):
        parts = outputs_of(case, DEFINITIONS[name](*examine.replaced(case, args, x), **kwargs))
        return tuple(parts)

    shares = run_again(run)(tuple(g), None, examine.chosen(case, args), {})
    for a, b in zip(shares, examine.gradients(case, g, args, kwargs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


@each()
def test_forward_mode_is_the_transpose_of_reverse_mode(case):
    rng, args, kwargs, g = drawn(case, "random", "forward")
    x = examine.chosen(case, args)
    u = [rng.standard_normal(np.shape(a)) for a in x]
    total = weighted(case, g, args, kwargs)
    value, slope = jvp(total, (x,), (u,))
    pulled = grad(total)(x)
    terms = [np.ravel(a * b) for a, b in zip(pulled, u, strict=True)]
    assert value == pytest.approx(float(total(x)), rel=1e-12)
    size = max(sum(np.sum(np.abs(t)) for t in terms), 1e-10)
    assert abs(slope - sum(np.sum(t) for t in terms)) <= 1e-10 * size


@each()
def test_second_derivatives_are_those_of_differences(case):
    rng, args, kwargs, g = drawn(case, "random", "second")
    x = examine.chosen(case, args)
    v = [rng.standard_normal(np.shape(a)) for a in x]
    total = weighted(case, g, args, kwargs)
    slopes = grad(total)
    h = 1e-5
    right, left = (slopes([a + s * h * b for a, b in zip(x, v, strict=True)]) for s in (1, -1))
    differences = [(a - b) / (2 * h) for a, b in zip(right, left, strict=True)]
    twice = grad(lambda x: sum(np.sum(a * b) for a, b in zip(slopes(x), v, strict=True)))(x)
    size = np.sqrt(sum(np.sum(d * d) for d in differences)) + 1e-3 * np.sqrt(
        sum(np.sum(s * s) for s in slopes(x))) + 1e-3
    for found, again, expected in zip(hvp(total, x, v), twice, differences, strict=True):
        assert np.linalg.norm(found - expected) <= 1e-6 * size  # forward over reverse
        assert np.linalg.norm(again - found) <= 1e-10 * size  # reverse over reverse


def test_a_truncated_gradient_has_no_derivative():
    rng = np.random.default_rng(0)
    x, W = rng.normal(size=(2, 4, 3)), rng.normal(size=(3, 3))
    f = lambda x: np.sum(lifted.rnn(x, W, W, np.zeros(3), truncate=2)[0])  # noqa: E731
    assert grad(f)(x).shape == x.shape
    with pytest.raises(TypeError, match="truncate has no rule for jvp and second derivatives"):
        hvp(f, x, x)


# ---------------------------------------------------------------- how functions are lifted
@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: lift(2), TypeError, "f must be a function, found int"),
    (lambda: lift(np.sin), TypeError, "f must be a function of nnbook.functions, found sin"),
    (lambda: lift(np.sin, 2), TypeError, "vjp must be a function, found int"),
    (lambda: lift(lambda x: x, np.sin, of=("y",)), TypeError, "of names y, which <lam"),
    (lambda: lifted.multiply_adds, AttributeError, "multiply_adds has no derivative; import it"),
    (lambda: lifted.no_such_function, AttributeError, "has no attribute 'no_such_function'"),
])
def test_bad_questions(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_function_of_ones_own_with_the_name_of_another_is_not_mistaken_for_it():
    def sigmoid(z):
        return z

    with pytest.raises(TypeError, match=r"function of nnbook\.functions, found sigmoid"):
        lift(sigmoid)


def test_a_function_of_ones_own():
    f = lift(lambda x, n: float(n) * np.sin(x), lambda g, x, n: g * n * np.cos(x))
    assert grad(f)(0.3, 2) == 2 * math.cos(0.3)
    assert f(0.3, 2) == 2 * math.sin(0.3)
    two = lift(lambda x, y: x * y, lambda g, x, y: (g * y, g * x), of=("x", "y"))
    assert grad(two, (0, 1))(2.0, 3.0) == (3.0, 2.0)
    with pytest.raises(TypeError, match=r"has a gradient.*no rule for jvp and for second"):
        grad(grad(f))(0.3, 2)
    with pytest.raises(TypeError, match="<lambda> has no rule for forward mode"):
        jvp(lambda x: f(x, 2), (0.3,), (1.0,))
    with pytest.raises(ValueError, match="one gradient for each of x, y, found 1"):
        grad(lift(lambda x, y: x * y, lambda g, x, y: g * y, of=("x", "y")))(2.0, 3.0)


def test_several_outputs_of_one_function():
    x, h, W = Tensor(X), Tensor(np.zeros((7, 2))), Tensor(RNG.normal(size=(8, 3)))
    V, b = RNG.normal(size=(8, 2)), np.zeros(8)
    new_h, new_c = lifted.lstm_cell(x, h, np.ones((7, 2)), W, V, b)
    one, other = backward(np.sum(new_h), W), backward(np.sum(new_c), W)
    both = backward(np.sum(new_h) + np.sum(new_c), W)
    np.testing.assert_allclose(one + other, both, rtol=1e-13)
    assert np.abs(one).max() > 0 and np.abs(other).max() > 0
    y, mean, _ = lifted.batch_norm(x)
    assert isinstance(y, Tensor) and mean.shape == (3,)
    assert lifted.batch_norm(x).y.shape == X.shape  # the named tuple keeps its names


def test_dropout_draws_its_mask_once():
    x = Tensor(np.ones((50, 4)))
    y = lifted.dropout(x, 0.3, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(backward(np.sum(y), x), y.value)
    y = lifted.dropout(x, rng=np.random.default_rng(0), training=False)
    assert (backward(np.sum(y), x) == 1.0).all()


def test_lifted_functions_of_plain_arrays_are_the_functions_themselves():
    assert type(tanh(X)) is np.ndarray and tanh.__name__ == "tanh"
    assert relu([1.0, -1.0]).tolist() == [1.0, 0.0]
    assert affine(X, W=np.ones((2, 3)), b=np.zeros(2)).shape == (7, 2)
    W = Tensor(np.ones((2, 3)))
    z = affine(A=X, b=np.zeros(2), W=W)
    np.testing.assert_allclose(backward(np.sum(z), W), np.tile(X.sum(0), (2, 1)))
    gain = Tensor(np.ones(3))
    assert backward(np.sum(lifted.layer_norm(X, shift=gain)), gain).tolist() == [7.0] * 3
