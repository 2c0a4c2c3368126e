"""Commands whose help shows no type behind a flag, as a flag takes no value."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup


class _UntypedFlags:
    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, flags without the name of a type."""
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""
        return parameters


class Command(_UntypedFlags, TyperCommand):
    """A command."""


class Group(_UntypedFlags, TyperGroup):
    """A group of commands."""
