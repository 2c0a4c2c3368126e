"""A page that shows live video in a browser, for machines without a screen."""

from __future__ import annotations

from aernet.viewer.server import Viewer

__all__ = ["Viewer"]
