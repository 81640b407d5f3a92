"""Normalisation and dropout beside JAX: its vjp of the formulas, and its own standardize."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnbook.functions import (
    batch_norm,
    batch_norm_vjp,
    dropout,
    dropout_mask,
    dropout_vjp,
    group_norm,
    group_norm_vjp,
    instance_norm,
    instance_norm_vjp,
    layer_norm,
    layer_norm_vjp,
    rms_norm,
    rms_norm_vjp,
)

RNG = np.random.default_rng(0)
X, G = RNG.normal(size=(4, 6, 5)) + 1, RNG.normal(size=(4, 6, 5))
CLOSE = {"rtol": 1e-11, "atol": 1e-12}


def standardized(x, axes, eps):
    mean = jnp.mean(x, axis=axes, keepdims=True)
    return (x - mean) / jnp.sqrt(jnp.var(x, axis=axes, keepdims=True) + eps)


def channels(v):
    return v[:, None]


def compare(ours, ours_vjp, theirs, arguments, g):
    """Hold values and gradients to what JAX finds for a formula."""
    value, pullback = jax.vjp(theirs, *map(jnp.asarray, arguments))
    found = ours(*arguments)
    np.testing.assert_allclose(found, value, **CLOSE)
    gradients = ours_vjp(g, *arguments)
    for mine, true in zip(gradients, pullback(jnp.asarray(g)), strict=True):
        np.testing.assert_allclose(mine, true, **CLOSE)


@pytest.mark.parametrize("eps", [1e-5, 0.3])
def test_layer_norm(eps):
    gain, shift = RNG.normal(size=(2, 6, 5))
    options = {"axis": (1, 2), "eps": eps}
    compare(
        lambda *a: layer_norm(*a, **options),
        lambda g, *a: layer_norm_vjp(g, *a, **options),
        lambda x, a, b: a * standardized(x, (1, 2), eps) + b,
        (X, gain, shift),
        G,
    )


def test_layer_norm_beside_standardize():
    for axis in (-1, (1, 2), 0):
        theirs = jax.nn.standardize(jnp.asarray(X), axis=axis, epsilon=1e-5)
        np.testing.assert_allclose(layer_norm(X, axis=axis), theirs, **CLOSE)


@pytest.mark.parametrize("eps", [1e-5, 0.3])
def test_rms_norm(eps):
    compare(
        lambda *a: rms_norm(*a, eps=eps),
        lambda g, *a: rms_norm_vjp(g, *a, eps=eps),
        lambda x, a: a * x / jnp.sqrt(jnp.mean(x * x, axis=-1, keepdims=True) + eps),
        (X, RNG.normal(size=5)),
        G,
    )


def test_group_norm():
    gain, shift = RNG.normal(size=(2, 6))

    def theirs(x, a, b):
        normal = standardized(x.reshape(4, 3, 2, 5), (2, 3), 1e-5).reshape(x.shape)
        return channels(a) * normal + channels(b)

    compare(
        lambda *a: group_norm(*a, groups=3),
        lambda g, *a: group_norm_vjp(g, *a, groups=3),
        theirs,
        (X, gain, shift),
        G,
    )


def test_instance_norm():
    gain, shift = RNG.normal(size=(2, 6))
    compare(
        instance_norm,
        instance_norm_vjp,
        lambda x, a, b: channels(a) * standardized(x, -1, 1e-5) + channels(b),
        (X, gain, shift),
        G,
    )


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_with_its_running_statistics(training):
    gain, shift, mean = RNG.normal(size=(3, 6))
    var = RNG.uniform(0.5, 2, size=6)
    arguments = (X, gain, shift, mean, var)

    def theirs(x, a, b, old_mean, old_var):
        if not training:
            normal = (x - channels(old_mean)) / jnp.sqrt(channels(old_var) + 1e-5)
            return channels(a) * normal + channels(b), old_mean, old_var
        y = channels(a) * standardized(x, (0, 2), 1e-5) + channels(b)
        new_mean = 0.8 * old_mean + 0.2 * jnp.mean(x, axis=(0, 2))
        return y, new_mean, 0.8 * old_var + 0.2 * jnp.var(x, axis=(0, 2), ddof=1)

    options = {"training": training, "momentum": 0.2}
    values, pullback = jax.vjp(theirs, *map(jnp.asarray, arguments))
    for mine, true in zip(batch_norm(*arguments, **options), values, strict=True):
        np.testing.assert_allclose(mine, true, **CLOSE)
    g = (G, RNG.normal(size=6), RNG.normal(size=6))
    gradients = batch_norm_vjp(g, *arguments, **options)
    for mine, true in zip(gradients, pullback(tuple(map(jnp.asarray, g))), strict=True):
        np.testing.assert_allclose(mine, true, **CLOSE)


def test_dropout():
    mask = dropout_mask(X.shape, 0.3, np.random.default_rng(1))
    compare(
        lambda x: dropout(x, 0.3, mask=mask),
        lambda g, x: (dropout_vjp(g, x, 0.3, mask=mask),),
        lambda x: jnp.where(mask, x / 0.7, 0.0),
        (X,),
        G,
    )
