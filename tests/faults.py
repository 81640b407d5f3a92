"""The faults that `mutate.py` plants: one wrong expression at a time, spliced into the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

TWINS = {  # a name and the one most easily taken for it
    "maximum": "minimum", "minimum": "maximum", "sum": "mean", "mean": "sum", "log1p": "log",
    "expm1": "exp", "exp": "expm1", "max": "min", "min": "max", "any": "all", "all": "any",
    "sqrt": "abs", "zeros": "ones", "ones": "zeros",
}  # fmt: skip
FLIPPED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
SHIFTED = {
    ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One fault: where it is, how the line reads before and after, and the whole faulty source."""

    file: str
    line: int
    where: str
    before: str
    after: str
    source: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What identifies the mutant when lines above it come and go."""
        return self.file, self.where, self.before, self.after

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.where}\n    - {self.before}\n    + {self.after}"


# ------------------------------------------------------------------------------ the faults
def variants(node: ast.AST) -> Iterator[ast.AST]:
    """Yield every faulty form of one expression, or of one ``+=``."""
    if isinstance(node, ast.BinOp):
        if new := FLIPPED.get(type(node.op)):
            yield ast.BinOp(node.left, new(), node.right)
        if isinstance(node.op, ast.Div):
            yield node.left  # the 1/N dropped
        if isinstance(node.op, ast.MatMult):
            yield ast.BinOp(_transposed(node.left), node.op, node.right)
            yield ast.BinOp(node.left, node.op, _transposed(node.right))
    elif isinstance(node, ast.AugAssign):
        if new := FLIPPED.get(type(node.op)):
            yield ast.AugAssign(node.target, new(), node.value)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
        last_axis = isinstance(node.operand, ast.Constant) and node.operand.value == 1
        yield ast.Constant(0) if last_axis else node.operand
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        if new := SHIFTED.get(type(node.ops[0])):
            yield ast.Compare(node.left, [new()], node.comparators)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield ast.BoolOp(other, node.values)
    elif isinstance(node, ast.Constant):
        yield from (ast.Constant(value) for value in _other_numbers(node.value))
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield node.value
    elif isinstance(node, ast.Call):
        yield from _other_calls(node)


def _transposed(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    return ast.Attribute(node, "T", ast.Load())


def _other_numbers(value: object) -> list[object]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [{0: 1, 1: 0}.get(value, value + 1)]
    if isinstance(value, float):
        return [{0.0: 1.0}.get(value, value * 1.25)]
    return []


def _other_calls(node: ast.Call) -> Iterator[ast.expr]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in TWINS and isinstance(node.func, ast.Attribute):
        function = ast.Attribute(node.func.value, TWINS[name], ast.Load())
        yield ast.Call(function, node.args, node.keywords)
    elif name in ("max", "min", "any", "all"):
        yield ast.Call(ast.Name(TWINS[name], ast.Load()), node.args, node.keywords)
    if name == "reversed":
        yield node.args[0]  # the order of the layers
    if name == "range" and len(node.args) == 3:
        yield ast.parse(f"reversed({ast.unparse(node)})", mode="eval").body
    if name == "insert" and len(node.args) == 2:
        function = ast.Attribute(node.func.value, "append", ast.Load())
        yield ast.Call(function, node.args[1:], [])
    if name.endswith("prime") and node.args:  # φ′ at A for φ′ at Z, and no φ′ at all
        text = ast.unparse(node.args[0])
        if text.startswith("Z"):
            yield ast.Call(node.func, [ast.parse("A" + text[1:], mode="eval").body], node.keywords)
        yield ast.Constant(1)


def mutants(source: str, file: str) -> list[Mutant]:
    """Return every mutant of a module's source, in the order of its lines."""
    lines, found = source.splitlines(keepends=True), []
    for node, where in _mutable(ast.parse(source), "module"):
        for new in variants(node):
            text = ast.unparse(ast.fix_missing_locations(new))
            bare = isinstance(new, (ast.Constant, ast.stmt))
            mutated = _splice(lines, node, text if bare else f"({text})")
            try:
                compile(mutated, file, "exec")
            except SyntaxError:
                continue
            before = lines[node.lineno - 1].strip()
            after = mutated.splitlines()[node.lineno - 1].strip()
            found.append(Mutant(file, node.lineno, where, before, after, mutated))
    return sorted(found, key=lambda m: (m.line, m.after))


def _mutable(node: ast.AST, where: str) -> Iterator[tuple[ast.expr | ast.AugAssign, str]]:
    """Yield expressions that compute; leave messages, annotations and decorators alone."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        where = node.name if where == "module" else f"{where}.{node.name}"
        parts = [*node.body]
        if isinstance(node, ast.FunctionDef):
            parts += [d for d in (*node.args.defaults, *node.args.kw_defaults) if d is not None]
    elif isinstance(node, (ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom)):
        return
    elif isinstance(node, ast.AnnAssign):
        parts = [node.value] if node.value else []
    elif _is_warning_switch(node) or _saves_a_copy(node):
        return
    else:
        parts = list(ast.iter_child_nodes(node))
    if isinstance(node, (ast.expr, ast.AugAssign)):
        yield node, where
    if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
        return
    for part in parts:
        yield from _mutable(part, where)


def _is_warning_switch(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).endswith("errstate")


def _saves_a_copy(node: ast.AST) -> bool:
    """Say whether this is ``copy=False``: a copy more is slower, and changes no value."""
    return (
        isinstance(node, ast.keyword) and node.arg == "copy" and ast.unparse(node.value) == "False"
    )


def _splice(lines: list[str], node: ast.expr | ast.AugAssign, text: str) -> str:
    """Put the text in the place of the node; offsets of the parser count bytes."""
    first, last = node.lineno - 1, node.end_lineno - 1
    head = lines[first].encode()[: node.col_offset].decode()
    tail = lines[last].encode()[node.end_col_offset :].decode()
    return "".join([*lines[:first], head + text + tail, *lines[last + 1 :]])
