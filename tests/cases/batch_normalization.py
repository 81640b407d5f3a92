import numpy as np

from nnbook.functions import batch_norm, batch_norm_vjp
from tests.cases.base import Bad, Case, sizes_of

X = np.arange(6.0).reshape(3, 2)
MEAN, VAR = np.zeros(2), np.ones(2)


def batch(axes, parameters, **options):
    """Return a way to draw x and four parameters, None for those whose letter is missing."""

    def draw(rng, size):
        shape = sizes_of(rng, size, axes)
        if size == "empty":  # no channels: an empty batch has no statistics
            shape[0], shape[1] = 3, 0
        x = 2 * rng.normal(size=shape) + 1
        values = [rng.normal(size=shape[1]) for _ in "gsm"]
        values.append(rng.uniform(0.5, 2, size=shape[1]))
        given = [v if p in parameters else None for p, v in zip("gsmv", values, strict=True)]
        return (x, *given), options

    return draw


TRAINING = {"sizes": ("random", "empty")}

CASES = [
    Case(
        "batch_norm, training",
        batch_norm,
        batch(2, "gsmv"),
        batch_norm_vjp,
        of=(0, 1, 2, 3, 4),
        free={0: (0,)},
        any_rank=(0,),
        **TRAINING,
    ),
    Case(
        "batch_norm, training, images, momentum",
        batch_norm,
        batch(4, "gsmv", momentum=0.7),
        batch_norm_vjp,
        of=(0, 1, 2, 3, 4),
        free={0: (0, 2, 3)},
        any_rank=(0,),
        **TRAINING,
    ),
    Case(
        "batch_norm, training, nothing given",
        batch_norm,
        batch(3, "", eps=0.5),
        batch_norm_vjp,
        free={0: (0, 1, 2)},
        any_rank=(0,),
        **TRAINING,
    ),
    Case(
        "batch_norm, training, y alone",
        batch_norm,
        batch(3, "gs"),
        batch_norm_vjp,
        of=(0, 1, 2),
        outputs=lambda result: result.y,
        free={0: (0, 2)},
        any_rank=(0,),
        **TRAINING,
    ),
    Case(
        "batch_norm, inference",
        batch_norm,
        batch(2, "gsmv", training=False),
        batch_norm_vjp,
        of=(0, 1, 2, 3, 4),
        free={0: (0,)},
        any_rank=(0,),
    ),
    Case(
        "batch_norm, inference, images, no gain",
        batch_norm,
        batch(4, "smv", training=False),
        batch_norm_vjp,
        of=(0, 2, 3, 4),
        free={0: (0, 2, 3)},
        any_rank=(0,),
    ),
]

BAD = [
    Bad(
        "batch_norm of one example",
        lambda: batch_norm(X[:1]),
        ValueError,
        r"x has shape \(1, 2\), a batch of one example: training needs at least two values",
    ),
    Bad("batch_norm of no example", lambda: batch_norm(X[:0]), ValueError, "x has .*empty batch"),
    Bad("batch_norm of a row", lambda: batch_norm(X[0]), ValueError, r"x must have shape \(N, C\)"),
    Bad(
        "batch_norm, negative variance",
        lambda: batch_norm(X, None, None, MEAN, [1.0, -1.0]),
        ValueError,
        r"running_var\[1\] is -1.0.*exchanged with running_mean",
    ),
    Bad(
        "batch_norm, mean alone",
        lambda: batch_norm(X, None, None, MEAN),
        ValueError,
        "running_var is missing, but running_mean is given",
    ),
    Bad(
        "batch_norm, variance alone",
        lambda: batch_norm(X, None, None, None, VAR),
        ValueError,
        "running_mean is missing, but running_var is given",
    ),
    Bad(
        "batch_norm, inference without statistics",
        lambda: batch_norm(X, training=False),
        ValueError,
        "running_mean and running_var are needed",
    ),
    Bad("batch_norm, training 1", lambda: batch_norm(X, training=1), TypeError, "training must be"),
    Bad(
        "batch_norm, momentum 1.1", lambda: batch_norm(X, momentum=1.1), ValueError, "momentum must"
    ),
    Bad("batch_norm, momentum < 0", lambda: batch_norm(X, momentum=-0.1), ValueError, "momentum"),
    Bad("batch_norm, momentum NaN", lambda: batch_norm(X, momentum=np.nan), ValueError, "momentum"),
    Bad("batch_norm, momentum None", lambda: batch_norm(X, momentum=None), TypeError, "momentum"),
    Bad("batch_norm, eps < 0", lambda: batch_norm(X, eps=-1e-5), ValueError, "eps must"),
    Bad(
        "batch_norm, gain a batch", lambda: batch_norm(X, np.ones(3)), ValueError, "gain must have"
    ),
    Bad(
        "batch_norm, shift a row", lambda: batch_norm(X, None, X[:1]), ValueError, "shift must have"
    ),
    Bad(
        "batch_norm, running mean of three",
        lambda: batch_norm(X, None, None, np.zeros(3), VAR),
        ValueError,
        "running_mean must have",
    ),
    Bad(
        "batch_norm, running variance a number",
        lambda: batch_norm(X, None, None, MEAN, 1.0),
        ValueError,
        "running_var must have",
    ),
    Bad(
        "batch_norm_vjp, two cotangents", lambda: batch_norm_vjp((X, MEAN), X), ValueError, "g must"
    ),
    Bad("batch_norm_vjp, g", lambda: batch_norm_vjp(X.T, X), ValueError, "g and x must"),
    Bad(
        "batch_norm_vjp, cotangent of the mean",
        lambda: batch_norm_vjp((None, np.ones(3), None), X),
        ValueError,
        r"g\[1\] must have shape \(2,\)",
    ),
]
