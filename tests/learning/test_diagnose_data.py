"""Each rule on the data, on records made by hand: just inside its threshold, and just outside."""

import numpy as np
import pytest

from nnbook.learning import init_params
from nnbook.learning.diagnose_data import DATA_RULES, finite
from nnbook.learning.recording import Record

RNG = np.random.default_rng(11)
N = 60
X = RNG.normal(size=(N, 3))
Y = np.arange(N) % 3
ORDERS = np.array([RNG.permutation(N) for _ in range(6)])
PARAMS = init_params([3, 5, 3], RNG)
SOUND = Record(
    X=X, Y=Y, X_validation=RNG.normal(size=(50, 3)), Y_validation=np.arange(50) % 3,
    activation="relu", loss="cross_entropy", optimizer="sgd", alpha=0.1, batch_size=10,
    start=PARAMS, end=PARAMS, history={"loss": [1.1]}, step_losses=np.array([1.1]),
    orders=ORDERS, target_orders=ORDERS, snapshots=[], stopped=None,
)


def findings(**changed):
    found = [rule(SOUND._replace(**changed)) for rule in DATA_RULES]
    return [f for f in found if f]


def only(**changed):
    (finding,) = findings(**changed)
    return finding


def orders(order):
    return {"orders": order, "target_orders": order}


def test_a_sound_record_breaks_no_rule():
    assert findings() == []
    assert finite(SOUND)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["X", "X_validation"])
def test_a_number_that_is_none(name, value):
    broken = getattr(SOUND, name).copy()
    broken[4, 1] = broken[5, 2] = value
    found = only(**{name: broken})
    assert (found.fault, found.measured, found.threshold, found.equation) == ("nan", 2, 0, "19.1")
    assert found.because == (f"{name} holds 2 values that are no finite numbers, the first {value} "
                             "in row 4, column 1")
    assert not finite(SOUND._replace(**{name: broken}))


def unit(X):
    return X / np.sqrt(np.mean(X**2, axis=0))


def test_features_in_the_hundreds():
    assert findings(X=19.9 * unit(X)) == []
    found = only(X=20.1 * unit(X) * [1, 2, 1])
    assert (found.fault, found.equation, found.threshold) == ("scale", "10.1", 20)
    assert found.measured == pytest.approx(40.2)
    assert "feature 1 has the root mean square 40.2, above 20" in found.because


def test_one_feature_much_larger_than_the_others():
    assert findings(X=0.1 * unit(X) * [1, 1, 29.9]) == []
    found = only(X=0.1 * unit(X) * [1, 1, 30.1])
    assert (found.fault, found.equation, found.threshold) == ("scale", "10.1", 30)
    assert found.measured == pytest.approx(30.1)
    assert found.because == "feature 2 is 30.1 times the median feature, above 30"


def test_thirty_times_is_not_above_thirty():
    signs = np.where(X > 0, 1.0, -1.0)
    assert findings(X=signs * [0.5, 0.5, 15.0]) == []
    assert findings(X=signs * 20.0) == []


def test_constant_features_are_no_measure_of_size():
    X_padded = np.c_[unit(X), np.zeros((N, 7))]
    assert findings(X=X_padded, start=init_params([10, 3], RNG)) == []
    assert findings(X=np.zeros((N, 3))) == []
    assert findings(X=np.full((N, 3), 19.0)) == []


def test_sizes_whose_squares_overflow():
    with np.errstate(over="raise"):
        assert only(X=1e200 * unit(X)).measured == pytest.approx(1e200)


def test_a_first_loss_far_from_ln_K_and_features_too_large():
    """Equation 19.1: ln 3 here."""
    at = 3 * np.log(3)
    assert findings(X=3.1 * unit(X), history={"loss": [at * 0.99]}) == []
    assert findings(X=2.9 * unit(X), history={"loss": [at * 9]}) == []
    found = only(X=3.1 * unit(X), history={"loss": [at * 2]})
    assert (found.fault, found.equation) == ("scale", "19.1")
    assert found.measured == pytest.approx(6)
    one_logit = only(X=3.1 * unit(X), start=init_params([3, 1], RNG), history={"loss": [4.0]})
    assert one_logit.measured == pytest.approx(4 / np.log(2))


def test_training_examples_in_validation():
    validation = SOUND.X_validation.copy()
    validation[0] = X[0]
    assert findings(X_validation=validation) == []  # one of 50 is 2 %
    validation[7] = X[9]
    found = only(X_validation=validation)
    assert (found.fault, found.equation) == ("leak", "17.1")
    assert found.measured == pytest.approx(0.04)
    assert found.because == "4% of the validation examples occur in training, above 2%"


def test_examples_that_repeat_by_their_nature_are_no_leak():
    corners = np.array([[0.0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0]])
    assert findings(X=np.tile(corners, (15, 1)), X_validation=corners) == []


def test_zero_and_minus_zero_are_one_number():
    train, validation = X.copy(), SOUND.X_validation.copy()
    train[:2, 0] = 0.0
    validation[:2] = train[:2]
    validation[:2, 0] = -0.0
    assert only(X=train, X_validation=validation).fault == "leak"


def telling(share):
    """Return X with a feature of which that share of the variance lies between the classes."""
    z = RNG.normal(size=N)
    for k in range(3):
        z[Y == k] -= z[Y == k].mean()
    z /= z.std()
    between = (Y - 1) / np.std(Y)
    return np.c_[X[:, :2], np.sqrt(share) * between + np.sqrt(1 - share) * z]


