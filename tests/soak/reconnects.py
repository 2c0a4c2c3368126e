"""A day of a camera that comes and goes, by a clock that waiting moves; and clocks that jump.

Frames and losses are real; the time between two attempts to open the camera passes at once. In the second
part the camera's own times jump backwards and forwards or stand still, and the process's wall clock jumps.
"""

from __future__ import annotations

import argparse
import logging
import math
import random
import tempfile
import threading
import time
from pathlib import Path

import av
import psutil
import soaking

from aernet import Segmenter, SourceError
from aernet.video.sinks import Recording, Track

PICTURE = soaking.lesion(3)[0]


class Skipping(threading.Event):
    """The event that ends a pipeline; waiting for it moves the clock, and takes no time."""

    def __init__(self):
        super().__init__()
        self.skipped = 0.0

    def clock(self):
        return time.perf_counter() + self.skipped

    def wait(self, timeout=None):
        self.skipped += timeout or 0
        return self.is_set()


class Loose:
    """A camera that is lost after some frames, and away for a while, all day."""

    name, live = "loose", True

    def __init__(self, hours, seed):
        self.chance = random.Random(seed)
        self.hours = hours
        self.back = 0.0
        self.lost = self.opened = 0
        self.longest = 0.0

    def frames(self):
        self.opened += 1
        clock = self.skipping.clock
        self.begin = getattr(self, "begin", clock())
        if clock() < self.back:
            raise SourceError("loose: not there")
        if self.lost:
            self.longest = max(self.longest, clock() - self.back)
        for _ in range(self.chance.randint(1, 5)):
            if clock() - self.begin > 3600 * self.hours:
                return
            yield PICTURE.copy(), clock()
            self.skipping.skipped += 1 / 30
        self.lost += 1
        self.back = clock() + self.chance.choice([0.05, 0.5, 5, 30, 60])
        raise SourceError("loose: unplugged")


def a_day(model, hours, folder):
    process = psutil.Process()
    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logging.getLogger("aernet").addHandler(handler)
    source, samples = Loose(hours, 1), []
    with Segmenter(str(model), "cpu") as segmenter, segmenter.stream(source) as pipeline:
        pipeline._stopping = source.skipping = Skipping()
        pipeline.add(Track(folder / "track.csv"))
        for result in pipeline:
            if result.frame_index % 20 == 0:
                samples.append(  # noqa: PERF401 - as the frames come
                    (process.memory_info().rss, process.num_fds(), threading.active_count())
                )
        status = pipeline.status()
    warm = samples[len(samples) // 4 :]
    return {
        "what": f"{hours:g} hours of losses",
        "opened": source.opened,
        "lost and back": source.lost,
        "frames": source.opened and status.results + status.dropped,
        "longest from back to opened, s": round(source.longest, 2),
        "memory, %": round(100 * (warm[-1][0] / warm[0][0] - 1), 2),
        "file descriptors": sorted({files for _, files, _ in warm}),
        "threads": sorted({threads for _, _, threads in warm}),
        "warnings": len(messages),
        "failures": len(status.failures),
    }


class Jumping:
    """A camera whose times are those that are given."""

    name, live = "jumping", True

    def __init__(self, moments):
        self.moments = moments

    def frames(self):
        for moment in self.moments:
            yield PICTURE.copy(), moment
            time.sleep(0.03)


JUMPS = {
    "back an hour": [0, 0.04, 0.08, -3600, -3599.96, -3599.92],
    "on by a day": [0, 0.04, 86400, 86400.04, 86400.08],
    "standing still": [5.0] * 6,
    "to and fro": [0, 10, 0.04, 10.04, 0.08, 10.08],
}


def a_jump(model, name, moments, folder):
    path = folder / f"{name.replace(' ', '-')}.mp4"
    with (
        Segmenter(str(model), "cpu") as segmenter,
        segmenter.stream(Jumping(moments), retry=False) as pipeline,
    ):
        pipeline.add(Recording(path))
        results = list(pipeline)
        failures = pipeline.status().failures
    with av.open(str(path)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert all(math.isfinite(result.timestamp) for result in results)
    return {
        "what": f"the camera's clock jumps: {name}",
        "frames": len(results),
        "recorded": len(times),
        "recorded times ascend": times == sorted(times),
        "failures": len(failures),
    }


def the_wall_clock(model, folder):
    """Let the wall clock jump while a live source is recorded; nothing may hang on it."""
    jumps, honest = random.Random(2), time.time
    time.time = lambda: honest() + jumps.uniform(-1e6, 1e6)
    try:
        row = a_jump(model, "as it should", [number / 25 for number in range(20)], folder)
    finally:
        time.time = honest
    return row | {"what": "the wall clock jumps by days at each look"}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=24)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    model = soaking.write_small_model(folder / "small.onnx")
    rows = [a_jump(model, name, moments, folder) for name, moments in JUMPS.items()]
    rows.append(the_wall_clock(model, folder))
    rows.append(a_day(model, options.hours, folder))
    soaking.report("reconnects", "A camera that comes and goes, and clocks that jump", rows, ["what"])


if __name__ == "__main__":
    main()
