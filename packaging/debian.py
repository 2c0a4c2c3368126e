"""A Python for aarch64, unpacked from Debian's packages into a folder without root or a chroot."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_MIRROR = "http://deb.debian.org/debian"
_RELEASES = {"3.11": "bookworm", "3.13": "trixie"}  # Debian 12 and 13, each with one CPython
_GLIB = {"bookworm": "libglib2.0-0", "trixie": "libglib2.0-0t64"}

PYTHONS = tuple(_RELEASES)
"""The versions of CPython that Debian has for aarch64."""


def unpack_python(version: str, folder: Path) -> Path:
    """Unpack one of `PYTHONS` for aarch64, with the libraries that wheels expect; return its interpreter.

    apt keeps its lists and the packages in the folder; this machine's own stay as they are.

    Raises:
        SystemExit: this is not Debian.
    """
    python = folder / "root" / "usr" / "bin" / f"python{version}"
    if python.exists():
        return python
    if shutil.which("apt-get") is None or not _KEYS.exists():
        raise SystemExit("A Python for aarch64 is taken from Debian's packages, so that this needs Debian")
    release = _RELEASES[version]
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("lists/partial", "cache/archives/partial", "new"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()  # nothing is installed, so that all that is needed is fetched
    sources = folder / "debian.list"
    sources.write_text(f"deb [signed-by={_KEYS}] {_MIRROR} {release} main\n")
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Dir::Cache": folder / "cache",
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
    }
    apt = ["apt-get", "-qq", *(part for name, value in options.items() for part in ("-o", f"{name}={value}"))]
    subprocess.run([*apt, "update"], check=True)
    install = [*apt, "install", "--yes", "--no-install-recommends", "--download-only"]
    packages = (
        f"python{version}",
        f"libpython{version}-stdlib",
        "libgl1",
        _GLIB[release],
    )
    subprocess.run([*install, *packages], check=True, stdout=subprocess.DEVNULL)
    for package in sorted((folder / "cache" / "archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, folder / "new"], check=True)
    if not (folder / "new" / "lib").exists():
        (folder / "new" / "lib").symlink_to("usr/lib")  # Debian 13 leaves it to its installer
    (folder / "new").rename(folder / "root")
    return python


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
    # A core like Orin's. The emulator's own choice has SVE, in which it makes powers of NumPy 2.5 wrong.
    environment["QEMU_CPU"] = "cortex-a76"
    return [emulator, "-L", python.parents[2], python], environment