def test_a_feature_that_is_the_label():
    assert findings(X=telling(0.975)) == []
    found = only(X=telling(0.985))
    assert (found.fault, found.equation) == ("leak", "17.1")
    assert found.measured == pytest.approx(0.985)
    assert "feature 2" in found.because
    assert only(X=np.c_[Y.astype(float), X[:, :2]]).measured == pytest.approx(1)
    assert only(X=np.c_[Y.astype(float), X[:, :2]], Y=Y).because.startswith("1.0000 of the")


def test_constant_features_tell_nothing_and_few_examples_prove_nothing():
    assert findings(X=np.c_[X[:, :2], np.full(N, 0.1)]) == []
    assert findings(Y=np.zeros(N, int)) == []
    few = slice(0, 23)
    short = {"X": telling(0.99)[few], "Y": Y[few],
             **orders(np.array([RNG.permutation(23) for _ in range(3)]))}
    assert findings(**short) == []
    assert only(X=telling(0.99)[:24], Y=Y[:24],
                **orders(np.array([RNG.permutation(24) for _ in range(3)]))).fault == "leak"


def test_targets_of_other_examples():
    elsewhere = ORDERS.copy()
    same_class = elsewhere[0].copy()
    first, second = np.flatnonzero(Y[elsewhere[0]] == 0)[:2]
    same_class[[first, second]] = same_class[[second, first]]
    elsewhere[0] = same_class
    assert findings(target_orders=elsewhere) == []  # another example's, but the same class
    third = np.flatnonzero(Y[elsewhere[0]] == 1)[0]
    elsewhere[0][[first, third]] = elsewhere[0][[third, first]]
    found = only(target_orders=elsewhere)
    assert (found.fault, found.equation) == ("stale shuffle", "12.1")
    assert found.measured == pytest.approx(2 / ORDERS.size)


def test_the_same_order_in_every_epoch():
    found = only(**orders(np.array([ORDERS[0]] * 4)))
    assert (found.fault, found.equation) == ("stale shuffle", "12.1")
    assert found.measured == 1
    assert found.because.startswith("100% of neighbours were neighbours in the epoch before")


@pytest.mark.parametrize(("together", "stale"), [(1, False), (2, True), (3, True), (10, True)])
def test_examples_that_stay_together(together, stale):
    rng = np.random.default_rng(3)
    parts = ORDERS[0].reshape(-1, together)
    order = np.array([rng.permutation(parts).ravel() for _ in range(6)])
    found = findings(**orders(order))
    assert [f.fault for f in found] == ["stale shuffle"] * stale
    if stale:
        assert found[0].measured == pytest.approx(1 - 1 / together, abs=0.05)


@pytest.mark.parametrize(("pairs", "stale"), [(20, False), (26, True)])
def test_two_in_five_neighbours_is_the_threshold(pairs, stale):
    rng = np.random.default_rng(4)
    ends = [*range(2, 2 * pairs + 1, 2), *range(2 * pairs + 1, N)]
    blocks = np.split(ORDERS[0], ends)
    order = np.array([np.concatenate([blocks[i] for i in rng.permutation(len(blocks))])
                      for _ in range(8)])
    found = findings(**orders(order))
    assert [f.fault for f in found] == ["stale shuffle"] * stale
    if stale:
        assert 0.4 < found[0].measured < 0.5


def test_one_batch_or_few_examples_may_keep_their_order():
    same = orders(np.array([np.arange(N)] * 4))
    assert findings(**same, batch_size=N) == []
    assert only(**same, batch_size=N - 1).fault == "stale shuffle"
    assert findings(**orders(np.array([ORDERS[0]]))) == []  # one epoch cannot repeat
    for n, expected in ((7, []), (8, ["stale shuffle"])):
        few = {"X": X[:n], "Y": Y[:n], **orders(np.array([np.arange(n)] * 3)), "batch_size": 2}
        assert [f.fault for f in findings(**few)] == expected


def test_classes_that_come_one_after_another():
    order = np.array([np.argsort(Y + 0.4 * np.random.default_rng(s).random(N)) for s in range(5)])
    found = only(**orders(order))
    assert (found.fault, found.equation) == ("stale shuffle", "12.1")
    expected = 59 * (1 - 3 / 9)
    assert found.measured == pytest.approx(2 / expected)
    assert "changes 2 times, below 0.5 of the 39 expected" in found.because
    assert findings(**orders(order), batch_size=N) == []
    assert findings(Y=np.zeros(N, int), **orders(order)) == []


@pytest.mark.parametrize(("changes", "is_sorted"), [(14, True), (15, False)])
def test_half_of_the_changes_expected_is_the_threshold(changes, is_sorted):
    """Of 30 examples of each of two classes 29.5 changes are expected."""
    runs = changes + 1
    lengths = np.zeros(runs, int)
    for k in (0, 1):  # the runs of class k share its 30 examples
        lengths[k::2] = [len(part) for part in np.array_split(np.arange(30), len(lengths[k::2]))]
    y = np.repeat(np.arange(runs) % 2, lengths)
    found = findings(Y=y, **orders(np.arange(N)[np.newaxis]))
    assert [f.fault for f in found] == ["stale shuffle"] * is_sorted
    if is_sorted:
        assert found[0].measured == pytest.approx(14 / 29.5)
