#!/usr/bin/env python3
"""More inputs than the tests have time for: ``python tasks.py fuzz``, or a part of it.

    python tests/fuzz.py bits [only=gelu] [part=1/64] [jobs=2]
    python tests/fuzz.py shapes [only=conv2d] [examples=500]

**bits** holds every elementwise function to the formulas of `tests/functions/precision.py`, which
are not the package's: in float32 at all 2^32 inputs, in float64 at 20 million stratified points.
A row of that table takes 2 to 14 minutes on two cores and all 38 about 3 hours; ``part=1/64`` takes
every 64th block of inputs and an equal share of the points. A float32 result has to be the one
nearest to the true value; the few that are nearest only to a float64 within 2 ulp of it are
counted, and printed.

**shapes** lets Hypothesis draw sizes, magnitudes, layouts and special values for every row of the
tables in tests/cases: 10,000 examples a row, about half a minute each; see `tests/fuzz_shapes.py`.

A part is a function of ``PARTS``; it takes its options as text and returns the number of faults.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import repeat
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests import fuzz_shapes
from tests.functions import precision

BLOCK = 2**16  # a few arrays of this size stay in a cache
MILLIONS = 20


def bits(only: str = "", part: str = "1/1", jobs: str = "") -> int:
    """Try all float32 inputs and many float64 inputs of every elementwise function."""
    share, of = (int(n) for n in part.split("/"))
    if not 1 <= share <= of:
        raise SystemExit(f"part is one of a number, as in part=1/64; got part={part}")
    entries = [e for e in precision.ENTRIES if not only or e.function.__name__ == only]
    if not entries:
        known = ", ".join(dict.fromkeys(e.function.__name__ for e in precision.ENTRIES))
        raise SystemExit(f"there is no elementwise function {only!r}; there are {known}")
    faults = 0
    with ProcessPoolExecutor(int(jobs) if jobs else os.cpu_count()) as pool:
        for entry in entries:
            faults += _float64(entry, pool, share, of) + _float32(entry, pool, share, of)
    print(f"{faults} faults in {len(entries)} functions")
    return faults


def _float64(entry, pool, share, of) -> int:
    seeds = range(1000 + share, 1000 + MILLIONS, of)
    found = pool.map(_worst, repeat(entry.name), seeds)
    worst, where = max(found, default=(0.0, 0.0))
    fault = worst > entry.bound
    print(f"{entry.name}: float64, {len(seeds)} million points: {worst:.3f} ulp at {where!r}, "
          f"{'BEYOND' if fault else 'within'} {entry.bound}", flush=True)  # fmt: skip
    return int(fault)


def _worst(name: str, seed: int) -> tuple[float, float]:
    entry = precision.BY_NAME[name]
    return precision.worst(entry.ours, entry, precision.strata(entry, 1_000_000, seed))


def _float32(entry, pool, share, of) -> int:
    starts = range((share - 1) * BLOCK, 2**32, of * BLOCK)
    begun, faults, twice, first = time.monotonic(), 0, 0, []
    for done, (wrong, again) in enumerate(
        pool.map(partial(_block, entry.name), starts, chunksize=64), 1
    ):
        faults, twice, first = faults + len(wrong), twice + again, (first + wrong)[:3]
        if done % 256 == 0 or done == len(starts):
            told = f"{entry.name}: float32, {done / len(starts):.0%}, {faults} wrong, {twice} "
            told += f"rounded twice, {time.monotonic() - begun:.0f} s"
            print("\r" + told, end="", flush=True)
    print(f", first at {', '.join(map(repr, first))}" if faults else "", flush=True)
    return faults


def _block(name: str, start: int) -> tuple[list[float], int]:
    return precision.wrong_float32(precision.BY_NAME[name], start, start + BLOCK)


PARTS = {"bits": bits, "shapes": fuzz_shapes.main}


def main(words: list[str]) -> int:
    """Run the part named first, or all, with the ``NAME=value`` words after it."""
    names = list(PARTS)
    if words and "=" not in words[0]:
        names, words = [words[0]], words[1:]
    if not set(names) <= set(PARTS):
        print(__doc__)
        return 2
    options = dict(word.partition("=")[::2] for word in words)
    return 1 if sum(PARTS[name](**options) for name in names) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
