"""Run the benchmarks: ``python -m benchmarks [only=step] [rounds=10] [store=no]``."""

import sys

from benchmarks import report
from benchmarks.harness import Disagreement, Failed, Workers, measure, rows_of
from benchmarks.rows import MODULES


def main(words):
    """Measure the rows whose names hold ``only``, print and store them."""
    options = {"only": "", "rounds": "10", "store": "yes"}
    for word in words:
        name, _, value = word.partition("=")
        if name not in options:
            return f"no option {name!r}; there are {', '.join(options)}"
        options[name] = value
    chosen = {
        module: [
            row
            for row in rows_of(f"benchmarks.rows.{module}").values()
            if any(part in row.name for part in options["only"].split(","))
        ]
        for module in MODULES
    }
    if not any(chosen.values()):
        return f"no row has {options['only']!r} in its name"
    print(f"{report.processor()}; OpenBLAS kernels {report.kernels()}; {report.versions()}")
    print("times are CPU time, one thread; ratios are medians with 95 % intervals\n", flush=True)
    wrong = 0
    for module, rows in chosen.items():
        with Workers(f"benchmarks.rows.{module}") as workers:
            for row in rows:
                try:
                    found = report.summary(measure(workers, row, int(options["rounds"])))
                except (Disagreement, Failed) as error:
                    wrong += 1
                    print(f"{row.title}\n    {error}", flush=True)
                    continue
                print(report.line(found), flush=True)
                if options["store"] == "yes":
                    report.store([found])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
