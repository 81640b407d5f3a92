"""Level S: named chains of rewritings that carry a difference to the literal 0.

``simplify`` is not asked: what it does changes between versions, and it fails on
tanh z = 2 sigma(2z) - 1. Each chain here is a short list of named passes, tried in a fixed order;
the first that ends at 0 is recorded with the step. Nothing else counts as a proof.
"""

import sympy as sp
from sympy.functions.elementary.hyperbolic import HyperbolicFunction
from sympy.functions.elementary.trigonometric import TrigonometricFunction

MAX_DEPTH = 4     # nested case splits; 3**4 branches at most
MAX_KINKS = 8     # more undecided branches than this are not split

def fresh(name, **assumptions):
    """Return a symbol that occurs nowhere else; ``Dummy`` would sort by creation, names do not."""
    return sp.Dummy(name, **assumptions)


def _exponentials(e):
    """Replace exp(c1*b), exp(c2*b), ... by powers of one positive symbol t = exp(g*b)."""
    atoms = [a for a in e.atoms(sp.exp) if not a.args[0].has(sp.I)]
    atoms += [a for a in e.atoms(sp.Pow)
              if a.base.is_Rational and a.base.is_positive and not a.exp.is_number
              and not a.exp.has(sp.I)]
    parts, steps = {}, {}
    for atom in sorted(atoms, key=sp.default_sort_key):
        if atom.func is sp.exp:
            exponent = sp.expand(atom.args[0])
        else:
            exponent = sp.expand(atom.exp * sp.log(atom.base))
        terms = [term.as_coeff_Mul() for term in sp.Add.make_args(exponent)]
        parts[atom] = terms
        for c, base in terms:
            if not c.is_Rational or base is sp.S.One:
                continue
            steps[base] = sp.gcd(steps[base], c) if base in steps else abs(c)
    names = {base: fresh("t", positive=True) for base in steps}
    table = {}
    for atom, terms in parts.items():
        product = sp.S.One
        for c, base in terms:
            if base in names:
                product *= names[base] ** (c / steps[base])
            else:
                product *= sp.exp(c * base)
        table[atom] = product
    meaning = {names[base]: steps[base] * base for base in names}
    return e.xreplace(table), meaning


def _split_logs(e, meaning):
    """Write log(f**a * g**b) as a*log(f) + b*log(g) where each factor is known to be positive."""
    def log(a):
        top, bottom = sp.fraction(sp.together(a))
        total = sp.S.Zero
        for part, side in ((top, 1), (bottom, -1)):
            coefficient, factors = sp.factor_list(part) if not part.is_Number else (part, [])
            if coefficient.is_Rational and coefficient > 0:
                for prime, power in sp.factorrat(coefficient).items():
                    total += side * power * sp.log(sp.Integer(prime), evaluate=False)
            elif coefficient != 1:
                if coefficient.is_Rational and len(factors) == 1 and factors[0][1] == 1:
                    coefficient, factors = sp.S.One, [(coefficient * factors[0][0], 1)]
                else:
                    return sp.log(a)
            for factor, power in factors:
                if factor in meaning:
                    total += side * power * meaning[factor]
                elif factor.is_positive:
                    total += side * power * sp.log(factor)
                elif (-factor).is_positive and power % 2 == 0:
                    total += side * power * sp.log(-factor)
                else:
                    return sp.log(a)
        return total

    for node in sorted(e.atoms(sp.log), key=lambda n: n.count_ops()):
        try:
            e = e.xreplace({node: log(node.args[0])})
        except sp.PolynomialError:
            continue
    return e


def _hyperbolic(e):
    return e.replace(lambda n: isinstance(n, HyperbolicFunction), lambda n: n.rewrite(sp.exp))


