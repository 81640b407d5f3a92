"""The same networks in the frameworks that nnbook is compared with; each is imported when used."""

import numpy as np


def torch_network(params, Activation, dtype):
    """Return an nn.Sequential with given weights, on one thread."""
    import torch

    torch.set_num_threads(1)
    kind = {"float32": torch.float32, "float64": torch.float64}[np.dtype(dtype).name]
    layers = []
    for W, b in params:
        linear = torch.nn.Linear(W.shape[1], W.shape[0], dtype=kind)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W))
            linear.bias.copy_(torch.tensor(b))
        layers += [linear, Activation()]
    return torch.nn.Sequential(*layers[:-1])


def jax_params(params, dtype):
    """Return a network's arrays for JAX, weights as (n_in, n_out), as its examples have them."""
    import jax

    jax.config.update("jax_enable_x64", np.dtype(dtype) == np.float64)
    return [
        (jax.numpy.array(W.T.astype(dtype)), jax.numpy.array(b.astype(dtype))) for W, b in params
    ]


def jax_logits(params, X):
    """Return the logits of a ReLU network."""
    import jax

    *hidden, (W, b) = params
    for V, c in hidden:
        X = jax.nn.relu(X @ V + c)
    return X @ W + b


def jax_loss(kind):
    """Return the mean loss as a function of (params, X, y)."""
    import jax

    def cross_entropy(params, X, y):
        log_p = jax.nn.log_softmax(jax_logits(params, X))
        return -jax.numpy.take_along_axis(log_p, y[:, None], axis=1).mean()

    def bce(params, X, y):
        z = jax_logits(params, X)
        return (jax.nn.softplus(z) - y * z).mean()

    return {"cross_entropy": cross_entropy, "bce": bce}[kind]


def jax_step(params, rule, rate, dtype, loss, compiled=True):
    """Return ``step(state, X, y) -> (state, loss)`` and the first state."""
    import jax

    params, value_and_grad = jax_params(params, dtype), jax.value_and_grad(jax_loss(loss))
    tree_map, jnp = jax.tree_util.tree_map, jax.numpy

    def sgd(state, X, y):
        value, grads = value_and_grad(state, X, y)
        return tree_map(lambda p, g: p - rate * g, state, grads), value

    def adam(state, X, y):
        params, m, v, t = state
        value, grads = value_and_grad(params, X, y)
        t = t + 1
        m = tree_map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
        v = tree_map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
        c1, c2 = 1 - 0.9**t, 1 - 0.999**t
        params = tree_map(
            lambda p, m, v: p - rate * (m / c1) / (jnp.sqrt(v / c2) + 1e-8), params, m, v
        )
        return (params, m, v, t), value

    step = {"SGD": sgd, "Adam": adam}[rule]
    state = params
    if rule == "Adam":
        zeros = [tree_map(jnp.zeros_like, params) for _ in range(2)]
        state = (params, *zeros, jnp.zeros((), dtype))
    return (jax.jit(step, donate_argnums=0) if compiled else step), state


def sklearn_network(params, rule, rate, batch, X, y, *, classes=None, epochs=1, hidden=None):
    """Return an MLPClassifier that has been made ready and then given these weights."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore", ConvergenceWarning)
    net = MLPClassifier(
        [len(W) for W, _ in params[:-1]], activation="relu", solver=rule.lower(), alpha=0.0,
        batch_size=batch, learning_rate_init=rate, momentum=0.0, nesterovs_momentum=False,
        max_iter=epochs, tol=0.0, n_iter_no_change=10**9, warm_start=epochs > 1, random_state=0,
    )  # fmt: skip
    net.partial_fit(X, y, classes=list(classes))
    for (W, b), V, c in zip(params, net.coefs_, net.intercepts_, strict=True):
        V[...] = W.T if V.shape == W.T.shape else W[-1:].T
        c[...] = b[-len(c) :]
    if rule == "Adam":
        optimizer = net._optimizer
        optimizer.t = 0
        for moment in (*optimizer.ms, *optimizer.vs):
            moment[...] = 0
    return net
