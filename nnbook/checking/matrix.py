r"""Matrix calculus for all shapes: vector-Jacobian products, one layer at a time.

If :math:`\ell` depends on :math:`X` through :math:`Y = f(X)` and :math:`G = \partial\ell/\partial
Y`, then :math:`\partial\ell/\partial X` is the derivative of
:math:`\operatorname{tr}(G^\top f(X))` in :math:`X` with :math:`G` held fixed. SymPy takes it in
``MatrixSymbol`` calculus; the index calculus of `nnbook.checking.indexed` checks it, and it is
written out at particular sizes besides.
"""

import mpmath
import sympy as sp

from nnbook.checking.entries import indices
from nnbook.checking.written import Explicit

__all__ = ["RowSoftmax", "dimensions", "elementwise", "indices", "instantiate", "ones", "pairing",
           "plus", "row_sums", "times", "transpose", "vjp"]


def dimensions(names):
    """Return positive integer symbols for the sizes of matrices.

    Parameters
    ----------
    names : str
        As for ``sympy.symbols``: ``"N n m"``.

    Examples
    --------
    >>> N, n = dimensions("N n")
    >>> N.is_integer and N.is_positive
    True
    """
    return sp.symbols(names, integer=True, positive=True)


def ones(rows, cols=1):
    """Return the matrix of ones, by default a column: ``ones(N) * b.T`` repeats b in each row."""
    return sp.OneMatrix(rows, cols)


def times(*factors):
    """Return a product exactly as written: SymPy neither sorts nor transposes its factors.

    Examples
    --------
    >>> import sympy as sp
    >>> n = dimensions("n")
    >>> B, C = sp.MatrixSymbol("B", n, n), sp.MatrixSymbol("C", n, n)
    >>> (B * C).T, transpose(times(B, C))
    (C.T*B.T, (B*C).T)
    """
    if any(getattr(f, "is_Matrix", False) for f in factors):
        return sp.MatMul(*factors, evaluate=False)
    return sp.Mul(*factors, evaluate=False)


def plus(*terms):
    """Return a sum exactly as written."""
    if any(getattr(t, "is_Matrix", False) for t in terms):
        return sp.MatAdd(*terms, evaluate=False)
    return sp.Add(*terms, evaluate=False)


def transpose(matrix):
    """Return the transpose as written: (BC)ᵀ stays (BC)ᵀ."""
    return sp.Transpose(matrix)


def elementwise(function, matrix):
    """Apply a function to every entry.

    Parameters
    ----------
    function : Function or Lambda
        Of one real variable; ``sp.Function("phi")`` for any.
    matrix : MatrixExpr

    Returns
    -------
    MatrixExpr

    Examples
    --------
    >>> import sympy as sp
    >>> Z = sp.MatrixSymbol("Z", *dimensions("N n"))
    >>> elementwise(sp.Function("phi"), Z).shape
    (N, n)
    """
    if not isinstance(matrix, sp.MatrixExpr):
        raise TypeError(f"matrix must be a MatrixExpr, got {type(matrix).__name__}")
    return matrix.applyfunc(function)


def row_sums(matrix):
    """Return the column of row sums, A times a column of ones."""
    return matrix * sp.OneMatrix(matrix.shape[1], 1)


class RowSoftmax(sp.MatrixExpr):
    r"""Softmax of every row: :math:`P_{ij} = e^{Z_{ij}} / \sum_k e^{Z_{ik}}`.

    Not an elementwise function: changing one logit moves its whole row. SymPy's matrix calculus
    does not know it; its entries and the index calculus do.

    Examples
    --------
    >>> import sympy as sp
    >>> Z = sp.MatrixSymbol("Z", *dimensions("N K"))
    >>> RowSoftmax(Z).shape
    (N, K)
    """

    def __new__(cls, logits):
        """Hold the matrix of logits, one example per row."""
        if not isinstance(logits, sp.MatrixExpr):
            raise TypeError(f"logits must be a MatrixExpr, got {type(logits).__name__}")
        return super().__new__(cls, logits)

    @property
    def shape(self):
        """The shape of the logits."""
        return self.args[0].shape

    def entry_formula(self, calculus, i, j):
        """Return entry (i, j) as a scalar with a sum over the row."""
        logits = self.args[0]
        k = calculus.index(logits.shape[1])
        row = sp.exp(calculus.entry(logits, i, k))
        return sp.exp(calculus.entry(logits, i, j)) / sp.Sum(row, (k, *calculus.ranges[k]))

    def written_out(self, writer):
        """Return the explicit matrix."""
        logits = writer.matrix(self.args[0]).applyfunc(sp.exp)
        return sp.Matrix(*logits.shape, lambda i, j: logits[i, j] / sum(logits.row(i)))

    def _entry(self, i, j, **_):
        k = sp.Dummy("k", integer=True)
        z = self.args[0]
        return sp.exp(z[i, j]) / sp.Sum(sp.exp(z[i, k]), (k, 0, z.shape[1] - 1))


