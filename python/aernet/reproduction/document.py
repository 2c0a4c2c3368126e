"""A report written once, as Markdown and as a web page."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from aernet.evaluation.report import STYLE


@dataclass(frozen=True)
class Heading:
    """A heading; the first of a document is its title."""

    text: str
    level: int

    def markdown(self) -> str:
        """Return it as Markdown."""
        return f"{'#' * self.level} {self.text}"

    def html(self) -> str:
        """Return it as HTML."""
        return f"<h{self.level}>{escape(self.text)}</h{self.level}>"


@dataclass(frozen=True)
class Paragraph:
    """Plain text."""

    text: str

    def markdown(self) -> str:
        """Return it as Markdown."""
        return self.text

    def html(self) -> str:
        """Return it as HTML."""
        return f"<p>{escape(self.text)}</p>"


@dataclass(frozen=True)
class Grid:
    """A table; the first cell of each row is its head."""

    columns: list[str]
    rows: list[list[str]]

    def markdown(self) -> str:
        """Return it as Markdown."""
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def html(self) -> str:
        """Return it as HTML."""
        head = "".join(f'<th scope="col">{escape(column)}</th>' for column in self.columns)
        rows = "\n".join(
            f'<tr><th scope="row">{escape(first)}</th>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in rest)
            + "</tr>"
            for first, *rest in self.rows
        )
        return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"


@dataclass(frozen=True)
class Picture:
    """A picture beside the document."""

    file: str
    text: str

    def markdown(self) -> str:
        """Return it as Markdown."""
        return f"![{self.text}]({self.file})"

    def html(self) -> str:
        """Return it as HTML."""
        return (
            f'<figure><img src="{escape(self.file)}" alt="{escape(self.text)}">'
            f"<figcaption>{escape(self.text)}</figcaption></figure>"
        )


Block = Heading | Paragraph | Grid | Picture


def markdown(blocks: list[Block]) -> str:
    """Return the document as Markdown."""
    return "\n\n".join(block.markdown() for block in blocks) + "\n"


def html(blocks: list[Block]) -> str:
    """Return the document as a web page; its first block is the title."""
    body = "\n".join(block.html() for block in blocks)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(getattr(blocks[0], "text", ""))}</title>
<style>{STYLE}</style>
</head>
<body>
{body}
</body>
</html>
"""
