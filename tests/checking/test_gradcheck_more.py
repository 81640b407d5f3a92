"""gradcheck at float32, forward mode, Hessians, several outputs; and a wall of planted errors."""

from typing import NamedTuple

import numpy as np
import pytest

from nnbook.checking import adjoint_test, gradcheck, hesscheck, jvpcheck, taylor_test
from nnbook.checking.gradcheck import CENTRAL, GradientError
from nnbook.functions import (
    affine,
    affine_vjp,
    bce_with_logits_grad,
    bce_with_logits_hess,
    cross_entropy,
    cross_entropy_grad,
    cross_entropy_hess,
    lstm_cell,
    lstm_cell_vjp,
    softmax,
    softmax_vjp,
)

RNG = np.random.default_rng(12)
N, D, K = 8, 12, 10
X, W, B = RNG.normal(size=(N, D)), RNG.normal(size=(K, D)) / 5, RNG.normal(size=K)
LABELS = RNG.integers(0, K, N)
PARAMS = (W, B)


def loss(params):
    return cross_entropy(X @ params[0].T + params[1], LABELS)


def gradient(params):
    return affine_vjp(cross_entropy_grad(affine(X, *params), LABELS), X, *params)[1:]


def one_sign(dW, db):
    dW = dW.copy()
    worst = np.unravel_index(np.argsort(np.abs(dW), axis=None)[-5], dW.shape)
    dW[worst] *= -1  # one entry of 120
    return dW, db


def one_entry(dW, db):
    dW = dW.copy()
    dW[np.unravel_index(np.argmax(np.abs(dW)), dW.shape)] *= 1.001
    return dW, db


