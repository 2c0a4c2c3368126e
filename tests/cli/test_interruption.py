"""Ctrl-C ends a command in one line with status 130, whatever it interrupts."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
LINE = "aernet-trt: interrupted; all finished outputs are complete\n"
BEGIN = """
import os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import aernet_trt
from aernet.cli import app

def press():
    os.kill(os.getpid(), signal.SIGINT)

"""


def run(program, *, begin=BEGIN):
    return subprocess.run(
        [sys.executable, "-c", begin + textwrap.dedent(program) + "\naernet_trt.main()\n", "doctor"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def interrupting(body):
    """Let the command do something else, which interrupts itself."""
    return (
        "def work():\n"
        + textwrap.indent(textwrap.dedent(body), "    ")
        + "\napp.app.registered_commands[-1].callback.__code__ = work.__code__"
        "\napp.app.registered_commands[-1].callback.__globals__.update(globals())"
    )


CAUGHT = "try:\n    press()\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    "


@pytest.mark.parametrize(
    "body",
    [
        "press()\ntime.sleep(60)",
        # A lock that is given back twice, as the interrupted `wait` of a condition gives it back.
        "try:\n    press()\n    time.sleep(60)\nfinally:\n    threading.Lock().release()",
        CAUGHT + "raise ImportError('numpy') from None",  # as an import may make of it
        CAUGHT + "pass\nraise SystemError('lost')",  # without a trace of it
    ],
)
def test_it_is_one_line_whatever_becomes_of_it(body):
    answer = run(interrupting(body))
    assert (answer.returncode, answer.stdout, answer.stderr) == (130, "", LINE)


def test_one_that_a_finalizer_loses_comes_again():
    answer = run(
        interrupting(
            """
            class Finalized:
                def __del__(self):
                    press()
                    time.sleep(0)
            Finalized()
            time.sleep(60)
            """
        )
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (130, "", LINE)


def test_it_may_come_while_typer_makes_the_commands():
    answer = run("import typer.main\ntyper.main.get_params_from_function = lambda _: press()")
    assert (answer.returncode, answer.stdout, answer.stderr) == (130, "", LINE)


def test_before_the_package_is_there_it_ends_the_process():
    begin = (
        "import aernet_trt, builtins, os, signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    )
    answer = run("aernet_trt._limit_mib = lambda: os.kill(os.getpid(), signal.SIGINT)", begin=begin)
    assert (answer.returncode, answer.stdout, answer.stderr) == (-2, "", "")


def test_in_the_background_it_is_ignored():
    answer = run(
        interrupting("press()\nprint('went on')"),
        begin=BEGIN.replace("signal.default_int_handler", "signal.SIG_IGN"),
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "went on\n", "")


IN_LOCK_CODE = """
import _thread, signal, threading, time
from aernet.cli.interruption import interruptible

steps, lock = [], threading.Lock()
names = {"__name__": "threading", "signal": signal, "steps": steps, "lock": lock}
exec('''
def take():
    steps.append("begun")
    signal.raise_signal(signal.SIGINT)
    steps.append("ended")

def wait():
    lock.acquire()
    lock.acquire()
''', names)
"""


def lock_code(program):
    answer = subprocess.run(
        [sys.executable, "-c", IN_LOCK_CODE + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return answer.returncode, answer.stdout, answer.stderr


def test_while_a_lock_is_taken_it_is_put_off():
    """An exception between taking a lock and saying so would leave a lock that nobody gives back."""
    assert lock_code(
        """
        try:
            with interruptible():
                names["take"]()
                steps.append("too late")
                time.sleep(60)
        except KeyboardInterrupt:
            time.sleep(0.1)  # no second one follows
            print(*steps)
        """
    ) == (0, "begun ended\n", "")


def test_while_a_lock_is_waited_for_it_comes_all_the_same():
    assert lock_code(
        """
        def press():
            time.sleep(0.2)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

        try:
            with interruptible():
                _thread.start_new_thread(press, ())
                names["wait"]()
        except KeyboardInterrupt:
            time.sleep(0.1)
            print("interrupted")
        """
    ) == (0, "interrupted\n", "")


def test_too_little_memory_is_one_line():
    program = "import aernet_trt, resource, sys\nresource.setrlimit(resource.RLIMIT_AS, ({0}, {0}))\n"
    answer = run("", begin=program.format(300 << 20))
    assert answer.returncode == 1
    assert answer.stderr == (
        "aernet-trt: expected 768 MiB of memory at least, found a limit of 300 (ulimit -v); raise it\n"
    )


def test_a_package_that_cannot_be_loaded_is_one_line():
    answer = run("", begin="import aernet_trt, sys\nsys.modules['aernet.cli'] = None\n")
    assert answer.returncode == 1
    assert answer.stderr.startswith("aernet-trt: cannot be loaded (")
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["_lsprof", "onnx.onnx_cpp2py_export"])
def test_an_extension_is_loaded_to_its_end(name):
    """That of onnx crashes if it is interrupted, and if its module is thrown away before it is filled."""
    program = """
import signal, sys, traceback
from aernet.cli.interruption import interruptible

name = sys.argv[1]

def press(event, arguments):
    if event == "import" and arguments[0] == name and arguments[1] is not None:
        signal.raise_signal(signal.SIGINT)

sys.addaudithook(press)
with interruptible():
    try:
        __import__(name)
    except KeyboardInterrupt as error:
        steps = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        print(name in sys.modules, "_find_and_load" in steps, "create_module" in steps)
"""
    answer = subprocess.run(
        [sys.executable, "-c", program, name], capture_output=True, check=False, text=True, timeout=60
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "True True False\n", "")
