"""One 2-4-1 network on the four points of XOR: a step costs what the calls cost."""

import numpy as np

from benchmarks.harness import Candidate, Row
from benchmarks.rows import peers

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([[0.0], [1.0], [1.0], [0.0]])


def start():
    """Return one start, in float64."""
    rng = np.random.default_rng(0)
    return [(rng.normal(size=(4, 2)), np.zeros(4)),
            (rng.normal(size=(1, 4)) * np.sqrt(0.5), np.zeros(1))]  # fmt: skip


def nnbook():
    """Take full-batch steps with the engine."""
    from nnbook.learning.engine import Engine
    from nnbook.learning.optimizers import sgd

    engine = Engine(start(), 4, optimizer=sgd(0.1), loss="bce_with_logits", dtype=np.float64)
    return lambda: engine.step(X, Y)


def torch():
    """Take full-batch steps with PyTorch."""
    import torch

    net = peers.torch_network(start(), torch.nn.ReLU, np.float64)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    inputs, targets = torch.tensor(X), torch.tensor(Y)

    def run():
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(net(inputs), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


def jax():
    """Take full-batch steps with JAX, compiled one by one."""
    step, state = peers.jax_step(start(), "SGD", 0.1, np.float64, "bce")
    import jax.numpy as jnp

    inputs, targets = jnp.array(X), jnp.array(Y)

    def run():
        nonlocal state
        state, loss = step(state, inputs, targets)
        return float(loss)

    return run


def sklearn():
    """Take full-batch steps with MLPClassifier.partial_fit."""
    y = Y[:, 0].astype(int)
    net = peers.sklearn_network(start(), "SGD", 0.1, 4, X, y, classes=range(2))

    def run():
        net.partial_fit(X, y)
        return net.loss_

    return run


ROWS = [
    Row(
        "one-network",
        "One 2-4-1 network, full-batch step, float64",
        {
            "nnbook": Candidate(nnbook),
            "PyTorch": Candidate(torch, "torch"),
            "JAX": Candidate(jax, "jax"),
            "scikit-learn": Candidate(sklearn, "sklearn"),
        },
        {"PyTorch": 18},
    )
]
