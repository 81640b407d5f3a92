"""A thousand 2-4-1 networks on XOR side by side, float64, 500 epochs of full-batch descent."""

import numpy as np

from benchmarks.harness import Candidate, Row
from benchmarks.rows.one_network import X, Y

NETWORKS, EPOCHS, RATE = 1000, 500, 1.0


def start():
    """Return W1 (S, 4, 2), b1 (S, 1, 4), W2 (S, 1, 4), b2 (S, 1, 1)."""
    rng = np.random.default_rng(0)
    W1 = rng.normal(size=(NETWORKS, 4, 2))
    W2 = rng.normal(size=(NETWORKS, 1, 4)) * np.sqrt(0.5)
    return W1, np.zeros((NETWORKS, 1, 4)), W2, np.zeros((NETWORKS, 1, 1))


def nnbook():
    """Train with train_many."""
    from nnbook.learning import sgd, train_many

    W1, b1, W2, b2 = (np.ascontiguousarray(np.moveaxis(a, 0, -1)) for a in start())
    params = [(W1, b1[0]), (W2, b2[0])]

    def run():
        runs = train_many(params, X, Y.astype(int), optimizer=sgd(RATE), epochs=EPOCHS)
        return runs.cost[-1].mean()

    return run


def torch():
    """Train with PyTorch's batched products."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    torch.set_num_threads(1)
    inputs, targets = torch.tensor(X), torch.tensor(Y).expand(NETWORKS, 4, 1)

    def loss_of(params):
        W1, b1, W2, b2 = params
        hidden = torch.relu(inputs @ W1.mT + b1)
        logits = hidden @ W2.mT + b2
        # the mean over the points and the sum over the networks, which are independent
        return NETWORKS * binary_cross_entropy_with_logits(logits, targets)

    def run():
        params = [torch.tensor(a, requires_grad=True) for a in start()]
        optimizer = torch.optim.SGD(params, lr=RATE)
        for _ in range(EPOCHS):
            optimizer.zero_grad()
            loss_of(params).backward()
            optimizer.step()
        with torch.no_grad():
            return loss_of(params).item() / NETWORKS

    return run


def jax():
    """Train with vmap over the networks and scan over the epochs, compiled as one."""
    import jax

    jax.config.update("jax_enable_x64", True)
    inputs, targets, begin = jax.numpy.array(X), jax.numpy.array(Y), start()

    def loss(params):
        W1, b1, W2, b2 = params
        z = jax.nn.relu(inputs @ W1.T + b1) @ W2.T + b2
        return (jax.nn.softplus(z) - targets * z).mean()

    def epoch(params, _):
        grads = jax.grad(loss)(params)
        return jax.tree_util.tree_map(lambda p, g: p - RATE * g, params, grads), None

    @jax.jit
    @jax.vmap
    def train(params):
        params, _ = jax.lax.scan(epoch, params, None, length=EPOCHS)
        return loss(params)

    return lambda: float(train(begin).mean())


ROWS = [
    Row(
        "many-networks",
        "1,000 such networks together, 500 epochs",
        {
            "nnbook": Candidate(nnbook),
            "PyTorch": Candidate(torch, "torch"),
            "JAX": Candidate(jax, "jax"),
        },
        {"PyTorch": 5.5, "JAX": 1.2},
        rtol=1e-2,  # a run on a kink of ReLU follows the last bit to another plateau
    )
]
