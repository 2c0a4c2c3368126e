"""The steps of the ensemble that Triton's Python backend runs.

In `model.py` a step is called `TritonPythonModel`; the interface is that of
https://github.com/triton-inference-server/python_backend.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from aernet._native import mask_from_probability, preprocess
from aernet.errors import AernetError
from aernet.pictures import decode_picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Arrays = dict[str, npt.NDArray[Any]]


class _Step:
    """A function from the input tensors of a request, without the batch's axis, to its output tensors."""

    inputs: tuple[str, ...]

    def initialize(self, args: Mapping[str, str]) -> None:
        """Read the parameters of `config.pbtxt`."""
        parameters = json.loads(args["model_config"])["parameters"]
        self.configure({name: value["string_value"] for name, value in parameters.items()})

    def configure(self, parameters: Mapping[str, str]) -> None:
        """Take the parameters."""
        raise NotImplementedError

    def run(self, tensors: Arrays) -> Arrays:
        """Return the output tensors of a request.

        Raises:
            AernetError: a tensor is not what it has to be; the client gets the message.
        """
        raise NotImplementedError

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Return a response for each request."""
        import triton_python_backend_utils as backend  # noqa: PLC0415 - it is there in the server alone

        responses = []
        for request in requests:
            given = {
                name: backend.get_input_tensor_by_name(request, name).as_numpy()[0] for name in self.inputs
            }
            try:
                made = self.run(given)
            except AernetError as error:
                refusal = backend.TritonError(str(error))
                responses.append(backend.InferenceResponse(output_tensors=[], error=refusal))
            else:
                tensors = [backend.Tensor(name, array[None]) for name, array in made.items()]
                responses.append(backend.InferenceResponse(output_tensors=tensors))
        return responses


class Prepare(_Step):
    """From `picture`, uint8, the bytes of a file, to `image` in the colour contract, float32, 3 x S x S.

    `frame_size`, int32, is the height and width of the upright picture.
    """

    inputs = ("picture",)

    def configure(self, parameters: Mapping[str, str]) -> None:
        """Take the side of the network's input."""
        self._size = int(parameters["size"])

    def run(self, tensors: Arrays) -> Arrays:
        """Decode a picture, resize it and convert its colours."""
        picture = decode_picture(tensors["picture"].tobytes(), "picture")
        frame_size = np.array(picture.shape[:2], np.int32)
        return {"image": preprocess(picture, self._size), "frame_size": frame_size}


class Mask(_Step):
    """From `probability`, float32, 1 x S x S, and `frame_size` to `mask`, uint8 0/255, height x width."""

    inputs = ("probability", "frame_size")

    def configure(self, parameters: Mapping[str, str]) -> None:
        """Take the least probability of a lesion pixel."""
        self._threshold = float(parameters["threshold"])

    def run(self, tensors: Arrays) -> Arrays:
        """Bring the probability to the picture's size, and apply the threshold."""
        height, width = map(int, tensors["frame_size"])
        # ONNX Runtime's sigmoid may round to the next number above 1.
        probability = np.minimum(tensors["probability"][0], np.float32(1))
        return {"mask": mask_from_probability(probability, height, width, self._threshold)}
