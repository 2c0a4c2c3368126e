"""What must hold of a wheel before it is published."""

from __future__ import annotations

import re
import subprocess
import sysconfig
import tempfile
import zipfile
from pathlib import Path

from packaging.utils import parse_wheel_filename

LARGEST = 40_000_000  # bytes
NEWEST_LIBRARY = (2, 35)  # that of JetPack 6
ORIN, THOR = 87, 110


def check_wheel(wheel: Path) -> str:
    """Return a line on what was found in a wheel of Linux with CUDA.

    Raises:
        SystemExit: it is too large, needs too new a C library, or lacks code for a Jetson.
    """
    size = wheel.stat().st_size
    library = needed_library(wheel.name)
    architectures = architectures_in(wheel)
    faults = [
        f"{size} bytes, more than {LARGEST}" if size > LARGEST else "",
        f"needs glibc {library}, newer than {NEWEST_LIBRARY}" if library > NEWEST_LIBRARY else "",
        *(f"no code for sm_{one}" for one in (ORIN, THOR) if one not in architectures),
    ]
    if any(faults):
        raise SystemExit(f"{wheel.name}: {'; '.join(filter(None, faults))}")
    listed = " ".join(map(str, architectures))
    return f"{size / 1e6:.1f} MB, glibc {library[0]}.{library[1]}, compute capabilities {listed}"


def needed_library(name: str) -> tuple[int, int]:
    """Return the oldest glibc that a wheel's name promises to run with; SystemExit if it promises none."""
    *_, tags = parse_wheel_filename(name)
    found = [re.fullmatch(r"manylinux_(\d+)_(\d+)_\w+", tag.platform) for tag in tags]
    versions = [(int(match[1]), int(match[2])) for match in found if match]
    if not versions:
        raise SystemExit(f"{name}: its name has no manylinux_X_Y")
    return min(versions)


def architectures_in(wheel: Path) -> list[int]:
    """Return the compute capabilities, such as 87, that the extension has machine code for."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if re.search(r"_native\..*\.so$", name))
        extension = archive.extract(name, folder)
        done = subprocess.run(
            [_cuobjdump(), "--list-elf", extension], capture_output=True, text=True, check=True
        )
    return sorted({int(number) for number in re.findall(r"sm_(\d+)", done.stdout)})


def _cuobjdump() -> Path:
    return Path(sysconfig.get_path("purelib")) / "nvidia" / "cu13" / "bin" / "cuobjdump"
