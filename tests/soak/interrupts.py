"""Interrupt commands by Ctrl-C at random moments, and look at what they say and leave.

A trial sends SIGINT to a command's process group after a random time, up to a tenth more than a quiet run
takes. Three interrupted runs go into one folder, and a quiet one then finishes there what they began. The
processes are forked from one that has imported all that the commands import (`nursery.py`); with `--fresh`
they are started as a user starts them, and the moments reach from the start of Python to its end. With
`--go-on` the trials are added to those in the file of outcomes, until there are as many as are asked for.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import onnx
import soaking

from aernet.archive.journal import JOURNAL

IN_A_ROW = 3  # interrupted runs into one folder, before one that is not
PATIENCE = 60.0  # seconds from the signal to the end, on a busy machine
QUIET_PATIENCE = 600.0
LINE = "aernet-trt: interrupted; all finished outputs are complete"
TEMPORARY = re.compile(r"\.[0-9a-f]{16}(\.\w+)?")
LINED, FINISHED = "130, one line", "0, had finished"
STARTING, ENDING = "by the signal, as Python starts", "by the signal, as Python ends"
SERIES, RESUMED = "series", "series that a quiet run finished"


@dataclass
class Command:
    """A command to interrupt, in a folder of its own."""

    name: str
    arguments: tuple
    trains: bool = False
    """Whether it needs PyTorch; the paper's networks are small ones then."""
    resumed_by: tuple = ()
    """A path, and the arguments that take their place where it is there."""
    resumes: bool = True
    """Whether a run goes on where an earlier one was interrupted; a live one does not."""
    documented: str = ""
    """What its output holds when it ends by Ctrl-C in a way of its own, with status 0."""
    same: tuple = ()
    """The endings of outputs that equal those of a quiet run."""
    seconds: float | None = None
    """How long a quiet run takes; None measures it."""

    def order(self, folder, told):
        words = self.arguments
        if self.resumed_by and (folder / self.resumed_by[0]).exists():
            words = self.resumed_by[1:]
        arguments = [str(word).replace("{}", str(folder)) for word in words]
        return {"arguments": arguments, "folder": str(folder), "told": str(told), "small": self.trains}


@dataclass
class Outcome:
    """What became of the trials of a command."""

    ends: Counter = field(default_factory=Counter)
    faults: list = field(default_factory=list)
    slowest: float = 0.0
    trials: int = 0
    series: int = 0
    resumed: int = 0


