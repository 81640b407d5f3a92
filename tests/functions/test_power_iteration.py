"""Power iteration and deflation: eigenpairs, rates, and what has no limit."""

import numpy as np
import pytest

from nnbook.functions import Eigenpairs, PowerIteration, power_iteration, top_eigenpairs

RNG = np.random.default_rng(3)


def with_eigenvalues(values, seed=0):
    Q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(values), len(values))))
    S = (Q * values) @ Q.T
    return (S + S.T) / 2


def test_it_finds_the_eigenvalue_of_largest_absolute_value():
    S = with_eigenvalues([1.0, -5.0, 3.0, 0.1])
    found = power_iteration(S)
    assert isinstance(found, PowerIteration)
    assert found.converged is True
    assert found.eigenvalue == pytest.approx(-5, rel=1e-14)
    assert np.linalg.norm(found.eigenvector) == pytest.approx(1, rel=1e-15)
    assert np.linalg.norm(S @ found.eigenvector + 5 * found.eigenvector) < 5e-10
    assert found.residual <= 5e-10


def test_the_residual_is_that_of_the_vector_returned():
    S = with_eigenvalues([2.0, 1.9, 1.0])
    for limit in (1, 2, 7):
        found = power_iteration(S, max_iterations=limit)
        v = found.eigenvector
        assert found.iterations == limit
        assert not found.converged
        assert found.eigenvalue == pytest.approx(v @ S @ v, rel=1e-14)
        assert found.residual == pytest.approx(np.linalg.norm(S @ v - found.eigenvalue * v))
        # For a symmetric matrix an eigenvalue is that near.
        assert np.abs(np.linalg.eigvalsh(S) - found.eigenvalue).min() <= found.residual


def test_the_first_vector_is_start():
    found = power_iteration([[0.0, 1.0], [4.0, 0.0]], [3.0, 4.0], max_iterations=1)
    np.testing.assert_allclose(found.eigenvector, [0.6, 0.8], rtol=1e-15)
    assert found.eigenvalue == pytest.approx(0.48 + 4 * 0.48, rel=1e-15)


def test_the_error_shrinks_by_the_ratio_of_eigenvalues():
    S, top = np.diag([1.0, 0.8, 0.3]), np.array([1.0, 0.0, 0.0])

    def error(steps):
        return np.linalg.norm(power_iteration(S, [1, 1, 1], max_iterations=steps).eigenvector - top)

    assert error(31) / error(30) == pytest.approx(0.8, rel=1e-3)


def test_the_tolerance_is_relative_to_the_eigenvalue():
    for scale in (1.0, 1e-100, 1e100):
        S = scale * np.diag([3.0, 1.0])
        loose, tight = (power_iteration(S, [1, 1], tolerance=t) for t in (1e-2, 1e-8))
        assert loose.residual <= 1e-2 * 3 * scale
        assert tight.residual <= 1e-8 * 3 * scale
        assert (loose.iterations, tight.iterations) == (5, 18)


def test_the_sign_of_the_vector_is_fixed():
    for start in ([1.0, 0.3], [-1.0, -0.3]):
        found = power_iteration([[2.0, -1.0], [-1.0, 3.0]], start)
        assert found.eigenvector[np.argmax(np.abs(found.eigenvector))] > 0


@pytest.mark.parametrize(
    "A", [[[0.0, -1.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, -1.0]], [[1.0, -2.0], [2.0, 1.0]]]
)
def test_what_has_no_limit_is_not_said_to_converge(A):
    found = power_iteration(A, max_iterations=500)
    assert not found.converged
    assert found.iterations == 500
    assert found.residual > 1e-3


def test_a_matrix_that_is_not_symmetric():
    found = power_iteration([[2.0, 1.0], [0.0, 1.0]])
    assert found.eigenvalue == pytest.approx(2, rel=1e-9)
    np.testing.assert_allclose(found.eigenvector, [1, 0], atol=1e-9)


def test_starts_and_products_must_be_vectors_of_numbers():
    for start in ([1.0, np.inf], [0.0, 0.0], [np.nan, 0.0]):
        with pytest.raises(ValueError, match="start must be finite and not all zeros"):
            power_iteration(np.eye(2), start)
    assert power_iteration(np.diag([2.0, 1.0]), [1.0, 0.0]).eigenvalue == 2
    for product in (lambda v: v[:1], lambda v: v * np.inf, lambda v: np.append(v, 1)):
        with pytest.raises(ValueError, match=r"A\(v\) must be finite and have the shape of v"):
            power_iteration(product, [1.0, 2.0])


