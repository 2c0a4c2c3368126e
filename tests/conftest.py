"""Options of the test run, and what tests of several rooms share."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from dark_model import METADATA, write_dark_model
from fakes.build import build_native, cuda_headers, cxx_compiler
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

ROOT = Path(__file__).parents[1]
MADE_ONCE = ("fake_native", "kernels", "float32_lite")

# A busy machine or an emulator may take long over an example, which no test is about.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_configure():
    """Let tests send Ctrl-C, which what a shell starts in the background ignores, and so do its children."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser):
    parser.addoption(
        "--ptx",
        choices=["orin", "all"],
        default="orin",
        help="PTX of the kernels: for Orin, in random order; or for 7.5, 8.7 and 11.0, in three orders",
    )
    parser.addoption("--kills", type=int, default=5, help="how often a run over a folder is killed")
    parser.addoption(
        "--walks", type=int, help="random walks of each state machine; by default the same few each time"
    )
    parser.addoption("--site", help="folder of the built documentation, whose links are checked")


@pytest.fixture(scope="session")
def explore(request):
    """Take a hypothesis state machine, of which `make` makes one, for random walks."""
    walks = request.config.getoption("--walks")

    def explore(make):
        run_state_machine_as_test(
            make,
            settings=settings(
                max_examples=walks or 12,
                stateful_step_count=25,
                derandomize=walks is None,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate] if walks is None else [Phase.generate, Phase.shrink],
            ),
        )

    return explore


def pytest_collection_modifyitems(config, items):
    """Keep a file in one process with `--dist loadgroup`, and so all that shares what takes long to make."""
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            group = next((name for name in MADE_ONCE if name in item.fixturenames), str(item.path))
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture
def metadata():
    return dict(METADATA)


@pytest.fixture(scope="session")
def write_model():
    return write_dark_model


@pytest.fixture(scope="session")
def model(write_model, tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "dark.onnx")


@pytest.fixture(scope="session")
def examples():
    """Real dermoscopic pictures."""
    return sorted((ROOT / "examples").glob("*.jpg"))


@pytest.fixture
def pairs(examples, tmp_path):
    """Return a folder with the examples and their masks."""
    folder = tmp_path / "pairs"
    folder.mkdir()
    for file in (*examples, *(ROOT / "python/aernet/video/masks").glob("*.png")):
        shutil.copy(file, folder)
    return folder


@pytest.fixture(scope="session")
def start():
    """Start the command line as a process of its own."""
    # A test run in the background ignores SIGINT, and what it starts would inherit that.
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    program += "from aernet.cli import main; main()"

    def start(*arguments):
        return subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"COLUMNS": "200"},
        )

    return start


@pytest.fixture(scope="session")
def command(start):
    """Run the command line as a user does; the answer has returncode, stdout and stderr."""

    def run(*arguments):
        with start(*arguments) as process:
            stdout, stderr = process.communicate(timeout=600)
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)

    return run


@pytest.fixture(scope="session")
def fake_native(tmp_path_factory):
    """The device half of the extension over the fake CUDA runtime."""
    compiler, headers = cxx_compiler(), cuda_headers()
    if compiler is None or headers is None:
        pytest.skip("no C++ compiler, or no headers of CUDA")
    pytest.importorskip("pybind11")
    return build_native(tmp_path_factory.mktemp("native"), compiler, headers)


@pytest.fixture(scope="session")
def fake_jetson(fake_native, tmp_path_factory):
    """The libraries of a Jetson, over the fake CUDA runtime, with the extension `_nvmm` built for them."""
    from fakes.nvmm import FakeJetson, lacking

    if missing := lacking():
        pytest.skip(f"no {', '.join(missing)}")
    return FakeJetson(tmp_path_factory.mktemp("jetson"), fake_native)


@pytest.fixture(scope="session")
def float32_lite(tmp_path_factory, examples):
    """A network for eight bits in float32, with random weights, as an exported model."""
    pytest.importorskip("torch")
    import int8

    return int8.write_float32(tmp_path_factory.mktemp("lite") / "lite.onnx", examples)


@pytest.fixture(scope="session")
def int8_lite(float32_lite, tmp_path_factory, examples):
    """The same in INT8."""
    import int8

    return int8.write_int8(tmp_path_factory.mktemp("int8") / "lite-int8.onnx", float32_lite, examples)
