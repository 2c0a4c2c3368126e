"""One ONNX graph from a frame to its mask, for programs that run ONNX and know nothing of AER-Net.

Resizing is two matrix products. The graph computes the weights from the shape of the frames, in whole numbers
that float32 holds exactly for sides of up to 16384 pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from aernet.engine.onnx_model import read_model
from aernet.engine.rounding import open_session
from aernet.errors import ModelError
from aernet.evaluation.metrics import score
from aernet.files import replacing
from aernet.pictures import read_picture
from aernet.segmenter import Segmenter
from aernet.training.xyz import XYZ_FROM_RGB

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt
    import onnx

    from aernet.engine.onnx_model import OnnxModel

LEAST_DICE = 0.999
_SIZES = ((80, 64), (777, 200), (517, 301))
"""Width and height of the copies of each picture: no side, one side or both are larger than the network's."""
_LAB_FROM_XYZ = np.array([[0, 1.16, 0], [500 / 255, -500 / 255, 0], [0, 200 / 255, -200 / 255]])
_LAB_OFFSET = np.array([-0.16, 128 / 255, 128 / 255])

# An output pixel is an interval of the input (area) or a point between input pixels (bilinear). `weights` is
# S x side: row i has what each input pixel adds to output pixel i. See cpp/core/filter.h and colour.h.
_PREPROCESSING = """
<ir_version: {ir_version}, opset_import: ["" : {opset}]>
preprocessing (uint8[batch, height, width, 3] frames)
  => (float[batch, 3, {size}, {size}] image, int64[2] frame_size)
<
  int64 zero = {{0}}, int64 one = {{1}}, int64[1] height_axis = {{1}}, int64[1] width_axis = {{2}},
  float[{size}, 1] index = {{{index}}},
  float[3, 3, 1, 1] xyz_from_bgr = {{{xyz_from_bgr}}},
  float[3, 3, 1, 1] lab_from_xyz = {{{lab_from_xyz}}},
  float[3] lab_offset = {{{lab_offset}}},
  int64[4] to_rows = {{0, {size}, -1, 3}},
  int64[3] flat = {{0, 0, -1}},
  float size = {{{size}}}, float twice_size = {{{twice_size}}}, float two = {{2}}, float unit = {{1}},
  float nothing = {{0}}, float white = {{255}}
>
{{
  shape = Shape (frames)
  frame_size = Shape <start = 1, end = 3> (frames)
  height_1 = Gather (shape, height_axis)
  width_1 = Gather (shape, width_axis)
  {height_weights}
  {width_weights}
  shrinks = And (height_shrinks, width_shrinks)
  rows_weights = Where (shrinks, height_area, height_bilinear)
  columns_weights = Where (shrinks, width_area, width_bilinear)
  columns_by_pixel = Transpose <perm = [1, 0]> (columns_weights)

  bytes = Cast <to = 1> (frames)
  lines = Reshape (bytes, flat)
  averaged_lines = MatMul (rows_weights, lines)
  averaged_rows = Reshape (averaged_lines, to_rows)
  planes = Transpose <perm = [0, 3, 1, 2]> (averaged_rows)
  averaged = MatMul (planes, columns_by_pixel)
  bgr = Div (averaged, white)

  toe_end = Constant <value_float = 0.04045> ()
  toe_slope = Constant <value_float = 12.92> ()
  offset = Constant <value_float = 0.055> ()
  scale = Constant <value_float = 1.055> ()
  exponent = Constant <value_float = 2.4> ()
  toe = Div (bgr, toe_slope)
  raised = Add (bgr, offset)
  base = Div (raised, scale)
  power = Pow (base, exponent)
  dark = LessOrEqual (bgr, toe_end)
  linear = Where (dark, toe, power)

  xyz = Conv <kernel_shape = [1, 1]> (linear, xyz_from_bgr)
  third = Constant <value_float = 0.333333333> ()
  knee = Constant <value_float = 0.008856452> ()
  slope = Constant <value_float = 7.787037037> ()
  foot = Constant <value_float = 0.137931034> ()
  root = Pow (xyz, third)
  sloped = Mul (xyz, slope)
  tangent = Add (sloped, foot)
  bright = Greater (xyz, knee)
  response = Where (bright, root, tangent)
  lab = Conv <kernel_shape = [1, 1]> (response, lab_from_xyz, lab_offset)
  image = Clip (lab, nothing, unit)
}}
"""

