"""Mutants of the core, made by mutmut's operators when a module is imported.

mutmut compiles every mutant of a function into its module, beside the original; a trampoline
calls the one that is switched on. Nothing is written to disk, so nothing can be out of date.
mutmut leaves module constants and decorated functions alone; here a constant is replaced in
every module that imported it, what was built from it is built anew, and a cache, which changes
no answer, is taken off.
"""

import ast
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

import libcst as cst
from mutmut.configuration import config
from mutmut.mutation.file_mutation import (
    MutatedFile,
    create_mutations,
    deep_replace,
    mutate_file_contents,
)
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.utils.format_utils import parse_mutant_key

from tests.mutation.change import smallest_change

ORIGINAL = "orig"
CACHE = re.compile(r"^@lru_cache\(.*\)\n", re.MULTILINE)


@dataclass(frozen=True)
class Mutant:
    """One change of one function or constant.

    `old` and `new` are the smallest expression that tells what changes, without comments and
    layout, so that the name stays when only these change. `number` tells equal changes apart.
    """

    module: str
    where: str
    old: str
    new: str
    number: int = 1
    key: str = ""
    value: str = ""

    def __str__(self) -> str:
        again = f" ({self.number})" if self.number > 1 else ""
        return f"`{self.module} {self.where}`: `{self.old}` → `{self.new}`{again}"

    @property
    def function(self) -> str:
        """The function's name in mutmut's record of calls; empty for a constant."""
        return self.key.rpartition("__mutmut_")[0]

    def live(self) -> None:
        """Put this mutant in the place of the original, in this process."""
        if self.key:
            set_mutant_under_test(self.key)
            rebuild([(sys.modules[self.module], self.where)])
        else:
            rebuild(replace_constant(sys.modules[self.module], self.where, self.value))


def replace_constant(module: ModuleType, name: str, source: str) -> list[tuple[ModuleType, str]]:
    """Give a constant the value of `source`, also where it was imported; return these places."""
    original = getattr(module, name)
    value = eval(source, dict(vars(module)))  # noqa: S307 - our own source
    found = holders(name, original)
    for holder in found:
        setattr(holder, name, value)
    return [(holder, name) for holder in found]


def rebuild(changed: list[tuple[ModuleType, str]]) -> None:
    """Build every constant anew that was built from what has changed, wherever it is."""
    while changed:
        module, name = changed.pop(0)
        for constant, source in constants_of(module.__name__):
            if constant != name and re.search(rf"(?<![\w.]){re.escape(name)}\b", source):
                changed += replace_constant(module, constant, source)


@lru_cache
def constants_of(module: str) -> tuple[tuple[str, str], ...]:
    """Return names and expressions of the constants of a module of the application, in order."""
    path = Path(*module.split(".")).with_suffix(".py")
    if not module.startswith("app.") or not path.is_file():
        return ()
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return tuple(
        (line.target.id, ast.unparse(line.value))
        for line in body
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value
        if "Table(" not in ast.unparse(line.value)
    )


def holders(name: str, value: object) -> list[ModuleType]:
    """List the loaded modules, tests too, that have this constant."""
    ours = [m for n, m in list(sys.modules.items()) if n.partition(".")[0] in {"app", "tests"}]
    return [module for module in ours if vars(module).get(name) is value]


class Breeder(PathFinder):
    """Finds the modules in scope and has them compiled with their mutants inside."""

    mutants: list[Mutant] = []  # noqa: RUF012 - import knows the class alone

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Take over where the configuration says so, and leave the rest to others."""
        if fullname.partition(".")[0] != "app":
            return None
        spec = super().find_spec(fullname, path, target)
        if spec is None or not spec.origin or not config().should_mutate(_short(spec.origin)):
            return None
        spec.loader = _Loader(fullname, spec.origin)
        return spec

    @staticmethod
    def has(module: str) -> bool:
        """Tell whether a loaded module was compiled with its mutants."""
        return isinstance(vars(sys.modules[module])["__loader__"], _Loader)


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        bred, mutants = _bred(fullname, path, self.get_data(path).decode())
        Breeder.mutants += mutants
        code: CodeType = compile(bred.code, path, "exec", dont_inherit=True)
        return code


def _bred(module: str, path: str, source: str) -> tuple[MutatedFile, list[Mutant]]:
    source = CACHE.sub("", source)
    bred = mutate_file_contents(path, source)
    mutants: list[Mutant] = []
    seen: Counter[str] = Counter()
    for mutant in (*_of_functions(module, bred), *_of_constants(module, source)):
        seen[str(mutant)] += 1
        mutants.append(replace(mutant, number=seen[str(mutant)]))
    return bred, mutants


def _short(path: str) -> Path:
    return Path(path).relative_to(Path.cwd())


def _of_functions(module: str, bred: MutatedFile) -> Iterator[Mutant]:
    lines = bred.code.splitlines()

    def text(name: str) -> str:
        span = bred.line_span_by_function_name[name]
        return textwrap.dedent("\n".join(lines[span.start - 1 : span.end])).replace(name, "f")

    for name in bred.mutant_names:
        function = name.rpartition("__mutmut_")[0]
        method, owner = parse_mutant_key(function)
        where = f"{owner}.{method}" if owner else method
        change = smallest_change(text(f"{function}__mutmut_{ORIGINAL}"), text(name))
        if change:
            yield Mutant(module, where, *change, key=f"{module}.{name}")


def _of_constants(module: str, source: str) -> Iterator[Mutant]:
    tree, mutations, *_ = create_mutations(module, source)
    for line in tree.body:
        if not isinstance(line, cst.SimpleStatementLine) or not isinstance(
            line.body[0], cst.AnnAssign
        ):
            continue
        value, name = line.body[0].value, line.body[0].target
        # A table can be declared once only; its columns are compared with the migrations.
        if (
            value is None
            or not isinstance(name, cst.Name)
            or "Table(" in (old := tree.code_for_node(value))
        ):
            continue
        within = set(map(id, _walk(value)))
        for one in mutations:
            if id(one.original_node) in within:
                changed = deep_replace(value, one.original_node, one.mutated_node)
                assert isinstance(changed, cst.CSTNode)
                new = tree.code_for_node(changed)
                change = smallest_change(f"({old})", f"({new})")
                if change:
                    yield Mutant(module, name.value, *change, value=f"({new})")


def _walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    yield node
    for child in node.children:
        yield from _walk(child)
