"""The code of the source article, with its lost indentation restored and nothing else changed.

The article's five blocks do not compile as stored. Here they are as they were meant, less the
comments, the docstrings and the prints, so that the errata tests can show what each does.
It is wrong in the ways that ``book/data/errata.toml`` lists: do not import it elsewhere.
"""

# ruff: noqa: NPY002
import numpy as np


# ---- block 1: the forward pass of a single layer
def forward_layer(X, W, b):
    Z = np.dot(X, W.T) + b
    return Z


# ---- block 2: forward propagation
def forward_propagation(X, params):
    Z1 = np.dot(X, params["W1"].T) + params["b1"]
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(A1, params["W2"].T) + params["b2"]
    A2 = np.maximum(0, Z2)
    Z3 = np.dot(A2, params["W3"].T) + params["b3"]
    A3 = softmax(Z3)
    cache = {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2, "Z3": Z3, "A3": A3}
    return A3, cache


def softmax(z):
    exp_z = np.exp(z - np.max(z, axis=1, keepdims=True))
    return exp_z / np.sum(exp_z, axis=1, keepdims=True)


# ---- block 3: losses
def cross_entropy_loss(y_true, y_pred, epsilon=1e-15):
    y_pred = np.clip(y_pred, epsilon, 1 - epsilon)
    loss = -np.sum(y_true * np.log(y_pred)) / y_true.shape[0]
    return loss


def mse_loss(y_true, y_pred):
    return np.mean((y_true - y_pred) ** 2)


# ---- block 4: backpropagation
def backward_propagation(X, y_true, cache, params):
    m = X.shape[0]
    A1, A2, A3 = cache["A1"], cache["A2"], cache["A3"]
    Z1, Z2 = cache["Z1"], cache["Z2"]
    dZ3 = A3 - y_true
    dW3 = (1 / m) * np.dot(dZ3.T, A2)
    db3 = (1 / m) * np.sum(dZ3, axis=0)
    dA2 = np.dot(dZ3, params["W3"])
    dZ2 = dA2 * (Z2 > 0)
    dW2 = (1 / m) * np.dot(dZ2.T, A1)
    db2 = (1 / m) * np.sum(dZ2, axis=0)
    dA1 = np.dot(dZ2, params["W2"])
    dZ1 = dA1 * (Z1 > 0)
    dW1 = (1 / m) * np.dot(dZ1.T, X)
    db1 = (1 / m) * np.sum(dZ1, axis=0)
    gradients = {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2, "dW3": dW3, "db3": db3}
    return gradients


# ---- block 5: the network for XOR
class NeuralNetwork:
    def __init__(self, layer_sizes):
        self.layer_sizes = layer_sizes
        self.params = self.initialize_parameters()

    def initialize_parameters(self):
        params = {}
        for i in range(1, len(self.layer_sizes)):
            params[f"W{i}"] = np.random.randn(
                self.layer_sizes[i], self.layer_sizes[i - 1]
            ) * np.sqrt(2.0 / self.layer_sizes[i - 1])
            params[f"b{i}"] = np.zeros((self.layer_sizes[i], 1))
        return params

    def forward(self, X):
        cache = {"A0": X}
        A = X
        for i in range(1, len(self.layer_sizes)):
            Z = np.dot(self.params[f"W{i}"], A) + self.params[f"b{i}"]
            if i == len(self.layer_sizes) - 1:
                A = self.sigmoid(Z)
            else:
                A = self.relu(Z)
            cache[f"Z{i}"] = Z
            cache[f"A{i}"] = A
        return A, cache

    def backward(self, X, y, cache):
        m = X.shape[1]
        gradients = {}
        L = len(self.layer_sizes) - 1
        dZ = cache[f"A{L}"] - y
        for i in range(L, 0, -1):
            gradients[f"dW{i}"] = (1 / m) * np.dot(dZ, cache[f"A{i - 1}"].T)
            gradients[f"db{i}"] = (1 / m) * np.sum(dZ, axis=1, keepdims=True)
            if i > 1:
                dA = np.dot(self.params[f"W{i}"].T, dZ)
                dZ = dA * self.relu_derivative(cache[f"Z{i - 1}"])
        return gradients

    def update_parameters(self, gradients, learning_rate):
        for i in range(1, len(self.layer_sizes)):
            self.params[f"W{i}"] -= learning_rate * gradients[f"dW{i}"]
            self.params[f"b{i}"] -= learning_rate * gradients[f"db{i}"]

    def train(self, X, y, epochs=1000, learning_rate=0.1):
        costs = []
        for _ in range(epochs):
            A, cache = self.forward(X)
            cost = self.compute_cost(A, y)
            costs.append(cost)
            gradients = self.backward(X, y, cache)
            self.update_parameters(gradients, learning_rate)
        return costs

    @staticmethod
    def relu(Z):
        return np.maximum(0, Z)

    @staticmethod
    def relu_derivative(Z):
        return (Z > 0).astype(float)

    @staticmethod
    def sigmoid(Z):
        return 1 / (1 + np.exp(-np.clip(Z, -500, 500)))

    def compute_cost(self, A, y):
        m = y.shape[1]
        cost = -(1 / m) * np.sum(y * np.log(A + 1e-15) + (1 - y) * np.log(1 - A + 1e-15))
        return cost


XOR_INPUTS = np.array([[0, 0, 1, 1], [0, 1, 0, 1]])
XOR_TARGETS = np.array([[0, 1, 1, 0]])
