"""Run commands on a full, read-only or slow disk, without /dev/shm, on one core, and with little memory.

Disks are small ones in memory, which takes root; without root these rows say so. After a full disk, the same
command runs again with room, and must finish. The least memory is found by halving, for addresses (ulimit
-v) and for memory in use (a cgroup; beyond its limit Linux kills a process).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import soaking
from interrupts import half_written

RUN = [sys.executable, "-c", "from aernet_trt import main; main()"]
CGROUP = Path("/sys/fs/cgroup/memory")
STEP = 32  # MiB


def run(arguments, *, before=(), environment=None, limit=None, folder=None):
    """Run a command; return status, its last line and seconds."""

    def prepare():
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_AS, (limit << 20, limit << 20))

    begin = time.perf_counter()
    try:
        answer = subprocess.run(
            [*before, *RUN, *map(str, arguments)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=600,
            env=os.environ | (environment or {}),
            preexec_fn=prepare,
            cwd=folder,
        )
    except subprocess.TimeoutExpired:
        return "hangs", "", 600.0
    lines = [line for line in answer.stderr.splitlines() if line.startswith("aernet-trt:")]
    if "Traceback" in answer.stderr:
        lines = ["Traceback ... " + answer.stderr.strip().splitlines()[-1]]
    return answer.returncode, lines[-1] if lines else "", time.perf_counter() - begin


@contextlib.contextmanager
def disk(size, *, read_only=False):
    """Yield a folder on a disk of its own."""
    folder = Path(tempfile.mkdtemp(prefix="disk-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=True)
    try:
        if read_only:
            subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        folder.rmdir()


def grow(folder):
    subprocess.run(["mount", "-o", "remount,size=200m", folder], check=True)


def row(what, command, status, said, seconds, folder, **more):
    plain = said.replace(str(folder), "DISK") if folder else said
    left = half_written(folder) if folder else []
    return {
        "what": what,
        "command": command,
        "status": status,
        "it says": plain[:200],
        "seconds": round(seconds, 1),
        "half-written": len(left),
        **more,
        **({"details": left} if left else {}),
    }


def commands(work):
    pictures = soaking.write_pictures(work / "pictures", 30)
    model = soaking.write_small_model(work / "small.onnx")
    pairs = soaking.write_pairs(work / "pairs", ["train"] * 12)
    small = ("--model", model, "--device", "cpu")
    judged = (
        "--images",
        pairs / "ISIC2018_Task1-2_Training_Input",
        "--masks",
        pairs / "ISIC2018_Task1_Training_GroundTruth",
    )
    live = ("live", "test://?width=320&height=180&fps=20", *small, "--view", "none", "--duration", 3)
    return {
        "segment": lambda to: ("segment", pictures, *small, "-o", to / "out", "--overlay", "--contours"),
        "segment --table": lambda to: (
            "segment",
            pictures,
            *small,
            "-o",
            work / "other",
            "--table",
            to / "t.csv",
        ),
        "live": lambda to: (*live, "--record", to / "o.mp4", "--track", to / "t.csv"),
        "live, masks": lambda to: (*live, "--record", to / "masks"),
        "measure": lambda to: (
            "measure",
            pictures,
            *small,
            "--table",
            to / "t.csv",
            "--figure",
            to / "figures",
        ),
        "evaluate": lambda to: (
            "evaluate",
            *judged,
            *small,
            "--json",
            to / "e.json",
            "--per-image",
            to / "e.csv",
        ),
        "evaluate --report": lambda to: ("evaluate", *judged, *small, "--report", to / "report"),
        "export-triton": lambda to: ("export-triton", to / "repository", "--model", "aernet"),
    }


def on_disks(work):
    made = commands(work)
    for name, arguments in made.items():
        shutil.rmtree(work / "other", ignore_errors=True)
        size = "48k" if name in {"segment", "measure", "evaluate --report"} else "1k"
        with disk(size) as folder:
            if size == "1k":
                filled = folder / "filling.bin"
                with contextlib.suppress(OSError):
                    filled.write_bytes(bytes(1 << 20))
            status, said, seconds = run(arguments(folder))
            yield row("a full disk", name, status, said, seconds, folder)
            grow(folder)
            for path in folder.glob("*.*"):  # a live recording is not gone on with
                if name.startswith("live"):
                    path.unlink()
            shutil.rmtree(folder / "masks", ignore_errors=True)
            status, said, seconds = run(arguments(folder))
            yield row("the same disk with room again", name, status, said, seconds, folder)
    for name, arguments in made.items():
        shutil.rmtree(work / "other", ignore_errors=True)
        with disk("10m", read_only=True) as folder:
            status, said, seconds = run(arguments(folder))
            yield row("a read-only disk", name, status, said, seconds, folder)


def slowly(work):
    library = work / "slow.so"
    source = Path(__file__).with_name("slow.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    made = commands(work / "slow")
    for name in ("segment", "live"):
        to = work / f"slow-{name}"
        to.mkdir()
        status, said, seconds = run(made[name](to), environment={"LD_PRELOAD": str(library)})
        yield row("a slow disk: 20 ms a write", name, status, said, seconds, to)


def elsewhere(work):
    made = commands(work / "elsewhere")
    no_memory = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o ro,size=4k none /dev/shm && exec "$@"', "sh"]
    for what, before, root in (
        ("no /dev/shm", no_memory, True),
        ("one core", ["taskset", "-c", "0"], False),
    ):
        for name in ("segment", "live", "evaluate"):
            to = work / f"{what.split()[0]}-{name}"
            to.mkdir()
            if root and os.geteuid():
                yield row(what, name, "not run", "needs root", 0, None)
                continue
            status, said, seconds = run(made[name](to), before=before)
            yield row(what, name, status, said, seconds, to)


def least(works, low, high):
    """Return the least MiB with which something works, to 32 MiB, and what is said below them."""
    said = ""
    while high - low > STEP:
        middle = (low + high) // 2
        status, line, _ = works(middle)
        if status == 0:
            high = middle
        else:
            low, said = middle, line or f"(ends with {status})"
    return high, said


def with_little_memory(work):
    picture = work / "picture.jpg"
    shutil.copy(next((soaking.ROOT / "examples").glob("*.jpg")), picture)
    wide = work / "wide.png"
    cv2.imwrite(str(wide), cv2.resize(soaking.lesion(1)[0], (6000, 4000)))
    small = soaking.write_small_model(work / "least.onnx")
    live = ("live", "test://?width=640&height=480", "--view", "none", "--duration", 2, "--device", "cpu")
    made = {
        "segment, a picture": ("segment", picture, "-o", "{}", "--device", "cpu"),
        "segment, a picture, a model of two layers": (
            "segment",
            picture,
            "-o",
            "{}",
            "--device",
            "cpu",
            "--model",
            small,
        ),
        "segment, 24 megapixels": ("segment", wide, "-o", "{}", "--device", "cpu"),
        "live, 640 x 480": (*live, "--track", "{}.csv"),
    }
    for name, arguments in made.items():

        def once(limit, *, cgroup=False):
            to = work / "least"
            shutil.rmtree(to, ignore_errors=True)
            to.with_suffix(".csv").unlink(missing_ok=True)
            words = [str(word).replace("{}", str(to)) for word in arguments]  # noqa: B023
            if not cgroup:
                return run(words, limit=limit)
            group = CGROUP / "aernet-soak"
            group.mkdir(exist_ok=True)
            (group / "memory.limit_in_bytes").write_text(str(limit << 20))
            enter = f'echo $$ > {group}/cgroup.procs && exec "$@"'
            try:
                return run(words, before=["sh", "-c", enter, "sh"])
            finally:
                with contextlib.suppress(OSError):
                    group.rmdir()

        mib, said = least(once, 128, 2560)
        yield {"what": "least addresses (ulimit -v)", "command": name, "MiB": mib, "it says": said[:200]}
        if os.geteuid() == 0 and (CGROUP / "memory.limit_in_bytes").exists():
            mib, said = least(lambda limit: once(limit, cgroup=True), 64, 1024)
            yield {"what": "least memory in use (cgroup)", "command": name, "MiB": mib, "it says": said[:200]}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = {"disks": on_disks, "slow": slowly, "elsewhere": elsewhere, "memory": with_little_memory}
    parser.add_argument("--parts", nargs="*", choices=parts, default=list(parts))
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="surroundings-")).resolve()
    rows = []
    for part in options.parts:
        if part == "disks" and os.geteuid():
            rows.append({"what": "full and read-only disks", "status": "not run", "it says": "needs root"})
            continue
        (work / part).mkdir()
        for one in parts[part](work / part):
            rows.append(one)
            print(one, flush=True)
        soaking.report(
            "surroundings", "Disks, memory and cores that do not suffice", rows, ["what", "command"]
        )
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
