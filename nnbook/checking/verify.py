r"""verify: hold a function to the equation that was derived for it.

The equation's last line is evaluated to 50 correct digits, and the function to its own precision,
at thousands of points: all magnitudes, subnormals, the largest floats, both sides of every kink.
"""

import inspect
import warnings
import zlib

import numpy as np
import sympy as sp

from nnbook.checking.verification import Verification, qualified_name


def verify(derivation, function=None, *, args=None, domain=None, because=None, points=20_000,
           bound=None, dtypes=("float64", "float32", "float16"), call=None, output=None,
           fixed=None, chosen=None, limits=None, asymptotes=None, shapes=40, sample=None,
           where=None, let=None, over=None, empty=True, holds=None, terms=False,
           unverifiable=None, name=None, least=None):
    r"""Hold a function to a derived equation, everywhere; refuse it where it differs.

    What ``args`` are decides how:

    - none: a constant, which ``function`` or ``call`` returns, in units in the last place;
    - one real symbol: ``function`` is elementwise. It is called with arrays of each format, and
      its distance from the equation is counted in units in the last place;
    - several real symbols: called with one array per symbol,
      |error| ≤ ``bound`` ε √n Σ|terms|, where Σ|terms| is the equation with every term made
      positive and n the number of terms of its longest sum;
    - matrix symbols (or SymPy matrices of symbols): called at random shapes, and at shapes with
      a 1 and with a 0; the same bound, entry by entry;
    - integer symbols: exact equality at random integers;
    - a `Theorem`: ``holds`` is run at random instances.

    Parameters
    ----------
    derivation : Derivation, Definition or Theorem
        Its last line is what the function must compute.
    function : callable
        The function of `nnbook`, named in the ledger.
    args : symbol or sequence, optional
        The equation's symbols in the order of the function's arguments. Needed where there is
        more than one, unless the function's parameters have the symbols' names.
    domain : sympy.Set, pair or dict, optional
        Where to check, or ``{symbol: where}``. By default wherever the equation was derived. A
        pair is a closed interval.
    because : str, optional
        Why ``domain`` is narrower than what was derived; printed in the page.
    points : int
        Number of points, all formats together.
    bound : float, optional
        In ulp, 2 by default; for arrays and several symbols the factor of ε √n Σ|terms|, 8.
    dtypes : sequence of str
        Formats; the function must keep them.
    call : callable, optional
        How to call it, if not ``function(*args)``: ``call=lambda A, W, b, G:
        affine_vjp(G, A, W, b)``.
    output : int, optional
        Which of the function's outputs is meant, where it returns a tuple.
    fixed : dict, optional
        ``{symbol: value}``: parameters of the equation that stay at a binary float.
    chosen : dict, optional
        ``{point: value}``: values by convention where the equation has none, as r′(0) = 0.
    limits : dict, optional
        ``{oo: value, -oo: value}``: what the function must return at infinity; checked against
        the equation at the largest floats.
    asymptotes : dict, optional
        As in `nnbook.checking.precision.Evaluator`.
    shapes : int
        How many random shapes, for arrays.
    sample : dict, optional
        ``{symbol: f}`` with ``f(rng, shape)`` an array: how to draw an argument that is not any
        array (targets, probabilities).
    where : sequence of pairs, optional
        ``[(symbol, derivation), ...]``: symbols of the equation that other equations give, in
        order. So a composed algorithm is held to the equations that it composes. A third item,
        ``{its symbol: ours}``, renames.
    let : dict, optional
        ``{phi: Lambda(z, tanh(z))}``: the activation that the equation leaves open.
    over : sequence of Idx, optional
        For an equation by entry: its free indices in the order of the result's axes.
    empty : bool
        For arrays: whether an axis of length 0 means anything (for batch means it does not).
    holds : callable, optional
        For theorems: ``holds(rng)`` builds one random instance with the function and returns
        ``(smaller, larger)``, or a bool.
    terms : bool
        For one symbol: count in units of the last place of Σ|terms| instead of the result's.
        For functions with a root between the floats, as GELU′, where no program keeps the
        relative error small.
    unverifiable : str, optional
        Why no function computes this equation; printed, and a row of the ledger.
    name : str, optional
        Name for the ledger, if not the function's own.
    least : dict, optional
        ``{N: 2}``: for arrays, the least length of an axis, where a shorter one means nothing.

    Returns
    -------
    result : Verification
        Shown in a notebook at once; a row of the ledger.

    Raises
    ------
    VerificationError
        If the function differs: with the worst point, both values, the error and its likely
        cause.
    ValueError, TypeError
        If the question is not well put: a symbol without an argument, a narrower domain without
        a reason, an asymptote that is none.

    Examples
    --------
    >>> from types import SimpleNamespace as Equation
    >>> from nnbook.checking import VerificationError
    >>> z = sp.Symbol("z", real=True)
    >>> slope = Equation(number="5.6", rhs=1 - sp.tanh(z)**2)
    >>> def tanh_prime(z):
    ...     return 1 - np.tanh(z)**2
    >>> try:
    ...     verify(slope, tanh_prime, points=500)
    ... except VerificationError as refused:
    ...     print(refused.reason)
    cancellation: two nearly equal numbers were subtracted and nothing was left
    >>> verify(Equation(number="5.4", rhs=sp.tanh(z)), np.tanh, points=500, bound=4,
    ...        dtypes=["float64"], name="tanh")
    ✓ tanh agrees with (5.4) within 4 ulp at 500 points in float64
    """
    from nnbook.checking import verify_arrays as arrays
    from nnbook.checking import verify_scalars as reals

    _check_options(derivation, points, because, domain)
    if unverifiable is not None:
        return _excused(derivation, function, unverifiable).show()
    if not callable(function):
        raise TypeError(f"function must be callable, got {function!r}")
    ledger_name = qualified_name(function, name)
    if holds is not None:
        return arrays.theorem(derivation, holds, ledger_name, points, _rng(derivation)).show()
    run = _caller(function, call, output)
    fixed = {sp.sympify(k): sp.Rational(*float(v).as_integer_ratio())
             for k, v in (fixed or {}).items()}
    symbols = _arguments(derivation, function, args, fixed)
    if not symbols:
        return reals.constant(derivation, run, ledger_name, bound or 2.0).show()
    if any(not isinstance(s, sp.Symbol) for s in symbols):
        task = arrays.ArrayTask(derivation, run, symbols, ledger_name, bound or 8.0, shapes,
                                sample or {}, where or (), let, over, empty, fixed, because,
                                least or {})
        return task.verify(_rng(derivation)).show()
    if all(s.is_integer for s in symbols):
        return arrays.integers(derivation, run, symbols, ledger_name, points,
                               _rng(derivation)).show()
    space = _domains(derivation, symbols, domain, because)
    if len(symbols) > 1:
        return reals.several(derivation, run, symbols, ledger_name, bound or 8.0, points,
                              space, because, fixed, _rng(derivation)).show()
    task = reals.Elementwise(derivation, run, symbols[0], ledger_name, bound or 2.0,
                             space[symbols[0]], because, fixed, asymptotes, terms)
    return task.verify(points, dtypes, chosen or {}, limits or {}, _rng(derivation)).show()


