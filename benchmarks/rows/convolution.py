"""A 3 by 3 convolution with padding 1, forward and backward: the image's, filters' and biases'."""

import numpy as np

from benchmarks.harness import Candidate, Row

SHAPES = {
    "small": ((32, 1, 28, 28), 8, {"PyTorch": 2.5, "JAX": 4}),
    "deep": ((16, 16, 14, 14), 32, {"PyTorch": 0.75, "JAX": 1.3}),
}


def data(shape, filters):
    """Return x, W, b and the gradient g that comes back, float32."""
    rng = np.random.default_rng(0)
    N, C, height, width = shape
    shapes = (shape, (filters, C, 3, 3), (filters,), (N, filters, height, width))
    return [rng.normal(size=one).astype(np.float32) for one in shapes]


def probe(y, gradients):
    """Return a number that every result moves."""
    return sum(float(np.asarray(array).ravel()[7 % array.size]) for array in (y, *gradients))


def nnbook(shape, filters):
    """Use conv2d and conv2d_vjp."""
    from nnbook.functions import conv2d, conv2d_vjp

    x, W, b, g = data(shape, filters)
    return lambda: probe(conv2d(x, W, b, padding=1), conv2d_vjp(g, x, W, b, padding=1))


def torch(shape, filters):
    """Use PyTorch's conv2d and autograd."""
    import torch

    torch.set_num_threads(1)
    x, W, b, g = map(torch.tensor, data(shape, filters))
    leaves = [leaf.requires_grad_() for leaf in (x, W, b)]

    def run():
        y = torch.nn.functional.conv2d(*leaves, padding=1)
        gradients = torch.autograd.grad(y, leaves, g)
        return probe(y.detach().numpy(), [gradient.numpy() for gradient in gradients])

    return run


def jax(shape, filters):
    """Use JAX's convolution and vjp, compiled."""
    import jax

    def both(x, W, b, g):
        def forward(x, W, b):
            layout = ("NCHW", "OIHW", "NCHW")
            y = jax.lax.conv_general_dilated(
                x, W, (1, 1), ((1, 1), (1, 1)), dimension_numbers=layout
            )
            return y + b[:, None, None]

        y, back = jax.vjp(forward, x, W, b)
        return y, back(g)

    arrays, run = [jax.numpy.array(a) for a in data(shape, filters)], jax.jit(both)
    return lambda: probe(*run(*arrays))


def row(name):
    """Return the row of one shape."""
    shape, filters, asked = SHAPES[name]
    return Row(
        f"conv2d-{name}",
        f"conv2d and back, {'×'.join(map(str, shape))}, {filters} filters 3×3",
        {
            "nnbook": Candidate(lambda: nnbook(shape, filters)),
            "PyTorch": Candidate(lambda: torch(shape, filters), "torch"),
            "JAX": Candidate(lambda: jax(shape, filters), "jax"),
        },
        asked,
    )


ROWS = [row(name) for name in SHAPES]
