"""Change the modules that decide, one place at a time, and see whether their tests notice."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections import Counter
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from places import Mutant, mutants
from trial import ending, prepare, usual

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = Path(__file__).parent
_TARGETS = json.loads((_FOLDER / "targets.json").read_text(encoding="utf-8"))
"""What is changed by name: modules of the package, and the tests that speak for them."""
_SEED = 1
_PACKAGES = ("aernet", "cosmic-ray", "hypothesis", "numpy", "opencv-python", "pytest")


def main() -> int:
    """Try what is asked for; return 1 if a change was not noticed that is not known to change nothing."""
    asked = _arguments()
    outcomes = {}
    if asked.output and asked.output.exists():
        outcomes = json.loads(asked.output.read_text(encoding="utf-8"))["outcomes"]
    if not asked.table:
        prepare()
        for name in asked.names:
            for outcome in _try(name, asked, outcomes.get(name)):
                outcomes[name] = outcome
                if asked.output:  # what was tried before an end from outside is a random sample too
                    _write(asked.output, outcomes)
    unnoticed = [one for name in asked.names for one in _judge(outcomes[name])[1]]
    print(_table({name: outcomes[name] for name in asked.names}))
    for one in unnoticed:
        print(f"survived: {one.module}:{one.line}: {one.before}  ->  {one.after}")
    return int(bool(unnoticed))


def _try(name: str, asked: argparse.Namespace, before: dict | None) -> Iterator[dict]:
    """Try one change after the other; give the outcome of all so far each time."""
    modules, tests = _TARGETS[name]["modules"], _TARGETS[name]["tests"]
    begin = time.monotonic()
    outcome = {"killed": {}, "survived": [], "seconds": 0.0}
    if asked.survivors:
        outcome |= {"killed": before["killed"], "seconds": before["seconds"]}
        begin -= before["seconds"]
        tried = [Mutant(**one) for one in before["survived"]]
    else:
        tried = mutants(modules, None if asked.all else asked.sample, _SEED)
    known = usual(tests, modules)
    for one in tried:
        end = ending(tests, one.module, one.source, one.lines, known)
        print(f"{end}: {one.module}:{one.line}: {one.before}  ->  {one.after}", flush=True)
        if end == "survived":
            outcome["survived"].append(asdict(one))
        else:
            outcome["killed"][end] = outcome["killed"].get(end, 0) + 1
        outcome["seconds"] = round(time.monotonic() - begin, 1)
        yield outcome


def _judge(outcome: dict) -> tuple[list[Mutant], list[Mutant]]:
    """Return the survivors that are known to change nothing that a user could see, and the others."""
    known = json.loads((_FOLDER / "equivalent.json").read_text(encoding="utf-8"))
    keys = {(one["module"], one["before"], one["after"]) for one in known}
    survived = [Mutant(**one) for one in outcome["survived"]]
    return [one for one in survived if one.key in keys], [one for one in survived if one.key not in keys]


def _table(outcomes: dict) -> str:
    lines = ["| modules | changes | noticed | change nothing | not noticed | share noticed |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: |")
    sums = Counter()
    for name, outcome in outcomes.items():
        same, unnoticed = map(len, _judge(outcome))
        counts = {"killed": sum(outcome["killed"].values()), "same": same, "unnoticed": unnoticed}
        sums.update(counts)
        lines.append(_row(name, counts))
    return "\n".join([*lines, _row("all", sums)])


def _row(name: str, counts: dict[str, int]) -> str:
    killed, same, unnoticed = counts["killed"], counts["same"], counts["unnoticed"]
    share = f"{100 * killed / max(1, killed + unnoticed):.0f} %"
    cells = (name, killed + same + unnoticed, killed, same, unnoticed, share)
    return f"| {' | '.join(map(str, cells))} |"


def _write(path: Path, outcomes: dict) -> None:
    told = {
        "seed": _SEED,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "outcomes": {name: outcomes[name] for name in _TARGETS if name in outcomes},
    }
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(_TARGETS)}; by default all")
    parser.add_argument("--sample", type=int, default=40, help="random places for each name, one change each")
    parser.add_argument("--all", action="store_true", help="all changes at all places, which takes days")
    parser.add_argument("--output", type=Path, help="JSON file for the outcome; other names in it stay")
    parser.add_argument("--survivors", action="store_true", help="only what survived in that file")
    parser.add_argument("--table", action="store_true", help="print the table of that file, and try nothing")
    asked = parser.parse_args()
    asked.names = asked.names or list(_TARGETS)
    if unknown := [name for name in asked.names if name not in _TARGETS]:
        parser.error(f"no such name: {', '.join(unknown)}")
    if (asked.survivors or asked.table) and not (asked.output and asked.output.exists()):
        parser.error("--survivors and --table need --output with the file of an earlier outcome")
    return asked


if __name__ == "__main__":
    sys.exit(main())