def _check_options(derivation, points, because, domain):
    if not hasattr(derivation, "number"):
        raise TypeError("derivation must be a Derivation, Definition or Theorem, got "
                        f"{type(derivation).__name__}; verify(equation, function) is the order")
    if not isinstance(points, int) or points < 1:
        raise ValueError(f"points must be a positive int, got {points!r}")
    if because is not None and domain is None:
        raise ValueError("because= explains a domain=, and there is none")


def _excused(derivation, function, why):
    if function is not None or not str(why).strip():
        raise ValueError("unverifiable= is the reason why there is no function; give one or the "
                         "other")
    return Verification(number=str(derivation.number), function="", bound=None, unit="none",
                        points=None, where="", worst_error=None, worst_at={}, narrowed=str(why))


def _rng(derivation):
    return np.random.default_rng(zlib.crc32(str(derivation.number).encode()))


def _caller(function, call, output):
    def run(*values):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = (call or function)(*values)
        if output is not None:
            if not isinstance(result, tuple | list) or not -len(result) <= output < len(result):
                told = f"{len(result)} outputs" if isinstance(result, tuple | list) else "one"
                raise ValueError(f"output={output!r} asks for an output that is not there: the "
                                 f"function returns {told}, counted from 0")
            return result[output]
        if isinstance(result, tuple | list):
            raise TypeError(f"the function returns {len(result)} outputs: say which one the "
                            "equation is about with output=")
        return result
    return run


def _arguments(derivation, function, args, fixed):
    """Return the symbols in the order of the function's arguments."""
    free = {s for s in derivation.rhs.free_symbols if s not in fixed}
    if args is not None:
        return list(args) if isinstance(args, tuple | list) else [args]
    if hasattr(derivation.rhs, "shape"):
        raise ValueError("a matrix equation needs args=, its matrices in the order of the "
                         "function's arguments")
    if len(free) == 1:
        return list(free)
    names = {s.name: s for s in free}
    try:
        parameters = [p for p in inspect.signature(function).parameters if p in names]
    except (TypeError, ValueError):
        parameters = []
    if len(parameters) != len(free):
        listed = ", ".join(sorted(names)) or "none"
        raise ValueError(f"the equation has the symbols {listed}: give args=, the symbols in the "
                         "order of the function's arguments")
    return [names[p] for p in parameters]


def as_set(where):
    """Return a domain given as a SymPy set or as a pair (low, high)."""
    if isinstance(where, sp.Set):
        return where
    if isinstance(where, tuple | list) and len(where) == 2:
        return sp.Interval(*where)
    raise TypeError(f"domain must be a SymPy set or a pair (low, high), got {where!r}")


def _assumed(symbol):
    if symbol.is_positive:
        return sp.Interval.open(0, sp.oo)
    if symbol.is_nonnegative:
        return sp.Interval(0, sp.oo)
    if symbol.is_negative:
        return sp.Interval.open(-sp.oo, 0)
    if symbol.is_nonpositive:
        return sp.Interval(-sp.oo, 0)
    return sp.S.Reals


def _domains(derivation, symbols, domain, because):
    """Return {symbol: set}; a set narrower than the derivation's must have a reason."""
    derived = getattr(derivation, "domain", None)
    if not isinstance(derived, dict):
        derived = {symbols[0]: derived} if derived is not None else {}
    asked = domain if isinstance(domain, dict) else {symbols[0]: domain} if domain else {}
    space = {}
    for s in symbols:
        whole = as_set(derived[s]) if derived.get(s) is not None else _assumed(s)
        space[s] = as_set(asked[s]) if s in asked else whole
        if because is None and s in asked and not whole.is_subset(space[s]):
            raise ValueError(f"domain {space[s]} of {s} is narrower than {whole}: say why with "
                             "because=, which the page prints")
    return space
