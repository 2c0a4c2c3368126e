"""Builds debian.Dockerfile without a container engine, and runs what it built; needs root and debootstrap.

Each stage begins as a clean root of `debootstrap --variant=minbase` in the place of `debian:bookworm-slim`,
and its steps run there by chroot. Then, as the image's user, pictures are segmented, and the image's command
and health check run. No step is isolated from this machine's network and processes, as a container's is. The
machine's certificates and pip's settings (`PIP_*`) count in the root, for machines behind a proxy.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dockerfile_parse import DockerfileParser

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[1]
DOCKERFILE = PROJECT / "containers" / "debian.Dockerfile"
BASE = "debian:bookworm-slim"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
SECONDS = 60


@dataclass
class Stage:
    """A stage of a build, or the image that the last one is."""

    root: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    folder: str = "/"
    user: str = "0"
    commands: dict[str, list[str]] = field(default_factory=dict)
    """Those that are run in the image: ENTRYPOINT, CMD and HEALTHCHECK."""

    def argv(self, command: list[str]) -> list[str]:
        """Return what runs a command in the root, as the stage's user in its folder and environment."""
        home = next(
            line.split(":")[5]
            for line in (self.root / "etc/passwd").read_text().splitlines()
            if line.split(":")[2] == self.user
        )
        settings = {"HOME": home} | self.environment
        start = f'cd {shlex.quote(self.folder)} && exec "$@"'
        groups = ["--init-groups", "--reuid", self.user, "--regid", self.user]
        named = [f"{name}={value}" for name, value in settings.items()]
        return [
            *("chroot", str(self.root), "/usr/bin/env", "-i", *named),
            *("/usr/bin/setpriv", *groups, "/bin/sh", "-c", start, "sh", *command),
        ]

    def run(self, command: list[str]) -> None:
        """Run a command to its end; one that fails ends the build."""
        subprocess.run(self.argv(command), check=True, stdin=subprocess.DEVNULL)


@contextmanager
def mounted(root: Path) -> Iterator[None]:
    """Give a root the processes and the devices of this machine."""
    points = [root / "proc", root / "dev"]
    for point in points:
        subprocess.run(["mount", "--bind", f"/{point.name}", point], check=True)
    try:
        yield
    finally:
        for point in points:
            subprocess.run(["umount", point], check=True)


def new_stage(base: Path, root: Path) -> Stage:
    """Return a stage that is a copy of the clean root."""
    shutil.rmtree(root, ignore_errors=True)
    subprocess.run(["cp", "--archive", "--reflink=auto", base, root], check=True)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    return Stage(root)


def build(work: Path, base: Path) -> Stage:
    """Run the steps of the Dockerfile, and return the image."""
    stages: dict[str, Stage] = {}
    stage = Stage(work)
    for step in DockerfileParser(fileobj=DOCKERFILE.open("rb")).structure:
        kind, value = step["instruction"], step["value"]
        print(f"{kind} {value}", flush=True)
        if kind == "FROM":
            name, _, alias = value.partition(" AS ")
            if name != BASE:
                sys.exit(f"FROM {name}: expected {BASE}")
            stage = new_stage(base, work / f"stage-{len(stages)}")
            stages[alias] = stage
        elif kind == "RUN":
            run_step(stage, value)
        elif kind == "COPY":
            copy(stage, value.split(), stages)
        elif kind != "COMMENT":
            settle(stage, kind, value)
    return stage


def settle(stage: Stage, kind: str, value: str) -> None:
    """Follow an instruction that runs nothing."""
    if kind == "ENV":
        name, _, content = value.partition("=")
        stage.environment[name] = content
    elif kind == "WORKDIR":
        stage.folder = value
        (stage.root / value.lstrip("/")).mkdir(parents=True, exist_ok=True)
    elif kind == "USER":
        stage.user = value
    elif kind == "VOLUME" and (stage.root / value.lstrip("/")).is_dir():
        pass
    elif kind in {"ENTRYPOINT", "CMD"}:
        stage.commands[kind] = json.loads(value)
    elif kind == "HEALTHCHECK":
        stage.commands[kind] = json.loads(value.partition(" CMD ")[2])
    else:
        sys.exit(f"{kind} {value}: this script cannot follow it")


