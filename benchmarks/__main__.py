"""Run the benchmarks: ``python -m benchmarks [only=step] [rounds=10] [store=no]``."""

import sys
import time

from benchmarks import report
from benchmarks.harness import Disagreement, Failed, measure, rows_of
from benchmarks.rows import MODULES


def main(words):
    """Measure the rows whose names hold ``only``, print and store them."""
    options = {"only": "", "rounds": "10", "store": "yes"}
    for word in words:
        name, _, value = word.partition("=")
        if name not in options:
            return f"no option {name!r}; there are {', '.join(options)}"
        options[name] = value
    rows = [
        (f"benchmarks.rows.{module}", row)
        for module in MODULES
        for row in rows_of(f"benchmarks.rows.{module}").values()
        if any(part in row.name for part in options["only"].split(","))
    ]
    if not rows:
        return f"no row has {options['only']!r} in its name"
    print(f"{report.processor()}; OpenBLAS kernels {report.kernels()}; {report.versions()}")
    print("times are CPU time, one thread; ratios are medians with 95 % intervals\n", flush=True)
    wrong = []
    for module, row in rows:
        start = time.monotonic()
        try:
            found = report.summary(measure(module, row, int(options["rounds"])))
        except (Disagreement, Failed) as error:
            wrong.append(str(error))
            print(f"{row.title}\n    {error}", flush=True)
            continue
        print(report.line(found), f"\n    ({time.monotonic() - start:.0f} s)", flush=True)
        if options["store"] == "yes":
            report.store([found])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
