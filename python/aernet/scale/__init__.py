"""Segments on several machines, with Ray."""

from __future__ import annotations

import os

# Ray reports its use to its makers unless this is set before it starts.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

from aernet.scale.cluster import Cluster
from aernet.scale.datasets import segment

__all__ = ["Cluster", "segment"]
