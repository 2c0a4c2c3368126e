from __future__ import annotations

import json
import time
from contextlib import ExitStack

from aernet.viewer import broadcast


def result_of(viewer, frame):
    return viewer._broadcast.find(frame)


def test_the_stream_moves(viewer, watch, next_view, parts):
    with watch(viewer) as stream:
        frames = [parts(next_view(stream))[0]["frame"] for _ in range(5)]
    assert frames == sorted(set(frames))


def test_each_result_is_encoded_once_for_all_and_not_at_all_for_nobody(
    viewer, watch, next_view, monkeypatch, until, pipeline
):
    encoded = []
    encode = broadcast.encode_view
    monkeypatch.setattr(
        broadcast, "encode_view", lambda result: encoded.append(result.frame_index) or encode(result)
    )
    before = pipeline.status().results
    until(lambda: pipeline.status().results > before + 3)
    assert encoded == []
    with ExitStack() as stack:
        streams = [stack.enter_context(watch(viewer)) for _ in range(3)]
        for _ in range(4):
            for stream in streams:
                assert next_view(stream)
        assert len(encoded) == len(set(encoded)) >= 4
        # A page that no longer answers is sent nothing, and nothing is encoded for it.
        time.sleep(1)
        count = len(encoded)
        before = pipeline.status().results
        until(lambda: pipeline.status().results > before + 3)
        assert len(encoded) == count


def test_who_does_not_answer_gets_no_more_than_two_and_then_the_newest(viewer, watch, pipeline, until, parts):
    with watch(viewer) as stream:
        views, deadline = [], time.monotonic() + 3
        while time.monotonic() < deadline:
            message = stream.recv(timeout=20)
            if isinstance(message, bytes):
                views.append(parts(message)[0]["frame"])
        assert len(views) == 2
        before = pipeline.status().results
        until(lambda: pipeline.status().results > before + 5)
        stream.send("")
        message = next(message for message in stream if isinstance(message, bytes))
        assert parts(message)[0]["frame"] > views[-1] + 5


def test_what_a_page_may_be_showing_is_kept_and_no_more(viewer, watch, next_view, until, parts):
    with watch(viewer) as stream:
        frames = [parts(next_view(stream))[0]["frame"] for _ in range(6)]
        assert result_of(viewer, frames[-1]) is not None
        assert result_of(viewer, frames[0]) is None
    until(lambda: result_of(viewer, frames[-1]) is None)


def test_twenty_watch_and_the_pipeline_keeps_its_pace(viewer, watch, next_view, pipeline, parts):
    with ExitStack() as stack:
        streams = [stack.enter_context(watch(viewer)) for _ in range(20)]
        absent = streams[:5]  # these never answer
        frames = {id(stream): [] for stream in streams[5:]}
        begin, results = time.monotonic(), pipeline.status().results
        for _ in range(5):
            for stream in streams[5:]:
                frames[id(stream)].append(parts(next_view(stream))[0]["frame"])
        made = pipeline.status().results - results
        seconds = time.monotonic() - begin
    assert len(absent) == 5
    assert all(seen == sorted(set(seen)) for seen in frames.values())
    assert made / seconds > 2  # of 10; the machine of a test may be busy


def test_the_status_tells_how_it_is_going(viewer, watch, segmenter):
    with watch(viewer) as stream:
        status = next(json.loads(message) for message in stream if isinstance(message, str))
    assert status["model"] == "dark 1.2"
    assert status["device"] == f"{segmenter.device}, {segmenter.runtime}"
    assert status["recording"] is None
    assert status["recordings"] == []
    assert status["failure"] is None
    assert 0 <= status["latency_ms_p50"] <= status["latency_ms_p99"]
    assert status["dropped"] >= 0


def test_more_answers_than_views_are_worth_nothing(viewer, watch):
    with watch(viewer) as stream:
        for _ in range(50):
            stream.send("")
        views, deadline = 0, time.monotonic() + 2
        while time.monotonic() < deadline:
            views += isinstance(stream.recv(timeout=20), bytes)
    assert views <= 52 // 2  # 2 seconds at 10 a second, never a burst of old ones
