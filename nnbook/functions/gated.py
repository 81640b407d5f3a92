r"""Gated units: the input times a smooth gate between 0 and 1."""

import numpy as np

from nnbook.functions._elementwise import elementwise


def _check_approximate(approximate):
    if approximate not in ("none", "tanh"):
        raise ValueError(f'approximate must be "none" or "tanh", got {approximate!r}')
    return approximate


def _tail(a):
    from scipy.special import erfcx
    high = (a * 134217729.0) - (a * 134217729.0 - a)
    low = a - high
    e = np.exp(-0.5 * high * high)
    e = e + e * np.expm1(-0.5 * low * (a + high))
    return e, 0.5 * erfcx(a * 0.7071067811865476)


@elementwise
def gelu(z, approximate="none"):
    if _check_approximate(approximate) == "tanh":
        return z / (1 + np.exp(-1.5957691216057308 * (z + 0.044715 * (z * z * z))))
    a = np.minimum(np.abs(z), 40)
    e, q = _tail(a)
    return np.maximum(z, 0) - a * q * e


@elementwise
def gelu_prime(z, approximate="none"):
    if _check_approximate(approximate) == "tanh":
        u = 1.5957691216057308 * (z + 0.044715 * (z * z * z))
        du = 1.5957691216057308 * (1 + 0.134145 * (z * z))
        e = np.exp(-np.abs(u))
        s = np.where(u < 0, e, 1) / (1 + e)
        t = z * du * (e / (1 + e) ** 2)
        return s + np.where(np.abs(z) > 30, 0, t)
    a = np.minimum(np.abs(z), 40)
    e, q = _tail(a)
    g = e * (q - a * 0.3989422804014327)
    return np.where(z > 0, 1 - g, g)


@elementwise
def silu(z):
    return np.where(z < -745.2, -0.0, z / (1 + np.exp(-z)))


@elementwise
def silu_prime(z):
    a = np.minimum(np.abs(z), 750)
    e = np.exp(-a)
    g = e * (1 + e - a) / (1 + e) ** 2
    return np.where(z > 0, 1 - g, g)
