"""What to say of a step that met a number that is not finite."""

import numpy as np


class NotFinite(ArithmeticError):
    """A step met a number that is not finite, and was not taken.

    Attributes
    ----------
    step : int
        The number of the step, counted from 1 as the optimizer counts.
    cause : str
        What was not finite, in which layer, and what is likely to have made it so.
    """

    def __init__(self, step, cause):
        super().__init__(f"step {step}: {cause}")
        self.step, self.cause = step, cause


def refuse_update(step, params, dtype):
    """Raise NotFinite if an updated parameter is not finite."""
    for layer, pair in enumerate(params, start=1):
        for name, array in zip("Wb", pair, strict=True):
            if not np.isfinite(array).all():
                raise NotFinite(
                    step,
                    f"the updated value of {name} in layer {layer} is not finite in {dtype}; the "
                    "step is too long (a smaller alpha)",
                )


def refuse_gradient(step, slopes, dtype):
    """Raise NotFinite if a gradient is not finite: the first that was computed, from the end."""
    for layer in range(len(slopes), 0, -1):
        for name, array in zip("Wb", slopes[layer - 1], strict=True):
            if not np.isfinite(array).all():
                raise NotFinite(
                    step,
                    f"the gradient of {name} in layer {layer} is not finite in {dtype}; a "
                    "derivative is not, or the numbers are too large (scale X, or take a smaller "
                    "alpha)",
                )


def refuse_loss(step, value, activations, Y):
    """Raise NotFinite for a loss, with the first array that was not finite, from the input on."""
    raise NotFinite(step, f"the loss is {value}{_why(activations, Y)}")


def _why(activations, Y):
    dtype = activations[0].dtype
    if not np.isfinite(activations[0]).all():
        return f": X holds a number that is not finite in {dtype}"
    for layer, A in enumerate(activations[1:], start=1):
        if not np.isfinite(A).all():
            return (
                f": the values of layer {layer} are not finite in {dtype}; the steps are too long "
                "(a smaller alpha), or the inputs too large (scale X)"
            )
    if np.asarray(Y).dtype.kind == "f" and not np.isfinite(Y).all():
        return ": Y holds a number that is not finite"
    return f", though the logits are finite; the loss itself is too large for {dtype}"
