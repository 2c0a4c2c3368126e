"""What a request asks for, and the picture that it brings."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from aernet.service.answers import FORMATS, MEDIA_TYPES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request

    from aernet.service.answers import Format
    from aernet.service.limits import Limits


# What it says of each malformed form, which the answer tells; else strangers could fill the service's log.
logging.getLogger("python_multipart").addHandler(logging.NullHandler())


def refusal(status: int, words: str, **headers: str) -> HTTPException:
    """Return an answer of one line, in plain text; an underscore in a header's name stands for a hyphen."""
    return HTTPException(
        status, words + "\n", {name.replace("_", "-"): value for name, value in headers.items()}
    )


def wanted_format(request: Request) -> Format:
    """Return the format that `?format=` names, or else the one that `Accept` prefers.

    Raises:
        HTTPException: 400 or 406, there is no such format.
    """
    named = request.query_params.get("format")
    if named is not None:
        for known in FORMATS:
            if named == known:
                return known
        raise refusal(400, f"format: expected one of {', '.join(FORMATS)}, found {named[:40]!r}")
    accepted = ",".join(request.headers.getlist("accept")) or "*/*"
    best = max(MEDIA_TYPES, key=lambda media_type: _preference(media_type, accepted))  # the first of equals
    if _preference(best, accepted) == 0:
        raise refusal(406, f"Accept: expected one of {', '.join(MEDIA_TYPES)}, found {accepted[:80]!r}")
    return MEDIA_TYPES[best]


def _preference(media_type: str, accepted: str) -> float:
    """Return a media type's weight, 0 to 1: that of the most specific range with it (RFC 9110, 12.5.1)."""
    weights: dict[str, float] = {}
    for entry in accepted.split(","):
        media_range, *parameters = (part.strip().lower() for part in entry.split(";"))
        quality = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        try:
            weights[media_range] = float(quality)
        except ValueError:
            weights[media_range] = 0.0
    family = media_type.partition("/")[0]
    ranges = (media_type, f"{family}/*", "*/*")
    return next((weights[one] for one in ranges if one in weights), 0.0)


async def read_picture_file(request: Request, limits: Limits) -> bytes:
    """Return the body, or the first file of a body that is multipart/form-data; it stays in memory.

    Raises:
        HTTPException: 400, 408 or 413, the body is no form, slow, or too large.
    """
    try:
        body = await asyncio.wait_for(_body(request, limits.body_bytes), limits.body_seconds)
    except asyncio.TimeoutError:
        raise refusal(
            408, f"The body was not complete within {limits.body_seconds:g} seconds.", Connection="close"
        ) from None
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await _first_file(request, body)
    return body


async def _body(request: Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:  # one that did not state its length
            raise refusal(413, f"Bodies of more than {most} bytes are refused.", Connection="close")
    return bytes(body)


async def _first_file(request: Request, body: bytes) -> bytes:
    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, whole(), max_files=1, max_fields=10)
    parser.spool_max_size = len(body) + 1  # the picture never touches a disk
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise refusal(400, f"The form cannot be read: {error.message}") from None
    try:
        for _, value in form.multi_items():
            if not isinstance(value, str):
                return await value.read()
    finally:
        await form.close()
    raise refusal(400, "The form has no file; send one, as with curl -F picture=@picture.jpg")
