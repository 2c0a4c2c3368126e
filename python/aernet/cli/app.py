"""The commands of `aernet-trt`; any error in a command becomes one line on stderr."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING, Annotated, Any

import cv2
import typer

from aernet import __version__
from aernet.cli.benchmark import benchmark
from aernet.cli.build_engine import build_engine
from aernet.cli.calibrate import calibrate
from aernet.cli.data import data
from aernet.cli.doctor import doctor
from aernet.cli.evaluate import evaluate
from aernet.cli.export import export
from aernet.cli.export_triton import export_triton
from aernet.cli.failures import sentence
from aernet.cli.flags import Command, Group
from aernet.cli.inspect import inspect
from aernet.cli.interruption import STATUS as INTERRUPTED
from aernet.cli.interruption import interruptible, was_interrupted
from aernet.cli.live import live
from aernet.cli.measure import measure
from aernet.cli.models import models
from aernet.cli.quantise import quantise
from aernet.cli.reproduce import reproduce
from aernet.cli.segment import segment
from aernet.cli.serve import serve
from aernet.cli.train import train
from aernet.cli.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def _one_line_errors(*, debug: bool) -> Iterator[None]:
    try:
        yield
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except BaseException as error:
        if was_interrupted(error):
            raise typer.Exit(INTERRUPTED) from None
        if not isinstance(error, Exception):
            raise
        if hasattr(error, "format_message"):  # a usage error of Typer, whose class is not public
            wrong = " ".join(error.format_message().split()).replace("Value error, ", "").rstrip(".")
            raise _failed(
                f"{wrong} See --help" if wrong.endswith("?") else f"{wrong}; see --help", 2
            ) from None
        if debug:
            raise
        raise _failed(sentence(error), 1) from None


def _failed(message: str, status: int) -> typer.Exit:
    typer.echo(f"aernet-trt: {message}", err=True)
    return typer.Exit(status)


class _Commands(Group):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Let --debug stand after the command and its options too."""
        options = args.index("--") if "--" in args else len(args)
        if "--debug" in args[1:options]:
            args = ["--debug", *(text for text in args[:options] if text != "--debug"), *args[options:]]
        with _one_line_errors(debug=False):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        with _one_line_errors(debug=ctx.params["debug"]):
            return super().invoke(ctx)


def _flowing(docstring: str | None) -> str:
    """Return a docstring with each paragraph in one line, which Typer then wraps to the terminal's width."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in (docstring or "").split("\n\n"))


app = typer.Typer(
    cls=_Commands,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for command in (
    segment,
    measure,
    live,
    serve,
    evaluate,
    train,
    quantise,
    reproduce,
    calibrate,
    export,
    export_triton,
    build_engine,
    inspect,
    verify,
    benchmark,
    models,
    doctor,
):
    app.command(cls=Command, help=_flowing(command.__doc__))(command)
app.add_typer(data)


def _tell_version(asked: bool) -> None:  # noqa: FBT001 - Typer's way of calling
    if asked:
        typer.echo(f"aernet-trt {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    debug: Annotated[  # noqa: ARG001 - for _Commands
        bool, typer.Option("--debug", help="Show the traceback of an error; may stand after the command too.")
    ] = False,
    version: Annotated[  # noqa: ARG001 - its callback prints it
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Find the lesion in dermoscopic pictures. Not a medical device."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
    # OpenCV would log a second message about a camera that it cannot open; newer ones have moved the switch.
    silence = cv2.setLogLevel if hasattr(cv2, "setLogLevel") else cv2.utils.logging.setLogLevel
    silence(0)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # some terminals cannot show all that a file's name may hold
            stream.reconfigure(errors="backslashreplace")
    with interruptible():
        try:
            app()
        except BaseException as end:
            # A command ends by SystemExit; what else comes has interrupted Typer before or after it.
            if end.code != INTERRUPTED if isinstance(end, SystemExit) else not was_interrupted(end):
                raise
            typer.echo("aernet-trt: interrupted; all finished outputs are complete", err=True)
            sys.exit(INTERRUPTED)
