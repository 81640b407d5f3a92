"""Principal components: what they reconstruct, their variances, their signs, extremes."""

import numpy as np
import pytest

from nnbook.functions import PCA, pca

RNG = np.random.default_rng(4)
X = RNG.normal(size=(30, 4)) @ RNG.normal(size=(4, 4)) + [10.0, -3.0, 0.0, 1e3]


def test_all_components_give_the_data_back():
    found = pca(X)
    assert isinstance(found, PCA)
    np.testing.assert_allclose(found.mean + found.scores @ found.components, X, atol=1e-11)
    np.testing.assert_allclose(found.mean, X.mean(axis=0), rtol=1e-14)


def test_components_are_eigenvectors_of_the_covariance():
    found = pca(X)
    covariance = np.cov(X.T)
    np.testing.assert_allclose(
        covariance @ found.components.T, found.components.T * found.variances, atol=1e-10
    )
    np.testing.assert_allclose(found.components @ found.components.T, np.eye(4), atol=1e-14)
    assert (np.diff(found.variances) <= 0).all()


def test_scores_are_uncorrelated_with_these_variances():
    found = pca(X)
    np.testing.assert_allclose(np.cov(found.scores.T), np.diag(found.variances), atol=1e-11)
    np.testing.assert_allclose(found.scores, (X - X.mean(0)) @ found.components.T, atol=1e-11)


def test_ratios_are_shares_of_the_total_variance():
    found = pca(X)
    total = X.var(axis=0, ddof=1).sum()
    np.testing.assert_allclose(found.explained_ratio, found.variances / total, rtol=1e-12)
    assert found.explained_ratio.sum() == pytest.approx(1, rel=1e-15)
    few = pca(X, 2)
    np.testing.assert_array_equal(few.explained_ratio, found.explained_ratio[:2])


def test_fewer_components_are_the_first_ones():
    few, many = pca(X, 2), pca(X)
    assert [part.shape for part in few] == [(4,), (2, 4), (30, 2), (2,), (2,)]
    np.testing.assert_array_equal(few.components, many.components[:2])
    np.testing.assert_array_equal(few.scores, many.scores[:, :2])
    np.testing.assert_array_equal(few.variances, many.variances[:2])
    np.testing.assert_array_equal(few.mean, many.mean)


def test_the_largest_entry_of_each_component_is_positive():
    for data in (X, -X, X[:, ::-1]):
        components = pca(data).components
        largest = np.argmax(np.abs(components), axis=1)
        assert (components[np.arange(4), largest] > 0).all()


def test_more_features_than_examples():
    found = pca(X[:3])
    assert found.components.shape == (3, 4)
    assert found.variances[2] == pytest.approx(0, abs=1e-20)
    np.testing.assert_allclose(found.mean + found.scores @ found.components, X[:3], atol=1e-11)


def test_data_far_from_0_keep_their_digits():
    small = RNG.integers(-8, 8, size=(20, 3)).astype(float)
    np.testing.assert_allclose(pca(small + 2.0**50).variances, pca(small).variances, rtol=1e-12)
    np.testing.assert_allclose(pca(small + 2.0**50).scores, pca(small).scores, atol=1e-12)


@pytest.mark.parametrize("scale", [2.0**1000, 2.0**-1000])
def test_scales_do_no_harm(scale):
    with np.errstate(all="raise"):
        found = pca(X * scale)
    plain = pca(X)
    np.testing.assert_allclose(found.components, plain.components, rtol=1e-12)
    np.testing.assert_allclose(found.scores / scale, plain.scores, rtol=1e-12)
    np.testing.assert_allclose(found.explained_ratio, plain.explained_ratio, rtol=1e-12)
    assert (found.variances == (np.inf if scale > 1 else 0)).all()


def test_a_feature_that_never_changes_has_no_part():
    data = np.column_stack([X[:, 0], np.full(30, 0.1)])
    found = pca(data)
    assert found.components[0].tolist() == [1.0, 0.0]
    assert found.explained_ratio.tolist() == [1.0, 0.0]


def test_tiny_features_beside_a_constant_one_keep_their_shares():
    data = np.column_stack([1e-200 * X[:, 0], np.ones(30), 1e-200 * X[:, 1]])
    with np.errstate(all="raise"):
        found = pca(data)
    expected = pca(X[:, :2]).explained_ratio
    np.testing.assert_allclose(found.explained_ratio, [*expected, 0], rtol=1e-10, atol=1e-30)


def test_chapter_2_centring_lowers_the_condition_number():
    data = RNG.normal(size=(100, 2)) + 100
    variances = pca(data).variances
    assert variances[0] / variances[1] < 2
    assert np.linalg.cond(data.T @ data) > 1e4


def test_dtypes_are_kept():
    narrow = X.astype(np.float32)
    for one, other in zip(pca(narrow), pca(narrow.astype(float)), strict=True):
        assert one.dtype == np.float32
        np.testing.assert_array_equal(one, other.astype(np.float32))
    if np.dtype(np.longdouble).itemsize > 8:
        with pytest.raises(TypeError, match="X has dtype"):
            pca(X.astype(np.longdouble))


def test_one_feature_is_its_own_component():
    found = pca([[1.0], [3.0], [8.0]])
    assert found.components.tolist() == [[1.0]]
    np.testing.assert_allclose(found.scores.ravel(), [-3, -1, 4], rtol=1e-15)
    np.testing.assert_allclose(found.variances, [13], rtol=1e-15)


def test_the_message_names_the_first_entry_that_is_not_finite():
    with pytest.raises(ValueError, match=r"X\[0, 1\] is inf"):
        pca([[1.0, np.inf], [np.nan, 2.0]])


def test_two_examples_are_enough():
    found = pca([[0.0, 0.0], [3.0, 4.0]], 1)
    np.testing.assert_allclose(found.components, [[0.6, 0.8]], rtol=1e-15)
    np.testing.assert_allclose(found.variances, [12.5], rtol=1e-15)
    with pytest.raises(ValueError, match="no more than 2 components"):
        pca([[0.0, 0.0], [3.0, 4.0]], 3)


def test_wrong_calls_are_refused():
    for shape in ((1, 2), (3, 0), (0, 2)):
        with pytest.raises(ValueError, match="X must have at least two examples of a feature"):
            pca(np.ones(shape))
    with pytest.raises(ValueError, match="X has no variance"):
        pca(np.full((3, 2), 0.1))
    with pytest.raises(ValueError, match="n_components must be at least 1"):
        pca(X, 0)
