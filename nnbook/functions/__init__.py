"""What a network computes: every function directly beside its derivative.

Suffixes name derivatives: ``f_prime`` (elementwise), ``f_grad`` (a loss, in its prediction),
``f_vjp`` (anything else; the cotangent comes first).
"""

from nnbook.functions.activations import (
    ACTIVATIONS,
    get_activation,
    sigmoid,
    sigmoid_prime,
    softplus,
    softplus_prime,
    tanh,
    tanh_prime,
)
from nnbook.functions.affine import (
    affine,
    affine_vjp,
    backward_multiply_adds,
    multiply_adds,
    parameter_count,
)
from nnbook.functions.attention import attention, attention_vjp
from nnbook.functions.average_pooling import (
    avg_pool1d,
    avg_pool1d_vjp,
    avg_pool2d,
    avg_pool2d_vjp,
    avg_pool3d,
    avg_pool3d_vjp,
)
from nnbook.functions.batch_normalization import BatchNorm, batch_norm, batch_norm_vjp
from nnbook.functions.binary import bce_with_logits, bce_with_logits_grad, bce_with_logits_hess
from nnbook.functions.convolution import (
    conv1d,
    conv1d_vjp,
    conv2d,
    conv2d_vjp,
    conv3d,
    conv3d_vjp,
)
from nnbook.functions.divergence import kl_divergence, kl_divergence_grad
from nnbook.functions.dropout import dropout, dropout_mask, dropout_vjp
from nnbook.functions.embedding import embedding, embedding_vjp
from nnbook.functions.exponential_units import celu, celu_prime, elu, elu_prime, selu, selu_prime
from nnbook.functions.gated import gelu, gelu_prime, silu, silu_prime
from nnbook.functions.gated import silu as swish  # noqa: F401  (a second name, not a second place)
from nnbook.functions.gated import silu_prime as swish_prime  # noqa: F401
from nnbook.functions.geometry import hyperplane_distance, lipschitz_bound
from nnbook.functions.global_pooling import (
    global_avg_pool,
    global_avg_pool_vjp,
    global_max_pool,
    global_max_pool_vjp,
)
from nnbook.functions.group_normalization import (
    group_norm,
    group_norm_vjp,
    instance_norm,
    instance_norm_vjp,
)
from nnbook.functions.gru import gru, gru_cell, gru_cell_vjp, gru_vjp
from nnbook.functions.linear_algebra import (
    condition_number,
    rayleigh_quotient,
    rayleigh_quotient_vjp,
    spectral_norm,
    spectral_radius,
)
from nnbook.functions.losses import (
    cross_entropy,
    cross_entropy_grad,
    cross_entropy_hess,
    nll,
    nll_grad,
)
from nnbook.functions.lstm import lstm, lstm_cell, lstm_cell_vjp, lstm_vjp
from nnbook.functions.margin import hinge, hinge_grad
from nnbook.functions.max_pooling import (
    max_pool1d,
    max_pool1d_vjp,
    max_pool2d,
    max_pool2d_vjp,
    max_pool3d,
    max_pool3d_vjp,
)
from nnbook.functions.mish import mish, mish_prime
from nnbook.functions.multi_head import multi_head_attention, multi_head_attention_vjp
from nnbook.functions.normalization import layer_norm, layer_norm_vjp, rms_norm, rms_norm_vjp
from nnbook.functions.piecewise import (
    hard_sigmoid,
    hard_sigmoid_prime,
    hard_swish,
    hard_swish_prime,
    softsign,
    softsign_prime,
)
from nnbook.functions.positions import (
    rotary,
    rotary_positions,
    rotary_vjp,
    sinusoidal_positions,
)
from nnbook.functions.power_iteration import (
    Eigenpairs,
    PowerIteration,
    power_iteration,
    top_eigenpairs,
)
from nnbook.functions.principal_components import PCA, pca
from nnbook.functions.probabilities import (
    log_softmax,
    log_softmax_vjp,
    logsumexp,
    logsumexp_vjp,
    softmax,
    softmax_vjp,
)
from nnbook.functions.rectifiers import (
    identity,
    identity_prime,
    leaky_relu,
    leaky_relu_prime,
    prelu,
    prelu_vjp,
    relu,
    relu_prime,
)
from nnbook.functions.recurrent import rnn, rnn_cell, rnn_cell_vjp, rnn_vjp
from nnbook.functions.recurrent_gates import half_life_bias, reorder_gates
from nnbook.functions.regression import mse, mse_grad, squared_error, squared_error_grad
from nnbook.functions.robust import huber, huber_grad, mae, mae_grad
from nnbook.functions.running_moments import Moments, merge_moments, welford
from nnbook.functions.summation import (
    kahan_sum,
    neumaier_sum,
    pairwise_sum,
    sequential_sum,
    sum_error_bound,
)
from nnbook.functions.svd import SVD, svd_2x2
from nnbook.functions.transposed_convolution import (
    conv_transpose1d,
    conv_transpose1d_vjp,
    conv_transpose2d,
    conv_transpose2d_vjp,
    conv_transpose3d,
    conv_transpose3d_vjp,
)
from nnbook.functions.window_sizes import conv_output_size, receptive_field

