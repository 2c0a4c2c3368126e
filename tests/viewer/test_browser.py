"""The page in a real browser."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import signal
import zipfile
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from playwright.sync_api import expect, sync_playwright

from aernet.viewer import Viewer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]

MILLISECONDS = 30_000  # that a busy machine may take


@pytest.fixture(scope="module")
def browser():
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Open a page in a browser of its own; what it complains of is in `complaints`."""
    contexts = []

    def open_page(address, **how):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | how)
        contexts.append(context)
        context.set_default_timeout(MILLISECONDS)
        page = context.new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: page.complaints.append(message.text) if message.type != "log" else None,
        )
        page.goto(address)
        expect(page.get_by_role("button", name="Freeze")).to_be_enabled()
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(viewer, open_page):
    page = open_page(viewer.url)
    yield page
    assert page.complaints == []


def pixels(page, selector="#live .picture"):
    """Return what a canvas shows, BGRA."""
    address = page.eval_on_selector(selector, "canvas => canvas.toDataURL('image/png')")
    content = np.frombuffer(base64.b64decode(address.partition(",")[2]), np.uint8)
    return cv2.imdecode(content, cv2.IMREAD_UNCHANGED)


def screen(page):
    """Return the live picture as it is on the screen, with what is over it, BGR."""
    content = page.locator("#live .pane").screenshot(type="png")
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)


def wait_for_change(page, selector="#live .picture"):
    before = page.eval_on_selector(selector, "canvas => canvas.toDataURL()")
    page.wait_for_function(
        "([selector, before]) => document.querySelector(selector).toDataURL() !== before",
        arg=[selector, before],
    )


def bgr(picture):
    return np.ascontiguousarray(picture[:, :, :3])


def read(download):
    return Path(download.path()).read_bytes()


def read_snapshot(download):
    with zipfile.ZipFile(io.BytesIO(read(download))) as archive:
        assert archive.testzip() is None
        pictures = [
            cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_UNCHANGED)
            for name in ("picture.png", "mask.png")
        ]
        return *pictures, json.loads(archive.read("result.json"))


def freeze(page):
    page.get_by_role("button", name="Freeze").click()
    expect(page.get_by_role("button", name="Freeze")).to_have_attribute("aria-pressed", "true")


def resume(page):
    page.get_by_role("button", name="Freeze").click()
    expect(page.get_by_role("button", name="Freeze")).to_have_attribute("aria-pressed", "false")


def save(page, button):
    with page.expect_download() as waiting:
        button.click()
    return waiting.value


def test_the_picture_moves_and_tells_how_it_is_going(page, segmenter):
    for _ in range(3):
        wait_for_change(page)
    assert pixels(page).shape == (180, 320, 4)
    assert bgr(pixels(page)).std() > 10
    expect(page.locator("#model")).to_have_text("dark 1.2")
    expect(page.locator("#device")).to_have_text(f"{segmenter.device}, {segmenter.runtime}")
    expect(page.locator("#latency_ms_p50")).to_have_text(re.compile(r"^[\d.]+ ms$"))
    expect(page.locator("#latency_ms_p99")).to_have_text(re.compile(r"^[\d.]+ ms$"))
    expect(page.locator("#fps")).to_have_text(re.compile(r"^[\d.]+$"))
    expect(page.locator("#area")).to_have_text(re.compile(r"^([\d,]+ px|-)$"))
    expect(page.locator("#diameter")).to_have_text(re.compile(r"^(\d+ px|-)$"))
    expect(page.locator("#dropped")).to_have_text(re.compile(r"^\d+$"))
    expect(page.get_by_role("status")).to_have_text(
        re.compile("^(lesion|no lesion|hold still|out of focus|glare|not skin)$")
    )
    expect(page.get_by_text("Not a medical device")).to_have_count(1)


def test_the_outline_runs_around_the_mask(page):
    freeze(page)
    picture, mask, _facts = read_snapshot(save(page, page.get_by_role("button", name="Save snapshot")))
    page.get_by_label("Opacity").fill("100")
    seen = screen(page)
    green = cv2.inRange(seen, (60, 235, 60), (100, 255, 100))
    width, height = seen.shape[1], seen.shape[0]
    whole = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
    whole = cv2.copyMakeBorder(whole, 1, 1, 1, 1, cv2.BORDER_CONSTANT)  # a mask ends where the frame does
    edge = cv2.morphologyEx(whole, cv2.MORPH_GRADIENT, np.ones((13, 13), np.uint8))[1:-1, 1:-1]
    assert cv2.countNonZero(green) > 500
    assert np.count_nonzero(green & edge) / cv2.countNonZero(green) > 0.95
    page.get_by_label("Nothing").check()
    bare = screen(page)
    assert cv2.countNonZero(cv2.inRange(bare, (60, 235, 60), (100, 255, 100))) == 0
    assert cv2.PSNR(cv2.resize(picture, (width, height)), bare) > 25


