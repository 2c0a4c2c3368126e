"""The commands of `aernet-trt`; any error in a command becomes one line on stderr."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import cv2
import typer
from typer.core import TyperGroup

from aernet.cli.benchmark import benchmark
from aernet.cli.build_engine import build_engine
from aernet.cli.calibrate import calibrate
from aernet.cli.data import data
from aernet.cli.doctor import doctor
from aernet.cli.evaluate import evaluate
from aernet.cli.export import export
from aernet.cli.inspect import inspect
from aernet.cli.live import live
from aernet.cli.models import models
from aernet.cli.reproduce import reproduce
from aernet.cli.segment import segment
from aernet.cli.train import train
from aernet.cli.verify import verify
from aernet.errors import AernetError

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTERRUPTED = 130  # 128 + SIGINT, as in shells


@contextmanager
def _one_line_errors(*, debug: bool) -> Iterator[None]:
    try:
        yield
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except KeyboardInterrupt:
        raise _failed("interrupted; all finished outputs are complete", _INTERRUPTED) from None
    except Exception as error:
        if hasattr(error, "format_message"):  # a usage error of Typer, whose class is not public
            raise _failed(f"{error.format_message().rstrip('.')}; see --help", 2) from None
        if debug:
            raise
        if isinstance(error, (AernetError, OSError)):
            raise _failed(str(error), 1) from None
        raise _failed(f"{type(error).__name__}: {error} (--debug shows where)", 1) from None


def _failed(message: str, status: int) -> typer.Exit:
    typer.echo(f"aernet-trt: {' '.join(message.split())}", err=True)
    return typer.Exit(status)


class _Commands(TyperGroup):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with _one_line_errors(debug=False):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        with _one_line_errors(debug=ctx.params["debug"]):
            return super().invoke(ctx)


app = typer.Typer(
    cls=_Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"max_content_width": 100},
)
for command in (
    segment,
    live,
    evaluate,
    train,
    reproduce,
    calibrate,
    export,
    build_engine,
    inspect,
    verify,
    benchmark,
    models,
    doctor,
):
    app.command()(command)
app.add_typer(data)


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,  # noqa: ARG001 - for _Commands
) -> None:
    """Find the lesion in dermoscopic pictures. Not a medical device."""
    # OpenCV would log a second message about a picture that it cannot read.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def main() -> None:
    """Run the command line."""
    app()
