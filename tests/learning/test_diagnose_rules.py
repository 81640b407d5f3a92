"""Each rule on the network, on records made by hand: inside its threshold, and just outside.

Most use one unit a layer, where the ratio of two norms of delta is a weight.
"""

import numpy as np
import pytest

from nnbook.learning import init_params, loss_and_grads
from nnbook.learning.diagnose_rules import NETWORK_RULES, Seen
from nnbook.learning.recording import Record, Snapshot

X = np.array([[1.0], [-1.0]] * 10)
Y = np.array([[1], [0]] * 10)
LN2 = np.log(2)


def chain(*weights, bias=0.0):
    """Return a network of one unit a layer; hidden ones get that bias."""
    biases = [bias] * (len(weights) - 1) + [0.0]
    return [(np.array([[float(w)]]), np.array([float(b)]))
            for w, b in zip(weights, biases, strict=True)]


SOUND = Record(
    X=X, Y=Y, X_validation=X + 0.5, Y_validation=Y, activation="identity", loss="bce_with_logits",
    optimizer="sgd", alpha=0.1, batch_size=5, start=chain(1, 1), end=chain(1, 1),
    history={"loss": [0.7, 0.4], "accuracy": [0.5, 0.9],
             "validation_loss": [0.7, 0.45], "validation_accuracy": [0.5, 0.9]},
    step_losses=np.array([0.7, 0.6]), orders=np.arange(20)[np.newaxis],
    target_orders=np.arange(20)[np.newaxis],
    snapshots=[Snapshot(0, 0, X[:5], Y[:5], chain(1, 1), None)], stopped=None,
)
STUCK = {"loss": [0.7, 0.69], "accuracy": [0.5, 0.5],
         "validation_loss": [0.7, 0.7], "validation_accuracy": [0.5, 0.5]}


def findings(**changed):
    record = SOUND._replace(**changed)
    with np.errstate(all="ignore"):  # as diagnose does
        found = [rule(record, Seen(record)) for rule in NETWORK_RULES]
    return [f for f in found if f]


def only(**changed):
    (finding,) = findings(**changed)
    return finding


def test_a_sound_record_breaks_no_rule():
    assert findings() == []
    assert findings(history=STUCK) == []  # not to learn is no fault by itself


# ------------------------------------------------------------------ direction
def step(cosine, layer):
    """Return a first step that goes down in every layer but one, which has that cosine."""
    params = init_params([2, 4, 3, 2], np.random.default_rng(0))
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(8, 2)), rng.integers(0, 2, 8)
    _, grads = loss_and_grads(params, X, Y, "tanh")
    after = [(W - 0.1 * g, b - 0.1 * h) for (W, b), (g, h) in zip(params, grads, strict=True)]
    W, b = params[layer - 1]
    g = grads[layer - 1][0] / np.linalg.norm(grads[layer - 1][0])
    across = rng.normal(size=g.shape)
    across -= np.vdot(across, g) * g
    across /= np.linalg.norm(across)
    after[layer - 1] = W + 0.1 * (cosine * g + np.sqrt(1 - cosine**2) * across), b
    return {"X": X, "Y": Y, "start": params, "activation": "tanh", "loss": "cross_entropy",
            "snapshots": [Snapshot(0, 0, X, Y, params, after)]}


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_a_layer_that_climbs(layer):
    assert findings(**step(0.09, layer)) == []
    found = only(**step(0.11, layer))
    assert (found.fault, found.equation, found.threshold) == ("sign", "11.1", 0.1)
    assert found.measured == pytest.approx(0.11)
    assert f"layer {layer} has the cosine 0.11" in found.because


def test_only_the_first_step_speaks_of_the_sign():
    later = step(-1.0, 1)["snapshots"] + step(1.0, 1)["snapshots"]
    assert findings(**{**step(-1.0, 1), "snapshots": later}) == []


def test_a_layer_that_does_not_move_does_not_climb():
    still = step(-1.0, 1)
    s = still["snapshots"][0]
    assert findings(**{**still, "snapshots": [s._replace(after=s.before)]}) == []
    far = [(W + 1e300, b) for W, b in s.before]  # a step whose norm overflows has no cosine
    assert findings(**{**still, "snapshots": [s._replace(after=far)]}) == []


