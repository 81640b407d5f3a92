"""Sizes: a statement for all shapes, written out at particular ones.

What holds for every shape must hold at two sets of sizes, all different and at least 2, entry by
entry. This is an independent check of the index calculus: derivatives are taken here by SymPy in
the written-out entries, not by Kronecker deltas.
"""

import itertools
import random

import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixElement

from nnbook.checking import names, rewriting, sampling
from nnbook.checking._errors import Counterexample, DerivationError, UndecidedError
from nnbook.checking.indexed import Calculus, NotIndexed, apart, positive
from nnbook.checking.written import Explicit, is_slope, size_symbols, slopes, written_out

SIZES = ((2, 3, 4, 5, 6, 7, 8, 9), (4, 2, 5, 3, 7, 6, 9, 8))
POINTS = 4     # random instances of each entry
FEW = 6        # entries looked at first; level N looks at all of them
ENTRIES = 40   # more entries than this are not proved one by one

def free_indices(*expressions):
    """Return the indices with a range that are not bound by a sum, sorted by name."""
    bound = set()
    for e in expressions:
        for s in e.atoms(sp.Sum, sp.Product):
            bound |= {i for i, *_ in s.limits}
    found = set().union(*(e.atoms(sp.Idx) for e in expressions))
    return sorted(found - bound, key=str)


def judge_all_sizes(left, right, relation, domains_of, number, told):
    """Judge a step with matrices or indices of symbolic size; see `judging.judge`."""
    from nnbook.checking.judging import is_matrix
    raw = left, right
    left, right = apart(left), apart(right)
    matrix = is_matrix(left)
    if matrix and _shape(left) != _shape(right):
        raise DerivationError(f"{told} is false: the line before has shape {_shape(left)} and "
                              f"this line has shape {_shape(right)}")
    symbols = size_symbols(left, right)
    count = 0
    told_sizes = []
    for numbers in SIZES if symbols else ((),):
        sizes = dict(zip(symbols, numbers, strict=False))
        told_sizes.append(_told(sizes))
        count += _instances(left, right, relation, sizes, domains_of, number, told)
    at = " and ".join(f"({s})" for s in told_sizes if s)
    also = f"; instantiated at {at}" if at else ""
    matrices = matrix or left.has(sp.MatrixSymbol) or right.has(sp.MatrixSymbol)
    large = matrices or free_indices(left, right)
    if relation == "=":
        path = prove_all_sizes(left, right, domains_of)
        if path is not None:
            return "A" if matrices else "S", path + also
        # Not for all sizes, then: two sizes could agree by chance.
        for sizes in _one_by_one(symbols, range(1, 9 if large else 13)):
            count += _instances(left, right, relation, sizes, domains_of, number, told)
        path = _at_fixed_sizes(left, right, symbols, domains_of)
        if path is not None:
            return "F", path
    else:
        gap = (raw[1] - raw[0]) if relation == "<=" else (raw[0] - raw[1])
        if not matrix and nonnegative(gap):
            return "S", "the difference is a sum of squares, for all sizes" + also
        for sizes in _one_by_one(symbols, range(1, 9) if large else (*range(1, 13), 30, 100)):
            count += _instances(left, right, relation, sizes, domains_of, number, told)
    count = sum(_instances(left, right, relation, dict(zip(symbols, numbers, strict=False)),
                           domains_of, number, told, 10**6)
                for numbers in (SIZES if symbols else ((),)))
    if count >= 2 * POINTS:
        return "N", f"agrees to 50 digits in {count} comparisons of entries{also}"
    raise UndecidedError(f"{told} is undecided: it agrees in {count} comparisons, and neither the "
                         f"index calculus nor entries at fixed sizes proved it")


def _one_by_one(symbols, sizes):
    """Yield sizes: each symbol through ``sizes``, the others as in the first set."""
    usual = dict(zip(symbols, SIZES[0], strict=False))
    for s in symbols:
        for n in sizes:
            yield {**usual, s: n}


def _told(sizes):
    return ", ".join(f"{names.plain(s.name)}={n}" for s, n in sizes.items())


