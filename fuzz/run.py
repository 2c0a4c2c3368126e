"""Tries mutated inputs on every reader of foreign bytes, and prints a table: `nox -s fuzz` runs it.

An input that ends a process, raises anything but an `AernetError`, or takes longer than 10 seconds is kept in
the folder of `--faults`; the process is started again for the inputs that are left. A slow input counts as a
hang if it is slow a second time, alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

_FOLDER = Path(__file__).parent
READERS = sorted(file.stem for file in (_FOLDER / "readers").glob("[!_]*.py"))
NATIVE = sorted(file.stem for file in (_FOLDER / "native").glob("*.cpp"))

_SLOW = 10  # seconds
_MOST_MEMORY = 3072  # MiB, of a process with its libraries
_LONGEST = 1 << 15  # bytes of an input
_MOST_FAULTS = 10  # of a reader, after which it is left
_NUMBERS = struct.Struct("4q")
_TOO_SLOW, _TOO_LARGE = 70, 71  # libFuzzer's exit codes


@dataclass
class Outcome:
    """What became of the inputs of a reader."""

    reader: str
    inputs: int = 0
    refused: int | None = None
    crashes: int = 0
    hangs: int = 0
    half_written: int | None = None
    seconds: float = 0.0


def main() -> int:
    """Run the readers one after the other; 1 if there was a fault."""
    asked = _arguments()
    if asked.table:
        print(table(json.loads(asked.table.read_text(encoding="utf-8"))["outcomes"]))
        return 0
    outcomes = []
    share = 3600 * asked.hours * asked.jobs / len(asked.readers) if asked.hours else None

    def fuzz(reader: str) -> Outcome:
        return _fuzz(reader, asked.inputs, share, asked.seed, asked.faults / reader, asked.native)

    with ThreadPoolExecutor(asked.jobs) as pool:
        for ended in as_completed([pool.submit(fuzz, reader) for reader in asked.readers]):
            outcomes.append(ended.result())
            print(json.dumps(asdict(outcomes[-1])), flush=True)
            if asked.output:
                _write(asked.output, outcomes, asked)
    print(table([asdict(outcome) for outcome in outcomes]))
    return int(any(one.crashes or one.hangs or one.half_written for one in outcomes))


def table(rows: list[dict[str, object]]) -> str:
    """Return rows of outcomes as a table in Markdown."""
    titles = {"inputs": "inputs tried", "half_written": "half-written files"}
    names = list(rows[0])
    lines = [[titles.get(name, name) for name in names], ["---", *["---:"] * (len(names) - 1)]]
    lines += [["" if row[name] is None else str(row[name]) for name in names] for row in rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _fuzz(
    reader: str, inputs: int | None, seconds: float | None, seed: int, faults: Path, native: Path | None
) -> Outcome:
    outcome, raised = Outcome(reader), 0
    begin = time.monotonic()
    shutil.rmtree(faults, ignore_errors=True)
    faults.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as name:
        learned, counts = Path(name, "corpus"), faults / "counts"
        learned.mkdir()
        corpora = [learned, *(_FOLDER / "corpus").glob(reader)]  # the targets in C++ start from nothing
        counts.write_bytes(bytes(_NUMBERS.size))
        ends = 0  # of the process, each by a fault
        while ends < _MOST_FAULTS:
            limits = []
            if inputs is not None:
                limits.append(f"-runs={inputs - outcome.inputs}")
            if seconds is not None:
                limits.append(f"-max_total_time={max(1, round(seconds - (time.monotonic() - begin)))}")
            command = _command(reader, counts, native)
            arguments = [f"-seed={seed + ends}", f"-max_len={_LONGEST}", "-keep_seed=1", *limits]
            code, said = _run([*command, *arguments, *corpora], faults, name)
            if reader in READERS:
                outcome.inputs, outcome.refused, raised, outcome.half_written = _NUMBERS.unpack(
                    counts.read_bytes()
                )
            else:
                outcome.inputs += _executed(said)
            if code == 0:
                break
            ends += 1
            _judge(code, said, command, faults, outcome, name)
            if inputs is not None and outcome.inputs >= inputs:
                break
            if seconds is not None and time.monotonic() - begin >= seconds:
                break
        counts.unlink()
    outcome.crashes += raised
    outcome.seconds = round(time.monotonic() - begin, 1)
    return outcome


def _command(reader: str, counts: Path, native: Path | None) -> list[str | Path]:
    if reader in READERS:
        return [sys.executable, _FOLDER / "reader.py", reader, counts]
    assert native is not None
    return [native / reader]


def _run(command: list[str | Path], faults: Path, temporary: str) -> tuple[int, str]:
    limits = [f"-timeout={_SLOW}", f"-rss_limit_mb={_MOST_MEMORY}", f"-artifact_prefix={faults}/"]
    environment = os.environ | {"TMPDIR": temporary, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, *limits, "-print_final_stats=1"],
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        env=environment,
    )
    return done.returncode, done.stderr + done.stdout


def _judge(
    code: int, said: str, command: list[str | Path], faults: Path, outcome: Outcome, temporary: str
) -> None:
    """Count a process that ended early; what it said is kept beside its input."""
    kept = [
        file
        for file in faults.iterdir()
        if file.name.startswith(("crash-", "timeout-", "oom-")) and not file.suffix
    ]
    newest = max(kept, key=lambda file: file.stat().st_mtime, default=None)
    if newest is not None:
        newest.with_name(f"{newest.name}.txt").write_text(said[-8000:], encoding="utf-8")
    else:
        (faults / f"exit-{code}-{outcome.crashes}.txt").write_text(said[-8000:], encoding="utf-8")
    if code == _TOO_SLOW:
        again, _ = _run([*command, newest], faults, temporary) if newest else (_TOO_SLOW, "")
        outcome.hangs += again != 0
    else:
        outcome.crashes += 1


def _executed(said: str) -> int:
    found = [line.split()[-1] for line in said.splitlines() if "number_of_executed_units" in line]
    return int(found[-1]) if found else 0


_PACKAGES = "atheris aernet numpy opencv-python pillow onnxruntime av pydicom starlette"


def _write(path: Path, outcomes: list[Outcome], asked: argparse.Namespace) -> None:
    """Write the outcomes; those of other readers that the file holds stay."""
    before = json.loads(path.read_text(encoding="utf-8"))["outcomes"] if path.exists() else []
    told = {
        "command": f"nox -s fuzz -- READER... --inputs {asked.inputs}" if asked.inputs else "nox -s fuzz",
        "seed": asked.seed,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES.split()},
    }
    rows = {row["reader"]: row for row in before} | {one.reader: asdict(one) for one in outcomes}
    path.parent.mkdir(parents=True, exist_ok=True)
    content = told | {"outcomes": sorted(rows.values(), key=lambda row: row["reader"])}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("readers", nargs="*", help=f"of {', '.join(READERS + NATIVE)}; by default all")
    parser.add_argument("--inputs", type=int, help="inputs to try on each reader")
    parser.add_argument("--hours", type=float, help="time for all readers together; by default 2 minutes")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="readers side by side")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, help="JSON file for the outcome")
    parser.add_argument("--table", type=Path, help="print the table of such a file, and try nothing")
    parser.add_argument(
        "--faults", type=Path, default=Path("build/fuzz"), help="folder for inputs that are faults"
    )
    parser.add_argument("--native", type=Path, help="folder of the built targets of fuzz/native")
    asked = parser.parse_args()
    asked.faults = asked.faults.resolve()
    asked.readers = asked.readers or READERS + (NATIVE if asked.native else [])
    if asked.inputs is None and asked.hours is None:
        asked.hours = 2 / 60
    if unknown := [reader for reader in asked.readers if reader not in READERS + NATIVE]:
        parser.error(f"no such reader: {', '.join(unknown)}")
    return asked


if __name__ == "__main__":
    sys.exit(main())
