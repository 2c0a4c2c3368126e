"""What TensorRT calls while it works: a logger, and a progress monitor that can stop."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, Any

from aernet.engine.layers import LOG_HEADING

if TYPE_CHECKING:
    from types import ModuleType

_log = logging.getLogger(__name__)


class Monitor:
    """Is told how far a build is, and ignores it; phases nest, and calls may come from any thread."""

    def started(self, phase: str, parent: str | None, steps: int) -> None:
        """Take note that a phase of so many steps has begun, within its parent."""

    def stepped(self, phase: str, step: int) -> None:
        """Take note that a step of a phase, counted from 0, is done."""

    def finished(self, phase: str) -> None:
        """Take note that a phase has ended, whether or not all its steps were done."""


@cache
def logger_of(trt: ModuleType, name: str) -> Any:
    """Return the one logger of a runtime, which takes no second; its warnings go to Python's logging.

    `reason()` tells what went wrong last, and `layers` is what a build logged about its layers.
    """

    class Logger(trt.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self._errors: list[str] = []
            self.layers = ""

        def log(self, severity: Any, message: str) -> None:
            if severity in {trt.ILogger.Severity.INTERNAL_ERROR, trt.ILogger.Severity.ERROR}:
                self._errors.append(message)
            elif severity == trt.ILogger.Severity.WARNING:
                _log.warning("%s: %s", name, " ".join(message.split()))
            elif message.startswith(LOG_HEADING):
                self.layers = message

        def reason(self) -> str:
            reason = "; ".join(self._errors) or "it gives no reason"
            self._errors.clear()
            return reason

    return Logger()


def progress_monitor(trt: ModuleType, monitor: Monitor) -> Any:
    """Return an IProgressMonitor that tells `monitor`, and ends the build once `cancelled` is set on it."""

    class ProgressMonitor(trt.IProgressMonitor):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.cancelled = False

        def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
            monitor.started(phase, parent, steps)

        def step_complete(self, phase: str, step: int) -> bool:
            monitor.stepped(phase, step)
            return not self.cancelled

        def phase_finish(self, phase: str) -> None:
            monitor.finished(phase)

    return ProgressMonitor()