def _circle(e):
    """Reduce modulo s**2 + c**2 = 1 for every angle."""
    e = sp.expand_trig(e.replace(lambda n: isinstance(n, TrigonometricFunction),
                                 lambda n: n.rewrite(sp.cos) if n.func in (sp.sec,) else n))
    e = e.replace(lambda n: n.func in (sp.tan, sp.cot, sp.csc),
                  lambda n: {sp.tan: sp.sin(n.args[0]) / sp.cos(n.args[0]),
                             sp.cot: sp.cos(n.args[0]) / sp.sin(n.args[0]),
                             sp.csc: 1 / sp.sin(n.args[0])}[n.func])
    top = sp.fraction(sp.together(e))[0]
    for angle in sorted({n.args[0] for n in top.atoms(sp.sin, sp.cos)}, key=sp.default_sort_key):
        s, c = fresh("s"), fresh("c")
        top = top.xreplace({sp.sin(angle): s, sp.cos(angle): c})
        top = sp.rem(sp.Poly(sp.expand(top), s), sp.Poly(s**2 + c**2 - 1, s)).as_expr()
        top = sp.expand(top).xreplace({s: sp.sin(angle), c: sp.cos(angle)})
    return top


def _radicals(e):
    """Replace the q-th root of a by r and reduce modulo r**q = a."""
    top = sp.fraction(sp.together(sp.powdenest(e)))[0]
    roots = {}
    for node in top.atoms(sp.Pow):
        if node.exp.is_Rational and node.exp.q > 1:
            roots[node.base] = sp.ilcm(roots.get(node.base, 1), node.exp.q)
    for base in sorted(roots, key=sp.default_sort_key):
        q, r = roots[base], fresh("r")
        top = top.replace(
            lambda n, b=base: n.is_Pow and n.base == b and n.exp.is_Rational,
            lambda n, q=q, r=r: r ** (n.exp * q))
        top = sp.fraction(sp.together(top))[0]
        top = sp.rem(sp.Poly(sp.expand(top), r), sp.Poly(r**q - base, r)).as_expr()
        top = sp.expand(top.subs(r, sp.Pow(base, sp.Rational(1, q), evaluate=False)))
    return sp.expand(top)


def _substitute_exp(e):
    e, _ = _exponentials(sp.powsimp(_hyperbolic(e).doit(), combine="exp", deep=True))
    return e


def _factor_logs(e):
    e, meaning = _exponentials(_hyperbolic(e))
    return sp.expand(_split_logs(e, meaning))


def _back(e):
    """Give the exponent and the logarithm passes a common footing once more."""
    e, meaning = _exponentials(_hyperbolic(e))
    e = _split_logs(e, meaning)
    return sp.cancel(sp.together(e.subs({t: sp.exp(m) for t, m in meaning.items()})))


PASSES = {
    "doit": lambda e: e.doit(),
    "expand": sp.expand,
    "cancel": lambda e: sp.cancel(sp.together(e)),
    "rewrite(exp)": _hyperbolic,
    "t = exp(·)": _substitute_exp,
    "factor logarithms": _factor_logs,
    "t = exp(·), back": _back,
    "sin² + cos² = 1": _circle,
    "reduce radicals": _radicals,
    "factor under roots": lambda e: e.replace(
        lambda n: n.is_Pow and n.exp.is_Rational and not n.exp.is_Integer,
        lambda n: sp.Pow(sp.factor(n.base), n.exp)),
    "rewrite(gamma)": lambda e: sp.gammasimp(e.rewrite(sp.gamma)),
    "expand_func": sp.expand_func,
    "rewrite(erf)": lambda e: e.rewrite(sp.erf),
    "powsimp": lambda e: sp.powsimp(sp.powdenest(e), combine="all", deep=True),
    "trigsimp": sp.trigsimp,
}

CHAINS = (
    ("doit",),
    ("doit", "expand"),
    ("doit", "cancel"),
    ("doit", "rewrite(exp)", "t = exp(·)", "cancel"),
    ("doit", "factor logarithms", "cancel"),
    ("doit", "t = exp(·), back", "t = exp(·)", "cancel"),
    ("doit", "reduce radicals"),
    ("doit", "factor under roots", "cancel"),
    ("doit", "factor under roots", "reduce radicals"),
    ("doit", "sin² + cos² = 1"),
    ("doit", "rewrite(erf)", "t = exp(·)", "cancel"),
    ("doit", "rewrite(erf)", "t = exp(·)", "reduce radicals"),
    ("doit", "powsimp", "expand"),
    ("doit", "expand_func", "factor logarithms", "cancel"),
    ("doit", "rewrite(gamma)", "cancel"),
    ("doit", "trigsimp", "cancel"),
)

