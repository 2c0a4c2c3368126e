"""The package's extras as `doctor` tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aernet import remedies

if TYPE_CHECKING:
    from collections.abc import Iterator

_PURPOSES = {
    "video": "films, rtsp://, recordings",
    "viewer": "live --view web",
    "serve": "serve",
    "report": "evaluate --report, calibrate --diagram",
    "parquet": "segment --table FILE.parquet",
    "ray": "segment --ray, datasets of Ray",
    "coco": "segment --format coco",
    "data": "data fetch",
    "train": "train, reproduce, export, checkpoints",
    "onnx": "export --with-preprocessing, export-triton, operators in inspect",
    "tensorrt-rtx": "build-engine, on GeForce and RTX",
    "tensorrt": "build-engine, on any GPU",
    "heif": "HEIC and HEIF pictures, as phones take them",
    "dicom": "DICOM photographs, segmentations and reports",
    "pycuda": "frames in a GPU's memory as PyCUDA has them",
}


def extras() -> Iterator[dict[str, str]]:
    """Yield a finding for each extra; what is absent comes with the command that installs it."""
    for extra, modules in remedies.EXTRAS.items():
        versions = {module: _version(module) for module in modules}
        lacking = [module for module, version in versions.items() if version is None]
        found = ", ".join(f"{module} {version}" for module, version in versions.items() if version)
        if lacking and found:
            found += f"; lacks {', '.join(lacking)}"
        yield {
            "name": f"extra {extra}",
            "state": "absent" if lacking else "ok",
            "found": f"{found or 'not installed'} (for {_PURPOSES[extra]})",
            "remedy": remedies.install_extra(extra) if lacking else "",
        }


def _version(module: str) -> str | None:
    """Return the version of an installed module, without importing it; None if it is not there."""
    from importlib.metadata import PackageNotFoundError, version
    from importlib.util import find_spec

    if find_spec(module) is None:
        return None
    try:
        return version(module)
    except PackageNotFoundError:
        return "of no version"
