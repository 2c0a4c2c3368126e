"""Frames in memory:NVMM through the real appsink, over fakes of what a Jetson has."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys

import numpy as np
import pytest

import aernet
import aernet.video.sources.nvmm
from aernet import Nv12Frame, SourceError
from aernet.video import open_source
from aernet.video.sources.nvmm import NvmmStream, absent_because, read_on_gpu

LINEAR = "nvvidconv bl-output=false"
BLOCK_LINEAR = "nvvidconv"  # as NVIDIA's has it by default
END = "video/x-raw(memory:NVMM), format=NV12"
TAKEN, GIVEN_BACK = ("map", "register"), ("unregister", "unmap", "return")


def moving(width=200, height=91, count=3, more=""):
    """Colours that move, the same each time."""
    return (
        f"videotestsrc num-buffers={count} pattern=smpte75 horizontal-speed=7"
        f" ! video/x-raw,format=NV12,width={width},height={height}{more}"
    )


@pytest.fixture
def jetson(fake_jetson, monkeypatch):
    """A Jetson with the extension; at the end nothing is left of its surfaces."""
    gc.collect()
    fake_jetson.notes()
    native = fake_jetson.native
    native.set(native.Settings())
    before = native.counts()
    monkeypatch.setitem(sys.modules, "aernet._nvmm", fake_jetson.nvmm)
    monkeypatch.setattr(aernet.video.sources.nvmm, "_native", native)
    yield fake_jetson
    fake_jetson.fail()
    gc.collect()
    assert fake_jetson.alive() == 0
    assert native.counts() == before


@pytest.fixture
def open_stream(jetson):  # noqa: ARG001 - it has the extension
    def open_stream(pipeline):
        stream = read_on_gpu(open_source(pipeline), 0)
        assert isinstance(stream, NvmmStream)
        return stream.frames()

    return open_stream


@pytest.fixture
def pull(jetson):
    """Pull the next frame of a capture, as its planes and colours."""

    def pull(capture, seconds=10.0):
        with jetson.native.Device(0):
            return capture.pull(seconds)

    return pull


def raw_planes(pipeline, width, height, folder):
    """The planes of a pipeline's frames, as gst-launch-1.0 writes them to a file."""
    file = folder / "raw.nv12"
    program = shutil.which("gst-launch-1.0")
    if program is None:
        pytest.skip("no gst-launch-1.0")
    words = [*pipeline.split(), "!", "filesink", f"location={file}"]
    subprocess.run([program, "-q", *words], check=True, capture_output=True)
    stride, rows, pairs = (width + 3) // 4 * 4, (height + 1) // 2 * 2, (width + 1) // 2 * 2
    for frame in np.fromfile(file, np.uint8).reshape(-1, rows * 3 // 2, stride):
        yield frame[:height, :width], frame[rows:, :pairs]


@pytest.mark.parametrize("converter", [LINEAR, BLOCK_LINEAR])
@pytest.mark.parametrize(
    ("width", "height", "pitches"), [(200, 91, (256, 512)), (322, 240, (512, 512)), (64, 4, (256, 512))]
)
def test_planes_and_pitches(open_stream, tmp_path, converter, width, height, pitches):
    pipeline = moving(width, height)
    wanted = list(raw_planes(pipeline, width, height, tmp_path))
    assert len(wanted) == 3
    frames = open_stream(f"{pipeline} ! {converter} ! {END}")
    for planes in wanted:
        frame, _ = next(frames)
        assert isinstance(frame, Nv12Frame)
        assert not frame.is_on_host
        assert frame.shape == (height, width)
        for found, plane, pitch in zip((frame.luma, frame.chroma), planes, pitches, strict=True):
            assert found.__cuda_array_interface__["strides"] == (pitch, 1)
            np.testing.assert_array_equal(np.asarray(found), plane)
        np.testing.assert_array_equal(frame.to_bgr(), Nv12Frame(*planes).to_bgr())
        del frame, found
    assert not np.array_equal(wanted[0][0], wanted[2][0])
    assert next(frames, None) is None


def test_a_live_pipeline_that_ends_has_gone_away(open_stream):
    frames = open_stream(
        f"{moving().replace('videotestsrc', 'videotestsrc is-live=true', 1)} ! {LINEAR} ! {END}"
    )
    with pytest.raises(SourceError, match=r"has ended$"):
        list(frames)


def test_a_frame_is_given_back_when_it_is_dropped_and_in_order(jetson, open_stream):
    frames = open_stream(f"{moving()} ! {LINEAR} ! {END}")
    first, _ = next(frames)
    kinds, numbers = zip(*jetson.notes(), strict=True)
    assert (kinds, set(numbers)) == (TAKEN, {numbers[0]})
    second, _ = next(frames)
    assert [kind for kind, _ in jetson.notes()] == [*TAKEN]
    luma = first.luma
    del first
    gc.collect()
    assert jetson.notes() == []  # a plane keeps its frame
    del luma
    gc.collect()
    assert jetson.notes() == [(kind, numbers[0]) for kind in GIVEN_BACK]
    kept = np.asarray(second.luma).copy()
    frames.close()
    gc.collect()
    assert {kind for kind, _ in jetson.notes()} <= {"return"}  # of one that nobody has seen
    np.testing.assert_array_equal(np.asarray(second.luma), kept)  # it outlives the pipeline


def test_who_keeps_frames_leaves_the_pipeline_some(jetson, open_stream, tmp_path):
    """The image processor copies those beyond three, into surfaces that are used again."""

    def done():  # but for what GStreamer gives back when it likes
        return tuple(kind for kind, _ in jetson.notes() if kind != "return")

    pipeline = moving(count=12)
    wanted = list(raw_planes(pipeline, 200, 91, tmp_path))
    frames = open_stream(f"{pipeline} ! {LINEAR} ! {END}")
    kept = [next(frames)[0] for _ in range(5)]
    assert done() == TAKEN * 3 + ("create", *TAKEN, "transform") * 2
    for frame, (luma, chroma) in zip(kept, wanted, strict=False):
        np.testing.assert_array_equal(np.asarray(frame.luma), luma)
        np.testing.assert_array_equal(np.asarray(frame.chroma), chroma)
    del frame, kept[3:]
    gc.collect()
    sixth, _ = next(frames)
    assert done() == ("transform",)
    np.testing.assert_array_equal(np.asarray(sixth.luma), wanted[5][0])
    del kept[0]
    gc.collect()
    assert done() == GIVEN_BACK[:2]
    seventh, _ = next(frames)
    assert done() == TAKEN
    np.testing.assert_array_equal(np.asarray(seventh.luma), wanted[6][0])
    frames.close()


@pytest.mark.parametrize("converter", [LINEAR, BLOCK_LINEAR])
def test_memory_is_flat(jetson, open_stream, converter):
    alive = set()
    for frame, _ in take(open_stream(f"{moving(64, 48, count=200)} ! {converter} ! {END}"), 199):
        assert frame.shape == (48, 64)
        del frame
        alive.add(jetson.alive())
    assert max(alive) <= 5  # the pipeline has some on the way
    taken = [kind for kind, _ in jetson.notes()]
    assert taken.count("create") == (converter == BLOCK_LINEAR)


def take(frames, count):
    for _ in range(count):
        yield next(frames)
    frames.close()


@pytest.mark.parametrize(
    ("stated", "surface", "matrix", "full_range"),
    [
        ("bt601", 6, "bt601", False),
        ("bt709", 6, "bt709", False),
        ("1:4:7:1", 6, "bt601", True),
        ("1:3:5:1", 7, "bt709", True),
        (None, 6, "bt601", False),  # what is usual at this height
        (None, 7, "bt601", True),
        (None, 33, "bt709", False),
        (None, 34, "bt709", True),
    ],
)
@pytest.mark.usefixtures("jetson")
def test_colours_are_those_of_the_caps_or_else_of_the_surface(stated, surface, matrix, full_range):
    pipeline = moving(more=f",colorimetry={stated}" if stated else "")
    words = f"{pipeline} ! {LINEAR} color-format={surface}".split()
    frame, _ = next(NvmmStream(words, "these", 0).frames())
    assert (frame.matrix, frame.full_range) == (matrix, full_range)


@pytest.mark.parametrize(
    ("surface", "message"),
    [
        (36, r"^these: expected the colours of BT\.601 or BT\.709, found bt2020"),
        (19, r"^these: expected surfaces in NV12 of 8 bits, found NvBufSurface's colour format 19; end the"),
    ],
)
@pytest.mark.usefixtures("jetson")
def test_what_is_not_nv12_in_these_colours(surface, message):
    words = f"{moving()} ! {LINEAR} color-format={surface}"
    with pytest.raises(SourceError, match=message):
        next(NvmmStream(words.split(), "these", 0).frames())


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        ("nosuchelement ! videoconvert", "nosuchelement"),
        ("videotestsrc ! nosuchfilter", "nosuchfilter"),
        (f"filesrc location=/nothing/here ! {LINEAR}", "(?:could not open|no such|not exist|Resource)"),
        (moving(), r"expected video/x-raw\(memory:NVMM\), format=NV12, found video/x-raw, .*NV12.* end the "),
        (
            f"{moving()} ! videoconvert ! video/x-raw,format=RGB",
            r"found video/x-raw, .*format=\(string\)RGB; end the",
        ),
        ("audiotestsrc num-buffers=1", "found audio/x-raw"),
    ],
)
@pytest.mark.usefixtures("jetson")
def test_faults_are_one_line(pipeline, message):
    with pytest.raises(SourceError, match=rf"^these: .*{message}") as error:
        next(NvmmStream(pipeline.split(), "these", 0).frames())
    assert "\n" not in str(error.value)


