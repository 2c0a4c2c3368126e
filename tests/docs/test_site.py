"""The built site has no dead link and nothing from elsewhere, and each page is in reach (`nox -s docs`)."""

from __future__ import annotations

import posixpath
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from public_modules import PUBLIC

FRONT = "docs/index.html"
BY_SPHINX = {"genindex.html", "py-modindex.html", "search.html", "index.html"}


class Page(HTMLParser):
    """A page's text and links: those in its text, all of them, and what the browser loads for it."""

    def __init__(self, text):
        super().__init__()
        self.links, self.read, self.loaded, self.anchors = [], [], [], set()
        self.text = ""
        self._articles = 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self._articles += tag == "article"
        if values.get("id"):
            self.anchors.add(values["id"])
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
            if self._articles:
                self.read.append(values["href"])
        if tag in {"img", "script", "source", "iframe"} and values.get("src"):
            self.loaded.append(values["src"])
        if tag == "link" and values.get("href") and values.get("rel") in {"stylesheet", "icon", "preload"}:
            self.loaded.append(values["href"])

    def handle_data(self, data):
        self.text += data

    def handle_endtag(self, tag):
        self._articles -= tag == "article"


@pytest.fixture(scope="module")
def site(request):
    folder = request.config.getoption("--site")
    if folder is None:
        pytest.skip("no built site: nox -s docs builds it, and gives it as --site")
    return Path(folder)


@pytest.fixture(scope="module")
def pages(site):
    """Every page by its path in the site."""
    found = {
        path.relative_to(site).as_posix(): Page(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
        if path.relative_to(site).parts[0] != "_static"
    }
    assert len(found) > 30
    return found


def target(page, link):
    """Return the file in the site that a link on a page leads to, and the anchor; None for another site."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(parts.path)))
    return (path if parts.path else page), unquote(parts.fragment)


def test_no_link_is_dead(site, pages):
    dead = []
    for name, page in pages.items():
        for link in page.links + page.loaded:
            if (found := target(name, link)) is not None:
                path, anchor = found
                lacks = anchor and path in pages and anchor not in pages[path].anchors
                if not (site / path).is_file() or lacks:
                    dead.append((name, link))
    assert dead == []


def test_nothing_is_loaded_from_elsewhere(site, pages):
    assert [(name, link) for name, page in pages.items() for link in page.loaded if "//" in link] == []
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert "url(http" not in styles
    assert "@import" not in styles


def reached(pages, links):
    """Return how many clicks each page is away from the front page."""
    clicks = {FRONT: 0}
    queue = [FRONT]
    for name in queue:
        for link in links(pages[name]):
            found = target(name, link)
            if found is not None and found[0] in pages and found[0] not in clicks:
                clicks[found[0]] = clicks[name] + 1
                queue.append(found[0])
    return clicks


def test_every_page_is_within_reach(pages):
    assert pages.keys() - reached(pages, lambda page: page.links).keys() - BY_SPHINX == set()


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("docs/jetson.html", "build-engine"),
        ("docs/from-mask-to-report.html", "--table"),
        ("docs/own-pictures.html", "aernet-trt train"),
    ],
    ids=["an engine on a Jetson", "a table of measurements", "a model of one's own"],
)
def test_three_clicks_lead_to(page, words, pages):
    """By the links in the text alone, without the menu."""
    assert reached(pages, lambda page: page.read)[page] <= 3
    assert words in pages[page].text


def test_the_reference_has_every_public_name_and_every_command(pages):
    from typer.main import get_command

    from aernet.cli.app import app

    for module in PUBLIC:
        names = {f"{module}.{name}" for name in __import__(module, fromlist=["__all__"]).__all__}
        assert names - {"aernet.__version__"} <= pages["docs/api.html"].anchors
    commands = {f"aernet-trt-{name}" for name in get_command(app).commands}
    assert commands <= pages["docs/commands.html"].anchors
    assert "<stem>_mask.png" in pages["docs/commands.html"].text
