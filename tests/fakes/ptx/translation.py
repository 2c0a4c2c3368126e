"""PTX as C++: a kernel is a function of one thread, an instruction a call of its namesake (arithmetic.h)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fakes.ptx.syntax import Instruction, Kernel, Label, parsed

if TYPE_CHECKING:
    from collections.abc import Iterable

TYPES = {"b8": "u8", "b16": "u16", "b32": "u32", "b64": "u64", "f32": "f32", "pred": "pred"} | {
    f"{sign}{bits}": f"{sign}{bits}" for sign in "us" for bits in (8, 16, 32, 64)
}
"""Types of PTX, and what they are called in arithmetic.h."""
STORED = {"pred": "pred", "b16": "u16", "b32": "u32", "b64": "u64", "f32": "u32"}
"""What a register of a type is kept in."""
SPECIAL = re.compile(r"%(tid|ntid|ctaid|nctaid)\.([xyz])")
ADDRESS = re.compile(r"\[\s*([%\w]+?)(?:\+(-?\d+))?\s*\]")
ARGUMENTS = {
    "shl": (None, "u32"),
    "shr": (None, "u32"),
    "bfi": (None, None, "u32", "u32"),
    "selp": (None, None, "pred"),
}
"""Types of arguments that differ from the instruction's (None)."""
RESERVED = {"and", "or", "xor", "not"}
"""Instructions whose names are operators in C++."""


def translated(modules: Iterable[str]) -> str:
    """Return the C++ of the modules' kernels, with a table of them.

    Raises:
        ValueError: something is not known here.
    """
    functions, entries = [], []
    for number, kernel in enumerate(kernel for module in modules for kernel in parsed(module)):
        function = _Function(kernel)
        functions.append(function.text(f"kernel_{number}"))
        opcodes = ", ".join(f'"{opcode}"' for opcode in function.opcodes)
        entries.append(f'{{"{kernel.name}", kernel_{number}, {kernel.shared_bytes}, {{{opcodes}}}}},')
    return "\n".join(
        [
            '#include "arithmetic.h"',
            '#include "machine.h"',
            "namespace ptx {",
            *functions,
            "const std::vector<Entry> entries{",
            *entries,
            "};",
            "}",
        ]
    )


class _Function:
    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.opcodes: list[str] = []
        """Of all instructions so far; the index is an instruction's number."""

    def text(self, name: str) -> str:
        lines = [f"static void {name}([[maybe_unused]] Thread& thread, const u8* parameters) {{"]
        for kind, register, count in self.kernel.registers:
            names = ", ".join(f"{register}_{index}{{}}" for index in range(count))
            lines.append(f"[[maybe_unused]] {STORED[kind]} {names};")
        for statement in self.kernel.body:
            if isinstance(statement, Label):
                lines.append(f"{statement.name.strip('$')}:;")
            else:
                lines.append(self.statement(statement))
        return "\n".join([*lines, "}"])

    def statement(self, instruction: Instruction) -> str:
        self.opcodes.append(instruction.opcode)
        call = self.call(instruction, len(self.opcodes) - 1)
        if instruction.guard:
            call = f"if ({self.value(instruction.guard, 'pred')}) {{ {call} }}"
        return f"COUNT({len(self.opcodes) - 1}); {call}"

    def call(self, instruction: Instruction, number: int) -> str:
        opcode, *modifiers = instruction.opcode.split(".")
        operands = instruction.operands
        if opcode == "bra":
            return f"goto {operands[0].strip('$')};"
        if opcode == "bar":
            return "thread.barrier();"
        if opcode == "ret":
            return "return;"
        if opcode in {"ld", "st"}:
            return self.access(opcode, modifiers, operands, number)
        types = [TYPES[modifier] for modifier in modifiers if modifier in TYPES]
        name = "_".join([opcode, *(modifier for modifier in modifiers if modifier not in TYPES)])
        if opcode == "cvta":
            name = "mov"
        elif opcode in RESERVED:
            name = f"bits_{opcode}"
        kinds = ARGUMENTS.get(opcode, (None,) * (len(operands) - 1))
        sources = [
            self.value(operand, kind or types[-1]) for operand, kind in zip(operands[1:], kinds, strict=True)
        ]
        return f"put({_variable(operands[0])}, {name}<{', '.join(types)}>({', '.join(sources)}));"

    def access(self, opcode: str, modifiers: list[str], operands: tuple[str, ...], number: int) -> str:
        space, kind = modifiers[0], TYPES[modifiers[-1]]
        address, registers = operands if opcode == "st" else operands[::-1]
        names = re.findall(r"[^\s{},]+", registers)
        place = self.address(address)
        if space != "param":
            writes = "true" if opcode == "st" else "false"
            place = f"thread.{space}({place}, {len(names)} * sizeof({kind}), {writes}, {number})"
        steps = [f"const auto place = {place};"]
        for index, name in enumerate(names):
            if opcode == "ld":
                steps.append(f"put({_variable(name)}, load<{kind}>(place, {index}));")
            else:
                steps.append(f"store<{kind}>(place, {index}, {self.value(name, kind)});")
        return f"{{ {' '.join(steps)} }}"

    def address(self, text: str) -> str:
        found = ADDRESS.fullmatch(text)
        if found is None:
            raise ValueError(f"{self.kernel.name}: unknown address of PTX: {text}")
        base, offset = found[1], int(found[2] or 0)
        if base == self.kernel.parameter:
            return f"parameters + {offset}"
        start = f"{self.kernel.shared[base][0]}u" if base in self.kernel.shared else _variable(base)
        return f"address({start}, {offset})"

    def value(self, text: str, kind: str) -> str:
        if text.startswith("!"):
            return f"!{self.value(text[1:], kind)}"
        if found := SPECIAL.fullmatch(text):
            return f"thread.{found[1]}.{found[2]}"
        if text in self.kernel.shared:
            return f"{self.kernel.shared[text][0]}u"
        if text.startswith("%"):
            return f"get<{kind}>({_variable(text)})"
        number = int(text.replace("0f", "0x"), 0)
        return f"get<{kind}>(u64{{{number % 2**64}u}})"


def _variable(register: str) -> str:
    """Return `f_32` for `%f32`, lest it be a type."""
    return re.sub(r"%([a-z]+)", r"\1_", register)
