"""Errata fought out in chapter 5: each claim of the article fails, and each repair holds."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
import source_article as article
from markdown_it import MarkdownIt

from nnbook.functions import (
    ACTIVATIONS,
    affine,
    affine_vjp,
    multiply_adds,
    parameter_count,
    relu,
    relu_prime,
    sigmoid,
    sigmoid_prime,
    softmax,
    softmax_vjp,
    tanh,
    tanh_prime,
)
from nnbook.learning.data import xor
from nnbook.learning.many import draw_many, right_answers, train_many
from nnbook.learning.optimizers import sgd


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_07_a_layer_with_a_bias_is_not_linear(rng):
    W, b = rng.normal(size=(3, 2)), rng.normal(size=3)
    x, y = rng.normal(size=(1, 2)), rng.normal(size=(1, 2))

    def layer(v):
        return article.forward_layer(v, W, b)

    # claim: "each layer performs a linear transformation"
    assert not np.allclose(layer(x + y), layer(x) + layer(y))
    assert not np.allclose(layer(np.zeros((1, 2))), 0)
    # repair: affine, so that differences are linear, and the map is linear for b = 0 only
    np.testing.assert_allclose(
        affine(x + y, W, b) - affine(x, W, b), affine(y, W, b) - affine(0 * y, W, b), atol=1e-15
    )
    zero = np.zeros(3)
    np.testing.assert_allclose(
        affine(x + y, W, zero), affine(x, W, zero) + affine(y, W, zero), atol=1e-15
    )


def test_08_the_formula_as_printed_cannot_be_read(errata):
    [printed] = errata[7]["source"]

    def stray_marks(text):
        return MarkdownIt().render(text).count("*")

    # claim: a formula; read as the Markdown it comes from, one emphasis opens, and a mark is left
    assert stray_marks(printed) > 0
    # repair: nothing is left over, and the formula is what affine computes for one example
    assert stray_marks("z^(l) = W^(l) a^(l-1) + b^(l)") == 0
    W, a, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([5.0, 6.0]), np.array([7.0, 8.0])
    np.testing.assert_array_equal(affine(a[None], W, b)[0], [24.0, 47.0])


def test_09_no_symbol_has_two_meanings(errata, notation):
    # claim: f is the activation and what is approximated, L the depth and the loss
    quotes = errata[8]["source"]
    assert sum("L layers" in q or "loss function L(" in q for q in quotes) == 2
    assert sum("f is the activation" in q or "function approximators" in q for q in quotes) == 2
    # repair: the book's table gives no letter twice, in any of its spellings
    spellings = [s for row in notation for s in {row["latex"], *row["forms"]}]
    assert len(spellings) == len(set(spellings))
    names = {row["name"]: row["latex"] for row in notation}
    assert names["activation function"] == r"\varphi"
    assert names["loss"] == r"\ell"
    assert names["depth"] == "L"


def test_10_a_batch_of_rows_does_not_fit_wa_plus_b(rng):
    W, b = rng.normal(size=(128, 784)), np.zeros(128)
    # claim: z = Wa + b has shape (batch, m) for a of shape (batch, n)
    with pytest.raises(ValueError):
        W @ rng.normal(size=(32, 784))
    square = rng.normal(size=(784, 784))
    silent = W @ square  # runs, and is wrong in shape and in value
    assert silent.shape == (128, 784)
    assert not np.allclose(silent.T, affine(square, W, b))
    # repair
    batch = rng.normal(size=(32, 784))
    Z = affine(batch, W, b)
    assert Z.shape == (32, 128)
    np.testing.assert_allclose(Z[3], W @ batch[3] + b, rtol=1e-10, atol=1e-12)


def test_11_two_conventions_do_not_mix(rng):
    batch, W, b = rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), rng.normal(size=4)
    # claim: one network; but the class's bias (m, 1) in the functions' rows adds to the wrong axis
    rows = article.forward_layer(batch, W, b)
    mixed = article.forward_layer(batch, W, b[:, None])
    assert mixed.shape == rows.shape
    assert not np.allclose(mixed, rows)
    # the printed delta·aᵀ fits one column only: for rows it multiplies unlike axes
    delta = rng.normal(size=(5, 4))
    with pytest.raises(ValueError):
        delta @ rng.normal(size=(5, 3)).T @ np.ones((3, 4))
    # repair: the sum of the outer products over the batch is Δᵀ A
    A = rng.normal(size=(5, 3))
    _, W_bar, b_bar = affine_vjp(delta, A, W, b)
    np.testing.assert_allclose(W_bar, sum(np.outer(d, a) for d, a in zip(delta, A, strict=True)))
    np.testing.assert_allclose(b_bar, delta.sum(axis=0))


def test_17_softmax_is_not_elementwise():
    z = np.array([[1.0, 2.0, 3.0]])
    moved = z + np.array([0.0, 0.0, 1.0])
    # claim: element-wise, so that moving one logit moves one output
    assert np.all(article.softmax(moved) != article.softmax(z))
    # repair: p_i (delta_ij - p_j), and no change under a common shift
    p = softmax(z)[0]
    jacobian = np.array([softmax_vjp(row[None], z)[0] for row in np.eye(3)])
    np.testing.assert_allclose(jacobian, np.diag(p) - np.outer(p, p), atol=1e-16)
    np.testing.assert_allclose(softmax(z + 1000.0), softmax(z), rtol=1e-15)


def test_18_every_activation_has_a_derivative():
    # claim: four activations; the article has a derivative of one of them, and formulas of none
    coded = [name for name in vars(article.NeuralNetwork) if name.endswith("_derivative")]
    assert coded == ["relu_derivative"]
    # repair: each activation of the book stands beside its derivative
    h, z = 1e-6, np.linspace(-2.9, 2.9, 40)  # no point at a kink
    assert len(ACTIVATIONS) >= 8
    for name, (f, f_prime) in ACTIVATIONS.items():
        np.testing.assert_allclose(
            f_prime(z), (f(z + h) - f(z - h)) / (2 * h), atol=1e-8, err_msg=name
        )


def test_19_relu_passes_no_gradient_where_it_is_off():
    # claim: "solves vanishing gradient problem"
    z = np.array([-3.0, -1e-300, 2.0])
    np.testing.assert_array_equal(article.NeuralNetwork.relu_derivative(z), [0.0, 0.0, 1.0])
    # the weights stay in the product: slopes of 1 and weights of 1/2 lose 2^-20 in 20 layers
    gradient, a = 1.0, 1.0
    for _ in range(20):
        gradient, a = gradient * 0.5 * relu_prime(np.array([0.5 * a]))[0], relu(0.5 * a)
    assert gradient == 2.0**-20
    # repair: where active the slope is 1, against at most 1/4 for the logistic function
    assert relu_prime(np.array([0.1, 5.0, 500.0])).min() == 1.0
    assert sigmoid_prime(np.array([0.1, 5.0, 500.0])).max() <= 0.25


def test_19_dead_units_are_twice_as_many_in_failed_runs():
    X, Y = xor()
    starts = draw_many([2, 4, 1], range(1000), generator=np.random.RandomState)
    runs = train_many(starts, X, Y, optimizer=sgd(1.0), epochs=1000)
    (W1, b1), _ = runs.params
    Z1 = np.einsum("nd,kds->nks", X, W1) + b1
    dead = np.all(Z1 <= 0, axis=0).sum(axis=0)
    solved = right_answers(runs.logits[-1], Y) == 4
    # claim: "solves vanishing gradient problem"; such units never learn again
    assert round(dead[solved].mean(), 2) == 1.00
    assert round(dead[~solved].mean(), 2) == 2.17


def test_20_how_much_sigmoid_and_tanh_shrink():
    z = np.linspace(-40, 40, 8001)
    # claim: "mapping to (0,1)", an open interval
    assert article.NeuralNetwork.sigmoid(np.array(37.0)) == 1.0
    assert sigmoid(38.0) == 1.0  # and in any rounding, since e^-38 < 2^-54
    # claim: tanh is "better"; the two are one curve
    np.testing.assert_allclose(tanh(z), 2 * sigmoid(2 * z) - 1, atol=2e-16)
    # repair: the numbers
    assert sigmoid_prime(z).max() == sigmoid_prime(0.0) == 0.25
    assert tanh_prime(z).max() == tanh_prime(0.0) == 1.0


def test_21_the_three_layer_network_has_two_hidden_layers(rng):
    sizes = (784, 512, 512, 10)
    params = {}
    for layer, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
        params[f"W{layer}"] = rng.normal(size=(n_out, n_in)) / np.sqrt(n_in)
        params[f"b{layer}"] = np.zeros(n_out)
    _, cache = article.forward_propagation(rng.normal(size=(2, 784)), params)
    # claim: "3-layer network (input → hidden → output)", which is one hidden layer
    hidden = [name for name in cache if name.startswith("A") and name != "A3"]
    assert len(hidden) == 2
    # repair: count weight layers
    weight_layers = [name for name in params if name.startswith("W")]
    assert len(weight_layers) == len(sizes) - 1 == 3
    assert parameter_count(sizes) == sum(p.size for p in params.values())
    assert multiply_adds(sizes) == sum(params[name].size for name in weight_layers)


def test_28_the_clipped_sigmoid_still_overflows_in_float32():
    # claim: clipping at 500 is "numerical stability"
    with pytest.warns(RuntimeWarning, match="overflow"):
        article.NeuralNetwork.sigmoid(np.float32([-500.0]))
    # in float64 it changes no value that matters: without it the answer is 0 as well
    with np.errstate(over="ignore"):
        assert 1 / (1 + np.exp(np.float64(1000.0))) == 0.0
    # and it puts 7e-218 in the place of smaller numbers that float64 can hold
    assert article.NeuralNetwork.sigmoid(np.array(-700.0)) > 1e-218
    # repair
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        single, double = sigmoid(np.float32([-500.0, 500.0])), sigmoid(-700.0)
    np.testing.assert_array_equal(single, np.float32([0.0, 1.0]))
    np.testing.assert_allclose(double, np.exp(-700.0), rtol=1e-15)


def test_44_the_mask_is_a_choice_at_zero():
    # claim: "the ReLU derivative is simply (Z > 0)"; at 0 the one-sided slopes are 0 and 1
    h = 1e-8
    right = (article.NeuralNetwork.relu(h) - article.NeuralNetwork.relu(0)) / h
    left = (article.NeuralNetwork.relu(0) - article.NeuralNetwork.relu(-h)) / h
    assert (left, right) == (0.0, 1.0)
    # any slope from 0 to 1 supports the graph from below; 0 and 1 do, 1.01 does not
    z = np.linspace(-1, 1, 201)
    for slope, supports in ((0.0, True), (0.5, True), (1.0, True), (1.01, False), (-0.01, False)):
        assert bool(np.all(relu(z) >= slope * z)) is supports
    # repair: the choice is 0, in the code and in its docstring
    assert relu_prime(0.0) == 0.0
    assert relu_prime(-0.0) == 0.0
    assert "0" in relu_prime.__doc__


def test_45_softmax_of_one_example_raises():
    z = np.array([1.0, 2.0, 3.0])
    # claim: a softmax; with axis=1 it knows batches only
    with pytest.raises(np.exceptions.AxisError):
        article.softmax(z)
    # repair: the last axis
    np.testing.assert_array_equal(softmax(z), softmax(z[None])[0])
    np.testing.assert_allclose(softmax(z).sum(), 1.0, rtol=1e-15)
