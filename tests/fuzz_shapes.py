"""Hypothesis draws sizes, magnitudes, layouts and special values for every row of tests/cases.

    python tests/fuzz.py shapes                     10,000 examples a row
    python tests/fuzz.py shapes only=conv2d examples=500

Whatever comes in, the function and its derivative are silent, keep the dtype and leave their
arguments alone, or refuse by name; on ordinary numbers the derivative is the derivative. Hypothesis
shrinks what fails to the smallest seed and the plainest options.
"""

from __future__ import annotations

import time

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests import examine
from tests.cases.base import Case, tables

SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e308, -1e308, 5e-324, 1e-8, 40.0, -800.0]
LAYOUTS = {"plain": np.array, "gaps": examine.apart, "fortran": examine.fortran}


def drawn(case: Case, seed: int, size: str, exponent: int, special: list, layout: str, dtype):
    """Return arguments: those of the case, scaled, sprinkled with special values, laid out."""
    rng = np.random.default_rng(seed)
    args, kwargs = case.draw(rng, size)

    def change(a):
        a = a * 10.0**exponent if exponent else a.copy()
        for value in special:
            if a.size:
                a.flat[rng.integers(a.size)] = value
        with np.errstate(all="ignore"):
            return LAYOUTS[layout](a.astype(dtype))

    return examine.converted(args, change), kwargs, rng


def check(case: Case, seed, size, exponent, special, layout, dtype) -> bool:
    """Go through one example; return whether the function took it."""
    args, kwargs, rng = drawn(case, seed, size, exponent, special, layout, dtype)
    ordinary = not special and not exponent
    before = [np.array(a) if isinstance(a, np.ndarray) else a for a in args]
    try:
        parts = examine.forward(case, args, kwargs)
        if case.derivative is not None:
            g = examine.cotangents(case, rng, args, kwargs)
            parts += examine.gradients(case, g, args, kwargs)
    except (ValueError, TypeError):
        if ordinary:
            raise
        return False
    for part in parts:
        if part.dtype.kind == "f" and part.dtype != dtype and examine.real_arrays(before):
            raise examine.Broken(f"{case.id}: {dtype} came back as {part.dtype}")
    for position, (a, b) in enumerate(zip(args, before, strict=True)):
        if isinstance(b, np.ndarray) and not np.array_equal(a, b, equal_nan=b.dtype.kind == "f"):
            raise examine.Broken(f"{case.id} wrote into its argument {position}")
    if ordinary and case.derivative is not None and dtype == np.float64:
        plain = tuple(np.array(a) if isinstance(a, np.ndarray) else a for a in args)
        examine.examine_gradient(case, plain, kwargs, rng, entries=2)
    return True


def fuzz(case: Case, examples: int) -> None:
    """Draw so many examples for one row; raise what fails, shrunk."""

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(
        seed=st.integers(0, 2**32 - 1),
        size=st.sampled_from(case.sizes),
        exponent=st.sampled_from([0, 0, 0, -300, -20, -3, 2, 5, 30, 300]),
        special=st.lists(st.sampled_from(SPECIAL), max_size=3),
        layout=st.sampled_from(sorted(LAYOUTS)),
        dtype=st.sampled_from([np.float64, np.float32]),
    )
    def run(**options):
        check(case, **options)

    run()


def main(examples: str = "10000", only: str = "", part: str = "1/1") -> int:
    """Go through every row whose name holds ``only``, with a share of the examples."""
    wrong, examples = 0, max(10, int(examples) // int(part.partition("/")[2]))
    for case in tables("CASES"):
        if only not in case.id:
            continue
        start = time.perf_counter()
        try:
            fuzz(case, examples)
        except Exception as error:
            wrong += 1
            print(f"✗ {case.id}: {type(error).__name__}: {error}", flush=True)
        else:
            took = time.perf_counter() - start
            print(f"✓ {case.id}: {examples} examples, {took:.0f} s", flush=True)
    return wrong  # how many rows fail