__all__ = [
    "ACTIVATIONS",
    "PCA",
    "SVD",
    "BatchNorm",
    "Eigenpairs",
    "Moments",
    "PowerIteration",
    "affine",
    "affine_vjp",
    "attention",
    "attention_vjp",
    "avg_pool1d",
    "avg_pool1d_vjp",
    "avg_pool2d",
    "avg_pool2d_vjp",
    "avg_pool3d",
    "avg_pool3d_vjp",
    "backward_multiply_adds",
    "batch_norm",
    "batch_norm_vjp",
    "bce_with_logits",
    "bce_with_logits_grad",
    "bce_with_logits_hess",
    "celu",
    "celu_prime",
    "condition_number",
    "conv1d",
    "conv1d_vjp",
    "conv2d",
    "conv2d_vjp",
    "conv3d",
    "conv3d_vjp",
    "conv_output_size",
    "conv_transpose1d",
    "conv_transpose1d_vjp",
    "conv_transpose2d",
    "conv_transpose2d_vjp",
    "conv_transpose3d",
    "conv_transpose3d_vjp",
    "cross_entropy",
    "cross_entropy_grad",
    "cross_entropy_hess",
    "dropout",
    "dropout_mask",
    "dropout_vjp",
    "elu",
    "elu_prime",
    "embedding",
    "embedding_vjp",
    "gelu",
    "gelu_prime",
    "get_activation",
    "global_avg_pool",
    "global_avg_pool_vjp",
    "global_max_pool",
    "global_max_pool_vjp",
    "group_norm",
    "group_norm_vjp",
    "gru",
    "gru_cell",
    "gru_cell_vjp",
    "gru_vjp",
    "half_life_bias",
    "hard_sigmoid",
    "hard_sigmoid_prime",
    "hard_swish",
    "hard_swish_prime",
    "hinge",
    "hinge_grad",
    "huber",
    "huber_grad",
    "hyperplane_distance",
    "identity",
    "identity_prime",
    "instance_norm",
    "instance_norm_vjp",
    "kahan_sum",
    "kl_divergence",
    "kl_divergence_grad",
    "layer_norm",
    "layer_norm_vjp",
    "leaky_relu",
    "leaky_relu_prime",
    "lipschitz_bound",
    "log_softmax",
    "log_softmax_vjp",
    "logsumexp",
    "logsumexp_vjp",
    "lstm",
    "lstm_cell",
    "lstm_cell_vjp",
    "lstm_vjp",
    "mae",
    "mae_grad",
    "max_pool1d",
    "max_pool1d_vjp",
    "max_pool2d",
    "max_pool2d_vjp",
    "max_pool3d",
    "max_pool3d_vjp",
    "merge_moments",
    "mish",
    "mish_prime",
    "mse",
    "mse_grad",
    "multi_head_attention",
    "multi_head_attention_vjp",
    "multiply_adds",
    "neumaier_sum",
    "nll",
    "nll_grad",
    "pairwise_sum",
    "parameter_count",
    "pca",
    "power_iteration",
    "prelu",
    "prelu_vjp",
    "rayleigh_quotient",
    "rayleigh_quotient_vjp",
    "receptive_field",
    "relu",
    "relu_prime",
    "reorder_gates",
    "rms_norm",
    "rms_norm_vjp",
    "rnn",
    "rnn_cell",
    "rnn_cell_vjp",
    "rnn_vjp",
    "rotary",
    "rotary_positions",
    "rotary_vjp",
    "selu",
    "selu_prime",
    "sequential_sum",
    "sigmoid",
    "sigmoid_prime",
    "silu",
    "silu_prime",
    "sinusoidal_positions",
    "softmax",
    "softmax_vjp",
    "softplus",
    "softplus_prime",
    "softsign",
    "softsign_prime",
    "spectral_norm",
    "spectral_radius",
    "squared_error",
    "squared_error_grad",
    "sum_error_bound",
    "svd_2x2",
    "tanh",
    "tanh_prime",
    "top_eigenpairs",
    "welford",
]
