"""Weights, ignored classes, smoothing, reductions and axes of the losses of classes."""

import mpmath as mp
import numpy as np
import pytest

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
from tests.functions import loss_reference as true

RNG = np.random.default_rng(77)
Z = RNG.normal(size=(7, 4)) * 3
LABELS = np.array([0, 3, 1, 1, 2, 2, 0])
ONE_HOT = np.eye(4)[LABELS]
SOFT = softmax(RNG.normal(size=(7, 4)))
LOOSE = np.abs(RNG.normal(size=(7, 4)))
WEIGHTS = np.array([0.5, 2.0, 0.0, 1.5])
BOTH = [cross_entropy, cross_entropy_grad, cross_entropy_hess]
EVERY = [*BOTH, nll, nll_grad]
OPTIONS = [
    ("labels", {}),
    ("labels", {"weights": WEIGHTS}),
    ("labels", {"ignore_index": 1}),
    ("labels", {"label_smoothing": 0.1}),
    ("labels", {"weights": WEIGHTS, "ignore_index": 1, "label_smoothing": 0.3}),
    ("soft", {}),
    ("loose", {"weights": WEIGHTS}),
    ("soft", {"label_smoothing": 0.1}),
    ("loose", {"weights": WEIGHTS, "label_smoothing": 0.3}),
]
TARGETS = {"labels": LABELS, "soft": SOFT, "loose": LOOSE}


@pytest.mark.parametrize(("kind", "options"), OPTIONS)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 60.0])
def test_values_slopes_and_bends_to_50_digits(kind, options, scale):
    z, targets = Z * scale, TARGETS[kind]
    with mp.workdps(60), np.errstate(all="raise"):
        value = true.cross_entropy(z, targets, **options)
        assert true.worst(cross_entropy(z, targets, **options), value, z.size) <= 2
        slope = true.cross_entropy_grad(z, targets, **options)
        assert true.worst(cross_entropy_grad(z, targets, **options), slope, 4) <= 2
        bend = true.cross_entropy_hess(z, targets, **options)
        assert true.worst(cross_entropy_hess(z, targets, **options), bend, 4) <= 3


@pytest.mark.parametrize(("scale", "classes"), [(1.0, 2), (10.0, 2), (10.0, 5), (600.0, 5)])
def test_each_loss_alone_is_good_to_the_last_digits(scale, classes):
    rng = np.random.default_rng(3)
    z, y = rng.normal(size=(150, classes)) * scale, rng.integers(0, classes, 150)
    with mp.workdps(60):
        exact = [true.nats(row)[k] for row, k in zip(true.numbers(z), y, strict=True)]
        exact = [true.Exact(value, value) for value in exact]
        # A gap that is rounded when it is formed would cost more: up to 1.9.
        assert true.worst(cross_entropy(z, y, reduction="none"), exact, 1) <= 1.4
        slope = true.cross_entropy_grad(z[:50], y[:50])
        assert true.worst(cross_entropy_grad(z[:50], y[:50]), slope, 1) <= 2


@pytest.mark.parametrize("student", [[60.0, 0.0, 1.0], [40.0, 0.0, 1.0], [0.0, 0.0, 60.0]])
@pytest.mark.parametrize("teacher", [[50.0, 0.0, 0.0], [0.0, 40.0, 40.0], [0.0, -800.0, -900.0]])
def test_targets_nearly_certain_keep_the_digits_of_what_they_leave(student, teacher):
    # 1 + 1e-22 is 1: a sum of all targets less the largest would have lost the rest.
    z, targets = np.array([student]), softmax([teacher])
    with mp.workdps(60):
        exact = true.cross_entropy_grad(z, targets)
        for found in (cross_entropy_grad(z, targets), kl_divergence_grad(z, targets)):
            assert true.worst(found, exact, 1) <= 2
            assert abs(found.sum()) <= 2**-52 * np.abs(found).sum()


@pytest.mark.parametrize(("kind", "options"), OPTIONS)
def test_nll_of_log_softmax_is_cross_entropy(kind, options):
    targets, logs = TARGETS[kind], log_softmax(Z, 1)
    for reduction in ("mean", "sum", "none"):
        more = {**options, "reduction": reduction}
        np.testing.assert_allclose(
            nll(logs, targets, **more), cross_entropy(Z, targets, **more), rtol=1e-13
        )
        through = nll_grad(logs, targets, **more)
        through = through - softmax(Z, 1) * through.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(through, cross_entropy_grad(Z, targets, **more), atol=1e-15)


