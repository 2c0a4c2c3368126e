"""Downloads archives, resumes where the connection broke, and checks them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aernet.errors import AernetError, SourceError
from aernet.files import make_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from requests import Response
    from rich.progress import Progress, TaskID

    from aernet.data.archives import Archive

_CHUNK = 1 << 16  # bytes; an incomplete chunk is thrown away
_PATIENCE = 30  # longest time without a byte, in seconds


def fetch(archives: Sequence[Archive], folder: Path, address: str, progress: Progress) -> list[Path]:
    """Download the archives that `folder` lacks, and check the SHA-256 of all.

    An archive is called `NAME.part` until it is complete; the next call continues such a file.

    Args:
        archives: the archives to download.
        folder: where the archives go; it is made if needed.
        address: address of the folder on the web that holds them.
        progress: shows a bar for each archive.

    Raises:
        SourceError: the server cannot be reached, lacks an archive, or sends something else.
        AernetError: `folder` cannot be written, or has too little room.
    """
    import pooch  # type: ignore[import-untyped]  # noqa: PLC0415 - of the extra `data`

    pooch.get_logger().setLevel("WARNING")
    paths = []
    for archive in archives:
        path = folder / archive.name
        url = f"{address.rstrip('/')}/{archive.name}"
        bar = progress.add_task(f"Checking {archive.name}", total=archive.size)
        download = _Download(archive, path.with_name(f"{archive.name}.part"), progress, bar)
        try:
            make_folder(folder)
            pooch.retrieve(url, archive.sha256, fname=archive.name, path=folder, downloader=download)
        except ValueError as error:
            raise SourceError(f"{url}: {error}") from error
        except OSError as error:
            raise AernetError(f"{path}: cannot be written ({error.strerror or error})") from error
        progress.update(bar, description=archive.name, completed=archive.size)
        paths.append(path)
    return paths


@dataclass
class _Download:
    """A downloader for pooch that keeps what it received when the connection breaks."""

    archive: Archive
    part: Path
    progress: Progress
    bar: TaskID

    def __call__(self, url: str, output: str, _pooch: object) -> None:
        self.progress.update(self.bar, description=self.archive.name)
        if self._received() > self.archive.size:
            self.part.unlink()
        needed = self.archive.size - self._received()
        free = shutil.disk_usage(self.part.parent).free
        if needed > free:
            raise AernetError(
                f"{self.part.parent}: {self.archive.name} needs {needed / 1e9:.3g} GB more,"
                f" but {free / 1e9:.3g} GB are free"
            )
        while (before := self._received()) < self.archive.size:
            reason = self._go_on(url, before)
            if (now := self._received()) <= before:
                raise SourceError(f"{url}: {reason}; run it again to go on after {now} bytes")
        self.progress.update(self.bar, description=f"Checking {self.archive.name}")
        self.part.replace(output)

    def _received(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _go_on(self, url: str, received: int) -> str:
        """Receive until the archive is complete or the connection breaks; return why it ended."""
        import requests  # noqa: PLC0415 - pooch's own dependency

        headers = {"Accept-Encoding": "identity", "Range": f"bytes={received}-"}
        try:
            with requests.get(url, headers=headers, stream=True, timeout=_PATIENCE) as response:
                self._receive(response, url, received)
        except requests.RequestException as error:
            return f"the connection failed ({error})"
        return "the connection ended early"

    def _receive(self, response: Response, url: str, received: int) -> None:
        if response.status_code not in {200, 206}:
            raise SourceError(f"{url}: the server answers {response.status_code} {response.reason}")
        if response.status_code == 200:  # the server sends the whole file again
            received = 0
        length = received + int(response.headers.get("Content-Length", self.archive.size - received))
        if length != self.archive.size:
            raise SourceError(f"{url}: the server has {length} bytes, expected {self.archive.size}")
        self.progress.update(self.bar, completed=received)
        with self.part.open("ab" if received else "wb") as file:
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                self.progress.advance(self.bar, len(chunk))
