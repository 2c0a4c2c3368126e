"""Segments the pictures of a Ray Dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fsspec
import pyarrow as pa
from ray.data import ActorPoolStrategy

from aernet.archive.one_picture import Order
from aernet.archive.table import PICTURE_COLUMNS, arrow_schema
from aernet.errors import AernetError, SourceError
from aernet.models import DEFAULT
from aernet.scale.portable import make_from_bytes, portable_model
from aernet.scale.resources import share_of_each

if TYPE_CHECKING:
    from ray.data import Dataset

    from aernet.borders import BorderName
    from aernet.regions import Keep
    from aernet.scale.portable import PortableModel

_SCHEMA = arrow_schema({"mask": bytes, **PICTURE_COLUMNS})
_AT_ONCE = 16  # rows that a worker takes; a lost worker's are done again


def segment(
    dataset: Dataset,
    column: str = "bytes",
    *,
    model: str = DEFAULT,
    device: str = "auto",
    threshold: float | None = None,
    border: BorderName | None = None,
    keep: Keep = "all",
    workers: int | None = None,
) -> Dataset:
    """Segment the pictures of a dataset, when Ray asks for its rows.

    Args:
        dataset: one row a picture.
        column: the column with the content of the picture's file, as `ray.data.read_binary_files` reads it,
            or with its path or address, which fsspec opens on the machine of the worker.
        model: the model, device, threshold, border and keep are as `Segmenter` takes them. The file of the
            model need not be on the other machines.
        device: "auto" takes the GPUs of the cluster, one for each worker, and else a core for each.
        workers: how many processes load the model; None takes one for each GPU, or one for each core but one
            on each machine, since Ray reads and writes data on the others.

    Returns:
        A dataset with the columns of the given one, but for the content of the files. Further, in place of
        what was called so: "mask", as PNG of 8 bits, 0 or 255, of the picture's size; what
        `aernet.archive.table.PICTURE_COLUMNS` names; among it "error", why a picture has no mask, else null.

    Raises:
        ModelError: there is no such model.
        AernetError: the cluster has no such device.
    """
    portable = portable_model(model, device, threshold, border, keep)
    share = share_of_each(device)
    count = workers or (share.count if share.on_gpu else max(1, share.count - share.machines))
    return dataset.map_batches(
        _Pictures,
        fn_constructor_args=(share.fitted(portable), column),
        batch_format="pyarrow",
        batch_size=_AT_ONCE,
        # Where a machine is lost, the rest goes on: Ray would wait for as many as there were.
        compute=ActorPoolStrategy(min_size=1, max_size=count),
        # Were they to fill the cores, those that are left when a machine is lost would have no room for what
        # Ray has to read again, and all would wait for ever.
        num_cpus=0,
        num_gpus=int(share.on_gpu),
        scheduling_strategy="SPREAD",
    )


class _Pictures:
    """Segments the pictures of batches; Ray makes one in each worker."""

    def __init__(self, model: PortableModel, column: str) -> None:
        self._segmenter = model.open()
        self._column = column

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Return a table with the results of a batch."""
        pictures = batch.column(self._column)
        made = pa.Table.from_pylist(list(map(self._row, pictures.to_pylist())), _SCHEMA)
        with_content = pa.types.is_binary(pictures.type) or pa.types.is_large_binary(pictures.type)
        replaced = {*made.column_names, *([self._column] if with_content else [])}
        table = batch.drop_columns([name for name in batch.column_names if name in replaced])
        for name, column in zip(made.column_names, made.columns, strict=True):
            table = table.append_column(name, column)
        return table

    def _row(self, picture: bytes | str | None) -> dict[str, Any]:
        if picture is None:
            return {"error": f"the column {self._column} is empty here"}
        name = picture if isinstance(picture, str) else "picture"
        try:
            content = picture if isinstance(picture, bytes) else _read(picture)
            order = Order(name, name, name, frozenset({"mask"}), measured=True)
            facts, contents = make_from_bytes(self._segmenter, content, order)
        except (AernetError, OSError, ValueError) as error:
            return {"error": str(error)}
        except MemoryError:
            return {"error": f"{name}: the memory does not suffice for it"}
        return facts | contents


def _read(address: str) -> bytes:
    try:
        with fsspec.open(address, "rb") as file:
            content: bytes = file.read()
    except (OSError, ValueError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - the libraries of clouds have errors of their own
        raise SourceError(f"{address}: cannot be read ({type(error).__name__}: {error})") from None
    return content
