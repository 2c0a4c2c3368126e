"""A model that float16 leaves as it is, and one that it does not; an engine with a manifest, made by hand."""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
from dark_model import METADATA as DARK
from dark_model import SIZE
from onnx import TensorProto, helper, numpy_helper

from aernet.engine.manifest import Manifest, write_engine
from aernet.engine.onnx_model import read_model

METADATA = DARK | {"aernet.name": "darker", "aernet.threshold": "0.5", "aernet.metrics": "{}"}


def write_network(path, *, gain=1.0, metadata=METADATA):
    """Write probability = sigmoid(20 (0.6 - L / 100)) as four convolutions, activations up to gain^2 / 2.

    What is darker than L = 60 is lesion. The second and third convolution have 32 and 64 channels, of which
    two carry the answer.
    """
    random = np.random.default_rng(0)

    def weights(outputs, inputs, answer):
        # The other channels stay among themselves, and the last layer drops them.
        array = random.normal(0, 0.02, (outputs, inputs, 3, 3))
        array[:2] = 0
        array[:2, :2, 1, 1] = answer
        return array.astype(np.float32)

    tensors = {
        "centre": np.array([0.6, 0.5, 0.5], np.float32).reshape(1, 3, 1, 1),
        "w1": weights(16, 3, [[-gain, 0], [gain, 0]]),
        "w2": weights(32, 16, [[gain, 0], [0, gain]]),
        "w3": weights(64, 32, [[1 / gain, 0], [0, 1 / gain]]),
        "w4": np.zeros((1, 64, 1, 1), np.float32),
    }
    tensors["w4"][0, :2, 0, 0] = (20 / gain, -20 / gain)
    same = {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}
    nodes = [
        helper.make_node("Sub", ["image", "centre"], ["centred"], "centring"),
        helper.make_node("Conv", ["centred", "w1"], ["c1"], "stem", **same),
        helper.make_node("Relu", ["c1"], ["r1"], "stem_relu"),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], "middle", **same),
        helper.make_node("Relu", ["c2"], ["r2"], "middle_relu"),
        helper.make_node("Conv", ["r2", "w3"], ["c3"], "last", **same),
        helper.make_node("Relu", ["c3"], ["r3"], "last_relu"),
        helper.make_node("Conv", ["r3", "w4"], ["logit"], "head", kernel_shape=[1, 1]),
        helper.make_node("Sigmoid", ["logit"], ["probability"], "sigmoid"),
    ]
    graph = helper.make_graph(
        nodes,
        "darker",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["batch", 1, SIZE, SIZE])],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path


def float32_bytes(path):
    """Return what a model's numbers take in float32, however its file stores them."""
    return sum(4 * int(np.prod(tensor.dims)) for tensor in read_model(path).proto.graph.initializer)


def write_crafted(path, network, *, plan=None, **changes):
    """Write what looks like an engine of a model, with its manifest; changes go into the manifest."""
    version = bytes(map(int, changes.get("runtime_version", "1.7.1.116").split(".")))
    magic = b"ftrt" if changes.get("runtime") == "tensorrt" else b"vtrt"
    plan = plan or magic + bytes(20) + version.ljust(4, b"\0") + bytes(range(256))
    values = {
        "aernet": "0.1.0",
        "model": str(network),
        "metadata": METADATA,
        "onnx_sha256": hashlib.sha256(network.read_bytes()).hexdigest(),
        "plan_sha256": hashlib.sha256(plan).hexdigest(),
        "runtime": "tensorrt-rtx",
        "runtime_version": "1.7.1.116",
        "gpu": None,
        "compute_capabilities": ("8.6", "8.9", "12.0", "12.1"),
        "precision": "fp16",
        "convolutions": {"float16": 2, "float32": 2},
        "batch": (1, 1, 8),
        "workspace_mib": None,
        "optimization_level": None,
        "target": None,
        "conversion": None,
        "verification": None,
        "layers": (),
    }
    write_engine(path, plan, Manifest(**(values | changes)))
    return path
