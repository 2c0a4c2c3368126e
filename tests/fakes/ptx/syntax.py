"""PTX as nvcc writes it, taken apart: the kernels of a module, their registers and their instructions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

ENTRY = re.compile(r"\.entry\s+(\w+)\(\s*(.*?)\)[^{]*\{\n(.*?)\n\}", re.DOTALL)
PARAMETER = re.compile(r"\.param \.align \d+ \.b8 (\w+)\[\d+\]")
REGISTERS = re.compile(r"\.reg\s+\.(\w+)\s+%(\w+)<(\d+)>;")
SHARED = re.compile(r"\.shared \.align \d+ \.b8 (\w+)\[(\d+)\];")
LABEL = re.compile(r"(\$\w+):")
INSTRUCTION = re.compile(r"(?:@(!?%p\d+)\s+)?([a-z][\w.]*)\s*(.*);")
UPPER_HALF = re.compile(r"\{\s*\.reg \.b32 tmp;\s*mov\.b64 \{tmp, (%\w+)\}, (%\w+);\s*\}")
OPERAND = re.compile(r"\{[^}]*\}|\[[^]]*\]|[^,\s]+")


@dataclass(frozen=True)
class Instruction:
    """One instruction: `@guard opcode operands;`."""

    guard: str
    """Predicate register, with `!` before it where negated, or empty."""
    opcode: str
    operands: tuple[str, ...]


@dataclass(frozen=True)
class Label:
    """A place to branch to."""

    name: str


@dataclass
class Kernel:
    """One `.entry`."""

    name: str
    parameter: str
    """The only parameter, a struct."""
    registers: list[tuple[str, str, int]] = field(default_factory=list)
    """Type, name without its number, and one more than the highest number."""
    shared: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Offset and size in bytes of each array in shared memory."""
    body: list[Instruction | Label] = field(default_factory=list)

    @property
    def shared_bytes(self) -> int:
        return sum(size for _, size in self.shared.values())


def parsed(text: str) -> list[Kernel]:
    """Return the kernels of a module.

    Raises:
        ValueError: a line is nothing that is known here.
    """
    text = UPPER_HALF.sub(r"upper.b64 \1, \2;", re.sub(r"//.*", "", text))
    return [_kernel(*match.groups()) for match in ENTRY.finditer(text)]


def _kernel(name: str, parameters: str, body: str) -> Kernel:
    (parameter,) = PARAMETER.findall(parameters)
    kernel = Kernel(name, parameter)
    for line in filter(None, map(str.strip, body.split("\n"))):
        if found := REGISTERS.fullmatch(line):
            kernel.registers.append((found[1], found[2], int(found[3])))
        elif found := SHARED.fullmatch(line):
            kernel.shared[found[1]] = (kernel.shared_bytes, int(found[2]))
        elif found := LABEL.fullmatch(line):
            kernel.body.append(Label(found[1]))
        elif found := INSTRUCTION.fullmatch(line):
            kernel.body.append(Instruction(found[1] or "", found[2], tuple(OPERAND.findall(found[3]))))
        elif not line.startswith(".pragma"):
            raise ValueError(f"{name}: unknown line of PTX: {line}")
    return kernel
