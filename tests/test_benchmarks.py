"""The harness of the benchmarks is tested, not the speed of anything: candidates here are fake."""

import importlib
import random
import statistics
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.harness import (
    OURS,
    Candidate,
    Disagreement,
    Failed,
    Measured,
    Row,
    Workers,
    agree,
    measure,
    rows_of,
)
from benchmarks.rows import MODULES
from benchmarks.statistics import Ratio, figures, outermost, ratio

ROOT = Path(__file__).resolve().parents[1]
FAKE = """
    import itertools, sys
    from benchmarks.harness import Candidate, Row

    def work(size, factor=1.0, value=1.0):
        def make():
            count = itertools.count(1)
            def run():
                sum(range(int(size * factor)))
                return value / next(count)
            return run
        return make

    def noisy():
        print("a framework says hello")
        return work(20_000)()

    def broken():
        sys.exit("out of memory")

    ours = Candidate(work(20_000))
    ROWS = [
        Row("fake", "Fake work", {
            "nnbook": ours, "slow": Candidate(work(20_000, 3.0)), "noisy": Candidate(noisy),
            "gone": Candidate(work(1), "no_such_framework"),
            "limit": Candidate(work(20_000, 0.5, 99.0), limit=True),
        }, {"slow": 2.0, "noisy": 5.0}, flops=2 * 512**3),
        Row("wrong", "Other work", {"nnbook": ours, "other": Candidate(work(20_000, 1.0, 1.1))}),
        Row("broken", "No work", {"nnbook": ours, "broken": Candidate(broken)}),
    ]
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    (tmp_path / "fake_rows.py").write_text(textwrap.dedent(FAKE), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    yield rows_of("fake_rows")
    sys.modules.pop("fake_rows")


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr("benchmarks.harness.ROUND_SECONDS", 0.01)


def timed(row, rounds=1):
    with Workers("fake_rows") as workers:
        return measure(workers, row, rounds)


def test_a_planted_slowness_is_seen_and_an_absent_framework_named(fake):
    found = report.summary(timed(fake["fake"], 6))
    middle, low, high = found["ratios"]["slow"]
    assert 2.2 < middle < 4 and low <= middle <= high
    assert 0.6 < found["ratios"]["noisy"][0] < 1.6
    assert found["absent"] == ["gone"] and "gone" not in found["ratios"]
    assert found["rounds"] == 6
    assert 0.3 < found["ratios"]["limit"][0] < 0.8
    shown = report.line(found)
    assert "× slow (asked 2)\n" in shown
    assert "× noisy (asked 5, MISSED)" in shown
    assert "gone is not installed: skipped" in shown
    assert "of the GEMM limit" in shown


def test_candidates_that_do_other_work_are_not_compared(fake):
    with pytest.raises(Disagreement, match=r"wrong: other gives \[1\.1.*differ by 1\.0e-01"):
        timed(fake["wrong"])


def test_a_candidate_that_dies_is_named(fake):
    with pytest.raises(Failed, match="broken: its process ended"):
        timed(fake["broken"])


def test_processes_stay_from_row_to_row_and_end_at_last(fake):
    with Workers("fake_rows") as workers:
        opened, _ = workers.open(fake["fake"])
        ours = opened[OURS].process
        again, _ = workers.open(fake["wrong"])
        assert again[OURS].process is ours and ours.poll() is None
        # the row was made anew: its count of runs starts at one
        assert again[OURS].ask("check", 2) == [1.0, 0.5]
    assert ours.poll() == 0


def test_results_that_are_not_numbers_do_not_agree():
    row = Row("r", "R", {OURS: Candidate(int), "other": Candidate(int)})
    agree(row, {OURS: [1.0, 2.0], "other": [1.0, 2.0 + 1e-4]})
    agree(row, {OURS: [1.0, 2.0], "other": [None, None]})
    for other in ([1.0, float("nan")], [1.0, 2.1]):
        with pytest.raises(Disagreement):
            agree(row, {OURS: [1.0, 2.0], "other": other})


def test_ratios_are_taken_within_a_round():
    """The machine slows down fourfold half-way; round by round the ratio is 2 all the same."""
    drift = [1.0] * 5 + [4.0] * 5
    assert ratio([2 * d for d in drift], drift) == Ratio(2.0, 2.0, 2.0)


@pytest.mark.parametrize("n", [6, 10, 15, 20])
def test_the_interval_holds_the_median_as_often_as_it_says(n):
    draw, k, hits, tries = random.Random(n), outermost(n), 0, 4000
    for _ in range(tries):
        values = sorted(draw.expovariate(1) for _ in range(n))
        hits += values[k] <= 0.6931471805599453 <= values[-1 - k]
    assert hits / tries > 0.943
    narrower = sum(
        values[k + 1] <= 0.6931471805599453 <= values[-2 - k]
        for values in (sorted(draw.expovariate(1) for _ in range(n)) for _ in range(tries))
    )
    assert narrower / tries < 0.955


def test_figures_have_three_digits_or_fewer():
    assert [figures(v) for v in (0.014, 9.994, 28.44, 123.4)] == ["0.01", "9.99", "28.4", "123"]


def measured(name, ours, theirs):
    candidates = {OURS: Candidate(int), "peer": Candidate(int)}
    return Measured(Row(name, f"Row {name}", candidates), {OURS: ours, "peer": theirs}, ["gone"])


def test_stored_rows_come_back_and_rows_of_other_runs_stay(tmp_path):
    path = tmp_path / "results.toml"
    rows = [report.summary(measured(n, [1.0, 2.0, 3.0], [2.0, 4.0, 6.0])) for n in ("a", "b")]
    report.store(rows, path)
    again = report.summary(measured("b", [1.0] * 3, [5.0] * 3))
    report.store([again], path)
    [one] = tomllib.loads(path.read_text(encoding="utf-8")).values()
    assert [row["name"] for row in one["row"]] == ["a", "b"]
    assert one["row"] == [rows[0], again]
    assert one["processor"] == report.processor()
    assert one["versions"]["numpy"]
    assert rows[0]["seconds"] == statistics.median([1.0, 2.0, 3.0])


def test_rows_of_another_processor_go(tmp_path, monkeypatch):
    path = tmp_path / "results.toml"
    report.store([report.summary(measured("a", [1.0] * 3, [2.0] * 3))], path)
    monkeypatch.setattr(report, "processor", lambda: "another")
    report.store([report.summary(measured("b", [1.0] * 3, [2.0] * 3))], path)
    [one] = tomllib.loads(path.read_text(encoding="utf-8")).values()
    assert [row["name"] for row in one["row"]] == ["b"]


def all_rows():
    return [row for m in MODULES for row in rows_of(f"benchmarks.rows.{m}").values()]


def test_every_row_has_our_form_and_names_of_its_own():
    rows = all_rows()
    assert len({row.name for row in rows}) == len(rows) == len({row.title for row in rows})
    for row in rows:
        assert OURS in row.candidates
        assert set(row.asked) <= {*row.candidates, "limit"}
    here = {path.stem for path in (ROOT / "benchmarks" / "rows").glob("*.py")}
    assert here == {*MODULES, "peers", "__init__"}


def test_rows_can_be_read_without_any_framework():
    code = (
        "import sys, importlib\n"
        "for name in ('torch', 'jax', 'sklearn', 'micrograd'):\n"
        "    sys.modules[name] = None\n"
        f"for m in {MODULES}:\n"
        "    importlib.import_module('benchmarks.rows.' + m)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


FAST = ["one-network", "autodiff", "conv2d-small", "forward-1", "step-32-adam", "scalar-dot-gc-on",
        "scalar-plain-gc-on"]  # fmt: skip


@pytest.mark.parametrize("name", FAST)
def test_our_form_of_a_row_runs_and_learns(name):
    [row] = [row for row in all_rows() if row.name == name]
    run = row.candidates[OURS].make()
    values = [float(run()) for _ in range(12)]
    trains = name not in ("conv2d-small", "forward-1", "scalar-dot-gc-on", "scalar-plain-gc-on")
    assert values[-1] < values[0] if trains else len(set(values)) <= 2


def test_both_ways_to_write_a_neuron_are_the_same_network():
    rows = importlib.import_module("benchmarks.rows.scalars")
    assert rows.fused()() == pytest.approx(rows.plain()(), rel=1e-12)


def test_the_page_shows_what_is_stored():
    from nnbook_ext import benchmarks as page

    sets = tomllib.loads((ROOT / page.STORED).read_text(encoding="utf-8"))
    known = {row.name for row in all_rows()}
    assert sets
    for one in sets.values():
        assert {row["name"] for row in one["row"]} <= known
        assert min(row["rounds"] for row in one["row"]) >= 10
    markup = page.picture(sets)
    assert markup.count("<svg") == 1
    assert "var(--nn-c1" in markup  # a colour of the page, so that it follows it into the dark
    for row in next(iter(sets.values()))["row"]:
        if "PyTorch" in row["ratios"]:
            assert row["title"].split(",")[0] in markup
