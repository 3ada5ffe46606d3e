"""Whether code that is named as `path:name` is where the name says."""

import ast
import re

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
