"""True values for the tests of recurrent networks: the recursions at 50 digits, by mpmath.

One example at a time, one number at a time, as the papers write them. Gradients are differences
at a step of 1e-20, whose own error is below 1e-30.
"""

import mpmath as mp
import numpy as np

DIGITS = 60
STEP = mp.mpf(10) ** -20


def sigma(z):
    return 1 / (1 + mp.exp(-z))


def dot(row, column):
    return mp.fdot(row, column)


def rnn(x, W_x, W_h, b, h, phi=mp.tanh):
    """Return the states of one example; x is a list of T lists of D numbers."""
    states = []
    for x_t in x:
        h = [phi(dot(W_x[j], x_t) + dot(W_h[j], h) + b[j]) for j in range(len(h))]
        states.append(h)
    return states, h


def lstm(x, W_x, W_h, b, h, c, p, forget_bias=0):
    width, states = len(h), []
    for x_t in x:
        z = [dot(W_x[j], x_t) + dot(W_h[j], h) + b[j] for j in range(4 * width)]
        i = [sigma(z[j] + p[0][j] * c[j]) for j in range(width)]
        f = [sigma(z[width + j] + p[1][j] * c[j] + forget_bias) for j in range(width)]
        g = [mp.tanh(z[2 * width + j]) for j in range(width)]
        c = [f[j] * c[j] + i[j] * g[j] for j in range(width)]
        h = [sigma(z[3 * width + j] + p[2][j] * c[j]) * mp.tanh(c[j]) for j in range(width)]
        states.append(h)
    return states, h, c


def gru(x, W_x, W_h, b, h, b_n, reset):
    width, states = len(h), []
    for x_t in x:
        a = [dot(W_x[j], x_t) + b[j] for j in range(3 * width)]
        r = [sigma(a[j] + dot(W_h[j], h)) for j in range(width)]
        z = [sigma(a[width + j] + dot(W_h[width + j], h)) for j in range(width)]
        if reset == "before":
            held = [r[j] * h[j] for j in range(width)]
            u = [dot(W_h[2 * width + j], held) for j in range(width)]
        else:
            u = [r[j] * (dot(W_h[2 * width + j], h) + b_n[j]) for j in range(width)]
        n = [mp.tanh(a[2 * width + j] + u[j]) for j in range(width)]
        h = [(1 - z[j]) * n[j] + z[j] * h[j] for j in range(width)]
        states.append(h)
    return states, h


def exact(array):
    """Return an array as nested lists of mpf."""
    array = np.asarray(array)
    return mp.mpf(float(array)) if array.ndim == 0 else [exact(part) for part in array]


def flat(value):
    """Return the numbers of nested lists and tuples, in order."""
    if isinstance(value, (list, tuple)):
        return [number for part in value for number in flat(part)]
    return [value]


def worst(found, true):
    """Return the largest distance of the array `found` from nested lists of mpf."""
    pairs = zip(np.ravel(found).astype(float), flat(true), strict=True)
    return float(max(abs(mp.mpf(a) - t) for a, t in pairs))


def gradients(function, arguments, weights):
    """Return the gradient of sum(weights * function(*arguments)), an array for each argument."""

    def scalar(arguments):
        return mp.fdot(flat(function(*arguments)), weights)

    every = []
    for k, argument in enumerate(arguments):
        gradient = np.empty(np.shape(argument))
        for at in np.ndindex(gradient.shape):
            sides = []
            for sign in (1, -1):
                moved = [exact(a) for a in arguments]
                place = moved[k]
                for index in at[:-1]:
                    place = place[index]
                place[at[-1]] += sign * STEP
                sides.append(scalar(moved))
            gradient[at] = float((sides[0] - sides[1]) / (2 * STEP))
        every.append(gradient)
    return every
