"""Capture, prediction, stabilizing and sinks, each on a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from aernet.errors import AernetError, SourceError
from aernet.segmentation import Segmentation
from aernet.video.bounded_queue import BoundedQueue
from aernet.video.result import VideoResult
from aernet.video.sink_thread import SinkThread
from aernet.video.sources import as_source
from aernet.video.sources.capture import Capture
from aernet.video.sources.nvmm import read_on_gpu
from aernet.video.stabilizer import Stabilizer
from aernet.video.states import States
from aernet.video.status import Statistics, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from concurrent.futures import Future

    from typing_extensions import Self

    from aernet.prediction import Prediction, Predictor
    from aernet.video.frame import VideoFrame
    from aernet.video.sinks.base import Sink
    from aernet.video.sources import AnySource
    from aernet.video.sources.base import Source

_log = logging.getLogger(__name__)

_FIRST_RETRY_SECONDS, _LAST_RETRY_SECONDS = 0.1, 1.0  # the delay doubles from first to last
_UNDER_WAY = 2  # frames that the segmenter works on at once
_QUIET_SECONDS = 10.0  # between warnings, so that a loose plug does not fill the log
_CLOSE_SECONDS = 5.0  # to wait for a device that hangs


class _Frame(NamedTuple):
    picture: VideoFrame
    number: int
    timestamp: float
    arrived: float


class Pipeline:
    """Segments a source's frames and hands each result to its loops and sinks.

    From a live source the pipeline takes the newest frame; it drops and counts the others. From a file it
    takes every frame in order, and the source waits; if some of its frames are damaged, these are left out,
    and in the end an error tells of them. When a live source goes away, the pipeline logs one
    warning and opens it again until it is back; meanwhile `status().connected` is False.

    Iterate over the pipeline, or `start` it with sinks; leaving the loop ends it. Its queues are bounded.

    Args:
        segmenter: a `Segmenter` for BGR frames; the pipeline does not close it.
        source: as `Segmenter.stream` takes it.
        smooth: whether to smooth the probability over time.
        retry: whether to open a live source again when it goes away, instead of raising.

    Raises:
        SourceError: it is no source, or names none, or the capture is not open.
        AernetError: the segmenter takes frames other than BGR.
    """

    def __init__(
        self,
        segmenter: Predictor,
        source: AnySource,
        *,
        smooth: bool = True,
        retry: bool = True,
    ) -> None:
        if segmenter.colour != "bgr":
            raise AernetError("video frames are BGR; make the Segmenter with colour='bgr'")
        self.source: Source = read_on_gpu(as_source(source), segmenter.frames_on)
        self.segmenter = segmenter
        self._retry = retry and not isinstance(self.source, Capture)  # which only the caller can open again
        self._stabilizer = Stabilizer(smooth=smooth)
        self._states = States()
        live = self.source.live
        self._frames = BoundedQueue[_Frame](1 if live else 2, waits=not live)
        self._started = BoundedQueue[tuple[_Frame, "Future[list[Prediction]]"]](_UNDER_WAY, waits=True)
        self._under_way = threading.Semaphore(_UNDER_WAY)
        self._captured = 0
        self._begin: float | None = None
        self._statistics = Statistics()
        self._error: BaseException | None = None
        self._callback_error: BaseException | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._loops: list[BoundedQueue[VideoResult]] = []
        self._readers: list[SinkThread] = []
        self._threads: list[threading.Thread] = []
        self._callbacks: list[threading.Thread] = []
        self._ended = False
        if live:  # the first runs are slow, and would cost a camera's first frames
            segmenter.warm_up([(segmenter.card.size, segmenter.card.size)])

    def __iter__(self) -> Generator[VideoResult]:
        """Start, and yield the results one by one; a slow loop over a live source gets the newest only.

        Raises:
            SourceError: the source cannot be opened, gives no 8-bit pictures, or goes away without `retry`;
                or, after the last result (`DamagedVideoError`), a video file has damaged frames.
            FrameError: the segmenter rejects a frame.
        """
        loop = BoundedQueue[VideoResult](1, waits=not self.source.live)
        with self._lock:
            self._loops.append(loop)
            if self._ended:
                loop.close()
        self.start()
        return self._results(loop)

    def _results(self, loop: BoundedQueue[VideoResult]) -> Generator[VideoResult]:
        try:
            for result in loop:
                yield replace(result, dropped=result.dropped + loop.displaced)
        finally:
            self.close()
        self._raise_error()

    def start(self) -> Self:
        """Start the threads, unless the pipeline was started or closed before."""
        stages = {"capture": self._capture, "predict": self._predict, "stabilize": self._stabilize}
        try:
            with self._lock:
                if not (self._threads or self._ended):
                    for name, stage in stages.items():
                        thread = self._thread(name, stage)
                        thread.start()
                        self._threads.append(thread)
        except BaseException:  # such as no memory for another thread
            self.stop()
            self._finish()
            raise
        return self

    def call(self, on_result: Callable[[VideoResult], object]) -> Self:
        """Start, and call a function with each result on a thread of its own.

        An exception in the function is logged and ends the stream; `wait` and `close` raise it.
        """
        results = self.__iter__()

        def loop() -> None:
            with closing(results):
                try:
                    for result in results:
                        on_result(result)
                except Exception as error:
                    if error is not self._error:  # the pipeline's own error, which `wait` raises
                        _log.exception("on_result failed, and the stream ends")
                        self._callback_error = error
                    raise

        thread = self._thread("on_result", loop)
        self._callbacks.append(thread)
        thread.start()
        return self

    def add(self, sink: Sink) -> None:
        """Hand every result from now on to a sink, on a thread of its own; see `Sink`.

        A sink that fails is closed and logged once; the pipeline and the other sinks go on.
        """
        reader = SinkThread(sink, self._statistics, waits=sink.every and not self.source.live)
        with self._lock:
            reader.thread.start()  # before another thread can join it, or wait for it
            self._readers.append(reader)
            if self._ended:
                reader.inbox.close()

    def remove(self, sink: Sink) -> None:
        """Stop feeding a sink; return when it has written its waiting results and is closed."""
        with self._lock:
            reader = next(reader for reader in self._readers if reader.sink is sink)
            self._readers.remove(reader)
        reader.inbox.close()
        reader.thread.join()

    def status(self) -> Status:
        """Return the counters."""
        return self._statistics.status()

    def stop(self) -> None:
        """Ask the pipeline to end, from any thread; frames in flight still reach the sinks."""
        self._stopping.set()
        self._frames.close()
        for loop in self._loops:
            loop.close()

    def wait(self) -> None:
        """Start, and return when the pipeline and its sinks have ended; raise the error if one ended it."""
        self.start()
        self._join(None)
        self._raise_error()

    def close(self) -> None:
        """Stop, and return when all is closed; a source that hangs is abandoned after 5 seconds.

        An exception in a function given to `call` is raised here, unless `wait` has raised it already.
        """
        self.__exit__()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object = None, *_exception: object) -> None:
        self.stop()
        for reader in self._readers:
            if reader.thread is threading.current_thread():  # a sink, for which the pipeline would wait
                reader.inbox.close(discard=True)
        self._join(_CLOSE_SECONDS)
        if threading.current_thread() not in self._callbacks:
            error, self._callback_error = self._callback_error, None
            if error is not None and kind is None:  # the caller's own exception goes first
                raise error

    def _thread(self, name: str, stage: Callable[[], None]) -> threading.Thread:
        return threading.Thread(target=self._guarded, args=(stage,), name=f"aernet {name}", daemon=True)

    def _join(self, seconds: float | None) -> None:
        if not self._threads:
            self._end()
        capture, current = self._threads[:1], threading.current_thread()
        # Functions given to `call` close the pipeline at its end, and would wait for each other.
        callbacks = [] if current in self._callbacks else self._callbacks
        for thread in (*self._threads, *callbacks, *(reader.thread for reader in self._readers)):
            if thread is not current and thread.ident is not None:  # it was started
                thread.join(seconds if thread in capture else None)

    def _raise_error(self) -> None:
        """Raise the error that ended the pipeline, if one did."""
        if self._error is not None:
            self._callback_error = None
            raise self._error

    def _finish(self) -> None:
        """End what waits for the last stage."""
        self._started.close(discard=True)
        self._under_way.release()
        self._end()

    def _end(self) -> None:
        with self._lock:
            self._ended = True
        for inbox in self._inboxes():
            inbox.close()

    def _guarded(self, stage: Callable[[], None]) -> None:
        try:
            stage()
        except Exception as error:  # noqa: BLE001 - `wait` and the loops raise it
            self._error = self._error or error

    def _capture(self) -> None:
        delay = _FIRST_RETRY_SECONDS
        warned = -_QUIET_SECONDS
        try:
            while not self._stopping.is_set():
                reason = self._capture_frames()
                if reason is None:
                    return
                if self._statistics.connected:
                    delay = _FIRST_RETRY_SECONDS
                    if time.perf_counter() - warned > _QUIET_SECONDS:
                        warned = time.perf_counter()
                        _log.warning("%s; trying again until it is back", reason)
                self._statistics.connected = False
                self._stopping.wait(delay)
                delay = min(2 * delay, _LAST_RETRY_SECONDS)
        finally:
            self._statistics.connected = False
            self._frames.close()

    def _capture_frames(self) -> str | None:
        """Capture frames to the source's end; return why to open the source again, or None to stop."""
        try:
            with closing(self.source.frames()) as frames:
                for picture, moment in frames:
                    arrived = time.perf_counter()
                    number, self._captured = self._captured, self._captured + 1
                    if picture is None:
                        continue
                    if self._begin is None:
                        self._begin = moment
                    if not self._frames.put(_Frame(picture, number, moment - self._begin, arrived)):
                        return None
                    self._statistics.connected = True
        except SourceError as error:
            if self._captured == 0 or not self.source.live or not self._retry:
                raise
            return str(error)
        if self._captured == 0:
            raise SourceError(f"{self.source.name}: gave no frame")
        return None

    def _predict(self) -> None:
        frames = iter(self._frames)
        try:
            while True:
                self._under_way.acquire()  # before a frame is taken, so that the frame is the newest
                frame = next(frames, None)
                if frame is None:
                    return
                future = self.segmenter.submit_prediction(frame.picture)
                if not self._started.put((frame, future)):
                    return
        finally:
            self._frames.close(discard=True)
            self._started.close()

    def _stabilize(self) -> None:
        try:
            for count, (frame, future) in enumerate(self._started):
                (prediction,) = future.result()
                prediction.to_host()  # from here on the device is free for another frame
                self._under_way.release()
                result = self._result(frame, prediction, dropped=frame.number - count)
                self._statistics.count(result)
                for inbox in self._inboxes():
                    inbox.put(result)
        finally:
            self._finish()

    def _result(self, frame: _Frame, prediction: Prediction, dropped: int) -> VideoResult:
        """Stabilize a prediction, make its mask, and judge the state."""
        picture, segmenter = frame.picture, self.segmenter
        stable = self._stabilizer(picture, prediction, frame.timestamp)
        segmentation = Segmentation.of(
            picture,
            stable.prediction,
            segmenter.threshold,
            frame.arrived,
            quality=segmenter.card.quality,
            keep=segmenter.keep,
        )
        area = segmentation.area_fraction
        state = self._states(picture, stable.small, stable.motion, area, frame.timestamp)
        latency_ms = (time.perf_counter() - frame.arrived) * 1000
        return VideoResult(segmentation, state, frame.number, frame.timestamp, dropped, latency_ms)

    def _inboxes(self) -> list[BoundedQueue[VideoResult]]:
        with self._lock:
            return [*self._loops, *(reader.inbox for reader in self._readers)]
