"""Send many frames through the CPU runner, and through live video with viewer and recording; watch memory.

Memory is the process's resident set after each twentieth of the frames, once the garbage collector has run:
a recording that has ended is in a cycle of references, and keeps about a megabyte until then. The first
quarter is for warming up. The live source gives a frame when the last one has its result, so that none is
dropped. A client of the viewer watches all the time; each recording is stopped after a tenth of the frames,
and another started.
"""

from __future__ import annotations

import argparse
import gc
import shutil
import tempfile
import threading
import time
from pathlib import Path

import httpx
import psutil
import soaking
from websockets.sync.client import connect

from aernet import Segmenter
from aernet.viewer import Viewer

SAMPLES = 20
WARM = SAMPLES // 4
PICTURES = [soaking.lesion(number)[0] for number in range(20)]


class Memory:
    """Takes samples as frames go by, and stops where the time is over."""

    def __init__(self, name, frames, minutes):
        self.name, self.frames = name, frames
        self.process = psutil.Process()
        self.begin = time.monotonic()
        self.end = self.begin + 60 * minutes
        self.samples = []
        self.sampled = 0
        self.every = max(1, frames // SAMPLES)

    def goes_on(self, done):
        if done and done % self.every == 0 and done != self.sampled:
            self.sampled = done
            gc.collect()
            sample = (
                done,
                self.process.memory_info().rss,
                self.process.num_fds(),
                self.process.num_threads(),
            )
            self.samples.append(sample)
            print(self.name, sample, flush=True)
        return done < self.frames and time.monotonic() < self.end

    def row(self, done):
        warm = self.samples[WARM - 1 :] or self.samples
        memory = [rss for _, rss, _, _ in warm]
        return {
            "frames": done,
            "through": self.name,
            "memory when warm, MiB": round(memory[0] / 2**20, 2),
            "at the end": round(memory[-1] / 2**20, 2),
            "most": round(max(memory) / 2**20, 2),
            "change, %": _change(memory),
            "in the second half, %": _change(memory[-(len(self.samples) // 2) :]),
            "file descriptors": sorted({files for _, _, files, _ in warm}),
            "threads": sorted({threads for _, _, _, threads in warm}),
            "seconds": round(time.monotonic() - self.begin),
            "details": [f"{count} frames: {rss / 2**20:.2f} MiB" for count, rss, _, _ in self.samples],
        }


def _change(memory):
    return round(100 * (memory[-1] / memory[0] - 1), 2)


def through_the_runner(model, frames, minutes):
    """Call a segmenter, and submit to it, in turn."""
    memory = Memory(f"the CPU runner, {model or 'aernet'}", frames, minutes)
    done = 0
    with Segmenter(str(model), "cpu") as segmenter:
        while memory.goes_on(done):
            picture = PICTURES[done % len(PICTURES)]
            result = segmenter.submit(picture).result() if done % 2 else segmenter(picture)
            assert result.mask.any()
            done += 1
    return memory.row(done)


class Paced:
    """A live source whose next frame comes when the last one has its result; a sink of its own pipeline."""

    name, live, every = "paced", True, True

    def __init__(self, memory):
        self.memory = memory
        self.free = threading.Semaphore(1)
        self.done = 0

    def frames(self):
        while self.memory.goes_on(self.done):
            self.free.acquire()
            yield PICTURES[self.done % len(PICTURES)].copy(), time.perf_counter()

    def write(self, _result):
        self.done += 1
        self.free.release()

    def close(self):
        self.free.release()


def watch(port, seen, stop):
    """Watch as a page does, and count the views: a list of them would grow with the frames."""
    with connect(f"ws://127.0.0.1:{port}/stream", compression=None) as stream:
        while not stop.is_set():
            if isinstance(stream.recv(), bytes):
                stream.send("")
                seen["views"] += 1


def through_live_video(model, frames, minutes, folder):
    memory = Memory(f"live video with viewer and recordings, {model}", frames, minutes)
    source, seen, stop = Paced(memory), {"views": 0}, threading.Event()
    recordings = folder / "recordings"
    with Segmenter(str(model), "cpu") as segmenter, segmenter.stream(source, retry=False) as pipeline:
        pipeline.add(source)
        with Viewer(pipeline, port=0, folder=recordings) as viewer:
            watcher = threading.Thread(target=watch, args=(viewer.port, seen, stop), daemon=True)
            watcher.start()
            pipeline.start()
            post = httpx.post(f"{viewer.url}recording", timeout=60)
            assert post.status_code == 204, post.text
            begun = made = 0
            while any(thread.is_alive() for thread in pipeline._threads):
                time.sleep(0.05)
                if source.done - begun >= frames // 10:
                    begun, made = source.done, made + 1
                    httpx.delete(f"{viewer.url}recording", timeout=60)
                    for path in recordings.iterdir():
                        path.unlink()
                    httpx.post(f"{viewer.url}recording", timeout=60)
            stop.set()
            status = pipeline.status()
            watcher.join(5)
    assert status.failures == ()
    row = memory.row(status.results)
    return row | {"seen by the viewer": seen["views"], "recordings": made + 1}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--real", type=int, default=5_000, help="frames with the bundled model")
    parser.add_argument(
        "--parts", nargs="*", choices=["runner", "video", "real"], default=["runner", "video", "real"]
    )
    parser.add_argument("--minutes", type=float, default=1e6, help="most minutes for each part")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="frames-"))
    model = soaking.write_small_model(folder / "small.onnx")
    rows = []
    for part, through, *arguments in (
        ("video", through_live_video, model, options.frames, options.minutes, folder),
        ("runner", through_the_runner, model, options.frames, options.minutes),
        ("real", through_the_runner, "aernet", options.real, options.minutes),
        ("real", through_live_video, "aernet", options.real, options.minutes, folder),
    ):
        if part not in options.parts:
            continue
        row = through(*arguments)
        rows.append(row | {"through": row["through"].replace(str(model), "a model of two layers")})
        soaking.report("frames", "Memory over many frames", rows, ["through"])
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