# -------------------------------------------------------------- first signals
def half_network(bias, count):
    """Return a network whose second hidden layer has `count` of 10 units with that bias."""
    W = np.tile([[1.0], [-1.0]], (5, 1))
    second = np.zeros(10)
    second[:count] = bias
    return [(W, np.zeros(10)), (np.full((10, 10), 0.3), second), (np.full((1, 10), 0.3),
                                                                  np.zeros(1))]


@pytest.mark.parametrize("when", ["start", "end"])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_layers_on_the_flat_part(activation, when):
    def changed(count):
        return {when: half_network(9.0, count), "activation": activation, "history": STUCK}

    assert findings(**changed(5)) == []
    found = only(**changed(6))
    assert (found.fault, found.equation, found.threshold) == ("saturated", "19.2", 0.5)
    assert found.measured == pytest.approx(0.6)
    assert found.because == (f"60% of layer 2 is on the flat part of {activation} at the {when}, "
                             "above 50%")


@pytest.mark.parametrize("when", ["start", "end"])
def test_layers_of_dead_units(when):
    def changed(count):
        return {when: half_network(-9.0, count), "activation": "relu", "history": STUCK}

    assert findings(**changed(5)) == []
    found = only(**changed(6))
    assert (found.fault, found.equation, found.threshold) == ("dead", "19.2", 0.5)
    assert found.measured == pytest.approx(0.6)
    assert found.because == (f"60% of the units of layer 2 have slope 0 on every example at the "
                             f"{when}, above 50%")


def test_a_network_that_learned_may_have_flat_and_dead_units():
    assert findings(end=half_network(9.0, 9), activation="tanh") == []
    assert findings(end=half_network(-9.0, 9), activation="relu") == []
    assert only(start=half_network(-9.0, 9), activation="relu").fault == "dead"
    for last, learned in ((0.69 * LN2, True), (0.71 * LN2, False)):
        history = STUCK | {"loss": [0.7, last]}
        found = findings(end=half_network(9.0, 9), activation="tanh", history=history)
        assert bool(found) != learned


def test_rectified_units_are_not_called_saturated_nor_affine_maps_anything():
    assert findings(start=half_network(9.0, 9), activation="relu") == []
    assert findings(start=chain(1), end=chain(1), activation="tanh", history=STUCK) == []
    assert findings(start=chain(1), end=chain(1), activation="relu", history=STUCK) == []


@pytest.mark.parametrize(("weights", "shrinks"), [((1, 0.0101), False), ((1, 0.0099), True),
                                                  ((0.005, 1), False), ((9, 0.1, 0.09), True)])
def test_a_gradient_that_shrinks(weights, shrinks):
    found = findings(start=chain(*weights))
    assert [f.fault for f in found] == ["vanishing"] * shrinks
    if shrinks:
        product = np.prod(weights[1:])
        assert (found[0].equation, found[0].threshold) == ("19.2", 0.01)
        assert found[0].measured == pytest.approx(product)
        assert found[0].because.endswith(f"slopes and weights allows {product:.2g}")


def test_no_gradient_at_all_is_not_called_vanishing():
    start = [(np.ones((1, 1)), np.zeros(1)), (np.full((1, 1), 1e-5), np.zeros(1))]
    nothing = {"Y": np.full((20, 1), 2.0), "X": np.ones((20, 1)), "loss": "squared_error"}
    nothing["Y"][:] = 1e-5  # answered exactly
    snapshots = [SOUND.snapshots[0]._replace(after=None)]
    assert findings(start=start, **nothing, snapshots=snapshots) == []


@pytest.mark.parametrize(("weights", "forward", "back"), [
    ((1, 29), 29, 29), ((1, 31), 31, 31), ((31, 1), 31, 1), ((0.1, 31), 3.1, 31),
    ((29, 1), 29, 1)])
