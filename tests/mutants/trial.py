"""Tests run in a process that was forked after the libraries were loaded, with one module changed or none.

The changed module is imported from memory, so that no file is touched.
"""

from __future__ import annotations

import gc
import importlib
import importlib.abc
import importlib.util
import multiprocessing
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import coverage
import hypothesis
import pytest

PACKAGE = Path(importlib.util.find_spec("aernet").origin).parent
_LIBRARIES = ("cv2", "httpx", "numpy.testing", "onnx", "onnxruntime", "scipy.stats", "starlette.applications")
_PROFILE = "mutants"
_PYTEST = (
    *("-x", "-q", "--tb=short", "--no-header", "-p", "no:cacheprovider"),
    *("-p", "_hypothesis_pytestplugin", f"--hypothesis-profile={_PROFILE}"),
    "-Wignore::pytest.PytestAssertRewriteWarning",  # of plugins that were loaded before
)
_FORK = multiprocessing.get_context("fork")


def prepare() -> None:
    """Load what each trial needs, but for the package."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    # The same examples for each mutant, and a failure need not be made small.
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile(
        _PROFILE, phases=phases, deadline=None, derandomize=True, database=None
    )
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # they take longer to load than most tests to run
    gc.freeze()


@dataclass
class Usual:
    """What tests do without a change."""

    lines: dict[str, set[tuple[str, int]]]
    """The lines, each a file and a number, that each test reaches."""
    seconds: dict[str, float]
    """How long each takes."""


class _Watch:
    """Notes for each test how long it takes, and which lines of the modules it reaches."""

    def __init__(self, files: list[str]) -> None:
        self._coverage = coverage.Coverage(data_file=None, include=files, config_file=False, messages=False)
        self.usual = Usual({}, {})

    def pytest_sessionstart(self) -> None:
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item):
        self._coverage.switch_context(item.nodeid)
        begin = time.monotonic()
        answer = yield
        self.usual.seconds[item.nodeid] = time.monotonic() - begin
        self._coverage.switch_context("")
        return answer

    def pytest_sessionfinish(self) -> None:
        self._coverage.stop()
        data = self._coverage.get_data()
        for test in self.usual.seconds:
            data.set_query_context(test)
            self.usual.lines[test] = {
                (file, line) for file in data.measured_files() for line in data.lines(file) or ()
            }


class _Choice:
    """Runs the tests that reach the changed line, the quickest first; all where none is known to reach it."""

    def __init__(self, usual: Usual, lines: set[tuple[str, int]]) -> None:
        self._usual, self._lines = usual, lines

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        usual = self._usual
        reaching = [item for item in items if self._lines & usual.lines.get(item.nodeid, set())]
        items[:] = sorted(reaching or items, key=lambda item: usual.seconds.get(item.nodeid, 0.0))


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Finds and loads one module of the package with another source than that of its file."""

    def __init__(self, path: Path, source: str) -> None:
        self._path, self._source = path, source
        self._name = ".".join(("aernet", *path.relative_to(PACKAGE).with_suffix("").parts))

    def find_spec(self, fullname, path=None, target=None):
        del path, target
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def get_filename(self, fullname):
        del fullname
        return str(self._path)

    def get_data(self, path):
        del path
        return self._source.encode()


def usual(tests: list[str], modules: list[str]) -> Usual:
    """Run tests on the package as it is.

    Raises:
        RuntimeError: one of them fails.
    """
    paths = [PACKAGE / module for module in modules]
    receive, send = _FORK.Pipe(duplex=False)

    def run() -> None:
        # They too are imported from memory, which shows that this alone changes nothing.
        sys.meta_path[:0] = [_Changed(path, path.read_text(encoding="utf-8")) for path in paths]
        watch = _Watch([str(path) for path in paths])
        code = _pytest(tests, watch)
        send.send((code, watch.usual))

    process = _FORK.Process(target=run)
    process.start()
    send.close()
    code, seen = receive.recv()
    process.join()
    if code:
        raise RuntimeError(f"{' '.join(tests)} must pass before anything is changed")
    return seen


def ending(tests: list[str], module: str, source: str, lines: range, known: Usual) -> str:
    """Run tests with the source of a module changed; return how that ended.

    Args:
        tests: files of tests, and names of tests.
        module: a path below that of the package.
        source: its source with the change.
        lines: the lines of the changed statement.
        known: what the tests do without the change.

    Returns:
        "survived" if all tests pass, "failed" if one fails, "time" if they take ten times as long as usual.
    """
    path = PACKAGE / module

    def run() -> None:
        os.setsid()
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(silence, descriptor)
        sys.meta_path.insert(0, _Changed(path, source))
        os._exit(_pytest(tests, _Choice(known, {(str(path), line) for line in lines})))

    process = _FORK.Process(target=run)
    process.start()
    process.join(60 + 10 * sum(known.seconds.values()))
    ended = process.exitcode
    with suppress(ProcessLookupError):  # and what it has started
        os.killpg(process.pid, signal.SIGKILL)
    process.join()
    if ended is None:
        return "time"
    return "failed" if ended else "survived"


def _pytest(tests: list[str], plugin: object) -> int:
    return int(pytest.main([*_PYTEST, *tests], plugins=[plugin]))