def test_a_single_number_is_its_own_eigenvalue():
    assert power_iteration([[-3.0]]) == (-3.0, [1.0], 1, 0.0, True)
    assert top_eigenpairs([[-3.0]], 1).eigenvalues.tolist() == [-3.0]


def test_only_square_matrices_have_eigenvalues():
    for shape in ((2, 3), (3, 2), (0, 0)):
        for f in (power_iteration, lambda A: top_eigenpairs(A, 1)):
            with pytest.raises(ValueError, match="A must be square and not empty"):
                f(np.ones(shape))


def test_it_gives_up_after_ten_thousand_products():
    assert power_iteration([[0.0, -1.0], [1.0, 0.0]]).iterations == 10_000
    assert top_eigenpairs(np.diag([1.0, -1.0]), 1).iterations.tolist() == [10_000]


def test_the_default_tolerance_is_one_in_ten_thousand_millions():
    S = np.diag([1.0, 0.99])
    found = power_iteration(S, [1, 1])
    assert 0.97e-10 < found.residual <= 1e-10
    # The residual of (1, r) after k steps is 0.01 times 0.99ᵏ, and less than that by 1 % a step.
    assert found.iterations == 1834
    assert 0.97e-10 < top_eigenpairs(S, 1).residuals[0] <= 1e-10


def test_equal_eigenvalues_of_a_symmetric_matrix_do_no_harm():
    found = power_iteration(with_eigenvalues([2.0, 2.0, 1.0]))
    assert found.converged and found.eigenvalue == pytest.approx(2)
    assert power_iteration(np.eye(3)).iterations == 1


def test_a_defective_matrix_converges_slowly():
    # A Jordan block: the error falls as 1/k, not geometrically.
    found = power_iteration([[1.0, 1.0], [0.0, 1.0]], max_iterations=1000)
    assert not found.converged
    assert found.eigenvalue == pytest.approx(1, abs=2e-3)


def test_the_kernel_ends_at_once():
    for A in (np.zeros((3, 3)), [[0.0, 1.0], [0.0, 0.0]]):
        found = power_iteration(A, max_iterations=10)
        assert found.converged
        assert found.eigenvalue == 0 == found.residual
        assert found.iterations <= 2


def test_a_start_orthogonal_to_the_dominant_vector_finds_the_next():
    found = power_iteration(np.diag([3.0, 2.0, 1.0]), [0.0, 1.0, 1.0])
    assert found.eigenvalue == pytest.approx(2)


def test_a_function_does_as_well_as_its_matrix():
    S, start = with_eigenvalues([4.0, 1.0, -2.0]), np.ones(3)
    by_matrix, by_function = power_iteration(S, start), power_iteration(lambda v: S @ v, start)
    assert by_function.eigenvalue == pytest.approx(by_matrix.eigenvalue, rel=1e-14)
    np.testing.assert_allclose(by_function.eigenvector, by_matrix.eigenvector, rtol=1e-9)
    seen = []

    def product(v):
        seen.append(v.dtype)
        return v * np.array([3, 1], np.float32)

    found = power_iteration(product, np.ones(2, np.float32), tolerance=1e-5)
    assert found.converged
    assert set(seen) == {np.dtype(np.float32)}
    assert found.eigenvector.dtype == np.float32


def test_the_start_is_the_same_unless_a_generator_draws_it():
    S = with_eigenvalues([2.0, 1.5, 1.0])
    one, two = power_iteration(S, max_iterations=2), power_iteration(S, max_iterations=2)
    np.testing.assert_array_equal(one.eigenvector, two.eigenvector)
    drawn = power_iteration(S, rng=np.random.default_rng(0), max_iterations=2)
    np.testing.assert_array_equal(one.eigenvector, drawn.eigenvector)
    rng = np.random.default_rng(5)
    drawn = power_iteration(S, rng=rng, max_iterations=1)
    v = np.random.default_rng(5).normal(size=3)
    np.testing.assert_allclose(np.abs(drawn.eigenvector), np.abs(v) / np.linalg.norm(v))
    assert not np.allclose(power_iteration(S, rng=rng, max_iterations=1)[1], drawn.eigenvector)


@pytest.mark.parametrize("scale", [1e300, 1e-300, 5e-324])
def test_scales_do_no_harm(scale):
    S = scale * np.array([[200.0, 100.0], [100.0, 200.0]])
    with np.errstate(all="raise"):
        for found in (power_iteration(S, scale * np.ones(2)), top_eigenpairs(S, 2)):
            assert np.all(found.converged)
            assert np.ravel(found[0])[0] / scale == pytest.approx(300, rel=1e-12)


