"""A step of a 2-16-16-1 network on a hundred points of two moons, differentiated automatically."""

import itertools

import numpy as np

from benchmarks.harness import Candidate, Row
from benchmarks.rows import peers

SIZES, RATE = [2, 16, 16, 1], 0.1


def start():
    """Return He's start."""
    rng = np.random.default_rng(0)
    return [(rng.normal(size=(n_out, n_in)) * np.sqrt(2 / n_in), np.zeros(n_out))
            for n_in, n_out in itertools.pairwise(SIZES)]  # fmt: skip


def moons():
    """Return two half circles that reach into each other, as (X, y) with y of shape (100, 1)."""
    angle = np.linspace(0, np.pi, 50)
    one = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    two = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    noise = np.random.default_rng(1).normal(size=(100, 2))
    return np.concatenate([one, two]) + 0.1 * noise, np.repeat([[0.0], [1.0]], 50, axis=0)


def nnbook():
    """Take steps with value_and_grad on the array tape."""
    from nnbook.learning import value_and_grad
    from nnbook.learning.lifted import affine, bce_with_logits, relu

    X, y = moons()
    params = start()

    def loss(params):
        *hidden, (W, b) = params
        A = X
        for V, c in hidden:
            A = relu(affine(A, V, c))
        return bce_with_logits(affine(A, W, b), y)

    slope = value_and_grad(loss)

    def run():
        nonlocal params
        value, grads = slope(params)
        params = [
            (W - RATE * dW, b - RATE * db)
            for (W, b), (dW, db) in zip(params, grads, strict=True)
        ]
        return value

    return run


def torch():
    """Take steps with PyTorch."""
    import torch

    net = peers.torch_network(start(), torch.nn.ReLU, np.float64)
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE)
    X, y = map(torch.tensor, moons())

    def run():
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(net(X), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


def jax():
    """Take steps with JAX, compiled."""
    step, state = peers.jax_step(start(), "SGD", RATE, np.float64, "bce")
    import jax.numpy as jnp

    X, y = map(jnp.array, moons())

    def run():
        nonlocal state
        state, loss = step(state, X, y)
        return float(loss)

    return run


ROWS = [
    Row(
        "autodiff",
        "Autodiff step on moons, 100 points, 2-16-16-1",
        {
            "nnbook": Candidate(nnbook),
            "PyTorch": Candidate(torch, "torch"),
            "JAX": Candidate(jax, "jax"),
        },
        {"PyTorch": 4, "JAX": 0.9},
    )
]