def test_the_heat_map_is_the_probability(page, segmenter):
    expect(page.locator("#live .heat")).not_to_be_visible()
    page.get_by_label("Heat map").check()
    expect(page.locator("#live .heat")).to_be_visible()
    expect(page.locator("#live .outline")).not_to_be_visible()
    freeze(page)
    picture, _mask, _facts = read_snapshot(save(page, page.get_by_role("button", name="Save snapshot")))
    alpha = pixels(page, "#live .heat")[:, :, 3] / 255
    assert np.abs(alpha - segmenter(picture).probability).mean() < 0.02
    assert alpha.max() > 0.5
    page.get_by_label("Outline").check()
    expect(page.locator("#live .outline")).to_be_visible()
    expect(page.locator("#live .heat")).not_to_be_visible()


def test_the_opacity_is_set_by_keyboard(page):
    page.get_by_label("Opacity").focus()
    page.keyboard.press("Home")
    expect(page.locator("#live .outline")).to_have_css("opacity", "0")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#live .outline")).to_have_css("opacity", "0.01")


def test_freezing_holds_the_picture_and_saves_what_it_shows(page, segmenter):
    freeze(page)
    still = pixels(page)
    page.wait_for_timeout(1000)
    np.testing.assert_array_equal(pixels(page), still)
    download = save(page, page.get_by_role("button", name="Save snapshot"))
    picture, mask, facts = read_snapshot(download)
    assert download.suggested_filename == f"aernet-{facts['frame']:06}.zip"
    assert cv2.PSNR(picture, bgr(still)) > 28
    np.testing.assert_array_equal(mask, segmenter(picture).mask)
    assert cv2.countNonZero(mask) > 0
    np.testing.assert_array_equal(pixels(page), still)
    resume(page)
    wait_for_change(page)


def test_a_snapshot_of_the_live_picture_is_one_that_was_seen(page, segmenter):
    for _ in range(3):
        picture, mask, facts = read_snapshot(save(page, page.get_by_role("button", name="Save snapshot")))
        assert picture.shape == (180, 320, 3)
        np.testing.assert_array_equal(mask, segmenter(picture).mask)
        assert facts["state"] in {"lesion", "no lesion", "hold still", "out of focus", "glare", "not skin"}
    wait_for_change(page)


def test_two_frozen_frames_stand_side_by_side(page):
    expect(page.locator("#frozen")).to_be_hidden()
    for _ in range(3):
        freeze(page)
        still = pixels(page)
        resume(page)
        wait_for_change(page)
    figures = page.locator("#frozen figure")
    expect(figures).to_have_count(2)
    left, right = (figures.nth(index).bounding_box() for index in range(2))
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= right["x"]
    np.testing.assert_array_equal(pixels(page, "#frozen figure:last-child .picture"), still)
    picture, _mask, facts = read_snapshot(save(page, figures.nth(1).get_by_role("button", name="Save")))
    assert cv2.PSNR(picture, bgr(still)) > 28
    expect(figures.nth(1).locator("figcaption")).to_contain_text(f"Frame {facts['frame']},")
    figures.nth(0).get_by_role("button", name="Remove").click()
    expect(figures).to_have_count(1)
    expect(figures.locator("figcaption")).to_contain_text(f"Frame {facts['frame']},")
    expect(page.get_by_role("button", name="Freeze")).to_be_focused()


def test_a_recording_is_made_and_had(page, open_page, viewer):
    other = open_page(viewer.url)
    page.get_by_role("button", name="Record").click()
    expect(page.get_by_role("button", name="Record")).to_have_attribute("aria-pressed", "true")
    expect(other.get_by_role("button", name="Record")).to_have_attribute("aria-pressed", "true")
    for _ in range(8):
        wait_for_change(page)
    other.get_by_role("button", name="Record").click()
    link = page.locator("#recordings a")
    expect(link).to_have_count(1)
    expect(page.get_by_role("button", name="Record")).to_have_attribute("aria-pressed", "false")
    download = save(page, link)
    assert re.fullmatch(r"aernet-\d{8}-\d{6}-1\.mp4", download.suggested_filename)
    with av.open(io.BytesIO(read(download))) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    assert len(frames) >= 5
    assert frames[0].shape == (180, 320, 3)
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 0
    assert other.complaints == []


def test_a_second_click_at_once_ends_the_recording(page):
    with page.expect_response(lambda response: response.request.method == "DELETE") as ended:
        page.get_by_role("button", name="Record").dblclick()
    assert ended.value.ok
    expect(page.get_by_role("button", name="Record")).to_have_attribute("aria-pressed", "false")


def test_a_snapshot_that_failed_is_asked_for_again(page):
    asked = []

    def answer(route):
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=503, body="not now")
        else:
            route.continue_()

    page.route("**/snapshot/*", answer)
    page.get_by_role("button", name="Freeze").click()
    expect(page.locator("#message")).to_have_text("not now")
    page.complaints.clear()  # the browser's own, of the status
    save(page, page.locator("#frozen figure").get_by_role("button", name="Save"))
    assert len(asked) == 2


