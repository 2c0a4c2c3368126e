"""Builds the wheels of Linux into dist/, checks each, and lets those of this processor segment examples/.

nox -s wheels                                             # all of them
nox -s wheels -- --python 3.11 --processor aarch64        # one
"""

from __future__ import annotations

import argparse
import sys

from checks import check_wheel
from one_wheel import build_wheel
from trial import segment_examples

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
PROCESSORS = ("x86_64", "aarch64")


def main() -> None:
    """Build what the arguments choose; print a line for each wheel."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", action="append", choices=PYTHONS, help="all of them unless given")
    parser.add_argument("--processor", action="append", choices=PROCESSORS, help="both unless given")
    chosen = parser.parse_args()
    lines = []
    for version in chosen.python or PYTHONS:
        for processor in chosen.processor or PROCESSORS:
            wheel = build_wheel(version, processor)
            line = f"{wheel.name}: {check_wheel(wheel)}"
            if processor == "x86_64":
                line += f"; {segment_examples(version, wheel)}"
            lines.append(line)
            sys.stdout.write(f"{line}\n")
    sys.stdout.write("\n".join([f"{len(lines)} wheels in dist/:", *lines, ""]))


if __name__ == "__main__":
    main()
