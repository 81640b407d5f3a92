"""The affine layer, its vjp and its counts."""

import numpy as np
import pytest
import sympy as sp

from nnbook.functions import (
    affine,
    affine_vjp,
    backward_multiply_adds,
    multiply_adds,
    parameter_count,
)
from tests.functions.unchecked import hold_each_selection

RNG = np.random.default_rng(11)
A, W, B = RNG.normal(size=(5, 3)), RNG.normal(size=(4, 3)), RNG.normal(size=4)
G = RNG.normal(size=(5, 4))
SIZES = (784, 128, 64, 10)


def test_every_entry_is_a_row_times_a_row_plus_a_bias():
    Z = affine(A, W, B)
    for i in range(5):
        for j in range(4):
            assert Z[i, j] == pytest.approx(
                sum(A[i, k] * W[j, k] for k in range(3)) + B[j], rel=1e-14
            )


def test_vjp_is_sympys_gradient_for_all_shapes():
    N, m, n = 2, 3, 4
    a, w, b = sp.MatrixSymbol("A", N, m), sp.MatrixSymbol("W", n, m), sp.MatrixSymbol("b", n, 1)
    g = sp.MatrixSymbol("G", N, n)
    ones = sp.ones(N, 1)
    scalar = (
        g.as_explicit().T * (a.as_explicit() * w.as_explicit().T + ones * b.as_explicit().T)
    ).trace()
    values = {g: G[:2], a: A[:2], w: W, b: B[:, np.newaxis]}
    at = {s[i, j]: v[i, j] for s, v in values.items() for i in range(s.rows) for j in range(s.cols)}
    found = affine_vjp(G[:2], A[:2], W, B)
    for gradient, symbol in zip(found, (a, w, b), strict=True):
        expected = sp.Matrix(*symbol.shape, lambda i, j, s=symbol: sp.diff(scalar, s[i, j])).subs(
            at
        )
        np.testing.assert_allclose(
            gradient.reshape(symbol.shape), np.array(expected, dtype=float), rtol=1e-13
        )


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (1, 4, 2), (7, 1, 3), (0, 3, 2), (3, 0, 2), (64, 50, 40)]
)
def test_vjp_is_the_adjoint_of_the_layer(shape):
    n, n_in, n_out = shape
    rng = np.random.default_rng(n)
    a, w, b = rng.normal(size=(n, n_in)), rng.normal(size=(n_out, n_in)), rng.normal(size=n_out)
    da, dw, db = rng.normal(size=a.shape), rng.normal(size=w.shape), rng.normal(size=b.shape)
    g = rng.normal(size=(n, n_out))
    a_bar, w_bar, b_bar = affine_vjp(g, a, w, b)
    assert (a_bar.shape, w_bar.shape, b_bar.shape) == (a.shape, w.shape, b.shape)
    forward = np.sum(g * (da @ w.T + a @ dw.T + db))
    backward = np.sum(a_bar * da) + np.sum(w_bar * dw) + np.sum(b_bar * db)
    assert backward == pytest.approx(forward, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_error_is_within_the_stated_bound(dtype):
    rng = np.random.default_rng(2)
    a, w = rng.normal(size=(8, 3000)).astype(dtype), rng.normal(size=(6, 3000)).astype(dtype)
    b = rng.normal(size=6).astype(dtype)
    wide = [x.astype(np.longdouble) for x in (a, w, b)]
    truth = wide[0] @ wide[1].T + wide[2]
    terms = np.abs(wide[0]) @ np.abs(wide[1]).T + np.abs(wide[2])
    bound = 8 * np.finfo(dtype).eps * np.sqrt(3001) * terms
    found = affine(a, w, b)
    assert found.dtype == dtype
    assert (np.abs(found - truth) <= bound).all()
    if dtype == np.float16:  # rounded once, from float32, and not before b is added too
        np.testing.assert_allclose(found, truth.astype(float), rtol=2**-10, atol=0.02)
        single = affine(*(x.astype(np.float32) for x in (a, w, b)))
        np.testing.assert_array_equal(found, single.astype(np.float16))


def test_dtypes_are_kept_and_the_common_one_wins():
    narrow = [x.astype(np.float32) for x in (A, W, B)]
    assert affine(*narrow).dtype == np.float32
    assert affine(narrow[0], W, B).dtype == np.float64
    assert affine([[1, 2]], [[3, 4]], [5]).tolist() == [[16.0]]
    assert all(x.dtype == np.float32 for x in affine_vjp(G.astype(np.float32), *narrow))
    assert all(x.dtype == np.float64 for x in affine_vjp(G, *narrow))


def test_arguments_are_not_changed_and_results_are_new():
    arguments = [x.copy() for x in (G, A, W, B)]
    with np.errstate(all="raise"):
        results = [affine(*arguments[1:]), *affine_vjp(*arguments)]
        affine(np.full((2, 3), 1e200), np.full((4, 3), 1e200), B)
        affine(np.full((2, 3), np.nan), np.full((4, 3), -np.inf), B)
    for x, y in zip(arguments, (G, A, W, B), strict=True):
        np.testing.assert_array_equal(x, y)
        assert not any(np.shares_memory(x, r) for r in results)


def test_layouts_do_not_matter():
    expected = affine(A, W, B)
    np.testing.assert_allclose(
        affine(np.asfortranarray(A), W[:, ::-1][:, ::-1], B), expected, rtol=1e-14
    )


@pytest.mark.parametrize(
    ("a", "w", "b", "message"),
    [
        (
            A[0],
            W,
            B,
            r"A must have two axes \(N, n_in\), but its shape is \(3,\); .* A\[np.newaxis, :\]",
        ),
        (np.zeros((2, 2, 3)), W, B, r"A must have two axes .* A.reshape\(len\(A\), -1\)"),
        (3.0, W, B, r"A must have two axes \(N, n_in\), but its shape is \(\)$"),
        (
            A,
            W[0],
            B,
            r"W must have two axes \(n_out, n_in\).* matrix of one row, W\[np.newaxis, :\]",
        ),
        (
            A,
            W.T,
            B,
            r"A has shape \(5, 3\) and W has shape \(3, 4\); W looks transposed.* pass W.T",
        ),
        (
            A.T,
            W,
            B,
            r"must agree in n_in, but A has shape \(3, 5\) .*; A looks transposed.*pass A.T",
        ),
        (A.T, W, B, r"W @ A belongs to examples in columns.*only when the batch N equals n_in"),
        (A[:, :2], W, B, r"A has shape \(5, 2\) and W has shape \(4, 3\)$"),
        (
            A,
            W,
            B[:, np.newaxis],
            r"b must have shape \(n_out,\) = \(4,\), .* \(4, 1\); pass b.ravel",
        ),
        (A, W, B[:3], r"but its shape is \(3,\); that is n_in: there is one bias for each output"),
        (A, W, 0.0, r"b must have shape \(n_out,\) = \(4,\), but its shape is \(\)$"),
    ],
)
def test_shapes_that_do_not_fit_are_refused_with_the_likely_mistake(a, w, b, message):
    with pytest.raises(ValueError, match=message):
        affine(a, w, b)
    with pytest.raises(ValueError, match=message):
        affine_vjp(G, a, w, b)


@pytest.mark.parametrize(
    ("g", "message"),
    [
        (G.T, r"g must have .* \(N, n_out\) = \(5, 4\), but its shape is \(4, 5\); .* pass g.T"),
        (G[0], r"\(N, n_out\) = \(5, 4\), but its shape is \(4,\)$"),
        (G[:, :1], r"but its shape is \(5, 1\)$"),
    ],
)
def test_a_cotangent_of_another_shape_is_refused(g, message):
    with pytest.raises(ValueError, match=message):
        affine_vjp(g, A, W, B)


@pytest.mark.parametrize("position", range(4))
def test_what_is_not_a_real_number_is_refused_by_name(position):
    arguments = [G, A, W, B]
    arguments[position] = arguments[position] * 1j
    name = "gAWb"[position]
    with pytest.raises(
        TypeError, match=f"^{name} must hold real numbers, but its dtype is complex"
    ):
        affine_vjp(*arguments)
    if position:
        with pytest.raises(TypeError, match=f"^{name} must hold real numbers"):
            affine(*arguments[1:])


def test_counts_of_the_source_articles_network():
    assert parameter_count(SIZES) == 109_386
    assert multiply_adds(SIZES) == 109_184
    assert multiply_adds(SIZES, 32) == 32 * 109_184
    assert backward_multiply_adds(SIZES) == 2 * 109_184 - 784 * 128
    for batch in (100, np.int8(100), np.uint8(100)):
        assert backward_multiply_adds(SIZES, batch) == 100 * (2 * 109_184 - 784 * 128)
    assert backward_multiply_adds(SIZES, batch=3) == 3 * backward_multiply_adds(SIZES)


def test_counts_are_what_the_arrays_hold():
    sizes = np.array([5, 7, 2])
    weights = [np.zeros((n, m)) for m, n in ((5, 7), (7, 2))]
    assert parameter_count(sizes) == sum(w.size + len(w) for w in weights)
    assert isinstance(parameter_count(sizes), int) and isinstance(multiply_adds(sizes, 2), int)
    assert backward_multiply_adds((5, 7)) == multiply_adds((5, 7))


@pytest.mark.parametrize("count", [parameter_count, multiply_adds, backward_multiply_adds])
@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        (
            (3,),
            ValueError,
            r"sizes must hold at least the input's and the output's width, got \[3\]",
        ),
        ((3, 0), ValueError, r"sizes\[1\] must be at least 1, got 0"),
        ((3.0, 2), TypeError, r"sizes\[0\] must be a positive integer, got 3.0"),
        ((3, True), TypeError, r"sizes\[1\] must be a positive integer, got True"),
        (784, TypeError, r"sizes must be a sequence such as \(784, 128, 10\), got 784"),
    ],
)
def test_widths_that_make_no_network_are_refused(count, sizes, error, message):
    with pytest.raises(error, match=message):
        count(sizes)


@pytest.mark.parametrize("count", [multiply_adds, backward_multiply_adds])
def test_a_batch_that_is_not_a_count_is_refused(count):
    with pytest.raises(ValueError, match=r"batch must be at least 1, got 0"):
        count((3, 2), 0)
    with pytest.raises(TypeError, match=r"batch must be a positive integer, got 1.5"):
        count((3, 2), batch=1.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("N", [1, 5, 64])
def test_no_gradient_is_computed_that_is_not_needed(N, dtype):
    shapes = (N, 3), (N, 4), (3, 4), (3,)
    hold_each_selection(affine_vjp, *(RNG.normal(size=shape).astype(dtype) for shape in shapes))
