"""The steps that ordinary and transposed convolutions share: arguments, sizes, gradients."""

import math

import numpy as np

from nnbook.functions._validate import (
    as_float,
    check_cotangent_shape,
    check_count,
    common_dtype,
    product_dtype,
)

AXES = {1: "(N, C, n)", 2: "(N, C, height, width)", 3: "(N, C, depth, height, width)"}


def check_images(x, axes, name="x"):
    """Return `x` as a floating-point array (N, C, *spatial) with some spatial `axes`, or raise."""
    x = as_float(x, name)
    if x.ndim == axes + 2:
        return x
    message = f"{name} must have {axes + 2} axes {AXES[axes]}, but its shape is {x.shape}"
    if x.ndim == axes + 1:
        message += (
            f"; a single example is a batch of one, {name}[np.newaxis], "
            f"and a single channel is {name}[:, np.newaxis]"
        )
    raise ValueError(message)


def check_layer(x, W, b, axes, groups, transposed=False):
    """Return x, W and b in the dtype to multiply in, and the dtype of the result; raise if unfit.

    The first axis of W holds the outputs of an ordinary convolution and the inputs of a
    transposed one, the second the others of a group.
    """
    x, W = check_images(x, axes), as_float(W, "W")
    groups = check_count(groups, "groups")
    roles = ("C_in", "C_out/groups") if transposed else ("C_out", "C_in/groups")
    if W.ndim != axes + 2:
        message = f"W must have {axes + 2} axes ({roles[0]}, {roles[1]}, *kernel)"
        message += f", but its shape is {W.shape}"
        if W.ndim == axes:
            message += "; for one filter on one channel pass W[np.newaxis, np.newaxis]"
        raise ValueError(message)
    if 0 in W.shape[2:]:
        raise ValueError(f"W must have a kernel of at least one entry, but its shape is {W.shape}")
    if len(W) % groups:
        raise ValueError(
            f"groups must divide {roles[0]}: groups is {groups}, "
            f"but W of shape {W.shape} has {len(W)}"
        )
    expected = len(W) if transposed else W.shape[1] * groups
    if x.shape[1] != expected:
        raise ValueError(_channels_message(x, W, expected, groups, roles))
    outputs = W.shape[1] * groups if transposed else len(W)
    arrays = [x, W]
    if b is not None:
        b = as_float(b, "b")
        if b.shape != (outputs,):
            message = f"b must have shape (C_out,) = ({outputs},), but its shape is {b.shape}"
            raise ValueError(message + ("; pass b.ravel()" if b.size == outputs > 0 else ""))
        arrays.append(b)
    dtype = common_dtype(*arrays)
    work = product_dtype(dtype)
    x, W, b = (None if a is None else a.astype(work, copy=False) for a in (x, W, b))
    return x, W, b, groups, dtype


def _channels_message(x, W, expected, groups, roles):
    message = (
        f"x of shape {x.shape} has {x.shape[1]} channels, but W of shape {W.shape}, "
        f"({roles[0]}, {roles[1]}, *kernel), takes {expected}"
    )
    if groups > 1:
        message += f" in {groups} groups"
    if x.shape[-1] == expected:
        return message + "; the channels of x come second: pass np.moveaxis(x, -1, 1)"
    if groups == 1 and x.shape[1] == W.shape[1 if roles[0] == "C_in" else 0]:
        return message + "; W looks transposed: pass W.swapaxes(0, 1)"
    if x.shape[1] % W.shape[1] == 0 and roles[0] == "C_out" and W.shape[1]:
        message += f"; groups={x.shape[1] // W.shape[1]} would fit"
    return message


def check_cotangent(g, shape, name, dtype):
    """Return g in the working dtype of the result's `dtype`, and the dtype of the gradients."""
    g = as_float(g, "g")
    check_cotangent_shape(g, shape, f"{name}'s result")
    dtype = np.promote_types(dtype, g.dtype)
    return g.astype(product_dtype(dtype), copy=False), dtype


def bias_gradient(g, b):
    """Return the sum of `g` over all but the channels; None where there is no bias."""
    if b is None:
        return None
    planes = g.reshape(*g.shape[:2], math.prod(g.shape[2:]))
    return (planes @ np.ones((planes.shape[2], 1), g.dtype)).sum(axis=(0, 2))


def rounded(arrays, dtype):
    """Return the arrays in the dtype that the caller was promised; None stays None."""
    return tuple(None if a is None else a.astype(dtype, copy=False) for a in arrays)
