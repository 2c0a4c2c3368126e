"""The time that each step of a frame's way takes, measured from outside."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, cast

import numpy as np

from aernet.arrays import picture_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from aernet.arrays import HostImage
    from aernet.runners.base import Runner
    from aernet.runners.onnxruntime import OnnxRuntimeRunner
    from aernet.runners.tensorrt import TensorRtRunner

    Milliseconds = dict[str, float]
    Measurement = Callable[[HostImage], Milliseconds]


def measurements(runner: Runner) -> tuple[Measurement, Measurement]:
    """Return what times the steps of a BGR frame in order, and what times the floor.

    The floor is what nobody can do without: the network alone, and on a GPU plain copies of the frame in and
    of a mask out.
    """
    from aernet.runners.onnxruntime import OnnxRuntimeRunner

    if isinstance(runner, OnnxRuntimeRunner):
        return _on_host(runner)
    return _on_gpu(cast("TensorRtRunner", runner))


def _on_host(runner: OnnxRuntimeRunner) -> tuple[Measurement, Measurement]:
    from aernet._native import mask_from_probability, preprocess

    size = runner.card.size
    image = np.empty((1, 3, size, size), np.float32)

    def steps(frame: HostImage) -> Milliseconds:
        start = perf_counter()
        preprocess(frame, size, out=image[0])
        prepared = perf_counter()
        (probability,) = runner.infer(image)
        answered = perf_counter()
        mask_from_probability(probability, *picture_size(frame, "bgr"), runner.card.threshold)
        seconds = {
            "preprocess": prepared - start,
            "network": answered - prepared,
            "mask": perf_counter() - answered,
        }
        return {step: 1000 * value for step, value in seconds.items()}

    return steps, lambda frame: {"network": steps(frame)["network"]}


def _on_gpu(runner: TensorRtRunner) -> tuple[Measurement, Measurement]:
    gpu, lane = runner.gpu, runner.make_lane()
    native, network = lane.native, lane.network(1)
    events = [gpu.event() for _ in range(7)]

    def steps(frame: HostImage) -> Milliseconds:
        start, copied, prepared, answered, taken, masked, end = events
        native.wait()
        start.record(native.stream)
        native.put(frame, copied=copied)
        prepared.record(native.stream)
        native.run(network)
        answered.record(native.stream)
        (prediction,) = native.predictions()
        taken.record(native.stream)
        mask = prediction.mask(*picture_size(frame, "bgr"), runner.card.threshold)
        masked.record(native.stream)
        np.asarray(mask)
        end.record(native.stream)
        native.wait()
        return {
            "copy in": copied.milliseconds_since(start),
            "preprocess": prepared.milliseconds_since(copied),
            "engine": answered.milliseconds_since(prepared),
            "mask": masked.milliseconds_since(taken),
            "copy out": taken.milliseconds_since(answered) + end.milliseconds_since(masked),
        }

    def floor(frame: HostImage) -> Milliseconds:
        native.wait()
        start = perf_counter()
        native.run(network)
        native.wait()
        engine = perf_counter() - start
        # Written once before, as new memory takes longer.
        memory, mask = gpu.allocate(frame.nbytes), np.ones(frame.shape[:2], np.uint8)
        start = perf_counter()
        memory.copy_from(frame)
        memory.copy_to(mask)
        copies = perf_counter() - start
        return {"engine": engine * 1000, "plain copies": copies * 1000}

    return steps, floor