def test_signals_that_grow(weights, forward, back):
    found = findings(start=chain(*weights))
    assert [f.fault for f in found] == ["exploding"] * (max(forward, back) > 30)
    if found:
        assert (found[0].equation, found[0].threshold) == ("19.2", 30)
        assert found[0].measured == pytest.approx(31)
        assert f"grows {forward:.3g}-fold and the gradient {back:.3g}-fold" in found[0].because
        assert "the first loss is 0.7, and ln K 0.69" in found[0].because


def test_growth_is_counted_from_the_size_of_the_examples():
    assert findings(X=4 * X, start=chain(20, 1)) == []
    assert only(X=X / 4, start=chain(31, 1)).measured == pytest.approx(31)
    sixteen = {"X": X[:16], "Y": Y[:16]}  # whose norms are whole numbers
    assert findings(start=chain(30, 1), **sixteen) == []  # 30 is not above 30


def test_examples_that_are_all_zero_do_not_grow():
    assert findings(X=np.zeros((20, 1)), start=chain(1, 1, bias=50.0)) == []


# ------------------------------------------------------------ length of a step
def rising(*losses, learned=False):
    return {"history": STUCK | {"loss": [0.7, 0.1 if learned else losses[-1]]},
            "step_losses": np.array(losses)}


@pytest.mark.parametrize(("alpha", "over"), [(7.9, False), (8.1, True)])
def test_steps_past_two_over_the_sharpness(alpha, over):
    """Logistic regression on x = 1 and -1 has the Hessian I/4 at 0."""
    changed = {"start": chain(0), "end": chain(0), "alpha": alpha}
    found = findings(**changed, **rising(0.7, 1.5))
    assert [f.fault for f in found] == ["exploding"] * over
    if over:
        assert (found[0].equation, found[0].threshold) == ("19.4", 2)
        assert found[0].measured == pytest.approx(8.1 / 4, rel=1e-3)
        assert found[0].because == ("the loss rose from 0.7 to 1.5, and αλ_max was 2.03 at the "
                                    "start, above 2")


@pytest.mark.parametrize(("ratio", "long"), [(0.29, False), (0.31, True)])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_steps_as_long_as_the_weights(optimizer, ratio, long):
    small = Snapshot(0, 0, X[:5], Y[:5], chain(2, 2), chain(2, 2))
    steps = [small, small._replace(after=chain(2, 2 * (1 + ratio))), small]
    found = findings(optimizer=optimizer, snapshots=steps, **rising(0.7, 0.8, np.nan, 1.5))
    assert [f.fault for f in found] == ["exploding"] * long
    if long:
        assert (found[0].equation, found[0].threshold) == ("19.5", 0.3)
        assert found[0].measured == pytest.approx(ratio)
        assert "one step was 0.31 of the weights' norm, above 0.3" in found[0].because


@pytest.mark.parametrize(("losses", "fires"), [
    ((0.7, 1.41, 0.69), True), ((0.7, 1.39, 0.69), False), ((0.7, 1.4, 0.69), False),
    ((0.7, 0.7), True), ((0.7, 0.69), False)])
def test_long_steps_are_a_fault_where_the_loss_rises(losses, fires):
    steps = [Snapshot(0, 0, X[:5], Y[:5], chain(2, 2), chain(2, 4))]
    changed = {"snapshots": steps, "optimizer": "adam"}
    assert [f.fault for f in findings(**changed, **rising(*losses))] == ["exploding"] * fires
    assert findings(**changed, **rising(*losses, learned=True)) == []


def test_a_step_of_exactly_the_threshold_is_not_above_it():
    steps = [Snapshot(0, 0, X[:5], Y[:5], chain(1, 10), chain(1, 13))]
    assert findings(snapshots=steps, optimizer="adam", **rising(0.7, 1.5)) == []


# -------------------------------------------------------------------- outcome
@pytest.mark.parametrize(("worst", "fault"), [(69.0, "nan"), (70.0, "nan"), (71.0, "exploding")])
def test_a_run_that_fails_with_and_without_having_grown(worst, fault):
    found = only(stopped="step 3, in epoch 1: the loss is nan",
                 step_losses=np.array([0.7, worst, np.nan]))
    assert found.fault == fault
    assert found.equation == {"nan": "19.1", "exploding": "19.4"}[fault]
    assert found.measured == pytest.approx(worst / 0.7)
    assert found.because.startswith("step 3, in epoch 1: the loss is nan, ")
    assert found.threshold == 100
    # a first loss near 0 does not make of a loss of 3 an explosion: it is held against ln 2
    tiny = findings(stopped="x", step_losses=np.array([3.0, np.nan]),
                    history=SOUND.history | {"loss": [0.01]})
    assert [f.fault for f in tiny] == ["nan"]


