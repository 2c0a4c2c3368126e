"""A Python for aarch64, unpacked from Debian's packages into a folder without root or a chroot."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

_PACKAGES = ("python3.11", "libpython3.11-stdlib", "libgl1", "libglib2.0-0")  # what OpenCV's wheel needs


def unpack_python(folder: Path) -> Path:
    """Unpack CPython 3.11 for aarch64 once, with the libraries that wheels expect; return its interpreter.

    apt takes them where this machine's own sources have them, and keeps lists and packages in the folder.

    Raises:
        SystemExit: this is not Debian 12.
    """
    python = folder / "root" / "usr" / "bin" / "python3.11"
    if python.exists():
        return python
    if shutil.which("apt-get") is None or "VERSION_CODENAME=bookworm" not in _release():
        raise SystemExit(
            "A Python for aarch64 is taken from Debian 12's packages, so that this needs Debian 12"
        )
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("lists/partial", "cache/archives/partial", "new"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()  # nothing is installed, so that all that is needed is fetched
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Dir::Cache": folder / "cache",
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
    }
    apt = ["apt-get", "-qq", *(part for name, value in options.items() for part in ("-o", f"{name}={value}"))]
    subprocess.run([*apt, "update"], check=True)
    install = [*apt, "install", "--yes", "--no-install-recommends", "--download-only"]
    subprocess.run([*install, *_PACKAGES], check=True, stdout=subprocess.DEVNULL)
    for package in sorted((folder / "cache" / "archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, folder / "new"], check=True)
    (folder / "new").rename(folder / "root")
    return python


def _release() -> str:
    file = Path("/etc/os-release")
    return file.read_text() if file.exists() else ""


def emulated(python: Path, site: Path) -> tuple[list[str | Path], dict[str, str]]:
    """Return how a Python for aarch64 is run here with packages of a folder: its command and environment.

    Raises:
        SystemExit: there is no emulator.
    """
    emulator = shutil.which("qemu-aarch64-static")
    if emulator is None:
        raise SystemExit("No emulator of aarch64; install it: apt-get install qemu-user-static")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"PYTHONPATH": str(site), "PYTHONNOUSERSITE": "1", "OMP_NUM_THREADS": "1"}
    return [emulator, "-L", python.parents[2], python], environment
