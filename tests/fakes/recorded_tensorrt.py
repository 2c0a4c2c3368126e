"""TensorRT as its bindings describe it: calls are checked against recorded signatures, answers are given.

`bindings/record.py` wrote the signatures down from the real bindings.
"""

from __future__ import annotations

import enum
import inspect
import json
from pathlib import Path

import numpy as np

BINDINGS = sorted(Path(__file__).with_name("bindings").glob("*.json"))


class Recorded:
    """Stands for a TensorRT module; `calls` is all that was called or set, in order."""

    def __init__(self, path, answers=()):
        content = json.loads(path.read_text())
        self.name = "tensorrt-rtx" if path.stem.startswith("tensorrt-rtx") else "tensorrt"
        self.__version__ = content.pop("version")
        self.answers = dict(answers)
        self.calls = []
        self.kinds = {}
        for name, members in content.items():
            if all(isinstance(value, int) for value in members.values()):
                setattr(self, name, enum.IntEnum(name, members))
            else:
                self.kinds[name] = members
                setattr(self, name, self._constructor(name))

        class ILogger:
            Severity = enum.Enum("Severity", ("INTERNAL_ERROR", "ERROR", "WARNING", "INFO", "VERBOSE"))

        class IProgressMonitor:
            pass

        self.ILogger, self.IProgressMonitor = ILogger, IProgressMonitor

    def nptype(self, kind):
        return {"FLOAT": np.float32, "HALF": np.float16}[kind.name]

    def called(self, name):
        """Return the arguments of each call, or the values set."""
        return [arguments for called, arguments in self.calls if called == name]

    def call(self, kind, name, arguments, keywords):
        """Check a call against every overload, note it and answer it."""
        overloads = self.kinds[kind][name]
        fitting = [overload for overload in overloads if fits(overload, arguments, keywords)]
        assert fitting, f"{kind}.{name}{arguments}{keywords} fits none of {overloads}"
        self.calls.append((f"{kind}.{name}", (*arguments, *keywords.values())))
        if (key := f"{kind}.{name}") in self.answers:
            answer = self.answers[key]
            return answer(*arguments, **keywords) if callable(answer) else answer
        result = fitting[0].rpartition(" -> ")[2]
        if result in self.kinds:
            return Instance(self, result)
        return {"None": None, "bool": True, "int": 0, "str": ""}[result]

    def _constructor(self, kind):
        def construct(*arguments, **keywords):
            self.call(kind, "__init__", arguments, keywords)
            return Instance(self, kind)

        return construct


class Instance:
    """An object of a recorded class."""

    def __init__(self, module, kind):
        object.__setattr__(self, "_module", module)
        object.__setattr__(self, "_kind", kind)

    def __getattr__(self, name):
        members = self._module.kinds[self._kind]
        if name not in members:
            raise AttributeError(f"{self._kind} of {self._module.__version__} has no {name}")
        if isinstance(members[name], list):
            return lambda *arguments, **keywords: self._module.call(self._kind, name, arguments, keywords)
        return self._module.answers[f"{self._kind}.{name}"]

    def __setattr__(self, name, value):
        found = self._module.kinds[self._kind].get(name)
        assert found == "read-write", f"{self._kind}.{name} is {found}"
        self._module.calls.append((f"{self._kind}.{name}", value))


def fits(overload, arguments, keywords):
    names = overload[1 : overload.index(")")].split(", ")
    parameters = [
        inspect.Parameter(
            name.removesuffix("=None"),
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=None if name.endswith("=None") else inspect.Parameter.empty,
        )
        for name in names
    ]
    try:
        inspect.Signature(parameters).bind(None, *arguments, **keywords)
    except TypeError:
        return False
    return True
