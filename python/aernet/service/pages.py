"""The answers of the service."""

from __future__ import annotations

import asyncio
import json
import time
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aernet._native import __version__
from aernet.errors import AernetError, FrameError, SourceError
from aernet.measure.row import LESION_COLUMNS
from aernet.pictures.formats import recognise
from aernet.service.answers import MEDIA_TYPES
from aernet.service.requests import read_picture_file, refusal, wanted_format

if TYPE_CHECKING:
    from starlette.requests import Request

    from aernet.segmenter import Segmenter
    from aernet.service.answers import Format
    from aernet.service.limits import Limits
    from aernet.service.meters import Meters
    from aernet.service.worker import Worker

_CLIENT_GONE = 499  # as nginx counts them; nobody receives it
_JSON_TYPES = {bool: "boolean", int: "integer", float: "number"}
_TYPE_OF = {name: media_type for media_type, name in MEDIA_TYPES.items()}


class Pages:
    """The service's addresses.

    - `POST /segment`: a picture, as the body or as the file of a form; its mask in the format asked for.
    - `GET /`: a page that says so. `GET /openapi.json`: the same for programs.
    - `GET /healthz`: what runs, as JSON. `GET /metrics`: figures for Prometheus.
    """

    def __init__(self, segmenter: Segmenter, worker: Worker, limits: Limits, meters: Meters) -> None:
        self._segmenter = segmenter
        self._worker = worker
        self._limits = limits
        self._meters = meters
        self._under_way = 0
        self.app = Starlette(
            routes=[
                Route("/", Response(_file("index.html"), media_type="text/html"), methods=["GET"]),
                Route("/openapi.json", JSONResponse(openapi()), methods=["GET"]),
                Route("/segment", self._measured, methods=["POST"]),
                Route("/healthz", self._health),
                Route("/metrics", self._metrics),
            ]
        )

    async def _health(self, _request: Request) -> Response:
        segmenter = self._segmenter
        card = segmenter.card
        return JSONResponse(
            {
                "model": card.name,
                "version": card.version,
                "revision": card.revision,
                "device": segmenter.device,
                "runtime": segmenter.runtime,
                "threshold": segmenter.threshold,
                "keep": segmenter.keep,
            }
        )

    async def _metrics(self, _request: Request) -> Response:
        return Response(generate_latest(self._meters.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _measured(self, request: Request) -> Response:
        begin, status = time.perf_counter(), 500
        try:
            answer = await self._segment(request)
            status = answer.status_code
        except HTTPException as refused:
            status = refused.status_code
            raise
        except ClientDisconnect:
            status = _CLIENT_GONE
            return Response(status_code=status)
        else:
            return answer
        finally:
            self._meters.answers.labels(str(status)).inc()
            self._meters.seconds.observe(time.perf_counter() - begin)

    async def _segment(self, request: Request) -> Response:
        wanted = wanted_format(request)
        if self._under_way >= self._limits.waiting:
            raise refusal(
                503, f"{self._under_way} requests are under way, the most that are taken.", Retry_After="1"
            )
        self._under_way += 1
        self._meters.under_way.inc()
        try:
            data = await read_picture_file(request, self._limits)
            content = await self._answer(request, data, wanted)
        finally:
            self._under_way -= 1
            self._meters.under_way.dec()
        return Response(content, media_type=_TYPE_OF[wanted])

    async def _answer(self, request: Request, data: bytes, wanted: Format) -> bytes:
        """Wait for the answer, while there is time and somebody to wait for it.

        Raises:
            HTTPException: 415 or 422, there is no picture that can be used; 503, it took too long; 500,
                the device fails.
            ClientDisconnect: the client is gone.
        """
        answer = asyncio.wrap_future(self._worker.submit(data, wanted))
        gone = asyncio.ensure_future(request.receive())  # after the body, nothing but the end is received
        either: set[asyncio.Future[Any]] = {answer, gone}
        try:
            await asyncio.wait(either, timeout=self._limits.seconds, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            if gone.done():
                raise ClientDisconnect
            raise refusal(
                503, f"There was no answer within {self._limits.seconds:g} seconds.", Retry_After="1"
            )
        except (SourceError, FrameError) as error:  # the latter of a side that is too long
            is_of_no_format = data and recognise(data) is None
            raise refusal(415 if is_of_no_format else 422, str(error)) from None
        except AernetError as error:
            raise refusal(500, str(error)) from None
        finally:
            gone.cancel()
            answer.cancel()


def openapi() -> dict[str, Any]:
    """Return the description of the service by OpenAPI 3.1."""
    document: dict[str, Any] = json.loads(_file("openapi.json"))
    document["info"] |= {"version": __version__}
    result = document["components"]["schemas"]["Result"]
    measured = {name: kind for name, kind in LESION_COLUMNS.items() if name not in result["properties"]}
    result["properties"] |= {name: {"type": [_JSON_TYPES[kind], "null"]} for name, kind in measured.items()}
    result["required"] += measured
    return document


def _file(name: str) -> bytes:
    return (files("aernet.service") / name).read_bytes()
