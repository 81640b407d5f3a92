"""How a network learns: where it starts, which way it steps, on what data.

`nnbook.learning.mlp` is the network as the page writes it; `nnbook.learning.train` runs it.
"""

from nnbook.learning._io import load_params, save_params
from nnbook.learning.autodiff import Tensor
from nnbook.learning.data import Split, digits, mnist, split, xor
from nnbook.learning.forward_mode import jvp
from nnbook.learning.initializers import (
    INITIALIZERS,
    constant,
    get_initializer,
    glorot_normal,
    glorot_uniform,
    he_normal,
    lecun_normal,
    normal,
    zeros,
)
from nnbook.learning.lifted import lift
from nnbook.learning.many import draw_many, right_answers, stack, train_many, unstack
from nnbook.learning.mlp import backward, forward, init_params, loss_and_grads, predict
from nnbook.learning.optimizers import Optimizer, adam, momentum, sgd
from nnbook.learning.statistics import accuracy_standard_error, mcnemar_exact, wilson_interval
from nnbook.learning.train import accuracy, fit
from nnbook.learning.transforms import checkpoint, grad, hvp, value_and_grad

__all__ = [
    "INITIALIZERS",
    "Optimizer",
    "Split",
    "Tensor",
    "accuracy",
    "accuracy_standard_error",
    "adam",
    "backward",
    "checkpoint",
    "constant",
    "digits",
    "draw_many",
    "fit",
    "forward",
    "get_initializer",
    "glorot_normal",
    "glorot_uniform",
    "grad",
    "he_normal",
    "hvp",
    "init_params",
    "jvp",
    "lecun_normal",
    "lift",
    "load_params",
    "loss_and_grads",
    "mcnemar_exact",
    "mnist",
    "momentum",
    "normal",
    "predict",
    "right_answers",
    "save_params",
    "sgd",
    "split",
    "stack",
    "train_many",
    "unstack",
    "value_and_grad",
    "wilson_interval",
    "xor",
    "zeros",
]
