"""The import of PyAV, an optional dependency."""

from __future__ import annotations

from typing import Any

from aernet.errors import AernetError


def import_av(purpose: str) -> Any:
    """Return the module `av`.

    Raises:
        AernetError: PyAV is not installed.
    """
    try:
        import av  # noqa: PLC0415 - optional
    except ImportError:
        raise AernetError(f"{purpose}: needs PyAV; pip install 'aernet[video]'") from None
    return av
