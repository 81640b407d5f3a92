"""The confusion matrix of `diagnose`: ten faults and sound runs, seeds that set no threshold.

Thresholds were set on the seeds ``[1, ...]`` to ``[6, ...]``; these are ``[2026, class, run]``.
"""

import numpy as np

from nnbook.learning import FAULTS, broken_run, diagnose, wilson_interval

CLASSES = ("healthy", *FAULTS)
FRESH, RUNS = 2026, 20


def test_nine_diagnoses_in_ten_are_right(report):
    matrix = np.zeros((len(CLASSES), len(CLASSES)), int)
    for row, fault in enumerate(CLASSES):
        for run in range(RUNS):
            found = diagnose(broken_run(fault, np.random.default_rng([FRESH, row, run]))).fault
            matrix[row, CLASSES.index(found)] += 1
    right, trials = int(np.trace(matrix)), int(matrix.sum())
    low, high = wilson_interval(right, trials)
    report("70 diagnosis", f"faults named rightly: {right} of {trials} fresh runs "
                           f"({low:.3f} to {high:.3f})")
    for fault, row in zip(CLASSES, matrix, strict=True):
        named = ", ".join(f"{n} {name}" for n, name in zip(row, CLASSES, strict=True) if n)
        report("70 diagnosis", f"{fault:14} of {RUNS} runs: {named}")
    assert right >= 0.9 * trials
    assert matrix.diagonal().min() >= 0.8 * RUNS, dict(zip(CLASSES, matrix.diagonal(), strict=True))
