"""Checks that the functions share: which numbers they take, and what they say otherwise."""

import math
import operator

import numpy as np

quiet = np.errstate(all="ignore")  # as a decorator half the cost of a with statement, 0.4 µs

DOUBLE, SINGLE = np.dtype(np.float64), np.dtype(np.float32)
PAIRED = DOUBLE  # the working dtype in which pairs of floats are worth their cost


def as_float(x, name):
    """Return `x` as a floating-point array; integers and booleans become float64.

    The result may share memory with `x`: callers must not write to it.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers. The message names the argument.
    """
    if type(x) is np.ndarray and (x.dtype is DOUBLE or x.dtype is SINGLE):
        return x  # nearly always; the questions below take four times as long
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(
            f"{name} is a masked array, whose mask would be lost; "
            f"pass {name}.filled(value) or the unmasked entries"
        )
    try:
        x = np.asarray(x)
    except ValueError:
        raise ValueError(
            f"{name} must be a rectangular array of real numbers, but its rows differ in length"
        ) from None
    kind = x.dtype.kind
    if kind == "f":
        return x.astype(x.dtype.newbyteorder("="), copy=False)
    if kind in "iub":
        return x.astype(np.float64)
    hint = {
        "c": f"pass {name}.real if the imaginary part is zero",
        "O": f"convert it with np.asarray({name}, dtype=float); ragged rows and None end up here",
        "U": "convert text with float() first",
        "S": "convert text with float() first",
    }.get(kind, f"convert it with {name}.astype(float)")
    raise TypeError(f"{name} must hold real numbers, but its dtype is {x.dtype}; {hint}")


def common_dtype(*arrays):
    """Return the dtype that products of `arrays` are given in."""
    dtypes = [a.dtype for a in arrays]
    return dtypes[0] if dtypes.count(dtypes[0]) == len(dtypes) else np.result_type(*dtypes)


def working_dtype(dtype):
    """Return the dtype to compute in, for a result that is rounded once to `dtype`."""
    return np.promote_types(dtype, np.float64)


def product_dtype(dtype):
    """Return the dtype to multiply in: NumPy would accumulate float16 products in float16."""
    return np.promote_types(dtype, np.float32)


def check_matrix(x, name, axes):
    """Raise ValueError unless `x` has the two `axes` that its name promises."""
    if x.ndim == 2:
        return
    message = f"{name} must have two axes ({axes[0]}, {axes[1]}), but its shape is {x.shape}"
    if x.ndim == 1:
        message += (
            f"; rows are examples, so a single example is one row: {name}[np.newaxis, :]"
            if axes[0] == "N"
            else f"; make it a matrix of one row, {name}[np.newaxis, :]"
        )
    elif x.ndim > 2:
        message += f"; flatten what belongs to one example: {name}.reshape(len({name}), -1)"
    raise ValueError(message)


def check_same_shape(x, y, names):
    """Raise ValueError unless `x` and `y` agree in shape; nothing is broadcast."""
    if x.shape == y.shape:
        return
    first, second = names
    message = (
        f"{first} and {second} must have the same shape, "
        f"but {first} has {x.shape} and {second} has {y.shape}"
    )
    if x.size == y.size and {x.ndim, y.ndim} == {1, 2}:
        flat, wide = (first, second) if x.ndim == 1 else (second, first)
        message += (
            f"; NumPy would broadcast them to {len(x)} x {len(y)} differences and be wrong, "
            f"so use {wide}.ravel() or {flat}[:, np.newaxis]"
        )
    elif x.ndim == y.ndim == 2 and x.shape == y.shape[::-1]:
        message += f"; rows are examples, so one of them is transposed: {second}.T"
    raise ValueError(message)


def first_place(where):
    """Return the index of the first True, as plain integers for a message."""
    return tuple(int(i) for i in np.argwhere(where)[0])


