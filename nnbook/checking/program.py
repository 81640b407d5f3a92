r"""Programs: a SymPy expression compiled once, evaluated in enclosures many times.

A few forms lose everything by cancellation, at any precision that fits in memory: ``log(1 + u)``
for a tiny u, ``exp(u) - 1``, ``1 - tanh(u)**2``, ``1 + erf(u)``, ``1 - 1/(1 + u)``. The compiler
recognises them and evaluates the same number without the subtraction.
"""

import sympy as sp
from mpmath import libmp as mp

from nnbook.checking import enclosure as ball
from nnbook.checking.enclosure import EXACT, Undefined, Unresolved, Unsupported

_CONSTANTS = {sp.pi: mp.mpf_pi, sp.E: mp.mpf_e, sp.EulerGamma: mp.mpf_euler,
              sp.GoldenRatio: mp.mpf_phi, sp.Catalan: mp.mpf_catalan}
_UNARY = {sp.exp: "exp", sp.log: "log", sp.tanh: "tanh", sp.sin: "sin", sp.cos: "cos",
          sp.atan: "atan", sp.cosh: "cosh", sp.sinh: "sinh", sp.erf: "erf", sp.erfc: "erfc"}


def _one(u):
    return sp.Integer(1)


_RATIOS = {sp.tan: (sp.sin, sp.cos), sp.cot: (sp.cos, sp.sin), sp.coth: (sp.cosh, sp.sinh),
           sp.sec: (_one, sp.cos), sp.csc: (_one, sp.sin), sp.sech: (_one, sp.cosh),
           sp.csch: (_one, sp.sinh)}
_RELATIONS = {sp.Gt: lambda s: s > 0, sp.Ge: lambda s: s >= 0, sp.Lt: lambda s: s < 0,
              sp.Le: lambda s: s <= 0, sp.Eq: lambda s: s == 0, sp.Ne: lambda s: s != 0}


