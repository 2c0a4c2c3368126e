"""Where the CPythons of this machine are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def find_interpreter(version: str) -> Path:
    """Return the CPython of a version such as "3.10": from PATH, else the newest of pyenv's.

    Raises:
        SystemExit: there is none.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"versions/{version}.*/bin/python"))[::-1]]
    for candidate in found:
        if candidate and _version_of(candidate) == version:
            return Path(candidate)
    raise SystemExit(f"No CPython {version} in PATH or in {pyenv}; install one: pyenv install {version}")


def _version_of(interpreter: str | Path) -> str | None:
    """Return what an interpreter says of itself; None for a pyenv shim of a version that is not chosen."""
    program = "import sys; print('{}.{}'.format(*sys.version_info))"
    done = subprocess.run([interpreter, "-c", program], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def new_environment(interpreter: Path, folder: Path) -> Path:
    """Make an empty virtual environment in a folder; return its interpreter."""
    command = [sys.executable, "-m", "virtualenv", "--quiet", "--clear", "--python", interpreter, folder]
    subprocess.run(command, check=True)
    return folder / "bin" / "python"
