"""Recursions as the papers print them, one number at a time, at 50 digits: what the tests share."""

import mpmath as mp
import numpy as np

GRADIENTS = [0.7, -1.3, 0.0, 2.5, 1e-9, -4.0, 0.3, 0.3, 1e5, -2e-4, 0.11, 0.0, -0.9]
START = 0.4


def run(optimizer, start=START, gradients=GRADIENTS):
    """Return the path of one parameter under the optimizer."""
    theta, path = np.array([start]), []
    state = optimizer.init(theta)
    for g in gradients:
        theta, state = optimizer.update(np.array([g]), state, theta)
        path.append(float(theta[0]))
    return path


def recursion(step, *memory, start=START, gradients=GRADIENTS):
    """Return the path of ``step(t, theta, g, *memory)``, t from 1, at 50 digits."""
    with mp.workdps(50):
        theta, path = mp.mpf(start), []
        memory = [mp.mpf(m) for m in memory]
        for t, g in enumerate(gradients, start=1):
            theta, *memory = step(t, theta, mp.mpf(g), *memory)
            path.append(theta)
    return path


def exact(*numbers):
    """Return the floats as 50-digit numbers."""
    return [mp.mpf(x) for x in numbers]


def assert_close(path, expected, ulps=40):
    """Compare two paths relative to the largest number on the way so far."""
    largest = abs(START)
    for t, (found, right) in enumerate(zip(path, expected, strict=True), start=1):
        largest = max(largest, abs(float(right)))
        error = abs(mp.mpf(found) - right)
        assert error <= ulps * 2.0**-53 * largest, (t, found, float(right), float(error))
