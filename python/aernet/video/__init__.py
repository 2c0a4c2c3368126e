"""Live video: sources of frames, the pipeline that segments them, and sinks for the results."""

from __future__ import annotations

from aernet.video.overlay import draw_overlay
from aernet.video.pipeline import Pipeline
from aernet.video.result import VideoResult
from aernet.video.sources import open_source
from aernet.video.sources.base import Source
from aernet.video.states import State
from aernet.video.status import Status

__all__ = ["Pipeline", "Source", "State", "Status", "VideoResult", "draw_overlay", "open_source"]