@pytest.mark.parametrize(("kind", "options"), OPTIONS)
def test_none_sums_to_sum_and_divides_to_mean(kind, options):
    targets = TARGETS[kind]
    single = cross_entropy(Z, targets, **options, reduction="none")
    assert single.shape == (7,)
    total = cross_entropy(Z, targets, **options, reduction="sum")
    assert total == pytest.approx(single.sum(), rel=1e-14)
    divisor = 7
    if kind == "labels":
        kept = LABELS[LABELS != options.get("ignore_index")]
        divisor = options.get("weights", np.ones(4))[kept].sum()
    mean = cross_entropy(Z, targets, **options)
    assert mean == pytest.approx(total / divisor, rel=1e-14)
    for derivative in (cross_entropy_grad, cross_entropy_hess):
        of_sum = derivative(Z, targets, **options, reduction="sum")
        np.testing.assert_allclose(
            derivative(Z, targets, **options), of_sum / divisor, rtol=1e-14
        )
        np.testing.assert_array_equal(
            derivative(Z, targets, **options, reduction="none"), of_sum
        )


def test_what_is_wrong_is_said_with_its_likely_cause():
    for f in (cross_entropy, nll):
        with pytest.raises(ValueError, match=r"is \(7, 1\); for class indices pass .*ravel\(\)$"):
            f(Z, LABELS[:, np.newaxis])
        with pytest.raises(ValueError, match=r"is \(4, 7\); rows are examples, so pass targets.T$"):
            f(Z, SOFT.T)
        with pytest.raises(ValueError, match=r"is \(7, 3\)$"):
            f(Z, SOFT[:, :3])
        with pytest.raises(ValueError, match=r"shape is \(4,\); a single .*newaxis"):
            f(Z[0], 1)
        with pytest.raises(ValueError, match=r"shape is \(\)$"):
            f(1.0, 1)
        with pytest.raises(ValueError, match=r"classes 0 to 3; if it marks .* ignore_index=-5$"):
            f(Z, LABELS - 5 * (LABELS == 0))
        with pytest.raises(ValueError, match=r"classes 0 to 3$"):
            f(Z, LABELS - 5 * (LABELS == 0), ignore_index=-1)
        with pytest.raises(ValueError, match=r"is 4, .* classes 0 to 3; if your .* subtract 1$"):
            f(Z, LABELS + 1)
        with pytest.raises(ValueError, match=r"is 9, .* classes 0 to 3$"):
            f(Z, np.full(7, 9))
        with pytest.raises(ValueError, match=r"^targets are all ignore_index=2; a mean over no ex"):
            f(Z[:2], [2, 2], ignore_index=2)
        with pytest.raises(ValueError, match=r"^targets are all of weight 0; a mean over no ex"):
            f(Z[:2], [2, 1], ignore_index=1, weights=WEIGHTS)


def test_the_loss_of_one_example_by_hand():
    z = np.log([[0.5, 0.25, 0.25]])
    half, quarter = np.log(2), np.log(4)
    w = [3.0, 1.0, 2.0]
    assert cross_entropy(z, [0]) == pytest.approx(half, rel=1e-15)
    assert cross_entropy(z, [0], weights=w) == pytest.approx(half, rel=1e-15)
    assert cross_entropy(z, [0], weights=w, reduction="sum") == pytest.approx(3 * half, rel=1e-15)
    assert cross_entropy(z, [[1.0, 0, 0]], weights=w) == pytest.approx(3 * half, rel=1e-15)
    smooth = 0.7 * half + 0.1 * (half + 2 * quarter)
    assert cross_entropy(z, [0], label_smoothing=0.3) == pytest.approx(smooth, rel=1e-15)
    both = 3 * 0.7 * half + 0.1 * (3 * half + 3 * quarter)
    options = {"weights": w, "label_smoothing": 0.3}
    assert cross_entropy(z, [0], **options) == pytest.approx(both / 3, rel=1e-15)
    assert cross_entropy(z, [0], **options, reduction="none") == pytest.approx([both], rel=1e-15)


