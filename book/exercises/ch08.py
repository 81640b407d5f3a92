"""Exercises of chapter 8: backpropagation."""
import numpy as np
import sympy as sp

from nnbook.checking.exercises import Choice, Code, Line, Mistake, Number, Repair
from nnbook.functions import cross_entropy, cross_entropy_grad, softmax, tanh, tanh_prime
from nnbook.learning.mlp import forward, init_params


def shapes_tell(mutant, sizes=(2, 3, 4), examples=5):
    """Say whether the shapes alone betray a backward pass with this mistake."""
    (W1, b1), (W2, b2) = params = init_params(sizes, np.random.default_rng(8))
    X = np.random.default_rng(9).normal(size=(examples, sizes[0]))
    logits, (A, Z) = forward(params, X, "tanh")
    D2 = softmax(logits) * (1 if mutant == "a" else 1 / examples)    # its shape is what counts
    weights = {"b": W2.T, "f": W1}.get(mutant, W2)
    slope = {"c": tanh_prime(A[1]), "d": 1.0}.get(mutant, tanh_prime(Z[1]))
    try:
        D1 = D2 @ weights * slope
    except ValueError:
        return True
    b1_bar = D1 if mutant == "e" else D1.sum(axis=0)
    grads = [D1.T @ X, b1_bar, D2.T @ A[1], D2.sum(axis=0)]
    return [g.shape for g in grads] != [p.shape for p in (W1, b1, W2, b2)]


def told_by_shapes():
    for sizes, examples in [((2, 3, 4), 5), ((4, 4, 4), 4)]:
        caught = {m for m in "abcdef" if shapes_tell(m, sizes, examples)}
        print(f"widths {sizes}, {examples} examples: shapes betray {sorted(caught)}")
    return {m for m in "abcdef" if shapes_tell(m)}


def hidden_layer(D, W, Z, A):
    delta = D @ W * (1 - np.tanh(Z)**2)
    return delta, delta.T @ A, delta.sum(axis=0)


def with_the_package(D, W, Z, A):
    delta = (D @ W) * tanh_prime(Z)
    return delta, np.einsum("nj,ni->ji", delta, A), np.ones(len(Z)) @ delta


def divided_again(D, W, Z, A):
    return tuple(x / len(Z) for x in hidden_layer(D, W, Z, A))


def slope_at_output(D, W, Z, A):
    return hidden_layer(D, W, np.tanh(Z), A)


def no_slope(D, W, Z, A):
    return D @ W, (D @ W).T @ A, (D @ W).sum(axis=0)


def not_summed(D, W, Z, A):
    delta, W_bar, _ = hidden_layer(D, W, Z, A)
    return delta, W_bar, delta


def averaged(D, W, Z, A):
    delta, W_bar, b_bar = hidden_layer(D, W, Z, A)
    return delta, W_bar, b_bar / len(Z)


def lying(D, W, Z, A):
    delta, W_bar, b_bar = hidden_layer(D, W, Z, A)
    return delta, W_bar.T, b_bar


def upright(D, W, Z, A):
    return hidden_layer(D, W.T, Z, A)


def my_backward():
    def backward(D, W, Z, A):
        delta = D @ W * tanh_prime(Z)
        return delta, delta.T @ A, delta.sum(axis=0)

    (W1, b1), (W2, b2) = init_params((2, 3, 4), np.random.default_rng(8))
    X, y, h = np.random.default_rng(9).normal(size=(5, 2)), np.array([0, 1, 2, 3, 0]), 1e-6

    def loss(b):
        return cross_entropy(tanh(X @ W1.T + b) @ W2.T + b2, y)

    Z = X @ W1.T + b1
    D = cross_entropy_grad(tanh(Z) @ W2.T + b2, y)
    nudged = [(loss(b1 + h * e) - loss(b1 - h * e)) / (2 * h) for e in np.eye(3)]
    print("finite differences:", np.round(nudged, 5).tolist())
    print("backward:          ", backward(D, W2, Z, X)[2].round(5).tolist())
    return backward


def activations_kept():
    depth, width, batch, size = 50, 512, 128, 4
    kept = depth * batch * width * size
    print(f"activations {kept / 1e6:.1f} MB, weights {depth * width * width * size / 1e6:.1f} MB")
    return kept / 1e6


def where_the_slope_went():
    z, y = sp.symbols("z y")
    sigma = 1 / (1 + sp.exp(-z))
    loss = -y * sp.log(sigma) - (1 - y) * sp.log(1 - sigma)
    print("slope minus (σ − y):", sp.simplify(sp.diff(loss, z) - (sigma - y)))
    return 4, "sigma(z) - y"


