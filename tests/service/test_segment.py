"""What a picture gets."""

from __future__ import annotations

import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor

import cv2
import geojson
import httpx
import numpy as np
import pytest
import shapely
from dicom_objects import content, example, photograph

from aernet import Segmenter
from aernet.pictures import read_picture
from aernet.service import Service


def test_the_mask_is_the_segmenter_s(client, segmenter, examples, decoded):
    for path in examples:
        mask = decoded(client.post("/segment", content=path.read_bytes()))
        np.testing.assert_array_equal(mask, segmenter(path).mask)
    assert mask.any()


def test_every_file_that_a_picture_may_be(client, segmenter, examples, decoded):
    picture = read_picture(examples[-1])
    for suffix in (".png", ".tiff", ".webp", ".bmp", ".ppm"):
        data = cv2.imencode(suffix, picture, [cv2.IMWRITE_WEBP_QUALITY, 101] if suffix == ".webp" else [])[1]
        answer = client.post("/segment", content=data.tobytes(), headers={"Content-Type": "image/x-any"})
        np.testing.assert_array_equal(decoded(answer), segmenter(picture).mask)


def test_a_form_serves_as_well_and_does_not_touch_a_disk(
    client, segmenter, examples, picture, decoded, monkeypatch
):
    def refuse(*_arguments):
        raise AssertionError("written to a disk")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", refuse)
    mask = segmenter(examples[-1]).mask
    large = picture + bytes(3_000_000)  # beyond the megabyte that Starlette keeps in memory
    for body in (picture, large):
        files = {"anything": ("picture.jpg", body, "image/jpeg")}
        answer = client.post("/segment", files=files, data={"note": "x"})
        np.testing.assert_array_equal(decoded(answer), mask)


def test_json_tells_of_the_mask(client, segmenter, examples, picture):
    result = segmenter(examples[-1])
    answer = client.post("/segment?format=json", content=picture)
    assert answer.headers["content-type"] == "application/json"
    facts = answer.json()
    drawn = np.zeros_like(result.mask)
    cv2.drawContours(drawn, [np.array(border) for border in facts["contours"]], -1, 255, cv2.FILLED)
    expected = np.zeros_like(result.mask)
    cv2.drawContours(expected, result.contours(), -1, 255, cv2.FILLED)
    np.testing.assert_array_equal(drawn, expected)
    assert (facts["height"], facts["width"]) == result.mask.shape
    assert facts["area_fraction"] == pytest.approx(np.count_nonzero(result.mask) / result.mask.size, rel=1e-5)
    assert facts["model"] == "dark"
    assert facts["threshold"] == 0.4
    assert facts["expected_dice"] is None
    assert facts["needs_review"] is None


def test_geojson_has_the_mask_s_area(client, segmenter, examples, picture):
    answer = client.post("/segment?format=geojson", content=picture)
    assert answer.headers["content-type"] == "application/geo+json"
    collection = geojson.loads(answer.text)
    assert collection.is_valid
    (feature,) = collection["features"]
    mask = segmenter(examples[-1]).mask
    assert shapely.geometry.shape(feature["geometry"]).area == np.count_nonzero(mask)
    assert feature["properties"]["measurements"]["width"] == mask.shape[1]


def test_a_dicom_photograph_is_answered_in_millimetres(client, segmenter):
    data = content(photograph(example(), PixelSpacing=["0.02", "0.02"]))
    facts = client.post("/segment?format=json", content=data).json()
    pixels = np.count_nonzero(segmenter(example()).mask)
    assert pixels > 0
    assert facts["area_mm2"] == pytest.approx(pixels * 0.02**2, rel=1e-4)
    collection = client.post("/segment?format=geojson", content=data).json()
    assert collection["features"][0]["properties"]["measurements"]["area_mm2"] == facts["area_mm2"]


def test_a_spacing_that_is_none_is_refused_where_it_is_wanted(client, segmenter, decoded):
    data = content(photograph(example(), PixelSpacing=["0", "0.02"]))
    mask = decoded(client.post("/segment", content=data))
    np.testing.assert_array_equal(mask, segmenter(example()).mask)
    answer = client.post("/segment?format=json", content=data)
    assert answer.status_code == 422
    assert answer.text.startswith("picture: its Pixel Spacing is 0 x 0.02 mm")


def test_json_tells_how_far_to_trust_a_calibrated_model(examples, picture):
    with Segmenter("aernet", device="cpu") as segmenter, Service(segmenter, port=0) as service:
        facts = httpx.post(f"{service.url}segment?format=json", content=picture, timeout=60).json()
        result = segmenter(examples[-1])
    assert facts["expected_dice"] == pytest.approx(result.expected_dice, abs=1e-4)
    assert facts["needs_review"] == result.needs_review


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "image/png"),
        ("*/*", "image/png"),
        ("image/*", "image/png"),
        ("application/json", "application/json"),
        ("application/geo+json", "application/geo+json"),
        ("text/html, application/*;q=0.8", "application/json"),
        ("image/png;q=0.5, application/json", "application/json"),
        ("application/json;q=0.2, */*;q=0.1", "application/json"),
        ("image/png;q=0, */*", "application/json"),
        ("APPLICATION/JSON; charset=utf-8", "application/json"),
    ],
)
def test_the_client_chooses_the_format(client, picture, accept, kind):
    answer = client.post("/segment", content=picture, headers={} if accept is None else {"Accept": accept})
    assert answer.headers["content-type"] == kind


def test_the_address_comes_before_the_header(client, picture):
    answer = client.post("/segment?format=png", content=picture, headers={"Accept": "application/json"})
    assert answer.headers["content-type"] == "image/png"


@pytest.mark.parametrize("batch", [None, 4])
def test_concurrent_requests_get_their_own_masks(segmenter, examples, batch, monkeypatch):
    """As many as may wait; runs of several pictures are tried as well as of one."""
    expected = [segmenter(path).mask for path in examples]
    contents = [path.read_bytes() for path in examples]

    async def ask(address):
        limits = httpx.Limits(max_connections=64)
        async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as client:
            return await asyncio.gather(
                *(client.post("/segment", content=contents[index % len(contents)]) for index in range(64))
            )

    if batch is not None:
        monkeypatch.setattr(segmenter.runner, "useful_batch", batch)
    with Service(segmenter, port=0) as service:
        answers = asyncio.run(ask(service.url))
        figures = httpx.get(f"{service.url}metrics", timeout=20).text
    for index, answer in enumerate(answers):
        mask = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(mask, expected[index % len(expected)])
    counted = dict(line.split(" ") for line in figures.splitlines() if not line.startswith("#"))
    assert float(counted["aernet_pictures_total"]) == 64
    if batch is None:
        assert float(counted["aernet_batches_total"]) == 64
    else:
        assert 16 <= float(counted["aernet_batches_total"]) < 64


def test_threads_of_the_same_process_may_ask_too(client, segmenter, examples, decoded):
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda path: client.post("/segment", content=path.read_bytes()), examples * 4)
        for path, answer in zip(examples * 4, answers, strict=True):
            np.testing.assert_array_equal(decoded(answer), segmenter(path).mask)
