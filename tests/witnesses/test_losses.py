"""The losses beside optax, JAX, SciPy and scikit-learn: values, gradients and Hessians."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.special
from sklearn import metrics

from nnbook import functions as F

RNG = np.random.default_rng(2007)
Z = RNG.normal(size=(6, 4)) * 3
LABELS = np.array([0, 3, 1, 1, 2, 3])
SOFT = F.softmax(RNG.normal(size=(6, 4)) * 2)
LOOSE = SOFT * RNG.uniform(0.5, 2, (6, 1))
WEIGHTS = np.array([0.5, 2.0, 1.25, 0.75])
PIXELS = RNG.normal(size=(2, 4, 3, 2)) * 2
PIXEL_LABELS = RNG.integers(0, 4, (2, 3, 2))
P, T = RNG.normal(size=(2, 5, 3))
ODDS, SIGNS = RNG.uniform(size=(5, 3)), RNG.choice([-1.0, 1.0], (5, 3))
DIRECTION = RNG.normal(size=(6, 4))
CLOSE = {"rtol": 1e-12, "atol": 1e-14}


def smoothed_weighted(z, y, weights, smoothing):
    """Write the loss of each example once more, in the words of optax."""
    return -jnp.sum(weights * optax.smooth_labels(y, smoothing) * jax.nn.log_softmax(z), -1)


def one_hot(labels, classes=4):
    return np.asarray(jax.nn.one_hot(labels, classes))


# Each row: keywords of ours, targets of ours, and a function of the logits from theirs.
CROSS_ENTROPIES = {
    "indices": (
        {}, LABELS,
        lambda z: optax.softmax_cross_entropy_with_integer_labels(z, LABELS).mean(),
    ),
    "probabilities": ({}, SOFT, lambda z: optax.softmax_cross_entropy(z, SOFT).mean()),
    "loose rows, sum": (
        {"reduction": "sum"}, LOOSE, lambda z: optax.softmax_cross_entropy(z, LOOSE).sum(),
    ),
    "smoothing": (
        {"label_smoothing": 0.2}, LABELS,
        lambda z: optax.softmax_cross_entropy(
            z, optax.smooth_labels(one_hot(LABELS), 0.2)).mean(),
    ),
    "weights of indices": (
        {"weights": WEIGHTS}, LABELS,
        lambda z: smoothed_weighted(z, one_hot(LABELS), WEIGHTS, 0.0).sum()
        / WEIGHTS[LABELS].sum(),
    ),
    "weights of probabilities, smoothing": (
        {"weights": WEIGHTS, "label_smoothing": 0.3}, SOFT,
        lambda z: smoothed_weighted(z, SOFT, WEIGHTS, 0.3).mean(),
    ),
    "weights of indices, smoothing, ignored": (
        {"weights": WEIGHTS, "label_smoothing": 0.3, "ignore_index": 1}, LABELS,
        lambda z: (smoothed_weighted(z, one_hot(LABELS), WEIGHTS, 0.3) * (LABELS != 1)).sum()
        / (WEIGHTS[LABELS] * (LABELS != 1)).sum(),
    ),
    "ignored": (
        {"ignore_index": 3}, LABELS,
        lambda z: jnp.mean(optax.softmax_cross_entropy_with_integer_labels(
            z, LABELS)[LABELS != 3]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CROSS_ENTROPIES)
def test_cross_entropy_its_gradient_and_its_hessian_are_those_of_jax(name):
    keywords, targets, theirs = CROSS_ENTROPIES[name]
    np.testing.assert_allclose(F.cross_entropy(Z, targets, **keywords), theirs(Z), **CLOSE)
    np.testing.assert_allclose(
        F.cross_entropy_grad(Z, targets, **keywords), jax.grad(theirs)(Z), **CLOSE
    )
    _, product = jax.jvp(jax.grad(theirs), (Z,), (DIRECTION,))
    hess = F.cross_entropy_hess(Z, targets, **keywords)
    np.testing.assert_allclose(np.einsum("njk,nk->nj", hess, DIRECTION), product, **CLOSE)


def test_the_hessian_that_jax_builds_is_ours_on_the_diagonal_of_examples_and_0_elsewhere():
    z, labels = Z[:2], LABELS[:2]
    y = one_hot(labels)
    whole = jax.hessian(lambda z: -jnp.sum(y * jax.nn.log_softmax(z)) / 2)(z)
    ours = np.zeros((2, 4, 2, 4))
    ours[0, :, 0], ours[1, :, 1] = F.cross_entropy_hess(z, labels)
    np.testing.assert_allclose(ours, whole, **CLOSE)


def test_nll_of_log_probabilities_is_their_cross_entropy():
    for name in ("weights of indices, smoothing, ignored", "probabilities"):
        keywords, targets, theirs = CROSS_ENTROPIES[name]
        logs = jax.nn.log_softmax(Z)
        np.testing.assert_allclose(F.nll(logs, targets, **keywords), theirs(Z), **CLOSE)
        through = jax.vjp(jax.nn.log_softmax, Z)[1](
            jnp.asarray(F.nll_grad(logs, targets, **keywords))
        )[0]
        np.testing.assert_allclose(through, jax.grad(theirs)(Z), **CLOSE)


@pytest.mark.parametrize("axis", [1, -1])
def test_pixels_on_any_axis(axis):
    z = np.moveaxis(PIXELS, 1, axis)

    def theirs(z):
        return optax.softmax_cross_entropy_with_integer_labels(z, PIXEL_LABELS, axis=axis)

    none = {"axis": axis, "reduction": "none"}
    np.testing.assert_allclose(F.cross_entropy(z, PIXEL_LABELS, **none), theirs(z), **CLOSE)
    g = RNG.normal(size=PIXEL_LABELS.shape)
    vjp = np.expand_dims(g, axis) * F.cross_entropy_grad(z, PIXEL_LABELS, **none)
    np.testing.assert_allclose(vjp, jax.vjp(theirs, z)[1](jnp.asarray(g))[0], **CLOSE)


def test_scikit_learn_weighs_examples_as_a_mean_of_class_indices_does():
    probabilities = scipy.special.softmax(Z, axis=1)
    for weights in (None, WEIGHTS):
        theirs = metrics.log_loss(
            LABELS, probabilities, sample_weight=None if weights is None else weights[LABELS]
        )
        assert F.cross_entropy(Z, LABELS, weights=weights) == pytest.approx(theirs, rel=1e-12)


def test_divergence_is_that_of_scipy_and_optax():
    p = scipy.special.softmax(Z, axis=1)
    single = scipy.special.rel_entr(SOFT, p).sum(axis=1)
    np.testing.assert_allclose(F.kl_divergence(Z, SOFT, reduction="none"), single, **CLOSE)
    np.testing.assert_allclose(F.kl_divergence(Z, SOFT), single.mean(), **CLOSE)
    loose = scipy.special.rel_entr(LOOSE, p).sum()
    np.testing.assert_allclose(F.kl_divergence(Z, LOOSE, reduction="sum"), loose, **CLOSE)

    def theirs(z):
        return optax.kl_divergence(jax.nn.log_softmax(z), SOFT).mean()

    np.testing.assert_allclose(F.kl_divergence(Z, SOFT), theirs(Z), **CLOSE)
    np.testing.assert_allclose(F.kl_divergence_grad(Z, SOFT), jax.grad(theirs)(Z), **CLOSE)


def test_binary_cross_entropy_is_that_of_optax_and_scikit_learn():
    w = RNG.uniform(0.5, 2, P.shape)

    def theirs(z):
        return (w * optax.sigmoid_binary_cross_entropy(z, ODDS)).mean()

    np.testing.assert_allclose(F.bce_with_logits(P, ODDS, weights=w), theirs(P), **CLOSE)
    slope = F.bce_with_logits_grad(P, ODDS, weights=w)
    np.testing.assert_allclose(slope, jax.grad(theirs)(P), **CLOSE)
    _, product = jax.jvp(jax.grad(theirs), (P,), (T,))
    np.testing.assert_allclose(F.bce_with_logits_hess(P, ODDS, weights=w) * T, product, **CLOSE)
    yes = SIGNS.ravel() > 0
    found = F.bce_with_logits(P.ravel(), yes)
    assert found == pytest.approx(metrics.log_loss(yes, scipy.special.expit(P.ravel())), rel=1e-12)


MEASURED = {
    "mse": (F.mse, F.mse_grad, lambda p: optax.squared_error(p, T)),
    "squared_error": (F.squared_error, F.squared_error_grad, lambda p: optax.l2_loss(p, T).sum(-1)),
    "mae": (F.mae, F.mae_grad, lambda p: jnp.abs(p - T)),
    "huber": (F.huber, F.huber_grad, lambda p: optax.huber_loss(p, T, delta=1.0)),
}  # fmt: skip


@pytest.mark.parametrize("name", MEASURED)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_of_measured_numbers_are_those_of_optax(name, reduction):
    ours, grad, theirs = MEASURED[name]
    reduce = {"mean": jnp.mean, "sum": jnp.sum, "none": lambda x: x}[reduction]
    np.testing.assert_allclose(ours(P, T, reduction=reduction), reduce(theirs(P)), **CLOSE)
    total = jnp.mean if reduction == "mean" else jnp.sum
    np.testing.assert_allclose(
        grad(P, T, reduction=reduction), jax.grad(lambda p: total(theirs(p)))(P), **CLOSE
    )


@pytest.mark.parametrize("delta", [0.1, 0.75, 5.0])
def test_huber_is_that_of_scipy_and_optax(delta):
    single = scipy.special.huber(delta, P - T)
    np.testing.assert_allclose(F.huber(P, T, delta=delta, reduction="none"), single, **CLOSE)
    slope = jax.grad(lambda p: optax.huber_loss(p, T, delta=delta).mean())(P)
    np.testing.assert_allclose(F.huber_grad(P, T, delta=delta), slope, **CLOSE)


def test_errors_are_those_of_scikit_learn():
    assert F.mse(P, T) == pytest.approx(metrics.mean_squared_error(T, P), rel=1e-13)
    assert F.mae(P, T) == pytest.approx(metrics.mean_absolute_error(T, P), rel=1e-13)


def test_hinge_is_that_of_optax_and_scikit_learn():
    single = optax.hinge_loss(P, SIGNS)
    np.testing.assert_allclose(F.hinge(P, SIGNS, reduction="none"), single, **CLOSE)
    slope = jax.grad(lambda s: optax.hinge_loss(s, SIGNS).mean())(P)
    np.testing.assert_allclose(F.hinge_grad(P, SIGNS), slope, **CLOSE)
    theirs = metrics.hinge_loss(SIGNS.ravel(), P.ravel())
    assert F.hinge(P.ravel(), SIGNS.ravel()) == pytest.approx(theirs, rel=1e-13)
