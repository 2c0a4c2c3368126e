"""What a Jetson has, over the fake CUDA runtime, and the extension `_nvmm` as CMake builds it there."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from fakes.build import FLAGS, configure, cuda_headers, cxx_compiler, imported, run

FOLDER = Path(__file__).parent
NAMES = ("nvbufsurface", "nvbufsurftransform", "cuda")


def lacking():
    """Return the names of what must be there for a build, and is not."""
    there = {
        "CMake": shutil.which("cmake"),
        "CUDA toolkit": shutil.which("nvcc"),
        "headers of EGL": Path("/usr/include/EGL/eglext.h").is_file(),
        "headers of GStreamer": gstreamer_flags(),
        "pybind11": find_spec("pybind11"),
    }
    return [name for name, found in there.items() if not found]


def gstreamer_flags():
    """Return the compiler's flags for GStreamer; none without its headers."""
    program = shutil.which("pkg-config")
    if program is None:
        return []
    asked = [program, "--cflags", "--libs", "gstreamer-app-1.0"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()


class FakeJetson:
    """Its libraries, whose surfaces lie in the memory of the fake GPU, and its `nvvidconv`."""

    def __init__(self, folder, native):
        libraries = folder / "libraries"
        libraries.mkdir()
        library = libraries / "libfake_nvmm.so"
        visible = [flag for flag in FLAGS.split() if flag != "-fvisibility=hidden"]
        headers = [f"-I{FOLDER}", "-isystem", str(cuda_headers())]
        flags = [flag.replace("-I", "-isystem", 1) for flag in gstreamer_flags()]
        sources = sorted(map(str, FOLDER.glob("*.cpp")))
        run(
            [
                *(cxx_compiler(), "-shared", *visible, *headers, *sources),
                *(*flags, native.__file__, "-o", str(library)),
            ]
        )
        for name in NAMES:
            (libraries / f"lib{name}.so").symlink_to(library.name)
        self._library = ctypes.CDLL(str(library))
        self._library.fake_nvmm_notes.restype = ctypes.c_char_p
        self._library.fake_nvmm_register()
        self.native = native
        self.nvmm = _build(folder / "build", libraries)
        """The extension."""

    def notes(self):
        """Return what has happened to surfaces since the last time, such as ("map", 3)."""
        words = self._library.fake_nvmm_notes().decode().split()
        return list(zip(words[::2], map(int, words[1::2]), strict=True))

    def alive(self):
        """Return how many surfaces there are."""
        return self._library.fake_nvmm_alive()

    def fail(self, function=""):
        """Let the function of this name fail from now on."""
        self._library.fake_nvmm_fail(function.encode())


def _build(folder, libraries):
    done = configure(
        folder,
        "-DAERNET_NVMM=ON",
        f"-DCMAKE_INCLUDE_PATH={FOLDER}",
        f"-DCMAKE_LIBRARY_PATH={libraries}",
        f"-DCUDA_cuda_driver_LIBRARY={libraries / 'libcuda.so'}",
    )
    assert done.returncode == 0, done.stderr
    run([shutil.which("cmake"), "--build", str(folder), "--target", "_nvmm"])
    (file,) = folder.glob("_nvmm*.so")
    return imported("_nvmm", file)