def test_dtypes_are_kept():
    S = with_eigenvalues([4.0, 1.0, -2.0]).astype(np.float32)
    S = (S + S.T) / 2
    found = power_iteration(S)
    assert {np.asarray(part).dtype for part in found[:2]} == {np.dtype(np.float32)}
    assert found.residual.dtype == np.float32
    assert found.eigenvalue == np.float32(power_iteration(S.astype(float)).eigenvalue)
    many = top_eigenpairs(S, 2)
    assert many.eigenvalues.dtype == many.eigenvectors.dtype == many.residuals.dtype == np.float32
    assert power_iteration(S.astype(np.longdouble)).eigenvector.dtype == np.longdouble


def test_arguments_are_not_changed():
    S, start = with_eigenvalues([2.0, 1.0]), np.array([1.0, 2.0])
    before = S.copy()
    power_iteration(S, start)
    top_eigenpairs(S, 2)
    np.testing.assert_array_equal(S, before)
    assert start.tolist() == [1.0, 2.0]


def test_deflation_finds_all_eigenpairs_in_order():
    values = np.array([7.0, -5.0, 3.0, 1.5, -0.7, 0.01, 0.0])
    S = with_eigenvalues(values, seed=4)
    found = top_eigenpairs(S, 7, tolerance=1e-13)
    assert isinstance(found, Eigenpairs)
    assert found.converged.all()
    np.testing.assert_allclose(found.eigenvalues, values, atol=1e-12)
    V = found.eigenvectors
    np.testing.assert_allclose(V.T @ V, np.eye(7), atol=1e-12)
    np.testing.assert_allclose(S @ V, V * found.eigenvalues, atol=1e-11)
    np.testing.assert_allclose(
        found.residuals, np.linalg.norm(S @ V - V * found.eigenvalues, axis=0), atol=1e-14
    )
    assert (V[np.argmax(np.abs(V), axis=0), np.arange(7)] > 0).all()


def test_the_first_pairs_do_not_depend_on_how_many_are_asked_for():
    S = with_eigenvalues([4.0, 2.0, 1.0, 0.5])
    few, many = top_eigenpairs(S, 2), top_eigenpairs(S, 4)
    np.testing.assert_array_equal(few.eigenvectors, many.eigenvectors[:, :2])
    assert few.eigenvalues.shape == few.iterations.shape == few.residuals.shape == (2,)
    assert few.eigenvectors.shape == (4, 2)
    assert few.iterations.dtype.kind == "i"


def test_deflation_says_what_did_not_converge():
    found = top_eigenpairs(np.diag([3.0, 1.0, -1.0]), 2, max_iterations=50)
    assert found.converged.tolist() == [True, False]
    assert found.iterations[1] == 50


def test_deflation_draws_from_the_generator_given():
    S = with_eigenvalues([4.0, 2.0, 1.0])
    one = top_eigenpairs(S, 1, rng=np.random.default_rng(1), max_iterations=1)
    v = np.random.default_rng(1).normal(size=3)
    np.testing.assert_allclose(np.abs(one.eigenvectors[:, 0]), np.abs(v) / np.linalg.norm(v))


def test_late_pairs_are_judged_beside_the_largest_eigenvalue():
    # 1e-12 of the largest is below the tolerance: its vector is accepted at once.
    found = top_eigenpairs(np.diag([1.0, 1e-12, 1e-13]), 2)
    assert found.converged.all()
    assert found.iterations[1] == 1


def test_wrong_calls_are_refused():
    with pytest.raises(ValueError, match="start is needed if A is a function"):
        power_iteration(lambda v: v)
    with pytest.raises(ValueError, match=r"start must have shape \(n,\)"):
        power_iteration(lambda v: v, np.eye(2))
    with pytest.raises(ValueError, match=r"start must have shape \(n,\) = \(2,\)"):
        power_iteration(np.eye(2), np.ones(3))
    with pytest.raises(ValueError, match=r"A\[0, 1\] is inf"):
        power_iteration([[1.0, np.inf], [np.nan, 2.0]])
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator"):
        power_iteration(np.eye(2), rng=0)
    with pytest.raises(ValueError, match="count is 3, but A"):
        top_eigenpairs(np.eye(2), 3)
    with pytest.raises(ValueError, match=r"A\[0, 1\] is 2.0 and A\[1, 0\] is 3.0"):
        top_eigenpairs([[1.0, 2.0, 4.0], [3.0, 1.0, 0.0], [5.0, 0.0, 1.0]], 1)
    for options in ({"tolerance": -1e-9}, {"max_iterations": 0}):
        for f in (power_iteration, lambda A, **o: top_eigenpairs(A, 1, **o)):
            with pytest.raises(ValueError, match=next(iter(options))):
                f(np.eye(2), **options)
