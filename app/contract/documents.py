"""The generated parts of the documents; `flask catalogue --write` puts them in place.

A generated part is what stands between a line `<!-- generated: NAME -->` and the next line
`<!-- end -->`, and `PARTS` has its maker. A test fails when a document has another text there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from app.contract.variables import GROUPS, VARIABLES, Variable
from app.threats import FURTHER, MISTAKES, THREATS, Entry

DOCUMENTS: Final = ("README.md", "docs/configuration.md", "docs/threats.md")
ENV_EXAMPLE: Final = ".env.example"
ENV_HEAD: Final = """\
# Every variable that Latchkey reads. In development none has to be set. Staging and production do
# not start without those marked "Required".
#
# Copied to `.env` beside config.py, with mode 0600, this file is read at each start. A variable of
# the environment overrules it. Nothing inside a value is replaced.
"""
_PART: Final = re.compile(r"(?ms)^(<!-- generated: (\w+) -->\n).*?(^<!-- end -->$)")


def in_full(entries: tuple[Entry, ...]) -> str:
    """Return a section for each entry, with links that work from a page of `docs/`."""
    return "\n".join(line for entry in entries for line in _section(entry))


def _section(entry: Entry) -> Iterator[str]:
    yield f"\n### {entry.name}\n"
    yield f"- **Attack.** {entry.attack}"
    yield f"- **It takes.** {entry.needs}"
    yield f"- **Defense.** {entry.defense}"
    yield f"- **Implementation detail.** {entry.detail}"
    yield f"- **Not covered.** {entry.gap}"
    yield f"- **Proof.** {', '.join(f'[{proof}](../{proof})' for proof in entry.proofs)}"
    yield f"- **Standards.** {', '.join(entry.standards)}"


def all_variables() -> str:
    """Return the table of docs/configuration.md."""
    rows = (
        f"| `{one.name}` | {'required; ' * one.required}{one.default} | {one.rule} |"
        for one in VARIABLES
    )
    return "\n".join(("| variable | default | rule |", "|---|---|---|", *rows))


def required_variables() -> str:
    """Return the table of README."""
    rows = (f"| `{one.name}` | {one.rule} |" for one in VARIABLES if one.required)
    return "\n".join(("| variable | value |", "|---|---|", *rows))


def env_example() -> str:
    """Return the file `.env.example`."""
    groups = (
        f"\n# {title}\n{''.join(map(_env_lines, variables))}"
        for title, variables in GROUPS.items()
    )
    return ENV_HEAD + "".join(groups)


def _env_lines(one: Variable) -> str:
    rule = one.rule.replace("`", "")
    return f"# {'Required: ' * one.required}{rule}\n{one.name}={one.example}\n"


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "threats": lambda: in_full(THREATS),
    "further": lambda: in_full(FURTHER),
    "mistakes": lambda: in_full(MISTAKES),
    "variables": all_variables,
    "required": required_variables,
}


def updated(text: str) -> str:
    """Return the text of a document with each generated part made anew."""
    return _PART.sub(lambda part: f"{part[1]}{PARTS[part[2]]()}\n{part[3]}", text)


def write(root: Path) -> list[str]:
    """Update the documents of the tree at `root`; return the paths of those that changed."""
    made = {path: updated((root / path).read_text(encoding="utf-8")) for path in DOCUMENTS}
    made[ENV_EXAMPLE] = env_example()
    return [path for path, text in made.items() if _replace(root / path, text)]


def _replace(file: Path, text: str) -> bool:
    """Write `text` into `file`; tell whether it was another text before."""
    if file.read_text(encoding="utf-8") == text:
        return False
    file.write_text(text, encoding="utf-8")
    return True