def pairing(cotangent, value):
    """Return tr(Gᵀ Y), the scalar whose slope in any argument of Y is that argument's vjp."""
    if tuple(cotangent.shape) != tuple(value.shape):
        raise ValueError(f"the cotangent has shape {tuple(cotangent.shape)} and the value "
                         f"{tuple(value.shape)}; they must agree, entry for entry")
    return sp.Trace(cotangent.T * value)


def vjp(expression, variable, cotangent):
    r"""Return :math:`\partial \operatorname{tr}(G^\top f(X)) / \partial X`, for all shapes.

    Parameters
    ----------
    expression : MatrixExpr
        One layer: products, sums, transposes and at most one elementwise function. Two nested
        elementwise functions must be taken one at a time and composed by the chain rule.
    variable : MatrixSymbol
    cotangent : MatrixExpr, shape of ``expression``

    Returns
    -------
    MatrixExpr, shape of ``variable``

    Raises
    ------
    ValueError
        If the cotangent does not have the expression's shape, or the expression is more than one
        layer.

    Examples
    --------
    >>> import sympy as sp
    >>> N, n, m = dimensions("N n m")
    >>> A, W, G = (sp.MatrixSymbol(*a) for a in (("A", N, n), ("W", m, n), ("G", N, m)))
    >>> vjp(A * W.T, W, G), vjp(A * W.T, A, G)
    (G.T*A, G*W)
    """
    from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
    for outer in expression.atoms(ElementwiseApplyFunction):
        if outer.expr.has(ElementwiseApplyFunction):
            raise ValueError(f"{expression} nests two elementwise functions; take the vjp of one "
                             f"layer at a time and compose them by the chain rule")
    if expression.has(RowSoftmax):
        raise ValueError("softmax of a row is not elementwise, so SymPy's matrix calculus does "
                         "not differentiate it; write its entries with indices")
    return sp.diff(pairing(cotangent, expression), variable)


def instantiate(expression, sizes, values):
    """Return the number or matrix of numbers that an expression is at particular sizes.

    Parameters
    ----------
    expression : MatrixExpr, Matrix or Expr
    sizes : dict of Symbol to int
    values : dict
        From each MatrixSymbol, IndexedBase or Symbol (or its name) to an array of numbers.

    Returns
    -------
    mpmath.matrix or mpmath.mpf
        Computed with mpmath's current precision.

    Raises
    ------
    ValueError
        If a size or a value is missing, or an array does not have the shape of its symbol.
    """
    writer = Explicit(sizes)
    known, shapes = {}, {}
    for key, value in values.items():
        name = key if isinstance(key, str) else str(getattr(key, "name", None) or key.label)
        known[name] = value
        if isinstance(key, sp.MatrixSymbol):
            shapes[name] = tuple(writer.sized(n) for n in key.shape)
    for m in expression.atoms(sp.MatrixSymbol):
        shapes[m.name] = tuple(writer.sized(n) for n in m.shape)
    for name, shape in shapes.items():
        if name in known:
            array = known[name]
            rows = [list(row) for row in (array.tolist() if hasattr(array, "tolist") else array)]
            found = (len(rows), len(rows[0]) if rows else 0)
            if found != shape or any(len(row) != found[1] for row in rows):
                raise ValueError(f"{name} must have shape {shape} at these sizes, got {found}")
            known[name] = rows
    written = writer(expression)
    first = {n: 0 if n in shapes else 1 for n, _ in writer.entries}
    numbers = {}
    for (name, where), symbol in writer.entries.items():
        if name not in known:
            raise ValueError(f"no value is given for {name}; values holds "
                             f"{', '.join(sorted(known)) or 'nothing'}")
        value = known[name]
        for k in where:
            value = value[k - first[name]]
        numbers[symbol] = value
    flat = list(written) if isinstance(written, sp.MatrixBase) else [written]
    for s in sorted(set().union(*(e.free_symbols for e in flat)) - set(numbers),
                    key=lambda s: s.name):
        if s.name not in known:
            raise ValueError(f"no value is given for {s.name}; values holds "
                             f"{', '.join(sorted(known)) or 'nothing'}")
        numbers[s] = known[s.name]
    symbols = sorted(numbers, key=lambda s: s.name)
    function = sp.lambdify(symbols, flat, modules="mpmath")
    out = [mpmath.mpmathify(x) for x in function(*(mpmath.mpmathify(numbers[s]) for s in symbols))]
    if isinstance(written, sp.MatrixBase):
        return mpmath.matrix([out[r * written.cols:(r + 1) * written.cols]
                              for r in range(written.rows)])
    return out[0]