class Nursery:
    """Starts processes by forking one that is warm."""

    def __init__(self, *options):
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("nursery.py")), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
        )
        assert self.process.stdout.readline() == "ready\n"

    def start(self, order):
        self.process.stdin.write(json.dumps(order) + "\n")
        return int(self.process.stdout.readline())

    def wait(self, _child, seconds):
        """Return the exit status; None if it does not end in time."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return None
        return int(self.process.stdout.readline())

    def close(self):
        self.process.communicate()


class Fresh:
    """Starts processes as a user does."""

    def start(self, order):
        with Path(order["told"]).open("wb") as told:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from aernet_trt import main; main()", *order["arguments"]],
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=told,
                cwd=order["folder"],
                start_new_session=True,
                env=os.environ | {"PYTHONWARNINGS": "ignore"},
            )
        return self.process.pid

    def wait(self, _child, seconds):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def close(self):
        """Do nothing: each process has ended."""


def run(starter, command, folder, after=None):
    """Run a command, interrupted after so many seconds; return status, output and seconds."""
    told = folder.with_suffix(".txt")
    told.unlink(missing_ok=True)
    begin = time.perf_counter()
    child = starter.start(command.order(folder, told))
    if after is not None:
        time.sleep(max(0.0, begin + after - time.perf_counter()))
        begin = time.perf_counter()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGINT)
    status = starter.wait(child, QUIET_PATIENCE if after is None else PATIENCE)
    seconds = time.perf_counter() - begin
    if status is None:
        os.kill(child, signal.SIGUSR1)  # it tells where it hangs
        time.sleep(1)
        os.killpg(child, signal.SIGKILL)
        starter.wait(child, PATIENCE)
    # It may have ended before it wrote there.
    return status, told.read_text(errors="replace") if told.exists() else "", seconds


def complete(path):  # noqa: PLR0911 - one a format
    """Tell whether a file is whole, by a reader of its format."""
    content = path.read_bytes()
    match path.suffix:
        case ".png":
            return content.endswith(b"IEND\xaeB`\x82") and cv2.imread(str(path)) is not None
        case ".jpg":
            return content.endswith(b"\xff\xd9")
        case ".json" | ".geojson":
            json.loads(content)
        case ".csv" | ".jsonl" | ".md" | ".html" | ".svg" | ".toml" | ".pbtxt":
            return content == b"" or content.endswith((b"\n", b">"))
        case ".pt" | ".npz" | ".zip":
            return zipfile.ZipFile(io.BytesIO(content)).testzip() is None
        case ".onnx":
            onnx.checker.check_model(onnx.load_from_string(content))
        case ".parquet":
            return content[-4:] == b"PAR1"
        case ".mp4" | ".mkv":
            with av.open(io.BytesIO(content)) as container:
                list(container.decode(video=0))
        case ".engine":
            return path.with_name(f"{path.name}.json").exists()
    return True


def half_written(folder):
    """Return what is left half-written in a folder."""
    found = []
    for path in folder.rglob("*"):
        if TEMPORARY.fullmatch(path.name):
            found.append(str(path.relative_to(folder)))
        elif path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            if path.name.startswith(JOURNAL):
                continue
            try:
                whole = complete(path)
            except Exception as error:  # noqa: BLE001 - whatever the reader finds
                whole = error
            if whole is not True:
                found.append(f"{path.relative_to(folder)} ({whole})")
    return found


def contents(folder, endings):
    return {
        path.relative_to(folder): path.read_bytes().replace(str(folder).encode(), b"")
        for path in folder.rglob("*")
        if path.name.endswith(endings)
    }


def fault_of(command, status, said):
    """Return what is wrong with how a command has ended; None if nothing is."""
    if status is None:
        return "hangs"
    for sign in ("Traceback", "Exception ignored", "a fault in aernet-trt"):
        if sign in said:
            return sign
    if status == 130:
        lines = [line for line in said.splitlines() if line.startswith("aernet-trt:")]
        return (
            None if lines[-1:] == [LINE] or "finishing what is under way" in said else "130 without its line"
        )
    if status == 0 and command.documented and command.documented not in said:
        return f"does not say {command.documented!r}"
    return None if status in {0, -signal.SIGINT} else f"status {status}"


def end_of(status, said):
    """Name the way in which a command has ended without a fault."""
    if status == -signal.SIGINT:
        return ENDING if said else STARTING
    return {130: LINED, 0: FINISHED}[status]


def interrupt(starter, command, trials, work, chance, end):
    """Interrupt a command so often, or until `end`; return the outcome, and a quiet run's seconds."""
    outcome = Outcome()
    quiet = work / "quiet"
    quiet.mkdir(parents=True)
    status, said, seconds = run(starter, command, quiet, after=command.seconds)
    if status != 0 and not command.seconds:
        outcome.faults.append({"fault": f"a quiet run ends with {status}", "said": said[-4000:]})
        shutil.rmtree(work)
        return outcome, seconds
    if not command.seconds:
        shutil.rmtree(quiet)  # once more, now that all is warm
        quiet.mkdir()
        _, _, seconds = run(starter, command, quiet)
    seconds = command.seconds or seconds
    expected = contents(quiet, command.same)
    in_a_row = IN_A_ROW if command.resumes else 1
    for trial in range(trials):
        if time.monotonic() > end:
            break
        outcome.trials += 1
        folder = work / f"{trial // in_a_row}"
        folder.mkdir(exist_ok=True)
        after = chance.uniform(0, 1.1 * seconds)
        status, said, took = run(starter, command, folder, after)
        fault = fault_of(command, status, said)
        outcome.slowest = max(outcome.slowest, took)
        if fault is None and (found := half_written(folder)):
            fault = f"half-written: {', '.join(found)}"
        if fault is None:
            outcome.ends[end_of(status, said)] += 1
        else:
            outcome.faults.append({"fault": fault, "after": round(after, 4), "said": said[-4000:]})
            print(f"{command.name}: {fault} after {after:.4f} s\n{said[-2000:]}", flush=True)
        last = (trial + 1) % in_a_row == 0 or trial + 1 == trials
        if last and command.resumes:
            outcome.series += 1
            status, said, _ = run(starter, command, folder, after=command.seconds)
            if status == 0 and contents(folder, command.same) == expected:
                outcome.resumed += 1
            else:
                outcome.faults.append({"fault": f"does not resume ({status})", "said": said[-4000:]})
                print(f"{command.name}: does not resume\n{said[-2000:]}", flush=True)
        if last:
            shutil.rmtree(folder)
    shutil.rmtree(work)
    return outcome, seconds


