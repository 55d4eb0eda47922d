"""Where a module can be changed by a small mistake: the mutation points of its syntax tree.

Left alone is what no behaviour depends on: docstrings, annotations, imports, decorators, assertions, and
prose (a text with letters and spaces), because a test that repeats a message's wording bites nobody.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

_OTHER = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
}  # fmt: skip
_OTHER_NAME = {"min": "max", "max": "min", "any": "all", "all": "any"}
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
_UNTOUCHED = {"annotation", "returns", "decorator_list", "bases", "keywords of a class", "type_params", "ctx"}
_LONGEST = 100


@dataclass(slots=True)
class Point:
    """One mutant: `apply` makes it in the tree it was found in. `text` is what the changed place then reads.

    `lines` are those of its statement (of a compound one, the head); none where it runs at import.
    """

    function: str
    text: str
    line: int
    lines: range
    owner: ast.AST
    field: str
    index: int | None
    new: Any

    @property
    def name(self) -> str:
        return f"{self.function}: {self.text}"

    def apply(self, node: Any = None) -> Any:
        """Put the mutant (or `node`) in its place; what was there."""
        node = node or self.new
        if self.index is None:
            old = getattr(self.owner, self.field)
            setattr(self.owner, self.field, node)
        else:
            old = getattr(self.owner, self.field)[self.index]
            getattr(self.owner, self.field)[self.index] = node
        return old


def points(tree: ast.Module) -> list[Point]:
    """Every mutant of a module, in a fixed order, each with a name of its own."""
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            child.parent = node  # type: ignore[attr-defined]
    found = list(_below(tree, "", ()))
    seen: dict[str, int] = {}
    for point in found:
        seen[point.name] = seen.get(point.name, 0) + 1
        if seen[point.name] > 1:
            point.text += f" (#{seen[point.name]})"
    return found


def _below(node: ast.AST, function: str, lines: tuple[int, ...]) -> Iterator[Point]:
    for field, value in ast.iter_fields(node):
        if field in _UNTOUCHED or (field == "keywords" and isinstance(node, ast.ClassDef)):
            continue
        entries = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
        for index, child in entries:
            if not isinstance(child, ast.AST) or _left_alone(child):
                continue
            span = _span(child) if isinstance(child, ast.stmt) else lines
            for new in _mutants(child):
                line = getattr(child, "lineno", span[0] if span else 0)
                in_code = range(span[0], span[-1] + 1) if span and _in_function(child) else range(0)
                point = Point(function, "", line, in_code, node, field, index, new)
                point.text = _text(point, child)
                yield point
            inner = function
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inner = f"{function}.{child.name}" if function else child.name
            yield from _below(child, inner, span)


def _left_alone(node: ast.AST) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Assert() | ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Raise(exc=ast.Call(func=ast.Name(id="AssertionError"))):
            return True
        case ast.Subscript(value=ast.Name(id="Literal")):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr="compile")):
            return True
    return False


def _span(statement: ast.stmt) -> tuple[int, ...]:
    blocks = [getattr(statement, name, None) for name in ("body", "cases")]
    first = next((block[0].lineno - 1 for block in blocks if block), statement.end_lineno or statement.lineno)
    return (statement.lineno, max(statement.lineno, first))


def _in_function(node: ast.AST | None) -> bool:
    while node is not None:
        above = getattr(node, "parent", None)
        if isinstance(above, ast.FunctionDef) and node in above.body:
            return True
        node = above
    return False


def _mutants(node: ast.AST) -> Iterator[Any]:
    """What could stand in the place of `node`."""
    match node:
        case ast.Compare():
            for n, op in enumerate(node.ops):
                yield _copy(node, ops=[*node.ops[:n], _OTHER[type(op)](), *node.ops[n + 1 :]])
        case ast.BoolOp():
            yield _copy(node, op=_OTHER[type(node.op)]())
            for n in range(len(node.values)):
                left = [*node.values[:n], *node.values[n + 1 :]]
                yield _copy(node, values=left) if len(left) > 1 else left[0]
        case ast.BinOp() if type(node.op) in _OTHER:
            yield _copy(node, op=_OTHER[type(node.op)]())
        case ast.AugAssign() if type(node.op) in _OTHER:
            yield _copy(node, op=_OTHER[type(node.op)]())
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.Constant():
            yield from _constants(node)
        case ast.Name(id=name) if name in _OTHER_NAME:
            yield _copy(node, id=_OTHER_NAME[name])
        case ast.If() | ast.While() | ast.IfExp() if not isinstance(
            node.test, ast.Compare | ast.BoolOp | ast.UnaryOp
        ):
            yield _copy(node, test=ast.UnaryOp(ast.Not(), node.test))
        case ast.comprehension(ifs=[ast.Name() | ast.Call() | ast.Attribute() as test]):
            yield _copy(node, ifs=[ast.UnaryOp(ast.Not(), test)])
        case ast.keyword(arg=str(), value=value) if not isinstance(value, ast.Constant):
            yield _copy(node, value=ast.Constant(None))
        case ast.Break():
            yield ast.copy_location(ast.Continue(), node)
        case ast.Continue():
            yield ast.copy_location(ast.Break(), node)
    if isinstance(node, ast.stmt):
        yield from _statements(node)


def _constants(node: ast.Constant) -> Iterator[ast.Constant]:
    value = node.value
    if isinstance(value, bool):
        yield _copy(node, value=not value)
    elif isinstance(value, int | float):
        yield _copy(node, value=value + 1)
    elif isinstance(value, str) and not (any(c.isalpha() for c in value) and " " in value):
        try:
            yield _copy(node, value=str(Decimal(value) + 1).zfill(len(value)))
        except InvalidOperation:
            yield _copy(node, value=f"XX{value}")


def _statements(node: ast.stmt) -> Iterator[ast.stmt]:
    nothing = ast.copy_location(ast.Pass(), node)
    match node:
        case ast.Return(value=ast.expr() as value):
            if not (isinstance(value, ast.Constant) and value.value is None):
                yield _copy(node, value=ast.Constant(None))
            elif not _is_last(node):
                yield nothing
        case ast.Return():
            if not _is_last(node):
                yield nothing
        case ast.Raise() | ast.Expr() | ast.AugAssign() | ast.Delete():
            yield nothing
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield nothing
        case ast.Assign(targets=[ast.Name(id=name)]) if _known_before(node, name):
            yield nothing


def _is_last(node: ast.AST) -> bool:
    """Whether the function ends after this statement anyway."""
    while not isinstance(node, ast.FunctionDef):
        above = node.parent  # type: ignore[attr-defined]
        if isinstance(above, ast.For | ast.While):
            return False
        blocks = [getattr(above, name, []) for name in ("body", "orelse", "finalbody")]
        if not isinstance(node, ast.ExceptHandler) and not any(
            block and block[-1] is node for block in blocks
        ):
            return False
        node = above
    return True


def _known_before(node: ast.AST, name: str) -> bool:
    """Whether the function has a value for `name` without this assignment, so that leaving it out is no crash."""
    line = node.lineno  # type: ignore[attr-defined]
    while node is not None and not isinstance(node, ast.FunctionDef):
        node = getattr(node, "parent", None)  # type: ignore[assignment]
    if node is None:
        return False
    arguments = [*node.args.args, *node.args.kwonlyargs]
    return any(argument.arg == name for argument in arguments) or any(
        isinstance(other, ast.Name)
        and other.id == name
        and isinstance(other.ctx, ast.Store)
        and other.lineno < line
        for other in ast.walk(node)
    )


def _copy(node: Any, **changes: Any) -> Any:
    fields = {name: getattr(node, name) for name in node._fields if hasattr(node, name)} | changes
    new = type(node)(**fields)
    return ast.copy_location(new, node) if hasattr(node, "lineno") else new


def _text(point: Point, child: ast.AST) -> str:
    """The changed place with as much around it as fits in a line."""
    if isinstance(point.new, ast.Pass):
        return f"without `{_line(child)}`"
    around: ast.AST = point.owner
    if isinstance(child, ast.stmt):
        return _line(_head(point.new))
    if isinstance(child, ast.keyword) and isinstance(around, ast.Call):
        return f"{_line(around.func)}(... {child.arg}=None)"
    old = point.apply()
    try:
        text = "" if isinstance(point.new, ast.comprehension) else _line(point.new)
        while not isinstance(around, ast.Module | ast.FunctionDef | ast.ClassDef | ast.ExceptHandler):
            wider = text if isinstance(around, ast.comprehension | ast.keyword) else _line(_head(around))
            if len(wider) > _LONGEST and text:
                break
            text = wider
            if isinstance(around, ast.stmt):
                break
            around = around.parent  # type: ignore[attr-defined]
    finally:
        point.apply(old)
    return text


def _head(node: ast.AST) -> ast.AST:
    """A compound statement without what it holds."""
    if isinstance(node, ast.If | ast.For | ast.While | ast.With | ast.Try):
        empty = {name: [] for name in _BLOCKS if hasattr(node, name)}
        return _copy(node, **(empty | {"body": [ast.Pass()]}))
    return node


def _line(node: ast.AST) -> str:
    return " ".join(ast.unparse(ast.fix_missing_locations(node)).removesuffix("pass").split())
