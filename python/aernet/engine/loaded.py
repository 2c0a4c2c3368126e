"""An engine on the GPU and the contexts that run it, for whoever owns the memory and the stream.

Written for TensorRT and TensorRT-RTX alike; where no GPU was at hand it was compared with the signatures of
their bindings.
"""

from __future__ import annotations

import hashlib
import json
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from aernet.engine.folders import runtime_cache_path
from aernet.engine.gpu import find_gpu
from aernet.engine.layers import Layer, layers_of_inspector
from aernet.engine.ownership import changeable_by_others
from aernet.errors import AernetError, EngineError
from aernet.files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    Tensors = dict[str, tuple[tuple[int, ...], np.dtype[Any]]]


class LoadedEngine:
    """An engine on the GPU, made by `RuntimeAdapter.load`; any number of contexts, one a thread, share it."""

    def __init__(self, trt: Any, engine: Any, runtime: Any, logger: Any, plan: bytes) -> None:
        self._trt, self._engine, self._logger = trt, engine, logger
        self._runtime = runtime  # must outlive the engine
        self.inputs = self._tensors(trt.TensorIOMode.INPUT)
        """Shape (-1 where the batch may vary) and NumPy type of each input."""
        self.outputs = self._tensors(trt.TensorIOMode.OUTPUT)
        """The same of each output."""
        self._strategy = trt.ExecutionContextAllocationStrategy.USER_MANAGED
        self._config = self._runtime_config(plan) if hasattr(trt, "IRuntimeCache") else None

    def context(self) -> ExecutionContext:
        """Make a context, for one thread at a time; TensorRT-RTX compiles now, unless its cache has all.

        Raises:
            EngineError: the GPU's memory does not suffice, or TensorRT refuses.
        """
        context = self._engine.create_execution_context(self._config or self._strategy)
        if context is None:
            raise EngineError(f"TensorRT makes no execution context: {self._logger.reason()}")
        return ExecutionContext(self, self._engine, context, self._logger)

    def layers(self) -> tuple[Layer, ...]:
        """Return what TensorRT tells of each layer."""
        inspector = self._engine.create_engine_inspector()
        told = json.loads(inspector.get_engine_information(self._trt.LayerInformationFormat.JSON))
        return layers_of_inspector(told["Layers"])

    def _tensors(self, mode: Any) -> Tensors:
        return {
            name: (
                tuple(self._engine.get_tensor_shape(name)),
                np.dtype(self._trt.nptype(self._engine.get_tensor_dtype(name))),
            )
            for name in map(self._engine.get_tensor_name, range(self._engine.num_io_tensors))
            if self._engine.get_tensor_mode(name) == mode
        }

    def _runtime_config(self, plan: bytes) -> Any:
        """Return what TensorRT-RTX runs with: our memory, and kernels compiled once and kept on disk."""
        config = self._engine.create_runtime_config()
        config.set_execution_context_allocation_strategy(self._strategy)
        # Otherwise kernels are exchanged while it runs, and a captured graph would keep the slow ones.
        eager = self._trt.DynamicShapesKernelSpecializationStrategy.EAGER
        config.dynamic_shapes_kernel_specialization_strategy = eager
        cache = config.create_runtime_cache()
        path = runtime_cache_path(self._trt.__version__, find_gpu(), hashlib.sha256(plan).hexdigest())
        if path.is_file() and changeable_by_others(path) is None:  # compiled kernels are code
            cache.deserialize(path.read_bytes())  # one of another driver is refused, and written anew
        config.set_runtime_cache(cache)
        # Shapes are compiled as they come, so that only the end knows all of them.
        weakref.finalize(self, _save, cache, path, (self._engine, config))
        return config


class ExecutionContext:
    """Shapes, addresses and scratch memory of runs of an engine; `LoadedEngine.context` makes it."""

    def __init__(self, loaded: LoadedEngine, engine: Any, context: Any, logger: Any) -> None:
        self._loaded = loaded  # must outlive the context
        self._engine, self._context, self._logger = engine, context, logger
        self.device_memory_bytes = int(engine.device_memory_size_v2)
        """The scratch memory in bytes that `bind_memory` must be given."""

    def bind_memory(self, pointer: int) -> None:
        """Let the context use `device_memory_bytes` from a device address on, a multiple of 256."""
        self._context.set_device_memory(pointer, self.device_memory_bytes)

    def set_batch(self, count: int) -> None:
        """Say how many pictures the next runs are of.

        Raises:
            EngineError: the engine was not built for so many.
        """
        for name, (shape, _) in self._loaded.inputs.items():
            least, _, most = self._engine.get_tensor_profile_shape(name, 0)
            if not least[0] <= count <= most[0]:
                raise EngineError(
                    f"batch of {count}: the engine was built for {least[0]} to {most[0]} pictures;"
                    " build it again with --batch MIN OPT MAX"
                )
            self._require(self._context.set_input_shape(name, (count, *shape[1:])), f"the shape of {name}")

    def bind(self, tensor: str, pointer: int) -> None:
        """Say at which device address an input or output lies.

        Raises:
            EngineError: there is no such tensor, or TensorRT refuses the address.
        """
        self._require(self._context.set_tensor_address(tensor, pointer), f"the address of {tensor}")

    def is_capturable(self, stream: int) -> bool:
        """Tell whether `enqueue` on the stream may be captured in a CUDA graph, as far as TensorRT can tell.

        TensorRT-RTX is asked. TensorRT has no such question: it says yes, and capturing shows.
        """
        ask = getattr(self._context, "is_stream_capturable", None)
        return ask is None or bool(ask(stream))

    def enqueue(self, stream: int) -> None:
        """Put one run on a stream; it does not wait.

        Raises:
            EngineError: TensorRT says no.
        """
        self._require(self._context.execute_async_v3(stream), "the run")

    def _require(self, agreed: object, what: str) -> None:
        if not agreed:
            raise EngineError(f"TensorRT refuses {what}: {self._logger.reason()}")


def _save(cache: Any, path: Path, _alive: object) -> None:
    """Write the runtime cache; the next start is slower without it, and nothing else."""
    with suppress(AernetError), replacing(path) as temporary:
        temporary.write_bytes(cache.serialize())
