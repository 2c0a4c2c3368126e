"""The pages and their code blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_FENCE = re.compile(r"^( *)```(\w+)\n(.*?)\n\1```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"\*Not run by the tests: .{8,}?\.\*", re.DOTALL)
_PAGE_MARK = re.compile(r"^\*No command of this page is run by the tests: .{8,}?\.\*$", re.MULTILINE)
_HEADING = re.compile(r"^#+ .*$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A code block of a page."""

    page: str
    line: int
    language: str
    code: str
    not_run: bool
    """Whether the page says that no test runs it: below the block, in its heading, or for the whole page."""

    def __str__(self):
        return f"{self.page}:{self.line}"


def blocks(path, languages=("python", "sh")):
    """Return the blocks of a page in these languages."""
    text = path.read_text(encoding="utf-8")
    outside = re.sub(_FENCE, lambda fence: " " * len(fence[0]), text)  # a comment in a block is no heading
    whole = _PAGE_MARK.search(text) is not None
    found = []
    for fence in _FENCE.finditer(text):
        if fence[2] in languages:
            headings = [match[0] for match in _HEADING.finditer(outside, 0, fence.start())]
            not_run = (
                whole
                or _MARK.match(text[fence.end() :].lstrip()) is not None
                or (headings != [] and headings[-1].endswith("(not run here)"))
            )
            line = text.count("\n", 0, fence.start()) + 1
            page = path.relative_to(ROOT).as_posix()
            found.append(Block(page, line, fence[2], fence[3], not_run))
    return found
