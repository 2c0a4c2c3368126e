from __future__ import annotations

import json
import time
from contextlib import ExitStack, suppress

from aernet.viewer import broadcast


def result_of(viewer, frame):
    return viewer._broadcast.find(frame)


def test_the_stream_moves(viewer, watch, next_view, parts):
    with watch(viewer) as stream:
        frames = [parts(next_view(stream))[0]["frame"] for _ in range(5)]
    assert frames == sorted(set(frames))


def test_each_result_is_encoded_once_for_all_and_not_at_all_for_nobody(
    viewer, watch, next_view, monkeypatch, more
):
    encoded = []
    encode = broadcast.encode_view
    monkeypatch.setattr(
        broadcast,
        "encode_view",
        lambda result, scale: encoded.append(result.frame_index) or encode(result, scale),
    )
    more(4)
    assert encoded == []
    with ExitStack() as stack:
        streams = [stack.enter_context(watch(viewer)) for _ in range(3)]
        for _ in range(4):
            for stream in streams:
                assert next_view(stream)
        assert len(encoded) == len(set(encoded)) >= 4
        # A page that no longer answers is sent nothing, and nothing is encoded for it.
        more(8)
        count = len(encoded)
        more(4)
        assert len(encoded) == count


def views_so_far(stream, more):
    """Return the views that come while there are 12 results more, without answering one."""
    more(12)
    pong, messages = stream.ping(), []
    while not pong.wait(0.01):  # it comes after all that was sent before it
        messages += received(stream)
    messages += received(stream)
    return [message for message in messages if isinstance(message, bytes)]


def received(stream):
    """Yield what has arrived."""
    with suppress(TimeoutError):
        while True:
            yield stream.recv(timeout=0)


def test_who_does_not_answer_gets_no_more_than_two_and_then_the_newest(viewer, watch, more, parts):
    with watch(viewer) as stream:
        views = views_so_far(stream, more)
        assert len(views) == 2
        last = parts(views[-1])[0]["frame"]
        stream.send("")
        message = next(message for message in stream if isinstance(message, bytes))
        assert parts(message)[0]["frame"] > last + 5


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
    assert made / seconds > 1  # of 10; the machine of a test may be busy


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


def test_more_answers_than_views_are_worth_nothing(viewer, watch, more):
    with watch(viewer) as stream:
        assert len(views_so_far(stream, more)) == 2
        for _ in range(50):
            stream.send("")
        # Two again, and one for each result that came while the answers did.
        assert 2 <= len(views_so_far(stream, more)) < 8
        assert views_so_far(stream, more) == []