def nonnegative(e):
    """Tell whether a scalar with sums is seen to be at least 0: squares, and sums of them."""
    if isinstance(e, sp.Sum):
        return nonnegative(e.function)
    if e.is_Add:
        return all(nonnegative(a) for a in e.args)
    if e.is_Mul:
        return all(nonnegative(a) for a in e.args)
    if e.is_Pow and e.exp.is_Integer and e.exp.is_even:
        return all(f.is_real for f in e.base.atoms(sp.Indexed, MatrixElement, sp.Symbol)
                   if not f.is_integer)
    return bool(e.is_nonnegative)


def _shape(e):
    if isinstance(e, sp.Add) and not isinstance(e, sp.MatrixExpr):
        return _shape(e.args[0])
    if isinstance(e, sp.Mul) and not isinstance(e, sp.MatrixExpr):
        return _shape(slopes(e)[0])
    if isinstance(e, sp.Derivative):
        return tuple(next(v for v in e.variables if isinstance(v, sp.MatrixSymbol)).shape)
    return tuple(e.shape)


def _pairs(left, right, sizes, positions=True):
    """Yield (name of the entry, left, right) with both sides written out at these sizes."""
    writer = Explicit(sizes)
    written = []
    free = free_indices(left, right)
    spans = [range(writer.sized(i.lower), writer.sized(i.upper) + 1) for i in free]
    for where in itertools.product(*spans):
        swap = {i: sp.Integer(k) for i, k in zip(free, where, strict=True)}
        at = {str(i.label): str(k) for i, k in zip(free, where, strict=True)}
        a, b = (written_out(e.xreplace(swap) if swap else e, tuple(sizes.items()))
                for e in (left, right))
        if isinstance(a, sp.MatrixBase):
            for r, c in itertools.product(range(a.rows), range(a.cols)):
                written.append(({"the entry": f"({r + 1}, {c + 1})"}, a[r, c], b[r, c]))
        else:
            written.append((at, a, b))
    return written


def _simple(k, symbol):
    """Return a value that a reader can compute with."""
    value = sp.Integer((1, 2, -1, 3, -2, 4, 5, -3)[k % 8])
    return abs(value) if symbol.is_positive else value


def _random(rng, symbol):
    return sp.Rational(rng.randint(1 if symbol.is_positive else -3000, 3000), 997)


def _instances(left, right, relation, sizes, domains_of, number, told, most=FEW):
    """Compare the two sides at random exact entries; return how many comparisons agreed."""
    from nnbook.checking.judging import concrete
    pairs = _pairs(left, right, sizes)
    rng = random.Random(f"nnbook {number} {sorted((s.name, n) for s, n in sizes.items())}")
    chosen = pairs if len(pairs) <= most else rng.sample(pairs, most)
    agreed = 0
    singular = left.has(sp.Inverse) or right.has(sp.Inverse)     # an inverse says: where it exists
    for name, a, b in chosen:
        symbols = sorted(a.free_symbols | b.free_symbols, key=lambda s: s.name)
        options = {s: sampling.candidates(s, domains_of([s])[s], (), random.Random(s.name), 24)
                   for s in symbols if "[" not in s.name}
        sides = [sampling.Evaluator(concrete(e, 0), symbols) for e in (a, b)]
        # Where all entries are equal, inequalities of sums are tight; there may be no value there.
        for turn in range(POINTS if relation == "=" else POINTS + 1):
            point = {s: (_simple(k, s) if turn == 0 else sp.S.One if turn == POINTS
                         else _random(rng, s)) if "[" in s.name
                     else rng.choice(options[s]) for k, s in enumerate(symbols)}
            verdict, x, y = sampling.compare(*sides, point, relation)
            if (turn == POINTS or singular) and "undefined" in (x, y):
                continue
            if verdict == "fails":
                values = {names.plain(s.name): str(n) for s, n in sizes.items()}
                values.update(name)
                values.update((s.name, str(v)) for s, v in point.items())
                example = Counterexample(values, sampling.readable(x), sampling.readable(y))
                raise DerivationError(f"{told} is false: {example}.", example)
            agreed += verdict == "holds"
    return agreed


