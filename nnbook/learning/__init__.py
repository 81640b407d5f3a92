"""How a network learns: where it starts, which way it steps, on what data.

`nnbook.learning.mlp` is the network as the page writes it; `nnbook.learning.train` runs it.
"""

from nnbook.learning._io import load_params, save_params
from nnbook.learning.acceleration import (
    convert_momentum,
    convert_momentum_state,
    convert_nesterov_state,
)
from nnbook.learning.autodiff import Tensor
from nnbook.learning.clipping import (
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    clipped,
    global_norm,
)
from nnbook.learning.curvature import sharpness
from nnbook.learning.data import Split, digits, fashion_mnist, mnist, split, xor
from nnbook.learning.decay import coupled_l2, decoupled_decay
from nnbook.learning.diagnose import diagnose
from nnbook.learning.engine import Engine, NotFinite, workspace_bytes
from nnbook.learning.faults import FAULTS, broken_run
from nnbook.learning.forward_mode import jvp
from nnbook.learning.initializers import (
    INITIALIZERS,
    constant,
    get_initializer,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    normal,
    orthogonal,
    uniform,
    zeros,
)
from nnbook.learning.jacobians import jacobian
from nnbook.learning.lifted import lift
from nnbook.learning.many import draw_many, right_answers, stack, train_many, unstack
from nnbook.learning.mlp import backward, forward, init_params, loss_and_grads, predict
from nnbook.learning.optimizers import (
    Optimizer,
    adadelta,
    adagrad,
    adam,
    adamw,
    amsgrad,
    lion,
    momentum,
    nadam,
    nesterov,
    nesterov_rewritten,
    rmsprop,
    sgd,
)
from nnbook.learning.recording import record_run
from nnbook.learning.schedules import (
    chain_schedules,
    constant_schedule,
    cosine_decay,
    cosine_restarts,
    exponential_decay,
    inverse_time_decay,
    linear_warmup,
    one_cycle,
    polynomial_decay,
    step_decay,
)
from nnbook.learning.signals import (
    dead_fraction,
    generalization_gap,
    gradient_statistics,
    saturated_fraction,
    signal_statistics,
    slope_bound,
    update_ratio,
)
from nnbook.learning.statistics import accuracy_standard_error, mcnemar_exact, wilson_interval
from nnbook.learning.toy_data import (
    circles,
    heteroscedastic_data,
    linear_data,
    moons,
    sine_data,
    spirals,
    step_data,
)
from nnbook.learning.train import accuracy, fit
from nnbook.learning.transforms import checkpoint, grad, hvp, value_and_grad
from nnbook.learning.trees import tree_leaves, tree_map

__all__ = [
    "FAULTS",
    "INITIALIZERS",
    "Engine",
    "NotFinite",
    "Optimizer",
    "Split",
    "Tensor",
    "accuracy",
    "accuracy_standard_error",
    "adadelta",
    "adagrad",
    "adam",
    "adamw",
    "amsgrad",
    "backward",
    "broken_run",
    "chain_schedules",
    "checkpoint",
    "circles",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "clipped",
    "constant",
    "constant_schedule",
    "convert_momentum",
    "convert_momentum_state",
    "convert_nesterov_state",
    "cosine_decay",
    "cosine_restarts",
    "coupled_l2",
    "dead_fraction",
    "decoupled_decay",
    "diagnose",
    "digits",
    "draw_many",
    "exponential_decay",
    "fashion_mnist",
    "fit",
    "forward",
    "generalization_gap",
    "get_initializer",
    "global_norm",
    "glorot_normal",
    "glorot_uniform",
    "grad",
    "gradient_statistics",
    "he_normal",
    "he_uniform",
    "heteroscedastic_data",
    "hvp",
    "init_params",
    "inverse_time_decay",
    "jacobian",
    "jvp",
    "lecun_normal",
    "lecun_uniform",
    "lift",
    "linear_data",
    "linear_warmup",
    "lion",
    "load_params",
    "loss_and_grads",
    "mcnemar_exact",
    "mnist",
    "momentum",
    "moons",
    "nadam",
    "nesterov",
    "nesterov_rewritten",
    "normal",
    "one_cycle",
    "orthogonal",
    "polynomial_decay",
    "predict",
    "record_run",
    "right_answers",
    "rmsprop",
    "saturated_fraction",
    "save_params",
    "sgd",
    "sharpness",
    "signal_statistics",
    "sine_data",
    "slope_bound",
    "spirals",
    "split",
    "stack",
    "step_data",
    "step_decay",
    "train_many",
    "tree_leaves",
    "tree_map",
    "uniform",
    "unstack",
    "update_ratio",
    "value_and_grad",
    "wilson_interval",
    "workspace_bytes",
    "xor",
    "zeros",
]
