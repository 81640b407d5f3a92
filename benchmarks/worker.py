"""A process that holds one candidate: ``python -m benchmarks.worker module candidate``.

It reads commands from its input, one a line, and answers each with a line of JSON. Between
commands it sleeps, and costs the others nothing.
"""

import gc
import json
import os
import sys
import time


def main(module, candidate):
    """Obey until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a framework prints is no answer
    from benchmarks.harness import rows_of

    run = None
    for line in sys.stdin:
        command, argument = line.split()
        if command == "open":
            run = None
            gc.collect()
            run, answer = rows_of(module)[argument].candidates[candidate].make(), candidate
        else:
            answer = {"check": check, "pieces": pieces, "time": timed}[command](
                run, float(argument)
            )
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def check(run, count):
    """Return the results of the first runs."""
    found = [run() for _ in range(int(count))]
    return [None if value is None else float(value) for value in found]


def pieces(run, seconds):
    """Return how many runs fill a round."""
    count = 1
    while True:
        each = timed(run, count)
        if each * count >= seconds / 4:
            return max(1, round(seconds / each))
        count *= 4


def timed(run, count):
    """Return the CPU seconds of one of ``count`` runs, the caches warmed by a few before."""
    count = int(count)
    for _ in range(count // 20):
        run()
    start = time.process_time_ns()
    for _ in range(count):
        run()
    return (time.process_time_ns() - start) / count / 1e9


if __name__ == "__main__":
    main(*sys.argv[1:])