def test_one_hot_rows_and_class_indices_differ_in_the_divisor_alone():
    for options in ({"weights": WEIGHTS}, {"weights": WEIGHTS, "label_smoothing": 0.25}):
        for f in EVERY:
            np.testing.assert_allclose(
                f(Z, LABELS, **options, reduction="sum"),
                f(Z, ONE_HOT, **options, reduction="sum"),
                rtol=1e-14,
                atol=1e-16,
            )
        ratio = cross_entropy(Z, ONE_HOT, **options) / cross_entropy(Z, LABELS, **options)
        assert ratio == pytest.approx(WEIGHTS[LABELS].sum() / 7, rel=1e-14)


def test_smoothed_rows_are_the_same_as_smoothing():
    smooth = 0.8 * SOFT + 0.2 / 4
    for f in EVERY:
        np.testing.assert_allclose(
            f(Z, SOFT, label_smoothing=0.2), f(Z, smooth), rtol=1e-14, atol=1e-16
        )


def test_a_common_factor_of_the_weights_changes_no_mean_of_class_indices():
    for scale in (2.0, 2.0**-1000, 2.0**1000):
        for f in EVERY:
            for smoothing in (0.0, 0.25):
                np.testing.assert_array_equal(
                    f(Z, LABELS, weights=WEIGHTS * scale, label_smoothing=smoothing),
                    f(Z, LABELS, weights=WEIGHTS, label_smoothing=smoothing),
                )
    huge = np.full(4, 1.7e308)
    assert cross_entropy(Z, LABELS, weights=huge) == pytest.approx(
        cross_entropy(Z, LABELS), rel=1e-14
    )
    tiny = np.full(4, 5e-324)
    assert cross_entropy(Z, LABELS, weights=tiny) == pytest.approx(
        cross_entropy(Z, LABELS), rel=1e-14
    )
    single = cross_entropy(Z, LABELS, weights=[1e300, 1e-300, 1.0, 1.0], reduction="none")
    assert single[2] == pytest.approx(1e-300 * cross_entropy(Z[2:3], [1]), rel=1e-14, abs=0)


@pytest.mark.parametrize("ignored", [-100, -1, 1, 4, 300])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_an_ignored_example_is_as_if_it_were_not_there(ignored, smoothing):
    labels = LABELS.copy()
    labels[[1, 4]] = ignored
    kept = labels != ignored
    for weights in (None, WEIGHTS + 1):
        options = {"weights": weights, "label_smoothing": smoothing}
        more = {**options, "ignore_index": ignored}
        assert cross_entropy(Z, labels, **more) == pytest.approx(
            cross_entropy(Z[kept], labels[kept], **options), rel=1e-14
        )
        for f in EVERY[1:]:
            of = {**more, "reduction": "none"}
            found = f(Z, labels, **of)
            assert np.all(found[~kept] == 0)
            np.testing.assert_allclose(
                found[kept], f(Z[kept], labels[kept], **options, reduction="none"), rtol=1e-14
            )


def test_what_is_left_out_may_hold_anything():
    z = Z.copy()
    z[2], z[5] = np.nan, [np.inf, np.inf, -np.inf, 0]
    labels = LABELS.copy()
    labels[[2, 5]] = -1
    weights = np.array([1.0, 2.0, 0.0, 3.0])
    for f in EVERY:
        for smoothing in (0.0, 0.1):
            found = f(z, labels, ignore_index=-1, label_smoothing=smoothing)
            assert np.isfinite(found).all()
        # A class of weight 0 is left out likewise; its neighbours are not.
        again = np.where(labels == -1, 2, labels)
        assert np.isfinite(f(z, again, weights=weights)).all()
        rows = np.where((again == 2)[:, None], 0, SOFT)
        assert np.isfinite(f(z, rows)).all()
    assert np.isnan(cross_entropy(z, np.where(labels == -1, 0, labels)))


def test_a_label_type_too_narrow_for_the_ignored_class_is_compared_all_the_same():
    for kind in (np.uint8, np.int8, np.uint64, np.int32):
        labels = LABELS.astype(kind)
        assert cross_entropy(Z, labels, ignore_index=-100) == cross_entropy(Z, LABELS)
        assert cross_entropy(Z, labels, ignore_index=300) == cross_entropy(Z, LABELS)
        assert cross_entropy(Z, labels, ignore_index=np.int64(2)) != cross_entropy(Z, LABELS)
    wide = np.array([0, 2**64 - 1, 1], np.uint64)
    for f in EVERY:
        found = f(Z[:3], wide, ignore_index=2**64 - 1)
        expected = f(Z[:3], [0, -1, 1], ignore_index=-1)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -4])
