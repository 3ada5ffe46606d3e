"""What a mutant changes, in few words: the smallest expression that differs from the original."""

import ast
from collections.abc import Iterator
from functools import lru_cache


def smallest_change(old: str, new: str) -> tuple[str, str] | None:
    """Return what differs, before and after; None where only the type in a `cast` does.

    A `cast` returns its second argument whatever the first one says.
    """
    pairs = list(_pairs(_tree(old), _tree(new)))
    if not pairs:
        return None
    shown = [pair for pair in pairs if all(map(_is_expression, pair))]
    telling = [pair for pair in shown if not all(map(_is_leaf, pair))]
    before, after = (telling or shown or pairs)[-1]
    return ast.unparse(before), ast.unparse(after)


@lru_cache
def _tree(source: str) -> ast.AST:
    tree: ast.AST = _WithoutCasts().visit(ast.parse(source))
    return tree


class _WithoutCasts(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        is_cast = isinstance(node.func, ast.Name) and node.func.id == "cast"
        return node.args[1] if is_cast and len(node.args) == 2 else node


def _pairs(old: ast.AST, new: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield the nodes that contain the whole difference, from the outermost to the smallest."""
    differing = [(old, new)] if ast.dump(old) != ast.dump(new) else []
    while len(differing) == 1:
        yield (pair := differing[0])
        before, after = (list(ast.iter_child_nodes(node)) for node in pair)
        if type(pair[0]) is not type(pair[1]) or len(before) != len(after):
            return
        both = zip(before, after, strict=True)
        differing = [(one, other) for one, other in both if ast.dump(one) != ast.dump(other)]


def _is_expression(node: ast.AST) -> bool:
    """Tell whether a node can be shown without the statements inside of it."""
    is_simple = isinstance(node, ast.stmt) and not hasattr(node, "body")
    return is_simple or (isinstance(node, ast.expr) and not isinstance(node, ast.FormattedValue))


def _is_leaf(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant | ast.Name)
