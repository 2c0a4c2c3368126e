"""The files `config.pbtxt`, in the text format of Triton's `ModelConfig` (model_config.proto)."""

from __future__ import annotations

NETWORK = """\
name: "{name}"
backend: "{backend}"
max_batch_size: {batch}
input [ {{ name: "image" data_type: TYPE_FP32 dims: [ 3, {size}, {size} ] }} ]
output [ {{ name: "probability" data_type: TYPE_FP32 dims: [ 1, {size}, {size} ] }} ]
dynamic_batching {{ max_queue_delay_microseconds: 1000 }}
"""
"""The network alone; Triton puts the pictures of several requests into one run."""

FRAMES = """\
name: "{name}"
backend: "onnxruntime"
max_batch_size: {batch}
input [ {{ name: "frames" data_type: TYPE_UINT8 dims: [ -1, -1, 3 ] }} ]
output [ {{ name: "mask" data_type: TYPE_UINT8 dims: [ -1, -1 ] }} ]
dynamic_batching {{ max_queue_delay_microseconds: 1000 }}
"""
"""The graph of `aernet.whole_graph`; frames of one size share a run."""

# Pictures of one request could differ in size, which no tensor can, so that each has a request of its own.
PREPARE = """\
name: "{name}"
backend: "python"
max_batch_size: 1
input [ {{ name: "picture" data_type: TYPE_UINT8 dims: [ -1 ] }} ]
output [
  {{ name: "image" data_type: TYPE_FP32 dims: [ 3, {size}, {size} ] }},
  {{ name: "frame_size" data_type: TYPE_INT32 dims: [ 2 ] }}
]
instance_group [ {{ kind: KIND_CPU count: 2 }} ]
parameters {{ key: "size" value {{ string_value: "{size}" }} }}
"""
"""From the file of a picture to what the network sees."""

MASK = """\
name: "{name}"
backend: "python"
max_batch_size: 1
input [
  {{ name: "probability" data_type: TYPE_FP32 dims: [ 1, {size}, {size} ] }},
  {{ name: "frame_size" data_type: TYPE_INT32 dims: [ 2 ] }}
]
output [ {{ name: "mask" data_type: TYPE_UINT8 dims: [ -1, -1 ] }} ]
instance_group [ {{ kind: KIND_CPU }} ]
parameters {{ key: "threshold" value {{ string_value: "{threshold}" }} }}
"""
"""From the network's output to the mask."""

ENSEMBLE = """\
name: "{name}"
platform: "ensemble"
max_batch_size: 1
input [ {{ name: "picture" data_type: TYPE_UINT8 dims: [ -1 ] }} ]
output [ {{ name: "mask" data_type: TYPE_UINT8 dims: [ -1, -1 ] }} ]
ensemble_scheduling {{
  step [
    {{
      model_name: "{prepare}"
      model_version: -1
      input_map {{ key: "picture" value: "picture" }}
      output_map [ {{ key: "image" value: "image" }}, {{ key: "frame_size" value: "frame_size" }} ]
    }},
    {{
      model_name: "{network}"
      model_version: -1
      input_map {{ key: "image" value: "image" }}
      output_map {{ key: "probability" value: "probability" }}
    }},
    {{
      model_name: "{mask}"
      model_version: -1
      input_map [
        {{ key: "probability" value: "probability" }},
        {{ key: "frame_size" value: "frame_size" }}
      ]
      output_map {{ key: "mask" value: "mask" }}
    }}
  ]
}}
"""
"""The three in a row, from the file of a picture to its mask."""
