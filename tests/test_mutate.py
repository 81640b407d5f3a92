"""The mutation script finds weak tests, and a sample of its mutants dies on every run."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import faults
import mutate

MODULE = '''"""A module with something to get wrong."""


def mean_slope(z, n, count=2):
    """Docstring, where 1 + 1 is nobody's business."""
    if n <= 0:
        raise ValueError("n must be above 0, found " + str(n))
    total = 0.0
    for value in range(count):
        total += z * value
    return total / n
'''
WEAK = """from toy import mean_slope


def test_it_returns_a_number():
    assert mean_slope(2.0, 4) < 100
"""
STRONG = """import pytest
from toy import mean_slope


def test_value():
    assert mean_slope(3.0, 6.0) == 0.5
    assert mean_slope(3.0, 1.0, count=3) == 9.0


@pytest.mark.parametrize("n", [0, -1])
def test_refusal(n):
    with pytest.raises(ValueError):
        mean_slope(3.0, n)
"""
mutate.preload()
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="slow without fork")


def changes(source):
    return [(m.before, m.after) for m in faults.mutants(source, "toy.py")]


def toy(folder, test):
    (folder / "toy.py").write_text(MODULE)
    (folder / "test_toy.py").write_text(test)
    found = faults.mutants(MODULE, "toy.py")
    return mutate.survivors(
        found, folder, lambda file: [["test_toy.py"]], patience=lambda file: 300
    ), found


@needs_fork
def test_a_weak_test_lets_mutants_survive_and_they_are_named(tmp_path):
    alive, found = toy(tmp_path, WEAK)
    assert len(alive) > len(found) / 2
    assert ("return total / n", "return (total * n)") in [(m.before, m.after) for m in alive]
    assert "toy.py:11 mean_slope" in str(next(m for m in alive if m.line == 11))


@needs_fork
def test_a_strong_test_kills_all_but_the_equivalent(tmp_path):
    alive, found = toy(tmp_path, STRONG)
    assert len(found) >= 8
    assert [m.after for m in alive] == []


@needs_fork
def test_a_mutant_that_never_ends_is_killed(tmp_path):
    source = "def countdown(n):\n    while n > 0:\n        n = n - 1\n    return n\n"
    (tmp_path / "loop.py").write_text(source)
    (tmp_path / "test_loop.py").write_text(
        "from loop import countdown\n\n\ndef test_it():\n    assert countdown(5) == 0\n"
    )
    endless = [m for m in faults.mutants(source, "loop.py") if "n + 1" in m.after]
    assert len(endless) == 1
    alive = mutate.survivors(
        endless, tmp_path, lambda file: [["test_loop.py"]], patience=lambda file: 2
    )
    assert alive == []


@needs_fork
def test_tests_that_fail_by_themselves_judge_nothing(tmp_path):
    (tmp_path / "test_bad.py").write_text("def test_it():\n    assert False\n")
    with pytest.raises(mutate.Broken, match="without any mutant the tests fail"):
        mutate.baseline(tmp_path, [["test_bad.py"]])
    (tmp_path / "test_none.py").write_text("")
    with pytest.raises(mutate.Broken, match="are none"):
        mutate.baseline(tmp_path, [["test_none.py"]])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("y = a + b", "y = (a - b)"),
        ("y = -a", "y = (a)"),
        ("y = s / N", "y = (s)"),
        ("total += x", "total -= x"),
        ("y = A @ W.T", "y = (A @ W)"),
        ("y = D @ W", "y = (D @ W.T)"),
        ("y = D * phi_prime(Z[l])", "y = D * (phi_prime(A[l]))"),
        ("y = D * phi_prime(Z[l])", "y = D * 1"),
        ("y = z > 0", "y = (z >= 0)"),
        ("y = np.sum(x, axis=0)", "y = np.sum(x, axis=1)"),
        ("y = np.sum(x, axis=-1)", "y = np.sum(x, axis=0)"),
        ("y = np.maximum(z, 0)", "y = (np.minimum(z, 0))"),
        ("y = f(x, 0.044715)", f"y = f(x, {0.044715 * 1.25!r})"),
        ("for l in range(L, 0, -1): f(l)", "for l in (reversed(range(L, 0, -1))): f(l)"),
        ("grads.insert(0, dW)", "(grads.append(dW))"),
        ("def f(z, axis=-1): return z", "def f(z, axis=0): return z"),
    ],
)
def test_each_kind_of_fault_is_planted(before, after):
    assert (before, after) in changes(before)


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring of 2 lines."""',
        'raise ValueError(f"{1 + 1} axes, " + str(2))',
        "import numpy as np",
        "x: tuple[int, 2]",
        "@cache(3)\ndef f(): pass",
        'with np.errstate(all="ignore", over=1): pass',
        "y = x.astype(t, copy=False)",
    ],
)
def test_what_computes_nothing_is_left_alone(source):
    assert changes(source) == []


@pytest.fixture(scope="module")
def found():
    return mutate.all_mutants()


def test_every_mutant_differs_and_compiles(found):
    assert len(found) > 500
    assert {m.file for m in found} >= {"nnbook/learning/mlp.py", "nnbook/functions/losses.py"}
    sources = {m.file: (mutate.ROOT / m.file).read_text(encoding="utf-8") for m in found}
    for m in found:
        assert m.source != sources[m.file]


def test_the_equivalent_mutants_are_mutants_and_have_reasons(found):
    text = mutate.EQUIVALENT.read_text(encoding="utf-8")
    rows = tomllib.loads(text).get("equivalent", [])
    keys = {m.key for m in found}
    for row in rows:
        assert len(row["reason"]) > 10, row
        assert (row["file"], row["where"], row["before"], row["after"]) in keys, row
    assert len(rows) == len(mutate.equivalent())


@needs_fork
def test_a_sample_of_mutants_dies():
    """Six faults in the code of chapters 5, 8 and 16, each against its module's own tests."""
    options = "--only affine,losses,optimizers --sample 6 --seed 20 --near --required 0.8"
    script = [sys.executable, mutate.__file__, *options.split()]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_fork
def test_a_mutant_that_is_never_imported_is_no_kill(tmp_path):
    (tmp_path / "toy.py").write_text(MODULE)
    (tmp_path / "test_other.py").write_text("def test_it():\n    pass\n")
    with pytest.raises(mutate.Broken, match="no test imported the module"):
        mutate.survivors(
            faults.mutants(MODULE, "toy.py")[:1],
            tmp_path,
            lambda file: [["test_other.py"]],
            patience=lambda file: 300,
        )