PLANTED = {
    "a thousandth, everywhere": lambda dW, db: (1.001 * dW, db),
    "a thousandth, in one entry of 120": one_entry,
    "a thousandth, in the bias": lambda dW, db: (dW, 1.001 * db),
    "the sign of one entry of 120": one_sign,
    "the sign": lambda dW, db: (-dW, db),
    "missing 1/N": lambda dW, db: (N * dW, N * db),
    "bias not summed": lambda dW, db: (dW, db / N),
    "rows in another order": lambda dW, db: (dW[::-1], db),
    "two entries exchanged": lambda dW, db: (dW, db[[1, 0, *range(2, K)]]),
    "zero": lambda dW, db: (0 * dW, db),
    "nan in one entry": lambda dW, db: (np.where(dW == dW.max(), np.nan, dW), db),
    "infinity in one entry": lambda dW, db: (dW, np.where(db == db.max(), np.inf, db)),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_refused(name):
    spoiled = PLANTED[name](*gradient(PARAMS))
    assert not gradcheck(loss, spoiled, PARAMS)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_refused_at_float32(name):
    narrow = tuple(a.astype(np.float32) for a in PARAMS)
    spoiled = PLANTED[name](*(g.astype(np.float32) for g in gradient(narrow)))
    assert not gradcheck(loss, spoiled, narrow)


def test_the_right_gradient_holds_at_every_dtype():
    assert gradcheck(loss, gradient, PARAMS).worst < 1e-8
    for dtype, tolerance in ((np.float32, 2e-5), (np.float16, 1e-2)):
        narrow = tuple(a.astype(dtype) for a in PARAMS)
        rounded = tuple(g.astype(dtype) for g in gradient(narrow))
        result = gradcheck(loss, rounded, narrow)
        assert result and result.tolerance == tolerance
        assert not gradcheck(loss, [2 * g for g in rounded], narrow)


def test_the_gradient_is_taken_at_x_as_it_is_and_f_in_float64():
    given, evaluated = [], set()

    def f(x):
        evaluated.add(x.dtype)
        return np.sum(x * x)

    def slope(x):
        given.append(x.dtype)
        return 2 * x

    assert gradcheck(f, slope, np.ones(3, np.float32))
    assert given == [np.float32] and evaluated == {np.dtype(np.float64)}


def test_one_wrong_entry_in_ten_thousand_is_refused():
    x = RNG.normal(size=(100, 100))
    wrong = 3 * x**2
    largest = np.unravel_index(np.argmax(wrong), x.shape)
    wrong[largest] *= 1.001
    result = gradcheck(lambda x: np.sum(x * x * x), wrong, x)
    assert not result and result.at == ("x", tuple(int(i) for i in largest))
    wrong = 3 * x**2
    wrong[50, 50] *= -1
    assert gradcheck(lambda x: np.sum(x * x * x), wrong, x).at == ("x", (50, 50))


def test_a_transposed_square_weight_is_refused():
    x, w = RNG.normal(size=(9, 6)), RNG.normal(size=(6, 6))
    g = RNG.normal(size=(9, 6))
    f = lambda w: np.sum(g * (x @ w.T))  # noqa: E731
    assert gradcheck(f, g.T @ x, w) and not gradcheck(f, (g.T @ x).T, w)


def test_differences_in_float32():
    seen = set()

    def single(params):
        seen.update(a.dtype for a in params)
        return cross_entropy(params[0], LABELS[:5])

    logits = RNG.normal(size=(5, K)).astype(np.float32)
    grad = [cross_entropy_grad(logits, LABELS[:5])]
    result = gradcheck(single, grad, [logits], dtype=np.float32)
    assert result and result.tolerance == 2e-3 and seen == {np.dtype(np.float32)}
    assert not gradcheck(single, [1.01 * grad[0]], [logits], dtype=np.float32)
    # With the step of float64 rounding is all that is left of the quotient.
    assert not gradcheck(single, grad, [logits], dtype=np.float32, step=CENTRAL)
    assert gradcheck(single, grad, [logits.astype(np.longdouble)], dtype=np.longdouble)


@pytest.mark.parametrize(("options", "message"), [
    ({"dtype": int}, "dtype must be float32, float64 or longdouble, found int64"),
    ({"dtype": np.float16}, "found float16"),
    ({"dtype": np.float32, "method": "complex"}, "the complex step is in float64"),
])
def test_dtypes_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        gradcheck(np.sum, np.ones_like, np.ones(2), **options)


class Pair(NamedTuple):
    W: np.ndarray
    b: np.ndarray


def test_nests_with_names():
    x = {"layer": Pair(W[:3], B[:3]), "rest": [np.ones(2), None]}
    f = lambda x: np.sum(x["layer"].W ** 2) * np.sum(x["layer"].b) + np.sum(x["rest"][0])  # noqa: E731

    def slopes(x, factor=1.0):
        a, b = x["layer"]
        return {"layer": Pair(2 * a * b.sum(), np.full(3, factor * np.sum(a * a))),
                "rest": [np.ones(2), None]}

    assert gradcheck(f, slopes, x) and taylor_test(f, slopes, x) == pytest.approx(2, abs=0.1)
    result = gradcheck(f, slopes(x, 1.001), x)
    assert [a.name for a in result.arrays if not a.ok] == ["x['layer'][1]"]


# ---------------------------------------------------------------- several outputs
CELL = [RNG.normal(size=s) for s in ((4, 3), (4, 2), (4, 2), (8, 3), (8, 2), (8,))]


def cell(x):
    return lstm_cell(*x)


def cell_vjp(v):
    return lstm_cell_vjp(v, *CELL)[:6]


def test_the_adjoint_test_of_several_outputs():
    assert adjoint_test(cell, cell_vjp, CELL)
    assert not adjoint_test(cell, lambda v: cell_vjp((v[0], None)), CELL)  # one forgotten
    assert not adjoint_test(cell, lambda v: cell_vjp((v[1], v[0])), CELL)  # exchanged
    assert not adjoint_test(cell, lambda v: [1.001 * g for g in cell_vjp(v)], CELL)
    A = RNG.normal(size=(3, 3))
    exact = {"jvp": lambda u: {"a": A @ u, "b": (np.sum(u),)}}
    right = lambda v: A.T @ v["a"] + v["b"][0]  # noqa: E731
    assert adjoint_test(None, right, np.ones(3), **exact)
    assert not adjoint_test(None, lambda v: right(v) * (1 + 1e-9), np.ones(3), **exact)
    assert not adjoint_test(None, lambda v: A @ v["a"] + v["b"][0], np.ones(3), **exact)


def test_outputs_that_are_no_real_numbers_are_named():
    with pytest.raises(TypeError, match=r"f\(x\)\[1\] must hold real numbers, found dtype int64"):
        adjoint_test(lambda x: (x, np.arange(2)), lambda v: v[0], np.ones(2))
    with pytest.raises(ValueError, match=r"vjp must return arrays of the shapes \[\(2,\)\]"):
        adjoint_test(lambda x: x, lambda v: v[:1], np.ones(2))
    with pytest.raises(ValueError, match="tolerance must be a positive number"):
        adjoint_test(lambda x: x, lambda v: v, np.ones(2), tolerance=0)


def cell_jvp(u, spoil=1.0):
    """J u of the cell, from its vjp: the double transpose, one entry at a time."""
    outputs, parts = cell(CELL), []
    for k, out in enumerate(outputs):
        slope = np.zeros(out.shape)
        for i in np.ndindex(out.shape):
            v = [np.zeros_like(o) for o in outputs]
            v[k][i] = 1.0
            slope[i] = sum(np.sum(g * t) for g, t in zip(cell_vjp(tuple(v)), u, strict=True))
        parts.append(slope)
    parts[1][2, 1] *= spoil
    return tuple(parts)


def test_forward_mode_is_held_to_differences():
    result = jvpcheck(cell, cell_jvp, CELL)
    assert result and result.worst < 1e-8 and len(result.arrays) == 6  # 2 outputs, 3 directions
    result = jvpcheck(cell, lambda u: cell_jvp(u, 1.01), CELL)
    assert not result and {a.name.split(" ")[0] for a in result.arrays if not a.ok} == {"f(x)[1]"}
    assert {a.at for a in result.arrays if not a.ok} == {(2, 1)}
    with pytest.raises(GradientError, match="REFUSED"):
        jvpcheck(np.sin, lambda u: u, np.ones(3), strict=True)
    with pytest.raises(ValueError, match=r"jvp must return the shapes of f\(x\), \[\(3,\)\]"):
        jvpcheck(np.sin, lambda u: u[:2], np.ones(3))
    assert len(jvpcheck(np.sin, lambda u: u * np.cos(1.0), np.ones(3), directions=5).arrays) == 5


def test_the_order_of_taylors_remainder_for_arrays():
    x = RNG.normal(size=(4, 5))
    # softmax is symmetric: its vjp is its jvp
    right = lambda u: softmax_vjp(u, x)  # noqa: E731
    assert taylor_test(softmax, None, x, jvp=right) == pytest.approx(2, abs=0.1)
    for wrong in (lambda u: 1.01 * right(u), lambda u: right(u)[::-1], lambda u: -right(u)):
        assert taylor_test(softmax, None, x, jvp=wrong) < 1.3
    assert taylor_test(cell, None, CELL, jvp=cell_jvp) == pytest.approx(2, abs=0.1)
    assert taylor_test(cell, None, CELL, jvp=lambda u: cell_jvp(u, -1.0)) < 1.5
    assert taylor_test(lambda x: 3 * x, None, x, jvp=lambda u: 3 * u) == np.inf
    with pytest.raises(TypeError, match="a gradient, or None and a jvp"):
        taylor_test(softmax, right, x, jvp=right)
    with pytest.raises(TypeError, match="a gradient, or None and a jvp"):
        taylor_test(softmax, None, x)
    with pytest.raises(ValueError, match="jvp must return the shapes"):
        taylor_test(softmax, None, x, jvp=lambda u: u[0])


# ---------------------------------------------------------------- Hessians
Z = RNG.normal(size=(3, 4))
T = np.array([1, 3, 0])


def product(v, weight=1.0):
    H = cross_entropy_hess(Z, T)  # (N, K, K): the examples do not meet
    return weight * np.einsum("nij,nj->ni", H, v)


def test_hessians_are_held_to_differences_of_the_gradient():
    def slopes(z):
        return cross_entropy_grad(z, T)

    assert hesscheck(slopes, product, Z).worst < 1e-8
    full = np.zeros((3, 4, 3, 4))
    for n in range(3):
        full[n, :, n] = cross_entropy_hess(Z, T)[n]
    assert hesscheck(slopes, full, Z)
    assert not hesscheck(slopes, lambda v: product(v, 1.001), Z)
    assert not hesscheck(slopes, lambda v: product(v, 3.0), Z)  # missing 1/N
    unsymmetric = full.copy()
    unsymmetric[1, 0, 1, 2] *= 1.01
    result = hesscheck(slopes, unsymmetric, Z)
    assert not result and result.at == ("x", (1, 0, 1, 2)) and "entry (1, 0, 1, 2)" in str(result)
    assert result.arrays[0].shape == (3, 4, 3, 4)
    with pytest.raises(GradientError, match="REFUSED"):
        hesscheck(slopes, unsymmetric, Z, strict=True)


def test_a_diagonal_hessian():
    z, y = RNG.normal(size=(5, 2)), RNG.integers(0, 2, (5, 2)).astype(float)
    slopes = lambda z: bce_with_logits_grad(z, y)  # noqa: E731
    assert hesscheck(slopes, bce_with_logits_hess(z, y), z)
    assert not hesscheck(slopes, 1.001 * bce_with_logits_hess(z, y), z)
    assert hesscheck(lambda x: 2.0 * x, np.float64(2.0), np.float64(3.0))
    assert not hesscheck(lambda x: 2.0 * x, np.float64(2.1), np.float64(3.0))


def test_hessians_over_nests_are_checked_block_by_block():
    x = [RNG.normal(size=2), RNG.normal(size=3)]
    slopes = lambda x: [x[0] * np.sum(x[1] ** 2), x[1] * np.sum(x[0] ** 2)]  # noqa: E731

    def multiply(v, cross=2.0):
        a, b = x
        return [v[0] * np.sum(b * b) + cross * a * (b @ v[1]),
                v[1] * np.sum(a * a) + 2.0 * b * (a @ v[0])]

    assert hesscheck(slopes, multiply, x)
    result = hesscheck(slopes, lambda v: multiply(v, 2.002), x, entries=2)
    assert [a.name for a in result.arrays if not a.ok] == ["x[0] with x[1]"]
    with pytest.raises(ValueError, match="hess must be a function v -> H v where x is a nest"):
        hesscheck(slopes, np.eye(5), x)
    with pytest.raises(ValueError, match=r"shape of x twice, \(2, 2\), or that of x"):
        hesscheck(lambda x: x, np.eye(3), np.ones(2))
    with pytest.raises(ValueError, match="grad must give arrays of the shapes of x"):
        hesscheck(lambda x: x[:1], np.eye(2), np.ones(2))
    with pytest.raises(TypeError, match=r"the order is hesscheck\(grad, hess, x\)"):
        hesscheck(np.ones(2), np.eye(2), np.ones(2))
