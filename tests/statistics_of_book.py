"""Count what each chapter holds: ``python tasks.py statistics``.

Words, equations and exercises are read from the stored notebooks, states of figures from the built
book, and the planted errors, one for each way to spoil a line of a derivation, from the
derivations themselves, which are built again for it.
"""

import io
import json
import os
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path

import nbformat
import pytest
from nnbook_ext.rules import EQUATIONS, code, lines_of, records, words_in

from nnbook.checking.exercises import load
from nnbook.checking.perturb import perturb
from tests.derivations.test_planted_errors import CHAPTERS, built

ROOT = Path(__file__).resolve().parents[1]
EXECUTED = ROOT / "_build" / "executed"
LEVELS = {"definition": "D"}     # how an output names its level, where not by the letter
HEADS = ["words", "lines", "equations", "figures", "states", "exercises", "wrong answers",
         "planted errors", "levels"]


def states_of(stem):
    """Return the states of each figure of a chapter as last built, or None before a build."""
    path = EXECUTED / f"book-{stem}.json"
    if not path.exists():
        return None
    outputs = [o for cell in json.loads(path.read_text("utf-8"))["outputs"] for o in cell]
    about = [o.get("metadata", {}).get("nnbook", {}) for o in outputs]
    return [one["states"] for one in about if one.get("kind") == "figure"]


def wrong_answers(stem):
    """Return how many wrong answers a chapter's exercises name."""
    path = ROOT / "book" / "exercises" / f"ch{0 if stem == 'intro' else int(stem[:2]):02d}.py"
    return sum(len(exercise.mistakes) for exercise in load(path).values())


def planted(path):
    """Return how many spoilt lines the derivations of a chapter offer."""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()):
        met = built(path, patch)
    return sum(1 for derivation in met.values() for _ in perturb(derivation))


def count(path):
    """Return one chapter's row."""
    notebook = nbformat.read(path, as_version=4)
    shown = records(notebook)
    equations = [one for one in shown if one["kind"] in EQUATIONS]
    levels = Counter(LEVELS.get(one["level"], one["level"]) for one in equations)
    states = states_of(path.stem)
    kinds = Counter(one["kind"] for one in shown)
    return [
        words_in(notebook), sum(map(lines_of, code(notebook))), len(equations), kinds["figure"],
        "not built" if states is None else sum(states), kinds["exercise"],
        wrong_answers(path.stem), planted(path),
        " ".join(f"{level} {levels[level]}" for level in sorted(levels)),
    ]


def main():
    """Print a row for each chapter, and their sums."""
    os.environ.setdefault("MPLBACKEND", "agg")
    print(f"{'':28s}" + "".join(f"{head:>16s}" for head in HEADS[:-1]) + f"   {HEADS[-1]}")
    rows = []
    for path in CHAPTERS:
        rows.append(count(path))
        *numbers, levels = rows[-1]
        print(f"{path.stem:28s}" + "".join(f"{n!s:>16s}" for n in numbers) + f"   {levels}",
              flush=True)
    sums = [sum(n for n in column if isinstance(n, int))
            for column in zip(*(row[:-1] for row in rows), strict=True)]
    print(f"{'all':28s}" + "".join(f"{n!s:>16s}" for n in sums))


if __name__ == "__main__":
    main()
