"""The directive `commands`, which writes the reference of the command line from Typer's own description."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sphinx.util.docutils import SphinxDirective
from typer import Context
from typer.cli import get_docs_for_click
from typer.main import get_command

from aernet.cli.app import app

if TYPE_CHECKING:
    from docutils.nodes import Node
    from sphinx.application import Sphinx


def _escaped(text: str) -> str:
    """Return Markdown in which `<stem>` is no HTML and `*.png` no emphasis; code stays as it is."""
    parts = re.split(r"(```.*?```|`[^`]*`)", text, flags=re.DOTALL)
    parts[::2] = [re.sub(r"<|(?<=\S)\*(?=[^*\s])(?<!\*\*)", r"\\\g<0>", part) for part in parts[::2]]
    return "".join(parts)


class Commands(SphinxDirective):
    """Every command with its arguments and options, a section each."""

    def run(self) -> list[Node]:
        """Return the sections."""
        group = get_command(app)
        nodes = []
        context = Context(group, info_name="aernet-trt")
        for name in group.list_commands(context):
            text = get_docs_for_click(
                obj=group.get_command(context, name),
                ctx=context,
                indent=1,
                name=name,
                call_prefix="aernet-trt",
            )
            nodes += self.parse_text_to_nodes(_escaped(text), allow_section_headings=True)
        return nodes


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