def test_every_axis_may_hold_the_classes(axis):
    z = RNG.normal(size=(3, 4, 2, 5))
    z = np.moveaxis(z, 1, axis)
    rest = tuple(n for i, n in enumerate(z.shape) if i != axis % 4)
    labels = RNG.integers(0, 4, rest)
    flat, flat_labels = np.moveaxis(z, axis, -1).reshape(-1, 4), labels.ravel()
    soft = softmax(RNG.normal(size=z.shape), axis)
    flat_soft = np.moveaxis(soft, axis, -1).reshape(-1, 4)
    for targets, flat_targets in ((labels, flat_labels), (soft, flat_soft)):
        for options in ({}, {"weights": WEIGHTS, "label_smoothing": 0.1}):
            options = {**options, "reduction": "none"}
            for f in (cross_entropy, nll):
                found = f(z, targets, axis=axis, **options)
                assert found.shape == rest
                np.testing.assert_allclose(
                    found.ravel(), f(flat, flat_targets, **options), rtol=1e-14
                )
            for f in (cross_entropy_grad, nll_grad):
                found = f(z, targets, axis=axis, **options)
                assert found.shape == z.shape
                np.testing.assert_allclose(
                    np.moveaxis(found, axis, -1).reshape(-1, 4), f(flat, flat_targets, **options),
                    rtol=1e-13, atol=1e-16,
                )  # fmt: skip
            found = cross_entropy_hess(z, targets, axis=axis, **options)
            at = axis % 4
            assert found.shape == (*z.shape[: at + 1], 4, *z.shape[at + 1 :])
            np.testing.assert_allclose(
                np.moveaxis(found, (at, at + 1), (-2, -1)).reshape(-1, 4, 4),
                cross_entropy_hess(flat, flat_targets, **options),
                rtol=1e-13, atol=1e-16,
            )  # fmt: skip


def test_the_hessian_is_symmetric_has_no_negative_eigenvalue_and_a_null_vector():
    hess = cross_entropy_hess(Z, LOOSE)
    np.testing.assert_array_equal(hess, np.swapaxes(hess, 1, 2))
    assert np.linalg.eigvalsh(hess).min() > -1e-16
    np.testing.assert_allclose(hess.sum(axis=2), 0, atol=1e-16)
    np.testing.assert_array_equal(cross_entropy_hess([[0.0, 0.0]], [[1.0, 1.0]]),
                                  [[[0.5, -0.5], [-0.5, 0.5]]])  # fmt: skip
    tail = cross_entropy_hess([[50.0, 0.0]], [0]) * np.exp(50.0)
    np.testing.assert_allclose(tail, [[[1, -1], [-1, 1]]], rtol=1e-14)


@pytest.mark.parametrize("f", BOTH)
def test_a_batch_of_nothing_has_a_sum(f):
    for z, targets in ((Z[:0], []), (Z[:0], LABELS[:0]), (Z[:0], SOFT[:0])):
        with np.errstate(all="raise"):
            total = f(z, targets, reduction="sum")
            single = f(z, targets, reduction="none")
        assert np.sum(total) == 0
        assert single.shape[0] == 0
    assert cross_entropy(Z[:0], [], reduction="none").shape == (0,)
    assert cross_entropy(np.zeros((2, 3, 0)), np.zeros((2, 0), int), reduction="sum") == 0
    assert cross_entropy(Z, [9] * 7, ignore_index=9, reduction="sum") == 0
    assert cross_entropy(Z, LABELS, weights=np.zeros(4), reduction="sum") == 0


