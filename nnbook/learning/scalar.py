r"""Reverse-mode differentiation of single numbers, in a page.

A `Scalar` remembers its parents and its slope in each of them. `Scalar.backward` visits what the
result depends on, last made first: a number is made after its parents, so when its turn comes its
gradient is complete. No closures, so no reference cycles, and nothing for Python's garbage
collector to chase; `dot` makes one number of a whole weighted sum.
"""

import math
from itertools import count
from operator import attrgetter, mul

_next = count().__next__
_value, _serial = attrgetter("value"), attrgetter("serial")


class Scalar:
    r"""A number that knows where it came from.

    Parameters
    ----------
    value : float
        The number.
    parents : tuple of Scalar
        What it was computed from.
    slopes : tuple of float
        Its partial derivative in each parent.

    Attributes
    ----------
    grad : float
        After ``y.backward()``, the derivative of y in this number.

    Examples
    --------
    >>> x, y = Scalar(3.0), Scalar(-2.0)
    >>> z = x * y + x * x
    >>> z.backward()
    >>> z.value, x.grad, y.grad
    (3.0, 4.0, 3.0)
    """

    __slots__ = ("grad", "parents", "serial", "slopes", "value")

    def __init__(self, value, parents=(), slopes=()):
        self.value, self.parents, self.slopes = value, parents, slopes
        self.grad, self.serial = 0.0, _next()

    def __add__(self, other):
        if isinstance(other, Scalar):
            return Scalar(self.value + other.value, (self, other), (1.0, 1.0))
        return Scalar(self.value + other, (self,), (1.0,))

    def __mul__(self, other):
        if isinstance(other, Scalar):
            return Scalar(self.value * other.value, (self, other), (other.value, self.value))
        return Scalar(self.value * other, (self,), (other,))

    def __pow__(self, power):
        if isinstance(power, Scalar):
            raise TypeError("power must be a number, found a Scalar; x**y is exp(y log x)")
        return Scalar(self.value**power, (self,), (power and power * self.value ** (power - 1),))

    def exp(self):
        """Return e to this number."""
        value = math.exp(self.value)
        return Scalar(value, (self,), (value,))

    def log(self):
        """Return the natural logarithm."""
        return Scalar(math.log(self.value), (self,), (1 / self.value,))

    def tanh(self):
        """Return the hyperbolic tangent."""
        value = math.tanh(self.value)
        return Scalar(value, (self,), (1 - value * value,))

    def relu(self):
        """Return max(x, 0); its slope at 0 is 0."""
        slope = float(self.value > 0)
        return Scalar(slope * self.value, (self,), (slope,))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    def __truediv__(self, other):
        return self * other**-1.0

    def __rtruediv__(self, other):
        return self**-1.0 * other

    __radd__, __rmul__ = __add__, __mul__

    def __repr__(self):
        return f"Scalar({self.value!r}, grad={self.grad!r})"

    def backward(self):
        """Give every number that this one depends on its derivative, in ``grad``."""
        found, waiting = {self}, [self]
        while waiting:
            fresh = [parent for parent in waiting.pop().parents if parent not in found]
            found.update(fresh)
            waiting += [parent for parent in fresh if parent.parents]
        for node in found:
            node.grad = 0.0
        self.grad = 1.0
        for node in sorted(found, key=_serial, reverse=True):
            grad = node.grad
            if grad:
                for parent, slope in zip(node.parents, node.slopes, strict=True):
                    parent.grad += grad * slope


def dot(w, x, b=0.0):
    r"""Return :math:`\sum_i w_i x_i + b` as one number.

    Parameters
    ----------
    w : sequence of Scalar
        Weights.
    x : sequence of Scalar or float
        Inputs, as many; all Scalars, or all plain numbers.
    b : Scalar or float, default 0
        Bias.

    Returns
    -------
    Scalar

    Examples
    --------
    >>> w, x = [Scalar(2.0), Scalar(3.0)], [Scalar(5.0), Scalar(-1.0)]
    >>> z = dot(w, x, Scalar(1.0))
    >>> z.backward()
    >>> z.value, w[0].grad, x[1].grad
    (8.0, 5.0, 3.0)
    """
    weights = [*map(_value, w)]
    known = x and not isinstance(x[0], Scalar)
    inputs = x if known else [*map(_value, x)]
    if len(weights) != len(inputs):
        raise ValueError(f"w and x must be equally long, found {len(weights)} and {len(inputs)}")
    total = sum(map(mul, weights, inputs))
    parents, slopes = (w, inputs) if known else ([*w, *x], [*inputs, *weights])
    if isinstance(b, Scalar):
        return Scalar(total + b.value, (*parents, b), (*slopes, 1.0))
    return Scalar(total + b, (*parents,), (*slopes,))
