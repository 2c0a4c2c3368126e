from __future__ import annotations

import signal
from functools import partial

import av
import httpx
import pytest

SOURCE = "test://?width=320&height=180&fps=10"


@pytest.fixture
def live(opened, model):
    """Run `live --view web`; return the process and the address that it prints."""
    return partial(opened, "live", SOURCE, "--model", model, "--view", "web", "--port", 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_an_address_and_ends_cleanly(live, number):
    process, address = live()
    assert httpx.get(address, timeout=20).status_code == 200
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in stderr
    assert "dropped" in stderr
    with pytest.raises(httpx.TransportError):
        httpx.get(address, timeout=20)


def test_another_address_has_a_token(live):
    process, address = live("--host", "0.0.0.0")
    port = httpx.URL(address).port
    assert httpx.get(f"http://127.0.0.1:{port}/", timeout=20).status_code == 401
    token = httpx.URL(address).params["token"]
    assert httpx.get(f"http://127.0.0.1:{port}/?token={token}", timeout=20).status_code == 200
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert token not in stderr


def test_a_recording_left_running_is_whole_when_it_is_interrupted(live, tmp_path):
    process, address = live()
    assert httpx.post(f"{address}recording", timeout=20).status_code == 204
    (path,) = (tmp_path / "recordings").iterdir()
    while path.stat().st_size < 20_000:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0
    with av.open(str(path)) as container:
        assert len(list(container.decode(video=0))) > 3


def test_it_ends_by_itself_after_its_duration(live):
    process, _ = live("--duration", 1)
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_port_that_is_none_is_a_usage_error(command):
    answer = command("live", SOURCE, "--view", "web", "--port", 70000)
    assert answer.returncode == 2


def test_an_address_of_nobody_is_one_line(command, model):
    answer = command("live", SOURCE, "--model", model, "--view", "web", "--host", "192.0.2.1", "--port", 0)
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "192.0.2.1" in answer.stderr
