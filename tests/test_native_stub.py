"""The signatures in _native.pyi are those of the extension, which stubtest cannot see."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from aernet import _native

STUB = ast.parse(Path(_native.__file__).with_name("_native.pyi").read_text(encoding="utf-8"))


def _functions():
    """Yield the name of each function and method of the stub, with its arguments."""
    for node in STUB.body:
        for function in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(function, ast.FunctionDef) and not function.decorator_list:
                name = function.name if function is node else f"{node.name}.{function.name}"
                yield pytest.param(name, function.args, id=name)


def _described(arguments):
    """Return names and defaults: in order, then of keywords alone."""
    ordered = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(ordered) - len(arguments.defaults)) + arguments.defaults
    pairs = zip([*ordered, *arguments.kwonlyargs], [*defaults, *arguments.kw_defaults], strict=True)
    described = [(one.arg, default and ast.unparse(default)) for one, default in pairs]
    return described, len(arguments.kwonlyargs), arguments.vararg is not None


@pytest.mark.parametrize(("name", "arguments"), list(_functions()))
def test_names_and_defaults(name, arguments):
    owner, _, method = name.rpartition(".")
    if _native.cuda_version is None and (owner or not hasattr(_native, name)):
        pytest.skip("the extension was built without CUDA")
    there = getattr(getattr(_native, owner), method) if owner else getattr(_native, name)
    signature = inspect.getdoc(there).splitlines()[0].rpartition(" -> ")[0]
    assert _described(arguments) == _described(ast.parse(f"def {signature}: ...").body[0].args)