_FAILURES = (sp.PolynomialError, NotImplementedError, TypeError, ValueError, AttributeError,
             ZeroDivisionError, RecursionError, KeyError)


def run_chains(e):
    """Return the passes that carried ``e`` to 0, and what the shortest failure left over."""
    left_over = None
    memory = {}
    for chain in CHAINS:
        current, path = e, ()
        try:
            for name in chain:
                path += (name,)
                if path not in memory:
                    memory[path] = PASSES[name](current)
                if memory[path] is sp.S.Zero:
                    return path, sp.S.Zero
                current = memory[path]
        except _FAILURES:
            continue
        if left_over is None or current.count_ops() < left_over.count_ops():
            left_over = current
    return None, left_over


def _edges(node):
    if isinstance(node, (sp.Max, sp.Min)):
        return [node.args[0] - b for b in node.args[1:]]
    if isinstance(node, (sp.Abs, sp.sign, sp.Heaviside)):
        return [node.args[0]]
    if isinstance(node, sp.core.relational.Relational):
        return [node.lhs - node.rhs]
    return []


def _sign(e):
    e = sp.expand(e)
    return 0 if e.is_zero else 1 if e.is_positive else -1 if e.is_negative else None


def resolve(e):
    """Replace Max, Min, Abs, ... whose branch the assumptions decide."""
    def largest(node, sense):
        keep = list(node.args)
        for a in node.args:
            for b in node.args:
                if a is not b and a in keep and b in keep:
                    d = sp.expand(a - b) * sense
                    if d.is_nonnegative:
                        keep.remove(b)
        return node.func(*keep)

    def relational(node):
        s = _sign(node.lhs - node.rhs)
        if s is None:
            return node
        return sp.true if node.func(s, 0) == sp.true else sp.false

    e = e.replace(lambda n: isinstance(n, sp.core.relational.Relational), relational)
    e = e.replace(sp.Max, lambda *a: largest(sp.Max(*a), 1)
                  if isinstance(sp.Max(*a), sp.Max) else sp.Max(*a))
    e = e.replace(sp.Min, lambda *a: largest(sp.Min(*a), -1)
                  if isinstance(sp.Min(*a), sp.Min) else sp.Min(*a))

    def by_sign(node):
        s = _sign(node.args[0])
        if s is None:
            return node
        if isinstance(node, sp.Abs):
            return node.args[0] * s
        if isinstance(node, sp.sign):
            return sp.Integer(s)
        return sp.Heaviside(sp.Integer(s), *node.args[1:])

    return e.replace(lambda n: isinstance(n, (sp.Abs, sp.sign, sp.Heaviside)), by_sign)


def _split_variable(e):
    """Find a symbol and the root at which some branch of ``e`` changes, linear in the symbol."""
    for node in sorted(e.atoms(sp.Max, sp.Min, sp.Abs, sp.sign, sp.Heaviside,
                               sp.core.relational.Relational), key=sp.default_sort_key):
        for edge in _edges(node):
            for factor in sp.Mul.make_args(sp.factor(edge)):
                if _sign(factor) is not None:
                    continue
                if factor.is_Pow:
                    factor = factor.base
                for symbol in sorted(factor.free_symbols, key=lambda s: s.name):
                    slope = sp.expand(factor).coeff(symbol, 1)
                    rest = sp.expand(factor - slope * symbol)
                    if not rest.has(symbol) and (slope.is_positive or slope.is_negative):
                        return symbol, sp.cancel(-rest / slope)
    return None


def _cases(e, domains):
    """Split at the first undecided branch: (what was assumed, expression, domains) triples."""
    found = _split_variable(e)
    if found is None:
        return None
    symbol, root = found
    cases = []
    domain = domains.get(symbol)
    for sense, value in ((1, fresh("p", positive=True)), (0, sp.S.Zero),
                         (-1, -fresh("p", positive=True))):
        relation = {1: ">", 0: "=", -1: "<"}[sense]
        narrowed = dict(domains)
        if domain is not None and root.is_number:
            region = {1: sp.Interval.open(root, sp.oo), 0: sp.FiniteSet(root),
                      -1: sp.Interval.open(-sp.oo, root)}[sense]
            if sp.Intersection(domain, region) is sp.S.EmptySet:
                continue
        elif sense == 0 and symbol.is_zero is False and root.is_zero:
            continue
        if root.is_zero and ((sense == 1 and symbol.is_nonpositive)
                             or (sense == -1 and symbol.is_nonnegative)):
            continue
        narrowed.pop(symbol, None)
        new = e.xreplace({symbol: root + value}) if sense else e.xreplace({symbol: root})
        cases.append((f"{symbol} {relation} {root}", resolve(new.doit()), narrowed))
    return cases