_WEIGHTS = """
  SIDE_0 = Squeeze (SIDE_1)
  SIDE_pixels = Range (zero, SIDE_0, one)
  SIDE_pixel = Cast <to = 1> (SIDE_pixels)
  SIDE = Cast <to = 1> (SIDE_1)
  SIDE_shrinks = GreaterOrEqual (SIDE, size)

  SIDE_begin = Mul (index, SIDE)
  SIDE_end = Add (SIDE_begin, SIDE)
  SIDE_left = Mul (SIDE_pixel, size)
  SIDE_right = Add (SIDE_left, size)
  SIDE_first = Max (SIDE_begin, SIDE_left)
  SIDE_last = Min (SIDE_end, SIDE_right)
  SIDE_overlap = Sub (SIDE_last, SIDE_first)
  SIDE_covered = Max (SIDE_overlap, nothing)
  SIDE_area = Div (SIDE_covered, SIDE)

  SIDE_middle = Add (SIDE_begin, SIDE_end)
  SIDE_point = Sub (SIDE_middle, size)
  SIDE_before_last = Sub (SIDE, unit)
  SIDE_limit = Mul (SIDE_before_last, twice_size)
  SIDE_not_before = Max (SIDE_point, nothing)
  SIDE_inside = Min (SIDE_not_before, SIDE_limit)
  SIDE_position = Mul (SIDE_left, two)
  SIDE_offset = Sub (SIDE_inside, SIDE_position)
  SIDE_distance = Abs (SIDE_offset)
  SIDE_share = Div (SIDE_distance, twice_size)
  SIDE_rest = Sub (unit, SIDE_share)
  SIDE_bilinear = Max (SIDE_rest, nothing)
"""

_MASK = """
<ir_version: {ir_version}, opset_import: ["" : {opset}]>
masks (int64[2] frame_size, float[batch, 1, {size}, {size}] probability)
  => (uint8[batch, height, width] mask)
<
  float threshold = {{{threshold}}}, int32 lesion = {{255}}, int32 skin = {{0}},
  int64[1] channel_axis = {{1}}
>
{{
  enlarged = Resize <mode = "linear", coordinate_transformation_mode = "half_pixel", axes = [2, 3]>
    (probability, , , frame_size)
  in_frame = Squeeze (enlarged, channel_axis)
  reached = GreaterOrEqual (in_frame, threshold)
  level = Where (reached, lesion, skin)
  mask = Cast <to = 2> (level)
}}
"""


def write_whole_graph(model: Path, output: Path, pictures: Sequence[Path]) -> float:
    """Write a model with its preprocessing and its mask as one ONNX graph, with the card of the model.

    The input `frames` is uint8 BGR, N x H x W x 3 of any height and width. The output `mask` is uint8,
    N x H x W, 255 where the lesion is, else 0. The weights are float32.

    Args:
        model: an ONNX file of `aernet-trt export`.
        output: the ONNX file to write.
        pictures: on these, and on copies of other sizes, ONNX Runtime's masks must be those of `Segmenter`.

    Returns:
        The least Dice index of a mask of the graph and one of `Segmenter`.

    Raises:
        ModelError: `model` is not an AER-Net model, or a Dice index is below 0.999; nothing is written.
        SourceError: a picture cannot be read.
    """
    graph = _whole_graph(read_model(model))
    import onnx  # noqa: PLC0415 - an extra

    onnx.checker.check_model(graph, full_check=True)
    dice = min(_dices(model, graph, pictures))
    if dice < LEAST_DICE:
        raise ModelError(
            f"{output}: not written, its masks and those of Segmenter have a Dice index of {dice:.4f} (limit"
            f" {LEAST_DICE}); report this model"
        )
    with replacing(output) as temporary:
        onnx.save(graph, temporary)
    return dice


def _whole_graph(model: OnnxModel) -> onnx.ModelProto:
    from onnx import compose, helper, parser  # noqa: PLC0415

    card, opset = model.card, model.proto.opset_import
    values = {
        "ir_version": model.proto.ir_version,
        "opset": opset[0].version,
        "size": card.size,
        "twice_size": 2 * card.size,
        "threshold": np.float32(card.threshold),
        "index": _listed(np.arange(card.size, dtype=np.float32)),
        "xyz_from_bgr": _listed(np.array(XYZ_FROM_RGB)[:, ::-1]),
        "lab_from_xyz": _listed(_LAB_FROM_XYZ),
        "lab_offset": _listed(_LAB_OFFSET),
    }
    weights = {f"{side}_weights": _WEIGHTS.replace("SIDE", side) for side in ("height", "width")}
    parts = (
        parser.parse_model(_PREPROCESSING.format(**values, **weights)).graph,
        compose.add_prefix_graph(model.proto.graph, "network/", rename_inputs=False, rename_outputs=False),
        parser.parse_model(_MASK.format(**values)).graph,
    )
    graph = helper.make_graph(
        [node for part in parts for node in part.node],
        card.name,
        parts[0].input,
        parts[2].output,
        [tensor for part in parts for tensor in part.initializer],
    )
    whole = helper.make_model(graph, opset_imports=opset, ir_version=model.proto.ir_version)
    helper.set_model_props(whole, model.metadata)
    return whole


def _listed(values: npt.NDArray[np.floating]) -> str:
    return ", ".join(map(str, values.astype(np.float32).ravel().tolist()))


def _dices(model: Path, graph: onnx.ModelProto, pictures: Sequence[Path]) -> Iterator[float]:
    session = open_session(graph)
    with Segmenter(model, device="cpu") as segmenter:
        for picture in map(read_picture, pictures):
            for frame in (picture, *(cv2.resize(picture, size) for size in _SIZES)):
                (masks,) = session.run(["mask"], {"frames": frame[None]})
                yield score(masks[0], segmenter(frame).mask).dice
