"""One face for TensorRT 10.3 to 11 (`tensorrt`) and TensorRT-RTX from 1.2 on (`tensorrt_rtx`).

Both are driven in one way: a strongly typed network, whose types are those of the ONNX. TensorRT-RTX builds
without a GPU and was run. TensorRT wants one even to build, and was never run here: what is written for it
is compared call by call with the signatures of its real bindings, 10.3 to 11.4 (tests/fakes/bindings).
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from aernet import remedies
from aernet.engine.callbacks import Monitor, logger_of, progress_monitor
from aernet.engine.layers import Layer, layers_in_log
from aernet.engine.loaded import LoadedEngine
from aernet.engine.plan import version_numbers
from aernet.engine.rtx_support import MATRIX, SUPPORTED, TURING
from aernet.errors import EngineError
from aernet.files import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aernet._native import Device

_MODULES = {"tensorrt-rtx": "tensorrt_rtx", "tensorrt": "tensorrt"}
_OLDEST = {"tensorrt-rtx": (1, 2), "tensorrt": (10, 3)}
_NUMPY_NAMES = {"HALF": "float16", "FLOAT": "float32"}
_HEAVY = ("CONVOLUTION", "DECONVOLUTION", "MATRIX_MULTIPLY")


@dataclass(frozen=True)
class BuilderOptions:
    """What may be said of a build beside the model."""

    batch: tuple[int, int, int] = (1, 1, 8)
    """Fewest, usual and most pictures in one run."""
    workspace_mib: int | None = None
    """MiB of scratch memory that a layer may use; None leaves it to the runtime."""
    optimization_level: int | None = None
    """0 (quick to build) to 5 (quick to run); None leaves it to the runtime."""
    compute_capabilities: tuple[str, ...] = ()
    """GPUs to build for, such as "8.6", with TensorRT-RTX; none means all that it supports but 7.5."""
    timing_cache: Path | None = None
    """File of measured kernels, read where it is there and written after; TensorRT-RTX has none."""


def installed_runtimes() -> dict[str, str]:
    """Return the version of each TensorRT flavour that is installed, "tensorrt-rtx" and "tensorrt".

    None is imported for that, but one that pip did not install; if that cannot be, it is not there.
    """
    found = {name: _version(name) for name, module in _MODULES.items() if find_spec(module)}
    return {name: its_version for name, its_version in found.items() if its_version}


def open_runtime(name: str) -> RuntimeAdapter:
    """Import a TensorRT flavour, "tensorrt-rtx" or "tensorrt".

    Raises:
        EngineError: it is absent, broken, or too old.
    """
    if name not in _MODULES:
        raise EngineError(f"runtime {name!r}: expected one of {', '.join(_MODULES)}")
    try:
        trt = import_module(_MODULES[name])
    except ModuleNotFoundError:
        raise EngineError(f"{name} is not installed, and this needs it; {remedies.tensorrt(name)}") from None
    except (ImportError, OSError) as error:
        raise EngineError(f"{name} cannot be loaded ({error}); {remedies.tensorrt(name)}") from None
    if version_numbers(trt.__version__) < _OLDEST[name]:
        oldest = ".".join(map(str, _OLDEST[name]))
        raise EngineError(
            f"{name}: expected version {oldest} or later, found {trt.__version__}; {remedies.tensorrt(name)}"
        )
    return RuntimeAdapter(name, trt)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:  # installed by other means than pip, or a mere folder of that name
        with suppress(ImportError, OSError):
            return getattr(import_module(_MODULES[name]), "__version__", None)
    return None


def _member(capability: str) -> str:
    """Return TensorRT-RTX's name of a compute capability, "SM86" for "8.6"."""
    return f"SM{capability.replace('.', '')}"


