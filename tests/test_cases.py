"""Every function of the tables, through every check that applies to it.

Central differences, Taylor's remainder and the adjoint identity at float64; the float32 derivative
beside the float64 one; layouts, purity, silence, empty axes, and many threads at once.
"""

from __future__ import annotations

import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests import examine
from tests.cases.base import Case, tables

CASES = tables("CASES")
DERIVED = [case for case in CASES if case.derivative is not None]


def rng_of(case: Case, salt="") -> np.random.Generator:
    """Return a generator that belongs to the case, the same in every process."""
    return np.random.default_rng(zlib.crc32(f"{case.id}{salt}".encode()))


def each(cases, sizes=("random", "one", "empty")):
    pairs = [(case, size) for case in cases for size in sizes if size in case.sizes]
    return pytest.mark.parametrize(
        ("case", "size"), pairs, ids=[f"{case.id}-{size}" for case, size in pairs]
    )


@each(DERIVED)
def test_the_derivative_is_one(case, size):
    rng = rng_of(case, size)
    for _ in range(3 if size == "random" else 1):
        args, kwargs = case.draw(rng, size)
        examine.examine_gradient(case, args, kwargs, rng)


@each(CASES)
def test_float32_stays_float32_and_is_close(case, size):
    rng = rng_of(case, size + "32")
    args, kwargs = case.draw(rng, size)
    narrow = examine.converted(args, lambda a: a.astype(np.float32))
    wide = tuple(
        a.astype(np.float64) if isinstance(a, np.ndarray) and a.dtype == np.float32 else a
        for a in narrow
    )
    pairs = list(zip(examine.forward(case, narrow, kwargs), examine.forward(case, wide, kwargs),
                     strict=True))
    if case.derivative is not None:
        g = examine.cotangents(case, rng, narrow, kwargs)
        g64 = tuple(part.astype(np.float64) for part in g)
        pairs += zip(examine.gradients(case, g, narrow, kwargs),
                     examine.gradients(case, g64, wide, kwargs), strict=True)
    for found, expected in pairs:
        if expected.dtype.kind != "f":
            continue
        assert found.dtype == np.float32, f"float32 came back as {found.dtype}"
        assert found.shape == expected.shape
        gap = np.linalg.norm((found - expected).ravel())
        assert gap <= 3e-5 * np.linalg.norm(expected.ravel()) + 1e-7


@each(CASES, ("random", "one"))
@pytest.mark.parametrize("layout", [examine.apart, examine.fortran], ids=["gaps", "fortran"])
def test_layout_changes_nothing_and_arguments_stay_as_they_are(case, size, layout):
    rng = rng_of(case, size)
    args, kwargs = case.draw(rng, size)
    other = examine.converted(args, layout)
    before = examine.converted(other, np.array)
    pairs = list(zip(examine.forward(case, other, kwargs), examine.forward(case, args, kwargs),
                     strict=True))
    if case.derivative is not None:
        g = examine.cotangents(case, rng, args, kwargs)
        spread = tuple(layout(part) for part in g)
        pairs += zip(examine.gradients(case, spread, other, kwargs),
                     examine.gradients(case, g, args, kwargs), strict=True)
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)
    for found, expected in zip(other, before, strict=True):
        if isinstance(expected, np.ndarray):
            np.testing.assert_array_equal(found, expected)


@each(CASES, ("random",))
def test_eight_threads_at_once_get_what_one_gets(case, size):
    rng = rng_of(case, "threads")
    jobs = [case.draw(rng, size) for _ in range(8)]

    def work(job):
        args, kwargs = job
        found = examine.forward(case, args, kwargs)
        if case.derivative is not None:
            g = tuple(np.ones_like(part) for part in found)
            found += examine.gradients(case, g, args, kwargs)
        return found

    alone = [work(job) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(work, jobs))
    for one, other in zip(alone, together, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


# ------------------------------------------------------------------ the examination, examined


def planted(name, function, derivative):
    derivative.__name__ = name
    return Case("planted", function, lambda rng, size: ((rng.normal(size=(4, 3)),), {}), derivative)


WRONG = [
    planted("f_vjp", np.tanh, lambda g, x: 1.001 * g * (1 - np.tanh(x) ** 2)),
    planted("f_vjp", np.tanh, lambda g, x: g),
    planted("f_prime", np.tanh, lambda x: 1 - np.tanh(x)),
    planted("f_grad", lambda x: np.mean(x * x), lambda x: 2 * x),
    planted("f_vjp", np.sin, lambda g, x: (g * np.cos(x))[:, ::-1]),
]


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_derivative_is_refused(case):
    args, kwargs = case.draw(np.random.default_rng(0), "random")
    with pytest.raises(examine.Broken):
        examine.examine_gradient(case, args, kwargs, np.random.default_rng(1))


def test_a_derivative_that_is_right_passes():
    case = planted("f_vjp", np.sin, lambda g, x: g * np.cos(x))
    args, kwargs = case.draw(np.random.default_rng(0), "random")
    assert examine.examine_gradient(case, args, kwargs, np.random.default_rng(1)) == 3


def test_taylor_alone_refuses_a_derivative_that_is_a_thousandth_wrong():
    x = np.random.default_rng(0).normal(size=(4, 3))
    case = WRONG[0]
    with pytest.raises(examine.Broken, match="order"):
        examine.examine_taylor(
            case, lambda y: float(np.sum(np.tanh(y[0]))), [1.01 * (1 - np.tanh(x) ** 2)], [x],
            None, np.random.default_rng(2),
        )


def test_the_adjoint_alone_refuses_a_transposed_matrix():
    A = np.random.default_rng(0).normal(size=(3, 3))
    case = planted("f_vjp", lambda x: x @ A, lambda g, x: g @ A)
    args, kwargs = case.draw(np.random.default_rng(0), "random")
    with pytest.raises(examine.Broken, match="⟨"):
        examine.examine_adjoint(case, args, kwargs, np.random.default_rng(1), None)
