"""The command line, `aernet-trt`: one file a command."""

from __future__ import annotations

from aernet.cli.app import main

__all__ = ["main"]
