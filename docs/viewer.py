"""Photograph the viewer's page: the synthetic dermatoscope in headless Chromium, by Playwright."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect, sync_playwright

from aernet import Segmenter
from aernet.viewer import Viewer

if TYPE_CHECKING:
    from playwright.sync_api import Page

SHOTS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1000, "height": 540}},
    "phone": {"color_scheme": "dark", "viewport": {"width": 360, "height": 760}},
    "frozen": {"color_scheme": "dark", "viewport": {"width": 1000, "height": 540}},
}
SCENE_SECONDS = 8  # after which `test://` shows the next lesion


def freeze_two(page: Page) -> None:
    """Freeze a frame of two lesions."""
    for lesion in range(2):
        page.get_by_role("button", name="Freeze").click()
        if lesion == 0:
            page.get_by_role("button", name="Freeze").click()
            page.wait_for_timeout(SCENE_SECONDS * 1000)
    expect(page.locator("#frozen figure")).to_have_count(2)


def main() -> None:
    """Write `viewer-*.png` beside this file."""
    folder = Path(__file__).parent
    with (
        Segmenter() as segmenter,
        segmenter.stream("test://") as pipeline,
        Viewer(pipeline.start(), port=0) as viewer,
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-background-networking"]
        ) as browser,
    ):
        for name, how in SHOTS.items():
            page = browser.new_page(**how)
            page.goto(viewer.url)
            expect(page.get_by_role("status")).to_have_text("lesion", timeout=30_000)
            if name == "phone":
                page.get_by_label("Heat map").check()
            if name == "frozen":
                freeze_two(page)
            page.screenshot(path=folder / f"viewer-{name}.png", full_page=name == "frozen")
            page.close()


if __name__ == "__main__":
    main()
