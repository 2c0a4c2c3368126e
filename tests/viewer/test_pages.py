from __future__ import annotations

import io
import json
import threading
import zipfile

import av
import cv2
import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from aernet.errors import AernetError
from aernet.viewer import Viewer


def status_of(stream):
    return next(json.loads(message) for message in stream if isinstance(message, str))


def decode(content, flags):
    return cv2.imdecode(np.frombuffer(content, np.uint8), flags)


def test_a_snapshot_is_the_picture_the_mask_and_what_is_known(
    viewer, client, watch, next_view, parts, segmenter
):
    with watch(viewer) as stream:
        frame = parts(next_view(stream))[0]["frame"]
        answer = client.get(f"/snapshot/{frame}")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["picture.png", "mask.png", "result.json"]
        picture = decode(archive.read("picture.png"), cv2.IMREAD_COLOR)
        mask = decode(archive.read("mask.png"), cv2.IMREAD_UNCHANGED)
        facts = json.loads(archive.read("result.json"))
    assert picture.shape == (180, 320, 3)
    np.testing.assert_array_equal(mask, segmenter(picture).mask)
    assert set(np.unique(mask)) == {0, 255}
    assert facts["frame"] == frame
    assert facts["model"] == {"name": "dark", "version": "1.2", "revision": "abc1234"}
    assert facts["threshold"] == 0.4
    assert facts["source"] == "test://"
    regions, _, statistics, _ = cv2.connectedComponentsWithStats(mask)
    assert regions > 1
    assert facts["area_px"] >= statistics[1:, cv2.CC_STAT_AREA].max()


def test_a_source_that_gives_nothing_is_said_to_be_waited_for(segmenter, watch):
    with segmenter.stream("test://") as idle, Viewer(idle, port=0) as viewer, watch(viewer) as stream:
        status = status_of(stream)
    assert status["state"] == "waiting for the source"
    assert status["fps"] == status["latency_ms_p50"] == status["dropped"] == 0


def test_there_is_no_snapshot_of_what_nobody_sees(client):
    assert client.get("/snapshot/0").status_code == 404


def test_a_recording_starts_stops_and_plays(viewer, client, watch, more, folder):
    assert client.post("/recording").status_code == 204
    assert client.post("/recording").status_code == 204  # somebody else was first
    with watch(viewer) as stream:
        name = status_of(stream)["recording"]
    assert client.get(f"/recordings/{name}").status_code == 404
    more(9)
    assert client.delete("/recording").status_code == 204
    with watch(viewer) as stream:
        status = status_of(stream)
    assert status["recording"] is None
    assert status["recordings"] == [name] == [path.name for path in folder.iterdir()]
    answer = client.get(f"/recordings/{name}")
    assert answer.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(answer.content)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) >= 5
    assert (frames[0].width, frames[0].height) == (320, 180)
    assert frames[0].time == 0
    assert 0.1 < frames[-1].time < 60  # from its own first frame, not the pipeline's


def test_recordings_within_one_second_are_two_files(client, more, folder):
    for _ in range(2):
        client.post("/recording")
        more(4)
        client.delete("/recording")
    assert len(list(folder.glob("*.mp4"))) == 2


def test_no_recording_is_written_over(client, more, folder, monkeypatch, tmp_path):
    """The clock of a Jetson without a battery begins anew, and two viewers may be told to record at once."""
    monkeypatch.setattr("time.strftime", lambda *_: "19700101-000042")
    folder.mkdir(exist_ok=True)
    (folder / "aernet-19700101-000042-1.mp4").write_bytes(b"of an earlier run")
    (tmp_path / "elsewhere").write_bytes(b"of somebody else")
    (folder / "aernet-19700101-000042-2.mp4").symlink_to(tmp_path / "elsewhere")
    client.post("/recording")
    more(4)
    client.delete("/recording")
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"aernet-19700101-000042-{number}.mp4" for number in (1, 2, 3)]
    assert (folder / names[0]).read_bytes() == b"of an earlier run"
    assert (tmp_path / "elsewhere").read_bytes() == b"of somebody else"
    assert client.get(f"/recordings/{names[0]}").status_code == 404
    assert client.get(f"/recordings/{names[1]}").status_code == 404
    assert client.get(f"/recordings/{names[2]}").status_code == 200


def test_stopping_nothing_is_no_error(client):
    assert client.delete("/recording").status_code == 204


def test_a_recording_that_cannot_be_written_is_one_line(viewer, client, folder):
    folder.write_text("in the way")
    answer = client.post("/recording")
    assert answer.status_code == 500
    assert "cannot be written" in answer.text
    assert viewer._recorder.running is None


def test_a_disk_that_is_full_ends_the_recording_and_is_said(
    viewer, client, watch, monkeypatch, until, pipeline
):
    from aernet.viewer import recorder

    class Full:
        def __init__(self, _path):
            pass

        def write(self, _result):
            raise AernetError("aernet.mp4: cannot be written (No space left on device); the video ends here")

        def close(self):
            pass

    monkeypatch.setattr(recorder, "Recording", Full)
    client.post("/recording")
    until(lambda: viewer._recorder.running is None)
    with watch(viewer) as stream:
        status = status_of(stream)
    assert status["recording"] is None
    assert "No space left on device" in status["failure"]
    # Another try leaves nothing of the first behind.
    readers = len(pipeline._readers)
    client.post("/recording")
    until(lambda: viewer._recorder.running is None)
    assert len(pipeline._readers) == readers


def test_leaving_ends_the_recording_the_streams_and_the_thread(pipeline, folder, watch, more):
    with Viewer(pipeline, port=0, folder=folder) as viewer:
        stream = watch(viewer)
        viewer._recorder.start()
        more(6)
    assert not [thread for thread in threading.enumerate() if thread.name == "aernet web server"]
    with stream, pytest.raises(ConnectionClosed) as closed:
        list(stream)
    assert closed.value.rcvd.code == 1012  # service restart, in the registry of RFC 6455
    (path,) = folder.iterdir()
    with av.open(str(path)) as container:
        assert len(list(container.decode(video=0))) >= 2


def test_no_recording_is_started_while_leaving(pipeline, folder, monkeypatch):
    """Whatever a page asks for to the last, nothing records when the viewer is gone."""
    with Viewer(pipeline, port=0, folder=folder) as viewer:
        remove = pipeline.remove
        monkeypatch.setattr(
            pipeline,
            "remove",
            lambda sink: (httpx.post(f"{viewer.url}recording", timeout=20), monkeypatch.undo(), remove(sink)),
        )
        before = len(pipeline._readers) - 1
    assert viewer._recorder.running is None
    assert len(pipeline._readers) == before


def test_a_port_in_use_is_one_line(viewer, pipeline):
    with pytest.raises(AernetError, match=rf"127\.0\.0\.1 port {viewer.port} .*--port"):
        Viewer(pipeline, port=viewer.port)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "a..b", "a" * 64])
def test_an_address_of_another_machine_is_one_line(pipeline, host):
    with pytest.raises(AernetError, match="cannot listen"):
        Viewer(pipeline, host=host, port=0)