def run_step(stage: Stage, command: str) -> None:
    """Run a step of the build, for which the certificates and pip's settings of this machine count."""
    lent = stage.root / "certificates.crt"
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    if CERTIFICATES.exists():
        shutil.copy(CERTIFICATES, lent)
        pip["PIP_CERT"] = "/certificates.crt"
    kept = stage.environment
    stage.environment = kept | pip
    try:
        with mounted(stage.root):
            stage.run(["/bin/sh", "-c", command])
    finally:
        stage.environment = kept
        lent.unlink(missing_ok=True)


def copy(stage: Stage, words: list[str], stages: dict[str, Stage]) -> None:
    """Copy files of the project, or of an earlier stage."""
    source = PROJECT
    if words[0].startswith("--from="):
        source = stages[words.pop(0).partition("=")[2]].root
    *names, target = words
    destination = stage.root / Path(stage.folder, target).as_posix().lstrip("/")
    for name in names:
        path = source / name.lstrip("/")
        if path.is_dir():
            shutil.copytree(path, destination, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy(path, destination)


def serve(image: Stage) -> None:
    """Run the image's command until its health check is content, and see where it listens."""
    argv = image.argv([*image.commands["ENTRYPOINT"], *image.commands["CMD"]])
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as service:
        try:
            end = time.monotonic() + SECONDS
            while subprocess.run(image.argv(image.commands["HEALTHCHECK"]), check=False).returncode:
                if service.poll() is not None or time.monotonic() > end:
                    sys.exit("the service does not become healthy")
                time.sleep(1)
            listening = subprocess.run(
                ["ss", "--listening", "--tcp", "--numeric", "--no-header", "sport = :8500"],
                check=True, capture_output=True, text=True,
            ).stdout  # fmt: skip
            addresses = [line.split()[3] for line in listening.splitlines()]
            if addresses != ["127.0.0.1:8500"]:
                sys.exit(f"the service listens at {addresses}, expected 127.0.0.1:8500 alone")
            print("the service is healthy, and listens at 127.0.0.1:8500 alone", flush=True)
        finally:
            service.terminate()


def segment(image: Stage) -> None:
    """Segment the examples as the image's user, and count the masks."""
    pictures, out = image.root / "pictures", image.root / "out"
    shutil.copytree(PROJECT / "examples", pictures, dirs_exist_ok=True)
    out.mkdir()
    os.chown(out, int(image.user), int(image.user))
    image.run([*image.commands["ENTRYPOINT"], "segment", "/pictures", "--output", "/out"])
    masks = sorted(path.name for path in out.glob("*_mask.png"))
    expected = sorted(f"{path.stem}_mask.png" for path in pictures.glob("*.jpg"))
    owners = {path.stat().st_uid for path in out.iterdir()}
    if masks != expected or not expected or owners != {int(image.user)}:
        sys.exit(f"expected the masks {expected} of the user {image.user}, found {masks} of {owners}")
    print(f"{len(masks)} masks, written by the user {image.user}", flush=True)


def main(work: Path) -> None:
    """Build and try the image in a folder that is removed at the end, but for the clean root."""
    work.mkdir(parents=True, exist_ok=True)
    base = work / "base"
    if not base.exists():
        begun = work / "begun"  # one that was interrupted is no clean root
        shutil.rmtree(begun, ignore_errors=True)
        subprocess.run(["debootstrap", "--variant=minbase", "bookworm", begun], check=True)
        begun.rename(base)
    image = build(work, base)
    if image.user == "0":
        sys.exit("the image runs as root")
    with mounted(image.root):
        segment(image)
        serve(image)
    for stage in work.glob("stage-*"):
        shutil.rmtree(stage)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
