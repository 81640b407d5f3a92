"""Work on which NumPy may lose: no erf among its functions, no fused passes, float64 at length."""

import numpy as np

from benchmarks.harness import Candidate, Row
from benchmarks.rows.steps import step_row


def data(shape):
    """Return an array and a gradient, float32."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, *shape)).astype(np.float32)


def nnbook_gelu(shape):
    """Use gelu and gelu_prime."""
    from nnbook.functions import gelu, gelu_prime

    z, g = data(shape)

    def run():
        return gelu(z).ravel()[5] + (g * gelu_prime(z)).ravel()[5]

    return run


def nnbook_softmax(shape):
    """Use softmax and softmax_vjp."""
    from nnbook.functions import softmax, softmax_vjp

    z, g = data(shape)

    def run():
        return softmax(z).ravel()[5] + softmax_vjp(g, z).ravel()[5]

    return run


def torch(name, shape):
    """Use a function of PyTorch and autograd."""
    import torch

    torch.set_num_threads(1)
    z, g = map(torch.tensor, data(shape))
    z.requires_grad_()
    function = {
        "gelu": torch.nn.functional.gelu, "softmax": lambda z: torch.softmax(z, dim=-1),
    }[name]  # fmt: skip

    def run():
        y = function(z)
        [slope] = torch.autograd.grad(y, z, g)
        return y.ravel()[5].item() + slope.ravel()[5].item()

    return run


def jax(name, shape):
    """Use a function of JAX and its vjp, compiled."""
    import jax

    z, g = map(jax.numpy.array, data(shape))
    function = {
        "gelu": lambda z: jax.nn.gelu(z, approximate=False), "softmax": jax.nn.softmax,
    }[name]  # fmt: skip

    @jax.jit
    def both(z, g):
        y, back = jax.vjp(function, z)
        return y, back(g)[0]

    def run():
        y, slope = both(z, g)
        return np.asarray(y).ravel()[5] + np.asarray(slope).ravel()[5]

    return run


def row(name, title, ours, shape):
    """Return the row of one function."""
    return Row(
        name,
        title,
        {
            "nnbook": Candidate(lambda: ours(shape)),
            "PyTorch": Candidate(lambda: torch(name, shape), "torch"),
            "JAX": Candidate(lambda: jax(name, shape), "jax"),
        },
    )


ROWS = [
    row("gelu", "gelu and its derivative, a million numbers", nnbook_gelu, (1000, 1000)),
    row("softmax", "softmax over 1,000 classes and back, 1,000 rows", nnbook_softmax, (1000, 1000)),
    step_row(512, "SGD", np.float64),
    step_row(512, "Adam", np.float64),
]