def _cases():
    rng = np.random.default_rng(80)
    for N, before, here, after in [(5, 2, 3, 4), (3, 3, 3, 3), (1, 4, 2, 3), (4, 1, 1, 1)]:
        yield tuple(rng.normal(size=s) for s in
                    [(N, after), (after, here), (N, here), (N, before)])


EXERCISES = [
    Choice(
        "8.1", "What shapes can tell",
        """
        The six mistakes of the chapter, in a network with two inputs, three hidden units and four
        outputs, on five examples. Every gradient is compared with its parameter, by shape only.
        Which mistakes are found, because a product cannot be formed or a shape does not fit?
        """,
        options={
            "a": "the $1/N$ is missing",
            "b": "$W^\\top$ in place of $W$ on the way back",
            "c": "$\\varphi'$ is taken at $A$ in place of $Z$",
            "d": "$\\varphi'$ is left out",
            "e": "$\\bar b$ is not summed over the examples",
            "f": "the weights of the wrong layer",
        },
        right={"b", "e", "f"},
        mistakes=[
            Mistake("bias overlooked", {"b", "f"}, "These two are found. So is one more: what "
                    "shape has Δ, and what shape has b?"),
            Mistake("square network", {"e"}, "With all widths and the batch equal this would be "
                    "all. Here 2, 3, 4 and 5 differ: which products cannot be formed?"),
            Mistake("order overlooked", {"b", "e"}, "These two are found. Look at the weights of "
                    "the wrong layer again: (5, 4) times (3, 2)?"),
            Mistake("products overlooked", {"e", "f"}, "These two are found. Look at the "
                    "transposed W again: (5, 4) times (3, 4)?"),
            Mistake("a number has no shape", {"a", "b", "e", "f"}, "A factor 1/N changes the "
                    "numbers and leaves every shape as it is."),
            Mistake("all", set("abcdef"), "Three of them change numbers only. Shapes are a guard, "
                    "not a proof."),
        ],
        solution="""
        Without the $1/N$, with the slope at the wrong place, or without a slope, all arrays have
        the right shape and the wrong numbers. The transposed $W$ and the wrong layer ask for
        products that do not exist here, (5, 4) times (3, 4) and (5, 4) times (3, 2). The unsummed
        bias gradient is (5, 3) and the bias is (3,). The program below commits all six, then
        commits them again in a network in which all widths are equal: there only the bias is left.
        Choose different numbers for all sizes when you test.
        """,
        code=told_by_shapes, helpers=(shapes_tell,)),
    Code(
        "8.2", "One layer back",
        """
        Write the backward pass of one hidden layer with $\\tanh$. It gets `D`, the error signal
        $\\Delta^{(l+1)}$ with its $1/N$, shape (N, n_after); `W`, the weights $W^{(l+1)}$, shape
        (n_after, n); `Z`, the layer's own sums, shape (N, n); `A`, what came into the layer, shape
        (N, n_before). It returns $\\Delta^{(l)}$, $\\bar W^{(l)}$ and $\\bar b^{(l)}$.
        """,
        call="my_backward(D, W, Z, A)", right=[hidden_layer, with_the_package],
        cases=list(_cases()),
        mistakes=[
            Mistake("divided again", divided_again, "The 1/N is in D already. Whoever divides in "
                    "every layer divides as often as there are layers."),
            Mistake("transposed W", upright, "The error goes back through W, where the forward "
                    "pass has its transpose. Your product fits square layers only, and is wrong "
                    "there."),
            Mistake("slope at A", slope_at_output, "tanh′ is taken at tanh(Z); it belongs at Z. "
                    "From A = tanh Z the slope is 1 − A²."),
            Mistake("no slope", no_slope, "The error passed the wires but not the bend: multiply "
                    "by tanh′(Z), entry by entry."),
            Mistake("bias not summed", not_summed, "The bias was copied into every row, so its "
                    "nudges add over the rows."),
            Mistake("bias averaged", averaged, "Sum over the rows. The mean divides by N once "
                    "more, and D has the 1/N in it."),
            Mistake("weights transposed", lying, "The gradient of the weights has the shape of the "
                    "weights, (n, n_before): it is Δᵀ A, not Aᵀ Δ."),
        ],
        solution="""
        Three lines, one for each equation: the error passed through the weights and the bend; error
        times input, summed over the batch; errors summed over the batch. The program then nudges
        the biases of a small network, and both agree.
        """,
        code=my_backward),
    Number(
        "8.3", "What is kept",
        """
        A network has 50 weight matrices, all 512 by 512, and runs on batches of 128 examples in
        single precision, four bytes a number. For the way back it keeps what came into each layer,
        $A^{(0)}$ to $A^{(49)}$, and takes the slopes of its ReLUs from these. How many megabytes
        ($10^6$ bytes) is that?
        """,
        right=13.1072, tolerance=0.06, units=("MB", "megabytes"),
        mistakes=[
            Mistake("twice", 26.2144, "That is twice as much: either eight bytes a number, or "
                    "every Z kept beside its A."),
            Mistake("one example", 0.1024, "That is for one example; there are 128 in a batch."),
            Mistake("one layer", 0.262144, "That is for one layer; there are 50."),
            Mistake("weights", 52.4288, "That is what the weights need. They are not kept for the "
                    "way back; they are there anyway."),
            Mistake("numbers", 3.2768, "So many million numbers. Each takes four bytes."),
            Mistake("binary", 12.5, "Those are mebibytes, of 1,048,576 bytes each."),
            Mistake("weights too", 65.536, "That counts the weights as well; asked is what the "
                    "forward pass keeps."),
        ],
        solution="""
        $50 \\cdot 128 \\cdot 512 \\cdot 4$ bytes, 13.1 MB. The weights need 52.4 MB. Which of the
        two is larger does not depend on the depth: a layer keeps $N n$ numbers and owns $n^2$, so
        the activations win as soon as the batch is larger than the width.
        """,
        code=activations_kept),
    Repair(
        "8.4", "Where the slope went",
        """
        One output, $\\sigma(z)$, and the loss $-y\\ln\\sigma - (1-y)\\ln(1-\\sigma)$. The
        derivation ends with a factor $\\sigma(1-\\sigma)$, so that a unit which is sure and wrong
        would learn nothing. Name the false line, and write what stands there when it is right. Use
        `sigma(z)` and `y`.
        """,
        variables={"z": (-4, 4), "y": (0, 1)},
        lines=[
            Line(r"\frac{d}{dz}\bigl[-y\ln\sigma - (1-y)\ln(1-\sigma)\bigr]", "sigma(z) - y"),
            Line(r"-y\,\frac{\sigma'}{\sigma} + (1-y)\,\frac{\sigma'}{1-\sigma}", "sigma(z) - y",
                 "chain rule, twice"),
            Line(r"\frac{\sigma'\,(\sigma - y)}{\sigma(1-\sigma)}", "sigma(z) - y",
                 "common denominator"),
            Line(r"\sigma'\,(\sigma - y)", "sigma(z)(1-sigma(z))(sigma(z)-y)",
                 "cancel $\\sigma(1-\\sigma)$"),
            Line(r"\sigma(1-\sigma)(\sigma - y)", "sigma(z)(1-sigma(z))(sigma(z)-y)",
                 "slope of $\\sigma$"),
        ],
        right=("sigma(z) - y", "1/(1+exp(-z)) - y", "-(y - σ(z))", "exp(z)/(1+exp(z)) - y"),
        mistakes=[
            Mistake("chain rule doubted", (2, None), "Line 2 is right: the second logarithm brings "
                    "a minus from 1 − σ, and with the minus before it that makes a plus."),
            Mistake("denominator doubted", (3, None), "Line 3 is right: −y(1 − σ) + (1 − y)σ is "
                    "σ − y."),
            Mistake("last line doubted", (5, None), "Line 5 only writes σ′ = σ(1 − σ) into line 4. "
                    "The mistake was made before."),
            Mistake("as it stands", (4, "sigma(z)(1-sigma(z))(sigma(z)-y)"), "That is what line 4 "
                    "says already. What cancels against σ(1 − σ)?"),
            Mistake("sign", (4, "y - sigma(z)"), "Probability minus target, not target minus "
                    "probability: with y = 0 a larger z costs more."),
            Mistake("slope in p", (4, "(sigma(z)-y)/(sigma(z)(1-sigma(z)))"), "That is the slope "
                    "of the loss in σ. In z it has the factor σ′ besides, which cancels the "
                    "denominator."),
            Mistake("logit for probability", (4, "z - y"), "The logit z goes through σ before it "
                    "is compared with the target."),
            Mistake("target lost", (4, "sigma(z)"), "The target y must survive: for y = 1 and a "
                    "large z nothing should be left to learn."),
        ],
        solution="""
        In line 3 the numerator has the factor $\\sigma'$ and the denominator is
        $\\sigma(1-\\sigma)$. These are the same thing, so both go, and $\\sigma - y$ is left. Line
        4 cancelled the denominator alone. With squared error there is no logarithm to bring that
        denominator, and $\\sigma'$ stays.
        """,
        code=where_the_slope_went),
]
