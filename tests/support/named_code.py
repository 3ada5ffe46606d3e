"""Whether code that is named as `path:name`, or quoted, is where it is said to be."""

import ast
import re
from collections.abc import Sequence
from textwrap import dedent

from config import ROOT


def is_there(reference: str) -> bool:
    """Tell whether `path:name`, or `path:Class.name`, names a definition of that file."""
    path, _, name = reference.partition(":")
    file = ROOT / path
    if not (name and file.is_file()):
        return False
    source = file.read_text(encoding="utf-8")
    if file.suffix != ".py":
        return re.search(rf"\b(?:function|const|let)\s+{re.escape(name)}\b", source) is not None
    body = ast.parse(source).body
    *classes, last = name.split(".")
    for one in classes:
        found = [node for node in body if isinstance(node, ast.ClassDef) and node.name == one]
        body = found[0].body if found else []
    return any(last in _defined(node) for node in body)


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
    return {target.id for target in targets if isinstance(target, ast.Name)}


def lines_of(path: str, lines: Sequence[str]) -> list[int]:
    """Return the numbers, from 1, of the lines of a file at which `lines` begin.

    All lines may be further to the right there, by the same indentation.
    """
    source = (ROOT / path).read_text(encoding="utf-8").splitlines()
    size = len(lines)
    parts = ("\n".join(source[at : at + size]) for at in range(len(source)))
    return [at for at, part in enumerate(parts, 1) if dedent(part).splitlines() == list(lines)]


def definitions_around(path: str, number: int) -> list[str]:
    """Return the names of a file's definitions that contain a line, as `name` or `Class.name`."""
    source = (ROOT / path).read_text(encoding="utf-8")
    if not path.endswith(".py"):
        before = "\n".join(source.splitlines()[:number])
        return re.findall(r"(?m)^(?:export )?(?:async )?(?:function|const) (\w+)", before)[-1:]
    return list(_around(ast.parse(source).body, number, ""))


def _around(body: list[ast.stmt], number: int, prefix: str) -> list[str]:
    found = []
    for node in body:
        if node.lineno <= number <= (node.end_lineno or node.lineno):
            names = _defined(node)
            found += [prefix + name for name in names]
            if isinstance(node, ast.ClassDef):
                found += _around(node.body, number, f"{prefix}{node.name}.")
    return found
