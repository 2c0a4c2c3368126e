"""Stands in for Triton: reads a repository by its own schema, and runs its models as the server would.

The steps in Python see the interface of `triton_python_backend_utils`; the graphs run in ONNX Runtime. Every
tensor is checked against the configuration, as the server does.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import numpy as np
import onnxruntime
from google.protobuf import json_format, text_format
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig
from tritonclient.utils import triton_to_np_dtype


class RefusedError(Exception):
    """What a client gets instead of its tensors."""


class Tensor:
    def __init__(self, name, array):
        self._name, self._array = name, array

    def name(self):
        return self._name

    def as_numpy(self):
        return self._array


class TritonError:
    def __init__(self, message):
        self._message = message

    def message(self):
        return self._message


class InferenceResponse:
    def __init__(self, output_tensors, error=None):
        self._tensors, self._error = output_tensors, error

    def output_tensors(self):
        return self._tensors

    def error(self):
        return self._error


class InferenceRequest:
    def __init__(self, tensors):
        self._tensors = tensors

    def inputs(self):
        return self._tensors


def get_input_tensor_by_name(request, name):
    return next((tensor for tensor in request.inputs() if tensor.name() == name), None)


def install(monkeypatch):
    """Let `import triton_python_backend_utils` find the stand-in."""
    module = ModuleType("triton_python_backend_utils")
    for thing in (Tensor, TritonError, InferenceResponse, get_input_tensor_by_name):
        setattr(module, thing.__name__, thing)
    monkeypatch.setitem(sys.modules, module.__name__, module)


class Server:
    """The models of a repository."""

    def __init__(self, repository):
        self._repository = repository
        self.configs = {}
        for file in sorted(repository.glob("*/config.pbtxt")):
            config = text_format.Parse(file.read_text(encoding="utf-8"), ModelConfig())
            assert config.name == file.parent.name  # or the server does not load it
            assert [version.name for version in file.parent.iterdir() if version.is_dir()] == ["1"]
            self.configs[config.name] = config
        self._models = {name: self._load(config) for name, config in self.configs.items()}

    def __call__(self, model, **inputs):
        """Return the output tensors of a request, by name."""
        config = self.configs[model]
        _check(config, config.input, inputs)
        outputs = self._models[model](inputs)
        _check(config, config.output, outputs)
        return outputs

    def _load(self, config):
        version = self._repository / config.name / "1"
        if config.platform == "ensemble":
            assert not list(version.iterdir())
            return lambda inputs: self._run_ensemble(config, inputs)
        if config.backend == "python":
            return _python_model(config, version / "model.py")
        assert config.backend == "onnxruntime"
        session = onnxruntime.InferenceSession(version / "model.onnx", providers=["CPUExecutionProvider"])
        names = [value.name for value in session.get_outputs()]
        return lambda inputs: dict(zip(names, session.run(names, inputs), strict=True))

    def _run_ensemble(self, config, inputs):
        tensors = dict(inputs)
        for step in config.ensemble_scheduling.step:
            assert config.max_batch_size <= self.configs[step.model_name].max_batch_size
            given = {key: tensors[value] for key, value in step.input_map.items()}
            made = self(step.model_name, **given)
            tensors |= {value: made[key] for key, value in step.output_map.items()}
        return {output.name: tensors[output.name] for output in config.output}


def _python_model(config, file):
    specification = importlib.util.spec_from_file_location(f"model_of_{config.name}", file)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    model = module.TritonPythonModel()
    text = json_format.MessageToJson(config, preserving_proto_field_name=True)
    model.initialize({"model_name": config.name, "model_version": "1", "model_config": text})

    def run(inputs):
        request = InferenceRequest([Tensor(name, array) for name, array in inputs.items()])
        (response,) = model.execute([request])
        if response.error() is not None:
            raise RefusedError(response.error().message())
        return {tensor.name(): tensor.as_numpy() for tensor in response.output_tensors()}

    return run


def _check(config, expected, tensors):
    assert {value.name for value in expected} == set(tensors)
    for value in expected:
        array = tensors[value.name]
        kind = DataType.Name(value.data_type).removeprefix("TYPE_")
        assert array.dtype == np.dtype(triton_to_np_dtype(kind))
        assert 1 <= len(array) <= config.max_batch_size
        assert len(array.shape) == 1 + len(value.dims)
        for found, dimension in zip(array.shape[1:], value.dims, strict=True):
            assert dimension in (-1, found)