def test_an_element_that_fails_later(jetson, pull):
    capture = jetson.nvmm.Capture(f"{moving(count=-1)} ! identity error-after=3 ! {LINEAR}".split())
    with pytest.raises(jetson.nvmm.CaptureError, match=r"^Failed after iterations"):
        _pull_on(capture, pull)


def _pull_on(capture, pull):
    """Pull until the pipeline fails, which may be before the frames in front of the failure are pulled."""
    for _ in range(4):
        pull(capture)


def test_silence(jetson, pull):
    capture = jetson.nvmm.Capture(f"{moving(count=-1)} ! valve drop=true ! {LINEAR}".split())
    with pytest.raises(jetson.nvmm.CaptureError, match=r"^gave no frame for 0\.2 seconds$"):
        pull(capture, 0.2)
    capture.close()


@pytest.mark.parametrize(
    ("function", "converter"),
    [
        ("NvBufSurfaceMapEglImage", LINEAR),
        ("cuGraphicsEGLRegisterImage", LINEAR),
        ("cuGraphicsResourceGetMappedEglFrame", LINEAR),
        ("NvBufSurfaceCreate", BLOCK_LINEAR),
        ("NvBufSurfaceMapEglImage", BLOCK_LINEAR),
        ("NvBufSurfTransform", BLOCK_LINEAR),
    ],
)
def test_a_library_that_fails_leaves_nothing_behind(jetson, pull, function, converter):
    """The end of the fixture counts."""
    capture = jetson.nvmm.Capture(f"{moving(count=-1)} ! {converter}".split())
    pull(capture)
    jetson.fail(function)
    if converter == BLOCK_LINEAR:
        kept = []
        jetson.fail()
        kept.append(pull(capture))
        jetson.fail(function)
    with pytest.raises(jetson.nvmm.CaptureError, match=rf"{function}.*; leave out memory:NVMM"):
        pull(capture)