class Program:
    """An expression as a straight-line function ``(precision, *balls) -> ball``.

    Parameters
    ----------
    expr : sympy.Expr or list of them
        A real expression in ``symbols``; a list gives a list of balls, what they share computed
        once.
    symbols : sequence
        Symbols (or matrix entries) in the order of the arguments.
    stable : bool
        Recognise the cancelling forms. Without it the expression is evaluated as it stands.
    definitions : sequence of pairs
        ``(symbol, expression)``: intermediate results, in order.

    Raises
    ------
    Unsupported
        If the expression holds a function for which no enclosure is written.
    ValueError
        If the expression holds a symbol that is not in ``symbols``.

    Examples
    --------
    >>> z = sp.Symbol("z", real=True)
    >>> value, radius = Program(sp.log(1 + sp.exp(z)), [z])(200, (mp.from_int(-200), EXACT))
    >>> mp.to_str(value, 20)
    '1.3838965267367375306e-87'
    """

    def __init__(self, expr, symbols, *, stable=True, definitions=()):
        self.symbols = list(symbols)
        self.stable = stable
        self._lines, self._names, self._constants = [], {}, []
        self._scope = {name: getattr(ball, name) for name in (
            "add", "mul", "inv", "div", "power", "root", "log1p", "expm1", "absolute", "maximum",
            "minimum", "sign", "real_power", "neg", *_UNARY.values())}
        for i, s in enumerate(self.symbols):
            self._names[s] = f"x{i}"
        for s, meaning in definitions:
            self._names[s] = self._visit(meaning)
        if isinstance(expr, tuple | list):
            result = f"[{', '.join(self._visit(sp.sympify(e)) for e in expr)}]"
        else:
            result = self._visit(sp.sympify(expr))
        body = [f"    {line}" for line in [*self._lines, f"return {result}"]]
        inputs = "".join(f", x{i}" for i in range(len(self.symbols)))
        code = "\n".join([f"def program(wp{inputs}):", *body])
        exec(compile(code, "<program>", "exec"), self._scope)
        self._program = self._scope["program"]

    def __call__(self, wp, *inputs):
        """Return the ball of the expression at ``wp`` bits."""
        return self._program(wp, *inputs)

    def _emit(self, code):
        name = f"v{len(self._lines)}"
        self._lines.append(f"{name} = {code}")
        return name

    def _helper(self, function):
        name = f"h{len(self._scope)}"
        self._scope[name] = function
        return name

    def _visit(self, e):
        if e not in self._names:
            self._names[e] = self._write(e)
        return self._names[e]

    def _write(self, e):
        if not e.free_symbols:
            return self._emit(f"{self._helper(_constant(e, self.stable))}(wp)")
        if self.stable:
            shortcut = self._without_cancellation(e)
            if shortcut is not None:
                return shortcut
        if e.is_Add:
            return self._fold("add", e.args)
        if e.is_Mul:
            return self._product(e)
        if isinstance(e, sp.exp):
            return self._emit(f"exp({self._visit(e.args[0])}, wp)")
        if e.is_Pow:
            return self._power(*e.args)
        if isinstance(e, sp.Max | sp.Min):
            return self._fold("maximum" if isinstance(e, sp.Max) else "minimum", e.args)
        if isinstance(e, sp.Abs):
            return self._emit(f"absolute({self._visit(e.args[0])})")
        if isinstance(e, sp.sign):
            return self._emit(f"sign({self._visit(e.args[0])})")
        if isinstance(e, sp.Piecewise):
            return self._piecewise(e)
        if isinstance(e, sp.Heaviside):
            return self._visit(sp.Piecewise((0, e.args[0] < 0), (1, e.args[0] > 0),
                                            (e.args[1], True)))
        if isinstance(e, sp.KroneckerDelta):
            return self._visit(sp.Piecewise((1, sp.Eq(*e.args[:2])), (0, True)))
        if isinstance(e, sp.UnevaluatedExpr):
            return self._visit(e.args[0])
        if type(e) in _UNARY:
            return self._emit(f"{_UNARY[type(e)]}({self._visit(e.args[0])}, wp)")
        if type(e) in _RATIOS:
            top, bottom = _RATIOS[type(e)]
            u = e.args[0]
            return self._emit(f"div({self._visit(top(u))}, {self._visit(bottom(u))}, wp)")
        if e.is_Symbol or isinstance(e, sp.matrices.expressions.matexpr.MatrixElement | sp.Indexed):
            known = ", ".join(map(str, self.symbols))
            raise ValueError(f"the expression holds {e}, which is not among the arguments "
                             f"({known}); pass args= with every free symbol")
        raise Unsupported(f"no enclosure for {type(e).__name__}")

    def _fold(self, function, args):
        name = self._visit(args[0])
        for a in args[1:]:
            name = self._emit(f"{function}({name}, {self._visit(a)}, wp)")
        return name

    def _product(self, e):
        top, bottom, sign = [], [], 1
        for a in e.args:
            if a is sp.S.NegativeOne:
                sign = -sign
            elif a.is_Pow and a.exp.is_number and a.exp.is_negative and a.base is not sp.E:
                bottom.append(sp.Pow(a.base, -a.exp))
            else:
                top.append(a)
        name = self._fold("mul", top) if top else self._visit(sp.S.One)
        if bottom:
            name = self._emit(f"div({name}, {self._fold('mul', bottom)}, wp)")
        return name if sign > 0 else self._emit(f"neg({name})")

    def _power(self, base, exponent):
        if exponent.is_Integer:
            x = self._visit(base)
            if exponent == -1:
                return self._emit(f"inv({x}, wp)")
            return self._emit(f"power({x}, {int(exponent)}, wp)")
        if exponent.is_Rational and exponent.q == 2:
            r = self._emit(f"root({self._visit(base)}, wp)")
            return r if exponent.p == 1 else self._emit(f"power({r}, {int(exponent.p)}, wp)")
        return self._emit(f"real_power({self._visit(base)}, {self._visit(exponent)}, wp)")

    def _piecewise(self, e):
        branches = [(self._part(value), _condition(test, self._part)) for value, test in e.args]

        def choose(wp, *inputs):
            for value, test in branches:
                if test(wp, inputs):
                    return value(wp, *inputs)
            raise Undefined("no branch of the Piecewise holds")

        inputs = "".join(f", x{i}" for i in range(len(self.symbols)))
        return self._emit(f"{self._helper(choose)}(wp{inputs})")

    def _part(self, e):
        return Program(e, self.symbols, stable=self.stable)

    def _without_cancellation(self, e):
        if isinstance(e, sp.log) and e.args[0].is_Add and sp.S.One in e.args[0].args:
            return self._emit(f"log1p({self._visit(e.args[0] - 1)}, wp)")
        if not e.is_Add:
            return None
        number, rest = e.as_coeff_Add()
        if number == 0:
            return None
        for term in sp.Add.make_args(rest):
            name = self._pair(number, *term.as_coeff_Mul())
            if name is not None:
                others = rest - term
                if others == 0:
                    return name
                return self._emit(f"add({name}, {self._visit(others)}, wp)")
        return None

    def _pair(self, number, c, f):
        """Write ``number + c f`` without its cancellation, or return None."""
        if abs(c) != abs(number):
            return None
        same, other = c == number, None
        if isinstance(f, sp.exp) and not same:
            name = self._emit(f"expm1({self._visit(f.args[0])}, wp)")
            return name if c == 1 else self._emit(f"mul({self._visit(c)}, {name}, wp)")
        if isinstance(f, sp.erf):       # SymPy would turn erfc(-u) back to 2 - erfc(u)
            u = self._visit(f.args[0])
            name = self._emit(f"erfc(neg({u}), wp)" if same else f"erfc({u}, wp)")
            return self._emit(f"mul({self._visit(number)}, {name}, wp)")
        if isinstance(f, sp.tanh):
            other = 2 * number / (1 + sp.exp(-2 * f.args[0] if same else 2 * f.args[0]))
        elif f.is_Pow and not same:
            if isinstance(f.base, sp.tanh) and f.exp == 2:
                other = number / sp.cosh(f.base.args[0])**2
            elif f.exp == -1 and f.base.is_Add and sp.S.One in f.base.args:
                other = number * (f.base - 1) / f.base
        return None if other is None else self._visit(other)