class RuntimeAdapter:
    """A TensorRT flavour, imported; `open_runtime` makes it."""

    def __init__(self, name: str, trt: Any) -> None:
        self.name = name
        """The runtime, "tensorrt-rtx" or "tensorrt"."""
        self.version: str = trt.__version__
        """Its version, such as "1.7.1.116"."""
        self._trt = trt
        self._logger = logger_of(trt, name)

    def build(
        self,
        model: bytes,
        options: BuilderOptions,
        convolutions: Mapping[str, int],
        monitor: Monitor | None = None,
        device: Device | None = None,
    ) -> tuple[bytes, tuple[Layer, ...]]:
        """Compile an ONNX model with the one input `image`, N x 3 x S x S.

        Ctrl-C ends the build at its next step.

        Args:
            model: the serialized ONNX, whose types are the engine's.
            options: how to build.
            convolutions: how many convolutions and matrix products the model has of each type, such as
                {"float16": 120, "float32": 2}; the network must have just these.
            monitor: is told of the progress.
            device: the GPU to build on; None takes the first.

        Returns:
            The plan, and its layers.

        Raises:
            EngineError: an option does not go with this runtime, the network is not of these types, or
                TensorRT refuses.
        """
        progress = progress_monitor(self._trt, monitor or Monitor())
        # Python raises KeyboardInterrupt in the main thread alone: never within a call from TensorRT.
        with ThreadPoolExecutor(1) as pool:
            building = pool.submit(self._build, model, options, convolutions, progress, device)
            try:
                return building.result()
            except BaseException:
                progress.cancelled = True
                raise

    def load(self, plan: bytes) -> LoadedEngine:
        """Make an engine of a plan, on the GPU.

        Raises:
            EngineError: there is no GPU, or TensorRT refuses the plan.
        """
        runtime = self._made("a runtime", lambda: self._trt.Runtime(self._logger))
        engine = self._made("an engine of the plan", lambda: runtime.deserialize_cuda_engine(plan))
        return LoadedEngine(self._trt, engine, runtime, self._logger, plan)

    def compute_capabilities(self, options: BuilderOptions) -> tuple[str, ...]:
        """Return those that TensorRT-RTX builds for; none for TensorRT, which builds for the GPU at hand.

        Raises:
            EngineError: this version cannot build for one of those asked for.
        """
        asked = options.compute_capabilities
        if self.name == "tensorrt":
            if asked:
                raise EngineError(
                    "tensorrt builds for the GPU that it runs on alone; leave out --compute-capability, or"
                    " build with --runtime tensorrt-rtx"
                )
            return ()
        if unsupported := [given for given in asked if given not in SUPPORTED]:
            raise EngineError(
                f"tensorrt-rtx cannot build for compute capability {', '.join(unsupported)}: {MATRIX};"
                " build with --runtime tensorrt on that GPU"
            )
        known = [name for name in SUPPORTED if _member(name) in self._trt.ComputeCapability.__members__]
        if unknown := [given for given in asked if given not in known]:
            raise EngineError(
                f"{self} is too old for compute capability {', '.join(unknown)}, it knows {', '.join(known)};"
                " pip install --upgrade tensorrt-rtx"
            )
        # An engine for Turing too is slower on all others.
        return asked or tuple(capability for capability in known if capability != TURING)

    def _build(
        self,
        model: bytes,
        options: BuilderOptions,
        convolutions: Mapping[str, int],
        progress: Any,
        device: Device | None,
    ) -> tuple[bytes, tuple[Layer, ...]]:
        with device or nullcontext():  # a thread has its own current GPU
            plan = self._plan(model, options, convolutions, progress)
            # TensorRT-RTX loads no engine without a GPU, but lists the layers in its log when it builds.
            is_rtx = self.name == "tensorrt-rtx"
            return plan, layers_in_log(self._logger.layers) if is_rtx else self.load(plan).layers()

    def _plan(
        self, model: bytes, options: BuilderOptions, convolutions: Mapping[str, int], progress: Any
    ) -> bytes:
        trt = self._trt
        self._logger.layers = ""
        wanted = "a builder" if self.name == "tensorrt-rtx" else "a builder, for which it wants a GPU"
        builder = self._made(wanted, lambda: trt.Builder(self._logger))
        # Without the flag TensorRT 10 may choose other types; later versions know no other way.
        network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
        parser = trt.OnnxParser(network, self._logger)
        if not parser.parse(model):
            errors = "; ".join(parser.get_error(index).desc() for index in range(parser.num_errors))
            raise EngineError(f"{self} cannot parse the model: {errors}")
        self._require_types(network, convolutions)
        config = builder.create_builder_config()
        config.progress_monitor = progress
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
        # What is float32 shall be float32, not 10 bits of it.
        config.clear_flag(trt.BuilderFlag.TF32)
        self._set_shapes(builder, network, config, options.batch)
        if options.workspace_mib is not None:
            config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mib << 20)
        if options.optimization_level is not None:
            config.builder_optimization_level = options.optimization_level
        self._set_targets(config, options)
        self._read_timing_cache(config, options.timing_cache)
        plan = self._made("a plan", lambda: builder.build_serialized_network(network, config))
        if options.timing_cache:
            with replacing(options.timing_cache) as temporary:
                temporary.write_bytes(config.get_timing_cache().serialize())
        return bytes(plan)

    def _require_types(self, network: Any, convolutions: Mapping[str, int]) -> None:
        """See that the parsed network, which a strongly typed build keeps to, has the types asked for."""
        layers = [network.get_layer(index) for index in range(network.num_layers)]
        integers = {layer.get_output(0).name for layer in layers if layer.type.name == "DEQUANTIZE"}

        def type_of(layer: Any) -> str:
            tensors = range(min(layer.num_inputs, 2)) if integers else ()  # its input and, if given, weights
            if len(tensors) == 2 and all(layer.get_input(index).name in integers for index in tensors):
                return "int8"
            name: str = layer.get_output(0).dtype.name
            return _NUMPY_NAMES.get(name, name)

        found = Counter(type_of(layer) for layer in layers if layer.type.name in _HEAVY)
        if found != convolutions:
            raise EngineError(
                f"{self} would not build what was asked for: expected convolutions {dict(convolutions)},"
                f" the parsed network has {dict(found)}; report this model"
            )

    def _set_shapes(self, builder: Any, network: Any, config: Any, batch: tuple[int, int, int]) -> None:
        image = network.get_input(0)
        shapes = [(count, *tuple(image.shape)[1:]) for count in batch]
        if batch[0] == batch[2]:
            image.shape = shapes[0]
        profile = builder.create_optimization_profile()
        profile.set_shape(image.name, *shapes)
        config.add_optimization_profile(profile)

    def _set_targets(self, config: Any, options: BuilderOptions) -> None:
        capabilities = self.compute_capabilities(options)
        if self.name == "tensorrt":
            return
        # Without it TensorRT-RTX may allocate while it runs, and no CUDA graph can be captured.
        config.set_flag(self._trt.BuilderFlag.REQUIRE_USER_ALLOCATION)
        config.num_compute_capabilities = len(capabilities)
        for index, capability in enumerate(capabilities):
            member = self._trt.ComputeCapability.__members__[_member(capability)]
            config.set_compute_capability(member, index)

    def _read_timing_cache(self, config: Any, path: Path | None) -> None:
        if path is None:
            return
        if self.name == "tensorrt-rtx":
            raise EngineError("tensorrt-rtx measures no kernels when it builds; leave out --timing-cache")
        cache = config.create_timing_cache(path.read_bytes() if path.is_file() else b"")
        if not config.set_timing_cache(cache, False):  # noqa: FBT003 - the binding's; no cache of another GPU
            raise EngineError(
                f"{path}: not a timing cache of {self} on this GPU; delete it or name another file"
            )

    def _made(self, what: str, make: Callable[[], Any]) -> Any:
        """Return what TensorRT makes; where it makes nothing, say what it logged."""
        try:
            made = make()
        except TypeError as error:
            if "nullptr" not in str(error):  # so the bindings tell that a constructor gave nothing
                raise
            made = None
        if made is None:
            raise EngineError(f"{self} does not make {what}: {self._logger.reason()}")
        return made

    def __str__(self) -> str:
        return f"{self.name} {self.version}"
