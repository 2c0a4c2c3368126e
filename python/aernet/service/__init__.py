"""Masks over HTTP, for one machine: a picture is posted, and its mask, outline and measures come back."""

from __future__ import annotations

from aernet.service.limits import Limits
from aernet.service.server import Service

__all__ = ["Limits", "Service"]