def together(earlier, row):
    """Return the row of an earlier run and of this one."""
    counts = ("trials", LINED, FINISHED, STARTING, ENDING, "faults", SERIES, RESUMED)
    return {
        **row,
        **{column: earlier.get(column, 0) + row[column] for column in counts},
        "slowest end, s": max(earlier.get("slowest end, s", 0.0), row["slowest end, s"]),
        "details": earlier.get("details", []) + row["details"],
        "runs": [*earlier.get("runs", []), soaking.run()],
    }


def commands(folder):
    """Return all that is interrupted, and make what it reads."""
    model = soaking.write_small_model(folder / "dark.onnx")
    pictures = soaking.write_pictures(folder / "pictures", 12)
    pairs = soaking.write_pairs(folder / "pairs", ["train"] * 16 + ["val"] * 4 + ["test"] * 2)
    table = (pairs / "isic2018_split.csv").read_text()
    (folder / "val.csv").write_text(table.replace(",train", ",val").replace(",test", ",val"))
    images = pairs / "ISIC2018_Task1-2_Training_Input"
    masks = pairs / "ISIC2018_Task1_Training_GroundTruth"
    import timm
    import torch

    encoder, lite = "mobilenetv3_small_050", "tf_efficientnet_lite0"
    weights = folder / "weights"
    weights.mkdir()
    for name in (encoder, lite):
        torch.save(timm.create_model(name).state_dict(), weights / f"{name}.pth")
    (folder / "small.toml").write_text(
        f'base = "aernet-v2b0"\nname = "small"\nencoder = "{encoder}"\nwidths = [16, 16, 8, 8, 8]\n'
        "sizes = [64]\nepochs = 3\nbatch_size = 4\nlearning_rate = 3e-3\n"
    )
    (folder / "lite.toml").write_text(
        f'base = "aernet-lite"\nencoder = "{lite}"\nwidths = [16, 8, 8, 8]\nsizes = [64]\nepochs = 1\n'
        "batch_size = 4\n"
    )
    small = ("--model", model, "--device", "cpu")
    preset = ("--preset", folder / "small.toml", "--encoder-weights", weights / f"{encoder}.pth")
    live = (
        "live",
        "test://?width=160&height=90&fps=30",
        *small,
        "--record",
        "{}/o.mp4",
        "--track",
        "{}/t.csv",
        "--duration",
        0.5,
    )
    several = ("segment", pictures, "-o", "{}/out", *small, "--overlay", "--contours")
    outputs = (".png", ".jpg", ".json", ".csv")
    made = {"checkpoint": folder / "run" / "best.pt", "lite": folder / "lite.onnx"}
    starting = [
        Command("", ("train", "--data", pairs, *preset, "-o", folder / "run")),
        Command(
            "",
            (
                *("train", "--data", pairs, "--preset", folder / "lite.toml", "-o", folder / "lite"),
                *("--encoder-weights", weights / f"{lite}.pth"),
            ),
        ),
        Command("", ("export", folder / "lite" / "best.pt", "-o", made["lite"])),
    ]
    quantise = ("quantise", made["lite"], "--data", pairs, "--epochs", 2, "-o", "{}/int8")
    judged = ("--images", images, "--masks", masks, *small)
    every = [
        Command("segment", several, same=outputs),
        Command("segment, one job", (*several, "--jobs", 1, "--table", "{}/t.csv"), same=outputs),
        Command("live", (*live, "--view", "none"), documented="dropped", resumes=False),
        Command(
            "live --view web", (*live, "--view", "web", "--port", 0), documented="dropped", resumes=False
        ),
        Command(
            "segment, all outputs",
            (*several, "--table", "{}/t.parquet", "--format", "coco", "--format", "geojson"),
            same=outputs,
        ),
        Command("measure", ("measure", pictures, *small, "--table", "{}/t.csv", "--figure", "{}/figures")),
        Command("serve", ("serve", *small, "--port", 0), documented="finishing", seconds=6.0, resumes=False),
        Command(
            "evaluate",
            ("evaluate", *judged, "--json", "{}/e.json", "--per-image", "{}/e.csv", "--report", "{}/report"),
        ),
        Command(
            "calibrate",
            (
                *("calibrate", model, "--images", images, "--masks", masks, "--json", "{}/c.json"),
                *("--device", "cpu", "--split", folder / "val.csv", "--diagram", "{}/d.svg"),
            ),
        ),
        Command(
            "train",
            ("train", "--data", pairs, *preset, "-o", "{}/run"),
            trains=True,
            resumed_by=("run/last.pt", "train", "--data", pairs, "-o", "{}/run", "--resume"),
        ),
        Command("export", ("export", made["checkpoint"], "-o", "{}/small.onnx"), trains=True),
        Command(
            "quantise",
            quantise,
            trains=True,
            resumed_by=("int8/last.pt", *quantise, "--resume"),
        ),
        Command(
            "reproduce",
            (
                *("reproduce", "table2", "--data", pairs, "--encoder-weights", weights, "--size", 64),
                *("--epochs", 1, "--recipe", "paper", "--row", "AER-Net", "--no-fetch", "-o", "{}/table"),
            ),
            trains=True,
        ),
        Command("export-triton", ("export-triton", "{}/repository", "--model", model), resumes=False),
        Command(
            "build-engine",
            (
                *("build-engine", "aernet", "-o", "{}/engines", "--runtime", "tensorrt-rtx"),
                *("--compute-capability", "8.6"),
            ),
        ),
        Command("benchmark", ("benchmark", *small, "--seconds", "0.5", "--frame", "320x200")),
        Command("data check", ("data", "check", pairs)),
        Command("data split", ("data", "split", pairs, "-o", "{}/split.csv")),
        Command("doctor", ("doctor",)),
        Command("inspect", ("inspect", model)),
    ]
    return starting, every


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--often", type=int, default=1000, help="trials of segment and of live")
    parser.add_argument("--others", type=int, default=50, help="trials of every other command")
    parser.add_argument("--fresh", action="store_true", help="start each process as a user does")
    parser.add_argument("--only", nargs="*", help="the commands to interrupt")
    parser.add_argument("--but", nargs="*", default=(), help="the commands not to interrupt")
    parser.add_argument("--minutes", type=float, default=1e6, help="most minutes for each command")
    parser.add_argument("--go-on", action="store_true", help="add to the trials of earlier runs")
    parser.add_argument("--work", type=Path, help="folder for all files; on a disk in memory it is quicker")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="interrupts-", dir=options.work)).resolve()
    starting, every = commands(folder)
    chosen = [
        command
        for command in every
        if (not options.only or command.name in options.only) and command.name not in options.but
    ]
    starter = None
    rows = []
    for command in chosen:
        name = f"{command.name}, started afresh" if options.fresh else command.name
        earlier = {"trials": 0}
        if options.go_on:
            earlier = next((row for row in soaking.recorded("interrupts") if row["command"] == name), earlier)
        trials = options.often if command.name in {"segment", "live"} else options.others
        trials -= earlier["trials"]
        if trials <= 0:
            continue
        if starter is not None:
            starter.close()
        starter = Fresh() if options.fresh else Nursery(*(["--torch"] if command.trains else []))
        if command.trains and starting:
            for one in starting:
                status, said, _ = run(starter, one, folder)
                assert status == 0, said
            starting = []
        begin = time.monotonic()
        end = begin + 60 * options.minutes
        chance = random.Random(earlier["trials"])
        outcome, seconds = interrupt(starter, command, trials, folder / "work", chance, end)
        rows.append(
            together(
                earlier,
                {
                    "command": name,
                    "trials": outcome.trials,
                    "a quiet run, s": round(seconds, 2),
                    **{way: outcome.ends[way] for way in (LINED, FINISHED, STARTING, ENDING)},
                    "faults": len(outcome.faults),
                    "slowest end, s": round(outcome.slowest, 2),
                    SERIES: outcome.series,
                    RESUMED: outcome.resumed,
                    "details": outcome.faults,
                },
            )
        )
        print(f"{command.name}: {outcome.trials} trials in {time.monotonic() - begin:.0f} s", flush=True)
        soaking.report("interrupts", "Ctrl-C at random moments", rows, ["command"])
    if starter is not None:
        starter.close()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