def test_huge_logits_are_exact_with_every_option():
    top, low = [[1e308, -1e308], [0.0, 0.0]], [1, 0]
    with np.errstate(all="raise"):
        assert cross_entropy(top, low, reduction="none").tolist() == [np.inf, np.log(2)]
        assert cross_entropy(top, low, reduction="sum") == np.inf
        assert cross_entropy(top, low, weights=[3.0, 1.0]) == 5e307
        assert cross_entropy(top, low, weights=[1.0, 0.25], reduction="sum") == 5e307
        assert cross_entropy(top, low, label_smoothing=0.5) == 7.5e307
        half = cross_entropy(top, [[0.75, 0.25], [1, 0]], reduction="none")
        np.testing.assert_allclose(half, [5e307, np.log(2)], rtol=1e-15)
        assert cross_entropy(top, [7, 0], ignore_index=7) == np.log(2)
        # A class that is ruled out beside a gap that overflows
        ruled = [[1e308, -1e308, -np.inf]] * 4
        assert cross_entropy(ruled, [[0.75, 0.25, 0.0]] * 4) == 5e307
        assert cross_entropy([[1e308, 0.0, -np.inf]] * 4, [1] * 4) == 1e308
        assert cross_entropy(ruled, [0] * 4) == 0
        assert cross_entropy([[np.inf, 0.0], [0.0, 0.0]], [1, 0]) == np.inf
        pixels = np.moveaxis(np.array([[[1e308, -1e308], [0.0, 0.0]]]), 2, 1)
        assert cross_entropy(pixels, [[1, 0]]) == 1e308
        assert nll([[-1e308, 0.0]] * 4, [0] * 4) == 1e308
        assert nll([[-1e308, 0.0]] * 4, [0] * 4, weights=[4.0, 1.0]) == 1e308
        assert nll([[-1e308, -1e308]] * 4, [[1.0, 1.0]] * 4, reduction="sum") == np.inf
        assert type(nll([[-1e308, 0.0]] * 4, [0] * 4)) is np.float64
        assert kl_divergence([[1e308, 0.0]] * 4, [[0.0, 1.0]] * 4) == 1e308


def test_a_logit_of_minus_infinity_costs_only_where_it_is_wanted():
    z = [[-np.inf, 0.0, 0.0]]
    assert cross_entropy(z, [1], label_smoothing=0.1) == np.inf
    assert cross_entropy(z, [1], label_smoothing=0.1, weights=[0.0, 1.0, 1.0]) == pytest.approx(
        np.log(2) * (0.9 + 0.2 / 3), rel=1e-15
    )
    np.testing.assert_array_equal(
        cross_entropy_hess(z, [1]), [[[0, 0, 0], [0, 0.25, -0.25], [0, -0.25, 0.25]]]
    )
    assert nll([[-np.inf, 0.0]], [1]) == 0
    assert nll([[-np.inf, 0.0]], [0]) == np.inf
    assert nll([[np.nan, -1.0]], [1]) == 1
    assert np.isnan(nll([[np.nan, -1.0]], [[0.5, 0.5]]))
    np.testing.assert_array_equal(np.signbit(nll_grad([[0.0, -1.0]], [0])), [[True, False]])


@pytest.mark.parametrize(("kind", "options"), OPTIONS)
@pytest.mark.parametrize("f", EVERY)
def test_float32_is_float64_rounded_once(f, kind, options):
    targets = TARGETS[kind]
    narrow = Z.astype(np.float32)
    if kind != "labels":
        targets = targets.astype(np.float32)
    wide = targets.astype(float) if kind != "labels" else targets
    for reduction in ("mean", "none"):
        found = f(narrow, targets, **options, reduction=reduction)
        assert found.dtype == np.float32
        expected = f(narrow.astype(float), wide, **options, reduction=reduction)
        np.testing.assert_array_equal(found, expected.astype(np.float32))


@pytest.mark.parametrize("f", EVERY)
def test_options_change_neither_dtype_nor_themselves(f):
    weights, labels, soft = WEIGHTS.copy(), LABELS.copy(), SOFT.copy()
    for array in (weights, labels, soft):
        array.flags.writeable = False
    options = {"weights": weights, "label_smoothing": 0.1}
    assert f(Z.astype(np.float16), labels, **options, ignore_index=2).dtype == np.float16
    assert f(Z, soft, **options).dtype == np.float64
    listed = f(Z.tolist(), labels.tolist(), weights=weights.tolist(), label_smoothing=0.1)
    np.testing.assert_array_equal(listed, f(Z, labels, **options))
    np.testing.assert_array_equal(
        f(Z, labels, weights=[1, 2, 0, 3]), f(Z, labels, weights=np.array([1.0, 2.0, 0.0, 3.0]))
    )
