"""Losses of classes: every option that changes the mathematics, and what each refuses."""

import numpy as np

from nnbook.functions import (
    cross_entropy,
    cross_entropy_grad,
    cross_entropy_hess,
    kl_divergence,
    kl_divergence_grad,
    log_softmax,
    nll,
    nll_grad,
    softmax,
)
from tests.cases.base import Bad, Case, sizes_of

MEAN = ("random", "one")  # a mean over no examples is refused


def drawing(kind, axes=2, axis=1, weights=False, **options):
    """Return a `draw` of logits with `axes` axes, the classes along `axis`, and of targets."""

    def draw(rng, size):
        shape = sizes_of(rng, size, axes)
        classes = shape.pop(1)
        z = rng.normal(size=(*shape, classes)) * 2
        if kind == "indices":
            targets = rng.integers(0, classes, shape)
            if "ignore_index" in options and targets.size > 1:
                targets.flat[1::3] = options["ignore_index"]
        else:
            targets = softmax(rng.normal(size=z.shape))
            if kind == "loose":
                targets = targets * rng.uniform(0.5, 2, (*shape, 1))
            targets = np.moveaxis(targets, -1, axis)
        keywords = dict(options)
        if axis != 1:
            keywords["axis"] = axis
        if weights:
            keywords["weights"] = rng.uniform(0.5, 2, classes)
        return (np.moveaxis(z, -1, axis), targets), keywords

    return draw


def logarithms(draw):
    """Return the same draw with log-probabilities for logits."""

    def drawn(rng, size):
        (z, targets), keywords = draw(rng, size)
        return (log_softmax(z, keywords.get("axis", 1)), targets), keywords

    return drawn


def each(grad):
    """Return the vjp of a loss that is not reduced: its gradient is that of the sum."""

    def call(g, args, kwargs):
        return np.expand_dims(g, kwargs.get("axis", 1)) * grad(*args, **kwargs)

    return call


def bends(g, args, kwargs):
    """Return gᵀH for the Hessian of each example."""
    axis = kwargs.get("axis", 1) % args[0].ndim
    hess = cross_entropy_hess(*args, **kwargs)
    with np.errstate(all="ignore"):
        return np.sum(np.expand_dims(g, axis + 1) * hess, axis)


OPTIONS = {
    "indices": drawing("indices"),
    "probabilities": drawing("soft"),
    "rows that do not sum to 1": drawing("loose"),
    "indices, weights": drawing("indices", weights=True),
    "probabilities, weights": drawing("loose", weights=True),
    "indices, ignored": drawing("indices", ignore_index=-100),
    "indices, smoothing": drawing("indices", label_smoothing=0.1),
    "probabilities, smoothing": drawing("soft", label_smoothing=0.3),
    "pixels, all options": drawing(
        "indices", 4, weights=True, ignore_index=0, label_smoothing=0.2, reduction="sum"
    ),
    "pixels, probabilities": drawing("soft", 3, weights=True, label_smoothing=0.2),
    "last axis": drawing("indices", 3, axis=-1, weights=True),
    "sum": drawing("indices", reduction="sum"),
}
SINGLE = {
    "none": drawing("indices", 3, reduction="none", ignore_index=-1, weights=True),
    "none, probabilities": drawing("loose", 3, axis=-1, reduction="none", label_smoothing=0.1),
}


def sizes_for(draw):
    _, keywords = draw(np.random.default_rng(0), "random")
    return MEAN if keywords.get("reduction", "mean") == "mean" else (*MEAN, "empty")


def free(name, draw):
    """A class more is no contradiction where neither targets nor weights count the classes."""
    args, keywords = draw(np.random.default_rng(0), "random")
    return {} if args[1].dtype == float or "weights" in keywords else {0: (1,)}


def cases_of(loss, grad, options, make=lambda draw: draw):
    rows = []
    for name, draw in options.items():
        call = each(grad) if name.startswith("none") else None
        rows.append(
            Case(
                f"{loss.__name__}, {name}",
                loss,
                make(draw),
                grad,
                call=call,
                sizes=sizes_for(draw),
                free=free(name, draw),
            )
        )
    return rows


SOFT = {name: draw for name, draw in OPTIONS.items() if name in (
    "probabilities", "rows that do not sum to 1")} | {
    "sum, pixels": drawing("soft", 4, reduction="sum"),
    "last axis": drawing("soft", 3, axis=-1),
    "none": drawing("loose", 3, reduction="none"),
}

