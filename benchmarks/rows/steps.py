"""One training step, and one forward pass, of a network that reads MNIST: 784-128-64-10, ReLU."""

import itertools

import numpy as np

from benchmarks.harness import Candidate, Row
from benchmarks.rows import peers

SIZES = [784, 128, 64, 10]
BATCHES = 8  # they come round again; as in an epoch, a batch is seldom in the cache
TARGETS = {
    (32, "SGD"): {"PyTorch": 3.5, "JAX": 2, "limit": 0.45},
    (32, "Adam"): {"PyTorch": 3.3, "JAX": 1.4},
    (128, "SGD"): {"PyTorch": 1.8, "JAX": 1.5, "limit": 0.55},
    (128, "Adam"): {"PyTorch": 2.1, "JAX": 1.35},
    (512, "SGD"): {"PyTorch": 1.2, "JAX": 1.15, "limit": 0.62},
    (512, "Adam"): {"PyTorch": 1.3, "JAX": 1.1},
}
RATES = {"SGD": 0.1, "Adam": 0.001}


def start(seed=0):
    """Return He's start, the same for all."""
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(size=(n_out, n_in)) * np.sqrt(2 / n_in), np.zeros(n_out))
        for n_in, n_out in itertools.pairwise(SIZES)
    ]


def data(batch, dtype):
    """Return batches (X, y) of random pictures with labels that can be learned."""
    rng = np.random.default_rng(1)
    X = rng.random((BATCHES * batch, SIZES[0])).astype(dtype)
    y = (X @ rng.normal(size=(SIZES[0], SIZES[-1]))).argmax(axis=1)
    return [(X[i::BATCHES].copy(), y[i::BATCHES].copy()) for i in range(BATCHES)]


def nnbook(batch, rule, dtype):
    """Take steps with the engine."""
    from nnbook.learning.engine import Engine
    from nnbook.learning.optimizers import adam, sgd

    optimizer = {"SGD": sgd, "Adam": adam}[rule](RATES[rule])
    engine = Engine(start(), batch, optimizer=optimizer, dtype=dtype)
    batches = itertools.cycle(data(batch, dtype))
    return lambda: engine.step(*next(batches))


def torch(batch, rule, dtype):
    """Take steps with PyTorch as its tutorials do, eagerly."""
    import torch
    from torch.nn.functional import cross_entropy

    net = peers.torch_network(start(), torch.nn.ReLU, dtype)
    Rule = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}[rule]
    optimizer = Rule(net.parameters(), lr=RATES[rule])
    tensors = [(torch.tensor(X), torch.tensor(y)) for X, y in data(batch, dtype)]
    batches = itertools.cycle(tensors)

    def run():
        X, y = next(batches)
        optimizer.zero_grad()
        loss = cross_entropy(net(X), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


def jax(batch, rule, dtype):
    """Take steps with JAX, compiled, the old parameters' memory given away."""
    step, state = peers.jax_step(start(), rule, RATES[rule], dtype, "cross_entropy")
    import jax.numpy as jnp

    batches = itertools.cycle([(jnp.array(X), jnp.array(y)) for X, y in data(batch, dtype)])

    def run():
        nonlocal state
        state, loss = step(state, *next(batches))
        return float(loss)

    return run


def sklearn(batch, rule, dtype):
    """Take steps with MLPClassifier.partial_fit."""
    batches = data(batch, dtype)
    net = peers.sklearn_network(start(), rule, RATES[rule], batch, *batches[0], classes=range(10))
    batches = itertools.cycle(batches)

    def run():
        net.partial_fit(*next(batches))
        return net.loss_

    return run


def limits():
    """Return the products that say what the processor can do, one of each library."""

    def numpy_product():
        A, B = np.random.default_rng(0).random((2, 512, 512)).astype(np.float32)
        out = np.empty_like(A)

        def run():
            np.dot(A, B, out)

        return run

    def torch_product():
        import torch

        A, B = torch.rand(512, 512), torch.rand(512, 512)
        out = torch.empty(512, 512)
        torch.set_num_threads(1)

        def run():
            torch.mm(A, B, out=out)

        return run

    return {
        "np.dot at 512": Candidate(numpy_product, limit=True),
        "torch.mm at 512": Candidate(torch_product, "torch", limit=True),
    }


def step_row(batch, rule, dtype=np.float32, asked=None):
    """Return the row of one batch and optimizer."""
    weights = [a * b for a, b in itertools.pairwise(SIZES)]
    name = np.dtype(dtype).name
    forms = {
        "nnbook": Candidate(lambda: nnbook(batch, rule, dtype)),
        "PyTorch": Candidate(lambda: torch(batch, rule, dtype), "torch"),
        "JAX": Candidate(lambda: jax(batch, rule, dtype), "jax"),
        "scikit-learn": Candidate(lambda: sklearn(batch, rule, dtype), "sklearn"),
    }
    return Row(
        f"step-{batch}-{rule.lower()}" + ("-float64" if name == "float64" else ""),
        f"Training step, batch {batch}, {rule}" + (", float64" if name == "float64" else ""),
        forms | (limits() if name == "float32" else {}),
        asked or {},
        # MLPClassifier's Adam has ε before the correction of the moments
        rtol=1e-3 if rule == "SGD" else 5e-3,
        # three products a layer, and the first needs no gradient in its input
        flops=2 * batch * (3 * sum(weights) - weights[0]),
    )


def nnbook_forward():
    """Answer one example with the engine."""
    from nnbook.learning.engine import Engine
    from nnbook.learning.optimizers import sgd

    engine, [(X, _), *_] = Engine(start(), 1, optimizer=sgd(0.1)), data(1, np.float32)
    return lambda: engine.forward(X)[0, 0]


def torch_forward():
    """Answer one example without gradients."""
    import torch

    net = peers.torch_network(start(), torch.nn.ReLU, np.float32)
    X = torch.tensor(data(1, np.float32)[0][0])

    def run():
        with torch.inference_mode():
            return net(X)[0, 0].item()

    return run


def jax_forward():
    """Answer one example, compiled."""
    import jax

    params = peers.jax_params(start(), np.float32)
    X, answer = jax.numpy.array(data(1, np.float32)[0][0]), jax.jit(peers.jax_logits)
    return lambda: float(np.asarray(answer(params, X))[0, 0])


def sklearn_forward():
    """Answer one example with predict_proba, which MLPClassifier has in place of logits."""
    [(X, _), *_] = data(1, np.float32)
    batch = data(4, np.float32)[0]
    net = peers.sklearn_network(start(), "SGD", 0.1, 4, *batch, classes=range(10))

    def run():
        net.predict_proba(X)

    return run


ROWS = [step_row(batch, rule, asked=asked) for (batch, rule), asked in TARGETS.items()]
ROWS.append(
    Row(
        "forward-1",
        "Forward pass, one example",
        {
            "nnbook": Candidate(nnbook_forward),
            "PyTorch": Candidate(torch_forward, "torch"),
            "JAX": Candidate(jax_forward, "jax"),
            "scikit-learn": Candidate(sklearn_forward, "sklearn"),
        },
        {"PyTorch": 3.5, "JAX": 2.5},
    )
)
