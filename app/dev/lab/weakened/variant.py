"""A weakened variant: code that replaces one function or constant of a defense."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from itertools import takewhile
from typing import Any, Final

# What is shown to readers has no comments for tools.
_TO_TOOLS: Final = re.compile(r"  # (?:noqa|type: ignore).*")
_LAB: Final = "app.dev.lab"


@dataclass(frozen=True)
class WeakenedVariant:
    """The weakened variant of one function, method or constant of the application.

    `slug` names the entry of the catalogue whose attack it lets through; `instead_of` is the
    code that it replaces, as `path:name`, which may be private.
    """

    slug: str
    instead_of: str
    replacement: Callable[..., Any]

    @property
    def name(self) -> str:
        """The name to start a weakened instance with."""
        return self.replacement.__name__.replace("_", "-")

    @property
    def defense(self) -> str:
        """The public code that is weakened, as `path:name`, or `path` of a private function."""
        path, _, names = self.instead_of.partition(":")
        public = takewhile(lambda name: not name.startswith("_"), names.split("."))
        return ":".join(filter(None, (path, ".".join(public))))

    @property
    def summary(self) -> str:
        """What the variant does or leaves out, in one sentence."""
        return inspect.getdoc(self.replacement) or ""

    @property
    def source(self) -> str:
        """The code of the variant under the name of what it replaces."""
        real = self.instead_of.rpartition(":")[2].rpartition(".")[2]
        text = source_of(self.replacement)
        if real.isupper():
            return f"{real} = {text.rpartition('return ')[2]}"
        return text.replace(f"def {self.replacement.__name__}", f"def {real}", 1)

    def apply(self) -> None:
        """Replace the real code in this process, which cannot be undone.

        A constant gets the value that the variant returns. Modules that imported the real code
        by its name get the variant too.
        """
        owner, name = found(self.instead_of)
        real = inspect.getattr_static(owner, name)
        replacement = self.replacement if callable(real) else self.replacement()
        setattr(owner, name, replacement)
        for module_name, module in list(sys.modules.items()):
            is_real = module_name.startswith("app.") and not module_name.startswith(_LAB)
            if is_real and vars(module).get(name) is real:
                setattr(module, name, replacement)


def instead_of(code: str, slug: str) -> Callable[[Callable[..., Any]], WeakenedVariant]:
    """Make a function the weakened variant of `code`, a `path:name`, for the entry `slug`."""
    return lambda replacement: WeakenedVariant(slug, code, replacement)


def found(code: str) -> tuple[Any, str]:
    """Return the module, class or object that contains the code `path:name`, and the last name.

    Raises:
        ImportError, AttributeError: when there is no such code.

    """
    path, _, names = code.partition(":")
    module = import_module(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    *outer, name = names.split(".")
    owner = reduce(getattr, outer, module)
    getattr(owner, name)
    return owner, name


def source_of(thing: Callable[..., Any]) -> str:
    """Return the source of a function without its decorators and its docstring."""
    text = textwrap.dedent(inspect.getsource(thing))
    (function,) = ast.parse(text).body
    lines = [_TO_TOOLS.sub("", line) for line in text.splitlines()]
    if (
        isinstance(function, ast.FunctionDef)
        and len(function.body) > 1
        and ast.get_docstring(function)
    ):
        docstring = function.body[0]
        del lines[docstring.lineno - 1 : docstring.end_lineno]
    return "\n".join(lines[function.lineno - 1 :])
