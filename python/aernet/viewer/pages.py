"""The answers of the server."""

from __future__ import annotations

import json
from contextlib import suppress
from importlib.resources import files
from typing import TYPE_CHECKING

import anyio
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from aernet.errors import AernetError
from aernet.viewer.snapshot import encode_snapshot

if TYPE_CHECKING:
    from starlette.requests import Request

    from aernet.video import Pipeline
    from aernet.viewer.broadcast import Broadcast, Client
    from aernet.viewer.recorder import Recorder

_STATUS_SECONDS = 0.5
_GONE = (WebSocketDisconnect, RuntimeError)  # uvicorn raises the latter after a missing pong
_FILES = {"/": "index.html", "/viewer.css": "viewer.css", "/viewer.js": "viewer.js"}
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}


class Pages:
    """The page, its stream, snapshots and recordings; no request path is used as the path of a file.

    - `GET /`, `/viewer.css`, `/viewer.js`: the page.
    - `/stream`, a WebSocket: two views as `encode_view` makes them, then one for each message of the page;
      every half second the status, a JSON object.
    - `GET /snapshot/FRAME`: the ZIP that `encode_snapshot` makes of a frame, while a page may show it.
    - `POST /recording`, `DELETE /recording`: start and stop a recording.
    - `GET /recordings/NAME`: a finished recording.
    """

    def __init__(
        self, pipeline: Pipeline, broadcast: Broadcast, recorder: Recorder, mm_per_pixel: float | None = None
    ) -> None:
        self._mm_per_pixel = mm_per_pixel
        self._pipeline = pipeline
        self._broadcast = broadcast
        self._recorder = recorder
        self.app = Starlette(
            routes=[
                *(Route(path, _page(name), methods=["GET"]) for path, name in _FILES.items()),
                WebSocketRoute("/stream", self._stream),
                Route("/snapshot/{frame}", self._snapshot),
                Route("/recording", self._start, methods=["POST"]),
                Route("/recording", self._stop, methods=["DELETE"]),
                Route("/recordings/{name}", self._recording),
            ]
        )

    async def _stream(self, websocket: WebSocket) -> None:
        await websocket.accept()
        with self._broadcast.client() as client:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._send_views, websocket, client)
                tasks.start_soon(self._send_status, websocket)
                while (await websocket.receive())["type"] == "websocket.receive":
                    with suppress(ValueError):  # the page acknowledged more views than were sent
                        client.ready.release()
                tasks.cancel_scope.cancel()

    async def _send_views(self, websocket: WebSocket, client: Client) -> None:
        with suppress(*_GONE):
            while True:
                await client.ready.acquire()
                result, message = await self._broadcast.newest()
                client.results.append(result)
                await websocket.send_bytes(message)

    async def _send_status(self, websocket: WebSocket) -> None:
        with suppress(*_GONE):
            while True:
                await websocket.send_text(json.dumps(self._status()))
                await anyio.sleep(_STATUS_SECONDS)

    def _status(self) -> dict[str, object]:
        status = self._pipeline.status()
        segmenter = self._pipeline.segmenter
        return {
            "state": status.state.value if status.connected else "waiting for the source",
            "fps": round(status.fps, 1),
            "latency_ms_p50": round(status.latency_ms_p50, 1),
            "latency_ms_p99": round(status.latency_ms_p99, 1),
            "dropped": status.dropped,
            "device": f"{segmenter.device}, {segmenter.runtime}",
            "model": f"{segmenter.card.name} {segmenter.card.version}",
            "recording": self._recorder.running,
            "recordings": self._recorder.finished,
            "failure": status.failures[-1] if status.failures else None,
        }

    async def _snapshot(self, request: Request) -> Response:
        frame = request.path_params["frame"]
        result = self._broadcast.find(int(frame)) if frame.isdecimal() and len(frame) < 20 else None
        if result is None:
            raise HTTPException(404, "No page shows that frame any more.")
        segmenter, source = self._pipeline.segmenter, self._pipeline.source.name
        content = await run_in_threadpool(encode_snapshot, result, segmenter, source, self._mm_per_pixel)
        return Response(content, media_type="application/zip")

    async def _start(self, _request: Request) -> Response:
        try:
            await run_in_threadpool(self._recorder.start)
        except AernetError as error:
            raise HTTPException(500, str(error)) from None
        return Response(status_code=204)

    async def _stop(self, _request: Request) -> Response:
        await run_in_threadpool(self._recorder.stop)
        return Response(status_code=204)

    async def _recording(self, request: Request) -> Response:
        path = self._recorder.path(request.path_params["name"])
        if path is None:
            raise HTTPException(404, "There is no such recording.")
        return FileResponse(path, filename=path.name)


def _page(name: str) -> Response:
    content = (files("aernet.viewer") / name).read_bytes()
    return Response(content, media_type=_TYPES[name.rpartition(".")[2]])
