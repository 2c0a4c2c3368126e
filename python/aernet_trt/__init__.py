"""The program `aernet-trt`; apart from `aernet`, whose import takes a moment and much memory."""

from __future__ import annotations

import signal
import sys
from importlib.util import find_spec

_LEAST_MIB = 768  # of addresses, with two processor cores; with less, libraries crash as they are loaded


def main() -> None:
    """Run the command line, which Ctrl-C ends without a word as long as there is nothing to tidy up."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    limit = _limit_mib()
    if limit is not None and limit < _LEAST_MIB:
        sys.exit(
            f"aernet-trt: expected {_LEAST_MIB} MiB of memory at least, found a limit of {limit} (ulimit -v);"
            " raise it"
        )
    try:
        from aernet.cli import main  # noqa: PLC0415 - as above
    except (ImportError, MemoryError, OSError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        sys.exit(f"aernet-trt: cannot be loaded ({reason}); give it more memory, or install it again")
    main()


def _limit_mib() -> int | None:
    """Return how many MiB of addresses this process may use; None if there is no limit."""
    if find_spec("resource") is None:  # on Windows
        return None
    import resource  # noqa: PLC0415 - as above

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit >> 20
