#!/usr/bin/env python3
"""Measure every elementwise function and write the book's table: ``python tasks.py precision``."""

import json
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.functions import precision  # noqa: E402

TABLE = ROOT / "book" / "data" / "precision.toml"
HEAD = """\
# Worst errors of the elementwise functions, in ulp of the correctly rounded float64 value, and
# those of SciPy's counterparts or of the plain formula. Written by `python tasks.py precision`.
"""


def kernels() -> str:
    """Name the newest of the processor's vector instructions that NumPy uses."""
    umath = precision.umath
    found = [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__.get(name)]
    return (found or list(umath.__cpu_baseline__) or ["plain C"])[-1]


def measured(entry: precision.Entry, size: int) -> dict:
    """Return the row of one function."""
    z = precision.strata(entry, size)
    worst, at = precision.worst(entry.ours, entry, z)
    row = {
        "function": entry.name,
        "of": f"{entry.function.__module__}.{entry.function.__name__}",
        "bound": entry.bound,
        "worst": round(worst, 3),
        "at": at,
        "points": len(z),
        "rival": entry.rival,
    }
    if entry.rival:
        theirs, at = precision.worst(precision.rival_of(entry), entry, z)
        row |= {"rival_worst": float(f"{theirs:.3g}"), "rival_at": at}
    return row


def text(rows: list[dict]) -> str:
    """Return the table as TOML."""
    lines = [HEAD + f"kernels = {json.dumps(kernels())}"]
    for row in rows:
        values = {k: json.dumps(v) if isinstance(v, str) else repr(v) for k, v in row.items()}
        lines += ["", "[[row]]", *(f"{key} = {value}" for key, value in values.items())]
    return "\n".join(lines) + "\n"


def of(*modules: str):
    """Return a mark that gives a test, one by one, the entries of some modules of the package."""
    names = {f"nnbook.functions.{module}" for module in modules}
    entries = [e for e in precision.ENTRIES if e.function.__module__ in names]
    return pytest.mark.parametrize("entry", entries, ids=lambda entry: entry.name)


def hold(entry: precision.Entry) -> None:
    """Hold a function to its row of the table, at fewer points: a bound alone forgives much."""
    if not precision.WIDE_ENOUGH:
        pytest.skip("longdouble is no wider here")
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))["row"]
    stored = next(row["worst"] for row in rows if row["function"] == entry.name)
    # NumPy's own exp and tanh, which these use, differ between processors.
    borrowed = entry.function.__module__ == "nnbook.functions.activations"
    limit = entry.bound if borrowed else min(stored + 0.08, entry.bound)
    worst, at = precision.worst(entry.ours, entry, precision.strata(entry, 40_000, seed=9))
    assert worst <= limit, f"{entry.name} is {worst} ulp off at {at!r}, and was {stored}"


def main(size: int = 1_000_000) -> None:
    """Measure at a million points a function, which takes half a minute, and write."""
    rows = []
    for entry in precision.ENTRIES:
        rows.append(measured(entry, size))
        print(f"{entry.name}: {rows[-1]['worst']} ulp of {entry.bound}", flush=True)
    TABLE.write_text(text(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
