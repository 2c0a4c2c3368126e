"""One table of a whole run: CSV that grows row by row, or Parquet."""

from __future__ import annotations

import csv
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from aernet.errors import OutputError, SourceError
from aernet.files import LineFile, in_unicode, make_folder, replacing
from aernet.measure.row import LESION_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

PICTURE_COLUMNS: dict[str, type] = {
    **LESION_COLUMNS,
    "expected_dice": float,
    "needs_review": bool,
    "threshold": float,
    "model": str,
    "error": str,
}
"""What is told of each picture beside its files."""

COLUMNS: dict[str, type] = {"input": str, "mask": str, "frames": int, **PICTURE_COLUMNS}
"""The columns and what they hold; a cell is empty where nothing is known, as in the row of what failed."""

SUFFIXES = (".csv", ".parquet")
"""The suffixes of the files that are written."""

_AT_ONCE = 1000  # rows that are kept until Parquet takes them

Row = dict[str, Any]


@contextmanager
def open_table(file: Path, *, overwrite: bool) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Open a table and yield what adds the row of an input to it.

    A CSV file has each row as soon as it is added; a Parquet file is there in the end, if nothing fails.

    Args:
        file: its suffix says which it is, .csv or .parquet.
        overwrite: whether to write over a file that is no such table.

    Raises:
        SourceError: the file is there and is no such table.
        OutputError: it has another suffix, or cannot be written.
        ImportError: Parquet needs PyArrow, which is not installed.
    """
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise OutputError(f"{file}: a table is {' or '.join(SUFFIXES)}; give it one of these suffixes")
    columns, write = (_csv_columns, _csv) if suffix == ".csv" else (_parquet_columns, _parquet)
    holds_something = file.exists() and file.stat().st_size > 0  # a full disk leaves an empty file
    if holds_something and not overwrite and columns(file) != list(COLUMNS):
        raise SourceError(
            f"{file}: exists already, and is no table of such a run; choose another --table, or --overwrite"
        )
    with write(file) as add:
        yield lambda row: add(_cells(row))


def _cells(row: Mapping[str, Any]) -> Row:
    """Return the cells of a row; the mask of a video is the folder of its masks."""
    cells = {name: row.get(name) for name in COLUMNS}
    if "masks" in row:
        cells["mask"] = row["masks"]
    for name in ("input", "mask", "error"):
        if cells[name] is not None:
            cells[name] = in_unicode(str(cells[name]))
    return cells


def _csv_columns(file: Path) -> list[str]:
    with file.open(encoding="utf-8", errors="replace", newline="") as lines:
        return next(csv.reader([lines.readline()]), [])


@contextmanager
def _csv(file: Path) -> Iterator[Callable[[Row], None]]:
    try:
        make_folder(file.parent)
        with closing(LineFile(file)) as lines:
            table = csv.writer(lines, lineterminator="\n")

            def add(values: Row) -> None:
                table.writerow(values.values())

            add({name: name for name in COLUMNS})
            yield add
    except OSError as error:
        raise OutputError(f"{file}: cannot be written ({error.strerror})") from error


def _parquet_columns(file: Path) -> list[str]:
    import pyarrow as pa  # noqa: PLC0415 - only Parquet needs it
    from pyarrow import parquet  # noqa: PLC0415

    try:
        return list(parquet.read_schema(file).names)
    except (OSError, pa.ArrowException):
        return []


def arrow_schema(columns: Mapping[str, type]) -> pa.Schema:
    """Return columns as Arrow has them.

    Raises:
        ImportError: PyArrow is not installed.
    """
    import pyarrow as pa  # noqa: PLC0415 - only Parquet needs it

    types = {str: pa.string(), bytes: pa.binary(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    return pa.schema([(name, types[kind]) for name, kind in columns.items()])


@contextmanager
def _parquet(file: Path) -> Iterator[Callable[[Row], None]]:
    import pyarrow as pa  # noqa: PLC0415 - only Parquet needs it
    from pyarrow import parquet  # noqa: PLC0415

    schema = arrow_schema(COLUMNS)
    waiting: list[Row] = []
    with replacing(file) as temporary, parquet.ParquetWriter(temporary, schema) as table:

        def write() -> None:
            table.write_table(pa.Table.from_pylist(waiting, schema))
            waiting.clear()

        def add(cells: Row) -> None:
            waiting.append(cells)
            if len(waiting) == _AT_ONCE:
                write()

        yield add
        write()