def prove_all_sizes(left, right, domains_of):
    """Try to carry the difference of one entry to 0, in index calculus."""
    from nnbook.checking.judging import is_matrix
    calculus = Calculus()
    try:
        if is_matrix(left):
            rows, cols = _shape(left)
            i, j = calculus.index(sp.sympify(rows)), calculus.index(sp.sympify(cols))
            sides = [calculus.normal(calculus.entry(e, i, j)) for e in (left, right)]
        else:
            sides = [calculus.normal(e) for e in (left, right)]
        gap = calculus.normal(sides[0] - sides[1])
    except (NotIndexed, sp.PolynomialError):
        return None
    how = "entry (i, j) as sums over indices" if is_matrix(left) else "sums over indices"
    if any(_sympy_agrees(calculus, e) for e in (left, right)):
        how = "SymPy's matrix calculus; " + how
    if gap == 0:
        return f"{how} → deltas resolved under their ranges → 0"
    path, _ = rewriting.prove_zero(atoms_replaced(gap, left, right))
    return None if path is None else f"{how} → deltas resolved under their ranges → {path}"


def _sympy_agrees(calculus, e):
    """Tell whether SymPy's own MatrixSymbol calculus gives this derivative, too."""
    if not (isinstance(e, sp.Derivative) and is_slope(e)):
        return False
    try:
        value = sp.diff(e.expr, *e.variables)
        if value.has(sp.Derivative) and not e.expr.has(sp.Function):
            return False
        rows, cols = (sp.sympify(n) for n in _shape(e))
        i, j = calculus.index(rows), calculus.index(cols)
        other = calculus.normal(calculus.entry(value, i, j))
        mine = calculus.normal(calculus.entry(e, i, j))
        return calculus.normal(other - mine) == 0
    except Exception:     # SymPy raises many kinds of error on what it does not know
        return False


def atoms_replaced(e, *statement):
    """Put a symbol for every sum, entry and delta, so that a scalar chain can go on.

    A sum of squares by which the statement divides is not 0, hence positive.
    """
    divided = any(n.is_Pow and n.exp.is_negative and n.base.has(sp.Sum)
                  for part in (e, *statement) for n in part.atoms(sp.Pow))

    def swap(kinds, e):
        table = {}
        for node in sorted(e.atoms(*kinds), key=sp.default_sort_key):
            sign = positive(node)
            if isinstance(node, sp.Sum) and nonnegative(node):
                under = divided and any(n.is_Pow and n.exp.is_negative and n.base.has(node)
                                        for n in e.atoms(sp.Pow))
                table[node] = sp.Dummy("q", positive=True) if sign or under else sp.Dummy(
                    "q", nonnegative=True)
            else:
                table[node] = sp.Dummy("q", positive=True) if sign else sp.Dummy("q", real=True)
        return e.xreplace(table)

    e = swap((sp.Sum,), e)
    return swap((sp.Indexed, MatrixElement, sp.KroneckerDelta), e)


def _at_fixed_sizes(left, right, symbols, domains_of):
    """Prove every entry at fixed sizes, symbolically."""
    paths, shapes = [], []
    for numbers in SIZES if symbols else ((),):
        sizes = dict(zip(symbols, numbers, strict=False))
        pairs = _pairs(left, right, sizes)
        if len(pairs) > ENTRIES:
            return None
        for _, a, b in pairs:
            if a == b:
                continue
            plain = {s: d for s, d in (
                (s, domains_of([s])[s]) for s in (a - b).free_symbols if "[" not in s.name)}
            path, _ = rewriting.prove_zero(a - b, plain)
            if path is None:
                return None
            paths.append(path)
        shapes.append(_told(sizes))
    told = "; ".join(dict.fromkeys(paths)) or "identical"
    at = " and ".join(f"({s})" for s in shapes if s) or "the given shapes"
    return f"every entry, symbolic, at {at}: {told}"
