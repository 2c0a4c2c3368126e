"""`aernet-trt serve`."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from aernet.cli.options import Border, Device, Model, Threshold
from aernet.models import DEFAULT
from aernet.regions import Keep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SHORTEST_TOKEN = 32  # characters
_GLANCE_SECONDS = 0.1  # between looks for a Ctrl-C


def serve(
    host: Annotated[
        str,
        typer.Option(help="Address to listen at. If other machines reach it, clients need a token."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any free port.")] = 8500,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="AERNET_TOKEN",
            help="What clients must send; by default one is made and printed where other machines reach the"
            " address. Other users of this machine may see it here, but not in the environment.",
        ),
    ] = None,
    model: Model = DEFAULT,
    device: Device = "auto",
    threshold: Threshold = None,
    border: Border = None,
    keep: Annotated[Keep, typer.Option(help="Keep all regions, or the largest, holes filled.")] = "all",
    megabytes: Annotated[float, typer.Option(min=0.001, max=1e6, help="Largest body of a request.")] = 20,
    megapixels: Annotated[float, typer.Option(min=0.001, max=1e6, help="Largest picture.")] = 50,
    waiting: Annotated[int, typer.Option(min=1, help="Most requests under way; more get a 503.")] = 64,
    seconds: Annotated[
        float, typer.Option(min=0.1, max=86400, help="Longest time for an answer, then comes a 503.")
    ] = 30,
) -> None:
    """Segment pictures over HTTP, until Ctrl-C: POST one to /segment, and get its mask, outline and measures.

    The page at the printed address says how.
    """
    import re

    import numpy as np

    from aernet._native import get_num_threads
    from aernet.segmenter import Segmenter
    from aernet.service import Limits, Service
    from aernet.threads import shared_among

    if token is not None and len(token) < _SHORTEST_TOKEN:
        raise typer.BadParameter(
            f"--token: expected {_SHORTEST_TOKEN} characters at least, found {len(token)}; 'openssl rand -hex"
            " 32' makes one"
        )
    if token is not None and not re.fullmatch(r"[A-Za-z0-9._~-]+", token):
        raise typer.BadParameter(
            "--token: expected letters, digits and . _ ~ -, which an address and a cookie take as they are;"
            " 'openssl rand -hex 32' makes one"
        )
    limits = Limits(round(megabytes * 1e6), round(megapixels * 1e6), waiting, seconds)
    with shared_among(get_num_threads()):  # as many pictures as there are cores go side by side
        opened = Segmenter(model, device, threshold=threshold, border=border, keep=keep)
    with opened as segmenter:
        segmenter(np.zeros((768, 1024, 3), np.uint8))  # the first picture takes no longer than the others
        with (
            _first_ctrl_c() as pressed,
            Service(segmenter, host, port, token=token, limits=limits) as service,
        ):
            typer.echo(f"open {service.url if token is None else service.url.partition('?')[0]}", err=True)
            while not pressed():
                time.sleep(_GLANCE_SECONDS)
            typer.echo("aernet-trt: finishing what is under way; Ctrl-C again ends it at once", err=True)


@contextmanager
def _first_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Yield whether there was a Ctrl-C or SIGTERM; a second one raises KeyboardInterrupt."""
    import signal

    pressed: list[object] = []  # a lock might be held by the thread that a handler interrupts

    def press(number: int, _frame: object) -> None:
        pressed.append(number)
        for each in before:
            signal.signal(each, signal.default_int_handler)

    before = {number: signal.signal(number, press) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(pressed)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