def check_finite(x, name, meaning):
    """Raise ValueError unless every entry of `x` is finite; `meaning` says why it must be."""
    if not np.isfinite(x).all():
        at = first_place(~np.isfinite(x))
        raise ValueError(f"{name}{list(at)} is {x[at]}, but {meaning} must be finite")


def check_cotangent_shape(g, shape, of, name="g"):
    """Raise ValueError unless the cotangent `g` has the `shape` of what it belongs to, `of`."""
    if g.shape != shape:
        raise ValueError(
            f"{name} must have the shape of {of}, {shape}, but its shape is {g.shape}"
        )


def check_axis(x, axis, name, option="axis"):
    """Return `axis` counted from the front; raise if `x` does not have it."""
    try:
        if isinstance(axis, (bool, np.bool_)):
            raise TypeError
        index = operator.index(axis)
    except TypeError:
        raise TypeError(f"{option} must be an integer, got {axis!r}") from None
    if -x.ndim <= index < x.ndim:
        return index % x.ndim
    message = f"{option}={index} does not exist in {name} of shape {x.shape}"
    if x.ndim == 0:
        message += "; a single number has no axis, pass an array"
    elif x.ndim == 1:
        message += "; a single example has one axis, axis=-1 takes the last in any shape"
    else:
        message += f"; it must be from {-x.ndim} to {x.ndim - 1}"
    raise ValueError(message)


def check_axes(x, axis, name):
    """Return an integer or a tuple of them as axes counted from the front, in order."""
    if isinstance(axis, list):
        raise TypeError(f"axis must be an integer or a tuple of them, got {axis}; use tuple(axis)")
    wanted = axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(sorted(check_axis(x, one, name) for one in wanted))
    if not axes:
        raise ValueError("axis is empty, but must name at least one axis")
    if len(set(axes)) < len(axes):
        raise ValueError(f"axis={axis} names an axis of {name}, shape {x.shape}, twice")
    return axes


def check_number(value, name, low=-math.inf, high=math.inf, *, closed_low=True, closed_high=False):
    """Return `value` as a finite Python float between `low` and `high`; raise if it is not one."""
    kind = f"{name} must be a single real number, got {value!r}"
    if isinstance(value, (bool, np.bool_, str, bytes, list, tuple)) or np.ndim(value) != 0:
        raise TypeError(kind)
    if isinstance(value, (np.generic, np.ndarray)) and value.dtype.kind not in "iuf":
        raise TypeError(kind)  # NumPy would drop an imaginary part, with no more than a warning
    try:
        number = float(value)
    except TypeError:
        raise TypeError(kind) from None
    except OverflowError:
        number = math.inf
    above = number >= low if closed_low else number > low
    below = number <= high if closed_high else number < high
    if math.isfinite(number) and above and below:
        return number
    if low == -math.inf and high == math.inf:
        raise ValueError(f"{name} must be finite, got {number}")
    left, right = "[" if closed_low else "(", "]" if closed_high else ")"
    raise ValueError(f"{name} must lie in {left}{low:g}, {high:g}{right}, got {number}")


def check_flag(value, name):
    """Return `value` as a bool; raise if it is something else, for a word would count as True."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def check_count(value, name, minimum=1):
    """Return `value` as a Python int of at least `minimum`; raise if it is not one."""
    kind = "a positive integer" if minimum == 1 else "an integer"
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be {kind}, got {value!r}")
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be {kind}, got {value!r}") from None
    if count < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {count}")
    return count


def check_probabilities(y, name, largest):
    """Raise ValueError unless every entry of `y` lies in [0, largest]; NaN does not."""
    if y.size == 0 or (y.min() >= 0 and y.max() <= largest):  # a NaN comes through both
        return
    at = first_place(~((y >= 0) & (y <= largest)))
    message = f"{name}{list(at)} is {y[at]}, but a probability "
    message += "lies in [0, 1]" if largest == 1 else "is finite and not negative"
    if y[at] == -1:
        message += f"; turn labels -1 and +1 into 0 and 1 by ({name} + 1) / 2"
    raise ValueError(message)