def test_it_comes_back_by_itself_after_a_restart(pipeline, folder, open_page):
    with Viewer(pipeline, port=0, folder=folder) as viewer:
        page = open_page(viewer.url)
        wait_for_change(page)
    expect(page.get_by_role("status")).to_have_text("not connected; trying again")
    expect(page.get_by_role("button", name="Record")).to_be_disabled()
    with Viewer(pipeline, port=viewer.port, folder=folder):
        expect(page.get_by_role("status")).not_to_have_text("not connected; trying again")
        wait_for_change(page)
        expect(page.get_by_role("button", name="Record")).to_be_enabled()
    # Of the time between, the browser itself says that there was nobody.
    assert all("WebSocket connection to" in complaint for complaint in page.complaints)


def test_it_gives_up_a_server_that_says_nothing_and_comes_back(start, model, open_page):
    source = "test://?width=320&height=180&fps=10"
    with start("live", source, "--model", model, "--view", "web", "--port", 0) as process:
        try:
            page = open_page(process.stderr.readline().removeprefix("open ").strip())
            process.send_signal(signal.SIGSTOP)
            expect(page.get_by_role("status")).to_have_text("not connected; trying again")
            process.send_signal(signal.SIGCONT)
            expect(page.get_by_role("status")).not_to_have_text("not connected; trying again")
            wait_for_change(page)
        finally:
            process.kill()


def test_a_frozen_frame_outlives_the_server(pipeline, folder, open_page):
    with Viewer(pipeline, port=0, folder=folder) as viewer:
        page = open_page(viewer.url)
        freeze(page)
        read_snapshot(save(page, page.get_by_role("button", name="Save snapshot")))
    expect(page.get_by_role("status")).to_have_text("not connected; trying again")
    picture, mask, _facts = read_snapshot(save(page, page.get_by_role("button", name="Save snapshot")))
    assert picture.shape[:2] == mask.shape


def test_the_token_leaves_the_address_and_opens_all(pipeline, folder, open_page):
    with Viewer(pipeline, host="0.0.0.0", port=0, folder=folder) as viewer:
        token = viewer.url.partition("?token=")[2]
        page = open_page(f"http://127.0.0.1:{viewer.port}/?token={token}")
        assert page.evaluate("location.href") == f"http://127.0.0.1:{viewer.port}/"
        assert page.evaluate("document.cookie") == ""
        wait_for_change(page)
        read_snapshot(save(page, page.get_by_role("button", name="Save snapshot")))
        page.reload()
        expect(page.get_by_role("button", name="Freeze")).to_be_enabled()
        assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_can_be_read(viewer, open_page, scheme):
    page = open_page(viewer.url, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    freeze(page)
    expect(page.locator("#frozen figure")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    colours = page.evaluate(
        """() => ["body", "#state", "#freeze", "#snapshot", "dt", "dd", "figcaption"].map((selector) => {
            const style = (element) => getComputedStyle(element);
            let ground = document.querySelector(selector);
            const text = style(ground).color;
            while (style(ground).backgroundColor === "rgba(0, 0, 0, 0)") ground = ground.parentElement;
            return [text, style(ground).backgroundColor];
        })"""
    )
    for pair in colours:
        text, ground = (luminance(colour) for colour in pair)
        # WCAG 2.2, 1.4.3
        assert (max(text, ground) + 0.05) / (min(text, ground) + 0.05) >= 4.5
    dark = luminance(page.eval_on_selector("body", "body => getComputedStyle(body).backgroundColor")) < 0.2
    assert dark == (scheme == "dark")
    assert page.complaints == []


def luminance(colour):
    """Return the relative luminance of `rgb(...)`, WCAG 2.2."""
    channels = np.array([int(number) for number in re.findall(r"\d+", colour)[:3]]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_everything_is_reached_by_keyboard_with_the_focus_in_sight(page):
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "() => [document.activeElement.id || document.activeElement.name,"
            " getComputedStyle(document.activeElement).outlineWidth]"
        )
        if name in reached or not name:
            break
        reached.append(name)
        assert outline == "3px"
    assert reached == ["freeze", "snapshot", "record", "overlay", "opacity"]
    page.get_by_role("button", name="Freeze").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Freeze")).to_have_attribute("aria-pressed", "true")


def test_a_screen_reader_finds_names_and_news(page):
    expect(page.get_by_role("status")).to_have_attribute("aria-live", "polite")
    expect(page.get_by_role("img", name="Live picture")).to_be_visible()
    expect(page.get_by_role("group", name="Over the picture")).to_be_visible()
    expect(page.get_by_role("slider", name="Opacity")).to_be_visible()
    for name in ("Outline", "Heat map", "Nothing"):
        expect(page.get_by_role("radio", name=name)).to_be_visible()
    assert page.get_attribute("html", "lang") == "en"
    assert page.locator("h1").count() == 1