CASES = [
    *cases_of(cross_entropy, cross_entropy_grad, OPTIONS | SINGLE),
    *cases_of(nll, nll_grad, OPTIONS | SINGLE, logarithms),
    *cases_of(kl_divergence, kl_divergence_grad, SOFT),
    *(
        Case(
            f"cross_entropy_grad, {name}",
            cross_entropy_grad,
            draw,
            cross_entropy_hess,
            call=bends,
            sizes=sizes_for(draw),
            free=free(name, draw),
        )
        for name, draw in (OPTIONS | SINGLE).items()
    ),
]

Z = np.zeros((4, 3))
LABELS = np.array([0, 2, 1, 1])
SHARES = np.full((4, 3), 1 / 3)
PIXELS = np.zeros((2, 3, 4, 5))
LOSSES = [cross_entropy, cross_entropy_grad, cross_entropy_hess, nll, nll_grad]


def bad_for(f):
    """Return the rows of one function; all five take the same arguments."""
    name = f.__name__
    scores = "log_probabilities" if name.startswith("nll") else "logits"
    rows = [
        ("a label out of range", (Z, [0, 3, 1, 1]), {}, ValueError,
         r"targets\[1\] is 3, but " + scores + r" .* classes 0 to 2; .* subtract 1"),
        ("a label of -1", (Z, [0, 1, -1, 2]), {}, ValueError,
         r"targets\[2\] is -1.*pass ignore_index=-1"),
        ("-1 beside another mark", (Z, [0, 1, -1, 2]), {"ignore_index": -100}, ValueError,
         r"targets\[2\] is -1, but"),
        ("labels that are no integers", (Z, LABELS * 1.0), {}, TypeError,
         r"targets .* must be integers, but their dtype is float64"),
        ("labels in a masked array", (Z, np.ma.array(LABELS)), {}, TypeError,
         r"targets is a masked array"),
        ("labels of the wrong length", (Z, LABELS[:3]), {}, ValueError,
         r"targets must hold one class for each of the 4 rows of " + scores),
        ("labels of other pixels", (PIXELS, np.zeros((2, 5, 4), int)), {}, ValueError,
         r"targets must have the shape of .* without its axis 1 of classes, \(2, 4, 5\)"),
        ("classes on the last axis", (np.zeros((2, 4, 5, 3)), np.zeros((2, 4, 5), int)), {},
         ValueError, r"targets .* say axis=-1"),
        ("a label out of range among pixels", (PIXELS, np.full((2, 4, 5), 7)), {}, ValueError,
         r"targets\[0, 0, 0\] is 7"),
        ("targets transposed", (Z, SHARES.T), {}, ValueError, r"pass targets\.T"),
        ("probabilities of other pixels", (PIXELS, PIXELS[..., 1:]), {}, ValueError,
         r"targets must be class indices of shape \(2, 4, 5\) or probabilities of the shape"),
        ("ragged targets", (Z, [[1], [1, 2]]), {}, ValueError, r"targets must be a rectangular"),
        ("NaN among the targets", (Z, SHARES * np.nan), {}, ValueError, r"targets\[0, 0\] is nan"),
        ("a negative target", (Z, -SHARES), {}, ValueError, r"targets\[0, 0\] is -0.3"),
        ("an infinite target", (Z, SHARES + np.inf), {}, ValueError, r"targets\[0, 0\] is inf"),
        ("one logit axis", (Z[0], 1), {}, ValueError, scores + r" must have .*newaxis"),
        ("an empty batch", (Z[:0], []), {}, ValueError, scores + r" is empty, shape \(0, 3\); a m"),
        ("no classes", (Z[:, :0], [0] * 4), {"reduction": "sum"}, ValueError,
         scores + r" is empty, shape \(4, 0\); there is no class"),
        ("no such axis", (Z, LABELS), {"axis": 2}, ValueError, r"axis=2 does not exist in"),
        ("an axis that is no integer", (Z, LABELS), {"axis": 1.0}, TypeError, "axis must be an"),
        ("a weight for each example", (Z, LABELS), {"weights": np.ones(4)}, ValueError,
         r"weights must hold one number for each of the 3 classes .* shape is \(4,\)"),
        ("a negative weight", (Z, LABELS), {"weights": [1, -1, 1]}, ValueError,
         r"weights\[1\] is -1.0, but a weight is finite and not negative"),
        ("a NaN weight", (Z, LABELS), {"weights": [1, 1, np.nan]}, ValueError, r"weights\[2\] is"),
        ("an infinite weight", (Z, LABELS), {"weights": [np.inf, 1, 1]}, ValueError,
         r"weights\[0\] is inf"),
        ("complex weights", (Z, LABELS), {"weights": [1j, 1, 1]}, TypeError, "weights must hold"),
        ("no weight is left", (Z, LABELS), {"weights": np.zeros(3)}, ValueError,
         r"targets are all of weight 0; a mean over no examples"),
        ("some ignored, no weight is left", (Z, LABELS),
         {"weights": [1, 0, 0], "ignore_index": 0}, ValueError, "targets are all of weight 0"),
        ("targets of another length", (Z, SHARES[:3]), {}, ValueError,
         r"but their shape is \(3, 3\)$"),
        ("all ignored", (Z, [7] * 4), {"ignore_index": 7}, ValueError,
         r"targets are all ignore_index=7; a mean over no examples"),
        ("all ignored, with weights", (Z, [7] * 4), {"ignore_index": 7, "weights": np.ones(3)},
         ValueError, r"targets are all ignore_index=7"),
        ("ignored probabilities", (Z, SHARES), {"ignore_index": 1}, ValueError,
         r"ignore_index=1 is for class indices, but targets of shape \(4, 3\) are prob"),
        ("ignored by a fraction", (Z, LABELS), {"ignore_index": 1.0}, TypeError,
         r"ignore_index must be an integer or None, got 1.0"),
        ("ignored by a truth", (Z, LABELS), {"ignore_index": True}, TypeError,
         r"ignore_index must be an integer or None, got True"),
        ("smoothing of 1", (Z, LABELS), {"label_smoothing": 1.0}, ValueError,
         r"label_smoothing must lie in \[0, 1\), got 1.0"),
        ("smoothing below 0", (Z, LABELS), {"label_smoothing": -0.1}, ValueError,
         r"label_smoothing must lie in \[0, 1\), got -0.1"),
        ("smoothing by NaN", (Z, LABELS), {"label_smoothing": np.nan}, ValueError, "label_smooth"),
        ("smoothing for each class", (Z, LABELS), {"label_smoothing": [0.1] * 3}, TypeError,
         r"label_smoothing must be a single real number"),
        ("an unknown reduction", (Z, LABELS), {"reduction": "avg"}, ValueError,
         r"reduction must be 'mean', 'sum' or 'none', got 'avg'"),
        ("no reduction", (Z, LABELS), {"reduction": None}, TypeError,
         r"reduction must be 'mean', 'sum' or 'none', got None"),
    ]  # fmt: skip
    return [
        Bad(f"{name}, {what}", lambda args=args, keywords=keywords: f(*args, **keywords),
            kind, told)
        for what, args, keywords, kind, told in rows
    ]  # fmt: skip


