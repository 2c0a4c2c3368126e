"""What to install on this machine; not every package is there for every platform."""

from __future__ import annotations

import platform
import sys

EXTRAS: dict[str, tuple[str, ...]] = {
    "video": ("av",),
    "heif": ("pi_heif",),
    "dicom": ("pydicom", "highdicom", "pylibjpeg", "openjpeg"),
    "viewer": ("starlette", "uvicorn", "websockets"),
    "serve": ("prometheus_client", "python_multipart", "starlette", "uvicorn"),
    "report": ("jinja2", "matplotlib"),
    "parquet": ("pyarrow",),
    "ray": ("ray", "fsspec", "pandas", "pyarrow"),
    "coco": ("pycocotools",),
    "data": ("pooch", "requests"),
    "train": ("torch", "torchvision", "timm", "lightning_fabric", "onnx", "onnxscript"),
    "onnx": ("onnx",),
    "tensorrt-rtx": ("tensorrt_rtx",),
    "tensorrt": ("tensorrt",),
    "pycuda": ("pycuda",),
}
"""The modules that each extra of the package brings, beside those of the extras that it includes."""

_SEEN_IN = "'python3 -m venv --system-site-packages' makes an environment that sees it"


def _is_arm() -> bool:
    return platform.machine().lower() in {"aarch64", "arm64"}


def onnxruntime_gpu(*extras: str) -> str:
    """Return how to get ONNX Runtime for the GPU; PyPI has none for ARM with Python 3.10, as of JetPack 6."""
    if _is_arm() and sys.version_info < (3, 11):
        return (
            "onnxruntime-gpu has no package for ARM and Python 3.10;"
            " 'aernet-trt build-engine' makes an engine, which does without"
        )
    wanted = f"'onnxruntime-gpu[{','.join(extras)}]'" if extras else "onnxruntime-gpu"
    return f"pip install {wanted}"


def onnxruntime_for(device: str) -> str:
    """Return how to get the ONNX Runtime that runs networks on a device, if this system can have it."""
    library = device.partition(":")[0]
    if library == "cuda":
        return onnxruntime_gpu()
    if library == "coreml":
        return _where("pip install --force-reinstall onnxruntime", "macOS", there=sys.platform == "darwin")
    instead = f"pip uninstall --yes onnxruntime && pip install onnxruntime-{library}"
    if library == "directml":
        return _where(instead, "Windows", there=sys.platform == "win32")
    there = sys.platform in {"linux", "win32"} and not _is_arm()
    return _where(instead, "Linux and Windows on x86-64", there=there)


def _where(remedy: str, systems: str, *, there: bool) -> str:
    return remedy if there else f"that is for {systems} alone; use 'cpu'"


def tensorrt(name: str | None = None) -> str:
    """Return how to get a TensorRT flavour, "tensorrt-rtx" or "tensorrt"; without a name, any."""
    if _is_arm():
        absent = "tensorrt-rtx has no package for ARM; " if name == "tensorrt-rtx" else ""
        return f"{absent}JetPack has TensorRT, and {_SEEN_IN}"
    if name is None:
        return "pip install 'aernet[tensorrt-rtx]' (GeForce, RTX) or 'aernet[tensorrt]'"
    return f"pip install 'aernet[{name}]'"


def install_extra(name: str) -> str:
    """Return how to get an extra of this package."""
    return tensorrt(name) if name.startswith("tensorrt") else f"pip install 'aernet[{name}]'"


def extra_for(error: ImportError) -> str | None:
    """Return what is missing and how to get it, where an import failed on a module of an extra."""
    module = (error.name or "").partition(".")[0]
    having = [name for name, modules in EXTRAS.items() if module in modules]
    if not having:
        return None
    remedy = install_extra(min(having, key=lambda name: len(EXTRAS[name])))
    if isinstance(error, ModuleNotFoundError) and error.name == module:
        return f"{module} is not installed, and this needs it; {remedy}"
    return f"{module} cannot be loaded ({error}); install it again: {remedy}"
