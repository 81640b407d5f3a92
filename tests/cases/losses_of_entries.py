"""Losses that each entry has of its own: measured numbers, yes or no, margins."""

import numpy as np

from nnbook.functions import (
    bce_with_logits,
    bce_with_logits_grad,
    bce_with_logits_hess,
    hinge,
    hinge_grad,
    huber,
    huber_grad,
    mae,
    mae_grad,
    mse,
    mse_grad,
    squared_error,
    squared_error_grad,
)
from tests.cases.base import Bad, Case, sizes_of

MEAN = ("random", "one")
ALL = (*MEAN, "empty")
REDUCTIONS = {"mean": MEAN, "sum": ALL, "none": ALL}


def measured(axes=2, **keywords):
    def draw(rng, size):
        shape = sizes_of(rng, size, axes)
        return (rng.normal(size=shape) * 2, rng.normal(size=shape)), dict(keywords)

    return draw


def yes_or_no(axes=2, weights=False, **keywords):
    def draw(rng, size):
        shape = sizes_of(rng, size, axes)
        more = {"weights": rng.uniform(0.5, 2, shape)} if weights else {}
        return (rng.normal(size=shape) * 3, rng.uniform(size=shape)), keywords | more

    return draw


def signs(axes=2, **keywords):
    def draw(rng, size):
        shape = sizes_of(rng, size, axes)
        return (rng.normal(size=shape) * 2, rng.choice([-1.0, 1.0], shape)), dict(keywords)

    return draw


def each(grad):
    """Return the vjp of a loss that is not reduced: its gradient is that of the sum."""

    def call(g, args, kwargs):
        slope = grad(*args, **kwargs)
        return g.reshape(g.shape + (1,) * (slope.ndim - g.ndim)) * slope

    return call


def bends(g, args, kwargs):
    return g * bce_with_logits_hess(*args, **kwargs)


def reduced(loss, grad, drawing, kinks=None, **keywords):
    """Return a case for each reduction, with one, two and three axes."""
    rows = []
    for axes, (reduction, sizes) in enumerate(REDUCTIONS.items(), start=1):
        rows.append(
            Case(
                f"{loss.__name__}, {reduction}{''.join(f', {k}={v}' for k, v in keywords.items())}",
                loss,
                drawing(axes, reduction=reduction, **keywords),
                grad,
                call=each(grad) if reduction == "none" else None,
                kinks=kinks,
                sizes=sizes,
            )
        )
    return rows


CASES = [
    *reduced(mse, mse_grad, measured),
    *reduced(squared_error, squared_error_grad, measured),
    *reduced(mae, mae_grad, measured, lambda p, t, **_: [p - t]),
    *reduced(
        huber, huber_grad, measured, lambda p, t, delta, **_: [np.abs(p - t) - delta], delta=0.7
    ),
    *reduced(hinge, hinge_grad, signs, lambda s, y, **_: [1 - y * s]),
    *reduced(bce_with_logits, bce_with_logits_grad, yes_or_no),
    *reduced(bce_with_logits, bce_with_logits_grad, yes_or_no, weights=True),
    Case("bce_with_logits_grad", bce_with_logits_grad, yes_or_no(), bce_with_logits_hess,
         call=bends, sizes=MEAN),
    Case("bce_with_logits_grad, weights, sum", bce_with_logits_grad,
         yes_or_no(3, weights=True, reduction="sum"), bce_with_logits_hess, call=bends, sizes=ALL),
]  # fmt: skip

Z, Y = np.zeros((4, 3)), np.ones((4, 3))
BINARY = [bce_with_logits, bce_with_logits_grad, bce_with_logits_hess]
MEASURED = [mse, mse_grad, squared_error, squared_error_grad, mae, mae_grad, huber, huber_grad]


def rows_of(f, first, second):
    """Return what all these losses refuse; the names are those of their two arguments."""
    return [
        ("one shape flat", (Z[:, :1], Y[:, 0]), {}, ValueError,
         rf"{first} and {second} must have the same shape, .* NumPy would broadcast"),
        ("transposed", (Z, Y.T), {}, ValueError, rf"transposed: {second}\.T"),
        ("a number for a batch", (0.0, 1.0), {}, ValueError, rf"{first} must have an axis of ex"),
        ("NaN among the targets", (Z, Y * np.nan), {}, ValueError, rf"{second}\[0, 0\] is nan"),
        ("an empty batch", (Z[:0], Y[:0]), {}, ValueError, rf"{first} is empty, shape \(0, 3\)"),
        ("an unknown reduction", (Z, Y), {"reduction": "average"}, ValueError,
         r"reduction must be 'mean', 'sum' or 'none', got 'average'"),
        ("a reduction that is no word", (Z, Y), {"reduction": True}, TypeError,
         r"reduction must be 'mean', 'sum' or 'none', got True"),
    ]  # fmt: skip


def weighed_rows():
    return [
        ("a target above 1", (Z, Y * 1.5), {}, ValueError, r"targets\[0, 0\] is 1.5, .* \[0, 1\]"),
        ("a label of -1", (Z, -Y), {}, ValueError, r"targets\[0, 0\] is -1.0.*targets \+ 1\) / 2"),
        ("a weight for each column", (Z, Y), {"weights": np.ones(3)}, ValueError,
         r"logits and weights must have the same shape"),
        ("a negative weight", (Z, Y), {"weights": -Y}, ValueError, r"weights\[0, 0\] is -1.0, but"),
        ("a NaN weight", (Z, Y), {"weights": Y * np.nan}, ValueError, r"weights\[0, 0\] is nan"),
        ("an infinite weight", (Z, Y), {"weights": Y * np.inf}, ValueError, r"weights\[0, 0\] is"),
        ("weights of text", (Z, Y), {"weights": Y.astype(str)}, TypeError, "weights must hold"),
    ]  # fmt: skip


def delta_rows():
    bad = [
        (0.0, ValueError, r"\(0, inf\), got 0.0"),
        (-1.0, ValueError, "got -1.0"),
        (np.nan, ValueError, "got nan"),
        (np.inf, ValueError, "got inf"),
        ("1", TypeError, "single real number"),
        ([1.0], TypeError, "single real number"),
    ]
    return [
        (f"delta={value!r}", (Z, Y), {"delta": value}, kind, f"delta must .*{told}")
        for value, kind, told in bad
    ]


def sign_rows():
    return [
        ("labels 0 and 1", (Z, Y * 0), {}, ValueError,
         r"targets\[0, 0\] is 0.0, but a label is -1 or \+1; .* 2 \* targets - 1"),
        ("a label of 2", (Z, Y * 2), {}, ValueError, r"targets\[0, 0\] is 2.0, but .* \+1$"),
    ]  # fmt: skip


def bad_of(f, rows):
    return [
        Bad(f"{f.__name__}, {what}", lambda args=args, keywords=keywords: f(*args, **keywords),
            kind, told)
        for what, args, keywords, kind, told in rows
    ]  # fmt: skip


BAD = []
for f in BINARY:
    BAD += bad_of(f, rows_of(f, "logits", "targets") + weighed_rows())
for f in MEASURED:
    BAD += bad_of(f, rows_of(f, "prediction", "target"))
for f in (huber, huber_grad):
    BAD += bad_of(f, delta_rows())
for f in (hinge, hinge_grad):
    BAD += bad_of(f, rows_of(f, "scores", "targets") + sign_rows())