def test_without_a_context_nothing_is_mapped(jetson):
    capture = jetson.nvmm.Capture(f"{moving()} ! {LINEAR}".split())
    with pytest.raises(jetson.nvmm.CaptureError, match=r"cuGraphicsEGLRegisterImage: error 201"):
        capture.pull(10.0)


@pytest.mark.parametrize(
    "pipeline",
    [
        "csi://1?width=1920&height=1080&fps=60",
        "videotestsrc ! nvvidconv ! video/x-raw(memory:NVMM),format=NV12",
        "videotestsrc ! nvvidconv ! 'video/x-raw(memory:NVMM), width=64, format=(string)NV12' ! appsink",
    ],
)
def test_the_extension_is_for_nv12_in_nvmm_on_a_gpu(jetson, monkeypatch, pipeline):  # noqa: ARG001
    source = open_source(pipeline)
    stream = read_on_gpu(source, 0)
    assert isinstance(stream, NvmmStream)
    assert (stream.name, stream.live) == (source.name, True)
    assert "nvvidconv" not in stream._pipeline[-1]
    assert stream._pipeline[-1].startswith("video/x-raw(memory:NVMM)")
    # Elsewhere the frames come to the host.
    assert read_on_gpu(source, None) is source
    assert " ! nvvidconv ! videoconvert ! " in " ".join(source._arguments)
    monkeypatch.setitem(sys.modules, "aernet._nvmm", None)
    assert read_on_gpu(source, 0) is source


@pytest.mark.parametrize(
    "pipeline",
    [
        "videotestsrc ! nvvidconv ! video/x-raw(memory:NVMM),format=RGBA",
        "videotestsrc ! nvvidconv ! video/x-raw(memory:NVMM),format=NV12 ! nvvidconv ! video/x-raw,width=64",
        "videotestsrc ! video/x-raw,format=NV12",
        "test://",
    ],
)
@pytest.mark.usefixtures("jetson")
def test_other_sources_stay_what_they_are(pipeline):
    source = open_source(pipeline)
    assert read_on_gpu(source, 0) is source


def test_why_the_extension_is_not_used(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "aernet._nvmm", None)
    assert absent_because() == "not in this build"
    monkeypatch.delitem(sys.modules, "aernet._nvmm")
    (tmp_path / "_nvmm.py").write_text("raise ImportError('libnvbufsurface.so.1.0.0: cannot open')")
    monkeypatch.setattr(aernet, "__path__", [str(tmp_path)])
    assert absent_because() == "cannot be loaded (libnvbufsurface.so.1.0.0: cannot open)"
