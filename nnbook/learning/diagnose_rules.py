r"""The rules of `diagnose` that look at the network, in the order from cause to effect.

Each measures one thing on a `Record` and compares it with a threshold. The thresholds stand first,
each with its reason. Those of the data, `nnbook.learning.diagnose_data`, come before them.
"""

from functools import cached_property

import numpy as np

from nnbook.learning.curvature import sharpness
from nnbook.learning.diagnose_data import Finding, finite, knows_nothing
from nnbook.learning.mlp import loss_and_grads
from nnbook.learning.signals import (
    dead_fraction,
    generalization_gap,
    gradient_statistics,
    saturated_fraction,
    signal_statistics,
    slope_bound,
    update_ratio,
)

BOUNDED = ("tanh", "sigmoid", "softsign", "hard_sigmoid")

UPHILL = 0.1
"""Cosine of the first step and the gradient. Gradient descent has -1, Adam's first step, -α
sign g, is below 0; up is above."""

FLAT = 0.5
"""Share of a layer's (example, unit) pairs on the flat part. A standard normal z has 3 % there."""

DEAD = 0.5
"""Share of a layer's units. He's variances leave a few per cent dead in narrow networks."""

SHRUNK = 0.01
"""Norm of Δ in the first layer over that in the last. Two logistic layers pass on 4⁻² = 0.06 of
it, which still learns; four pass on 4⁻⁴ = 0.004."""

GROWN = 30.0
"""The same ratio from above, and the logits' root mean square over the inputs'. A network that
keeps its variance has about 1; He's draws spread it by a factor of 2 or 3 at this width."""

OVERSHOT = 2.0
"""α λ_max. Above it gradient descent on a quadratic moves away along the steepest direction."""

LONG_STEP = 0.3
"""A step's norm over the weights' own norm. 1e-3 is usual; at 0.3 four steps replace a layer."""

BLOWN_UP = 100.0
"""Loss before a number failed, over the first. Below, it failed without having grown."""

GAP = 0.1
"""Difference of accuracies, and half of it for the lower end of its 95 % interval. Any network
does a little better on what it was fitted to."""

WORSE = 1.1
"""Last validation loss over the best: more training has made validation worse by a tenth."""

BY_HEART = 20.0
"""Last validation loss over the training loss: what is certain there is doubtful here."""

LEARNED = 0.7
"""Last loss over ln K. A network that got below has learned something, and the units that it made
flat or dead, or an early jump of the loss, are not what stops it."""


class Seen:
    """What several rules look at, measured once."""

    def __init__(self, record):
        self.record = record

    @cached_property
    def knows_nothing(self):
        """Return the loss of equal probabilities, ln K."""
        return knows_nothing(self.record)

    @cached_property
    def first(self):
        """Return the norms of Δ at the start."""
        r = self.record
        return gradient_statistics(r.start, r.X, r.Y, r.activation, r.loss).delta

    @cached_property
    def worst(self):
        """Return the largest loss that was seen and finite."""
        losses = np.concatenate([self.record.step_losses, self.record.history["loss"]])
        return np.max(losses, initial=0.0, where=np.isfinite(losses))

    @cached_property
    def ratios(self):
        """Return the largest update ratio of each step that was kept."""
        steps = [s for s in self.record.snapshots if s.after is not None]
        return [update_ratio(s.before, s.after).max() for s in steps]

    @property
    def usual_step(self):
        """Return the median update ratio."""
        return float(np.median(self.ratios))

    @property
    def learned(self):
        """Return whether the network knows more than nothing."""
        return self.record.history["loss"][-1] < LEARNED * self.knows_nothing


def _uphill(r, seen):
    step = r.snapshots[0]
    if step.after is None:
        return None
    _, grads = loss_and_grads(step.before, step.X, step.Y, r.activation, r.loss)
    pairs = zip(step.before, step.after, grads, strict=True)
    cosines = [_cosine(np.subtract(new, old), g) for (old, _), (new, _), (g, _) in pairs]
    layer = int(np.argmax(cosines)) + 1
    if cosines[layer - 1] <= UPHILL:
        return None
    return Finding("sign", cosines[layer - 1], UPHILL, f"the first step of layer {layer} has the "
                   f"cosine {cosines[layer - 1]:.2f} with the gradient of the loss, above "
                   f"{UPHILL:g}: it climbs", "11.1",
                   "Look for the lost minus: the step is -α g, and Δ of the last layer is P - Y.")


def _cosine(a, b):
    sizes = np.linalg.norm(a), np.linalg.norm(b)
    if min(sizes) == 0 or not np.isfinite(sizes).all():
        return 0.0
    return float(np.vdot(a / sizes[0], b / sizes[1]))


def _flat(r, params, when):
    if r.activation not in BOUNDED or len(params) == 1:
        return None
    shares = saturated_fraction(params, r.X, r.activation)
    layer = int(shares.argmax()) + 1
    if shares.max() <= FLAT:
        return None
    return Finding("saturated", shares.max(), FLAT, f"{shares.max():.0%} of layer {layer} is on "
                   f"the flat part of {r.activation} {when}, above {FLAT:.0%}", "19.2",
                   "Draw smaller weights, of variance 1/n_in, and biases of 0.")


