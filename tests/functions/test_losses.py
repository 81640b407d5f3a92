"""Cross-entropy from logits: values, gradients, extremes, and targets that are wrong."""

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from nnbook.functions import (
    bce_with_logits,
    bce_with_logits_grad,
    cross_entropy,
    cross_entropy_grad,
    cross_entropy_hess,
    sigmoid,
    softmax,
)

RNG = np.random.default_rng(21)
Z = RNG.normal(size=(5, 4)) * 3
LABELS = np.array([0, 3, 1, 1, 2])
ONE_HOT = np.eye(4)[LABELS]
SOFT = softmax(RNG.normal(size=(5, 4)))
LOOSE = np.abs(RNG.normal(size=(5, 4)))  # rows that do not sum to 1
BINARY = RNG.normal(size=6) * 4
ODDS = np.array([0.0, 1.0, 0.25, 1.0, 0.0, 0.9])
HUGE = np.finfo(float).max


def true_cross_entropy(logits, y):
    with mp.workdps(1000):
        total = mp.mpf(0)
        for row, targets in zip(np.asarray(logits).tolist(), np.asarray(y).tolist(), strict=True):
            lse = mp.log(mp.fsum(mp.exp(mp.mpf(x)) for x in row))
            total += mp.fsum(
                mp.mpf(t) * (lse - mp.mpf(x)) for t, x in zip(targets, row, strict=True)
            )
        return float(total / len(logits))


@pytest.mark.parametrize("targets", [ONE_HOT, SOFT, LOOSE], ids=["one-hot", "soft", "loose"])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 80.0])
def test_cross_entropy_value_at_50_digits(targets, scale):
    truth = true_cross_entropy(Z * scale, targets)
    assert cross_entropy(Z * scale, targets) == pytest.approx(truth, rel=4e-15)


