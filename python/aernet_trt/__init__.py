"""The program `aernet-trt`; apart from `aernet`, because any import of that takes a moment."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line, which Ctrl-C ends without a word as long as there is nothing to tidy up."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from aernet.cli import main  # noqa: PLC0415 - as above

    main()