def outcome(train, validation, losses=(0.7, 0.3, 0.5), loss=0.1):
    return {"X": np.tile(X, (10, 1)), "Y": np.tile(Y, (10, 1)),
            "X_validation": np.tile(X, (10, 1)) + 0.5, "Y_validation": np.tile(Y, (10, 1)),
            "history": {"loss": [0.7, loss], "accuracy": [0.5, train],
                        "validation_loss": list(losses), "validation_accuracy": [0.5, validation]}}


def test_a_gap_is_overfitting():
    found = only(**outcome(1.0, 0.8))
    assert (found.fault, found.equation, found.threshold) == ("overfit", "17.1", 0.1)
    assert found.measured == pytest.approx(0.2)
    assert found.because == (
        "1.00 right in training and 0.80 in validation, a gap of 0.20 ± 0.03, above 0.1; "
        "validation loss 0.30 at best, 0.50 at last")


def test_a_gap_that_is_small_or_uncertain_is_not():
    assert findings(**outcome(1.0, 0.91)) == []
    assert findings(**outcome(0.91, 1.0)) == []
    assert only(**outcome(1.0, 0.89)).fault == "overfit"
    few = outcome(1.0, 0.85)  # 20 examples: 17 of 20 may be 0.95
    short = {name: few[name][:20] for name in ("X", "Y", "X_validation", "Y_validation")}
    assert findings(**few | short) == []
    assert findings(**few)[0].fault == "overfit"


def test_the_lower_end_of_the_interval_must_exceed_half_of_the_gap():
    """Of 200 and 200: 0.6 less 0.49 is 0.11, at least 0.012; 0.7 less 0.54 at least 0.065."""
    assert findings(**outcome(0.6, 0.49)) == []
    assert only(**outcome(0.7, 0.54)).fault == "overfit"


def test_a_gap_that_does_not_widen_is_what_any_fit_has():
    assert findings(**outcome(1.0, 0.8, losses=(0.7, 0.5, 0.54))) == []
    assert only(**outcome(1.0, 0.8, losses=(0.7, 0.5, 0.56))).fault == "overfit"
    assert findings(**outcome(1.0, 0.8, losses=(0.7, 0.5), loss=0.5 / 19)) == []
    assert only(**outcome(1.0, 0.8, losses=(0.7, 0.5), loss=0.5 / 21)).fault == "overfit"


def test_rules_on_the_network_are_silent_where_the_data_are_not_numbers():
    broken = X.copy()
    broken[0] = np.nan
    nothing = {"loss": [np.nan], "accuracy": [np.nan], "validation_loss": [np.nan],
               "validation_accuracy": [np.nan]}
    assert findings(X=broken, history=nothing, stopped="step 1", start=chain(1, 1e-9),
                    step_losses=np.array([np.nan])) == []


def test_validation_that_is_not_finite_has_no_gap():
    curves = SOUND.history | {"accuracy": [0.5, 1.0], "validation_accuracy": [0.5, np.nan]}
    assert findings(history=curves) == []


def test_ln_K_counts_the_logits():
    assert Seen(SOUND).knows_nothing == pytest.approx(LN2)
    five = SOUND._replace(start=init_params([1, 5], np.random.default_rng(0)))
    assert Seen(five).knows_nothing == pytest.approx(np.log(5))


def test_the_usual_step_is_the_median():
    steps = [SOUND.snapshots[0]._replace(after=chain(1, 1 + r)) for r in (0.1, 0.2, 0.9)]
    seen = Seen(SOUND._replace(snapshots=[*steps, SOUND.snapshots[0]]))
    assert seen.usual_step == pytest.approx(0.2)