def _dead(r, params, when):
    if len(params) == 1:
        return None
    shares = dead_fraction(params, r.X, r.activation)
    layer = int(shares.argmax()) + 1
    if shares.max() <= DEAD:
        return None
    return Finding("dead", shares.max(), DEAD, f"{shares.max():.0%} of the units of layer {layer} "
                   f"have slope 0 on every example {when}, above {DEAD:.0%}", "19.2",
                   "Start biases at 0 and centre the inputs; or let a leak through.")


def _flat_at_first(r, seen):
    return _flat(r, r.start, "at the start") if finite(r) else None


def _dead_at_first(r, seen):
    return _dead(r, r.start, "at the start") if finite(r) else None


def _flat_at_last(r, seen):
    return _flat(r, r.end, "at the end") if finite(r) and not seen.learned else None


def _dead_at_last(r, seen):
    return _dead(r, r.end, "at the end") if finite(r) and not seen.learned else None


def _shrinks(r, seen):
    if not finite(r) or seen.first[-1] == 0:
        return None
    ratio = seen.first[0] / seen.first[-1]
    if ratio >= SHRUNK:
        return None
    return Finding("vanishing", ratio, SHRUNK, f"Δ is {ratio:.2g} times as large in the first "
                   f"layer as in the last, below {SHRUNK:g}; the product of slopes and weights "
                   f"allows {slope_bound(r.start, r.X, r.activation):.2g}", "19.2",
                   "Draw weights that keep the variance, take ReLU or residual connections.")


def _grows(r, seen):
    if not finite(r):
        return None
    signal = signal_statistics(r.start, r.X, r.activation)
    back = seen.first[0] / seen.first[-1] if seen.first[-1] > 0 else 0.0
    forward = signal.output_rms[-1] / signal.input_rms[0] if signal.input_rms[0] > 0 else 0.0
    if max(back, forward) <= GROWN:
        return None
    return Finding("exploding", max(back, forward), GROWN, "through the layers the signal grows "
                   f"{forward:.3g}-fold and the gradient {back:.3g}-fold, above {GROWN:g}; the "
                   f"first loss is {r.history['loss'][0]:.3g}, and ln K {seen.knows_nothing:.2f}",
                   "19.2", "Draw weights of variance 2/n_in for ReLU, 1/n_in for tanh.")


def _steps_too_long(r, seen):
    first = r.history["loss"][0]
    rising = seen.worst > 2 * first or r.history["loss"][-1] >= first
    if not finite(r) or seen.learned or not rising:
        return None
    rose = f"the loss rose from {first:.3g} to {seen.worst:.3g}"
    suggestion = "Take a smaller learning rate, or clip the gradient's norm."
    if r.optimizer == "sgd":
        top = sharpness(r.start, r.X, r.Y, r.activation, r.loss, iterations=20, tolerance=0.05)
        if r.alpha * top.value > OVERSHOT:
            return Finding("exploding", r.alpha * top.value, OVERSHOT, f"{rose}, and αλ_max was "
                           f"{r.alpha * top.value:.3g} at the start, above {OVERSHOT:g}", "19.4",
                           suggestion)
    ratio = max(seen.ratios, default=0)
    if ratio <= LONG_STEP:
        return None
    return Finding("exploding", ratio, LONG_STEP, f"{rose}, and one step was {ratio:.2g} of the "
                   f"weights' norm, above {LONG_STEP:g}", "19.5", suggestion)


def _fails_without_growing(r, seen):
    if r.stopped is None or not finite(r):
        return None
    first = max(r.history["loss"][0], seen.knows_nothing)
    if seen.worst > BLOWN_UP * first:
        return Finding("exploding", seen.worst / first, BLOWN_UP, f"{r.stopped}, after the loss "
                       f"had grown {seen.worst / first:.3g}-fold", "19.4",
                       "Take a smaller learning rate, or clip the gradient's norm.")
    return Finding("nan", seen.worst / first, BLOWN_UP, f"{r.stopped}, and the loss had grown "
                   f"{seen.worst / first:.3g}-fold only, below {BLOWN_UP:g}", "19.1",
                   "Look for 0/0, log 0 and the root of 0 in that step: an optimizer divides by "
                   "√v + ε, a loss takes logits.")


def _gap(r, seen):
    n, m = len(r.Y), len(r.Y_validation)
    train, validation = (r.history[name][-1] for name in ("accuracy", "validation_accuracy"))
    if not np.isfinite([train, validation]).all():
        return None
    gap = generalization_gap(round(train * n), n, round(validation * m), m)
    losses = r.history["validation_loss"]
    best = min(losses)
    by_heart = losses[-1] > BY_HEART * r.history["loss"][-1]
    if gap.gap <= GAP or gap.low <= GAP / 2 or not (losses[-1] > WORSE * best or by_heart):
        return None
    return Finding("overfit", gap.gap, GAP, f"{train:.2f} right in training and {validation:.2f} "
                   f"in validation, a gap of {gap.gap:.2f} ± {gap.standard_error:.2f}, above "
                   f"{GAP:g}; validation loss {best:.2f} at best, "
                   f"{losses[-1]:.2f} at last", "17.1",
                   "Get more examples, stop earlier, or penalise weights.")


NETWORK_RULES = (
    _uphill, _flat_at_first, _dead_at_first, _shrinks, _grows, _steps_too_long,
    _fails_without_growing, _flat_at_last, _dead_at_last, _gap,
)
