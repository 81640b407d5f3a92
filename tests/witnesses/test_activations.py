"""The activations and softmax beside JAX and SciPy: values, slopes, gradients, an hvp."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from nnbook import functions as F

RNG = np.random.default_rng(2017)
Z = np.concatenate([RNG.normal(size=200) * 3, [-30.0, -8.5, -1e-9, 1e-9, 8.5, 30.0]])
TALL = RNG.normal(size=(2, 3, 4)) * 3

# Ours, its slope, JAX's, our options, and JAX's where they are called otherwise.
ROWS = [
    (F.relu, F.relu_prime, jax.nn.relu, {}, {}),
    (F.leaky_relu, F.leaky_relu_prime, jax.nn.leaky_relu, {"negative_slope": 0.3}, None),
    (F.sigmoid, F.sigmoid_prime, jax.nn.sigmoid, {}, {}),
    (F.tanh, F.tanh_prime, jnp.tanh, {}, {}),
    (F.softplus, F.softplus_prime, jax.nn.softplus, {}, {}),
    (F.gelu, F.gelu_prime, jax.nn.gelu, {}, {"approximate": False}),
    (F.gelu, F.gelu_prime, jax.nn.gelu, {"approximate": "tanh"}, {"approximate": True}),
    (F.silu, F.silu_prime, jax.nn.silu, {}, {}),
    (F.silu, F.silu_prime, lambda z, beta: z * jax.nn.sigmoid(beta * z), {"beta": 1.7}, None),
    (F.elu, F.elu_prime, jax.nn.elu, {"alpha": 0.7}, None),
    (F.selu, F.selu_prime, jax.nn.selu, {}, {}),
    (F.celu, F.celu_prime, jax.nn.celu, {"alpha": 0.7}, None),
    (F.mish, F.mish_prime, jax.nn.mish, {}, {}),
    (F.softsign, F.softsign_prime, jax.nn.soft_sign, {}, {}),
    (F.hard_sigmoid, F.hard_sigmoid_prime, jax.nn.hard_sigmoid, {}, {}),
    (F.hard_swish, F.hard_swish_prime, jax.nn.hard_swish, {}, {}),
]
rows = pytest.mark.parametrize(
    ("f", "f_prime", "theirs", "options", "named"), ROWS,
    ids=[r[0].__name__ + "".join(f", {k}" for k in r[3]) for r in ROWS],
)  # fmt: skip


@rows
def test_values_and_slopes_are_jax_s(f, f_prime, theirs, options, named):
    # JAX loses relative digits in the tails (gelu, mish and their slopes); ours are held to 2 ulp
    # by test_precision, so that here its error relative to 1 counts too.
    named = options if named is None else named
    value, back = jax.vjp(lambda z: theirs(z, **named), Z)
    np.testing.assert_allclose(f(Z, **options), value, rtol=1e-13, atol=2e-15)
    slope = back(np.ones_like(Z))[0]
    np.testing.assert_allclose(f_prime(Z, **options), slope, rtol=1e-12, atol=4e-14)


@pytest.mark.parametrize(
    ("f_prime", "theirs", "options", "kinks"),
    [
        (F.relu_prime, jax.nn.relu, {}, [0.0]),
        (F.elu_prime, jax.nn.elu, {"alpha": 0.7}, [0.0]),
        (F.selu_prime, jax.nn.selu, {}, [0.0]),
        (F.celu_prime, jax.nn.celu, {"alpha": 0.7}, [0.0]),
        (F.hard_sigmoid_prime, jax.nn.hard_sigmoid, {}, [-3.0, 3.0]),
        (F.hard_swish_prime, jax.nn.hard_swish, {}, [-3.0, 3.0]),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_the_choice_at_each_kink_is_jax_s(f_prime, theirs, options, kinks):
    # But not leaky ReLU's, which is 1 at 0 there; here it is the left slope, as in PyTorch.
    slope = jax.vjp(lambda z: theirs(z, **options), np.array(kinks))[1](np.ones(len(kinks)))[0]
    np.testing.assert_allclose(f_prime(kinks, **options), slope, rtol=1e-15)


def test_prelu_and_its_gradients_are_jax_s():
    alpha = np.array([0.3, -0.1, 0.0])
    g = RNG.normal(size=TALL.shape)

    def theirs(z, alpha):
        return jnp.where(z > 0, z, alpha[None, :, None] * z)

    value, back = jax.vjp(theirs, TALL, alpha)
    np.testing.assert_array_equal(F.prelu(TALL, alpha), value)
    for ours, other in zip(F.prelu_vjp(g, TALL, alpha), back(g), strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-13)


PAIRS = [
    (F.softmax, F.softmax_vjp, jax.nn.softmax, special.softmax),
    (F.log_softmax, F.log_softmax_vjp, jax.nn.log_softmax, special.log_softmax),
    (F.logsumexp, F.logsumexp_vjp, jax.scipy.special.logsumexp, special.logsumexp),
]


@pytest.mark.parametrize(("ours", "vjp", "theirs", "scipys"), PAIRS, ids=lambda f: f.__name__)
@pytest.mark.parametrize(("axis", "temperature"), [(-1, 1.0), ((0, 2), 0.6)])
def test_softmax_and_its_kin_are_jax_s_and_scipy_s(ours, vjp, theirs, scipys, axis, temperature):
    options = {"axis": axis, "temperature": temperature}
    value, back = jax.vjp(lambda z: theirs(z / temperature, axis=axis), TALL)
    np.testing.assert_allclose(ours(TALL, **options), value, rtol=1e-12, atol=1e-14)
    expected = scipys(TALL / temperature, axis=axis)
    np.testing.assert_allclose(ours(TALL, **options), expected, rtol=1e-12, atol=1e-14)
    g = np.asarray(RNG.normal(size=value.shape))
    np.testing.assert_allclose(vjp(g, TALL, **options), back(g)[0], rtol=1e-11, atol=1e-14)


def test_the_slope_of_the_slope_of_logsumexp_is_jax_s():
    z, t = TALL[0, 0], RNG.normal(size=4)
    slope = jax.grad(jax.scipy.special.logsumexp)
    turned = jax.jvp(slope, (z,), (t,))[1]
    np.testing.assert_allclose(F.softmax_vjp(t, z), turned, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (F.sigmoid, special.expit),
        (F.softplus, lambda z: special.xlog1py(1, np.exp(z))),
        (F.elu, lambda z: np.where(z > 0, z, special.expm1(z))),
        (F.tanh, lambda z: 2 * special.expit(2 * z) - 1),
        (F.silu, lambda z: z * special.expit(z)),
    ],
)
def test_values_are_scipy_s(ours, theirs):
    np.testing.assert_allclose(ours(Z), theirs(Z), rtol=1e-13, atol=1e-15)
