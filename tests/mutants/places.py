"""The places of a module where Cosmic Ray can change it, and what it then says."""

from __future__ import annotations

import ast
import difflib
import itertools
import random
from collections import defaultdict
from dataclasses import dataclass

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from trial import PACKAGE

# Nobody writes `is` for `==`, and where Python keeps one object of a kind they do the same.
_SAME = ("Eq_Is", "Is_Eq", "NotEq_IsNot", "IsNot_NotEq")


@dataclass(frozen=True)
class Mutant:
    """A module with one change."""

    module: str
    line: int
    operator: str
    occurrence: int
    before: str
    """The lines that are changed, without their indentation."""
    after: str
    """What they become."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What stays the same while other lines of the module change."""
        return self.module, self.before, self.after

    @property
    def source(self) -> str:
        """The source of the whole module."""
        return _changed(_source(self.module), self.operator, self.occurrence)

    @property
    def lines(self) -> range:
        """The lines of the statement that is changed, without the statements in it."""
        tree = ast.parse(_source(self.module))
        around = [one for one in ast.walk(tree) if isinstance(one, ast.stmt)]
        around = [one for one in around if one.lineno <= self.line <= one.end_lineno]
        if not around:  # a decorator
            return range(self.line, self.line + 1)
        innermost = max(around, key=lambda one: one.lineno)
        body = getattr(innermost, "body", None)
        return range(innermost.lineno, body[0].lineno if body else innermost.end_lineno + 1)


def mutants(modules: list[str], sample: int | None, seed: int) -> list[Mutant]:
    """Return one change at each of so many random places, or all changes at all; the places in random order.

    What the interpreter does not look at, such as the types of arguments, is left out.
    """
    places = defaultdict(list)
    for module in modules:
        source = _source(module)
        ignored = _ignored(source)
        nodes = list(ast_nodes(get_ast(source)))
        for name in sorted(operator_names()):
            operator = get_operator(name)
            if operator.arguments() or name.endswith(_SAME):
                continue
            positions = (place for node in nodes for place in operator().mutation_positions(node))
            for occurrence, place in enumerate(positions):
                if not any(begin <= place[0] < end for begin, end in ignored):
                    places[module, place].append((name, occurrence))
    chosen = sorted(places)
    random.Random(f"{seed} {' '.join(modules)}").shuffle(chosen)  # a larger sample holds the smaller
    found = []
    for module, place in chosen[:sample]:
        changes = places[module, place]
        random.Random(f"{seed} {module} {place}").shuffle(changes)
        different = (_mutant(module, place[0][0], *change) for change in changes)
        possible = (one for one in different if one is not None)
        found += possible if sample is None else itertools.islice(possible, 1)
    return found


def _mutant(module: str, line: int, operator: str, occurrence: int) -> Mutant | None:
    """Return a change; None if Cosmic Ray cannot make it, or Python does not take it."""
    source = _source(module)
    try:
        changed = _changed(source, operator, occurrence)
        compile(changed, module, "exec")
    except (AttributeError, SyntaxError):  # the former for `except module.Error`
        return None
    lines = list(difflib.ndiff(source.splitlines(), changed.splitlines()))
    before, after = (" ".join(one[2:].strip() for one in lines if one[:2] == sign) for sign in ("- ", "+ "))
    return Mutant(module, line, operator, occurrence, before, after)


def _changed(source: str, operator: str, occurrence: int) -> str:
    changed = mutate_code(source, get_operator(operator)(), occurrence)
    assert changed is not None
    return changed


def _source(module: str) -> str:
    return (PACKAGE / module).read_text(encoding="utf-8")


def _ignored(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return where annotations, and what only a type checker reads, begin and end."""
    found = []
    for node in ast.walk(ast.parse(source)):
        parts = [getattr(node, name, None) for name in ("annotation", "returns")]
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            parts += node.body
        found += [
            ((part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset))
            for part in parts
            if part is not None
        ]
    return found
