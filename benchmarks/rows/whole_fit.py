"""A whole training: the digits of scikit-learn, 64-64-10, 50 epochs, batch 32, Adam.

Batches are shuffled anew for each epoch. nnbook and PyTorch draw the same permutations;
MLPClassifier draws its own. nnbook's `fit` measures loss and accuracy on all examples after each
epoch beside, and the others only add up the losses of their steps.
"""

import numpy as np

from benchmarks.harness import Candidate, Row
from benchmarks.rows import peers

EPOCHS, BATCH, RATE = 50, 32, 0.001


def digits():
    """Return the 1,797 images, scaled to [0, 1], float32, and their classes."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


def start():
    """Return He's start."""
    rng = np.random.default_rng(0)
    return [(rng.normal(size=(64, 64)) * np.sqrt(2 / 64), np.zeros(64)),
            (rng.normal(size=(10, 64)) * np.sqrt(2 / 64), np.zeros(10))]  # fmt: skip


def nnbook():
    """Call fit."""
    from nnbook.learning import fit
    from nnbook.learning.optimizers import adam

    X, y = digits()

    def run():
        rng = np.random.default_rng(1)
        done = fit(start(), X, y, optimizer=adam(RATE), epochs=EPOCHS, batch_size=BATCH, rng=rng)
        return done.history["accuracy"][-1]

    return run


def torch():
    """Write the loop that PyTorch's tutorials have."""
    import torch

    X, y = map(torch.tensor, digits())

    def run():
        net, rng = peers.torch_network(start(), torch.nn.ReLU, np.float32), np.random.default_rng(1)
        optimizer, running = torch.optim.Adam(net.parameters(), lr=RATE), 0.0
        for _ in range(EPOCHS):
            order = torch.tensor(rng.permutation(len(X)))
            for batch in order.split(BATCH):
                optimizer.zero_grad()
                loss = torch.nn.functional.cross_entropy(net(X[batch]), y[batch])
                loss.backward()
                optimizer.step()
                running += loss.item()
        with torch.no_grad():
            return (net(X).argmax(dim=1) == y).float().mean()

    return run


def sklearn():
    """Call MLPClassifier.fit, from the same weights."""
    X, y = digits()

    def run():
        net = peers.sklearn_network(
            start(), "Adam", RATE, BATCH, X[:BATCH], y[:BATCH], classes=range(10), epochs=EPOCHS
        )
        net.fit(X, y)
        return net.score(X, y)

    return run


ROWS = [
    Row(
        "fit",
        "Whole fit: digits, 64-64-10, 50 epochs, batch 32, Adam",
        {
            "nnbook": Candidate(nnbook, "sklearn"),
            "PyTorch": Candidate(torch, "torch"),
            "scikit-learn": Candidate(sklearn, "sklearn"),
        },
        {"PyTorch": 3, "scikit-learn": 5},
        rtol=0.01,  # shares of digits read right, by all three nearly all
    )
]
