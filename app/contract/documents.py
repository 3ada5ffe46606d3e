"""The generated parts of the documents; `flask catalogue --write` puts them in place.

A generated part is what stands between a line `<!-- generated: NAME -->` and the next line
`<!-- end -->`, and `PARTS` has its maker. A test fails when a document has another text there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from app.threats import FURTHER, MISTAKES, THREATS, Entry

DOCUMENTS: Final = ("docs/threats.md",)
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


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "threats": lambda: in_full(THREATS),
    "further": lambda: in_full(FURTHER),
    "mistakes": lambda: in_full(MISTAKES),
}


def updated(text: str) -> str:
    """Return the text of a document with each generated part made anew."""
    return _PART.sub(lambda part: f"{part[1]}{PARTS[part[2]]()}\n{part[3]}", text)


def write(root: Path) -> list[str]:
    """Update the documents of the tree at `root`; return the paths of those that changed."""
    changed = []
    for path in DOCUMENTS:
        before = (root / path).read_text(encoding="utf-8")
        after = updated(before)
        if after != before:
            (root / path).write_text(after, encoding="utf-8")
            changed.append(path)
    return changed