def _condition(test, part):
    """Compile a relation, or a Boolean of relations, to a function of (precision, inputs)."""
    if test in (True, sp.true):
        return lambda wp, inputs: True
    if test in (False, sp.false):
        return lambda wp, inputs: False
    if isinstance(test, sp.And | sp.Or):
        parts = [_condition(t, part) for t in test.args]
        every = all if isinstance(test, sp.And) else any
        return lambda wp, inputs: every(p(wp, inputs) for p in parts)
    if isinstance(test, sp.Not):
        inner = _condition(test.args[0], part)
        return lambda wp, inputs: not inner(wp, inputs)
    for kind, holds in _RELATIONS.items():
        if isinstance(test, kind):
            difference = part(test.lhs - test.rhs)
            return lambda wp, inputs: holds(ball._sign(difference(wp, *inputs)))
    raise Unsupported(f"no enclosure for the condition {test}")


def _constant(e, stable):
    """Return a function of the precision that gives the constant e as a ball, cached."""
    cache = {}
    if e.is_Rational or e in _CONSTANTS or e.is_Float:
        make = _atom(e)
    else:
        make = _composed(e, stable)

    def constant(wp):
        if wp not in cache:
            cache[wp] = make(wp)
        return cache[wp]
    return constant


def _atom(e):
    if e.is_Float:
        return lambda wp: (e._mpf_, EXACT)
    if e.is_Rational:
        p, q = int(e.p), int(e.q)
        if q & (q - 1) == 0:
            return lambda wp: (mp.from_rational(p, q, max(wp, p.bit_length() + 1), "n"), EXACT)
        wide = lambda wp: mp.from_rational(p, q, wp, "n")        # noqa: E731
    else:
        wide = lambda wp: _CONSTANTS[e](wp, "n")                 # noqa: E731

    def rounded(wp):
        x = wide(wp)
        return x, ball._mag(x) - wp + 1
    return rounded


def _composed(e, stable):
    if not e.args:
        raise Unsupported(f"no enclosure for the constant {e}")
    symbols = [sp.Dummy(f"c{i}", real=True) for i in range(len(e.args))]
    if isinstance(e, sp.exp):
        inner, outer = [_constant(e.args[0], stable)], Program(sp.exp(symbols[0]), symbols[:1])
    else:
        constants = [_constant(a, stable) for a in e.args]
        if e.is_Pow and e.exp.is_Rational:
            inner, outer = constants[:1], Program(sp.Pow(symbols[0], e.exp), symbols[:1])
        else:
            inner, outer = constants, Program(e.func(*symbols), symbols)
    return lambda wp: outer(wp, *(c(wp) for c in inner))


__all__ = ["EXACT", "Program", "Undefined", "Unresolved", "Unsupported"]
