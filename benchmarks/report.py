"""The table in the terminal, and results.toml."""

import json
import os
import platform
import tomllib
from importlib import metadata
from pathlib import Path
from statistics import median

from benchmarks.harness import OURS
from benchmarks.statistics import Ratio, figures, ratio

RESULTS = Path(__file__).parent / "results.toml"
PACKAGES = ("numpy", "torch", "jax", "scikit-learn", "micrograd")
GEMM = 2 * 512**3
HEAD = """\
# Written by `python tasks.py bench`: medians of per-round ratios of CPU time, with 95 per cent
# intervals. A set belongs to a processor and to the kernels of NumPy's OpenBLAS.
"""


def processor():
    """Return the processor's name."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def kernels():
    """Return the name of the kernels that NumPy's OpenBLAS uses."""
    from nnbook.learning._products import kernel_name

    return kernel_name()


def versions():
    """Return the installed versions of what is compared."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found | {"python": platform.python_version()}


def summary(measured):
    """Return a row as it is stored: times, ratios and what was asked."""
    row, seconds = measured.row, measured.seconds
    ours = seconds[OURS]
    limits = [times for name, times in seconds.items() if row.candidates[name].limit]
    ratios = {
        name: list(map(float, ratio(times, ours)))
        for name, times in seconds.items()
        if name != OURS and not row.candidates[name].limit
    }
    if limits and row.flops:
        least = [row.flops / GEMM * min(times) for times in zip(*limits, strict=True)]
        ratios["limit"] = list(map(float, ratio(least, ours)))
    return {
        "name": row.name,
        "title": row.title,
        "rounds": len(ours),
        "seconds": median(ours),
        "ratios": {name: [round(v, 4) for v in values] for name, values in ratios.items()},
        "asked": dict(row.asked),
        "absent": list(measured.absent),
    }


def line(row):
    """Return a stored row as a line of the table."""
    parts = [f"{row['title']:<58} {duration(row['seconds']):>8}"]
    for name, values in row["ratios"].items():
        asked = row["asked"].get(name)
        wanted = ""
        if asked:
            wanted = f" (asked {asked:g}{'' if values[0] >= asked else ', MISSED'})"
        what = "of the GEMM limit" if name == "limit" else f"× {name}"
        parts.append(f"\n    {Ratio(*values)!s:>22} {what}{wanted}")
    parts += [f"\n    {name} is not installed: skipped" for name in row["absent"]]
    return "".join(parts)


def duration(seconds):
    """Return a time in the unit that suits it.

    >>> duration(0.000142), duration(0.0162), duration(2.5)
    ('142 µs', '16.2 ms', '2.50 s')
    """
    for unit, size in (("µs", 1e-6), ("ms", 1e-3)):
        if seconds < 1000 * size:
            return f"{significant(seconds / size)} {unit}"
    return f"{seconds:.2f} s"


def significant(value):
    """Return three significant figures."""
    return f"{value:.0f}" if value >= 100 else figures(value)


def store(rows, path=RESULTS):
    """Write rows into the set of this processor's kernels; other sets and rows stay."""
    sets = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    this = sets.setdefault(kernels(), {})
    if this.get("processor") not in (None, processor()):
        this.clear()
    kept = {row["name"]: row for row in this.get("row", [])} | {row["name"]: row for row in rows}
    this |= {
        "processor": processor(),
        "forced": "OPENBLAS_CORETYPE" in os.environ,
        "versions": versions(),
        "row": list(kept.values()),
    }
    path.write_text(text(sets), encoding="utf-8")


def text(sets):
    """Return the sets as TOML."""
    lines = [HEAD]
    for name, one in sets.items():
        lines += [f"[{name}]", *_pairs({k: v for k, v in one.items() if k != "row"}), ""]
        for row in one["row"]:
            lines += [f"[[{name}.row]]", *_pairs(row), ""]
    return "\n".join(lines)


def _pairs(table):
    return [f"{key} = {_value(value)}" for key, value in table.items()]


def _value(value):
    if isinstance(value, dict):
        inner = ", ".join(f"{json.dumps(k)} = {_value(v)}" for k, v in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False)
