"""Makes mutants of a module: its source with one small, plausible error each."""

import ast
import os
from collections.abc import Iterator
from typing import NamedTuple

CONTEXT = 30  # characters that are shown beside a change
#: Of comparisons and operators, what is easily mistaken for them.
MISTAKEN = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
#: The same of functions.
MISTAKEN_NAMES = {
    **{"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum"},
    **{"argmin": "argmax", "argmax": "argmin", "any": "all", "all": "any"},
    **{"reduce_min": "reduce_max", "reduce_max": "reduce_min"},
    **{"reduce_any": "reduce_all", "reduce_all": "reduce_any"},
    **{"reduce_sum": "reduce_mean", "reduce_mean": "reduce_sum"},
    **{"sum": "mean", "mean": "sum", "sqrt": "abs", "square": "abs"},
    **{"floor": "ceil", "ceil": "floor", "round": "int"},
    **{"zeros": "ones", "zeros_like": "ones_like", "ones_like": "zeros_like"},
    **{"append": "insert", "exp": "square", "log": "sqrt"},
}


class Mutant(NamedTuple):
    """A wrong module.

    Attributes:
        change: The line as it is and as it became.
        line: Its number.
        source: Text of the module.
    """

    change: str
    line: int
    source: str


def mutants(source: str) -> list[Mutant]:
    """Returns all mutants of a module's source, in the order of its lines."""
    tree = ast.parse(source)
    right = ast.unparse(tree)
    found = {}
    for _ in _errors_in(tree):
        wrong = ast.unparse(tree)
        if wrong != right:
            found.setdefault(wrong, Mutant(*_change(right, wrong), wrong))
    return list(found.values())


def _change(right: str, wrong: str) -> tuple[str, int]:
    """Shows where two texts differ, with what stands around it; tells the line."""
    lines = enumerate(zip(right.splitlines(), wrong.splitlines()), start=1)
    line, (old, new) = next((at, pair) for at, pair in lines if pair[0] != pair[1])
    old, new = old.strip(), new.strip()
    same = len(os.path.commonprefix([old, new]))
    ends = old[same:][::-1], new[same:][::-1]
    rest = len(os.path.commonprefix(ends))
    first, after = max(0, same - CONTEXT), max(0, rest - CONTEXT)
    shown = (text[first : len(text) - after] for text in (old, new))
    return "  ->  ".join(shown), line


def _errors_in(node: ast.AST) -> Iterator[None]:
    """Makes one error after another in a tree; each is undone before the next."""
    if isinstance(node, ast.Import | ast.ImportFrom) or _is_for_people(node):
        return
    yield from _errors_of(node)
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list"):
            continue
        children = value if isinstance(value, list) else [value]
        for index, child in enumerate(children):
            if isinstance(child, ast.Raise | ast.AugAssign | ast.Expr):
                if _is_text(child):
                    continue
                yield from _put(children, index, ast.Pass())
            elif isinstance(child, ast.keyword):
                yield from _put(children, index, None)
            if isinstance(child, ast.AST):
                yield from _errors_in(child)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_for_people(node: ast.AST) -> bool:
    """Tells whether a node only says something: a message, a sentence."""
    match node:
        case ast.JoinedStr() | ast.Raise():
            return True
        case ast.Constant(value=str(text)):
            return " " in text
        case ast.Call(func=ast.Attribute(attr=name)):
            return name == "warn"
    return False


def _put(nodes: list, index: int, other: ast.AST | None) -> Iterator[None]:
    """Replaces a node in a list, or takes it out, for the time of one step."""
    kept = list(nodes)
    nodes[index : index + 1] = [] if other is None else [other]
    yield
    nodes[:] = kept


def _set(node: ast.AST, field: str, value: object) -> Iterator[None]:
    kept = getattr(node, field)
    setattr(node, field, value)
    yield
    setattr(node, field, kept)


def _errors_of(node: ast.AST) -> Iterator[None]:
    """Makes the errors of one node, without those of its children."""
    match node:
        case ast.Compare():
            for index, operator in enumerate(node.ops):
                yield from _put(node.ops, index, MISTAKEN[type(operator)]())
        case ast.BinOp() | ast.BoolOp() | ast.AugAssign():
            other = MISTAKEN.get(type(node.op))
            if other:
                yield from _set(node, "op", other())
        case ast.UnaryOp():
            yield from _set(node, "op", ast.UAdd())
        case ast.Constant(value=bool()):
            yield from _set(node, "value", not node.value)
        case ast.Constant(value=int()):
            yield from _set(node, "value", node.value + 1)
        case ast.Constant(value=float()):
            yield from _set(node, "value", 0.9 * node.value or 0.1)
        case ast.Constant(value=str()):
            yield from _set(node, "value", f"{node.value}x")
        case ast.Attribute(attr=name) | ast.Name(id=name) if name in MISTAKEN_NAMES:
            field = "attr" if isinstance(node, ast.Attribute) else "id"
            yield from _set(node, field, MISTAKEN_NAMES[name])
        case ast.If() | ast.IfExp() | ast.While():
            wrong = ast.UnaryOp(ast.Not(), node.test)
            yield from _set(node, "test", wrong)
        case ast.Slice():
            for field in ("lower", "upper", "step"):
                yield from _set(node, field, None)
