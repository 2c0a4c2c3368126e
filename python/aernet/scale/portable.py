"""A model with its settings that can be sent to another machine, and used there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from aernet import __version__
from aernet._native import set_num_threads
from aernet.archive.one_picture import Made, Order, make_picture
from aernet.engine.manifest import manifest_path
from aernet.errors import AernetError
from aernet.models import bundled_models, resolve_model
from aernet.segmenter import Segmenter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aernet.borders import BorderName
    from aernet.regions import Keep


@dataclass(frozen=True, kw_only=True)
class PortableModel:
    """A model and settings, which are as `Segmenter` takes them."""

    name: str
    """The name of a bundled model, or of the first of the files."""
    files: Mapping[str, bytes]
    """The files of a model that is not bundled, by their names."""
    device: str
    threshold: float | None
    border: BorderName | None
    keep: Keep
    version: str = __version__
    """The version of this package that sends it."""

    def open(self) -> Segmenter:
        """Load the model into this process, on one thread if it runs on the CPU.

        Raises:
            AernetError: this machine has another version of the package, or cannot run the model.
        """
        if self.version != __version__:
            raise AernetError(
                f"a worker of the cluster has aernet {__version__}, expected {self.version}; install the same"
                " version on all machines"
            )
        set_num_threads(1)
        with TemporaryDirectory(prefix="aernet-") as folder:
            for name, content in self.files.items():
                (Path(folder) / name).write_bytes(content)
            model = Path(folder) / self.name if self.files else self.name
            return Segmenter(model, self.device, self.threshold, border=self.border, keep=self.keep)


def portable_model(
    model: str, device: str, threshold: float | None, border: BorderName | None, keep: Keep
) -> PortableModel:
    """Return a model with what it needs elsewhere; the arguments are those of `Segmenter`.

    Raises:
        ModelError: there is no such model.
    """
    name, files = model, {}
    if model not in bundled_models():
        path = resolve_model(model)
        name = path.name
        files = {one.name: one.read_bytes() for one in (path, manifest_path(path)) if one.exists()}
    return PortableModel(name=name, files=files, device=device, threshold=threshold, border=border, keep=keep)


def make_from_bytes(segmenter: Segmenter, content: bytes, order: Order) -> Made:
    """Make what is ordered of a picture that came as the content of its file.

    Raises:
        AernetError: as `make_picture` does; a message names the picture as the order does.
    """
    with TemporaryDirectory(prefix="aernet-") as folder:
        path = Path(folder) / "picture"
        path.write_bytes(content)
        try:
            return make_picture(segmenter, path, order)
        except AernetError as error:
            raise type(error)(str(error).replace(str(path), order.name)) from None