def test_a_well_classified_example_keeps_its_digits():
    assert cross_entropy([[50.0, 0.0]], [0]) == np.exp(-50.0)
    assert bce_with_logits([50.0], [1.0]) == pytest.approx(np.exp(-50.0), rel=1e-15)
    np.testing.assert_allclose(
        cross_entropy_grad([[50.0, 0.0, 1.0]], [0])[0] * np.exp(50.0),
        [-(1 + np.e), 1, np.e],
        rtol=1e-14,
    )
    soft = cross_entropy_grad([[50.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    np.testing.assert_array_equal(soft, cross_entropy_grad([[50.0, 0.0, 1.0]], [0]))


def test_class_indices_and_one_hot_rows_are_the_same_targets():
    assert cross_entropy(Z, LABELS) == pytest.approx(cross_entropy(Z, ONE_HOT), rel=1e-15)
    for labels in (LABELS.astype(np.uint8), LABELS.tolist(), LABELS.astype(np.int16)):
        assert cross_entropy(Z, labels) == cross_entropy(Z, LABELS)
        np.testing.assert_array_equal(cross_entropy_grad(Z, labels), cross_entropy_grad(Z, LABELS))
    np.testing.assert_allclose(
        cross_entropy_grad(Z, LABELS), cross_entropy_grad(Z, ONE_HOT), rtol=1e-15
    )
    assert cross_entropy(Z, ONE_HOT.astype(int)) == cross_entropy(Z, ONE_HOT)


def test_gradient_is_p_minus_y_over_n():
    np.testing.assert_allclose(
        cross_entropy_grad(Z, LABELS), (softmax(Z) - ONE_HOT) / 5, atol=1e-16
    )
    np.testing.assert_allclose(cross_entropy_grad(Z, SOFT), (softmax(Z) - SOFT) / 5, atol=1e-16)
    expected = (LOOSE.sum(axis=1, keepdims=True) * softmax(Z) - LOOSE) / 5
    np.testing.assert_allclose(cross_entropy_grad(Z, LOOSE), expected, atol=1e-15)
    np.testing.assert_allclose(cross_entropy_grad(Z, LOOSE).sum(axis=1), 0, atol=1e-15)


def test_cross_entropy_grad_is_sympys_derivative():
    z, y = sp.symbols("z0:4", real=True), sp.symbols("y0:4", real=True)
    lse = sp.log(sum(sp.exp(x) for x in z))
    loss = sum(t * (lse - x) for t, x in zip(y, z, strict=True))
    slopes = sp.lambdify([z, y], [sp.diff(loss, x) for x in z], "numpy")
    expected = [np.divide(slopes(*pair), 5) for pair in zip(Z, LOOSE, strict=True)]
    np.testing.assert_allclose(cross_entropy_grad(Z, LOOSE), expected, atol=1e-15)


@pytest.mark.parametrize("targets", [LABELS, SOFT, LOOSE])
def test_cross_entropy_grad_equals_central_differences(targets):
    slope, h = np.zeros_like(Z), 6e-6
    for at in np.ndindex(Z.shape):
        step = np.zeros_like(Z)
        step[at] = h
        slope[at] = (cross_entropy(Z + step, targets) - cross_entropy(Z - step, targets)) / (2 * h)
    np.testing.assert_allclose(cross_entropy_grad(Z, targets), slope, atol=1e-9)


def test_a_gap_of_1000_is_exact():
    assert cross_entropy([[1000.0, 0.0]], [1]) == 1000
    assert cross_entropy([[1000.0, 0.0]], [0]) == 0
    assert cross_entropy([[1000.0, 0.0]], [[0.25, 0.75]]) == 750
    assert cross_entropy_grad([[1000.0, 0.0]], [1]).tolist() == [[1, -1]]
    assert bce_with_logits([-1000.0, 1000.0], [1.0, 0.0]) == 1000
    assert bce_with_logits_grad([-1000.0, 1000.0], [1.0, 0.0]).tolist() == [-0.5, 0.5]


def test_huge_logits_are_exact():
    with np.errstate(all="raise"):
        assert cross_entropy([[1e308, 0.0]], [1]) == 1e308
        assert cross_entropy([[1e308, -1e308]], [0]) == 0
        assert cross_entropy([[1e308, -1e308]], [1]) == np.inf  # 2e308 has no float64
        assert cross_entropy([[1e308, -1e308], [0.0, 0.0]], [1, 0]) == 1e308
        assert cross_entropy([[1e308, 0.0]] * 4, [1] * 4) == 1e308
        assert cross_entropy([[1e308, -1e308]], [[0.75, 0.25]]) == 5e307
        assert cross_entropy_grad([[1e308, -1e308]], [1]).tolist() == [[1, -1]]
        assert bce_with_logits([1e308] * 4, [0.0] * 4) == 1e308
        assert bce_with_logits([-HUGE], [1.0]) == HUGE
        assert bce_with_logits_grad([-HUGE, HUGE], [0.0, 1.0]).tolist() == [0, 0]


def test_a_class_ruled_out_costs_nothing_and_takes_nothing():
    z = [[-np.inf, 0.0, 0.0]]
    assert cross_entropy(z, [1]) == cross_entropy(z, [[0.0, 1.0, 0.0]]) == np.log(2)
    assert cross_entropy(z, [0]) == np.inf
    np.testing.assert_array_equal(cross_entropy_grad(z, [1]), [[0, -0.5, 0.5]])
    assert bce_with_logits([np.inf, -np.inf], [1.0, 0.0]) == 0
    assert bce_with_logits([np.inf], [0.0]) == np.inf


def test_nan_logits_give_nan():
    for targets in ([0], [[1.0, 0.0]], [[0.0, 1.0]]):
        assert np.isnan(cross_entropy([[np.nan, 0.0]], targets))
        assert np.isnan(cross_entropy_grad([[np.nan, 0.0]], targets)).all()
    for target in (0.0, 0.5, 1.0):
        assert np.isnan(bce_with_logits([np.nan, 0.0], [target, 0.0]))
        assert np.isnan(bce_with_logits_grad([np.nan], [target])).all()


def test_ignorance_costs_log_k():
    assert cross_entropy(np.zeros((3, 8)), [0, 5, 7]) == pytest.approx(np.log(8), rel=1e-15)
    assert bce_with_logits(np.zeros((3, 2)), np.ones((3, 2))) == pytest.approx(np.log(2), rel=1e-15)


def test_a_common_shift_changes_neither_loss_nor_gradient():
    z = np.array([[0.25, -3.5, 8.0]])
    assert cross_entropy(z + 16, [1]) == cross_entropy(z, [1])
    np.testing.assert_array_equal(cross_entropy_grad(z + 16, [1]), cross_entropy_grad(z, [1]))


def test_bce_value_at_50_digits():
    with mp.workdps(60):
        terms = [
            mp.log1p(mp.exp(mp.mpf(z))) - mp.mpf(y) * mp.mpf(z)
            for z, y in zip(BINARY.tolist(), ODDS.tolist(), strict=True)
        ]
        truth = float(mp.fsum(terms) / len(terms))
    assert bce_with_logits(BINARY, ODDS) == pytest.approx(truth, rel=4e-15)
    assert bce_with_logits(BINARY.reshape(2, 3), ODDS.reshape(2, 3)) == bce_with_logits(
        BINARY, ODDS
    )


def test_bce_is_the_cross_entropy_of_two_classes():
    z = np.stack([np.zeros(6), BINARY], axis=1)
    y = np.stack([1 - ODDS, ODDS], axis=1)
    assert bce_with_logits(BINARY, ODDS) == pytest.approx(cross_entropy(z, y), rel=4e-15)
    np.testing.assert_allclose(
        bce_with_logits_grad(BINARY, ODDS), cross_entropy_grad(z, y)[:, 1], atol=1e-16
    )


def test_bce_grad_is_sympys_derivative():
    z, y = sp.symbols("z y", real=True)
    slope = sp.lambdify([z, y], sp.diff(sp.log(1 + sp.exp(z)) - y * z, z))
    np.testing.assert_allclose(
        bce_with_logits_grad(BINARY, ODDS), slope(BINARY, ODDS) / 6, atol=1e-16
    )
    np.testing.assert_allclose(
        bce_with_logits_grad(BINARY, ODDS), (sigmoid(BINARY) - ODDS) / 6, atol=1e-16
    )


def test_dtypes():
    narrow = Z.astype(np.float32)
    assert cross_entropy(narrow, LABELS).dtype == np.float32
    assert cross_entropy_grad(narrow, LABELS).dtype == np.float32
    assert cross_entropy(narrow, SOFT).dtype == cross_entropy_grad(narrow, SOFT).dtype == np.float64
    assert cross_entropy(narrow, LABELS) == np.float32(cross_entropy(narrow.astype(float), LABELS))
    assert isinstance(cross_entropy([[0, 1]], [1]), np.float64)
    assert bce_with_logits(np.float16([1]), np.float16([0])).dtype == np.float16
    assert bce_with_logits_grad(np.float32([1]), np.float32([0])).dtype == np.float32


def test_arguments_are_not_changed():
    arguments = [Z.copy(), LABELS.copy(), SOFT.copy(), BINARY.copy(), ODDS.copy()]
    z, labels, soft, logits, odds = arguments
    with np.errstate(all="raise"):
        for f in (cross_entropy, cross_entropy_grad):
            f(z, labels), f(z, soft)
        for f in (bce_with_logits, bce_with_logits_grad):
            f(logits, odds)
    for found, expected in zip(arguments, (Z, LABELS, SOFT, BINARY, ODDS), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("f", [cross_entropy, cross_entropy_grad])
@pytest.mark.parametrize(
    ("logits", "targets", "error", "message"),
    [
        (
            Z[0],
            1,
            ValueError,
            r"logits must have an axis of examples and one of classes, .* \(4,\); .*newaxis",
        ),
        (
            np.zeros((0, 3)),
            [],
            ValueError,
            r"logits is empty, shape \(0, 3\); a mean over no examples",
        ),
        (np.zeros((2, 0)), [0, 0], ValueError, r"logits is empty, shape \(2, 0\)"),
        (Z, [0, 1, 2, 3, 4], ValueError, r"targets\[4\] is 4, but .* classes 0 to 3; .*subtract 1"),
        (Z, [0, 1, -1, 3, 0], ValueError, r"targets\[2\] is -1, but logits of shape \(5, 4\)"),
        (Z, [0, 1, 9, 3, 0], ValueError, r"targets\[2\] is 9, .* have classes 0 to 3$"),
        (Z, [0, 1, 2], ValueError, r"one class for each of the 5 rows of logits, got 3"),
        (
            Z,
            LABELS * 1.0,
            TypeError,
            r"class indices and must be integers, .* dtype is float64; use",
        ),
        (Z, LABELS == 1, TypeError, r"must be integers, but their dtype is bool"),
        (
            Z,
            LABELS[:, None],
            ValueError,
            r"their shape is \(5, 1\); for class indices pass .*ravel",
        ),
        (
            Z,
            ONE_HOT.T,
            ValueError,
            r"their shape is \(4, 5\); rows are examples, so pass targets.T",
        ),
        (Z, 2, ValueError, r"of the shape of logits, \(5, 4\), but their shape is \(\)$"),
        (
            Z,
            -ONE_HOT,
            ValueError,
            r"targets\[0, 0\] is -1.0, but a probability is finite and not neg",
        ),
        (Z, ONE_HOT * np.nan, ValueError, r"targets\[0, 0\] is nan, but a probability is finite"),
        (Z, SOFT + np.inf, ValueError, r"targets\[0, 0\] is inf, but a probability is finite"),
        (Z.astype(str), LABELS, TypeError, "logits must hold real numbers, but its dtype is <U"),
        (Z, SOFT * 1j, TypeError, "targets must hold real numbers, but its dtype is complex"),
    ],
)
def test_bad_logits_and_targets_are_refused(f, logits, targets, error, message):
    with pytest.raises(error, match=message):
        f(logits, targets)


@pytest.mark.parametrize("f", [bce_with_logits, bce_with_logits_grad])
@pytest.mark.parametrize(
    ("logits", "targets", "message"),
    [
        (np.zeros((3, 1)), np.zeros(3), r"logits has \(3, 1\) and targets has \(3,\); NumPy would"),
        (
            np.zeros((3, 1)),
            np.zeros(3),
            r"to 3 x 3 differences and be wrong, so use logits.ravel\(\)",
        ),
        (
            np.zeros(3),
            np.zeros(2),
            r"must have the same shape, but logits has \(3,\) and .* \(2,\)$",
        ),
        (np.zeros(2), [1.0, -1.0], r"targets\[1\] is -1.0, .* in \[0, 1\]; turn labels -1 and \+1"),
        (
            np.zeros((1, 2)),
            [[0.5, 1.5]],
            r"targets\[0, 1\] is 1.5, but a probability lies in \[0, 1\]$",
        ),
        (np.zeros(2), [0.0, np.nan], r"targets\[1\] is nan, but a probability lies in"),
        (np.zeros(0), [], r"logits is empty, shape \(0,\)"),
        (0.0, 1.0, r"logits must have an axis of examples, shape \(N,\) or \(N, K\), got a number"),
    ],
)
def test_bad_binary_targets_are_refused(f, logits, targets, message):
    with pytest.raises(ValueError, match=message):
        f(logits, targets)


def test_an_infinite_logit_for_a_wrong_class_costs_infinity_whatever_the_others_are():
    with np.errstate(all="raise"):
        found = cross_entropy(np.array([[np.inf, 0.0], [1.0, 2.0]]), np.array([1, 0]))
    assert found == np.inf


def test_cross_entropy_of_one_example_is_good_to_the_last_digits():
    rng = np.random.default_rng(7)
    worst = 0.0
    with mp.workdps(40):
        for row in rng.uniform(-3, 3, size=(400, 2)):
            exact = mp.log(sum(mp.exp(mp.mpf(v)) for v in row)) - mp.mpf(row[0])
            found = float(cross_entropy(row[None], [0]))
            worst = max(worst, abs(float((mp.mpf(found) - exact) / np.spacing(found))))
    assert worst < 1.5, worst


def test_an_example_that_is_left_out_bends_nothing():
    hess = cross_entropy_hess(Z, LABELS, ignore_index=3)
    np.testing.assert_array_equal(hess[1], np.zeros((4, 4)))
    assert (np.diagonal(hess[0]) > 0).all()
    np.testing.assert_array_equal(cross_entropy_hess(Z, 0 * SOFT)[0], np.zeros((4, 4)))