def bad_divergence(f):
    rows = [
        ("class indices", (Z, LABELS), {}, ValueError, r"targets must be prob.* cross_entropy\("),
        ("targets transposed", (Z, SHARES.T), {}, ValueError, r"targets .* pass targets\.T"),
        ("NaN among the targets", (Z, SHARES * np.nan), {}, ValueError, r"targets\[0, 0\] is nan"),
        ("a negative target", (Z, -SHARES), {}, ValueError, r"targets\[0, 0\] is -0.3"),
        ("an empty batch", (Z[:0], SHARES[:0]), {}, ValueError, r"logits is empty"),
        ("an unknown reduction", (Z, SHARES), {"reduction": "batchmean"}, ValueError,
         r"reduction must be 'mean'"),
        ("no such axis", (Z, SHARES), {"axis": -3}, ValueError, r"axis=-3 does not exist in log"),
    ]  # fmt: skip
    return [
        Bad(f"{f.__name__}, {what}", lambda args=args, keywords=keywords: f(*args, **keywords),
            kind, told)
        for what, args, keywords, kind, told in rows
    ]  # fmt: skip


BAD = [bad for f in LOSSES for bad in bad_for(f)]
BAD += [bad for f in (kl_divergence, kl_divergence_grad) for bad in bad_divergence(f)]