def with_assumptions(e, domains):
    """Trade a symbol on (0, oo), (-oo, 0) or (0, 1) for one whose sign SymPy can see."""
    notes = []
    for symbol in sorted(domains, key=lambda s: s.name):
        domain = domains[symbol]
        if symbol not in e.free_symbols or symbol.is_integer:
            continue
        if symbol.is_positive is None and domain.is_subset(sp.Interval.open(0, sp.oo)):
            stand = fresh(symbol.name, positive=True)
        elif symbol.is_nonnegative is None and domain.is_subset(sp.Interval(0, sp.oo)):
            stand = fresh(symbol.name, nonnegative=True)
        else:
            stand = None
        if domain == sp.Interval.open(0, 1):
            u = fresh("u", positive=True)
            e = e.xreplace({symbol: 1 / (1 + u)})
            notes.append(f"{symbol} = 1/(1 + u), u > 0")
        elif stand is not None:
            e = e.xreplace({symbol: stand})
    return e, notes


def prove_zero(e, domains=None, depth=0):
    """Try to carry ``e`` to the literal 0.

    Parameters
    ----------
    e : Expr
        A scalar difference of two lines.
    domains : dict of Symbol to Set, optional
        Where the symbols live, if not all that their assumptions allow.

    Returns
    -------
    (str or None, Expr)
        The chain, as it is shown with the step, or None; and what was left over.
    """
    domains = domains or {}
    notes = []
    if e == 0:
        return "identical once names are replaced", sp.S.Zero
    if depth == 0:
        e, notes = with_assumptions(e.doit(), domains)
        e = resolve(e)
    kinks = e.atoms(sp.Max, sp.Min, sp.Abs, sp.sign, sp.Heaviside, sp.core.relational.Relational)
    branching = 0 < len(kinks) <= MAX_KINKS
    path, rest = run_chains(e)
    if path is not None:
        return " → ".join([*notes, *path, "0"]), sp.S.Zero
    e = e.doit()
    if branching and depth < MAX_DEPTH:
        cases = _cases(e, domains)
        if cases:
            told = []
            for assumed, case, narrowed in cases:
                path, rest = prove_zero(case, narrowed, depth + 1)
                if path is None:
                    return None, rest
                told.append(f"{assumed}: {path.replace('identical once names are replaced', '0')}")
            return ", ".join([*notes, f"case split [{'; '.join(told)}]"]), rest
    return None, rest


def prove_nonnegative(e, domains=None, depth=0):
    """Try to see that ``e`` is at least 0: a square, a product or a sum of such, by assumption."""
    domains = domains or {}
    if depth == 0:
        e, _ = with_assumptions(e.doit(), domains)
    e = resolve(e.doit())
    forms = {"as it stands": lambda x: x, "expand": sp.expand, "factor": sp.factor,
             "t = exp(·), factor": lambda x: sp.factor(sp.together(_substitute_exp(x))),
             "together": sp.together}
    for name, form in forms.items():
        try:
            if form(e).is_nonnegative:
                return f"the difference is non-negative ({name})"
        except _FAILURES:
            continue
    combined = sp.logcombine(_substitute_exp(e), force=False)
    if isinstance(combined, sp.log) and sp.factor(combined.args[0] - 1).is_nonnegative:
        return "the difference is the logarithm of a quotient that is at least 1"
    if depth < MAX_DEPTH:
        cases = _cases(e, domains)
        if cases:
            told = []
            for assumed, case, narrowed in cases:
                path = prove_nonnegative(case, narrowed, depth + 1)
                if path is None:
                    return None
                told.append(assumed)
            return f"case split ({'; '.join(told)}), the difference is non-negative in each"
    return None
