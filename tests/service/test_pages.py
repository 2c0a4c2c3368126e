"""What the service says of itself."""

from __future__ import annotations

import re
import socket

import jsonschema
from openapi_spec_validator import OpenAPIV31SpecValidator
from prometheus_client.parser import text_string_to_metric_families

from aernet import __version__
from aernet.service.answers import FORMATS, MEDIA_TYPES


def test_the_document_is_openapi_and_tells_of_every_address(client):
    document = client.get("/openapi.json").json()
    OpenAPIV31SpecValidator(document).validate()
    assert document["info"]["version"] == __version__
    answers = document["paths"]["/segment"]["post"]["responses"]
    assert set(answers["200"]["content"]) == set(MEDIA_TYPES)
    assert document["components"]["schemas"]["Format"]["enum"] == list(FORMATS)
    for path, methods in document["paths"].items():
        for method in ("get", "post"):
            assert (client.request(method, path).status_code != 405) == (method in methods)
    assert client.get("/docs").status_code == 404


def test_answers_are_as_the_document_says(client, picture):
    document = client.get("/openapi.json").json()
    for name, answer in (
        ("Health", client.get("/healthz")),
        ("Result", client.post("/segment?format=json", content=picture)),
    ):
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer.json())


def test_the_page_names_every_address(client):
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text.count("Not a medical device") == 1
    for path in client.get("/openapi.json").json()["paths"]:
        assert path == "/" or f" {path}</code>" in page.text
    for link in re.findall(r'href="(?!data:)([^"]+)"', page.text):
        assert client.get(link).status_code == 200


def test_health(client, segmenter):
    assert client.get("/healthz").json() == {
        "model": "dark",
        "version": "1.2",
        "revision": "abc1234",
        "device": "cpu",
        "runtime": segmenter.runtime,
        "threshold": 0.4,
        "keep": "all",
    }


def test_prometheus_reads_the_figures(client, picture):
    def read():
        text = client.get("/metrics").text
        return {
            (sample.name, sample.labels.get("status")): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    before = read()
    client.post("/segment", content=picture)
    client.post("/segment", content=b"nonsense")
    after = read()

    def more(name, status=None):
        return after[name, status] - before.get((name, status), 0)

    assert more("aernet_answers_total", "200") == 1
    assert more("aernet_answers_total", "415") == 1
    assert more("aernet_pictures_total") == 1
    assert more("aernet_batches_total") == 1
    assert more("aernet_answer_seconds_count") == 2
    assert after["aernet_requests_under_way", None] == 0


def test_nothing_waits_for_a_client_s_acknowledgement(service, client):
    assert client.get("/healthz").status_code == 200
    connections = service._server._server.server_state.connections
    assert connections
    for connection in connections:
        sock = connection.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
